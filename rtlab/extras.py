"""Optional libraries, imported where they are used."""

from importlib import import_module
from typing import Any

from rtlab.errors import MissingExtraError


def optional(module: str, extra: str) -> Any:
    """Import ``module``, or say which extra of rtlab brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra in ``pyproject.toml`` that lists its distribution.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        If the module is not installed.

    Examples
    --------
    >>> optional("json", "data").loads("[1]")
    [1]
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the library is there, and something inside it is broken
        raise MissingExtraError(
            f"{module} is not installed: this needs rtlab's extra '{extra}'; "
            f"run: pip install 'rtlab[{extra}]'"
        ) from missing
