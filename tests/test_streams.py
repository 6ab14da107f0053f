"""Steps, chains and streams: three faces, registration, drain, live runs, and what they leave."""

import contextlib
import copy
import gc
import importlib
import inspect
import threading
import time
import weakref
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import pytest
import streamz
from streamz import Stream

import rtlab as rt
from rtlab import counts
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError, StreamError
from rtlab.sources import Source
from rtlab.steps import Pluck, Step, register, registered, run

pytestmark = pytest.mark.usefixtures("no_sinks_left")

AGG = {"revenue": ("amount", "sum"), "n": "count"}


def shop(rows=60):
    """Make purchases, one in seven minutes, with a bad row in ten."""
    times = pd.date_range("2024-03-04T09:00", periods=rows, freq="7min", tz="Asia/Shanghai")
    user = pd.Series(range(rows), dtype=float) % 5
    return pd.DataFrame(
        {
            "user_id": user.mask(user.index % 10 == 9),
            "product_id": [f"p{row % 3}" for row in range(rows)],
            "purchase_time": times,
            "price": [100 + row for row in range(rows)],
        }
    )


def hours(source):
    """Attach the usual steps."""
    return source.clean().tumbling("1h", AGG, delay="5min", fill=0)


def same(found, expected):
    """Compare two answers exactly; how pandas spaces an index is no matter."""
    kind = pd.testing.assert_series_equal
    if isinstance(expected, pd.DataFrame):
        kind = pd.testing.assert_frame_equal
    kind(found, expected, check_freq=False)


# Three faces


@pytest.mark.parametrize("name", registered())
def test_faces_are_alike(name):
    """The function, the method and the class share name, parameters and docstring."""
    cls = registered()[name]
    function = getattr(importlib.import_module(cls.__module__), name)
    method = getattr(Stream, name)
    assert function.__name__ == method.__name__ == name
    assert function.__doc__ == method.__doc__ == cls.__doc__
    own = list(inspect.signature(cls).parameters.values())
    for face, first in ((function, "data"), (method, "self")):
        parameters = list(inspect.signature(face).parameters.values())
        assert parameters[0].name == first
        assert parameters[1:] == own
    assert getattr(rt.steps, cls.__name__) is cls
    assert getattr(rt, name) is function


def test_registered_classes_are_listed():
    """Every step's class is found in rtlab.steps, and an unknown one is not."""
    assert {cls.__name__ for cls in registered().values()} <= set(dir(rt.steps))
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = rt.steps.Nonsense


# Registration


@contextlib.contextmanager
def put_back(name):
    """Leave the registry and Stream as they were."""
    known, face = registered().get(name), Stream.__dict__.get(name)
    try:
        yield
    finally:
        rt.steps._registry.pop(name, None)
        if known is not None:
            rt.steps._registry[name] = known
        if face is not None:
            setattr(Stream, name, face)
        elif name in Stream.__dict__:
            delattr(Stream, name)


def make(class_name="Doubled"):
    """Define a step, as a user would."""

    @dataclass(frozen=True)
    class Doubled(Step):
        """Double a series."""

        takes: ClassVar[str] = "series"
        examples: ClassVar = ({},)

        def update(self, state, batch):
            del state
            return {"result": batch * 2}

    Doubled.__name__ = Doubled.__qualname__ = class_name
    return Doubled


@pytest.mark.parametrize("name", ["map", "filter", "sink", "unique", "sliding_window", "drain"])
def test_names_of_streamz_are_refused(name):
    """A step never takes the place of a method that Stream has."""
    before = getattr(Stream, name)
    with pytest.raises(ParameterError, match=f"'{name}'.*streamz"):
        register(name)(make())
    assert getattr(Stream, name) is before
    assert name not in registered()


def test_names_of_other_steps_are_refused():
    """Two steps cannot have one name."""
    with pytest.raises(ParameterError, match=r"'clean'.*Clean"):
        register("clean")(make())
    assert registered()["clean"].__name__ == "Clean"


def test_a_users_step_gets_three_faces():
    """A step that a user registers works as a function, on streams, and again when redefined."""
    with put_back("doubled"):
        for _ in range(2):  # the cell that defines it is run twice
            doubled = register("doubled")(make())
            series = pd.Series([1, 2, 3])
            assert doubled(series).tolist() == [2, 4, 6]
            assert rt.replay(series, rows=2).doubled().drain().tolist() == [2, 4, 6]
        with pytest.raises(ParameterError, match="already belongs"):
            register("doubled")(make("Other"))


