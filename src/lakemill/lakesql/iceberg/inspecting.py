"""Tables about a table: "t$history", "t$snapshots", "t$refs", "t$files", "t$manifests", "t$partitions"."""

import datetime
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import IcebergType

from lakemill.lakesql import types
from lakemill.lakesql.arrow import arrow_type
from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.iceberg import schemas
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.types import Type

_MOMENT = types.TIMESTAMP_TZ
_COUNTS = types.mapping(types.INTEGER, types.BIGINT)
_BOUNDS = types.mapping(types.INTEGER, types.VARCHAR)
_PARTITION = types.row(
    ("contains_null", types.BOOLEAN), ("contains_nan", types.BOOLEAN),
    ("lower_bound", types.VARCHAR), ("upper_bound", types.VARCHAR),
)  # fmt: skip
KINDS: dict[str, list[tuple[str, Type]]] = {
    "history": [
        ("made_current_at", _MOMENT),
        ("snapshot_id", types.BIGINT),
        ("parent_id", types.BIGINT),
        ("is_current_ancestor", types.BOOLEAN),
    ],
    "snapshots": [
        ("committed_at", _MOMENT),
        ("snapshot_id", types.BIGINT),
        ("parent_id", types.BIGINT),
        ("operation", types.VARCHAR),
        ("manifest_list", types.VARCHAR),
        ("summary", types.mapping(types.VARCHAR, types.VARCHAR)),
    ],
    "refs": [
        ("name", types.VARCHAR),
        ("type", types.VARCHAR),
        ("snapshot_id", types.BIGINT),
        ("max_reference_age_in_ms", types.BIGINT),
        ("min_snapshots_to_keep", types.INTEGER),
        ("max_snapshot_age_in_ms", types.BIGINT),
    ],
    "files": [
        ("content", types.INTEGER),
        ("file_path", types.VARCHAR),
        ("file_format", types.VARCHAR),
        ("record_count", types.BIGINT),
        ("file_size_in_bytes", types.BIGINT),
        ("column_sizes", _COUNTS),
        ("value_counts", _COUNTS),
        ("null_value_counts", _COUNTS),
        ("nan_value_counts", _COUNTS),
        ("lower_bounds", _BOUNDS),
        ("upper_bounds", _BOUNDS),
        ("key_metadata", types.VARBINARY),
        ("split_offsets", types.array(types.BIGINT)),
        ("equality_ids", types.array(types.INTEGER)),
    ],
    "manifests": [
        ("path", types.VARCHAR),
        ("length", types.BIGINT),
        ("partition_spec_id", types.INTEGER),
        ("added_snapshot_id", types.BIGINT),
        ("added_data_files_count", types.INTEGER),
        ("added_rows_count", types.BIGINT),
        ("existing_data_files_count", types.INTEGER),
        ("existing_rows_count", types.BIGINT),
        ("deleted_data_files_count", types.INTEGER),
        ("deleted_rows_count", types.BIGINT),
        ("partition_summaries", types.array(_PARTITION)),
    ],
    "partitions": [],
}
"""Their columns, as Trino has them; those of partitions are of each table."""


