"""A hash table of arrays: whole numbers are looked up many at once.

A table is an array of ids and an array of values of the same length, a power of two; a place whose
value is ``empty`` is free. Collisions go on to the right (open addressing).
"""

from __future__ import annotations

from typing import Any

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads what lies close together
LEAST = 1024
SMALL = 15  # bits: what lies in the cache as a whole


def room(ids: int) -> int:
    """Give the length of a table that has room for some ids."""
    return max(LEAST, 1 << (7 * ids // 4).bit_length())


def places(known: Any, values: Any, empty: int, ids: Any) -> Any:
    """Find the place of each id, or the free one where it belongs.

    In a large table eight neighbours share a line of the processor's cache.
    """
    bits = len(known).bit_length() - 1
    if bits <= SMALL:
        found = ((ids.view(np.uint64) * GOLDEN) >> np.uint64(64 - bits)).view(np.int64)
    else:
        lines = ((ids >> 3).view(np.uint64) * GOLDEN) >> np.uint64(67 - bits)
        found = (lines.view(np.int64) << 3) | (ids & 7)
    wrong = np.flatnonzero(known.take(found) != ids)
    while len(wrong := wrong[values[found[wrong]] != empty]):
        found[wrong] = after = (found[wrong] + 1) & (len(known) - 1)
        wrong = wrong[known[after] != ids[wrong]]
    return found


def put(known: Any, values: Any, empty: int, ids: Any, new: Any) -> None:
    """Give distinct ids their values."""
    while len(ids):
        found = places(known, values, empty, ids)
        known[found], values[found] = ids, new
        lost = np.flatnonzero(known[found] != ids)  # another took the same free place
        ids, new = ids[lost], new[lost]
