"""The errors of S3 in its own words, and from the engine's errors to them."""

from typing import Any

from lakemill.engines.objects import errors as engine
from lakemill.services.base import ServiceError


def access_denied(message: str = "Access Denied") -> ServiceError:
    return ServiceError("AccessDenied", message, status=403)


def invalid_argument(message: str, name: str = "", value: Any = "") -> ServiceError:
    fields = {"ArgumentName": name, "ArgumentValue": str(value)} if name else {}
    return ServiceError("InvalidArgument", message, status=400, fields=fields)


def invalid_request(message: str) -> ServiceError:
    return ServiceError("InvalidRequest", message, status=400)


def malformed_xml() -> ServiceError:
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceError("MalformedXML", text, status=400)


def not_provided(what: str) -> ServiceError:
    return ServiceError("NotImplemented", f"lakemill does not provide {what} yet.", status=501)


def precondition_failed(condition: str) -> ServiceError:
    text = "At least one of the pre-conditions you specified did not hold"
    return ServiceError("PreconditionFailed", text, status=412, fields={"Condition": condition})


def no_such_key(key: str, headers: dict[str, str] | None = None) -> ServiceError:
    text = "The specified key does not exist."
    return ServiceError("NoSuchKey", text, status=404, fields={"Key": key}, headers=headers)


def bad_digest(algorithm: str, expected: str, actual: str) -> ServiceError:
    if algorithm == "Content-MD5":
        text = "The Content-MD5 you specified did not match what we received."
        return ServiceError(
            "BadDigest", text, status=400, fields={"ExpectedDigest": expected, "CalculatedDigest": actual}
        )
    return ServiceError(
        "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", status=400
    )


def invalid_digest() -> ServiceError:
    return ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.", status=400)


def entity_too_large(size: int, largest: int) -> ServiceError:
    text = "Your proposed upload exceeds the maximum allowed size"
    return ServiceError(
        "EntityTooLarge", text, status=400, fields={"ProposedSize": str(size), "MaxSizeAllowed": str(largest)}
    )


def _bucket_missing(error: engine.BucketMissing) -> ServiceError:
    text = "The specified bucket does not exist"
    return ServiceError("NoSuchBucket", text, status=404, fields={"BucketName": error.bucket})


def _bucket_not_empty(error: engine.BucketNotEmpty) -> ServiceError:
    text = "The bucket you tried to delete is not empty"
    return ServiceError("BucketNotEmpty", text, status=409, fields={"BucketName": error.bucket})


def _object_missing(error: engine.ObjectMissing) -> ServiceError:
    headers = {}
    if error.marker is not None:
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": error.marker}
    return no_such_key(error.key, headers)


def _version_missing(error: engine.VersionMissing) -> ServiceError:
    fields = {"Key": error.fields["key"], "VersionId": error.version_id}
    return ServiceError("NoSuchVersion", "The specified version does not exist.", status=404, fields=fields)


def _version_malformed(error: engine.VersionMalformed) -> ServiceError:
    return invalid_argument("Invalid version id specified", "versionId", error.version_id)


def _marker_met(error: engine.MarkerMet) -> ServiceError:
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        status=405,
        fields={"ResourceType": "DeleteMarker"},
        headers={"x-amz-delete-marker": "true", "x-amz-version-id": error.version_id, "allow": "DELETE"},
    )


def _upload_missing(error: engine.UploadMissing) -> ServiceError:
    text = (
        "The specified upload does not exist. The upload ID may be invalid, "
        "or the upload may have been aborted or completed."
    )
    return ServiceError("NoSuchUpload", text, status=404, fields={"UploadId": error.upload_id})


def _part_missing(error: engine.PartMissing) -> ServiceError:
    text = (
        "One or more of the specified parts could not be found.  The part may not have been uploaded, "
        "or the specified entity tag may not match the part's entity tag."
    )
    fields = {"ETag": error.etag, "PartNumber": str(error.number)}
    return ServiceError("InvalidPart", text, status=400, fields=fields)


def _parts_unordered(error: engine.PartsUnordered) -> ServiceError:
    text = "The list of parts was not in ascending order. Parts must be ordered by part number."
    return ServiceError("InvalidPartOrder", text, status=400)


def _part_too_small(error: engine.PartTooSmall) -> ServiceError:
    fields = {
        "ETag": error.etag,
        "MinSizeAllowed": str(error.size_min),
        "PartNumber": str(error.number),
        "ProposedSize": str(error.size),
    }
    text = "Your proposed upload is smaller than the minimum allowed size"
    return ServiceError("EntityTooSmall", text, status=400, fields=fields)


def _part_unchecked(error: engine.PartUnchecked) -> ServiceError:
    return invalid_request(
        f"The upload was created using a {error.algorithm.lower()} checksum. The complete request must include the "
        f"checksum for each part. It was missing for part {error.number} in the request."
    )


def _size_differs(error: engine.SizeDiffers) -> ServiceError:
    return invalid_request(
        f"The provided 'x-amz-mp-object-size' header value {error.expected} does not match what was computed: "
        f"{error.actual}"
    )


_TABLE: dict[type[engine.ObjectsError], Any] = {
    engine.BucketMissing: _bucket_missing,
    engine.BucketNotEmpty: _bucket_not_empty,
    engine.ObjectMissing: _object_missing,
    engine.VersionMissing: _version_missing,
    engine.VersionMalformed: _version_malformed,
    engine.MarkerMet: _marker_met,
    engine.UploadMissing: _upload_missing,
    engine.PartMissing: _part_missing,
    engine.PartsUnordered: _parts_unordered,
    engine.PartTooSmall: _part_too_small,
    engine.PartUnchecked: _part_unchecked,
    engine.SizeDiffers: _size_differs,
    engine.ConditionFailed: lambda error: precondition_failed(error.condition),
    engine.DataVanished: lambda error: ServiceError(
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        status=409,
    ),
}


def of(error: engine.ObjectsError) -> ServiceError:
    """What S3 answers to an engine's error."""
    return _TABLE[type(error)](error)
