"""Figures that speak: a picture carries its facts, its alt text and its words.

The house style is a context around the making and the saving of a figure. Nothing here touches
pyplot, whose figures belong to everybody.
"""

from __future__ import annotations

import base64
import html
import io
import logging
import math
import textwrap
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import ParameterError
from rtlab.extras import optional

INK, GREY, FRAME = "#1F2933", "#616E7C", "#E4E7EB"
COLOURS = ("#1F5FA8", "#B8420F", "#00755E", "#7B3F98", "#8A5A00", "#A3195B")
"""Told apart by colour-blind eyes, and at least 4.5:1 against white."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), "-", (0, (3, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
RAMP = ("#F2F6FB", "#9DC0E4", "#1F5FA8", "#0A2A52")
"""Light to dark in one hue: it survives a black-and-white printer."""

DPI = 144
STYLE: dict[str, Any] = {
    "figure.dpi": DPI, "savefig.dpi": DPI, "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.08, "figure.constrained_layout.w_pad": 0.08,
    "font.size": 9.5, "text.color": INK, "text.parse_math": False,  # a name may hold two dollars
    "figure.titlesize": 12.5, "figure.titleweight": "bold",
    "axes.edgecolor": "#9AA5B1", "axes.labelcolor": GREY, "axes.titlecolor": INK,
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.titleweight": "normal",
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": FRAME, "grid.linewidth": 0.8,
    "axes.axisbelow": True, "axes.xmargin": 0.01, "axes.ymargin": 0.08,
    "xtick.color": "#9AA5B1", "ytick.color": "#9AA5B1",
    "xtick.labelcolor": GREY, "ytick.labelcolor": GREY, "ytick.major.size": 0,
    "legend.frameon": False, "legend.handlelength": 2.6, "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.6, "lines.markersize": 4.5, "lines.solid_capstyle": "round",
    "hatch.color": "white", "hatch.linewidth": 0.9,
    "svg.hashsalt": "rtlab", "svg.fonttype": "path",
}  # fmt: skip

LOOKS = {
    "axes", "date", "figure", "font", "grid", "hatch", "image", "legend", "lines", "markers",
    "patch", "path", "savefig", "svg", "text", "xaxis", "xtick", "yaxis", "ytick",
}  # fmt: skip
"""The groups of matplotlib's settings in which the user's own would be seen."""

_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "PingFang SC", "PingFang HK", "Hiragino Sans GB", "Heiti TC", "Microsoft YaHei", "SimHei",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Sans CJK TC",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


_ONE_THREAD = threading.RLock()


@dataclass(frozen=True, repr=False)
class Picture:
    """A figure with the numbers that it shows and the words that say it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Made without pyplot, so that nothing is left open.
    facts : dict of str to plain values
        The numbers in the figure, rounded to two decimals, or to four digits where that is finer.
        Times are text; a missing number is None.
    alt : str
        One sentence for those who do not see the figure.
    caption : str
        The words that stand under the figure.

    Notes
    -----
    A notebook shows HTML with a real ``alt``; its plain text is the alt and the facts, so that a
    test of the notebook compares the numbers and not the pixels.

    Examples
    --------
    >>> import pandas as pd
    >>> from rtlab.charts import plot_series
    >>> picture = plot_series(pd.Series([3, 1, 2], name="sold"), unit="pieces")
    >>> picture.facts["highest"], picture.facts["mean"]
    (3, 2.0)
    """

    figure: Any
    facts: dict[str, Any]
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", plain(self.facts))

    def __repr__(self) -> str:
        return "\n".join([self.alt, *(f"  {name}: {fact}" for name, fact in self.facts.items())])

    def png(self) -> bytes:
        """Give the figure as PNG; the same figure gives the same bytes."""
        return self._render("png")

    def save(self, path: str | Path) -> Path:
        """Write the figure to a file, as PNG or SVG by its ending.

        Parameters
        ----------
        path : path
            Ends in ``.png`` or ``.svg``.

        Raises
        ------
        ParameterError
            If the ending is another.

        Examples
        --------
        >>> import pandas as pd, tempfile
        >>> from rtlab.charts import plot_series
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plot_series(pd.Series([3, 1, 2])).save(folder + "/three.svg").name
        'three.svg'
        """
        target = Path(path)
        kind = target.suffix.lower().lstrip(".")
        if kind not in {"png", "svg"}:
            raise ParameterError(
                f"path={str(path)!r}: a picture is saved as .png or .svg; name the file "
                f"{target.stem + '.png'!r}"
            )
        target.write_bytes(self._render(kind))
        return target

    def _render(self, kind: str) -> bytes:
        # What would differ from run to run: the writer's version, the clock.
        silent = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        held = io.BytesIO()
        with house_style():
            self.figure.savefig(held, format=kind, metadata=silent)
        return held.getvalue()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png()).decode()
        width = round(self.figure.get_size_inches()[0] * 96)
        # White and ink are both set here, so that the contrast holds in a dark theme too.
        return (
            f'<figure style="margin:0;padding:8px;background:#fff;color:{INK};'
            f'max-width:{width}px"><img src="data:image/png;base64,{data}" '
            f'alt="{html.escape(self.alt)}" style="width:100%;height:auto">'
            f'<figcaption style="font-size:0.95em;line-height:1.45;padding:4px 8px">'
            f"{html.escape(self.caption)}</figcaption></figure>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def plain(value: Any) -> Any:
    """Make a fact of a value: a plain, rounded Python object."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray, pd.Index)):
        return [plain(one) for one in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, (str, int)) or value is None or value is pd.NA:
        return None if value is pd.NA else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None if value is pd.NaT else str(value)
    if not math.isfinite(number):
        return None if math.isnan(number) else number
    finest = 2 if number == 0 else max(2, 3 - math.floor(math.log10(abs(number))))
    return round(number, finest) + 0.0  # no minus zero