def test_a_module_can_be_reloaded():
    """importlib.reload, as a notebook's autoreload does, registers the same names again."""
    with put_back("count_window"):
        before = counts.count_window
        importlib.reload(counts)
        assert counts.count_window is not before
        frame = rt.clean(shop()).good
        same(counts.count_window(frame, rows=7), before(frame, rows=7))
    counts.count_window = before


# Chains


def test_a_chain_is_a_step():
    """A chain gives what its steps give one after the other, each side output by its name."""
    frame = shop()
    first, second = rt.steps.Clean(), rt.steps.Tumbling("1h", AGG, delay="5min")
    chained = run(rt.chain(first, second), [frame.iloc[:31], frame.iloc[31:]])
    good, rejected = rt.clean(frame)
    windows, late = rt.tumbling(good, "1h", AGG, delay="5min")
    same(chained.windows, windows)
    same(chained.rejected, rejected)
    same(chained.late, late)
    nested = run(rt.chain(rt.chain(first), rt.chain(second)), [frame])
    same(nested.windows, windows)
    same(nested.rejected, rejected)


def test_a_chain_numbers_equal_names():
    """Two steps with one name for a side output do not hide each other's rows."""
    hour = rt.steps.Tumbling("1h", {"n": "count"}, delay="0s")
    day = rt.steps.Tumbling("1D", {"n": ("n", "sum")}, on="end", delay="0s")
    chain = rt.chain(rt.steps.Clean(), hour, day)
    assert chain.outputs == ("windows", "rejected", "late", "late_2")
    assert run(chain, [shop()]).windows.n.sum() == 54


def test_a_chain_on_a_stream():
    """stream.through(chain) is the same as its steps one by one."""
    frame = shop()
    chain = rt.chain(rt.steps.Clean(), rt.steps.Tumbling("1h", AGG), Pluck("revenue"))
    node = rt.replay(frame, rows=7).through(chain)
    expected = rt.tumbling(rt.clean(frame).good, "1h", AGG).windows.revenue
    found, rejected = rt.drain(node, node.rejected)
    same(found, expected)
    assert len(rejected) == 6


def test_a_chain_advances():
    """What a chain's first step makes final on advance flows through the ones after it."""
    chain = rt.chain(
        rt.steps.Tumbling("1h", {"n": "count"}, delay="1D"), Pluck("n"), rt.steps.Difference()
    )
    state = chain.initial()
    chain.update(state, rt.clean(shop()).good)
    noon = pd.Timestamp("2024-03-04T04:00Z").as_unit("us")._value
    assert len(chain.advance(state, noon)["result"]) == 3
    assert len(chain.finish(state)["result"]) == 4


def test_an_empty_chain():
    """A chain needs a step."""
    with pytest.raises(ParameterError, match="at least one"):
        rt.chain()


# Drain


def test_drain_twice_is_the_same():
    """A drain starts from the beginning and leaves every node as it was."""
    node = hours(rt.replay(shop(), rows=7))
    before = copy.deepcopy(node.state)
    first, second = node.drain(), node.drain()
    same(first, second)
    assert repr(node.state) == repr(before)
    same(first, rt.tumbling(rt.clean(shop()).good, "1h", AGG, fill=0).windows)


def test_drain_leaves_nothing():
    """No sink, no downstream, no thread stays behind, also when a node fails."""
    source = rt.replay(shop(), rows=7)
    node = hours(source)
    threads = threading.active_count()
    node.drain()
    assert not node.downstreams
    failing = node.map(lambda frame: frame.nonsense)
    with pytest.raises(AttributeError):
        failing.drain()
    assert list(node.downstreams) == [failing]
    assert not failing.downstreams
    assert repr(node.state) == repr(node.step.initial())
    assert threading.active_count() == threads


def test_drain_of_several_nodes():
    """Several nodes, side outputs among them, are drained in one pass over the source."""
    source = rt.replay(shop(), rows=7)
    good = source.clean()
    windows = good.tumbling("1h", AGG)
    found = rt.drain(windows, good.rejected, good, windows.late, good)
    same(found[0], windows.drain())
    assert [len(one) for one in found[1:]] == [6, 54, 0, 54]
    assert list(found[3].columns) == list(found[2].columns)  # of nothing, the columns are known


def test_drain_of_nothing():
    """A stream on which everything was rejected gives an empty frame that has its columns."""
    frame = shop().assign(user_id=None)
    node = hours(rt.replay(frame, rows=7))
    found = node.drain()
    assert len(found) == 0
    assert list(found.columns) == ["end", "revenue", "n"]
    assert found.index.name == "start"
    assert len(hours(rt.replay(frame.iloc[:0])).drain()) == 0


