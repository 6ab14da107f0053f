"""Windows against loops that take one event after the other, pandas, and the civil calendar."""

import math

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import events
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab import keys
from rtlab.errors import DataError, MissingColumnError, ParameterError

FUNCTIONS = ("count", "sum", "mean", "min", "max", "first", "last")
AGG = {"rows": "count"} | {name: ("amount", name) for name in FUNCTIONS}


def plain(value):
    """Give a key as a plain value, None where it is missing."""
    return None if pd.isna(value) else value


def keys_of(frame, by):
    """Give each row's key as a tuple."""
    columns = [frame[name].map(plain, na_action=None).tolist() for name in by]
    columns = [[plain(one) for one in column] for column in columns]
    return list(zip(*columns, strict=True)) if by else [()] * len(frame)


def position(key):
    """Order keys: a missing one is last."""
    return [(one is None, "" if one is None else one) for one in key]


def total(values):
    """Add values one after the other, as an accumulator does."""
    found = 0
    for value in values:
        found += value
    return found


def answer(values, scale):
    """Aggregate a window's amounts by hand, in the order of AGG."""
    known = [value for value in values if not math.isnan(value)]
    mean = total(known) / len(known)
    approx = [pytest.approx(one, rel=0, abs=1e-12 * scale) for one in (total(known), mean)]
    return [len(values), len(known), *approx, min(known), max(known), known[0], known[-1]]


@given(st.data())
@examples(60)
def test_tumbling_equals_the_loop(data):
    """Every window, its aggregates, its order and every late row are those of the slow loop."""
    frame = data.draw(events().filter(len))
    by = data.draw(st.sampled_from([(), ("product_id",), ("user_id", "product_id")]))
    size = data.draw(st.sampled_from(["10min", "1h", "3h"]))
    delay = data.draw(st.sampled_from([None, "0s", "7min", "2h"]))
    scale = frame.amount.abs().max()
    floor = lambda time: (time.floor(size), time.floor(size) + pd.Timedelta(size))  # noqa: E731
    stream = zip(frame.purchase_time, keys_of(frame, by), strict=True)
    held, late = naive.windows(stream, floor, None if delay is None else pd.Timedelta(delay))
    found = rt.tumbling(frame, size, AGG, by=list(by), delay=delay)
    pd.testing.assert_frame_equal(found.late, frame.iloc[late].reset_index(drop=True))
    due = sorted(held, key=lambda group: (group[1], group[0], position(group[2])))
    windows = found.windows
    assert list(zip(windows.index, windows.end, keys_of(windows, by), strict=True)) == due
    for row, group in zip(windows[list(AGG)].to_numpy().tolist(), due, strict=True):
        assert row == answer(frame.amount.iloc[held[group]].tolist(), scale)


@given(st.data())
@examples(40)
def test_fill_gives_every_window(data):
    """With fill each key has every window from its first to the last; the others are as before."""
    frame = data.draw(events().filter(len))
    by = data.draw(st.sampled_from([None, "product_id"]))
    delay = data.draw(st.sampled_from([None, "7min"]))
    agg = {"revenue": ("amount", "sum"), "n": "count"}
    bare, late = rt.tumbling(frame, "1h", agg, by=by, delay=delay)
    filled = rt.tumbling(frame, "1h", agg, by=by, delay=delay, fill=-7)
    pd.testing.assert_frame_equal(filled.late, late)
    some = filled.windows[filled.windows.n > 0]
    pd.testing.assert_frame_equal(some, bare, check_freq=False)
    none = filled.windows[filled.windows.n == 0]
    assert (none.revenue == -7).all()
    last = bare.index.max()
    names = [plain(one) or "none" for one in bare[by]] if by else ["all"] * len(bare)
    expected = sum(
        (last - own.index.min()) // pd.Timedelta("1h") + 1
        for _, own in bare.groupby(np.array(names, object))
    )
    assert len(filled.windows) == expected