def say(value: Any, unit: str = "") -> str:
    """Write a number for a person: four digits or all before the point, and its unit."""
    number = plain(value)
    if number is None or isinstance(number, str):
        return "none" if number is None else number
    if isinstance(number, int) or not math.isfinite(number) or abs(number) >= 1000:
        text = f"{number:,.0f}"
    elif is_money(unit):
        text = f"{number:.0f}" if number == round(number) else f"{number:.2f}"
    else:
        text = np.format_float_positional(number, 4, unique=False, fractional=False, trim="-")
    return with_unit(text, unit)


def with_unit(number: str, unit: str) -> str:
    """Put a unit to a written number: a currency sign before its digits, any other behind them."""
    sign, digits = "−" * number.startswith("-"), number.removeprefix("-")
    return f"{sign}{unit}{digits}" if is_money(unit) else f"{sign}{digits} {unit}".rstrip()


def is_money(unit: str) -> bool:
    """Tell whether a unit is a currency sign, which stands before its number: $, €, NT$."""
    return bool(unit) and unicodedata.category(unit[-1]) == "Sc"


def short(name: Any, width: int = 30) -> str:
    """Shorten a name to a number of columns on the page; a Chinese character takes two."""
    text = " ".join(str(name).split())
    sizes = [2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text]
    if sum(sizes) <= width:
        return text
    room = np.cumsum(sizes) <= width - 1
    return "".join(sign for sign, fits in zip(text, room, strict=True) if fits).rstrip() + "…"


def quoted(name: Any) -> str:
    """Keep a right-to-left name from turning the sentence around it."""
    text = short(name, 60)
    turned = any(unicodedata.bidirectional(sign) in {"R", "AL"} for sign in text)
    return f"\u2068{text}\u2069" if turned else text


@contextmanager
def house_style() -> Iterator[None]:
    """Make or save figures in the house style, and leave the user's own settings alone.

    matplotlib's settings belong to the whole process: one thread at a time may change them.
    """
    matplotlib = optional("matplotlib", "plot")
    log = logging.getLogger("matplotlib.font_manager")
    with _ONE_THREAD, matplotlib.rc_context(), warnings.catch_warnings():
        level = log.level
        log.setLevel(logging.ERROR)  # it would tell that a Chinese font has no bold
        default = matplotlib.rcParamsDefault
        looks = {key: default[key] for key in default if key.partition(".")[0] in LOOKS}
        matplotlib.rcParams.update(looks | STYLE | {"font.family": list(_families())})
        # Where no font has a sign, a box is drawn; alt and facts still hold the whole name.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        try:
            yield
        finally:
            log.setLevel(level)


@cache
def _families() -> tuple[str, ...]:
    """Name matplotlib's own font and the first installed one that writes Chinese."""
    manager = optional("matplotlib.font_manager", "plot").fontManager
    there = {font.name for font in manager.ttflist if Path(font.fname).exists()}
    return ("DejaVu Sans", *[name for name in _CHINESE if name in there][:1])


def sheet(height: float = 3.6) -> Any:
    """Give an empty figure, eight inches wide."""
    plain_figure = optional("matplotlib.figure", "plot").Figure
    figure = plain_figure(figsize=(8, height), layout="constrained")
    optional("matplotlib.backends.backend_agg", "plot").FigureCanvasAgg(figure)
    return figure


def blank(rows: Any = 1, height: float = 3.6, **how: Any) -> tuple[Any, Any]:
    """Give an empty figure, eight inches wide, and its axes: from top to bottom, or by name."""
    figure = sheet(height)
    if not isinstance(rows, int):
        return figure, figure.subplot_mosaic(rows, **how)
    return figure, list(figure.subplots(rows, 1, squeeze=False, **how)[:, 0])


def told(
    figure: Any, facts: Any, title: str, opening: str, words: str, *, settle: bool = True
) -> Picture:
    """Put the finding at the top left, in as many lines as it needs, and make the picture.

    What is drawn once and then replaced need not settle: to draw it lays it out.
    """
    title = textwrap.fill(" ".join(title.split()), 75, break_on_hyphens=False)
    figure.suptitle(title, x=0.008, ha="left")
    if settle:
        figure.draw_without_rendering()  # lay it out once: a second time would move it a little
        figure.set_layout_engine("none")
    return Picture(figure, facts, f"{opening}. {words}.", f"In words: {words}.")


def number_axis(axis: Any, unit: str = "") -> None:
    """Write an axis of amounts: thousands apart, millions as M, money with its sign."""

    def written(value: float, _: int) -> str:
        large = max(abs(end) for end in axis.get_view_interval()) >= 2e6
        text = f"{value / 1e6:,.9g}M" if large and value else f"{value:,.9g}"
        return with_unit(text, unit if is_money(unit) else "")

    axis.set_major_formatter(written)


def upper(text: Any) -> str:
    """Begin a title with a name, whose other capitals are its own."""
    name = short(text, 44)
    return name[:1].upper() + name[1:]
