"""What every source shares: to run to its end here, or live, with identical results."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np
import streamz
from streamz.core import get_io_loop

from rtlab import parsing
from rtlab.columns import Columns
from rtlab.errors import DataError, StreamError
from rtlab.steps import Chain, Step, shown
from rtlab.streams import Graph, StepNode

TICK = 0.05  # seconds between two looks at the clock


class Source(streamz.Source):  # type: ignore[misc]
    """A stream's beginning.

    A subclass gives batches from :meth:`batches`, and, where it is paced, how long to wait before
    each from :meth:`wait_before`.

    ``node.drain()`` runs it in the caller's thread; ``start()`` runs it in streamz's event loop,
    ``wait()`` waits for its end and raises what went wrong, and ``stop()`` ends it early: either
    way the steps then give what they still hold. ``with source: ...`` stops it at the end of the
    block and takes its graph apart.

    Parameters
    ----------
    idle : str or Timedelta, optional
        How long a live source may be silent, on the wall clock. After that the watermark follows
        the clock, ``idle`` behind, so that the last windows before a quiet time close.
    on : str, default "purchase_time"
        The column that holds the event time.
    """

    ends = True
    """Whether the batches come to an end by themselves."""
    instead = "use source.start()"
    """What to do where there is no end to drain to."""
    clock = staticmethod(time.monotonic)
    """The wall clock, in seconds."""
    speed: float | None = None
    """How many times faster than the wall clock the events' clock goes."""

    def __init__(self, *, idle: Any = None, on: str = "purchase_time", **kwargs: Any) -> None:
        self.idle = None if idle is None else parsing.duration(idle, "idle")
        self.on = on
        streamz.Stream.__init__(self, **kwargs)  # streamz.Source would start a thread here
        self.stopped = True
        self.started = False
        self.over = False  # nothing more comes
        self._newest = parsing.NAT
        self._heard = self._looked = self.clock()
        self.error: BaseException | None = None
        self.halted = False  # ended early, by stop()
        self._done = threading.Event()
        replace_earlier_run(self)

    def batches(self) -> Iterator[Any]:
        """Give every batch, in order, from the beginning."""
        raise NotImplementedError

    def wait_before(self, batch: Any) -> float:  # noqa: ARG002
        """Say how many seconds to wait before a batch when running live."""
        return 0.0

    def start(self) -> None:
        """Run live, in streamz's event loop.

        Raises
        ------
        StreamError
            If a step downstream cannot answer on a live stream; the message says what to change.
        """
        if not self.stopped:
            return
        refusal = _refusal(self)  # text only: an error keeps alive what its frames name
        if refusal:
            raise StreamError(refusal)
        if self.loop is None:
            self._set_loop(get_io_loop())
        self.stopped, self.started, self.halted, self.error = False, True, False, None
        self.over, self._newest = False, parsing.NAT
        self._heard = self.clock()
        self._done.clear()
        self.loop.add_callback(self.run)

    def stop(self) -> None:
        """End the stream after the batch in hand."""
        self.halted = True

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end of a live run.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without it, as long as it takes.

        Raises
        ------
        StreamError
            If the source was never started, or has not ended in time.
        Exception
            Whatever stopped the stream: an error in the source or in a node after it.
        """
        if not self.started:
            raise StreamError("wait() on a source that is not running: call start() first")
        if not self._done.wait(timeout):
            raise StreamError(
                f"the stream has not ended within {timeout} s: wait longer, or call stop()"
            )
        if self.error is not None:
            raise self.error

    def ended(self, timeout: float) -> bool:
        """Wait for the end of a live run for some seconds, and tell whether it came."""
        return self._done.wait(timeout)

    async def run(self) -> None:
        """Emit every batch and then the end; called by the event loop."""
        try:
            if self._alone():
                Graph(self).restart()
            for batch in self.batches():
                await self._pause(self.wait_before(batch))
                if self.halted:
                    break
                self._spoke(batch)
                await asyncio.gather(*self._emit(shown(batch)))
            await walked(self._last_words())
        except BaseException as error:  # noqa: BLE001  (whoever waits must get it, whatever it is)
            self.error = error
        finally:
            self.stopped = self.over = True
            self._done.set()

    def running(self) -> bool:
        """Tell whether more may come."""
        return not self.stopped

    def _alone(self) -> bool:
        """Whether no other source of the graph runs: the first one begins, the last one ends."""
        others = [one for one in Graph(self).sources if one is not self]
        return not any(one.running() for one in others if isinstance(one, Source))

    def _last_words(self) -> Iterator[list[Any]]:
        """End the graph, or, where others run on, hold them back no longer."""
        alone, graph = self._alone(), Graph(self)
        self.over = True
        return graph.finish() if alone else graph.tell(None)

    async def _pause(self, seconds: float) -> None:
        """Wait in short pieces, so that stop() is heard; always yield to other sources."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            left = until - loop.time()
            await asyncio.sleep(min(max(left, 0.0), TICK))
            await walked(self._look())
            if left <= 0 or self.halted:
                return

    def _spoke(self, batch: Any) -> None:
        """Note when something came and, where silence matters, the newest time in it."""
        self._heard = self.clock()
        if self.idle is not None:
            times = moments(Columns.of(batch), self.on)
            self._newest = max(self._newest, int(times.max(initial=parsing.NAT)))

    def _look(self) -> Iterator[list[Any]]:
        """Look at the clock now and then; after a long silence the watermark follows it."""
        now = self.clock()
        if now - self._looked < TICK:
            return iter(())
        self._looked, when = now, None
        if self.idle is not None and (lag := (now - self._heard) * 1e6 - self.idle) > 0:
            when = self._newest
            if when != parsing.NAT:
                when += int(lag * (self.speed or 1.0))
        return Graph(self).tell(when, self, idle=when is not None, now=now)

    def close(self) -> None:
        """Stop, wait for the end, and take the graph apart, sinks first."""
        self.stop()
        if self.started and not self.stopped:
            self._done.wait(5.0)
        Graph(self).destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def walked(walk: Iterator[list[Any]]) -> None:
    """Walk through a graph, and wait for what each of its nodes gives to wait for."""
    for waiting in walk:
        await asyncio.gather(*waiting)


