"""Pictures and charts: the numbers are read back from what was drawn."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from rtlab import charts, pictures, stems, tallies
from rtlab.errors import DataError, MissingColumnError, ParameterError
from rtlab.stems import plot_correlogram

if TYPE_CHECKING:
    from rtlab.pictures import Picture

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # matplotlib 3.8 on a newer pyparsing
    pytest.importorskip("matplotlib.backends.backend_agg")

HOSTILE = "<img src=x onerror=\"alert(1)\"> & $a_{b}$ 'q'"


def hours(n: int, zone: str = "Asia/Shanghai", start: str = "2024-03-04") -> pd.Series[float]:
    """Give a wavy hourly series whose largest and smallest values are unique."""
    index = pd.date_range(start, periods=n, freq="h", tz=zone)
    at = np.arange(n)
    wave = 100 + 30 * np.sin(2 * np.pi * at / 24) + 10 * np.cos(2 * np.pi * at / 168) + at / 1000
    return pd.Series(np.round(wave, 2), index, name="revenue")


def line(axes: Any, label: str) -> np.ndarray[Any, Any]:
    """Read the heights of the line that the legend calls ``label``."""
    found = [one for one in axes.lines if one.get_label() == label]
    return np.asarray(found[0].get_ydata(), float)


def texts(picture: Picture) -> list[str]:
    """Read every text that is in a figure."""
    from matplotlib.text import Text  # noqa: PLC0415  (an extra)

    return [one.get_text() for one in picture.figure.findobj(Text)]


def correlogram(n: int = 30) -> SimpleNamespace:
    """Give a correlogram of which three lags leave a band that widens."""
    values = pd.Series(0.01, pd.RangeIndex(n + 1, name="lag"))
    values[[0, 1, 24, 7]] = [1.0, 0.5, -0.8, 0.3]
    band = pd.Series(np.linspace(0.1, 0.2, n + 1), values.index)
    box = pd.DataFrame({"statistic": [9.0] * n, "p_value": [0.0123] * n}, values.index[1:])
    return SimpleNamespace(
        values=values, lower=-band, upper=band, kind="acf", n=1000, alpha=0.05, ljung_box=box
    )


def decomposition(start: str = "2024-03-05 05:00") -> SimpleNamespace:
    """Give parts of which every number is known; it starts on a Tuesday at 5."""
    index = pd.date_range(start, periods=24 * 28, freq="h", tz="Asia/Shanghai")
    day = pd.Series(np.where(index.hour == 18, 46.0, -2.0), index)
    week = pd.Series(np.where((index.day_of_week == 5) & (index.hour == 11), 167.0, -1.0), index)
    trend = pd.Series(np.linspace(500.0, 600.0, len(index)), index)
    residual = pd.Series(0.0, index)
    residual.iloc[[100, 200]] = [-9.0, 7.0]
    return SimpleNamespace(
        observed=(trend + day + week + residual).rename("revenue"), trend=trend,
        seasons=pd.DataFrame({24: day, 168: week}), residual=residual, periods=(24, 168),
        method="mstl", strengths=pd.Series({"trend": 0.61, 24: 0.93, 168: 0.72}),
    )  # fmt: skip


def account(**more: int) -> SimpleNamespace:
    """Give an account of a thousand rows."""
    lines = {"rows in": 1000, "used": 900, "of these, returns": 30, "rejected: zero": 60,
             "rejected: future": 0, "late": 30, "duplicate": 10} | more  # fmt: skip
    said = "1,000 rows = 900 used + 60 rejected + 30 late + 10 duplicate"
    return SimpleNamespace(lines=lambda: list(lines.items()), sentence=lambda: said)


def weeks() -> pd.DataFrame:
    """Give customers of three weeks."""
    start = pd.date_range("2024-03-04", periods=3, freq="7D", tz="Asia/Shanghai", name="start")
    return pd.DataFrame({"new": [50, 20, 5], "returning": [0, 40, 52]}, start)


def every_chart() -> dict[str, tuple[Picture, list[str]]]:
    """Draw each chart once, with words that its alt must hold."""
    raw = hours(24 * 14)
    top = pd.DataFrame({"name": ["tea", "cup"], "sold": [1234.5, -3.0]})
    peak = f"¥{raw.max():.2f}"
    return {
        "series": (
            charts.plot_series(raw, unit="¥"),
            [peak, "2024-03-11 06:00", f"¥{raw.min():.2f}"],
        ),
        "average": (charts.plot_average(raw, raw.rolling(24).mean(), unit="¥"), [peak, "average"]),
        "difference": (charts.plot_difference(raw, raw.diff(24)), ["difference", "revenue"]),
        "correlogram": (
            plot_correlogram(correlogram()),
            [
                "Autocorrelation lies outside what chance would give at 3 of 30 lags",
                "lag 24 (−0.8)",
                "1.5",
                "0.0123",
            ],
        ),
        "decomposition": (
            charts.plot_decomposition(decomposition()),
            ["18:00 (46)", "Sat 11:00 (167)", "mstl", "season 24 0.93, season 168 0.72"],
        ),
        "leaderboard": (
            tallies.plot_leaderboard(top, value="sold", label="name", unit="$"),
            ["tea $1,234", "cup −$3"],
        ),
        "heatmap": (tallies.plot_heatmap(raw), ["best hour", "weakest"]),
        "account": (tallies.plot_account(account()), ["900 used + 60 rejected"]),
        "customers": (tallies.plot_customers(weeks()), ["50 customers were new", "5 in the last"]),
    }


@pytest.fixture(scope="module", name="gallery")
def _gallery() -> dict[str, tuple[Picture, list[str]]]:
    return every_chart()


def test_alt_is_a_sentence_with_the_numbers(gallery: Any) -> None:
    """Who does not see the figure learns its numbers from the alt, and so from the plain text."""
    for name, (picture, words) in gallery.items():
        assert all(word in picture.alt for word in words), (name, picture.alt)
        assert picture.alt.endswith("."), name
        assert repr(picture).startswith(picture.alt), name
        assert picture.caption.startswith("In words: "), name


def test_facts_are_plain(gallery: Any) -> None:
    """Facts read the same with any numpy and pandas: no scalar or timestamp of theirs is left."""

    def leaves(fact: Any) -> list[Any]:
        inner = (
            fact.values() if isinstance(fact, dict) else fact if isinstance(fact, list) else None
        )
        return [fact] if inner is None else [leaf for one in inner for leaf in leaves(one)]

    for picture, _ in gallery.values():
        assert {type(leaf) for leaf in leaves(picture.facts)} <= {
            int,
            float,
            str,
            bool,
            type(None),
        }


def test_every_axis_is_labelled(gallery: Any) -> None:
    """An axis that is seen says what it measures."""
    for name, (picture, _) in gallery.items():
        for axes in picture.figure.axes:
            if (
                axes.axison
                and axes.yaxis.get_ticklabels()
                and name not in {"leaderboard", "account"}
            ):
                assert axes.get_ylabel(), name
        assert any(axes.get_xlabel() for axes in picture.figure.axes) or name in {
            "leaderboard",
            "account",
        }, name


def test_bytes_are_reproducible() -> None:
    """Two runs give the same PNG and SVG, and neither tells who wrote it and when."""
    first, again = (charts.plot_series(hours(50)) for _ in range(2))
    assert first.png() == first.png() == again.png()
    data, place, chunks = first.png(), 8, []
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        chunks.append(kind)
        place += 12 + size
    assert set(chunks) <= {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_save(tmp_path: Any) -> None:
    """A picture is saved as its ending says; another ending is refused with the remedy."""
    picture = charts.plot_series(hours(50))
    assert picture.save(tmp_path / "图.png").read_bytes() == picture.png()
    svg = [picture.save(tmp_path / f"{n}.svg").read_text(encoding="utf-8") for n in range(2)]
    assert svg[0] == svg[1]
    assert "<dc:date>" not in svg[0]
    with pytest.raises(ParameterError, match=r"x\.jpg.*\.png or \.svg.*x\.png"):
        picture.save(tmp_path / "x.jpg")


def test_html_escapes_and_speaks() -> None:
    """A notebook gets one image with its alt; a hostile name stays text."""
    picture = charts.plot_series(hours(30).rename(HOSTILE))
    seen: list[Any] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.append((tag, dict(attrs)))

    bundle = picture._repr_mimebundle_()
    Reader().feed(bundle["text/html"])
    assert [tag for tag, _ in seen] == ["figure", "img", "figcaption"]
    assert seen[1][1]["alt"] == picture.alt
    assert set(seen[1][1]) == {"src", "alt", "style"}
    assert HOSTILE[:20] in picture.alt
    assert bundle["text/plain"] == repr(picture)
    assert "highest_at: " in bundle["text/plain"]


def test_no_pyplot_and_no_settings_left_behind() -> None:
    """Nothing is left open, no setting is changed, and no warning or log line is shown."""
    code = (
        "import sys, warnings, pandas as pd\n"
        "from matplotlib import rcParams, figure\n"
        "warnings.simplefilter('error')\n"
        "rcParams['font.size'] = 31\n"
        "def settings(): return {k: rcParams[k] for k in rcParams if k != 'backend'}\n"
        "from rtlab.charts import plot_series\n"
        "before = settings()\n"
        "a = plot_series(pd.Series([1, 2], name='收入 إيراد \\ue123')); a.png()\n"
        "assert settings() == before\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_missing_glyphs_do_not_raise(monkeypatch: Any) -> None:
    """Where no font writes Chinese, a box is drawn; the facts keep the name."""
    monkeypatch.setattr(pictures, "_families", lambda: ("DejaVu Sans",))
    frame = pd.DataFrame({"n": [1], "name": ["绿茶 شاي \ue123"]})
    picture = tallies.plot_leaderboard(frame, value="n", label="name")
    assert len(picture.png()) > 1000
    assert picture.facts["ranks"] == [["绿茶 شاي \ue123", 1]]


@pytest.mark.parametrize("colour", [*pictures.COLOURS, pictures.INK, pictures.GREY])
def test_contrast(colour: str) -> None:
    """Marks and words reach 4.5:1 against white, by the formula of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    assert 1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (np.int64(3), 3), (np.float64(1234.5678), 1234.57), (0.000123456, 0.0001235), (-0.0, 0.0),
        (float("nan"), None), (pd.NaT, None), (pd.NA, None), (np.bool_(True), True),
        (np.str_("a"), "a"), (np.array([1.0, 2.0]), [1.0, 2.0]), ({1: np.int8(2)}, {"1": 2}),
        (True, True), (12345678901234567, 12345678901234567),
    ],
)  # fmt: skip
def test_plain(value: Any, fact: Any) -> None:
    """A fact is Python's own object, rounded."""
    made = pictures.plain(value)
    assert made == fact
    assert type(made) is type(fact)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1234567, "", "1,234,567"), (1234.5, "$", "$1,234"), (-12.5, "€", "−€12.50"),
        (3, "pieces", "3 pieces"), (0.12345, "", "0.1235"), (None, "$", "none"),
        (12, "NT$", "NT$12"), (100.0, "$", "$100"), (999.999, "¥", "¥1,000"),
    ],
)  # fmt: skip
def test_say(value: Any, unit: str, words: str) -> None:
    """Numbers in words: thousands apart, a true minus, money with its sign before it."""
    assert pictures.say(value, unit) == words


