"""Forecasts: their means, intervals and scores against slow loops, statsmodels and R."""

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.holtwinters import ExponentialSmoothing

import rtlab as rt
from rtlab.errors import DataError, ParameterError

DATA = Path(__file__).parent / "data"
WEEK = np.array([3.0, 2, 1, -1, -1, -2, -2])


def series(ticks, seed=0, noise=1.0):
    """Daily numbers with a week's shape, a slow trend and noise."""
    day = np.arange(ticks)
    values = (
        50 + 0.02 * day + 3 * WEEK[day % 7] + np.random.default_rng(seed).normal(0, noise, ticks)
    )
    return pd.Series(values, pd.date_range("2024-01-01", periods=ticks, tz="UTC", name="start"))


def slow(values, method, *, horizon, every, level, period=7, window=21):
    """Forecast, score and bound tick by tick, as the words of the docstring say."""
    made, errors, answers = [], [], []
    told = inside = known = 0
    total = 0.0
    for now in range(1, len(values) + 1):
        for origin, means, reach, usual in made:
            step = now - 1 - origin
            if 0 <= step < horizon:
                error = abs(values[now - 1] - means[step])
                errors.append((origin, step, error))
                if not math.isnan(reach[step]):
                    told, inside = told + 1, inside + (error <= reach[step])
                known, total = known + 1, total + error / usual
        if now % every or now < window:
            continue
        past = values[now - window : now]
        if method == "seasonal_naive":
            means = [past[window - period + step % period] for step in range(horizon)]
        else:
            fit = rt.decompose(pd.Series(past), period=period, seasonal="periodic")
            level_now = fit.trend.iloc[-period:].mean()
            season = fit.seasons[period].to_numpy()[-period:]
            means = [level_now + season[step % period] for step in range(horizon)]
        reach = []
        for step in range(horizon):
            own = sorted(error for _, which, error in errors if which == step)
            rank = math.ceil((len(own) + 1) * level - 1e-9)
            reach.append(own[rank - 1] if rank <= len(own) else math.nan)
        usual = np.abs(past[period:] - past[:-period]).mean()
        score = (inside / told if told else math.nan, total / known if known else math.nan)
        made.append((now, means, reach, usual))
        answers.append((now - 1, means, reach, *score))
    return answers


