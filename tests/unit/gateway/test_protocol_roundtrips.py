"""Against botocore: what its serialisers write we read, what we write its parsers read, over every operation."""

from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from tests.unit.gateway.generating import Unmakeable, generated

from lakemill.gateway import models, protocols
from lakemill.services.base import HttpRequest

# Client, and the protocol it is spoken in.
SPOKEN = [
    ("s3", "rest-xml"),
    ("sagemaker", "json"),
    ("sagemaker-runtime", "rest-json"),
    ("iam", "query"),
    ("sts", "query"),
    ("logs", "json"),
    ("kms", "json"),
    ("kinesis", "json"),
    ("cloudwatch", "json"),
    ("cloudwatch", "query"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
    ("lambda", "rest-json"),
    ("quicksight", "rest-json"),
    ("glue", "json"),
]

# Operations whose path and query another one shares in every respect; which of the two wins is tested elsewhere.
SHADOWED = {
    "GetBucketLifecycle",
    "GetBucketNotification",
    "ListDirectoryBuckets",
    "PutBucketLifecycle",
    "PutBucketNotification",
}


def wire(request: dict) -> tuple[HttpRequest, bytes]:
    """botocore's request dict as it would arrive."""
    query = request["query_string"]
    pairs = [(k, str(v)) if not isinstance(v, list) else (k, v) for k, v in query.items()] if query else []
    path, _, fixed = request["url_path"].partition("?")
    query_string = "&".join(part for part in (fixed, urlencode(pairs, doseq=True)) if part)
    headers = [(name.lower(), str(value)) for name, value in request["headers"].items()]
    body = request["body"]
    body = urlencode(body, doseq=True).encode() if isinstance(body, dict) else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    return HttpRequest(request["method"], path.encode(), query_string.encode(), headers, "http", "", None), body


@pytest.mark.parametrize(("client", "protocol"), SPOKEN)
def test_requests_of_botocore_are_read_as_they_were_meant(client, protocol):
    service = models.service_model(client)
    serializer = create_serializer(protocol, include_validation=False)
    finder = models.Finder([client])
    read = 0
    for name in service.operation_names:
        operation = service.operation_model(name)
        if name in SHADOWED or (operation.input_shape is not None and operation.input_shape.event_stream_name):
            continue
        try:
            given = generated(f"{client}.{name}", operation.input_shape) if operation.input_shape else {}
        except Unmakeable:
            continue
        http, body = wire(serializer.serialize_to_request(given, operation))
        found = finder.find(client, http, body)
        assert found.operation.name == name
        assert found.protocol.name == protocol
        request = found.protocol.decode(operation, http, body)
        payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
        if payload and payload not in given and request.get(payload) == {}:
            del request[payload]  # botocore's REST-JSON sends `{}` for a payload that is not given.
        assert request == given, name
        read += 1
    assert read >= 0.9 * len(service.operation_names) - len(SHADOWED)


def parsed(protocol: str, answer: protocols.WireResponse, operation) -> dict:
    response = {
        "status_code": answer.status,
        "headers": HeadersDict(dict(answer.headers)),
        "body": answer.body,
        "context": {"operation_name": operation.name},
    }
    out = create_parser(protocol).parse(response, operation.output_shape)
    about = out.pop("ResponseMetadata")
    assert about["RequestId"] == "request-1"
    return out


@pytest.mark.parametrize(("client", "protocol"), SPOKEN)
def test_answers_are_read_by_botocore_as_they_were_meant(client, protocol):
    service = models.service_model(client)
    ours = next(p for p in protocols.ALL if p.name == protocol and (client != "s3" or p is protocols.S3_XML))
    written = 0
    for name in service.operation_names:
        operation = service.operation_model(name)
        shape = operation.output_shape
        # botocore reads a bucket's location in a handler of its own.
        if shape is None or shape.event_stream_name or name == "GetBucketLocation" or name in SHADOWED:
            continue
        try:
            given = generated(f"{client}.{name}.out", shape)
        except Unmakeable:
            continue
        for member, of in shape.members.items():
            if of.serialization.get("location") == "statusCode" and member in given:
                given[member] = 200
        payload = shape.serialization.get("payload")
        if payload in given and shape.members[payload].type_name == "blob":
            given[payload] = "streamed"  # The parser alone reads such a body as text; a client streams it.
        answer = ours.encode(operation, given, "request-1")
        got = parsed(protocol, answer, operation)
        if payload and not given.get(payload):
            got.pop(payload, None)  # An empty body reads as an empty structure or text.
        assert got == given, name
        written += 1
    assert written > 0
