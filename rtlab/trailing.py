"""Trailing windows, of so many ticks or of a length of time: one machinery for all that moves.

Nothing is ever subtracted from a sum, so that a huge value leaves no trace once it has left the
window. A window is the end of one block of ticks and the beginning of the next, each folded tick
by tick from the edge between them [1]_. A subclass says what is folded: sums, extremes, moments.

.. [1] M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and
   octagonal kernels", Pattern Recognition Letters 13 (1992).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import ParameterError
from rtlab.steps import State
from rtlab.ticks import SeriesStep, Values, check_count

_MANY = 512  # so many sums at once are faster tick by tick than one after the other
_CHUNK = 2**15  # numbers that are folded at once: few enough to stay near the processor


def microseconds(name: str, length: Any) -> int | None:
    """Give a length of time in whole microseconds, or None where it is no length of time."""
    if np.ndim(length) == 0 and np.asarray(length).dtype.kind in "biuf":
        return None
    try:
        return int(pd.Timedelta(length) // pd.Timedelta(1, "us"))
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{name}={length!r}: {name} is a number of ticks or a length of time; try {name}='3h'"
        ) from error


@dataclass(frozen=True)
class Moving(SeriesStep):
    """A trailing window; centred, its answers wait for half a window of later ticks."""

    window: int | str | timedelta
    min_periods: int | None = None
    center: bool = False

    def __post_init__(self) -> None:
        if self.span is None:
            check_count("window", self.window, 1, unit="row", remedy=24)
        elif self.span < 1:
            raise ParameterError(
                f"window={self.window!r}: a length of time is at least a microsecond; "
                "try window='3h'"
            )
        if not isinstance(self.center, bool):
            raise ParameterError(f"center={self.center!r}: it is True or False")
        if self.center and self.span is not None:
            raise ParameterError(
                f"center=True with window={self.window!r}: only a window of ticks can be centred; "
                "give its number of ticks, or leave center out"
            )
        if self.min_periods is not None:
            check_count("min_periods", self.min_periods, 0, unit="rows", remedy=1)
            if self.span is None and self.min_periods > self.size:
                raise ParameterError(
                    f"min_periods={self.min_periods}: at most the window's {self.window} rows can "
                    f"be asked for; try min_periods={self.window}"
                )

    @cached_property
    def span(self) -> int | None:
        """The window in microseconds, if it is one of time."""
        return microseconds("window", self.window)

    @property
    def size(self) -> int:
        """The window in ticks, if it is one of ticks."""
        return self.window if self.span is None else 0  # type: ignore[return-value]

    @property
    def least(self) -> int:
        """The number of known values from which a window is answered."""
        usual = 1 if self.span is not None else self.size
        return usual if self.min_periods is None else max(self.min_periods, 1)

    @property
    def timed(self) -> bool:  # type: ignore[override]
        return self.span is not None

    @property
    def ahead(self) -> int:  # type: ignore[override]
        return (self.size - 1) // 2 if self.center else 0

    def begin(self, width: int) -> State:
        rows = max(self.size - 1, 0)
        return {"rows": np.full((rows, width), np.nan)} | (
            {"clock": np.zeros((0, width), np.int64)} if self.timed else {}
        )

    def tail(self, state: State, width: int) -> Values:
        return self.take(state, np.full((self.ahead, width), np.nan), None)

    def reach(self, state: State, rows: Values, times: Any) -> tuple[Values, Any, Any]:
        """Give the rows that the windows of new ticks hold, and each window's first and last.

        The first are of shape (ticks, 1), or (ticks, series) where each has its own times.
        """
        held = np.concatenate([state["rows"], rows])
        last = np.arange(len(state["rows"]), len(held))[:, None]
        if self.span is None:
            state["rows"] = held[len(rows) :].copy()
            return held, last - self.size + 1, last
        clock = np.concatenate([state["clock"][:, : times.shape[1]], times])
        since = zip(clock.T, (times - self.span).T, strict=True)
        first = np.stack([np.searchsorted(*one, side="right") for one in since], axis=1)
        state["rows"], state["clock"] = (one[first[-1].min() :].copy() for one in (held, clock))
        return held, first, last


@dataclass(frozen=True)
class Folding(Moving):
    """A window whose values are folded into a few numbers: its ``marks``.

    Folds have the shape (marks, …, series). Rows of blocks have (blocks, ticks, series), and NaN
    where a value is missing.
    """

    nothing: ClassVar[tuple[float, ...]] = ()
    """The fold of no values: a number for each mark."""

    def scan(self, start: Values, rows: Values) -> Values:
        """Fold each block's values up to each tick, going on from ``start``, (marks, series)."""
        raise NotImplementedError

    def merge(self, before: Values, after: Values) -> Values:
        """Fold two folds, of the values before an edge and of those after it."""
        raise NotImplementedError

    def answer(self, folds: Values, values: Values) -> Values:
        """Say what the fold of each window means for the tick that it is ``about``."""
        raise NotImplementedError

    def about(self, state: State, rows: Values) -> Values:  # noqa: ARG002
        """Give the ticks that the next answers are about, where an answer looks at them."""
        return rows

    @property
    def cycle(self) -> tuple[int, int] | None:  # type: ignore[override]
        return (0, 1) if self.timed else (0, self.size)

    def _empty(self, *shape: int) -> Values:
        marks = np.array(self.nothing).reshape(-1, *[1] * len(shape))
        return np.broadcast_to(marks, (len(marks), *shape))

    def begin(self, width: int) -> State:
        if self.timed:
            return super().begin(width)
        return {
            "block": np.full((self.size, width), np.nan),
            "sofar": self._empty(width).copy(),  # the fold of the block, as far as it goes
            "ends": self._empty(
                self.size + 1, width
            ).copy(),  # of the block before, from each tick
        }

    def take(self, state: State, values: Values, times: Any) -> Values:
        rows = np.where(np.isfinite(values), values, np.nan)
        about, apart = self.about(state, rows), self.timed and times.shape[1] > 1
        about = about.T.reshape(-1, 1) if apart else about  # one series below the other
        answers = np.empty_like(about)
        with np.errstate(over="ignore", invalid="ignore"):
            by = self._by_time(state, rows, times) if self.timed else self._by_ticks(state, rows)
            for here, folds in by:
                answers[here] = self.answer(folds, about[here])
        return answers.reshape(rows.shape[::-1]).T if apart else answers

    def _ends(self, blocks: Values) -> Values:
        """Fold each block's values from each tick to its end, and from beyond it: of nothing."""
        count, _, width = blocks.shape
        back = self.scan(self._empty(width), blocks[:, ::-1])[:, :, ::-1]
        return np.concatenate([back, self._empty(count, 1, width)], axis=2)

    def _by_ticks(self, state: State, rows: Values) -> Iterator[tuple[Any, Values]]:
        """Blocks are as long as the window and begin at fixed tick numbers."""
        size, width = self.size, rows.shape[1]
        done, at = 0, state["tick"] % size
        while done < len(rows):
            left = len(rows) - done
            whole = min(left // size, max(_CHUNK // (size * width), 1)) if at == 0 else 0
            here = slice(done, done + (whole * size or min(size - at, left)))
            done, new = here.stop, rows[here]
            if whole:
                blocks = new.reshape(whole, size, width)
                ends = np.concatenate([state["ends"][:, None], self._ends(blocks)], axis=1)
                folds = self.merge(ends[:, :-1, 1:], self.scan(self._empty(width), blocks))
                state["ends"] = ends[:, -1].copy()
                yield here, folds.reshape(len(folds), -1, width)
                continue
            until = at + len(new)
            folds = self.scan(state["sofar"], new[None])[:, 0]
            state["block"][at:until], state["sofar"] = new, folds[:, -1].copy()
            yield here, self.merge(state["ends"][:, at + 1 : until + 1], folds)
            at = until % size
            if at == 0:
                state["ends"] = self._ends(state["block"][None])[:, 0]
                state["sofar"] = self._empty(width).copy()

    def _by_time(self, state: State, rows: Values, times: Any) -> Iterator[tuple[Any, Values]]:
        """Blocks have a power of two for a length: the window's ticks straddle the edge of two.

        The edge is where the highest bit changes in which the numbers of its first and last tick
        differ, so that it depends on no cut. Blocks need not be longer than the longest window.
        """
        before = state["tick"] - len(state["rows"])
        held, first, last = self.reach(state, rows, times)
        if times.shape[1] > 1:
            below = np.arange(times.shape[1]) * len(held)
            held, first, last = (
                one.T.reshape(-1, 1) for one in (held, first + below, last + below)
            )
        first, last = first[:, 0], last[:, 0]
        highest = int((last - first).max()).bit_length()
        lead, width = before % (1 << highest), held.shape[1]
        ticks = -(-(lead + len(held)) >> highest << highest)  # up to the end of the longest block
        aligned = np.full((ticks, width), np.nan)
        aligned[lead : lead + len(held)] = held
        first, last = first + lead, last + lead
        levels = np.frexp((first ^ last).astype(np.float64))[1] - 1
        levels = np.clip(levels, 0, highest)
        for level in np.unique(levels).tolist():
            (here,) = np.nonzero(levels == level)
            a, b, size = first[here], last[here], 1 << level
            blocks = aligned.reshape(-1, size, width)
            used, at = _distinct(a >> level)
            inside = np.where(a < b, a & (size - 1), size)  # a window of one tick ends nothing
            ends = _picked(self._ends(blocks[used]), at, inside)
            used, at = _distinct(b >> level)
            begun = self.scan(self._empty(width), blocks[used])
            yield here, self.merge(ends, _picked(begun, at, b & (size - 1)))


def _distinct(numbers: Any) -> tuple[Any, Any]:
    """Give the different ones of rising numbers, and the place of each among them."""
    fresh = np.diff(numbers, prepend=-1) != 0
    return numbers[fresh], fresh.cumsum() - 1


def _picked(folds: Values, blocks: Any, ticks: Any) -> Values:
    """Take the folds at some ticks of blocks."""
    marks, _, size, width = folds.shape
    picked: Values = np.take(folds.reshape(marks, -1, width), blocks * size + ticks, axis=1)
    return picked


def running(fold: np.ufunc, start: Values, rows: Values, out: Values) -> None:
    """Fold the ticks of each block one after the other into ``out``; ``rows`` are used up."""
    rows[:, 0] = fold(start, rows[:, 0])
    if len(rows) * rows.shape[2] < _MANY:
        fold.accumulate(rows, axis=1, out=out)
        return
    out[:, 0] = rows[:, 0]
    for tick in range(1, rows.shape[1]):
        fold(out[:, tick - 1], rows[:, tick], out=out[:, tick])


def counted(start: Values, rows: Values, out: Values) -> Any:
    """Count the known values of each block up to each tick; give which are known."""
    known = ~np.isnan(rows)
    if known.all():
        out[:] = start + np.arange(1.0, rows.shape[1] + 1)[:, None]
    else:
        running(np.add, start, known.astype(np.float64), out)
    return known


def divided(total: Values, by: Values, where: Any) -> Values:
    """Divide where it makes sense, and answer NaN elsewhere."""
    quotient: Values = np.divide(total, by, out=np.full_like(total, np.nan), where=where)
    return quotient
