"""Variance, z-score, extremes and quantiles of trailing windows, by ticks and by time.

Against pandas, and where pandas has lost its digits against slow loops in fractions.
"""

import math
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from test_smooth import same, ticks

from rtlab.errors import DataError, ParameterError
from rtlab.moments import (
    moving_max,
    moving_min,
    moving_quantile,
    moving_std,
    moving_variance,
    moving_zscore,
)
from rtlab.smooth import moving_average, moving_median
from rtlab.steps import registered, run


def deviation(window):
    """Compute with numpy: pandas' own deviation has lost digits where a window is constant."""
    known = window[~np.isnan(window)]
    return np.std(known) if len(known) else np.nan


PANDAS = {
    "moving_average": (moving_average, {}, lambda one: one.mean()),
    "moving_median": (moving_median, {}, lambda one: one.median()),
    "moving_variance": (moving_variance, {}, lambda one: one.var()),
    "moving_std": (moving_std, {"ddof": 0}, lambda one: one.apply(deviation, raw=True)),
    "moving_min": (moving_min, {}, lambda one: one.min()),
    "moving_max": (moving_max, {}, lambda one: one.max()),
    "moving_quantile": (moving_quantile, {"q": 0.3}, lambda one: one.quantile(0.3)),
}
HOURS = pd.date_range("2024-01-01", periods=200, freq="h", tz="UTC")


def finite(data):
    """Make infinities missing, as they are in a window."""
    return data.replace([np.inf, -np.inf], np.nan)


@pytest.mark.parametrize("name", PANDAS)
@given(ticks(), st.integers(2, 9), st.booleans(), st.data())
@examples(30)
def test_windows_of_ticks_equal_pandas(name, data, window, center, draw):
    """Any window, odd or even, centred or not, with missing values, answers as pandas does."""
    face, parameters, answer = PANDAS[name]
    least = draw.draw(st.none() | st.integers(0, window))
    found = face(data, window, least, center, **parameters)
    same(found, answer(data.rolling(window, min_periods=least, center=center)), 1e-11)


@pytest.mark.parametrize("name", PANDAS)
@given(ticks(), st.integers(1, 9), st.data())
@examples(30)
def test_windows_of_time_equal_pandas(name, data, hours, draw):
    """On irregular hours with ties: the ticks in (t − window, t] that have come by then."""
    face, parameters, answer = PANDAS[name]
    least = draw.draw(st.none() | st.integers(0, 4))
    found = face(data, f"{hours}h", least, **parameters)
    same(found, answer(data.rolling(f"{hours}h", min_periods=least)), 1e-11)


@given(ticks(), st.integers(2, 9), st.booleans(), st.sampled_from([0, 1]))
@examples(60)
def test_zscores_are_distances_from_the_mean_in_deviations(data, window, center, ddof):
    """Of the same window, which holds the tick itself; a constant window has none."""
    rolling = finite(data).rolling(window, min_periods=2, center=center)
    spread = rolling.std(ddof=ddof)
    expected = (finite(data) - rolling.mean()) / spread.where(spread > 1e-9)
    # pandas adds to its sums and takes from them: of two ticks nearly alike few digits are left.
    same(moving_zscore(data, window, 2, center, ddof=ddof), expected, 1e-5)


def test_zscores_by_time_look_at_their_own_window():
    """Also by time, and a missing or infinite tick has no score."""
    series = pd.Series([1.0, 2, 3, np.inf, 2, 2, np.nan, 2], HOURS[:8])
    found = moving_zscore(series, "3h", 2).round(3).tolist()
    expected = [math.nan, 0.707, 1.0, math.nan, -0.707, math.nan, math.nan, math.nan]
    np.testing.assert_equal(found, expected)


def exact_variance(values, first):
    """Compute in fractions, which lose nothing: the window of each tick begins at ``first``."""
    found = []
    for tick, begin in enumerate(first):
        window = [Fraction(value) for value in values[begin : tick + 1]]
        mean = sum(window) / len(window)
        squares = sum((value - mean) ** 2 for value in window)
        found.append(float(squares / (len(window) - 1)) if len(window) > 1 else math.nan)
    return found


