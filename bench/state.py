"""Memory as the stream grows, each contestant in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import stream
from bench.stream import BATCH

ROOT = Path(__file__).parents[1]
LOOP = 50 * BATCH  # the stream repeats what these hold, later


def state(rounds: int, events: int) -> None:
    """Memory from 10^5 to 10^7 events (10^8 with --events 100000000): bar, it stays."""
    del rounds
    for name in CONSUMERS:
        most = min(events, 10**7) if name.startswith("streamz") else events
        told(name, [10**power for power in range(5, 10) if 10**power <= most])


def dedupe(rounds: int, events: int) -> None:
    """Drop duplicates among 10^7 users, within an hour: speed, and memory after each hour."""
    del rounds
    for name in DEDUPES:
        told(name, [hours * 3_600_000 for hours in (1, 2, 3) if hours == 1 or events >= 10**7])


def told(name: str, marks: list[int]) -> None:
    """Run a consumer in a process of its own, and print what it held at each mark."""
    code = (
        "import sys; from bench import state; state.measured(sys.argv[1], *map(int, sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name, *map(str, marks)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    print(f"  {name}")
    for events, held, rate, words in json.loads(done.stdout):
        print(f"    {events:12,} events: {held:7.1f} MB above the start {rate:6.2f} M/s   {words}")


def measured(name: str, *marks: int) -> None:
    """Print as JSON, for each mark: events, MB above the first batches, rate, what came of it."""
    consume, words = (CONSUMERS | DEDUPES)[name]()
    source = endless() if name in CONSUMERS else many_users()
    for _ in range(2):
        consume(next(source))
    rows, busy, start, report = 0, 0.0, resident(), []
    for mark in marks:
        while rows < mark:
            batch = next(source)
            begun = time.process_time()
            consume(batch)
            busy += time.process_time() - begun
            rows += len(batch)
        report.append([rows, resident() - start, rows / busy / 1e6, words()])
    print(json.dumps(report))


def resident() -> float:
    """Give the megabytes of memory that this process holds."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # what glibc keeps for later does not count
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the most that it ever held
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def endless() -> Iterator[pd.DataFrame]:
    """Give DataFrames for ever, in event time that goes on."""
    pieces = [
        {name: values.to_numpy() for name, values in piece.drop(columns="purchase_time").items()}
        for piece in stream.frames(LOOP)
    ]
    times = [one[2] for one in stream.arrays(LOOP)]
    turn = 0
    while True:
        for piece, moments in zip(pieces, times, strict=True):
            later = (moments + turn * LOOP * 1_000).view("M8[us]")
            yield pd.DataFrame(piece | {"purchase_time": pd.DatetimeIndex(later, tz="UTC")})
        turn += 1


def by_rtlab() -> tuple[Callable[[Any], Any], Callable[[], str]]:
    from streamz import Stream

    from bench.contestants import with_rtlab

    source = Stream()
    report, (good, board) = with_rtlab.graph(source)
    counts = {"tables": 0, "late": 0, "rejected": 0}

    def emit(batch: pd.DataFrame) -> None:
        source.emit(batch)
        counts["tables"] += len(report.tables)
        for kept in (report.tables, report.totals, report.means):
            kept.clear()

    def count(name: str) -> Callable[[pd.DataFrame], None]:
        def add(rows: pd.DataFrame) -> None:
            counts[name] += len(rows)

        return add

    board.late.sink(count("late"))
    good.rejected.sink(count("rejected"))
    return emit, lambda: ", ".join(f"{number:,} {name}" for name, number in counts.items())


def by_streamz() -> tuple[Callable[[Any], Any], Callable[[], str]]:
    from streamz import Stream
    from streamz.dataframe import DataFrame

    from bench.contestants import with_pandas

    source = Stream()
    latest: list[Any] = []
    example = with_pandas.clean(stream.frames(BATCH)[0].iloc[:0])
    purchases = DataFrame(source.map(with_pandas.clean), example=example)
    sums = purchases.groupby(["start", "product_id"]).revenue.sum().stream
    sums.sink(lambda it: latest.__setitem__(slice(None), [it]))
    return source.emit, lambda: f"{len(latest[0]):,} sums held"


def many_users() -> Iterator[pd.DataFrame]:
    """Give purchases of ten million users, a thousand a second."""
    rng = np.random.default_rng(9)
    begin = stream.BEGIN
    while True:
        times = begin + np.arange(BATCH) * 1_000
        begin += BATCH * 1_000
        yield pd.DataFrame({
            "user_id": rng.integers(0, 10**7, BATCH),
            "purchase_time": pd.DatetimeIndex(times.view("M8[us]"), tz="UTC"),
        })  # fmt: skip


def by_dedupe() -> tuple[Callable[[Any], Any], Callable[[], str]]:
    import rtlab as rt

    step = rt.steps.Dedupe(by="user_id", horizon="1h")
    state, counts = step.initial(), {"kept": 0, "dropped": 0}

    def consume(batch: pd.DataFrame) -> None:
        given = step.update(state, batch)
        counts["kept"] += len(given["good"])
        counts["dropped"] += len(given["duplicate"])

    return consume, lambda: ", ".join(f"{number:,} {name}" for name, number in counts.items())


CONSUMERS = {
    "rtlab, the pipeline, all outputs consumed": by_rtlab,
    "streamz.dataframe": by_streamz,
}
DEDUPES = {"rtlab, dedupe(by='user_id', horizon='1h')": by_dedupe}
