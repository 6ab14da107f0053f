"""04 Moving averages."""

import pandas as pd

from rtlab.lessons.grading import Hint, Question

ZONE = "Asia/Shanghai"


def _at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz=ZONE)


QUESTIONS = {
    "04.1": Question(
        right=167,
        done="Hour number 168 is the first that completes a week.",
        within=0,
        hints=(
            Hint(168, "Close. Does the window of an hour hold that hour itself?"),
            Hint(23, "This belongs to a window of one day. Ask for a window of one week."),
            Hint(
                lambda count: count in (83, 84),
                "This is half a window. A trailing average has its whole edge at the start.",
            ),
            Hint(0, "A mean of fewer hours than the window is not given: count the NaN."),
            Hint(337, "These hours have an answer. How many have none?"),
        ),
        otherwise="Compute the average with window=168, and count the NaN with isna().sum().",
    ),
    "04.2": Question(
        right=_at("2024-03-20 17:00"),
        done="Days after the promotion: a window of a week holds it for days.",
        hints=(
            Hint(_at("2024-03-17 03:00"), "This belongs to window=24. The window is a week now."),
            Hint(_at("2024-03-17 06:00"), "This average is centred. Ask for the trailing one."),
            Hint(_at("2024-03-16 16:00"), "This is centred, with window=24. Change both."),
            Hint(
                _at("2024-03-16 19:00"), "This is the highest hour itself. Take the average first."
            ),
            Hint(_at("2024-03-20 09:00"), "This is the clock of UTC. The shop's is ahead of it."),
        ),
        otherwise="Compute the average with window=168, then ask for its .idxmax().",
    ),
    "04.3": Question(
        right=[19095.0, 29830.0],
        done="The average moved more than ten times as much: the median is robust.",
        hints=(
            Hint([29830.0, 19095.0], "The order is wrong: first window=24, then window=3."),
            Hint(
                lambda moved: len(moved) > 0 and moved[0] // 1 == 208333,
                "This is the average. Use rt.moving_median.",
            ),
            Hint(
                lambda moved: any(move < 0 for move in moved),
                "A change up or down counts the same: take .abs() before the maximum.",
            ),
            Hint([0.0, 0.0], "Compare the medians of typed with those of hours."),
        ),
        otherwise="Subtract the median of hours from the median of typed, then .abs().max().",
    ),
}
