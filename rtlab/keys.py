"""Keys of groups: each distinct key gets a small number, its code, at its first row.

A table of keys is a state: ``values`` holds each key column by code, in the column's own type. A
key is found again from batch to batch by ``index``, as long as keys are one column of whole
numbers, else by ``codes`` (key → code). A missing key is a key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab import numbering
from rtlab.columns import Columns, join_arrays
from rtlab.errors import DataError, ParameterError
from rtlab.steps import State

FEW = 1024  # keys that are not worth forgetting


class Distinct(NamedTuple):
    """The distinct keys of a batch; one column of whole numbers stands as it is."""

    inverse: Any
    """Which of them each row has; None where each row is looked up."""
    arrays: list[Any]
    """The key columns at the first row of each, or at every row."""

    @property
    def most(self) -> int:
        """How many there may be: quick to tell."""
        return len(self.arrays[0]) if self.arrays else 1

    @property
    def number(self) -> int:
        """How many there are."""
        whole = self.inverse is None
        return len(np.unique(self.arrays[0]) if whole else self.arrays[0]) if self.arrays else 1


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
    values: list[Any] = [np.zeros(0, object) for _ in key_names(by)]
    return {
        "codes": {},
        "values": values,
        "index": numbering.renewed() if len(values) == 1 else None,
    }


def size(table: State) -> int:
    """Tell how many keys have codes."""
    return len(table["codes"]) if table["index"] is None else int(table["index"]["size"])


def _positions(parts: Sequence[Any], rows: int) -> tuple[Any, Any]:
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


def distinct(by: str | Sequence[str] | None, rows: Columns) -> Distinct:
    """Find the distinct keys of a batch, or say why they cannot be keys; changes nothing."""
    names = key_names(by)
    if not names:
        return Distinct(np.zeros(len(rows), np.int64), [])
    known = [rows.alike(name) for name in names]
    if len(names) == 1 and known[0] is None and _whole(rows[names[0]]):
        return Distinct(None, [rows[names[0]]])
    parts, values = [], []
    for name, coded in zip(names, known, strict=True):
        codes, pick = coded or _coded(name, rows[name])
        parts.append(codes + 1)  # a missing key has the number 0
        values.append(pick)
    inverse, places = _positions(parts, len(rows))
    return Distinct(inverse, [pick(places) for pick in values])


def _coded(name: str, array: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Tell which keys are alike."""
    try:
        return pd.factorize(array)[0], array.__getitem__
    except TypeError:
        raise DataError(
            f"column {name!r} holds values that are no keys (lists or dicts): keys are "
            "numbers, text or times; choose another column for by="
        ) from None


def encode(table: State, batch: Distinct) -> Any:
    """Give each row's code, after making codes for keys not seen before."""
    inverse, arrays = batch
    if not arrays:  # one group of all
        table["codes"] = {(): 0} if len(inverse) else table["codes"]
        return inverse
    if inverse is None and table["index"] is not None:
        found, new = numbering.find(table["index"], arrays[0].astype(np.int64, copy=False))
        _append(table, [new.astype(arrays[0].dtype, copy=False)])
        return found
    if inverse is None:
        inverse, places = _positions([pd.factorize(arrays[0])[0]], len(arrays[0]))
        arrays = [arrays[0][places]]
    if table["index"] is not None:
        table["codes"] = dict(zip(table["values"][0].tolist(), range(size(table)), strict=True))
        table["index"] = None
    codes, known = table["codes"], len(table["codes"])
    plain = [_plain(array) for array in arrays]
    names = plain[0] if len(plain) == 1 else zip(*plain, strict=True)
    found = np.array([codes.setdefault(name, len(codes)) for name in names], np.int64)
    if len(codes) > known:
        some, first = np.unique(found, return_index=True)
        new = first[some >= known]
        _append(table, [array[new] for array in arrays])
    return found[inverse]


def _whole(array: Any) -> bool:
    if not isinstance(array.dtype, np.dtype) or array.dtype.kind not in "iu":
        return False
    return array.dtype != np.uint64 or int(array.max(initial=0)) < 2**63


def _append(table: State, new: list[Any]) -> None:
    """Hold the columns of new keys behind those of the known ones."""
    if len(new[0]):
        table["values"] = [
            join_arrays([held, array]) if len(held) else array
            for held, array in zip(table["values"], new, strict=True)
        ]


def _plain(array: Any) -> list[Any]:
    """Give keys as plain values that compare equal from batch to batch; None for missing."""
    plain: list[Any] = array.tolist()
    missing = np.asarray(pd.isna(array))
    if missing.any():
        plain = [None if gone else one for one, gone in zip(plain, missing.tolist(), strict=True)]
    return plain


def columns(by: str | Sequence[str] | None, table: State, codes: Any) -> dict[str, Any]:
    """Give the key columns of some codes by name."""
    return {
        name: values[codes] for name, values in zip(key_names(by), table["values"], strict=True)
    }


def order(table: State, codes: Any, before: Any = ()) -> Any:
    """Give the order of codes by their keys, and by what stands in ``before``, the last one first.

    A missing key is last.
    """
    ranks = [*(_ranks(values[codes]) for values in reversed(table["values"])), *before]
    ranks = [rank for rank in ranks if len(rank) and (rank != rank[0]).any()]
    if len(ranks) == 1:
        return np.argsort(ranks[0], kind="stable")
    return np.lexsort(ranks) if ranks else np.arange(len(codes))


def _ranks(column: Any) -> Any:
    """Rank keys in their natural order; of mixed types numbers come first, then text."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return column  # whole numbers are their own ranks
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
    if have < FEW:
        return codes, np.arange(have)
    live = np.flatnonzero(np.bincount(codes, minlength=have))
    if have < 2 * len(live):
        return codes, np.arange(have)
    anew = np.empty(have, np.int64)
    anew[live] = np.arange(len(live))
    anew = anew[codes]
    table["values"] = [values[live] for values in table["values"]]
    if table["index"] is None:
        names = list(table["codes"])
        table["codes"] = {names[old]: new for new, old in enumerate(live.tolist())}
    else:
        table["index"] = numbering.renewed(table["values"][0])
    return anew, live
