"""Periods: after how many ticks a series repeats itself; and whether it can be asked at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import spacing
from rtlab.errors import DataError, ParameterError
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, WholeSeries, check_count

_ALARMS = 0.01  # the share of series of noise in which find_period may see a season


def complete(
    name: str, series: Any, missing: str, remedy: str = "missing='interpolate'"
) -> tuple[Any, int]:
    """Refuse or fill what is missing; give the series and how many ticks were filled."""
    known = np.isfinite(series.to_numpy())
    lost = len(series) - int(known.sum())
    if lost and (missing == "raise" or lost == len(series)):
        raise DataError(
            f"{lost} of {len(series)} ticks are missing or infinite, the first at "
            f"{series.index[int(np.argmin(known))]}: {name} needs all; fill them with {remedy}"
        )
    places = np.arange(len(series))
    filled = np.interp(places, places[known], series.to_numpy()[known])
    if np.ptp(filled) == 0:
        raise DataError(
            f"a constant series (all {filled[0]:g}): {name} needs some change; look at what the "
            "stream brings"
        )
    return pd.Series(filled, series.index, name=series.name), lost


def several(value: Any) -> list[Any]:
    """Make a list of one value or of many."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def check_missing(missing: str, other: str = "raise") -> None:
    """Refuse a policy for missing ticks that does not exist."""
    if missing not in (other, "interpolate"):
        raise ParameterError(
            f"missing={missing!r}: it is {other!r} or 'interpolate'; try missing='interpolate'"
        )


def _check_tries(candidates: Sequence[int] | None, max_period: int | None) -> None:
    if max_period is not None:
        check_count("max_period", max_period, 2, unit="ticks", remedy=168)
    for period in candidates or ():
        check_count("period", period, 2, unit="ticks", remedy=24)


def check_regular(name: str, index: Any) -> int | None:
    """Refuse ticks at unequal distances; give the usual season of this distance, if any."""
    if not isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        steps = np.diff(index) if pd.api.types.is_numeric_dtype(index.dtype) else np.zeros(1)
        if (steps != steps[:1]).any():
            spacing.refuse(name, *index[(odd := int(np.argmax(steps != steps[0]))) : odd + 2])
        return None
    elapsed, wall, monthly = spacing.usual(name, index).tolist()
    if isinstance(index, pd.TimedeltaIndex) or elapsed <= 0:
        return None
    months, rest = divmod(monthly, 32 * spacing.DAY)
    if rest == 0:
        usual = 12 // months
    else:
        usual = {spacing.DAY: 7, 7 * spacing.DAY: 52}.get(wall, spacing.DAY // elapsed)
    return usual if usual > 1 else None


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

    def plot(self) -> Any:
        """Draw the share of each period as a bar; without a season there is nothing to draw."""
        from rtlab.tallies import plot_leaderboard  # noqa: PLC0415  (drawing is an extra)

        bars = self.table.assign(period=[f"{period} ticks" for period in self.periods])
        title = f"A period of {self.best} ticks explains most"
        return plot_leaderboard(bars, value="share", label="period", title=title)

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
    distribution for any smooth spectrum, so that a trend or a random walk is no season. Of
    200 series of 60 to 240 ticks of white, heavy-tailed or autoregressive noise, or of random
    walks, at most 1 raised a false alarm; with 20 ticks, 3 did.

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
        check_missing(self.missing)
        _check_tries(self.candidates, self.max_period)

    def answer(self, series: Any) -> Periods:
        """Search the finished series."""
        check_regular("find_period", series.index)
        if len(series) < 6:
            raise DataError(
                f"find_period of {len(series)} ticks: a season shows after three periods, at "
                "least 6 ticks; use a longer series"
            )
        filled, _ = complete("find_period", series, self.missing)
        rows = _search(filled.to_numpy(), self.candidates, self.max_period)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["share", "acf", "p_value"])
        return Periods(
            table.rename_axis("period").sort_values("share", ascending=False), len(series)
        )


