"""Which type records have together: fields are joined, and what differs becomes a choice.

Integers that differ in width are not a choice but the wider one.
"""

import datetime
import decimal
from collections.abc import Iterable, Mapping
from typing import Any

from lakemill.glueetl.gluetypes import (
    ArrayType,
    BinaryType,
    BooleanType,
    ChoiceType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    Field,
    IntegerType,
    LongType,
    MapType,
    NullType,
    StringType,
    StructType,
    TimestampType,
)

INTEGER_MAX = 2**31 - 1
_INTEGERS = ("byte", "short", "int", "long")


def merged(first: DataType, second: DataType) -> DataType:
    """The type of a field that is of both.

    >>> merged(IntegerType(), StringType())
    ChoiceType([IntegerType(), StringType()])
    >>> merged(IntegerType(), LongType())
    LongType()
    """
    if isinstance(first, NullType) or first == second:
        return second
    if isinstance(second, NullType):
        return first
    if isinstance(first, ChoiceType) or isinstance(second, ChoiceType):
        return _choice([*_alternatives(first), *_alternatives(second)])
    return _of_one_kind(first, second) or ChoiceType([first, second])


def all_merged(types: Iterable[DataType]) -> DataType:
    """Null for none."""
    found: DataType = NullType()
    for type in types:
        found = merged(found, type)
    return found


def of_value(value: Any) -> DataType:
    """The type of a Python value. Raises TypeError.

    >>> of_value({"a": 1, "b": ["x"]})
    StructType([Field(a, IntegerType()), Field(b, ArrayType(StringType()))])
    """
    if value is None:
        return NullType()
    if isinstance(value, bool):
        return BooleanType()
    if isinstance(value, int):
        return IntegerType() if -INTEGER_MAX <= value <= INTEGER_MAX else LongType()
    if isinstance(value, Mapping):
        return StructType(Field(str(name), of_value(part)) for name, part in value.items())
    if isinstance(value, list | tuple | set):
        return ArrayType(all_merged(of_value(part) for part in value))
    for kind, type in _VALUES:
        if isinstance(value, kind):
            return type
    raise TypeError(f"A record cannot hold a {type_name(value)}.")


def shape(value: Any) -> Any:
    """What decides the type of a value; equal shapes have equal types. It is found faster than a type is made.

    >>> shape({"a": [1, 2]}) == shape({"a": [3]})
    True
    """
    kind = type(value)
    if kind is int:
        return kind if -INTEGER_MAX <= value <= INTEGER_MAX else "long"
    if isinstance(value, dict):
        return tuple([(name, shape(part)) for name, part in value.items()])
    if kind is list or kind is tuple or kind is set:
        return frozenset([shape(part) for part in value])
    return kind


def type_name(value: Any) -> str:
    return type(value).__name__


def without_nulls(type: DataType) -> DataType:
    """Fields of which nothing is known are strings."""
    if isinstance(type, NullType):
        return StringType()
    if isinstance(type, StructType):
        return StructType(Field(field.name, without_nulls(field.dataType)) for field in type.fields)
    if isinstance(type, ArrayType):
        return ArrayType(without_nulls(type.elementType))
    if isinstance(type, ChoiceType):
        return ChoiceType(without_nulls(choice) for choice in type.choices.values())
    if isinstance(type, MapType):
        return MapType(without_nulls(type.valueType), type.keyType)
    return type


def packed(value: Any, type: DataType) -> Any:
    """A value as its column holds it: one of a choice is under its type's name."""
    if value is None:
        return None
    if isinstance(type, ChoiceType):
        name = _chosen(of_value(value).typeName(), type)
        return {name: packed(value, type.choices[name])}
    if isinstance(type, StructType):
        return {field.name: packed(value.get(field.name), field.dataType) for field in type.fields}
    if isinstance(type, ArrayType):
        return [packed(part, type.elementType) for part in value]
    return value


def unpacked(value: Any, type: DataType) -> Any:
    """The value of what a column holds."""
    if value is None:
        return None
    if isinstance(type, ChoiceType):
        for name, part in value.items():
            if part is not None:
                return unpacked(part, type.choices[name])
        return None
    if isinstance(type, StructType):
        return {field.name: unpacked(value[field.name], field.dataType) for field in type.fields}
    if isinstance(type, ArrayType):
        return [unpacked(part, type.elementType) for part in value]
    if isinstance(type, MapType):
        return dict(value)
    return value


_VALUES: tuple[tuple[type, DataType], ...] = (
    (str, StringType()),
    (float, DoubleType()),
    (bytes, BinaryType()),
    (datetime.datetime, TimestampType()),
    (datetime.date, DateType()),
    (decimal.Decimal, DecimalType(38, 18)),
)


def _chosen(name: str, type: ChoiceType) -> str:
    if name in type.choices:
        return name
    return next((one for one in _INTEGERS if name in _INTEGERS and one in type.choices), next(iter(type.choices)))


def _alternatives(type: DataType) -> list[DataType]:
    return list(type.choices.values()) if isinstance(type, ChoiceType) else [type]


def _choice(types: list[DataType]) -> DataType:
    found: list[DataType] = []
    for type in types:
        for place, other in enumerate(found):
            if one := (other if other == type else _of_one_kind(other, type)):
                found[place] = one
                break
        else:
            found.append(type)
    return found[0] if len(found) == 1 else ChoiceType(found)


def _of_one_kind(first: DataType, second: DataType) -> DataType | None:
    """What both are if they differ in their parts only."""
    if isinstance(first, StructType) and isinstance(second, StructType):
        fields = {field.name: field.dataType for field in first.fields}
        for field in second.fields:
            fields[field.name] = merged(fields.get(field.name, NullType()), field.dataType)
        return StructType(Field(name, type) for name, type in fields.items())
    if isinstance(first, ArrayType) and isinstance(second, ArrayType):
        return ArrayType(merged(first.elementType, second.elementType))
    if isinstance(first, MapType) and isinstance(second, MapType):
        return MapType(merged(first.valueType, second.valueType), first.keyType)
    if isinstance(first, DecimalType) and isinstance(second, DecimalType):
        scale = max(first.scale, second.scale)
        return DecimalType(min(max(first.precision - first.scale, second.precision - second.scale) + scale, 38), scale)
    names = first.typeName(), second.typeName()
    if all(name in _INTEGERS for name in names):
        return first if _INTEGERS.index(names[0]) >= _INTEGERS.index(names[1]) else second
    return first if names[0] == names[1] else None
