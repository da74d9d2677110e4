"""Expressions that Redshift has in its own way. What is not here is as in `dialects.rules`, or cannot be said."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import operators as shared_operators
from lakemill.lakesql.dialects import rules as shared
from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS
from lakemill.lakesql.dialects.functions import registry
from lakemill.lakesql.dialects.redshift import cases, grammar, inlining, literals, predicates
from lakemill.lakesql.dialects.redshift.casts import cast
from lakemill.lakesql.dialects.redshift.coercion import coerce, literal
from lakemill.lakesql.dialects.redshift.intervals import of_words
from lakemill.lakesql.dialects.redshift.operators import both_sides
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported, text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    SUPER,
    TIMESTAMPTZ,
    UNKNOWN,
    VARBYTE,
    VARCHAR,
    Type,
)

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", Any], Typed]


def _column(c: "Compiler", node: exp.Column) -> Typed:
    return _named(c, [p.name.lower() for p in node.parts], node)


def _identifier(c: "Compiler", node: exp.Identifier) -> Typed:
    return _named(c, [node.name.lower()], node)


def _named(c: "Compiler", parts: list[str], node: exp.Expr) -> Typed:
    found = c.scope.find(parts, node)
    if found is None:
        if len(parts) == 1 and parts[0] in c.dialect.families()["words"]:
            return registry.call(c, parts[0], [], node)
        raise failed("COLUMN_NOT_FOUND", f"Column '{'.'.join(parts)}' cannot be resolved", node)
    which, rest = found
    if c.grouped and c.aggregates is None and any(which is f for f in c.scope.last) and f"{c.grouped}." in which.sql:
        raise failed("NESTED_AGGREGATION", "", node)
    if c.groups is not None and c.scope.own(which) and which.sql not in c.groups:
        c.ungrouped.append(node)
    value = which.take()
    for name in rest:
        value = _member(value, name, node)
    return value


def _member(value: Typed, name: str, node: exp.Expr) -> Typed:
    """a.b of a SUPER: NULL where there is no such name."""
    if value.type != SUPER:
        raise failed("42601", f"navigation on a value that is not SUPER: {node.sql('redshift')[:60]}", node)
    quoted = cases.shown(name).replace("\\", "\\\\").replace('"', '\\"')
    return Typed(f"json_extract({value.sql}, {text(f'$.{chr(34)}{quoted}{chr(34)}')})", SUPER)


def _dot(c: "Compiler", node: exp.Dot) -> Typed:
    if isinstance(node.expression, exp.Anonymous):
        return _qualified(c, node, node.expression)
    if not isinstance(node.expression, exp.Identifier):
        raise not_supported(node.sql("redshift"), node)
    return _member(c.expression(node.this), node.expression.name.lower(), node)


def _qualified(c: "Compiler", node: exp.Dot, call: exp.Anonymous) -> Typed:
    """schema.f(...)"""
    parts = [call.name.lower()]
    inner = node.this
    while isinstance(inner, exp.Dot):
        parts.insert(0, inner.expression.name.lower())
        inner = inner.this
    parts.insert(0, inner.name.lower())
    return inlining.call(c, tuple(parts), call) or _no_function(c, ".".join(parts), call)


def _no_function(c: "Compiler", name: str, node: exp.Anonymous) -> Typed:
    shown = ", ".join(c.dialect.shown(c.expression(e).type) for e in node.expressions if not isinstance(e, exp.Star))
    error = failed("42883", f"function {name}({shown}) does not exist", node)
    error.hint = "No function matches the given name and argument types. You may need to add explicit type casts."
    raise error


def _bracket(c: "Compiler", node: exp.Bracket) -> Typed:
    base = c.expression(node.this)
    call = node.this.find(exp.Anonymous)
    if call is not None and call.name.lower() == "current_schemas" and len(node.expressions) == 1:
        schemas, at = c.dialect.catalog.value("current_schemas"), c.expression(node.expressions[0]).value  # type: ignore[attr-defined]
        found = schemas[at - 1] if isinstance(at, int) and 1 <= at <= len(schemas) else None
        return Typed("CAST(NULL AS VARCHAR)" if found is None else text(found), VARCHAR)
    if base.type != SUPER or len(node.expressions) != 1:
        raise failed("42601", f"cannot subscript type {c.dialect.shown(base.type)} because it is not SUPER", node)
    index = c.expression(node.expressions[0])
    if index.type == UNKNOWN and isinstance(index.value, str):
        return _member(base, index.value, node)
    if index.type.name not in INTEGERS:
        raise failed("42601", "a subscript of SUPER must be an integer or a name", node)
    if isinstance(index.value, int):
        return Typed(
            f"json_extract({base.sql}, '$[{index.value}]')" if index.value >= 0 else "CAST(NULL AS JSON)", SUPER
        )
    path = f"CASE WHEN {index.sql} >= 0 THEN '$[' || CAST({index.sql} AS VARCHAR) || ']' END"
    return Typed(f"json_extract({base.sql}, {path})", SUPER)


def _literal(c: "Compiler", node: exp.Literal) -> Typed:
    return literal(node.this) if node.is_string else literals.number(node)


def _cast(c: "Compiler", node: exp.Cast) -> Typed:
    if node.args["to"].sql("redshift").upper() == "REGCLASS":
        return _regclass(c, node)
    to = literals.of_datatype(node.args["to"], node)
    if to == INTERVAL and isinstance(node.this, exp.Interval):
        return c.expression(node.this)
    try:
        return cast(c.expression(node.this), to)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) if error.line is None else error from None


def _regclass(c: "Compiler", node: exp.Cast) -> Typed:
    """'s.t'::regclass is the number of a relation in pg_class; a number so cast is its name."""
    value = c.expression(node.this)
    spaces = "JOIN pg_catalog.pg_namespace AS space_ ON space_.oid = class_.relnamespace"
    wanted = "oid" if isinstance(value.value, str) else "relname"
    tree = grammar.parse(f"SELECT class_.{wanted} FROM pg_catalog.pg_class AS class_ {spaces}")
    assert isinstance(tree, exp.Select)
    if isinstance(value.value, str):
        on = c.dialect.catalog.setting("enable_case_sensitive_identifier") == "on"  # type: ignore[attr-defined]
        *schema, name = [
            part.strip('"') if on and part.startswith('"') else part.strip('"').lower()
            for part in value.value.split(".")
        ]
        tree = tree.where(exp.column("relname", "class_").eq(exp.Literal.string(name)))
        if schema:
            tree = tree.where(exp.column("nspname", "space_").eq(exp.Literal.string(schema[-1])))
    else:
        tree = tree.where(exp.column("oid", "class_").eq(node.this.copy()))
    return c.expression(exp.Subquery(this=tree))


_OPERATORS: dict[str, type[exp.Binary]] = {
    "~": exp.RegexpLike,
    "~*": exp.RegexpILike,
    "=": exp.EQ,
    "<>": exp.NEQ,
    "||": exp.DPipe,
    "+": exp.Add,
    "-": exp.Sub,
    "~~": exp.Like,
}


def _operator(c: "Compiler", node: exp.Operator) -> Typed:
    """x OPERATOR(pg_catalog.~) y."""
    sign = str(node.args["operator"]).removeprefix("pg_catalog.")
    if sign not in _OPERATORS:
        raise not_supported(f"OPERATOR({node.args['operator']})", node)
    return c.expression(_OPERATORS[sign](this=node.this, expression=node.expression))


def _case(c: "Compiler", node: exp.Case) -> Typed:
    base = c.expression(node.this) if node.this else None
    branches, results = [], []
    for part in node.args["ifs"]:
        if base is None:
            branches.append(c.boolean(part.this, "CASE WHEN clause").sql)
        else:
            branches.append(c.dialect.compare("=", base, c.expression(part.this), part.this).sql)
        results.append((c.expression(part.args["true"]), part.args["true"]))
    if node.args.get("default") is not None:
        results.append((c.expression(node.args["default"]), node.args["default"]))
    return shared.choice(c, branches, [(c.dialect.output(v) if _all_unknown(results) else v, at) for v, at in results])


def _all_unknown(results: list[tuple[Typed, exp.Expr]]) -> bool:
    return all(v.type == UNKNOWN for v, _ in results)


def _zone(c: "Compiler", node: exp.AtTimeZone) -> Typed:
    """A timestamp AT TIME ZONE is the moment; a moment is what the clocks there show."""
    value, zone = c.expression(node.this), c.expression(node.args["zone"])
    if value.type == UNKNOWN:
        value = coerce(value, TIMESTAMPTZ)
    if value.type == DATE:
        value = coerce(value, Type("timestamp"))
    if value.type.name not in {"timestamp", "timestamptz"}:
        raise failed("42883", f"function timezone({c.dialect.shown(value.type)}) does not exist", node)
    to = TIMESTAMPTZ if value.type.name == "timestamp" else Type("timestamp")
    return Typed(f"timezone(zone_known({coerce(zone, VARCHAR).sql}), {value.sql})", to)


def _concat(c: "Compiler", node: exp.DPipe) -> Typed:
    values = [c.expression(p) for p in node.flatten(unnest=False)]
    if any(v.type == VARBYTE or v.type.name == "varbyte" for v in values):
        return Typed("(" + " || ".join(coerce(v, VARBYTE).sql for v in values) + ")", VARBYTE)
    for v in values:
        if c.dialect.cost(v.type, VARCHAR) is None:
            shown = [c.dialect.shown(x.type) for x in values[:2]]
            raise failed("42883", f"operator does not exist: {' || '.join(shown)}", node)
    return Typed("(" + " || ".join(coerce(v, VARCHAR).sql for v in values) + ")", VARCHAR)


def _interval(c: "Compiler", node: exp.Interval) -> Typed:
    value, unit = node.this, node.args.get("unit")
    if not isinstance(value, exp.Literal) or not value.is_string:
        raise failed("42601", 'syntax error at or near "interval"', node)
    if isinstance(unit, exp.IntervalSpan):
        names = (unit.this.name.lower(), unit.expression.name.lower())
        if names != ("year", "month"):
            raise not_supported(f"INTERVAL ... {names[0].upper()} TO {names[1].upper()}", node)
        return Typed(of_words(value.this), INTERVAL)
    try:
        return Typed(of_words(value.this, unit.name if unit else ""), INTERVAL)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) from None


def _negative(c: "Compiler", node: exp.Neg) -> Typed:
    inner = node.this
    if isinstance(inner, exp.Literal) and not inner.is_string and inner.this in {str(2**31), str(2**63)}:
        kind = INTEGER if inner.this == str(2**31) else BIGINT
        return Typed(f"CAST('-{inner.this}' AS {kind.duckdb()})", kind, -int(inner.this))
    value = c.expression(inner)
    value = coerce(value, DOUBLE) if value.type == UNKNOWN else value
    if value.type.name not in NUMBERS | {"interval"}:
        raise failed("42883", f"operator does not exist: - {c.dialect.shown(value.type)}", node)
    if isinstance(value.value, int | float):
        return Typed(f"(-{value.sql})", value.type, -value.value)
    return Typed(f"(-({value.sql}))", value.type)


def _bits(sign: str) -> Rule:
    def rule(c: "Compiler", node: exp.Binary) -> Typed:
        a, b = c.expression(node.this), c.expression(node.expression)
        kind = c.dialect.common(a.type, b.type)
        if kind is None or kind.name not in INTEGERS:
            raise failed(
                "42883", f"operator does not exist: {c.dialect.shown(a.type)} {sign} {c.dialect.shown(b.type)}", node
            )
        x, y = coerce(a, kind).sql, coerce(b, kind).sql
        return Typed(f"CAST(({x} {sign} {y}) AS {kind.duckdb()})", kind)

    return rule


def _bit_not(c: "Compiler", node: exp.BitwiseNot) -> Typed:
    value = c.expression(node.this)
    if value.type.name not in INTEGERS:
        raise failed("42883", f"operator does not exist: ~ {c.dialect.shown(value.type)}", node)
    return Typed(f"(~{value.sql})", value.type)


def _power(c: "Compiler", node: exp.Pow) -> Typed:
    return registry.call(c, "power", [node.this, node.expression], node)


def _distinct_from(c: "Compiler", node: exp.Binary) -> Typed:
    x, y = both_sides("=", c.expression(node.this), c.expression(node.expression), node)
    word = "IS DISTINCT FROM" if isinstance(node, exp.NullSafeNEQ) else "IS NOT DISTINCT FROM"
    return Typed(f"({x.sql} {word} {y.sql})", BOOLEAN)


def _anonymous(c: "Compiler", node: exp.Anonymous) -> Typed:
    name, families = node.name.lower(), c.dialect.families()
    if not any(name in families[kind] for kind in ("table", "rules", "aggregates", "windows", "refused")):
        return inlining.call(c, (name,), node) or _no_function(c, name, node)
    return registry.call(c, name, node.expressions, node)


def _trim(c: "Compiler", node: exp.Trim) -> Typed:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get((node.args.get("position") or "").upper(), "btrim")
    return registry.call(c, name, [a for a in (node.this, node.expression) if a is not None], node)


def _now(c: "Compiler", node: exp.CurrentTimestamp) -> Typed:
    return registry.call(c, "sysdate" if node.args.get("sysdate") else "current_timestamp", [], node)


def _word(name: str) -> Rule:
    return lambda c, node: registry.call(c, name, [], node)


def _parameter(c: "Compiler", node: exp.Expr) -> Typed:
    """`$1`, or `:name`."""
    if isinstance(node, exp.Placeholder):
        name = node.name if isinstance(node.this, str) else ""
        given = c.dialect.parameters.named  # type: ignore[attr-defined]
        if name.lower() not in given:
            raise failed("42601", f'syntax error at or near ":{name}"', node)
        shown = given[name.lower()]
        return Typed("NULL", UNKNOWN) if shown is None else literal(shown)
    number = node.name
    if not number.isdigit() or not 1 <= int(number) <= 32767:
        raise failed("42P02", f"there is no parameter ${number}", node)
    return c.dialect.parameter(int(number), node)  # type: ignore[attr-defined]


def _struct(c: "Compiler", node: exp.Expr) -> Typed:
    raise failed("0A000", "row expressions are not supported here", node)


def all_rules() -> dict[type, Rule]:
    kept = (
        *(exp.Boolean, exp.Null, exp.Subquery, exp.Select, exp.Exists, exp.Paren, exp.Window, exp.IgnoreNulls),
        *(exp.RespectNulls, exp.WithinGroup, exp.Star, exp.Between, exp.Not, exp.And, exp.Or),
        *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    )
    return {
        **{kind: shared.RULES[kind] for kind in kept},
        **predicates.rules(shared_operators.RULES),
        exp.Column: _column,
        exp.Identifier: _identifier,
        exp.Dot: _dot,
        exp.Bracket: _bracket,
        exp.Literal: _literal,
        exp.ByteString: lambda c, n: literal(n.this),
        exp.RawString: lambda c, n: literal(n.this),
        exp.Cast: _cast,
        exp.Case: _case,
        exp.AtTimeZone: _zone,
        exp.DPipe: _concat,
        exp.Interval: _interval,
        exp.Neg: _negative,
        exp.BitwiseAnd: _bits("&"),
        exp.BitwiseOr: _bits("|"),
        exp.BitwiseLeftShift: _bits("<<"),
        exp.BitwiseRightShift: _bits(">>"),
        exp.BitwiseNot: _bit_not,
        exp.Pow: _power,
        exp.Operator: _operator,
        exp.Sqrt: shared.call_of("sqrt", "this"),
        exp.Cbrt: shared.call_of("cbrt", "this"),
        exp.NullSafeEQ: _distinct_from,
        exp.NullSafeNEQ: _distinct_from,
        exp.Anonymous: _anonymous,
        exp.Substring: shared.call_of("substring", "this", "start", "length"),
        exp.StrPosition: shared.call_of("strpos", "this", "substr"),
        exp.Trim: _trim,
        exp.Extract: shared.extract,
        exp.CurrentDate: _word("current_date"),
        exp.CurrentTimestamp: _now,
        exp.CurrentTime: _word("current_time"),
        exp.Localtime: _word("localtime"),
        exp.Localtimestamp: _word("localtimestamp"),
        exp.CurrentUser: _word("current_user"),
        exp.SessionUser: _word("session_user"),
        exp.CurrentUserId: _word("current_user_id"),
        exp.CurrentSchema: _word("current_schema"),
        exp.CurrentDatabase: _word("current_database"),
        exp.Parameter: _parameter,
        exp.Placeholder: _parameter,
        exp.Struct: _struct,
        exp.Tuple: _struct,
    }
