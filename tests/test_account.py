"""The account of rows: nothing is lost, and money is added as it is written."""

from decimal import Decimal, getcontext

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import purchases
from hypothesis import given, reject
from hypothesis import strategies as st

import rtlab as rt
from rtlab.account import Account
from rtlab.analysis import Plan, analyse
from rtlab.errors import DataError, MissingColumnError

getcontext().prec = 60


def used(amounts):
    """Make good rows of amounts; negative ones are returns."""
    amount = np.asarray(amounts)
    return pd.DataFrame({"amount": amount, "is_return": amount < 0})


@given(frame=purchases().filter(len), rows=st.integers(1, 50))
@examples(15)
def test_every_row_is_accounted_for(frame, rows):
    """Of any dirt that is drawn, rows in = used + rejected + late + duplicate."""
    frame = frame.assign(event_id=np.arange(len(frame)) // 2)
    try:
        found = analyse(frame, Plan(every="1D", rows=rows, delay="1h", tz="Europe/London"))
    except DataError:  # no good row, so that there is nothing to account for
        reject()
    account = found.account
    parts = (account.used, account.rejected.total(), account.late, account.duplicate)
    assert account.arrived == len(frame) == sum(parts)
    assert account.balanced
    assert account.used == found.windows["lines"].sum()
    assert min(parts) >= 0


@given(st.data())
@examples(60)
def test_totals_equal_decimal_arithmetic(data):
    """Quantity × price of written decimals: the total is that of decimal.Decimal, to the digit."""
    places = data.draw(st.integers(0, 4))
    cents = st.integers(0, 10 ** data.draw(st.integers(1, 10)))
    lines = data.draw(st.lists(st.tuples(st.integers(-99, 99).filter(bool), cents), min_size=1))
    prices = [Decimal(cent).scaleb(-places) for _, cent in lines]
    frame = pd.DataFrame(
        {
            "user_id": 1, "product_id": 1,
            "purchase_time": pd.Timestamp("2024-03-04T09:00Z"),
            "quantity": [quantity for quantity, _ in lines],
            "price": [float(price) for price in prices],
        }
    )  # fmt: skip
    account = Account()
    for half in (frame.iloc[: len(frame) // 2], frame.iloc[len(frame) // 2 :]):
        account.see_used(rt.clean(half).good)
    sold = [quantity * price for (quantity, _), price in zip(lines, prices, strict=True)]
    assert account.total == sum(sold)
    assert account.returned == sum(one for one in sold if one < 0)
    assert account.returns == sum(quantity < 0 for quantity, _ in lines)


@pytest.mark.parametrize(
    "written",
    [
        ["0.1234567", "0.7654321", "-0.0000001"],  # seven decimals
        ["12345.678901234", "0.1", "2.5"],
        ["90071992547.40993", "0.01"],  # beyond 2**53 millionths
        ["1e300", "0.01", "-1e300"],
        ["1e-300", "1e300"],
        ["9007199254740993000", "1"],
        ["0.1"] * 1000,
        ["-19.99", "-0.01"],
    ],
)
def test_amounts_of_any_size(written):
    """Each amount counts as it is written, to fifteen digits, beside very large and small ones."""
    account = Account()
    account.see_used(used([float(one) for one in written]))
    with np.errstate(all="raise"):
        expected = [Decimal(f"{float(one):.15g}") for one in written]
    getcontext().prec = 700
    assert account.total == sum(expected)
    assert account.returned == sum(one for one in expected if one < 0)
    getcontext().prec = 60


def test_whole_numbers_beyond_64_bits():
    """Sums of whole numbers that leave 64 bits stay exact."""
    most, least = 2**63 - 1, -(2**63)
    account = Account()
    account.see_used(used(np.array([most] * 3)))
    assert account.total == 3 * most
    account.see_used(used(np.array([least] * 3)))
    assert account.total == 3 * (most + least)
    assert account.returned == 3 * least


def test_lines_add_up_and_speak():
    """The lines hold every row once, the sentence says the same, reasons by their number."""
    account = Account()
    account.see_arrived(range(1234))
    account.see_used(used([1] * 1228 + [-1]))
    account.see_rejected(pd.DataFrame({"reason": ["zero quantity", "missing price"]}))
    account.see_rejected(pd.DataFrame({"reason": ["missing price"]}))
    account.see_duplicate(pd.DataFrame({"event_id": [5]}))
    account.see_late(used([1]))
    lines = account.lines()
    assert lines[3:5] == [("rejected: missing price", 2), ("rejected: zero quantity", 1)]
    parts = [rows for name, rows in lines[1:] if not name.startswith("of these")]
    assert sum(parts) == lines[0][1] == 1234
    assert account.sentence() == "1,234 rows = 1,229 used + 3 rejected + 1 late + 1 duplicate"
    account.see_arrived([0])
    assert not account.balanced


def test_finished_data_are_accounted_for_in_one_line():
    """Of a dirty shop, each row stands where its truth says; the picture has these numbers."""
    shop = rt.simulate(days=3, dirt={"malformed": 0.02, "duplicate": 0.02, "future": 1})
    good, rejected = rt.clean(shop.events)
    unique, duplicate = rt.dedupe(good)
    account = rt.Account.of(shop.events, used=unique, rejected=rejected, duplicate=duplicate)
    kinds = shop.truth.dirt["kind"].value_counts()
    assert account.balanced
    assert account.rejected.total() == kinds["malformed"] + kinds["future"]
    assert account.duplicate == kinds["duplicate"]
    assert account.used == shop.hourly()["count"].sum()
    assert account.total == int(shop.hourly()["revenue"].sum())
    facts = account.plot(title="Three days").facts
    assert facts["in"] == len(shop.events)
    assert facts["used"] == account.used


def test_late_rows_and_pieces_are_accounted_for_in_one_line():
    """Late rows have their place, and a log without prices is counted in pieces."""
    rows = pd.DataFrame({"quantity": [2, -1], "is_return": [False, True]})
    account = rt.Account.of(range(3), used=rows, late=rows[:1])
    assert account.lines() == [
        ("rows in", 3), ("used", 2), ("of these, returns", 1), ("late", 1), ("duplicate", 0)
    ]  # fmt: skip
    assert (account.total, account.returned) == (1, -1)


def test_an_account_that_does_not_balance_says_so():
    """Forgotten rows and rows counted twice are not hidden behind an equals sign."""
    rows = used([1, 2])
    parts = "2 used + 0 rejected + 0 late + 0 duplicate"
    assert rt.Account.of(range(1002), used=rows).sentence() == (
        f"1,002 rows ≠ {parts}; 1,000 missing"
    )
    assert rt.Account.of([0], used=rows).sentence() == f"1 rows ≠ {parts}; 1 too many"
    with pytest.raises(DataError, match="parts make 2 rows of 1"):
        rt.Account.of([0], used=rows).plot()


def test_account_takes_what_clean_gave():
    """Rows that were never cleaned are refused, with the line to write."""
    raw = pd.DataFrame({"amount": [1]})
    with pytest.raises(MissingColumnError, match=r"'is_return' is not among amount.*rt\.clean"):
        rt.Account.of(raw, used=raw)
    with pytest.raises(MissingColumnError, match=r"'reason' is not among amount"):
        rt.Account.of(raw, used=used([1]), rejected=raw)


@pytest.mark.parametrize("name", ["used", "rejected", "late", "duplicate"])
def test_account_takes_rows_not_their_number(name):
    """A number in place of rows is refused by its name; an account shows itself as a sentence."""
    rows = used([1])
    with pytest.raises(DataError, match=f"{name} of type int: give the rows themselves"):
        rt.Account.of(rows, **{"used": rows, name: 1})
    assert "1 rows = 1 used + 0 rejected" in repr(rt.Account.of(rows, used=rows))


def test_pieces_where_there_are_no_prices():
    """A log without prices is accounted for in pieces."""
    account = Account("quantity")
    account.see_used(pd.DataFrame({"quantity": [2, -1], "is_return": [False, True]}))
    assert (account.total, account.returned) == (1, -1)


@pytest.mark.parametrize(
    ("written", "rounded", "known"),
    [
        (["0.1", "123456789012.345"], 0, "123456789012.445"),
        (["90071992547.40993", "0.01"], 1, "90071992547.4199"),
        (["9007199254740993000", "1"], 1, "9007199254740990000"),
        (["1234567890123456.5", "-1234567890123456.5", "7.25"], 2, "0"),
        (["0.1234567"] * 3, 0, "0.3703701"),
    ],
)
def test_only_known_digits(written, rounded, known):
    """Amounts with more than 15 digits are counted; the total stops where they stop."""
    account = Account()
    account.see_used(used([float(one) for one in written]))
    assert account.rounded == rounded
    assert account.known(account.total) == Decimal(known)


def test_multiplying_makes_no_digits():
    """3 × 0.1234567 has noise behind its seven decimals, but not more than 15 digits."""
    frame = pd.DataFrame(
        {
            "user_id": 1, "product_id": 1, "purchase_time": pd.Timestamp("2024-03-04T09:00Z"),
            "quantity": [3, 7, 1], "price": [0.1234567, 0.1234567, 90071992547.40993],
        }
    )  # fmt: skip
    good = rt.clean(frame).good
    assert good["amount"].iloc[0] == 3 * 0.1234567 != 0.3703701
    account = Account()
    account.see_used(good.iloc[:2])
    assert (account.rounded, account.total) == (0, Decimal("1.2345670"))
    account.see_used(good)
    assert account.rounded == 1
