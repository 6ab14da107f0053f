"""The grid of windows: which window a moment lies in, and when a window starts and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import ParameterError
from rtlab.parsing import NAT, duration

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
REFERENCE = pd.Timestamp("2024-01-01", tz="UTC")
MONDAY = 4 * DAY  # 1970 began on a Thursday
UNITS = {"hour": HOUR, "day": DAY, "week": 7 * DAY}
CALENDAR = (-62_135_510_400_000_000, 253_402_128_000_000_000)  # a day off either end
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Grid:
    """Windows of one size, numbered along the time axis.

    Windows of up to an hour are elapsed time, aligned with the zone's clock. Longer ones follow
    the civil clock: a day lasts 23 or 25 hours when the clocks change.

    Parameters
    ----------
    size : int
        Microseconds, or months.
    offset : int
        Microseconds; windows start at whole multiples of ``size`` plus ``offset`` on the clock.
    tz : str
        The zone of the clock.
    months : bool, default False
        Whether ``size`` counts months.
    """

    size: int
    offset: int
    tz: str
    months: bool = False
    clock: bool | None = None
    """Whether they follow the clock on the wall; None where their size tells."""

    @classmethod
    def of(cls, size: Any, offset: Any, tz: str) -> Grid:
        """Read a size, which may be a calendar's unit, and an offset."""
        shift = 0 if offset is None else duration(offset, "offset")
        if isinstance(size, str) and size in MONTHS:
            return cls(MONTHS[size], shift, tz, months=True)
        if isinstance(size, str) and size in UNITS:
            return cls(UNITS[size], shift + (MONDAY if size == "week" else 0), tz)
        grid = cls(duration(size, "size"), shift, tz)
        if grid.civil and grid.size % HOUR:
            raise ParameterError(
                f"size={size!r} with tz={tz!r}: windows over an hour on a civil clock are whole "
                "hours; choose such a size, or tz='UTC'"
            )
        return grid

    def divided(self, size: int) -> Grid:
        """Give the grid of panes that such windows are made of."""
        return replace(self, size=size, clock=self.civil)

    @property
    def civil(self) -> bool:
        """Whether the windows follow the clock on the wall rather than elapsed time."""
        by_size = self.months or (self.size > HOUR and self.tz != "UTC")
        return by_size if self.clock is None else self.clock

    @property
    def reach(self) -> tuple[int, int]:
        """Between which moments windows can be numbered: a calendar has years 1 to 9999."""
        return CALENDAR if self.civil else (-(2**61), 2**61)

    @cached_property
    def _shift(self) -> int:
        """Where elapsed windows start: the zone may lie off UTC by a part of an hour."""
        ahead = REFERENCE.tz_convert(self.tz).tz_localize(None) - REFERENCE.tz_localize(None)
        return self.offset - int(ahead // pd.Timedelta(1, unit="us"))

    def number(self, times: Any) -> Any:
        """Give the number of the window of each time (int64 microseconds, UTC)."""
        if not self.civil:
            return (times - self._shift) // self.size
        moments = pd.DatetimeIndex(np.asarray(times).view("M8[us]")).tz_localize("UTC")
        wall = moments.tz_convert(self.tz).tz_localize(None).asi8 - self.offset
        if self.months:
            numbers = wall.view("M8[us]").astype("M8[M]").astype(np.int64) // self.size
        else:
            numbers = wall // self.size
        if self.offset % HOUR or (self.size % HOUR and not self.months):
            # A start within the hour that comes twice lies behind some rows of its second coming.
            while (further := times >= self.starts(numbers + 1)).any():
                numbers += further
        return numbers

    def starts(self, numbers: Any) -> Any:
        """Give the start of windows (int64 microseconds, UTC)."""
        clock = np.asarray(numbers, np.int64) * self.size
        if not self.civil:
            return clock + self._shift
        if self.months:
            clock = clock.view("M8[M]").astype("M8[us]").astype(np.int64)
        wall = pd.DatetimeIndex((clock + self.offset).view("M8[us]"))
        first = np.ones(len(wall), dtype=bool)  # a start that comes twice: the first time
        placed = np.asarray(wall.tz_localize(self.tz, ambiguous=first, nonexistent="NaT").asi8)
        skipped = np.flatnonzero(placed == NAT)
        if len(skipped):
            placed = placed.copy()
            placed[skipped] = [_after_gap(one, self.tz) for one in wall.asi8[skipped].tolist()]
        return placed


def _after_gap(wall: int, tz: str) -> int:
    """Find the moment at which the clock jumps over a time (pandas is wrong for half an hour)."""

    def ahead(moment: int) -> int:
        offset = pd.Timestamp(moment, unit="us", tz="UTC").tz_convert(tz).utcoffset()
        return int((offset or pd.Timedelta(0)) // pd.Timedelta(1, unit="us"))

    before = wall - max(ahead(wall - 2 * DAY), ahead(wall + 2 * DAY))
    after = wall - min(ahead(wall - 2 * DAY), ahead(wall + 2 * DAY))
    old = ahead(before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if ahead(middle) == old else (before, middle)
    return after
