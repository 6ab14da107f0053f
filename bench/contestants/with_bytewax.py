"""bytewax: a windowing operator under one key, since its watermark is each key's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing as win
from bytewax.testing import TestingSink, TestingSource, run_main

from bench.answers import Answer, Board
from bench.stream import BEGIN, DELAY, MINUTE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALIGNED = EPOCH + timedelta(microseconds=BEGIN)
Event = dict[str, Any]


def valid(event: Event) -> bool:
    return event["user_id"] is not None and event["quantity"] != 0


def time_of(event: Event) -> datetime:
    return EPOCH + timedelta(microseconds=event["purchase_time"])


def add(sums: Any, event: Event) -> Any:
    sums[event["product_id"]] += event["quantity"] * event["price"]
    return sums


def merged(sums: Any, others: Any) -> Any:
    for product, value in others.items():
        sums[product] += value
    return sums


def run(source: list[Any], *prepare: Callable[[Any], Any]) -> Answer:
    closed: list[Any] = []
    flow = Dataflow("purchases")
    node = op.input("purchases_in", flow, TestingSource(source, batch_size=1_000))
    for number, function in enumerate(prepare):
        node = op.map(f"prepare_{number}", node, function)
    keyed = op.key_on("one_key", op.filter("valid", node, valid), lambda _: "all")
    clock = win.EventClock(  # a replay: only events move its watermark, not the clock on the wall
        time_of, wait_for_system_duration=timedelta(microseconds=DELAY),
        now_getter=lambda: ALIGNED, to_system_utc=lambda _: None,
    )  # fmt: skip
    windows = win.fold_window(
        "minutes", keyed, clock,
        win.TumblingWindower(align_to=ALIGNED, length=timedelta(microseconds=MINUTE)),
        lambda: defaultdict(int), add, merged, ordered=False,
    )  # fmt: skip
    op.output("closed", windows.down, TestingSink(closed))
    run_main(flow)
    board = Board()
    windows_in_order = sorted(((number, sums) for _, (number, sums) in closed), key=itemgetter(0))
    for number, sums in windows_in_order:  # at the end those still open come in any order
        board.close(BEGIN // MINUTE + number, sums)
    return board.answer


def events(events: list[Event]) -> Answer:
    return run(events)


def messages(messages: list[bytes]) -> Answer:
    import orjson

    return run(messages, orjson.loads)
