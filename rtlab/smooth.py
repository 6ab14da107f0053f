"""Smoothing: moving averages, simple, centred, weighted and exponential, and the moving median.

Nothing is ever subtracted from a sum, so that a huge value leaves no trace once it has left the
window, and blocks begin at fixed tick numbers, so that the cuts between batches do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import ParameterError
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count

__all__ = [
    "ExponentialAverage",
    "MovingAverage",
    "MovingMedian",
    "exponential_average",
    "moving_average",
    "moving_median",
]


@dataclass(frozen=True)
class _Moving(SeriesStep):
    """A trailing window of ticks; centred, its answers wait for half a window of later ticks."""

    window: int
    min_periods: int | None = None
    center: bool = False

    def __post_init__(self) -> None:
        check_count("window", self.window, 1, unit="row", remedy=24)
        if not isinstance(self.center, bool):
            raise ParameterError(f"center={self.center!r}: it is True or False")
        if self.min_periods is not None:
            check_count("min_periods", self.min_periods, 0, unit="rows", remedy=1)
            if self.min_periods > self.window:
                raise ParameterError(
                    f"min_periods={self.min_periods}: at most the window's {self.window} rows can "
                    f"be asked for; try min_periods={self.window}"
                )

    @property
    def ahead(self) -> int:  # type: ignore[override]
        return (self.window - 1) // 2 if self.center else 0

    @property
    def _least(self) -> int:
        return self.window if self.min_periods is None else max(self.min_periods, 1)

    def trail(self, state: State, values: Values) -> Values:
        """Answer for the window that ends at each tick."""
        raise NotImplementedError

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        return self.trail(state, np.where(np.isfinite(values), values, np.nan))

    def tail(self, state: State, width: int) -> Values:
        return self.trail(state, np.full((self.ahead, width), np.nan))


@dataclass(frozen=True)
class MovingAverage(_Moving):
    """Average of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data : Series or DataFrame
        Ticks; the columns of a frame are series side by side.
    window : int
        Number of ticks.
    min_periods : int, optional
        Answer from this many values that are not missing; by default a full window.
    center : bool, default False
        Average around each tick instead of up to it: answers come half a window late.
    weights : "linear" or sequence of float, optional
        ``window`` weights, oldest tick first, newest last; "linear" is 1, 2, …, window.

    Returns
    -------
    Series or DataFrame of float64
        In the unit of the data, with its index. Missing and infinite values do not count.

    Raises
    ------
    ParameterError
        If the window, ``min_periods`` or the weights break their rule.

    Notes
    -----
    A simple average equals pandas' ``rolling(window, min_periods, center).mean()``, except that it
    is right again after a huge value has left the window. It costs the same for any window: the
    sum is that of the end of one block of ``window`` ticks and of the beginning of the next [1]_.
    A weighted average costs ``window`` multiplications a tick.

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

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 3},
        {"window": 1},
        {"window": 4, "center": True, "min_periods": 1},
        {"window": 3, "weights": "linear"},
        {"window": 3, "weights": (0.25, 0.5, 0.25), "center": True, "min_periods": 2},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights is None or (isinstance(self.weights, str) and self.weights == "linear"):
            return
        if isinstance(self.weights, str):
            raise ParameterError(
                f"weights={self.weights!r}: weights are 'linear' or numbers; try weights='linear'"
            )
        weights = tuple(float(weight) for weight in self.weights)
        if len(weights) != self.window:
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
        if self.weights is not None:
            return {"last": np.zeros((2 * width, self.window - 1))}
        shape = (2 * width, self.window + 1)  # one column more: the sum of nothing
        blocks = {"block": np.zeros(shape), "ends": np.zeros(shape), "at": 0}
        return blocks | {"sum": np.zeros(2 * width)}

    def trail(self, state: State, values: Values) -> Values:
        known = ~np.isnan(values)
        rows = np.hstack([np.where(known, values, 0.0), known]).T.copy()
        if self.weights is None:
            total, count = np.vsplit(_sums(state, rows, self.window), 2)
            mass = count
        else:
            total, mass, count = self._weighted(state, rows)
        answers = np.full_like(total, np.nan)
        np.divide(total, mass, out=answers, where=(count >= self._least) & (mass != 0))
        return answers.T

    def _weighted(self, state: State, rows: Values) -> tuple[Values, Values, Values]:
        linear = self.weights == "linear"
        weights: Any = range(1, self.window + 1) if linear else self.weights
        kernels = np.array([weights, np.ones(self.window)])
        rows = np.hstack([state["last"], rows])
        state["last"] = rows[:, rows.shape[1] - self.window + 1 :].copy()
        values, known = np.vsplit(rows, 2)
        slide = (values, kernels[0]), (known, kernels[0]), (known, kernels[1])
        total, mass, count = (
            np.array([np.correlate(row, kernel, "valid") for row in many])
            for many, kernel in slide
        )
        return total, mass, count