def test_tumbling_equals_resample():
    """A month of hours agrees with pandas' resample, empty hours and all."""
    rng = np.random.default_rng(3)
    time = pd.Timestamp("2024-02-01", tz="UTC") + pd.to_timedelta(
        rng.integers(0, 29 * 86_400, 500), unit="s"
    )
    frame = pd.DataFrame({"purchase_time": time, "amount": rng.integers(1, 900, 500)})
    found = rt.tumbling(frame, "1h", {"revenue": ("amount", "sum")}, fill=0).windows
    expected = frame.set_index("purchase_time").amount.resample("1h").sum()
    assert found.revenue.tolist() == expected.tolist()
    assert (found.index == expected.index).all()
    assert (found.end - found.index == pd.Timedelta("1h")).all()


def test_tumbling_equals_groupby():
    """Sums, means, extremes by two keys agree with pandas' groupby, missing keys included."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "purchase_time": pd.Timestamp("2024-02-01", tz="UTC")
            + pd.to_timedelta(rng.integers(0, 6 * 3600, 900), unit="s"),
            "user_id": rng.choice([1.0, 2.0, np.nan], 900),
            "product_id": rng.choice(["שרה", "李雷", "ana"], 900),
            "amount": rng.choice([0.5, 2.25, np.nan, -3.0], 900),
        }
    )
    by = ["product_id", "user_id"]
    found = rt.tumbling(frame, "1h", AGG, by=by).windows
    hours = frame.purchase_time.dt.floor("1h").rename("start")
    grouped = frame.groupby([hours, *by], dropna=False).amount
    expected = grouped.agg([name for name in FUNCTIONS if name != "count"])
    found = found.reset_index().set_index(["start", *by])
    assert found["count"].tolist() == grouped.count().tolist()
    assert found["rows"].tolist() == grouped.size().tolist()
    pd.testing.assert_frame_equal(
        found[expected.columns], expected, check_index_type=False, check_dtype=False, rtol=1e-13
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25),
        ("America/New_York", "2024-07-04", 24),
        ("Australia/Lord_Howe", "2024-04-07", 24.5),
        ("Australia/Lord_Howe", "2024-10-06", 23.5),
        ("America/Havana", "2024-11-03", 25),  # its midnight comes twice
        ("America/Santiago", "2024-09-08", 23),  # its midnight does not come
        ("Asia/Kolkata", "2024-03-10", 24),
    ],
)
def test_civil_days(zone, day, hours):
    """A day lasts from midnight to midnight on the zone's clock, whatever the clocks do."""
    minutes = pd.date_range(f"{day} 00:00", periods=4 * 1440, freq="1min", tz="UTC")
    minutes = minutes - pd.Timedelta("36h")
    frame = pd.DataFrame({"purchase_time": minutes.as_unit("us")})
    found = rt.tumbling(frame, "1D", tz=zone).windows
    dates = pd.Series(minutes.tz_convert(zone).date).value_counts().sort_index()
    assert found["count"].tolist() == dates.tolist()
    assert [str(start.date()) for start in found.index] == [str(one) for one in dates.index]
    inside = found.loc[[str(start.date()) == day for start in found.index]]
    assert (inside.end - inside.index).tolist() == [pd.Timedelta(hours=hours)]
    assert str(found.index.tz) == zone


@pytest.mark.parametrize("offset", [None, "1h30min", "-30min", "9h"])
@pytest.mark.parametrize("size", ["2h", "1D", "7D"])
@pytest.mark.parametrize("day", ["2024-03-10", "2024-11-03"])
def test_rows_lie_in_their_windows(size, offset, day):
    """start ≤ time < end for every row, and windows touch, also while the clocks change."""
    minutes = pd.date_range(day, periods=48 * 4, freq="15min", tz="UTC").as_unit("us")
    frame = pd.DataFrame({"purchase_time": minutes, "minute": minutes.asi8})
    agg = {"low": ("minute", "min"), "high": ("minute", "max")}
    found = rt.tumbling(frame, size, agg, tz="America/New_York", offset=offset).windows
    start, end = found.index.as_unit("us").asi8, pd.DatetimeIndex(found.end).as_unit("us").asi8
    assert (start <= found.low).all()
    assert (found.high < end).all()
    assert (start[1:] == end[:-1]).all()


@pytest.mark.parametrize(
    ("zone", "minute"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("UTC", 0)]
)
def test_hours_follow_the_zones_clock(zone, minute):
    """An hour starts when the zone's clock shows a whole hour, wherever that lies in UTC."""
    time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z", "2024-03-04T11:05Z"])
    found = rt.tumbling(pd.DataFrame({"purchase_time": time}), "1h", tz=zone).windows
    assert {start.minute for start in found.index} == {0}
    assert {start.minute for start in found.index.tz_convert("UTC")} == {minute}


