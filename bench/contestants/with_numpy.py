"""numpy by hand: how quick the arithmetic alone can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bench.answers import Answer, Board
from bench.stream import DELAY, FIELDS, MINUTE


def arrays(batches: Iterable[tuple[Any, ...]]) -> Answer:
    """Keep the sums of each open window in an array, with a place for each product seen."""
    board, mark = Board(), 0
    products = pd.Index(np.zeros(0, np.int64))
    sums: dict[int, Any] = {}
    for user, product, time, quantity, price in batches:
        numbers = time // MINUTE
        good = (user == user) & (quantity != 0) & (numbers >= mark)  # noqa: PLR0124  (not NaN)
        numbers, named = numbers[good], product[good]
        codes = products.get_indexer(named)
        if (codes < 0).any():
            products = products.append(pd.Index(np.unique(named[codes < 0])))
            codes = products.get_indexer(named)
        first = numbers.min()
        added = np.zeros((numbers.max() - first + 1, len(products)), np.int64)
        np.add.at(
            added.ravel(), (numbers - first) * len(products) + codes, (quantity * price)[good]
        )
        for number, row in enumerate(added, first):
            if number in sums:
                row[: len(sums[number])] += sums[number]
            sums[number] = row
        newest = (time.max() - DELAY) // MINUTE
        if newest > mark:
            mark = newest
            for number in sorted(number for number in sums if number < mark):
                close(board, number, products, sums.pop(number))
    for number in sorted(sums):
        close(board, number, products, sums[number])
    return board.answer


def close(board: Board, number: int, products: Any, sums: Any) -> None:
    held = np.flatnonzero(sums)
    pairs = zip(products[held].tolist(), sums[held].tolist(), strict=True)
    board.close(int(number), dict(pairs))


def lists(batches: Iterable[list[dict[str, Any]]]) -> Answer:
    return arrays(map(columns, batches))


def columns(batch: list[dict[str, Any]]) -> tuple[Any, ...]:
    user = np.array([event["user_id"] for event in batch], float)
    others = ([event[name] for event in batch] for name in FIELDS[1:])
    return (user, *(np.array(values, np.int64) for values in others))
