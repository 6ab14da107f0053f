"""Leaderboards against a loop that adds one row after the other."""

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import events
from hypothesis import given
from hypothesis import strategies as st
from naive import tables, windows

import rtlab as rt
from rtlab.errors import MissingColumnError, ParameterError, StreamError

HOUR = 3_600_000_000


def _plain(column):
    """Give keys as Python's own values, None for a missing one."""
    return [None if pd.isna(key) else key for key in column.tolist()]


def _rows(frame, by, value):
    """Give (time, key, amount) row by row."""
    times = frame["purchase_time"].astype("int64").tolist()
    values = [1] * len(frame) if value is None else frame[value].tolist()
    return list(zip(times, _plain(frame[by]), values, strict=True))


def _same(found, expected, by, name):
    """Compare a table with the loop's (rank, key, sum, share)."""
    assert found["rank"].tolist() == [row[0] for row in expected]
    assert _plain(found[by]) == [row[1] for row in expected]
    assert found[name].tolist() == pytest.approx([row[2] for row in expected], rel=1e-12)
    assert found["share"].tolist() == pytest.approx([row[3] for row in expected], nan_ok=True)


@pytest.mark.parametrize("by", ["product_id", "user_id"])
@pytest.mark.parametrize("value", [None, "amount", "quantity"])
@given(frame=events().filter(len), k=st.integers(1, 5))
@examples(10)
def test_final_table(by, value, frame, k):
    """The final table is what a dict of running sums gives, equal sums in the order of keys."""
    frame = frame.assign(amount=frame["amount"].clip(-1e6, 1e6).round(2))
    rows = [(0, key, amount) for _, key, amount in _rows(frame, by, value)]
    found = rt.leaderboard(frame, by=by, value=value, k=k)
    ((_, expected, total),) = tables(rows, k)
    _same(found.ranks, expected, by, value or "count")
    assert found.late.empty
    assert found.totals[value or "count"].tolist() == [total]  # to the last digit


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("delay", [None, "10min"])
@given(
    frame=events().filter(len),
    k=st.integers(1, 3),
    names=st.sampled_from([("product_id", "quantity"), ("user_id", "amount")]),
)
@examples(25)
def test_tables_of_hours(delay, running, frame, k, names):
    """Each hour with events gives a table, of all hours so far or alone; late rows stay out."""
    by, value = names
    frame = frame.assign(amount=frame["amount"].clip(-1e6, 1e6).round(2))
    rows = _rows(frame, by, value)
    wait = None if delay is None else 600_000_000
    _, late = windows(
        [row[:2] for row in rows],
        lambda time: (time // HOUR * HOUR, (time // HOUR + 1) * HOUR),
        wait,
    )
    used = [row for place, row in enumerate(rows) if place not in late]
    used = [((time // HOUR + 1) * HOUR, key, amount) for time, key, amount in used]
    expected = tables(sorted(used, key=lambda row: row[0]), k, running=running)
    found = rt.leaderboard(frame, by, value, k=k, every="1h", delay=delay, running=running)
    assert found.late.index.size == len(late)
    before = {}
    ends = found.ranks.index.astype("int64")
    assert sorted(set(ends)) == [end for end, _, _ in expected]
    assert found.totals.index.astype("int64").tolist() == [end for end, _, _ in expected]
    assert found.totals[value].tolist() == [total for _, _, total in expected]
    for end, table, _ in expected:
        here = found.ranks[ends == end]
        _same(here, table, by, value)
        won = [before.get(key, np.nan) - rank for rank, key, _, _ in table]
        np.testing.assert_array_equal(here["change"], won)
        before = {key: rank for rank, key, _, _ in table}


@pytest.mark.parametrize("running", [True, False])
def test_many_keys_and_ties(running):
    """Of many keys, most of them equal, those with the smallest names are listed."""
    rng = np.random.default_rng(5)
    hours = pd.Timestamp("2024-03-04", tz="UTC") + pd.to_timedelta(np.repeat([0, 1, 2], 999), "h")
    frame = pd.DataFrame({"key": rng.integers(0, 700, 2997), "purchase_time": hours})
    found = rt.leaderboard(frame, by="key", k=6, every="1h", running=running).ranks
    keys = frame["key"].tolist()
    rows = [(place // 999, key, 1) for place, key in enumerate(keys)]
    expected = tables(rows, 6, running=running)
    assert list(zip(found["rank"], found["key"], found["count"], strict=True)) == [
        row[:3] for _, table, _ in expected for row in table
    ]


def test_totals_and_their_mean_in_one_pass():
    """The totals of windows are a stream of their own, of which a mean is taken on the way."""
    minutes = pd.Timestamp("2024-03-04", tz="UTC") + pd.to_timedelta(np.arange(300) // 3, "min")
    frame = pd.DataFrame({"product_id": np.arange(300) % 7, "purchase_time": minutes})
    frame["amount"] = np.arange(300) / 10
    top = rt.replay(frame, rows=50).leaderboard(
        "product_id", "amount", k=2, every="1min", delay="2min", running=False
    )
    mean = top.totals.pluck("amount").moving_average(window=60)
    ranks, totals, means = rt.drain(top, top.totals, mean)
    assert len(ranks) == 200
    sums = frame.groupby("purchase_time")["amount"].sum()
    np.testing.assert_allclose(totals["amount"], sums, rtol=1e-15)
    np.testing.assert_allclose(means, sums.rolling(60).mean(), rtol=1e-12)
    ends = (sums.index + pd.Timedelta("1min")).as_unit("us")
    assert totals.index.equals(ends.rename("end"))


def test_windows_alone_forget_their_keys():
    """Where each window is ranked alone, memory does not grow with the keys that pass."""
    step = rt.steps.Leaderboard("key", k=3, every="1min", delay="0s", running=False)
    state = step.initial()
    start = pd.Timestamp("2024-03-04", tz="UTC")
    for minute in range(30):
        time = start + pd.to_timedelta(minute * 60 + np.arange(2000) // 100, "s")
        names = np.arange(2000) + 2000 * minute
        step.update(state, pd.DataFrame({"key": names, "purchase_time": time}))
        assert len(state["keys"]["values"][0]) <= 1100


def test_what_is_no_number_stands_last():
    """A sum that is no number, of inf and -inf, is listed after all others."""
    frame = pd.DataFrame({"key": list("aabcd"), "amount": [np.inf, -np.inf, 1.0, 3.0, 2.0]})
    for k, order in ((2, "cd"), (9, "cdba")):
        ranks = rt.leaderboard(frame, by="key", value="amount", k=k).ranks
        assert ranks["key"].tolist() == list(order)


def test_rank_changes_by_hand():
    """Places won and lost, newcomers and ties, as counted on paper."""
    time = pd.to_datetime([f"2024-03-04T{hour:02}:30Z" for hour in (9, 9, 10, 10, 12)])
    frame = pd.DataFrame(
        {"product_id": ["tea", "rice", "rice", "salt", "salt"], "purchase_time": time,
         "amount": [5, 3, 4, 7, 1]}
    )  # fmt: skip
    ranks = rt.leaderboard(frame, by="product_id", value="amount", every="1h").ranks
    assert ranks["product_id"].tolist() == [
        "tea",
        "rice",
        "rice",
        "salt",
        "tea",
        "salt",
        "rice",
        "tea",
    ]
    assert ranks["rank"].tolist() == [1, 2, 1, 2, 3, 1, 2, 3]
    np.testing.assert_array_equal(ranks["change"], [np.nan, np.nan, 1, np.nan, -2, 1, -1, 0])
    assert ranks["share"].tolist() == [
        5 / 8,
        3 / 8,
        7 / 19,
        7 / 19,
        5 / 19,
        8 / 20,
        7 / 20,
        5 / 20,
    ]
    assert [str(end) for end in ranks.index.unique()] == [
        f"2024-03-04 {hour}:00:00+00:00" for hour in (10, 11, 13)
    ]


def test_days_of_a_zone():
    """A day's table is made at midnight on the clock of the zone that is asked for."""
    time = pd.to_datetime(["2024-03-04T15:30Z", "2024-03-04T16:30Z"])  # half an hour around it
    frame = pd.DataFrame({"product_id": ["tea", "rice"], "purchase_time": time})
    days = rt.leaderboard(frame, by="product_id", every="1D", tz="Asia/Shanghai").ranks
    assert days.index.unique().tolist() == [
        pd.Timestamp(f"2024-03-0{day}", tz="Asia/Shanghai") for day in (5, 6)
    ]
    assert len(rt.leaderboard(frame, by="product_id", every="1D").ranks.index.unique()) == 1


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([2, 10, 2, 10], [2, 10]),
        (["b", "a", "b", "a"], ["a", "b"]),
        (["10", 9, "10", 9], [9, "10"]),
        ([1.5, np.nan, 1.5, np.nan], [1.5, None]),
        (pd.Categorical(["z", "a", "z", "a"], categories=["z", "a", "unused"]), ["z", "a"]),
        (pd.array([3, None, 3, None], dtype="Int64"), [3, None]),
        (["李雷", "שרה", "李雷", "שרה"], ["שרה", "李雷"]),
    ],
)
def test_ties_stand_in_the_order_of_keys(keys, order):
    """Keys of every kind with equal sums: numbers, then text, missing last, each with a rank."""
    frame = pd.DataFrame({"key": keys, "amount": [1, 2, 2, 1]})
    ranks = rt.leaderboard(frame, by="key", value="amount", k=99).ranks
    assert _plain(ranks["key"]) == order
    assert ranks["rank"].tolist() == [1, 2]


def test_keys_of_two_columns():
    """Several columns make one key, as pandas' groupby does."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.integers(0, 4, 99), "b": rng.choice(["x", "y"], 99), "n": 1})
    frame["n"] = rng.integers(-5, 50, 99)
    ranks = rt.leaderboard(frame, by=["a", "b"], value="n", k=5).ranks
    sums = frame.groupby(["a", "b"])["n"].sum().sort_values(ascending=False, kind="stable")
    assert ranks.set_index(["a", "b"])["n"].to_dict() == sums.head(5).to_dict()


def test_sums_to_nothing():
    """Where sales and returns cancel out no share can be told, and nothing divides by 0."""
    frame = pd.DataFrame({"key": ["a", "b"], "amount": [5, -5]})
    ranks = rt.leaderboard(frame, by="key", value="amount").ranks
    assert ranks["share"].isna().all()
    assert ranks["amount"].tolist() == [5, -5]


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"by": "key", "k": 0}, ParameterError, "k=0"),
        ({"by": "key", "k": 2.5}, ParameterError, "k=2.5"),
        ({"by": []}, ParameterError, "name the column"),
        ({"by": "rank"}, ParameterError, "two columns 'rank'"),
        ({"by": "key", "value": "key"}, ParameterError, "two columns 'key'"),
        ({"by": "nothing"}, MissingColumnError, "'nothing'"),
        ({"by": "key", "value": "money"}, MissingColumnError, "'money'"),
        ({"by": "key", "every": "soon"}, ParameterError, "'soon'"),
        ({"by": "key", "running": False}, ParameterError, "running=False .* every='1h'"),
    ],
)
def test_wrong_parameters(parameters, error, words):
    """Each wrong parameter is named, with the remedy."""
    frame = pd.DataFrame(
        {"key": [1], "rank": [1], "purchase_time": pd.to_datetime(["2024-03-04T09Z"])}
    )
    with pytest.raises(error, match=words):
        rt.leaderboard(frame, **parameters)


def test_without_an_end():
    """A final table on a stream that never ends is refused, with what to add."""

    class Endless(rt.sources.Source):
        ends = False

    with Endless() as source:
        node = source.leaderboard(by="product_id")
        with pytest.raises(StreamError, match="every='1h', delay='30s'"):
            source.start()
        del node
