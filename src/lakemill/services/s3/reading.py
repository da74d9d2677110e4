"""Conditional and ranged reads: what RFC 9110 says, with S3's precedence."""

import datetime
import re
from typing import Any, NamedTuple

from lakemill.engines.objects import ObjectRecord
from lakemill.services.base import ServiceError
from lakemill.services.s3.errors import precondition_failed
from lakemill.services.s3.names import matches

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z", re.IGNORECASE)


def not_modified(request: dict[str, Any], record: ObjectRecord) -> bool:
    """Whether the answer is 304. Raises PreconditionFailed.

    If-Match that holds outweighs If-Unmodified-Since; If-None-Match that is given outweighs If-Modified-Since.
    """
    if match := request.get("IfMatch"):
        if not matches(match, record.etag):
            raise precondition_failed("If-Match")
    elif (since := request.get("IfUnmodifiedSince")) and record.last_modified > _whole(since):
        raise precondition_failed("If-Unmodified-Since")
    if none_match := request.get("IfNoneMatch"):
        return matches(none_match, record.etag)
    since = request.get("IfModifiedSince")
    return since is not None and record.last_modified <= _whole(since)


SOURCE_CONDITIONS = {
    "CopySourceIfMatch": "IfMatch",
    "CopySourceIfNoneMatch": "IfNoneMatch",
    "CopySourceIfModifiedSince": "IfModifiedSince",
    "CopySourceIfUnmodifiedSince": "IfUnmodifiedSince",
}


def check_source(request: dict[str, Any], record: ObjectRecord) -> None:
    """The conditions on the source of a copy; all of them fail with 412."""
    conditions = {name: request[member] for member, name in SOURCE_CONDITIONS.items() if request.get(member)}
    if not_modified(conditions, record):
        raise precondition_failed(
            "x-amz-copy-source-If-None-Match" if "IfNoneMatch" in conditions else "x-amz-copy-source-If-Modified-Since"
        )


def _whole(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


class ByteRange(NamedTuple):
    """Bytes [offset, offset + length)."""

    offset: int
    length: int

    def header(self, size: int) -> str:
        """Content-Range."""
        return f"bytes {self.offset}-{self.offset + self.length - 1}/{size}"


def byte_range(text: str | None, size: int) -> ByteRange | None:
    """The asked range of an object of so many bytes; None where the whole is to be sent. Raises InvalidRange.

    What is no single byte range is ignored, as S3 does.

    >>> byte_range("bytes=-3", 10)
    ByteRange(offset=7, length=3)
    """
    match = _RANGE.match(text) if text else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if length == 0:
            raise invalid_range(text, size)
        return ByteRange(size - length, length)
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise invalid_range(text, size)
    return ByteRange(first, last - first + 1)


def invalid_range(text: str | None, size: int) -> ServiceError:
    return ServiceError(
        "InvalidRange",
        "The requested range is not satisfiable",
        status=416,
        fields={"RangeRequested": text or "", "ActualObjectSize": str(size)},
        headers={"content-range": f"bytes */{size}"},
    )
