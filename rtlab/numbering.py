"""Small numbers for whole ones: each distinct name gets the next number, and keeps it.

Names that lie close together, such as product numbers, or the windows that are open now, are
looked up in a table; names that lie far apart in a hash table. An index is a state: arrays and
scalars.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rtlab import hashing
from rtlab.steps import State

MOST = 2**22  # places in a table: 16 MB
ROOM = 64  # places at first
FREE = -1  # the number of a place without a name


def renewed(names: Any = ()) -> State:
    """Give an index of distinct names, numbered as they stand."""
    index: State = {
        "size": 0,
        "low": 0,
        "table": np.zeros(0, np.int32),
        "names": None,
        "numbers": None,
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
        return _search(index, names)
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
        index["table"] = None
        _put(index, numbered + low, table[numbered])
        return
    index["low"] = first
    index["table"] = np.full(min(max(ROOM, 2 * (last - first + 1)), MOST), -1, np.int32)
    index["table"][numbered + low - first] = table[numbered]


def _search(index: State, names: Any) -> tuple[Any, Any]:
    """Find names in the hash table."""
    places = hashing.places(index["names"], index["numbers"], FREE, names)
    found = index["numbers"].take(places)
    unknown = np.flatnonzero(found == FREE)
    if not len(unknown):
        return found, names[:0]
    new = pd.unique(names[unknown])
    _put(index, new, np.arange(index["size"], index["size"] + len(new), dtype=np.int32))
    index["size"] += len(new)
    places = hashing.places(index["names"], index["numbers"], FREE, names[unknown])
    found[unknown] = index["numbers"][places]
    return found, new


def _put(index: State, names: Any, numbers: Any) -> None:
    """Add distinct names, in a larger table where half of this one would be taken."""
    held = index["numbers"]
    if held is None or 4 * (index["size"] + len(names)) > len(held):
        size = hashing.room(4 * (index["size"] + len(names)))
        if held is not None:
            taken = np.flatnonzero(held != FREE)
            names = np.concatenate([index["names"][taken], names])
            numbers = np.concatenate([held[taken], numbers])
        index["names"], index["numbers"] = np.zeros(size, np.int64), np.full(size, FREE, np.int32)
    hashing.put(index["names"], index["numbers"], FREE, names, numbers)