@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("window", [3, 10, 40])
@pytest.mark.parametrize("shape", ["burst", "far", "shift", "trend", "edge"])
def test_variance_keeps_all_its_digits(shape, window, rows):
    """To 1e-12 of an exact computation: bursts, a mean of 1e9, steps and trends."""
    values = np.random.default_rng(window).normal(size=300)
    values[100:103] *= 1e15 if shape == "burst" else 1
    values += {"far": 1e9, "trend": np.arange(300) * 1e6}.get(shape, 0)
    values[150:] += 1e9 if shape == "shift" else 0
    if shape == "edge":  # the first and the last place of a block
        values[window], values[2 * window - 1] = 1e15, -1e15
    exact = exact_variance(values, np.maximum(np.arange(300) - window + 1, 0))
    times = pd.date_range("2024", periods=300, freq="min")
    for given_window in (window, f"{window}min"):
        step = registered()["moving_variance"](given_window, 2)
        series = pd.Series(values, times)
        found = run(step, [series[at : at + rows] for at in range(0, 300, rows)])
        np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_pandas_variance_is_not_right_again():
    """The trap is still there: after large values have left, pandas' digits stay lost."""
    values = pd.Series([1e6 / 3, 1e3 / 7, 2, 1, 2, 3, 1, 2, 3])
    assert values.rolling(3).var()[8] != 1
    assert moving_variance(values, 3)[5:].tolist() == [1.0] * 4
    assert moving_zscore(values, 3)[8] == 1.0


def test_what_is_too_large_to_square_leaves_no_trace():
    """A square beyond the range of a float is infinite while it is in the window, quietly."""
    found = moving_variance(pd.Series([1.0, 1e200, 1, 3, 1, 3]), 2)
    assert found.tolist()[1:] == [math.inf, math.inf, 2.0, 2.0, 2.0]


def test_constant_windows_have_no_variance_at_all():
    """Not 1e-17 but zero, also of numbers that no float holds exactly, over the edge of blocks."""
    assert (moving_variance(pd.Series([0.1] * 50), 7).dropna() == 0).all()


@given(ticks(), st.lists(st.integers(0, 70), max_size=6).map(sorted))
@examples(40)
def test_cuts_change_no_bit(data, places):
    """Blocks begin at fixed ticks, so that even the last digit is the same."""
    edges = [0, *places, len(data)]
    batches = [data.iloc[a:b] for a, b in pairwise(edges)]
    for name, (_, parameters, _) in PANDAS.items():
        for window in (5, "7h"):
            step = registered()[name](window, 2, **parameters)
            if len(data):
                same(run(step, batches), run(step, [data]), 0)


@pytest.mark.parametrize("name", [*PANDAS, "moving_zscore"])
@pytest.mark.parametrize("window", [4, "4h"])
def test_many_series_are_each_computed_alone(name, window):
    """Wide columns, keys of a long frame and bare arrays answer as each series does alone."""
    rng = np.random.default_rng(5)
    wide = pd.DataFrame(rng.normal(size=(60, 40)).cumsum(axis=0), HOURS[:60])
    wide = wide.mask(rng.random(wide.shape) < 0.1)
    step = registered()[name](window, 2)
    alone = pd.concat([run(step, [wide[one]]) for one in wide], axis=1)
    found = run(step, [wide[:7], wide[7:50], wide[50:]])
    pd.testing.assert_frame_equal(found, alone, rtol=1e-13, check_freq=False)
    if window == 4:
        arrays = wide.to_numpy()
        state = step.initial()
        pieces = [step.update(state, piece)["result"] for piece in (arrays[:7], arrays[7:])]
        np.testing.assert_allclose(np.concatenate(pieces), alone, rtol=1e-13)
    long = wide.iloc[:, :5].melt(ignore_index=False, var_name="key", value_name="revenue")
    long = long.sample(frac=0.8, random_state=1).sort_index(kind="stable")
    keyed = run(registered()[name](window, 2, by="key"), [long[:20], long[20:21], long[21:]])
    assert keyed["key"].tolist() == long["key"].tolist()
    for key, rows in long.groupby("key"):
        same(keyed.loc[keyed["key"] == key, "revenue"], run(step, [rows["revenue"]]), 1e-13)


@pytest.mark.parametrize("name", ["moving_variance", "moving_median", "moving_max"])
def test_keys_with_times_of_their_own_are_computed_together(name):
    """Windows of time over keys whose ticks are few or many, and new keys in later batches."""
    rng = np.random.default_rng(2)
    minutes = rng.exponential(2, 2000).cumsum()
    key = np.minimum(rng.geometric(0.2, 2000), 9) + np.where(np.arange(2000) > 1500, 20, 0)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(minutes), unit="min")
    long = pd.DataFrame({"key": key, "revenue": rng.normal(1e6, 1, 2000)}, times)
    step = registered()[name]("2h", 2, by="key")
    edges = [0, 5, 6, 300, 1490, 1600, 2000]
    found = run(step, [long[a:b] for a, b in pairwise(edges)])
    for one, rows in long.groupby("key"):
        alone = registered()[name]("2h", 2)
        expected = run(alone, [rows["revenue"]])
        same(found.loc[found["key"] == one, "revenue"], expected, 1e-13)


