"""The desk: its panels, its final picture against the drained answers, and what it leaves."""

import gc
import threading
import types

import numpy as np
import pandas as pd
import pytest
from streamz import Stream

import rtlab as rt
from rtlab import live, panels, screen
from rtlab.errors import (
    DataError,
    MissingColumnError,
    MissingExtraError,
    ParameterError,
    StreamError,
)
from rtlab.pictures import plain
from rtlab.sources import base

pytestmark = pytest.mark.usefixtures("no_sinks_left", "nothing_left_running")
SHOP = rt.simulate(days=6, seed=7)
WAIT = {"delay": "30min", "tz": SHOP.zone}
LONG = 60  # seconds: far more than anything here takes


@pytest.fixture
def nothing_left_running():
    """Fail a test that leaves a desk's thread, or a desk that still runs."""
    yield
    assert not [one for one in threading.enumerate() if one.name == "rtlab desk"]
    assert not list(live._running)


def answers(events=SHOP.events, rows=200, **how):
    """Attach the usual three to a replay."""
    good = rt.replay(events, rows=rows, **how).clean()
    hours = good.tumbling("1h", agg={"revenue": ("amount", "sum")}, fill=0, **WAIT)
    trend = hours.pluck("revenue").moving_average(window=24)
    top = good.leaderboard(by="product_id", value="amount", k=5, every="1D", **WAIT)
    return trend, top, good.users(**WAIT)


class Page:
    """A notebook's page that only counts; it may be slow, or fail."""

    def __init__(self, desk):
        self.desk, self.told = desk, 0

    def draw(self):
        self.desk.compose()

    def tell(self):
        self.told += 1


@pytest.fixture
def page(monkeypatch):
    """Let desks believe that they are in a notebook, with a page to draw on."""
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    kind = type("Page", (Page,), {})
    monkeypatch.setattr(live, "Screen", kind)
    return kind


# The picture at the end


def test_the_final_facts_are_those_of_the_drained_nodes():
    """Each panel's facts are what plain pandas finds in the answers of rt.drain."""
    trend, top, users = answers()
    raw, average, ranks, activity = rt.drain(trend.upstreams[0], trend, top, users)
    names = {product: f"product {product}" for product in SHOP.products.product_id}
    picture = rt.desk(trend, top, users, unit="cents", names=names).wait(LONG)
    facts = picture.facts
    for name, series in (("raw", raw), ("average", average)):
        found = facts["revenue"][name]
        assert found["points"] == len(series) == 144
        assert found["highest"] == plain(series.max())
        assert found["lowest_at"] == f"{series.idxmin():%Y-%m-%d %H:%M}"
        assert found["mean"] == plain(series.mean())
        assert found["latest"] == plain(series.iloc[-1])
    table = ranks[ranks.index == ranks.index.max()]
    listed = [[names[key], size] for key, size in zip(table.product_id, table.amount, strict=True)]
    assert facts["top product_id"]["ranks"] == listed
    moves = [None if np.isnan(change) else int(change) for change in table.change]
    assert facts["top product_id"]["changes"] == moves
    last = activity.iloc[-1]
    assert facts["customers"]["new_last"] == last.new
    assert facts["customers"]["returning_last"] == last.returning
    assert facts["customers"]["active_last"] == last.active
    assert facts["customers"]["most"] == activity.active.max()
    assert facts["known_at"] == "2024-03-10 00:00 (Asia/Shanghai)"


def test_the_picture_speaks():
    """Alt and caption say the latest of every panel, and name the three of them."""
    trend, top, users = answers()
    desk = rt.desk(trend, top, users, unit="cents")
    picture = desk.wait(LONG)
    raw, ranks, activity = rt.drain(trend.upstreams[0], top, users)
    leader = ranks[ranks["rank"] == 1].product_id.iloc[-1]
    assert picture is desk.picture
    assert picture.alt.startswith(
        "Purchase desk, 3 panels. Revenue from 2024-03-09 23:00 to 00:00: "
    )
    for words in (picture.alt, picture.caption):
        assert f"{raw.iloc[-1]:,} cents; its average" in words
        assert f"product_id {leader} leads with" in words
        assert f"{ranks[ranks['rank'] == 1].amount.iloc[-1]:,} cents in all; " in words
        assert f"{activity.active.iloc[-1]:,} customers on 2024-03-09: " in words
    assert picture.png() == picture.png()


