"""Statements handed in, queued, carried out, and remembered."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries.cluster import Cluster
from lakemill.engines.queries.errors import StatementRefused, TooManyWaiting
from lakemill.engines.queries.execution import Execution, Fault, Request, expected_location
from lakemill.engines.queries.joined import Joined
from lakemill.engines.queries.journal import undo
from lakemill.engines.queries.kept import Kept
from lakemill.engines.queries.lake import Rights
from lakemill.engines.queries.process import MODULE
from lakemill.engines.queries.processes import Processes
from lakemill.engines.queries.reuse import reused
from lakemill.engines.queries.running import INTERNAL, INTERNAL_TYPE, SYSTEM, Environment, Local, Running
from lakemill.engines.queries.store import Executions
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata

UNDERSTOOD_S = 5.0
"""So long `submit` waits to hear whether a statement can be read."""
WAITING_MAX = 1000
"""Statements of an account that wait or run."""


class Queries:
    """The engine. folder: for files of statements; on the same disk as the objects, which are linked into it.

    at_once: statements of one account that run at the same time. memory_mib: of each. cluster: runs queries, if there
    is one.
    """

    def __init__(
        self,
        metadata: Metadata,
        objects: Objects,
        catalog: Catalog,
        clock: Clock,
        folder: Path,
        *,
        at_once: int = 4,
        memory_mib: int = 2048,
        command: Sequence[str] = ("-m", MODULE),
        cluster: Cluster | None = None,
    ) -> None:
        self._executions = Executions(metadata, clock)
        self._processes = Processes(memory_mib, command)
        self.joined = Joined(objects, folder / "joined")
        self.kept = Kept(folder.with_name(f"{folder.name}-results"))
        """Results that are in no bucket."""
        self._environment = Environment(
            executions=self._executions,
            processes=self._processes,
            catalog=catalog,
            objects=objects,
            joined=self.joined,
            kept=self.kept,
            clock=clock,
            folder=folder,
            memory_mib=memory_mib,
            threads=os.cpu_count() or 1,
            cluster=cluster,
        )
        self._at_once = at_once
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._running: dict[str, Running] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def warm(self) -> None:
        """A statement may come soon."""
        self._processes.warm()

    # Handing in and cancelling

    async def submit(self, request: Request, rights: Rights, by: str, local: Local | None = None) -> Execution:
        """Hand a statement in; when this returns, that is on the disk. by: who does.

        local: carries it out, if the platform does that itself.
        Raises StatementRefused (it cannot be read), TokenTaken, TooManyWaiting.
        """
        account = request.scope.partition("/")[0]
        if sum(one.execution.request.scope.startswith(f"{account}/") for one in self._running.values()) >= WAITING_MAX:
            raise TooManyWaiting(WAITING_MAX)
        execution, new = await self._executions.add(request)
        if not new:
            return execution
        environment = self._environment
        if request.reuse_s is not None and (again := reused(environment, execution, rights)) is not None:
            await self._executions.end(again)
            return again
        execution.location = expected_location(execution)
        running = Running(execution, environment, rights, by, local)
        slots = self._slots.setdefault(account, asyncio.Semaphore(self._at_once))
        waits = slots.locked()
        self._running[execution.id] = running
        task = asyncio.get_running_loop().create_task(running.run(slots))
        self._tasks[execution.id] = task
        task.add_done_callback(lambda _: self._forget(execution.id))
        if waits:
            running.understood.set()
        else:
            await self._heard(running)
        return running.execution

    async def _heard(self, running: Running) -> None:
        try:
            await asyncio.wait_for(running.understood.wait(), UNDERSTOOD_S)
        except TimeoutError:
            running.understood.set()  # It was told to have begun; whatever is wrong with it makes it fail.
        if running.refused:
            raise StatementRefused(running.refused)

    def _forget(self, id: str) -> None:
        self._running.pop(id, None)
        self._tasks.pop(id, None)

    async def cancel(self, scope: str, id: str) -> None:
        """Stop it, also out of the queue; nothing happens to one that has ended. Raises ExecutionMissing."""
        running, task = self._running.get(id), self._tasks.get(id)
        if running is None or task is None or running.execution.request.scope != scope:
            self._executions.get(scope, id)
            return
        if not running.ending:
            task.cancel()
        await asyncio.wait([task])

    # Looking

    def get(self, scope: str, id: str) -> Execution:
        """Raises ExecutionMissing."""
        running = self._running.get(id)
        if running is not None and running.execution.request.scope == scope and not running.refused:
            return running.execution
        return self._executions.get(scope, id)

    def listed(self, scope: str, group: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Ids of a group, newest first, each with its place. after: the last one's place; "" for the beginning."""
        return self._executions.listed(scope, group, after, limit)

    async def wait(self, id: str) -> None:
        """Until it has ended."""
        if (task := self._tasks.get(id)) is not None:
            await asyncio.wait([task])

    # Life

    async def start(self) -> list[str]:
        """End what an earlier run left, all of it or nothing; says so, a sentence each."""
        environment = self._environment
        shutil.rmtree(environment.folder, ignore_errors=True)
        environment.folder.mkdir(parents=True, exist_ok=True)
        count = 0
        for execution in self._executions.unfinished():
            await undo(self._executions, execution, environment.catalog, environment.objects, environment.cluster)
            message = f"{INTERNAL}: lakemill was restarted while the statement was under way"
            fault = Fault(message=message, category=SYSTEM, type=INTERNAL_TYPE, retryable=True)
            now = environment.clock.now()
            total_ms = int((now - execution.submitted).total_seconds() * 1000)
            ended = msgspec.structs.replace(
                execution, state="FAILED", reason=message, fault=fault, completed=now, total_ms=total_ms
            )
            await self._executions.end(ended)
            count += 1
        return [f"{count} SQL statements that were under way have failed"] if count else []

    async def expire(self) -> None:
        """Forget executions of 45 days ago, and results that were kept here for long enough."""
        await asyncio.to_thread(self.kept.expire)
        await self._executions.expire()

    async def forget_group(self, scope: str, group: str) -> None:
        """Forget the executions of a group that have ended, and cancel the others."""
        for id in [id for id, one in self._running.items() if one.execution.request.group == group]:
            if self._running[id].execution.request.scope == scope:
                await self.cancel(scope, id)
        await self._executions.forget_group(scope, group)

    async def close(self) -> None:
        """End what is under way, and the processes."""
        for id, task in list(self._tasks.items()):
            running = self._running[id]
            running.close_reason = "GENERIC_INTERNAL_ERROR: lakemill was stopped while the statement was under way"
            if not running.ending:
                task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        await self._processes.close()
