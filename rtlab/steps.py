"""The one rule: a step folds micro-batches into a state and gives back results.

::

    update(state, batch) → outputs      advance(state, time) → outputs      finish(state) → outputs

A batch run is one update, then the end. From one step class come three faces with the same name,
parameters and docstring: a function on finished data, a method of streamz streams, and the class
itself, which can be chained and checkpointed.
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections import namedtuple
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from streamz import Stream

from rtlab.columns import Columns
from rtlab.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Chain", "Outputs", "Pluck", "State", "Step", "chain", "register", "registered"]

State = dict[str, Any]
"""Arrays, scalars and pandas objects by name; owned by whoever runs the step."""

Outputs = dict[str, Any]
"""What a call gave, by the name of the output; an output that gave nothing may be absent."""

DAY = 86_400_000_000  # microseconds


class Step:
    """The base of every step: parameters only, never data.

    A subclass is a frozen dataclass whose fields are the parameters. Its methods change the state
    in place, after they have validated the batch, and give outputs by name. The first name in
    ``outputs`` is what the next step of a chain receives.
    """

    outputs: ClassVar[tuple[str, ...]] = ("result",)
    takes: ClassVar[str] = "purchases"
    """What the law's test feeds it: ``purchases`` as they arrive, ``events`` after cleaning, or a
    regular ``series``."""
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Parameters with which the law's test tries it."""

    def initial(self) -> State:
        """Give the state before the first batch."""
        return {}

    def update(self, state: State, batch: Any) -> Outputs:
        """Take the next batch."""
        raise NotImplementedError

    def advance(self, state: State, time: int) -> Outputs:  # noqa: ARG002
        """Learn that no event before ``time`` (microseconds, UTC) is on its way."""
        return {}

    def finish(self, state: State) -> Outputs:  # noqa: ARG002
        """Learn that the stream has ended."""
        return {}

    def refuses(self, *, ends: bool) -> str | None:  # noqa: ARG002
        """Say why this step cannot run live, or None when it can."""
        return None


_registry: dict[str, type[Step]] = {}


def registered() -> dict[str, type[Step]]:
    """List every registered step by the name of its function.

    Examples
    --------
    >>> "moving_average" in registered()
    True
    """
    return dict(_registry)


def register(name: str) -> Callable[[type[Step]], Callable[..., Any]]:
    """Give a step class its other two faces under ``name``.

    The class stays reachable as ``rtlab.steps.<ClassName>``; the decorator's result is the
    function for finished data, and every streamz stream gets a method of that name.

    Parameters
    ----------
    name : str
        The name of the function and of the method.

    Returns
    -------
    callable
        A class decorator that gives back the function.

    Raises
    ------
    ParameterError
        If streamz, or another step, already uses the name.
    """

    def decorate(cls: type[Step]) -> Callable[..., Any]:
        taken = getattr(Stream, name, None)
        known = _registry.get(name)
        ours = known is not None and (known.__module__, known.__qualname__) == (
            cls.__module__,
            cls.__qualname__,
        )
        if not ours and (taken is not None or known is not None):
            raise ParameterError(
                f"the name {name!r} already belongs to "
                f"{known.__qualname__ if known else 'streamz'}: a step's name must be free on "
                "Stream; choose another name"
            )
        _registry[name] = cls
        Stream.register_api(attribute_name=name)(_method(name, cls))
        return _function(name, cls)

    return decorate


def _describe(face: Callable[..., Any], name: str, cls: type[Step], first: str) -> None:
    """Let a face speak for itself: Shift-Tab shows the step's parameters and docstring."""
    own = inspect.signature(cls).parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    face.__signature__ = inspect.Signature([inspect.Parameter(first, kind), *own])  # type: ignore[attr-defined]
    face.__name__ = face.__qualname__ = name
    face.__doc__ = cls.__doc__
    face.__module__ = cls.__module__


def _made(name: str, cls: type[Step], args: Any, kwargs: Any) -> Step:
    """Make a step; a mistyped parameter is told by the name that the user called."""
    known = inspect.signature(cls)
    try:
        known.bind(*args, **kwargs)
    except TypeError as wrong:
        listed = ", ".join(known.parameters)
        raise TypeError(f"{name}(): {wrong}; its parameters are {listed}") from None
    return cls(*args, **kwargs)


