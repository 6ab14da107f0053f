"""Results to CSV and Parquet files that are there whole or not at all.

What is written goes to a hidden file in the same folder, which takes the place of the old one in
a single move when the stream ends. A run that is broken off leaves the old file as it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from streamz import Stream
from streamz import sinks as streamz_sinks

from rtlab.columns import Columns
from rtlab.errors import DataError, ParameterError
from rtlab.extras import optional
from rtlab.steps import Outputs, State, Step, run
from rtlab.streams import StepNode

ROW_GROUP = 1 << 17
"""Rows in a row group of a Parquet file, however the batches were cut."""


class Pending:
    """A file on its way: nothing, until :meth:`publish` moves it to its place."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.target = Path(os.path.realpath(path))
        self.part = self.target.with_name(f".{self.target.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            self.file = self.part.open("xb")
        except OSError as error:
            raise DataError(f"{path} cannot be written ({error.strerror or error})") from None
        self.writers: list[Any] = []  # what must be closed before the file
        self.discard = weakref.finalize(self, _discard, self.file, self.part, self.writers)

    def publish(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(self.target, self.part)
        self.part.replace(self.target)
        self.discard.detach()


def _discard(file: Any, part: Path, writers: list[Any]) -> None:
    with contextlib.suppress(OSError):
        for writer in writers:
            writer.close()
        file.close()
    part.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Write(Step):
    """Write batches to a file and hand them on; no pure step, so it is not registered."""

    path: str | os.PathLike[str]

    takes: ClassVar[str] = "series"  # batches come as they are, with their index

    def __post_init__(self) -> None:
        target = Path(os.path.realpath(self.path))
        if target.is_dir():
            raise ParameterError(f"path={str(self.path)!r} is a folder: name a file in it")
        if not target.parent.is_dir():
            raise ParameterError(f"path={str(self.path)!r}: make the folder {target.parent} first")

    def update(self, state: State, batch: Any) -> Outputs:
        frame = _flat(batch)
        if "columns" not in state:
            state["file"], state["columns"] = Pending(self.path), list(frame.columns)
        if set(frame.columns) != set(state["columns"]) or frame.columns.has_duplicates:
            raise DataError(
                f"a batch with the columns {', '.join(map(str, frame.columns))} for a file with "
                f"{', '.join(map(str, state['columns']))}: a file has one set of columns"
            )
        self.append(state, frame[state["columns"]])
        return {"result": batch}

    def finish(self, state: State) -> Outputs:
        if "file" not in state:
            state["file"] = Pending(self.path)  # nothing came: the file says so by being empty
        self.close(state)
        state["file"].publish()
        state.clear()
        return {}

    def append(self, state: State, frame: pd.DataFrame) -> None:
        """Write the rows of a frame, or keep them until there are enough."""
        raise NotImplementedError

    def close(self, state: State) -> None:
        """Write what was kept, and the end of the file."""


def _flat(batch: Any) -> pd.DataFrame:
    """Give a frame whose index, where it has a name, is an ordinary column."""
    if isinstance(batch, pd.Series):
        batch = batch.to_frame("value" if batch.name is None else batch.name)
    frame = batch if isinstance(batch, pd.DataFrame) else Columns.of(batch).frame()
    return frame.reset_index(drop=all(name is None for name in frame.index.names))


@dataclass(frozen=True)
class _WriteCsv(_Write):
    def append(self, state: State, frame: pd.DataFrame) -> None:
        told = {
            name: _iso(frame[name]) for name in frame.columns if frame[name].dtype.kind in "mM"
        }
        file = state["file"].file
        first = file.tell() == 0  # the names of the columns stand at the head
        text = frame.assign(**told).to_csv(None, index=False, header=first, lineterminator="\n")
        file.write(text.encode("utf-8", "replace"))


def _iso(column: pd.Series[Any]) -> Any:
    """Write times as ISO 8601, each by itself: pandas' layout depends on all of a batch."""
    codes, known = pd.factorize(column)
    return pd.Series([*(one.isoformat() for one in known), None], dtype=object).to_numpy()[codes]


@dataclass(frozen=True)
class _WriteParquet(_Write):
    def append(self, state: State, frame: pd.DataFrame) -> None:
        arrow = optional("pyarrow", "data")
        kept = state.setdefault("kept", [])
        if kept and not len(frame):
            return
        table = arrow.Table.from_pandas(_declared(frame), preserve_index=False)
        if not state.get("rows"):
            kept.clear()  # only empty batches before: they may not know the types
        kept.append(table)
        state["rows"] = state.get("rows", 0) + len(frame)
        if state["rows"] >= ROW_GROUP:
            self._flush(state, least=ROW_GROUP)

    def _flush(self, state: State, least: int) -> None:
        arrow, parquet = optional("pyarrow", "data"), optional("pyarrow.parquet", "data")
        if "writer" not in state:
            state["schema"] = state["kept"][0].schema
            state["writer"] = parquet.ParquetWriter(state["file"].file, state["schema"])
            state["file"].writers.append(state["writer"])
        try:
            table = arrow.concat_tables([one.cast(state["schema"]) for one in state["kept"]])
        except (ValueError, TypeError) as error:
            raise DataError(f"a batch of other types than those before it: {error}") from None
        while len(table) >= least and len(table):
            state["writer"].write_table(table[:ROW_GROUP].combine_chunks(), ROW_GROUP)
            table = table[ROW_GROUP:]
        state["kept"], state["rows"] = [table], len(table)

    def close(self, state: State) -> None:
        if not state.get("kept") and "writer" not in state:
            self.append(state, pd.DataFrame())
        self._flush(state, least=1)
        state["writer"].close()


def _declared(frame: pd.DataFrame) -> pd.DataFrame:
    """Let types follow from dtypes alone, never from the values of one batch."""
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    frame.attrs = {}  # they are a run's own, and would be stored
    for name in frame.columns:
        dtype = frame[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype(dtype.categories.dtype)
            dtype = frame[name].dtype
        if pd.api.types.is_object_dtype(dtype):
            frame[name] = frame[name].map(str, na_action="ignore").astype("string")
    return frame


class FileSink(StepNode):
    """A file at the end of a stream; what it writes also flows on, so that it can be drained.

    Like streamz's own sinks it lives until :meth:`destroy`.
    """

    def __init__(self, upstream: Stream, step: Step, stream_name: str | None = None) -> None:
        super().__init__(upstream, step, stream_name=stream_name)
        streamz_sinks._global_sinks.add(self)  # noqa: SLF001  (where streamz keeps its own)

    def destroy(self, streams: Any = None) -> None:
        """Leave the graph; a file that was not finished is given up."""
        super().destroy(streams)
        self.state = self.step.initial()
        streamz_sinks._global_sinks.discard(self)  # noqa: SLF001


def write_csv(data: Any, path: str | os.PathLike[str]) -> Path:
    r"""Write results as CSV, whole or not at all.

    On a stream, ``stream.write_csv(path)`` writes what flows and moves the file to its place at
    the end of the stream; the same rows give the same bytes however they were cut into batches.

    Parameters
    ----------
    data : DataFrame, Series or list of dict
        The rows. An index with a name is written as the first column.
    path : path
        The file, replaced if it exists. UTF-8, lines end with ``\n``, times in ISO 8601 with
        their offset, missing values are empty.

    Returns
    -------
    Path
        Where the file is; on a stream, the sink, a node that hands on what it writes.

    Raises
    ------
    ParameterError
        If the folder does not exist, or ``path`` is one.
    DataError
        If the file cannot be written, or batches have different columns.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = write_csv(pd.DataFrame({"user": [1, 2]}), pathlib.Path(folder.name, "users.csv"))
    >>> path.read_text()
    'user\n1\n2\n'
    >>> ticks = rt.replay(pd.DataFrame({"user": [3, 4, 5]}), rows=2)
    >>> _ = ticks.write_csv(path).drain()
    >>> path.read_text()
    'user\n3\n4\n5\n'
    >>> folder.cleanup()
    """
    run(_WriteCsv(path), [data])
    return Path(path)


def write_parquet(data: Any, path: str | os.PathLike[str]) -> Path:
    """Write results as Parquet (extra ``data``), whole or not at all.

    On a stream, ``stream.write_parquet(path)`` writes what flows and moves the file to its place
    at the end of the stream; the same rows give the same bytes however they were cut.

    Parameters
    ----------
    data : DataFrame, Series or list of dict
        The rows. An index with a name is written as the first column; a column of dtype object
        is written as text.
    path : path
        The file, replaced if it exists.

    Returns
    -------
    Path
        Where the file is; on a stream, the sink, a node that hands on what it writes.

    Raises
    ------
    ParameterError
        If the folder does not exist, or ``path`` is one.
    DataError
        If the file cannot be written, or batches have different columns or types.
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> folder = tempfile.TemporaryDirectory()
    >>> users = pd.DataFrame({"user": [1, 2]})
    >>> path = write_parquet(users, pathlib.Path(folder.name, "users.parquet"))
    >>> pd.read_parquet(path).equals(users)
    True
    >>> folder.cleanup()
    """
    run(_WriteParquet(path), [data])
    return Path(path)


def _attach(function: Callable[..., Path], step: type[_Write]) -> None:
    """Give every stream the sink under the function's name, unless the name is another's."""
    name = function.__name__
    taken = getattr(Stream, name, None)
    if taken is not None and getattr(taken, "__module__", None) != __name__:
        raise ParameterError(f"the name {name!r} is taken on Stream: choose another name")

    def face(self: Stream, path: Any, *, stream_name: str | None = None) -> FileSink:
        return FileSink(self, step(path), stream_name=stream_name)

    face.__name__ = face.__qualname__ = name
    face.__doc__ = function.__doc__
    Stream.register_api(attribute_name=name)(face)


_attach(write_csv, _WriteCsv)
_attach(write_parquet, _WriteParquet)
