"""Change one thing at a time in the lessons, and see that a test notices each change.

    python tests/mutations.py               every mutant of every lesson
    python tests/mutations.py --lesson 03   of one lesson
    python tests/mutations.py --draw 3      a drawn handful of each kind

Kinds of mutants:

fact    a number in a stored output: strict nbval compares outputs, so it must see the difference
drawn   a point, a bar or a cell of a figure's drawing: its pixels are compared with the stored
code    a literal in a cell's code: a later output, or an error, must tell
grader  a literal in a grader: right and typical wrong answers are graded anew

A lesson is executed once; at each cell the process forks, and each child goes on with one mutant.
What was found is kept in build/mutations.json, and is done again only where a lesson, its grader
or the package has changed. Survivors make the script fail, unless JUSTIFIED says why they may.
"""

# ruff: noqa: T201  (it prints what it found)

import argparse
import ast
import copy
import hashlib
import importlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import types
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from coursework import (
    ROOT,
    SHELF,
    Kernel,
    Lesson,
    alike,
    compared,
    expected,
    faults,
    pixels,
)

STATE = ROOT / "build" / "mutations.json"
KINDS = ("fact", "drawn", "code", "grader")
SECONDS = 90  # a mutant that takes longer is noticed, as a test that hangs is
DURATION = re.compile(r"(\d+)(us|ms|s|min|h|D|W)")
CLOCK = re.compile(r"(\d\d)(:\d\d(?::\d\d)?)$")
DAY = re.compile(r"(\d{4}-\d\d-)(\d\d)$")

JUSTIFIED = (
    (r"grader \d\d \[.*[<>] ", "where a hint begins: typical wrong answers lie far from it"),
    (r"code 03 \S+ solution .*range\(7\)", "the search ends before"),
    (r"code 07 account .* > 0\]", "an hour's promotion brings more than a few cents"),
    (r"code 10 shop .*fill=0", "each hour of this shop has sales, so that none is filled"),
    (r"code .*\[len\(.*fill=0", "only the number of windows is shown, not what fills them"),
    (
        r"code .*\breplay\(.*rows=|code .* \[rows = ",
        "the law: batches change nothing",
    ),
    (r"code \d\d \S+ exercise ", "a learner changes it, and the cell waits for an answer"),
)
"""Mutants that may survive, by a pattern of their name, and why."""


# --- literals of code


def changes(value, inside):
    """Give other values of the same kind, a little and much different: one must be noticed."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        near = value - 1 if inside == "round" and value else value + 1
        return [near, 2 * value + 1, 100 * value + 100]
    if isinstance(value, float):
        return [value * 1.1 if value else 0.1, value * 3 + 1]
    if found := DURATION.fullmatch(value):
        return [f"{new}{found[2]}" for new in (int(found[1]) + 1, 40 * int(found[1]))]
    if found := CLOCK.search(value):
        start, hour = value[: found.start()], int(found[1])
        return [f"{start}{(hour + more) % 24:02}{found[2]}" for more in (1, 9, 17)]
    if found := DAY.search(value):
        return [f"{value[: found.start()]}{found[1]}{int(found[2]) % 28 + 1:02}"]
    return [value + "x"]


def literals(tree):
    """Find the literals in calls and in assigned values; give each with the call around it."""

    def walk(node, call, counts):
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FormattedValue)) and call is None:
            return
        if isinstance(node, ast.Constant) and counts:
            if isinstance(node.value, (bool, int, float, str)) and node.value != "":
                yield node, call
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, ast.Call):
            call, counts = getattr(node.func, "attr", getattr(node.func, "id", "")), True
        for field, child in ast.iter_fields(node):
            inner = counts or (isinstance(node, (ast.Assign, ast.Return)) and field == "value")
            for one in child if isinstance(child, list) else [child]:
                if isinstance(one, ast.AST):
                    yield from walk(one, call, inner)

    yield from walk(tree, None, False)


def mutants_of(source, skip=()):
    """Give (name, codes) for each literal of some code: with it a little and much different."""
    tree = ast.parse(source)
    words = {id(node) for node in skip(tree)} if skip else set()
    for at, (node, call) in enumerate(literals(tree)):
        if id(node) in words:
            continue
        before, codes = node.value, []
        for node.value in changes(before, call):
            codes.append(ast.unparse(tree))
        name = f"{before!r} -> {changes(before, call)[0]!r}"
        node.value = before
        line = source.splitlines()[node.lineno - 1].strip()
        yield f"[{line}] {at}: {name}", codes


# --- a lesson


def differs(cell, outputs):
    """Tell whether strict nbval, or the test of a figure's pixels, would see a difference."""
    if cell.free:
        return False
    return compared(outputs) != compared(cell.outputs) or (
        "figure" in cell.tags and not alike(pixels(outputs), pixels(cell.outputs))
    )