class Inspection:
    """One of them. snapshot: whose files, manifests and partitions are told."""

    def __init__(self, table: Table, kind: str, snapshot: int | None) -> None:
        self._table, self._kind = table, kind
        self._snapshot = None if snapshot is None else table.snapshot_by_id(snapshot)

    @property
    def columns(self) -> list[tuple[str, Type]]:
        if self._kind != "partitions":
            return KINDS[self._kind]
        counts = [("record_count", types.BIGINT), ("file_count", types.BIGINT), ("total_size", types.BIGINT)]
        parts = [(name, schemas.type_of(kind)) for name, kind in self._parts()]
        return [*([("partition", types.row(*parts))] if parts else []), *counts]

    def make(self, use: TableUse, connection: duckdb.DuckDBPyConnection, meter: Meter) -> list[str]:
        """Make the view by which a statement uses it."""
        rows: list[tuple[Any, ...]] = getattr(self, f"_{self._kind}")()
        columns = self.columns
        kinds = [arrow_type(kind, zoned=pa.timestamp("us")) for _, kind in columns]
        arrays = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds)]
        connection.register(f"{use.view}_rows", pa.table(arrays, [name for name, _ in columns]))
        terms = [f"CAST({sql.name(name)} AS {_physical(kind)}) AS {sql.name(name)}" for name, kind in columns]
        made = f"SELECT {', '.join(terms)} FROM {use.view}_rows"
        connection.execute(f"CREATE TEMP VIEW {sql.name(use.view)} AS {made}")
        return []

    def _history(self) -> list[tuple[Any, ...]]:
        ancestors, at = set(), self._table.current_snapshot()
        while at is not None:
            ancestors.add(at.snapshot_id)
            at = self._table.snapshot_by_id(at.parent_snapshot_id) if at.parent_snapshot_id is not None else None
        found = []
        for entry in self._table.history():
            snapshot = self._table.snapshot_by_id(entry.snapshot_id)
            parent = snapshot.parent_snapshot_id if snapshot else None
            found.append((_moment(entry.timestamp_ms), entry.snapshot_id, parent, entry.snapshot_id in ancestors))
        return found

    def _snapshots(self) -> list[tuple[Any, ...]]:
        found = []
        for one in self._table.snapshots():
            summary = one.summary
            operation = summary.operation.value if summary else None
            told = list(summary.additional_properties.items()) if summary else []
            at = _moment(one.timestamp_ms)
            found.append((at, one.snapshot_id, one.parent_snapshot_id, operation, one.manifest_list, told))
        return found

    def _refs(self) -> list[tuple[Any, ...]]:
        return [
            (
                name, ref.snapshot_ref_type.value.upper(), ref.snapshot_id, ref.max_ref_age_ms,
                ref.min_snapshots_to_keep, ref.max_snapshot_age_ms,
            )
            for name, ref in self._table.refs().items()
        ]  # fmt: skip

    def _manifests(self) -> list[tuple[Any, ...]]:
        found = []
        for one in self._snapshot.manifests(self._table.io) if self._snapshot else []:
            spec = self._table.specs()[one.partition_spec_id]
            kinds = [field.field_type for field in spec.partition_type(self._table.schema()).fields]
            summaries = [
                {
                    "contains_null": part.contains_null,
                    "contains_nan": part.contains_nan,
                    "lower_bound": _bound(part.lower_bound, kind),
                    "upper_bound": _bound(part.upper_bound, kind),
                }
                for part, kind in zip(one.partitions or [], kinds, strict=False)
            ]
            found.append(
                (
                    one.manifest_path, one.manifest_length, one.partition_spec_id, one.added_snapshot_id,
                    one.added_files_count, one.added_rows_count, one.existing_files_count, one.existing_rows_count,
                    one.deleted_files_count, one.deleted_rows_count, summaries,
                )
            )  # fmt: skip
        return found

    def _files(self) -> list[tuple[Any, ...]]:
        kinds = {number: self._table.schema().find_type(number) for number in self._table.schema().field_ids}
        return [
            (
                int(file.content), file.file_path, file.file_format.value, file.record_count, file.file_size_in_bytes,
                _pairs(file.column_sizes), _pairs(file.value_counts), _pairs(file.null_value_counts),
                _pairs(file.nan_value_counts), _bounds(file.lower_bounds, kinds), _bounds(file.upper_bounds, kinds),
                file.key_metadata, file.split_offsets, file.equality_ids,
            )
            for file in self._data()
        ]  # fmt: skip

    def _partitions(self) -> list[tuple[Any, ...]]:
        names = [name for name, _ in self._parts()]
        sums: dict[tuple[Any, ...], list[int]] = {}
        for file in self._data():
            if int(file.content):
                continue
            spec = self._table.specs()[file.spec_id or 0]
            values = {part.name: file.partition[place] for place, part in enumerate(spec.fields)}
            whole = sums.setdefault(tuple(values.get(name) for name in names), [0, 0, 0])
            for place, count in enumerate((file.record_count, 1, file.file_size_in_bytes)):
                whole[place] += count
        return [(*([dict(zip(names, key, strict=True))] if names else []), *whole) for key, whole in sums.items()]

    def _parts(self) -> list[tuple[str, IcebergType]]:
        """The names and types of all ways in which the table is or was partitioned."""
        found: dict[str, IcebergType] = {}
        for spec in self._table.specs().values():
            for field in spec.partition_type(self._table.schema()).fields:
                found.setdefault(field.name, field.field_type)
        return list(found.items())

    def _data(self) -> list[DataFile]:
        manifests = self._snapshot.manifests(self._table.io) if self._snapshot else []
        return [entry.data_file for one in manifests for entry in one.fetch_manifest_entry(self._table.io)]


def _moment(timestamp_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(timestamp_ms / 1000, datetime.UTC).replace(tzinfo=None)


def _pairs(of: Any) -> list[tuple[int, int]] | None:
    return None if of is None else list(of.items())


def _bounds(of: Any, kinds: dict[int, IcebergType]) -> list[tuple[int, str | None]] | None:
    if of is None:
        return None
    return [(number, _bound(data, kinds[number])) for number, data in of.items() if number in kinds]


def _bound(data: bytes | None, kind: Any) -> str | None:
    if data is None:
        return None
    value = from_bytes(kind, data)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _physical(kind: Type) -> str:
    return "TIMESTAMP" if kind.name == "timestamp with time zone" else kind.duckdb()
