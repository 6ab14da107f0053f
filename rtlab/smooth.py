"""Smoothing: moving averages, simple, centred, weighted and exponential, and the moving median."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pandas.api.indexers import BaseIndexer

from rtlab.errors import ParameterError
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values
from rtlab.trailing import Folding, Moving, counted, divided, microseconds, running


@dataclass(frozen=True)
class MovingAverage(Folding):
    """Average of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        Ticks; the columns are series side by side, or ``by`` tells them apart.
    window : int, str or Timedelta
        Number of ticks, or a length of time as ``"3h"``: then the ticks in (t − window, t], by the
        times in the index.
    min_periods : int, optional
        Answer from this many values that are not missing; by default a full window, and in a
        window of time 1.
    center : bool, default False
        Average around each tick instead of up to it: answers come half a window late. Only with
        a number of ticks.
    weights : "linear" or sequence of float, optional
        ``window`` weights, oldest tick first, newest last; "linear" is 1, 2, …, window.
    by : str or list of str, optional
        Key columns of a long frame: each key is a series of its own.
    value : str, optional
        The column of a long frame that holds the numbers.

    Returns
    -------
    Series, DataFrame or ndarray of float64
        In the unit of the data, in its kind and with its index. Missing and infinite values do not
        count.

    Raises
    ------
    ParameterError
        If the window, ``min_periods`` or the weights break their rule.
    DataError
        If a window of time meets ticks without times, or times that run backward.

    Notes
    -----
    A simple average equals pandas' ``rolling(window, min_periods, center).mean()``, except that it
    is right again after a huge value has left the window. Of ticks at one time each sees those
    that came before it, as in pandas. It costs the same for any window: the sum is that of the
    end of one block of ``window`` ticks and of the beginning of the next [1]_. A weighted average
    costs ``window`` multiplications a tick.

    References
    ----------
    .. [1] M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and
       octagonal kernels", Pattern Recognition Letters 13 (1992), with sums in place of maxima.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_average(pd.Series([1, 2, 6, 1]), window=3).tolist()
    [nan, nan, 3.0, 3.0]
    >>> rt.moving_average(pd.Series([1, 2, 6]), window=2, weights=[1, 3]).tolist()
    [nan, 1.75, 5.0]
    """

    weights: Any = None

    nothing: ClassVar[tuple[float, ...]] = (0.0, 0.0)  # count, sum
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 3},
        {"window": 1},
        {"window": "5h"},
        {"window": 3, "by": "product_id"},
        {"window": 4, "center": True, "min_periods": 1},
        {"window": 3, "weights": "linear"},
        {"window": 3, "weights": (0.25, 0.5, 0.25), "center": True, "min_periods": 2},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights is not None and self.timed:
            raise ParameterError(
                f"weights with window={self.window!r}: weights belong to ticks; give a number of "
                "ticks, or use exponential_average(halflife='3h')"
            )
        if self.weights is None or (isinstance(self.weights, str) and self.weights == "linear"):
            return
        if isinstance(self.weights, str):
            raise ParameterError(
                f"weights={self.weights!r}: weights are 'linear' or numbers; try weights='linear'"
            )
        weights = tuple(float(weight) for weight in self.weights)
        if len(weights) != self.size:
            raise ParameterError(
                f"{len(weights)} weights for a window of {self.window}: each tick of the window "
                f"needs one; try window={len(weights)}"
            )
        if not all(map(math.isfinite, weights)) or sum(weights) == 0:
            raise ParameterError(
                f"weights={weights}: weights are finite and their sum is not 0; try 'linear'"
            )
        object.__setattr__(self, "weights", weights)  # plain numbers, whatever they came in

    def begin(self, width: int) -> State:
        if self.weights is None:
            return super().begin(width)
        return {"rows": np.full((self.size - 1, width), np.nan)}

    @property
    def cycle(self) -> tuple[int, int] | None:  # type: ignore[override]
        return super().cycle if self.weights is None else (0, 1)

    def scan(self, start: Values, rows: Values) -> Values:
        folds = np.empty((2, *rows.shape))
        known = counted(start[0], rows, folds[0])
        running(np.add, start[1], np.where(known, rows, 0.0), folds[1])
        return folds

    def merge(self, before: Values, after: Values) -> Values:
        return before + after

    def answer(self, folds: Values, values: Values) -> Values:  # noqa: ARG002
        return self._divided(folds[1], folds[0], folds[0])

    def _divided(self, total: Values, mass: Values, count: Values) -> Values:
        return divided(total, mass, (count >= self.least) & (mass != 0))

    def take(self, state: State, values: Values, times: Any) -> Values:
        if self.weights is None:
            return super().take(state, values, times)
        held, _, _ = self.reach(state, np.where(np.isfinite(values), values, np.nan), None)
        known = ~np.isnan(held)
        linear = isinstance(self.weights, str)
        weights = np.array(range(1, self.size + 1) if linear else self.weights, dtype=np.float64)
        total, mass = _slide(np.where(known, held, 0.0), weights), _slide(known, weights)
        return self._divided(total, mass, _slide(known, np.ones(self.size)))


def _slide(rows: Any, weights: Values) -> Values:
    """Weigh the last ticks at each tick: by the fewer of ticks and series."""
    ticks, width = len(rows) - len(weights) + 1, rows.shape[1]
    rows = rows.astype(np.float64)
    if ticks < width:
        return np.stack([weights @ rows[at : at + len(weights)] for at in range(ticks)])
    return np.stack([np.correlate(row, weights, "valid") for row in rows.T.copy()], axis=1)


@dataclass(frozen=True)
class MovingMedian(Moving):
    """Median of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center, by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or ndarray of float64
        In the unit of the data, in its kind and with its index. Missing and infinite values do not
        count. It equals pandas' ``rolling(window, min_periods, center).median()``.

    Raises
    ------
    ParameterError
        If the window or ``min_periods`` breaks its rule.
    DataError
        If a window of time meets ticks without times, or times that run backward.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_median(pd.Series([1, 2, 900, 3, 4]), window=3).tolist()
    [nan, nan, 2.0, 3.0, 4.0]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 3},
        {"window": "5h", "by": "product_id"},
        {"window": 4, "center": True, "min_periods": 1},
    )

    cycle: ClassVar[tuple[int, int] | None] = (0, 1)

    def pick(self, rolling: Any) -> Any:
        """Choose a number from each window of pandas' rolling."""
        return rolling.median()

    def take(self, state: State, values: Values, times: Any) -> Values:
        rows = np.where(np.isfinite(values), values, np.nan)
        held, first, last = self.reach(state, rows, times)
        # One series below the other is one call for all. Windows of held rows are empty.
        before = np.repeat(first[:1], len(held) - len(rows), axis=0)
        ends = np.concatenate([before, np.broadcast_to(last + 1, first.shape)])
        below = np.arange(rows.shape[1])[:, None] * len(held)
        starts = np.concatenate([before, first]).T + below
        bounds = _Bounds(starts=starts.ravel(), ends=(ends.T + below).ravel())
        rolling = pd.Series(held.T.ravel()).rolling(bounds, min_periods=self.least)
        found: Values = self.pick(rolling).to_numpy().reshape(rows.shape[1], -1)
        return found[:, len(held) - len(rows) :].T.copy()


