"""A report folder: one page that stands alone, its figures as files, its tables as data."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from rtlab.errors import MissingExtraError
from rtlab.extras import optional
from rtlab.pictures import Picture
from rtlab.sinks.files import Pending, write_csv, write_parquet

LONG, HEAD = 40, 20
"""A table with more rows than the first shows as many as the second; the CSV has them all."""


@dataclass
class Section:
    """A part of a report: words, then figures, then tables.

    Attributes
    ----------
    title : str
    words : list of str
        Paragraphs.
    pictures : list of (str, Picture or callable)
        A callable gives the Picture when the report is written: without matplotlib the report
        then goes on without it.
    tables : list of (str, DataFrame)
    """

    title: str
    words: list[str] = field(default_factory=list)
    pictures: list[tuple[str, Picture | Callable[[], Picture]]] = field(default_factory=list)
    tables: list[tuple[str, pd.DataFrame]] = field(default_factory=list)


@dataclass
class Report:
    """What :func:`write_report` writes.

    Attributes
    ----------
    title, subtitle : str
    account : account, optional
        With ``sentence()`` and ``lines()`` of (label, rows); stands at the head.
    sections : list of Section
    notes : list of str
        What could not be written and the remedy; set anew by each writing.
    """

    title: str
    subtitle: str = ""
    account: Any = None
    sections: list[Section] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_report(report: Report, folder: str | Path) -> Path:
    """Write ``report.html`` with ``figures/*.png``, ``tables/*.csv`` and ``tables/*.parquet``.

    Parameters
    ----------
    report : Report
    folder : path
        Made if it is not there; files of the same names are replaced, each at once or not at all.

    Returns
    -------
    Path
        Of the page, which holds its figures and its style: it can be mailed alone.

    Notes
    -----
    Without matplotlib there are no figures, without pyarrow no Parquet: ``report.notes`` and the
    page say so. The same report gives the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(Report("A quiet day", sections=[Section("Sales")]), folder)
    ...     "<h1>A quiet day</h1>" in page.read_text(encoding="utf-8")
    True
    """
    target = Path(folder)
    notes: dict[str, None] = {}  # an ordered set
    figures, tables, body = 0, 0, []
    taken: set[str] = set()
    for number, section in enumerate(report.sections, 1):
        parts = [f'<section id="s{number}"><h2>{escape(section.title)}</h2>']
        parts += [f"<p>{escape(words)}</p>" for words in section.words]
        for name, given in section.pictures:
            try:
                picture = given if isinstance(given, Picture) else given()
                image = picture.png()
            except MissingExtraError as missing:
                notes[f"Without figures: {missing}"] = None
                continue
            figures += 1
            _atomic(target / "figures" / f"{figures:02}-{_file(name, set())}.png", image)
            parts.append(_figure(figures, picture, image))
        for name, frame in section.tables:
            tables += 1
            link = _write_table(_flat(frame), target / "tables" / _file(name, taken), notes)
            parts.append(_table(tables, name, _flat(frame), link))
        body.append("\n".join([*parts, "</section>"]))
    report.notes[:] = notes
    page = target / "report.html"
    _atomic(page, _page(report, body).encode("utf-8", "replace"))
    return page


def _page(report: Report, body: list[str]) -> str:
    links = "".join(
        f'<li><a href="#s{number}">{escape(section.title)}</a></li>'
        for number, section in enumerate(report.sections, 1)
    )
    head = [f'<p class="subtitle">{escape(report.subtitle)}</p>'] if report.subtitle else []
    if report.account is not None:
        rows = "".join(
            f'<tr><th scope="row">{escape(str(label))}</th><td class="number">{rows:,}</td></tr>'
            for label, rows in report.account.lines()
        )
        head.append(f"<p>{escape(report.account.sentence())}.</p>")
        head.append('<table class="account"><caption>The account of rows</caption>')
        head.append(f"<tbody>{rows}</tbody></table>")
    if report.notes:
        notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
        head.append(f'<div class="notes" role="note">{notes}</div>')
    page = resources.files("rtlab").joinpath("report_page.html").read_text(encoding="utf-8")
    return Template(page).substitute(
        title=escape(report.title), head="\n".join(head), links=links, body="\n".join(body)
    )


def _figure(number: int, picture: Picture, image: bytes) -> str:
    width, height = (round(inches * 96) for inches in picture.figure.get_size_inches())
    data = base64.b64encode(image).decode()
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(picture.alt)}"><figcaption><b>Figure {number}.</b> '
        f"{escape(picture.caption)}</figcaption></figure>"
    )


def _table(number: int, name: str, frame: pd.DataFrame, link: str) -> str:
    """Show a table, or the beginning of a long one, and link to all of it."""
    shown = frame.head(HEAD) if len(frame) > LONG else frame
    rest = f"; the first {HEAD} of {len(frame):,} rows" if len(frame) > LONG else ""
    tags = [' class="number"' if _is_number(frame[name]) else "" for name in frame]
    heads = [
        f"{name} ({dtype.tz})" if isinstance(dtype, pd.DatetimeTZDtype) else name
        for name, dtype in frame.dtypes.items()
    ]
    top = "".join(
        f'<th scope="col"{tag}>{escape(str(head))}</th>'
        for head, tag in zip(heads, tags, strict=True)
    )
    columns = [
        [f'<td{tag} dir="auto">{escape(text)}</td>' for text in _texts(shown[name])]
        for name, tag in zip(shown, tags, strict=True)
    ]
    rows = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
    return (
        f'<div class="wide" role="region" aria-label="Table {number}" tabindex="0"><table>'
        f"<caption><b>Table {number}.</b> {escape(name)}{rest} "
        f'(<a href="{escape(link)}">CSV</a>)</caption>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _is_number(column: Any) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _texts(column: Any) -> list[str]:
    """Write a column for the page, each number with as many decimals as its neighbours."""
    known = column[column.notna()]
    write: Callable[[Any], str] = str  # a name, be it a number
    if pd.api.types.is_datetime64_any_dtype(column):
        dates = bool((known == known.dt.normalize()).all())
        write = ("{:%Y-%m-%d}" if dates else "{:%Y-%m-%d %H:%M}").format
    elif _is_number(column) and not re.search(r"(^|_)(id|year|period|lag)$", str(column.name)):
        places = 0 if (known % 1 == 0).all() else 2 if known.abs().max() >= 10 else 4
        write = f"{{:,.{places}f}}".format
    values = zip(column.astype(object), column.isna(), strict=True)
    return ["–" if gone else write(value) for value, gone in values]


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of a named index, and text of the columns' names."""
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    flat = frame if plain else frame.reset_index()
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in flat]
    return flat.set_axis(names, axis=1)


def _write_table(frame: pd.DataFrame, path: Path, notes: dict[str, None]) -> str:
    """Write a table as CSV and, where it can be, as Parquet; give the link to the CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(frame, path.with_suffix(".csv"))
    try:
        optional("pyarrow", "data")
        write_parquet(frame, path.with_suffix(".parquet"))
    except MissingExtraError as missing:
        notes[f"Tables as CSV only, without Parquet: {missing}"] = None
    except ValueError as wrong:  # half a sign, say, which Parquet refuses
        notes[f"tables/{path.name}.parquet is not there; the CSV has every row: {wrong}"] = None
    return f"tables/{path.name}.csv"


def _file(name: str, taken: set[str]) -> str:
    """Make a file's name of any words, the same on every system, and a new one each time."""
    stem = re.sub(r"[^\w]+", "-", name.lower()).strip("-_")[:60] or "unnamed"
    free = next(f"{stem}{end}" for end in ("", *range(2, 999)) if f"{stem}{end}" not in taken)
    taken.add(free)
    return free


def _atomic(path: Path, content: bytes) -> None:
    """Write a file at once or not at all, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pending = Pending(path)
    pending.file.write(content)
    pending.publish()
