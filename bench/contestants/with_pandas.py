"""pandas: a groupby for each batch, or one over all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from bench.answers import MEAN_OVER, TOP, Answer
from bench.stream import DELAY, SECOND

WAIT = pd.Timedelta(seconds=DELAY // SECOND)
MINUTE = pd.Timedelta("1min")
EARLIEST = pd.Timestamp(0, tz="UTC")


def clean(batch: pd.DataFrame) -> pd.DataFrame:
    good = batch[batch["user_id"].notna() & (batch["quantity"] != 0)]
    return good.assign(
        revenue=good["quantity"] * good["price"], start=good["purchase_time"].dt.floor("min")
    )


def initial() -> dict[str, Any]:
    return {"sums": None, "closed": EARLIEST}


def add(state: dict[str, Any], batch: pd.DataFrame) -> tuple[dict[str, Any], list[Any]]:
    """Fold a batch into the sums of windows that are still open, and give those that close."""
    on_time = batch[batch["start"] >= state["closed"]]
    sums = on_time.groupby(["start", "product_id"])["revenue"].sum()
    if state["sums"] is not None:
        sums = state["sums"].add(sums, fill_value=0)
    mark = (batch["purchase_time"].max() - WAIT).floor("min")
    if mark <= state["closed"]:
        state["sums"] = sums
        return state, []
    due = sums.index.get_level_values("start") < mark
    state["sums"], state["closed"] = sums[~due], mark
    return state, list(split(sums[due]))


def split(sums: pd.Series[Any]) -> Iterator[tuple[pd.Timestamp, pd.Series[Any]]]:
    for start, window in sums.groupby(level="start"):
        yield start, window.droplevel("start").astype("int64")


def best(closed: tuple[pd.Timestamp, pd.Series[Any]]) -> tuple[int, list[tuple[Any, int]]]:
    """Rank a window; its products are in order, so that of equals the smaller is first."""
    start, sums = closed
    end = int((start + MINUTE).as_unit("us").value) // 1000
    top = sums.nlargest(TOP)
    return end, list(zip(top.index.tolist(), top.tolist(), strict=True))


def total(closed: tuple[pd.Timestamp, pd.Series[Any]]) -> int:
    return int(closed[1].sum())


def answer(closed: list[Any]) -> Answer:
    totals = pd.Series([total(one) for one in closed])
    means = totals.rolling(MEAN_OVER, min_periods=1).mean()
    return Answer([best(one) for one in closed], totals.tolist(), means.tolist())


def frames(batches: Iterable[pd.DataFrame]) -> Answer:
    state, closed = initial(), []
    for batch in batches:
        state, given = add(state, clean(batch))
        closed += given
    return answer([*closed, *split(state["sums"])])


def from_dicts(batch: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(batch)
    return frame.assign(purchase_time=pd.to_datetime(frame["purchase_time"], unit="us", utc=True))


def lists(batches: Iterable[list[dict[str, Any]]]) -> Answer:
    return frames(map(from_dicts, batches))


def at_once(events: pd.DataFrame) -> Answer:
    rows = clean(events)
    rows = rows[rows["start"] + MINUTE > rows["purchase_time"].cummax() - WAIT]  # else late
    return answer(list(split(rows.groupby(["start", "product_id"])["revenue"].sum())))
