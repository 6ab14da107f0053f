"""Reading raw columns: numbers, ids, times and durations, against Python's own readers."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

from rtlab import parsing
from rtlab.columns import bare
from rtlab.errors import DataError, ParameterError


def column(values, dtype=None):
    """Make the bare array that a step sees."""
    return bare(pd.Series(values, dtype=dtype))


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=20))
@examples(100)
def test_text_is_read_to_the_last_digit(decimals):
    """A number's text gives the double that Python reads."""
    found, missing, wrong = parsing.numbers(column([f" {one} " for one in decimals], object))
    assert found.tolist() == [float(one) for one in decimals]
    assert not missing.any()
    assert not wrong.any()


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "float32", "float64", "Int64"])
def test_typed_numbers(dtype):
    """Every numeric type becomes int64 or float64, with the same values."""
    found, *_ = parsing.numbers(column([1, 2, 3], dtype))
    assert found.tolist() == [1, 2, 3]
    assert found.dtype in (np.int64, np.float64)


def test_what_is_no_number():
    """Booleans, lists and words are unreadable; empty cells are missing, which is different."""
    values = [1, True, "x", [1], None, np.nan, "", "  ", "1e3", {"a": 1}]
    found, missing, wrong = parsing.numbers(column(values, object))
    assert np.flatnonzero(missing).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(wrong).tolist() == [1, 2, 3, 9]
    assert found[[0, 8]].tolist() == [1, 1000]
    assert parsing.numbers(column([True, False]))[2].all()


@given(
    st.lists(
        st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).flatmap(  # noqa: DTZ001
            lambda time: st.integers(-14 * 60, 14 * 60).map(
                lambda minutes: time.replace(tzinfo=timezone(timedelta(minutes=minutes)))
            )
        ),
        min_size=1,
        max_size=20,
    )
)
@examples(100)
def test_zoned_text_is_read_exactly(times):
    """ISO 8601 text with any offset gives Python's own microsecond."""
    found, missing, naive, skipped = parsing.times(
        column([one.isoformat() for one in times], object), None, None, "t"
    )
    assert [one.to_pydatetime() for one in found] == [one.astimezone(UTC) for one in times]
    assert not missing.any()
    assert not naive.any()
    assert not skipped.any()


def test_clock_changes():
    """A repeated hour is taken the first time it passes; a skipped one is told apart."""
    text = ["2024-11-03T01:30", "2024-03-10T02:30", "2024-03-10T03:30"]
    for values in (column(text, object), column(pd.to_datetime(text))):
        found, _, _, skipped = parsing.times(values, "America/New_York", None, "t")
        assert str(found[0]) == "2024-11-03 05:30:00+00:00"
        assert skipped.tolist() == [False, True, False]
        assert str(found[2]) == "2024-03-10 07:30:00+00:00"


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6)])
def test_numbers_as_times(unit, factor):
    """Counts since 1970 are read in the unit that the user names, missing ones told apart."""
    moment = 1_709_544_600
    found, missing, *_ = parsing.times(column([moment * factor, 0]), None, unit, "t")
    assert [one.timestamp() for one in found] == [moment, 0]
    found, missing, *_ = parsing.times(column([moment * factor, np.nan]), None, unit, "t")
    assert missing.tolist() == [False, True]


def test_times_that_are_beyond_reach():
    """A time that no calendar holds is unreadable, not an error that ends the stream."""
    found, missing, *_ = parsing.times(column([1e300, 0.0]), None, "s", "t")
    assert found.isna().tolist() == [True, False]
    assert not missing.any()
    text = column(["9999-12-31T00:00Z", "99999-01-01T00:00Z", "0001-01-01T00:00Z"], object)
    found, *_ = parsing.times(text, None, None, "t")
    assert found.isna().tolist()[1]


def test_columns_without_a_zone_or_unit():
    """A whole column of naive times, or of numbers, asks for what is missing."""
    with pytest.raises(DataError, match=r"no zone.*clean\(tz="):
        parsing.times(column(pd.to_datetime(["2024-03-04"])), None, None, "t")
    with pytest.raises(DataError, match=r"numbers.*clean\(unit="):
        parsing.times(column([1, 2]), None, None, "t")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30s", 30), ("5min", 300), ("1h", 3600), ("7D", 604_800), (timedelta(hours=2), 7200)],
)
def test_durations(value, seconds):
    """Durations are read as pandas reads them."""
    assert Fraction(parsing.duration(value, "size"), 10**6) == seconds


@pytest.mark.parametrize("value", [0, 1.5, "", "soon", None, "NaT", [], "-1h", "0s", "1 parsec"])
def test_no_durations(value):
    """A bare number, a word, nothing, and a negative size are no durations."""
    with pytest.raises(ParameterError, match="size="):
        parsing.duration(value, "size")


def test_delay_may_be_nothing():
    """Only a delay may be 0, and only an offset negative."""
    assert parsing.duration("0s", "delay") == 0
    assert parsing.duration("-1h", "offset") == -3_600_000_000
    with pytest.raises(ParameterError, match="delay"):
        parsing.duration("-1h", "delay")


@pytest.mark.parametrize("value", ["2024-03-04", "soon", None, "", 5, [1], "2024-13-01T00:00Z"])
def test_no_instants(value):
    """A bound on time needs a zone, and to be a time."""
    with pytest.raises(ParameterError, match="not_after="):
        parsing.instant(value, "not_after")


def test_ids():
    """Text and numbers are ids; nothing and blanks are missing; lists are no ids."""
    values = ["ana", 1, 2.5, None, " ", [1], True, np.int64(3)]
    _, missing, wrong = parsing.identifiers(column(values, object))
    assert np.flatnonzero(missing).tolist() == [3, 4]
    assert np.flatnonzero(wrong).tolist() == [5]
    _, missing, wrong = parsing.identifiers(column([1.0, np.nan, np.inf]))
    assert (missing.tolist(), wrong.tolist()) == ([False, True, False], [False, False, True])


def test_whole():
    """Floats become integers only where nothing is lost."""
    assert parsing.whole(np.array([1.0, 2.0])).dtype == np.int64
    assert parsing.whole(np.array([1.0, 2.5])).dtype == np.float64
    assert parsing.whole(np.array([2.0**60])).dtype == np.float64
    assert parsing.whole(np.array([1.0, np.nan])).dtype == np.float64
    assert parsing.whole(np.array([1, 2], object)).dtype == np.int64
    for mixed in (["a", "b"], [1, None], [None, np.nan], [2.0, 2.5], [True, 1], []):
        assert parsing.whole(np.array(mixed, object)).dtype == object


def test_hours_that_come_twice_are_counted():
    """Local times in the hour that the clock repeats are counted; zoned ones are not."""
    local = ["2025-10-26 01:30", "2025-10-26 00:30", "2025-10-26T01:30Z", "", "soon"]
    assert parsing.repeated(np.array(local, dtype=object), "Europe/London") == 1
    stamps = pd.DatetimeIndex(["2025-10-26 01:00", "2025-10-26 01:59", "2025-10-26 02:00"])
    assert parsing.repeated(stamps.to_numpy(), "Europe/London") == 2
    assert parsing.repeated(stamps.to_numpy(), None) == 0
