"""Regular expressions: Java's, as far as RE2 can do them; the rest is refused."""

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import coerce, cost
from lakemill.lakesql.dialects.functions.registry import unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported, text
from lakemill.lakesql.types import BIGINT, BOOLEAN, VARCHAR, Type, array

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE: dict[str, list[object]] = {}
_POSIX = {"Alpha": "alpha", "Digit": "digit", "Alnum": "alnum", "Upper": "upper", "Lower": "lower", "Punct": "punct"}
_POSIX |= {"Space": "space", "Blank": "blank", "XDigit": "xdigit", "Cntrl": "cntrl", "Graph": "graph", "Print": "print"}
_CANNOT = [
    (re.compile(r"\(\?<?[=!]"), "look-around"),
    (re.compile(r"\(\?>"), "atomic groups"),
    (re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]"), "back references"),
    (re.compile(r"\\k<"), "back references"),
    (re.compile(r"(?<!\\)[*+?}]\+"), "possessive quantifiers"),
    (re.compile(r"\[[^\]]*&&"), "intersections of character classes"),
    (re.compile(r"\\[GXR]"), "\\G, \\X and \\R"),
]


def translated(pattern: str, node: exp.Expr) -> str:
    """The pattern for RE2. Raises SqlFailed(NOT_SUPPORTED, INVALID_FUNCTION_ARGUMENT)."""
    for cannot, what in _CANNOT:
        if cannot.search(pattern):
            raise not_supported(f"A regular expression with {what} ({pattern})", node)
    made = re.sub(r"\(\?<([A-Za-z][A-Za-z0-9]*)>", r"(?P<\1>", pattern)
    made = re.sub(r"\\u([0-9a-fA-F]{4})", r"\\x{\1}", made)
    made = made.replace("\\Z", "\\z").replace("\\h", "[ \\t]")
    made = re.sub(r"\\p\{(\w+)\}", lambda m: f"[[:{_POSIX[m[1]]}:]]" if m[1] in _POSIX else m[0], made)
    return made


def groups(pattern: str) -> tuple[int, dict[str, int]]:
    """How many capturing groups there are, and the numbers of those with names."""
    names, count = {}, 0
    for found in re.finditer(r"\\.|\[(?:\\.|[^\]])*\]|\((\?<([A-Za-z]\w*)>|(?!\?))", pattern, re.S):
        if found[0].startswith("("):
            count += 1
            if found[2]:
                names[found[2]] = count
    return count, names


def replacement(written: str, pattern: str | None, node: exp.Expr) -> str:
    """Java's $1 and ${name} as RE2's \\1."""
    count, names = groups(pattern) if pattern is not None else (9, {})
    made, at = [], 0
    while at < len(written):
        sign = written[at]
        if sign == "\\" and at + 1 < len(written):
            made.append("\\\\" if written[at + 1] == "\\" else written[at + 1])
            at += 2
            continue
        found = re.match(r"\$(\d)|\$\{(\w+)\}", written[at:])
        if found:
            number = int(found[1]) if found[1] else names.get(found[2], -1)
            if found[1] and not 0 <= number <= count:
                raise failed("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group {number}", node)
            if number < 0:
                raise failed(
                    "INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group {found[2]}", node
                )
            made.append(f"\\{number}")
            at += found.end()
            continue
        if sign == "$":
            raise failed("INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: $", node)
        made.append("\\\\" if sign == "\\" else sign)
        at += 1
    return "".join(made)


def _texts(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> list[Typed]:
    for a in args:
        if isinstance(a, exp.Lambda):
            raise not_supported(f"{name} with a lambda", node)
    values = [c.expression(a) for a in args]
    wanted = [VARCHAR, VARCHAR, BIGINT if "extract" in name else VARCHAR]
    if len(values) not in counts or any(cost(v.type, w) is None for v, w in zip(values, wanted, strict=False)):
        raise unexpected(name, [v.type for v in values], [f"{name}(varchar, varchar)"], node)
    return [coerce(v, w) for v, w in zip(values, wanted, strict=False)]


def _pattern(value: Typed, node: exp.Expr) -> str:
    if not isinstance(value.value, str):
        # Java's and RE2's syntax differ, and what differs cannot be seen beforehand.
        raise not_supported("A regular expression that is not a literal", node)
    return text(translated(value.value, node))


def _like(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value, pattern = _texts(c, "regexp_like", args, node, 2)
    return Typed(f"regexp_matches({value.sql}, {_pattern(pattern, node)})", BOOLEAN)


def _group(values: list[Typed], node: exp.Expr) -> int:
    if len(values) < 3:
        return 0
    number = values[2].value
    if not isinstance(number, int):
        raise not_supported("A group that is not a literal", node)
    count, _ = groups(values[1].value)
    if number > count or number < 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Pattern has {count} groups. Cannot access group {number}", node)
    return number


def _extract(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _texts(c, "regexp_extract", args, node, 2, 3)
    pattern, group = _pattern(values[1], node), _group(values, node)
    made = f"regexp_extract({values[0].sql}, {pattern}, {group})"
    if group and re.search(r"\)[?*]|\)\{0|\|", values[1].value):
        # A group that took no part is NULL.
        made = f"nullif({made}, '')"
    return Typed(f"CASE WHEN regexp_matches({values[0].sql}, {pattern}) THEN {made} END", VARCHAR)


def _extract_all(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _texts(c, "regexp_extract_all", args, node, 2, 3)
    pattern, group = _pattern(values[1], node), _group(values, node)
    made = f"regexp_extract_all({values[0].sql}, {pattern}, {group})"
    if group and re.search(r"\)[?*]|\)\{0|\|", values[1].value):
        made = f"list_transform({made}, LAMBDA e_ : nullif(e_, ''))"
    return Typed(made, array(VARCHAR))


def _replace(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _texts(c, "regexp_replace", args, node, 2, 3)
    pattern = _pattern(values[1], node)
    new = "''"
    if len(values) == 3:
        if not isinstance(values[2].value, str):
            raise not_supported("A replacement that is not a literal", node)
        new = text(replacement(values[2].value, values[1].value, node))
    return Typed(f"regexp_replace({values[0].sql}, {pattern}, {new}, 'g')", VARCHAR)


def _split(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _texts(c, "regexp_split", args, node, 2)
    return Typed(f"regexp_split_to_array({values[0].sql}, {_pattern(values[1], node)})", array(VARCHAR))


def _count(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _texts(c, "regexp_count", args, node, 2)
    return Typed(
        f"CAST(len(regexp_extract_all({values[0].sql}, {_pattern(values[1], node)})) AS BIGINT)", Type("bigint")
    )


RULES = {
    "regexp_like": _like,
    "regexp_extract": _extract,
    "regexp_extract_all": _extract_all,
    "regexp_replace": _replace,
    "regexp_split": _split,
    "regexp_count": _count,
}
