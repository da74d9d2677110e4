"""S3's ways with REST and XML: its roots, its errors, its own words for what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakemill.gateway import errors, moments
from lakemill.gateway.constraints import violations
from lakemill.gateway.protocols import xmltree, xmlwrite
from lakemill.gateway.protocols.base import Family, WireResponse, overridden
from lakemill.gateway.protocols.located import TextRefused
from lakemill.gateway.protocols.restxml import RestXml
from lakemill.services.base import HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

# What S3 calls the root of an answer when it is not the payload's name.
_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListParts": "ListPartsResult",
}

# S3 has its own words for some values it does not know.
_ENUMS = {
    "MetadataDirective": ("InvalidArgument", "Unknown metadata directive."),
    "TaggingDirective": ("InvalidArgument", "Unknown tagging directive."),
    "EncodingType": ("InvalidArgument", "Invalid Encoding Method specified in Request"),
    "StorageClass": ("InvalidStorageClass", "The storage class you specified is not valid"),
    "ServerSideEncryption": ("InvalidArgument", "The encryption method specified is not supported"),
    "ObjectLockMode": ("InvalidArgument", "Unknown wormMode directive."),
    "ObjectLockLegalHoldStatus": ("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'"),
    "ChecksumAlgorithm": (
        "InvalidRequest",
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
        "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    ),
}
# Earlier documentation called it so, and clients still do.
_OTHER_ROOTS = {"SelectRequest"}
# And some it judges itself, whatever the model lists.
_OPEN_ENUMS = {"BucketLocationConstraint", "Event"}
_ANY_CASE = {"ChecksumMode"}
"""Enumerations whose values count in any case: Arrow's S3 client asks for checksums in small letters."""
_CONDITIONAL_DATES = {"if-modified-since", "if-unmodified-since"}
_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


