"""Pass strict nbval on every lesson where it is hard, and fail if any output differs.

    python tests/notebooks_hard.py [notebook ...]

Twice in a row in one folder, in which nothing may be left behind or changed; while other processes
keep every core busy; and on a machine that is set to Shanghai's time and to Chinese.
"""

# ruff: noqa: T201  (it prints what it found)

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHINESE = "zh_CN.UTF-8"


def strict(folder, **environment):
    """Compare the lessons in a folder with what they give now; tell whether they are the same."""
    command = [
        sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-q",
        "-n", "2", "--dist", "loadscope", "-p", "no:cacheprovider", "-p", "nbval.plugin",
        "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "240", "--timeout", "0",
        "--nbval-sanitize-with", ROOT / "tests/nbval_sanitize.cfg", folder,
    ]  # fmt: skip
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    settings = os.environ | {"PYTHONPATH": path} | environment
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode == 0


def contents(folder):
    """Give the files in a folder with their fingerprints."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@contextmanager
def load():
    """Keep every core busy, twice."""
    busy = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def chinese(place):
    """Give the settings of a Chinese machine; without the locale, make it in a folder."""
    words = {"TZ": "Asia/Shanghai", "LANG": CHINESE, "LC_ALL": CHINESE, "LANGUAGE": "zh_CN:zh"}
    tried = [{}]
    if shutil.which("localedef"):
        made = ["localedef", "-i", "zh_CN", "-f", "UTF-8", str(place / CHINESE)]
        subprocess.run(made, check=False, capture_output=True)
        tried.append({"LOCPATH": str(place)})
    test = "import locale; locale.setlocale(locale.LC_ALL, '')"
    for more in tried:
        settings = os.environ | words | more
        done = subprocess.run(
            [sys.executable, "-c", test], env=settings, check=False, capture_output=True
        )
        if done.returncode == 0:
            return words | more
    print(f"This machine cannot make the locale {CHINESE}: only its names are set.", flush=True)
    return words


def main(names):
    """Go through the four trials; give the number of those that failed."""
    lessons = [Path(name) for name in names] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    verdicts = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "lessons"
        folder.mkdir()
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for lesson in lessons:
            shutil.copy(lesson, folder)
        before = contents(folder)

        def trial(name, **environment):
            begun = time.monotonic()
            print(f"=== {name}", flush=True)
            same = strict(folder, **environment)
            changed = sorted(set(contents(folder).items()) ^ set(before.items()))
            if changed:
                print(f"left behind or changed: {changed}")
            took = time.monotonic() - begun
            verdicts[name] = f"{'ok' if same and not changed else 'FAILED':7}{took:5.0f} s"

        trial("first time")
        trial("second time, in the same folder")
        with load():
            trial("under load")
        trial("Shanghai's time, in Chinese", **chinese(place))
    for name, verdict in verdicts.items():
        print(f"{name:34}{verdict}")
    return sum("FAILED" in verdict for verdict in verdicts.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
