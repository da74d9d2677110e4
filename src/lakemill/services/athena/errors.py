"""Athena's errors."""

from lakemill.engines.queries import ExecutionMissing, Refused, StatementRefused, TokenTaken, TooManyWaiting
from lakemill.engines.resources import TokenMangled, TooManyTags
from lakemill.services.base import ServiceError

CODES: dict[type[Exception], str] = {
    ExecutionMissing: "InvalidRequestException",
    StatementRefused: "InvalidRequestException",
    TokenTaken: "InvalidRequestException",
    TooManyWaiting: "TooManyRequestsException",
    TokenMangled: "InvalidRequestException",
    TooManyTags: "InvalidRequestException",
    Refused: "AccessDeniedException",
}


def invalid(message: str, code: str = "INVALID_INPUT") -> ServiceError:
    """InvalidRequestException. code: Athena's own, beside it."""
    return ServiceError("InvalidRequestException", message, fields={"AthenaErrorCode": code})


def missing(message: str, resource: str) -> ServiceError:
    """ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message, fields={"ResourceName": resource})
