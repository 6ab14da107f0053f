"""What belongs together: windows by event time, closed by a watermark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any, ClassVar

from rtlab.errors import ParameterError
from rtlab.grid import Grid
from rtlab.placing import Shape
from rtlab.steps import register
from rtlab.windowed import Windowed


@dataclass(frozen=True)
class Tumbling(Windowed):
    """Aggregate events in windows of event time that do not overlap.

    Parameters
    ----------
    size : str or Timedelta
        The length of a window. Up to an hour it is elapsed time; longer windows follow the clock
        of ``tz``, so that a day may last 23 or 25 hours. Or a calendar's unit: ``"hour"``,
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"``, ``"year"``.
    agg : dict, optional
        Column of the answer → ``(column, function)``; functions are count, sum, mean, min, max,
        var and std (of a sample), median, nunique (distinct values), first and last (by arrival).
        ``(column, "quantile", 0.9)`` lies between neighbours in a straight line, ``"count"`` alone
        counts the rows, and a function of your own gets the window's rows as a DataFrame. Default
        ``{"count": "count"}``. Missing values are left out: the sum of none is 0, else NaN.
    by : str or list of str, optional
        Keys: one row for each window and key. A missing key is a group of its own.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).
    delay : str or Timedelta, optional
        How long to wait for events that arrive out of order. The watermark is the largest event
        time so far less ``delay``; a window closes when its end ≤ the watermark, and a row whose
        window has closed is late. Without it windows close at the end of the data and nothing is
        late, unless :func:`advance` or the column ``_watermark`` of :func:`merge` says so.
    fill : number, optional
        Give windows without events this value (and a count of 0), from the first window to the
        last; with ``by``, from each key's first window on. They are given as they close, also when
        :func:`advance` says that time went on. Without it there is no row for them.
    tz : str, default "UTC"
        The zone on whose clock windows start, and of the answer's times.
    offset : str or Timedelta, optional
        Shift the starts; ``size="7D", offset="4D"`` gives weeks from Monday.
    lateness : str or Timedelta, optional
        Allowed lateness: how long, after a window has closed, a late row still revises it.

    Returns
    -------
    windows : DataFrame
        Indexed by ``start``; columns ``end``, the keys, the aggregates; ordered by end and key.
        A window is half-open: ``start`` ≤ time < ``end``. With ``lateness`` there is a column
        ``revision``: 0 for the first answer, one more for each late row, which gives the window
        once more, in the order of arrival.
    late : DataFrame
        The late rows as they came: those that count in no window.

    Raises
    ------
    ParameterError
        If a size, a delay or an aggregate is not one.
    DataError
        If the times have no zone, a column to sum is not a number, or ``fill`` would make more
        than a million rows at once.

    Notes
    -----
    Windows and watermarks as in T. Akidau et al., "The Dataflow Model", VLDB 2015. Sums are
    the same to the last digit in whatever order the rows came: those of whole numbers and of
    decimals of up to six places are exact.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T11:05Z"])
    >>> events = pd.DataFrame({"purchase_time": time, "amount": [250, 100, 40]})
    >>> hours = rt.tumbling(events, size="1h", agg={"revenue": ("amount", "sum")}, fill=0).windows
    >>> hours.revenue.tolist()
    [350, 0, 40]
    """

    size: Any
    agg: Mapping[str, Any] | None = None
    by: str | Sequence[str] | None = None
    on: str = "purchase_time"
    delay: Any = None
    fill: float | None = None
    tz: str = "UTC"
    offset: Any = None
    lateness: Any = None

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"size": "1h", "agg": {"revenue": ("amount", "sum"), "n": "count"}, "fill": 0},
        {"size": "10min", "by": "product_id", "delay": "5min"},
        {
            "size": "1h",
            "by": ["product_id", "user_id"],
            "agg": {"mean": ("amount", "mean"), "first": ("price", "first")},
            "delay": "30min",
            "fill": 0,
        },
        {
            "size": "1D",
            "tz": "America/New_York",
            "delay": "0s",
            "agg": {
                "low": ("amount", "min"), "high": ("amount", "max"), "last": ("price", "last"),
                "known": ("amount", "count"),
            },
        },
        {
            "size": "10min",
            "by": "product_id",
            "agg": {
                "n": "count", "sum": ("amount", "sum"), "std": ("price", "std"),
                "p90": ("amount", "quantile", 0.9), "who": ("user_id", "nunique"),
            },
            "delay": "0s",
            "lateness": "1h",
        },
        {"size": "month", "tz": "America/New_York", "agg": {"rows": len}, "delay": "0s"},
    )  # fmt: skip

    def __post_init__(self) -> None:
        self._check()

    @cached_property
    def _shape(self) -> Shape:
        return Shape(Grid.of(self.size, self.offset, self.tz))


tumbling = register("tumbling")(Tumbling)


@dataclass(frozen=True)
class Sliding(Windowed):
    """Aggregate events in windows of event time that overlap (hopping windows).

    Parameters
    ----------
    size : str or Timedelta
        The length of a window.
    slide : str or Timedelta
        The distance of their starts, at most ``size``.
    agg, by, on, delay, fill, tz, offset, lateness
        As in :func:`tumbling`. A row that is late for some of its windows counts in the others.

    Returns
    -------
    windows, late : DataFrame
        As in :func:`tumbling`; late is a row for which every window has closed.

    Raises
    ------
    ParameterError
        If ``slide`` is longer than ``size``: rows between windows would be lost.
    DataError
        As in :func:`tumbling`.

    Notes
    -----
    Rows are added to panes, and a window is the sum of its panes: J. Li et al., "No pane, no
    gain", SIGMOD Record 34 (2005). Nothing is ever taken off, so a huge value leaves no trace.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T10:05Z"])
    >>> events = pd.DataFrame({"purchase_time": time, "amount": [250, 100, 40]})
    >>> agg = {"revenue": ("amount", "sum")}
    >>> rt.sliding(events, size="1h", slide="30min", agg=agg).windows.revenue.tolist()
    [250, 350, 140, 40]
    """

    size: Any
    slide: Any
    agg: Mapping[str, Any] | None = None
    by: str | Sequence[str] | None = None
    on: str = "purchase_time"
    delay: Any = None
    fill: float | None = None
    tz: str = "UTC"
    offset: Any = None
    lateness: Any = None

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "size": "1h", "slide": "10min", "by": "product_id", "delay": "5min",
            "agg": {"n": "count", "sum": ("amount", "sum"), "sd": ("amount", "std"),
                    "first": ("price", "first"), "last": ("price", "last")},
        },
        {"size": "50min", "slide": "20min", "delay": "0s", "fill": 0,
         "agg": {"sum": ("amount", "sum"), "median": ("amount", "median")}},
        {"size": "1h", "slide": "20min", "by": "user_id", "delay": "0s", "lateness": "1h"},
        {"size": "2D", "slide": "1D", "tz": "America/New_York", "agg": {"low": ("price", "min")}},
    )  # fmt: skip

    def __post_init__(self) -> None:
        self._check()

    @cached_property
    def _shape(self) -> Shape:
        whole = Grid.of(self.size, self.offset, self.tz)
        slide = Grid.of(self.slide, self.offset, "UTC")
        if whole.months or slide.months:
            raise ParameterError(
                f"size={self.size!r}, slide={self.slide!r}: months differ in length; slide by "
                "days, or use tumbling(size='month')"
            )
        if slide.size > whole.size:
            raise ParameterError(
                f"slide={self.slide!r} is longer than size={self.size!r}: rows between windows "
                "would be lost; choose a slide of at most the size"
            )
        pane = gcd(whole.size, slide.size)
        return Shape(whole.divided(pane), whole.size // pane, slide.size // pane)


sliding = register("sliding")(Sliding)
