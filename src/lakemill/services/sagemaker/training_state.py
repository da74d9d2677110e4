"""A training job's document: its states, and how DescribeTrainingJob and ListTrainingJobs show it.

Beside what engines/resources keeps, the document holds `request` (CreateTrainingJob as given), `algorithm`, `status`
and `secondary`, `transitions`, and as they become known `failure`, `started`, `ended`, `artifacts`.
"""

import datetime
from typing import Any

from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.engines.resources import enter
from lakemill.services.sagemaker import metrics, profiler
from lakemill.services.sagemaker.resources import TRAINING_JOB, arn
from lakemill.services.sagemaker.training_request import runtime_s_max

Document = dict[str, Any]

MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Restarting": "Restarting the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds",
}
PRIMARY = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
}
"""Of secondary states; all others are InProgress."""
ENDED = ("Completed", "Failed", "Stopped")

ECHOED = (
    *("RoleArn", "ResourceConfig", "HyperParameters", "Environment"),
    *("DebugHookConfig", "DebugRuleConfigurations", "ProfilerConfig", "ProfilerRuleConfigurations"),
    *("RemoteDebugConfig", "InfraCheckConfig", "RetryStrategy", "CheckpointConfig"),
)


def has_ended(document: Document) -> bool:
    return document["status"] in ENDED


def go(document: Document, secondary: str, now: datetime.datetime) -> None:
    """Enter a state. A job that is stopping stays so until it has ended."""
    if document["status"] == "Stopping" and secondary not in PRIMARY:
        return
    document["secondary"] = secondary
    document["status"] = PRIMARY.get(secondary, "InProgress")
    final = has_ended(document)
    enter(document, secondary, MESSAGES[secondary], now, final=final)
    if final and "started" in document:
        document.setdefault("ended", now)


def describe(document: Document, spec: AlgorithmSpec | None, finals: list[tuple[str, float, int]]) -> dict[str, Any]:
    """DescribeTrainingJob's answer. finals: (metric, value, time in ms)."""
    request = document["request"]
    answer = summary(document) | {name: request[name] for name in ECHOED if name in request}
    answer |= {
        "AlgorithmSpecification": _algorithm(request["AlgorithmSpecification"], spec),
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP"} | request["OutputDataConfig"],
        "StoppingCondition": request.get("StoppingCondition", {}) | {"MaxRuntimeInSeconds": runtime_s_max(request)},
        "SecondaryStatusTransitions": [_transition(one) for one in document["transitions"]],
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        "ProfilingStatus": "Enabled" if profiler.wanted(request) else "Disabled",
    }
    if "InputDataConfig" in request:
        defaults = {"CompressionType": "None", "RecordWrapperType": "None"}
        answer["InputDataConfig"] = [defaults | channel for channel in request["InputDataConfig"]]
    if finals:
        answer["FinalMetricDataList"] = [
            {"MetricName": name, "Value": value, "Timestamp": _moment(time_ms)} for name, value, time_ms in finals
        ]
    if "artifacts" in document:  # Absent before: SDK 3 cannot read an empty ModelArtifacts.
        answer["ModelArtifacts"] = {"S3ModelArtifacts": document["artifacts"]}
    if "failure" in document:
        answer["FailureReason"] = document["failure"]
    if "started" in document:
        answer["TrainingStartTime"] = document["started"]
    if "started" in document and "ended" in document:
        seconds = max(1, round((document["ended"] - document["started"]).total_seconds()))
        answer |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    return answer


def summary(document: Document) -> dict[str, Any]:
    """A TrainingJobSummary."""
    answer = {
        "TrainingJobName": document["name"],
        "TrainingJobArn": arn(document["scope"], TRAINING_JOB, document["name"]),
        "CreationTime": document["created"],
        "LastModifiedTime": document["modified"],
        "TrainingJobStatus": document["status"],
        "SecondaryStatus": document["secondary"],
    }
    return answer | ({"TrainingEndTime": document["ended"]} if "ended" in document else {})


def _algorithm(given: dict[str, Any], spec: AlgorithmSpec | None) -> dict[str, Any]:
    """Built-in images carry metric definitions, and always keep their series."""
    if spec is None:
        return given
    return given | {"MetricDefinitions": metrics.definitions(spec), "EnableSageMakerMetricsTimeSeries": True}


def _transition(one: dict[str, Any]) -> dict[str, Any]:
    shown = {"Status": one["status"], "StartTime": one["start"], "StatusMessage": one["message"]}
    return shown | ({"EndTime": one["end"]} if "end" in one else {})


def _moment(time_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
