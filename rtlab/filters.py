"""Decompositions as filters: a part at one place of a window is a fixed weighted sum of its ticks.

STL without robust weights, MSTL and the classical averages are linear, so that trend and season
are rows of one matrix for every window of the same length. A row comes out when a unit row is
pushed backwards through the stages of the method; each stage here is thus written as the transpose
of what it does to ticks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np

from rtlab.errors import ParameterError
from rtlab.ticks import Values, check_count

Plan = tuple["Stl", ...] | tuple["Classical"]
"""A stage for each period, shortest first; the classical averages have one."""


class Loess:
    """A line through the nearest of equally spaced ticks, weighted by closeness, at each of them.

    Fitted at every ``jump``-th tick and at the last, and linear between. ``extended``: also at the
    place before the first tick and at that after the last.
    """

    def __init__(
        self, size: int, length: int, degree: int, jump: int = 1, *, extended: bool = False
    ) -> None:
        self.size, self.span, self.extended = size, min(size, length), extended
        half, jump, last = (length - 1) // 2, min(jump, size - 1), size - self.span
        knots = np.arange(0, size, jump)
        first = np.clip(knots - half, 0, last)
        if knots[-1] != size - 1:  # the last tick is fitted to the ticks of the knot before it
            knots, first = np.append(knots, size - 1), np.append(first, first[-1])
        self.knots, self.first = knots, first
        cell = np.searchsorted(knots[1:-1], np.arange(size), side="right")
        self.share = (np.arange(size) - knots[cell]) / np.diff(knots)[cell]

        def fit(offsets: Any) -> Values:
            pieces = np.split(offsets, range(64, len(offsets), 64))  # what fits into a cache
            return np.concatenate([_line(one, self.span, size, length, degree) for one in pieces])

        self.inside = (first > 0) & (first < last) & (knots - first == half)  # all alike
        self.kernel = fit(np.array([half]))[0] if self.inside.any() else np.zeros(0)
        ends = [np.flatnonzero(~self.inside & (first == at)) for at in np.unique(first)]
        self.ends = [(at, first[at[0]], fit(knots[at] - first[at])) for at in ends if len(at)]
        self.beyond = fit(np.array([-1])), fit(np.array([size - last]))

    def back(self, rows: Values) -> Values:
        """Push rows of weights on smoothed ticks back to weights on the ticks."""
        out = np.zeros((len(rows), self.size))
        if self.extended:
            out[:, : self.span] += rows[:, :1] * self.beyond[0]
            out[:, self.size - self.span :] += rows[:, -1:] * self.beyond[1]
            rows = rows[:, 1:-1]
        at_knots = np.zeros((len(rows), len(self.knots)))
        at_knots[:, :-1] = np.add.reduceat(rows * (1 - self.share), self.knots[:-1], axis=1)
        at_knots[:, 1:] += np.add.reduceat(rows * self.share, self.knots[:-1], axis=1)
        for places, first, fit in self.ends:
            out[:, first : first + self.span] += at_knots[:, places] @ fit
        if self.inside.any():
            spread = np.zeros((len(rows), self.size - self.span + 1))
            spread[:, self.first[self.inside]] = at_knots[:, self.inside]
            for place, row in enumerate(spread):
                out[place] += np.convolve(row, self.kernel)
        return out


def _line(offsets: Any, span: int, size: int, length: int, degree: int) -> Values:
    """Give the weights, on ``span`` ticks, of a line's value at each of ``offsets`` among them."""
    ticks, at = np.arange(span), np.asarray(offsets, dtype=np.float64)[:, None]
    reach = np.maximum(at, span - 1 - at) + max(length - size, 0) // 2
    away = np.abs(ticks - at)
    near = np.where(away > 0.001 * reach, (1 - (away / reach) ** 3) ** 3, 1.0)
    near[away > 0.999 * reach] = 0
    near /= near.sum(axis=1, keepdims=True)
    if degree:
        middle = near @ ticks
        apart = ticks - middle[:, None]
        spread = (near * apart**2).sum(axis=1)
        enough = np.sqrt(spread) > 0.001 * (size - 1)  # else a level is all that they tell
        slope = np.divide(at[:, 0] - middle, spread, out=np.zeros(len(at)), where=enough)
        near *= slope[:, None] * apart + 1
    return np.asarray(near)


