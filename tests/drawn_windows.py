"""Streams for the windows, drawn from a seed: short, and full of coincidences.

Times, sizes, gaps, delays and advances are small multiples of one unit, so that an end meets the
watermark, or a distance the gap, in most streams. A case is a plain dict: it can be printed,
pasted into a test, and made smaller.
"""

import math
import random
from itertools import accumulate

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 24 * 3600 * SECOND
KINDS = (
    "tumbling", "tumbling late", "sliding", "sliding late", "session", "session late",
    "calendar", "count",
)  # fmt: skip
NOW = 1_709_546_400 * SECOND
BASES = (0, NOW, NOW, -3 * SECOND, 253_370_764_800 * SECOND, -59_011_459_200 * SECOND)
ZONES = {  # and moments around which their clocks change
    "America/New_York": (1_710_054_000, 1_730_613_600),
    "Australia/Lord_Howe": (1_712_415_600, 1_728_142_200),
    "America/Santiago": (1_725_768_000, 1_712_458_800),
    "America/Havana": (1_730_610_000, 1_710_046_800),
    "Europe/London": (1_711_846_800, 1_729_990_800),
    "Pacific/Apia": (1_325_239_200,),
    "Asia/Kathmandu": (
        504_901_800,
        1_709_546_400,
    ),
    "Asia/Shanghai": (1_704_038_400,),
    "UTC": (1_709_164_800, 1_704_067_200),
}
KEYS = {
    "none": [()],
    "int": [(1,), (2,), (10**12,)],
    "text": [("ana",), ("李雷",), (None,), ("",)],
    "float": [(1.0,), (2.5,), (None,)],
    "mixed": [(1,), ("1",), (None,), (2,)],
    "many": [(number * number,) for number in range(150)],
    "two": [("ana", 1.0), ("ana", None), (None, 1.0), ("שרה", 2.0)],
}
VALUES = {
    "int": [1, 2, 3, 0, -1, 250],
    "big int": [2**53, 1, -1, 2**53 + 1],
    "cents": [0.1, 2.5, 19.99, -1.25, 0.3],
    "missing": [0.1, 2.5, math.nan, 1.0],
    "extreme": [1e16, -1e16, 0.1, 1.0, 3.0, 1e100, -1e-30],
    "far": [1e9 + 1, 1e9 - 1, 1e9 + 0.5, 1e9, 1e9 + 2],
    "inf": [math.inf, -math.inf, math.nan, 1.0, 2.5],
    "nullable": [1, 2, math.nan, 250, -1],
    "thirds": [1 / 3, 2 / 3, 1e-9, 7.1234567],
}
AGGREGATES = (
    "count", "fold", ("value", "count"), ("value", "sum"), ("value", "mean"), ("value", "min"),
    ("value", "max"), ("value", "var"), ("value", "std"), ("value", "median"),
    ("value", "nunique"), ("value", "first"), ("value", "last"), ("value", "quantile", 0.9),
    ("value", "quantile", 0.25),
)  # fmt: skip


def case(seed):
    """Draw a case: a step with its parameters, rows, advances, and places at which to cut."""
    rng = random.Random(seed)  # noqa: S311  (no secrets)
    kind = rng.choice(KINDS)
    keys = rng.choice(list(KEYS))
    rows = rng.randint(0, 40) if rng.random() < 0.4 else rng.randint(1, 10)
    if rng.random() < 0.007:
        rows, keys = rng.randint(100, 400), "many"
    parameters = {"agg": {f"a{i}": rng.choice(AGGREGATES) for i in range(rng.randint(1, 3))}}
    parameters["by"] = {"none": [], "two": ["a", "b"]}.get(keys, ["a"])
    if kind == "calendar":
        unit, base = _calendar(rng, parameters)
    else:
        unit = SECOND if rng.random() < 0.9 else 1
        base = rng.choice(BASES)
        _SHAPES[kind.split()[0]](rng, parameters, unit)
    if kind != "count":
        if rng.random() < 0.6:
            parameters["delay"] = rng.choice([0, 0, 1, 2, 4, 8]) * unit
        if "late" in kind or (kind == "calendar" and rng.random() < 0.3):
            parameters["lateness"] = rng.choice([0, 1, 2, 4, 8, 16]) * unit
    times = _times(rng, rows, unit, base)
    if "gap" in parameters and rng.random() < 0.6:
        times = _sessions(rng, rows, unit, base, parameters)
    if times and "fill" not in parameters and kind != "calendar" and rng.random() < 0.03:
        times[rng.randrange(rows)] += rng.choice([1, -1]) * 10**15  # decades away
    values = rng.choice(list(VALUES))
    pool, chosen = VALUES[values], rng.sample(KEYS[keys], len(KEYS[keys]))
    chosen = chosen if keys == "many" else chosen[: rng.choice([1, 1, 2, len(chosen)])]
    drawn = {
        "seed": seed,
        "kind": kind,
        "types": _types(rng, keys, values),
        "parameters": parameters,
        "rows": [(time, rng.choice(chosen), rng.choice(pool)) for time in times],
        "watermarks": None,
        "advances": _advances(rng, times, unit, base) if rng.random() < 0.5 else [],
        "cuts": _cuts(rng, rows),
    }
    if kind != "count" and rng.random() < (0.2 if "delay" not in parameters else 0.03):
        drawn["watermarks"] = _watermarks(rng, times, unit)
    return drawn


