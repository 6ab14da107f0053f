"""The purchase desk: panels that move while a stream runs, and one picture when it has ended.

The stream only leaves references here. A thread of the desk's own draws them, at most every
``every`` seconds and a third of the time, so that no drawing ever stops or blocks the stream.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
import warnings
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self
from weakref import WeakSet

import numpy as np
import pandas as pd
from streamz import Stream

from rtlab import pictures as look
from rtlab.behaviour import Users
from rtlab.charts import draw_average, draw_series, label_of
from rtlab.cleaning import clean
from rtlab.errors import (
    DataError,
    MissingColumnError,
    MissingExtraError,
    ParameterError,
    StreamError,
)
from rtlab.events import REQUIRED
from rtlab.extras import optional
from rtlab.pictures import Picture, say
from rtlab.ranks import Leaderboard
from rtlab.smooth import ExponentialAverage, MovingAverage, MovingMedian
from rtlab.sources.base import Source, notebook_cell, replace_earlier_run
from rtlab.sources.replay import Replay, pace, replay
from rtlab.steps import join
from rtlab.streams import Gather, Graph
from rtlab.tallies import draw_bars, draw_customers
from rtlab.ticks import WholeSeries

__all__ = ["Desk", "desk"]

SECONDS = 15
"""How long the replay of a log takes, where nobody says its speed."""
LONGER = {"10min": "1h", "1h": "1D", "1D": "7D"}
"""Over how long a log's windows are averaged, and how often its other panels answer."""
SIGNS = {1: ("▲", look.COLOURS[2]), 0: ("=", look.GREY), -1: ("▼", look.COLOURS[1])}


class Latest(Gather):
    """Keep the latest rows that a node gave: all that the stream ever does for a desk."""

    def __init__(self, upstream: Stream, rows: int) -> None:
        super().__init__(upstream)
        self.rows, self.held, self.given = rows, 0, 0
        self.pieces: Any = deque()
        self.sizes: deque[int] = deque()
        self.whole: Any = None
        self._lock = threading.Lock()

    def update(self, x: Any, who: Any = None, metadata: Any = None) -> list[Any]:  # noqa: ARG002
        rows = len(x) if hasattr(x, "__len__") else 1
        with self._lock:
            self.pieces.append(x)
            self.sizes.append(rows)
            self.held, self.given = self.held + rows, self.given + 1
            while self.held - self.sizes[0] >= self.rows:
                self.pieces.popleft()
                self.held -= self.sizes.popleft()
        return []

    def seen(self) -> Any:
        """Give them as one pandas object, or None; the stream waits for no more than a swap."""
        with self._lock:
            fresh, self.pieces, self.sizes, self.held = self.pieces, deque(), deque(), 0
        if fresh:
            joined = join([self.whole, *fresh])
            if not isinstance(joined, (pd.Series, pd.DataFrame)):
                raise ParameterError(
                    f"a node gives {type(fresh[0]).__name__}: a panel shows one series of numbers"
                )
            self.whole = joined.tail(self.rows)
        return None if self.whole is None or self.whole.empty else self.whole


class Panel:
    """A part of the desk: it keeps what some nodes gave, and draws it into axes."""

    wide, height = False, 3.0

    def __init__(self, node: Any, rows: int) -> None:
        self.step: Any = getattr(node, "step", None)
        self.name = "value"
        self.until: Any = None
        self.kept = [Latest(one, rows) for one in self.nodes(node)]

    def nodes(self, node: Any) -> list[Any]:
        """List the nodes to be kept, the main one first."""
        return [node]

    def draw(self, axes: Any, desk: Desk) -> tuple[dict[str, Any], str]:
        """Draw what was kept, and give its facts and the finding; no rows, no facts."""
        seen = self.kept[0].seen()
        if seen is None:
            axes.set_axis_off()
            axes.text(0, 1, "waiting for the first answer …", va="top", color=look.GREY)
            return {}, ""
        facts, found = self.show(axes, seen, desk)
        title = textwrap.fill(found, 88 if self.wide else 37)
        axes.set_title(title, pad=20 if axes.get_legend() else 8)
        return facts, found

    def show(self, axes: Any, seen: Any, desk: Desk) -> tuple[dict[str, Any], str]:
        """Draw rows."""
        raise NotImplementedError


