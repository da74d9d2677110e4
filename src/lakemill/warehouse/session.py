"""A session: statements of one user in one database, one after another."""

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled, Parameters, Parsed, cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse import commands, reading, rights, spectrum, tabular
from lakemill.warehouse.history import now
from lakemill.warehouse.names import Names
from lakemill.warehouse.results import Result, spooled
from lakemill.warehouse.settings import Settings
from lakemill.warehouse.store import Store
from lakemill.warehouse.transactions import Transaction

if TYPE_CHECKING:
    import pyarrow as pa

    from lakemill.warehouse.instance import Instance

_TAGS = {"insert": "INSERT 0 {}", "update": "UPDATE {}", "delete": "DELETE {}", "merge": "MERGE {}"}
# Statements about what has a name without case.
_NO_CASE = re.compile(r"\s*(?:(?:CREATE|ALTER|DROP)\s+(?:USER|GROUP|ROLE|DATABASE)|SET\s+SESSION\s+AUTH)", re.I)
# In a transaction that has failed, only its end is still understood.
_ENDS = {"ROLLBACK", "ABORT", "COMMIT", "END"}


class Work:
    """A statement under way."""

    def __init__(self, query: int, text: str, kind: str) -> None:
        self.query, self.text, self.kind = query, text, kind
        self.began, self.began_s = now(), time.monotonic()
        self.stopped: SqlFailed | None = None
        self.ended = threading.Event()

    def check(self) -> None:
        """Raises SqlFailed 57014 once it was cancelled."""
        if self.stopped is not None:
            raise self.stopped


