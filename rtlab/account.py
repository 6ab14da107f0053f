"""The account of rows: what came in is used, rejected, late or a duplicate, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd

from rtlab.errors import DataError, MissingColumnError
from rtlab.parsing import EXACT
from rtlab.pictures import Picture

MICRO = 1_000_000  # money is added in millionths, so that written decimals stay exact
DIGITS = 15  # what a double holds of any decimal
SAFE = 2**62  # sums below this fit into 64 bits
PRECISE = Context(prec=2000)  # no sum of doubles has more digits


@dataclass(repr=False)
class Account:
    """Counts of rows and exact totals of money, filled by the outputs of the steps.

    :meth:`of` makes it from finished data; on a stream each ``see_…`` is a sink.

    Attributes
    ----------
    column : str
        What is added up: ``"amount"``, or ``"quantity"`` in a log without prices.
    arrived, used, late, duplicate, returns : int
        Rows; ``returns`` are among the used ones.
    rejected : Counter
        Rows by reason.
    rounded : int
        Amounts with more than 15 digits, of which a double does not tell the rest.

    Examples
    --------
    >>> account = Account()
    >>> account.see_arrived([1, 2])
    >>> account.see_used(pd.DataFrame({"amount": [0.1, 0.2], "is_return": [False, False]}))
    >>> account.sentence()
    '2 rows = 2 used + 0 rejected + 0 late + 0 duplicate'
    >>> account.total
    Decimal('0.3')
    """

    column: str = "amount"
    arrived: int = 0
    used: int = 0
    late: int = 0
    duplicate: int = 0
    returns: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rounded: int = 0
    _sold: Decimal = Decimal(0)
    _returned: Decimal = Decimal(0)
    _place: int = 0  # the exponent of the last digit that all rounded amounts have

    @classmethod
    def of(
        cls,
        events: Any,
        *,
        used: pd.DataFrame,
        rejected: pd.DataFrame | None = None,
        late: pd.DataFrame | None = None,
        duplicate: pd.DataFrame | None = None,
    ) -> Account:
        """Account for finished data: what came in, and where each row went.

        Parameters
        ----------
        events : DataFrame
            What came in.
        used, rejected, late, duplicate : DataFrame
            The outputs of the steps.

        Raises
        ------
        MissingColumnError
            If ``used`` or ``rejected`` did not come out of :func:`clean`.
        DataError
            If an output is not the rows themselves, but their number.

        Examples
        --------
        >>> import rtlab as rt
        >>> events = rt.simulate(days=1, dirt={"malformed": 0.01, "duplicate": 0.01}).events
        >>> good, rejected = rt.clean(events)
        >>> used, duplicate = rt.dedupe(good)
        >>> rt.Account.of(events, used=used, rejected=rejected, duplicate=duplicate).balanced
        True
        """
        outputs = {"used": used, "rejected": rejected, "late": late, "duplicate": duplicate}
        for name, rows in outputs.items():
            if not isinstance(rows, (pd.DataFrame, type(None))):
                raise DataError(
                    f"{name} of type {type(rows).__name__}: give the rows themselves, as the step "
                    "gave them; leave out what no step gave"
                )
        for rows, column in ((used, "is_return"), (rejected, "reason")):
            if rows is not None and column not in rows:
                raise MissingColumnError(
                    f"column {column!r} is not among {', '.join(map(str, rows))}: the account "
                    "takes what clean gave; write good, rejected = rt.clean(events)"
                )
        account = cls("amount" if "amount" in used else "quantity")
        account.see_arrived(events)
        for name, rows in outputs.items():
            if rows is not None:
                getattr(account, f"see_{name}")(rows)
        return account

    def see_arrived(self, batch: Any) -> None:
        """Count what a source gave."""
        self.arrived += len(batch)

    def see_rejected(self, rows: pd.DataFrame) -> None:
        """Count what cleaning set aside."""
        self.rejected.update(rows["reason"].tolist())

    def see_late(self, rows: pd.DataFrame) -> None:
        """Count what came after its window had closed."""
        self.late += len(rows)

    def see_duplicate(self, rows: pd.DataFrame) -> None:
        """Count what was delivered again."""
        self.duplicate += len(rows)

    def see_used(self, rows: pd.DataFrame) -> None:
        """Count good rows and add up their money."""
        returned = rows["is_return"].to_numpy(dtype=bool)
        self.used += len(rows)
        self.returns += int(returned.sum())
        if self.column in rows:
            self._sold = PRECISE.add(self._sold, self._sum(rows[~returned]))
            self._returned = PRECISE.add(self._returned, self._sum(rows[returned]))

    def _sum(self, rows: pd.DataFrame) -> Decimal:
        """Add up amounts as they are written, not as doubles hold them."""
        amount = rows[self.column].to_numpy()
        if amount.dtype.kind == "i":
            return Decimal(_whole_sum(amount))
        scaled = np.rint(amount * MICRO)
        short = (scaled / MICRO == amount) & (np.abs(scaled) < EXACT)
        total = PRECISE.scaleb(Decimal(_whole_sum(scaled[short].astype(np.int64))), -6)
        for at in np.flatnonzero(~short):  # more than six decimals, or a very large number
            number = _written(amount[at])
            total = PRECISE.add(total, number)
            if float(number) != amount[at] and not _is_product(number, rows.iloc[at]):
                place = number.adjusted() - DIGITS + 1
                self._place = max(self._place, place) if self.rounded else place
                self.rounded += 1
        return total

    @property
    def total(self) -> Decimal:
        """Money of all used rows, returns taken off; exact to 15 digits of each amount."""
        return _plain(PRECISE.add(self._sold, self._returned))

    @property
    def returned(self) -> Decimal:
        """Money given back, as a negative number."""
        return _plain(self._returned)

    def known(self, total: Decimal) -> Decimal:
        """Round a total to the digits that are known, if some amounts are rounded."""
        if not self.rounded:
            return total
        place = self._place + len(str(self.rounded - 1)) * (self.rounded > 1)
        return PRECISE.quantize(total, Decimal(1).scaleb(place))

    def __repr__(self) -> str:
        return f"<account: {self.sentence()}>"

    @property
    def balanced(self) -> bool:
        """Whether every row is accounted for."""
        return self.arrived == self.used + self.rejected.total() + self.late + self.duplicate

    def sentence(self) -> str:
        """Give the account as one line; one that does not balance says so."""
        rejected = self.rejected.total()
        gap = self.arrived - self.used - rejected - self.late - self.duplicate
        missing = f"; {gap:,} missing" if gap > 0 else f"; {-gap:,} too many" if gap else ""
        return (
            f"{self.arrived:,} rows {'≠' if gap else '='} {self.used:,} used + "
            f"{rejected:,} rejected + {self.late:,} late + {self.duplicate:,} duplicate{missing}"
        )

    def plot(self, *, title: str | None = None) -> Picture:
        """Draw the account, as :func:`plot_account` does."""
        from rtlab.tallies import plot_account  # noqa: PLC0415  (lazy)

        return plot_account(self, title=title)

    def lines(self) -> list[tuple[str, int]]:
        """Give the account as label and rows, one reason a line."""
        return [
            ("rows in", self.arrived),
            ("used", self.used),
            ("of these, returns", self.returns),
            *((f"rejected: {reason}", rows) for reason, rows in self.rejected.most_common()),
            ("late", self.late),
            ("duplicate", self.duplicate),
        ]


def _written(number: Any) -> Decimal:
    return Decimal(f"{float(number):.{DIGITS}g}")


def _is_product(number: Decimal, row: pd.Series[Any]) -> bool:
    """Tell whether only the multiplication, not the price, made an amount longer."""
    if not {"quantity", "price"} <= set(row.index):
        return False
    price = _written(row["price"])
    exact = PRECISE.multiply(price, _written(row["quantity"])) == number
    return exact and float(price) == row["price"]


def _whole_sum(numbers: Any) -> int:
    if len(numbers) and max(-int(numbers.min()), int(numbers.max())) * len(numbers) > SAFE:
        return sum(numbers.tolist())
    return int(numbers.sum())


def _plain(total: Decimal) -> Decimal:
    plain = PRECISE.normalize(total)
    return PRECISE.quantize(plain, Decimal(1)) if plain == plain.to_integral() else plain
