"""Where a row belongs: its windows, and whether they are still open when it comes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rtlab.grid import Grid
from rtlab.held import spread
from rtlab.watermark import NO_TIME, Watermark

NO_WINDOW = -(2**62)  # before every window


class Shape(NamedTuple):
    """How windows lie on a grid: window k holds ``panes`` panes from ``k * stride`` on."""

    grid: Grid
    panes: int = 1
    stride: int = 1

    @property
    def overlap(self) -> int:
        """How many windows a pane belongs to, at the most."""
        return -(-self.panes // self.stride)

    def windows(self, panes: Any) -> tuple[Any, Any]:
        """Give the first and the last window of each pane."""
        if self.panes == 1:
            return panes, panes
        return -((self.panes - 1 - panes) // self.stride), panes // self.stride

    def open(self, mark: Any) -> Any:
        """Give the first window that is open at a watermark, or at each of several."""
        least, most = self.grid.reach
        if not isinstance(mark, int):
            number = self.grid.number(np.clip(mark, least, most))
        elif self.grid.civil:
            number = int(self.grid.number(np.array([min(max(mark, least), most)]))[0])
        else:
            number = self.grid.number(min(max(mark, least), most))
        return (number - self.panes) // self.stride + 1

    def bounds(self, numbers: Any) -> tuple[Any, Any]:
        """Give the starts and ends of windows."""
        first = numbers * self.stride
        return self.grid.starts(first), self.grid.starts(first + self.panes)


class Placed(NamedTuple):
    """Where the rows of a batch belong; a row may stand for several windows."""

    rows: Any
    """Which row each entry is of, or a mask; None where each row has one, in order."""
    groups: Any
    """The group: a window, or a pane and how many of its windows it missed."""
    first: Any
    """The first window that it counts in, and, for ``fill``, that its key is known for."""
    last: Any
    """The last window that it counts in."""
    revised: Any = None
    """Whether the window had closed; None where none had."""
    late: Any = None
    """Which rows of the batch are late; None where none is."""


def place(shape: Shape, watermark: Watermark, times: Any, lateness: int | None) -> Placed:
    """Find the groups of each row, and judge it by the watermark at its arrival.

    Without allowed lateness (None) groups are panes; with it each window has its own, and a row
    revises those that have closed.
    """
    by_panes = shape.panes > 1 and lateness is None
    panes = shape.grid.number(times)
    first, last = shape.windows(panes)
    open_: Any = NO_WINDOW
    if watermark.last != NO_TIME:
        open_ = shape.open(watermark.last)
    if not len(times) or first.min() >= open_:
        if by_panes:
            return Placed(None, panes * shape.overlap, first, last)
        return Placed(None, panes, panes, panes) if shape.panes == 1 else _each(first, last)
    # A row that moves the watermark is not behind it: it can be judged after its own move.
    behind = np.flatnonzero(first < open_)
    marks = watermark.after_rows(behind)
    open_ = gone = shape.open(marks)
    if lateness is not None:
        gone = shape.open(np.maximum(marks, NO_TIME + lateness) - lateness)
    late: Any = behind[last[behind] < gone]
    begin = first.copy()
    begin[behind] = np.maximum(first[behind], gone)
    if lateness is not None:
        known = np.full(len(panes), NO_WINDOW)
        known[behind] = open_
        return _each(begin, last, known, late if len(late) else None)
    groups = panes * shape.overlap + (begin - first) if by_panes else panes
    if not len(late):
        return Placed(None, groups, begin, last)
    rows = np.ones(len(panes), bool)
    rows[late] = False
    if shape.panes == 1:
        groups = groups[rows]
        return Placed(rows, groups, groups, groups, None, late)
    return Placed(rows, groups[rows], begin[rows], last[rows], None, late)


def _each(first: Any, last: Any, open_: Any = None, late: Any = None) -> Placed:
    """Give each row to each of its windows."""
    rows, windows = spread(first, np.maximum(last - first + 1, 0))
    if open_ is None:
        return Placed(rows, windows, windows, windows)
    revised = windows < open_[rows]
    known = np.where(revised, open_[rows], windows)
    return Placed(rows, windows, known, windows, revised if revised.any() else None, late)
