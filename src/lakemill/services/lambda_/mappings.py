"""Event source mappings: functions that read Kinesis streams.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, services-kinesis-batchfailurereporting.html.
"""

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lakemill.engines.functions import Functions, split
from lakemill.engines.functions.lane import FOREVER
from lakemill.engines.functions.mappings import Mappings
from lakemill.engines.identity import RoleRefused, RoleRights
from lakemill.engines.resources import ResourceMissing, by_name, page
from lakemill.engines.streams import ChangeRefused, Stream, StreamRecord, Streams
from lakemill.services.base import Call, operation
from lakemill.services.lambda_.functions import paged
from lakemill.services.lambda_.names import fault, function_arn, invalid, refused
from lakemill.services.streamaccess import key_refusal, stream_refusal

PAGE = 100
BATCH_RECORDS = 100
READS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards")
"""What a function's role must be allowed."""

_STREAM = re.compile(r"arn:aws[a-z-]*:kinesis:([a-z0-9-]+):(\d{12}):stream/([a-zA-Z0-9_.-]+)")

LATER = {
    "FilterCriteria": "filters are not provided yet",
    "KMSKeyArn": "it is for filters, which are not provided yet",
    "MetricsConfig": "there are no metrics",
    "LoggingConfig": "it is for Kafka",
    "ScalingConfig": "it is for queues",
    "DestinationConfig": "there are no destinations; batches that are given up are in the function's log",
    "TumblingWindowInSeconds": "windows are not provided yet",
    "SourceAccessConfigurations": "only Kinesis streams are read",
    "AmazonManagedKafkaEventSourceConfig": "only Kinesis streams are read",
    "SelfManagedKafkaEventSourceConfig": "only Kinesis streams are read",
    "DocumentDBEventSourceConfig": "only Kinesis streams are read",
    "ProvisionedPollerConfig": "only Kinesis streams are read",
}
OTHERS = {
    "Topics": "only Kinesis streams are read",
    "Queues": "only Kinesis streams are read",
    "SelfManagedEventSource": "only Kinesis streams are read",
}


