"""The agent's configuration file: every key it knows, with default and range; any other is refused by name."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.agent.processing import Processing, ProcessingError

STREAM, DELIVERY = "kinesisStream", "deliveryStream"


class ConfigError(ValueError):
    """The file cannot be used. The text names the key."""


@dataclasses.dataclass(frozen=True)
class Flow:
    """Files and where their records go. Sizes in bytes, times in milliseconds."""

    file_pattern: str
    destination: str
    to_stream: bool
    """True: a Kinesis stream; False: a Firehose delivery stream."""
    from_start: bool
    """Whether files that are there at the first start are read from their beginning."""
    buffer_age_ms: int
    buffer_bytes: int
    buffer_records: int
    poll_ms: int
    skip_header_lines: int
    start_pattern: re.Pattern[bytes] | None
    """Where a record of several lines begins; None: every line is one."""
    truncated_terminator: bytes
    random_keys: bool
    """Partition keys at random; otherwise from the data, so that equal records go to one shard."""
    aggregated_bytes: int
    """Records of a delivery stream are joined up to so many bytes; 0: each goes by itself."""
    first_backoff_ms: int
    last_backoff_ms: int
    processing: Processing

    @property
    def id(self) -> str:
        """What its checkpoints are filed under."""
        return f"{'kinesis' if self.to_stream else 'firehose'}:{self.destination}:{self.file_pattern}"


@dataclasses.dataclass(frozen=True)
class AgentConfig:
    """The whole file. Endpoints are URLs or None."""

    flows: tuple[Flow, ...]
    kinesis_endpoint: str | None
    firehose_endpoint: str | None
    sts_endpoint: str | None
    cloudwatch_endpoint: str | None
    emit_metrics: bool
    access_key_id: str | None
    secret: str | None
    role_arn: str | None
    role_external_id: str | None
    region: str | None
    checkpoint_file: Path | None


TOP = {
    *("cloudwatch.emitMetrics", "cloudwatch.endpoint", "kinesis.endpoint", "firehose.endpoint", "sts.endpoint"),
    *("awsAccessKeyId", "awsSecretAccessKey", "assumeRoleARN", "assumeRoleExternalId", "checkpointFile", "flows"),
    "region",
}
FLOW = {
    *("filePattern", STREAM, DELIVERY, "initialPosition", "maxBufferAgeMillis", "maxBufferSizeBytes"),
    *("maxBufferSizeRecords", "minTimeBetweenFilePollsMillis", "skipHeaderLines", "multiLineStartPattern"),
    *("truncatedRecordTerminator", "partitionKeyOption", "aggregatedRecordSizeBytes", "dataProcessingOptions"),
    *("retryInitialBackoffMillis", "retryMaxBackoffMillis"),
}


def read_config(path: Path) -> AgentConfig:
    """Read and check the file. Raises ConfigError."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    return parse_config(found)


def parse_config(found: Any) -> AgentConfig:
    """A configuration from the parsed JSON. Raises ConfigError.

    >>> config = parse_config({"flows": [{"filePattern": "/var/log/app.log*", "kinesisStream": "clicks"}]})
    >>> config.flows[0].destination, config.flows[0].buffer_records
    ('clicks', 500)
    """
    if not isinstance(found, dict):
        raise ConfigError("the configuration must be a JSON object")
    _known(found, TOP, "the configuration")
    flows = found.get("flows")
    if not isinstance(flows, list) or not flows:
        raise ConfigError("flows must be a list with at least one flow")
    keys = _Keys(found, "")
    if bool(found.get("awsAccessKeyId")) != bool(found.get("awsSecretAccessKey")):
        raise ConfigError("awsAccessKeyId and awsSecretAccessKey must be given together")
    checkpoints = keys.text("checkpointFile")
    return AgentConfig(
        flows=tuple(_flow(one, f"flows[{place}]") for place, one in enumerate(flows)),
        kinesis_endpoint=_url(keys.text("kinesis.endpoint")),
        firehose_endpoint=_url(keys.text("firehose.endpoint")),
        sts_endpoint=_url(keys.text("sts.endpoint")),
        cloudwatch_endpoint=_url(keys.text("cloudwatch.endpoint")),
        emit_metrics=keys.flag("cloudwatch.emitMetrics", True),
        access_key_id=keys.text("awsAccessKeyId"),
        secret=keys.text("awsSecretAccessKey"),
        role_arn=keys.text("assumeRoleARN"),
        role_external_id=keys.text("assumeRoleExternalId"),
        region=keys.text("region"),
        checkpoint_file=Path(checkpoints) if checkpoints else None,
    )


