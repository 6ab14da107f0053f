"""A batch of equally long columns: the unit that steps pass to each other.

Building a DataFrame costs more than the arithmetic on it, so steps hand on bare arrays, and a
frame is built only when someone looks. Rows are taken in the same spirit: a column that nobody
asks for is never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import DataError, MissingColumnError
from rtlab.parsing import EXACT, NAT
from rtlab.rows import from_events

LOCKS = int(pd.__version__.partition(".")[0]) >= 3
"""Whether pandas locks what it gives away; earlier ones cannot compare locked objects."""


class _Taken:
    """Some rows of a column, not yet copied."""

    __slots__ = ("column", "rows")

    def __init__(self, column: Any, rows: Any) -> None:
        self.column, self.rows = column, rows

    def real(self) -> Any:
        return _real(self.column)[self.rows]

    def microseconds(self) -> Any:
        inside = _microseconds(self.column)
        return None if inside is None else inside[self.rows]


class _Moments:
    """Times as microseconds since 1970 UTC, not yet in pandas' own type."""

    __slots__ = ("times", "tz")

    def __init__(self, times: Any, tz: str) -> None:
        self.times, self.tz = times, tz

    def real(self) -> Any:
        index = pd.DatetimeIndex(self.times.view("M8[us]"), tz="UTC")
        return (index if self.tz == "UTC" else index.tz_convert(self.tz)).array

    def microseconds(self) -> Any:
        return self.times


class _Coded:
    """Text of which it is known already which rows are alike."""

    __slots__ = ("codes", "column")

    def __init__(self, column: Any, codes: Any) -> None:
        self.column, self.codes = column, codes

    def real(self) -> Any:
        return self.column


