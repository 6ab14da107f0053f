"""The tests of the lessons notice a change: one digit in a figure, and a handful of mutants."""

import copy
import json
import os
import re
import subprocess
import sys

import pytest
from coursework import ROOT, SHELF, Lesson, compared

pytest.importorskip("matplotlib")

if os.name != "posix":
    pytest.skip("mutants are tried in forks", allow_module_level=True)


def locked(*names):
    """Tell whether libraries have the versions that the lessons were stored with."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return all(f"{name}=={pytest.importorskip(name).__version__} " in lock for name in names)


stored_with = pytest.mark.skipif(
    not locked("matplotlib", "pandas"), reason="the lessons were stored with other versions"
)


def other_digit(text):
    """Change the last digit of a text."""
    *_, last = re.finditer(r"\d", text)
    return f"{text[: last.start()]}{(int(last[0]) + 1) % 10}{text[last.end() :]}"


@stored_with
def test_nbval_sees_one_digit_of_a_figure(tmp_path):
    """Strict nbval refuses a figure with one other digit in its facts, its alt or its caption."""
    lesson = Lesson(SHELF[0])
    short = copy.deepcopy(lesson.document)
    at = [cell.name for cell in lesson.cells].index(lesson.tagged("figure")[0].name)
    short["cells"] = short["cells"][: at + 1]

    def store(name, kind=None, change=None):
        whole = copy.deepcopy(short)
        (output,) = whole["cells"][-1]["outputs"]
        if kind:
            text = "".join(output["data"][kind])
            output["data"][kind] = change(text)
            assert compared([{**output, "data": {kind: text}}]) != compared([output])
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(whole), encoding="utf-8")

    store("same")
    store("facts", "text/plain", other_digit)
    store("caption", "text/html", other_digit)
    store(
        "alt", "text/html", lambda text: re.sub(' alt="[^"]*"', lambda m: other_digit(m[0]), text)
    )
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-q", "-n", "0", "-rfp",
            "-p", "no:cacheprovider", "-p", "nbval.plugin", "--nbval", "--nbval-current-env",
            "--nbval-sanitize-with", ROOT / "tests/nbval_sanitize.cfg", "--rootdir", tmp_path,
            tmp_path,
        ],
        env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sorted(re.findall(r"^FAILED .*?(\w+)\.ipynb", done.stdout, flags=re.MULTILINE)) == [
        "alt",
        "caption",
        "facts",
    ], done.stdout + done.stderr


@stored_with
@pytest.mark.parametrize("number", ["00", "03", "06"])
def test_a_drawn_handful_is_noticed(number, tmp_path):
    """Of each kind of mutant a few are drawn, and each is noticed or justified."""
    if number not in {path.name[:2] for path in SHELF}:
        pytest.skip("no such lesson")
    done = subprocess.run(
        [
            sys.executable, ROOT / "tests/mutations.py", "--lesson", number, "--draw", "3",
            "--state", tmp_path / "state.json",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    tried = dict(re.findall(r"^all +(\w+) +(\d+)", done.stdout, flags=re.MULTILINE))
    assert all(int(tried[kind]) >= 2 for kind in ("fact", "drawn", "code", "grader")), done.stdout
