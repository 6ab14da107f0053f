"""Replay of finished data as a stream of micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.parsing import duration, instant
from rtlab.sources.base import Source
from rtlab.steps import stamp
from rtlab.ticks import check_count


class Replay(Source):
    """A finished frame or series as a source; made by :func:`replay`."""

    def __init__(
        self, data: Any, rows: int, speed: float | None, not_after: Any, **kwargs: Any
    ) -> None:
        self.data, self.rows, self.speed = data, rows, speed
        self.sent = 0
        self._clock: Any = None
        # One bound for the whole replay, so that every run of it rejects the same rows.
        self.not_after: Any = stamp(Columns({}), not_after).not_after
        super().__init__(**kwargs)

    def __repr__(self) -> str:
        return f"<replay of {len(self.data)} rows by {self.rows}>"

    def batches(self) -> Iterator[Any]:
        self.sent, self._clock = 0, None
        for first in range(0, max(len(self.data), 1), self.rows):  # no rows: their columns
            piece = self.data.iloc[first : first + self.rows]
            if isinstance(piece, pd.DataFrame) and self.on in piece:
                piece.attrs["not_after"] = self.not_after
            self.sent += len(piece)
            yield piece

    def wait_before(self, batch: Any) -> float:
        """Keep the distance between events, divided by ``speed``."""
        if self.speed is None or self.on not in batch:
            return 0.0
        times = pd.to_datetime(batch[self.on], utc=True, errors="coerce", format="mixed")
        # One event dated 2099 must not hold up the others.
        newest = times[times <= pd.Timestamp(self.not_after, unit="us", tz="UTC")].max()
        before = self._clock
        if pd.isna(newest) or (before is not None and newest <= before):
            return 0.0
        self._clock = newest
        return 0.0 if before is None else (newest - before).total_seconds() / self.speed


def replay(
    data: Any,
    rows: int = 500,
    speed: float | str | pd.Timedelta | None = None,
    *,
    on: str = "purchase_time",
    not_after: Any = None,
    idle: str | pd.Timedelta | None = None,
) -> Replay:
    """Replay finished data as a stream of micro-batches.

    Parameters
    ----------
    data : DataFrame, Series, list of dict, or path
        Events in the order in which they arrived, or a series of ticks. A path is read whole; CSV
        (also .gz, .xz), JSON lines and Parquet are known by their endings.
    rows : int, default 500
        Rows in a batch.
    speed : float, str or Timedelta, optional
        For ``start()``: how many times faster than the events' own clock, or the event time that
        passes in a second, such as ``"1D"``; without it, as fast as possible. ``drain()`` never
        waits.
    on : str, default "purchase_time"
        The column that holds the event time.
    not_after : timestamp, optional
        Events after this time are rejected as future; by default a day after this call.
    idle : str or Timedelta, optional
        For ``start()``: after a silence of this long, on the wall clock, the watermark follows
        the clock, so that the windows before a gap between the events close within it.

    Returns
    -------
    Replay
        A streamz source: attach steps to it, then ``drain()`` or ``start()``.

    Raises
    ------
    ParameterError
        If ``rows`` or ``speed`` is not positive.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> rt.replay(pd.Series([1, 2, 4, 8]), rows=3).difference().drain().tolist()
    [nan, 1.0, 2.0, 4.0]
    """
    check_count("rows", rows, 1, unit="row", remedy=500)
    factor = None if speed is None else pace(speed)
    bound = None if not_after is None else instant(not_after, "not_after")
    if isinstance(data, (str, bytes)) or hasattr(data, "__fspath__"):
        from rtlab.sources.files import read_frame  # noqa: PLC0415

        data = read_frame(data)
    if isinstance(data, list):
        data = pd.DataFrame.from_records(data)
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        raise DataError(
            f"replay of a {type(data).__name__}: give a DataFrame, a Series, a list of dicts or a "
            "path to a file"
        )
    return Replay(data, rows, factor, bound, on=on, idle=idle)


def pace(speed: Any) -> float:
    """Read a speed as a factor: the event time that passes in a second, in seconds.

    >>> pace("1h"), pace(60)
    (3600.0, 60.0)
    """
    try:
        number = isinstance(speed, (int, float))
        factor = float(speed) if number else duration(speed, "speed") / 1e6
    except ParameterError:
        factor = 0.0
    if not factor > 0:
        raise ParameterError(
            f"speed={speed!r}: a speed is positive; 1 is real time, 3600 or '1h' an hour a second"
        )
    return factor
