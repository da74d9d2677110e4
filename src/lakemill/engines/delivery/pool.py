"""Worker processes for what would hold the event loop up: queries on records, conversion to columns."""

import asyncio
import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from lakemill.engines.delivery.handing import SharedFiles
from lakemill.engines.workers import KEPT, keep_memory

T = TypeVar("T")
PROCESSES_MAX = 2


class WorkerPool:
    """A few processes, started when first needed. Functions and their arguments must be picklable.

    A process that dies (out of memory, say) is replaced, and its work is done once more.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or min(PROCESSES_MAX, os.cpu_count() or 1)
        self.files = SharedFiles()
        """For what they are to read."""
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., T], *arguments: Any, timeout_s: float | None = None) -> T:
        """The result of work(*arguments).

        Raises what it raises, TimeoutError, and BrokenProcessPool if it kills its process twice.
        """
        pool = self._started()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                return await loop.run_in_executor(pool, work, *arguments)
        except TimeoutError:  # Only the end of its process ends it.
            self._end(pool)
            raise
        except BrokenProcessPool:
            self._end(pool)
            return await loop.run_in_executor(self._started(), work, *arguments)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._end(self._pool)

    def _end(self, pool: concurrent.futures.ProcessPoolExecutor) -> None:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        if self._pool is pool:
            self._pool = None

    def _started(self) -> concurrent.futures.ProcessPoolExecutor:
        if self._pool is None:
            self._pool = concurrent.futures.ProcessPoolExecutor(
                self._processes, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        return self._pool


def _begin() -> None:
    """In a new worker: forget what others must not learn, and end when the platform does.

    A query can ask for the environment. A worker holds the queue it waits at open itself, and would outlive a platform
    that is killed.
    """
    for name in [name for name in os.environ if not name.startswith(KEPT)]:
        del os.environ[name]
    keep_memory()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