def _types(rng, keys, values):
    """Draw what pandas makes of the columns, where it is not the usual."""
    found = {}
    if keys == "text" and rng.random() < 0.5:
        found["a"] = rng.choice(["string", "category", "str"])
    if values == "nullable":
        found["value"] = "Int64"
    elif rng.random() < 0.2:
        found["cut"] = "anew"  # each batch has the types that its own values have
    return found


def _tumbling(rng, parameters, unit):
    parameters["size"] = rng.randint(1, 6) * unit
    _more(rng, parameters, unit)


def _sliding(rng, parameters, unit):
    size = rng.randint(1, 8)
    parameters |= {"size": size * unit, "slide": rng.randint(max(1, size // 5), size) * unit}
    _more(rng, parameters, unit)


def _more(rng, parameters, unit):
    if rng.random() < 0.3:
        parameters["fill"] = rng.choice([0, -7, 2.5, math.nan])
    if rng.random() < 0.2:
        parameters["offset"] = rng.choice([1, 2, 7, -1]) * unit
    if rng.random() < 0.1:
        parameters["tz"] = rng.choice(["Asia/Kathmandu", "America/New_York"])


def _session(rng, parameters, unit):
    parameters["gap"] = rng.randint(1, 5) * unit


def _count(rng, parameters, unit):  # noqa: ARG001
    rows = parameters["rows"] = rng.randint(1, 6)
    if rng.random() < 0.6:
        parameters["slide"] = rng.randint(1, rows)
    if rng.random() < 0.5:
        parameters["partial"] = rng.choice([True, False, "start", "end"])


_SHAPES = {"tumbling": _tumbling, "sliding": _sliding, "session": _session, "count": _count}


def _calendar(rng, parameters):
    """Choose a zone, a day on which its clocks change, and windows on its clock."""
    zone = rng.choice(list(ZONES))
    parameters["tz"] = zone
    unit = rng.choice([15 * MINUTE, HOUR, 6 * HOUR, DAY, 20 * DAY])
    sizes = ["hour", "day", DAY, 2 * HOUR, 3 * HOUR] if unit < DAY else []
    sizes += ["week", "month", "quarter", "year"] if unit > HOUR else []
    sizes += [DAY, 3 * DAY, 7 * DAY] if unit > HOUR else []
    size = parameters["size"] = rng.choice(sizes)
    if isinstance(size, int) and size > 2 * HOUR and rng.random() < 0.5:
        parameters["slide"] = size // rng.choice([2, 3]) // HOUR * HOUR
    if rng.random() < 0.3:
        parameters["offset"] = rng.choice([HOUR, 6 * HOUR, -HOUR, 30 * MINUTE])
    if rng.random() < 0.3 and unit < DAY:
        parameters["fill"] = 0
    return unit, (rng.choice(ZONES[zone]) * SECOND) // (15 * MINUTE) * 15 * MINUTE


def _times(rng, rows, unit, base):
    """Draw times that grow, more or less: in even steps, or scattered and delivered late."""
    pace, disorder = rng.choice([0, 0.3, 0.5, 1, 2, 3]), rng.choice([0, 1, 3, 6, 12])
    if rng.random() < 0.4:
        scattered = sorted(rng.randint(0, int(rows * pace) + 4) for _ in range(rows))
        ticks = sorted(scattered, key=lambda tick: tick + rng.randint(0, disorder))
    else:
        ticks = [int(place * pace) - rng.randint(0, disorder) for place in range(rows)]
    odd, start = rng.random() < 0.2, rng.randint(-12, 4)
    return [
        base + (start + tick) * unit + (rng.choice([0, 0, 1, -1]) if odd else 0) for tick in ticks
    ]


def _sessions(rng, rows, unit, base, parameters):
    """Draw times about a gap apart, delivered so late that rows join sessions of others."""
    gap = parameters["gap"] // unit
    if "delay" in parameters:
        parameters["delay"] = rng.randint(0, 4 * gap) * unit
    if "lateness" in parameters:
        parameters["lateness"] = rng.randint(2, 8 * gap) * unit
    scattered = [rng.randint(0, max(int(rows * gap * 0.6), 4)) for _ in range(rows)]
    ticks = sorted(scattered, key=lambda tick: tick + rng.randint(0, 5 * gap))
    return [base + tick * unit for tick in ticks]


def _advances(rng, times, unit, base):
    found = []
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(times))
        near = rng.choice(times) if times else base
        found.append((place, near + rng.randint(-2, 9) * unit - rng.choice([0, 0, 0, 1])))
    return sorted(found)


def _watermarks(rng, times, unit):
    """Draw what a source says: behind the largest time, sometimes ahead, sometimes back again."""
    behind = rng.randint(0, 4)
    return [
        most + rng.choice([-behind, -behind, -behind, -behind - 2, 2 - behind]) * unit
        for most in accumulate(times, max)
    ]


def _cuts(rng, rows):
    if rng.random() < 0.15 and rows < 15:
        return list(range(1, rows))
    return sorted(rng.randint(0, rows) for _ in range(rng.choice([1, 2, 2, 3, 5])))
