"""The benchmark's contestants that are installed all give what the slow and obvious loop gives."""

import importlib

import pytest

from bench.answers import expected
from bench.pipeline import GROUPS, usable

EVENTS = 120_000
HERE = {
    module: importlib.import_module(f"bench.contestants.{module}")
    for module in (
        "plain",
        "with_numpy",
        "with_pandas",
        "with_pyarrow",
        "with_rtlab",
        "with_streamz",
    )
}
ENTRIES = [entry for group in GROUPS.values() for entry in group if usable(entry, HERE)]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_contestants_agree(entry):
    """Sums, ranks and means of every window are those of the loop."""
    run = getattr(HERE[entry.module], entry.function)
    answer = run(entry.data(EVENTS))
    assert answer.differs(expected(EVENTS, text=entry.text)) is None
