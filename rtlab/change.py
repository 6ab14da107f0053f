"""Change: differences of any order and lag, and their exact inverse."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rtlab.errors import DataError, ParameterError
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count


def _check(order: int, lag: int) -> None:
    check_count("order", order, 1, unit="difference", remedy=1)
    check_count("lag", lag, 1, unit="tick", remedy=1)


@dataclass(frozen=True)
class Difference(SeriesStep):
    """Change from the tick ``lag`` before, taken ``order`` times.

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        Ticks; the columns are series side by side, or ``by`` tells them apart.
    order : int, default 1
        How often: 2 is the change of the change.
    lag : int, default 1
        How far back: 24 compares an hour with the same hour yesterday.
    by : str or list of str, optional
        Key columns of a long frame: each key is a series of its own.
    value : str, optional
        The column of a long frame that holds the numbers.

    Returns
    -------
    Series, DataFrame or ndarray of float64
        In the unit of the data, in its kind and with its index. The first ``order * lag`` ticks
        have nothing before them and are NaN, as in pandas' ``diff``. Integers below 2**53 stay
        exact, if their differences are below it too; beyond, a float64 does not hold each.

    Raises
    ------
    ParameterError
        If ``order`` or ``lag`` is not a whole number of at least 1.

    See Also
    --------
    integrate : the inverse.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.difference(pd.Series([1, 2, 4, 8])).tolist()
    [nan, 1.0, 2.0, 4.0]
    >>> rt.difference(pd.Series([1, 2, 4, 8]), order=2).tolist()
    [nan, nan, 1.0, 2.0]
    """

    order: int = 1
    lag: int = 1

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"lag": 3},
        {"order": 2, "lag": 2, "by": "product_id"},
    )
    cycle: ClassVar[tuple[int, int] | None] = (0, 1)

    def __post_init__(self) -> None:
        _check(self.order, self.lag)

    def begin(self, width: int) -> State:
        return {"last": np.full((self.order * self.lag, width), np.nan)}

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        rows = np.concatenate([state["last"], values])
        state["last"] = rows[len(values) :].copy()
        return differences(rows, self.order, self.lag)


def differences(rows: Values, order: int, lag: int) -> Values:
    """Take each row from the one ``lag`` later, ``order`` times; so many rows fewer are left."""
    for _ in range(order):
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is missing, quietly
            rows = rows[lag:] - rows[:-lag]
    return rows


@dataclass(frozen=True)
class Integrate(SeriesStep):
    """Series whose differences these are: the inverse of ``difference``.

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        Differences, as ``difference`` gave them or without its leading NaN rows.
    start : float, sequence, Series or DataFrame
        The first ``order * lag`` ticks of the series itself, oldest first. For a frame, one
        column for each of its own, or one for all; for keys of a long frame, one for all.
    order, lag, by, value
        As for ``difference``.

    Returns
    -------
    Series, DataFrame or ndarray of float64
        With the index of the differences. Where a series begins with NaN, ``start`` takes the
        place of its first ``order * lag`` ticks, which are all NaN then; where it begins with a
        difference, ``start`` are the ticks before it (so that a forecast of differences carries
        on from the last known ticks).

    Raises
    ------
    ParameterError
        If ``start`` has not ``order * lag`` ticks, all known, or ``order`` or ``lag`` is below 1.
    DataError
        If only some of the leading ticks are missing, or ``start`` has other columns.

    Notes
    -----
    Bit for bit on integers below 2**53, and to rounding on other numbers. After a missing
    difference all ticks that build on it are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> prices = pd.Series([250, 300, 280, 310])
    >>> changes = rt.difference(prices)
    >>> rt.integrate(changes, start=prices[:1]).tolist()
    [250.0, 300.0, 280.0, 310.0]
    >>> rt.integrate(pd.Series([5, 5]), start=310).tolist()
    [315.0, 320.0]
    """

    start: Any
    order: int = 1
    lag: int = 1

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"start": 3.0},
        {"start": 3.0, "by": "product_id"},
    )
    cycle: ClassVar[tuple[int, int] | None] = (0, 1)

    def __post_init__(self) -> None:
        _check(self.order, self.lag)
        need = self.order * self.lag
        try:
            values = np.atleast_1d(np.asarray(self.start, dtype=np.float64))
        except (TypeError, ValueError):
            values = np.array([np.nan])
        if values.ndim > 2 or len(values) != need or not np.isfinite(values).all():
            said = " ".join(reprlib.repr(self.start).split())  # a long series in one line
            raise ParameterError(
                f"start={said}: order={self.order} and lag={self.lag} build on the first "
                f"{need} ticks of the series, all known; try start=series[:{need}]"
            )
        if self.by is not None and values.size > need:
            raise ParameterError(
                f"start for {values.size // need} series with by={self.by!r}: keys of a long "
                "frame have one start for all; try a wide frame, as from frame.pivot(...)"
            )
        plain = [tuple(row) if values.ndim == 2 else row for row in values.tolist()]
        object.__setattr__(self, "start", tuple(plain))  # plain numbers: printed, compared, saved

    def begin(self, width: int) -> State:
        start = np.asarray(self.start, dtype=np.float64).reshape(self.order * self.lag, -1)
        if start.shape[1] not in (1, width):
            raise DataError(
                f"start for {start.shape[1]} series and differences of {width}: they belong "
                "together column by column; try start=frame[:order * lag]"
            )
        start = np.broadcast_to(start, (len(start), width))
        stages = [differences(start, n, self.lag)[-self.lag :] for n in range(self.order)]
        unknown = np.full(width, -1)
        return {"stages": np.array(stages), "start": start.copy(), "leading": unknown}

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        """``leading`` is how many of the first ticks are still to come, -1 before any came."""
        need, leading = len(state["start"]), state["leading"]
        left = np.where(leading >= 0, leading, np.where(np.isnan(values[0]), need, 0))
        early = np.arange(len(values))[:, None] < left
        known = np.argwhere(early & ~np.isnan(values))
        if len(known):
            row, series = known[0]
            raise DataError(
                f"row {need - left[series] + row} holds a difference after missing "
                f"rows: with order={self.order} and lag={self.lag} the first {need} rows are all "
                "missing, or the first is not; pass what difference() gave, whole"
            )
        answers = np.empty_like(values)
        for many in np.unique(left).tolist():
            (here,) = np.nonzero(left == many)
            answers[:many, here] = state["start"][need - many :][: len(values), here]
            rows = values[many:, here]
            for stage in reversed(range(self.order)):
                rows, state["stages"][stage][:, here] = _cumulate(
                    state["stages"][stage][:, here], rows
                )
            answers[many:, here] = rows
        state["leading"] = np.maximum(left - len(values), 0)
        return answers


def _cumulate(before: Values, rows: Values) -> tuple[Values, Values]:
    """Add each row to the sum ``lag`` rows before it; give the sums and the last ``lag``."""
    lag = len(before)
    everything = np.concatenate([before, rows, np.zeros((-len(rows) % lag, rows.shape[1]))])
    with np.errstate(invalid="ignore"):
        sums = everything.reshape(-1, lag, rows.shape[1]).cumsum(axis=0)
    sums = sums.reshape(-1, rows.shape[1])[: lag + len(rows)]
    return sums[lag:], sums[len(rows) :].copy()


difference = register("difference")(Difference)
integrate = register("integrate")(Integrate)
