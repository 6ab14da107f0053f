"""Robust online decomposition: the cost of a tick, and its errors on public synthetic series.

The two series are those of the OneShotSTL paper (He et al., PVLDB 16, 2023), built here by its
recipe. The first five periods are for training; errors are means of what comes after them.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import rtlab as rt

PUBLISHED = {"Syn1": (0.04475, 0.04082), "Syn2": (0.00153, 0.01367)}
BARS = {"Syn1": (0.02, 0.025), "Syn2": (0.0015, 0.0136)}
TRAIN = 5  # periods


class Synthetic(NamedTuple):
    """A series that was put together from a trend, a season and noise."""

    period: int
    trend: Any
    season: Any
    noise: Any


def syn1() -> Synthetic:
    """A constant season, and a trend with four steps up and down."""
    draws = np.random.RandomState(0)
    wave = -np.sin(np.arange(0.1, 2 * np.pi, 0.025))
    season = np.tile(np.concatenate([wave, np.zeros(len(wave))]), 20)
    trend = np.repeat([0.0, 1.0, 2.0, 3.0, 2.0], [2880, 1080, 1720, 2200, 2040])
    return Synthetic(2 * len(wave), trend, season, 0.03 * draws.randn(len(trend)))


def syn2() -> Synthetic:
    """No trend, and a square season of which one period in five comes ten ticks late."""
    draws = np.random.RandomState(1)
    usual = np.repeat([5.0, -5.0], 100)
    late = np.concatenate([np.full(10, -5.0), usual[:-10]])
    season = [usual if n < TRAIN or draws.rand() > 0.2 else late for n in range(20)]
    return Synthetic(200, np.zeros(4000), np.concatenate(season), 0.03 * draws.randn(4000))


def errors(given: Synthetic, parts: Any) -> tuple[float, float]:
    """Give the mean absolute error of trend and season after the training."""
    truth = np.column_stack([given.trend, given.season])
    off = abs(parts[:, 1:3] - truth)[TRAIN * given.period :].mean(axis=0)
    return float(off[0]), float(off[1])


def changes() -> dict[str, Synthetic]:
    """Five series of 40 days of hours for each kind of change; the noise has size 1."""
    draws = np.random.default_rng(0)
    hour = np.arange(40 * 24)[:, None]
    turn = 2 * np.pi * hour / 24
    noise = draws.standard_normal((len(hour), 5))
    season, none = 5 * np.sin(turn) + 2 * np.cos(2 * turn), 0.0 * hour
    steps = np.repeat([0.0, 0, 12, 12, -12, 0, 12, 0], 120)[:, None]
    wild = noise + 20 * (draws.random(noise.shape) < 0.01)
    comes_late = (hour // 24 >= 8) & (hour // 24 % 3 == 2)
    late = np.where(comes_late, np.roll(season, 1, axis=0), season)
    return {
        "noise alone": Synthetic(24, none, season, noise),
        "a straight trend": Synthetic(24, hour / 12, season, noise),
        "a trend that bends": Synthetic(24, 5 * np.sin(turn / 10), season, noise),
        "steps of the trend": Synthetic(24, steps, season, noise),
        "one wild tick in a hundred": Synthetic(24, none, season, wild),
        "a season that grows": Synthetic(24, none, season * (1 + hour / len(hour)), noise),
        "a season that comes late": Synthetic(24, none, late, noise),
    }


def shop() -> Synthetic:
    """The simulated shop's hours, in percent of the mean trend; promotions count as noise."""
    made = rt.simulate(days=56, seed=7)
    truth = 100 * made.truth.hourly / made.truth.hourly["trend"].mean()
    series = 100 * made.hourly()["revenue"] / made.truth.hourly["trend"].mean()
    season = truth["daily"] + truth["weekly"]
    parts = (truth["trend"], season, series - truth["trend"] - season)
    return Synthetic(168, *(part.to_numpy()[:, None] for part in parts))


