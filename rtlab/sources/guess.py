"""What the columns of somebody's file mean, and how their texts read as numbers, ids and times.

Each distinct text is looked at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.events import OPTIONAL, REQUIRED
from rtlab.sources import stamps
from rtlab.sources.records import MISSING, Words, objects

# The words that logs use, the likeliest first, without spaces, underscores and capitals.
_NAMES = {
    "user_id": "userid user customerid customer custid customerno customernumber clientid client "
    "buyerid buyer memberid member shopperid shopper householdid household householdkey hshdnum "
    "accountid visitorid uid kundennummer kundennr kundenid kunde 用户id 用户 用户编号 顾客id "
    "顾客 顾客编号 客户id 客户 客户编号 会员id 会员 会员号 买家id 买家",
    "product_id": "productid product stockcode sku skuid itemid item itemcode itemno itemnumber "
    "articleid article articleno productcode upc ean barcode artikelnummer artikelnr artikelid "
    "artikel produktid produkt 商品id 商品 商品编号 商品编码 产品id 产品 货号",
    "purchase_time": "purchasetime eventtime purchasedat purchasedate transactiontimestamp "
    "transactiontime transactiondate invoicedate orderdate ordertime orderedat "
    "orderpurchasetimestamp timestamp datetime createdat soldat saledate date time ts "
    "bestelldatum kaufdatum zeitstempel zeitpunkt datum zeit 下单时间 购买时间 交易时间 支付时间 "
    "订单时间 创建时间 时间 下单日期 日期",
    "quantity": "quantity qty units unitssold pieces menge anzahl stück 数量 购买数量 件数",
    "price": "price unitprice priceperunit priceeach itemprice einzelpreis stückpreis preis 单价 "
    "商品单价 价格",
    "amount": "amount salesvalue lineamount linetotal totalprice totalamount total sales revenue "
    "spend betrag umsatz summe 金额 总金额 总价 销售额",
    "event_id": "eventid eventuuid",
}
FLAGS = {
    "user_id": "user", "product_id": "product", "purchase_time": "time", "event_id": "event_id",
    "quantity": "quantity", "price": "price", "amount": "amount",
}  # fmt: skip
"""The parameter that names the column of each role."""


PERHAPS = {"NA", "N/A"}
"""Missing beside whole numbers; beside text they may be ids."""


class Role(NamedTuple):
    """The column that plays a role, and why: it was "given" or "guessed"."""

    column: str
    why: str


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def columns(
    found: dict[str, Any],
    given: dict[str, str | None],
    *,
    require: bool,
    layout: str | None = None,
) -> dict[str, Role]:
    """Tell which column plays which role.

    Parameters
    ----------
    found : dict
        The file's columns by name.
    given : dict
        By role, the name that the caller gave.
    require : bool
        Whether user, product and time must be there.
    layout : str, optional
        The format of the times, where it is given: then they need not look like times.

    Returns
    -------
    dict of str to Role
        In the order of :mod:`rtlab.events`.
    """
    roles = {
        role: Role(_given(name, found, role), "given")
        for role, name in given.items()
        if name is not None
    }
    used = [role.column for role in roles.values()]
    twice = next((name for name in used if used.count(name) > 1), None)
    if twice is not None:
        raise ParameterError(f"column {twice!r} is named for two things: name one column for each")
    trusted = "purchase_time" if layout is not None else None
    by_name = {_plain(name): name for name in reversed(found)}
    for role in (*REQUIRED, *OPTIONAL):
        if role in roles or (role == "amount" and "price" in roles):
            continue  # a price makes the amount; a total beside it stays as it is
        words = (by_name.get(word) for word in _NAMES[role].split())
        free = (name for name in words if name is not None and name not in used)
        name = next((name for name in free if role == trusted or _fits(found[name], role)), None)
        if name is not None:
            roles[role] = Role(name, "guessed")
            used.append(name)
        elif require and role in REQUIRED:
            flag = FLAGS[role]
            how = ", or its format with --time-format" if role == "purchase_time" else ""
            raise MissingColumnError(
                f"no column looks like the {flag} ({role}); name it with --{flag} COLUMN "
                f"({flag}=...){how}; the file has {', '.join(found)}"
            )
    return {role: roles[role] for role in (*REQUIRED, *OPTIONAL) if role in roles}


def _given(name: str, found: dict[str, Any], role: str) -> str:
    if name in found:
        return name
    alike = {_plain(one): one for one in found}
    near = difflib.get_close_matches(_plain(name), alike, 1, 0.5)
    hint = f"did you mean {alike[near[0]]!r}? " if near else ""
    raise MissingColumnError(
        f"{FLAGS[role]}={name!r}: there is no such column; {hint}the file has {', '.join(found)}"
    )


def _fits(column: Any, role: str) -> bool:
    """Check by its values that a column can play a role."""
    if role not in ("purchase_time", "quantity", "price", "amount"):
        return True
    if not isinstance(column, Words):
        kind = getattr(column.dtype, "kind", "O")
        return kind in "Miu" if role == "purchase_time" else kind in "iuf"
    sample = [text for text in column.texts[:1000] if text not in MISSING]
    if role == "purchase_time":
        read = [stamps.alike(text) for text in sample]
    else:
        read = [
            _number(text, ".") is not None or _number(text, ",") is not None for text in sample
        ]
    return 2 * sum(read) >= len(sample)


# ------------------------------------------------------------------------------- numbers and ids

# A group of thousands follows one to three digits that do not start with 0: 0,345 is a decimal.
_FORMS = {
    sign: re.compile(
        rf"[+-]?(?:[1-9]\d{{0,2}}(?:[{group}\u00a0\u202f' ]\d{{3}})+(?:{point}\d*)?|"
        rf"\d+(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?",
        re.ASCII,
    )
    for sign, point, group in ((".", r"\.", ","), (",", ",", r"\."))
}
_GROUPED = {".": re.compile(r"\d[,\u00a0\u202f' ]\d"), ",": re.compile(r"\d[.\u00a0\u202f' ]\d")}
_INTEGER = re.compile(r"(0|-?[1-9]\d*)(\.0)?", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53


def _number(text: str, decimal: str) -> float | None:
    """Read a decimal as the nearest double; currency signs and thousands separators may stand."""
    bare = text.strip(" \u00a0£$€¥₹")
    if not _FORMS[decimal].fullmatch(bare):
        return None
    if not bare.isdecimal():
        bare = re.sub(r"[\u00a0\u202f' ]|" + (r"," if decimal == "." else r"\."), "", bare)
    return float(bare.replace(",", "."))


def decimal_signs(columns: dict[str, Words]) -> dict[str, str]:
    """Tell for each column whether its numbers are written 1.5 or 1,5.

    Its own texts decide; another column may be written otherwise, so it proves nothing.
    """
    found = {name: _evidence(words.texts) for name, words in columns.items()}
    commas = any(sign == "," for sign, _ in found.values())
    for name, (sign, doubtful) in found.items():
        if doubtful and not sign and (commas or "," in doubtful):
            raise DataError(
                f"{FLAGS[name]}: {doubtful!r} can be read in two ways: say which sign starts the "
                "decimals, --decimal . or --decimal , (read_events(..., decimal='.'))"
            )
    return {name: sign or "." for name, (sign, _) in found.items()}


def _evidence(texts: Iterable[str]) -> tuple[str, str]:
    """Give the sign that most texts of a column need, and a text that reads in two ways."""
    balance, doubtful = 0, ""
    for text in texts:
        if "," in text or "." in text:
            point, comma = _number(text, "."), _number(text, ",")
            if point is None or comma is None:
                balance += (point is not None) - (comma is not None)
            elif point != comma and "," not in doubtful:
                doubtful = text
    return "." if balance > 0 else "," if balance < 0 else "", doubtful


def spelling(column: Words, decimal: str) -> str:
    """State decimal commas, thousands separators, and points that might have been such."""
    examples: dict[str, tuple[str, float]] = {}
    sure = False
    for text in column.texts:
        value = None if text.isdecimal() else _number(text, decimal)
        if value is None:
            continue
        if _GROUPED[decimal].search(text):
            examples.setdefault("thousands separator", (text, value))
        if decimal == "," in text:
            examples.setdefault("decimal comma", (text, value))
        elif decimal == "." in text and not sure:
            sure = _number(text, ",") is None
            examples.setdefault("decimal point", (text, value))
    if sure:
        examples.pop("decimal point")
    return "".join(
        f", {kind} ({text!r} is {value:.15g})" for kind, (text, value) in examples.items()
    )


def numbers(column: Words, decimal: str) -> Any:
    """Give numbers: int64 if all are whole, else float64; unreadable texts stay as they are."""
    texts = [text.strip() for text in column.texts]
    values: list[float | None] = [
        None if text in MISSING else _number(text, decimal) for text in texts
    ]
    known = [value for value in values if value is not None]
    whole = all(value.is_integer() and abs(value) <= _EXACT for value in known)
    if whole:
        values = [None if value is None else int(value) for value in values]
    read = [
        text if value is None and text not in MISSING else value
        for value, text in zip(values, texts, strict=True)
    ]
    if any(isinstance(one, str) for one in read):
        return objects(read)[column.codes]
    return np.array(read, np.int64 if whole and None not in read else np.float64)[column.codes]


def ids(column: Words) -> tuple[Any, set[str]]:
    """Give int64 ids if all are written as whole numbers, else text; a digit is never lost.

    Whole numbers beside missing cells are Python integers in an object array. The texts that were
    taken as missing are given too.
    """
    if not column.text:
        gone = MISSING | PERHAPS
        texts = [text.strip() for text in column.texts]
        forms = [None if text in gone else _INTEGER.fullmatch(text) or text for text in texts]
        # 17 and 17.0 may be two ids: they are whole numbers only if all are written alike
        tails = {form if isinstance(form, str) else form[2] for form in forms if form}
        if tails in ({None}, {".0"}):
            values = [int(form[1]) if form else None for form in forms]
            if all(value is None or value in _INT64 for value in values):
                exact = None if None in values else np.int64
                known = np.array(values, exact) if exact else objects(values)
                return known[column.codes], gone.intersection(texts)
    return _texts(column, MISSING), MISSING.intersection(column.texts)


def passing(column: Words) -> Any:
    """Give a column that plays no role: numbers if each is written as one, else text."""
    known = [text for text in column.texts if text]
    forms = [_INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) for text in known]
    if column.text or not known or None in forms or max(map(len, known)) > 15:
        return _texts(column, {""})
    return numbers(column, ".")


def _texts(column: Words, missing: set[str]) -> Any:
    known = objects([None if text in missing else text for text in column.texts])
    return pd.Series(known).array[column.codes]
