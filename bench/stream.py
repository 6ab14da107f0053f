"""The purchases that all contestants get, in the form that each of them takes.

About 1,000 events per second of event time. One event in a hundred is invalid (no user, or a
quantity of 0), one in a hundred comes up to 30 s late, so that its window is still open under any
watermark 30 s behind, and one in ten thousand comes five minutes late, after its window has closed
under every reading of that watermark: event by event, or batch by batch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

SECOND = 1_000_000  # event times are microseconds since 1970 UTC
MINUTE = 60 * SECOND
DELAY = 30 * SECOND
BATCH = 10_000
PRODUCTS = 1_000
USERS = 100_000
BEGIN = 1_709_542_800 * SECOND  # 2024-03-04 09:00
FIELDS = ("user_id", "product_id", "purchase_time", "quantity", "price")


@dataclass(frozen=True)
class Purchases:
    """Events as numpy columns in the order of arrival; a missing user is NaN."""

    user_id: Any
    product_id: Any
    purchase_time: Any
    quantity: Any
    price: Any

    def __len__(self) -> int:
        return len(self.price)

    def named(self) -> list[str]:
        """Give each event's product as text, in the same order as the numbers."""
        return [f"item-{number}" for number in self.product_id.tolist()]

    @property
    def valid(self) -> Any:
        return (self.user_id == self.user_id) & (self.quantity != 0)


@cache
def purchases(events: int, users: int = USERS) -> Purchases:
    """Draw the same purchases each time; fewer are the beginning of more."""
    pieces = [_drawn(first, users) for first in range(0, events, 100_000)]
    columns = {name: np.concatenate([piece[name] for piece in pieces])[:events] for name in FIELDS}
    return Purchases(**columns)


def _drawn(first: int, users: int, rows: int = 100_000) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    products = np.sort(rng.choice(np.arange(1_000_000, 10_000_000), PRODUCTS, replace=False))
    prices = rng.integers(49, 2_000, PRODUCTS)  # cents
    popularity = rng.permutation(1 / np.arange(1, PRODUCTS + 1))
    rng = np.random.default_rng([8, first])
    product = rng.choice(PRODUCTS, rows, p=popularity / popularity.sum())
    arrival = np.arange(first, first + rows)
    late = np.where(rng.random(rows) < 0.01, rng.integers(0, 29_900_000, rows), 0)
    late[(rng.random(rows) < 0.0001) & (arrival > 5 * BATCH)] = 5 * MINUTE
    invalid = rng.random(rows)
    user = rng.integers(1, users + 1, rows).astype(float)
    user[invalid < 0.005] = np.nan
    quantity = rng.geometric(0.6, rows).clip(max=9)
    quantity[(invalid >= 0.005) & (invalid < 0.01)] = 0
    return {
        "user_id": user,
        "product_id": products[product],
        "purchase_time": BEGIN + arrival * 1_000 + rng.integers(0, 1_000, rows) - late,
        "quantity": quantity,
        "price": prices[product],
    }


def batches(rows: Any) -> list[Any]:
    """Cut a list or a frame into pieces of 10,000."""
    return [rows[first : first + BATCH] for first in range(0, len(rows), BATCH)]


@cache
def dicts(events: int) -> list[dict[str, Any]]:
    """Give events as dicts, their times as whole microseconds, a missing user as None."""
    data = purchases(events)
    users = [None if user != user else int(user) for user in data.user_id.tolist()]  # noqa: PLR0124
    columns = [users] + [getattr(data, name).tolist() for name in FIELDS[1:]]
    return [dict(zip(FIELDS, values, strict=True)) for values in zip(*columns, strict=True)]


@cache
def lists(events: int) -> list[list[dict[str, Any]]]:
    """Give lists of 10,000 dicts."""
    return batches(dicts(events))


def frame(events: int, *, text: bool = False) -> pd.DataFrame:
    """Give one DataFrame: times as datetime64[us, UTC], users as float since some are missing."""
    data = purchases(events)
    times = pd.DatetimeIndex(data.purchase_time.view("M8[us]"), tz="UTC")
    columns = {name: getattr(data, name) for name in FIELDS}
    product = pd.Series(data.named(), dtype="str") if text else data.product_id
    return pd.DataFrame(columns | {"purchase_time": times, "product_id": product})


@cache
def frames(events: int, *, text: bool = False) -> list[pd.DataFrame]:
    """Give DataFrames of 10,000 rows, each with its own memory, as a reader would."""
    return [piece.reset_index(drop=True).copy() for piece in batches(frame(events, text=text))]


@cache
def arrays(events: int) -> list[tuple[Any, ...]]:
    """Give tuples of numpy columns, 10,000 long."""
    data = purchases(events)
    return list(
        zip(*(batches(getattr(data, name)) for name in FIELDS), strict=True)
    )  # fmt: skip


@cache
def tables(events: int) -> list[Any]:
    """Give Arrow tables of 10,000 rows; a missing user is null."""
    import pyarrow as pa

    return [pa.Table.from_pandas(piece, preserve_index=False) for piece in frames(events)]


@cache
def polars_frames(events: int, *, text: bool = False) -> list[Any]:
    """Give polars DataFrames of 10,000 rows; a missing user is null."""
    import polars as pl

    return [pl.from_pandas(piece) for piece in frames(events, text=text)]


@cache
def whole(events: int, kind: str) -> Any:
    """Give all events at once, in the form that a one-shot contestant likes best."""
    if kind == "polars":
        import polars as pl

        return pl.concat(polars_frames(events), rechunk=True)
    if kind == "arrow":
        import pyarrow as pa

        return pa.concat_tables(tables(events)).combine_chunks()
    return frame(events)


@cache
def messages(events: int, *, iso: bool = False) -> list[bytes]:
    """Give JSON bytes, an event each; its time a whole number of microseconds, or ISO text."""
    found = dicts(events)
    if iso:
        stamps = np.datetime_as_string(purchases(events).purchase_time.view("M8[us]")).tolist()
        found = [
            event | {"purchase_time": f"{stamp}Z"}
            for event, stamp in zip(found, stamps, strict=True)
        ]
    return [json.dumps(event, separators=(",", ":")).encode() for event in found]


@cache
def packets(events: int) -> list[list[bytes]]:
    """Give lists of 10,000 messages."""
    return batches(messages(events))
