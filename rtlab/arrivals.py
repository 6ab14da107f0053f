"""How events arrive: event time against arrival time, and the watermark's staircase."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from rtlab import parsing
from rtlab import pictures as look
from rtlab.charts import clock_axis
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.pictures import Picture, say
from rtlab.windows import Tumbling

LABELLED = 12  # bands at most have room for their names
SHUT = {"closed": "#E9ECEF", "final": "#D3D9DF"}
PACE = 900  # milliseconds between two steps: time to read what has changed
GROUPS: dict[str, dict[str, Any]] = {
    "in order": {"color": look.COLOURS[0], "marker": "o"},
    "out of order": {"color": look.COLOURS[2], "marker": "^", "markersize": 6},
    "late": {"color": look.COLOURS[1], "marker": "X", "markersize": 8},
    "revises": {"color": look.COLOURS[3], "marker": "*", "markersize": 11},
    "not known yet": {"color": look.COLOURS[1], "marker": "D", "markersize": 6},
    "still to happen": {"color": look.GREY, "marker": "o", "markerfacecolor": "white"},
}


@look.house_style()
def plot_arrivals(
    events: pd.DataFrame,
    at: Any = None,
    *,
    on: str = "purchase_time",
    arrived: str = "arrival_time",
    tz: str = "UTC",
    title: str | None = None,
) -> Picture:
    """Draw when events happened against when they arrived.

    Parameters
    ----------
    events : DataFrame
        Some tens to some thousands of rows.
    at : str or timestamp, optional
        A moment, on the clock of ``tz``: what was known then, what had happened and was not known
        yet, and what was still to happen.
    on, arrived : str
        The columns that hold the event time and the arrival time (zoned).
    tz : str, default "UTC"
        The zone of the axes.
    title : str, optional
        By default the share that is out of order, or what is missing ``at`` that moment.

    Returns
    -------
    Picture
        A row is out of order when a row that happened later arrived before it.

    Raises
    ------
    ParameterError, DataError
        If ``at`` is no time, or there is no row.

    Examples
    --------
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T09:55Z"])
    >>> wait = pd.to_timedelta(["0min", "20min", "1min"])
    >>> events = pd.DataFrame({"purchase_time": time, "arrival_time": time + wait})
    >>> plot_arrivals(events, at="2024-03-04 10:00").facts["not_known_yet"]
    1
    """
    parsing.check_zone(tz)
    rows = Columns.of(events)
    happened, came = _times(rows, on), rows.microseconds(arrived)
    order = np.argsort(came, kind="stable")
    behind = np.zeros(len(rows), bool)
    behind[order] = _behind(happened[order])
    wait = (came - happened) / 60e6
    facts: dict[str, Any] = {
        "rows": len(rows), "out_of_order": behind.sum(), "share_out_of_order": behind.mean(),
        "median_delay_minutes": np.median(wait), "largest_delay_minutes": wait.max(),
    }  # fmt: skip
    groups = {"in order": ~behind, "out of order": behind}
    usual, most = (say(round(one, 1), "minutes") for one in (np.median(wait), wait.max()))
    words = (
        f"{facts['out_of_order']} of {len(rows)} events are out of order ({behind.mean():.0%}); "
        f"the median delay is {usual}, the largest {most}"
    )
    found = f"{behind.mean():.0%} of {len(rows)} events arrive out of order"
    figure, (axes,) = look.blank(1, 4.8)
    if at is not None:
        moment = _moment(at, tz)
        known, past = came < moment, happened < moment
        groups = {name: some & known for name, some in groups.items()}
        groups |= {"not known yet": past & ~known, "still to happen": ~past & ~known}
        when, missing = _written([moment], tz, like=came)[0], (past & ~known).sum()
        facts |= {"at": when, "happened": past.sum(), "not_known_yet": missing}
        facts |= {"known": known.sum()}
        found = f"At {when}, {past.sum() - missing} of {past.sum()} past events are known"
        words = f"{found}, {missing} not yet; of all, {words}"
        for draw in (axes.axhline, axes.axvline):
            draw(_dates(moment), color=look.INK, linewidth=1.2, linestyle=look.DASHES[1])
    ends = _dates([happened.min(), happened.max()])
    axes.plot(ends, ends, color="#9AA5B1", linewidth=1, label="arrives at once")
    for name, some in groups.items():
        if some.any():
            _dots(axes, _dates(happened[some]), came[some], name)
    _clock(axes.xaxis, tz, "event time", happened)
    _clock(axes.yaxis, tz, "arrival time", came)
    axes.grid(axis="x")
    axes.legend(loc="lower right")  # where no event is: none arrives before it happens
    opening = f"Scatter chart of {len(rows)} events, event time across and arrival time up"
    return look.told(figure, facts, title or found, opening, words)


@look.house_style()
def plot_watermark(
    events: pd.DataFrame,
    size: Any = "1h",
    delay: Any = "10min",
    step: int | None = None,
    *,
    on: str = "purchase_time",
    tz: str = "UTC",
    lateness: Any = None,
    title: str | None = None,
) -> Picture:
    """Draw the staircase of the watermark over the windows that it closes.

    Parameters
    ----------
    events : DataFrame
        Some tens of rows, in the order of their arrival.
    size, delay, on, tz, lateness
        As in :func:`tumbling`, whose windows these are.
    step : int, optional
        Show what is known after so many arrivals; by default after all of them.
    title : str, optional
        By default the watermark and what it closed.

    Returns
    -------
    Picture
        ``closed`` and ``open`` give the rows of each window, ``closed_by`` the arrival that
        closed it, ``late`` the number and the event time of each late row. With ``lateness``,
        ``revised`` gives those of each row that revised a closed window, with the window and the
        number of its revision, and ``final`` the windows that no row can revise any more.

    Raises
    ------
    ParameterError
        If there is no such step, or a size or a delay is not one.
    DataError
        If there is no row, or the times have no zone.

    Examples
    --------
    >>> clock = ["09:10", "10:04", "09:58", "10:20", "09:30"]
    >>> time = pd.to_datetime([f"2024-03-04T{one}Z" for one in clock])
    >>> picture = plot_watermark(pd.DataFrame({"purchase_time": time}))
    >>> picture.facts["closed"], picture.facts["late"]
    ({'09:00–10:00': 2}, [[5, '09:30']])
    """
    wait = parsing.duration(delay, "delay")
    tumbling = Tumbling(size=size, delay=delay, on=on, tz=tz, fill=0, lateness=lateness)
    rows = Columns.of(events)
    times = _times(rows, on)
    last = len(times) if step is None else step
    if not isinstance(last, (int, np.integer)) or not 1 <= last <= len(times):
        raise ParameterError(
            f"step={step!r}: a step is a whole number of arrivals from 1 to {len(times)}"
        )
    seen, late, marks, answers = _follow(tumbling, times[:last])
    number, behind = np.arange(1, last + 1), _behind(seen)
    again = answers["revises"]
    closings, revised = answers[~again & (answers["by"] > 0)], answers[again]
    windows = answers.drop_duplicates("start", keep="last").sort_values("start")
    windows["state"] = np.where(windows["by"] > 0, "closed", "open")
    closed, opened = windows[windows["by"] > 0], windows[windows["by"] == 0]
    joins, stamps = np.isin(number, revised["by"]), _written(times, tz)
    groups = {"in order": ~behind, "out of order": behind & ~late & ~joins, "late": late}
    newest, mark = (_written([one], tz, like=times)[0] for one in (seen.max(), marks[-1]))
    facts = {
        "step": last, "rows": len(times), "newest": newest, "watermark": mark,
        "closed": dict(zip(closed["name"], closed["count"], strict=True)),
        "closed_by": dict(zip(closings["name"], closings["by"], strict=True)),
        "open": dict(zip(opened["name"], opened["count"], strict=True)),
        "out_of_order": groups["out of order"].sum(),
        "late": [[int(place) + 1, stamps[place]] for place in np.flatnonzero(late)],
    }  # fmt: skip
    found = f"After {last} of {len(times)} arrivals: watermark {mark}, {len(closed)} closed, "
    told = ""
    if lateness is not None:
        groups["revises"] = joins
        final = closed["end"] <= marks[-1] - parsing.duration(lateness, "lateness")
        windows.loc[final.index[final], "state"] = "final"
        facts["final"] = closed["name"][final].tolist()
        facts["revised"] = [
            [by, stamps[by - 1], name, version]
            for by, name, version in revised[["by", "name", "revision"]].to_numpy().tolist()
        ]
        found += f"{len(revised)} {'revision' if len(revised) == 1 else 'revisions'}, "
        told = ", ".join(
            f"{stamp} (arrival {place}) gives revision {version} of {name}"
            for place, stamp, name, version in facts["revised"]
        )
        told = f"; final: {', '.join(facts['final']) or 'none'}; revisions: {told or 'none'}"
    found += f"{late.sum()} late"
    figure, (axes,) = look.blank(1, 4.8)
    # The same frame at every step, so that only what has changed moves.
    low, high = min(times.min(), marks[0]), times.max()
    _bands(axes, windows, len(times), low, high + (high - low) // 12 + 1)
    _stairs(axes, marks, wait, lateness)
    for name, some in groups.items():
        _dots(axes, number[some], seen[some], name)
    axes.plot(last, _dates(seen[-1]), "o", markersize=13, markerfacecolor="none", color=look.INK)
    axes.plot(closings["by"], _dates(closings["end"]), "v", color=look.INK, markersize=8,
              markeredgecolor="white", label="closes a window")  # fmt: skip
    ticks = axes.get_xticks()
    axes.set_xticks([one for one in ticks if 0 < one <= len(times) and one == round(one)])
    axes.grid(visible=False)
    axes.set_xlabel("arrivals, one after the other")
    _clock(axes.yaxis, tz, "event time", times)
    tight = {"columnspacing": 1.2, "handlelength": 1.5, "ncols": 6 if lateness is None else 4}
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), **tight)
    lost = ", ".join(f"{stamp} (arrival {place})" for place, stamp in facts["late"])
    words = (
        f"{found}; closed windows with their rows: {_listed(facts['closed'])}; open windows with "
        f"their rows so far: {_listed(facts['open'])}; late rows: {lost or 'none'}{told}"
    )
    return look.told(figure, facts, title or found, "Staircase of the watermark", words)


def step_through(events: pd.DataFrame, size: Any = "1h", delay: Any = "10min", **how: Any) -> Any:
    """Step through :func:`plot_watermark`, one arrival after the other, in JupyterLab.

    Parameters
    ----------
    events : DataFrame
        Some tens of rows, in the order of their arrival.
    size, delay, **how
        As in :func:`plot_watermark`.

    Returns
    -------
    ipywidgets.VBox
        A button that plays the steps, a slider that goes to any of them, and the picture.

    Raises
    ------
    MissingExtraError
        If ipywidgets is not installed.

    Examples
    --------
    >>> time = pd.date_range("2024-03-04T09:00Z", periods=30, freq="5min")
    >>> panel = step_through(pd.DataFrame({"purchase_time": time}), size="1h", delay="10min")
    >>> panel.children[0].children[1].max
    30
    """
    widgets = optional("ipywidgets", "notebooks")

    @cache
    def page(step: int) -> str:
        return plot_watermark(events, size, delay, step, **how)._repr_html_()

    shown = widgets.HTML(page(1))  # a mistake shows here, not at the first click
    bounds = {"value": 1, "min": 1, "max": len(events)}
    play = widgets.Play(interval=PACE, **bounds)
    slider = widgets.IntSlider(description="arrival", layout={"width": "470px"}, **bounds)
    widgets.jslink((play, "value"), (slider, "value"))
    slider.observe(lambda change: setattr(shown, "value", page(change["new"])), names="value")
    return widgets.VBox([widgets.HBox([play, slider]), shown])


def _follow(step: Tumbling, times: Any) -> tuple[Any, Any, Any, pd.DataFrame]:
    """Feed the step one row at a time; give times, who was late, the watermarks, the answers.

    An answer knows the arrival that caused it, and whether that revises a closed window.
    """
    zoned = _local(times, "UTC").array
    state, late, marks, gone = step.initial(), [], [], []
    for place in range(len(times)):
        given = step.update(state, Columns({step.on: zoned[place : place + 1]}))
        late.append(len(given["late"]) > 0)
        marks.append(state["watermark"])
        gone.append(given["windows"].frame().assign(by=place + 1))
    still = step.finish(state)["windows"].frame().assign(by=0)  # what only the end would close
    windows = pd.concat([one for one in [*gone, still] if len(one)] or [still]).reset_index()
    for name in ("start", "end"):
        windows[name] = Columns.of(windows).microseconds(name)
    both = np.concatenate([windows["start"], windows["end"]])
    first, then = np.split(np.array(_written(both, step.tz, like=times), object), 2)
    # What only the end closes has no arrival, and looks one back from the first: at the last mark.
    before = np.array([parsing.NAT, *marks])[windows["by"] - 1]
    windows["revises"] = (windows["by"] > 0) & (windows["end"] <= before)
    return times, np.array(late), np.array(marks), windows.assign(name=first + "–" + then)


def _bands(axes: Any, windows: pd.DataFrame, rows: int, bottom: int, top: int) -> None:
    """Set the frame, and draw in it each window as a band that says whether it is open.

    A closed one is grey, and darker once no late row can revise it.
    """
    right = 1.28 * rows + 1
    axes.set(xlim=(0, right), ylim=_dates([bottom - (top - bottom) // 20, top]))
    borders = np.unique(windows[["start", "end"]])
    for border in borders[(bottom < borders) & (borders < top)]:
        axes.axhline(_dates(border), color=look.GREY, linewidth=0.8, zorder=0.5)
    for one in windows.to_dict("records"):
        state, edges = one["state"], [one["start"], one["end"]]
        if state in SHUT:
            axes.fill_between([0, right], *_dates(edges), color=SHUT[state], linewidth=0, zorder=0)
        low, high = np.clip(edges, bottom, top)
        if high - low > (top - bottom) // LABELLED:
            said = f"{one['name']}\n{state}: {one['count']:,} rows"
            said += f"\nrevision {one['revision']}" if one.get("revision") else ""
            middle = _dates((low + high) // 2)
            axes.text(0.985 * right, middle, said, ha="right", va="center", linespacing=1.1)


def _stairs(axes: Any, marks: Any, wait: int, lateness: Any) -> None:
    """Draw the watermark after each arrival, and what lies above it and, if allowed, below."""
    number, held = np.arange(1, len(marks) + 2), np.append(marks, marks[-1])
    lines = [("newest event", held + wait, 0.8, (0, (1, 2))), ("watermark", held, 2, "-")]
    if lateness is not None:
        allowed = held - parsing.duration(lateness, "lateness")
        lines.append(("watermark less lateness", allowed, 1.2, look.DASHES[1]))
    for name, high, width, dash in lines:
        how: dict[str, Any] = {"linewidth": width, "linestyle": dash, "color": look.INK}
        axes.step(number, _dates(high), where="post", label=name, **how)


def _dots(axes: Any, x: Any, times: Any, name: str) -> None:
    """Draw the events of a group, whose mark tells it apart beside its colour."""
    axes.plot(x, _dates(times), linestyle="", label=name, **GROUPS[name])


def _behind(times: Any) -> Any:
    """Tell which rows come after one that happened later."""
    return times < np.maximum.accumulate(times)


def _times(rows: Columns, on: str) -> Any:
    times = rows.microseconds(on)
    if not len(times):
        raise DataError("events without rows: there is nothing to draw; check what made them")
    return times


def _moment(at: Any, tz: str) -> int:
    """Read a moment; without a zone it is meant on the clock of ``tz``."""
    if not re.search(r"\d{4}", str(at)):  # pandas reads 10 as 1970, and "10:00" as today
        raise ParameterError(
            f"at={at!r} is not a time: write its day and hour, as in '2024-03-04 10:00'"
        )
    with suppress(TypeError, ValueError):
        when = pd.Timestamp(at)
        at = when.tz_localize(tz) if when.tzinfo is None else when
    return parsing.instant(at, "at")


def _dates(times: Any) -> Any:
    """Give microseconds as what matplotlib draws."""
    return np.asarray(times, np.int64).view("M8[us]")[()]


def _local(times: Any, tz: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(_dates(times)).tz_localize("UTC").tz_convert(tz)


def _written(times: Any, tz: str, like: Any = None) -> list[str]:
    """Write times on the clock of a zone, with their dates if those ``like`` them have several."""
    clock, others = _local(times, tz), _local(times if like is None else like, tz)
    days = "%m-%d " if len(others.normalize().unique()) > 1 else ""
    return list(clock.strftime(f"{days}%H:%M{':%S' if clock.second.any() else ''}"))


def _clock(axis: Any, tz: str, name: str, times: Any) -> None:
    """Write an axis of times as clocks of that zone show them, and the date in its name."""
    clock_axis(axis, tz, offset=False)
    ends = _local([times.min(), times.max()], tz).strftime("%Y-%m-%d")
    axis.set_label_text(f"{name}, {' to '.join(dict.fromkeys(ends))} ({tz})")


def _listed(windows: dict[str, int]) -> str:
    return ", ".join(f"{name} {rows}" for name, rows in windows.items()) or "none"
