"""What it shows: how customers behave: who comes, who comes back, what is bought together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import keys, slots
from rtlab.aggregate import Plan
from rtlab.columns import Columns, bare
from rtlab.parsing import check_columns
from rtlab.steps import Outputs, State, Step, join, register
from rtlab.ticks import check_count
from rtlab.windows import Tumbling


@dataclass(frozen=True)
class Users(Step):
    """Follow customers: who is new, who returns, and how often and for how much each buys.

    Parameters
    ----------
    by : str, default "user_id"
        The column that names a customer.
    value : str, default "amount"
        The column to add up.
    every : str or Timedelta, default "1D"
        The stretch of event time in which a customer is active or not.
    delay : str or Timedelta, optional
        How long to wait for events that arrive out of order, as in :func:`tumbling`.
    tz : str, default "UTC"
        The zone in which days begin.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).

    Returns
    -------
    activity : DataFrame
        One row for each stretch with events, indexed by ``start``: ``end``, customers ``active``,
        ``new`` and ``returning``, and what each of the two spent.
    customers : DataFrame
        At the end, one row for each customer: ``first`` and ``last`` active stretch, in how many
        they were ``active``, ``lines`` bought, and the sum spent.
    late : DataFrame
        The late rows as they came.

    Notes
    -----
    Memory grows with the number of customers, not of events.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-05T11:05Z"])
    >>> events = pd.DataFrame({"user_id": [1, 2, 1], "purchase_time": time, "amount": [5, 6, 7]})
    >>> activity = rt.users(events).activity
    >>> activity.new.tolist(), activity.returning.tolist()
    ([2, 0], [0, 1])
    """

    by: str = "user_id"
    value: str = "amount"
    every: Any = "1D"
    delay: Any = None
    tz: str = "UTC"
    on: str = "purchase_time"

    outputs: ClassVar[tuple[str, ...]] = ("activity", "customers", "late")
    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"every": "1h", "delay": "10min", "tz": "Asia/Shanghai"},
    )

    def __post_init__(self) -> None:
        _ = self._windows

    @cached_property
    def _windows(self) -> Tumbling:
        agg = {"lines": "count", self.value: (self.value, "sum")}
        return Tumbling(self.every, agg, by=self.by, on=self.on, delay=self.delay, tz=self.tz)

    @cached_property
    def _people(self) -> Plan:
        spec = {"active": "count", "lines": ("lines", "sum"), self.value: (self.value, "sum")}
        return Plan(spec, times=True)

    def refuses(self, *, ends: bool) -> str | None:
        return self._windows.refuses(ends=ends)

    def initial(self) -> State:
        return {
            "windows": self._windows.initial(),
            "keys": keys.initial(self.by),
            "people": slots.initial(),
        }

    def update(self, state: State, batch: Any) -> Outputs:
        return self._seen(state, self._windows.update(state["windows"], batch))

    def advance(self, state: State, time: int) -> Outputs:
        return self._seen(state, self._windows.advance(state["windows"], time))

    def _seen(self, state: State, given: Outputs) -> Outputs:
        """Answer for the windows that have closed, and hand on the late rows."""
        closed = given.pop("windows", Columns({}))
        return {"activity": self._activity(state, closed), **given} if closed.names else given

    def finish(self, state: State) -> Outputs:
        closed = self._windows.finish(state["windows"])["windows"]
        activity = self._activity(state, closed)
        groups = state["people"]
        codes = keys.order(state["keys"], np.arange(keys.size(state["keys"])))
        span = self._people.span(groups, codes)
        people = keys.columns(self.by, state["keys"], codes)
        for name, edge in (("first", "start"), ("last", "end")):
            people[name] = Columns.moments(span[edge], self.tz)
        people |= self._people.answers(groups, codes)
        return {"activity": activity, "customers": Columns(people)}

    def _activity(self, state: State, closed: Columns) -> Columns:
        """Take closed windows, one row a customer, and count the new and the returning."""
        people = state["people"]
        starts = closed.microseconds("start")
        values = self._people.values(closed) | {"": starts}
        distinct = keys.distinct(self.by, closed)
        codes = keys.encode(state["keys"], distinct)
        self._people.fold(people, codes, values, count=keys.size(state["keys"]))
        new = people["min|"][codes] == starts if len(closed) else np.zeros(0, bool)
        table = pd.DataFrame(
            {
                "start": closed["start"], "end": closed["end"], "active": 1,
                "new": new.astype(np.int64), "returning": (~new).astype(np.int64),
                f"{self.value}_new": np.where(new, closed[self.value], 0),
                f"{self.value}_returning": np.where(new, 0, closed[self.value]),
            }
        )  # fmt: skip
        summed = table.groupby(["start", "end"], as_index=False, sort=False).sum()
        return Columns(Columns.of(summed).arrays, index="start")


users = register("users")(Users)


def rfm(customers: pd.DataFrame, value: str = "amount", now: Any = None) -> pd.DataFrame:
    """Score customers by recency, frequency and spend.

    Parameters
    ----------
    customers : DataFrame
        What :func:`users` gives as ``customers``.
    value : str, default "amount"
        The column with the sum spent.
    now : timestamp, optional
        The moment to look back from; by default the latest activity.

    Returns
    -------
    DataFrame
        The same rows with ``recency`` (whole days since last active, by the calendar of ``last``'s
        zone), the scores ``r``, ``f`` and ``m``
        (1 to 5, fifths of the customers; 5 is most recent, most often, most spent; equals share a
        score) and ``segment``: champions (all scores at least 4), loyal (f ≥ 4), recent (r ≥ 4 and
        f ≤ 2), lapsed (r ≤ 2 and f ≥ 3), lost (r ≤ 2), others.

    Notes
    -----
    A. M. Hughes, *Strategic Database Marketing*, 1994, divides by fifths in this way.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> last = pd.to_datetime(["2024-03-01T00Z", "2024-03-08T00Z"])
    >>> people = pd.DataFrame({"last": last, "active": [1, 5], "amount": [10, 90]})
    >>> rt.rfm(people).recency.tolist()
    [7, 0]
    """
    remedy = "give what users() returns as .customers"
    check_columns(customers, ("last", "active", value), "the table", remedy)
    newest = customers["last"].max() if now is None else pd.Timestamp(now)
    dates: Any = customers["last"].dt.tz_localize(None).dt.normalize()
    if newest.tzinfo is not None:
        newest = newest.tz_convert(customers["last"].dt.tz).tz_localize(None)
    scored = customers.assign(recency=(newest.normalize() - dates).dt.days)
    for name, column, sign in (("r", "recency", -1), ("f", "active", 1), ("m", value, 1)):
        place = (sign * scored[column]).rank(pct=True, method="average")
        scored[name] = np.ceil(place * 5).clip(1, 5).astype("int64")
    r, f, m = scored["r"], scored["f"], scored["m"]
    rules: Any = [
        ((r >= 4) & (f >= 4) & (m >= 4), "champions"),
        (f >= 4, "loyal"),
        ((r >= 4) & (f <= 2), "recent"),
        ((r <= 2) & (f >= 3), "lapsed"),
        (r <= 2, "lost"),
    ]
    held, names = zip(*rules, strict=True)
    return scored.assign(segment=np.select(held, names, default="others"))


@dataclass(frozen=True)
class Together(Step):
    """Find what is bought together.

    Parameters
    ----------
    by : str, default "product_id"
        What a basket holds.
    basket : tuple of str, default ("user_id", "purchase_time")
        The columns that tell baskets apart: lines of one customer at one moment, or the log's own
        basket or invoice number.
    k : int, default 20
        How many pairs to list.
    items : int, default 500
        Only the most frequent items are paired.

    Returns
    -------
    DataFrame
        ``first``, ``second`` (in the items' order), the number of ``baskets`` with both, its share
        of all baskets (``support``), and ``lift``: how many times more often than if the two were
        independent. Lines without an item are left out. Ordered by ``baskets``, then by the items.

    Notes
    -----
    It sees the whole stream and answers at the end; it holds one line's basket and item, a few
    numbers, for every event. Support and lift as in R. Agrawal et al., SIGMOD 1993, and S. Brin et
    al., SIGMOD 1997.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> lines = pd.DataFrame({"basket": [1, 1, 2, 2, 3], "product_id": [7, 8, 7, 8, 9]})
    >>> pairs = rt.together(lines, basket=("basket",))
    >>> pairs[["first", "second", "baskets", "lift"]].values.tolist()
    [[7.0, 8.0, 2.0, 1.5]]
    """

    by: str = "product_id"
    basket: tuple[str, ...] = ("user_id", "purchase_time")
    k: int = 20
    items: int = 500

    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"basket": ("purchase_time",), "items": 3},
    )

    def __post_init__(self) -> None:
        check_count("k", self.k, 1, unit="pair", remedy=20)
        check_count("items", self.items, 1, unit="item", remedy=500)

    def refuses(self, *, ends: bool) -> str | None:
        return None if ends else "it sees the whole stream, and this one has no end"

    def initial(self) -> State:
        return {"lines": []}

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if events.names:
            wanted = (*self.basket, self.by)
            state["lines"].append({name: events[name] for name in wanted})
        return {}

    def finish(self, state: State) -> Outputs:
        if not state["lines"]:
            names = ["first", "second", "baskets", "support", "lift"]
            return {"result": pd.DataFrame(columns=names)}
        return {"result": self._pairs(join(pd.DataFrame(line) for line in state["lines"]))}

    def _pairs(self, lines: pd.DataFrame) -> pd.DataFrame:
        number = lines.groupby(list(self.basket), sort=False, dropna=False).ngroup().to_numpy()
        baskets = int(number.max()) + 1 if len(number) else 0
        table = keys.initial(self.by)
        codes = keys.encode(
            table, keys.distinct(self.by, Columns({self.by: bare(lines[self.by])}))
        )
        order = keys.order(table, np.arange(keys.size(table)))
        known = lines[self.by].notna().to_numpy()
        lines = pd.DataFrame({"basket": number, "item": np.argsort(order)[codes]})
        lines = lines[known].drop_duplicates()  # an item is now its place among the ordered keys
        n = np.bincount(lines["item"], minlength=len(order))
        frequent = np.sort(np.argsort(-n, kind="stable")[: self.items])
        place = np.full(len(order), -1)
        place[frequent] = np.arange(len(frequent))
        lines["item"] = place[lines["item"]]
        both = _cooccurrence(lines[lines["item"] >= 0], len(frequent))
        a, b = np.nonzero(both)
        found = both[a, b]
        best = np.argsort(-found, kind="stable")[: self.k]
        a, b, found = frequent[a[best]], frequent[b[best]], found[best]
        names = keys.columns(self.by, table, order)[self.by]
        return pd.DataFrame(
            {
                "first": names[a], "second": names[b], "baskets": found,
                "support": found / max(baskets, 1), "lift": found / (n[a] * n[b]) * baskets,
            }
        )  # fmt: skip


def _cooccurrence(lines: pd.DataFrame, items: int) -> Any:
    """Count the baskets that hold each pair, first item before second.

    Lines stand sorted by basket and item, so that a pair lies some lines apart: first all
    neighbours are counted, then those two apart, until no basket is that large.
    """
    lines = lines.sort_values(["basket", "item"])
    basket, item = lines["basket"].to_numpy(), lines["item"].to_numpy()
    both = np.zeros(items * items, np.int64)
    for apart in range(1, len(lines)):
        same = basket[apart:] == basket[:-apart]
        if not same.any():
            break
        pairs = item[:-apart][same] * items + item[apart:][same]
        both += np.bincount(pairs, minlength=items * items)
    return both.reshape(items, items)


together = register("together")(Together)
