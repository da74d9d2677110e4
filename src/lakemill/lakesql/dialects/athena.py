"""Athena's language, by its three doors: parse, translate, and the prelude of a connection.

Queries are Trino's. Everything that reaches DuckDB is written by this package's own rules, so that a function without a
rule does not exist.
"""

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from lakemill.lakesql.dialects.model import Comparison, Parsed, Schema, TableUse, Translated, View
from lakemill.lakesql.errors import SqlFailed

if TYPE_CHECKING:
    import duckdb

__all__ = ["Comparison", "Parsed", "Schema", "TableUse", "Translated", "View", "parse", "prelude", "translate"]


def parse(text: str, parameters: list[str] | None = None) -> Parsed:
    """What kind of statement it is. Raises SqlFailed with line and column."""
    stripped = text.strip().removesuffix(";").strip()
    try:
        tree = sqlglot.parse_one(stripped, dialect="athena")
    except sqlglot.errors.ParseError as error:
        place = error.errors[0]
        raise SqlFailed("SYNTAX_ERROR", place["description"], place["line"], place["col"]) from None
    return Parsed("query" if isinstance(tree, exp.Query) else "ddl", stripped, tree)


def translate(tree: exp.Expr, schema: Schema, database: str = "default") -> Translated:
    """The query for DuckDB, and the tables it reads."""
    tables = []
    tree = tree.copy()
    for table in list(tree.find_all(exp.Table)):
        schema(table.db or database, table.name)
        use = TableUse(table.db or database, table.name, f"scan_{len(tables)}", None, [])
        tables.append(use)
        table.replace(exp.to_table(use.view, alias=table.alias_or_name))
    return Translated(tree.sql("duckdb"), tables)


def prelude(connection: "duckdb.DuckDBPyConnection") -> None:
    """Settings and macros that translated statements need; before the configuration is locked."""
    connection.execute("SET integer_division = true")
