"""What every contestant must give, and the slow and obvious way to it."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bench.stream import DELAY, MINUTE, purchases

TOP = 10
MEAN_OVER = 60


@dataclass
class Answer:
    """The ten best of each window (by its end, in microseconds), its total, the totals' mean."""

    best: list[tuple[int, list[tuple[Any, int]]]] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)

    def differs(self, other: Answer) -> str | None:
        """Say where two answers part, or give None where they agree."""
        for name in ("best", "totals", "means"):
            one, two = getattr(self, name), getattr(other, name)
            if len(one) != len(two):
                return f"{name}: {len(one)} instead of {len(two)} windows"
            for number, (mine, its) in enumerate(zip(one, two, strict=True)):
                same = math.isclose(mine, its, rel_tol=1e-9) if name == "means" else mine == its
                if not same:
                    return f"{name} of window {number}: {mine} instead of {its}"
        return None


def best_of(sums: Mapping[Any, int]) -> list[tuple[Any, int]]:
    """Rank products by their sums; of equal ones the smaller name is first."""
    return heapq.nsmallest(TOP, sums.items(), key=lambda pair: (-pair[1], pair[0]))


class Board:
    """The end of the pipeline for contestants that keep a dict of sums for each window."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.recent: deque[int] = deque(maxlen=MEAN_OVER)

    def close(self, window: int, sums: Mapping[Any, int]) -> None:
        """Take a window, counted in minutes since 1970, that has closed."""
        total = sum(sums.values())
        self.recent.append(total)
        self.answer.best.append(((window + 1) * MINUTE, best_of(sums)))
        self.answer.totals.append(total)
        self.answer.means.append(sum(self.recent) / len(self.recent))


@cache
def expected(events: int, *, text: bool = False) -> Answer:
    """Judge each row by the watermark at its arrival, and add up what is left."""
    data = purchases(events)
    names = data.named() if text else data.product_id.tolist()
    sums: dict[int, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
    largest = 0
    rows = zip(
        data.valid.tolist(), data.purchase_time.tolist(), names,
        (data.quantity * data.price).tolist(), strict=True,
    )  # fmt: skip
    for valid, time, product, revenue in rows:
        if not valid:
            continue
        largest = max(largest, time)
        if (time // MINUTE + 1) * MINUTE > largest - DELAY:
            sums[time // MINUTE][product] += revenue
    board = Board()
    for window in sorted(sums):
        board.close(window, sums[window])
    return board.answer
