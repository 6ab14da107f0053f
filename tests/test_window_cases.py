"""What Flink, Beam, Spark, Kafka Streams, Bytewax and Quix Streams document, a case for each test.

The cases are data: ``tests/data/window_cases.yaml`` tells how to read them. ``docs/windows.md``
shows them as tables, which ``tables()`` makes; run this file to write them there anew.
"""

import copy
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from streamz import Stream

import rtlab as rt
from rtlab.errors import ParameterError
from rtlab.streams import Graph

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "window_cases.yaml"
PAGE = ROOT / "docs" / "windows.md"
KINDS = {
    "tumbling": "Tumbling windows",
    "sliding": "Sliding windows",
    "session": "Sessions",
    "count": "Windows of a number of events",
    "lateness": "Late events",
    "inputs": "Several inputs, and silence",
    "zones": "Zones and the calendar",
    "restart": "Restarts",
}
ENGINES = {"Flink", "Beam", "Spark", "Kafka Streams", "Bytewax", "Quix Streams"}
CLASSES = {
    "tumbling": "Tumbling",
    "sliding": "Sliding",
    "session": "Session",
    "count_window": "CountWindow",
}
BEGINNING = -(2**63)  # a watermark before all times


def named(key):
    """Read a key of the script."""
    return None if key == "none" else key


@dataclass
class Action:
    """One line of a script, with what has to come of it."""

    name: str
    given: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    late: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """A case as it stands in the file."""

    facts: dict[str, Any]

    def __getattr__(self, name):
        return self.facts.get(name)

    def __str__(self):
        return self.facts["id"]

    def time(self, text):
        """Read a time of the script as microseconds since 1970."""
        start = pd.Timestamp(self.facts.get("from", "1970-01-01"))
        start = start if start.tzinfo else start.tz_localize("UTC")
        if re.match(r"\d{4}-", text):
            moment = pd.Timestamp(text)
        elif ":" in text:
            moment = start + pd.Timedelta(text if text.count(":") == 2 else f"{text}:00")
        else:
            moment = start + pd.Timedelta(int(text), unit=self.facts.get("unit", "ms"))
        return moment.value // 1000

    @cached_property
    def aggregates(self):
        """The names of the aggregates, in order."""
        wanted = self.facts["with"].get("agg", "count")
        return wanted if isinstance(wanted, list) else [wanted]

    @cached_property
    def parameters(self):
        """What the step is made with."""
        agg = {one: one if one == "count" else ("value", one) for one in self.aggregates}
        keyed = any(act.name == "event" and act.given[1] != "*" for act in self.actions)
        return self.facts["with"] | {"agg": agg} | ({"by": "key"} if keyed else {})

    @cached_property
    def actions(self):
        """What happens, line by line."""
        found = []
        for line in self.facts.get("script", "").splitlines():
            words = line.split()
            if words[0] == ">":
                start, end, key, result, *rest = words[1:]
                times = [self.time(start), self.time(end)]
                numbers = [float(one) for one in result.split("/")]
                revision = [int(one[1:]) for one in rest if one.startswith("#")]
                gone = ["gone" in rest] if self.step == "session" and revision else []
                answer = (*times, named(key), *numbers, *revision, *gone)
                found[-1].answers.append(answer)
            elif words[0] == "late":
                found[-1].late.append((self.time(words[1]), named(words[2]), float(words[3])))
            elif words[0] in ("advance", "idle", "restart", "end"):
                found.append(Action(words[0], words[1:]))
            else:
                found.append(Action("event", words))
        return found

    def mark(self, act):
        """Read the watermark that an event or a silence brings."""
        text = act.given[-1][1:]
        return BEGINNING if text == "none" else self.time(text)

    def batch(self, acts):
        """Make a frame of events."""
        times = [self.time(act.given[0]) for act in acts]
        keys = [named(act.given[1]) for act in acts]
        columns = {
            "purchase_time": pd.to_datetime(times, unit="us", utc=True),
            "key": pd.Series(keys, dtype=object),
            "value": [float(act.given[2]) for act in acts],
        }
        frame = pd.DataFrame(columns)
        if self.facts.get("inputs"):
            frame["_watermark"] = [self.mark(act) for act in acts]
        return frame

    def seen(self, frame):
        """Read a frame of answers as the script writes them."""
        keys = frame["key"] if "key" in frame else ["*"] * len(frame)
        keys = [None if pd.isna(key) else key for key in keys]
        extra = [name for name in ("revision", "retracted") if name in frame]
        columns = [frame[name].tolist() for name in [*self.aggregates, *extra]]
        if frame.index.name == "start" and len(frame):
            assert str(frame.index.tz) == self.facts["with"].get("tz", "UTC")
        sides = (frame.index, frame["end"])
        bounds = [pd.DatetimeIndex(side).as_unit("us").asi8.tolist() for side in sides]
        return list(zip(*bounds, keys, *columns, strict=True))

    def seen_late(self, frame):
        """Read a frame of late rows as the script writes them."""
        times = pd.DatetimeIndex(frame["purchase_time"]).as_unit("us").asi8.tolist()
        return list(zip(times, frame["key"], frame["value"].tolist(), strict=True))


