"""Charts over time: each takes a result and gives a Picture whose title says what was found."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rtlab import pictures as look
from rtlab.errors import DataError
from rtlab.extras import optional
from rtlab.pictures import Picture, quoted, say, short

PIXELS = 900
"""Of a line's width: more than twice as many points cannot be seen."""
SHADES = ("#F6E5C8", "#DCEBE4")
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@look.house_style()
def plot_series(series: Any, *, title: str | None = None, unit: str = "") -> Picture:
    """Draw a series over time with its mean and its ends, or several series together.

    Parameters
    ----------
    series : Series, DataFrame, or dict of str to Series
        Numbers on any index; zoned times are drawn in their own zone.
    title : str, optional
        By default the finding: where the highest value is.
    unit : str, optional
        Of the values: ``"$"``, ``"pieces"``. A currency sign stands before its number.

    Returns
    -------
    Picture
        Its facts are those of the whole series, although a long one is thinned for drawing to
        the lowest and the highest value of each pixel.

    Raises
    ------
    DataError
        If there is no number to draw.

    Examples
    --------
    >>> plot_series(pd.Series([1, 5, 3], name="sold")).facts["highest_at"]
    1
    """
    named = _named(series, "value", keep=True)
    figure, (axes,) = look.blank()
    facts, best = draw_series(axes, named, unit)
    top = facts[best]
    found = f"{look.upper(best)} peaks at {say(top['highest'], unit)} ({top['highest_at']})"
    words = _words(facts, unit)
    facts = top if len(named) == 1 else facts
    return look.told(figure, facts, title or found, "Line chart", words)


def draw_series(axes: Any, named: Mapping[str, Any], unit: str) -> tuple[dict[str, Any], str]:
    """Draw series into axes; give their facts, and the name of the one that rises highest."""
    facts = {name: _span(one) for name, one in named.items()}
    best = max(facts, key=lambda name: facts[name]["highest"])
    for place, (name, one) in enumerate(named.items()):
        _line(axes, one, name, place)
    if len(named) == 1:
        _mark(axes, named[best], facts[best]["mean"], unit)
    _dress(axes, named[best], best if len(named) == 1 else "value", unit)
    return facts, best


@look.house_style()
def plot_average(
    raw: Any,
    average: Any,
    *,
    during: Mapping[str, Any] | None = None,
    title: str | None = None,
    unit: str = "",
) -> Picture:
    """Draw a series thinly and over it its moving average, or several of them.

    Parameters
    ----------
    raw : Series
    average : Series, DataFrame, or dict of str to Series
        For instance ``{"trailing": ..., "centred": ...}``.
    during : dict of str to (start, end), optional
        Stretches of the index to shade, for instance ``{"promotion": (start, end)}``.
    title, unit : str, optional
        As in :func:`plot_series`.

    Examples
    --------
    >>> raw = pd.Series([0.0, 4.0, 2.0])
    >>> plot_average(raw, raw.rolling(2).mean()).facts["average"]["lowest"]
    2.0
    """
    raw, after = _checked(raw), _named(average, "average")
    name = str(raw.name or "value")
    figure, (axes,) = look.blank()
    shaded: dict[str, Any] = {}
    for place, (key, ends) in enumerate((during or {}).items()):
        index = pd.Index(ends)
        shaded[key] = [label_of(index)(end) for end in (0, 1)]
        axes.axvspan(*places(index), color=SHADES[place % 2], label=short(key), zorder=0)
    facts = draw_average(axes, raw, after, unit)
    low, high = (say(facts[next(iter(after))][end], unit) for end in ("lowest", "highest"))
    found = f"{look.upper(name)}, averaged, moves between {low} and {high}"
    opening = f"Line chart of {quoted(name)} and its moving average"
    words = [_words(facts, unit)]
    words += [f"{quoted(key)}: from {start} to {end}" for key, (start, end) in shaded.items()]
    return look.told(figure, facts | shaded, title or found, opening, "; ".join(words))


