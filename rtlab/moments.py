"""Moments and order of trailing windows: variance, deviation, z-score, extremes and quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rtlab.errors import ParameterError
from rtlab.smooth import MovingMedian
from rtlab.steps import State, register
from rtlab.ticks import Values, check_count
from rtlab.trailing import Folding, counted, divided, running


@dataclass(frozen=True)
class MovingVariance(Folding):
    """Variance of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center
        As for ``moving_average``.
    ddof : int, default 1
        The sum of squares is divided by the number of values minus this.
    by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or array of float64
        In the square of the data's unit, in the kind and with the index of the data. Missing and
        infinite values do not count. A window with no more than ``ddof`` values is NaN.

    Raises
    ------
    ParameterError
        If the window, ``min_periods`` or ``ddof`` breaks its rule.
    DataError
        If a window of time meets ticks without times, or times that run backward.

    Notes
    -----
    It equals pandas' ``rolling(window, min_periods, center).var(ddof)``, and keeps its digits
    where that loses them: far from zero, and after a huge value has left the window. A variance
    is never a difference of large sums: each value adds its square distance from the mean of
    those before it [1]_, and two blocks are put together by their counts, means and squares [2]_.

    References
    ----------
    .. [1] B. P. Welford, "Note on a method for calculating corrected sums of squares and
       products", Technometrics 4 (1962).
    .. [2] T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample
       variance: analysis and recommendations", The American Statistician 37 (1983).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_variance(pd.Series([1, 2, 6, 1]), window=3).tolist()
    [nan, nan, 7.0, 7.0]
    """

    ddof: int = 1

    nothing: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)  # count, pivot, sum, squares
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 12},
        {"window": "5h", "ddof": 0},
        {"window": 4, "center": True, "min_periods": 2, "by": "product_id"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("ddof", self.ddof, 0, unit="values", remedy=1)
        if self.span is None and self.ddof >= self.size:
            raise ParameterError(
                f"ddof={self.ddof} with window={self.window}: a window needs more values than "
                f"ddof; try window={self.ddof + 1}, or ddof=0"
            )

    def scan(self, start: Values, rows: Values) -> Values:
        """Count, and sum the distances from a pivot: the first value, exact and near the rest."""
        folds = np.empty((4, *rows.shape))
        count, pivot, total, squares = folds
        known = counted(start[0], rows, count)
        first = np.take_along_axis(rows, known.argmax(axis=1)[:, None], axis=1)
        pivot[:] = np.where(start[0] > 0, start[1], np.where(np.isnan(first), 0.0, first))
        away = np.where(known, rows - pivot, 0.0)
        running(np.add, start[2], away.copy(), total)
        mean = total / np.maximum(count, 1)
        earlier = np.empty_like(mean)
        earlier[:, 0], earlier[:, 1:] = start[2] / np.maximum(start[0], 1), mean[:, :-1]
        away -= earlier
        grown = away * ((count - 1) / np.maximum(count, 1)) * away
        running(np.add, start[3], np.where(known, grown, 0.0), squares)
        return folds

    def merge(self, before: Values, after: Values) -> Values:
        folds = np.empty_like(after)
        count, pivot, total, squares = folds
        np.add(before[0], after[0], out=count)
        pivot[:] = after[1]
        moved = after[1] - before[1]
        np.subtract(before[2] + after[2], before[0] * moved, out=total)
        apart = after[2] / np.maximum(after[0], 1) - before[2] / np.maximum(before[0], 1) + moved
        weight = before[0] * after[0] / np.maximum(count, 1)
        np.add(before[3] + after[3], apart * weight * apart, out=squares)
        return folds

    def answer(self, folds: Values, values: Values) -> Values:  # noqa: ARG002
        count, squares = folds[0], folds[3]
        freedom = count - self.ddof
        enough = (count >= self.least) & (freedom > 0)
        return divided(squares, freedom, enough)


@dataclass(frozen=True)
class MovingStd(MovingVariance):
    """Standard deviation of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center, ddof, by, value
        As for ``moving_variance``.

    Returns
    -------
    Series, DataFrame or array of float64
        In the unit of the data; otherwise as ``moving_variance``, whose square root it is.

    Raises
    ------
    ParameterError, DataError
        As ``moving_variance``.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_std(pd.Series([2, 4, 4, 6]), window=2, ddof=0).tolist()
    [nan, 1.0, 0.0, 1.0]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"window": 5, "min_periods": 2},)

    def answer(self, folds: Values, values: Values) -> Values:
        return np.sqrt(super().answer(folds, values))


