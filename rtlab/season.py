"""Season: which periods a series has, and its parts: trend, seasons and residual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.steps import register
from rtlab.ticks import Values, WholeSeries, check_count

__all__ = ["Decompose", "Decomposition", "FindPeriod", "Periods", "decompose", "find_period"]

_ALARMS = 0.01  # the share of series of noise in which find_period may see a season
_DAY = 86_400_000_000  # microseconds


def _complete(name: str, series: Any, missing: str) -> tuple[Any, int]:
    """Refuse or fill what is missing; give the series and how many ticks were filled."""
    known = np.isfinite(series.to_numpy())
    lost = len(series) - int(known.sum())
    if lost and (missing == "raise" or lost == len(series)):
        raise DataError(
            f"{lost} of {len(series)} ticks are missing or infinite, the first at "
            f"{series.index[int(np.argmin(known))]}: {name} needs all; fill them with "
            "missing='interpolate'"
        )
    places = np.arange(len(series))
    filled = np.interp(places, places[known], series.to_numpy()[known])
    if np.ptp(filled) == 0:
        raise DataError(
            f"a constant series (all {filled[0]:g}): {name} needs some change; look at what the "
            "stream brings"
        )
    return pd.Series(filled, series.index, name=series.name), lost


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _check_missing(missing: str) -> None:
    if missing not in ("raise", "interpolate"):
        raise ParameterError(
            f"missing={missing!r}: it is 'raise' or 'interpolate'; try missing='interpolate'"
        )


def _check_regular(name: str, index: Any) -> int | None:
    """Refuse ticks at unequal distances; give the usual season of this distance, if any."""
    steps: Any = np.zeros(1)  # labels: their order is all there is
    usual = None
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        steps = np.diff(index.as_unit("us").asi8)
    elif pd.api.types.is_numeric_dtype(index.dtype):
        steps = np.diff(index.to_numpy())
    if isinstance(index, pd.DatetimeIndex):
        wall = index.tz_localize(None)  # a civil day may last 23 or 25 hours
        months = np.diff(wall.year * 12 + wall.month)
        if (steps != steps[:1]).any() and (
            wall.day == wall.day[0]
        ).all() | wall.is_month_end.all():
            steps, usual = months, 12 // max(int(months[0]), 1)
        elif (steps != steps[:1]).any():
            steps = np.diff(wall.as_unit("us").asi8)
        if usual is None and len(steps) and steps[0] > 0:
            usual = {_DAY: 7, 7 * _DAY: 52}.get(int(steps[0]), _DAY // int(steps[0]))
    if len(steps) and (steps[0] == steps).all():
        return usual if usual and usual > 1 else None
    kinds, counts = np.unique(steps, return_counts=True)
    odd = int(np.argmax(steps != kinds[counts.argmax()]))
    raise DataError(
        f"irregular ticks, first from {index[odd]} to {index[odd + 1]}: {name} needs equal "
        "distances; make windows of equal length first, or series.asfreq('h') with "
        "missing='interpolate', or series.reset_index(drop=True) if only their order matters"
    )


@dataclass(frozen=True, eq=False)
class Periods:
    """What :func:`find_period` found.

    Attributes
    ----------
    table : DataFrame
        A row for each period in ticks, strongest first: ``share`` of the variance about a trend
        that it explains beyond the shorter ones found, ``acf`` at that lag, ``p_value``.
    n : int
        Ticks that were searched.
    """

    table: pd.DataFrame
    n: int

    @property
    def periods(self) -> tuple[int, ...]:
        """Periods in ticks, strongest first."""
        return tuple(int(period) for period in self.table.index)

    @property
    def best(self) -> int | None:
        """The strongest period, or None where there is no season."""
        return self.periods[0] if self.periods else None

    def __repr__(self) -> str:
        found = ", ".join(f"{p} ({self.table.share[p]:.0%})" for p in self.periods)
        return f"Periods in {self.n} ticks: {found or 'none, no season stands out'}"


@dataclass(frozen=True)
class FindPeriod(WholeSeries):
    """Periods after which a series repeats itself.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    candidates : sequence of int, optional
        Try only these; by default every peak of the autocorrelation.
    max_period : int, optional
        Longest period to try; by default, and at most, a third of the series.
    missing : {"raise", "interpolate"}, default "raise"
        Refuse missing ticks, or fill them in a straight line.

    Returns
    -------
    Periods
        Strongest first; ``best`` is None where no season stands out.

    Raises
    ------
    DataError
        If ticks are missing or irregular, or the series is constant or shorter than 6 ticks.
    ParameterError
        If a candidate is not a whole number of at least 2.

    Notes
    -----
    As in AUTOPERIOD [1]_ a period must stand out twice: the autocorrelation of the detrended
    series has a positive peak there, and the periodogram a line at one of the period's harmonics
    that no shorter period explains. The line's height over its neighbours follows an F
    distribution for any smooth spectrum, so that a trend or a random walk is no season; the
    limit is a false alarm in 100 series of noise, or fewer.

    References
    ----------
    .. [1] M. Vlachos, P. Yu and V. Castelli, "On periodicity detection and structural periodic
       similarity", SIAM International Conference on Data Mining (2005).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import rtlab as rt
    >>> hours = np.arange(240)
    >>> rt.find_period(pd.Series(np.sin(2 * np.pi * hours / 24) + hours / 50)).best
    24
    """

    candidates: Sequence[int] | None = None
    max_period: int | None = None
    missing: str = "raise"

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"missing": "interpolate"},)

    def __post_init__(self) -> None:
        _check_missing(self.missing)
        if self.max_period is not None:
            check_count("max_period", self.max_period, 2, unit="ticks", remedy=168)
        for period in self.candidates or ():
            check_count("period", period, 2, unit="ticks", remedy=24)

    def answer(self, series: Any) -> Periods:
        """Search the finished series."""
        _check_regular("find_period", series.index)
        if len(series) < 6:
            raise DataError(
                f"find_period of {len(series)} ticks: a season shows after three periods, at "
                "least 6 ticks; use a longer series"
            )
        filled, _ = _complete("find_period", series, self.missing)
        longest = min(len(series) // 3, self.max_period or len(series))
        values = filled.to_numpy()
        values = np.clip(values, *np.quantile(values, [0.005, 0.995]))  # tame outliers
        acf = _per_pair(_detrend(values, longest), longest)
        if self.candidates is None:
            tries = [p for p in range(2, longest + 1) if acf[p] > max(acf[p - 1], acf[p + 1])]
        else:
            tries = sorted({int(p) for p in self.candidates if p <= longest})
        rows: dict[int, tuple[float, float, float]] = {}
        for near in tries:
            least = max((0.95 * acf[p] for p in rows), default=0.0)
            if acf[near] <= max(least, 2 / len(values) ** 0.5):
                continue  # a repetition of a shorter one at best
            level = _detrend(values, near)
            period = near if self.candidates else _refine(level, near, longest)
            p_value = min(_line(level, period, list(rows)) * longest, 1.0)
            if p_value < _ALARMS and period not in rows:
                before = max((_explained(level, shorter) for shorter in rows), default=0.0)
                share = max(_explained(level, period) - before, 0.0)
                rows[period] = (share, acf[near], p_value)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["share", "acf", "p_value"])
        return Periods(
            table.rename_axis("period").sort_values("share", ascending=False), len(values)
        )


def _detrend(values: Values, period: int) -> Values:
    """Take away an average over two periods, which leaves the season and its neighbours.

    Beyond the ends, where the average lacks half its ticks, a line goes on from two periods.
    """
    two = np.arange(2 * period)
    begin = np.polynomial.Polynomial.fit(two, values[: 2 * period], 1)(np.arange(-period, 0))
    end = np.polynomial.Polynomial.fit(two, values[-2 * period :], 1)(two[:period] + 2 * period)
    slow = pd.Series(np.concatenate([begin, values, end])).rolling(2 * period + 1).mean()
    level = values - slow.to_numpy()[2 * period :]
    return np.asarray(level - level.mean())


def _per_pair(level: Values, longest: int) -> Values:
    """Autocorrelation divided by the number of pairs, which does not favour short lags."""
    power = np.abs(np.fft.rfft(level, 2 * len(level))) ** 2
    pairs = np.arange(len(level), len(level) - longest - 2, -1)
    acf = np.fft.irfft(power)[: longest + 2] / pairs
    return np.asarray(acf / acf[0] if acf[0] > 0 else acf)


def _explained(level: Values, period: int) -> float:
    """Share of variance that the means of each phase explain, adjusted for their number."""
    phase = np.arange(len(level)) % period
    means = np.bincount(phase, level) / np.bincount(phase)
    left = ((level - means[phase]) ** 2).sum() / (len(level) - period)
    return max(0.0, 1 - float(left / level.var(ddof=1)))


def _refine(level: Values, near: int, longest: int) -> int:
    """Find the best whole period about a peak, which noise or a trend may have moved."""
    reach = max(near // 50, 1)
    around = range(max(2, near - reach), min(longest, near + reach) + 1)
    return max(around, key=lambda period: _explained(level, period))


def _line(level: Values, period: int, known: list[int]) -> float:
    """Give the p-value of the highest line at harmonics of ``period`` alone.

    Cut to whole cycles, each harmonic is one bin of the periodogram. Over the mean of 2m
    neighbours its height follows F(2, 4m), whose tail is (1 + F / 2m) ** −2m.
    """
    cycles = len(level) // period
    power = np.abs(np.fft.rfft(level[len(level) - cycles * period :])) ** 2
    own = [k for k in range(1, period // 2 + 1) if all(k * p % period for p in known)]
    reach = min(cycles - 1, 20)
    offsets = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
    tails = [1.0]
    for k in own:
        places = k * cycles + offsets
        around = power[places[(places > 0) & (places < len(power))]]
        height = power[k * cycles] / (2 if 2 * k == period else 1)  # half the freedom at the end
        if around.mean() > 0:
            tails.append((1 + height / around.sum()) ** -float(len(around)))
        elif height > 0:
            tails.append(0.0)
    return min(tails) * max(len(own), 1)


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What :func:`decompose` found: observed = trend + seasons + residual.

    With the method "multiplicative" the parts are factors instead.

    Attributes
    ----------
    observed, trend, residual : Series of float64
        In the unit of the data (a residual that is a factor has none).
    seasons : DataFrame of float64
        A column for each period, named by it.
    periods : tuple of int
        In ticks, shortest first.
    method : str
    periods_from : str
        Whether the periods were "given", "found" by :func:`find_period`, or those of the
        "index frequency".
    filled : int
        Missing ticks that were filled in a straight line before.
    """

    observed: pd.Series[float]
    trend: pd.Series[float]
    seasons: pd.DataFrame
    residual: pd.Series[float]
    periods: tuple[int, ...]
    method: str
    periods_from: str = "given"
    filled: int = 0

    @property
    def seasonal(self) -> pd.Series[float]:
        """All seasons together."""
        return self.seasons.sum(axis=1, skipna=False).rename("seasonal")

    @property
    def adjusted(self) -> pd.Series[float]:
        """The series without its seasons."""
        if self.method == "multiplicative":
            return (self.observed / self.seasonal).rename("adjusted")
        return (self.observed - self.seasonal).rename("adjusted")

    @property
    def strengths(self) -> pd.Series[float]:
        """Strength of the trend and of each season, from 0 to 1.

        max(0, 1 − Var(residual) / Var(part + residual)), of logarithms for factors: R. J. Hyndman
        and G. Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed. (2021), section 4.3.
        """
        named = {"trend": self.trend} | {p: self.seasons[p] for p in self.periods}
        log = np.log if self.method == "multiplicative" else np.asarray
        residual = log(self.residual)
        left = np.nanvar(residual)
        whole = {name: np.nanvar(log(part) + residual) for name, part in named.items()}
        return pd.Series(
            {name: max(0.0, 1 - left / var) if var > 0 else 0.0 for name, var in whole.items()},
            name="strength",
        )

    def frame(self) -> pd.DataFrame:
        """Put the parts side by side, a row for each tick."""
        seasons = {f"season_{period}": self.seasons[period] for period in self.periods}
        parts = {"observed": self.observed, "trend": self.trend}
        return pd.DataFrame(parts | seasons | {"residual": self.residual})

    def plot(self) -> Any:
        """Draw the parts below each other."""
        from rtlab.charts import plot_decomposition  # noqa: PLC0415  (drawing is an extra)

        return plot_decomposition(self)

    def __repr__(self) -> str:
        strengths = self.strengths
        seasons = ", ".join(f"{period} ({strengths[period]:.2f})" for period in self.periods)
        return (
            f"Decomposition of {len(self.observed)} ticks by {self.method}: strength of the trend "
            f"{strengths['trend']:.2f}, of the season of period {seasons}; periods "
            f"{self.periods_from}" + (f"; {self.filled} ticks filled" if self.filled else "")
        )


