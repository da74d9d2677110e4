"""Group commit: work that waits at the same time shares one SQLite transaction and one flush to disk.

Whoever finds the lead free takes it: takes all work that waits, runs each piece in a savepoint, commits once
(synchronous=FULL: one fsync of the log) and only then answers everybody. Work from an event loop is run by the loop
itself and only the commit goes to a thread: handing Python's lock to and fro between two busy threads would cost more
than the work. Work from other threads is run there. Nobody who has died can keep the lead: it is given up when the
commit ends, in the committing thread, before anybody is told.
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import errno
import itertools
import os
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from lakemill.ports.metadata.views import WriterTransaction

GROUP_MAX = 512
"""Transactions that share one commit at most; bounds the time the first of them waits."""
LOOK_AGAIN_S = 0.05
"""How long a thread waits for another leader before it tries to lead itself; only needed when that leader died."""

Work = Callable[[Any], Any]
Outcome = tuple[Any, Any, Any, Exception | None]
"""Future, event loop (None for a thread), result, error."""


class StoreClosed(RuntimeError):
    """The store takes no more work."""

    def __init__(self) -> None:
        super().__init__("the metadata store is closed")


class GroupCommit:
    """The one writer of a database. committed is told, after each commit, what was written."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: WriterTransaction, committed: Callable[[set[Any]], None]
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._committed = committed
        self._waiting: collections.deque[tuple[Work, Any, Any]] = collections.deque()
        self._lead = threading.Lock()
        self._committer = concurrent.futures.ThreadPoolExecutor(1, "metadata-commit")
        self._closed = False

    def from_loop(self, work: Work, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
        """Hand work in from an event loop; the future is done when it is on disk. Raises StoreClosed."""
        if self._closed:
            raise StoreClosed
        future = loop.create_future()
        self._waiting.append((work, future, loop))
        loop.call_soon(self._lead_in_loop, loop)
        return future

    def from_thread(self, work: Work) -> Any:
        """Do work from a thread without an event loop; its result, once it is on disk. Raises StoreClosed."""
        if self._closed:
            raise StoreClosed
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._waiting.append((work, future, None))
        while not future.done():
            self._lead_here()
            with contextlib.suppress(TimeoutError):
                future.exception(LOOK_AGAIN_S)
        return future.result()

    def close(self) -> None:
        """Finish what was handed in, and take nothing more."""
        self._closed = True
        with self._lead:  # Waits for a commit that is under way.
            pass
        self._lead_here()
        self._committer.shutdown(wait=True)

    def _lead_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiting or not self._lead.acquire(blocking=False):
            return
        outcomes = self._run(self._group())
        try:
            self._committer.submit(self._commit_for_loop, outcomes)
        except RuntimeError:  # The store is being closed at this very moment.
            self._commit_for_loop(outcomes)

    def _commit_for_loop(self, outcomes: list[Outcome]) -> None:
        outcomes = self._commit(outcomes)
        self._lead.release()
        self._answer(outcomes)
        if self._waiting:
            loop = self._waiting[0][2]
            try:
                if loop is None:
                    self._lead_here()
                else:
                    loop.call_soon_threadsafe(self._lead_in_loop, loop)
            except (RuntimeError, IndexError):  # Its loop has closed, or somebody else took it.
                self._lead_here()

    def _lead_here(self) -> None:
        """Lead in this thread until nothing waits or another leads."""
        while self._waiting and self._lead.acquire(blocking=False):
            try:
                outcomes = self._commit(self._run(self._group())) if self._waiting else []
            finally:
                self._lead.release()
            self._answer(outcomes)

    def _group(self) -> list[tuple[Work, Any, Any]]:
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(len(waiting), GROUP_MAX))]

    def _run(self, group: list[tuple[Work, Any, Any]]) -> list[Outcome]:
        """Each piece of work in the open transaction, none of it committed yet."""
        outcomes: list[Outcome] = []
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for work, future, loop in group:
                execute("SAVEPOINT work")
                try:
                    outcomes.append((future, loop, work(self._transaction), None))
                except Exception as error:
                    execute("ROLLBACK TO work")
                    outcomes.append((future, loop, None, error))
                execute("RELEASE work")
        except sqlite3.Error as error:
            return self._failed([(future, loop, None, None) for _, future, loop in group], error)
        return outcomes

    def _commit(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Flush; if that fails (a full disk, say) nobody of the group may believe that anything was written."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            outcomes = self._failed(outcomes, error)
        self._committed(self._transaction.written)
        self._transaction.written.clear()
        return outcomes

    def _failed(self, outcomes: list[Outcome], error: Exception) -> list[Outcome]:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # SQLite has then rolled back by itself.
                self._connection.execute("ROLLBACK")
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return [(future, loop, None, error) for future, loop, _, _ in outcomes]

    @staticmethod
    def _answer(outcomes: list[Outcome]) -> None:
        """Wake each waiter; one wake-up per event loop, however many wait on it."""
        for loop, batch in itertools.groupby(sorted(outcomes, key=lambda o: id(o[1])), key=lambda o: o[1]):
            if loop is None:
                _settle(list(batch))
            else:
                with contextlib.suppress(RuntimeError):  # A closed loop waits for nothing.
                    loop.call_soon_threadsafe(_settle, list(batch))


def _settle(batch: list[Outcome]) -> None:
    for future, _, result, error in batch:
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
