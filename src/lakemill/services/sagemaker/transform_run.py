"""Batch transform as a kind of job: S3 objects through a fleet of the model's own, answers back to S3.

The job's thread runs an event loop of its own for it. A job that a crash of the platform interrupted is done anew from
its first object: outputs are written whole, so doing one again changes nothing.
"""

import asyncio
import datetime
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.hosting import ArtifactError, Hosting, HostingError, Model, ServerError, StartFailed, VariantSpec
from lakemill.engines.hosting.batch.work import Batch, Options, Report, Stopped, Task, TaskFailed
from lakemill.engines.hosting.fleet import Fleet, forget
from lakemill.engines.hosting.variant import Home
from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.jobs import Job, JobKind
from lakemill.engines.objects import Objects, ObjectsError
from lakemill.engines.resources import Resources
from lakemill.services.sagemaker.access import DISK_FULL, ClientFailure, RoleAccess, disk_is_full
from lakemill.services.sagemaker.artifacts import Uploads
from lakemill.services.sagemaker.channels import Channels, Item
from lakemill.services.sagemaker.resources import TRANSFORM_JOB
from lakemill.services.sagemaker.training_request import s3_location
from lakemill.services.sagemaker.transform import ENDED, STRATEGIES
from lakemill.services.sagemaker.transform_request import (
    PAYLOAD_MB_DEFAULT,
    PAYLOAD_MB_MAX,
    Request,
    media_type,
    processing,
)

LOG_GROUP = "/aws/sagemaker/TransformJobs"
PIECE_BYTES = 4 << 20
START_S = 1800.0
"""How long the model may take to answer its first ping: what AWS grants a transform job."""
LOOK_S = 0.2
"""How often a running batch is asked whether it is to stop."""
REASON_CHARS_MAX = 1024
RECORDIO_PROTOBUF = "application/x-recordio-protobuf"
SPLITS = {"None": "none", "Line": "line", "RecordIO": "recordio", "TFRecord": "tfrecord"}
NOT_WELL = (
    "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and "
    "responds with an HTTP 200 status code"
)
FAULTS = {"client": "ClientError", "server": "AlgorithmError"}

logger = logging.getLogger(__name__)


