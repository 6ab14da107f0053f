"""What it shows: leaderboards, running and final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import keys, slots
from rtlab.aggregate import Plan
from rtlab.columns import Columns
from rtlab.errors import ParameterError
from rtlab.parsing import duration
from rtlab.steps import Outputs, State, Step, register
from rtlab.windows import Tumbling

__all__ = ["leaderboard"]


@dataclass(frozen=True)
class Leaderboard(Step):
    """Rank keys by what they add up to since the beginning.

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

    Returns
    -------
    ranks : DataFrame
        Columns ``rank`` (1 is best), the keys, the sum (named after ``value``, or ``count``) and
        ``share`` of the total. With ``every``, indexed by ``end``, the moment of the table, with
        ``change``: places won since the table before (missing for newcomers).
    late : DataFrame
        The late rows as they came; always empty without ``every`` and ``delay``.

    Raises
    ------
    ParameterError
        If ``k`` is less than 1.

    Notes
    -----
    Equal sums stand in the order of their keys, each with a rank of its own.

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

    outputs: ClassVar[tuple[str, ...]] = ("ranks", "late")
    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"by": "product_id", "value": "amount", "k": 3},
        {"by": ["user_id", "product_id"], "k": 2, "every": "1h", "delay": "10min"},
    )

    def __post_init__(self) -> None:
        if not isinstance(self.k, int) or self.k < 1:
            raise ParameterError(f"k={self.k!r}: a leaderboard lists at least 1; try k=10")
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
        _ = self._windows

    @property
    def _name(self) -> str:
        return self.value or "count"

    @cached_property
    def _total(self) -> Plan:
        """The sums since the beginning: of rows, or of what closed windows gave."""
        if self.value is None and self.every is None:
            return Plan({self._name: "count"})
        return Plan({self._name: (self._name, "sum")})

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
            "before": {},  # the ranks in the table before, by the key's code
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        if self._windows is None:
            self._add(state, events)
            return {}
        return self._seen(state, self._windows.update(state["windows"], events))

    def advance(self, state: State, time: int) -> Outputs:
        if self._windows is None:
            return {}
        return self._seen(state, self._windows.advance(state["windows"], time))

    def _seen(self, state: State, given: Outputs) -> Outputs:
        """Answer for the windows that have closed, and hand on the late rows."""
        closed = given.pop("windows", Columns({}))
        return {"ranks": self._tables(state, closed), **given} if closed.names else given

    def finish(self, state: State) -> Outputs:
        if self._windows is None:
            return {"ranks": self._table(state, self._best(state)), "late": Columns({})}
        closed = self._windows.finish(state["windows"])["windows"]
        return {"ranks": self._tables(state, closed)}

    def _add(self, state: State, rows: Columns) -> None:
        by = [rows[name] for name in keys.key_names(self.by)]
        values = self._total.values(rows)
        distinct = keys.distinct(self.by, by, len(rows))
        codes = keys.encode(state["keys"], distinct)
        self._total.fold(state["totals"], codes, values, count=keys.size(state["keys"]))

    def _tables(self, state: State, closed: Columns) -> Columns:
        """Add up closed windows one after the other; each end is the moment of a table."""
        ends = pd.DatetimeIndex(closed["end"])
        if not len(ends):
            return self._table(state, np.zeros(0, np.int64), ends)
        cuts = [0, *(np.flatnonzero(ends.asi8[1:] != ends.asi8[:-1]) + 1).tolist(), len(ends)]
        tables = []
        for first, behind in pairwise(cuts):
            self._add(state, closed.take(slice(first, behind)))
            tables.append(self._table(state, self._best(state), ends[first : first + 1]).frame())
        joined = pd.concat(tables).reset_index()
        return Columns(Columns.of(joined).arrays, index="end")

    def _best(self, state: State) -> Any:
        """Find the codes of the best, in their order, which is sure also where sums are equal."""
        best = np.arange(keys.size(state["keys"]))
        sums = self._total.answers(state["totals"], best)[self._name]
        if len(best) > self.k:
            least = np.partition(sums, len(sums) - self.k)[len(sums) - self.k]
            best = np.flatnonzero(sums >= least)
        best = best[keys.order(state["keys"], best)]
        return best[np.argsort(-sums[best], kind="stable")[: self.k]]

    def _table(self, state: State, best: Any, end: pd.DatetimeIndex | None = None) -> Columns:
        """List keys with their ranks, and at some moment with the places won since the last."""
        groups, ranks = state["totals"], np.arange(1, len(best) + 1)
        sums = self._total.answers(groups, best)[self._name]
        every = np.arange(keys.size(state["keys"]))
        total = self._total.answers(groups, every)[self._name].sum()
        share = sums / total if total else np.full(len(best), np.nan)
        names = dict(zip(keys.key_names(self.by), keys.columns(state["keys"], best), strict=True))
        table = {"rank": ranks, **names, self._name: sums, "share": share}
        if end is None:
            return Columns(table)
        listed = dict(zip(best.tolist(), ranks.tolist(), strict=True))
        won = [state["before"].get(code, np.nan) - rank for code, rank in listed.items()]
        if len(best):
            state["before"] = listed
        table = {"end": end.repeat(len(best)).array, **table, "change": np.array(won, float)}
        return Columns(table, index="end")


leaderboard = register("leaderboard")(Leaderboard)
