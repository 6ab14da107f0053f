"""Series alone, side by side, one below the other, as arrays; and the times of their ticks."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.ticks import SeriesStep


@dataclass(frozen=True)
class Middle(SeriesStep):
    """Answers with each tick's number and value, two ticks late, for every third tick."""

    regular: ClassVar[bool] = True
    ahead: ClassVar[int] = 2
    parts: ClassVar[tuple[str, ...]] = ("number", "twice")
    cycle: ClassVar[tuple[int, int]] = (4, 3)

    def places(self, tick, ticks):  # noqa: ARG002
        """Answer for every third tick."""
        return slice((-tick) % 3, None, 3)

    def begin(self, width):
        """Hold how many ticks have come, and the last two."""
        return {"count": np.zeros(width), "last": np.full((2, width), np.nan)}

    def take(self, state, values, times):
        """Answer about the tick before the last."""
        assert times is not None or len(values)
        rows = np.concatenate([state["last"], values])
        number = state["count"] + np.arange(len(values))[:, None] - 2
        state["last"], state["count"] = rows[-2:], state["count"] + len(values)
        here = self.places(state["tick"], len(values))
        return np.stack([number, 2 * rows[:-2]], axis=2)[here]


def long(frame):
    """Write the columns of a wide frame one below the other, in the order of time."""
    series = [frame[[name]].set_axis(["revenue"], axis=1).assign(key=name) for name in frame]
    return pd.concat(series).sort_index(kind="stable").dropna()


def cut(step, data, places):
    """Run a step over pieces of data, and put its answers together."""
    state = step.initial()
    given = [step.update(state, data[a:b])["result"] for a, b in pairwise([0, *places, len(data)])]
    return rt.steps.join([*given, step.finish(state).get("result")])


HOURS = pd.date_range("2024-01-01", periods=11, freq="h", tz="UTC", name="start")
WIDE = pd.DataFrame(np.arange(33.0).reshape(11, 3), index=HOURS, columns=["a", "b", "c"])


def test_answers_have_the_labels_of_their_ticks():
    """A late answer stands at the tick that it is about, whatever the form of the series."""
    one = cut(Middle(), WIDE["a"], [1, 5])
    assert one.index.tolist() == HOURS[[1, 4, 7, 10]].tolist()
    assert one["number"][:3].tolist() == [1, 4, 7]
    assert one["twice"][:3].tolist() == (2 * WIDE["a"].iloc[[1, 4, 7]]).tolist()
    assert one.iloc[3].isna().all()  # two later ticks never came
    wide = cut(Middle(), WIDE, [1, 5])
    assert wide["a"].equals(one)
    assert wide.columns.tolist()[2:4] == [("b", "number"), ("b", "twice")]
    array = cut(Middle(), WIDE.to_numpy(), [3])
    assert array.shape == (4, 3, 2)
    assert np.array_equal(array.reshape(4, 6), wide.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("places", [[], [4, 5, 6, 20], list(range(1, 27))])
def test_a_key_is_a_series_of_its_own(places):
    """In a long frame each key is answered as if it were alone, wherever the rows are cut."""
    late = WIDE.copy()
    late.iloc[:4, 1] = np.nan  # b begins later
    late.iloc[:3, 2] = np.nan
    found = cut(Middle(by="key"), long(late), places)
    for name in late:
        ours = found[found["key"] == name].drop(columns="key")
        assert ours.equals(cut(Middle(), late[name].dropna(), []))


def test_long_answers_stand_in_the_order_of_the_rows():
    """What a row causes comes before what a later row causes."""
    shuffled = long(WIDE).iloc[[2, 0, 1, 5, 4, 3]]
    found = rt.difference(shuffled, by="key")
    assert found["key"].tolist() == ["c", "a", "b", "c", "b", "a"]
    assert found["revenue"].isna().tolist() == [True] * 3 + [False] * 3


def test_many_keys_come_and_stay():
    """Keys of any number get room, and keep what they had."""
    keys = pd.Series(np.arange(100)).repeat(2).sample(frac=1, random_state=1)
    frame = pd.DataFrame({"key": keys, "value": keys * 1.5}).reset_index(drop=True)
    found = cut(rt.steps.Difference(by="key"), frame, list(range(7, 200, 7)))
    first = ~frame["key"].duplicated()
    assert (found["value"].isna() == first).all()
    assert (found["value"][~first] == 0).all()


def test_long_frames_are_read_by_rule():
    """A long frame without its key, or with several columns of numbers, is refused."""
    frame = long(WIDE)
    with pytest.raises(MissingColumnError, match="'shop' is not in the data"):
        rt.difference(frame, by="shop")
    with pytest.raises(DataError, match="one of them holds the numbers"):
        rt.difference(frame.assign(price=1), by="key")
    with pytest.raises(DataError, match="value='price': the frame has columns"):
        rt.difference(frame, by="key", value="price")
    with pytest.raises(DataError, match="leave out by= for one series"):
        rt.difference(frame["revenue"], by="key")
    assert rt.difference(frame.assign(price=1), by="key", value="revenue").columns.tolist() == [
        "key",
        "revenue",
    ]


def refused(index, places=()):
    """Say why ticks at these times are refused."""
    with pytest.raises(DataError) as caught:
        cut(Middle(), pd.Series(np.arange(float(len(index))), index), places)
    return str(caught.value)


@pytest.mark.parametrize("places", [[], [3], [1, 2, 3, 4, 5]])
def test_ticks_are_equally_far_apart(places):
    """Gaps, doubles and steps back are refused by name, wherever the batch ends."""
    assert "irregular ticks, first from 2024-01-01 02:00:00+00:00 to 2024-01-01 04" in refused(
        HOURS.delete(3), places
    )
    assert "two ticks at 2024-01-01 02:00:00+00:00" in refused(HOURS.insert(3, HOURS[2]), places)
    assert "comes after a later one" in refused(HOURS[[0, 1, 2, 1, 3]], places)
    with_none = pd.DatetimeIndex([*HOURS[:4], pd.NaT, *HOURS[4:]])
    assert "with NaT" in refused(with_none, places)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-03-08", periods=6, freq="D", tz="America/New_York"),
        pd.date_range("2024-03-09T22:00", periods=9, freq="h", tz="America/New_York"),
        pd.date_range("2024-01-01", periods=14, freq="MS"),
        pd.date_range("2024-01-31", periods=14, freq="ME", tz="Asia/Shanghai"),
        pd.timedelta_range("1h", periods=5, freq="3h"),
        pd.RangeIndex(7),
        pd.Index([3, 1, 1]),
    ],
)
def test_civil_days_and_months_are_regular(index):
    """A day of 23 hours is a day; a month is a month; and labels are only an order."""
    series = pd.Series(np.arange(float(len(index))), index)
    whole = cut(Middle(), series, [])
    assert cut(Middle(), series, list(range(1, len(series)))).equals(whole)


