"""Correlograms, periods and decompositions, against R, Stata, NIST, Fortran and slow loops."""

# ruff: noqa: PD011  (the values of a correlogram are no frame's)

from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.errors import DataError, ParameterError, StreamError
from rtlab.steps import registered, run

DATA = Path(__file__).parent / "data"
SETS = pd.read_csv(DATA / "r_data.csv", comment="#")
LAGS = pd.read_csv(DATA / "r_lags.csv", comment="#")
SERIES = pd.read_csv(DATA / "r_series.csv", comment="#")
TSA = files("statsmodels") / "tsa"
R_JUMPS = {"seasonal_jump": 3, "trend_jump": 3, "low_pass_jump": 2}


def r_set(name):
    """Give one of R's own data sets."""
    return SETS[name].dropna()


def reference(name, **options):
    """Read published figures that statsmodels' wheel carries, or skip where it does not."""
    path = TSA / name
    if not path.is_file():
        pytest.skip(f"this statsmodels has no {name}")
    with path.open() as file:
        return pd.read_csv(file, skipinitialspace=True, **options).rename(
            columns=lambda one: str(one).strip()
        )


def read_nist():
    """Read NIST's StRD sets for univariate statistics: certified figures, and data as printed."""
    found = {}
    for block in (DATA / "nist_univariate.txt").read_text().split("\n\n")[1:]:
        head, *lines = block.splitlines()
        name, *figures = head.split()
        printed = list("".join(lines)) if name == "PiDigits" else " ".join(lines).split()
        certified = dict(zip(("mean", "deviation", "autocorrelation"), figures, strict=True))
        found[name] = [float(one) for one in printed], certified
    return found


NIST = read_nist()


def nist(name):
    """Give one of NIST's sets and its certified figures; NumAcc1 to 4 are built by their rule."""
    values, certified = NIST[name]
    if name == "NumAcc1":
        values = [10000001, 10000003, 10000002]
    elif not values:
        base = {"NumAcc2": 1.2, "NumAcc3": 1000000.2, "NumAcc4": 10000000.2}[name]
        values = [base, *[base - 0.1, base + 0.1] * 500]
    return np.array(values, dtype=np.float64), certified


def digits(found, certified):
    """Count the correct digits as NIST does: −log10 of the relative error; 15 are all."""
    true = Decimal(certified)
    error = abs(Decimal(float(found)) - true) / abs(true)
    return 15.0 if error < Decimal("1e-15") else -float(error.log10())


def shop(weeks, seed=0):
    """Hourly counts with a day's and a week's shape, a trend and counting noise."""
    hour = np.arange(168 * weeks)
    day = np.array(
        [1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 12, 14, 15, 13, 11, 10, 11, 13, 14, 10, 7, 5, 3, 2]
    )
    week = np.repeat([0.8, 0.9, 1.0, 1.0, 1.2, 1.6, 1.3], 24)
    rate = 5 * day[hour % 24] * week[hour % 168] * (1 + hour / 5000)
    index = pd.date_range("2024-01-01", periods=len(hour), freq="h", tz="UTC", name="start")
    return pd.Series(np.random.default_rng(seed).poisson(rate), index, name="revenue")


# Correlograms


@pytest.mark.parametrize("name", ["lynx", "co2"])
def test_correlograms_equal_r(name):
    """ACF and PACF at 40 lags are R's on its own data sets."""
    for function, kind in ((rt.acf, "acf"), (rt.pacf, "pacf")):
        found = function(r_set(name), lags=40)
        assert found.values.name == found.kind == kind
        np.testing.assert_allclose(found.values[1:], LAGS[f"{name}_{kind}"], rtol=0, atol=1e-12)


def test_ljung_box_equals_r():
    """Statistics and p-values are those of R's Box.test."""
    found = rt.acf(r_set("lynx"), lags=40).ljung_box
    np.testing.assert_allclose(found["statistic"], LAGS["lynx_box"], rtol=1e-12)
    np.testing.assert_allclose(found["p_value"], LAGS["lynx_box_p"], rtol=1e-6, atol=1e-15)
    assert found.index.tolist() == list(range(1, 41))


