"""Names of tables and views as a session looks them up: what the compiler asks."""

from typing import TYPE_CHECKING, Any

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Catalog, Column, External, Relation, View, cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type, quoted
from lakemill.warehouse import objects, rights, spectrum, system
from lakemill.warehouse.objects import TEMPORARY
from lakemill.warehouse.store import FILE, place

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

Found = Relation | View | External
VERSION = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
    "Redshift 1.0.68555"
)
SYSTEM = ("pg_catalog", "information_schema")


class Names:
    """`redshift.Catalog` for a session; path: where names without a schema are looked up, if not by its search path."""

    def __init__(self, session: "Session", path: list[str] | None = None) -> None:
        self._session, self._path = session, path

    @property
    def current_user(self) -> str:
        return self._session.user

    @property
    def session_user(self) -> str:
        return self._session.session_user

    @property
    def current_database(self) -> str:
        return self._session.database

    @property
    def current_schema(self) -> str | None:
        return next((name for name in self.path() if name != TEMPORARY and self._schema(name) is not None), None)

    def on(self, path: list[str]) -> "Names":
        """The same with another search path."""
        return Names(self._session, path)

    def path(self) -> list[str]:
        """The search path, `$user` resolved."""
        return (
            self._path
            if self._path is not None
            else search_path(self._session.settings["search_path"], self._session.user, self._session.case_sensitive)
        )

    def relation(self, parts: tuple[str, ...]) -> Found:
        """A table or view. Raises SqlFailed: 42P01, 3F000, 3D000."""
        if len(parts) == 1:
            return self._searched(parts[0])
        database = self._session.database
        if len(parts) == 3:
            database, *rest = parts
            parts = tuple(rest)
            if database != self._session.database and self._session.store.get("database", database) is None:
                raise SqlFailed("3D000", f'database "{database}" does not exist')
        schema, name = parts
        found = self._inside(schema, name, database)
        if found is not None:
            return found
        if schema not in SYSTEM and not _temporary(schema) and self._schema(schema, database) is None:
            raise SqlFailed("3F000", f'schema "{schema}" does not exist')
        raise _unknown(f"{schema}.{name}")

    def function(self, parts: tuple[str, ...], kinds: list[Type]) -> redshift.Function | None:
        """A function of a user's for arguments of these types. Raises SqlFailed 42501, 42725."""
        if len(parts) > 2 and parts[0] != self._session.database:
            raise SqlFailed("0A000", "functions of other databases cannot be called")
        every = list(self._session.store.all("function", self._session.database).values())
        for schema in [parts[-2]] if len(parts) > 1 else self.path():
            priced = [
                (price, one)
                for one in every
                if (one.schema, one.name) == (schema, parts[-1]) and (price := _price(one, kinds)) is not None
            ]
            best = [one for price, one in priced if price == min(price for price, _ in priced)]
            if len(best) > 1:
                raise SqlFailed("42725", f"function {parts[-1]} is not unique")
            if best:
                return self._called(best[0])
        return None

    def _called(self, found: objects.Routine) -> redshift.Function:
        rights.check_usage(self._session, found.schema)
        rights.require(self._session, "function", found, found.name, "EXECUTE")
        arguments = [objects.type_of(argument.type) for argument in found.arguments]
        return redshift.Function(found.body, arguments, objects.type_of(found.returns), found.oid)

    def setting(self, name: str) -> str | None:
        """Of the session, as SHOW tells it."""
        return self._session.settings.get(name)

    def value(self, name: str) -> Any:
        """Of a function that tells about the session."""
        if name == "version":
            return VERSION
        if name == "current_schemas":
            return ["pg_catalog", *(schema for schema in self.path() if self._schema(schema) is not None)]
        return self._session.values.get(name)

    def privilege(self, kind: str, user: str | None, name: str, privilege: str) -> bool:
        """has_table_privilege and the like."""
        return rights.has(self._session, kind, user, name, privilege)

    def lookup(self, parts: tuple[str, ...]) -> tuple[str, str, objects.Relation] | None:
        """Schema, name and document of a table or view of the warehouse; None where there is none."""
        store, database = self._session.store, self._session.database
        if len(parts) == 3:
            if parts[0] != database:
                return None
            parts = parts[1:]
        if len(parts) == 2:
            schema = TEMPORARY if _temporary(parts[0]) else parts[0]
            found = store.relation(database, schema, parts[1])
            return None if found is None else (schema, parts[1], found)
        for schema in [TEMPORARY, *self.path()]:
            found = store.relation(database, schema, parts[0])
            if found is not None:
                return schema, parts[0], found
        return None

    def made_in(self, parts: tuple[str, ...]) -> tuple[str, str]:
        """Schema and name of what is to be made by this name. Raises SqlFailed: 3F000, 0A000."""
        if len(parts) == 3:
            if parts[0] != self._session.database:
                raise SqlFailed("0A000", "cross-database references to create objects are not supported")
            parts = parts[1:]
        if len(parts) == 2:
            if parts[0] in SYSTEM:
                raise SqlFailed("42501", f'permission denied to create "{parts[0]}.{parts[1]}"')
            if self._schema(parts[0]) is None:
                raise SqlFailed("3F000", f'schema "{parts[0]}" does not exist')
            return parts[0], parts[1]
        schema = self.current_schema
        if schema is None:
            raise SqlFailed("3F000", "no schema has been selected to create in")
        return schema, parts[0]

    def _searched(self, name: str) -> Found:
        for schema in [TEMPORARY, "pg_catalog", *self.path()]:
            found = self._inside(schema, name, self._session.database)
            if found is not None:
                return found
        raise _unknown(name)

    def _inside(self, schema: str, name: str, database: str) -> Found | None:
        if _temporary(schema):
            schema = TEMPORARY
        if schema in SYSTEM:
            return system.relation(self._session, schema, name, database)
        known = None if schema == TEMPORARY else self._schema(schema, database)
        if known is not None and known.external is not None:
            return spectrum.relation(self._session, schema, known.external, name)
        document = self._session.store.relation(database, schema, name)
        return None if document is None else self._made(database, schema, name, document)

    def _made(self, database: str, schema: str, name: str, document: objects.Relation) -> Found:
        if document.kind == "view":
            path = Names(self._session, document.path)
            names = [column.name for column in document.columns] if not document.late else None
            view: Catalog = path
            return View(document.text, (schema, name), names, view, Tag(database, schema, name, document))
        columns = [_column(column, document) for column in document.columns]
        sql = f"{place(database, schema)}.{quoted(name)}"
        writable = database == self._session.database
        made = Relation(columns, sql, (schema, name), writable, tag=Tag(database, schema, name, document))
        made.materialized = document.kind == "materialized"
        return made

    def _schema(self, name: str, database: str = "") -> objects.Schema | None:
        return self._session.store.get("schema", name, database or self._session.database)


