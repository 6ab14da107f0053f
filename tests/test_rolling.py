"""Rolling decomposition and its revisions, against statsmodels on every window, and slow loops."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from test_filters import ticks
from test_season import DATA, R_JUMPS, r_set, reference, shop

import rtlab as rt
from rtlab.errors import DataError, ParameterError
from rtlab.revisions import revisions
from rtlab.rolling import RollingDecompose, rolling_decompose


def whole(window, parameters, lag):
    """Take one window apart by statsmodels, and give the parts of one tick."""
    how = {name: one for name, one in parameters.items() if name not in ("window", "missing")}
    return rt.decompose(pd.Series(window), **how).frame().iloc[-1 - lag].to_numpy()


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize(
    "parameters",
    [
        {"period": 7},
        {"period": 24, "window": 100},
        {"period": 12, "seasonal": 35, "trend": 19, "options": R_JUMPS | {"inner_iter": 2}},
        {"period": 12, "seasonal": "periodic"},
        {"period": 12, "seasonal": "periodic", "options": {"seasonal_deg": 1, "trend_deg": 0}},
        {"period": 12, "method": "mstl"},
        {"period": [24, 6], "window": 77},
        {"period": [5, 12], "seasonal": [9, 13], "trend": 31, "options": {"low_pass": 25}},
        {"period": [5, 12], "seasonal": "periodic"},
        {"period": 8, "method": "additive", "options": {"extrapolate_trend": 5}},
        {"period": 9, "method": "additive", "lag": 5},
    ],
)
def test_each_answer_is_that_of_its_window(parameters, lag):
    """Parameters mean what they mean in decompose, which is statsmodels; ticks are sampled."""
    values = ticks(300, 24)
    lag = parameters.get("lag", lag)
    same = {name: one for name, one in parameters.items() if name != "lag"}
    found = rolling_decompose(pd.Series(values), **same, lag=lag)
    size = RollingDecompose(**same, lag=lag).size
    assert list(found.columns[[0, 1, -1]]) == ["observed", "trend", "residual"]
    for last in (size - 1, size, 177, 299):
        expected = whole(values[last - size + 1 : last + 1], same, lag)
        np.testing.assert_allclose(found.iloc[last - lag], expected, rtol=0, atol=1e-9)
    known = found["trend"].notna()
    assert known.to_numpy().nonzero()[0].tolist() == list(range(size - 1 - lag, 300 - lag))
    np.testing.assert_array_equal(found["observed"], values)
    total = found["observed"] - found.iloc[:, 1:].sum(axis=1)
    np.testing.assert_allclose(total[known], 0, atol=1e-11)


@pytest.mark.parametrize("lag", [0, 30])
def test_r_is_the_last_answer_of_a_window_as_long_as_the_series(lag):
    """R's stl of co2 and its mstl of hourly electricity."""
    r = pd.read_csv(DATA / "r_stl_co2.csv", comment="#").iloc[-1 - lag]
    options = R_JUMPS | {"inner_iter": 2}
    same = {"window": 468, "seasonal": 21, "trend": 23, "options": options}
    found = rolling_decompose(r_set("co2"), 12, lag=lag, **same).iloc[-1 - lag]
    np.testing.assert_allclose(found[["season_12", "trend", "residual"]], r, rtol=0, atol=1e-9)
    r = reference("stl/tests/results/mstl_test_results.csv").iloc[-1 - lag]
    load = reference("stl/tests/results/mstl_elec_vic.csv")["y"]
    same = {"window": 3600, "options": {"seasonal_deg": 0, "inner_iter": 2, "outer_iter": 0}}
    found = rolling_decompose(load, [168, 24], lag=lag, **same).iloc[-1 - lag]
    np.testing.assert_allclose(found, r, rtol=0, atol=1e-6)


def test_a_gap_is_unknown_until_it_has_left_and_only_then():
    """Missing or infinite ticks: no answer while in the window, the plain answer afterwards."""
    values = np.stack([ticks(200, 7), ticks(200, 7, seed=1)], axis=1)
    values[[50, 51, 120], 0] = np.nan, np.inf, -np.inf
    found = rolling_decompose(pd.DataFrame(values, columns=["a", "b"]), 7)
    plain = rolling_decompose(pd.DataFrame(ticks(200, 7)), 7)[0]
    lost = found["a"]["trend"].isna().to_numpy().nonzero()[0]
    assert lost.tolist() == [*range(34), *range(50, 51 + 35), *range(120, 120 + 35)]
    kept = np.setdiff1d(np.arange(200), lost)
    np.testing.assert_allclose(found["a"].iloc[kept], plain.iloc[kept], rtol=0, atol=1e-11)
    assert found["a"]["observed"].isna().to_numpy().nonzero()[0].tolist() == [50, 51, 120]
    assert not found["b"]["trend"].iloc[34:].isna().any()


