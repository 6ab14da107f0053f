"""Arrivals and the watermark: what is drawn agrees with the windows and with a slow loop."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rtlab as rt
from rtlab.arrivals import plot_arrivals, plot_watermark, step_through
from rtlab.errors import DataError, MissingColumnError, ParameterError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # matplotlib 3.8 on a newer pyparsing
    pytest.importorskip("matplotlib.backends.backend_agg")

ZONE = "Asia/Shanghai"


def morning(seed: int = 7, rows: int = 60) -> pd.DataFrame:
    """Give some arrivals of a busy morning, of which many are out of order."""
    dirt = {"late": 0.15, "out_of_order": 0.4}
    events = rt.simulate(days=2, seed=seed, dirt=dirt).events
    return events[events["arrival_time"] >= "2024-03-05T00:30Z"].iloc[:rows]


def clocks(*written: str, day: str = "2024-03-04") -> pd.DataFrame:
    """Give events at these times of a clock in Shanghai."""
    time = pd.to_datetime([f"{day} {one}" for one in written], format="ISO8601").tz_localize(ZONE)
    return pd.DataFrame({"purchase_time": time.tz_convert("UTC")})


def drawn(picture: Any, label: str) -> tuple[list[Any], list[Any]]:
    """Read a group of marks, or a line, back from the axes."""
    (axes,) = picture.figure.axes
    (found,) = [one for one in axes.lines if one.get_label() == label] or [None]
    return ([], []) if found is None else (list(found.get_xdata()), list(found.get_ydata()))


def utc(times: Any) -> list[Any]:
    """Give times as they are drawn: bare, in UTC."""
    return list(pd.DatetimeIndex(times).tz_convert("UTC").tz_localize(None).to_numpy())


def slow(times: list[Any], size: Any, delay: Any) -> tuple[list[Any], list[int], dict[Any, int]]:
    """Find the watermarks, the late places and which arrival closes which window, by the rule."""
    marks, late, closed, held = [], [], {}, set()
    for place, now in enumerate(times):
        mark = max(times[: place + 1]) - delay
        start = now.floor(size)
        if start + size <= mark:
            late.append(place)
        else:
            held.add(start)
        for one in sorted(held - set(closed)):
            if one + size <= mark:
                closed[one] = place + 1
        marks.append(mark)
    return marks, late, closed


def test_each_event_is_drawn_once_at_its_two_times() -> None:
    """Marks in order and out of order are the rows, parted as a loop over arrivals parts them."""
    events = morning(rows=200).sample(frac=1, random_state=1)  # the order of rows does not matter
    picture = plot_arrivals(events, tz=ZONE)
    groups = {name: drawn(picture, name) for name in ("in order", "out of order")}
    expected: dict[str, list[Any]] = {"in order": [], "out of order": []}
    newest = None
    for one in events.sort_values("arrival_time", kind="stable").itertuples():
        behind = newest is not None and one.purchase_time < newest
        newest = one.purchase_time if newest is None else max(newest, one.purchase_time)
        expected["out of order" if behind else "in order"].append(one)
    for name, rows in expected.items():
        pairs = [utc([one.purchase_time, one.arrival_time]) for one in rows]
        assert sorted(pairs) == sorted(map(list, zip(*groups[name], strict=True)))
        assert len(rows) > 20
    facts, waits = picture.facts, events["arrival_time"] - events["purchase_time"]
    assert (facts["rows"], facts["out_of_order"]) == (200, len(expected["out of order"]))
    assert facts["share_out_of_order"] == facts["out_of_order"] / 200
    assert facts["median_delay_minutes"] == round(waits.median().total_seconds() / 60, 4)
    assert facts["largest_delay_minutes"] == round(waits.max().total_seconds() / 60, 2)
    (axes,) = picture.figure.axes
    assert axes.get_xlabel().startswith("event time, 2024-03-0")
    assert axes.get_ylabel() == "arrival time, 2024-03-05 (Asia/Shanghai)"


@pytest.mark.parametrize("at", ["2024-03-05 09:00", pd.Timestamp("2024-03-05T01:00Z")])
def test_what_is_known_at_a_moment(at: Any) -> None:
    """At a moment every event is known, not known yet, or still to happen."""
    events = morning(rows=150)
    picture = plot_arrivals(events, at=at, tz=ZONE)
    moment, facts = pd.Timestamp("2024-03-05T01:00Z"), picture.facts
    known = events["arrival_time"] < moment
    past = events["purchase_time"] < moment
    later = events[~known & ~past]
    missing = events[past & ~known]
    assert len(missing) > 2
    assert min(known.sum(), len(later)) > 5
    assert drawn(picture, "not known yet")[0] == utc(missing["purchase_time"])
    assert drawn(picture, "still to happen")[1] == utc(later["arrival_time"])
    assert len(drawn(picture, "in order")[0] + drawn(picture, "out of order")[0]) == known.sum()
    assert (facts["known"], facts["happened"]) == (known.sum(), past.sum())
    assert (facts["not_known_yet"], facts["at"]) == (len(missing), "09:00")
    said = f"At 09:00, {known.sum()} of {past.sum()} past events are known, {len(missing)} not yet"
    assert said in picture.alt
    across, down = picture.figure.axes[0].lines[:2]
    drawn_at = [*across.get_ydata(), *down.get_xdata()]
    assert drawn_at == 4 * [np.datetime64("2024-03-05T01:00")]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("size", "delay"), [("1h", "10min"), ("30min", "0s"), ("15min", "90s")])
def test_staircase_agrees_with_a_slow_loop_and_with_tumbling(
    seed: int, size: str, delay: str
) -> None:
    """Watermark, late rows and closings are those of the rule, and those of the windows."""
    events = morning(seed)
    times = list(events["purchase_time"])
    marks, late, closed = slow(times, pd.Timedelta(size), pd.Timedelta(delay))
    picture = plot_watermark(events, size, delay, tz=ZONE)
    answer = rt.tumbling(events, size=size, delay=delay, tz=ZONE, fill=0)
    x, y = drawn(picture, "watermark")
    assert x[:-1] == list(range(1, 61))
    assert y[:-1] == utc(marks)
    assert y[-1] == y[-2]
    assert drawn(picture, "newest event")[1][:-1] == utc(pd.Series(times).cummax())
    assert drawn(picture, "late") == (
        [place + 1 for place in late],
        utc(answer.late.purchase_time),
    )
    shown = [stamp.tz_convert(ZONE).strftime("%H:%M:%S") for stamp in answer.late.purchase_time]
    assert [stamp[-len("00:00:00") :] for _, stamp in picture.facts["late"]] == shown
    facts = picture.facts
    counts = [*facts["closed"].values(), *facts["open"].values()]
    assert counts == answer.windows["count"].tolist()
    names = [f"{start:%H:%M}" for start in answer.windows.index]
    assert [name.split("–")[0][-5:] for name in [*facts["closed"], *facts["open"]]] == names
    by = {f"{start.tz_convert(ZONE):%H:%M}": place for start, place in closed.items()}
    held = {name.split("–")[0][-5:]: place for name, place in facts["closed_by"].items()}
    assert {name: held[name] for name in by} == by
    assert drawn(picture, "closes a window")[0] == list(facts["closed_by"].values())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lateness", ["0s", "70min", "9h"])
def test_revisions_agree_with_a_slow_loop_and_with_tumbling(seed: int, lateness: str) -> None:
    """A late row within the lateness is a star in the window that it revises; others are late."""
    events, size, allowed = morning(seed), pd.Timedelta("30min"), pd.Timedelta(lateness)
    times = list(events["purchase_time"])
    marks = slow(times, size, pd.Timedelta("5min"))[0]
    revised, late, version, first = [], [], {}, times[0].floor(size)
    for place, (now, mark) in enumerate(zip(times, marks, strict=True), 1):
        start = now.floor(size)
        if start + size + allowed <= mark:
            late.append(place)
        elif start + size <= mark:
            version[start] = version.get(start, 0 if start >= first else -1) + 1
            revised.append([place, f"{now.tz_convert(ZONE):%H:%M:%S}", version[start]])
        else:
            first = min(first, start)  # from here on a window that closes is answered, if empty
    how: dict[str, Any] = {"size": size, "delay": "5min", "lateness": lateness, "tz": ZONE}
    picture = plot_watermark(events, **how)
    assert (bool(late), bool(revised)) == (lateness != "9h", lateness != "0s")
    facts = picture.facts
    assert [[one[0], one[1][-8:], one[3]] for one in facts["revised"]] == revised
    assert drawn(picture, "revises")[0] == [place for place, *_ in revised]
    assert drawn(picture, "late")[0] == [place for place, _ in facts["late"]] == late
    for place, _, name, _ in facts["revised"]:
        start = times[place - 1].tz_convert(ZONE).floor(size)
        assert re.findall(r"\d\d:\d\d", name)[0] == f"{start:%H:%M}"
    answer = rt.tumbling(events, **how, fill=0).windows
    last = answer[~answer.index.duplicated(keep="last")].sort_index()["count"]
    assert [*facts["closed"].values(), *facts["open"].values()] == last.tolist()
    assert len(facts["final"]) == (last.index + size + allowed <= marks[-1]).sum()
    assert list(drawn(picture, "watermark less lateness")[1]) == [
        one - allowed.to_timedelta64() for one in drawn(picture, "watermark")[1]
    ]
    texts = [one.get_text() for one in picture.figure.axes[0].texts]
    assert sum("final: " in text for text in texts) <= len(facts["final"])


@pytest.mark.parametrize("lateness", [None, "1h"])
def test_a_step_shows_what_is_known_then_and_nothing_more(lateness: str | None) -> None:
    """The picture of step n is that of the first n rows, in the frame of the whole."""
    events = morning()
    how: dict[str, Any] = {"size": "30min", "delay": "5min", "tz": ZONE, "lateness": lateness}
    whole = plot_watermark(events, **how).figure.axes[0]
    frames, texts = set(), set()
    for step in (1, 2, 17, 40, 59, 60):
        picture = plot_watermark(events, step=step, **how)
        alone = plot_watermark(events.iloc[:step], **how)
        same = [name for name in picture.facts if name != "rows"]
        assert [picture.facts[name] for name in same] == [alone.facts[name] for name in same]
        assert (picture.facts["step"], picture.facts["rows"]) == (step, 60)
        marks = [drawn(picture, name) for name in ("in order", "out of order", "late", "revises")]
        assert sum(len(x) for x, _ in marks) == step
        assert drawn(picture, "watermark") == drawn(alone, "watermark")
        (axes,) = picture.figure.axes
        frames.add((axes.get_xlim(), axes.get_ylim(), tuple(axes.get_position().bounds)))
        texts |= {one.get_text() for one in axes.texts}
    assert frames == {(whole.get_xlim(), whole.get_ylim(), tuple(whole.get_position().bounds))}
    assert any("open: " in text for text in texts)
    assert any("closed: " in text for text in texts)


def test_borders_of_the_rule() -> None:
    """A window closes when the watermark reaches its end, and a row at that end is in the next."""
    events = clocks("09:30", "10:05", "09:59:59.999999", "10:10", "10:00", "09:59")
    facts = [plot_watermark(events, "1h", "10min", step, tz=ZONE).facts for step in range(1, 7)]
    assert [fact["watermark"] for fact in facts[:5]] == [
        "09:20", "09:55", "09:55", "10:00", "10:00"
    ]  # fmt: skip
    assert [list(fact["closed"].values()) for fact in facts] == [[], [], [], [2], [2], [2]]
    assert facts[-1]["closed_by"] == {"09:00–10:00": 4}
    assert facts[-1]["open"] == {"10:00–11:00": 3}
    assert facts[-1]["late"] == [[6, "09:59:00"]]
    assert facts[-1]["out_of_order"] == 2


def test_zones_and_days() -> None:
    """Windows are those of the zone's clock, and a slice over midnight tells the days apart."""
    events = clocks("23:50", day="2024-03-04")
    events = pd.concat([events, clocks("00:20", "00:40", day="2024-03-05")])
    facts = plot_watermark(events, "1h", "5min", tz=ZONE).facts
    assert facts["closed"] == {"03-04 23:00–03-05 00:00": 1}
    assert facts["watermark"] == "03-05 00:35"
    half = plot_watermark(events, "1h", "5min", tz="Asia/Kolkata").facts  # 5:30 ahead
    assert (half["closed"], half["open"]) == ({"21:00–22:00": 2}, {"22:00–23:00": 1})
    picture = plot_arrivals(events, on="purchase_time", arrived="purchase_time", tz=ZONE)
    assert picture.figure.axes[0].get_xlabel() == (
        "event time, 2024-03-04 to 2024-03-05 (Asia/Shanghai)"
    )


