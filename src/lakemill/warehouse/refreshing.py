"""The rows of materialized views: all of them are made anew from the query, in the transaction of who refreshes.

A view knows for each table that it reads the last change (`Store.changes`) that its rows hold. It is stale where there
has been another since.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import quoted
from lakemill.warehouse import reading, rights
from lakemill.warehouse.history import now
from lakemill.warehouse.objects import Relation
from lakemill.warehouse.store import Store, place

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance
    from lakemill.warehouse.session import Session

TABLE = "mv_refreshes"
COLUMNS = (
    "userid INTEGER, pid INTEGER, xid BIGINT, database VARCHAR, schema VARCHAR, name VARCHAR, oid BIGINT, "
    "starttime TIMESTAMP, endtime TIMESTAMP, status VARCHAR, type VARCHAR"
)
RECOMPUTED = "Refresh successfully recomputed MV from scratch"
CURRENT = "MV was already updated"
_EVERY_S = 1.0
# Whether there is a view to look after; most warehouses have none, and many tables.
_SOME = """SELECT count(*) FROM duckdb_tables() WHERE comment LIKE '%"auto_refresh":true%'"""
# A refresh that met another transaction is tried again.
_PASSING = ("40001", "40P01", "57014")


def stale(store: Store, view: Relation) -> bool:
    """Whether the tables that a view reads have changed since, or its query tells something else each time."""
    return view.mutable or view.outside or store.changes(view.depends) != view.changes


def refresh(session: "Session", schema: str, name: str, view: Relation) -> None:
    """Make the rows of a view anew, unless they are what they would be. Raises SqlFailed.

    The session holds its lock. What the transaction has changed before counts.
    """
    began = now()
    rights.require_owner(session, view, name)
    session.transaction.note()
    if not stale(session.store, view):
        session.notices.append(f"INFO:  Materialized view {name} is already up to date.")
        _tell(session, schema, name, view, began, CURRENT)
        return
    try:
        parsed = dataclasses.replace(redshift.parse(view.text), kind="ctas")
        compiled = redshift.compile(parsed, session.names.on(view.path))
        rights.check_uses(session, compiled.uses, view.owner)
        fill(session, schema, name, view, compiled)
    except (SqlFailed, duckdb.Error) as wrong:
        reason = wrong.message if isinstance(wrong, SqlFailed) else str(wrong).splitlines()[0]
        _tell(session, schema, name, view, began, f"Refresh failed. {reason}")
        raise
    session.notices.append(f"INFO:  Materialized view {name} was recomputed successfully.")
    _tell(session, schema, name, view, began, RECOMPUTED)


def fill(session: "Session", schema: str, name: str, view: Relation, compiled: Compiled) -> None:
    """Have a view hold what its query gives now. Columns that its tables have got since it was made are left out."""
    where = f"{place(session.database, schema)}.{quoted(name)}"
    given = [column for column, _ in compiled.columns or []]
    missing = next((column.name for column in view.columns if column.name not in given), None)
    if missing is not None:
        raise SqlFailed("42703", f'column "{missing}" of materialized view "{name}" is not given any more')
    view.changes = session.store.changes(view.depends)
    if not session.transaction.watched:  # It may lack what nobody has noted.
        view.changes = dict.fromkeys(view.depends, -1)
    session.transaction.touched()
    session.transaction.wrote([view.oid])
    columns = ", ".join(f"{quoted(column.name)} {column.typed().duckdb()}" for column in view.columns)
    kept = ", ".join(f"q.{quoted(column.name)}" for column in view.columns)
    names = ", ".join(quoted(column) for column in given)
    with reading.external(session, compiled.external):
        reading.prepare(session, compiled)
        session.connection.execute(f"CREATE OR REPLACE TABLE {where} ({columns})")
        session.connection.execute(f"INSERT INTO {where} SELECT {kept} FROM ({compiled.sql}) AS q({names})")
    session.store.annotate(session.database, schema, name, view)


def behind(session: "Session", oid: int) -> Iterator[tuple[str, str, Relation]]:
    """Materialized views that read one, and those that read these: each after all that it reads."""
    views = {it.oid: (schema, name, it) for schema, name, it in session.store.relations(session.database)}
    found, reached = [], {oid}
    for number, (_, _, it) in sorted(views.items()):  # A view is younger than what it reads.
        if it.kind == "materialized" and reached & set(it.depends):
            reached.add(number)
            found.append(views[number])
    return iter(found)


def _tell(session: "Session", schema: str, name: str, view: Relation, began: object, status: str) -> None:
    history = session.warehouse.history
    history.make(TABLE, COLUMNS)
    kind = "Auto" if session.automatic else "Manual"
    who = (session.user_id, session.pid, session.transaction.number, session.database)
    history.add(TABLE, (*who, schema, name, view.oid, began, now(), status, kind))


class Refresher:
    """Refreshes the views that were made with AUTO REFRESH YES, once what they read has changed; has a thread."""

    def __init__(self, warehouse: "Instance") -> None:
        self._warehouse = warehouse
        self._closed = threading.Event()
        self._seen = -1
        self._failed: dict[int, dict[int, int]] = {}
        """By the numbers of views, the changes with which a refresh has failed: it would again."""
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to look every second."""
        self._thread.start()

    def close(self) -> None:
        """End, also in the middle of a refresh."""
        self._closed.set()
        session = self._session
        if session is not None:
            session.cancel()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def turn(self) -> int:
        """Refresh what is stale; how many views that were. Nothing is looked at where nothing was committed since."""
        at = self._warehouse.locks.now()
        if at == self._seen:
            return 0
        done, again = 0, False
        for database, view, changes in self._stale():
            if self._closed.is_set():
                break
            try:
                self._refresh(database, *view)
                done += 1
            except SqlFailed as failure:  # It stands in the history of refreshes.
                again = again or failure.code in _PASSING
                if failure.code not in _PASSING:
                    self._failed[view[2].oid] = changes
        self._seen = self._seen if again else at
        return done

    def _run(self) -> None:
        while not self._closed.wait(_EVERY_S):
            with contextlib.suppress(duckdb.Error):
                self.turn()

    def _stale(self) -> list[tuple[str, tuple[str, str, Relation], dict[int, int]]]:
        """Database, view, and the last changes of what it reads."""
        found: list[tuple[str, tuple[str, str, Relation], dict[int, int]]] = []
        with self._warehouse.connection() as connection:
            store = Store(connection)
            connection.execute("BEGIN")
            if not (connection.execute(_SOME).fetchone() or (0,))[0]:
                return []
            for database in store.all("database"):
                for view in store.relations(database):
                    if view[2].auto_refresh and stale(store, view[2]):
                        changes = store.changes(view[2].depends)
                        if self._failed.get(view[2].oid) != changes:
                            found.append((database, view, changes))
            connection.execute("ROLLBACK")
        return found

    def _refresh(self, database: str, schema: str, name: str, view: Relation) -> None:
        session = self._session = self._warehouse.session(view.owner, database)
        session.automatic = True
        try:
            session.execute(f"REFRESH MATERIALIZED VIEW {quoted(schema)}.{quoted(name)}")
            session.sync()
        finally:
            self._session = None
            session.end()
