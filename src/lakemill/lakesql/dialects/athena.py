"""Athena's language, by its three doors: parse, translate, and the prelude of a connection.

Queries are Trino's. Everything that reaches DuckDB is written by this package's own rules, so that a function without a
rule does not exist.
"""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects import information, macros
from lakemill.lakesql.dialects.compiler import Compiler
from lakemill.lakesql.dialects.model import Comparison, Parsed, Schema, TableUse, Translated, View
from lakemill.lakesql.dialects.queries import query
from lakemill.lakesql.dialects.statements import parse
from lakemill.lakesql.dialects.typed import not_supported
from lakemill.lakesql.errors import SqlFailed

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Comparison",
    "Parsed",
    "Schema",
    "TableUse",
    "Translated",
    "View",
    "parse",
    "prelude",
    "settle",
    "translate",
]


def translate(
    tree: exp.Expr,
    schema: Schema,
    database: str = "default",
    catalog: information.Catalog | None = None,
    *,
    wide: bool = True,
) -> Translated:
    """The query for DuckDB, the tables it reads, and the columns it gives.

    catalog: asked where the query reads information_schema; without one such queries are refused.
    wide: False for products of decimals in 64 bits: DuckDB fails (`errors.too_narrow`) where one does not fit.
    Raises SqlFailed, with line and column.
    """
    compiler = Compiler(schema, database.lower(), query)
    compiler.wide = wide
    try:
        sql, fields = query(compiler, tree, None)
    except RecursionError:
        raise SqlFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)") from None
    if compiler.information:
        if catalog is None:
            raise not_supported("information_schema")
        known = [f'"{use.view}" AS ({information.rows(use, catalog)})' for use in compiler.information]
        sql = f"WITH {', '.join(known)} {sql}"
    columns = [(field.name or f"_col{i}", field.type) for i, field in enumerate(fields)]
    return Translated(sql, compiler.tables, columns)


def settle(connection: "duckdb.DuckDBPyConnection") -> None:
    """Settings that translated statements need; before the configuration is locked."""
    connection.execute("SET ieee_floating_point_ops = true")
    connection.execute("SET TimeZone = 'UTC'")


def prelude(connection: "duckdb.DuckDBPyConnection") -> None:
    """Settings and all macros that translated statements need; before the configuration is locked."""
    settle(connection)
    for statement in macros.statements():
        connection.execute(statement)
    macros.add_functions(connection)
