"""Several inputs with one watermark: the smallest of the live ones."""

import time

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from streamz import Stream

import rtlab as rt
from rtlab.errors import ParameterError, StreamError
from rtlab.sources import Source

pytestmark = pytest.mark.usefixtures("no_sinks_left")

NOTHING = np.iinfo(np.int64).min
START = pd.Timestamp("2024-03-04T09:00Z")


def rows(*minutes):
    """Make events at some minutes after nine."""
    times = START + pd.to_timedelta(list(minutes), unit="min")
    return pd.DataFrame({"purchase_time": pd.DatetimeIndex(times).as_unit("us")})


def minutes(marks):
    """Tell watermarks as minutes after nine; None where nothing is known."""
    nine = START.as_unit("us")._value
    return [None if one == NOTHING else (one - nine) / 60e6 for one in marks]


class Meeting:
    """Some streams that meet, and what comes out."""

    def __init__(self, number=2, **how):
        self.inputs = [Stream() for _ in range(number)]
        self.node = rt.merge(*self.inputs, **({"delay": "0s"} | how))
        self.marks, self.windows, self.late = [], [], []
        self.node.sink(lambda frame: self.marks.extend(minutes(frame["_watermark"])))
        self.hours = self.node.tumbling("10min")
        self.hours.sink(lambda frame: self.windows.extend(minutes(frame["end"].astype("int64"))))
        self.hours.late.sink(lambda frame: self.late.append(len(frame)))

    def emit(self, place, *at):
        """Emit a batch into an input."""
        self.inputs[place].emit(rows(*at))

    def advance(self, place, minute):
        """Say of one input that nothing older comes."""
        rt.advance(self.inputs[place], START + pd.Timedelta(minutes=minute))

    def look(self, now):
        """Let a source see that time passes."""
        for _ in rt.streams.Graph(self.node).tell(None, now=now):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        rt.streams.Graph(self.node).destroy()


# The smallest of all


def test_the_smallest_holds():
    """A row finds the smallest watermark of the inputs; none before all have spoken."""
    with Meeting(delay="1min") as meeting:
        meeting.emit(0, 5, 25)
        meeting.emit(1, 3, 14, 12, 40)
        meeting.emit(0, 24, 31)
        assert meeting.marks == [None, None, None, 2, 13, 13, 24, 24]
        assert meeting.windows == [10, 20, 30]
        assert meeting.late == []
        meeting.emit(1, 13)
        assert meeting.late == [1]


def test_what_the_last_row_brings():
    """A window closes by the last row of a batch, before another one comes."""
    with Meeting() as meeting:
        meeting.emit(0, 5, 15, 25)
        meeting.emit(1, 5, 25)
        assert meeting.windows == [10, 20]


def test_an_input_is_advanced_by_hand():
    """rt.advance on an input is said of that input alone; on what comes after, of all."""
    with Meeting(3) as meeting:
        meeting.emit(0, 5, 25)
        meeting.advance(1, 12)
        assert meeting.windows == []
        meeting.advance(2, 30)
        assert meeting.windows == [10]
        rt.advance(meeting.hours, START + pd.Timedelta(minutes=30))
        assert meeting.windows == [10, 30]


def test_a_delay_of_its_own():
    """A step that has a delay goes by its own clock."""
    with Meeting() as meeting:
        patient = []
        meeting.node.tumbling("10min", delay="1h").sink(patient.append)
        meeting.emit(0, 5, 25)
        meeting.emit(1, 5, 25)
        assert patient == []
        meeting.advance(0, 20)
        meeting.advance(1, 26)
        assert patient == []  # it knows no more than before
        meeting.advance(0, 26)
        assert len(patient) == 1


def test_inputs_that_met_before_meet_again():
    """A merge of merges gives the watermark of one merge of all."""
    a, b, c = streams = [Stream() for _ in range(3)]
    found = {"at once": [], "in turn": []}
    nodes = [
        rt.merge(a, b, c, delay="1min").tumbling("10min"),
        rt.merge(rt.merge(a, b, delay="1min"), c, delay="1min").tumbling("10min"),
    ]
    for node, name in zip(nodes, found, strict=True):
        node.sink(lambda frame, name=name: found[name].append(frame))
    for place, at in ((0, (5, 21)), (1, (11, 33)), (2, (12, 45)), (0, (40,)), (1, (44, 2))):
        streams[place].emit(rows(*at))
    one, other = (pd.concat(found[name]) for name in found)
    pd.testing.assert_frame_equal(one, other)
    assert len(one) == 3
    rt.streams.Graph(a).destroy()


# Idle and ended inputs


