"""One execution on its way: from the queue through a process to its results."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries.cluster import Cluster
from lakemill.engines.queries.errors import ProcessDied, Refused
from lakemill.engines.queries.execution import Document, Execution, Fault
from lakemill.engines.queries.joined import Joined
from lakemill.engines.queries.journal import Journal, undo
from lakemill.engines.queries.kept import Kept
from lakemill.engines.queries.lake import Lake, Rights
from lakemill.engines.queries.objectside import Files
from lakemill.engines.queries.processes import Processes
from lakemill.engines.queries.results import Results, WritingRefused
from lakemill.engines.queries.store import Executions
from lakemill.ports.clock import Clock

logger = logging.getLogger(__name__)

Local = Callable[[], Awaitable[Document]]
"""A statement that the platform carries out itself: its outcome. Raises Refused."""
SCAN_LIMIT = "BYTES_SCANNED_LIMIT"
SCAN_REASON = "Bytes scanned limit was exceeded"
CANCELLED = "Query was cancelled by the user"
CHECKED_MAX = 1000
"""An answer that took more permissions than these is not given again: they would all have to be looked at."""
SYSTEM, INTERNAL_TYPE, INTERNAL = 1, 200, "GENERIC_INTERNAL_ERROR"


class Environment(msgspec.Struct, frozen=True):
    """What all executions use."""

    executions: Executions
    processes: Processes
    catalog: Catalog
    objects: Objects
    joined: Joined
    kept: Kept
    clock: Clock
    folder: Path
    memory_mib: int
    threads: int
    cluster: Cluster | None = None


class Running:
    """Made for one execution; `run` returns when it has ended, whatever came of it.

    local: carries it out, if the platform does that itself.
    """

    def __init__(
        self, execution: Execution, environment: Environment, rights: Rights, by: str, local: Local | None = None
    ) -> None:
        self.execution, self._environment, self._rights, self._local = execution, environment, rights, local
        self._folder = environment.folder / execution.id
        journal = Journal(environment.executions, execution.id)
        scope = execution.request.scope
        files = Files(environment.objects, environment.joined, self._folder, rights, journal)
        self._lake = Lake(environment.catalog, files, scope, by, rights, journal)
        self._by = by
        self._results = Results(self._lake.files, rights, environment.kept)
        self.understood = asyncio.Event()
        """Set once the statement was read and began, or ended."""
        self.refused = ""
        """Why it is not to have been at all."""
        self.ending = False
        """It is being written down how it ended; nothing can change that any more."""
        self.close_reason = ""
        """Why it fails when it is cancelled: lakemill ends."""
        self._began = environment.clock.time()
        self._over = False
        self._answering: asyncio.Future[Any] | None = None

    async def run(self, slots: asyncio.Semaphore) -> None:
        """slots: how many of the account may run at once."""
        try:
            async with slots:
                await self._work()
        except asyncio.CancelledError:
            if self.close_reason:
                await self._fail(Fault(message=self.close_reason, category=SYSTEM, type=INTERNAL_TYPE, retryable=True))
            else:
                await self._end("CANCELLED", CANCELLED)
        except Exception as fault:
            logger.exception("execution %s", self.execution.id)
            await self._fail(Fault(message=f"{INTERNAL}: {fault}", category=SYSTEM, type=INTERNAL_TYPE))
        finally:
            self.understood.set()

    async def _work(self) -> None:
        execution = self.execution
        execution.queue_ms = self._elapsed()
        execution.state = "RUNNING"
        try:
            self.ending = self._local is not None  # It takes but a moment.
            outcome = await (self._local() if self._local else self._carried_out())
        except Refused as refused:
            outcome = {"failed": {"message": refused.message}}
        except ProcessDied as died:
            message = f"{INTERNAL}: {died}"
            outcome = {"failed": {"message": message, "category": SYSTEM, "type": INTERNAL_TYPE, "retryable": True}}
        if "failed" in outcome:
            await self._failed(outcome["failed"])
        else:
            await self._succeeded(outcome["outcome"])

    async def _carried_out(self) -> Document:
        environment = self._environment
        self._folder.mkdir(parents=True)
        process = await environment.processes.take()
        began = environment.clock.time()
        try:
            message = await process.carry_out(self._statement(), self._answer, self._progress)
        except BaseException:
            await asyncio.shield(environment.processes.discard(process))
            if self._over:
                return {"failed": {"message": SCAN_LIMIT, "scanned_bytes": self.execution.scanned_bytes}}
            raise
        finally:
            self.execution.engine_ms = max(0, int((environment.clock.time() - began) * 1000))
        try:
            if message.get("failed", {}).get("category") == SYSTEM:
                logger.error("execution %s\n%s", self.execution.id, await process.printed())
        finally:
            environment.processes.give_back(process)
        return message

    def _statement(self) -> Document:
        request, environment = self.execution.request, self._environment
        return {
            "text": request.body or request.text,
            "dialect": request.dialect,
            "database": request.database,
            "parameters": request.body_parameters if request.body else request.parameters,
            "folder": str(self._folder),
            "output": f"{request.prefix}{self.execution.id}",
            "memory_mib": environment.memory_mib,
            "threads": environment.threads,
            "scan_bytes_max": request.scan_bytes_max,
            "options": request.options,
        } | self._cluster()

    def _cluster(self) -> Document:
        cluster = self._environment.cluster
        if cluster is None:
            return {}
        return {"cluster": msgspec.to_builtins(cluster) | {"user": self._by, "id": self.execution.id}}

    async def _answer(self, question: str, arguments: Document) -> Any:
        self.understood.set()
        self._answering = asyncio.ensure_future(self._lake.answer(question, arguments))
        return await asyncio.shield(self._answering)  # What is half written must be, before it can be taken back.

    def _progress(self, scanned_bytes: int) -> None:
        self.understood.set()
        self.execution.scanned_bytes = scanned_bytes
        limit = self.execution.request.scan_bytes_max
        if limit is not None and scanned_bytes > limit:
            self._over = True
            raise ProcessDied(SCAN_LIMIT)

    # How it ends

    async def _succeeded(self, outcome: Document) -> None:
        execution = self.execution
        execution.kind, execution.substatement = outcome["kind"], outcome["substatement"]
        execution.columns, execution.rows = outcome.get("columns") or [], outcome.get("rows", 0)
        execution.updated, execution.scanned_bytes = outcome.get("updated"), outcome.get("scanned_bytes", 0)
        execution.planning_ms = outcome.get("planning_ms", 0)
        execution.queue_ms += outcome.get("queued_ms", 0)
        execution.engine_ms = execution.planning_ms + outcome.get("execution_ms", 0) or execution.engine_ms
        self.ending = True
        try:
            await self._results.keep(execution, outcome)
        except WritingRefused as refused:
            await self._fail(Fault(message=str(refused)))
            return
        await self._end("SUCCEEDED")

    async def _failed(self, failure: Document) -> None:
        execution = self.execution
        if failure.get("at_start") and not self.understood.is_set():
            self.refused = failure["message"].removeprefix("SYNTAX_ERROR: ")
            self.ending = True
            await self._environment.executions.forget(execution)
            return
        execution.kind, execution.substatement = failure.get("kind", ""), failure.get("substatement", "")
        execution.scanned_bytes = failure.get("scanned_bytes", 0)
        if failure["message"].startswith(SCAN_LIMIT):
            await self._end("CANCELLED", SCAN_REASON)
            return
        known = {name: failure[name] for name in ("category", "type", "retryable") if name in failure}
        await self._fail(Fault(message=failure["message"], **known))

    async def _fail(self, fault: Fault) -> None:
        await self._end("FAILED", fault.message, fault)

    async def _end(self, state: Any, reason: str = "", fault: Fault | None = None) -> None:
        """Write down how it ended; when this returns, that is on the disk."""
        self.ending = True
        await asyncio.shield(asyncio.ensure_future(self._written(state, reason, fault)))

    async def _written(self, state: Any, reason: str, fault: Fault | None) -> None:
        environment = self._environment
        ended = msgspec.structs.replace(self.execution)
        if state != "SUCCEEDED":
            if self._answering is not None:
                await asyncio.wait([self._answering])
            await undo(environment.executions, ended, environment.catalog, environment.objects, environment.cluster)
            ended.manifest, ended.columns, ended.updated = "", [], None
        ended.reason, ended.fault, ended.state = reason, fault, state
        ended.completed = environment.clock.now()
        ended.total_ms = self._elapsed()
        again = state == "SUCCEEDED" and ended.form == "csv" and ended.request.prefix != ""
        again = again and len(self._rights.checked) <= CHECKED_MAX
        ended.checked = self._rights.checked if again else []
        await environment.executions.end(ended, reusable=again)
        self.execution = ended
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _elapsed(self) -> int:
        return max(0, int((self._environment.clock.time() - self._began) * 1000))
