"""03 Windows: the answers by plain loops over the rows."""

from functools import cache

import numpy as np
import pandas as pd

import rtlab as rt

MINUTE = 60


def late(seconds, size, delay):
    """List the places of late rows, counted from 1; times are seconds."""
    closed_until, newest, found = -1, -1, []
    for place, time in enumerate(seconds, 1):
        newest = max(newest, time)
        while closed_until + size <= newest - delay:
            closed_until += size if closed_until >= 0 else size + 1
        if time < closed_until:
            found.append(place)
    return found


@cache
def week():
    """Give the event times of the week in their order of arrival, as seconds of that week."""
    dirt = {"late": 0.1, "out_of_order": 0.4}
    events = rt.simulate(days=7, seed=7, events_per_day=300, dirt=dirt).events
    began = pd.Timestamp("2024-03-04T00:00+08:00")
    return [(time - began).total_seconds() for time in events["purchase_time"]]


def table():
    """Follow the rule on the seven rows of the table."""
    clock = ["09:40", "10:04", "09:58", "10:10", "09:59", "10:00", "09:30"]
    seconds = [int(one[:2]) * 60 * MINUTE + int(one[3:]) * MINUTE for one in clock]
    return late(seconds, 60 * MINUTE, 10 * MINUTE)


def patience():
    """Find the first delay with which 97 of 100 rows are in time."""
    hour = 60 * MINUTE
    rows = len(week())
    return next(
        n for n in range(24) if 100 * (rows - len(late(week(), hour, n * hour))) >= 97 * rows
    )


def half_hours():
    """Count the late rows of short windows."""
    return len(late(week(), 30 * MINUTE, 20 * MINUTE))


ORACLES = {"03.1": table, "03.2": patience, "03.3": half_hours}
FORMS = {
    "03.1": [[7, 5], {5, 7}, np.array([5.0, 7.0]), pd.Series(["5", "7"])],
    "03.2": [4.0, "4"],
    "03.3": [209.0, "209", [209]],
}
WRONG = {
    "03.1": [
        ([3, 5, 6, 7], "out of order"), ([3, 5, 7], "subtract the delay"),
        ([5, 6, 7], "half-open"), ([4, 5, 7], "closes a window"), ([7], "the sign ≤"),
        ([], "Which watermark"), ([5], "too few"), ([1, 2], "under each arrival"),
    ],
    "03.2": [
        (3, "not quite 96%"), (5, "a smaller one"), (6, "every row"), (0.974, "a share"),
        (97, "delay='1h'"), ("4h", "A number is asked for"),
    ],
    "03.3": [
        (216, "not the row's own time"), (220, "subtract the delay"), (202, "an hour"),
        (306, "its window has closed"), (889, "at their start"), (2, "the morning"),
        (215, "that of the lesson"), (196, "two places"), (570, "two places"),
        (183, "two places"), (205, "which is the delay"), (217, "In the loop"),
    ],
}  # fmt: skip
