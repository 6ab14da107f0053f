"""Slow and obvious: what the fast code is compared with."""

import math
from decimal import Decimal


def philox(key: int, counter: int, size: int) -> list[int]:
    """Philox-4x64-10 as its paper (Salmon et al. 2011) states it; numpy counts up first."""
    mask = (1 << 64) - 1
    found: list[int] = []
    while len(found) < size:
        counter += 1
        a, b, c, d = (counter >> shift & mask for shift in (0, 64, 128, 192))
        low, high = key & mask, key >> 64
        for _ in range(10):
            first, second = a * 0xD2E7470EE14C6C93, c * 0xCA5A826395121157
            a, b, c, d = (
                second >> 64 ^ b ^ low,
                second & mask,
                first >> 64 ^ d ^ high,
                first & mask,
            )
            low = low + 0x9E3779B97F4A7C15 & mask
            high = high + 0xBB67AE8584CAA73B & mask
        found += [a, b, c, d]
    return found[:size]


def moving(values, window, least, answer, *, center=False):
    """Call ``answer`` with the known values in each tick's window and their places in it."""
    found = []
    for tick in range(len(values)):
        last = tick + (window - 1) // 2 if center else tick
        places = range(last - window + 1, last + 1)
        known = [
            (values[place], number)
            for number, place in enumerate(places)
            if 0 <= place < len(values) and math.isfinite(values[place])
        ]
        found.append(answer(*zip(*known, strict=True)) if len(known) >= least else math.nan)
    return found


def weighted_mean(weights):
    """Give a function that averages values by the weights of their places."""
    return lambda values, places: (
        math.fsum(weights[place] * value for value, place in zip(values, places, strict=True))
        / math.fsum(weights[place] for place in places)
    )


def exponential_in_time(seconds, values, halflife, interpolation):
    """Average a step function that is held from each event to the next, or back to the last."""
    found, average, before = [], math.nan, None
    for now, value in zip(seconds, values, strict=True):
        if math.isfinite(value):
            if before is None:
                average = value
            else:
                kept = 0.5 ** ((now - before[0]) / halflife)
                held = before[1] if interpolation == "previous" else value
                average = kept * average + (1 - kept) * held
            before = (now, value)
        found.append(average)
    return found


def autocorrelation(values, lag, divisor=None):
    """Sum products of deviations ``lag`` apart; R divides by pairs + lag, others by all known."""
    known = [value for value in values if math.isfinite(value)]
    mean = math.fsum(known) / len(known)
    products = [
        (values[tick] - mean) * (values[tick + lag] - mean) for tick in range(len(values) - lag)
    ]
    products = [product for product in products if math.isfinite(product)]
    by = len(known) if divisor is None else divisor(len(products), lag)
    variance = math.fsum((value - mean) ** 2 for value in known) / len(known)
    return math.fsum(products) / by / variance


def windows(events, bounds, delay=None):
    """Take (time, key) one by one: the rows of each (start, end, key), and the late rows."""
    held, late, mark = {}, [], None
    for place, (time, key) in enumerate(events):
        if delay is not None and (mark is None or time - delay > mark):
            mark = time - delay
        start, end = bounds(time)
        if mark is not None and end <= mark:
            late.append(place)
        else:
            held.setdefault((start, end, key), []).append(place)
    return held, late


def counted(keys, size):
    """Take keys one by one: the rows of each full window in order, then of those still open."""
    full, held = [], {}
    for place, key in enumerate(keys):
        held.setdefault(key, []).append(place)
        if len(held[key]) == size:
            full.append((key, held.pop(key)))
    return full, held


def first_deliveries(events, horizon=None, marks=None):
    """Take (id, time) one by one: which rows are kept; the marks say how far time has come."""
    seen, kept, newest = {}, [], None
    for place, (name, time) in enumerate(events):
        mark = time if marks is None else marks[place]
        newest = mark if newest is None else max(newest, mark)
        known = name is not None and name in seen
        again = known and (horizon is None or seen[name] > newest - horizon)
        kept.append(not again)
        if name is not None and not again:
            seen[name] = time
    return kept


def tables(rows, k, *, running=True):
    """Add (moment, key, amount) up: at each moment the best (rank, key, sum, share), the total."""
    sums, found = {}, []
    for place, (moment, key, amount) in enumerate(rows):
        sums[key] = sums.get(key, 0) + Decimal(repr(amount))  # as it is written
        if place + 1 == len(rows) or rows[place + 1][0] != moment:
            best = sorted(sums, key=lambda key: (-sums[key], key is None, key or 0))[:k]
            total = sum(sums.values())
            table = [
                (rank, key, float(sums[key]), float(sums[key] / total) if total else math.nan)
                for rank, key in enumerate(best, 1)
            ]
            found.append((moment, table, float(total)))
            if not running:
                sums = {}
    return found
