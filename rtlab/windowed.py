"""How windows by event time fill, close, and are revised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from rtlab import keys, parsing, slots
from rtlab.aggregate import Plan
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.held import spread
from rtlab.placing import NO_WINDOW, Placed, Shape, place
from rtlab.slots import ROWS, WHOLE, lane
from rtlab.steps import Outputs, State, Step
from rtlab.watermark import NO_TIME, Watermark

MOST_EMPTY = 1_000_000  # windows that ``fill`` may make at once


class Rows(NamedTuple):
    """Rows on their way to groups."""

    codes: Any
    """Of their keys."""
    fields: dict[str, Any]
    """The columns to aggregate."""
    arrived: Any
    """The numbers of their arrival."""

    def take(self, rows: Any) -> Rows:
        """Take some of them."""
        values = {name: array[rows] for name, array in self.fields.items()}
        arrived = None if self.arrived is None else self.arrived[rows]
        return Rows(self.codes[rows], values, arrived)


class Timed(Step):
    """What every window by event time knows: its keys, its aggregates, and when it is final."""

    by: str | Sequence[str] | None
    agg: Mapping[str, Any] | None
    on: str
    delay: Any
    tz: str
    lateness: Any

    outputs: ClassVar[tuple[str, ...]] = ("windows", "late")
    takes: ClassVar[str] = "events"
    own: ClassVar[tuple[str, ...]] = ("revision",)
    """Columns of the answer where late rows revise it."""
    times: ClassVar[bool] = False
    """Whether the groups hold their earliest and latest event time."""
    fill: float | None = None

    def _check(self) -> None:
        parsing.check_zone(self.tz)
        _ = self._delay, self._lateness, self._plan

    @cached_property
    def _plan(self) -> Plan:
        taken = ("start", "end", *keys.key_names(self.by), *(self.own if self._revises else ()))
        return Plan(self.agg, taken=taken, times=self.times, rows=self.fill is not None)

    @cached_property
    def _delay(self) -> int | None:
        return None if self.delay is None else parsing.duration(self.delay, "delay")

    @cached_property
    def _lateness(self) -> int:
        return 0 if self.lateness is None else parsing.duration(self.lateness, "lateness")

    @property
    def _revises(self) -> bool:
        return self.lateness is not None

    def refuses(self, *, ends: bool) -> str | None:  # noqa: ARG002
        if self.delay is not None:
            return None
        return (
            "delay=None closes windows only at the end of the data; "
            "give a delay, such as delay='30s'"
        )


class Windowed(Timed):
    """Windows on a grid: how a row finds them, and how finished ones are answered and forgotten.

    A row goes to its pane, and a window that closes is added up from its panes. Where late rows
    revise windows, each window has its own sums instead: a pane could not tell which of its
    rows a window had when it closed.
    """

    def _check(self) -> None:
        super()._check()
        if self.fill is not None and not isinstance(self.fill, (int, float, np.number)):
            raise ParameterError(f"fill={self.fill!r}: give one number, such as fill=0")
        _ = self._shape

    @cached_property
    def _shape(self) -> Shape:
        raise NotImplementedError

    @property
    def _by_panes(self) -> bool:
        """Whether the groups are panes that several windows share."""
        return self._shape.panes > 1 and not self._revises

    def initial(self) -> State:
        return {
            "groups": slots.initial(),
            "keys": keys.initial(self.by),
            "watermark": NO_TIME,
            "open": NO_WINDOW,  # every window below has been answered
            "last": NO_WINDOW,  # the newest window that holds a row
            "arrived": 0,  # rows so far
            "no_windows": None,  # the empty output, once it has been made
            "since": np.zeros(0, np.int64),  # with fill: the first window of each key
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        times = events.microseconds(self.on)
        watermark = Watermark(state["watermark"], events, times, self._delay)
        placed = place(self._shape, watermark, times, self._lateness if self._revises else None)
        used = events if placed.rows is None else events.take(placed.rows)
        values = self._plan.values(used)
        distinct = keys.distinct(self.by, used)
        slots.check(state["groups"], placed.groups, keys.size(state["keys"]) + len(used))
        if self.fill is not None:
            self._check_gap(state, placed, distinct)
        # From here on nothing can fail: a bad batch leaves the state as it was.
        codes = keys.encode(state["keys"], distinct)
        at = None
        if self._plan.ordered or placed.revised is not None:
            at = np.arange(state["arrived"], state["arrived"] + len(times))
            at = at if placed.rows is None else at[placed.rows]
        state["arrived"] += len(times)
        self._note(state, placed, codes)
        rows, again = Rows(codes, values, at), placed.revised
        if again is None:
            self._add(state, placed.groups, rows)
            windows = self._advance(state, watermark.last)[0]
        else:
            self._add(state, placed.groups[~again], rows.take(~again))
            windows, numbers = self._advance(state, watermark.last)
            moved = self._shape.open(watermark.after)
            closed_at = state["arrived"] - len(times) + np.searchsorted(moved, numbers, "right")
            windows = self._revise(
                state, windows, closed_at, placed.groups[again], rows.take(again)
            )
        self._forget(state)
        late = events.take([] if placed.late is None else placed.late)
        return {"windows": windows, "late": late}

    def advance(self, state: State, time: int) -> Outputs:
        closed = self._advance(state, time)[0]
        self._forget(state)
        return {"windows": closed}

    def finish(self, state: State) -> Outputs:
        answer = self._close(state, max(state["last"] + 1, state["open"]))[0]
        state["groups"], state["last"] = slots.initial(), NO_WINDOW
        return {"windows": answer}

    def _check_gap(self, state: State, placed: Placed, distinct: keys.Distinct) -> None:
        if len(placed.last):
            first = min(state["since"].min(initial=placed.first.min()), placed.first.min())
            windows, known = (
                int(placed.last.max() - max(first, state["open"])),
                len(state["since"]),
            )
            if windows * max(known, distinct.most) > MOST_EMPTY:  # only then they are counted
                self._refuse_many(windows * max(known, distinct.number))

    def _refuse_many(self, empty: int) -> None:
        """Refuse to fill more than a million rows at once."""
        if empty > MOST_EMPTY:
            raise DataError(
                f"fill={self.fill!r} would make {empty:,} rows, more than {MOST_EMPTY:,}: the "
                "times lie too far apart; reject wrong ones by clean(not_after=...), choose "
                "larger windows, or leave fill out"
            )

    def _note(self, state: State, placed: Placed, codes: Any) -> None:
        """Note the newest window, and for ``fill`` the first one of each key."""
        if len(placed.last):
            state["last"] = max(int(placed.last.max()), state["last"])
        if self.fill is not None:
            before = state["since"]
            since = np.full(keys.size(state["keys"]), np.iinfo(np.int64).max)
            since[: len(before)] = before
            np.minimum.at(since, codes, placed.first)
            state["since"] = since

    def _add(self, state: State, groups: Any, rows: Rows) -> None:
        places = slots.find(state["groups"], groups, rows.codes)
        self._plan.fold(state["groups"], places, rows.fields, rows.arrived)

    def _advance(self, state: State, time: int) -> tuple[Columns, Any]:
        """Move the watermark, and answer the windows that it closes."""
        mark = max(state["watermark"], int(time))
        end = NO_WINDOW if mark == NO_TIME else self._shape.open(mark)
        if end <= state["open"] and state["no_windows"] is not None:
            state["watermark"] = mark
            return Columns(state["no_windows"], index="start"), np.zeros(0, np.int64)
        closed, numbers = self._close(state, end)
        state["watermark"], state["open"] = mark, end
        if not len(closed):
            state["no_windows"] = closed.arrays
        return closed, numbers

    def _close(self, state: State, end: int) -> tuple[Columns, Any]:
        """Answer every window below ``end``; give the answers and the windows' numbers."""
        groups = state["groups"]
        empty = self._every_window(state, end) if self.fill is not None else None
        target = self._of_panes(state, end) if self._by_panes else groups
        if empty is not None:
            slots.find(target, *empty)
        due: Any = target["window"][: slots.size(target)] < end
        if self._revises:
            due &= lane(groups, "answers", "", WHOLE)[: slots.size(groups)] == 0
        due = np.flatnonzero(due)
        order = keys.order(state["keys"], target["key"][due], before=[target["window"][due]])
        due = due[order]
        numbers = target["window"][due]
        answer = self._answer(state, target, due)
        if not self._revises:
            self._drop(state, end)
        return answer, numbers

    def _of_panes(self, state: State, end: int) -> State:
        """Add the panes of each window below ``end`` up."""
        panes, target = state["groups"], slots.initial()
        number = panes["window"][: slots.size(panes)]
        live = np.flatnonzero(number != slots.GONE)
        number, missed = np.divmod(number[live], self._shape.overlap)
        first, last = self._shape.windows(number)
        first = np.maximum(first + missed, state["open"])
        count = np.maximum(np.minimum(last + 1, end) - first, 0)
        whose, windows = spread(first, count)
        sources = live[whose]
        places = slots.find(target, windows, panes["key"][sources])
        self._plan.absorb(target, places, panes, sources)
        return target

    def _drop(self, state: State, end: int) -> None:
        """Forget the groups that no window from ``end`` on needs."""
        groups = state["groups"]
        windows = groups["window"][: slots.size(groups)]
        if self._by_panes:  # the last window of a pane is told by its start
            end = end * self._shape.stride * self._shape.overlap
        done = np.flatnonzero(windows < end)
        if len(done):
            slots.drop(groups, done, state["keys"] if self.fill is None else None)

    def _forget(self, state: State) -> None:
        """Forget windows that no late row can revise any more."""
        if self._revises and state["watermark"] != NO_TIME:
            self._drop(state, self._shape.open(state["watermark"] - self._lateness))

    def _every_window(self, state: State, end: int) -> tuple[Any, Any]:
        """Name each key's windows from its first one, or the last answer, up to ``end``."""
        first = state["since"].clip(state["open"])
        count = np.maximum(end - first, 0)
        self._refuse_many(int(count.sum()))
        codes, windows = spread(first, count)
        if self._shape.grid.civil:  # a day that a zone skipped never was
            starts, ends = self._shape.bounds(windows)
            codes, windows = codes[starts < ends], windows[starts < ends]
        return windows, codes

    def _revise(
        self, state: State, closed: Columns, closed_at: Any, groups: Any, rows: Rows
    ) -> Columns:
        """Add late rows to windows that have been answered, and answer these again.

        What one row causes stands before what a later one does. Of several rows for one window
        each has its answer, so they are added in rounds.
        """
        held = state["groups"]
        places = slots.find(held, groups, rows.codes)
        turn = pd.Series(places).groupby(places).cumcount().to_numpy()
        pieces, when = [closed], [closed_at]
        after = [np.arange(len(closed)) - len(closed)]
        for number in range(int(turn.max()) + 1):
            now = np.flatnonzero(turn == number)
            some = rows.take(now)
            self._plan.fold(held, places[now], some.fields, some.arrived)
            pieces.append(self._answer(state, held, places[now]))
            when.append(some.arrived)
            after.append(now)
        order = np.lexsort([np.concatenate(after), np.concatenate(when)])
        return Columns.joined([piece for piece in pieces if len(piece)]).take(order)

    def _answer(self, state: State, groups: State, places: Any) -> Columns:
        """Give the rows of the answer for some slots."""
        codes = groups["key"][places]
        empty = groups[ROWS][places] == 0
        if self.fill is not None and empty.any():
            some = self._plan.answers(groups, places[~empty])
            aggregates = {name: self._filled(name, array, empty) for name, array in some.items()}
        else:
            aggregates = self._plan.answers(groups, places)
        starts, ends = self._shape.bounds(groups["window"][places])
        times = {"start": Columns.moments(starts, self.tz), "end": Columns.moments(ends, self.tz)}
        columns = times | keys.columns(self.by, state["keys"], codes) | aggregates
        if self._revises:
            answers = lane(groups, "answers", "", WHOLE)
            columns["revision"] = answers[places]
            answers[places] += 1
        return Columns({"start": starts}, index="start").adding(**columns)

    def _filled(self, name: str, array: Any, empty: Any) -> Any:
        """Put the answers of windows with rows between those of empty ones."""
        fill = 0 if self._plan.wanted[name].function == "count" else self.fill
        kind = array.dtype if isinstance(array.dtype, np.dtype) else np.dtype(object)
        if kind.kind == "i" and not float(fill or 0).is_integer():
            kind = np.dtype(np.float64)
        found = np.full(len(empty), fill, kind if kind.kind in "if" else object)
        found[~empty] = array
        return found
