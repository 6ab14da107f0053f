"""Sums over pairs of ticks some lags apart, in a trailing window.

Arrays have ticks first, then lags, then channels, and series last. A series has one channel, its
ticks about a pivot; or a second one that is 1 where a tick is known, so that missing ticks can be
left out. Nothing that has left the window is ever subtracted, so a huge value leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rtlab.steps import State
from rtlab.ticks import Values

LARGEST = 1e150
"""Ticks further from 0 count as missing: their squares would leave the range of a double."""

_BLOCK = 32  # ticks whose products are added up at once
_OFF = 16.0  # a mean at this many variances from the pivot, squared, costs digits
_ROOM = 2**17  # products held at once; they should stay in the cache
# Of the later and of the earlier tick of a pair, whose products are added up: values; or, with
# missing ticks left out, values, value and known, known and value, both known.
CHANNELS: dict[bool, Any] = {
    False: (slice(None), slice(None)),
    True: ([0, 0, 1, 1], [0, 1, 0, 1]),
}


def _views(rows: Values, count: int, lags: int, *, step: int = 1, back: bool = False) -> Values:
    """Look from each of ``count`` rows at the ``lags`` rows after it, or at those before it."""
    rows = np.ascontiguousarray(rows)
    down, *rest = rows.strides
    begin, across = (lags * down, -down) if back else (0, down)
    shape = (count, lags + 1, *rows.shape[1:])
    return np.ndarray(shape, rows.dtype, rows, begin, (down * step, across, *rest))


def add_up(one: Values, rows: Values, weights: Values | None = None, *, back: bool) -> Values:
    """Add up products of ticks with their neighbours, once for each row of weights."""
    count, lags = len(one), len(rows) - len(one)
    if weights is None and one.size == count:  # one series
        sums = np.correlate(rows.ravel(), one.ravel())
        return (sums[::-1] if back else sums)[None, :, None, None]
    others = _views(rows, count, lags, back=back)
    if weights is None:
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


def centre(rows: Values, pivot: Values, about: Values, *, whole: bool = False) -> None:
    """Put ticks about the pivot, 0 where they are missing, and beside them which are known."""
    np.subtract(rows, pivot, out=about[:, 0])
    if whole and about.shape[1] == 1:
        return
    missing = np.isnan(about[:, 0])
    about[:, 0][missing] = 0.0
    if about.shape[1] == 2:
        about[:, 1] = ~missing


def to_mean(pairs: Values) -> tuple[Values, Values, Values]:
    """Move sums over known pairs from the pivot to the mean; give it and the known ticks too."""
    count, total = pairs[:, 0, 3], pairs[:, 0, 1]
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    shift, both = mean[:, None], pairs[:, :, 1] + pairs[:, :, 2]
    return pairs[:, :, 0] - shift * (both - shift * pairs[:, :, 3]), mean, count


def _moved(pairs: Values, first: Values, last: Values, lag: Values, mean: Any) -> Values:
    """Move sums of products to the mean: ``first - last`` is less the ends that lack a partner."""
    moved = first - last
    moved -= lag * mean
    moved *= mean
    moved += pairs
    return moved


def waited(wait: Values, place: Place, lost: Any) -> Any:
    """Tell at which marks a wait is over, which begins anew with a tick that is ``lost``."""
    number = np.arange(1.0, place.ticks + 1)[:, None]
    ends = np.maximum(wait, np.maximum.accumulate(np.where(lost, lost + number, 0.0)))
    np.maximum(ends[-1] - place.ticks, 0.0, out=wait)
    return (ends <= number)[place.marks.start :: place.marks.step]


def ratios(covariances: Values, valid: Any) -> Values:
    """Divide by the variance; NaN where there is none, or no answer."""
    variance = covariances[:, 0]
    return covariances / np.where(valid & (variance > 0), variance, np.nan)[:, None]


class Place(NamedTuple):
    """Ticks of one block: after so many since the anchor, how many, and which are answered."""

    at: int
    ticks: int
    marks: range
    whole: bool = False
    """Whether none is missing."""


@dataclass(frozen=True)
class Kernel:
    """Correlations at every so-many-th tick, worked out in blocks between fixed tick numbers."""

    lags: int
    every: int

    block: ClassVar[Any]
    """Ticks that are worked out at once."""
    period: ClassVar[Any]
    """Ticks after which all comes again: some blocks, which hold some answers."""

    @cached_property
    def lag(self) -> Values:
        return np.arange(self.lags + 1.0)[:, None]

    def begin(self, width: int) -> State:
        """Give the arrays before the first tick."""
        raise NotImplementedError

    def take(self, state: State, values: Values) -> tuple[Values, Values]:
        """Give correlations (answers, lags, series), and how many known ticks each is about."""
        tick, (ticks, width) = state["tick"], values.shape
        fits = np.abs(values) <= LARGEST
        whole = np.count_nonzero(fits) == fits.size
        values = values if whole else np.where(fits, values, np.nan)
        first, block = -(tick + 1) % self.every, self.block
        sizes = np.empty((len(range(first, ticks, self.every)), width))
        found = np.empty((len(sizes), self.lags + 1, width))
        held = min(block, ticks) if block > self.every else 1
        room = max(_ROOM // (held * (self.lags + 1)), 1)
        for left in range(0, width, room):
            here, part = slice(left, left + room), state
            if width > room:
                part = {name: state[name][..., here] for name in self.begin(0)}
            done = filled = 0
            while done < ticks:
                at = (tick + done) % self.period
                rows = values[done : done + block - at % block, here]
                marks = range((first - done) % self.every, len(rows), self.every)
                to, place = slice(filled, filled + len(marks)), Place(at, len(rows), marks, whole)
                self._piece(part, rows, place, found[to, :, here], sizes[to, here])
                done, filled = done + len(rows), to.stop
        return found, sizes

    def _piece(
        self, part: State, rows: Values, place: Place, found: Values, sizes: Values
    ) -> None:
        """Take ticks of one block; fill in correlations and sizes at its marks."""
        raise NotImplementedError


@dataclass(frozen=True)
class Trailing(Kernel):
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
    masked: bool

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
            "wait": np.full(width, float(self.window)),
        }

    def _piece(
        self, part: State, rows: Values, place: Place, found: Values, sizes: Values
    ) -> None:
        begin, full = self.window + place.at, place.at + place.ticks == self.period
        part["raw"][begin : begin + place.ticks] = rows
        self._centre(part, begin, begin + place.ticks, whole=place.whole)
        due = None
        if not place.whole or np.count_nonzero(part["wait"]):
            due = waited(part["wait"], place, 0 if self.masked else np.isnan(rows) * self.window)
        if self._alone:
            if full:
                self._anchor(part)
                self._answer(part, Place(0, 0, range(-1, 0)), due, found, sizes)
            return
        if due is not None or not self._single(part, place, found, sizes):
            self._answer(part, place, due, found, sizes)
        if full:
            self._anchor(part)

    def _single(self, part: State, place: Place, found: Values, sizes: Values) -> bool:
        """Do as `_answer` for one series and one answer at most, where nothing is in its way.

        The same sums, without the price of arrays of one; it tells whether it was possible.
        """
        at, ticks, marks, _ = place
        lags, end = self.lags, self.window + at + ticks
        inside = len(marks) > 1 or (len(marks) == 1 and (at + ticks) % self.block)
        if inside or self.masked or part["pivot"].size > 1:
            return False
        about = part["about"][end - ticks - lags : end, 0, 0]
        new = part["new"][:, 0, 0] + np.correlate(about, about[lags:])[::-1]
        if len(marks):
            running = part["running"][:, 0]
            first, last = running[at + ticks :][: lags + 1], running[end - lags : end + 1][::-1]
            mean = (last[0] - first[0]) / self.window
            pairs = new + part["old"][(at + ticks) // self.block, :, 0, 0]
            moved = _moved(pairs, first, last, self.lag[:, 0], mean)
            if not _OFF * moved[0] > self.window * mean * mean:
                return False
            np.divide(moved, moved[0], out=found[0, :, 0])
            sizes[:] = self.window
        part["new"][:, 0, 0] = new
        return True

    def _answer(self, part: State, place: Place, valid: Any, found: Values, sizes: Values) -> None:
        """Answer at marks; where the pivot is too far off, once more with a new one from there."""
        pairs, count = self._pairs(part, place), len(place.marks)
        if count == 0:
            return
        begin = place.at + 1 + place.marks[0]
        covariances, mean, size = self._closed(part, pairs, begin)
        variance = covariances[:, 0]
        spread, off, sizes[:] = _OFF * variance, mean * mean * size, size
        good = spread > off
        if valid is None and np.count_nonzero(good) == good.size:
            np.divide(covariances, variance[:, None], out=found)
            return
        valid = np.ones_like(good) if valid is None else valid
        found[:] = ratios(covariances, valid)
        off = valid & (spread < off)
        where = np.flatnonzero(off.any(axis=0))
        if len(where) == 0:
            return
        own = {name: part[name][..., where] for name in self.begin(0)}
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

    def _pairs(self, part: State, place: Place) -> Values:
        """Give sums over the pairs of the window at each mark; move ``new`` on."""
        (at, ticks, marks, _), about, new = place, part["about"], part["new"]
        old: Values = part["old"][-(-(at + ticks) // self.block)]
        if ticks == 0:
            return old[None]
        later, earlier = CHANNELS[self.masked]
        rows = about[self.window + at - self.lags : self.window + at + ticks]
        sums = add_up(rows[self.lags :, later], rows[:, earlier], _upto(ticks, marks), back=True)
        sums += new
        new[:] = sums[-1]
        if len(marks) == 0:
            return sums
        pairs, begin = sums[: len(marks)], at + 1 + marks[0]
        pairs += old
        left = -begin % self.block  # ticks of this block that are in the first window
        if left:
            rows, weights = about[begin : begin + left + self.lags], _since(left, marks)
            pairs += add_up(rows[:left, earlier], rows[:, later], weights, back=False)
        return pairs

    def _closed(self, part: State, pairs: Values, begin: int) -> tuple[Values, Values, Any]:
        """Move sums of products from the pivot to the mean of the windows from ``begin`` on.

        ``running`` counts from the anchor, both ways, so that its differences are sums over ticks
        of the window only: all of it, and its first and last ``lag`` ticks.
        """
        if self.masked:
            return to_mean(pairs)
        running, end, lags, count = part["running"], begin + self.window, self.lags, len(pairs)
        reach = self.every * (count - 1) + 1
        first, last = running[begin : begin + reach + lags], running[end - lags : end + reach]
        mean = (last[lags :: self.every] - first[: reach : self.every]) / self.window
        first = _views(first, count, lags, step=self.every)
        last = _views(last, count, lags, step=self.every, back=True)
        moved = _moved(pairs[:, :, 0], first, last, self.lag, mean[:, None])
        return moved, mean, float(self.window)

    def _centre(self, part: State, begin: int, end: int, *, whole: bool = False) -> None:
        """Work out what follows from raw ticks and the pivot, from ``begin`` to ``end``."""
        about, running = part["about"][begin:end], part["running"][begin : end + 1]
        centre(part["raw"][begin:end], part["pivot"], about, whole=whole)
        running[1:] = about[:, 0]
        np.add.accumulate(running, out=running)

    def _anchor(self, part: State) -> None:
        part["raw"][: self.window] = part["raw"][self.period :].copy()
        self._rebuild(part, self.window, self.window)

    def _rebuild(self, part: State, end: int, summed: int) -> None:
        """Work out all that follows from raw ticks; those before ``summed`` are in the sums."""
        window, lags, old, running = self.window, self.lags, part["old"], part["running"]
        later, earlier = CHANNELS[self.masked]
        about = part["about"][:window]
        centre(part["raw"][:window], part["pivot"], about)
        running[:window] = -about[::-1, 0].cumsum(axis=0)[::-1]
        running[window] = 0.0
        self._centre(part, window, end)
        beyond = np.concatenate([about, np.zeros((lags, *about.shape[1:]))])
        one, others, stop = about[:, earlier], beyond[:, later], window
        old[-1], above = 0.0, old[-1]
        for place in reversed(range(len(old))):
            begin = place * self.block
            sums = add_up(one[begin:stop], others[begin : stop + lags], back=False)[0]
            np.add(sums, above, out=old[place])
            above, stop = old[place], begin
        part["new"][:] = 0.0
        if summed > window:
            rows = part["about"][window - lags : summed]
            part["new"][:] = add_up(rows[lags:, later], rows[:, earlier], back=True)[0]
