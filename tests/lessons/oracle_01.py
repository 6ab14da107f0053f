"""01 Events and streams: the answers by plain loops over the rows."""

from datetime import datetime, timedelta, timezone
from functools import cache

import pandas as pd

import rtlab as rt

SHANGHAI = timezone(timedelta(hours=8))


def clock(hour):
    """Give an hour of that Sunday."""
    return datetime(2024, 3, 10, hour, tzinfo=SHANGHAI)


@cache
def morning():
    """Give event time and arrival time of each row from 08:00 to 12:00."""
    dirt = {"late": 0.1, "out_of_order": 0.4}
    rows = rt.simulate(days=7, seed=7, events_per_day=300, dirt=dirt).events.to_dict("records")
    times = [(row["purchase_time"], row["arrival_time"]) for row in rows]
    return [(event, arrival) for event, arrival in times if clock(8) <= event < clock(12)]


def known():
    """Name the events of the table that arrive before ten."""
    table = {"A": "09:50", "B": "10:10", "C": "09:59", "D": "10:02", "E": "09:57"}
    return [name for name, arrival in table.items() if arrival < "10:00"]


def missing():
    """Count what has happened before eleven and has not arrived."""
    return sum(event < clock(11) <= arrival for event, arrival in morning())


def complete():
    """Find when the last event of the hour arrives."""
    return max(
        arrival for event, arrival in morning() if clock(9) <= event < clock(10)
    ).tz_convert("Asia/Shanghai")


ORACLES = {"01.1": known, "01.2": missing, "01.3": complete}
FORMS = {
    "01.1": [
        ["E", "A", "C"],
        {"A", "C", "E"},
        ("a", "c", "e"),
        pd.Series(["C", "A", "E"]),
        "A, C, E",
    ],
    "01.2": [11.0, "11", [11]],
    "01.3": ["2024-03-10 14:58:29", "2024-03-10T06:58:29Z", "10 March 2024 14:58:29"],
}
WRONG = {
    "01.1": [
        (["A", "B", "C", "E"], "arrived, too"), (["B"], "Name the others"),
        (["B", "D"], "that were not known"), (["A", "C"], "out of order"),
        (["A", "C", "D", "E"], "D arrives at once"), (["A"], "too few"),
        (["A", "B", "C"], "arrival times only"), (3, "in quotes"), ([], "too few"),
        (list("ACEF"), "too many"),
    ],
    "01.2": [
        (6, "one hour later"), (47, "not arrived"), (36, "the others"), (28, "event time"),
        (13, "whole week"), (0, "tz=shop.zone"), (25, "arrived after it"),
    ],
    "01.3": [
        ("2024-03-10 09:58:23", "last of them arrive"), ("2024-03-10 15:21:57", "whole morning"),
        ("2024-03-10 06:58:29", "in UTC"), ("2024-03-10 10:00", "have all its events arrived"),
        ("2024-03-10 11:15:42", "largest arrival time"), (5, "A time is asked for"),
        ("14:58:29", "Give the day"), ("2024-03-10 14:58", "Give the second"),
    ],
}  # fmt: skip