@dataclass(frozen=True)
class MovingZscore(MovingVariance):
    """How many standard deviations each tick is from the mean of its window.

    Parameters
    ----------
    data, window, min_periods, center, ddof, by, value
        As for ``moving_variance``.

    Returns
    -------
    Series, DataFrame or array of float64
        (x − mean) / std, without a unit, of the window that ends with x and holds it, or lies
        around it when centred. NaN where x is missing or infinite, where the window is
        constant, and where ``moving_variance`` is NaN.

    Raises
    ------
    ParameterError, DataError
        As ``moving_variance``.

    Notes
    -----
    As x is itself in the window of n values, the score is never beyond (n − 1) / √n [1]_: 2.67
    for 9 values. To judge a tick by those before it only, use ``alarms``.

    References
    ----------
    .. [1] R. E. Shiffler, "Maximum Z scores and outliers", The American Statistician 42 (1988).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_zscore(pd.Series([1, 2, 3, 2]), window=3).round(3).tolist()
    [nan, nan, 1.0, -0.577]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 6},
        {"window": 6, "center": True, "min_periods": 3},
        {"window": "6h", "min_periods": 2, "by": "product_id"},
    )

    def begin(self, width: int) -> State:
        return super().begin(width) | {"recent": np.full((self.ahead, width), np.nan)}

    def about(self, state: State, rows: Values) -> Values:
        held = np.concatenate([state["recent"], rows])
        state["recent"] = held[len(rows) :].copy()
        return held[: len(rows)]

    def answer(self, folds: Values, values: Values) -> Values:
        count, pivot, total, _ = folds
        spread = np.sqrt(super().answer(folds, values))
        away = values - pivot - total / np.maximum(count, 1)
        return divided(away, spread, spread > 0)


@dataclass(frozen=True)
class MovingMin(Folding):
    """Least of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center, by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or array of float64
        In the unit of the data, in its kind and with its index. Missing and infinite values do not
        count. It equals pandas' ``rolling(window, min_periods, center).min()``.

    Raises
    ------
    ParameterError
        If the window or ``min_periods`` breaks its rule.
    DataError
        If a window of time meets ticks without times, or times that run backward.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_min(pd.Series([3, 1, 2, 5, 4]), window=3).tolist()
    [nan, nan, 1.0, 1.0, 2.0]
    """

    better: ClassVar[Any] = np.minimum
    nothing: ClassVar[tuple[float, ...]] = (0.0, np.inf)  # count, least
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 5},
        {"window": "5h"},
        {"window": 4, "center": True, "min_periods": 1, "by": "product_id"},
    )

    def scan(self, start: Values, rows: Values) -> Values:
        folds = np.empty((2, *rows.shape))
        known = counted(start[0], rows, folds[0])
        running(self.better, start[1], np.where(known, rows, self.nothing[1]), folds[1])
        return folds

    def merge(self, before: Values, after: Values) -> Values:
        return np.stack([before[0] + after[0], self.better(before[1], after[1])])

    def answer(self, folds: Values, values: Values) -> Values:  # noqa: ARG002
        return np.where(folds[0] >= self.least, folds[1], np.nan)


@dataclass(frozen=True)
class MovingMax(MovingMin):
    """Greatest of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center, by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or array of float64
        As ``moving_min``; it equals pandas' ``rolling(window, min_periods, center).max()``.

    Raises
    ------
    ParameterError, DataError
        As ``moving_min``.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_max(pd.Series([3, 1, 2, 5, 4]), window=3).tolist()
    [nan, nan, 3.0, 5.0, 5.0]
    """

    better: ClassVar[Any] = np.maximum
    nothing: ClassVar[tuple[float, ...]] = (0.0, -np.inf)


@dataclass(frozen=True)
class MovingQuantile(MovingMedian):
    """Quantile of the last ``window`` ticks, or of those around each tick.

    Parameters
    ----------
    data, window, min_periods, center
        As for ``moving_average``.
    q : float, default 0.5
        From 0, the least, to 1, the greatest.
    by, value
        As for ``moving_average``.

    Returns
    -------
    Series, DataFrame or array of float64
        In the unit of the data, in its kind and with its index. Missing and infinite values do not
        count. Between two values it lies on the straight line, as in pandas and numpy.

    Raises
    ------
    ParameterError
        If the window, ``min_periods`` or ``q`` breaks its rule.
    DataError
        If a window of time meets ticks without times, or times that run backward.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.moving_quantile(pd.Series([1, 2, 6, 1]), window=3, q=0.75).tolist()
    [nan, nan, 4.0, 4.0]
    """

    q: float = 0.5

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 7, "q": 0.9},
        {"window": "5h", "q": 0.25},
        {"window": 4, "center": True, "min_periods": 1, "q": 1, "by": "product_id"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        q: Any = self.q
        if not isinstance(q, (int, float, np.number)) or not 0 <= q <= 1:
            raise ParameterError(
                f"q={q!r}: a quantile is between 0, the least, and 1, the greatest; try q=0.9"
            )

    def pick(self, rolling: Any) -> Any:
        return rolling.quantile(self.q)


moving_variance = register("moving_variance")(MovingVariance)
moving_std = register("moving_std")(MovingStd)
moving_zscore = register("moving_zscore")(MovingZscore)
moving_min = register("moving_min")(MovingMin)
moving_max = register("moving_max")(MovingMax)
moving_quantile = register("moving_quantile")(MovingQuantile)
