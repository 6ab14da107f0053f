"""The law: however the data are cut into micro-batches, the results are the same rows.

One property holds every registered step to it, so that a new step needs no new test code.
"""

import copy
import pkgutil
from dataclasses import fields, is_dataclass
from importlib import import_module
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from drawn import DATA, cuts
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.sources import Source
from rtlab.steps import join, registered, stamp

for module in pkgutil.walk_packages(rt.__path__, "rtlab."):
    if not module.name.endswith("__main__"):
        import_module(module.name)

CASES = [
    pytest.param(name, parameters, id=f"{name}-{number}")
    for name, cls in registered().items()
    if cls.__module__.startswith("rtlab.")  # not those that other tests register
    for number, parameters in enumerate(cls.examples)
]


@pytest.mark.parametrize("name", registered())
def test_every_step_has_examples(name):
    """No step escapes the law for want of parameters to try it with."""
    assert registered()[name].examples
    assert registered()[name].takes in DATA


@pytest.mark.parametrize(("name", "parameters"), CASES)
@given(st.data())
@examples(12)
def test_cuts_change_nothing(name, parameters, data):
    """One batch, a stream drained by batches, and updates by hand give the same rows."""
    cls = registered()[name]
    step = cls(**parameters)
    whole = data.draw(DATA[_kind(step)], label="data")
    places = data.draw(cuts(len(whole)), label="cuts")
    batches = [whole.iloc[a:b] for a, b in pairwise([0, *places, len(whole)])]
    expected, wrong = _outcome(_whole, name, step, parameters, whole)
    for way in (_drained, _by_hand):
        found, error = _outcome(way, name, step, parameters, batches)
        assert repr(error) == repr(wrong), way.__name__
        if wrong is None:
            same(found, expected)


@pytest.mark.parametrize(("name", "parameters"), CASES)
@given(st.data())
@examples(4)
def test_bad_batch_leaves_state(name, parameters, data):
    """A batch that a step refuses leaves its state as it was, and the state stays plain."""
    step = registered()[name](**parameters)
    whole = data.draw(DATA[_kind(step)].filter(len), label="data")
    half = len(whole) // 2
    state = step.initial()
    try:
        step.update(state, _batch(step, whole.iloc[:half]))
    except rt.errors.DataError:
        return  # drawn data that no method takes, such as a table where a series is due
    before = copy.deepcopy(state)
    refused = 0
    for bad in _bad_batches(whole.iloc[half:]):
        try:
            step.update(state, _batch(step, bad))
        except Exception:  # noqa: BLE001  (whatever a step says, its state must be whole)
            refused += 1
            same(state, before)
        state = copy.deepcopy(before)
    assert refused or not before, "no bad batch was refused"
    plain(state)


def _kind(step):
    """Name the data to draw: a long frame for a step that tells series by their keys."""
    return "long" if step.takes == "series" and getattr(step, "by", None) else step.takes


def _bad_batches(good):
    """Spoil a batch: a column missing, or full of things that are neither number nor text."""
    if isinstance(good, pd.Series):
        yield pd.Series(["a"] * len(good), index=good.index)
        yield good.to_frame().assign(more="a")
        return
    yield pd.DataFrame({"nonsense": [1]})
    for name in good:
        yield good.drop(columns=name)
        yield good.assign(**{name: [["no", "value"]] * len(good)})


def _outcome(way, *args):
    """Give a run's outputs by name, or the error that ended it."""
    try:
        return way(*args), None
    except rt.errors.DataError as error:
        return None, error


def _whole(name, step, parameters, data):
    """Run the function on finished data."""
    face = getattr(import_module(type(step).__module__), name)
    answer = face(data, **parameters)
    return answer._asdict() if len(step.outputs) > 1 else {step.outputs[0]: answer}


class Cuts(Source):
    """A source of batches that are cut already."""

    def __init__(self, step, pieces):
        self.pieces = [_batch(step, piece) for piece in pieces]
        super().__init__()

    def batches(self):
        """Give the batches."""
        return iter(self.pieces)


def _drained(name, step, parameters, batches):
    """Run the method of a stream."""
    node = getattr(Cuts(step, batches), name)(**parameters)
    others = [getattr(node, name) for name in step.outputs[1:]]
    found = rt.drain(node, *others)
    return dict(zip(step.outputs, found if others else [found], strict=True))


def _by_hand(_name, step, _parameters, batches):
    """Run the step, in a chain, on copies of its state, as after a checkpoint."""
    chain = rt.chain(step)
    state = chain.initial()
    gathered = {name: [] for name in chain.outputs}
    for batch in batches:
        state = copy.deepcopy(state)
        for name, value in chain.update(state, _batch(step, batch)).items():
            gathered[name].append(value)
    plain(state)
    for name, value in chain.finish(state).items():
        gathered[name].append(value)
    return {name: join(pieces) for name, pieces in gathered.items()}


def _batch(step, piece):
    return piece if step.takes == "series" else stamp(piece)


def same(found, expected):
    """Compare two answers: equal in all that is exact, floats within 1e-12 of their scale."""
    assert type(found) is type(expected)
    if isinstance(expected, pd.DataFrame):
        assert list(found.columns) == list(expected.columns)
        same(found.index, expected.index)
        for place in range(expected.shape[1]):
            _same_values(found.iloc[:, place], expected.iloc[:, place])
    elif isinstance(expected, pd.Series):
        assert found.name == expected.name
        same(found.index, expected.index)
        _same_values(found, expected)
    elif isinstance(expected, pd.MultiIndex):
        assert found.equals(expected)
    elif isinstance(expected, (pd.Index, pd.api.extensions.ExtensionArray)):
        assert getattr(found, "names", None) == getattr(expected, "names", None)
        _same_values(pd.Series(found), pd.Series(expected))
    elif isinstance(expected, (np.ndarray, float, np.generic)):
        assert np.shape(found) == np.shape(expected)
        _same_values(pd.Series(np.ravel(found)), pd.Series(np.ravel(expected)))
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        same(list(found.values()), list(expected.values()))
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif is_dataclass(expected):
        for field in fields(expected):
            same(getattr(found, field.name), getattr(expected, field.name))
    else:
        assert found == expected


def _same_values(found, expected):
    found, expected = found.reset_index(drop=True), expected.reset_index(drop=True)
    if len(expected) == 0:  # of nothing, only the names can be compared
        assert len(found) == 0
        return
    if expected.dtype.kind == "f":
        known = np.abs(expected[np.isfinite(expected)])
        scale = known.max() if len(known) else 0.0
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)
        return
    if expected.dtype.kind == "O" or isinstance(expected.dtype, pd.StringDtype):
        # Text is text, whether pandas keeps it as objects or as its own type; so is nothing.
        found, expected = (
            one.astype(object).where(one.notna(), None) for one in (found, expected)
        )
    pd.testing.assert_series_equal(found, expected, check_names=False, check_freq=False)


def plain(state):
    """Check that a state holds nothing but data: it can be copied, saved and compared."""
    if isinstance(state, dict):
        for name, value in state.items():
            plain(name)
            plain(value)
    elif isinstance(state, (list, tuple, set, frozenset)):
        for value in state:
            plain(value)
    else:
        kinds = (np.ndarray, np.generic, np.dtype, pd.api.extensions.ExtensionDtype)
        kinds += (pd.Series, pd.DataFrame, pd.Index, pd.api.extensions.ExtensionArray)
        kinds += (pd.Timestamp, pd.Timedelta, str, bytes, int, float, bool, type(None))
        assert isinstance(state, kinds), f"{type(state)} in a state"
