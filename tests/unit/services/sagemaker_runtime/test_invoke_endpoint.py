"""Invocations in AWS's words; the engine below is a hand-made one."""

import pytest

from lakemill.engines.hosting import (
    Answer,
    AnswerTooLarge,
    AnswerTooLate,
    EndpointMissing,
    EndpointNotServing,
    NoInstance,
    ServerGone,
    VariantMissing,
)
from lakemill.ports.clock import ManualClock
from lakemill.services.base import Call, ServiceError
from lakemill.services.sagemaker_runtime import SageMakerRuntime

OK = Answer(200, {"content-type": "text/csv", "x-amzn-sagemaker-custom-attributes": "c=1", "server": "x"}, b"0.5")


class Stream:
    def __init__(self, status, pieces, error=None):
        self.status, self.headers = status, {"content-type": "text/plain"}
        self._pieces, self._error, self.closed = pieces, error, False

    async def __aiter__(self):
        for piece in self._pieces:
            yield piece
        if self._error:
            raise self._error

    async def read(self, limit):
        return b"".join(self._pieces)[:limit]

    def close(self):
        self.closed = True


class FakeHosting:
    def __init__(self, result):
        self.result, self.asked = result, []

    async def invoke(self, scope, name, headers, body, *, variant=None):
        self.asked.append((scope, name, headers, body, variant))
        if isinstance(self.result, Exception):
            raise self.result
        return "blue", self.result

    stream = invoke


def call(operation="InvokeEndpoint"):
    return Call("sagemaker-runtime", operation, "us-east-1", "000000000000", None, "r", None)


async def invoked(result, **request):
    service = SageMakerRuntime(FakeHosting(result), ManualClock())
    return await service.invoke_endpoint(call(), {"EndpointName": "e", "Body": b"1,2"} | request)


async def refused(result, **request) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await invoked(result, **request)
    return caught.value


async def test_only_the_headers_a_model_may_see_are_passed_on():
    hosting = FakeHosting(OK)
    request = {
        "EndpointName": "e",
        "Body": b"1,2",
        "ContentType": "text/csv",
        "Accept": "*/*",
        "CustomAttributes": "a=b",
        "InferenceId": "i-1",
        "TargetVariant": "blue",
    }
    answer = await SageMakerRuntime(hosting, ManualClock()).invoke_endpoint(call(), request)
    headers = {
        "Content-Type": "text/csv",
        "Accept": "*/*",
        "X-Amzn-SageMaker-Custom-Attributes": "a=b",
        "X-Amzn-SageMaker-Inference-Id": "i-1",
    }
    assert hosting.asked == [("000000000000/us-east-1", "e", headers, b"1,2", "blue")]
    assert answer == {
        "Body": b"0.5",
        "ContentType": "text/csv",
        "CustomAttributes": "c=1",
        "InvokedProductionVariant": "blue",
    }


async def test_a_models_client_error_is_a_model_error():
    error = await refused(Answer(415, {}, b"no such type"))
    assert (error.code, error.status) == ("ModelError", 424)
    assert error.message == (
        'Received client error (415) from primary with message "no such type". See '
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group="
        "/aws/sagemaker/Endpoints/e in account 000000000000 for more information."
    )
    assert error.fields == {
        "OriginalStatusCode": 415,
        "OriginalMessage": "no such type",
        "LogStreamArn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/e",
    }


async def test_a_models_server_error_is_a_model_error():
    error = await refused(Answer(500, {}, b"oops"))
    assert error.message.startswith('Received server error (500) from primary with message "oops".')


async def test_a_long_error_body_is_not_repeated_in_full():
    error = await refused(Answer(400, {}, b"x" * 5000))
    assert "from primary and could not load the entire response body." in error.message
    assert len(error.message) < 500
    assert error.fields["OriginalMessage"] == "x" * 4096


async def test_no_answer_in_time_has_status_0():
    error = await refused(AnswerTooLate(60.0))
    assert error.message.startswith(
        'Received server error (0) from primary with message "Your invocation timed out while waiting for a response '
        "from container primary."
    )
    assert error.fields["OriginalStatusCode"] == 0


@pytest.mark.parametrize("broken", [ServerGone("gone"), AnswerTooLarge(10, 200)])
async def test_a_broken_answer_has_status_0(broken):
    error = await refused(broken)
    assert (error.code, error.fields["OriginalStatusCode"]) == ("ModelError", 0)


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (EndpointMissing("e"), "Endpoint e of account 000000000000 not found."),
        (
            EndpointNotServing("e", "creating"),
            "Endpoint e of account 000000000000 is not in service: its status is Creating.",
        ),
        (VariantMissing("e", "red"), "Variant red of endpoint e of account 000000000000 not found."),
    ],
)
async def test_what_is_not_there_is_a_validation_error(raised, message):
    error = await refused(raised)
    assert (error.code, error.status, error.message) == ("ValidationError", 400, message)


async def test_a_variant_that_is_down_can_be_asked_again():
    error = await refused(NoInstance("blue"))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)


async def test_a_body_that_is_too_large_is_refused_by_number():
    error = await refused(OK, Body=b"x" * 6_291_457)
    assert (error.code, error.status) == ("413", 413)
    assert error.message == "HTTP content length exceeded 6291456 bytes."
    assert (await invoked(OK, Body=b"x" * 6_291_456))["Body"] == b"0.5"


async def streamed(result):
    service = SageMakerRuntime(FakeHosting(result), ManualClock())
    return await service.invoke_endpoint_with_response_stream(
        call("InvokeEndpointWithResponseStream"), {"EndpointName": "e", "Body": b"x"}
    )


async def test_a_stream_gives_the_pieces_as_events():
    stream = Stream(200, [b"a", b"b"])
    answer = await streamed(stream)
    assert answer["ContentType"] == "text/plain"
    assert [event async for event in answer["Body"]] == [
        {"PayloadPart": {"Bytes": b"a"}},
        {"PayloadPart": {"Bytes": b"b"}},
    ]
    assert stream.closed


@pytest.mark.parametrize(
    ("error", "code"), [(ServerGone("gone"), "StreamBroken"), (AnswerTooLate(480), "ModelInvocationTimeExceeded")]
)
async def test_a_stream_that_breaks_ends_with_an_exception_event(error, code):
    answer = await streamed(Stream(200, [b"a"], error))
    with pytest.raises(ServiceError) as caught:
        [event async for event in answer["Body"]]
    assert (caught.value.code, caught.value.fields["ErrorCode"]) == ("ModelStreamError", code)


async def test_an_error_instead_of_a_stream_is_a_model_error():
    stream = Stream(400, [b"no"])
    with pytest.raises(ServiceError) as caught:
        await streamed(stream)
    assert caught.value.code == "ModelError"
    assert stream.closed


def test_both_operations_need_the_same_permission_on_the_endpoint():
    service = SageMakerRuntime(FakeHosting(OK), ManualClock())
    for name in ("InvokeEndpoint", "InvokeEndpointWithResponseStream"):
        (need,) = service.needs(call(name), {"EndpointName": "e"})
        assert need.action == "sagemaker:InvokeEndpoint"
        assert need.resource == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e"
