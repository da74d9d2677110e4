"""What S3 answers though no operation of the model says so: CORS preflights and uploads from browser forms."""

from urllib.parse import unquote_to_bytes

from lakemill.engines.objects import Objects
from lakemill.services.base import HttpRequest
from lakemill.services.s3 import cors

Outside = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, body."""


def place(path: bytes) -> tuple[str, str]:
    """Bucket and key of a raw path."""
    bucket, _, key = path.lstrip(b"/").partition(b"/")
    return unquote_to_bytes(bucket).decode("utf-8", "replace"), unquote_to_bytes(key).decode("utf-8", "replace")


def preflight(objects: Objects, http: HttpRequest, path: bytes) -> Outside:
    """`OPTIONS /bucket/key`."""
    headers = cors.preflight(
        objects,
        place(path)[0],
        http.header("origin"),
        http.header("access-control-request-method"),
        http.header("access-control-request-headers"),
    )
    return 200, list(headers.items()), b""
