"""CopyObject and UploadPartCopy."""

import re
from typing import Any

from lakemill.engines.objects import Attributes, MarkerMet, ObjectRecord, Objects
from lakemill.services.base import Call
from lakemill.services.s3 import errors
from lakemill.services.s3.answers import CHECKSUMS, checksum_members
from lakemill.services.s3.attributes import attributes_of, header_tags, write_conditions
from lakemill.services.s3.handler import CUSTOMER_KEY, SOURCE_CUSTOMER_KEY, WRITE, operation
from lakemill.services.s3.names import check_key, copy_source, quoted
from lakemill.services.s3.objects import check_acl
from lakemill.services.s3.reading import check_source

COPY_BYTES_MAX = 5 << 30
_RANGE = re.compile(r"bytes=(\d+)-(\d+)\Z")


class CopyOperations:
    """Mixed into the service."""

    objects: Objects
    version_member: Any

    @operation("CopyObject", refuses=WRITE | SOURCE_CUSTOMER_KEY | {"AnnotationDirective": ""})
    async def copy_object(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_key(request["Key"])
        check_acl(request)
        source = self._source(request)
        if source.size > COPY_BYTES_MAX:
            raise errors.invalid_request(
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{COPY_BYTES_MAX}"
            )
        attributes = _attributes(call, request, source)
        _check_change(request, source, attributes)
        record = await self.objects.copy(
            source,
            request["Bucket"],
            request["Key"],
            attributes,
            conditions=write_conditions(request),
            algorithm=request.get("ChecksumAlgorithm"),
        )
        result = {
            "ETag": quoted(record.etag),
            "LastModified": record.last_modified,
            **checksum_members(record.checksum),
        }
        return {"CopyObjectResult": result, **self.version_member(record), **self._source_version(source)}

    @operation("UploadPartCopy", refuses=CUSTOMER_KEY | SOURCE_CUSTOMER_KEY)
    async def upload_part_copy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        upload = self.objects.uploads.named(request["Bucket"], request["Key"], request["UploadId"])
        source = self._source(request)
        offset, length = _copy_range(request.get("CopySourceRange"), source.size)
        if length > COPY_BYTES_MAX:
            raise errors.entity_too_large(length, COPY_BYTES_MAX)
        part = await self.objects.uploads.copy_part(upload, request["PartNumber"], source, offset, length)
        result: dict[str, Any] = {"ETag": quoted(part.etag), "LastModified": part.last_modified}
        if upload.algorithm:
            result[CHECKSUMS[upload.algorithm]] = part.checksums[upload.algorithm]
        return {"CopyPartResult": result, **self._source_version(source)}

    def _source(self, request: dict[str, Any]) -> ObjectRecord:
        place = copy_source(request["CopySource"])
        expected = request.get("ExpectedSourceBucketOwner")
        if expected and self.objects.buckets.named(place.bucket).owner != expected:
            raise errors.access_denied()
        try:
            source = self.objects.head(*place)
        except MarkerMet:
            raise errors.invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id."
            ) from None
        check_source(request, source)
        return source

    def _source_version(self, source: ObjectRecord) -> dict[str, str]:
        return {f"CopySource{name}": value for name, value in self.version_member(source).items()}


def _attributes(call: Call, request: dict[str, Any], source: ObjectRecord) -> Attributes:
    """What the copy carries: the source's or the request's, as the directives say; the request's storage class."""
    for directive in ("MetadataDirective", "TaggingDirective"):
        if request.get(directive, "COPY") not in ("COPY", "REPLACE"):
            raise errors.invalid_argument(f"Unknown {directive[:-9].lower()} directive.", directive, request[directive])
    given = attributes_of(call, request | {"Tagging": None})
    if request.get("MetadataDirective", "COPY") == "COPY":
        kept = {name: value for name, value in source.attributes.headers.items() if name != "WebsiteRedirectLocation"}
        if redirect := given.headers.get("WebsiteRedirectLocation"):
            kept["WebsiteRedirectLocation"] = redirect
        given.content_type, given.headers, given.metadata = source.content_type, kept, source.attributes.metadata
    if request.get("TaggingDirective", "COPY") == "REPLACE":
        given.tags = header_tags(request.get("Tagging"))
    else:
        given.tags = source.attributes.tags
    return given


def _check_change(request: dict[str, Any], source: ObjectRecord, attributes: Attributes) -> None:
    """A copy onto itself must change something."""
    if (request["Bucket"], request["Key"]) != (source.bucket, source.key):
        return
    asked = ("StorageClass", "WebsiteRedirectLocation", "ChecksumAlgorithm")
    if (
        request.get("MetadataDirective") == "REPLACE"
        or any(request.get(name) for name in asked)
        or "versionId=" in request["CopySource"]
    ):
        return
    raise errors.invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes."
    )


def _copy_range(text: str | None, size: int) -> tuple[int, int]:
    if not text:
        return 0, size
    match = _RANGE.match(text)
    if match is None or int(match[1]) > int(match[2]):
        raise errors.invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            text,
        )
    if int(match[2]) >= size:
        raise errors.invalid_argument(
            f"Range specified is not valid for source object of size: {size}", "x-amz-copy-source-range", text
        )
    return int(match[1]), int(match[2]) - int(match[1]) + 1
