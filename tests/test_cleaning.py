"""Cleaning against a loop over rows with its own words, and exact money."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import purchases
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.errors import MissingColumnError, ParameterError

TOMORROW = datetime.now(UTC).timestamp() + 86_400


def missing(value):
    """Tell whether a cell is empty."""
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def blank(value):
    """Tell whether a cell is empty, or text of spaces."""
    return missing(value) or (isinstance(value, str) and not value.strip())


def number(value):
    """Read a number or its text; None where it is neither."""
    if isinstance(value, (bool, list)):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(found) else found


def moment(value, zone):
    """Read a time: seconds since 1970, or the reason why not."""
    if blank(value):
        return "missing purchase_time"
    try:
        time = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return "unreadable purchase_time"
    if time.tzinfo is None:
        if zone is None:
            return "purchase_time without a zone"
        local = time.replace(tzinfo=ZoneInfo(zone))
        if local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != time:
            return "purchase_time skipped by a clock change"
        time = local
    return time.timestamp()


def verdict(row, *, tz, missing_user, returns):
    """Give the first reason against a row, or None: the policies in plain words."""
    if not blank(row.get("_raw")):
        return "malformed record"
    for name in ("user_id", "product_id"):
        kept = name == "user_id" and missing_user == "keep"
        if blank(row[name]) and not kept:
            return f"missing {name}"
        if not blank(row[name]) and (row[name] == math.inf or isinstance(row[name], list)):
            return f"unreadable {name}"
    time = moment(row["purchase_time"], tz)
    if isinstance(time, str):
        return time
    if time > TOMORROW:
        return "purchase_time in the future"
    for name in ("quantity", "price" if "price" in row else "amount"):
        if name not in row:
            continue
        if blank(row[name]):
            return f"missing {name}"
        found = number(row[name])
        if found is None:
            return f"unreadable {name}"
        if math.isinf(found):
            return f"infinite {name}"
        if name == "quantity" and found == 0:
            return "zero quantity"
        if name == "quantity" and found < 0 and returns == "reject":
            return "return"
        if name == "price" and found < 0:
            return "negative price"
    return None


@given(st.data())
@examples(150)
def test_clean_equals_the_loop(data):
    """Each row is kept, or rejected with the reason, that a loop in plain words gives."""
    frame = data.draw(purchases())
    policy = {
        "tz": data.draw(st.sampled_from([None, "Asia/Shanghai", "America/New_York"])),
        "missing_user": data.draw(st.sampled_from(["keep", "reject"])),
        "returns": data.draw(st.sampled_from(["keep", "reject"])),
    }
    frame["row"] = np.arange(len(frame))
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.astype(object).to_numpy()]
    expected = [verdict(row, **policy) for row in rows]
    good, rejected = rt.clean(frame, **policy)
    words = dict.fromkeys(good.row) | dict(zip(rejected.row, rejected.reason, strict=True))
    assert [words[row] for row in range(len(frame))] == expected
    assert len(good) + len(rejected) == len(frame)
    for row, time in zip(good.row, good.purchase_time, strict=True):
        assert time.timestamp() == moment(rows[row]["purchase_time"], policy["tz"])
    if "quantity" in frame:
        assert [float(one) for one in good.quantity] == [
            number(rows[row]["quantity"]) for row in good.row
        ]


@given(st.data())
@examples(40)
def test_clean_has_one_shape(data):
    """Good rows have the contract's types, and rejected rows are the original ones."""
    frame = data.draw(purchases())
    good, rejected = rt.clean(frame, tz="UTC")
    assert str(good.purchase_time.dtype) == "datetime64[us, UTC]"
    assert good.is_return.dtype == bool
    assert (good.is_return == (good.quantity < 0)).all()
    assert good.quantity.dtype.kind in "if"
    kept = [name for name in frame.columns if name != "_raw"]
    extra = [name for name in ("quantity", "amount", "is_return") if name not in kept]
    if "amount" in extra and "price" not in kept:
        extra.remove("amount")
    assert list(good.columns) == kept + extra
    assert list(rejected.columns) == [*frame.columns, "reason"]
    assert good.attrs == {}
    assert rejected.attrs == {}
    again = rt.clean(good, tz="UTC")
    assert len(again.good) == len(good)  # what is clean stays clean


