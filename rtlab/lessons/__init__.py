"""The lessons: handed out of the installed package, and their exercises graded."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any

from rtlab.errors import RtlabError
from rtlab.lessons.grading import check

__all__ = ["check", "hand_out"]


def _shelf() -> Any:
    """Find the notebooks: in the wheel beside this file, in a checkout at its top."""
    packed = resources.files("rtlab.lessons") / "notebooks"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "notebooks"


def hand_out(folder: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """Copy the lessons into a folder; what is already there stays as it is.

    Parameters
    ----------
    folder : path
        Made if it is not there.

    Returns
    -------
    new, kept : list of str
        Names of the lessons that were copied, and of those that were there.

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
        target.mkdir(parents=True, exist_ok=True)
        for lesson in sorted(_shelf().iterdir(), key=lambda one: one.name):
            if not lesson.name.endswith(".ipynb"):
                continue
            copy = target / lesson.name
            try:
                with copy.open("xb") as file:  # refuses to overwrite, whoever else writes
                    file.write(lesson.read_bytes())
                new.append(lesson.name)
            except FileExistsError:
                kept.append(lesson.name)
    except OSError as error:
        raise RtlabError(
            f"{target}: {error.strerror}; name a folder that you may write to"
        ) from error
    return new, kept
