"""How times are written in somebody's file: told from all of them, and read.

Each distinct text is written anew as ISO 8601 and read once.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtlab.errors import DataError, ParameterError
from rtlab.sources.records import MISSING, Words, objects

_STAMP = re.compile(
    r"(\d{4}|\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{1,2})"
    r"(?:(?:[Tt]|,? +)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"
    r"(?: ?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?))?",
    re.ASCII,
)
_COUNT = re.compile(r"(\d{8}|\d{14}|\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.\d+)?", re.ASCII)
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SPANS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SINCE = "counted from 1970 UTC"
_BY_DIGITS = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us", 18: "ns", 19: "ns"}


def alike(text: str) -> bool:
    """Tell whether a text looks like a time."""
    return any(form.fullmatch(text.strip()) for form in (_STAMP, _COUNT))


class Times(NamedTuple):
    """A column of times: naive or UTC datetimes, or text where some cannot be read."""

    column: Any
    note: str
    naive: int
    zoned: int


def read(column: Words, name: str, time_format: str | None) -> Times:
    """Read texts as times; the layout is given, or told from all of them."""
    texts = [text.strip() for text in column.texts]
    rows = np.bincount(column.codes, minlength=len(texts))
    missing = np.array([text in MISSING for text in texts])
    written, layout = _written(texts, np.where(missing, 0, rows), name, time_format)
    zoned = np.array([text[-6:-5] in ("+", "-") for text in written])
    found = _parsed(written, zoned)
    good = np.asarray(found.notna())
    total, readable = int(rows[~missing].sum()), int(rows[good].sum())
    if 2 * readable < total:
        example = texts[int(np.argmax(~good & ~missing))]
        raise DataError(
            f"column {name!r} does not read as times: {readable} of {total} do, {example!r} does "
            "not; name another column (--time), or their format, as in --time-format "
            "'%d.%m.%Y %H:%M'"
        )
    if (good | missing).all() and (zoned[good].all() or not zoned[good].any()):
        stamps = found.tz_localize("UTC") if zoned[good].all() else found
        values: Any = stamps.array[column.codes]
    else:  # some cannot be read, or only some have a zone: every one as text
        cells = [
            iso if fine else None if gone else text
            for iso, fine, gone, text in zip(written, good, missing, texts, strict=True)
        ]
        values = objects(cells)[column.codes]
    note = f", format {layout}" if total else ", with no times in it"
    if readable < total:
        note += f", {total - readable} that cannot be read"
    naive = int(rows[good & ~zoned].sum())
    return Times(values, note, naive, readable - naive)


def _parsed(written: list[str], zoned: npt.NDArray[np.bool_]) -> pd.DatetimeIndex:
    """Read ISO 8601 texts as datetimes: in UTC where they have a zone, else local."""
    texts = np.array(written, dtype=object)
    parsed: npt.NDArray[Any] = np.full(len(texts), np.datetime64("NaT", "us"))
    for some, utc in ((zoned, True), (~zoned, False)):
        if some.any():
            stamps = pd.to_datetime(texts[some], format="ISO8601", utc=utc, errors="coerce")
            naive: Any = pd.DatetimeIndex(stamps).tz_localize(None)
            parsed[some] = naive.as_unit("us").to_numpy()
    return pd.DatetimeIndex(parsed)


def _written(
    texts: list[str], rows: npt.NDArray[Any], name: str, time_format: str | None
) -> tuple[list[str], str]:
    """Write every text as ISO 8601 ("" where it is none), and say what layout was found."""
    if time_format in _UNITS:
        return _counted(texts, time_format), f"{_SPANS[time_format]} (given), {SINCE}"
    if time_format is not None:
        return _formatted(texts, time_format), f"{time_format} (given)"
    marks = [_STAMP.fullmatch(text) for text in texts]
    by_digits: Counter[int] = Counter()
    for text, mark, weight in zip(texts, marks, rows.tolist(), strict=True):
        count = None if mark else _COUNT.fullmatch(text)
        if count:
            by_digits[len(count[1])] += weight
    dated = sum(weight for mark, weight in zip(marks, rows.tolist(), strict=True) if mark)
    if by_digits.total() <= dated:
        order, layout = _order(marks, rows, name)
        return [_iso(mark, order) if mark else "" for mark in marks], layout
    digits = by_digits.most_common(1)[0][0]
    if digits in (8, 14):
        layout = "%Y%m%d%H%M%S"[: 6 if digits == 8 else None]
        return _formatted(texts, layout), f"{layout} (guessed)"
    unit = _BY_DIGITS[digits]
    return _counted(texts, unit), f"{_SPANS[unit]} (guessed: {digits} digits), {SINCE}"


def _order(
    marks: list[re.Match[str] | None], rows: npt.NDArray[Any], name: str
) -> tuple[str, str]:
    """Tell day/month from month/day by the fields that are over 12."""
    some = next((mark for mark, weight in zip(marks, rows, strict=True) if mark and weight), None)
    if some is None:
        return "ymd", ""
    clock = " hour:minute" + (":second" if some[7] else "") if some[5] else ""
    clock += " a.m./p.m." if some[9] else ""
    first = second = 0
    open_ones = []
    for mark, weight in zip(marks, rows.tolist(), strict=True):
        if mark and weight and len(mark[1]) < 4:
            one, two = int(mark[1]), int(mark[3])
            if min(one, two) > 12:
                continue  # no date either way, and no reason to doubt the others
            first += weight * (one > 12 >= two)
            second += weight * (two > 12 >= one)
            open_ones.append(mark)
    if not open_ones:
        return "ymd", f"year{some[2]}month{some[2]}day{clock}"
    example, sign = open_ones[0][0], open_ones[0][2]
    day_first, over = first > second, max(first, second)
    if first == second == 0 and sign == ".":
        day_first, why = True, "as dates with dots are"
    elif min(first, second) * 100 > over or not over:  # a slip of the pen decides nothing
        state = (
            f"{first} rows are only the one, {second} only the other" if over else "all fit both"
        )
        raise DataError(
            f"column {name!r}: {example!r} can be day{sign}month or month{sign}day ({state}); say "
            f"which, as in --time-format '%d{sign}%m{sign}%Y %H:%M'"
        )
    else:
        which = "first" if day_first else "second"
        why = f"{over} {'row has' if over == 1 else 'rows have'} a {which} field over 12"
    fields = ("day", "month") if day_first else ("month", "day")
    layout = f"{fields[0]}{sign}{fields[1]}{sign}year{clock} (guessed: {why})"
    return ("dmy" if day_first else "mdy"), layout


def _iso(mark: re.Match[str], order: str) -> str:
    one, _, two, three, hour, minute, second, part, half, zone = mark.groups()
    if len(one) == 4:
        year, month, day = one, two, three
    else:
        year, month, day = (three, two, one) if order == "dmy" else (three, one, two)
        year = f"20{year}" if len(year) == 2 else year
    if half and hour:
        hour = str(int(hour) % 12 + 12 * (half in "Pp")) if 1 <= int(hour) <= 12 else "99"
    text = f"{year}-{month:0>2}-{day:0>2}T{hour or '0':0>2}:{minute or '00'}:{second or '00'}"
    if part:
        text += f".{part}"
    if zone:
        bare = zone.replace(":", "")
        text += "+00:00" if bare[0] not in "+-" else f"{bare[:3]}:{bare[3:] or '00'}"
    return text


def _counted(texts: list[str], unit: str) -> list[str]:
    """Write counts since 1970 UTC as ISO 8601."""

    def one(text: str) -> str:
        try:
            micros = int(Decimal(text) * 1_000_000 / _UNITS[unit])
            return f"{np.datetime64(micros, 'us')}+00:00"
        except (InvalidOperation, OverflowError, ValueError):
            return ""

    return [one(text) for text in texts]


def _formatted(texts: list[str], time_format: str) -> list[str]:
    """Write texts of a strptime format as ISO 8601."""
    try:
        found = pd.to_datetime(
            pd.Series(texts, dtype=object), format=time_format, errors="coerce",
            utc="%z" in time_format,
        )  # fmt: skip
    except ValueError as error:
        raise ParameterError(
            f"time_format={time_format!r}: {error}; write it as '%d.%m.%Y %H:%M', or s, ms, us or "
            "ns for counts since 1970"
        ) from None
    return ["" if pd.isna(stamp) else stamp.isoformat() for stamp in found]
