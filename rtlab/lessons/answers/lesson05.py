"""05 Differencing."""

import math

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "05.1": Question(
        right=240,
        done="A steady trend becomes a constant: the lag times the rise of one tick.",
        within=0,
        hints=(
            Hint(10, "That is lag 1. How many hours lie between the two values at lag 24?"),
            Hint(0, "A trend does not vanish in a difference. How far does it climb in 24 hours?"),
            Hint(24, "These are the hours. How much does the series rise in each of them?"),
            Hint(-240, "The later value stands first: y[t] − y[t − 24]. Which one is larger?"),
            Hint(230, "From hour 0 to hour 24 there are as many steps as the lag says."),
        ),
    ),
    "05.2": Question(
        right=26_470,
        done="A tick is a day here, so a week is a lag of 7.",
        within=0,
        hints=(
            Hint(1_380, "That is Sunday against Saturday. How many days lie between two Sundays?"),
            Hint(786_970, "The lag counts ticks, and a tick of days is not an hour."),
            Hint(
                math.isnan,
                "Nothing stands that far back: a lag counts ticks, and here a tick is a day.",
            ),
            Hint(-26_470, "Later minus earlier: did the last Sunday bring more, or less?"),
            Hint(2_553_470, "That is what the day brought. What did the Sunday before bring?"),
            Hint(24_050, "That is the last hour alone. `days` has one tick for the whole day."),
            Hint(149_350, "That is the change of 24 March. Go one Sunday on."),
        ),
    ),
    "05.3": Question(
        right=list(range(24, 169, 24)),
        done="A lag removes a season when it is a multiple of the seasonal period.",
        within=0,
        any_order=True,
        hints=(
            Hint([24], "That is the first of them. Look at the longer lags, too."),
            Hint([168], "A week is one of them. Which shorter lags fit the day?"),
            Hint([24, 168], "There are more between these two: compute the share for each lag."),
            Hint([7], "That is how many there are. Give the lags themselves, in a list."),
            Hint(
                lambda lags: bool(lags) and max(lags) < 1,
                "These are no lags. Give the lags whose share is less than 0.05.",
            ),
            Hint(
                lambda lags: any(lag % 24 for lag in lags),
                "One of these does not fit the day. Take the mean of each hour of the day, of the "
                "differences without their missing values.",
            ),
        ),
    ),
}
