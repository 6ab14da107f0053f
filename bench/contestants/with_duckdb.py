"""duckdb: SQL for each batch with the open windows in a table, or one query over all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from bench.answers import MEAN_OVER, TOP, Answer
from bench.stream import DELAY, MINUTE

CLEAN = f"""
    select product_id, quantity * price as revenue, time, time // {MINUTE} as number
    from (select *, epoch_us(purchase_time) as time from batch)
    where user_id is not null and quantity <> 0
"""
BEST = f"""
    select number, product_id, revenue::bigint from sums
    qualify row_number() over (partition by number order by revenue desc, product_id) <= {TOP}
    order by number, revenue desc, product_id
"""
TOTALS = f"""
    select total::bigint,
        avg(total) over (order by number rows between {MEAN_OVER - 1} preceding and current row)
    from (select number, sum(revenue) as total from sums group by number) order by number
"""


def answer(database: Any) -> Answer:
    tops: dict[int, list[Any]] = {}
    for number, product, revenue in database.execute(BEST).fetchall():
        tops.setdefault((number + 1) * MINUTE, []).append((product, revenue))
    rows = database.execute(TOTALS).fetchall()
    return Answer(list(tops.items()), [row[0] for row in rows], [row[1] for row in rows])


def frames(batches: Iterable[Any]) -> Answer:
    with duckdb.connect() as database:
        database.execute("create table open (number bigint, product_id bigint, revenue hugeint)")
        database.execute("create table sums (number bigint, product_id bigint, revenue hugeint)")
        mark = 0
        for batch in batches:
            database.register("batch", batch)
            database.execute(
                f"insert into open select number, product_id, sum(revenue) from ({CLEAN}) "
                f"where number >= {mark} group by all"
            )
            newest = database.execute(
                f"select (epoch_us(max(purchase_time)) - {DELAY}) // {MINUTE} from batch"
            ).fetchall()[0][0]
            if newest > mark:
                mark = newest
                close(database, f"number < {mark}")
        close(database, "true")
        return answer(database)


def close(database: Any, due: str) -> None:
    database.execute(
        "insert into sums select number, product_id, sum(revenue) from open "
        f"where {due} group by all"
    )
    database.execute(f"delete from open where {due}")


def at_once(batch: Any) -> Answer:
    with duckdb.connect() as database:
        database.register("batch", batch)
        database.execute(
            "create table sums as select number, product_id, sum(revenue) as revenue from ("
            f"select *, max(time) over (rows unbounded preceding) as largest from ({CLEAN})"
            f") where (number + 1) * {MINUTE} > largest - {DELAY} group by all"
        )
        return answer(database)
