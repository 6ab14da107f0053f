"""Stationarity: statsmodels' own figures, and series whose truth is known."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import nile
from statsmodels.tsa.stattools import adfuller, kpss

from rtlab.errors import DataError, ParameterError
from rtlab.stationarity import stationarity
from rtlab.steps import registered, run

DATA = Path(__file__).parent / "data"
HOUR = np.arange(480)


def noise(seed, rows=480):
    """White noise."""
    return np.random.default_rng(seed).normal(size=rows)


def of_statsmodels(test, values, **parameters):
    """Call statsmodels without its warnings; statistic, p-value and critical values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statistic, p_value, *rest = test(values, **parameters)
    return statistic, p_value, rest[-1]


@pytest.mark.parametrize("seed", range(5))
def test_tests_are_those_of_statsmodels(seed):
    """Each stage's statistics, p-values and critical values, with the lags that are stated."""
    values = (noise(seed) + 0.3).cumsum() + 20 * np.sin(HOUR * 2 * np.pi / 24)
    found = stationarity(pd.Series(values), period=24)
    assert found.D == 1
    stages = {"as given": values, "lag 24": values[24:] - values[:-24]}
    stages["lag 24, 1"] = np.diff(stages["lag 24"])
    table = found.table[found.table.test != "season"].set_index(["stage", "test"])
    assert list(table.index.unique("stage")) == list(stages)[: 2 + found.d]
    for (stage, test), row in table.iterrows():
        data = stages[stage]
        if test == "KPSS":
            expected = of_statsmodels(kpss, data, nlags=int(3 * len(data) ** 0.5 / 13))
        else:
            lags = int((len(data) - 1) ** (1 / 3))
            expected = of_statsmodels(adfuller, data, maxlag=lags, autolag=None)
        assert (row.statistic, row.p_value, row.critical) == (*expected[:2], expected[2]["5%"])
        beyond = row.p_value < 0.05
        assert row.verdict == ("not stationary" if beyond == (test == "KPSS") else "stationary")