def test_weeks_from_monday():
    """An offset of four days makes weeks that start on Mondays."""
    time = pd.date_range("2024-01-01", periods=100, freq="1D", tz="UTC")
    found = rt.tumbling(pd.DataFrame({"purchase_time": time}), "7D", offset="4D").windows
    assert set(found.index.day_of_week) == {0}
    assert found["count"].iloc[:-1].eq(7).all()


def test_windows_before_1970():
    """Windows around the epoch, whose numbers are negative and zero, close like any other."""
    time = pd.to_datetime(
        ["1970-01-01T00:30Z", "1969-12-31T22:30Z", "1969-12-31T23:59Z", "1969-12-31T20:00Z"]
    )
    frame = pd.DataFrame({"purchase_time": time})
    assert rt.tumbling(frame, "1h", fill=0).windows["count"].tolist() == [1, 0, 1, 1, 1]
    live = rt.replay(frame, rows=1).tumbling("1h", fill=0).drain()
    assert live["count"].tolist() == [1, 0, 1, 1, 1]


def test_half_open():
    """An event on the edge belongs to the window that starts there."""
    time = pd.to_datetime(
        ["2024-03-04T10:00:00.0Z", "2024-03-04T09:59:59.999999Z"], format="ISO8601"
    )
    found = rt.tumbling(pd.DataFrame({"purchase_time": time}), "1h").windows
    assert found["count"].tolist() == [1, 1]


def test_closes_when_the_end_meets_the_watermark():
    """A window closes as its end ≤ the largest time less the delay, not an instant earlier."""
    step = rt.steps.Tumbling("1h", delay="5min")
    state = step.initial()

    def closed(time):
        frame = pd.DataFrame({"purchase_time": pd.to_datetime([time])})
        return len(step.update(state, frame)["windows"])

    assert closed("2024-03-04T09:10Z") == 0
    assert closed("2024-03-04T10:04:59.999999Z") == 0
    assert closed("2024-03-04T10:05:00Z") == 1


def test_late_within_one_batch():
    """The watermark moves event by event, so a row can be late to a row of its own batch."""
    time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T11:00Z", "2024-03-04T09:20Z"])
    found = rt.tumbling(pd.DataFrame({"purchase_time": time}), "1h", delay="30min")
    assert found.late.purchase_time.tolist() == [time[2]]
    assert found.windows["count"].tolist() == [1, 1]


def test_advance_closes_windows():
    """A source that knows that nothing older comes closes windows without an event."""
    step = rt.steps.Tumbling("1h", delay="1D")
    state = step.initial()
    time = pd.to_datetime(["2024-03-04T09:10Z"])
    step.update(state, pd.DataFrame({"purchase_time": time}))
    assert len(step.advance(state, time.as_unit("us").asi8[0])["windows"]) == 0
    ten = pd.Timestamp("2024-03-04T10:00Z").as_unit("us")._value
    assert len(step.advance(state, ten)["windows"]) == 1
    late = step.update(state, pd.DataFrame({"purchase_time": time}))["late"]
    assert len(late) == 1


@given(st.data())
@examples(40)
def test_rows_are_accounted_for(data):
    """Windows' counts and late rows add up to the rows that came in."""
    frame = data.draw(events())
    delay = data.draw(st.sampled_from([None, "0s", "30min"]))
    by = data.draw(st.sampled_from([None, "user_id", ["product_id", "user_id"]]))
    found = rt.tumbling(
        frame, "1h", by=by, delay=delay, fill=data.draw(st.sampled_from([None, 0]))
    )
    assert found.windows["count"].sum() + len(found.late) == len(frame)
    assert rt.count_window(frame, rows=4, by=by)["count"].sum() == len(frame)