class Session:
    """Used by one thread at a time, but for `cancel` and `end`.

    Parameters
    ----------
    user, database : str
    groups : sequence of str
        Which the user joins for the session only.
    settings : dict
        What the client asks for as it begins.
    """

    def __init__(
        self,
        warehouse: "Instance",
        pid: int,
        user: str,
        database: str,
        *,
        groups: Iterable[str] = (),
        settings: dict[str, str] | None = None,
        remote: str = "",
    ) -> None:
        self.warehouse, self.pid, self.user, self.database, self.remote = warehouse, pid, user, database, remote
        self.session_user, self.groups = user, tuple(groups)
        self.secret = secrets.randbits(31)
        self.began = now()
        self.connection = warehouse.connection()
        """DuckDB's: whatever is executed here is part of the session's transaction."""
        self.store = Store(self.connection, warehouse.cache)
        self.transaction = Transaction(self.connection, self.store, warehouse.cache, warehouse.locks, pid)
        self.names = Names(self)
        """What the compiler asks for."""
        known = self.store.get("database", database)
        if known is None:
            self.connection.close()
            raise SqlFailed("3D000", f'database "{database}" does not exist')
        own = self.store.get("user", user)
        self.user_id = own.id if own is not None else 1
        self.settings = Settings(
            warehouse.parameters | known.settings | (own.settings if own else {}) | (settings or {})
        )
        self.cursors: dict[str, Any] = {}
        """Those that DECLARE made: `commands.cursors.Cursor`."""
        self.prepared: dict[str, Any] = {}
        self.values: dict[str, Any] = {"pg_backend_pid": pid}
        """What functions such as pg_last_copy_count tell."""
        self.notices: list[str] = []
        """What clients are to be told with the statement's end."""
        self.automatic = False
        """Whether it is the warehouse that works in it, by itself."""
        self.running: Any = None
        """The call of a procedure that is under way: `procedures.running.Running`."""
        self.work: Work | None = None
        self._open: Result | None = None
        self._last: tuple[Parsed, Parameters | None, int, Compiled] | None = None
        self._turn = threading.RLock()

    # Statements

    def execute(self, text: str, parameters: Parameters | None = None) -> Result:
        """Carry out one statement. Raises SqlFailed; what a query fails with may come with its rows."""
        try:
            parsed = self.parse(text)
        except SqlFailed:
            self.fail()
            raise
        return self.run(parsed, parameters)

    def parse(self, text: str) -> Parsed:
        """A statement of the client, taken apart. Raises SqlFailed 42601."""
        given = self.kept(text)
        try:
            return redshift.parse(given)
        except SqlFailed as failure:
            raise cases.placed(failure, given) from None

    def kept(self, text: str) -> str:
        """A text in SQL that comes from outside: its names in quotes keep their case, if the session's setting says so.

        Users, groups, roles and databases have names without case.
        """
        if not self.case_sensitive or _NO_CASE.match(text):
            return text
        return cases.kept(text)

    @property
    def case_sensitive(self) -> bool:
        """Whether enable_case_sensitive_identifier is on."""
        return self.settings["enable_case_sensitive_identifier"] == "on"

    def run(self, parsed: Parsed, parameters: Parameters | None = None) -> Result:
        """Carry out a statement that was taken apart. Raises SqlFailed."""
        self.check(parsed)
        self.set_aside()
        if self._last is not None and self._last[0] is not parsed:
            self._last = None
        work = self.work = Work(self.warehouse.history.number(), parsed.text, parsed.kind)
        watch = self._timer()
        try:
            result = self._dispatch(parsed, parameters)
        except BaseException as wrong:
            raise self._failed(wrong, work, watch) from None
        if isinstance(result.batches, (list, tuple)):
            self._done(work, watch)
        else:
            result.batches = self._watched(result.batches, work, watch)
            self._open = result
        result.notices, self.notices = self.notices, []
        return result

    def check(self, parsed: Parsed) -> None:
        """Raises SqlFailed 25P02 where a transaction has failed, and this does not end it."""
        if not (parsed.kind == "command" and parsed.words and parsed.words[0] in _ENDS):
            self.transaction.check()

    def compile(self, parsed: Parsed, parameters: Parameters | None = None) -> Compiled:
        """Translate a statement; who may not do it, is told so, and the tables it writes are held. Raises SqlFailed."""
        self.transaction.need()
        while True:
            compiled = self._described(parsed, parameters) or self._compiled(parsed, parameters)
            rights.check_uses(self, compiled.uses)
            if self.lock(use.relation.tag.oid for use in compiled.uses if use.action != "read" and use.relation.tag):
                return compiled

    def describe(self, parsed: Parsed, parameters: Parameters | None = None) -> Compiled | None:
        """What a statement takes and gives, None of a command. It is not carried out. Raises SqlFailed."""
        self.transaction.check()
        if parsed.kind == "command":
            return None
        self.set_aside()
        self.transaction.need()
        try:
            compiled = self._compiled(parsed, parameters)
            self._last = (parsed, parameters, self.transaction.number, compiled)
            return compiled
        except BaseException as wrong:
            self.transaction.fail()
            raise cases.placed(failure_of(wrong), parsed.text) from None

    def _compiled(self, parsed: Parsed, parameters: Parameters | None) -> Compiled:
        """For 64 bits only where it could be done again."""
        wide = parsed.kind != "query" or not self.transaction.fresh
        return redshift.compile(parsed, self.names, parameters, wide=wide)

    def _described(self, parsed: Parsed, parameters: Parameters | None) -> Compiled | None:
        """What was compiled just before, in the same transaction, and with nothing between."""
        last, self._last = self._last, None
        if last is not None and last[0] is parsed and last[1] is parameters and last[2] == self.transaction.number:
            return last[3]
        return None

    def lock(self, tables: Iterable[int], *, writing: bool = True) -> bool:
        """Hold these tables until the transaction's end; False where what was looked up may have changed since.

        writing: False where it is not certain yet that they are written to.
        """
        wanted = list(tables)
        work = self.work
        stopped = work.check if work is not None else lambda: None
        return not wanted or self.transaction.lock(wanted, stopped, writing=writing)

    def sync(self) -> None:
        """The end of what belongs together: an implicit transaction is committed. Raises SqlFailed."""
        if self.transaction.state == "implicit":
            self.drop(self._open)
        try:
            self.transaction.sync()
        except duckdb.Error as wrong:
            self.settings.rollback()
            raise failure_of(wrong) from None
        if self.transaction.state == "idle":
            self.settings.commit()

    def fail(self) -> None:
        """What was done in the transaction is taken back."""
        self.drop(self._open)
        self.transaction.fail()
        self.settings.rollback()

    def set_aside(self) -> None:
        """Put the rows that a client has not read yet into a file, so that the next statement may come."""
        result, self._open = self._open, None
        if result is not None and self.work is not None and not self.work.ended.is_set():
            path = self.warehouse.scratch / f"rows-{self.pid}-{self.work.query}.arrow"
            result.batches = spooled(result.batches, path)

    def drop(self, result: Result | None) -> None:
        """Nobody will read the rows of a result that are left."""
        if result is not None:
            if result is self._open:
                self._open = None
            if isinstance(result.batches, Generator):
                result.batches.close()

    # From other threads

    def cancel(self, failure: SqlFailed | None = None, work: Work | None = None) -> bool:
        """Stop the statement that is under way; whether there was one."""
        work = work or self.work
        calling = self.running.work if self.running is not None else None
        if calling is not None and (work is None or work.ended.is_set()):
            work = calling
        if work is None or work.ended.is_set():
            return False
        work.stopped = failure or SqlFailed("57014", f"Query ({work.query}) cancelled on user's request")
        if calling is not None:  # Its statement may end in time.
            calling.stopped = work.stopped
        threading.Thread(target=self._interrupt, args=(work,), daemon=True).start()
        return True

    def end(self) -> None:
        """End the session; what was not committed is taken back."""
        work = self.work
        if self.cancel(SqlFailed("57P01", "terminating connection due to administrator command")):
            assert work is not None
            work.ended.wait(5.0)
        with self._turn, contextlib.suppress(duckdb.Error):
            self.transaction.rollback()
            self.connection.close()
        self.warehouse.ended(self)

    # Inside

    def _dispatch(self, parsed: Parsed, parameters: Parameters | None) -> Result:
        if parsed.kind == "command":
            return commands.carry_out(self, parsed, parameters)
        if parsed.kind == "ctas":
            return commands.create_as(self, parsed, parameters)
        compiled = self.compile(parsed, parameters)
        if parsed.kind == "explain":
            plan = self.connection.execute(compiled.sql).fetchall()
            lines = [line for row in plan for line in str(row[-1]).rstrip().split("\n")]
            return tabular.result("EXPLAIN", [("QUERY PLAN", "varchar")], [(line,) for line in lines])
        if parsed.kind == "insert" and compiled.columns is not None:
            return spectrum.insert(self, compiled)
        if compiled.columns is not None:
            rows = reading.rows(self, compiled)
            return Result("SELECT" if parsed.kind == "query" else parsed.kind.upper(), compiled.columns, rows)
        return self.write(parsed.kind, compiled)

    def write(self, kind: str, compiled: Compiled) -> Result:
        """Carry out what writes."""
        self.transaction.touched()
        with reading.external(self, compiled.external):
            reading.prepare(self, compiled)
            row = self.connection.execute(compiled.sql).fetchone()
        count = row[0] if row else 0
        return Result(_TAGS[kind].format(count), rows=count)

    def _watched(
        self, batches: "Iterable[pa.RecordBatch]", work: Work, watch: threading.Timer | None
    ) -> "Iterator[pa.RecordBatch]":
        try:
            for batch in batches:
                work.check()
                yield batch
        except GeneratorExit:
            self._done(work, watch)
            raise
        except BaseException as wrong:
            self._open = None
            raise self._failed(wrong, work, watch) from None
        self._open = None
        self._done(work, watch)

    def _failed(self, wrong: BaseException, work: Work, watch: threading.Timer | None) -> SqlFailed:
        failure = work.stopped or cases.placed(failure_of(wrong), work.text)
        self._done(work, watch, failure)
        self.fail()
        return failure

    def _done(self, work: Work, watch: threading.Timer | None, failure: SqlFailed | None = None) -> None:
        if watch is not None:
            watch.cancel()
        work.ended.set()
        self.values["pg_last_query_id"] = work.query
        self.warehouse.history.add(
            "queries",
            (
                *(work.query, self.transaction.number, self.pid, self.user_id, self.user, self.database),
                *(self.settings["query_group"], work.text[:65535], work.began, now(), int(failure is not None)),
                *((failure.code, failure.message) if failure else ("", "")),
                work.kind,
            ),
        )

    def _timer(self) -> threading.Timer | None:
        limit_ms = int(self.settings["statement_timeout"])
        if not limit_ms:
            return None
        failure = SqlFailed("57014", "canceling statement due to statement timeout")
        timer = threading.Timer(limit_ms / 1000, self.cancel, (failure, self.work))
        timer.daemon = True
        timer.start()
        return timer

    def _interrupt(self, work: Work) -> None:
        while not work.ended.wait(0.02):
            with contextlib.suppress(duckdb.Error):
                self.connection.interrupt()


def failure_of(wrong: BaseException) -> SqlFailed:
    """What a client is told of an error."""
    if isinstance(wrong, SqlFailed):
        return wrong
    if isinstance(wrong, LakeRefused):
        return SqlFailed("XX000", f"{wrong.code}: {wrong.message}")
    if isinstance(wrong, duckdb.Error):
        return redshift.of_duckdb(wrong)
    if isinstance(wrong, MemoryError):
        return SqlFailed("53200", "out of memory")
    if isinstance(wrong, RecursionError):
        return SqlFailed("54001", "stack depth limit exceeded")
    if not isinstance(wrong, Exception):
        raise wrong
    return SqlFailed("XX000", f"internal error: {type(wrong).__name__}: {wrong}")
