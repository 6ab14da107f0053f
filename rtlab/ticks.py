"""Steps over series: they answer tick by tick, or once about the whole.

A tick is one row of a series; its number counts from the beginning of the series, so that nothing
depends on where a batch ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab import grouped, reading, spacing
from rtlab.errors import DataError, ParameterError
from rtlab.keys import key_names
from rtlab.reading import Values
from rtlab.steps import Outputs, State, Step, again, registered, shown

__all__ = ["SeriesStep", "Values", "WholeSeries", "check_count"]


def check_count(name: str, value: Any, least: int, *, unit: str, remedy: int) -> None:
    """Refuse a parameter that is not a whole number of at least ``least``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(
            f"{name}={value!r}: {name} is a whole number of at least {least} {unit}; "
            f"try {name}={remedy}"
        )


@dataclass(frozen=True, kw_only=True)
class SeriesStep(Step):
    """The base of steps that answer tick by tick, for one series or thousands side by side.

    A subclass computes with bare arrays, in :meth:`begin` and :meth:`take`. This base reads what
    comes and labels what goes. It counts the ticks: ``state["tick"]`` have come before a batch.

    Parameters
    ----------
    by : str or list of str, optional
        Key columns of a long frame, in which each key is a series of its own.
    value : str, optional
        The column of a long frame that holds the numbers; needed where there are several.
    """

    by: str | Sequence[str] | None = None
    value: str | None = None

    takes: ClassVar[str] = "series"
    parts: ClassVar[Any] = ()
    """Names of what is answered about a tick; none where that is one number."""
    wants: ClassVar[tuple[str, ...]] = ()
    """Columns that together are one series; its values then have a third axis, for them."""
    ahead: ClassVar[int] = 0
    """An answer is about the tick so many before the newest."""
    timed: ClassVar[bool | str] = False
    """Whether the times of the ticks are needed; or "perhaps": where there are any."""
    regular: ClassVar[bool] = False
    """Whether times, where there are any, must be equally far apart."""
    cycle: ClassVar[tuple[int, int] | None] = None
    """``(warm, length)``: from tick ``warm`` on, a state is used alike every ``length`` ticks."""
    adds: ClassVar[tuple[str, ...]] = ()
    """Columns that :meth:`dress` adds, which no key may be named as."""

    def initial(self) -> State:
        if self.by is None and self.value is not None:
            raise ParameterError(
                f"value={self.value!r} without by=: it names a column of a long frame, whose keys "
                f"by= names; for one series choose the column, as in frame[{self.value!r}]"
            )
        taken = [name for name in key_names(self.by) if name in self._columns()]
        if taken:
            raise ParameterError(
                f"by={self.by!r}: the answer has a column {taken[0]!r} of its own; rename the "
                "key, as in frame.rename(columns=...)"
            )
        return {}

    def _columns(self) -> list[Any]:
        """Name the columns of a long answer beside its keys."""
        return [*self.parts, *self.adds, *([] if self.value is None else [self.value])]

    def begin(self, width: int) -> State:
        """Give the arrays before the first tick; their last axis is that of ``width`` series.

        An array of two axes or more may get more rows. Before the rows of a key that has fewer
        stand rows of nothing then: NaN, or of whole numbers the least.
        """
        raise NotImplementedError

    def take(self, state: State, values: Values, times: Any) -> Values:
        """Answer for one tick or more.

        Parameters
        ----------
        state : dict
            What :meth:`begin` gave, and ``tick``; arrays change in place or are replaced.
        values : ndarray of float64, shape (ticks, series) or (ticks, series, wants)
        times : ndarray of int64, shape (ticks, 1) or (ticks, series), or None
            Microseconds, if the step is ``timed``.

        Returns
        -------
        ndarray of float64, shape (answers, series) or (answers, series, parts)
            One answer for each tick that :meth:`places` names.
        """
        raise NotImplementedError

    def places(self, tick: int, ticks: int) -> slice:  # noqa: ARG002
        """Tell which of the next ``ticks`` ticks are answered, after ``tick`` have come."""
        return slice(None)

    def tail(self, state: State, width: int) -> Values:  # noqa: ARG002
        """Answer at the end for each of the last ``ahead`` ticks, which waited for later ones."""
        return self._missing(self.ahead, width)

    def chosen(self, answers: Values) -> Any:  # noqa: ARG002
        """Tell which answers are given, as bool of shape (answers, series); None for all."""
        return None

    def dress(self, frame: Any) -> Any:
        """Put the last touch on what a person sees."""
        return frame

    def update(self, state: State, batch: Any) -> Outputs:
        """Take the next ticks; a batch without any changes nothing."""
        batch = shown(batch)
        if self.by is not None:
            return {"result": grouped.update(self, state, batch)}
        batch = reading.narrowed(batch, self.wants)
        values = reading.read(batch, state.get("like"))
        index = getattr(batch, "index", None)
        own = state if "like" in state else self._initial(batch, index)
        values = reading.split(values, own["like"], self.wants)
        (ticks, width), tick = values.shape[:2], own["tick"]
        if ticks == 0:
            return {"result": self._placed(own, self._missing(0, width), index, tick, 0)}
        times = spacing.follow(self, own["times"], index)
        if own is not state:
            own |= self.begin(width) | {"width": width}
        answers = self.take(own, values, times if times is None else times[:, None])
        own["tick"] = tick + ticks
        if own is not state:
            state.update(own)  # a first batch that was refused leaves nothing behind
        return {"result": self._placed(state, answers, index, tick, ticks)}

    def finish(self, state: State) -> Outputs:
        """Answer for the ticks that waited for later ones."""
        if self.ahead == 0 or not state:
            return {}
        if self.by is not None:
            return {"result": grouped.finish(self, state)}
        answers = self.tail(state, state["width"])[self.places(state["tick"], self.ahead)]
        index = None if state["labels"] is None else state["labels"][:0]
        return {"result": self._placed(state, answers, index, state["tick"], self.ahead)}

    def _missing(self, answers: int, width: int) -> Values:
        shape = (answers, width, len(self.parts)) if len(self.parts) else (answers, width)
        return np.full(shape, np.nan)

    def _initial(self, batch: Any, index: Any) -> State:
        return {
            "like": batch[:0].copy(),
            "columns": reading.columns(batch, self.parts, self.wants),
            "labels": index if index is None else index[:0],  # of the ticks that wait
            "counts": (index.start, index.step) if isinstance(index, pd.RangeIndex) else None,
            "times": spacing.initial(1),
            "tick": 0,
        }

    def _placed(self, state: State, answers: Values, index: Any, tick: int, ticks: int) -> Any:
        """Give each answer the label of its tick, which came ``ahead`` ticks before."""
        places = self.places(tick, ticks)
        some = places != slice(None) or type(self).chosen is not SeriesStep.chosen
        counted = some and isinstance(index, pd.RangeIndex) and state["counts"] is not None
        if not (self.ahead or counted):
            return self._show(state, answers, index if index is None else index[places])
        about = np.arange(tick, tick + ticks)[places] - self.ahead
        if counted:
            first, step = state["counts"]  # labels that only count are those of the whole series
            answers, about = answers[about >= 0], about[about >= 0]
            return self._show(state, answers, pd.Index(first + step * about, name=index.name))
        answers, about = answers[about >= 0], about[about >= 0]  # the others are before the first
        if index is not None:
            waiting = state["labels"]
            labels = waiting.append(index)
            state["labels"] = labels[max(len(labels) - self.ahead, 0) :]
            first = tick - len(waiting)
            index = labels.take(about - first)
        return self._show(state, answers, index)

    def _show(self, state: State, answers: Values, index: Any) -> Any:
        """Give answers as what came: an array, a series or a frame."""
        chosen = self.chosen(answers)
        if index is None or chosen is None:
            return self.dress(reading.give(state["like"], answers, index, state["columns"]))
        tick, series = np.nonzero(chosen)
        frame = pd.DataFrame(answers[tick, series], index=index.take(tick), columns=self.parts)
        names = reading.columns(state["like"], (), self.wants)
        if names is not None:
            name = names.name or "series"
            if name in self._columns():
                raise DataError(
                    f"columns named {name!r}: the answer has a column of this name; choose "
                    "another, as in frame.rename_axis(columns='series')"
                )
            frame.insert(0, name, names.take(series))
        return self.dress(frame)


