"""The lessons: handed out of the installed package, and their exercises graded."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any

from rtlab.errors import RtlabError
from rtlab.lessons.grading import check

__all__ = ["check", "hand_out"]


PAGES = ("glossary.md", "teaching.md")


def _shelf() -> dict[str, Any]:
    """Find lessons and pages: in the wheel beside this file, in a checkout at its top."""
    packed, top = resources.files("rtlab.lessons"), Path(__file__).parents[2]
    home: Any = packed if packed.joinpath("notebooks").is_dir() else top
    lessons = [one for one in home.joinpath("notebooks").iterdir() if one.name.endswith(".ipynb")]
    pages = {f"docs/{name}": home.joinpath("docs", name) for name in PAGES}
    return {one.name: one for one in sorted(lessons, key=lambda one: one.name)} | pages


def hand_out(folder: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """Copy the lessons, and the pages that they name, into a folder.

    What is already there stays as it is.

    Parameters
    ----------
    folder : path
        Made if it is not there.

    Returns
    -------
    new, kept : list of str
        Names of what was copied, and of what was there.

    Raises
    ------
    RtlabError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     new, _ = hand_out(folder)
    ...     again, kept = hand_out(folder)
    >>> again, kept == new
    ([], True)
    """
    target = Path(folder)
    new, kept = [], []
    try:
        (target / "docs").mkdir(parents=True, exist_ok=True)
        for name, source in _shelf().items():
            nearer = source.read_bytes().replace(b"(../docs/", b"(docs/")
            try:
                with (target / name).open("xb") as file:  # never overwrites, whoever else writes
                    file.write(nearer.replace(b"(../notebooks/", b"(../"))
                new.append(name)
            except FileExistsError:
                kept.append(name)
    except OSError as error:
        raise RtlabError(
            f"{target}: {error.strerror}; name a folder that you may write to"
        ) from error
    return new, kept