def test_rank_changes_are_written():
    """Places won and lost and newcomers have a sign, and no colour is needed to read it."""
    time = pd.to_datetime([f"2024-03-04T{hour:02}:30Z" for hour in (9, 9, 10, 10, 12)])
    frame = pd.DataFrame(
        {"user_id": 1, "product_id": ["tea", "rice", "rice", "salt", "salt"],
         "purchase_time": time, "price": [5, 3, 4, 7, 1]}
    )  # fmt: skip
    source = rt.replay(frame.iloc[:4])
    top = source.clean().leaderboard(by="product_id", value="amount", k=3, every="1h", delay="0s")
    picture = rt.desk(top).wait(LONG)
    assert picture.alt.startswith("Purchase desk, 1 panel. ")
    assert picture.facts["top product_id"] == {
        "at": "2024-03-04 11:00", "ranks": [["rice", 7], ["salt", 7], ["tea", 5]],
        "changes": [1, None, -2],
    }  # fmt: skip
    written = [text.get_text() for text in picture.figure.axes[0].texts]
    assert written == ["7  ▲1", "7  new", "5  ▼2"]


def test_only_the_latest_windows_are_kept():
    """With last=24 a panel tells of 24 windows, and holds no more however many come."""
    trend, _, users = answers()
    raw, average, activity = rt.drain(trend.upstreams[0], trend, users)
    desk = rt.desk(trend, users, last=24)
    facts = desk.wait(LONG).facts
    assert facts["revenue"]["raw"]["points"] == 24
    assert facts["revenue"]["raw"]["highest"] == raw.tail(24).max()
    assert facts["revenue"]["average"]["mean"] == plain(average.tail(24).mean())
    assert facts["customers"]["stretches"] == len(activity)
    assert all(len(latest.whole) <= 24 for panel in desk.panels for latest in panel.kept)


@pytest.mark.parametrize("sizes", [[1] * 50, [7, 1, 30, 2], [100]])
def test_memory_is_bounded_also_when_nobody_draws(sizes):
    """Without any drawing only the pieces that hold the latest rows stay."""
    source = Stream()
    latest = panels.Latest(source, 10)
    ticks = pd.Series(range(sum(sizes)), dtype=float)
    at = 0
    for size in sizes:
        source.emit(ticks.iloc[at : at + size])
        at += size
    assert sum(map(len, latest.pieces)) < 10 + max(sizes)
    assert latest.seen().tolist() == ticks.tail(10).tolist()
    assert latest.seen().tolist() == ticks.tail(10).tolist()


def test_a_series_of_any_kind_is_a_line():
    """A plain series, a difference, and twins of one name each have a panel of their own."""
    hours = answers()[0].upstreams[0]
    picture = rt.desk(hours, hours.difference(lag=24), last=48).wait(LONG)
    series, change = rt.drain(hours, hours.difference(lag=24))
    assert picture.facts["revenue"]["latest"] == series.iloc[-1]
    assert picture.facts["revenue 2"]["highest"] == plain(change.tail(48).max())


def test_a_stream_without_an_answer():
    """Nothing in, and the picture says so."""
    picture = rt.desk(*answers(SHOP.events.head(0))).wait(LONG)
    assert picture.facts["known_at"] is None
    assert "no answer yet" in picture.alt


# Never in the way of the stream


def test_a_slow_drawing_does_not_slow_the_stream(page):
    """While one drawing takes for ever all rows pass; the answers are those of a drain."""
    drawing, may_end = threading.Event(), threading.Event()

    def slow(self):
        drawing.set()
        assert may_end.wait(LONG)
        self.desk.compose()

    page.draw = slow
    trend, top, users = answers(rows=50)
    expected = rt.drain(trend, top, users)
    desk = rt.desk(trend, top, users, every=0.001)
    (source,) = desk.sources
    assert drawing.wait(LONG)
    assert source.ended(LONG)  # the stream has ended, and the first drawing has not
    assert source.sent == len(SHOP.events)
    may_end.set()
    picture = desk.wait(LONG)
    assert desk.drawings == 1
    assert picture.facts["revenue"]["average"]["latest"] == plain(expected[0].iloc[-1])
    assert picture.facts["customers"]["stretches"] == len(expected[2])