class _Bounds(BaseIndexer):
    """The rows that each window of pandas' rolling begins and ends with."""

    def get_window_bounds(  # pandas asks for these names
        self,
        num_values: int = 0,  # noqa: ARG002
        min_periods: int | None = None,  # noqa: ARG002
        center: bool | None = None,  # noqa: ARG002
        closed: str | None = None,  # noqa: ARG002
        step: int | None = None,  # noqa: ARG002
    ) -> tuple[Any, Any]:
        return self.starts, self.ends  # type: ignore[attr-defined]  # as it was made with


@dataclass(frozen=True)
class ExponentialAverage(SeriesStep):
    """Average in which older ticks count less and less: m += α (x − m).

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        Ticks; the columns are series side by side, or ``by`` tells them apart.
    span : float, optional
        α = 2 / (span + 1); at least 1. Give exactly one of the four.
    alpha : float, optional
        The share of the newest tick, 0 < α ≤ 1.
    halflife : float, str or Timedelta, optional
        After this many ticks a value counts half. A length of time, as in ``"3h"``, weights by
        the times in the index instead, for events that come irregularly.
    com : float, optional
        Centre of mass: α = 1 / (1 + com); at least 0.
    interpolation : {"previous", "next"}, default "previous"
        With a half-life in time: whether between two events the value of the earlier or of the
        later was in force. On regular ticks "next" equals a half-life in ticks, and "previous"
        trails it by one tick.
    by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or ndarray of float64
        In the unit of the data, in its kind and with its index. At a missing or infinite value the
        average stays.

    Raises
    ------
    ParameterError
        If not exactly one of the four is given, or it breaks its rule.
    DataError
        If a half-life in time meets an index without times, or times that run backward.

    Notes
    -----
    In ticks it equals pandas' ``ewm(adjust=False, ignore_na=False).mean()``. In time it is the
    exponentially weighted average of a step function: m decays by exp(−Δt ln 2 / halflife) and
    the value in force gains the rest [1]_.

    References
    ----------
    .. [1] U. A. Müller, "Specially weighted moving averages with repeated application of the EMA
       operator", Olsen & Associates (1991).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.exponential_average(pd.Series([8, 4, 0]), alpha=0.5).tolist()
    [8.0, 6.0, 3.0]
    >>> times = pd.to_datetime(["2024-01-01 10:00", "2024-01-01 11:00", "2024-01-01 13:00"])
    >>> rt.exponential_average(pd.Series([8.0, 0.0, 4.0], times), halflife="1h").tolist()
    [8.0, 8.0, 2.0]
    """

    span: float | None = None
    alpha: float | None = None
    halflife: float | str | timedelta | None = None
    com: float | None = None
    interpolation: str = "previous"

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"span": 5},
        {"alpha": 1.0},
        {"halflife": "3h"},
        {"halflife": "90min", "interpolation": "next", "by": "product_id"},
    )

    cycle: ClassVar[tuple[int, int] | None] = (0, 1)

    def __post_init__(self) -> None:
        given = [name for name in _LEAST if getattr(self, name) is not None]
        if len(given) != 1:
            raise ParameterError(
                f"{' and '.join(given) or 'none of span, alpha, halflife, com'} given: exactly "
                "one says how fast the past fades; try span=24"
            )
        if self.interpolation not in ("previous", "next"):
            raise ParameterError(
                f"interpolation={self.interpolation!r}: it is 'previous' or 'next'"
            )
        name, value = given[0], getattr(self, given[0])
        if self.timed:
            if not self._span > 0:
                raise ParameterError(f"halflife={value!r}: a half-life is positive; try '3h'")
            return
        least, strict, remedy = _LEAST[name]
        too_small = value <= least if strict else value < least
        if too_small or not math.isfinite(value) or (name == "alpha" and value > 1):
            rule = f"{'greater than' if strict else 'at least'} {least}"
            rule += " and at most 1" if name == "alpha" else ""
            raise ParameterError(f"{name}={value!r}: {name} is {rule}; try {name}={remedy}")

    @cached_property
    def _span(self) -> int:
        span = None if self.halflife is None else microseconds("halflife", self.halflife)
        return 0 if span is None else span

    @property
    def timed(self) -> bool:  # type: ignore[override]
        return self.halflife is not None and not isinstance(self.halflife, (int, float))

    @property
    def _fade(self) -> float:
        """How much of an average is left after one tick, or after one microsecond, as ln."""
        if self.timed:
            return -math.log(2) / self._span
        if self.halflife is not None:
            return -math.log(2) / self.halflife  # type: ignore[operator]
        alpha = self.alpha
        if self.span is not None:
            alpha = 2 / (self.span + 1)
        elif self.com is not None:
            alpha = 1 / (1 + self.com)
        return math.log1p(-alpha) if alpha < 1 else -math.inf  # type: ignore[operator]

    def begin(self, width: int) -> State:
        average, latest = np.full((2, width), np.nan)
        return {"average": average, "latest": latest, "when": np.zeros(width, np.int64)}

    def take(self, state: State, values: Values, times: Any) -> Values:
        """Only ticks that are known move an average; ``when`` was the last, now tick 0 is next."""
        if not self.timed:
            times = np.arange(1, len(values) + 1)[:, None]
        known = np.isfinite(values)
        places = np.where(known, np.arange(1, len(values) + 1)[:, None], 0)
        places = np.maximum.accumulate(places, axis=0)  # the last that was known, 0 before all
        seen = np.concatenate([state["latest"][None], np.where(known, values, 0.0)])
        when = np.broadcast_to(times, values.shape)
        when = np.concatenate([state["when"][None], when])
        earlier = np.concatenate([np.zeros_like(places[:1]), places[:-1]])
        before = np.take_along_axis(seen, earlier, axis=0)
        first = np.isnan(before)
        gaps = np.where(first, 0, times - np.take_along_axis(when, earlier, axis=0))
        aims = before if self.timed and self.interpolation == "previous" else seen[1:]
        aims = np.where(first, seen[1:], aims)
        gains = np.where(known, np.where(first, 1.0, self._gains(gaps)), 0.0)
        start = np.where(np.isnan(state["average"]), 0.0, state["average"])
        moved = _recur(start, gains, np.where(known, aims, 0.0))
        moved[np.isnan(np.take_along_axis(seen, places, axis=0))] = np.nan
        state["average"] = moved[-1].copy()
        state["latest"] = np.take_along_axis(seen, places[-1:], axis=0)[0]
        state["when"] = np.take_along_axis(when, places[-1:], axis=0)[0]
        if not self.timed:
            state["when"] = state["when"] - len(values)  # the next batch counts from 1 again
        return moved

    def _gains(self, gaps: Any) -> Values:
        """Give the share of the new value after each gap since the last."""
        if self.timed:
            return np.asarray(-np.expm1(gaps * self._fade))
        alpha = -math.expm1(self._fade)
        if alpha == 1:
            return np.ones(gaps.shape)
        left = np.exp(gaps * self._fade)  # pandas: what is left and α, made to add up to 1
        return np.where(gaps == 1, alpha, alpha / (left + alpha))


