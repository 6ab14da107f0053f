"""Dirt for the simulated shop, every piece of it recorded.

Dirt never changes what happened: the same seed without dirt gives the events as they truly were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from rtlab.draws import Draws, Integers, high, low, pick, scaled
from rtlab.errors import ParameterError

Rows: TypeAlias = dict[str, Integers]
"""Columns of integers (times in microseconds), and, with dirt, ``kind`` and ``detail``."""

RATES = {"late": 0.01, "out_of_order": 0.05, "duplicate": 0.005, "malformed": 0.005}
COUNTS = {"gap": 1, "burst": 1, "future": 1}
KINDS = ("clean", *RATES, *COUNTS)
LATE, OUT_OF_ORDER, DUPLICATE, MALFORMED, GAP, BURST, FUTURE = range(1, len(KINDS))
BAD = (DUPLICATE, MALFORMED, GAP, FUTURE)  # rows that a perfect cleaner does not count

# What a malformed row has in the place of a good value.
SPOILED: tuple[tuple[str, str, object], ...] = (
    ("missing user", "user_id", None),
    ("missing product", "product_id", None),
    ("missing time", "purchase_time", None),
    ("unreadable time", "purchase_time", "31/31/2024 25:61"),
    ("zero quantity", "quantity", 0),
    ("text quantity", "quantity", "two"),
    ("missing price", "price", float("nan")),
    ("infinite price", "price", float("inf")),
)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
YEAR_2099 = pd.Timestamp("2099-01-01", tz="UTC").value // 1000
TIMES = ("purchase_time", "arrival_time")


class Outage(NamedTuple):
    """A stretch of time, ``[start, end)``."""

    start: pd.Timestamp
    end: pd.Timestamp


@dataclass(frozen=True)
class Dirt:
    """Which dirt, and where: cumulative 32-bit thresholds of the rates, stretches, days."""

    draws: Draws
    thresholds: Integers
    gaps: tuple[Outage, ...]
    bursts: tuple[Outage, ...]
    future_days: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.thresholds[-1] or self.gaps or self.bursts or self.future_days)

    @property
    def spoils(self) -> bool:
        """Whether values are malformed, so that their columns are object columns."""
        return bool(self.thresholds[-1] > self.thresholds[-2])

    def over(self, blocks: Iterable[Rows], midnight: int) -> Iterator[Rows]:
        """Put the dirt on one day after the other, which starts at ``midnight``."""
        waiting: Rows | None = None
        for day, block in enumerate(blocks):
            rows = self._soil(block, day)
            if waiting is not None:
                rows = join_rows([waiting, rows])
            order = np.argsort(rows["arrival_time"], kind="stable")
            ready = np.searchsorted(rows["arrival_time"][order], midnight + (day + 1) * DAY)
            yield {name: array[order[:ready]] for name, array in rows.items()}
            waiting = {name: array[order[ready:]] for name, array in rows.items()}
        if waiting is not None:
            yield waiting

    def _soil(self, block: Rows, day: int) -> Rows:
        rows = {name: array.copy() for name, array in block.items()}
        size = len(rows["event_id"])
        bits = self.draws("dirt", day, size)
        # The first threshold is that of the first kind; beyond the last a row stays clean.
        kind = (pick(self.thresholds, high(bits)) + 1) % (len(RATES) + 1)
        happened = rows["purchase_time"]
        lost = _inside(self.gaps, happened)
        kind[lost] = GAP
        left = np.flatnonzero(~lost)
        if day in self.future_days and len(left):
            kind[left[scaled(high(self.draws("future", day, 1)), len(left))]] = FUTURE
        delay = np.zeros(size, dtype=np.int64)
        late, jittered = kind == LATE, kind == OUT_OF_ORDER
        delay[late] = 1800 + scaled(low(bits[late]), 6 * 3600 - 1800)
        delay[jittered] = 1 + scaled(low(bits[jittered]), 120)
        rows["arrival_time"] = happened + delay * SECOND
        rows |= {"kind": kind, "detail": np.where(kind == MALFORMED, low(bits) >> 29, 0)}
        again = kind == DUPLICATE
        copies = {name: array[again] for name, array in rows.items()}
        copies["arrival_time"] = happened[again] + (1 + scaled(low(bits[again]), 600)) * SECOND
        kind[again] = 0
        rows["purchase_time"] = np.where(kind == FUTURE, YEAR_2099, happened)
        return self._hold_up(join_rows([rows, copies]))

    def _hold_up(self, rows: Rows) -> Rows:
        """Let nothing arrive during a burst's backlog, or while the source is down."""
        arrival, kind = rows["arrival_time"], rows["kind"]
        for stretch in (*self.bursts, *self.gaps):
            inside = _inside((stretch,), arrival) & (kind != GAP)
            arrival[inside] = micro(stretch.end)
            if stretch in self.bursts:
                kind[inside & (kind == 0)] = BURST
        return rows


