"""00 Start here: the answers by loops; each batch of the stream added up by hand."""

from collections import Counter
from datetime import timedelta, timezone

import pandas as pd

import rtlab as rt

BASKET = [("tea", 2, 300), ("cup", 1, 250), ("tea", 1, 300)]


def cost():
    """Add up the basket piece by piece."""
    return sum(price for _, quantity, price in BASKET for _ in range(quantity))


def pieces():
    """Count the pieces one by one."""
    return dict(Counter(product for product, quantity, _ in BASKET for _ in range(quantity)))


def cents():
    """Add up each product's pieces."""
    return {
        product: sum(quantity * price for name, quantity, price in BASKET if name == product)
        for product in {line[0] for line in BASKET}
    }


def agrees():
    """Add up the hours batch by batch, for two sizes of a batch, and compare."""

    def hours(rows):
        events = rt.simulate(days=7, seed=7).events
        total = Counter()
        for first in range(0, len(events), rows):
            batch = events.iloc[first : first + rows]
            for time, quantity, price in zip(
                batch["purchase_time"], batch["quantity"], batch["price"], strict=True
            ):
                total[time.floor("h")] += quantity * price
        return total

    return hours(7) == hours(500)


def days():
    """Count the dates on the shop's clock, eight hours ahead of UTC."""
    clock = timezone(timedelta(hours=8))
    times = rt.simulate(days=7, seed=7).events["purchase_time"]
    return len({time.astimezone(clock).date() for time in times})


ORACLES = {"00.1": cost, "00.2": pieces, "00.3": cents, "00.4": agrees, "00.5": days}
FORMS = {
    "00.1": ["1,150", 1150.0],
    "00.2": [Counter(tea=3, cup=1), pd.Series({"cup": 1, "tea": 3})],
    "00.3": [
        pd.Series({"cup": 250, "tea": 900}, name="cents"),
        pd.DataFrame({"cents": [250, 900]}, ["cup", "tea"]),
        {"cup": 250.0, "tea": 900.0},
    ],
    "00.4": ["yes", 1],
    "00.5": [7.0, "7"],
}
WRONG = {
    "00.1": [
        (850, "twice the price"), (600, "first line"), (4, "How many cents"),
        (1450, "Multiply quantity"),
    ],
    "00.2": [
        ({"tea": 2, "cup": 1}, "two lines"), ({"tea": 1, "cup": 1}, "replaced the first"),
        ({"tea": 900, "cup": 250}, "about pieces"), ({"tea": 3, "cup": 3}, "Go through"),
        ({"tea": 3}, "no key 'cup'"), (4, "A dict is asked for"),
    ],
    "00.3": [
        ({"tea": 600, "cup": 250}, "by quantity first"), ({"tea": 1800, "cup": 250}, "each line"),
        ({"tea": 3, "cup": 1}, "about cents"), ({"tea": 250, "cup": 900}, "Make a column"),
        (pd.DataFrame(BASKET), "or a Series"),
    ],
    "00.4": [(False, "compare"), ("no", "compare")],
    "00.5": [
        (8, "Whose midnight"), (168, "These are hours"), (167, "These are hours"),
        (24, "size='1D'"),
    ],
}  # fmt: skip
