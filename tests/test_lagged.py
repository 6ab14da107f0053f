"""Rolling correlograms against exact fractions, statsmodels on each window, and NIST."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.tsa import stattools
from test_season import NIST, digits, nist

import rtlab as rt
from rtlab.correlation import Correlogram
from rtlab.errors import DataError, ParameterError
from rtlab.lagged import RollingAcf, RollingPacf, rolling_acf, rolling_pacf
from rtlab.pairs import Trailing
from rtlab.steps import chain

TICKS = 220


def kinds():
    """Series that break careless sums: far from 0, drifting, jumping, huge for a moment, flat."""
    rng = np.random.default_rng(1)
    noise, tick = rng.normal(size=TICKS), np.arange(TICKS)
    huge, gaps = noise.copy(), noise + 1e6
    huge[[0, 50, 51, 120]] = [1e16, 1e16, -3e15, 1e12]
    gaps[rng.random(TICKS) < 0.02] = np.nan
    gaps[150:155] = [np.inf, -np.inf, 1e200, np.nan, 0]
    return {
        "noise": noise,
        "walk": noise.cumsum(),
        "mean 1e9": noise + 1e9,
        "trend": tick + noise / 10,
        "jumps": noise + 1e9 * (tick // 70 % 2),
        "huge": huge,
        "gaps": gaps,
        "long gap": np.where((tick > 60) & (tick < 140), np.nan, noise + 5),
        "flat parts": np.where(tick // 60 % 2, 3.3, noise),
        "steps": np.repeat([1.1, 5e8, 7.7, 2.2, 1e-3], TICKS // 5),
    }


def exact(window, lags, weights=None):
    """Correlate a window in fractions: all pairs whose ticks are known, about their mean."""
    known = [abs(value) <= 1e150 for value in window]
    values = [Fraction(float(value) if here else 0) for value, here in zip(window, known)]  # noqa: B905
    if weights is None:
        weights = [1.0] * len(window)
    weights = [Fraction(weight * here) for weight, here in zip(weights, known, strict=True)]
    if not any(known):
        return [np.nan] * (lags + 1)
    mean = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
    moved = [value - mean for value in values]
    roots = [float(weight) ** 0.5 for weight in weights]
    sums = []
    for lag in range(lags + 1):
        pairs = [
            moved[i] * moved[i - lag] * Fraction(roots[i] * roots[i - lag])
            for i in range(lag, len(window))
        ]
        sums.append(sum(pairs))
    return [float(one / sums[0]) if sums[0] else np.nan for one in sums]


def windows(values, window, every):
    """Give each answered tick's number and window, once it is full."""
    for end in range(every, len(values) + 1, every):
        yield end // every - 1, None if end < window else values[end - window : end]


@pytest.mark.parametrize("missing", ["gap", "conservative"])
@pytest.mark.parametrize(
    ("window", "lags", "every"),
    [(60, 5, 1), (60, 5, 7), (100, 20, 24), (40, 39, 1), (41, 40, 5), (37, 3, 50), (64, 8, 64),
     (90, 60, 32), (10, 3, 1), (3, 2, 1)],
)  # fmt: skip
@pytest.mark.parametrize("kind", kinds())
def test_each_window_is_exact(kind, window, lags, every, missing):
    """To 1e-13 of the fractions of the same window, also after 1e16 or a jump has left it."""
    values = kinds()[kind]
    found = rolling_acf(values, window, lags, every, missing=missing)
    for row, (number, part) in zip(found, windows(values, window, every), strict=True):
        if part is None or (missing == "gap" and not (np.abs(part) <= 1e150).all()):
            assert np.isnan(row).all(), number
        elif number % 3 == 0 or every > 1:  # fractions are slow
            np.testing.assert_allclose(row, exact(part, lags), rtol=0, atol=1e-13)


