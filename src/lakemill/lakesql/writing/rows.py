"""A query's rows as files in the statement's folder, one for each partition and bucket."""

import dataclasses
import secrets
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans import avro, sql
from lakemill.lakesql.scans.partitions import NULL_PARTITION
from lakemill.lakesql.types import Type
from lakemill.lakesql.writing import files, hivehash
from lakemill.lakesql.writing.layout import WRITERS_MAX, Layout

KEPT = sql.name("$kept")
"""The table of a query's rows, while they are divided."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A file that was written. values: of the partition keys, as the catalog has them. name: of its object."""

    path: Path
    name: str
    values: tuple[str, ...]
    rows: int


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A column to be written. place: of the query's column that it is made of, None for nulls."""

    name: str
    type: Type
    place: int | None


def prepare(query: Query, layout: Layout) -> None:
    """Before a query is planned: load what its format needs. Raises SqlFailed where that is not installed."""
    if layout.format == "AVRO":
        avro.load(query.connection)


def write(query: Query, columns: Sequence[Wanted], layout: Layout) -> list[Piece]:
    """Run a planned query, and write its rows. Raises SqlFailed, duckdb.Error."""
    folder = query.folder / "out"
    folder.mkdir(exist_ok=True)
    names = ", ".join(f"c{place}" for place in range(len(query.translated.columns)))
    relation = f"({query.sql}) AS result ({names})"
    expressions = {column.name: _expression(column) for column in columns}
    written = [(expressions[one.name], one.name, one.type) for one in columns if one.name not in layout.keys]
    with query.watching():
        if not layout.keys and not layout.bucket_count:
            pieces = [_piece(query, written, relation, layout, ())]
        else:
            pieces = _split(query, written, relation, layout, expressions, {one.name: one.type for one in columns})
    return [piece for piece in pieces if piece.rows]


def _split(
    query: Query, written: files.Columns, relation: str, layout: Layout,
    expressions: dict[str, str], types: dict[str, Type],
) -> list[Piece]:  # fmt: skip
    keys = [_key(expressions[key]) for key in layout.keys]
    if layout.bucket_count:
        hashed = [(expressions[name], types[name]) for name in layout.bucket_columns]
        keys.append(hivehash.bucket(hashed, layout.bucket_count))
    names = [f"key{place}" for place in range(len(keys))]
    terms = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    # The rows are kept in the order of their keys, spilling to the disk where memory ends: a file is a range of them.
    query.connection.execute(
        f"CREATE TEMP TABLE {KEPT} AS SELECT *, {terms} FROM {relation} ORDER BY {', '.join(names)}"
    )  # fmt: skip
    distinct = f"SELECT DISTINCT {', '.join(names)} FROM {KEPT} LIMIT {WRITERS_MAX + 1}"
    groups = query.connection.execute(distinct).fetchall()
    if len(groups) > WRITERS_MAX:
        raise SqlFailed(
            "HIVE_TOO_MANY_OPEN_PARTITIONS",
            f"Exceeded limit of {WRITERS_MAX} open writers for partitions/buckets",
        )
    pieces = []
    for group in sorted(groups):
        conditions = [f"{name} = {_constant(value)}" for name, value in zip(names, group, strict=True)]
        suffix = f"_bucket-{group[-1]:05d}" if layout.bucket_count else ""
        some = f"{KEPT} WHERE {' AND '.join(conditions)}"
        pieces.append(_piece(query, written, some, layout, group[: len(layout.keys)], suffix))
    return pieces


def _constant(value: str | int) -> str:
    return sql.text(value) if isinstance(value, str) else str(value)


def _piece(
    query: Query, written: files.Columns, relation: str, layout: Layout, values: tuple[str, ...], suffix: str = ""
) -> Piece:
    moment = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    end = layout.packing if layout.format in ("JSON", "TEXTFILE") else ""
    name = f"{moment}_00000_{secrets.token_hex(3)[:5]}_{uuid.uuid4()}{suffix}{end}"
    path = query.folder / "out" / name
    return Piece(path, name, values, files.write(query.connection, written, relation, layout, path))


def _expression(column: Wanted) -> str:
    value = "NULL" if column.place is None else f"c{column.place}"
    return f"CAST({value} AS {column.type.duckdb()})"


def _key(value: str) -> str:
    """The text of a partition key; texts that are empty count as null."""
    return f"coalesce(nullif(CAST({value} AS VARCHAR), ''), {sql.text(NULL_PARTITION)})"