def plan_dirt(draws: Draws, start: pd.Timestamp, days: int, dirt: object) -> Dirt:
    """Check what the user asked for, and place it in the run."""
    asked: Mapping[str, float] = {}
    if dirt == "all":
        asked = RATES | COUNTS
    elif isinstance(dirt, Mapping):
        asked = dict(dirt)
    elif dirt is not None:
        raise ParameterError(f"dirt={dirt!r}: give None, 'all' or a dict, as in {{'late': 0.01}}")
    unknown = [kind for kind in asked if kind not in KINDS[1:]]
    if unknown:
        raise ParameterError(f"dirt {unknown[0]!r}: the kinds are {', '.join(KINDS[1:])}")
    rates = [asked.get(kind, 0) for kind in RATES]
    shares = all(isinstance(rate, (int, float)) and rate >= 0 for rate in rates)
    if not shares or not sum(rates) <= 1:
        raise ParameterError(
            f"dirt={dict(asked)!r}: {', '.join(RATES)} are shares of the rows, from 0 to 1 and "
            "together at most 1; try 0.01"
        )
    counts = {kind: whole(f"dirt {kind}", asked.get(kind, 0), 0, days, 1) for kind in COUNTS}
    steps = np.cumsum([int(rate * (1 << 32)) for rate in rates], dtype=np.int64)
    gaps = _stretches(draws, "gap", start, days, counts["gap"])
    bursts = _stretches(draws, "burst", start, days, counts["burst"])
    future = frozenset(_days(draws, "future", days, counts["future"]))
    return Dirt(draws, steps, gaps, bursts, future)


def whole(name: str, value: object, least: int, most: int, usual: int) -> int:
    """Check a whole number."""
    if not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise ParameterError(
            f"{name}={value!r}: a whole number from {least} to {most}; try {name}={usual}"
        )
    return int(value)


def _days(draws: Draws, purpose: str, days: int, count: int) -> list[int]:
    """Choose different days, spread over the run."""
    edges = [number * days // count for number in range(count)] + [days]
    chance = high(draws("d_" + purpose, 0, count)).tolist()
    return [
        first + (one * (after - first) >> 32)
        for first, after, one in zip(edges, edges[1:], chance, strict=False)
    ]


def _stretches(
    draws: Draws, purpose: str, start: pd.Timestamp, days: int, count: int
) -> tuple[Outage, ...]:
    """Place stretches of 1 hour (bursts) or 2 to 4 (gaps) in the shop's open hours."""
    chance = draws(purpose, 0, count)
    found = []
    for place, day in enumerate(_days(draws, purpose, days, count)):
        first = day * 24 + 8 + int(scaled(high(chance), 10)[place])
        length = 1 if purpose == "burst" else 2 + int(scaled(low(chance), 3)[place])
        begin = start + pd.Timedelta(hours=first)
        found.append(Outage(begin, begin + pd.Timedelta(hours=length)))
    return tuple(found)


def micro(when: pd.Timestamp) -> int:
    """Count the microseconds since 1970 UTC."""
    return when.value // 1000  # value counts nanoseconds, whatever the unit


def _inside(stretches: Iterable[Outage], times: Integers) -> Any:
    inside = np.zeros(len(times), dtype=bool)
    for stretch in stretches:
        inside |= (times >= micro(stretch.start)) & (times < micro(stretch.end))
    return inside


def join_rows(pieces: list[Rows]) -> Rows:
    """Put pieces under each other, using them up, so that memory holds little twice."""
    if len(pieces) == 1:
        return pieces[0]
    return {
        name: np.concatenate([piece.pop(name) for piece in pieces]) for name in list(pieces[0])
    }


def frame(rows: Rows, *, spoils: bool) -> pd.DataFrame:
    """Build what arrives: without the lost rows, with malformed values in their places."""
    if "kind" in rows:
        seen = rows["kind"] != GAP
        rows = {name: array[seen] for name, array in rows.items()}
    shown: dict[str, Any] = {
        name: pd.DatetimeIndex(array.view("M8[us]")).tz_localize("UTC") if name in TIMES else array
        for name, array in rows.items()
        if name not in ("kind", "detail")
    }
    if not spoils:
        return pd.DataFrame(shown)
    for number, (_, column, value) in enumerate(SPOILED):
        bad = (rows["kind"] == MALFORMED) & (rows["detail"] == number)
        values = np.array(shown[column], dtype=object)
        values[bad] = value
        shown[column] = pd.Series(values, dtype=object)  # else pandas guesses a type
    return pd.DataFrame(shown)


def record(rows: Rows | None) -> pd.DataFrame:
    """List every dirty row."""
    if rows is None:
        rows = {name: np.zeros(0, dtype=np.int64) for name in ("kind", "detail", "event_id")}
    dirty = np.flatnonzero(rows["kind"])
    kind = rows["kind"][dirty]
    detail = np.array([name for name, *_ in SPOILED], dtype=object)[rows["detail"][dirty]]
    place = np.cumsum(rows["kind"] != GAP)[dirty] - 1
    return pd.DataFrame(
        {
            "kind": pd.Series(np.array(KINDS, dtype=object)[kind], dtype=str),
            "detail": pd.Series(np.where(kind == MALFORMED, detail, ""), dtype=str),
            "event_id": rows["event_id"][dirty],
            "row": np.where(kind == GAP, -1, place),
        }
    )
