"""Robust online decomposition: its algebra, what it survives, what it follows, and its errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

from bench.robust import BARS, PUBLISHED, choices, errors, syn1, syn2
from rtlab.errors import DataError, ParameterError
from rtlab.robust import RobustDecompose, robust_decompose


def decompose(values, *cuts, **parameters):
    """Decompose ticks (, series), cut at places: (ticks, series, parts)."""
    step = RobustDecompose(**parameters)
    values = np.asarray(values, dtype=float)
    values = values.reshape(len(values), -1)
    state = step.begin(values.shape[1])
    return np.concatenate([step.take(state, piece, None) for piece in np.split(values, cuts)])


def noisy(period=24, periods=30, seed=0, width=1):
    """Give ticks with noise of size 1 on a smooth season, and that season."""
    draws = np.random.default_rng(seed)
    turn = 2 * np.pi * np.arange(period * periods)[:, None] / period
    season = 5 * np.sin(turn) + 2 * np.cos(2 * turn)
    return season + draws.standard_normal((len(turn), width)), season


# --- the algebra, against the whole problem


def dense(step, state, ticks):
    """Solve the whole least-squares problem anew, at each tick and in each round.

    Unknown are every trend and every season since the training; nothing is eliminated and nothing
    is folded into a state. Outliers get their weight; steps and shifts do not occur.
    """
    age, period = int(state["age"][0]), step.period
    seasons = {age - back: state["ring"][(age - back) % len(state["ring"]), 0] for back in
               range(1, period + 1)}  # fmt: skip
    sigma, floor, moved = state["sizes"][:, 0]
    level, slope, of_level, _, of_slope = state["filters"][-1, :, 0]
    rounds = [[] for _ in range(step.iterations)]  # of each: what each tick's terms weigh
    trend, change, answers = level, slope, []
    for place, tick in enumerate(ticks, start=age):
        y, v, ahead = tick, seasons[place - period], trend + change
        off = y - ahead - v
        weight = 1.0 if abs(off) <= step.sigmas * sigma else (step.sigmas * sigma / off) ** 2
        if np.isnan(off):
            off = y = weight = 0.0
        first = second = sigma / 2  # the size of a change, before the first round
        for terms in rounds:
            flat = 2 * sigma * (first + 1e-5 * sigma) / step._costs[0]
            bend = 2 * sigma * (second + 1e-5 * sigma) / step._costs[1]
            flat += (weight == 0) * 1e9 * sigma**2  # nothing holds the trend back
            terms.append((y, v, weight, sigma, flat, bend))
            start = (level, of_level), (slope, of_slope)
            trends, season = solved(start, terms, step.season)
            first, second = abs(trends[-1] - trends[-2]), abs(trends[-1] - 2 * trends[-2]
                                                             + trends[-3])  # fmt: skip
        trend, change = trends[-1], trends[-1] - trends[-2]
        seasons[place] = season
        moved += (season - v) / period
        answers.append((trend + moved, season - moved))
        if weight:
            far = abs(off)
            sigma *= 1 + (1 if far > 0.6745 * sigma else -1) / step._train
    assert sigma > floor
    return np.array(answers)


def solved(start, terms, cost):
    """Give all trends, from the one before the one before the first tick, and the last season."""
    count = len(terms)
    rows, right = [], []

    def add(weight, value, **places):
        row = np.zeros(2 * count + 2)
        for name, factor in places.items():
            row[int(name[1:]) + (count + 2 if name[0] == "s" else 0)] = factor
        rows.append(np.sqrt(weight) * row)
        right.append(np.sqrt(weight) * value)

    (level, of_level), (slope, of_slope) = start
    add(1 / of_level, level, t1=1)
    add(1 / of_slope, slope, t1=1, t0=-1)
    for n, (y, v, weight, sigma, flat, bend) in enumerate(terms):
        now, last, older = f"t{n + 2}", f"t{n + 1}", f"t{n}"
        add(1 / flat, 0, **{now: 1, last: -1})
        add(1 / bend, 0, **{now: 1, last: -2, older: 1})
        add(weight / sigma**2, y, **{now: 1, f"s{n}": 1})
        add(cost / sigma**2, v, **{f"s{n}": 1})
    found = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return found[: count + 2], found[-1]


@pytest.mark.parametrize("iterations", [1, 4])
def test_two_states_solve_the_whole_problem(iterations):
    """The filters give what a dense solution for all trends and seasons gives, at every tick."""
    values, _ = noisy(period=6, periods=13, seed=2)
    values[36] += 30  # an outlier, and then a missing tick
    values[40] = np.nan
    step = RobustDecompose(period=6, shift=0, iterations=iterations)
    state = step.begin(1)
    step.take(state, values[:30], None)
    expected = dense(step, state, values[30:, 0])
    found = step.take(state, values[30:], None)[:, 0, 1:3]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


# --- errors on the public series


@pytest.mark.parametrize("series", [syn1, syn2])
def test_public_series(series):
    """With the defaults, trend and season are nearer to the truth than the bar and the paper."""
    made = series()
    given = decompose(made.trend + made.season + made.noise, period=made.period)[:, 0]
    found = np.array(errors(made, given))
    assert (found <= BARS[series.__name__.title()]).all()
    assert (found < PUBLISHED[series.__name__.title()]).all()


def test_page_of_choices():
    """The table of errors in the document is what is measured."""
    page = (Path(__file__).parent.parent / "docs" / "decomposition.md").read_text(encoding="utf-8")
    for row in choices():
        name, *cells = row.strip("|").split("|")
        (told,) = [line for line in page.splitlines() if line.startswith(f"|{name}|")][:1]
        if "/" not in row:
            assert row in page
            continue
        found, written = (
            [[float(number) for number in cell.split("/")] for cell in line]
            for line in (cells, told.strip("|").split("|")[1:])
        )
        np.testing.assert_allclose(written, found, rtol=0.03, atol=0.02)


# --- what it survives


@pytest.mark.parametrize(
    ("size", "trend", "season"), [(8, 0.5, 2), (20, 0.15, 1.1), (-20, 0.15, 1.1), (1000, 0.1, 0.7)]
)
def test_outlier_moves_little(size, trend, season):
    """One wild tick moves the trend by a part of the noise, and the season in one place only.

    Both move less the wilder the tick is, and a quarter of it is gone a period later.
    """
    values, _ = noisy(width=20)
    wild = values.copy()
    wild[500] += size
    moved = abs(decompose(wild, period=24) - decompose(values, period=24))[500:]
    assert moved[:24, :, 1].max() < trend
    assert moved[0, :, 2].max() < season
    assert moved[24, :, 2].mean() < 0.8 * moved[0, :, 2].mean()
    assert moved[1:24, :, 2].max() < trend


def test_outliers_leave_the_errors_as_they_are():
    """With a wild tick in a hundred, trend and season are as good as without."""
    values, season = noisy(width=10, periods=40)
    draws = np.random.default_rng(1)
    wild = values + 20 * (draws.random(values.shape) < 0.01)
    for one, most in ((values, 1.0), (wild, 1.15)):
        given = decompose(one, period=24)[120:]
        assert abs(given[..., 1]).mean() < 0.12 * most
        assert abs(given[..., 2] - season[120:]).mean() < 0.32 * most


@pytest.mark.parametrize("gap", [1, 30, 200])
def test_missing_ticks_are_predicted(gap):
    """In a gap the trend goes on at its slope, with the season of a period before; no residual."""
    values, season = noisy(width=5, periods=40)
    values += 0.05 * np.arange(len(values))[:, None]
    whole = decompose(values, period=24)
    values[500 : 500 + gap] = np.nan
    given = decompose(values, period=24)
    inside = given[500 : 500 + gap]
    assert np.isnan(inside[..., [0, 3]]).all()
    rises = np.diff(given[499 : 500 + gap, :, 1], axis=0)
    before = given[np.arange(500, 500 + gap) - 24, :, 2]
    assert (abs(rises - 0.05) < 0.04).all()
    assert (abs(np.diff(rises, axis=0)) < 1e-6).all()
    np.testing.assert_allclose(inside[..., 2], before, rtol=0, atol=0.2)  # but for re-centring
    assert abs(given[520 + gap :, :, 1] - whole[520 + gap :, :, 1]).mean() < 0.3
    assert abs(given[520 + gap :, :, 2] - season[520 + gap :]).mean() < 0.35


@pytest.mark.parametrize("none", [np.inf, -np.inf, 1e200])
def test_infinite_is_missing(none):
    """What is not finite, or could not be squared, counts as missing."""
    values, _ = noisy(periods=12)
    values[[50, 200]] = np.nan
    expected = decompose(values, period=24)
    values[[50, 200]] = none
    np.testing.assert_array_equal(decompose(values, period=24), expected)


def test_training_begins_with_the_first_tick():
    """Missing ticks at the beginning do not count: the answers are the same, later."""
    values, _ = noisy(periods=12)
    late = np.concatenate([np.full((17, 1), np.nan), values])
    np.testing.assert_array_equal(decompose(late, period=24)[17:], decompose(values, period=24))


def test_gaps_in_training():
    """Training does with a third of its ticks missing; a phase that never came has season 0."""
    values, season = noisy(periods=12, width=5)
    draws = np.random.default_rng(0)
    values[:120][draws.random((120, 5)) < 0.3] = np.nan
    values[0] = season[0]
    given = decompose(values, period=24)[120:]
    assert abs(given[..., 1]).mean() < 0.3
    assert abs(given[..., 2] - season[120:]).mean() < 0.7
    values[3:120:24] = np.nan
    without = decompose(values, period=24)
    assert np.isfinite(without[120:]).all()
    assert abs(without[123, :, 2]).max() < 3  # the truth is 5.7
    nothing = decompose(np.where(np.arange(60) == 0, 1, np.nan), period=4)
    assert np.isfinite(nothing[20:, 0, 1:3]).all()


# --- what it follows


@pytest.mark.parametrize("size", [12, 30, -1000])
@pytest.mark.parametrize("confirm", [3, 5])
def test_steps_are_followed(size, confirm):
    """A step of 12 times the noise is followed as soon as it is confirmed, and not before."""
    values, _ = noisy(width=20)
    values[500:] += size
    gap = values.copy()
    gap[501] = np.nan  # it is confirmed by one tick more
    late = decompose(gap, period=24, confirm=confirm)[500:, :, 1]
    assert abs(late[confirm - 1]).max() < 2 < abs(late[confirm]).min()
    trend = decompose(values, period=24, confirm=confirm)[500:, :, 1]
    assert abs(trend[: confirm - 1]).max() < 2
    assert (abs(trend[confirm - 1] - size) < 2).all()
    assert abs(trend[confirm - 1 :] - size).mean() < 0.3


def test_smaller_steps_take_longer():
    """A step of 3 times the noise hides in it: the trend is there after four periods."""
    values, _ = noisy(width=20, periods=40)
    values[500:] += 3
    trend = decompose(values, period=24)[596:, :, 1]
    assert abs(trend[0] - 3).max() < 1
    assert abs(trend - 3).mean() < 0.3


def test_steps_leave_the_season():
    """A step does not get into the season: its error is as without."""
    values, season = noisy(width=10, periods=40)
    steps = values + 20.0 * (np.arange(len(values)) // 240 % 2)[:, None]
    given = decompose(steps, period=24)[120:, :, 2]
    assert abs(given - season[120:]).mean() < 0.35


def test_ramps_are_followed():
    """A trend that rises by twice the noise in each period is followed without lagging."""
    values, season = noisy(width=10, periods=40)
    ramp = np.arange(len(values))[:, None] / 12
    first = decompose(values + ramp, period=24)[120:123]
    assert abs(first[..., 1] - ramp[120:123]).mean() < 0.5
    given = decompose(values + ramp, period=24)[240:]
    assert abs((given[..., 1] - ramp[240:]).mean()) < 0.3
    assert abs(given[..., 2] - season[240:]).mean() < 0.35


@pytest.mark.parametrize(("late", "shift"), [(2, None), (-5, 6)])
def test_shifted_seasons_are_found(late, shift):
    """A square season that comes late for a period is recognised, and the trend stays."""
    draws = np.random.default_rng(3)
    square = np.tile(np.repeat([10.0, -10.0], 20), 20)
    square[400:440] = np.roll(square[400:440], late)
    values = square[:, None] + draws.standard_normal((800, 10))
    given = decompose(values, period=40, shift=shift)[200:]
    assert abs(given[..., 1]).max() < 1
    assert abs(given[..., 2] - square[200:, None]).mean() < 0.35
    lost = decompose(values, period=40, shift=0)[200:]
    assert abs(lost[..., 2] - square[200:, None]).mean() > 0.42


def test_recentring_takes_a_lag_out_of_the_season():
    """A trend that lags behind a bend pushes the season off its middle; it is moved back."""
    values, _ = noisy(width=10, periods=40)
    bend = np.maximum(0, np.arange(len(values)) - 480)[:, None] / 6
    given = decompose(values + bend, period=24)
    step = RobustDecompose(period=24)
    state = step.begin(10)
    step.take(state, values + bend, None)
    assert state["sizes"][2].min() > 1  # what was moved back
    assert abs(given[-48:, :, 2].mean(axis=0)).max() < 0.25


def test_sigma_follows_the_noise():
    """When the noise grows tenfold, most of it is within the limit again after two periods."""
    values, season = noisy(width=10, periods=60)
    values[600:] = season[600:] + 10 * (values[600:] - season[600:])
    step = RobustDecompose(period=24)
    state = step.begin(10)
    step.take(state, values[:600], None)
    assert abs(state["sizes"][0] - 1).max() < 0.3
    step.take(state, values[600:648], None)
    assert state["sizes"][0].min() > 2  # the limit is five times that
    given = decompose(values, period=24)[720:]
    assert abs(given[..., 1]).mean() < 2
    assert abs(given[..., 2] - season[720:]).mean() < 4


# --- one and many, cut or whole


@given(st.data())
@examples(25)
def test_cuts_and_company_change_nothing(data):
    """However the ticks are cut, alone or among others: the same numbers, to the last digit."""
    seed = data.draw(st.integers(0, 10**6))
    draws = np.random.default_rng(seed)
    period = data.draw(st.integers(2, 12))
    values, _ = noisy(period=period, periods=12, seed=seed, width=30)
    values *= 10.0 ** draws.integers(-3, 6, 30)
    for _ in range(20):  # steps, outliers, gaps, late beginnings
        start, column = draws.integers(0, len(values)), draws.integers(0, 30)
        values[start : start + draws.integers(1, 9), column] += draws.choice([9, -100, 1e4])
    values[draws.random(values.shape) < 0.02] = np.nan
    late = data.draw(st.booleans()) * draws.integers(0, 2 * period, 30)
    values[np.arange(len(values))[:, None] < late] = np.nan
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=6)))
    how = {"period": period, "shift": min(2, period - 1), "iterations": 3}
    whole = decompose(values, **how)
    np.testing.assert_array_equal(decompose(values, *cuts, **how), whole)
    few = decompose(values[:, :3], *cuts, **how)
    np.testing.assert_array_equal(few, whole[:, :3])
    parts = whole[..., 1:].sum(axis=2)
    there = ~np.isnan(parts)
    scale = abs(values[there]).max(initial=0)
    np.testing.assert_allclose(parts[there], values[there], rtol=0, atol=1e-12 * scale)


def test_height_does_not_matter():
    """A million higher, all is the same but the trend."""
    values, _ = noisy(periods=30, width=2)
    values[500:] += 12
    higher = decompose(values + 1e6, period=24)
    higher[..., :2] -= 1e6
    np.testing.assert_allclose(higher, decompose(values, period=24), rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [2.0**-60, 2.0**40])
def test_units_do_not_matter(factor):
    """In another unit the answers are the same, in that unit."""
    values, _ = noisy(periods=15, width=2)
    np.testing.assert_array_equal(
        decompose(values * factor, period=24), decompose(values, period=24) * factor
    )


# --- data at the edge


def test_constant_series():
    """A constant is all trend; a season without noise is all season."""
    given = decompose(np.full(100, 7.0), period=5)[25:, 0]
    np.testing.assert_array_equal(given, np.tile([7.0, 7.0, 0.0, 0.0], (75, 1)))
    zeros = decompose(np.zeros(3000), period=2)[10:, 0]
    np.testing.assert_array_equal(zeros, np.zeros((2990, 4)))
    week = np.tile([3.0, 2, 1, -1, -1, -2, -2], 20)
    given = decompose(week, period=7)[35:, 0]
    np.testing.assert_allclose(given[:, 2], week[35:], rtol=0, atol=1e-9)


def test_sales_that_begin_after_the_training():
    """A product that sold nothing while it was learnt is followed when it sells."""
    draws = np.random.default_rng(0)
    sales = np.where(np.arange(600) < 150, 0, 50 + draws.standard_normal(600))
    given = decompose(sales, period=24)[:, 0]
    assert abs(given[400:, 1] - 50).mean() < 1


def test_irregular_ticks():
    """Where a time is skipped the season would be out of step: it is refused."""
    times = pd.date_range("2024-01-01", periods=40, freq="h", tz="UTC").delete(30)
    with pytest.raises(DataError, match="equal"):
        robust_decompose(pd.Series(1.0, times), period=4)


# --- parameters


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"period": 1}, "period=1: period is a whole number of at least 2 ticks; try period=24"),
        ({"period": 2.5}, "period=2.5"),
        ({"period": [24, 168]}, r"period=\[24, 168\].*one season; use rolling_decompose"),
        ({"period": 7, "train": 13}, "train=13.*at least 14 ticks, two periods; try train=35"),
        ({"period": 7, "shift": 7}, "shift=7 with period=7.*less than a period"),
        ({"period": 7, "shift": -1}, "shift=-1.*at least 0 ticks; try shift=0"),
        ({"period": 7, "confirm": 0}, "confirm=0.*at least 1 tick; try confirm=5"),
        ({"period": 7, "iterations": 0}, "iterations=0.*at least 1 round; try iterations=8"),
        ({"period": 7, "level": 0}, "level=0: level is above 0; try level=None"),
        ({"period": 7, "slope": -1}, "slope=-1: slope is above 0; try slope=None"),
        ({"period": 7, "season": float("inf")}, "season=inf: season is above 0; try season=3"),
        ({"period": 7, "sigmas": "a"}, "sigmas='a': sigmas is above 0; try sigmas=5"),
    ],
)
def test_parameters_that_break_a_rule(parameters, words):
    """Each message names the value, the rule and the remedy."""
    with pytest.raises(ParameterError, match=words):
        RobustDecompose(**parameters)