def _sums(state: State, rows: Values, size: int) -> Values:
    """Sum the last ``size`` ticks at each tick; rows are series, columns ticks.

    The state holds the current block so far, its sum, and ``ends``: for each place of the block
    before, the sum from there to its end.
    """
    answers = np.empty_like(rows)
    done, ticks = 0, rows.shape[1]
    while done < ticks:
        at = state["at"]
        whole = (ticks - done) // size * size if at == 0 else 0
        here = slice(done, done + (whole or min(size - at, ticks - done)))
        new = rows[:, here]
        if whole:
            blocks = new.reshape(len(rows), -1, size)
            ends = np.concatenate([state["ends"][:, None, :size], _ends(blocks)], axis=1)
            sums = blocks.cumsum(axis=2)
            sums[:, :, :-1] += ends[:, :-1, 1:]
            answers[:, here] = sums.reshape(len(rows), -1)
            state["ends"][:, :size] = ends[:, -1]
        else:
            until = at + new.shape[1]
            sums = np.column_stack([state["sum"], new]).cumsum(axis=1)[:, 1:]
            answers[:, here] = sums + state["ends"][:, at + 1 : until + 1]
            state["block"][:, at:until] = new
            state["at"], state["sum"] = until, sums[:, -1].copy()
            if until == size:
                state["ends"][:, :size] = _ends(state["block"][:, :size])
                state["at"], state["sum"] = 0, np.zeros(len(rows))
        done = here.stop
    return answers


def _ends(blocks: Values) -> Values:
    return blocks[..., ::-1].cumsum(axis=-1)[..., ::-1]


