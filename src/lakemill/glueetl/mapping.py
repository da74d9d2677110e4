"""apply_mapping: fields taken from where they are, as another type, to where they shall be."""

from collections.abc import Sequence
from typing import Any

from lakemill.glueetl import columns, gluetypes, paths
from lakemill.glueetl.gluetypes import ChoiceType, DataType, Field, StructType

Mapping = tuple[str, str, str, str]
"""Source, its type, target, its type."""


def applied(
    schema: StructType, mappings: Sequence[Any], *, case_sensitive: bool = False
) -> list[tuple[str, columns.Column, DataType]]:
    """The fields that mappings make, in their order; a source that is not there makes none. Raises ValueError."""
    tree: dict[str, Any] = {}
    for mapping in mappings:
        source, source_type, target, target_type = _whole(mapping)
        path = paths.find(schema, source)
        if path is None and not case_sensitive:
            path = _any_case(schema, source)
        if path is None:
            continue
        value, type = columns.at(schema, path)
        wanted = gluetypes.named(target_type) if target_type.lower() not in ("struct", "array", "choice") else type
        if isinstance(type, ChoiceType) and source_type.lower() in type.choices and source_type != target_type:
            value, type = value[source_type.lower()], type.choices[source_type.lower()]
        _grow(tree, _names(target), (columns.cast(value, type, wanted), wanted))
    return _fields(tree)


def _whole(mapping: Any) -> Mapping:
    """(source, target), (source, target, type) and the whole form all are allowed."""
    parts = [str(part) for part in mapping]
    if len(parts) == 2:
        return parts[0], "", parts[1], "choice"
    if len(parts) == 3:
        return parts[0], "", parts[1], parts[2]
    if len(parts) != 4:
        raise ValueError(f"A mapping is (source, source type, target, target type); got {mapping!r}.")
    return parts[0], parts[1], parts[2], parts[3]


def _any_case(schema: StructType, text: str) -> paths.Path | None:
    """A top-level field by its name in another case."""
    names = {field.name.lower(): field.name for field in schema}
    path = paths.parse(text)
    if path and path[0].lower() in names:
        found = (names[path[0].lower()], *path[1:])
        return found if paths.type_at(schema, found) is not None else None
    return None


def _names(target: str) -> paths.Path:
    return (target.strip("`"),) if "`" in target and target.count("`") == 2 else paths.parse(target)


def _grow(tree: dict[str, Any], path: paths.Path, leaf: columns.Typed) -> None:
    for name in path[:-1]:
        found = tree.setdefault(name, {})
        if not isinstance(found, dict):
            raise ValueError(f"Mappings make {name} both a field and a struct.")
        tree = found
    tree[path[-1]] = leaf


def _fields(tree: dict[str, Any]) -> list[tuple[str, columns.Column, DataType]]:
    made: list[tuple[str, columns.Column, DataType]] = []
    for name, part in tree.items():
        if isinstance(part, dict):
            parts = _fields(part)
            made.append((name, columns.struct(parts), StructType(Field(one, type) for one, _, type in parts)))
        else:
            made.append((name, *part))
    return made