def draw_average(axes: Any, raw: Any, after: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Draw a series and its averages into axes, and give their facts."""
    facts = {"raw": _span(raw)} | {name: _span(one) for name, one in after.items()}
    _line(axes, raw, "raw", color="#7D8996", linewidth=0.6, marker="")
    effects = optional("matplotlib.patheffects", "plot")
    halo = [effects.Stroke(linewidth=4, foreground="white"), effects.Normal()]
    for place, (key, one) in enumerate(after.items()):
        _line(axes, one, key, place, linewidth=2, path_effects=halo)
    _dress(axes, raw, str(raw.name or "value"), unit)
    return facts


@look.house_style()
def plot_difference(
    raw: Any, diff: Any, *, period: int | None = None, title: str | None = None, unit: str = ""
) -> Picture:
    """Draw a series and, below it, its difference, or several with a panel for each.

    Parameters
    ----------
    raw : Series
    diff : Series, DataFrame, or dict of str to Series
        For instance ``{"lag 1": ..., "lag 168": ...}``.
    period : int, optional
        Ticks in a season, of which each panel then shows what is left: the mean of every place
        in the period, and the share of the variance that these means have.
    title, unit : str, optional
        As in :func:`plot_series`.

    Returns
    -------
    Picture
        ``std`` is the standard deviation, ``known`` counts the values that are left. With a
        period, a unit is as high in one panel as in the other, so that they can be compared.

    Examples
    --------
    >>> raw = pd.Series([0.0, 4.0, 2.0])
    >>> plot_difference(raw, raw.diff()).facts["difference"]["lowest"]
    -2.0
    """
    raw, below = _checked(raw), _named(diff, "difference")
    name = str(raw.name or "value")
    facts: dict[str, Any] = {}
    tall = 1.8 if period else 1.5
    figure, panels = look.blank(1 + len(below), 1.6 + tall * len(below), sharex=True)
    for place, (key, one) in enumerate({"raw": raw, **below}.items()):
        y = pd.Series(one.to_numpy(dtype=float, na_value=np.nan), one.index)
        axes, size = panels[place], {"known": int(y.count()), "std": y.std()}
        if place:
            axes.axhline(0, color=look.INK, linewidth=0.8)
        shown = key if place else name
        _line(axes, one, shown, place, linestyle="-", linewidth=0.9, marker="", alpha=0.75)
        if period:
            means = y.groupby(np.arange(len(y)) % period).transform("mean").where(y.notna())
            size[f"share_{period}"] = means.var() / y.var() if size["std"] else 0.0
            left = f"mean by place in {period} ({size[f'share_{period}']:.0%} of the variance)"
            _line(axes, means, left, color=look.INK, linewidth=1.4, linestyle="-", marker="")
            axes.lines[-1].set_label(left)  # in full
        facts[key] = _span(one) | size
        _dress(axes, raw, shown, unit, last=place == len(below))
    spread = ", ".join(f"{quoted(key)} {say(fact['std'], unit)}" for key, fact in facts.items())
    words = f"{_words(facts, unit)}; standard deviations: {spread}"
    if period:
        tallest = max(np.ptp(axes.get_ylim()) for axes in panels)
        for axes in panels:
            axes.set_ylim(np.mean(axes.get_ylim()) + tallest * np.array([-0.5, 0.5]))
        shares = (f"{fact[f'share_{period}']:.0%} in {quoted(key)}" for key, fact in facts.items())
        found = f"Share of the season of {period} in the variance: {', '.join(shares)}"
        words = f"{found}; {words}"
    else:
        first = facts[next(iter(below))]
        end = max(("highest", "lowest"), key=lambda end: abs(first[end]))
        move = f"{'rise' if first[end] > 0 else 'fall'} of {quoted(name)}"
        found = f"The largest {move} is {say(abs(first[end]), unit)} ({first[f'{end}_at']})"
    opening = f"Line charts of {quoted(name)} and its differences"
    return look.told(figure, facts, title or found, opening, words)


@look.house_style()
def plot_decomposition(
    d: Any, *, truth: Mapping[Any, Any] | None = None, title: str | None = None, unit: str = ""
) -> Picture:
    """Draw the parts of a series: observed, trend and residual, and the shape of each season.

    Parameters
    ----------
    d : decomposition
        What :func:`decompose` gives.
    truth : dict, optional
        What was put in, drawn dashed over what was found: ``"trend"``, ``"residual"`` or a
        period, to Series.
    title, unit : str, optional
        As in :func:`plot_series`.

    Returns
    -------
    Picture
        A season's line is its mean over all its rounds, its band the range over them.

    Raises
    ------
    DataError
        If ``truth`` is no dict, or names a part that is not drawn.
    """
    parts = {"observed": d.observed, "trend": d.trend, "residual": d.residual}
    drawn = [*parts, *d.seasons.columns]
    if not (truth is None or (isinstance(truth, dict) and set(truth) <= set(drawn))):
        said = list(truth) if isinstance(truth, dict) else type(truth).__name__
        raise DataError(
            f"truth of {said}: it is a dict of Series by the name of a part, of "
            f"{', '.join(map(repr, drawn))}; as in truth={{'trend': put_in}}"
        )
    truth, factors = truth or {}, d.method == "multiplicative"
    facts: dict[str, Any] = {name: _span(part) for name, part in parts.items()}
    rows = [[name] * d.seasons.shape[1] for name in parts] + [list(d.seasons.columns)]
    figure, panels = look.blank(rows, 7.2, height_ratios=[1, 1, 1, 1.25])
    for place, (name, part) in enumerate(parts.items()):
        axes, thick = panels[name], 1.8 if name == "trend" else 0.6
        axes.sharex(panels["observed"]) if place else None
        _line(axes, part, "found", place, linestyle="-", linewidth=thick, marker="")
        if name in truth:
            _line(axes, truth[name], "put in", 1, color=look.INK, linewidth=1.2, marker="")
        _dress(axes, part, name, "" if factors and place == 2 else unit, last=place == 2)
    highs = []
    for period, season in d.seasons.items():
        money = "" if factors else unit
        fact = _season(panels[period], season, int(period), truth.get(period), money)
        facts[f"season {period}"] = fact
        high = f"{fact['highest_at']} ({say(fact['highest'], money)})"
        highs.append(f"the season of {period} is highest at {high}")
    facts |= {"method": d.method, "strengths": dict(d.strengths.items())}
    words, gaps = f"{_words({'trend': facts['trend']}, unit)}; {'; '.join(highs)}", []
    for name, put in truth.items():
        part = d.seasons[name] if name in d.seasons else parts[name]
        facts[f"mean gap of {name}"] = gap = (part - put).abs().mean()
        gaps.append(f"{name if name in parts else f'season {name}'} {say(gap, unit)}")
    strong = ", ".join(
        f"{name if name == 'trend' else f'season {name}'} {value:.2f}"
        for name, value in sorted(d.strengths.items(), key=lambda item: -item[1])
    )
    words += f"; mean distance from what was put in: {', '.join(gaps)}" * bool(gaps)
    words += f"; strengths: {strong}"
    opening = f"Parts of {quoted(d.observed.name or 'a series')} by {d.method}"
    return look.told(figure, facts, title or f"Strength from 0 to 1: {strong}", opening, words)


def _season(axes: Any, season: Any, period: int, put: Any, unit: str) -> dict[str, Any]:
    """Draw what one round of a season looks like, and give its ends."""
    offset, per_day = _clock_of(season.index, period)

    def rounds(part: Any) -> Any:
        values = pd.Series(part.to_numpy(dtype=float, na_value=np.nan))
        return values.groupby((np.arange(len(values)) + offset) % period)

    seen = rounds(season)
    mean = seen.mean()
    axes.fill_between(mean.index, seen.min(), seen.max(), color="#CFE3DC", linewidth=0)
    axes.plot(mean.index, mean, color=look.COLOURS[2], marker="o" if period <= 31 else "")
    if put is not None:
        axes.plot(rounds(put).mean(), color=look.INK, linestyle=look.DASHES[1], linewidth=1.2)
    look.number_axis(axes.yaxis, unit)
    axes.set(ylabel=f"season {period}" + f" ({unit})" * bool(unit), xlabel="tick of the period")
    if period == per_day:
        axes.set_xticks(period * np.arange(9) / 8, [f"{hour:02}" for hour in range(0, 25, 3)])
        axes.set_xlabel("hour of day")
    elif per_day:
        axes.set_xticks(per_day * np.arange(7), WEEK)
        axes.set_xlabel("day of week")

    def at(place: int) -> Any:
        if not per_day:
            return place
        day, minutes = divmod(round(place * 1440 / per_day), 1440)
        time = f"{minutes // 60:02}:{minutes % 60:02}"
        return time if period == per_day else f"{WEEK[day]} {time}" if per_day > 1 else WEEK[day]

    return {
        "lowest": mean.min(), "lowest_at": at(mean.idxmin()),
        "highest": mean.max(), "highest_at": at(mean.idxmax()),
    }  # fmt: skip


def _clock_of(index: Any, period: int) -> tuple[int, float]:
    """Give where in its round a season begins, and the ticks of a day where rounds are clocks."""
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2:
        return 0, 0
    step = pd.Series(index[1:] - index[:-1]).median()
    per_day = pd.Timedelta(days=1) / step
    if period not in {per_day, 7 * per_day}:
        return 0, 0
    into = (index[0] - index[0].normalize()) / step
    return round(into + (index[0].weekday() * per_day if period > per_day else 0)), per_day


def _named(series: Any, name: str, *, keep: bool = False) -> dict[str, Any]:
    """Give series by name; a lone one takes the part that it plays, or keeps its own name."""
    if isinstance(series, pd.Series):
        return {str(series.name) if keep and series.name is not None else name: series}
    named = series if isinstance(series, (dict, pd.DataFrame)) else {name: series}
    return {str(key): _checked(named[key]) for key in named}


def _checked(series: Any) -> Any:
    if not isinstance(series, pd.Series):
        raise DataError(
            f"a chart of {reprlib.repr(series)}: lines are drawn of a Series, a DataFrame or a "
            "dict of name to Series; make one with pd.Series(...)"
        )
    return series


def _span(series: Any) -> dict[str, Any]:
    """Find the facts of a series: how long it is, its mean and its ends."""
    if series.dtype.kind in "mM":
        raise DataError(
            f"series {series.name!r} holds times: choose the columns to draw, as in "
            "table['revenue']"
        )
    y = series.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(y).any():
        raise DataError(
            f"series {series.name!r} of {len(y)} values holds no number: there is nothing to draw;"
            " check the rows that made it"
        )
    low, high, at = int(np.nanargmin(y)), int(np.nanargmax(y)), label_of(series.index)
    return {
        "points": len(y), "from": at(0), "to": at(-1), "mean": float(np.nanmean(y)),
        "lowest": series.iloc[low], "lowest_at": at(low),
        "highest": series.iloc[high], "highest_at": at(high),
    }  # fmt: skip


def label_of(index: Any) -> Callable[[int], Any]:
    """Give a function that writes a position's label: a date, a time, or what else it is."""
    if not isinstance(index, pd.DatetimeIndex):
        return lambda place: index[place]
    some = index[:99]
    seconds = "%H:%M:%S" if some.second.any() else "%H:%M"
    form = "%Y-%m-%d" if (some == some.normalize()).all() else f"%Y-%m-%d {seconds}"
    return lambda place: index[place].strftime(form)


def _words(facts: Mapping[str, Any], unit: str) -> str:
    return "; ".join(
        f"{quoted(name)}: lowest {say(fact['lowest'], unit)} ({fact['lowest_at']}), highest "
        f"{say(fact['highest'], unit)} ({fact['highest_at']}), mean {say(fact['mean'], unit)}"
        for name, fact in facts.items()
    )


def places(index: Any) -> Any:
    """Give where labels stand on the axis; matplotlib takes a time without a zone as UTC."""
    if isinstance(index, pd.DatetimeIndex):
        bare = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        return bare.to_numpy()
    return index.to_numpy() if pd.api.types.is_numeric_dtype(index) else np.arange(len(index))


def _thin(x: Any, y: Any) -> tuple[Any, Any]:
    """Keep the lowest and the highest point of every pixel, and gaps wider than one."""
    size = -(-len(y) // PIXELS)
    if size < 3:
        return x, y
    cells = np.full((PIXELS, size), np.nan)
    cells.flat[: len(y)] = y
    gone = np.isnan(cells)
    ends = [np.where(gone, np.inf, cells).argmin(1), np.where(gone, -np.inf, cells).argmax(1)]
    kept = np.unique(np.concatenate([np.arange(PIXELS) * size + end for end in ends]))
    kept = kept[kept < len(y)]
    return x[kept], y[kept]


def _line(axes: Any, series: Any, name: str, place: int = 0, **how: Any) -> None:
    """Draw a line that its dash and its marks tell apart, beside its colour."""
    x, y = _thin(places(series.index), series.to_numpy(dtype=float, na_value=np.nan))
    few, turn = len(y) <= 60, place % len(look.COLOURS)
    style = {
        "color": look.COLOURS[turn], "linestyle": look.DASHES[turn],
        "linewidth": 0.6 if len(series) > 1000 and not place else 1.6,
        "marker": look.MARKERS[turn] if few or place else "",
        "markevery": 1 if few else len(y) // 14,
    }  # fmt: skip
    axes.plot(x, y, label=short(name), **(style | how))


def _mark(axes: Any, series: Any, mean: float, unit: str) -> None:
    """Show the mean as a line, and the ends by marks."""
    label = f"mean {say(mean, unit)}"
    axes.axhline(mean, color=look.INK, linestyle=look.DASHES[1], linewidth=1.2, label=label)
    y = series.to_numpy(dtype=float, na_value=np.nan)
    for mark, at, name in (("v", np.nanargmin(y), "lowest"), ("^", np.nanargmax(y), "highest")):
        x, label = places(series.index)[[at]], f"{name} {say(series.iloc[at], unit)}"
        axes.plot(x, y[[at]], mark, color=look.COLOURS[1], markersize=7, label=label)


def _dress(axes: Any, series: Any, name: str, unit: str, *, last: bool = True) -> None:
    """Label the axes, with the zone of the times and the unit of the values."""
    look.number_axis(axes.yaxis, unit)
    axes.set_ylabel(f"{short(name)} ({unit})" if unit else short(name))
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    axes.tick_params(labelbottom=last)
    if isinstance(series.index, pd.DatetimeIndex):
        date_axis(axes, series.index.tz, last=last)
    elif last:
        axes.set_xlabel(str(series.index.name or "position"))


def date_axis(axes: Any, zone: Any, *, last: bool = True) -> None:
    """Let the axis below write dates and times; only the last of several names the zone."""
    clock_axis(axes.xaxis, zone, offset=last)
    if last:
        axes.set_xlabel(f"time ({zone})" if zone is not None else "time")


def clock_axis(axis: Any, zone: Any, *, offset: bool) -> None:
    """Write dates and times as clocks of that zone show them."""
    dates = optional("matplotlib.dates", "plot")
    locator = dates.AutoDateLocator(tz=zone, minticks=4, maxticks=9)
    axis.set_major_locator(locator)
    axis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone, show_offset=offset))