def _average(rows: Values, length: int) -> Values:
    """Push rows back through a moving average, which is shorter than its input."""
    sums = np.cumsum(np.pad(rows, ((0, 0), (length, length - 1))), axis=1)
    return np.asarray((sums[:, length:] - sums[:, :-length]) / length)


@dataclass(frozen=True)
class Stl:
    """STL of a window without robust weights, with the parameters of statsmodels' ``STL``."""

    window: int
    period: int
    seasonal: int = 7
    trend: Any = None
    low_pass: Any = None
    seasonal_deg: int = 1
    trend_deg: int = 1
    low_pass_deg: int = 1
    seasonal_jump: int = 1
    trend_jump: int = 1
    low_pass_jump: int = 1
    inner_iter: int = 5

    def __post_init__(self) -> None:
        _check_odd("seasonal", self.seasonal, 3)
        trend = 1.5 * self.period / (1 - 1.5 / self.seasonal)
        usual = {"trend": trend, "low_pass": self.period + 1}
        for name, length in usual.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, math.ceil(length) | 1)
            _check_odd(name, getattr(self, name), (self.period + 1) | 1)
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name.endswith("_deg") and value not in (0, 1):
                raise ParameterError(
                    f"{one.name}={value!r}: a level (0) or a line (1) is fitted; try {one.name}=1"
                )
            if one.name.endswith(("_jump", "_iter")):
                check_count(one.name, value, 1, unit="step", remedy=1)

    @property
    def known(self) -> range:
        """The places of a window that have a trend."""
        return range(self.window)

    def smoothers(self) -> tuple[Loess, ...]:
        """Give the smoothers of the trend, of the low-pass, and of longer and shorter phases."""
        size, rounds = self.window, self.window // self.period
        how = self.seasonal, self.seasonal_deg, self.seasonal_jump
        return (
            Loess(size, self.trend, self.trend_deg, self.trend_jump),
            Loess(size, self.low_pass, self.low_pass_deg, self.low_pass_jump),
            *(Loess(k, *how, extended=True) for k in (rounds + 1, rounds)),
        )

    def back(self, smoothers: tuple[Loess, ...], season: Values, trend: Values) -> Values:
        """Push rows on the season and on the trend back to rows on the ticks, added together."""
        rows = smoothers[0].back(trend)
        total, season = rows, season - rows  # trend = smooth(ticks - season)
        for again in reversed(range(self.inner_iter)):
            rows = self._season(smoothers, season)  # season = filter(ticks - trend before)
            total = total + rows
            if again:
                season = smoothers[0].back(rows)
                total -= season
        return total

    def _season(self, smoothers: tuple[Loess, ...], rows: Values) -> Values:
        """Push rows through "smooth each phase, extend by a period, take its slow part away"."""
        size, period = self.window, self.period
        low = _average(smoothers[1].back(rows), 3)
        smooth = -_average(_average(low, period), period)
        smooth[:, period:-period] += rows
        out = np.empty((len(rows), size))
        longer = size % period  # so many phases have a round more than the others
        for phases, cycle in zip(
            (range(longer), range(longer, period)), smoothers[2:], strict=True
        ):
            places = np.array(phases, int)[:, None] + period * np.arange(cycle.size + 2)
            smoothed = cycle.back(smooth[:, places].reshape(-1, cycle.size + 2))
            out[:, places[:, : cycle.size]] = smoothed.reshape(len(rows), -1, cycle.size)
        return out


def _check_odd(name: str, value: Any, least: int) -> None:
    check_count(name, value, least, unit="ticks or rounds", remedy=least)
    if value % 2 == 0:
        raise ParameterError(
            f"{name}={value}: {name} is odd, so that it has a middle; try {name}={value + 1}"
        )


