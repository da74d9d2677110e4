"""The SageMaker of tests with hosting: models are served by a small program instead of an algorithm."""

import asyncio

from tests.unit.engines.hosting.conftest import archive, launcher
from tests.unit.services.sagemaker.training_world import ACCOUNT, IMAGE, REGION, ROLE, World

from lakemill.engines.hosting import Hosting
from lakemill.ports.compute import EmbeddedCompute
from lakemill.services.sagemaker import SageMaker

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


class HostingWorld(World):
    def __init__(self, folder):
        super().__init__(folder)
        compute = EmbeddedCompute(folder / "runs")
        self.hosting = Hosting(
            self.metadata, compute, self.objects, self.loglines, self.clock, folder / "e", launcher=launcher
        )
        self.sagemaker = SageMaker(
            metadata=self.metadata,
            jobs=self.jobs,
            objects=self.objects,
            identity=self.identity,
            loglines=self.loglines,
            hosting=self.hosting,
            clock=self.clock,
            folder=folder / "jobs",
        )
        self.handlers = self.sagemaker.operations()

    async def start(self):
        await super().start()
        await self.put("m/model.tar.gz", archive({"model_algo-1": b"weights"}))
        await self.hosting.start()
        return self

    async def close(self):
        for document in list(self.sagemaker.resources.all("endpoint")):
            if document["state"] != "deleting":
                await self.hosting.delete(document["scope"], document["name"])
        await asyncio.gather(*self.hosting._works.values(), *self.hosting._endings, return_exceptions=True)
        await self.hosting.close()
        await super().close()

    async def model(self, name="m", url="s3://data/m/model.tar.gz", environment=None, **changes):
        container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": environment or {}}
        request = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": ROLE} | changes
        return await self.ask("CreateModel", **{k: v for k, v in request.items() if v is not None})

    async def config(self, name="c", *variants, **changes):
        variants = list(variants) or [variant()]
        return await self.ask("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=variants, **changes)

    async def endpoint(self, name="e", config="c"):
        await self.ask("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        return await self.settled(name)

    async def settled(self, name="e"):
        async with asyncio.timeout(20):
            while True:
                found = await self.ask("DescribeEndpoint", EndpointName=name)
                if found["EndpointStatus"] in ("InService", "Failed"):
                    return found
                await asyncio.sleep(0.02)

    async def transform(self, name="t", **changes):
        request = {
            "TransformJobName": name,
            "ModelName": "m",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://data/out", "AssembleWith": "Line", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        } | changes
        return await self.ask("CreateTransformJob", **request)

    async def transformed(self, name="t", **changes):
        await self.transform(name, **changes)
        async with asyncio.timeout(20):
            while True:
                found = await self.ask("DescribeTransformJob", TransformJobName=name)
                if found["TransformJobStatus"] in ("Completed", "Failed", "Stopped"):
                    return found
                await asyncio.sleep(0.02)

    def output(self, key):
        return self.objects.read(self.objects.head("data", key))

    def logged(self, group):
        scope = f"{ACCOUNT}/{REGION}"
        streams = [one["name"] for one in self.loglines.streams(scope, group)]
        return {stream: [e.message for e in self.loglines.search(scope, group, [stream])] for stream in streams}


def variant(name="main", model="m", count=1, **changes):
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.xlarge",
    } | changes


async def refused(work, code="ValidationException"):
    """The message of the refusal."""
    try:
        await work
    except Exception as error:
        assert getattr(error, "code", None) == code, error
        return error.message
    raise AssertionError("it was not refused")
