"""The purchase desk: panels that move while a stream runs, and one picture when it has ended.

The stream only leaves references here. A thread of the desk's own draws them, at most every
``every`` seconds and a third of the time, so that no drawing ever stops or blocks the stream.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self
from weakref import WeakSet

import pandas as pd
from streamz import Stream

from rtlab import pictures as look
from rtlab.cleaning import clean
from rtlab.errors import DataError, ParameterError, StreamError
from rtlab.events import REQUIRED
from rtlab.extras import optional
from rtlab.panels import Line, Panel, kind_for
from rtlab.parsing import check_columns
from rtlab.pictures import Picture
from rtlab.screen import Screen, in_notebook
from rtlab.sources.base import Source, notebook_cell, replace_earlier_run
from rtlab.sources.replay import Replay, pace, replay
from rtlab.streams import Graph
from rtlab.ticks import WholeSeries, check_count

SECONDS = 15
"""How long the replay of a log takes, where nobody says its speed."""
LONGER = {"10min": "1h", "1h": "1D", "1D": "7D"}
"""Over how long a log's windows are averaged, and how often its other panels answer."""


def _kind(node: Any) -> type[Panel]:
    """Choose the panel of a node by its step."""
    if not isinstance(node, Stream):
        raise ParameterError(
            f"desk() of a {type(node).__name__}: it shows nodes of a stream, or one log of events "
            "(a path, a frame, a replay); for nodes write rt.desk(trend, top, users)"
        )
    step = getattr(node, "step", None)
    kind = kind_for(step)
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
        return f"<desk of {len(self.panels)} panel{'s' * (len(self.panels) != 1)}, {told}>"

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
            self._screen = Screen(self) if in_notebook() else None
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
        opening = f"Purchase desk, {len(told)} panel{'s' * (len(told) != 1)}"
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


def _log(data: Any, tz: str | None, speed: Any, columns: dict[str, str]) -> list[Any]:
    """Build the usual analysis of a log of events that nobody has described."""
    from rtlab.analysis import plan_for  # noqa: PLC0415  (it builds on rtlab's public names)
    from rtlab.sources.files import read_events  # noqa: PLC0415

    if isinstance(data, (str, os.PathLike)):
        log = read_events(data, tz=tz, **columns)
        data, tz = log.frame, log.tz or tz
    elif columns:
        raise ParameterError(
            f"{', '.join(columns)}=...: columns are named for a path only, as in "
            "rt.desk('my.csv', user='Nr'); in a frame, rename them before"
        )
    if isinstance(data, Replay):
        data, speed = data.data, speed or data.speed
    own = "name the file's own columns, as in rt.desk('my.csv', user=..., product=..., time=...)"
    check_columns(data, REQUIRED, "the log", own)
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
    check_count("last", last, 1, unit="window", remedy=1000)
    from rtlab.sources.files import read_events  # noqa: PLC0415

    known = read_events.__kwdefaults__ or {}
    unknown = next((name for name in columns if name not in known), None)
    if unknown:
        raise ParameterError(
            f"{unknown}=...: desk() has no such parameter; names= calls products by their names, "
            f"and a log's columns are named by {', '.join(f'{name}=' for name in known)}"
        )
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
