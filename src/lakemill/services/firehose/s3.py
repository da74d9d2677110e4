"""Configurations of S3: what a destination, a backup and the place for failures have in common."""

import datetime
import zoneinfo
from collections.abc import Sequence
from typing import Any

from lakemill.engines.delivery import Hints, PrefixInvalid, delivery_prefix, error_prefix
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
MIB = 1 << 20
EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".hsnappy"}
DEFAULTS: Config = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
}
MEMBERS = (
    *("RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "CompressionFormat"),
    *("EncryptionConfiguration", "CloudWatchLoggingOptions"),
)


def complete(config: Config, *, partitioned: bool = False) -> Config:
    """The configuration with its defaults. Raises ServiceError for what is wrong or not provided."""
    whole = DEFAULTS | config
    check_hints(whole["BufferingHints"])
    check_logging(whole["CloudWatchLoggingOptions"])
    if "KMSEncryptionConfig" in whole["EncryptionConfiguration"]:
        raise refused("EncryptionConfiguration.KMSEncryptionConfig", "objects are not encrypted at rest")
    check_prefixes(whole, partitioned=partitioned)
    return whole


def check_prefixes(config: Config, *, partitioned: bool = False) -> None:
    """Whether the prefixes can be evaluated."""
    now = datetime.datetime.now(datetime.UTC)
    try:
        prefix = delivery_prefix(config.get("Prefix"), partitioned=partitioned)
        if not partitioned:
            for namespace in ("partitionKeyFromQuery", "partitionKeyFromLambda"):
                if prefix.uses(namespace):
                    raise invalid(
                        f"Prefix uses {namespace}, which needs DynamicPartitioningConfiguration to be enabled."
                    )
            prefix.evaluate(now)
        error_prefix(config.get("ErrorOutputPrefix"), config.get("Prefix")).evaluate(now, "processing-failed")
    except PrefixInvalid as wrong:
        raise invalid(f"{wrong}.") from None


def check_hints(hints: Config) -> None:
    """Size and interval come together."""
    if ("SizeInMBs" in hints) != ("IntervalInSeconds" in hints):
        raise invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.")


def check_logging(options: Config) -> None:
    """Whoever wants a log says which."""
    if options.get("Enabled") and not (options.get("LogGroupName") and options.get("LogStreamName")):
        raise invalid("CloudWatchLoggingOptions must have LogGroupName and LogStreamName when they are enabled.")


def hints_of(config: Config, default: Sequence[int] = (5, 300)) -> Hints:
    """When a buffer is full or due."""
    hints = config.get("BufferingHints") or {}
    return Hints(hints.get("SizeInMBs", default[0]) * MIB, hints.get("IntervalInSeconds", default[1]))


def bucket_of(config: Config) -> str:
    """Name of the bucket."""
    return config["BucketARN"].rpartition(":")[2]


def extension_of(config: Config) -> str:
    """What names of its objects end with."""
    return config.get("FileExtension") or EXTENSIONS.get(config["CompressionFormat"], "")


def compression_of(config: Config) -> str | None:
    """As `formats.compression` calls it."""
    return None if config["CompressionFormat"] == "UNCOMPRESSED" else config["CompressionFormat"]


def zone_of(name: str | None) -> datetime.tzinfo:
    """A time zone by its name. Raises ServiceError."""
    if not name:
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(f"CustomTimeZone {name!r} is no time zone.") from None
