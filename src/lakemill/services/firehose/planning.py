"""From a stream's document to what its worker does."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.engines.delivery import (
    BucketSink,
    Channel,
    Hints,
    Plan,
    Prefix,
    Sink,
    delivery_prefix,
    error_prefix,
    plain,
)
from lakemill.engines.delivery.plan import BACKUP, DESTINATION, ERRORS, PROCESSING_FAILED
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.prefixes import FUNCTION, QUERY
from lakemill.engines.delivery.web import WebClient
from lakemill.engines.functions import Functions
from lakemill.engines.keys import Keys
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.streams import StreamMissing, Streams
from lakemill.engines.warehouses import Warehouses
from lakemill.ports.clock import Clock
from lakemill.services.firehose import conversion, extended_s3, http_endpoint, processors, redshift, s3, search, splunk
from lakemill.services.firehose.access import RoleAccess
from lakemill.services.firehose.failures import CONVERSION, Details, FailureLines
from lakemill.services.firehose.faultlog import FaultLog
from lakemill.services.firehose.processing import Processing, Step
from lakemill.services.firehose.transformation import Transformation
from lakemill.services.streamaccess import role_refusal

Config = dict[str, Any]
OVERFLOW = "DynamicPartitioning.ActivePartitionLimitExceeded", "There are too many active partitions"


def arn_of(scope: str, name: str) -> str:
    """A delivery stream's ARN."""
    account, region = scope.split("/")
    return f"arn:aws:firehose:{region}:{account}:deliverystream/{name}"


@dataclasses.dataclass(frozen=True)
class Means:
    """What plans are made with."""

    objects: Objects
    loglines: LogLines
    access: RoleAccess
    clock: Clock
    functions: Functions
    streams: Streams
    keys: Keys
    web: WebClient
    pool: WorkerPool
    catalog: Catalog
    warehouses: Warehouses

    def now_ms(self) -> int:
        """The time."""
        return int(self.clock.time() * 1000)