def test_short_counts_columns() -> None:
    """A Chinese character takes two columns; a name that fits is left alone."""
    assert pictures.short("a" * 30) == "a" * 30
    assert pictures.short("a" * 31) == "a" * 29 + "…"
    assert pictures.short("茶" * 16) == "茶" * 14 + "…"
    assert pictures.quoted("شاي") == "\u2068شاي\u2069"


def test_series_numbers_are_those_of_the_line() -> None:
    """The facts of a series are what its line, its mean line and its two marks show."""
    raw = hours(24 * 14)
    picture = charts.plot_series(raw, unit="$")
    (axes,) = picture.figure.axes
    drawn = line(axes, "revenue")
    facts = picture.facts
    assert drawn.tolist() == raw.tolist()
    assert (facts["lowest"], facts["highest"]) == (drawn.min(), drawn.max())
    marks = [np.asarray(one.get_ydata()) for one in axes.lines if one.get_marker() in {"v", "^"}]
    assert [mark.tolist() for mark in marks] == [[facts["lowest"]], [facts["highest"]]]
    mean = next(one for one in axes.lines if str(one.get_label()).startswith("mean"))
    assert round(mean.get_ydata()[0], 2) == facts["mean"]
    assert facts["highest_at"] == f"{raw.idxmax():%Y-%m-%d %H:%M}"
    assert axes.get_ylabel() == "revenue ($)"
    assert any(re.fullmatch(r"\$\d+", text) for text in texts(picture))


