"""Alarms: ticks and shifts that what came before does not explain, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rtlab.errors import ParameterError
from rtlab.pictures import say
from rtlab.spacing import instants
from rtlab.steps import State, register
from rtlab.ticks import SeriesStep, Values, check_count

GRAIN = 2.0**-20  # of a sigma: sums of whole grains are exact, so that no cut can change one
MOST = 2.0**20  # sigmas: sums of so many, over a window, stay whole
NOISE = 1e-9  # of a value: what is smaller is rounding
EFFICIENCY = 0.37  # of the median absolute deviation, of Gaussian noise

KINDS = ("outlier", "shift")
SIDES = ("above", "below")


@dataclass(frozen=True)
class Alarms(SeriesStep):
    """Find ticks that are far from what was expected, and shifts that last.

    Parameters
    ----------
    data : DataFrame, Series or array
        What a decomposition gives: of its columns ``observed`` and ``residual`` are used. A Series
        or an array is taken for residuals, of which 0 is expected.
    sigmas : float, default 4
        A residual of more robust standard deviations is an outlier.
    shift : float, default 6
        The limit of the sums (CUSUM) that find shifts, in sigmas.
    drift : float, default 1
        What the sums forgive at each tick, in sigmas: shifts of about twice this are found best.
    window : int, default 168
        Ticks, before the one that is judged, from which the scale is learnt.
    counts : bool, default False
        The numbers are counts, perhaps small ones: judge their square roots.
    quiet : int, default 12
        An alarm on the same side, at most so many ticks after the one before, belongs to the same
        episode.
    by, value : str, optional
        Of a long frame: the columns that name a series, and the column with its residuals, where
        it has no columns ``observed`` and ``residual``.

    Returns
    -------
    DataFrame
        One row for each alarm, with the label of its tick: ``kind`` ("outlier" or "shift"),
        ``side`` ("above" or "below"), ``observed``, ``expected`` and ``residual`` of this tick,
        ``scale`` (one sigma, in the unit of the data), ``score`` and its ``limit`` (in sigmas),
        ``since`` and ``ticks`` (when it began: a time, or the tick's number from 0 where labels
        are no times; and how many known ticks ago), ``episode``
        (numbered from 1 in each series) and ``reason``, in words. An array gives an array of all
        ticks and parts; where there is no alarm, they are NaN.

    Raises
    ------
    ParameterError
        If a parameter breaks its rule.

    Notes
    -----
    **Scale.** 1.4826 × the median of the absolute residuals [1]_ of the last ``window`` ticks,
    learnt anew at every eighth of a window. From few ticks it is uncertain, and is raised as
    Student's t is above the normal distribution, so that alarms stay as rare; there is none before
    a quarter of a window is known. Residuals beyond ``sigmas`` count as just that far. Where more
    than half of them are 0, the mean takes the place of the median; where all are, any change is
    an alarm. A residual below a billionth of the value observed is no change.

    **Shifts.** Two sums follow the residuals in sigmas, none counting more than ``sigmas``, less
    the ``drift``; they never fall below 0 [2]_. A sum beyond ``shift`` is an alarm that began when
    the sum last left 0; then it begins again. While a shift lasts there are thus more alarms, of
    one episode.

    **False alarms.** Of independent Gaussian residuals, 0.6 in 10,000 lie beyond 4 sigmas, and
    the sums give less than 0.1 [3]_.

    **Counts.** x becomes 2 √(x + 3/8), whose noise is about 1 for any Poisson count but the
    smallest [4]_, and is not taken for less.

    A missing tick is no alarm, and nothing is learnt from it.

    **What they find.** Of 20 simulated shops of twelve weeks, by whose seeds no limit was chosen:
    with ``sigmas=5, shift=10`` on the residuals of hourly revenue, 92 of 92 promotions, and 106 of
    107 episodes above what was expected were about one (recall 100 %, precision 99 %). With
    ``counts=True, window=28, sigmas=4.5, shift=7`` on daily counts less their median of the 14
    days before, of some 200 products each: all 20 launches and all 20 stock-outs, each within five
    days; 40 of 59 episodes were about these products (recall 100 %, precision 68 %).

    References
    ----------
    .. [1] F. R. Hampel, "The influence curve and its role in robust estimation", Journal of the
       American Statistical Association 69 (1974).
    .. [2] E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954).
    .. [3] D. Siegmund, *Sequential Analysis* (1985), chapter 2.
    .. [4] F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data",
       Biometrika 35 (1948).

    Examples
    --------
    >>> import pandas as pd
    >>> import rtlab as rt
    >>> parts = pd.DataFrame({"observed": [980, 1040] * 20 + [412], "residual": 0.0})
    >>> parts["residual"] = parts["observed"] - 1010
    >>> rt.alarms(parts, window=40).reason.tolist()
    ['412 where 1,010 ± 61.13 was expected: 9.8 robust sigmas below, limit 4']
    """

    sigmas: float = 4.0
    shift: float = 6.0
    drift: float = 1.0
    window: int = 168
    counts: bool = False
    quiet: int = 12

    timed: ClassVar[bool | str] = "perhaps"
    wants: ClassVar[tuple[str, ...]] = ("observed", "residual")
    adds: ClassVar[tuple[str, ...]] = ("reason",)
    parts: ClassVar[tuple[str, ...]] = (
        "kind", "side", "observed", "expected", "residual", "scale", "score", "limit", "since",
        "ticks", "episode",
    )  # fmt: skip
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"window": 16, "sigmas": 2.5, "shift": 2},
        {"window": 8, "counts": True, "sigmas": 2, "by": "product_id", "value": "revenue"},
    )

    def __post_init__(self) -> None:
        for name, least, remedy in (("sigmas", 0, 4), ("shift", 0, 6), ("drift", -1, 1)):
            number = getattr(self, name)
            good = isinstance(number, (int, float, np.number)) and not isinstance(number, bool)
            if not good or not least < number < MOST:
                rule = "greater than 0" if least == 0 else "at least 0"
                rule += f", and below {MOST:,.0f}" if good and number >= MOST else ""
                raise ParameterError(
                    f"{name}={number!r}: {name} is a number of sigmas {rule}; try {name}={remedy}"
                )
        check_count("window", self.window, 8, unit="ticks", remedy=168)
        check_count("quiet", self.quiet, 1, unit="tick", remedy=12)

    @property
    def _refresh(self) -> int:
        return self.window // 8

    @property
    def cycle(self) -> tuple[int, int]:  # type: ignore[override]
        """After how many ticks the scale is learnt anew."""
        return (0, self._refresh)

    def begin(self, width: int) -> State:
        return {
            "held": np.full((self.window, width), np.nan),  # absolute residuals, oldest first
            "scale": np.full(width, np.nan),
            "number": np.zeros(width),  # of ticks so far
            "sums": np.zeros((2, width)),  # in grains, above and below
            "since": np.full((2, width), np.nan),  # when each sum left 0
            "run": np.zeros((2, width)),  # known ticks since then
            "episode": np.zeros(width),
            "side": np.zeros(width),  # of the last alarm,
            "calm": np.full(width, np.inf),  # and how many ticks ago it was
        }

    @np.errstate(over="ignore", invalid="ignore")  # near the largest doubles
    def take(self, state: State, values: Values, times: Any) -> Values:
        observed, residual = (values[..., 0], values[..., 1]) if values.ndim == 3 else [values] * 2
        known = np.isfinite(residual) & np.isfinite(observed)
        observed, residual = (np.where(known, one, np.nan) for one in (observed, residual))
        if times is None:
            times = state["number"] + np.arange(len(values))[:, None]
        state["number"] = state["number"] + len(values)
        out, done = np.empty((*residual.shape, len(self.parts))), 0
        while done < len(out):
            at = (state["tick"] + done) % self._refresh
            if at == 0:
                state["scale"] = self._scale(state["held"])
            here = slice(done, done + self._refresh - at)
            out[here] = self._judge(state, observed[here], residual[here], times[here])
            done += self._refresh - at
        return out

    def _scale(self, held: Values) -> Values:
        """Give what one sigma is; NaN where too little is known."""
        count = (~np.isnan(held)).sum(axis=0)
        enough = count >= self.window // 4
        scale = np.full(held.shape[1], np.nan)
        some = held[:, enough]
        middle = 1.4826 * np.nanmedian(some, axis=0) if some.size else some[:0].sum(axis=0)
        if (flat := middle == 0).any():
            middle[flat] = 1.2533 * np.nanmean(some[:, flat], axis=0)
        z, v = self.sigmas, EFFICIENCY * count[enough]
        terms = (
            (z**2 + 1) / 4,
            (5 * z**4 + 16 * z**2 + 3) / 96,
            (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / 384,
        )
        scale[enough] = middle * (1 + sum(one / v**n for n, one in enumerate(terms, 1)))
        least: Values = np.maximum(scale, 1) if self.counts else scale
        return least

    def _judge(self, state: State, observed: Values, residual: Values, times: Any) -> Values:
        """Answer for some ticks of one scale."""
        expected, unit, noise = observed - residual, np.ones_like(residual), residual
        if self.counts:
            roots = (np.sqrt(np.maximum(one, 0) + 0.375) for one in (observed, expected))
            noise, unit = 2 * np.subtract(*roots), np.sqrt(np.maximum(expected, 0) + 0.375)
        least = NOISE * np.maximum(abs(observed), abs(expected)) / unit
        noise = np.where(abs(noise) > least, noise, noise * 0)
        score = noise / np.maximum(state["scale"], np.where(least > 0, least, 1))
        kept, most = abs(noise), self.sigmas * state["scale"]
        kept = np.where(kept > most, np.where(most > 0, most, kept), kept)
        state["held"] = np.concatenate([state["held"], kept])[len(kept) :]
        sums, since, run = self._follow(state, score, times)
        shifted, size = sums > 0, abs(score)
        alarm = shifted | (size > self.sigmas)
        answers = np.stack([
            shifted, score < 0, observed, expected, residual, state["scale"] * unit,
            np.where(shifted, sums, size), np.where(shifted, self.shift, self.sigmas),
            np.where(shifted, since, times), np.where(shifted, run, 1),
            self._episodes(state, alarm, score < 0),
        ], axis=-1)  # fmt: skip
        answers[~alarm] = np.nan
        return answers

    def _follow(self, state: State, score: Values, times: Any) -> tuple[Values, Values, Values]:
        """Move the sums along; give those beyond the limit, else 0, and when they began."""
        most = np.rint(self.sigmas / GRAIN)
        grains = np.clip(np.rint(np.where(np.isnan(score), 0, score) / GRAIN), -most, most)
        known = np.tile(~np.isnan(score), 2)
        moves = np.concatenate([grains, -grains], axis=1) - np.rint(self.drift / GRAIN)
        moves[~known] = 0
        held = {name: state[name].ravel() for name in ("sums", "since", "run")}
        rising, peaks, sums = moves > 0, np.zeros_like(moves), np.empty_like(moves)
        columns = np.arange(moves.shape[1])
        while len(columns):  # a round for each alarm in the series with most of them
            total = moves[:, columns].cumsum(axis=0) + held["sums"][columns]
            sums[:, columns] = total - np.minimum(np.minimum.accumulate(total, axis=0), 0)
            over = sums[:, columns] * GRAIN > self.shift
            columns, first = columns[over.any(axis=0)], over.argmax(axis=0)[over.any(axis=0)]
            peaks[first, columns] = sums[first, columns] * GRAIN
            before = np.where(first > 0, sums[first - 1, columns], held["sums"][columns])
            moves[first, columns] = -before  # and it begins again
        ticks, times = np.arange(len(score))[:, None], np.broadcast_to(times, score.shape)
        before = np.concatenate([held["sums"][None], sums[:-1]])
        left = np.maximum.accumulate(np.where(rising & (before == 0), ticks, -1), axis=0)
        count = known.cumsum(axis=0)
        until = np.take_along_axis(count, np.maximum(left, 0), axis=0) - 1
        run = np.where(left < 0, held["run"] + count, count - until)
        since = np.take_along_axis(np.tile(times, 2), np.maximum(left, 0), axis=0)
        since = np.where(left < 0, held["since"], since)
        for name, rows in (("sums", sums), ("since", since), ("run", run)):
            state[name] = rows[-1].reshape(2, -1).copy()
        side = np.where(score < 0, score.shape[1], 0) + np.arange(score.shape[1])
        peaks, since, run = (np.take_along_axis(one, side, 1) for one in (peaks, since, run))
        return peaks, since, run

    def _episodes(self, state: State, alarm: Any, below: Any) -> Values:
        """Give the number of the episode at each tick."""
        ticks, side = np.arange(len(alarm))[:, None], np.where(below, -1.0, 1.0)
        last = np.maximum.accumulate(np.where(alarm, ticks, -1), axis=0)
        before = np.concatenate([np.full((1, alarm.shape[1]), -1), last[:-1]])
        gap = np.where(before < 0, state["calm"] + ticks + 1, ticks - before)
        past = np.take_along_axis(side, np.maximum(before, 0), axis=0)
        past = np.where(before < 0, state["side"], past)
        new = alarm & ((gap > self.quiet) | (past != side))
        numbers: Values = state["episode"] + new.cumsum(axis=0)
        some = last[-1] >= 0
        state["calm"] = np.where(some, len(alarm) - 1 - last[-1], state["calm"] + len(alarm))
        newest = np.take_along_axis(side, np.maximum(last[-1:], 0), axis=0)[0]
        state["side"] = np.where(some, newest, state["side"])
        state["episode"] = numbers[-1]
        return numbers

    def chosen(self, answers: Values) -> Any:
        return np.isfinite(answers[..., 0])

    def dress(self, frame: Any) -> Any:
        """Write kinds, sides, times and reasons in words."""
        if not isinstance(frame, pd.DataFrame):
            return frame
        since = instants(frame["since"].to_numpy(np.int64), frame.index)
        told = {
            "kind": [KINDS[int(code)] for code in frame["kind"]],
            "side": [SIDES[int(code)] for code in frame["side"]],
        }
        whole = frame[["ticks", "episode"]].astype(np.int64)
        frame = frame.assign(**_text(told, frame), since=since, **whole)
        return frame.assign(**_text({"reason": map(reason, frame.itertuples())}, frame))


def _text(columns: Mapping[str, Iterable[str]], frame: pd.DataFrame) -> dict[str, Any]:
    """Make columns of text, of the type of text also where there are no rows."""
    return {name: pd.Series([*words], frame.index, "str") for name, words in columns.items()}


def reason(
    alarm: Any,
    unit: str = "",
    ticks: tuple[str, str] = ("tick", "ticks"),
    when: Callable[[Any], str] = str,
) -> str:
    """Say in numbers why there is an alarm.

    Parameters
    ----------
    alarm : named tuple
        A row of the answer.
    unit : str, optional
        Of the values.
    ticks : (str, str), optional
        What one tick is called, and several.
    when : callable, optional
        Writes a time.
    """
    observed, expected, scale = (
        say(one, unit) for one in (alarm.observed, alarm.expected, alarm.scale)
    )
    found = f"{observed} where {expected} ± {scale} was expected"
    if alarm.kind == "outlier":
        return f"{found}: {alarm.score:.1f} robust sigmas {alarm.side}, limit {alarm.limit:g}"
    return (
        f"{alarm.side} for {alarm.ticks} {ticks[alarm.ticks != 1]}, since {when(alarm.since)}: "
        f"what lies {alarm.side} adds up to {alarm.score:.1f} sigmas, limit {alarm.limit:g}; "
        f"now {found}"
    )


alarms = register("alarms")(Alarms)
