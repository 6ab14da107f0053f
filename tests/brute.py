"""The brute force: rtlab's windows beside the slow loop, on whole and on cut streams.

``check(case)`` gives the first difference in words, or None; ``smallest(case)`` removes rows,
advances, cuts and aggregates for as long as a difference stays.
"""

import copy
import math
from collections import Counter
from contextlib import ExitStack, contextmanager
from pprint import pformat
from unittest.mock import patch

import drawn_windows
import naive_windows as naive
import numpy as np
import pandas as pd
import streamz

import rtlab as rt
from rtlab.columns import Columns
from rtlab.steps import join

KNOWN = ("string", "category") + ("str",) * (int(pd.__version__.partition(".")[0]) > 2)
STEPS = {
    "tumbling": "Tumbling", "sliding": "Sliding", "session": "Session", "count": "CountWindow",
}  # fmt: skip
DURATIONS = ("size", "slide", "gap", "delay", "lateness", "offset")


# --- the two sides


def step(case):
    """Make the step of a case."""
    return getattr(rt.steps, STEPS[kind(case)])(**parameters(case))


def kind(case):
    """Name the step: a calendar's windows are tumbling or sliding ones."""
    name = case["kind"].split()[0]
    if name == "calendar":
        return "sliding" if "slide" in case["parameters"] else "tumbling"
    return name


def parameters(case):
    """Give the parameters as a user writes them."""
    given = dict(case["parameters"])
    given["agg"] = {
        name: naive.function if spec == "fold" else spec for name, spec in given["agg"].items()
    }
    for name in DURATIONS:
        if isinstance(given.get(name), int) and kind(case) != "count":
            given[name] = pd.Timedelta(given[name], unit="us")
    return given


def simulator(case):
    """Make the slow loop of a case."""
    given = case["parameters"]
    agg = {name: naive.function if spec == "fold" else spec for name, spec in given["agg"].items()}
    if kind(case) == "count":
        return naive.Counts(
            agg, given["rows"], given.get("slide"), partial=given.get("partial", True)
        )
    shared = {"agg": agg, "delay": given.get("delay"), "lateness": given.get("lateness")}
    if kind(case) == "session":
        return naive.Sessions(**shared, gap=given["gap"])
    windows = naive.grid(
        given["size"], given.get("slide"), given.get("tz", "UTC"), given.get("offset", 0)
    )
    return naive.Grids(**shared, grid=windows, fill=given.get("fill"))


def columns(case, places=slice(None)):
    """Give the rows of a case as columns, in the types that their values have."""
    rows, by = case["rows"][places], case["parameters"]["by"]
    times = np.array([time for time, _, _ in rows], np.int64).view("M8[us]")
    arrays = {"purchase_time": pd.DatetimeIndex(times).tz_localize("UTC").array}
    for place, name in enumerate(by):
        keys = [key[place] for _, key, _ in rows]
        kind = case["types"].get(name)
        arrays[name] = pd.array(keys, kind) if kind in KNOWN else _key_column(keys)
    values = [value for _, _, value in rows]
    whole = all(isinstance(value, int) for value in values)
    if kind := case["types"].get("value"):
        values = [None if math.isnan(value) else value for value in values]
        arrays["value"] = pd.array(values, kind)
    else:
        arrays["value"] = np.array(values, np.int64 if whole else np.float64)
    arrays["number"] = np.arange(len(case["rows"]))[places]
    if case["watermarks"] is not None:
        arrays["_watermark"] = np.array(case["watermarks"][places], np.int64)
    return Columns(arrays)


def batches(case):
    """Give a function that takes a batch of the rows of a case."""
    if case["types"].get("cut"):
        return lambda first, behind: columns(case, slice(first, behind))
    whole = columns(case)
    return lambda first, behind: whole.take(slice(first, behind))


def _key_column(values):
    kinds = {type(one) for one in values}
    if kinds == {int}:
        return np.array(values, np.int64)
    if kinds <= {float, type(None)} and float in kinds:
        return np.array([math.nan if one is None else one for one in values])
    found = np.empty(len(values), object)
    found[:] = values
    return found


# --- what happens, and what each call gives


def acts(case, *, cut):
    """List what is done: rows from a place up to another, advances, the end."""
    places = [(place, 1, time) for place, time in case["advances"]]
    if cut:
        places += [(place, 0, None) for place in case["cuts"]]
    found, at = [], 0
    for place, advance, time in sorted(places, key=lambda one: one[:2]):
        if place > at or not advance:
            found.append(("rows", at, place))
            at = place
        if advance:
            found.append(("advance", time))
    return [*found, ("rows", at, len(case["rows"])), ("finish",)]


