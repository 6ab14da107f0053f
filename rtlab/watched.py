"""The parts of the report about what was judged while the stream ran, and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Watched:
    """What was judged of an analysis while it ran, in the reader's units.

    Attributes
    ----------
    found : Analysis
    scale : float
        By which values are divided for the reader.
    unit : str
    names : (str, str)
        What one window is called, and several.
    when : callable
        Writes a time.
    """

    found: Analysis
    scale: float
    unit: str
    names: tuple[str, str]
    when: Callable[[Any], str]

    def alarms(self) -> Section:
        """Tell the alarms, each with its date and its reason; nothing of a log too short."""
        live, alarms = self.found.live / self.scale, self.found.alarms.copy()
        ready: Any = live["residual"].first_valid_index()
        if ready is None:
            return Section("")
        alarms[MONEY] = alarms[MONEY] / self.scale
        alarms["reason"] = [
            reason(row, self.unit, self.names, self.when) for row in alarms.itertuples()
        ]
        words = [f"From {self.when(ready)} on, each {self.names[0]} was judged when it closed."]
        if alarms.empty:
            words.append("No alarm was raised.")
        size = (alarms["score"] / alarms["limit"]).groupby(alarms["episode"].to_numpy())
        strongest = alarms.assign(size=size.transform("max")).drop_duplicates("episode")
        if len(strongest):
            listed = strongest.nlargest(SOME, "size").sort_index()
            count = f"{len(alarms)} alarms were raised, in {len(strongest)} episodes."
            words.append(f"{count} The strongest began so:" if len(strongest) > SOME else count)
            words += [f"{self.when(row.Index)}: {row.reason}." for row in listed.itertuples()]
        picture = lambda: marks.plot_alarms(live, alarms, unit=self.unit)  # noqa: E731
        tables = [
            ("alarms", alarms),
            ("decomposition while it ran", live.apply(findings.as_written)),
        ]
        return Section("Alarms while it ran", words, [("alarms", picture)], tables)

    def forecast(self) -> Section:
        """Tell the newest forecast, and how good those before it were."""
        forecasts = self.found.forecasts.copy()
        if forecasts.empty:
            return Section("")
        forecasts[[*ENDS]] = (forecasts[[*ENDS]] / self.scale).apply(findings.as_written)
        series, step = self.found.series / self.scale, ahead(self.found.plan.every)
        newest = outlook(series, forecasts, step)
        mean, origin = newest.table["mean"], forecasts.index[-1]
        words = [
            (
                f"The {len(mean)} {self.names[1]} after {self.when(origin)} should bring "
                f"{say(mean.sum(), self.unit)}."
            ),
            f"The best should be {self.when(mean.idxmax())}, with {say(mean.max(), self.unit)}.",
        ]
        if pd.notna(newest.coverage):
            words.append(
                f"So it was forecast {forecasts.index.nunique()} times while it ran. "
                f"{newest.coverage:.0%} of the {self.names[1]} came out within the range that was "
                f"to hold {newest.level:.0%} of them."
            )
        if pd.notna(newest.mase):
            words.append(
                f"On average a forecast was off by {newest.mase:.2f} times what repeating the "
                "last season is off by (MASE)."
            )
        picture = lambda: newest.plot(unit=self.unit)  # noqa: E731
        tables = [("forecast", newest.table), ("forecasts while it ran", forecasts)]
        return Section("What comes next", words, [("forecast", picture)], tables)
