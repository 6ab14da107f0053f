"""What is known beside the events: each row gets the columns of its key in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.columns import Columns, bare
from rtlab.errors import DataError, ParameterError
from rtlab.parsing import check_columns
from rtlab.steps import Outputs, State, Step, register

WITH_MISSING = {"i": "Int64", "u": "UInt64", "b": "boolean"}


@dataclass(frozen=True, eq=False, repr=False)  # a table is neither compared nor written out
class Enrich(Step):
    """Add what a table knows of each row's key, such as the department of its product.

    Parameters
    ----------
    table : DataFrame or dict of columns
        One row for each key: a column (or the index) named ``on``, and the columns to add. It is
        copied; later changes of it change nothing here.
    on : str, default "product_id"
        The key: a column of the events and of the table.
    how : {"left", "inner"}, default "left"
        Whether rows without a match stay, with missing values, or are set aside as ``unmatched``.
    columns : str or list of str, optional
        Which columns of the table to add; by default all.

    Returns
    -------
    result : DataFrame
        The rows in their order, with the columns of the table behind their own. Only a named
        tuple has this name: ``how="left"`` gives the frame alone.
    unmatched : DataFrame
        With ``how="inner"``: the rows whose key is missing or not in the table, as they came.

    Raises
    ------
    ParameterError
        If the table has a key twice or a row without one, or the parameters name no such thing.
    MissingColumnError
        If the key or a column to add is missing.
    DataError
        If the events have a column of that name already, or their first key is of a kind that the
        table does not have (text where it has numbers), so that none would match.

    Notes
    -----
    With ``how="inner"`` the added columns have the table's types. With ``how="left"`` whole
    numbers and booleans become pandas' ``Int64`` and ``boolean``, which can be missing, whether or
    not any is: a type must not hang on which rows have come.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> products = pd.DataFrame({"product_id": [7, 8], "department": ["tea", "rice"]})
    >>> rt.enrich(pd.DataFrame({"product_id": [8, 7, 8]}), products).department.tolist()
    ['rice', 'tea', 'rice']
    """

    table: Any
    on: str = "product_id"
    how: str = "left"
    columns: str | Sequence[str] | None = None

    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"table": {"product_id": [3, 1], "shelf": [7, 8], "name": ["tea", "rice"]}},
        {
            "table": {"user_id": ["李雷", "ana"], "since": [2019, 2024]},
            "on": "user_id",
            "how": "inner",
        },
    )

    def __post_init__(self) -> None:
        if not isinstance(self.table, (pd.DataFrame, Mapping)):
            raise ParameterError(
                f"table of type {type(self.table).__name__}: give a DataFrame with one row a key"
            )
        if self.how not in ("left", "inner"):
            raise ParameterError(f"how={self.how!r}: choose 'left' or 'inner'")
        table = pd.DataFrame(self.table)
        table = table.reset_index() if table.index.name == self.on else table.copy()
        object.__setattr__(self, "table", table)
        if self.how == "inner":
            object.__setattr__(self, "outputs", ("result", "unmatched"))
        check_columns(table, (self.on, *self._names), "the table", "name the right column")
        keys = table[self.on]
        if lacking := int(keys.isna().sum()):
            raise ParameterError(
                f"{lacking} rows of the table have no {self.on!r}: leave them out, as in "
                "table.dropna(subset=...)"
            )
        if twice := keys[keys.duplicated()].tolist():
            raise ParameterError(
                f"the table has {self.on}={twice[0]!r} twice: a row can match only one; keep one, "
                "as in table.drop_duplicates(subset=...)"
            )

    def __repr__(self) -> str:
        return f"Enrich(table of {len(self.table)} rows, on={self.on!r}, how={self.how!r})"

    @property
    def _names(self) -> tuple[Any, ...]:
        if isinstance(self.columns, str):
            return (self.columns,)
        names = self.table if self.columns is None else self.columns
        return tuple(name for name in names if name != self.on)

    @cached_property
    def _keys(self) -> tuple[pd.Index[Any], set[str]]:
        keys = pd.Index(self.table[self.on])
        return keys, set(map(_kind, keys.tolist()))

    @cached_property
    def _added(self) -> dict[str, Any]:
        """The columns to add; where rows may have no match the last value is the missing one."""
        added = {}
        for name in self._names:
            column = self.table[name].reset_index(drop=True)
            if self.how == "left":
                column = column.astype(WITH_MISSING.get(column.dtype.kind, column.dtype))
                column = column.reindex(range(len(column) + 1))
            added[str(name)] = bare(column)
        return added

    def initial(self) -> State:
        return {"fits": not len(self.table)}  # whether a first key was looked at

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        wanted = events[self.on]
        if twice := [name for name in self._added if name in events]:
            raise DataError(
                f"the data has a column {twice[0]!r} as the table has: name the columns to add by "
                "columns=[...], or rename it in the table"
            )
        fits = state["fits"] or self._fits(wanted)
        try:
            places = self._keys[0].get_indexer(wanted)
        except TypeError:
            raise DataError(
                f"column {self.on!r} holds values that are no keys (lists or dicts): keys are "
                "numbers, text or times; choose another column for on="
            ) from None
        state["fits"], outputs = fits, {}
        if self.how == "inner":
            known = places >= 0
            outputs["unmatched"] = events.take(~known)
            events, places = events.take(known), places[known]
        added = {name: Columns.picked(array, places) for name, array in self._added.items()}
        return {"result": events.adding(**added), **outputs}

    def _fits(self, wanted: Any) -> bool:
        """Tell whether there is a key, or refuse the first one if none like it can match."""
        there = np.flatnonzero(~pd.isna(wanted))
        if not len(there):
            return False
        kind, kinds = _kind(wanted[there[0]]), self._keys[1]
        if kind not in kinds:
            raise DataError(
                f"column {self.on!r} holds {kind}, and the table's {' and '.join(sorted(kinds))}: "
                "these never match; bring both to one type, as in "
                f"table.astype({{{self.on!r}: ...}})"
            )
        return True


def _kind(key: Any) -> str:
    if isinstance(key, (Number, np.bool_)):
        return "numbers"
    return "text" if isinstance(key, str) else type(key).__name__


enrich = register("enrich")(Enrich)
