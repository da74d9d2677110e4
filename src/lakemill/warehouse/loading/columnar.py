"""Parquet and ORC, by the place of columns: a column of a file goes into the column of the table at the same place."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.dialects.redshift.model import Column
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.streams import Stream
from lakemill.lakesql.types import Type
from lakemill.warehouse.loading import conversion, unpacking
from lakemill.warehouse.loading.conversion import Value
from lakemill.warehouse.loading.inputs import Relations
from lakemill.warehouse.loading.sources import Object, detail
from lakemill.warehouse.loading.statement import Copy

_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_NESTED = (pa.types.is_struct, pa.types.is_list, pa.types.is_large_list, pa.types.is_map)


def selects(relations: Relations, objects: list[Object], copy: Copy, columns: list[Column]) -> list[str]:
    """A SELECT of the values of all columns for the files of each schema. Raises SqlFailed for what does not fit."""
    alike: dict[pa.Schema, list[Object]] = {}
    for one in objects:
        alike.setdefault(_schema(one, copy), []).append(one)
    found = []
    for schema, some in alike.items():
        values = [value.strict() for value in _values(schema, some[0], copy, columns)]
        found.append(f"SELECT {', '.join(values)} FROM {_relation(relations, schema, some, copy)}")
    return found


def _schema(one: Object, copy: Copy) -> pa.Schema:
    try:
        if copy.format == "PARQUET":
            return pq.read_schema(one.path).remove_metadata()
        return pyarrow.orc.ORCFile(one.path).schema.remove_metadata()
    except (pa.ArrowException, OSError) as wrong:
        said = f"File '{one.uri}' is no valid {copy.format} file: {str(wrong).splitlines()[0]}"
        raise failed(said, 15001) from None


def failed(message: str, code: int) -> SqlFailed:
    """What is said of a file that does not fit."""
    return SqlFailed("XX000", f"Spectrum Scan Error. {message}", detail=detail(message, code))


def _relation(relations: Relations, schema: pa.Schema, some: list[Object], copy: Copy) -> str:
    columns = ", ".join(f"c{place}" for place in range(len(schema)))
    if copy.format == "PARQUET" and copy.replacement is None:
        paths = ", ".join(sql.text(one.path) for one in some)
        return f"read_parquet([{paths}], hive_partitioning = false) AS file ({columns})"
    named = pa.schema([pa.field(f"c{place}", field.type) for place, field in enumerate(schema)])
    return relations.add(Stream(named, lambda: _batches(some, named, copy)))


def _batches(some: list[Object], schema: pa.Schema, copy: Copy) -> Iterator[pa.RecordBatch]:
    for one in some:
        batches = pq.ParquetFile(one.path).iter_batches() if copy.format == "PARQUET" else _stripes(one)
        for batch in batches:
            columns = batch.columns
            if copy.replacement is not None:
                columns = [_repaired(column, copy.replacement) for column in columns]
            yield pa.record_batch(columns, schema=schema)


def _stripes(one: Object) -> Iterator[pa.RecordBatch]:
    file = pyarrow.orc.ORCFile(one.path)
    for stripe in range(file.nstripes):
        yield file.read_stripe(stripe)


def _repaired(column: pa.Array, replacement: str) -> pa.Array:
    """A column in which every text is UTF-8."""
    if not pa.types.is_string(column.type):
        return column
    try:
        column.validate(full=True)
        return column
    except pa.ArrowInvalid:
        texts = column.cast(pa.binary()).to_pylist()
        fixed = [None if one is None else unpacking.replaced(one, replacement).decode() for one in texts]
        return pa.array(fixed, pa.string())


def _values(schema: pa.Schema, one: Object, copy: Copy, columns: list[Column]) -> list[Value]:
    count = len(schema)
    if count > len(columns) or (count < len(columns) and "FILLRECORD" not in copy.given):
        said = (
            f"Unmatched number of columns between table and file. Table columns: {len(columns)}, Data columns: {count}"
        )
        raise failed(f"{said}, File name: {one.uri}", 15007)
    found = []
    for place, column in enumerate(columns):
        if place >= count:
            found.append(_checked(f"CAST(NULL AS {column.type.duckdb()})", column))
            continue
        field = schema.field(place)
        if not _fits(field.type, column.type, copy):
            said = (
                f"File '{one.uri}' has an incompatible {copy.format.capitalize()} schema for column '{field.name}'. "
                f"Column type: {names.shown(column.type).upper()}, {copy.format.capitalize()} schema: {field.type}"
            )
            raise failed(said, 15007)
        found.append(_value(f"c{place}", field.type, column, copy))
    return found


def _fits(there: pa.DataType, here: Type, copy: Copy) -> bool:
    t = pa.types
    if t.is_null(there):
        return True
    if here.name == "super":
        return not any(check(there) for check in _NESTED) or "SERIALIZETOJSON" in copy.given
    if here.name in _BITS:
        return t.is_integer(there) and there.bit_width + t.is_unsigned_integer(there) <= _BITS[here.name]
    if here.name == "decimal":
        return t.is_decimal(there) and there.scale == here.args[1] and there.precision <= here.args[0]
    if here.name in ("varchar", "char"):
        if any(check(there) for check in _NESTED):
            return "SERIALIZETOJSON" in copy.given
        return t.is_string(there) or t.is_large_string(there) or t.is_binary(there) or t.is_dictionary(there)
    kinds = {
        "boolean": t.is_boolean, "date": t.is_date, "timestamp": t.is_timestamp, "timestamptz": t.is_timestamp,
        "real": t.is_float32, "double": t.is_floating, "time": t.is_time, "varbyte": t.is_binary,
    }  # fmt: skip
    return here.name in kinds and kinds[here.name](there)


def _value(field: str, there: pa.DataType, column: Column, copy: Copy) -> Value:
    type = column.type
    nested = any(check(there) for check in _NESTED)
    if type.name in ("varchar", "char"):
        text = f"decode({field})" if pa.types.is_binary(there) else f"CAST({field} AS VARCHAR)"
        return conversion.value(f"CAST(to_json({field}) AS VARCHAR)" if nested else text, type, copy, column.not_null)
    if type.name == "super":
        return _checked(f"to_json({field})", column)
    if type.name == "varbyte" and type.args:
        problem = conversion.Problem(
            f"octet_length({field}) > {type.args[0]}", 1204, "'Varbyte length exceeds DDL length'"
        )
        return _checked(f"CAST({field} AS BLOB)", column, problem)
    if type.name == "timestamp" and pa.types.is_timestamp(there) and there.tz is not None:
        return _checked(f"CAST({field} AT TIME ZONE 'UTC' AS TIMESTAMP)", column)
    return _checked(f"CAST({field} AS {type.duckdb()})", column)


def _checked(value: str, column: Column, *problems: conversion.Problem) -> Value:
    if not column.not_null:
        return Value(value, problems)
    missing = conversion.Problem(f"({value}) IS NULL", 1213, "'Missing data for not-null field'")
    return Value(value, (*problems, missing))
