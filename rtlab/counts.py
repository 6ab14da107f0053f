"""What belongs together: windows of a number of events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import keys
from rtlab.aggregate import Plan
from rtlab.columns import Columns
from rtlab.errors import ParameterError
from rtlab.steps import Outputs, State, Step, register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        if not isinstance(self.rows, int) or isinstance(self.rows, bool) or self.rows < 1:
            raise ParameterError(
                f"rows={self.rows!r}: a window needs at least 1 row; try rows=100"
            )
        _ = self._plan

    @cached_property
    def _plan(self) -> Plan:
        taken = ("start", "end", *keys.key_names(self.by))
        return Plan(self.agg, taken=taken, times=True)

    def initial(self) -> State:
        return {
            "groups": self._plan.initial(),
            "keys": keys.initial(self.by),
            "seen": np.zeros(0, np.int64),  # the rows of each key so far
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.arrays:
            return {}
        by = [events[name] for name in keys.key_names(self.by)]
        values = self._plan.values(events) | {"": events.microseconds(self.on)}
        distinct = keys.distinct(self.by, by, len(events))
        # From here on nothing can fail: a bad batch leaves the state as it was.
        codes = keys.encode(state["keys"], distinct)
        places = self._places(state, codes)
        slots = self._plan.add(state["groups"], places // self.rows, codes, values)
        full = slots[places % self.rows == self.rows - 1]  # in the order in which they filled
        return {"result": self._answer(state, full)}

    def finish(self, state: State) -> Outputs:
        groups = state["groups"]
        rest = self._plan.size(groups) if self.partial else 0
        return {"result": self._answer(state, keys.order(state["keys"], groups["key"][:rest]))}

    @staticmethod
    def _places(state: State, codes: Any) -> Any:
        """Count each row within its key, going on from the earlier batches."""
        before = np.zeros(keys.size(state["keys"]), np.int64)
        before[: len(state["seen"])] = state["seen"]
        state["seen"] = before + np.bincount(codes, minlength=len(before))
        return before[codes] + pd.Series(codes).groupby(codes).cumcount().to_numpy()

    def _answer(self, state: State, slots: Any) -> Columns:
        groups = state["groups"]
        by = keys.columns(state["keys"], groups["key"][slots])
        times = {
            name: pd.DatetimeIndex(bound.view("M8[us]")).tz_localize("UTC").array
            for name, bound in self._plan.span(groups, slots).items()
        }
        aggregates = self._plan.answers(groups, slots)
        if len(slots):  # a key without an open window may be forgotten, and starts again at 0
            left = self._plan.drop(groups, slots, state["keys"])
            state["seen"] = state["seen"][left]
        columns = times | dict(zip(keys.key_names(self.by), by, strict=True)) | aggregates
        return Columns(columns, index="start")


count_window = register("count_window")(CountWindow)
