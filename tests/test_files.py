"""Reading people's own logs: nothing is lost, nothing is guessed in silence."""

import csv
import gzip
import io
import json
import lzma
import os
import random
from decimal import Decimal

import pandas as pd
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.sources.files import read_events, read_frame

HEAD = "user_id,product_id,purchase_time,price\n"
ROW = "1,2,2024-03-04T09:00:00Z,2.5\n"
pytestmark = pytest.mark.usefixtures("no_sinks_left")


@pytest.fixture
def log(tmp_path):
    """Write content under a name, and read it with given options."""

    def write(content, name="log.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_events(path, **options)

    return write


def retail(rows, seed=5):
    """Make a log in the manner of UCI's Online Retail: a list of rows of text."""
    draw = random.Random(seed)  # noqa: S311  (a log to read, no secret)
    lines = []
    for number in range(rows):
        cancelled = draw.random() < 0.03
        invoice = f"{'C' if cancelled else ''}{536365 + number // 7}"
        code = f"{draw.randint(10000, 99999)}{draw.choice(['', '', 'A', 'B'])}"
        text = draw.choice(
            ["RED LANTERN", 'SET OF 3 "CAKE" TINS', "METAL SIGN, LARGE", "杯子", ""]
        )
        quantity = str(draw.randint(1, 24) * (-1 if cancelled else 1))
        date = f"{draw.randint(1, 12)}/{draw.randint(1, 28)}/2010"
        when = f"{date} {draw.randint(8, 20)}:{draw.randint(0, 59):02}"
        price = draw.choice(
            [f"{draw.randint(1, 99999) / 1000:.3f}", f"{draw.randint(1, 999) / 100}"]
        )
        user = "" if draw.random() < 0.25 else f"{draw.randint(12346, 18287)}.0"
        lines.append([invoice, code, text, quantity, when, price, user, "United Kingdom"])
    return lines


RETAIL = [
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
    "Country",
]  # fmt: skip


def as_csv(rows, **options):
    """Write rows as the csv module does."""
    out = io.StringIO()
    csv.writer(out, **options).writerows(rows)
    return out.getvalue()


def test_retail_log_is_right_to_the_last_digit(log):
    """Rows and money of a retail log equal Decimal arithmetic over its text."""
    rows = retail(3000)
    found = log(as_csv([RETAIL, *rows]), tz="Europe/London")
    good, rejected = rt.clean(found.frame, tz=found.tz)
    known = [row for row in rows if row[6]]
    assert len(found.frame) == 3000
    assert len(good) == len(known)
    assert set(rejected.reason) == {"missing user_id"}
    exact = [Decimal(row[3]) * Decimal(row[5]) for row in known]
    assert good.amount.tolist() == [float(one) for one in exact]
    assert good.user_id.tolist() == [int(row[6].removesuffix(".0")) for row in known]
    assert good.product_id.tolist() == [row[1] for row in known]
    assert good.Description.fillna("").tolist() == [row[2] for row in known]
    assert int(good.is_return.sum()) == sum(row[0].startswith("C") for row in known)
    month, day, rest = known[0][4].split("/")
    local = pd.Timestamp(f"{rest[:4]}-{month:0>2}-{day:0>2} {rest[5:]}", tz="Europe/London")
    assert good.purchase_time.iloc[0] == local


def test_guesses_are_stated(log):
    """Each guess is a note in words: encoding, columns, format and zone."""
    notes = "\n".join(log(as_csv([RETAIL, *retail(50)]), tz="Europe/London").notes)
    assert "user: column 'CustomerID' (guessed)" in notes
    assert "product: column 'StockCode' (guessed)" in notes
    assert "format month/day/year hour:minute (guessed: " in notes
    assert "rows have a second field over 12), zone Europe/London (given)" in notes
    assert "encoding: utf-8 (guessed)" in notes
    assert "event_id" not in notes


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("household_id", "user_id"), ("Customer ID", "user_id"), ("用户ID", "user_id"),
        ("Kunden-Nr", "user_id"), ("sku", "product_id"), ("商品", "product_id"),
        ("transaction_timestamp", "purchase_time"), ("下单时间", "purchase_time"),
        ("created_at", "purchase_time"), ("Qty", "quantity"), ("数量", "quantity"),
        ("Unit Price", "price"), ("单价", "price"), ("sales_value", "amount"), ("金额", "amount"),
        ("Event ID", "event_id"),
    ],
)  # fmt: skip
def test_names_that_logs_use(log, header, role):
    """Usual names in three languages are recognised, however they are spaced."""
    cells = {"user_id": "5", "product_id": "6", "purchase_time": "2024-03-04T09:00Z"}
    names = {name: name for name in cells} | {role: header}
    values = {role: "7"} | cells
    content = as_csv([names.values(), [values[name] for name in names]])
    assert role in log(content).frame.columns


