"""Redshift's language: statements apart, statements taken apart, and translated for DuckDB.

Names without quotes are folded to lower case. Errors are SqlFailed whose code is a SQLSTATE, with a position.
"""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.redshift.model import (
    Catalog,
    Column,
    Compiled,
    External,
    Parameters,
    Parsed,
    Relation,
    Use,
    View,
)
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type

if TYPE_CHECKING:
    import duckdb

__all__ = [
    *("Catalog", "Column", "Compiled", "External", "Parameters", "Parsed", "Relation", "Use", "View"),
    *("compile", "expression", "of_duckdb", "parse", "prelude", "split"),
]


def split(text: str) -> list[str]:
    """The statements of a text, apart at semicolons outside of quotes, dollar quotes and comments. Empty ones are left out.

    >>> split("SELECT 1; SELECT ';' -- a; b")
    ['SELECT 1', "SELECT ';' -- a; b"]
    """
    raise NotImplementedError


def parse(text: str) -> Parsed:
    """What kind of statement it is, and what is in it. Raises SqlFailed (42601) with a position."""
    raise NotImplementedError


def compile(parsed: Parsed, catalog: Catalog, parameters: Parameters | None = None) -> Compiled:
    """The statement for DuckDB; of a ctas, its query. Raises SqlFailed."""
    raise NotImplementedError


def expression(text: str, columns: list[tuple[str, Type]], catalog: Catalog, to: Type | None = None) -> Typed:
    """An expression by itself, for DEFAULT and the like, in which columns can be named; assigned to a type if given.

    Raises SqlFailed.
    """
    raise NotImplementedError


def assigned(value: Typed, to: Type, column: str = "") -> Typed:
    """The value as INSERT stores it in a column of a type: fails where it is too long or out of range.

    value.sql: DuckDB's, for example a column of what COPY has read as text (Type("varchar")).
    """
    raise NotImplementedError


def prelude(connection: "duckdb.DuckDBPyConnection") -> None:
    """Settings and macros that translated statements need. Once for an instance, in its default catalog (`memory.main`),

    which must stay on the search path of each cursor; before the configuration is locked.
    """
    raise NotImplementedError


def of_duckdb(error: Exception) -> SqlFailed:
    """What Redshift would say where DuckDB raises this."""
    raise NotImplementedError
