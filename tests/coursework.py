"""Lessons read and executed for the tests: cells, a small kernel, and what to feed graders."""

from __future__ import annotations

import ast
import base64
import decimal
import html
import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SHELF = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SANITIZERS = re.findall(
    r"^regex: (.*)\nreplace: (.*)$",
    (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="ascii"),
    flags=re.MULTILINE,
)
UNCOMPARED = {"metadata", "traceback", "output_type", "execution_count", "name"}


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook."""

    kind: str
    name: str
    source: str
    tags: frozenset
    metadata: dict
    outputs: list
    count: int | None

    @property
    def free(self):
        """Whether its outputs are not compared, since a wall clock stands behind them."""
        return "live" in self.tags or "NBVAL_IGNORE_OUTPUT" in self.source

    @cached_property
    def tree(self):
        """Give the syntax tree of its code."""
        return ast.parse(self.source)

    def plain(self):
        """Give what it shows as text."""
        return "".join(
            one.get("data", {}).get("text/plain", one.get("text", "")) for one in self.outputs
        )


@dataclass(frozen=True)
class Lesson:
    """A notebook as it lies on the disk."""

    path: Path

    @property
    def number(self):
        """Give its number as text: 04."""
        return self.path.name[:2]

    @cached_property
    def document(self):
        """Give the whole notebook."""
        return json.loads(self.path.read_text(encoding="utf-8"))

    @property
    def about(self):
        """Give what the metadata say about the lesson."""
        return self.document["metadata"]["rtlab"]

    @cached_property
    def cells(self):
        """Give its cells in order."""
        return [
            Cell(
                one["cell_type"], one["id"], "".join(one["source"]),
                frozenset(one["metadata"].get("tags", ())), one["metadata"],
                [joined(output) for output in one.get("outputs", ())], one.get("execution_count"),
            )
            for one in self.document["cells"]
        ]  # fmt: skip

    @property
    def code(self):
        """Give its code cells."""
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def prose(self):
        """Give its cells of text."""
        return [cell for cell in self.cells if cell.kind == "markdown"]

    def tagged(self, tag):
        """Give the code cells that carry a tag."""
        return [cell for cell in self.code if tag in cell.tags]


def joined(output):
    """Join the lines of a stored output, as nbformat does."""
    data = {kind: "".join(text) for kind, text in output.get("data", {}).items()}
    whole = {"data": data} if data else {}
    return {**output, **whole, **({"text": "".join(output["text"])} if "text" in output else {})}


# --- what nbval compares


def compared(outputs):
    """Sort outputs as nbval does before it compares them: by kind, with what may differ taken out.

    nbval itself is slow and wants a kernel; a test holds this to the same verdicts.
    """
    found = {}
    for output in outputs:
        flat = {key: text for key, text in output.items() if key not in UNCOMPARED}
        flat |= flat.pop("data", {})
        if output["output_type"] == "stream":
            flat = {output["name"]: found.pop(output["name"], [""])[0] + output["text"]}
        for key, text in flat.items():
            found.setdefault(key, []).append(text)
    return {key: [sanitized(text) for text in texts] for key, texts in found.items()}


def sanitized(text):
    """Take out what may differ between two runs."""
    for pattern, replacement in SANITIZERS:
        text = re.sub(pattern, replacement, text) if isinstance(text, str) else text
    return text


def pixels(outputs):
    """Give the images in the HTML of some outputs as arrays."""
    from matplotlib.image import imread  # noqa: PLC0415  (an extra)

    text = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    return [imread(io.BytesIO(base64.b64decode(one)), format="png") for one in found]


def alike(some, others):
    """Tell whether images are the same to the eye; another machine may round a few edges."""
    return len(some) == len(others) and all(
        one.shape == other.shape and np.sum(np.abs(one - other).max(axis=2) > 0.03) <= 3
        for one, other in zip(some, others, strict=True)
    )


def figures(outputs):
    """Give each figure in some outputs: alt, caption and plain text."""
    for output in outputs:
        data = output.get("data", {})
        shown = re.fullmatch(
            r'<figure .*<img src="data:image/png;base64,[^"]+" alt="([^"]*)".*'
            r"<figcaption[^>]*>([^<]*)</figcaption></figure>",
            data.get("text/html", ""),
            flags=re.DOTALL,
        )
        if shown:
            yield html.unescape(shown[1]), html.unescape(shown[2]), data["text/plain"]


# --- a kernel in this process


class Kernel:
    """IPython without a server: what a cell shows is given back in a notebook's form.

    It belongs to a process of its own: IPython keeps one shell for the whole process.
    """

    def __init__(self):
        from IPython.core.displayhook import DisplayHook  # noqa: PLC0415  (an extra)
        from IPython.core.displaypub import DisplayPublisher  # noqa: PLC0415
        from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415
        from traitlets.config import Config  # noqa: PLC0415

        outputs = self.outputs = []

        class Hook(DisplayHook):
            def __call__(self, result=None):
                if result is not None:
                    self.fill_exec_result(result)
                    data, _ = self.compute_format_data(result)
                    outputs.append({"output_type": "execute_result", "data": data})

        class Publisher(DisplayPublisher):
            def publish(self, data, **_):
                outputs.append({"output_type": "display_data", "data": data})

        class Shell(InteractiveShell):
            displayhook_class = Hook
            display_pub_class = Publisher

        quiet = Config()
        quiet.HistoryManager.enabled = False
        self.shell = Shell.instance(config=quiet)

    def run(self, code):
        """Execute a cell's code; give its outputs and the value that it ended in."""
        self.outputs.clear()
        streams = {"stdout": io.StringIO(), "stderr": io.StringIO()}
        with redirect_stdout(streams["stdout"]), redirect_stderr(streams["stderr"]):
            done = self.shell.run_cell(code, store_history=False)
        error = done.error_before_exec or done.error_in_exec
        if error is not None:  # its traceback went to stdout
            ended = {"output_type": "error", "ename": type(error).__name__, "evalue": str(error)}
            return [*self.outputs, ended], None
        texts = [
            {"output_type": "stream", "name": name, "text": stream.getvalue()}
            for name, stream in streams.items()
            if stream.getvalue()
        ]
        return [*texts, *self.outputs], done.result