def test_integers_stay_integers() -> None:
    """A count has no decimals in its facts."""
    assert charts.plot_series(pd.Series([3, 1])).facts["highest"] == 3
    assert type(charts.plot_series(pd.Series([3, 1])).facts["highest"]) is int


@pytest.mark.parametrize("gap", [False, True])
def test_thinning_looks_the_same(gap: bool) -> None:
    """A long line keeps its ends, its order and its gaps in few points: checked pixel by pixel."""
    raw = pd.Series(np.random.default_rng(7).normal(size=100_003)).cumsum()
    if gap:
        raw[40_000:60_000] = np.nan
    (axes,) = charts.plot_series(raw).figure.axes
    drawn = next(one for one in axes.lines if one.get_label() == "value")
    x, y = drawn.get_xdata(), drawn.get_ydata()
    assert len(y) <= 1800
    assert (np.diff(x) > 0).all()
    kept = pd.Series(y, x)
    assert kept.dropna().equals(raw[kept.dropna().index])
    pixel = kept.index // 112  # 100,003 points on 900 pixels
    lows, highs = raw.groupby(raw.index // 112).min(), raw.groupby(raw.index // 112).max()
    assert kept.groupby(pixel).min().equals(lows[kept.groupby(pixel).min().index])
    assert kept.groupby(pixel).max().equals(highs[kept.groupby(pixel).max().index])
    assert bool(np.isnan(y).any()) is gap


def test_times_are_written_in_the_zone_of_the_series() -> None:
    """The tick that says 12:00 stands at noon in Shanghai, which is 4 o'clock UTC."""
    from matplotlib.dates import num2date  # noqa: PLC0415  (an extra)

    picture = charts.plot_series(hours(20))
    picture.png()
    (axes,) = picture.figure.axes
    ticks = {
        tick.get_text(): at
        for tick, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)
    }
    assert num2date(ticks["12:00"]).hour == 4
    assert axes.get_xlabel() == "time (Asia/Shanghai)"