def role(cell):
    """Say in a mutant's name whether its cell is an exercise or a solution."""
    return "".join(f" {tag}" for tag in ("exercise", "solution") if tag in cell.tags)


def in_child(work):
    """Fork, do some work in the child, and tell whether it noticed something."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        noticed = True
        try:
            noticed = work()
        finally:
            os._exit(1 if noticed else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def rest_differs(kernel, cells, code):
    """Execute a changed cell and the cells after it, until an output is not the stored one."""
    for cell, source in zip(cells, [code, *(one.source for one in cells[1:])], strict=True):
        outputs, _ = kernel.run(source)
        if differs(cell, outputs) or any(one["output_type"] == "error" for one in outputs):
            return True
    return False


def fact_mutants(cell):
    """Give (name, stored outputs) with one number in the text of an output changed."""
    outputs = light(cell.outputs)
    for at, output in enumerate(outputs):
        parts = output.get("data") or {"text": output.get("text", "")}
        for kind, text in parts.items():
            told = re.sub(
                r"base64,[A-Za-z0-9+/=]+|style=\"[^\"]*\"", lambda m: "~" * len(m[0]), text
            )
            for number in re.finditer(r"\d+", told):
                digit = str((int(number[0][-1]) + 1) % 10)
                new = f"{text[: number.end() - 1]}{digit}{text[number.end() :]}"
                whole = copy.deepcopy(outputs)
                (whole[at]["data"] if "data" in output else whole[at])[kind] = new
                yield f"{kind} {number.start()}: {number[0]}", whole


def light(outputs):
    """Leave most of the pixels away: they are sanitised in any case, and slow to read."""
    text = re.sub(r"(base64,[\w+/=]{20})[\w+/=]+", r"\1", json.dumps(outputs))
    return json.loads(text)


def drawn_mutants(figure):
    """Give (name, change, undo) for each thing in a figure that shows data."""
    from matplotlib.collections import PathCollection  # noqa: PLC0415
    from matplotlib.image import AxesImage  # noqa: PLC0415

    for number, axes in enumerate(figure.axes):
        low, high = axes.get_ylim()
        for at, line in enumerate(axes.lines):
            if not len(line.get_ydata()):
                continue  # it stands for the legend alone
            upright = line.get_transform() == axes.get_xaxis_transform()  # from end to end
            get, put = (
                getattr(line, f"{do}_{'x' if upright else 'y'}data") for do in ("get", "set")
            )
            ends = axes.get_xlim() if upright else (low, high)
            how = shifted(partial(get, orig=False), put, (ends[1] - ends[0]) / 12, ends)
            yield f"axes {number} line {at}", *how
        bars = [one for one in axes.patches if hasattr(one, "get_width")]
        lying = len({round(bar.get_height(), 9) for bar in bars}) == 1 < len(bars)
        for at, bar in enumerate(bars):  # half a bar leaves a gap below the one that stands on it
            wide = lying or bar.get_data_transform() == axes.get_xaxis_transform()
            side, (first, last) = ("width", axes.get_xlim()) if wide else ("height", (low, high))
            size, put = getattr(bar, f"get_{side}")(), getattr(bar, f"set_{side}")
            seen = size > (last - first) / 50  # else it grows, above what stands before it
            other = size / 2 if seen else 0.9 * (last - first)
            yield f"axes {number} {side} of bar {at}", partial(put, other), partial(put, size)
        for at, dots in enumerate(axes.collections):
            if isinstance(dots, PathCollection):
                yield (
                    f"axes {number} dots {at}",
                    *shifted(
                        lambda dots=dots: dots.get_offsets()[:, 1],
                        lambda heights, dots=dots: dots.set_offsets(
                            [[x, y] for (x, _), y in zip(dots.get_offsets(), heights, strict=True)]
                        ),
                        (high - low) / 12,
                        (low, high),
                    ),
                )
            elif dots.get_array() is None and dots.get_paths():
                yield f"axes {number} area {at}", *bent(dots.get_paths(), (high - low) / 12)
        for at, image in enumerate([*axes.images, *axes.collections]):
            if isinstance(image, AxesImage) or (
                image.get_array() is not None and not isinstance(image, PathCollection)
            ):
                yield f"axes {number} colours {at}", *recoloured(image)


def shifted(get, put, step, limits):
    """Move the middle one of the heights that are seen, towards the middle of the axis."""
    import numpy as np  # noqa: PLC0415

    heights = np.asarray(get(), float)
    seen = np.flatnonzero(np.isfinite(heights))
    middle = sum(limits) / 2

    def change():
        if len(seen):
            new, at = heights.copy(), seen[len(seen) // 2]
            new[at] += step if new[at] < middle else -step
            put(new)

    return change, lambda: put(heights)


def bent(paths, step):
    """Move a corner of the middle one of the bands or strokes of a collection."""
    corners = paths[len(paths) // 2].vertices
    at = max(1, len(corners) // 4)  # not where a band turns

    def move(by):
        corners.flags.writeable = True
        corners[at : at + 1 + len(corners) // 12, 1] += by

    return partial(move, step), partial(move, -step)


def recoloured(image):
    """Give the cell of a map that is in its middle the colour of the other end."""
    import numpy as np  # noqa: PLC0415

    values = np.ma.array(image.get_array(), copy=True)
    other = values.copy()
    middle = tuple(size // 2 for size in values.shape)
    top, bottom = values.max(), values.min()
    other[middle] = bottom if abs(top - values[middle]) < abs(values[middle] - bottom) else top
    return lambda: image.set_array(other), lambda: image.set_array(values)


class Campaign:
    """The mutants of one lesson: what is known of them, and which are to be tried."""

    def __init__(self, lesson, draw, known):
        self.lesson, self.draw, self.known = lesson, draw, known
        self.found = {}

    def choose(self, kind, named):
        """Take all mutants of a kind, or a drawn handful; leave those that are known."""
        chosen = list(named)
        if self.draw is not None:
            drawing = random.Random(f"{kind} {self.lesson.number}")  # noqa: S311
            chosen = drawing.sample(chosen, min(self.draw, len(chosen)))
        for name, *what in chosen:
            full = f"{kind} {self.lesson.number} {name}"
            if full in self.known:
                self.found[full] = self.known[full]
            else:
                yield full, *what

    def facts(self):
        """Try the numbers in all stored outputs."""
        every = (
            (f"{cell.name} {name}", cell, stored)
            for cell in self.lesson.code
            if not cell.free
            for name, stored in fact_mutants(cell)
        )
        for name, cell, stored in self.choose("fact", every):
            self.found[name] = compared(stored) != compared(light(cell.outputs))

    def code(self):
        """Try the literals, each in a child that starts from the cells before it."""
        cells = self.lesson.code
        every = [
            (f"{cell.name}{role(cell)} {name}", at, codes)
            for at, cell in enumerate(cells)
            if "live" not in cell.tags
            for name, codes in mutants_of(cell.source)
        ]
        chosen = list(self.choose("code", every))
        kernel = Kernel()
        for at, cell in enumerate(cells):
            for name, _, codes in (one for one in chosen if one[1] == at):
                self.found[name] = any(
                    in_child(partial(rest_differs, kernel, cells[at:], code)) for code in codes
                )
            outputs, value = kernel.run(cell.source)
            if differs(cell, outputs):
                raise SystemExit(
                    f"{self.lesson.path.name}: {cell.name} is not as stored: {outputs}"
                )
            if "figure" in cell.tags and hasattr(value, "figure") and not cell.free:
                self.drawn(cell, value)

    def drawn(self, cell, picture):
        """Try what a figure has drawn."""
        stored = pixels(cell.outputs)
        every = ((f"{cell.name} {name}", *how) for name, *how in drawn_mutants(picture.figure))
        for name, change, undo in self.choose("drawn", every):
            change()
            shown = pixels([{"data": picture._repr_mimebundle_()}])
            self.found[name] = not alike(shown, stored)
            undo()

    def graders(self):
        """Try the literals of the graders, but for their prose."""
        path = ROOT / f"rtlab/lessons/answers/lesson{self.lesson.number}.py"
        if not path.is_file():
            return
        source = path.read_text(encoding="utf-8")
        names = list(importlib.import_module(f"rtlab.lessons.answers.{path.stem}").QUESTIONS)
        for name in names:
            expected(name)
        for name, codes in self.choose("grader", mutants_of(source, skip=prose)):
            self.found[name] = any(
                in_child(partial(grades_wrong, path, code, names)) for code in codes
            )


def prose(tree):
    """Find the literals of graders that are words to a learner or names of exercises."""
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Hint":
            parts = [*node.args[1:], *(one.value for one in node.keywords if one.arg == "text")]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Question":
            said = {"done", "otherwise"}
            parts = [*node.args[1:2], *(one.value for one in node.keywords if one.arg in said)]
        elif isinstance(node, ast.Dict):
            parts = [
                one
                for one in node.keys
                if isinstance(one, ast.Constant) and re.fullmatch(r"\d\d\.\d", str(one.value))
            ]
        elif isinstance(node, ast.Constant) and str(node.value).count(" ") >= 4:
            parts = [node]  # a sentence that has a name
        for part in parts:
            yield from ast.walk(part)


def grades_wrong(path, code, names):
    """Tell whether graders with a change in them treat any answer wrongly."""
    module = types.ModuleType(path.stem)
    exec(compile(code, str(path), "exec"), module.__dict__)  # noqa: S102
    for name in names:
        if any(
            True for _ in faults(name, module.QUESTIONS[name], type(module.QUESTIONS[name]).grade)
        ):
            return True
    return False


# --- the script


def print_of(lesson):
    """Give a fingerprint of all that a mutant's fate hangs on."""
    files = [lesson.path, *sorted((ROOT / "rtlab").rglob("*.py")), *(ROOT / "tests").glob("*.py")]
    files += sorted((ROOT / "tests" / "lessons").glob(f"*{lesson.number}.py"))
    files += [ROOT / "tests" / "nbval_sanitize.cfg"]
    mixed = hashlib.sha256()
    for file in files:
        mixed.update(file.read_bytes())
    return mixed.hexdigest()[:16]


