"""00 Start here."""

from rtlab.lessons.grading import Hint, Question

QUESTIONS = {
    "00.1": Question(
        right=1150,
        done="You can write and call a function.",
        within=0,
        hints=(
            Hint(850, "This is the sum of the prices. Two pieces of tea cost twice the price."),
            Hint(600, "This is the first line. Add up all three."),
            Hint(4, "This counts the pieces. How many cents do they cost?"),
        ),
        otherwise="Multiply quantity and price of each line, and add up the three results.",
    ),
    "00.2": Question(
        right={"tea": 3, "cup": 1},
        done="You can count with a dict.",
        within=0,
        hints=(
            Hint({"tea": 2, "cup": 1}, "Tea stands on two lines, and one of them has two pieces."),
            Hint({"tea": 1, "cup": 1}, "The last line replaced the first. Add to what is there."),
            Hint({"tea": 900, "cup": 250}, "These are cents. The question is about pieces."),
        ),
        otherwise="Go through the lines: add each quantity to what its product has so far.",
    ),
    "00.3": Question(
        right={"tea": 900, "cup": 250},
        done="You can use groupby: you are ready for the lessons.",
        within=0,
        hints=(
            Hint(
                {"tea": 600, "cup": 250}, "Here prices are added up. Multiply by quantity first."
            ),
            Hint({"tea": 1800, "cup": 250}, "Multiply in each line, before you add up the lines."),
            Hint({"tea": 3, "cup": 1}, "These are pieces. The question is about cents."),
        ),
        otherwise="Make a column of quantity × price; then groupby product, and sum that column.",
    ),
    "00.4": Question(
        right=True,
        done="The answer has the same rows for every batch size: that is the law of rtlab.",
        hints=(Hint(False, "Run the cell with rows=7 and with rows=500, and compare."),),
    ),
    "00.5": Question(
        right=7,
        done="Seven days of the shop's own calendar.",
        within=0,
        hints=(
            Hint(8, "Whose midnight is it? Without tz= a day begins in London, not in Shanghai."),
            Hint(lambda count: count in (167, 168), "These are hours. Write size='1D' for days."),
        ),
        otherwise="Write size='1D', keep tz=shop.zone, and take len() of what drain gives.",
    ),
}