class MappingOperations:
    """Mixin. Needs self.mappings, self.functions, self.streams, self.identity, self.objection."""

    mappings: Mappings
    functions: Functions
    streams: Streams

    @operation("CreateEventSourceMapping", refuses=LATER | OTHERS)
    async def create_event_source_mapping(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = split(f"{call.account}/{call.region}", request["FunctionName"])
        self.functions.find(scope, name, qualifier)
        source = request.get("EventSourceArn", "")
        stream = self._stream(source)
        if "StartingPosition" not in request:
            raise invalid("StartingPosition must be specified for Kinesis event sources.")
        kind, at = request["StartingPosition"], request.get("StartingPositionTimestamp")
        if (kind == "AT_TIMESTAMP") != (at is not None):
            raise invalid("StartingPositionTimestamp must be specified with AT_TIMESTAMP, and only with it.")
        for one in self.mappings.all(scope):
            if one["source"] == source and one["function"] == [scope, name, qualifier]:
                raise fault(
                    "ResourceConflictException",
                    f'The event source arn (" {source} ") and function (" {name} ") provided mapping already exists. '
                    f"Please update or delete the existing mapping with UUID {one['name']}",
                )
        rules = {"batch": BATCH_RECORDS, "window_s": 0, "retries": FOREVER, "age_s": FOREVER}
        fields = {
            "function": [scope, name, qualifier],
            "source": source,
            "rules": rules | _rules(request),
            "enabled": request.get("Enabled", True),
            "configured": self.functions.resources.clock.now(),
            "begin": [kind, at],
        }
        self._check_access(fields)
        time_ms = None if at is None else int(at.timestamp() * 1000)
        try:
            made = await self.mappings.create(
                scope, str(uuid.uuid4()), stream, kind, time_ms, fields, request.get("Tags")
            )
        except ChangeRefused as error:
            raise invalid(str(error)) from None
        return shown(made)

    @operation("GetEventSourceMapping")
    def get_event_source_mapping(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return shown(self._mapping(call, request))

    @operation("ListEventSourceMappings")
    def list_event_source_mappings(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = f"{call.account}/{call.region}"
        source, wanted = request.get("EventSourceArn"), None
        if "FunctionName" in request:
            place, name, qualifier = split(scope, request["FunctionName"])
            self.functions.document(place, name)
            wanted = [place, name, qualifier]
        found = [
            {"name": one["name"], "shown": shown(one)}
            for one in self.mappings.all(scope)
            if source in (None, one["source"]) and (wanted is None or wanted == one["function"])
        ]
        limit = min(request.get("MaxItems", PAGE), PAGE)
        return paged(page(found, by_name, limit=limit, token=request.get("Marker")), "EventSourceMappings")

    @operation("UpdateEventSourceMapping", refuses=LATER)
    async def update_event_source_mapping(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        before = self._mapping(call, request)
        fields: dict[str, Any] = {
            "rules": before["rules"] | _rules(request),
            "enabled": request.get("Enabled", before["enabled"]),
            "configured": self.functions.resources.clock.now(),
        }
        if "FunctionName" in request:
            scope, name, qualifier = split(before["scope"], request["FunctionName"])
            self.functions.find(scope, name, qualifier)
            fields["function"] = [scope, name, qualifier]
        self._check_access(before | fields)
        return shown(await self.mappings.update(before["scope"], before["name"], fields))

    @operation("DeleteEventSourceMapping")
    async def delete_event_source_mapping(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self._mapping(call, request)
        return shown(await self.mappings.delete(found["scope"], found["name"])) | {"State": "Deleting"}

    def _mapping(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.mappings.get(f"{call.account}/{call.region}", request["UUID"])
        except ResourceMissing:
            raise fault("ResourceNotFoundException", "The resource you requested does not exist.") from None

    def _stream(self, source: str) -> Stream:
        if "/consumer/" in source:
            raise refused("A consumer's ARN", "a mapping reads the stream itself")
        match = _STREAM.fullmatch(source)
        if match is None:
            raise refused(f"EventSourceArn {source!r}", "only Kinesis streams are read")
        stream = self.streams.find(f"{match[2]}/{match[1]}", match[3])
        if stream is None:
            raise invalid(f"Stream not found: {source}")
        return stream

    def _check_access(self, mapping: dict[str, Any]) -> None:
        objection = self.objection(mapping)
        if objection is not None:
            raise invalid(objection)

    def objection(self, mapping: dict[str, Any]) -> str | None:
        raise NotImplementedError


def _rules(request: Mapping[str, Any]) -> dict[str, Any]:
    """The rules a request sets. Raises a ServiceError."""
    if request.get("ParallelizationFactor", 1) != 1:
        raise refused("ParallelizationFactor", "a shard's batches are processed one after the other")
    rules: dict[str, Any] = {
        field: request[member]
        for member, field in (
            ("BatchSize", "batch"),
            ("MaximumBatchingWindowInSeconds", "window_s"),
            ("MaximumRetryAttempts", "retries"),
            ("MaximumRecordAgeInSeconds", "age_s"),
            ("BisectBatchOnFunctionError", "bisect"),
        )
        if member in request
    }
    if 0 <= rules.get("age_s", FOREVER) < 60:
        raise invalid("MaximumRecordAgeInSeconds must be -1, or between 60 and 604800.")
    if "FunctionResponseTypes" in request:
        rules["partial"] = "ReportBatchItemFailures" in request["FunctionResponseTypes"]
    return rules


def mapping_arn(mapping: Mapping[str, Any]) -> str:
    account, _, region = mapping["scope"].partition("/")
    return f"arn:aws:lambda:{region}:{account}:event-source-mapping:{mapping['name']}"


def shown(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """EventSourceMappingConfiguration."""
    rules = mapping["rules"]
    kind, at = mapping["begin"]
    scope, name, qualifier = mapping["function"]
    return {
        "UUID": mapping["name"],
        "StartingPosition": kind,
        **({"StartingPositionTimestamp": at} if at is not None else {}),
        "BatchSize": rules["batch"],
        "MaximumBatchingWindowInSeconds": rules["window_s"],
        "ParallelizationFactor": 1,
        "EventSourceArn": mapping["source"],
        "FunctionArn": function_arn(scope, name, qualifier),
        "LastModified": mapping["configured"],
        "LastProcessingResult": mapping["result"],
        "State": "Enabled" if mapping["enabled"] else "Disabled",
        "StateTransitionReason": "User action",
        "MaximumRecordAgeInSeconds": rules["age_s"],
        "BisectBatchOnFunctionError": rules.get("bisect", False),
        "MaximumRetryAttempts": rules["retries"],
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if rules.get("partial") else [],
        "EventSourceMappingArn": mapping_arn(mapping),
    }


def kinesis_event(functions: Functions, mapping: Mapping[str, Any], records: Sequence[StreamRecord]) -> bytes:
    """The event for some records of a stream."""
    source = mapping["source"]
    scope, name, qualifier = mapping["function"]
    role = functions.find(scope, name, qualifier).role
    region = source.split(":")[3]
    listed = [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.partition_key,
                "sequenceNumber": str(record.sequence_number),
                "data": base64.b64encode(record.data).decode(),
                "approximateArrivalTimestamp": record.arrival_ms / 1000,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{record.shard_id}:{record.sequence_number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": region,
            "eventSourceARN": source,
        }
        for record in records
    ]
    return msgspec.json.encode({"Records": listed})


def objection(functions: Functions, streams: Streams, rights: RoleRights, mapping: Mapping[str, Any]) -> str | None:
    """Why the function's role may not read the stream, or open its records; None if it may."""
    scope, name, qualifier = mapping["function"]
    source = mapping["source"]
    region, role = source.split(":")[3], functions.find(scope, name, qualifier).role
    try:
        rights.taken(role)
    except RoleRefused as error:
        return str(error)
    for read in READS:
        if stream_refusal(rights, streams, role, region, read, source) is not None:
            return (
                f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                "DescribeStream, ListShards, and ListStreams Actions on your stream in IAM."
            )
    return key_refusal(rights, streams, role, region, "GetRecords", source)
