"""Filters of a window's decomposition, against statsmodels, Fortran and R at every place."""

import numpy as np
import pandas as pd
import pytest
from test_season import DATA, R_JUMPS, SERIES, r_set, reference

from rtlab.errors import ParameterError
from rtlab.filters import Classical, Stl, weights

CO2 = {"seasonal": 35, "trend": 19, "low_pass": 13, "inner_iter": 1}
JUMPS = {"seasonal_jump": 4, "trend_jump": 2, "low_pass_jump": 2}


def ticks(size, period, seed=0):
    """Make a season, a trend that wanders, and noise, about 1,000."""
    rng = np.random.default_rng(seed)
    season = 40 * np.sin(2 * np.pi * np.arange(size) / period)
    return 1000 + season + rng.normal(0, 2, size).cumsum() + rng.normal(0, 10, size)


def near(found, expected, values, within=1e-12):
    """Compare, by the largest tick."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=within * np.abs(values).max())


def by_statsmodels(values, period, inner_iter=None, **parameters):
    """Trend and season by statsmodels, newest tick first."""
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415

    fit = STL(values, period=period, **parameters).fit(inner_iter=inner_iter)
    return np.stack([fit.trend, fit.seasonal], axis=1)[::-1]


@pytest.mark.parametrize(
    ("period", "window"),
    [
        (2, 4),
        (2, 2000),
        (7, 14),
        (7, 35),
        (7, 38),
        (24, 120),
        (24, 131),
        (24, 1000),
        (288, 1440),
        (288, 1500),
    ],
)
def test_stl_is_statsmodels_at_every_place(period, window):
    """Usual parameters; windows that the period divides, or not, and the shortest."""
    values = ticks(window, period)
    lags = (0, 1, period, window // 2, window - 1)
    found = weights((Stl(window, period),), lags) @ values
    near(found, by_statsmodels(values, period)[list(lags)], values)


def test_stl_is_statsmodels_for_minutes_of_a_day():
    """A period of 1440 ticks and a window of five."""
    values = ticks(7200, 1440)
    found = weights((Stl(7200, 1440),), (0, 700)) @ values
    near(found, by_statsmodels(values, 1440)[[0, 700]], values)


@pytest.mark.parametrize("window", [348, 347, 61, 60, 25, 24])
@pytest.mark.parametrize(
    "parameters",
    [
        CO2 | JUMPS,
        CO2 | JUMPS | {"low_pass_jump": 1},
        CO2 | JUMPS | {"trend_jump": 1},
        CO2 | JUMPS | {"low_pass_jump": 1, "trend_jump": 1},
        {"seasonal": 3, "trend": 13, "inner_iter": 2},
        {"seasonal": 7, "seasonal_jump": 3, "trend_jump": 7, "low_pass_jump": 5},
        {"seasonal_jump": 100, "trend_jump": 100, "low_pass_jump": 100},
        {"seasonal_deg": 0, "trend_deg": 0, "low_pass_deg": 0},
        {"seasonal": 3481, "seasonal_deg": 0, "trend": 35, "low_pass": 27},
        {"trend": 1001, "low_pass": 1001, "trend_jump": 10},
    ],
)
def test_parameters_mean_what_they_mean_in_statsmodels(window, parameters):
    """Its own tests' sets, degrees, jumps that do not end at the end, long smoothers."""
    values = r_set("co2").to_numpy()[:window]
    lags = tuple(range(0, window, 1 + window // 40))
    found = weights((Stl(window, 12, **parameters),), lags) @ values
    near(found, by_statsmodels(values, 12, **parameters)[list(lags)], values)


def test_stl_equals_fortran():
    """The reference by its authors without robust weights, at each of 348 places."""
    co2 = reference("stl/tests/results/stl_co2.csv", header=None).iloc[:, 0].to_numpy()
    fortran = reference("stl/tests/results/stl_test_results.csv")
    fortran = fortran[fortran["scenario"].str.strip() == "stlez"]
    step = Stl(348, 12, **(CO2 | JUMPS | {"inner_iter": 2}))
    found = weights((step,), tuple(range(348)))[::-1] @ co2
    near(found, fortran[["trend", "season"]], co2)


def test_stl_equals_r():
    """R's stl of co2, with its jumps of a tenth, at each place."""
    r = pd.read_csv(DATA / "r_stl_co2.csv", comment="#")
    co2 = r_set("co2").to_numpy()
    step = Stl(468, 12, 21, trend=23, inner_iter=2, **R_JUMPS)
    found = weights((step,), tuple(range(468)))[::-1] @ co2
    near(found, r[["stl_trend", "stl_seasonal"]], co2, 1e-11)


@pytest.mark.parametrize(
    ("periods", "window"), [((7,), 60), ((24, 168), 840), ((24, 168), 901), ((5, 7, 12), 77)]
)
def test_mstl_is_statsmodels(periods, window):
    """Trend and each season, where the rest goes through the periods in turn, twice."""
    from statsmodels.tsa.seasonal import MSTL  # noqa: PLC0415

    values, lengths = ticks(window, periods[-1]), [11, 15, 19][: len(periods)]
    fit = MSTL(values, periods=periods, windows=lengths).fit()
    expected = np.column_stack([fit.trend, fit.seasonal])[::-1]
    plan = tuple(Stl(window, *both) for both in zip(periods, lengths, strict=True))
    lags = (0, 3, window // 2, window - 1)
    near(weights(plan, lags) @ values, expected[list(lags)], values)


def test_mstl_equals_r():
    """R's mstl on Victoria's hourly electricity, by day and week, at some of 3600 places."""
    r = reference("stl/tests/results/mstl_test_results.csv")
    load = reference("stl/tests/results/mstl_elec_vic.csv")["y"].to_numpy()
    plan = tuple(Stl(3600, *both, seasonal_deg=0, inner_iter=2) for both in ((24, 11), (168, 15)))
    lags = (0, 1, 24, 500, 1800, 3599)
    found = weights(plan, lags) @ load
    expected = r[["Trend", "Seasonal24", "Seasonal168"]].to_numpy()[::-1]
    near(found, expected[list(lags)], load, 1e-9)


@pytest.mark.parametrize("window", [24, 25, 48, 60, 61])
@pytest.mark.parametrize("period", [2, 3, 7, 12])
@pytest.mark.parametrize("extrapolate", [0, 1, 3, 11, 48])
def test_classical_is_statsmodels(window, period, extrapolate):
    """At every place, also where it knows no trend, or a line that goes on from the known."""
    from statsmodels.tsa.seasonal import seasonal_decompose  # noqa: PLC0415

    values = ticks(window, period)
    fit = seasonal_decompose(values, period=period, extrapolate_trend=extrapolate)
    plan = (Classical(window, period, extrapolate),)
    found = weights(plan, tuple(range(window)))[::-1] @ values
    near(found, np.stack([fit.trend, fit.seasonal], axis=1), values)


def test_classical_equals_r():
    """R's decompose of nottem, with its missing half periods at the ends."""
    values = r_set("nottem").to_numpy()
    found = weights((Classical(240, 12),), tuple(range(240)))[::-1] @ values
    r = SERIES[[f"nottem_additive_{part}" for part in ("trend", "seasonal")]][:240]
    near(found, r, values)


@pytest.mark.parametrize("points", ["period", "freq"])
def test_words_for_a_period_of_points(points):
    """statsmodels' words, of which each version knows one."""
    plans = (Classical(48, 12, points),), (Classical(48, 12, 11),)
    found, expected = (weights(plan, (0,)) for plan in plans)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "plan", [(Stl(40, 7),), (Stl(40, 7), Stl(40, 12, 9)), (Classical(40, 7),)]
)
def test_a_level_is_trend_and_a_season_has_none(plan):
    """Rows of the trend add up to 1, those of a season to 0; nobody can change them."""
    rows = weights(plan, (20, 9))
    sums = np.broadcast_to([1, *[0] * len(plan)], (2, len(plan) + 1))
    np.testing.assert_allclose(rows.sum(axis=2), sums, atol=1e-14)
    assert weights(plan, (20, 9)) is rows
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 0


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"seasonal": 8}, "seasonal=8: seasonal is odd.*try seasonal=9"),
        ({"seasonal": 1}, "seasonal=1: seasonal is a whole number of at least 3"),
        ({"trend": 11}, "trend=11: trend is a whole number of at least 13"),
        ({"trend": 14}, "trend=14: trend is odd.*try trend=15"),
        ({"low_pass": 12}, "low_pass=12: low_pass is a whole number of at least 13"),
        ({"seasonal_deg": 2}, "seasonal_deg=2: a level .0. or a line .1."),
        ({"trend_jump": 0}, "trend_jump=0: trend_jump is a whole number of at least 1"),
        ({"inner_iter": 1.5}, "inner_iter=1.5"),
    ],
)
def test_wrong_parameters_say_what_to_do(parameters, says):
    """What statsmodels refuses or would misread is refused by name."""
    with pytest.raises(ParameterError, match=says):
        Stl(60, 12, **parameters)
    with pytest.raises(ParameterError, match="extrapolate_trend='all'"):
        Classical(60, 12, "all")