def test_empty_pieces_go_no_further():
    """A function downstream sees pieces with rows; an empty one only where nothing else came."""
    node = rt.replay(shop(), rows=1).clean().tumbling("1h", AGG, delay="0s")
    sizes = node.map(len).drain()
    assert min(sizes) > 0
    assert sum(sizes) == 7
    none = rt.replay(shop().assign(user_id=None), rows=7).clean()
    assert none.map(len).drain() == 0


def test_the_end_flows_through_streamz_nodes():
    """What the end makes final passes map, filter, pluck, union and accumulate on its way."""
    good = rt.clean(shop()).good
    source = rt.replay(good, rows=7)
    windows = source.tumbling("1h", AGG)  # everything comes at the end
    expected = rt.tumbling(good, "1h", AGG).windows
    same(windows.map(lambda frame: frame.assign(more=1)).pluck("n").drain(), expected.n)
    assert windows.filter(lambda frame: len(frame) > 99).drain().empty
    both = windows.union(source.tumbling("1D", AGG))
    assert both.drain().n.sum() == 2 * len(good)
    total = windows.accumulate(lambda held, frame: held + frame.n.sum(), start=0)
    assert total.drain() == len(good)
    difference = windows.pluck("revenue").difference()
    same(difference.drain(), rt.difference(expected.revenue))
    pairs = windows.zip(source.tumbling("1D", AGG))
    (hourly, daily) = pairs.drain()
    assert hourly.n.sum() == daily.n.sum() == len(good)


def test_drain_restores_streamz_nodes():
    """Nodes of streamz that remember start anew, and have their memory back afterwards."""
    source = rt.replay(pd.Series(range(6)), rows=2)
    start = []

    def gather(held, piece):
        held.append(len(piece))  # a user's mutable start
        return held

    one, other = source.accumulate(gather, start=start), source.accumulate(gather, start=start)
    assert one.drain()[-1] == [2, 2, 2]
    assert other.drain()[-1] == [2, 2, 2]
    assert start == []
    pairs = source.partition(2).map(pd.concat)
    assert pairs.drain().tolist() == pairs.drain().tolist() == [0, 1, 2, 3]
    first = source.slice(end=2)
    assert first.drain().tolist() == first.drain().tolist() == [0, 1, 2, 3]
    window = source.sliding_window(2, return_partial=False).map(len)
    assert window.drain() == window.drain() == [2, 2]


def test_two_sources_in_one_graph():
    """Two sources that meet take turns, and all rows arrive."""
    frame = rt.clean(shop()).good
    early, late = rt.replay(frame.iloc[:20], rows=3), rt.replay(frame.iloc[20:], rows=50)
    node = early.union(late).tumbling("1h", AGG)
    same(node.drain(), rt.tumbling(frame, "1h", AGG).windows)


def test_drain_names_what_it_cannot_do():
    """A stream without an end, a node with a thread of its own and no node at all are named."""
    with pytest.raises(StreamError, match=r"no end.*rt\.finish"):
        Stream().map(len).drain()
    with pytest.raises(StreamError, match=r"another thread.*source\.start"):
        rt.replay(shop()).buffer(3).drain()
    with pytest.raises(ParameterError, match="at least one"):
        rt.drain()


def test_drain_of_a_running_source():
    """A source that runs live is not drained at the same time."""
    with rt.replay(shop(), rows=1, speed=60) as source:
        node = source.clean()
        source.start()
        with pytest.raises(StreamError, match=r"running.*stop\(\)"):
            node.drain()


@pytest.mark.parametrize("speed", ["1D", pd.Timedelta(days=1), 86_400])
def test_a_speed_is_event_time_a_second(speed):
    """A day a second is written in three ways, and each keeps the distance of the events."""
    source = rt.replay(shop(3), rows=1, speed=speed)
    waits = [source.wait_before(batch) for batch in source.batches()]
    assert waits == pytest.approx([0, 420 / 86_400, 420 / 86_400])


def test_a_sink_sees_a_drain_once():
    """Sinks on the graph receive what flows, once a drain."""
    node = hours(rt.replay(shop(), rows=7))
    seen = []
    sink = node.sink(seen.append)
    found = node.drain()
    same(pd.concat(seen), found)
    sink.destroy()