@pytest.mark.parametrize("missing", ["gap", "conservative"])
def test_each_window_equals_statsmodels(missing):
    """statsmodels' acf of each window, with its own treatment of missing ticks."""
    values = kinds()["gaps"].copy()
    values[150:155] = np.nan
    found = rolling_acf(pd.Series(values), 48, 12, missing=missing)
    assert found.columns.name == "lag"
    compared = 0
    for end in range(48, TICKS + 1):
        part = values[end - 48 : end]
        if missing == "gap" and np.isnan(part).any():
            continue
        known = part - np.nanmean(part)
        theirs = stattools.acf(known, nlags=12, missing="conservative", fft=False)
        np.testing.assert_allclose(found.iloc[end - 1], theirs, rtol=0, atol=1e-12)
        compared += 1
    assert compared >= 40


def test_a_million_ticks_later_it_is_still_exact():
    """After 10^6 ticks, with lags to 288, answers equal an independent sum over the window."""
    rng = np.random.default_rng(7)
    wave = np.sin(np.arange(10**6) * 2 * np.pi / 288)
    values = 1e6 + rng.normal(size=10**6) + wave + rng.normal(size=10**6).cumsum() / 30
    step = RollingAcf(10_000, 288, 250_000)
    state, cuts = step.initial(), range(2**14, 10**6, 2**14)
    found = [step.update(state, piece)["result"] for piece in np.split(values, cuts)]
    for row, end in zip(np.concatenate(found), range(250_000, 10**6 + 1, 250_000), strict=True):
        part = values[end - 10_000 : end].astype(np.longdouble)
        part -= part.mean()
        sums = [(part[lag:] * part[: len(part) - lag]).sum() for lag in range(289)]
        theirs = np.array([one / sums[0] for one in sums], dtype=np.float64)
        np.testing.assert_allclose(row, theirs, rtol=0, atol=1e-12)


@given(st.data())
@examples(30)
def test_cuts_and_kinds_change_nothing(data):
    """However it is cut; alone, side by side, as array or pandas object: the same numbers."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    window = data.draw(st.integers(3, 40))
    lags = data.draw(st.integers(1, window - 1))
    parameters = {"window": window, "lags": lags, "every": data.draw(st.integers(1, 70))}
    if data.draw(st.booleans()):
        parameters |= {"window": None, "halflife": data.draw(st.floats(0.2, 50))}
    if data.draw(st.booleans()):
        parameters |= {"missing": "conservative", "band": "bartlett"}
    values = np.column_stack([kinds()[name] for name in ("walk", "huge", "gaps", "jumps")])
    step = RollingAcf(**parameters)
    whole = rolling_acf(values, **parameters)
    state, cuts = step.initial(), np.sort(rng.integers(0, TICKS, rng.integers(0, 12)))
    pieces = [step.update(state, piece)["result"] for piece in np.split(values, cuts)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=0, atol=1e-12)
    frame = rolling_acf(pd.DataFrame(values, columns=list("abcd")), **parameters)
    shown = frame.to_numpy().reshape(whole.shape)
    np.testing.assert_allclose(shown, whole, rtol=0, atol=1e-12)
    for place, name in enumerate("abcd"):
        alone = rolling_acf(values[:, place], **parameters)
        np.testing.assert_allclose(alone, whole[:, place], rtol=0, atol=1e-12)
        assert frame[name].shape == alone.shape


def test_thousands_side_by_side_equal_one_by_one():
    """More series than are computed at once, each with a pivot that moves at its own time."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(150, 3000)).cumsum(axis=0) * 10.0 ** rng.integers(-3, 9, 3000)
    found = rolling_acf(values, 60, 10, 6)
    for place in range(0, 3000, 271):
        alone = rolling_acf(values[:, place], 60, 10, 6)
        np.testing.assert_allclose(found[:, place], alone, rtol=0, atol=1e-13)


def test_keys_of_a_long_frame_are_series_of_their_own():
    """The rows of each key get what this key alone would get."""
    values = kinds()
    long = pd.concat(
        [pd.DataFrame({"kind": name, "x": values[name][:90]}) for name in ("walk", "jumps")]
    ).sample(frac=1, random_state=0)
    found = rolling_acf(long, 12, 3, by="kind")
    assert found.columns.tolist() == ["kind", 0, 1, 2, 3]
    for name, own in long.groupby("kind"):
        alone = rolling_acf(own["x"], 12, 3)
        ours = found[found["kind"] == name]
        np.testing.assert_allclose(ours[[0, 1, 2, 3]], alone, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("halflife", "lags", "every"), [(20.0, 5, 1), (1, 3, 1), (0.3, 3, 2)])
