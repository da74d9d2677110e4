"""Values of Parquet files as values of a column: found by field id inside of structs, widened where the table was."""

from typing import Any

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.io.pyarrow import schema_to_pyarrow

from lakemill.lakesql.iceberg import schemas
from lakemill.lakesql.scans import sql

_ID = b"PARQUET:field_id"


def id_of(field: pa.Field) -> int | None:
    """The id that a file gives a column."""
    number = (field.metadata or {}).get(_ID)
    return None if number is None else int(number)


def duckdb(kind: iceberg.IcebergType, outermost: bool = False) -> str:
    """What values are in DuckDB; a moment that is a column is one of UTC, whose zone the query adds."""
    if outermost and isinstance(kind, iceberg.TimestamptzType):
        return "TIMESTAMP"
    return schemas.type_of(kind).duckdb()


def value(term: str, there: pa.DataType, kind: iceberg.IcebergType, outermost: bool = False) -> str:
    """An expression for a value of a file (`term`, as Arrow sees it) as one of the column."""
    if isinstance(kind, iceberg.TimestamptzType):
        moment = f"timezone('UTC', CAST({term} AS TIMESTAMPTZ))"
        return moment if outermost else f"CASE WHEN {term} IS NOT NULL THEN {{'t': {moment}, 'z': 'UTC'}} END"
    if _alike(there, kind):
        return term
    if isinstance(kind, iceberg.StructType):
        inside = {id_of(field): field for field in there}
        parts = []
        for field in kind.fields:
            found = inside.get(field.field_id)
            of = f"struct_extract({term}, {sql.text(found.name)})" if found is not None else ""
            made = value(of, found.type, field.field_type) if found is not None else f"NULL::{duckdb(field.field_type)}"
            parts.append(f"{sql.text(field.name.lower())}: {made}")
        return f"CASE WHEN {term} IS NOT NULL THEN {{{', '.join(parts)}}} END"
    if isinstance(kind, iceberg.ListType):
        name = _variable(kind.element_id)
        return f"list_transform({term}, LAMBDA {name} : {value(name, there.value_type, kind.element_type)})"
    if isinstance(kind, iceberg.MapType):
        name = _variable(kind.key_id)
        key = value(f"{name}.key", there.key_type, kind.key_type)
        item = value(f"{name}.value", there.item_type, kind.value_type)
        entries = f"list_transform(map_entries({term}), LAMBDA {name} : {{'key': {key}, 'value': {item}}})"
        return f"CASE WHEN {term} IS NOT NULL THEN map_from_entries({entries}) END"
    return f"CAST({term} AS {duckdb(kind)})"


def stored(term: str, kind: iceberg.IcebergType) -> str:
    """An expression for a value of a query as one that is written: moments with a zone as moments of UTC."""
    if isinstance(kind, iceberg.TimestamptzType):
        return f"timezone('UTC', ({term}).t)"
    if isinstance(kind, iceberg.StructType) and _zoned(kind):
        parts = []
        for field in kind.fields:
            name = sql.text(field.name.lower())
            parts.append(f"{sql.text(field.name)}: {stored(f'struct_extract({term}, {name})', field.field_type)}")
        return f"CASE WHEN {term} IS NOT NULL THEN {{{', '.join(parts)}}} END"
    if isinstance(kind, iceberg.ListType) and _zoned(kind):
        name = _variable(kind.element_id)
        return f"list_transform({term}, LAMBDA {name} : {stored(name, kind.element_type)})"
    if isinstance(kind, iceberg.MapType) and _zoned(kind):
        name = _variable(kind.key_id)
        key, item = stored(f"{name}.key", kind.key_type), stored(f"{name}.value", kind.value_type)
        entries = f"list_transform(map_entries({term}), LAMBDA {name} : {{'key': {key}, 'value': {item}}})"
        return f"CASE WHEN {term} IS NOT NULL THEN map_from_entries({entries}) END"
    return f"CAST({term} AS {duckdb(kind)})"


def ids(kind: iceberg.IcebergType, own: int) -> str:
    """The field ids of a column as DuckDB's Parquet writer takes them.

    >>> ids(iceberg.ListType(3, iceberg.LongType()), 1)
    '{__duckdb_field_id: 1, element: 3}'
    """
    parts = [f"__duckdb_field_id: {own}"]
    if isinstance(kind, iceberg.StructType):
        parts += [f"{sql.name(field.name)}: {ids(field.field_type, field.field_id)}" for field in kind.fields]
    elif isinstance(kind, iceberg.ListType):
        parts.append(f"element: {ids(kind.element_type, kind.element_id)}")
    elif isinstance(kind, iceberg.MapType):
        parts.append(f"key: {ids(kind.key_type, kind.key_id)}")
        parts.append(f"value: {ids(kind.value_type, kind.value_id)}")
    else:
        return str(own)
    return "{" + ", ".join(parts) + "}"


def literal(constant: Any, kind: iceberg.IcebergType) -> str:
    """A constant of PyIceberg's metadata: days and microseconds are numbers there."""
    if constant is None:
        return "NULL"
    if isinstance(kind, iceberg.DateType) and isinstance(constant, int):
        return f"(DATE '1970-01-01' + {constant})"
    if isinstance(kind, iceberg.TimestampType | iceberg.TimestamptzType) and isinstance(constant, int):
        return f"make_timestamp({constant})"
    if isinstance(constant, bytes):
        return f"unhex('{constant.hex()}')"
    return sql.text(str(constant).lower() if isinstance(constant, bool) else str(constant))


def _alike(there: pa.DataType, kind: iceberg.IcebergType) -> bool:
    """Whether a value needs no change."""
    if isinstance(kind, iceberg.StructType):
        if not pa.types.is_struct(there) or len(there) != len(kind.fields):
            return False
        return all(
            id_of(one) == field.field_id
            and one.name.lower() == field.name.lower()
            and _alike(one.type, field.field_type)
            for one, field in zip(there, kind.fields, strict=True)
        )
    if isinstance(kind, iceberg.ListType):
        return pa.types.is_list(there) and _alike(there.value_type, kind.element_type)
    if isinstance(kind, iceberg.MapType):
        return (
            pa.types.is_map(there)
            and _alike(there.key_type, kind.key_type)
            and _alike(there.item_type, kind.value_type)
        )
    if isinstance(kind, iceberg.TimestamptzType):
        return False
    if isinstance(kind, iceberg.StringType):
        return pa.types.is_string(there) or pa.types.is_large_string(there)
    if isinstance(kind, iceberg.BinaryType | iceberg.FixedType):
        return pa.types.is_binary(there) or pa.types.is_large_binary(there)
    return bool(there == schema_to_pyarrow(kind))


def _zoned(kind: iceberg.IcebergType) -> bool:
    return "timestamptz" in str(kind)


def _variable(number: int) -> str:
    return f"e{number}_"