@dataclass(frozen=True)
class Classical:
    """Classical additive averages of a window, as statsmodels' ``seasonal_decompose``."""

    window: int
    period: int
    extrapolate_trend: int | str = 0
    points: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        points: Any = self.extrapolate_trend
        points = self.period - 1 if points in ("period", "freq") else points
        check_count("extrapolate_trend", points, 0, unit="ticks", remedy=self.period - 1)
        object.__setattr__(self, "points", points + 1 if points else 0)

    @property
    def known(self) -> range:
        """The places of a window that have a trend: not half a period at both ends, or all."""
        half = 0 if self.points else self.period // 2
        return range(half, self.window - half)

    def rows(self, lags: tuple[int, ...]) -> Values:
        """Give the rows of trend and season."""
        size, period, places = self.window, self.period, self.window - 1 - np.array(lags)
        trend, season = np.zeros((2, len(lags), size))
        trend[np.arange(len(lags)), places] = 1
        phase = np.array(self.known) % period
        share = 1 / np.bincount(phase)[phase]  # a season is a phase's mean without the mean of all
        season[:, self.known] = share * ((phase == places[:, None] % period) - 1 / period)
        smooth = self._smooth(np.concatenate([trend, season]))
        trend, season = smooth[: len(lags)], season - smooth[len(lags) :]
        trend[~np.isin(places, self.known)] = np.nan
        return np.stack([trend, season], axis=1)

    def _smooth(self, rows: Values) -> Values:
        """Push rows back through the centred average, and the lines that go on from it."""
        half, size = self.period // 2, self.window
        box = np.repeat(1 / self.period, 2 * half + 1)
        if self.period % 2 == 0:
            box[[0, -1]] /= 2
        inside = np.arange(half, size - half)
        out = rows[:, inside]
        last = len(inside) - 1  # statsmodels fits both lines without it
        ends = (0, min(self.points, last)), (max(last - self.points, 0), last)
        for beyond, (begin, end) in zip(
            (range(half), range(size - half, size)), ends, strict=True
        ):
            if self.points:
                line = np.linalg.pinv(np.vander(inside[begin:end], 2).astype(np.float64))
                out[:, begin:end] += rows[:, beyond] @ np.vander(beyond, 2) @ line
        return np.array([np.convolve(row, box) for row in out])


@lru_cache(maxsize=32)
def weights(plan: Plan, lags: tuple[int, ...]) -> Values:
    """Give the filters of a decomposition.

    Parameters
    ----------
    plan : tuple of Stl, one for each period, or a tuple of one Classical
        Several periods are taken apart as by statsmodels' MSTL: one after the other, twice.
    lags : tuple of int
        How many ticks before a window's last the parts are wanted.

    Returns
    -------
    array of float64, read-only
        Of shape (lags, parts, window): trend, then the seasons; oldest tick first.

    Examples
    --------
    >>> trend_and_season = weights((Stl(window=20, period=4),), (0,))[0]
    >>> abs(trend_and_season.sum(axis=1)).round(9).tolist()
    [1.0, 0.0]
    """
    one: Any = plan[0]
    found: Values = one.rows(lags) if isinstance(one, Classical) else _several(plan, lags)
    found.flags.writeable = False
    return found


def _several(stages: Any, lags: tuple[int, ...]) -> Values:
    """Push unit rows back through STL of each period in turn: the rest plus its own season."""
    size, parts = stages[0].window, len(stages) + 1
    unit = np.zeros((parts, parts, len(lags), size))
    for part in range(parts):
        unit[part, part, np.arange(len(lags)), size - 1 - np.array(lags)] = 1
    trend, *seasons = unit.reshape(parts, -1, size)
    smoothers = [one.smoothers() for one in stages]
    rest = np.zeros_like(trend)
    for _ in range(2 if len(stages) > 1 else 1):
        for place in reversed(range(len(stages))):
            rows = stages[place].back(smoothers[place], seasons[place] - rest, trend)
            rest = seasons[place] = rest + rows
            trend = np.zeros_like(trend)  # that of the last round is the answer
    return np.ascontiguousarray(rest.reshape(parts, len(lags), size).swapaxes(0, 1))