def test_a_key_has_its_own_distance():
    """In a long frame each series has its own distance between ticks, and keeps it."""
    hours, days = HOURS[:6], pd.date_range(HOURS[0], periods=4, tz="UTC")
    frame = pd.concat(
        [pd.DataFrame({"key": name, "v": 1.0}, index=index) for name, index in
         (("hour", hours), ("day", days))]
    ).sort_index(kind="stable")  # fmt: skip
    assert len(cut(Middle(by="key"), frame, [3])) == 3
    frame = frame.drop(hours[4])
    with pytest.raises(
        DataError, match=r"irregular ticks, first from 2024-01-01 03:00:00\+00:00 to"
    ):
        cut(Middle(by="key"), frame, [3])


def test_arrays_of_the_wrong_kind_are_refused():
    """An array of text or of three dimensions is no series."""
    with pytest.raises(DataError, match="an array of <U1 and shape"):
        rt.difference(np.array(["a"]))
    with pytest.raises(DataError, match=r"shape \(1, 1, 1\)"):
        rt.difference(np.zeros((1, 1, 1)))
    step = rt.steps.Difference()
    state = step.initial()
    step.update(state, np.zeros(2))
    with pytest.raises(DataError, match="the columns of a stream stay the same"):
        step.update(state, np.zeros((2, 2)))


def test_a_batch_refused_for_one_key_moves_no_other():
    """Where a step refuses what one key brings, the ticks of all keys stay as they were."""
    step = rt.steps.Integrate(start=(5.0, 6.0), order=2, by="key")
    state = step.initial()
    step.update(state, pd.DataFrame({"key": ["a"], "v": [np.nan]}))
    before = state["ticks"].copy()
    with pytest.raises(DataError, match="holds a difference after missing rows"):
        step.update(state, pd.DataFrame({"key": ["b", "b", "a"], "v": [np.nan, np.nan, 7.0]}))
    assert (state["ticks"] == before).all()


def test_a_column_is_chosen_only_in_a_long_frame():
    """A value without keys is refused; it would be ignored."""
    with pytest.raises(ParameterError, match="value='a' without by="):
        rt.difference(WIDE, value="a")
    with pytest.raises(ParameterError, match="the answer has a column 'key' of its own"):
        rt.difference(long(WIDE), by="key", value="key")


def test_labels_that_go_on_are_kept_and_others_count():
    """Pieces of one series keep its numbers; pieces that each count from 0 are counted through."""
    values = pd.Series(np.arange(9.0), pd.RangeIndex(1000, 1009))
    whole = rt.difference(values)
    assert whole.index.tolist() == values.index.tolist()
    assert cut(rt.steps.Difference(), values, [2, 3]).equals(whole)
    again = rt.steps.join([values[:3].reset_index(drop=True), values[3:].reset_index(drop=True)])
    assert again.index.tolist() == list(range(9))