def test_groups_differ_beside_colour() -> None:
    """Whoever sees no colours tells the groups by their marks."""
    events = morning(rows=150)
    for picture in (
        plot_arrivals(events, at="2024-03-05 09:00", tz=ZONE),
        plot_watermark(events, tz=ZONE, lateness="1h"),
    ):
        marks = [
            (one.get_marker(), one.get_markerfacecolor() == "white")
            for one in picture.figure.axes[0].lines
            if not str(one.get_label()).startswith("_") and one.get_marker() != "None"
        ]
        assert len(marks) == len(set(marks)) >= 4


def test_alt_and_facts_speak() -> None:
    """The words hold the watermark, the windows and the late rows; facts are plain."""
    picture = plot_watermark(clocks("09:10", "10:04", "09:58", "10:20", "09:30"), tz=ZONE)
    assert picture.alt == (
        "Staircase of the watermark. After 5 of 5 arrivals: watermark 10:10, 1 closed, 1 late; "
        "closed windows with their rows: 09:00–10:00 2; open windows with their rows so far: "
        "10:00–11:00 2; late rows: 09:30 (arrival 5)."
    )
    assert {type(one) for one in picture.facts.values()} == {int, str, dict, list}
    revised = plot_watermark(
        clocks("09:10", "10:04", "09:58", "10:20", "09:30"), tz=ZONE, lateness="1h"
    )
    assert revised.alt == (
        "Staircase of the watermark. After 5 of 5 arrivals: watermark 10:10, 1 closed, 1 "
        "revision, 0 late; closed windows with their rows: 09:00–10:00 3; open windows with "
        "their rows so far: 10:00–11:00 2; late rows: none; final: none; "
        "revisions: 09:30 (arrival 5) gives revision 1 of 09:00–10:00."
    )
    assert picture.png() == plot_watermark(
        clocks("09:10", "10:04", "09:58", "10:20", "09:30"), tz=ZONE
    ).png()  # fmt: skip


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"step": 0}, ParameterError, "step=0: .* from 1 to 3"),
        ({"step": 4}, ParameterError, "step=4: .* from 1 to 3"),
        ({"step": "all"}, ParameterError, "step='all'"),
        ({"lateness": "soon"}, ParameterError, "lateness='soon'"),
        ({"delay": None}, ParameterError, "delay=None is not a duration: .*'5min'"),
        ({"size": 60}, ParameterError, "size=60"),
        ({"tz": "Shanghai"}, ParameterError, "tz='Shanghai'"),
        ({"on": "sold_at"}, MissingColumnError, "sold_at"),
    ],
)
def test_mistakes_in_the_staircase(how: dict[str, Any], error: Any, words: str) -> None:
    """A mistake is refused by its value, the rule and the remedy."""
    with pytest.raises(error, match=words):
        plot_watermark(clocks("09:10", "10:04", "09:58"), **how)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"at": "ten"}, ParameterError, "at='ten' is not a time"),
        ({"at": "10:00"}, ParameterError, "at='10:00' is not a time: write its day"),
        ({"at": 10}, ParameterError, "at=10 is not a time"),
        ({"at": None, "arrived": "came"}, MissingColumnError, "came"),
        ({"tz": "Mars"}, ParameterError, "tz='Mars'"),
    ],
)
def test_mistakes_in_arrivals(how: dict[str, Any], error: Any, words: str) -> None:
    """A mistake is refused by its value, the rule and the remedy."""
    with pytest.raises(error, match=words):
        plot_arrivals(morning(rows=9), **how)


