"""Redshift's language: statements apart, statements taken apart, and translated for DuckDB.

Names are folded to lower case, those in quotes too, but for capitals that `cases` has marked. Errors are SqlFailed with
a SQLSTATE as their code, and a position.
"""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import macros
from lakemill.lakesql.dialects.redshift import casts, coercion
from lakemill.lakesql.dialects.redshift.compiling import check_function, compile, expression
from lakemill.lakesql.dialects.redshift.errors import of_duckdb
from lakemill.lakesql.dialects.redshift.functions import hashes
from lakemill.lakesql.dialects.redshift.model import (
    Catalog,
    Column,
    Compiled,
    External,
    Function,
    Parameters,
    Parsed,
    Relation,
    Use,
    View,
)
from lakemill.lakesql.dialects.redshift.names import of_text as type_of_text
from lakemill.lakesql.dialects.redshift.names import shown
from lakemill.lakesql.dialects.redshift.scanner import split
from lakemill.lakesql.dialects.redshift.statements import parse
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.types import Type

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Catalog",
    "Column",
    "Compiled",
    "External",
    "Function",
    "Parameters",
    "Parsed",
    "Relation",
    "Use",
    "View",
    "assigned",
    "check_function",
    "compile",
    "expression",
    "of_duckdb",
    "parse",
    "prelude",
    "price",
    "shown",
    "split",
    "type_of_text",
]


def assigned(value: Typed, to: Type, column: str = "") -> Typed:
    """The value as INSERT stores it in a column of a type: fails where it is too long or out of range.

    value.sql is DuckDB's, for example a column of what COPY has read: a varchar is read as the type.
    """
    return casts.assigned(value, to, column)


def price(of: Type, to: Type) -> int | None:
    """How far a value must be stretched to be the argument of a routine; None where it cannot be one.

    >>> price(Type("integer"), Type("bigint")), price(Type("bigint"), Type("integer"))
    (1, 100)
    """
    found = coercion.cost(of, to)
    return 100 if found is None and of.name in coercion.LADDER and to.name in coercion.LADDER else found


def prelude(connection: "duckdb.DuckDBPyConnection") -> None:
    """Settings and macros that translated statements need; before the configuration is locked.

    Once for an instance, in its default catalog (`memory.main`), which must stay where cursors look for names.
    """
    connection.execute("SET ieee_floating_point_ops = true")
    macros.add_functions(connection)
    hashes.add(connection)
    for statement in [*macros.statements(), *macros.statements("lakemill.lakesql.dialects.redshift")]:
        connection.execute(statement)
