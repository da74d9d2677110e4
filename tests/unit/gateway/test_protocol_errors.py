"""Errors as botocore reads them: code, message, request id, modelled fields, in every protocol."""

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser

from lakemill.gateway import errors, models, protocols
from lakemill.services.base import HttpRequest, ServiceError

# Protocol object, its name for botocore's parser, a client that speaks it.
SPEAKERS = [
    (protocols.JSON_1_1, "json", "sagemaker"),
    (protocols.JSON_1_0, "json", "cloudwatch"),
    (protocols.QUERY, "query", "iam"),
    (protocols.REST_JSON, "rest-json", "lambda"),
    (protocols.S3_XML, "rest-xml", "s3"),
    (protocols.REST_XML, "rest-xml", "cloudfront"),
    (protocols.RPC_V2_CBOR, "smithy-rpc-v2-cbor", "cloudwatch"),
]
IDS = [f"{client}-{name}" for _, name, client in SPEAKERS]


def read(protocol: str, answer: protocols.WireResponse, shape=None) -> dict:
    response = {"status_code": answer.status, "headers": HeadersDict(dict(answer.headers)), "body": answer.body}
    return create_parser(protocol).parse(response, shape)


@pytest.mark.parametrize(("ours", "name", "client"), SPEAKERS, ids=IDS)
@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchThing", "Throttling"])
def test_code_and_message_of_an_error_reach_botocore(ours, name, client, code):
    error = ServiceError(code, 'It is <not> "so" & é.')
    got = read(name, ours.encode_error(error, "request-1", service=models.service_model(client)))
    assert got["Error"]["Code"] == code
    assert got["Error"]["Message"] == 'It is <not> "so" & é.'
    assert got["ResponseMetadata"]["RequestId"] == "request-1"


@pytest.mark.parametrize(("ours", "name", "client"), SPEAKERS, ids=IDS)
def test_every_error_of_a_model_is_read_under_its_own_code(ours, name, client):
    service = models.service_model(client)
    for shape in service.error_shapes:
        answer = ours.encode_error(ServiceError(shape.name, "why"), "request-1", service=service)
        got = read(name, answer)["Error"]
        by_name = name in ("json", "rest-json") or client == "s3"
        assert got["Code"] == (shape.name if by_name and client != "cloudwatch" else shape.error_code)
        assert got["Message"] == "why"
        assert answer.status >= 300


def test_a_query_error_may_be_raised_by_its_code_or_by_its_shape():
    service = models.service_model("iam")
    by_code = protocols.QUERY.encode_error(ServiceError("NoSuchEntity", "no"), "r", service=service)
    by_shape = protocols.QUERY.encode_error(ServiceError("NoSuchEntityException", "no"), "r", service=service)
    assert by_code == by_shape
    assert by_code.status == 404
    assert b"<Code>NoSuchEntity</Code>" in by_code.body


def test_a_service_that_spoke_query_also_names_its_old_code():
    service = models.service_model("cloudwatch")
    answer = protocols.JSON_1_0.encode_error(ServiceError("DashboardNotFoundError", "no"), "r", service=service)
    assert answer.status == 404
    assert dict(answer.headers)["x-amzn-query-error"] == "ResourceNotFound;Sender"
    assert read("json", answer)["Error"] == {
        "Code": "ResourceNotFound",
        "Message": "no",
        "QueryErrorCode": "DashboardNotFoundError",
        "Type": "Sender",
    }


def test_a_service_may_name_the_old_code_itself():
    old = {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}
    error = ServiceError("QueueDoesNotExist", "no", headers=old)
    answer = protocols.JSON_1_0.encode_error(error, "r", service=models.service_model("sqs"))
    assert [value for name, value in answer.headers if name == "x-amzn-query-error"] == list(old.values())


def test_modelled_fields_of_an_error_are_parsed_by_its_shape():
    service = models.service_model("lambda")
    fields = {"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "3"}
    error = ServiceError("TooManyRequestsException", "slow", fields=fields)
    answer = protocols.REST_JSON.encode_error(error, "r", service=service)
    assert answer.status == 429
    assert dict(answer.headers)["retry-after"] == "3"
    got = read("rest-json", answer, service.shape_for("TooManyRequestsException"))
    assert got == {"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "3", "message": "slow"}


def test_a_head_request_is_answered_without_a_body():
    error = ServiceError("NoSuchKey", "The specified key does not exist.")
    answer = protocols.S3_XML.encode_error(error, "r", service=models.service_model("s3"), head=True)
    assert (answer.status, answer.body) == (404, b"")
    assert read("rest-xml", answer)["Error"]["Code"] == "404"


def test_a_request_of_an_unknown_service_is_refused_in_the_protocol_of_its_headers():
    def request(headers, query=b""):
        return HttpRequest("POST", b"/", query, headers, "http", "", None)

    assert protocols.fallback(request([("x-amz-target", "DynamoDB_20120810.Scan")])) is protocols.JSON_1_1
    assert protocols.fallback(request([("content-type", "application/x-amz-json-1.0")])) is protocols.JSON_1_0
    assert protocols.fallback(request([("smithy-protocol", "rpc-v2-cbor")])) is protocols.RPC_V2_CBOR
    assert protocols.fallback(request([("content-type", "application/x-amz-cbor-1.1")])) is protocols.AMZ_CBOR
    form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
    assert protocols.fallback(request(form)) is protocols.QUERY
    assert protocols.fallback(request([], b"Action=Publish&Version=2010-03-31")) is protocols.QUERY
    assert protocols.fallback(request([])) is protocols.REST_JSON


def test_every_status_of_the_tables_is_an_http_error():
    for table in (errors.STATUS, errors.REST_STATUS, errors.S3_STATUS):
        assert all(300 <= status <= 599 for status in table.values())


def test_errors_of_one_name_in_two_services_keep_their_own_members():
    error = ServiceError("ResourceNotFoundException", "no", fields={"Type": "User", "ResourceType": "USER"})
    of_lambda = protocols.REST_JSON.encode_error(error, "r", service=models.service_model("lambda"))
    of_quicksight = protocols.REST_JSON.encode_error(error, "r", service=models.service_model("quicksight"))
    assert of_lambda.body == b'{"Message":"no","Type":"User"}'
    assert of_quicksight.body == b'{"Message":"no","ResourceType":"USER"}'
