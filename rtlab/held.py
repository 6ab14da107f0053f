"""Rows that groups hold until they are answered: for quantiles, distinct counts, own functions.

They stand in chunks, as they came: ``slot`` (the group), ``at`` (the number of the arrival) and
the columns that are needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rtlab.columns import Columns, bare, join_arrays
from rtlab.errors import DataError

Chunk = dict[str, Any]
MANY = 64  # chunks that are made one


def add(chunks: list[Chunk], slots: Any, at: Any, columns: dict[str, Any]) -> None:
    """Hold rows for the groups of some slots."""
    if len(slots):
        chunks.append({"slot": slots, "at": at, "columns": columns})
    if len(chunks) > MANY:
        chunks[:] = [_joined(chunks)]


def _joined(chunks: list[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    names = chunks[0]["columns"]
    return {
        "slot": np.concatenate([chunk["slot"] for chunk in chunks]),
        "at": np.concatenate([chunk["at"] for chunk in chunks]),
        "columns": {
            name: join_arrays([chunk["columns"][name] for chunk in chunks]) for name in names
        },
    }


def _taken(chunk: Chunk, rows: Any, slots: Any) -> Chunk:
    columns = {name: array[rows] for name, array in chunk["columns"].items()}
    return {"slot": slots, "at": chunk["at"][rows], "columns": columns}


def drop(chunks: list[Chunk], stay: Any) -> None:
    """Forget the rows of dropped groups; ``stay`` tells for each slot whether it is kept."""
    if chunks:
        place = np.cumsum(stay) - 1
        kept = [(chunk, np.flatnonzero(stay[chunk["slot"]])) for chunk in chunks]
        chunks[:] = [
            _taken(chunk, rows, place[chunk["slot"][rows]]) for chunk, rows in kept if len(rows)
        ]


def copy(chunks: list[Chunk], slots: Any, into: list[Chunk], targets: Any) -> None:
    """Give the rows of slots to other groups too; a slot may be named several times."""
    order = np.argsort(slots, kind="stable")
    named = slots[order]
    for chunk in list(chunks):
        first: Any = np.searchsorted(named, chunk["slot"], "left")
        count: Any = np.searchsorted(named, chunk["slot"], "right") - first
        rows, places = spread(first, count)
        if len(rows):
            into.append(_taken(chunk, rows, targets[order][places]))


def rows_of(chunks: list[Chunk], slots: Any) -> tuple[Chunk | None, Any]:
    """Give the rows of some slots in the order of arrival, each with its place among the slots."""
    if not chunks:
        return None, np.zeros(0, np.int64)
    chunks[:] = [_joined(chunks)]
    place = np.full(max(int(chunks[0]["slot"].max()), int(slots.max(initial=0))) + 1, -1)
    place[slots] = np.arange(len(slots))
    places = place[chunks[0]["slot"]]
    rows = np.flatnonzero(places >= 0)
    rows = rows[np.lexsort([chunks[0]["at"][rows], places[rows]])]
    return _taken(chunks[0], rows, chunks[0]["slot"][rows]), places[rows]


def spread(first: Any, count: Any) -> tuple[Any, Any]:
    """Count up from each first number; give whose each is, and the numbers."""
    whose = np.repeat(np.arange(len(count)), count)
    behind = np.cumsum(count)
    return whose, np.arange(len(whose)) + np.repeat(first + count - behind, count)


def quantiles(values: Any, places: Any, groups: int, share: float) -> Any:
    """Give each group's quantile, between neighbours in a straight line; NaN of nothing.

    The seventh definition of R. J. Hyndman and Y. Fan, *Sample quantiles in statistical packages*,
    The American Statistician 50 (1996), which numpy and pandas use.
    """
    known = ~np.isnan(values)
    values, places = values[known], places[known]
    order = np.lexsort([values, places])
    values, count = values[order], np.bincount(places, minlength=groups)
    found = np.full(groups, np.nan)
    some = np.flatnonzero(count)
    place = (count[some] - 1) * share
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, count[some] - 1)
    first = (np.cumsum(count) - count)[some]
    below, above, part = values[first + low], values[first + high], place - low
    with np.errstate(invalid="ignore"):
        between = np.where(part < 0.5, below + (above - below) * part,
                           above - (above - below) * (1 - part))  # fmt: skip
    between = np.where(np.isinf(below) & np.isfinite(above), below, between)
    between = np.where(np.isfinite(below) & np.isinf(above), above, between)
    found[some] = np.where((part == 0) | (below == above), below, between)
    return found


def distinct(values: Any, places: Any, groups: int) -> Any:
    """Count each group's distinct values; missing ones are none."""
    codes, known = pd.factorize(values)
    there = codes >= 0
    pairs = pd.unique(places[there] * (len(known) + 1) + codes[there])
    return np.bincount(pairs // (len(known) + 1), minlength=groups)


def applied(function: Any, chunk: Chunk, places: Any, groups: int) -> Any:
    """Give what a function makes of each group's rows, as a frame; missing of no rows."""
    cuts = np.searchsorted(places, np.arange(groups + 1))
    whole = Columns(chunk["columns"])
    found = []
    for first, behind in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        frame = whole.take(slice(first, behind)).frame()
        try:
            found.append(function(frame) if len(frame) else None)
        except Exception as error:
            raise DataError(
                f"the function {getattr(function, '__name__', function)!r} in agg= raised "
                f"{type(error).__name__}: {error}, for a window of {len(frame)} rows; mend it "
                "and start anew: what this batch changed cannot be taken back"
            ) from error
    return bare(pd.Series(found)) if found else np.zeros(0)
