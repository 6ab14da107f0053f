"""Random draws that give the same bytes on any machine, with any numpy.

numpy may change its distributions from one release to the next, and a libm may round the last bit
of an exponential its own way; the raw integers of a bit generator stay. So all randomness here is
raw integers looked up in integer tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import factorial
from typing import TypeAlias

import numpy as np

Integers: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

FULL = 1 << 32  # draws are compared as 32-bit integers


class Draws:
    """Streams of raw 64-bit integers, one for each purpose and block.

    The generator is counter-based (Philox-4x64-10), so any block can be drawn without those
    before it.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 − 1.

    References
    ----------
    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.

    Examples
    --------
    >>> draws = Draws(7)
    >>> bool((draws("user", 3, 100)[:5] == draws("user", 3, 5)).all())
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, purpose: str, block: int, size: int) -> Integers:
        """Give the first ``size`` integers of a stream, their 64 bits seen as int64."""
        key = self.seed << 64 | int.from_bytes(purpose.encode("ascii"), "big")
        return np.random.Philox(key=key, counter=block << 64).random_raw(size).view(np.int64)


def high(bits: Integers) -> Integers:
    """Take the upper 32 bits, as numbers from 0 to 2**32 − 1."""
    return (bits.view(np.uint64) >> np.uint64(32)).view(np.int64)


def low(bits: Integers) -> Integers:
    """Take the lower 32 bits, as numbers from 0 to 2**32 − 1."""
    return bits & (FULL - 1)


def scaled(bits32: Integers, below: int) -> Integers:
    """Turn 32-bit draws into numbers from 0 to ``below`` − 1 (at most 2**31)."""
    return bits32 * below >> 32


def table(weights: Iterable[int]) -> Integers:
    """Make the cumulative table from which :func:`pick` draws.

    Examples
    --------
    >>> table([1, 2, 1]).tolist()
    [1073741824, 3221225472, 4294967296]
    """
    sums = list(accumulate(weights))
    return np.array([part * FULL // sums[-1] for part in sums], dtype=np.int64)


def pick(cumulative: Integers, bits32: Integers) -> Integers:
    """Draw positions in a table by its weights."""
    return np.searchsorted(cumulative, bits32, side="right").astype(np.int64, copy=False)


def zipf(size: int, shift: int) -> Sequence[int]:
    """Give Zipf–Mandelbrot weights, 1 / (rank + shift), as integers."""
    return [(1 << 40) // (rank + shift) for rank in range(1, size + 1)]


# Poisson with mean 1: weights 1/k!. Past k = 12 a 32-bit draw cannot reach.
POISSON_ONE = table(factorial(12) // factorial(k) for k in range(13))