@dataclass(frozen=True)
class RollingPeriod(SeriesStep):
    """Period of the last ticks, searched again and again: it follows a season that changes.

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        A regular series, or several side by side.
    window : int
        Number of ticks to search, at least three of the longest period.
    every : int, optional
        Search at each so-many-th tick, counted from the beginning of the series; by default four
        times in a window.
    candidates, max_period
        As for ``find_period``; the longest period is at most a third of the window.
    missing : {"gap", "interpolate"}, default "gap"
        No answer while the window holds a missing tick, or fill them in a straight line.

    Returns
    -------
    DataFrame of float64
        A row for each search with columns ``period``, in ticks, the ``share`` of variance that it
        explains and its ``p_value``, as ``find_period`` gives of this window. NaN where no season
        stands out, all ticks are the same, or the window is not full. Of a frame, with the series'
        names above; of an array, an array of shape (answers[, series], 3).

    Raises
    ------
    DataError
        If the ticks are irregular.
    ParameterError
        If a parameter breaks its rule.

    See Also
    --------
    find_period : of a finished series, once, with all its periods and how they are found.

    Notes
    -----
    A search of 1,000 ticks takes some milliseconds, and one of 10,000 up to a third of a second;
    ``max_period`` or ``candidates`` make that milliseconds again.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import rtlab as rt
    >>> hour = np.arange(480)
    >>> wave = np.sin(2 * np.pi * hour / np.where(hour < 240, 24, 36))
    >>> rt.rolling_period(pd.Series(wave), window=120, every=120)["period"].tolist()
    [24.0, 24.0, 36.0, 36.0]
    """

    window: int
    every: int | None = None
    candidates: Sequence[int] | None = None
    max_period: int | None = None
    missing: str = "gap"

    parts: ClassVar[tuple[str, ...]] = ("period", "share", "p_value")
    regular: ClassVar[bool] = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 24, "every": 5},
        {"window": 36, "missing": "interpolate", "max_period": 8},
    )

    def __post_init__(self) -> None:
        check_count("window", self.window, 6, unit="ticks", remedy=240)
        if self.every is not None:
            check_count("every", self.every, 1, unit="tick", remedy=24)
        check_missing(self.missing, "gap")
        _check_tries(self.candidates, self.max_period)

    @property
    def _every(self) -> int:
        return self.every or max(self.window // 4, 1)

    @property
    def cycle(self) -> tuple[int, int]:  # type: ignore[override]
        """How the base may compute many series together, whenever each began."""
        return 0, self._every

    def places(self, tick: int, ticks: int) -> slice:  # noqa: ARG002
        """Search at every so-many-th tick of the series."""
        return slice(-(tick + 1) % self._every, None, self._every)

    def begin(self, width: int) -> State:
        return {"last": np.full((self.window + self._every, width), np.inf)}  # not yet there

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        values = np.where(np.isfinite(values), values, np.nan)
        last, every, done, found = state["last"], self._every, 0, []
        while done < len(values):
            at = (state["tick"] + done) % every
            rows = values[done : done + every - at]
            last[self.window + at : self.window + at + len(rows)] = rows
            done += len(rows)
            if at + len(rows) == every:
                last[: self.window] = last[every:].copy()
                found.append([self._searched(one) for one in last[: self.window].T])
        return np.array(found).reshape(-1, values.shape[1], 3)

    def _searched(self, window: Values) -> tuple[float, float, float]:
        known, nothing = np.isfinite(window), (np.nan, np.nan, np.nan)
        if np.isposinf(window[0]) or not known.any() or not (self.missing != "gap" or known.all()):
            return nothing
        places = np.arange(len(window))
        filled = np.interp(places, places[known], window[known])
        if np.ptp(filled) == 0:
            return nothing
        rows = _search(filled, self.candidates, self.max_period)
        best = max(rows, key=lambda period: rows[period][0], default=None)
        return nothing if best is None else (float(best), rows[best][0], rows[best][2])


def _search(
    values: Values, candidates: Sequence[int] | None, max_period: int | None
) -> dict[int, tuple[float, float, float]]:
    """Give share, autocorrelation and p-value of each period that stands out, shortest first."""
    longest = min(len(values) // 3, max_period or len(values))
    values = np.clip(values, *np.quantile(values, [0.005, 0.995]))  # tame outliers
    acf = _per_pair(_detrend(values, longest), longest)
    if candidates is None:
        tries = [p for p in range(2, longest + 1) if acf[p] > max(acf[p - 1], acf[p + 1])]
    else:
        tries = sorted({int(p) for p in candidates if p <= longest})
    rows: dict[int, tuple[float, float, float]] = {}
    for near in tries:
        least = max((0.95 * acf[p] for p in rows), default=0.0)
        if acf[near] <= max(least, 2 / len(values) ** 0.5):
            continue  # a repetition of a shorter one at best
        level = _detrend(values, near)
        period = near if candidates else _refine(level, near, longest)
        p_value = min(_line(level, period, list(rows)) * longest, 1.0)
        if p_value < _ALARMS and period not in rows:
            before = max((_explained(level, shorter) for shorter in rows), default=0.0)
            share = max(_explained(level, period) - before, 0.0)
            rows[period] = (share, acf[near], p_value)
    return rows


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
    whole, rest = len(level) // period * period, len(level) % period
    sums = level[:whole].reshape(-1, period).sum(axis=0)
    sums[:rest] += level[whole:]
    counts = np.full(period, whole // period)
    counts[:rest] += 1
    total = np.dot(level, level)  # about 0, the mean
    left = (total - (sums**2 / counts).sum()) / (len(level) - period)
    return max(0.0, 1 - float(left / (total / (len(level) - 1))))


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
    own = np.arange(1, period // 2 + 1)
    own = own[[all(k * p % period for p in known) for k in own.tolist()]]
    reach = min(cycles - 1, 20)
    offsets = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
    places = own[:, None] * cycles + offsets
    there = (places > 0) & (places < len(power))
    around = np.where(there, power[np.where(there, places, 0)], 0.0).sum(axis=1)
    height = power[own * cycles] / np.where(2 * own == period, 2, 1)  # half the freedom at the end
    beside = np.divide(height, around, out=np.full(len(own), np.inf), where=around > 0)
    tails = np.where(height > 0, (1 + beside) ** -there.sum(axis=1).astype(np.float64), 1.0)
    return float(tails.min(initial=1.0)) * max(len(own), 1)


find_period = register("find_period")(FindPeriod)
rolling_period = register("rolling_period")(RollingPeriod)
