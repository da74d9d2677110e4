"""Checksums of streams, and of an object from those of its parts.

MD5 (the ETag) costs about 1.5 ns a byte and is the bound of every upload; the CRCs cost 20 to 200 times less.
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from awscrt import checksums as crt

DEFAULT_ALGORITHM = "CRC64NVME"
"""What an object gets when its writer asked for nothing."""


class Running(Protocol):
    """A checksum under way."""

    def update(self, data: bytes) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[Any, int], int], width: int) -> None:
        self._function, self._width, self._value = function, width, 0

    def update(self, data: bytes) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


class _XxHash:
    def __init__(self, running: crt.XXHash) -> None:
        self._running = running
        self._digest: bytes | None = None

    def update(self, data: bytes) -> None:
        self._running.update(data)

    def digest(self) -> bytes:
        if self._digest is None:  # It can be finalised only once.
            self._digest = self._running.finalize()
        return self._digest


_MAKERS: dict[str, Callable[[], Running]] = {
    "CRC32": lambda: _Crc(zlib.crc32, 4),
    "CRC32C": lambda: _Crc(crt.crc32c, 4),
    "CRC64NVME": lambda: _Crc(crt.crc64nvme, 8),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": lambda: hashlib.sha256(usedforsecurity=False),
    "SHA512": lambda: hashlib.sha512(usedforsecurity=False),
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
    "XXHASH64": lambda: _XxHash(crt.XXHash.new_xxhash64()),
    "XXHASH3": lambda: _XxHash(crt.XXHash.new_xxhash3_64()),
    "XXHASH128": lambda: _XxHash(crt.XXHash.new_xxhash3_128()),
}
_COMBINERS = {"CRC32": crt.combine_crc32, "CRC32C": crt.combine_crc32c, "CRC64NVME": crt.combine_crc64nvme}

ALGORITHMS = tuple(_MAKERS)
DIGEST_BYTES = {name: len(make().digest()) for name, make in _MAKERS.items()}
COMBINABLE = frozenset(_COMBINERS)
"""Those whose value for a whole follows from the values of its parts."""


def running(algorithm: str) -> Running:
    """A fresh checksum."""
    return _MAKERS[algorithm]()


def encoded(made: Running) -> str:
    """Its digest as headers carry it: base64."""
    return base64.b64encode(made.digest()).decode()


def of(algorithm: str, data: bytes) -> str:
    """Base64 checksum of bytes at hand.

    >>> of("CRC32", b"123456789")
    'y/Q5Jg=='
    """
    made = running(algorithm)
    made.update(data)
    return encoded(made)


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Checksum of the whole from (base64 checksum, size) of its parts; only for COMBINABLE algorithms.

    >>> combined("CRC32", [(of("CRC32", b"1234"), 4), (of("CRC32", b"56789"), 5)]) == of("CRC32", b"123456789")
    True
    """
    combine, total = _COMBINERS[algorithm], 0
    for value, size in parts:
        total = combine(total, int.from_bytes(base64.b64decode(value), "big"), size)
    return base64.b64encode(total.to_bytes(DIGEST_BYTES[algorithm], "big")).decode()


def composite(algorithm: str, values: list[str]) -> str:
    """Checksum of the parts' checksums, with their number, as S3 writes it.

    >>> composite("CRC32", [of("CRC32", b"1234"), of("CRC32", b"56789")])
    'rBMwBw==-2'
    """
    joined = b"".join(base64.b64decode(value) for value in values)
    return f"{of(algorithm, joined)}-{len(values)}"


def multipart_etag(etags: list[str]) -> str:
    """MD5 of the parts' MD5s, with their number.

    >>> multipart_etag([hashlib.md5(b"").hexdigest()])
    '59adb24ef3cdbe0297f05b395827453f-1'
    """
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"
