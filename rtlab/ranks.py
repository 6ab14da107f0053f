"""What it shows: leaderboards, running and final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from rtlab import keys, slots
from rtlab.aggregate import Plan
from rtlab.columns import Columns
from rtlab.errors import ParameterError
from rtlab.parsing import duration
from rtlab.steps import Outputs, State, Step, register
from rtlab.ticks import check_count
from rtlab.windows import Tumbling


@dataclass(frozen=True)
class Leaderboard(Step):
    """Rank keys by what they add up to, since the beginning or in each window alone.

    Parameters
    ----------
    by : str or list of str
        What to rank. A missing key is a group of its own.
    value : str, optional
        The column to add up, such as ``"amount"``; without it rows are counted.
    k : int, default 10
        How many to list.
    every : str or Timedelta, optional
        Answer at the end of each such stretch of event time that has events, as well as at the
        end; without it, once, at the end.
    delay : str or Timedelta, optional
        With ``every``: how long to wait for events that arrive out of order, as in
        :func:`tumbling`; late rows are left out and given as ``late``.
    tz : str, default "UTC"
        With ``every``: the zone in which days begin.
    on : str, default "purchase_time"
        The column that holds the event time (zoned); used with ``every``.
    running : bool, default True
        Whether a table adds up all that came so far, or only its own stretch of ``every``.

    Returns
    -------
    ranks : DataFrame
        Columns ``rank`` (1 is best), the keys, the sum (named after ``value``, or ``count``) and
        ``share`` of the total. With ``every``, indexed by ``end``, the moment of the table, with
        ``change``: places won since the table before (missing for newcomers).
    late : DataFrame
        The late rows as they came; always empty without ``every`` and ``delay``.
    totals : DataFrame
        One row for each table, with its ``end`` as index: the total of all keys, listed or not,
        named as the sum.

    Raises
    ------
    ParameterError
        If ``k`` is less than 1, or ``running=False`` comes without ``every``.

    Notes
    -----
    Equal sums stand in the order of their keys, each with a rank of its own: numbers before text,
    a missing key last. Memory grows with the number of keys where tables are running.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> events = pd.DataFrame({"product_id": [7, 8, 7, 9], "amount": [10, 40, 20, 30]})
    >>> rt.leaderboard(events, by="product_id", value="amount", k=2).ranks.product_id.tolist()
    [8, 7]
    """

    by: str | Sequence[str]
    value: str | None = None
    k: int = 10
    every: Any = None
    delay: Any = None
    tz: str = "UTC"
    on: str = "purchase_time"
    running: bool = True

    outputs: ClassVar[tuple[str, ...]] = ("ranks", "late", "totals")
    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"by": "product_id", "value": "amount", "k": 3},
        {"by": ["user_id", "product_id"], "k": 2, "every": "1h", "delay": "10min"},
        {"by": "product_id", "value": "amount", "k": 2, "every": "30min", "running": False},
    )

    def __post_init__(self) -> None:
        check_count("k", self.k, 1, unit="key", remedy=10)
        if not keys.key_names(self.by):
            raise ParameterError(f"by={self.by!r}: name the column to rank, as in by='product_id'")
        names = ["rank", *keys.key_names(self.by), self._name, "share", "change", "end"]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ParameterError(
                f"the table would have two columns {twice!r}: rename the one in the data"
            )
        if self.every is not None:
            duration(self.every, "every")
        elif not self.running:
            raise ParameterError(
                "running=False ranks each window alone: say how long one is, as in every='1h'"
            )
        _ = self._windows

    @property
    def _name(self) -> str:
        return self.value or "count"

    @cached_property
    def _sums(self) -> Plan:
        """The arithmetic that adds up what windows, or keys, gave."""
        return Plan({self._name: (self._name, "sum")})

    @cached_property
    def _total(self) -> Plan:
        """The sums since the beginning: of rows, or of what closed windows gave."""
        if self.value is None and self.every is None:
            return Plan({self._name: "count"})
        return self._sums

    @cached_property
    def _windows(self) -> Tumbling | None:
        """The sums of each stretch, which make the moments of the tables final."""
        if self.every is None:
            return None
        agg = {self._name: "count" if self.value is None else (self.value, "sum")}
        return Tumbling(self.every, agg, by=self.by, on=self.on, delay=self.delay, tz=self.tz)

    def refuses(self, *, ends: bool) -> str | None:
        if self._windows is not None:
            return self._windows.refuses(ends=ends)
        if ends:
            return None
        return "it answers once, at the end of the stream; add every='1h', delay='30s'"

    def initial(self) -> State:
        return {
            "totals": slots.initial(),
            "keys": keys.initial(self.by),
            "windows": self._windows.initial() if self._windows else None,
            "before": np.zeros(0, np.int64),  # the codes in the table before, in their order
            "none": None,  # the empty outputs, once they have been made
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        if self._windows is None:
            values = self._total.values(events)
            self._add(state, self._codes(state, events), values)
            return {}
        return self._seen(state, self._windows.update(state["windows"], events))

    def advance(self, state: State, time: int) -> Outputs:
        if self._windows is None:
            return {}
        return self._seen(state, self._windows.advance(state["windows"], time))

    def _seen(self, state: State, given: Outputs) -> Outputs:
        """Answer for the windows that have closed, and hand on the late rows."""
        closed = given.pop("windows", Columns({}))
        if len(closed):
            return self._tables(state, closed) | given
        if closed.names and state["none"] is None:  # made once, as empty windows are
            state["none"] = {name: one.arrays for name, one in self._tables(state, closed).items()}
        none = state["none"] or {}
        return {name: Columns(arrays, index="end") for name, arrays in none.items()} | given

    def finish(self, state: State) -> Outputs:
        if self._windows is not None:
            return self._tables(state, self._windows.finish(state["windows"])["windows"])
        sums = self._held(state, keys.size(state["keys"]))[1:]
        totals = self._add_up(np.zeros(len(sums), np.int64), sums, 1)
        best = self._best(sums)
        best = best[keys.order(state["keys"], best)]
        _, best, ranks = self._first_of_each(np.zeros_like(best), best, sums[best])
        table = self._table(state, best, sums[best], ranks, totals)
        return {
            "ranks": Columns(table), "late": Columns({}), "totals": Columns({self._name: totals})
        }  # fmt: skip

    def _codes(self, state: State, rows: Columns) -> Any:
        return keys.encode(state["keys"], keys.distinct(self.by, rows))

    def _add(self, state: State, codes: Any, values: dict[str, Any]) -> None:
        """Add up by key since the beginning; the first slot is for the total of all."""
        self._total.fold(state["totals"], codes + 1, values, count=keys.size(state["keys"]) + 1)

    def _held(self, state: State, count: int) -> Any:
        """Give the total and the sums of the first keys."""
        return self._total.answers(state["totals"], np.arange(count + 1))[self._name]

    def _add_up(self, number: Any, sums: Any, count: int) -> Any:
        """Add sums up by the number of their table, to their last digit."""
        groups = slots.initial()
        self._sums.fold(groups, number, {self._name: sums}, count=count)
        return self._sums.answers(groups, np.arange(count))[self._name]

    def _best(self, sums: Any) -> Any:
        """Find the places of the best, and of all that equal the last of them."""
        score = -sums  # what is not a number stands behind
        if len(score) <= self.k:
            return np.arange(len(score))
        return np.flatnonzero(~(score > np.partition(score, self.k - 1)[self.k - 1]))

    def _tables(self, state: State, closed: Columns) -> Outputs:
        """Make the table of each closed window, whose end is its moment."""
        ends, name = closed.microseconds("end"), self._name
        new = np.ones(len(ends), bool)
        new[1:] = ends[1:] != ends[:-1]
        first, number, sums = np.flatnonzero(new), np.cumsum(new) - 1, closed[name]
        totals = self._add_up(number, sums, len(first))
        if not len(ends):
            none = np.zeros(0)
            by = {one: closed[one] for one in keys.key_names(self.by)}
            table = {"rank": number, **by, name: sums, "share": none, "change": none}
        else:
            chosen = self._so_far if self.running else self._alone
            number, codes, sums, ranks, totals = chosen(state, closed, number, first, totals)
            change = self._won(state, number, codes, ranks)
            table = self._table(state, codes, sums, ranks, totals[number]) | {"change": change}
        when = ends[first]
        return {
            "ranks": Columns(table, index="end").adding(end=self._moments(when[number])),
            "totals": Columns({name: totals}, index="end").adding(end=self._moments(when)),
        }

    def _moments(self, times: Any) -> Any:
        return Columns.moments(times, self.tz)

    def _so_far(self, state: State, closed: Columns, number: Any, first: Any, totals: Any) -> Any:
        """Add windows up one after the other, and find the best of each moment."""
        before, codes = keys.size(state["keys"]), self._codes(state, closed)
        known = np.maximum.accumulate(np.maximum(codes + 1, before))  # keys of later ones are not
        found, sums, so_far = [], [], totals.copy()
        for one, (start, behind) in enumerate(pairwise([*first.tolist(), len(codes)])):
            values = np.append(closed[self._name][start:behind], totals[one])
            self._add(state, np.append(codes[start:behind], -1), {self._name: values})
            held = self._held(state, int(known[behind - 1]))
            so_far[one] = held[0]
            found.append(self._best(held[1:]))
            sums.append(held[1:][found[-1]])
        number = np.repeat(np.arange(len(found)), [len(best) for best in found])
        codes, values = np.concatenate(found), np.concatenate(sums)
        order = np.arange(len(codes))
        if len(order) > len(np.unique(values)):  # only equal sums need the order of their keys
            order = keys.order(state["keys"], codes, before=[number])
        number, order, ranks = self._first_of_each(number, order, values[order])
        return number, codes[order], values[order], ranks, so_far

    def _alone(self, state: State, closed: Columns, number: Any, first: Any, totals: Any) -> Any:
        """Find the best of each window, whose rows stand in the order of their keys."""
        sums = closed[self._name]
        places = np.arange(len(sums))
        if len(sums) > 8 * self.k * len(first):  # sort a few instead of all
            cuts = pairwise([*first.tolist(), len(sums)])
            places = np.concatenate([a + self._best(sums[a:b]) for a, b in cuts])
        number, places, ranks = self._first_of_each(number[places], places, sums[places])
        # Only the table before is looked back at.
        state["before"], _ = keys.sweep(state["keys"], state["before"])
        names = keys.key_names(self.by)
        codes = self._codes(state, Columns({name: closed[name][places] for name in names}))
        return number, codes, sums[places], ranks, totals

    def _first_of_each(self, number: Any, places: Any, sums: Any) -> tuple[Any, Any, Any]:
        """Rank the sums of each table, and keep the first."""
        order = np.lexsort((-sums, number))
        number, places = number[order], places[order]
        ranks = np.arange(len(number)) - np.searchsorted(number, number) + 1
        keep = ranks <= self.k
        return number[keep], places[keep], ranks[keep]

    def _won(self, state: State, number: Any, codes: Any, ranks: Any) -> Any:
        """Tell the places won since the table before; that of newcomers is missing."""
        before, state["before"] = state["before"], codes[number == number[-1]]
        size = keys.size(state["keys"])
        names = np.append(before, (number + 1) * size + codes)  # by table and key
        places = np.append(np.arange(len(before)) + 1, ranks)
        order = np.argsort(names)
        wanted = number * size + codes
        found = order[np.searchsorted(names[order], wanted)]
        return np.where(names[found] == wanted, places[found] - ranks, np.nan)

    def _table(self, state: State, codes: Any, sums: Any, ranks: Any, totals: Any) -> Any:
        """Lay out keys with their ranks and shares."""
        share = np.full(len(sums), np.nan)
        np.divide(sums, totals, out=share, where=totals != 0)
        by = keys.columns(self.by, state["keys"], codes)
        return {"rank": ranks, **by, self._name: sums, "share": share}


leaderboard = register("leaderboard")(Leaderboard)