@pytest.mark.parametrize("lag", [0, 3])
def test_missing_ticks_repeat_the_season(lag):
    """Filled by the longest period before, again and again; in the first period they stay."""
    values = ticks(240, 12)
    values[[5, 99, 111, 123, 150, 151, 200]] = np.nan
    filled = values.copy()
    for tick in range(12, 240):
        if np.isnan(filled[tick]):
            filled[tick] = filled[tick - 12]
    assert np.isnan(filled).nonzero()[0].tolist() == [5]
    same = {"period": [4, 12], "window": 60}
    found = rolling_decompose(pd.Series(values), **same, lag=lag, missing="seasonal")
    for last in (65, 99, 123, 124, 170, 203, 239):
        trend, *seasons = whole(filled[last - 59 : last + 1], same, lag)[1:-1]
        parts = [values[last - lag], trend, *seasons, values[last - lag] - trend - sum(seasons)]
        np.testing.assert_allclose(found.iloc[last - lag], parts, rtol=0, atol=1e-9)
    assert found["trend"].notna().to_numpy().nonzero()[0].tolist() == list(
        range(65 - lag, 240 - lag)
    )


@pytest.mark.parametrize("huge", [1e16, -1e300])
def test_a_value_that_has_left_leaves_no_trace(huge):
    """Answers are the same to the last digit as without it."""
    values = np.stack([ticks(150, 7)] * 3, axis=1)
    burst = values.copy()
    burst[40:43, 1] = huge
    step = RollingDecompose(period=7)
    found, expected = (step.take(step.begin(3), one, None) for one in (burst, values))
    assert np.abs(found[40, 1, 1]) > 1e14
    np.testing.assert_array_equal(found[43 + 34 :], expected[43 + 34 :])
    np.testing.assert_array_equal(found[:, [0, 2]], expected[:, [0, 2]])


