"""What belongs together: windows by event time, closed by a watermark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rtlab import keys, parsing
from rtlab.aggregate import ROWS, Plan
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.grid import Grid
from rtlab.steps import Outputs, State, Step, register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["tumbling"]

MOST_EMPTY = 1_000_000  # windows that ``fill`` may make at once
NO_TIME = parsing.NAT


@dataclass(frozen=True)
class Tumbling(Step):
    """Aggregate events in windows of event time that do not overlap.

    Parameters
    ----------
    size : str or Timedelta
        The length of a window. Up to an hour it is elapsed time; longer windows follow the clock
        of ``tz``, so that a day may last 23 or 25 hours.
    agg : dict, optional
        Column of the answer → ``(column, function)``; functions are count, sum, mean, min, max,
        first and last (by arrival), and ``"count"`` alone counts the rows. Default
        ``{"count": "count"}``. Missing values are left out.
    by : str or list of str, optional
        Keys: one row for each window and key. A missing key is a group of its own.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).
    delay : str or Timedelta, optional
        How long to wait for events that arrive out of order. The watermark is the largest event
        time so far less ``delay``; a window closes when its end ≤ the watermark, and a row whose
        window has closed is late. Without it windows close at the end of the data and nothing is
        late.
    fill : number, optional
        Give windows without events this value (and a count of 0), from the first window to the
        last; with ``by``, from each key's first window on. Without it there is no row for them.
    tz : str, default "UTC"
        The zone on whose clock windows start, and of the answer's times.
    offset : str or Timedelta, optional
        Shift the starts; ``size="7D", offset="4D"`` gives weeks from Monday.

    Returns
    -------
    windows : DataFrame
        Indexed by ``start``; columns ``end``, the keys, the aggregates; ordered by end and key.
        A window is half-open: ``start`` ≤ time < ``end``.
    late : DataFrame
        The late rows as they came.

    Raises
    ------
    ParameterError
        If a size, a delay or an aggregate is not one.
    DataError
        If the times have no zone, a column to sum is not a number, or ``fill`` would make more
        than a million rows at once.

    Notes
    -----
    Windows and watermarks as in T. Akidau et al., "The Dataflow Model", VLDB 2015.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T11:05Z"])
    >>> events = pd.DataFrame({"purchase_time": time, "amount": [250, 100, 40]})
    >>> hours = rt.tumbling(events, size="1h", agg={"revenue": ("amount", "sum")}, fill=0).windows
    >>> hours.revenue.tolist()
    [350, 0, 40]
    """

    size: Any
    agg: Mapping[str, Any] | None = None
    by: str | Sequence[str] | None = None
    on: str = "purchase_time"
    delay: Any = None
    fill: float | None = None
    tz: str = "UTC"
    offset: Any = None

    outputs: ClassVar[tuple[str, ...]] = ("windows", "late")
    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"size": "1h", "agg": {"revenue": ("amount", "sum"), "n": "count"}, "fill": 0},
        {"size": "10min", "by": "product_id", "delay": "5min"},
        {
            "size": "1h",
            "by": ["product_id", "user_id"],
            "agg": {"mean": ("amount", "mean"), "first": ("price", "first")},
            "delay": "30min",
            "fill": 0,
        },
        {
            "size": "1D",
            "tz": "America/New_York",
            "delay": "0s",
            "agg": {
                "low": ("amount", "min"), "high": ("amount", "max"), "last": ("price", "last"),
                "known": ("amount", "count"),
            },
        },
    )  # fmt: skip

    def __post_init__(self) -> None:
        size = parsing.duration(self.size, "size")
        parsing.check_zone(self.tz)
        _ = self._delay
        if size > 3_600_000_000 and size % 3_600_000_000 and self.tz != "UTC":
            raise ParameterError(
                f"size={self.size!r} with tz={self.tz!r}: windows over an hour on a civil clock "
                "are whole hours; choose such a size, or tz='UTC'"
            )
        if self.fill is not None and not isinstance(self.fill, (int, float, np.number)):
            raise ParameterError(f"fill={self.fill!r}: give one number, such as fill=0")
        _ = self._plan

    @cached_property
    def _plan(self) -> Plan:
        taken = ("start", "end", *keys.key_names(self.by))
        return Plan(self.agg, taken=taken)

    @cached_property
    def _delay(self) -> int | None:
        return None if self.delay is None else parsing.duration(self.delay, "delay")

    @cached_property
    def _grid(self) -> Grid:
        offset = 0 if self.offset is None else parsing.duration(self.offset, "offset")
        return Grid(parsing.duration(self.size, "size"), offset, self.tz)

    def refuses(self, *, ends: bool) -> str | None:  # noqa: ARG002
        if self.delay is not None:
            return None
        return (
            "delay=None closes windows only at the end of the data; "
            "give a delay, such as delay='30s'"
        )

    def initial(self) -> State:
        return {
            "groups": self._plan.initial(),
            "keys": keys.initial(self.by),
            "watermark": NO_TIME,
            "closed": NO_TIME,  # every window below has been answered
            "no_windows": None,  # the empty outputs, once they have been made
            "no_late": None,
            "last": NO_TIME,  # the newest window that holds a row
            "next": None,  # with fill: the first window not answered yet
            "since": np.zeros(0, np.int64),  # with fill: the first window of each key
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.arrays:
            return {}
        times = events.microseconds(self.on)
        numbers = self._grid.number(times)
        late, watermark = self._late(state, times, numbers)
        on_time = events
        if late is not None:
            on_time, numbers = events.take(~late), numbers[~late]
        values = self._plan.values(on_time)
        by = [on_time[name] for name in keys.key_names(self.by)]
        distinct = keys.distinct(self.by, by, len(numbers))
        self._plan.check(state["groups"], numbers, keys.size(state["keys"]) + len(numbers))
        if self.fill is not None:
            self._check_gap(state, numbers, max(len(state["since"]), distinct.number))
        # From here on nothing can fail: a bad batch leaves the state as it was.
        self._add(state, numbers, keys.encode(state["keys"], distinct), values)
        outputs = self.advance(state, watermark)
        if late is not None:
            return outputs | {"late": events.take(late)}
        if state["no_late"] is None:  # made once: an empty output costs as much as a full one
            state["no_late"] = events.take([]).arrays
        return outputs | {"late": Columns(state["no_late"])}

    def advance(self, state: State, time: int) -> Outputs:
        state["watermark"] = mark = max(state["watermark"], time)
        end = NO_TIME if mark == NO_TIME else int(self._grid.number(np.array([mark]))[0])
        if end > state["closed"] or state["no_windows"] is None:
            state["closed"] = end
            closed = self._close(state, end)
            if not len(closed):
                state["no_windows"] = closed.arrays
            return {"windows": closed}
        return {"windows": Columns(state["no_windows"], index="start")}

    def finish(self, state: State) -> Outputs:
        end = NO_TIME if state["last"] == NO_TIME else state["last"] + 1
        return {"windows": self._close(state, end)}

    def _late(self, state: State, times: Any, numbers: Any) -> tuple[Any, int]:
        """Judge each row by the watermark at its arrival; None where no row is late."""
        watermark = state["watermark"]
        if not len(times) or (self._delay is None and watermark == NO_TIME):
            return None, watermark
        before = watermark
        if self._delay is not None:
            watermark = max(before, int(times.max()) - self._delay)
        if numbers.min() >= self._grid.number(np.array([watermark]))[0]:
            return None, watermark
        marks = np.full(len(times), before)
        if self._delay is not None:
            marks = np.maximum(np.maximum.accumulate(times) - self._delay, before)
        late = numbers < self._grid.number(marks)
        return late if late.any() else None, watermark

    def _check_gap(self, state: State, numbers: Any, keys: int) -> None:
        if not len(numbers):
            return
        first = min(state["since"].min(initial=numbers.min()), numbers.min())
        if state["next"] is not None:
            first = state["next"]
        empty = int(numbers.max() - first) * keys
        if empty > MOST_EMPTY:
            raise DataError(
                f"fill={self.fill!r} would make {empty:,} rows, more than {MOST_EMPTY:,}: the "
                "times lie too far apart; reject wrong ones by clean(not_after=...), choose "
                "larger windows, or leave fill out"
            )

    def _add(self, state: State, numbers: Any, codes: Any, values: dict[str, Any]) -> None:
        self._plan.add(state["groups"], numbers, codes, values)
        if len(numbers):
            state["last"] = max(int(numbers.max()), state["last"])
        if self.fill is not None:
            before = state["since"]
            since = np.full(keys.size(state["keys"]), np.iinfo(np.int64).max)
            since[: len(before)] = before
            np.minimum.at(since, codes, numbers)
            state["since"] = since

    def _close(self, state: State, end: int) -> Columns:
        """Answer every window below ``end`` and forget it."""
        groups = state["groups"]
        if self.fill is not None and end != NO_TIME:
            self._plan.touch(groups, *self._every_window(state, end))
            state["next"] = end if state["next"] is None else max(state["next"], end)
        due = np.flatnonzero(groups["window"][: self._plan.size(groups)] < end)
        answer = self._answer(state, due)
        if len(due):
            self._plan.drop(groups, due, state["keys"] if self.fill is None else None)
        return answer

    @staticmethod
    def _every_window(state: State, end: int) -> tuple[Any, Any]:
        """Name each key's windows from its first one, or the last answer, up to ``end``."""
        first = state["since"] if state["next"] is None else state["since"].clip(state["next"])
        count = np.maximum(end - first, 0)
        codes = np.repeat(np.arange(len(first)), count)
        behind = np.cumsum(count)
        return np.arange(len(codes)) + np.repeat(first + count - behind, count), codes

    def _answer(self, state: State, due: Any) -> Columns:
        groups = state["groups"]
        codes, numbers = groups["key"][due], groups["window"][due]
        order = keys.order(state["keys"], codes, before=numbers)
        due, codes, numbers = due[order], codes[order], numbers[order]
        aggregates = self._plan.answers(groups, due)
        empty = groups[ROWS][due] == 0
        if empty.any():
            aggregates = {
                name: self._filled(name, array, empty) for name, array in aggregates.items()
            }
        times = {
            "start": self._grid.start(numbers).array,
            "end": self._grid.start(numbers + 1).array,
        }
        by = dict(zip(keys.key_names(self.by), keys.columns(state["keys"], codes), strict=True))
        return Columns(times | by | aggregates, index="start")

    def _filled(self, name: str, array: Any, empty: Any) -> Any:
        if self._plan.wanted[name][1] == "count":
            return array
        if array.dtype.kind == "i" and self.fill != int(self.fill or 0):
            array = array.astype(np.float64)
        array = array.copy()
        array[empty] = self.fill
        return array


tumbling = register("tumbling")(Tumbling)
