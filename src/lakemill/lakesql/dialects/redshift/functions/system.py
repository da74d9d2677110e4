"""What a session can ask about itself and its rights."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import BIGINT, BOOLEAN, INTEGER, VARCHAR, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]
VERSION = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
    "Redshift 1.0.57031"
)
WORDS = {"user", "current_user", "session_user", "current_user_id", "current_schema", "current_database"}
TABLE = table(
    """
format_type(bigint, integer) -> varchar : pg_format_type({0}, {1})
pg_get_expr(varchar, bigint) -> varchar : {0}
"""
)


def _of_session(name: str) -> Rule:
    """current_user and the like: known when the statement is compiled."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        if args:
            raise failed("42883", f"function {name} does not take {len(args)} arguments", node)
        value = getattr(c.dialect.catalog, name)  # type: ignore[attr-defined]
        value = cases.shown(value) if value is not None else None
        return Typed("CAST(NULL AS VARCHAR)" if value is None else text(value), VARCHAR, value)

    return rule


def _number(name: str, kind: Type = INTEGER) -> Rule:
    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        value = c.dialect.catalog.value(name)  # type: ignore[attr-defined]
        shown = "NULL" if value is None else str(int(value))
        return Typed(f"CAST({shown} AS {kind.duckdb()})", kind)

    return rule


def _version(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    return Typed(text(c.dialect.catalog.value("version") or VERSION), VARCHAR)  # type: ignore[attr-defined]


def _setting(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) not in {1, 2} or not isinstance(values[0].value, str):
        raise unexpected("current_setting", [v.type for v in values], ["current_setting(varchar)"], node, c.dialect)
    found = c.dialect.catalog.setting(values[0].value.lower())  # type: ignore[attr-defined]
    if found is None:
        raise failed("42704", f'unrecognized configuration parameter "{values[0].value}"', node)
    return Typed(text(found), VARCHAR)


def _privilege(kind: str) -> Rule:
    """has_table_privilege([user,] name, privilege): literals only."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        values = [c.expression(a) for a in args]
        if len(values) not in {2, 3} or not all(isinstance(v.value, str) for v in values):
            raise failed("0A000", f"has_{kind}_privilege takes two or three literals", node)
        user, name, privilege = [None, *(v.value for v in values)][-3:]
        holds = c.dialect.catalog.privilege(kind, user, name, privilege)  # type: ignore[attr-defined]
        return Typed("true" if holds else "false", BOOLEAN)

    return rule


def _schemas(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """As text: {pg_catalog,public}."""
    value = c.dialect.catalog.value("current_schemas") or []  # type: ignore[attr-defined]
    return Typed(text("{" + ",".join(map(cases.shown, value)) + "}"), VARCHAR)


def _user_by_id(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """pg_get_userbyid: through the session's pg_user."""
    if len(args) != 1:
        raise failed("42883", "function pg_get_userbyid() does not exist", node)
    c.expression(args[0])
    query = (
        exp.select(exp.column("usename"))
        .from_("pg_user")
        .where(exp.EQ(this=exp.column("usesysid", table="pg_user"), expression=args[0].copy()))
    )
    return c.expression(exp.Subquery(this=query))


def _series(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """generate_series in a select list: a row for each, and only without tables of the compute nodes."""
    values = [c.expression(a) for a in args]
    if len(values) not in {2, 3} or any(c.dialect.cost(v.type, BIGINT) is None for v in values):
        raise unexpected("generate_series", [v.type for v in values], ["(bigint, bigint)"], node, c.dialect)
    c.dialect.leader.append("generate_series")  # type: ignore[attr-defined]
    kind = BIGINT if any(v.type == BIGINT for v in values) else INTEGER
    inside = ", ".join(c.dialect.coerce(v, BIGINT).sql for v in values)
    return Typed(f"CAST(unnest(generate_series({inside})) AS {kind.duckdb()})", kind)


RULES: dict[str, Rule] = {
    "generate_series": _series,
    **{name: _of_session(name) for name in ("current_user", "session_user", "current_schema", "current_database")},
    "user": _of_session("current_user"),
    "current_user_id": _number("current_user_id"),
    **{name: _number(name) for name in ("pg_backend_pid", "pg_last_copy_id", "pg_last_query_id", "pg_last_unload_id")},
    **{name: _number(name, BIGINT) for name in ("pg_last_copy_count", "pg_last_unload_count")},
    "version": _version,
    "current_setting": _setting,
    "current_schemas": _schemas,
    "pg_get_userbyid": _user_by_id,
    **{f"has_{kind}_privilege": _privilege(kind) for kind in ("table", "schema", "database", "column", "language")},
}
