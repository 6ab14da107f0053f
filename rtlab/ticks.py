"""Series in and out of the steps: pandas objects become 2-D arrays, and arrays pandas objects.

A tick is one row of a series; its number counts from the beginning of the stream, so that nothing
depends on where a batch ends.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.steps import Outputs, State, Step, shown

__all__ = ["SeriesStep", "Values", "WholeSeries", "check_count", "give", "read"]

Values = np.ndarray[Any, np.dtype[np.float64]]
"""Ticks down, series across: float64 of shape (ticks, series); missing is NaN."""


def read(batch: Any, like: Any = None) -> Values:
    """Take the numbers out of a batch, whose columns must be those of ``like``, an earlier one.

    >>> read(pd.Series([1, 2])).tolist()
    [[1.0], [2.0]]
    """
    if isinstance(batch, pd.Series):
        columns: list[Any] = [batch]
    elif isinstance(batch, pd.DataFrame):
        columns = [batch.iloc[:, place] for place in range(batch.shape[1])]
    else:
        raise DataError(
            f"a batch of type {type(batch).__name__}: ticks come as a Series or a DataFrame of "
            "numbers; build one with pd.Series(...)"
        )
    for column in columns:
        if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype.kind == "c":
            raise DataError(
                f"{'the series' if column.name is None else repr(column.name)} holds "
                f"{column.dtype}: a series of ticks holds numbers; choose "
                "numeric columns, as in stream.pluck('revenue')"
            )
    if like is not None and not _alike(batch, like):
        raise DataError(
            f"a batch with {_describe(batch)} after batches with {_describe(like)}: the columns "
            "of a stream stay the same; choose them before, as in stream.pluck('revenue')"
        )
    values: Values = batch.to_numpy(dtype=np.float64, na_value=np.nan)
    return values if values.ndim == 2 else values.reshape(-1, 1)


def _alike(batch: Any, like: Any) -> bool:
    if isinstance(batch, pd.DataFrame) and isinstance(like, pd.DataFrame):
        return batch.columns.equals(like.columns)
    return type(batch) is type(like)


def _describe(batch: Any) -> str:
    return f"columns {list(batch.columns)}" if isinstance(batch, pd.DataFrame) else "one series"


def give(like: Any, values: Values, index: Any) -> Any:
    """Put numbers back into the kind of object that they came in, under ``index``.

    >>> give(pd.Series([7], name="n"), np.array([[1.5]]), pd.Index(["a"])).to_dict()
    {'a': 1.5}
    """
    if isinstance(like, pd.DataFrame):
        return pd.DataFrame(values, index=index, columns=like.columns)
    return pd.Series(values[:, 0], index=index, name=like.name)


def check_count(name: str, value: Any, least: int, *, unit: str, remedy: int) -> None:
    """Refuse a parameter that is not a whole number of at least ``least``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(
            f"{name}={value!r}: {name} is a whole number of at least {least} {unit}; "
            f"try {name}={remedy}"
        )


class SeriesStep(Step):
    """The base of steps that answer tick by tick, for one series or several side by side."""

    takes: ClassVar[str] = "series"

    def begin(self, width: int) -> State:
        """Give the state before the first tick of ``width`` series."""
        raise NotImplementedError

    def take(self, state: State, values: Values, index: Any) -> Any:
        """Answer for one tick or more."""
        raise NotImplementedError

    def update(self, state: State, batch: Any) -> Outputs:
        """Take the next ticks; a batch without any changes nothing."""
        batch = shown(batch)
        values = read(batch, state.get("like"))
        if len(values) == 0:
            return {"result": give(batch, values, batch.index)}
        own = state
        if "like" not in state:
            own = state | self.begin(values.shape[1]) | {"like": batch.iloc[:0].copy()}
        result = self.take(own, values, batch.index)
        state.update(own)  # a first batch that was refused leaves nothing behind
        return {"result": result}


class WholeSeries(Step):
    """The base of analyses that see a whole series: they gather it and answer once, at its end."""

    takes: ClassVar[str] = "series"

    def answer(self, series: Any) -> Any:
        """Analyse the finished series (float64, at least one tick)."""
        raise NotImplementedError

    def initial(self) -> State:
        return {"pieces": []}

    def update(self, state: State, batch: Any) -> Outputs:
        batch = shown(batch)
        values = read(batch)
        if values.shape[1] != 1:
            raise DataError(
                f"{type(self).__name__} of {_describe(batch)}: this analysis takes one series; "
                "choose a column, as in frame['revenue'] or stream.pluck('revenue')"
            )
        if len(values):
            name = batch.name if isinstance(batch, pd.Series) else batch.columns[0]
            state["pieces"].append(pd.Series(values[:, 0].copy(), index=batch.index, name=name))
        return {}

    def finish(self, state: State) -> Outputs:
        pieces = state["pieces"]
        if not pieces:
            raise DataError(
                f"{type(self).__name__} of a series without ticks: it needs some; look at what "
                "the stream brings with stream.sink(print)"
            )
        series = pieces[0] if len(pieces) == 1 else pd.concat(pieces)
        plain = all(isinstance(piece.index, pd.RangeIndex) for piece in pieces)
        if plain and not isinstance(series.index, pd.RangeIndex):
            series = series.reset_index(drop=True)  # each batch counted from 0
        return {"result": self.answer(series)}

    def refuses(self, *, ends: bool) -> str | None:
        if ends:
            return None
        return (
            "it sees the whole series and answers once, at the end, and this stream has no end; "
            "replay a finished series with rt.replay(...), or collect trailing windows with "
            "streamz' own sliding_window(n) and analyse each"
        )