def methods(period: int) -> dict[str, Any]:
    """Ways to take series apart, each from an array to trend and season."""

    def rolling(**how: Any) -> Any:
        return lambda given: pair(rt.rolling_decompose(given, period, **how))

    def whole(**how: Any) -> Any:
        def run(given: Any) -> Any:
            parts = [rt.decompose(pd.Series(one), period=period, **how) for one in given.T]
            return [np.column_stack([getattr(one, name) for one in parts])
                    for name in ("trend", "seasonal")]  # fmt: skip

        return run

    ways = {
        "rolling": rolling(),
        "rolling, periodic": rolling(seasonal="periodic"),
        "rolling, a period late": rolling(lag=period),
        "robust": lambda given: pair(rt.robust_decompose(given, period)),
        "robust, stiff": lambda given: pair(rt.robust_decompose(given, period, level=4, slope=50)),
    }
    if importlib.util.find_spec("statsmodels"):
        ways |= {"whole": whole(), "whole, robust": whole(robust=True)}
    return ways


def pair(parts: Any) -> Any:
    return parts[..., 1], parts[..., 2]


def choices() -> list[str]:
    """Give the table of docs/decomposition.md: mean absolute error of trend / season."""
    ways = methods(24)
    rows = [f"| | {' | '.join(ways)} |", "|---" * (len(ways) + 1) + "|"]
    for name, made in (changes() | {"the simulated shop, in percent": shop()}).items():
        after, cells = slice((TRAIN + 1) * made.period, None), []
        digits = 1 if made.period == 168 else 2
        for way in methods(made.period).values():
            trend, season = way(made.trend + made.season + made.noise)
            off = [np.nanmean(abs(trend - made.trend)[after]),
                   np.nanmean(abs(season - made.season)[after])]  # fmt: skip
            cells.append(" / ".join(f"{one:.{digits}f}" for one in off))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def robust(rounds: int, events: int) -> None:  # noqa: ARG001
    """Robust decomposition: bars 30 µs a tick, of 1,000 series 1 µs each, alike at all periods."""
    draws = np.random.default_rng(0)
    print(f"  {'one series, 20,000 ticks':48} {'µs/tick':>8}")
    took: dict[int, list[float]] = {period: [] for period in (24, 168, 1440, 10080)}
    for _ in range(rounds):  # in turn, so that noise is the same for all
        for period, times in took.items():
            times.append(1e6 * seconds(draws, period, 1, 20_000))
    for period, times in took.items():
        ratio = statistics.median(one / usual for one, usual in zip(times, took[24], strict=True))
        print(f"  period {period:<41} {statistics.median(times):8.2f}   {ratio:.2f} × period 24")
    many = statistics.median(1e6 * seconds(draws, 24, 1000, 1000) for _ in range(rounds))
    print(f"  {'1,000 series, 1,000 ticks each, period 24':48} {many:8.2f}   a series and tick")
    print(f"\n  {'mean absolute error of trend and season':48} {'trend':>8} {'season':>8}")
    for name, given in {"Syn1": syn1(), "Syn2": syn2()}.items():
        series, period = given.trend + given.season + given.noise, given.period
        rows = {
            "robust_decompose, defaults": errors(given, rt.robust_decompose(series, period)),
            "rolling_decompose (STL of the last 5 periods)": errors(
                given, rt.rolling_decompose(series, period)
            ),
            "OneShotSTL, published": PUBLISHED[name],
            "bar": BARS[name],
        }
        for how, (trend, season) in rows.items():
            print(f"  {name + ': ' + how:48} {trend:8.5f} {season:8.5f}")
    print("\n" + "\n".join(choices()))


def seconds(draws: Any, period: int, width: int, ticks: int) -> float:
    """Time a tick of each series, past the training; normal noise over a season, few outliers."""
    step = rt.steps.RobustDecompose(period)
    total = TRAIN * period + ticks
    wave = 5 * np.sin(2 * np.pi * np.arange(total) / period)
    series = wave[:, None] + draws.standard_normal((total, width))
    series[draws.random(series.shape) < 0.001] += 20
    state = step.initial()
    step.update(state, series[:-ticks])
    begun = time.process_time()
    step.update(state, series[-ticks:])
    return (time.process_time() - begun) / ticks / width
