"""HTTP endpoints: the request, and what each answer means."""

import base64
import gzip
import json

import pytest

from lakemill.engines.delivery.web import WebClient
from lakemill.services.firehose.http_endpoint import HttpEndpoint, complete

ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks"
JSON = {"Content-Type": "application/json"}


def sink(server, **configuration):
    config = complete({"EndpointConfiguration": {"Url": server.url + "/in", "AccessKey": "k3y"}, **configuration})
    return HttpEndpoint(WebClient(), ARN, config, lambda: 1_700_000_000_123)


async def accepted(request, body):
    answer = {"requestId": request.headers["X-Amz-Firehose-Request-Id"], "timestamp": 1}
    return 200, JSON, json.dumps(answer).encode()


async def test_a_request_has_the_records_and_says_whose_they_are(server, load):
    server.answer = accepted
    outcome = await sink(server).deliver(load(b"one", b"\xfftwo"))
    assert (outcome.remaining, outcome.failures, outcome.code) == ([], [], "")
    request, body = server.requests[0]
    assert json.loads(body) == {
        "requestId": "11111111-2222-3333-4444-555555555555",
        "timestamp": 1_700_000_000_123,
        "records": [{"data": base64.b64encode(data).decode()} for data in (b"one", b"\xfftwo")],
    }
    assert request.path == "/in"
    assert request.headers["X-Amz-Firehose-Protocol-Version"] == "1.0"
    assert request.headers["X-Amz-Firehose-Request-Id"] == "11111111-2222-3333-4444-555555555555"
    assert request.headers["X-Amz-Firehose-Source-Arn"] == ARN
    assert request.headers["X-Amz-Firehose-Access-Key"] == "k3y"
    assert request.headers["Content-Type"] == "application/json"
    assert "X-Amz-Firehose-Common-Attributes" not in request.headers


async def test_a_request_may_be_zipped_and_carry_attributes(server, load):
    server.answer = accepted
    attributes = [{"AttributeName": "env", "AttributeValue": "test"}]
    configuration = {"ContentEncoding": "GZIP", "CommonAttributes": attributes}
    await sink(server, RequestConfiguration=configuration).deliver(load(b"one"))
    request, body = server.requests[0]
    assert request.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["records"] == [{"data": "b25l"}]
    common = json.loads(request.headers["X-Amz-Firehose-Common-Attributes"])
    assert common == {"commonAttributes": {"env": "test"}}


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (500, JSON, b'{"requestId":"x","timestamp":1,"errorMessage":"oops"}', "HttpEndpoint.DestinationException"),
        (301, {"Location": "/other"}, b"", "HttpEndpoint.DestinationException"),
        (200, JSON, b'{"requestId":"another","timestamp":1}', "HttpEndpoint.InvalidResponseFromDestination"),
        (200, JSON, b"thanks", "HttpEndpoint.InvalidResponseFromDestination"),
        (200, {"Content-Type": "text/plain"}, b'{"requestId":"x"}', "HttpEndpoint.InvalidResponseFromDestination"),
    ],
)
async def test_what_is_no_success_is_tried_again(server, load, status, headers, body, code):
    async def answer(request, sent):
        return status, headers, body

    server.answer = answer
    outcome = await sink(server).deliver(given := load(b"one"))
    assert (outcome.remaining, outcome.code, outcome.final) == (given.records, code, False)
    if b"oops" in body:
        assert "oops" in outcome.message


async def test_records_that_are_too_much_for_the_endpoint_are_given_up(server, load):
    async def answer(request, body):
        return 413, {}, b""

    server.answer = answer
    outcome = await sink(server).deliver(load(b"one", b"two"))
    assert (outcome.remaining, outcome.failures, outcome.lost) == ([], [], 2)


async def test_an_endpoint_that_is_not_there_is_tried_again(load):
    class Nowhere:
        url = "http://127.0.0.1:1"

    outcome = await sink(Nowhere()).deliver(given := load(b"one"))
    assert (outcome.remaining, outcome.code) == (given.records, "HttpEndpoint.DestinationUnreachable")
