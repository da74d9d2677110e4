"""The transaction of a session."""

import contextlib
from collections.abc import Callable, Iterable

import duckdb

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.cache import Cache
from lakemill.warehouse.locks import Locks
from lakemill.warehouse.store import SEE, Store

IDLE, IMPLICIT, BLOCK, FAILED = "idle", "implicit", "block", "failed"


class Transaction:
    """Of one connection; used by one thread at a time.

    A statement outside of BEGIN and COMMIT begins an implicit one, which `sync` commits. Locks of tables are held until
    the end. A transaction that has done nothing yet and must wait for a lock begins anew after that, so that it sees
    what it waited for.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, store: Store, cache: Cache, locks: Locks, who: int
    ) -> None:
        self._connection, self._store, self._cache, self._locks, self._who = connection, store, cache, locks, who
        self.state = IDLE
        self.number = 0
        """How many there were."""
        self._fresh = True
        self._since = 0
        self._written: set[int] = set()
        self.watched = False
        """Whether all that was committed after what it sees is noted."""
        self.at_commit: list[Callable[[], None]] = []
        self.at_rollback: list[Callable[[], None]] = []

    def need(self) -> None:
        """Begin an implicit one where there is none."""
        if self.state == IDLE:
            self._begin(IMPLICIT)

    def begin(self) -> bool:
        """BEGIN; False where one is under way already. What was done implicitly is part of it."""
        if self.state == BLOCK:
            return False
        if self.state == IDLE:
            self._begin(BLOCK)
        self.state = BLOCK
        return True

    @property
    def fresh(self) -> bool:
        """Whether nothing has been done in it, so that it may begin anew."""
        return self._fresh

    def anew(self) -> None:
        """Begin it anew: it has done nothing, or nothing but what failed."""
        with contextlib.suppress(duckdb.TransactionException):
            self._connection.execute("ROLLBACK")
        self._see()

    def touched(self) -> None:
        """Something has been done: from now on it is not begun anew."""
        self._fresh = False

    def lock(self, tables: Iterable[int], stopped: Callable[[], None], *, writing: bool = True) -> bool:
        """Hold these tables; False where it began anew, and what was looked up before may have changed.

        writing: they are to be written to, as `wrote` says.

        Raises SqlFailed: 40P01.
        """
        self.need()
        wanted = set(tables)
        current = self._locks.take(self._who, wanted, self._since, stopped)
        if writing:
            self.wrote(wanted)
        if current or not self._fresh:
            return True
        self.anew()
        return False

    def wrote(self, tables: Iterable[int]) -> None:
        """Tables have been written to, or are soon."""
        self._written |= set(tables) - self._store.temporary

    def note(self) -> None:
        """Write down which tables were written to since it was done last, for who keeps what was read from them."""
        written, self._written = self._written, set()
        if written:
            self._store.note(written)

    def sync(self) -> None:
        """Commit an implicit one. Raises duckdb.Error."""
        if self.state == IMPLICIT:
            self.commit()

    def commit(self) -> None:
        """Commit; durable on return. Raises duckdb.Error, and then it is rolled back."""
        if self.state == FAILED:
            self.rollback()
            return
        if self.state == IDLE:
            return
        changed = self._store.changed
        if changed:
            self._cache.committing()
        try:
            self._commit()
        except BaseException:
            self.rollback()
            raise
        finally:
            if changed:
                self._cache.committed()
        self._ended(True)

    def _commit(self) -> None:
        if self._fresh or not self._written:
            self._connection.execute("COMMIT")
            return
        noting = self._locks.watch.enter()
        try:
            if noting:
                self.note()
            self._connection.execute("COMMIT")
        finally:
            self._locks.watch.leave(noting)

    def watch(self) -> None:
        """Have changes of tables noted from now on; it begins anew for that, if it has done nothing yet."""
        self.need()
        self._locks.watch.start()
        if not self.watched and self._fresh:
            self.anew()

    def fail(self) -> None:
        """A statement has failed: what was done is taken back; a block stays until its end is said."""
        block = self.state in (BLOCK, FAILED)
        self.rollback()
        if block:
            self.state = FAILED

    def rollback(self) -> None:
        """Take back what was done."""
        if self.state in (BLOCK, IMPLICIT):
            with contextlib.suppress(duckdb.TransactionException):  # It may have ended by its own failure.
                self._connection.execute("ROLLBACK")
        self._ended(False)

    def check(self) -> None:
        """Raises SqlFailed 25P02 after a failure."""
        if self.state == FAILED:
            raise SqlFailed("25P02", "current transaction is aborted, commands ignored until end of transaction block")

    def _begin(self, state: str) -> None:
        self._see()
        self.state, self._fresh = state, True
        self.number += 1

    def _see(self) -> None:
        """Begin to see the file as it is now: DuckDB does so with the first statement that reads it."""
        self._since, version = self._locks.now(), self._cache.version()
        self.watched = self._locks.watch.settled
        self._connection.execute("BEGIN")
        self._connection.execute(SEE)
        if not self._locks.watch.known:
            self._locks.watch.tell(self._store.any_materialized())
            self.watched = self._locks.watch.settled
        self._store.begun(version if version == self._cache.version() else -1)

    def _ended(self, written: bool) -> None:
        self.state, self._written = IDLE, set()
        self._store.begun(-1)
        self._locks.free(self._who, written)
        calls = self.at_commit if written else self.at_rollback
        self.at_commit, self.at_rollback = [], []
        for call in calls:
            call()
