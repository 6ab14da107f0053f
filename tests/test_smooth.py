"""Moving averages and medians, against pandas, R and slow loops."""

from itertools import pairwise
from pathlib import Path

import naive
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
LYNX = pd.read_csv(DATA / "r_data.csv", comment="#")["lynx"].dropna()


@st.composite
def ticks(draw):
    """Series with gaps and infinities, alone or side by side, on hours that may be irregular."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(0, 70))
    values = rng.normal(10, 3, (rows, 2)).cumsum(axis=0)
    values[rng.random((rows, 2)) < draw(st.sampled_from([0.0, 0.2, 0.8]))] = np.nan
    values[rng.random((rows, 2)) < draw(st.sampled_from([0.0, 0.05]))] = np.inf
    hours = pd.to_timedelta(rng.integers(0, 5, rows).cumsum(), unit="h")
    frame = pd.DataFrame(values, pd.Timestamp("2024-01-01", tz="UTC") + hours, ["a", "b"])
    return frame if draw(st.booleans()) else frame["a"]


def same(found, expected, near=1e-12):
    """Compare to 1e-12 of the scale, with index and names."""
    compare = pd.testing.assert_frame_equal if found.ndim == 2 else pd.testing.assert_series_equal
    compare(found, expected, check_freq=False, rtol=near, atol=near)


@given(ticks(), st.integers(1, 9), st.booleans(), st.data())
@examples(80)
def test_moving_average_and_median_equal_pandas(data, window, center, draw):
    """Any window, odd or even, centred or not, with missing values, answers as pandas does."""
    least = draw.draw(st.none() | st.integers(0, window))
    rolling = data.rolling(window, min_periods=least, center=center)
    same(rt.moving_average(data, window, least, center), rolling.mean())
    same(rt.moving_median(data, window, least, center), rolling.median())


@given(ticks().filter(lambda one: one.ndim == 1), st.integers(1, 6), st.booleans(), st.data())
@examples(60)
def test_weighted_average_equals_a_slow_loop(series, window, center, draw):
    """Weights belong to places, the newest last; missing values take theirs along."""
    least = draw.draw(st.integers(1, window))
    weights = draw.draw(st.lists(st.integers(1, 9), min_size=window, max_size=window))
    for given_weights, plain in ((weights, weights), ("linear", range(1, window + 1))):
        found = rt.moving_average(series, window, least, center, given_weights)
        slow = naive.moving(
            series.tolist(), window, least, naive.weighted_mean(plain), center=center
        )
        np.testing.assert_allclose(found, slow, rtol=1e-12)


def test_averages_equal_r():
    """R's filter and runmed on its own lynx series: trailing, centred, weighted, recursive."""
    for name, found in {
        "average": rt.moving_average(LYNX, 5),
        # For an even window R looks one tick further ahead, pandas and we one further back.
        "centred": rt.moving_average(LYNX, 4, center=True).shift(-1),
        "weighted": rt.moving_average(LYNX, 4, weights="linear"),
        "exponential": rt.exponential_average(LYNX, alpha=0.3),
    }.items():
        np.testing.assert_allclose(found, R[f"lynx_{name}"][: len(LYNX)], rtol=1e-12)
    medians = rt.moving_median(LYNX, 5, center=True)
    np.testing.assert_array_equal(medians[2:-2], R["lynx_median"][2 : len(LYNX) - 2])


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_a_huge_value_leaves_no_trace(rows):
    """After 1e16 has left the window the average is right again, where pandas' stays wrong."""
    series = pd.Series([1, 2, 3, 1e16, 1, 2, 3, 4, 5])
    batches = [series[at : at + rows] for at in range(0, 9, rows)]
    for parameters in ({}, {"weights": (1, 1, 1)}):
        found = run(registered()["moving_average"](3, **parameters), batches)
        assert found[6:].tolist() == [2.0, 3.0, 4.0]
    assert series.rolling(3).mean()[8] != 4.0  # the trap is still there


def test_a_simple_average_costs_the_same_for_any_window():
    """The arithmetic on a batch does not grow with the window: no product of the two."""
    series = pd.Series(np.ones(200_000))
    assert (rt.moving_average(series, 100_000).dropna() == 1).all()  # 1e10 steps would not end


@given(
    ticks(),
    st.sampled_from(
        [{"span": 5}, {"span": 1}, {"alpha": 0.3}, {"alpha": 1.0}, {"com": 0.5}, {"halflife": 2}]
    ),
)
@examples(60)
def test_exponential_average_equals_pandas_recursive_form(data, parameters):
    """In ticks it is pandas' ewm with adjust=False, gaps included."""
    same(rt.exponential_average(data, **parameters), data.ewm(adjust=False, **parameters).mean())


