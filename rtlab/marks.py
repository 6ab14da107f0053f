"""Charts of what was judged while it ran: alarms on their series."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rtlab import charts
from rtlab import pictures as look
from rtlab.pictures import Picture, say

TOLD = 12
"""Episodes that the words name; more would not be read."""


@look.house_style()
def plot_alarms(
    parts: pd.DataFrame, alarms: pd.DataFrame, *, title: str | None = None, unit: str = ""
) -> Picture:
    """Draw a series, what was expected of it at each tick, and where an alarm was raised.

    Parameters
    ----------
    parts : DataFrame
        Of one series, with columns ``observed`` and ``residual``, as a decomposition gives them.
    alarms : DataFrame
        What :func:`rtlab.alarms` made of them.
    title, unit : str, optional
        As in :func:`plot_series`.

    Returns
    -------
    Picture
        Its facts name each episode: when it began, its side, how many ticks raised an alarm, and
        the largest score beside its limit.

    Examples
    --------
    >>> import rtlab as rt
    >>> residual = pd.Series([1.0, -1.0] * 30, name="residual")
    >>> residual.iloc[40] = 30.0
    >>> parts = residual.to_frame().assign(observed=residual + 20)
    >>> rt.plot_alarms(parts, rt.alarms(parts, window=16)).facts["episodes"][0]["side"]
    'above'
    """
    expected = (parts["observed"] - parts["residual"]).rename("expected")
    lines = {"observed": parts["observed"].rename("observed"), "expected": expected}
    figure, (axes,) = look.blank(height=4.2)
    charts.draw_average(axes, lines["observed"], {"expected": expected}, unit)
    for side, mark, color in (("above", "^", look.COLOURS[1]), ("below", "v", look.COLOURS[2])):
        ours = alarms[alarms["side"] == side]
        if len(ours):
            at, label = charts.places(ours.index), f"alarm {side} ({len(ours)})"
            axes.plot(at, ours["observed"], mark, color=color, markersize=8,
                      markeredgecolor="black", label=label, zorder=5)  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    told = [_episode(group) for _, group in alarms.groupby("episode")]
    facts = {"ticks": len(parts), "alarms": len(alarms), "episodes": told[:TOLD]}
    count = f"{len(told)} episode{'' if len(told) == 1 else 's'} of alarms"
    found = f"{count} in {len(parts):,} ticks"
    words = [found, *(_words(one) for one in told[:TOLD])]
    words += [f"and {len(told) - TOLD} more"] if len(told) > TOLD else []
    opening = "Line chart of the series and what was expected of it, with a mark for each alarm"
    return look.told(figure, facts, title or found, opening, "; ".join(words))


def _episode(alarms: pd.DataFrame) -> dict[str, Any]:
    most = alarms.iloc[int(alarms["score"].to_numpy().argmax())]
    return {
        "since": str(alarms["since"].iloc[0]),
        "side": str(most["side"]),
        "alarms": len(alarms),
        "kind": str(most["kind"]),
        "score": round(float(most["score"]), 2),
        "limit": float(most["limit"]),
    }


def _words(episode: dict[str, Any]) -> str:
    return (
        f"since {episode['since']} {episode['side']}, {episode['alarms']} "
        f"alarm{'' if episode['alarms'] == 1 else 's'}, largest score "
        f"{say(episode['score'])} (limit {say(episode['limit'])})"
    )
