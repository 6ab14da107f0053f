"""The parts of the purchase desk: what each keeps of a stream, and how it is drawn."""

from __future__ import annotations

import textwrap
import threading
from collections import deque
from typing import Any

import numpy as np
import pandas as pd

from rtlab import pictures as look
from rtlab.behaviour import Users
from rtlab.charts import draw_average, draw_series, label_of
from rtlab.errors import ParameterError
from rtlab.pictures import say
from rtlab.ranks import Leaderboard
from rtlab.smooth import ExponentialAverage, MovingAverage, MovingMedian
from rtlab.steps import join
from rtlab.streams import Gather
from rtlab.tallies import draw_bars, draw_customers

SIGNS = {1: ("▲", look.COLOURS[2]), 0: ("=", look.GREY), -1: ("▼", look.COLOURS[1])}


class Latest(Gather):
    """Keep the latest rows that a node gave: all that the stream ever does for a desk."""

    def __init__(self, upstream: Any, rows: int) -> None:
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
    name: str = "value"
    until: Any = None

    def __init__(self, node: Any, rows: int) -> None:
        self.step: Any = getattr(node, "step", None)
        self.kept = [Latest(one, rows) for one in self.nodes(node)]

    def nodes(self, node: Any) -> list[Any]:
        """List the nodes to be kept, the main one first."""
        return [node]

    def draw(self, axes: Any, desk: Any) -> tuple[dict[str, Any], str]:
        """Draw what was kept, and give its facts and the finding; no rows, no facts."""
        seen = self.kept[0].seen()
        if seen is None:
            axes.set_axis_off()
            waiting = f"{look.upper(self.name)}: waiting for the first answer …"
            axes.text(0, 1, waiting, va="top", color=look.GREY)
            return {}, ""
        facts, found = self.show(axes, seen, desk)
        title = textwrap.fill(found, 88 if self.wide else 37)
        axes.set_title(title, pad=20 if axes.get_legend() else 8)
        return facts, found

    def show(self, axes: Any, seen: Any, desk: Any) -> tuple[dict[str, Any], str]:
        """Draw rows."""
        raise NotImplementedError


class Line(Panel):
    """A series with its mean."""

    wide, height = True, 2.6

    def show(self, axes: Any, seen: Any, desk: Any) -> tuple[dict[str, Any], str]:
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
            apart = pd.Series(index[-100:]).diff().median()
            self.until = index[-1] + (apart if len(index) > 1 else pd.Timedelta(0))

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

    def show(self, axes: Any, seen: Any, desk: Any) -> tuple[dict[str, Any], str]:
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

    def show(self, axes: Any, seen: Any, desk: Any) -> tuple[dict[str, Any], str]:
        table, by = seen[seen.index == seen.index[-1]], self.step.by
        self.until = table.index[-1]
        keys = table[by] if isinstance(by, str) else table[list(by)].astype(str).agg(" · ".join, 1)
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
        return facts, f"{first} leads with {written[0]}" + " in all" * self.step.running

    @staticmethod
    def _move(change: float) -> tuple[str, str]:
        """Write the places won or lost since the table before, in words that need no colour."""
        if np.isnan(change):
            return "new", look.COLOURS[3]
        sign, colour = SIGNS[int(np.sign(change))]
        return f"{sign}{abs(change):.0f}" if change else sign, colour


class Customers(Panel):
    """Who comes now, and who came before: new and returning customers."""

    name = "customers"

    def show(self, axes: Any, seen: Any, desk: Any) -> tuple[dict[str, Any], str]:  # noqa: ARG002
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


def kind_for(step: Any) -> type[Panel]:
    """Choose the panel of a step; a line is for any other."""
    return next((panel for steps, panel in PANELS if isinstance(step, steps)), Line)
