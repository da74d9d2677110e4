"""The S3 destination: what its configuration must say."""

from typing import Any

from lakemill.engines.delivery import Prefix
from lakemill.engines.delivery.prefixes import FUNCTION, QUERY
from lakemill.services.firehose import conversion, processors, s3
from lakemill.services.firehose.errors import invalid

Config = dict[str, Any]
PARTITION_MB_MIN = 64
PARTITION_RETRY_S = 300


def partitioned(config: Config) -> bool:
    """Whether it is partitioned dynamically."""
    return bool(config.get("DynamicPartitioningConfiguration", {}).get("Enabled"))


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    converts, divides = conversion.enabled(config), partitioned(config)
    size = 128 if converts else PARTITION_MB_MIN if divides else 5
    own = {"BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": 300}, "S3BackupMode": "Disabled"}
    whole = s3.complete(own | config, partitioned=divides)
    s3.zone_of(whole.get("CustomTimeZone"))
    processors.validate(whole, partitioned=divides)
    if converts:
        conversion.validate(whole)
    if divides:
        _check_partitioning(whole)
    return complete_backup(whole)


def _check_partitioning(config: Config) -> None:
    prefix = Prefix(config.get("Prefix") or "")
    wanted, work = {space: prefix.keys(space) for space in (QUERY, FUNCTION)}, processors.active(config)
    if not wanted[QUERY] and not wanted[FUNCTION]:
        raise invalid("Prefix must use partition keys when DynamicPartitioningConfiguration is enabled.")
    if not config.get("ErrorOutputPrefix"):
        raise invalid("ErrorOutputPrefix must be given when DynamicPartitioningConfiguration is enabled.")
    if config["BufferingHints"].get("SizeInMBs", PARTITION_MB_MIN) < PARTITION_MB_MIN:
        raise invalid(
            f"BufferingHints.SizeInMBs must be at least {PARTITION_MB_MIN} "
            "when DynamicPartitioningConfiguration is enabled."
        )
    if wanted[QUERY] and "MetadataExtraction" not in work:
        raise invalid("Prefix uses partitionKeyFromQuery, but there is no processor MetadataExtraction.")
    if wanted[FUNCTION] and "Lambda" not in work:
        raise invalid("Prefix uses partitionKeyFromLambda, but there is no processor Lambda.")


def complete_backup(config: Config) -> Config:
    """With a backup there must be a place for it."""
    if "S3BackupConfiguration" in config:
        config = config | {"S3BackupConfiguration": s3.complete(config["S3BackupConfiguration"])}
    elif config["S3BackupMode"] == "Enabled":
        raise invalid("S3BackupConfiguration must be given when S3BackupMode is Enabled.")
    return config


def check_update(present: Config, whole: Config) -> None:
    """What an update must not do. Raises ServiceError."""
    if present["S3BackupMode"] == "Enabled" and whole["S3BackupMode"] == "Disabled":
        raise invalid("S3BackupMode cannot be disabled once it is enabled.")
    if partitioned(present) != partitioned(whole):
        raise invalid("Dynamic partitioning can be enabled only when a Firehose is created, and never disabled.")
