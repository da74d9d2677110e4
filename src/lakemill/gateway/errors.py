"""Errors as the models know them: from a code to its shape, its HTTP status, and whose fault it is.

A service raises ServiceError with a code as clients match on it. In the query protocol that may differ from the
shape's name (`NoSuchEntity` of shape `NoSuchEntityException`); either is understood.
"""

from __future__ import annotations

import dataclasses
import weakref
from typing import TYPE_CHECKING, Any

from lakemill.services.base import ServiceError

if TYPE_CHECKING:
    from botocore.model import ServiceModel, StructureShape

# Codes that stand in no model, with their status where it is not 400.
STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "ExpiredToken": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServerException": 500,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "OptInRequired": 403,
    "RequestEntityTooLarge": 413,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
}

# REST services answer some of them with a status of their own.
REST_STATUS = STATUS | {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
}

# S3's model names hardly any of its errors.
S3_STATUS = {
    "AccessDenied": 403,
    "AllAccessDisabled": 403,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "ConditionalRequestConflict": 409,
    "EntityTooLarge": 400,
    "IdempotencyParameterMismatch": 400,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidPartNumber": 416,
    "InvalidRange": 416,
    "InvalidSecurity": 403,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchConfiguration": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotImplemented": 501,
    "NotModified": 304,
    "NotSignedUp": 403,
    "ObjectLockConfigurationNotFoundError": 404,
    "OperationAborted": 409,
    "OwnershipControlsNotFoundError": 404,
    "PermanentRedirect": 301,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestTimeTooSkewed": 403,
    "RestoreAlreadyInProgress": 409,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "TemporaryRedirect": 307,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One error a service's model names."""

    name: str
    """The shape's name, which JSON protocols send."""
    code: str
    """What the query protocol sends; the same unless the model says otherwise."""
    status: int
    server: bool
    """True when it is the service's fault."""
    shape: StructureShape


_kinds: weakref.WeakKeyDictionary[Any, dict[str, Kind]] = weakref.WeakKeyDictionary()


def kinds(service: ServiceModel) -> dict[str, Kind]:
    """The errors of a service by shape name and by code."""
    found = _kinds.get(service)
    if found is None:
        found = _kinds[service] = {}
        for shape in service.error_shapes:
            about = shape.metadata.get("error", {})
            server = bool(shape._shape_model.get("fault", False)) or about.get("httpStatusCode", 400) >= 500
            status = about.get("httpStatusCode", 500 if server else 400)
            kind = Kind(shape.name, about.get("code", shape.name), status, server, shape)
            found.setdefault(kind.code, kind)
            found[shape.name] = kind
    return found


def kind_of(error: ServiceError, service: ServiceModel | None) -> Kind | None:
    """What the model says about an error, None when it does not name it."""
    return None if service is None else kinds(service).get(error.code)


def status_of(error: ServiceError, kind: Kind | None, table: dict[str, int] = STATUS) -> int:
    """The HTTP status: the error's own, the table's for common codes, the model's, else 400."""
    if error.status is not None:
        return error.status
    if kind is not None:
        return kind.status
    return table.get(error.code, 400)


def is_sender(status: int) -> bool:
    """Whether the caller is at fault."""
    return status < 500


def text_of(kind: Kind | None) -> str:
    """The member an error's text goes into: `message`, or `Message` where the shape has it so."""
    members = kind.shape.members if kind is not None else {}
    return "Message" if "Message" in members and "message" not in members else "message"


def query_compatible(
    error: ServiceError, service: ServiceModel | None, kind: Kind | None, status: int
) -> list[tuple[str, str]]:
    """The header that tells clients of a service that used to speak Query the code they knew.

    Where the model has lost it (SQS), the service gives `x-amzn-query-error` among the error's headers.
    """
    if service is None or kind is None or not service.is_query_compatible or "x-amzn-query-error" in error.headers:
        return []
    return [("x-amzn-query-error", f"{kind.code};{'Sender' if is_sender(status) else 'Receiver'}")]