def test_given_names_win(log):
    """A column that is named plays the role, and the one of the usual name keeps another name."""
    content = "user_id,buyer_code,sku,when\n1,x7,5,2024-03-04T09:00Z\n"
    found = log(content, user="buyer_code", time="when")
    assert found.frame.user_id.tolist() == ["x7"]
    assert found.frame["user_id (as in the file)"].tolist() == [1]
    assert "user: column 'buyer_code' (given)" in found.notes


def test_missing_columns_are_named(log):
    """A wrong name gets the closest one; a role that nothing fits gets its flag."""
    with pytest.raises(MissingColumnError, match=r"user='CustomerNr'.*did you mean 'CustomerID'"):
        log(as_csv([RETAIL, *retail(5)]), user="CustomerNr", tz="UTC")
    with pytest.raises(MissingColumnError, match=r"--user COLUMN.*the file has a, sku, date"):
        log("a,sku,date\n1,2,2024-01-01\n")
    with pytest.raises(MissingColumnError, match="--time COLUMN"):
        log("user,sku,date\n1,2,soon\n")
    with pytest.raises(ParameterError, match="two things"):
        log("a,sku,date\n1,2,2024-01-01\n", user="a", product="a")


def test_order_ids_are_not_event_ids(log):
    """Lines of one invoice share its number, so it must never serve to drop duplicates."""
    content = "user,sku,date,invoice_id,order_id,id\n1,2,2024-01-01T00:00Z,7,7,7\n"
    assert "event_id" not in log(content).frame.columns


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["17850", "3"], [17850, 3]),
        (["17850.0", "", "3.0"], [17850, None, 3]),
        (["007", "8"], ["007", "8"]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
        (["9007199254740993", "NULL"], [9007199254740993, None]),
        (["123456789012345678901234567890", "1"], ["123456789012345678901234567890", "1"]),
        (["17", "17.0"], ["17", "17.0"]),
        (["85123A", "22423"], ["85123A", "22423"]),
        (["1e5", "2"], ["1e5", "2"]),
        (["مريم", "דנה"], ["مريم", "דנה"]),
        (["-0", "1"], ["-0", "1"]),
    ],
)
def test_ids_keep_every_digit(log, texts, expected):
    """Ids are integers only where no digit, zero or difference between two ids is lost."""
    body = "".join(f"{text},2,2024-03-04T09:00:00Z,2.5\n" for text in texts)
    found = log(HEAD + body).frame.user_id
    assert [None if pd.isna(one) else one for one in found] == expected


@examples(60)
@given(st.lists(st.decimals(-(10**6), 10**6, places=3), min_size=1, max_size=30))
def test_prices_are_the_nearest_doubles(tmp_path_factory, prices):
    """A price is the double nearest to the written decimal, whole prices are integers."""
    path = tmp_path_factory.mktemp("prices") / "log.csv"
    path.write_text(HEAD + "".join(f"1,2,2024-03-04T09:00:00Z,{p}\n" for p in prices))
    found = read_events(path).frame.price
    assert found.tolist() == [float(str(price)) for price in prices]
    assert (found.dtype.kind == "i") == all(price == int(price) for price in prices)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_sniffed(log, delimiter):
    """The delimiter that splits the lines alike is found, with quotes and line ends in cells."""
    rows = [["user", "item", "date", "text"], ["1", "2", "2024-01-02", f'a{delimiter}"b"\nc\r\nd']]
    found = log(as_csv(rows, delimiter=delimiter), "log.tsv", tz="UTC")
    assert found.frame.text.tolist() == [rows[1][3]]


def test_space_after_the_delimiter(log):
    """A log written with a space after each comma reads as one without."""
    found = log('user, item, date, text\n1, 2, 2024-01-02, "a, b"\n', tz="UTC").frame
    assert found[["user_id", "product_id", "text"]].to_numpy().tolist() == [[1, 2, "a, b"]]