class _Later:
    """A column that is made when it is seen."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def real(self) -> Any:
        return self.make()


_UNSEEN = (_Taken, _Moments, _Coded, _Later)


def _real(column: Any) -> Any:
    return column.real() if type(column) in _UNSEEN else column


def _microseconds(column: Any) -> Any:
    """Give zoned times as whole numbers; None for what are no such times."""
    if type(column) in (_Taken, _Moments):
        return column.microseconds()
    if not isinstance(getattr(column, "dtype", None), pd.DatetimeTZDtype):
        return None
    return np.asarray((column if column.unit == "us" else column.as_unit("us")).asi8)


class Columns:
    """Named arrays of one length.

    Parameters
    ----------
    arrays : dict of str to array
        numpy arrays, or pandas' own where numpy has no such type (zoned times, text).
    index : str, optional
        The column that becomes the index when a frame is built.
    not_after : int, optional
        The source's bound on event times, in microseconds since 1970 UTC.

    Examples
    --------
    >>> batch = Columns.of([{"user_id": 1, "price": 250}, {"user_id": 2, "price": 100}])
    >>> len(batch), batch["price"].tolist()
    (2, [250, 100])
    """

    __slots__ = ("_columns", "_rows", "index", "not_after")

    def __init__(
        self, arrays: dict[str, Any], index: str | None = None, not_after: int | None = None
    ) -> None:
        self._columns = arrays
        self._rows = len(next(iter(arrays.values()))) if arrays else 0
        self.index, self.not_after = index, not_after

    @classmethod
    def of(cls, data: object) -> Columns:
        """Take a DataFrame, one event (a dict), a list of events, or Columns as they are."""
        if isinstance(data, Columns):
            return data
        if isinstance(data, pd.DataFrame):
            arrays = dict(zip(map(str, data.columns), _arrays(data), strict=True))
            if len(arrays) < data.shape[1]:
                names = [str(name) for name in data.columns]
                twice = next(name for name in names if names.count(name) > 1)
                raise DataError(
                    f"the data has a column {twice!r} twice: rename one, or leave it out, as in "
                    "frame.loc[:, ~frame.columns.duplicated()]"
                )
            return cls(arrays, not_after=data.attrs.get("not_after"))
        events = [data] if isinstance(data, Mapping) else data
        kinds = set(map(type, events)) if isinstance(events, list) else {type(events)}
        if isinstance(events, list) and all(issubclass(kind, Mapping) for kind in kinds):
            return cls(from_events(events if kinds <= {dict} else list(map(dict, events))))
        raise DataError(
            f"a batch of type {type(data).__name__}: a batch is a DataFrame, a dict (one event) "
            "or a list of dicts; build one with pd.DataFrame(...)"
        )

    @property
    def arrays(self) -> dict[str, Any]:
        """All columns as arrays."""
        for name in self._columns:
            self[name]
        return self._columns

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._columns)

    def __len__(self) -> int:
        return self._rows

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Any:
        try:
            column = self._columns[name]
        except KeyError:
            raise MissingColumnError(
                f"column {name!r} is not in the data, which has {', '.join(self.names) or 'none'}"
                "; name the right column, or rename it before"
            ) from None
        if type(column) in _UNSEEN:
            column = self._columns[name] = column.real()
        return column

    def __repr__(self) -> str:
        return repr(self.frame())

    def _with(self, columns: dict[str, Any], rows: int) -> Columns:
        fresh = Columns({}, self.index, self.not_after)
        fresh._columns, fresh._rows = columns, rows
        return fresh

    def take(self, rows: Any) -> Columns:
        """Keep the rows of a boolean mask or of an array of positions, in that order."""
        if isinstance(rows, slice):
            number = len(range(*rows.indices(self._rows)))
        else:
            rows = np.asarray(rows if len(rows) else np.zeros(0, np.intp))
            number = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        few = 4 * number < self._rows and getattr(getattr(rows, "dtype", None), "kind", "b") != "b"
        known: dict[int, Any] = {}

        def taken(column: Any) -> _Taken:
            """Take a few rows of some rows from where those came from."""
            if not few or type(column) is not _Taken or isinstance(column.rows, slice):
                return _Taken(column, rows)
            if id(column.rows) not in known:
                known[id(column.rows)] = _positions(column.rows)[rows]
            return _Taken(column.column, known[id(column.rows)])

        return self._with({name: taken(column) for name, column in self._columns.items()}, number)

    def adding(self, **arrays: Any) -> Columns:
        """Add columns, or put new ones in the place of old."""
        return self._with(self._columns | arrays, self._rows if self._columns else len(
            next(iter(arrays.values()), ())
        ))  # fmt: skip

    def without(self, *names: str) -> Columns:
        """Leave columns out, and the source's bound with them."""
        kept = {name: column for name, column in self._columns.items() if name not in names}
        fresh = self._with(kept, self._rows)
        fresh.not_after = None
        return fresh

    def bounded(self, not_after: int) -> Columns:
        """Put a bound on event times."""
        fresh = self._with(self._columns, self._rows)
        fresh.not_after = not_after
        return fresh

    @staticmethod
    def moments(times: Any, tz: str) -> Any:
        """Give a column of times (int64 microseconds, UTC) that becomes pandas' own when seen."""
        return _Moments(times, tz)

    @staticmethod
    def later(make: Callable[[], Any]) -> Any:
        """Give a column that is made when seen."""
        return _Later(make)

    @staticmethod
    def coded(array: Any, codes: Any) -> Any:
        """Give a column with codes that tell which of its rows are alike: -1 for missing ones."""
        return _Coded(array, codes)

    def alike(self, name: str) -> tuple[Any, Callable[[Any], Any]] | None:
        """Give the codes of a column, and what gives its values at some rows, if it has them."""
        column, rows = self._columns.get(name), None
        while type(column) is _Taken:
            if isinstance(column.rows, slice):
                return None
            rows = column.rows if rows is None else _positions(column.rows)[rows]
            column = column.column
        if type(column) is not _Coded:
            return None
        array, codes = column.column, column.codes
        if rows is None:
            return codes, array.__getitem__
        return codes[rows], lambda places: array[_positions(rows)[places]]

    @staticmethod
    def picked(array: Any, rows: Any) -> Any:
        """Give a column of some rows of an array, picked when seen."""
        return _Taken(array, rows)

    def microseconds(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Give a time column as int64 microseconds since 1970 UTC."""
        times = _microseconds(self._columns.get(name))
        if times is None:
            array = self[name]
            raise DataError(
                f"column {name!r} holds {getattr(array, 'dtype', type(array))}: event times are "
                "zoned timestamps; run clean(tz=...) first, or pd.to_datetime(..., utc=True)"
            )
        if len(times) and times.min() == NAT:
            raise DataError(
                f"column {name!r} lacks {int(np.count_nonzero(times == NAT))} times: a row "
                "without a time has no place; run clean() first"
            )
        return np.asarray(times)

    @classmethod
    def joined(cls, pieces: list[Columns]) -> Columns:
        """Put batches of the same columns one below the other."""
        first = pieces[0]
        arrays = {name: join_arrays([one[name] for one in pieces]) for name in first.names}
        return cls(arrays, first.index, first.not_after)

    def frame(self) -> pd.DataFrame:
        """Build the DataFrame that a person sees."""
        arrays, index = dict(self.arrays), None
        if self.index is not None:  # much quicker than to set it afterwards
            index = pd.Index(arrays.pop(self.index), name=self.index)
        kept = {name: _kept(array, index) for name, array in arrays.items()}
        frame = pd.DataFrame(kept, index=index, copy=False)
        if self.not_after is not None:
            frame.attrs["not_after"] = self.not_after
        return frame


def _arrays(frame: pd.DataFrame) -> list[Any]:
    """Give the arrays under a frame; a Series for each column would cost more than most steps."""
    direct = getattr(frame, "_get_column_array", None)
    if direct is None:
        return [bare(column) for _, column in frame.items()]
    arrays = [direct(place) for place in range(frame.shape[1])]
    for place, array in enumerate(arrays):
        if LOCKS and isinstance(array, np.ndarray):  # the user's own data: not to be written to
            arrays[place] = array.view()
            arrays[place].flags.writeable = False
    return arrays


def _positions(rows: Any) -> Any:
    """Give the rows of a mask by their numbers."""
    kind = getattr(getattr(rows, "dtype", None), "kind", "")
    return np.flatnonzero(rows) if kind == "b" else rows


def bare(column: pd.Series[Any]) -> Any:
    """Give the array under a column: numpy's own where the type is numpy's."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def join_arrays(pieces: list[Any]) -> Any:
    """Put arrays one behind the other, in a type that holds them all."""
    if len(pieces) == 1:
        return pieces[0]
    kinds = {one.dtype for one in pieces}
    if len(kinds) == 1 and isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces)
    whole = all(isinstance(kind, np.dtype) and kind.kind in "iu" for kind in kinds)
    if whole and np.result_type(*kinds).kind == "f":  # int64 and uint64: a double loses digits
        fits = all(int(one.max(initial=0)) < 2**63 for one in pieces)
        return np.concatenate([one.astype(np.int64 if fits else object) for one in pieces])
    numbers = all(isinstance(kind, np.dtype) and kind.kind in "iuf" for kind in kinds)
    if numbers and any(_long(one) for one in pieces):  # a double would lose digits
        return np.concatenate([one.astype(object) for one in pieces])
    return bare(pd.concat([pd.Series(one) for one in pieces]))


def _long(array: Any) -> bool:
    """Tell whether whole numbers are too large for a double."""
    if array.dtype.kind not in "iu" or not len(array):
        return False
    return bool(max(-int(array.min()), int(array.max())) > EXACT)


def _kept(array: Any, index: Any) -> Any:
    """Keep objects as they came: pandas 3 would make text of them in one batch, not in another."""
    if array.dtype != object:
        return array
    return pd.Series(array, dtype=object, index=index, copy=False)
