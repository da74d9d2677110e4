"""Names as S3 allows them: buckets, keys, ETags, the source of a copy."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import unquote

from lakemill.services.base import ServiceError
from lakemill.services.s3.errors import invalid_argument

KEY_BYTES_MAX = 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket_name(name: str) -> None:
    """The rules for general purpose buckets. Raises InvalidBucketName."""
    if (
        _BUCKET.match(name)
        and not any(pair in name for pair in ("..", ".-", "-."))
        and not _is_address(name)
        and not name.startswith(_PREFIXES)
        and not name.endswith(_SUFFIXES)
    ):
        return
    raise ServiceError(
        "InvalidBucketName", "The specified bucket is not valid.", status=400, fields={"BucketName": name}
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def check_key(key: str) -> None:
    """Raises KeyTooLongError."""
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > KEY_BYTES_MAX:
        fields = {"Size": str(size), "MaxSizeAllowed": str(KEY_BYTES_MAX)}
        raise ServiceError("KeyTooLongError", "Your key is too long", status=400, fields=fields)


class CopySource(NamedTuple):
    """What is to be copied."""

    bucket: str
    key: str
    version_id: str | None


def copy_source(text: str) -> CopySource:
    """`/bucket/key?versionId=...`, percent-encoded. Raises InvalidArgument.

    >>> copy_source("/lake/a%20b?versionId=v1")
    CopySource(bucket='lake', key='a b', version_id='v1')
    """
    path, _, query = text.partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if bucket.startswith("arn:"):
        raise invalid_argument("Copy sources by access point ARN are not provided.", "x-amz-copy-source", text)
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise invalid_argument(message, "x-amz-copy-source", text)
    return CopySource(bucket, key, unquote(query) or None)


def quoted(etag: str) -> str:
    """An ETag as headers carry it."""
    return f'"{etag}"'


def unquoted(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def matches(given: str, etag: str) -> bool:
    """Whether a list of ETags (or `*`) has this one.

    >>> matches('"a", "b"', "b")
    True
    """
    return any(one.strip() == "*" or unquoted(one) == etag for one in given.split(","))
