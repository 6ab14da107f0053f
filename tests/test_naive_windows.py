"""The slow loops themselves, on examples that were computed by hand on paper."""

import math
import random
from itertools import pairwise

import brute
import drawn_windows
import naive_windows as naive
import pandas as pd
import pytest

COUNT = {"n": "count"}


def told(simulator, *acts):
    """Act: a number is a row at that time, ("to", time) an advance; give answers and late rows."""
    answers, late = [], []
    for number, act in enumerate(acts):
        if isinstance(act, tuple) and act[0] == "to":
            given, gone = simulator.advance(act[1])
        else:
            time, key = act if isinstance(act, tuple) else (act, ())
            given, gone = simulator.row(naive.Row(number, time, key, 1))
        answers += [_short(one) for one in given]
        late += [row.time for row in gone]
    return answers, late, [_short(one) for one in simulator.finish()[0]]


def _short(answer):
    start, end, key, ((value, _), *_), revision, retracted = answer
    mark = "retracted" if retracted else revision
    return (start, end, *key, value, mark)


def test_tumbling_by_hand():
    """Ends that equal the watermark close; a row whose window has closed is late."""
    loop = naive.Grids(COUNT, delay=2, grid=naive.grid(10))
    answers, late, rest = told(loop, 3, 9, 11, 12, 9, 19, 22)
    assert answers == [(0, 10, 2, 0), (10, 20, 3, 0)]
    assert late == [9]
    assert rest == [(20, 30, 1, 0)]


def test_tumbling_revisions_by_hand():
    """Within the allowed lateness each late row gives a revision; after it, rows are late."""
    loop = naive.Grids(COUNT, delay=0, lateness=5, grid=naive.grid(10))
    answers, late, rest = told(loop, 3, 10, 9, 14, 9, 15, 9)
    assert answers == [(0, 10, 1, 0), (0, 10, 2, 1), (0, 10, 3, 2)]
    assert late == [9]
    assert rest == [(10, 20, 3, 0)]


def test_first_row_after_closing_by_hand():
    """A window that gets its first row after its end has the revision 0."""
    loop = naive.Grids(COUNT, lateness=5, grid=naive.grid(10))
    assert told(loop, 25, ("to", 12), 9) == ([(0, 10, 1, 0)], [], [(20, 30, 1, 0)])


def test_sliding_by_hand():
    """A row that is late for some of its windows counts in those still open."""
    loop = naive.Grids(COUNT, delay=0, grid=naive.grid(10, 5))
    answers, late, rest = told(loop, 7, 10, 8, 15, 8)
    assert answers == [(0, 10, 1, 0), (5, 15, 3, 0)]
    assert late == [8]
    assert rest == [(10, 20, 2, 0), (15, 25, 1, 0)]


def test_sliding_uneven_by_hand():
    """A size that is no multiple of the slide gives some moments more windows than others."""
    windows = naive.grid(5, 3).windows
    assert windows(3) == [(5, 0), (8, 3)]
    assert windows(5) == [(8, 3)]
    assert windows(-1) == [(2, -3)]
    assert windows(0) == [(2, -3), (5, 0)]


def test_fill_by_hand():
    """Each key has every window from its first on: as they close, or to the last at the end."""
    loop = naive.Grids({"n": ("value", "sum")}, grid=naive.grid(10), fill=-7)
    acts = (5, ("a",)), (15, ("b",)), (37, ("b",)), ("to", 20), ("to", 30)
    answers, late, rest = told(loop, *acts)
    assert answers == [
        (0, 10, "a", 1, 0), (10, 20, "a", -7, 0), (10, 20, "b", 1, 0), (20, 30, "a", -7, 0),
        (20, 30, "b", -7, 0),
    ]  # fmt: skip
    assert (late, rest) == ([], [(30, 40, "a", -7, 0), (30, 40, "b", 1, 0)])


def test_fill_of_idle_time_by_hand():
    """An advance fills windows behind the last row; what closed before a key came stays away."""
    loop = naive.Grids({"n": ("value", "sum")}, lateness=99, grid=naive.grid(10), fill=0)
    acts = ("to", 30), (5, ("a",)), (21, ("a",)), ("to", 45), 25
    answers, late, rest = told(
        loop, *(act if isinstance(act, tuple) else (act, ("a",)) for act in acts)
    )
    assert answers == [
        (0, 10, "a", 1, 0), (20, 30, "a", 1, 0), (30, 40, "a", 0, 0), (20, 30, "a", 2, 1),
    ]  # fmt: skip
    assert (late, rest) == ([], [])


def test_session_by_hand():
    """Rows at most a gap apart are one session; a row between two joins them."""
    loop = naive.Sessions(COUNT, gap=5)
    assert told(loop, 0, 5, 20, 11, 15) == ([], [], [(0, 10, 2, 0), (11, 25, 3, 0)])
    loop = naive.Sessions(COUNT, gap=5)
    assert told(loop, 0, 10, 5) == ([], [], [(0, 15, 3, 0)])


