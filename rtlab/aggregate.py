"""Aggregates of groups that fill row by row.

A group is a window and its keys. Each has a slot in growing arrays; rows are added in their order,
and a sum goes on from the accumulator, so that the way a stream is cut changes no bit of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rtlab import numbering
from rtlab.errors import DataError, ParameterError
from rtlab.keys import sweep
from rtlab.parsing import EXACT

if TYPE_CHECKING:
    from rtlab.columns import Columns
    from rtlab.steps import State

__all__ = ["ROWS", "Plan"]

FUNCTIONS = ("count", "sum", "mean", "min", "max", "first", "last")
_NEEDS = {
    "count": ("n",), "sum": ("sum",), "mean": ("sum", "n"), "min": ("min", "n"),
    "max": ("max", "n"), "first": ("first", "n"), "last": ("last", "n"),
}  # fmt: skip
ROWS = "rows"  # how many rows a group has, whatever their values
START = 64  # slots at first
MILLION = 1_000_000
FAR = 2**62  # names of groups stay below


class Plan:
    """Which aggregates are wanted, and the arithmetic that gives them.

    Parameters
    ----------
    agg : mapping
        Column of the answer → ``(column, function)``, or ``"count"`` for the number of rows. The
        functions are count, sum, mean, min, max, first and last; missing values are left out, as
        pandas does, and first and last go by arrival.
    taken : sequence of str
        Names of the answer's other columns.
    times : bool, default False
        Whether to hold the earliest and the latest event time too, passed as the column ``""``.
    """

    def __init__(
        self, agg: Mapping[str, Any] | None, *, taken: Sequence[str] = (), times: bool = False
    ) -> None:
        self.wanted: dict[str, tuple[str | None, str]] = {}
        if not isinstance(agg, (Mapping, type(None))):
            raise ParameterError(f"agg={agg!r}: give a dict, as in {{'sold': ('amount', 'sum')}}")
        for name, spec in ({"count": "count"} if agg is None else agg).items():
            column, function = (None, spec) if isinstance(spec, str) else _pair(spec)
            if function not in FUNCTIONS or (column is None and function != "count"):
                raise ParameterError(
                    f"agg={{{name!r}: {spec!r}}}: give (column, function) with a function of "
                    f"{', '.join(FUNCTIONS)}, or 'count' for the number of rows"
                )
            if name in taken:
                raise ParameterError(
                    f"agg={{{name!r}: ...}}: the answer has a column {name!r} already; choose "
                    "another name"
                )
            self.wanted[name] = (column, function)
        if not self.wanted:
            raise ParameterError("agg={}: name at least one aggregate, as in {'n': 'count'}")
        self.parts = sorted(
            {(c, part) for c, f in self.wanted.values() if c is not None for part in _NEEDS[f]}
        )
        self.columns = sorted({column for column, _ in self.parts})
        if times:
            self.parts += [("", "min"), ("", "max")]

    @staticmethod
    def initial() -> State:
        """Give a state without groups."""
        held = {name: np.zeros(START, np.int64) for name in ("window", "key", ROWS)}
        return {"index": numbering.renewed(), "span": START, "base": 0, **held}

    @staticmethod
    def size(state: State) -> int:
        """Tell how many groups are held."""
        return int(state["index"]["size"])

    def values(self, batch: Columns) -> dict[str, Any]:
        """Take the columns to aggregate out of a batch, or say why that cannot be."""
        taken = {}
        for column in self.columns:
            array = batch[column]
            numeric = array.dtype.kind in "iufb"
            only_ends = {p for c, p in self.parts if c == column} <= {"first", "last", "n"}
            if not numeric and not only_ends:
                raise DataError(
                    f"column {column!r} holds {array.dtype}: only numbers can be aggregated; "
                    "run clean() first, or convert it with pd.to_numeric"
                )
            taken[column] = _numbers(array) if numeric else array
        return taken

    def add(self, state: State, windows: Any, codes: Any, values: dict[str, Any]) -> Any:
        """Add rows to the groups of their windows and keys; give each row's slot."""
        slots = self.touch(state, windows, codes)
        self.fold(state, slots, values)
        return slots

    def fold(self, state: State, slots: Any, values: dict[str, Any], count: int = 0) -> None:
        """Add rows to the groups of some slots, of which there are ``count``."""
        _reserve(state, count)
        np.add.at(state[ROWS], slots, 1)
        for column, part in self.parts:
            self._fold(state, column, part, slots, values[column])

    @staticmethod
    def check(state: State, windows: Any, keys: int) -> None:
        """Refuse windows that lie too far apart for so many keys to be numbered together."""
        parts = (state["window"][: state["index"]["size"]], windows)
        ends = [int(end) for part in parts if len(part) for end in (part.min(), part.max())]
        reach = 1 + max(ends, default=0) - min(ends, default=0)
        if 2 * reach * max(state["span"], keys) >= FAR:
            raise DataError(
                f"{reach:,} windows with up to {keys:,} keys: the times lie too far apart for "
                "windows so short; reject wrong times by clean(not_after=...), or choose larger "
                "windows"
            )

    @staticmethod
    def touch(state: State, windows: Any, codes: Any) -> Any:
        """Find the slots of groups, making empty ones for groups that are not there yet."""
        if not len(windows):
            return windows
        if not state["index"]["size"]:
            state["base"] = int(windows.min())
        if (most := int(codes.max())) >= state["span"]:
            state["span"] = 2 * most
            _reindex(state, state["index"]["size"])
        found, new = numbering.find(state["index"], _names(state, windows, codes))
        if len(new):
            have = state["index"]["size"]
            _reserve(state, have)
            window, key = np.divmod(new, state["span"])
            fresh = slice(have - len(new), have)
            state["window"][fresh], state["key"][fresh] = window + state["base"], key
        return found

    @staticmethod
    def _fold(state: State, column: str, part: str, slots: Any, values: Any) -> None:
        """Fold values into one accumulator, in their order; missing ones are left out."""
        held = _accumulator(state, column, part, values.dtype)
        if values.dtype.kind not in "iub":
            there = np.asarray(pd.notna(values))
            if not there.all():
                slots, values = slots[there], values[there]
        if part == "n":
            np.add.at(held, slots, 1)
        elif part == "sum" and values.dtype.kind == "f":
            _add_decimals(state, column, slots, values)
        elif part == "sum":
            np.add.at(held, slots, values)
        elif part in ("min", "max"):
            (np.minimum if part == "min" else np.maximum).at(held, slots, values)
        elif part == "last":
            held[slots] = values  # of several rows for one slot, the last one stays
        else:  # "first" is folded before "n", which so far tells what has no value yet
            unset = state[f"n|{column}"][slots] == 0 if f"n|{column}" in state else slice(None)
            held[slots[unset][::-1]] = values[unset][::-1]

    def answers(self, state: State, slots: Any) -> dict[str, Any]:
        """Give the aggregates of some slots."""
        return {name: self._answer(state, slots, *spec) for name, spec in self.wanted.items()}

    @staticmethod
    def span(state: State, slots: Any) -> dict[str, Any]:
        """Give the earliest and the latest event time of some slots."""
        none = np.zeros(len(state["window"]), np.int64)
        return {"start": state.get("min|", none)[slots], "end": state.get("max|", none)[slots]}

    @staticmethod
    def _answer(state: State, slots: Any, column: str | None, function: str) -> Any:
        if column is None:
            return state[ROWS][slots]
        none = np.zeros(len(state["window"]), np.int64)  # before the first batch nothing is held
        part = {key: state.get(f"{key}|{column}", none)[slots] for key in _NEEDS[function]}
        if function == "count":
            return part["n"]
        if "sum" in part:
            part["sum"] = _sum(state, column, slots, part["sum"])
        if function == "sum":
            return part["sum"]
        empty = part["n"] == 0
        if function == "mean":
            with np.errstate(invalid="ignore"):
                return part["sum"] / np.where(empty, np.nan, part["n"])
        values = part[function]
        if empty.any():
            values = values.astype(np.float64) if values.dtype.kind in "if" else values
            values[empty] = np.nan
        return values

    @staticmethod
    def drop(state: State, slots: Any, keys: State | None = None) -> Any:
        """Forget groups that have been answered, and keys that no group holds any more.

        Gives the codes of keys that are left, where ``keys`` were swept.
        """
        stay = np.ones(state["index"]["size"], bool)
        stay[slots] = False
        kept = np.flatnonzero(stay)
        _resize(state, kept, max(START, len(kept)))
        codes, left = state["key"][: len(kept)], None
        if keys is not None:
            state["key"][: len(kept)], left = sweep(keys, codes)
        _reindex(state, len(kept))
        return left


