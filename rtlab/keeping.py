"""What is kept: the events that meet a condition, and each event once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import parsing, seen
from rtlab.columns import Columns
from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.parsing import NAT
from rtlab.steps import Outputs, State, Step, register
from rtlab.watermark import COLUMN, Watermark

AT_ONCE = 65_536  # rows


@dataclass(frozen=True)
class Keep(Step):
    """Keep the rows that meet a condition.

    Parameters
    ----------
    where : str or callable
        An expression over the columns, as ``DataFrame.eval`` reads it, or a function of the frame
        that gives a boolean for each row. It must look at each row alone.

    Returns
    -------
    DataFrame
        The rows for which the condition is true, in order.

    Raises
    ------
    ParameterError
        If the condition does not give one boolean a row.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.keep(pd.DataFrame({"amount": [250, 40]}), "amount >= 100").amount.tolist()
    [250]
    """

    where: str | Callable[[pd.DataFrame], Any]

    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"where": "quantity > 0"},)

    def __post_init__(self) -> None:
        if not isinstance(self.where, str) and not callable(self.where):
            raise ParameterError(
                f"where of type {type(self.where).__name__}: a condition is text, as in "
                "'amount > 100', or a function of the frame"
            )

    def update(self, state: State, batch: Any) -> Outputs:  # noqa: ARG002
        events = Columns.of(batch)
        frame = events.frame()
        mask = np.asarray(self._judged(frame))
        if mask.shape != (len(events),) or mask.dtype.kind not in "bO":
            raise ParameterError(
                f"where={self.where!r} gave {mask.dtype} of shape {mask.shape}: a condition gives "
                f"one True or False for each of the {len(events)} rows"
            )
        return {"result": events.take(np.where(pd.isna(mask), False, mask).astype(bool))}

    def _judged(self, frame: pd.DataFrame) -> Any:
        if not isinstance(self.where, str):
            return self.where(frame)
        try:
            return frame.eval(self.where)
        except NameError as error:  # pandas' own error for a column that is not there
            raise MissingColumnError(
                f"where={self.where!r}: {error}; the data has {', '.join(map(str, frame))}"
            ) from None
        except (SyntaxError, ValueError, TypeError):  # empty, an assignment, half a sentence
            raise ParameterError(
                f"where={self.where!r} is no condition: write it as in 'amount > 100' or "
                "'product_id == 7'"
            ) from None


keep = register("keep")(Keep)


@dataclass(frozen=True)
class Dedupe(Step):
    """Drop events that were delivered again, told by their event id.

    Parameters
    ----------
    by : str, default "event_id"
        The column that names an event. Rows without an id are all kept.
    horizon : str or Timedelta, optional
        How long, in event time behind the newest event (or behind the watermark of several
        inputs), an id is remembered. Without it every id is, which a finished log allows and a
        live stream does not.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).

    Returns
    -------
    good : DataFrame
        The first delivery of each event.
    duplicate : DataFrame
        The later ones.

    Raises
    ------
    MissingColumnError
        If the id or the time column is missing.

    Notes
    -----
    Never by content: two equal lines may both be true. What is remembered is the time of the first
    delivery; once that lies a horizon back, the id counts as new, with its new time. Memory holds
    the ids of about two horizons; whole numbers are found fastest.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:00Z"] * 3)
    >>> good, duplicate = rt.dedupe(pd.DataFrame({"event_id": [1, 2, 1], "purchase_time": time}))
    >>> len(good), len(duplicate)
    (2, 1)
    """

    by: str = "event_id"
    horizon: Any = None
    on: str = "purchase_time"

    outputs: ClassVar[tuple[str, ...]] = ("good", "duplicate")
    takes: ClassVar[str] = "events"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"horizon": "1h"})

    def __post_init__(self) -> None:
        _ = self._span

    def refuses(self, *, ends: bool) -> str | None:
        if ends or self.horizon is not None:
            return None
        return "horizon=None remembers every id for ever; give a horizon, such as horizon='1D'"

    @cached_property
    def _span(self) -> int | None:
        return None if self.horizon is None else parsing.duration(self.horizon, "horizon")

    def initial(self) -> State:
        return {"seen": seen.initial(), "newest": NAT}

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        ids, rows = self._ids(events[self.by])
        times = events.microseconds(self.on)
        mark = Watermark(state["newest"], events, times, None if COLUMN in events else 0)
        floors = np.full(len(times), NAT) if self._span is None else mark.after - self._span
        state["newest"] = mark.last
        again = np.zeros(len(events), dtype=bool)
        again[rows] = self._judge(state, ids, times[rows], floors[rows])
        if not again.any():
            return {"good": events, "duplicate": events.take(slice(0))}
        return {"good": events.take(~again), "duplicate": events.take(again)}

    def advance(self, state: State, time: int) -> Outputs:
        state["newest"] = max(state["newest"], time)
        if self._span is not None:
            seen.forget(state["seen"], state["newest"] - self._span)
        return {}

    def _ids(self, array: Any) -> tuple[Any, Any]:
        """Give the ids, as int64 where all are whole numbers, and the rows that have one."""
        if array.dtype.kind == "O":
            with suppress(TypeError):  # what is no text cannot be stripped
                text = np.asarray(array, object)
                if all(map(str.strip, text.tolist())):
                    return text, slice(None)
        _, missing, wrong = parsing.identifiers(array)
        if np.any(wrong):
            raise DataError(
                f"column {self.by!r} holds values that are no ids (lists or dicts): an id is a "
                "number or text; choose another column for by="
            )
        rows = slice(None) if missing is None else np.flatnonzero(~missing)
        ids = array[rows]
        if not isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu":
            ids = ids.to_numpy(ids.dtype.numpy_dtype)
        if ids.dtype.kind == "u" and ids.max(initial=0) < 2**63:
            return ids.astype(np.int64), rows
        return parsing.whole(ids), rows

    def _judge(self, state: State, ids: Any, times: Any, floors: Any) -> Any:
        """Tell which rows come again, some at a time, so that what is looked at stays close."""
        if len(ids) and ids.dtype != np.int64:
            seen.write_out(state["seen"])
        again = np.empty(len(ids), bool)
        for first in range(0, len(ids), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            again[part] = _again(state["seen"], ids[part], times[part], floors[part])
            if self._span is not None:
                seen.forget(state["seen"], int(floors[part][-1]))
        return again


def _again(memory: State, ids: Any, times: Any, floors: Any) -> Any:
    """Tell which rows come again, and remember the others."""
    number, first, names = _distinct(ids)
    if memory["young"]["names"] is not None:
        names = np.asarray(names, object)
    before = seen.recall(memory, names)
    new = before <= floors[first]
    held = np.where(new, times[first], before)
    again = held[number] > floors
    again[first[new]] = False
    lapsed = ~again
    lapsed[first] = False
    if lapsed.any():  # an id is forgotten between two of these rows
        some = np.zeros(len(first), bool)
        some[number[lapsed]] = True
        held[some] = before[some]
        rows = np.flatnonzero(some[number])
        again[rows] = _one_by_one(number[rows], times[rows], floors[rows], held)
    keep = (held != before) & (held > floors[-1])
    seen.remember(memory, names[keep], held[keep], int(floors[-1]))
    return again


def _distinct(ids: Any) -> tuple[Any, Any, Any]:
    """Give each row the number of its id, and each distinct id its first row and itself."""
    rows = np.arange(len(ids))
    whole = ids.dtype == np.int64
    if (ids[1:] > ids[:-1]).all() if whole else len(set(ids.tolist())) == len(ids):
        return rows, rows, ids
    number, names = pd.factorize(ids)
    first = np.empty(len(names), np.int64)
    first[number[::-1]] = rows[::-1]  # of several rows the last one written stays
    return number, first, names


def _one_by_one(number: Any, times: Any, floors: Any, held: Any) -> Any:
    """Judge rows in their order; ``held`` is the time remembered for each id."""
    last, again = held.tolist(), []
    for name, time, floor in zip(number.tolist(), times.tolist(), floors.tolist(), strict=True):
        again.append(last[name] > floor)
        if not again[-1]:
            last[name] = time
    held[:] = last
    return again


dedupe = register("dedupe")(Dedupe)
