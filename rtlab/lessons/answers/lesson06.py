"""06 Autocorrelation."""

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "06.1": Question(
        right=10,
        done="Five of a hundred lags lie outside, although there is nothing to find.",
        hints=(
            Hint(190, "That is how many lie inside. What share of noise leaves the band?"),
            Hint(0, "Noise has no memory, but chance still moves its lags. What is 95% about?"),
            Hint(5, "That would be of 100 lags. Here are 200."),
            Hint(2.4, "That is for 48 lags. Here are 200."),
            Hint(0.05, "That is the share. How many lags is it?"),
            Hint(
                lambda given: 2.4 < given < 10, "A short series gives less. This one is very long."
            ),
        ),
    ),
    "06.2": Question(
        right=12,
        done="A wider band calls fewer lags by mistake, and overlooks more.",
        within=0,
        hints=(
            Hint(17, "That is the band of 95%. Pass alpha to rt.acf, not to the difference."),
            Hint(19, "That is the raw series. Take the one at lag 24, which is called day."),
            Hint(0, "That is the noise. Take the differences at lag 24, which are called day."),
            Hint(9, "That is alpha=0.001, one lag of a thousand. One of a hundred is asked for."),
            Hint(48, "alpha is the share outside the band. 0.99 would leave it almost no width."),
            Hint(36, "These lie inside the band. How many lie outside?"),
        ),
    ),
    "06.3": Question(
        right=3,
        done="Chance would give 2.4: the weekly difference and the promotions explain it all.",
        within=0,
        hints=(
            Hint(17, "The promotions are still in. Subtract what they brought from the sales."),
            Hint(6, "That is a difference of a day. How many hours has a week?"),
            Hint(39, "That is a difference of 7 hours. A tick is an hour: how many has a week?"),
            Hint(
                16, "The promotions were taken away too late: first from sales, then difference."
            ),
            Hint(7, "A difference that is missing is not 0. Leave it out, with dropna."),
            Hint(35, "The season is still in. Take the difference of a week afterwards."),
            Hint(5, "That is lag 1, which leaves the season in. How many hours has a week?"),
            Hint(1, "That is the noise itself. Start from sales, and take only promotions away."),
            Hint(45, "These lie inside the band. How many lie outside?"),
        ),
    ),
}
