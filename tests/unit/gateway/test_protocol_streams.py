"""Bodies that are not bytes pass through untouched, both ways; and a stream that is left is closed behind."""

from pathlib import Path

from lakemill.gateway import models, protocols
from lakemill.services.base import BodyReader, FileBody, HttpRequest


async def pieces():
    yield b"some "
    yield b"bytes"


def put(**headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest("PUT", b"/b/k", b"", named, "http", "", None)


async def test_a_streamed_body_is_handed_on_as_it_is():
    body = BodyReader(pieces(), 10)
    request = protocols.S3_XML.decode(models.operation_model("s3", "PutObject"), put(content_type="a/b"), body)
    assert request == {"Bucket": "b", "Key": "k", "ContentType": "a/b", "Body": body}
    assert await request["Body"].read() == b"some bytes"


def test_a_range_of_a_file_is_sent_as_it_is():
    body = FileBody(Path("/nowhere"), 3, 5)
    operation = models.operation_model("s3", "GetObject")
    answer = protocols.S3_XML.encode(operation, {"Body": body, "ContentLength": 5}, "r", status=206)
    assert answer.body is body
    assert answer.status == 206
    assert dict(answer.headers)["content-type"] == "binary/octet-stream"


def test_an_iterator_is_sent_as_it_is():
    body = pieces()
    operation = models.operation_model("sagemaker-runtime", "InvokeEndpoint")
    answer = protocols.REST_JSON.encode(operation, {"Body": body, "ContentType": "text/csv"}, "r")
    assert answer.body is body
    assert [value for name, value in answer.headers if name == "content-type"] == ["text/csv"]


def test_text_given_for_a_blob_goes_out_as_utf8():
    operation = models.operation_model("sagemaker-runtime", "InvokeEndpoint")
    assert protocols.REST_JSON.encode(operation, {"Body": "é"}, "r").body == "é".encode()


async def test_an_event_stream_that_is_left_closes_the_handlers_iterator():
    closed = []

    async def events():
        try:
            while True:
                yield {"Cont": {}}
        finally:
            closed.append(True)

    answer = protocols.S3_XML.encode(models.operation_model("s3", "SelectObjectContent"), {"Payload": events()}, "r")
    await anext(answer.body)
    await answer.body.aclose()
    assert closed == [True]
