"""Data that Hypothesis draws for the law: raw purchases, clean events and regular series.

Hypothesis draws the size, the kinds of columns and a seed; numpy fills the rows from pools of
awkward values, which is faster by far than a draw for each cell.
"""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
START = pd.Timestamp("2024-03-09T20:00", tz="UTC")  # the clocks of New York change next morning

USERS = {
    "int": [1, 2, 3, 10**12],
    "float": [1.0, 2.0, np.nan, 2.5, np.inf],
    "text": ["ana", "Ana", "李雷", "שרה", " ", ""],
    "mixed": [1, "1", None, np.nan, 2.0, "ana", True, ["ana"], ""],
}
TIMES = {
    "zoned": ["2024-03-09T20:15Z", "2024-03-09T15:59:59.999999-05:00", "2024-03-10 04:00+08:00"],
    "naive": ["2024-03-10T02:30", "2024-03-10 09:00:00", "2024-11-03T01:30", "2024-03-10"],
    "bad": ["", "half past nine", "2099-01-01T00:00Z", "2024-13-01T00:00Z", "Z", "٢٠٢٤"],
}
NUMBERS = {
    "int": [1, 2, 3, 0, -1, 250],
    "float": [1.0, 0.1, 2.5, np.nan, np.inf, -np.inf, -1.0, 0.0, 19.99],
    "text": ["1", " 2 ", "0.1", "x", "", "-1", "1e3", "nan"],
    "mixed": [1, 2.5, "3", None, True, "one", np.nan, [1], -2, 0],
}


def _pick(rng, pool, rows):
    """Take values of a pool at random, as the column that pandas makes of them."""
    return pd.Series([pool[i] for i in rng.integers(0, len(pool), rows)], dtype=_dtype(pool))


def _dtype(pool):
    kinds = {type(one) for one in pool}
    return None if kinds <= {int} or kinds <= {float} else object


@st.composite
def purchases(draw):
    """Raw events as they arrive: missing, unreadable, doubled, from 2099, returned."""
    rng = np.random.default_rng(draw(SEEDS))
    rows = draw(st.integers(0, 40))
    zoned = draw(st.sampled_from(["text", "stamps"]))
    columns = {
        "user_id": _pick(rng, USERS[draw(st.sampled_from(list(USERS)))], rows),
        "product_id": _pick(rng, USERS[draw(st.sampled_from(["int", "text", "mixed"]))], rows),
    }
    if zoned == "stamps":
        step = pd.to_timedelta(rng.integers(0, 10**7, rows), unit="ms")
        columns["purchase_time"] = pd.Series(START + step)
        far = rng.random(rows) < 0.05
        columns["purchase_time"] = columns["purchase_time"].mask(
            far, pd.Timestamp("2099", tz="UTC")
        )
    else:
        pool = TIMES["zoned"] * 2 + TIMES["naive"] + TIMES["bad"] + [None, START, np.nan]
        columns["purchase_time"] = _pick(rng, pool, rows)
    for name in ("quantity", "price", "amount"):
        kind = draw(st.sampled_from([*NUMBERS, None]))
        if kind is not None:
            columns[name] = _pick(rng, NUMBERS[kind], rows)
    if draw(st.booleans()):
        columns["_raw"] = _pick(rng, [None, None, None, '{"user_id": 1'], rows)
    columns["note"] = _pick(rng, ["", "gift", None, 3], rows)  # passes through untouched
    frame = pd.DataFrame(columns)
    again = np.sort(rng.integers(0, max(rows, 1), rows))  # some rows are doubled, some gone
    return frame.iloc[again].reset_index(drop=True) if draw(st.booleans()) else frame


