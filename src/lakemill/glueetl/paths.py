"""Fields by their paths: `address.city`, `links[].url`; a name that has a dot stands in backquotes."""

import re

from lakemill.glueetl.gluetypes import ArrayType, ChoiceType, DataType, StructType

ELEMENTS = "[]"
_PART = re.compile(r"`([^`]+)`|([^.`\[\]]+)|(\[\])")

Path = tuple[str, ...]
"""Names; `[]` goes from an array to its elements."""


class FieldMissing(ValueError):
    """The frame has no such field."""


def parse(text: str) -> Path:
    """
    >>> parse("links[].url"), parse("`a.b`.c")
    (('links', '[]', 'url'), ('a.b', 'c'))
    """
    return tuple(quoted or plain or elements for quoted, plain, elements in _PART.findall(text))


def of(schema: StructType, text: str) -> Path:
    """A field's path: a name in the schema, or names of fields in each other. Raises FieldMissing."""
    found = find(schema, text)
    if found is None:
        raise FieldMissing(f"Field {text} does not exist; there are {', '.join(schema.field_map)}.")
    return found


def find(schema: StructType, text: str) -> Path | None:
    """The same, or None."""
    whole = text.strip("`") if text.count("`") in (0, 2) else text
    if whole in schema.field_map:
        return (whole,)
    path = parse(text)
    return path if path and type_at(schema, path) is not None else None


def type_at(type: DataType, path: Path) -> DataType | None:
    """The type of what a path leads to; None if it leads nowhere."""
    for name in path:
        if isinstance(type, ChoiceType):
            type = type.choices.get("array" if name == ELEMENTS else "struct", type)
        if name == ELEMENTS:
            if not isinstance(type, ArrayType):
                return None
            type = type.elementType
        elif isinstance(type, StructType) and name in type.field_map:
            type = type.field_map[name].dataType
        else:
            return None
    return type


def quoted(path: Path) -> str:
    """As text again."""
    return ".".join(f"`{name}`" if "." in name else name for name in path).replace(".[]", "[]")
