"""pyarrow: compute functions and group_by for each batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.answers import Answer, Board
from bench.stream import DELAY, MINUTE

MINUTES = pa.scalar(MINUTE, pa.int64())


def tables(batches: Iterable[Any]) -> Answer:
    board, waiting, mark = Board(), [], 0
    for batch in batches:
        valid = pc.and_(pc.is_valid(batch["user_id"]), pc.not_equal(batch["quantity"], 0))
        rows = batch.filter(valid)
        times = rows["purchase_time"].cast(pa.int64())
        numbers = pc.divide(times, MINUTES)
        revenue = pc.multiply(rows["quantity"], rows["price"])
        rows = pa.table({"number": numbers, "product": rows["product_id"], "revenue": revenue})
        if pc.min(numbers).as_py() < mark:
            rows = rows.filter(pc.greater_equal(rows["number"], mark))  # else late
        waiting.append(summed(rows))
        newest = (pc.max(times).as_py() - DELAY) // MINUTE
        if newest > mark:
            mark = newest
            sums = summed(pa.concat_tables(waiting))
            due = pc.less(sums["number"], mark)
            close(board, sums.filter(due))
            waiting = [sums.filter(pc.invert(due))]
    close(board, summed(pa.concat_tables(waiting)))
    return board.answer


def summed(rows: Any) -> Any:
    sums = rows.group_by(["number", "product"]).aggregate([("revenue", "sum")])
    return sums.rename_columns(["number", "product", "revenue"])


def close(board: Board, sums: Any) -> None:
    for number in sorted(pc.unique(sums["number"]).to_pylist()):
        window = sums.filter(pc.equal(sums["number"], number))
        pairs = zip(window["product"].to_pylist(), window["revenue"].to_pylist(), strict=True)
        board.close(number, dict(pairs))