class Line(Panel):
    """A series with its mean."""

    wide, height = True, 2.6

    def show(self, axes: Any, seen: Any, desk: Desk) -> tuple[dict[str, Any], str]:
        self._place(seen)
        if not seen.notna().any():
            axes.set_axis_off()
            return {}, f"{look.upper(self.name)}: no full window yet"
        facts = draw_series(axes, {self.name: seen}, desk.unit)[0][self.name]
        now = facts | {"latest": seen.iloc[-1], "latest_at": facts["to"]}
        return now, f"{self._now(seen)}: {say(seen.iloc[-1], desk.unit)}"

    def _place(self, series: Any) -> None:
        """Learn the series' name, and up to when it tells."""
        if not isinstance(series, pd.Series):
            raise ParameterError(
                f"a {type(series).__name__} with columns {', '.join(map(str, series))}: a panel "
                "shows one series; take a column, as in .pluck('revenue')"
            )
        self.name, index = str(series.name or "value"), series.index
        if isinstance(index, pd.DatetimeIndex):
            width = np.median(np.diff(index[-100:])) if len(index) > 1 else pd.Timedelta(0)
            self.until = index[-1] + pd.Timedelta(width)

    def _now(self, series: Any) -> str:
        name, since = look.upper(self.name), label_of(series.index)(-1)
        if self.until is None or self.until == series.index[-1]:
            return f"{name} at {since}"
        form = "%H:%M" if len(since) > len("2024-03-04") else "%Y-%m-%d"
        return f"{name} from {since} to {self.until:{form}}"


class Trend(Line):
    """A series, thinly, and its average; the series is found before the step that averages."""

    def nodes(self, node: Any) -> list[Any]:
        return [node.upstreams[0], node]

    def show(self, axes: Any, seen: Any, desk: Desk) -> tuple[dict[str, Any], str]:
        average = self.kept[1].seen()
        self._place(seen)
        if average is None or not average.notna().any():
            return super().show(axes, seen, desk)
        facts = draw_average(axes, seen, {"average": average}, desk.unit)
        facts["raw"]["latest"], facts["average"]["latest"] = seen.iloc[-1], average.iloc[-1]
        found = f"{self._now(seen)}: {say(seen.iloc[-1], desk.unit)}"
        mean = average.iloc[-1]
        return facts, found + f"; its average: {say(mean, desk.unit)}" * bool(pd.notna(mean))


class Board(Panel):
    """The latest table of a leaderboard, with the places won and lost since the one before."""

    def __init__(self, node: Any, rows: int) -> None:  # noqa: ARG002
        super().__init__(node, node.step.k)
        self.name = f"top {self._by}"
        self.height = 0.9 + 0.27 * min(node.step.k, 12)

    @property
    def _by(self) -> str:
        by = self.step.by
        return by if isinstance(by, str) else " and ".join(by)

    def show(self, axes: Any, seen: Any, desk: Desk) -> tuple[dict[str, Any], str]:
        table, by = seen[seen.index == seen.index[-1]], self.step.by
        self.until = table.index[-1]
        keys = (
            table[by]
            if isinstance(by, str)
            else table[list(by)].astype(str).agg(" · ".join, axis=1)
        )
        names = [str(desk.names.get(key, key)) for key in keys]
        sizes = table[self.step.value or "count"].tolist()
        money = desk.unit if self.step.value else ""
        written = [say(size, money) for size in sizes]
        moves = [self._move(change) for change in table["change"]]
        plain = [size.removesuffix(f" {money}") for size in written]
        said = [f"{size}  {text}" for size, (text, _) in zip(plain, moves, strict=True)]
        short = [look.short(name, 26) for name in names]
        labels = draw_bars(axes, short, sizes, said, color=look.COLOURS[0])
        for label, (_, colour) in zip(labels, moves, strict=True):
            label.set_color(colour)
        axes.margins(x=0.42)
        changes = [None if pd.isna(change) else int(change) for change in table["change"]]
        facts = {
            "at": label_of(table.index)(-1),
            "ranks": list(zip(names, sizes, strict=True)), "changes": changes,
        }  # fmt: skip
        first = look.upper(names[0]) if names[0] != str(keys.iloc[0]) else f"{self._by} {names[0]}"
        return facts, f"{first} leads with {written[0]}"

    @staticmethod
    def _move(change: float) -> tuple[str, str]:
        """Write the places won or lost since the table before, in words that need no colour."""
        if np.isnan(change):
            return "new", look.COLOURS[3]
        sign, colour = SIGNS[int(np.sign(change))]
        return f"{sign}{abs(change):.0f}" if change else sign, colour


