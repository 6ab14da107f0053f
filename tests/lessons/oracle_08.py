"""The answers of lesson 08, by plain pandas from the simulated shop's events."""

from functools import cache

import pandas as pd

import rtlab as rt


@cache
def lines():
    """Give the lines of purchases, with their money and the shop's own clock."""
    events = rt.simulate(days=28, seed=7).events
    time = events["purchase_time"].dt.tz_convert("Asia/Shanghai")
    return events.assign(time=time, amount=events["quantity"] * events["price"])


def best(column):
    """List the three products with the largest sums, by hand over a dict."""
    sums = {}
    for product, value in zip(lines()["product_id"], lines()[column], strict=True):
        sums[product] = sums.get(product, 0) + value
    return sorted(sums, key=lambda product: (-sums[product], product))[:3]


def final_hour():
    """Walk back from the newest event to the last hour that has ended, with an hour's delay."""
    newest = lines()["time"][lines()["time"] < pd.Timestamp("2024-03-28 14:00+08:00")].max()
    mark = newest - pd.Timedelta(hours=1)
    hours = [hour for hour in range(24) if mark.normalize() + pd.Timedelta(hours=hour + 1) <= mark]
    return max(hours)


def above(hour):
    """Give by how many percent an hour of 22 March lies above the mean of 24 hours up to it."""
    end = pd.Timestamp(f"2024-03-22 {hour + 1:02}:00+08:00")

    def sold(since):
        time = lines()["time"]
        return lines()["amount"][(time >= since) & (time < end)].sum()

    return 100 * (sold(end - pd.Timedelta(hours=1)) / (sold(end - pd.Timedelta(days=1)) / 24) - 1)


def pieces():
    """Name the products with the most pieces."""
    return best("quantity")


ORACLES = {"08.1": final_hour, "08.2": pieces, "08.3": lambda: above(8)}
FORMS = {
    "08.1": [11.0, "11", [11]],
    "08.2": [pd.Series(pieces()), tuple(pieces()), [str(one) for one in pieces()]],
    "08.3": [round(above(8), 1), f"{above(8):.1f}%", f"{above(8):.2f}".replace("-", "−")],
}
WRONG = {
    "08.1": [
        (13, "still filling"), (12, "ends at 13:00"), (10, "a newer one"), (14, "has come yet"),
        (3, "Subtract the delay"),
    ],
    "08.2": [
        (best("amount"), "most money"),
        (pieces()[::-1], "best first"),
        ([1, 2, 3], "ranks"),
        (lines().groupby("product_id")["quantity"].sum().nlargest(3), "are the pieces"),
        ([1001, 1002, 1003], "another value"),
    ],
    "08.3": [
        (above(9), "09:00 to 10:00"), (above(7), "07:00 to 08:00"),
        (round(above(8)), "one decimal"), (-above(8), "above or below"),
        (above(8) / 100, "percent"), (100 + above(8), "from 100"), (50.0, "subtract 1"),
    ],
}  # fmt: skip