def _function(name: str, cls: type[Step]) -> Callable[..., Any]:
    def face(data: Any, *args: Any, **kwargs: Any) -> Any:
        return run(_made(name, cls, args, kwargs), [data])

    _describe(face, name, cls, "data")
    return face


def _method(name: str, cls: type[Step]) -> Callable[..., Any]:
    def face(self: Stream, *args: Any, stream_name: str | None = None, **kwargs: Any) -> Any:
        from rtlab.streams import StepNode  # noqa: PLC0415  (streams builds on this module)

        return StepNode(self, _made(name, cls, args, kwargs), stream_name=stream_name)

    _describe(face, name, cls, "self")
    return face


def run(step: Step, batches: Iterable[Any]) -> Any:
    """Fold batches to their end and hand the answer to a person.

    Parameters
    ----------
    step : Step
    batches : iterable
        DataFrames, Series, dicts or lists of dicts, in the order of arrival.

    Returns
    -------
    pandas object, or a named tuple of them
        The step's only output, or all of them by name.
    """
    state = step.initial()
    gathered: dict[str, list[Any]] = {name: [] for name in step.outputs}

    def keep(outputs: Outputs) -> None:
        for name, value in outputs.items():
            gathered[name].append(value)

    for batch in batches:
        keep(step.update(state, batch if step.takes == "series" else stamp(batch)))
    keep(step.finish(state))
    answers = [join(gathered[name]) for name in step.outputs]
    if len(answers) == 1:
        return answers[0]
    return namedtuple(type(step).__name__, step.outputs)(*answers)  # noqa: PYI024


def stamp(batch: Any, not_after: int | None = None) -> Columns:
    """Put the bound on future time on a batch that has none: a day from now.

    Steps never read the clock, so whoever brings the data does it for them.
    """
    columns = Columns.of(batch)
    if columns.not_after is None:
        bound = time.time_ns() // 1000 + DAY if not_after is None else not_after
        columns = columns.bounded(bound)
    return columns


def shown(value: Any) -> Any:
    """Give what a person sees of a step's output: a frame instead of bare columns."""
    return value.frame() if isinstance(value, Columns) else value


def settled(value: Any) -> Any:
    """Give an output that holds its own rows only, not the batch that they were taken from."""
    if isinstance(value, Columns):
        _ = value.arrays
    return value


def is_empty(value: Any) -> bool:
    """Tell whether an output is a frame, a series, an array or columns without rows."""
    return isinstance(value, (Columns, pd.DataFrame, pd.Series, np.ndarray)) and len(value) == 0


def again(pieces: Sequence[Any]) -> bool:
    """Tell whether the labels of pieces only count, and begin again in some piece."""
    labels = [piece.index for piece in pieces]
    return all(isinstance(one, pd.RangeIndex) for one in labels) and any(
        later.start < one.stop for one, later in pairwise(labels)
    )


def join(pieces: Iterable[Any]) -> Any:
    """Make one object of what an output gave piece by piece."""
    given = [piece for piece in pieces if piece is not None]
    given = [piece for piece in given if not is_empty(piece)] or given[:1]
    if not given:
        return pd.DataFrame()
    if all(isinstance(piece, Columns) for piece in given):
        names = given[0].names
        if all(piece.names == names for piece in given):
            given = [Columns.joined(given)]  # one frame instead of one for each batch
    seen = [shown(piece) for piece in given]
    if all(isinstance(piece, np.ndarray) for piece in seen):
        return np.concatenate(seen)
    if not all(isinstance(piece, (pd.DataFrame, pd.Series)) for piece in seen):
        return seen[0] if len(seen) == 1 else seen
    plain = again(seen)
    with warnings.catch_warnings():  # pandas 2 tells how later ones treat all-missing columns
        warnings.simplefilter("ignore", FutureWarning)
        whole = seen[0].copy(deep=False) if len(seen) == 1 else pd.concat(seen, ignore_index=plain)
    whole.attrs.pop("not_after", None)  # the source's mark is not the user's
    return whole