def test_long_windows_do_not_multiply():
    """A batch costs about the same for any window: no product of the two."""
    data = pd.Series(np.arange(200_000.0) % 1000, pd.date_range("2024", periods=200_000, freq="s"))
    for window in (100_000, "100000s"):  # 1e10 steps would not end
        assert moving_max(data, window, 100_000).dropna().eq(999).all()
        found = moving_variance(data, window, 100_000).dropna()
        np.testing.assert_allclose(found, (1000**2 - 1) / 12 * 100_000 / 99_999, rtol=1e-12)


@pytest.mark.parametrize(
    "window", [pd.Timedelta("3h"), np.timedelta64(3, "h"), pd.offsets.Hour(3), timedelta(hours=3)]
)
def test_lengths_of_time_come_in_many_kinds(window):
    """As text, and as what Python, numpy and pandas have for it."""
    series = pd.Series(np.arange(9.0), HOURS[:9])
    same(moving_std(series, window), moving_std(series, "3h"))


def test_quantiles_at_the_ends_are_the_extremes():
    """Quantile 0 is the least, 1 the greatest and one half the median."""
    data = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)))
    same(moving_quantile(data, 6, q=0), moving_min(data, 6))
    same(moving_quantile(data, 6, q=1), moving_max(data, 6))
    same(moving_quantile(data, 6), moving_median(data, 6))


def test_slow_loops_agree():
    """A loop over each window, in plain Python, gives the same extremes and variances."""
    values = [3.0, math.nan, 1.0, math.inf, 2.0, 5.0, 4.0, -1.0]
    series = pd.Series(values)
    known = {
        moving_min: min,
        moving_max: max,
        moving_variance: lambda many: float(np.var(many, ddof=1)) if len(many) > 1 else math.nan,
    }
    for face, slow in known.items():
        expected = naive.moving(values, 3, 1, lambda many, _, slow=slow: slow(many))
        np.testing.assert_allclose(face(series, 3, 1), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("step", "parameters", "says"),
    [
        ("moving_variance", {"window": 0}, "window=0: window is a whole number of at least 1 row"),
        ("moving_min", {"window": "0h"}, "window='0h': a length of time is at least a microsec"),
        ("moving_min", {"window": "-3h"}, "window='-3h'"),
        ("moving_max", {"window": "soon"}, "window='soon': window is a number of ticks or a len"),
        ("moving_max", {"window": [3]}, r"window=\[3\]"),
        ("moving_std", {"window": "3h", "center": True}, "only a window of ticks can be centred"),
        ("moving_std", {"window": 3, "min_periods": 4}, "min_periods=4: at most"),
        ("moving_variance", {"window": 3, "ddof": 4}, "ddof=4 with window=3: a window needs more"),
        ("moving_variance", {"window": 1}, "ddof=1 with window=1.*try window=2, or ddof=0"),
        ("moving_zscore", {"window": 3, "ddof": -1}, "ddof=-1"),
        ("moving_quantile", {"window": 3, "q": 2}, "q=2: a quantile is between 0"),
        ("moving_quantile", {"window": 3, "q": math.nan}, "q=nan"),
        ("moving_quantile", {"window": 3, "q": "half"}, "q='half'"),
        ("moving_average", {"window": "3h", "weights": "linear"}, "weights belong to ticks"),
    ],
)
def test_wrong_parameters_say_what_to_do(step, parameters, says):
    """Each message names the value and its rule."""
    with pytest.raises(ParameterError, match=says):
        registered()[step](**parameters)


@pytest.mark.parametrize("name", ["moving_average", "moving_std", "moving_quantile"])
def test_windows_of_time_need_times_in_order(name):
    """Ticks without times, or that run backward, are refused, and the state stays as it was."""
    step = registered()[name]("3h")
    with pytest.raises(DataError, match="time for each tick"):
        step.update(step.initial(), pd.Series([1.0, 2.0]))
    state = step.initial()
    step.update(state, pd.Series([1.0, 3.0], HOURS[1:3]))
    with pytest.raises(DataError, match="comes after a later one"):
        step.update(state, pd.Series([1.0], HOURS[:1]))
    expected = run(step, [pd.Series([1.0, 3.0, 8.0], HOURS[1:4])])[-1:]
    same(step.update(state, pd.Series([8.0], HOURS[3:4]))["result"], expected)
