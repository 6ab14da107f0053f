"""What a series step sees of a batch, and how an answer is shown: pandas objects and arrays.

Series come alone, side by side as the columns of a wide frame, or as a bare array of shape
(ticks,) or (ticks, series). A decomposed series is a frame with columns of known names; several of
them have these names below their own, in two levels of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import DataError

Values = np.ndarray[Any, np.dtype[np.float64]]
"""Ticks down, series across: float64 of shape (ticks, series); missing is NaN."""


def read(batch: Any, like: Any = None) -> Values:
    """Take the numbers out of a batch, whose columns must be those of ``like``, an earlier one.

    >>> read(pd.Series([1, 2])).tolist()
    [[1.0], [2.0]]
    """
    if isinstance(batch, np.ndarray) and batch.ndim in (1, 2) and batch.dtype.kind in "iufb":
        if like is None or _alike(batch, like):  # the fast way
            values: Values = batch.astype(np.float64, copy=False)
            return values if values.ndim == 2 else values[:, None]
        listed: list[Any] = []
    elif isinstance(batch, pd.DataFrame):
        listed = list(zip(batch.columns, batch.dtypes, strict=True))
    elif isinstance(batch, pd.Series):
        listed = [(batch.name, batch.dtype)]
    else:
        raise DataError(
            f"a batch of {describe(batch)}: ticks come as a Series or a DataFrame of "
            "numbers; build one with pd.Series(...)"
        )
    usable = {kind: _is_number(kind) for kind in {kind for _, kind in listed}}
    for name, kind in listed:
        if not usable[kind]:
            raise DataError(
                f"{'the series' if name is None else repr(name)} holds {kind}: a series of ticks "
                "holds numbers; choose numeric columns, as in stream.pluck('revenue')"
            )
    if like is not None and not _alike(batch, like):
        raise DataError(
            f"a batch with {describe(batch)} after batches with {describe(like)}: the columns "
            "of a stream stay the same; choose them before, as in stream.pluck('revenue')"
        )
    values = batch.to_numpy(dtype=np.float64, na_value=np.nan)
    return values if values.ndim == 2 else values.reshape(-1, 1)


def _is_number(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind) and kind.kind != "c")


def _alike(batch: Any, like: Any) -> bool:
    if isinstance(batch, np.ndarray) and isinstance(like, np.ndarray):
        return bool(batch.shape[1:] == like.shape[1:])
    if isinstance(batch, pd.DataFrame) and isinstance(like, pd.DataFrame):
        return bool(batch.columns is like.columns or batch.columns.equals(like.columns))
    return type(batch) is type(like)


def describe(batch: Any) -> str:
    """Say what a batch is, for an error."""
    if isinstance(batch, pd.DataFrame):
        return f"columns {list(batch.columns)}"
    if isinstance(batch, np.ndarray):
        return f"an array of {batch.dtype} and shape {batch.shape}"
    return "one series" if isinstance(batch, pd.Series) else f"type {type(batch).__name__}"


def narrowed(batch: Any, wants: Sequence[str]) -> Any:
    """Leave only the columns that a step wants, where a frame has them."""
    if not wants or not isinstance(batch, pd.DataFrame):
        return batch
    if batch.columns.nlevels == 1:
        return batch[list(wants)] if set(wants) <= set(batch.columns) else batch
    names: Any = batch.columns
    outer = names.droplevel(-1).unique()
    listed = [(*_tuple(name), want) for name in outer for want in wants]
    return batch[listed] if set(listed) <= set(batch.columns) else batch


def _tuple(name: Any) -> tuple[Any, ...]:
    return name if isinstance(name, tuple) else (name,)


def _has(like: Any, wants: Sequence[str]) -> bool:
    """Tell whether a batch has what a step wants, and so several columns for each series."""
    if not wants or not isinstance(like, pd.DataFrame):
        return False
    return list(like.columns.get_level_values(-1)[: len(wants)]) == list(wants)


def split(values: Values, like: Any, wants: Sequence[str]) -> Values:
    """Give what a step wants of a series an axis of its own, the third."""
    if not _has(like, wants):
        return values
    return values.reshape(len(values), values.shape[1] // len(wants), len(wants))


def columns(like: Any, parts: Any, wants: Sequence[str]) -> Any:
    """Name the columns of an answer; None for one series that is answered with one number."""
    names: Any = like.columns if isinstance(like, pd.DataFrame) else None
    if _has(like, wants):
        names = names.droplevel(-1)[:: len(wants)] if names.nlevels > 1 else None
    if len(parts) == 0 or isinstance(like, np.ndarray):
        return names
    below = parts if isinstance(parts, pd.Index) else pd.Index(parts)
    if names is None:
        return below
    listed = [(*_tuple(name), *_tuple(part)) for name in names for part in below]
    return pd.MultiIndex.from_tuples(listed, names=[*names.names, *below.names])


def give(like: Any, answers: Values, index: Any, named: Any = None) -> Any:
    """Put answers into the kind of object that they are about, under ``index``.

    >>> give(pd.Series([7], name="n"), np.array([[1.5]]), pd.Index(["a"])).to_dict()
    {'a': 1.5}
    """
    if isinstance(like, np.ndarray):
        return answers[:, 0] if like.ndim == 1 else answers
    if named is None:
        return pd.Series(answers[:, 0], index=index, name=getattr(like, "name", None))
    return pd.DataFrame(answers.reshape(len(answers), len(named)), index, named)
