"""One pipeline in rtlab and its peers: dicts, lists of dicts, DataFrames, JSON."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

from bench import stream
from bench.answers import expected
from bench.measure import Contestant, modules, percentile, race, table
from bench.stream import BATCH

ABOUT = """\
validate (1% invalid) → revenue → sums of each of 1,000 products in one-minute windows of event
time, closed by a watermark 30 s behind (1% of rows up to 30 s late, a few too late) → ten best of
each window → each window's total and its mean over 60 windows. {events:,} events, about 1,000 to
a second of event time, so 60,000 to a window; batches of 10,000; medians of {rounds} interleaved
rounds. First figure: events per second of the processor, all threads together; second: by the
clock. Slow peers get fewer events, as said there; the rates are per event. Times are whole
microseconds in dicts and JSON (unless ISO is said) and datetime64[us, UTC] in frames. Every
answer of every round was compared with a slow and obvious loop's: sums and ranks exactly, means
to 1e-9. polars, duckdb and pyarrow get batches that are already in their own form."""


class Entry(NamedTuple):
    """A contestant before its data is made."""

    module: str
    function: str
    name: str
    data: Callable[[int], Any]
    share: float = 1.0  # of the events; a slow one gets fewer
    text: bool = False  # whether its products are text


def text(make: Callable[..., Any]) -> Callable[[int], Any]:
    return lambda events: make(events, text=True)


def iso(events: int) -> Any:
    return stream.messages(events, iso=True)


def whole(kind: str) -> Callable[[int], Any]:
    return lambda events: stream.whole(events, kind)


POLARS_TEXT = text(stream.polars_frames)
GROUPS = {
    "(a) dicts, one by one: bar 3 M/s, 25 × streamz": (
        Entry("with_rtlab", "events", "rtlab, source.emit(event)", stream.dicts),
        Entry("with_streamz", "events", "streamz, as its docs show", stream.dicts, 0.2),
        Entry("with_bytewax", "events", "bytewax", stream.dicts, 0.2),
        Entry("with_csp", "events", "csp", stream.dicts, 0.5),
        Entry("plain", "loop", "plain Python", stream.dicts),
    ),
    "(b) lists of 10,000 dicts: bar 4 M/s, 33 × streamz": (
        Entry("with_rtlab", "lists", "rtlab, source.emit(list)", stream.lists),
        Entry("with_streamz", "flattened", "streamz, flatten as in its docs", stream.lists, 0.2),
        Entry("with_streamz", "lists", "streamz, a pandas groupby per batch", stream.lists, 0.5),
        Entry("with_pandas", "lists", "pandas, a groupby per batch", stream.lists, 0.5),
        Entry("with_polars", "lists", "polars, a batch at a time", stream.lists),
        Entry("with_numpy", "lists", "numpy by hand", stream.lists),
        Entry("plain", "lists", "plain Python", stream.lists),
    ),
    "(c) DataFrames of 10,000: bar 25 M/s, 30 M/s as columns, text no worse than half": (
        Entry("with_rtlab", "everything", "rtlab, all outputs handed on", stream.frames),
        Entry("with_rtlab", "frames", "rtlab, late and rejected rows unheard", stream.frames),
        Entry("with_rtlab", "columns", "rtlab, results left as columns", stream.frames),
        Entry("with_rtlab", "everything", "rtlab, text products", text(stream.frames), text=True),
        Entry("with_streamz", "frames", "streamz, a pandas groupby per batch", stream.frames),
        Entry("with_streamz", "dataframe", "streamz.dataframe", stream.frames, 0.5),
        Entry("with_pandas", "frames", "pandas, a groupby per batch", stream.frames),
        Entry("with_duckdb", "frames", "duckdb, a batch at a time", stream.tables),
        Entry("with_polars", "frames", "polars, a batch at a time", stream.polars_frames),
        Entry("with_polars", "frames", "polars, text products", POLARS_TEXT, text=True),
        Entry("with_pyarrow", "tables", "pyarrow, a batch at a time", stream.tables),
        Entry("with_pandas", "at_once", "pandas, all at once", whole("pandas")),
        Entry("with_duckdb", "at_once", "duckdb, all at once", whole("arrow")),
        Entry("with_polars", "at_once", "polars, all at once", whole("polars")),
        Entry("with_numpy", "arrays", "numpy by hand, from bare arrays", stream.arrays),
    ),
    "(d) JSON, a message for each event: bar 3 M/s, 37 × streamz": (
        Entry("with_rtlab", "messages", "rtlab, source.emit(message)", stream.messages),
        Entry("with_rtlab", "packets", "rtlab, source.emit(list of messages)", stream.packets),
        Entry("with_rtlab", "messages", "rtlab, times as ISO text", iso, 0.5),
        Entry("with_streamz", "messages", "streamz and orjson", stream.messages, 0.2),
        Entry("with_streamz", "messages_iso", "streamz and orjson, times as ISO text", iso, 0.2),
        Entry("with_bytewax", "messages", "bytewax and orjson", stream.messages, 0.2),
        Entry("with_csp", "messages", "csp and orjson", stream.messages, 0.5),
        Entry("plain_json", "by_orjson", "plain Python and orjson", stream.messages, 0.5),
        Entry("plain_json", "by_msgspec", "plain Python and msgspec", stream.messages),
        Entry("plain_json", "by_msgspec_iso", "plain Python and msgspec, ISO text", iso, 0.5),
        Entry("with_polars", "packets", "polars, a batch at a time", stream.packets, 0.5),
    ),
}  # fmt: skip


def pipeline(rounds: int, events: int) -> None:
    """One pipeline in rtlab and its peers: dicts, lists of dicts, DataFrames, JSON."""
    print(ABOUT.format(events=events, rounds=rounds))
    found = modules(entry.module for group in GROUPS.values() for entry in group)
    if not importlib.util.find_spec("orjson"):
        print("orjson is not installed: streamz, bytewax and csp get no JSON")
    contestants = {
        group: [made(group, entry, events, found) for entry in entries if usable(entry, found)]
        for group, entries in GROUPS.items()
    }
    took = race([one for group in contestants.values() for one in group], rounds)
    for group, ones in contestants.items():
        print(f"\n{group}")
        table(ones, took, events)
        if group.startswith("(c)"):
            tail(found["with_rtlab"].latencies)


def usable(entry: Entry, found: dict[str, Any]) -> bool:
    needs = "orjson" if "and orjson" in entry.name else "json"
    return entry.module in found and importlib.util.find_spec(needs) is not None


def made(group: str, entry: Entry, events: int, found: dict[str, Any]) -> Contestant:
    """Give a contestant its data, a prefix of what the others get."""
    data, number = entry.data(events), events
    if entry.share < 1:
        number = max(int(events * entry.share) // BATCH, 1) * BATCH
        data = data[: number // BATCH if len(data) <= events // BATCH else number]
    answer = expected(number, text=entry.text)
    run = getattr(found[entry.module], entry.function)
    return Contestant(group, entry.name, run, data, number, lambda given: given.differs(answer))


def tail(latencies: dict[str, list[tuple[float, float]]]) -> None:
    """Print how long single batches took rtlab with all outputs handed on."""
    for kind, took in latencies.items():
        print(f"  rtlab's batches, all outputs handed on, {kind}: {len(took):,}, in ms")
        for name, times in zip(
            ("by the clock (bar p99 1)", "of CPU"), zip(*took, strict=True), strict=True
        ):
            figures = (f"{percentile(times, share) * 1e3:.2f}" for share in (0.5, 0.99, 0.999))
            print("    {:26} median {}, p99 {}, p99.9 {}".format(name, *figures))
