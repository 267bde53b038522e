"""The tables that `benchmarks.data` looks at: events of a shop, of every common type, the same at each call."""

from __future__ import annotations

from pathlib import Path

import duckdb

ROWS = 4_000_000
JSONL_ROWS = 2_000_000
_WORDS = (  # noqa: SIM905 - forty strings are no easier to read
    "order arrived late box broken colour wrong size good price thanks driver kind street never again twice window "
    "paid card refund asked waited answer quick garden winter summer boots coat lamp chair table plate سلام привет"
).split()


def write(folder: Path, rows: int = ROWS, jsonl_rows: int = JSONL_ROWS) -> None:
    """events.parquet, events.csv and events.jsonl; with the usual rows 150, 420 and 250 MB."""
    words = "[" + ", ".join(f"'{word}'" for word in _WORDS) + "]"
    word = " || ' ' || ".join(f"{words}[1 + (hash(i + {k}) % {len(_WORDS)})::INTEGER]" for k in range(101, 106))
    with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder / "spill")}) as connection:
        connection.execute(f"""CREATE VIEW events AS SELECT
            i AS id,
            TIMESTAMP '2024-01-01' + to_seconds((hash(i) % 63072000)::BIGINT) AS moment,
            'user' || (hash(i + 1) % 100000) AS customer,
            ['BUY', 'SELL', 'HOLD', 'RETURN', 'ASK'][1 + floor(5 * (hash(i + 2) % 1000 / 1000) ** 2)::INTEGER] AS label,
            round(exp((hash(i + 3) % 1000000) / 150000), 2) AS price,
            (hash(i + 4) % 1000)::INTEGER AS amount,
            CASE WHEN hash(i + 5) % 20 > 0 THEN (hash(i + 6) % 100000) / 99999 END AS score,
            hash(i + 7) % 3 = 0 AS paid,
            {word} AS comment
            FROM range({rows}) AS numbers(i)""")  # noqa: S608 - of our own making
        connection.execute(f"COPY events TO '{folder / 'events.parquet'}' (FORMAT parquet)")
        connection.execute(f"COPY events TO '{folder / 'events.csv'}' (FORMAT csv)")
        connection.execute(
            f"COPY (FROM events LIMIT {jsonl_rows}) TO '{folder / 'events.jsonl'}' (FORMAT json)")