def test_session_late_by_hand():
    """An old row is late unless it belongs to a session that is still open."""
    loop = naive.Sessions(COUNT, delay=4, gap=5)
    answers, late, rest = told(loop, 0, 5, 10, 1, 20, 9)
    assert answers == [(0, 15, 4, 0)]
    assert (late, rest) == ([9], [(20, 25, 1, 0)])


def test_session_exactly_a_gap_later_by_hand():
    """Without any delay, a row exactly a gap later still belongs to the session."""
    loop = naive.Sessions(COUNT, delay=0, gap=5)
    assert told(loop, 0, 5, 11) == ([(0, 10, 2, 0)], [], [(11, 16, 1, 0)])


def test_session_retractions_by_hand():
    """A late row that joins two answered sessions takes both back and answers the new one."""
    loop = naive.Sessions(COUNT, lateness=50, gap=5)
    acts = 0, 8, ("to", 30), 1, 4, ("to", 55), 60
    assert told(loop, *acts) == (
        [
            (0, 5, 1, 0),
            (8, 13, 1, 0),
            (0, 5, 1, "retracted"),
            (0, 6, 2, 1),
            (0, 6, 2, "retracted"),
            (8, 13, 1, "retracted"),
            (0, 13, 4, 2),
        ],
        [],
        [(60, 65, 1, 0)],
    )


def test_session_inside_by_hand():
    """A late row that leaves its session's bounds gives a revision, and takes nothing back."""
    loop = naive.Sessions(COUNT, lateness=50, gap=5)
    assert told(loop, 0, 4, ("to", 10), 2) == ([(0, 9, 2, 0), (0, 9, 3, 1)], [], [])


def test_session_opened_again_by_hand():
    """An answered session that a row extends beyond the watermark is taken back, then waits."""
    loop = naive.Sessions(COUNT, lateness=9, gap=5)
    answers, late, rest = told(loop, 0, ("to", 6), 4, 7, ("to", 12))
    assert answers == [(0, 5, 1, 0), (0, 5, 1, "retracted"), (0, 12, 3, 1)]
    assert (late, rest) == ([], [])


@pytest.mark.parametrize(
    ("size", "slide", "partial", "answers", "rest"),
    [
        (3, None, True, [[0, 1, 2]], [[3, 4]]),
        (3, None, False, [[0, 1, 2]], []),
        (3, 2, True, [[0, 1], [1, 2, 3]], [[3, 4]]),
        (3, 2, False, [[1, 2, 3]], []),
        (3, 2, "start", [[0, 1], [1, 2, 3]], []),
        (3, 2, "end", [[1, 2, 3]], [[3, 4]]),
        (3, 1, True, [[0], [0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]], [[3, 4], [4]]),
        (4, 2, True, [[0, 1], [0, 1, 2, 3]], [[2, 3, 4], [4]]),
    ],
)
def test_count_by_hand(size, slide, partial, answers, rest):
    """Windows of a number of events, of five events."""
    loop = naive.Counts({"f": naive.function}, size, slide, partial=partial)
    found, _, left = told(loop, *range(5))
    assert [one[2] for one in found] == [naive.fold(one) for one in answers]
    assert [one[2] for one in left] == [naive.fold(one) for one in rest]


def test_calendar_by_hand():
    """A day in New York lasts 23 or 25 hours, a week starts on Monday, February has 29 days."""
    hour = naive.HOUR
    noon = 1_710_086_400_000_000  # 2024-03-10T16:00Z
    end, start = naive.grid("day", tz="America/New_York").windows(noon)[0]
    assert (start, end - start) == (noon - 11 * hour, 23 * hour)
    end, start = naive.grid("week", tz="America/New_York").windows(noon)[0]
    assert (start, end - start) == (noon - 11 * hour - 144 * hour, 167 * hour)
    february = naive.grid("month").windows(noon - 20 * naive.DAY)[0]
    assert february == (1_709_251_200_000_000, 1_706_745_600_000_000)
    assert naive.grid("month").after(february)[1] == february[0]
    assert naive.grid("quarter").windows(noon)[0][0] == 1_711_929_600_000_000


def test_midnight_that_does_not_come():
    """Santiago's clocks skip a midnight: the day starts with the first moment behind it."""
    noon = 1_725_811_200_000_000  # 2024-09-08T16:00Z, 13:00 in Santiago
    end, start = naive.grid("day", tz="America/Santiago").windows(noon)[0]
    assert (end - start) == 23 * naive.HOUR
    assert start == 1_725_768_000_000_000  # 04:00Z


