"""The life of one job, as its thread lives it: prepare, run, collect. Blocking throughout."""

import dataclasses
import logging
from typing import Literal

from lakemill.engines.jobs.follower import Follower
from lakemill.engines.jobs.job import JOBS, Closing, Job, JobGone, Stopped
from lakemill.engines.jobs.kind import Again, JobKind, JobLost, Outcome, Plan
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.compute import Compute, RunState
from lakemill.ports.metadata import Metadata

FOLLOW_S = 0.1
"""How often a running process's log is looked at; its end is noticed at once."""

logger = logging.getLogger(__name__)


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
                    job.write(step="queued")
                    self.compute.forget(job.state["run"])
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
        run = job.state["run"]
        if job.state["step"] == "working":
            if not kind.repeatable:
                raise JobLost
            kind.work(job)
            return False
        # A run that was put on record and never started ("unknown") is begun anew.
        if job.state["step"] == "queued" or self.compute.poll(run).state == "unknown":
            job.check()
            plan = kind.prepare(job)
            job.check()
            if plan is None:
                job.write(step="working")
                kind.work(job)
                return False
            self._launch(job, kind, plan)
        outcome = self._attend(job, kind)
        try:
            kind.collect(job, outcome)
        except Again:
            return True
        return False

    def _launch(self, job: Job, kind: JobKind, plan: Plan) -> None:
        number = job.state["runs"] + 1
        job.write(
            step="running",
            runs=number,
            run=f"{job.key}/{number}",
            started=self.clock.time(),
            timed_out=False,
            position=0,
            log=dataclasses.asdict(plan.log) if plan.log else None,
            limit_s=plan.runtime_s_max,
        )
        self.compute.start(job.state["run"], plan.spec)

    def _attend(self, job: Job, kind: JobKind) -> Outcome:
        """Follow the run until it has ended and its log is shipped."""
        run = job.state["run"]
        follower = Follower(job, kind, self.loglines, self.clock, self.compute.log(run))
        kind.started(job)
        told = more = False
        while True:
            state = self.compute.wait(run, 0.0 if more else FOLLOW_S)
            ended = state.state != "running"
            more = follower.ship(ended=ended)
            if ended and not more:
                return Outcome(state.exit_code, _ended_by(job, state))
            if job.released():
                raise Closing
            overdue = self._overdue(job)
            if overdue and not job.timed_out:
                job.write(timed_out=True)
                kind.overdue(job)
            if (job.stopping() or overdue) and not told:
                self.compute.stop(run)
                told = True

    def _overdue(self, job: Job) -> bool:
        limit_s = job.state["limit_s"]
        return limit_s is not None and self.clock.time() >= job.state["started"] + limit_s

    def _finish(self, job: Job) -> None:
        run = job.state["run"]
        self.metadata.transact_blocking(lambda transaction: transaction.delete(JOBS, job.key))
        if run is not None:
            self.compute.forget(run)


def _ended_by(job: Job, state: RunState) -> Literal["itself", "user", "time", "loss"]:
    if job.stopping():
        return "user"
    if job.timed_out:
        return "time"
    return "itself" if state.state == "exited" else "loss"