def _flow(found: Any, where: str) -> Flow:
    if not isinstance(found, dict):
        raise ConfigError(f"{where} must be an object")
    _known(found, FLOW, where)
    keys = _Keys(found, f"{where}.")
    if (STREAM in found) == (DELIVERY in found):
        raise ConfigError(f"{where} must have exactly one of {STREAM} and {DELIVERY}")
    to_stream = STREAM in found
    for key in ("partitionKeyOption",) if not to_stream else ("aggregatedRecordSizeBytes",):
        if key in found:
            raise ConfigError(f"{where}.{key} belongs to a flow to a {STREAM if not to_stream else DELIVERY}")
    pattern = keys.text("filePattern")
    if not pattern:
        raise ConfigError(f"{where}.filePattern is missing")
    start = keys.text("multiLineStartPattern")
    try:
        processing = Processing.of(found.get("dataProcessingOptions", []))
        start_pattern = re.compile(start.encode()) if start else None
    except (ProcessingError, re.error) as error:
        raise ConfigError(f"{where}: {error}") from None
    return Flow(
        file_pattern=pattern,
        destination=keys.text(STREAM if to_stream else DELIVERY) or "",
        to_stream=to_stream,
        from_start=keys.choice("initialPosition", ("END_OF_FILE", "START_OF_FILE")) == "START_OF_FILE",
        buffer_age_ms=keys.number("maxBufferAgeMillis", 60_000, 1_000, 900_000),
        buffer_bytes=keys.number("maxBufferSizeBytes", 4 << 20, 1, (5 if to_stream else 4) << 20),
        buffer_records=keys.number("maxBufferSizeRecords", 500, 1, 500),
        poll_ms=keys.number("minTimeBetweenFilePollsMillis", 100, 1, 3_600_000),
        skip_header_lines=keys.number("skipHeaderLines", 0, 0, 1_000_000),
        start_pattern=start_pattern,
        truncated_terminator=(keys.text("truncatedRecordTerminator") or "\n").encode(),
        random_keys=keys.choice("partitionKeyOption", ("RANDOM", "DETERMINISTIC")) == "RANDOM",
        aggregated_bytes=keys.number("aggregatedRecordSizeBytes", 0, 0, 1_024_000),
        first_backoff_ms=keys.number("retryInitialBackoffMillis", 100, 1, 3_600_000),
        last_backoff_ms=keys.number("retryMaxBackoffMillis", 10_000, 1, 3_600_000),
        processing=processing,
    )


def _known(found: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise ConfigError(f"{where} has the key {key}, which this agent does not honour")


def _url(endpoint: str | None) -> str | None:
    """Endpoints without a scheme are reached by https, as the Java agent does."""
    return endpoint if not endpoint or "://" in endpoint else f"https://{endpoint}"


class _Keys:
    """Typed values of an object; errors name the key. AWS's agent takes numbers and booleans as text too."""

    def __init__(self, found: Mapping[str, Any], prefix: str) -> None:
        self._found, self._prefix = found, prefix

    def text(self, key: str) -> str | None:
        value = self._found.get(key)
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{self._prefix}{key} must be text; got {value!r}")
        return value or None

    def flag(self, key: str, default: bool) -> bool:
        value = self._found.get(key, default)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise ConfigError(f"{self._prefix}{key} must be true or false; got {value!r}")
        return value

    def number(self, key: str, default: int, least: int, most: int) -> int:
        value = self._found.get(key, default)
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"{self._prefix}{key} must be a whole number from {least} to {most}; got {value!r}")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of the choices; the first is the default."""
        value = self._found.get(key, choices[0])
        if value not in choices:
            raise ConfigError(f"{self._prefix}{key} must be {' or '.join(choices)}; got {value!r}")
        return value