def _refusal(source: Source) -> str | None:
    """Say which step cannot run live, and why."""
    merged: set[int] = set()  # after inputs that met, rows bring the watermark with them
    for node in Graph(source).nodes:
        if hasattr(node, "heed") or any(id(up) in merged for up in node.upstreams):
            merged.add(id(node))
        if isinstance(node, StepNode):
            step = _with_delay(node.step) if id(node) in merged else node.step
            reason = step.refuses(ends=source.ends)
            if reason:
                return f"{node.step!r} cannot run live: {reason}"
    return None


def _with_delay(step: Step) -> Step:
    if isinstance(step, Chain):
        return Chain(*map(_with_delay, step.steps))
    return replace(step, delay="0s") if getattr(step, "delay", "") is None else step  # type: ignore[type-var]


def moments(events: Columns, on: str) -> Any:
    """Give event times in microseconds; NAT where one is unreadable, or after the bound."""
    try:
        times = events.microseconds(on)
    except DataError:  # raw ones
        times = parsing.times(events[on], None, None, on)[0].asi8
    bound = events.not_after
    return times if bound is None else np.where(times > bound, parsing.NAT, times)


_by_cell: WeakValueDictionary[tuple[str, int], Any] = WeakValueDictionary()
_seen_cells: dict[str, tuple[int, int]] = {}


def replace_earlier_run(running: Any) -> None:
    """In a notebook, let a cell that is run again close what its last run left behind.

    They are told apart by the cell and their order in it; a run by its execution count.
    """
    cell, run = notebook_cell()
    if cell is None:
        return
    last_run, order = _seen_cells.get(cell, (run, -1))
    if last_run != run:  # the cell runs again: everything from its last run goes
        for key in [key for key in _by_cell if key[0] == cell]:
            earlier = _by_cell.pop(key, None)
            if earlier is not None:
                earlier.close()
        order = -1
    _seen_cells[cell] = (run, order + 1)
    _by_cell[cell, order + 1] = running


def ipython() -> Any:
    """Give the shell that runs this, if there is one."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def notebook_cell() -> tuple[str | None, int]:
    """Tell which cell of a notebook runs, and its execution count."""
    shell = ipython()
    if shell is None:
        return None, 0
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:  # not every front end tells: the text of the cell then stands for it
        cell = str(hash(shell.history_manager.input_hist_raw[-1])) if shell.history_manager else ""
    return cell, shell.execution_count