@cache
def cases():
    """Read the file."""
    return [Case(facts) for facts in yaml.safe_load(DATA.read_text(encoding="utf-8"))]


SCRIPTS = pytest.mark.parametrize("case", [one for one in cases() if not one.refused], ids=str)


def gather(actions, number):
    """Put up to ``number`` events that follow each other into one action."""
    groups = []
    for act in actions:
        last = groups[-1] if groups else []
        if act.name == "event" and last and last[0].name == "event" and len(last) < number:
            last.append(act)
        else:
            groups.append([act])
    return groups


def check(acts, answers, late):
    """Compare what some actions gave with what the script says."""
    expected = [answer for act in acts for answer in act.answers]
    assert answers == expected, [act.given for act in acts]
    assert late == [row for act in acts for row in act.late], [act.given for act in acts]


class ByHand:
    """Drive a step through its three calls."""

    def __init__(self, case):
        self.case = case
        self.step = getattr(rt.steps, CLASSES[case.step])(**case.parameters)
        self.state = self.step.initial()

    def do(self, acts):
        """Do the same thing as the script, and give what came of it."""
        first = acts[0]
        if first.name == "restart":
            self.state = copy.deepcopy(self.state)
            return [], []
        if first.name == "event":
            outputs = self.step.update(self.state, self.case.batch(acts))
        elif first.name == "end":
            outputs = self.step.finish(self.state)
        else:
            idle = first.name == "idle"
            time = self.case.mark(first) if idle else self.case.time(first.given[0])
            outputs = self.step.advance(self.state, time)
        answers = outputs.get(self.step.outputs[0])
        late = outputs.get("late")
        return (
            [] if answers is None else self.case.seen(answers.frame()),
            [] if late is None else self.case.seen_late(late.frame()),
        )


class OnStream:
    """Drive a streamz stream."""

    def __init__(self, case):
        self.case = case
        self.begin()

    def begin(self):
        """Build the graph."""
        self.source, self.answers, self.late = Stream(), [], []
        self.node = getattr(self.source, self.case.step)(**self.case.parameters)
        self.node.sink(lambda frame: self.answers.extend(self.case.seen(frame)))
        if "late" in self.node.step.outputs:
            self.side = self.node.late
            self.side.sink(lambda frame: self.late.extend(self.case.seen_late(frame)))

    def do(self, acts):
        """Do the same thing as the script, and give what came of it."""
        first = acts[0]
        self.answers.clear()
        self.late.clear()
        if first.name == "restart":
            state = copy.deepcopy(self.node.state)
            self.begin()
            self.node.state = state
        elif first.name == "event":
            self.source.emit(self.case.batch(acts))
        elif first.name == "end":
            rt.finish(self.source)
        else:
            idle = first.name == "idle"
            time = self.case.mark(first) if idle else self.case.time(first.given[0])
            rt.advance(self.source, pd.Timestamp(time, unit="us", tz="UTC"))
        return list(self.answers), list(self.late)


class Meeting(OnStream):
    """Let the inputs of a case meet; the watermarks that it names have to come of themselves."""

    def begin(self):
        """Build the graph, with a stream for each input."""
        self.inputs = {name: Stream() for name in self.case.inputs}
        self.answers, self.late, self.marks = [], [], []
        self.own = dict.fromkeys(self.inputs, BEGINNING)
        self.source = rt.merge(*self.inputs.values(), delay="0s")
        self.source.sink(lambda frame: self.marks.extend(frame["_watermark"].tolist()))
        self.node = getattr(self.source, self.case.step)(**self.case.parameters)
        self.node.sink(lambda frame: self.answers.extend(self.case.seen(frame)))

    def do(self, acts):
        """Do the same thing as the script, and give what came of it."""
        (act,) = acts
        if act.name == "end":
            return super().do(acts)
        self.answers.clear()
        self.marks.clear()
        if act.name == "idle":
            name = act.given[0]
            list(Graph(self.source).tell(self.own[name], self.inputs[name], idle=True))
            return list(self.answers), []
        name, frame = act.given[1], self.case.batch([act]).drop(columns="_watermark")
        delay = self.case.inputs[name] if isinstance(self.case.inputs, dict) else "0s"
        own = self.case.time(act.given[0]) - pd.Timedelta(delay).value // 1000
        self.own[name] = max(self.own[name], own)
        self.inputs[name].emit(frame.assign(_watermark=self.own[name]))
        assert self.marks == [self.case.mark(act)]
        return list(self.answers), []


@pytest.mark.skipif(not hasattr(rt, "merge"), reason="inputs cannot meet yet")
@pytest.mark.parametrize("case", [one for one in cases() if one.inputs], ids=str)
def test_inputs_meet_as_documented(case):
    """The watermark of several inputs is the documented one, and so are the answers."""
    driver = Meeting(case)
    for act in case.actions:
        check([act], *driver.do([act]))


