"""Sums that come out the same in whatever order and in however many parts they are made.

A sum is kept in whole numbers, so that adding never rounds: decimals of up to six places as units
and millionths, all other doubles as digits in base 2³² (each double is a whole number times a
power of two), infinities as counts. What has left a window is never taken off: the parts of a
window are added, and whole numbers leave no trace of what was large.

The method is that of a long accumulator (U. Kulisch, *Computer Arithmetic and Validity*, 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rtlab.parsing import EXACT
from rtlab.slots import Lanes

MILLION = 1_000_000
BITS = 32
MASK = 2**BITS - 1
SHORT = 2**31


def add(lanes: Lanes, slots: Any, values: Any) -> None:
    """Add values (int64, or float64 without NaN) to the sums of their slots."""
    if values.dtype.kind == "i":
        _add_whole(lanes, slots, values)
        return
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * MILLION)
        written = (scaled / MILLION == values) & (np.abs(scaled) < EXACT)
    rest = None
    if not written.all():
        rest = ~written
        scaled, slots, others = scaled[written], slots[written], slots[rest]
    units, millionths = np.divmod(scaled.astype(np.int64), MILLION)
    np.add.at(lanes("units"), slots, units)
    np.add.at(lanes("millionths"), slots, millionths)
    if rest is not None:
        _add_others(lanes, others, values[rest])


def _add_whole(lanes: Lanes, slots: Any, values: Any) -> None:
    if not len(values) or -SHORT <= values.min() <= values.max() < SHORT:
        np.add.at(lanes("sum"), slots, values)  # four billion of these fit into 64 bits
        return
    np.add.at(lanes("high"), slots, values >> BITS)
    np.add.at(lanes("low"), slots, values & MASK)


def _whole(lanes: Lanes, slots: Any) -> Any:
    """Give the sums of whole numbers; as doubles if one is beyond 64 bits."""
    found = lanes.seen("sum", slots)
    if f"high|{lanes.column}" not in lanes.state:
        return found
    low = lanes.seen("low", slots) + (found & MASK)
    high = lanes.seen("high", slots) + (found >> BITS) + (low >> BITS)
    if (high >= -SHORT).all() and (high < SHORT).all():
        return (high << BITS) | (low & MASK)
    return high * 2.0**BITS + (low & MASK)


def _add_others(lanes: Lanes, slots: Any, values: Any) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        for part, endless in (("inf", np.inf), ("-inf", -np.inf)):
            np.add.at(lanes(part), slots[values == endless], 1)
        slots, values = slots[finite], values[finite]
    mantissa, exponent = np.frexp(values)
    number = (mantissa * 2.0**53).astype(np.int64)
    place, shift = np.divmod(exponent.astype(np.int64) - 53, BITS)
    above = number >> (BITS - shift)
    digits = ((number << shift) & MASK, above & MASK, above >> BITS)
    for low in np.unique(place):
        here = place == low
        for more, digit in enumerate(digits):
            np.add.at(lanes(f"digit{low + more}"), slots[here], digit[here])


def total(lanes: Lanes, slots: Any) -> Any:
    """Give the sums of slots: whole where all values were, else the nearest double."""
    units, millionths = _whole(lanes, slots), lanes.seen("millionths", slots)
    if f"units|{lanes.column}" not in lanes.state:
        return units
    units = units + lanes.seen("units", slots) + millionths // MILLION
    millionths = millionths % MILLION
    near = np.abs(units) < EXACT // MILLION
    exact = np.where(near, np.where(near, units, 0) * MILLION + millionths, 0) / MILLION
    found = np.where(near, exact, units + millionths / MILLION) + _of_digits(lanes, slots)
    endless = [lanes.seen(part, slots) > 0 for part in ("inf", "-inf")]
    found[endless[0]] = np.inf
    found[endless[1]] = -np.inf
    found[endless[0] & endless[1]] = np.nan
    return found


def _of_digits(lanes: Lanes, slots: Any) -> Any:
    """Give the double nearest to the digits; equal sums have equal digits, so equal doubles."""
    begin, end = "digit", f"|{lanes.column}"
    places = sorted(
        int(name[len(begin) : -len(end)])
        for name in lanes.state
        if name.startswith(begin) and name.endswith(end)
    )
    if not places:
        return 0.0
    held = {place: lanes.seen(f"digit{place}", slots) for place in places}
    none = np.zeros(len(slots), np.int64)
    reach = range(places[0], places[-1] + 3)  # room for what is carried
    negative = _carried(held, reach, none)[reach[-1]] < 0
    sign = np.where(negative, -1, 1)
    digits = _carried({place: sign * digit for place, digit in held.items()}, reach, none)
    found = np.zeros(len(slots))
    with np.errstate(over="ignore"):
        for place, digit in digits.items():  # the small ones first
            found += np.ldexp(digit.astype(np.float64), BITS * place)
    return sign * found


def _carried(held: dict[int, Any], reach: range, none: Any) -> dict[int, Any]:
    """Bring each digit below the base; the highest keeps the sign."""
    carry, digits = none, {}
    for place in reach:
        number = held.get(place, none) + carry
        digits[place], carry = number & MASK, number >> BITS
    digits[reach[-1]] = number
    return digits
