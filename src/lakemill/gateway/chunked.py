r"""Request bodies as they stream in: aws-chunked framing taken off, everything that was declared checked on the way.

    decode(pieces, *, signed, length=None, seed=None, trailers=None, expected=()) -> AsyncIterator[bytes]
    plain(pieces, *, length=None, sha256=None, md5=None) -> AsyncIterator[bytes]
    body_pieces(http, verified, trailers=None, *, believe_chunks=False): one of them, by the headers

An aws-chunked body is a row of chunks `<hex length>[;chunk-signature=<64 hex>]\r\n<data>\r\n`, the last of length 0,
then trailer lines `name:value\r\n`, then an empty line. Signed trailers end with `x-amz-trailer-signature:<64 hex>`.

What is yielded is not yet checked: whoever reads must not commit anything before the iteration ended normally.
Pieces are passed on as they are or as one slice; nothing is gathered.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from typing import Any

from lakemill.gateway.sigv4 import (
    EMPTY_SHA256,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    UNSIGNED,
    ChunkSeed,
    Verified,
)
from lakemill.services.base import HttpRequest, ServiceError

LINE_BYTES_MAX = 1024
TRAILER_BYTES_MAX = 16 * 1024
CHUNK_BYTES_MAX = 1 << 40
THREAD_BYTES_MIN = 1 << 19
"""Pieces at least this large are hashed in a thread, smaller ones at once (that takes less than a thread's start)."""

_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_CHUNK_HEAD, _DATA, _DATA_END, _TRAILER, _DONE = range(5)


def incomplete() -> ServiceError:
    """The body is shorter or longer than was declared."""
    return ServiceError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        status=400,
    )


def _garbled(what: str) -> ServiceError:
    return ServiceError("InvalidRequest", f"The aws-chunked body is malformed: {what}.", status=400)


def _bad_trailer() -> ServiceError:
    return ServiceError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        status=400,
    )


def _bad_signature(what: str) -> ServiceError:
    return ServiceError(
        "SignatureDoesNotMatch",
        f"The {what} signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        status=403,
    )


