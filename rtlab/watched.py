"""The parts of the report about what was judged while the stream ran, and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from rtlab import findings, marks
from rtlab.alarms import reason
from rtlab.analysis import Analysis, ahead
from rtlab.forecasts import ENDS, outlook
from rtlab.pictures import say
from rtlab.report import Section

SOME = 8
"""Episodes of alarms that are told in words."""
MONEY = ["observed", "expected", "residual", "scale"]


def watched(
    found: Analysis,
    scale: float,
    unit: str,
    names: tuple[str, str],
    when: Callable[[Any], str],
) -> Section:
    """Tell the alarms, each with its date and its reason.

    Parameters
    ----------
    found : Analysis
    scale : float
        By which values are divided for the reader.
    unit : str
    names : (str, str)
        What one window is called, and several.
    when : callable
        Writes a time.

    Returns
    -------
    Section
        Without words where the log was too short to judge a window.
    """
    live, alarms = found.live / scale, found.alarms.copy()
    ready: Any = live["residual"].first_valid_index()
    if ready is None:
        return Section("")
    alarms[MONEY] = alarms[MONEY] / scale
    alarms["reason"] = [reason(row, unit, names, when) for row in alarms.itertuples()]
    words = [f"From {when(ready)} on, each {names[0]} was judged when it closed."]
    if alarms.empty:
        words.append("No alarm was raised.")
    size = (alarms["score"] / alarms["limit"]).groupby(alarms["episode"].to_numpy())
    strongest = alarms.assign(size=size.transform("max")).drop_duplicates("episode")
    if len(strongest):
        listed = strongest.nlargest(SOME, "size").sort_index()
        count = f"{len(alarms)} alarms were raised, in {len(strongest)} episodes."
        words.append(f"{count} The strongest began so:" if len(strongest) > SOME else count)
        words += [f"{when(row.Index)}: {row.reason}." for row in listed.itertuples()]
    return Section(
        "Alarms while it ran",
        words,
        [("alarms", lambda: marks.plot_alarms(live, alarms, unit=unit))],
        [("alarms", alarms), ("decomposition while it ran", live.apply(findings.as_written))],
    )


def expected(
    found: Analysis,
    scale: float,
    unit: str,
    names: tuple[str, str],
    when: Callable[[Any], str],
) -> Section:
    """Tell the newest forecast, and how good those before it were.

    Parameters and answer are those of :func:`watched`.
    """
    forecasts = found.forecasts.copy()
    if forecasts.empty:
        return Section("")
    forecasts[[*ENDS]] = (forecasts[[*ENDS]] / scale).apply(findings.as_written)
    newest = outlook(found.series / scale, forecasts, ahead(found.plan.every))
    table, level = newest.table, newest.level
    best = table["mean"].idxmax()
    count = forecasts.index.nunique()
    total, most = say(table["mean"].sum(), unit), say(table["mean"].max(), unit)
    told = f"The {len(table)} {names[1]} after {when(forecasts.index[-1])} should bring {total}."
    words = [told, f"The best should be {when(best)}, with {most}."]
    if pd.notna(newest.coverage):
        words.append(
            f"So it was forecast {count} times while it ran. {newest.coverage:.0%} of the "
            f"{names[1]} came out within the range that was to hold {level:.0%} of them."
        )
    if pd.notna(newest.mase):
        words.append(
            f"On average a forecast was off by {newest.mase:.2f} times what repeating the last "
            "season is off by (MASE)."
        )
    return Section(
        "What comes next",
        words,
        [("forecast", lambda: newest.plot(unit=unit))],
        [("forecast", table), ("forecasts while it ran", forecasts)],
    )
