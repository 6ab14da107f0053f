"""Raw columns to typed ones, each with masks that say which rows could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from rtlab.errors import DataError, MissingColumnError, ParameterError

Mask = np.ndarray[Any, np.dtype[np.bool_]]
EPOCH = pd.Timestamp(0, tz="UTC").as_unit("us")  # nanoseconds reach from 1677 to 2262 only
MICROSECOND = pd.Timedelta(1, unit="us").as_unit("us")
MOST = 2.0**63  # where int64 ends
NANOSECONDS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
UTC = pd.DatetimeTZDtype("us", "UTC")
NAT = np.iinfo(np.int64).min  # how a missing time is stored
EXACT = 2**53  # whole numbers up to here are exact in a double


def check_zone(tz: str | tzinfo | None) -> None:
    """Refuse a zone that does not exist."""
    if tz is None or isinstance(tz, tzinfo):
        return
    try:
        ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ParameterError(
            f"tz={tz!r} is not a time zone: name one of the IANA list, such as 'Europe/London', "
            "'Asia/Shanghai' or 'UTC'"
        ) from None


def check_columns(found: Iterable[Any], names: Iterable[Any], where: str, remedy: str) -> None:
    """Refuse data that lacks one of some columns."""
    known = list(found)
    for name in names:
        if name not in known:
            listed = ", ".join(map(str, known)) or "none"
            raise MissingColumnError(
                f"column {name!r} is not in {where}, which has {listed}; {remedy}"
            )


def instant(value: Any, name: str) -> int:
    """Read a zoned time as microseconds since 1970 UTC."""
    when: Any = pd.NaT
    with suppress(ValueError, TypeError):
        when = pd.Timestamp(value)
    if when is pd.NaT:
        raise ParameterError(
            f"{name}={value!r} is not a time: write it as '2024-03-04T09:00+08:00'"
        )
    if when.tzinfo is None:
        raise ParameterError(
            f"{name}={value!r} has no zone: write it as '{when.isoformat()}+00:00'"
        )
    return int((when.as_unit("us") - EPOCH) // MICROSECOND)


def duration(value: Any, name: str) -> int:
    """Read a duration as microseconds; a delay or lateness may be 0, only an offset negative."""
    span: Any = pd.NaT
    with suppress(ValueError, TypeError):
        span = pd.Timedelta(value)
    if span is pd.NaT or isinstance(value, (int, float)):
        raise ParameterError(
            f"{name}={value!r} is not a duration: write a number with its unit, such as '30s', "
            "'5min', '1h' or '7D'"
        )
    microseconds = int(span // MICROSECOND)
    if name != "offset" and (
        microseconds < 0 or (microseconds == 0 and name not in ("delay", "lateness"))
    ):
        raise ParameterError(f"{name}={value!r}: a duration is positive, such as '1h'")
    return microseconds


def identifiers(array: Any) -> tuple[Any, Mask | None, Mask | None]:
    """Give masks of the missing ids and of those that are no plain value.

    Text comes with codes that tell which of its rows are alike (-1 is missing), else None.
    """
    dtype = array.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return None, None, None
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return None, np.isnan(array), np.isinf(array)
    missing = np.array(pd.isna(array), dtype=bool)
    if dtype.kind == "f":
        return None, missing, np.isinf(array)
    if dtype.kind != "O":  # text has this kind too, whatever holds it
        return None, missing, None
    plain = "string"
    if not isinstance(dtype, pd.StringDtype):
        plain = pd.api.types.infer_dtype(array, skipna=True)
    if plain not in ("string", "integer", "floating", "empty", "mixed-integer-float"):
        known = (str, int, float, np.generic)
        wrong = np.array([not isinstance(one, known) for one in array], dtype=bool) & ~missing
        blank = [isinstance(one, str) and not one.strip() for one in array]
        return None, missing | np.array(blank, dtype=bool), wrong
    which, distinct = pd.factorize(array)  # far fewer to look at; what is missing has -1
    blank = [isinstance(one, str) and not one.strip() for one in distinct.tolist()]
    if any(blank):
        missing |= np.array([*blank, False], dtype=bool)[which]
    return which if plain == "string" else None, missing, None


def numbers(array: Any) -> tuple[Any, Mask | None, Mask | None]:
    """Give numbers (int64 or float64), and masks of missing and of unreadable ones."""
    if isinstance(array.dtype, np.dtype) and array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False), None, None
    if isinstance(array.dtype, np.dtype) and array.dtype.kind == "f":
        return array.astype(np.float64, copy=False), np.isnan(array), None
    raw: Any = pd.Series(array)
    missing = np.asarray(raw.isna() | raw.astype("string").str.strip().eq("").fillna(value=False))
    # A number is a number or its text; to_numeric alone would also take True for 1.
    if array.dtype == object:
        raw = raw.where([isinstance(one, (str, int, float, np.number)) and not
                         isinstance(one, (bool, np.bool_)) for one in array])  # fmt: skip
    elif array.dtype.kind == "b":
        raw = pd.Series(np.nan, index=raw.index)
    found = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(found) & ~missing
    return found, missing, wrong


def whole(array: Any) -> Any:
    """Make int64 of numbers that are whole, once the missing ones are gone.

    A column of objects becomes numbers only where all are whole: the type of the others would
    hang on what else is in the batch.
    """
    found = array
    if array.dtype == object:
        found = pd.Series(array).infer_objects().to_numpy()
    if not isinstance(found.dtype, np.dtype) or found.dtype.kind not in "if":
        return array
    if found.dtype.kind == "f" and not (
        (np.abs(found) <= EXACT).all()  # NaN (a user kept though unknown) fails this
        and (found == np.rint(found)).all()
    ):
        return array
    return found.astype(np.int64, copy=False)


def multiplies(a: Any, b: Any) -> bool:
    """Tell whether whole numbers surely have products that fit into 64 bits."""
    if a.dtype.kind != "i" or b.dtype.kind != "i":
        return False
    reach = [max(-int(one.min(initial=0)), int(one.max(initial=0))) for one in (a, b)]
    return reach[0] * reach[1] < MOST


def product(quantity: Any, price: Any) -> Any:
    """Multiply so that decimals come out as written: 3 × 0.1 is 0.3.

    A price with at most six decimals is scaled to a whole number, multiplied exactly and scaled
    back with one rounding (three decimals each where quantities are fractions).
    """
    if multiplies(quantity, price):
        return quantity * price
    with np.errstate(over="ignore", invalid="ignore"):
        plain = quantity * price.astype(np.float64)
    if quantity.dtype.kind == "i" and price.dtype.kind == "i":
        return plain
    unit, part = (1e6, 1.0) if quantity.dtype.kind == "i" else (1e3, 1e3)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled, parts = np.rint(price * unit), np.rint(quantity * part)
        exact = scaled * parts
        written = (scaled / unit == price) & (parts / part == quantity) & (np.abs(exact) < EXACT)
    return np.where(written, exact / 1e6, plain)


def times(
    array: Any, tz: Any, unit: str | None, name: str
) -> tuple[Any, Mask | None, Mask | None, Mask | None]:
    """Give UTC times in microseconds, and masks: missing, without a zone, skipped by the clock."""
    if isinstance(array.dtype, pd.ArrowDtype) and array.dtype.kind == "M":
        zone = array.dtype.pyarrow_dtype.tz
        plain: Any = pd.DatetimeTZDtype("us", zone) if zone else np.dtype("M8[us]")
        array = pd.Series(array).astype(plain).array
    dtype = array.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        if dtype != UTC:
            array = pd.DatetimeIndex(array).tz_convert("UTC").as_unit("us").array
        moments = array.asi8
        return array, moments == NAT if moments.min(initial=0) == NAT else None, None, None
    if dtype.kind == "M":
        if tz is None:
            raise DataError(
                f"the times in {name!r} have no zone: say which clock they were read from, as in "
                "clean(tz='Europe/London') or clean(tz='UTC')"
            )
        local = pd.DatetimeIndex(array)
        found = _localize(local, tz)
        missing = np.asarray(local.isna())
        return found.array, missing, None, np.asarray(found.isna()) & ~missing
    if dtype.kind in "iuf":
        if unit is None:
            raise DataError(
                f"the times in {name!r} are numbers: say what they count since 1970 UTC, as in "
                "clean(unit='s') or clean(unit='ms')"
            )
        missing = np.asarray(pd.isna(array))
        if dtype.kind == "f":  # pandas 2 fails on what no calendar holds
            array = pd.Series(array).where(pd.Series(array).abs() < MOST / NANOSECONDS[unit])
        counts: Any = pd.to_datetime(array, unit=unit, utc=True, errors="coerce")  # type: ignore[call-overload]
        return pd.DatetimeIndex(counts).as_unit("us").array, missing, None, None
    return _read_times(array, tz)


def _read_times(array: Any, tz: Any) -> tuple[Any, Mask, Mask | None, Mask]:
    text, zoned, local = _split_times(array)
    missing = np.asarray(text == "")
    read = pd.to_datetime(text.where(zoned), format="ISO8601", utc=True, errors="coerce")
    found = pd.DatetimeIndex(read).as_unit("us")
    readable = ~np.asarray(local.isna())
    if tz is None:
        return found.array, missing, readable, np.zeros(len(text), dtype=bool)
    placed = _localize(local, tz)
    skipped = readable & np.asarray(placed.isna())
    return found.where(zoned, placed).array, missing, None, skipped


def _split_times(array: Any) -> tuple[pd.Series[str], Mask, pd.DatetimeIndex]:
    """Give times as text, which of them carry a zone, and the others on their own clock."""
    raw = pd.Series(array, dtype=object)
    text = raw.where(raw.notna(), "").astype(str).str.strip()
    zoned = np.asarray(text.str.contains(r"(?:Z|[+-]\d\d:?(?:\d\d)?)$", regex=True)) & np.asarray(
        text.str.contains(r"\d[T ]\d\d", regex=True)
    )
    local = pd.to_datetime(text.where(~zoned & (text != "")), format="ISO8601", errors="coerce")
    return text, zoned, pd.DatetimeIndex(local).as_unit("us")


def repeated(array: Any, tz: Any) -> int:
    """Count local times that a clock change lets come twice."""
    if tz is None or isinstance(array.dtype, pd.DatetimeTZDtype) or array.dtype.kind in "iuf":
        return 0
    local = pd.DatetimeIndex(array) if array.dtype.kind == "M" else _split_times(array)[2]
    placed = local.tz_localize(tz, ambiguous="NaT", nonexistent="shift_forward")
    return int((np.asarray(placed.isna()) & ~np.asarray(local.isna())).sum())


def _localize(local: pd.DatetimeIndex, tz: Any) -> pd.DatetimeIndex:
    first = np.ones(len(local), dtype=bool)  # an hour that comes twice: the first time it passes
    placed = local.as_unit("us").tz_localize(tz, ambiguous=first, nonexistent="NaT")
    return placed.tz_convert("UTC")
