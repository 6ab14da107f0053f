"""Rolling periods: each search is that of find_period on the window, and follows a new season."""

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.errors import DataError, ParameterError
from rtlab.periods import RollingPeriod, rolling_period


def changing(ticks=2400, at=1200, seed=0):
    """Give a season of 24 ticks that becomes one of 36, with a trend and noise."""
    tick = np.arange(ticks)
    period = np.where(tick < at, 24, 36)
    rng = np.random.default_rng(seed)
    return np.sin(2 * np.pi * tick / period) + tick / 1000 + rng.normal(size=ticks) / 4


@pytest.mark.parametrize("seed", range(5))
def test_a_new_season_is_found_within_a_window(seed):
    """24 until the change, 36 from one window after it on; each p-value is below 1 in 100."""
    found = rolling_period(changing(seed=seed), 480, 48)
    ends = 48 * np.arange(1, len(found) + 1)
    full = ends >= 480
    assert np.isnan(found[~full]).all()
    assert (found[full & (ends <= 1200), 0] == 24).all()
    assert (found[ends >= 1200 + 480, 0] == 36).all()
    assert (found[ends >= 1200 + 480, 2] < 0.01).all()


@pytest.mark.parametrize(
    "parameters",
    [{}, {"max_period": 30}, {"candidates": [24, 36, 168]}, {"missing": "interpolate"}],
)
def test_each_search_is_that_of_find_period(parameters):
    """Period, share and p-value of the strongest period in the window, or NaN without one."""
    values = changing(900, 500)
    values[600:] = np.random.default_rng(1).normal(size=300)
    if parameters.get("missing"):
        values[[100, 410, 411, 412, 799]] = np.nan
    series = pd.Series(values, name="x")
    found = rolling_period(series, 200, 50, **parameters)
    assert found.columns.tolist() == ["period", "share", "p_value"]
    assert found.index.tolist() == list(range(49, 900, 50))
    told = 0
    for end, row in zip(found.index + 1, found.to_numpy(), strict=True):
        if end < 200:
            assert np.isnan(row).all()
            continue
        whole = rt.find_period(series[end - 200 : end], **parameters)
        if whole.best is None:
            assert np.isnan(row).all()
        else:
            best = whole.table.loc[whole.best]
            np.testing.assert_array_equal(row, [whole.best, best["share"], best["p_value"]])
            told += 1
    assert 5 < told < 15


def test_gaps_and_flat_windows_have_no_period():
    """NaN while the window holds a missing tick, or none that differs."""
    values = changing(600, 600)
    values[300] = np.inf
    values[450:] = 7.0
    found = rolling_period(pd.DataFrame({"a": values, "b": changing(600, 600)}), 120, 30)
    ends = found.index.to_numpy() + 1
    gap = (ends > 300) & (ends < 421)
    assert np.isnan(found.loc[gap, "a"]).all(axis=None)
    assert np.isnan(found.loc[ends >= 570, "a"]).all(axis=None)
    assert (found.loc[(ends >= 120) & ~gap & (ends <= 450), "a"]["period"] == 24).all()
    assert (found.loc[ends >= 120, "b"]["period"] == 24).all()


@pytest.mark.parametrize("every", [None, 1, 7, 150])
def test_cuts_change_nothing(every):
    """However the ticks come, the same searches give the same answers."""
    values = changing(400, 200)
    whole = rolling_period(values, 90, every)
    assert len(whole) == 400 // (every or 22)
    step = RollingPeriod(90, every)
    for rows in (1, 13, 64):
        state = step.initial()
        pieces = [
            step.update(state, values[begin : begin + rows])["result"]
            for begin in range(0, 400, rows)
        ]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"window": 5}, "window=5: window is a whole number of at least 6 ticks"),
        ({"window": 60, "every": 0}, "every=0"),
        ({"window": 60, "candidates": [1]}, "period=1"),
        ({"window": 60, "max_period": 1}, "max_period=1"),
        ({"window": 60, "missing": "raise"}, "missing='raise': it is 'gap' or 'interpolate'"),
    ],
)
def test_wrong_parameters_say_what_to_do(parameters, says):
    """Each message names the value and its rule."""
    with pytest.raises(ParameterError, match=says):
        RollingPeriod(**parameters)


def test_irregular_ticks_are_refused():
    """A missing hour would shift the season."""
    index = pd.date_range("2024-01-01", periods=60, freq="h", tz="UTC")
    with pytest.raises(DataError, match="irregular"):
        rolling_period(pd.Series(np.arange(59.0), index.delete(20)), 30)
