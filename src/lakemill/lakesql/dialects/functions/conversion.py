"""Choices, types and formatted text."""

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.casts import plain_text
from lakemill.lakesql.dialects.coercion import INTEGERS, coerce, common
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.operators import compare
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported, text
from lakemill.lakesql.types import BOOLEAN, DOUBLE, UNKNOWN, VARCHAR, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table("version() -> varchar : 'Athena engine version 3'")


def _coalesce(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) < 2:
        raise failed("INVALID_ARGUMENTS", "The 'coalesce' function must have at least two arguments", node)
    kind = _one_type(values, "COALESCE operands", args)
    return Typed(f"coalesce({', '.join(coerce(v, kind).sql for v in values)})", kind)


def _one_type(values: list[Typed], what: str, nodes: list[exp.Expr]) -> Type:
    kind = UNKNOWN
    for value, node in zip(values, nodes, strict=True):
        both = common(kind, value.type)
        if both is None:
            raise failed(
                "TYPE_MISMATCH", f"All {what} must be the same type: {kind.trino()} and {value.type.trino()}", node
            )
        kind = both
    return kind


def _nullif(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 2:
        raise failed("INVALID_ARGUMENTS", "Invalid number of arguments for 'nullif' function", node)
    equal = compare("=", values[0], values[1], node).sql
    return Typed(f"CASE WHEN {equal} THEN NULL ELSE {values[0].sql} END", values[0].type)


def _if(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if len(args) not in {2, 3}:
        raise failed("INVALID_ARGUMENTS", "Invalid number of arguments for 'if' function", node)
    condition = c.boolean(args[0], "IF condition")
    values = [c.expression(a) for a in args[1:]]
    kind = _one_type(values, "IF results", args[1:])
    rest = f" ELSE {coerce(values[1], kind).sql}" if len(values) == 2 else ""
    return Typed(f"CASE WHEN {condition.sql} THEN {coerce(values[0], kind).sql}{rest} END", kind)


def _try(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if len(args) != 1:
        raise failed("INVALID_ARGUMENTS", "The 'try' function must have exactly one argument", node)
    return c.tried(args[0])


def _typeof(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if len(args) != 1:
        raise failed("FUNCTION_NOT_FOUND", "Unexpected number of parameters for function typeof", node)
    value = c.expression(args[0])
    kind = text(value.type.trino())
    # The argument stays, because an aggregate in it makes one row of many.
    return Typed(f"CASE WHEN {value.sql} IS NULL THEN {kind} ELSE {kind} END", VARCHAR)


_FORMAT = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def _format(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """format('%s has %,d', name, count): Java's conversions %s %d %f %e %x %b and %n."""
    values = [c.expression(a) for a in args]
    if len(values) < 2 or values[0].type.name != "varchar":
        raise unexpected("format", [v.type for v in values], ["format(varchar, T...)"], node)
    pattern = values[0].value
    if not isinstance(pattern, str):
        raise not_supported("format with a format that is not a literal", node)
    pieces, at, next_one = [], 0, 1
    for found in _FORMAT.finditer(pattern):
        if found.start() > at:
            pieces.append(text(pattern[at : found.start()]))
        at = found.end()
        if found[5] in "%n":
            pieces.append("'%'" if found[5] == "%" else "chr(10)")
            continue
        index = int(found[1]) if found[1] else next_one
        next_one += 0 if found[1] else 1
        if not 1 <= index < len(values):
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {pattern} (MissingFormatArgument)", node)
        pieces.append(_converted(found, values[index], node))
    if at < len(pattern):
        pieces.append(text(pattern[at:]))
    nulls = [f"{v.sql} IS NULL" for v in values]
    return Typed("(" + " || ".join(pieces or ["''"]) + ")", VARCHAR) if nulls else Typed("''", VARCHAR)


def _converted(found: re.Match[str], value: Typed, node: exp.Expr) -> str:
    flags, width, digits, letter = found[2], found[3] or "", found[4], found[5]
    kind, wrong = (
        value.type,
        failed("INVALID_FUNCTION_ARGUMENT", f"Invalid format string: {found[0]} for {value.type.trino()}", node),
    )
    if letter in "sS":
        if set(flags) - {"-"} or kind.name not in _SHOWN:
            raise not_supported(f"format with {found[0]} of {kind.trino()}", node)
        shown = f"java_double({value.sql})" if kind == DOUBLE else plain_text(value)
        shown = f"coalesce({shown}, 'null')"
        if digits is not None:
            shown = f"left({shown}, {digits})"
        if width:
            side = "r" if "-" in flags else "l"
            padded = f"{side}pad({shown}, {width}, ' ')"
            shown = f"CASE WHEN length({shown}) >= {width} THEN {shown} ELSE {padded} END"
        return f"upper({shown})" if letter == "S" else shown
    if letter in "dxX" and kind.name in INTEGERS and digits is None:
        if "," in flags and letter == "d" and not set(flags) - {","}:
            made = f"format('{{:,}}', CAST({value.sql} AS BIGINT))"
            return f"lpad({made}, CAST(greatest({width}, length({made})) AS INTEGER), ' ')" if width else made
        if set(flags) - set("-+ 0"):
            raise not_supported(f"format with {found[0]}", node)
        return f"printf('%{flags}{width}{letter}', CAST({value.sql} AS BIGINT))"
    if letter in "fe" and kind.name in {"double", "real", "decimal"}:
        places = digits or "6"
        if letter == "f" and flags == "," and not width:
            return f"format('{{:,.{places}f}}', CAST({value.sql} AS DOUBLE))"
        if set(flags) - set("-+ 0"):
            raise not_supported(f"format with {found[0]}", node)
        return f"printf('%{flags}{width}.{places}{letter}', CAST({value.sql} AS DOUBLE))"
    if letter == "b" and kind == BOOLEAN:
        return f"CAST({value.sql} AS VARCHAR)"
    if letter in "dfexXb":
        raise wrong
    raise not_supported(f"format with {found[0]}", node)


_SHOWN = {"varchar", "char", "boolean", "tinyint", "smallint", "integer", "bigint", "double", "decimal", "date"}

RULES = {
    "coalesce": _coalesce,
    "nullif": _nullif,
    "if": _if,
    "try": _try,
    "typeof": _typeof,
    "format": _format,
}
