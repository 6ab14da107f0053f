"""Aggregates after extremes: huge and tiny values, far means, infinities, missing values.

The oracles are fractions, the standard library's statistics, long doubles and the loop of
``naive_windows``; none of them knows how rtlab adds up.
"""

import math
import statistics
from fractions import Fraction

import naive_windows as naive
import numpy as np
import pandas as pd
import pytest

import rtlab as rt

FUNCTIONS = {
    name: ("x", name)
    for name in (
        "count", "sum", "mean", "min", "max", "var", "std", "median", "nunique", "first", "last",
    )
} | {"upper": ("x", "quantile", 0.9), "rows": "count"}  # fmt: skip
START = pd.Timestamp("2024-03-04T09:00Z").as_unit("us")
HUGE = [1e16, -1e16, 1e300, -1e300, math.inf, -math.inf, 2.0**53 + 2, 1e-300]


def frame(values, seconds=None):
    """Put values on seconds."""
    seconds = range(len(values)) if seconds is None else seconds
    time = START + pd.to_timedelta(list(seconds), unit="s")
    return pd.DataFrame({"purchase_time": time, "x": values})


def pieces(data, rows, step):
    """Run a step on batches of some rows, as a stream does."""
    state, found = step.initial(), []
    for first in range(0, len(data), rows):
        found += list(step.update(state, data.iloc[first : first + rows]).values())[:1]
    found += list(step.finish(state).values())[:1]
    return pd.concat([one.frame() for one in found if len(one)])


def one_window(values, rows):
    """Aggregate values in one window of each kind, whole or in batches."""
    data = frame(values)
    steps = rt.steps
    for step in (
        steps.Tumbling("1D", FUNCTIONS),
        steps.Sliding("1D", "1D", FUNCTIONS),
        steps.Session("1h", FUNCTIONS),
        steps.CountWindow(len(values), FUNCTIONS),
    ):
        (found,) = pieces(data, rows, step)[list(FUNCTIONS)].to_dict("records")
        yield found


def check(found, values):
    """Compare with the loop's exact answers."""
    rows = [naive.Row(place, 0, (), value) for place, value in enumerate(values)]
    for name, (right, error) in zip(FUNCTIONS, naive.aggregate(rows, FUNCTIONS), strict=True):
        same = found[name] == right or (math.isnan(found[name]) and math.isnan(right))
        assert same or abs(found[name] - right) <= error, (name, found[name], right)


@pytest.mark.parametrize("rows", [1, 3, 100])
@pytest.mark.parametrize(
    "values",
    [
        [1e16, 0.1, 0.2, -1e16],
        [1e16, 1.0, 2.0, 3.0],
        [0.1] * 10,
        [1e9 + 1, 1e9 - 1, 1e9],
        [1e15 + 0.5, 1e15 - 0.5, 1e15],
        [1e-9, 2e-9, 4e-9],
        [1e9, 1e-9, -1e9, 3e-9],
        [2.0**53, 1.0, -1.0],
        [7.0] * 9,
        [1e9] * 5,
        [0.0, -0.0],
        [math.nan, 1.5, math.nan, 2.5],
        [math.nan, math.nan],
        [math.nan, math.inf, 1.0],
        [1.0, -math.inf],
        [math.inf, 2.0, -math.inf, math.nan],
        [math.inf, math.inf],
        [42.0],
    ],
    ids=str,
)
def test_every_aggregate_of_awkward_values(values, rows):
    """Every aggregate, in every kind of window, cut or not, is the exact one."""
    for found in one_window(values, rows):
        check(found, values)


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_whole_numbers_are_exact(rows):
    """Integers near 2**62 keep their last digit in sums, extremes, first and last."""
    values = [2**61 + 1, 2**61 - 1, -(2**61), 3, 3]
    for found in one_window(values, rows):
        assert found["sum"] == sum(values)
        assert (found["min"], found["max"]) == (min(values), max(values))
        assert (found["first"], found["last"], found["nunique"]) == (2**61 + 1, 3, 4)


