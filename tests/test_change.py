"""Differences and their inverse, against pandas, R and the series themselves."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.errors import DataError, ParameterError
from rtlab.steps import registered, run

DATA = Path(__file__).parent / "data"
R = pd.read_csv(DATA / "r_series.csv", comment="#")
AIR = pd.read_csv(DATA / "r_data.csv", comment="#")["air"].dropna()

ORDERS, LAGS = st.integers(1, 3), st.integers(1, 5)
CENTS = st.lists(st.integers(-(2**40), 2**40), min_size=16, max_size=60)


def pieces(data, places):
    """Cut data at the places."""
    edges = [0, *[place for place in places if place <= len(data)], len(data)]
    return [data.iloc[a:b] for a, b in pairwise(edges)]


CUTS = st.lists(st.integers(0, 60), max_size=6).map(sorted)


@given(CENTS, ORDERS, LAGS, CUTS)
@examples(60)
def test_difference_equals_pandas_diff_repeated(values, order, lag, places):
    """Bit for bit, however cut, for one series and for two."""
    series = pd.Series(values, name="cents")
    expected = series
    for _ in range(order):
        expected = expected.diff(lag)
    found = run(registered()["difference"](order, lag), pieces(series, places))
    pd.testing.assert_series_equal(found, expected, check_exact=True)
    wide = rt.difference(pd.DataFrame({"a": series, "b": -series}), order=order, lag=lag)
    pd.testing.assert_series_equal(wide["b"], (-expected).rename("b"), check_exact=True)


@given(CENTS, ORDERS, LAGS, CUTS, st.booleans())
@examples(80)
def test_integrate_inverts_difference_bit_for_bit(values, order, lag, places, bare):
    """Integers come back exactly, with the leading NaN rows or without, however cut."""
    series = pd.Series(values, name="cents", dtype=float)
    need = order * lag
    changes = rt.difference(series, order=order, lag=lag)
    step = registered()["integrate"](series[:need], order, lag)
    if bare:
        found = run(step, pieces(changes[need:], places))
        pd.testing.assert_series_equal(found, series[need:], check_exact=True, check_index=False)
    else:
        found = run(step, pieces(changes, places))
        pd.testing.assert_series_equal(found, series, check_exact=True)


def test_difference_and_inverse_equal_r():
    """R's diff and diffinv, of the second order at lag 12, on AirPassengers."""
    changes = rt.difference(AIR, order=2, lag=12)
    assert changes[24:].tolist() == R["air_diff"].dropna().tolist()
    back = rt.integrate(changes, start=AIR[:24], order=2, lag=12)
    assert back.tolist() == R["air_inverse"].dropna().tolist() == AIR.tolist()


def test_frames_come_back_column_by_column():
    """Each column builds on its own start; one start may serve all."""
    frame = pd.DataFrame({"a": [5, 7, 4, 9], "b": [1, 1, 2, 8]}, dtype=float)
    changes = rt.difference(frame, lag=2)
    pd.testing.assert_frame_equal(rt.integrate(changes, frame[:2], lag=2), frame)
    assert rt.integrate(changes[2:], (1, 1), lag=2).to_numpy().tolist() == [[0, 2], [3, 8]]


@given(st.integers(0, 2**32 - 1), ORDERS, LAGS, CUTS)
@examples(40)
def test_many_series_come_back_bit_for_bit(seed, order, lag, places):
    """Wide frames, arrays, and keys of a long frame that begin at different rows, however cut."""
    rng = np.random.default_rng(seed)
    need = order * lag
    arrays = rng.integers(-(2**40), 2**40, (60, 7)).astype(float)
    forward = registered()["difference"](order, lag)
    wide = pd.DataFrame(arrays)
    changes = run(forward, pieces(wide, places))
    back = registered()["integrate"](wide[:need], order, lag)
    pd.testing.assert_frame_equal(run(back, pieces(changes, places)), wide, check_exact=True)
    bare = rt.integrate(rt.difference(arrays, order, lag)[need:], arrays[:need], order, lag)
    assert (bare == arrays[need:]).all()
    arrays[:need] = 5.0  # one start for all keys
    long = pd.DataFrame(arrays).melt(ignore_index=False, var_name="key", value_name="cents")
    first = rng.integers(0, 20, 7)[long["key"].to_numpy(int)] * (long.index >= need)
    long = long.iloc[np.argsort(long.index + first, kind="stable")]
    keyed = {"order": order, "lag": lag, "by": "key"}
    changes = run(registered()["difference"](**keyed), pieces(long, places))
    back = registered()["integrate"]([5.0] * need, **keyed)
    found = run(back, pieces(changes, places))
    assert (found["cents"].to_numpy() == long["cents"].to_numpy()).all()


