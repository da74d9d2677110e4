"""Reading and writing what `objects` describes, in a session's transaction."""

from collections.abc import Iterable
from typing import Any

import duckdb
import msgspec

from lakemill.lakesql.dialects.typed import text
from lakemill.lakesql.types import quoted
from lakemill.warehouse.cache import Cache
from lakemill.warehouse.objects import HIDDEN, KINDS, OID_FIRST, TEMPORARY, Database, Relation, Schema

FILE = "warehouse"
"""The name under which the file with everything is attached."""
_OBJECTS = f"{FILE}.{HIDDEN}.objects"
SEE = f"SELECT 1 FROM {_OBJECTS} LIMIT 0"
"""The least that reads the file."""
_CHANGES = f"{FILE}.{HIDDEN}.changes"
_PREPARE = f"""
CREATE SCHEMA IF NOT EXISTS {FILE}.{HIDDEN};
CREATE SEQUENCE IF NOT EXISTS {FILE}.{HIDDEN}.numbers START {OID_FIRST};
CREATE TABLE IF NOT EXISTS {_OBJECTS} (
    kind VARCHAR, database VARCHAR, name VARCHAR, document VARCHAR, PRIMARY KEY (kind, database, name)
);
CREATE SEQUENCE IF NOT EXISTS {FILE}.{HIDDEN}.change_numbers;
CREATE TABLE IF NOT EXISTS {_CHANGES} (relation BIGINT, number BIGINT);
DELETE FROM {_CHANGES} USING (SELECT relation AS of, max(number) AS last FROM {_CHANGES} GROUP BY relation) AS newest
WHERE relation = newest.of AND number < newest.last;
"""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a new file a warehouse's."""
    connection.execute(_PREPARE)


def place(database: str, schema: str) -> str:
    """DuckDB's schema for one of a warehouse."""
    return TEMPORARY + ".main" if schema == TEMPORARY else f"{FILE}.{quoted(f'{database}.{schema}')}"


