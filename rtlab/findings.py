"""Numbers that answer a shopkeeper's questions, from the parts of an analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


class Hits(NamedTuple):
    """How alarms and events agree."""

    found: int
    events: int
    true: int
    episodes: int

    @property
    def recall(self) -> float:
        """The share of events that were found."""
        return self.found / self.events if self.events else np.nan

    @property
    def precision(self) -> float:
        """The share of episodes that are about an event."""
        return self.true / self.episodes if self.episodes else np.nan


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def as_written(numbers: pd.Series[Any]) -> pd.Series[Any]:
    """Round away what binary arithmetic adds to decimals.

    Parameters
    ----------
    numbers : Series
        Sums and means of decimals; whole numbers stay as they are.

    Returns
    -------
    Series
        To six decimals, or more where all are small (nine digits of the largest), but never more
        than a double knows (15 digits of the largest).

    Examples
    --------
    >>> as_written(pd.Series([0.1 + 0.2, 2889.377000000001])).tolist()
    [0.3, 2889.377]
    """
    if numbers.dtype.kind != "f" or not (largest := numbers.abs().max()) > 0:
        return numbers
    size = int(np.floor(np.log10(largest)))
    return numbers.round(min(14 - size, max(6, 8 - size))) if abs(size) < 15 else numbers


def by_hour(series: pd.Series[Any]) -> pd.Series[Any]:
    """Average a series by hour of the day.

    Parameters
    ----------
    series : Series
        One value for each hour or part of one, with a zoned index.

    Returns
    -------
    Series of float64
        The mean of a complete hour's total, indexed by ``hour`` (0 to 23, on the zone's clock).

    Examples
    --------
    >>> index = pd.date_range("2024-03-04", periods=48, freq="h", tz="UTC")
    >>> by_hour(pd.Series(range(48), index=index)).iloc[:2].tolist()
    [12.0, 13.0]
    """
    hours = _complete(series, lambda index: index - pd.to_timedelta(index.minute, unit="min"))
    return hours.groupby(_clock(hours).hour).mean().rename_axis("hour")


def by_weekday(series: pd.Series[Any]) -> pd.Series[Any]:
    """Average a series' complete days by weekday; indexed by name, Monday first."""
    totals = days(series)
    means = totals.groupby(pd.DatetimeIndex(totals.index).day_of_week).mean()
    return means.rename(index=dict(enumerate(WEEKDAYS))).rename_axis("weekday")


def days(series: pd.Series[Any]) -> pd.Series[Any]:
    """Add up a series by day of the zone's clock, complete days only."""
    return _complete(series, lambda index: index.normalize()).rename_axis("day")


def whole_months(months: pd.DataFrame, series: pd.Series[Any]) -> pd.DataFrame:
    """Keep the months whose first and last day the series has seen; add what a day brought.

    Parameters
    ----------
    months : DataFrame
        Of :func:`rtlab.tumbling` with ``size="month"``.
    series : Series
        What the same zone's windows brought; it names the column to share out.

    Returns
    -------
    DataFrame
        The months, with a column ``a day``: their lengths differ.

    Examples
    --------
    >>> import rtlab as rt
    >>> days = pd.date_range("2024-01-15", "2024-03-31", tz="UTC", name="purchase_time")
    >>> months = rt.tumbling(days.to_frame(index=False), size="month").windows
    >>> whole_months(months, pd.Series(1, index=days, name="count"))["a day"].tolist()
    [1.0, 1.0]
    """
    days, index = _clock(series), pd.DatetimeIndex(months.index)
    seen = (index >= days[0].normalize()) & (months["end"] <= days[-1] + pd.DateOffset(days=1))
    return months.assign(**{"a day": months[series.name] / index.days_in_month})[seen]