def test_several_series_differ_beside_colour() -> None:
    """Lines of one figure differ in dash and mark, so that a black-and-white print tells them."""
    raw = hours(200)
    picture = charts.plot_series({name: raw * k for k, name in enumerate("abcd", 1)})
    lines = [one for one in picture.figure.axes[0].lines if one.get_label() in "abcd"]
    assert len({str(one.get_linestyle()) + str(one._dash_pattern) for one in lines}) == 4
    assert len({one.get_marker() for one in lines}) == 4
    assert picture.facts["d"]["highest"] == pictures.plain(raw.max() * 4)


def test_average_and_difference_numbers() -> None:
    """Raw and result are both drawn as they are, and the facts are their ends."""
    raw = hours(24 * 14)
    smooth, change = raw.rolling(24).mean(), raw.diff(24)
    average = charts.plot_average(raw, {"trailing": smooth, "wide": raw.rolling(168).mean()})
    drawn = line(average.figure.axes[0], "trailing")
    assert np.array_equal(drawn, smooth.to_numpy(), equal_nan=True)
    assert average.facts["trailing"]["highest"] == pytest.approx(np.nanmax(drawn), abs=0.006)
    assert average.facts["raw"]["highest"] == line(average.figure.axes[0], "raw").max()
    picture = charts.plot_difference(raw, {"lag 24": change})
    drawn = line(picture.figure.axes[1], "lag 24")
    assert picture.facts["lag 24"]["lowest"] == pictures.plain(np.nanmin(drawn))
    assert np.array_equal(drawn, change.to_numpy(), equal_nan=True)
    assert str(change.abs().idxmax())[:16] in picture.figure.get_suptitle()


