"""Real-time data analysis in Jupyter: from a stream of purchases to trend, season and leaderboard.

The public names, in the order of the data's path.
"""

from rtlab import steps
from rtlab.events import Purchase
from rtlab.sources import replay
from rtlab.cleaning import clean, dedupe, keep
from rtlab.windows import tumbling
from rtlab.counts import count_window
from rtlab.ranks import leaderboard
from rtlab.behaviour import rfm, together, users
from rtlab.steps import chain
from rtlab.streams import advance, drain, finish

__all__ = ["Purchase", "advance", "chain", "clean", "count_window", "dedupe", "drain", "finish", "keep", "leaderboard", "replay", "rfm", "steps", "together", "tumbling", "users"]
__version__ = "0.1.0"
