"""The project holds together: dependencies, locks, documents, layout, a quiet import."""

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import rtlab as rt
from rtlab import errors
from rtlab.steps import registered

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rtlab"
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = tuple(f"requirements{one}.txt" for one in ("", "-oldest", "-bench", "-browser"))


def lines(path):
    """Give the lines of a text file of the project."""
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def wanted(*extras):
    """List what pyproject.toml asks for: the core and some extras, which may name each other."""
    listed = PROJECT["project"]
    found = [Requirement(line) for line in listed["dependencies"]]
    for extra in extras:
        for line in listed["optional-dependencies"][extra]:
            requirement = Requirement(line)
            own = requirement.name == "rtlab"
            found += wanted(*requirement.extras) if own else [requirement]
    return found


def bounds(requirements):
    """Map each distribution to its bounds."""
    return {canonicalize_name(one.name): str(one.specifier) for one in requirements}


def locked(lock):
    """Map each distribution of a lock to the versions that it may be locked to."""
    pins = {}
    for line in lines(lock):
        if match := re.match(r"([a-z0-9.-]+)==([^ ]+)", line):
            pins.setdefault(match[1], set()).add(match[2])
    return pins


def run(code, **environment):
    """Run some code in a fresh interpreter and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


# --- dependencies and locks


def test_conda_lists_what_pyproject_lists():
    """environment.yml has the same distributions with the same bounds as the extra 'all'."""
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [line for line in conda["dependencies"] if isinstance(line, str)]
    by_pip = next(line["pip"] for line in conda["dependencies"] if isinstance(line, dict))
    found = bounds(map(Requirement, [*plain, *(line for line in by_pip if line != "-e .")]))
    assert found.pop("python") == PROJECT["project"]["requires-python"]
    assert found.pop("pip") == ""
    found["tzdata"] = found.pop("python-tzdata")  # conda-forge's name for it
    assert found == bounds(wanted("all"))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_and_no_places(lock):
    """Each pin has a hash, and neither an index nor a path stands in a lock."""
    text = "\n".join(lines(lock))
    pins = re.findall(r"^[a-z0-9].*(?:\n    --hash.*)+", text, flags=re.MULTILINE)
    assert len(pins) == len(re.findall(r"^\w", text, flags=re.MULTILINE)) > 10
    assert "://" not in text
    assert not re.search(r"^-|(^|\s)[./~]|file:|\\Users| /", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "extra"),
    [
        ("requirements.txt", "all"),
        ("requirements-oldest.txt", "test"),
        ("requirements-bench.txt", "bench"),
        ("requirements-browser.txt", "browser"),
    ],
)
def test_lock_covers_what_pyproject_asks_for(lock, extra):
    """Each direct dependency is in the lock, at a version that its bounds allow."""
    pins = locked(lock)
    build = map(Requirement, PROJECT["dependency-groups"]["build"])
    for requirement in [*wanted(extra), *build]:
        versions = pins[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(one) for one in versions), requirement


def test_the_locks_are_both_ends_of_pandas():
    """One lock has pandas 3 and the other its floor, so that both are tested."""
    assert all(one.startswith("3.") for one in locked("requirements.txt")["pandas"])
    floors = bounds(wanted("test"))
    for name in ("pandas", "numpy", "streamz", "statsmodels", "matplotlib", "pyarrow"):
        (oldest,) = locked("requirements-oldest.txt")[name]
        assert Version(oldest) == Version(floors[name].removeprefix(">=")), name


def test_version_stands_in_one_place():
    """The package says its version; the build reads it there, and the changelog names it."""
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version" not in PROJECT["project"]
    assert version("rtlab") == rt.__version__
    assert any(line.startswith(f"## [{rt.__version__}]") for line in lines("CHANGELOG.md"))


# --- documents and layout


def targets():
    """Name the targets of the Makefile that stand in its help."""
    return {line.split(":")[0] for line in lines("Makefile") if re.match(r"[a-z-]+:.*## ", line)}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "notebooks/README.md"])
def test_commands_in_documents_exist(page):
    """Each ``make x`` that a page names is a target, and each relative link leads to a file."""
    text = "\n".join(lines(page))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE)
    assert named
    assert set(named) <= targets()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert "://" in link or (ROOT / page).parent.joinpath(link).is_file(), link


def test_the_two_commands_open_the_readme():
    """The two commands stand before anything else."""
    code = next(re.finditer(r"```sh\n(.*?)```", "\n".join(lines("README.md")), flags=re.DOTALL))
    assert [line.split("#")[0].strip() for line in code[1].splitlines()] == [
        "make demo",
        "make test",
    ]
    assert code.start() < 20


def test_readme_example_runs():
    """The README's Python example runs as it stands, and its assertion holds."""
    (code,) = re.findall(r"```python\n(.*?)```", "\n".join(lines("README.md")), flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 12
    run(code)


def test_top_level_layout():
    """The top of the project holds what a newcomer expects, and nothing else."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in tracked.stdout.splitlines()}
    assert top - {"data"} == {
        ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
        "bench", "docs", "environment.yml", "notebooks", "pyproject.toml",
        "requirements-bench.txt", "requirements-browser.txt", "requirements-oldest.txt",
        "requirements.txt", "rtlab", "tests",
    }  # fmt: skip


# --- the package


def code_lines(path):
    """Count the lines of code in a module: not blank ones, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    told = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        for line in body if isinstance(body, list) else []:
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                told |= set(range(line.lineno, line.end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(n not in told and line.strip()[:1] not in ("", "#") for n, line in lines)


def test_modules_are_small():
    """A module is a page or two of code beside its docstrings, and the package stays small."""
    sizes = {str(path.relative_to(ROOT)): code_lines(path) for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > 320} == {}
    course = {name for name in sizes if name.startswith("rtlab/lessons/")}
    assert sum(size for name, size in sizes.items() if name not in course) <= 12440


IMPORT = """
import json, sys, threading
{first}
before, threads = set(sys.modules), threading.enumerate()
import rtlab
assert threading.enumerate() == threads
json.dump(sorted({{name.split(".")[0] for name in set(sys.modules) - before}}), sys.stdout)
"""


def test_import_brings_nothing_but_itself():
    """Beyond what it builds on, ``import rtlab`` loads nothing, starts no thread, is silent."""
    loaded = set(json.loads(run(IMPORT.format(first="import numpy, pandas, streamz"))))
    assert loaded - set(sys.stdlib_module_names) == {"rtlab"}


def test_import_is_quick(tmp_path):
    """``import rtlab`` takes at most 1.3 times as long as the libraries that it builds on."""
    timed = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    warm = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}

    def seconds(modules):
        return float(run(timed.format(modules), **warm))

    base, ours = "numpy, pandas, streamz", "rtlab"
    seconds(ours)  # writes the bytecode
    least, limit = float("inf"), 0.0
    for _ in range(12):  # the least of each is the machine at rest; the first rounds mostly do
        limit = min(limit or 99.0, 1.3 * seconds(base))
        least = min(least, seconds(ours))
        if least <= limit:
            return
    pytest.fail(f"import rtlab takes {least:.2f} s, more than {limit:.2f} s")


def public():
    """List the public names that are functions or classes, but no errors."""
    objects = {name: getattr(rt, name) for name in rt.__all__}
    return {
        name: value
        for name, value in objects.items()
        if callable(value) and not (inspect.isclass(value) and issubclass(value, Exception))
    }


@pytest.mark.parametrize("name", sorted(public()))
def test_public_names_explain_themselves(name):
    """Each public function and class has a docstring with an example that runs."""
    text = inspect.getdoc(public()[name]) or ""
    assert "Examples\n--------" in text
    assert ">>> " in text


@pytest.mark.parametrize("name", sorted(set(rt.__all__) - set(public())))
def test_other_public_names_are_documented(name):
    """Errors and modules among the public names say what they are."""
    assert inspect.getdoc(getattr(rt, name))


def test_every_error_is_in_the_tree():
    """The errors that rtlab defines are all drawn in the docstring of their module."""
    own = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert own
    assert {name for name in own if name not in errors.__doc__} == set()


# --- the pure middle: no stream, no input or output, no clock

CALCULATES = {
    "__future__", "abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "enum", "fractions", "functools", "hashlib", "itertools", "math", "numbers", "numpy",
    "operator", "pandas", "re", "reprlib", "statistics", "string", "struct", "textwrap", "types",
    "typing", "unicodedata", "warnings", "zoneinfo",
}  # fmt: skip
OUTSIDE = {  # modules of rtlab that meet the world, which analysis may not know
    "rtlab.streams", "rtlab.sources", "rtlab.sinks", "rtlab.cli", "rtlab.runner", "rtlab.live",
    "rtlab.report", "rtlab.demo",
}  # fmt: skip
FORBIDDEN = (  # calls of these names
    r"(open|print|input|exec|now|today|utcnow|sleep|urlopen|read_\w+|default_rng|to_csv)$"
)
ANALYSIS = sorted(
    {step.__module__ for step in registered().values()} | {"rtlab.columns", "rtlab.events"}
)


def imported(tree):
    """Name every module that a syntax tree imports, anywhere, or asks ``optional`` for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module
            if node.module == "rtlab":
                yield from (f"rtlab.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "optional":
            yield node.args[0].value


def called(tree):
    """Name every function and method that a syntax tree calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", ""))


@pytest.mark.parametrize("name", ANALYSIS)
def test_analysis_is_pure(name):
    """A module that defines a step imports no stream library, does no I/O and reads no clock."""
    tree = ast.parse(Path(importlib.import_module(name).__file__).read_text(encoding="utf-8"))
    allowed = CALCULATES | {"rtlab", "statsmodels", "scipy", "matplotlib"}
    modules = set(imported(tree))
    assert {one for one in modules if one.split(".")[0] not in allowed} == set()
    assert {one for one in modules if ".".join(one.split(".")[:2]) in OUTSIDE} == set()
    assert [one for one in called(tree) if re.match(FORBIDDEN, one)] == []


def test_only_the_machinery_meets_streamz():
    """Only registration, the graph, sources and sinks import streamz."""
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        if any(
            one.split(".")[0] == "streamz" for one in imported(ast.parse(path.read_text("utf-8")))
        )
    }
    assert users <= {
        "steps.py",
        "streams.py",
        "sources",
        "sinks",
        "live.py",
        "runner.py",
        "desk.py",
    }
    assert {"steps.py", "streams.py"} <= users
