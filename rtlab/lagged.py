"""Correlation of a series with its own past, tick by tick: rolling ACF and PACF, with bands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.correlation import check_alpha
from rtlab.errors import ParameterError
from rtlab.fading import Fading
from rtlab.pairs import Trailing
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count


@dataclass(frozen=True)
class _Rolling(SeriesStep):
    """What both have in common: the correlations of a kernel, and their bands."""

    window: int | None = None
    lags: int = 48
    every: int = 1
    halflife: float | None = None
    missing: str = "gap"
    band: str | None = None
    alpha: float = 0.05

    regular: ClassVar[bool] = True
    kind: ClassVar[str] = "acf"
    bands: ClassVar[tuple[str, ...]] = ("white", "bartlett")

    def __post_init__(self) -> None:
        check_count("lags", self.lags, 1, unit="tick", remedy=48)
        check_count("every", self.every, 1, unit="tick", remedy=24)
        if (self.window is None) == (self.halflife is None):
            raise ParameterError(
                f"{'none' if self.window is None else 'both'} of window and halflife given: "
                "exactly one says how far back ticks count; try window=240"
            )
        half: Any = self.halflife
        if half is None:
            check_count("window", self.window, 3, unit="ticks", remedy=240)
            self._check_lags(int(self.window or 0))
        elif not (isinstance(half, (int, float)) and 0 < half < math.inf):
            raise ParameterError(
                f"halflife={half!r}: a half-life is a positive number of ticks; try halflife=120"
            )
        for name, choices in (("missing", ("gap", "conservative")), ("band", (None, *self.bands))):
            if getattr(self, name) not in choices:
                said = " or ".join(map(repr, choices))
                raise ParameterError(
                    f"{name}={getattr(self, name)!r}: it is {said}; try {name}={choices[-1]!r}"
                )
        check_alpha(self.alpha)

    def _check_lags(self, window: int) -> None:
        if self.lags >= window:
            raise ParameterError(
                f"lags={self.lags} with window={window}: a window has pairs at fewer lags than "
                f"ticks; try lags={window // 2}, or window={10 * self.lags}"
            )

    @cached_property
    def _kernel(self) -> Trailing | Fading:
        if self.halflife is not None:
            return Fading(self.lags, self.every, float(self.halflife))
        assert self.window is not None  # noqa: S101  (__post_init__ saw to it)
        return Trailing(self.lags, self.every, self.window, self.missing == "conservative")

    @property
    def cycle(self) -> tuple[int, int]:  # type: ignore[override]
        """How the base may compute many series together, whenever each began."""
        return 0, self._kernel.period

    @property
    def parts(self) -> Any:
        """Lags, below the names of what is told of them if that is more than one."""
        lags = range(self.lags + 1)
        if self.band is None:
            return pd.RangeIndex(self.lags + 1, name="lag")
        return [(name, lag) for name in (self.kind, "band") for lag in lags]

    def places(self, tick: int, ticks: int) -> slice:  # noqa: ARG002
        """Answer at every so-many-th tick of the series."""
        return slice(-(tick + 1) % self.every, None, self.every)

    def begin(self, width: int) -> State:
        return self._kernel.begin(width)

    def take(self, state: State, values: Values, times: Any) -> Values:  # noqa: ARG002
        correlations, sizes = self._kernel.take(state, values)
        found = self.told(correlations)
        if self.band is not None:
            spread = np.ones_like(correlations)
            if self.band == "bartlett":
                spread[:, 2:] += 2 * np.cumsum(correlations[:, 1:-1] ** 2, axis=1)
            spread[:, 0] = 0.0
            spread /= np.where(np.isnan(found[:, :1]), np.nan, sizes[:, None])
            half = NormalDist().inv_cdf(1 - self.alpha / 2)
            found = np.concatenate([found, half * np.sqrt(spread)], axis=1)
        return found.transpose(0, 2, 1)

    def told(self, correlations: Values) -> Values:
        """Make of autocorrelations what is asked for."""
        return correlations


@dataclass(frozen=True)
class RollingAcf(_Rolling):
    """Autocorrelation over the last ticks: how much a series resembles itself some ticks before.

    Parameters
    ----------
    data : Series, DataFrame or ndarray
        A regular series, or several side by side.
    window : int, optional
        Number of ticks, more than ``lags``. Exactly one of ``window`` and ``halflife`` is given.
    lags : int, default 48
        Greatest lag in ticks.
    every : int, default 1
        Answer at each so-many-th tick, counted from the beginning of the series: 24 is once a day
        where ticks are hours, and costs less.
    halflife : float, optional
        Instead of a window, let ticks count less the older they are: half after so many ticks.
    missing : {"gap", "conservative"}, default "gap"
        What to do with missing and infinite ticks (and those beyond ±1e150): no answer while the
        window holds one, or leave out the pairs that lack one, as ``acf`` does. With a half-life,
        from which no tick ever leaves, such pairs are always left out.
    band : {"white", "bartlett"}, optional
        Tell the half-width of the band around 0 in which a correlation is no surprise: that of
        white noise, or Bartlett's, which widens with the correlations at shorter lags.
    alpha : float, default 0.05
        The band holds all but this share of white noise's correlations.

    Returns
    -------
    DataFrame of float64
        A row for each answer, a column for each lag from 0; with a band, columns ``("acf", lag)``
        and ``("band", lag)``. Of a frame, with the series' names above; of an array, an array of
        shape (answers[, series], parts). NaN before the first full window, with a half-life
        before tick ``lags`` + 1, and where all ticks are the same.

    Raises
    ------
    ParameterError
        If a parameter breaks its rule.
    DataError
        If the ticks are irregular.

    See Also
    --------
    acf : of a finished series, once.

    Notes
    -----
    In a window it is ``acf`` of these ticks, to rounding: sums over pairs, divided by the number
    of ticks, about the mean of the window [1]_. A tick costs three multiplications a lag, for any
    window. Sums are only ever added up, from both sides of fixed tick numbers, so that a huge
    value leaves no trace once it has left the window.

    With a half-life h, at tick t and lag k, it is c(k) / c(0) with c(k) = Σ √(wᵢ wᵢ₋ₖ) (xᵢ − m)
    (xᵢ₋ₖ − m), weights wᵢ = 2^((i − t) / h), and m = Σ wᵢ xᵢ / Σ wᵢ. Such sums follow from those
    before: S(t) = 2^(−1/h) S(t − 1) + the newest pair. Bands then count (Σ wᵢ)² / Σ wᵢ² ticks.

    References
    ----------
    .. [1] G. E. P. Box, G. M. Jenkins, G. C. Reinsel and G. M. Ljung, *Time Series Analysis*,
       5th ed. (2015), section 2.1.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> found = rt.rolling_acf(pd.Series([1, 2, 1, 2, 1, 1, 1]), window=4, lags=2)
    >>> found[2].round(3).tolist()
    [nan, nan, nan, 0.5, 0.5, -0.167, -0.167]
    >>> rt.rolling_acf(pd.Series([1, 2, 1, 2, 1, 1]), window=4, lags=2, every=2).index.tolist()
    [1, 3, 5]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 12, "lags": 5},
        {"window": 7, "lags": 6, "every": 3, "missing": "conservative", "band": "bartlett"},
        {"halflife": 4, "lags": 3, "band": "white"},
        {"window": 12, "lags": 4, "every": 2, "by": "product_id", "value": "revenue"},
    )


