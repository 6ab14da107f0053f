"""What is kept: the events that meet a condition, and each event once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import parsing
from rtlab.columns import Columns
from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.steps import Outputs, State, Step, register

__all__ = ["dedupe", "keep"]


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
        How long, in event time behind the newest event, an id is remembered. Without it every id
        is, which a finished log allows and a live stream does not.
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
    Never by content: two equal lines may both be true.

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
        if self.horizon is not None:
            parsing.duration(self.horizon, "horizon")

    def refuses(self, *, ends: bool) -> str | None:
        if ends or self.horizon is not None:
            return None
        return "horizon=None remembers every id for ever; give a horizon, such as horizon='1D'"

    def initial(self) -> State:
        return {"seen": {}, "newest": None, "swept": None}

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        if not events.names:
            return {}
        ids, missing, wrong = parsing.identifiers(events[self.by])
        if np.any(wrong):
            raise DataError(
                f"column {self.by!r} holds values that are no ids (lists or dicts): an id is a "
                "number or text; choose another column for by="
            )
        times = events.microseconds(self.on).tolist()
        again = np.zeros(len(events), dtype=bool)
        span = None if self.horizon is None else parsing.duration(self.horizon, "horizon")
        seen, newest = state["seen"], state["newest"]
        unnamed = missing.tolist() if missing is not None else [False] * len(times)
        for row, (name, time, nameless) in enumerate(
            zip(ids.tolist(), times, unnamed, strict=True)
        ):
            if newest is None or time > newest:
                newest = time
            if nameless:
                continue
            before = seen.get(name)
            if before is not None and (span is None or before > newest - span):
                again[row] = True
            else:
                seen[name] = time
        state["newest"] = newest
        self._sweep(state, span)
        return {"good": events.take(~again), "duplicate": events.take(again)}

    @staticmethod
    def _sweep(state: State, span: int | None) -> None:
        """Forget ids behind the horizon, each time that it has moved by its own length."""
        newest, swept = state["newest"], state["swept"]
        if span is None or newest is None:
            return
        if swept is None or newest - swept >= span:
            state["seen"] = {i: t for i, t in state["seen"].items() if t > newest - span}
            state["swept"] = newest


dedupe = register("dedupe")(Dedupe)
