"""A batch of equally long columns: the unit that steps pass to each other.

Building a DataFrame costs more than the arithmetic on it, so steps hand on bare arrays, and a
frame is built only when someone looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import DataError, MissingColumnError
from rtlab.parsing import NAT

__all__ = ["Columns", "bare", "join_arrays"]


@dataclass(slots=True)
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

    arrays: dict[str, Any]
    index: str | None = None
    not_after: int | None = None

    @classmethod
    def of(cls, data: object) -> Columns:
        """Take a DataFrame, one event (a dict), a list of events, or Columns as they are."""
        if isinstance(data, Columns):
            return data
        if isinstance(data, pd.DataFrame):
            arrays = {str(name): bare(column) for name, column in data.items()}
            if len(arrays) < data.shape[1]:
                names = [str(name) for name in data.columns]
                twice = next(name for name in names if names.count(name) > 1)
                raise DataError(
                    f"the data has a column {twice!r} twice: rename one, or leave it out, as in "
                    "frame.loc[:, ~frame.columns.duplicated()]"
                )
            return cls(arrays, not_after=data.attrs.get("not_after"))
        events = [data] if isinstance(data, Mapping) else data
        if isinstance(events, list) and all(isinstance(event, Mapping) for event in events):
            return cls.of(pd.DataFrame.from_records(events))
        raise DataError(
            f"a batch of type {type(data).__name__}: a batch is a DataFrame, a dict (one event) "
            "or a list of dicts; build one with pd.DataFrame(...)"
        )

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> Any:
        try:
            return self.arrays[name]
        except KeyError:
            raise MissingColumnError(
                f"column {name!r} is not in the data, which has {', '.join(self.arrays) or 'none'}"
                "; name the right column, or rename it before"
            ) from None

    def __repr__(self) -> str:
        return repr(self.frame())

    def take(self, rows: Any) -> Columns:
        """Keep the rows of a boolean mask or of an array of positions, in that order."""
        return replace(self, arrays={name: array[rows] for name, array in self.arrays.items()})

    def adding(self, **arrays: Any) -> Columns:
        """Add columns, or put new ones in the place of old."""
        return replace(self, arrays=self.arrays | arrays)

    def microseconds(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Give a time column as int64 microseconds since 1970 UTC."""
        array = self[name]
        if isinstance(getattr(array, "dtype", None), pd.DatetimeTZDtype):
            times = array if array.unit == "us" else array.as_unit("us")
            if lacking := int(np.count_nonzero(times.asi8 == NAT)):
                raise DataError(
                    f"column {name!r} lacks {lacking} times: a row without a time has no place; "
                    "run clean() first"
                )
            return np.asarray(times.asi8)
        raise DataError(
            f"column {name!r} holds {getattr(array, 'dtype', type(array))}: event times are "
            "zoned timestamps; run clean(tz=...) first, or pd.to_datetime(..., utc=True)"
        )

    @classmethod
    def joined(cls, pieces: list[Columns]) -> Columns:
        """Put batches of the same columns one below the other."""
        first = pieces[0]
        arrays = {name: join_arrays([one[name] for one in pieces]) for name in first.arrays}
        return replace(first, arrays=arrays)

    def frame(self) -> pd.DataFrame:
        """Build the DataFrame that a person sees."""
        kept = {name: _kept(array) for name, array in self.arrays.items()}
        frame = pd.DataFrame(kept, copy=False)
        if self.index is not None:
            frame = frame.set_index(self.index)
        if self.not_after is not None:
            frame.attrs["not_after"] = self.not_after
        return frame


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
    return bare(pd.concat([pd.Series(one) for one in pieces]))


def _kept(array: Any) -> Any:
    """Keep objects as they came: pandas 3 would make text of them in one batch, not in another."""
    return pd.Series(array, dtype=object, copy=False) if array.dtype == object else array