class Customers(Panel):
    """Who comes now, and who came before: new and returning customers."""

    def __init__(self, node: Any, rows: int) -> None:
        super().__init__(node, rows)
        self.name = "customers"

    def show(self, axes: Any, seen: Any, desk: Desk) -> tuple[dict[str, Any], str]:  # noqa: ARG002
        facts, stretch = draw_customers(axes, seen)
        axes.set_xlabel(stretch)  # the zone stands in the title
        last = seen.iloc[-1]
        self.until = last["end"]
        facts["active_last"] = last["active"]
        return facts, (
            f"{last['active']:,} customers on {facts['to']}: {last['new']:,} new, "
            f"{last['returning']:,} returning"
        )


PANELS: tuple[tuple[Any, type[Panel]], ...] = (
    ((MovingAverage, MovingMedian, ExponentialAverage), Trend),
    (Leaderboard, Board),
    (Users, Customers),
)


def _kind(node: Any) -> type[Panel]:
    """Choose the panel of a node by its step."""
    if not isinstance(node, Stream):
        raise ParameterError(
            f"desk() of a {type(node).__name__}: it shows nodes of a stream, or one log of events "
            "(a path, a frame, a replay); for nodes write rt.desk(trend, top, users)"
        )
    step = getattr(node, "step", None)
    kind = next((panel for steps, panel in PANELS if isinstance(step, steps)), Line)
    if isinstance(node, Source) or (kind is Line and step and step.takes != "series"):
        raise ParameterError(
            f"{step or node!r} gives rows: a desk shows series, leaderboards and users; take a "
            "column of windows, as in good.tumbling(...).pluck('revenue')"
        )
    refusal = step.refuses(ends=False) if step else None
    if isinstance(step, WholeSeries):
        refusal = "it answers once, at the end of the stream; use rt.drain(...) instead"
    if refusal:
        raise StreamError(f"{step!r} cannot be shown live: {refusal}")
    return kind


_running: WeakSet[Desk] = WeakSet()


