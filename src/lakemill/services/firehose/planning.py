"""From a stream's document to what its worker does."""

from typing import Any

from lakemill.engines.delivery import BucketSink, Channel, Plan, delivery_prefix, error_prefix, plain
from lakemill.engines.delivery.plan import BACKUP, DESTINATION
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.ports.clock import Clock
from lakemill.services.firehose import s3
from lakemill.services.firehose.access import RoleAccess
from lakemill.services.firehose.failures import FailureLines
from lakemill.services.firehose.faultlog import FaultLog

Config = dict[str, Any]


def arn_of(scope: str, name: str) -> str:
    """A delivery stream's ARN."""
    account, region = scope.split("/")
    return f"arn:aws:firehose:{region}:{account}:deliverystream/{name}"


class Planning:
    """Makes plans; an engine's Planner."""

    def __init__(self, objects: Objects, loglines: LogLines, access: RoleAccess, clock: Clock) -> None:
        self._objects, self._loglines, self._access, self._clock = objects, loglines, access, clock

    def __call__(self, document: dict[str, Any]) -> Plan:
        stream = _Stream(self, document)
        config = document["destination"]["config"]
        return Plan(
            destination=Channel(s3.hints_of(config), stream.bucket(config)),
            errors=Channel(s3.hints_of(config), stream.errors(config)),
            backup=stream.backup(config),
            failed=FailureLines(lambda: int(self._clock.time() * 1000)),
            say=stream.faults(config, config["BucketARN"]).say,
        )


class _Stream:
    """One stream while its plan is made."""

    def __init__(self, planning: Planning, document: dict[str, Any]) -> None:
        self._planning, self.document = planning, document
        self.scope: str = document["scope"]
        self.region = self.scope.split("/")[1]
        self.arn = arn_of(self.scope, document["name"])
        self.label = f"{document['name']}-{document['version']}"

    def bucket(self, config: Config, **options: Any) -> BucketSink:
        """A sink for what is delivered (or backed up)."""
        return self._sink(config, delivery_prefix(config.get("Prefix")), s3.extension_of(config), **options)

    def errors(self, config: Config) -> BucketSink:
        """A sink for what could not be delivered."""
        prefix = error_prefix(config.get("ErrorOutputPrefix"), config.get("Prefix"))
        return self._sink(config, prefix, s3.EXTENSIONS.get(config["CompressionFormat"], ""))

    def backup(self, config: Config) -> Channel | None:
        """A channel for records as they came, if they are to be kept."""
        if config["S3BackupMode"] != "Enabled":
            return None
        place = config["S3BackupConfiguration"]
        return Channel(s3.hints_of(place), self.bucket(place))

    def _sink(self, config: Config, prefix: Any, extension: str, **options: Any) -> BucketSink:
        access, role = self._planning._access, config["RoleARN"]
        return BucketSink(
            self._planning._objects,
            s3.bucket_of(config),
            prefix,
            self.label,
            extension=extension,
            zone=s3.zone_of(config.get("CustomTimeZone")),
            refusal=lambda bucket, key: access.may_write(role, self.region, bucket, key),
            missing="S3.NoSuchBucket",
            **{"encode": plain(s3.compression_of(config))} | options,
        )

    def faults(self, config: Config, destination: str) -> FaultLog:
        """Where its faults are written."""
        places = {DESTINATION: (config["CloudWatchLoggingOptions"], destination)}
        if backup := config.get("S3BackupConfiguration"):
            places[BACKUP] = backup["CloudWatchLoggingOptions"], backup["BucketARN"]
        role, access = config["RoleARN"], self._planning._access
        return FaultLog(
            self._planning._loglines,
            self._planning._clock,
            self.scope,
            self.arn,
            self.document["version"],
            places,
            lambda action, resource: access.refusal(role, self.region, action, resource),
        )
