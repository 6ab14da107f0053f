"""01 Events and streams."""

import pandas as pd

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "01.1": Question(
        right=["A", "C", "E"],
        done="Known is what arrived before 10:00, in any order and however old.",
        any_order=True,
        hints=(
            Hint(
                ["A", "B", "C", "E"],
                "All of these have happened before 10:00. Had each of them arrived, too?",
            ),
            Hint(["B"], "This one has happened, but it was not known. Name the others."),
            Hint(["B", "D"], "These are the events that were not known. Name the others."),
            Hint(["A", "C"], "An event may arrive out of order. Do you have all that arrived?"),
            Hint(
                lambda read: "d" in read,
                "D arrives at once. But is its time before 10:00?",
            ),
        ),
        otherwise="Look at the arrival times only: which of them are before 10:00?",
    ),
    "01.2": Question(
        right=11,
        done="One hour later we know more, and yet more is missing.",
        within=0,
        hints=(
            Hint(6, "That is the number at 10:00. The manager calls one hour later."),
            Hint(47, "So many have happened. How many of them have not arrived?"),
            Hint(36, "So many are known. The question is about the others."),
            Hint(28, "Some of these have not even happened. Compare the event time as well."),
            Hint(13, "These are from the whole week. Take only the events of morning."),
            Hint(0, "Whose clock is that? Give the moment the shop's zone: tz=shop.zone."),
        ),
        otherwise="Count the events that happened before that moment, and arrived after it.",
    ),
    "01.3": Question(
        right=pd.Timestamp("2024-03-10 14:58:29", tz="Asia/Shanghai"),
        done="Five hours after the hour's end. And at 10:00 nobody could know that.",
        hints=(
            Hint(
                pd.Timestamp("2024-03-10 09:58:23", tz="Asia/Shanghai"),
                "That is when the last of them happened. When did the last of them arrive?",
            ),
            Hint(
                pd.Timestamp("2024-03-10 15:21:57", tz="Asia/Shanghai"),
                "That is the last arrival of the whole morning. Choose the hour by event time.",
            ),
            Hint(
                pd.Timestamp("2024-03-10 06:58:29", tz="Asia/Shanghai"),
                "That is the moment in UTC. Write it on the shop's clock.",
            ),
            Hint(
                pd.Timestamp("2024-03-10 10:00", tz="Asia/Shanghai"),
                "The hour ends then. But have all its events arrived?",
            ),
            Hint(
                lambda time: str(time)[:10] != "2024-03-10",
                "Give the day as well as the hour, as in the example.",
            ),
            Hint(
                lambda time: str(time)[:16] == "2024-03-10 14:58",
                "That is the right minute. Give the second as well.",
            ),
        ),
        otherwise="Choose the events by their event time, then take the largest arrival time.",
    ),
}