def test_the_line_that_excel_writes_first(log):
    """Excel's first line names the delimiter and is no row."""
    found = log("sep=;\nuser;item;date\n1;2;2024-01-02\nshort\n", tz="UTC")
    assert found.frame.user_id.dropna().tolist() == [1]
    assert found.frame._line.dropna().tolist() == [4]


def test_decimal_commas(log):
    """Decimal commas are told by the values and stated; what fits both is asked for."""
    head = "Kunde;Artikel;Datum;Einzelpreis\n"
    found = log(head + "1;2;04.03.2024 09:00;1.234,50\n1;2;05.03.2024;3,999\n", tz="Europe/Berlin")
    assert found.frame.price.tolist() == [1234.5, 3.999]
    stated = ", thousands separator ('1.234,50' is 1234.5), decimal comma ('1.234,50' is 1234.5)"
    assert f"price: column 'Einzelpreis' (guessed){stated}" in found.notes
    assert "day.month.year" in "".join(found.notes)
    doubtful = head + "1;2;04.03.2024;3,999\n"
    with pytest.raises(DataError, match=r"'3,999' can be read in two ways.*--decimal"):
        log(doubtful, tz="UTC")
    assert log(doubtful, tz="UTC", decimal=",").frame.price.tolist() == [3.999]
    assert log(doubtful, tz="UTC", decimal=".").frame.price.tolist() == [3999]
    assert log(HEAD + ROW.replace("2.5", '"$1,234.50"')).frame.price.tolist() == [1234.5]


@pytest.mark.parametrize(
    ("texts", "expected", "stated"),
    [
        (["1,234", "0,345"], [1.234, 0.345], ", decimal comma ('1,234' is 1.234)"),
        (["1,234", "-0,345", "7"], [1.234, -0.345, 7], ", decimal comma ('1,234' is 1.234)"),
        (["1,234", "1,234,567"], [1234, 1234567], ", thousands separator ('1,234' is 1234)"),
        (["12,345", "2.5"], [12345, 2.5], ", thousands separator ('12,345' is 12345)"),
        (["1.234", "1.234.567"], [1234, 1234567], ", thousands separator ('1.234' is 1234)"),
        (["1.234", "0.345"], [1.234, 0.345], ""),
        (["1 234", "5"], [1234, 5], ", thousands separator ('1 234' is 1234)"),
        (["2.125", "3"], [2.125, 3], ", decimal point ('2.125' is 2.125)"),
        (["1,234", "5"], None, ""),
    ],
)
def test_a_thousandfold_is_never_silent(log, texts, expected, stated):
    """Each column is told by its own texts and stated; thousands never start with 0."""
    rows = [f'1,2,2024-03-04T09:00Z,2.5,"{text}"\n' for text in texts]
    content = "user,item,date,price,quantity\n" + "".join(rows)
    if expected is None:
        with pytest.raises(DataError, match=r"quantity: '1,234' can be read in two ways"):
            log(content)
        return
    found = log(content)
    assert found.frame.quantity.tolist() == expected
    assert found.frame.price.tolist() == [2.5] * len(texts)
    assert f"quantity: column 'quantity' (guessed){stated}" in found.notes


def test_points_beside_a_column_of_commas_are_asked_for(log):
    """Where prices have decimal commas, 1.234 pieces may be thousands: that is asked for."""
    content = "user;item;date;price;quantity\n1;2;2024-03-04T09:00Z;3,50;1.234\n"
    with pytest.raises(DataError, match=r"quantity: '1\.234' can be read in two ways"):
        log(content)
    assert log(content, decimal=",").frame.quantity.tolist() == [1234]


def test_a_log_of_nothing_is_accounted_for(log):
    """Rows of empty cells are read, with or without a format, and rejected one by one."""
    for options in ({}, {"time_format": "%Y"}, {"time_format": "s"}, {"tz": "UTC"}):
        found = log(HEAD + ",,,\n" * 20, **options)
        good, rejected = rt.clean(found.frame, tz=found.tz)
        assert (len(good), len(rejected)) == (0, 20)
        assert rejected.reason.unique().tolist() == ["missing user_id"]
        assert "time: column 'purchase_time' (guessed), with no times in it" in found.notes


