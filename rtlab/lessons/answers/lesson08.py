"""08 The purchase desk."""

from functools import cache

import pandas as pd

import rtlab as rt
from rtlab.lessons.grading import Hint, Question


@cache
def _kept() -> pd.DataFrame:
    good: pd.DataFrame = rt.clean(rt.simulate(days=28, seed=7).events).good
    return good


def _best(value: str, column: str = "product_id") -> list[int]:
    ranks = rt.leaderboard(_kept(), by="product_id", value=value, k=3).ranks
    best: list[int] = ranks[column].tolist()
    return best


@cache
def _above(hour: int) -> float:
    """Give by how many percent an hour of 22 March lies above its average."""
    agg = {"revenue": ("amount", "sum")}
    windows = rt.tumbling(_kept(), size="1h", agg=agg, fill=0, tz="Asia/Shanghai").windows
    hours = windows["revenue"]
    at = pd.Timestamp("2024-03-22", tz="Asia/Shanghai") + pd.Timedelta(hours=hour)
    return float(100 * (hours[at] / rt.moving_average(hours, window=24)[at] - 1))


QUESTIONS = {
    "08.1": Question(
        right=11,
        done="The watermark is 12:58, and 11:00 to 12:00 is the newest window that ends by then.",
        hints=(
            Hint(13, "That window is still filling: it ends at 14:00. Where is the watermark?"),
            Hint(12, "It ends at 13:00. Is the watermark (newest event less delay) there yet?"),
            Hint(10, "That one is final, but a newer one is final too."),
            Hint(14, "No event of that window has come yet."),
        ),
        otherwise="Subtract the delay from 13:58. Then find the last window that ends by then.",
        within=0,
    ),
    "08.2": Question(
        right=lambda: _best("quantity"),
        done="The third place is not that of money: who orders needs pieces.",
        hints=(
            Hint(
                lambda read: read == _best("amount"),
                "These bring the most money. Which column counts pieces?",
            ),
            Hint(
                lambda read: sorted(read) == sorted(_best("quantity")),
                "The right three, in another order: best first.",
            ),
            Hint(
                lambda read: set(read) == {1, 2, 3},
                "These are ranks. Give the column product_id.",
            ),
            Hint(
                lambda read: read == _best("quantity", "quantity"),
                "These are the pieces. Whose are they? Give the product_id of each.",
            ),
        ),
        otherwise='Use rt.leaderboard(kept, by="product_id", ...) with another value.',
        within=0,
    ),
    "08.3": Question(
        right=lambda: _above(8),
        done="Below its average, in a promotion: the average still holds the busy evening.",
        hints=(
            Hint(
                lambda read: abs(read - _above(9)) < 0.1,
                "That is 09:00 to 10:00. At 10:00 the watermark has not yet come to its end.",
            ),
            Hint(
                lambda read: abs(read - _above(7)) < 0.1,
                "That is 07:00 to 08:00. A newer hour is final too.",
            ),
            Hint(
                lambda read: abs(read - _above(8)) < 1,
                "Very near: give one decimal.",
            ),
            Hint(
                lambda read: abs(read + _above(8)) < 0.1,
                "The size is right. Is the hour above or below its average?",
            ),
            Hint(
                lambda read: abs(read - _above(8) / 100) < 0.002,
                "That is a share. Multiply by 100 for percent.",
            ),
            Hint(
                lambda read: abs(read - 100 - _above(8)) < 0.1,
                "That is the hour in percent of its average. How far is it from 100?",
            ),
        ),
        otherwise="Divide the hour by its average, subtract 1, and give percent.",
        within=0.006,
    ),
}
