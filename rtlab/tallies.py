"""Charts of what was counted: ranks, hours of the week, rows, customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rtlab import pictures as look
from rtlab.charts import date_axis, label_of, places
from rtlab.errors import DataError
from rtlab.extras import optional
from rtlab.parsing import check_columns
from rtlab.pictures import Picture, quoted, say, short

HATCHED = 100  # so many bars at most: more take seconds to draw, and no eye tells their hatch
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@look.house_style()
def plot_leaderboard(
    frame: pd.DataFrame, *, value: str, label: str, title: str | None = None, unit: str = ""
) -> Picture:
    """Draw a leaderboard as bars, in the order of its rows.

    Parameters
    ----------
    frame : DataFrame
        One row for each bar.
    value, label : str
        The columns with the bars' lengths and their names.
    title, unit : str, optional
        As in :func:`plot_series`.

    Returns
    -------
    Picture
        Long names are shortened in the figure and whole in its facts.

    Raises
    ------
    MissingColumnError, DataError
        If a column is not there, or there is no row.

    Examples
    --------
    >>> top = pd.DataFrame({"name": ["tea", "cup"], "sold": [5, 3]})
    >>> plot_leaderboard(top, value="sold", label="name").facts["ranks"]
    [['tea', 5], ['cup', 3]]
    """
    _check(frame, value, label)
    names, sizes = [str(name) for name in frame[label]], frame[value].tolist()
    written = [say(size, unit) for size in sizes]
    figure, (axes,) = look.blank(1, 0.8 + 0.29 * len(frame))
    draw_bars(axes, names, sizes, written, color=look.COLOURS[0])
    words = ", ".join(f"{quoted(name)} {size}" for name, size in zip(names, written, strict=True))
    found = f"{look.upper(names[0])} leads with {written[0]}"
    facts = {"ranks": list(zip(names, sizes, strict=True))}
    return look.told(figure, facts, title or found, f"Bars of {value} by {label}", words)


@look.house_style()
def plot_heatmap(series: Any, *, title: str | None = None, unit: str = "") -> Picture:
    """Draw the mean of each hour of the week, on the clock of the series' zone.

    Parameters
    ----------
    series : Series
        Indexed by time, hourly or finer.
    title, unit : str, optional
        As in :func:`plot_series`.

    Raises
    ------
    DataError
        If the index holds no times, or the series no number.

    Examples
    --------
    >>> hours = pd.date_range("2024-03-04", periods=168, freq="h", tz="Asia/Shanghai")
    >>> plot_heatmap(pd.Series(range(168), hours)).facts["best_at"]
    'Sunday 23:00'
    """
    index = series.index
    if not isinstance(index, pd.DatetimeIndex) or not series.notna().any():
        raise DataError(
            f"series {series.name!r} on {type(index).__name__}: hours of the week need numbers on "
            "a time index; use the result of tumbling(size='1h')"
        )
    number = pd.Series(series.to_numpy(dtype=float, na_value=np.nan))
    cells = number.groupby([index.day_of_week, index.hour]).mean()
    grid = np.array([[cells.get((day, hour), np.nan) for hour in range(24)] for day in range(7)])
    days = number.groupby(index.day_of_week).mean().rename(dict(enumerate(DAYS)))
    figure, (axes,) = look.blank(1, 3.5)
    ramp = optional("matplotlib.colors", "plot").LinearSegmentedColormap.from_list("", look.RAMP)
    mesh = axes.pcolormesh(range(25), range(8), grid, cmap=ramp, edgecolors="white", linewidth=1)
    facts: dict[str, Any] = {}
    for name, mark, at in (
        ("best", "^", np.nanargmax(grid)),
        ("weakest", "v", np.nanargmin(grid)),
    ):
        day, hour = divmod(int(at), 24)
        facts |= {name: grid[day, hour], f"{name}_at": f"{DAYS[day]} {hour:02}:00"}
        how = {"color": look.COLOURS[1], "markersize": 9, "markeredgecolor": "white"}
        label = f"{name} {say(grid[day, hour], unit)}"
        axes.plot(hour + 0.5, day + 0.5, mark, label=label, markeredgewidth=1.4, **how)
    facts["days"] = days.to_dict()
    names = [f"{day}  {say(days.get(day), unit)}" for day in DAYS]
    axes.set_yticks(np.arange(7) + 0.5, names)
    axes.set_xticks(range(0, 25, 3), [f"{hour:02}" for hour in range(0, 25, 3)])
    zone = f" ({index.tz})" if index.tz is not None else ""
    per = _per(index)
    axes.set(xlabel=f"hour of day{zone}", ylabel=f"weekday and its mean{per}", ylim=(7, 0))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    bar = figure.colorbar(mesh, ax=axes, pad=0.015, aspect=18)
    bar.outline.set_visible(False)
    look.number_axis(bar.ax.yaxis, unit)
    name = str(series.name or "value")
    bar.set_label(f"mean {short(name)}" + f" ({unit})" * bool(unit))
    found = f"{facts['best_at']} is the best hour: {say(facts['best'], unit)} on average"
    words = (
        f"{found}; the weakest is {facts['weakest_at']} ({say(facts['weakest'], unit)}); "
        f"the best day is {days.idxmax()} (mean{per}: {say(days.max(), unit)}), the weakest "
        f"{days.idxmin()} ({say(days.min(), unit)})"
    )
    opening = f"Heat map of {quoted(name)} by weekday and hour"
    return look.told(figure, facts, title or found, opening, words)


@look.house_style()
def plot_account(account: Any, *, title: str | None = None) -> Picture:
    """Draw the account of rows: what came in, what was used, and why the rest was not.

    Parameters
    ----------
    account : Account
        ``lines()`` gives (label, rows): the rows in, then the used ones, then the others. A label
        that begins with "of these" tells of rows that the line before has counted.
    title : str, optional
        By default the share that was used.

    Raises
    ------
    DataError
        If the parts do not add up to the rows in.

    Examples
    --------
    >>> from rtlab.account import Account
    >>> plot_account(Account(arrived=4, used=3, late=1)).facts["late"]
    1
    """
    (_, whole), *lines = account.lines()
    parts = {name: rows for name, rows in lines if not name.startswith("of these")}
    if sum(parts.values()) != whole:
        raise DataError(
            f"an account whose parts make {sum(parts.values())} rows of {whole}: every row is "
            "counted once; look for the step whose output was not"
        )
    (name, used), *others = parts.items()
    rest = {reason: rows for reason, rows in others if rows}
    heights = [1, 0.8 * len(rest) + 0.4][: 1 + bool(rest)]
    figure, panels = look.blank(len(heights), 1.5 + 0.31 * len(rest), height_ratios=heights)
    left = whole - used
    for label, rows, at, colour, hatch in (
        (name, used, 0, look.COLOURS[0], ""),
        ("not used", left, used, look.COLOURS[1], "////"),
    ):
        said = f"{label} {rows:,} ({_share(rows, whole)})"
        panels[0].barh(0, rows, left=at, color=colour, hatch=hatch, label=said)
    panels[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    panels[0].set_xlim(0, 1.02 * max(whole, 1))
    panels[0].set_axis_off()
    if rest:
        said_all = [f"{rows:,} ({_share(rows, whole)})" for rows in rest.values()]
        how = {"color": look.COLOURS[1], "hatch": "////"}
        draw_bars(panels[1], list(rest), list(rest.values()), said_all, **how)
        panels[1].set_title("not used, by reason")
    found = f"{_share(used, whole)} of {whole:,} rows were used"
    facts, opening = {"in": whole} | dict(lines), "Bars of the account of rows"
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in rest.items())
    words = account.sentence().rstrip(".") + f"; not used: {reasons}" * bool(rest)
    return look.told(figure, facts, title or found, opening, words)


@look.house_style()
def plot_customers(frame: pd.DataFrame, *, title: str | None = None) -> Picture:
    """Draw how many customers are new and how many return, in each week or day.

    Parameters
    ----------
    frame : DataFrame
        Indexed by the start of each stretch, with columns ``new`` and ``returning``, as the
        activity that :func:`users` gives.
    title : str, optional
        By default how many were new at first and at last.

    Raises
    ------
    MissingColumnError, DataError
        If a column is not there, or there is no row.

    Examples
    --------
    >>> days = pd.date_range("2024-03-04", periods=2, name="start")
    >>> activity = pd.DataFrame({"new": [5, 1], "returning": [0, 3]}, days)
    >>> plot_customers(activity).facts["most_at"]
    '2024-03-04'
    """
    _check(frame, "new", "returning")
    figure, (axes,) = look.blank()
    facts, stretch = draw_customers(axes, frame)
    found = (
        f"{facts['new_first']:,} customers were new in the first {stretch}, "
        f"{facts['new_last']:,} in the last"
    )
    words = f"{found}; {facts['new']:,} in all; the most came in the {stretch} of "
    words += f"{facts['most_at']}: {say(facts['most'])}"
    opening = f"Bars of new and returning customers by {stretch}"
    return look.told(figure, facts, title or found, opening, words)


def draw_customers(axes: Any, frame: pd.DataFrame) -> tuple[dict[str, Any], str]:
    """Draw new and returning customers into axes; give their facts, and what a stretch is."""
    index, both = frame.index, frame["new"] + frame["returning"]
    timed, at, x = isinstance(index, pd.DatetimeIndex), label_of(index), places(index)
    x = optional("matplotlib.dates", "plot").date2num(x) if timed else x
    apart = float(np.median(np.diff(x))) if len(x) > 1 else 1.0
    stretch = {7: "week", 1: "day"}.get(round(apart), "stretch") if timed else "stretch"
    below: Any = 0
    hatching = "////" if len(frame) <= HATCHED else ""
    for name, colour, hatch in (
        ("returning", look.COLOURS[0], ""),
        ("new", look.COLOURS[1], hatching),
    ):
        how = {"color": colour, "hatch": hatch, "label": name, "align": "edge"}
        axes.bar(x, frame[name], 0.8 * apart, below, **how)
        below = frame[name].to_numpy()
    look.number_axis(axes.yaxis)
    axes.set(ylabel=f"customers in each {stretch}", xlabel=stretch)
    axes.set_ylim(0, 1.06 * max(both.max(), 1))
    if isinstance(index, pd.DatetimeIndex):
        date_axis(axes, index.tz)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    new, top = frame["new"], int(both.to_numpy().argmax())
    return {
        "stretches": len(frame), "from": at(0), "to": at(-1), "new": new.sum(),
        "new_first": new.iloc[0], "new_last": new.iloc[-1],
        "returning_last": frame["returning"].iloc[-1], "most": both.iloc[top], "most_at": at(top),
    }, stretch  # fmt: skip


def _per(index: pd.DatetimeIndex) -> str:
    """Say what the values are of: " per hour"."""
    minutes = np.median(np.diff(index.as_unit("s").asi8)) / 60 if len(index) > 1 else 0
    return {0: "", 60: " per hour"}.get(minutes, f" per {minutes:g} minutes")


def draw_bars(
    axes: Any, names: list[str], sizes: list[Any], written: list[str], **how: Any
) -> Any:
    """Draw bars from top to bottom with their numbers, which take the place of an axis."""
    bars = axes.barh(range(len(names)), sizes, height=0.68, **how)
    labels = axes.bar_label(bars, written, padding=4)
    axes.set_yticks(range(len(names)), [short(name, 40) for name in names])
    axes.tick_params(axis="y", labelcolor=look.INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.22 if min(sizes) < 0 else 0.16)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    return labels


def _check(frame: pd.DataFrame, *columns: str) -> None:
    check_columns(frame, columns, "the data", "name the right column")
    if frame.empty:
        raise DataError("a frame without rows: there is nothing to draw; check what made it")


def _share(rows: int, whole: int) -> str:
    return f"{100 * rows / whole:.3g}%" if whole else "0%"
