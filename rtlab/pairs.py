"""Sums over pairs of ticks some lags apart: in a trailing window, or forgotten bit by bit.

Arrays have ticks first, then lags, then channels, and series last. A series has one channel, its
ticks about a pivot; or a second one that is 1 where a tick is known, so that missing ticks can be
left out. Nothing that has left the window is ever subtracted, so a huge value leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rtlab.steps import State
from rtlab.ticks import Values

__all__ = ["LARGEST", "Fading", "Trailing"]

LARGEST = 1e150
"""Ticks further from 0 count as missing: their squares would leave the range of a double."""

_BLOCK = 32  # ticks whose products are added up at once
_OFF = 16.0  # a mean at this many variances from the pivot, squared, costs digits
_FAINT = 1e-100  # weights that are smaller have lost digits
_ROOM = 2**17  # products held at once; they should stay in the cache
_CHANNELS: dict[
    bool, Any
] = {  # of the later and of the earlier tick of a pair, whose products are added up
    False: (slice(None), slice(None)),  # values
    True: ([0, 0, 1, 1], [0, 1, 0, 1]),  # values, value and known, known and value, both known
}


def _views(rows: Values, count: int, lags: int, *, step: int = 1, back: bool = False) -> Values:
    """Look from each of ``count`` rows at the ``lags`` rows after it, or at those before it."""
    rows = np.ascontiguousarray(rows)
    down, *rest = rows.strides
    begin, across = (lags * down, -down) if back else (0, down)
    shape = (count, lags + 1, *rows.shape[1:])
    return np.ndarray(shape, rows.dtype, rows, begin, (down * step, across, *rest))


def _sums(one: Values, rows: Values, weights: Values | None = None, *, back: bool) -> Values:
    """Add up products of ticks with their neighbours, once for each row of weights."""
    count, lags = len(one), len(rows) - len(one)
    if weights is None and one.size == count:  # one series
        sums = np.correlate(rows.ravel(), one.ravel())
        return (sums[::-1] if back else sums)[None, :, None, None]
    others = _views(rows, count, lags, back=back)
    if weights is None or len(weights) == 1:
        one = one if weights is None else one * weights[0][:, None, None]
        return np.asarray(np.einsum("icw,ikcw->kcw", one, others))[None]
    products = (one[:, None] * others).reshape(count, -1)
    return np.asarray(weights @ products).reshape(-1, *others.shape[1:])


@lru_cache(64)
def _upto(ticks: int, marks: range) -> Values | None:
    """Weigh by 1 the ticks up to each mark, and up to the last; None for that alone."""
    ends = np.array(marks if ticks - 1 in marks else [*marks, ticks - 1])[:, None]
    return None if len(ends) == 1 else (np.arange(ticks) <= ends).astype(np.float64)


@lru_cache(64)
def _since(ticks: int, marks: range) -> Values | None:
    """Weigh by 1 the ticks from each mark on; None where that is all of them, once."""
    begins = np.array(marks)[:, None] - marks[0]
    return None if len(marks) == 1 else (np.arange(ticks) >= begins).astype(np.float64)


def _known(values: Values) -> tuple[Values, bool]:
    """Put NaN where a tick is missing, infinite or too large; tell whether there is none."""
    fits = np.abs(values) <= LARGEST
    whole = np.count_nonzero(fits) == fits.size
    return values if whole else np.where(fits, values, np.nan), whole


def _about(rows: Values, pivot: Values, channels: int, *, whole: bool = False) -> Values:
    """Give ticks about the pivot, 0 where they are missing, and which of them are known."""
    level = rows - pivot
    if whole and channels == 1:
        return level[:, None]
    missing = np.isnan(level)
    level[missing] = 0.0
    return np.stack([level, ~missing], axis=1) if channels == 2 else level[:, None]


def _covariances(pairs: Values) -> tuple[Values, Values, Values]:
    """Move sums over known pairs from the pivot to the mean; give it and the known ticks too."""
    count, total = pairs[:, 0, 3], pairs[:, 0, 1]
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    shift, both = mean[:, None], pairs[:, :, 1] + pairs[:, :, 2]
    return pairs[:, :, 0] - shift * (both - shift * pairs[:, :, 3]), mean, count


def _ratios(covariances: Values, valid: Any) -> Values:
    variance = covariances[:, 0]
    return covariances / np.where(valid & (variance > 0), variance, np.nan)[:, None]


def _apart(state: State, names: Any, width: int, held: int) -> Iterator[tuple[slice, State]]:
    """Give a few series after the other: their places, and their state to be changed in place."""
    room = max(_ROOM // max(held, 1), 1)
    for first in range(0, width, room):
        here = slice(first, first + room)
        whole = width <= room
        yield here, state if whole else {name: state[name][..., here] for name in names}


class _Place(NamedTuple):
    """Ticks of one block: after so many since the anchor, how many, and which are answered."""

    at: int
    ticks: int
    marks: range


@dataclass(frozen=True)
class Trailing:
    """Correlations in the window that ends at every so-many-th tick.

    Time is cut at *anchors*, ``period`` ticks apart and at fixed tick numbers. A pair of ticks
    is either from before the anchor, and then in ``old``: sums over those that are still in the
    window when ``0, block, 2 block, …`` ticks came after the anchor. Or its later tick is after
    the anchor: it is in ``new``, and stays in the window until the next anchor, since that comes
    no later than ``window - lags`` ticks after this one.

    A pivot holds until the mean is 4 standard deviations away from it, and then becomes the
    window's median. That is at most 1 standard deviation from the mean, so that by Cantelli's
    inequality 44 % of the window must be replaced before the next: the cost is bounded.
    """

    window: int
    lags: int
    every: int
    masked: bool

    names: ClassVar = ("raw", "about", "running", "pivot", "old", "new", "since")

    @cached_property
    def block(self) -> int:
        most = min(_BLOCK, self.window - self.lags)
        return self.every * max(most // self.every, 1)

    @cached_property
    def period(self) -> int:
        return self.block * max((self.window - self.lags) // self.block, 1)

    @cached_property
    def _alone(self) -> bool:
        """Whether answers are so far apart that each has an anchor of its own."""
        return self.every > self.window - self.lags

    @cached_property
    def _counts(self) -> Values:
        return np.arange(max(self.lags, self.block) + 1.0)[:, None]

    def begin(self, width: int) -> State:
        ticks, pairs = self.window + self.period, 4 if self.masked else 1
        blocks = 0 if self._alone else self.period // self.block
        return {
            "raw": np.full((ticks, width), np.nan),
            "about": np.zeros((ticks, 2 if self.masked else 1, width)),
            "running": np.zeros((ticks + 1, width)),
            "pivot": np.zeros(width),
            "old": np.zeros((blocks + 1, self.lags + 1, pairs, width)),
            "new": np.zeros((self.lags + 1, pairs, width)),
            "since": np.zeros(width),
        }

    def take(self, state: State, values: Values) -> tuple[Values, Values]:
        """Give correlations (answers, lags, series), and how many known ticks each is about."""
        tick, (ticks, width) = state["tick"], values.shape
        (values, whole), first = _known(values), -(tick + 1) % self.every
        answers = len(range(first, ticks, self.every))
        found = np.empty((answers, self.lags + 1, width))
        sizes = np.empty((answers, width)) if self.masked else found[:, 0]
        most = min(self.block, ticks)
        held = most * (self.lags + 1) if most > self.every else self.lags + 1
        for here, part in _apart(state, self.names, width, held):
            done = filled = 0
            while done < ticks:
                at = (tick + done) % self.period
                rows = values[done : done + self.block - at % self.block, here]
                marks = range((first - done) % self.every, len(rows), self.every)
                into = slice(filled, filled + len(marks))
                valid = self._append(part, rows, at, marks, whole=whole)
                done, filled = done + len(rows), into.stop
                place, full = _Place(at, len(rows), marks), at + len(rows) == self.period
                if full and self._alone:
                    self._anchor(part)
                    place = _Place(0, 0, range(-1, 0))
                if not self._alone or full:
                    gives = found[into, :, here], sizes[into, here]
                    self._answer(part, place, valid, *gives)
                if full and not self._alone:
                    self._anchor(part)
        return found, sizes if self.masked else np.full_like(sizes, self.window)

    def _append(self, part: State, rows: Values, at: int, marks: range, *, whole: bool) -> Any:
        """Take ticks of one block; tell at which marks there is an answer."""
        begin, since = self.window + at, part["since"]
        part["raw"][begin : begin + len(rows)] = rows
        self._centre(part, begin, begin + len(rows), whole=whole)
        ages = since + self._counts[1 : len(rows) + 1]
        if not (self.masked or whole):
            ages -= np.maximum.accumulate(np.where(np.isnan(rows), ages, 0.0))
        np.minimum(ages[-1], self.window, out=since)
        return ages[marks.start :: self.every] >= self.window

    def _answer(
        self, part: State, place: _Place, valid: Any, found: Values, sizes: Values
    ) -> None:
        """Answer at marks; where the pivot is too far off, once more with a new one from there."""
        pairs, count = self._pairs(part, place), len(place.marks)
        if count == 0:
            return
        begin = place.at + 1 + place.marks[0]
        covariances, mean, size = self._closed(part, pairs, begin)
        variance = covariances[:, 0]
        spread, off = _OFF * variance, size * mean * mean
        if self.masked:
            sizes[:] = size
        if np.count_nonzero(valid & (spread > off)) == valid.size:
            np.divide(covariances, variance[:, None], out=found)
            return
        found[:] = _ratios(covariances, valid)
        off = valid & (spread < off)
        where = np.flatnonzero(off.any(axis=0))
        if len(where) == 0:
            return
        own = {name: part[name][..., where] for name in self.names}
        first = off[:, where].argmax(axis=0)
        for one, mark in enumerate(begin + self.every * first):
            raw = own["raw"][mark : mark + self.window, one]
            own["pivot"][one] = np.median(raw[~np.isnan(raw)])
        at = self.window + place.at
        self._rebuild(own, at + place.ticks, at)
        later = valid[:, where] & (np.arange(count)[:, None] >= first)
        better = found[..., where]
        self._answer(own, place, later, better, sizes[..., where])
        found[..., where] = np.where(later[:, None], better, found[..., where])
        for name, array in own.items():
            part[name][..., where] = array

    def _pairs(self, part: State, place: _Place) -> Values:
        """Give sums over the pairs of the window at each mark; move ``new`` on."""
        (at, ticks, marks), about, new = place, part["about"], part["new"]
        old: Values = part["old"][-(-(at + ticks) // self.block)]
        if ticks == 0:
            return old[None]
        later, earlier = _CHANNELS[self.masked]
        rows = about[self.window + at - self.lags : self.window + at + ticks]
        sums = _sums(rows[self.lags :, later], rows[:, earlier], _upto(ticks, marks), back=True)
        sums += new
        new[:] = sums[-1]
        if len(marks) == 0:
            return sums
        pairs = sums[: len(marks)]
        pairs += old
        begin = at + 1 + marks[0]
        left = -begin % self.block  # ticks of this block that are in the first window
        if left:
            rows = about[begin : begin + left + self.lags]
            weights = _since(left, marks)
            pairs += _sums(rows[:left, earlier], rows[:, later], weights, back=False)
        return pairs

    def _closed(self, part: State, pairs: Values, begin: int) -> tuple[Values, Values, Any]:
        """Move sums of products from the pivot to the mean of the windows from ``begin`` on.

        ``running`` counts from the anchor, both ways, so that its differences are sums over ticks
        of the window only: all of it, and its first and last ``lag`` ticks.
        """
        if self.masked:
            return _covariances(pairs)
        running, end, lags, count = part["running"], begin + self.window, self.lags, len(pairs)
        reach = self.every * (count - 1) + 1
        first, last = running[begin : begin + reach + lags], running[end - lags : end + reach]
        mean = (last[lags :: self.every] - first[: reach : self.every]) / self.window
        shift = mean[:, None]
        if count == 1:
            moved = (first - last[::-1])[None]
            shift = shift.item() if shift.size == 1 else shift
        else:
            moved = _views(first, count, lags, step=self.every)
            moved = moved - _views(last, count, lags, step=self.every, back=True)
        moved -= self._counts[: lags + 1] * shift
        moved *= shift
        moved += pairs[:, :, 0]
        return moved, mean, float(self.window)

    def _centre(self, part: State, begin: int, end: int, *, whole: bool = False) -> None:
        """Work out what follows from raw ticks and the pivot, from ``begin`` to ``end``."""
        channels, running = part["about"].shape[1], part["running"][begin : end + 1]
        about = _about(part["raw"][begin:end], part["pivot"], channels, whole=whole)
        part["about"][begin:end] = about
        running[1:] = about[:, 0]
        np.add.accumulate(running, out=running)

    def _anchor(self, part: State) -> None:
        part["raw"][: self.window] = part["raw"][self.period :].copy()
        self._rebuild(part, self.window, self.window)

    def _rebuild(self, part: State, end: int, summed: int) -> None:
        """Work out all that follows from raw ticks; those before ``summed`` are in the sums."""
        window, lags, old, running = self.window, self.lags, part["old"], part["running"]
        later, earlier = _CHANNELS[self.masked]
        about = _about(part["raw"][:window], part["pivot"], part["about"].shape[1])
        part["about"][:window] = about
        running[:window] = -about[::-1, 0].cumsum(axis=0)[::-1]
        running[window] = 0.0
        self._centre(part, window, end)
        beyond = np.concatenate([about, np.zeros((lags, *about.shape[1:]))])
        one, others, stop = about[:, earlier], beyond[:, later], window
        old[-1], above = 0.0, old[-1]
        for place in reversed(range(len(old))):
            begin = place * self.block
            sums = _sums(one[begin:stop], others[begin : stop + lags], back=False)[0]
            np.add(sums, above, out=old[place])
            above, stop = old[place], begin
        part["new"][:] = 0.0
        if summed > window:
            rows = part["about"][window - lags : summed]
            part["new"][:] = _sums(rows[lags:, later], rows[:, earlier], back=True)[0]


@dataclass(frozen=True)
class Fading:
    """Correlations in which a tick of age ``a`` weighs ``0.5 ** (a / halflife)``.

    A pair weighs the geometric mean of its two ticks. Sums fade by the same factor from tick to
    tick, so that only as many ticks as there are lags are remembered. The pivot moves to the mean
    at fixed tick numbers, before the mean can get far away.
    """

    halflife: float
    lags: int
    every: int

    names: ClassVar = ("raw", "pivot", "pairs", "squares", "since")

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
            "since": np.zeros(width),
        }

    def take(self, state: State, values: Values) -> tuple[Values, Values]:
        """Give correlations (answers, lags, series), and how many equal ticks tell as much."""
        tick, (ticks, width) = state["tick"], values.shape
        values, first = _known(values)[0], -(tick + 1) % self.every
        answers = len(range(first, ticks, self.every))
        found = np.empty((answers, self.lags + 1, width))
        sizes = np.empty((answers, width))
        held = 4 * min(self.block, ticks) * (self.lags + 1)
        for here, part in _apart(state, self.names, width, held):
            done = filled = 0
            while done < ticks:
                stop = done + self.block - (tick + done) % self.block
                rows = values[done:stop, here]
                marks = np.arange((first - done) % self.every, len(rows), self.every)
                into = slice(filled, filled + len(marks))
                found[into, :, here], sizes[into, here] = self._piece(part, rows, marks)
                done, filled = done + len(rows), into.stop
                if done == stop:
                    self._shift(part)
        return found, sizes

    def _piece(self, part: State, rows: Values, marks: Any) -> tuple[Values, Values]:
        """Take ticks up to the end of the block at most; answer at marks."""
        ticks, lags, pivot = len(rows), self.lags, part["pivot"]
        if np.isnan(pivot).any():  # it begins as the first known tick
            first = (~np.isnan(rows)).argmax(axis=0)[None]
            own = np.take_along_axis(rows, first, axis=0)[0]
            pivot[:] = np.where(np.isnan(pivot), own, pivot)
        raw = np.concatenate([part["raw"], rows])
        about = _about(raw, pivot, 2)
        later, earlier = _CHANNELS[True]
        ends = np.append(marks, ticks - 1)[:, None]
        ages = ends - np.arange(ticks)
        weights = np.where(ages >= 0, self._fade(np.maximum(ages, 0)), 0.0)
        pairs = _sums(about[lags:, later], about[:, earlier], weights, back=True)
        fade = self._fade(ends + 1)
        pairs += fade[:, :, None, None] * part["pairs"]
        squares = weights**2 @ about[lags:, 1] + fade**2 * part["squares"]
        since = np.minimum(part["since"] + ends + 1, lags + 1)
        part["raw"][:], part["pairs"][:] = raw[ticks:], pairs[-1]
        part["squares"][:], part["since"][:] = squares[-1], since[-1]
        covariances, _, count = _covariances(pairs[:-1])
        covariances *= self._fade(np.arange(lags + 1)[:, None] / 2)
        sizes = count**2 / np.where(squares > 0, squares, np.nan)[:-1]
        return _ratios(covariances, (since[:-1] > lags) & (count > _FAINT)), sizes

    def _fade(self, ages: Any) -> Values:
        return np.asarray(0.5 ** (ages / self.halflife))

    def _shift(self, part: State) -> None:
        """Move the pivot to the weighted mean."""
        pairs = part["pairs"]
        pivot = part["pivot"] + _covariances(pairs[None])[1][0]
        mean = np.nan_to_num(pivot - part["pivot"])  # as it is rounded; 0 where there is none
        pairs[:, 0] -= mean * (pairs[:, 1] + pairs[:, 2] - mean * pairs[:, 3])
        pairs[:, 1:3] -= (mean * pairs[:, 3])[:, None]
        part["pivot"][:] = pivot
