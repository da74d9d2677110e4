"""Jobs: long work that survives the platform.

What is wanted is in metadata before anybody is told; each job is then driven by a thread that owns it by a lease, so
several platforms over one store never drive the same job. Every few seconds the owner renews its leases and looks for
jobs nobody drives.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from lakemill.engines.jobs.job import JOBS, Document, Job, fresh
from lakemill.engines.jobs.kind import JobKind
from lakemill.engines.jobs.steps import Steps, whole_state
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.compute import Compute
from lakemill.ports.metadata import Metadata, Transaction

LEASE_S = 30.0
LOOK_S = 5.0
CLOSE_S_MAX = 10.0

logger = logging.getLogger(__name__)


class JobExists(Exception):
    """A job with this key is under way."""


class Jobs:
    """The reconciler.

    owner names this platform in leases. The embedded platform, alone on its folder, keeps one name for ever and so
    takes up its jobs at once after a crash; several platforms over one store need a name each.
    concurrent_max: jobs driven at the same time; later ones wait their turn.
    """

    def __init__(
        self,
        metadata: Metadata,
        compute: Compute,
        loglines: LogLines,
        clock: Clock,
        *,
        owner: str = "local",
        concurrent_max: int | None = None,
    ) -> None:
        self._metadata = metadata
        self._steps = Steps(metadata, compute, loglines, clock)
        self._compute = compute
        self._owner = owner
        self._kinds: dict[str, JobKind] = {}
        self._driven: dict[str, Job] = {}
        self._turns = asyncio.Semaphore(concurrent_max or max(4, os.cpu_count() or 1))
        self._waiting: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = False

    def register(self, name: str, kind: JobKind) -> None:
        """Make a kind known; before `start`."""
        self._kinds[name] = kind

    async def submit(
        self, kind: str, key: str, document: Document, also: Callable[[Transaction], Any] | None = None
    ) -> None:
        """Want a job done; durable on return. `also` writes in the same transaction, and prevents it by raising.

        Raises JobExists.
        """

        def want(transaction: Transaction) -> None:
            if also:
                also(transaction)
            self.submit_in(transaction, kind, key, document)

        await self._metadata.transact(want)
        if self._open:
            self._spawn(key)

    def submit_in(self, transaction: Transaction, kind: str, key: str, document: Document) -> None:
        """`submit` inside a transaction; call `look_soon` once it is written. Raises JobExists."""
        if kind not in self._kinds:
            raise ValueError(f"no kind of job is named {kind!r}")
        if transaction.get(JOBS, key) is not None:
            raise JobExists(key)
        transaction.put(JOBS, key, fresh(kind, document))

    def look_soon(self) -> None:
        """Look now for jobs that nobody drives. May be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop is gone; the next platform looks.
                self._loop.call_soon_threadsafe(self._soon.set)

    async def stop(self, key: str, also: Callable[[Transaction], Any] | None = None) -> bool:
        """Want a job to stop; durable on return, and idempotent. False if no such job is under way."""

        def want(transaction: Transaction) -> bool:
            if also:
                also(transaction)
            state = transaction.get(JOBS, key)
            if state is None:
                return False
            transaction.put(JOBS, key, state | {"desired": "stop"})
            return True

        known = await self._metadata.transact(want)
        job = self._driven.get(key)
        if known and job is not None:
            job.stop()
            if key in self._waiting:
                self._waiting[key].set()
            for process in job.state["processes"]:
                if not process["serves"]:
                    await asyncio.to_thread(self._compute.stop, process["run"])
        return known

    def under_way(self, key: str) -> bool:
        """Whether the job is not done yet."""
        return self._metadata.get(JOBS, key) is not None

    async def start(self) -> list[str]:
        """Take up what an earlier platform left; a sentence for each. From now on jobs are driven."""
        self._open, self._loop = True, asyncio.get_running_loop()
        sentences = []
        for key, state in list(self._metadata.scan(JOBS)):
            sentences.append(await asyncio.to_thread(self._describe, key, state))
            self._spawn(key)
        self._looking = asyncio.create_task(self._look())
        return sentences

    async def close(self) -> None:
        """Leave every job where it is, processes running; they are taken up at the next start."""
        self._open = False
        if self._looking:
            self._looking.cancel()
        for job in self._driven.values():
            job.release()
        for waiting in self._waiting.values():
            waiting.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S_MAX)
            for task in late:
                task.cancel()

    # Below the surface

    def _describe(self, key: str, state: Document) -> str:
        what = f"{state['kind']} {key}"
        if state["kind"] not in self._kinds:
            return f"{what}: nobody knows this kind of job any more; it is left alone"
        if state["step"] == "queued":
            return f"{what}: begun again, it had not run yet"
        if state["step"] == "working":
            repeatable = self._kinds[state["kind"]].repeatable
            return f"{what}: " + ("begun again" if repeatable else "failed, it was under way and cannot be repeated")
        if state["step"] == "ended":
            return f"{what}: ended before, its results are collected"
        return {
            "running": f"{what}: still running, attached to it again",
            "exited": f"{what}: ended meanwhile, its results are collected",
            "lost": f"{what}: lost, its process is gone",
            "unknown": f"{what}: begun again, its process was never started",
        }[whole_state(self._compute, state)]

    def _spawn(self, key: str) -> None:
        task = asyncio.get_running_loop().create_task(self._take(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, key: str) -> None:
        """Drive a job if nobody does."""
        if key in self._driven:
            return
        state = self._metadata.get(JOBS, key)
        if state is None or state["kind"] not in self._kinds:
            return
        job = self._driven[key] = Job(self._metadata, key, state)
        try:
            if not await self._metadata.acquire(_lease(key), self._owner, LEASE_S):
                return
            # What was wanted between the reading above and the lease.
            state = self._metadata.get(JOBS, key)
            if state is None:
                return
            job.state = state
            if state["desired"] == "stop":
                job.stop()
            async with self._turn(job):
                if job.released():
                    return
                await _in_thread(f"job {key}", self._steps.drive, job, self._kinds[state["kind"]])
            with contextlib.suppress(RuntimeError):  # The store may be closed by now; the lease runs out by itself.
                await self._metadata.release(_lease(key), self._owner)
        finally:
            self._driven.pop(key, None)

    @contextlib.asynccontextmanager
    async def _turn(self, job: Job) -> AsyncIterator[None]:
        """Wait for a job's turn; one that is to stop, or was running before, needs none."""
        hurry = self._waiting[job.key] = asyncio.Event()
        if job.stopping() or job.state["step"] in ("running", "ended"):
            hurry.set()
        turn = asyncio.create_task(self._turns.acquire())
        hurried = asyncio.create_task(hurry.wait())
        try:
            await asyncio.wait({turn, hurried}, return_when=asyncio.FIRST_COMPLETED)
            self._waiting.pop(job.key)
            yield
        finally:
            hurried.cancel()
            if turn.done() and not turn.cancelled():
                self._turns.release()
            turn.cancel()

    async def _look(self) -> None:
        """Renew leases and take up what nobody drives, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # Not wait_for: in Python 3.11 it may swallow a cancellation.
                    await self._soon.wait()
            self._soon.clear()
            try:
                for key, job in list(self._driven.items()):
                    if not await self._metadata.acquire(_lease(key), self._owner, LEASE_S):
                        job.release()
                for key, _ in list(self._metadata.scan(JOBS)):
                    if key not in self._driven:
                        self._spawn(key)
            except Exception:  # A full disk, say; the next look may do better.
                logger.exception("jobs could not be looked after")


async def _in_thread(name: str, work: Callable[..., None], *arguments: Any) -> None:
    """Run work in a daemon thread of its own: a thread pool's would keep a dying platform alive until the job ends."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        try:
            work(*arguments)
        finally:
            with contextlib.suppress(RuntimeError):  # The loop is gone.
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name=name, daemon=True).start()
    await done.wait()


def _lease(key: str) -> str:
    return f"job/{key}"