def test_average_shades_stretches() -> None:
    """A stretch is shaded from its start to its end, and the words and the facts name both."""
    raw = hours(24 * 14)
    ends = (raw.index[30], raw.index[77])
    picture = charts.plot_average(raw, raw.rolling(24).mean(), during={"promotion": ends})
    (band,) = [one for one in picture.figure.axes[0].patches if one.get_label() == "promotion"]
    dates = pytest.importorskip("matplotlib.dates")
    drawn = np.asarray(band.get_extents().transformed(band.axes.transData.inverted()))[:, 0]
    assert drawn == pytest.approx(dates.date2num([end.tz_convert("UTC") for end in ends]))
    assert picture.facts["promotion"] == ["2024-03-05 06:00", "2024-03-07 05:00"]
    assert "promotion: from 2024-03-05 06:00 to 2024-03-07 05:00" in picture.alt


def test_difference_shows_what_season_is_left() -> None:
    """With a period, the panels have one scale, and the share of a season is that of its means."""
    raw = hours(24 * 14)
    change = raw.diff(5)
    picture = charts.plot_difference(raw, {"lag 5": change}, period=24)
    for axes, one in zip(picture.figure.axes, (raw, change), strict=True):
        fact = picture.facts["raw" if one is raw else "lag 5"]
        means = {hour: one[one.index.hour == hour].mean() for hour in range(24)}
        drawn = np.asarray(axes.lines[-1].get_ydata(), float)
        known = ~np.isnan(drawn)
        assert np.allclose(drawn[known], [means[at.hour] for at in one.index[known]])
        assert fact["known"] == known.sum() == one.count()
        assert fact["std"] == round(one.std(), 2)
        share = np.var(drawn[known]) / np.var(one.dropna())
        assert fact["share_24"] == pytest.approx(share, rel=0.001)
        assert f"{share:.0%} in " in picture.figure.get_suptitle()
    low, high = (np.array(axes.get_ylim()) for axes in picture.figure.axes)
    assert np.ptp(low) == pytest.approx(np.ptp(high))
    assert "share_24" not in charts.plot_difference(raw, change).facts["raw"]


def test_several_correlograms_have_a_panel_each() -> None:
    """Each panel shows its own stems on one scale; facts, title and words are by name."""
    few = correlogram(24)
    few.values[5] = -0.5  # noqa: PD011  (a field of that name)
    named = {"raw": correlogram(), "lag 24": few}
    picture = plot_correlogram(named)
    assert [axes.get_ylabel() for axes in picture.figure.axes] == ["ACF of raw", "ACF of lag 24"]
    assert len({axes.get_ylim() for axes in picture.figure.axes}) == 1
    for axes, c in zip(picture.figure.axes, named.values(), strict=True):
        stems = [seg[1][1] for group in axes.collections[1:] for seg in group.get_segments()]
        assert sorted(stems) == sorted(c.values[1:].tolist())  # noqa: PD011  (a field)
    assert {name: fact["outside"] for name, fact in picture.facts.items()} == {
        "raw": 3, "lag 24": 4
    }  # fmt: skip
    assert picture.facts["raw"] == plot_correlogram(correlogram()).facts
    assert "3 in raw, 4 in lag 24" in picture.figure.get_suptitle()
    assert "lag 24 lies outside what chance would give at 4 of 24 lags" in picture.alt


def test_correlogram_numbers() -> None:
    """Stems end at the correlations; those outside the band are the ones that are counted."""
    c = correlogram()
    picture = plot_correlogram(c)
    (axes,) = picture.figure.axes
    assert line(axes, "outside").tolist() == [0.5, 0.3, -0.8]
    assert len(line(axes, "inside")) == 27
    stems = [seg[1][1] for group in axes.collections[1:] for seg in group.get_segments()]
    assert sorted(stems) == sorted(c.values[1:].tolist())  # noqa: PD011  (a field of that name)
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.max() == c.upper.iloc[-1]
    facts = picture.facts
    assert (facts["outside"], facts["strongest_lag"], facts["strongest"]) == (3, 24, -0.8)
    assert facts["by_chance"] == 0.05 * 30


