"""The life of one job, as its thread lives it: prepare, run, collect. Blocking throughout."""

import dataclasses
import logging
import signal
from typing import Literal

from lakemill.engines.jobs.follower import Follower
from lakemill.engines.jobs.job import JOBS, Closing, Document, Job, JobGone, Stopped
from lakemill.engines.jobs.kind import Again, JobKind, JobLost, LogTarget, Outcome, Plan
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.compute import Compute, RunState
from lakemill.ports.metadata import Metadata

FOLLOW_S = 0.1
"""How often a running process's log is looked at; its end is noticed at once."""
TOGETHER_S = 10.0
"""What a process gets between SIGTERM and SIGKILL when another one of its job has failed."""

logger = logging.getLogger(__name__)

States = list[RunState]
"""Of a run's processes, in their order."""


@dataclasses.dataclass(frozen=True)
class Steps:
    """What a job's thread needs."""

    metadata: Metadata
    compute: Compute
    loglines: LogLines
    clock: Clock

    def drive(self, job: Job, kind: JobKind) -> None:
        """Take a job from where it is to its end, or until it is released."""
        try:
            try:
                while self._live(job, kind):
                    self._begin_anew(job)
            except Stopped:
                kind.stopped(job)
            except (Closing, JobGone):
                raise
            except Exception as error:
                if job.released():  # The stores close under a thread that had no time to look.
                    return
                kind.fail(job, error)
            self._finish(job)
        except (Closing, JobGone):
            return
        except Exception:
            if not job.released():  # The job stays where it was, and is taken up again at the next look.
                logger.exception("job %s cannot be brought to an end now", job.key)

    def _live(self, job: Job, kind: JobKind) -> bool:
        """Live a job to its end; True if it is to begin again."""
        if job.state["step"] == "working":
            if not kind.repeatable:
                raise JobLost
            kind.work(job)
            return False
        if job.state["step"] == "running" and whole_state(self.compute, job.state) == "unknown":
            self._begin_anew(job)  # A run that was put on record and never started, or not whole.
        if job.state["step"] == "queued":
            job.check()
            plan = kind.prepare(job)
            job.check()
            if plan is None:
                job.write(step="working")
                kind.work(job)
                return False
            self._launch(job, plan)
        if job.state["step"] != "ended":
            # On record before `collect`, which may remove the files that tell how the run ended.
            job.write(step="ended", outcome=dataclasses.asdict(self._attend(job, kind)))
        try:
            kind.collect(job, Outcome(**job.state["outcome"]))
        except Again:
            return True
        return False

    def _launch(self, job: Job, plan: Plan) -> None:
        number = job.state["runs"] + 1
        processes: list[Document] = [
            {
                "name": one.name,
                "run": f"{job.key}/{number}/{one.name}",
                "serves": one.serves,
                "logs": {"log": _fresh_log(one.log)}
                | ({"errors": _fresh_log(one.error_log)} if one.spec.errors_apart else {}),
            }
            for one in plan.processes
        ]
        job.write(
            step="running",
            runs=number,
            processes=processes,
            started=self.clock.time(),
            timed_out=False,
            limit_s=plan.runtime_s_max,
        )
        for process, planned in zip(processes, plan.processes, strict=True):
            self.compute.start(process["run"], planned.spec)

    def _attend(self, job: Job, kind: JobKind) -> Outcome:
        """Follow the run until its processes have ended and their logs are shipped."""
        processes = job.state["processes"]
        followers = [self._followers(job, number, kind) for number in range(len(processes))]
        kind.started(job)
        told = more = dismissed = False
        failed: int | None = None
        while True:
            states = self._look(processes, 0.0 if more else FOLLOW_S)
            more = any(
                [
                    follower.ship(ended=state.state != "running")
                    for several, state in zip(followers, states, strict=True)
                    for follower in several
                ]
            )
            failed = _first_failed(processes, states) if failed is None else failed
            if not more and all(state.state != "running" for state in states):
                return _outcome(job, processes, states, failed)
            if job.released():
                raise Closing
            overdue = self._overdue(job)
            if overdue and not job.timed_out:
                job.write(timed_out=True)
                kind.overdue(job)
            if (job.stopping() or overdue) and not told:
                self._stop(processes, serving=False)
                told = True
            if failed is not None and not told:
                self._stop(processes, serving=False, grace_s=TOGETHER_S)
                told = True
            if not dismissed and _only_serving(processes, states):
                self._stop(processes, serving=True)
                dismissed = True

    def _followers(self, job: Job, number: int, kind: JobKind) -> list[Follower]:
        """Of the nth process's log files."""
        process = job.state["processes"][number]
        paths = {"log": self.compute.log(process["run"]), "errors": self.compute.error_log(process["run"])}
        return [Follower(job, number, name, kind, self.loglines, self.clock, paths[name]) for name in process["logs"]]

    def _look(self, processes: list[Document], timeout_s: float) -> States:
        """All states, once one of those that ran has ended, or after a while."""
        states = [self.compute.poll(process["run"]) for process in processes]
        running = [process for process, state in zip(processes, states, strict=True) if state.state == "running"]
        if not running or not timeout_s:
            return states
        # Those that serve end last, so the first one that runs is as good as any to wait for.
        self.compute.wait(running[0]["run"], timeout_s)
        return [self.compute.poll(process["run"]) for process in processes]

    def _stop(self, processes: list[Document], *, serving: bool, grace_s: float | None = None) -> None:
        for process in processes:
            if process["serves"] == serving:
                self.compute.stop(process["run"], grace_s)

    def _begin_anew(self, job: Job) -> None:
        """Forget the present run; whatever of it still runs is ended first."""
        for process in job.state["processes"]:
            self.compute.stop(process["run"], 0.0)
        for process in job.state["processes"]:
            self.compute.wait(process["run"])
            self.compute.forget(process["run"])
        job.write(step="queued", processes=[])

    def _overdue(self, job: Job) -> bool:
        limit_s = job.state["limit_s"]
        return limit_s is not None and self.clock.time() >= job.state["started"] + limit_s

    def _finish(self, job: Job) -> None:
        self.metadata.transact_blocking(lambda transaction: transaction.delete(JOBS, job.key))
        for process in job.state["processes"]:
            self.compute.stop(process["run"], 0.0)  # When the job failed for another reason, it may still run.
            self.compute.wait(process["run"])
            self.compute.forget(process["run"])


