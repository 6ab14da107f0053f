"""Aggregates of groups that fill row by row, and that can be added to each other.

What is known of a group lies in lanes (see :mod:`rtlab.slots`). Each lane can take rows and can take
another group's lane, so that a sliding window is the sum of its panes and a session the sum of those
that it joins; nothing is ever taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab import held, slots, sums
from rtlab.errors import DataError, ParameterError
from rtlab.slots import ROWS, lane

if TYPE_CHECKING:
    from rtlab.columns import Columns
    from rtlab.steps import State

__all__ = ["ROWS", "Plan"]

_NEEDS = {
    "count": ("n",), "sum": ("sum",), "mean": ("sum", "n"), "min": ("min", "n"),
    "max": ("max", "n"), "var": ("spread",), "std": ("spread",), "median": (), "quantile": (),
    "nunique": (), "first": ("first",), "last": ("last",),
}  # fmt: skip
_OF_ANYTHING = ("count", "nunique", "first", "last")  # other functions take numbers only
WHOLE = np.dtype(np.int64)
REAL = np.dtype(np.float64)


class Wanted(NamedTuple):
    """One aggregate: a function of a column, or of the rows."""

    column: str | None
    function: str | Callable[..., Any]
    share: float = 0.5

    @property
    def holds(self) -> bool:
        """Whether it needs the rows themselves when the window is answered."""
        return self.function in ("median", "quantile", "nunique") or callable(self.function)


class Plan:
    """Which aggregates are wanted, and the arithmetic that gives them.

    Parameters
    ----------
    agg : mapping
        Column of the answer → ``(column, function)``, ``(column, "quantile", share)``, ``"count"``
        for the number of rows, or a function of the rows as a DataFrame. Missing values are left
        out, as pandas does; first and last go by arrival.
    taken : sequence of str
        Names of the answer's other columns.
    times : bool, default False
        Whether to hold the earliest and the latest event time too, passed as the column ``""``.
    """

    def __init__(
        self, agg: Mapping[str, Any] | None, *, taken: Sequence[str] = (), times: bool = False
    ) -> None:
        if not isinstance(agg, (Mapping, type(None))):
            raise ParameterError(f"agg={agg!r}: give a dict, as in {{'sold': ('amount', 'sum')}}")
        asked = {"count": "count"} if agg is None else agg
        self.wanted = {name: _wanted(name, spec) for name, spec in asked.items()}
        if not self.wanted:
            raise ParameterError("agg={}: name at least one aggregate, as in {'n': 'count'}")
        for name in self.wanted:
            if name in taken:
                raise ParameterError(
                    f"agg={{{name!r}: ...}}: the answer has a column {name!r} already; choose "
                    "another name"
                )
        every = [one for one in self.wanted.values() if isinstance(one.function, str)]
        self.parts = sorted(
            {(one.column, part) for one in every if one.column for part in _NEEDS[str(one.function)]}
        )
        self.columns = {one.column for one in every if one.column}
        self.numeric = {one.column for one in every if one.function not in _OF_ANYTHING}
        self.frames = any(callable(one.function) for one in self.wanted.values())
        self.held = {one.column for one in every if one.holds}
        if times:
            self.parts += [("", "min"), ("", "max")]

    def values(self, batch: Columns) -> dict[str, Any]:
        """Take the columns to aggregate out of a batch, or say why that cannot be."""
        taken = {}
        for column in sorted(self.columns):
            array = batch[column]
            numeric = array.dtype.kind in "iufb"
            if not numeric and column in self.numeric:
                raise DataError(
                    f"column {column!r} holds {array.dtype}: only numbers can be aggregated; "
                    "run clean() first, or convert it with pd.to_numeric"
                )
            taken[column] = _numbers(array) if numeric else array
        for column in sorted(self.held & self.columns - self.numeric):
            try:
                pd.factorize(taken[column])
            except TypeError:
                raise DataError(
                    f"column {column!r} holds values that cannot be told apart (lists or dicts): "
                    "nunique counts numbers, text or times"
                ) from None
        return batch.arrays | taken if self.frames else taken

    def fold(
        self, state: State, places: Any, values: dict[str, Any], at: Any = None, count: int = 0
    ) -> None:
        """Add rows, which arrived as number ``at``, to the groups in some slots.

        ``count`` is the number of slots there, where they are not found by name.
        """
        slots.reserve(state, count)
        state["size"] = max(state["size"], count)
        np.add.at(state[ROWS], places, 1)
        for column, part in self.parts:
            _fold(state, column, part, places, values[column], at)
        if self.frames or self.held:
            kept = values if self.frames else {name: values[name] for name in self.held}
            held.add(state["held"], places, at, kept)

    def absorb(self, state: State, places: Any, other: State, sources: Any) -> None:
        """Add groups of another state (or of the same) to the groups in some slots."""
        if not len(places):
            return
        np.add.at(state[ROWS], places, other[ROWS][sources])
        for name in list(other):
            part, bar, column = name.partition("|")
            if bar and part not in ("first_at", "last_at", "pivot", "m1", "m2"):
                _absorb(state, column, part, places, other, sources)
        held.copy(other["held"], sources, state["held"], places)

    def answers(self, state: State, places: Any) -> dict[str, Any]:
        """Give the aggregates of some slots."""
        rows, order = None, None
        if self.frames or self.held:
            rows, order = held.rows_of(state["held"], places)
        return {
            name: self._held(one, rows, order, len(places))
            if one.holds
            else _answer(state, places, *one[:2])
            for name, one in self.wanted.items()
        }

    @staticmethod
    def _held(one: Wanted, rows: Any, order: Any, groups: int) -> Any:
        if callable(one.function):
            empty = np.full(groups, np.nan)
            return empty if rows is None else held.applied(one.function, rows, order, groups)
        values = np.zeros(0) if rows is None else rows["columns"][one.column]
        if one.function == "nunique":
            return held.distinct(values, order, groups)
        return held.quantiles(values.astype(np.float64), order, groups, one.share)

    @staticmethod
    def span(state: State, places: Any) -> dict[str, Any]:
        """Give the earliest and the latest event time of some slots."""
        none = np.zeros(len(state["window"]), np.int64)
        return {"start": state.get("min|", none)[places], "end": state.get("max|", none)[places]}


def _wanted(name: str, spec: Any) -> Wanted:
    """Read one aggregate, or say how it is written."""
    if callable(spec):
        return Wanted(None, spec)
    parts = (None, spec) if isinstance(spec, str) else spec if isinstance(spec, Sequence) else ()
    column, function = parts[:2] if len(parts) in (2, 3) else (None, None)
    share = parts[2] if len(parts) == 3 else 0.5
    known = isinstance(function, str) and function in _NEEDS
    if not known or (column is None) != isinstance(spec, str) or (column is None and spec != "count"):
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: give (column, function) with a function of "
            f"{', '.join(_NEEDS)}, ('amount', 'quantile', 0.9), 'count' for the number of rows, or "
            "a function of the window's rows"
        )
    if (function == "quantile") != (len(parts) == 3):
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: a quantile has a share, as in ('amount', 'quantile', 0.9)"
        )
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: a quantile's share lies between 0 and 1, such as 0.9"
        )
    return Wanted(column, str(function), float(share))


def _numbers(array: Any) -> Any:
    """Give numbers as int64, or as float64 where there are fractions or missing values."""
    if isinstance(array.dtype, np.dtype) and array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind != "f" and not pd.isna(array).any():
        return np.asarray(array, np.int64)
    return pd.Series(array).to_numpy(np.float64, na_value=np.nan)


def _fold(state: State, column: str, part: str, places: Any, values: Any, at: Any) -> None:
    """Fold values into one lane; missing ones are left out."""
    if values.dtype.kind not in "iub":
        there = np.asarray(pd.notna(values))
        if not there.all():
            places, values = places[there], values[there]
            at = None if at is None else at[there]
    if part == "n":
        np.add.at(lane(state, "n", column, WHOLE), places, 1)
    elif part == "sum":
        sums.add(state, column, places, values)
    elif part in ("min", "max"):
        kind = WHOLE if values.dtype.kind == "i" else REAL
        (np.minimum if part == "min" else np.maximum).at(
            lane(state, part, column, kind), places, values
        )
    elif part == "spread":
        _spread(state, column, places, values)
    else:
        _end(state, column, part, places, values, at)


def _end(state: State, column: str, part: str, places: Any, values: Any, at: Any) -> None:
    """Keep the value that arrived first, or last."""
    kind = values.dtype
    kind = kind if isinstance(kind, np.dtype) and kind.kind in "iuf" else np.dtype(object)
    when = lane(state, f"{part}_at", column, WHOLE)
    ends = lane(state, part, column, kind)
    turn = slice(None, None, -1) if part == "first" else slice(None)
    place = np.full(len(when), -1)
    place[places[turn]] = np.arange(len(places))[turn]  # of several rows the last one written stays
    touched = np.flatnonzero(place >= 0)
    rows = place[touched]
    new = at[rows] < when[touched] if part == "first" else at[rows] > when[touched]
    when[touched[new]] = at[rows[new]]
    ends[touched[new]] = values[rows[new]]


def _spread(state: State, column: str, places: Any, values: Any) -> None:
    """Add up deviations, and their squares, from a value of the group's own.

    Then a large mean costs no digits: T. F. Chan, G. H. Golub and R. J. LeVeque, *Algorithms for
    computing the sample variance*, The American Statistician 37 (1983).
    """
    count, pivot, first, second = (
        lane(state, part, column, REAL if part != "m0" else WHOLE)
        for part in ("m0", "pivot", "m1", "m2")
    )
    wild = lane(state, "wild", column, WHOLE)
    real = values.astype(np.float64)
    finite = np.isfinite(real)
    if not finite.all():
        np.add.at(wild, places[~finite], 1)
        places, values, real = places[finite], values[finite], real[finite]
    new = count[places] == 0
    pivot[places[new]] = real[new]
    with np.errstate(over="ignore", invalid="ignore"):
        off = real - pivot[places]
        np.add.at(count, places, 1)
        np.add.at(first, places, off)
        np.add.at(second, places, off * off)


def _absorb(
    state: State, column: str, part: str, places: Any, other: State, sources: Any
) -> None:
    """Add a lane of some groups to that of others."""
    theirs = other[f"{part}|{column}"][sources]
    if part == "m0":
        _absorb_spread(state, column, places, other, sources)
    elif part in ("first", "last"):
        some = np.flatnonzero(_known(other, part, column, sources))
        order = some[np.argsort(other[f"{part}_at|{column}"][sources[some]], kind="stable")]
        at = other[f"{part}_at|{column}"][sources[order]]
        _end(state, column, part, places[order], theirs[order], at)
    else:
        mine = lane(state, part, column, theirs.dtype)
        ways: dict[str, Any] = {"min": np.minimum, "max": np.maximum, "answers": np.maximum}
        ways.get(part, np.add).at(mine, places, theirs)


def _absorb_spread(state: State, column: str, places: Any, other: State, sources: Any) -> None:
    """Add deviations up after moving them to the pivot of the group that they go to."""
    some = other[f"m0|{column}"][sources] > 0
    places, sources = places[some], sources[some]
    n, pivot, m1, m2 = (other[f"{part}|{column}"][sources] for part in ("m0", "pivot", "m1", "m2"))
    count, mine, first, second = (
        lane(state, part, column, REAL if part != "m0" else WHOLE)
        for part in ("m0", "pivot", "m1", "m2")
    )
    new = count[places] == 0
    mine[places[new]] = pivot[new]
    with np.errstate(over="ignore", invalid="ignore"):
        off = pivot - mine[places]
        np.add.at(count, places, n)
        np.add.at(first, places, m1 + n * off)
        np.add.at(second, places, m2 + off * (2 * m1 + n * off))


def _known(state: State, part: str, column: str, places: Any) -> Any:
    """Tell which groups have a first (or last) value."""
    at = state[f"{part}_at|{column}"][places]
    return at < np.iinfo(np.int64).max if part == "first" else at >= 0


def _answer(state: State, places: Any, column: str | None, function: Any) -> Any:
    if column is None:
        return state[ROWS][places]
    none = np.zeros(len(state["window"]), np.int64)  # before the first batch nothing is held
    if function == "sum":
        return sums.total(state, column, places)
    if function in ("var", "std"):
        return _variance(state, column, places, none, root=function == "std")
    if function in ("first", "last"):
        found = state.get(f"{function}|{column}", none)[places]
        if f"{function}|{column}" not in state:
            return found
        return _blank(found, ~_known(state, function, column, places))
    n = state.get(f"n|{column}", none)[places]
    if function == "count":
        return n
    if function == "mean":
        with np.errstate(invalid="ignore"):
            return sums.total(state, column, places) / np.where(n == 0, np.nan, n)
    return _blank(state.get(f"{function}|{column}", none)[places], n == 0)


def _blank(values: Any, empty: Any) -> Any:
    """Make the values of groups without any missing."""
    if empty.any():
        values = values.astype(np.float64) if values.dtype.kind in "iuf" else values
        values[empty] = np.nan
    return values


def _variance(state: State, column: str, places: Any, none: Any, *, root: bool) -> Any:
    n, m1, m2, wild = (
        state.get(f"{part}|{column}", none)[places] for part in ("m0", "m1", "m2", "wild")
    )
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        found = np.maximum(m2 - m1 * m1 / n, 0.0) / (n - 1)
    found = np.where((n < 2) | (wild > 0), np.nan, found)
    return np.sqrt(found) if root else found
