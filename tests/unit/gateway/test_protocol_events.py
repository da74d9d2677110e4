"""Event streams: frames bit by bit, and whole streams as botocore reads them."""

import datetime
import uuid

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.parsers import create_parser

from lakemill.gateway import eventstream, models, protocols
from lakemill.services.base import BodyReader, HttpRequest, ServiceError


class Raw:
    """The response body as botocore's EventStream wants it."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def stream(self):
        for at in range(0, len(self._data), self._size):
            yield self._data[at : at + self._size]

    def close(self):
        pass


async def given(events):
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


async def answered(protocol, client: str, name: str, output: dict) -> tuple[protocols.WireResponse, bytes]:
    answer = protocol.encode(models.operation_model(client, name), output, "request-1")
    return answer, b"".join([piece async for piece in answer.body])


def read(protocol: str, client: str, name: str, data: bytes, size: int = 7) -> EventStream:
    operation = models.operation_model(client, name)
    shape = operation.get_event_stream_output()
    return EventStream(Raw(data, size), shape, create_parser(protocol)._event_stream_parser, name)


@pytest.mark.parametrize("size", [1, 5, 100_000])
async def test_s3_select_events_arrive_however_the_bytes_are_cut(size):
    events = [
        {"Records": {"Payload": b"a,b\n1,2\n"}},
        {"Cont": {}},
        {"Progress": {"Details": {"BytesScanned": 8, "BytesProcessed": 8, "BytesReturned": 4}}},
        {"Stats": {"Details": {"BytesScanned": 10, "BytesProcessed": 10, "BytesReturned": 8}}},
        {"End": {}},
    ]
    answer, data = await answered(protocols.S3_XML, "s3", "SelectObjectContent", {"Payload": given(events)})
    assert dict(answer.headers)["content-type"] == "application/vnd.amazon.eventstream"
    assert list(read("rest-xml", "s3", "SelectObjectContent", data, size)) == events


async def test_an_rpc_stream_begins_with_an_initial_response():
    at = datetime.datetime(2024, 5, 6, 7, 8, 9, 500_000, datetime.UTC)
    record = {"SequenceNumber": "1", "ApproximateArrivalTimestamp": at, "Data": b"\x00\xff", "PartitionKey": "k"}
    event = {"SubscribeToShardEvent": {"Records": [record], "ContinuationSequenceNumber": "1", "MillisBehindLatest": 0}}
    _, data = await answered(protocols.JSON_1_1, "kinesis", "SubscribeToShard", {"EventStream": given([event])})
    stream = read("json", "kinesis", "SubscribeToShard", data)
    assert stream.get_initial_response().payload == b"{}"
    assert list(stream) == [event]


async def test_the_older_cbor_streams_in_cbor():
    event = {"SubscribeToShardEvent": {"Records": [], "ContinuationSequenceNumber": "1", "MillisBehindLatest": 0}}
    _, data = await answered(protocols.AMZ_CBOR, "kinesis", "SubscribeToShard", {"EventStream": given([event])})
    frames = list(eventstream.Decoder().feed(data))
    assert [frame.headers[":event-type"] for frame in frames] == ["initial-response", "SubscribeToShardEvent"]
    assert frames[1].headers[":content-type"] == "application/x-amz-cbor-1.1"
    assert frames[0].payload == b"\xa0"


async def test_lambda_streams_blobs_and_a_last_word():
    events = [{"PayloadChunk": {"Payload": b"part"}}, {"InvokeComplete": {"ErrorCode": "Unhandled"}}]
    output = {"StatusCode": 200, "ExecutedVersion": "3", "EventStream": given(events)}
    answer, data = await answered(protocols.REST_JSON, "lambda", "InvokeWithResponseStream", output)
    assert dict(answer.headers)["x-amz-executed-version"] == "3"
    assert list(read("rest-json", "lambda", "InvokeWithResponseStream", data)) == events


async def test_an_error_underway_is_an_exception_frame_with_its_fields():
    broken = ServiceError(
        "ModelStreamError", "The model went away.", fields={"ErrorCode": "ModelInvocationTimeExceeded"}
    )
    events = given([{"PayloadPart": {"Bytes": b"first"}}, broken])
    name = "InvokeEndpointWithResponseStream"
    _, data = await answered(protocols.REST_JSON, "sagemaker-runtime", name, {"Body": events})
    stream = iter(read("rest-json", "sagemaker-runtime", name, data))
    assert next(stream) == {"PayloadPart": {"Bytes": b"first"}}
    with pytest.raises(EventStreamError) as caught:
        next(stream)
    assert caught.value.response["Error"] == {"Code": "ModelStreamError", "Message": "The model went away."}
    frames = list(eventstream.Decoder().feed(data))
    assert frames[-1].payload == b'{"Message":"The model went away.","ErrorCode":"ModelInvocationTimeExceeded"}'


async def test_an_error_the_stream_does_not_model_is_an_error_frame():
    events = given([ServiceError("InternalFailure", "Something broke.")])
    _, data = await answered(protocols.S3_XML, "s3", "SelectObjectContent", {"Payload": events})
    with pytest.raises(EventStreamError) as caught:
        list(read("rest-xml", "s3", "SelectObjectContent", data))
    assert caught.value.response["Error"] == {"Code": "InternalFailure", "Message": "Something broke."}


def conversation(data: bytes):
    async def pieces():
        for at in range(0, len(data), 10):
            yield data[at : at + 10]

    operation = models.operation_model("lexv2-runtime", "StartConversation")
    path = b"/bots/ABCDEFGHIJ/botAliases/TSTALIASID/botLocales/en_US/sessions/s-1/conversation"
    http = HttpRequest("POST", path, b"", [("x-amz-lex-conversation-mode", "TEXT")], "http", "", None)
    return protocols.REST_JSON.decode(operation, http, BodyReader(pieces(), None))


async def test_a_request_stream_is_read_signed_or_not():
    about = {":message-type": "event", ":event-type": "AudioInputEvent", ":content-type": "application/json"}
    plain = eventstream.encode(about, b'{"audioChunk":"AAE=","contentType":"audio/l16"}')
    signature = {":chunk-signature": b"\x01" * 32, ":date": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)}
    data = plain + eventstream.encode(signature, plain) + eventstream.encode(signature, b"")
    request = conversation(data)
    assert request["botId"] == "ABCDEFGHIJ"
    assert request["conversationMode"] == "TEXT"
    event = {"AudioInputEvent": {"audioChunk": b"\x00\x01", "contentType": "audio/l16"}}
    assert [event async for event in request["requestEventStream"]] == [event, event]


async def test_a_request_stream_that_breaks_off_is_refused():
    data = eventstream.encode({":event-type": "AudioInputEvent"}, b"{}")[:-3]
    with pytest.raises(ServiceError) as caught:
        [event async for event in conversation(data)["requestEventStream"]]
    assert caught.value.code == "ValidationException"
    assert "within a frame" in caught.value.message


def test_headers_of_every_type_survive():
    headers = {
        "true": True,
        "false": False,
        "int": -5,
        "long": 1 << 40,
        "bytes": b"\x00\x01",
        "text": "é",
        "time": datetime.datetime(2024, 1, 1, 0, 0, 0, 250_000, datetime.UTC),
        "uuid": uuid.UUID(int=7),
    }
    (frame,) = eventstream.Decoder().feed(eventstream.encode(headers, b"payload"))
    assert frame == eventstream.Frame(headers, b"payload")


@pytest.mark.parametrize("at", range(len(eventstream.encode({"a": "b"}, b"xyz"))))
def test_a_flipped_bit_anywhere_is_noticed(at):
    data = bytearray(eventstream.encode({"a": "b"}, b"xyz"))
    data[at] ^= 1
    decoder = eventstream.Decoder()
    with pytest.raises(eventstream.FrameBroken):
        list(decoder.feed(bytes(data)))
        decoder.end()


def test_a_header_that_cannot_be_carried_says_so():
    with pytest.raises(TypeError, match="float"):
        eventstream.encode({"x": 1.5})