def test_what_is_absent_is_stated(log):
    """Columns that are not there, and texts that were taken as missing, are named."""
    found = log("user,item,date\n1,2,2024-03-04T09:00Z\nNA,2,NULL\n")
    assert found.frame.user_id.isna().tolist() == [False, True]
    assert found.notes[2] == "user: column 'user' (guessed), NA taken as missing"
    assert found.notes[4].endswith(", zones as written, NULL taken as missing")
    assert found.notes[5:] == (
        "quantity: no column; each row counts as 1",
        "price and amount: no column; purchases are counted, without money",
    )
    notes = log("user,item,date,amount,qty\nx,2,2024-03-04T09:00Z,1,1\nNA,2,,1,1\n").notes
    assert "user: column 'user' (guessed), NA beside text kept as ids" in notes
    assert not any("no column" in note for note in notes)


@pytest.mark.parametrize(
    ("times", "stated"),
    [
        (["1709542800", ""], "seconds (guessed: 10 digits), counted from 1970 UTC"),
        (
            ["2024-03-04T09:00Z"],
            "hour:minute, zones as written (zone Asia/Tokyo not needed for them)",
        ),
        (["2024-03-04 09:00"], "hour:minute, zone Asia/Tokyo (given)"),
        (
            ["2024-03-04 09:00", "2024-03-04 10:00", "", "2024-03-04T09:00Z"],
            "hour:minute, zone Asia/Tokyo (given) for the 2 of 3 times that carry none",
        ),
    ],
)
def test_zones_are_stated(log, times, stated):
    """The notes say which times got the zone that was given."""
    found = log(HEAD + "".join(f"1,2,{time},1\n" for time in times), tz="Asia/Tokyo")
    assert stated in found.notes[4]
    assert ("as written" in found.notes[4]) == ("as written" in stated)


CHINESE = "用户ID,商品,下单时间,数量\n张伟,杯子,2024/3/4 9:05,2\n王芳,毛巾,2024/3/5 10:00,1\n"


@pytest.mark.parametrize(
    ("encoding", "stated"),
    [
        ("utf-8", "utf-8 (guessed)"), ("utf-8-sig", "utf-8 (it says so)"),
        ("gb18030", "gb18030 (guessed)"), ("utf-16", "utf-16 (it says so)"),
    ],
)  # fmt: skip
def test_encodings_are_told_from_the_bytes(log, encoding, stated):
    """The same Chinese log reads alike in four encodings, under a Chinese file name."""
    found = log(CHINESE.encode(encoding), "订单.csv", tz="Asia/Shanghai")
    assert f"encoding: {stated}" in found.notes
    assert found.frame.user_id.tolist() == ["张伟", "王芳"]
    assert found.frame.purchase_time.tolist()[0] == pd.Timestamp("2024-03-04 09:05")
    given = log(CHINESE.encode(encoding), tz="UTC", encoding=encoding)
    assert given.frame.equals(found.frame)


def test_western_text_is_not_taken_for_chinese(log):
    """Latin-1 letters that happen to pair up as GB 18030 are read as cp1252."""
    content = "client,article,date\n1,Crème brûlée,2024-03-04\n2,Pâté,2024-03-05\n"
    found = log(content.encode("latin-1"), tz="Europe/Paris", product="article")
    assert found.frame.product_id.tolist() == ["Crème brûlée", "Pâté"]
    assert "encoding: cp1252 (guessed)" in found.notes


def test_utf16_without_a_mark(log):
    """Zeros in every second byte tell UTF-16 that lacks its mark."""
    assert log((HEAD + ROW).encode("utf-16-le")).frame.price.tolist() == [2.5]


def test_malformed_records_keep_their_place(log):
    """Ragged rows, stray quotes, NULs and broken bytes stay as rows with text and line."""
    content = (
        HEAD.encode() + ROW.encode() + b"short,row\n\n" + b'2,"open,2024-03-04T09:00:00Z,1\n'
        + ROW.encode() + b"1,2,2024-03-04T09:00:00Z,1,extra\n" + b"1,\0,2024-03-04T09:00:00Z,1\n"
        + "é,".encode() * 40 + b"\n" + b"1,\xff\xfe,2024-03-04T09:00:00Z,1\n" + ROW.encode()
    )  # fmt: skip
    found = log(content)
    lines = found.frame._line
    assert len(found.frame) == 9
    assert lines.dropna().tolist() == [3, 5, 7, 8, 9, 10]
    assert found.malformed == 6
    assert found.frame._raw.dropna().tolist()[:2] == [
        "short,row",
        '2,"open,2024-03-04T09:00:00Z,1',
    ]
    good, rejected = rt.clean(found.frame)
    assert len(good) == 3
    assert rejected.reason.unique().tolist() == ["malformed record"]
    assert "_raw" not in log(HEAD + ROW).frame.columns


