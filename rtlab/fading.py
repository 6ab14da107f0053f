"""Sums over pairs of ticks some lags apart, in which the past is forgotten bit by bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rtlab.pairs import CHANNELS, Kernel, Place, add_up, centre, ratios, to_mean, waited
from rtlab.steps import State
from rtlab.ticks import Values

_BLOCK = 32  # ticks whose products are added up at once, at most
_FAINT = 1e-100  # weights that are smaller have lost digits


@dataclass(frozen=True)
class Fading(Kernel):
    """Correlations in which a tick of age ``a`` weighs ``0.5 ** (a / halflife)``.

    A pair weighs the geometric mean of its two ticks. Sums fade by the same factor from tick to
    tick, so that only as many ticks as there are lags are remembered. The pivot moves to the mean
    at fixed tick numbers, before the mean can get far away.
    """

    halflife: float

    @cached_property
    def block(self) -> int:
        return max(min(_BLOCK, int(4 * self.halflife)), 1)

    @cached_property
    def period(self) -> int:
        return math.lcm(self.block, self.every)

    def begin(self, width: int) -> State:
        return {
            "raw": np.full((self.lags, width), np.nan),
            "pivot": np.full(width, np.nan),
            "pairs": np.zeros((self.lags + 1, 4, width)),
            "squares": np.zeros(width),
            "wait": np.full(width, self.lags + 1.0),
        }

    def _piece(
        self, part: State, rows: Values, place: Place, found: Values, sizes: Values
    ) -> None:
        ticks, lags, pivot = len(rows), self.lags, part["pivot"]
        if np.isnan(pivot).any():  # it begins as the first known tick
            first = (~np.isnan(rows)).argmax(axis=0)[None]
            own = np.take_along_axis(rows, first, axis=0)[0]
            pivot[:] = np.where(np.isnan(pivot), own, pivot)
        raw = np.concatenate([part["raw"], rows])
        about = np.empty((len(raw), 2, raw.shape[1]))
        centre(raw, pivot, about)
        later, earlier = CHANNELS[True]
        ends = np.array([*place.marks, ticks - 1])[:, None]
        ages = ends - np.arange(ticks)
        weights = np.where(ages >= 0, self._fade(np.maximum(ages, 0)), 0.0)
        pairs = add_up(about[lags:, later], about[:, earlier], weights, back=True)
        fade = self._fade(ends + 1)
        pairs += fade[:, :, None, None] * part["pairs"]
        squares = weights**2 @ about[lags:, 1] + fade**2 * part["squares"]
        part["raw"][:], part["pairs"][:] = raw[ticks:], pairs[-1]
        part["squares"][:] = squares[-1]
        covariances, _, count = to_mean(pairs[:-1])
        covariances *= self._fade(self.lag / 2)
        due = waited(part["wait"], place, 0) & (count > _FAINT)
        found[:] = ratios(covariances, due)
        sizes[:] = count**2 / np.where(squares > 0, squares, np.nan)[:-1]
        if (place.at + ticks) % self.block == 0:
            self._shift(part)

    def _fade(self, ages: Any) -> Values:
        return np.asarray(0.5 ** (ages / self.halflife))

    def _shift(self, part: State) -> None:
        """Move the pivot to the weighted mean."""
        pairs = part["pairs"]
        pivot = part["pivot"] + to_mean(pairs[None])[1][0]
        mean = np.nan_to_num(pivot - part["pivot"])  # as it is rounded; 0 where there is none
        pairs[:, 0] -= mean * (pairs[:, 1] + pairs[:, 2] - mean * pairs[:, 3])
        pairs[:, 1:3] -= (mean * pairs[:, 3])[:, None]
        part["pivot"][:] = pivot
