"""Customers and baskets against loops over single rows."""

from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import events
from hypothesis import given

import rtlab as rt
from rtlab.errors import MissingColumnError, ParameterError


def _plain(column):
    return [None if pd.isna(key) else key for key in column.tolist()]


@pytest.mark.parametrize(("every", "tz"), [("1D", "Asia/Shanghai"), ("1h", "UTC")])
@given(frame=events().filter(len))
@examples(15)
def test_users(every, tz, frame):
    """Who is active, new and returning in each stretch, and what each bought, by a loop."""
    unit = {"1D": "D", "1h": "h"}[every]
    starts = frame["purchase_time"].dt.tz_convert(tz).dt.floor(unit)
    visits = {}
    rows = zip(starts, _plain(frame["user_id"]), frame["quantity"].tolist(), strict=True)
    for start, user, quantity in rows:
        lines, sold = visits.get((start, user), (0, 0))
        visits[start, user] = (lines + 1, sold + quantity)
    found = rt.users(frame, value="quantity", every=every, tz=tz)
    first = {}
    for start, user in sorted(visits, key=lambda visit: visit[0]):
        first.setdefault(user, start)
    assert found.activity.index.tolist() == sorted({start for start, _ in visits})
    for start, row in found.activity.iterrows():
        here = {user: sold for (when, user), (_, sold) in visits.items() if when == start}
        new = {user for user in here if first[user] == start}
        assert (row["active"], row["new"], row["returning"]) == (
            len(here), len(new), len(here) - len(new),
        )  # fmt: skip
        assert row["quantity_new"] == sum(here[user] for user in new)
        assert row["quantity_returning"] == sum(here.values()) - row["quantity_new"]
    people = found.customers
    assert set(_plain(people["user_id"])) == set(first)
    assert len(people) == len(first)
    for user, row in zip(_plain(people["user_id"]), people.itertuples(), strict=True):
        mine = [(when, *bought) for (when, who), bought in visits.items() if who == user]
        assert row.active == len(mine)
        assert row.first == min(mine)[0]
        assert row.last == max(mine)[0]
        assert (row.lines, row.quantity) == tuple(
            sum(one[place] for one in mine) for place in (1, 2)
        )
    assert found.late.empty


def test_users_late_rows():
    """A row behind the watermark is late, and nobody becomes a customer by it."""
    time = pd.to_datetime([f"2024-03-04T{hour:02}:30Z" for hour in (9, 12, 9, 12)])
    frame = pd.DataFrame({"user_id": [1, 1, 2, 3], "purchase_time": time, "amount": 5})
    found = rt.users(rt.replay(frame, rows=1).data, every="1h", delay="1h")
    assert found.late["user_id"].tolist() == [2]
    assert found.customers["user_id"].tolist() == [1, 3]
    assert found.activity["new"].tolist() == [1, 1]


