"""The built wheel works alone: installed in an empty environment, used from an empty folder."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = "Scripts" if os.name == "nt" else "bin"

pytestmark = [pytest.mark.systems, pytest.mark.timeout(600)]


def run(*command, cwd, status=0):
    """Run a command as a newcomer would, and give all that it printed."""
    clean = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
    )  # fmt: skip
    assert status in (done.returncode, None), done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


class Place:
    """An empty environment and an empty folder, both with a space and Chinese in their names."""

    def __init__(self, parent, wheel):
        self.wheel, self.folder = wheel, parent / "my shop 我的店"
        self.environment = parent / "an environment 环境"
        self.python = self.environment / BIN / "python"
        self.uv = shutil.which("uv")
        self.folder.mkdir(parents=True)
        venv = (
            [self.uv, "venv", "-q", "--python", sys.executable]
            if self.uv
            else [sys.executable, "-m", "venv"]
        )
        run(*venv, self.environment, cwd=parent)
        # The versions of the lock; which libraries come is the wheel's own word.
        pins = re.findall(
            r"^[a-z0-9.-]+==[^\\\n]+", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE
        )
        self.pins = parent / "pins.txt"
        self.pins.write_text("\n".join(pins), encoding="utf-8")

    def install(self, extras=""):
        """Install the wheel and what it asks for."""
        tool = [self.uv, "pip", "install", "--python", self.python] if self.uv else [
            self.python, "-m", "pip", "install", "--disable-pip-version-check"]  # fmt: skip
        run(
            *tool, "-q", "-c", self.pins, f"rtlab{extras} @ {self.wheel.as_uri()}", cwd=self.folder
        )

    def rtlab(self, *words, status=0):
        """Run the command that the wheel installed."""
        return run(self.environment / BIN / "rtlab", *words, cwd=self.folder, status=status)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from this checkout, with the locked builder."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(tmp_path_factory, wheel):
    """Install the wheel with its core dependencies only."""
    place = Place(tmp_path_factory.mktemp("bare"), wheel)
    place.install()
    return place


@pytest.fixture(scope="module")
def full(bare):
    """Add what the whole demo needs; so tests of the bare wheel stand first in this file."""
    bare.install("[stats,plot,data]")
    bare.folder = bare.folder.with_name("another shop")
    bare.folder.mkdir()
    return bare


def test_wheel_holds_the_package_the_lessons_and_the_types(wheel):
    """The wheel has every module, every lesson and py.typed, and neither tests nor caches."""
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT).as_posix()) for path in ROOT.glob("rtlab/**/*.py")}
    lessons = {f"rtlab/lessons/notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb")}
    assert lessons
    assert package | lessons | {"rtlab/py.typed"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"rtlab"}
    assert not [name for name in names if "__pycache__" in name or ".ipynb_checkpoints" in name]


def test_core_alone_imports(bare):
    """Without extras the package imports without a warning, and computes."""
    code = "import rtlab as rt, pandas as pd; print(rt.difference(pd.Series([1, 3])).tolist())"
    assert run(bare.python, "-W", "error", "-c", code, cwd=bare.folder) == "[nan, 2.0]\n"


def test_core_alone_demonstrates_what_it_can(bare):
    """Without extras the demo says which are missing, and still leaves its page and its tables."""
    said = bare.rtlab("demo", "--simulated")
    assert set(re.findall(r"pip install 'rtlab\[(\w+)\]'", said)) == {"stats", "plot", "data"}
    (page,) = bare.folder.rglob("*.html")
    assert list(page.parent.rglob("*.csv"))


def test_lessons_come_from_the_wheel_and_keep_edits(bare):
    """``rtlab lessons`` hands out every lesson, and leaves a changed one as it is."""
    bare.rtlab("lessons", "lessons 课")
    lessons = sorted((bare.folder / "lessons 课").glob("*.ipynb"))
    assert [one.name for one in lessons] == sorted(
        one.name for one in ROOT.glob("notebooks/*.ipynb")
    )
    lessons[0].write_text("mine", encoding="utf-8")
    bare.rtlab("lessons", "lessons 课")
    assert lessons[0].read_text(encoding="utf-8") == "mine"


def test_check_tells_what_is_ready(full):
    """``rtlab check`` marks each part of the set-up, and gives a remedy for what is missing."""
    said = run(full.environment / BIN / "rtlab", "check", cwd=full.folder, status=None)
    assert "✓" in said
    assert "✗" not in said or "pip install" in said


def test_demo_on_the_simulated_shop(full):
    """The demo runs from the wheel, accounts for every row and leaves a report that opens."""
    said = full.rtlab("demo", "--simulated")
    assert "rejected" in said
    (page,) = full.folder.rglob("*.html")
    assert page.stat().st_size > 50_000
    assert list(page.parent.rglob("*.png"))
    assert list(page.parent.rglob("*.csv"))
    assert list(page.parent.rglob("*.parquet"))