@examples(100)
@given(
    st.lists(st.text('ab,"\n;\r', max_size=12), min_size=1, max_size=8).map(
        lambda cells: [cells[i : i + 2] for i in range(0, len(cells) - 1, 2)] or [["", "x"]]
    )
)
def test_well_formed_csv_is_read_as_written(tmp_path_factory, pairs):
    """Whatever the csv module quotes comes back cell by cell, and nothing is malformed."""
    path = tmp_path_factory.mktemp("cells") / "log.csv"
    rows = [["user", "item", "date", "one", "two"]]
    rows += [["u", "i", "2024-01-01", *pair] for pair in pairs]
    path.write_text(as_csv(rows, quoting=csv.QUOTE_ALL), encoding="utf-8", newline="")
    found = read_events(path, tz="UTC")
    assert found.malformed == 0
    assert found.frame[["one", "two"]].fillna("").to_numpy().tolist() == pairs


def test_a_stray_quote_costs_one_record(log):
    """An opened quote that nothing closes takes its line, not the rest of the file."""
    rows = "".join(f"{user},2,2024-03-04T09:00:00Z,1\n" for user in range(9000))
    found = log(HEAD + '0,"2,2024-03-04T09:00:00Z,1\n' + rows)
    assert found.malformed == 1
    assert found.frame.user_id.tolist()[1:] == list(range(9000))


JSON = [
    {"user_id": 1, "product_id": "A", "purchase_time": "2024-03-04T09:00:00Z", "price": 0.1},
    {"user_id": 2, "product_id": "ب", "purchase_time": "2024-03-04T10:00:00Z", "extra": {"n": 1}},
]


def test_json_lines_with_broken_lines(log):
    """Broken lines, other values, lone surrogates and blank lines are told apart."""
    lines = ["{broken", json.dumps(JSON[0]), "", "[1, 2]", '{"user_id": "\\ud800"}', "17"]
    lines += [json.dumps(JSON[1]), '{"user_id": 1' + "0" * 5000 + "}", "[" * 100_000]
    found = log("\n".join(lines), "log.jsonl")
    assert found.frame._line.dropna().tolist() == [1, 4, 5, 6, 8, 9]
    assert found.frame.user_id.dropna().tolist() == [1, 2]
    assert found.frame.price.dropna().tolist() == [0.1]
    assert found.frame.extra.dropna().tolist() == ['{"n": 1}']


@pytest.mark.parametrize("indent", [None, 2])
def test_json_arrays(log, indent):
    """An array reads as its objects, on one line or many; a cut one loses only its last."""
    content = json.dumps(JSON * 3, indent=indent)
    assert log(content, "log.json").frame.user_id.tolist() == [1, 2] * 3
    cut = log(content[:-9], "log.json")
    assert (len(cut.frame), cut.malformed) == (6, 1)


def test_json_array_goes_on_after_a_broken_object(log):
    """After a broken element the next line that opens one is read."""
    lines = [json.dumps(JSON[0]) + ",", '{"user_id": oops},', json.dumps(JSON[1])]
    found = log("[\n" + "\n".join(lines) + "\n]", "log.json")
    assert found.frame.user_id.dropna().tolist() == [1, 2]
    assert found.frame._line.dropna().tolist() == [3]


