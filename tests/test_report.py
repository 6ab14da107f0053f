"""The report folder: files, a page that stands alone, and what happens without the extras."""

from __future__ import annotations

import base64
import os
import re
import sys
import warnings
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from rtlab.charts import plot_series
from rtlab.report import Report, Section, write_report

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # matplotlib 3.8 on a newer pyparsing
    pytest.importorskip("matplotlib.backends.backend_agg")

EVIL = "<script src=//evil.example/x.js>alert('1')</script> & \"q\" $title"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """A strict reader: tags are balanced, and everything is kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.words = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Keep a tag with its attributes."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep words that are seen."""
        if not self.open or self.open[-1] != "style":
            self.words += data


def table() -> pd.DataFrame:
    """Give a table with what tables hold: ids, money, times, gaps, hostile and Arabic names."""
    times = pd.date_range("2024-03-04", periods=3, freq="h", tz="Asia/Shanghai", name="start")
    return pd.DataFrame(
        {
            "user_id": [1234567, 2, 3], EVIL: [EVIL, "شاي", "茶"], "rows": [1234567, 0, 5],
            "revenue": [1234.5, float("nan"), 0.25], "is_return": [True, False, True],
        },
        times,
    )  # fmt: skip


def full() -> Report:
    """Give a report whose every field holds something hostile."""
    series = pd.Series([1.0, 5.0, 2.0], name=EVIL)
    account = SimpleNamespace(
        lines=lambda: [("rows in", 1234), (EVIL, 1234)], sentence=lambda: f"1,234 = {EVIL}"
    )
    long = pd.DataFrame({"n": range(41)})
    return Report(
        EVIL, EVIL, account,
        [
            Section(EVIL, [EVIL], [(EVIL, plot_series(series))], [(EVIL, table())]),
            Section("二", [], [("drawn late", lambda: plot_series(series, title="late"))],
                    [("long", long), ("Long!", long[:40])]),
        ],
    )  # fmt: skip


@pytest.fixture(scope="module", name="written")
def _written(tmp_path_factory: Any) -> Any:
    """Write the full report once for the tests that only read it."""
    return write_report(full(), tmp_path_factory.mktemp("report") / "out")


def test_page_stands_alone(written: Any) -> None:
    """One file: no script, no address, every image inside and with its alt, every link inside."""
    page, text = written, written.read_text(encoding="utf-8")
    read = Page(text)
    kinds = {tag for tag, _ in read.tags}
    assert kinds.isdisjoint({"script", "link", "iframe", "object"})
    sources = [attrs["src"] for _, attrs in read.tags if "src" in attrs]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(attrs["alt"] for tag, attrs in read.tags if tag == "img")
    links = [attrs["href"] for tag, attrs in read.tags if tag == "a"]
    ids = {attrs["id"] for _, attrs in read.tags if "id" in attrs}
    for link in links:
        assert link[1:] in ids if link.startswith("#") else (page.parent / link).is_file()
    assert not re.search(r"url\(|@import", text)
    assert not any(name.startswith("on") for _, attrs in read.tags for name in attrs)
    assert "default-src 'none'" in text


def test_everything_from_data_is_escaped(written: Any) -> None:
    """A hostile text is read back as that text, in each of the places where it can stand."""
    read = Page(written.read_text(encoding="utf-8"))
    # title, h1, subtitle, sentence, label, contents, h2, words, caption, column, cell
    assert read.words.count(EVIL) == 11
    assert sum("<script src=//evil" in attrs.get("alt", "") for _, attrs in read.tags) == 2


def test_figures_are_files_in_order(written: Any) -> None:
    """Figures are numbered through the report, and are the images of the page."""
    files = sorted((written.parent / "figures").iterdir())
    assert [file.name[:3] for file in files] == ["01-", "02-"]
    assert files[1].name == "02-drawn-late.png"
    inside = re.findall(r"base64,([A-Za-z0-9+/=]+)", written.read_text(encoding="utf-8"))
    assert [base64.b64decode(one) for one in inside] == [file.read_bytes() for file in files]