def test_drawing_rests_twice_as_long_as_it_takes(monkeypatch, page):
    """A drawing of a second is followed by a rest of two, a quick one by ``every``."""
    rests, clock = [], [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    page.draw = lambda _: clock.__setitem__(0, clock[0] + 1.0)
    desk = live.Desk(answers(), 0.5, 10, "", {})
    desk._screen = page(desk)
    monkeypatch.setattr(desk, "_ended", lambda rest: rests.append(rest) or len(rests) > 2)
    monkeypatch.setattr(desk, "_given", lambda: min(len(rests), 1))
    desk._watch()
    assert rests == [0.0, 2.0, 0.5]
    assert desk.drawings == 1


def test_a_drawing_error_is_told_at_the_end(page):
    """The stream runs to its end, and who waits gets the error."""

    def broken(_):
        raise ZeroDivisionError("no paper")

    page.draw = broken
    desk = rt.desk(*answers(speed="100D"), every=0.001)
    with pytest.raises(ZeroDivisionError, match="no paper"):
        desk.wait(LONG)
    assert desk.sources[0].sent == len(SHOP.events)
    assert desk.picture is not None


def test_an_error_in_the_stream_is_raised():
    """What stopped the stream is what wait() raises; the picture shows what came before."""
    hours = answers()[0].upstreams[0]
    seen = []

    def fails(series):
        seen.append(series)
        if len(seen) > 9:
            raise KeyError("the till is gone")
        return series

    desk = rt.desk(hours.map(fails))
    with pytest.raises(KeyError, match="till"):
        desk.wait(LONG)
    assert desk.picture.facts["revenue"]["points"] == sum(map(len, seen[:9]))


def test_pausing_stops_the_picture_only(page):
    """Paused, nothing is drawn, all rows pass, and the answers that wait are counted."""
    desk = rt.desk(*answers(speed="20D"), every=0.001)
    desk.pause()
    before = desk.drawings
    picture = desk.wait(LONG)
    assert desk.drawings == before
    assert desk.behind > 0
    assert desk.sources[0].sent == len(SHOP.events)
    assert picture is desk.picture
    assert repr(desk) == "<desk of 3 panels, ended>"
    desk.resume()
    assert not desk.paused
    assert page is live.Screen


def test_closing_stops_the_source():
    """A closed desk leaves a picture of what came; `with` closes it."""
    with rt.desk(*answers(rows=10, speed=1.0)) as desk:
        assert repr(desk) == "<desk of 3 panels, running>"
        with pytest.raises(StreamError, match="not ended within 0.01"):
            desk.wait(0.01)
    assert desk.sources[0].stopped
    assert desk.sources[0].sent < len(SHOP.events)
    assert desk.wait(LONG) is desk.picture
    desk.close()  # once more does no harm


def test_the_nodes_are_left_as_they_were():
    """After a desk the same nodes can be drained, and shown again, with the same facts."""
    nodes = answers()
    first = rt.desk(*nodes).wait(LONG)
    assert all(not node.downstreams for node in nodes)
    rt.drain(*nodes)
    assert rt.desk(*nodes).wait(LONG).facts == first.facts


def test_a_new_desk_replaces_the_one_before():
    """Two desks on one stream: the first is closed, the second shows it from its beginning."""
    nodes = answers(speed="20D")
    first = rt.desk(*nodes)
    second = rt.desk(*nodes)
    assert first.picture is not None
    assert second.wait(LONG).facts["revenue"]["raw"]["points"] == 144


def test_a_cell_that_is_run_again_replaces_its_desk(monkeypatch):
    """The desk of the cell's last run is closed, also where the source is of another one."""
    cell = ["shop", 1]
    monkeypatch.setattr(base, "notebook_cell", lambda: tuple(cell))
    first_nodes, second_nodes = (answers(rows=10, speed=1.0) for _ in range(2))
    cell[:] = ["desk", 2]
    first = rt.desk(*first_nodes)
    (source,) = first.sources
    assert not source.stopped
    cell[1] = 3
    second = rt.desk(*second_nodes)
    assert source.stopped
    assert first.picture is not None
    second.close()


def test_nothing_keeps_a_desk_alive():
    """A desk that has ended is forgotten with its nodes."""
    gc.collect()
    before = sum(isinstance(one, live.Desk) for one in gc.get_objects())
    rt.desk(*answers()).wait(LONG)
    gc.collect()
    assert sum(isinstance(one, live.Desk) for one in gc.get_objects()) == before


# What is refused


def batches(**how):
    """Give a cleaned stream's method results for the table below."""
    return rt.replay(SHOP.events, **how).clean()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (list, ParameterError, "rt.desk(trend, top, users)"),
        (lambda: [7], ParameterError, "desk() of a int"),
        (lambda: [batches()], ParameterError, "pluck('revenue')"),
        (lambda: [batches().tumbling("1h", delay="5min")], ParameterError, "pluck('revenue')"),
        (lambda: [batches().leaderboard(by="user_id")], StreamError, "every='1h', delay='30s'"),
        (lambda: [batches().users()], StreamError, "delay='30s'"),
        (
            lambda: [batches().tumbling("1h").pluck("count").difference()],
            StreamError, "delay='30s'",
        ),
        (
            lambda: [batches().tumbling("1h", delay="5min").pluck("count").acf()],
            StreamError, "rt.drain",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(make, error, words):
    """Each refusal names the remedy, and leaves nothing running."""
    nodes = make()
    with pytest.raises(error) as refused:
        rt.desk(*nodes)
    assert words in str(refused.value)
    assert not any(node.downstreams for node in nodes if isinstance(node, panels.Latest))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"every": 0}, "every=0"), ({"last": 0}, "last=0"), ({"tz": "UTC"}, "tz: these describe"),
        ({"speed": "1D"}, "rt.replay()"), ({"user": "Kunde"}, "user: these"),
    ],
)  # fmt: skip
def test_parameters_of_a_desk(how, words):
    """Numbers are positive, and what describes a log is refused beside nodes."""
    with pytest.raises(ParameterError) as refused:
        rt.desk(*answers(), **how)
    assert words in str(refused.value)


