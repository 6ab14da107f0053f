"""The join of a stream with a table against pandas' merge, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import events
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.errors import DataError, MissingColumnError, ParameterError

SHELVES = pd.DataFrame(
    {
        "product_id": [3, 1, 2**60],
        "shelf": [2**60 + 1, 8, 9],
        "name": ["tea", None, "salt"],
        "weight": [0.5, 1.0, np.nan],
        "sold": [True, False, True],
        "since": pd.to_datetime(["2024-01-01T00Z", "2023-01-01T00Z", None]),
    }
)


@given(frame=events().filter(len), by=st.sampled_from(["product_id", "user_id"]))
@examples(40)
def test_join_equals_merge(frame, by):
    """Rows, order and values are those of pandas' merge; what has no match is set aside."""
    names = frame[by].dropna().unique()[1:]
    table = pd.DataFrame({by: [*names], "shelf": np.arange(len(names)) + 2**60})
    found = rt.enrich(frame, table, on=by)
    merged = frame.merge(table.astype({"shelf": "Int64"}), on=by, how="left")
    pd.testing.assert_frame_equal(found, merged, check_dtype=False)
    assert found["shelf"].dtype == "Int64"
    known = frame[by].isin(names)
    result, unmatched = rt.enrich(frame, table, on=by, how="inner")
    pd.testing.assert_frame_equal(unmatched, frame[~known].reset_index(drop=True))
    assert result["shelf"].tolist() == [2**60 + list(names).index(one) for one in frame[by][known]]


def test_types_do_not_hang_on_the_rows():
    """Whole numbers stay whole, to the last digit, whether or not all rows have a match."""
    full, short = (
        rt.enrich(pd.DataFrame({"product_id": keys}), SHELVES)
        for keys in ([3, 2**60, 1], [3, 4, 4])
    )
    assert full.dtypes.tolist() == short.dtypes.tolist()
    assert full["shelf"].tolist() == [2**60 + 1, 9, 8]
    assert short["shelf"].tolist() == [2**60 + 1, pd.NA, pd.NA]
    assert short["sold"].tolist() == [True, pd.NA, pd.NA]
    assert short[["name", "weight", "since"]].isna().all(axis=1).tolist() == [False, True, True]
    inner = rt.enrich(pd.DataFrame({"product_id": [1, 5]}), SHELVES, how="inner").result
    assert inner[["shelf", "sold"]].dtypes.tolist() == [np.int64, np.bool_]


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ([3.0, np.nan, 1.5], ["tea", None, None]),
        (pd.array([3, None, 7], dtype="Int64"), ["tea", None, None]),
        (np.array([3, "3", None], object), ["tea", None, None]),
        (pd.Categorical([3, 9, 3]), ["tea", None, "tea"]),
        ([None, None], [None, None]),
        ([], []),
    ],
)
def test_keys_of_every_type(keys, names):
    """Keys match by their value, whatever type holds them; a missing key matches nothing."""
    found = rt.enrich(pd.DataFrame({"product_id": keys}), SHELVES, columns="name")
    assert [None if pd.isna(one) else one for one in found["name"]] == names
    assert list(found) == ["product_id", "name"]


def test_on_a_stream():
    """A stream carries the unmatched rows too; the table may be named by its index."""
    frame = pd.DataFrame({"product_id": [1, 4, 3, 1], "n": range(4)})
    node = rt.replay(frame, rows=1).enrich(SHELVES.set_index("product_id"), how="inner")
    result, unmatched = rt.drain(node, node.unmatched)
    assert result["n"].tolist() == [0, 2, 3]
    assert unmatched["n"].tolist() == [1]
    assert repr(node) == "<Enrich(table of 3 rows, on='product_id', how='inner')>"
    with pytest.raises(AttributeError, match="unmatched"):
        _ = rt.replay(frame).enrich(SHELVES).unmatched


def test_the_table_is_a_copy():
    """What happens to the table afterwards changes nothing."""
    table = SHELVES.copy()
    step = rt.steps.Enrich(table, columns=["name"])
    table.loc[:, "name"] = "gone"
    found = step.update(step.initial(), pd.DataFrame({"product_id": [3]}))["result"]
    assert found["name"].tolist() == ["tea"]
    assert step == step  # noqa: PLR0124  (comparing tables would fail)


@pytest.mark.parametrize(
    ("table", "more", "error", "words"),
    [
        ([1], {}, ParameterError, "table of type list"),
        (SHELVES, {"how": "outer"}, ParameterError, "'outer'"),
        (SHELVES, {"on": "sku"}, MissingColumnError, "'sku' is not in the table"),
        (SHELVES, {"columns": ["colour"]}, MissingColumnError, "'colour' is not in the table"),
        (pd.concat([SHELVES, SHELVES]), {}, ParameterError, "product_id=3 twice"),
        (SHELVES.replace({"product_id": {3: np.nan}}), {}, ParameterError, "1 rows .* no 'prod"),
        (SHELVES.rename(columns={"shelf": "n"}), {}, DataError, "column 'n' as the table has"),
        (
            SHELVES.astype({"product_id": str}),
            {},
            DataError,
            "numbers, and the table's text",
        ),
        (SHELVES.rename(columns={"product_id": "sku"}), {"on": "sku"}, DataError, "'sku'"),
    ],
)
def test_refusals(table, more, error, words):
    """What cannot be joined is refused in words."""
    with pytest.raises(error, match=words):
        rt.enrich(pd.DataFrame({"product_id": [1], "n": [2]}), table, **more)
    with pytest.raises(DataError, match="holds text, and the table's numbers"):
        rt.enrich(pd.DataFrame({"product_id": [None, "1"]}), SHELVES)
    lists = pd.DataFrame({"product_id": np.array([1, [2]], object)})
    with pytest.raises(DataError, match="values that are no keys"):
        rt.enrich(lists, SHELVES)
