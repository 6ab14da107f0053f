"""Steps as nodes of a streamz graph, and runs of such a graph to its end.

A node crosses the graph once a batch. The end of a stream is a walk in topological order: every
step is finished after all that stands before it, and what it still held flows on through
streamz's own nodes in between.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

from streamz import Stream
from streamz import core as streamz_core

from rtlab.errors import ParameterError, StreamError
from rtlab.parsing import NAT, instant
from rtlab.steps import Outputs, Step, is_empty, join, settled, shown

# These hand elements to an event loop in another thread, so nothing can be run to its end here.
_LOOPING = tuple(
    getattr(streamz_core, name)
    for name in (
        "buffer", "delay", "latest", "map_async", "rate_limit",
        "timed_window", "timed_window_unique",
    )
    if hasattr(streamz_core, name)
)  # fmt: skip


class Side(Stream):  # type: ignore[misc]
    """A second output of a step: deaf to what its step emits as its first."""

    columnar = True  # it takes columns as they are: no frame need be built for it

    def update(self, x: Any, who: Any = None, metadata: Any = None) -> list[Any]:  # noqa: ARG002
        return []


class Gather(Stream):  # type: ignore[misc]
    """Keep all that a node gives, for a drain."""

    columnar = True

    def __init__(self, upstream: Stream) -> None:
        super().__init__(upstream)
        self.pieces: list[Any] = []

    def update(self, x: Any, who: Any = None, metadata: Any = None) -> list[Any]:  # noqa: ARG002
        self.pieces.append(settled(x))
        return []


class StepNode(Stream):  # type: ignore[misc]
    """A step in a streamz graph; its other outputs are streams too: ``.rejected``, ``.late``.

    An output that is empty goes no further, except at the end where nothing else went before it:
    whoever comes after then still sees its columns.
    """

    columnar = True

    def __init__(self, upstream: Stream, step: Step, stream_name: str | None = None) -> None:
        super().__init__(upstream, stream_name=stream_name)
        self.step = step
        # Weak, since each side holds its node: a node that nobody holds must go at once.
        self._sides: WeakValueDictionary[str, Side] = WeakValueDictionary()
        self.restart()

    def restart(self) -> None:
        """Forget all that came."""
        self.state = self.step.initial()
        self.silent: dict[str, Any] = {}  # the emptiness of each output, until it gives something

    def __getattr__(self, name: str) -> Stream:
        if "step" not in self.__dict__ or name not in self.step.outputs[1:]:
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}: what a stream gives comes from .drain()"
            )
        side = self._sides.get(name)
        if side is None:
            side = self._sides[name] = Side(self)
        return side

    def __repr__(self) -> str:
        return f"<{self.step!r}>"

    def update(self, x: Any, who: Any = None, metadata: Any = None) -> list[Any]:  # noqa: ARG002
        return self._give(self.step.update(self.state, x), metadata)

    def finish(self) -> list[Any]:
        """Emit what the end of the stream makes final."""
        waiting = self._give(self.step.finish(self.state))
        silent, self.silent = self.silent, dict.fromkeys(self.silent)
        for name, value in silent.items():
            waiting += self._emit_as(name, value)
        return waiting

    def advance(self, time: int) -> list[Any]:
        """Emit what the knowledge that nothing older is on its way makes final."""
        return self._give(self.step.advance(self.state, time))

    def _give(self, outputs: Outputs, metadata: Any = None) -> list[Any]:
        waiting: list[Any] = []
        for name, value in outputs.items():
            if is_empty(value):
                if name not in self.silent:
                    self.silent[name] = settled(value)
            else:
                self.silent[name] = None
                waiting += self._emit_as(name, value, metadata)
        return waiting

    def _emit_as(self, name: str, value: Any, metadata: Any = None) -> list[Any]:
        node = self if name == self.step.outputs[0] else self._sides.get(name)
        if value is None or node is None or not node.downstreams:
            return []
        waiting: list[Any] = node._emit(fitting(node, value), metadata=metadata)  # noqa: SLF001
        return waiting


def fitting(node: Stream, value: Any) -> Any:
    """Give what a node is to emit: columns stay columns, unless someone after it wants a frame.

    A frame costs more than the arithmetic.
    """
    bare = all(getattr(after, "columnar", False) for after in node.downstreams)
    return value if bare else shown(value)


def through(stream: Stream, step: Step, stream_name: str | None = None) -> StepNode:
    """Attach a step, or a chain of steps, to a stream: ``stream.through(rt.chain(...))``."""
    return StepNode(stream, step, stream_name=stream_name)


Stream.register_api()(through)


class Graph:
    """The nodes that hang together with some given ones, upstream first."""

    def __init__(self, *nodes: Stream) -> None:
        found: dict[int, Stream] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node is not None and id(node) not in found:
                found[id(node)] = node
                waiting += _linked(node)
        self.nodes = _upstream_first(found)
        self.sources = [node for node in self.nodes if not node.upstreams]

    @property
    def steps(self) -> list[StepNode]:
        """The nodes that are steps, upstream first."""
        return [node for node in self.nodes if isinstance(node, StepNode)]

    def restart(self) -> None:
        """Let every node of rtlab forget all that came."""
        for node in self.nodes:
            if hasattr(node, "restart"):
                node.restart()

    def finish(self) -> Iterator[list[Any]]:
        """Finish every step in turn; what each gives to wait for is yielded."""
        for source in self.sources:
            if hasattr(source, "ending"):  # what it gathered goes first
                source.ending()
        for node in self.steps:
            yield node.finish()

    def tell(
        self, time: int | None, *nodes: Stream, idle: bool = False, now: float | None = None,
        with_rows: bool = False,
    ) -> Iterator[list[Any]]:  # fmt: skip
        """Tell the steps after some nodes that nothing before ``time`` is on its way.

        A node where inputs meet takes that as said of one input, which is ``idle`` perhaps, and
        passes on what follows for all of them. It also looks which of its inputs have ended and,
        where the wall clock says ``now`` (seconds), which have been silent. What rows brought
        ``with_rows`` is no news to steps that have a delay of their own.
        """
        said = {} if time is None else {id(node): time for node in nodes}
        for node in self.nodes:
            heard = {id(up): said[id(up)] for up in node.upstreams if id(up) in said}
            if id(node) in said or (with_rows and has_delay(node)):
                continue
            if hasattr(node, "heed"):
                when = node.heed(heard, idle=idle, now=now)
            else:
                when = max(heard.values(), default=None)
            if when is None:
                continue
            said[id(node)] = when
            if isinstance(node, StepNode) and when != NAT:
                yield node.advance(when)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the threads of gathering sources out of the graph for a while."""
        gathering = [source for source in self.sources if hasattr(source, "lock")]
        if not gathering:
            yield
            return
        with min(gathering, key=id).lock:  # one for the whole graph, whoever asks
            yield

    def destroy(self) -> None:
        """Take the graph apart, sinks first, so that nothing of it stays behind."""
        for node in reversed(self.nodes):
            if node.upstreams:
                node.destroy()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """Run with states as new, and leave every node as it was found."""
        held = [(node, _memory(node), list(node.downstreams)) for node in self.nodes]
        self.restart()
        try:
            yield
        finally:
            for node, memory, downstreams in held:
                node.__dict__.update(memory)
                for after in downstreams:  # slice(end=...) cuts itself off when it is done
                    node.downstreams.add(after)


