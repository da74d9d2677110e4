"""Parts of frames: fields by paths, rows by comparisons."""

import operator
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column

from lakemill.glueetl import columns, paths
from lakemill.glueetl.gluetypes import DataType, Field, StructType

Fields = list[tuple[str, Column, DataType]]
_COMPARE = {
    **{"=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le},
    **{">": operator.gt, ">=": operator.ge},
}


def selected(fields: Fields, wanted: list[paths.Path]) -> Fields:
    """Fields that paths lead to, with the structs around them, in the order of the paths."""
    there = {name: (value, type) for name, value, type in fields}
    made: Fields = []
    for name in dict.fromkeys(path[0] for path in wanted):
        value, type = there[name]
        inner = [path[1:] for path in wanted if path[0] == name]
        if all(inner) and isinstance(type, StructType):
            parts = selected([(field.name, value[field.name], field.dataType) for field in type], inner)
            value, type = columns.struct(parts, value), StructType(Field(one, kind) for one, _, kind in parts)
        made.append((name, value, type))
    return made


def nested(fields: Fields, path: paths.Path, value: Column, type: DataType) -> Fields:
    """Fields, and one more at a path; structs on the way are made."""
    name, rest = path[0], path[1:]
    if not rest:
        return [*(field for field in fields if field[0] != name), (name, value, type)]
    parts: Fields = []
    for there, held, kind in fields:
        if there == name and isinstance(kind, StructType):
            parts = [(field.name, held[field.name], field.dataType) for field in kind]
    parts = nested(parts, rest, value, type)
    made = (name, columns.struct(parts), StructType(Field(one, kind) for one, _, kind in parts))
    return [*(field for field in fields if field[0] != name), made]


def comparison(schema: StructType, given: Mapping[str, Mapping[str, Any]]) -> Column:
    """All comparisons together. Raises ValueError."""
    found: Column | None = None
    for path, comparisons in given.items():
        value, _ = columns.at(schema, paths.of(schema, path))
        for sign, operand in comparisons.items():
            if sign not in _COMPARE:
                raise ValueError(f"split_rows compares by {', '.join(_COMPARE)}; got {sign}.")
            one = _COMPARE[sign](value, operand)
            found = one if found is None else found & one
    if found is None:
        raise ValueError("split_rows needs a comparison.")
    return found