def test_a_running_stream_is_refused():
    """A stream that somebody else has started cannot be shown from its beginning."""
    trend = answers(rows=10, speed=1.0)[0]
    source = base.Graph(trend).sources[0]
    source.start()
    with pytest.raises(StreamError, match=r"running already.*source\.stop\(\)"):
        rt.desk(trend)
    source.close()


def test_a_node_that_gives_no_series(page):
    """What only shows when data comes is told at the end, with the remedy."""
    frames = batches().tumbling("1h", delay="5min").map(lambda frame: frame)
    with pytest.raises(ParameterError, match=r"columns end, count.*pluck"):
        rt.desk(frames).wait(LONG)
    with pytest.raises(ParameterError, match="gives int.*one series"):
        rt.desk(batches().map(len)).wait(LONG)
    assert page is live.Screen


def test_a_stream_by_hand():
    """A stream without an end is shown until close()."""
    source = Stream()
    desk = rt.desk(source.difference())
    source.emit(pd.Series([1.0, 4.0, 9.0], name="sold"))
    with pytest.raises(StreamError, match=r"close\(\)"):
        desk.wait()
    desk.close()
    assert desk.wait(LONG).facts["sold"]["latest"] == 5.0


# A log of one's own


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    """Write a log with German names, decimal commas and times without a zone."""
    path = tmp_path_factory.mktemp("till") / "kasse.csv"
    events = SHOP.events
    time = events.purchase_time.dt.tz_convert("Europe/Berlin")
    pd.DataFrame(
        {
            "Zeitpunkt": time.dt.strftime("%d.%m.%Y %H:%M:%S"), "Kunde": events.user_id,
            "Artikel": events.product_id, "Menge": events.quantity, "Preis": events.price,
        }
    ).to_csv(path, sep=";", index=False)  # fmt: skip
    return path


@pytest.mark.parametrize("form", ["path", "text", "replay"])
def test_a_log_of_ones_own(till, form):
    """Two lines show a foreign file: its columns, its zone, windows that fit its length."""
    log = {"path": till, "text": str(till), "replay": rt.replay(till, speed="100D")}[form]
    speed = None if form == "replay" else "100D"
    facts = rt.desk(log, tz="Europe/Berlin", speed=speed).wait(LONG).facts
    events = SHOP.events
    time = events.purchase_time.dt.tz_convert("Europe/Berlin")
    money = (events.quantity * events.price).groupby(time.dt.floor("h")).sum()
    assert facts["revenue"]["raw"]["highest"] == money.max()
    assert facts["revenue"]["raw"]["highest_at"] == f"{money.idxmax():%Y-%m-%d %H:%M}"
    assert facts["revenue"]["average"]["latest"] == plain(money.tail(24).mean())
    best = (events.quantity * events.price).groupby(events.product_id).sum().nlargest(10)
    assert facts["top product_id"]["ranks"] == [[str(key), size] for key, size in best.items()]
    days = events.user_id.groupby(time.dt.date).nunique()
    assert facts["customers"]["active_last"] == days.iloc[-1]


