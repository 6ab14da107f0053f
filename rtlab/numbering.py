"""Small numbers for whole ones: each distinct name gets the next number, and keeps it.

Names that lie close together, such as product numbers, or the windows that are open now, are
looked up in a table; names that lie far apart in a sorted list. An index is a state: arrays and
scalars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from rtlab.steps import State

__all__ = ["find", "renewed"]

MOST = 2**22  # places in a table: 16 MB
ROOM = 64  # places at first


def renewed(names: Any = ()) -> State:
    """Give an index of distinct names, numbered as they stand."""
    index: State = {
        "size": 0,
        "low": 0,
        "table": np.zeros(0, np.int32),
        "sorted": None,
        "at": None,
    }
    find(index, np.asarray(names, np.int64))
    return index


def find(index: State, names: Any) -> tuple[Any, Any]:
    """Find the number of each name; new names get the next numbers in the order of appearance.

    Gives the numbers, and the names that are new.
    """
    if not len(names):
        return np.zeros(0, np.int64), names
    if index["table"] is not None:
        _reach(index, int(names.min()), int(names.max()))
    if index["table"] is None:
        number, distinct = pd.factorize(names)
        found, new = _search(index, distinct)
        return found[number], new
    table, places = index["table"], names - index["low"]
    found = table[places]
    unknown = found < 0
    if not unknown.any():
        return found, names[:0]
    lacking = places[unknown]
    turn = np.arange(len(lacking), dtype=np.int32)
    table[lacking[::-1]] = turn[::-1]  # of several writes the last stays: each name's first place
    new = lacking[table[lacking] == turn]
    table[new] = np.arange(index["size"], index["size"] + len(new))
    index["size"] += len(new)
    return table[places], new + index["low"]


def _reach(index: State, least: int, most: int) -> None:
    """Let the table reach from one name to another, or give it up where that is too far."""
    table, low = index["table"], index["low"]
    if low <= least and most < low + len(table):
        return
    numbered = np.flatnonzero(table >= 0)
    first = min(least, low + int(numbered[0])) if len(numbered) else least
    last = max(most, low + int(numbered[-1])) if len(numbered) else most
    if last - first >= MOST:
        index["table"], index["sorted"] = None, numbered + low
        index["at"] = table[numbered].astype(np.int64)
        return
    index["low"] = first
    index["table"] = np.full(min(max(ROOM, 2 * (last - first + 1)), MOST), -1, np.int32)
    index["table"][numbered + low - first] = table[numbered]


def _search(index: State, names: Any) -> tuple[Any, Any]:
    """Find distinct names in the sorted list."""
    held, at = index["sorted"], index["at"]
    place = np.searchsorted(held, names)
    new = np.ones(len(names), bool)
    inside = place < len(held)
    new[inside] = held[place[inside]] != names[inside]
    found = np.empty(len(names), np.int64)
    found[~new] = at[place[~new]]
    if new.any():
        found[new] = np.arange(index["size"], index["size"] + new.sum())
        order = np.argsort(names[new])
        where = place[new][order]
        index["sorted"] = np.insert(held, where, names[new][order])
        index["at"] = np.insert(at, where, found[new][order])
        index["size"] += int(new.sum())
    return found, names[new]
