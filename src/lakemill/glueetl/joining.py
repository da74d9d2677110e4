"""Frames put together: join, union, merge by keys."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl import columns, gluetypes, inference, paths
from lakemill.glueetl.gluetypes import ChoiceType, DataType, Field, NullType, StructType

_RIGHT = "lakemill right "
_KEY = "lakemill key "


def joined(
    left: tuple[DataFrame, StructType, list[str]], right: tuple[DataFrame, StructType, list[str]]
) -> tuple[DataFrame, StructType]:
    """Rows whose values at paths are equal, with the fields of both. Raises ValueError."""
    (first, first_schema, first_paths), (second, second_schema, second_paths) = left, right
    if len(first_paths) != len(second_paths) or not first_paths:
        raise ValueError("join needs as many paths of the one frame as of the other.")
    renamed = second.select([columns.column(field.name).alias(f"{_RIGHT}{field.name}") for field in second_schema])
    moved = StructType(Field(f"{_RIGHT}{field.name}", field.dataType) for field in second_schema)
    conditions = []
    for one, other in zip(first_paths, second_paths, strict=True):
        here = columns.at(first_schema, paths.of(first_schema, one))
        path = paths.of(second_schema, other)
        there = columns.at(moved, (f"{_RIGHT}{path[0]}", *path[1:]))
        conditions.append(_equal(here, there))
    on = conditions[0]
    for condition in conditions[1:]:
        on = on & condition
    names = {field.name for field in first_schema}
    fields = columns.all_of(first_schema)
    for field in second_schema:
        name = field.name
        while name in names:
            name = f".{name}"
        names.add(name)
        fields.append((name, columns.column(f"{_RIGHT}{field.name}"), field.dataType))
    made = first.join(renamed, on, "inner").select([value.alias(name) for name, value, _ in fields])
    return made, StructType(Field(name, type) for name, _, type in fields)


def united(frames: Sequence[tuple[DataFrame, StructType]]) -> tuple[DataFrame, StructType]:
    """The rows of all, with the fields of all."""
    whole = inference.all_merged(schema for _, schema in frames)
    assert isinstance(whole, StructType)
    made = [frame.select(*_fitted(schema, whole)) for frame, schema in frames]
    result = made[0]
    for one in made[1:]:
        result = result.unionAll(one)
    return result, whole


def merged(
    source: tuple[DataFrame, StructType, list[paths.Path]], stage: tuple[DataFrame, StructType, list[paths.Path]]
) -> tuple[DataFrame, StructType]:
    """The stage's rows, and those of the source whose keys the stage does not have."""
    (first, first_schema, first_keys), (second, second_schema, second_keys) = source, stage
    keys = [columns.at(second_schema, path)[0].alias(f"{_KEY}{n}") for n, path in enumerate(second_keys)]
    there = second.select(*keys).distinct()
    on = None
    for number, path in enumerate(first_keys):
        one = columns.at(first_schema, path)[0] == columns.column(f"{_KEY}{number}")
        on = one if on is None else on & one
    kept = first.join(there, on, "left_anti")
    return united([(kept, first_schema), (second, second_schema)])


def _equal(here: columns.Typed, there: columns.Typed) -> Column:
    """Values are compared as the second's type, choices by their text."""
    if isinstance(here[1], ChoiceType) or isinstance(there[1], ChoiceType):
        text = gluetypes.StringType()
        return columns.cast(*here, text) == columns.cast(*there, text)
    return here[0] == there[0]


def _fitted(schema: StructType, whole: StructType) -> list[Column]:
    there = schema.field_map
    made = []
    for field in whole:
        old = there.get(field.name)
        value = (
            columns.null(field.dataType)
            if old is None
            else fitted(columns.column(field.name), old.dataType, field.dataType)
        )
        made.append(value.alias(field.name))
    return made


def fitted(value: Column, type: DataType, whole: DataType) -> Column:
    """A value as a merged type, of which its own is a part."""
    if type == whole:
        return value
    if isinstance(type, NullType):
        return columns.null(whole)
    if isinstance(whole, ChoiceType):
        return _chosen(value, type, whole)
    if isinstance(whole, StructType) and isinstance(type, StructType):
        there = type.field_map
        parts = [
            (
                field.name,
                columns.null(field.dataType)
                if field.name not in there
                else fitted(value[field.name], there[field.name].dataType, field.dataType),
                field.dataType,
            )
            for field in whole
        ]
        return columns.struct(parts, value)
    if isinstance(whole, gluetypes.ArrayType) and isinstance(type, gluetypes.ArrayType):
        return F.transform(value, lambda one: fitted(one, type.elementType, whole.elementType))
    return columns.cast(value, type, whole)


def _chosen(value: Column, type: DataType, whole: ChoiceType) -> Column:
    given = type.choices if isinstance(type, ChoiceType) else {type.typeName(): type}
    parts = []
    for name, one in whole.choices.items():
        source = next(
            (there for there, kind in given.items() if there == name or inference.merged(kind, one) == one), None
        )
        if source is None:
            parts.append((name, columns.null(one), one))
        else:
            inside = value[source] if isinstance(type, ChoiceType) else value
            parts.append((name, fitted(inside, given[source], one), one))
    return columns.struct(parts, value)