def _reserve(state: State, count: int) -> None:
    """Let the arrays grow to hold ``count`` slots."""
    have = len(state["window"])
    if count > have:
        _resize(state, slice(0, have), max(count, 2 * have))


def _pair(spec: Any) -> tuple[Any, Any]:
    pair = tuple(spec) if isinstance(spec, Sequence) else ()
    return (pair[0], pair[1]) if len(pair) == 2 else (None, None)


def _numbers(array: Any) -> Any:
    """Give numbers as int64, or as float64 where there are fractions or missing values."""
    if array.dtype.kind != "f" and not pd.isna(array).any():
        return np.asarray(array, np.int64)
    return pd.Series(array).to_numpy(np.float64, na_value=np.nan)


def _names(state: State, windows: Any, codes: Any) -> Any:
    """Name groups by one whole number: their window, counted from the base, and their key."""
    return (windows - state["base"]) * state["span"] + codes


def _reindex(state: State, size: int) -> None:
    """Index the groups in the first slots."""
    windows, codes = state["window"][:size], state["key"][:size]
    state["base"] = int(windows.min()) if size else state["base"]
    state["index"] = numbering.renewed(_names(state, windows, codes))


def _accumulator(state: State, column: str, part: str, dtype: Any) -> Any:
    """Find an accumulator; make it, or widen it where whole numbers meet a fraction."""
    name = f"{part}|{column}"
    if part == "n" or dtype.kind in "iub":
        dtype = np.dtype(np.int64)
    elif not isinstance(dtype, np.dtype):
        dtype = np.dtype(object)
    held = state.get(name)
    if held is None:
        held = np.full(len(state["window"]), _identity(part, dtype), dtype)
    elif held.dtype != dtype:
        held = held.astype(np.result_type(held.dtype, dtype))
        if part in ("min", "max"):
            held[state[f"n|{column}"] == 0] = _identity(part, held.dtype)
    state[name] = held
    return held


