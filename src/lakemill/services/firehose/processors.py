"""ProcessingConfiguration: what it must say, and the steps that come of it."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.engines.delivery import Hints
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.queries import QueryInvalid, check, is_stable
from lakemill.services.firehose.errors import invalid, refused
from lakemill.services.firehose.processing import Step
from lakemill.services.firehose.steps import Delimiter, Documents, Keys, LogMessages, Pieces, Unzip

Config = dict[str, Any]
ORDER = (
    *("Decompression", "CloudWatchLogProcessing", "RecordDeAggregation"),
    *("Lambda", "MetadataExtraction", "AppendDelimiterToRecord"),
)
PARAMETERS = {
    "Decompression": {"CompressionFormat"},
    "CloudWatchLogProcessing": {"DataMessageExtraction"},
    "RecordDeAggregation": {"SubRecordType", "Delimiter"},
    "Lambda": {"LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds"},
    "MetadataExtraction": {"MetadataExtractionQuery", "JsonParsingEngine"},
    "AppendDelimiterToRecord": {"Delimiter"},
}
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
LAMBDA_ARN = re.compile(r"arn:[^:]+:lambda:[^:]+:\d{12}:function:[\w-]+(:[\w$-]+)?\Z")


def active(config: Config) -> dict[str, dict[str, str]]:
    """Parameters of each processor that is at work, in the order in which they work. Raises ServiceError."""
    processing = config.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return {}
    found: dict[str, dict[str, str]] = {}
    for processor in processing.get("Processors", []):
        kind = processor["Type"]
        if kind in found:
            raise invalid(f"There can be only one processor of type {kind}.")
        found[kind] = {one["ParameterName"]: one["ParameterValue"] for one in processor.get("Parameters", [])}
        for name in found[kind].keys() - PARAMETERS[kind]:
            raise invalid(f"Parameter {name} is not one of processor {kind}.")
    return {kind: found[kind] for kind in ORDER if kind in found}


def validate(config: Config, *, partitioned: bool = False) -> None:
    """Raises ServiceError for what is wrong or not provided."""
    for kind, parameters in active(config).items():
        CHECKS[kind](parameters)
        if kind == "MetadataExtraction" and not partitioned:
            raise invalid(
                "Processor MetadataExtraction can only be present when DynamicPartitioningConfiguration is enabled."
            )


def _needed(parameters: dict[str, str], kind: str, name: str) -> str:
    if name not in parameters:
        raise invalid(f"Processor {kind} must have the parameter {name}.")
    return parameters[name]


def _number(parameters: dict[str, str], name: str, default: float, least: float, most: float) -> float:
    text = parameters.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise invalid(f"Parameter {name} must be from {least:g} to {most:g}; got {text}.")
    return number


def _check_decompression(parameters: dict[str, str]) -> None:
    if _needed(parameters, "Decompression", "CompressionFormat") != "GZIP":
        raise invalid("Parameter CompressionFormat of processor Decompression must be GZIP.")


def _check_logs(parameters: dict[str, str]) -> None:
    if _needed(parameters, "CloudWatchLogProcessing", "DataMessageExtraction") != "true":
        raise refused("DataMessageExtraction other than true", "leave the processor out instead")


def _check_apart(parameters: dict[str, str]) -> None:
    kind = _needed(parameters, "RecordDeAggregation", "SubRecordType")
    if kind == "DELIMITED":
        _delimiter64(_needed(parameters, "RecordDeAggregation", "Delimiter"))
    elif kind != "JSON":
        raise invalid("Parameter SubRecordType must be JSON or DELIMITED.")


def _check_lambda(parameters: dict[str, str]) -> None:
    if not LAMBDA_ARN.match(_needed(parameters, "Lambda", "LambdaArn")):
        raise invalid(f"Parameter LambdaArn is no ARN of a function: {parameters['LambdaArn']}.")
    _number(parameters, "NumberOfRetries", 3, 0, 300)
    gathering(parameters, 60)


def _check_query(parameters: dict[str, str]) -> None:
    if _needed(parameters, "MetadataExtraction", "JsonParsingEngine") != "JQ-1.6":
        raise invalid("Parameter JsonParsingEngine must be JQ-1.6.")
    try:
        check(_needed(parameters, "MetadataExtraction", "MetadataExtractionQuery"))
    except QueryInvalid as wrong:
        raise invalid(f"MetadataExtractionQuery is no query: {wrong}.") from None


def _delimiter64(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if not found:
        raise invalid("Parameter Delimiter of processor RecordDeAggregation must be base64.")
    return found


def delimiter(parameters: dict[str, str]) -> bytes:
    """What AppendDelimiterToRecord appends; a newline unless it says otherwise."""
    text = parameters.get("Delimiter", "\\n")
    return re.sub(r"\\[ntr\\]", lambda found: ESCAPES[found[0]], text).encode()


CHECKS: dict[str, Callable[[dict[str, str]], Any]] = {
    "Decompression": _check_decompression,
    "CloudWatchLogProcessing": _check_logs,
    "RecordDeAggregation": _check_apart,
    "Lambda": _check_lambda,
    "MetadataExtraction": _check_query,
    "AppendDelimiterToRecord": delimiter,
}


def gathering(parameters: dict[str, str], interval_s: float, size_mb: float = 1.0) -> Hints:
    """How many records a function gets at a time. interval_s: how long the destination waits."""
    size = _number(parameters, "BufferSizeInMBs", size_mb, 0.2, 3)
    wait_s = _number(parameters, "BufferIntervalInSeconds", min(60, interval_s), 0, 900)
    return Hints(int(size * (1 << 20)), wait_s)


def stable(work: dict[str, dict[str, str]]) -> bool:
    """Whether the same records always come to the same partitions."""
    return "Lambda" not in work and is_stable(work.get("MetadataExtraction", {}).get("MetadataExtractionQuery", ""))


def retries(parameters: dict[str, str]) -> int:
    """How often an invocation that fails is made again."""
    return int(_number(parameters, "NumberOfRetries", 3, 0, 300))


def steps(
    config: Config, pool: WorkerPool, names: Sequence[str], transformation: Callable[[dict[str, str]], Step]
) -> list[Step]:
    """The steps of a configuration. names: partition keys wanted of the query."""
    made: list[Step] = []
    work = active(config)
    for kind, parameters in work.items():
        if kind == "Decompression":
            made.append(Unzip())
        elif kind == "CloudWatchLogProcessing":
            made.append(LogMessages())
        elif kind == "RecordDeAggregation":
            json = parameters["SubRecordType"] == "JSON"
            made.append(Documents() if json else Pieces(_delimiter64(parameters["Delimiter"])))
        elif kind == "Lambda":
            made.append(transformation(parameters))
        elif kind == "MetadataExtraction":
            end = delimiter(work["AppendDelimiterToRecord"]) if "AppendDelimiterToRecord" in work else b""
            made.append(Keys(pool, parameters["MetadataExtractionQuery"], names, end))
        elif "MetadataExtraction" not in work:
            made.append(Delimiter(delimiter(parameters)))
    return made
