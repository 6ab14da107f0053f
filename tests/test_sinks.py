"""Sinks: files that are there whole or not at all, and the same bytes however the rows came."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
import streamz
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab.errors import DataError, ParameterError
from rtlab.sinks import files, write_csv, write_parquet
from rtlab.sources.files import read_events

FACES = {"csv": write_csv, "parquet": write_parquet}
pytestmark = pytest.mark.usefixtures("no_sinks_left")


def results(rows=40):
    """Make a frame with every kind of column that results have, indexed by a zoned time."""
    start = pd.date_range("2024-10-26", periods=rows, freq="h", tz="Europe/London", unit="us")
    number = np.arange(rows)
    return pd.DataFrame({
        "end": start + pd.Timedelta("1h"),
        "seen": (start + pd.to_timedelta(number % 3, unit="ms")).tz_convert("UTC"),
        "local": start.tz_localize(None).where(number % 5 > 0),
        "took": pd.to_timedelta(number % 7, unit="min"),
        "user": ["张伟", 'a,"b"', "line\nend", "مريم", None] * (rows // 5),
        "mixed": [1, "x", None, 2.5, True] * (rows // 5),
        "kind": pd.Categorical(["a", "b"] * (rows // 2)),
        "orders": number,
        "revenue": np.where(number % 4 == 1, np.nan, number * 0.1),
        "gaps": pd.array([1, None] * (rows // 2), dtype="Int64"),
        "is_return": number % 2 == 0,
    }, index=pd.Index(start, name="start"))  # fmt: skip


def left(folder):
    """List what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", FACES)
@examples(12)
@given(rows=st.integers(1, 40), groups=st.sampled_from([3, 7, 1 << 17]))
def test_same_bytes_however_cut(tmp_path_factory, kind, rows, groups):
    """A file is the same, byte for byte, in batches of any size and when written at once."""
    folder = tmp_path_factory.mktemp("cut")
    frame = results()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROW_GROUP", groups)
        FACES[kind](frame, folder / "whole")
        with rt.replay(frame, rows=rows) as source:
            flowed = getattr(source, f"write_{kind}")(folder / "cut").drain()
    assert flowed.equals(frame)
    assert (folder / "cut").read_bytes() == (folder / "whole").read_bytes()
    assert left(folder) == ["cut", "whole"]


def test_csv_as_text(tmp_path):
    """Times carry their offset, each in its own layout; gaps are empty; a named index is first."""
    text = write_csv(results(), tmp_path / "a.csv").read_bytes().decode()
    lines = text.split("\n")
    assert lines[0].startswith("start,end,seen,local,took,user")
    assert lines[1] == (
        "2024-10-26T00:00:00+01:00,2024-10-26T01:00:00+01:00,2024-10-25T23:00:00+00:00,,"
        "P0DT0H0M0S,张伟,1,a,0,0.0,1,True"
    )
    assert "\n2024-10-27T01:00:00+01:00,2024-10-27T01:00:00+00:00," in text
    plain = pd.DataFrame({"n": [1, 2]}, index=[7, 8])
    assert write_csv(plain, tmp_path / "b.csv").read_text() == "n\n1\n2\n"
    series = pd.Series([0.1, np.nan], index=pd.Index([1, 2], name="lag"))
    assert write_csv(series, tmp_path / "b.csv").read_text() == "lag,value\n1,0.1\n2,\n"
    assert write_csv([{"a": 1}], tmp_path / "b.csv").read_text() == "a\n1\n"
    assert write_csv(plain.iloc[:0], tmp_path / "b.csv").read_text() == "n\n"


def test_parquet_reads_back(tmp_path):
    """What pandas reads back has the values and types that were written."""
    frame = results()
    back = pd.read_parquet(write_parquet(frame, tmp_path / "a.parquet")).set_index("start")
    exact = ["end", "seen", "local", "took", "orders", "revenue", "gaps", "is_return"]
    assert (back.index == frame.index).all()
    assert back[exact].dtypes.equals(frame[exact].dtypes)
    pd.testing.assert_frame_equal(back[exact], frame[exact], check_freq=False)
    assert back.mixed.tolist()[:2] == ["1", "x"]
    assert back.user.dropna().tolist() == frame.user.dropna().tolist()
    empty = write_parquet(frame.iloc[:0], tmp_path / "b.parquet")
    assert pd.read_parquet(empty).columns.tolist() == ["start", *frame.columns]


