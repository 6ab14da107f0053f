"""Measure speed beside the peers that a user would pick, and memory: ``python -m bench.run``.

Every round runs each contestant once, in turn, so that a noisy machine is noisy for all; medians
and ratios are printed, and an answer that differs from the others ends the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench import (
    decomposing,
    lagged,
    moving,
    pipeline,
    robust,
    shop,
    single,
    small,
    state,
    windowing,
)

Part = Callable[[int, int], None]
PARTS: dict[str, tuple[Part, int, int]] = {  # with the usual number of rounds and of events
    "pipeline": (pipeline.pipeline, 5, 1_000_000),
    "single": (single.single, 5, 0),
    "windows": (windowing.windows, 5, 1_000_000),
    "state": (state.state, 1, 10**7),
    "dedupe": (state.dedupe, 1, 10**7),
    "moving": (moving.moving, 5, 1_000_000),
    "lagged": (lagged.lagged, 3, 32_000),
    "decomposing": (decomposing.decomposing, 5, 20_000),
    "robust": (robust.robust, 5, 0),
    "pass": (shop.one_pass, 5, 0),
    "memory": (shop.memory, 1, 0),
    "import": (small.imports, 5, 0),
    "simulate": (small.simulation, 1, 0),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs")
    parser.add_argument(
        "--events", type=int,
        help="of pipeline, windows (a million by default), and at most of state (10^7; try 10^8)",
    )  # fmt: skip
    asked = parser.parse_args()
    for name, (part, rounds, events) in PARTS.items():
        if asked.only in (None, name):
            print(f"\n## {name}: {part.__doc__}", flush=True)
            part(asked.rounds or rounds, asked.events or events)


if __name__ == "__main__":
    main()