class WholeSeries(Step):
    """The base of analyses that see a whole series: they gather it and answer once, at its end."""

    takes: ClassVar[str] = "series"

    def answer(self, series: Any) -> Any:
        """Analyse the finished series (float64, at least one tick)."""
        raise NotImplementedError

    def initial(self) -> State:
        return {"pieces": []}

    def update(self, state: State, batch: Any) -> Outputs:
        batch = shown(batch)
        values = reading.read(batch)
        if values.shape[1] != 1:
            raise DataError(
                f"{type(self).__name__} of {reading.describe(batch)}: this analysis takes one "
                "series; choose a column, as in frame['revenue'] or stream.pluck('revenue')"
            )
        if len(values):
            one = batch.iloc[:, 0] if isinstance(batch, pd.DataFrame) else pd.Series(batch)
            state["pieces"].append(pd.Series(values[:, 0].copy(), one.index, name=one.name))
        return {}

    def finish(self, state: State) -> Outputs:
        pieces = state["pieces"]
        if not pieces:
            raise DataError(
                f"{type(self).__name__} of a series without ticks: it needs some; look at what "
                "the stream brings with stream.sink(print)"
            )
        series = pieces[0] if len(pieces) == 1 else pd.concat(pieces)
        if again(pieces):
            series = series.reset_index(drop=True)  # each batch counted from 0
        return {"result": self.answer(series)}

    def refuses(self, *, ends: bool) -> str | None:
        if ends:
            return None
        name = next((name for name, cls in registered().items() if cls is type(self)), "")
        sister = f"rolling_{name.removeprefix('find_')}"
        sister = f"{sister}(...)" if sister in registered() else "a rolling analysis"
        return (
            "it sees the whole series and answers once, at the end, and this stream has no end; "
            f"replay a finished series with rt.replay(...), or answer at every tick with {sister}"
        )
