"""What a caller must be allowed: the action on the stream's or consumer's ARN, with the policy it carries.

Where records are encrypted, writers also need kms:GenerateDataKey and readers kms:Decrypt on the key.
"""

from typing import Any

from lakemill.engines.streams import Stream, Streams
from lakemill.services.base import Call, Need
from lakemill.services.kinesis import tokens
from lakemill.services.kinesis.naming import Named, arn_of, named, place_of, read_arn, scope_of
from lakemill.services.streamaccess import sealed_need

OF_THE_ACCOUNT = ("ListStreams", "DescribeLimits", "DescribeAccountSettings", "UpdateAccountSettings")
OF_A_RESOURCE = (
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "PutResourcePolicy",
    "GetResourcePolicy",
    "DeleteResourcePolicy",
)
OF_A_CONSUMER = ("SubscribeToShard", "DescribeStreamConsumer", "DeregisterStreamConsumer")
WRITING = ("PutRecord", "PutRecords")
OF_RECORDS = {name: f"kinesis:{name}" for name in (*WRITING, "GetRecords")}
NO_CONTEXT: dict[str, Any] = {}


def needs(streams: Streams, call: Call, request: dict[str, Any]) -> list[Need]:
    """The needs of a call. Raises ServiceError for names that make no sense, and what iterators raise."""
    if call.operation in OF_THE_ACCOUNT:
        return [Need(f"kinesis:{call.operation}")]
    if call.operation in OF_RECORDS:
        return _of_records(streams, call, request)
    about = _about(streams, call, request)
    found = [_need(streams, call.operation, about)]
    if call.operation == "CreateStream" and request.get("Tags"):
        found.append(_need(streams, "AddTagsToStream", about))
    if call.operation == "RegisterStreamConsumer" and request.get("Tags"):
        found.append(_need(streams, "TagResource", about))
    if call.operation == "SubscribeToShard":
        found += _of_sealed(streams, call, streams.find(about.scope, about.stream))
    return found


def _of_records(streams: Streams, call: Call, request: dict[str, Any]) -> list[Need]:
    """What `needs` gives for the calls that come by the thousand."""
    stream: Stream | None
    if call.operation == "GetRecords":
        stream = place_of(call, request["ShardIterator"], streams).stream
        scope, name = stream.scope, stream.name
    else:
        scope, name = named(call, request, streams)
        stream = streams.find(scope, name)
    account = scope.partition("/")[0]
    policy = None if stream is None else stream.policy
    need = Need(OF_RECORDS[call.operation], arn_of(scope, name), NO_CONTEXT, policy, account)
    return [need] if stream is None or stream.key is None else [need, *_of_sealed(streams, call, stream)]


def _of_sealed(streams: Streams, call: Call, stream: Stream | None) -> list[Need]:
    """What a stream's key is needed for; of one that the platform made, its policy lets callers have it used."""
    need = None if stream is None else sealed_need(streams, stream, call.operation, call.account)
    return [] if need is None else [need]


def _about(streams: Streams, call: Call, request: dict[str, Any]) -> Named:
    """The stream or consumer a call is about."""
    if call.operation in OF_A_RESOURCE:
        return read_arn(request["ResourceARN"], call.region)
    if call.operation in OF_A_CONSUMER and "ConsumerARN" in request:
        return read_arn(request["ConsumerARN"], call.region)
    if call.operation == "ListShards" and "NextToken" in request and "StreamARN" not in request:
        token = tokens.read(request["NextToken"], "ListShards", streams.registry.now_ms())
        listed = streams.registry.by_id(token[0])
        if listed is not None:
            return Named(listed.scope, listed.name)
        return Named(scope_of(call), "*")
    about = Named(*named(call, request, streams))
    if call.operation in OF_A_CONSUMER and "ConsumerName" in request:
        stream = streams.find(about.scope, about.stream)
        if stream is not None:
            consumer = streams.consumers.named(stream, request["ConsumerName"])
            return Named(about.scope, about.stream, consumer.name, consumer.born_s)
    return about


def _need(streams: Streams, operation: str, about: Named) -> Need:
    arn, policy = arn_of(about.scope, about.stream), None
    stream = streams.find(about.scope, about.stream)
    if about.consumer:
        arn += f"/consumer/{about.consumer}:{about.born_s}"
        policy = streams.consumers.policy(stream, about.consumer, about.born_s) if stream is not None else None
    elif stream is not None:
        policy = stream.policy
    account = about.scope.partition("/")[0]
    return Need(f"kinesis:{operation}", arn, resource_policy=policy, resource_account=account)
