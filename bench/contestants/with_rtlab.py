"""rtlab: one graph for every form of input, and a chain of steps by hand."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from streamz import Stream

import rtlab as rt
from bench.answers import MEAN_OVER, TOP, Answer
from bench.stream import BATCH

BOARD = {
    "by": "product_id", "value": "amount", "k": TOP, "every": "1min", "delay": "30s",
    "running": False,
}  # fmt: skip
MEAN = {"window": MEAN_OVER, "min_periods": 1}
latencies: dict[str, list[tuple[float, float]]] = {}  # of each emit: seconds by clock, of CPU


class Report:
    """What a consumer keeps of a graph's outputs, and how an answer is read from it."""

    def __init__(self) -> None:
        self.tables: list[pd.DataFrame] = []
        self.totals: list[pd.Series[int]] = []
        self.means: list[pd.Series[float]] = []

    def answer(self) -> Answer:
        ranks = pd.concat(self.tables)
        ends = pd.DatetimeIndex(ranks.index).as_unit("us").asi8.tolist()
        best: dict[int, list[Any]] = {}
        for end, *pair in zip(ends, ranks["product_id"], ranks["amount"], strict=True):
            best.setdefault(end, []).append(tuple(pair))
        totals, means = pd.concat(self.totals), pd.concat(self.means)
        return Answer(list(best.items()), totals.tolist(), means.tolist())


def graph(source: Stream) -> tuple[Report, Any]:
    """Attach the pipeline; the cleaned events and the board have the other outputs."""
    report = Report()
    good = source.clean(unit="us")
    board = good.leaderboard(**BOARD)
    board.sink(report.tables.append)
    totals = board.totals.pluck("amount")
    totals.sink(report.totals.append)
    totals.moving_average(**MEAN).sink(report.means.append)
    return report, (good, board)


def emitted(things: Iterable[Any]) -> Answer:
    """Emit things into a gathering source, one by one, whatever they are."""
    source = rt.source(rows=BATCH, wait=None)
    report, nodes = graph(source)
    emit = source.emit
    for thing in things:
        emit(thing)
    source.finish()
    del nodes
    return report.answer()


def events(events: list[dict[str, Any]]) -> Answer:
    return emitted(events)


def lists(batches: Iterable[list[dict[str, Any]]]) -> Answer:
    return emitted(batches)


def messages(messages: list[bytes]) -> Answer:
    return emitted(messages)


def packets(batches: Iterable[list[bytes]]) -> Answer:
    return emitted(batches)


def frames(batches: Iterable[pd.DataFrame]) -> Answer:
    """Emit DataFrames into a plain streamz stream; tables and series reach their sinks."""
    source = Stream()
    report, nodes = graph(source)
    for batch in batches:
        source.emit(batch)
    rt.finish(source)
    del nodes
    return report.answer()


def everything(batches: list[pd.DataFrame]) -> Answer:
    """Consume every output as a DataFrame: tables, totals, means, late and rejected rows."""
    source = Stream()
    report, (good, board) = graph(source)
    aside: list[pd.DataFrame] = []
    good.rejected.sink(aside.append)
    board.late.sink(aside.append)
    took: list[tuple[float, float]] = []
    for batch in batches:
        begun, busy = time.perf_counter(), time.thread_time()
        source.emit(batch)
        took.append((time.perf_counter() - begun, time.thread_time() - busy))
    rt.finish(source)
    assert aside
    kind = f"products of type {batches[0]['product_id'].dtype}"
    latencies.setdefault(kind, []).extend(took)
    return report.answer()


def columns(batches: Iterable[pd.DataFrame]) -> Answer:
    """Drive the steps by hand and leave what they give as columns: no DataFrame is built."""
    clean, board, mean = rt.steps.Clean(unit="us"), ranking(), rt.steps.MovingAverage(**MEAN)
    states = [step.initial() for step in (clean, board, mean)]
    given: list[tuple[Any, Any, Any]] = []

    def keep(outputs: dict[str, Any]) -> None:
        totals = outputs["totals"]["amount"]
        if len(totals):
            means = mean.update(states[2], pd.Series(totals))["result"]
            given.append((outputs["ranks"], totals, means))

    for batch in batches:
        keep(board.update(states[1], clean.update(states[0], batch)["good"]))
    keep(board.finish(states[1]))
    answer = Answer()
    for ranks, totals, means in given:
        ends = ranks.microseconds("end")
        for end in np.unique(ends):
            here = ends == end
            pairs = zip(ranks["product_id"][here], ranks["amount"][here], strict=True)
            answer.best.append((int(end), list(pairs)))
        answer.totals += totals.tolist()
        answer.means += means.tolist()
    return answer


def ranking() -> Any:
    return rt.steps.Leaderboard(**BOARD)
