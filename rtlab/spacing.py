"""Times of ticks: in order, and equally far apart where a method needs that.

Equal means equal on one of three clocks: elapsed time; the clock on the wall, on which a civil day
is a day even if it lasts 23 hours; or months, at the same day of each or at their ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import DataError
from rtlab.steps import State

DAY = 86_400_000_000  # microseconds
NONE = np.iinfo(np.int64).min  # no time yet
CLOCKS = 3


def microseconds(index: Any) -> Any:
    """Give times as int64, or None where the labels are no times."""
    if not isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        return None
    return index.as_unit("us").asi8


def initial(width: int) -> State:
    """Give what is known of the times of some series before their first tick."""
    return {"last": np.full(width, NONE), "step": np.zeros((CLOCKS, width), np.int64)}


def usual(name: str, index: Any) -> Any:
    """Give the distance of ticks on the three clocks, which must be the same on one; 0 for one."""
    step: Any = np.zeros((CLOCKS, 1), np.int64)
    times = microseconds(index)
    if len(times) > 1:
        before, first = np.roll(times, 1), np.arange(len(times)) == 1
        before[0] = NONE
        series = np.zeros(len(times), np.int64)
        step = _steps(name, step, index, np.arange(len(times)), (series, before, first))
    return step[:, 0]


def follow(asks: Any, state: State, index: Any, codes: Any = None) -> Any:
    """Check the times of the next ticks; give them in microseconds, or None where not needed.

    Parameters
    ----------
    asks : SeriesStep
        Says whether it needs times (``timed``, or takes them ``"perhaps"``), and whether at equal
        distances (``regular``).
    state : dict
        As :func:`initial` gives it, series on the last axis; replaced once all is checked.
    index : Index or None
        Labels that are no times can be neither early nor late: their order is all there is.
    codes : ndarray of int64, optional
        To which series each tick belongs.
    """
    if not (asks.timed or asks.regular):
        return None
    name = type(asks).__name__
    times = microseconds(index)
    if asks.timed == "perhaps" and not asks.regular:
        return times
    if (times is None and asks.timed is True) or (times is not None and index.hasnans):
        found = "an array" if index is None else f"an index of {index.dtype}"
        raise DataError(
            f"{found}{'' if times is None else ' with NaT'}: {name} needs a time "
            "for each tick; use series.set_axis(times), or count in ticks"
        )
    if times is None or not len(times):
        return None
    if codes is None and asks.regular:  # nearly always: one series, and time elapses evenly
        step = int(state["step"][0, 0])
        if step and (np.diff(times, prepend=state["last"]) == step).all():
            state["last"] = times[-1:]
            return times
    codes = np.zeros(len(times), np.int64) if codes is None else codes
    order = np.argsort(codes, kind="stable")
    series, ticks = codes[order], times[order]
    first = np.diff(series, prepend=-1) != 0
    before = np.roll(ticks, 1)
    before[first] = state["last"][series[first]]
    known = before != NONE
    moved = np.where(known, ticks - before, 0)
    if (moved < 0).any():
        raise DataError(
            f"tick {index[order[moved < 0].min()]} comes after a later one: "
            f"{name} needs times in order; sort with series.sort_index()"
        )
    if asks.regular:
        state["step"] = _steps(name, state["step"], index, order, (series, before, known & first))
    last = state["last"].copy()
    last[series] = ticks  # of several writes the last stays
    state["last"] = last
    return times


def _steps(name: str, steps: Any, index: Any, order: Any, ticks: Any) -> Any:
    """Give each series' usual step on each clock, or refuse a tick that no clock finds usual."""
    series, before, first = ticks
    known = before != NONE
    moved = np.zeros((CLOCKS, len(order)), np.int64)
    was = instants(before[known], index)
    moved[:, known] = _clocks(index[order[known]]) - _clocks(was)
    steps = steps.copy()
    lead = known & (first | ~np.roll(known, 1))  # the first distance of a series in the batch
    fresh = lead & (steps[0, series] == 0)
    steps[:, series[fresh]] = moved[:, fresh]
    odd = known & ((moved != steps[:, series]).all(axis=0) | (moved[0] == 0))
    if odd.any():
        place = order[odd].min()
        here, past = index[place], was[np.flatnonzero(order[known] == place)[0]]
        refuse(name, past, here)
    return steps