@SCRIPTS
@pytest.mark.parametrize("face", [ByHand, OnStream])
def test_each_event_gives_what_is_documented(case, face):
    """Event by event, each answer and each late row comes at its place, and nothing else."""
    driver = face(case)
    for act in case.actions:
        check([act], *driver.do([act]))


@SCRIPTS
@pytest.mark.parametrize("number", [2, 3, 1000])
def test_batches_give_the_same(case, number):
    """Events that are gathered into batches give the same rows in the same order."""
    driver = ByHand(case)
    for acts in gather(case.actions, number):
        check(acts, *driver.do(acts))


@pytest.mark.parametrize("case", [one for one in cases() if one.inputs], ids=str)
@pytest.mark.parametrize("number", [1, 1000])
def test_patience_changes_nothing_where_nothing_is_late(case, number):
    """With an allowed lateness the same answers come, as their first revisions."""
    patient = Case(case.facts | {"with": case.facts["with"] | {"lateness": "1h"}})
    driver = ByHand(patient)
    for acts in gather(case.actions, number):
        answers, late = driver.do(acts)
        assert {answer[-1] for answer in answers} <= {0}
        check(acts, [answer[:-1] for answer in answers], late)


def is_finished(case):
    """Tell whether nothing but events happens, and then the end."""
    return {act.name for act in case.actions} == {"event", "end"} and not case.inputs


@pytest.mark.parametrize("case", [*filter(is_finished, cases())], ids=str)
def test_finished_data_give_the_same(case):
    """Where nothing but events happens, the function gives the same."""
    given = getattr(rt, case.step)(case.batch(case.actions[:-1]), **case.parameters)
    windows, late = given if isinstance(given, tuple) else (given, None)
    check(case.actions, case.seen(windows), [] if late is None else case.seen_late(late))


@pytest.mark.parametrize("case", [one for one in cases() if one.refused], ids=str)
def test_refused(case):
    """What rtlab does not offer is refused by name."""
    with pytest.raises(ParameterError, match=case.refused):
        getattr(rt.steps, CLASSES[case.step])(**case.parameters)


# --- the file and the page


def test_the_file_covers_every_engine_and_kind():
    """At least 60 cases, each with its source, over all engines and kinds."""
    assert len(cases()) >= 60
    assert len({str(case) for case in cases()}) == len(cases())
    assert {case.engine for case in cases()} == ENGINES
    assert {case.kind for case in cases()} == set(KINDS)
    for case in cases():
        assert case.what
        assert case.source
        assert case.refused or case.script
        assert bool(case.theirs) == bool(case.why), case
    for kind in KINDS:  # count windows and calendars are not in all of them
        assert len({case.engine for case in cases() if case.kind == kind}) >= 3


@pytest.mark.parametrize("wrong", ["> 0 3000 key1 4", "> 0 3001 key1 3", "late 20 key1 1"])
def test_a_wrong_expectation_fails(wrong):
    """Any other number, time or row is noticed."""
    (right,) = [case for case in cases() if str(case) == "flink-restart-tumbling"]
    script = right.script.replace("> 0 3000 key1 3", wrong)
    with pytest.raises(AssertionError):
        test_each_event_gives_what_is_documented(Case(right.facts | {"script": script}), ByHand)


def call(case):
    """Write the call of a case as a reader would type it."""
    agg = "/".join(case.aggregates)
    given = {name: value for name, value in case.parameters.items() if name != "agg"}
    listed = [f"{name}={value!r}" for name, value in given.items()]
    return f"`{case.step}({', '.join(listed)})` {agg}"


def answers(case):
    """Write the answers of a case as its script has them."""
    if case.refused:
        return "refused"
    unit = f"in {case.unit}: " if case.unit else ""
    lines = [line.split() for line in case.script.splitlines()]
    shown = []
    for words in lines:
        if words[0] == ">":
            start, end, key, *rest = words[1:]
            name = "" if key == "*" else f" {key}"
            shown.append(f"{start} to {end}{name}: {' '.join(rest)}")
        elif words[0] == "late":
            shown.append(" ".join(["late", *words[1:3]]).removesuffix(" *"))
    return unit + "; ".join(shown)


def tables():
    """Make the tables of the page."""
    parts = []
    for kind, title in KINDS.items():
        parts += [f"### {title}", ""]
        parts += ["| case | asked | answers | where they differ |", "|---|---|---|---|"]
        for case in cases():
            if case.kind == kind:
                apart = f"{case.engine}: {case.theirs}. Why: {case.why}." if case.why else ""
                cells = [
                    f"{case.engine}: {case.what} ({case.source})",
                    call(case),
                    answers(case),
                    apart,
                ]
                parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts)


MARKS = ("<!-- cases -->\n", "<!-- end of cases -->\n")


def test_the_page_shows_the_file():
    """The tables of ``docs/windows.md`` are what the file says."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = MARKS
    assert page.split(begin)[1].split(end)[0] == f"\n{tables()}\n"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    behind = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n{tables()}\n{MARKS[1]}{behind}", encoding="utf-8")
