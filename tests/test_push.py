"""Events emitted by a program: what they become, when they go, and what is never lost."""

import gc
import json
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError, StreamError
from rtlab.rows import from_events
from rtlab.sources import Source, messages

pytestmark = pytest.mark.usefixtures("no_sinks_left")

START = pd.Timestamp("2024-03-04T09:00Z")


def event(number, **more):
    """Make a purchase, one a minute."""
    when = (START + pd.Timedelta(minutes=number)).isoformat()
    return {"user_id": number % 7, "product_id": f"p{number % 3}", "purchase_time": when,
            "quantity": 1, "price": number / 4} | more  # fmt: skip


def same(found, expected):
    """Compare columns exactly: names, order, types, values."""
    assert list(found) == list(expected)
    for name, array in found.items():
        one, other = pd.Series(array), pd.Series(expected[name])
        pd.testing.assert_series_equal(one, other, check_exact=True)


def gathered(source):
    """Keep what a source sends, each batch as a frame."""
    seen = []
    source.sink(seen.append)
    return seen


def whole(seen):
    """Give all rows that were seen."""
    return pd.concat(seen, ignore_index=True)


# What events become

TEXTS = st.sampled_from(["", "ana", "李雷", "2024-03-04T09:00Z", "\ud800", "a\0b"])
NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(-(2**63), 2**64), st.integers(-(2**70), 2**70), st.floats()
)
ODD = st.sampled_from(
    [None, True, False, b"ana", [1, 2], {"a": 1}, (1,), START, START.to_pydatetime(),
     np.float32(1.5), np.int64(3), np.nan, pd.NaT, pd.NA, 1j, object]
)  # fmt: skip
KINDS = [
    st.integers(-3, 3), st.integers(2**31 - 2, 2**31 + 2), st.integers(2**63 - 1, 2**63),
    st.floats(), TEXTS, st.booleans(), st.just(None), NUMBERS,
    st.one_of(st.integers(-3, 3), st.booleans()), st.one_of(st.integers(-3, 3), st.none()),
    st.one_of(TEXTS, st.none()), st.one_of(TEXTS, st.just(b"ana")),
    st.one_of(st.floats(), st.booleans()), st.one_of(TEXTS, NUMBERS, ODD), ODD,
]  # fmt: skip


@st.composite
def any_events(draw):
    """Draw events whose fields are of one kind, or of several; some lack fields."""
    names = draw(st.lists(st.sampled_from(["a", "b", "c", 1]), min_size=1, unique=True))
    kinds = {name: draw(st.sampled_from(KINDS)) for name in names}
    events = draw(st.lists(st.fixed_dictionaries(kinds), min_size=1, max_size=12))
    if draw(st.booleans()):
        for one in events:
            for name in draw(st.lists(st.sampled_from(names), max_size=2)):
                one.pop(name, None)
    if draw(st.booleans()):
        events[draw(st.integers(0, len(events) - 1))]["new"] = draw(ODD)
    return events


@examples(400)
@given(any_events())
def test_events_become_what_pandas_makes_of_them(events):
    """Whatever the fields hold, columns are those of DataFrame.from_records."""
    try:
        expected = Columns.of(pd.DataFrame.from_records(events)).arrays
    except (OverflowError, ValueError, TypeError) as error:
        with pytest.raises(type(error)):
            from_events(events)
        return
    same(from_events(events), expected)


def test_no_events():
    """No events have no columns."""
    assert from_events([]) == {}


# What passes, and in which batches


@pytest.mark.parametrize("form", ["dict", "list", "bytes", "text", "mixed", "frames"])
def test_every_form_of_an_event(form):
    """Dicts, lists, messages, frames and all of them in turn give the same windows."""
    events = [event(number) for number in range(100)]
    written = [json.dumps(one) for one in events]
    emitted = {
        "dict": events,
        "list": [events[:30], [], events[30:31], events[31:]],
        "bytes": [one.encode() for one in written],
        "text": written,
        "mixed": [*events[:20], written[20], written[21].encode(), [*written[22:40], events[40]],
                  pd.DataFrame(events[41:60]), *events[60:]],
        "frames": [pd.DataFrame(events[:50]), Columns.of(pd.DataFrame(events[50:]))],
    }[form]  # fmt: skip
    with rt.source(rows=8, wait=None) as source:
        node = source.clean().tumbling("1h", {"sum": ("amount", "sum"), "n": "count"})
        seen = gathered(node)
        for one in emitted:
            source.emit(one)
    expected = rt.tumbling(rt.clean(pd.DataFrame(events)).good, "1h", node.step.agg).windows
    pd.testing.assert_frame_equal(pd.concat(seen), expected, check_freq=False)
    assert source.malformed == 0