@pytest.mark.parametrize("rows", [1000, 130, 77])
def test_long_exponential_averages_equal_pandas_too(rows):
    """Long batches go by blocks; a huge value fades as it does tick by tick."""
    values = np.random.default_rng(0).normal(size=1000)
    values[400] = 1e9
    series = pd.Series(values)
    step = registered()["exponential_average"](span=3)
    found = run(step, [series[at : at + rows] for at in range(0, 1000, rows)])
    same(found, series.ewm(span=3, adjust=False).mean())


@pytest.mark.parametrize(
    "parameters", [{"span": 7}, {"halflife": "90min"}, {"halflife": "2h", "interpolation": "next"}]
)
def test_many_series_fade_as_each_does_alone(parameters):
    """Wide columns and keys of a long frame, with gaps of their own, in batches."""
    rng = np.random.default_rng(3)
    hours = pd.to_timedelta(rng.integers(0, 3, 300).cumsum(), unit="h")
    wide = pd.DataFrame(rng.normal(size=(300, 30)), pd.Timestamp("2024-01-01") + hours)
    wide = wide.mask(rng.random(wide.shape) < 0.2)
    wide[7] = np.nan
    step = registered()["exponential_average"](**parameters)
    alone = pd.concat([run(step, [wide[one]]) for one in wide], axis=1)
    same(run(step, [wide[:3], wide[3:4], wide[4:]]), alone)
    long = wide.iloc[:, :5].melt(ignore_index=False, var_name="key", value_name="revenue")
    long = long.sample(frac=0.7, random_state=1).sort_index(kind="stable")
    step = registered()["exponential_average"](**parameters, by="key")
    found = run(step, [long[:20], long[20:21], long[21:]])
    for key, rows in long.groupby("key"):
        expected = rt.exponential_average(rows["revenue"], **parameters)
        same(found.loc[found["key"] == key, "revenue"], expected)


def test_weights_are_the_same_for_one_series_and_for_many():
    """Few ticks of many series are weighed another way than many ticks of few."""
    data = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 30))).mask(lambda one: one > 1)
    step = registered()["moving_average"](5, 2, weights="linear")
    alone = pd.concat([run(step, [data[one]]) for one in data], axis=1)
    same(run(step, [data[at : at + 8] for at in range(0, 40, 8)]), alone)


def test_exponential_average_is_not_the_adjusted_one():
    """The trap: pandas' default, adjust=True, is another average."""
    series = pd.Series([8.0, 4.0, 0.0])
    assert rt.exponential_average(series, alpha=0.5).tolist() == [8.0, 6.0, 3.0]
    assert series.ewm(alpha=0.5).mean()[1] != 6.0


@given(ticks().filter(lambda one: one.ndim == 1), st.sampled_from(["previous", "next"]))
@examples(60)
def test_exponential_average_in_time_equals_a_slow_loop(series, interpolation):
    """A value counts by the time for which it was in force, also over gaps and ties."""
    found = rt.exponential_average(series, halflife="3h", interpolation=interpolation)
    seconds = (series.index - pd.Timestamp("2024-01-01", tz="UTC")).total_seconds()
    slow = naive.exponential_in_time(seconds, series.tolist(), 3 * 3600, interpolation)
    np.testing.assert_allclose(found, slow, rtol=1e-12)


def test_half_life_in_time_and_in_ticks_agree_on_regular_ticks():
    """On hourly ticks "next" is pandas' half-life in ticks, and "previous" trails it by one."""
    series = pd.Series(
        np.random.default_rng(0).normal(size=50), pd.date_range("2024", periods=50, freq="h")
    )
    by_ticks = series.ewm(halflife=6, adjust=False).mean()
    by_time = rt.exponential_average(series, halflife=pd.Timedelta("6h"), interpolation="next")
    np.testing.assert_allclose(by_time, by_ticks, rtol=1e-12)
    later = rt.exponential_average(series, halflife="6h")
    np.testing.assert_allclose(later[1:], by_ticks[:-1], rtol=1e-12)


