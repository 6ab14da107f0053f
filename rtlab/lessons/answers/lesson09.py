"""09 Answers before the end."""

import pandas as pd

from rtlab.lessons.grading import Hint, Question


def _on(time: str) -> pd.Timestamp:
    """Give a time on the shop's clock."""
    return pd.Timestamp(time, tz="Asia/Shanghai")


QUESTIONS = {
    "09.1": Question(
        right=_on("2024-04-23 11:00"),
        done="Half a week before the newest hour: that is what waiting costs.",
        hints=(
            Hint(
                _on("2024-04-26 23:00"), "This is the newest hour. Its trend comes 84 ticks later."
            ),
            Hint(_on("2024-04-30 11:00"), "This is when its trend comes. Look back, not ahead."),
            Hint(
                _on("2024-04-23 12:00"),
                "One hour off: go back 84 hours from 23:00, not from 24:00.",
            ),
            Hint(_on("2024-02-02 23:00"), "These are 84 days. A tick is an hour."),
            Hint(_on("2024-04-16 04:00"), "With lag=251. Here the lag is 84."),
        ),
        otherwise="How many days and hours are 84 hours? Go back so far.",
    ),
    "09.2": Question(
        right=3,
        done="Three days: about the half week that the hours needed too.",
        within=0,
        hints=(
            Hint(9, "This is the season. Look at the column trend_median."),
            Hint(6, "Then nine of ten move by less: trend_p90. Here half of them are asked for."),
            Hint(5, 'Leave seasonal="periodic" as it is: change one thing at a time.'),
            Hint(72, "These are hours. A tick is a day here."),
            Hint(48, "This is with hours. Use days: a tick is a day here."),
            Hint(lambda given: 0 < given < 1, "This is a distance. At which lag is it so small?"),
        ),
        otherwise="Ask for lags=range(10), and read down the column trend_median.",
    ),
    "09.3": Question(
        right=[19, 48],
        done="A short window settles soon, and takes a weekend or a promotion for a new level.",
        within=0,
        hints=(
            Hint(
                [11, 48],
                "The first is for half of the trends. Nine of ten are asked for: trend_p90.",
            ),
            Hint([48, 19], "The other way round: first the trends, then the seasons."),
            Hint([84, 192], "This is the window of three weeks. Use period=24, and nothing else."),
        ),
        otherwise="Take the columns trend_p90 and season_p90. Where is each first below 0.1?",
    ),
}
