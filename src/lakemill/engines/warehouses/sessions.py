"""Sessions that stay open between statements, until they were idle too long, or their warehouse's process ends."""

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from lakemill.engines.warehouses.errors import NotRunning, SessionBusy, SessionMissing, SqlFailed
from lakemill.engines.warehouses.process import WarehouseProcess
from lakemill.engines.warehouses.statement import Document
from lakemill.ports.clock import Clock

Find = Callable[[str], Awaitable[WarehouseProcess]]
"""The process of a warehouse, by its id. Raises NotRunning."""


class Session(msgspec.Struct, kw_only=True):
    """One of them."""

    id: str
    scope: str
    warehouse: str
    owner: str
    owner_session: str
    database: str
    user: str
    details: Document
    alive_s: int
    """How long it stays after its last statement."""
    created: datetime.datetime
    updated: datetime.datetime
    statement: str = ""
    """What it is busy with."""
    closed: bool = False
    pid: int = 0
    """The process it is in: it is gone with that."""


class Sessions:
    """All of them."""

    def __init__(self, clock: Clock, find: Find) -> None:
        self._clock, self._find = clock, find
        self._sessions: dict[str, Session] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def new(self, template: Session) -> Session:
        """A session like that, with an id of its own; it begins with its first statement."""
        session = msgspec.structs.replace(template, id=str(uuid.uuid4()))
        self._sessions[session.id] = session
        return session

    def get(self, scope: str, id: str, owner: str) -> Session:
        """One that is open. Raises SessionMissing."""
        found = self._sessions.get(id)
        if found is None or found.closed or found.scope != scope or found.owner != owner:
            raise SessionMissing(id)
        return found

    def all(self, scope: str, owner: str) -> Iterator[Session]:
        """Newest first, also those that are closed."""
        mine = [one for one in self._sessions.values() if one.scope == scope and one.owner == owner]
        return iter(sorted(mine, key=lambda one: (one.created, one.id), reverse=True))

    def take(self, session: Session, statement: str, alive_s: int | None = None) -> None:
        """It is busy from here on. Raises SessionBusy."""
        if session.statement:
            raise SessionBusy(session.id)
        session.statement, session.updated = statement, self._clock.now()
        if alive_s is not None:
            session.alive_s = alive_s
        if (end := self._ends.pop(session.id, None)) is not None:
            end.cancel()

    def release(self, id: str) -> None:
        """Its statement has ended."""
        session = self._sessions.get(id)
        if session is None or session.closed:
            return
        session.statement, session.updated = "", self._clock.now()
        loop = asyncio.get_running_loop()
        self._ends[id] = loop.call_later(session.alive_s, lambda: self._close_later(session))

    def _close_later(self, session: Session) -> None:
        task = asyncio.get_running_loop().create_task(self.close(session))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self, session: Session) -> None:
        """End it."""
        session.closed, session.updated = True, self._clock.now()
        with contextlib.suppress(NotRunning, SqlFailed):
            process = await self._find(session.warehouse)
            if process.pid == session.pid:
                await process.call("end_session", {"session": session.id})

    def enter(self, session: Session, pid: int) -> None:
        """It works in this process. Raises NotRunning: it was in one that is gone."""
        if session.pid not in (0, pid):
            session.closed, session.updated = True, self._clock.now()
            raise NotRunning(str(SessionMissing(session.id)))
        session.pid = pid

    def forget(self, before: datetime.datetime) -> None:
        """Drop what was closed before a moment."""
        gone = [one.id for one in self._sessions.values() if one.closed and one.updated < before]
        for id in gone:
            del self._sessions[id]

    def stop(self) -> None:
        """No timers any more."""
        for end in self._ends.values():
            end.cancel()