def test_the_speed_of_a_log_nobody_has_described(monkeypatch):
    """Without a speed a log takes a quarter of a minute, in ten batches a second."""
    seen = {}
    monkeypatch.setattr(live, "replay", lambda *_, **how: seen.update(how) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rt.desk(SHOP.events)
    times = SHOP.events.purchase_time
    assert seen["speed"] == pytest.approx((times.max() - times.min()).total_seconds() / 15)
    assert seen["rows"] == len(SHOP.events) // 150


def test_a_log_without_money_is_counted():
    """Without prices the pieces are shown."""
    events = SHOP.events.drop(columns="price")
    facts = rt.desk(events, speed="100D").wait(LONG).facts
    assert facts["pieces"]["raw"]["points"] > 100


@pytest.mark.parametrize(
    ("change", "how", "error", "words"),
    [
        (lambda frame: frame.rename(columns={"user_id": "who"}), {}, MissingColumnError, "user="),
        (
            lambda frame: frame.assign(purchase_time=frame.purchase_time.dt.tz_localize(None)),
            {}, DataError, "rt.desk(log, tz='Europe/London')",
        ),
        (lambda frame: frame.assign(user_id=None), {}, DataError, "none of the first"),
        (lambda frame: frame, {"user": "who"}, ParameterError, "for a path only"),
        (lambda frame: frame, {"zeit": "when"}, ParameterError, "named by user=, product=, time="),
    ],
)  # fmt: skip
def test_logs_that_cannot_be_read(change, how, error, words):
    """Each error of a log names the remedy on a desk."""
    with pytest.raises(error) as refused:
        rt.desk(change(SHOP.events.head(50)), **how)
    assert words in str(refused.value)


# The page of a notebook


@pytest.fixture
def notebook(monkeypatch):
    """Stand in for a notebook: what is displayed, by its id, and what it was replaced by."""
    pytest.importorskip("IPython")
    shown = []

    def display(thing, *, display_id=False):
        frames = [thing]
        shown.append(frames)
        return types.SimpleNamespace(update=frames.append) if display_id else None

    def without(name):
        real = screen.optional

        def hidden(module, extra):
            if module.partition(".")[0] == name:
                raise MissingExtraError(name)
            return real(module, extra)

        monkeypatch.setattr(screen, "optional", hidden)

    monkeypatch.setattr(live, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return types.SimpleNamespace(shown=shown, without=without)


def test_with_a_canvas(notebook):
    """With ipympl a bar and a canvas are shown; at the end a text and the final picture."""
    pytest.importorskip("ipympl")
    widgets = pytest.importorskip("ipywidgets")
    before = set(widgets.widget._instances)
    desk = rt.desk(*answers(speed="20D"), every=0.001)
    bar, canvas = (frames[0] for frames in notebook.shown)
    button = bar.children[0]
    assert type(canvas).__name__ == "Canvas"
    button.click()
    assert desk.paused
    assert button.description == "Resume"
    desk.wait(LONG)
    assert "The stream has ended" in bar.children[1].value
    assert notebook.shown[1] == [canvas]  # still paused, still the same
    button.click()
    assert notebook.shown[1] == [canvas, desk.picture]
    assert "The stream has ended" in notebook.shown[0][1].data
    assert set(widgets.widget._instances) == before


def test_without_ipympl(notebook):
    """Without it pictures take each other's place, and the button is there."""
    widgets = pytest.importorskip("ipywidgets")
    notebook.without("ipympl")
    before = set(widgets.widget._instances)
    desk = rt.desk(*answers(speed="20D"), every=0.001)
    picture = desk.wait(LONG)
    assert notebook.shown[0][0].children[0].description == "Pause"
    frames = notebook.shown[1]
    assert len(frames) == desk.drawings + 2  # the empty one, those between, the final one
    assert frames[-1] is picture
    assert set(widgets.widget._instances) == before


def test_without_widgets(notebook):
    """Without any widget the pictures are enough; pausing works by hand."""
    notebook.without("ipywidgets")
    desk = rt.desk(*answers(speed="20D"), every=0.001)
    desk.pause()
    picture = desk.wait(LONG)
    (frames,) = notebook.shown
    assert picture not in frames
    desk.close()
    assert frames[-1] is picture


def test_a_desk_as_the_last_line_of_a_cell(notebook, monkeypatch):
    """In its own cell it shows no second picture; in another one it shows the final one."""
    cell = ["a", 1]
    monkeypatch.setattr(live, "notebook_cell", lambda: tuple(cell))
    notebook.without("ipywidgets")
    desk = rt.desk(*answers())
    desk.wait(LONG)
    desk._ipython_display_()
    assert len(notebook.shown) == 1
    cell[1] = 2
    desk._ipython_display_()
    assert notebook.shown[1] == [desk.picture]
