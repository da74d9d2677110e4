"""Jobs and triggers over a store whose time stands still; nothing runs, tests say how runs end."""

import asyncio

import pytest

from lakemill.engines.jobs import JobKind, Jobs
from lakemill.engines.loglines import LogLines
from lakemill.engines.resources import Resources
from lakemill.ports.clock import ManualClock
from lakemill.services.glue import job_request
from lakemill.services.glue.firing import Firing
from lakemill.services.glue.runs import KIND, Runs, Wish
from lakemill.services.glue.tags import JOB
from lakemill.services.glue.workflow_runs import WorkflowRuns

HERE = "000000000000/us-east-1"
COMMAND = {"Name": "pythonshell", "ScriptLocation": "s3://b/a.py"}


@pytest.fixture
def clock():
    return ManualClock(1_767_225_600)  # 2026-01-01, a Thursday.


class Etl:
    def __init__(self, metadata, clock):
        self.metadata, self.clock = metadata, clock
        self.resources = Resources(metadata, clock)
        self.jobs = Jobs(metadata, None, LogLines(metadata, clock), clock)
        self.jobs.register(KIND, JobKind())
        self.runs = Runs(self.resources, self.jobs, clock)
        self.workflows = WorkflowRuns(self.resources, self.runs)
        self.firing = Firing(self.resources, self.runs, self.workflows, clock)

    async def job(self, name, **members):
        definition = job_request.definition({"Role": "r", "Command": COMMAND} | members)
        await self.resources.create(JOB, HERE, name, {"definition": definition})

    async def start(self, job, **members):
        return await self.runs.start(HERE, Wish(job, **members))

    def of(self, job):
        """Its runs, as they began."""
        return sorted(self.runs.of_job(HERE, job), key=lambda run: (run["created"], run["attempt"]))

    async def end(self, run, status, message=None):
        """From another thread, as the jobs engine does."""
        await asyncio.to_thread(self.runs.end, HERE, run["name"], status, message)


@pytest.fixture
async def etl(metadata, clock):
    return Etl(metadata, clock)
