"""07 Decomposition."""

from rtlab.lessons.grading import Hint, Question

PERCENT = "Give it as a percentage, as share does: from 0 to 100."

QUESTIONS = {
    "07.1": Question(
        right=24 * 1000 / 168,
        done="One cent in seven goes into the trend, although nobody put it there.",
        hints=(
            Hint(1000, "The window is wider than the promotion: what do its other hours add?"),
            Hint(24_000, "This is the sum over the window. An average divides it: by how many?"),
            Hint(1000 / 24, "Divide by the hours in the window, not by those of the promotion."),
            Hint(1000 / 168, "This is what one hour gives. How many of them are in the window?"),
            Hint(100 / 7, "This is a percentage of the 1,000 cents. How many cents is it?"),
            Hint(1 / 7, "This is a share of the 1,000 cents. How many cents is it?"),
            Hint(1000 - 24_000 / 168, "This is what the trend leaves. How much does it take?"),
        ),
        otherwise="Write down the sum of the 168 hours first, then the average.",
        within=0.01,
    ),
    "07.2": Question(
        right=72.3,
        done="Without robust=True, no more is found than by hand.",
        hints=(
            Hint(88.5, "This is the robust answer: write robust=False, and run the cell again."),
            Hint(0.723, PERCENT),
            Hint(27.7, "This is what is missing. How much is there?"),
            Hint(73.6, 'This is the answer by hand: use decompose, with seasonal="periodic".'),
            Hint(61.6, 'Leave seasonal="periodic" as it is: change one thing at a time.'),
            Hint(20.7, "This has one season only. Keep both: period=[24, 168]."),
            Hint(lambda given: given > 1000, "These are cents: share gives the percentage."),
        ),
        otherwise="Give share the residual of the new parts, and the shop.",
        within=0.008,
    ),
    "07.3": Question(
        right=93.5,
        done="The season of 168 hours had taken most of them; now it cannot follow them.",
        hints=(
            Hint(5.1, "This is what the call finds as it is. Which part may follow a promotion?"),
            Hint(0.935, PERCENT),
            Hint(64.4, "The seasons are right now. Is the call still robust?"),
            Hint(88.5, "This is the shop of eight weeks: use short and small."),
            Hint(lambda given: 5.2 < given < 90, "Better. Keep robust=True: what else is there?"),
        ),
        otherwise="Look at the three parameters of the lesson: which one is not used here?",
        within=0.008,
    ),
}
