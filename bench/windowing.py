"""Sliding and session windows beside tumbling ones, on cleaned events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import rtlab as rt
from bench import stream
from bench.measure import Contestant, race, table

AGG = {"agg": {"revenue": ("amount", "sum")}, "delay": "30s"}


def windows(rounds: int, events: int) -> None:
    """Sliding and session windows beside tumbling ones: bar 5 × the time."""
    clean = rt.steps.Clean(unit="us")
    state = clean.initial()
    good = [clean.update(state, batch)["good"].frame() for batch in stream.frames(events)]
    revenue = sum(int(batch["amount"].sum()) for batch in good)
    steps = {
        "by 1,000 products": {
            "tumbling, 1 min": rt.steps.Tumbling("1min", by="product_id", **AGG),
            "sliding, 10 min every min": rt.steps.Sliding("10min", "1min", by="product_id", **AGG),
            "session, gap 10 s": rt.steps.Session("10s", by="product_id", **AGG),
        },
        f"by {stream.USERS:,} users": {
            "tumbling, 1 min": rt.steps.Tumbling("1min", by="user_id", **AGG),
            "sliding, 10 min every min": rt.steps.Sliding("10min", "1min", by="user_id", **AGG),
            "session, gap 30 s": rt.steps.Session("30s", by="user_id", **AGG),
        },
    }  # fmt: skip
    contestants = [
        Contestant(group, name, total(step), good, events, partial(off, name, revenue))
        for group, named in steps.items()
        for name, step in named.items()
    ]
    took = race(contestants, rounds)
    print(f"{events:,} events, DataFrames of 10,000, one sum; steps by hand")
    for group in steps:
        print(f"\n{group}")
        table([one for one in contestants if one.group == group], took, events)


def total(step: Any) -> Callable[[list[Any]], int]:
    """Run a step by hand over batches, and add up the revenue of all that it answers."""

    def run(batches: list[Any]) -> int:
        state = step.initial()
        answers = [step.update(state, batch)["windows"] for batch in batches]
        answers.append(step.finish(state)["windows"])
        return sum(int(one["revenue"].sum()) for one in answers if len(one))

    return run


def off(name: str, revenue: int, given: int) -> str | None:
    """Compare with what the events hold, ten times over where windows slide; few rows are late."""
    times = 10 if name.startswith("sliding") else 1
    near = 0.998 * revenue * times <= given <= revenue * times
    return None if near else f"{given:,} of {revenue * times:,}"
