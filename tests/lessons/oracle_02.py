"""02 Filtering: the answers by plain loops over the rows."""

from datetime import datetime, timedelta, timezone
from functools import cache
from math import isfinite

import rtlab as rt

SHANGHAI = timezone(timedelta(hours=8))
END = datetime(2024, 3, 18, tzinfo=SHANGHAI)


@cache
def true_lines():
    """Give the rows that are money, each event once, judged value by value."""
    dirt = {"malformed": 0.02, "duplicate": 0.02, "future": 2}
    first = {}
    for row in rt.simulate(days=14, seed=7, dirt=dirt).events.to_dict("records"):
        ids = [row["user_id"], row["product_id"]]
        sizes = [row["quantity"], row["price"]]
        time = row["purchase_time"]
        if (
            all(isinstance(one, int) for one in ids)
            and all(isinstance(one, (int, float)) and isfinite(one) for one in sizes)
            and sizes[0] != 0
            and isinstance(time, datetime)
            and time == time  # noqa: PLR0124  (a missing time is not itself)
            and time < END
        ):
            first.setdefault(row["event_id"], row)
    return list(first.values())


def latest_text():
    """Compare the texts by the code of each character."""
    texts = ["10:00", "9:05", "08:30", "23:15"]
    return max(texts, key=lambda text: [ord(one) for one in text])


def sales():
    """Count the lines that are no returns."""
    return sum(row["quantity"] > 0 for row in true_lines())


def lost():
    """Count true lines whose user, product and time were there before."""
    seen = [(row["user_id"], row["product_id"], row["purchase_time"]) for row in true_lines()]
    return len(seen) - len(set(seen))


ORACLES = {"02.1": latest_text, "02.2": sales, "02.3": lost}
FORMS = {
    "02.1": ["9:05 ", ["9:05"]],
    "02.2": [9555.0, "9,555"],
    "02.3": [512.0, " 512"],
}
WRONG = {
    "02.1": [
        ("23:15", "latest time"), ("08:30", "smallest digit"), ("10:00", "which digit"),
        ("9:5", "one of the four"), (905, "in quotes"),
    ],
    "02.2": [
        (9658, "still in"), (9769, "dedupe comes after"), (9872, "both"), (303, "rejected rows"),
        (103, "without them"), (10072, "First clean"), (2, "first one"),
    ],
    "02.3": [
        (726, "not the good ones"), (214, "right to drop"), (9146, "she keeps"),
        (0, "only three"), (326, "quantity was compared"), (988, "one of each"),
        (630, "one of each"), (9658, "Drop the rows"),
    ],
}  # fmt: skip
