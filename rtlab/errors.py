"""Every error that rtlab raises on purpose.

::

    RtlabError
    ├── ParameterError (ValueError)        an argument that breaks a rule
    ├── DataError (ValueError)             data that a method cannot use
    │   └── MissingColumnError (KeyError)  a column that is not there
    ├── StreamError (RuntimeError)         a stream used in a way that cannot work
    └── MissingExtraError (ImportError)    an optional library that is not installed

The built-in in brackets is a parent too, so that ``except ValueError`` works as a caller expects.
Each message names the value, the rule and the remedy.
"""


class RtlabError(Exception):
    """The root of every error that rtlab raises on purpose."""


class ParameterError(RtlabError, ValueError):
    """An argument breaks a rule that its message states."""


class DataError(RtlabError, ValueError):
    """The data cannot be used by the method that was asked for."""


class MissingColumnError(DataError, KeyError):
    """A column that is needed is not in the data."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class StreamError(RtlabError, RuntimeError):
    """A stream is used in a way that cannot work."""


class MissingExtraError(RtlabError, ImportError):
    """An optional library is needed and not installed."""