class Tag:
    """What a relation is, for rights and locks."""

    def __init__(self, database: str, schema: str, name: str, document: objects.Relation) -> None:
        self.database, self.schema, self.name, self.document = database, schema, name, document
        self.oid = document.oid


def search_path(setting: str, user: str, case_sensitive: bool = False) -> list[str]:
    """The schemas of a search path; with case_sensitive those in double quotes keep their case.

    >>> search_path('"$user", public', "ann")
    ['ann', 'public']
    """
    names = [name.strip().strip("'") for name in setting.split(",")]
    names = [cases.kept_name(name) if case_sensitive and name.startswith('"') else name for name in names]
    names = [name.strip('"') for name in names]
    return [user if name == "$user" else name for name in names if name]


def _price(function: objects.Routine, kinds: list[Type]) -> int | None:
    """How far values of these types must be stretched to be the arguments; None where they cannot."""
    if len(function.arguments) != len(kinds):
        return None
    pairs = zip(kinds, function.arguments, strict=True)
    prices = [redshift.price(kind, objects.type_of(argument.type)) for kind, argument in pairs]
    return None if None in prices else sum(price for price in prices if price is not None)


def identity(document: objects.Relation) -> str:
    """The sequence that numbers the rows of a table."""
    return f"{FILE}.{objects.HIDDEN}.identity_{document.oid}"


def _column(column: objects.Column, document: objects.Relation) -> Column:
    generated = ("by default" if column.by_default else "always") if column.identity else ""
    following = f"nextval('{identity(document)}')" if column.identity else ""
    return Column(column.name, column.typed(), column.not_null, column.default or None, generated, following)


def _temporary(schema: str) -> bool:
    return schema == TEMPORARY or schema.startswith("pg_temp")


def _unknown(name: str) -> SqlFailed:
    return SqlFailed("42P01", f'relation "{name}" does not exist')
