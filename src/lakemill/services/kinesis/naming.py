"""ARNs of streams and consumers, and which stream a request means.

arn:aws:kinesis:REGION:ACCOUNT:stream/NAME
arn:aws:kinesis:REGION:ACCOUNT:stream/NAME/consumer/CONSUMER:SECONDS
"""

import functools
import re
from typing import Any, NamedTuple

from lakemill.engines.streams import Consumer, IteratorBroken, Stream, StreamMissing, Streams, iterators
from lakemill.services.base import Call, ServiceError
from lakemill.services.kinesis.errors import invalid

_ARN = re.compile(r"arn:[^:]+:kinesis:([^:]*):(\d{12}):stream/([^/\s]+)(?:/consumer/([^/:\s]+):(\d+))?")


class Named(NamedTuple):
    """What an ARN names; consumer and born_s only for one of a consumer."""

    scope: str
    stream: str
    consumer: str = ""
    born_s: int = 0


def stream_arn(stream: Stream) -> str:
    """The ARN of a stream."""
    return arn_of(stream.scope, stream.name)


@functools.lru_cache(maxsize=4096)
def arn_of(scope: str, name: str) -> str:
    """
    >>> arn_of("000000000000/us-east-1", "clicks")
    'arn:aws:kinesis:us-east-1:000000000000:stream/clicks'
    """
    account, _, region = scope.partition("/")
    return f"arn:aws:kinesis:{region}:{account}:stream/{name}"


def consumer_arn(stream: Stream, consumer: Consumer) -> str:
    """The ARN of a consumer."""
    return f"{stream_arn(stream)}/consumer/{consumer.name}:{consumer.born_s}"


def read_arn(arn: str, region: str) -> Named:
    """Raises ServiceError for what is no stream or consumer of this region."""
    found = _ARN.fullmatch(arn)
    if found is None or found[1] != region:
        raise ServiceError("ResourceNotFoundException", f"{arn} is no stream or consumer of {region}.")
    return Named(f"{found[2]}/{found[1]}", found[3], found[4] or "", int(found[5] or 0))


def scope_of(call: Call) -> str:
    """The caller's account and region."""
    return f"{call.account}/{call.region}"


def named(call: Call, request: dict[str, Any], streams: Streams) -> tuple[str, str]:
    """Scope and name of the stream a request names by StreamARN, StreamName or StreamId. Raises ServiceError."""
    name = request.get("StreamName")
    if name is not None and "StreamARN" not in request and "StreamId" not in request:
        return f"{call.account}/{call.region}", name
    if (arn := request.get("StreamARN")) is not None:
        scope, stream, consumer, _ = read_arn(arn, call.region)
        if consumer:
            raise invalid(f"{arn} is a consumer; a stream is asked for.")
        if name is not None and name != stream:
            raise invalid(f"StreamName {name} is not the stream of StreamARN {arn}.")
        name = stream
    else:
        scope = scope_of(call)
    if (stream_id := request.get("StreamId")) is not None:
        found = streams.registry.by_id(stream_id)
        if found is None or found.scope != scope:
            raise ServiceError("ResourceNotFoundException", f"Stream with StreamId {stream_id} not found.")
        if name is not None and name != found.name:
            raise invalid(f"StreamId {stream_id} is not that of stream {name}.")
        name = found.name
    if name is None:
        raise invalid("One of StreamARN, StreamName and StreamId must be given.")
    return scope, name


def place_of(call: Call, iterator: str, streams: Streams) -> iterators.Place:
    """Where an iterator points. Raises IteratorBroken (also for one of another region), IteratorExpired."""
    place = iterators.read(iterator, streams.registry)
    if place.stream.scope.partition("/")[2] != call.region:
        raise IteratorBroken
    return place


def consumer_named(call: Call, request: dict[str, Any], streams: Streams) -> tuple[Stream, Consumer]:
    """The consumer a request names by ConsumerARN, or by its stream and ConsumerName. Raises ServiceError."""
    arn, name = request.get("ConsumerARN"), request.get("ConsumerName")
    if arn is not None:
        scope, stream_name, consumer_name, born_s = read_arn(arn, call.region)
        stream = streams.registry.get(scope, stream_name)
        also = {"StreamARN", "StreamId"} & request.keys()
        if also and named(call, request, streams) != (scope, stream_name):
            raise invalid(f"The consumer {arn} is not one of the stream that was given.")
        if name is not None and name != consumer_name:
            raise invalid(f"ConsumerName {name} is not that of {arn}.")
        return stream, streams.consumers.named(stream, consumer_name, born_s)
    if name is None or "StreamARN" not in request:
        raise invalid("Give ConsumerARN, or StreamARN and ConsumerName.")
    stream = streams.registry.get(*named(call, request, streams))
    return stream, streams.consumers.named(stream, name)


def resource_named(call: Call, request: dict[str, Any], streams: Streams) -> tuple[Stream, Consumer | None]:
    """The stream, or stream and consumer, of a ResourceARN. Raises ServiceError."""
    arn = request["ResourceARN"]
    scope, name, consumer_name, born_s = read_arn(arn, call.region)
    stream = streams.registry.get(scope, name)
    if "StreamId" in request and request["StreamId"] != stream.id:
        raise StreamMissing(scope, name)
    return stream, streams.consumers.named(stream, consumer_name, born_s) if consumer_name else None
