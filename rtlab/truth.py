"""What is put into the simulated shop: its goods, its people, and the demand in every hour.

The lines expected in an hour are a **sum**::

    trend + daily shape + weekly shape + promotion

and revenue is that times the mean amount of a line, so that an additive decomposition can give
each part back (robustly: else trend and seasons take up about half of the promotions). A product
that is not on sale (before its launch, or out of stock) is replaced by its partner: the number of
lines stays, only their mean price moves a little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab.draws import Draws, Integers, high, low, pick, scaled, table, zipf

# Shapes in thousandths of the trend's base; each sums to zero.
DAILY = (
    *(-480, -610, -680, -700, -690, -630, -490, -260, -30, 160, 260, 330),
    *(360, 310, 230, 210, 270, 340, 500, 620, 660, 480, 120, -280),
)
WEEKLY = (-150, -160, -130, -70, 60, 250, 200)  # Monday to Sunday
TREND = (920, 1180, 1080)  # at the start, at five eighths of the run, at the end

SIZES = (550, 250, 110, 60, 30)  # weights of baskets of 1, 2, … lines: 1.77 on average
QUANTITIES = (800, 140, 40, 20)  # weights of 1, 2, … pieces
FAVOURITES = 4  # products of a user, from which half of the lines come; a power of 2
FOLLOWS = 4  # one in so many of a basket's further lines is the partner of its first

# What each department sells, and between which prices (cents). Partners are half a table apart:
# tea goes with cups.
DEPARTMENTS = {
    "茶 tea": ("绿茶 green tea|红茶 black tea|乌龙茶 oolong|普洱 pu'er|花茶 jasmine", 1800, 4200),
    "水果 fruit": ("苹果 apples|香蕉 bananas|橙子 oranges|葡萄 grapes|梨 pears", 1200, 3000),
    "面包 bakery": ("面包 bread|蛋糕 cake|饼干 biscuits|馒头 buns|月饼 mooncakes", 1000, 2600),
    "文具 stationery": (
        "本子 notebooks|铅笔 pencils|钢笔 pens|纸 paper|信封 envelopes",
        900,
        2600,
    ),
    "厨具 kitchen": ("茶杯 cups|碗 bowls|筷子 chopsticks|锅 pans|刀 knives", 2000, 4500),
    "乳品 dairy": ("牛奶 milk|酸奶 yoghurt|奶酪 cheese|黄油 butter|豆浆 soy milk", 1200, 2800),
    "米面 staples": ("大米 rice|面条 noodles|面粉 flour|酱油 soy sauce|食用油 oil", 1500, 3600),
    "日用 household": (
        "肥皂 soap|洗发水 shampoo|牙膏 toothpaste|毛巾 towels|纸巾 tissues",
        1400,
        3400,
    ),
}
VARIANTS = ("小 small", "大 large", "家庭装 family pack", "礼盒 gift box", "有机 organic")


class Promotion(NamedTuple):
    """A promotion over ``[start, end)``: ``lift`` 0.6 adds 60 % of the trend to every hour."""

    start: pd.Timestamp
    end: pd.Timestamp
    lift: float


class Launch(NamedTuple):
    """A product that is on sale from ``start`` only."""

    product_id: int
    start: pd.Timestamp


class StockOut(NamedTuple):
    """A product that is missing over ``[start, end)``."""

    product_id: int
    start: pd.Timestamp
    end: pd.Timestamp


@dataclass(frozen=True)
class Truth:
    """What was put into a shop.

    Attributes
    ----------
    hourly : DataFrame
        Indexed by ``start`` (in the shop's zone), float64: ``trend, daily, weekly, promotion,
        launch, stock_out`` in cents, whose sum is ``expected``; and ``expected_count`` in lines.
    promotions : tuple of Promotion
        One for every two weeks.
    launch : Launch or None
        From 7 days on.
    stock_out : StockOut or None
        From 7 days on.
    gaps, bursts : tuple of Outage
        When nothing was recorded; when deliveries were held up until ``end``.
    dirt : DataFrame
        One row for each dirty row: ``kind``, ``detail``, ``event_id``, and ``row``, its position
        in ``shop.events`` (−1 for an event that a gap swallowed).
    """

    hourly: pd.DataFrame = field(repr=False)
    promotions: tuple[Promotion, ...]
    launch: Launch | None
    stock_out: StockOut | None
    gaps: tuple[Any, ...] = ()
    bursts: tuple[Any, ...] = ()
    dirt: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


class Goods:
    """The products: ``frame`` for a person; bare arrays, by position, for the draws."""

    def __init__(self, draws: Draws, size: int) -> None:
        places = np.arange(size, dtype=np.int64)
        by_rank = np.argsort(draws("rank", 0, size), kind="stable")
        weights = np.empty(size, dtype=np.int64)
        weights[by_rank] = zipf(size, 2)
        self.by_rank, self.weights, self.table = by_rank, weights, table(weights.tolist())
        self.partner = (places + size // 2) % size
        names, departments, bounds = [], [], []
        for place in range(size):
            number = place * len(DEPARTMENTS) // size
            department, (items, lowest, highest) = list(DEPARTMENTS.items())[number]
            within = place - -(-number * size // len(DEPARTMENTS))
            series, within = divmod(within, 25)
            name = f"{items.split('|')[within % 5]} ({VARIANTS[within // 5]})"
            names.append(name if series == 0 else f"{name} {series + 1}")
            departments.append(department)
            bounds.append((lowest, (highest - lowest) // 10))
        lowest_price, steps = np.array(bounds, dtype=np.int64).T
        self.price: Integers = lowest_price + (high(draws("price", 0, size)) * steps >> 32) * 10
        self.frame = pd.DataFrame(
            {
                "product_id": 1001 + places,
                "name": names,
                "department": departments,
                "price": self.price,
                "goes_with": 1001 + self.partner,
            }
        )


class People:
    """The users: how active each is, and what each likes best."""

    def __init__(self, draws: Draws, size: int, goods: Goods) -> None:
        self.weights = np.empty(size, dtype=np.int64)
        self.weights[np.argsort(draws("activity", 0, size), kind="stable")] = zipf(size, 20)
        self.table = table(self.weights.tolist())
        self.favourites = pick(goods.table, high(draws("liked", 0, size * FAVOURITES)))


def shares(goods: Goods, people: People) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the share of lines that each product expects while all are on sale."""
    products = len(goods.price)
    active = np.repeat(people.weights / people.weights.sum() / FAVOURITES, FAVOURITES)
    liked = np.bincount(people.favourites, weights=active, minlength=products)
    first = (liked + goods.weights / goods.weights.sum()) / 2
    mean_size = sum(n * weight for n, weight in enumerate(SIZES, 1)) / sum(SIZES)
    follow = (1 - 1 / mean_size) / FOLLOWS
    partner = np.bincount(goods.partner, weights=first, minlength=products)
    return np.asarray((1 - follow) * first + follow * partner)


@dataclass(frozen=True)
class Demand:
    """The parts of demand in thousandths of the trend's base, hour by hour, and their causes."""

    parts: dict[str, Integers]
    start: pd.DatetimeIndex
    promotions: tuple[Promotion, ...]
    launch: Launch | None
    stock_out: StockOut | None


def demand(draws: Draws, start: pd.Timestamp, days: int, goods: Goods) -> Demand:
    """Lay out the run: trend and shapes, promotions, the launch and the stock-out."""
    hours = np.arange(days * 24, dtype=np.int64)
    index = pd.date_range(start, periods=len(hours), freq="h", name="start").as_unit("us")
    turn = days * 15  # hours until five eighths of the run
    first, top, last = TREND
    trend = np.where(
        hours < turn,
        first + (top - first) * hours // turn,
        top + (last - top) * (hours - turn) // (days * 24 - turn),
    )
    promotion, promotions = np.zeros_like(trend), []
    count = days // 14
    chance = draws("promo", 0, count)
    for number in range(count):
        length = days // count
        day = number * length + 3 + int(scaled(high(chance), length - 6)[number])
        extra, tenths = (int(scaled(bits, 5)[number]) for bits in (low(chance), low(chance >> 8)))
        begin, end = day * 24 + 10, day * 24 + 34 + 6 * extra
        promotion[begin:end] = trend[begin:end] * (6 + tenths) // 10
        promotions.append(Promotion(start + _hours(begin), start + _hours(end), (6 + tenths) / 10))
    parts = {
        "trend": trend,
        "daily": np.tile(np.array(DAILY), days),
        "weekly": np.array(WEEKLY)[(hours // 24 + start.weekday()) % 7],
        "promotion": promotion,
    }
    launch = stock_out = None
    if days >= 7:
        new, missing = 1001 + goods.by_rank[[2, 4]]
        launch = Launch(int(new), start + _hours(days // 3 * 24 + 10))
        out = start + _hours(days * 2 // 3 * 24)
        stock_out = StockOut(int(missing), out, out + _hours(24 * min(max(days // 14, 1), 7)))
    return Demand(parts, index, tuple(promotions), launch, stock_out)


def hourly(plan: Demand, goods: Goods, people: People, lines: int, factor: float) -> pd.DataFrame:
    """Turn the parts into cents: ``factor`` is the mean of a line's signed quantity."""
    share = shares(goods, people)
    parts = pd.DataFrame(plan.parts, index=plan.start)
    count = parts * (lines / int(parts.to_numpy().sum()))
    truth = count * (float(share @ goods.price) * factor)
    expected_count = count.sum(axis=1)

    def instead(product_id: int) -> pd.Series[float]:
        place = product_id - 1001
        gain = int(goods.price[goods.partner[place]] - goods.price[place])
        return expected_count * (float(share[place]) * gain * factor)

    truth["launch"] = truth["stock_out"] = 0.0
    if plan.launch is not None:
        before = truth.index < plan.launch.start
        truth["launch"] = instead(plan.launch.product_id).where(before, 0.0)
    if plan.stock_out is not None:
        during = (truth.index >= plan.stock_out.start) & (truth.index < plan.stock_out.end)
        truth["stock_out"] = instead(plan.stock_out.product_id).where(during, 0.0)
    truth["expected"] = truth.sum(axis=1)
    truth["expected_count"] = expected_count
    return truth


def _hours(number: int) -> pd.Timedelta:
    return pd.Timedelta(hours=number)
