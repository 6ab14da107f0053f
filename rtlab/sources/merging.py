"""Several inputs that meet: their rows, and the one watermark that holds for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from streamz import Stream

from rtlab.columns import Columns
from rtlab.errors import ParameterError
from rtlab.parsing import NAT, duration
from rtlab.sources.base import moments
from rtlab.streams import Graph, fitting, sources_of
from rtlab.watermark import COLUMN


@dataclass
class _Input:
    """What is known of one input."""

    mark: int = NAT  # its own watermark
    heard: float | None = None  # the wall clock when a source first saw it silent
    idle: bool = False
    over: bool = False

    @property
    def counts(self) -> bool:
        return not (self.idle or self.over)


class Merge(Stream):  # type: ignore[misc]
    """Streams that meet; made by :func:`merge`."""

    columnar = True

    def __init__(
        self, *upstreams: Stream, delay: int, idle: int | None, on: str, **kwargs: Any
    ) -> None:
        self.delay, self.idle, self.on = delay, idle, on
        super().__init__(upstreams=upstreams, **kwargs)
        self.restart()

    def __repr__(self) -> str:
        return f"<merge of {len(self.upstreams)} streams>"

    def restart(self) -> None:
        """Forget all that came."""
        self.state: dict[Any, Any] = {id(up): _Input() for up in self.upstreams}
        self.state["watermark"] = NAT

    def update(self, x: Any, who: Any = None, metadata: Any = None) -> list[Any]:
        events, one, before = Columns.of(x), self.state[id(who)], self.state["watermark"]
        others = [other.mark for other in self._inputs if other.counts and other is not one]
        found, own = self._own(events, one.mark)
        # This also holds while an input that was idle is behind: it then changes nothing.
        least = min(others, default=np.iinfo(np.int64).max)
        told, after = (np.maximum(np.minimum(marks, least), before) for marks in (found, own))
        one.heard = None
        if len(own):
            one.mark, self.state["watermark"] = int(own[-1]), int(after[-1])
            one.idle = one.idle and one.mark < before
        rows = events.adding(**{COLUMN: told})
        waiting: list[Any] = self._emit(fitting(self, rows), metadata=metadata)
        if self.state["watermark"] > before:  # what the last row brought, no row tells
            news = Graph(self).tell(self.state["watermark"], self, with_rows=True)
            waiting += [one for more in news for one in more]
        return waiting

    def heed(self, heard: dict[int, int], *, idle: bool, now: float | None) -> int | None:
        """Learn from a source how far an input is, or that time passes; tell what is new."""
        for up in self.upstreams:
            one = self.state[id(up)]
            if id(up) in heard:
                one.mark = max(one.mark, heard[id(up)])
                one.idle = idle or (one.idle and one.mark < self.state["watermark"])
            one.over = all(getattr(source, "over", False) for source in sources_of(up))
            if now is not None and self.idle is not None:
                one.heard = now if one.heard is None else one.heard
                one.idle = one.idle or (now - one.heard) * 1e6 > self.idle
        if all(one.over for one in self._inputs):
            return None  # the end of all follows
        live = [one.mark for one in self._inputs if one.counts]
        mark = min(live) if live else max(one.mark for one in self._inputs)
        if mark <= self.state["watermark"]:
            return None
        self.state["watermark"] = mark
        return mark

    @property
    def _inputs(self) -> list[_Input]:
        return [self.state[id(up)] for up in self.upstreams]

    def _own(self, events: Columns, before: int) -> tuple[Any, Any]:
        """Give the watermark of an input that each row finds, and the one that it leaves."""
        if COLUMN in events:  # inputs that met before
            own = np.maximum.accumulate(np.asarray(events[COLUMN]))
            return (np.maximum(own, before),) * 2
        if not len(events):
            return (np.zeros(0, np.int64),) * 2
        times = moments(events, self.on)
        own = np.where(times == NAT, NAT, times - self.delay)
        own = np.maximum(np.maximum.accumulate(own), before)
        return np.concatenate([[before], own[:-1]]), own


def merge(
    *streams: Stream, delay: Any = "30s", idle: Any = None, on: str = "purchase_time"
) -> Merge:
    """Let several streams meet, with one watermark for all of them.

    Each input has a watermark of its own: its largest event time so far less ``delay``. The
    smallest of them holds for all, so that an input that is behind the others loses nothing.

    Parameters
    ----------
    *streams : streamz.Stream
        At least two.
    delay : str or Timedelta, default "30s"
        How far the events of one input are out of order.
    idle : str or Timedelta, optional
        An input that has been silent for this long, on the wall clock of live sources, holds the
        others back no longer. Without it an input holds the others back until it ends.
    on : str, default "purchase_time"
        The column that holds the event time (zoned).

    Returns
    -------
    Merge
        A stream of the batches as they come, with a column ``_watermark``: the watermark that each
        row finds (microseconds since 1970 UTC; the smallest int64 while nothing is known). Steps
        without a ``delay`` of their own close their windows by it.

    Raises
    ------
    ParameterError
        If there are fewer than two streams, or one is named twice.

    Notes
    -----
    As in Flink: an input that has not spoken yet holds the watermark back until it speaks, is
    idle or ends. One that was idle counts again when its own watermark has reached the common
    one, which never goes back; what it brings before that may be late. Where all inputs are
    idle, the largest watermark of any holds.

    ``rt.advance(one_of_the_inputs, time)`` says of that input alone that nothing older comes.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> def shop(*times):
    ...     return rt.replay(pd.DataFrame({"purchase_time": pd.to_datetime(times, utc=True)}))
    >>> near, far = shop("2024-03-04T09:10", "2024-03-04T11:20"), shop("2024-03-04T09:40")
    >>> rt.merge(near, far, delay="0s").tumbling("1h").drain()["count"].tolist()
    [2, 1]
    """
    kinds = ", ".join(type(one).__name__ for one in streams)
    if len({id(one) for one in streams if isinstance(one, Stream)}) < max(2, len(streams)):
        raise ParameterError(
            f"merge({kinds}): give two or more different streams, as in merge(shop, website); "
            "finished data becomes one by rt.replay(...)"
        )
    patience = None if idle is None else duration(idle, "idle")
    return Merge(*streams, delay=duration(delay, "delay"), idle=patience, on=on)
