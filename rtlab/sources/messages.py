"""JSON messages, one event each, as columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import attrgetter, countOf
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import MissingExtraError
from rtlab.extras import optional
from rtlab.parsing import EXACT
from rtlab.rows import column, from_events, none

MISSING = np.nan  # in the place of a field that an event lacks
MOST_NAMES = 100  # fields that are remembered: whoever invents names must not fill the memory


class Reader:
    """Turn what was emitted, dicts and JSON messages, into columns.

    It remembers the fields that came: an event that lacks one later has it as missing, so that no
    result hangs on which other events happen to be in the batch. With msgspec (extra ``fast``)
    messages that hold known fields only are read without a dict for each; without it, by the
    standard library, at a tenth of the speed.

    Parameters
    ----------
    names : iterable of str
        The fields that every event should have.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.malformed = 0
        self._required = names
        self._names: dict[str, None] = {}
        self._known: dict[str, Any] = {}  # the fields that _decode knows, and what picks them
        self._decode: Any = None
        self._spec: Any = None

    def columns(self, batch: list[Any]) -> dict[str, Any]:
        """Give the columns of a batch; what is no event becomes a row with ``_raw`` set."""
        found, kind = None, type(batch[0])
        if kind is dict and countOf(map(type, batch), dict) == len(batch):
            found = from_events(batch)
        elif kind is bytes or kind is str:
            found = self._typed(batch)
        if not found:
            found = self._one_by_one(batch)
        return self._completed(found, len(batch))

    def _typed(self, messages: list[Any]) -> dict[str, Any] | None:
        """Read messages of known fields; None where a message has others or is broken."""
        if self._decode is None:
            return None
        try:
            read = list(map(self._decode, messages))
        except (self._spec.MsgspecError, ValueError, RecursionError, TypeError):
            return None
        return {name: _unless_missing(list(map(pick, read))) for name, pick in self._known.items()}

    def _one_by_one(self, batch: list[Any]) -> dict[str, Any]:
        self._spec = self._spec or _fastest()
        events, broken = [], {}
        for place, one in enumerate(batch):
            event = dict(one) if isinstance(one, Mapping) else self._event(one)
            if event is None:
                broken[place] = one
            else:
                events.append(event)
        found = from_events(events)
        if any(isinstance(one, (bytes, str)) for one in batch):
            self._learn(found)
        if not broken:
            return found
        self.malformed += len(broken)
        return _spread(found, broken, len(batch))

    def _event(self, message: Any) -> dict[str, Any] | None:
        if not isinstance(message, (bytes, str)):
            return None
        try:
            event = _plain(message) if self._spec is json else self._spec.json.decode(message)
        except (getattr(self._spec, "MsgspecError", ValueError), ValueError, RecursionError):
            return None
        return event if isinstance(event, dict) else None

    def _learn(self, found: dict[str, Any]) -> None:
        """Make the type of message that the next batch is expected to hold."""
        known = list(dict.fromkeys([*self._known, *found]))
        if self._spec is json or len(known) == len(self._known) or len(known) > MOST_NAMES:
            return
        self._known = {name: attrgetter(f"f{place}") for place, name in enumerate(known)}
        fields = [(f"f{place}", Any, MISSING) for place in range(len(known))]
        message = self._spec.defstruct(
            "Message", fields, gc=False, forbid_unknown_fields=True,
            rename={field[0]: name for field, name in zip(fields, known, strict=True)},
        )  # fmt: skip
        self._decode = self._spec.json.Decoder(message).decode

    def _completed(self, found: dict[str, Any], rows: int) -> dict[str, Any]:
        """Add the known fields that no event of the batch has, in the order of their coming."""
        raw = found.pop("_raw", None)
        if not found or list(found) != list(self._names):
            names = dict.fromkeys([*self._names, *found])
            if len(names) <= MOST_NAMES:
                self._names = names
            known = names or self._required  # nothing but broken messages so far
            found = {name: found[name] if name in found else none(rows) for name in known}
        return found if raw is None else found | {"_raw": raw}


def _fastest() -> Any:
    try:
        return optional("msgspec", "fast")
    except MissingExtraError:
        return json


def _plain(message: bytes | str) -> Any:
    """Read a message by the standard library, as strictly as msgspec does."""
    text = message if isinstance(message, str) else message.decode()
    value = json.loads(text, parse_constant=int)  # NaN is not JSON, and int() refuses it
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    return value


def _unless_missing(values: list[Any]) -> Any:
    absent = values.count(MISSING) if values[0] is MISSING else 0
    return none(len(values)) if absent == len(values) else column(values)


def _spread(found: dict[str, Any], broken: dict[int, Any], rows: int) -> dict[str, Any]:
    """Make room for the rows of broken messages, and give their text."""
    from rtlab.sources.records import excerpt  # noqa: PLC0415

    places = np.zeros(rows, np.intp)
    places[list(broken)] = -1
    places[places == 0] = np.arange(rows - len(broken))
    spread = {}
    for name, array in found.items():
        if array.dtype.kind in "iu" and not -EXACT <= array.min() <= array.max() <= EXACT:
            array = array.astype(object)  # noqa: PLW2901  (a double would lose digits)
        spread[name] = pd.api.extensions.take(array, places, allow_fill=True)
    raw = none(rows)
    for place, one in broken.items():
        text = one.decode(errors="replace") if isinstance(one, bytes) else str(one)
        raw[place] = excerpt(text)
    return spread | {"_raw": raw}
