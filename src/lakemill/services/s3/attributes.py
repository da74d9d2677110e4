"""From a write request to what is kept with the object: type, headers, metadata, class, tags, checksums."""

import base64
import binascii
from collections.abc import Callable
from email.header import Header
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from lakemill.engines.objects import Attributes, WriteConditions, checksums
from lakemill.engines.objects.intake import Digests
from lakemill.engines.objects.records import DEFAULT_CONTENT_TYPE
from lakemill.services.base import Call, ServiceError
from lakemill.services.s3 import errors
from lakemill.services.s3.answers import given_checksums
from lakemill.services.s3.names import unquoted

METADATA_BYTES_MAX = 2048
TAGS_MAX = 10
STORAGE_CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
)
"""Kept and told; all are served from the same disk at the same speed."""
ARCHIVE_CLASSES = ("GLACIER", "DEEP_ARCHIVE")
KEPT_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "WebsiteRedirectLocation")


def attributes_of(call: Call, request: dict[str, Any]) -> Attributes:
    """What a PutObject, CopyObject or CreateMultipartUpload attaches."""
    return Attributes(
        content_type=request.get("ContentType") or DEFAULT_CONTENT_TYPE,
        headers=_headers(call, request),
        metadata=metadata_of(request.get("Metadata") or {}),
        storage_class=storage_class(request),
        tags=header_tags(request.get("Tagging")),
    )


def _headers(call: Call, request: dict[str, Any]) -> dict[str, str]:
    found = {name: request[name] for name in KEPT_HEADERS if request.get(name)}
    if encoding := found.pop("ContentEncoding", None):
        kept = [one.strip() for one in encoding.split(",") if one.strip() not in ("", "aws-chunked")]
        if kept:
            found["ContentEncoding"] = ",".join(kept)
    if expires := request.get("Expires"):
        # Kept as it was sent: S3 gives it back so, even where it is no date.
        found["Expires"] = call.http.header("expires") or (
            expires if isinstance(expires, str) else format_datetime(expires, usegmt=True)
        )
    redirect = found.get("WebsiteRedirectLocation", "/")
    if not redirect.startswith(("/", "http://", "https://")):
        raise ServiceError(
            "InvalidRedirectLocation",
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            status=400,
        )
    return found


def metadata_of(given: dict[str, str]) -> dict[str, str]:
    """User metadata, names in lower case, at most 2 KB of it. Raises MetadataTooLarge."""
    metadata = {name.lower(): _utf8(value) for name, value in given.items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_BYTES_MAX:
        fields = {"Size": str(size), "MaxSizeAllowed": str(METADATA_BYTES_MAX)}
        text = "Your metadata headers exceed the maximum allowed metadata size"
        raise ServiceError("MetadataTooLarge", text, status=400, fields=fields)
    return metadata


def _utf8(value: str) -> str:
    """Headers arrive as latin-1; who sends more than ASCII sends UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def told_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """User metadata for a response: what is not ASCII in RFC 2047's form."""
    return {
        name: value if value.isascii() else Header(value, "utf-8", maxlinelen=100_000).encode()
        for name, value in metadata.items()
    }


def storage_class(request: dict[str, Any]) -> str:
    named = request.get("StorageClass") or "STANDARD"
    if named in ARCHIVE_CLASSES:
        raise errors.not_provided(f"the storage class {named}, which needs restores from an archive,")
    if named not in STORAGE_CLASSES:
        raise ServiceError("InvalidStorageClass", "The storage class you specified is not valid", status=400)
    return named


def header_tags(text: str | None) -> dict[str, str]:
    """The x-amz-tagging header: tags as a URL query."""
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(dict(pairs)) != len(pairs):
        raise errors.invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            "x-amz-tagging",
            text,
        )
    return checked_tags(pairs)


