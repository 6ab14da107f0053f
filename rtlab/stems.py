"""Correlograms: correlations by lag as stems, with the band of noise; several side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rtlab import pictures as look
from rtlab.errors import DataError
from rtlab.pictures import Picture, quoted, say, short


@look.house_style()
def plot_correlogram(c: Any, *, title: str | None = None) -> Picture:
    """Draw autocorrelations by lag as stems, with the band that noise would keep to.

    Parameters
    ----------
    c : correlogram, or dict of str to correlogram
        What :func:`acf` and :func:`pacf` give; of several, as in ``{"raw": ..., "noise": ...}``,
        each has a panel. Lag 0, which is always 1, is left out.
    title : str, optional
        By default at how many lags chance does not explain the value, and the strongest.

    Returns
    -------
    Picture
        Of several, the facts are by name.

    Raises
    ------
    DataError
        If there is no value to draw.

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> plot_correlogram(rt.acf(pd.Series([1, 4, 2, 5, 3, 6]), lags=2)).facts["strongest_lag"]
    2
    """
    named = c if (several := isinstance(c, dict)) else {"": c}
    for one in named.values():
        if not hasattr(one, "ljung_box"):
            raise DataError(
                f"a correlogram of a {type(one).__name__}: draw what rt.acf(series, lags=48) "
                "gives, or a dict of name to such"
            )
    figure, panels = look.blank(len(named), 2 + 1.6 * len(named), sharex=True, sharey=True)
    facts = {}
    for axes, (name, one) in zip(panels, named.items(), strict=True):
        facts[name] = _stems(axes, one)
        what = str(one.kind).upper()
        axes.set_ylabel(f"{what} of {short(name)}" if several else what)
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    last = max(fact["lags"] for fact in facts.values())
    step = next((step for step in (1, 2, 6, 12, 24, 168) if last <= 15 * step), None)
    if step:  # days and weeks, where lags are hours
        panels[-1].set_xticks(range(0, last + 1, step))
    panels[-1].set_xlabel("lag (ticks)")
    kinds = {"acf": "autocorrelation", "pacf": "partial autocorrelation"}
    kind = " and ".join({kinds.get(one.kind, str(one.kind)): 0 for one in named.values()})
    said = "; ".join(
        _outside(fact, quoted(name) or look.upper(kind)) for name, fact in facts.items()
    )
    counts = ", ".join(f"{fact['outside']} in {quoted(name)}" for name, fact in facts.items())
    found = f"Lags outside what chance would give: {counts}" if several else said
    noise = "; ".join(
        f"Ljung–Box p-value {f'of {quoted(name)} ' * several}"
        f"{say(fact['ljung_box_p']) if fact['ljung_box_p'] else 'below 0.0001'}"
        for name, fact in facts.items()
    )
    chance = say(max(fact["by_chance"] for fact in facts.values()))
    words = f"{said}; of pure noise, about {chance} lags would lie there; {noise}"
    size = f"{len(named)} series" if several else f"{facts['']['n']:,} values"
    opening = f"Stem chart of the {kind} of {size}"
    return look.told(figure, facts if several else facts[""], title or found, opening, words)


def _outside(fact: Mapping[str, Any], name: str) -> str:
    return (
        f"{name} lies outside what chance would give at {fact['outside']} of "
        f"{fact['lags']} lags; it is strongest at lag {fact['strongest_lag']} "
        f"({say(fact['strongest'])})"
    )


def _stems(axes: Any, c: Any) -> dict[str, Any]:
    """Draw a correlogram, and give its facts."""
    values = c.values
    shown = np.asarray(values.index != 0)
    y, lags = values.to_numpy(float)[shown], values.index.to_numpy()[shown]
    if not np.isfinite(y).any():
        raise DataError("a correlogram without values: nothing to draw; ask for at least 1 lag")
    bands = (np.broadcast_to(np.asarray(end, float), shown.shape) for end in (c.lower, c.upper))
    low, high = (band[shown] for band in bands)
    outside, top, share = (y < low) | (y > high), int(np.nanargmax(abs(y))), f"{1 - c.alpha:.0%}"
    axes.fill_between(lags, low, high, color="#DCE3EA", linewidth=0, label=f"by chance ({share})")
    axes.axhline(0, color=look.INK, linewidth=0.8)
    for some, colour, mark in ((~outside, look.GREY, "o"), (outside, look.COLOURS[1], "D")):
        axes.vlines(lags[some], 0, y[some], color=colour, linewidth=1.2)
        name, size = "outside" if some is outside else "inside", 4.5 if len(y) <= 60 else 3
        axes.plot(lags[some], y[some], mark, color=colour, label=name, markersize=size)
    return {
        "kind": c.kind, "n": c.n, "lags": len(y), "outside": int(outside.sum()),
        "by_chance": c.alpha * len(y), "strongest_lag": lags[top], "strongest": y[top],
        "ljung_box_p": round(float(c.ljung_box["p_value"].iloc[-1]), 4),
    }  # fmt: skip