def test_series_of_a_frame_may_begin_differently():
    """A column that begins with NaN takes its start in their place, one beside it goes on."""
    changes = pd.DataFrame({"whole": [np.nan, 2.0, 3.0], "bare": [1.0, 2.0, 3.0]})
    found = rt.integrate(changes, start=[[10.0, 20.0]])
    assert found.to_dict("list") == {"whole": [10.0, 12.0, 15.0], "bare": [21.0, 23.0, 26.0]}
    pd.testing.assert_frame_equal(rt.integrate(changes[["bare"]], start=20.0), found[["bare"]])


def test_beyond_2_53_floats_do_not_hold_each_integer():
    """The limit that the docstring states: 2**53 + 1 comes in as 2**53 already."""
    assert rt.difference(pd.Series([2**53, 2**53 + 1]))[1] == 0.0
    assert rt.difference(pd.Series([2**53 - 2, 2**53 - 1]))[1] == 1.0


def test_differences_of_a_stream_are_those_of_the_whole():
    """A stream of two steps gives back what went in."""
    series = pd.Series([250, 300, 280, 310, 305], name="price")
    node = rt.replay(series, rows=2).difference().integrate(start=250)
    assert node.drain().tolist() == series.tolist()
    assert node.drain().equals(series.astype(float))


def test_missing_values_stay_missing_downstream():
    """A gap costs the differences on both its sides, and all ticks that build on them."""
    changes = rt.difference(pd.Series([1.0, np.nan, 4.0, 5.0]))
    assert changes.isna().tolist() == [True, True, True, False]
    assert rt.integrate(pd.Series([1.0, np.nan, 2.0]), 0).isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("step", "parameters", "says"),
    [
        ("difference", {"order": 0}, "order=0: order is a whole number"),
        ("difference", {"lag": -1}, "lag=-1"),
        ("difference", {"lag": True}, "lag=True"),
        ("integrate", {"start": [1, 2]}, r"build on the first 1 ticks"),
        ("integrate", {"start": "x"}, "start='x'"),
        ("integrate", {"start": pd.Series(range(99))}, r"^start=.{,40}: order=1"),
        ("integrate", {"start": np.nan}, "all known"),
        ("integrate", {"start": [[1, 2]], "by": "key"}, "start for 2 series with by='key'"),
        ("integrate", {"start": [1, 2], "order": 2, "lag": 2}, r"try start=series\[:4\]"),
    ],
)
def test_wrong_parameters_say_what_to_do(step, parameters, says):
    """Each message names the value and its rule."""
    with pytest.raises(ParameterError, match=says):
        registered()[step](**parameters)


def test_starts_and_differences_must_fit():
    """Half-missing leading rows, and a start of other columns, are refused."""
    with pytest.raises(DataError, match="row 1 holds a difference after missing rows"):
        rt.integrate(pd.Series([np.nan, 1.0, 2.0]), start=(1, 2), lag=2)
    step = registered()["integrate"]((1, 2), lag=2)
    state = step.initial()
    step.update(state, pd.Series([np.nan]))
    with pytest.raises(DataError, match="row 1 holds a difference"):
        step.update(state, pd.Series([1.0]))
    assert step.update(state, pd.Series([np.nan, 4.0]))["result"].tolist() == [2.0, 5.0]
    with pytest.raises(DataError, match="start for 3 series and differences of 2"):
        rt.integrate(pd.DataFrame({"a": [1.0], "b": [1.0]}), start=[[1, 2, 3]])
