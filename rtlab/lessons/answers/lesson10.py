"""10 Alarms and forecasts."""

import pandas as pd

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "10.1": Question(
        right=4,
        done="Four hours, since no single hour was far enough away.",
        within=0,
        hints=(
            Hint(14, "This is the hour on the clock. How long after 10:00 is it?"),
            Hint(6, "This is the first outlier. A shift came before it."),
            Hint(0, "This is when the shift began. When was it known?"),
        ),
        otherwise='Look at found.loc["2024-04-07"]: its first index is the time of the alarm.',
    ),
    "10.2": Question(
        right=65,
        done="Almost three times as many alarms, and again six episodes.",
        within=0,
        hints=(
            Hint(23, "These are the alarms of sigmas=5. Change it to 3."),
            Hint(6, "These are the episodes. How many alarms are in them?"),
        ),
        otherwise="Give sigmas=3 and shift=10, and count the rows with len().",
    ),
    "10.3": Question(
        right=pd.Timestamp("2024-05-15 17:00", tz="Asia/Shanghai"),
        done="Eight hours were too low before their sum passed the limit.",
        hints=(
            Hint(
                pd.Timestamp("2024-05-15 10:00", tz="Asia/Shanghai"),
                "This is since when it was low. When was it known?",
            ),
            Hint(
                pd.Timestamp("2024-05-19 13:00", tz="Asia/Shanghai"),
                "This is an alarm above. Take the revenue away first.",
            ),
        ),
        otherwise="Look at the alarms of 2024-05-15: the index is the time of the alarm.",
    ),
}