@st.composite
def events(draw):
    """Clean events: typed columns, UTC times out of order, ties, redeliveries, missing keys."""
    rng = np.random.default_rng(draw(SEEDS))
    rows = draw(st.integers(0, 60))
    hours = draw(st.sampled_from([1, 6, 50]))
    disorder = draw(st.sampled_from([0, 10, 180]))  # minutes
    minutes = np.sort(rng.uniform(0, hours * 60, rows)) - rng.uniform(0, disorder, rows)
    if draw(st.booleans()):
        minutes = np.round(minutes)  # ties, and times on the edges of windows
    time = START + pd.to_timedelta((minutes * 60_000_000).astype(np.int64), unit="us")
    keys = {
        "int": [1, 2, 3], "text": ["ana", "李雷", "שרה", None], "float": [1.0, 2.0, np.nan],
    }  # fmt: skip
    quantity = _pick(rng, [1, 1, 2, 3, -1], rows)
    prices = [250, 100, 40] if draw(st.booleans()) else [0.1, 19.99, 1e16, 3.0]
    price = _pick(rng, prices, rows)
    return pd.DataFrame(
        {
            "event_id": _pick(rng, list(range(max(rows // 2, 1))), rows),
            "user_id": _pick(rng, keys[draw(st.sampled_from(list(keys)))], rows),
            "product_id": _pick(rng, keys[draw(st.sampled_from(["int", "text"]))], rows),
            "purchase_time": pd.Series(time).dt.as_unit("us"),
            "quantity": quantity,
            "price": price,
            "amount": quantity * price,
            "is_return": quantity < 0,
        }
    )


LABELS = {
    "hours": lambda rows: pd.date_range(START, periods=rows, freq="1h"),
    "23 hours": lambda rows: pd.date_range(START, periods=rows, freq="23h"),
    "days": lambda rows: pd.date_range("2024-03-01", periods=rows, tz="America/New_York"),
    "28 days": lambda rows: pd.date_range("2000-01-01", periods=rows, freq="28D"),
    "ends of months": lambda rows: pd.date_range("2000-01-31", periods=rows, freq="ME"),
    "numbers": lambda rows: pd.RangeIndex(1000, 1000 + rows),
    "text": lambda rows: pd.Index([f"tick {n}" for n in range(rows)], dtype=object),
}


@st.composite
def series(draw):
    """Ticks with a day's shape, a trend and noise; in cents or in fractions, with gaps.

    Labels are hours, or days on a clock that changes, ends of months, odd steps, numbers or text.
    """
    rng = np.random.default_rng(draw(SEEDS))
    rows = draw(st.one_of(st.integers(0, 12), st.integers(60, 240)))
    hour = np.arange(rows)
    values = 500 + hour + 200 * np.sin(hour * 2 * np.pi / 24) + rng.normal(0, 30, rows)
    values *= draw(st.sampled_from([1.0, 1e9]))
    index = draw(st.sampled_from(sorted(LABELS)).map(LABELS.get))(rows).rename("start")
    kind = draw(st.sampled_from(["cents", "fractions", "gaps", "flat", "wide"]))
    if kind == "cents":
        values = np.rint(values).astype(np.int64)
    elif kind == "gaps":
        values[rng.random(rows) < 0.1] = np.nan
    elif kind == "flat":
        values[:] = 7.0
    elif kind == "wide":
        return pd.DataFrame({"a": values, "b": values[::-1]}, index=index)
    return pd.Series(values, index=index, name="revenue")


@st.composite
def long(draw):
    """Hourly ticks of several products, one below the other: each from its first hour on."""
    rng = np.random.default_rng(draw(SEEDS))
    hours, products = draw(st.integers(0, 60)), draw(st.integers(1, 4))
    names = draw(st.sampled_from([[7, 3, 10**12, 5], ["茶", None, "tea", ""]]))[:products]
    first = rng.integers(0, 30, products) * draw(st.integers(0, 1))
    hour, which = np.nonzero(np.arange(hours)[:, None] >= first)
    values = 500 + 200 * np.sin(hour * np.pi / 12) + rng.normal(0, 30, len(hour))
    values[rng.random(len(hour)) < draw(st.sampled_from([0, 0.1]))] = np.nan
    key = pd.Series([names[one] for one in which], dtype=_dtype(names))
    columns = {"end": START + pd.to_timedelta(hour + 1, unit="h"), "product_id": key.to_numpy()}
    index = (START + pd.to_timedelta(hour, unit="h")).rename("start")
    return pd.DataFrame(columns | {"revenue": values}, index=index)


@st.composite
def cuts(draw, rows):
    """Places at which to cut: anywhere, twice at one place (an empty batch), after every row."""
    anywhere = st.lists(st.integers(0, rows), max_size=6).map(sorted)
    return draw(st.one_of(anywhere, st.just(list(range(rows))) if rows <= 25 else anywhere))


DATA = {"purchases": purchases(), "events": events(), "series": series(), "long": long()}