class Chain(Step):
    """Steps in a row, as one step.

    Parameters
    ----------
    *steps : Step
        Each receives the first output of the one before it.

    Notes
    -----
    The other outputs keep their names; where two steps share one, the later gets a number:
    ``late``, ``late_2``.
    """

    def __init__(self, *steps: Step) -> None:
        if not steps:
            raise ParameterError("chain() without steps: a chain needs at least one step")
        for one in steps:
            if not isinstance(one, Step):
                raise ParameterError(
                    f"chain({one!r}): a chain is made of steps; write rt.steps.Tumbling('1h'), "
                    "not rt.tumbling"
                )
        self.steps = steps
        self.takes = steps[0].takes  # type: ignore[misc]
        self.outputs = (steps[-1].outputs[0], *self._side_names())  # type: ignore[misc]

    def _side_names(self) -> list[str]:
        self._sides: list[dict[str, str]] = []
        used: list[str] = [self.steps[-1].outputs[0]]
        for step in self.steps:
            mapping = {}
            for name in step.outputs[1:]:
                number = sum(one == name or one.startswith(f"{name}_") for one in used) + 1
                mapping[name] = name if number == 1 else f"{name}_{number}"
                used.append(mapping[name])
            self._sides.append(mapping)
        return used[1:]

    def __repr__(self) -> str:
        return f"chain({', '.join(map(repr, self.steps))})"

    def initial(self) -> State:
        return {str(place): step.initial() for place, step in enumerate(self.steps)}

    def update(self, state: State, batch: Any) -> Outputs:
        return self._merge(state, [batch], 0)

    def advance(self, state: State, time: int) -> Outputs:
        return self._cascade(state, lambda step, own: step.advance(own, time))

    def finish(self, state: State) -> Outputs:
        return self._cascade(state, lambda step, own: step.finish(own))

    def refuses(self, *, ends: bool) -> str | None:
        return next(filter(None, (step.refuses(ends=ends) for step in self.steps)), None)

    def _cascade(self, state: State, call: Callable[[Step, State], Outputs]) -> Outputs:
        """Make a call on each step in turn, after it got what the call on earlier ones gave."""
        sides: dict[str, list[Any]] = {}
        passing: list[Any] = []
        for place, step in enumerate(self.steps):
            own = state[str(place)]
            given = [step.update(own, batch) for batch in passing] + [call(step, own)]
            passing = self._sort_out(place, given, sides)
        return self._answer(passing, sides)

    def _merge(self, state: State, passing: list[Any], start: int) -> Outputs:
        sides: dict[str, list[Any]] = {}
        for place, step in enumerate(self.steps[start:], start):
            given = [step.update(state[str(place)], batch) for batch in passing]
            passing = self._sort_out(place, given, sides)
        return self._answer(passing, sides)

    def _sort_out(
        self, place: int, given: list[Outputs], sides: dict[str, list[Any]]
    ) -> list[Any]:
        main = self.steps[place].outputs[0]
        for outputs in given:
            for name, public in self._sides[place].items():
                if outputs.get(name) is not None:
                    sides.setdefault(public, []).append(outputs[name])
        return [outputs[main] for outputs in given if outputs.get(main) is not None]

    def _answer(self, passing: list[Any], sides: dict[str, list[Any]]) -> Outputs:
        pieces = {self.outputs[0]: passing} | sides
        return {
            name: values[0] if len(values) == 1 else join(values)
            for name, values in pieces.items()
            if values
        }


def chain(*steps: Step) -> Chain:
    """Make one step of several.

    Parameters
    ----------
    *steps : Step
        Each receives the first output of the one before it.

    Returns
    -------
    Chain
        A step: it can be chained again, run on finished data by :func:`run`, or attached to a
        stream by ``stream.through(...)``.

    Examples
    --------
    >>> import rtlab as rt
    >>> day = rt.chain(rt.steps.Clean(), rt.steps.Tumbling(size="1D", agg={"n": "count"}))
    >>> day.outputs
    ('windows', 'rejected', 'late')
    """
    return Chain(*steps)


class Pluck(Step):
    """Take one column of a frame as a series, inside a chain.

    Parameters
    ----------
    column : str
        Its name. (On a stream, streamz's own ``pluck`` does this.)
    """

    def __init__(self, column: str) -> None:
        self.column = column

    def __repr__(self) -> str:
        return f"Pluck({self.column!r})"

    def update(self, state: State, batch: Any) -> Outputs:  # noqa: ARG002
        return {"result": shown(batch)[self.column]}


def __getattr__(name: str) -> type[Step]:
    """Find a registered step's class: ``rtlab.steps.MovingAverage``."""
    for cls in _registry.values():
        if cls.__name__ == name:
            return cls
    raise AttributeError(f"rtlab.steps has no step {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *(cls.__name__ for cls in _registry.values())])
