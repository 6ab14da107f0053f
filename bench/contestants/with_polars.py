"""polars: expressions for each batch, or one lazy query over all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from bench.answers import MEAN_OVER, TOP, Answer
from bench.stream import DELAY, FIELDS, MINUTE

TIME = pl.col("purchase_time")
START = TIME.dt.truncate("1m").alias("start")
REVENUE = (pl.col("quantity") * pl.col("price")).alias("revenue")
VALID = pl.col("user_id").is_not_null() & (pl.col("quantity") != 0)
WAIT = pl.duration(microseconds=DELAY)
KEYS = ["start", "product_id"]


def answer(sums: pl.DataFrame) -> Answer:
    """Rank and average windows given as start, product_id, revenue."""
    ranked = sums.sort("start", "revenue", "product_id", descending=[False, True, False])
    best = ranked.group_by("start", maintain_order=True).head(TOP)
    totals = sums.group_by("start").agg(pl.col("revenue").sum()).sort("start")["revenue"]
    means = totals.rolling_mean(MEAN_OVER, min_samples=1)
    tops: dict[int, list[Any]] = {}
    for start, product, revenue in best.with_columns(pl.col("start").dt.epoch("us")).iter_rows():
        tops.setdefault(start + MINUTE, []).append((product, revenue))
    return Answer(list(tops.items()), totals.to_list(), means.to_list())


def frames(batches: Iterable[pl.DataFrame]) -> Answer:
    waiting: list[pl.DataFrame] = []
    closed: list[pl.DataFrame] = []
    mark = None
    for batch in batches:
        rows = batch.filter(VALID).select(START, "product_id", REVENUE, TIME)
        if mark is not None:
            rows = rows.filter(pl.col("start") >= mark)  # else late
        waiting.append(rows.group_by(KEYS).agg(pl.col("revenue").sum()))
        newest = rows.select((TIME.max() - WAIT).dt.truncate("1m")).item()
        if mark is None or newest > mark:
            mark = newest
            sums = pl.concat(waiting).group_by(KEYS).agg(pl.col("revenue").sum())
            due = pl.col("start") < mark
            closed.append(sums.filter(due))
            waiting = [sums.filter(~due)]
    closed.append(pl.concat(waiting).group_by(KEYS).agg(pl.col("revenue").sum()))
    return answer(pl.concat(closed))


def lists(batches: Iterable[list[dict[str, Any]]]) -> Answer:
    schema = dict.fromkeys(FIELDS, pl.Int64) | {"purchase_time": pl.Datetime("us", "UTC")}
    return frames(pl.DataFrame(batch, schema=schema) for batch in batches)


def packets(batches: Iterable[list[bytes]]) -> Answer:
    schema = dict.fromkeys(FIELDS, pl.Int64)
    time = TIME.cast(pl.Datetime("us", "UTC"))
    return frames(
        pl.read_ndjson(b"\n".join(batch), schema=schema).with_columns(time) for batch in batches
    )


def at_once(events: pl.DataFrame) -> Answer:
    on_time = pl.col("start").dt.offset_by("1m") > TIME.cum_max() - WAIT
    rows = events.lazy().filter(VALID).select(START, "product_id", REVENUE, TIME).filter(on_time)
    return answer(rows.group_by(KEYS).agg(pl.col("revenue").sum()).collect())