@dataclass(frozen=True)
class MovingMedian(_Moving):
    """Median of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center
        As for ``moving_average``.

    Returns
    -------
    Series or DataFrame of float64
        In the unit of the data, with its index. Missing and infinite values do not count. It
        equals pandas' ``rolling(window, min_periods, center).median()``.

    Raises
    ------
    ParameterError
        If the window or ``min_periods`` breaks its rule.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_median(pd.Series([1, 2, 900, 3, 4]), window=3).tolist()
    [nan, nan, 2.0, 3.0, 4.0]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 3},
        {"window": 4, "center": True, "min_periods": 1},
    )

    def begin(self, width: int) -> State:
        return {"last": np.full((self.window - 1, width), np.nan)}

    def trail(self, state: State, values: Values) -> Values:
        rows = np.vstack([state["last"], values])
        state["last"] = rows[len(values) :].copy()
        medians = pd.DataFrame(rows).rolling(self.window, min_periods=self._least).median()
        return medians.to_numpy()[self.window - 1 :]


@dataclass(frozen=True)
class ExponentialAverage(SeriesStep):
    """Average in which older ticks count less and less: m += α (x − m).

    Parameters
    ----------
    data : Series or DataFrame
        Ticks; the columns of a frame are series side by side.
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

    Returns
    -------
    Series or DataFrame of float64
        In the unit of the data, with its index. At a missing value the average stays.

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
    )

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
        if name == "halflife" and not isinstance(value, (int, float)):
            if not self._microseconds() > 0:
                raise ParameterError(f"halflife={value!r}: a half-life is positive; try '3h'")
            return
        least, strict, remedy = _LEAST[name]
        too_small = value <= least if strict else value < least
        if too_small or not math.isfinite(value) or (name == "alpha" and value > 1):
            rule = f"{'greater than' if strict else 'at least'} {least}"
            rule += " and at most 1" if name == "alpha" else ""
            raise ParameterError(f"{name}={value!r}: {name} is {rule}; try {name}={remedy}")

    def _microseconds(self) -> float:
        try:
            return pd.Timedelta(self.halflife) / pd.Timedelta(1, "us")  # type: ignore[arg-type]
        except ValueError as error:
            raise ParameterError(
                f"halflife={self.halflife!r}: a half-life is a number of ticks or a length of "
                "time; try halflife='3h'"
            ) from error

    @property
    def _in_time(self) -> bool:
        return self.halflife is not None and not isinstance(self.halflife, (int, float))

    @property
    def _fade(self) -> float:
        """How much of an average is left after one tick, or after one microsecond, as ln."""
        if self._in_time:
            return -math.log(2) / self._microseconds()
        if self.halflife is not None:
            return -math.log(2) / self.halflife  # type: ignore[operator]
        alpha = self.alpha
        if self.span is not None:
            alpha = 2 / (self.span + 1)
        elif self.com is not None:
            alpha = 1 / (1 + self.com)
        return math.log1p(-alpha) if alpha < 1 else -math.inf  # type: ignore[operator]

    def begin(self, width: int) -> State:
        nothing = np.full(width, np.nan)
        return {"ticks": 0, "average": nothing, "value": nothing, "when": nothing}

    @property
    def timed(self) -> bool:  # type: ignore[override]
        return self._in_time

    def take(self, state: State, values: Values, times: Any) -> Values:
        if times is not None:
            times = times[:, 0]
        else:
            times = np.arange(state["ticks"], state["ticks"] + len(values))
            state["ticks"] += len(values)
        answers = np.empty_like(values)
        for series in range(values.shape[1]):
            memory = {name: state[name].copy() for name in ("average", "value", "when")}
            answers[:, series] = self._follow(memory, series, values[:, series], times)
            state.update(memory)
        return answers

    def _follow(self, memory: State, series: int, values: Values, times: Any) -> Values:
        """Move one series' average along; only ticks that are known move it."""
        (known,) = np.nonzero(np.isfinite(values))
        if len(known) == 0:
            return np.full(len(values), memory["average"][series])
        before, first = memory["average"][series], np.isnan(memory["value"][series])
        seen, when = values[known], times[known]
        earlier = np.concatenate([[memory["value"][series]], seen[:-1]])
        gaps = np.diff(when, prepend=when[0] if first else memory["when"][series])
        gains, aims = self._gains(gaps), seen
        if self._in_time and self.interpolation == "previous":
            aims = earlier
        if first:
            gains[0], aims = 1.0, np.concatenate([seen[:1], aims[1:]])
        moved = _recur(0.0 if first else before, gains, aims)
        memory["average"][series], memory["value"][series] = moved[-1], seen[-1]
        memory["when"][series] = when[-1]
        places = np.searchsorted(known, np.arange(len(values)), side="right")
        return np.concatenate([[before], moved])[places]

    def _gains(self, gaps: Any) -> Values:
        """Give the share of the new value after each gap since the last."""
        if self._in_time:
            return np.asarray(-np.expm1(gaps * self._fade))
        alpha = -math.expm1(self._fade)
        if alpha == 1:
            return np.ones(len(gaps))
        left = np.exp(gaps * self._fade)  # pandas: what is left and α, made to add up to 1
        return np.where(gaps == 1, alpha, alpha / (left + alpha))


_BLOCK = 64  # ticks; enough to leave the loop behind, few enough to multiply

# Least value, whether it must be greater than that, and one to try.
_LEAST = {"span": (1, False, 24), "alpha": (0, True, 0.1), "halflife": (0, True, 12),
          "com": (0, False, 12)}  # fmt: skip


def _recur(average: float, gains: Values, aims: Values) -> Values:
    """Run m += g (y − m): by blocks where g is constant, and else in plain floats."""
    if len(gains) > 2 * _BLOCK and (gains[1:] == gains[1]).all():
        head = _recur(average, gains[:1], aims[:1])
        return np.concatenate([head, _by_blocks(head[0], gains[1], aims[1:])])
    moved = []
    for gain, aim in zip(gains.tolist(), aims.tolist(), strict=True):
        average += gain * (aim - average)
        moved.append(average)
    return np.array(moved)


def _by_blocks(average: float, gain: float, aims: Values) -> Values:
    """Weigh the ticks of each block at once; only the step from block to block is a loop."""
    whole = len(aims) // _BLOCK * _BLOCK
    places = np.arange(_BLOCK)
    kept = (1 - gain) ** np.arange(_BLOCK + 1)  # no power is above 1, so nothing can overflow
    weights = np.tril(gain * kept[abs(places[:, None] - places)])
    blocks = aims[:whole].reshape(-1, _BLOCK) @ weights.T
    before = []
    for own in blocks[:, -1].tolist():
        before.append(average)
        average = kept[-1] * average + own
    moved = (blocks + np.outer(before, kept[1:])).ravel()
    rest = aims[whole:]
    return np.concatenate([moved, _recur(average, np.full(len(rest), gain), rest)])


moving_average = register("moving_average")(MovingAverage)
moving_median = register("moving_median")(MovingMedian)
exponential_average = register("exponential_average")(ExponentialAverage)
