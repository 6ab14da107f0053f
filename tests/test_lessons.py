"""The lessons as documents: their form, their prose, their figures, and what graders say."""

import ast
import builtins
import itertools
import re
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import examples
from coursework import (
    ROOT,
    SHELF,
    Kernel,
    Lesson,
    alike,
    compared,
    faults,
    figures,
    forms,
    pixels,
    questions,
)
from hypothesis import given
from hypothesis import strategies as st

import rtlab as rt
from rtlab import pictures
from rtlab.lessons import check
from rtlab.lessons.grading import Hint, Question, Verdict

LESSONS = [Lesson(path) for path in SHELF]
LIMITS = {"00": 15, "03": 60, "08": 50}  # minutes; others have 45
HEADINGS = ["The question", "Exercises", "Key points", "Solutions"]
GRADED = sorted(path.stem[-2:] for path in (ROOT / "rtlab/lessons/answers").glob("lesson??.py"))
EXERCISES = [name for number in GRADED for name in questions(number)]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
each_exercise = pytest.mark.parametrize("name", EXERCISES)


def headings(lesson):
    """List the headings of the second level."""
    return [
        line.removeprefix("## ").strip()
        for cell in lesson.prose
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]


def plain(markdown):
    """Take code, formulas, links and tables out of prose."""
    text = re.sub(r"```.*?```|~~~.*?~~~", "", markdown, flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]+`|\$[^$\n]+\$|<[^>]+>", "", text)
    text = re.sub(r"^\s*\|.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)


def sentences(markdown):
    """Split prose into sentences: blocks, lines of a list, and what ends in a full stop."""
    for block in re.split(r"\n\s*\n|\n\s*(?=[-*#>]|\d+\. )", plain(markdown)):
        text = re.sub(r"^\s*(#+|[-*>]|\d+\.)\s+", "", block)
        for sentence in re.split(r"(?<=[.!?])[*_)\"”]*\s+", text):
            yield " ".join(sentence.split())


def words(sentence):
    """Count the words of a sentence."""
    return len(re.findall(r"[^\W_][\w'’.,:%/-]*", sentence))


# --- structure


@each_lesson
def test_metadata_say_what_the_title_says(lesson):
    """Minutes, objectives and prerequisites are the same for a person and for a program."""
    about, title = lesson.about, lesson.cells[0].source
    assert set(about) == {"reading", "exercises", "requires", "objectives"}
    assert about["reading"] + about["exercises"] <= LIMITS.get(lesson.number, 45)
    said = re.search(r"(\d+) minutes to read\D+(\d+)(?: minutes)? for (?:the )?exercises", title)
    assert said, title
    assert [int(one) for one in said.groups()] == [about["reading"], about["exercises"]]
    bullets = re.findall(r"^[-*] (.*?)[,;.]?$", title, flags=re.MULTILINE)
    assert len(bullets) == len(about["objectives"])
    assert 3 <= len(bullets) <= 5
    assert sorted(re.findall(r"\((\d\d)_\w+\.ipynb\)", title)) == sorted(about["requires"])
    assert all(one < lesson.number for one in about["requires"])


@each_lesson
def test_sections_stand_in_order(lesson):
    """A title, the question first; exercises, key points and collapsed solutions last."""
    assert lesson.cells[0].source.startswith(f"# {lesson.number} ")
    found = headings(lesson)
    assert [one for one in found if one in HEADINGS] == HEADINGS
    assert found[-3:] == HEADINGS[1:]
    assert len(set(found)) == len(found)


@each_lesson
def test_solutions_are_collapsed_and_last(lesson):
    """The heading of the solutions is collapsed, and each cell from there on is tagged."""
    names = [cell.name for cell in lesson.cells]
    (head,) = [cell for cell in lesson.prose if cell.source.startswith("## Solutions")]
    assert head.metadata.get("jp-MarkdownHeadingCollapsed") is True
    assert head.source.strip() == "## Solutions"
    last = lesson.cells[names.index(head.name) :]
    assert [cell.name for cell in last[1:] if "solution" not in cell.tags] == []
    assert not any("solution" in cell.tags for cell in lesson.cells[: names.index(head.name)])


@each_lesson
def test_cells_are_named_small_and_executed_in_order(lesson):
    """Cell ids are short words that stay; the source is small; outputs are those of one run."""
    names = [cell.name for cell in lesson.cells]
    assert len(set(names)) == len(names)
    assert [
        name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+){0,3}", name)
    ] == []
    assert sum(len(cell.source.encode()) for cell in lesson.cells) < 30_000
    for place, cell in enumerate(lesson.code, 1):  # a live cell is stored without what it showed
        assert cell.count == place or ("live" in cell.tags and cell.count is None), cell.name
    assert all(cell.source.strip() for cell in lesson.cells)


@each_lesson
def test_first_code_rebuilds_the_input(lesson):
    """A class can catch up at any lesson: its first code makes what it needs; 00 looks first."""
    first = lesson.code[0].source
    assert "check()" in first if lesson.number == "00" else "rt.simulate(" in first
    assert "../data" not in first


@each_lesson
def test_outputs_have_allowed_forms(lesson):
    """Outputs are plain facts and pictures; no error, no warning, nothing that changes."""
    strange = re.compile(
        r"0x[0-9a-f]{6}|dtype|<[A-Za-z_.]+[ :>]|\b(np|numpy)\.\w|\d+ rows × |"
        r"\b(array|Timestamp|Timedelta|Series|DataFrame|Index|Stream|Axes|Figure)\(|"
        r"/(home|tmp|work|usr|Users)/|\b[A-Z]:\\"
    )
    for cell in lesson.code:
        for output in cell.outputs:
            kind = output["output_type"]
            assert kind in {"stream", "execute_result", "display_data"}, cell.name
            assert output.get("name", "stdout") == "stdout", cell.name
            if "live" in cell.tags:
                continue
            assert set(output.get("data", ())) <= {"text/plain", "text/html"}, cell.name
            if "text/html" in output.get("data", ()):
                assert list(figures([output])), cell.name
            text = output.get("data", {}).get("text/plain", output.get("text", ""))
            assert not strange.search(text), (cell.name, strange.search(text))


@each_lesson
def test_figures_speak(lesson):
    """A cell tagged figure shows HTML with an alt and a caption in words; its text, the facts."""
    assert lesson.tagged("figure")
    for cell in lesson.code:
        found = list(figures(cell.outputs))
        assert bool(found) == ("figure" in cell.tags) or "live" in cell.tags, cell.name
        for alt, caption, text in found:
            first, *facts = text.splitlines()
            assert first == alt
            assert len(alt) > 40
            assert caption.startswith("In words: ")
            assert facts
            assert all(re.match(r"  [^:]+: .", fact) for fact in facts), text


@each_lesson
def test_each_exercise_asks_and_each_solution_answers(lesson):
    """Each exercise waits for an answer in its own cell, and is solved under the solutions."""
    known = set(questions(lesson.number))
    asked, solved = {}, {}
    for cell in lesson.code:
        named = re.findall(r"""check\(["'](\d\d\.\d)["'],""", cell.source)
        if "exercise" in cell.tags:
            assert re.search(r"^answer = \.\.\.", cell.source, flags=re.MULTILINE), cell.name
            assert len(named) == 1, cell.name
            assert cell.plain().endswith(f"… {named[0]} Not answered yet.")
            asked[named[0]] = cell
        else:
            assert not named or "solution" in cell.tags, cell.name
            for name in named:
                assert f"✓ {name} Right." in cell.plain(), cell.name
                solved[name] = cell
    assert set(asked) == set(solved) == known
    assert list(asked) == sorted(asked)


@each_lesson
def test_links_lead_somewhere(lesson):
    """Each relative link is a file beside the lesson or in the project; **Next:** leads on."""
    text = "\n".join(cell.source for cell in lesson.prose)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" not in link:
            place, _, _ = link.partition("#")
            assert not place or (lesson.path.parent / place).exists(), link
    following = {one.number: one for one in LESSONS}.get(f"{int(lesson.number) + 1:02}")
    (onward,) = re.findall(r"^\*\*Next:\*\*.*$", text, flags=re.MULTILINE)
    if following:
        assert f"({following.path.name})" in onward
    assert len(re.findall(r"\]\(", onward)) >= 1 or not following


# --- prose


@each_lesson
def test_sentences_are_short(lesson):
    """No sentence has more than twenty words."""
    long = [
        one for cell in lesson.prose for one in sentences(cell.source) if words(one) > 20
    ]  # fmt: skip
    assert long == []


@each_exercise
def test_hints_are_short(name):
    """What a grader says is as plain as the lesson: sentences of at most twenty words."""
    question = questions(name[:2])[name]
    texts = [question.done, question.otherwise, *(hint.text for hint in question.hints)]
    assert [one for text in texts for one in sentences(text) if words(one) > 20] == []


@each_lesson
def test_terms_are_in_the_glossary(lesson):
    """Each word that a lesson sets in bold, because it explains it, is in the glossary."""
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").casefold()
    text = "\n".join(cell.source for cell in lesson.prose)
    bold = re.findall(r"(?<!\*)\*\*([^*\n]+)\*\*(?!\*)", plain(text))
    terms = {one.casefold() for one in bold if one[-1] not in ".:!?" and not re.search(r"\d", one)}
    assert [one for one in sorted(terms) if one.removesuffix("s") not in glossary] == []


@each_lesson
def test_code_uses_the_helpers_and_nothing_idle(lesson):
    """No public name of rtlab is defined again, and each import is used."""
    nodes = [node for cell in lesson.code for node in ast.walk(cell.tree)]
    defined = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert defined & set(rt.__all__) == set()
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    brought = {
        (one.asname or one.name).split(".")[0] for node in imports for one in node.names
    }  # fmt: skip
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert brought - used == set()


@each_lesson
def test_names_keep_their_sense(lesson):
    """Exercises and solutions change no name that a cell before them made, but for ``answer``."""

    def made(cells):
        for cell in cells:
            nodes = list(ast.walk(cell.tree))
            loops = [node.target for node in nodes if isinstance(node, ast.comprehension)]
            inside = {name for loop in loops for name in ast.walk(loop)}  # gone after the loop
            for node in set(nodes) - inside:
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id

    own = [cell for cell in lesson.code if not cell.tags & {"exercise", "solution"}]
    worked = [cell for cell in lesson.code if "solution" in cell.tags]
    assert set(made(own)) & set(made(worked)) - {"_"} == set()
    tried = [cell for cell in lesson.code if "exercise" in cell.tags]
    read = {node.id for cell in own for node in ast.walk(cell.tree) if isinstance(node, ast.Name)}
    assert set(made(tried)) & read - {"_"} == set()


def test_pages_list_the_lessons():
    """The notebooks' page links each lesson, and nothing that is not there."""
    text = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\d_\w+\.ipynb)\)", text) == [path.name for path in SHELF]


@each_lesson
def test_teaching_plan_has_the_same_minutes(lesson):
    """The teacher's table says how long a lesson takes, as the lesson itself does."""
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\|[^|\n]*\b{lesson.number}\b[^|\n]*\|.*$", text, flags=re.MULTILINE)
    minutes = [lesson.about["reading"], lesson.about["exercises"]]
    assert rows
    numbers = [[int(one) for one in re.findall(r"\| *(\d+) *(?=\|)", row)] for row in rows]
    assert any(row[:2] == minutes for row in numbers), (rows, minutes)


# --- what the lessons show


def show(path):
    """Execute a lesson; give the outputs of each code cell."""
    kernel = Kernel()
    ran = [(cell, kernel.run(cell.source)[0]) for cell in Lesson(Path(path)).code]
    return [outputs for cell, outputs in ran if not cell.free]


@cache
def shown(path):
    """Execute a lesson in a process of its own, once."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(show, (str(path),))


def locked(name):
    """Tell whether the version of a library is the one that the lessons were stored with."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    module = pytest.importorskip(name)
    return f"{name}=={module.__version__} " in lock


@each_lesson
def test_lesson_draws_what_is_stored(lesson):
    """The outputs and the very pixels of each figure are the stored ones: nbval skips pixels.

    A figure with Chinese was stored with the Noto font; another font has other pixels.
    """
    if not (locked("matplotlib") and locked("pandas")):
        pytest.skip("stored with other versions")
    stored = [cell for cell in lesson.code if not cell.free]
    for cell, outputs in zip(stored, shown(lesson.path), strict=True):
        assert compared(outputs) == compared(cell.outputs), cell.name
        chinese = re.search("[\u4e00-\u9fff]", str(cell.outputs))
        if chinese is None or pictures._families()[1:] == ("Noto Sans CJK SC",):
            assert alike(pixels(outputs), pixels(cell.outputs)), cell.name


# --- graders


@each_exercise
def test_graders_know_right_from_wrong(name):
    """Right answers in every reasonable form are right, typical wrong ones get their hint."""
    question = questions(name[:2])[name]
    assert list(faults(name, question, Question.grade)) == []


@each_lesson
def test_every_exercise_has_an_oracle(lesson):
    """The three dicts of a lesson's oracle know its exercises, and no others."""
    from coursework import oracle  # noqa: PLC0415

    known = set(questions(lesson.number))
    assert set(oracle(lesson.number).ORACLES) == set(oracle(lesson.number).WRONG) == known
    assert set(oracle(lesson.number).FORMS) <= known


HOUR = pd.Timestamp("2024-03-04 10:00", tz="Asia/Shanghai")
KINDS = {
    "number": Question(7.5, "Good."),
    "count": Question(1234, "Good.", within=0),
    "negative": Question(-3, "Good.", within=0),
    "truth": Question(False, "Good."),
    "text": Question("Saturday", "Good."),
    "time": Question(HOUR, "Good."),
    "clock": Question(HOUR.tz_localize(None), "Good."),
    "numbers": Question([1, 2.5, -3], "Good."),
    "counts": Question(lambda: [4, 5], "Good.", within=0),
    "texts": Question(["tea", "cup"], "Good."),
    "times": Question([HOUR, HOUR + pd.Timedelta("1h")], "Good."),
    "dict": Question({"new": 3, "old": 40}, "Good.", hints=(Hint({"new": 4, "old": 3}, "No."),)),
    "mixed": Question({"day": "Monday", "sum": 2.5}, "Good."),
}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_read_in_every_form(kind):
    """A list, a Series with any index, an array, a table's column, a text: all say the same."""
    question = KINDS[kind]
    for form in forms(question.answer()):
        assert question.grade(form).right is True, repr(form)


@pytest.mark.parametrize(
    ("kind", "wrong", "says"),
    [
        ("number", True, "not True or False"),
        ("number", "many", "'many' is none"),
        ("number", HOUR, "not a time"),
        ("number", [7.5, 8], "this has 2"),
        ("number", {}, "this has 0"),
        pytest.param("number", 10**400, "Read the question again", id="huge"),
        pytest.param("number", -(10**5000), "Read the question again", id="low"),
        ("number", pd.NA, "Read the question again"),
        ("number", None, "Not answered yet"),
        ("number", 7.6, "Read the question again"),
        ("count", 1234.4, "Read the question again"),
        ("truth", "maybe", "True or False"),
        ("truth", 2, "True or False"),
        ("text", 6, "in quotes"),
        ("text", "Sunday", "Read the question again"),
        ("time", 10, "A time is asked for"),
        ("time", "ten", "A time is asked for"),
        ("time", "2024-03-04 02:00", "Read the question again"),
        ("numbers", [1, 2.5], "3 values are asked for, and this has 2"),
        ("numbers", pd.DataFrame({"a": [1], "b": [2]}), "give one column"),
        ("numbers", itertools.count(), "far too many"),
        ("numbers", range(10**12), "far too many"),
        ("numbers", [1, 2.5, "x"], "'x' is none"),
        ("dict", [3, 40], "keys 'new', 'old'"),
        ("dict", {"new": 3}, "no key 'old'"),
        ("dict", {"new": 4, "old": 3}, "No."),
        ("dict", {"new": 4, "old": 4}, "Read the question again"),
        ("numbers", rt.replay(pd.DataFrame()), ".drain()"),
    ],
)
def test_wrong_answers_are_told_what_is_asked_for(kind, wrong, says, monkeypatch):
    """A wrong form is told what form is asked for; a wrong value is told to think again."""
    monkeypatch.setattr("rtlab.lessons.grading._find", lambda _: KINDS[kind])
    verdict = check("99.1", wrong)
    assert verdict.right is (None if wrong is None else False)
    assert says in verdict.text


def test_order_matters_unless_it_does_not():
    """A list in another order is right only where the question says so."""
    assert Question([1, 2], "").grade([2, 1]).right is False
    assert Question([1, 2], "", any_order=True).grade({2, 1}).right is True
    assert Question([2, 1], "", any_order=True).grade([2, 2]).right is False
    for wrong in ([], [2], [1, 2, 3]):  # how many there are may be what is asked
        assert "2" not in Question([2, 1], "", any_order=True).grade(wrong).text


def test_numbers_are_right_within_their_bound():
    """A number may lie a share of itself away, and just beyond is wrong; a count is exact."""
    near = Question(200.0, "", within=0.01)
    assert [near.grade(one).right for one in (198.1, 201.9, 197.9, 202.1)] == [
        True,
        True,
        False,
        False,
    ]
    assert Question(0.0, "").grade(1e-13).right is True
    assert Question(0.0, "").grade(1e-6).right is False
    assert Question(float("nan"), "").grade(np.nan).right is True


def hostile(method):
    """Make a class one of whose methods raises."""

    def fail(*_, **__):
        raise RuntimeError("\ud800")

    return type("Hostile", (), {method: fail, "__module__": __name__})


METHODS = [
    "__repr__", "__str__", "__eq__", "__len__", "__iter__", "__array__", "__float__", "__int__",
    "__bool__", "__hash__", "__getattr__", "__getattribute__", "__class__", "__index__", "keys",
    "__format__", "__contains__", "__getitem__",
]  # fmt: skip


def recursive():
    """Give lists and dicts that hold themselves."""
    one, two = [], {}
    one.append(one)
    two["new"] = two["old"] = two
    return [one, two, [two, one]]


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.binary(),
    st.text(st.characters()), st.just("\ud800"), st.datetimes(), st.dates(), st.timedeltas(),
    st.decimals(), st.fractions(), st.sampled_from(range(3)).map(lambda at: recursive()[at]),
    st.integers(300, 6000).map(lambda size: -(10**size)),
    st.sampled_from([float("inf"), np.nan, pd.NaT, pd.NA, object, int, len]),
    st.sampled_from([builtins, rt, rt.replay(pd.DataFrame()), Exception("x"), KINDS]),
    st.sampled_from([pd.DataFrame(), pd.DataFrame({"a": [1, 2]}), pd.Series(dtype=object)]),
    st.sampled_from([np.zeros((2, 2)), np.array(None), np.timedelta64(5, "h")]),
    st.sampled_from([pd.Index([]), pd.Categorical(["a"]), pd.Timedelta("1h"), pd.Period("2024")]),
)  # fmt: skip

NESTED = st.recursive(
    ANYTHING,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["new", "old", "", 0, None]), inner, max_size=3),
        inner.map(lambda one: (one,)),
        inner.map(lambda one: pd.Series([one], dtype=object)),
        inner.map(lambda one: [[[one]]]),
    ),
    max_leaves=4,
)


@examples(300)
@given(kind=st.sampled_from(sorted(KINDS)), answer=NESTED)
def test_check_never_raises(kind, answer):
    """Whatever a learner types, a sentence comes back, and it can be shown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rtlab.lessons.grading._find", lambda _: KINDS[kind])
        verdict = check("99.1", answer)
    assert verdict.right in {True, False, None}
    assert len(repr(verdict).encode()) < 500


@examples(150)
@given(name=st.sampled_from(EXERCISES), answer=NESTED)
def test_graders_never_raise(name, answer):
    """No hint of any exercise fails, whatever the answer is."""
    verdict = check(name, answer)
    assert isinstance(verdict, Verdict)
    assert len(repr(verdict).encode()) < 800


@pytest.mark.parametrize("method", METHODS)
def test_check_survives_objects_that_fail(method, monkeypatch):
    """An object that raises at whatever is asked of it is wrong, alone, in a list or in a dict."""
    trap = hostile(method)
    for question in KINDS.values():
        monkeypatch.setattr("rtlab.lessons.grading._find", lambda _, found=question: found)
        one = trap()
        for answer in (
            one,
            trap,
            [one],
            (one, one),
            {"new": one, "old": one},
            [1, one, 2],
            {1: one},
        ):
            verdict = check("99.1", answer)
            assert verdict.right is False
            assert len(repr(verdict).encode()) < 500


@examples(100)
@given(name=NESTED)
def test_check_takes_any_name(name):
    """A name that is no exercise's is told so."""
    assert check(name, 1).right is not True


def test_unknown_exercises_are_named():
    """A wrong number is told which numbers there are."""
    assert "this lesson has 00.1" in check("00.9").text
    assert "no lesson has the number 77" in check("77.1").text
    assert 'check("04.1", answer)' in check(4.1).text
    assert all("\n" not in check(name).text for name in ("x", "../x", "00.1\n"))


@each_exercise
def test_nothing_answered_is_not_wrong(name):
    """Ellipsis and None stand for no answer yet; a function that only prints gives None."""
    assert repr(check(name, ...)) == f"… {name} Not answered yet."
    assert repr(check(name, None)).startswith(f"… {name} Not answered yet. This is None:")


@each_exercise
def test_numbers_always_get_a_sentence_of_the_lesson(name):
    """Any finite or strange number to a question for a number meets a hint or the last word."""
    question = questions(name[:2])[name]
    right = question.answer()
    if isinstance(right, bool) or not isinstance(right, (int, float)):
        pytest.skip("asks for something else")
    for wrong in (0, -1, 1e18, float("inf"), float("nan"), 10**400):
        assert "cannot be read" not in question.grade(wrong).text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234", 1234), ("12,345,678", 12345678), ("10 072", 10072), ("-10,5", -10.5),
        ("5,7", 5.7), ("−3.5", -3.5), ("72 %", 72), ("1 2", None),
        ("1_0", None), ("7 or 8", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, number):
    """Thousands may stand apart and a comma may mark decimals; what is no number is told so."""
    verdict = Question(number if number is not None else 12, "Done.").grade(text)
    assert verdict.right is (number is not None), verdict
    assert number is not None or "A number is asked for" in verdict.text
