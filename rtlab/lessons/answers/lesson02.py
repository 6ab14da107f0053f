"""02 Filtering."""

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "02.1": Question(
        right="9:05",
        done="It is the largest text, although it is not the latest time.",
        hints=(
            Hint("23:15", "That is the latest time. But text compares first characters."),
            Hint("08:30", "This text begins with 0, the smallest digit."),
            Hint("10:00", "Compare the first characters of all four: which digit is largest?"),
        ),
        otherwise="Answer with one of the four texts, as it is written.",
    ),
    "02.2": Question(
        right=9555,
        done="Sales alone: the returns are rejected, and the account says so.",
        within=0,
        hints=(
            Hint(9658, "Here the returns are still in. Which parameter of clean decides on them?"),
            Hint(9769, "Here duplicates are still in: dedupe comes after clean."),
            Hint(9872, "Here both returns and duplicates are still in."),
            Hint(303, "These are the rejected rows. The question is about the used ones."),
            Hint(103, "These are the returns. How many rows are left without them?"),
            Hint(2, "This counts the tables that dedupe gives. Count the rows of the first one."),
        ),
        otherwise="First clean with a decision on returns, then dedupe, then count the good rows.",
    ),
    "02.3": Question(
        right=512,
        done="So many true purchases look like another one. Only an id tells them apart.",
        within=0,
        hints=(
            Hint(
                726,
                "These include true duplicates. Begin with the used rows, not the good ones.",
            ),
            Hint(214, "These are true duplicates: she is right to drop them. Look into used."),
            Hint(9146, "These are the rows that she keeps. How many are lost?"),
            Hint(0, "All columns were compared, also the event id. She has only three of them."),
            Hint(326, "Here the quantity was compared, too. She looks at three columns only."),
            Hint(
                lambda count: count in (630, 988),
                "This counts all rows that look alike. But she keeps one of each kind.",
            ),
        ),
        otherwise="Drop the rows of used that repeat user, product and time; count what is lost.",
    ),
}
