"""Types of values: of texts in CSV and log lines, and of what JSON, BSON and the like hold."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lakemill.formats.hive import Type
from lakemill.formats.schemas import STRING, VOID, merged, settled

INT_MAX, BIGINT_MAX = (1 << 31) - 1, (1 << 63) - 1
_INTEGER = re.compile(r"[+-]?\d{1,19}\Z")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z|[+-]?(?:NaN|Infinity)\Z")
_FIELD = re.compile(r"[A-Za-z0-9_.$\-]+\Z")
_NAMED = {name: Type(name) for name in ("int", "bigint", "double", "boolean", "binary", "timestamp", "date")}


def type_of_text(text: str) -> str:
    """`bigint`, `double` or `string`.

    >>> [type_of_text(one) for one in ("12", "-1.5e3", "1,5", "2024-01-31", "01234567890123456789")]
    ['bigint', 'double', 'string', 'string', 'double']
    """
    text = text.strip()
    if _INTEGER.match(text) and abs(int(text)) <= BIGINT_MAX:
        return "bigint"
    return "double" if _NUMBER.match(text) else "string"


def type_of_texts(texts: Iterable[str]) -> str:
    """The narrowest type that takes all of them; empty ones say nothing. Only empty ones make a string."""
    found = ""
    for text in texts:
        if not text.strip():
            continue
        kind = type_of_text(text)
        if kind == "string":
            return kind
        found = kind if found in ("", kind) else "double"
    return found or "string"


def type_of(value: Any) -> Type:
    """The type of a value of JSON. A struct that Hive could not write down is a string."""
    if value is None:
        return VOID
    if isinstance(value, str):
        return STRING
    if isinstance(value, bool):
        return _NAMED["boolean"]
    if isinstance(value, int):
        if abs(value) > BIGINT_MAX:
            return _NAMED["double"]
        return _NAMED["int" if abs(value) <= INT_MAX else "bigint"]
    if isinstance(value, float):
        return _NAMED["double"]
    if isinstance(value, Mapping):
        return _struct(value)
    if isinstance(value, list):
        element = VOID
        for one in value:
            element = merged(element, type_of(one))
        return Type("array", (element,))
    return _NAMED.get(getattr(value, "hive", ""), STRING)


def _struct(value: Mapping[str, Any]) -> Type:
    if not value or not all(map(_FIELD.match, value)):
        return STRING
    fields: dict[str, Type] = {}
    for name, one in value.items():
        name = name.lower()
        fields[name] = merged(fields.get(name, VOID), type_of(one))
    return Type("struct", tuple(fields.values()), tuple(fields))


class Fields:
    """The columns of records, gathered record by record."""

    def __init__(self) -> None:
        self._types: dict[str, Type] = {}
        self.names: set[str] = set()
        """As they were written."""
        self.records = 0

    def add(self, record: Mapping[str, Any]) -> None:
        self.records += 1
        for name, value in record.items():
            self.names.add(name)
            name = name.lower()
            known, found = self._types.get(name, VOID), type_of(value)
            self._types[name] = known if known == found else merged(known, found)

    def columns(self) -> list[tuple[str, str]]:
        return [(name, str(settled(type))) for name, type in self._types.items()]
