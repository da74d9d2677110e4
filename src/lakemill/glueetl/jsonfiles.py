"""JSON files as Parquet, with a choice where records differ: DuckDB says which structures there are, and extracts."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb

from lakemill.glueetl import gluetypes, inference
from lakemill.glueetl.gluetypes import (
    ArrayType,
    BooleanType,
    ChoiceType,
    DataType,
    DoubleType,
    Field,
    IntegerType,
    LongType,
    NullType,
    StringType,
    StructType,
)

RECORD_BYTES_MAX = 256 << 20
_LONG_DIGITS = 10
"""An integer of fewer digits is an int."""
_SQL = {"int": "INTEGER", "long": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR"}
_KINDS = {
    "int": ("UBIGINT", "BIGINT"),
    "long": ("UBIGINT", "BIGINT"),
    "double": ("DOUBLE",),
    "boolean": ("BOOLEAN",),
    "string": ("VARCHAR",),
    "array": ("ARRAY",),
    "struct": ("OBJECT",),
}
"""What json_type says of a value of each type."""


def convert(files: list[Path], path: str | None, target: Path) -> StructType:
    """Write the records of JSON files as one Parquet file; their schema.

    path: a JsonPath that leads to the records, `$.rows[*]`. Raises ValueError for what is no JSON.
    """
    with duckdb.connect() as connection:
        try:
            _load(connection, files, path)
            schema = _schema(connection)
            rows = _rows(schema)
            connection.execute(f"COPY ({rows}) TO '{_text(str(target))}' (FORMAT parquet, COMPRESSION snappy)")
        except duckdb.Error as error:
            raise ValueError(f"The JSON cannot be read: {error}") from error
    return schema


def _rows(schema: StructType) -> str:
    """SQL that makes columns of records: those without choices all at once."""
    plain = {field.name: _structure(field.dataType) for field in schema if not gluetypes.has_choice(field.dataType)}
    columns = [
        f"{f't.{_name(field.name)}' if field.name in plain else _value(field.dataType, _member('j', field.name))} "
        f"AS {_name(field.name)}"
        for field in schema
    ]
    transformed = f", json_transform(j, '{_text(json.dumps(plain))}') AS t" if plain else ""
    return f"SELECT {', '.join(columns) or 'NULL::VARCHAR AS empty'} FROM (SELECT j{transformed} FROM records)"


def _structure(type: DataType) -> Any:
    """A type as json_transform takes it."""
    if isinstance(type, StructType):
        return {field.name: _structure(field.dataType) for field in type}
    return [_structure(type.elementType)] if isinstance(type, ArrayType) else _SQL[type.typeName()]


def _load(connection: duckdb.DuckDBPyConnection, files: list[Path], path: str | None) -> None:
    names = ", ".join(f"'{_text(str(file))}'" for file in files)
    found = f"read_json_objects([{names}], format = 'auto', maximum_object_size = {RECORD_BYTES_MAX})"
    record = "json" if path in (None, "", "$", "$[*]") else _selected(str(path))
    connection.execute(f"CREATE TABLE records AS SELECT {record} AS j FROM {found}")
    connection.execute("DELETE FROM records WHERE j IS NULL OR json_type(j) <> 'OBJECT'")


def _selected(path: str) -> str:
    """The records of a document by their path."""
    text = f"json_extract(json, '{_text(path)}')"
    return f"unnest({text})" if "*" in path else text


def _schema(connection: duckdb.DuckDBPyConnection) -> StructType:
    rows = connection.execute(
        "SELECT json_structure(j)::VARCHAR AS s, min(rowid) AS first FROM records GROUP BY s ORDER BY first"
    ).fetchall()
    has_long = connection.execute(f"SELECT bool_or(regexp_matches(j, '[0-9]{{{_LONG_DIGITS},}}')) FROM records")
    integers: DataType = LongType() if (has_long.fetchone() or [False])[0] else IntegerType()
    reader = _Structures(connection, integers)
    found = inference.all_merged(reader.type(json.loads(text), "$") for text, _ in rows)
    schema = inference.without_nulls(found)
    assert isinstance(schema, StructType) or not rows
    return _narrowed(connection, schema) if isinstance(schema, StructType) else StructType()


class _Structures:
    """Types of what json_structure says. integers: the type of one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, integers: DataType) -> None:
        self._connection, self._integers = connection, integers
        self._mixed: dict[str, DataType] = {}

    def type(self, structure: Any, path: str) -> DataType:
        if isinstance(structure, dict):
            return StructType(Field(name, self.type(part, _step(path, name))) for name, part in structure.items())
        if isinstance(structure, list):
            return ArrayType(self.type(structure[0], f"{path}[*]") if structure else NullType())
        if structure == "JSON":
            return self._elements(path)
        simple = {"NULL": NullType(), "DOUBLE": DoubleType(), "BOOLEAN": BooleanType(), "VARCHAR": StringType()}
        return simple.get(structure, self._integers)

    def _elements(self, path: str) -> DataType:
        """The type of elements of arrays, or of fields of these, that differ within one record."""
        if path not in self._mixed:
            self._mixed[path] = NullType()
            found = f"json_extract(j, '{_text(path)}')"
            values = f"SELECT {f'unnest({found})' if '*' in path else found} AS v FROM records"
            rows = self._connection.execute(f"SELECT DISTINCT json_structure(v)::VARCHAR FROM ({values})").fetchall()
            self._mixed[path] = inference.all_merged(self.type(json.loads(text), path) for (text,) in rows if text)
        return self._mixed[path]


