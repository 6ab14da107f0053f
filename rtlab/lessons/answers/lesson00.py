"""00 Start here."""

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "00.1": Question(
        right=False,
        done="The answer has the same rows for every batch size: that is the law of rtlab.",
        hints=(Hint(True, "Run the cell with rows=1 and with rows=500, and compare."),),
    ),
    "00.2": Question(
        right=7,
        done="Seven days of the shop's own calendar.",
        within=0,
        hints=(
            Hint(8, "Whose midnight is it? Without tz= a day begins in London, not in Shanghai."),
            Hint(168, "These are hours: a day is size='1D'."),
        ),
    ),
}