def test_acf_and_bands_equal_stata():
    """Stata's correlogram of US real GDP: values, Bartlett's band and Q."""
    stata = reference("tests/results/results_corrgram.csv")
    path = files("statsmodels") / "datasets" / "macrodata" / "macrodata.csv"
    gdp = pd.read_csv(str(path))["realgdp"]
    found = rt.acf(gdp, lags=40)
    np.testing.assert_allclose(found.values[1:], stata["acvar"], atol=1e-8)
    np.testing.assert_allclose(found.upper[1:], stata["acvar_ub"], atol=1e-8)
    np.testing.assert_allclose(found.lower[1:], stata["acvar_lb"], atol=1e-8)
    np.testing.assert_allclose(found.ljung_box["statistic"], stata["Q1"], rtol=1e-6)


@pytest.mark.parametrize("name", NIST)
def test_lag_1_equals_nist(name):
    """Certified lag-1 autocorrelations, also where eight digits are common to all ticks."""
    values, certified = nist(name)
    found = rt.acf(pd.Series(values), lags=1).values[1]
    assert digits(found, certified["autocorrelation"]) >= 10.5


@pytest.mark.parametrize("name", NIST)
def test_mean_and_deviation_equal_nist(name):
    """A window as long as a set has its certified mean and standard deviation."""
    values, certified = nist(name)
    mean = rt.moving_average(values, window=len(values))[-1]
    deviation = rt.moving_std(values, window=len(values))[-1]
    assert digits(mean, certified["mean"]) >= 14
    least = {"NumAcc3": 9, "NumAcc4": 8}.get(name, 12)
    assert digits(deviation, certified["deviation"]) >= least


def test_nist_sets_are_what_nist_certifies():
    """In exact fractions of the printed numbers, mean, deviation and lag 1 are as certified."""
    assert sorted(NIST) == sorted(
        ["PiDigits", "Lottery", "Lew", "Mavro", "Michelso", *[f"NumAcc{n}" for n in range(1, 5)]]
    )
    for name, (printed, certified) in NIST.items():
        if printed:
            values = [Fraction(repr(one)) for one in printed]
            mean = sum(values) / len(values)
            moved = [one - mean for one in values]
            total = sum(one**2 for one in moved)
            lagged = sum(a * b for a, b in pairwise(moved))
            assert digits(mean, certified["mean"]) > 14, name
            assert digits((total / (len(values) - 1)) ** 0.5, certified["deviation"]) > 14, name
            assert digits(lagged / total, certified["autocorrelation"]) > 14, name


def test_autocorr_of_pandas_and_default_pacf_of_statsmodels_are_traps():
    """Certified is −0.5 where pandas says −1 on NumAcc1; statsmodels' default PACF is not R's."""
    from statsmodels.tsa.stattools import pacf  # noqa: PLC0415

    assert pd.Series(nist("NumAcc1")[0]).autocorr(1) == pytest.approx(-1)
    other = pacf(r_set("lynx").to_numpy(), nlags=40)[1:]
    assert np.abs(other - LAGS["lynx_pacf"]).max() > 0.01
    ywadjusted = rt.pacf(r_set("lynx"), lags=40, method="ywm").values[1:]
    np.testing.assert_allclose(ywadjusted, LAGS["lynx_pacf"], atol=1e-10)


def test_missing_ticks_are_a_policy():
    """Refused with their number, or left out pair by pair; R then divides otherwise."""
    gaps = SETS["presidents"][:120]
    with pytest.raises(DataError, match=r"6 of 120 ticks are missing.*missing='conservative'"):
        rt.acf(gaps)
    with pytest.raises(DataError, match=r"2 of 30 ticks are missing.*with series\.dropna\(\)"):
        rt.acf(gaps.iloc[60:90].interpolate().diff(2))
    found = rt.acf(gaps, lags=20, missing="conservative")
    assert found.n == 114
    for lag in (1, 7, 20):
        assert found.values[lag] == pytest.approx(naive.autocorrelation(gaps, lag), abs=1e-13)
        by_r = naive.autocorrelation(gaps, lag, divisor=lambda pairs, lag: pairs + lag)
        assert by_r == pytest.approx(LAGS["presidents_acf"][lag - 1], abs=1e-13)
    assert rt.pacf(gaps, lags=3, missing="conservative").values[1] == found.values[1]


