"""What parsing and translating a statement gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from lakemill.lakesql.types import Type


@dataclass
class Parsed:
    """A statement, taken apart as far as it can be without a catalog.

    kind : str
        query, create_view, drop_view, ctas, insert, delete, update, merge, optimize, vacuum, unload, explain, prepare,
        execute, deallocate; or ddl, which is Hive's and not looked into.
    text : str
        The statement without a trailing semicolon.
    tree : Expression or None
        The query that is in it.
    query : str
        Its text, behind as much empty space as stood before it.
    target : tuple of str
        Database (or empty) and table that is made or written to; of prepare, execute, deallocate: ("", name).
    columns : list of str or None
        Of insert, where they are named.
    properties : dict
        What stands in WITH (...), values as Python's.
    location : str
        Of unload.
    body : str
        The text of the query that is in it: of create_view and prepare.
    using : list of str
        Of execute: SQL texts for the parameters.
    flags : set of str
        replace, if_not_exists, if_exists, no_data, analyze.
    parameters : int
        How many question marks there are.
    """

    kind: str
    text: str
    tree: exp.Expr | None = None
    target: tuple[str, str] = ("", "")
    columns: list[str] | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    location: str = ""
    body: str = ""
    using: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    parameters: int = 0
    query: str = ""


@dataclass
class View:
    """A view of the catalog, as `schema` may answer: the text of its query, and where its names are looked up."""

    sql: str
    database: str = "default"


@dataclass(frozen=True)
class Version:
    """The state of a table that FOR ... AS OF asks for. kind: timestamp or version. sql: a constant, of a type."""

    kind: str
    sql: str
    type: Type


# Columns of a table in order, with their Hive types, or Trino's; raises SqlFailed(TABLE_NOT_FOUND or SCHEMA_NOT_FOUND).
# Asked with a Version as the third argument where the statement names one.
Schema = Callable[..., "Sequence[tuple[str, str | Type]] | View"]


@dataclass
class Comparison:
    """A condition on a column: operator is =, <>, <, <=, >, >=, in, or `is null`, `is not null` (no values).

    values : list
        Texts as the catalog writes partition values: 7, 2020-01-31, abc.
    """

    column: str
    operator: str
    values: list[str]


@dataclass
class TableUse:
    """A table where it is read. Each place in the statement has a view of its own.

    view : str
        The name under which the translated statement expects its rows, with at least `columns`.
    columns : list of str
        The columns that are used, hidden ones ("$path") too; possibly none.
    predicates : list of Comparison
        All must hold for a row to matter.
    version : Version or None
        Of the table, where it is not the one of now.
    """

    database: str
    name: str
    view: str
    columns: list[str] | None
    predicates: list[Comparison]
    version: Version | None = None


@dataclass
class Translated:
    """A query for DuckDB.

    columns : list of (name, Type)
        Of the result; names may repeat.
    """

    sql: str
    tables: list[TableUse]
    columns: list[tuple[str, Type]] = field(default_factory=list)
