"""Real-time data analysis in Jupyter: from a stream of purchases to trend, season and leaderboard.

The public names, in the order of the data's path.
"""

from rtlab import steps
from rtlab.events import Purchase
from rtlab.simulation import simulate
from rtlab.sources import merge, replay, source
from rtlab.cleaning import clean
from rtlab.keeping import dedupe, keep
from rtlab.joining import enrich
from rtlab.account import Account
from rtlab.windows import sliding, tumbling
from rtlab.sessions import session
from rtlab.counts import count_window
from rtlab.smooth import exponential_average, moving_average, moving_median
from rtlab.moments import (
    moving_max,
    moving_min,
    moving_quantile,
    moving_std,
    moving_variance,
    moving_zscore,
)
from rtlab.change import difference, integrate
from rtlab.stationarity import stationarity
from rtlab.correlation import acf, pacf
from rtlab.lagged import rolling_acf, rolling_pacf
from rtlab.periods import find_period, rolling_period
from rtlab.season import decompose
from rtlab.rolling import rolling_decompose
from rtlab.robust import robust_decompose
from rtlab.revisions import revisions
from rtlab.alarms import alarms
from rtlab.forecasts import forecast, rolling_forecast
from rtlab.ranks import leaderboard
from rtlab.behaviour import rfm, together, users
from rtlab.sinks import write_csv, write_parquet
from rtlab.charts import plot_average, plot_difference, plot_series
from rtlab.marks import plot_alarms, plot_forecast
from rtlab.stems import plot_correlogram
from rtlab.tallies import plot_account, plot_customers, plot_heatmap, plot_leaderboard
from rtlab.arrivals import plot_arrivals, plot_watermark, step_through
from rtlab.live import desk
from rtlab.steps import chain
from rtlab.streams import advance, drain, finish

__all__ = [
    "Purchase",
    "simulate",
    "replay",
    "source",
    "merge",
    "clean",
    "dedupe",
    "keep",
    "enrich",
    "Account",
    "tumbling",
    "sliding",
    "session",
    "count_window",
    "moving_average",
    "moving_median",
    "exponential_average",
    "moving_variance",
    "moving_std",
    "moving_zscore",
    "moving_min",
    "moving_max",
    "moving_quantile",
    "difference",
    "integrate",
    "stationarity",
    "acf",
    "pacf",
    "rolling_acf",
    "rolling_pacf",
    "find_period",
    "rolling_period",
    "decompose",
    "rolling_decompose",
    "robust_decompose",
    "revisions",
    "alarms",
    "forecast",
    "rolling_forecast",
    "leaderboard",
    "users",
    "rfm",
    "together",
    "write_csv",
    "write_parquet",
    "plot_series",
    "plot_average",
    "plot_difference",
    "plot_alarms",
    "plot_forecast",
    "plot_correlogram",
    "plot_leaderboard",
    "plot_customers",
    "plot_heatmap",
    "plot_account",
    "plot_arrivals",
    "plot_watermark",
    "step_through",
    "desk",
    "chain",
    "drain",
    "finish",
    "advance",
    "steps",
]
__version__ = "0.1.0"