def test_correlogram_tells_what_it_found():
    """White noise leaves few lags outside, the band is around 0, words and frame agree."""
    noise = pd.Series(np.random.default_rng(1).normal(size=4000))
    found = rt.acf(noise, lags=100, alpha=0.05)
    assert len(found.significant) <= 12
    assert found.upper[1] == pytest.approx(1.959964 / 4000**0.5, rel=1e-6)
    assert (found.lower == -found.upper).all()
    season = rt.acf(shop(4), lags=30)
    assert 24 in season.significant
    assert repr(season).startswith("ACF of 672 ticks, lags 0 to 30: ")
    assert list(season.frame()) == ["acf", "lower", "upper", "statistic", "p_value"]
    assert season.frame().index.name == "lag"
    assert rt.acf(noise[:20]).values.index[-1] == 19  # a short series has fewer lags
    assert rt.pacf(noise[:20]).values.index[-1] == 9


# Periods


@pytest.mark.parametrize("weeks", [4, 8, 26])
def test_day_and_week_are_found_in_a_shop(weeks):
    """Hourly counts show 24 first and then 168, from four weeks on."""
    found = rt.find_period(shop(weeks))
    assert found.periods == (24, 168)
    assert found.best == 24
    assert rt.find_period(shop(weeks), candidates=[168, 24, 100]).periods == (24, 168)


def test_year_is_found_in_monthly_series():
    """12 in each of R's monthly sets, whatever their trend."""
    for name in ("co2", "nottem", "air"):
        assert rt.find_period(r_set(name)).periods == (12,), name


def test_trends_steps_and_outliers_hide_no_season():
    """A level shift, a quadratic trend and wild outliers leave the period as it was."""
    rng = np.random.default_rng(5)
    tick = np.arange(600)
    wave = np.sin(2 * np.pi * tick / 30) + 0.5 * rng.normal(size=600)
    wild = wave.copy()
    wild[[50, 300, 411]] += 100
    for series in (wave + (tick > 350) * 5, wave + (tick / 100) ** 2, wild):
        assert rt.find_period(pd.Series(series)).best == 30


@pytest.mark.parametrize("kind", ["white", "heavy tails", "autoregressive", "random walk"])
def test_noise_has_no_season(kind):
    """At most 4 of 200 series of noise raise a false alarm (0 or 1 when this was written)."""
    alarms = 0
    for seed in range(200):
        noise = pd.Series(np.random.default_rng(seed).normal(size=(60, 240)[seed % 2]))
        noise = {
            "white": lambda one: one,
            "heavy tails": lambda one: one**3,
            "autoregressive": lambda one: one.ewm(alpha=0.2, adjust=False).mean(),
            "random walk": lambda one: one.cumsum(),
        }[kind](noise)
        alarms += rt.find_period(noise).best is not None
    assert alarms <= 4


def test_no_season_is_said():
    """Nothing found is None and a table without rows, in words too."""
    found = rt.find_period(pd.Series(np.random.default_rng(0).normal(size=200)))
    assert found.best is None
    assert found.periods == ()
    assert len(found.table) == 0
    assert "no season stands out" in repr(found)


# Decompositions