def turns(trend: pd.Series[Any], share: float = 0.5) -> pd.DataFrame:
    """Find where a trend turns.

    Parameters
    ----------
    trend : Series
        Smooth values; missing ones are left out.
    share : float, default 0.5
        A turn counts when the trend then moves back by at least this share of its whole range.

    Returns
    -------
    DataFrame
        Indexed like the trend: ``value`` and ``kind`` ("high" or "low"), in the order of time.

    Examples
    --------
    >>> turns(pd.Series([0.0, 4.0, 8.0, 7.9, 8.1, 4.0, 5.0])).kind.tolist()
    ['high']
    """
    known = trend.dropna()
    values = known.to_numpy(dtype=float)
    found: list[tuple[int, str]] = []
    least = share * float(values.max() - values.min()) if len(values) else 0.0
    low = high = 0  # where the extremes since the last turn stand
    heading = ""
    for place, value in enumerate(values.tolist() if least > 0 else []):
        low = place if value < values[low] else low
        high = place if value > values[high] else high
        if heading != "down" and values[high] - value >= least:
            found += [(high, "high")] if high else []  # the first value is no turn
            heading, low = "down", place
        elif heading != "up" and value - values[low] >= least:
            found += [(low, "low")] if low else []
            heading, high = "up", place
    places = [place for place, _ in found]
    kinds = [kind for _, kind in found]
    return pd.DataFrame({"value": values[places], "kind": kinds}, index=known.index[places])


def surprises(residual: pd.Series[Any], k: int = 10) -> pd.DataFrame:
    """List the largest residuals.

    Parameters
    ----------
    residual : Series
        What trend and seasons leave; missing values are left out.
    k : int, default 10
        How many.

    Returns
    -------
    DataFrame
        Indexed like the residual, largest first: ``residual`` and ``score``, the distance from the
        median in robust standard deviations (1.4826 × the median absolute deviation).

    Examples
    --------
    >>> surprises(pd.Series([1.0, -1.0, 0.0, 9.0]), k=1).residual.tolist()
    [9.0]
    """
    known = residual.dropna()
    centre = float(known.median()) if len(known) else 0.0
    scale = 1.4826 * float((known - centre).abs().median()) if len(known) else 0.0
    score = (known - centre) / scale if scale else known * np.nan
    table = pd.DataFrame({"residual": known, "score": score})
    order = (known - centre).abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order[:k]]


def _complete(series: pd.Series[Any], begin: Callable[[Any], Any]) -> pd.Series[Any]:
    """Add up a series by stretches, leaving out a first and a last that it covers in part only.

    ``begin`` tells where the stretch of a moment begins.
    """
    index = _clock(series)
    begins = begin(index)
    totals = series.groupby(begins).sum(min_count=1)
    if len(index) < 2 or (index == begins).all():  # each value is a stretch of its own
        return totals
    end = index[-1:] + pd.Series(index[1:] - index[:-1]).median()
    return totals.iloc[int(index[0] != begins[0]) : len(totals) - int((begin(end) != end)[0])]


def _clock(series: pd.Series[Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(series.index)


def hits(alarms: pd.DataFrame, events: Sequence[tuple[Any, Any]], grace: str = "1D") -> Hits:
    """Hold the episodes of alarms against the stretches in which something happened.

    Parameters
    ----------
    alarms : DataFrame
        Of one series, as :func:`rtlab.alarms` gives them, indexed by time.
    events : sequence of (start, end)
        What happened, over ``[start, end)``.
    grace : str, default "1D"
        An event is found by an alarm until so long after its end, and an episode is true that
        touches an event, or the time so long before and after it.

    Returns
    -------
    Hits
        ``found`` of ``events``, and how many ``episodes`` are ``true``; ``recall`` and
        ``precision`` are their shares, NaN where there are none.

    Examples
    --------
    >>> import rtlab as rt
    >>> days = pd.date_range("2024-03-01", periods=60, tz="UTC")
    >>> residual = pd.Series([1.0, -1.0] * 30, index=days)
    >>> residual.iloc[40] = 30.0
    >>> hits(rt.alarms(residual, window=16), [(days[40], days[41])])
    Hits(found=1, events=1, true=1, episodes=1)
    """
    slack = pd.Timedelta(grace)
    begun, at = alarms["since"], alarms.index.to_series()
    touched = [(begun < end + slack) & (at >= start - slack) for start, end in events]
    found = [((at >= start) & (at < end + slack)).any() for start, end in events]
    true = np.logical_or.reduce(touched) if touched else np.zeros(len(alarms), bool)
    return Hits(
        sum(map(bool, found)),
        len(events),
        int(alarms["episode"][true].nunique()),
        int(alarms["episode"].nunique()),
    )