@pytest.mark.parametrize("method", ["decomposition", "seasonal_naive"])
@pytest.mark.parametrize(("horizon", "every"), [(3, 3), (10, 4), (2, 5)])
def test_every_number_equals_a_slow_loop(method, horizon, every):
    """Means, intervals and the running score are what the definitions give."""
    data = series(120)
    how = {"horizon": horizon, "period": 7, "every": every, "window": 21, "method": method}
    found = rt.rolling_forecast(data, level=0.6, **how)
    expected = slow(data.to_numpy(), method, horizon=horizon, every=every, level=0.6)
    assert len(found) == horizon * len(expected)
    for (_, rows), (at, means, reach, coverage, mase) in zip(
        found.groupby(level=0), expected, strict=True
    ):
        assert (rows.index == data.index[at]).all()
        np.testing.assert_allclose(rows["mean"], means, rtol=1e-9)
        np.testing.assert_allclose(rows["upper"] - rows["mean"], reach, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(rows["mean"] - rows["lower"], reach, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(rows["coverage"], coverage, rtol=1e-12)
        np.testing.assert_allclose(rows["mase"], mase, rtol=1e-8)
        assert rows["time"].tolist() == [
            data.index[at] + pd.Timedelta(days=step) for step in rows["step"]
        ]


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_hold_their_share(level):
    """On series that do not change, the intervals hold about as many ticks as they say."""
    wide = pd.DataFrame({seed: series(1400, seed=seed) for seed in range(5)})
    found = rt.rolling_forecast(wide, horizon=7, period=7, level=level)
    last = found.groupby("series")["coverage"].last()
    assert len(last) == 5
    assert abs(last.mean() - level) < 0.02
    assert (abs(last - level) < 0.05).all()


def test_a_repeated_season_is_no_better_than_itself():
    """The seasonal naive method has a MASE near 1, and the decomposition a lower one."""
    data = series(700)
    mase = {
        method: rt.rolling_forecast(data, 7, 7, method=method)["mase"].iloc[-1]
        for method in ("seasonal_naive", "decomposition")
    }
    assert 0.95 < mase["seasonal_naive"] < 1.05
    assert mase["decomposition"] < 0.85


def test_holt_winters_is_that_of_statsmodels():
    """The means equal statsmodels' fit of the same window."""
    data = series(60)
    found = rt.rolling_forecast(
        data, horizon=5, period=7, every=20, window=28, method="holt_winters"
    )
    window = data.to_numpy()[60 - 28 :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ExponentialSmoothing(
            window, trend="add", damped_trend=True, seasonal="add", seasonal_periods=7,
            initialization_method="estimated",
        ).fit()  # fmt: skip
    np.testing.assert_allclose(found["mean"].iloc[-5:], fit.forecast(5), rtol=1e-9)
    assert found.index.nunique() == 2


def test_several_series_are_as_if_alone():
    """Side by side, and one below the other, each series is forecast by itself."""
    wide = pd.DataFrame({"a": series(90), "b": 5 * series(90, seed=1)})
    how = {"horizon": 4, "period": 7, "window": 21}
    found = rt.rolling_forecast(wide, **how)
    named = [pd.DataFrame({"key": name, "sold": wide[name]}) for name in wide]
    long = pd.concat(named).sort_index(kind="stable")
    by_key = rt.rolling_forecast(long, by="key", **how)
    for name in wide:
        alone = rt.rolling_forecast(wide[name], **how)
        for many, column in ((found, "series"), (by_key, "key")):
            ours = many[many[column] == name].drop(columns=column)
            pd.testing.assert_frame_equal(ours, alone, check_freq=False, rtol=1e-9)


def test_live_equals_whole():
    """On a stream every number is the same, to the last digit."""
    data = series(200)
    whole = rt.rolling_forecast(data, horizon=7, period=7, every=3)
    live = rt.replay(data, rows=5).rolling_forecast(horizon=7, period=7, every=3).drain()
    assert live.equals(whole)


def test_a_window_with_a_gap_gives_no_forecast():
    """A missing tick silences its windows, and is no error of the forecasts before."""
    data = series(100)
    data.iloc[50] = np.nan
    found = rt.rolling_forecast(data, horizon=2, period=7, every=1, window=14)
    at = {data.index.get_loc(when) for when in found.index}
    assert at == {n for n in range(13, 100) if not 50 <= n < 64}
    assert found["mase"].notna().iloc[-1]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (
            pd.date_range("2024-02-01", periods=38, tz="America/New_York"),
            ["2024-03-10 00:00:00-05:00", "2024-03-11 00:00:00-04:00"],
        ),
        (
            pd.date_range("2021-01-01", periods=38, freq="MS"),
            ["2024-03-01 00:00:00", "2024-04-01 00:00:00"],
        ),
        (
            pd.date_range("2024-03-09T12:00", periods=38, freq="h", tz="America/New_York"),
            ["2024-03-11 03:00:00-04:00", "2024-03-11 04:00:00-04:00"],
        ),
        (pd.timedelta_range("0h", periods=38, freq="3h"), ["4 days 18:00:00", "4 days 21:00:00"]),
        (pd.RangeIndex(38), ["38", "39"]),
        (
            pd.date_range("2021-01-31", periods=38, freq="ME", tz="America/New_York"),
            ["2024-03-31 00:00:00-04:00", "2024-04-30 00:00:00-04:00"],
        ),
        (
            pd.date_range("2020-12-01", periods=38, freq="MS") + pd.Timedelta(days=14),
            ["2024-02-15 00:00:00", "2024-03-15 00:00:00"],
        ),
        (
            pd.date_range("1986-01-01", periods=38, freq="YS"),
            ["2024-01-01 00:00:00", "2025-01-01 00:00:00"],
        ),
        (
            pd.date_range("2021-02-15", periods=38, freq="30D"),  # ends on the 1st of a month
            ["2024-03-31 00:00:00", "2024-04-30 00:00:00"],
        ),
        (
            pd.date_range("2024-01-01", periods=38, freq="23h"),
            ["2024-02-06 10:00:00", "2024-02-07 09:00:00"],
        ),
    ],
)
def test_times_go_on_as_the_clock_does(index, expected):
    """The forecast's times are the next days, months or hours, on the clock of the zone."""
    data = pd.Series(np.tile(WEEK, 6)[:38], index)
    found = rt.forecast(data, horizon=2, period=7, window=14)
    assert [str(when) for when in found.table.index] == expected
    np.testing.assert_allclose(found.table["mean"], np.tile(WEEK, 6)[38:40], atol=1e-9)


def test_times_do_not_depend_on_cuts():
    """Days that meet the first of a month, and keys with unlike steps, go on each for itself."""
    how = {"horizon": 2, "period": 2, "window": 4, "every": 1}
    noise = np.random.default_rng(2).normal(size=220)
    thirties = pd.Series(noise[:40], pd.date_range("2021-01-01", periods=40, freq="30D"))
    zone = "America/New_York"
    parts = [
        pd.DataFrame(
            {"key": freq, "sold": noise[:ticks]},
            pd.date_range("2024-03-01", periods=ticks, freq=freq, tz=zone),
        )
        for freq, ticks in (("D", 20), ("h", 200))
    ]
    mixed = pd.concat(parts).sort_index(kind="stable")
    for data, more in ((thirties, {}), (mixed, {"by": "key"})):
        whole = rt.rolling_forecast(data, **how, **more)
        live = rt.replay(data, rows=1).rolling_forecast(**how, **more).drain()
        assert live["time"].tolist() == whole["time"].tolist()
    days = rt.rolling_forecast(mixed, by="key", **how).query("key == 'D' and step == 2")
    assert [str(when.time()) for when in days["time"]] == ["00:00:00"] * 17


def test_a_forecast_may_reach_further_than_errors_are_held(monkeypatch):
    """With more origins open than errors held, the last step has its own, and all are scored."""
    data, how = series(80), {"horizon": 12, "period": 7, "every": 1, "window": 14, "level": 0.5}
    all_held = rt.rolling_forecast(data, method="seasonal_naive", **how)
    monkeypatch.setattr("rtlab.forecasts.MEMORY", 5)
    found = rt.rolling_forecast(data, method="seasonal_naive", **how)
    pd.testing.assert_series_equal(found["mase"], all_held["mase"])
    values, last = data.to_numpy(), found.iloc[-1]
    origins = np.arange(80 - 12 - 4, 80 - 12 + 1)  # the last five whose twelfth tick has come
    errors = np.sort(abs(values[origins + 11] - values[origins - 7 + 11 % 7]))
    assert last["upper"] - last["mean"] == pytest.approx(errors[2])


def textbook(values, level, trend, season, weights):
    """Holt and Winters' three sums as R has them; give the forecasts of two seasons."""
    alpha, beta, gamma = weights
    for tick, value in enumerate(values):
        before, place = level, tick % len(season)
        level = alpha * (value - season[place]) + (1 - alpha) * (level + trend)
        trend = beta * (level - before) + (1 - beta) * trend
        season[place] = gamma * (value - level) + (1 - gamma) * season[place]
    ahead = np.arange(1, 2 * len(season) + 1)
    return level + ahead * trend + season[(len(values) + ahead - 1) % len(season)]


@pytest.mark.parametrize(("name", "tolerance"), [("co2", 0.5), ("nottem", 1.5)])
def test_holt_winters_is_near_that_of_r(name, tolerance):
    """Its forecasts lie in R's intervals, although R finds other weights and damps no trend."""
    values = pd.read_csv(DATA / "r_data.csv", comment="#")[name].dropna()
    known = pd.read_csv(DATA / "r_holtwinters.csv", comment="#").filter(like=f"{name}_")
    r = {column.removeprefix(f"{name}_"): known[column].dropna().to_numpy() for column in known}
    level, trend, *season = r["start"]
    again = textbook(values.to_numpy()[12:], level, trend, np.array(season), r["parameters"][:3])
    np.testing.assert_allclose(again, r["forecast"], rtol=1e-9)  # so R's figures are understood
    found = rt.rolling_forecast(
        values, horizon=24, period=12, every=len(values), window=len(values), method="holt_winters"
    )["mean"]
    assert ((r["lower"] < found) & (found < r["upper"])).all()
    assert abs(found - r["forecast"]).max() < tolerance


def test_only_holt_winters_continues_a_rise():
    """On a series that rises, the others are no better than repeating the last year."""
    values = pd.read_csv(DATA / "r_data.csv", comment="#")["air"].dropna()
    mase = {
        method: rt.rolling_forecast(np.log(values), 12, 12, method=method)["mase"].iloc[-1]
        for method in ("decomposition", "holt_winters")
    }
    assert mase["holt_winters"] < 0.5
    assert 0.8 < mase["decomposition"] < 1


def test_holt_winters_of_a_flat_series_is_quiet():
    """A window without any noise is continued, and its perfect fit raises no warning."""
    flat = pd.Series(np.full(40, 7.0))
    found = rt.rolling_forecast(flat, 2, 4, every=20, window=12, method="holt_winters")
    np.testing.assert_allclose(found["mean"], 7)


@pytest.mark.parametrize("ticks", [301, 400, 419])
@pytest.mark.parametrize(
    ("index", "next_two"),
    [
        (pd.RangeIndex, lambda n: [n, n + 1]),
        (lambda n: pd.RangeIndex(1000, 1000 + n), lambda n: [1000 + n, 1001 + n]),
        (lambda n: pd.Index(range(0, 5 * n, 5)), lambda n: [5 * n, 5 * n + 5]),
        (lambda n: pd.Index([f"x{at}" for at in range(n)]), lambda n: [n, n + 1]),
        (
            lambda n: pd.period_range("2024-01-01", periods=n),
            lambda n: list(pd.period_range("2024-01-01", periods=n + 2)[-2:]),
        ),
    ],
)
def test_labels_go_on_where_they_are_no_times(index, next_two, ticks):
    """Numbers and periods continue; other labels give way to the numbers of the ticks."""
    data = series(ticks).set_axis(index(ticks))
    assert rt.forecast(data, horizon=2, period=7).table.index.tolist() == next_two(ticks)
    rolling = rt.rolling_forecast(data, horizon=2, period=7, every=1)
    assert rolling["time"].tolist()[-2:] == [ticks, ticks + 1]
    assert rolling.index[-1] == data.index[-1]


def test_a_key_of_numbers_counts_its_own_ticks():
    """In a long frame without times, a forecast is of the next ticks of its own series."""
    data = series(100).to_numpy()
    long = pd.DataFrame({"key": ["a", "b"] * 100, "v": np.repeat(data, 2)})
    found = rt.rolling_forecast(long, horizon=2, period=7, every=1, by="key")
    assert found.groupby("key")["time"].last().tolist() == [101, 101]


def test_scores_are_alike_alone_and_among_others():
    """A series is forecast and scored alike, alone or among others, as the law asks."""
    wide = pd.DataFrame({name: series(300, seed=name) for name in range(5)})
    found = rt.rolling_forecast(wide, horizon=3, period=7)
    for name in wide:
        alone = rt.rolling_forecast(wide[name], horizon=3, period=7)
        ours = found[found["series"] == name].drop(columns="series")
        pd.testing.assert_frame_equal(ours, alone, check_freq=False, rtol=1e-12)


def test_smallest_level_is_the_smallest_error():
    """An interval holds at least the smallest of the errors."""
    found = rt.rolling_forecast(series(300), horizon=1, period=7, level=1e-12)
    assert found["coverage"].iloc[-1] < 0.1


def test_the_whole_is_forecast_from_its_end():
    """The answer is the last of the rolling ones, with the score of those before."""
    data = series(300)
    found = rt.forecast(data, horizon=7, period=7)
    rolling = rt.rolling_forecast(data.iloc[300 % 2 :], horizon=7, period=7, every=2)
    np.testing.assert_allclose(found.table["mean"], rolling["mean"].iloc[-7:])
    assert found.mase == rolling["mase"].iloc[-1]
    assert f"MASE {found.mase:.2f}" in repr(found)
    facts = found.plot().facts
    assert facts["coverage"] == round(found.coverage, 3)
    assert facts["forecast"]["highest"] == pytest.approx(found.table["mean"].max(), abs=0.01)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"horizon": 0}, "horizon=0: horizon is a whole number of at least 1 tick"),
        ({"every": 0}, "every=0"),
        ({"method": "arima"}, "method='arima': it is one of decomposition"),
        ({"level": 90}, "level=90: the share of ticks inside is between 0 and 1; try 0.9"),
        ({"level": 0.996}, "level=0.996: 200 errors of each step make an interval"),
        ({"by": "step"}, "by='step': the answer has a column 'step' of its own; rename"),
        ({"period": 1}, "period=1"),
        ({"window": 13}, "window=13: window is a whole number of at least 14 ticks"),
        ({"period": [7, 14], "method": "holt_winters"}, "it takes one period; use method='deco"),
    ],
)
def test_wrong_parameters_are_refused(how, words):
    """Each error names the value, the rule and the remedy."""
    with pytest.raises(ParameterError, match=words.replace("[", r"\[")):
        rt.rolling_forecast(series(20), **({"horizon": 7, "period": 7} | how))


def test_too_few_errors_are_told_in_words():
    """An interval that is not known yet is named so, in the words and in the picture."""
    found = rt.forecast(series(15), horizon=3, period=7, window=14)
    picture = found.plot()
    assert found.table[["lower", "upper"]].isna().all(axis=None)
    assert "too few earlier forecasts to judge intervals, MASE " in repr(found)
    assert picture.facts["interval"] is None
    assert "nan" not in picture.alt
    assert "wide" not in picture.alt


def test_short_or_missing_data_are_refused():
    """A series shorter than the window, or with gaps, says what it needs."""
    with pytest.raises(DataError, match="20 ticks: forecast needs a window of 35"):
        rt.forecast(series(20), horizon=7, period=7)
    gap = series(60)
    gap.iloc[3] = np.nan
    with pytest.raises(DataError, match="missing='interpolate'"):
        rt.forecast(gap, horizon=7, period=7)
    assert (
        rt.forecast(gap, horizon=7, period=7, missing="interpolate").table.notna().all(axis=None)
    )
