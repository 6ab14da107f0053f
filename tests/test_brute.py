"""Ten thousand drawn streams: the whole run, the cut run and the slow loop give the same.

A failure prints the seed and the smallest form of its case; ``make soak`` goes on from here.
"""

from collections import Counter

import brute
import drawn_windows
import pytest

CHUNK, CHUNKS = 500, 20
FEWEST = 20  # of each situation, in all


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_drawn_streams(chunk):
    """Answers in order, revisions, retractions and late rows are the loop's, however it is cut."""
    *_, wrong = brute.seeds(chunk * CHUNK, CHUNK)
    told = "\n".join(brute.report(case) for case in wrong[:3])
    assert not wrong, f"{len(wrong)} of {CHUNK} streams differ:\n{told}"


def test_situations_occur():
    """The drawn streams meet every kind of window, and what is difficult about it, often."""
    seen, kinds = Counter(), Counter()
    for seed in range(CHUNK * CHUNKS):
        case = drawn_windows.case(seed)
        kinds[case["kind"]] += 1
        seen += brute.slow(case)[1]
        seen += brute.shape(case)
    assert set(kinds) == set(drawn_windows.KINDS)
    assert min(kinds.values()) > 1000
    assert set(seen) == brute.SITUATIONS
    assert {name: times for name, times in seen.items() if times < FEWEST} == {}


def test_a_difference_is_found_and_made_small(monkeypatch):
    """A loop that takes the watermark one microsecond too late differs, in very few rows."""
    right = brute.naive.Simulator.advance
    monkeypatch.setattr(brute.naive.Simulator, "advance", lambda self, time: right(self, time - 1))
    *_, wrong = brute.seeds(0, 300)
    assert wrong
    small = brute.smallest(wrong[0])
    assert len(small["rows"]) <= 3
    assert len(small["advances"]) == 1
    assert "seed" in brute.report(small)