def test_an_idle_input_holds_nothing_back():
    """After its silence an input no longer counts, before its first row too; then it does."""
    with Meeting(idle="1min") as meeting:
        meeting.look(0.0)
        meeting.emit(0, 5, 25)
        meeting.look(50.0)
        assert meeting.windows == []
        meeting.emit(0, 26)
        meeting.look(61.0)
        assert meeting.windows == [10]
        meeting.emit(1, 3, 21, 22)  # back, and behind: late, and it holds nothing back
        assert meeting.late == [1]
        meeting.emit(0, 35)
        assert meeting.windows == [10, 30]
        meeting.emit(1, 36)  # it has caught up and counts again
        meeting.emit(0, 55, 56)
        assert meeting.windows == [10, 30]
        assert meeting.marks[-3:] == [35, 35, 36]


def test_all_inputs_are_idle():
    """Where all are silent the largest watermark holds; it never goes back."""
    with Meeting(idle="1min") as meeting:
        meeting.emit(0, 5, 35)
        meeting.emit(1, 15)
        assert meeting.windows == [10]
        meeting.look(0.0)
        meeting.look(61.0)
        assert meeting.windows == [10, 20]
        meeting.emit(1, 16, 36)
        assert meeting.marks[-2:] == [35, 35]
        assert meeting.late == [1]


def test_an_ended_input_holds_nothing_back():
    """What one source has finished, the others need not wait for; the last one ends the steps."""
    near, far = rt.source(wait=None), rt.source(wait=None)
    node = rt.merge(near, far, delay="0s").tumbling("10min")
    seen = []
    node.sink(seen.append)
    near.emit(rows(5, 25))
    far.emit(rows(1))
    assert seen == []
    far.finish()
    assert len(seen) == 1
    assert pd.concat(seen)["count"].tolist() == [2]
    near.emit(rows(45))
    assert len(seen) == 2
    near.finish()
    assert pd.concat(seen)["count"].tolist() == [2, 1, 1]
    near.close()


def test_a_source_that_never_spoke(monkeypatch):
    """A source that is silent from the beginning is idle too, by its own idle."""
    now = 0.0
    monkeypatch.setattr(Source, "clock", lambda _: now)
    near, far = rt.source(wait=None), rt.source(wait=None, idle="1min")
    seen = []
    node = rt.merge(near, far, delay="0s").tumbling("10min")
    node.sink(seen.append)
    near.emit(rows(5, 25))
    now = 59.0
    far.tick()
    assert seen == []
    now = 61.0
    far.tick()
    assert len(seen) == 1
    near.close()


def test_silence_of_an_input_is_seen_live():
    """The threads of live sources tell the time to a merge, without an idle of their own."""
    near, far = rt.source(wait="5ms"), rt.source(wait="5ms")
    seen = []
    node = rt.merge(near, far, delay="0s", idle="50ms").tumbling("10min")
    node.sink(seen.append)
    near.emit(rows(5, 25))
    until = time.monotonic() + 10
    while not seen and time.monotonic() < until:
        near.emit(rows(25))
        time.sleep(0.01)
    assert pd.concat(seen)["count"].tolist() == [1]
    near.close()


# Cuts, drains, live runs


@st.composite
def interleaved(draw):
    """Draw rows of three inputs as they come, and two ways to cut them into batches."""
    events = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), max_size=40))
    ways = []
    for _ in range(2):
        cuts = draw(st.sets(st.integers(1, max(len(events), 1))))
        batches = []
        for number, (place, minute) in enumerate(events):
            if batches and batches[-1][0] == place and number not in cuts:
                batches[-1][1].append(minute)
            else:
                batches.append((place, [minute]))
        ways.append(batches)
    return ways


def outcome(batches, attach):
    """Run some batches through inputs that meet; give marks, results and late rows."""
    streams = [Stream() for _ in range(3)]
    merged = rt.merge(*streams, delay="5min")
    node = attach(merged)
    found = {"marks": [], "windows": [], "late": []}
    merged.sink(found["marks"].append)
    node.sink(found["windows"].append)
    node.late.sink(found["late"].append)
    for place, at in batches:
        streams[place].emit(rows(*at))
    seen_live = len(pd.concat(found["windows"])) if found["windows"] else 0
    rt.finish(merged)
    rt.streams.Graph(merged).destroy()
    return {name: pd.concat(frames, ignore_index=name != "windows") if frames else None
            for name, frames in found.items()}, seen_live  # fmt: skip


STEPS = {
    "tumbling": lambda node: node.tumbling("10min"),
    "sliding": lambda node: node.sliding("20min", "5min", lateness="10min"),
    "session": lambda node: node.session("5min"),
}