def slow(case):
    """Run the loop: what each row, each advance and the end give, by their names."""
    loop, found = simulator(case), {}
    marks = case["watermarks"] or [None] * len(case["rows"])
    rows = [
        naive.Row(number, time, key, value, mark)
        for number, ((time, key, value), mark) in enumerate(zip(case["rows"], marks, strict=True))
    ]
    advances = enumerate(case["advances"])
    ahead = next(advances, None)
    for number in range(len(rows) + 1):
        while ahead is not None and ahead[1][0] == number:
            found["advance", ahead[0]] = loop.advance(ahead[1][1])
            ahead = next(advances, None)
        if number < len(rows):
            found["row", number] = loop.row(rows[number])
    found["finish", 0] = loop.finish()
    return found, loop.seen


def expected(done, slow_answers):
    """Put together what the loop gives for each act."""
    advance = 0
    for act in done:
        if act[0] == "rows":
            parts = [slow_answers["row", number] for number in range(act[1], act[2])]
        elif act[0] == "advance":
            parts = [slow_answers["advance", advance]]
            advance += 1
        else:
            parts = [slow_answers["finish", 0]]
        yield (
            [answer for answers, _ in parts for answer in answers],
            [row.number for _, late in parts for row in late],
        )


def by_hand(case, made, done):
    """Run the step: what each act gives."""
    state, batch = made.initial(), batches(case)
    for act in done:
        if case["seed"] % 16 == 2:
            state = copy.deepcopy(state)  # as after a checkpoint
        if act[0] == "rows":
            outputs = made.update(state, batch(act[1], act[2]))
        elif act[0] == "advance":
            outputs = made.advance(state, act[1])
        else:
            outputs = made.finish(state)
        yield outputs


def through_streams(case, done):
    """Run the method of a stream: all that it gives."""
    source, batch = streamz.Stream(), batches(case)
    node = getattr(source, {"count": "count_window"}.get(kind(case), kind(case)))(
        **parameters(case)
    )
    gathered = {"windows": [], "late": []}
    sinks = [node.sink(gathered["windows"].append)]
    if kind(case) != "count":
        sinks.append(node.late.sink(gathered["late"].append))
    try:
        for act in done:
            if act[0] == "rows":
                source.emit(batch(act[1], act[2]).frame())
            elif act[0] == "advance":
                rt.advance(source, pd.Timestamp(act[1], unit="us", tz="UTC"))
            else:
                rt.finish(source)
    finally:
        for sink in sinks:
            sink.destroy()
    return {name: join(pieces) for name, pieces in gathered.items()}


def function(case):
    """Run the function on the whole frame."""
    name = {"count": "count_window"}.get(kind(case), kind(case))
    found = getattr(rt, name)(columns(case).frame(), **parameters(case))
    return {"windows": found} if kind(case) == "count" else found._asdict()


# --- comparing


def _beyond_pandas(case):
    """Tell whether pandas 2, whose zones are as old as it is, would have to know later changes."""
    times = [row[0] for row in case["rows"]] + [time for _, time in case["advances"]]
    later = 1_735_600_000 * 10**6  # the end of 2024
    old = int(pd.__version__.partition(".")[0]) < 3
    return old and case["kind"] == "calendar" and max(times, default=0) > later


def check(case, seen=None):
    """Compare whole run, cut run and the loop; give the first difference in words, or None."""
    if _beyond_pandas(case):
        return None
    answers, met = slow(case)
    if seen is not None:
        seen += met + shape(case)
    try:
        with tight(case):
            return _first_difference(case, answers)
    except Exception as error:  # noqa: BLE001  (a crash is a difference too)
        return f"raised {type(error).__name__}: {error}"


@contextmanager
def tight(case):
    """In every fourth case let what is made for many keys, rows or groups begin at once."""
    with ExitStack() as stack:
        for place, value in TIGHT.items() if case["seed"] % 4 == 3 else ():
            stack.enter_context(patch(f"rtlab.{place}", value))
        yield


TIGHT = {
    "keys.FEW": 1,  # keys that are not worth forgetting
    "held.MANY": 2,  # chunks of rows
    "slots.START": 1,
    "numbering.ROOM": 1,
    "numbering.MOST": 4,  # places in a table, before there is a sorted list
    "sessions.FITS": 0,  # keys and times in one whole number
}


