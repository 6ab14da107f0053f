"""Robust online decomposition: a trend that follows steps, a season that survives outliers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rtlab.errors import ParameterError
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count

_LOOK = 3  # a season that came early or late must explain so many ticks in a row
_MEDIAN = 0.6745  # of the size of a normal surprise, in sigma
_TINY, _HUGE = 1e-60, 1e100  # the least sigma; beyond it, squares could overflow
_GROWS = 0.5  # what two outliers in a row, one on each side, add to sigma
_FREE = 1e9  # a variance, in sigma², of what says nothing
_FLOOR = 1e-5  # of sigma: no change is so small that its penalty becomes infinite
_NARROW = 24  # up to so many series, Python's numbers are faster than arrays of them


@dataclass(frozen=True)
class RobustDecompose(SeriesStep):
    """Take a series apart tick by tick, at the same small cost for every period.

    Parameters
    ----------
    data : Series, DataFrame or array
        Regular ticks; several series side by side, or in a long frame with ``by``.
    period : int
        Ticks in the season; one season only.
    train : int, optional
        The first ticks of a series, from which season, trend and sigma are estimated with
        medians; by default 5 periods, at least 2. They get no answers.
    level, slope : float, optional
        What a change of the trend, and of its slope, costs; by default 0.3 √period and a quarter
        of the period. In noise alone a stiffer trend is better, where it bends it comes late.
    season : float, default 3
        What a change of the season costs. A period's surprise enters it by 1 / (1 + season).
    sigmas : float, default 5
        A tick farther from what was expected is an outlier; it counts by (sigmas / distance)².
    confirm : int, default 5
        So many outliers in a row, on one side, are a step of the trend, which follows at once.
        Missing ticks between them change nothing.
    shift : int, optional
        By how many ticks the season may come early or late; by default a twentieth of the period,
        at most 20. If moving it explains an outlier and the two ticks before, it is moved there.
    iterations : int, default 8
        Rounds of reweighting.
    by, value : str, optional
        Of a long frame: the columns that name a series, and the column with its numbers.

    Returns
    -------
    Like the data, float64
        ``observed``, ``trend``, ``season_<period>`` and ``residual``, in the unit of the data;
        the last three add up to the first. Only the past is used, and no answer is revised. A
        tick that is missing (or infinite, or beyond 1e100) is predicted: the trend goes on at
        its slope, the season is that of a period before, and there is no residual. Missing ticks
        at the beginning do not count as training.

    Raises
    ------
    ParameterError
        If a parameter breaks its rule, or several periods are given.
    DataError
        If the ticks are not at equal distances.

    See Also
    --------
    rolling_decompose : several periods, or the exact STL of a trailing window.

    Notes
    -----
    OneShotSTL [1]_ with fewer unknowns. With σ the usual size of a surprise (a running median,
    which grows by half where two outliers in a row lie on both sides), v the season one period
    before, and w the weight of the tick, trend τ and season s minimise

        Σ w (y − τ − s)² / σ² + season (s − v)² / σ² + level |Δτ| / σ + slope |Δ²τ| / σ.

    The season occurs in two terms, so s = v + w (y − v − τ) / (w + season), and what is left is

        Σ w season / (w + season) (y − v − τ)² / σ² + level |Δτ| / σ + slope |Δ²τ| / σ,

    a trend with two states, τ and its change d. An absolute value |u| counts as
    u² / 2(|u₀| + 10⁻⁵ σ), with u₀ from the round before, for the newest tick only. Then each round
    is a Kalman filter of its own: Δτ = 0 is measured with variance 2σ (|d₀| + 10⁻⁵ σ) / level, and
    d walks with variance 2σ (|Δd₀| + 10⁻⁵ σ) / slope. A trend that lags pushes its error into
    all of the season; the mean of what came in is moved back (re-centring).

    The state is ``train`` + 5 × ``iterations`` + 9 numbers a series. A tick costs the same at
    every period, but for outliers, where 2 ``shift`` + 1 places are tried.

    References
    ----------
    .. [1] X. He, Y. Li, J. Tan, B. Wu and F. Li, "OneShotSTL: One-Shot Seasonal-Trend
       Decomposition For Online Time Series Anomaly Detection And Forecasting", PVLDB 16 (2023).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> revenue = pd.Series([13.0, 9, 11, 7] * 6 + [13, 9, 90, 7])
    >>> rt.robust_decompose(revenue, period=4).tail(2).round(2)
        observed  trend  season_4  residual
    26      90.0   10.0       1.0      79.0
    27       7.0   10.0      -3.0       0.0
    """

    period: int
    train: int | None = None
    level: float | None = None
    slope: float | None = None
    season: float = 3.0
    sigmas: float = 5.0
    confirm: int = 5
    shift: int | None = None
    iterations: int = 8

    regular: ClassVar[bool] = True
    # Each series holds its own place in the period, so that all can be computed together.
    cycle: ClassVar[tuple[int, int] | None] = (0, 1)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"period": 4},
        {"period": 3, "train": 7, "shift": 1, "confirm": 2, "iterations": 2},
        {"period": 2, "by": "product_id"},
    )

    def __post_init__(self) -> None:
        if np.ndim(self.period):
            raise ParameterError(
                f"period={self.period!r}: robust_decompose follows one season; use "
                "rolling_decompose for several"
            )
        check_count("period", self.period, 2, unit="ticks", remedy=24)
        check_count("iterations", self.iterations, 1, unit="round", remedy=8)
        check_count("confirm", self.confirm, 1, unit="tick", remedy=5)
        if self.train is not None:
            least, usual = 2 * self.period, 5 * self.period
            check_count("train", self.train, least, unit="ticks, two periods", remedy=usual)
        if self.shift is not None:
            check_count("shift", self.shift, 0, unit="ticks", remedy=0)
            if self.shift >= self.period:
                raise ParameterError(
                    f"shift={self.shift} with period={self.period}: a season moves by less than a "
                    f"period; try shift={self.period // 20}"
                )
        level, slope = self._costs
        named = {"level": level, "slope": slope, "season": self.season, "sigmas": self.sigmas}
        for name, value in named.items():
            if not (isinstance(value, (int, float)) and 0 < value < math.inf):
                remedy = {"season": 3, "sigmas": 5}.get(name, "None")
                raise ParameterError(f"{name}={value!r}: {name} is above 0; try {name}={remedy}")

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of what is answered for each tick."""
        return "observed", "trend", f"season_{self.period}", "residual"

    @property
    def _train(self) -> int:
        return 5 * self.period if self.train is None else self.train

    @property
    def _shift(self) -> int:
        return min(20, self.period // 20) if self.shift is None else self.shift

    @property
    def _costs(self) -> tuple[float, float]:
        level, slope = self.level, self.slope
        return (
            0.3 * math.sqrt(self.period) if level is None else level,
            self.period / 4 if slope is None else slope,
        )

    def begin(self, width: int) -> State:
        rows = max(self._train, self.period + self._shift + _LOOK)
        return {
            "age": np.zeros(width, dtype=np.int64),  # ticks since the first that was there
            "ring": np.zeros((rows, width)),  # by age: the ticks of the training, then the season
            "filters": np.zeros((self.iterations, 5, width)),  # τ, d, their variances
            "sizes": np.ones((3, width)),  # sigma, its least value, the re-centring
            "recent": np.full((_LOOK - 1, width), np.nan),  # the ticks before, without trend
            "run": np.zeros((3, width)),  # of outliers: age of the last, number, sum
        }

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        values = np.where(abs(values) < _HUGE, values, np.nan)
        answers = np.full((*values.shape, 4), np.nan)
        answers[:, :, 0] = values
        age, done = state["age"], 0
        while done < len(values):  # up to where the next series has learnt enough
            rest, ready = values[done:], (age >= self._train).nonzero()[0]
            left = len(rest) if len(ready) == len(age) else self._learn(state, rest)
            piece, here = rest[:left], slice(done, done + left)
            for some in ready[:, None] if len(ready) <= _NARROW else [ready]:
                answers[here, some, 1:] = self._follow(state, piece[:, some], some)
            age[ready] += left
            done += left
        return answers

    def _learn(self, state: State, rest: Values) -> int:
        """Keep ticks of series in training, from the first that is there, until one is ready.

        Gives the number of ticks that were read.
        """
        age, ring = state["age"], state["ring"]
        (learns,) = (age < self._train).nonzero()
        known = ~np.isnan(rest[:, learns])
        wait = np.where(known.any(axis=0), known.argmax(axis=0), len(rest))
        wait[age[learns] > 0] = 0
        left = min(len(rest), int(np.min(wait + self._train - age[learns])))
        ticks, which = np.nonzero(np.arange(left)[:, None] >= wait)
        columns = learns[which]
        ring[age[columns] + ticks - wait[which], columns] = rest[ticks, columns]
        age[learns] += np.maximum(left - wait, 0)
        ready = learns[age[learns] == self._train]
        if len(ready):
            self._start(state, ready)
        return left

    def _start(self, state: State, columns: Any) -> None:
        """Estimate season, trend and sigma from the training, by medians."""
        period, train, ring = self.period, self._train, state["ring"]
        cycles = train // period
        seen = ring[train - cycles * period : train, columns].reshape(cycles, period, -1)
        change = np.diff(seen, axis=0)
        rises = np.nan_to_num(_median(change, 1))
        slope = _median(rises, 0) / period
        within = slope * (np.arange(period)[:, None] - (period - 1) / 2)
        levels = np.concatenate([0 * rises[:1], rises.cumsum(axis=0)])
        season = _median(seen - levels[:, None] - within, 0)
        known = np.maximum((~np.isnan(season)).sum(axis=0), 1)
        centre = np.nan_to_num(season).cumsum(axis=0)[-1] / known  # one order, however many series
        season = np.nan_to_num(season - centre)
        level = _median(seen[-1] - season - within, 0)
        level = np.where(np.isnan(level), centre + levels[-1], level) + slope * (period - 1) / 2
        floor = np.maximum(1e-9 * np.nanmax(abs(seen), axis=(0, 1), initial=0), _TINY)
        sigma = _median(abs(change - rises[:, None]).reshape(-1, len(columns)), 0)
        sigma = np.fmax(sigma / _MEDIAN / math.sqrt(2), floor)
        ages = np.arange(train - len(ring), train)
        ring[ages[:, None] % len(ring), columns] = season[(ages - train) % period]
        none, variance = 0 * sigma, sigma**2
        state["filters"][..., columns] = np.array(
            [level, slope, 1.5 * variance / period, none, variance / period**3]
        )
        state["sizes"][:, columns] = sigma, floor, none

    def _follow(self, state: State, seen: Values, some: Any) -> Values:
        """Decompose ticks of series past their training.

        One series is followed in Python's numbers, several in arrays: by the same arithmetic, and
        so to the last digit alike. What is rare is judged for each series by itself.
        """
        state["ring"] = np.ascontiguousarray(state["ring"])
        every: Any = np.all
        odd: Any = self._odd_ones
        rows, width = state["ring"].shape
        held = {name: state[name][..., some] for name in ("filters", "sizes", "recent")}
        ring, column, age, ticks = state["ring"].reshape(-1), some, state["age"][some], seen
        if len(some) == 1:
            ring, every, odd = memoryview(ring), bool, self._odd
            column, age, ticks = some.item(), age.item(), seen[:, 0].tolist()
        filters, (scale, floor, moved), recent = map(_parts, held.values())
        rate, costs = 1 / self._train, self._costs
        answers = np.empty((len(seen), 3, len(some)))
        for y, answer in zip(ticks, answers if len(some) > 1 else answers[..., 0], strict=True):
            v = ring[(age - self.period) % rows * width + column]
            ahead = filters[-1][0] + filters[-1][1]
            u, weight, pace = y - ahead, 1.0, 1.0
            off, limit = u - v, self.sigmas * scale
            if not every(abs(off) <= limit):
                v, off, weight, pace, step = odd(state, column, age, [limit, v, u, *recent])
                scale = _step(filters, step, scale, self._fresh)
            recent = [u, *recent[:-1]]
            z, gain = ahead + off, weight / (weight + self.season)
            _filter(filters, z, gain * self.season, scale, costs)
            trend, far = filters[-1][0], abs(off)
            surprise = gain * (z - trend)
            season, moved = v + surprise, moved + surprise / self.period
            ring[age % rows * width + column] = season
            answer[:] = trend + moved, season - moved, y - trend - season
            more, less = far > _MEDIAN * scale, (far <= _MEDIAN * scale) & (scale > floor)
            scale = scale * (1 + rate * pace * more - rate * pace * less)
            age = age + 1
        after = {"filters": filters, "sizes": [scale, floor, moved], "recent": recent}
        for name, array in held.items():
            state[name][..., some] = np.array(after[name]).reshape(array.shape)
        return answers.transpose(0, 2, 1)

    @property
    def _fresh(self) -> float:
        """The variance of the trend right after a step, in sigma²."""
        return (1 + 1 / self.season) / self.confirm

    def _odd(self, state: State, column: int, age: int, now: Sequence[float]) -> Any:
        """Judge a tick that is missing or far off.

        Gives its season, distance and weight, how much faster sigma moves, and the trend's step.
        """
        limit, v, *recent = now
        last, number, total = state["run"][:, column].tolist()
        goes_on = last == age - 1
        if math.isnan(recent[0]):
            state["run"][0, column] = age if goes_on else last
            return v, 0.0, 0.0, 0.0, 0.0
        fits = self._shifted(memoryview(state["ring"][:, column]), age, recent, limit / 2)
        v = min(fits, key=lambda one: abs(recent[0] - one), default=v)
        off = recent[0] - v
        if abs(off) <= limit:
            return v, off, 1.0, 1.0, 0.0
        same = (off > 0) == (total > 0)
        pace = _GROWS * self._train if goes_on and not same else 1.0
        number, total = 1 + number * (goes_on and same), off + total * (goes_on and same)
        if number < self.confirm:
            state["run"][:, column] = age, number, total
            return v, off, (limit / off) * (limit / off), pace, 0.0
        state["run"][:, column] = 0
        return v, off, 1.0, pace, total / number

    def _odd_ones(self, state: State, columns: Any, ages: Any, now: Sequence[Values]) -> Values:
        limit, v, u, *_ = now
        judged = np.array([v, u - v, 1 + 0 * v, 1 + 0 * v, 0 * v])
        for at in np.flatnonzero(~(abs(u - v) <= limit)):
            own = [one[at].item() for one in now]
            judged[:, at] = self._odd(state, columns[at], ages[at].item(), own)
        return judged

    def _shifted(self, ring: Any, age: int, recent: Sequence[float], near: float) -> list[float]:
        """Give the seasons from places near by that explain these ticks."""
        places: Any = range(-self._shift, self._shift + 1)
        for back, u in enumerate(recent):
            start = age - self.period - back
            places = [at for at in places if not abs(u - ring[(start + at) % len(ring)]) > near]
        return [ring[(age - self.period + at) % len(ring)] for at in places]


def _filter(filters: list[Any], z: Any, pull: Any, scale: Any, costs: tuple[Any, Any]) -> None:
    """Take in a tick without its season, round after round; numbers or arrays of them."""
    variance, one, two = scale * scale, 2 / costs[0] * scale, 2 / costs[1] * scale
    least, least_bend = one * _FLOOR * scale, two * _FLOOR * scale
    least = least + (pull == 0) * _FREE * variance  # a tick that is missing holds no trend back
    flat, straight = one * scale / 2 + least, two * scale / 2 + least_bend
    for now in filters:
        x, d, xx, xd, dd = now
        dd = dd + straight
        part = 1 / (dd + flat)  # Δτ = 0 is measured, and added to the trend
        keep = flat * part
        turn = keep - xd * part
        bend = straight * part * d
        x = x + turn * d
        cross = (xd + dd) * keep
        xx = xx + cross + xd * turn
        part = 1 / (variance + pull * xx)  # the tick is measured
        move = pull * part * (z - x)
        cut = variance * part
        now[0] = x + xx * move
        now[1] = d = keep * d + cross * move
        now[2] = xx * cut
        now[3] = xd = cross * cut
        now[4] = keep * dd - pull * part * cross * cross
        flat = one * abs(d) + least
        straight = two * abs(straight * turn * move - bend) + least_bend


def _step(filters: list[Any], step: Any, scale: Any, fresh: float) -> Any:
    """Move the trend where there is a step, and give sigma, which a step never dwarfs."""
    free = step != 0
    for now in filters:
        now[0] = now[0] + step
        now[2] = now[2] * (1 - free) + free * fresh * scale * scale
        now[3] = now[3] * (1 - free)
    least = abs(step) / 1000
    return scale + (least > scale) * (least - scale)


def _parts(array: Values) -> list[Any]:
    """Split up an array to its last axis, the series: to rows, or to numbers if there is one."""
    if array.shape[-1] == 1:
        numbers: list[Any] = array[..., 0].tolist()
        return numbers
    return list(array) if array.ndim == 2 else [list(part) for part in array]


def _median(values: Values, axis: int) -> Values:
    """Give the median of what is there, NaN where nothing is; quietly, and without copies."""
    values = np.sort(values, axis=axis)
    known = (~np.isnan(values)).sum(axis=axis, keepdims=True)
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[axis] - 1)
    both = (np.take_along_axis(values, place, axis) for place in (low, high))
    return np.asarray(sum(both) / 2).squeeze(axis)


robust_decompose = register("robust_decompose")(RobustDecompose)
