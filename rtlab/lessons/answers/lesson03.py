"""03 Windows."""

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "03.1": Question(
        right=[5, 7],
        done="The watermark reached the window's end at arrival 4: what came after it was late.",
        any_order=True,
        hints=(
            Hint(
                [3, 5, 6, 7],
                "All of these are out of order. Which of them belong to a window that has closed?",
            ),
            Hint([3, 5, 7], "Did you subtract the delay? Write the watermark after each arrival."),
            Hint([5, 6, 7], "A window is half-open: does it contain its end?"),
            Hint([4, 5, 7], "A row that closes a window is not itself in that window."),
            Hint([7], "A window closes when its end ≤ watermark. Look at the sign ≤ again."),
            Hint([], "Which watermark does 10:10 give? Is it not the end of a window?"),
        ),
        otherwise="Write the watermark under each arrival; then see when 09:00–10:00 closes.",
    ),
    "03.2": Question(
        right=4,
        done="Bookkeeping can wait, and is nearly complete. A screen cannot wait so long.",
        within=0,
        hints=(
            Hint(3, "With this delay, not quite 96% of the rows are counted."),
            Hint(5, "This is enough. But is there a smaller one?"),
            Hint(6, "This counts every row. The bookkeeper is content with fewer."),
            Hint(lambda read: 0.9 < read < 1, "That is a share. Which delay leads to it?"),
        ),
        otherwise="Try delay='1h', then '2h', …, and look at the share of late rows.",
    ),
    "03.3": Question(
        right=209,
        done="A running maximum, a delay and a comparison: you wrote a watermark.",
        within=0,
        hints=(
            Hint(
                216,
                "Compare the end of the row's window, not the row's own time, with the watermark.",
            ),
            Hint(220, "Did you subtract the delay from the newest event time?"),
            Hint(202, "That is for windows of an hour and a delay of 10 minutes."),
            Hint(215, "Here the delay is that of the lesson. Take the new one."),
            Hint(
                lambda late: late in (196, 570, 183),
                "The size stands in two places: where a window starts, and where it ends.",
            ),
            Hint(205, "Which is the size, and which is the delay?"),
            Hint(306, "These are out of order. A row is late only when its window has closed."),
            Hint(889, "Here windows close at their start. Add the size to it."),
            Hint(2, "That is the morning. Take all rows of good."),
        ),
        otherwise="In the loop of this lesson, change the rows, the size (twice) and the delay.",
    ),
}
