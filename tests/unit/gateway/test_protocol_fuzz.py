"""Whatever a client sends, a decoder answers with a request or with a ServiceError, never with anything else."""

import json

import cbor2
import pytest
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.gateway.generating import generated
from tests.unit.gateway.test_protocol_roundtrips import wire

from lakemill.gateway import models, protocols
from lakemill.services.base import HttpRequest, ServiceError

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

# Protocol, client, operation, and for botocore's serialiser the protocol's name.
TARGETS = [
    (protocols.JSON_1_1, "kinesis", "PutRecords", "json"),
    (protocols.JSON_1_1, "sagemaker", "CreateTrainingJob", "json"),
    (protocols.JSON_1_1, "glue", "BatchCreatePartition", "json"),
    (protocols.QUERY, "iam", "CreateRole", "query"),
    (protocols.QUERY, "cloudwatch", "PutMetricData", "query"),
    (protocols.RPC_V2_CBOR, "cloudwatch", "PutMetricData", "smithy-rpc-v2-cbor"),
    (protocols.AMZ_CBOR, "kinesis", "PutRecords", "smithy-rpc-v2-cbor"),
    (protocols.REST_JSON, "lambda", "CreateFunction", "rest-json"),
    (protocols.REST_JSON, "quicksight", "CreateDataSet", "rest-json"),
    (protocols.S3_XML, "s3", "DeleteObjects", "rest-xml"),
    (protocols.S3_XML, "s3", "PutBucketLifecycleConfiguration", "rest-xml"),
]

HEADERS = ["range", "x-amz-meta-a", "if-modified-since", "x-amz-object-attributes", "content-length"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def decode(protocol, client, name, http, body) -> None:
    try:
        request = protocol.decode(models.operation_model(client, name), http, body)
    except ServiceError as error:
        assert 400 <= (error.status or 400) < 500
        assert error.code
    else:
        assert isinstance(request, dict)


def valid(client: str, name: str, spoken: str) -> tuple[HttpRequest, bytes]:
    operation = models.operation_model(client, name)
    serializer = create_serializer(spoken, include_validation=False)
    return wire(serializer.serialize_to_request(generated(f"fuzz.{name}", operation.input_shape), operation))


@pytest.mark.parametrize(("protocol", "client", "name", "spoken"), TARGETS, ids=lambda p: getattr(p, "name", p))
@QUICK
@given(data=st.data())
def test_a_damaged_body_is_refused_in_order(protocol, client, name, spoken, data):
    http, body = valid(client, name, spoken)
    at = data.draw(st.integers(0, len(body)))
    until = data.draw(st.integers(at, min(len(body), at + 8)))
    decode(protocol, client, name, http, body[:at] + data.draw(st.binary(max_size=6)) + body[until:])


@pytest.mark.parametrize(("protocol", "client", "name", "spoken"), TARGETS, ids=lambda p: getattr(p, "name", p))
@QUICK
@given(body=st.binary(max_size=40))
def test_any_bytes_are_refused_in_order(protocol, client, name, spoken, body):
    http, _ = valid(client, name, spoken)
    decode(protocol, client, name, http, body)


def misplaced(node, path: list, value):
    """A copy with another value put somewhere in it."""
    if not path:
        return value
    copied = dict(node) if isinstance(node, dict) else list(node)
    copied[path[0]] = misplaced(copied[path[0]], path[1:], value)
    return copied


@pytest.mark.parametrize(("protocol", "client", "name", "spoken"), TARGETS[:3], ids=lambda p: getattr(p, "name", p))
@QUICK
@given(data=st.data())
def test_any_value_in_any_place_is_refused_in_order(protocol, client, name, spoken, data):
    http, body = valid(client, name, spoken)
    node = whole = json.loads(body)
    path = []
    while isinstance(node, (dict, list)) and node and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        path.append(key)
        node = node[key]
    changed = misplaced(whole, path, data.draw(JSON))
    decode(protocol, client, name, http, json.dumps(changed).encode())
    decode(protocols.AMZ_CBOR, client, name, http, cbor2.dumps(changed))


@QUICK
@given(
    path=st.binary(max_size=20),
    query=st.binary(max_size=20),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), st.text(max_size=8))),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
)
def test_any_target_and_headers_are_refused_in_order(path, query, headers, method):
    http = HttpRequest(method, b"/" + path, query, headers, "http", "", None)
    try:
        found = models.Finder(["s3"]).find("s3", http)
    except ServiceError as error:
        assert error.code in ("MethodNotAllowed", "InvalidURI")
    else:
        decode(found.protocol, "s3", found.operation.name, http, b"")
