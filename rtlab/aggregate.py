"""Aggregates of groups that fill row by row.

A group is a window and its keys. Each has a slot in growing arrays; rows are added in their order,
and a sum goes on from the accumulator, so that the way a stream is cut changes no bit of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from rtlab.columns import Columns, bare
from rtlab.errors import DataError, ParameterError
from rtlab.steps import State

__all__ = ["Plan", "common_dtype", "groups_of", "ordered_keys"]

FUNCTIONS = ("count", "sum", "mean", "min", "max", "first", "last")
_NEEDS = {
    "count": ("n",), "sum": ("sum",), "mean": ("sum", "n"), "min": ("min", "n"),
    "max": ("max", "n"), "first": ("first", "n"), "last": ("last", "n"),
}  # fmt: skip
ROWS = "rows"  # how many rows a group has, whatever their values
START = 64  # slots at first


class Plan:
    """Which aggregates are wanted, and the arithmetic that gives them.

    Parameters
    ----------
    agg : mapping
        Column of the answer → ``(column, function)``, or ``"count"`` for the number of rows. The
        functions are count, sum, mean, min, max, first and last; missing values are left out, as
        pandas does, and first and last go by arrival.
    times : bool, default False
        Whether to hold the earliest and the latest event time too, passed as the column ``""``.
    """

    def __init__(self, agg: Mapping[str, Any] | None, *, times: bool = False) -> None:
        self.wanted: dict[str, tuple[str | None, str]] = {}
        for name, spec in ({"count": "count"} if agg is None else agg).items():
            column, function = (None, spec) if isinstance(spec, str) else tuple(spec)
            if function not in FUNCTIONS or (column is None and function != "count"):
                raise ParameterError(
                    f"agg={{{name!r}: {spec!r}}}: give (column, function) with a function of "
                    f"{', '.join(FUNCTIONS)}, or 'count' for the number of rows"
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
        return {"slots": {}, "window": np.zeros(START, np.int64), ROWS: np.zeros(START, np.int64)}

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
            if numeric:
                array = np.asarray(array, np.float64 if array.dtype.kind == "f" else np.int64)
            taken[column] = array
        return taken

    def add(
        self, state: State, windows: Any, keys: list[Any], values: dict[str, Any]
    ) -> tuple[Any, list[tuple[Any, ...]]]:
        """Add rows to their groups; give each row's slot, and the groups that are new."""
        slots, new = self._slots(state, windows, keys)
        np.add.at(state[ROWS], slots, 1)
        for column, part in self.parts:
            self._fold(state, column, part, slots, values[column])
        return slots, new

    def _slots(
        self, state: State, windows: Any, keys: list[Any]
    ) -> tuple[Any, list[tuple[Any, ...]]]:
        """Find each row's slot, making slots for groups not seen before."""
        inverse, names = groups_of(windows, keys)
        new = self.touch(state, names)
        known = state["slots"]
        return np.array([known[name] for name in names], np.int64)[inverse], new

    def touch(self, state: State, names: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Make the groups that are not there yet, empty; give their names."""
        known = state["slots"]
        new = [name for name in names if name not in known]
        first = len(known)
        known.update(zip(new, range(first, first + len(new)), strict=True))
        self.reserve(state)
        state["window"][first : len(known)] = [name[0] for name in new]
        return new

    @staticmethod
    def reserve(state: State) -> None:
        """Let the arrays grow with the number of slots."""
        need, have = len(state["slots"]), len(state["window"])
        if need > have:
            _resize(state, slice(0, have), max(need, 2 * have))

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
    def drop(state: State, slots: Any) -> None:
        """Forget groups that have been answered."""
        stay = np.ones(len(state["slots"]), bool)
        stay[slots] = False
        groups = [group for group, kept in zip(state["slots"], stay.tolist(), strict=True) if kept]
        state["slots"] = {group: slot for slot, group in enumerate(groups)}
        _resize(state, np.flatnonzero(stay), max(START, len(groups)))


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


def _identity(part: str, dtype: np.dtype[Any]) -> Any:
    """Give what an accumulator holds before the first value."""
    if part not in ("min", "max"):
        return None if dtype == object else 0
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


def groups_of(windows: Any, keys: list[Any]) -> tuple[Any, list[tuple[Any, ...]]]:
    """Give each row's group by position, and the groups' names: (window, key, ...)."""
    codes = windows - (windows.min() if len(windows) else 0)
    for key in keys:
        own, known = pd.factorize(key)  # -1 for a missing key: a group of its own
        span = len(known) + 1
        if len(codes) and codes.max() > np.iinfo(np.int64).max // span - 1:
            codes = pd.factorize(codes)[0]
        codes = codes * span + (own + 1)
    inverse, groups = pd.factorize(codes)
    places = np.zeros(len(groups), np.int64)
    places[inverse[::-1]] = np.arange(len(inverse))[::-1]  # the first row of each group
    listed = (_listed(key, places) for key in keys)
    return inverse, list(zip(windows[places].tolist(), *listed, strict=True))


def _listed(key: Any, places: Any) -> list[Any]:
    """Give keys as plain values that compare equal from batch to batch; None for missing."""
    taken = key[places]
    missing = np.asarray(pd.isna(taken))
    plain = taken.tolist()
    if missing.any():
        plain = [None if gone else one for one, gone in zip(plain, missing.tolist(), strict=True)]
    return plain


def ordered_keys(names: list[tuple[Any, ...]], dtypes: list[Any]) -> tuple[Any, list[Any]]:
    """Give the order of groups by window and keys, and the key columns in that order.

    Keys stand in their natural order, or, where a column mixes types, by type and text; a missing
    key stands last.
    """
    kinds = [np.dtype(np.int64), *(dtype or np.dtype(object) for dtype in dtypes)]
    columns = [pd.Series([name[i] for name in names], dtype=kind) for i, kind in enumerate(kinds)]
    table = pd.concat(columns, axis=1, keys=range(len(columns)))
    try:
        order = table.sort_values(list(table.columns)).index.to_numpy()
    except TypeError:
        text = table.iloc[:, 1:].map(lambda one: "\uffff" if one is None else f"{type(one)}{one}")
        order = (
            pd.concat([table[0], text], axis=1).sort_values(list(table.columns)).index.to_numpy()
        )
    return order, [bare(column)[order] for column in columns[1:]]


def common_dtype(held: Any, seen: Any) -> Any:
    """Give the dtype that holds the keys of two batches."""
    if held is None or held == seen:
        return seen
    if (
        isinstance(held, np.dtype)
        and isinstance(seen, np.dtype)
        and "O" not in held.kind + seen.kind
    ):
        return np.result_type(held, seen)
    return np.dtype(object)
