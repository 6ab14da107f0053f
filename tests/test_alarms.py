"""Alarms: how rarely noise raises one, and what of a shop's events they find, in words."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.errors import DataError, ParameterError
from rtlab.findings import Hits, hits
from rtlab.pictures import say
from rtlab.steps import join

HOURS = pd.date_range("2024-03-01", periods=400, freq="h", tz="UTC", name="start")
DAY = pd.Timedelta("1D")


def noise(ticks, seed=0):
    """Draw Gaussian residuals."""
    return np.random.default_rng(seed).normal(0, 1, ticks)


@pytest.mark.parametrize("sigmas", [3.0, 4.0])
def test_noise_raises_as_few_alarms_as_theory_says(sigmas):
    """Of Gaussian noise the tail beyond so many sigmas is an outlier, and shifts are rarer."""
    series = noise((20_000, 20)[0] * 20).reshape(20_000, 20)
    kind = rt.alarms(series, sigmas=sigmas, window=168)[200:, :, 0]
    rate = float((kind == 0).mean())
    theory = 2 * (1 - NormalDist().cdf(sigmas))
    assert theory / 2 < rate < 1.6 * theory
    assert float((kind == 1).mean()) < 1e-5 * (1 if sigmas > 3 else 3)


def test_an_outlier_says_why():
    """One tick far away is one alarm, with its numbers in columns and in words."""
    residual = pd.Series(np.tile([10.0, -10.0], 200), HOURS)
    parts = pd.DataFrame({"observed": residual + 1000, "residual": residual})
    parts.iloc[300] = [400.0, -600.0]
    found = rt.alarms(parts)
    assert found.index.tolist() == [HOURS[300]]
    one = found.iloc[0]
    assert (one.kind, one.side, one.episode, one.ticks) == ("outlier", "below", 1, 1)
    assert (one.observed, one.expected, one.residual) == (400.0, 1000.0, -600.0)
    assert one.since == HOURS[300]
    assert one.score == pytest.approx(600 / one["scale"])
    assert 14.8 < one["scale"] < 16  # 1.4826 × 10, a little raised
    words = (
        f"400 where 1,000 ± {say(one['scale'])} was expected: {one.score:.1f} robust sigmas below"
    )
    assert one.reason == f"{words}, limit 4"


def test_a_shift_is_found_and_dated():
    """A small change that lasts is a shift since its first tick, though no tick is an outlier."""
    values = noise(400, seed=3) + np.where(np.arange(400) >= 300, 2.5, 0)
    found = rt.alarms(pd.Series(values, HOURS), sigmas=6)
    assert set(found.kind) == {"shift"}
    assert set(found.side) == {"above"}
    first = found.iloc[0]
    assert abs((first.since - HOURS[300]) / pd.Timedelta("1h")) <= 2
    assert first.ticks == (first.name - first.since) / pd.Timedelta("1h") + 1
    assert first.reason.startswith(f"above for {first.ticks} ticks, since {first.since}: ")
    assert f"adds up to {first.score:.1f} sigmas, limit 6" in first.reason


def test_one_huge_value_does_not_blind():
    """A value of 1e15 is an alarm, and the next outlier is found as if it had not been there."""
    values = noise(400, seed=5)
    values[350] = 15.0
    calm = rt.alarms(pd.Series(values, HOURS))
    values[250] = 1e15
    found = rt.alarms(pd.Series(values, HOURS))
    assert HOURS[250] in found.index
    assert HOURS[350] in found.index
    assert found.loc[HOURS[350], "score"] == pytest.approx(calm.loc[HOURS[350], "score"], rel=0.1)


def test_missing_ticks_teach_nothing():
    """Without missing ticks the alarms are those of the known ticks alone, as far as scales go."""
    values = noise(400, seed=6)
    values[390] = 20.0
    gaps = np.insert(values, 395, [np.nan, np.inf])[:400]
    found = rt.alarms(pd.Series(gaps, HOURS))
    assert found.index.tolist() == rt.alarms(pd.Series(values, HOURS)).index.tolist()
    none = rt.alarms(pd.Series(np.nan, HOURS))
    assert len(none) == 0
    assert list(none.columns) == list(found.columns)


def test_a_series_that_never_changes_alarms_at_any_change():
    """Where all residuals were 0 the first that is not is an alarm; rounding is none."""
    flat = pd.DataFrame({"observed": 700.0, "residual": 0.0}, index=HOURS)
    flat.iloc[200] = [700.0, 1e-10]
    flat.iloc[300] = [705.0, 5.0]
    assert rt.alarms(flat).index.tolist() == [HOURS[300]]


def test_counts_are_judged_by_their_roots():
    """Small Poisson counts are not Gaussian: without counts=True they raise many alarms."""
    sold = np.random.default_rng(1).poisson(1.5, (2000, 30)).astype(float)
    frame = pd.concat(
        {"observed": pd.DataFrame(sold), "residual": pd.DataFrame(sold - 1.5)}, axis=1
    )
    frame = frame.swaplevel(axis=1)[
        [(k, part) for k in range(30) for part in ("observed", "residual")]
    ]
    plain, roots = (len(rt.alarms(frame, counts=counts)) for counts in (False, True))
    assert roots < 10
    assert plain > 5 * max(roots, 1)
    assert rt.alarms(frame, counts=False).columns[0] == "series"


@pytest.mark.parametrize("places", [[100, 101, 250], list(range(1, 400, 7))])
def test_cuts_change_no_alarm(places):
    """Every row and word is the same, whatever the batches."""
    values = pd.Series(noise(400, seed=8), HOURS)
    values.iloc[200:260] += 3
    step = rt.steps.Alarms(sigmas=3, window=40)
    state = step.initial()
    cut = [step.update(state, values[a:b])["result"] for a, b in pairwise([0, *places, 400])]
    whole = rt.alarms(values, sigmas=3, window=40)
    assert len(whole) > 3
    pd.testing.assert_frame_equal(join(cut), whole, check_freq=False)


def ticks_alone(step, data):
    """Run a step tick by tick."""
    state = step.initial()
    given = [step.update(state, data[at : at + 1])["result"] for at in range(len(data))]
    return join(given)


@pytest.mark.parametrize("first", [0, 1000])
def test_numbers_stay_the_labels_of_their_ticks(first):
    """Where labels only count, an alarm has the number of its tick, also if it came alone."""
    values = pd.Series(noise(400), pd.RangeIndex(first, first + 400))
    whole = rt.alarms(values, window=16, sigmas=1.5)
    assert len(whole) > 5
    assert (whole["observed"] == values[whole.index]).all()
    pd.testing.assert_frame_equal(ticks_alone(rt.steps.Alarms(1.5, window=16), values), whole)


def test_sums_are_exact_after_they_begin_again():
    """A sum that passed its limit begins at 0, whatever is in the same batch: no digit differs."""
    values = np.random.default_rng(1).integers(-4, 5, (400, 40)) * 1.0
    step = rt.steps.Alarms(sigmas=np.float64(3), shift=2, drift=0, window=24)
    whole = step.update(step.initial(), values)["result"]
    assert np.isfinite(whole[..., 0]).sum() > 500
    assert np.array_equal(ticks_alone(step, values), whole, equal_nan=True)


def test_largest_doubles_raise_no_warning():
    """Near the end of the doubles there is an answer, quietly."""
    huge = pd.Series(np.where(np.arange(400) % 3, 1, -1) * 1e308, HOURS)
    assert list(rt.alarms(huge, window=16).columns) == list(rt.alarms(huge[:0]).columns)


@pytest.mark.parametrize("name", ["kind", "since", "reason"])
def test_keys_may_not_hide_what_is_answered(name):
    """A key, or the name of wide columns, that the answer has too is refused with a remedy."""
    long = pd.DataFrame({name: ["a", "b"] * 50, "v": noise(100)})
    with pytest.raises(ParameterError, match=f"the answer has a column '{name}' of its own"):
        rt.alarms(long, by=name)
    wide = pd.DataFrame(noise((100, 2)), columns=pd.Index(["a", "b"], name=name))
    with pytest.raises(DataError, match="rename_axis"):
        rt.alarms(wide, window=8, sigmas=1)


def test_a_key_is_judged_alone():
    """In a long frame each product has its own scale and episodes, told by its own columns."""
    values = pd.DataFrame(noise((400, 3), seed=9) * [1, 100, 0.01], HOURS, ["a", "b", "c"])
    values.iloc[300:] += [0, 400, 0.05]
    named = [pd.DataFrame({"key": name, "residual": values[name]}) for name in values]
    long = pd.concat(named).sort_index(kind="stable")
    found = rt.alarms(long, by="key")
    assert set(found["key"]) == {"b", "c"}
    for name in ("a", "b", "c"):
        ours = found[found["key"] == name].drop(columns="key")
        alone = rt.alarms(values[name])
        pd.testing.assert_frame_equal(ours, alone, check_freq=False)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"sigmas": 0}, "sigmas=0: sigmas is a number of sigmas greater than 0; try sigmas=4"),
        ({"shift": "six"}, "shift='six'"),
        ({"drift": -1}, "drift=-1: drift is a number of sigmas at least 0"),
        ({"window": 7}, "window=7: window is a whole number of at least 8 ticks"),
        ({"quiet": 0}, "quiet=0"),
        ({"sigmas": 2.0**20}, "and below 1,048,576"),
    ],
)
def test_wrong_parameters_are_refused(how, words):
    """Each error names the value, the rule and the remedy."""
    with pytest.raises(ParameterError, match=words):
        rt.alarms(pd.Series([1.0]), **how)


def test_hits_count_events_and_episodes():
    """Found events and true episodes are counted by time, each once."""
    at = HOURS[[10, 12, 200, 300]]
    alarms = pd.DataFrame({"since": at, "episode": [1, 1, 2, 3]}, index=at)
    events = [(HOURS[8], HOURS[11]), (HOURS[250], HOURS[251]), (HOURS[190], HOURS[199])]
    got = hits(alarms, events, grace="2h")
    assert got == Hits(found=2, events=3, true=2, episodes=3)
    assert (got.recall, got.precision) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert np.isnan(hits(alarms[:0], []).recall)


# --- the simulated shop: seeds that no default was chosen by

SEEDS = range(201, 209)


@pytest.fixture(scope="module")
def shops():
    """Simulate several shops of twelve weeks."""
    return [rt.simulate(days=84, seed=seed, events_per_day=2000) for seed in SEEDS]


def test_promotions_are_found(shops):
    """Of the promotions in revenue nearly all are found, and nearly no alarm is false."""
    got = []
    for shop in shops:
        parts = rt.robust_decompose(shop.hourly()["revenue"], period=168, train=337)
        found = rt.alarms(parts, sigmas=5, shift=10)
        ready = found.index[:0] if parts.empty else parts["residual"].first_valid_index() + 7 * DAY
        events = [(one.start, one.end) for one in shop.truth.promotions if one.start > ready]
        got.append(hits(found[(found["side"] == "above") & (found.index > ready)], events))
    total = Hits(*np.sum(got, axis=0).tolist())
    assert total.events >= 25
    assert total.recall >= 0.9, total
    assert total.precision >= 0.9, total


def test_launches_and_stock_outs_are_found(shops):
    """A product that begins to sell, or stops, is found within days; others are left in peace."""
    launched = gone = false = 0
    for shop in shops:
        days = rt.tumbling(
            rt.clean(shop.events).good, "day", agg={"sold": "count"}, by="product_id", fill=0,
            tz=shop.zone,
        ).windows  # fmt: skip
        sold = days.pivot_table(index="start", columns="product_id", values="sold", fill_value=0)
        expected = rt.moving_median(sold, window=14).shift(1)  # of the 14 days before
        parts = pd.concat({"observed": sold, "residual": sold - expected}, axis=1)
        parts = parts.swaplevel(axis=1).sort_index(axis=1)
        found = rt.alarms(parts, counts=True, window=28, sigmas=4.5, shift=7)
        new, out = shop.truth.launch, shop.truth.stock_out
        launched += _within(found, new.product_id, "above", new.start)
        gone += _within(found, out.product_id, "below", out.start)
        others = found[~found["product_id"].isin([new.product_id, out.product_id])]
        false += len(others[["product_id", "episode"]].drop_duplicates())
    assert launched == len(shops)
    assert gone >= len(shops) - 1
    assert false <= len(shops)  # of some 200 products and 60 days each


def _within(found, product, side, start):
    """Tell whether a product has an alarm on this side within five days."""
    ours = found[(found["product_id"] == product) & (found["side"] == side)]
    return bool(((ours.index >= start.normalize()) & (ours.index < start + 5 * DAY)).any())
