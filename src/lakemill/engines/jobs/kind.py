"""What a kind of job (training, batch transform ...) tells the engine.

All methods run in the job's own thread and may block. After a crash of the platform the engine calls again whatever
had not finished, so `prepare` and `collect` must be safe to repeat; `work` is repeated only if `repeatable` says so.

    prepare(job) -> Plan     processes: the engine starts them, follows their logs, stops them, waits; then
                             collect(job, outcome)
                 -> None     no process: the engine calls work(job) instead, and after it nothing more

Whatever any of them raises ends the job: `fail(job, error)` is told, once, and writes down why.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

from lakemill.engines.jobs.job import Job
from lakemill.ports.compute.port import RunSpec
from lakemill.ports.metadata import Transaction


@dataclasses.dataclass(frozen=True)
class LogTarget:
    """Where the lines of a run go."""

    scope: str
    group: str
    stream: str


@dataclasses.dataclass(frozen=True)
class Process:
    """One process of a job."""

    name: str
    """Unique within the job, e.g. the host it stands for."""
    spec: RunSpec
    log: LogTarget | None = None
    error_log: LogTarget | None = None
    """Where the lines of its standard error go, if its spec keeps them apart."""
    serves: bool = False
    """It works for the others and does not end by itself: once they have ended it is told to stop. If it fails before,
    the job fails, whatever the others make of it."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The processes a job needs, one at least that does not only serve. When one fails, the others are stopped."""

    processes: Sequence[Process]
    runtime_s_max: float | None = None
    """They are stopped after this long, counted from its start, restarts of the platform included."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a process's log, as shipped."""

    offset: int
    """Where it begins in that log."""
    timestamp_ms: int
    text: str
    process: str = ""
    """The process's name."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended: as the first process that failed, or else as all of them."""

    exit_code: int | None
    """None when nobody knows it (the machine or the supervising process vanished); negative for a signal."""
    ended_by: Literal["itself", "user", "time", "loss"]
    """Who wanted the end: the process, the user, the time limit, or nobody."""
    process: str = ""
    """The process that the exit code is of."""


class JobLost(Exception):
    """Given to `fail` when a job without a process was under way in a platform that died, and is not repeatable."""

    def __init__(self) -> None:
        super().__init__("lakemill stopped while this job was under way")


class Again(Exception):
    """Raised by `collect`: forget this run and begin the job anew, from `prepare` on."""


class JobKind:
    """Base of every kind."""

    repeatable = False
    """Whether `work` may be called again from the start after a crash."""

    def prepare(self, job: Job) -> Plan | None:
        """Get everything ready. May raise job.Stopped through job.check()."""
        raise NotImplementedError

    def work(self, job: Job) -> None:
        """The job itself where no process of its own does it; look at job.stopping() often."""
        raise NotImplementedError

    def started(self, job: Job) -> None:
        """All processes were started; called again when a later platform attaches to it."""

    def overdue(self, job: Job) -> None:
        """The processes are being told to stop, for the time limit."""

    def collect(self, job: Job, outcome: Outcome) -> None:
        """The run has ended and its log is shipped: take what it made and write down how it went. May raise Again."""
        raise NotImplementedError

    def stopped(self, job: Job) -> None:
        """The user stopped the job before its process ran (or `work` gave way to job.check())."""
        raise NotImplementedError

    def fail(self, job: Job, error: Exception) -> None:
        """Write down that the job failed and why. error is what was raised, or JobLost."""
        raise NotImplementedError

    def ship(self, text: str) -> str:
        """The form in which a log line is kept."""
        return text

    def observe(self, job: Job, lines: Sequence[Line]) -> Callable[[Transaction], Any] | None:
        """Lines of one log that are about to be shipped. What is returned runs in the transaction that ships them, so
        what it writes is written exactly once."""
        return None