@pytest.mark.parametrize("kind", FACES)
def test_events_there_and_back(tmp_path, kind):
    """Events written by a sink are read again as they were."""
    events = pd.DataFrame({
        "user_id": [9007199254740993, 2, 3], "product_id": ["007", 'a,"\r', "杯"],
        "purchase_time": pd.DatetimeIndex(
            ["2024-03-04T09:00:00", "2024-03-04T09:00:00.000001", "2024-03-05T00:00:00"], tz="UTC"
        ).as_unit("us"),
        "price": [0.1, 1e-7, 1234567.891], "quantity": [1, -2, 3],
    })  # fmt: skip
    path = FACES[kind](events, tmp_path / f"log.{kind}")
    pd.testing.assert_frame_equal(read_events(path).frame, events, check_dtype=False)
    good, again = rt.clean(events).good, rt.clean(read_events(path).frame).good
    pd.testing.assert_frame_equal(again, good, check_dtype=False)


@pytest.mark.parametrize("kind", FACES)
def test_a_broken_run_leaves_the_old_file(tmp_path, kind):
    """An error in the middle leaves the old file as it was, and nothing beside it."""
    path = tmp_path / "out"
    path.write_text("old")

    def fail(batch):
        if len(seen) == 2:
            raise RuntimeError("broken")
        seen.append(batch)
        return batch

    seen = []
    with rt.replay(results(), rows=10) as source:
        end = getattr(source.map(fail), f"write_{kind}")(path)
        with pytest.raises(RuntimeError, match="broken"):
            end.drain()
        gc.collect()
        assert path.read_text() == "old"
        assert left(tmp_path) == ["out"]
        seen[:] = [None] * 9
        end.drain()
    assert path.read_bytes() == FACES[kind](results(), tmp_path / "whole").read_bytes()


def test_draining_twice_rewrites_the_file(tmp_path):
    """A second drain writes the same file again; its permissions stay."""
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o600)
    with rt.replay(results(), rows=7) as source:
        sink = source.write_csv(path)
        sink.drain()
        first = path.read_bytes()
        path.unlink()
        path.write_text("older")
        path.chmod(0o640)
        sink.drain()
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("kind", FACES)
def test_live_and_by_hand(tmp_path, kind):
    """A live run, and batches that are emitted by hand, give the file that a drain gives."""
    whole = FACES[kind](results(), tmp_path / "whole").read_bytes()
    with rt.replay(results(), rows=9) as source:
        getattr(source, f"write_{kind}")(tmp_path / "live")
        source.start()
        source.wait(30)
    assert (tmp_path / "live").read_bytes() == whole
    hand = streamz.Stream()
    sink = getattr(hand, f"write_{kind}")(tmp_path / "hand")
    hand.emit(results().iloc[:5])
    assert not (tmp_path / "hand").exists()
    hand.emit(results().iloc[5:])
    rt.finish(hand)
    assert (tmp_path / "hand").read_bytes() == whole
    sink.destroy()


def test_sinks_live_until_destroyed(tmp_path):
    """A sink that nobody holds still writes; destroyed, it is gone with its unfinished file."""
    source = streamz.Stream()
    watch = weakref.ref(source.write_csv(tmp_path / "out.csv"))
    gc.collect()
    source.emit(results())
    assert len(left(tmp_path)) == 1
    watch().destroy()
    gc.collect()
    assert watch() is None
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", FACES)
def test_a_stream_without_rows(tmp_path, kind):
    """A stream that carried no row leaves a file with the columns alone, not an old one."""
    path = tmp_path / "out"
    path.write_text("old")
    with rt.replay(results().iloc[:0]) as source:
        getattr(source, f"write_{kind}")(path).drain()
    found = pd.read_csv(path) if kind == "csv" else pd.read_parquet(path)
    assert found.empty
    assert list(found.columns) == list(results().reset_index().columns)


def test_what_cannot_be_written(tmp_path, monkeypatch):
    """Folders that are not there, and batches that do not fit the file, are refused."""
    with pytest.raises(ParameterError, match="make the folder"):
        write_csv(results(), tmp_path / "none" / "a.csv")
    with pytest.raises(ParameterError, match="is a folder"):
        write_parquet(results(), tmp_path)
    source = streamz.Stream()
    sinks = source.write_csv(tmp_path / "a"), source.write_parquet(tmp_path / "b")
    source.emit(pd.DataFrame({"a": [1], "b": [2]}))
    source.emit(pd.DataFrame({"b": [4], "a": [3]}))
    with pytest.raises(DataError, match="one set of columns"):
        source.emit(pd.DataFrame({"a": [1]}))
    rt.finish(source)
    assert (tmp_path / "a").read_text() == "a,b\n1,2\n3,4\n"
    source.emit(pd.DataFrame({"a": [1]}))
    source.emit(pd.DataFrame({"a": ["text"]}))
    with pytest.raises(DataError, match="other types"):
        rt.finish(source)
    for sink in sinks:
        sink.destroy()

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match="No space left"):
        write_csv(results(), tmp_path / "c")


def test_symbolic_links_are_followed(tmp_path):
    """A link to the file stays a link; what it names gets the rows."""
    target = tmp_path / "real.csv"
    target.write_text("old")
    (tmp_path / "link.csv").symlink_to(target)
    write_csv(results(), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert target.read_text().startswith("start,")
