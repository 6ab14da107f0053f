"""From the text of a file to columns of text: delimited lines, JSON.

A record that cannot be split is not lost: it takes its place as a row of empty cells, and its text
and line number are remembered.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtlab.errors import DataError
from rtlab.sources.encodings import UNREADABLE, encoding_of, unpacked

MISSING = {"", "NULL", "null", "NaN", "nan", "None", "<NA>", "\\N", "#N/A"}
"""Texts that programs write where nothing is known."""

_BETWEEN, _OPENING = re.compile(r"[\s,]*"), re.compile(r"^[ \t]*\{", re.MULTILINE)
_ROWS = 8192  # rows that are turned into columns at a time
_SHOWN = 500  # characters kept of a malformed record


@dataclass(slots=True)
class Words:
    """A column of text: each distinct text once, and for each row which; "" is a missing cell.

    ``text`` says that the file itself declares the column as text.
    """

    codes: npt.NDArray[Any]
    texts: list[str]
    text: bool = False


@dataclass(slots=True)
class Table:
    """What a file holds: columns, and by row the line and the text of malformed records."""

    rows: int
    columns: dict[str, Any]
    malformed: dict[int, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_text(path: Path, encoding: str | None, delimiter: str | None) -> Table:
    """Read delimited lines, JSON lines or a JSON array; the content decides which."""
    encoding, note, suspect = encoding_of(path, encoding)
    with io.TextIOWrapper(unpacked(path), encoding, errors="rtlab.mark", newline="") as text:
        head = list(islice((line for line in text if not line.isspace()), 50))
    if not head:
        raise DataError("it is empty; there are no events in it")
    lines = 2 * sum(line.lstrip().startswith("{") for line in head) > len(head)
    array = re.match(r"\s*(\[\s*[{\]]|\{)", "".join(head[:9])) is not None
    with io.TextIOWrapper(unpacked(path), encoding, errors="rtlab.mark", newline="") as text:
        if array and not (lines and head[0].lstrip().startswith("{")):
            kind, table = "JSON", _json(_one_by_one(text.read()))
        elif lines:
            kind, table = "JSON lines", _json(_line_by_line(text))
        else:
            kind, table = "CSV", _Delimited(text, head, delimiter, suspect=suspect).read()
    wrong = sum("\ufffd" in raw for _, raw in table.malformed.values()) if suspect else 0
    if wrong > 1 + table.rows // 10:
        raise DataError(
            f"{wrong} of {table.rows} records are not {encoding}; give another encoding "
            "(--encoding), such as utf-8, gb18030 or cp1252"
        )
    if kind != "CSV" and len(table.malformed) == table.rows > 0:
        raise DataError("no record is a JSON object; write one as {...} a line")
    named = re.search(r"\.(json|jsonl|ndjson)(\.\w+)?$", path.name.lower()) is not None
    says = "" if named == (kind != "CSV") else ", as its content says (its name says otherwise)"
    table.notes[:0] = [f"format: {kind}{says}", note]
    return table


class _Gather:
    """Columns that grow by blocks of cells, with each distinct text kept once."""

    def __init__(self) -> None:
        self.rows = 0
        self.known: dict[str, defaultdict[str, int]] = {}
        self.pieces: dict[str, list[npt.NDArray[np.int32]]] = {}
        self.malformed: dict[int, tuple[int, str]] = {}

    def add(self, block: dict[str, list[str]], rows: int) -> None:
        for name, cells in block.items():
            if name not in self.known:  # a column that earlier rows did not have
                self.known[name] = defaultdict(count().__next__)
                self.pieces[name] = [_encode([""] * self.rows, self.known[name])]
            self.pieces[name].append(_encode(cells, self.known[name]))
        self.rows += rows

    def table(self) -> Table:
        columns = {
            name: Words(np.concatenate(self.pieces[name]), list(known))
            for name, known in self.known.items()
        }
        return Table(self.rows, columns, self.malformed)


def words(cells: list[str], *, text: bool = False) -> Words:
    """Make a column of its cells."""
    codes, texts = pd.factorize(objects(cells))
    return Words(codes, texts.tolist(), text)


def _encode(cells: list[str], known: defaultdict[str, int]) -> npt.NDArray[np.int32]:
    """Give each cell the number of its text; a new text gets the next number."""
    return np.fromiter(map(known.__getitem__, cells), np.int32, len(cells))


def objects(values: list[Any]) -> npt.NDArray[Any]:
    """Give an object array of any values, even of sequences."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def excerpt(text: str) -> str:
    """Give a malformed record as text that every encoding and file can hold."""
    return text[:_SHOWN].rstrip("\r\n").replace("\0", "\u2400").replace(UNREADABLE, "\ufffd")


def _damaged(text: str) -> bool:
    return UNREADABLE in text or "\0" in text