# --- graders


def questions(number):
    """Give the graders of a lesson."""
    return import_module(f"rtlab.lessons.answers.lesson{number}").QUESTIONS


@cache
def oracle(number):
    """Give what was worked out for a lesson without its graders."""
    return import_module(f"lessons.oracle_{number}")


@cache
def expected(name):
    """Give the right answer as plain pandas and loops find it."""
    return oracle(name[:2]).ORACLES[name]()


def forms(value):
    """Write a right answer in each reasonable form."""
    yield value
    if isinstance(value, dict):
        yield from forms_of_dict(value)
    elif isinstance(value, (list, tuple, np.ndarray, pd.Series, pd.Index)):
        yield from forms_of_list(list(value))
    else:
        scalars = list(forms_of_scalar(value))
        yield from scalars
        if (
            isinstance(value, pd.Timestamp) and value.tzinfo is not None
        ):  # as in a column's .values
            yield from (value.to_datetime64(), [value.to_datetime64()])
            yield pd.DatetimeIndex([value]).to_numpy("datetime64[ns]")
        for one in scalars:
            yield from ([one], (one,), pd.Series([one], index=["x"]), pd.Index([one]))
            yield from (
                np.array([one]),
                pd.DataFrame({"a": [one]}, index=[9]),
                {"a": one}.values(),
            )


