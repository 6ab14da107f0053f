"""Aggregates of groups that fill row by row, and that can be added to each other.

What is known of a group lies in lanes (see :mod:`rtlab.slots`). Each lane can take rows, and
another group's lane, so that a sliding window is the sum of its panes and a session the sum of
those that it joins; nothing is ever taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab import held, slots, sums
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.slots import ROWS, Lanes
from rtlab.steps import State

_NEEDS = {
    "count": ("n",), "sum": ("sum",), "mean": ("sum", "n"), "min": ("min", "n"),
    "max": ("max", "n"), "var": ("spread",), "std": ("spread",), "median": (), "quantile": (),
    "nunique": (), "first": ("first",), "last": ("last",),
}  # fmt: skip
_OF_ANYTHING = ("count", "nunique", "first", "last")  # other functions take numbers only
REAL = np.dtype(np.float64)


class Wanted(NamedTuple):
    """One aggregate: a function of a column, or of the rows."""

    column: str
    """Empty where it is one of the rows."""
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
    rows : bool, default False
        Whether to count rows though no aggregate wants it.
    """

    def __init__(
        self,
        agg: Mapping[str, Any] | None,
        *,
        taken: Sequence[str] = (),
        times: bool = False,
        rows: bool = False,
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
            {
                (one.column, part)
                for one in every
                if one.column
                for part in _NEEDS[str(one.function)]
            }
        )
        self.columns = {one.column for one in every if one.column}
        self.numeric = {one.column for one in every if one.function not in _OF_ANYTHING}
        self.frames = any(callable(one.function) for one in self.wanted.values())
        self.held = {one.column for one in every if one.holds}
        self.counted = rows or any(one == Wanted("", "count") for one in self.wanted.values())
        ends = {part for _, part in self.parts} & {"first", "last"}
        self.ordered = bool(ends) or self.frames or bool(self.held)
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
        for column in sorted(self.held - self.numeric):
            if taken[column].dtype != object:
                continue
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
        if self.counted:
            np.add.at(state[ROWS], places, 1)
        for column, part in self.parts:
            _fold(Lanes(state, column), part, places, values[column], at)
        if self.frames or self.held:
            names = [name for name in values if name] if self.frames else self.held
            kept = {name: values[name].copy() for name in names}  # the caller's data may change
            held.add(state["held"], places, at, kept)

    def absorb(self, state: State, places: Any, other: State, sources: Any) -> None:
        """Add groups of another state (or of the same) to the groups in some slots."""
        if not len(places):
            return
        if self.counted:
            np.add.at(state[ROWS], places, other[ROWS][sources])
        for name in list(other):
            part, bar, column = name.partition("|")
            if bar and part not in ("first_at", "last_at", "pivot", "m1", "m2"):
                _absorb(Lanes(state, column), part, places, Lanes(other, column), sources)
        held.copy(other["held"], sources, state["held"], places)

    def answers(self, state: State, places: Any) -> dict[str, Any]:
        """Give the aggregates of some slots."""
        rows, order = None, None
        if self.frames or self.held:
            rows, order = held.rows_of(state["held"], places)
        return {
            name: self._held(one, rows, order, len(places))
            if one.holds
            else (
                state[ROWS][places]
                if not one.column
                else _answer(Lanes(state, one.column), places, one.function)
            )
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
        times = Lanes(state, "")
        return {"start": times.seen("min", places), "end": times.seen("max", places)}


def _wanted(name: str, spec: Any) -> Wanted:
    """Read one aggregate, or say how it is written."""
    if not isinstance(name, str):
        raise ParameterError(
            f"agg={{{name!r}: ...}}: a column of the answer has a name of text, such as 'revenue'"
        )
    if callable(spec):
        return Wanted("", spec)
    if spec == "count":
        return Wanted("", spec)
    parts = spec if isinstance(spec, Sequence) and not isinstance(spec, str) else ()
    column, function = parts[:2] if len(parts) in (2, 3) else ("", "")
    share = parts[2] if len(parts) == 3 else 0.5
    if not isinstance(column, str) or not isinstance(function, str) or function not in _NEEDS:
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: give (column, function) with a function of "
            f"{', '.join(_NEEDS)}, ('amount', 'quantile', 0.9), 'count' for the number of rows, "
            "or a function of the window's rows"
        )
    if (function == "quantile") != (len(parts) == 3):
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: a quantile, and nothing else, has a "
            "share, as in ('amount', 'quantile', 0.9)"
        )
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ParameterError(
            f"agg={{{name!r}: {spec!r}}}: a quantile's share lies between 0 and 1, such as 0.9"
        )
    return Wanted(column, function, float(share))


def _numbers(array: Any) -> Any:
    """Give numbers as int64, or as float64 where there are fractions or missing values."""
    if array.dtype.kind == "u" and array.max(initial=0) >= 2**63:
        return np.asarray(array, np.float64)
    if isinstance(array.dtype, np.dtype) and array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind != "f" and not pd.isna(array).any():
        return np.asarray(array, np.int64)
    return pd.Series(array).to_numpy(np.float64, na_value=np.nan)


