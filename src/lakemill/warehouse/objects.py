"""What a warehouse knows about its objects beside what DuckDB's catalog does.

Everything is in one file of DuckDB, so one transaction covers all of it. A schema `sales` of the database `dev` is
DuckDB's schema `dev.sales`; temporary tables are in DuckDB's own `temp`. What is to be known of a table or view is a
document (JSON) in DuckDB's comment on it, which changes with its transaction and goes with the table. A view is there
a view without meaning, which holds the name; its text is in the document. What is no relation (databases, schemas,
users, groups, roles) is a row of `lakemill.objects`.
"""

from typing import Any

import msgspec

from lakemill.lakesql.types import Type

HIDDEN = "lakemill"
TEMPORARY = "temp"
OID_FIRST = 100000
"""Numbers below are those of what is built in."""


class Column(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A column of a table or view."""

    name: str
    type: list[Any]
    """Name and arguments of a `lakesql.types.Type`."""
    number: int = 0
    """From 1; numbers of columns that were dropped do not come again."""
    not_null: bool = False
    default: str = ""
    """As Redshift's SQL; empty without one."""
    identity: list[int] = []
    """Seed and step."""
    by_default: bool = False
    """Whether an identity's values may be given."""
    encode: str = ""
    comment: str = ""
    collate: str = ""

    def typed(self) -> Type:
        """Its type."""
        return type_of(self.type)


class Foreign(msgspec.Struct, kw_only=True):
    """A foreign key; it is told, not enforced."""

    columns: list[str]
    table: list[str]
    """Schema and name."""
    references: list[str]
    name: str = ""


class Key(msgspec.Struct, kw_only=True):
    """A primary key or columns that are said to be unique; told, not enforced."""

    columns: list[str]
    name: str = ""


class Relation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A table or view."""

    oid: int
    owner: str
    columns: list[Column]
    kind: str = "table"
    """table, view, or materialized."""
    distribution: str = "AUTO"
    """AUTO, EVEN, ALL or KEY."""
    distribution_key: str = ""
    sort_key: list[str] = []
    sort_style: str = "AUTO"
    """AUTO, COMPOUND or INTERLEAVED."""
    backup: bool = True
    primary_key: Key | None = None
    unique: list[Key] = []
    foreign: list[Foreign] = []
    comment: str = ""
    rights: dict[str, list[str]] = {}
    """Of a grantee (`user:x`, `group:x`, `role:x`, `public`): SELECT, INSERT ...; `*` behind it with GRANT OPTION."""
    columns_rights: dict[str, dict[str, list[str]]] = {}
    """Of a grantee: the rights on single columns, by their names."""
    text: str = ""
    """Of a view: its query."""
    late: bool = False
    """WITH NO SCHEMA BINDING."""
    path: list[str] = []
    """Of a view: the search path by which its names are looked up."""
    depends: list[int] = []
    """Of a view: numbers of the relations that it reads."""
    created: str = ""
    auto_refresh: bool = False
    """Of a materialized view: whether the warehouse refreshes it by itself."""
    changes: dict[int, int] = {}
    """Of a materialized view: for each relation that it reads, the last change that its rows hold."""
    outside: bool = False
    """Of a materialized view: whether it reads tables of external schemas."""
    mutable: bool = False
    """Of a materialized view: whether its query would give other rows although its tables are the same."""

    @property
    def held_as(self) -> str:
        """What it is in DuckDB: TABLE or VIEW."""
        return "VIEW" if self.kind == "view" else "TABLE"

    @property
    def label(self) -> str:
        """As messages call it: table, view, materialized view."""
        return "materialized view" if self.kind == "materialized" else self.kind

    def column(self, name: str) -> Column | None:
        """By its name, None where there is none."""
        return next((column for column in self.columns if column.name == name), None)


class Database(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A database."""

    oid: int
    owner: str
    rights: dict[str, list[str]] = {}
    limit: int = -1
    settings: dict[str, str] = {}
    comment: str = ""
    collate: str = ""


class Schema(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A schema; external: what its `CREATE EXTERNAL SCHEMA` said, for a schema of the lake's catalog."""

    oid: int
    owner: str
    rights: dict[str, list[str]] = {}
    external: dict[str, Any] | None = None
    comment: str = ""
    defaults: dict[str, dict[str, list[str]]] = {}
    """ALTER DEFAULT PRIVILEGES: by `owner/TABLES`, rights of grantees."""


class User(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A user."""

    id: int
    superuser: bool = False
    create_databases: bool = False
    verifier: str = ""
    """Hex of MD5(password + name); empty where no password of its own opens."""
    valid_until: str = ""
    connections_max: int = -1
    settings: dict[str, str] = {}


class Group(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A group of users."""

    id: int
    members: list[str] = []


class Role(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A role; members: `user:x` and `role:x`."""

    id: int
    owner: str
    members: list[str] = []


class Argument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of a procedure or function. mode: in, out or inout."""

    name: str = ""
    mode: str = "in"
    type: list[Any]
    cursor: bool = False
    """A refcursor, whose value is the name of a cursor."""


class Routine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A stored procedure, or a function."""

    oid: int
    owner: str
    schema: str
    name: str
    arguments: list[Argument]
    body: str
    rights: dict[str, list[str]] = {}
    comment: str = ""
    created: str = ""
    definer: bool = False
    """SECURITY DEFINER: it has the rights of its owner."""
    nonatomic: bool = False
    settings: dict[str, str] = {}
    """SET: what is set while it runs."""
    returns: list[Any] = []
    """Of a function: the type."""
    volatility: str = ""
    """Of a function: volatile, stable or immutable."""

    @property
    def inputs(self) -> list[Argument]:
        """The arguments that a call gives values for."""
        return [argument for argument in self.arguments if argument.mode != "out"]

    @property
    def key(self) -> str:
        """What it is kept under: schema, name and types of its inputs."""
        return routine_key(self.schema, self.name, [type_of(argument.type) for argument in self.inputs])


def routine_key(schema: str, name: str, types: list[Type]) -> str:
    """Lengths and precisions make no other routine.

    >>> routine_key("public", "p", [Type("varchar", (10,)), Type("integer")])
    'public.p(varchar, integer)'
    """
    return f"{schema}.{name}({', '.join(kind.name for kind in types)})"


KINDS: dict[str, type[Any]] = {
    **{"database": Database, "schema": Schema, "user": User, "group": Group, "role": Role},
    **{"procedure": Routine, "function": Routine},
}


def stored_type(type: Type) -> list[Any]:
    """A type as a document holds it."""
    return [type.name, [stored_type(arg) if isinstance(arg, Type) else arg for arg in type.args]]


def type_of(stored: list[Any]) -> Type:
    """The type that a document holds.

    >>> type_of(stored_type(Type("decimal", (18, 2))))
    Type(name='decimal', args=(18, 2))
    """
    name, args = stored
    return Type(name, tuple(type_of(arg) if isinstance(arg, list) else arg for arg in args))


def unique_name(table: str, columns: list[str]) -> str:
    """What a UNIQUE constraint is called that was given no name."""
    return f"{table}_{'_'.join(columns)}_key"


def foreign_name(table: str, columns: list[str]) -> str:
    """What a foreign key is called that was given no name."""
    return f"{table}_{'_'.join(columns)}_fkey"
