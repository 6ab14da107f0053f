"""Plain Python over JSON messages, read by orjson or by msgspec."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson

from bench.answers import Answer, Board
from bench.contestants import plain
from bench.stream import DELAY, MINUTE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Purchase(msgspec.Struct, gc=False):
    """An event whose time is a whole number of microseconds."""

    user_id: int | None
    product_id: int
    purchase_time: int
    quantity: int
    price: int


class Dated(msgspec.Struct, gc=False):
    """An event whose time is one thing in the message and another in the loop."""

    user_id: int | None
    product_id: int
    purchase_time: Any
    quantity: int
    price: int


class Zoned(Dated, gc=False):
    """An event whose time is ISO text."""

    purchase_time: datetime


def by_orjson(messages: Iterable[bytes]) -> Answer:
    return plain.loop(map(orjson.loads, messages))


def by_msgspec(messages: Iterable[bytes]) -> Answer:
    return structs(map(msgspec.json.Decoder(Purchase).decode, messages))


def by_msgspec_iso(messages: Iterable[bytes]) -> Answer:
    def timed(message: bytes) -> Dated:
        event: Dated = decode(message)
        event.purchase_time = (event.purchase_time - EPOCH) // MICROSECOND
        return event

    decode = msgspec.json.Decoder(Zoned).decode
    return structs(map(timed, messages))


def structs(events: Iterable[Any]) -> Answer:
    """Loop as in plain.py, over objects with attributes."""
    board = Board()
    windows: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    closed, next_close = 0, 0
    for event in events:
        if event.user_id is None or event.quantity == 0:
            continue
        time = event.purchase_time
        window = time // MINUTE
        if window < closed:
            continue  # late
        windows[window][event.product_id] += event.quantity * event.price
        if time >= next_close:
            closed = (time - DELAY) // MINUTE
            next_close = (closed + 1) * MINUTE + DELAY
            for due in sorted(number for number in windows if number < closed):
                board.close(due, windows.pop(due))
    for due in sorted(windows):
        board.close(due, windows[due])
    return board.answer
