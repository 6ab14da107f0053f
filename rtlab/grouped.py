"""Series of a long frame, one for each key: computed side by side, answered row by row.

Series that have come equally far make one matrix; how equal that must be, a step says by its
``cycle``. One table holds the states of all series, in columns by the codes of their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab import keys, reading, spacing
from rtlab.columns import Columns
from rtlab.errors import DataError
from rtlab.steps import State

if TYPE_CHECKING:
    from rtlab.ticks import SeriesStep

LEAST = 16  # series that a table has room for at first
NOWHERE = -1  # where the label of a tick before the first would stand


class Group(NamedTuple):
    """Series that are computed together."""

    phase: int
    """How many ticks have come, as far as that matters."""
    series: Any
    """Their codes, of shape (series,)."""
    rows: Any
    """The rows of the batch that are theirs, of shape (ticks, series)."""


class Found(NamedTuple):
    """Answers of a group, one below the other."""

    row: Any
    """The row of the batch that caused each."""
    label: Any
    """The place of the label of the tick that each is about."""
    series: Any
    answers: Any


def update(step: SeriesStep, state: State, batch: Any) -> Any:
    """Take the next rows of a long frame."""
    if not isinstance(batch, pd.DataFrame):
        raise DataError(
            f"a batch of {reading.describe(batch)} with by={step.by!r}: the keys are columns of a "
            "long frame; leave out by= for one series"
        )
    distinct = keys.distinct(step.by, Columns.of(batch))
    held = batch[_numbers(step, batch)]
    values = reading.read(held, state.get("like"))
    values = values[:, None, :] if values.shape[1] > 1 else values
    own = state or _initial(step, held.iloc[:0], batch.index[:0])
    # A batch that is refused from here on may leave a key behind, but none of its ticks.
    codes = keys.encode(own["table"], distinct)
    _make_room(step, own)
    times = spacing.follow(step, own["times"], batch.index, codes)
    labels = own["labels"].append(batch.index) if step.ahead else batch.index
    taken = [
        (group, *_take(step, own, group, values, times)) for group in _groups(step, own, codes)
    ]
    found = [_put_back(step, own, *one) for one in taken]  # only now that no group was refused
    answer = _frame(step, own, found, labels)
    _keep_labels(step, own, labels)
    state.update(own)
    return answer


def finish(step: SeriesStep, state: State) -> Any:
    """Answer for the ticks that waited for later ones, in the order in which they came."""
    if "table" not in state:
        return None
    found = []
    for group in _groups(step, state, np.arange(keys.size(state["table"]))):
        places = step.places(group.phase, step.ahead)
        waiting = state["waiting"][:, group.series][places]
        answers = step.tail(_part(state, group), len(group.series))[places]
        found.append(_found(waiting, waiting, group.series, answers))
    return _frame(step, state, found, state["labels"])


def _numbers(step: SeriesStep, batch: pd.DataFrame) -> list[Any]:
    """Name the columns that hold the numbers of a long frame."""
    if step.wants and set(step.wants) <= set(batch.columns):
        return list(step.wants)
    if step.value is not None:
        if step.value not in batch.columns:
            raise DataError(
                f"value={step.value!r}: the frame has columns {list(batch.columns)}; name one"
            )
        return [step.value]
    others = [name for name in batch.columns if name not in keys.key_names(step.by)]
    usable = [name for name in others if pd.api.types.is_numeric_dtype(batch[name].dtype)]
    if len(usable) != 1:
        raise DataError(
            f"columns {others} beside by={step.by!r}: one of them holds the numbers; name it, as "
            "in value='revenue'"
        )
    return usable


def _initial(step: SeriesStep, like: Any, labels: Any) -> State:
    return {
        "like": like.copy(),
        "table": keys.initial(step.by),
        "ticks": np.zeros(0, np.int64),
        "series": step.begin(0),
        "times": spacing.initial(0),
        "labels": labels,  # of the ticks that wait for later ones
        "waiting": np.zeros((step.ahead, 0), np.int64),  # where in labels those of a series are
    }


def _make_room(step: SeriesStep, own: State) -> None:
    """Let the table have columns for every key, and some to spare: growing is a copy."""
    have, need = len(own["ticks"]), keys.size(own["table"])
    if need <= have:
        return
    size = max(2 * need, LEAST)
    own["ticks"] = np.concatenate([own["ticks"], np.zeros(size - have, np.int64)])
    own["waiting"] = _widened(np.full((step.ahead, size), NOWHERE), own["waiting"])
    own["times"] = _all_widened(spacing.initial(size), own["times"])
    own["series"] = _all_widened(step.begin(size), own["series"])


def _all_widened(fresh: State, held: State) -> State:
    return {name: _widened(array, held[name]) for name, array in fresh.items()}


def _widened(fresh: Any, held: Any) -> Any:
    fresh = _lengthened(fresh, held)
    fresh[..., : held.shape[-1]] = held
    return fresh


def _lengthened(array: Any, other: Any) -> Any:
    """Put rows of nothing before those of an array that has fewer than the other."""
    if array.ndim == 1 or len(array) >= len(other):
        return array
    none = np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).min
    before = np.full((len(other) - len(array), *array.shape[1:]), none, array.dtype)
    return np.concatenate([before, array])


def _groups(step: SeriesStep, own: State, codes: Any) -> Iterator[Group]:
    """Put together the series that have come equally far and get equally many ticks."""
    rows = np.arange(len(codes))
    order = rows if (np.diff(codes) >= 0).all() else np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    series = np.flatnonzero(counts)
    counts = counts[series]
    starts = np.cumsum(counts) - counts
    phase = own["ticks"][series]
    if step.cycle is not None:
        warm, length = step.cycle
        phase = np.where(phase < warm, phase, warm + (phase - warm) % length)
    kinds, which = np.unique(phase * (len(codes) + 1) + counts, return_inverse=True)
    for number in range(len(kinds)):
        ours = np.flatnonzero(which == number)
        count = counts[ours[0]]
        yield Group(int(phase[ours[0]]), series[ours], order[starts[ours] + rows[:count, None]])


def _part(own: State, group: Group) -> State:
    """Take the state of some series out of the table."""
    taken = {name: array[..., group.series] for name, array in own["series"].items()}
    return taken | {"tick": group.phase}


def _take(
    step: SeriesStep, own: State, group: Group, values: Any, times: Any
) -> tuple[State, Any]:
    """Compute a group; give its state afterwards, and its answers."""
    part = _part(own, group)
    when = None if times is None or not step.timed else times[group.rows]
    return part, step.take(part, values[:, 0][group.rows], when)


def _put_back(step: SeriesStep, own: State, group: Group, part: State, answers: Any) -> Found:
    """Put the state of a group back into the table."""
    count = len(group.rows)
    for name, table in own["series"].items():
        table = own["series"][name] = _lengthened(table, part[name])  # noqa: PLW2901
        table[..., group.series] = _lengthened(part[name], table)
    own["ticks"][group.series] += count
    causes = group.rows[step.places(group.phase, count)]
    labels = causes
    if step.ahead:
        waiting = own["waiting"][:, group.series]
        places = np.concatenate([waiting, len(own["labels"]) + group.rows])
        own["waiting"][:, group.series] = places[count:]
        labels = places[:count][step.places(group.phase, count)]
    return _found(causes, labels, group.series, answers, step.chosen(answers))


def _found(rows: Any, labels: Any, series: Any, answers: Any, chosen: Any = None) -> Found:
    some = labels != NOWHERE
    some = some if chosen is None else some & chosen
    series = np.broadcast_to(series, some.shape)
    return Found(rows[some], labels[some], series[some], answers[some])


def _frame(step: SeriesStep, own: State, found: list[Found], labels: Any) -> pd.DataFrame:
    """Put answers in the order of the rows that caused them, beside their keys."""
    shape = (0, len(step.parts)) if len(step.parts) else (0,)
    none = np.zeros(0, np.int64)
    found = found or [Found(none, none, none, np.zeros(shape))]
    row, label, series, answers = (np.concatenate(one) for one in zip(*found, strict=True))
    order = np.argsort(row, kind="stable")
    label, series, answers = label[order], series[order], answers[order]
    whole = len(label) == len(labels) and (label == np.arange(len(label))).all()
    index = labels if whole else labels.take(label)
    names = pd.Index(step.parts) if len(step.parts) else own["like"].columns[:1]
    frame = pd.DataFrame(answers.reshape(len(answers), len(names)), index, names)
    columns = keys.columns(step.by, own["table"], series)
    for place, (name, key) in enumerate(columns.items()):
        frame.insert(place, name, key)
    dressed: pd.DataFrame = step.dress(frame)
    return dressed


def _keep_labels(step: SeriesStep, own: State, labels: Any) -> None:
    """Hold the labels of the ticks that wait, and no others."""
    if not step.ahead:
        return
    waiting = own["waiting"]
    held = np.unique(waiting[waiting != NOWHERE])
    own["labels"] = labels.take(held)
    own["waiting"] = np.where(waiting == NOWHERE, NOWHERE, np.searchsorted(held, waiting))
