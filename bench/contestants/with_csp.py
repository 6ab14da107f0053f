"""csp: a graph of Python nodes; events tick in the order of arrival, a microsecond apart."""

# ruff: noqa: RET503  (a node that returns nothing does not tick)

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import csp
import numpy as np
from csp import ts

from bench.answers import MEAN_OVER, Answer, best_of
from bench.stream import DELAY, MINUTE

START = datetime(2024, 3, 4)  # noqa: DTZ001  (csp's engine time has no zone)


@csp.node
def valid(event: ts[object]) -> ts[object]:
    if event["user_id"] is not None and event["quantity"] != 0:
        return event


@csp.node
def minutes(event: ts[object], ended: ts[bool]) -> ts[list[object]]:
    """Sum revenue in windows of event time; give the windows that close, oldest first."""
    with csp.state():
        s_windows = defaultdict(lambda: defaultdict(int))
        s_closed = 0
    if csp.ticked(event):
        time = event["purchase_time"]
        window = time // MINUTE
        if window >= s_closed:  # else it is late
            s_windows[window][event["product_id"]] += event["quantity"] * event["price"]
        mark = (time - DELAY) // MINUTE
        if mark > s_closed:
            s_closed = mark
            due = [(one, s_windows.pop(one)) for one in sorted(s_windows) if one < mark]
            if due:
                return due
    if csp.ticked(ended):
        return sorted(s_windows.items())


@csp.node
def ranked(window: ts[object]) -> ts[object]:
    return (window[0] + 1) * MINUTE, best_of(window[1])


@csp.node
def total(window: ts[object]) -> ts[float]:
    return float(sum(window[1].values()))


@csp.graph(memoize=False)
def purchases(events: Any, loads: Any, number: int) -> None:
    ticks = csp.curve(object, events)
    if loads is not None:
        ticks = csp.apply(ticks, loads, object)
    ended = csp.const(True, delay=timedelta(microseconds=number + 1))
    closed = csp.unroll(minutes(valid(ticks), ended))
    totals = total(closed)
    csp.add_graph_output("best", ranked(closed))
    csp.add_graph_output("totals", totals)
    csp.add_graph_output("means", csp.stats.mean(totals, interval=MEAN_OVER, min_window=1))


def run(events: list[Any], loads: Any = None) -> Answer:
    times = np.datetime64(START, "ns") + np.arange(len(events)) * np.timedelta64(1_000, "ns")
    values = np.empty(len(events), object)
    values[:] = events
    given = csp.run(
        purchases, (times, values), loads, len(events), starttime=START,
        endtime=START + timedelta(days=1), output_numpy=False,
    )  # fmt: skip
    best, totals, means = ([value for _, value in given[name]] for name in given)
    return Answer(best, [int(value) for value in totals], means)


def events(events: list[dict[str, Any]]) -> Answer:
    return run(events)


def messages(messages: list[bytes]) -> Answer:
    import orjson

    return run(messages, orjson.loads)
