"""Keys of groups: each distinct key gets a small number, its code, at its first row.

A table of keys is a state: ``values`` holds each key column by code, in the column's own type, and
an index finds a key again from batch to batch: ``sorted`` and ``at``, the keys in order and their
codes, as long as they are one column of whole numbers, else ``codes`` (key → code). A missing key
is a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab.columns import join_arrays
from rtlab.errors import DataError, ParameterError

if TYPE_CHECKING:
    from rtlab.steps import State

__all__ = [
    "columns", "distinct", "encode", "initial", "key_names", "look_up", "order", "positions",
    "size", "sweep",
]  # fmt: skip

FEW = 1024  # keys that are not worth forgetting


class Distinct(NamedTuple):
    """The distinct keys of a batch."""

    inverse: Any
    """Which of them each row has."""
    places: Any
    """The first row of each."""
    arrays: list[Any]
    """The key columns at those rows."""


def key_names(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """Give the names of the key columns, or say why these cannot be names."""
    names = () if by is None else (by,) if isinstance(by, str) else by
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ParameterError(
            f"by={by!r}: name one column, or a list of them, as in by='product_id'"
        )
    if len(set(names)) < len(names):
        raise ParameterError(f"by={by!r} names a column twice: name each once")
    if {"start", "end"} & set(names):
        raise ParameterError(
            f"by={by!r}: 'start' and 'end' are the window's own columns; rename the key before"
        )
    return tuple(names)


def initial(by: str | Sequence[str] | None) -> State:
    """Give a table without keys."""
    none = np.zeros(0, np.int64)
    values: list[Any] = [np.zeros(0, object) for _ in key_names(by)]
    whole = len(values) == 1
    return {"codes": {}, "values": values, "sorted": none if whole else None, "at": none}


def size(table: State) -> int:
    """Tell how many keys have codes."""
    return len(table["codes"]) if table["sorted"] is None else len(table["at"])


def positions(parts: Sequence[Any], rows: int) -> tuple[Any, Any]:
    """Give numbers to the distinct rows of several columns of whole numbers ≥ 0.

    Gives each row's number, counted in the order of appearance, and the first row of each.
    """
    combined, reach = np.zeros(rows, np.int64), 1
    for part in parts:
        span = int(part.max()) + 1 if rows else 1
        if reach > np.iinfo(np.int64).max // span:
            combined, known = pd.factorize(combined)
            reach = len(known)
        combined, reach = combined * span + part, reach * span
    if reach > 4 * rows + 1:
        combined, known = pd.factorize(combined)
        reach = len(known)
    first = np.full(reach, rows)
    first[combined[::-1]] = np.arange(rows)[::-1]
    places = np.sort(first)[: np.count_nonzero(first < rows)]
    number = np.empty(reach, np.int64)
    number[combined[places]] = np.arange(len(places))
    return number[combined], places


def distinct(by: str | Sequence[str] | None, arrays: Sequence[Any], rows: int) -> Distinct:
    """Find the distinct keys of a batch, or say why they cannot be keys; changes nothing."""
    parts = []
    for name, array in zip(key_names(by), arrays, strict=True):
        try:
            parts.append(pd.factorize(array)[0] + 1)  # a missing key has the number 0
        except TypeError:
            raise DataError(
                f"column {name!r} holds values that are no keys (lists or dicts): keys are "
                "numbers, text or times; choose another column for by="
            ) from None
    inverse, places = positions(parts, rows)
    return Distinct(inverse, places, [array[places] for array in arrays])


def encode(table: State, batch: Distinct) -> Any:
    """Give each row's code, after making codes for keys not seen before."""
    inverse, _, arrays = batch
    known = size(table)
    found = _look_up(table, batch)
    if size(table) > known:
        some, first = np.unique(found, return_index=True)
        new = first[some >= known]
        table["values"] = [
            join_arrays([held, array[new]]) if known else array[new]
            for held, array in zip(table["values"], arrays, strict=True)
        ]
    return found[inverse]