def _add_decimals(state: State, column: str, slots: Any, values: Any) -> None:
    """Add up decimals of up to six places exactly, as units and millionths; others as they are."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * MILLION)
        written = (scaled / MILLION == values) & (np.abs(scaled) < EXACT)
    whole = scaled[written].astype(np.int64)
    for part, lane in (("units", whole // MILLION), ("millionths", whole % MILLION)):
        np.add.at(_accumulator(state, column, part, whole.dtype), slots[written], lane)
    np.add.at(state[f"sum|{column}"], slots[~written], values[~written])


def _sum(state: State, column: str, slots: Any, rest: Any) -> Any:
    """Give a sum with one rounding: the double nearest to the decimal."""
    if f"units|{column}" not in state:
        return rest
    units, millionths = state[f"units|{column}"][slots], state[f"millionths|{column}"][slots]
    units, millionths = units + millionths // MILLION, millionths % MILLION
    near = np.abs(units) < EXACT // MILLION
    exact = np.where(near, np.where(near, units, 0) * MILLION + millionths, 0) / MILLION
    return np.where(near, exact, units + millionths / MILLION) + rest


def _identity(part: str, dtype: np.dtype[Any]) -> Any:
    """Give what an accumulator holds before the first value."""
    if part not in ("min", "max"):
        return None if dtype.kind == "O" else 0
    bounds: Any = np.iinfo(dtype) if dtype.kind == "i" else None
    if part == "min":
        return bounds.max if bounds else np.inf
    return bounds.min if bounds else -np.inf


def _resize(state: State, kept: Any, size: int) -> None:
    """Move the kept slots of every array to the front of new ones."""
    for name, array in state.items():
        if isinstance(array, np.ndarray):
            fresh = np.full(size, _identity(name.partition("|")[0], array.dtype), array.dtype)
            taken = array[kept]
            fresh[: len(taken)] = taken
            state[name] = fresh