def test_decomposition_numbers() -> None:
    """Seasons are drawn on the clock on which they were made, whatever hour the series starts."""
    d = decomposition()
    truth = {"trend": d.trend + 5, 24: d.seasons[24] * 2}
    picture = charts.plot_decomposition(d, truth=truth)
    panels = {axes.get_ylabel(): axes for axes in picture.figure.axes}
    day = np.asarray(panels["season 24"].lines[0].get_ydata())
    week = np.asarray(panels["season 168"].lines[0].get_ydata())
    assert (day.argmax(), day.max()) == (18, 46.0)
    assert (week.argmax(), week.max()) == (5 * 24 + 11, 167.0)
    facts = picture.facts
    assert facts["season 24"] == {
        "lowest": day.min(), "lowest_at": "00:00", "highest": 46.0, "highest_at": "18:00"
    }  # fmt: skip
    assert facts["season 168"]["highest_at"] == "Sat 11:00"
    assert facts["trend"]["highest"] == line(panels["trend"], "found").max()
    gap = line(panels["trend"], "put in") - line(panels["trend"], "found")
    assert gap == pytest.approx(5.0)
    assert facts["residual"]["lowest"] == line(panels["residual"], "found").min()
    assert facts["mean gap of trend"] == 5.0
    assert facts["mean gap of 24"] == 3.833  # 46 once and 2 for 23 hours, of 24
    assert facts["strengths"] == {"trend": 0.61, "24": 0.93, "168": 0.72}
    assert np.asarray(panels["season 24"].lines[1].get_ydata()).max() == 92.0


def test_a_season_that_is_no_clock_counts_ticks() -> None:
    """A period of 5 ticks, on times or on numbers, has positions from 0."""
    part = pd.Series(np.tile([0.0, 3, 0, -1, -2], 6), name="sold")
    d = SimpleNamespace(
        observed=part, trend=part * 0, seasons=pd.DataFrame({5: part}), residual=part * 0,
        method="stl", strengths={"trend": 0.0, 5: 1.0},
    )  # fmt: skip
    assert charts.plot_decomposition(d).facts["season 5"]["highest_at"] == 1


def test_leaderboard_numbers() -> None:
    """Bars are as long as their values, in the order of the rows; names stay text."""
    frame = pd.DataFrame({"name": [HOSTILE, "茶" * 40, "cup"], "sold": [90, 70, -40]})
    picture = tallies.plot_leaderboard(frame, value="sold", label="name", unit="pieces")
    (axes,) = picture.figure.axes
    assert [bar.get_width() for bar in axes.patches] == [
        rank[1] for rank in picture.facts["ranks"]
    ]
    assert [rank[0] for rank in picture.facts["ranks"]] == frame["name"].tolist()
    assert axes.yaxis_inverted()
    seen = texts(picture)
    assert {"90 pieces", "−40 pieces", "cup", "茶" * 19 + "…"} <= set(seen)
    assert not any(text.get_parse_math() for text in axes.get_yticklabels())


