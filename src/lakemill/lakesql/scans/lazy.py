"""LazySimpleSerDe: text whose fields become values when they are asked for, and null where they cannot.

Fields are delimited by ^A, elements of collections by ^B, a map's key and value by ^C, and what is nested deeper by the
characters that follow; all of them may be given. `\\N` is null.
"""

import dataclasses
from collections.abc import Mapping

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.delimited import NULL_MARK, Delimited, one_character
from lakemill.lakesql.types import Type

_WHOLE = "'[+-]?[0-9]+'"
_FRACTION = r"'[+-]?[0-9]+\.[0-9]*'"


@dataclasses.dataclass(frozen=True)
class Lazy:
    """What the SerDe's parameters say. separators: of fields, elements, keys, and deeper ones."""

    separators: tuple[str, ...]
    null: str
    text: Delimited

    def value(self, text: str, type: Type, level: int = 1) -> str:
        """An expression for the value in a text, which is an expression too."""
        if type.name in ("array", "map", "row"):
            whole = self._collection(text, type, level)
            return f"CASE WHEN {text} = {sql.text(self.null)} THEN NULL ELSE {whole} END"
        return primitive(f"nullif({text}, {sql.text(self.null)})", type)

    def _collection(self, text: str, type: Type, level: int) -> str:
        if level + 1 >= len(self.separators):
            raise SqlFailed("NOT_SUPPORTED", f"{type.trino()} is nested too deeply for LazySimpleSerDe")
        pieces = f"string_split({text}, {sql.text(self.separators[level])})"
        one = f"e{level}"
        if type.name == "row":
            terms = [
                f"{sql.name(name or '')} := {self.value(f'({pieces})[{place}]', part, level + 1)}"
                for place, (name, part) in enumerate(type.fields, 1)
            ]
            return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({', '.join(terms)}) END"
        if type.name == "array":
            whole = f"list_transform({pieces}, lambda {one}: {self.value(one, type.element, level + 1)})"
            return f"CASE WHEN {text} = '' THEN [] ELSE {whole} END"
        split = sql.text(self.separators[level + 1])
        key = self.value(f"split_part({one}, {split}, 1)", type.args[0], level + 2)
        rest = f"CASE WHEN contains({one}, {split}) THEN substr({one}, strpos({one}, {split}) + 1) END"
        item = self.value(f"({rest})", type.args[1], level + 2)
        kept = f"list_filter({pieces}, lambda {one}: {one} <> '')"
        entries = f"list_transform({kept}, lambda {one}: struct_pack(key := {key}, value := {item}))"
        return f"CASE WHEN {text} IS NOT NULL THEN map_from_entries({entries}) END"


def of_options(options: Mapping[str, str]) -> Lazy:
    """Raises SqlFailed for what cannot be honoured."""
    refuse_encoding(options)
    field = options.get("field.delim") or options.get("serialization.format") or "\x01"
    element = options.get("collection.delim") or options.get("colelction.delim") or "\x02"
    separators = (
        one_character(field, "field.delim"),
        one_character(element, "collection.delim"),
        one_character(options.get("mapkey.delim") or "\x03", "mapkey.delim"),
        *map(chr, range(4, 9)),
    )
    if options.get("line.delim", "\n") not in ("\n", "10"):
        raise SqlFailed("NOT_SUPPORTED", "line.delim must be a line feed")
    escape = options.get("escape.delim") or ""
    escape = one_character(escape, "escape.delim") if escape else ""
    null = options.get("serialization.null.format", "\\N")
    escaped_null = null if escape and null.startswith(escape) and len(null) > 1 else ""
    text = Delimited(separators[0], escape=escape, skipped=skipped_lines(options), escaped_null=escaped_null)
    return Lazy(separators, NULL_MARK if escaped_null else null, text)


def primitive(text: str, type: Type) -> str:
    """A text as a value, or null, as Hive's lazy objects read it."""
    if type.name in ("varchar", "char"):
        return f"left({text}, {type.args[0]})" if type.args else text
    if type.name in ("tinyint", "smallint", "integer", "bigint"):
        name = type.duckdb()
        whole = f"WHEN regexp_full_match({text}, {_WHOLE}) THEN TRY_CAST({text} AS {name})"
        fraction = f"WHEN regexp_full_match({text}, {_FRACTION}) THEN TRY_CAST(split_part({text}, '.', 1) AS {name})"
        return f"CASE {whole} {fraction} END"
    if type.name == "boolean":
        return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    if type.name == "varbinary":
        return f"TRY(from_base64({text}))"
    return f"TRY_CAST({text} AS {type.duckdb()})"


def skipped_lines(options: Mapping[str, str]) -> int:
    """Lines to pass over at the beginning of every file. Raises SqlFailed."""
    if options.get("skip.footer.line.count", "0").strip() not in ("", "0"):
        raise SqlFailed("NOT_SUPPORTED", "skip.footer.line.count is not supported")
    value = options.get("skip.header.line.count", "0").strip() or "0"
    if not value.isdecimal():
        raise SqlFailed("HIVE_INVALID_METADATA", f"Invalid value for skip.header.line.count property: {value}")
    return int(value)


def refuse_encoding(options: Mapping[str, str]) -> None:
    """Raises SqlFailed for text that is not UTF-8."""
    encoding = options.get("serialization.encoding", "UTF-8")
    if encoding.upper().replace("-", "") not in ("UTF8", "USASCII", "ASCII"):
        raise SqlFailed("NOT_SUPPORTED", f"serialization.encoding must be UTF-8; got {encoding}")
