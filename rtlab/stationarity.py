"""Stationarity: whether a series keeps its level, and how often to difference it until it does."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.change import differences
from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.periods import FindPeriod, check_regular, complete
from rtlab.season import Decompose
from rtlab.steps import register
from rtlab.ticks import Values, WholeSeries, check_count

_SEASONAL = 0.64  # strength of a season from which R's nsdiffs differences
_MOST = 2  # differences at lag 1
_LEAST = 20  # ticks that are left after the seasonal difference
_TIMES = ("not", "once", "twice")


@dataclass(frozen=True, eq=False)
class Stationarity:
    """What :func:`stationarity` found.

    Attributes
    ----------
    d : int
        Recommended differences at lag 1: 0, 1 or 2.
    D : int
        Recommended differences at lag ``period``, which come first: 0 or 1.
    period : int or None
        In ticks; None where no season was given or found.
    period_from : str
        Whether it was "given" or "found" by :func:`find_period`.
    n : int
        Ticks of the series.
    alpha : float
    table : DataFrame
        A row for each ``stage`` (the differences so far) and ``test``: its ``statistic``,
        ``p_value`` with ``bound`` ("<=" or ">=" where the table of the test ends there, else
        "="), the ``critical`` value at ``alpha``, and the ``verdict``.
    """

    d: int
    D: int
    period: int | None
    period_from: str
    n: int
    alpha: float
    table: pd.DataFrame

    def __repr__(self) -> str:
        if self.d == self.D == 0:
            said = "no differences are needed"
        elif self.period is None:
            said = f"difference {_TIMES[self.d]} at lag 1"
        else:
            said = (
                f"difference {_TIMES[self.D]} at lag {self.period}, then {_TIMES[self.d]} at lag 1"
            )
        last = self.table[self.table.stage == self.table.stage.iloc[-1]]
        tests = (
            f"{row.test} {row.verdict} ({row.statistic:.3g} against {row.critical:.3g}, p "
            f"{row.bound} {row.p_value:.2g})"
            for row in last[last.p_value.notna()].itertuples()
        )
        found = "" if self.period is None else f", period {self.period} {self.period_from}"
        return (
            f"Stationarity of {self.n} ticks{found}: {said}; "
            f"{', '.join(tests) or 'what is left is constant'}"
        )


@dataclass(frozen=True)
class StationarityTest(WholeSeries):
    """Whether a series is stationary, and which differences make it so.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    period : int, optional
        Ticks in a season; by default what :func:`find_period` finds, and none where nothing
        stands out.
    alpha : float, default 0.05
        Level of the tests, from 0.01 to 0.1, where the table of KPSS ends.

    Returns
    -------
    Stationarity
        With the tests of each stage, and the recommended differences.

    Raises
    ------
    DataError
        If ticks are missing or irregular, or the series is constant or too short: it needs two
        periods, and 20 ticks more than one.
    ParameterError
        If ``period`` or ``alpha`` breaks its rule.

    Notes
    -----
    Two tests look from opposite sides, both with a constant and through statsmodels: KPSS [1]_
    takes stationary for granted until the data speak against it, ADF [2]_ a unit root. KPSS
    decides on d, with ⌊3√n/13⌋ lags, and the strength of the season on D, 1 if it is above 0.64:
    the rules of ``ndiffs`` and ``nsdiffs`` in R's package forecast [3]_, whose strength is that
    of [4]_. ADF has ⌊(n − 1)^⅓⌋ lags, and is there to compare; where the two disagree, look at the
    series.

    References
    ----------
    .. [1] D. Kwiatkowski, P. C. B. Phillips, P. Schmidt and Y. Shin, "Testing the null hypothesis
       of stationarity against the alternative of a unit root", Journal of Econometrics 54 (1992).
    .. [2] S. E. Said and D. A. Dickey, "Testing for unit roots in autoregressive-moving average
       models of unknown order", Biometrika 71 (1984).
    .. [3] R. J. Hyndman and Y. Khandakar, "Automatic time series forecasting: the forecast
       package for R", Journal of Statistical Software 27 (2008).
    .. [4] X. Wang, K. A. Smith and R. J. Hyndman, "Characteristic-based clustering for time series
       data", Data Mining and Knowledge Discovery 13 (2006).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import rtlab as rt
    >>> steps = np.random.default_rng(0).normal(size=300)
    >>> walk = rt.stationarity(pd.Series(steps.cumsum()))
    >>> walk.d, walk.D
    (1, 0)
    """

    period: int | None = None
    alpha: float = 0.05

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"period": 4, "alpha": 0.1})

    def __post_init__(self) -> None:
        if self.period is not None:
            check_count("period", self.period, 2, unit="ticks", remedy=24)
        alpha: Any = self.alpha
        if not isinstance(alpha, (int, float, np.floating)) or not 0.01 <= alpha <= 0.1:
            raise ParameterError(
                f"alpha={alpha!r}: the level of the tests is from 0.01 to 0.1, as far as the "
                "table of KPSS goes; try alpha=0.05"
            )

    def answer(self, series: Any) -> Stationarity:
        """Test the finished series, and each difference of it that is recommended."""
        self._check(series)
        check_regular("stationarity", series.index)
        left = values = series.to_numpy()
        n, period = len(series), self.period
        if period is None and n >= _LEAST + 2:
            period = FindPeriod(max_period=min(n // 3, n - _LEAST)).answer(series).best
        table: list[tuple[Any, ...]] = []
        seasonal: list[int] = []
        if period is not None:
            parts = Decompose(period=period, method="stl", seasonal=11).answer(series)
            strength = float(parts.strengths[period])
            seasonal = [period] if strength > _SEASONAL else []
            found = "seasonal" if seasonal else "not seasonal"
            table += [("as given", "season", strength, np.nan, "=", _SEASONAL, found)]
        lags: list[int] = []
        rows, moves = self._tests(values, values)
        table += [("as given", *row) for row in rows]
        for lag in seasonal + [1] * _MOST:
            if lag == 1 and not moves:
                break
            lags.append(lag)
            left = differences(left, 1, lag)
            rows, moves = self._tests(left, values)
            named = "lag " + ", ".join(map(str, lags))
            table += [(named, *row) for row in rows]
        columns = pd.Index(
            ["stage", "test", "statistic", "p_value", "bound", "critical", "verdict"]
        )
        return Stationarity(
            d=lags.count(1), D=len(seasonal), period=period,
            period_from="found" if self.period is None else "given",
            n=n, alpha=float(self.alpha), table=pd.DataFrame(table, columns=columns),
        )  # fmt: skip

    def _check(self, series: Any) -> None:
        complete("stationarity", series, "raise", "series.interpolate()")
        need = _LEAST if self.period is None else max(2 * self.period, self.period + _LEAST)
        if len(series) < need:
            raise DataError(
                f"{len(series)} ticks: stationarity needs at least {need}"
                f"{'' if self.period is None else f' with period={self.period}'}; use a longer "
                "series"
            )

    def _tests(self, values: Values, given: Values) -> tuple[list[tuple[Any, ...]], bool]:
        """Test one stage by KPSS and ADF; tell whether KPSS finds that the level moves."""
        if np.ptp(values) <= 1e-12 * np.abs(given).max():
            return [("KPSS", np.nan, np.nan, "=", np.nan, "constant")], False
        tools = optional("statsmodels.tsa.stattools", "stats")
        n = len(values)
        rows: list[tuple[Any, ...]] = []
        with warnings.catch_warnings():  # a p-value beyond the table is stated as a bound
            warnings.simplefilter("ignore")
            found = {
                "KPSS": tools.kpss(values, nlags=int(3 * n**0.5 / 13)),
                "ADF": tools.adfuller(values, maxlag=int((n - 1) ** (1 / 3)), autolag=None),
            }
        for test, (statistic, p_value, *rest) in found.items():
            table = rest[-1] if rest else found[test].critical_values
            levels = np.array(sorted((float(name[:-1]) / 100, at) for name, at in table.items()))
            critical = float(np.interp(self.alpha, levels[:, 0], levels[:, 1]))
            beyond = statistic > critical if test == "KPSS" else statistic < critical
            verdict = "stationary" if beyond == (test == "ADF") else "not stationary"
            bound = "="
            if test == "KPSS":
                bound = {0.01: "<=", 0.1: ">="}.get(float(p_value), "=")
            rows.append((test, float(statistic), float(p_value), bound, critical, verdict))
        return rows, rows[0][-1] == "not stationary"


stationarity = register("stationarity")(StationarityTest)
