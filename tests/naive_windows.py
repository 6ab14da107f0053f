"""Windows, slow and obvious: one event after the other, in plain Python, lists and dicts.

Each simulator takes rows one by one (``row``), hears of time that passes (``advance``) and of the
end (``finish``). Each call gives ``(answers, late)``: the answers in the order of their emission,
and the late rows. Times are whole microseconds since 1970 UTC.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

HOUR = 3_600_000_000
DAY = 24 * HOUR
NEVER = math.inf  # the watermark after the end
WIDE = Context(prec=200)  # digits enough to add decimals without rounding


class Row(NamedTuple):
    """An event."""

    number: int
    time: int
    key: tuple
    value: Any
    watermark: int | None = None


class Answer(NamedTuple):
    """What a window gives: each value with the error that it may have."""

    start: int
    end: int
    key: tuple
    results: list
    revision: int = 0
    retracted: bool = False


def order(key):
    """Order keys: numbers, then text, a missing one last."""
    return [
        (2, 0) if one is None else (1, one) if isinstance(one, str) else (0, one) for one in key
    ]


# --- aggregates


def written(values):
    """Add numbers up as they are written, without any rounding."""
    total = Decimal(0)
    for value in values:
        total = WIDE.add(total, Decimal(repr(value)))
    return total


def size_of(values):
    """Give the sum of the sizes: the scale of an error in a sum."""
    return math.fsum(abs(value) for value in values if math.isfinite(value))


def infinite(values):
    """Tell what infinite values make of a sum: inf, -inf, NaN, or None where there are none."""
    found = {value for value in values if math.isinf(value)}
    return None if not found else found.pop() if len(found) == 1 else math.nan


def add(values):
    """Add up; written decimals of at most six places are exact."""
    if infinite(values) is not None:
        return infinite(values), 0
    total = written(values)
    if all(isinstance(value, int) for value in values):
        return int(total), 0
    short = all(abs(value) < 1e9 and round(value, 6) == value for value in values)
    return float(total), 0 if short else 1e-12 * size_of(values)


def mean(values):
    """Divide the exact sum."""
    if not values or infinite(values) is not None:
        return infinite(values) if values else math.nan, 0
    return float(written(values) / len(values)), 1e-12 * size_of(values) / len(values)


def var(values):
    """Give the variance (of a sample) by whole numbers: no rounding before the division."""
    n = len(values)
    if n < 2 or infinite(values) is not None:
        return math.nan, 0
    ratios = [value.as_integer_ratio() for value in values]
    unit = max(below for _, below in ratios)  # a power of two: all others divide it
    whole = [above * (unit // below) for above, below in ratios]
    found = (n * sum(one * one for one in whole) - sum(whole) ** 2) / (n * (n - 1) * unit**2)
    digit = 1e-15 * max(abs(value) for value in values)
    return found, 1e-9 * found + n * digit**2


def std(values):
    """Give the root of the variance."""
    found, error = var(values)
    if math.isnan(found):
        return found, 0
    return math.sqrt(found), math.sqrt(found + error) - math.sqrt(max(found - error, 0))


def quantile(values, share):
    """Interpolate linearly between the two neighbours."""
    if not values:
        return math.nan, 0
    values = sorted(values)
    place = (len(values) - 1) * share
    low, high = values[math.floor(place)], values[math.ceil(place)]
    part = place - math.floor(place)
    if low == high or part == 0:
        return low, 0 if math.isinf(low) else 1e-12 * abs(low)
    if math.isinf(low) or math.isinf(high):
        return infinite([low, high]), 0
    return low + (high - low) * part, 1e-12 * max(abs(low), abs(high))


def aggregate(rows, agg, fill=None):
    """Give each aggregate of a window's rows (in the order of arrival) with its error."""
    known = [row.value for row in rows if not math.isnan(row.value)]
    found = []
    for spec in agg.values():
        function = spec if isinstance(spec, str) or callable(spec) else spec[1]
        if spec == "count":
            one = len(rows), 0
        elif function == "count":
            one = len(known), 0
        elif not rows:
            one = fill, 0
        elif callable(function):
            one = fold([row.number for row in rows]), 0
        elif function == "quantile":
            one = quantile(known, spec[2])
        else:
            one = SIMPLE[function](known)
        found.append(one)
    return found