@pytest.mark.parametrize("kind", kinds())
def test_forgetting_follows_its_formula(kind, halflife, lags, every):
    """Weights halve with each half-life; a pair weighs the geometric mean of its ticks."""
    values = kinds()[kind]
    found = rolling_acf(values, lags=lags, every=every, halflife=halflife, band="white")
    for number in range(0, len(found), 9):
        end = every * (number + 1)
        weights = 0.5 ** (np.arange(end - 1, -1, -1) / halflife)
        known = weights[np.abs(values[:end]) <= 1e150]
        if end <= lags or known.sum() < 1e-90:
            assert end > lags or np.isnan(found[number]).all()
            continue
        row, band = np.split(found[number], 2)
        theirs = exact(values[:end], lags, weights)
        if theirs[0] == theirs[0] and not (values[:end] == values[0]).all():
            np.testing.assert_allclose(row, theirs, rtol=0, atol=1e-12)
            size = known.sum() ** 2 / (known**2).sum()
            np.testing.assert_allclose(band[1:], 1.959963984540054 / size**0.5, rtol=1e-12)


def test_partial_correlations_equal_those_of_each_window():
    """pacf(method="ldb") of each window, with its band, and the same after a gap."""
    series = pd.Series(kinds()["walk"])
    found = rolling_pacf(series, 60, 20, every=9, band="white", alpha=0.1)
    for end in range(63, TICKS + 1, 9):
        whole = rt.pacf(series[end - 60 : end], lags=20, alpha=0.1)
        row = found.loc[end - 1]
        np.testing.assert_allclose(row["pacf"], whole.values, rtol=0, atol=1e-12)
        np.testing.assert_allclose(row["band"], whole.upper, rtol=0, atol=1e-14)
    gaps = kinds()["gaps"][:150]
    found = rolling_pacf(gaps, 50, 8, missing="conservative")
    whole = rt.pacf(pd.Series(gaps[-50:]), lags=8, missing="conservative")
    np.testing.assert_allclose(found[-1], whole.values, rtol=0, atol=1e-12)
    assert np.isnan(rolling_pacf(np.ones(9), 5, 2)).all()