def refuse(name: str, past: Any, here: Any) -> None:
    """Say between which ticks the distance is not that of the others."""
    found = (
        f"two ticks at {here}" if here == past else f"irregular ticks, first from {past} to {here}"
    )
    raise DataError(
        f"{found}: {name} needs equal distances; make windows of equal length first (with "
        "fill=0), or series.asfreq('h') with missing='interpolate', or "
        "series.reset_index(drop=True) if only their order matters"
    )


def instants(times: Any, index: Any) -> Any:
    """Make labels of microseconds, of the kind of an index; where that has no times, numbers."""
    if microseconds(index) is None:
        return times
    if isinstance(index, pd.TimedeltaIndex):
        return pd.TimedeltaIndex(times.view("m8[us]"))
    plain = pd.DatetimeIndex(times.view("M8[us]"))
    return plain if index.tz is None else plain.tz_localize("UTC").tz_convert(index.tz)


def _clocks(index: Any) -> Any:
    """Read times on the three clocks: int64 of shape (3, ticks).

    On the last, a month has 32 days, and a month's last day is its 32nd.
    """
    elapsed = microseconds(index)
    if isinstance(index, pd.TimedeltaIndex):
        return np.stack([elapsed] * CLOCKS)
    wall = index.tz_localize(None)
    local = wall.as_unit("us").asi8
    day = np.where(wall.is_month_end, 32, wall.day).astype(np.int64)
    months = wall.year.to_numpy(np.int64) * 12 + wall.month.to_numpy(np.int64)
    return np.stack([elapsed, local, (months * 32 + day) * DAY + local % DAY])


def pace(times: Any) -> Any:
    """Tell how far apart the last ticks of each series are: microseconds, or minus the months.

    Days are 24 hours here, also where a clock was changed; months are told by their unequal days.

    Parameters
    ----------
    times : ndarray of int64, shape (ticks, series)
    """
    apart = np.diff(times, axis=0)
    days = np.rint(apart / DAY).astype(np.int64)
    whole = ((days > 0) & (abs(apart - days * DAY) <= DAY // 8)).all(axis=0)
    steady, daily = ((one == one[-1]).all(axis=0) for one in (apart, days))
    months = -np.rint(days[-1] / 30.44).astype(np.int64)
    civil = np.where(daily, days[-1] * DAY, months)
    usual = np.median(apart, axis=0).astype(np.int64)
    return np.where(steady, apart[-1], np.where(whole, civil, usual))


def later(index: Any, apart: Any, steps: Any) -> Any:
    """Continue regular ticks: give the labels so many ``steps`` after each, one after the other.

    Whole days are days on the clock on the wall. Months end in a month's last day where one does,
    and else keep its day.

    Parameters
    ----------
    index : Index
    apart : ndarray of int64
        As :func:`pace` tells it of the ticks up to each; or, where labels are no times, the
        number of the tick.
    steps : ndarray of int64
    """
    if microseconds(index) is None:
        return (apart[:, None] + steps).ravel()
    far = apart[:, None] * steps
    elapsed = instants((microseconds(index)[:, None] + far).ravel(), index)
    if isinstance(index, pd.TimedeltaIndex):
        return elapsed
    wall = index.tz_localize(None)
    on = wall.to_numpy("M8[us]")
    begun, ends = on.astype("M8[M]")[:, None], wall.is_month_end[:, None]
    month = begun - (np.minimum(apart, 0)[:, None] * steps).astype("m8[M]")
    within = on - on.astype("M8[D]")
    day = on.astype("M8[D]")[:, None] - begun.astype("M8[D]")
    day = np.where(ends, (month + 1).astype("M8[D]") - month.astype("M8[D]") - 1, day)
    monthly = month.astype("M8[D]") + day + within[:, None]
    found = np.where(apart[:, None] < 0, monthly, on[:, None] + far.astype("m8[us]"))
    named = pd.DatetimeIndex(found.ravel()).tz_localize(
        index.tz, ambiguous=np.ones(found.size, bool), nonexistent="shift_forward"
    )
    civil = np.repeat((apart < 0) | (apart % DAY == 0), len(steps))
    return named.where(civil, elapsed)
