"""07 Decomposition: the answers by plain pandas and statsmodels, and the wrong ones."""

import numpy as np
import pandas as pd
from statsmodels.tsa.seasonal import MSTL

import rtlab as rt


def _share(days, seed, *, robust):
    """Take the hours apart with seasons that stay the same; give the promotions' part found."""
    shop = rt.simulate(days=days, seed=seed)
    cents = shop.events["price"] * shop.events["quantity"]
    hours = shop.events["purchase_time"].dt.tz_convert(shop.zone).dt.floor("h")
    put = shop.truth.hourly["promotion"]
    revenue = cents.groupby(hours).sum().reindex(put.index, fill_value=0).to_numpy(float)
    size = 10 * len(revenue) + 1
    options = {"robust": robust, "seasonal_deg": 0}
    found = MSTL(revenue, periods=(24, 168), windows=(size, size), stl_kwargs=options).fit()
    promoted = put.to_numpy() > 0
    return 100 * found.resid[promoted].sum() / put.sum()


def _middle():
    """Average the 168 hours around the middle of a promotion of 24."""
    return np.r_[np.zeros(72), np.full(24, 1000), np.zeros(72)].mean()


ORACLES = {
    "07.1": _middle,
    "07.2": lambda: _share(56, 7, robust=False),
    "07.3": lambda: _share(28, 2, robust=True),
}
FORMS = {
    "07.1": [142.857, 143, "143", "142.86", np.float64(142.857), [143], pd.Series([142.857])],
    "07.2": [72.3, 72, "72.3 %", "72%", np.float32(72.32), (72.3,), np.array([72.32])],
    "07.3": [93.5, 93, 94, "93.5 %", np.float64(93.5), [93.5], pd.Series([93.49])],
}
WRONG = {
    "07.1": [
        (1000, "wider than the promotion"),
        (24000, "An average divides it"),
        (1000 / 24, "not by those of the promotion"),
        (1000 / 168, "How many of them"),
        (14.3, "a percentage of the 1,000 cents"),
        (0.143, "a share of the 1,000 cents"),
        (857.14, "How much does it take"),
        (500, "Write down the sum"),
    ],
    "07.2": [
        (88.5, "robust answer"),
        (0.723, "as a percentage"),
        (27.7, "what is missing"),
        (73.6, "answer by hand"),
        (61.6, "one thing at a time"),
        (20.7, "one season only"),
        (5518652, "These are cents"),
        (50, "new parts"),
    ],
    "07.3": [
        (5.1, "Which part may follow"),
        (0.935, "as a percentage"),
        (64.4, "still robust"),
        (88.5, "use short and small"),
        (40, "what else"),
        (120, "three parameters"),
    ],
}
