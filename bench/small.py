"""What a user waits for before anything runs, and how fast the simulated shop is."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import rtlab as rt


def imports(rounds: int, events: int) -> None:
    """Import rtlab, beside importing pandas and streamz."""
    del events
    code = {"rtlab": "import rtlab", "pandas, streamz": "import pandas, streamz"}
    took: dict[str, list[float]] = {name: [] for name in code}
    for turn in range(rounds + 1):
        for name, line in code.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True, env=os.environ)
            if turn:  # the first writes bytecode
                took[name].append(time.perf_counter() - begun)
    ratio = statistics.median(
        a / b for a, b in zip(took["rtlab"], took["pandas, streamz"], strict=True)
    )
    for name, times in took.items():
        print(f"{name:18} {statistics.median(times):.2f} s")
    print(f"ratio {ratio:.2f}")


def simulation(rounds: int, events: int) -> None:
    """Simulate ten million events."""
    del rounds, events
    begun = time.perf_counter()
    rows = sum(
        len(batch) for batch in rt.simulate(days=100, events_per_day=100_000).batches(100_000)
    )
    print(f"{rows:,} events in {time.perf_counter() - begun:.1f} s")