def test_rfm_by_fifths():
    """Ten customers in known order fall into known fifths and segments."""
    newest = pd.Timestamp("2024-03-31", tz="UTC")
    people = pd.DataFrame(
        {
            "last": [newest - pd.Timedelta(days=10 * place) for place in range(10)],
            "active": [10, 9, 1, 2, 8, 3, 4, 7, 6, 5],
            "amount": [100, 90, 80, 70, 10, 20, 30, 40, 50, 60],
        }
    )
    scored = rt.rfm(people)
    assert scored["recency"].tolist() == [10.0 * place for place in range(10)]
    assert scored["r"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scored["f"].tolist() == [5, 5, 1, 1, 4, 2, 2, 4, 3, 3]
    assert scored["m"].tolist() == [5, 5, 4, 4, 1, 1, 2, 2, 3, 3]
    assert scored["segment"].tolist() == [
        "champions", "champions", "recent", "recent", "loyal",
        "others", "lost", "loyal", "lapsed", "lapsed",
    ]  # fmt: skip
    assert rt.rfm(people, now=newest + pd.Timedelta(days=1))["recency"].iloc[0] == 1


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", None])
def test_recency_counts_civil_days(zone):
    """Days are those of the calendar: also one of 23 or 25 hours, and parts of one, are whole."""
    last = pd.to_datetime(
        ["2024-11-05T01:30", "2024-11-04T23:00", "2024-11-02T12:00", "2024-03-09T00:00"]
    ).tz_localize(zone)
    people = pd.DataFrame({"last": last, "active": 1, "amount": 5})
    dates = [when.date() for when in last]
    expected = [(dates[0] - date).days for date in dates]
    found = rt.rfm(people)["recency"]
    assert found.dtype.kind == "i"
    assert found.tolist() == expected == [0, 1, 3, 241]
    if zone:
        now = pd.Timestamp("2024-11-06T04:30Z")  # still the day before in New York
        more = 0 if zone == "America/New_York" else 1
        assert rt.rfm(people, now=now)["recency"].tolist() == [day + more for day in expected]


def test_rfm_equal_customers_share_a_score():
    """Customers who did the same are scored the same, whatever their order."""
    people = pd.DataFrame(
        {"last": pd.Timestamp("2024-03-31", tz="UTC"), "active": [1] * 7, "amount": [5] * 7}
    )
    assert rt.rfm(people)[["r", "f", "m"]].drop_duplicates().shape == (1, 3)
    with pytest.raises(MissingColumnError, match="'pieces'"):
        rt.rfm(people, value="pieces")


def _pairs(frame, basket):
    """Count baskets, items and pairs one basket after the other."""
    baskets = {}
    for row in frame.itertuples():
        held = baskets.setdefault(tuple(str(getattr(row, name)) for name in basket), set())
        if not pd.isna(row.product_id):
            held.add(row.product_id)
    single = Counter(item for held in baskets.values() for item in held)
    both = Counter(pair for held in baskets.values() for pair in combinations(sorted(held), 2))
    return len(baskets), single, both


@pytest.mark.parametrize("basket", [("user_id",), ("user_id", "purchase_time")])
@given(frame=events().filter(len))
@examples(15)
def test_together(basket, frame):
    """Pairs, support and lift, by sets of items in each basket."""
    whole, single, both = _pairs(frame, basket)
    expected = sorted(both.items(), key=lambda one: (-one[1], one[0]))[:4]
    found = rt.together(frame, basket=basket, k=4)
    assert list(zip(found["first"], found["second"], strict=True)) == [
        pair for pair, _ in expected
    ]
    assert found["baskets"].tolist() == [number for _, number in expected]
    for ((a, b), number), row in zip(expected, found.itertuples(), strict=True):
        assert row.support == pytest.approx(number / whole, rel=1e-12)
        assert row.lift == pytest.approx(number * whole / single[a] / single[b], rel=1e-12)


def test_together_of_mixed_items():
    """Items of several kinds pair in the order of keys; a line without an item pairs with none."""
    frame = pd.DataFrame(
        {"basket": [1] * 4 + [2] * 3, "product_id": [2, "a", None, 10, "a", 10, 10]}
    )
    found = rt.together(frame, basket=("basket",))
    assert found[["first", "second", "baskets"]].to_numpy().tolist() == [
        [10, "a", 2], [2, 10, 1], [2, "a", 1],
    ]  # fmt: skip


def test_together_looks_at_the_frequent_only():
    """With ``items`` only the most frequent are paired, and the first by key among equals."""
    frame = pd.DataFrame({"basket": [1, 1, 1, 2, 2], "product_id": ["c", "b", "a", "c", "d"]})
    found = rt.together(frame, basket=("basket",), items=2)
    assert found[["first", "second"]].to_numpy().tolist() == [["a", "c"]]
    assert found["support"].tolist() == [0.5]


def test_together_on_large_baskets():
    """Baskets of hundreds of lines give what a matrix product of baskets and items gives."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"basket": rng.integers(0, 9, 4000), "product_id": rng.integers(0, 60, 4000)}
    )
    held = pd.crosstab(frame["basket"], frame["product_id"]).clip(upper=1)
    expected = held.T @ held
    found = rt.together(frame, basket=("basket",), k=3000)
    for row in found.itertuples():
        assert row.baskets == expected.loc[row.first, row.second]
    upper = np.triu(expected.to_numpy(), 1)
    assert found["baskets"].sum() == upper.sum()


@pytest.mark.parametrize("parameters", [{"k": 0}, {"items": 0}, {"k": 1.5}])
def test_wrong_parameters(parameters):
    """Numbers below one are refused, with the remedy."""
    with pytest.raises(ParameterError, match="at least 1"):
        rt.together(pd.DataFrame(), **parameters)


def test_missing_columns():
    """A basket's column that is not there is named."""
    with pytest.raises(MissingColumnError, match="'invoice'"):
        rt.together(pd.DataFrame({"product_id": [1]}), basket=("invoice",))
    time = pd.to_datetime(["2024-03-04T09Z"])
    with pytest.raises(MissingColumnError, match="'amount'"):
        rt.users(pd.DataFrame({"user_id": [1], "purchase_time": time}))
