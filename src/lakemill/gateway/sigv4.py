"""Signature Version 4, on the verifying side.

Two steps, with the look-up of the secret between them:

    claim = read_claim(http)                      # None: nobody signed it. Raises SignatureFault
    credential = identity.credential(claim.access_key_id, claim.session_token)
    verified = verify(http, claim, credential.secret, now=clock.time(), body=body)     # Raises SignatureFault

    read_claim(http: HttpRequest) -> Claim | None
    verify(http: HttpRequest, claim: Claim, secret: str, *, now: float, body: bytes | None = None,
           region: str | None = None, service: str | None = None) -> Verified
    read_form_claim(fields: Mapping[str, str]) -> Claim | None          # S3 browser forms, lower-case field names
    verify_form(claim: Claim, policy: str, secret: str, *, now: float) -> Verified
    answer(fault, family) -> ServiceError                               # in sigfaults, for KeyUnknown and the like too

`body` is the whole body of a request that is not S3's (None counts as empty). S3's bodies are not needed here: a
request declares its payload in x-amz-content-sha256, and `Verified.payload` says what the body reader must check.
"""

import functools
import hashlib
import hmac
import re

import msgspec

from lakemill.gateway.canonical import headers_of, spellings
from lakemill.gateway.sigclaim import ALGORITHM, TERMINATOR, Claim, read_claim, read_form_claim, seconds
from lakemill.gateway.sigfaults import (
    ClockSkewed,
    HeaderMalformed,
    HeadersUnsigned,
    PayloadHashInvalid,
    PayloadHashMissing,
    PresignExpired,
    PresignNotYetValid,
    QueryMalformed,
    RegionWrong,
    ScopeDateMismatch,
    ServiceWrong,
    SignatureMismatch,
)
from lakemill.services.base import HttpRequest

__all__ = [
    "ChunkSeed",
    "Claim",
    "Verified",
    "read_claim",
    "read_form_claim",
    "signing_key",
    "verify",
    "verify_form",
]

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
CHUNKED = frozenset({STREAMING_UNSIGNED_TRAILER, STREAMING_SIGNED, STREAMING_SIGNED_TRAILER})
PAYLOADS = CHUNKED | {UNSIGNED}
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

SKEW_S_MAX = 5 * 60
SKEW_S3_S_MAX = 15 * 60

# Headers that may stay unsigned although they begin with x-amz-: the token may be added after signing, the payload's
# hash is part of every signature anyway, and the date is bound by the string to sign.
MAY_STAY_UNSIGNED = frozenset({"x-amz-security-token", "x-amz-content-sha256", "x-amz-date", "x-amz-user-agent"})

_HMAC_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")


class ChunkSeed(msgspec.Struct, frozen=True):
    """What the chunks of a signed aws-chunked body are verified with."""

    key: bytes
    date: str
    scope: str
    signature: str


class Verified(msgspec.Struct, frozen=True):
    """A request whose signature is right."""

    payload: str
    """What was signed about the body: 64 hex digits, or one of PAYLOADS."""
    seed: ChunkSeed | None = None
    """For bodies that come in chunks."""


def verify(
    http: HttpRequest,
    claim: Claim,
    secret: str,
    *,
    now: float,
    body: bytes | None = None,
    region: str | None = None,
    service: str | None = None,
    streamed: bool = False,
) -> Verified:
    """Check a claim against the secret of its key.

    now: seconds since 1970, by the server's clock. region, service: what the scope must say, where that is known.
    streamed: the body is still to come; without a declaration it counts as unsigned.
    Raises any SignatureFault.
    """
    if service is not None and claim.service != service:
        raise ServiceWrong(claim.service, service)
    if region is not None and claim.region != region:
        raise RegionWrong(claim.region, region)
    _check_time(claim, now)
    headers = headers_of(http)
    if unsigned := _unsigned(tuple(headers), claim.signed_headers):
        raise HeadersUnsigned(list(unsigned))
    payloads = _undeclared(headers) if streamed else (_payload(http, claim, headers, body),)
    key = signing_key(secret, claim.scope_date, claim.region, claim.service)
    inner, outer = _keyed(key)
    first: tuple[str, str] | None = None
    for payload in payloads:
        for target in spellings(http, claim, headers):
            canonical = f"{http.method}\n{target}\n{claim.listed}\n{payload}"
            text = string_to_sign(claim, canonical.encode("latin-1", "replace"))
            if _is_signature(claim.signature, inner, outer, text):
                if payload in CHUNKED:
                    return Verified(payload, ChunkSeed(key, claim.date, claim.scope, claim.signature))
                return Verified(UNSIGNED if streamed and payload == EMPTY_SHA256 else payload)
            first = first or (text, canonical)
    assert first is not None
    raise SignatureMismatch(claim.access_key_id, claim.signature, *first)


