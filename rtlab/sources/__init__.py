"""Where events come from: each source is a streamz ``Source`` with ``drain`` and ``start``."""

from rtlab.sources.base import Source
from rtlab.sources.replay import replay

__all__ = ["Source", "replay"]
