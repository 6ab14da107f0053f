"""The simulated shop against what was put into it."""

import hashlib
import json
import runpy
from collections import Counter, defaultdict
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.seasonal import MSTL

from rtlab.draws import POISSON_ONE, pick, table
from rtlab.errors import ParameterError
from rtlab.simulation import simulate

DATA = Path(__file__).parent.parent / "data"
INTEGERS = ["event_id", "user_id", "product_id", "quantity", "price"]


@pytest.fixture(scope="module")
def shop():
    """Give the default shop."""
    return simulate()


@pytest.fixture(scope="module")
def big():
    """Give many events, so that shares and rates show clearly."""
    return simulate(days=28, seed=3, events_per_day=10_000)


@pytest.fixture(scope="module")
def soiled():
    """Give a shop with every kind of dirt, and its clean twin, by event id."""
    arguments = {"days": 21, "seed": 11}
    return simulate(**arguments, dirt="all"), simulate(**arguments)


def digest(events):
    """Hash the values, integers as 64-bit little-endian, anything else as text."""
    seen = hashlib.sha256()
    for name in events:
        column = events[name]
        if column.dtype == object:
            seen.update("\n".join(map(str, column)).encode())
            continue
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = pd.DatetimeIndex(column).as_unit("us").asi8
        seen.update(np.asarray(column).astype("<i8").tobytes())
    return seen.hexdigest()[:16]


