"""What belongs together: sessions, which end when nothing has come for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import keys, parsing, slots
from rtlab.columns import Columns
from rtlab.slots import NOBODY, WHOLE, lane
from rtlab.steps import Outputs, State, register
from rtlab.watermark import NO_TIME, Watermark
from rtlab.windowed import Rows, Timed

FITS = 2**63


@dataclass(frozen=True)
class Session(Timed):
    """Aggregate events in sessions: stretches of event time without a pause.

    Parameters
    ----------
    gap : str or Timedelta
        The pause that ends a session. Two events exactly ``gap`` apart belong to one session.
    agg : dict, optional
        Column of the answer → ``(column, function)``, as in :func:`tumbling`.
    by : str or list of str, optional
        Keys; each key has sessions of its own. A missing key is a group of its own.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).
    delay : str or Timedelta, optional
        How long to wait for events that arrive out of order, as in :func:`tumbling`.
    tz : str, default "UTC"
        The zone of the answer's times.
    lateness : str or Timedelta, optional
        Allowed lateness: how long, after a session has ended, a late row still revises it.

    Returns
    -------
    windows : DataFrame
        Indexed by ``start``, the time of the first event; columns ``end`` (the last event's time
        plus ``gap``), the keys, the aggregates; ordered by end, start and key. With ``lateness``
        also ``revision``, as in :func:`tumbling`, and ``retracted``: a row that joins or prolongs
        sessions which have been answered takes their answers back before the new one is given.
    late : DataFrame
        The late rows as they came. A row that joins a session that is still held is not late.

    Raises
    ------
    ParameterError
        If a gap, a delay or an aggregate is not one.
    DataError
        If the times have no zone, or a column to sum is not a number.

    Notes
    -----
    Sessions merge as in T. Akidau et al., "The Dataflow Model", VLDB 2015; those that only touch
    do too, as in Apache Flink.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:30Z", "2024-03-04T11:05Z"])
    >>> events = pd.DataFrame({"user_id": 1, "purchase_time": time, "amount": [250, 100, 40]})
    >>> agg = {"spent": ("amount", "sum")}
    >>> rt.session(events, gap="30min", by="user_id", agg=agg).windows.spent.tolist()
    [350, 40]
    """

    gap: Any
    agg: Mapping[str, Any] | None = None
    by: str | Sequence[str] | None = None
    on: str = "purchase_time"
    delay: Any = None
    tz: str = "UTC"
    lateness: Any = None

    own: ClassVar[tuple[str, ...]] = ("revision", "retracted")
    times: ClassVar[bool] = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"gap": "10min", "by": "user_id", "agg": {"n": "count", "spent": ("amount", "sum")}},
        {
            "gap": "5min", "by": "product_id", "delay": "7min",
            "agg": {"sd": ("price", "std"), "first": ("price", "first"),
                    "last": ("price", "last"), "median": ("price", "median")},
        },
        {"gap": "5min", "by": "product_id", "delay": "2min", "lateness": "1h"},
        {"gap": "20min", "delay": "0s", "lateness": "3h", "agg": {"sum": ("amount", "sum")}},
    )  # fmt: skip

    def __post_init__(self) -> None:
        _ = self._gap
        self._check()

    @property
    def _gap(self) -> int:
        return parsing.duration(self.gap, "gap")

    def initial(self) -> State:
        return {
            "groups": slots.initial(),
            "keys": keys.initial(self.by),
            "watermark": NO_TIME,
            "arrived": 0,  # rows so far
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        times = events.microseconds(self.on)
        watermark = Watermark(state["watermark"], events, times, self._delay)
        values = self._plan.values(events) | {"": times}
        distinct = keys.distinct(self.by, events)
        # From here on nothing can fail: a bad batch leaves the state as it was.
        begun = state["arrived"]
        at = begun + np.arange(len(events))
        state["arrived"] += len(events)
        rows = Rows(keys.encode(state["keys"], distinct), values, at)
        behind = np.zeros(0, np.intp)
        if len(times) and times.min() <= watermark.last:
            behind = np.flatnonzero(times <= watermark.found)
        if not len(behind):
            self._join(state["groups"], rows)
            return {"windows": self._close(state, watermark.last), "late": events.take([])}
        # What lies ahead of the watermark meets open sessions only, in whatever order it comes.
        self._join(state["groups"], rows.take(np.delete(np.arange(len(times)), behind)))
        answers = _Answers(begun, watermark)
        late = [
            row
            for row, mark in zip(behind.tolist(), watermark.found[behind].tolist(), strict=True)
            if not self._insert(state, rows.take(slice(row, row + 1)), mark, answers)
        ]
        closed = self._close(state, watermark.last, answers)
        return {"windows": closed, "late": events.take(late)}

    def advance(self, state: State, time: int) -> Outputs:
        return {"windows": self._close(state, time)}

    def finish(self, state: State) -> Outputs:
        answers = _Answers()
        self._show_due(state, np.iinfo(np.int64).max, answers)
        state["groups"] = slots.initial()
        return {"windows": answers.in_order()}

    def _join(self, groups: State, rows: Rows) -> None:
        """Add rows, and the open sessions of their keys, up to sessions."""
        codes, times = rows.codes, rows.fields[""]
        if not len(times):
            return
        open_ = self._open(groups, codes)
        key = np.concatenate([groups["key"][open_], codes])
        first = np.concatenate([lane(groups, "min", "", WHOLE)[open_], times])
        last = np.concatenate([lane(groups, "max", "", WHOLE)[open_], times])
        order, begins = _sorted_runs(key, first, last, self._gap)
        whose = np.empty(len(order), np.int64)
        whose[order] = np.cumsum(begins) - 1
        place = np.full(int(begins.sum()), np.iinfo(np.int64).max)
        np.minimum.at(place, whose[: len(open_)], open_)
        fresh = place == np.iinfo(np.int64).max
        place[fresh] = slots.claim(groups, key[order[begins]][fresh])
        joined = place[whose[: len(open_)]] != open_
        self._merge(groups, place[whose[: len(open_)][joined]], open_[joined])
        self._plan.fold(groups, place[whose[len(open_) :]], rows.fields, rows.arrived)

    @staticmethod
    def _open(groups: State, codes: Any) -> Any:
        """Give the slots of sessions with some keys."""
        held = groups["key"][: slots.size(groups)]
        if not len(held):
            return np.zeros(0, np.int64)
        named = np.zeros(max(int(codes.max()), int(held.max())) + 1, bool)
        named[codes] = True
        return np.flatnonzero((held != NOBODY) & named[held])

    def _merge(self, groups: State, into: Any, gone: Any) -> None:
        """Let sessions go into others."""
        self._plan.absorb(groups, into, groups, gone)
        slots.forget(groups, gone)

    def _insert(self, state: State, row: Rows, mark: int, answers: _Answers) -> bool:
        """Add a row that lies behind the watermark; tell whether it is in time."""
        groups, time, at = state["groups"], int(row.fields[""][0]), int(row.arrived[0])
        mine = np.flatnonzero(groups["key"][: slots.size(groups)] == row.codes)
        first, last = lane(groups, "min", "", WHOLE), lane(groups, "max", "", WHOLE)
        ends = last[mine] + self._gap
        meets = (first[mine] - self._gap <= time) & (time <= ends)
        mine = mine[meets & (ends + self._lateness > mark)]
        if not len(mine) and time + self._gap + self._lateness <= mark:
            return False
        shown = lane(groups, "shown", "", WHOLE)
        if ((last[mine] + self._gap <= mark) & (shown[mine] == 0)).any():
            self._show_due(state, mark, answers)  # as they were before this row
        inside = len(mine) == 1 and first[mine[0]] <= time <= last[mine[0]]
        if not inside:
            taken_back = mine[shown[mine] > 0]
            taken_back = taken_back[np.lexsort([first[taken_back], last[taken_back]])]
            answers.at_once(self._rows(state, taken_back, retracted=True), at)
            place = mine[:1] if len(mine) else slots.claim(groups, row.codes)
            self._merge(groups, np.repeat(place, len(mine[1:])), mine[1:])
            lane(groups, "shown", "", WHOLE)[place] = 0
            mine = place
        self._plan.fold(groups, mine, row.fields, row.arrived)
        if lane(groups, "max", "", WHOLE)[mine[0]] + self._gap <= mark:
            answers.at_once(self._rows(state, mine), at)
        return True

    def _close(self, state: State, time: int, answers: _Answers | None = None) -> Columns:
        """Move the watermark, answer the sessions that it ends, forget those past lateness."""
        state["watermark"] = mark = max(state["watermark"], int(time))
        answers = answers or _Answers()
        self._show_due(state, mark, answers)
        groups = state["groups"]
        size = slots.size(groups)
        if mark != NO_TIME:
            past = lane(groups, "max", "", WHOLE)[:size] <= mark - self._lateness - self._gap
            done = np.flatnonzero(past & (groups["key"][:size] != NOBODY))
            if len(done) or groups["gone"]:
                slots.drop(groups, done, state["keys"], index=False)
        return answers.in_order()

    def _show_due(self, state: State, mark: int, answers: _Answers) -> None:
        """Answer the sessions that have ended and were not answered as they are."""
        groups = state["groups"]
        size = slots.size(groups)
        due = (groups["key"][:size] != NOBODY) & (lane(groups, "shown", "", WHOLE)[:size] == 0)
        due &= lane(groups, "max", "", WHOLE)[:size] <= mark - self._gap
        places = np.flatnonzero(due)
        first, last = (lane(groups, part, "", WHOLE)[places] for part in ("min", "max"))
        order = keys.order(state["keys"], groups["key"][places], before=(first, last))
        answers.closed(self._rows(state, places[order]), last[order] + self._gap)

    def _rows(self, state: State, places: Any, *, retracted: bool = False) -> Columns:
        """Give the rows of the answer for some sessions."""
        groups = state["groups"]
        span = self._plan.span(groups, places)
        times = {
            "start": Columns.moments(span["start"], self.tz),
            "end": Columns.moments(span["end"] + self._gap, self.tz),
        }
        columns = times | keys.columns(self.by, state["keys"], groups["key"][places])
        columns |= self._plan.answers(groups, places)
        number = lane(groups, "answers", "", WHOLE)
        if self._revises:
            columns["revision"] = number[places] - int(retracted)
            columns["retracted"] = np.full(len(places), retracted)
        if not retracted:
            number[places] += 1
            lane(groups, "shown", "", WHOLE)[places] = 1
        return Columns({"start": places}, index="start").adding(**columns)


class _Answers:
    """Answers of a batch, in the order of what caused them.

    What a row answers at once stands before what its time closes; what one row causes stands
    before what a later one does.
    """

    def __init__(self, begun: int = 0, watermark: Watermark | None = None) -> None:
        self._begun, self._watermark = begun, watermark
        self._pieces: list[Columns] = []
        self._when: list[Any] = []

    def at_once(self, rows: Columns, at: int) -> None:
        """Add what a row causes itself."""
        self._pieces.append(rows)
        self._when.append(np.full(len(rows), 2 * at))

    def closed(self, rows: Columns, ends: Any) -> None:
        """Add sessions that ended when the watermark met their ends."""
        self._pieces.append(rows)
        when = np.zeros(len(ends), np.int64)
        if self._watermark is not None:
            when = 2 * (self._begun + np.searchsorted(self._watermark.after, ends)) + 1
            when -= 2 * self._watermark.told  # a row that comes with its watermark finds it so
        self._when.append(when)

    def in_order(self) -> Columns:
        """Give all answers."""
        pieces = [piece for piece in self._pieces if len(piece)] or self._pieces[:1]
        if len(pieces) == 1:
            return pieces[0]
        order = np.argsort(np.concatenate(self._when), kind="stable")
        return Columns.joined(pieces).take(order)


def _sorted_runs(key: Any, first: Any, last: Any, gap: int) -> tuple[Any, Any]:
    """Sort stretches by key and start, and tell which of them begin a run without a pause."""
    base = int(first.min())
    span = int(last.max()) - base + gap + 1  # so that no key's run reaches the next key's
    if (int(key.max()) + 1) * span < FITS:
        line = key * span + (first - base)
        order = _sorted_places(line)
        reach = np.maximum.accumulate((key * span + (last - base))[order]) + gap
        begins = line[order][1:] > reach[:-1]
    else:
        order = np.lexsort([first, key])
        held = pd.Series(last[order]).groupby(key[order]).cummax().to_numpy()
        begins = (key[order][1:] != key[order][:-1]) | (first[order][1:] > held[:-1] + gap)
    return order, np.concatenate([[True], begins])


def _sorted_places(numbers: Any) -> Any:
    """Sort whole numbers ≥ 0; with their places behind them, where 64 bits hold both, quicker."""
    bits = len(numbers).bit_length()
    if int(numbers.max()) >= FITS >> bits:
        return np.argsort(numbers, kind="stable")
    packed = np.sort((numbers << bits) | np.arange(len(numbers)))
    return packed & ((1 << bits) - 1)


session = register("session")(Session)