def verify_form(claim: Claim, policy: str, secret: str, *, now: float) -> Verified:
    """Check the signature of a form's policy (base64, as in the field). Its conditions and expiration are not checked.

    Raises ScopeDateMismatch, QueryMalformed, PresignNotYetValid, SignatureMismatch.
    """
    signed_s = seconds(claim.date)
    if signed_s is None:
        raise QueryMalformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if not claim.date.startswith(claim.scope_date):
        raise ScopeDateMismatch(claim.scope_date, claim.date[:8])
    if signed_s > now + SKEW_S3_S_MAX:
        raise PresignNotYetValid(signed_s, now)
    key = signing_key(secret, claim.scope_date, claim.region, claim.service)
    if not _is_signature(claim.signature, *_keyed(key), policy):
        raise SignatureMismatch(claim.access_key_id, claim.signature, policy, "")
    return Verified(UNSIGNED)


@functools.lru_cache(maxsize=4096)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service: a chain of HMACs that starts from the secret."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def string_to_sign(claim: Claim, canonical_request: bytes) -> str:
    """What the signature is made over."""
    return f"{ALGORITHM}\n{claim.date}\n{claim.scope}\n{hashlib.sha256(canonical_request).hexdigest()}"


@functools.lru_cache(maxsize=4096)
def _keyed(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """HMAC's two hashes after the key (RFC 2104). Going on from them takes a third of the time of hmac.digest."""
    block = key.ljust(_HMAC_BLOCK_BYTES, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def _is_signature(signature: str, inner: "hashlib._Hash", outer: "hashlib._Hash", text: str) -> bool:
    inner, outer = inner.copy(), outer.copy()
    inner.update(text.encode("latin-1", "replace"))
    outer.update(inner.digest())
    return signature.isascii() and hmac.compare_digest(outer.hexdigest(), signature)


def _check_time(claim: Claim, now: float) -> None:
    signed_s = seconds(claim.date)
    if signed_s is None:
        malformed = QueryMalformed if claim.presigned else HeaderMalformed
        raise malformed(f"Date must be in ISO-8601 'basic format' (yyyyMMdd'T'HHmmss'Z'). Got '{claim.date}'.")
    if not claim.date.startswith(claim.scope_date):
        raise ScopeDateMismatch(claim.scope_date, claim.date[:8])
    skew_s_max = SKEW_S3_S_MAX if claim.service == "s3" else SKEW_S_MAX
    if claim.expires_s is not None:
        if signed_s > now + skew_s_max:
            raise PresignNotYetValid(signed_s, now)
        if now > signed_s + claim.expires_s:
            raise PresignExpired(signed_s, claim.expires_s, now)
    elif abs(now - signed_s) > skew_s_max:
        raise ClockSkewed(signed_s, now, skew_s_max)


@functools.lru_cache(maxsize=4096)
def _unsigned(names: tuple[str, ...], signed: tuple[str, ...]) -> tuple[str, ...]:
    """Which of a request's headers should have been signed and are not. A client's requests have the same, mostly."""
    unsigned = [
        name for name in names if name.startswith("x-amz-") and name not in signed and name not in MAY_STAY_UNSIGNED
    ]
    if "host" not in signed and ":authority" not in signed:
        unsigned.insert(0, "host")
    return tuple(unsigned)


def _undeclared(headers: dict[str, str]) -> tuple[str, ...]:
    """The payload's line where the body is still to come. Some clients sign it as if it were empty."""
    declared = headers.get("x-amz-content-sha256")
    return (declared,) if declared is not None else (UNSIGNED, EMPTY_SHA256)


def _payload(http: HttpRequest, claim: Claim, headers: dict[str, str], body: bytes | None) -> str:
    """The payload's line of the canonical request."""
    declared = headers.get("x-amz-content-sha256")
    if claim.service == "s3":
        if claim.presigned:
            if declared is None or "x-amz-content-sha256" not in claim.signed_headers:
                return UNSIGNED
        elif declared is None:
            raise PayloadHashMissing
        if declared not in PAYLOADS and not _HEX64.fullmatch(declared):
            raise PayloadHashInvalid(declared)
        return declared
    if declared is not None and declared in PAYLOADS:
        return declared
    # A declared hash is worth nothing until it is the body's; the body's own makes any other declaration a mismatch.
    return hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