def test_heatmap_numbers() -> None:
    """A cell is the mean of its hour on the local clock, across a change of the clock."""
    raw = hours(24 * 21, "America/New_York", "2024-03-01")
    picture = tallies.plot_heatmap(raw)
    grid = np.asarray(picture.figure.axes[0].collections[0].get_array()).reshape(7, 24)
    slow: dict[tuple[int, int], list[float]] = {}
    for time, value in raw.items():
        slow.setdefault((time.weekday(), time.hour), []).append(value)  # type: ignore[attr-defined]
    for (day, hour), values in slow.items():
        assert grid[day, hour] == pytest.approx(np.mean(values))
    day, hour = divmod(int(grid.argmax()), 24)
    assert picture.facts["best"] == round(grid.max(), 2)
    assert picture.facts["best_at"] == f"{tallies.DAYS[day]} {hour:02}:00"
    assert picture.facts["weakest"] == round(grid.min(), 2)
    assert picture.facts["days"]["Monday"] == round(raw[raw.index.day_of_week == 0].mean(), 2)
    assert picture.figure.axes[0].get_xlabel() == "hour of day (America/New_York)"
    best = raw.groupby(raw.index.day_name()).mean()
    assert f"the best day is {best.idxmax()} (mean per hour: " in picture.alt
    finer = tallies.plot_heatmap(
        raw.set_axis(pd.date_range("2024", periods=len(raw), freq="10min"))
    )
    assert "(mean per 10 minutes: " in finer.alt


def test_account_numbers() -> None:
    """The bars add up to the rows in; a reason without rows has no bar."""
    picture = tallies.plot_account(account())
    whole, reasons = picture.figure.axes
    assert [bar.get_width() for bar in whole.patches] == [900, 100]
    assert [bar.get_width() for bar in reasons.patches] == [60, 30, 10]
    assert picture.facts["in"] == sum(bar.get_width() for bar in whole.patches)
    assert "90% of 1,000 rows" in picture.figure.get_suptitle()
    clean = SimpleNamespace(lines=lambda: [("rows in", 5), ("used", 5)], sentence=lambda: "5 = 5")
    assert len(tallies.plot_account(clean).figure.axes) == 1
    with pytest.raises(DataError, match="1001 rows of 1000"):
        tallies.plot_account(account(late=31))


def test_customers_numbers() -> None:
    """New customers stand on the returning ones; a week is called so."""
    picture = tallies.plot_customers(weeks())
    (axes,) = picture.figure.axes
    returning, new = axes.containers
    assert [bar.get_height() for bar in new] == [50, 20, 5]
    assert [bar.get_y() for bar in new] == [bar.get_height() for bar in returning] == [0, 40, 52]
    assert picture.facts["new"] == sum(bar.get_height() for bar in new)
    assert (picture.facts["most"], picture.facts["most_at"]) == (60, "2024-03-11")
    assert axes.get_ylabel() == "customers in each week"
    assert {bar.get_hatch() for bar in new} == {"////"}


def test_many_bars_have_no_hatch() -> None:
    """A year of days is drawn at once: hatching takes most of the time, and is not seen."""
    start = pd.date_range("2024-01-01", periods=101, freq="D", tz="UTC", name="start")
    year = pd.DataFrame({"new": range(101), "returning": 5}, start)
    for days, hatches in ((year, {"", None}), (year.head(100), {"////"})):
        _, new = tallies.plot_customers(days).figure.axes[0].containers
        assert {bar.get_hatch() for bar in new} <= hatches


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda: charts.plot_series(pd.Series([], dtype=float)), DataError, "0 values"),
        (lambda: charts.plot_series(pd.Series([np.nan], name="x")), DataError, "'x' of 1 values"),
        (lambda: charts.plot_series(weeks().reset_index()), DataError, "holds times: choose"),
        (lambda: charts.plot_series("revenue"), DataError, "chart of 'revenue': .* a Series"),
        (lambda: charts.plot_average(hours(3), 24), DataError, "chart of 24: .* a Series"),
        (lambda: charts.plot_difference(hours(3), {"x": 24}), DataError, "chart of 24: .* Series"),
        (lambda: stems.plot_correlogram(hours(3)), DataError, "of a Series: draw what rt.acf"),
        (lambda: tallies.plot_heatmap(pd.Series([1.0])), DataError, "RangeIndex.*time index"),
        (lambda: tallies.plot_customers(weeks()[["new"]]), MissingColumnError, "'returning'.*new"),
        (lambda: tallies.plot_customers(weeks()[:0]), DataError, "without rows"),
    ],
)  # fmt: skip
def test_errors_name_value_rule_and_remedy(draw: Any, error: Any, words: str) -> None:
    """What cannot be drawn is refused in words."""
    with pytest.raises(error, match=words):
        draw()