class S3Xml(RestXml):
    """S3: bare `<Error>` bodies, its own request ids, MalformedXML and InvalidArgument instead of validation errors."""

    family: Family = "s3"
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    request_id_header = "x-amz-request-id"
    blob_type = "binary/octet-stream"
    hoisted = "x-amz-"
    iso = staticmethod(moments.to_iso_millis)

    def fixed_headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]

    def root(self, operation: OperationModel | None, tag: str) -> str:
        return _ROOTS.get(operation.name, tag) if operation is not None else tag

    def body_writer(
        self, operation: OperationModel | None, service: ServiceModel, shape: StructureShape, names: list[str], tag: str
    ) -> Callable[[dict[str, Any]], bytes]:
        if operation is None or operation.name != "GetBucketLocation":
            return super().body_writer(operation, service, shape, names, tag)
        # The value is the root itself, empty for us-east-1.
        start = f"{xmlwrite.DECLARATION}<LocationConstraint{xmlwrite.namespace(self.namespace)}>"
        return lambda value: (
            f"{start}{xmlwrite.escape(value.get('LocationConstraint') or '')}</LocationConstraint>".encode()
        )

    def adjust(self, http: HttpRequest, value: dict[str, Any]) -> None:
        """aws-chunked is framing: not part of the object's encoding, and the length declared is the framed one."""
        encoding = value.get("ContentEncoding")
        if encoding is None or "aws-chunked" not in encoding:
            return
        kept = [part for part in (part.strip() for part in encoding.split(",")) if part != "aws-chunked"]
        if kept:
            value["ContentEncoding"] = ",".join(kept)
        else:
            del value["ContentEncoding"]
        decoded = http.header("x-amz-decoded-content-length")
        value.pop("ContentLength", None)
        if decoded is not None and decoded.isdecimal():
            value["ContentLength"] = int(decoded)

    def absent(self, wire: str, shape: Shape) -> bool:
        # A conditional date that is no date is ignored, as HTTP says; so is `encoding-type=`.
        return wire in _CONDITIONAL_DATES or (wire == "" and bool(shape.metadata.get("enum")))

    def not_found(self, service: ServiceModel, http: HttpRequest) -> ServiceError:
        fields = {"Method": http.method, "ResourceType": "SERVICE" if http.raw_path == b"/" else "OBJECT"}
        return ServiceError(
            "MethodNotAllowed", "The specified method is not allowed against this resource.", status=405, fields=fields
        )

    def check_root(self, node: xmltree.Node, shape: StructureShape) -> None:
        if node.tag not in (shape.serialization.get("name"), shape.name) and node.tag not in _OTHER_ROOTS:
            raise xmltree.XmlRefused(f"{node.tag} is not what this operation takes")

    def unreadable(self, problem: Exception) -> ServiceError:
        return ServiceError("MalformedXML", _MALFORMED, status=400)

    def refused(self, problem: Exception) -> ServiceError:
        if isinstance(problem, TextRefused):
            return self._invalid(problem.name, problem.shape, problem.value)
        return ServiceError("InvalidURI", "Couldn't parse the specified URI.", status=400)

    def _invalid(self, wire: str, shape: Shape, value: str) -> ServiceError:
        wanted = "an integer or within integer range" if shape.type_name in ("integer", "long") else "valid"
        fields = {"ArgumentName": wire, "ArgumentValue": value}
        return ServiceError("InvalidArgument", f"Provided {wire} not {wanted}", status=400, fields=fields)

    def broken(self, shape: StructureShape, value: dict[str, Any]) -> ServiceError | None:
        for name, member in shape.members.items():
            given, here = value.get(name), member.serialization
            if given is None:
                if name in shape.required_members:
                    return self._missing(name, member, shape.serialization.get("payload") == name)
            elif "location" in here:
                if problem := self._argument(here.get("name", name), member, given):
                    return problem
            elif member.type_name == "structure" and violations(member, given, _OPEN_ENUMS):
                return ServiceError("MalformedXML", _MALFORMED, status=400)
        return None

    def _missing(self, name: str, member: Any, is_payload: bool) -> ServiceError:
        if is_payload:
            return ServiceError("MissingRequestBodyError", "Request Body is empty", status=400)
        if "location" not in member.serialization:
            return ServiceError("MalformedXML", _MALFORMED, status=400)
        wire = member.serialization.get("name", name)
        fields = {"ArgumentName": wire, "ArgumentValue": "null"}
        return ServiceError("InvalidArgument", f"The {wire} parameter must be given.", status=400, fields=fields)

    def _argument(self, wire: str, member: Any, given: Any) -> ServiceError | None:
        values = given if isinstance(given, list) else [given]
        scalar = member.member if member.type_name == "list" else member
        enum = scalar.metadata.get("enum")
        if scalar.name in _ANY_CASE:
            values = [value.upper() for value in values]
        wrong = [value for value in values if enum and value not in enum]
        if wrong:
            code, message = _ENUMS.get(scalar.name, ("InvalidArgument", f"Provided {wire} not valid"))
            fields = {"ArgumentName": wire, "ArgumentValue": str(wrong[0])} if code == "InvalidArgument" else {}
            return ServiceError(code, message, status=400, fields=fields)
        if scalar.name not in _ANY_CASE and violations(_Alone(member), {"value": given}):
            return self._invalid(wire, member, str(given))
        return None

    def encode_error(
        self,
        error: ServiceError,
        request_id: str,
        *,
        operation: OperationModel | None = None,
        service: ServiceModel | None = None,
        resource: str = "",
        head: bool = False,
    ) -> WireResponse:
        # The model gives most of S3's errors no status, so the table goes first.
        status = error.status or errors.S3_STATUS.get(error.code, 400)
        fields = overridden(self.fixed_headers(request_id), error.headers)
        if head or status == 304:
            return WireResponse(status, fields, b"")
        named: dict[str, Any] = {"Code": error.code, "Message": error.message, **error.fields}
        if resource:
            named.setdefault("Resource", resource)
        named |= {"RequestId": request_id, "HostId": request_id}
        inner = "".join(f"<{name}>{xmlwrite.escape(str(value))}</{name}>" for name, value in named.items())
        fields.append(("content-type", "application/xml"))
        return WireResponse(status, fields, f"{xmlwrite.DECLARATION}<Error>{inner}</Error>".encode())


class _Alone:
    """One member as a structure, so that the constraints of a single value can be asked for."""

    def __init__(self, member: Any) -> None:
        self.members = {"value": member}
        self.required_members: list[str] = []
