"""Statements carried out by warehouses' processes while their callers do something else."""

import asyncio
import datetime
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lakemill.engines.warehouses.errors import NotRunning, SqlFailed, StatementEnded, TooManyActive
from lakemill.engines.warehouses.process import WarehouseProcess
from lakemill.engines.warehouses.sessions import Find, Session, Sessions
from lakemill.engines.warehouses.statement import Document, Part, State, Statement
from lakemill.engines.warehouses.store import KEPT_S, StatementStore
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata

ACTIVE_MAX = 500
"""Of a warehouse."""
RESULT_BYTES_MAX = 500 << 20
CANCEL_AGAIN_S = 0.2
ABORTED = "Query aborted on user's request"
NOT_BEGUN = "Query aborted because an earlier statement of its batch failed"
CUT_OFF = "lakemill was restarted while the statement was under way; what it had not committed was rolled back"

logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """How all of a statement ended."""

    state: State
    error: str


class Statements:
    """All statements. place: the folder of a warehouse by its id; results are kept beside these folders."""

    def __init__(self, metadata: Metadata, clock: Clock, find: Find, place: Callable[[str], Path]) -> None:
        self._store = StatementStore(metadata, clock)
        self._clock, self._find, self._place = clock, find, place
        self._results = place("results")
        self.sessions = Sessions(clock, find)
        self._running: dict[str, Statement] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()

    # Handing in

    async def submit(self, statement: Statement, token: str = "", session: Session | None = None) -> Statement:
        """Hand it in; when this returns, that is on the disk. session: it is taken for this.

        Raises TokenTaken, TooManyActive.
        """
        if sum(one.warehouse == statement.warehouse for one in self._running.values()) >= ACTIVE_MAX:
            raise TooManyActive(ACTIVE_MAX)
        added, new = await self._store.add(statement, token)
        if not new:
            return self._running.get(added.id, added)
        self._running[added.id] = added
        task = asyncio.get_running_loop().create_task(self._run(added, session))
        self._tasks[added.id] = task
        task.add_done_callback(lambda _: self._forget(added.id))
        return added

    def known(self, statement: Statement, token: str) -> Statement | None:
        """The one that a token has got before, if there is one. Raises TokenTaken."""
        found = self._store.known(statement, token) if token else None
        return None if found is None else self._running.get(found.id, found)

    def _forget(self, id: str) -> None:
        self._running.pop(id, None)
        self._tasks.pop(id, None)
        self._cancelled.discard(id)

    async def ask(
        self, warehouse: str, database: str, user: str, sql: str, parameters: dict[str, str], *, auto_create: bool
    ) -> list[list[Any]]:
        """The rows of a query of ours, plain values. Raises SqlFailed, NotRunning."""
        given = [{"name": name, "value": value} for name, value in parameters.items()]
        more = {"auto_create": auto_create, "parameters": given}
        return await self.carry_out(warehouse, database, user, sql, **more)

    async def carry_out(self, warehouse: str, database: str, user: str, sql: str, **more: Any) -> list[list[Any]]:
        """Have one statement carried out, of which nothing is remembered; its rows. more: members of the batch.

        Raises SqlFailed, NotRunning.
        """
        process, id = await self._find(warehouse), str(uuid.uuid4())
        folder = self._place(warehouse) / "scratch" / "results" / id
        await asyncio.to_thread(folder.mkdir, parents=True)
        batch = {"id": id, "database": database, "user": user, "statements": [sql], "folder": str(folder)} | more
        try:
            executed = (await process.call("execute", {"batch": batch}))[0]
            if executed["state"] != "FINISHED":
                raise SqlFailed(executed.get("code", ""), executed.get("error", ""))
            return await asyncio.to_thread(_rows, folder / executed["result"]) if executed.get("result") else []
        except asyncio.CancelledError:
            await asyncio.shield(process.call("cancel", {"id": id}))
            raise
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    # Looking

    def get(self, scope: str, id: str) -> Statement:
        """Raises StatementMissing."""
        running = self._running.get(id)
        if running is not None and running.scope == scope:
            return running
        return self._store.get(scope, id)

    def newest(self, scope: str, after: str = "") -> Iterator[tuple[str, Statement]]:
        """Each with its place. after: the last one's place; "" for the beginning."""
        return ((place, self._running.get(one.id, one)) for place, one in self._store.newest(scope, after))

    async def wait(self, id: str, timeout_s: float) -> None:
        """Until it has ended, or so long."""
        if (task := self._tasks.get(id)) is not None:
            await asyncio.wait([task], timeout=timeout_s)

    def pages(self, statement: Statement, number: int, first: int, count: int = 1) -> tuple[list[Document], bool]:
        """Pages of the result of its part `number` from the page `first` on, and whether more follow. Blocks."""
        found: list[Document] = []
        with (self._results / statement.id / statement.parts[number].result).open("rb") as file:
            for at, line in enumerate(file):
                if at >= first + count:
                    return found, True
                if at >= first:
                    found.append(msgspec.json.decode(line))
        return found, False

    # Carrying out

    async def _run(self, statement: Statement, session: Session | None) -> None:
        try:
            outcome = await self._carried_out(statement, session)
        except asyncio.CancelledError:
            outcome = Outcome("FAILED", CUT_OFF)
        except (NotRunning, SqlFailed, OSError) as fault:
            outcome = Outcome("FAILED", _told(str(fault)))
        except Exception as fault:  # Whatever its process answers, the statement ends.
            logger.exception("statement %s", statement.id)
            outcome = Outcome("FAILED", f"The warehouse gave an answer that is none: {fault!r}")
        await asyncio.shield(asyncio.ensure_future(self._end(statement, outcome)))
        if session is not None:
            self.sessions.release(session.id)

    async def _carried_out(self, statement: Statement, session: Session | None) -> "Outcome":
        process = await self._find(statement.warehouse)
        statement.state, statement.updated = "PICKED", self._clock.now()
        if session is not None:
            self.sessions.enter(session, process.pid)
        folder = self._scratch(statement)
        await asyncio.to_thread(folder.mkdir, parents=True)
        if statement.id in self._cancelled:
            return Outcome("ABORTED", ABORTED)
        statement.state, statement.updated = "STARTED", self._clock.now()
        if statement.separate:
            await self._each(statement, process, folder)
        else:
            told = await process.call("execute", {"batch": _batch(statement, folder)}, self._progress(statement, 0))
            self._take(statement, told, 0)
        await asyncio.to_thread(_kept, folder, self._results / statement.id)
        return self._judged(statement)

    async def _each(self, statement: Statement, process: WarehouseProcess, folder: Path) -> None:
        """Every statement for itself, in one session."""
        session = statement.session or f"{statement.id}-session"
        for number, text in enumerate(statement.statements):
            if statement.id in self._cancelled:
                break
            batch = _batch(statement, folder) | {"statements": [text], "single": True, "session": session}
            told = await process.call("execute", {"batch": batch}, self._progress(statement, number))
            self._take(statement, told, number)
        if not statement.session:
            await process.call("end_session", {"session": session})

    def _progress(self, statement: Statement, first: int) -> Callable[[Any], None]:
        def told(value: Any) -> None:
            part = statement.parts[first + int(value["started"])]
            part.state, part.updated = "STARTED", self._clock.now()

        return told

    def _take(self, statement: Statement, told: list[Document], first: int) -> None:
        now = self._clock.now()
        for number, executed in enumerate(told, start=first):
            known = {name: executed[name] for name in executed if name in Part.__struct_fields__}
            known["result"] = Path(known.get("result", "")).name
            known["error"] = _told(known.get("error", ""))
            statement.parts[number] = msgspec.convert(known | {"updated": now}, Part)
            statement.pid = executed.get("pid", 0) or statement.pid

    def _judged(self, statement: Statement) -> "Outcome":
        states = [part.state for part in statement.parts]
        if statement.id in self._cancelled and "ABORTED" in states:
            return Outcome("ABORTED", ABORTED)
        if "FAILED" in states:
            return Outcome("FAILED", statement.parts[states.index("FAILED")].error)
        if any(state != "FINISHED" for state in states):
            return Outcome("ABORTED", ABORTED)
        if sum(max(0, part.result_bytes) for part in statement.parts) > RESULT_BYTES_MAX:
            return Outcome("FAILED", f"The result has more than {RESULT_BYTES_MAX >> 20} MB.")
        return Outcome("FINISHED", "")

    async def _end(self, statement: Statement, outcome: "Outcome") -> None:
        """Nobody is told how it ended before that is on the disk."""
        now = self._clock.now()
        for part in statement.parts:
            if not part.ended:
                part.state, part.error, part.updated = "ABORTED", NOT_BEGUN, now
        ended = msgspec.structs.replace(statement, state=outcome.state, error=outcome.error, updated=now)
        await self._store.end(ended)
        statement.state, statement.error, statement.updated = ended.state, ended.error, now
        await asyncio.to_thread(shutil.rmtree, self._scratch(statement), ignore_errors=True)

    def _scratch(self, statement: Statement) -> Path:
        return self._place(statement.warehouse) / "scratch" / "results" / statement.id

    # Ending

    async def cancel(self, scope: str, id: str) -> None:
        """Stop it; it is over on return. Raises StatementMissing, StatementEnded."""
        statement, task = self.get(scope, id), self._tasks.get(id)
        if statement.ended or task is None:
            raise StatementEnded(id, statement.state)
        self._cancelled.add(id)
        while not task.done():
            if statement.state == "STARTED":
                process = await self._find(statement.warehouse)
                await process.call("cancel", {"id": id})  # It may not have begun there, though it was handed over.
            await asyncio.wait([task], timeout=CANCEL_AGAIN_S)

    async def recover(self) -> int:
        """End what an earlier run left; how many those were."""
        left = self._store.unfinished()
        for statement in left:
            await self._end(statement, Outcome("FAILED", CUT_OFF))
        await asyncio.to_thread(self._tidy)
        return len(left)

    def _tidy(self) -> None:
        """Remove results of statements that are not there."""
        for folder in self._results.glob("*"):
            if not self._store.has(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    async def expire(self) -> None:
        """Forget statements of more than a day ago, and their results."""
        for id in await self._store.expire():
            await asyncio.to_thread(shutil.rmtree, self._results / id, ignore_errors=True)
        self.sessions.forget(self._clock.now() - datetime.timedelta(seconds=KEPT_S))

    async def close(self) -> None:
        """End what is under way."""
        self.sessions.stop()
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))


def _batch(statement: Statement, folder: Path) -> Document:
    """An `interface.Batch`."""
    return {
        "id": statement.id,
        "database": statement.database,
        "user": statement.user,
        "auto_create": statement.auto_create,
        "statements": statement.statements,
        "parameters": statement.parameters,
        "folder": str(folder),
        "single": statement.single,
        "label": statement.label,
        "session": statement.session,
    }


def _told(error: str) -> str:
    """An error's text as callers of AWS see it."""
    return f"ERROR: {error}" if error and not error.startswith(("ERROR", "FATAL")) else error


def _rows(path: Path) -> list[list[Any]]:
    with path.open("rb") as file:
        pages = [msgspec.json.decode(line) for line in file]
    return [[_plain(field) for field in row] for page in pages for row in page["Records"]]


def _plain(field: Document) -> Any:
    return None if "isNull" in field else next(iter(field.values()))


def _kept(folder: Path, place: Path) -> None:
    """Make what is in a folder durable in another place."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(place)