class TransformRun(JobKind):
    """What the jobs engine calls, in the job's thread."""

    repeatable = True

    def __init__(
        self,
        resources: Resources,
        objects: Objects,
        identity: Any,
        hosting: Hosting,
        folder: Path,
        *,
        enforce: bool = True,
    ) -> None:
        self._resources, self._objects, self._identity = resources, objects, identity
        self._hosting, self._folder, self._enforce = hosting, folder, enforce

    def prepare(self, job: Job) -> None:
        self._change(job, lambda document: None)  # The job has left the queue: its time of modification says so.

    def work(self, job: Job) -> None:
        document = self._document(job)
        if document["status"] not in ENDED:
            asyncio.run(_Run(self, job, document).work())

    def stopped(self, job: Job) -> None:
        self._end(job, "Stopped")

    def fail(self, job: Job, error: Exception) -> None:
        self._end(job, "Failed", failure=reason_of(error)[:REASON_CHARS_MAX])

    def _document(self, job: Job) -> dict[str, Any]:
        return self._resources.get(TRANSFORM_JOB, job.document["scope"], job.document["name"])

    def _change(self, job: Job, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        return self._resources.update_blocking(TRANSFORM_JOB, job.document["scope"], job.document["name"], change)

    def _end(self, job: Job, status: str, **members: Any) -> None:
        def change(document: dict[str, Any]) -> None:
            if document["status"] in ENDED:
                return
            # A stop that was acknowledged is kept, even if the last answer came just then.
            stopping = document["status"] == "Stopping"
            document |= {"status": "Stopped"} if stopping else {"status": status, **members}
            document["ended"] = document["modified"]

        self._change(job, change)


class _Run:
    """One job's work."""

    def __init__(self, kind: TransformRun, job: Job, document: Mapping[str, Any]) -> None:
        self._kind, self._job = kind, job
        self._scope, self._name = document["scope"], document["name"]
        self._request: Request = document["request"]
        self._model = Model.of(document["model"])
        self._owner = f"batch/{document['id']}"
        self._folder = kind._folder / document["id"]
        self._access = RoleAccess(
            kind._identity,
            kind._objects,
            self._model.principal,
            enforce=kind._enforce,
            region=self._scope.split("/")[1],
        )
        self._ground = kind._hosting.ground

    async def work(self) -> None:
        job, kind = self._job, self._kind
        metadata = kind._resources.metadata
        # What an earlier life of this job left running is nobody's now.
        await forget(self._ground, metadata, self._owner)
        job.check()
        tasks = await asyncio.to_thread(self._tasks)
        spec = VariantSpec(
            "main", self._model, count=self._request["TransformResources"]["InstanceCount"], start_timeout_s=START_S
        )
        home = Home(
            self._owner, self._folder, self._scope, LOG_GROUP, lambda variant, instance: f"{self._name}/{instance}"
        )
        fleet = Fleet(self._ground, metadata, home, [spec])
        try:
            await self._unless_stopped(fleet.start())
            await asyncio.to_thread(kind._change, job, _starts)
            report = await self._unless_stopped(self._through(fleet, tasks))
        finally:
            await fleet.stop(0)
        if report.failures:
            server = any(failure.fault == "server" for _, failure in report.failures)
            reason = f"{FAULTS['server' if server else 'client']}: See job logs for more information"
            await asyncio.to_thread(kind._end, job, "Failed", failure=reason)
        else:
            await asyncio.to_thread(kind._end, job, "Completed")

    async def _unless_stopped(self, work: Any) -> Any:
        """The result of some work; it is given up when the job is to stop or the platform closes."""
        running = asyncio.ensure_future(work)
        try:
            while not running.done():
                self._job.check()
                await asyncio.wait([running], timeout=LOOK_S)
            return running.result()
        except Stopped:  # The batch's own word; the job knows why.
            self._job.check()
            raise
        finally:
            if not running.done():
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def _through(self, fleet: Fleet, tasks: list[Task]) -> Report:
        variant = fleet.variants["main"]
        told = await _execution_parameters(variant)
        options, strategy = options_of(self._request, told)
        stream = f"{self._name}/{variant.slots[0].instance.id}/data-log"  # type: ignore[union-attr]

        async def say(line: str) -> None:
            now = self._ground.clock.now()
            event = (int(now.timestamp() * 1000), f"{_stamp(now)}:[sagemaker logs]: {line}")
            await self._ground.lines.put(self._scope, LOG_GROUP, stream, [event])

        payload = (options.payload_bytes_max or 0) >> 20
        await say(
            f"MaxConcurrentTransforms={options.concurrent_max}, MaxPayloadInMB={payload}, BatchStrategy={strategy}"
        )
        scratch = self._folder / "outputs"
        scratch.mkdir(parents=True, exist_ok=True)
        batch = Batch(
            variant,
            options,
            processing(self._request),
            scratch,
            say=say,
            stopping=lambda: self._job.stopping() or self._job.released(),
        )
        return await batch.run(tasks)

    def _tasks(self) -> list[Task]:
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        channels = Channels(self._kind._objects, self._access, self._scope.split("/")[1])
        bucket, prefix = s3_location(self._request["TransformOutput"]["S3OutputPath"], "S3OutputPath")
        prefix = prefix.rstrip("/")
        uploads = Uploads(self._kind._objects, self._access, bucket, f"{prefix}/" if prefix else "")
        return [self._task(item, uploads) for item in channels.items(source)]

    def _task(self, item: Item, uploads: Uploads) -> Task:
        def keep(path: Path) -> None:
            try:
                uploads.file(path, f"{item.path}.out")
            except (ClientFailure, ObjectsError) as error:
                raise TaskFailed("client", f"Failed to upload the output: {error}") from error

        return Task(f"{item.bucket}/{item.key}", lambda: self._read(item), keep)

    def _read(self, item: Item) -> Iterator[bytes]:
        if refusal := self._access.refusal("s3:GetObject", item.bucket, item.key):
            raise TaskFailed("client", f"Failed to download the object: {refusal}")
        objects = self._kind._objects
        try:
            record = objects.head(item.bucket, item.key)
            for offset in range(0, record.size, PIECE_BYTES):
                yield objects.read(record, offset, min(PIECE_BYTES, record.size - offset))
        except ObjectsError as error:
            raise TaskFailed("client", f"Failed to download the object: {error}") from error


async def _execution_parameters(variant: Any) -> dict[str, Any]:
    """What the container recommends; containers need not."""
    instance = variant.any_up()
    try:
        answer = await instance.client.request("GET", "/execution-parameters", timeout_s=10.0, bytes_max=1 << 20)
        told = json.loads(answer.body) if answer.status == 200 else {}
    except (ServerError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def options_of(request: Request, told: Mapping[str, Any]) -> tuple[Options, str]:
    """How requests are made, and the strategy's name: what the request says, else the container, else the default."""
    payload = request.get("MaxPayloadInMB") or _number(told.get("MaxPayloadInMB"), PAYLOAD_MB_MAX) or PAYLOAD_MB_DEFAULT
    concurrent = request.get("MaxConcurrentTransforms") or _number(told.get("MaxConcurrentTransforms"), 100) or 1
    strategy = STRATEGIES.get(request.get("BatchStrategy", "")) or str(told.get("BatchStrategy"))
    if strategy not in STRATEGIES.values():
        strategy = "MULTI_RECORD"
    client = request.get("ModelClientConfig", {})
    given, result = request["TransformInput"], request["TransformOutput"]
    options = Options(
        split=SPLITS[given.get("SplitType", "None")],
        framed=media_type(given.get("ContentType", "")) == RECORDIO_PROTOBUF,
        several=strategy == "MULTI_RECORD",
        payload_bytes_max=payload << 20,
        concurrent_max=max(1, min(concurrent, PAYLOAD_MB_MAX // payload)),
        gunzip=given.get("CompressionType", "None") == "Gzip",
        content_type=given.get("ContentType", ""),
        accept=result.get("Accept", ""),
        line_after_answer=result.get("AssembleWith", "None") == "Line",
        timeout_s=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=client.get("InvocationsMaxRetries", 3),
    )
    return options, strategy


def _number(value: Any, most: int) -> int | None:
    return min(value, most) if isinstance(value, int) and value > 0 else None


def reason_of(error: Exception) -> str:
    """FailureReason of a job that did not get through its objects."""
    if isinstance(error, StartFailed):
        if error.kind in ("unhealthy", "exited"):
            return NOT_WELL
        if error.kind in ("download", "unpack"):
            verb = "download" if error.kind == "download" else "extract"
            return f"ClientError: Failed to {verb} model data: {error.detail}"
        return f"CapacityError: This machine cannot run the job as asked: {error.detail}"
    if isinstance(error, ClientFailure | RoleRefused | ArtifactError | TaskFailed):
        return f"ClientError: {error}"
    if disk_is_full(error):
        return DISK_FULL
    logger.error("a transform job failed for an error of lakemill's own", exc_info=error)
    detail = f" ({error})" if isinstance(error, HostingError) else ""
    return f"InternalServerError: We encountered an internal error. Please try again.{detail}"


def _starts(document: dict[str, Any]) -> None:
    document.setdefault("started", document["modified"])


def _stamp(now: datetime.datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}"
