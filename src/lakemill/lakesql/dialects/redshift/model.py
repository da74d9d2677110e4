"""What the compiler asks of the session, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlglot import exp

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.types import Type


@dataclass
class Column:
    """A column of a table.

    default : str or None
        The text of its DEFAULT, in Redshift's SQL.
    generated : str
        `always` or `by default` for an identity column, else empty.
    next : str
        DuckDB's expression for the next value of an identity column: nextval('...').
    """

    name: str
    type: Type
    not_null: bool = False
    default: str | None = None
    generated: str = ""
    next: str = ""


@dataclass
class Relation:
    """A table of the warehouse, or what DuckDB can read like one (a system view).

    sql : str
        DuckDB's name of it, quoted: "dev"."public"."t".
    parts : tuple of str
        Schema and name; rights are looked up by it.
    writable : bool
        False for system views.
    leader : bool
        Only on the leader node: such relations may be joined with functions that are.
    tag : Any
        Whatever the session wants back in `Use.relation`.
    """

    columns: list[Column]
    sql: str
    parts: tuple[str, ...] = ()
    writable: bool = True
    leader: bool = False
    tag: Any = None
    materialized: bool = False
    """Whether it holds the rows of a view, and only REFRESH writes to it."""


@dataclass
class View:
    """A view: Redshift's text of its query, compiled where it is used."""

    sql: str
    parts: tuple[str, ...] = ()
    columns: list[str] | None = None
    """Names that CREATE VIEW v (a, b) gave."""
    catalog: "Catalog | None" = None
    """Where the names in it are looked up, if not where the statement's are: another search path."""
    tag: Any = None


@dataclass
class Function:
    """A function of a user's: `SELECT` of one expression, in which `$1` ... are its arguments.

    tag : Any
        Whatever the session wants back in `Compiled.functions`.
    """

    body: str
    arguments: list[Type]
    returns: Type
    tag: Any = None


@dataclass
class External:
    """A table of an external schema.

    columns : list of (name, Hive type)
        Partition columns last.
    """

    database: str
    name: str
    columns: list[tuple[str, str]]
    parts: tuple[str, ...] = ()
    tag: Any = None


class Catalog(Protocol):
    """What a session knows."""

    @property
    def current_user(self) -> str: ...

    @property
    def session_user(self) -> str: ...

    @property
    def current_database(self) -> str: ...

    @property
    def current_schema(self) -> str | None:
        """The first of the search path that there is."""
        ...

    def relation(self, parts: tuple[str, ...]) -> Relation | View | External:
        """A table or view by (name), (schema, name) or (database, schema, name), in lower case unless it was quoted.

        Raises SqlFailed: 42P01 relation "x" does not exist, 3F000 schema "x" does not exist.
        """
        ...

    def function(self, parts: tuple[str, ...], kinds: list[Type]) -> Function | None:
        """A function of a user's for arguments of these types; None where there is none. Raises SqlFailed 42501."""
        ...

    def setting(self, name: str) -> str | None:
        """Of the session, as SHOW tells it: TimeZone, search_path, enable_case_sensitive_identifier ..."""
        ...

    def value(self, name: str) -> Any:
        """Of a function that tells about the session: pg_backend_pid, pg_last_copy_count, pg_last_copy_id,

        pg_last_query_id, pg_last_unload_count, pg_last_unload_id, version, current_schemas. None where there is none.
        """
        ...

    def privilege(self, kind: str, user: str | None, name: str, privilege: str) -> bool:
        """has_table_privilege and the like. kind: table, schema, database, ...; user None: the current one."""
        ...


@dataclass
class Parsed:
    """A statement, taken apart as far as it can be without a catalog.

    kind : str
        query, insert, update, delete, merge, ctas (also SELECT INTO), explain, or command for everything else.
    text : str
        Without a semicolon at the end.
    tree : Expression or None
        sqlglot's; None for a command.
    target : tuple of str
        Of ctas: the table's name as it was written, one to three parts.
    head : str
        Of ctas: what stands between the name and AS (column names, DISTKEY ...).
    columns : list of str or None
        Of ctas: names in parentheses behind the table's.
    flags : set of str
        Of ctas: temporary, if_not_exists, no_data, into; of explain: verbose.
    inner : Parsed or None
        Of explain: the statement that is explained.
    words : list of str
        The first words in capitals, at most four: for commands.
    """

    kind: str
    text: str
    tree: exp.Expr | None = None
    target: tuple[str, ...] = ()
    head: str = ""
    columns: list[str] | None = None
    flags: set[str] = field(default_factory=set)
    inner: "Parsed | None" = None
    words: list[str] = field(default_factory=list)


@dataclass
class Parameters:
    """Of a statement. Values are texts, as the wire and the Data API have them; None is NULL.

    types : dict
        Types of `$n` by number from 1, as far as the client tells them.
    values : list or None
        For `$1`, `$2` ...; None where they are not known yet: the statement is only described.
    named : dict
        For `:name`.
    held : bool
        `$n` stays one of DuckDB's: the compiled statement is executed with values, more than once. All types are told.
    """

    types: dict[int, Type] = field(default_factory=dict)
    values: list[str | None] | None = None
    named: dict[str, str | None] = field(default_factory=dict)
    held: bool = False


@dataclass
class Use:
    """What a statement does with a relation. action: read, insert, update, delete."""

    relation: Relation | View | External
    action: str
    columns: list[str] = field(default_factory=list)
    """The columns that are read, inserted into or updated."""
    through: View | None = None
    """The view in whose text the relation is named: it is read in the name of the view's owner."""


@dataclass
class Compiled:
    """A statement for DuckDB.

    statements : list of str
        To be executed one after another in the session's transaction. The last one gives the rows (query, explain), or
        the count of rows written (insert, update, delete, merge). Those before only prepare (MERGE).
    columns : list of (name, Type) or None
        Of the result; None where there is none. A CHAR(n) is padded, a SUPER is JSON text. Of an explain: DuckDB gives
        rows of (kind, plan), and the lines of the plan are the result. Of an INSERT into an external table: what is to
        be written there.
    parameters : list of Type
        Of `$1`, `$2` ..., given or found.
    uses : list of Use
        Relations, for rights and locks, those that a view reads among them.
    external : list of TableUse
        Views that must exist under these names when it runs.
    functions : list
        Tags of the functions of users that are called.
    wider : callable or None
        Of one whose products of decimals have 64 bits: makes the one for 128.
    """

    statements: list[str]
    columns: list[tuple[str, Type]] | None = None
    parameters: list[Type] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    external: list[TableUse] = field(default_factory=list)
    functions: list[Any] = field(default_factory=list)
    wider: "Callable[[], Compiled] | None" = None

    @property
    def sql(self) -> str:
        """The last statement."""
        return self.statements[-1]
