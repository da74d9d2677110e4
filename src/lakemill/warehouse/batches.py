"""The Data API's statements: one alone commits itself, those of a batch are one transaction."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Parameters
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import pages
from lakemill.warehouse.interface import Batch, Executed
from lakemill.warehouse.session import failure_of

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance
    from lakemill.warehouse.session import Session

_CANCELLED = "57014"


class _Kept:
    """A session that several batches share, one at a time."""

    def __init__(self, session: "Session") -> None:
        self.session, self.turn = session, threading.Lock()


class Batches:
    """Threads use it at the same time."""

    def __init__(self, warehouse: "Instance") -> None:
        self._warehouse = warehouse
        self._turn = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._sessions: dict[str, _Kept] = {}

    def execute(self, batch: Batch, started: Callable[[int], None]) -> list[Executed]:
        """What became of each statement that was begun. Raises SqlFailed where there is no such user or database."""
        kept = self._session(batch)
        running = _Running(batch, kept.session, started)
        with self._turn:
            self._running[batch.id] = running
        try:
            with kept.turn:
                return running.all()
        finally:
            with self._turn:
                self._running.pop(batch.id, None)
            if not batch.session:
                kept.session.end()

    def cancel(self, id: str) -> bool:
        """Stop a batch; whether it was under way."""
        with self._turn:
            running = self._running.get(id)
        return running is not None and running.cancel()

    def end_session(self, session: str) -> None:
        """End a session that batches have shared; nothing where there is none."""
        with self._turn:
            kept = self._sessions.pop(session, None)
        if kept is not None:
            kept.session.end()

    def _session(self, batch: Batch) -> _Kept:
        if batch.session:
            with self._turn:
                if batch.session in self._sessions:
                    return self._sessions[batch.session]
        self._user(batch)
        kept = _Kept(self._warehouse.session(batch.user, batch.database))
        if batch.session:
            with self._turn:
                if batch.session in self._sessions:
                    kept.session.end()
                return self._sessions.setdefault(batch.session, kept)
        return kept

    def _user(self, batch: Batch) -> None:
        if self._warehouse.known("user", batch.user) is not None:
            return
        if not batch.auto_create:
            raise SqlFailed("28000", f'user "{batch.user}" does not exist')
        self._warehouse.make_user(batch.user, batch.superuser)


class _Running:
    """A batch under way."""

    def __init__(self, batch: Batch, session: "Session", started: Callable[[int], None]) -> None:
        self._batch, self._session, self._started = batch, session, started
        self._stopped = False
        self._ended = False
        self._parameters = Parameters(named={one.name: one.value for one in batch.parameters})

    def all(self) -> list[Executed]:
        """Every statement, up to the first that fails."""
        found: list[Executed] = []
        session = self._session
        if self._batch.label:
            session.settings.set("query_group", self._batch.label)
        if not self._batch.single:
            session.transaction.begin()
        for number, text in enumerate(self._batch.statements):
            found.append(self._one(number, text))
            if found[-1].state != "FINISHED":
                break
        else:
            self._commit(found)
        self._ended = True
        return found

    def cancel(self) -> bool:
        """Stop it; whether it was under way."""
        if self._ended:
            return False
        self._stopped = True
        self._session.cancel()
        return True

    def _one(self, number: int, text: str) -> Executed:
        session, began = self._session, time.monotonic_ns()
        self._started(number)
        executed = Executed(state="FINISHED", pid=session.pid)
        try:
            if self._stopped:
                raise SqlFailed(_CANCELLED, "Query cancelled on user's request")
            self._carry_out(number, text, executed)
            if self._batch.single:
                session.sync()
        except Exception as wrong:
            session.fail()
            self._failed(executed, failure_of(wrong))
        executed.query = session.work.query if session.work is not None else 0
        executed.duration_ns = time.monotonic_ns() - began
        return executed

    def _carry_out(self, number: int, text: str, executed: Executed) -> None:
        session = self._session
        statements = redshift.split(text)
        if len(statements) != 1:
            raise SqlFailed("42601", "a statement must be exactly one" if statements else "a statement is empty")
        parsed = session.parse(statements[0])
        named = parsed.kind != "command" or parsed.words[:1] == ["CALL"]
        result = session.run(parsed, self._parameters if named and self._parameters.named else None)
        executed.rows = result.rows
        if self._stopped and session.work is not None and not session.work.ended.is_set():
            session.cancel()
        if result.columns is not None:
            path = Path(self._batch.folder) / f"{self._batch.id.replace('/', '_')}-{number + 1}.jsonl"
            executed.columns = pages.described(result.columns)
            executed.rows, executed.result_bytes = pages.write(result, path, session)
            executed.result = str(path)

    def _commit(self, found: list[Executed]) -> None:
        """Of a batch: it is as good as its commit."""
        try:
            if not self._batch.single:
                self._session.execute("COMMIT")
            self._session.sync()
        except Exception as wrong:
            self._session.fail()
            self._failed(found[-1], failure_of(wrong))

    def _failed(self, executed: Executed, failure: SqlFailed) -> None:
        executed.state = "ABORTED" if failure.code == _CANCELLED and self._stopped else "FAILED"
        executed.code, executed.error = failure.code, f"ERROR: {failure.message}"
        if failure.detail:
            executed.error += f"\n  Detail: {failure.detail}"
        if failure.hint:
            executed.error += f"\n  Hint: {failure.hint}"
        executed.columns, executed.rows, executed.result, executed.result_bytes = None, -1, "", 0
