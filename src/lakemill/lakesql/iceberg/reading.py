"""A snapshot of a table as a view: the files that matter, their columns found by field id."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import fields, pruning, schemas
from lakemill.lakesql.iceberg.fileio import LakeIO, normal
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.scans.parquet import column_bytes
from lakemill.lakesql.types import Type

ROW_FILE, ROW_POSITION = "$row_file", "$row_position"
"""Columns of ours: the number of a row's file among those of the view, and its place in it, from 0."""
_HIDDEN = {"$path": "VARCHAR", "$file_size": "BIGINT", "$file_modified_time": "TIMESTAMP"}


@dataclasses.dataclass(frozen=True)
class _Local:
    """A file that is read. number: among all."""

    number: int
    file: DataFile
    path: str
    deletes: tuple[str, ...]
    schema: pa.Schema


class Scan:
    """snapshot: its id, or None for a table without any. tasks: by the view that was made of them."""

    def __init__(self, table: Table, io: LakeIO, snapshot: int | None, schema: Schema) -> None:
        self.table, self._io, self._snapshot, self.schema = table, io, snapshot, schema
        self.tasks: dict[str, list[FileScanTask]] = {}

    @property
    def columns(self) -> list[tuple[str, Type]]:
        """Raises SqlFailed."""
        return [(field.name.lower(), schemas.type_of(field.field_type)) for field in self.schema.fields]

    def make(self, use: TableUse, connection: duckdb.DuckDBPyConnection, meter: Meter) -> list[str]:
        """Make the view by which a statement uses the table; the files that DuckDB reads. Raises SqlFailed."""
        tasks = self.tasks[use.view] = self.planned(use)
        names = [name for name, _ in self.columns] if use.columns is None else use.columns
        return self.view(use.view, dict(enumerate(tasks)), names, connection, meter)

    def view(
        self, name: str, tasks: Mapping[int, FileScanTask], names: Sequence[str],
        connection: duckdb.DuckDBPyConnection, meter: Meter,
    ) -> list[str]:  # fmt: skip
        """Make a view of some files, which have numbers; the local ones that DuckDB reads. Raises SqlFailed."""
        local = self._local(tasks, names, meter)
        groups: dict[Any, list[_Local]] = {}
        for one in local:
            # Where a column hides DuckDB's number of the file, each file is read by itself.
            alone = one.number if _has(one.schema, "file_index") else None
            groups.setdefault((one.schema, one.deletes, alone), []).append(one)
        selects = [self._select(some, names) for some in groups.values()]
        selects = selects or [self._nothing(names)]
        connection.execute(f"CREATE TEMP VIEW {sql.name(name)} AS {' UNION ALL '.join(selects)}")
        return [path for one in local for path in (one.path, *one.deletes)]

    def planned(self, use: TableUse) -> list[FileScanTask]:
        """The files whose rows may meet the conditions. Raises SqlFailed for what cannot be read."""
        if self._snapshot is None:
            return []
        condition = pruning.expression(use.predicates, self.schema, self.table.schema())
        scan = self.table.scan(condition, snapshot_id=self._snapshot)
        try:
            tasks = list(scan.plan_files())
        except ValueError as wrong:
            if "equality deletes" not in str(wrong):
                raise
            name = ".".join(self.table.name())
            raise SqlFailed("NOT_SUPPORTED", f"{name} has equality deletes, which are not supported") from None
        for task in tasks:
            for file in (task.file, *task.delete_files):
                if file.file_format != FileFormat.PARQUET:
                    raise SqlFailed("NOT_SUPPORTED", f"Iceberg files of {file.file_format.value} are not supported")
        return tasks

    def _local(self, tasks: Mapping[int, FileScanTask], names: Sequence[str], meter: Meter) -> list[_Local]:
        self._io.paths(file.file_path for task in tasks.values() for file in (task.file, *task.delete_files))
        wanted = {field.field_id for field in self.schema.fields if field.name.lower() in names}
        found, counted = [], set()
        for number, task in tasks.items():
            (path,) = self._io.paths([task.file.file_path])
            deletes = tuple(sorted(self._io.paths(file.file_path for file in task.delete_files)))
            metadata = _metadata(path, task.file)
            schema = metadata.schema.to_arrow_schema()
            places = {place for place, field in enumerate(schema) if self._id(field) in wanted}
            sizes = column_bytes(metadata, schema)
            meter.add(sum(sizes[place] for place in places))
            for file in task.delete_files:
                if file.file_path not in counted:
                    counted.add(file.file_path)
                    meter.add(file.file_size_in_bytes)
            found.append(_Local(number, task.file, path, deletes, schema))
        return found

    def _id(self, field: pa.Field) -> int | None:
        """A column's field id; where a file has none, its name tells."""
        number = fields.id_of(field)
        if number is None:
            mapping = self.table.name_mapping()
            known = {name: one.field_id for one in mapping.root for name in one.names} if mapping else {}
            own = {one.name.lower(): one.field_id for one in self.schema.fields}
            number = known.get(field.name, own.get(field.name.lower()))
        return number

    def _select(self, files: Sequence[_Local], names: Sequence[str]) -> str:
        there = {self._id(field): field for field in files[0].schema}
        terms = []
        for field in self.schema.fields:
            if field.name.lower() not in names:
                continue
            inside = there.get(field.field_id)
            if inside is not None:
                value = fields.value(sql.name(inside.name), inside.type, field.field_type, outermost=True)
            else:
                value = self._absent(field, files)
            terms.append(f"{value} AS {sql.name(field.name.lower())}")
        terms += [f"{self._hidden(name, files)} AS {sql.name(name)}" for name in names if name.startswith("$")]
        paths = sql.texts([one.path for one in files])
        deletes = files[0].deletes
        if (deletes or ROW_POSITION in names) and _has(files[0].schema, "file_row_number"):
            message = "Changing rows of a table with a column file_row_number is not supported"
            raise SqlFailed("NOT_SUPPORTED", message)
        position = ", file_row_number = true" if deletes or ROW_POSITION in names else ""
        read = f"read_parquet({paths}, hive_partitioning = false{position})"
        made = f"SELECT {', '.join(terms) or '1 AS one'} FROM {read} AS f"
        if deletes:
            uri = _listed([sql.text(one.file.file_path) for one in files])
            gone = f"read_parquet({sql.texts(list(deletes))}, hive_partitioning = false)"
            made += (
                f" WHERE NOT EXISTS (SELECT 1 FROM {gone} AS d WHERE d.file_path = {uri} AND d.pos = f.file_row_number)"
            )
        return made

    def _absent(self, field: Any, files: Sequence[_Local]) -> str:
        """The value of a column that files do not have: a partition's, or the default of the table."""
        kind = fields.duckdb(field.field_type, outermost=True)
        values = [_partition_value(self.table, one.file, field) for one in files]
        if any(value is not None for value in values):
            return _listed([f"CAST({fields.literal(value, field.field_type)} AS {kind})" for value in values])
        return f"CAST({fields.literal(field.initial_default, field.field_type)} AS {kind})"

    def _hidden(self, name: str, files: Sequence[_Local]) -> str:
        if name == ROW_POSITION:
            return "f.file_row_number"
        if name == ROW_FILE:
            return _listed([str(one.number) for one in files])
        if name == "$path":
            return _listed([sql.text(normal(one.file.file_path)) for one in files])
        if name == "$file_size":
            return _listed([str(one.file.file_size_in_bytes) for one in files])
        moments = [self._io.modified_s(one.file.file_path) for one in files]
        return _listed([f"make_timestamp({moment * 1000000})" for moment in moments])

    def _nothing(self, names: Sequence[str]) -> str:
        kinds = {field.name.lower(): fields.duckdb(field.field_type, outermost=True) for field in self.schema.fields}
        kinds |= {ROW_FILE: "INTEGER", ROW_POSITION: "BIGINT", **_HIDDEN}
        terms = [f"NULL::{kinds[name]} AS {sql.name(name)}" for name in names]
        return f"SELECT {', '.join(terms) or '1 AS one'} WHERE false"


def _listed(values: Sequence[str]) -> str:
    """One value for each file."""
    if len(set(values)) == 1:
        return values[0]
    return f"([{', '.join(values)}])[CAST(f.file_index AS BIGINT) + 1]"


def _has(schema: pa.Schema, name: str) -> bool:
    return any(one.lower() == name for one in schema.names)


def _metadata(path: str, file: DataFile) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as wrong:
        raise SqlFailed("ICEBERG_BAD_DATA", f"Not valid Parquet file: {file.file_path}: {wrong}") from None


def _partition_value(table: Table, file: DataFile, field: Any) -> Any:
    spec = table.specs()[file.spec_id or 0]
    for place, part in enumerate(spec.fields):
        if part.source_id == field.field_id and str(part.transform) == "identity":
            return file.partition[place]
    return None
