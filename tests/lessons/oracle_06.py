"""What is right and what is typically wrong in lesson 06, without rtlab's own analysis."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

import rtlab as rt

WIDTH = {0.05: 1.959964, 0.01: 2.575829}  # of the band in standard errors: tables of the normal


def hourly(without: str = "") -> list[float]:
    """Add up the sales of each hour of 28 days, without a part of what was put in."""
    shop = rt.simulate(days=28, seed=7)
    clock = pd.DatetimeIndex(shop.events["purchase_time"]).tz_convert("Asia/Shanghai")
    sums: dict[int, float] = defaultdict(float)
    amounts = (shop.events["quantity"] * shop.events["price"]).tolist()
    for day, hour, amount in zip(clock.day, clock.hour, amounts, strict=True):
        sums[(day - 4) * 24 + hour] += amount
    put_in = shop.truth.hourly[without].tolist() if without else [0.0] * 672
    return [sums[hour] - put_in[hour] for hour in range(672)]


def outside(values: list[float], lag: int, alpha: float) -> int:
    """Count the lags up to 48 outside Bartlett's band, after a difference: loops only."""
    y = [now - before for now, before in zip(values[lag:], values, strict=False)]
    n, mean = len(y), sum(y) / len(y)
    gap = [one - mean for one in y]
    whole, count, squares = sum(one * one for one in gap), 0, 0.0
    for k in range(1, 49):
        r = sum(gap[t] * gap[t - k] for t in range(k, n)) / whole
        count += abs(r) > WIDTH[alpha] * sqrt((1 + 2 * squares) / n)
        squares += r * r
    return count


ORACLES = {
    "06.1": lambda: 200 * (100 - 95) / 100,
    "06.2": lambda: outside(hourly(), 24, 0.01),
    "06.3": lambda: outside(hourly("promotion"), 168, 0.05),
}
FORMS: dict[str, list[Any]] = {
    "06.1": [10, 10.0, "10", 0.05 * 200, np.float64(10), [10]],
    "06.2": [12, 12.0, "12", np.int64(12), pd.Series([12])],
    "06.3": [3, 3.0, "3", np.array([3])],
}
WRONG: dict[str, list[tuple[Any, str]]] = {
    "06.1": [
        (190, "how many lie inside"),
        (0, "chance still moves"),
        (5, "would be of 100 lags"),
        (2.4, "is for 48 lags"),
        (0.05, "That is the share"),
        (4.15, "A short series gives less"),
        (40, "Read the question again"),
    ],
    "06.2": [
        (17, "the band of 95%"),
        (19, "the raw series"),
        (0, "That is the noise"),
        (9, "alpha=0.001"),
        (48, "alpha is the share outside"),
        (36, "lie inside the band"),
        (list(range(1, 13)), "One value is asked for"),
    ],
    "06.3": [
        (17, "promotions are still in"),
        (6, "a difference of a day"),
        (39, "a difference of 7 hours"),
        (16, "taken away too late"),
        (7, "missing is not 0"),
        (35, "Take the difference of a week"),
        (5, "That is lag 1"),
        (1, "the noise itself"),
        (45, "lie inside the band"),
        ([2, 6, 24], "One value is asked for"),
    ],
}