def fold(numbers):
    """Make one number of several that tells which they are, and in which order."""
    found = 7
    for number in numbers:
        found = (found * 31 + number) % 1_000_003
    return found


def function(frame):
    """Give a user's function on a window's frame: it tells the rows and their order."""
    assert len(frame), "a window without rows has no frame"
    return fold(frame["number"].tolist())


SIMPLE = {
    "sum": add, "mean": mean, "var": var, "std": std,
    "min": lambda known: (min(known, default=math.nan), 0),
    "max": lambda known: (max(known, default=math.nan), 0),
    "first": lambda known: (known[0] if known else math.nan, 0),
    "last": lambda known: (known[-1] if known else math.nan, 0),
    "median": lambda known: quantile(known, 0.5),
    "nunique": lambda known: (len(set(known)), 0),
}  # fmt: skip


# --- which windows a moment belongs to


def civil(moment, zone):
    """Read the clock on the wall."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(
        ZoneInfo(zone)
    )


def micros(when):
    """Give a moment, or the reading of a clock, as whole microseconds."""
    return (when - datetime(1970, 1, 1, tzinfo=when.tzinfo)) // timedelta(microseconds=1)


@lru_cache(maxsize=100_000)
def instant(wall, zone):
    """Give when a clock first shows a reading; the first moment behind it if it never does."""
    first = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == wall:
        return micros(first)
    moment = wall.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    while moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return micros(moment.replace(second=0, microsecond=0))


@lru_cache(maxsize=100)
def ahead(zone):
    """Tell how far a zone's clock is ahead of UTC at the beginning of 2024."""
    return civil(1_704_067_200_000_000, zone).utcoffset() // timedelta(microseconds=1)


@dataclass(frozen=True)
class Elapsed:
    """Windows of elapsed time, which start when the clock of the zone shows multiples."""

    size: int
    slide: int
    tz: str = "UTC"
    offset: int = 0

    def windows(self, time):
        """List the windows (end, start) that a moment belongs to, by end."""
        shift = self.offset - ahead(self.tz)
        start = (time - shift) // self.slide * self.slide + shift
        found = []
        while start + self.size > time:
            found.append((start + self.size, start))
            start -= self.slide
        return found[::-1]

    def after(self, window):
        """Give the next window."""
        end, start = window
        return end + self.slide, start + self.slide