def one_lesson(lesson, draw, state):
    """Do the campaign of one lesson in this process; give what was found."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    mine = read(state).get(lesson.number, {})
    known = mine.get("found", {}) if mine.get("print") == print_of(lesson) else {}
    campaign = Campaign(lesson, draw, known)
    try:
        campaign.facts()
        campaign.graders()
        campaign.code()
    finally:
        keep(state, lesson, known | campaign.found)
    return campaign.found


def read(state):
    """Read what earlier runs have found, lesson by lesson."""
    return json.loads(state.read_text("utf-8")) if state.is_file() else {}


def keep(state, lesson, found):
    """Write what was found into the state, which several lessons share."""
    import fcntl  # noqa: PLC0415  (so that Windows can import this module)

    state.parent.mkdir(exist_ok=True)
    with state.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        every = read(state) | {lesson.number: {"print": print_of(lesson), "found": found}}
        state.write_text(json.dumps(every, indent=0, ensure_ascii=False), encoding="utf-8")


def reason(name):
    """Say why a mutant may survive, or nothing."""
    return next((why for pattern, why in JUSTIFIED if re.match(pattern, name)), "")


def table(found):
    """Print what became of the mutants, and list the survivors; give their number."""
    fates = Counter()
    for name, noticed in found.items():
        kind, number = name.split(" ")[:2]
        fate = "killed" if noticed else "justified" if reason(name) else "survived"
        fates[number, kind, fate] += 1
    print(f"{'lesson':8}{'kind':9}{'mutants':>9}{'killed':>9}{'justified':>11}{'survived':>10}")
    rows = sorted({key[:2] for key in fates}, key=lambda key: (key[0], KINDS.index(key[1])))
    rows = [*rows, *(("all", kind) for kind in KINDS)]
    for number, kind in rows:
        counts = [
            sum(
                n
                for key, n in fates.items()
                if key[1:] == (kind, fate) and number in (key[0], "all")
            )
            for fate in ("killed", "justified", "survived")
        ]
        print(f"{number:8}{kind:9}{sum(counts):9}{counts[0]:9}{counts[1]:11}{counts[2]:10}")
    survivors = [name for name, noticed in found.items() if not noticed and not reason(name)]
    for name, noticed in found.items():
        if not noticed and reason(name):
            print(f"justified: {name}: {reason(name)}")
    for name in survivors:
        print(f"SURVIVED: {name}")
    return len(survivors)


def main():
    """Do the campaign: a process for each lesson, two at a time."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--lesson", action="append", help="number of a lesson, as in 03")
    words.add_argument("--draw", type=int, help="how many mutants of each kind, instead of all")
    words.add_argument("--state", type=Path, default=STATE, help="where to keep what was found")
    words.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = words.parse_args()
    lessons = [Lesson(path) for path in SHELF]
    lessons = [one for one in lessons if not asked.lesson or one.number in asked.lesson]
    if asked.here:
        json.dump(one_lesson(lessons[0], asked.draw, asked.state), sys.__stdout__)
        return 0
    begun, found, failed = time.monotonic(), {}, []

    def start(lesson):
        more = ["--draw", str(asked.draw)] if asked.draw is not None else []
        command = [sys.executable, __file__, "--here", "--lesson", lesson.number, *more]
        command += ["--state", str(asked.state)]
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a fork has one thread
        done = subprocess.run(
            command, env=os.environ | single, stdout=subprocess.PIPE, text=True, check=False
        )
        print(f"{lesson.path.name}: {time.monotonic() - begun:.0f} s", flush=True)
        if done.returncode:
            failed.append(lesson.number)
        else:
            found.update(json.loads(done.stdout))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, reversed(lessons)))  # the later ones take longer
    survivors = table(dict(sorted(found.items())))
    print(f"{len(found)} mutants, {time.monotonic() - begun:.0f} s")
    for number in failed:
        print(f"FAILED: lesson {number} could not be tried")
    return 1 if survivors or failed else 0


if __name__ == "__main__":
    sys.exit(main())
