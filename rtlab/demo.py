"""What ``rtlab demo`` runs on: a year of a grocery shop, or the simulated shop and its truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rtlab import findings
from rtlab.analysis import Analysis, Plan
from rtlab.report import Section
from rtlab.simulation import Shop, simulate
from rtlab.story import Labels


def grocery(**how: Any) -> tuple[pd.DataFrame, Plan, Labels]:
    """Give *The Complete Journey* as events, and how to read and to label it."""
    from rtlab.sources.journey import ZONE, journey, journey_products  # noqa: PLC0415  (an extra)

    boards = {"products": "product_id", "departments": "department", "households": "user_id"}
    plan = Plan(zone=ZONE, delay="1h", boards=boards, basket=("basket_id",), **how)
    names = {"product_id": journey_products()["name"].to_dict()}
    return journey(), plan, Labels("A year of a grocery shop", "$", 100, names)


def simulated(**how: Any) -> tuple[Shop, Plan, Labels]:
    """Give twelve weeks of the simulated shop with all its dirt, and how to read and label it."""
    shop = simulate(days=84, seed=7, events_per_day=2000, dirt="all")
    plan = Plan(zone=shop.zone, delay="2h", **how)
    names = {"product_id": shop.products.set_index("product_id")["name"].to_dict()}
    return shop, plan, Labels("Twelve weeks of the simulated shop", "¥", 100, names)


def compare(found: Analysis, shop: Shop, scale: int = 100) -> Section:
    """Hold what was found against what was put into the simulated shop.

    Parameters
    ----------
    found : Analysis
        Of all of ``shop.events``.
    shop : Shop
    scale : int, default 100
        Cents in a unit of money.

    Returns
    -------
    Section
        In words and as tables: the errors of trend and seasons, and the lift of each promotion.
    """
    parts = found.parts
    if parts is None or found.stopped:
        why = "the run was stopped early" if found.stopped else "there is no decomposition"
        return Section("Found against the truth", [f"Nothing is compared: {why}."])
    truth = shop.truth.hourly.reindex(parts.trend.index)
    trend_error = float((parts.trend - truth["trend"]).abs().mean() / truth["trend"].mean())
    words = [f"The trend that was found is off by {trend_error:.1%} on average."]
    shapes = []
    for period, name, hours in ((24, "daily", 1), (168, "weekly", 24)):
        place = np.arange(len(parts.trend)) % period // hours
        both = pd.DataFrame({"found": parts.seasons[period], "truth": truth[name]}) / scale
        shape = both.groupby(place).mean().round(6)
        likeness = float(shape["found"].corr(shape["truth"]))
        off = float((shape["found"] - shape["truth"]).abs().mean() / np.ptp(shape["truth"]))
        words.append(
            f"The {name} pattern is off by {off:.1%} of its range on average (correlation with "
            f"the truth {likeness:.3f})."
        )
        shapes.append((f"{name} pattern", shape.rename_axis("weekday" if hours > 1 else "hour")))
    lifts = _lifts(parts, shop)
    odd = findings.surprises(parts.residual, k=len(lifts) * 10)
    hit = [((odd.index >= one.start) & (odd.index < one.end)).any() for one in lifts.itertuples()]
    words.append(
        f"{sum(hit)} of {len(lifts)} promotions are among the {len(odd)} largest surprises. What "
        f"they add is off by {(lifts['found'] - lifts['put_in']).abs().mean():.0%} of the trend "
        "on average."
    )
    words.append(_alarmed(found, shop))
    start = shop.truth.hourly.index
    out = {
        hour for gap in shop.truth.gaps for hour in start[(start >= gap.start) & (start < gap.end)]
    }
    quiet = out.intersection(found.windows.index[found.windows["lines"] == 0])
    words.append(
        f"{len(out)} hours of outage were put in; {len(quiet)} of them are among the hours in "
        "which nothing was sold."
    )
    return Section("Found against the truth", words, [], [("promotions", lifts), *shapes])


def _alarmed(found: Analysis, shop: Shop) -> str:
    """Say how many promotions raised an alarm while it ran, and how many alarms are true."""
    judged = found.live["residual"].dropna().index
    events = [(one.start, one.end) for one in shop.truth.promotions if one.start in judged]
    hits = findings.hits(found.alarms[found.alarms["side"] == "above"], events)
    return (
        f"While it ran, alarms found {hits.found} of the {hits.events} promotions that began "
        f"after the first two weeks; {hits.true} of {hits.episodes} episodes above what was "
        "expected are about one of them."
    )


def _lifts(parts: Any, shop: Shop) -> pd.DataFrame:
    """Measure each promotion against the trend of the days beside it."""
    level = parts.observed - parts.seasonal
    day = pd.Timedelta(days=1)
    rows = []
    for one in shop.truth.promotions:
        time = level.index
        during = (time >= one.start) & (time < one.end)
        beside = (time >= one.start - day) & (time < one.end + day) & ~during
        lift = float(level[during].mean() / level[beside].mean() - 1)
        rows.append((one.start, one.end, one.lift, lift))
    return pd.DataFrame(rows, columns=["start", "end", "put_in", "found"])
