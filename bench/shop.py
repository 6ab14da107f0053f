"""A year of a grocery shop: one pass beside the peers, and memory as it grows."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from streamz import Stream

import rtlab as rt
from rtlab.sources.journey import journey

ROWS = 50_000  # as the demo
TOP = 10


def one_pass(rounds: int, events: int) -> None:
    """Clean, hourly revenue and the ten best products, a year of a grocery shop."""
    del events
    year = journey()
    contestants: dict[str, Callable[[pd.DataFrame], Any]] = {
        "rtlab, a chain of steps": by_steps,
        "rtlab, a streamz graph": by_stream,
        "streamz with groupby": by_streamz,
        "pandas, one shot": by_pandas,
    }
    for module, contestant in (("polars", by_polars), ("duckdb", by_duckdb)):
        try:
            __import__(module)
        except ModuleNotFoundError:
            print(f"{module} is not installed and left out")
        else:
            contestants[f"{module}, one shot"] = contestant
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        answers = {}
        for name, contestant in contestants.items():
            begun = time.perf_counter()
            answers[name] = contestant(year)
            took[name].append(time.perf_counter() - begun)
        if len({repr(answer) for answer in answers.values()}) > 1:
            sys.exit(f"the answers differ: {answers}")
    least = statistics.median(took["rtlab, a streamz graph"])
    for name, times in took.items():
        middle = statistics.median(times)
        speed = len(year) / middle / 1e6
        print(f"{name:26} {speed:7.2f} M rows/s   {middle / least:6.2f} × the graph's time")


def answer(hours: Any, ranks: Any) -> tuple[int, int, list[int], list[int]]:
    """Give what all must agree on: hours, revenue, the best products and their sums."""
    return (len(hours), int(hours.sum()), [int(i) for i in ranks.index], [int(i) for i in ranks])


HOURS = {"size": "1h", "agg": {"revenue": ("amount", "sum")}, "delay": "1h"}
BEST = {"by": "product_id", "value": "amount", "k": TOP}


def by_steps(events: pd.DataFrame) -> Any:
    clean, hours, best = rt.steps.Clean(), rt.steps.Tumbling(**HOURS), rt.steps.Leaderboard(**BEST)
    states = [step.initial() for step in (clean, hours, best)]
    closed = []
    for first in range(0, len(events), ROWS):
        good = clean.update(states[0], events.iloc[first : first + ROWS])["good"]
        closed.append(hours.update(states[1], good)["windows"])
        best.update(states[2], good)
    closed.append(hours.finish(states[1])["windows"])
    ranks = best.finish(states[2])["ranks"].frame().set_index("product_id")["amount"]
    return answer(pd.concat([piece.frame() for piece in closed])["revenue"], ranks)


def by_stream(events: pd.DataFrame) -> Any:
    good = rt.replay(events, rows=ROWS).clean()
    hours, ranks = rt.drain(good.tumbling(**HOURS), good.leaderboard(**BEST))
    return answer(hours["revenue"], ranks.set_index("product_id")["amount"])


def best_of(totals: pd.Series) -> pd.Series:
    return totals.sort_index().sort_values(ascending=False, kind="stable").head(TOP)


def by_streamz(events: pd.DataFrame) -> Any:
    """What a user of streamz alone writes: a groupby a batch, added to what was."""
    source = Stream()
    good = source.map(lambda batch: batch[batch["quantity"] > 0])
    hours: list[pd.Series] = []
    ranks: list[pd.Series] = []

    def add(
        total: pd.Series, batch: pd.DataFrame, key: Callable[[pd.DataFrame], Any]
    ) -> pd.Series:
        return total.add(batch.groupby(key(batch))["amount"].sum(), fill_value=0)

    empty = pd.Series(dtype="float64")
    good.accumulate(add, start=empty, key=lambda b: b["purchase_time"].dt.floor("h")).sink(
        hours.append
    )
    good.accumulate(add, start=empty, key=lambda b: b["product_id"]).sink(ranks.append)
    for first in range(0, len(events), ROWS):
        source.emit(events.iloc[first : first + ROWS])
    return answer(hours[-1], best_of(ranks[-1]))


def by_pandas(events: pd.DataFrame) -> Any:
    good = events[events["quantity"] > 0]
    hours = good.groupby(good["purchase_time"].dt.floor("h"))["amount"].sum()
    return answer(hours, best_of(good.groupby("product_id")["amount"].sum()))


def by_polars(events: pd.DataFrame) -> Any:
    import polars as pl

    good = pl.from_pandas(events[["purchase_time", "product_id", "quantity", "amount"]]).filter(
        pl.col("quantity") > 0
    )
    hours = good.group_by(pl.col("purchase_time").dt.truncate("1h")).agg(pl.col("amount").sum())
    best = good.group_by("product_id").agg(pl.col("amount").sum())
    best = best.sort(["amount", "product_id"], descending=[True, False]).head(TOP)
    return answer(hours["amount"].to_pandas(), best.to_pandas().set_index("product_id")["amount"])


def by_duckdb(events: pd.DataFrame) -> Any:
    import duckdb

    with duckdb.connect() as database:
        database.register("events", events[["purchase_time", "product_id", "quantity", "amount"]])
        hours = database.sql(
            "select sum(amount)::bigint s from events where quantity > 0 "
            "group by date_trunc('hour', purchase_time)"
        ).df()
        best = database.sql(
            "select product_id, sum(amount)::bigint s from events where quantity > 0 "
            f"group by 1 order by s desc, product_id limit {TOP}"
        ).df()
    return answer(hours["s"], best.set_index("product_id")["s"])


MEMORY = """
import resource, sys
import pandas as pd
import rtlab as rt
from rtlab.sources.journey import journey
events = journey().head(500_000)
days = pd.Timedelta(days=150)
good = rt.steps.Clean(), rt.steps.Tumbling("1h", {"r": ("amount", "sum")}, delay="1h"), \\
    rt.steps.Leaderboard("product_id", "amount")
states = [step.initial() for step in good]
for turn in range(int(sys.argv[1])):
    for first in range(0, len(events), 10_000):
        batch = events.iloc[first : first + 10_000].copy()
        batch["purchase_time"] = batch["purchase_time"] - 20 * days + turn * days
        clean = good[0].update(states[0], batch)["good"]
        good[1].update(states[1], clean)
        good[2].update(states[2], clean)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def memory(rounds: int, events: int) -> None:
    """Peak memory as the stream grows: clean, windows, leaderboard."""
    del rounds, events
    for turns in (1, 4, 16):
        peak = subprocess.run(
            [sys.executable, "-c", MEMORY, str(turns)], capture_output=True, text=True, check=True
        ).stdout.strip()
        print(f"{turns * 0.5:5.1f} M rows: {peak} MB")
