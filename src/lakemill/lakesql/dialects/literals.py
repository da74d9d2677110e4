"""Literals and written types."""

import datetime
import re

from sqlglot import exp

from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    JSON,
    REAL,
    SMALLINT,
    TIME,
    TINYINT,
    VARBINARY,
    Type,
    array,
    decimal,
    mapping,
    row,
)

string = text
_D = exp.DataType.Type
_PLAIN = {
    _D.BOOLEAN: BOOLEAN,
    _D.TINYINT: TINYINT,
    _D.SMALLINT: SMALLINT,
    _D.INT: INTEGER,
    _D.BIGINT: BIGINT,
    _D.FLOAT: REAL,
    _D.DOUBLE: DOUBLE,
    _D.VARBINARY: VARBINARY,
    _D.DATE: DATE,
    _D.JSON: JSON,
}


def number(node: exp.Literal) -> Typed:
    """Athena takes 1.5 for a double, as it takes 15e-1; DECIMAL '1.5' is a decimal."""
    shown = node.this
    if re.fullmatch(r"[0-9]+", shown):
        value = int(shown)
        if value >= 2**63:
            raise failed("INVALID_LITERAL", f"Invalid numeric literal: {shown}", node)
        return Typed(f"CAST({shown} AS BIGINT)", BIGINT, value) if value >= 2**31 else Typed(shown, INTEGER, value)
    return Typed(f"CAST('{float(shown)!r}' AS DOUBLE)", DOUBLE, float(shown))


def of_datatype(node: exp.DataType, at: exp.Expr) -> Type:
    """The type that is written. Raises SqlFailed(TYPE_NOT_FOUND)."""
    kind, inside = node.this, node.expressions
    if kind in _PLAIN:
        return _PLAIN[kind]
    numbers = [int(p.name) for p in inside if isinstance(p, exp.DataTypeParam) and p.name.isdigit()]
    if kind in {_D.VARCHAR, _D.CHAR, _D.DECIMAL}:
        if kind == _D.VARCHAR:
            return Type("varchar", tuple(numbers[:1]))
        if kind == _D.CHAR:
            return Type("char", tuple(numbers[:1]) or (1,))
        precision, scale = [*numbers, 38, 0][:2] if not numbers else [*numbers, 0][:2]
        if not 1 <= precision <= 38:
            raise failed("INVALID_FUNCTION_ARGUMENT", f"DECIMAL precision must be in range [1, 38]: {precision}", at)
        if scale > precision:
            raise failed(
                "INVALID_FUNCTION_ARGUMENT", f"DECIMAL scale must be in range [0, precision ({precision})]: {scale}", at
            )
        return decimal(precision, scale)
    if kind in {_D.TIMESTAMP, _D.TIMESTAMPTZ, _D.TIMESTAMPLTZ, _D.TIME}:
        digits = numbers[0] if numbers else 3
        if digits > 6:
            raise failed("NOT_SUPPORTED", f"timestamp({digits}) is not supported: at most 6 digits", at)
        if kind == _D.TIME:
            return TIME if not numbers else Type("time", (digits,))
        return Type("timestamp" if kind == _D.TIMESTAMP else "timestamp with time zone", (digits,))
    if kind in {_D.ARRAY, _D.LIST} and len(inside) == 1:
        return array(of_datatype(inside[0], at))
    if kind == _D.MAP and len(inside) == 2:
        return mapping(of_datatype(inside[0], at), of_datatype(inside[1], at))
    if kind == _D.STRUCT:
        fields: list[tuple[str | None, Type]] = []
        for part in inside:
            if isinstance(part, exp.ColumnDef):
                fields.append((part.name.lower(), of_datatype(part.args["kind"], at)))
            else:
                fields.append((None, of_datatype(part, at)))
        return row(*fields)
    raise failed("TYPE_NOT_FOUND", f"Unknown type: {node.sql('trino').lower()}", at)


def typed_literal(node: exp.Cast) -> Typed | None:
    """DATE '2020-01-31', DECIMAL '1.50' and the like; also CAST('2020-01-31' AS DATE), which is the same."""
    value, kind = node.this.this, node.args["to"].this
    if kind == _D.DECIMAL and not node.args["to"].expressions:
        found = re.fullmatch(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?", value.strip())
        if not found:
            return None
        scale = len(found[3] or "")
        return Typed(
            f"CAST({text(value.strip())} AS DECIMAL({max(len(found[2]) + scale, 1)},{scale}))",
            decimal(max(len(found[2]) + scale, 1), scale),
        )
    if kind == _D.DATE:
        try:
            return Typed(f"DATE {text(datetime.date.fromisoformat(value.strip()).isoformat())}", DATE, value.strip())
        except ValueError:
            return None
    if kind == _D.CHAR and not node.args["to"].expressions:
        return Typed(text(value), Type("char", (len(value),)))
    return None
