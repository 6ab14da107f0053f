"""The bad input of real logs, sentence by sentence: what is kept, what is set aside, and why."""

import math
import re

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.errors import DataError, MissingColumnError, ParameterError, RtlabError, StreamError

GOOD = {
    "event_id": "e1",
    "user_id": 1,
    "product_id": 7,
    "purchase_time": "2024-03-04T09:30+08:00",
    "quantity": 2,
    "price": 250,
}


def reason(**changed):
    """Clean one event among good ones; give the reason against it, or None."""
    good, rejected = rt.clean([GOOD, GOOD | changed, GOOD])
    assert len(good) + len(rejected) == 3
    assert len(rejected) <= 1
    return None if rejected.empty else rejected.reason.iloc[0]


@pytest.mark.parametrize("name", ["user_id", "product_id", "purchase_time", "quantity", "price"])
@pytest.mark.parametrize("value", [None, math.nan, pd.NaT, "", "  "])
def test_missing_values(name, value):
    """A missing value in a column that counts is rejected, and the column is named."""
    assert reason(**{name: value}) == f"missing {name}"


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1, 2), object()])
@pytest.mark.parametrize("name", ["user_id", "product_id", "purchase_time", "quantity", "price"])
def test_wrong_types(name, value):
    """A list, a dict or an object in a cell is unreadable; the rows around it are kept."""
    assert reason(**{name: value}) == f"unreadable {name}"


@pytest.mark.parametrize("value", ["three", "1,5", "1_0", "0x10", "١٢", True, False, b"2"])
@pytest.mark.parametrize("name", ["quantity", "price"])
def test_no_numbers(name, value):
    """What pandas or Python might take for a number, and a person would not, is unreadable."""
    assert reason(**{name: value}) == f"unreadable {name}"


@pytest.mark.parametrize("value", [math.inf, -math.inf, "inf", "-Infinity", np.float32("inf")])
@pytest.mark.parametrize("name", ["quantity", "price"])
def test_infinities(name, value):
    """An infinite number is rejected, so that it cannot spoil sums."""
    assert reason(**{name: value}) == f"infinite {name}"


def test_infinite_totals():
    """A sum over rows among which infinities came is finite."""
    events = [GOOD, GOOD | {"price": math.inf}, GOOD | {"price": 1e308, "quantity": 100}]
    good, rejected = rt.clean(events)
    assert good.amount.sum() == 500
    assert rejected.reason.tolist() == ["infinite price", "amount out of range"]


@pytest.mark.parametrize("value", [0, 0.0, -0.0, "0", "0.00"])
def test_zero_quantity(value):
    """Zero pieces are no purchase."""
    assert reason(quantity=value) == "zero quantity"


def test_negative_quantity():
    """A return is kept and marked, its amount negative; a policy can reject it."""
    good, rejected = rt.clean([GOOD, GOOD | {"quantity": -2}])
    assert good.amount.tolist() == [500, -500]
    assert good.is_return.tolist() == [False, True]
    assert rejected.empty
    good, rejected = rt.clean([GOOD, GOOD | {"quantity": -2}], returns="reject")
    assert rejected.reason.tolist() == ["return"]


def test_negative_and_zero_price():
    """A negative price is rejected; a present costs nothing and is kept."""
    assert reason(price=-1) == "negative price"
    assert reason(price=0) is None


@pytest.mark.parametrize("name", ["user_id", "product_id", "purchase_time"])
def test_missing_columns(name):
    """A column that is not there ends the run at once, naming it, what is there, and the way."""
    event = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(MissingColumnError, match=f"'{name}' is missing; the data has .*rename"):
        rt.clean([event])
    with pytest.raises(MissingColumnError, match=name):
        rt.replay(pd.DataFrame([event])).clean().drain()


def test_a_dict_without_a_key_among_others():
    """One event without a key is one bad row, not a missing column."""
    event = {key: value for key, value in GOOD.items() if key != "user_id"}
    good, rejected = rt.clean([GOOD, event])
    assert (len(good), rejected.reason.tolist()) == (1, ["missing user_id"])


def test_an_event_of_2099():
    """An event dated 2099 is rejected as future, and closes no window: nothing becomes late."""
    times = pd.date_range("2024-03-04T09:00", periods=40, freq="7min", tz="UTC")
    events = [GOOD | {"purchase_time": time.isoformat()} for time in times]
    far = GOOD | {"purchase_time": "2099-01-01T00:00:00Z"}
    frame = pd.DataFrame([*events[:15], far, *events[15:]])
    good = rt.replay(frame, rows=4).clean()
    windows = good.tumbling("1h", {"n": "count"}, delay="10min", fill=0)
    found, late, rejected = rt.drain(windows, windows.late, good.rejected)
    expected = rt.tumbling(rt.clean(events).good, "1h", {"n": "count"}, fill=0).windows
    pd.testing.assert_frame_equal(found, expected, check_freq=False)
    assert late.empty
    assert rejected.reason.tolist() == ["purchase_time in the future"]
    assert rejected.event_id.tolist() == ["e1"]
    whole = rt.clean(frame)
    assert whole.rejected.reason.tolist() == ["purchase_time in the future"]
    live, seen = rt.replay(frame, rows=4), []
    with live:
        live.clean().tumbling("1h", {"n": "count"}, delay="10min", fill=0).sink(seen.append)
        live.start()
        live.wait(20)
    pd.testing.assert_frame_equal(pd.concat(seen), expected, check_freq=False)