def test_stl_equals_r_with_its_jumps_and_not_without():
    """R's stl on co2 to 1e-9, with R's jumps and iterations; with jumps of 1 it differs."""
    r = pd.read_csv(DATA / "r_stl_co2.csv", comment="#")
    same = {"period": 12, "seasonal": 21, "trend": 23}
    found = rt.decompose(r_set("co2"), **same, options=R_JUMPS | {"inner_iter": 2})
    np.testing.assert_allclose(found.trend, r["stl_trend"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.seasons[12], r["stl_seasonal"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.residual, r["stl_residual"], rtol=0, atol=1e-9)
    smooth = rt.decompose(r_set("co2"), **same, options={"inner_iter": 2})
    assert np.abs(smooth.trend - r["stl_trend"]).max() > 0.005


def test_robust_stl_equals_r():
    """R's robust stl on nottem."""
    options = {"seasonal_jump": 1, "trend_jump": 3, "low_pass_jump": 2, "inner_iter": 1}
    found = rt.decompose(
        r_set("nottem"),
        12,
        robust=True,
        seasonal=7,
        trend=23,
        options=options | {"outer_iter": 15},
    )
    for part, values in (("trend", found.trend), ("seasonal", found.seasons[12])):
        np.testing.assert_allclose(values, SERIES[f"nottem_robust_{part}"][:240], atol=1e-6)


def test_stl_equals_fortran():
    """The Fortran reference by its authors, on co2."""
    co2 = reference("stl/tests/results/stl_co2.csv", header=None).iloc[:, 0]
    fortran = reference("stl/tests/results/stl_test_results.csv")
    fortran = fortran[fortran["scenario"].str.strip() == "baseline"].reset_index(drop=True)
    options = {"seasonal_jump": 4, "trend_jump": 2, "low_pass_jump": 2, "inner_iter": 1}
    found = rt.decompose(
        co2, 12, seasonal=35, trend=19, options=options | {"low_pass": 13, "outer_iter": 2}
    )
    np.testing.assert_allclose(found.trend, fortran["trend"], rtol=1e-10)
    np.testing.assert_allclose(found.seasons[12], fortran["season"], rtol=0, atol=1e-8)


def test_mstl_equals_r():
    """R's mstl on Victoria's hourly electricity, by day and week."""
    r = reference("stl/tests/results/mstl_test_results.csv")
    load = reference("stl/tests/results/mstl_elec_vic.csv", index_col="ds", parse_dates=["ds"])
    options = {"seasonal_deg": 0, "inner_iter": 2, "outer_iter": 0}
    found = rt.decompose(load["y"], period=[168, 24], options=options)
    assert (found.method, found.periods, list(found.seasons)) == ("mstl", (24, 168), [24, 168])
    np.testing.assert_allclose(found.trend, r["Trend"])
    np.testing.assert_allclose(found.seasons, r[["Seasonal24", "Seasonal168"]])
    np.testing.assert_allclose(found.residual, r["Remainder"], atol=1e-6)


@pytest.mark.parametrize(("name", "method"), [("nottem", "additive"), ("air", "multiplicative")])
def test_classical_decompositions_equal_r(name, method):
    """R's decompose, with its missing half periods at the ends."""
    found = rt.decompose(r_set(name), period=12, method=method)
    for part, values in (
        ("trend", found.trend),
        ("seasonal", found.seasons[12]),
        ("residual", found.residual),
    ):
        r = SERIES[f"{name}_{method}_{part}"][: len(values)]
        np.testing.assert_allclose(values, r, rtol=1e-11, atol=1e-11)
    again = (
        found.trend * found.seasonal
        if method == "multiplicative"
        else found.trend + found.seasonal
    )
    inside = found.residual.notna()
    np.testing.assert_allclose(
        found.adjusted[inside],
        (
            found.trend * found.residual
            if method == "multiplicative"
            else found.trend + found.residual
        )[inside],
    )
    assert again[inside].notna().all()


def test_parts_add_up_and_tell_their_strengths():
    """Trend + seasons + residual = observed; strengths follow the formula of FPP3, 4.3."""
    found = rt.decompose(shop(6), period=[24, 168])
    total = found.trend + found.seasons.sum(axis=1) + found.residual
    np.testing.assert_allclose(total, found.observed, atol=1e-9)
    pd.testing.assert_series_equal(
        found.adjusted, found.observed - found.seasonal, check_names=False
    )
    residual = found.residual.to_numpy()
    for name, part in (("trend", found.trend), (24, found.seasons[24]), (168, found.seasons[168])):
        expected = max(0, 1 - residual.var() / (part.to_numpy() + residual).var())
        assert found.strengths[name] == pytest.approx(expected)
    assert list(found.frame()) == ["observed", "trend", "season_24", "season_168", "residual"]
    assert repr(found).startswith("Decomposition of 1008 ticks by mstl: strength of the trend 0.")
    noise = rt.decompose(pd.Series(np.random.default_rng(0).normal(size=500)), 12, "additive")
    assert noise.strengths[12] < 0.2
    assert found.strengths[24] > 0.9


def test_period_comes_from_the_data_or_the_index():
    """Without a period it is found, or that of the frequency, and the result says which."""
    found = rt.decompose(shop(4))
    assert (found.periods, found.method, found.periods_from) == ((24, 168), "mstl", "found")
    assert rt.decompose(shop(4), method="stl").periods == (24,)
    rng = np.random.default_rng(3)
    for freq, period in {"h": 24, "D": 7, "MS": 12, "QS": 4, "15min": 96, "W": 52}.items():
        index = pd.date_range("2020-01-01", periods=220, freq=freq)
        usual = rt.decompose(pd.Series(rng.normal(size=220), index))
        assert (usual.periods, usual.periods_from) == ((period,), "index frequency"), freq
    with pytest.raises(DataError, match="no period stands out in 200 ticks"):
        rt.decompose(pd.Series(rng.normal(size=200)))


def test_missing_bins_are_refused_or_filled_and_counted():
    """The message counts them and names the first; the filled are stated."""
    series = shop(2).astype(float)
    series.iloc[[30, 31, 335]] = np.nan
    with pytest.raises(DataError, match=r"3 of 336 ticks are missing .* 2024-01-02 06:00"):
        rt.decompose(series, 24)
    found = rt.decompose(series, 24, missing="interpolate")
    assert found.filled == 3
    assert "3 ticks filled" in repr(found)
    assert found.observed.iloc[30] == pytest.approx(
        series.iloc[29] + (series.iloc[32] - series.iloc[29]) / 3
    )
    assert found.observed.iloc[335] == series.iloc[334]


def test_irregular_ticks_are_refused_where_they_begin():
    """A missing hour is named; civil days, months and labels are regular."""
    series = shop(3)
    with pytest.raises(DataError, match=r"first from 2024-01-03 01:00:00\S* to 2024-01-03 03:00"):
        rt.decompose(series.drop(series.index[50]), 24)
    with pytest.raises(DataError, match="irregular ticks, first from 3 to 5"):
        rt.find_period(pd.Series(range(9), index=[0, 1, 2, 3, 5, 6, 7, 8, 9]))
    days = pd.date_range("2024-01-01", periods=120, freq="D", tz="America/New_York")
    values = np.random.default_rng(0).normal(size=120)
    for index in (days, days.tz_convert("UTC")[:60], pd.Index(list("abcd") * 30)):
        assert rt.decompose(pd.Series(values[: len(index)], index), 7).periods == (7,)
    for freq in ("ME", "MS", "QE"):
        months = pd.date_range("2014-01-31", periods=120, freq=freq)
        assert rt.decompose(pd.Series(values, months), 12).periods == (12,)


@pytest.mark.parametrize(
    ("values", "parameters", "says"),
    [
        (range(20), {"period": 12}, "20 ticks and period=12: decompose needs two whole periods"),
        ([7.0] * 50, {"period": 7}, r"a constant series \(all 7\)"),
        ([1, 2, 0, 4] * 9, {"period": 4, "method": "multiplicative"}, "0 at 2: factors need"),
        ([np.nan] * 9, {"period": 2, "missing": "interpolate"}, "9 of 9 ticks are missing"),
        ([], {"period": 2}, "a series without ticks"),
    ],
)
def test_series_that_cannot_be_decomposed_say_why(values, parameters, says):
    """Each message names the value, the rule and a remedy."""
    with pytest.raises(DataError, match=says):
        rt.decompose(pd.Series(values, dtype=float), **parameters)


@pytest.mark.parametrize(
    ("step", "parameters", "says"),
    [
        ("decompose", {"period": 1}, "period=1: period is a whole number of at least 2 ticks"),
        ("decompose", {"period": 24.5}, "period=24.5"),
        ("decompose", {"period": "day"}, "period='day'"),
        ("decompose", {"period": [24, 168], "method": "stl"}, "2 periods with method='stl'"),
        ("decompose", {"period": 7, "method": "x11"}, "method='x11'"),
        ("decompose", {"period": 7, "method": "additive", "robust": True}, "these belong to STL"),
        ("decompose", {"period": 7, "missing": "drop"}, "missing='drop'"),
        ("find_period", {"candidates": [1]}, "period=1"),
        ("find_period", {"max_period": 0}, "max_period=0"),
        ("acf", {"lags": 0}, "lags=0"),
        ("acf", {"alpha": 1}, "alpha=1"),
        ("acf", {"alpha": "0.01"}, "alpha='0.01': the share outside the band"),
        ("decompose", {"period": [24, 168], "seasonal": 7}, r"try seasonal=\[7, 7\]"),
        ("acf", {"missing": "drop"}, "missing='drop'"),
        ("pacf", {"method": "best"}, "method='best'"),
        ("pacf", {"method": "burg", "missing": "conservative"}, "only 'ldb' works"),
    ],
)
def test_wrong_parameters_say_what_to_do(step, parameters, says):
    """Each message names the value and its rule."""
    with pytest.raises(ParameterError, match=says):
        registered()[step](**parameters)


def test_what_statsmodels_refuses_is_said_in_our_words():
    """An even length reaches statsmodels, whose reason stands in the message."""
    with pytest.raises(ParameterError, match=r"statsmodels refuses.*odd"):
        rt.decompose(shop(2), 24, seasonal=8)
    with pytest.raises(ParameterError, match=r"statsmodels refuses.*nonsense"):
        rt.decompose(shop(2), 24, options={"nonsense": 1})


def test_constant_and_short_series_have_no_correlogram():
    """Nothing to divide by is an error, not NaN."""
    with pytest.raises(DataError, match=r"acf of a constant series \(all 3\)"):
        rt.acf(pd.Series([3, 3, 3, 3]))
    with pytest.raises(DataError, match="pacf of 2 known ticks: it needs at least 3"):
        rt.pacf(pd.Series([1, 2]))


# On streams


@pytest.mark.parametrize("rows", [1, 50, 1000])
def test_streams_answer_once_at_their_end(rows):
    """Batches of any size give the answer of the whole, once."""
    series = shop(4)
    node = rt.replay(series, rows=rows).acf(lags=10)
    pd.testing.assert_frame_equal(node.drain().frame(), rt.acf(series, lags=10).frame())
    empty = series[:0]
    batches = [empty, *(series[at : at + rows] for at in range(0, len(series), rows)), empty]
    for name, parameters in (("decompose", {"period": 24}), ("pacf", {"lags": 5})):
        whole = run(registered()[name](**parameters), [series])
        cut = run(registered()[name](**parameters), batches)
        pd.testing.assert_frame_equal(cut.frame(), whole.frame(), check_freq=False)
    assert run(registered()["find_period"](), batches).periods == (24, 168)


def test_streams_without_an_end_are_refused_with_a_remedy():
    """A whole-series step cannot answer on a stream that never ends, and says so."""
    source = rt.replay(shop(2))
    source.ends = False
    node = source.decompose(period=24)  # streamz holds nodes weakly
    with pytest.raises(StreamError, match=r"has no end; replay .* rolling_decompose"):
        source.start()
    assert node.step.refuses(ends=True) is None


def test_several_series_at_once_are_refused():
    """One column is one series; two are not."""
    frame = pd.DataFrame({"a": shop(2), "b": shop(2)})
    assert rt.acf(frame[["a"]], lags=2).values[1] == rt.acf(frame["a"], lags=2).values[1]
    with pytest.raises(DataError, match=r"Acf of columns \['a', 'b'\]: this analysis takes one"):
        rt.acf(frame)


def test_results_draw_themselves():
    """Each result has a picture with words for those who do not see it."""
    for result in (rt.acf(shop(2), lags=30), rt.decompose(shop(3), [24, 168])):
        assert result.plot().alt
    found = rt.find_period(shop(4))
    shares = [[f"{p} ticks", pytest.approx(found.table.share[p], abs=1e-3)] for p in found.periods]
    assert found.plot().facts["ranks"] == shares


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_acf_does_not_depend_on_the_scale(scale):
    """Ticks whose squares leave the range of a double correlate as they do at any scale."""
    series = shop(2)
    assert np.allclose(rt.acf(series * scale).values, rt.acf(series).values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("period", [24, [24, 168]])
def test_periodic_seasons_stay_the_same(period):
    """Each round of a periodic season is the same; left free, the season changes."""
    series = shop(8)
    free = rt.decompose(series, period=period)
    same = rt.decompose(series, period=period, seasonal="periodic")
    for one in same.periods:
        size = np.ptp(same.seasons[one])
        change = [np.ptp(d.seasons[one].to_numpy().reshape(-1, one), axis=0) for d in (free, same)]
        assert change[0].max() > 0.1 * size
        assert change[1].max() < 1e-3 * size
    total = same.trend + same.seasonal + same.residual
    np.testing.assert_allclose(total, series, atol=1e-9)


def test_a_season_has_a_length_or_is_periodic():
    """Any other word for the seasons is refused, with what may stand there."""
    with pytest.raises(ParameterError, match="seasonal='weekly': it is 'periodic' or odd"):
        rt.decompose(shop(2), period=24, seasonal="weekly")


def test_a_decomposition_is_drawn_over_the_truth():
    """The caption says how far each part lies from what was put in, in its unit."""
    series = shop(3)
    found = rt.decompose(series, period=24)
    truth = {"residual": found.residual + 3, 24: found.seasons[24] - 5}
    picture = found.plot(truth=truth, unit="cents")
    said = "; mean distance from what was put in: residual 3 cents, season 24 5 cents; strengths"
    assert said in picture.caption
    assert "put in" not in found.plot().caption
    for wrong, said in (({"daily": series}, r"\['daily'\]"), (series, "truth of Series")):
        with pytest.raises(DataError, match=f"{said}.*'trend', 'residual', 24"):
            found.plot(truth=wrong)