@given(st.data())
@examples(40)
def test_count_windows_equal_the_loop(data):
    """Windows of a number of events are those of the slow loop, in the order of filling."""
    frame = data.draw(events().filter(len))
    by = data.draw(st.sampled_from([(), ("product_id",), ("user_id", "product_id")]))
    size = data.draw(st.integers(1, 5))
    partial = data.draw(st.booleans())
    full, rest = naive.counted(keys_of(frame, by), size)
    expected = full + sorted(rest.items(), key=lambda one: position(one[0])) * partial
    found = rt.count_window(frame, size, AGG, by=list(by), partial=partial)
    assert len(found) == len(expected)
    rows = found[list(AGG)].to_numpy().tolist()
    scale = frame.amount.abs().max()
    for start, end, key, row, (name, places) in zip(
        found.index, found.end, keys_of(found, by), rows, expected, strict=True
    ):
        own = frame.iloc[places]
        assert (start, end, key) == (own.purchase_time.min(), own.purchase_time.max(), name)
        assert row == answer(own.amount.tolist(), scale)


def test_keys_of_mixed_types():
    """Numbers stand before text, 1 is not "1", and a missing key is a group of its own, last."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * 7)
    keys = pd.Series(["b", 2, None, "1", 1, "שרה", 10], dtype=object)
    frame = pd.DataFrame({"purchase_time": time, "key": keys})
    found = rt.tumbling(frame, "1h", by="key").windows
    assert found.key.iloc[:-1].tolist() == [1, 2, 10, "1", "b", "שרה"]
    assert pd.isna(found.key.iloc[-1])
    live = rt.replay(frame, rows=1).tumbling("1h", by="key").drain()
    assert live.key.iloc[:-1].tolist() == [1, 2, 10, "1", "b", "שרה"]


@pytest.mark.parametrize("dtype", ["category", "Int64", "string", "float32", "bool", "uint8"])
def test_keys_keep_their_type(dtype):
    """Keys come back in the column's own type, from one batch or from many."""
    values = [0, 1, 1, 0] if dtype in ("bool", "uint8", "Int64", "float32") else list("abba")
    time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T10:50Z"] * 2)
    frame = pd.DataFrame({"purchase_time": time, "key": pd.Series(values, dtype=dtype)})
    for rows in (1, 4):
        found = rt.replay(frame, rows=rows).tumbling("1h", by="key").drain()
        assert found.key.dtype == frame.key.dtype
        assert found["count"].tolist() == [1, 1, 1, 1]


def test_nullable_numbers_are_summed():
    """pandas' nullable integers are added up; their missing values are left out."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * 3)
    amount = pd.Series([1, None, 5], dtype="Int64")
    frame = pd.DataFrame({"purchase_time": time, "amount": amount})
    agg = {"sum": ("amount", "sum"), "n": ("amount", "count")}
    assert rt.tumbling(frame, "1h", agg).windows[["sum", "n"]].to_numpy().tolist() == [[6, 2]]


def test_whole_numbers_stay_exact():
    """Sums of integers beyond 2**53 keep their last digit."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * 3)
    frame = pd.DataFrame({"purchase_time": time, "amount": [2**53, 1, 1]})
    found = rt.tumbling(frame, "1h", {"sum": ("amount", "sum")}).windows
    assert found["sum"].tolist() == [2**53 + 2]


def test_state_forgets_closed_keys():
    """The state holds the keys of open windows, not all that ever came."""
    time = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(40_000), unit="min")
    frame = pd.DataFrame({"purchase_time": time.as_unit("us"), "key": np.arange(40_000)})
    step = rt.steps.Tumbling("1h", by="key", delay="0s")
    state = step.initial()
    counted = 0
    for first in range(0, len(frame), 500):
        counted += step.update(state, frame.iloc[first : first + 500])["windows"]["count"].sum()
        assert keys.size(state["keys"]) < 3000
        assert len(state["groups"]["window"]) < 3000
    assert counted + step.finish(state)["windows"]["count"].sum() == len(frame)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"size": 0}, "size=0"),
        ({"size": "-1h"}, "positive"),
        ({"size": "soon"}, "5min"),
        ({"size": "1h", "delay": "-1s"}, "delay"),
        ({"size": "1h", "tz": "Mars/Olympus"}, "IANA"),
        ({"size": "90min", "tz": "Europe/Paris"}, "whole hours"),
        ({"size": "1h", "agg": {}}, "name at least one"),
        ({"size": "1h", "agg": "sum"}, "agg='sum': give a dict"),
        ({"size": "1h", "agg": {"m": ("amount", "mode")}}, "function of"),
        ({"size": "1h", "agg": {"m": "sum"}}, r"\(column, function\)"),
        ({"size": "1h", "agg": {"m": ("amount",)}}, r"\(column, function\)"),
        ({"size": "1h", "agg": {"end": "count"}}, "end"),
        ({"size": "1h", "agg": {"product_id": "count"}, "by": "product_id"}, "product_id"),
        ({"size": "1h", "fill": "no"}, "fill"),
        ({"size": "1h", "fill": [0]}, "fill"),
        ({"size": "1h", "by": 7}, "by"),
        ({"size": "1h", "agg": {1: "count"}}, "name of text"),
        ({"size": "1h", "agg": {"q": ("amount", "quantile", 2)}}, "between 0 and 1"),
        ({"size": "1h", "agg": {"q": ("amount", "quantile")}}, "has a share"),
        ({"size": "1h", "lateness": "-1s"}, "lateness"),
    ],
)
def test_wrong_parameters(parameters, words):
    """A parameter that breaks a rule is refused, with the rule and a remedy."""
    with pytest.raises(ParameterError, match=words):
        rt.steps.Tumbling(**parameters)


