"""What is right and what is typically wrong in lesson 05, without rtlab's own analysis."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

import rtlab as rt


def hourly() -> list[int]:
    """Add up the sales of each hour of 28 days, as the shop's clock has them."""
    events = rt.simulate(days=28, seed=7).events
    clock = pd.DatetimeIndex(events["purchase_time"]).tz_convert("Asia/Shanghai")
    sums: dict[int, int] = defaultdict(int)
    amounts = (events["quantity"] * events["price"]).tolist()
    for day, hour, amount in zip(clock.day, clock.hour, amounts, strict=True):
        sums[(day - 4) * 24 + hour] += amount
    return [sums[hour] for hour in range(28 * 24)]


def climb() -> int:
    """Walk a line that rises by 10, and look 24 steps back."""
    line = [10 * hour for hour in range(100)]
    (rise,) = {line[hour] - line[hour - 24] for hour in range(24, 100)}
    return rise


def last_sunday() -> int:
    """Compare the last day with the one a week before."""
    sales = hourly()
    return sum(sales[-24:]) - sum(sales[-8 * 24 : -7 * 24])


def lags_without_season() -> list[int]:
    """Find the lags whose differences no longer depend on the hour of the day."""
    sales, found = np.array(hourly(), float), []
    for lag in range(1, 169):
        known = sales[lag:] - sales[:-lag]
        hour = np.arange(lag, len(sales)) % 24
        means = np.array([known[hour == one].mean() for one in range(24)])[hour]
        if means.var(ddof=1) / known.var(ddof=1) < 0.05:
            found.append(lag)
    return found


ORACLES = {"05.1": climb, "05.2": last_sunday, "05.3": lags_without_season}
FORMS: dict[str, list[Any]] = {
    "05.1": [240, 240.0, "240", np.int64(240), [240], pd.Series([240.0])],
    "05.2": [26470, 26470.0, "26,470", "+26470", np.float64(26470), pd.Series([26470.0])],
    "05.3": [
        [24, 48, 72, 96, 120, 144, 168],
        (168, 144, 120, 96, 72, 48, 24),
        pd.Series([24.0, 48, 72, 96, 120, 144, 168]),
        np.arange(24, 169, 24),
        range(24, 169, 24),
        {24, 48, 72, 96, 120, 144, 168},
        pd.Index(range(24, 169, 24)),
    ],
}
WRONG: dict[str, list[tuple[Any, str]]] = {
    "05.1": [
        (10, "That is lag 1"),
        (0, "does not vanish"),
        (24, "These are the hours"),
        (-240, "The later value stands first"),
        (230, "as many steps as the lag"),
        (7, "Read the question again"),
    ],
    "05.2": [
        (1380, "Sunday against Saturday"),
        (786970, "a tick of days is not an hour"),
        (float("nan"), "Nothing stands that far back"),
        (-26470, "Later minus earlier"),
        (2553470, "what the day brought"),
        (24050, "the last hour alone"),
        (149350, "one Sunday on"),
        (pd.Series([1.0, 2.0]), "One value is asked for"),
    ],
    "05.3": [
        ([24], "the first of them"),
        (168, "A week is one of them"),
        ([24, 168], "more between these two"),
        (7, "how many there are"),
        ([24, 25], "does not fit the day"),
        (list(range(1, 169)), "does not fit the day"),
        ([24, 48], "too few"),
        ({24: 0.001, 168: 0.01}, "no lags"),
    ],
}
