"""The Data API's errors."""

from lakemill.engines.resources import TokenMangled
from lakemill.engines.warehouses import (
    NoResult,
    NotRunning,
    SessionBusy,
    SessionMissing,
    SqlFailed,
    StatementEnded,
    StatementMissing,
    StatementRunning,
    TokenTaken,
    TooManyActive,
)
from lakemill.services.base import ServiceError

CODES: dict[type[Exception], str] = {
    StatementMissing: "ResourceNotFoundException",
    SessionMissing: "ResourceNotFoundException",
    NoResult: "ResourceNotFoundException",
    StatementRunning: "ResourceNotFoundException",
    StatementEnded: "ValidationException",
    SessionBusy: "ValidationException",
    TokenTaken: "ValidationException",
    TokenMangled: "ValidationException",
    SqlFailed: "ValidationException",
    NotRunning: "DatabaseConnectionException",
    TooManyActive: "ActiveStatementsExceededException",
}


def invalid(message: str) -> ServiceError:
    """ValidationException."""
    return ServiceError("ValidationException", message)


def missing(message: str) -> ServiceError:
    """ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message, fields={"ResourceId": ""})
