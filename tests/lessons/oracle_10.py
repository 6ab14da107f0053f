"""10 Alarms and forecasts: by slow loops over the residuals, and the wrong answers."""

from functools import cache

import numpy as np
import pandas as pd

import rtlab as rt


@cache
def _residuals(less=0):
    """Take the shop apart, with so many cents less in the quiet hours."""
    shop = rt.simulate(days=84, seed=7, events_per_day=2000)
    revenue = shop.hourly()["revenue"].astype(float)
    revenue["2024-05-15 10:00":"2024-05-15 21:00"] -= less
    return rt.robust_decompose(revenue, period=168, train=337)["residual"]


def _alarms(residuals, sigmas, shift=10.0, window=168):
    """Judge hour by hour: a median of those before, renewed at times, and two sums."""
    held, sums, found, scale = [], [0.0, 0.0], [], np.nan
    for number, (when, residual) in enumerate(residuals.items()):
        if number % (window // 8) == 0:
            past = np.array(held[-window:])
            past = past[~np.isnan(past)]
            scale = np.nan
            if len(past) >= window // 4:
                z, v = sigmas, 0.37 * len(past)
                wide = 1 + (z**2 + 1) / 4 / v + (5 * z**4 + 16 * z**2 + 3) / 96 / v**2
                wide += (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / 384 / v**3
                scale = 1.4826 * np.median(past) * wide
        score = residual / scale
        cut = np.clip(score, -sigmas, sigmas) if not np.isnan(score) else np.nan
        over = False
        for side in (0, 1):
            if not np.isnan(cut):
                sums[side] = max(0.0, sums[side] + (cut if side == 0 else -cut) - 1)
            if sums[side] > shift:
                sums[side], over = 0.0, True
        if over or abs(score) > sigmas:
            found.append((when, "above" if score > 0 else "below"))
        held.append(min(abs(residual), sigmas * scale) if not np.isnan(scale) else abs(residual))
    return found


def _first(day, **how):
    return next(when for when, _ in _alarms(**how) if f"{when:%Y-%m-%d}" == day)


def _late():
    first = _first("2024-04-07", residuals=_residuals(), sigmas=5)
    known = first + pd.Timedelta("1h")  # when the hour ends
    return (known - pd.Timestamp("2024-04-07 10:00", tz="Asia/Shanghai")) / pd.Timedelta("1h")


ORACLES = {
    "10.1": _late,
    "10.2": lambda: len(_alarms(_residuals(), 3)),
    "10.3": lambda: _first("2024-05-15", residuals=_residuals(150_000), sigmas=5),
}
FORMS = {
    "10.1": [5, 5.0, "5", np.int64(5), [5]],
    "10.2": [65, 65.0, "65", np.int64(65)],
    "10.3": ["2024-05-15 17:00", "2024-05-15T17:00+08:00", "2024-05-15 09:00Z"],
}
WRONG = {
    "10.1": [
        (4, "when that hour begins"),
        (14, "hour on the clock"),
        (15, "time on the clock"),
        (6, "first outlier"),
        (7, "first outlier"),
        (0, "when the shift began"),
        (3, "its first index"),
    ],
    "10.2": [
        (23, "alarms of sigmas=5"),
        (6, "These are the episodes"),
        (54, "count the rows"),
    ],
    "10.3": [
        ("2024-05-15 10:00", "since when it was low"),
        ("2024-05-15 18:00", "when it is known"),
        ("2024-05-19 13:00", "an alarm above"),
        ("2024-05-15 12:00", "the index is the time"),
    ],
}
