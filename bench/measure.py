"""Interleaved rounds: each runs every contestant once, so that noise is the same for all."""

from __future__ import annotations

import gc
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Contestant:
    """A function, what it is given, how many events that holds, and the answer that is right."""

    group: str
    name: str
    run: Callable[[Any], Any]
    data: Any
    events: int
    wrong: Callable[[Any], str | None] = lambda _: None


Times = dict[tuple[str, str], list[tuple[float, float]]]


def race(contestants: Sequence[Contestant], rounds: int) -> Times:
    """Give what each round took each contestant: seconds of the processor, and by the clock.

    The garbage collector leaves alone what the data holds, for all alike.
    """
    took: Times = {(one.group, one.name): [] for one in contestants}
    gc.collect()
    gc.freeze()
    for turn in range(-1, rounds):  # the first is to warm up, and is not counted
        for one in contestants:
            gc.collect()
            busy, begun = time.process_time(), time.perf_counter()
            given = one.run(one.data)
            times = time.process_time() - busy, time.perf_counter() - begun
            if wrong := one.wrong(given):
                sys.exit(f"{one.group}, {one.name}: the answer differs: {wrong}")
            if turn >= 0:
                took[one.group, one.name].append(times)
    gc.unfreeze()
    return took


def table(contestants: Sequence[Contestant], took: Times, usual: int) -> None:
    """Print a group: how fast each is, and how much longer than the first it takes per event."""
    first = contestants[0]
    print(f"  {'':48} {'of CPU':>8} {'of clock':>8}")
    for one in contestants:
        times = took[one.group, one.name]
        busy = statistics.median(cpu for cpu, _ in times) / one.events
        clock = statistics.median(wall for _, wall in times) / one.events
        ratio = statistics.median(
            cpu / one.events / (its / first.events)
            for (cpu, _), (its, _) in zip(times, took[first.group, first.name], strict=True)
        )
        fewer = "" if one.events == usual else f"   ({one.events:,} events)"
        print(
            f"  {one.name:48} {1e-6 / busy:8.3f} {1e-6 / clock:8.3f} M/s  "
            f"{ratio:7.2f} × the first's time{fewer}"
        )


def modules(names: Iterable[str]) -> dict[str, ModuleType]:
    """Import contestants' modules; say which peers are not installed and left out."""
    found = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = importlib.import_module(f"bench.contestants.{name}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("bench"):
                raise
            print(f"{missing.name} is not installed: {name.removeprefix('with_')} is left out")
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that a share of all lie at or below."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