_BLOCK = 64  # ticks; enough to leave the loop behind, few enough to multiply
_FEW = 20  # series; so few are faster in plain floats, one by one

# Least value, whether it must be greater than that, and one to try.
_LEAST = {"span": (1, False, 24), "alpha": (0, True, 0.1), "halflife": (0, True, 12),
          "com": (0, False, 12)}  # fmt: skip


def _recur(average: Values, gains: Values, aims: Values) -> Values:
    """Run m += g (y − m) for series side by side: by blocks where g is constant."""
    if len(gains) > 2 * _BLOCK and (gains[1:] == gains[1, 0]).all():
        head = _recur(average, gains[:1], aims[:1])
        return np.concatenate([head, _by_blocks(head[0], gains[1, 0], aims[1:])])
    moved = np.empty_like(aims)
    if aims.shape[1] < _FEW:
        for series, one in enumerate(average.tolist()):
            steps = zip(gains[:, series].tolist(), aims[:, series].tolist(), strict=True)
            moved[:, series] = list(accumulate(steps, _step, initial=one))[1:]
        return moved
    for tick in range(len(aims)):
        average = average + gains[tick] * (aims[tick] - average)
        moved[tick] = average
    return moved


def _step(average: float, step: tuple[float, float]) -> float:
    gain, aim = step
    return average + gain * (aim - average)


def _by_blocks(average: Values, gain: float, aims: Values) -> Values:
    """Weigh the ticks of each block at once; only the step from block to block is a loop."""
    whole = len(aims) // _BLOCK * _BLOCK
    places = np.arange(_BLOCK)
    kept = (1 - gain) ** np.arange(_BLOCK + 1)  # no power is above 1, so nothing can overflow
    weights = np.tril(gain * kept[abs(places[:, None] - places)])
    blocks = weights @ aims[:whole].reshape(-1, _BLOCK, aims.shape[1])
    for block in range(len(blocks)):
        blocks[block] += kept[1:, None] * average
        average = blocks[block, -1]
    moved = blocks.reshape(whole, -1)
    rest = aims[whole:]
    return np.concatenate([moved, _recur(average, np.full_like(rest, gain), rest)])


moving_average = register("moving_average")(MovingAverage)
moving_median = register("moving_median")(MovingMedian)
exponential_average = register("exponential_average")(ExponentialAverage)