@given(st.data())
@examples(200)
def test_money_is_exact(data):
    """An amount is the double nearest to the exact product of what was written."""
    places = data.draw(st.integers(0, 4))
    digits = data.draw(st.lists(st.integers(0, 10**8), min_size=1, max_size=30))
    quantity = data.draw(
        st.lists(st.integers(-500, 500).filter(bool), min_size=len(digits), max_size=len(digits))
    )
    prices = [Decimal(one).scaleb(-places) for one in digits]
    expected = [float(price * count) for price, count in zip(prices, quantity, strict=True)]
    frame = pd.DataFrame(
        {
            "user_id": 1, "product_id": 1, "purchase_time": "2024-03-04T09:30Z",
            "quantity": quantity, "price": [float(one) for one in prices],
        }
    )  # fmt: skip
    assert rt.clean(frame).good.amount.tolist() == expected
    written = frame.assign(price=[str(one) for one in prices], quantity=frame.quantity.astype(str))
    assert rt.clean(written).good.amount.tolist() == expected


@given(st.data())
@examples(60)
def test_fractions_of_pieces_are_exact(data):
    """2.345 kg at 3.99 is the double nearest to the exact product."""
    thousandths = st.integers(1, 10**6)
    pairs = data.draw(st.lists(st.tuples(thousandths, thousandths), min_size=1, max_size=30))
    exact = [(Decimal(a).scaleb(-3), Decimal(b).scaleb(-3)) for a, b in pairs]
    frame = pd.DataFrame(
        {
            "user_id": 1, "product_id": 1, "purchase_time": "2024-03-04T09:30Z",
            "quantity": [float(a) for a, _ in exact], "price": [float(b) for _, b in exact],
        }
    )  # fmt: skip
    assert rt.clean(frame).good.amount.tolist() == [float(a * b) for a, b in exact]


def test_whole_cents_stay_whole():
    """Integers multiply to integers, beyond what a double holds too."""
    frame = pd.DataFrame(
        {
            "user_id": [1, 2], "product_id": 1, "purchase_time": "2024-03-04T09:30Z",
            "quantity": [3, 1], "price": [2**53 + 1, 7],
        }
    )  # fmt: skip
    good = rt.clean(frame).good
    assert good.amount.tolist() == [3 * (2**53 + 1), 7]
    assert good.amount.dtype == np.int64


def test_products_do_not_wrap():
    """A product beyond 64 bits becomes a float, never a wrong integer."""
    frame = pd.DataFrame(
        {
            "user_id": 1, "product_id": 1, "purchase_time": "2024-03-04T09:30Z",
            "quantity": [100], "price": [10**18],
        }
    )  # fmt: skip
    assert rt.clean(frame).good.amount.tolist() == [1e20]
    assert rt.clean(frame.assign(price=1e307)).rejected.reason.tolist() == ["amount out of range"]


def test_the_logs_own_amount_is_kept():
    """A log that gives the line's total, and no price, keeps it."""
    event = {"user_id": 1, "product_id": 7, "purchase_time": "2024-03-04T09:30Z"}
    good = rt.clean([event | {"quantity": 3, "amount": 10.0}]).good
    assert good.amount.tolist() == [10.0]
    assert "amount" not in rt.clean([event]).good
    assert rt.clean([event]).good.quantity.tolist() == [1]


def test_attrs_stay_with_the_user():
    """The source's bound on time does not show in the user's frame, nor in what is given back."""
    frame = pd.DataFrame(
        {"user_id": [1], "product_id": [7], "purchase_time": ["2024-03-04T09:30Z"]}
    )
    seen = []
    node = rt.replay(frame).clean()
    node.sink(seen.append)
    live = node.drain()
    assert frame.attrs == {}
    assert live.attrs == {}
    assert [piece.attrs for piece in seen] == [{}]
    for sink in list(node.downstreams):
        sink.destroy()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"tz": "Moon"}, "tz='Moon'.*IANA"),
        ({"tz": 8}, "tz=8"),
        ({"missing_user": "drop"}, "missing_user='drop'.*'keep' or 'reject'"),
        ({"returns": None}, "returns=None"),
        ({"unit": "min"}, "unit='min'"),
        ({"not_after": "2024-01-01"}, "no zone.*00:00"),
        ({"not_after": "soon"}, "not a time"),
    ],
)
def test_wrong_policies(parameters, words):
    """A policy that does not exist is refused, with the ones that do."""
    with pytest.raises(ParameterError, match=words):
        rt.steps.Clean(**parameters)


def test_missing_columns():
    """A missing column is named, with those that are there, and caught as a KeyError too."""
    frame = pd.DataFrame({"user": [1], "product_id": [7], "purchase_time": ["2024-03-04T09:30Z"]})
    with pytest.raises(
        MissingColumnError, match=r"'user_id' is missing; the data has user, .*renam"
    ):
        rt.clean(frame)
    with pytest.raises(KeyError):
        rt.clean(frame.rename(columns={"user": "user_id"}), on="when")
