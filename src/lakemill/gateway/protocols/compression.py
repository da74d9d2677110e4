"""Request bodies that came compressed, which SDKs do for large calls of operations that allow it (PutMetricData)."""

from __future__ import annotations

import zlib

from lakemill.services.base import HttpRequest, ServiceError

BYTES_MAX = 64 << 20
"""A body may not unfold to more; a small one could otherwise fill the memory."""


def unfolded(http: HttpRequest, body: bytes) -> bytes:
    """The body without its Content-Encoding. Raises ServiceError for what is no gzip, or too large."""
    if http.header("content-encoding") != "gzip":
        return body
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, BYTES_MAX)
    except zlib.error as error:
        raise ServiceError("SerializationException", f"The request body is not gzip: {error}", status=400) from None
    if inflater.unconsumed_tail:
        raise ServiceError("RequestEntityTooLarge", f"The body unfolds to more than {BYTES_MAX} bytes.", status=413)
    if not inflater.eof:
        raise ServiceError("SerializationException", "The request body is not gzip: it is cut off.", status=400)
    return plain