# Where streamz's own nodes keep what they have seen.
_MEMORIES = (
    "state", "silent", "_buffer", "_metadata_buffer", "metadata_buffer", "buffers", "cache",
    "seen", "last", "missing", "emit_on", "next", "current_value", "current_metadata",
)  # fmt: skip


def _linked(node: Stream) -> list[Stream]:
    with suppress(RuntimeError):  # another thread attaches a node just now
        return [*node.upstreams, *node.downstreams]
    return _linked(node)


def has_delay(node: Stream) -> bool:
    """Tell whether a node makes a watermark of its own."""
    step = getattr(node, "step", None)
    return any(getattr(one, "delay", None) is not None for one in getattr(step, "steps", (step,)))


def _memory(node: Stream) -> dict[str, Any]:
    kept = {name: node.__dict__[name] for name in _MEMORIES if name in node.__dict__}
    if not isinstance(node, StepNode):  # whose state is put aside whole; the run gets a new one
        for name in kept.keys() - {"emit_on"}:
            with suppress(TypeError):  # the run works on copies, and the originals come back
                node.__dict__[name] = copy.deepcopy(kept[name])
    return kept


def _upstream_first(found: dict[int, Stream]) -> list[Stream]:
    order: list[Stream] = []
    placed: set[int] = set()

    def ready(node: Stream) -> bool:
        return all(up is None or id(up) in placed for up in node.upstreams)

    waiting = list(found.values())
    while waiting:
        now = [node for node in waiting if ready(node)]
        if not now:  # a loop in the graph (feedback): keep the order of discovery
            now = waiting[:1]
        order += now
        placed |= {id(node) for node in now}
        waiting = [node for node in waiting if id(node) not in placed]
    return order


