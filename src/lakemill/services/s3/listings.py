"""Listings of objects and versions."""

import base64
from typing import Any
from urllib.parse import quote

from lakemill.engines.objects import Objects
from lakemill.services.base import Call
from lakemill.services.s3 import errors
from lakemill.services.s3.answers import listed, owner_of
from lakemill.services.s3.handler import operation

PAGE_MAX = 1000


class ListingOperations:
    """Mixed into the service."""

    objects: Objects

    @operation("ListObjectsV2")
    def list_objects_v2(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        encode = encoder(request)
        most = page_size(request, "MaxKeys", "max-keys")
        token = request.get("ContinuationToken")
        if token == "":
            raise errors.invalid_argument("The continuation token provided is incorrect", "continuation-token")
        after = _token_read(token) if token else request.get("StartAfter") or ""
        prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
        page = self.objects.page(request["Bucket"], prefix, delimiter, after, most)
        contents = [listed(record) for record in page.entries]
        if request.get("FetchOwner"):
            owner = owner_of(self.objects.buckets.named(request["Bucket"]).owner)
            for entry in contents:
                entry["Owner"] = owner
        answer = _common(request, encode, most, prefix, delimiter, contents, page.prefixes)
        answer["KeyCount"] = len(contents) + len(page.prefixes)
        answer["IsTruncated"] = page.last is not None
        if page.last is not None:
            answer["NextContinuationToken"] = _token(page.last[0])
        if token:
            answer["ContinuationToken"] = token
        if request.get("StartAfter"):
            answer["StartAfter"] = encode(request["StartAfter"])
        return answer

    @operation("ListObjects")
    def list_objects(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        encode = encoder(request)
        most = page_size(request, "MaxKeys", "max-keys")
        prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
        page = self.objects.page(request["Bucket"], prefix, delimiter, request.get("Marker") or "", most)
        owner = owner_of(self.objects.buckets.named(request["Bucket"]).owner)
        contents = [listed(record) | {"Owner": owner} for record in page.entries]
        answer = _common(request, encode, most, prefix, delimiter, contents, page.prefixes)
        answer["Marker"] = encode(request.get("Marker") or "")
        answer["IsTruncated"] = page.last is not None
        if page.last is not None and delimiter:
            answer["NextMarker"] = encode(page.last[0])
        return answer

    @operation("ListObjectVersions")
    def list_object_versions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        encode = encoder(request)
        most = page_size(request, "MaxKeys", "max-keys")
        prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
        key_marker, version_marker = request.get("KeyMarker") or "", request.get("VersionIdMarker") or ""
        if version_marker and not key_marker:
            message = "A version-id marker cannot be specified without a key marker."
            raise errors.invalid_argument(message, "version-id-marker", version_marker)
        sequence = self.objects.sequence(request["Bucket"], key_marker, version_marker) if version_marker else None
        page = self.objects.version_page(
            request["Bucket"],
            prefix=prefix,
            delimiter=delimiter,
            after=key_marker,
            after_sequence=sequence,
            limit=most,
        )
        owner = owner_of(self.objects.buckets.named(request["Bucket"]).owner)
        versions, markers = [], []
        for record, latest in page.entries:
            which = {"VersionId": record.version_id, "IsLatest": latest, "Owner": owner}
            if record.marker:
                markers.append({"Key": encode(record.key), "LastModified": record.last_modified, **which})
            else:
                entry = listed(record) | which
                entry["Key"] = encode(record.key)
                versions.append(entry)
        answer = _common(request, encode, most, prefix, delimiter, None, page.prefixes)
        answer |= {"KeyMarker": encode(key_marker), "VersionIdMarker": version_marker}
        answer["IsTruncated"] = page.last is not None
        if versions:
            answer["Versions"] = versions
        if markers:
            answer["DeleteMarkers"] = markers
        if page.last is not None:
            answer["NextKeyMarker"] = encode(page.last[0])
            if page.entries and page.entries[-1][0].key == page.last[0]:
                answer["NextVersionIdMarker"] = page.entries[-1][0].version_id
        return answer


def _common(
    request: dict[str, Any],
    encode: Any,
    most: int,
    prefix: str,
    delimiter: str,
    contents: list[dict[str, Any]] | None,
    prefixes: list[str],
) -> dict[str, Any]:
    """What all listings tell."""
    answer: dict[str, Any] = {"Name": request["Bucket"], "Prefix": encode(prefix), "MaxKeys": most}
    if contents:
        if request.get("EncodingType"):
            for entry in contents:
                entry["Key"] = encode(entry["Key"])
        answer["Contents"] = contents
    if delimiter:
        answer["Delimiter"] = encode(delimiter)
    if prefixes:
        answer["CommonPrefixes"] = [{"Prefix": encode(one)} for one in prefixes]
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    return answer


def encoder(request: dict[str, Any]) -> Any:
    """How keys are written: percent-encoded when asked for, else as they are."""
    kind = request.get("EncodingType")
    if kind not in (None, "url"):
        raise errors.invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", kind)
    return _percent if kind else str


def _percent(text: str) -> str:
    return quote(text, safe="/")


def page_size(request: dict[str, Any], member: str, parameter: str) -> int:
    """How many entries at most; beyond 1000 means 1000."""
    most = request.get(member, PAGE_MAX)
    if not 0 <= most < 2**31:
        name = f"{member[0].lower()}{member[1:]}"
        raise errors.invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647", parameter, most)
    return min(most, PAGE_MAX)


def _token(last: str) -> str:
    """A continuation token; opaque to clients."""
    return base64.urlsafe_b64encode(b"1" + last.encode()).decode()


def _token_read(token: str) -> str:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        if raw[:1] != b"1":
            raise ValueError(token)
        return raw[1:].decode()
    except ValueError:
        raise errors.invalid_argument("The continuation token provided is incorrect", "continuation-token") from None
