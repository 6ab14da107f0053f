"""Correlation of a series with its own past: ACF and PACF, with their bands and Ljung–Box."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.steps import register
from rtlab.ticks import WholeSeries, check_count

_METHODS = ("ldb", "ld", "yw", "ywm", "ols", "ols-inefficient", "ols-adjusted", "burg")


@dataclass(frozen=True, eq=False)
class Correlogram:
    """What :func:`acf` and :func:`pacf` found.

    Attributes
    ----------
    values : Series of float64
        Correlations between −1 and 1; the index ``lag`` counts ticks from 0.
    lower, upper : Series of float64
        Band around 0 in which a correlation is no surprise.
    ljung_box : DataFrame
        For each lag from 1 the ``statistic`` and ``p_value`` of the hypothesis that there is no
        autocorrelation up to that lag [1]_.
    n : int
        Ticks that are not missing.
    kind : {"acf", "pacf"}
    alpha : float
        Share of white noise's correlations outside the band.

    References
    ----------
    .. [1] G. M. Ljung and G. E. P. Box, "On a measure of lack of fit in time series models",
       Biometrika 65 (1978).
    """

    values: pd.Series[float]
    lower: pd.Series[float]
    upper: pd.Series[float]
    ljung_box: pd.DataFrame
    n: int
    kind: str
    alpha: float

    @classmethod
    def of(cls, values: Any, n: int, *, alpha: float = 0.05) -> Correlogram:
        """Make a correlogram, with Bartlett's band, of autocorrelations that are known already.

        Parameters
        ----------
        values : Series or array of float
            From lag 0 on, as a row of what :func:`rolling_acf` gives.
        n : int
            Ticks that they are about: the window.
        alpha : float, default 0.05
            Share of white noise's correlations outside the band.

        Raises
        ------
        DataError
            If one is missing, as before the first full window.

        Examples
        --------
        >>> import pandas as pd
        >>> import rtlab as rt
        >>> found = rt.rolling_acf(pd.Series([1, 4, 2, 5, 3, 6, 4]), window=6, lags=2)
        >>> Correlogram.of(found.iloc[-1], n=6)
        ACF of 6 ticks, lags 0 to 2: 0 outside the 95% band
        """
        if isinstance(values, pd.Series) and values.index.nlevels > 1:
            values = values["acf"]  # beside its band
        acf = np.asarray(values, dtype=np.float64)
        if np.isnan(acf).any() or len(acf) < 2:
            raise DataError(
                f"{int(np.isnan(acf).sum())} of {len(acf)} correlations are missing: a "
                "correlogram needs all, from lag 0 to 1 at least; take a row after the first "
                "full window"
            )
        variances = 1 + 2 * np.cumsum(acf[1:-1] ** 2)
        spread = np.sqrt(np.concatenate([[0.0, 1.0], variances]) / n)
        return _told("acf", acf, acf, spread, n=n, alpha=alpha)

    @property
    def significant(self) -> list[int]:
        """Lags whose correlation is outside the band."""
        outside = (self.values < self.lower) | (self.values > self.upper)
        return [int(lag) for lag in self.values.index[outside] if lag > 0]

    def frame(self) -> pd.DataFrame:
        """Put values, band and Ljung–Box side by side, a row for each lag."""
        columns = {self.kind: self.values, "lower": self.lower, "upper": self.upper}
        return pd.DataFrame(columns).join(self.ljung_box)

    def plot(self) -> Any:
        """Draw the correlogram."""
        from rtlab.stems import plot_correlogram  # noqa: PLC0415  (drawing is an extra)

        return plot_correlogram(self)

    def __repr__(self) -> str:
        strong = self.values[self.significant].abs().sort_values(ascending=False).index[:3]
        found = ", ".join(f"{self.values[lag]:+.2f} at lag {lag}" for lag in strong)
        return (
            f"{self.kind.upper()} of {self.n} ticks, lags 0 to {self.values.index[-1]}: "
            f"{len(self.significant)} outside the {1 - self.alpha:.0%} band"
            f"{f', strongest {found}' if found else ''}"
        )


def _told(kind: str, values: Any, acf: Any, spread: Any, *, n: int, alpha: float) -> Correlogram:
    """Put a correlogram together; ``spread`` is the band in standard errors."""
    tools = optional("statsmodels.tsa.stattools", "stats")
    index = pd.RangeIndex(len(values), name="lag")
    half = NormalDist().inv_cdf(1 - alpha / 2) * spread
    statistic, p_value = tools.q_stat(acf[1:], nobs=n)
    return Correlogram(
        values=pd.Series(values, index, name=kind),
        lower=pd.Series(-half, index, name="lower"),
        upper=pd.Series(half, index, name="upper"),
        ljung_box=pd.DataFrame({"statistic": statistic, "p_value": p_value}, index[1:]),
        n=n,
        kind=kind,
        alpha=alpha,
    )


def check_alpha(alpha: Any) -> None:
    """Refuse what cannot be the share of noise outside a band."""
    if not isinstance(alpha, (int, float, np.floating)) or not 0 < alpha < 1:
        raise ParameterError(
            f"alpha={alpha!r}: the share outside the band is between 0 and 1; try alpha=0.05"
        )


@dataclass(frozen=True)
class _Correlation(WholeSeries):
    lags: int = 48
    alpha: float = 0.05
    missing: str = "raise"

    def __post_init__(self) -> None:
        check_count("lags", self.lags, 1, unit="tick", remedy=48)
        check_alpha(self.alpha)
        if self.missing not in ("raise", "conservative"):
            raise ParameterError(
                f"missing={self.missing!r}: it is 'raise' or 'conservative'; try 'conservative'"
            )

    def _values(self, series: Any) -> tuple[Any, int, int]:
        """Give the ticks about a pivot, how many are known, and the lags that they allow."""
        known = np.isfinite(series.to_numpy())
        lost = len(series) - int(known.sum())
        name = type(self).__name__.lower()
        if lost and self.missing == "raise":
            at = np.flatnonzero(known)
            at_ends = len(at) > 0 and len(at) == np.ptp(at) + 1  # no gap between known ticks
            raise DataError(
                f"{lost} of {len(series)} ticks are missing or infinite: {name} needs all, or "
                "missing='conservative' to leave out the pairs that lack one; or "
                + (
                    "leave out these ends with series.dropna(), as after a difference"
                    if at_ends and lost == series.isna().sum()
                    else "fill them with series.interpolate()"
                )
            )
        if known.sum() < 3:
            raise DataError(
                f"{name} of {int(known.sum())} known ticks: it needs at least 3; use a longer "
                "series"
            )
        values = np.where(known, series.to_numpy(), np.nan)
        values = values - values[known][0]  # digits that all ticks share would drown the rest
        if (values[known] == 0).all():
            raise DataError(
                f"{name} of a constant series (all {series[known].iloc[0]:g}): it has no "
                "variance to compare with; look at what the stream brings"
            )
        # Squares of very small or very large ticks would leave the range of a double.
        values = values / np.abs(values[known]).max()
        return values, int(known.sum()), min(self.lags, int(known.sum()) - 1)

    def _correlations(self, values: Any, lags: int) -> Any:
        tools = optional("statsmodels.tsa.stattools", "stats")
        missing = "conservative" if np.isnan(values).any() else "none"
        return np.asarray(tools.acf(values, nlags=lags, fft=missing == "none", missing=missing))


@dataclass(frozen=True)
class Acf(_Correlation):
    """Autocorrelation: how much a series resembles itself some ticks before.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    lags : int, default 48
        Greatest lag in ticks; a shorter series has fewer.
    alpha : float, default 0.05
        The band holds all but this share of white noise's correlations.
    missing : {"raise", "conservative"}, default "raise"
        What to do with missing and infinite ticks: refuse them, or leave out the pairs that lack
        one. Either way lag k is lag k.

    Returns
    -------
    Correlogram
        With Bartlett's band, which widens with the correlations at shorter lags [1]_.

    Raises
    ------
    DataError
        If ticks are missing, or the series is constant or shorter than 3 ticks.
    ParameterError
        If ``lags``, ``alpha`` or ``missing`` breaks its rule.

    Notes
    -----
    The sums are divided by the number of ticks, not of pairs (which keeps every value between −1
    and 1), and the mean is that of the whole series: the standard estimate [1]_, as in
    statsmodels and R. pandas' ``Series.autocorr`` is something else: the correlation of two
    slices, each with its own mean.

    References
    ----------
    .. [1] G. E. P. Box, G. M. Jenkins, G. C. Reinsel and G. M. Ljung, *Time Series Analysis*,
       5th ed. (2015), section 2.1.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.acf(pd.Series([10000001, 10000003, 10000002]), lags=1).values.tolist()
    [1.0, -0.5]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"lags": 5, "missing": "conservative"},)

    def answer(self, series: Any) -> Correlogram:
        """Correlate the finished series with its past."""
        values, known, lags = self._values(series)
        acf = self._correlations(values, lags)
        return Correlogram.of(acf, known, alpha=self.alpha)


