"""Events from a person's own file: delimited text, JSON lines, Parquet.

Every record of the file is a row of the frame, in order. What had to be guessed is stated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.events import REQUIRED
from rtlab.extras import optional
from rtlab.parsing import check_zone
from rtlab.sources import guess, stamps
from rtlab.sources.encodings import reading, unpacked
from rtlab.sources.records import MISSING, Table, Words, read_text, words

_NUMBERS = ("quantity", "price", "amount")


@dataclass(frozen=True)
class EventLog:
    """The events of a file, and what was guessed about them.

    Attributes
    ----------
    frame : DataFrame
        One row a record, in the file's order. The columns that were found are named as
        :class:`rtlab.Purchase` says, the others as in the file. Records that could not be split
        are rows of missing values with ``_raw`` (their text) and ``_line`` (their line), which
        ``clean`` rejects.
    notes : tuple of str
        What was found and guessed, a sentence each.
    tz : str or None
        The zone for ``clean(tz=...)``.
    malformed : int
        How many records could not be split.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    tz: str | None
    malformed: int


def read_events(
    path: str | os.PathLike[str],
    *,
    user: str | None = None,
    product: str | None = None,
    time: str | None = None,
    quantity: str | None = None,
    price: str | None = None,
    amount: str | None = None,
    event_id: str | None = None,
    tz: str | None = None,
    time_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> EventLog:
    r"""Read a log of purchases; guess what is not given, and state it.

    Parameters
    ----------
    path : path
        CSV (or another delimiter), JSON lines, a JSON array, or Parquet (extra ``data``), also
        packed with gzip, xz or bzip2. The content decides which, not the name.
    user, product, time, quantity, price, amount, event_id : str, optional
        The columns' names in the file; by default the usual names in English, German and Chinese.
    tz : str, optional
        The zone of times that carry none, such as ``"Europe/London"``.
    time_format : str, optional
        As for ``strptime``, or ``s``, ``ms``, ``us``, ``ns`` for counts since 1970 UTC.
    encoding, delimiter : str, optional
        By default as the file's bytes say: a byte order mark, UTF-8, GB 18030, else cp1252.
    decimal : {".", ","}, optional
        The sign before the decimals.

    Returns
    -------
    EventLog

    Raises
    ------
    DataError
        If the file cannot be read or holds no events; if its times have no zone and ``tz`` is not
        given; if day and month, or decimals and thousands, cannot be told apart.
    MissingColumnError
        If a named column is not there, or a required one cannot be guessed.
    ParameterError
        If an encoding, a format or a zone does not exist.

    Notes
    -----
    Prices are the doubles nearest to the written decimals. Ids are integers if all are whole
    numbers without leading zeros, else text; a digit is never lost.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "log.csv")
    >>> _ = path.write_text("Customer ID,SKU,Date,Price\n7,A1,13/02/2024 9:30,2.50\n")
    >>> log = read_events(path, tz="Europe/London")
    >>> log.frame.user_id.tolist(), log.frame.price.tolist()
    ([7], [2.5])
    >>> log.notes[4]  # doctest: +NORMALIZE_WHITESPACE
    "time: column 'Date' (guessed), format day/month/year hour:minute (guessed: 1 row has a first
    field over 12), zone Europe/London (given)"
    >>> folder.cleanup()
    """
    check_zone(tz)
    if decimal not in (None, ".", ","):
        raise ParameterError(f"decimal={decimal!r}: choose '.' or ','")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ParameterError(f"delimiter={delimiter!r}: a delimiter is one sign, such as ';'")
    given = {
        "user_id": user, "product_id": product, "purchase_time": time, "quantity": quantity,
        "price": price, "amount": amount, "event_id": event_id,
    }  # fmt: skip
    path = Path(os.fsdecode(path))
    with reading(path):
        table = _table(path, encoding, delimiter)
        roles = guess.columns(table.columns, given, require=True, layout=time_format)
        frame = _frame(table, roles, decimal, _Clock(time_format, tz, needed=True))
    return EventLog(frame, tuple(table.notes), tz, len(table.malformed))


def read_frame(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file of events, or any table, as :func:`rtlab.replay` does for a path.

    Parameters
    ----------
    path : path
        A file as for :func:`read_events`, whose guesses are made here too; times without a zone
        stay so, for ``clean(tz=...)``, and a table without users and products is as welcome.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the file cannot be read or is empty.
    """
    path = Path(os.fsdecode(path))
    with reading(path):
        table = _table(path, None, None)
        roles = guess.columns(table.columns, {}, require=False)
        if not set(REQUIRED) <= set(roles):
            roles = {}  # another kind of table
        return _frame(table, roles, None, _Clock(None, None, needed=False))


def _table(path: Path, encoding: str | None, delimiter: str | None) -> Table:
    with unpacked(path) as stream:
        start = stream.read(4)
    table = _parquet(path) if start == b"PAR1" else read_text(path, encoding, delimiter)
    if not table.rows:
        raise DataError("there are no events in it, only the names of columns")
    return table


def _parquet(path: Path) -> Table:
    arrow = optional("pyarrow", "data")
    parquet = optional("pyarrow.parquet", "data")
    with unpacked(path) as stream:
        try:
            found = parquet.read_table(arrow.BufferReader(stream.read()))
        except arrow.ArrowException as error:
            raise DataError(f"it is damaged ({error}); write it again") from None
    columns = {name: _arrow(found[name], arrow.types) for name in found.column_names}
    return Table(found.num_rows, columns, notes=["format: Parquet"])


def _arrow(column: Any, types: Any) -> Any:
    """Take numbers and timestamps as they are; the rest goes the way of text, losing nothing."""
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    plain = types.is_floating(kind) or types.is_boolean(kind) or types.is_integer(kind)
    if types.is_nested(kind) or types.is_timestamp(kind) or (plain and not column.null_count):
        return column.to_pandas()
    values = ["" if value is None else str(value) for value in column.to_pylist()]
    return words(values, text=types.is_string(kind) or types.is_large_string(kind))


@dataclass(frozen=True)
class _Clock:
    """How the times of a log are to be read."""

    layout: str | None
    tz: str | None
    needed: bool


def _frame(
    table: Table, roles: dict[str, guess.Role], decimal: str | None, clock: _Clock
) -> pd.DataFrame:
    """Type every column by its role, and say so in the table's notes."""
    written = {name: table.columns[roles[name].column] for name in _NUMBERS if name in roles}
    written = {name: words for name, words in written.items() if isinstance(words, Words)}
    signs = dict.fromkeys(written, decimal) if decimal else guess.decimal_signs(written)
    typed = {}
    for name, (column, why) in roles.items():
        typed[column], detail = _typed(name, column, table.columns[column], signs.get(name), clock)
        table.notes.append(f"{guess.FLAGS[name]}: column {column!r} ({why}){detail}")
    table.notes += _absent(roles)
    named = {role.column: name for name, role in roles.items()}
    arrays = {}
    for column, values in table.columns.items():
        name = named.get(column) or (f"{column} (as in the file)" if column in roles else column)
        if column not in typed:
            typed[column] = guess.passing(values) if isinstance(values, Words) else values
        arrays[name] = typed.pop(column)
    return pd.DataFrame(arrays | _marks(table), copy=False)


def _typed(
    name: str, column: str, values: Any, sign: str | None, clock: _Clock
) -> tuple[Any, str]:
    """Type the column of a role, and say how it was read."""
    detail, gone = "", MISSING
    if name == "purchase_time":
        typed, detail = _timed(values, column, clock)
    elif not isinstance(values, Words):
        return values, ""
    elif sign is not None:
        typed, detail = guess.numbers(values, sign), guess.spelling(values, sign)
    else:
        typed, gone = guess.ids(values)
        kept = sorted(guess.PERHAPS.intersection(values.texts) - gone)
        detail = f", {' and '.join(kept)} beside text kept as ids" if kept else ""
    texts = values.texts if isinstance(values, Words) else ()
    empty = sorted(gone.intersection(text.strip() for text in texts) - {""})
    return typed, detail + (f", {' and '.join(empty)} taken as missing" if empty else "")


def _timed(values: Any, column: str, clock: _Clock) -> tuple[Any, str]:
    """Read the times, and say in which layout and zone they are."""
    if not isinstance(values, Words) and values.dtype.kind != "M":
        values = words([str(value) for value in values])
    if isinstance(values, Words):
        values, detail, naive, zoned = stamps.read(values, column, clock.layout)
    else:
        total = int(values.notna().sum())
        detail, naive, zoned = "", *((total, 0) if values.dt.tz is None else (0, total))
    if naive and clock.needed and clock.tz is None:
        raise DataError(
            f"{naive} times in column {column!r} have no zone: say which clock they were read "
            "from, as in --tz Europe/London (tz='Europe/London')"
        )
    if zoned and not naive:
        detail += "" if stamps.SINCE in detail else ", zones as written"
        return values, detail + (f" (zone {clock.tz} not needed for them)" if clock.tz else "")
    some = f" for the {naive} of {naive + zoned} times that carry none" if zoned else ""
    return values, detail + (f", zone {clock.tz} (given){some}" if naive else "")


def _absent(roles: dict[str, guess.Role]) -> list[str]:
    """Say what is not in a log of purchases, and what that means."""
    notes = []
    if "quantity" not in roles:
        notes.append("quantity: no column; each row counts as 1")
    if not roles.keys() & {"price", "amount"}:
        notes.append("price and amount: no column; purchases are counted, without money")
    return notes


def _marks(table: Table) -> dict[str, Any]:
    """Give the text and the line of malformed records as columns, if there are any."""
    if not table.malformed:
        return {}
    table.notes.append(f"{len(table.malformed)} of {table.rows} records are malformed")
    marks = pd.DataFrame.from_dict(table.malformed, orient="index", columns=["_line", "_raw"])
    marks = marks.reindex(range(table.rows)).astype({"_line": "Int64"})
    return {name: marks[name].array for name in ("_raw", "_line")}