@pytest.mark.parametrize("step", STEPS)
@examples(60)
@given(interleaved())
def test_cuts_do_not_matter(step, ways):
    """However the inputs are cut, marks, windows, late rows and what is told live are the same."""
    (one, live), (other, also) = (outcome(way, STEPS[step]) for way in ways)
    assert live == also
    for name, frame in one.items():
        if frame is None or not len(frame):
            assert other[name] is None or not len(other[name])
        else:
            pd.testing.assert_frame_equal(frame, other[name])


def slowly(batches):
    """Tell the watermark that each row finds, row by row."""
    newest, mark, marks = [None] * 3, None, []
    for place, at in batches:
        for minute in at:
            marks.append(mark)
            newest[place] = max(minute, minute if newest[place] is None else newest[place])
            if None not in newest:
                mark = max(min(newest) - 5, -100 if mark is None else mark)
    return marks


@examples(60)
@given(interleaved())
def test_marks_are_those_of_a_slow_loop(ways):
    """The watermark of each row is what a loop over the rows finds."""
    found = outcome(ways[0], STEPS["tumbling"])[0]["marks"]
    assert slowly(ways[0]) == ([] if found is None else minutes(found["_watermark"]))


def test_a_drain_of_several_replays():
    """Replays meet in a drain: an ended one holds the others back no longer; nothing is lost."""
    near, far = rt.replay(rows(*range(0, 100, 2)), rows=3), rt.replay(rows(1, 3, 51), rows=1)
    node = rt.merge(near, far, delay="10min").tumbling("10min")
    for _ in range(2):
        windows, late = rt.drain(node, node.late)
        assert windows["count"].sum() + len(late) == 53
        assert len(late) == 0


def test_live_replays_meet():
    """Two live replays meet; start() asks for no delay in the steps after them."""
    near = rt.replay(rows(*range(0, 100, 2)), rows=1, speed=60_000)
    far = rt.replay(rows(1, 51, 97), rows=1, speed=60_000)
    seen = []
    node = rt.merge(near, far, delay="30min").through(rt.chain(rt.steps.Tumbling("10min")))
    node.sink(seen.append)
    near.start()
    far.start()
    for one in (near, far):
        one.wait(30)
    windows = pd.concat(seen)
    assert windows["count"].sum() == 53
    assert len(seen) > 1
    near.close()
    alone = rt.replay(rows(1))
    node = alone.tumbling("10min")
    with pytest.raises(StreamError, match="delay="):
        alone.start()
    assert node.step.delay is None


def test_a_replay_and_a_source_meet():
    """What a program emits may meet a live replay; the last to end ends the steps."""
    old = rt.replay(rows(*range(0, 40, 2)), rows=1, speed=60_000)
    new = rt.source(rows=1, wait=None)
    seen = []
    rt.merge(old, new, delay="0s").tumbling("10min").sink(seen.append)
    old.start()
    old.wait(30)
    for minute in range(1, 40, 2):
        new.emit(rows(minute))
    assert seen
    new.finish()
    assert pd.concat(seen)["count"].sum() == 40
    new.close()


# Times and errors


def test_raw_times():
    """Times as text are read; unreadable ones, and those after the bound, move nothing."""
    source = rt.source(rows=1, wait=None, not_after="2024-03-05T00:00Z")
    other, marks = Stream(), []
    node = rt.merge(source, other, delay="0s")
    node.sink(lambda frame: marks.extend(minutes(frame["_watermark"])))
    other.emit(rows(60))
    for time_ in (
        "2024-03-04T09:10Z",
        "soon",
        "2099-01-01T00:00Z",
        "2024-03-04T09:12+00:00",
        None,
    ):
        source.emit({"purchase_time": time_})
    assert marks == [None, None, 10, 10, 10, 12]
    source.close()


@pytest.mark.parametrize(
    ("streams", "how", "words"),
    [(1, {}, r"merge\(Stream\).*two or more"), (0, {}, r"merge\(\)"),
     (2, {"delay": "soon"}, "delay='soon'"), (2, {"idle": "0s"}, "idle='0s'.*positive")],
)  # fmt: skip
def test_what_cannot_meet(streams, how, words):
    """Too few streams, one of them twice, or something else are named."""
    with pytest.raises(ParameterError, match=words):
        rt.merge(*(Stream() for _ in range(streams)), **how)
    one = Stream()
    with pytest.raises(ParameterError, match=r"merge\(Stream, Stream\).*different"):
        rt.merge(one, one)
    with pytest.raises(ParameterError, match=r"DataFrame.*rt\.replay"):
        rt.merge(one, rows(1))
