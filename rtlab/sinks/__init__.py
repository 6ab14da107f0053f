"""Where results go: functions for finished frames, and sinks of streams, under the same name."""

from rtlab.sinks.files import FileSink, write_csv, write_parquet

__all__ = ["FileSink", "write_csv", "write_parquet"]
