"""Training as a kind of job: data in, process, artifacts out."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.algorithms import registry
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.engines.jobs import Again, Job, JobKind, Line, LogTarget, Outcome, Plan, Process
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.compute import RunSpec
from lakemill.ports.metadata import Transaction
from lakemill.services.sagemaker import checkpoints, profiler, training_state
from lakemill.services.sagemaker.access import ClientFailure, RoleAccess
from lakemill.services.sagemaker.artifacts import Uploads
from lakemill.services.sagemaker.channels import Channels, Share
from lakemill.services.sagemaker.metrics import MetricReader
from lakemill.services.sagemaker.opt_ml import JobFolder, OptMl, machine_environment
from lakemill.services.sagemaker.resources import TRAINING_JOB, arn
from lakemill.services.sagemaker.training_inputs import deliver
from lakemill.services.sagemaker.training_reasons import INTERNAL_ERROR, failure_of_pipes, failure_reason, reason_of
from lakemill.services.sagemaker.training_request import Request, effective_mode, hosts_of, runtime_s_max, s3_location

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
STOP_GRACE_S = 120.0

Launcher = Callable[[str], Sequence[str]]


def container(algorithm: str) -> list[str]:
    """The command that trains a built-in algorithm."""
    return [sys.executable, "-m", "lakemill.container", "train", "--algorithm", algorithm]


def pipes(plan: Path) -> list[str]:
    """The command that fills a host's FIFOs."""
    return [sys.executable, "-m", "lakemill.container.pipes", str(plan)]


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
        self._syncs: dict[str, checkpoints.Sync] = {}

    # What the engine asks for, in this order

    def prepare(self, job: Job) -> Plan:
        document = self._document(job)
        request, spec = document["request"], _spec(document)
        validate(spec, request)
        access = self._access(document)
        self._uploads(document).check("output/model.tar.gz")
        folder = self._job_folder(document)
        folder.make()
        self._change(job, _starts)
        modes = {effective_mode(request, channel) for channel in request.get("InputDataConfig", [])}
        if "File" in modes:
            self._go(job, "Downloading")
        inputs = Channels(self._objects, access, _region(job))
        for rank, (host, tree) in enumerate(folder.hosts.items()):
            share = Share(rank, len(folder.hosts))
            deliver(request, inputs, share, tree, folder.pipes(host), job.check)
            tree.write_configuration(request, host, list(folder.hosts))
        if store := self._checkpoint_store(document):
            for tree in folder.hosts.values():
                store.restore(checkpoints.folder_of(tree, request["CheckpointConfig"]), job.check)
        return self._plan(job, request, spec, folder)

    def started(self, job: Job) -> None:
        document = self._document(job)
        if document["secondary"] != "Uploading":  # A crash during the upload leads here again.
            document = self._go(job, "Training")
        if profiler.wanted(document["request"]):
            self._profile(job, document)
        if store := self._checkpoint_store(document):
            config = document["request"]["CheckpointConfig"]
            folders = [checkpoints.folder_of(tree, config) for tree in self._job_folder(document).hosts.values()]
            self._syncs[job.key] = checkpoints.Sync(store, folders)
            self._syncs[job.key].start()

    def overdue(self, job: Job) -> None:
        self._go(job, "Stopping")

    def collect(self, job: Job, outcome: Outcome) -> None:
        if running := self._profilers.pop(job.key, None):
            running.finish()
        document = self._document(job)
        folder = self._job_folder(document)
        if not training_state.has_ended(document):  # Otherwise a crash came between the outcome and the tidying.
            if sync := self._syncs.pop(job.key, None):
                sync.finish()
            self._take_outcome(job, document, folder, outcome)
        folder.remove()

    def stopped(self, job: Job) -> None:
        self._end(job, "Stopped")
        self._job_folder(self._document(job)).remove()

    def fail(self, job: Job, error: Exception) -> None:
        self._end(job, "Failed", failure=reason_of(error))
        for kept in (self._profilers, self._syncs):
            if running := kept.pop(job.key, None):
                with contextlib.suppress(Exception):  # The job has its reason.
                    running.finish()
        self._job_folder(self._document(job)).remove()

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

    def _plan(self, job: Job, request: Request, spec: AlgorithmSpec, folder: JobFolder) -> Plan:
        processes = []
        for host, tree in folder.hosts.items():
            feeding = folder.pipes(host)
            if (feeding / "plan.json").exists():
                run = RunSpec(pipes(feeding / "plan.json"), machine_environment(), feeding)
                processes.append(Process(feeding.name, run, serves=True))
            processes.append(self._host(job, request, spec, folder, host, tree))
        # The limit counts from the start of the instances, which is when the download began.
        begun = self._document(job)["started"].timestamp()
        return Plan(processes, max(0.0, runtime_s_max(request) - (self._clock.time() - begun)))

    def _host(
        self, job: Job, request: Request, spec: AlgorithmSpec, folder: JobFolder, host: str, tree: OptMl
    ) -> Process:
        scope, name = job.document["scope"], job.document["name"]
        environment = tree.environment(request, arn(scope, TRAINING_JOB, name), _region(job), host)
        if len(folder.hosts) > 1:
            # Hosts stand for machines of their own; here they share the cores of one.
            threads = str(max(1, (os.cpu_count() or 1) // len(folder.hosts)))
            environment = {"OMP_NUM_THREADS": threads, **environment, "LAKEMILL_RENDEZVOUS": folder.rendezvous.as_uri()}
        run = RunSpec(
            argv=list(self._launcher(spec.name)),
            environment=environment,
            folder=tree.folder,
            network=not request.get("EnableNetworkIsolation", False),
            stop_grace_s=STOP_GRACE_S,
        )
        return Process(host, run, LogTarget(scope, LOG_GROUP, f"{name}/{host}-{int(self._clock.time())}"))

    def _take_outcome(self, job: Job, document: dict[str, Any], folder: JobFolder, outcome: Outcome) -> None:
        if outcome.exit_code is None:
            self._try_again(job, document["request"])
            why = "The process that trained, or the machine, stopped without a word."
            self._end(job, "Failed", failure=f"{INTERNAL_ERROR} ({why})")
            return
        uploads = self._uploads(document)
        feeding = [folder.pipes(host) for host in folder.hosts]
        # An algorithm may be done, content with what it got, before the pipes' end is noticed.
        broken = [one for one in feeding if one.name == outcome.process or (one / "failure").exists()]
        if broken:
            self._upload_output(uploads, folder, failed=True)
            self._end(job, "Failed", failure=failure_of_pipes(broken[0]))
            return
        if outcome.ended_by == "itself" and outcome.exit_code != 0:
            self._upload_output(uploads, folder, failed=True, host=outcome.process)
            text = folder.hosts[outcome.process].failure()
            self._end(job, "Failed", failure=failure_reason(text, outcome.exit_code))
            return
        self._go(job, "Uploading")
        artifacts = self._upload_model(uploads, folder, document["request"])
        self._upload_output(uploads, folder, failed=False)
        ends = {"itself": "Completed", "time": "MaxRuntimeExceeded"}
        self._end(job, ends.get(outcome.ended_by, "Stopped"), artifacts=artifacts)

    def _try_again(self, job: Job, request: Request) -> None:
        """Only what is our fault is tried again, and only as often as RetryStrategy says. Raises Again."""
        retries = request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        if job.runs <= retries and not job.stopping():
            self._go(job, "Restarting")
            raise Again

    def _upload_model(self, uploads: Uploads, folder: JobFolder, request: Request) -> str:
        models = [tree.model for tree in folder.hosts.values()]
        if request["OutputDataConfig"].get("CompressionType", "GZIP") == "NONE":
            return uploads.tree(models, "output/model")
        return uploads.packed(models, "output/model.tar.gz", folder.scratch)

    def _upload_output(self, uploads: Uploads, folder: JobFolder, *, failed: bool, host: str | None = None) -> None:
        """output.tar.gz, when there is something to put in; with the failure file of the host that failed."""
        failure = folder.hosts[host].output / "failure" if host else None
        extra = (failure,) if failed and failure and failure.exists() else ()
        outputs = [tree.output_data for tree in folder.hosts.values()]
        if not extra and not any(any(output.iterdir()) for output in outputs):
            return
        try:
            uploads.packed(outputs, "output/output.tar.gz", folder.scratch, extra)
        except ClientFailure:
            if not failed:  # Of a job that failed, the algorithm's own reason is the one to tell.
                raise

    def _profile(self, job: Job, document: dict[str, Any]) -> None:
        given = document["request"]["ProfilerConfig"]
        bucket, prefix = _output(given["S3OutputPath"], document["name"])
        uploads = Uploads(self._objects, self._access(document), bucket, f"{prefix}profiler-output/")
        interval_ms = given.get("ProfilingIntervalInMilliseconds")
        running = profiler.Profiler(uploads, self._clock, "algo-1", interval_ms)
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

    def _checkpoint_store(self, document: dict[str, Any]) -> checkpoints.Store | None:
        config = document["request"].get("CheckpointConfig")
        return checkpoints.Store(self._objects, self._access(document), config["S3Uri"]) if config else None

    def _job_folder(self, document: dict[str, Any]) -> JobFolder:
        key = f"{document['scope']}/{TRAINING_JOB}/{document['name']}"
        return JobFolder(self._folder / key, hosts_of(document["request"]))


def validate(spec: AlgorithmSpec, request: Mapping[str, Any]) -> None:
    """What the algorithm itself refuses, before any data is moved. Raises ClientFailure."""
    try:
        spec.validate(request.get("HyperParameters", {}))
    except CustomerError as wrong:
        raise ClientFailure(str(wrong)) from None
    count = request["ResourceConfig"].get("InstanceCount", 1)
    if count > 1 and not spec.multi_instance:
        raise ClientFailure(f"{spec.title} trains on one instance only; ResourceConfig.InstanceCount is {count}")
    given = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    for channel in spec.channels:
        if channel.required and channel.name not in given:
            raise ClientFailure(f"{_CHANNELS_WRONG}{channel.name!r} is a required property")
    unknown = [name for name in given if spec.channel(name) is None]
    if unknown:
        were = "was" if len(unknown) == 1 else "were"
        names = ", ".join(repr(name) for name in unknown)
        raise ClientFailure(f"{_CHANNELS_WRONG}Additional properties are not allowed ({names} {were} unexpected)")
    for given_channel in request.get("InputDataConfig", []):
        name, mode = given_channel["ChannelName"], effective_mode(request, given_channel)
        known = spec.channel(name)
        if known and mode not in known.input_modes and not (mode == "FastFile" and "File" in known.input_modes):
            modes = ", ".join(known.input_modes)
            raise ClientFailure(f"{_CHANNELS_WRONG}TrainingInputMode of {name!r}: {mode!r} is not one of {modes}")


_CHANNELS_WRONG = "Failed to validate input data configuration. (caused by ValidationError)\n\nCaused by: "


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
