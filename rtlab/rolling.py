"""Rolling decomposition: trend, seasons and residual of the trailing window, at every tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from rtlab.errors import ParameterError
from rtlab.filters import Classical, Plan, Stl, weights
from rtlab.periods import several
from rtlab.season import check_lengths, check_periods
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count

BLOCK = 32  # ticks that one product of matrices answers
_FIXED = (
    "'stl', 'mstl' and 'additive' are fixed filters, without weights that follow the data; for "
    "outliers use robust_decompose(), for factors decompose np.log(series)"
)


@dataclass(frozen=True)
class RollingDecompose(SeriesStep):
    """Take the trailing window apart at every tick: trend, seasons and residual.

    Parameters
    ----------
    data : Series, DataFrame or array
        Regular ticks; several series side by side, or in a long frame with ``by``.
    period : int or sequence of int
        Ticks in a season, as 24 or [24, 168] for hours.
    window : int, optional
        Ticks of the trailing window, by default five of the longest period; at least two, and for
        several periods more than two.
    method : {"stl", "mstl", "additive"}, optional
        By default STL [1]_ for one period and MSTL [2]_ for several.
    lag : int, default 0
        Answer about the tick this many before the newest. It is later, and steadier: see
        :func:`revisions`.
    seasonal : int, sequence of int or "periodic", optional
        As for :func:`decompose`.
    trend : int, optional
        As for :func:`decompose`.
    options : dict, optional
        More of the parameters of statsmodels' ``STL`` (``low_pass``, ``inner_iter``, degrees and
        jumps), or ``extrapolate_trend`` of its ``seasonal_decompose``.
    missing : {"gap", "seasonal"}, default "gap"
        No answer while the window holds a missing tick; or put the value of the longest period
        before in its place (which was itself perhaps filled so), once there is one.
    by, value : str, optional
        Of a long frame: the columns that name a series, and the column with its numbers.

    Returns
    -------
    Like the data, float64 in its unit
        With the parts ``observed``, ``trend``, ``season_24`` (one for each period) and
        ``residual``, as :meth:`Decomposition.frame`. Trend and seasons are NaN before the first
        full window, and for the last ``lag`` ticks.

    Raises
    ------
    ParameterError
        If a parameter breaks its rule; if a robust or multiplicative decomposition is asked for,
        which is no fixed filter.
    DataError
        If the ticks are not at equal distances.

    See Also
    --------
    decompose : the whole series at its end, also robust or with factors.
    revisions : how far the newest answers are from later ones.

    Notes
    -----
    Each answer equals that of statsmodels for the same window and tick, to about 1e-14 of the
    largest value in it. Without robust weights these decompositions are linear: a part is a
    weighted sum of the window, whose weights are found once, in milliseconds. A tick then costs a
    multiplication and an addition for each tick of the window and each part.

    It is not a decomposition of the whole series, from the first full window on or later: ticks
    that come after would change it. On the hours of a shop and on R's ``co2`` and ``nottem`` the
    newest trend and season were 0.4 to 0.9 robust standard deviations of the residual away from
    those of the whole series (medians), a period later 0.04 and 0.4 at most, and half a window
    later 0.03.

    A value that has left the window leaves no trace, however large; digits that all ticks have in
    common cost none. Infinite ticks are missing. A missing tick has no ``observed`` and no
    ``residual``, also where it was filled for the others. For factors decompose ``np.log(series)``
    and take ``np.exp`` of the parts.

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
    >>> parts = rt.rolling_decompose(pd.Series(week * 6) + 10, period=7)
    >>> list(parts)
    ['observed', 'trend', 'season_7', 'residual']
    >>> parts.iloc[-1, :3].round(6).tolist()
    [8.0, 10.0, -2.0]
    """

    period: int | Sequence[int]
    window: int | None = None
    method: str | None = None
    lag: int = 0
    seasonal: int | Sequence[int] | str | None = None
    trend: int | None = None
    options: Mapping[str, Any] | None = None
    missing: str = "gap"

    regular: ClassVar[bool] = True
    cycle: ClassVar[tuple[int, int]] = (0, 1)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"period": 4},
        {"period": 4, "window": 11, "lag": 3, "missing": "seasonal"},
        {"period": [3, 4], "window": 12, "by": "product_id", "value": "revenue"},
        {"period": 5, "method": "additive", "lag": 2, "missing": "seasonal"},
    )

    def __post_init__(self) -> None:
        if self.method not in (None, "stl", "mstl", "additive"):
            raise ParameterError(f"method={self.method!r}: {_FIXED}")
        check_periods(self.period, self.method)
        check_lengths(self.seasonal, len(self.periods))
        longest, size = self.periods[-1], self.size
        if self.window is not None:
            least = 2 * longest + (len(self.periods) > 1)
            check_count("window", self.window, least, unit="ticks", remedy=5 * longest)
        if self.missing not in ("gap", "seasonal"):
            raise ParameterError(f"missing={self.missing!r}: it is 'gap' or 'seasonal'")
        check_count("lag", self.lag, 0, unit="ticks", remedy=0)
        known = self.plan[-1].known
        if size - 1 - self.lag not in known:
            first, last = size - known.stop, size - 1 - known.start
            other = f", or options={{'extrapolate_trend': {longest}}}" * (first > 0)
            raise ParameterError(
                f"lag={self.lag}: in a window of {size} this method knows a trend at lags {first} "
                f"to {last}; try lag={first}{other}"
            )

    @cached_property
    def periods(self) -> tuple[int, ...]:
        """The periods, shortest first."""
        return tuple(sorted({int(period) for period in several(self.period)}))

    @property
    def size(self) -> int:
        """Ticks of the window."""
        return 5 * self.periods[-1] if self.window is None else int(self.window)

    @property
    def parts(self) -> tuple[str, ...]:
        """What is answered for each tick."""
        return ("observed", "trend", *(f"season_{one}" for one in self.periods), "residual")

    @property
    def ahead(self) -> int:  # type: ignore[override]
        """How many ticks an answer waits for later ones."""
        return self.lag

    @cached_property
    def plan(self) -> Plan:
        """The checked stages of the method, with all their parameters."""
        options = {"seasonal": self.seasonal, "trend": self.trend} | dict(self.options or {})
        options = {name: one for name, one in options.items() if one is not None}
        if options.pop("robust", False) or options.pop("outer_iter", 0):
            raise ParameterError(f"robust or outer_iter in options: {_FIXED}")
        stage: Any = Classical if self.method == "additive" else Stl
        free = sorted({one.name for one in fields(stage) if one.init} - {"window", "period"})
        if unknown := sorted(options.keys() - {*free}):
            raise ParameterError(
                f"{unknown} given: this method knows {free}; leave out the others"
            )
        if stage is Classical:
            return (Classical(self.size, self.periods[0], **options),)
        lengths, count = several(options.pop("seasonal", None)), len(self.periods)
        if lengths == [None]:
            one = self.method != "mstl" and count == 1
            lengths = [7] if one else [11 + 4 * place for place in range(count)]
        elif lengths == ["periodic"]:  # a level, over a length that never ends
            lengths, options = [10 * self.size + 1] * count, {"seasonal_deg": 0} | options
        both = zip(self.periods, lengths, strict=True)
        return tuple(Stl(self.size, *one, **options) for one in both)

    def begin(self, width: int) -> State:
        return {
            "window": np.full((self.size - 1, width), np.nan),
            "known": np.zeros(width, dtype=np.int64),  # ticks since a missing one
            "waiting": np.full((self.lag, width), np.nan),  # as they came
        }

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        ticks, size = len(values), self.size
        finite = np.isfinite(values)
        values = values if finite.all() else np.where(finite, values, np.nan)
        filled = values
        if self.missing == "seasonal" and not finite.all():
            filled = _refilled(state["window"][-self.periods[-1] :], values)
            finite = ~np.isnan(filled)
        known = _run(state["known"], finite)
        spread = np.concatenate([state["window"], filled])
        observed = np.concatenate([state["waiting"], values])
        state["window"] = spread[ticks:] if ticks < size else spread[ticks:].copy()
        state["waiting"], state["known"] = observed[ticks:].copy(), known[-1].copy()
        full = known >= size
        if not full.all():
            spread = np.where(np.isnan(spread), 0, spread)
        out = np.empty((ticks, len(self.parts), values.shape[1]))
        out[:, 0] = observed[:ticks]
        with np.errstate(over="ignore", invalid="ignore"):
            _slide(self._blocks, spread, out, size)
        if not full.all():
            np.copyto(out[:, 1:], np.nan, where=~full[:, None])
        return out.transpose(0, 2, 1)

    @cached_property
    def _blocks(self) -> Values:
        return _blocks(self.plan, self.lag)

    def tail(self, state: State, width: int) -> Values:
        out = np.full((self.lag, width, len(self.parts)), np.nan)
        out[..., 0] = state["waiting"]
        return out


@lru_cache(maxsize=32)
def _blocks(plan: Plan, lag: int) -> Values:
    """Put the filters of the parts below each other for a block of ticks, each a place on."""
    filters = weights(plan, (lag,))[0]
    parts, size = filters.shape
    block = min(BLOCK, size)
    out = np.zeros((block, parts, size - 1 + block))
    for tick in range(block):
        out[tick, :, tick : tick + size] = filters
    return out.reshape(block * parts, -1)


def _slide(blocks: Values, spread: Values, out: Values, size: int) -> None:
    """Write the parts of each window of ``spread``, of shape (window before and ticks, series).

    Within a block all is told from one tick that lies in all its windows, which saves the digits
    that ticks have in common. Ticks outside a window meet a weight of zero, and leave no trace.
    """
    parts, block = out.shape[1] - 2, blocks.shape[1] - size + 1
    for begin in range(0, len(out), block):
        count = min(block, len(out) - begin)
        reach, pivot = size - 1 + count, spread[begin + size - 1]
        found = blocks[: count * parts, :reach] @ (spread[begin : begin + reach] - pivot)
        out[begin : begin + count, 1:-1] = found.reshape(count, parts, -1)
        out[begin : begin + count, -1] = pivot
    pivots = out[:, -1].copy()
    np.subtract(out[:, 0], pivots, out=out[:, -1])
    for part in range(parts):
        out[:, -1] -= out[:, 1 + part]
    out[:, 1] += pivots


def _run(before: Any, finite: Any) -> Any:
    """Count the ticks since the last missing one, after each tick."""
    ticks = np.arange(1, len(finite) + 1)[:, None]
    if finite.all():
        return before + ticks
    last = np.maximum.accumulate(np.where(finite, 0, ticks), axis=0)
    return np.where(last, ticks - last, before + ticks)


def _refilled(period: Values, values: Values) -> Values:
    """Put the value of a period before, itself perhaps filled, in the place of a missing one."""
    rounds = -(-len(values) // len(period))
    rest = np.full((rounds * len(period) - len(values), values.shape[1]), np.nan)
    phases = np.concatenate([period, values, rest]).reshape(rounds + 1, -1)
    last = np.where(np.isnan(phases), 0, np.arange(rounds + 1)[:, None])
    phases = np.take_along_axis(phases, np.maximum.accumulate(last, axis=0), axis=0)
    return phases.reshape(-1, values.shape[1])[len(period) :][: len(values)]


rolling_decompose = register("rolling_decompose")(RollingDecompose)