def _fold(lanes: Lanes, part: str, places: Any, values: Any, at: Any) -> None:
    """Fold values into one lane; missing ones are left out."""
    if values.dtype.kind not in "iub":
        there = np.asarray(pd.notna(values))
        if not there.all():
            places, values = places[there], values[there]
            at = None if at is None else at[there]
    if part == "n":
        np.add.at(lanes("n"), places, 1)
    elif part == "sum":
        sums.add(lanes, places, values)
    elif part == "min":
        np.minimum.at(lanes(part, values.dtype), places, values)
    elif part == "max":
        np.maximum.at(lanes(part, values.dtype), places, values)
    elif part == "spread":
        _spread(lanes, places, values)
    else:
        _end(lanes, part, places, values, at)


def _end(lanes: Lanes, part: str, places: Any, values: Any, at: Any) -> None:
    """Keep the value that arrived first, or last."""
    kind = values.dtype
    kind = kind if isinstance(kind, np.dtype) and kind.kind in "iuf" else np.dtype(object)
    when, ends = lanes(f"{part}_at"), lanes(part, kind)
    turn = slice(None, None, -1) if part == "first" else slice(None)
    place = np.full(len(when), -1)
    place[places[turn]] = np.arange(len(places))[turn]  # of several writes the last stays
    touched = np.flatnonzero(place >= 0)
    rows = place[touched]
    new = at[rows] < when[touched] if part == "first" else at[rows] > when[touched]
    when[touched[new]] = at[rows[new]]
    ends[touched[new]] = values[rows[new]]


def _moments(lanes: Lanes) -> tuple[Any, Any, Any, Any]:
    """Give the number of values, a value of the group's own, deviations from it, their squares."""
    return lanes("m0"), lanes("pivot", REAL), lanes("m1", REAL), lanes("m2", REAL)


def _spread(lanes: Lanes, places: Any, values: Any) -> None:
    """Add up deviations, and their squares, from a value of the group's own.

    Then a large mean costs no digits: T. F. Chan, G. H. Golub and R. J. LeVeque, *Algorithms for
    computing the sample variance*, The American Statistician 37 (1983).
    """
    real = values.astype(np.float64)
    finite = np.isfinite(real)
    if not finite.all():
        np.add.at(lanes("wild"), places[~finite], 1)
        places, real = places[finite], real[finite]
    ones, nothing = np.ones(len(places), np.int64), np.zeros(len(places))
    _add_moments(lanes, places, (ones, real, nothing, nothing))


def _add_moments(lanes: Lanes, places: Any, theirs: tuple[Any, Any, Any, Any]) -> None:
    """Add deviations up after moving them to the pivot of the group that they go to."""
    n, pivot, m1, m2 = theirs
    count, mine, first, second = _moments(lanes)
    new = count[places] == 0
    mine[places[new]] = pivot[new]
    with np.errstate(over="ignore", invalid="ignore"):
        off = pivot - mine[places]
        np.add.at(count, places, n)
        np.add.at(first, places, m1 + n * off)
        np.add.at(second, places, m2 + off * (2 * m1 + n * off))


def _absorb(lanes: Lanes, part: str, places: Any, other: Lanes, sources: Any) -> None:
    """Add a lane of some groups to that of others."""
    if part == "m0":
        count, pivot, first, second = _moments(other)
        some = count[sources] > 0
        places, sources = places[some], sources[some]
        _add_moments(
            lanes, places, (count[sources], pivot[sources], first[sources], second[sources])
        )
    elif part in ("first", "last"):
        some = np.flatnonzero(_known(other, part, sources))
        at = other(f"{part}_at")[sources[some]]
        order = np.argsort(at, kind="stable")
        some = some[order]
        values = other.seen(part, sources[some])
        _end(lanes, part, places[some], values, at[order])
    else:
        found = other.seen(part, sources)
        ways: dict[str, Any] = {"min": np.minimum, "max": np.maximum, "answers": np.maximum}
        ways.get(part, np.add).at(lanes(part, found.dtype), places, found)


def _known(lanes: Lanes, part: str, places: Any) -> Any:
    """Tell which groups have a first (or last) value."""
    at = lanes(f"{part}_at")[places]
    return at < np.iinfo(np.int64).max if part == "first" else at >= 0


def _answer(lanes: Lanes, places: Any, function: Any) -> Any:
    if function == "sum":
        return sums.total(lanes, places)
    if function in ("var", "std"):
        variance = _variance(*(lanes.seen(part, places) for part in ("m0", "m1", "m2", "wild")))
        return np.sqrt(variance) if function == "std" else variance
    found = lanes.seen("n" if function in ("count", "mean") else function, places)
    if function == "count":
        return found
    if function == "mean":
        with np.errstate(invalid="ignore"):
            return sums.total(lanes, places) / np.where(found == 0, np.nan, found)
    if f"{function}|{lanes.column}" not in lanes.state:
        return found
    some = _known(lanes, function, places) if function in ("first", "last") else lanes("n")[places]
    return _blank(found, some == 0)


def _blank(values: Any, empty: Any) -> Any:
    """Make the values of groups without any missing."""
    if empty.any():
        values = values.astype(np.float64) if values.dtype.kind in "iuf" else values
        values[empty] = np.nan
    return values


def _variance(n: Any, m1: Any, m2: Any, wild: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        found = np.maximum(m2 - m1 * m1 / n, 0.0) / (n - 1)
    return np.where((n < 2) | (wild > 0), np.nan, found)