@given(ticks(), st.lists(st.integers(0, 70), max_size=6).map(sorted))
@examples(60)
def test_cuts_change_nothing(data, places):
    """Batches of any size, none and one included, give the answer of one batch."""
    edges = [0, *places, len(data)]
    batches = [data.iloc[a:b] for a, b in pairwise(edges)]
    for name, parameters in (
        ("moving_average", {"window": 7}),
        ("moving_average", {"window": 6, "center": True, "min_periods": 2}),
        ("moving_average", {"window": 5, "weights": "linear", "center": True}),
        ("moving_median", {"window": 4, "center": True, "min_periods": 1}),
        ("exponential_average", {"span": 7}),
        ("exponential_average", {"halflife": "90min"}),
    ):
        step = registered()[name](**parameters)
        if len(data):
            same(run(step, batches), run(step, [data]))
        else:
            assert len(run(step, batches)) == 0


@pytest.mark.parametrize(
    ("step", "parameters", "says"),
    [
        ("moving_average", {"window": 0}, "window=0: window is a whole number of at least 1 row"),
        ("moving_average", {"window": 2.5}, "window=2.5"),
        ("moving_median", {"window": "0h"}, "window='0h': a length of time"),
        ("moving_average", {"window": 3, "min_periods": 4}, "min_periods=4: at most"),
        ("moving_average", {"window": 3, "weights": [1, 2]}, "2 weights for a window of 3"),
        ("moving_average", {"window": 2, "weights": [1, -1]}, "sum is not 0"),
        ("moving_average", {"window": 2, "weights": "square"}, "weights='square'"),
        ("moving_average", {"window": 2, "center": "yes"}, "center='yes': it is True or False"),
        ("exponential_average", {}, "none of span, alpha"),
        ("exponential_average", {"span": 3, "alpha": 0.1}, "span and alpha given"),
        ("exponential_average", {"alpha": 1.5}, "alpha=1.5: alpha is greater than 0 and at most"),
        ("exponential_average", {"span": 0.5}, "span=0.5: span is at least 1"),
        ("exponential_average", {"halflife": "soon"}, "halflife='soon'"),
        ("exponential_average", {"halflife": "-3h"}, "a half-life is positive"),
        ("exponential_average", {"halflife": "3h", "interpolation": "x"}, "interpolation='x'"),
    ],
)
def test_wrong_parameters_say_what_to_do(step, parameters, says):
    """Each message names the value and its rule."""
    with pytest.raises(ParameterError, match=says):
        registered()[step](**parameters)


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        ([1, 2], "a batch of type list"),
        (pd.Series(["a"], name="user"), "'user' holds"),
        (pd.DataFrame({"n": [1], "when": pd.to_datetime(["2024-01-01"])}), "'when' holds"),
        (pd.Series([1j]), "complex"),
    ],
)
def test_what_is_no_series_of_numbers_is_refused(batch, says):
    """The message names the column and its type."""
    with pytest.raises(DataError, match=says):
        rt.moving_average(batch, 2)


def test_numbers_of_every_kind_are_taken():
    """Integers, small floats, booleans and pandas' nullable numbers with NA."""
    for values in ([1, 2, 3], pd.array([1, None, 3], "Int64"), pd.array([1, 2, 3], "float32")):
        series = pd.Series(values)
        expected = series.astype(float).rolling(2, min_periods=1).mean()
        same(rt.moving_average(series, 2, min_periods=1), expected)
    assert rt.moving_average(pd.Series([True, False]), 2)[1] == 0.5


def test_columns_of_a_stream_stay_the_same():
    """A batch with other columns is refused, and the state stays as it was."""
    step = registered()["moving_average"](2)
    state = step.initial()
    step.update(state, pd.DataFrame({"a": [1.0], "b": [2.0]}))
    for other in (pd.DataFrame({"a": [1.0]}), pd.Series([1.0], name="a")):
        with pytest.raises(DataError, match="the columns of a stream stay the same"):
            step.update(state, other)
    answer = step.update(state, pd.DataFrame({"a": [3.0], "b": [4.0]}))["result"]
    assert answer.to_numpy().tolist() == [[2.0, 3.0]]


def test_times_must_be_there_and_in_order():
    """A half-life in time refuses ticks without times, NaT, and times that run backward."""
    step = registered()["exponential_average"](halflife="1h")
    late = pd.Series([1.0], pd.to_datetime(["2024-01-01 09:00"]))
    state = step.initial()
    step.update(state, pd.Series([1.0], pd.to_datetime(["2024-01-01 10:00"])))
    with pytest.raises(DataError, match="comes after a later one"):
        step.update(state, late)
    for index in ([0], pd.to_datetime([None])):
        with pytest.raises(DataError, match="needs a time for each tick"):
            step.update(step.initial(), pd.Series([1.0], index))
