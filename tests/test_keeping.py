"""What is kept: redelivered events against a loop, memory that stays flat, conditions."""

from itertools import pairwise
from unittest.mock import patch

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import events
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab import keeping, seen
from rtlab.columns import Columns
from rtlab.errors import DataError, MissingColumnError, ParameterError

NOON = 1_709_553_600_000_000
IDS = {  # how ids come: as a column of some type, from whole numbers
    "int": lambda ids: np.asarray(ids, np.int64),
    "far": lambda ids: np.asarray(ids, np.int64) * -(2**57) - 1,
    "aligned": lambda ids: np.asarray(ids, np.int64) << 40,
    "uint": lambda ids: np.asarray(ids, np.uint64),
    "high": lambda ids: np.asarray(ids, np.uint64) + np.uint64(2**63 - 3),
    "float": lambda ids: np.asarray([np.nan if one % 7 == 0 else one for one in ids], float),
    "half": lambda ids: np.asarray(ids) / 2,
    "nullable": lambda ids: pd.array([pd.NA if one % 5 == 0 else one for one in ids], "Int64"),
    "text": lambda ids: pd.Series([f"n{one}" for one in ids]).array,
    "objects": lambda ids: np.array([None if one % 5 == 0 else f"n{one}" for one in ids], object),
    "mixed": lambda ids: np.array([(one, str(one), one / 2, " ")[one % 4] for one in ids], object),
}


def plain(array):
    """Give ids as Python's own values; None where there is none."""
    names = [None if pd.isna(one) else one for one in array.tolist()]
    return [None if isinstance(one, str) and not one.strip() else one for one in names]


def batch(ids, times, **more):
    """Make a batch of ids and times in microseconds."""
    when = pd.DatetimeIndex(np.asarray(times, np.int64).view("M8[us]")).tz_localize("UTC").array
    return Columns({"event_id": ids, "purchase_time": when, "row": np.arange(len(ids)), **more})


@given(st.data())
@examples(60)
def test_dedupe_equals_the_loop(data):
    """The first delivery is kept, the others set aside, as one event after the other says."""
    frame = data.draw(events())
    horizon = data.draw(st.sampled_from([None, "10min", "1h", "2D"]))
    if data.draw(st.booleans()):
        frame["event_id"] = frame.event_id.astype(float).where(frame.event_id % 3 > 0)
    names = plain(frame.event_id)
    span = None if horizon is None else pd.Timedelta(horizon)
    kept = np.array(
        naive.first_deliveries(zip(names, frame.purchase_time, strict=True), span), bool
    )
    good, duplicate = rt.dedupe(frame, horizon=horizon)
    pd.testing.assert_frame_equal(good, frame[kept].reset_index(drop=True))
    pd.testing.assert_frame_equal(duplicate, frame[~kept].reset_index(drop=True))


@given(st.data())
@examples(150)
def test_every_kind_of_id(data):
    """Ids of any type, that may change between batches, in any disorder, with small horizons."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    rows, few = data.draw(st.integers(1, 300)), data.draw(st.sampled_from([1, 4, 40, 10_000]))
    ids = rng.integers(0, few, rows)
    if data.draw(st.booleans()):
        ids = np.sort(ids)
    times = np.arange(rows) * data.draw(st.sampled_from([0, 1, 5])) + NOON
    times -= rng.integers(0, data.draw(st.sampled_from([1, 10, 200])), rows)
    horizon = data.draw(st.sampled_from([None, 1, 7, 60]))
    marks = times - rng.integers(0, 30, rows) if data.draw(st.booleans()) else times
    kinds = data.draw(st.lists(st.sampled_from(list(IDS)), min_size=1, max_size=3))
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=5)))
    step = rt.steps.Dedupe(horizon=None if horizon is None else f"{horizon}us")
    state, again, names = step.initial(), [], []
    with patch.object(keeping, "AT_ONCE", data.draw(st.sampled_from([3, 50, 10**6]))):
        for number, (a, b) in enumerate(pairwise([0, *cuts, rows])):
            column = IDS[kinds[number % len(kinds)]](ids[a:b])
            names += plain(pd.Series(column).array)
            more = {} if marks is times else {"_watermark": marks[a:b]}
            given_back = step.update(state, batch(column, times[a:b], **more))
            found = set(given_back["duplicate"]["row"].tolist())
            again += [row in found for row in range(b - a)]
            assert len(given_back["good"]) + len(given_back["duplicate"]) == b - a
    deliveries = zip(names, times.tolist(), strict=True)
    kept = naive.first_deliveries(deliveries, horizon, marks.tolist())
    assert again == [not one for one in kept]


def test_a_lapsed_id_is_new():
    """An id whose first delivery is older than the horizon counts as new, with its new time."""
    minutes = [0, 9, 10, 15, 19, 20]  # the first is remembered until minute 10, the next until 20
    frame = batch(np.array([7] * 6), NOON + np.array(minutes) * 60_000_000).frame()
    good, duplicate = rt.dedupe(frame, horizon="10min")
    assert good["row"].tolist() == [0, 2, 5]
    assert duplicate["row"].tolist() == [1, 3, 4]


def test_time_moves_on_without_events():
    """What advance says moves the horizon as an event would, and never moves it back."""
    step = rt.steps.Dedupe(horizon="10us")
    for time, kept in ((NOON + 9, 0), (NOON + 10, 1)):
        state = step.initial()
        step.update(state, batch(np.array([7]), [NOON]))
        step.advance(state, time)
        step.advance(state, NOON - 1)
        assert len(step.update(state, batch(np.array([7]), [NOON + 1]))["good"]) == kept


def size(state):
    """Count the bytes of a state's arrays, and about those of its dicts."""
    if isinstance(state, dict):
        return 100 * len(state) + sum(map(size, state.values()))
    return getattr(state, "nbytes", 8)