def test_the_same_frame_replayed_twice():
    """A frame is not changed by its replay, and two replays of it do not meet."""
    frame = shop()
    before = frame.copy(deep=True)
    first, second = rt.replay(frame, rows=7).clean(), rt.replay(frame, rows=11).clean()
    one, other = rt.drain(first, second)
    same(one, other)
    same(frame, before)
    assert frame.attrs == {}


def test_the_sources_mark_does_not_show():
    """The bound on time that a source puts on its batches is not in what a user gets back."""
    good = rt.clean(shop()).good
    source = rt.replay(good, rows=7)
    for node in (source, source.keep("price > 1"), source.tumbling("1h"), source.dedupe("price")):
        assert node.drain().attrs == {}
    assert rt.keep(good, "price > 1").attrs == {}
    assert rt.tumbling(good, "1h", delay="0s").late.attrs == {}


# Emitting by hand


@pytest.mark.parametrize("form", ["frame", "dicts", "one by one", "columns"])
def test_emit_takes_what_a_batch_can_be(form):
    """A frame, a list of events, single events and bare columns are all batches."""
    frame = shop()
    events = frame.to_dict("records")
    batches = {
        "frame": [frame], "dicts": [events], "one by one": events, "columns": [Columns.of(frame)],
    }[form]  # fmt: skip
    source, seen = Stream(), []
    node = hours(source)
    sink = node.sink(seen.append)
    for batch in batches:
        source.emit(batch)
    rt.finish(source)
    same(pd.concat(seen), rt.tumbling(rt.clean(frame).good, "1h", AGG, fill=0).windows)
    sink.destroy()


@pytest.mark.parametrize("junk", ["text", 7, None, ["a"], [1, {"user_id": 1}], (1, 2)])
def test_a_map_that_returns_something_else(junk):
    """What is no batch is refused by name of its type, where it arises."""
    node = rt.replay(shop()).map(lambda _: junk).clean()
    with pytest.raises(DataError, match=f"{type(junk).__name__}.*DataFrame"):
        node.drain()


def test_advance_by_hand():
    """rt.advance closes windows of a stream that is silent."""
    source, seen = Stream(), []
    sink = source.tumbling("1h", AGG, delay="1D").sink(seen.append)
    source.emit(rt.clean(shop()).good)
    assert seen == []
    rt.advance(source, "2024-03-04T04:00Z")
    assert seen[0].n.sum() == len(rt.clean(shop().iloc[:26]).good)
    with pytest.raises(ParameterError, match="no zone"):
        rt.advance(source, "2024-03-04")
    sink.destroy()


def test_an_unknown_output():
    """A node has the outputs of its step and no others."""
    node = rt.replay(shop()).clean()
    assert isinstance(node.rejected, Stream)
    assert node.rejected is node.rejected
    with pytest.raises(AttributeError, match="late"):
        _ = node.late


# Live


def test_live_equals_drain():
    """start() and wait() give what drain() gives, twice."""
    source = rt.replay(shop(), rows=7)
    node = hours(source)
    expected = node.drain()
    seen = []
    sink = node.sink(seen.append)
    for _ in range(2):
        seen.clear()
        source.start()
        source.wait(10)
        same(pd.concat(seen), expected)
    same(node.drain(), expected)
    sink.destroy()


def test_two_live_sources():
    """Where two live sources meet, the steps end with the last of them."""
    frame = rt.clean(shop()).good
    early = rt.replay(frame.iloc[:20], rows=1, speed=36_000)
    late = rt.replay(frame.iloc[20:], rows=1, speed=36_000)
    seen = []
    sink = early.union(late).tumbling("1h", AGG, delay="1D").sink(seen.append)
    early.start()
    late.start()
    for source in (early, late):
        source.wait(10)
    same(pd.concat(seen), rt.tumbling(frame, "1h", AGG).windows)
    sink.destroy()


def test_start_refuses_what_cannot_answer():
    """Windows without a delay, ids kept for ever: start() says what to change; then it runs."""
    source = rt.replay(rt.clean(shop()).good, rows=7)
    node = source.tumbling("1h")
    with pytest.raises(StreamError, match="delay='30s'"):
        source.start()
    node = source.tumbling("1h", delay="30s")  # the cell is corrected, and the old node is gone
    seen = []
    sink = node.sink(seen.append)
    source.start()
    source.wait(10)
    assert sum(piece["count"].sum() for piece in seen) == 54
    sink.destroy()


class Broken(Source):
    """A source that fails after one batch."""

    def batches(self):
        """Give a batch, then fail."""
        yield shop()
        raise OSError("the disk is gone")


