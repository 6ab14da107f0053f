"""When each id was seen: a hash table of arrays, in two generations.

Whole numbers stand in open addressing, looked up many at once; other ids stand in a dict. To
forget costs nothing: once all that the older generation holds is behind the horizon, it is dropped
whole, and the younger one becomes the older.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np

from rtlab import hashing
from rtlab.parsing import NAT
from rtlab.steps import State

PIECE = 65_536  # places


def initial() -> State:
    """Give a memory without ids."""
    return {"young": _table(), "old": _table()}


def _table(ids: int = 0, *, named: bool = False) -> State:
    """Give a table with room for some ids; a place whose time is missing is free."""
    size = hashing.room(0 if named else ids)
    return {
        "ids": np.zeros(size, np.int64),
        "times": np.full(size, NAT),
        "held": 0,  # at most so many ids
        "newest": NAT,
        "names": {} if named else None,
    }


def recall(memory: State, ids: Any) -> Any:
    """Give the time remembered for each id, and the missing time for those that are unknown."""
    found = [_recalled(memory[age], ids) for age in ("young", "old") if memory[age]["held"]]
    if not found:
        return np.full(len(ids), NAT)
    return found[0] if len(found) == 1 else np.maximum(*found)  # who is in both came again later


def _recalled(table: State, ids: Any) -> Any:
    if table["names"] is None:
        return table["times"][hashing.places(table["ids"], table["times"], NAT, ids)]
    return np.fromiter(map(table["names"].get, ids.tolist(), repeat(NAT)), np.int64, len(ids))


def remember(memory: State, ids: Any, times: Any, floor: int) -> None:
    """Remember distinct ids with their times; what is not above the floor may be forgotten."""
    if not len(ids):
        return
    table = memory["young"]
    if table["names"] is None and 5 * (table["held"] + len(ids)) > 3 * len(table["times"]):
        table = memory["young"] = _grown(table, len(ids), floor)
    _put(table, ids, times)


def _grown(table: State, more: int, floor: int) -> State:
    """Move what is above the floor to a table with room for more, a piece at a time."""
    grown = _table(int(np.count_nonzero(table["times"] > floor)) + more)
    for first in range(0, len(table["times"]), PIECE):
        piece = slice(first, first + PIECE)
        live = table["times"][piece] > floor
        _put(grown, table["ids"][piece][live], table["times"][piece][live])
    return grown


def _put(table: State, ids: Any, times: Any) -> None:
    table["newest"] = max(table["newest"], int(times.max(initial=NAT)))
    table["held"] += len(ids)
    if table["names"] is not None:
        table["names"].update(zip(ids.tolist(), times.tolist(), strict=True))
        return
    hashing.put(table["ids"], table["times"], NAT, ids, times)


def forget(memory: State, floor: int) -> None:
    """Drop the older generation if nothing in it is above the floor."""
    young = memory["young"]
    if memory["old"]["newest"] <= floor and young["held"]:
        memory["old"] = young
        memory["young"] = _table(young["held"], named=young["names"] is not None)


def write_out(memory: State) -> None:
    """Hold ids by name from now on, since some are not whole numbers."""
    for age, table in memory.items():
        if table["names"] is None:
            memory[age] = named = _table(named=True)
            held = table["times"] != NAT
            _put(named, table["ids"][held], table["times"][held])