def test_tables_are_data(tmp_path: Any) -> None:
    """CSV and Parquet give the table back; two tables of one name have a file each."""
    pytest.importorskip("pyarrow")
    report = full()
    write_report(report, tmp_path)
    names = {file.name for file in (tmp_path / "tables").iterdir()}
    assert {"long.csv", "long2.csv", "long.parquet", "long2.parquet"} <= names
    stem = next(name for name in names if "script" in name).split(".")[0]
    expected = table().reset_index()
    back = pd.read_parquet(tmp_path / "tables" / f"{stem}.parquet")
    assert back.astype(expected.dtypes.to_dict()).equals(expected)
    csv = pd.read_csv(tmp_path / "tables" / f"{stem}.csv", encoding="utf-8")
    assert csv["revenue"].equals(expected["revenue"])
    assert csv[EVIL].tolist() == expected[EVIL].tolist()
    assert report.notes == []


def test_numbers_are_written_for_people(written: Any) -> None:
    """Ids stay as they are, amounts stand right with thousands apart, a gap is a dash."""
    text = written.read_text(encoding="utf-8")
    row = re.search(r"<tr><td[^>]*>2024-03-04 00:00.*?</tr>", text)
    assert row
    cells = re.findall(r"<td(.*?) dir=\"auto\">(.*?)</td>", row[0])
    number = ' class="number"'
    assert [cell for _, cell in cells[1:2]] == ["1234567"]
    assert cells[3:] == [(number, "1,234,567"), (number, "1,234.50"), ("", "True")]
    assert f'<td{number} dir="auto">–</td>' in text
    assert "start (Asia/Shanghai)" in text


def test_long_tables_show_their_beginning(written: Any) -> None:
    """41 rows are shown as 20, with a link to all; 40 are shown whole."""
    text = written.read_text(encoding="utf-8")
    bodies = [
        body.count("<tr>") for body in re.findall(r"<tbody>\n(.*?)</tbody>", text, re.DOTALL)
    ]
    assert bodies == [3, 20, 40]
    assert "the first 20 of 41 rows" in text
    assert len((written.parent / "tables" / "long.csv").read_text().splitlines()) == 42


def test_same_report_same_bytes(written: Any) -> None:
    """Nothing of the clock is in a report; writing again replaces it."""
    first = written.read_bytes()
    assert write_report(full(), written.parent).read_bytes() == first


def test_without_pyarrow(tmp_path: Any, monkeypatch: Any) -> None:
    """Without Parquet the report is whole, and its notes and its page name the extra."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    report = full()
    page = write_report(report, tmp_path)
    assert len(report.notes) == 1
    assert "rtlab[data]" in report.notes[0]
    assert report.notes[0] in Page(page.read_text(encoding="utf-8")).words
    assert not list(tmp_path.rglob("*.parquet"))
    assert len(list(tmp_path.rglob("*.csv"))) == 3


def test_without_matplotlib(tmp_path: Any, monkeypatch: Any) -> None:
    """Without figures the words and tables are written, and the remedy is said once."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    late = [
        ("one", lambda: plot_series(pd.Series([1]))),
        ("two", lambda: plot_series(pd.Series([2]))),
    ]
    report = Report("t", sections=[Section("s", ["some words"], late, [("n", table())])])
    read = Page(write_report(report, tmp_path).read_text(encoding="utf-8"))
    assert len(report.notes) == 1
    assert "rtlab[plot]" in report.notes[0]
    assert {"some words", "Table 1."} <= {
        word for word in ("some words", "Table 1.") if word in read.words
    }
    assert "img" not in {tag for tag, _ in read.tags}
    assert not (tmp_path / "figures").exists()


def test_odd_tables(tmp_path: Any) -> None:
    """A column of several types, half a sign, no rows: each is in a CSV, and the page reads."""
    pytest.importorskip("pyarrow")
    odd = [("mixed", pd.DataFrame({"a": [1, "b\ud800"]})), ("none", pd.DataFrame({"a": []}))]
    report = Report("t", sections=[Section("s", [], [], odd)])
    page = write_report(report, tmp_path)
    assert "mixed.parquet is not there" in report.notes[0]
    assert "b?" in Page(page.read_text(encoding="utf-8")).words
    assert (tmp_path / "tables" / "mixed.csv").read_text() == "a\n1\nb?\n"
    assert (tmp_path / "tables" / "none.csv").read_text() == "a\n"


def test_files_are_replaced_at_once_or_not_at_all(tmp_path: Any, monkeypatch: Any) -> None:
    """When the last step fails, the old page is whole and nothing lies beside it."""
    report = Report("old")
    page = write_report(report, tmp_path)
    before = page.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk"):
        write_report(Report("new"), tmp_path)
    assert page.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