def test_a_row_becomes_a_correlogram():
    """Bands, Ljung-Box and picture of one answer are those of acf on its window."""
    series = pd.Series(kinds()["walk"])
    found = rolling_acf(series, 80, 30, band="bartlett", alpha=0.01)
    whole = rt.acf(series[100:180], lags=30, alpha=0.01)
    row = found.loc[179]
    np.testing.assert_allclose(row["acf"], whole.values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(row["band"], whole.upper, rtol=0, atol=1e-13)
    made = Correlogram.of(row, 80, alpha=0.01)
    pd.testing.assert_frame_equal(made.frame(), whole.frame(), rtol=1e-10)
    assert made.plot().facts["outside"] == len(whole.significant)
    gaps = kinds()["gaps"][:150]
    row = rolling_acf(gaps, 60, 5, missing="conservative", band="bartlett")[-1]
    whole = rt.acf(pd.Series(gaps[-60:]), lags=5, missing="conservative")
    np.testing.assert_allclose(row[6:], whole.upper, rtol=0, atol=1e-13)
    with pytest.raises(DataError, match="31 of 31 correlations are missing.*first full window"):
        Correlogram.of(found.loc[78], 80)


def test_flat_windows_have_no_correlation():
    """All ticks the same: nothing to compare with, NaN; and right again one tick later."""
    values = np.array([5.0, 1, 2, *[0.1] * 9, 3, 4])
    found = rolling_acf(values, 6, 2)
    flat = [bool(np.ptp(values[end - 6 : end]) == 0) for end in range(6, len(values) + 1)]
    assert np.isnan(found[:, 0]).tolist() == [True] * 5 + flat
    assert sum(flat) == 4


def test_pivots_seldom_move(monkeypatch):
    """Of any series, at most about twice in a window: the cost has a bound."""
    moves = []
    rebuild = Trailing._rebuild
    monkeypatch.setattr(
        Trailing, "_rebuild", lambda self, *args: (moves.append(1), rebuild(self, *args))
    )
    rng = np.random.default_rng(0)
    tick = np.arange(6000)
    for values in (
        rng.normal(size=6000).cumsum(),
        10.0 ** (tick / 50),
        rng.normal(size=6000) ** 9 * 10.0 ** rng.integers(-9, 9, 6000),
        np.where(tick // 70 % 2, 1e9, 0) + rng.normal(size=6000),
    ):
        moves.clear()
        rolling_acf(values, 100, 10)
        assert len(moves) <= 6000 / 64 + 6000 / 44 + 2  # anchors, and moves between them


@pytest.mark.parametrize("name", NIST)
def test_rolling_answers_equal_nist(name):
    """NIST's certified lag-1 autocorrelation, in a window as long as the set: 10.5 digits."""
    values, certified = nist(name)
    found = rolling_acf(values, len(values), 1)
    assert digits(found[-1, 1], certified["autocorrelation"]) >= 10.5
    assert np.isnan(found[:-1]).all()
    again = rolling_acf(np.concatenate([[1e16, -5.0, 3e12], values, values]), len(values), 1)
    assert digits(again[2 + len(values), 1], certified["autocorrelation"]) >= 10.5


@pytest.mark.parametrize(
    ("step", "parameters", "says"),
    [
        (RollingAcf, {}, "none of window and halflife given: exactly one"),
        (RollingAcf, {"window": 100, "halflife": 3}, "both of window and halflife given"),
        (RollingAcf, {"window": 48}, r"lags=48 with window=48: .*try lags=24, or window=480"),
        (RollingAcf, {"window": 2, "lags": 1}, "window=2: window is a whole number of at least 3"),
        (RollingAcf, {"window": 9.5, "lags": 1}, "window=9.5"),
        (RollingAcf, {"window": "3h"}, "window='3h'"),
        (RollingAcf, {"window": 99, "lags": 0}, "lags=0"),
        (RollingAcf, {"window": 99, "every": 0}, "every=0"),
        (RollingAcf, {"halflife": 0}, "halflife=0: a half-life is a positive number of ticks"),
        (RollingAcf, {"halflife": float("inf")}, "halflife=inf"),
        (RollingAcf, {"halflife": "3h"}, "halflife='3h'"),
        (RollingAcf, {"window": 99, "missing": "raise"}, "missing='raise': it is 'gap' or 'cons"),
        (RollingAcf, {"window": 99, "band": "grey"}, "band='grey': it is None or 'white' or 'bar"),
        (RollingAcf, {"window": 99, "alpha": 2}, "alpha=2"),
        (
            RollingPacf,
            {"window": 96},
            r"lags=48 with window=96: .*fewer lags than half",
        ),
        (
            RollingPacf,
            {"window": 99, "band": "bartlett"},
            "it is None or 'white'; try",
        ),
    ],
)
def test_wrong_parameters_say_what_to_do(step, parameters, says):
    """Each message names the value, its rule and a remedy."""
    with pytest.raises(ParameterError, match=says):
        step(**parameters)


def test_irregular_ticks_are_refused_and_leave_the_state():
    """A missing hour is an error in the first batch as in later ones."""
    index = pd.date_range("2024-01-01", periods=40, freq="h", tz="UTC")
    series = pd.Series(kinds()["noise"][:40], index)
    with pytest.raises(DataError, match="irregular"):
        rolling_acf(series.drop(index[7]), 12, 3)
    step = chain(RollingAcf(12, 3))
    state = step.initial()
    step.update(state, series[:20])
    with pytest.raises(DataError):
        step.update(state, series[25:])
    rest = step.update(state, series[20:])["result"]
    np.testing.assert_allclose(rest, rolling_acf(series, 12, 3)[20:], rtol=0, atol=1e-12)
