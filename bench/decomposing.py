"""Rolling decomposition by filters beside a new decomposition of the window at every tick."""

from __future__ import annotations

import copy
import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.measure import Contestant, race, table
from rtlab.filters import weights
from rtlab.rolling import RollingDecompose

ANEW = {24: 20, 288: 3, 1440: 1}  # ticks for which STL is done anew, by period
WIDE = 10_000


def decomposing(rounds: int, events: int) -> None:
    """Rolling STL: bars 2 µs a tick and 80,000 × at period 288, 0.5 µs among 10,000 series."""
    building()
    print(f"\nsteps by hand; {events:,} ticks, windows of 5 periods; the last answer is compared")
    contestants = []
    for period, few in ANEW.items():
        step, values = RollingDecompose(period=period), series(events + 5 * period, period)
        wrong, group = partial(off, anew(step, 1, values)), f"period {period}"
        before, rest = np.split(values, [step.size])  # from then on every tick is answered
        for batch in (32, 1000):
            run = partial(follow, step, warm(step, before), batch)
            name = f"array, batches of {batch:,}"
            contestants.append(Contestant(group, name, run, rest, events, wrong))
        run = partial(follow, step, warm(step, pd.Series(before)), 32)
        name = "Series, batches of 32"
        contestants.append(Contestant(group, name, run, pd.Series(rest), events, wrong))
        name, run = "STL of each window anew", partial(anew, step, few)
        contestants.append(Contestant(group, name, run, values, few, wrong))
    took = race(contestants, rounds)
    for period in ANEW:
        print(f"\nperiod {period}")
        table([one for one in contestants if one.group == f"period {period}"], took, events)
    side_by_side(rounds)


def building() -> None:
    """Print how long the filters of a configuration take, once."""
    print("filters are built in: bars 0.5 s at period 288, 5 s at 1440")
    for period in (24, 288, 1440, [24, 168]):
        plan = RollingDecompose(period=period).plan
        took = []
        for _ in range(3):
            weights.cache_clear()
            begun = time.process_time()
            weights(plan, (0,))
            took.append(time.process_time() - begun)
        print(f"  period {period!s:9} {sorted(took)[1]:7.3f} s")


def side_by_side(rounds: int) -> None:
    """Print how fast thousands of series are taken apart together."""
    step = RollingDecompose(period=24)
    values = np.stack([series(152, 24, seed) for seed in range(16)], axis=1)
    values = np.tile(values, WIDE // 16)
    before, rest = np.split(values, [step.size])
    wrong = partial(off, anew(step, 1, values[:, -1]))
    ticks, contestants = rest.size, []
    for batch in (1, 32):
        run = partial(follow, step, warm(step, before), batch)
        name = f"array, batches of {batch}"
        contestants.append(Contestant("wide", name, run, rest, ticks, wrong))
    print(f"\n{WIDE:,} series side by side, period 24: ticks of all")
    table(contestants, race(contestants, rounds), ticks)


def series(ticks: int, period: int, seed: int = 0) -> Any:
    """Make a season, a trend that wanders, and noise."""
    rng = np.random.default_rng(seed)
    season = 40 * np.sin(2 * np.pi * np.arange(ticks) / period)
    return 1000 + season + rng.normal(0, 1, ticks).cumsum() + rng.normal(0, 10, ticks)


def warm(step: Any, before: Any) -> Any:
    """Give the state after some ticks."""
    state = step.initial()
    step.update(state, before)
    return state


def follow(step: Any, state: Any, batch: int, rest: Any) -> Any:
    """Take batches, and give the last answer of the last series."""
    state = copy.deepcopy(state)
    for begin in range(0, len(rest), batch):
        answer = step.update(state, rest[begin : begin + batch])["result"]
    return np.asarray(answer)[-1].reshape(-1, len(step.parts))[-1]


def anew(step: Any, few: int, values: Any) -> Any:
    """Take the windows of the last ticks apart with statsmodels, and give the last answer."""
    from statsmodels.tsa.seasonal import STL

    for end in range(len(values) - few + 1, len(values) + 1):
        fit = STL(values[end - step.size : end], period=step.periods[0]).fit()
    return np.array([fit.observed[-1], fit.trend[-1], fit.seasonal[-1], fit.resid[-1]])


def off(right: Any, given: Any) -> str | None:
    """Compare the last answers, by the size of a tick."""
    worst = np.abs(given - right).max() / np.abs(right[0])
    return None if worst < 1e-12 else f"by {worst:.1e} of the tick"