@pytest.mark.parametrize("rows", [0, -1, 2.5, "3", None, True, 10**30])
def test_wrong_count(rows):
    """A window of a number of events needs a whole number, at least 1."""
    with pytest.raises(ParameterError, match="at least 1 row"):
        rt.steps.CountWindow(rows)


def test_unusable_data():
    """Naive times, missing times, text to sum, lists as keys, and absent columns are named."""
    time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T09:50Z"])
    good = pd.DataFrame({"purchase_time": time, "amount": ["1", "2"], "tags": [["a"], ["b"]]})
    with pytest.raises(DataError, match=r"run clean\(tz="):
        rt.tumbling(good.assign(purchase_time=time.tz_localize(None)), "1h")
    with pytest.raises(DataError, match="lacks 1 times"):
        rt.tumbling(good.assign(purchase_time=[time[0], pd.NaT]), "1h")
    with pytest.raises(DataError, match="lacks 1 times"):
        rt.count_window(good.assign(purchase_time=[time[0], pd.NaT]), 2)
    with pytest.raises(DataError, match="only numbers"):
        rt.tumbling(good, "1h", {"sum": ("amount", "sum")})
    with pytest.raises(DataError, match="'tags'.*lists"):
        rt.tumbling(good, "1h", by="tags")
    with pytest.raises(MissingColumnError, match="'shop'.*purchase_time, amount"):
        rt.tumbling(good, "1h", by="shop")


def test_fill_has_a_bound():
    """A time far away does not make millions of empty windows; the message says what to do."""
    time = pd.to_datetime(["2024-03-04T09:10Z", "2099-01-01T00:00Z"])
    with pytest.raises(DataError, match=r"clean\(not_after"):
        rt.tumbling(pd.DataFrame({"purchase_time": time}), "1s", fill=0)


