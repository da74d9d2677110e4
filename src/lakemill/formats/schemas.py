"""Schemas of several files as one: columns with Hive types, put together so that every file can be read by it.

Numbers widen (int, bigint, double), structs take the fields of both, arrays and maps merge inside, and what does not
go together is a string. `void` is the type of nulls, and of an empty array's elements: it becomes whatever else comes.
"""

import dataclasses
from collections.abc import Iterable

from lakemill.formats.hive import Type, TypeUnknown, parse

STRING, VOID = Type("string"), Type("void")
_WIDER = ("tinyint", "smallint", "int", "bigint", "float", "double")
_TEXTS = {"string", "varchar", "char"}
Columns = list[tuple[str, str]]
"""Name and type of each."""


def merged(first: Type, second: Type) -> Type:
    """The type that takes the values of both.

    >>> str(merged(parse("struct<a:int>"), parse("struct<a:double,b:string>")))
    'struct<a:double,b:string>'
    >>> str(merged(parse("int"), parse("array<int>")))
    'string'
    """
    if first == second or second == VOID:
        return first
    if first == VOID:
        return second
    names = {first.name, second.name}
    if names <= set(_WIDER):
        if "bigint" in names and "float" in names:
            return Type("double")
        return max(first, second, key=lambda one: _WIDER.index(one.name))
    if "decimal" in names and names <= {"decimal", *_WIDER}:
        return _with_decimal(first, second)
    if first.name != second.name:
        return STRING
    if first.name == "struct":
        return _structs(first, second)
    if first.name in ("array", "map"):
        parts = tuple(merged(a, b) for a, b in zip(first.parts, second.parts, strict=True))
        return Type(first.name, parts)
    return STRING  # Of lengths that differ.


def _with_decimal(first: Type, second: Type) -> Type:
    if first.name != second.name:
        return Type("double")
    scale = max(first.numbers[1], second.numbers[1])
    whole = max(first.numbers[0] - first.numbers[1], second.numbers[0] - second.numbers[1])
    return Type("decimal", numbers=(whole + scale, scale)) if whole + scale <= 38 else Type("double")


def _structs(first: Type, second: Type) -> Type:
    fields: dict[str, Type] = dict(zip(first.names, first.parts, strict=True))
    for name, part in zip(second.names, second.parts, strict=True):
        fields[name] = merged(fields.get(name, VOID), part)
    return Type("struct", tuple(fields.values()), tuple(fields))


def parsed(text: str) -> Type | None:
    """The type a text names; None for none that Hive has."""
    try:
        return parse(text)
    except TypeUnknown:
        return None


def merged_text(first: str, second: str) -> str:
    """`merged` of types as texts.

    >>> merged_text("int", "bigint"), merged_text("date", "int")
    ('bigint', 'string')
    """
    if first == second:
        return first
    a, b = parsed(first), parsed(second)
    return "string" if a is None or b is None else str(merged(a, b))


def merged_columns(schemas: Iterable[Columns]) -> Columns:
    """All columns of some schemas, in the order in which they come first.

    >>> merged_columns([[("a", "int")], [("b", "string"), ("a", "double")]])
    [('a', 'double'), ('b', 'string')]
    """
    found: dict[str, str] = {}
    for schema in schemas:
        for name, type in schema:
            found[name] = merged_text(found[name], type) if name in found else type
    return list(found.items())


def common(first: Columns, second: Columns) -> int:
    """How many columns the two have in common: of one name, and of types that go together."""
    types = dict(second)
    return sum([name in types and kin(type, types[name]) for name, type in first])


def kin(first: str, second: str) -> bool:
    """Whether the values of two types are of one kind: numbers, texts, arrays ...

    >>> kin("int", "double"), kin("int", "string"), kin("array<int>", "array<string>")
    (True, False, True)
    """
    if first == second:
        return True
    kinds = [_kind(one) for one in (first, second)]
    return kinds[0] == kinds[1]


def _kind(text: str) -> str:
    name = text.partition("<")[0].partition("(")[0].strip()
    if name in _WIDER or name == "decimal":
        return "number"
    return "text" if name in _TEXTS else name


def settled(type: Type) -> Type:
    """The type with strings where nothing but nulls was seen.

    >>> str(settled(Type("array", (VOID,))))
    'array<string>'
    """
    if type == VOID:
        return STRING
    return dataclasses.replace(type, parts=tuple(map(settled, type.parts))) if type.parts else type
