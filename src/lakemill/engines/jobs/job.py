"""A job as its kind sees it, and the document the engine keeps about it.

Table `jobs`, under the job's key:
    kind        name of its kind
    document    what was submitted
    step        queued | working | running | ended
    desired     run | stop
    runs        how many runs were started so far
    processes   of the present run, each {name, run, serves, logs}: the run id the launcher knows it by, and for each
                of its log files (`log`; `errors` where stderr is apart) {position, target}, the bytes that are shipped
                and {scope, group, stream} they go to, or None
    started     when that run started, seconds since 1970
    timed_out   True once the run was told to stop for its time limit
    outcome     how the run ended, once it has
    limit_s     the run's time limit, or None
    notes       what the kind wants to remember
A job that is done has no document any more: its outcome lives with its owner.
"""

import threading
from collections.abc import Callable
from typing import Any

from lakemill.ports.metadata import Metadata, Transaction

JOBS = "jobs"
Document = dict[str, Any]


def fresh(kind: str, document: Document) -> Document:
    """The state of a job nobody has begun."""
    return {
        "kind": kind,
        "document": document,
        "step": "queued",
        "desired": "run",
        "runs": 0,
        "processes": [],
        "started": None,
        "timed_out": False,
        "outcome": None,
        "limit_s": None,
        "notes": {},
    }


class Stopped(Exception):
    """The user wants the job to stop: raised by Job.check."""


class Closing(Exception):
    """The platform is closing: the job is left as it is, to be taken up at the next start."""


class JobGone(Exception):
    """The job's document was removed under its thread."""


class Job:
    """One job in the hands of its kind. It belongs to one thread; `stop` and `release` may be called from any."""

    def __init__(self, metadata: Metadata, key: str, state: Document) -> None:
        self._metadata = metadata
        self._stop = threading.Event()
        self._released = threading.Event()
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
    def runs(self) -> int:
        """How many runs were started so far, the present one included."""
        return self.state["runs"]

    @property
    def started(self) -> float | None:
        """When the run started, seconds since 1970."""
        return self.state["started"]

    @property
    def timed_out(self) -> bool:
        """Whether the run was told to stop for its time limit."""
        return self.state["timed_out"]

    def stop(self) -> None:
        """The user's wish reaches the thread."""
        self._stop.set()

    def stopping(self) -> bool:
        """Whether the user wants it to stop."""
        return self._stop.is_set()

    def release(self) -> None:
        """The thread is to leave the job as it is: the platform closes, or another one owns the job now."""
        self._released.set()

    def released(self) -> bool:
        return self._released.is_set()

    def check(self) -> None:
        """Call between pieces of work. Raises Stopped, Closing."""
        if self._released.is_set():
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
