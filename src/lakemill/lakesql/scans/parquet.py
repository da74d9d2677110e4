"""Parquet: read by DuckDB itself, files of one schema together.

Columns are found by name in any case (or by place, with `parquet.column.index.access`); one that a file does not have
is null. A value is brought to its declared type where that loses nothing; what cannot be is HIVE_BAD_DATA.
"""

import dataclasses
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql import types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.fitting import Unfitting, fitted
from lakemill.lakesql.scans.objects import File, Meter
from lakemill.lakesql.scans.table import Column, Storage


@dataclasses.dataclass
class _Alike:
    """Files of one schema."""

    schema: pa.Schema
    files: list[File]


def selects(
    storage: Storage, files: Sequence[File], columns: Sequence[Column], constants: Constants, meter: Meter
) -> list[str]:
    """A SELECT for each schema that the files have, with these columns and constants.

    files: local ones. columns: those that are wanted, of the table. Raises SqlFailed.
    """
    alike: dict[pa.Schema, _Alike] = {}
    by_place = storage.options.get("parquet.column.index.access", "").lower() == "true"
    for file in files:
        metadata = _metadata(file)
        schema = metadata.schema.to_arrow_schema().remove_metadata()
        found = _found(storage, schema, columns, by_place)
        meter.add(_chunk_bytes(metadata, {place for place in found if place is not None}))
        if metadata.num_rows:
            alike.setdefault(schema, _Alike(schema, [])).files.append(file)
    return [_select(storage, one, columns, constants, by_place) for one in alike.values()]


def _select(storage: Storage, alike: _Alike, columns: Sequence[Column], constants: Constants, by_place: bool) -> str:
    terms = []
    for column, place in zip(columns, _found(storage, alike.schema, columns, by_place), strict=True):
        type = types.of_hive(column.type)
        if place is None:
            terms.append(f"NULL::{type.duckdb()} AS {sql.name(column.name)}")
            continue
        field = alike.schema.field(place)
        try:
            terms.append(f"{fitted(sql.name(field.name), field.type, type)} AS {sql.name(column.name)}")
        except Unfitting:
            raise SqlFailed(
                "HIVE_BAD_DATA",
                f"Field {column.name}'s type {field.type} in parquet file {alike.files[0].uri} is incompatible with "
                f"type {type.trino()} defined in table schema",
            ) from None
    places = [sql.texts(values) for values in zip(*map(constants.values, alike.files), strict=True)]
    terms += constants.typed([f"{texts}[CAST(file_index AS BIGINT) + 1]" for texts in places])
    paths = ", ".join(sql.text(file.path) for file in alike.files)
    return f"SELECT {', '.join(terms) or '1 AS one'} FROM read_parquet([{paths}], hive_partitioning = false)"


def _metadata(file: File) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file.path)
    except (pa.ArrowException, OSError) as wrong:
        raise SqlFailed("HIVE_BAD_DATA", f"Not valid Parquet file: {file.uri}: {wrong}") from None


def _found(storage: Storage, schema: pa.Schema, columns: Sequence[Column], by_place: bool) -> list[int | None]:
    """Where each column is in the file."""
    if by_place:
        order = {column.name: place for place, column in enumerate(storage.columns) if place < len(schema)}
    else:
        order = {name.lower(): place for place, name in reversed(list(enumerate(schema.names)))}
    return [order.get(column.name) for column in columns]


def _chunk_bytes(metadata: pq.FileMetaData, places: set[int]) -> int:
    """What the chunks of these columns take up in the file."""
    if not metadata.num_row_groups:
        return 0
    names = metadata.schema.to_arrow_schema().names
    roots = {names[place] for place in places}
    leaves = [
        leaf for leaf in range(metadata.num_columns)
        if metadata.schema.column(leaf).path.split(".")[0] in roots or metadata.schema.column(leaf).path in roots
    ]  # fmt: skip
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    return sum(group.column(leaf).total_compressed_size for group in groups for leaf in leaves)
