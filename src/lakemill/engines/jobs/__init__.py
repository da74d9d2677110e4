"""Long work: wanted in metadata, driven by threads, done by processes that outlive the platform."""

from lakemill.engines.jobs.engine import JobExists, Jobs
from lakemill.engines.jobs.job import Closing, Job, JobGone, Stopped
from lakemill.engines.jobs.kind import Again, JobKind, JobLost, Line, LogTarget, Outcome, Plan, Process

__all__ = [
    "Again",
    "Closing",
    "Job",
    "JobExists",
    "JobGone",
    "JobKind",
    "JobLost",
    "Jobs",
    "Line",
    "LogTarget",
    "Outcome",
    "Plan",
    "Process",
    "Stopped",
]