@dataclass(frozen=True)
class Civil:
    """Windows on the clock of a zone: from one reading to another."""

    size: Any  # a name such as "day", or microseconds
    slide: int
    tz: str = "UTC"
    offset: int = 0

    def reading(self, number):
        """Give the clock's reading at which window ``number`` starts."""
        if self.size in MONTHS:
            year, month = divmod(number * MONTHS[self.size], 12)
            start = EPOCH.replace(year=1970 + year, month=1 + month)
        elif self.size == "week":
            start = EPOCH + timedelta(days=4 + 7 * number)  # a Monday
        else:
            start = EPOCH + timedelta(microseconds=number * self.slide)
        return start + timedelta(microseconds=self.offset)

    def numbers(self, time):
        """List the numbers of windows that may have a moment in them, and a few more."""
        wall = civil(time, self.tz).replace(tzinfo=None) - timedelta(microseconds=self.offset)
        if self.size in MONTHS:
            number = (12 * (wall.year - 1970) + wall.month - 1) // MONTHS[self.size]
            return range(number - 1, number + 2)
        if self.size == "week":
            number = (wall - EPOCH).days // 7
            return range(number - 2, number + 2)
        number = (wall - EPOCH) // timedelta(microseconds=self.slide)
        return range(number - self.size // self.slide - 2, number + 3)

    def windows(self, time):
        """List the windows (end, start) that a moment belongs to, by end."""
        around = [bounds(self, number) for number in self.numbers(time)]
        return sorted(window for window in around if window[1] <= time < window[0])

    def after(self, window):
        """Give the next window that is not empty."""
        number = next(one for one in self.numbers(window[1]) if bounds(self, one) == window)
        while True:
            number += 1
            end, start = bounds(self, number)
            if start < end:
                return end, start


@lru_cache(maxsize=100_000)
def bounds(grid, number):
    """Give a window of the clock (end, start) by its number."""
    start = grid.reading(number)
    if isinstance(grid.size, str):
        end = grid.reading(number + 1)
    else:
        end = start + timedelta(microseconds=grid.size)
    return instant(end, grid.tz), instant(start, grid.tz)


EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (the reading of a clock has no zone)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
NAMES = ("week", *MONTHS)


def grid(size, slide=None, tz="UTC", offset=0):
    """Say which windows are meant: over an hour they follow the clock of a zone."""
    if size in NAMES:
        return Civil(size, 0, tz, offset)
    size = {"hour": HOUR, "day": DAY}.get(size, size)
    slide = size if slide is None else slide
    kind = Civil if slide > HOUR and tz != "UTC" else Elapsed
    return kind(size, slide, tz, offset)


# --- simulators


@dataclass
class Simulator:
    """What all windows by event time share: the watermark."""

    agg: dict
    delay: int | None = None
    lateness: int | None = None
    mark: float = -math.inf
    seen: Counter = field(default_factory=Counter)

    def row(self, row):
        """Take one event."""
        answers = []
        if self.delay is None and row.watermark is not None:  # the source's word comes first
            self.mark = max(self.mark, row.watermark)
            answers += self.close()
        found = self.take(row)
        if found is None:
            self.seen["late rows"] += 1
        else:
            answers += found
        if self.delay is not None:  # the row's own time moves the watermark for those behind it
            self.mark = max(self.mark, row.time - self.delay)
        return answers + self.close(), [row] if found is None else []

    def advance(self, time):
        """Hear that nothing older comes."""
        self.mark = max(self.mark, time)
        return self.close(), []

    def finish(self):
        """Hear that nothing comes any more."""
        self.mark = NEVER
        return self.close(), []

    def open_for(self, end):
        """Tell whether a window still takes rows."""
        return end + (self.lateness or 0) > self.mark


@dataclass
class Grids(Simulator):
    """Tumbling and sliding windows."""

    grid: Any = None
    fill: Any = None
    rows: dict = field(default_factory=dict)  # (window, key) → its rows
    revision: dict = field(default_factory=dict)  # (window, key) → of its last answer
    first: dict = field(default_factory=dict)  # key → its first window
    last: float = -math.inf  # the end of the last window with a row
    closed: float = -math.inf  # the watermark when windows were answered last

    def take(self, row):
        """Put a row into its windows; None if it is late for all of them."""
        windows = self.grid.windows(row.time)
        taken = [window for window in windows if self.open_for(window[0])]
        if not taken:
            return None
        self.seen["partly late rows"] += len(taken) < len(windows)
        answers = []
        for window in taken:
            group = (window, row.key)
            self.rows.setdefault(group, []).append(row)
            if window[0] <= self.mark:
                answers.append(self.answer(group))
                self.seen["revisions"] += self.revision[group] > 0
                self.seen["revisions of empty windows"] += (
                    self.revision[group] == 1 and len(self.rows[group]) == 1
                )
        self.first[row.key] = min(self.first.get(row.key, taken[0]), taken[0])
        self.last = max(self.last, taken[-1][0])
        return answers

    def complete(self):
        """Make the windows without events that close now: each key's, from its first one on.

        At the end that goes as far as the last window that holds a row.
        """
        end = self.mark if self.mark < NEVER else self.last
        for key, window in self.first.items():
            while window[0] <= end:
                if window[0] > self.closed:
                    self.rows.setdefault((window, key), [])
                window = self.grid.after(window)  # noqa: PLW2901

    def close(self):
        """Answer the windows whose end the watermark has reached."""
        if self.fill is not None and self.mark > self.closed:
            self.complete()
        self.closed = self.mark
        due = [
            group for group in self.rows if group[0][0] <= self.mark and group not in self.revision
        ]
        self.seen["ends that equal the watermark"] += any(w[0] == self.mark for w, _ in due)
        return [
            self.answer(group) for group in sorted(due, key=lambda one: (one[0], order(one[1])))
        ]

    def answer(self, group):
        """Give a window's answer, numbered."""
        (end, start), key = group
        self.revision[group] = self.revision.get(group, -1) + 1
        self.seen["empty windows filled"] += not self.rows[group]
        values = aggregate(self.rows[group], self.agg, self.fill)
        return Answer(start, end, key, values, self.revision[group])


@dataclass(eq=False)
class Session:
    """Rows of a key none of which is further than the gap from the next."""

    start: int
    end: int
    key: tuple
    rows: list
    revision: int = 0  # of the last answer, or of the one to come
    answer: Answer | None = None
    parts: int = 1


@dataclass
class Sessions(Simulator):
    """Session windows."""

    gap: int = 0
    held: list = field(default_factory=list)

    def take(self, row):
        """Put a row into its session, which may join two; None if it is late."""
        self.held = [one for one in self.held if self.open_for(one.end)]
        own = Session(row.time, row.time + self.gap, row.key, [row])
        touched = [
            one
            for one in self.held
            if one.key == row.key and one.start <= own.end and own.start <= one.end
        ]
        if not touched:
            if not self.open_for(own.end):
                return None
            self.held.append(own)
            return self.at_once(own)
        new = Session(
            min(own.start, *(one.start for one in touched)),
            max(own.end, *(one.end for one in touched)),
            row.key,
            sorted(row for one in (own, *touched) for row in one.rows),  # by arrival
            parts=sum(one.parts for one in touched),
        )
        self.count(row, touched, new)
        answered = [one for one in touched if one.answer is not None]
        new.revision = max(one.revision + (one.answer is not None) for one in touched)
        same = len(touched) == 1 and (new.start, new.end) == (touched[0].start, touched[0].end)
        retracted = [] if same else sorted(answered, key=lambda one: (one.end, one.start))
        self.held = [one for one in self.held if one not in touched] + [new]
        return [one.answer._replace(retracted=True) for one in retracted] + self.at_once(new)

    def at_once(self, session):
        """Answer a session that is over already."""
        if session.end > self.mark:
            return []
        self.seen["revisions"] += session.revision > 0
        return [self.give(session)]

    def give(self, session):
        """Answer a session."""
        session.answer = Answer(
            session.start, session.end, session.key, aggregate(session.rows, self.agg),
            session.revision,
        )  # fmt: skip
        return session.answer

    def close(self):
        """Answer the sessions whose end the watermark has reached."""
        due = [one for one in self.held if one.end <= self.mark and one.answer is None]
        self.seen["ends that equal the watermark"] += any(one.end == self.mark for one in due)
        return [
            self.give(one)
            for one in sorted(due, key=lambda one: (one.end, one.start, order(one.key)))
        ]

    def count(self, row, touched, new):
        """Count what is interesting."""
        closed = [one for one in touched if one.answer is not None]
        self.seen["sessions joined by two"] += len(touched) == 2
        self.seen["sessions joined by three"] += len(touched) == 2 and new.parts >= 3
        self.seen["gaps exactly"] += any(
            row.time in (one.end, one.start - self.gap) for one in touched
        )
        for one in closed:
            self.seen["retractions"] += (one.start, one.end) != (new.start, new.end)
        self.seen["closed sessions opened again"] += bool(closed) and new.end > self.mark
        self.seen["closed and open sessions joined"] += 0 < len(closed) < len(touched)
        self.seen["closed sessions joined"] += len(closed) == 2
        self.seen["old rows saved by a session"] += (
            len(touched) > 0 and row.time + self.gap + (self.lateness or 0) <= self.mark
        )


@dataclass
class Counts:
    """Windows of a number of events: of each key, number k·slide − size … k·slide − 1."""

    agg: dict
    size: int
    slide: int | None = None
    partial: Any = True
    rows: dict = field(default_factory=dict)
    seen: Counter = field(default_factory=Counter)

    def row(self, row):
        """Take one event."""
        rows = self.rows.setdefault(row.key, [])
        rows.append(row)
        if len(rows) % (self.slide or self.size):
            return [], []
        if len(rows) < self.size and self.partial not in (True, "start"):
            return [], []
        self.seen["partial windows"] += len(rows) < self.size
        return [self.answer(row.key, rows[-self.size :])], []

    def advance(self, time):  # noqa: ARG002
        """Hear of time, which changes nothing here."""
        return [], []

    def finish(self):
        """Answer what is left: by key, the windows that have rows and were not answered."""
        answers, slide = [], self.slide or self.size
        for key in sorted(self.rows, key=order) if self.partial in (True, "end") else []:
            rows = self.rows[key]
            last = (len(rows) // slide + 1) * slide
            while last - self.size < len(rows):
                self.seen["partial windows"] += 1
                answers.append(self.answer(key, rows[max(last - self.size, 0) :]))
                last += slide
        return answers, []

    def answer(self, key, rows):
        """Give a window's answer."""
        times = [row.time for row in rows]
        return Answer(min(times), max(times), key, aggregate(rows, self.agg))
