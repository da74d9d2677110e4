"""Columns and types of Iceberg, as queries and the catalog call them.

>>> str(of_hive("array<struct<a:int,b:timestamp>>", iter(range(2, 9))))
'list<struct<3: a: optional int, 4: b: optional timestamp>>'
"""

import itertools
from collections.abc import Iterator, Sequence

from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from lakemill.lakesql import types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type

TIMESTAMP, TIMESTAMP_TZ, TIME = Type("timestamp", (6,)), Type("timestamp with time zone", (6,)), Type("time", (6,))
_OF: dict[type, Type] = {
    iceberg.BooleanType: types.BOOLEAN,
    iceberg.IntegerType: types.INTEGER,
    iceberg.LongType: types.BIGINT,
    iceberg.FloatType: types.REAL,
    iceberg.DoubleType: types.DOUBLE,
    iceberg.DateType: types.DATE,
    iceberg.TimeType: TIME,
    iceberg.TimestampType: TIMESTAMP,
    iceberg.TimestamptzType: TIMESTAMP_TZ,
    iceberg.StringType: types.VARCHAR,
    iceberg.BinaryType: types.VARBINARY,
    iceberg.FixedType: types.VARBINARY,
}
_TO: dict[str, iceberg.PrimitiveType] = {
    "boolean": iceberg.BooleanType(),
    "tinyint": iceberg.IntegerType(),
    "smallint": iceberg.IntegerType(),
    "integer": iceberg.IntegerType(),
    "bigint": iceberg.LongType(),
    "real": iceberg.FloatType(),
    "double": iceberg.DoubleType(),
    "date": iceberg.DateType(),
    "time": iceberg.TimeType(),
    "timestamp": iceberg.TimestampType(),
    "timestamp with time zone": iceberg.TimestamptzType(),
    "varchar": iceberg.StringType(),
    "varbinary": iceberg.BinaryType(),
}
_NAMES = {
    "long": "bigint",
    "timestamptz": "timestamp",
    "timestamp with time zone": "timestamp",
    "time": "string",
    "uuid": "string",
    "varbinary": "binary",
}


def type_of(kind: iceberg.IcebergType) -> Type:
    """The type that queries see. Raises SqlFailed for what Athena has no type for."""
    if isinstance(kind, iceberg.DecimalType):
        return types.decimal(kind.precision, kind.scale)
    if isinstance(kind, iceberg.StructType):
        return types.row(*((field.name.lower(), type_of(field.field_type)) for field in kind.fields))
    if isinstance(kind, iceberg.ListType):
        return types.array(type_of(kind.element_type))
    if isinstance(kind, iceberg.MapType):
        return types.mapping(type_of(kind.key_type), type_of(kind.value_type))
    found = _OF.get(type(kind))
    if found is None:
        raise SqlFailed("NOT_SUPPORTED", f"Iceberg's type {kind} is not supported")
    return found


def of_type(kind: Type, numbers: Iterator[int]) -> iceberg.IcebergType:
    """Iceberg's type for one of a query. numbers: for the fields in it. Raises SqlFailed."""
    if kind.name == "decimal":
        return iceberg.DecimalType(*kind.args)
    if kind.name == "row":
        fields = []
        for name, inner in kind.fields:
            if name is None:
                raise SqlFailed("NOT_SUPPORTED", f"Row type field does not have a name: {kind.trino()}")
            fields.append(iceberg.NestedField(next(numbers), name, of_type(inner, numbers), required=False))
        return iceberg.StructType(*fields)
    if kind.name == "array":
        number = next(numbers)
        return iceberg.ListType(number, of_type(kind.element, numbers), element_required=False)
    if kind.name == "map":
        key, value = next(numbers), next(numbers)
        inside = [of_type(one, numbers) for one in kind.args]
        return iceberg.MapType(key, inside[0], value, inside[1], value_required=False)
    found = _TO.get(kind.name)
    if found is None:
        raise SqlFailed("NOT_SUPPORTED", f"Type not supported for Iceberg: {kind.trino()}")
    return found


def of_hive(text: str, numbers: Iterator[int]) -> iceberg.IcebergType:
    """Iceberg's type for one of CREATE TABLE. Raises SqlFailed for those that Athena does not take."""
    kind = types.of_hive(text)
    for name in _names(kind):
        if name in ("tinyint", "smallint", "char"):
            raise SqlFailed("NOT_SUPPORTED", f"Type not supported for Iceberg: {name}")
    return of_type(kind, numbers)


def schema(columns: Sequence[tuple[str, iceberg.IcebergType, str]]) -> Schema:
    """name, type and comment of each."""
    fields = [
        iceberg.NestedField(number, name, kind, required=False, doc=comment or None)
        for number, (name, kind, comment) in enumerate(columns, 1)
    ]
    return Schema(*fields)


def inside(columns: int) -> Iterator[int]:
    """Numbers for the fields within the types of so many columns."""
    return itertools.count(columns + 1)


def hive(kind: iceberg.IcebergType) -> str:
    """As the catalog writes it.

    >>> hive(iceberg.ListType(3, iceberg.LongType()))
    'array<bigint>'
    """
    if isinstance(kind, iceberg.StructType):
        return f"struct<{','.join(f'{field.name}:{hive(field.field_type)}' for field in kind.fields)}>"
    if isinstance(kind, iceberg.ListType):
        return f"array<{hive(kind.element_type)}>"
    if isinstance(kind, iceberg.MapType):
        return f"map<{hive(kind.key_type)},{hive(kind.value_type)}>"
    if isinstance(kind, iceberg.DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    if isinstance(kind, iceberg.FixedType):
        return "binary"
    return _NAMES.get(str(kind), str(kind))


def _names(kind: Type) -> Iterator[str]:
    yield kind.name
    if kind.name == "row":
        for _, inner in kind.fields:
            yield from _names(inner)
    elif kind.name in ("array", "map"):
        for inner in kind.args:
            yield from _names(inner)
