"""What went wrong with an invocation, in AWS's codes and words."""

from lakemill.engines.hosting import (
    ANSWER_S,
    BODY_BYTES_MAX,
    AnswerTooLarge,
    AnswerTooLate,
    EndpointMissing,
    EndpointNotServing,
    HostingError,
    NoInstance,
    ServerError,
    VariantMissing,
)
from lakemill.services.base import Call, ServiceError

CONTAINER = "primary"
"""What the one container of a model is called in messages."""
MESSAGE_BYTES_MAX = 4096
"""Of a model's error body, this much is repeated to the client."""
TOO_LATE = (
    f"Your invocation timed out while waiting for a response from container {CONTAINER}. Review the latency metrics "
    "for each container in Amazon CloudWatch, resolve the issue, and try again."
)


def too_large() -> ServiceError:
    """The body exceeds what InvokeEndpoint takes. The code is this number, literally."""
    return ServiceError("413", f"HTTP content length exceeded {BODY_BYTES_MAX} bytes.", status=413)


def invalid(message: str) -> ServiceError:
    """SageMaker Runtime says ValidationError where SageMaker says ValidationException."""
    return ServiceError("ValidationError", message, status=400)


def answered(call: Call, endpoint: str, status: int, body: bytes) -> ServiceError:
    """The model answered with a status other than 2xx."""
    fault = "client" if 400 <= status < 500 else "server"
    text = body[:MESSAGE_BYTES_MAX].decode("utf-8", "replace")
    if len(body) > MESSAGE_BYTES_MAX:
        said = f"Received {fault} error ({status}) from {CONTAINER} and could not load the entire response body."
    else:
        said = f'Received {fault} error ({status}) from {CONTAINER} with message "{text}".'
    return model_error(call, endpoint, status, text, said)


def failed(call: Call, endpoint: str, error: HostingError) -> ServiceError:
    """An invocation that no model answered."""
    if isinstance(error, EndpointMissing):
        return invalid(f"Endpoint {endpoint} of account {call.account} not found.")
    if isinstance(error, EndpointNotServing):
        status = error.state.capitalize()
        return invalid(f"Endpoint {endpoint} of account {call.account} is not in service: its status is {status}.")
    if isinstance(error, VariantMissing):
        return invalid(f"Variant {error.variant} of endpoint {endpoint} of account {call.account} not found.")
    if isinstance(error, NoInstance):
        return ServiceError(
            "ServiceUnavailable",
            f"No instance of variant {error.variant} of endpoint {endpoint} is up at the moment. Try your call again.",
            status=503,
        )
    if isinstance(error, ServerError):
        text = _what_came(error)
        said = f'Received server error (0) from {CONTAINER} with message "{text}".'
        return model_error(call, endpoint, 0, text, said)
    raise error


def model_error(call: Call, endpoint: str, status: int, text: str, said: str) -> ServiceError:
    """A ModelError: `said`, and where the log is."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    place = f"https://{call.region}.console.aws.amazon.com/cloudwatch/home?region={call.region}#logEventViewer:group={group}"
    return ServiceError(
        "ModelError",
        f"{said} See {place} in account {call.account} for more information.",
        status=424,
        fields={
            "OriginalStatusCode": status,
            "OriginalMessage": text,
            "LogStreamArn": call.arn(f"log-group:{group}", service="logs"),
        },
    )


def broken_stream(error: HostingError) -> ServiceError:
    """A streamed answer that did not come to its end: the stream's own exception event."""
    if isinstance(error, AnswerTooLate):
        code, text = (
            "ModelInvocationTimeExceeded",
            f"The model did not finish its answer within {error.timeout_s:g} seconds.",
        )
    else:
        code, text = "StreamBroken", "The model container closed the connection before its answer was complete."
    return ServiceError("ModelStreamError", text, fields={"ErrorCode": code})


def _what_came(error: ServerError) -> str:
    if isinstance(error, AnswerTooLate) and error.timeout_s == ANSWER_S:
        return TOO_LATE
    if isinstance(error, AnswerTooLarge):
        return f"The response of the container is larger than {error.bytes_max} bytes."
    return f"The container gave no answer: {error}."
