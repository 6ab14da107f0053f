"""Slots of groups: where each group has its place in growing arrays.

A group is a window and a key. A state holds an array for each thing that is known of a group (a
*lane*); the group's slot is its place in all of them. Lanes are named ``part|column``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rtlab import held, numbering
from rtlab.errors import DataError
from rtlab.keys import sweep
from rtlab.steps import State

ROWS = "rows"  # how many rows a group has, whatever their values
WHOLE = np.dtype(np.int64)
START = 64  # slots at first
FAR = 2**62  # names of groups stay below
GONE = np.iinfo(np.int64).max  # the window of a group that has been forgotten
NOBODY = -1  # and its key
LOWEST, HIGHEST = ("max", "last_at", "revision"), ("min", "first_at")


def initial() -> State:
    """Give a state without groups."""
    lanes = {name: np.zeros(START, np.int64) for name in ("window", "key", ROWS)}
    numbers = {"size": 0, "gone": 0, "span": START, "base": 0, "first": GONE, "last": -GONE}
    return {"index": numbering.renewed(), "held": [], **numbers, **lanes}


def size(state: State) -> int:
    """Tell how many slots are taken, forgotten groups among them."""
    return int(state["size"])


def check(state: State, windows: Any, keys: int) -> None:
    """Refuse windows that lie too far apart for so many keys to be numbered together."""
    first = min(int(windows.min(initial=GONE)), state["first"])
    last = max(int(windows.max(initial=-GONE)), state["last"])
    reach = 1 + max(last - first, 0)
    if 2 * reach * max(state["span"], keys) >= FAR:
        raise DataError(
            f"{reach:,} windows with up to {keys:,} keys: the times lie too far apart for "
            "windows so short; reject wrong times by clean(not_after=...), or choose larger "
            "windows"
        )


def find(state: State, windows: Any, codes: Any) -> Any:
    """Find the slots of groups, making empty ones for groups that are not there yet."""
    if not len(windows):
        return windows
    if not state["size"]:
        state["base"] = int(windows.min())
    if (most := int(codes.max())) >= state["span"]:
        state["span"] = 2 * most
        _pack(state)  # only groups that are held have a name
        _reindex(state)
    found, new = numbering.find(state["index"], _names(state, windows, codes))
    if len(new):
        window, key = np.divmod(new, state["span"])
        window += state["base"]
        state["first"] = min(int(window.min()), state["first"])
        state["last"] = max(int(window.max()), state["last"])
        _take_slots(state, window, key)
    return found


def claim(state: State, codes: Any) -> Any:
    """Make new groups of some keys that are found by their slots alone."""
    return _take_slots(state, 0, codes)


def _take_slots(state: State, windows: Any, codes: Any) -> Any:
    before = state["size"]
    reserve(state, before + len(codes))
    fresh = slice(before, before + len(codes))
    state["window"][fresh], state["key"][fresh] = windows, codes
    state["size"] = fresh.stop
    return np.arange(before, fresh.stop)


def reserve(state: State, count: int) -> None:
    """Let the arrays grow to hold ``count`` slots."""
    have = len(state["window"])
    if count > have:
        _move(state, slice(0, have), max(count, 2 * have))


def forget(state: State, slots: Any) -> None:
    """Mark groups as forgotten; their slots stay until groups are moved."""
    state["window"][slots], state["key"][slots] = GONE, NOBODY
    state["gone"] += len(slots)


def drop(state: State, slots: Any, keys: State | None = None, *, index: bool = True) -> Any:
    """Forget groups, and keys that no group holds any more.

    Groups are moved together once half of the slots hold forgotten ones, so that to forget costs
    no more than to remember. Gives the codes of keys that are left, where ``keys`` were swept.
    """
    forget(state, slots)
    if 2 * state["gone"] < state["size"]:
        return None
    _pack(state)
    left = None
    if keys is not None:
        held_keys = slice(0, state["size"])
        state["key"][held_keys], left = sweep(keys, state["key"][held_keys])
    if index:
        _reindex(state)
    return left


def _pack(state: State) -> None:
    """Move the groups that are held together."""
    stay = state["window"][: state["size"]] != GONE
    kept = np.flatnonzero(stay)
    _move(state, kept, max(START, len(kept)))
    held.drop(state["held"], stay)
    state["size"], state["gone"] = len(kept), 0


def _names(state: State, windows: Any, codes: Any) -> Any:
    """Name groups by one whole number: their window, counted from the base, and their key."""
    return (windows - state["base"]) * state["span"] + codes


def _reindex(state: State) -> None:
    windows, codes = state["window"][: state["size"]], state["key"][: state["size"]]
    state["first"] = int(windows.min(initial=GONE))
    state["last"] = int(windows.max(initial=-GONE))
    state["base"] = state["first"] if len(windows) else state["base"]
    state["index"] = numbering.renewed(_names(state, windows, codes))


def lane(state: State, part: str, column: str, dtype: Any) -> Any:
    """Find a lane; make it, or widen it where whole numbers meet a fraction."""
    name = f"{part}|{column}"
    found = state.get(name)
    if found is None:
        found = state[name] = np.full(len(state["window"]), _nothing(part, dtype), dtype)
    elif found.dtype != dtype and (wider := np.result_type(found.dtype, dtype)) != found.dtype:
        empty = found == _nothing(part, found.dtype)
        found = state[name] = found.astype(wider)
        found[empty] = _nothing(part, wider)
    return found


class Lanes(NamedTuple):
    """The lanes of one column."""

    state: State
    column: str

    def __call__(self, part: str, dtype: Any = WHOLE) -> Any:
        """Find a lane, or make it."""
        return lane(self.state, part, self.column, dtype)

    def seen(self, part: str, places: Any) -> Any:
        """Give what a lane holds for some slots: whole zeros before there is one."""
        found = self.state.get(f"{part}|{self.column}")
        return np.zeros(len(places), np.int64) if found is None else found[places]


def _nothing(part: str, dtype: np.dtype[Any]) -> Any:
    """Give what a lane holds before the first value."""
    if part in LOWEST or part in HIGHEST:
        if dtype.kind == "f":
            return np.inf if part in HIGHEST else -np.inf
        return np.iinfo(np.int64).max if part in HIGHEST else np.iinfo(np.int64).min
    return None if dtype.kind == "O" else 0


def _move(state: State, kept: Any, count: int) -> None:
    """Move the kept slots of every lane to the front of new arrays."""
    for name, array in state.items():
        if isinstance(array, np.ndarray):
            fresh = np.full(count, _nothing(name.partition("|")[0], array.dtype), array.dtype)
            taken = array[kept]
            fresh[: len(taken)] = taken
            state[name] = fresh