def test_digits_in_common_cost_none():
    """A level of 2**40 under whole numbers changes the trend by it, and nothing else."""
    values = np.rint(ticks(200, 7))
    found, raised = (rolling_decompose(pd.Series(values + level), 7) for level in (0, 2.0**40))
    np.testing.assert_allclose(raised["trend"] - 2.0**40, found["trend"], rtol=0, atol=1e-3)
    for name in ("season_7", "residual"):
        np.testing.assert_allclose(raised[name], found[name], rtol=0, atol=1e-11)
    flat = rolling_decompose(pd.Series([0.1] * 60), 7).iloc[34:]
    assert (flat[["season_7", "residual"]] == 0).all(axis=None)
    assert (flat["trend"] == 0.1).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"period": 5, "missing": "seasonal", "lag": 4},
        {"period": [3, 7], "window": 25},
        {"period": 6, "window": 12, "missing": "seasonal"},
    ],
)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 130), max_size=12).map(sorted),
    st.sampled_from([1, 3, 40]),
)
@examples(25)
def test_cuts_and_company_change_nothing(parameters, seed, cuts, width):
    """Any batches, alone or side by side: the same answers, NaN at the same places."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((130, width)) < 0.02, np.nan, rng.normal(100, 9, (130, width)))
    step = RollingDecompose(**parameters)
    state, found = step.begin(width), []
    for begin, end in pairwise([0, *cuts, 130]):
        if end > begin:
            found.append(step.take(state, values[begin:end], None))
    one = step.begin(1)
    alone = step.take(one, values[:, -1:], None)
    np.testing.assert_allclose(np.concatenate(found)[:, -1:], alone, rtol=0, atol=1e-11)
    np.testing.assert_allclose(step.tail(state, width)[:, -1:], step.tail(one, 1), rtol=0)


def test_kinds_in_are_kinds_out():
    """Series, wide and long frames, arrays and streams hold the same numbers."""
    one = shop(2).astype(float)
    wide = pd.DataFrame({"a": one, "b": one[::-1].to_numpy()})
    found = rolling_decompose(wide, 24)
    pd.testing.assert_frame_equal(found["a"], rolling_decompose(one, 24))
    assert found.columns.tolist()[:2] == [("a", "observed"), ("a", "trend")]
    array = rolling_decompose(wide.to_numpy(), 24)
    np.testing.assert_allclose(array[:, 1], found["b"], rtol=0, atol=1e-10)
    long = wide.melt(var_name="product", value_name="revenue", ignore_index=False).sort_index()
    by = rolling_decompose(long, 24, by="product", value="revenue")
    assert by.columns.tolist() == ["product", *found["a"].columns]
    b = by[by["product"] == "b"].drop(columns="product")
    np.testing.assert_allclose(b, found["b"], rtol=0, atol=1e-10)
    live = rt.replay(one, rows=17).rolling_decompose(period=24, lag=2).drain()
    pd.testing.assert_frame_equal(live, rolling_decompose(one, 24, lag=2), check_freq=False)
    assert live["observed"].tolist() == one.tolist()
    assert live["trend"].isna().to_numpy().nonzero()[0].tolist() == [*range(117), 334, 335]


def test_newest_estimates_are_not_those_of_the_whole_series():
    """Later ticks revise them: a little with a lag of half the window, more without."""
    series = shop(12)
    full = rt.decompose(series, 24)
    spread = 1.4826 * (full.residual - full.residual.median()).abs().median()
    off = {}
    for lag in (0, 24, 59):
        found = rolling_decompose(series, 24, lag=lag)
        off[lag] = ((found["trend"] - full.trend).abs() / spread).median()
    assert off[0] > 0.4
    assert off[24] < 0.1
    assert off[59] < 0.03


def test_irregular_ticks_are_refused():
    """An hour that is not there would shift the season."""
    series = shop(2)
    with pytest.raises(DataError, match="irregular"):
        rolling_decompose(series.drop(series.index[60]), 24)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"period": 1}, "period=1: period is a whole number of at least 2"),
        ({"period": 24.5}, "period=24.5"),
        ({"period": []}, "name at least one period"),
        ({"period": 24, "window": 47}, "window=47: window is a whole number of at least 48"),
        ({"period": [12, 24], "window": 48}, "window=48: window is a whole .* at least 49"),
        ({"period": 24, "seasonal": 8}, "seasonal=8: seasonal is odd"),
        ({"period": 24, "seasonal": "weekly"}, "it is 'periodic' or odd lengths"),
        ({"period": [12, 24], "seasonal": 7}, r"try seasonal=\[7, 7\]"),
        (
            {"period": 24, "seasonal": [7, 9]},
            r"seasonal=\[7, 9\] with 1 period.*try seasonal=\[7\]",
        ),
        ({"period": 24, "trend": 24}, "trend=24"),
        (
            {"period": 24, "lag": 120},
            "lag=120: in a window of 120 .* at lags 0 to 119; try lag=0$",
        ),
        ({"period": 24, "lag": -1}, "lag=-1"),
        ({"period": 24, "missing": "drop"}, "missing='drop': it is 'gap' or 'seasonal'"),
        ({"period": 24, "options": {"robust": True}}, "use robust_decompose"),
        ({"period": 24, "options": {"outer_iter": 3}}, "use robust_decompose"),
        ({"period": 24, "options": {"nonsense": 1}}, r"\['nonsense'\] given: .*'inner_iter'"),
        ({"period": 24, "method": "multiplicative"}, r"np\.log\(series\)"),
        ({"period": 24, "method": "x11"}, "method='x11': 'stl', 'mstl' and 'additive' are"),
        ({"period": [7, 24], "method": "stl"}, "2 periods with method='stl'"),
        (
            {"period": 24, "method": "additive"},
            "lag=0.* lags 12 to 107; try lag=12, or .*_trend': 24",
        ),
        ({"period": 24, "method": "additive", "lag": 108}, "lag=108: in a window of 120"),
        ({"period": 24, "method": "additive", "lag": 12, "trend": 31}, r"\['trend'\] given"),
    ],
)
def test_wrong_parameters_say_what_to_do(parameters, says):
    """Each message names the value, its rule and a remedy."""
    with pytest.raises(ParameterError, match=says):
        RollingDecompose(**parameters)


# Revisions


@pytest.mark.parametrize(
    "parameters",
    [
        {"period": 4},
        {"period": [3, 4], "window": 13},
        {"period": 5, "method": "additive", "window": 21},
    ],
)
def test_revisions_are_those_of_a_slow_loop(parameters):
    """Every window taken apart by statsmodels, and the estimates of each tick compared."""
    values, lags = ticks(70, 4), [2, 4]
    size = RollingDecompose(**parameters, lag=2).size
    settled = (size - 1) // 2
    about = range(size - 1, 70 - settled)
    parts = {
        lag: np.array(
            [whole(values[t + lag + 1 - size : t + lag + 1], parameters, lag) for t in about]
        )
        for lag in (*lags, settled)
    }
    trend = {lag: part[:, 1] for lag, part in parts.items()}
    season = {lag: part[:, 2:-1].sum(axis=1) for lag, part in parts.items()}
    left = parts[settled][:, -1]
    spread = 1.4826 * np.median(np.abs(left - np.median(left)))
    found = revisions(pd.Series(values), **parameters, lags=lags)
    assert (found.settled, found.window, found.ticks) == (settled, size, len(about))
    assert found.spread == pytest.approx(spread)
    for name, part in (("trend", trend), ("season", season)):
        for lag in lags:
            moved = np.abs(part[lag] - part[settled]) / spread
            expected = np.quantile(moved, [0.5, 0.9])
            row = found.table.loc[lag, [f"{name}_median", f"{name}_p90"]]
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-9)


def test_revisions_shrink_with_the_lag():
    """From the newest tick to half the window, told in words and in a picture with its facts."""
    found = revisions(shop(10), 24)
    table = found.table
    assert table.index.name == "lag"
    assert table.index[0] == 0
    assert 20 <= len(table) <= 40
    assert (table["trend_median"] <= table["trend_p90"]).all()
    assert table["trend_median"][0] > 10 * table["trend_median"][24]
    assert table["season_median"][0] > 2 * table["season_median"][24]
    assert table.iloc[-1].max() < 0.05
    half, tenth = table.loc[0, ["trend_median", "trend_p90"]]
    said = f"half of the trends by over {half:.2g}, one in ten by over {tenth:.2g}"
    assert said in repr(found)
    picture = found.plot()
    assert said in picture.alt
    assert picture.facts["settled"] == 59
    assert picture.facts["0"]["trend_p90"] == pytest.approx(tenth, abs=0.01)
    assert found.plot(title="Later").figure.get_suptitle() == "Later"


def test_revisions_leave_out_windows_with_gaps():
    """A missing tick spoils the windows that hold it, and nothing else."""
    series = shop(4).astype(float)
    cut = 100
    series.iloc[cut] = np.nan
    found, rest = revisions(series, 24), revisions(series[cut + 1 :], 24)
    pd.testing.assert_frame_equal(found.table, rest.table)
    assert found.ticks == rest.ticks


def test_classical_revisions_begin_where_it_knows_a_trend():
    """Its trend is final at once, half a period late; its season is not."""
    table = revisions(shop(4), 24, method="additive").table
    assert table.index[0] == 12
    assert (table["trend_p90"] == 0).all()
    assert table["season_median"][12] > 0.1
    longer = revisions(shop(4), 24, method="additive", options={"extrapolate_trend": 23}).table
    assert longer["trend_median"][0] > 0.1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.arange(28.0), "28 ticks and window=20: .* which takes 29 ticks"),
        (np.tile([1.0, 2, 3, 5], 20), "trend and season explain every tick"),
        ([*np.sin(range(20)), np.nan] * 3, "no 29 ticks in a row without a missing one"),
    ],
)
def test_series_without_revisions_say_why(values, says):
    """Too short, without a residual, or full of gaps."""
    with pytest.raises(DataError, match=says):
        revisions(pd.Series(values), 4)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"period": 24, "lags": [59]}, r"lags=\[59\]: they rise, and end before .* lag 59"),
        ({"period": 24, "lags": [3, 1]}, "they rise"),
        ({"period": 24, "lags": []}, "they rise"),
        ({"period": 24, "lags": [-1]}, "lag=-1"),
        ({"period": "day"}, "period='day'"),
        ({"period": 24, "window": 40}, "window=40"),
        ({"period": 24, "method": "additive", "lags": [0]}, "lag=0: in a window of 120"),
    ],
)
def test_wrong_lags_say_what_to_do(parameters, says):
    """The settled estimate is the last; the rest is as in rolling_decompose."""
    with pytest.raises(ParameterError, match=says):
        revisions(pd.Series(np.arange(9.0)), **parameters)