KNOWN = {
    "white noise": (lambda one: one, None, (0, 0)),
    "random walk": (np.cumsum, None, (1, 0)),
    "sum of a random walk": (lambda one: one.cumsum().cumsum(), None, (2, 0)),
    "trend": (lambda one: one + 0.02 * np.arange(len(one)), None, (1, 0)),
    "season": (lambda one: one + 4 * np.sin(HOUR * 2 * np.pi / 24), None, (0, 1)),
    "seasonal random walk": (lambda one: one.reshape(-1, 24).cumsum(axis=0).ravel(), 24, (0, 1)),
    "no season of this period": (lambda one: one, 24, (0, 0)),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_recommends_what_is_true(kind):
    """Of 20 series of a known kind nearly all get the differences that undo it; 5 % may err."""
    make, period, truth = KNOWN[kind]
    found = [stationarity(pd.Series(make(noise(seed))), period) for seed in range(20)]
    assert sum((one.d, one.D) == truth for one in found) >= 17


def test_recommends_what_r_does():
    """The orders of auto.arima, R's default, that are printed in many places for R's own series.

    AirPassengers ARIMA(2,1,1)(0,1,0)[12], lynx ARIMA(2,0,2), Nile ARIMA(1,1,1).
    """
    frame = pd.read_csv(DATA / "r_data.csv", comment="#")
    air, lynx = stationarity(frame["air"].dropna(), 12), stationarity(frame["lynx"].dropna())
    river = stationarity(nile.load_pandas().data["volume"].reset_index(drop=True))
    assert [(one.d, one.D) for one in (air, river)] == [(1, 1), (1, 0)]
    given = lynx.table[(lynx.table.stage == "as given") & (lynx.table.test == "KPSS")]
    assert given.verdict.tolist() == ["stationary"]  # R sees no season in years


def test_a_season_is_found_or_given():
    """Without a period the season is looked for, and the answer says so."""
    series = pd.Series(noise(0) + 4 * np.sin(HOUR * 2 * np.pi / 24))
    for period, source in ((None, "found"), (24, "given")):
        found = stationarity(series, period)
        assert (found.period, found.period_from, found.D) == (24, source, 1)
        assert f"period 24 {source}: difference once at lag 24, then not at lag 1" in repr(found)
    season = found.table.iloc[0]
    assert season.tolist()[1:3] == ["season", pytest.approx(0.89, abs=0.03)]
    assert (season.critical, season.verdict) == (0.64, "seasonal")


def test_words_say_how_often():
    """The answer's words state the recommendation and the last tests."""
    walk = stationarity(pd.Series(noise(0).cumsum()))
    assert re.search(r"480 ticks: difference once at lag 1; KPSS stationary \(.*ADF", repr(walk))
    twice = stationarity(pd.Series(noise(0).cumsum().cumsum()))
    assert "difference twice at lag 1" in repr(twice)
    assert "no differences are needed" in repr(stationarity(pd.Series(noise(0))))
    line = stationarity(pd.Series(HOUR * 0.1))
    assert "difference once at lag 1; what is left is constant" in repr(line)
    assert line.table.verdict.tolist()[-1] == "constant"


def test_p_values_outside_the_table_are_bounds():
    """KPSS' table ends at 0.01 and 0.1: beyond, the p-value says on which side it is, quietly."""
    rows = stationarity(pd.Series(noise(0).cumsum())).table
    kpss_rows = rows[rows.test == "KPSS"]
    assert kpss_rows.p_value.tolist() == [0.01, 0.1]
    assert kpss_rows.bound.tolist() == ["<=", ">="]
    assert "p >= 0.1" in repr(stationarity(pd.Series(noise(0))))


def test_the_level_of_the_tests_is_followed():
    """Also at the ends of the table and between its columns the statistic decides."""
    walk = pd.Series(noise(0).cumsum())
    for alpha, critical in ((0.01, 0.739), (0.1, 0.347), (0.075, 0.405)):
        rows = stationarity(walk, alpha=alpha).table
        assert rows.critical[0] == pytest.approx(critical)
        assert rows.verdict[0] == "not stationary"


def test_batches_change_nothing():
    """The answer comes at the end, however the series was cut."""
    series = pd.Series(noise(1).cumsum(), pd.date_range("2024", periods=480, freq="h"))
    cut = run(registered()["stationarity"](), [series[:100], series[100:101], series[101:]])
    pd.testing.assert_frame_equal(cut.table, stationarity(series).table)


@pytest.mark.parametrize(
    ("values", "parameters", "says"),
    [
        (np.full(100, 7.0), {}, "a constant series .all 7.: stationarity needs some change"),
        (np.arange(19.0), {}, "19 ticks: stationarity needs at least 20;"),
        (np.arange(60.0), {"period": 31}, "needs at least 62 with period=31"),
        (np.arange(30.0), {"period": 12}, "needs at least 32 with period=12"),
        (np.r_[np.arange(30.0), np.nan, np.inf], {}, "2 of 32 ticks are missing.*first at 30"),
    ],
)
def test_what_cannot_be_tested_is_refused(values, parameters, says):
    """Constant, short and incomplete series: the message names the rule and the remedy."""
    with pytest.raises(DataError, match=says):
        stationarity(pd.Series(values), **parameters)


def test_irregular_ticks_are_refused():
    """Differences are of ticks at equal distances."""
    times = pd.date_range("2024", periods=40, freq="h").delete(7)
    with pytest.raises(DataError, match="irregular ticks"):
        stationarity(pd.Series(noise(0, 39), times))


@pytest.mark.parametrize("parameters", [{"period": 1}, {"alpha": 0.2}, {"alpha": "x"}])
def test_wrong_parameters_say_what_to_do(parameters):
    """Each message names the value and its rule."""
    (name, value), *_ = parameters.items()
    with pytest.raises(ParameterError, match=f"{name}={value!r}: .*try {name}="):
        registered()["stationarity"](**parameters)