@given(
    st.lists(st.decimals(-99_999, 99_999, places=3), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_decimals_are_added_as_written(prices, cut):
    """A sum of written decimals is the double nearest to their exact sum, also around 1e16."""
    times = pd.to_datetime(["2024-03-04T09:10Z"] * (len(prices) + 2))
    amount = [float(price) for price in prices]
    amount[cut:cut] = [1e16]
    frame = pd.DataFrame({"purchase_time": times, "amount": [*amount, -1e16]})
    found = rt.tumbling(frame, "1h", {"sum": ("amount", "sum")}).windows["sum"]
    assert found.tolist() == [float(sum(prices))]


def test_what_is_held_is_the_steps_own():
    """A caller who uses a frame's memory again changes no answer."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * 3)
    amount = np.array([5, 1, 3])
    frame = pd.DataFrame({"purchase_time": time, "amount": amount}, copy=False)
    agg = {"median": ("amount", "median"), "own": lambda rows: rows["amount"].sum()}
    step = rt.steps.Tumbling("1h", agg)
    state = step.initial()
    step.update(state, frame)
    amount[:] = -1
    found = step.finish(state)["windows"].frame()
    assert found[["median", "own"]].to_numpy().tolist() == [[3, 9]]


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([2**62, 2**62, -(2**62)], 2**62),
        ([2**62, 2**62], 2.0**63),
        ([-(2**63), 2**63 - 1, 7], 6),
        ([2**40, 3, -(2**40), 2**31], 2**31 + 3),
        (np.array([2**64 - 1, 1], np.uint64), 2.0**64),
    ],
)
@pytest.mark.parametrize("rows", [1, 3])
def test_whole_sums_do_not_wrap(values, total, rows):
    """Sums beyond 64 bits are doubles, and those that come back are exact."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * len(values))
    frame = pd.DataFrame({"purchase_time": time, "amount": values})
    node = rt.replay(frame, rows=rows).tumbling("1h", {"sum": ("amount", "sum")})
    assert node.drain()["sum"].tolist() == [total]


@pytest.mark.parametrize(
    ("step", "count"),
    [
        (rt.steps.Tumbling("1h", delay="0s", lateness="1D"), "count"),
        (rt.steps.Sliding("1h", "30min", lateness="1D"), "count"),
        (rt.steps.Session("10min", lateness="1D"), "count"),
        (rt.steps.CountWindow(4, slide=2), "count"),
    ],
)
def test_after_the_end_steps_begin_anew(step, count):
    """A second end gives nothing again, and rows that come after the first one are answered."""
    frame = pd.DataFrame({"purchase_time": pd.to_datetime(["2024-03-04T09:50Z"] * 3)})
    state = step.initial()
    step.update(state, frame)
    first = step.finish(state)[step.outputs[0]].frame()
    assert len(step.finish(state)[step.outputs[0]]) == 0
    step.update(state, frame)
    again = step.finish(state)[step.outputs[0]].frame()
    assert again[count].tolist() == first[count].tolist() != []


def test_fill_keeps_types():
    """Whole numbers stay whole beside empty windows, and text and times are filled too."""
    time = pd.to_datetime(["2024-03-04T09:10Z", "2024-03-04T11:10Z"])
    frame = pd.DataFrame({"purchase_time": time, "amount": [2**62 + 1, 7], "who": ["ana", "bo"]})
    agg = {
        "most": ("amount", "max"),
        "who": ("who", "last"),
        "word": lambda rows: rows["who"].max(),
    }
    found = rt.tumbling(frame, "1h", agg, fill=0).windows
    assert found["most"].tolist() == [2**62 + 1, 0, 7]
    assert found["who"].tolist() == found["word"].tolist() == ["ana", 0, "bo"]


def test_errors_of_a_users_function_are_named():
    """The function, its error and the window are told."""

    def share(rows):
        return 1 / (len(rows) - 1)

    frame = pd.DataFrame({"purchase_time": pd.to_datetime(["2024-03-04T09:50Z"])})
    with pytest.raises(DataError, match=r"'share' in agg= raised ZeroDivisionError.* of 1 rows"):
        rt.tumbling(frame, "1h", {"share": share})


def test_marks_of_numpy_and_at_the_end_of_time():
    """A watermark may be numpy's, and beyond every calendar."""
    frame = pd.DataFrame({"purchase_time": pd.to_datetime(["2024-03-04T09:50Z"])})
    for step in (
        rt.steps.Tumbling("month", tz="Asia/Tokyo"), rt.steps.Sliding("1h", "20min"),
        rt.steps.Session("1h"),
    ):  # fmt: skip
        state = step.initial()
        step.update(state, frame)
        assert len(step.advance(state, np.int64(5))["windows"]) == 0
        assert len(step.advance(state, 2**63 - 1)["windows"]) > 0


def test_long_keys_keep_their_digits():
    """Whole keys beyond a double's digits stay apart when fractions come too."""
    time = pd.to_datetime(["2024-03-04T09:10Z"] * 2)
    keys = [pd.Series([2**53 + 1, 2**53]), pd.Series([1.5, np.nan])]
    node = rt.steps.Tumbling("1h", by="key")
    state = node.initial()
    for key in keys:
        node.update(state, pd.DataFrame({"purchase_time": time, "key": key}))
    found = node.finish(state)["windows"]["key"].tolist()
    assert set(found[:3]) == {1.5, 2**53, 2**53 + 1}


def test_a_chain_is_made_of_steps():
    """A function in the place of its step is named."""
    with pytest.raises(ParameterError, match=r"write rt\.steps\.Tumbling"):
        rt.chain(rt.tumbling)
