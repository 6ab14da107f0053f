"""The main job: one pass over a stream of purchases, through the public steps, to its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

import rtlab as rt
from rtlab import parsing
from rtlab.account import Account
from rtlab.columns import Columns, bare
from rtlab.errors import DataError, MissingExtraError, StreamError
from rtlab.forecasts import RollingForecast
from rtlab.grid import Grid
from rtlab.steps import Outputs, State, Step, join
from rtlab.watermark import NO_TIME, Watermark

MOST = 50_000  # rows in a batch at full speed: the cost of new keys is by batch, not by row

MOST_WINDOWS = 100_000
"""Eleven years of hours; beyond, a decomposition takes minutes."""
PAUSE = "30 minutes"  # after it a customer who buys again has come back
SIGMAS, SHIFT = 5, 10  # limits at which a shop's owner should be told: few, and nearly all true
UNITS = {"10min": (144, 1008), "1h": (24, 168), "1D": (7,)}
"""The lengths of windows to choose from, and the seasonal periods (day, week) in them."""


@dataclass(frozen=True)
class Plan:
    """How a log is to be read and cut.

    Attributes
    ----------
    zone : str
        On whose clock hours and days begin.
    every : str
        The length of a window, one of ``UNITS``.
    rows : int or None
        Rows in a micro-batch; None for a number that suits the speed.
    speed : float or None
        How many times faster than the events' clock; None for full speed.
    delay : str or None
        How long windows wait for late events; None to the end of the data.
    tz : str or None
        The zone of times that carry none.
    missing_user : str
        As in :func:`rtlab.clean`.
    boards : mapping
        Leaderboards: title → column.
    basket : tuple of str
        What tells baskets apart.
    """

    zone: str = "UTC"
    every: str = "1h"
    rows: int | None = None
    speed: float | None = None
    delay: str | None = None
    tz: str | None = None
    missing_user: str = "reject"
    boards: Mapping[str, str] = field(
        default_factory=lambda: {"products": "product_id", "customers": "user_id"}
    )
    basket: tuple[str, ...] = ("user_id", "purchase_time")


@dataclass
class Analysis:
    """What one pass found."""

    plan: Plan
    account: Account
    value: str
    windows: pd.DataFrame
    average: pd.Series[Any]
    centred: pd.Series[Any]
    change: pd.Series[Any]
    boards: dict[str, pd.DataFrame]
    activity: pd.DataFrame
    customers: pd.DataFrame
    months: pd.DataFrame
    visits: pd.DataFrame
    pairs: pd.DataFrame
    live: pd.DataFrame
    alarms: pd.DataFrame
    forecasts: pd.DataFrame
    stopped: bool = False
    correlogram: Any = None
    periods: Any = None
    parts: Any = None
    notes: list[str] = field(default_factory=list)

    @property
    def series(self) -> pd.Series[Any]:
        """What was earned in each window (or how much was sold, in a log without prices)."""
        return self.windows[self.value]


def analyse(
    events: pd.DataFrame,
    plan: Plan,
    watch: Callable[[Any], None] = lambda source: None,  # noqa: ARG005
) -> Analysis:
    """Replay events as a stream, and analyse them in one pass.

    Parameters
    ----------
    events : DataFrame
        In the order of their arrival.
    plan : Plan
    watch : callable, optional
        Told the source before it starts: to stop it early, or to show its progress.

    Returns
    -------
    Analysis

    Raises
    ------
    DataError
        If no row is good.
    StreamError
        If the source was stopped before it gave a good row.
    """
    column = "amount" if {"amount", "price"} & set(events.columns) else "quantity"
    account = Account(column)
    value = "revenue" if column == "amount" else "pieces"
    with rt.replay(events, rows=plan.rows or _rows(events, plan), speed=plan.speed) as source:
        source.sink(account.see_arrived)
        cleaned = source.clean(tz=plan.tz, missing_user=plan.missing_user)
        cleaned.rejected.sink(account.see_rejected)
        good = cleaned
        if "event_id" in events.columns:
            good = cleaned.dedupe(horizon=plan.delay and "1D")
            good.duplicate.sink(account.see_duplicate)
        how: dict[str, Any] = {"delay": plan.delay, "tz": plan.zone}
        patience = None
        if plan.delay is not None:
            good = good.through(InTime(plan.every, plan.delay, plan.zone))
            good.late.sink(account.see_late)
            # What is in time for its window is in time for its visit, which may end before that.
            patience = pd.Timedelta(plan.delay) + 2 * pd.Timedelta(plan.every)
        good.sink(account.see_used)
        agg = {value: (column, "sum"), "lines": "count"}
        windows = good.tumbling(plan.every, agg=agg, fill=0, **how)
        people = {"customers": ("user_id", "nunique")}
        series = windows.pluck(value)
        day, week = UNITS[plan.every][0], UNITS[plan.every][-1]
        # Each window is judged when it closes, by those before it: two weeks are learnt from.
        live = series.robust_decompose(period=week, train=2 * week + 1)
        nodes = {
            "windows": windows,
            "average": series.moving_average(window=day),
            "centred": series.moving_average(window=week, center=True),
            "change": series.difference(lag=week),
            "activity": (users := good.users(value=column, **how)),
            "customers": users.customers,
            "months": good.tumbling("month", agg=agg | people, **how),
            "visits": good.session(PAUSE, agg, by="user_id", delay=patience, tz=plan.zone),
            "pairs": good.together(basket=plan.basket),
            "live": live,
            "forecasts": series.through(ahead(plan.every)),
            "alarms": live.alarms(sigmas=SIGMAS, shift=SHIFT, window=max(week, 28)),
        }
        boards = {
            title: good.leaderboard(by=by, value=column) for title, by in plan.boards.items()
        }
        watch(source)
        answers = _pass(source, [*nodes.values(), *boards.values()], live=plan.speed is not None)
        stopped = source.halted
    if not account.balanced:
        raise StreamError(f"rows went unaccounted for, please report it: {account.sentence()}")
    if account.used == 0:
        if stopped:
            raise StreamError(f"stopped before a row could be used: {account.sentence()}")
        raise DataError(_nothing(account))
    found = Analysis(
        plan=plan,
        account=account,
        value=value,
        **dict(zip(nodes, answers, strict=False)),
        boards=dict(zip(boards, answers[len(nodes) :], strict=True)),
        stopped=stopped,
    )
    _whole_series(found)
    return found


@dataclass(frozen=True)
class InTime(Step):
    """Set late rows aside once for all, so that every answer is about the same rows.

    A row is late when its window has closed: when it lies before the window of the watermark.

    Parameters
    ----------
    every, delay, tz : str
        As in :class:`Plan`.
    """

    every: str
    delay: str
    tz: str
    outputs: ClassVar[tuple[str, ...]] = ("result", "late")

    @cached_property
    def _grid(self) -> Grid:
        return Grid.of(self.every, None, self.tz)

    def initial(self) -> State:
        return {"watermark": NO_TIME}

    def update(self, state: State, batch: Any) -> Outputs:
        events = Columns.of(batch)
        times = events.microseconds("purchase_time")
        wait = parsing.duration(self.delay, "delay")
        watermark = Watermark(state["watermark"], events, times, wait)
        state["watermark"] = watermark.last
        late = self._grid.number(times) < self._grid.number(watermark.after)
        return {"result": events.take(~late), "late": events.take(late)}


def ahead(every: str) -> RollingForecast:
    """Forecast a day (or a week of days), as often."""
    return RollingForecast(horizon=UNITS[every][0], period=UNITS[every])


def _pass(source: Any, nodes: list[Any], *, live: bool) -> list[Any]:
    if not live:
        return list(rt.drain(*nodes))
    pieces: list[list[Any]] = [[] for _ in nodes]
    for node, gathered in zip(nodes, pieces, strict=True):
        node.sink(gathered.append)
    source.start()
    source.wait()
    return [join(gathered) for gathered in pieces]


def _nothing(account: Account) -> str:
    reasons = ", ".join(f"{reason} ({rows:,})" for reason, rows in account.rejected.most_common(5))
    return (
        f"none of the {account.arrived:,} rows can be used: {reasons or 'the data is empty'}; "
        "see that the right columns and the right zone are named"
    )


def _whole_series(found: Analysis) -> None:
    """Add what needs the whole series, as far as it is long enough and the extra is there."""
    series, periods = found.series, UNITS[found.plan.every]
    if series.min() == series.max():
        found.notes.append("All stretches of time brought the same: there is no pattern to find.")
        return
    lags = max(1, min(2 * periods[-1], len(series) // 2))
    steps: list[tuple[str, str, Callable[[], Any]]] = [
        ("correlogram", "autocorrelation", lambda: rt.acf(series, lags=lags)),
        ("periods", "search for periods", lambda: rt.find_period(series)),
        ("parts", "decomposition", lambda: _decompose(series, periods)),
    ]
    for name, words, step in steps:
        try:
            setattr(found, name, step())
        except (DataError, MissingExtraError) as reason:
            found.notes.append(f"No {words}: {reason}.")


def _decompose(series: pd.Series[Any], periods: tuple[int, ...]) -> Any:
    long_enough = [period for period in periods if len(series) > 3 * period] or [periods[0]]
    # With few cycles a robust fit takes most points for granted and the rest for outliers.
    robust = len(series) >= 5 * long_enough[-1]
    # R's stl jumps too, by a tenth of each window; it saves two thirds of the time on a year.
    jumps = {"trend_jump": 5, "low_pass_jump": 5}
    return rt.decompose(series, period=long_enough, robust=robust, options=jumps)


def _span(times: pd.DatetimeIndex) -> pd.Timedelta:
    """Tell how long a log is by its middle: a wrong year at an end must not count."""
    known: Any = pd.Series(times).dropna()
    span = known.quantile(0.99) - known.quantile(0.01)
    return pd.Timedelta(0) if pd.isna(span) else pd.Timedelta(span / 0.98)


def _rows(events: pd.DataFrame, plan: Plan) -> int:
    """Choose the rows in a batch: what comes in half a second of a paced replay."""
    if plan.speed is None:
        return MOST
    times = parsing.times(bare(events["purchase_time"]), plan.tz, None, "purchase_time")[0]
    seconds = max(_span(times).total_seconds() / plan.speed, 0.001)
    return min(max(int(len(events) / seconds / 2), 1), MOST)


def plan_for(
    events: pd.DataFrame, *, tz: str | None, every: str | None, speed: float | None, **how: Any
) -> tuple[pd.DataFrame, Plan, list[str]]:
    """Choose how to read and cut a log that nobody has described.

    Parameters
    ----------
    events : DataFrame
        As :func:`rtlab.sources.files.read_events` gives it.
    tz : str or None
        The zone of times that carry none; hours and days begin on its clock.
    every : str or None
        The length of a window, if it is given.
    speed : float or None
        As in :class:`Plan`; a paced replay needs rows in the order of time.
    **how
        The rest of :class:`Plan`.

    Returns
    -------
    events : DataFrame
        In the order of time if ``speed`` is given, else as they were.
    plan : Plan
    notes : list of str
        What was chosen.

    Raises
    ------
    DataError
        If a few far times would make nearly all windows empty.
    """
    notes = []
    times = parsing.times(bare(events["purchase_time"]), tz, None, "purchase_time")[0]
    if every is None:
        span = _span(times)
        every = "10min" if span < pd.Timedelta(days=2) else "1h"
        every = "1D" if span > pd.Timedelta(days=1100) else every
        notes.append(f"windows: {every} (chosen by the length of the log), zone {tz or 'UTC'}")
    _check_reach(times, every)
    twice = parsing.repeated(bare(events["purchase_time"]), tz)
    if twice:
        notes.append(
            f"clock change: {twice:,} times fall into an hour that came twice; "
            "each is taken as the first"
        )
    if speed is not None:
        notes.append("order: by time, as a paced replay needs")
        events = events.iloc[times.argsort()]
    delay = None if speed is None else "1h"
    plan = Plan(zone=tz or "UTC", tz=tz, every=every, speed=speed, delay=delay, **how)
    return events, plan, notes


def _check_reach(times: pd.DatetimeIndex, every: str) -> None:
    """Refuse a log in which one wrong date makes the series a desert."""
    past = times[times < pd.Timestamp.now("UTC") + pd.Timedelta(days=1)]
    windows = (past.max() - past.min()) // pd.Timedelta(every) if len(past) else 0
    if windows > MOST_WINDOWS:
        raise DataError(
            f"the times reach from {past.min():%Y-%m-%d} to {past.max():%Y-%m-%d}, {windows:,} "
            f"windows of {every}, more than {MOST_WINDOWS:,}: correct the rows with wrong dates, "
            "or choose longer windows (--every 1D)"
        )
