"""Redshift Serverless' errors."""

from lakemill.engines.resources import ResourceMissing, TokenMangled, TooManyTags
from lakemill.engines.warehouses import NotRunning, SnapshotMissing, SnapshotUnusable, StateWrong
from lakemill.services.base import ServiceError

CODES: dict[type[Exception], str] = {
    ResourceMissing: "ResourceNotFoundException",
    SnapshotMissing: "ResourceNotFoundException",
    SnapshotUnusable: "ConflictException",
    StateWrong: "ConflictException",
    NotRunning: "ConflictException",
    TokenMangled: "ValidationException",
    TooManyTags: "TooManyTagsException",
}


def invalid(message: str) -> ServiceError:
    """ValidationException."""
    return ServiceError("ValidationException", message)


def missing(message: str) -> ServiceError:
    """ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message)


def conflict(message: str) -> ServiceError:
    """ConflictException."""
    return ServiceError("ConflictException", message)
