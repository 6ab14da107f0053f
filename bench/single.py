"""How long one event takes through a pipeline that is idle."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from streamz import Stream

import rtlab as rt
from bench import stream
from bench.contestants import with_rtlab, with_streamz
from bench.measure import percentile


def single(rounds: int, events: int) -> None:
    """One event through an idle pipeline, no window closing: bar 50 µs on the columnar path."""
    del events
    warm = stream.frames(100_000)
    last = warm[-1][warm[-1]["user_id"].notna() & (warm[-1]["quantity"] != 0)]
    row = last.loc[[last["purchase_time"].idxmax()]].reset_index(drop=True)
    ones = [row.copy() for _ in range(500)]
    dicts = stream.dicts(100_000)
    newest = max(dicts, key=lambda event: event["purchase_time"])
    contestants: dict[str, tuple[Callable[[], Any], list[Any], list[Any]]] = {
        "rtlab, a streamz graph": (by_graph, warm, ones),
        "rtlab, steps by hand": (by_steps, warm, ones),
        "streamz, a pandas groupby per batch": (by_groupby, warm, ones),
        "streamz, as its docs show (a dict)": (by_events, dicts, [dict(newest) for _ in ones]),
    }
    ready = {}
    for name, (build, before, _) in contestants.items():
        ready[name] = build()
        for batch in before:
            ready[name](batch)
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, emit in ready.items():
            for one in contestants[name][2]:
                begun = time.perf_counter()
                emit(one)
                took[name].append(time.perf_counter() - begun)
    print("one-row frames with parsed times; after 100,000 events; clean, windows, ranks waiting")
    for name, times in took.items():
        middle, high = (percentile(times, share) * 1e6 for share in (0.5, 0.99))
        print(f"  {name:40} median {middle:7.1f} µs   p99 {high:7.1f} µs")


KEPT: list[Any] = []  # a graph that nobody holds is taken apart


def by_graph() -> Callable[[Any], Any]:
    source = Stream()
    KEPT.append(with_rtlab.graph(source))
    return source.emit


def by_steps() -> Callable[[Any], Any]:
    clean, board = rt.steps.Clean(unit="us"), with_rtlab.ranking()
    states = clean.initial(), board.initial()

    def emit(batch: pd.DataFrame) -> None:
        board.update(states[1], clean.update(states[0], batch)["good"])

    return emit


def by_groupby() -> Callable[[Any], Any]:
    source = Stream()
    KEPT.append(with_streamz.grouped(source))
    return source.emit


def by_events() -> Callable[[Any], Any]:
    source = Stream()
    KEPT.append(with_streamz.by_events(source, source))
    return source.emit
