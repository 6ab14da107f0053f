"""Trailing windows beside pandas' rolling: averages, moments, extremes and quantiles."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.measure import Contestant, race
from rtlab.steps import registered

WINDOW = 168  # ticks, or as many seconds
STEPS: dict[str, tuple[dict[str, Any], Callable[[Any], Any] | None]] = {
    "moving_average": ({}, lambda rolling: rolling.mean()),
    "moving_variance": ({}, lambda rolling: rolling.var()),
    "moving_std": ({}, lambda rolling: rolling.std()),
    "moving_zscore": ({}, lambda rolling: (rolling.obj - rolling.mean()) / rolling.std()),
    "moving_min": ({}, lambda rolling: rolling.min()),
    "moving_max": ({}, lambda rolling: rolling.max()),
    "moving_median": ({}, lambda rolling: rolling.median()),
    "moving_quantile": ({"q": 0.9}, lambda rolling: rolling.quantile(0.9)),
}


def moving(rounds: int, events: int) -> None:
    """Trailing windows beside pandas' rolling on finished data: bar the same answers."""
    rng = np.random.default_rng(0)
    values = rng.normal(100, 10, events)
    times = pd.DatetimeIndex(rng.integers(5e5, 15e5, events).cumsum().astype("M8[us]"))
    one, wide = pd.Series(values), pd.DataFrame(values[: events // 1000 * 1000].reshape(-1, 1000))
    kinds = {
        f"one series, {WINDOW} ticks, batches of 10,000": (one, 10_000, WINDOW),
        f"1,000 series, {WINDOW} ticks, batches of 32": (wide, 32, WINDOW),
        f"one series, {WINDOW} s, 10,000": (one.set_axis(times), 10_000, f"{WINDOW}s"),
    }
    contestants = []
    for kind, (data, rows, window) in kinds.items():
        for name, (parameters, answer) in STEPS.items():
            whole = partial(_by_pandas, answer, window)
            off = partial(_off, np.asarray(whole(data)))
            step = registered()[name](window, **parameters)
            group = f"{name}: {kind}"
            cut = partial(_by_batches, step, rows)
            contestants.append(Contestant(group, "pandas", whole, data, data.size, off))
            contestants.append(Contestant(group, "rtlab", cut, data, data.size, off))
    took = race(contestants, rounds)
    print(f"{events:,} ticks in all; nanoseconds of CPU for a tick of a series")
    for ours in contestants[1::2]:
        both = [took[ours.group, name] for name in ("pandas", "rtlab")]
        theirs, own = (statistics.median(cpu for cpu, _ in one) / ours.events for one in both)
        ratio = own / theirs
        print(
            f"  {ours.group:66} pandas {theirs * 1e9:6.0f}  rtlab {own * 1e9:6.0f}  {ratio:5.2f} ×"
        )


def _by_pandas(answer: Any, window: Any, data: Any) -> Any:
    return answer(data.rolling(window))


def _by_batches(step: Any, rows: int, data: Any) -> Any:
    """Arrays where ticks are counted; by time, the index must come along."""
    batches = data if step.timed else data.to_numpy()
    state = step.initial()
    pieces = [batches[at : at + rows] for at in range(0, len(batches), rows)]
    return np.concatenate([np.asarray(step.update(state, one)["result"]) for one in pieces])


def _off(expected: Any, given: Any) -> str | None:
    apart = np.nanmax(np.abs(np.asarray(given) - expected))
    same = (np.isnan(expected) == np.isnan(np.asarray(given))).all()
    return None if same and apart < 1e-9 else f"by {apart:.2g}"