@pytest.mark.parametrize("rows", [1, 97, 5000])
@pytest.mark.parametrize("mean", [0.0, 1e9, -1e9, 1e12])
def test_variance_far_from_zero(mean, rows):
    """With a mean of 1e9 and a variance of 1 the relative error is at most 1e-9, of fractions."""
    rng = np.random.default_rng(7)
    size = 200 if rows == 1 else 5000
    values = (mean + rng.normal(0, 1, size)).tolist()
    exact = [Fraction(value) for value in values]
    middle = sum(exact) / size
    variance = float(sum((value - middle) ** 2 for value in exact) / (size - 1))
    assert variance == pytest.approx(float(statistics.variance(exact)), rel=1e-15)
    long = np.array(values, np.longdouble)
    assert variance == pytest.approx(float(long.var(ddof=1)), rel=1e-9)
    for found in one_window(values, rows):
        assert found["var"] == pytest.approx(variance, rel=1e-9)
        assert found["std"] == pytest.approx(math.sqrt(variance), rel=1e-9)
        assert found["mean"] == pytest.approx(float(middle), rel=1e-15, abs=1e-15)


@pytest.mark.parametrize("place", [0, 50_000])
@pytest.mark.parametrize("huge", [1e9, 123_456_789.123, 1e16])
def test_variance_with_one_far_value(huge, place):
    """One value far from a hundred thousand others, first or later, costs no digits."""
    values = np.random.default_rng(3).normal(0, 1, 100_000)
    values[place] = huge
    data = frame(values.tolist(), np.arange(len(values)) / 1000)
    (found,) = pieces(data, 30_000, rt.steps.Tumbling("1D", FUNCTIONS)).to_dict("records")
    check(found, values.tolist())


@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("huge", HUGE, ids=str)
@pytest.mark.parametrize("kind", ["sliding", "count", "session", "tumbling"])
def test_what_has_left_leaves_no_trace(kind, huge, rows):
    """Windows after a huge value are bit for bit those of a stream that never had it."""
    later = [0.1, 2.5, -1.25, 7.1234567, 1 / 3, 19.99, 3.0, 0.3] * 3
    places = [30 + 2 * place for place in range(len(later))]
    step = {
        "sliding": rt.steps.Sliding("7s", "2s", FUNCTIONS, delay="0s"),
        "tumbling": rt.steps.Tumbling("6s", FUNCTIONS, delay="0s"),
        "session": rt.steps.Session("3s", FUNCTIONS, delay="0s"),
        "count": rt.steps.CountWindow(4, FUNCTIONS, slide=2),
    }[kind]
    clean = pieces(frame(later, places), rows, step)
    met = pieces(frame([huge, 1.0, huge, 2.0, *later], [0, 1, 2, 3, *places]), rows, step)
    if kind == "count":
        clean = clean.iloc[1:]  # the first is not full yet
    assert len(clean) > (0 if kind == "session" else 3)
    met = met.loc[met.index >= clean.index[0]]
    pd.testing.assert_frame_equal(met, clean, check_exact=True, check_freq=False)


@pytest.mark.parametrize("rows", [1, 50])
def test_long_sliding_stream_does_not_drift(rows):
    """After thousands of windows with huge values among them, sums are still the exact ones."""
    rng = np.random.default_rng(11)
    size = 200 if rows == 1 else 4000
    values = np.round(rng.normal(0, 100, size), 2)
    values[::17] = 1e16
    data = frame(values.tolist())
    agg = {"sum": ("x", "sum"), "var": ("x", "var")}
    found = pieces(data, rows, rt.steps.Sliding("10s", "1s", agg, delay="0s"))
    for start, total, spread in zip(found.index, found["sum"], found["var"], strict=True):
        first = int((start - START) / pd.Timedelta("1s"))
        own = values[max(first, 0) : first + 10].tolist()
        right, error = naive.add(own)
        assert abs(total - right) <= max(error, 0)
        if len(own) > 1:
            right, error = naive.var(own)
            assert abs(spread - right) <= error


def test_policy_of_missing_values():
    """Missing values are left out: of none, the count and the sum are 0, the rest is NaN."""
    for found in one_window([math.nan, math.nan], 1):
        assert (found["rows"], found["count"], found["sum"], found["nunique"]) == (2, 0, 0, 0)
        others = set(FUNCTIONS) - {"rows", "count", "sum", "nunique"}
        assert all(math.isnan(found[name]) for name in others)
