"""Lines by a regular expression: RegexSerDe, and GrokSerDe, whose patterns become one.

An expression must match a whole line; its groups are the columns, in order. A line that it does not match is a row of
nulls. Expressions are Java's: those that RE2 understands run by the block in Arrow, others line by line.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import regex

from lakemill.formats.grok import Grok, GrokInvalid
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import lines
from lakemill.lakesql.scans.lazy import skipped_lines
from lakemill.lakesql.scans.objects import File

Reader = Callable[[File, Sequence[int]], Iterator[list[pa.Array]]]


def of_options(options: Mapping[str, str]) -> Reader:
    """Reads the groups at some places of the lines of a file. Raises SqlFailed for what is no expression."""
    if "input.regex" not in options:
        raise SqlFailed("HIVE_INVALID_METADATA", 'This table does not have serde property "input.regex"!')
    flags = regex.IGNORECASE if options.get("input.regex.case.insensitive", "").lower() == "true" else 0
    return reader(options["input.regex"], flags, skipped_lines(options))


def of_grok(options: Mapping[str, str]) -> Reader:
    """The same for the fields of a grok expression, in their order."""
    if "input.format" not in options:
        raise SqlFailed("HIVE_INVALID_METADATA", 'This table does not have serde property "input.format"!')
    try:
        grok = Grok(options["input.format"], options.get("input.grokCustomPatterns", ""))
    except GrokInvalid as wrong:
        raise SqlFailed("HIVE_INVALID_METADATA", f"Invalid grok pattern: {wrong}") from None
    skipped, none = skipped_lines(options), [None] * len(grok.columns)

    def fields(file: File, places: Sequence[int]) -> Iterator[list[pa.Array]]:
        for block in lines.arrays(file, skipped):
            rows = [grok.match(text) or none for text in lines.texts(block).to_pylist()]
            yield [
                pa.array([row[place] if place < len(none) else None for row in rows], pa.string()) for place in places
            ]  # fmt: skip

    return fields


def reader(pattern: str, flags: int = 0, skipped: int = 0) -> Reader:
    """As of_options."""
    try:
        compiled = regex.compile(pattern, flags)
    except regex.error as wrong:
        raise SqlFailed("HIVE_INVALID_METADATA", f"Invalid regular expression {pattern!r}: {wrong}") from None
    quick = None if flags else by_blocks(pattern, compiled.groups)

    def groups(file: File, places: Sequence[int]) -> Iterator[list[pa.Array]]:
        for block in lines.arrays(file, skipped):
            texts = lines.texts(block)
            nulls = pa.nulls(len(texts), pa.string())
            found: Any = quick(texts) if quick else _one_by_one(compiled, texts)
            yield [found[place] if place < compiled.groups else nulls for place in places]

    return groups


def by_blocks(pattern: str, groups: int) -> Callable[[pa.StringArray], list[pa.Array]] | None:
    """What finds the groups in Arrow; None if RE2 cannot."""
    whole = f"^(?:{_named(pattern)})$"
    if not groups:
        return None
    try:
        pc.extract_regex(pa.array([""]), whole)
    except pa.ArrowException:
        return None
    return lambda texts: pc.extract_regex(texts, whole).flatten()


def _one_by_one(compiled: Any, texts: pa.StringArray) -> list[pa.Array]:
    matches = [compiled.fullmatch(text) for text in texts.to_pylist()]
    none = (None,) * compiled.groups
    rows = [match.groups() if match else none for match in matches]
    return [pa.array([row[place] for row in rows], pa.string()) for place in range(compiled.groups)]


def _named(pattern: str) -> str:
    """The pattern with its groups named, which Arrow asks for; groups that have names get others."""
    out, count, place, inside = [], 0, 0, False
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            out.append(pattern[place : place + 2])
            place += 2
            continue
        if inside:
            inside = sign != "]"
        elif sign == "[":
            inside = True
        elif sign == "(" and (named := regex.match(r"\((?!\?)|\(\?P?<(?![=!])\w+>", pattern, pos=place)):
            out.append(f"(?P<g{count}>")
            count, place = count + 1, place + len(named[0])
            continue
        out.append(sign)
        place += 1
    return "".join(out)