class Desk:
    """Panels of a running stream; made by :func:`desk`.

    Attributes
    ----------
    picture : Picture or None
        All panels as they were when the stream had ended; None until then.
    drawings : int
        How often the panels were drawn.
    paused : bool
        Whether the panels rest; the stream never does.
    """

    def __init__(
        self, nodes: Any, every: float, rows: int, unit: str, names: Mapping[Any, str]
    ) -> None:
        self.every, self.unit, self.names = every, unit, names
        self.picture: Picture | None = None
        self.drawings, self.paused = 0, False
        self.error: BaseException | None = None
        kinds = [_kind(node) for node in nodes]
        self.sources = [one for one in Graph(*nodes).sources if isinstance(one, Source)]
        self._replace_others()  # which give their last answers, to their own panels only
        self.panels = [kind(node, rows) for kind, node in zip(kinds, nodes, strict=True)]
        self._closed, self._lock, self._drawn = threading.Event(), threading.RLock(), -1
        self._thread = threading.Thread(target=self._watch, name="rtlab desk", daemon=True)
        self._screen: Screen | None = None

    def __repr__(self) -> str:
        told = "ended" if self.picture else "paused" if self.paused else "running"
        return f"<desk of {len(self.panels)} panels, {told}>"

    def _ipython_display_(self) -> None:
        """Show the picture once there is one; until then the panels are on the page."""
        if self.picture and notebook_cell() != self._cell:
            optional("IPython.display", "notebooks").display(self.picture)

    def start(self) -> None:
        """Start the stream, show the panels and draw in the background."""
        busy = next((source for source in self.sources if not source.stopped), None)
        if busy:
            raise StreamError(
                f"{busy} is running already: a desk starts the stream itself, to show it from "
                "its beginning; call source.stop() before"
            )
        try:
            for source in self.sources:
                source.start()
            self._screen = Screen(self) if _in_notebook() else None
        except BaseException:
            for source in self.sources:
                source.stop()
            self._leave()
            raise
        _running.add(self)
        self._thread.start()

    def pause(self) -> None:
        """Let the panels rest; the stream goes on."""
        with self._lock:
            self.paused = True
            self._tell()

    def resume(self) -> None:
        """Let the panels move again."""
        with self._lock:
            self.paused = False
            self._tell()

    def wait(self, timeout: float | None = None) -> Picture:
        """Wait for the end of the stream, and give the final picture.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without it, as long as it takes.

        Raises
        ------
        StreamError
            If the stream has not ended in time.
        Exception
            What stopped the stream, or else what kept the panels from being drawn.
        """
        if not self.sources and not self._closed.is_set():
            raise StreamError("wait() for a stream without an end: call desk.close() first")
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise StreamError(f"the stream has not ended within {timeout} s: wait longer")
        error = next((one.error for one in self.sources if one.error), None) or self.error
        if error:
            raise error
        assert self.picture is not None  # noqa: S101  (made, or else there is an error)
        return self.picture

    def close(self) -> None:
        """End the stream after the batch in hand, and leave the final picture."""
        self._closed.set()
        for source in self.sources:
            source.stop()
        if self._thread.ident is not None:
            self._thread.join(10.0)
        if self.paused:
            self.resume()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self) -> None:
        """Draw what is new until the stream has ended, and then the final picture."""
        rest = 0.0
        while not self._ended(rest):
            began = time.monotonic()
            if self._given() != self._drawn:
                self._attempt(self._tell if self.paused else self._draw)
            rest = max(self.every, 2 * (time.monotonic() - began))
        self._attempt(self._finish)
        self._leave()

    def _ended(self, seconds: float) -> bool:
        """Wait for a while, or less if the stream ends."""
        if not self.sources:
            return self._closed.wait(seconds)
        until = time.monotonic() + seconds
        return all(one.ended(max(until - time.monotonic(), 0)) for one in self.sources)

    def _given(self) -> int:
        return sum(latest.given for panel in self.panels for latest in panel.kept)

    @property
    def behind(self) -> int:
        """How many answers the stream has given since the panels were drawn."""
        return self._given() - max(self._drawn, 0)

    def _attempt(self, drawing: Any) -> None:
        """Keep the first error: the stream has no part in it, and who waits is told."""
        try:
            drawing()
        except BaseException as error:  # noqa: BLE001
            self.error = self.error or error
            with suppress(Exception):
                self._tell()

    def _draw(self) -> None:
        with self._lock:  # so that nothing moves any more when pause() is back
            if self._screen and not (self.paused or self.error):
                self._drawn = self._given()
                self._screen.draw()
                self.drawings += 1

    def _finish(self) -> None:
        picture = self.compose(settle=True)
        with self._lock:
            self.picture = picture
            self._tell()

    def _tell(self) -> None:
        if self._screen:
            self._screen.tell()

    def _replace_others(self) -> None:
        """Close what this cell showed when it ran before, and whoever shows the same stream."""
        replace_earlier_run(self)
        self._cell = notebook_cell()
        for other in list(_running):
            if set(map(id, other.sources)) & set(map(id, self.sources)):
                other.close()

    def _leave(self) -> None:
        _running.discard(self)
        for panel in self.panels:
            for latest in panel.kept:
                latest.destroy()

    @look.house_style()
    def compose(self, figure: Any = None, *, settle: bool = False) -> Picture:
        """Draw every panel into a figure, a new one or again, and say it in words."""
        rows, heights = self._rows()
        figure = figure or look.sheet(sum(heights) + 0.5)
        figure.clear()
        figure.set_layout_engine("constrained")
        axes = figure.subplot_mosaic(rows, height_ratios=heights)
        told = [panel.draw(axes[place], self) for place, panel in enumerate(self.panels)]
        facts: dict[str, Any] = {}
        for panel, (own, _) in zip(self.panels, told, strict=True):
            name, twins = panel.name, sum(key.startswith(panel.name) for key in facts)
            facts[f"{name} {twins + 1}" if name in facts else name] = own
        until = self._until()
        title = f"What is known at {until}" if until else "The desk"
        words = "; ".join(found for _, found in told if found) or "no answer yet"
        facts = {"known_at": until} | facts
        opening = f"Purchase desk, {len(told)} panels"
        return look.told(figure, facts, title, opening, words, settle=settle)

    def _rows(self) -> tuple[list[list[int]], list[float]]:
        """Put wide panels below each other, and narrow ones side by side."""
        wide = [place for place, panel in enumerate(self.panels) if panel.wide]
        narrow = [place for place, panel in enumerate(self.panels) if not panel.wide]
        rows = [[place, place] for place in wide]
        rows += [
            [*narrow[at : at + 2], *narrow[at : at + 1]][:2] for at in range(0, len(narrow), 2)
        ]
        return rows, [max(self.panels[place].height for place in row) for row in rows]

    def _until(self) -> str | None:
        """Tell up to when all is known: at a stream's end the open day ends after it."""
        known = [panel.until for panel in self.panels if panel.until is not None and panel.wide]
        known = known or [panel.until for panel in self.panels if panel.until is not None]
        if not known:
            return None
        newest = max(known).tz_convert(known[0].tz) if known[0].tz is not None else max(known)
        return f"{newest:%Y-%m-%d %H:%M}" + (f" ({newest.tz})" if newest.tz is not None else "")


