"""How far event time has come: the watermark, row by row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from rtlab import parsing
from rtlab.columns import Columns
from rtlab.errors import DataError

NO_TIME = parsing.NAT
COLUMN = "_watermark"
"""The column in which several inputs, or a source, hand on the watermark of each row."""


class Watermark:
    """The watermark while a batch arrives.

    A row is judged by the watermark that it finds; then its own time moves it. It never goes back.

    Parameters
    ----------
    before : int
        Where it stood, in microseconds since 1970 UTC, or ``NO_TIME``.
    events : Columns
        The batch; a column ``_watermark`` tells the watermark that each row finds.
    times : int64 array
        Its event times.
    delay : int or None
        How far the watermark stays behind the newest event time; None where the column, or
        ``advance`` alone, moves it.
    """

    def __init__(self, before: int, events: Columns, times: Any, delay: int | None) -> None:
        self._before, self._times, self._delay = before, times, delay
        self._given: Any = None
        self.last = before
        if not len(times):
            return
        if delay is not None:
            self.last = max(before, int(times.max()) - delay)
        elif COLUMN in events:
            self._given = given = events[COLUMN]
            if given.dtype != np.int64:
                raise DataError(
                    f"column {COLUMN!r} holds {given.dtype}: a watermark is int64 microseconds "
                    "since 1970 UTC; leave the column out, and give a delay"
                )
            self.last = max(before, int(given.max()))

    @property
    def told(self) -> bool:
        """Whether the rows come with their watermarks."""
        return self._given is not None

    @cached_property
    def after(self) -> Any:
        """Where it stands after each row."""
        if self._given is None and self._delay is None:
            return np.full(len(self._times), self._before)
        moved = self._given if self._given is not None else self._times - self._delay
        return np.maximum(np.maximum.accumulate(moved), self._before)

    def after_rows(self, rows: Any) -> Any:
        """Where it stands after some rows, in order: quicker where they are few."""
        if self._given is not None or self._delay is None:
            return self.after[rows]
        cuts = np.concatenate([[0], rows[:-1] + 1])
        newest = np.maximum.reduceat(self._times[: rows[-1] + 1], cuts)
        return np.maximum(np.maximum.accumulate(newest) - self._delay, self._before)

    @property
    def found(self) -> Any:
        """Where it stands when each row comes."""
        if self.told:
            return self.after
        return np.concatenate([[self._before], self.after[:-1]])
