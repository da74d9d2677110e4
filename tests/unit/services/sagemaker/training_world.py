"""A SageMaker with everything real below it but the identity and the algorithm's process."""

import asyncio
import dataclasses
import io
import sys
import tarfile

from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.identity.principal import Principal
from lakemill.engines.jobs import Jobs
from lakemill.engines.loglines import GroupMissing, LogLines
from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.metadata import EmbeddedMetadata
from lakemill.services.base import Call
from lakemill.services.sagemaker import SageMaker

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainer"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"

# A little algorithm that shows what it was given and does what its hyperparameters ask... of the environment.
PROGRAM = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
(base / "model" / "files.json").write_text(json.dumps(
    {str(p.relative_to(base / "input")): p.read_text() for p in sorted((base / "input").rglob("*")) if p.is_file()}
    | {"environment": dict(os.environ)}))
exec(os.environ.get("SCRIPT", ""))
"""


@dataclasses.dataclass
class Decision:
    allowed: bool
    reason: str


class FakeIdentity:
    """Knows one role; `denied` holds (action, resource prefix) pairs it may not do."""

    def __init__(self):
        self.denied = []
        self.asked = []

    def service_session(self, role_arn, service, session_name):
        if role_arn != ROLE:
            raise RoleRefused(role_arn, service, f"Could not assume role {role_arn}.")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/{session_name}"
        return Principal("role", ACCOUNT, arn, f"AROA:{session_name}", "trainer", role_arn, session_name)

    def request_context(self, principal, **facts):
        return {"aws:SecureTransport": facts["secure"]}

    def decide(self, principal, action, resource, context, resource_policy=None, resource_account=None, **how):
        self.asked.append((action, resource))
        refused = any(action == a and resource.startswith(r) for a, r in self.denied)
        return Decision(not refused, f"User: {principal.arn} is not authorized to perform: {action}")


class World:
    """Build it inside a running loop."""

    def __init__(self, folder, launcher=None, identity=None):
        self.clock = SystemClock()
        self.metadata = EmbeddedMetadata(folder / "metadata.sqlite", self.clock)
        self.objects = Objects(self.metadata, EmbeddedBlobs(folder / "blobs"), self.clock)
        self.loglines = LogLines(self.metadata, self.clock)
        self.identity = identity or FakeIdentity()
        self.jobs = Jobs(self.metadata, EmbeddedCompute(folder / "runs"), self.loglines, self.clock)
        self.sagemaker = SageMaker(
            metadata=self.metadata,
            jobs=self.jobs,
            objects=self.objects,
            identity=self.identity,
            loglines=self.loglines,
            hosting=None,
            clock=self.clock,
            folder=folder / "jobs",
            launcher=launcher or (lambda algorithm: [sys.executable, "-S", "-c", PROGRAM]),
        )
        self.handlers = self.sagemaker.operations()

    async def start(self):
        self.recovered = await self.jobs.start()
        if not list(self.objects.buckets.owned_by(ACCOUNT)):
            await self.objects.buckets.create("data", ACCOUNT, REGION)
            await self.put("train/a.csv", b"1,2\n")
        return self

    async def close(self):
        await self.jobs.close()
        self.objects.close()
        self.metadata.close()

    async def put(self, key, data=b"x"):
        await self.objects.put("data", key, data)

    region = REGION

    def call(self, operation):
        return Call("sagemaker", operation, self.region, ACCOUNT, None, "r", None)

    async def ask(self, operation, **request):
        answer = self.handlers[operation](self.call(operation), request)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def create(self, name="job", script="", **changes):
        request = {
            "TrainingJobName": name,
            "HyperParameters": {"num_round": "2"},
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": [channel("train", "s3://data/train/")],
            "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "Environment": {"SCRIPT": script},
        } | changes
        return await self.ask("CreateTrainingJob", **{k: v for k, v in request.items() if v is not None})

    async def ended(self, name="job", timeout_s=20):
        async with asyncio.timeout(timeout_s):
            while True:
                found = await self.ask("DescribeTrainingJob", TrainingJobName=name)
                if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
                    key = f"{ACCOUNT}/{REGION}/training-job/{name}"
                    while self.jobs.under_way(key):
                        await asyncio.sleep(0.005)
                    return found
                await asyncio.sleep(0.01)

    async def reaches(self, secondary, name="job", timeout_s=20):
        async with asyncio.timeout(timeout_s):
            while True:
                found = await self.ask("DescribeTrainingJob", TrainingJobName=name)
                if found["SecondaryStatus"] == secondary:
                    return found
                await asyncio.sleep(0.01)

    async def trained(self, name="job", script="", **changes):
        await self.create(name, script, **changes)
        return await self.ended(name)

    def tar(self, key):
        data = self.objects.read(self.objects.head("data", key))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return {m.name: tar.extractfile(m).read() if m.isfile() else None for m in tar.getmembers()}

    def keys(self, prefix=""):
        return [record.key for record in self.objects.listing("data", prefix)]

    def log(self, name="job"):
        scope, group = f"{ACCOUNT}/{REGION}", "/aws/sagemaker/TrainingJobs"
        try:
            streams = [one["name"] for one in self.loglines.streams(scope, group, f"{name}/")]
        except GroupMissing:
            return [], []
        return streams, [event.message for event in self.loglines.search(scope, group, streams)]


def channel(name, uri, **members):
    kind = members.pop("S3DataType", "S3Prefix")
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}} | members