def test_the_users_own_bound_on_time():
    """A user's not_after takes the place of tomorrow."""
    event = [GOOD | {"purchase_time": "2099-01-01T00:00Z"}]
    assert len(rt.clean(event, not_after="2100-01-01T00:00Z").good) == 1
    assert len(rt.replay(pd.DataFrame(event), not_after="2100-01-01T00:00Z").clean().drain()) == 1
    assert len(rt.clean([GOOD], not_after="2024-03-04T01:29Z").rejected) == 1
    assert len(rt.clean([GOOD], not_after="2024-03-04T01:30Z").good) == 1


def test_naive_times_among_zoned_ones():
    """Naive rows among zoned ones are rejected one by one, or read in the zone that is named."""
    naive = GOOD | {"purchase_time": "2024-03-04T09:30"}
    good, rejected = rt.clean([GOOD, naive])
    assert (len(good), rejected.reason.tolist()) == (1, ["purchase_time without a zone"])
    good = rt.clean([GOOD, naive], tz="Asia/Shanghai").good
    assert good.purchase_time.iloc[0] == good.purchase_time.iloc[1]
    good = rt.clean([GOOD, naive], tz="UTC").good
    assert good.purchase_time.diff().iloc[1] == pd.Timedelta("8h")
    stamps = [pd.Timestamp("2024-03-04T09:30"), pd.Timestamp("2024-03-04T09:30", tz="Asia/Tokyo")]
    good, rejected = rt.clean([GOOD | {"purchase_time": one} for one in stamps])
    assert (len(good), len(rejected)) == (1, 1)


def test_a_whole_column_of_naive_times():
    """Where no time has a zone, the run ends with one sentence that says what to add."""
    frame = pd.DataFrame([GOOD]).assign(purchase_time=pd.Timestamp("2024-03-04T09:30"))
    with pytest.raises(DataError, match=r"'purchase_time' have no zone.*clean\(tz="):
        rt.clean(frame)
    with pytest.raises(DataError, match="no zone"):
        rt.replay(frame).clean().drain()


@pytest.mark.parametrize(
    "time",
    ["yesterday", "2024-02-30T00:00Z", "04/03/2024 09:30", "2024-03-04T25:00Z", "0", 0, 7.5],
)
def test_unreadable_times(time):
    """A time that is none, or could be two, is not guessed."""
    assert reason(purchase_time=time) in (
        "unreadable purchase_time", "purchase_time without a zone",
    )  # fmt: skip


NAMES = ["李雷", "שרה", "نور", "Zoë", "Zoe\u0308", "🛒", "\u202eevil", "a\x00b", "O'Brien; --"]


def test_names_of_any_script():
    """Names in any script, and in any direction, are keys like others and come back unchanged."""
    events = [GOOD | {"user_id": name, "product_id": name} for name in NAMES for _ in range(2)]
    frame = pd.DataFrame(events)
    for rows in (1, 5, 100):
        found = rt.replay(frame, rows=rows).clean().tumbling("1h", by="user_id").drain()
        assert sorted(found.user_id) == sorted(NAMES)
        assert found["count"].eq(2).all()
        assert found.user_id.tolist() == sorted(NAMES)


def test_columns_of_any_script():
    """Columns named in any script can be keys, and pass through."""
    frame = pd.DataFrame([GOOD | {"部門": "茶", "הערה": "x"}])
    good = rt.clean(frame).good
    assert good["הערה"].tolist() == ["x"]
    assert rt.tumbling(good, "1h", by="部門").windows["部門"].tolist() == ["茶"]


def test_identical_rows_are_both_true():
    """Two rows that look alike are two purchases: nothing is dropped by content."""
    event = {key: value for key, value in GOOD.items() if key != "event_id"}
    good = rt.clean([event, event, event]).good
    assert good.amount.sum() == 1500
    twice = [event | {"event_id": number} for number in range(3)]
    assert len(rt.dedupe(rt.clean(twice).good).good) == 3


def test_a_redelivered_event_is_dropped_once():
    """An event that is delivered again counts once; the second delivery is set aside."""
    frame = pd.DataFrame([GOOD, GOOD | {"event_id": "e2"}, GOOD, GOOD])
    for rows in (1, 2, 9):
        deduped = rt.replay(frame, rows=rows).clean().dedupe()
        good, duplicate = rt.drain(deduped, deduped.duplicate)
        assert good.event_id.tolist() == ["e1", "e2"]
        assert duplicate.event_id.tolist() == ["e1", "e1"]