def tags_of(tag_set: list[dict[str, str]], most: int = TAGS_MAX) -> dict[str, str]:
    """Tags of an XML body."""
    pairs = [(tag["Key"], tag["Value"]) for tag in tag_set]
    if len(dict(pairs)) != len(pairs):
        raise ServiceError("InvalidTag", "Cannot provide multiple Tags with the same key", status=400)
    return checked_tags(pairs, most)


def checked_tags(pairs: list[tuple[str, str]], most: int = TAGS_MAX) -> dict[str, str]:
    if len(pairs) > most:
        whose = "Object" if most == TAGS_MAX else "Bucket"
        raise ServiceError("BadRequest", f"{whose} tags cannot be greater than {most}", status=400)
    for key, value in pairs:
        if not 1 <= len(key) <= 128:
            raise ServiceError("InvalidTag", "The TagKey you have provided is invalid", status=400)
        if len(value) > 256:
            raise ServiceError("InvalidTag", "The TagValue you have provided is invalid", status=400)
        if key.startswith("aws:"):
            raise ServiceError("InvalidTag", "System tags cannot be added/updated by requester", status=400)
    return dict(pairs)


def write_conditions(request: dict[str, Any]) -> WriteConditions | None:
    """If-Match and If-None-Match of a write."""
    match, none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if none_match and none_match != "*":
        message = "A header you provided implies functionality that is not implemented"
        raise ServiceError("NotImplemented", message, status=501, fields={"Header": "If-None-Match"})
    if not match and not none_match:
        return None
    return WriteConditions(unquoted(match) if match else None, bool(none_match))


class Expected(NamedTuple):
    """The checksums a writer gives: the algorithm to keep, and how to hold the bytes against what was said."""

    algorithm: str | None
    """None when the writer gave no checksum beyond Content-MD5."""
    check: Callable[[Digests], None]


def expected_digests(call: Call, request: dict[str, Any], trailers: dict[str, str] | None = None) -> Expected:
    """From headers, announced trailers (whose values are there when the body has ended) and Content-MD5."""
    md5 = _content_md5(request.get("ContentMD5"))
    given = given_checksums(request)
    if len(given) > 1:
        raise errors.invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    for name, value in given.items():
        _check_form(name, value)
    trailer = _trailer_algorithm(call)
    if trailer and given:
        raise errors.invalid_request("Expecting a single x-amz-checksum- header")
    algorithm = trailer or next(iter(given), None)
    declared = request.get("ChecksumAlgorithm")
    if declared and algorithm is None:
        raise errors.invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found."
        )
    if declared and declared != algorithm:
        raise errors.invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")

    def check(digests: Digests) -> None:
        if md5 is not None and md5 != digests.md5:
            raise errors.bad_digest(
                "Content-MD5", base64.b64encode(md5).decode(), base64.b64encode(digests.md5).decode()
            )
        expected = dict(given)
        if trailer:
            value = (trailers or {}).get(f"x-amz-checksum-{trailer.lower()}")
            if value is None:
                raise ServiceError(
                    "MalformedTrailerError",
                    "The request contained trailing data that was not well-formed or did not conform to our published "
                    "schema.",
                    status=400,
                )
            _check_form(trailer, value)
            expected[trailer] = value
        for name, value in expected.items():
            if digests.checksums[name] != value:
                raise errors.bad_digest(name, value, digests.checksums[name])

    return Expected(algorithm, check)


def _content_md5(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        md5 = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise errors.invalid_digest() from None
    if len(md5) != 16:
        raise errors.invalid_digest()
    return md5


def _check_form(algorithm: str, value: str) -> None:
    try:
        size = len(base64.b64decode(value, validate=True))
    except binascii.Error:
        size = -1
    if size != checksums.DIGEST_BYTES[algorithm]:
        raise errors.invalid_request(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def _trailer_algorithm(call: Call) -> str | None:
    announced = call.http.header("x-amz-trailer")
    if not announced:
        return None
    name = announced.strip().lower().removeprefix("x-amz-checksum-").upper()
    if name not in checksums.ALGORITHMS:
        raise errors.invalid_request("The value specified in the x-amz-trailer header is not supported")
    return name
