"""How the tests run: Hypothesis without a clock, and nothing left behind in streamz.

The default draws the same data each time and shows a failure as it was found;
``HYPOTHESIS_PROFILE=campaign pytest tests/test_law.py --timeout=0`` searches much longer, with new
data each time, and makes each failure as small as it can.
"""

import os

import pytest
import streamz.sinks
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "gate",
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "campaign", settings.get_profile("gate"), derandomize=False, phases=list(Phase)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def examples(number):
    """Give the number of examples for a property: this many in the gate, more in a campaign."""
    campaign = os.environ.get("HYPOTHESIS_PROFILE") == "campaign"
    return settings(max_examples=20 * number if campaign else number)


@pytest.fixture
def no_sinks_left():
    """Fail a test that leaves a sink in streamz's global set, where it would live for ever."""
    before = set(streamz.sinks._global_sinks)
    yield
    assert set(streamz.sinks._global_sinks) == before