class _Hashing:
    """A digest that takes big pieces in a thread, while the reader works on the same piece."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest
        self._running: asyncio.Future[None] | None = None

    async def feed(self, piece: bytes) -> None:
        await self.settle()
        if len(piece) < THREAD_BYTES_MIN:
            self._digest.update(piece)
        else:
            self._running = asyncio.get_running_loop().run_in_executor(None, self._digest.update, piece)

    async def settle(self) -> None:
        if self._running is not None:
            await self._running
            self._running = None

    async def hexdigest(self) -> str:
        await self.settle()
        return self._digest.hexdigest()

    async def digest(self) -> bytes:
        await self.settle()
        return self._digest.digest()


class _Signatures:
    """The chain of chunk signatures, each made over the one before it."""

    def __init__(self, seed: ChunkSeed) -> None:
        self._key = seed.key
        self._head = f"{seed.date}\n{seed.scope}\n"
        self._previous = seed.signature
        self.chunk = _Hashing(hashlib.sha256())
        self.declared = ""

    def begin(self, declared: str) -> None:
        self.declared = declared
        self.chunk = _Hashing(hashlib.sha256())

    async def end(self) -> None:
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{self._head}{self._previous}\n{EMPTY_SHA256}\n{await self.chunk.hexdigest()}"
        self._check(text, self.declared, "chunk")

    def check_trailer(self, lines: list[bytes], declared: str) -> None:
        canonical = b"".join(line + b"\n" for line in lines)
        text = f"AWS4-HMAC-SHA256-TRAILER\n{self._head}{self._previous}\n{hashlib.sha256(canonical).hexdigest()}"
        self._check(text, declared, "trailer")

    def _check(self, text: str, declared: str, what: str) -> None:
        ours = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(ours.encode(), declared.encode("latin-1", "replace")):
            raise _bad_signature(what)
        self._previous = ours


class _Decoder:
    """The state between two pieces: where we are in the framing, and the beginning of a line that is not whole yet."""

    def __init__(self, seed: ChunkSeed | None) -> None:
        self.state = _CHUNK_HEAD
        self.left = 0
        """Bytes the current chunk still has."""
        self.total = 0
        self.signatures = None if seed is None else _Signatures(seed)
        self.trailer_lines: list[bytes] = []
        self._partial = b""
        self._trailer_bytes = 0

    def take_line(self, piece: bytes, position: int) -> tuple[bytes | None, int]:
        """The line that ends in this piece, and where the next begins; None while its end is not there."""
        end = piece.find(b"\n", position, position + LINE_BYTES_MAX + 2)
        stop = len(piece) if end < 0 else end + 1
        part = self._partial + piece[position:stop]
        if len(part) > LINE_BYTES_MAX or (end < 0 and stop - position > LINE_BYTES_MAX):
            raise _garbled(f"a line is longer than {LINE_BYTES_MAX} bytes")
        if end < 0:
            self._partial = part
            return None, stop
        self._partial = b""
        if not part.endswith(b"\r\n"):
            raise _garbled("a line does not end in CR LF")
        return part[:-2], stop

    def chunk_head(self, line: bytes) -> None:
        size, _, extension = line.partition(b";")
        if not size or len(size) > 16 or not _HEX_DIGITS.issuperset(size):
            raise _garbled("a chunk's length is not a hexadecimal number")
        self.left = int(size, 16)
        if self.left > CHUNK_BYTES_MAX:
            raise _garbled("a chunk is too long")
        if self.signatures is not None:
            name, _, declared = extension.strip().partition(b"=")
            if name != b"chunk-signature" or len(declared) != 64:
                raise _garbled("a chunk has no signature")
            self.signatures.begin(declared.decode("latin-1"))
        self.state = _DATA if self.left else _TRAILER

    def data_end(self, line: bytes) -> None:
        if line:
            raise _garbled("a chunk is longer than it says")
        self.state = _CHUNK_HEAD

    def trailer(self, line: bytes) -> None:
        if not line:
            self.state = _DONE
            return
        self._trailer_bytes += len(line) + 2
        if b":" not in line or self._trailer_bytes > TRAILER_BYTES_MAX:
            raise _bad_trailer()
        self.trailer_lines.append(line)


async def decode(
    pieces: AsyncIterator[bytes],
    *,
    signed: bool,
    length: int | None = None,
    seed: ChunkSeed | None = None,
    trailers: dict[str, str] | None = None,
    expected: Iterable[str] = (),
) -> AsyncIterator[bytes]:
    """The payload of an aws-chunked body.

    signed: every chunk (and the trailer) carries a signature, made from seed on.
    length: bytes the payload must have (x-amz-decoded-content-length).
    trailers: filled with the trailing headers, lower-case names, when the body has ended.
    expected: names that must come as trailers (x-amz-trailer).

    Raises ServiceError: IncompleteBody, InvalidRequest, MalformedTrailerError, SignatureDoesNotMatch.
    """
    if signed and seed is None:
        raise ValueError("a signed body needs the signature of its request")
    decoder = _Decoder(seed if signed else None)
    signatures = decoder.signatures
    async for piece in pieces:
        position, end = 0, len(piece)
        while position < end:
            if decoder.state == _DATA:
                whole = position == 0 and end <= decoder.left
                part = piece if whole else piece[position : position + decoder.left]
                position += len(part)
                decoder.left -= len(part)
                decoder.total += len(part)
                if length is not None and decoder.total > length:
                    raise incomplete()
                if signatures is not None:
                    await signatures.chunk.feed(part)
                if not decoder.left:
                    decoder.state = _DATA_END
                yield part
                continue
            if decoder.state == _DONE:
                raise _garbled("there are bytes after its end")
            line, position = decoder.take_line(piece, position)
            if line is None:
                break
            if decoder.state == _CHUNK_HEAD:
                decoder.chunk_head(line)
                if signatures is not None and decoder.state == _TRAILER:
                    await signatures.end()
            elif decoder.state == _DATA_END:
                decoder.data_end(line)
                if signatures is not None:
                    await signatures.end()
            else:
                decoder.trailer(line)
    if decoder.state != _DONE or (length is not None and decoder.total != length):
        raise incomplete()
    _finish_trailers(decoder, {} if trailers is None else trailers, expected)


def _finish_trailers(decoder: _Decoder, trailers: dict[str, str], expected: Iterable[str]) -> None:
    lines = decoder.trailer_lines
    split = [line.partition(b":") for line in lines]
    found = {name.strip().lower().decode("latin-1"): value.strip().decode("latin-1") for name, _, value in split}
    declared = found.pop("x-amz-trailer-signature", None)
    if decoder.signatures is not None and lines:
        if declared is None:
            raise _bad_signature("trailer")
        canonical = [
            name.strip().lower() + b":" + value.strip()
            for name, _, value in split
            if name.strip().lower() != b"x-amz-trailer-signature"
        ]
        decoder.signatures.check_trailer(canonical, declared)
    if any(name.strip().lower() not in found for name in expected):
        raise _bad_trailer()
    trailers.update(found)


async def plain(
    pieces: AsyncIterator[bytes], *, length: int | None = None, sha256: str | None = None, md5: str | None = None
) -> AsyncIterator[bytes]:
    """A body without framing, held against what was declared about it.

    length: Content-Length. sha256: 64 hex digits. md5: Content-MD5, in base64.
    Raises ServiceError: InvalidDigest at once; IncompleteBody, XAmzContentSHA256Mismatch, BadDigest at the end.
    """
    wanted_md5 = None if md5 is None else _md5_bytes(md5)
    sha = None if sha256 is None else _Hashing(hashlib.sha256())
    other = None if wanted_md5 is None else _Hashing(hashlib.md5(usedforsecurity=False))
    total = 0
    async for piece in pieces:
        total += len(piece)
        if length is not None and total > length:
            raise incomplete()
        if sha is not None:
            await sha.feed(piece)
        if other is not None:
            await other.feed(piece)
        yield piece
    if length is not None and total != length:
        raise incomplete()
    if sha is not None and sha256 is not None and (computed := await sha.hexdigest()) != sha256.lower():
        raise ServiceError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            status=400,
            fields={"ClientComputedContentSHA256": sha256, "S3ComputedContentSHA256": computed},
        )
    if other is not None and wanted_md5 is not None and (found := await other.digest()) != wanted_md5:
        raise ServiceError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            status=400,
            fields={"ExpectedDigest": md5, "CalculatedDigest": base64.b64encode(found).decode()},
        )


def _md5_bytes(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        message = "The Content-MD5 you specified was invalid."
        raise ServiceError("InvalidDigest", message, status=400, fields={"Content-MD5": text})
    return digest


def is_chunked(payload: str) -> bool:
    """Whether the body has aws-chunked framing, by what was declared about it."""
    return payload in (STREAMING_UNSIGNED_TRAILER, STREAMING_SIGNED, STREAMING_SIGNED_TRAILER)


def body_length(http: HttpRequest, payload: str) -> int | None:
    """Bytes of the payload as declared; None when nothing says so. Raises ServiceError for a number that is none."""
    name = "x-amz-decoded-content-length" if is_chunked(payload) else "content-length"
    text = http.header(name)
    if text is None:
        return None
    if not text.isdigit():
        raise ServiceError("InvalidArgument", f"{name} must be a number; got {text!r}.", status=400)
    return int(text)


def body_pieces(
    http: HttpRequest,
    verified: Verified | None,
    trailers: dict[str, str] | None = None,
    *,
    believe_chunks: bool = False,
) -> AsyncIterator[bytes]:
    """The payload of an S3 request, decoded and checked by its headers.

    verified: what sigv4 says; None for an unsigned request, whose declarations are then checked all the same.
    believe_chunks: take signed chunks without checking their signatures (where requests are not authenticated at all).
    """
    payload = verified.payload if verified is not None else http.header("x-amz-content-sha256") or UNSIGNED
    pieces = _received(http)
    length = body_length(http, payload)
    md5 = http.header("content-md5")
    if not is_chunked(payload):
        return plain(pieces, length=length, sha256=payload if len(payload) == 64 else None, md5=md5)
    signed = payload != STREAMING_UNSIGNED_TRAILER and not believe_chunks
    if signed and verified is None:
        raise ServiceError("AccessDenied", "A body with signed chunks needs a signed request.", status=403)
    expected = [name for name in (http.header("x-amz-trailer") or "").split(",") if name.strip()]
    if length is None:
        raise ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
    decoded = decode(
        pieces,
        signed=signed,
        length=length,
        seed=verified.seed if verified is not None else None,
        trailers=trailers,
        expected=expected,
    )
    return decoded if md5 is None else plain(decoded, md5=md5)


async def _received(http: HttpRequest) -> AsyncIterator[bytes]:
    while (piece := await http.receive()) is not None:
        yield piece
