"""Numbers for names: a table or a sorted list gives what a dict would."""

import copy

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab import keys, numbering, slots
from rtlab.columns import Columns
from rtlab.errors import DataError

NEAR = st.integers(-50, 3000)
FAR = st.one_of(NEAR, st.integers(-(2**62), 2**62))


def by_dict(known, names):
    """Give names their numbers in the order of appearance, the obvious way."""
    return [known.setdefault(name, len(known)) for name in names]


@pytest.mark.parametrize("names", [NEAR, FAR], ids=["near", "far"])
@given(st.data())
@examples(60)
def test_numbers_are_those_of_a_dict(names, data):
    """Batch after batch each name has the number that a dict gives it; new names are told."""
    index, known = numbering.renewed(), {}
    for batch in data.draw(st.lists(st.lists(names, max_size=30), max_size=6)):
        before = set(known)
        expected = by_dict(known, batch)
        found, new = numbering.find(index, np.array(batch, np.int64))
        assert found.tolist() == expected
        assert new.tolist() == [name for name in known if name not in before]
    assert index["size"] == len(known)
    again = numbering.renewed(np.array(list(known), np.int64))
    assert numbering.find(again, np.array(list(known), np.int64))[0].tolist() == list(
        range(len(known))
    )


def test_a_far_name_turns_the_table_into_a_list_for_good():
    """Numbers stay as they were when one name lies too far off for a table."""
    index = numbering.renewed([5, 3, 9])
    assert index["table"] is not None
    found, _ = numbering.find(index, np.array([3, 2**60, 9, 4]))
    assert index["table"] is None
    assert found.tolist() == [1, 3, 2, 4]
    assert numbering.find(index, np.array([5, 4, -(2**60)]))[0].tolist() == [0, 4, 5]


@pytest.mark.parametrize("first", [-(2**63), 2**63 - 3], ids=["least", "most"])
def test_a_table_reaches_the_ends_of_64_bits(first):
    """The least and the greatest whole numbers are names like others."""
    names = np.array([first, first + 2, first], np.int64)
    index = numbering.renewed()
    assert numbering.find(index, names)[0].tolist() == [0, 1, 0]
    assert numbering.find(index, names[1:])[1].tolist() == []
    assert index["table"] is not None


def test_a_table_stays_within_its_bound():
    """However the names wander, the table has no more than its places."""
    index = numbering.renewed()
    for first in range(0, 3 * numbering.MOST, numbering.MOST // 3):
        numbering.find(index, np.arange(first, first + 10))
        assert index["table"] is None or len(index["table"]) <= numbering.MOST
    assert index["table"] is None
    assert numbering.find(index, np.array([0, numbering.MOST // 3]))[0].tolist() == [0, 10]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_keys_keep_their_type(dtype):
    """Whole keys come back in the type in which they came."""
    table = keys.initial("product_id")
    batch = keys.distinct("product_id", Columns({"product_id": np.array([7, 3, 7], dtype)}))
    assert keys.encode(table, batch).tolist() == [0, 1, 0]
    column = keys.columns("product_id", table, np.array([1, 0]))["product_id"]
    assert column.tolist() == [3, 7]
    assert column.dtype == dtype


def test_signed_and_unsigned_keys_keep_every_digit():
    """Keys of int64 and of uint64 in turn, then text: no digit is lost, and none are confused."""
    table, far = keys.initial("product_id"), 2**60 + 1
    for array, codes in (
        (np.array([far, -1], np.int64), [0, 1]),
        (np.array([far, far + 2], np.uint64), [0, 2]),
        (np.array([2**64 - 1, far], np.uint64), [3, 0]),
        (np.array(["x", far + 2], object), [4, 2]),
    ):
        batch = keys.distinct("product_id", Columns({"product_id": array}))
        assert keys.encode(table, batch).tolist() == codes
    column = keys.columns("product_id", table, np.arange(5))["product_id"]
    assert column.tolist() == [far, -1, far + 2, 2**64 - 1, "x"]


def test_whole_keys_meet_text():
    """A batch of text after whole numbers: the numbers keep their codes."""
    table = keys.initial("product_id")
    for array, codes in (
        (np.array([7, 3]), [0, 1]),
        (np.array(["x", 3, None], object), [2, 1, 3]),
        (np.array([3, 8, 8]), [1, 4, 4]),
    ):
        batch = keys.distinct("product_id", Columns({"product_id": array}))
        assert keys.encode(table, batch).tolist() == codes


def test_windows_too_far_apart_are_refused():
    """Names of groups must fit into 64 bits; the state stays as it was."""
    step = rt.steps.Tumbling("1us", by="product_id", delay="1s")
    state = step.initial()
    time = pd.to_datetime(["1970-01-01T00:00Z", "2200-01-01T00:00Z"]).as_unit("us")
    events = pd.DataFrame({"product_id": [1, 2], "purchase_time": time})
    many = pd.concat([events] * 500, ignore_index=True)
    before = copy.deepcopy(state)
    with pytest.raises(DataError, match=r"windows with up to 501 keys: .* choose larger windows"):
        step.update(state, many)
    assert repr(state) == repr(before)
    assert slots.FAR < 2**63
    step.update(state, events)


def test_short_windows_of_today_hold_many_keys():
    """How long ago 1970 was does not count: only how far apart the windows lie."""
    key = np.arange(20_000)
    time = pd.to_datetime(1_700_000_000_000_000 + key % 7, unit="us", utc=True)
    events = pd.DataFrame({"product_id": key, "purchase_time": time.as_unit("us")})
    windows = rt.tumbling(events, "1us", by="product_id").windows
    assert windows.product_id.tolist() == sorted(key.tolist(), key=lambda one: (one % 7, one))
    assert windows.index.asi8.tolist() == sorted(time.as_unit("us").asi8.tolist())


def test_many_keys_meet_windows_that_are_far_apart_already():
    """The windows held count too: they are numbered anew where more keys come."""
    step = rt.steps.Tumbling("1us", by="product_id", delay="100000D")
    time = pd.to_datetime(["1970-01-01T00:00Z", "2200-01-01T00:00Z"]).as_unit("us")
    state = step.initial()
    step.update(state, pd.DataFrame({"product_id": [1, 2], "purchase_time": time}))
    many = pd.DataFrame({"product_id": range(1000), "purchase_time": time[0]})
    with pytest.raises(DataError, match="the times lie too far apart"):
        step.update(state, many)