def drain(*nodes: Stream) -> Any:
    """Run the sources of some nodes to their end, here and now, and hand back what they gave.

    Parameters
    ----------
    *nodes : streamz.Stream
        Nodes of one or of several graphs; all are run in one pass.

    Returns
    -------
    pandas object, or a tuple with one for each node
        All that a node emitted, as one Series or DataFrame; for an analysis that answers once,
        its result.

    Raises
    ------
    StreamError
        If a source has no end, is running live, or a node hands its elements to another thread.

    Notes
    -----
    Steps start from their beginning and are left as they were, so that draining twice gives the
    same answer. Sinks on the same graph receive what flows.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> ticks = rt.replay(pd.Series([1.0, 2.0, 3.0, 4.0]), rows=3)
    >>> rt.drain(ticks.difference(), ticks.moving_average(window=2))[0].tolist()
    [nan, 1.0, 1.0, 1.0]
    """
    if not nodes:
        raise ParameterError("drain() without nodes: name at least one, as in drain(trend, top)")
    for node in nodes:
        if not isinstance(node, Stream):
            raise ParameterError(
                f"drain() of a {type(node).__name__}: only nodes of a stream can be drained; make "
                "one of finished data with rt.replay(...)"
            )
    graph = Graph(*nodes)
    _check_drainable(graph)
    with graph.fresh():
        gathers = [Gather(node) for node in nodes]
        try:
            _feed(graph)
            for _ in graph.finish():
                pass
        finally:
            for gather in gathers:
                gather.destroy()
    answers = tuple(join(gather.pieces) for gather in gathers)
    return answers[0] if len(answers) == 1 else answers


Stream.register_api()(drain)


def _feed(graph: Graph) -> None:
    """Let the sources take turns, a batch each, until all have ended."""
    for source in graph.sources:
        source.halted = source.over = False
    running = [(source, source.batches()) for source in graph.sources]
    while running:
        for turn in list(running):
            source, batches = turn
            batch = None if source.halted else next(batches, None)
            if batch is None:
                running.remove(turn)
                source.over = True
                for _ in graph.tell(None):  # it holds the others back no longer
                    pass
            else:
                source._emit(shown(batch))  # noqa: SLF001


def _check_drainable(graph: Graph) -> None:
    for node in graph.nodes:
        if isinstance(node, _LOOPING):
            raise StreamError(
                f"{node} works in another thread, so this stream cannot be drained: leave the node"
                " out, or run live with source.start() and source.wait()"
            )
    for source in graph.sources:
        if not hasattr(source, "batches"):
            raise StreamError(
                f"{source} has no end, so it cannot be drained: start the stream with "
                "rt.replay(...), or emit by hand and then call rt.finish(node)"
            )
        if not source.ends:
            raise StreamError(f"{source} has no end, so it cannot be drained: {source.instead}")
        if not source.stopped:
            raise StreamError(f"{source} is running: call source.stop() before drain()")


def finish(*nodes: Stream) -> None:
    """End the streams that you emit into by hand: every step gives what it still holds.

    Parameters
    ----------
    *nodes : streamz.Stream
        Any nodes of the graphs that have ended.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> from streamz import Stream
    >>> source, seen = Stream(), []
    >>> node = source.moving_average(window=3, center=True)
    >>> _ = node.sink(seen.append)
    >>> source.emit(pd.Series([1.0, 2.0, 6.0]))
    >>> finish(source)
    >>> [piece.tolist() for piece in seen]
    [[nan, 3.0], [nan]]
    """
    graph = Graph(*nodes)
    with graph.alone():
        for _ in graph.finish():
            pass


def advance(node: Stream, time: Any) -> None:
    """Tell the steps of a stream that no event before ``time`` is on its way.

    Parameters
    ----------
    node : streamz.Stream
        Any node of the graph; before a :func:`merge`, this is said of that input alone.
    time : timestamp or str
        A zoned time, the new watermark: windows that end by then close.

    Raises
    ------
    ParameterError
        If the time has no zone.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> from streamz import Stream
    >>> source, seen = Stream(), []
    >>> hours = source.tumbling(size="1h", delay="5min")
    >>> _ = hours.pluck("count").sink(lambda counts: seen.extend(counts))
    >>> source.emit(pd.DataFrame({"purchase_time": pd.to_datetime(["2024-03-04T09:10Z"])}))
    >>> seen
    []
    >>> advance(source, "2024-03-04T10:00Z")
    >>> seen
    [1]
    """
    when = instant(time, "time")
    graph = Graph(node)
    with graph.alone():
        for source in graph.sources:
            if hasattr(source, "lock"):
                source.flush()
        for _ in graph.tell(when, *sources_of(node)):
            pass


def sources_of(node: Stream) -> list[Stream]:
    """List the beginnings of what flows through a node."""
    above = [up for up in node.upstreams if up is not None]
    return [source for up in above for source in sources_of(up)] if above else [node]