GOLDEN = {
    "default": ({}, "ddf86174c74276ff"),
    "one day": ({"days": 1, "seed": 0}, "cd5dfab0db94ec6a"),
    "large seed": ({"days": 8, "seed": (1 << 64) - 1, "start": "2021-12-29"}, "d110254be861f6c8"),
    "many": (
        {"days": 3, "events_per_day": 30_000, "users": 9_000, "products": 1_001},
        "49a396633d298d8a",
    ),
    "dirty": ({"days": 14, "dirt": "all"}, "f27427603b406860"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_same_bytes_everywhere(name):
    """The recorded hashes hold on every machine, with every numpy and pandas."""
    arguments, expected = GOLDEN[name]
    assert digest(simulate(**arguments).events) == expected


@pytest.mark.parametrize(
    ("key", "counter"), [(7, 0), ((5 << 64) | 9, 3 << 64), ((1 << 128) - 1, 1)]
)
def test_raw_integers_are_philox(key, counter):
    """The bit generator gives what the published algorithm gives."""
    raw = np.random.Philox(key=key, counter=counter).random_raw(9)
    assert raw.tolist() == naive.philox(key, counter, 9)


def test_table_probabilities():
    """Positions are drawn by their weights: Poisson(1) has mean and variance 1."""
    assert pick(
        table([1, 0, 3]), np.array([0, (1 << 30) - 1, 1 << 30, (1 << 32) - 1])
    ).tolist() == [0, 0, 2, 2]
    chances = np.diff(POISSON_ONE, prepend=0) / (1 << 32)
    k = np.arange(len(chances))
    assert (chances @ k, chances @ (k - 1) ** 2) == pytest.approx((1, 1), abs=1e-8)


def test_columns(shop):
    """The columns have the promised names, types and order."""
    events = shop.events
    assert list(events) == [*INTEGERS[:3], "purchase_time", *INTEGERS[3:], "arrival_time"]
    assert (events[INTEGERS].dtypes == np.int64).all()
    assert (
        str(events["purchase_time"].dtype)
        == str(events["arrival_time"].dtype)
        == "datetime64[us, UTC]"
    )
    assert events["event_id"].tolist() == list(range(1, len(events) + 1))
    assert events["purchase_time"].is_monotonic_increasing
    assert (events["arrival_time"] == events["purchase_time"]).all()
    assert len(repr(shop)) < 100


@settings(deadline=None, max_examples=12)
@given(rows=st.integers(1, 3000), seed=st.integers(0, 5), dirty=st.booleans())
def test_batches_are_the_events(rows, seed, dirty):
    """Whatever the batch size, the same rows come in the same order."""
    shop = simulate(3, seed, dirt={"late": 0.2, "malformed": 0.1, "gap": 2} if dirty else None)
    batches = list(shop.batches(rows))
    assert {len(batch) for batch in batches[:-1]} <= {rows}
    assert 0 < len(batches[-1]) <= rows
    pd.testing.assert_frame_equal(pd.concat(batches), shop.events)


def test_hourly_by_slow_loop(soiled):
    """The hours are those of a loop over what truly happened, less what dirt destroyed."""
    dirty, clean = soiled
    dirt = dirty.truth.dirt
    gone = set(dirt.loc[dirt["kind"].isin(["malformed", "gap", "future"]), "event_id"])
    for shop, without in ((clean, set()), (dirty, gone)):
        revenue, count = defaultdict(int), Counter()
        for event_id, _, _, time, quantity, price, _ in clean.events.itertuples(index=False):
            if event_id not in without:
                hour = time.replace(minute=0, second=0)
                revenue[hour] += quantity * price
                count[hour] += 1
        hourly = shop.hourly()
        assert len(hourly) == 21 * 24
        assert hourly["revenue"].tolist() == [revenue[hour] for hour in hourly.index]
        assert hourly["count"].tolist() == [count[hour] for hour in hourly.index]


def test_rows_with_dirt_add_up(soiled):
    """Rows = what happened + redelivered − lost, and every other row is as it was."""
    dirty, clean = soiled
    dirt, events, truly = dirty.truth.dirt, dirty.events, clean.events
    number = dirt["kind"].value_counts()
    assert len(events) == len(truly) + number["duplicate"] - number["gap"]
    spoilt = dirt.loc[dirt["kind"].isin(["malformed", "future", "duplicate"]), "row"]
    rest = events.drop(index=spoilt).sort_values("event_id")
    twin = truly[truly["event_id"].isin(rest["event_id"])]
    for name in [*INTEGERS, "purchase_time"]:
        assert rest[name].tolist() == twin[name].tolist()
    assert events["arrival_time"].is_monotonic_increasing
    delayed = rest.index[rest["arrival_time"] > pd.to_datetime(rest["purchase_time"], utc=True)]
    recorded = dirt.loc[dirt["kind"].isin(["late", "out_of_order", "burst"]), "row"]
    assert set(delayed) == set(recorded)


def test_each_dirty_row_is_as_recorded(soiled):
    """The record names the row, and the row shows the fault that the record names."""
    dirty, clean = soiled
    events, truth = dirty.events, dirty.truth
    truly = clean.events.set_index("event_id")
    faults = {
        "missing user": lambda row: row.user_id is None,
        "missing product": lambda row: row.product_id is None,
        "missing time": lambda row: row.purchase_time is None,
        "unreadable time": lambda row: isinstance(row.purchase_time, str),
        "zero quantity": lambda row: row.quantity == 0,
        "text quantity": lambda row: row.quantity == "two",
        "missing price": lambda row: row.price != row.price,
        "infinite price": lambda row: row.price == float("inf"),
    }
    happened = truly["purchase_time"]
    seen = Counter()
    for kind, detail, event_id, place in truth.dirt.itertuples(index=False):
        seen[kind] += 1
        if kind == "gap":
            assert place == -1
            assert any(gap.start <= happened[event_id] < gap.end for gap in truth.gaps)
            continue
        row = events.loc[place]
        assert row["event_id"] == event_id
        delay = (row["arrival_time"] - happened[event_id]).total_seconds()
        if kind == "late":
            assert delay >= 1800
        elif kind == "duplicate":
            twice = events[events["event_id"] == event_id]
            assert twice.index[-1] == place
            assert (twice.drop(columns="arrival_time").astype(str).duplicated(keep=False)).all()
        elif kind == "malformed":
            assert faults[detail](row)
        elif kind == "future":
            assert row["purchase_time"].year == 2099
        elif kind == "burst":
            assert row["arrival_time"] in [burst.end for burst in truth.bursts + truth.gaps]
        else:
            assert (kind, delay > 0) == ("out_of_order", True)
    assert len(seen) == 7
    for kind, rate in {"late": 0.01, "out_of_order": 0.05, "duplicate": 0.005}.items():
        assert seen[kind] == pytest.approx(len(truly) * rate, abs=5 * (len(truly) * rate) ** 0.5)
    for gap in truth.gaps:
        assert not events["arrival_time"].between(gap.start, gap.end, inclusive="left").any()


@pytest.mark.parametrize("kind", ["late", "out_of_order", "duplicate", "malformed"])
def test_one_kind_of_dirt_alone(kind):
    """A kind alone, on every row, leaves no row untouched and brings no other kind."""
    shop = simulate(2, dirt={kind: 1})
    assert set(shop.truth.dirt["kind"]) == {kind}
    assert len(shop.truth.dirt) == len(simulate(2).events)


def test_truth_adds_up(shop):
    """The parts sum to the expectation; the shapes sum to zero over whole weeks."""
    hourly = shop.truth.hourly
    parts = ["trend", "daily", "weekly", "promotion", "launch", "stock_out"]
    assert np.allclose(hourly[parts].sum(axis=1), hourly["expected"], rtol=1e-12)
    assert hourly["expected_count"].sum() == pytest.approx(28 * 700)
    assert abs(hourly[["daily", "weekly"]].sum()).max() < 1e-6 * hourly["trend"].sum()
    assert (hourly["expected"] > 0).all()
    assert 10_000 < len(shop.events) < 21_000


@pytest.mark.parametrize("days", [1, 6, 7, 13, 14, 15, 30, 100, 401])
def test_any_length(days):
    """Promotions, the launch and the stock-out scale with the run, and stay inside it."""
    shop = simulate(days, events_per_day=50)
    truth = shop.truth
    assert len(truth.promotions) == days // 14
    assert (truth.launch is None) == (truth.stock_out is None) == (days < 7)
    ends = [
        truth.hourly.index[0],
        *(p.end for p in truth.promotions),
        shop.events["purchase_time"].max(),
    ]
    assert max(ends) < shop.start + pd.Timedelta(days=days)
    assert len(truth.hourly) == len(shop.hourly()) == days * 24


def test_hours_are_poisson_around_the_truth(big):
    """Counts and revenue scatter around the expectation as Poisson baskets do."""
    truth, seen = big.truth.hourly, big.hourly()
    error = (seen["count"] - truth["expected_count"]) / np.sqrt(truth["expected_count"])
    # Of baskets with sizes s: variance / mean = E[s²] / E[s] = 4.25 / 1.77.
    assert abs(error.mean()) < 5 * np.sqrt(2.4 / len(error))
    assert error.var() == pytest.approx(4.25 / 1.77, rel=0.2)
    assert seen["revenue"].sum() == pytest.approx(truth["expected"].sum(), rel=0.01)
    promotion = truth["promotion"] > 0
    assert seen["revenue"][promotion].sum() == pytest.approx(
        truth["expected"][promotion].sum(), rel=0.03
    )
    without = truth["expected"][promotion].sum() - truth["promotion"][promotion].sum()
    assert seen["revenue"][promotion].sum() > 1.3 * without


def test_popularity_is_zipf_like(big):
    """Shares fall about as 1 / rank, and observed lines follow the stated shares."""
    share = big.products.set_index("product_id")["share"]
    assert share.sum() == pytest.approx(1)
    count = big.events["product_id"].value_counts()
    still = share.drop([big.truth.launch.product_id, big.truth.stock_out.product_id])
    still = still.drop(
        big.products.set_index("product_id")["goes_with"][
            list(set(share.index) - set(still.index))
        ]
    )
    expected = still * len(big.events)
    assert (abs(count.reindex(still.index) - expected) / np.sqrt(expected)).max() < 6
    ranked = count.to_numpy()[:100]
    slope = np.polyfit(np.log(np.arange(1, 101) + 2), np.log(ranked), 1)[0]
    assert -1.2 < slope < -0.7


def test_launch_and_stock_out(big):
    """Nobody buys what is not on sale, and its partner sells in its place."""
    events, truth = big.events, big.truth
    new = events.loc[events["product_id"] == truth.launch.product_id, "purchase_time"]
    assert truth.launch.start <= new.min() < truth.launch.start + pd.Timedelta(hours=12)
    missing = truth.stock_out
    inside = events["purchase_time"].between(missing.start, missing.end, inclusive="left")
    sold = events["product_id"] == missing.product_id
    assert not (inside & sold).any()
    assert (sold & (events["purchase_time"] >= missing.end)).any()
    partner = big.products.set_index("product_id")["goes_with"][missing.product_id]
    instead = events["product_id"] == partner
    assert instead[inside].mean() > 1.5 * instead[~inside].mean()


def test_baskets_and_habits(shop):
    """Lines of a basket share user and time; partners meet; users have favourites."""
    events = shop.events
    groups = events.groupby(["purchase_time", "user_id"])["product_id"]
    sizes = groups.size()
    assert sizes.mean() == pytest.approx(1.77, abs=0.05)
    assert (sizes == 1).mean() == pytest.approx(0.55, abs=0.03)
    goes_with = shop.products.set_index("product_id")["goes_with"]
    baskets = groups.agg(list)[sizes > 1]
    further = [goes_with[basket[0]] == line for basket in baskets for line in basket[1:]]
    assert np.mean(further) == pytest.approx(0.25, abs=0.04)
    per_user = events["user_id"].value_counts()
    assert per_user.iloc[0] > 8 * per_user.iloc[-1]
    busiest = events.loc[events["user_id"].isin(per_user.index[:50])]
    four = busiest.groupby("user_id")["product_id"].agg(
        lambda ids: ids.value_counts()[:4].sum() / len(ids)
    )
    assert 0.4 < four.mean() < 0.75


def test_returns(shop):
    """About one line in a hundred is a return, and none if so wished."""
    assert (shop.events["quantity"] < 0).mean() == pytest.approx(0.01, abs=0.004)
    none = simulate(7, returns=0)
    assert (none.events["quantity"] > 0).all()
    assert none.truth.hourly["expected"].sum() > simulate(7).truth.hourly["expected"].sum()


# Tolerances as shares of the usual hour: they hold for every one of 40 seeds at 28 days (worst:
# parts 0.132, correlation 0.838, promotions 43 % found) and 12 at 56 (0.089, 0.919, 70 %).
@pytest.mark.parametrize(
    ("days", "seed", "parts", "correlation", "promotions"),
    [(28, 7, 0.15, 0.8, 0.4), (56, 1, 0.1, 0.9, 0.65)],
)
def test_decomposition_finds_the_truth(days, seed, parts, correlation, promotions):
    """Robust MSTL gives back trend, shapes and promotions, the better the longer the run."""
    shop = simulate(days, seed)
    truth = shop.truth.hourly / shop.truth.hourly["trend"].mean()
    revenue = shop.hourly()["revenue"] / shop.truth.hourly["trend"].mean()
    options = {"robust": True, "seasonal_deg": 0}
    found = MSTL(revenue, periods=(24, 168), stl_kwargs=options).fit()
    season = found.seasonal.sum(axis=1)
    week = np.arange(len(truth)) % 168
    for place, part in ((week % 24, "daily"), (week // 24, "weekly")):
        error = season.groupby(place).mean() - truth[part].groupby(place).mean()
        assert (error**2).mean() < parts**2
    assert ((found.trend - truth["trend"]) ** 2).mean() < parts**2
    shape = (truth["daily"] + truth["weekly"]).groupby(week).mean()
    assert np.corrcoef(season.groupby(week).mean(), shape)[0, 1] > correlation
    promoted = truth["promotion"] > 0
    added, put_in = found.resid[promoted].sum(), truth["promotion"].sum()
    assert promotions * put_in < added < 1.2 * put_in


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"days": 0}, "days=0: a whole number from 1"),
        ({"days": 1.5}, "days=1.5: a whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"products": 9}, "from 10"),
        ({"start": "yesterday's"}, "try start='2024-03-04'"),
        ({"start": "2024-03-04T10:00"}, "a date from 1992"),
        ({"start": "1985-01-01"}, "a date from 1992"),
        ({"start": None}, "a date from 1992"),
        ({"returns": 2}, "from 0 to 1; try 0.01"),
        ({"dirt": "some"}, "give None, 'all' or a dict"),
        ({"dirt": {"mud": 1}}, "the kinds are late, "),
        ({"dirt": {"late": 0.7, "duplicate": 0.7}}, "together at most 1"),
        ({"dirt": {"late": float("nan")}}, "shares of the rows"),
        ({"dirt": {"late": "often"}}, "shares of the rows"),
        ({"dirt": {"gap": 29}}, "dirt gap=29: a whole number from 0 to 28"),
    ],
)
def test_bad_arguments(arguments, words):
    """Each message names the value, the rule and the remedy."""
    with pytest.raises(ParameterError, match=words.replace("(", r"\(")):
        simulate(**arguments)


def test_bad_batch_size(shop):
    """A batch size is checked at the call, before the first batch is asked for."""
    with pytest.raises(ParameterError, match="rows=0: a whole number from 1"):
        shop.batches(0)


def test_sample_is_reproducible(tmp_path):
    """The shipped sample has the manifest's hashes, and the script writes it again."""
    runpy.run_path(str(DATA / "make_sample.py"))["make_sample"](tmp_path)
    manifest = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    shipped = {path.name for path in DATA.glob("*.csv")}
    assert shipped == set(manifest["sha256"])
    for name, expected in manifest["sha256"].items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == expected
