"""What an event is: one line of a purchase."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict

REQUIRED = ("user_id", "product_id", "purchase_time")
OPTIONAL = ("event_id", "quantity", "price", "amount")


class Purchase(TypedDict):
    """One line of a purchase, as a dict; a stream carries frames with these columns.

    Attributes
    ----------
    user_id, product_id : int or str
        Who bought what.
    purchase_time : datetime or str
        When it happened (event time), with a zone; a time without one needs ``clean(tz=...)``.
    event_id : int or str, optional
        Tells a redelivered event from a second, equal purchase.
    quantity : int, optional
        Pieces, 1 if absent; negative for a return.
    price : int or float, optional
        Of one piece, in the unit that the log uses; the simulated shop counts whole cents.
    amount : int or float, optional
        The line's total, in logs that give it instead of the price of one piece.

    Examples
    --------
    >>> one: Purchase = {
    ...     "user_id": 1, "product_id": 1001, "purchase_time": "2021-03-01T10:00:00+08:00"
    ... }
    """

    user_id: int | str
    product_id: int | str
    purchase_time: datetime | str
    event_id: NotRequired[int | str]
    quantity: NotRequired[int]
    price: NotRequired[float]
    amount: NotRequired[float]
