"""10 Alarms and forecasts."""

import pandas as pd

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "10.1": Question(
        right=5,
        done="Five hours lay above before their sum passed the limit. None was an outlier.",
        within=0,
        hints=(
            Hint(4, "This is when that hour begins. Its revenue is known when it ends."),
            Hint(14, "This is the hour on the clock. How long after 10:00 is it known?"),
            Hint(15, "This is the time on the clock. How long after 10:00 is it?"),
            Hint(lambda read: read in {6, 7}, "This is the first outlier. A shift came before."),
            Hint(0, "This is when the shift began. When was it known?"),
        ),
        otherwise='Look at found.loc["2024-04-07"]: its first index is the hour of the alarm.',
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
                pd.Timestamp("2024-05-15 18:00", tz="Asia/Shanghai"),
                "This is when it is known. At which time does that hour begin?",
            ),
            Hint(
                pd.Timestamp("2024-05-19 13:00", tz="Asia/Shanghai"),
                "This is an alarm above. Take the revenue away first.",
            ),
        ),
        otherwise="Look at the alarms of 2024-05-15: the index is the time of the alarm.",
    ),
}