def test_batches_are_cut_by_size():
    """Without waiting, batches have as many rows as was asked, however they were emitted."""
    with rt.source(rows=10, wait=None) as source:
        seen = gathered(source)
        for number in range(15):
            source.emit(event(number))
        source.emit([event(number) for number in range(15, 47)])
        assert [len(one) for one in seen] == [10, 10, 10, 10]
        source.flush()
        source.flush()
        assert [len(one) for one in seen] == [10, 10, 10, 10, 7]
        source.emit(event(47))
    assert [len(one) for one in seen] == [10, 10, 10, 10, 7, 1]
    assert whole(seen).price.tolist() == [number / 4 for number in range(48)]


def test_an_event_waits_no_longer_than_asked():
    """What waits is sent by the clock; then nothing runs until the next emit."""
    with rt.source(wait="20ms") as source:
        seen = gathered(source)
        for rounds in (1, 2):
            source.emit(event(1))
            assert seen[rounds - 1 :] == []
            until = time.monotonic() + 10
            while len(seen) < rounds and time.monotonic() < until:
                time.sleep(0.005)
            assert len(seen) == rounds
            while source._keeper is not None and time.monotonic() < until:
                time.sleep(0.005)
            assert source._keeper is None


def test_many_threads_emit():
    """Threads that emit at once lose nothing, and each one's events stay in order."""
    with rt.source(rows=64, wait="1ms") as source:
        seen = gathered(source)

        def emit(thread):
            for number in range(2000):
                source.emit({"thread": thread, "number": number})

        threads = [threading.Thread(target=emit, args=(number,)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    rows = whole(seen)
    assert len(rows) == 8000
    for _, mine in rows.groupby("thread"):
        assert mine.number.tolist() == list(range(2000))


def test_nobody_holds_the_source():
    """A source that nobody holds goes, and its thread with it."""
    source = rt.source(wait="5ms", idle="1h")
    source.emit({"purchase_time": START})
    keeper, gone = source._keeper, weakref.ref(source)
    del source
    keeper.join(10)
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("given", "words"),
    [({"rows": 0}, "rows=0.*at least 1 row"), ({"wait": "soon"}, "wait='soon'.*duration"),
     ({"wait": 3}, "wait=3"), ({"idle": "0s"}, "idle='0s'.*positive"),
     ({"not_after": "2024"}, "not_after='2024'.*zone")],
)  # fmt: skip
def test_what_a_source_cannot_be(given, words):
    """A wrong parameter is named with the rule."""
    with pytest.raises(ParameterError, match=words):
        rt.source(**given)


@pytest.mark.parametrize("junk", [7, None, (1,), 2.5])
def test_what_no_event_can_be(junk):
    """What is no event is refused at once; inside a list it becomes a malformed row."""
    with rt.source(wait=None) as source:
        seen = gathered(source)
        with pytest.raises(DataError, match=f"{type(junk).__name__}.*a dict"):
            source.emit(junk)
        source.emit([event(1), junk, b"no"])
    assert seen[0]["_raw"].tolist()[1:] == [str(junk), "no"]
    assert source.malformed == 2


def test_the_future_is_bounded():
    """Events from 2099 are rejected, by a bound of the source or by the day after now."""
    for bound in (None, "2024-03-05T00:00Z"):
        with rt.source(not_after=bound) as source:
            seen = gathered(source.clean().rejected)
            source.emit(event(1))
            source.emit(event(2, purchase_time="2099-01-01T00:00Z"))
        assert whole(seen).reason.tolist() == ["purchase_time in the future"]


# JSON


@pytest.fixture(params=["msgspec", "json"])
def reader(request, monkeypatch):
    """Read JSON by msgspec, or by the standard library where that is not installed."""
    if request.param == "msgspec":
        pytest.importorskip("msgspec")
    else:
        monkeypatch.setattr(messages, "_fastest", lambda: json)
    return messages.Reader(("user_id", "product_id", "purchase_time"))


JSON_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False).filter(
        lambda one: abs(one) != np.inf), st.text(st.characters(codec="utf-8"), max_size=5),
    st.lists(st.integers(0, 3), max_size=2), st.dictionaries(st.just("a"), st.booleans()),
)  # fmt: skip


@pytest.mark.usefixtures("reader")
@examples(150)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b b", "self", "é"]), JSON_VALUES, min_size=1),
        min_size=1, max_size=8,
    ),
    st.integers(0, 8),
)  # fmt: skip
def test_json_becomes_what_dicts_become(events, cut):
    """Messages give the columns of their events, whatever came before."""
    plain, written = messages.Reader(()), messages.Reader(())
    for batch in (events[:cut], events[cut:], events):
        if batch:
            texts = [json.dumps(one) for one in batch]
            texts[::2] = [one.encode() for one in texts[::2]]
            same(written.columns(texts), plain.columns(batch))
    assert written.malformed == 0


