"""What belongs together: windows of a number of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import keys, slots
from rtlab.aggregate import Plan
from rtlab.columns import Columns
from rtlab.errors import ParameterError
from rtlab.held import spread
from rtlab.steps import Outputs, State, Step, register

MOST = 2**40  # rows in a window


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
    partial : bool or {"start", "end"}, default True
        Whether windows that are not full are answered: those before ``rows`` events have come
        (with ``slide``), and those that are left at the end of the data.
    slide : int, optional
        Answer after every ``slide`` events, over the last ``rows`` of them; by default windows do
        not overlap.

    Returns
    -------
    DataFrame
        Indexed by ``start``, the earliest event time in the window; columns ``end`` (the latest),
        the keys, the aggregates; in the order in which the windows filled, then those left at the
        end in the order of their keys.

    Raises
    ------
    ParameterError
        If ``rows`` or ``slide`` is less than 1, or ``slide`` more than ``rows``.

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
    partial: bool | str = True
    slide: int | None = None

    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"rows": 3, "agg": {"revenue": ("amount", "sum"), "n": "count"}},
        {"rows": 2, "by": "product_id", "agg": {"mean": ("amount", "mean")}, "partial": False},
        {"rows": 4, "by": ["user_id", "product_id"]},
        {"rows": 4, "slide": 2, "by": "product_id", "agg": {"last": ("price", "last")}},
        {"rows": 5, "slide": 3, "partial": "start", "agg": {"sd": ("price", "std")}},
    )

    def __post_init__(self) -> None:
        for name, value in (("rows", self.rows), ("slide", self._slide)):
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < MOST:
                raise ParameterError(
                    f"{name}={value!r}: a window needs at least 1 row, counted in whole numbers; "
                    f"try {name}=100"
                )
        if self._slide > self.rows:
            raise ParameterError(
                f"slide={self.slide!r} is more than rows={self.rows!r}: rows between windows "
                "would be lost; choose a slide of at most the rows"
            )
        if self.partial not in (True, False, "start", "end"):
            raise ParameterError(f"partial={self.partial!r}: choose True, False, 'start' or 'end'")
        _ = self._plan

    @property
    def _slide(self) -> int:
        return self.rows if self.slide is None else self.slide

    @cached_property
    def _pane(self) -> int:
        return gcd(self.rows, self._slide)

    @cached_property
    def _plan(self) -> Plan:
        taken = ("start", "end", *keys.key_names(self.by))
        return Plan(self.agg, taken=taken, times=True)

    def initial(self) -> State:
        return {
            "groups": slots.initial(),
            "keys": keys.initial(self.by),
            "seen": np.zeros(0, np.int64),  # the rows of each key so far
            "arrived": 0,
        }

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        values = self._plan.values(events) | {"": events.microseconds(self.on)}
        distinct = keys.distinct(self.by, events)
        # From here on nothing can fail: a bad batch leaves the state as it was.
        codes = keys.encode(state["keys"], distinct)
        number = self._number(state, codes)
        places = slots.find(state["groups"], number // self._pane, codes)
        at = state["arrived"] + np.arange(len(events))
        state["arrived"] += len(events)
        self._plan.fold(state["groups"], places, values, at)
        window, rest = np.divmod(number + 1, self._slide)
        full = rest == 0  # in the order in which they filled
        if self.partial not in (True, "start"):
            full &= number + 1 >= self.rows
        answer = self._answer(state, codes[full], window[full])
        self._forget(state)
        return {"result": answer}

    def finish(self, state: State) -> Outputs:
        seen = state["seen"]
        codes = keys.order(state["keys"], np.arange(len(seen)))
        seen = seen[codes] if self.partial in (True, "end") else np.zeros(len(codes), np.int64)
        first = seen // self._slide + 1
        behind = -(-(seen + self.rows) // self._slide)  # no event lies in this one
        whose, windows = spread(first, np.where(seen > 0, behind - first, 0))
        answer = self._answer(state, codes[whose], windows)
        state["groups"], state["seen"] = slots.initial(), np.zeros_like(state["seen"])
        return {"result": answer}

    @staticmethod
    def _number(state: State, codes: Any) -> Any:
        """Count each row within its key, going on from the earlier batches."""
        before = np.zeros(keys.size(state["keys"]), np.int64)
        before[: len(state["seen"])] = state["seen"]
        state["seen"] = before + np.bincount(codes, minlength=len(before))
        return before[codes] + pd.Series(codes).groupby(codes).cumcount().to_numpy()

    def _answer(self, state: State, codes: Any, windows: Any) -> Columns:
        """Add panes up; window k of a key ends before its event number ``k * slide``."""
        behind = np.minimum(windows * self._slide, state["seen"][codes])
        first = np.maximum(windows * self._slide - self.rows, 0) // self._pane
        whose, panes = spread(first, -(-behind // self._pane) - first)
        target = slots.initial()
        places = slots.claim(target, codes)
        sources = slots.find(state["groups"], panes, codes[whose])
        self._plan.absorb(target, whose, state["groups"], sources)
        times = {
            name: Columns.moments(bound, "UTC")
            for name, bound in self._plan.span(target, places).items()
        }
        columns = times | keys.columns(self.by, state["keys"], codes)
        columns |= self._plan.answers(target, places)
        return Columns({"start": places}, index="start").adding(**columns)

    def _forget(self, state: State) -> None:
        """Forget panes that no window needs any more; a key without any starts again at 0."""
        groups = state["groups"]
        live = np.flatnonzero(groups["window"][: slots.size(groups)] != slots.GONE)
        needed = (state["seen"] // self._slide + 1) * self._slide - self.rows
        done = live[groups["window"][live] * self._pane < needed[groups["key"][live]]]
        left = slots.drop(groups, done, state["keys"]) if len(done) else None
        if left is not None:
            state["seen"] = state["seen"][left]


count_window = register("count_window")(CountWindow)
