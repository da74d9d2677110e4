"""A job as its kind sees it, and the document the engine keeps about it.

Table `jobs`, under the job's key:
    kind        name of its kind
    document    what was submitted
    step        queued | preparing | working | running | collecting
    run         id of its run, once there is one; a new one for each start
    desired     run | stop
    started     when the run started, seconds since 1970
    timed_out   True once the run was told to stop for its time limit
    position    bytes of the log file that are shipped
    plan        {scope, group, stream, runtime_s_max} of the run, to re-attach to it
    notes       what the kind wants to remember
A job that is done has no document any more: its outcome lives with its owner.
"""

import threading
from collections.abc import Callable
from typing import Any

from lakemill.ports.metadata import Metadata, Transaction

JOBS = "jobs"
Document = dict[str, Any]


class Stopped(Exception):
    """The user wants the job to stop: raised by Job.check."""


class Closing(Exception):
    """The platform is closing: the job is left as it is, to be taken up at the next start."""


class JobGone(Exception):
    """The job's document was removed under its thread."""


class Job:
    """One job in the hands of its kind. Belongs to one thread, but for `stop` and `close`."""

    def __init__(self, metadata: Metadata, key: str, state: Document, closing: threading.Event) -> None:
        self._metadata = metadata
        self._stop = threading.Event()
        self._closing = closing
        self.key = key
        self.state = state
        if state["desired"] == "stop":
            self._stop.set()

    @property
    def document(self) -> Document:
        """What was submitted."""
        return self.state["document"]

    @property
    def notes(self) -> Document:
        """What the kind noted so far."""
        return self.state["notes"]

    @property
    def run_id(self) -> str | None:
        return self.state["run"]

    @property
    def started(self) -> float | None:
        """When the run started."""
        return self.state["started"]

    def stopping(self) -> bool:
        """Whether the user wants it to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """The user's wish reaches the thread (from any thread)."""
        self._stop.set()

    def check(self) -> None:
        """Call between pieces of work. Raises Stopped, Closing."""
        if self._closing.is_set():
            raise Closing
        if self._stop.is_set():
            raise Stopped

    def note(self, **values: Any) -> None:
        """Remember something durably."""
        self.write(notes=self.state["notes"] | values)

    def write(self, also: Callable[[Transaction], Any] | None = None, **changes: Any) -> None:
        """Change members of the engine's document durably, with `also` in the same transaction."""

        def work(transaction: Transaction) -> Document:
            kept = transaction.get(JOBS, self.key)
            if kept is None:
                raise JobGone(self.key)
            kept |= changes
            transaction.put(JOBS, self.key, kept)
            if also:
                also(transaction)
            return kept

        self.state = self._metadata.transact_blocking(work)