def forms_of_scalar(value):
    """Write one value in each reasonable form."""
    if isinstance(value, (bool, np.bool_)):
        text = ("yes", "True", "YES ", "y", "是") if value else ("no", "False", "No.", "否")
        yield from (bool(value), np.bool_(value), np.array(value), int(value), *text)
    elif isinstance(value, (int, float, np.number)):
        value = value.item() if isinstance(value, np.number) else value
        yield from (value, float(value), np.float64(value), np.array(value), str(value))
        yield from (f" {value:,} ", str(value).replace("-", "−"), decimal.Decimal(str(value)))
        if value == int(value):
            yield from (int(value), np.int64(value), f"{int(value):,}", f"{int(value)}.0")
    elif isinstance(value, pd.Timestamp):
        naive = value.tz_localize(None)
        yield from (value, str(value), value.isoformat(), value.to_pydatetime())
        yield from (naive, str(naive), naive.to_datetime64(), naive.to_pydatetime(), f"{naive} ")
        if value.tzinfo is not None:
            yield value.tz_convert("UTC")
    elif isinstance(value, str):
        yield from (value, np.str_(value), f"  {value} ", value.upper(), np.array(value))


def forms_of_list(values):
    """Write some values in each reasonable form."""
    yield from (values, tuple(values), pd.Index(values), pd.Series(values), iter(values))
    yield pd.Series(values, index=pd.date_range("2020", periods=len(values)))
    yield from (pd.DataFrame({"x": values}), np.array(values), {"v": values}["v"])
    yield pd.Series(values, dtype=object)
    yield dict(enumerate(values))
    if all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in values):
        yield [float(one) for one in values]
    if all(isinstance(one, (str, int, float, np.number)) for one in values):
        yield [str(one) for one in values]


def forms_of_dict(value):
    """Write named values in each reasonable form."""
    yield from (dict(reversed(value.items())), pd.Series(value), pd.DataFrame([value]))
    for one in (np.float64, np.int64, str):
        plain = all(type(part) in (int, float) for part in value.values())
        if plain and all(one is not np.int64 or part == int(part) for part in value.values()):
            yield {name: one(part) for name, part in value.items()}


def near_misses(value, within):
    """Give numbers that lie just too far from the right one."""
    if type(value) in (int, float) or isinstance(value, np.number):
        step = max(1 if value == int(value) else 0.0, abs(value) * max(0.05, within))
        step = 1 if within == 0 and value == int(value) else step
        yield from (value + step * 1.01, value - step * 1.01)
        if value:
            yield -value


def faults(name, question, check):
    """Say what a grader does wrong with an exercise's right and typical wrong answers."""
    right, number = expected(name), name[:2]
    for form in [*forms(right), *oracle(number).FORMS.get(name, ())]:
        verdict = check(question, form)
        if verdict.right is not True:
            yield f"{name}: {form!r} is right, but: {verdict}"
    reached = set()
    for wrong, phrase in oracle(number).WRONG[name]:
        verdict = check(question, wrong)
        reached.add(verdict.text)
        if verdict.right is not False:
            yield f"{name}: {wrong!r} is wrong, but: {verdict}"
        elif phrase not in verdict.text:
            yield f"{name}: to {wrong!r} it should say {phrase!r}: {verdict}"
    for wrong in near_misses(right, question.within):
        if check(question, wrong).right is not False:
            yield f"{name}: {wrong!r} is taken for {right!r}"
    for text in (*(hint.text for hint in question.hints), question.otherwise):
        if gives_away(text, right):
            yield f"{name}: this gives the answer away: {text}"
    for hint in question.hints:
        if not any(hint.text in text for text in reached):
            yield f"{name}: no typical wrong answer meets the hint {hint.text!r}"


def gives_away(text, right):
    """Tell whether a text holds the right answer."""
    if isinstance(right, (bool, np.bool_, dict)):
        return False  # "not True" says all of it; a dict's keys are in the question
    values = list(right) if isinstance(right, (list, tuple, np.ndarray, pd.Series)) else [right]
    plain = text.replace(",", "").casefold()
    return all(
        re.search(rf"(?<![\w.]){re.escape(str(one).casefold())}(?![\w]|\.\d)", plain)
        for one in values
    )
