"""Plain Python: a loop and two levels of dicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from bench.answers import Answer, Board
from bench.stream import DELAY, MINUTE


def loop(events: Iterable[dict[str, Any]]) -> Answer:
    board = Board()
    windows: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    closed, next_close = 0, 0
    for event in events:
        quantity = event["quantity"]
        if event["user_id"] is None or quantity == 0:
            continue
        time = event["purchase_time"]
        window = time // MINUTE
        if window < closed:
            continue  # late
        windows[window][event["product_id"]] += quantity * event["price"]
        if time >= next_close:
            closed = (time - DELAY) // MINUTE
            next_close = (closed + 1) * MINUTE + DELAY
            for due in sorted(number for number in windows if number < closed):
                board.close(due, windows.pop(due))
    for due in sorted(windows):
        board.close(due, windows[due])
    return board.answer


def lists(batches: Iterable[list[dict[str, Any]]]) -> Answer:
    return loop(event for batch in batches for event in batch)
