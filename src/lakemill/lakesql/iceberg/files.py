"""Rows of a query as data files of a table, and as objects of the lake."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from pyiceberg import types
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Record

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import fields, partitioning
from lakemill.lakesql.iceberg.fileio import LakeIO, normal
from lakemill.lakesql.interface import LakeRefused
from lakemill.lakesql.scans import sql
from lakemill.lakesql.writing.layout import WRITERS_MAX
from lakemill.lakesql.writing.storing import writing_refused

COMPRESSIONS = {
    "zstd": "zstd",
    "gzip": "gzip",
    "snappy": "snappy",
    "lz4": "lz4_raw",
    "uncompressed": "uncompressed",
    "none": "uncompressed",
}
"""As `write.parquet.compression-codec` names them, and DuckDB."""
CODEC, TARGET_BYTES = "write.parquet.compression-codec", "write.target-file-size-bytes"
TARGET_BYTES_DEFAULT = 512 << 20


class DataFiles:
    """Writes for one statement. folder: where files are before they are stored; DuckDB may write there."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, io: LakeIO, metadata: TableMetadata, folder: Path
    ) -> None:
        self._connection, self._io, self._metadata, self._folder = connection, io, metadata, folder
        self._schema, self._spec = metadata.schema(), metadata.spec()
        self._codec = COMPRESSIONS.get(metadata.properties.get(CODEC, "zstd").lower())
        if metadata.properties.get("write.format.default", "parquet").lower() != "parquet" or self._codec is None:
            raise SqlFailed("NOT_SUPPORTED", f"Writing files with {metadata.properties} is not supported")
        self._stored: list[str] = []

    def prepare(self) -> None:
        """Before the configuration of the instance is locked."""
        partitioning.add_functions(self._connection, self._spec, self._schema)

    def write(self, terms: Sequence[str], relation: str) -> list[DataFile]:
        """Write the rows of a relation; the objects are there on return.

        terms: an expression for each column of the table, of its type. relation: what stands after FROM.
        Raises SqlFailed, duckdb.Error.
        """
        self._folder.mkdir(exist_ok=True)
        values = [
            f"{self._checked(fields.stored(term, field.field_type), field)} AS {sql.name(field.name)}"
            for term, field in zip(terms, self._schema.fields, strict=True)
        ]
        select = f"SELECT {', '.join(values)} FROM {relation}"
        if self._spec.is_unpartitioned():
            return self._written(select, Record())
        return self._split(select)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """What the platform refuses inside becomes SqlFailed.

        Nothing that was stored is removed here: whether a commit came to pass is the platform's to know.
        """
        try:
            yield
        except LakeRefused as refused:
            raise writing_refused(refused, self._stored[-1] if self._stored else "") from None

    def _split(self, select: str) -> list[DataFile]:
        keys = []
        for part in self._spec.fields:
            field = self._schema.find_field(part.source_id)
            keys.append(partitioning.term(part, field.field_type, sql.name(field.name)))
        names = [f"partition_{place}" for place in range(len(keys))]
        shown = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
        table = f"kept_{uuid.uuid4().hex}"
        # In the order of their partitions, spilling to the disk where memory ends: a file is a range of them.
        ordered = f"SELECT *, {shown} FROM ({select}) ORDER BY {', '.join(names)}"
        self._connection.execute(f"CREATE TEMP TABLE {table} AS {ordered}")
        listed = ", ".join(names)
        numbered = (
            f"SELECT *, dense_rank() OVER (ORDER BY {listed}) AS number FROM (SELECT DISTINCT {listed} FROM {table})"
        )
        self._connection.execute(f"CREATE TEMP TABLE {table}_groups AS {numbered}")
        groups = self._connection.execute(f"SELECT number, {listed} FROM {table}_groups ORDER BY 1").fetchall()
        if len(groups) > WRITERS_MAX:
            message = f"Exceeded limit of {WRITERS_MAX} open writers for partitions"
            raise SqlFailed("ICEBERG_TOO_MANY_OPEN_PARTITIONS", message)
        found: list[DataFile] = []
        columns = ", ".join(sql.name(field.name) for field in self._schema.fields)
        same = " AND ".join(f"g.{name} IS NOT DISTINCT FROM k.{name}" for name in names)
        for number, *group in groups:
            some = f"SELECT {columns} FROM {table} AS k SEMI JOIN {table}_groups AS g ON {same}"
            record = Record(*map(partitioning.kept, group))
            found += self._written(f"{some} AND g.number = {number}", record)
        self._connection.execute(f"DROP TABLE {table}")
        self._connection.execute(f"DROP TABLE {table}_groups")
        return found

    def _written(self, select: str, partition: Record) -> list[DataFile]:
        folder = self._folder / uuid.uuid4().hex
        ids = ", ".join(
            f"{sql.name(one.name)}: {fields.ids(one.field_type, one.field_id)}" for one in self._schema.fields
        )
        bytes_max = int(self._metadata.properties.get(TARGET_BYTES, TARGET_BYTES_DEFAULT))
        options = f"FORMAT parquet, COMPRESSION {self._codec}, FIELD_IDS {{{ids}}}, FILE_SIZE_BYTES {bytes_max}"
        self._connection.execute(f"COPY ({select}) TO {sql.text(str(folder))} ({options})")
        found = []
        for path in sorted(folder.iterdir()):
            metadata = pq.read_metadata(path)
            if metadata.num_rows:
                found.append(self._stored_file(path, metadata, partition))
            path.unlink(missing_ok=True)
        return found

    def _stored_file(self, path: Path, metadata: pq.FileMetaData, partition: Record) -> DataFile:
        properties = self._metadata.properties
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=metadata,
            stats_columns=compute_statistics_plan(self._schema, properties),
            parquet_column_mapping=parquet_path_to_id_mapping(self._schema),
        )
        size = path.stat().st_size
        uri = self._uri(partition)
        self._stored.append(uri)
        self._io.store(path, uri)
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=uri,
            file_format=FileFormat.PARQUET,
            partition=partition,
            file_size_in_bytes=size,
            sort_order_id=None,
            spec_id=self._spec.spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    def _uri(self, partition: Record) -> str:
        place: Any = None if self._spec.is_unpartitioned() else _Place(self._spec, self._schema, partition)
        provider = load_location_provider(normal(self._metadata.location), self._metadata.properties)
        return normal(provider.new_data_location(f"{uuid.uuid4()}.parquet", place))

    def _checked(self, value: str, field: types.NestedField) -> str:
        if not field.required:
            return value
        wrong = sql.failure(
            "CONSTRAINT_VIOLATION", sql.text(f"NULL value not allowed for NOT NULL column: {field.name}")
        )
        kind = fields.duckdb(field.field_type)
        kind = "TIMESTAMPTZ" if isinstance(field.field_type, types.TimestamptzType) else kind
        return f"CASE WHEN {value} IS NULL THEN CAST({wrong} AS {kind}) ELSE {value} END"


class _Place:
    """Where a partition's files are, as PyIceberg asks for it."""

    def __init__(self, spec: Any, schema: Any, partition: Record) -> None:
        self._spec, self._schema, self._partition = spec, schema, partition

    def to_path(self) -> str:
        return str(self._spec.partition_to_path(self._partition, self._schema))
