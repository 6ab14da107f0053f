"""What belongs together: windows of a number of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.aggregate import Plan, common_dtype, groups_of, ordered_keys
from rtlab.columns import Columns, bare
from rtlab.errors import ParameterError
from rtlab.steps import Outputs, State, Step, register
from rtlab.windows import key_names

__all__ = ["count_window"]


@dataclass(frozen=True)
class CountWindow(Step):
    """Aggregate every ``rows`` events, in the order in which they arrive.

    Parameters
    ----------
    rows : int
        Events in a window.
    agg : dict, optional
        Column of the answer → ``(column, function)``, as in :func:`tumbling`.
    by : str or list of str, optional
        Keys; each key counts its own events.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).
    partial : bool, default True
        Whether the end of the data answers windows that are not full.

    Returns
    -------
    DataFrame
        Indexed by ``start``, the earliest event time in the window; columns ``end`` (the latest),
        the keys, the aggregates; in the order in which the windows filled, then the partial ones
        in the order of their keys.

    Raises
    ------
    ParameterError
        If ``rows`` is less than 1.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T11:05Z"])
    >>> events = pd.DataFrame({"purchase_time": time, "amount": [250, 100, 40]})
    >>> rt.count_window(events, rows=2, agg={"revenue": ("amount", "sum")}).revenue.tolist()
    [350, 40]
    """

    rows: int
    agg: Mapping[str, Any] | None = None
    by: str | Sequence[str] | None = None
    on: str = "purchase_time"
    partial: bool = True

    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"rows": 3, "agg": {"revenue": ("amount", "sum"), "n": "count"}},
        {"rows": 2, "by": "product_id", "agg": {"mean": ("amount", "mean")}, "partial": False},
        {"rows": 4, "by": ["user_id", "product_id"]},
    )

    def __post_init__(self) -> None:
        if not isinstance(self.rows, int) or self.rows < 1:
            raise ParameterError(
                f"rows={self.rows!r}: a window needs at least 1 row; try rows=100"
            )
        _ = self._plan

    @cached_property
    def _plan(self) -> Plan:
        return Plan(self.agg, times=True)

    def initial(self) -> State:
        keys = key_names(self.by)
        return {"groups": self._plan.initial(), "dtypes": [None] * len(keys), "seen": {}}

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.arrays:
            return {}
        keys = [events[name] for name in key_names(self.by)]
        values = self._plan.values(events) | {"": events.microseconds(self.on)}
        for place, key in enumerate(keys):
            state["dtypes"][place] = common_dtype(state["dtypes"][place], key.dtype)
        places = self._places(state["seen"], len(events), keys)
        slots, _ = self._plan.add(state["groups"], places // self.rows, keys, values)
        full = slots[places % self.rows == self.rows - 1]  # in the order in which they filled
        return {"result": self._answer(state, full)}

    def finish(self, state: State) -> Outputs:
        names = list(state["groups"]["slots"])
        if not self.partial or not names:
            return {"result": self._answer(state, np.zeros(0, np.int64))}
        order, _ = ordered_keys([(0, *name[1:]) for name in names], state["dtypes"])
        return {"result": self._answer(state, order)}

    @staticmethod
    def _places(seen: dict[tuple[Any, ...], int], rows: int, keys: list[Any]) -> Any:
        """Count each row within its key, going on from the earlier batches."""
        inverse, names = groups_of(np.zeros(rows, np.int64), keys)
        before = np.array([seen.get(name, 0) for name in names], np.int64)
        places = before[inverse] + pd.Series(inverse).groupby(inverse).cumcount().to_numpy()
        added = np.bincount(inverse, minlength=len(names))
        seen.update(zip(names, (before + added).tolist(), strict=True))
        return places

    def _answer(self, state: State, slots: Any) -> Columns:
        groups = state["groups"]
        names = list(groups["slots"])
        keys = [
            bare(pd.Series([names[slot][place + 1] for slot in slots.tolist()], dtype=dtype))
            for place, dtype in enumerate(state["dtypes"])
        ]
        times = {
            name: pd.DatetimeIndex(bound.view("M8[us]")).tz_localize("UTC").array
            for name, bound in self._plan.span(groups, slots).items()
        }
        aggregates = self._plan.answers(groups, slots)
        if len(slots):
            self._plan.drop(groups, slots)
        columns = times | dict(zip(key_names(self.by), keys, strict=True)) | aggregates
        return Columns(columns, index="start")


count_window = register("count_window")(CountWindow)
