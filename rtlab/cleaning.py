"""What is kept: events become typed columns once, and bad ones are set aside with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import parsing
from rtlab.columns import Columns, bare
from rtlab.errors import MissingColumnError, ParameterError
from rtlab.events import REQUIRED
from rtlab.steps import Outputs, State, Step, register


class _Verdicts:
    """The first reason against each row, if there is one."""

    def __init__(self, rows: int) -> None:
        self.reasons: list[str] = []
        self.codes = np.zeros(rows, dtype=np.int16)  # 0: nothing against it

    def against(self, mask: Any, reason: str) -> None:
        if mask is not None and mask.any():
            self.reasons.append(reason)
            self.codes[mask & (self.codes == 0)] = len(self.reasons)

    def words(self, bad: np.ndarray[Any, Any]) -> Any:
        return Columns.picked(_as_text(tuple(self.reasons)), self.codes[bad])


@cache
def _as_text(reasons: tuple[str, ...]) -> Any:
    return bare(pd.Series(["", *reasons], dtype=str))


@dataclass(frozen=True)
class Clean(Step):
    """Turn events into typed columns; keep the good ones, set the others aside with a reason.

    Parameters
    ----------
    tz : str, optional
        The zone of times that carry none, such as ``"Europe/London"``. An hour that the clocks
        repeat is taken the first time it passes; an hour that they skip is rejected.
    on : str, default "purchase_time"
        The column that holds the event time.
    unit : {"s", "ms", "us", "ns"}, optional
        The unit of times that are numbers, counted from 1970 UTC.
    missing_user : {"reject", "keep"}, default "reject"
        What happens to purchases of nobody known; kept ones form a group of their own.
    returns : {"keep", "reject"}, default "keep"
        What happens to negative quantities; kept ones are marked in ``is_return``.
    not_after : timestamp, optional
        Reject events after this time; by default the bound that the source stamped on the batch.

    Returns
    -------
    good : DataFrame
        The events in the order of arrival: times as ``datetime64[us, UTC]``, ``quantity`` (1 where
        the log has none), ``amount`` = quantity × price (unless the log gives the line's total),
        ``is_return`` (bool), and every other column as it came. Whole numbers stay whole.
    rejected : DataFrame
        The other rows as they came, with ``reason`` (str).

    Raises
    ------
    MissingColumnError
        If ``user_id``, ``product_id`` or the time column is missing.
    DataError
        If a whole time column has no zone and ``tz`` is not given, or holds bare numbers and
        ``unit`` is not given.

    Notes
    -----
    Rows that look alike are kept: real logs hold identical purchases that are both true; see
    :func:`dedupe`. Where a price is written with at most six decimals, the amount is the double
    nearest to the exact product, so that 3 × 0.10 is 0.3.

    Examples
    --------
    >>> import rtlab as rt
    >>> events = [
    ...     {"user_id": 1, "product_id": 7, "purchase_time": "2024-03-04T01:30Z", "price": 250},
    ...     {"user_id": 2, "product_id": 7, "purchase_time": "half past nine", "price": 250},
    ... ]
    >>> good, rejected = rt.clean(events)
    >>> good.amount.tolist(), rejected.reason.tolist()
    ([250], ['unreadable purchase_time'])
    """

    tz: str | None = None
    on: str = "purchase_time"
    unit: str | None = None
    missing_user: str = "reject"
    returns: str = "keep"
    not_after: Any = None

    outputs: ClassVar[tuple[str, ...]] = ("good", "rejected")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"tz": "Asia/Shanghai", "missing_user": "keep", "returns": "reject"},
    )

    def __post_init__(self) -> None:
        parsing.check_zone(self.tz)
        for name in ("missing_user", "returns"):
            if getattr(self, name) not in ("keep", "reject"):
                raise ParameterError(f"{name}={getattr(self, name)!r}: choose 'keep' or 'reject'")
        if self.unit not in (None, "s", "ms", "us", "ns"):
            raise ParameterError(f"unit={self.unit!r}: choose 's', 'ms', 'us' or 'ns'")
        if self.not_after is not None:
            parsing.instant(self.not_after, "not_after")

    def update(self, state: State, batch: Any) -> Outputs:  # noqa: ARG002
        events = Columns.of(batch)
        if not events.names:
            return {}  # not even columns: nothing arrived
        for name in (*REQUIRED[:2], self.on):
            if name not in events:
                raise MissingColumnError(
                    f"column {name!r} is missing; the data has {', '.join(events.names)}: rename "
                    "the column that holds it, as in frame.rename(columns={...})"
                )
        verdicts = _Verdicts(len(events))
        if "_raw" in events:
            verdicts.against(np.asarray(pd.notna(events["_raw"])), "malformed record")
        typed = self._ids(events, verdicts) | self._times(events, verdicts)
        typed |= self._numbers(events, verdicts)
        good = events.without("_raw", "_line").adding(**typed)
        fine = verdicts.codes == 0 if verdicts.reasons else None
        bad = np.zeros(0, np.intp) if fine is None else np.flatnonzero(~fine)
        rejected = events.take(bad).adding(reason=verdicts.words(bad))
        early = _whole(events, typed)  # then no type hangs on a row that is rejected
        if early:
            good = good.adding(**_derived(typed, len(good)))
        if fine is not None:
            good = good.take(fine)
        good = good.adding(**_whole_ids(good, typed))
        return {
            "good": good if early else good.adding(**_settled(events, good)),
            "rejected": rejected,
        }

    def _ids(self, events: Columns, verdicts: _Verdicts) -> dict[str, Any]:
        typed = {}
        for name in REQUIRED[:2]:
            array = events[name]
            alike, missing, wrong = parsing.identifiers(array)
            typed[name] = array if alike is None else Columns.coded(array, alike)
            if name != "user_id" or self.missing_user == "reject":
                verdicts.against(missing, f"missing {name}")
            verdicts.against(wrong, f"unreadable {name}")
        return typed

    def _times(self, events: Columns, verdicts: _Verdicts) -> dict[str, Any]:
        times, missing, naive, skipped = parsing.times(
            events[self.on], self.tz, self.unit, self.on
        )
        moments = times.asi8
        verdicts.against(missing, f"missing {self.on}")
        verdicts.against(naive, f"{self.on} without a zone")
        verdicts.against(skipped, f"{self.on} skipped by a clock change")
        if moments.min(initial=0) == parsing.NAT:
            verdicts.against(moments == parsing.NAT, f"unreadable {self.on}")
        bound = events.not_after
        if self.not_after is not None:
            bound = parsing.instant(self.not_after, "not_after")
        if bound is not None:
            verdicts.against(moments > bound, f"{self.on} in the future")
        return {self.on: times}

    def _numbers(self, events: Columns, verdicts: _Verdicts) -> dict[str, Any]:
        total = "price" if "price" in events else "amount"
        typed = {}
        for name in ("quantity", total):
            if name not in events:
                continue
            numbers, missing, wrong = parsing.numbers(events[name])
            verdicts.against(missing, f"missing {name}")
            verdicts.against(wrong, f"unreadable {name}")
            if numbers.dtype.kind == "f":
                verdicts.against(np.isinf(numbers), f"infinite {name}")
            if name == "quantity":
                verdicts.against(numbers == 0, "zero quantity")
                if self.returns == "reject":
                    verdicts.against(numbers < 0, "return")
            elif name == "price":
                verdicts.against(numbers < 0, "negative price")
            typed[name] = numbers
        if len({"quantity", "price"} & set(typed)) == 2:
            pieces, price = typed["quantity"], typed["price"]
            if parsing.multiplies(pieces, price):
                return typed | {"amount": pieces * price}
            with np.errstate(over="ignore", invalid="ignore"):
                verdicts.against(np.isinf(pieces * price.astype(float)), "amount out of range")
        return typed


def _whole(events: Columns, typed: dict[str, Any]) -> bool:
    """Tell whether amounts have their final type already, whatever the rejected rows hold."""
    money = [events[name].dtype for name in ("price", "amount") if name in events]
    price = typed["price"].dtype.kind if "price" in typed else "f"
    return (
        ("quantity" not in typed or typed["quantity"].dtype == np.int64)
        and all(kind.kind in "iuf" for kind in money)
        and (price == "f" or "amount" in typed or "quantity" not in typed)
    )


def _whole_ids(good: Columns, typed: dict[str, Any]) -> dict[str, Any]:
    """Give ids that are whole numbers their type, once somebody looks at them."""
    odd = [
        name
        for name in REQUIRED[:2]
        if getattr(typed[name], "dtype", None) != np.int64 and good.alike(name) is None
    ]
    return {name: Columns.later(partial(_whole_of, good, name)) for name in odd}


def _whole_of(good: Columns, name: str) -> Any:
    return parsing.whole(good[name])


def _settled(events: Columns, good: Columns) -> dict[str, Any]:
    """Give whole numbers their type, and the columns that follow from others.

    Only good rows count here: what a rejected row held must not change the others' type, since it
    may come in another batch.
    """
    settled = {}
    for name in ("quantity", "price", "amount"):
        if name in events and (name == "quantity" or events[name].dtype.kind not in "iuf"):
            settled[name] = parsing.whole(good[name])
    found = {name: settled.get(name, good[name]) for name in ("quantity", "price") if name in good}
    return settled | _derived(found, len(good))


def _derived(typed: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Give what follows from other columns; a log without quantities sells one piece a line."""
    pieces = typed["quantity"] if "quantity" in typed else np.ones(rows, np.int64)
    derived = {"quantity": pieces}
    if "price" in typed:
        multiplied = typed.get("amount")
        derived["amount"] = (
            parsing.product(pieces, typed["price"]) if multiplied is None else multiplied
        )
    return derived | {"is_return": np.asarray(pieces < 0)}


clean = register("clean")(Clean)
