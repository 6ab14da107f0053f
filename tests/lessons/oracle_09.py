"""09 Answers before the end: by statsmodels, window after window, and the wrong answers."""

from functools import cache

import numpy as np
import pandas as pd
from statsmodels.tsa.seasonal import STL

import rtlab as rt


@cache
def _hours():
    """Add up the shop's revenue in each hour."""
    shop = rt.simulate(days=56, seed=7)
    cents = shop.events["price"] * shop.events["quantity"]
    hours = shop.events["purchase_time"].dt.tz_convert(shop.zone).dt.floor("h")
    every = shop.truth.hourly.index
    return cents.groupby(hours).sum().reindex(every, fill_value=0).astype(float)


def _moved(values, window, lags, **how):
    """Take each window apart; say how far the answers about a tick are from the settled one."""
    settled = (window - 1) // 2
    found = [STL(values[at : at + window], **how).fit() for at in range(len(values) - window + 1)]
    parts = np.array([[one.trend, one.seasonal] for one in found])  # windows, parts, ticks
    ticks = range(len(found) - settled)

    def told(lag):
        return np.array([parts[tick + lag, :, window - 1 - lag] for tick in ticks])

    about = values[window - 1 : window - 1 + len(ticks)]
    rest = about - told(settled).sum(axis=1)
    spread = 1.4826 * np.median(abs(rest - np.median(rest)))
    return {lag: abs(told(lag) - told(settled)) / spread for lag in lags}


def _first(moved, share, part):
    """Find the smallest lag at which this share of a part moves by less than 0.1 spreads."""
    return next(lag for lag, far in moved.items() if np.quantile(far[:, part], share) < 0.1)


def _by_day():
    days = _hours().resample("1D").sum().to_numpy()
    how = {"period": 7, "seasonal": 10 * 21 + 1, "seasonal_deg": 0}
    return _first(_moved(days, 21, range(10), **how), 0.5, 0)


def _by_hour():
    moved = _moved(_hours().to_numpy(), 120, range(59), period=24, seasonal=7)
    return [_first(moved, 0.9, part) for part in (0, 1)]


def _on(time):
    return pd.Timestamp(time, tz="Asia/Shanghai")


ORACLES = {
    "09.1": lambda: _on("2024-04-26 23:00") - pd.Timedelta(hours=84),
    "09.2": _by_day,
    "09.3": _by_hour,
}
FORMS = {
    "09.1": ["2024-04-23 11:00", "2024-04-23T11:00+08:00", "2024-04-23 03:00Z"],
    "09.2": [3, 3.0, "3", np.int64(3), [3]],
    "09.3": [[19, 48], (19, 48), "19, 48", np.array([19.0, 48.0]), {"trend": 19, "season": 48}],
}
WRONG = {
    "09.1": [
        ("2024-04-26 23:00", "This is the newest hour"),
        ("2024-04-30 11:00", "not ahead"),
        ("2024-04-23 12:00", "One hour off"),
        ("2024-02-02 23:00", "A tick is an hour"),
        ("2024-04-16 04:00", "With lag=251"),
        ("2024-04-23", "How many days"),
    ],
    "09.2": [
        (9, "This is the season"),
        (6, "nine of ten move by less"),
        (5, "one thing at a time"),
        (72, "These are hours"),
        (48, "This is with hours"),
        (0.0943, "This is a distance"),
        (7, "Ask for lags"),
    ],
    "09.3": [
        ([11, 48], "for half of the trends"),
        ([48, 19], "other way round"),
        ([84, 192], "window of three weeks"),
        ([19, 47], "Where is each first below"),
        ([19], "2 values are asked for"),
    ],
}
