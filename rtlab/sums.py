"""Sums that come out the same in whatever order and in however many parts they are made.

A sum is kept in whole numbers, so that adding never rounds: decimals of up to six places as units
and millionths, all other doubles as digits in base 2³² (each double is a whole number times a power
of two), infinities as counts. What has left a window is never taken off: the parts of a window are
added, and whole numbers leave no trace of what was large.

The method is that of a long accumulator (U. Kulisch, *Computer Arithmetic and Validity*, 2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rtlab.parsing import EXACT
from rtlab.slots import lane

if TYPE_CHECKING:
    from rtlab.steps import State

__all__ = ["PARTS", "add", "total"]

MILLION = 1_000_000
BITS = 32
MASK = 2**BITS - 1
WHOLE = np.dtype(np.int64)
PARTS = ("sum", "units", "millionths", "inf", "-inf", "digit")
"""How the names of a sum's lanes begin; a digit's goes on with its place."""


def add(state: State, column: str, slots: Any, values: Any) -> None:
    """Add values (int64, or float64 without NaN) to the sums of their slots."""
    if values.dtype.kind == "i":
        np.add.at(lane(state, "sum", column, WHOLE), slots, values)
        return
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * MILLION)
        written = (scaled / MILLION == values) & (np.abs(scaled) < EXACT)
    rest = None
    if not written.all():
        rest = ~written
        scaled, slots, others = scaled[written], slots[written], slots[rest]
    units, millionths = np.divmod(scaled.astype(np.int64), MILLION)
    np.add.at(lane(state, "units", column, WHOLE), slots, units)
    np.add.at(lane(state, "millionths", column, WHOLE), slots, millionths)
    if rest is not None:
        _add_others(state, column, others, values[rest])


def _add_others(state: State, column: str, slots: Any, values: Any) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        for part, endless in (("inf", np.inf), ("-inf", -np.inf)):
            np.add.at(lane(state, part, column, WHOLE), slots[values == endless], 1)
        slots, values = slots[finite], values[finite]
    mantissa, exponent = np.frexp(values)
    number = (mantissa * 2.0**53).astype(np.int64)
    place, shift = np.divmod(exponent.astype(np.int64) - 53, BITS)
    above = number >> (BITS - shift)
    digits = ((number << shift) & MASK, above & MASK, above >> BITS)
    for low in np.unique(place):
        here = place == low
        for more, digit in enumerate(digits):
            held = lane(state, f"digit{low + more}", column, WHOLE)
            np.add.at(held, slots[here], digit[here])


def total(state: State, column: str, slots: Any) -> Any:
    """Give the sums of slots: whole where all values were, else the nearest double."""
    none = np.zeros(len(state["window"]), np.int64)
    units = state.get(f"sum|{column}", none)[slots]
    if f"units|{column}" not in state:
        return units
    millionths = state[f"millionths|{column}"][slots]
    units = units + state[f"units|{column}"][slots] + millionths // MILLION
    millionths = millionths % MILLION
    near = np.abs(units) < EXACT // MILLION
    exact = np.where(near, np.where(near, units, 0) * MILLION + millionths, 0) / MILLION
    found = np.where(near, exact, units + millionths / MILLION) + _of_digits(state, column, slots)
    endless = [state.get(f"{part}|{column}", none)[slots] > 0 for part in ("inf", "-inf")]
    found[endless[0]] = np.inf
    found[endless[1]] = -np.inf
    found[endless[0] & endless[1]] = np.nan
    return found


def _of_digits(state: State, column: str, slots: Any) -> Any:
    """Give the double nearest to the digits; equal sums have equal digits, so equal doubles."""
    begin, end = "digit", f"|{column}"
    places = sorted(
        int(name[len(begin) : -len(end)])
        for name in state
        if name.startswith(begin) and name.endswith(end)
    )
    if not places:
        return 0.0
    lanes = {place: state[f"digit{place}|{column}"][slots] for place in places}
    none = np.zeros(len(slots), np.int64)
    reach = range(places[0], places[-1] + 3)  # room for what is carried
    negative = _carried(lanes, reach, none)[reach[-1]] < 0
    sign = np.where(negative, -1, 1)
    digits = _carried({place: sign * digit for place, digit in lanes.items()}, reach, none)
    found = np.zeros(len(slots))
    with np.errstate(over="ignore"):
        for place, digit in digits.items():  # the small ones first
            found += np.ldexp(digit.astype(np.float64), BITS * place)
    return sign * found


def _carried(lanes: dict[int, Any], reach: range, none: Any) -> dict[int, Any]:
    """Bring each digit below the base; the highest keeps the sign."""
    carry, digits = none, {}
    for place in reach:
        number = lanes.get(place, none) + carry
        digits[place], carry = number & MASK, number >> BITS
    digits[reach[-1]] = number
    return digits
