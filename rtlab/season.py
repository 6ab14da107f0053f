"""Decomposition: a series as the sum, or the product, of trend, seasons and residual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.periods import FindPeriod, check_missing, check_regular, complete, several
from rtlab.steps import register
from rtlab.ticks import WholeSeries, check_count


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

    def plot(self, **how: Any) -> Any:
        """Draw the parts below each other; ``truth={"trend": ..., 24: ...}`` over them, dashed.

        Also ``title`` and ``unit``, as in :func:`plot_series`.
        """
        from rtlab.charts import plot_decomposition  # noqa: PLC0415  (drawing is an extra)

        return plot_decomposition(self, **how)

    def __repr__(self) -> str:
        strengths = self.strengths
        seasons = ", ".join(f"{period} ({strengths[period]:.2f})" for period in self.periods)
        return (
            f"Decomposition of {len(self.observed)} ticks by {self.method}: strength of the trend "
            f"{strengths['trend']:.2f}, of the season of period {seasons}; periods "
            f"{self.periods_from}" + (f"; {self.filled} ticks filled" if self.filled else "")
        )


def check_periods(period: Any, method: str | None) -> None:
    """Refuse periods that are no whole numbers, or too many for the method."""
    periods = several(period)
    if not periods:
        raise ParameterError("period=[]: name at least one period, as in period=24")
    for one in periods:
        check_count("period", one, 2, unit="ticks", remedy=24)
    if len(periods) != 1 and method not in (None, "mstl"):
        raise ParameterError(
            f"{len(periods)} periods with method={method!r}: it takes one; use method='mstl' for "
            "several"
        )


def check_lengths(seasonal: Any, periods: int | None) -> None:
    """Refuse lengths of seasons that are another word than "periodic", or not as many."""
    if seasonal is None or seasonal == "periodic":
        return
    if isinstance(seasonal, str):
        raise ParameterError(
            f"seasonal={seasonal!r}: it is 'periodic' or odd lengths; try seasonal='periodic'"
        )
    if periods is not None and len(several(seasonal)) != periods:
        raise ParameterError(
            f"seasonal={seasonal!r} with {periods} period(s): each takes a length of its own; try "
            f"seasonal={[7] * periods}, or 'periodic' for all"
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
    seasonal : int, sequence of int or "periodic", optional
        Odd length, in seasons, over which a season may change; for MSTL one for each
        period, shortest first. ``"periodic"``, R's word, is for seasons that stay the same:
        best where there are few of them.
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

    See Also
    --------
    rolling_decompose : the trailing window at every tick, without an end to wait for.

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
    seasonal: int | Sequence[int] | str | None = None
    trend: int | None = None
    missing: str = "raise"
    options: Mapping[str, Any] | None = None

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"period": 4, "missing": "interpolate"},)

    def __post_init__(self) -> None:
        check_missing(self.missing)
        if self.method not in (None, "stl", "mstl", "additive", "multiplicative"):
            raise ParameterError(
                f"method={self.method!r}: it is 'stl', 'mstl', 'additive' or 'multiplicative'"
            )
        if self.period is not None:
            check_periods(self.period, self.method)
        known = None if self.period is None else len({*several(self.period)})
        check_lengths(self.seasonal, known)
        classical = self.method in ("additive", "multiplicative")
        if classical and (self.robust or self.seasonal or self.trend):
            raise ParameterError(
                f"robust, seasonal or trend with method={self.method!r}: these belong to STL; "
                "use method='stl', or leave them out"
            )

    def answer(self, series: Any) -> Decomposition:
        """Take the finished series apart."""
        usual = check_regular("decompose", series.index)
        observed, filled = complete("decompose", series, self.missing)
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
            return tuple(sorted({int(period) for period in several(self.period)})), "given"
        found = FindPeriod().answer(observed).periods if len(observed) >= 6 else ()
        if found:
            return tuple(sorted(found)) if self.method in (None, "mstl") else found[:1], "found"
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
        seasonal: Any = self.seasonal
        if seasonal == "periodic":  # like R: a level, over a length that never ends
            seasonal = 10 * len(values) + 1
            seasonal = [seasonal] * len(periods) if method == "mstl" else seasonal
            options = {"seasonal_deg": 0} | options
        if method == "mstl":
            windows = None if seasonal is None else several(seasonal)
            return tools.MSTL(values, periods=periods, windows=windows, stl_kwargs=options).fit()
        if seasonal is not None:
            options["seasonal"] = seasonal
        rounds = {
            name: options.pop(name) for name in ("inner_iter", "outer_iter") & options.keys()
        }
        return tools.STL(values, period=periods[0], **options).fit(**rounds)


decompose = register("decompose")(Decompose)