class _Delimited:
    """Delimited lines; a quoted cell may go on over several."""

    def __init__(
        self, text: Iterator[str], head: list[str], delimiter: str | None, *, suspect: bool
    ) -> None:
        self.text, self.suspect = text, suspect
        self.again: list[str] = []  # lines to read again, the next one last
        self.number = 0
        says = re.fullmatch(r'"?sep=(.)"?\s*', head[0])  # as Excel writes before the names
        if says is not None:
            head = head[1:] or [""]
            next(line for line in text if not line.isspace())
            self.number = 1
        self.delimiter = delimiter or (says[1] if says else _sniff(head))
        after = head[0].count(self.delimiter + " ")
        self.spaced = after > 0 and after == head[0].count(self.delimiter)

    def _lines(self) -> Iterator[str]:
        """Give the next lines; several of these may take turns."""
        while (line := self.again.pop() if self.again else next(self.text, None)) is not None:
            self.number += 1
            yield line

    def read(self) -> Table:
        gather = _Gather()
        cells, raw = self._cells(next(line for line in self._lines() if not line.isspace()))
        if not cells:
            raise DataError(f"the first line cannot be split into names: {excerpt(raw)!r}")
        names, notes = _header(cells)
        width = len(names)
        blank, full = [""] * width, _ROWS * width
        flat: list[str] = []

        def flush() -> None:
            block = {name: flat[place::width] for place, name in enumerate(names)}
            gather.add(block, len(flat) // width)
            flat.clear()

        for line in self._lines():
            if '"' not in line and not self.spaced:
                cells, raw = line.rstrip("\r\n").split(self.delimiter), line
            else:
                cells, raw = self._cells(line)
            if len(cells) != width or self.suspect:
                if raw.isspace():
                    continue
                if not self._whole(cells, raw, width):
                    cells, row = blank, gather.rows + len(flat) // width
                    gather.malformed[row] = (self.number - raw.count("\n", 0, -1), excerpt(raw))
            flat += cells
            if len(flat) >= full:
                flush()
        flush()
        table = gather.table()
        table.notes = notes
        if self.delimiter != ",":
            table.notes.insert(0, f"delimiter: {self.delimiter!r}")
        return table

    def _whole(self, cells: list[str], raw: str, width: int) -> bool:
        """Tell whether a record is sound; an empty cell after the last delimiter is none."""
        if len(cells) == width + 1 and not cells[-1]:
            cells.pop()
        return len(cells) == width and not (self.suspect and _damaged(raw))

    def _cells(self, line: str) -> tuple[list[str], str]:
        """Split a record with quotes; give its whole text too, and no cells if it is broken."""
        delimiter, spaced = self.delimiter, self.spaced
        held = [line]

        def onward() -> Iterator[str]:
            yield line
            for more in self._lines():
                held.append(more)
                yield more

        try:
            cells = next(csv.reader((line,), delimiter=delimiter, skipinitialspace=spaced))
            if line.endswith(("\n", "\r")) and not (cells and cells[-1].endswith(("\n", "\r"))):
                return cells, line
            # The quote is open: a stray one swallows lines, so only a well-formed record may.
            whole = csv.reader(onward(), delimiter=delimiter, skipinitialspace=spaced, strict=True)
            cells = next(whole)
        except csv.Error:
            self.again += reversed(held[1:])
            self.number -= len(held) - 1
            return [], line
        return cells, "".join(held)


def _sniff(head: list[str]) -> str:
    """Choose the delimiter that gives the most columns, and the same number on most lines."""

    def score(delimiter: str) -> float:
        try:
            widths = [len(row) for row in csv.reader(head, delimiter=delimiter) if row]
        except csv.Error:  # a stray quote
            widths = [len(line.split(delimiter)) for line in head]
        return widths[0] * widths.count(widths[0]) / len(widths) if widths[0] > 1 else 0.0

    return max(",;\t|", key=score)


def _header(cells: list[str]) -> tuple[list[str], list[str]]:
    """Make names unique and not empty."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = cell.strip().lstrip("\ufeff") or f"column {place}"
        twins = sum(one == name or one.startswith(f"{name} (") for one in names)
        names.append(f"{name} ({twins + 1})" if twins else name)
    changed = [name for name, cell in zip(names, cells, strict=True) if name != cell.strip()]
    return names, [f"columns without a name of their own: {', '.join(changed)}"] if changed else []


_Record = tuple[int, str, Any]  # line, text, and what it says, if it can be read


def _line_by_line(text: Iterator[str]) -> Iterator[_Record]:
    for number, line in enumerate(text, 1):
        if not line.isspace():
            try:
                yield number, line, json.loads(line)
            except (ValueError, RecursionError):
                yield number, line, None


def _one_by_one(text: str) -> Iterator[_Record]:
    """Take the elements of an array; after a broken one go on at the next line that opens one."""
    decoder, number, before = json.JSONDecoder(), 1, 0
    place = re.match(r"\s*\[?", text).end()  # type: ignore[union-attr]
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
        if place >= len(text) or text[place] == "]":
            return
        number, before = number + text.count("\n", before, place), place
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            opening = _OPENING.search(text, place + 1)
            value, end = None, opening.start() if opening else len(text)
        yield number, text[place:end], value
        place = end


def _json(records: Iterator[_Record]) -> Table:
    gather = _Gather()
    while block := list(islice(records, _ROWS)):
        rows: list[dict[str, Any]] = []
        names = dict.fromkeys(gather.known)
        for place, (line, raw, value) in enumerate(block, gather.rows):
            if not isinstance(value, dict) or _damaged(raw) or _half(raw, value):
                gather.malformed[place] = (line, excerpt(raw))
                rows.append({})
            else:
                rows.append(value)
                if not value.keys() <= names.keys():
                    names |= dict.fromkeys(value)
        cells = {name: [_word(row.get(name)) for row in rows] for name in names}
        gather.add(cells, len(rows))
    return gather.table()


def _half(raw: str, value: Any) -> bool:
    """Tell whether an escape names half of a surrogate pair, which is no text."""
    if "\\u" not in raw:
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _word(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    # Nested values stay JSON; numbers are written shortest, which reads back as the same number.
    return repr(value) if type(value) in (int, float) else json.dumps(value, ensure_ascii=False)
