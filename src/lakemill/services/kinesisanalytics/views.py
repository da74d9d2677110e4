"""Documents as AWS describes them, alike in both APIs."""

from typing import Any

from lakemill.engines.analytics import LAST, NOW, OLDEST

Document = dict[str, Any]
NAMES = {"stream": "KinesisStreams", "delivery": "KinesisFirehose", "function": "Lambda"}
POSITIONS = {"NOW": NOW, "TRIM_HORIZON": OLDEST, "LAST_STOPPED_POINT": LAST}
STARTS = {ours: theirs for theirs, ours in POSITIONS.items()}


def summary_status(document: Document) -> str:
    return str(document["status"]).upper()


def inputs(document: Document) -> list[Document]:
    """InputDescriptions."""
    return [_input(one, document["starts"].get(one["id"])) for one in document["inputs"]]


def _input(one: Document, start: str | None) -> Document:
    told = {
        "InputId": one["id"],
        "NamePrefix": one["prefix"],
        "InAppStreamNames": [f"{one['prefix']}_{number + 1:03d}" for number in range(one["count"])],
        f"{NAMES[one['source']['kind']]}InputDescription": _target(one["source"]),
        "InputSchema": one["schema"],
        "InputParallelism": {"Count": one["count"]},
        "InputStartingPositionConfiguration": {"InputStartingPosition": STARTS[start]} if start else {},
    }
    if one["processor"] is not None:
        told["InputProcessingConfigurationDescription"] = processing(one["processor"])
    return told


def processing(processor: Document) -> Document:
    """InputProcessingConfigurationDescription."""
    return {"InputLambdaProcessorDescription": _target(processor)}


def outputs(document: Document) -> list[Document]:
    """OutputDescriptions."""
    return [
        {
            "OutputId": one["id"],
            "Name": one["stream"],
            f"{NAMES[one['target']['kind']]}OutputDescription": _target(one["target"]),
            "DestinationSchema": {"RecordFormatType": one["format"]},
        }
        for one in document["outputs"]
    ]


def references(document: Document) -> list[Document]:
    """ReferenceDataSourceDescriptions."""
    return [
        {
            "ReferenceId": one["id"],
            "TableName": one["table"],
            "S3ReferenceDataSourceDescription": _with_role(
                {"BucketARN": one["bucket"], "FileKey": one["key"]}, "ReferenceRoleARN", one["role"]
            ),
            "ReferenceSchema": one["schema"],
        }
        for one in document["references"]
    ]


def logs(document: Document) -> list[Document]:
    """CloudWatchLoggingOptionDescriptions."""
    return [
        _with_role({"CloudWatchLoggingOptionId": one["id"], "LogStreamARN": one["resource"]}, "RoleARN", one["role"])
        for one in document["logs"]
    ]


def _target(target: Document) -> Document:
    return _with_role({"ResourceARN": target["resource"]}, "RoleARN", target["role"])


def _with_role(told: Document, member: str, role: str | None) -> Document:
    return told | ({member: role} if role else {})