def test_errors_reach_whoever_waits():
    """An error in a source, or in a node after it, reaches wait() and drain()."""
    source = Broken()
    node = source.clean()
    with pytest.raises(OSError, match="disk"):
        node.drain()
    source.start()
    with pytest.raises(OSError, match="disk"):
        source.wait(10)
    assert source.stopped
    good = rt.replay(shop(), rows=7)
    broken = good.clean().map(lambda frame: 1 / (len(frame) - len(frame)))
    with pytest.raises(ZeroDivisionError):
        broken.drain()
    good.start()
    with pytest.raises(ZeroDivisionError):
        good.wait(10)
    assert good.stopped


def test_wait_names_what_is_wrong():
    """wait() before start(), or with too little patience, says so."""
    with rt.replay(shop(), rows=1, speed=1) as source:
        with pytest.raises(StreamError, match=r"start\(\)"):
            source.wait()
        source.start()
        source.start()  # a second start changes nothing
        with pytest.raises(StreamError, match=r"0\.05 s.*stop\(\)"):
            source.wait(0.05)


def test_stop_ends_early_and_flushes():
    """stop() ends a live run at once; what the steps hold is given."""
    source = rt.replay(shop(), rows=1, speed=1)
    seen = []
    sink = source.clean().tumbling("1h", AGG, delay="1D").sink(seen.append)
    source.start()
    while not source.sent:
        time.sleep(0.01)
    began = time.monotonic()
    source.stop()
    source.wait(10)
    assert time.monotonic() - began < 5
    assert pd.concat(seen).n.sum() >= 1
    assert source.stopped
    sink.destroy()


def test_stop_before_the_first_batch():
    """stop() right after start() is heard."""
    source = rt.replay(shop(), rows=1, speed=1)
    source.start()
    source.stop()
    source.wait(10)
    assert source.sent <= 2  # one on its way, one in hand


def test_stop_within_a_drain():
    """A sink can end a drain; the steps then give what they hold."""
    source = rt.replay(rt.clean(shop()).good, rows=1)
    sink = source.sink(lambda _: source.stop() if source.sent == 20 else None)
    assert source.tumbling("1D").drain()["count"].sum() == 20
    sink.destroy()
    assert source.tumbling("1D").drain()["count"].sum() == 54


def test_a_context_takes_the_graph_apart():
    """At the end of the block the source stands still, and sinks and nodes are gone."""
    with rt.replay(shop(), rows=1, speed=600) as source:
        node = hours(source)
        node.sink(print)
        source.start()
    assert source.stopped
    assert not source.downstreams
    assert not node.downstreams


def test_nodes_are_collected():
    """Nodes that nobody holds go at once, and with them their graph."""
    source = rt.replay(shop())
    gc.disable()
    try:
        gone = weakref.ref(source.clean())
        assert gone() is None
        gone = weakref.ref(hours(source).late)
        assert gone() is None
        assert not source.downstreams
    finally:
        gc.enable()
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None


# Notebooks


@pytest.fixture
def shell():
    """Give an IPython shell, as a kernel has one."""
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415

    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    shell.reset()
    InteractiveShell.clear_instance()


CELL = """
import rtlab as rt
source = rt.replay(frame, rows=1, speed=6000)
second = rt.replay(frame, rows=1, speed=6000)
node = source.clean()
for one in (node, second):
    one.sink(seen.append)
source.start()
second.start()
"""


def test_a_cell_run_twice(shell):
    """A cell that is run again leaves one live run of each source and no doubled output."""
    shell.user_ns |= {"frame": shop(), "seen": []}
    sinks = len(streamz.sinks._global_sinks)
    shell.run_cell(CELL, store_history=True).raise_error()
    first = shell.user_ns["source"]
    shell.run_cell(CELL, store_history=True).raise_error()
    assert first.stopped
    assert not first.downstreams
    assert len(streamz.sinks._global_sinks) == sinks + 2
    shell.user_ns["seen"].clear()
    for name in ("source", "second"):
        shell.user_ns[name].wait(20)
    assert len(shell.user_ns["seen"]) <= 54 + 60
    shell.run_cell("source.close(); second.close()", store_history=True).raise_error()


def test_other_cells_are_left_alone(shell):
    """A new cell does not end what another one started."""
    shell.user_ns |= {"frame": shop(), "seen": []}
    shell.run_cell(CELL, store_history=True).raise_error()
    first = shell.user_ns["source"]
    shell.run_cell("third = rt.replay(frame); third.clean()", store_history=True).raise_error()
    assert first.downstreams
    first.close()
    shell.user_ns["second"].close()
