"""Streamz alone: event by event as its docs show; a groupby per batch; its own DataFrames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from streamz import Stream
from streamz.dataframe import DataFrame

from bench.answers import MEAN_OVER, Answer, best_of
from bench.contestants import with_pandas
from bench.stream import DELAY, MINUTE

Event = dict[str, Any]


def valid(event: Event) -> bool:
    return event["user_id"] is not None and event["quantity"] != 0


def priced(event: Event) -> Event:
    return {**event, "revenue": event["quantity"] * event["price"]}


def add(state: dict[str, Any], event: Event) -> Any:
    """Add an event to its window, and give the windows that it closes."""
    time, windows = event["purchase_time"], state["windows"]
    window = time // MINUTE
    if window >= state["closed"]:  # else it is late
        windows[window][event["product_id"]] += event["revenue"]
    mark = (time - DELAY) // MINUTE
    if mark <= state["closed"]:
        return state, []
    state["closed"] = mark
    return state, [(due, windows.pop(due)) for due in sorted(windows) if due < mark]


def by_events(source: Stream, events: Stream) -> Callable[[Iterable[Any]], Answer]:
    """Build the graph behind a stream of dicts; streamz has no end, so the rest has an entry."""
    answer, rest = Answer(), Stream()
    state = {"windows": defaultdict(lambda: defaultdict(int)), "closed": 0}
    windowed = events.filter(valid).map(priced).accumulate(add, returns_state=True, start=state)
    closed = windowed.filter(bool).flatten().union(rest)
    closed.map(lambda it: ((it[0] + 1) * MINUTE, best_of(it[1]))).sink(answer.best.append)
    averaged(closed.map(lambda it: sum(it[1].values())), answer)

    def run(things: Iterable[Any]) -> Answer:
        for thing in things:
            source.emit(thing)
        for due in sorted(state["windows"]):
            rest.emit((due, state["windows"][due]))
        return answer

    return run


def averaged(totals: Stream, answer: Answer) -> None:
    totals.sink(answer.totals.append)
    trailing = totals.sliding_window(MEAN_OVER, return_partial=True)
    trailing.map(lambda values: sum(values) / len(values)).sink(answer.means.append)


def events(events: Iterable[Event]) -> Answer:
    source = Stream()
    return by_events(source, source)(events)


def flattened(batches: Iterable[list[Event]]) -> Answer:
    source = Stream()
    return by_events(source, source.flatten())(batches)


def messages(messages: Iterable[bytes]) -> Answer:
    import orjson

    source = Stream()
    return by_events(source, source.map(orjson.loads))(messages)


def messages_iso(messages: Iterable[bytes]) -> Answer:
    from datetime import datetime

    import orjson

    def timed(event: Event) -> Event:
        time = datetime.fromisoformat(event["purchase_time"]).timestamp()
        return {**event, "purchase_time": round(time * 1e6)}

    source = Stream()
    return by_events(source, source.map(orjson.loads).map(timed))(messages)


def grouped(source: Stream, *prepare: Callable[[Any], Any]) -> Callable[[Iterable[Any]], Answer]:
    """Build the graph behind a stream of batches: sum each by pandas, and add that to what was."""
    answer, rest, state = Answer(), Stream(), with_pandas.initial()
    node = source
    for function in (*prepare, with_pandas.clean):
        node = node.map(function)
    windowed = node.accumulate(with_pandas.add, returns_state=True, start=state)
    closed = windowed.filter(bool).flatten().union(rest)
    closed.map(with_pandas.best).sink(answer.best.append)
    averaged(closed.map(with_pandas.total), answer)

    def run(batches: Iterable[Any]) -> Answer:
        for batch in batches:
            source.emit(batch)
        for one in with_pandas.split(state["sums"]):
            rest.emit(one)
        return answer

    return run


def frames(batches: Iterable[Any]) -> Answer:
    return grouped(Stream())(batches)


def lists(batches: Iterable[list[Event]]) -> Answer:
    return grouped(Stream(), with_pandas.from_dicts)(batches)


def dataframe(batches: list[Any]) -> Answer:
    """Sum in a streaming DataFrame, which keeps every group: a window is read when it closes."""
    source, latest, closed = Stream(), [], []
    state = {"mark": with_pandas.EARLIEST, "read": with_pandas.EARLIEST}

    def on_time(state: dict[str, Any], batch: Any) -> Any:
        good = batch[batch["start"] >= state["mark"]]
        mark = (batch["purchase_time"].max() - with_pandas.WAIT).floor("min")
        state["mark"] = max(state["mark"], mark)
        return state, good

    def close(sums: Any) -> None:
        latest[:] = [sums]
        if state["mark"] > state["read"]:
            start = sums.index.get_level_values("start")
            closed.extend(
                with_pandas.split(sums[(start >= state["read"]) & (start < state["mark"])])
            )
            state["read"] = state["mark"]

    cleaned = source.map(with_pandas.clean)
    kept = cleaned.accumulate(on_time, returns_state=True, start=state)
    purchases = DataFrame(kept, example=with_pandas.clean(batches[0].iloc[:0]))
    purchases.groupby(["start", "product_id"]).revenue.sum().stream.sink(close)
    for batch in batches:
        source.emit(batch)
    start = latest[0].index.get_level_values("start")
    return with_pandas.answer([*closed, *with_pandas.split(latest[0][start >= state["read"]])])
