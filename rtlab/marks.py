"""Charts of what was judged while it ran, alarms on their series; and of what comes next."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rtlab import charts
from rtlab import pictures as look
from rtlab.forecasts import Outlook
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


@look.house_style()
def plot_forecast(
    outlook: Outlook, *, history: int | None = None, title: str | None = None, unit: str = ""
) -> Picture:
    """Draw the end of a series, the forecast of what follows, and its interval.

    Parameters
    ----------
    outlook : Outlook
        What :func:`rtlab.forecast` found.
    history : int, optional
        Ticks of the series that are shown; by default four times as many as are forecast.
    title, unit : str, optional
        As in :func:`plot_series`.

    Returns
    -------
    Picture
        Its facts hold the lowest and the highest of what was and of what is forecast, the mean
        width of the interval, and the score of earlier forecasts.

    Examples
    --------
    >>> import rtlab as rt
    >>> week = pd.Series([3, 2, 1, -1, -1, -2, -2] * 6) + 10
    >>> rt.plot_forecast(rt.forecast(week, horizon=7, period=7)).facts["forecast"]["highest"]
    13.0
    """
    table = outlook.table
    recent = outlook.observed.iloc[-(history or 4 * len(table)) :].rename("observed")
    figure, (axes,) = look.blank(height=4.2)
    ends = table[["lower", "upper"]].to_numpy(dtype=float)
    axes.fill_between(
        charts.places(table.index), *ends.T, color=look.COLOURS[1], alpha=0.25, linewidth=0,
        label=f"{outlook.level:.0%} interval",
    )  # fmt: skip
    facts: dict[str, Any] = dict(
        charts.draw_series(axes, {"observed": recent, "forecast": table["mean"].round(9)}, unit)[0]
    )
    facts |= {
        "interval": round(float((table["upper"] - table["lower"]).mean()), 2),
        "coverage": round(outlook.coverage, 3),
        "mase": round(outlook.mase, 3),
    }
    words = f"{outlook!r}"
    if pd.notna(facts["interval"]):
        words += f"; the interval is {say(facts['interval'], unit)} wide on average"
    first, last = table.index[0], table.index[-1]
    found = f"The next {len(table)} ticks, {first} to {last}"
    opening = "Line chart of the series, its forecast and the band of its interval"
    return look.told(figure, facts, title or found, opening, words)


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
