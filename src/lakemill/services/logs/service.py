"""The operations of CloudWatch Logs that lakemill provides."""

import itertools
from typing import Any, ClassVar

from lakemill.engines.loglines import (
    Event,
    GroupExists,
    GroupMissing,
    LogLines,
    StreamExists,
    StreamMissing,
)
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, Service, ServiceError, operation
from lakemill.services.logs.patterns import PatternError, compile_pattern
from lakemill.services.logs.tokens import name_in, position_in, position_token, token_for

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
BATCH_BYTES_MAX = 1_048_576
BATCH_SPAN_MS_MAX = 24 * 3600 * 1000
EVENT_OVERHEAD_BYTES = 26
FUTURE_MS_MAX = 2 * 3600 * 1000
PAST_MS_MAX = 14 * 24 * 3600 * 1000


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)


def _group_name(request: dict[str, Any]) -> str:
    """The group, given by name or by ARN."""
    name = request.get("logGroupName")
    identifier = request.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        raise _invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")
    return name if name is not None else str(identifier).split(":log-group:", 1)[-1].removesuffix(":*")


class Logs(Service):
    """boto3 client `logs`."""

    name: ClassVar[str] = "logs"
    errors: ClassVar = {
        GroupMissing: "ResourceNotFoundException",
        StreamMissing: "ResourceNotFoundException",
        GroupExists: "ResourceAlreadyExistsException",
        StreamExists: "ResourceAlreadyExistsException",
        PatternError: "InvalidParameterException",
    }

    def __init__(self, loglines: LogLines, clock: Clock) -> None:
        self._lines = loglines
        self._clock = clock

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        name = request.get("logGroupName") or request.get("logGroupIdentifier") or request.get("logGroupNamePrefix")
        group = (name or "*").split(":log-group:", 1)[-1]
        resource = f"log-group:{group}"
        if stream := request.get("logStreamName"):
            resource += f":log-stream:{stream}"
        elif call.operation in ("CreateLogStream", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents"):
            resource += ":*"
        return [Need(f"logs:{call.operation}", request.get("resourceArn") or call.arn(resource))]

    @staticmethod
    def _scope(call: Call) -> str:
        return f"{call.account}/{call.region}"

    # Groups

    @operation("CreateLogGroup", refuses=("kmsKeyId", "deletionProtectionEnabled"))
    async def create_log_group(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("logGroupClass", "STANDARD") != "STANDARD":
            raise _invalid("logGroupClass must be STANDARD; lakemill has no other class of log groups.")
        await self._lines.create_group(self._scope(call), request["logGroupName"], tags=request.get("tags", {}))
        return {}

    @operation("DeleteLogGroup")
    async def delete_log_group(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._lines.delete_group(self._scope(call), request["logGroupName"])
        return {}

    @operation(
        "DescribeLogGroups",
        refuses=("accountIdentifiers", "includeLinkedAccounts", "logGroupClass", "logGroupIdentifiers"),
    )
    def describe_log_groups(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        prefix, pattern = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern")
        if prefix and pattern:
            raise _invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        limit = request.get("limit", 50)
        groups = self._lines.groups(self._scope(call), prefix, name_in(request.get("nextToken")))
        if pattern:
            groups = (group for group in groups if pattern.lower() in group["name"].lower())
        page = list(itertools.islice(groups, limit + 1))
        answer: dict[str, Any] = {"logGroups": [self._describe_group(call, group) for group in page[:limit]]}
        if len(page) > limit:
            answer["nextToken"] = token_for(page[limit - 1]["name"])
        return answer

    def _describe_group(self, call: Call, group: dict[str, Any]) -> dict[str, Any]:
        arn = call.arn(f"log-group:{group['name']}")
        described = {
            "logGroupName": group["name"],
            "creationTime": group["created_ms"],
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "logGroupClass": "STANDARD",
            "metricFilterCount": 0,
        }
        if group.get("retention_days"):
            described["retentionInDays"] = group["retention_days"]
        return described

    @operation("PutRetentionPolicy")
    async def put_retention_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        days = request["retentionInDays"]
        if days not in RETENTION_DAYS:
            raise _invalid(f"retentionInDays must be one of {', '.join(map(str, RETENTION_DAYS))}; got {days}.")
        await self._lines.update_group(self._scope(call), request["logGroupName"], retention_days=days)
        return {}

    @operation("DeleteRetentionPolicy")
    async def delete_retention_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._lines.update_group(self._scope(call), request["logGroupName"], retention_days=None)
        return {}

    # Tags

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set_tags(call, request, lambda tags: tags | request["tags"])
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set_tags(call, request, lambda tags: {k: v for k, v in tags.items() if k not in request["tagKeys"]})
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        group = self._lines.group(self._scope(call), _group_of_arn(request["resourceArn"]))
        return {"tags": group.get("tags", {})}

    async def _set_tags(self, call: Call, request: dict[str, Any], change: Any) -> None:
        name = _group_of_arn(request["resourceArn"])
        tags = change(self._lines.group(self._scope(call), name).get("tags", {}))
        if len(tags) > 50:
            raise ServiceError("TooManyTagsException", "A resource can have no more than 50 tags.")
        await self._lines.update_group(self._scope(call), name, tags=tags)

    # Streams

    @operation("CreateLogStream")
    async def create_log_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._lines.create_stream(self._scope(call), request["logGroupName"], request["logStreamName"])
        return {}

    @operation("DeleteLogStream")
    async def delete_log_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._lines.delete_stream(self._scope(call), request["logGroupName"], request["logStreamName"])
        return {}

    @operation("DescribeLogStreams")
    def describe_log_streams(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        group, prefix = _group_name(request), request.get("logStreamNamePrefix", "")
        by_time = request.get("orderBy", "LogStreamName") == "LastEventTime"
        if by_time and prefix:
            raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        limit, descending = request.get("limit", 50), request.get("descending", False)
        streams = list(self._lines.streams(self._scope(call), group, prefix))
        if by_time:
            streams.sort(key=lambda stream: (stream["last_ms"] or 0, stream["name"]))
        if descending:
            streams.reverse()
        # A token names the last stream seen; CloudWatch gives one ONLY when there are more (clients loop on it).
        seen = name_in(request.get("nextToken"))
        start = next((i + 1 for i, stream in enumerate(streams) if stream["name"] == seen), 0) if seen else 0
        page = streams[start : start + limit]
        answer: dict[str, Any] = {"logStreams": [self._describe_stream(call, group, stream) for stream in page]}
        if start + limit < len(streams):
            answer["nextToken"] = token_for(page[-1]["name"])
        return answer

    def _describe_stream(self, call: Call, group: str, stream: dict[str, Any]) -> dict[str, Any]:
        described = {
            "logStreamName": stream["name"],
            "creationTime": stream["created_ms"],
            "uploadSequenceToken": position_token("f", stream["events"])[2:],
            "arn": call.arn(f"log-group:{group}:log-stream:{stream['name']}"),
            "storedBytes": 0,
        }
        if stream["last_ms"] is not None:
            described["firstEventTimestamp"] = stream["first_ms"]
            described["lastEventTimestamp"] = stream["last_ms"]
            described["lastIngestionTime"] = stream["ingested_ms"]
        return described

    # Events

    @operation("PutLogEvents", refuses=("entity",))
    async def put_log_events(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, group, stream = self._scope(call), request["logGroupName"], request["logStreamName"]
        # A sequenceToken is taken and needs no check: CloudWatch has ignored it since 2023.
        request.get("sequenceToken")
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        _check_batch(events)
        retention_days = self._lines.group(scope, group).get("retention_days")
        kept, rejected = self._within_time(events, retention_days)
        await self._lines.put_existing(scope, group, stream, kept)
        total = self._lines.stream(scope, group, stream)["events"]
        answer: dict[str, Any] = {"nextSequenceToken": position_token("f", total)[2:]}
        if rejected:
            answer["rejectedLogEventsInfo"] = rejected
        return answer

    def _within_time(
        self, events: list[tuple[int, str]], retention_days: int | None
    ) -> tuple[list[tuple[int, str]], dict[str, int]]:
        """Events CloudWatch would keep, and its report about the others (indexes into the batch)."""
        now_ms = int(self._clock.time() * 1000)
        oldest_ms = now_ms - PAST_MS_MAX
        expired_ms = now_ms - retention_days * 24 * 3600 * 1000 if retention_days else 0
        times = [time for time, _ in events]
        expired = sum(time < expired_ms for time in times)
        too_old = sum(time < oldest_ms for time in times)
        too_new = next((i for i, time in enumerate(times) if time > now_ms + FUTURE_MS_MAX), len(times))
        report = {}
        if expired:
            report["expiredLogEventEndIndex"] = expired
        if too_old:
            report["tooOldLogEventEndIndex"] = too_old
        if too_new < len(times):
            report["tooNewLogEventStartIndex"] = too_new
        return events[max(expired, too_old) : too_new], report

    @operation("GetLogEvents", refuses=("unmask",))
    def get_log_events(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        token = request.get("nextToken")
        direction, position = position_in(token) if token else ("", None)
        backward = direction == "b" or (not direction and not request.get("startFromHead", False))
        page = self._lines.read(
            self._scope(call),
            _group_name(request),
            request["logStreamName"],
            position=position,
            backward=backward,
            limit=request.get("limit", 10_000),
            start_ms=request.get("startTime"),
            end_ms=request.get("endTime"),
        )
        return {
            "events": [
                {"timestamp": e.timestamp_ms, "message": e.message, "ingestionTime": e.ingestion_ms}
                for e in page.events
            ],
            "nextForwardToken": position_token("f", page.after),
            "nextBackwardToken": position_token("b", page.before),
        }

    @operation("FilterLogEvents", refuses=("unmask",))
    def filter_log_events(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, group = self._scope(call), _group_name(request)
        request.get("interleaved")  # Always interleaved, as on AWS since 2019.
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        if names and prefix:
            raise _invalid("logStreamNames and logStreamNamePrefix are mutually exclusive.")
        if not names:
            names = [stream["name"] for stream in self._lines.streams(scope, group, prefix or "")]
        matches = compile_pattern(request.get("filterPattern"))
        found = self._lines.search(
            scope, group, names, start_ms=request.get("startTime"), end_ms=request.get("endTime")
        )
        found = [event for event in found if matches(event.message)]
        return _filter_page(found, request.get("limit", 10_000), name_in(request.get("nextToken")))


def _filter_page(found: list[Event], limit: int, seen: str) -> dict[str, Any]:
    """The page after the event whose id is `seen`."""
    ids = [_event_id(event) for event in found]
    start = ids.index(seen) + 1 if seen in ids else 0
    page: list[dict[str, Any]] = []
    size = 0
    for event, event_id in zip(found[start : start + limit], ids[start : start + limit], strict=True):
        size += len(event.message.encode()) + EVENT_OVERHEAD_BYTES
        if page and size > BATCH_BYTES_MAX:
            break
        page.append(
            {
                "logStreamName": event.stream,
                "timestamp": event.timestamp_ms,
                "message": event.message,
                "ingestionTime": event.ingestion_ms,
                "eventId": event_id,
            }
        )
    answer: dict[str, Any] = {"events": page, "searchedLogStreams": []}
    if start + len(page) < len(found):
        answer["nextToken"] = token_for(page[-1]["eventId"])
    return answer


def _event_id(event: Event) -> str:
    """Unique in the group: time, stream and position."""
    return f"{event.timestamp_ms:013d}{event.position:012d}{sum(map(ord, event.stream)):07d}{event.stream[-12:]}"


def _check_batch(events: list[tuple[int, str]]) -> None:
    times = [time for time, _ in events]
    if any(later < earlier for earlier, later in itertools.pairwise(times)):
        raise _invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times and times[-1] - times[0] > BATCH_SPAN_MS_MAX:
        raise _invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    size = sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in events)
    if size > BATCH_BYTES_MAX:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")


def _group_of_arn(arn: str) -> str:
    return arn.split(":log-group:", 1)[-1].removesuffix(":*")
