"""Training as a kind of job: data in, process, artifacts out."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.algorithms import registry
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.jobs import Again, Job, JobKind, Line, LogTarget, Outcome, Plan
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.compute import ComputeRefused, RunSpec
from lakemill.ports.metadata import Transaction
from lakemill.services.sagemaker import profiler, training_state
from lakemill.services.sagemaker.access import DISK_FULL, ClientFailure, RoleAccess, disk_is_full
from lakemill.services.sagemaker.artifacts import Uploads
from lakemill.services.sagemaker.channels import Channels
from lakemill.services.sagemaker.metrics import MetricReader
from lakemill.services.sagemaker.opt_ml import OptMl
from lakemill.services.sagemaker.resources import TRAINING_JOB, arn
from lakemill.services.sagemaker.training_request import Request, runtime_s_max, s3_location

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
STOP_GRACE_S = 120.0
HOSTS = ("algo-1",)
"""Every job has one host for now; what follows reads this, so several are a matter of this list and of their runs."""
REASON_CHARS_MAX = 1024
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
KNOWN_PREFIXES = ("ClientError:", "AlgorithmError:", "InternalServerError:", "CapacityError:")

Launcher = Callable[[str], Sequence[str]]
logger = logging.getLogger(__name__)


def container(algorithm: str) -> list[str]:
    """The command that trains a built-in algorithm."""
    return [sys.executable, "-m", "lakemill.container", "train", "--algorithm", algorithm]


class TrainingRun(JobKind):
    """What the jobs engine calls, in the job's thread."""

    def __init__(
        self,
        resources: Resources,
        objects: Objects,
        identity: Any,
        clock: Clock,
        folder: Path,
        *,
        launcher: Launcher = container,
        enforce: bool = True,
    ) -> None:
        self._resources, self._objects, self._identity, self._clock = resources, objects, identity, clock
        self._folder, self._launcher, self._enforce = folder, launcher, enforce
        self._readers: dict[str, MetricReader] = {}
        self._profilers: dict[str, profiler.Profiler] = {}

    # What the engine asks for, in this order

    def prepare(self, job: Job) -> Plan:
        document = self._document(job)
        request, spec = document["request"], _spec(document)
        validate(spec, request)
        access = self._access(document)
        self._uploads(document).check("output/model.tar.gz")
        tree = self._tree(job)
        tree.make()
        self._change(job, _starts)
        if request.get("InputDataConfig"):
            self._go(job, "Downloading")
        channels = Channels(self._objects, access, _region(job))
        for channel in request.get("InputDataConfig", []):
            channels.fetch(channel, tree.channel(channel["ChannelName"]), job.check)
        tree.write_configuration(request, HOSTS[0], HOSTS)
        return self._plan(job, request, spec, tree)

    def started(self, job: Job) -> None:
        document = self._document(job)
        if document["secondary"] != "Uploading":  # A crash during the upload leads here again.
            document = self._go(job, "Training")
        if profiler.wanted(document["request"]):
            self._profile(job, document)

    def overdue(self, job: Job) -> None:
        self._go(job, "Stopping")

    def collect(self, job: Job, outcome: Outcome) -> None:
        if running := self._profilers.pop(job.key, None):
            running.finish()
        document, tree = self._document(job), self._tree(job)
        if not training_state.has_ended(document):  # Otherwise a crash came between the outcome and the tidying.
            self._take_outcome(job, document, tree, outcome)
        tree.remove()

    def stopped(self, job: Job) -> None:
        self._end(job, "Stopped")
        self._tree(job).remove()

    def fail(self, job: Job, error: Exception) -> None:
        self._end(job, "Failed", failure=reason_of(error))
        if running := self._profilers.pop(job.key, None):
            running.finish()
        self._tree(job).remove()

    def ship(self, text: str) -> str:
        return text.replace("\t", "#011")

    def observe(self, job: Job, lines: Sequence[Line]) -> Callable[[Transaction], Any] | None:
        name = job.document["algorithm"]
        if name not in self._readers:
            spec = registry.find(name)
            if spec is None:
                return None
            self._readers[name] = MetricReader(spec)
        return self._readers[name].writing(job.key, job.runs, lines)

    # How it is done

    def _plan(self, job: Job, request: Request, spec: AlgorithmSpec, tree: OptMl) -> Plan:
        scope, name = job.document["scope"], job.document["name"]
        environment = tree.environment(request, arn(scope, TRAINING_JOB, name), _region(job), HOSTS[0])
        run = RunSpec(
            argv=list(self._launcher(spec.name)),
            environment=environment,
            folder=tree.folder,
            network=not request.get("EnableNetworkIsolation", False),
            stop_grace_s=STOP_GRACE_S,
        )
        stream = f"{name}/{HOSTS[0]}-{int(self._clock.time())}"
        # The limit counts from the start of the instances, which is when the download began.
        begun = self._document(job)["started"].timestamp()
        limit_s = max(0.0, runtime_s_max(request) - (self._clock.time() - begun))
        return Plan(run, LogTarget(scope, LOG_GROUP, stream), limit_s)

    def _take_outcome(self, job: Job, document: dict[str, Any], tree: OptMl, outcome: Outcome) -> None:
        if outcome.exit_code is None:
            self._try_again(job, document["request"])
            why = "The process that trained, or the machine, stopped without a word."
            self._end(job, "Failed", failure=f"{INTERNAL_ERROR} ({why})")
            return
        uploads = self._uploads(document)
        if outcome.ended_by == "itself" and outcome.exit_code != 0:
            self._upload_output(uploads, tree, failed=True)
            self._end(job, "Failed", failure=failure_reason(tree.failure(), outcome.exit_code))
            return
        self._go(job, "Uploading")
        artifacts = self._upload_model(uploads, tree, document["request"])
        self._upload_output(uploads, tree, failed=False)
        ends = {"itself": "Completed", "time": "MaxRuntimeExceeded"}
        self._end(job, ends.get(outcome.ended_by, "Stopped"), artifacts=artifacts)

    def _try_again(self, job: Job, request: Request) -> None:
        """Only what is our fault is tried again, and only as often as RetryStrategy says. Raises Again."""
        retries = request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        if job.runs <= retries and not job.stopping():
            self._go(job, "Restarting")
            raise Again

    def _upload_model(self, uploads: Uploads, tree: OptMl, request: Request) -> str:
        if request["OutputDataConfig"].get("CompressionType", "GZIP") == "NONE":
            return uploads.tree(tree.model, "output/model")
        return uploads.packed(tree.model, "output/model.tar.gz", tree.folder / "tmp")

    def _upload_output(self, uploads: Uploads, tree: OptMl, *, failed: bool) -> None:
        """output.tar.gz, when there is something to put in; with the failure file when the job failed."""
        failure = tree.output / "failure"
        extra = (failure,) if failed and failure.exists() else ()
        if not extra and not any(tree.output_data.iterdir()):
            return
        try:
            uploads.packed(tree.output_data, "output/output.tar.gz", tree.folder / "tmp", extra)
        except ClientFailure:
            if not failed:  # Of a job that failed, the algorithm's own reason is the one to tell.
                raise

    def _profile(self, job: Job, document: dict[str, Any]) -> None:
        given = document["request"]["ProfilerConfig"]
        bucket, prefix = _output(given["S3OutputPath"], document["name"])
        uploads = Uploads(self._objects, self._access(document), bucket, f"{prefix}profiler-output/")
        interval_ms = given.get("ProfilingIntervalInMilliseconds")
        running = profiler.Profiler(uploads, self._clock, HOSTS[0], interval_ms)
        self._profilers[job.key] = running
        running.start()

    # The document

    def _document(self, job: Job) -> dict[str, Any]:
        return self._resources.get(TRAINING_JOB, job.document["scope"], job.document["name"])

    def _change(self, job: Job, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        return self._resources.update_blocking(TRAINING_JOB, job.document["scope"], job.document["name"], change)

    def _go(self, job: Job, secondary: str) -> dict[str, Any]:
        return self._change(job, lambda document: training_state.go(document, secondary, self._clock.now()))

    def _end(self, job: Job, secondary: str, **members: Any) -> None:
        def change(document: dict[str, Any]) -> None:
            if training_state.has_ended(document):
                return
            stopping = document["status"] == "Stopping"
            document |= members
            # A stop that came while results were collected has been acknowledged, so the job ends as stopped.
            given_up = stopping and secondary == "Completed"
            training_state.go(document, "Stopped" if given_up else secondary, self._clock.now())

        self._change(job, change)

    def _access(self, document: dict[str, Any]) -> RoleAccess:
        role, region = document["request"]["RoleArn"], document["scope"].split("/")[1]
        return RoleAccess(self._identity, self._objects, role, enforce=self._enforce, region=region)

    def _uploads(self, document: dict[str, Any]) -> Uploads:
        request = document["request"]
        bucket, prefix = _output(request["OutputDataConfig"]["S3OutputPath"], document["name"])
        return Uploads(self._objects, self._access(document), bucket, prefix)

    def _tree(self, job: Job) -> OptMl:
        return OptMl(self._folder / job.key)


def validate(spec: AlgorithmSpec, request: Mapping[str, Any]) -> None:
    """What the algorithm itself refuses, before any data is moved. Raises ClientFailure."""
    try:
        spec.validate(request.get("HyperParameters", {}))
    except CustomerError as wrong:
        raise ClientFailure(str(wrong)) from None
    given = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    for channel in spec.channels:
        if channel.required and channel.name not in given:
            raise ClientFailure(f"{_CHANNELS_WRONG}{channel.name!r} is a required property")
    unknown = [name for name in given if spec.channel(name) is None]
    if unknown:
        were = "was" if len(unknown) == 1 else "were"
        names = ", ".join(repr(name) for name in unknown)
        raise ClientFailure(f"{_CHANNELS_WRONG}Additional properties are not allowed ({names} {were} unexpected)")


_CHANNELS_WRONG = "Failed to validate input data configuration. (caused by ValidationError)\n\nCaused by: "


def failure_reason(text: str | None, exit_code: int) -> str:
    """FailureReason of a process that failed. A signal counts as 128 + its number, as containers tell it.

    >>> failure_reason("ValueError: k is too big", 1)
    'AlgorithmError: ValueError: k is too big, exit code: 1'
    >>> failure_reason(None, -9)
    'AlgorithmError: , exit code: 137'
    """
    text = text or ""
    code = exit_code if exit_code >= 0 else 128 - exit_code
    told = text if text.startswith(KNOWN_PREFIXES) else f"AlgorithmError: {text}"
    ending = f", exit code: {code}"
    return told[: REASON_CHARS_MAX - len(ending)] + ending


def reason_of(error: Exception) -> str:
    """FailureReason of a job that did not come to its process, or not to its end."""
    if isinstance(error, ClientFailure | RoleRefused):
        return f"ClientError: {error}"[:REASON_CHARS_MAX]
    if isinstance(error, ComputeRefused):
        return f"CapacityError: This machine cannot run the job as asked: {error}."[:REASON_CHARS_MAX]
    if disk_is_full(error):
        return DISK_FULL
    logger.error("a training job failed for an error of lakemill's own", exc_info=error)
    return INTERNAL_ERROR


def _starts(document: dict[str, Any]) -> None:
    """The instances are ready, first of all times; a preparation that is repeated changes nothing."""
    document.setdefault("started", document["modified"])


def _spec(document: dict[str, Any]) -> AlgorithmSpec:
    found = registry.find(document["algorithm"])
    if found is None:
        raise ClientFailure(f"the algorithm {document['algorithm']} is not part of this lakemill any more")
    return found


def _region(job: Job) -> str:
    return job.document["scope"].split("/")[1]


def _output(s3_path: str, name: str) -> tuple[str, str]:
    """(bucket, `<prefix>/<job>/`) below which a job writes."""
    bucket, prefix = s3_location(s3_path, "S3OutputPath")
    prefix = prefix.rstrip("/")
    return bucket, f"{prefix}/{name}/" if prefix else f"{name}/"