def test_every_row_is_accounted_for():
    """In = used + rejected + duplicate + late, through the whole chain."""
    times = [
        "2024-03-04T09:30Z",
        "2024-03-04T12:30Z",
        "2024-03-04T09:31Z",
        "bad",
        "2099-01-01T00:00Z",
    ]
    events = [
        GOOD | {"event_id": number % 7, "purchase_time": times[number % 5]} for number in range(50)
    ]
    source = rt.replay(pd.DataFrame(events), rows=3)
    good = source.clean()
    deduped = good.dedupe(horizon="2D")
    windows = deduped.tumbling("1h", {"n": "count"}, delay="1h")
    parts = rt.drain(windows, good.rejected, deduped.duplicate, windows.late)
    assert parts[0].n.sum() + sum(map(len, parts[1:])) == 50
    assert all(map(len, parts))


@pytest.mark.parametrize("data", [None, 7, "text", [1, 2], [GOOD, "x"], {"a": 1}.keys()])
def test_what_is_no_batch(data):
    """Something that is no frame and no event is refused by the name of its type."""
    with pytest.raises(DataError, match=f"{type(data).__name__}.*DataFrame"):
        rt.clean(data)


@pytest.mark.parametrize("data", [None, 7, {"a": 1}])
def test_what_cannot_be_replayed(data):
    """replay names what it takes."""
    with pytest.raises(DataError, match=f"{type(data).__name__}.*DataFrame"):
        rt.replay(data)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"rows": 0}, "rows=0.*at least 1"),
        ({"rows": -5}, "rows=-5"),
        ({"rows": 2.5}, "rows=2.5"),
        ({"rows": "many"}, "rows='many'"),
        ({"speed": 0}, "speed=0.*3600"),
        ({"speed": -1}, "speed=-1"),
        ({"speed": "fast"}, "speed='fast'"),
        ({"speed": "-1h"}, "speed='-1h'.*'1h'"),
        ({"speed": math.nan}, "speed=nan"),
        ({"not_after": "2024-01-01"}, "not_after.*zone"),
    ],
)
def test_replay_parameters(parameters, words):
    """A number of rows and a speed are positive."""
    with pytest.raises(ParameterError, match=words):
        rt.replay(pd.DataFrame([GOOD]), **parameters)


def test_empty_data():
    """Nothing in, nothing out, and no error: no rows, no columns, no events."""
    for nothing in (pd.DataFrame(), [], pd.DataFrame(columns=list(GOOD))):
        good, rejected = rt.clean(nothing)
        assert len(good) == len(rejected) == 0
        assert len(rt.replay(pd.DataFrame(nothing)).clean().tumbling("1h").drain()) == 0


def test_columns_twice():
    """Two columns of one name are refused, not mixed up."""
    frame = pd.DataFrame([[1, 2, 7, GOOD["purchase_time"]]])
    frame.columns = ["user_id", "user_id", "product_id", "purchase_time"]
    with pytest.raises(DataError, match="'user_id' twice"):
        rt.clean(frame)


def test_every_error_has_a_remedy():
    """Each error is one sentence of at most three lines, rooted in RtlabError, with a remedy."""
    frame = pd.DataFrame([GOOD])
    tries = [
        lambda: rt.clean(frame, tz="Moon"),
        lambda: rt.clean(frame.drop(columns="user_id")),
        lambda: rt.clean(frame.assign(purchase_time=7)),
        lambda: rt.tumbling(frame, "1h"),
        lambda: rt.tumbling(rt.clean(frame).good, 0),
        lambda: rt.count_window(frame, rows=0),
        lambda: rt.dedupe(frame.drop(columns="event_id")),
        lambda: rt.keep(frame, 7),
        lambda: rt.replay(frame, rows=0),
        rt.drain,
    ]
    for attempt in tries:
        with pytest.raises(RtlabError) as raised:
            attempt()
        words = str(raised.value)
        assert re.search(r"[;:] ", words), words
        assert len(words) < 300
        assert isinstance(raised.value, (ValueError, KeyError, StreamError))


def test_a_mistyped_parameter_names_the_function():
    """The message has the name that was called, and lists what it takes; on a stream too."""
    revenue = pd.Series([1.0, 2.0])
    says = r"difference\(\): .*'lags'.*; its parameters are order, lag"
    with pytest.raises(TypeError, match=says):
        rt.difference(revenue, lags=2)
    with pytest.raises(TypeError, match=says):
        rt.replay(revenue).difference(lags=2)
    with pytest.raises(TypeError, match=r"moving_average\(\): missing .*'window'"):
        rt.moving_average(revenue)