def test_aggregates_by_hand():
    """Exact sums and variances; infinite values are counted apart; missing ones are left out."""
    assert naive.add([0.1] * 10) == (1.0, 0)
    assert naive.add([1e16, 1.0, -1e16])[0] == 1.0
    assert naive.add([2**60, 1]) == (2**60 + 1, 0)
    assert naive.var([1e9 - 1, 1e9, 1e9 + 1])[0] == 1.0
    assert naive.std([2.0, 4.0])[0] == math.sqrt(2)
    assert math.isnan(naive.var([1.0])[0])
    assert naive.mean([1.0, math.inf])[0] == math.inf
    assert math.isnan(naive.add([math.inf, -math.inf])[0])
    assert naive.quantile([4.0, 1.0, 2.0], 0.25)[0] == 1.5
    assert naive.quantile([1.0, math.inf], 0.5)[0] == math.inf
    rows = [naive.Row(n, 0, (), value) for n, value in enumerate([math.nan, 2.0, 2.0])]
    agg = {str(n): ("value", f) for n, f in enumerate(["count", "nunique", "first", "last"])}
    assert [one for one, _ in naive.aggregate(rows, {"n": "count"} | agg)] == [3, 2, 1, 2.0, 2.0]


# --- the loops against definitions that need no loop, on drawn streams


def drawn(kind, number=400):
    """Give drawn cases of a kind, such that nothing is late."""
    for seed in range(20 * number):
        case = drawn_windows.case(seed)
        if case["kind"] == kind and case["rows"]:
            case["parameters"].pop("delay", None)
            case |= {"watermarks": None, "advances": []}
            case["parameters"]["agg"] = {"f": "fold"}
            yield case
            number -= 1
            if not number:
                return


def outcome(case):
    """Give what is valid in the end: answers that no later one replaces or takes back."""
    valid = {}
    for answers, _ in brute.slow(case)[0].values():
        for one in answers:
            valid.pop((one.end, one.start, one.key), None)
            if not one.retracted:
                valid[one.end, one.start, one.key] = one.results[0][0]
    return valid


def by_definition(case, windows):
    """Give the fold of each (end, start, key) from its rows in the order of arrival."""
    found = {}
    for number, (time, key, _) in enumerate(case["rows"]):
        for end, start in windows(time, key):
            found.setdefault((end, start, key), []).append(number)
    return {group: naive.fold(numbers) for group, numbers in found.items()}


def sessions(case):
    """Sort the times of each key, and part them where they lie more than a gap apart."""
    gap, bounds = case["parameters"]["gap"], {}
    for own in {key for _, key, _ in case["rows"]}:
        times = sorted(time for time, key, _ in case["rows"] if key == own)
        starts = [b for a, b in pairwise([-math.inf, *times]) if b - a > gap]
        ends = [a + gap for a, b in pairwise([*times, math.inf]) if b - a > gap]
        bounds[own] = list(zip(ends, starts, strict=True))
    return lambda time, key: [one for one in bounds[key] if one[1] <= time < one[0]]


@pytest.mark.parametrize("kind", ["session", "session late"])
@pytest.mark.parametrize("late", [False, True])
def test_sessions_by_definition(kind, late):
    """Sorted and parted at the gaps: also when every row but one comes after its session ended."""
    for case in drawn(kind):
        if late:  # after the first row all is over, but nothing is forgotten
            case["parameters"]["lateness"] = 10**18
            case["advances"] = [(1, 10**17)]
        assert outcome(case) == by_definition(case, sessions(case))


@pytest.mark.parametrize("kind", ["sliding", "sliding late", "tumbling", "calendar"])
@pytest.mark.parametrize("late", [False, True])
def test_grids_by_definition(kind, late):
    """Each row is in every window that starts at or before it and ends after it."""
    for case in drawn(kind):
        given = case["parameters"]
        given.pop("fill", None)
        if late:
            given["lateness"] = 10**18
            case["advances"] = [(1, 10**17)]
        windows = brute.simulator(case).grid.windows
        assert outcome(case) == by_definition(case, lambda time, _, windows=windows: windows(time))
        if kind != "calendar":
            for time, _, _ in case["rows"]:
                slide = given.get("slide", given["size"])
                number = len(windows(time))
                assert given["size"] // slide <= number <= -(-given["size"] // slide)
                assert all(start <= time < end for end, start in windows(time))


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Europe/London", "UTC"])
@pytest.mark.parametrize("period", ["day", "week", "month", "quarter", "year"])
def test_calendar_equals_periods(zone, period):
    """Days, weeks, months, quarters and years begin where pandas' periods begin."""
    rng = random.Random(5)  # noqa: S311  (no secrets)
    windows = naive.grid(period, tz=zone)
    code = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}[period]
    for _ in range(100):
        time = rng.randint(-(10**15), 2 * 10**15)
        ((end, start),) = windows.windows(time)
        wall = pd.Timestamp(time, unit="us", tz="UTC").tz_convert(zone).tz_localize(None)
        own = wall.to_period(code)
        bounds = (own.start_time, (own + 1).start_time)
        assert [
            one.tz_localize(zone, nonexistent="shift_forward").value // 1000 for one in bounds
        ] == [start, end]
        assert windows.after((end, start))[1] == end
