"""Deletes bytes nobody refers to any more, a little later and never under a reader.

The names are in the garbage table since the transaction that dropped the last reference; so whatever is not deleted
when the process ends is deleted by recovery at the next start.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from types import TracebackType

from lakemill.engines.objects import rows
from lakemill.engines.objects.references import forget
from lakemill.ports.blobs import Blobs
from lakemill.ports.metadata import Metadata

GRACE_S = 5.0
"""Whoever looked an object up may not have begun to read it (a server to open its file): they get this long."""
ROUND_S = 1.0
"""Garbage is deleted in rounds, so that a stream of overwrites costs one more transaction a second, not one each."""

logger = logging.getLogger(__name__)


class Hold:
    """Keeps bytes from being deleted until released (or forgotten)."""

    def __init__(self, reaper: "Reaper", names: Iterable[str]) -> None:
        self._reaper = reaper
        self._names = list(names)
        reaper._readers_change(self._names, +1)

    def release(self) -> None:
        names, self._names = self._names, []
        if names:
            self._reaper._readers_change(names, -1)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


class Reaper:
    """One thread that deletes. Started by the first garbage."""

    def __init__(self, metadata: Metadata, blobs: Blobs, grace_s: float = GRACE_S) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._grace_s = grace_s
        self._due: deque[tuple[float, list[str]]] = deque()
        self._readers: Counter[str] = Counter()
        # Re-entrant: a Hold may be collected, and so released, while this very thread is inside.
        self._condition = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        self._closed = False

    def later(self, names: list[str]) -> None:
        """Delete these after the grace period."""
        if not names:
            return
        with self._condition:
            due = time.monotonic() + self._grace_s
            if self._due and due - self._due[-1][0] < ROUND_S:
                self._due[-1][1].extend(names)
                return
            self._due.append((due + ROUND_S, list(names)))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="objects-reaper", daemon=True)
                self._thread.start()
            self._condition.notify()

    def hold(self, names: Iterable[str]) -> Hold:
        return Hold(self, names)

    held = hold

    def collect(self) -> int:
        """Delete everything that waits and has no reader, at once; how many."""
        with self._condition:
            names = [name for _, waiting in self._due for name in waiting]
            self._due.clear()
        return self._delete(names)

    def close(self) -> None:
        """Stop; what still waits is left to recovery."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._closed and (not self._due or self._due[0][0] > time.monotonic()):
                    self._condition.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._closed:
                    return
                names: list[str] = []
                while self._due and self._due[0][0] <= time.monotonic():
                    names += self._due.popleft()[1]
            try:
                self._delete(names)
            except Exception:  # A full disk, say: the names are still on record, and a later round may do better.
                logger.exception("bytes nobody refers to could not be deleted")
                self.later(names)

    def _delete(self, names: list[str]) -> int:
        with self._condition:
            busy = [name for name in names if self._readers[name] > 0]
        gone = [name for name in names if name not in set(busy)]
        for name in gone:
            if name.startswith(rows.BLOB_DATA):
                self._blobs.delete(name)
        if gone:
            self._metadata.transact_blocking(lambda transaction: forget(transaction, gone))
        if busy:
            self.later(busy)
        return len(gone)

    def _readers_change(self, names: list[str], by: int) -> None:
        with self._condition:
            for name in names:
                self._readers[name] += by
                if self._readers[name] <= 0:
                    del self._readers[name]
