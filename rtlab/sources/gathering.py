"""A source into which a program emits: events gather into batches, bounded in size and in time."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from streamz.core import sync

from rtlab import parsing
from rtlab.columns import Columns
from rtlab.errors import DataError, StreamError
from rtlab.sources.base import TICK, Source, walked
from rtlab.sources.messages import Reader
from rtlab.steps import stamp
from rtlab.streams import Graph, fitting
from rtlab.ticks import check_count


class Gathering(Source):
    """A source that gathers what is emitted into it; made by :func:`source`."""

    ends = False
    instead = "emit into it, then call source.finish()"

    def __init__(
        self, rows: int, wait: float | None, *, not_after: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._rows, self._wait, self._not_after = rows, wait, not_after
        self.lock = threading.RLock()  # whoever flushes holds it; who only emits does not
        self._pending: list[Any] = []
        self._limit = 0  # how many may wait; 0: the next emit has something to see to
        self._reader = Reader(("user_id", "product_id", self.on))
        self._unraised: BaseException | None = None
        self._keeper: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<source by {self._rows} rows>"

    @property
    def malformed(self) -> int:
        """How many messages could not be read; ``clean`` rejects them, with their text."""
        return self._reader.malformed

    def emit(self, x: Any, asynchronous: bool = False, metadata: Any = None) -> None:  # noqa: ARG002
        """Take an event, a message, a list of them, or a DataFrame.

        Parameters
        ----------
        x : dict, JSON text or bytes, list of these, or DataFrame
            A frame is a batch by itself: what waits goes before it. A dict is read when its
            batch is sent: do not change it after the emit, make a new one for each event.
        asynchronous, metadata
            As streamz has them; not used.

        Raises
        ------
        StreamError
            If the source has been finished.
        Exception
            Whatever went wrong in a node, now or when a batch was sent by the clock.
        """
        kind = type(x)
        if kind is dict or kind is bytes:  # every nanosecond counts here
            pending = self._pending
            pending.append(x)
            if len(pending) >= self._limit:
                self._see_to()
        else:
            self._take(x)

    def _take(self, x: Any) -> None:
        if isinstance(x, (pd.DataFrame, Columns)):
            with Graph(self).alone():
                self._begin()
                self.flush()
                self._give(Columns.of(x))
            return
        if isinstance(x, list):
            self._pending.extend(x)
        elif isinstance(x, (str, Mapping)):
            self._pending.append(x)
        else:
            raise DataError(
                f"emit() of a {type(x).__name__}: give an event (a dict), a JSON message (bytes "
                "or text), a list of these, or a DataFrame"
            )
        if len(self._pending) >= self._limit:
            self._see_to()

    def _see_to(self) -> None:
        """Do what the next emit has to: begin, send full batches, tell an error."""
        with Graph(self).alone():
            self._begin()
            self._raise()
            self._send(len(self._pending) // self._rows * self._rows)

    def _raise(self) -> None:
        """Raise what went wrong while nobody was there to hear it."""
        error, self._unraised = self._unraised, None
        if error is not None:
            raise error

    def _begin(self) -> None:
        """Begin after a rest: someone must look after what waits."""
        if self.over:
            self._pending.clear()
            raise StreamError(
                "emit() after finish(): the steps have given their last results; make a new "
                "source with rt.source()"
            )
        self.start()
        self._limit = self._rows
        watched = self._keeper is None and self._watched()
        if self._keeper is None and (self._wait is not None or watched):
            pause = min(TICK if watched else parsing.MOST, self._wait or TICK)
            self._keeper = threading.Thread(
                target=_keep, args=(weakref.ref(self), pause), name="rtlab source", daemon=True
            )
            self._keeper.start()

    def _send(self, number: int) -> None:
        """Send the first that wait, in batches."""
        batch = self._pending[:number]
        del self._pending[:number]
        for first in range(0, number, self._rows):
            try:
                self._give(Columns(self._reader.columns(batch[first : first + self._rows])))
            except BaseException:
                self._pending[:0] = batch[first + self._rows :]
                raise

    def _give(self, columns: Columns) -> None:
        columns = stamp(columns, self._not_after)
        self._spoke(columns)
        super().emit(fitting(self, columns))

    def _through(self, walk: Iterator[list[Any]]) -> None:
        """Walk through the graph: in this thread or, where it has an event loop, in that one."""
        if self.loop is not None:
            sync(self.loop, walked, walk)
            return
        for _ in walk:
            pass

    def tick(self) -> bool:
        """Send what has waited, and look at the clock; tell whether to come again."""
        with Graph(self).alone():
            waiting = len(self._pending) if self._wait is not None else 0
            watched = self._watched()
            try:
                self._send(waiting)
                if watched and not self.over:
                    self._through(self._look())
            except BaseException as error:  # noqa: BLE001  (whoever comes next must get it)
                if self._unraised is not None:
                    self._unraised.add_note(f"and after it: {error!r}")
                self._limit, self._unraised = 0, self._unraised or error
                self.error = self._unraised
            if not self.over and (waiting or watched):
                return True
            self._limit = 0  # from here on an emit begins anew
            if self._pending and not self.over and self._wait is not None:  # one came just before
                self._limit = self._rows
                return True
            self._keeper = None
            return False

    def _watched(self) -> bool:
        """Tell whether silence matters to this source, or to a node where inputs meet."""
        return any(getattr(node, "idle", None) is not None for node in Graph(self).nodes)

    def flush(self) -> None:
        """Send what waits; raise what went wrong before."""
        with Graph(self).alone():
            self._raise()
            self._send(len(self._pending))

    def ending(self) -> None:
        """Take nothing more, and send what waits."""
        if self.over:
            return
        self._raise()
        self.over, self._limit = True, 0
        try:
            self._send(len(self._pending))
        except BaseException:
            self.over = False
            raise
        self.stopped = True
        self._done.set()

    def finish(self) -> None:
        """End the stream: send what waits, and let every step give what it still holds.

        Where other sources of the graph go on, the steps end with the last of them. To finish
        twice does nothing.
        """
        graph = Graph(self)
        with graph.alone():
            if not self.over:
                alone = self._alone()
                self.ending()
                self._through(graph.finish() if alone else graph.tell(None))

    def start(self) -> None:
        """Do nothing more than to say so: an emit is all that it takes."""
        if not self.over:
            self.stopped, self.started = False, True

    def running(self) -> bool:
        return not self.over

    stop = finish

    def close(self) -> None:
        """Finish, and take the graph apart, sinks first."""
        try:
            self.finish()
        finally:
            self.over = True
            Graph(self).destroy()


def _keep(reference: weakref.ref[Gathering], pause: float) -> None:
    """Come back to a source now and then, until nothing waits in it or nobody holds it."""
    while True:
        time.sleep(pause)
        source = reference()
        if source is None or not source.tick():
            return
        del source


def source(
    rows: int = 10_000,
    wait: str | pd.Timedelta | None = "50ms",
    *,
    idle: str | pd.Timedelta | None = None,
    on: str = "purchase_time",
    not_after: Any = None,
) -> Gathering:
    """Make a source into which your program emits events as they happen.

    They gather into batches, so that even single events pass at millions a second.

    Parameters
    ----------
    rows : int, default 10_000
        A batch is sent when this many events have gathered.
    wait : str or Timedelta, default "50ms"
        An event waits at most this long for others. With ``None`` only ``rows`` counts, and the
        batches are the same in every run.
    idle : str or Timedelta, optional
        After a silence of this long, on the wall clock, the watermark follows the clock, so that
        the last windows close though no event comes. The times must have a zone.
    on : str, default "purchase_time"
        The column that holds the event time.
    not_after : timestamp, optional
        Events after this time are rejected as future; by default a day after they are sent.

    Returns
    -------
    Gathering
        A streamz source. ``emit()`` takes an event (a dict), a JSON message (bytes or text), a
        list of these, or a DataFrame, from any thread. ``flush()`` sends what waits; ``finish()``
        ends the stream, and so does the end of a ``with`` block.

    Raises
    ------
    ParameterError
        If ``rows`` is not a positive whole number, or ``wait`` or ``idle`` no duration.

    Notes
    -----
    A message that cannot be read, or holds no event, becomes a row with its text in ``_raw``,
    which ``clean`` rejects as malformed; ``malformed`` counts them. JSON is read by msgspec (extra
    ``fast``) where that is installed, else by the standard library, which takes ten times longer.

    An error in a node that arises while a batch is sent by the clock is raised by the next
    ``emit``, ``flush`` or ``finish``.

    Examples
    --------
    >>> import rtlab as rt
    >>> with rt.source() as shop:
    ...     _ = shop.clean().tumbling("1h").pluck("count").sink(lambda n: print(n.tolist()))
    ...     shop.emit({"user_id": 1, "product_id": 7, "purchase_time": "2024-03-04T09:10Z"})
    ...     shop.emit(b'{"user_id": 2, "product_id": 7, "purchase_time": "2024-03-04T09:20Z"}')
    [2]
    """
    check_count("rows", rows, 1, unit="row", remedy=10_000)
    bound = None if not_after is None else parsing.instant(not_after, "not_after")
    seconds = None if wait is None else parsing.duration(wait, "wait") / 1e6
    return Gathering(rows, seconds, not_after=bound, idle=idle, on=on)
