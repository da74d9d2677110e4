"""Request bodies: read whole where the protocol needs them so, handed on piece by piece where they may be large."""

from lakemill.engines.objects import checksums
from lakemill.gateway import chunked
from lakemill.gateway.sigv4 import Verified
from lakemill.services.base import BODY_BYTES_MAX, BodyReader, HttpRequest, ServiceError

__all__ = ["BODY_BYTES_MAX", "document", "streamed", "whole"]


async def whole(http: HttpRequest, limit: int, error: ServiceError | None = None) -> bytes:
    """The body as bytes; `error` (or a general one, status 413) if it is larger than limit."""
    declared = http.header("content-length")
    length = int(declared) if declared and declared.isdigit() else None
    if length is not None and length > limit:
        raise error or _too_large(limit)
    first = await http.receive()
    if first is None:
        return b""
    if length == len(first):
        return first
    parts, total = [first], len(first)
    while (piece := await http.receive()) is not None:
        parts.append(piece)
        total += len(piece)
        if total > limit:
            raise error or _too_large(limit)
    if length is not None and total != length:
        raise ServiceError("IncompleteBody", "The request body ended before Content-Length was reached.", status=400)
    return b"".join(parts)


def _too_large(limit: int) -> ServiceError:
    return ServiceError("RequestEntityTooLarge", f"The body must be at most {limit} bytes.", status=413)


async def document(http: HttpRequest, reader: BodyReader, *, checksummed: bool) -> bytes:
    """An S3 request's XML, whole. checksummed: the operation takes x-amz-checksum-* of its body, which must be right.

    Raises ServiceError (BadDigest, and what reading raises).
    """
    body = await reader.read(BODY_BYTES_MAX)
    if checksummed:
        for algorithm in checksums.ALGORITHMS:
            name = f"x-amz-checksum-{algorithm.lower()}"
            declared = http.header(name) or reader.trailers.get(name)
            if declared is not None and declared != checksums.of(algorithm, body):
                text = f"The {algorithm} you specified did not match the calculated checksum."
                raise ServiceError("BadDigest", text, status=400)
    return body


def streamed(http: HttpRequest, verified: Verified | None, *, unchecked: bool) -> BodyReader:
    """The body of an S3 request as it arrives: framing taken off, what was signed and declared checked on the way."""
    trailers: dict[str, str] = {}
    pieces = chunked.body_pieces(http, verified, trailers, believe_chunks=unchecked)
    declared = http.header("x-amz-decoded-content-length") or http.header("content-length")
    return BodyReader(pieces, int(declared) if declared and declared.isdigit() else None, trailers)
