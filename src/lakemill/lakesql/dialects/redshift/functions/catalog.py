"""Functions that look something up in the system views, as clients do for `\\d`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import BIGINT, BOOLEAN, INTEGER, VARCHAR, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]
_DESCRIPTION = "(SELECT any_value(d.description) FROM {pg_description} AS d WHERE d.objoid = {0} AND d.objsubid = "


def _looked_up(name: str, kinds: list[list[Type]], template: str, result: Type, views: tuple[str, ...]) -> Rule:
    """template: {0} is an argument, {pg_class} a system view, {path} the schemas where names are looked up."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        values = [c.expression(arg) for arg in args]
        for wanted in kinds:
            if len(wanted) == len(values) and all(
                c.dialect.cost(value.type, kind) is not None for value, kind in zip(values, wanted, strict=True)
            ):
                given = [c.dialect.coerce(value, kind).sql for value, kind in zip(values, wanted, strict=True)]
                break
        else:
            shown = ", ".join(c.dialect.shown(value.type) for value in values)
            raise failed("42883", f"function {name}({shown}) does not exist", node)
        catalog = c.dialect.catalog  # type: ignore[attr-defined]
        found = {view: catalog.relation(("pg_catalog", view)).sql for view in views}
        path = ", ".join(text(cases.shown(schema)) for schema in catalog.value("current_schemas") or ["pg_catalog"])
        return Typed(template.format(*given, path=path, **found), result)

    return rule


RULES: dict[str, Rule] = {
    "obj_description": _looked_up(
        "obj_description", [[BIGINT], [BIGINT, VARCHAR]], _DESCRIPTION + "0)", VARCHAR, ("pg_description",)
    ),
    "col_description": _looked_up(
        "col_description", [[BIGINT, INTEGER]], _DESCRIPTION + "{1})", VARCHAR, ("pg_description",)
    ),
    "pg_table_is_visible": _looked_up(
        "pg_table_is_visible",
        [[BIGINT]],
        "({0} IN (SELECT c.oid FROM {pg_class} AS c JOIN {pg_namespace} AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ({path}) OR n.nspname LIKE 'pg_temp%'))",
        BOOLEAN,
        ("pg_class", "pg_namespace"),
    ),
    "pg_function_is_visible": _looked_up(
        "pg_function_is_visible",
        [[BIGINT]],
        "({0} IN (SELECT p.prooid FROM {pg_proc_info} AS p))",
        BOOLEAN,
        ("pg_proc_info",),
    ),
    "pg_get_viewdef": _looked_up(
        "pg_get_viewdef",
        [[BIGINT]],
        "(SELECT any_value(r.ev_action) FROM {pg_rewrite} AS r WHERE r.ev_class = {0})",
        VARCHAR,
        ("pg_rewrite",),
    ),
    "pg_get_indexdef": _looked_up(
        "pg_get_indexdef",
        [[BIGINT]],
        "(SELECT any_value(i.indexdef) FROM {pg_indexes} AS i JOIN {pg_class} AS c ON c.relname = i.indexname "
        "WHERE c.oid = {0} AND c.relkind = 'i')",
        VARCHAR,
        ("pg_indexes", "pg_class"),
    ),
    "pg_encoding_to_char": _looked_up(
        "pg_encoding_to_char", [[INTEGER]], "CASE WHEN {0} = 6 THEN 'UTF8' ELSE '' END", VARCHAR, ()
    ),
}