BROKEN = [
    b'{"user_id": 1', b"", b"[1]", b"7", b"null", b'{"user_id": NaN}', b'{"a": "\xff"}',
    b'\xef\xbb\xbf{"a": 1}', rb'{"a": "\ud800"}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_message_is_a_row(reader, broken):
    """It takes its place with its text; the others lose not a digit, first batch or later."""
    good = [json.dumps(event(number, user_id=2**53 + 1)).encode() for number in range(4)]
    for batch in ([broken], [*good[:2], broken, *good[2:]], good, [broken, good[0]]):
        rows = Columns(reader.columns(batch))
        assert len(rows) == len(batch)
        answer = rt.clean(rows.frame())
        raw = [one.decode(errors="replace")[:500] for one in batch if one is broken]
        assert answer.rejected["reason"].tolist() == ["malformed record"] * len(raw)
        assert answer.rejected["_raw"].tolist() == raw if raw else True
        assert answer.good["user_id"].tolist() == [2**53 + 1] * (len(batch) - len(raw))
    assert reader.malformed == 3


def test_fields_come_and_go(reader):
    """A field that a later message lacks is missing; a new one is not lost."""
    batches = [[{"a": 1, "b": "x"}], [{"a": 2}], [{"a": 3, "c": 2.5}], [{"b": "y", "c": 1.5}]]
    found = [reader.columns([json.dumps(one) for one in batch]) for batch in batches]
    assert [list(one) for one in found] == [
        ["a", "b"],
        ["a", "b"],
        ["a", "b", "c"],
        ["a", "b", "c"],
    ]
    assert found[1]["b"].tolist() == [None]
    assert found[3]["a"].tolist() == [None]
    assert found[3]["c"].tolist() == [1.5]


def test_an_event_of_nothing(reader):
    """An event without fields is a row in which all is missing."""
    for batch in ([{}], ["{}"], [b"{}", json.dumps(event(1))], [b"{}"], [{}]):
        answer = rt.clean(Columns(reader.columns(batch)).frame())
        assert answer.rejected["reason"].tolist() == ["missing user_id"]
        assert len(answer.good) == len(batch) - 1


def test_names_without_end(reader):
    """Whoever invents a name for each message does not fill the memory; nothing is lost."""
    for number in range(300):
        found = reader.columns([json.dumps({"a": 1, f"x{number}": number})])
        assert found[f"x{number}"].tolist() == [number]
    assert len(found) <= messages.MOST_NAMES + 2


def test_import_is_lean():
    """Neither the import nor a source of dicts loads msgspec."""
    code = (
        "import rtlab as rt, sys\nwith rt.source() as s: s.emit({'a': 1})\n"
        "print('msgspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# The end, errors, drains


def test_both_ways_to_finish():
    """source.finish() and rt.finish(any node) flush, end the steps, and take nothing more."""
    for finish in (lambda source, _: source.finish(), lambda _, node: rt.finish(node)):
        source = rt.source()
        node = source.clean().tumbling("1h")
        seen = gathered(node)
        source.emit([event(1), event(2)])
        finish(source, node)
        assert whole(seen)["count"].tolist() == [2]
        source.finish()
        source.flush()
        for one in (event(3), [event(3)], pd.DataFrame([event(3)]), "{}"):
            with pytest.raises(StreamError, match=r"after finish.*rt\.source\(\)"):
                source.emit(one)
        assert len(seen) == 1
        source.wait(1)
        source.close()
    assert not source.downstreams


def test_advance_keeps_the_order():
    """rt.advance sends what waits first."""
    with rt.source(wait=None) as source:
        seen = gathered(source.clean().tumbling("1h", delay="1D"))
        source.emit(event(1))
        rt.advance(source, "2024-03-04T10:00Z")
        assert whole(seen)["count"].tolist() == [1]


def test_no_drain():
    """A source without an end is not drained, and says what to do."""
    with rt.source() as source, pytest.raises(StreamError, match=r"no end.*source\.finish"):
        source.clean().drain()


def fail(frame):
    """Fail on price 1."""
    if (frame.price == 1).any():
        raise OSError("the disk is gone")


def test_an_error_in_an_emit():
    """An error in a node reaches the emit that filled the batch; the other batches are kept."""
    source = rt.source(rows=2, wait=None)
    seen = gathered(source)
    source.map(fail).sink(id)
    with pytest.raises(OSError, match="disk"):
        source.emit([event(number) for number in range(7)])  # price 1 is in the third batch
    source.finish()
    assert whole(seen).price.tolist() == [number / 4 for number in range(7)]
    source.close()


@pytest.mark.parametrize("way", ["emit", "flush", "finish", "advance", "wait", "close"])
def test_an_error_by_the_clock(way):
    """An error in a timed flush is kept, and raised once by whatever comes next."""
    source = rt.source(wait="1ms")
    source.map(fail).sink(id)
    source.emit(event(4))
    until = time.monotonic() + 10
    while source.error is None and time.monotonic() < until:
        time.sleep(0.001)
    calls = {
        "emit": lambda: source.emit(event(5)), "flush": source.flush, "finish": source.finish,
        "advance": lambda: rt.advance(source, START), "close": source.close,
        "wait": lambda: (source.close(), source.wait()),
    }  # fmt: skip
    with pytest.raises(OSError, match="disk"):
        calls[way]()
    source.close()
    assert isinstance(source.error, OSError)
    assert not source.downstreams


def test_nodes_with_an_event_loop():
    """Behind a node that has an event loop of its own everything arrives too."""
    with rt.source(rows=2, wait="5ms") as source:
        good = source.clean().buffer(10)
        rows, seen = gathered(good), gathered(good.tumbling("1h", delay="0s"))
        source.emit([event(number) for number in range(0, 300, 3)])
        source.flush()
        until = time.monotonic() + 10
        while sum(map(len, rows)) < 100 and time.monotonic() < until:
            time.sleep(0.01)
        source.finish()
    assert whole(seen)["count"].tolist() == [20] * 5


def test_an_event_beside_an_error_does_not_wait_for_ever():
    """The emit that raises an earlier error has taken its event, and the clock sends it."""
    with rt.source(wait="1ms") as source:
        seen = gathered(source)
        source.map(fail).sink(id)
        source.emit(event(4))
        until = time.monotonic() + 10
        while source.error is None and time.monotonic() < until:
            time.sleep(0.001)
        with pytest.raises(OSError, match="disk"):
            source.emit(event(5))
        while len(seen) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        assert whole(seen).price.tolist() == [1, 1.25]


def test_a_sink_that_emits():
    """A result may go into another source, and back into the same one."""
    with rt.source(rows=1, wait=None) as source, rt.source(rows=1, wait=None) as other:
        seen = gathered(other)
        source.sink(lambda frame: other.emit({"n": len(frame)}))
        source.sink(lambda frame: source.emit({"a": 0}) if frame.a[0] else None)
        source.emit({"a": 1})
    assert len(seen) == 2


# Silence


class Clock:
    """A wall clock that a test moves."""

    now = 0.0

    def __call__(self):
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Give a clock that all sources look at."""
    clock = Clock()
    monkeypatch.setattr(Source, "clock", clock)
    return clock


def test_silence_closes_windows(clock):
    """After a silence the watermark follows the clock, idle behind, from the newest event."""
    source = rt.source(wait=None, idle="1min")
    seen = gathered(source.clean().tumbling("1h", delay="10min"))
    source.emit([event(59), event(2), event(3, purchase_time="2099-01-01T00:00Z")])
    source.flush()
    for now, expected in ((60.0, 0), (119.0, 0), (120.5, 1), (4000.0, 1)):
        clock.now = now
        source.tick()
        assert len(seen) == expected, now
    source.emit(event(4))  # it comes too late
    source.finish()
    assert whole(seen)["count"].tolist() == [2]
    source.close()


def test_silence_is_seen_by_itself(clock):
    """The thread of the source looks at the clock, also without a wait."""
    with rt.source(wait=None, idle="1min") as source:
        seen = gathered(source.clean().tumbling("1h", delay="10min"))
        source.emit(event(59))
        source.flush()
        clock.now = 300.0
        until = time.monotonic() + 10
        while not seen and time.monotonic() < until:
            time.sleep(0.005)
        assert whole(seen)["count"].tolist() == [1]


def test_a_replay_falls_silent():
    """In a gap between the events of a live replay windows close, at the replay's speed."""
    frame = pd.DataFrame([event(0), event(50), event(500)])
    late = []
    with rt.replay(frame, rows=1, speed=2400, idle="100ms") as source:
        node = source.clean().tumbling("1h", delay="1h")
        assert len(node.drain()) == 2
        seen = []
        node.sink(lambda windows: seen.append((source.sent, len(windows))))
        node.late.sink(late.append)
        source.start()
        source.wait(60)
    assert seen[0] == (3, 1)  # the third is in hand, and waits for its time
    assert [len(one) for one in late] == [0]