@dataclass(frozen=True)
class RollingPacf(_Rolling):
    """Partial autocorrelation over the last ticks: what a lag tells beyond all the shorter ones.

    Parameters
    ----------
    data, window, lags, every, halflife, missing, alpha
        As for ``rolling_acf``, but lags are fewer than half the window.
    band : {"white"}, optional
        Tell the half-width of white noise's band, as columns ``("band", lag)``.

    Returns
    -------
    DataFrame of float64
        As of ``rolling_acf``, with "pacf" for "acf".

    Raises
    ------
    ParameterError
        If a parameter breaks its rule.
    DataError
        If the ticks are irregular.

    Notes
    -----
    Levinson's and Durbin's recursion [1]_ on the correlations of ``rolling_acf``, for all answers
    and series at once: ``pacf(method="ldb")`` of each window. It costs lags² multiplications an
    answer; ``every`` spares them.

    References
    ----------
    .. [1] J. Durbin, "The fitting of time-series models", Review of the International
       Statistical Institute 28 (1960).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> found = rt.rolling_pacf(pd.Series([1, 2, 3, 4, 4, 3, 2, 1]), window=8, lags=2)
    >>> found.iloc[-1].round(3).tolist()
    [1.0, 0.475, -0.485]
    """

    kind: ClassVar[str] = "pacf"
    bands: ClassVar[tuple[str, ...]] = ("white",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 12, "lags": 5, "band": "white"},
        {"window": 9, "lags": 3, "every": 4},
        {"halflife": 6.5, "lags": 3},
    )

    def _check_lags(self, window: int) -> None:
        if self.lags > (window - 1) // 2:
            raise ParameterError(
                f"lags={self.lags} with window={window}: partial correlations have fewer lags "
                f"than half the window; try lags={max((window - 1) // 2, 1)}, or "
                f"window={10 * self.lags}"
            )

    def told(self, correlations: Values) -> Values:
        """Run Levinson's and Durbin's recursion over the lags."""
        partial, weights = correlations.copy(), np.zeros_like(correlations)
        left = correlations[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):  # pairs left out may allow no answer
            for lag in range(1, self.lags + 1):
                before = weights[:, 1:lag].copy()
                known = np.einsum("akw,akw->aw", before, correlations[:, lag - 1 : 0 : -1])
                gain = (correlations[:, lag] - known) / left
                weights[:, 1:lag] -= gain[:, None] * before[:, ::-1]
                weights[:, lag] = partial[:, lag] = gain
                left = left * (1 - gain**2)
        return partial


rolling_acf = register("rolling_acf")(RollingAcf)
rolling_pacf = register("rolling_pacf")(RollingPacf)
