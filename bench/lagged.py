"""Rolling correlations beside correlating the window anew at every tick."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.decomposing import follow, series, warm
from bench.measure import Contestant, Times, race, table
from rtlab.lagged import RollingAcf

LAGS = 288
ANEW = {1_000: 200, 10_000: 20, 100_000: 2}  # ticks at which it is done anew, by window
FEW = 4  # lags that pandas does, one by one
WIDE = 10_000


def lagged(rounds: int, events: int) -> None:
    """Rolling ACF, lags to 288: bars 4 µs a tick, 1 µs with every=32; 0.25 µs among 10,000."""
    print(f"steps by hand on {events:,} ticks, batches of 32; the last answer is compared")
    contestants = []
    for window, few in ANEW.items():
        begin = -(-window // 32) * 32  # from then on each tick is answered
        values, group = series(begin + events // 32 * 32, LAGS), f"window {window:,}"
        before, rest = np.split(values, [begin])
        wrong = partial(off, anew(window, 1, values), 1e-12)
        for every in (1, 32):
            step = RollingAcf(window, LAGS, every)
            for kind, made in (("array", np.asarray), ("Series", pd.Series)):
                name = f"every={every}, {kind}"
                run = partial(follow, step, warm(step, made(before)), 32)
                one = Contestant(group, name, run, made(rest), len(rest), wrong)
                contestants.append(one)
        name, run = "statsmodels' acf of each window", partial(anew, window, few)
        contestants.append(Contestant(group, name, run, values, few, wrong))
        wrong = partial(off, anew(window, 1, values)[:FEW], 5 / window**0.5)
        name, ticks = f"pandas' rolling corr, {FEW} lags of {LAGS + 1}", len(values)
        run = partial(by_pandas, window)
        done = ticks * FEW // (LAGS + 1)
        contestants.append(Contestant(group, name, run, pd.Series(values), done, wrong))
    took = race(contestants, rounds)
    for window in ANEW:
        print(f"\nwindow {window:,} (pandas' estimate is another, with a mean for each lag)")
        listed = [one for one in contestants if one.group == f"window {window:,}"]
        table(listed, took, listed[0].events)
        told(listed, took)
    side_by_side(rounds)


def side_by_side(rounds: int) -> None:
    """Print how fast thousands of series are correlated together."""
    values = np.stack([series(480 + 240, 24, seed) for seed in range(16)], axis=1)
    values = np.tile(values, WIDE // 16)
    before, rest = np.split(values, [480])
    contestants = []
    for every in (24, 1):
        step, right = RollingAcf(240, 48, every), anew(240, 1, values[:, -1], 48)
        run = partial(follow, step, warm(step, before), 24)
        wrong = partial(off, right, 1e-12)
        contestants.append(Contestant("wide", f"every={every}", run, rest, rest.size, wrong))
    print(f"\n{WIDE:,} series side by side, lags to 48, window 240, arrays of 24: ticks of all")
    took = race(contestants, rounds)
    table(contestants, took, rest.size)
    told(contestants, took)


def told(contestants: list[Contestant], took: Times) -> None:
    """Print what a tick costs."""
    for one in contestants:
        busy = statistics.median(cpu for cpu, _ in took[one.group, one.name]) / one.events
        print(f"  {one.name:48} {1e9 * busy:14,.0f} ns of CPU a tick")


def anew(window: int, few: int, values: Any, lags: int = LAGS) -> Any:
    """Correlate the windows of the last ticks with statsmodels, and give the last answer."""
    from statsmodels.tsa.stattools import acf

    for end in range(len(values) - few + 1, len(values) + 1):
        part = values[end - window : end]
        found = acf(part - part[0], nlags=lags)
    return found


def by_pandas(window: int, values: Any) -> Any:
    """Correlate with a few lags, each a pass over all ticks."""
    rolling = values.rolling(window)
    return np.array([rolling.corr(values.shift(lag)).iloc[-1] for lag in range(FEW)])


def off(right: Any, most: float, given: Any) -> str | None:
    """Compare the last answers."""
    worst = np.abs(given - right).max()
    return None if worst < most else f"by {worst:.1e}"