def _narrowed(connection: duckdb.DuckDBPyConnection, schema: StructType) -> StructType:
    """Columns of integers that all are ints are ints, though others are not."""
    names = [field.name for field in schema if isinstance(field.dataType, LongType)]
    if not names:
        return schema
    columns = ", ".join(f"max(abs(TRY_CAST(j->>'{_text(_step('$', name))}' AS HUGEINT)))" for name in names)
    most = dict(zip(names, connection.execute(f"SELECT {columns} FROM records").fetchone() or (), strict=True))
    return StructType(
        Field(field.name, IntegerType())
        if field.name in most and (most[field.name] or 0) <= inference.INTEGER_MAX
        else field
        for field in schema
    )


def _value(type: DataType, source: str) -> str:
    """SQL that takes a value of a type out of JSON."""
    if isinstance(type, ChoiceType):
        parts = [f"{_name(name)} := {_if(name, _value(one, source), source)}" for name, one in type.choices.items()]
        return f"CASE WHEN json_type({source}) <> 'NULL' THEN struct_pack({', '.join(parts)}) END"
    if isinstance(type, StructType):
        if not type.fields:
            return f"CASE WHEN json_type({source}) = 'OBJECT' THEN struct_pack(empty := NULL::VARCHAR) END"
        parts = [f"{_name(field.name)} := {_value(field.dataType, _member(source, field.name))}" for field in type]
        return f"CASE WHEN json_type({source}) = 'OBJECT' THEN struct_pack({', '.join(parts)}) END"
    if isinstance(type, ArrayType):
        elements = f"list_transform(json_extract({source}, '$[*]'), lambda x: {_value(type.elementType, 'x')})"
        return f"CASE WHEN json_type({source}) = 'ARRAY' THEN {elements} END"
    return f"TRY_CAST(json_extract_string({source}, '$') AS {_SQL[type.typeName()]})"


def _if(name: str, value: str, source: str) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS[name])
    return f"CASE WHEN json_type({source}) IN ({kinds}) THEN {value} END"


def _member(source: str, name: str) -> str:
    return f"json_extract({source}, '{_text(_step('$', name))}')"


def _step(path: str, name: str) -> str:
    return f'{path}."{name}"'


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return re.sub("'", "''", text)