def _first_difference(case, answers):
    made = step(case)
    for way, cut in (("whole", False), ("cut", True)):
        done = acts(case, cut=cut)
        wanted = expected(done, answers)
        for act, outputs, due in zip(done, by_hand(case, made, done), wanted, strict=True):
            if wrong := compare(case, outputs, due):
                return f"{way}, {act}: {wrong}"
    return _faces(case, answers)


def shape(case):
    """Count what is special about the stream itself."""
    times = [time for time, _, _ in case["rows"]]
    return (
        Counter(
            {
                "several advances": len(case["advances"]) > 1,
                "several advances at once": len({place for place, _ in case["advances"]})
                < len(case["advances"]),
                "cuts at one place": len(set(case["cuts"])) < len(case["cuts"]),
                "ties": len(set(times)) < len(times),
                "disorder": times != sorted(times),
                "empty streams": not times,
                "rows decades away": bool(times) and max(times) - min(times) > 5 * 10**14,
                "many keys": len({key for _, key, _ in case["rows"]}) > 64,
                "types by batch": "cut" in case["types"],
                "watermarks from the source": case["watermarks"] is not None,
                "infinite values": any(math.isinf(value) for _, _, value in case["rows"]),
                "missing values": any(math.isnan(value) for _, _, value in case["rows"]),
            }
        )
        + Counter()
    )


SITUATIONS = {
    "late rows", "partly late rows", "revisions", "revisions of empty windows", "retractions",
    "sessions joined by two", "sessions joined by three", "closed sessions opened again",
    "closed and open sessions joined", "closed sessions joined", "old rows saved by a session",
    "gaps exactly", "ends that equal the watermark", "empty windows filled", "partial windows",
    "several advances", "several advances at once", "cuts at one place", "ties", "disorder",
    "empty streams", "rows decades away", "many keys", "types by batch",
    "watermarks from the source", "infinite values", "missing values",
}  # fmt: skip


def _faces(case, answers):
    """Now and then compare what the function and the stream give."""
    if case["seed"] % 16 == 0 and not case["advances"]:
        found, done, way = function(case), acts(case, cut=False), "function"
    elif case["seed"] % 16 == 1 and hasattr(rt, "advance"):
        done, way = acts(case, cut=True), "stream"
        found = through_streams(case, done)
    else:
        return None
    parts = list(expected(done, answers))
    due = [one for part, _ in parts for one in part], [one for _, part in parts for one in part]
    wrong = compare(case, found, due)
    return f"{way}: {wrong}" if wrong else None


def compare(case, outputs, due):
    """Compare the outputs of a call with what is due."""
    windows, late = due
    found = outputs.get("result", outputs.get("windows"))
    answers = _answers(case, found)
    if len(answers) != len(windows) or any(map(_differ, answers, windows)):
        return f"gave\n{_shown(answers)}due\n{_shown(windows)}"
    gone = _table(outputs.get("late"))
    if gone.get("number", []) != late:
        return f"gave late rows {gone.get('number', [])}, due {late}"
    if late and case["seed"] % 4 == 0 and "cut" not in case["types"]:
        came = _table(columns(case).take(late))
        if repr(gone) != repr(came):
            return f"gave late rows {gone}, which came as {came}"
    return None


def _arrays(output):
    """Give an output's columns by name, also those of a function or a stream; none of no rows."""
    if output is None or not len(output):
        return {}
    if isinstance(output, pd.DataFrame) and output.index.name == "start":
        output = output.reset_index()
    return Columns.of(output).arrays


def _table(output):
    """Give an output as lists by column."""
    return {name: _listed(array) for name, array in _arrays(output).items()}


def _listed(array):
    if isinstance(array.dtype, pd.DatetimeTZDtype):
        return (array if array.unit == "us" else array.as_unit("us")).asi8.tolist()
    return array.tolist()


