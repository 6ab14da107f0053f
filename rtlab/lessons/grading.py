"""Graders: they read an answer in any reasonable form, and help with a wrong one.

A question stands in ``rtlab.lessons.answers``, one module a lesson. Its right answer is a plain
value, or a function without arguments where it is long. :func:`check` never raises: whatever a
learner has typed, a sentence comes back.
"""

from __future__ import annotations

import math
import numbers
import re
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Hint", "Question", "Verdict", "check"]

YES, NO = {"yes", "true", "y", "是"}, {"no", "false", "n", "否", "不是"}
LARGE = 100_000  # values that an answer may have before it is surely not one


@dataclass(frozen=True)
class Hint:
    """What to tell somebody who gave a typical wrong answer.

    Attributes
    ----------
    wrong : value or callable
        The wrong answer, in the form of the right one; or a function that tells whether an answer
        (read into that form) is of this kind.
    text : str
        One or two sentences that lead on and do not give the answer away.
    """

    wrong: Any
    text: str


@dataclass(frozen=True)
class Question:
    """A question with its right answer.

    Attributes
    ----------
    right : value or callable
        A number, a truth value, a text, a timestamp, a list of these, a dict of text to these; or
        a function that gives one of them.
    done : str
        What a right answer shows.
    hints : tuple of Hint
        Tried in order.
    otherwise : str
        What to tell about any other wrong answer.
    within : float
        How far a number may lie from the right one, as a share of it. Whole numbers that count
        something must fit exactly: ``within=0``.
    any_order : bool
        Whether the order of a list does not matter.
    """

    right: Any
    done: str
    hints: tuple[Hint, ...] = ()
    otherwise: str = "Read the question again, and look at each parameter."
    within: float = 1e-6
    any_order: bool = False

    def answer(self) -> Any:
        """Give the right answer."""
        return self.right() if callable(self.right) else self.right

    def grade(self, given: Any) -> Verdict:
        """Compare an answer with the right one."""
        right = self.answer()
        try:
            read = _read(given, right)
        except (TypeError, ValueError, OverflowError) as reason:
            return Verdict(right=False, text=f"Not yet. {reason}")
        if self._fits(read, right):
            return Verdict(right=True, text=f"Right. {self.done}")
        for hint in self.hints:
            kind = hint.wrong
            if kind(read) if callable(kind) else self._fits(read, _read(kind, right)):
                return Verdict(right=False, text=f"Not yet. {hint.text}")
        return Verdict(right=False, text=f"Not yet. {self._size(read, right) or self.otherwise}")

    def _fits(self, read: Any, right: Any) -> bool:
        if isinstance(right, dict):
            return set(read) == set(right) and all(
                self._fits(read[name], value) for name, value in right.items()
            )
        if _is_list(right):
            expected = _read(right, right)
            if self.any_order:
                read, expected = sorted(read, key=str), sorted(expected, key=str)
            return len(read) == len(expected) and all(map(self._fits, read, expected))
        if isinstance(right, (int, float)) and not isinstance(right, bool):
            return _near(float(read), float(right), self.within)
        return bool(read == _read(right, right))

    def _size(self, read: Any, right: Any) -> str:
        """Say when a list has the wrong length; to find how many there are may be the task."""
        if not _is_list(right) or len(read) == len(right):
            return ""
        if self.any_order:
            return f"This list has too {'few' if len(read) < len(right) else 'many'} values."
        return f"{len(right)} values are asked for, and this has {len(read)}."


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a grader says.

    Attributes
    ----------
    right : bool or None
        None where nothing was answered yet.
    text : str
        What to tell the learner.
    """

    right: bool | None
    text: str
    name: str = field(default="", compare=False)

    def __repr__(self) -> str:
        mark = {True: "✓", False: "✗", None: "…"}[self.right]
        return " ".join(filter(None, (mark, self.name, self.text)))


def check(name: str, answer: Any = ...) -> Verdict:
    """Grade the answer to an exercise.

    Parameters
    ----------
    name : str
        Of the exercise: ``"04.1"``.
    answer : object
        In any reasonable form: a list, an array or a Series; a whole number for a float; a text
        or a timestamp for a time.

    Returns
    -------
    Verdict
        ``right`` is True, False, or None for ``...``, which stands for no answer yet; shown, it
        is a sentence. Nothing is ever raised.

    Examples
    --------
    >>> from rtlab.lessons import check
    >>> check("00.1", ...)
    … 00.1 Not answered yet.
    """
    try:
        question = _find(name)
        if isinstance(question, str):
            return Verdict(right=None, text=question)
        if answer is ... or answer is None:
            lost = " This is None: did your function forget to return its value?"
            text = "Not answered yet." + lost * (answer is None)
            return Verdict(right=None, text=text, name=name)
        verdict = question.grade(answer)
    except Exception:  # noqa: BLE001  (an answer may be any object, and fail in any way)
        text = f"Not yet. This {type(answer).__qualname__} cannot be read as an answer."
        return Verdict(right=False, text=text, name=name if isinstance(name, str) else "")
    return Verdict(verdict.right, verdict.text, name)


def _find(name: Any) -> Question | str:
    """Find a question, or say which there are."""
    if not isinstance(name, str) or not re.fullmatch(r"[0-9]{2}\.[0-9]+", name):
        said = reprlib.repr(name)
        return f'There is no exercise {said}: write its number, as in check("04.1", answer).'
    try:
        module = import_module(f"rtlab.lessons.answers.lesson{name[:2]}")
    except ImportError:
        return f"There is no exercise {name!r}: no lesson has the number {name[:2]}."
    known: dict[str, Question] = module.QUESTIONS
    return known.get(name) or f"There is no exercise {name!r}: this lesson has {', '.join(known)}."


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, np.generic))


def _plain_list(value: Any) -> list[Any]:
    """Give the values of any flat collection."""
    if isinstance(value, pd.DataFrame):
        if value.shape[1] != 1:
            raise ValueError(
                f"This is a table with {value.shape[1]} columns: give one column, as in "
                'table["revenue"]; where rows are to be counted, give len(table).'
            )
        value = value.iloc[:, 0]
    if isinstance(value, np.ndarray):
        value = value.ravel()  # an array without dimensions has one value too
    values = list(islice(value.values() if isinstance(value, Mapping) else value, LARGE + 1))
    if len(values) > LARGE:
        raise ValueError(f"This has more than {LARGE:,} values: far too many.")
    return values


def _read(given: Any, right: Any) -> Any:
    """Read an answer in the form of the right one; an error says what form that is."""
    if callable(getattr(given, "drain", None)):
        raise TypeError("A stream has no values of its own: run it to its end with .drain().")
    if isinstance(right, dict):
        return _read_dict(given, right)
    if _is_list(right):
        values, pattern = _plain_list(_listed(given)), _plain_list(right)
        return [_read(value, pattern[0] if pattern else 0.0) for value in values]
    for _ in range(3):  # a list of arrays of one value; but a list may hold itself
        if not _is_list(given):
            break
        values = _plain_list(given)
        if len(values) != 1:
            raise ValueError(f"One value is asked for, and this has {len(values)}.")
        given = values[0]
    if isinstance(given, np.generic) and not isinstance(given, (np.datetime64, np.timedelta64)):
        given = given.item()
    for kind, reader in _READERS:
        if isinstance(right, kind):
            return reader(given, right)
    raise TypeError(f"no reader for {right!r}")


def _listed(given: Any) -> Any:
    """Give a lone value as a list of one; a text with commas lists its parts."""
    if isinstance(given, str):
        return re.split(r"[,;、]", unicodedata.normalize("NFKC", given))
    return given if _is_list(given) else [given]


def _read_dict(given: Any, right: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given, pd.DataFrame) and 1 in given.shape:
        given = given.iloc[0] if len(given) == 1 else given.iloc[:, 0]
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        names = ", ".join(map(repr, right))
        raise TypeError(f"A dict is asked for, or a Series, with the keys {names}.")
    named = {str(name): value for name, value in given.items()}
    missing = [repr(name) for name in right if name not in named]
    if missing:
        raise ValueError(f"The dict has no key {', '.join(missing)}.")
    return {name: _read(named[name], value) for name, value in right.items()}


def _read_truth(given: Any, _: bool) -> bool:
    if isinstance(given, (int, float)) and given in (0, 1):
        return bool(given)
    if isinstance(given, str) and _tidy(given) in YES | NO:
        return _tidy(given) in YES
    raise TypeError("Answer with True or False.")


def _read_number(given: Any, _: Any) -> float | int:
    if isinstance(given, bool):
        raise TypeError("A number is asked for, not True or False.")
    if given is None or given is pd.NA or given is pd.NaT:
        return math.nan
    if isinstance(given, (pd.Timestamp, np.datetime64)):
        raise TypeError("A number is asked for, not a time.")
    if isinstance(given, str):
        text = _tidy(given).rstrip("% ").replace("−", "-").replace("_", "?")
        text = re.sub(r"(?<=\d)[,\s](?=\d{3}(?:\D|$))", "", text)  # between thousands
        try:
            return float(text.replace(",", "."))
        except ValueError:
            said = reprlib.repr(given)
            raise TypeError(f"A number is asked for, and {said} is none.") from None
    try:
        return float(given)
    except OverflowError:
        return math.inf if given > 0 else -math.inf
    except (TypeError, ValueError):
        raise TypeError(f"A number is asked for, not this {type(given).__name__}.") from None


def _read_time(given: Any, right: pd.Timestamp) -> pd.Timestamp:
    if isinstance(given, numbers.Number):
        raise TypeError('A time is asked for, as in "2024-03-04 10:00".')
    try:
        time = pd.Timestamp(given)
    except (TypeError, ValueError):
        raise TypeError('A time is asked for, as in "2024-03-04 10:00".') from None
    if right.tzinfo is None or time.tzinfo is not None:
        return time.tz_convert(right.tzinfo) if right.tzinfo else time.tz_localize(None)
    if isinstance(given, np.datetime64) and time.tz_localize("UTC") == right:
        return right  # numpy knows no zones: a column's .values are in UTC
    return time.tz_localize(right.tzinfo)  # a time without a zone is meant on the shop's clock


def _read_text(given: Any, _: str) -> str:
    if not isinstance(given, str):
        raise TypeError(f"A text is asked for, in quotes, not this {type(given).__name__}.")
    return _tidy(given)


def _tidy(text: str) -> str:
    """Forgive what a keyboard does: capitals, spaces, a full stop, Chinese full-width signs."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split()).rstrip(" .!。")


_READERS: tuple[tuple[Any, Callable[[Any, Any], Any]], ...] = (
    (bool, _read_truth),
    (pd.Timestamp, _read_time),
    (numbers.Number, _read_number),
    (str, _read_text),
)


def _near(read: float, right: float, within: float) -> bool:
    if math.isnan(right) or math.isnan(read):
        return math.isnan(right) and math.isnan(read)
    return abs(read - right) <= within * max(abs(right), 1e-6)
