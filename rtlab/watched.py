"""The part of the report about what was judged while the stream ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtlab import findings, marks
from rtlab.alarms import reason
from rtlab.analysis import Analysis
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
    first = alarms.drop_duplicates("episode")
    words = [f"From {when(ready)} on, each {names[0]} was judged when it closed."]
    told = f"{len(alarms)} alarms were raised, in {len(first)} episodes. They began so:"
    words.append(told if len(first) else "No alarm was raised.")
    words += [
        f"{when(at)}: {row.reason}."
        for at, row in zip(first.index[:SOME], first.head(SOME).itertuples(), strict=True)
    ]
    if len(first) > SOME:
        words.append(f"{len(first) - SOME} later episodes are in the table.")
    return Section(
        "Alarms while it ran",
        words,
        [("alarms", lambda: marks.plot_alarms(live, alarms, unit=unit))],
        [("alarms", alarms), ("decomposition while it ran", live.apply(findings.as_written))],
    )