@dataclass(frozen=True)
class Decompose(WholeSeries):
    """Take a series apart: trend, seasons and residual.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    period : int or sequence of int, optional
        Ticks in a season, as 24 or [24, 168] for hours. By default what :func:`find_period`
        finds, and else what the index's frequency suggests; the result says which.
    method : {"stl", "mstl", "additive", "multiplicative"}, optional
        By default STL [1]_ for one period and MSTL [2]_ for several. The other two are the
        classical averages, for one period.
    robust : bool, default False
        Let outliers count less (STL and MSTL).
    seasonal : int or sequence of int, optional
        Odd length, in seasons, over which a season may change; for MSTL one for each
        period, shortest first.
    trend : int, optional
        Odd length, in ticks, over which the trend may change.
    missing : {"raise", "interpolate"}, default "raise"
        Refuse missing ticks, or fill them in a straight line and state their number.
    options : dict, optional
        More parameters of statsmodels' STL, or for the classical methods of its
        ``seasonal_decompose``. R's ``stl`` jumps by a tenth of each length, rounded up:
        and iterates twice: ``{"trend_jump": 3, "inner_iter": 2}``.

    Returns
    -------
    Decomposition
        With statsmodels' numbers.

    Raises
    ------
    DataError
        If the series is shorter than two periods, constant, irregular or has missing ticks, or
        is not positive where the method multiplies.
    ParameterError
        If a parameter breaks its rule.

    References
    ----------
    .. [1] R. B. Cleveland, W. S. Cleveland, J. E. McRae and I. Terpenning, "STL: a
       seasonal-trend decomposition procedure based on loess", Journal of Official Statistics 6
       (1990).
    .. [2] K. Bandara, R. J. Hyndman and C. Bergmeir, "MSTL: a seasonal-trend decomposition
       algorithm for time series with multiple seasonal patterns" (2021), arXiv:2107.13462.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> week = [3, 2, 1, -1, -1, -2, -2]
    >>> parts = rt.decompose(pd.Series(week * 4) + 10, period=7, method="additive")
    >>> parts.seasons[7][:7].round(6).tolist()
    [3.0, 2.0, 1.0, -1.0, -1.0, -2.0, -2.0]
    """

    period: int | Sequence[int] | None = None
    method: str | None = None
    robust: bool = False
    seasonal: int | Sequence[int] | None = None
    trend: int | None = None
    missing: str = "raise"
    options: Mapping[str, Any] | None = None

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"period": 4, "missing": "interpolate"},)

    def __post_init__(self) -> None:
        _check_missing(self.missing)
        if self.method not in (None, "stl", "mstl", "additive", "multiplicative"):
            raise ParameterError(
                f"method={self.method!r}: it is 'stl', 'mstl', 'additive' or 'multiplicative'"
            )
        if self.period is not None:
            periods = _several(self.period)
            for period in periods:
                check_count("period", period, 2, unit="ticks", remedy=24)
            if len(periods) != 1 and self.method not in (None, "mstl"):
                raise ParameterError(
                    f"{len(periods)} periods with method={self.method!r}: it takes one; "
                    "use method='mstl' for several"
                )
        classical = self.method in ("additive", "multiplicative")
        if classical and (self.robust or self.seasonal or self.trend):
            raise ParameterError(
                f"robust, seasonal or trend with method={self.method!r}: these belong to STL; "
                "use method='stl', or leave them out"
            )

    def answer(self, series: Any) -> Decomposition:
        """Take the finished series apart."""
        usual = _check_regular("decompose", series.index)
        observed, filled = _complete("decompose", series, self.missing)
        periods, source = self._periods(observed, usual)
        method = self.method or ("stl" if len(periods) == 1 else "mstl")
        if len(observed) < 2 * periods[-1]:
            raise DataError(
                f"{len(observed)} ticks and period={periods[-1]}: decompose needs two whole "
                f"periods, {2 * periods[-1]} ticks; use a longer series or a shorter period"
            )
        if method == "multiplicative" and observed.min() <= 0:
            raise DataError(
                f"{observed.min():g} at {observed.idxmin()}: factors need values above 0; use "
                "method='additive'"
            )
        try:
            fit = self._fit(observed, periods, method)
        except (TypeError, ValueError) as error:
            raise ParameterError(
                f"{self!r}: statsmodels refuses these parameters: {error}; leave out seasonal, "
                "trend and options, or change them"
            ) from error
        seasons = np.asarray(fit.seasonal).reshape(len(observed), -1)
        index = observed.index
        return Decomposition(
            observed=observed,
            trend=pd.Series(np.asarray(fit.trend), index, name="trend"),
            seasons=pd.DataFrame(seasons, index, columns=pd.Index(periods, name="period")),
            residual=pd.Series(np.asarray(fit.resid), index, name="residual"),
            periods=periods,
            method=method,
            periods_from=source,
            filled=filled,
        )

    def _periods(self, observed: Any, usual: int | None) -> tuple[tuple[int, ...], str]:
        if self.period is not None:
            return tuple(sorted({int(period) for period in _several(self.period)})), "given"
        found = FindPeriod().answer(observed).periods if len(observed) >= 6 else ()
        if found:
            several = self.method in (None, "mstl")
            return tuple(sorted(found)) if several else found[:1], "found"
        if usual is not None:
            return (usual,), "index frequency"
        raise DataError(
            f"no period stands out in {len(observed)} ticks, and the index has no usual one: "
            "decompose needs to know it; give period=24, or whatever your season is"
        )

    def _fit(self, observed: Any, periods: tuple[int, ...], method: str) -> Any:
        tools = optional("statsmodels.tsa.seasonal", "stats")
        values, options = observed.to_numpy(), dict(self.options or {})
        if method in ("additive", "multiplicative"):
            return tools.seasonal_decompose(values, method, period=periods[0], **options)
        options |= {"robust": self.robust} | ({} if self.trend is None else {"trend": self.trend})
        if method == "mstl":
            windows = None if self.seasonal is None else _several(self.seasonal)
            return tools.MSTL(values, periods=periods, windows=windows, stl_kwargs=options).fit()
        if self.seasonal is not None:
            options["seasonal"] = self.seasonal
        rounds = {
            name: options.pop(name) for name in ("inner_iter", "outer_iter") & options.keys()
        }
        return tools.STL(values, period=periods[0], **options).fit(**rounds)


find_period = register("find_period")(FindPeriod)
decompose = register("decompose")(Decompose)
