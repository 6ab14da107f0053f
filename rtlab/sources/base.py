"""What every source shares: to run to its end here, or live, with identical results."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

import streamz
from streamz.core import get_io_loop

from rtlab.errors import StreamError
from rtlab.steps import shown
from rtlab.streams import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Source"]


class Source(streamz.Source):  # type: ignore[misc]
    """A stream's beginning.

    A subclass gives batches from :meth:`batches`, and, where it is paced, how long to wait before
    each from :meth:`wait_before`.

    ``node.drain()`` runs it in the caller's thread; ``start()`` runs it in streamz's event loop,
    ``wait()`` waits for its end and raises what went wrong, and ``stop()`` ends it early: either
    way the steps then give what they still hold. ``with source: ...`` stops it at the end of the
    block and takes its graph apart.
    """

    ends = True
    """Whether the batches come to an end by themselves."""

    def __init__(self, **kwargs: Any) -> None:
        streamz.Stream.__init__(self, **kwargs)  # streamz.Source would start a thread here
        self.stopped = True
        self.started = False
        self.error: BaseException | None = None
        self._halted = False
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
        refusals = _refusals(self)  # texts only: an error keeps alive what its frames name
        if refusals:
            raise StreamError(refusals[0])
        if self.loop is None:
            self._set_loop(get_io_loop())
        self.stopped, self.started, self._halted, self.error = False, True, False, None
        self._done.clear()
        self.loop.add_callback(self.run)

    def stop(self) -> None:
        """End the stream after the batch in hand."""
        self._halted = True

    @property
    def halted(self) -> bool:
        """Whether the latest run was ended early, by :meth:`stop`."""
        return self._halted

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
                for node in Graph(self).steps:
                    node.restart()
            for batch in self.batches():
                await self._pause(self.wait_before(batch))
                if self._halted:
                    break
                await asyncio.gather(*self._emit(shown(batch)))
            if self._alone():
                for waiting in Graph(self).finish():
                    await asyncio.gather(*waiting)
        except BaseException as error:  # noqa: BLE001  (whoever waits must get it, whatever it is)
            self.error = error
        finally:
            self.stopped = True
            self._done.set()

    def _alone(self) -> bool:
        """Whether no other source of the graph runs: the first one begins, the last one ends."""
        return all(other is self or other.stopped for other in Graph(self).sources)

    async def _pause(self, seconds: float) -> None:
        """Wait in short pieces, so that stop() is heard; always yield to other sources."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            left = until - loop.time()
            await asyncio.sleep(min(max(left, 0.0), 0.05))
            if left <= 0 or self._halted:
                return

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


def _refusals(source: Source) -> list[str]:
    """Say which steps cannot run live, and why."""
    given = [(node.step, node.step.refuses(ends=source.ends)) for node in Graph(source).steps]
    return [f"{step!r} cannot run live: {reason}" for step, reason in given if reason]


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


def notebook_cell() -> tuple[str | None, int]:
    """Tell which cell of a notebook runs, and its execution count."""
    import sys  # noqa: PLC0415

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return None, 0
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:  # not every front end tells: the text of the cell then stands for it
        cell = str(hash(shell.history_manager.input_hist_raw[-1])) if shell.history_manager else ""
    return cell, shell.execution_count
