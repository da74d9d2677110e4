"""What becomes of choices: DynamicFrame.resolveChoice.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html
"""

import functools
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakemill.glueetl import columns, gluetypes, paths
from lakemill.glueetl.columns import Typed
from lakemill.glueetl.gluetypes import ArrayType, ChoiceType, DataType, Field, StructType

Fields = list[tuple[str, Column, DataType]]
ACTIONS = "cast:type, make_cols, make_struct, project:type, match_catalog"


class ActionUnknown(ValueError):
    """resolveChoice does not know what it is to do."""


def by_specs(schema: StructType, specs: Sequence[tuple[str, str]]) -> Fields:
    """Fields after actions on some of them. Raises ActionUnknown, FieldMissing."""
    found = columns.all_of(schema)
    for path, action in specs:
        now = StructType(Field(name, type) for name, _, type in found)
        place = paths.of(now, path)
        found = columns.changed(found, place, functools.partial(_done, action=action))
    return found


def everywhere(schema: StructType, action: str) -> Fields:
    """Fields after one action on all choices."""
    found: Fields = []
    for name, value, type in columns.all_of(schema):
        found += _all_in(name, value, type, action)
    return found


def matched(schema: StructType, catalog: StructType) -> Fields:
    """Fields as a table of the catalog has them; those it does not have stay, if they are no choice."""
    types = {field.name.lower(): field.dataType for field in catalog}
    found: Fields = []
    for name, value, type in columns.all_of(schema):
        target = types.get(name.lower())
        if target is not None:
            found.append((name, *_fitted(value, type, target)))
        elif not isinstance(type, ChoiceType):
            found.append((name, value, type))
    return found


def _fitted(value: Column, type: DataType, target: DataType) -> Typed:
    """A value as the catalog's type, part by part."""
    if isinstance(type, StructType) and isinstance(target, StructType):
        there = {field.name.lower(): field for field in type}
        parts = []
        for field in target:
            old = there.get(field.name.lower())
            part = (
                columns.null(field.dataType)
                if old is None
                else _fitted(value[old.name], old.dataType, field.dataType)[0]
            )
            parts.append((field.name, part, field.dataType))
        return columns.struct(parts, value), target
    return columns.cast(value, type, target), target


def _all_in(name: str, value: Column, type: DataType, action: str) -> Fields:
    if isinstance(type, ChoiceType):
        return _done(name, value, type, action)
    if isinstance(type, StructType):
        parts: Fields = []
        for field in type:
            parts += _all_in(field.name, value[field.name], field.dataType, action)
        if [(part, kind) for part, _, kind in parts] == [(field.name, field.dataType) for field in type]:
            return [(name, value, type)]
        made = StructType(Field(part, kind) for part, _, kind in parts)
        return [(name, columns.struct(parts, value), made)]
    if isinstance(type, ArrayType) and gluetypes.has_choice(type.elementType):
        found: Fields = []

        def element(one: Column) -> Column:
            found[:] = _all_in("element", one, type.elementType, action)
            if len(found) == 1:
                return found[0][1]
            return columns.struct(found, one)

        made_array = F.transform(value, element)
        inner = found[0][2] if len(found) == 1 else StructType(Field(part, kind) for part, _, kind in found)
        return [(name, made_array, ArrayType(inner))]
    return [(name, value, type)]


def _done(name: str, value: Column, type: DataType, action: str) -> Fields:
    kind, _, argument = action.partition(":")
    if kind == "cast" and argument:
        target = gluetypes.named(argument)
        return [(name, columns.cast(value, type, target), target)]
    if kind == "make_struct":
        if isinstance(type, ChoiceType):
            return [(name, value, StructType(Field(one, inner) for one, inner in type.choices.items()))]
        return [(name, value, type)]
    if kind == "make_cols":
        if isinstance(type, ChoiceType):
            return [(f"{name}_{one}", value[one], inner) for one, inner in type.choices.items()]
        return [(name, value, type)]
    if kind == "project" and argument:
        return [(name, *_projected(value, type, gluetypes.named(argument)))]
    raise ActionUnknown(f"resolveChoice takes {ACTIONS}; got {action}.")


def _projected(value: Column, type: DataType, target: DataType) -> Typed:
    """Values of one type only; others are null."""
    if isinstance(type, ChoiceType):
        found = type.choices.get(target.typeName())
        return (columns.null(target), target) if found is None else (value[target.typeName()], found)
    return (value, type) if type.typeName() == target.typeName() else (columns.null(target), target)