class Planning:
    """Makes plans; an engine's Planner."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def __call__(self, document: dict[str, Any]) -> Plan:
        return _Stream(self._means, document).plan()


class _Stream:
    """One stream while its plan is made."""

    def __init__(self, means: Means, document: dict[str, Any]) -> None:
        self._means, self._document = means, document
        self._scope: str = document["scope"]
        self._region = self._scope.split("/")[1]
        self._arn = arn_of(self._scope, document["name"])
        self._source: Config | None = document.get("kinesis")
        self._label = f"{document['name']}-{document['version']}"
        self._kind: str = document["destination"]["kind"]
        self._config: Config = document["destination"]["config"]

    def plan(self) -> Plan:
        """The plan."""
        hints, sink, details, names = self._s3() if self._kind == "ExtendedS3" else self._elsewhere()
        place = self._config if self._kind == "ExtendedS3" else self._config["S3Configuration"]
        process, gather = self._processing(hints)
        backup = self._backup()
        active = processors.active(self._config)
        return Plan(
            destination=Channel(hints, sink),
            errors=Channel(s3.hints_of(place), self._errors(place)),
            backup=backup,
            failed=FailureLines(self._means.now_ms, details),
            say=self._faults(place, names).say,
            process=process,
            gather=gather,
            elsewhere=conversion.enabled(self._config) and process is None and backup is None,
            keys="Lambda" in active,  # Only functions are told them.
            stable=processors.stable(active),
            overflow=OVERFLOW,
            unreadable=self._unreadable,
            source_code=lambda fault: f"Kinesis.{'NotFound' if isinstance(fault, StreamMissing) else 'AccessDenied'}",
        )

    # Where records go

    def _s3(self) -> tuple[Hints, Sink, dict[str, Details], str]:
        config = self._config
        options: Config = {}
        details: dict[str, Details] = {}
        extension = s3.extension_of(config)
        if conversion.enabled(config):
            wanted = config["DataFormatConversionConfiguration"]
            place = wanted["SchemaConfiguration"]
            schema = conversion.Schema(self._means.catalog, self._means.access, self._scope, place)
            options = {"encode": conversion.encoding(self._means.pool, schema, wanted), "error": CONVERSION}
            details[CONVERSION] = lambda record: {"dataCatalogTable": schema.described}
            extension = config.get("FileExtension") or conversion.extension(wanted)
        partitioned = extended_s3.partitioned(config)
        if partitioned and "error" not in options:
            retry = config["DynamicPartitioningConfiguration"].get("RetryOptions", {})
            seconds = retry.get("DurationInSeconds", extended_s3.PARTITION_RETRY_S)
            options |= {"retry_s": float(seconds), "error": PROCESSING_FAILED}
        prefix = delivery_prefix(config.get("Prefix"), partitioned=partitioned)
        return s3.hints_of(config), self._bucket(config, prefix, extension, **options), details, config["BucketARN"]

    def _elsewhere(self) -> tuple[Hints, Sink, dict[str, Details], str]:
        config, means = self._config, self._means
        if self._kind == "HttpEndpoint":
            url = config["EndpointConfiguration"]["Url"]
            endpoint = http_endpoint.HttpEndpoint(means.web, self._arn, config, means.now_ms)
            return http_endpoint.hints(config), endpoint, {http_endpoint.FAILED: http_endpoint.details}, url
        if self._kind == "Redshift":
            return self._redshift()
        if self._kind == "Splunk":
            sink = splunk.Splunk(means.web, config, means.clock.time)
            return splunk.hints(config), sink, {splunk.FAILED: splunk.details}, config["HECEndpoint"]
        cluster = search.Search(means.web, int(self._document["id"].rpartition("-")[2][:12], 16), config)
        return search.hints(config), cluster, {cluster.error: cluster.details}, config["ClusterEndpoint"]

    def _redshift(self) -> tuple[Hints, Sink, dict[str, Details], str]:
        config, means = self._config, self._means
        place, role = config["S3Configuration"], config["RoleARN"]
        sink = redshift.Redshift(
            self._bucket(place, delivery_prefix(place.get("Prefix")), s3.extension_of(place)),
            means.objects,
            means.warehouses,
            lambda: means.access.keys(role),
            config,
            means.clock.time,
        )
        return s3.hints_of(place), sink, {}, config["ClusterJDBCURL"]

    def _backup(self) -> Channel | None:
        """A channel for records as they came, if they are to be kept."""
        mode = self._config["S3BackupMode"]
        if mode == "Enabled":
            place = self._config["S3BackupConfiguration"]
        elif mode in (http_endpoint.ALL, splunk.ALL, search.ALL):
            place = self._config["S3Configuration"]
        else:
            return None
        sink = self._bucket(place, delivery_prefix(place.get("Prefix")), s3.extension_of(place))
        return Channel(s3.hints_of(place), sink)

    def _errors(self, config: Config) -> BucketSink:
        """A sink for what could not be delivered."""
        prefix = error_prefix(config.get("ErrorOutputPrefix"), config.get("Prefix"))
        return self._bucket(config, prefix, s3.EXTENSIONS.get(config["CompressionFormat"], ""))

    def _bucket(self, config: Config, prefix: Prefix, extension: str, **options: Any) -> BucketSink:
        access, role = self._means.access, config["RoleARN"]
        return BucketSink(
            self._means.objects,
            s3.bucket_of(config),
            prefix,
            self._label,
            extension=extension,
            zone=s3.zone_of(config.get("CustomTimeZone")),
            refusal=lambda bucket, key: access.may_write(role, self._region, bucket, key),
            missing="S3.NoSuchBucket",
            **{"encode": plain(s3.compression_of(config))} | options,
        )

    # What happens to them before

    def _processing(self, hints: Hints) -> tuple[Processing | None, Hints | None]:
        work = processors.active(self._config)
        prefix = Prefix(self._config["Prefix"]) if extended_s3.partitioned(self._config) else None
        if not work and prefix is None:
            return None, None
        names: Sequence[str] = prefix.keys(QUERY) if prefix is not None else ()
        given: Sequence[str] = prefix.keys(FUNCTION) if prefix is not None else ()
        steps = processors.steps(
            self._config, self._means.pool, names, lambda parameters: self._transformation(parameters, given)
        )
        gather = None
        if "Lambda" in work:
            size = 0.25 if self._kind == "Splunk" else 1.0
            gather = processors.gathering(work["Lambda"], hints.interval_s, size)
        return Processing(steps, prefix), gather

    def _transformation(self, parameters: dict[str, str], names: Sequence[str]) -> Step:
        arn = parameters["LambdaArn"]
        role = parameters.get("RoleArn") or self._config.get("RoleARN") or self._config["S3Configuration"]["RoleARN"]
        return Transformation(
            self._means.functions,
            self._scope,
            arn,
            self._arn,
            names=names,
            source_arn=self._source["KinesisStreamARN"] if self._source else None,
            retries=processors.retries(parameters),
            refusal=lambda: self._means.access.refusal(role, self._region, "lambda:InvokeFunction", arn),
        )

    def _unreadable(self) -> str | None:
        """Why the source may not be read."""
        if self._source is None:
            return None
        role, arn = self._source["RoleARN"], self._source["KinesisStreamARN"]
        return role_refusal(self._means.access, self._means.streams, role, self._region, "GetRecords", arn)

    def _faults(self, place: Config, destination: str) -> FaultLog:
        """Where its faults are written."""
        own = self._config.get("CloudWatchLoggingOptions", {})
        places = {
            DESTINATION: (own, destination),
            ERRORS: (place.get("CloudWatchLoggingOptions", {}), place["BucketARN"]),
        }
        backup = self._config.get("S3BackupConfiguration") or place
        places[BACKUP] = backup.get("CloudWatchLoggingOptions", {}), backup["BucketARN"]
        role, access = self._config.get("RoleARN") or place["RoleARN"], self._means.access
        return FaultLog(
            self._means.loglines,
            self._means.clock,
            self._scope,
            self._arn,
            self._document["version"],
            places,
            lambda action, resource: access.refusal(role, self._region, action, resource),
        )
