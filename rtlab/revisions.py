"""Revisions: how far the newest estimate of a rolling decomposition is from the settled one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.filters import weights
from rtlab.periods import check_regular, several
from rtlab.rolling import RollingDecompose
from rtlab.season import check_periods
from rtlab.steps import register
from rtlab.ticks import Values, WholeSeries

_NORMAL = 1.4826  # the standard deviation of normal ticks over the median of their distances


@dataclass(frozen=True, eq=False)
class Settling:
    """What :func:`revisions` found.

    Attributes
    ----------
    table : DataFrame
        A row for each ``lag``: how far an estimate that this many later ticks went into is from
        the settled one, as a share of ``spread``: ``trend_median``, ``trend_p90`` (nine of ten are
        nearer), ``season_median``, ``season_p90`` (of all seasons together).
    settled : int
        The lag of the settled estimate: half the window.
    spread : float
        Robust standard deviation of the residual, in the unit of the data.
    ticks : int
        How many estimates were compared.
    window : int
    periods : tuple of int
    """

    table: pd.DataFrame
    settled: int
    spread: float
    ticks: int
    window: int
    periods: tuple[int, ...]

    def plot(self, *, title: str | None = None) -> Any:
        """Draw how the distance shrinks with the lag."""
        from rtlab import pictures as look  # noqa: PLC0415  (drawing is an extra)
        from rtlab.charts import draw_series  # noqa: PLC0415

        named = {"median": "half move more", "p90": "one in ten moves more"}
        period = self.periods[0]
        with look.house_style():
            figure, panels = look.blank(2, 4.6, sharex=True)
            for axes, part in zip(panels, ("trend", "season"), strict=True):
                shown = {name: self.table[f"{part}_{key}"] for key, name in named.items()}
                draw_series(axes, shown, "")
                axes.set(ylabel=f"{part} (spreads)", xlabel="", ylim=(0, None))
            panels[1].set(
                xlabel="lag (ticks after)",
                xticks=range(0, self.settled, -(-self.settled // period // 10) * period),
            )
            facts = {"settled": self.settled, "spread": self.spread} | self.table.T.to_dict()
            lag, (trend, _, season, _) = self.table.index[0], self.table.iloc[0]
            found = (
                f"From lag {lag} on, half of the trends move by over {trend:.2g} spreads of the "
                f"residual, half of the seasons by over {season:.2g}"
            )
            return look.told(figure, facts, title or found, "Line charts", repr(self))

    def __repr__(self) -> str:
        first, said = self.table.index[0], []
        for part in ("trend", "season"):
            half, tenth = (self.table[f"{part}_{name}"][first] for name in ("median", "p90"))
            said.append(f"half of the {part}s by over {half:.2g}, one in ten by over {tenth:.2g}")
        return (
            f"Revisions of {self.ticks} ticks, window {self.window}, from lag {first} to the "
            f"settled lag {self.settled}, in spreads of the residual ({self.spread:.4g}): "
            f"{'; '.join(said)}"
        )


@dataclass(frozen=True)
class Revisions(WholeSeries):
    """How much later ticks revise the newest estimate of a rolling decomposition.

    Parameters
    ----------
    data : Series
        A regular series; the whole of it, so that on a stream the answer comes at the end.
    period : int or sequence of int
        As for :func:`rolling_decompose`, as all that follow but the lags.
    lags : sequence of int, optional
        By default up to 25 of them, from the newest tick to half the window.
    window : int, optional
    method : {"stl", "mstl", "additive"}, optional
    seasonal : int, sequence of int or "periodic", optional
    trend : int, optional
    options : dict, optional

    Returns
    -------
    Settling

    Raises
    ------
    DataError
        If the series is shorter than one and a half windows, irregular, without a residual, or no
        window is free of missing ticks.
    ParameterError
        If a parameter breaks its rule.

    Notes
    -----
    The estimate of the same tick is taken at each lag, from windows that end so many ticks after
    it, and compared with that of the window in whose middle the tick lies. Windows that hold a
    missing tick are left out.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import rtlab as rt
    >>> hours = np.arange(480)
    >>> noise = np.random.default_rng(0).normal(size=480)
    >>> sold = pd.Series(10 * np.sin(2 * np.pi * hours / 24) + noise)
    >>> moved = rt.revisions(sold, period=24, lags=[0, 12]).table["trend_median"]
    >>> bool(moved[0] > 2 * moved[12])
    True
    """

    period: int | Sequence[int]
    lags: Sequence[int] | None = None
    window: int | None = None
    method: str | None = None
    seasonal: int | Sequence[int] | str | None = None
    trend: int | None = None
    options: Mapping[str, Any] | None = None

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"period": 4}, {"period": 3, "lags": [2]})

    def __post_init__(self) -> None:
        check_periods(self.period, self.method)
        lags = list(self._lags)
        for lag in lags:
            self._step(lag)
        if not lags or max(lags) >= self._settled or sorted({*lags}) != lags:
            raise ParameterError(
                f"lags={lags}: they rise, and end before the settled lag {self._settled}; try "
                "lags=[0, 1, 2], or a longer window"
            )

    def _step(self, lag: int | None = None) -> RollingDecompose:
        """Make the step of this lag; by default of one that every method answers."""
        lag = max(several(self.period)) // 2 if lag is None else lag
        how = self.window, self.method, lag, self.seasonal, self.trend, self.options
        return RollingDecompose(self.period, *how)

    @property
    def _settled(self) -> int:
        return (self._step().size - 1) // 2

    @property
    def _lags(self) -> Sequence[int]:
        if self.lags is not None:
            return several(self.lags)
        first = self._step().plan[-1].known.start
        return range(first, self._settled, max((self._settled - first) // 24, 1))

    def answer(self, series: Any) -> Settling:
        """Compare the estimates of each tick of the finished series."""
        check_regular("revisions", series.index)
        step, lags, settled = self._step(), tuple(self._lags), self._settled
        values = np.where(np.isfinite(series), series, np.nan)
        count = len(values) - step.size + 1 - settled
        if count < 1:
            raise DataError(
                f"{len(values)} ticks and window={step.size}: an estimate is settled {settled} "
                f"ticks after the first window, which takes {step.size + settled} ticks; use a "
                "longer series or a shorter window"
            )
        parts = _estimates(step, values, (*lags, settled), count)
        known = np.isfinite(parts).all(axis=(0, 1))
        parts, about = parts[:, :, known], values[step.size - 1 :][:count][known]
        if not known.any():
            raise DataError(
                f"no {step.size + settled} ticks in a row without a missing one: nothing to "
                "compare; fill them with series.interpolate(), or use a shorter window"
            )
        residual = about - parts[-1].sum(axis=0)
        spread = _NORMAL * float(np.median(abs(residual - np.median(residual))))
        if not spread > 1e-9 * np.abs(about).max():
            raise DataError(
                "trend and season explain every tick: there is no residual to measure revisions "
                "by; look at what the stream brings"
            )
        moved = np.quantile(abs(parts[:-1] - parts[-1]) / spread, [0.5, 0.9], axis=2).round(12)
        names = [f"{part}_{name}" for part in ("trend", "season") for name in ("median", "p90")]
        table = pd.DataFrame(
            moved.transpose(1, 2, 0).reshape(len(lags), -1), pd.Index(lags, name="lag"), names
        )
        return Settling(table, settled, spread, int(known.sum()), step.size, step.periods)


def _estimates(step: RollingDecompose, values: Values, lags: Sequence[int], count: int) -> Values:
    """Give trend and season of ``count`` ticks at each lag: (lags, 2, ticks)."""
    rows = weights(step.plan, tuple(lags))
    missing, out = np.isnan(values), np.empty((len(lags), 2, count))
    ticks = np.where(missing, 0, values)
    lacks = np.convolve(missing, np.ones(step.size), "valid") > 0.5
    for place, lag in enumerate(lags):
        windows = ticks[lag:][: count + step.size - 1]
        for part, row in enumerate((rows[place, 0], rows[place, 1:].sum(axis=0))):
            found = np.correlate(windows, row, "valid")
            out[place, part] = np.where(lacks[lag:][:count], np.nan, found)
    return out


revisions = register("revisions")(Revisions)
