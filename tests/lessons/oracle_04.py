"""04 Moving averages: the answers by loops over the hours, sorted or added up by hand."""

from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import cache

import pandas as pd

import rtlab as rt

SHANGHAI = timezone(timedelta(hours=8))
START = datetime(2024, 3, 4, tzinfo=SHANGHAI)
NIGHT = 2 * 24 + 4  # 2024-03-06 04:00


@cache
def hourly():
    """Add up quantity × price in each hour."""
    hours = [0] * 21 * 24
    for row in rt.simulate(days=21, seed=7).events.to_dict("records"):
        hours[(row["purchase_time"] - START) // timedelta(hours=1)] += (
            row["quantity"] * row["price"]
        )
    return [int(hour) for hour in hours]


def windows(values, size):
    """Give the last ``size`` values of each hour that has so many."""
    return {
        at: values[at - size + 1 : at + 1] for at in range(len(values)) if at + 1 >= size
    }  # fmt: skip


def unknown():
    """Count the hours without a full week."""
    return len(hourly()) - len(windows(hourly(), 168))


def highest():
    """Find the hour whose week has the largest sum."""
    weeks = windows(hourly(), 168)
    at = max(weeks, key=lambda at: Fraction(sum(weeks[at]), 168))
    return pd.Timestamp(START + timedelta(hours=at)).tz_convert("Asia/Shanghai")


def middle(values):
    """Give the median of a list."""
    line, half = sorted(values), len(values) // 2
    return line[half] if len(line) % 2 else (line[half - 1] + line[half]) / 2


def moved():
    """Compare the medians with and without the mistake."""
    typed = [value + 5_000_000 * (at == NIGHT) for at, value in enumerate(hourly())]
    return [
        float(
            max(
                abs(middle(wrong) - middle(right))
                for wrong, right in zip(
                    windows(typed, size).values(), windows(hourly(), size).values(), strict=True
                )
            )
        )
        for size in (24, 3)
    ]


ORACLES = {"04.1": unknown, "04.2": highest, "04.3": moved}
FORMS = {
    "04.1": [167.0, "167 "],
    "04.2": ["2024-03-20 17:00", pd.Timestamp("2024-03-20 09:00", tz="UTC")],
    "04.3": [(19095, 29830), {24: 19095.0, 3: 29830.0}, pd.Series([19095, 29830])],
}
WRONG = {
    "04.1": [
        (168, "that hour itself"), (23, "window of one day"), (83, "half a window"),
        (84, "half a window"), (0, "count the NaN"), (337, "How many have none"), (7, "isna"),
    ],
    "04.2": [
        ("2024-03-17 03:00", "The window is a week now"), ("2024-03-17 06:00", "centred"),
        ("2024-03-16 16:00", "Change both"), ("2024-03-16 19:00", "highest hour itself"),
        ("2024-03-20 09:00", "clock of UTC"), ("2024-03-24 23:00", "idxmax"),
        (404, "A time is asked for"),
    ],
    "04.3": [
        ([29830, 19095], "order"), ([208333.33, 1666666.67], "moving_median"),
        ([-19095, -29830], ".abs()"), ([0, 0], "those of hours"), ([19095, 19095], "Subtract"),
    ],
}  # fmt: skip
