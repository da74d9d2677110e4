"""What a CreateTrainingJob may ask for: everything that is not honoured is refused here by name."""

import re
from collections.abc import Mapping
from typing import Any

from lakemill.services.sagemaker.errors import invalid, unsupported

Request = Mapping[str, Any]

RUNTIME_S_MAX = 28 * 24 * 3600
RUNTIME_S_DEFAULT = 24 * 3600

HOSTS_MAX = 16
"""Instances are processes of one machine; more of them than it has cores bring nothing but the trial."""

REFUSED = {
    "VpcConfig": "lakemill has no VPCs; EnableNetworkIsolation cuts the network off",
    "TensorBoardOutputConfig": "TensorBoard output is not collected",
    "ExperimentConfig": "lakemill keeps no experiments",
    "ServerlessJobConfig": "serverless model customisation does not exist here",
    "MlflowConfig": "lakemill has no MLflow server",
    "ModelPackageConfig": "lakemill has no model packages",
}
"""Members refused whatever they hold."""


def check(request: Request) -> None:
    """Raise a ServiceError for what is wrong or not honoured."""
    _check_algorithm(request.get("AlgorithmSpecification"))
    _check_resources(request.get("ResourceConfig"))
    _check_stopping(request)
    _check_output(request["OutputDataConfig"])
    _check_channels(request)
    _check_checkpoints(request)
    _check_switches(request)
    _check_debugging(request)


def s3_location(uri: str, member: str) -> tuple[str, str]:
    """(bucket, key or prefix) of an s3:// URI.

    >>> s3_location("s3://data/train/", "S3Uri")
    ('data', 'train/')
    """
    found = re.fullmatch(r"s3://([^/]+)/?(.*)", uri, re.DOTALL)
    if not found:
        raise unsupported(member, f"it must be an s3:// URI; got {uri!r}")
    return found[1], found[2]


def effective_mode(request: Request, channel: Mapping[str, Any]) -> str:
    """The channel's own input mode, else the job's."""
    return channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"]


def hosts_of(request: Request) -> list[str]:
    """The names of the job's hosts: algo-1, algo-2 ..."""
    return [f"algo-{number}" for number in range(1, request["ResourceConfig"].get("InstanceCount", 1) + 1)]


def runtime_s_max(request: Request) -> int:
    """The job's time limit."""
    return request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", RUNTIME_S_DEFAULT)


def _check_algorithm(given: Mapping[str, Any] | None) -> None:
    if given is None:
        raise invalid("AlgorithmSpecification is required.")
    if given.get("AlgorithmName"):
        raise unsupported("AlgorithmName", "lakemill has no algorithm resources; name a TrainingImage")
    if not given.get("TrainingImage"):
        raise invalid("Either TrainingImage or AlgorithmName must be given in AlgorithmSpecification.")
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        if given.get(member):
            raise unsupported(member, "a built-in algorithm starts by itself")
    if given.get("TrainingImageConfig", {}).get("TrainingRepositoryAccessMode", "Platform") != "Platform":
        raise unsupported("TrainingImageConfig", "no image is pulled, so no private registry either")
    if given.get("MetricDefinitions"):
        raise invalid(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry your request "
            "without specifying metric definitions."
        )


def _check_resources(given: Mapping[str, Any] | None) -> None:
    if given is None or not (given.get("InstanceType") or given.get("InstanceGroups")):
        raise invalid("ResourceConfig with InstanceType, InstanceCount and VolumeSizeInGB is required.")
    later = "instances are alike here; give InstanceType and InstanceCount"
    for member, reason in {
        "InstanceGroups": later,
        "InstancePreferences": later,
        "InstancePlacementConfig": later,
        "TrainingPlanArn": "lakemill has no training plans",
        "VolumeKmsKeyId": "volumes are folders of this machine and are not encrypted",
        "KeepAlivePeriodInSeconds": "there are no warm pools; a job starts at once anyway",
    }.items():
        if given.get(member):
            raise unsupported(f"ResourceConfig.{member}", reason)
    count = given.get("InstanceCount", 1)
    if count < 1:
        raise invalid(f"ResourceConfig.InstanceCount must be at least 1; got {count}.")
    if count > HOSTS_MAX:
        raise invalid(f"ResourceConfig.InstanceCount must be at most {HOSTS_MAX} on this machine; got {count}.")
    if given.get("VolumeSizeInGB", 1) < 1:
        raise invalid(f"ResourceConfig.VolumeSizeInGB must be at least 1; got {given['VolumeSizeInGB']}.")


def _check_stopping(request: Request) -> None:
    given = request.get("StoppingCondition", {})
    if request.get("EnableManagedSpotTraining"):
        raise unsupported("EnableManagedSpotTraining", "there are no spot instances; nothing would interrupt the job")
    if given.get("MaxWaitTimeInSeconds") is not None:
        raise invalid("MaxWaitTimeInSeconds is only supported when EnableManagedSpotTraining is set to true.")
    if given.get("MaxPendingTimeInSeconds") is not None:
        raise unsupported("StoppingCondition.MaxPendingTimeInSeconds", "a job waits for its turn without a limit")
    limit = runtime_s_max(request)
    if limit > RUNTIME_S_MAX:
        raise invalid(f"MaxRuntimeInSeconds must be at most {RUNTIME_S_MAX} (28 days); got {limit}.")