@pytest.mark.parametrize(("pack", "end"), [(gzip.compress, "gz"), (lzma.compress, "xz")])
def test_packed_files(log, pack, end):
    """Packed files read as the plain ones, also under a name that hides it; a cut one is told."""
    plain = log(HEAD + ROW).frame
    assert log(pack((HEAD + ROW).encode()), f"log.csv.{end}").frame.equals(plain)
    assert log(pack((HEAD + ROW).encode()), "log.csv").frame.equals(plain)
    packed = pack((HEAD + ROW * 500).encode())
    with pytest.raises(DataError, match=r"cut\.csv.*cut short or damaged"):
        log(packed[: len(packed) // 2], f"cut.csv.{end}")


def test_content_decides_over_the_name(log):
    """JSON lines named .csv, and CSV named .jsonl, are read as what they are, and that is said."""
    found = log("\n".join(map(json.dumps, JSON)), "log.csv")
    assert found.frame.user_id.tolist() == [1, 2]
    assert found.notes[0] == "format: JSON lines, as its content says (its name says otherwise)"
    assert log(HEAD + ROW, "log.jsonl").notes[0].startswith("format: CSV, as its content says")


@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_parquet(tmp_path, zone):
    """Parquet keeps types: big ids beside gaps, decimals, categories, naive and zoned times."""
    frame = pd.DataFrame({
        "user_id": pd.array([2**53 + 1, None], dtype="Int64"),
        "product_id": pd.Categorical(["007", "8"]),
        "purchase_time": pd.DatetimeIndex(["2024-03-04 09:00", "2024-03-04 10:00"], tz=zone),
        "price": [Decimal("2.50"), Decimal("0.10")],
        "note": ["12", "13"],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "log.parquet")
    found = read_events(tmp_path / "log.parquet", tz="Asia/Shanghai").frame
    assert found.user_id.iloc[0] == 2**53 + 1
    assert pd.isna(found.user_id.iloc[1])
    assert found.product_id.tolist() == ["007", "8"]
    assert found.price.tolist() == [2.5, 0.1]
    assert found.note.tolist() == ["12", "13"]
    good, _ = rt.clean(found.iloc[:1], tz="Asia/Shanghai")
    expected = frame.purchase_time.iloc[0]
    assert good.purchase_time[0] == (expected if zone else expected.tz_localize("Asia/Shanghai"))
    if zone is None:
        with pytest.raises(DataError, match="--tz"):
            read_events(tmp_path / "log.parquet")


@pytest.mark.parametrize(
    ("texts", "expected", "layout"),
    [
        (["2024-03-04T09:00:00Z", "2024-03-04 17:00:00+0800"], ["2024-03-04 09:00"] * 2, "year-"),
        (["13/02/2024 9:30"], ["2024-02-13 09:30"], "day/month/year hour:minute"),
        (["2/13/2024 9:30 PM"], ["2024-02-13 21:30"], "month/day/year hour:minute a.m./p.m."),
        (["12/13/24 12:05:06 am"], ["2024-12-13 00:05:06"], "month/day/year hour:minute:second"),
        (["2.1.2024"], ["2024-01-02"], "as dates with dots are"),
        (["2024/3/4 9:05"], ["2024-03-04 09:05"], "year/month/day"),
        (["1709542800"], ["2024-03-04 09:00"], "seconds (guessed: 10 digits)"),
        (["1709542800123"], ["2024-03-04 09:00:00.123"], "milliseconds"),
        (["1709542800123456"], ["2024-03-04 09:00:00.123456"], "microseconds"),
        (["1709542800.5"], ["2024-03-04 09:00:00.5"], "seconds"),
        (["20240304"], ["2024-03-04"], "%Y%m%d (guessed)"),
        (["20240304090506"], ["2024-03-04 09:05:06"], "%Y%m%d%H%M%S"),
    ],
)
def test_layouts_of_times(log, texts, expected, layout):
    """Each layout is told from the values, stated, and read right."""
    body = "".join(f'1,2,"{text}",1\n' for text in texts)
    found = log(HEAD + body, tz="UTC")
    good, _ = rt.clean(found.frame, tz="UTC", not_after="2030-01-01T00:00Z")
    assert good.purchase_time.tolist() == [pd.Timestamp(one, tz="UTC") for one in expected]
    assert layout in "".join(found.notes)


def test_day_or_month_is_never_a_coin_toss(log):
    """Dates that fit both orders, or columns that mix them, are refused with the remedy."""
    both = HEAD + "1,2,3/4/2024 9:00,1\n"
    with pytest.raises(DataError, match=r"'3/4/2024 9:00' can be day/month.*--time-format"):
        log(both, tz="UTC")
    found = log(both, tz="UTC", time_format="%d/%m/%Y %H:%M").frame
    assert found.purchase_time[0] == pd.Timestamp("2024-04-03 09:00")
    with pytest.raises(DataError, match="1 rows are only the one, 1 only the other"):
        log(HEAD + "1,2,13/1/2024,1\n1,2,1/13/2024,1\n", tz="UTC")
    slip = HEAD + "1,2,25/1/2024,1\n" * 200 + "1,2,1/25/2024,1\n"
    good, rejected = rt.clean(log(slip, tz="UTC").frame, tz="UTC")
    assert (len(good), rejected.reason.tolist()) == (200, ["unreadable purchase_time"])
    with pytest.raises(ParameterError, match="time_format"):
        log(both, tz="UTC", time_format="%Q")
    with pytest.raises(DataError, match="0 of 1 do"):
        log(both, tz="UTC", time_format="%Y")
    assert log(HEAD + "1,2,86400,1\n", time_format="s").frame.purchase_time[0].day == 2


def test_unreadable_cells_reach_clean_as_text(log):
    """What cannot be read as a time or number stays text, and is rejected for what it is."""
    rows = ["1,2,4/13/2024 9:00,1\n"] * 5
    rows += ["1,2,soon,1\n", "1,2,,1\n", "1,2,4/13/2024 9:00,many\n", "1,2,4/31/2024 1:00,1\n"]
    found = log(HEAD + "".join(rows), tz="Europe/London").frame
    assert found.purchase_time.tolist()[5] == "soon"
    good, rejected = rt.clean(found, tz="Europe/London")
    assert good.purchase_time.unique().tolist() == [pd.Timestamp("2024-04-13 08:00", tz="UTC")]
    assert rejected.reason.tolist() == [
        "unreadable purchase_time", "missing purchase_time", "unreadable price",
        "unreadable purchase_time",
    ]  # fmt: skip


def test_naive_times_need_a_zone(log):
    """Naive times without a zone are refused, also where only some are; a zone must exist."""
    with pytest.raises(DataError, match=r"1 times in column 'purchase_time'.*--tz Europe/London"):
        log(HEAD + ROW + ROW.replace("Z", ""))
    mixed = log(HEAD + ROW + ROW.replace("Z", ""), tz="Asia/Shanghai")
    hours = rt.clean(mixed.frame, tz=mixed.tz).good.purchase_time.dt.hour
    assert hours.tolist() == [9, 1]
    with pytest.raises(ParameterError, match="not a time zone"):
        log(HEAD + ROW, tz="London")


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("", "empty.csv", "it is empty"),
        ("\n \n", "blank.csv", "it is empty"),
        (HEAD, "header.csv", "no events in it"),
        ("[]", "none.json", "no events in it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "picture.dat", "it is not text"),
        (b"PK\x03\x04" + bytes(90), "sheet.xlsx", "zip or Excel"),
        (b"PAR1" + bytes(90), "broken.parquet", "damaged"),
        ("{\n{\n", "log.jsonl", "no record is a JSON object"),
    ],
)
def test_unusable_files_are_one_clear_sentence(log, content, name, says):
    """Empty, binary and broken files are refused by name, in one line."""
    with pytest.raises(DataError, match=says) as caught:
        log(content, name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    """A missing file, a folder and a forbidden file each say so."""
    with pytest.raises(DataError, match=r"没有\.csv: there is no such file"):
        read_events(tmp_path / "没有.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_events(tmp_path)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match="permission"):
        read_events(tmp_path / "log.csv")


def test_wrong_encodings(log):
    """An encoding that does not exist, or is not the file's, is refused with others to try."""
    with pytest.raises(ParameterError, match="encoding='klingon'"):
        log(HEAD + ROW, encoding="klingon")
    with pytest.raises(ParameterError, match="not a text encoding"):
        log(HEAD + ROW, encoding="base64")
    many = "user,item,date\n" + "张伟,杯子,2024-01-01\n" * 30
    with pytest.raises(DataError, match=r"30 of 30 records are not utf-8.*gb18030"):
        log(many.encode("gb18030"), encoding="utf-8", tz="UTC")
    with pytest.raises(ParameterError, match="delimiter"):
        log(HEAD + ROW, delimiter="::")


def test_replay_of_a_file(log, tmp_path):
    """A path is replayed as its frame; a file of another kind of table is not renamed."""
    log(HEAD + ROW * 5)
    path = tmp_path / "log.csv"
    good = rt.replay(str(path), rows=2).clean().drain()
    assert good.equals(rt.clean(read_frame(path)).good)
    ticks = tmp_path / "ticks.csv"
    ticks.write_text("time,revenue\n2024-01-01,1.5\n2024-01-02,2\n")
    assert read_frame(os.fsencode(ticks)).columns.tolist() == ["time", "revenue"]
    assert read_frame(ticks).revenue.tolist() == [1.5, 2.0]
