"""Literals and types as the tree has them."""

import re

from sqlglot import exp

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, DOUBLE, INTEGER, VARCHAR, Type, decimal

_D = exp.DataType.Type
_WORDS = {
    _D.SMALLINT: "smallint",
    _D.INT: "integer",
    _D.BIGINT: "bigint",
    _D.FLOAT: "real",
    _D.DOUBLE: "double precision",
    _D.BOOLEAN: "boolean",
    _D.CHAR: "char",
    _D.NCHAR: "nchar",
    _D.BPCHAR: "bpchar",
    _D.VARCHAR: "varchar",
    _D.NVARCHAR: "nvarchar",
    _D.TEXT: "text",
    _D.DATE: "date",
    _D.TIMESTAMP: "timestamp",
    _D.TIMESTAMPNTZ: "timestamp",
    _D.DATETIME: "timestamp",
    _D.TIMESTAMPTZ: "timestamptz",
    _D.TIMESTAMPLTZ: "timestamptz",
    _D.TIME: "time",
    _D.TIMETZ: "timetz",
    _D.INTERVAL: "interval",
    _D.SUPER: "super",
    _D.VARBINARY: "varbyte",
    _D.DECIMAL: "decimal",
}


def number(node: exp.Literal) -> Typed:
    """1 is an INTEGER, or a BIGINT, or a DECIMAL; 1.50 is a DECIMAL(3,2); 1e3 is DOUBLE PRECISION."""
    shown = node.this
    if re.fullmatch(r"[0-9]+", shown):
        value = int(shown)
        if value < 2**31:
            return Typed(shown, INTEGER, value)
        if value < 2**63:
            return Typed(f"CAST({shown} AS BIGINT)", BIGINT, value)
    if not re.fullmatch(r"([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?", shown):
        raise failed("42601", f'syntax error at or near "{shown}"', node)
    if re.search(r"[eE]", shown):
        return Typed(f"CAST('{float(shown)!r}' AS DOUBLE)", DOUBLE, float(shown))
    whole, _, part = shown.partition(".")
    whole = whole.lstrip("0")
    precision, scale = max(len(whole) + len(part), 1), len(part)
    if precision > 38:
        raise failed("22003", "Numeric data overflow (result precision)", node)
    return Typed(f"CAST('{shown.rstrip('.')}' AS DECIMAL({precision},{scale}))", decimal(precision, scale))


def of_datatype(node: exp.Expr, at: exp.Expr) -> Type:
    """The type of a cast. Raises SqlFailed(42704)."""
    if isinstance(node, exp.DataType) and node.this in _WORDS:
        word = _WORDS[node.this]
        inside = ", ".join(p.name for p in node.expressions)
        if word == "varchar" and not inside:
            return Type("varchar", (names.VARCHAR_DEFAULT,))
        if word == "interval":
            inside = ""
        try:
            return names.of_text(f"{word}({inside})" if inside else word)
        except SqlFailed as error:
            raise failed(error.code, error.message, at) from None
    shown = node.sql("redshift").lower().strip('"')
    if shown in {"oid", "xid"}:
        return BIGINT
    if shown in {"name", "regtype", "regproc"}:
        return VARCHAR
    if shown == "char":
        return Type("char", (1,))
    raise failed("42704", f'type "{shown}" does not exist', at)
