"""The grid of windows: which window a moment lies in, and when a window starts and ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Grid"]

HOUR = 3_600_000_000  # microseconds
REFERENCE = pd.Timestamp("2024-01-01", tz="UTC")


@dataclass(frozen=True)
class Grid:
    """Windows of one size, numbered along the time axis.

    Windows of up to an hour are elapsed time, aligned with the zone's clock. Longer ones follow
    the civil clock: a day lasts 23 or 25 hours when the clocks change.

    Parameters
    ----------
    size, offset : int
        Microseconds; windows start at whole multiples of ``size`` plus ``offset`` on the clock.
    tz : str
        The zone of the clock.
    """

    size: int
    offset: int
    tz: str

    @property
    def civil(self) -> bool:
        """Whether the windows follow the clock on the wall rather than elapsed time."""
        return self.size > HOUR and self.tz != "UTC"

    @cached_property
    def _shift(self) -> int:
        """Where elapsed windows start: the zone may lie off UTC by a part of an hour."""
        ahead = REFERENCE.tz_convert(self.tz).tz_localize(None) - REFERENCE.tz_localize(None)
        return self.offset - int(ahead // pd.Timedelta(1, unit="us"))

    def number(self, times: Any) -> Any:
        """Give the number of the window of each time (int64 microseconds, UTC)."""
        if not self.civil:
            return (times - self._shift) // self.size
        wall = pd.DatetimeIndex(np.asarray(times).view("M8[us]")).tz_localize("UTC")
        numbers = (wall.tz_convert(self.tz).tz_localize(None).asi8 - self.offset) // self.size
        if self.offset % HOUR:  # a start within the hour that comes twice lies behind some rows
            numbers += times >= self.start(numbers + 1).asi8
        return numbers

    def start(self, numbers: Any) -> pd.DatetimeIndex:
        """Give the start of windows, in the zone."""
        clock = np.asarray(numbers, np.int64) * self.size
        if not self.civil:
            moments = (clock + self._shift).view("M8[us]")
            return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(self.tz)
        wall = pd.DatetimeIndex((clock + self.offset).view("M8[us]"))
        first = np.ones(len(wall), dtype=bool)  # a start that comes twice: the first time
        return wall.tz_localize(self.tz, ambiguous=first, nonexistent="shift_forward")