class Screen:
    """The desk on a notebook's page: a canvas of ipympl, or else a picture that is replaced."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.display = optional("IPython.display", "notebooks").display
        self.widgets = _perhaps("ipywidgets")
        self.canvas, self.bar, self.below = None, None, None
        if self.widgets:
            self.button = self.widgets.Button(description="Pause", icon="pause")
            self.button.on_click(lambda _: desk.resume() if desk.paused else desk.pause())
            _let_hear(self.button)
            self.told = self.widgets.HTML()
            self.bar = self.widgets.HBox([self.button, self.told])
            self.below = self.display(self.bar, display_id=True)
        first = desk.compose()
        webagg = _perhaps("ipympl.backend_nbagg") if self.widgets else None
        if webagg:
            self.canvas = _canvas(webagg, first.figure)
            _let_hear(self.canvas)
        with look.house_style():  # ipympl draws what it shows
            self.shown = self.display(self.canvas or first, display_id=True)

    def draw(self) -> None:
        """Show the panels as they are now."""
        if self.canvas is None:
            self.shown.update(self.desk.compose())
            return
        with look.house_style():  # between the two the page must not ask for half a figure
            self.desk.compose(self.canvas.figure)
            self.canvas.draw()

    def tell(self) -> None:
        """Say whether the panels rest, and put the final picture in their place."""
        desk = self.desk
        if desk.picture and not desk.paused:
            self.shown.update(desk.picture)
            self._close()
        elif self.bar is not None:
            self.button.description = "Resume" if desk.paused else "Pause"
            self.button.icon = "play" if desk.paused else "pause"
            self.told.value = self._words() if desk.paused else ""

    def _words(self) -> str:
        desk = self.desk
        if desk.picture:
            return "The stream has ended; press Resume to see how."
        return f"The picture rests; the stream goes on: {desk.behind} answers since."

    def _close(self) -> None:
        """Leave no widget behind."""
        if self.bar is not None and self.below is not None:
            html = optional("IPython.display", "notebooks").HTML
            self.below.update(html("<small>The stream has ended.</small>"))
            _discard(self.bar)
        if self.canvas is not None:
            _discard(self.canvas)
        self.bar = self.canvas = None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


def _perhaps(module: str) -> Any:
    with suppress(MissingExtraError):
        return optional(module, "notebooks")
    return None


def _let_hear(widget: Any) -> None:
    """Let a page be heard while a cell runs, where kernel and page can do that (subshells).

    ipykernel would send what the page says to the loop that last spoke: a cell's.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda _, subshell: subshell  # noqa: SLF001


