"""Forecasts: the next ticks, with an interval that past errors made, and a score that runs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.filters import weights
from rtlab.periods import check_missing, check_regular, complete
from rtlab.rolling import RollingDecompose
from rtlab.season import check_periods
from rtlab.spacing import later, pace
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, WholeSeries, check_count

ENDS = ("mean", "lower", "upper")
METHODS = ("decomposition", "seasonal_naive", "holt_winters")
SPREAD = 12
"""Ticks of the trend that make the level: it is smooth, and each is a filter to build."""
MEMORY = 200
"""Errors that are held of each step, at least: the intervals follow a series that changes."""
CLOCK = 6
"""Ticks whose times are held: of so many, not even years are all of the same length."""
ORIGINS = 100
"""Origins in the past from which a finished series is forecast, to learn its errors."""


@dataclass(frozen=True)
class RollingForecast(SeriesStep):
    """Forecast the next ticks again and again, and score each forecast as its ticks come.

    Parameters
    ----------
    data : Series, DataFrame or array
        Regular ticks; several series side by side, or in a long frame with ``by``.
    horizon : int
        How many ticks to forecast.
    period : int or sequence of int
        Ticks in a season, as 24 or [24, 168] for hours.
    every : int, optional
        Forecast after every so many ticks; by default after ``horizon``.
    method : {"decomposition", "seasonal_naive", "holt_winters"}, default "decomposition"
        See the notes.
    window : int, optional
        Ticks of the trailing window, by default five of the longest period; at least two.
    level : float, default 0.9
        The share of ticks that the intervals are to hold.
    by, value : str, optional
        Of a long frame: the columns that name a series, and the column with its numbers.

    Returns
    -------
    DataFrame
        A row for each tick that is forecast, indexed by the tick at which the forecast was made,
        the origin: ``step`` (1 for the next tick), ``time`` (the tick's number in its series,
        from 0, where labels are no times), ``mean``,
        ``lower`` and ``upper`` in the unit of the data; and how good the forecasts were so far:
        ``coverage``, the share of ticks inside their interval, and ``mase``. An array gives an
        array (origins, series, parts): coverage, mase, means, lower and upper ends.

    Raises
    ------
    ParameterError
        If a parameter breaks its rule.
    DataError
        If the ticks are not at equal distances.

    Notes
    -----
    **Methods.** "decomposition": seasons that stay the same in the window, by STL or MSTL, and as
    level the mean of the trend at ticks spread over the last longest period (all, or a dozen). It
    is one product of matrices, for thousands of series at once. "seasonal_naive": the ticks of one
    longest period before.
    "holt_winters": additive season and damped trend by statsmodels [1]_, fitted anew to each
    window, so that each origin takes some 0.1 s. It takes one period.

    Only "holt_winters" continues a rise. On R's ``co2`` and the logarithm of ``AirPassengers``,
    which rise, its ``mase`` a year ahead was 0.35 and 0.35, that of "decomposition" 1.10 and 0.88,
    no better than repeating the last year; on ``nottem``, which does not, 0.72 and 0.71.

    **Intervals** hold the mean ± the k-th smallest of the n last absolute errors at the same
    step, k = ⌈(n + 1) level⌉: split conformal prediction [2]_, which needs no distribution. They
    are NaN while k > n: for a level of 0.9 until nine forecasts of that step have been seen. At
    least 200 errors of a step are held, so that a level is 0.995 at most.

    **Score.** ``mase`` is the mean absolute error over that of the seasonal naive method within
    the window at the origin [3]_: below 1 is better than repeating the last season. Where a
    window repeats itself exactly, that error is 0, and its forecasts are not scored.

    A window with a missing tick gives no forecast, and a missing tick is no error.

    **Times** go on as the last six ticks did: in equal steps, in days on the clock of the zone, or
    in months, on the same day or the last.

    References
    ----------
    .. [1] P. R. Winters, "Forecasting sales by exponentially weighted moving averages",
       Management Science 6 (1960).
    .. [2] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free
       predictive inference for regression", Journal of the American Statistical Association 113
       (2018).
    .. [3] R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy",
       International Journal of Forecasting 22 (2006).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> week = pd.Series([3, 2, 1, -1, -1, -2, -2] * 6) + 10
    >>> rt.rolling_forecast(week, horizon=2, period=7).tail(2)["mean"].round(6).tolist()
    [13.0, 12.0]
    """

    horizon: int
    period: int | Sequence[int]
    every: int | None = None
    method: str = "decomposition"
    window: int | None = None
    level: float = 0.9

    regular: ClassVar[bool] = True
    timed: ClassVar[bool | str] = "perhaps"
    adds: ClassVar[tuple[str, ...]] = ("step", "time", *ENDS)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"horizon": 3, "period": 4, "window": 8, "level": 0.5},
        {"horizon": 5, "period": [2, 3], "every": 2, "window": 7, "method": "seasonal_naive"},
        {"horizon": 3, "period": 4, "window": 8, "by": "product_id", "value": "revenue"},
    )

    def __post_init__(self) -> None:
        check_count("horizon", self.horizon, 1, unit="tick", remedy=24)
        if self.every is not None:
            check_count("every", self.every, 1, unit="tick", remedy=24)
        if self.method not in METHODS:
            raise ParameterError(f"method={self.method!r}: it is one of {', '.join(METHODS)}")
        check_periods(self.period, None)
        if self.method == "holt_winters" and len(self._plan.periods) > 1:
            raise ParameterError(
                f"period={self.period!r} with method='holt_winters': it takes one period; use "
                "method='decomposition' for several"
            )
        good = isinstance(self.level, (float, np.floating)) and 0 < self.level < 1
        if not good:
            raise ParameterError(
                f"level={self.level!r}: the share of ticks inside is between 0 and 1; try 0.9"
            )
        if self._rank(MEMORY) > MEMORY:  # its intervals would stay NaN for ever
            raise ParameterError(
                f"level={self.level!r}: {MEMORY} errors of each step make an interval, which "
                "holds a share of 0.995 at most; try 0.99"
            )

    @cached_property
    def _plan(self) -> RollingDecompose:
        return RollingDecompose(self.period, window=self.window, seasonal="periodic")

    @property
    def _longest(self) -> int:
        return self._plan.periods[-1]

    @property
    def _gap(self) -> int:
        return self.horizon if self.every is None else self.every

    @property
    def _open(self) -> int:
        """Origins whose forecasts may still meet a tick."""
        return -(-self.horizon // self._gap)

    @property
    def _held(self) -> int:
        """Origins whose errors are held, so that the last step too has its ``MEMORY``."""
        return MEMORY + self._open - 1

    def _rank(self, count: Any) -> Any:
        """Tell which of so many errors, in order, the interval reaches to."""
        return np.maximum(np.ceil((count + 1) * self.level - 1e-9), 1).astype(np.int64)

    @property
    def cycle(self) -> tuple[int, int]:  # type: ignore[override]
        """After how many ticks a state is used alike."""
        return (0, self._gap)

    @property
    def parts(self) -> tuple[str, ...]:
        """What is answered at an origin."""
        ends = [f"{end}_{step}" for end in ENDS for step in range(1, self.horizon + 1)]
        return ("coverage", "mase", "far", *ends)

    def places(self, tick: int, ticks: int) -> slice:  # noqa: ARG002
        return slice((-tick - 1) % self._gap, None, self._gap)

    def begin(self, width: int) -> State:
        made = (self._open, self.horizon, width)
        return {
            "rows": np.full((self._plan.size, width), np.nan),
            "when": np.full((min(CLOCK, self._plan.size), width), -1),  # times of the last ticks
            "means": np.full(made, np.nan),  # of the origins that are open, oldest first
            "reach": np.full(made, np.nan),  # half of their intervals
            "usual": np.full((self._open, width), np.nan),  # the errors of the naive method
            "errors": np.full((self._held, self.horizon, width), np.nan),  # of the last origins
            "score": np.zeros((4, width)),  # ticks with an interval, inside; errors, their sum
        }

    @np.errstate(all="ignore")  # 0 / 0 before there is a score, and the largest doubles
    def take(self, state: State, values: Values, times: Any) -> Values:
        values = np.where(np.isfinite(values), values, np.nan)
        counted = times is None
        if counted:
            times = state["when"][-1:] + 1 + np.arange(len(values))[:, None]
        rows = np.concatenate([state["rows"], values])
        when = np.broadcast_to(times, values.shape)
        when = np.concatenate([state["when"], when])
        answers, done, size = [], 0, self._plan.size
        while done < len(values):
            since = (state["tick"] + done) % self._gap
            until = min(done + self._gap - since, len(values))
            self._meet(state, values[done:until], since)
            if since + until - done == self._gap:
                last = when[until : until + len(state["when"])]
                far = (last[-1] if counted else pace(last)).astype(np.float64)
                answers.append(self._forecast(state, rows[until : until + size], far))
            done = until
        state["rows"], state["when"] = rows[len(values) :].copy(), when[len(values) :].copy()
        shape = (0, values.shape[1], len(self.parts))
        return np.stack(answers) if answers else np.zeros(shape)

    def _steps(self, age: int) -> Any:
        """Count the steps that an open origin's forecasts reach before the next origin."""
        return np.arange(age * self._gap, min((age + 1) * self._gap, self.horizon))

    def _meet(self, state: State, values: Values, since: int) -> None:
        """Compare ticks with what the open origins said of them, the newest ``since`` ago."""
        for age in range(self._open):
            steps = self._steps(age)[since : since + len(values)]
            error = values[: len(steps)] - state["means"][self._open - 1 - age, steps]
            state["errors"][self._held - 1 - age, steps] = error

    def _score(self, state: State) -> Values:
        """Add up what came since the last origin, at once, so that no cut changes a digit."""
        for age in range(self._open):
            row, steps = self._open - 1 - age, self._steps(age)
            error = abs(state["errors"][self._held - 1 - age, steps])
            reach, scaled = state["reach"][row, steps], error / state["usual"][row]
            told, known = np.isfinite(reach) & np.isfinite(error), np.isfinite(scaled)
            more = told, told & (error <= reach), known, np.where(known, scaled, 0)
            sums = [one.cumsum(axis=0)[-1] for one in more]
            state["score"] = state["score"] + np.stack(sums)
        told, inside, known, total = state["score"]
        return np.stack([inside / told, total / known])  # 0 / 0: there is no score yet

    def _forecast(self, state: State, window: Values, far: Values) -> Values:
        """Forecast from a window; give the answer's parts, for each series."""
        score = self._score(state)
        means = self._means(window)
        past = window[self._longest :] - window[: -self._longest]
        usual = abs(past).cumsum(axis=0)[-1] / len(past)  # in one order, alone or among others
        reach = self._reach(state["errors"])
        for name, new in (("means", means), ("reach", reach), ("usual", usual)):
            state[name] = np.concatenate([state[name][1:], new[None]])
        none = np.full((1, *means.shape), np.nan)
        state["errors"] = np.concatenate([state["errors"][1:], none])
        return np.concatenate([score, far[None], means, means - reach, means + reach]).T

    def _reach(self, errors: Values) -> Values:
        """Give half an interval for each step: what the errors of past origins say."""
        ordered = np.sort(abs(errors), axis=0)  # NaN last
        count = (~np.isnan(errors)).sum(axis=0)
        rank = self._rank(count)
        found = np.take_along_axis(ordered, np.minimum(rank, len(errors))[None] - 1, axis=0)[0]
        return np.where(rank <= count, found, np.nan)

    @cached_property
    def _filters(self) -> Values:
        """The forecast of each step as a filter of the window."""
        size, longest = self._plan.size, self._longest
        ahead = np.arange(self.horizon)
        if self.method == "seasonal_naive":
            return np.eye(size)[size - longest + ahead % longest]
        spread = range(0, longest, -(-longest // SPREAD))
        again = {period: period - 1 - ahead % period for period in self._plan.periods}
        lags = sorted({*spread}.union(*(steps.tolist() for steps in again.values())))
        rows = weights(self._plan.plan, tuple(lags))
        level = rows[np.searchsorted(lags, spread), 0].mean(axis=0)
        found = np.broadcast_to(level, (self.horizon, size)).copy()
        for place, steps in enumerate(again.values(), 1):
            found += rows[np.searchsorted(lags, steps), place]
        return found

    def _means(self, window: Values) -> Values:
        if np.isnan(window).any(axis=0).all():  # no filters are built for nothing
            return np.full((self.horizon, window.shape[1]), np.nan)
        if self.method != "holt_winters":
            pivot = window[-1]  # common digits cost nothing
            return np.asarray(self._filters @ (window - pivot) + pivot)
        known = ~np.isnan(window).any(axis=0)
        means = np.full((self.horizon, window.shape[1]), np.nan)
        for series in np.flatnonzero(known):
            means[:, series] = _holt_winters(window[:, series], self._longest, self.horizon)
        return means

    def chosen(self, answers: Values) -> Any:
        return np.isfinite(answers[..., 3])

    def dress(self, frame: Any) -> Any:
        """Give a row to each tick that is forecast."""
        if not isinstance(frame, pd.DataFrame):
            return frame
        steps = np.arange(1, self.horizon + 1)
        numbers = frame[list(self.parts)].to_numpy(np.float64)
        ends = numbers[:, 3:].reshape(len(frame), len(ENDS), self.horizon)
        score = np.repeat(numbers[:, :2], self.horizon, axis=0)
        told = frame.drop(columns=list(self.parts))
        told = told.iloc[np.repeat(np.arange(len(frame)), self.horizon)]
        return told.assign(
            step=np.tile(steps, len(frame)),
            time=later(frame.index, numbers[:, 2].astype(np.int64), steps),
            **{end: ends[:, place].ravel() for place, end in enumerate(ENDS)},
            coverage=score[:, 0],
            mase=score[:, 1],
        )


def _holt_winters(window: Values, period: int, horizon: int) -> Values:
    """Fit Holt–Winters to a window, and forecast."""
    tools = optional("statsmodels.tsa.holtwinters", "stats")
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # of fits that did not converge
        warnings.simplefilter("ignore")
        fit = tools.ExponentialSmoothing(
            window, trend="add", damped_trend=True, seasonal="add", seasonal_periods=period,
            initialization_method="estimated",
        ).fit()  # fmt: skip
        return np.asarray(fit.forecast(horizon))


@dataclass(frozen=True, eq=False)
class Outlook:
    """What :func:`forecast` found.

    Attributes
    ----------
    observed : Series of float64
        The series that was continued.
    table : DataFrame
        Indexed by the times that are forecast: ``mean``, ``lower`` and ``upper``.
    method : str
    level : float
        The share of ticks that the intervals are to hold.
    coverage, mase : float
        How good forecasts from earlier origins were; NaN where there were none.
    """

    observed: pd.Series[float]
    table: pd.DataFrame
    method: str
    level: float
    coverage: float
    mase: float

    def frame(self) -> pd.DataFrame:
        """Give the forecast as a table."""
        return self.table

    def plot(self, **how: Any) -> Any:
        """Draw the end of the series, the forecast and its interval; ``title`` and ``unit``."""
        from rtlab.marks import plot_forecast  # noqa: PLC0415  (drawing is an extra)

        return plot_forecast(self, **how)

    def __repr__(self) -> str:
        first, last = self.table.index[0], self.table.index[-1]
        held = f"of earlier forecasts {self.coverage:.0%} lay in their {self.level:.0%} intervals"
        held = "too few earlier forecasts to judge intervals" if np.isnan(self.coverage) else held
        scored = f", MASE {self.mase:.2f}" * bool(np.isfinite(self.mase))
        return (
            f"Forecast of {len(self.table)} ticks by {self.method}, {first} to {last}: mean "
            f"{self.table['mean'].mean():.4g}; {held}{scored}"
        )


@dataclass(frozen=True)
class Forecast(WholeSeries):
    """Forecast the ticks after the end of a series.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    horizon : int
        How many ticks to forecast.
    period : int or sequence of int
    method : {"decomposition", "seasonal_naive", "holt_winters"}, default "decomposition"
    window : int, optional
    level : float, default 0.9
        As for :func:`rolling_forecast`.
    missing : {"raise", "interpolate"}, default "raise"
        Refuse missing ticks, or fill them in a straight line.

    Returns
    -------
    Outlook

    Raises
    ------
    DataError
        If the series is shorter than the window, irregular or has missing ticks.
    ParameterError
        If a parameter breaks its rule.

    Notes
    -----
    It is the last answer of :func:`rolling_forecast`, from about a hundred origins up to the end.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> week = pd.Series([3, 2, 1, -1, -1, -2, -2] * 6) + 10
    >>> rt.forecast(week, horizon=3, period=7).table["mean"].round(6).tolist()
    [13.0, 12.0, 11.0]
    """

    horizon: int
    period: int | Sequence[int]
    method: str = "decomposition"
    window: int | None = None
    level: float = 0.9
    missing: str = "raise"

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"horizon": 3, "period": 4, "window": 8, "missing": "interpolate"},
    )

    def __post_init__(self) -> None:
        check_missing(self.missing)
        self._rolling(1)

    def _rolling(self, every: int) -> RollingForecast:
        return RollingForecast(
            self.horizon, self.period, every, self.method, self.window, self.level
        )

    def answer(self, series: Any) -> Outlook:
        """Forecast what follows the finished series."""
        size = self._rolling(1)._plan.size  # noqa: SLF001  (it is the same module's)
        if len(series) < size:
            raise DataError(
                f"{len(series)} ticks: forecast needs a window of {size}; give a longer series, "
                "or a smaller window (at least two periods)"
            )
        check_regular("forecast", series.index)
        filled, _ = complete("forecast", series, self.missing)
        every = max(1, (len(series) - size) // ORIGINS)
        whole = filled.iloc[len(filled) % every :]
        step = self._rolling(every)
        state = step.initial()
        found = outlook(filled, step.update(state, whole)["result"], step)
        return replace(found, table=found.table.set_axis(self._after(series.index, found.table)))

    def _after(self, index: Any, table: pd.DataFrame) -> Any:
        """Give the labels after the last: times, periods or numbers as they went on."""
        if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
            return table.index
        steps = np.arange(1, self.horizon + 1)
        if isinstance(index, pd.PeriodIndex):
            return pd.period_range(index[-1] + 1, periods=self.horizon, name=index.name)
        numbers = index if pd.api.types.is_numeric_dtype(index.dtype) else range(len(index))
        return pd.Index(numbers[-1] + (numbers[-1] - numbers[-2]) * steps, name=index.name)


def outlook(observed: Any, forecasts: pd.DataFrame, step: RollingForecast) -> Outlook:
    """Give the newest of the forecasts of one series, which was ``observed``."""
    last = forecasts.tail(step.horizon)
    table = last.set_index("time")[[*ENDS]].rename_axis(observed.index.name)
    coverage, mase = (float(last[name].iloc[-1]) for name in ("coverage", "mase"))
    return Outlook(observed, table, step.method, step.level, coverage, mase)


rolling_forecast = register("rolling_forecast")(RollingForecast)
forecast = register("forecast")(Forecast)
