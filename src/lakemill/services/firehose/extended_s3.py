"""The S3 destination: what its configuration must say."""

from typing import Any

from lakemill.services.firehose import s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
PLAIN_MEMBERS = s3.MEMBERS


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    for member in ("ProcessingConfiguration", "DataFormatConversionConfiguration", "DynamicPartitioningConfiguration"):
        if config.get(member, {}).get("Enabled"):
            raise refused(f"{member}.Enabled=true", "lakemill does not provide it yet")
    whole = {"S3BackupMode": "Disabled"} | s3.complete(config)
    s3.zone_of(whole.get("CustomTimeZone"))
    return complete_backup(whole)


def complete_backup(config: Config) -> Config:
    """With a backup there must be a place for it."""
    if "S3BackupConfiguration" in config:
        config = config | {"S3BackupConfiguration": s3.complete(config["S3BackupConfiguration"])}
    elif config["S3BackupMode"] == "Enabled":
        raise invalid("S3BackupConfiguration must be given when S3BackupMode is Enabled.")
    return config
