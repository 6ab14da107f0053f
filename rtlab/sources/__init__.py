"""Where events come from: each source is a streamz ``Source``, and ``merge`` lets several meet."""

from rtlab.sources.base import Source
from rtlab.sources.gathering import source
from rtlab.sources.merging import merge
from rtlab.sources.replay import replay

__all__ = ["Source", "merge", "replay", "source"]