def _canvas(webagg: Any, figure: Any) -> Any:
    """Give a canvas whose answers to the page never meet the desk's thread in the figure."""

    class Canvas(webagg.Canvas):  # type: ignore[misc]
        def draw(self) -> None:
            with look.house_style():
                self._force_full = True  # a page that was slow to come has missed the others
                super().draw()

        def _handle_message(self, *message: Any) -> None:
            with look.house_style():
                super()._handle_message(*message)

    figure.set_dpi(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # how it calls traitlets
        canvas = Canvas(figure)
        webagg.FigureManager(canvas, 0)
    canvas.syncing_data_url = False  # send PNGs at once: a busy kernel does not hear the page
    canvas.header_visible = canvas.footer_visible = canvas.resizable = False
    return canvas


def _discard(widget: Any) -> None:
    """Close a widget, those inside it, and what belongs to their looks."""
    parts = [
        getattr(widget, name) for name in ("layout", "style", "toolbar") if name in widget.keys
    ]
    for part in (*getattr(widget, "children", ()), *filter(None, parts)):
        _discard(part)
    widget.close()


def _log(data: Any, tz: str | None, speed: Any, columns: dict[str, str]) -> list[Any]:
    """Build the usual analysis of a log of events that nobody has described."""
    from rtlab.analysis import plan_for  # noqa: PLC0415  (it builds on rtlab's public names)
    from rtlab.sources.files import read_events  # noqa: PLC0415

    if isinstance(data, (str, os.PathLike)):
        log = read_events(data, tz=tz, **columns)
        data, tz = log.frame, log.tz or tz
    elif columns:
        raise ParameterError(f"{', '.join(columns)}=...: columns are named for a path only")
    if isinstance(data, Replay):
        data, speed = data.data, speed or data.speed
    missing = [name for name in REQUIRED if name not in data]
    if missing:
        raise MissingColumnError(
            f"column {missing[0]!r} is not in the log, which has {', '.join(map(str, data))}; "
            "name the file's own columns, as in rt.desk('my.csv', user=..., product=..., time=...)"
        )
    try:
        good, rejected = clean(data.head(1000), tz=tz)
    except DataError as error:
        raise DataError(f"{error}; on a desk: rt.desk(log, tz='Europe/London')") from None
    if good.empty:
        raise DataError(
            f"none of the first {len(rejected)} rows can be used: "
            f"{', '.join(rejected['reason'].unique())}; name the zone of the times, as in "
            "rt.desk(log, tz='Europe/London'), or the right columns"
        )
    factor = 0.0 if speed is None else pace(speed)
    events, plan, _ = plan_for(data, tz=tz, every=None, speed=factor or 1.0)
    times = clean(events, tz=plan.tz).good["purchase_time"]
    span = (times.max() - times.min()).total_seconds()
    factor = factor or max(span / SECONDS, 1.0)
    rows = int(len(events) * factor / max(span, 1.0) / 10)  # in a tenth of a second
    source = replay(events, rows=min(max(rows, 1), len(events)), speed=factor)
    column = "amount" if {"amount", "price"} & set(events.columns) else "quantity"
    value = "revenue" if column == "amount" else "pieces"
    longer = LONGER[plan.every]
    how: dict[str, Any] = {"delay": plan.delay, "tz": plan.zone}
    good = source.clean(tz=plan.tz)
    windows = good.tumbling(plan.every, agg={value: (column, "sum")}, fill=0, **how)
    day = pd.Timedelta(longer) // pd.Timedelta(plan.every)
    how["every"] = longer
    return [
        windows.pluck(value).moving_average(window=day),
        good.leaderboard(by="product_id", value=column, **how),
        good.users(value=column, **how),
    ]


def desk(
    *nodes: Any,
    every: float = 0.5,
    last: int = 1000,
    unit: str = "",
    names: Mapping[Any, str] | None = None,
    speed: Any = None,
    tz: str | None = None,
    **columns: str,
) -> Desk:
    """Start a stream and show it live: its series, its leaderboards, its customers.

    Parameters
    ----------
    *nodes : streamz.Stream, or one log of events
        A moving average is drawn over the series before it; a leaderboard shows the places won
        and lost; :func:`users` shows who is new and who returns; any other series is a line. A
        log (a path, a frame, or a replay without steps) gets the usual three.
    every : float, default 0.5
        Seconds between two drawings, at least. Drawing takes at most a third of the time.
    last : int, default 1000
        How many of the latest windows the panels hold and show.
    unit : str, optional
        Of the amounts, as in :func:`plot_series`.
    names : mapping, optional
        What to call the keys of a leaderboard: product → name.
    speed : float, str or Timedelta, optional
        For a log, as in :func:`replay`; by default it takes a quarter of a minute.
    tz : str, optional
        For a log: the zone of times that carry none, on whose clock days begin.
    **columns : str
        For a path whose columns are not recognised: ``user=``, ``product=``, ``time=`` and others
        of :func:`rtlab.sources.files.read_events`.

    Returns
    -------
    Desk
        ``pause()``, ``resume()``, ``close()``; ``wait()`` gives the final ``picture``, whose facts
        are those of the drained nodes (their latest ``last`` windows). It returns at once; in a
        notebook the panels move while the stream runs, and a button pauses them.

    Raises
    ------
    ParameterError
        If a node gives neither series nor a leaderboard nor customers.
    StreamError
        If a step answers only at the end of the stream, so that nothing would move.

    Examples
    --------
    >>> import rtlab as rt
    >>> good = rt.replay(rt.simulate(days=2, seed=7).events).clean()
    >>> top = good.leaderboard(by="product_id", value="amount", k=3, every="1h", delay="30min")
    >>> rt.desk(top).wait().facts["top product_id"]["changes"]
    [0, 0, 0]
    """
    if not nodes:
        raise ParameterError("desk() of nothing: name nodes, as in rt.desk(trend, top, users)")
    if not isinstance(every, (int, float)) or not every > 0:
        raise ParameterError(f"every={every!r}: seconds between two drawings; try every=0.5")
    if not isinstance(last, int) or last < 1:
        raise ParameterError(f"last={last!r}: at least 1 window is shown; try last=1000")
    log = nodes[0]
    bare = isinstance(log, Replay) and not log.downstreams
    if len(nodes) == 1 and (bare or isinstance(log, (str, os.PathLike, pd.DataFrame))):
        nodes = tuple(_log(log, tz, speed, columns))
    elif columns or tz or speed:
        given = ", ".join([*columns, *["tz"] * bool(tz), *["speed"] * bool(speed)])
        raise ParameterError(
            f"{given}: these describe a log, as in rt.desk('my.csv', tz='Europe/London'); give "
            "them to the steps and to rt.replay() instead"
        )
    opened = Desk(nodes, every, last, unit, names or {})
    opened.start()
    return opened