class Store:
    """Objects as a transaction of this connection sees them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cache: Cache | None = None) -> None:
        self._connection, self._cache = connection, cache
        self._version = -1
        self._temporary = False
        self.temporary: set[int] = set()
        """Numbers of the temporary tables that the session has made."""
        self.changed = False
        """Whether the transaction has changed an object."""

    def begun(self, version: int) -> None:
        """A transaction has begun. version: of the cache, if that is what the transaction sees, else -1."""
        self._version, self.changed = version, False

    def change(self) -> None:
        """Say that an object is changed: from now on the transaction does not see what the cache tells."""
        self._version, self.changed = -1, True

    def number(self) -> int:
        """A number that no object has had; it does not come back with a rollback."""
        row = self._connection.execute(f"SELECT nextval('{FILE}.{HIDDEN}.numbers')").fetchone()
        assert row is not None
        return row[0]

    def all(self, kind: str, database: str = "") -> dict[str, Any]:
        """All of a kind, by their names in order."""
        found = self._connection.execute(
            f"SELECT name, document FROM {_OBJECTS} WHERE kind = ? AND database = ? ORDER BY name",
            [kind, database],
        ).fetchall()
        return {name: msgspec.json.decode(document, type=KINDS[kind]) for name, document in found}

    def get(self, kind: str, name: str, database: str = "") -> Any:
        """One of them, which may be changed and `put`; None where there is none."""
        found = self._found(
            (kind, database, name),
            f"SELECT document FROM {_OBJECTS} WHERE kind = ? AND database = ? AND name = ?",
            [kind, database, name],
        )
        return None if found is None else msgspec.json.decode(found, type=KINDS[kind])

    def put(self, kind: str, name: str, document: Any, database: str = "") -> None:
        """Make or change it."""
        self.change()
        value = msgspec.json.encode(document).decode()
        if self.get(kind, name, database) is None:
            self._connection.execute(f"INSERT INTO {_OBJECTS} VALUES (?, ?, ?, ?)", [kind, database, name, value])
            return
        self._connection.execute(
            f"UPDATE {_OBJECTS} SET document = ? WHERE kind = ? AND database = ? AND name = ?",
            [value, kind, database, name],
        )

    def remove(self, kind: str, name: str, database: str = "") -> None:
        """Forget it."""
        self.change()
        self._connection.execute(
            f"DELETE FROM {_OBJECTS} WHERE kind = ? AND database = ? AND name = ?", [kind, database, name]
        )

    def relation(self, database: str, schema: str, name: str) -> Relation | None:
        """A table or view; None where there is none."""
        catalog, inside = _inside(database, schema)
        if schema == TEMPORARY and not self._temporary:
            return None
        found = self._found(
            ("" if schema == TEMPORARY else "relation", database, schema, name),
            f"SELECT comment FROM duckdb_tables() WHERE {catalog} AND schema_name = ? AND table_name = ? "
            f"UNION ALL SELECT comment FROM duckdb_views() WHERE {catalog} AND schema_name = ? AND view_name = ?",
            [inside, name, inside, name],
        )
        return None if not found else msgspec.json.decode(found, type=Relation)

    def relations(self, database: str) -> list[tuple[str, str, Relation]]:
        """Schema, name and document of every table and view of a database, and of the session's temporary tables."""
        begin = f"{database}."
        rows = self._connection.execute(
            "SELECT database_name, schema_name, name, comment FROM ("
            "SELECT database_name, schema_name, table_name AS name, comment FROM duckdb_tables() UNION ALL "
            "SELECT database_name, schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal) "
            f"WHERE comment IS NOT NULL AND (database_name = '{TEMPORARY}' OR "
            f"database_name = '{FILE}' AND starts_with(schema_name, ?)) ORDER BY ALL",
            [begin],
        ).fetchall()
        return [
            (
                TEMPORARY if catalog == TEMPORARY else schema.removeprefix(begin),
                name,
                msgspec.json.decode(comment, type=Relation),
            )
            for catalog, schema, name, comment in rows
        ]

    def annotate(self, database: str, schema: str, name: str, relation: Relation) -> None:
        """Keep what is known of a table or view that there is."""
        self.change()
        if schema == TEMPORARY:
            self._temporary = True
            self.temporary.add(relation.oid)
        kind = relation.held_as
        where = f"{place(database, schema)}.{quoted(name)}"
        document = msgspec.json.encode(relation).decode()
        self._connection.execute(f"COMMENT ON {kind} {where} IS {text(document)}")

    def note(self, relations: Iterable[int]) -> None:
        """Write down that tables have changed: each change of one has a number, and they rise.

        Whoever notes a change of a table holds its lock, so numbers are committed in their order. Rows are only added
        while the file is open: transactions that note at the same time do not meet.
        """
        numbers = ", ".join(map(str, sorted(relations)))
        sequence = f"{FILE}.{HIDDEN}.change_numbers"
        self._connection.execute(f"INSERT INTO {_CHANGES} SELECT unnest([{numbers}]), nextval('{sequence}')")

    def any_materialized(self) -> bool:
        """Whether there is a materialized view in any database."""
        found = self._connection.execute(
            f"SELECT count(*) FROM duckdb_tables() WHERE database_name = '{FILE}' "
            """AND comment LIKE '%"kind":"materialized"%'"""
        ).fetchone()
        return bool(found and found[0])

    def changes(self, relations: Iterable[int]) -> dict[int, int]:
        """The last change of each of these tables, 0 where none was noted."""
        wanted = sorted(relations)
        if not wanted:
            return {}
        numbers = ", ".join(map(str, wanted))
        rows = self._connection.execute(
            f"SELECT relation, max(number) FROM {_CHANGES} WHERE relation IN ({numbers}) GROUP BY relation"
        ).fetchall()
        return dict.fromkeys(wanted, 0) | dict(rows)

    def _found(self, key: tuple[str, ...], sql: str, parameters: list[str]) -> str | None:
        if key[0] and self._cache is not None:
            known, value = self._cache.get(self._version, key)
            if known:
                return value
        row = self._connection.execute(sql, parameters).fetchone()
        found = None if row is None else row[0]
        if key[0] and self._cache is not None:
            self._cache.put(self._version, key, found)
        return found


def _inside(database: str, schema: str) -> tuple[str, str]:
    if schema == TEMPORARY:
        return f"database_name = '{TEMPORARY}'", "main"
    return f"database_name = '{FILE}'", f"{database}.{schema}"


def create_database(store: "Store", connection: duckdb.DuckDBPyConnection, name: str, owner: str) -> None:
    """Make a database and its schema `public`, which everybody may use."""
    store.put("database", name, Database(oid=store.number(), owner=owner, rights={"public": ["TEMP"]}))
    connection.execute(f"CREATE SCHEMA {place(name, 'public')}")
    public = Schema(oid=store.number(), owner=owner, rights={"public": ["USAGE", "CREATE"]})
    store.put("schema", "public", public, name)