def test_nothing_to_draw() -> None:
    """No rows are refused, and so are times without a zone."""
    events = morning(rows=9)
    for draw in (plot_arrivals, plot_watermark):
        with pytest.raises(DataError, match="without rows"):
            draw(events.iloc[:0])
        with pytest.raises(DataError, match="zoned"):
            draw(events.assign(purchase_time=events["purchase_time"].dt.tz_localize(None)))


def test_stepping_through() -> None:
    """The slider goes to any step, shows its picture, and draws no step twice."""
    pytest.importorskip("ipywidgets")
    events = morning(rows=12)
    panel = step_through(events, "30min", delay="5min", tz=ZONE)
    (play, slider), shown = panel.children[0].children, panel.children[1]
    assert (slider.min, slider.max, slider.value, play.max) == (1, 12, 1, 12)
    pages = {1: shown.value}
    for step in (2, 12, 1):
        slider.value = step
        pages.setdefault(step, shown.value)
        picture = plot_watermark(events, "30min", "5min", step, tz=ZONE)
        assert shown.value == pages[step] == picture._repr_html_()
    assert len(set(pages.values())) == 3
    with pytest.raises(ParameterError, match="delay"):
        step_through(events, delay="soon")


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_few_rows(rows: int) -> None:
    """Arrivals are counted by whole numbers, and every mark lies in the frame."""
    events = clocks("09:40", "10:04", "09:58", "10:10", "09:59", "10:00", "09:30").iloc[:rows]
    (axes,) = plot_watermark(events, tz=ZONE).figure.axes
    assert {one % 1 for one in axes.get_xticks()} <= {0}
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for one in axes.lines:
        if one.get_marker() != "None":
            x, y = one.get_xdata(orig=False), one.get_ydata(orig=False)
            assert all((left < x) & (x < right) & (bottom < y) & (y < top))


def test_stepping_is_quick() -> None:
    """A learner waits less than half a second for a step of the processor."""
    events, best = morning(), np.inf
    for _ in range(5):
        start = time.process_time()
        plot_watermark(events, tz=ZONE)._repr_html_()
        best = min(best, time.process_time() - start)
    assert best < 0.5


def test_without_ipywidgets_the_remedy_is_named() -> None:
    """Who lacks the extra reads how to get it; the pictures themselves do not need it."""
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "import pandas as pd, rtlab as rt\n"
        "from rtlab.arrivals import step_through\n"
        "try: step_through(pd.DataFrame())\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert "pip install 'rtlab[notebooks]'" in done.stdout


def test_a_moment_itself_is_not_before_it() -> None:
    """What happens or arrives at ten sharp is not known at ten: moments are half-open too."""
    events = clocks("09:50", "09:55", "10:00")
    events["arrival_time"] = clocks("09:50", "10:00", "10:00")["purchase_time"]
    facts = plot_arrivals(events, at="2024-03-04 10:00", tz=ZONE).facts
    assert (facts["known"], facts["happened"], facts["not_known_yet"]) == (1, 2, 1)
    assert facts["out_of_order"] == 0