def _answers(case, output):
    """Give answers as the loop has them."""
    arrays, given = _arrays(output), case["parameters"]
    if not arrays:
        return []
    names = [*given["by"], *given["agg"]]
    names += ["revision"] * ("lateness" in given)
    names += ["retracted"] * ("lateness" in given and kind(case) == "session")
    if sorted(arrays) != sorted(["start", "end", *names]):
        raise AssertionError(f"columns {list(arrays)}, due {names}")
    zones = {str(arrays[name].dtype.tz) for name in ("start", "end")}
    if zones != {given.get("tz", "UTC")}:
        raise AssertionError(f"times of {zones}, due {given.get('tz')}")
    table = {name: _listed(array) for name, array in arrays.items()}
    by = [[_plain(one) for one in table[name]] for name in given["by"]]
    keys = zip(*by, strict=True) if by else [()] * len(table["start"])
    values = zip(*(table[name] for name in given["agg"]), strict=True)
    none = [0] * len(table["start"])
    columns = (table["start"], table["end"], keys, values)
    columns += (table.get("revision", none), table.get("retracted", none))
    return [naive.Answer(*one) for one in zip(*columns, strict=True)]


def _plain(key):
    return None if key is pd.NA or key != key else key  # noqa: PLR0124  (NaN)


def _differ(found, due):
    """Tell whether an answer is not the one that is due."""
    *names, values, revision, retracted = found
    *right, exact, number, taken_back = due
    same = [*names, revision, bool(retracted)] == [*right, number, taken_back]
    return not same or not all(map(_near, values, exact))


def _near(value, due):
    right, error = due
    if value == right:
        return True
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124  (NaN)
        return right != right  # noqa: PLR0124
    return abs(value - right) <= error


def _shown(answers):
    lines = []
    for one in answers:
        start, end, key, values, revision, retracted = one
        values = [value[0] if isinstance(value, tuple) else value for value in values]
        more = f" revision {revision}" + " retracted" * bool(retracted)
        lines.append(f"    [{start}, {end}) {key} {values}{more}\n")
    return "".join(lines) or "    nothing\n"


# --- making a case smaller


def smallest(case, wrong=check):
    """Remove what can be removed while the difference stays."""
    changed, kind = True, _sort(wrong(case))
    while changed:
        changed = False
        for smaller in _smaller(case):
            if _sort(wrong(smaller)) == kind:
                case, changed = smaller, True
                break
    return case


def _sort(found):
    """Tell answers, late rows and errors apart, so that a difference stays what it was."""
    if found is None or found.startswith("raised"):
        return found and found[:24]
    return "late" if "gave late" in found else "answers"


def _smaller(case):
    rows = len(case["rows"])
    for size in sorted({max(rows // 2, 1), max(rows // 4, 1), 1}, reverse=True):
        for first in range(0, rows, size):
            yield _without(case, first, min(first + size, rows))
    for name in ("advances", "cuts"):
        for place in range(len(case[name])):
            yield case | {name: case[name][:place] + case[name][place + 1 :]}
    given = case["parameters"]
    for name in given["agg"]:
        if len(given["agg"]) > 1:
            less = {one: spec for one, spec in given["agg"].items() if one != name}
            yield case | {"parameters": given | {"agg": less}}
    for name in given:
        if name in ("offset", "tz", "fill", "delay", "lateness"):
            yield case | {
                "parameters": {one: value for one, value in given.items() if one != name}
            }
    if given["by"]:
        rows = [(time, (), value) for time, _, value in case["rows"]]
        yield case | {"parameters": given | {"by": []}, "rows": rows}
    if case["watermarks"]:
        yield case | {"watermarks": None}


def _without(case, first, last):
    """Remove rows; what lay behind them moves forward."""
    gone = last - first
    moved = lambda place: place if place <= first else max(first, place - gone)  # noqa: E731
    marks = case["watermarks"]
    return case | {
        "rows": case["rows"][:first] + case["rows"][last:],
        "watermarks": None if marks is None else marks[:first] + marks[last:],
        "advances": [(moved(place), time) for place, time in case["advances"]],
        "cuts": [moved(place) for place in case["cuts"]],
    }


def report(case):
    """Say how a case differs: its seed, and the smallest form, to be pasted into a test."""
    small = smallest(case)
    return (
        f"seed {case['seed']} ({case['kind']}): {check(small) or check(case)}\n"
        f"from math import inf, nan\ncase = {pformat(small, width=96, sort_dicts=False)}\n"
        "assert brute.check(case) is None\n"
    )


def seeds(first, number):
    """Check cases of some seeds: what was met, how many of each kind, and the differences."""
    seen, kinds, wrong = Counter(), Counter(), []
    for seed in range(first, first + number):
        case = drawn_windows.case(seed)
        kinds[case["kind"]] += 1
        if check(case, seen) is not None:
            wrong.append(case)
    return seen, kinds, wrong