@pytest.mark.parametrize(
    ("kind", "rows"), [("int", 1_500_000), ("aligned", 500_000), ("text", 100_000)]
)
def test_dedupe_forgets(kind, rows):
    """Many ids pass through a short horizon, and what is remembered of them stays as small."""
    step = rt.steps.Dedupe(horizon="2ms")  # two thousand ids
    state, sizes = step.initial(), []
    for first in range(0, rows, 5000):
        ids = IDS[kind](range(first, first + 5000))
        found = step.update(state, batch(ids, NOON + np.arange(first, first + 5000)))
        assert len(found["good"]) == 5000
        sizes.append(size(state))
    assert max(sizes[5:]) <= 2 * sizes[0]
    assert max(sizes) < 3_000_000


def test_ids_that_want_one_place():
    """Ids that all belong to one place of the table are still told apart."""
    ids = np.arange(0, 2**20, dtype=np.int64) << 3
    table = seen.initial()["young"]
    crowd = ids[seen._places(table, ids) == 8][:500]
    assert len(crowd) == 500
    rng = np.random.default_rng(1)
    again = rng.permutation(np.concatenate([crowd, crowd[:99]]))
    good, _ = rt.dedupe(batch(again, np.full(599, NOON)).frame(), horizon="1h")
    assert sorted(good["event_id"]) == crowd.tolist()


def test_dedupe_names_what_it_cannot_use():
    """An id column that is missing, or holds lists, is named."""
    time = pd.to_datetime(["2024-03-04T09:00Z"] * 2)
    frame = pd.DataFrame({"purchase_time": time, "tags": [1, [2]]})
    with pytest.raises(MissingColumnError, match="'event_id'"):
        rt.dedupe(frame)
    with pytest.raises(DataError, match="'tags'.*no ids"):
        rt.dedupe(frame, by="tags")


def test_keep_takes_text_and_functions():
    """A condition is an expression or a function; missing answers count as no."""
    frame = pd.DataFrame({"amount": [250, 40, 100]})
    assert rt.keep(frame, "amount > 90").amount.tolist() == [250, 100]
    assert rt.keep(frame, lambda one: one.amount < 90).amount.tolist() == [40]
    unsure = pd.Series([True, None, False], dtype=object)
    assert rt.keep(frame, lambda _: unsure).amount.tolist() == [250]
    assert rt.keep(frame, lambda _: unsure.astype("boolean")).amount.tolist() == [250]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (7, "where of type int"),
        ("amount + 1", "one True or False"),
        ("shop > 1", "'shop'.*has amount"),
        ("amount >", "no condition"),
        ("", "no condition"),
    ],
)
def test_keep_names_wrong_conditions(where, words):
    """A condition that is none, or gives no booleans, or names no column, is refused."""
    with pytest.raises((ParameterError, DataError), match=words):
        rt.keep(pd.DataFrame({"amount": [250, 40]}), where)
