"""Columns of Spark that are made from columns of a dynamic frame: nested fields, casts, choices."""

from collections.abc import Callable
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakemill.glueetl import gluetypes
from lakemill.glueetl.gluetypes import ArrayType, ChoiceType, DataType, Field, MapType, StringType, StructType
from lakemill.glueetl.paths import ELEMENTS, Path

Typed = tuple[Column, DataType]
Change = Callable[[str, Column, DataType], list[tuple[str, Column, DataType]]]
"""What becomes of a field: nothing, or fields in its place."""
_COMPLEX = (StructType, ArrayType, MapType)


def column(name: str) -> Column:
    """A column by its very name, whatever characters it has."""
    return F.col("`" + name.replace("`", "``") + "`")


def all_of(schema: StructType) -> list[tuple[str, Column, DataType]]:
    return [(field.name, column(field.name), field.dataType) for field in schema]


def at(schema: StructType, path: Path) -> Typed:
    """The value at a path; for one that goes through an array, the array of them."""
    return _at(column(path[0]), schema.field_map[path[0]].dataType, path[1:])


def _at(value: Column, type: DataType, path: Path) -> Typed:
    if not path:
        return value, type
    if isinstance(type, ChoiceType):
        name = "array" if path[0] == ELEMENTS else "struct"
        return _at(value[name], type.choices[name], path)
    if path[0] == ELEMENTS:
        assert isinstance(type, ArrayType)
        inner = type.elementType
        found = {"type": inner}

        def element(one: Column) -> Column:
            made, found["type"] = _at(one, inner, path[1:])
            return made

        values = F.transform(value, element)
        return values, ArrayType(found["type"])
    assert isinstance(type, StructType)
    return _at(value[path[0]], type.field_map[path[0]].dataType, path[1:])


def changed(
    fields: list[tuple[str, Column, DataType]], path: Path, change: Change
) -> list[tuple[str, Column, DataType]]:
    """Fields, with others in the place of the one that a path leads to."""
    made = []
    for name, value, type in fields:
        if name != path[0]:
            made.append((name, value, type))
        elif len(path) == 1:
            made += change(name, value, type)
        else:
            made.append((name, *_inside(value, type, path[1:], change)))
    return made


def _inside(value: Column, type: DataType, path: Path, change: Change) -> Typed:
    if isinstance(type, ChoiceType):
        chosen = "array" if path[0] == ELEMENTS else "struct"
        parts = [(name, value[name], one) for name, one in type.choices.items()]
        made = [(n, *_inside(v, t, path, change)) if n == chosen else (n, v, t) for n, v, t in parts]
        return struct(made, value), ChoiceType(one for _, _, one in made)
    if path[0] == ELEMENTS:
        assert isinstance(type, ArrayType)
        inner, found = type.elementType, {"type": type.elementType}

        def element(one: Column) -> Column:
            if len(path) == 1:
                (_, made, found["type"]), *_ = change("element", one, inner)
            else:
                made, found["type"] = _inside(one, inner, path[1:], change)
            return made

        values = F.transform(value, element)
        return values, ArrayType(found["type"])
    assert isinstance(type, StructType)
    parts = changed([(field.name, value[field.name], field.dataType) for field in type], path, change)
    return struct(parts, value), StructType(Field(name, one) for name, _, one in parts)


def struct(fields: list[tuple[str, Column, DataType]], source: Column | None = None) -> Column:
    """A struct of fields; null where the source is."""
    made = (
        F.struct(*[value.alias(name) for name, value, _ in fields]) if fields else F.struct(F.lit(None).alias("empty"))
    )
    return made if source is None else F.when(source.isNotNull(), made)


def cast(value: Column, type: DataType, target: DataType) -> Column:
    """As another type; null where that cannot be."""
    if type == target:
        return value
    if isinstance(type, ChoiceType):
        order = sorted(type.choices.items(), key=lambda one: one[1] != target)
        return F.coalesce(*[cast(value[name], one, target) for name, one in order])
    if isinstance(target, StringType) and isinstance(type, _COMPLEX):
        return F.to_json(value)
    wanted: Any = gluetypes.to_spark(target)
    if isinstance(target, _COMPLEX) and type.typeName() == target.typeName():
        return value.cast(wanted)
    if isinstance(target, _COMPLEX) or isinstance(type, _COMPLEX):
        return null(target)
    return value.try_cast(wanted)


def null(type: DataType) -> Column:
    return F.lit(None).cast(gluetypes.to_spark(type))


def nothing() -> Column:
    """What a frame without fields has in Spark, which knows no such frames."""
    return F.lit(None).cast("string").alias("empty")


def flat(fields: list[tuple[str, Column, DataType]], prefix: str = "") -> list[tuple[str, Column, DataType]]:
    """Fields of structs as fields beside the others, named by their paths: `address.city`."""
    made = []
    for name, value, type in fields:
        whole = f"{prefix}{name}"
        if isinstance(type, StructType):
            made += flat([(field.name, value[field.name], field.dataType) for field in type], f"{whole}.")
        else:
            made.append((whole, value, type))
    return made