@dataclass(frozen=True)
class Pacf(_Correlation):
    """Partial autocorrelation: what a lag tells beyond all the shorter ones.

    Parameters
    ----------
    data, lags, alpha, missing
        As for ``acf``, but lags are fewer than half the ticks, and "conservative" goes with
        ``method="ldb"`` only.
    method : str, default "ldb"
        The estimator, by statsmodels' name. "ldb" (Levinson and Durbin on the ACF [1]_) is also
        R's; statsmodels' own default differs.

    Returns
    -------
    Correlogram
        With the band ±z/√n for white noise; ``ljung_box`` is that of the ACF.

    Raises
    ------
    DataError
        If ticks are missing, or the series is constant or shorter than 3 ticks.
    ParameterError
        If a parameter breaks its rule.

    References
    ----------
    .. [1] J. Durbin, "The fitting of time-series models", Review of the International
       Statistical Institute 28 (1960).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.pacf(pd.Series([1, 2, 3, 4, 4, 3, 2, 1]), lags=2).values.round(3).tolist()
    [1.0, 0.475, -0.485]
    """

    method: str = "ldb"

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"lags": 5, "missing": "conservative"},)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in _METHODS:
            raise ParameterError(
                f"method={self.method!r}: it is one of {', '.join(_METHODS)}; try method='ldb'"
            )
        if self.missing != "raise" and self.method != "ldb":
            raise ParameterError(
                f"missing={self.missing!r} with method={self.method!r}: only 'ldb' works from "
                "correlations alone; try method='ldb'"
            )

    def answer(self, series: Any) -> Correlogram:
        """Correlate the finished series with its past, lag by lag beyond the shorter ones."""
        tools = optional("statsmodels.tsa.stattools", "stats")
        values, known, lags = self._values(series)
        lags = min(lags, (len(series) - 1) // 2)
        acf = self._correlations(values, lags)
        if self.method == "ldb":
            partial = tools.levinson_durbin(acf, nlags=lags, isacov=True)[2]
        else:
            partial = tools.pacf(values, nlags=lags, method=self.method)
        spread = np.full(lags + 1, known**-0.5)
        spread[0] = 0.0
        return _told("pacf", np.asarray(partial), acf, spread, n=known, alpha=self.alpha)


acf = register("acf")(Acf)
pacf = register("pacf")(Pacf)