def _check_output(given: Mapping[str, Any]) -> None:
    if given.get("KmsKeyId"):
        raise unsupported("OutputDataConfig.KmsKeyId", "artifacts are not encrypted with KMS keys")
    s3_location(given["S3OutputPath"], "OutputDataConfig.S3OutputPath")


def _check_channels(request: Request) -> None:
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise invalid(f"InputDataConfig must have unique channel names; got {twice!r} more than once.")
    for channel in request.get("InputDataConfig", []):
        _check_channel(request, channel)


def _check_channel(request: Request, channel: Mapping[str, Any]) -> None:
    where = f"InputDataConfig channel {channel['ChannelName']!r}"
    source = channel["DataSource"].get("S3DataSource")
    for other in ("FileSystemDataSource", "DatasetSource"):
        if channel["DataSource"].get(other):
            raise unsupported(f"{where}: {other}", "data comes from S3")
    if source is None:
        raise invalid(f"{where} must have an S3DataSource.")
    if source["S3DataType"] == "AugmentedManifestFile":
        raise unsupported(
            f"{where}: S3DataType=AugmentedManifestFile", "no algorithm here reads augmented manifests yet"
        )
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise unsupported(f"{where}: S3DataType={source['S3DataType']}", "use S3Prefix or ManifestFile")
    mode = effective_mode(request, channel)
    if mode == "FastFile" and source["S3DataType"] != "S3Prefix":
        raise invalid(f"{where}: FastFile mode supports S3DataType S3Prefix only; got {source['S3DataType']}.")
    if mode != "Pipe":
        _check_pipe_only(where, mode, channel)
    for member, reason in {
        "AttributeNames": "it belongs to AugmentedManifestFile",
        "InstanceGroupNames": "there are no instance groups",
        "ModelAccessConfig": "lakemill has no model hub",
        "HubAccessConfig": "lakemill has no model hub",
    }.items():
        if source.get(member):
            raise unsupported(f"{where}: {member}", reason)
    s3_location(source["S3Uri"], f"{where}: S3Uri")


def _check_pipe_only(where: str, mode: str, channel: Mapping[str, Any]) -> None:
    """What works on a stream of objects, and has no meaning where the algorithm opens files."""
    for member, asked in (
        ("CompressionType", channel.get("CompressionType", "None") != "None"),
        ("RecordWrapperType", channel.get("RecordWrapperType", "None") != "None"),
        ("ShuffleConfig", bool(channel.get("ShuffleConfig"))),
    ):
        if asked:
            raise unsupported(f"{where}: {member}", f"it takes effect in Pipe mode only; leave it unset in {mode} mode")


def _check_checkpoints(request: Request) -> None:
    given = request.get("CheckpointConfig")
    if given is None:
        return
    s3_location(given["S3Uri"], "CheckpointConfig.S3Uri")
    path = given.get("LocalPath", "/opt/ml/checkpoints")
    reserved = ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code")
    if not path.startswith("/opt/ml/") or ".." in path.split("/"):
        raise unsupported("CheckpointConfig.LocalPath", f"it must be a folder below /opt/ml; got {path!r}")
    if any((path.rstrip("/") + "/").startswith(f"{one}/") for one in reserved):
        raise invalid(f"CheckpointConfig.LocalPath must not be in {', '.join(reserved)}; got {path!r}.")


def _check_switches(request: Request) -> None:
    """Switches that may be sent as long as they are off."""
    for member, switch, reason in (
        ("RemoteDebugConfig", "EnableRemoteDebug", "there is no session manager"),
        ("InfraCheckConfig", "EnableInfraCheck", "there are no accelerator instances to check"),
        ("SessionChainingConfig", "EnableSessionTagChaining", "session tags are not passed on to jobs"),
    ):
        if request.get(member, {}).get(switch):
            raise unsupported(f"{member}.{switch}", reason)
    if request.get("EnableNetworkIsolation") and len(hosts_of(request)) > 1:
        raise unsupported(
            "EnableNetworkIsolation with InstanceCount above 1", "without a network the instances could not meet"
        )


def _check_debugging(request: Request) -> None:
    """The SDK sends a DebugHookConfig without collections and a ProfilerConfig with every job.

    The first asks for nothing of a built-in algorithm; the second is honoured (profiler.py).
    """
    hook = request.get("DebugHookConfig", {})
    if hook.get("CollectionConfigurations") or hook.get("HookParameters"):
        raise unsupported("DebugHookConfig", "no tensors are saved; leave CollectionConfigurations empty")
    for member in ("DebugRuleConfigurations", "ProfilerRuleConfigurations"):
        if request.get(member):
            raise unsupported(member, "no rules are evaluated")
    profiler = request.get("ProfilerConfig", {})
    if profiler.get("ProfilingParameters"):
        raise unsupported("ProfilerConfig.ProfilingParameters", "frameworks are not profiled, only the system is")
    if not profiler.get("DisableProfiler") and profiler.get("S3OutputPath"):
        s3_location(profiler["S3OutputPath"], "ProfilerConfig.S3OutputPath")
