"""The simulated shop: seeded, with a known truth, the same bytes on any machine.

Baskets arrive as a Poisson process whose rate is the truth of :mod:`rtlab.truth`. Each day is
drawn from its own block of raw integers, so the size of batches cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rtlab.dirt import BAD, Dirt, Rows, frame, join_rows, micro, plan_dirt, record, whole
from rtlab.draws import POISSON_ONE, Draws, Integers, high, low, pick, scaled, table
from rtlab.errors import ParameterError
from rtlab.truth import (
    FAVOURITES,
    FOLLOWS,
    QUANTITIES,
    SIZES,
    Demand,
    Goods,
    People,
    StockOut,
    Truth,
    demand,
    hourly,
    shares,
)

ZONE = "Asia/Shanghai"  # no clock change since 1991: a day has 24 hours
SECOND = 1_000_000  # microseconds
HOUR = 3600 * SECOND
LARGEST = (1 << 31) - 1
BASKET, PIECES = table(SIZES), table(QUANTITIES)


@dataclass(frozen=True, eq=False)
class Shop:
    """A simulated shop; made by :func:`simulate`.

    Attributes
    ----------
    events : DataFrame
        One row for each line, in the order of arrival: ``event_id, user_id, product_id`` (int64);
        ``purchase_time`` (datetime64[us, UTC], whole seconds); ``quantity`` (negative for a
        return) and ``price`` (of one piece, in cents) (int64); ``arrival_time``, which equals
        ``purchase_time`` unless dirt delays the row. Malformed rows make their columns object.
    truth : Truth
        What was put in.
    products : DataFrame
        ``product_id, name, department, price`` (cents), ``goes_with`` (the product that sells
        with it) and ``share`` (of all lines, expected).
    zone : str
        The shop's time zone.
    """

    days: int
    seed: int
    events_per_day: int
    start: pd.Timestamp
    returns: float
    dirt: Dirt
    goods: Goods
    people: People
    plan: Demand
    zone: str = ZONE

    def __repr__(self) -> str:
        lines = self.days * self.events_per_day
        return (
            f"<shop of {self.days} days from {self.start:%Y-%m-%d} ({self.zone}), "
            f"seed {self.seed}: about {lines:,} lines>"
        )

    @cached_property
    def products(self) -> pd.DataFrame:
        """What it sells."""
        return self.goods.frame.assign(share=shares(self.goods, self.people))

    @cached_property
    def events(self) -> pd.DataFrame:
        """Every row, in the order of arrival."""
        return frame(self._rows, spoils=self.dirt.spoils)

    @cached_property
    def truth(self) -> Truth:
        """What was put in."""
        plan, lines = self.plan, self.days * self.events_per_day
        pieces = sum(n * weight for n, weight in enumerate(QUANTITIES, 1)) / sum(QUANTITIES)
        factor = pieces * (1 - 2 * self.returns)
        return Truth(
            hourly=hourly(plan, self.goods, self.people, lines, factor),
            promotions=plan.promotions,
            launch=plan.launch,
            stock_out=plan.stock_out,
            gaps=self.dirt.gaps,
            bursts=self.dirt.bursts,
            dirt=record(self._rows if self.dirt else None),
        )

    def hourly(self) -> pd.DataFrame:
        """Give the observed hours: every good row counted once, late ones too.

        Returns
        -------
        DataFrame
            Indexed by ``start`` (in the shop's zone), all hours of the run: ``revenue`` (int64,
            cents, returns subtracted) and ``count`` (int64, lines). An hour without rows has 0;
            ``truth.gaps`` tells which of them were outages.

        Examples
        --------
        >>> import rtlab as rt
        >>> shop = rt.simulate(days=1)
        >>> int(shop.hourly()["count"].sum()) == len(shop.events)
        True
        """
        rows = self._rows
        if "kind" in rows:
            good = ~np.isin(rows["kind"], BAD)
            rows = {name: array[good] for name, array in rows.items()}
        hour = (rows["purchase_time"] - micro(self.start)) // HOUR
        hours = len(self.plan.start)
        # Sums of whole cents below 2**53 are exact in the float64 of bincount.
        revenue = np.bincount(hour, rows["quantity"] * rows["price"], minlength=hours)
        count = np.bincount(hour, minlength=hours)
        columns = {"revenue": revenue.astype(np.int64), "count": count.astype(np.int64)}
        return pd.DataFrame(columns, index=self.plan.start)

    def batches(self, rows: int = 500) -> Iterator[pd.DataFrame]:
        """Give the events piece by piece, without holding more than a day of them.

        Parameters
        ----------
        rows : int, default 500
            Rows in a batch; the last may be shorter.

        Returns
        -------
        iterator of DataFrame
            As ``events``, numbered through.

        Raises
        ------
        ParameterError
            If ``rows`` is below 1.

        Examples
        --------
        >>> import rtlab as rt
        >>> [len(batch) for batch in rt.simulate(days=1).batches(rows=300)]
        [300, 300, 106]
        """
        return self._cut(whole("rows", rows, 1, LARGEST, 500))

    def _cut(self, rows: int) -> Iterator[pd.DataFrame]:
        held: list[pd.DataFrame] = []
        sent = 0
        for block in self._blocks():
            held.append(frame(block, spoils=self.dirt.spoils))
            if sum(map(len, held)) < rows:
                continue
            joined = pd.concat(held, ignore_index=True)
            full = len(joined) // rows * rows
            joined.index += sent
            for first in range(0, full, rows):
                yield joined.iloc[first : first + rows]
            held = [joined.iloc[full:]]
            sent += full
        last = pd.concat(held, ignore_index=True)
        if len(last):
            yield last.set_axis(last.index + sent)

    @cached_property
    def _rows(self) -> Rows:
        return join_rows(list(self._blocks()))

    def _blocks(self) -> Iterator[Rows]:
        """Draw one day after the other."""
        days = self._days()
        return self.dirt.over(days, micro(self.start)) if self.dirt else days

    def _days(self) -> Iterator[Rows]:
        draws, sent = Draws(self.seed), 0
        units, thresholds = self._rates
        for day in range(self.days):
            today = slice(day * 24, day * 24 + 24)
            second = _basket_times(draws, day, units[today], thresholds[today])
            rows = self._lines(draws, day, second)
            size = len(rows["user_id"])
            yield {"event_id": np.arange(sent + 1, sent + size + 1, dtype=np.int64)} | rows
            sent += size

    @cached_property
    def _rates(self) -> tuple[Integers, Integers]:
        """Split each hour's rate into units of at most 1 basket, kept by a 32-bit threshold."""
        shape = np.sum(list(self.plan.parts.values()), axis=0).tolist()
        mean_size = sum(n * weight for n, weight in enumerate(SIZES, 1))
        below = sum(shape) * mean_size
        baskets = [self.days * self.events_per_day * part * sum(SIZES) for part in shape]
        units = [-(-rate // below) for rate in baskets]
        thresholds = [
            (rate << 32) // (below * unit) for rate, unit in zip(baskets, units, strict=True)
        ]
        return np.array(units, dtype=np.int64), np.array(thresholds, dtype=np.int64)

    def _lines(self, draws: Draws, day: int, second: Integers) -> Rows:
        """Fill the baskets of a day: who, and which lines."""
        goods, people = self.goods, self.people
        bits = draws("user", day, len(second))
        user, size = pick(people.table, high(bits)), 1 + pick(BASKET, low(bits))
        basket = np.repeat(np.arange(len(second)), size)
        bits = draws("product", day, len(basket))
        product = pick(goods.table, high(bits))
        liked = bits & 1 == 0
        favourite = user[basket[liked]] * FAVOURITES + (bits[liked] >> 1) % FAVOURITES
        product[liked] = people.favourites[favourite]
        first = (np.cumsum(size) - size)[basket]
        follows = ((bits >> 8) % FOLLOWS == 0) & (first != np.arange(len(basket)))
        product[follows] = goods.partner[product[first[follows]]]
        time = micro(self.start) + day * 24 * HOUR + second[basket] * SECOND
        self._replace_missing(product, time)
        bits = draws("quantity", day, len(basket))
        quantity = 1 + pick(PIECES, high(bits))
        back = low(bits) < int(self.returns * (1 << 32))
        return {
            "user_id": user[basket] + 1,
            "product_id": product + 1001,
            "purchase_time": time,
            "quantity": np.where(back, -quantity, quantity),
            "price": goods.price[product],
            "arrival_time": time,
        }

    def _replace_missing(self, product: Integers, time: Integers) -> None:
        """Sell the partner of what is not on sale."""
        for event in (self.plan.launch, self.plan.stock_out):
            if event is None:
                continue
            place = event.product_id - 1001
            missing = time < micro(event.start)
            if isinstance(event, StockOut):
                missing = ~missing & (time < micro(event.end))
            product[missing & (product == place)] = self.goods.partner[place]


def _basket_times(draws: Draws, day: int, units: Integers, thresholds: Integers) -> Integers:
    """Draw a day's Poisson process: sorted seconds since midnight, one for each basket."""
    counts = pick(POISSON_ONE, high(draws("count", day, int(units.sum()))))
    hour = np.repeat(np.repeat(np.arange(24), units), counts)
    bits = draws("time", day, len(hour))
    kept = high(bits) < thresholds[hour]
    return np.sort(hour[kept] * 3600 + scaled(low(bits[kept]), 3600))


def simulate(
    days: int = 28,
    seed: int = 7,
    *,
    events_per_day: int = 700,
    products: int = 200,
    users: int = 500,
    start: str = "2024-03-04",
    returns: float = 0.01,
    dirt: str | Mapping[str, float] | None = None,
) -> Shop:
    """Simulate a shop whose truth is known.

    The same arguments give the same events on any machine, with any numpy.

    Parameters
    ----------
    days : int, default 28
        Length of the run. A promotion comes every 14 days; from 7 days on, a product is launched
        and another is out of stock for a while.
    seed : int, default 7
        From 0 to 2**64 − 1.
    events_per_day : int, default 700
        Lines expected in a day, on average over the run.
    products, users : int, default 200 and 500
        How many there are.
    start : str, default "2024-03-04"
        First day (a Monday), from 1992 to 2098, in the shop's zone, Asia/Shanghai.
    returns : float, default 0.01
        Share of lines that are returns, with a negative quantity: normal business, not dirt.
    dirt : "all" or dict, optional
        ``late``, ``out_of_order``, ``duplicate``, ``malformed``: shares of the rows; at most one
        of these befalls a row. ``gap`` (nothing is recorded), ``burst`` (an hour's events arrive
        all at its end), ``future`` (an event dated 2099): how many, at most one of each in a day.
        Dirt leaves what truly happened as it is: the same shop without dirt shows it.

    Returns
    -------
    Shop

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import rtlab as rt
    >>> shop = rt.simulate(days=14, seed=7)
    >>> shop
    <shop of 14 days from 2024-03-04 (Asia/Shanghai), seed 7: about 9,800 lines>
    >>> len(shop.events), len(shop.truth.promotions)
    (9858, 1)
    """
    days = whole("days", days, 1, 20_000, 28)
    seed = whole("seed", seed, 0, (1 << 64) - 1, 7)
    events_per_day = whole("events_per_day", events_per_day, 1, LARGEST, 700)
    products = whole("products", products, 10, LARGEST, 200)
    users = whole("users", users, 1, LARGEST, 500)
    first = _first_day(start)
    if not 0 <= returns <= 1:
        raise ParameterError(f"returns={returns}: a share of the lines, from 0 to 1; try 0.01")
    draws = Draws(seed)
    goods = Goods(draws, products)
    people = People(draws, users, goods)
    soil, plan = plan_dirt(draws, first, days, dirt), demand(draws, first, days, goods)
    return Shop(days, seed, events_per_day, first, returns, soil, goods, people, plan)


def _first_day(start: str) -> pd.Timestamp:
    problem = f"start={start!r}: a date from 1992 to 2098; try start='2024-03-04'"
    try:
        first = pd.Timestamp(start)
        midnight = first.tz_localize(ZONE).normalize()
    except (AttributeError, TypeError, ValueError) as error:
        raise ParameterError(problem) from error
    if first != midnight.tz_localize(None) or not 1992 <= first.year <= 2098:
        raise ParameterError(problem)
    return midnight