def whole_state(compute: Compute, state: Document) -> Literal["running", "exited", "lost", "unknown"]:
    """The state of a job's run as a whole: unknown if one of its processes was never started, and so on."""
    found = {compute.poll(process["run"]).state for process in state["processes"]}
    for one in ("unknown", "running", "lost"):
        if one in found:
            return one
    return "exited" if found else "unknown"


def _fresh_log(target: LogTarget | None) -> Document:
    return {"position": 0, "target": dataclasses.asdict(target) if target else None}


def _first_failed(processes: list[Document], states: States) -> int | None:
    """The first process that ended with anything but success. One that serves is told to end, and may end of that."""
    for number, (process, state) in enumerate(zip(processes, states, strict=True)):
        well = (0, -signal.SIGTERM) if process["serves"] else (0,)
        if state.state == "lost" or (state.state == "exited" and state.exit_code not in well):
            return number
    return None


def _only_serving(processes: list[Document], states: States) -> bool:
    """Whether nobody is left whom the processes that still run could serve."""
    return all(process["serves"] or state.state != "running" for process, state in zip(processes, states, strict=True))


def _outcome(job: Job, processes: list[Document], states: States, failed: int | None) -> Outcome:
    first = next(number for number, process in enumerate(processes) if not process["serves"])
    decisive = first if failed is None else failed
    state = states[decisive]
    return Outcome(state.exit_code, _ended_by(job, state), processes[decisive]["name"])


def _ended_by(job: Job, state: RunState) -> Literal["itself", "user", "time", "loss"]:
    if job.stopping():
        return "user"
    if job.timed_out:
        return "time"
    return "itself" if state.state == "exited" else "loss"