def _look_up(table: State, batch: Distinct) -> Any:
    """Find or make the code of each distinct key, counted on in the order of appearance."""
    _, places, arrays = batch
    if table["sorted"] is not None:
        if isinstance(arrays[0].dtype, np.dtype) and arrays[0].dtype.kind in "iu":
            return look_up(table, arrays[0].astype(np.int64, copy=False))
        table["codes"] = dict(zip(table["values"][0].tolist(), range(size(table)), strict=True))
        table["sorted"] = None
    codes = table["codes"]
    plain = [_plain(array) for array in arrays] or [[()] * len(places)]
    names = plain[0] if len(plain) == 1 else zip(*plain, strict=True)
    return np.array([codes.setdefault(name, len(codes)) for name in names], np.int64)


def look_up(index: State, names: Any) -> Any:
    """Find the numbers of distinct names in a sorted index; new names get the next ones."""
    held, at = index["sorted"], index["at"]
    place = np.searchsorted(held, names)
    new = np.ones(len(names), bool)
    inside = place < len(held)
    new[inside] = held[place[inside]] != names[inside]
    found = np.empty(len(names), np.int64)
    found[~new] = at[place[~new]]
    if new.any():
        found[new] = np.arange(len(at), len(at) + new.sum())
        order = np.argsort(names[new])
        where = place[new][order]
        index["sorted"] = np.insert(held, where, names[new][order])
        index["at"] = np.insert(at, where, found[new][order])
    return found


def _plain(array: Any) -> list[Any]:
    """Give keys as plain values that compare equal from batch to batch; None for missing."""
    plain: list[Any] = array.tolist()
    missing = np.asarray(pd.isna(array))
    if missing.any():
        plain = [None if gone else one for one, gone in zip(plain, missing.tolist(), strict=True)]
    return plain


def columns(table: State, codes: Any) -> list[Any]:
    """Give the key columns of some codes."""
    return [values[codes] for values in table["values"]]


def order(table: State, codes: Any, before: Any = None) -> Any:
    """Give the order of codes by their keys, and by ``before`` first: a missing key is last."""
    ranks = [_ranks(column) for column in columns(table, codes)]
    ranks = [*reversed(ranks), *([] if before is None else [before])]
    return np.lexsort(ranks) if ranks else np.arange(len(codes))


def _ranks(column: Any) -> Any:
    """Rank keys in their natural order; of mixed types numbers come first, then text."""
    if column.dtype == object:
        found, known = pd.factorize(column)
        ranks = np.empty(len(known) + 1, np.int64)
        ranks[sorted(range(len(known)), key=lambda place: _rank(known[place]))] = np.arange(
            len(known)
        )
    else:
        found, known = pd.factorize(column, sort=True)
        ranks = np.arange(len(known) + 1)
    ranks[-1] = len(known)  # where the -1 of a missing key points
    return ranks[found]


def _rank(key: Any) -> tuple[int, Any, str]:
    if isinstance(key, (int, float, np.number)):
        return 0, key, ""
    return (1, 0, key) if isinstance(key, str) else (2, 0, f"{type(key).__name__} {key}")


def sweep(table: State, codes: Any) -> tuple[Any, Any]:
    """Forget the keys that no code names any more, once they are more than half.

    Gives the codes anew, and which of the old codes are left.
    """
    have = size(table)
    live, anew = np.unique(codes, return_inverse=True)
    if have < max(2 * len(live), FEW):
        return codes, np.arange(have)
    table["values"] = [values[live] for values in table["values"]]
    if table["sorted"] is None:
        names = list(table["codes"])
        table["codes"] = {names[old]: new for new, old in enumerate(live.tolist())}
    else:
        table["at"] = np.argsort(table["values"][0])
        table["sorted"] = np.asarray(table["values"][0], np.int64)[table["at"]]
    return anew, live
