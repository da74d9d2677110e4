"""Runs the tables in tests/cases/protocols, both directions.

A case: id, sentence, protocol, service, operation, given, expected.

given     a request  {method, path, query, headers, body}   or  {output, status, headers}  or  {error, head}
expected  for a request: {request} or {error: {code, message, status}}; otherwise {status, headers, body, absent}
Values    {"$bytes": base64}, {"$hex": "00ff"}, {"$time": ISO 8601}, {"$float": "NaN"}
"""

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lakemill.gateway import models, protocols
from lakemill.services.base import HttpRequest, ServiceError

FOLDER = Path(__file__).parents[2] / "cases" / "protocols"
CASES = [case for file in sorted(FOLDER.glob("*.json")) for case in json.loads(file.read_text())]
PROTOCOLS = {
    "json-1.0": protocols.JSON_1_0,
    "json-1.1": protocols.JSON_1_1,
    "amz-cbor": protocols.AMZ_CBOR,
    "rpc-v2-cbor": protocols.RPC_V2_CBOR,
    "query": protocols.QUERY,
    "rest-json": protocols.REST_JSON,
    "rest-xml": protocols.REST_XML,
    "s3": protocols.S3_XML,
}
REQUEST_ID = "request-1"


def value(node: Any) -> Any:
    """A node of a table with its marked values made real."""
    if isinstance(node, list):
        return [value(item) for item in node]
    if not isinstance(node, dict):
        return node
    match node:
        case {"$bytes": text}:
            return base64.b64decode(text)
        case {"$hex": text}:
            return bytes.fromhex(text)
        case {"$time": text}:
            return datetime.datetime.fromisoformat(text)
        case {"$float": text}:
            return float(text)
    return {key: value(item) for key, item in node.items()}


def raw(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else value(body)


def check_request(case: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]) -> None:
    headers = [(name.lower(), text) for name, text in given.get("headers", {}).items()]
    path, query = given.get("path", "/").encode(), given.get("query", "").encode()
    http = HttpRequest(given.get("method", "POST"), path, query, headers, "http", "", None)
    body = raw(given.get("body", ""))
    try:
        found = models.Finder([case["service"]]).find(case["service"], http, body)
        assert found.protocol is PROTOCOLS[case["protocol"]]
        assert found.operation.name == case["operation"]
        request = found.protocol.decode(found.operation, http, body)
    except ServiceError as error:
        assert "error" in expected, f"{error.code}: {error.message}"
        got = {"code": error.code, "message": error.message, "status": error.status, "fields": error.fields}
        assert {name: got[name] for name in expected["error"]} == expected["error"]
    else:
        assert request == value(expected["request"])


def check_answer(given: dict[str, Any], answer: protocols.WireResponse, expected: dict[str, Any]) -> None:
    headers = dict(answer.headers)
    assert answer.status == expected.get("status", 200)
    assert {name: headers.get(name) for name in expected.get("headers", {})} == expected.get("headers", {})
    assert not set(expected.get("absent", [])) & set(headers)
    if "body" in expected:
        wanted = raw(expected["body"])
        assert answer.body == wanted, f"{answer.body!r} is not {wanted!r}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case):
    given, expected, protocol = case["given"], case["expected"], PROTOCOLS[case["protocol"]]
    operation = models.operation_model(case["service"], case["operation"]) if case["operation"] else None
    if "output" in given:
        answer = protocol.encode(
            operation, value(given["output"]), REQUEST_ID, status=given.get("status"), headers=given.get("headers")
        )
        check_answer(given, answer, expected)
    elif "error" in given:
        service = models.service_model(case["service"])
        error = ServiceError(**value(given["error"]))
        about = {"resource": given.get("resource", ""), "head": given.get("head", False)}
        answer = protocol.encode_error(error, REQUEST_ID, operation=operation, service=service, **about)
        check_answer(given, answer, expected)
    else:
        check_request(case, given, expected)


def test_every_protocol_has_its_cases():
    for name in PROTOCOLS:
        if name not in ("json-1.0", "rest-xml"):
            assert sum(case["protocol"] == name for case in CASES) >= 15, name
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert all(case["sentence"].endswith(".") for case in CASES)
