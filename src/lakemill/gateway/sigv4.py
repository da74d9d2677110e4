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

The canonical request is, joined by newlines: method, path, query, one `name:value` line per signed header, an empty
line, the signed headers' names, the payload's hash. S3 takes the path exactly as it came over the wire; every other
service takes it without dot segments and doubled slashes, percent-encoded once more. Clients that send a path, query
or host in another spelling than they sign (a proxy in between may do that too) get a second try with the spelling of
the specification; it means the same request, so nothing is lost by it.
"""

import calendar
import email.utils
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote_to_bytes

import msgspec

from lakemill.gateway.sigfaults import (
    BothMechanisms,
    ClockSkewed,
    HeaderMalformed,
    HeadersUnsigned,
    MechanismRefused,
    PayloadHashInvalid,
    PayloadHashMissing,
    PresignExpired,
    PresignNotYetValid,
    QueryMalformed,
    RegionWrong,
    ScopeDateMismatch,
    ServiceWrong,
    SignatureMismatch,
    TerminatorWrong,
)
from lakemill.services.base import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
PAYLOADS = frozenset({UNSIGNED, STREAMING_UNSIGNED_TRAILER, STREAMING_SIGNED, STREAMING_SIGNED_TRAILER})
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

SKEW_S_MAX = 5 * 60
SKEW_S3_S_MAX = 15 * 60
PRESIGN_S_MAX = 7 * 24 * 3600

# Headers that may stay unsigned although they begin with x-amz-: the token may be added after signing, the payload's
# hash is part of every signature anyway, and the date is bound by the string to sign.
MAY_STAY_UNSIGNED = frozenset({"x-amz-security-token", "x-amz-content-sha256", "x-amz-date", "x-amz-user-agent"})

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/([^/,\s]+)"
    r"\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)
_ISO_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")


class Claim(msgspec.Struct, frozen=True):
    """What a request says about its signer, before anything is checked."""

    access_key_id: str
    scope_date: str
    """YYYYMMDD."""
    region: str
    service: str
    """Signing name: `s3`, `sagemaker`, `monitoring`."""
    signed_headers: tuple[str, ...]
    signature: str
    date: str
    """As in the string to sign: `20250131T235959Z`."""
    session_token: str | None
    presigned: bool
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.scope_date}/{self.region}/{self.service}/{TERMINATOR}"


class ChunkSeed(msgspec.Struct, frozen=True):
    """What the chunks of a signed aws-chunked body are verified with."""

    key: bytes
    date: str
    scope: str
    signature: str


class Verified(msgspec.Struct, frozen=True):
    """A request whose signature is right."""

    access_key_id: str
    region: str
    service: str
    payload: str
    """What was signed about the body: 64 hex digits, or one of PAYLOADS."""
    seed: ChunkSeed
    """For bodies declared STREAMING_SIGNED or STREAMING_SIGNED_TRAILER."""
    presigned: bool


def read_claim(http: HttpRequest) -> Claim | None:
    """Who a request says it is from; None when it carries no authentication.

    Raises BothMechanisms, MechanismRefused, HeaderMalformed, QueryMalformed.
    """
    authorization = http.header("authorization")
    query = http.query_string
    presigned = b"X-Amz-Algorithm=" in query or b"X-Amz-Signature=" in query
    if not presigned and b"Signature=" in query and b"AWSAccessKeyId=" in query:
        raise MechanismRefused("Signature Version 2 (AWSAccessKeyId, Signature, Expires)", v2=True)
    if authorization is None:
        return _query_claim(query) if presigned else None
    if presigned:
        raise BothMechanisms
    return _header_claim(http, authorization)


def verify(
    http: HttpRequest,
    claim: Claim,
    secret: str,
    *,
    now: float,
    body: bytes | None = None,
    region: str | None = None,
    service: str | None = None,
) -> Verified:
    """Check a claim against the secret of its key.

    now: seconds since 1970, by the server's clock. region, service: what the scope must say, where that is known.
    Raises any SignatureFault.
    """
    if service is not None and claim.service != service:
        raise ServiceWrong(claim.service, service)
    if region is not None and claim.region != region:
        raise RegionWrong(claim.region, region)
    _check_time(claim, now)
    headers = _headers(http)
    _check_signed_names(claim, headers)
    payload = _payload(http, claim, headers, body)
    key = signing_key(secret, claim.scope_date, claim.region, claim.service)
    tail = f"{';'.join(claim.signed_headers)}\n{payload}"
    first: tuple[str, str] | None = None
    for path, query, lines in _spellings(http, claim, headers):
        canonical = f"{http.method}\n{path}\n{query}\n{lines}\n{tail}"
        text = string_to_sign(claim, canonical.encode("latin-1", "replace"))
        if _is_signature(claim.signature, key, text.encode("latin-1")):
            seed = ChunkSeed(key, claim.date, claim.scope, claim.signature)
            return Verified(claim.access_key_id, claim.region, claim.service, payload, seed, claim.presigned)
        first = first or (text, canonical)
    assert first is not None
    raise SignatureMismatch(claim.access_key_id, claim.signature, *first)


def read_form_claim(fields: Mapping[str, str]) -> Claim | None:
    """Who an S3 browser form is from (its fields by lower-case name); None when it has no policy and no signature.

    Raises MechanismRefused, QueryMalformed.
    """
    if "signature" in fields and "x-amz-signature" not in fields:
        raise MechanismRefused("Signature Version 2 (AWSAccessKeyId, signature)", v2=True)
    if "x-amz-signature" not in fields and "policy" not in fields:
        return None
    for name in ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
        if not fields.get(name):
            raise QueryMalformed(
                f"Bucket POST must contain a field named '{name}'.  "
                "If it is specified, please check the order of the fields."
            )
    _check_algorithm(fields["x-amz-algorithm"])
    key_id, date, region, service = _scope_parts(fields["x-amz-credential"], QueryMalformed)
    token = fields.get("x-amz-security-token")
    return Claim(key_id, date, region, service, (), fields["x-amz-signature"], fields["x-amz-date"], token, True)


def verify_form(claim: Claim, policy: str, secret: str, *, now: float) -> Verified:
    """Check the signature of a form's policy (base64, as in the field). Its conditions and expiration are not checked.

    Raises ScopeDateMismatch, QueryMalformed, PresignNotYetValid, SignatureMismatch.
    """
    signed_s = _seconds(claim.date)
    if signed_s is None:
        raise QueryMalformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if not claim.date.startswith(claim.scope_date):
        raise ScopeDateMismatch(claim.scope_date, claim.date[:8])
    if signed_s > now + SKEW_S3_S_MAX:
        raise PresignNotYetValid(signed_s, now)
    key = signing_key(secret, claim.scope_date, claim.region, claim.service)
    if not _is_signature(claim.signature, key, policy.encode()):
        raise SignatureMismatch(claim.access_key_id, claim.signature, policy, "")
    seed = ChunkSeed(key, claim.date, claim.scope, claim.signature)
    return Verified(claim.access_key_id, claim.region, claim.service, UNSIGNED, seed, True)


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


def _is_signature(signature: str, key: bytes, message: bytes) -> bool:
    ours = hmac.digest(key, message, "sha256").hex().encode()
    return hmac.compare_digest(ours, signature.encode("latin-1", "replace"))


# Reading claims


def _header_claim(http: HttpRequest, authorization: str) -> Claim:
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None or match[5] != TERMINATOR:
        key_id, scope_date, region, service, names, signature = _header_pieces(authorization)
    else:
        key_id, scope_date, region, service, _, names, signature = match.groups()
    date = http.header("x-amz-date")
    if date is None:
        date = _from_http_date(http.header("date"))
        if date is None:
            raise HeaderMalformed(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                f"Authorization={ALGORITHM}"
            )
    token = http.header("x-amz-security-token")
    return Claim(key_id, scope_date, region, service, _names(names), signature, date, token, False)


def _header_pieces(authorization: str) -> tuple[str, str, str, str, str, str]:
    """The pieces of an Authorization header in any order; says what is missing."""
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm == "AWS":
        raise MechanismRefused("Signature Version 2 (Authorization: AWS)", v2=True)
    _check_algorithm(algorithm)
    pieces = {}
    for item in rest.split(","):
        name, separator, value = item.strip().partition("=")
        if separator:
            pieces[name] = value.strip()
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not pieces.get(name)]
    if missing:
        said = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise HeaderMalformed(f"{said} Authorization={algorithm}")
    parts = _scope_parts(pieces["Credential"], HeaderMalformed)
    return *parts, pieces["SignedHeaders"], pieces["Signature"]


def _query_claim(query: bytes) -> Claim:
    parameters = {}
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-"):
            parameters[name] = unquote_to_bytes(value.replace("+", "%20")).decode("latin-1")
    _check_algorithm(parameters.get("X-Amz-Algorithm", ""))
    for name in ("Credential", "Signature", "Date", "SignedHeaders", "Expires"):
        if not parameters.get(f"X-Amz-{name}"):
            raise QueryMalformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
                "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters; "
                f"X-Amz-{name} is missing."
            )
    key_id, scope_date, region, service = _scope_parts(parameters["X-Amz-Credential"], QueryMalformed)
    return Claim(
        key_id,
        scope_date,
        region,
        service,
        _names(parameters["X-Amz-SignedHeaders"]),
        parameters["X-Amz-Signature"],
        parameters["X-Amz-Date"],
        parameters.get("X-Amz-Security-Token"),
        True,
        _expires(parameters["X-Amz-Expires"]),
    )


def _expires(text: str) -> int:
    if not text.lstrip("-").isdigit():
        raise QueryMalformed("X-Amz-Expires should be a number")
    expires_s = int(text)
    if expires_s < 0:
        raise QueryMalformed("X-Amz-Expires must be non-negative")
    if expires_s > PRESIGN_S_MAX:
        raise QueryMalformed(
            "X-Amz-Expires must be less than a week (in seconds); "
            f"that is, the given X-Amz-Expires must be less than {PRESIGN_S_MAX} seconds"
        )
    return expires_s


def _check_algorithm(algorithm: str) -> None:
    if algorithm == ALGORITHM:
        return
    if algorithm.startswith("AWS4-ECDSA"):
        raise MechanismRefused(f"{algorithm} (Signature Version 4A)")
    raise MechanismRefused(algorithm or "A request without X-Amz-Algorithm")


def _scope_parts(credential: str, fault: type[HeaderMalformed] | type[QueryMalformed]) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts) or not (len(parts[1]) == 8 and parts[1].isdigit()):
        raise fault(
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request". '
            f"Credential={credential}"
        )
    if parts[4] != TERMINATOR:
        raise TerminatorWrong(parts[4])
    return parts[0], parts[1], parts[2], parts[3]


@functools.lru_cache(maxsize=1024)
def _names(joined: str) -> tuple[str, ...]:
    return tuple(joined.lower().split(";"))


# Time


@functools.lru_cache(maxsize=1024)
def _seconds(date: str) -> int | None:
    match = _ISO_BASIC.fullmatch(date)
    if match is None:
        return None
    return calendar.timegm(tuple(int(group) for group in match.groups()))  # type: ignore[arg-type]


def _from_http_date(text: str | None) -> str | None:
    """The basic form of a Date header (which may already be in it)."""
    if text is None:
        return None
    if _ISO_BASIC.fullmatch(text):
        return text
    try:
        return email.utils.parsedate_to_datetime(text).strftime("%Y%m%dT%H%M%SZ")
    except ValueError:
        return None


def _check_time(claim: Claim, now: float) -> None:
    signed_s = _seconds(claim.date)
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


# The canonical request


def _headers(http: HttpRequest) -> dict[str, str]:
    """Headers by name; those that came more than once joined by commas, each trimmed."""
    headers: dict[str, str] = {}
    for name, value in http.headers:
        headers[name] = f"{headers[name].strip()},{value.strip()}" if name in headers else value
    return headers


def _check_signed_names(claim: Claim, headers: dict[str, str]) -> None:
    unsigned = [
        name
        for name in headers
        if name.startswith("x-amz-") and name not in claim.signed_headers and name not in MAY_STAY_UNSIGNED
    ]
    if "host" not in claim.signed_headers and ":authority" not in claim.signed_headers:
        unsigned.insert(0, "host")
    if unsigned:
        raise HeadersUnsigned(unsigned)


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


def _spellings(http: HttpRequest, claim: Claim, headers: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, query and header lines: as sent first, then as the specification spells the same."""
    raw_path = http.raw_path.decode("latin-1") or "/"
    raw_query = http.query_string.decode("latin-1")
    s3 = claim.service == "s3"
    path = raw_path if s3 else quote_path(normalise_path(raw_path))
    query = _canonical_query(raw_query, claim.presigned)
    lines = _header_lines(claim.signed_headers, headers)
    yield path, query, lines
    paths = [path]
    if s3:  # Elsewhere %2F inside a path segment means something else than a slash.
        paths.append(quote(unquote_to_bytes(http.raw_path), safe="/~"))
    queries = [query, _canonical_query(_respelled(raw_query), claim.presigned)]
    if claim.presigned and claim.session_token is not None:
        queries += [_without(known, "X-Amz-Security-Token") for known in queries]
    hosts = [lines]
    host = headers.get("host", "")
    if host.endswith((":80", ":443")):
        hosts.append(_header_lines(claim.signed_headers, headers | {"host": host.rsplit(":", 1)[0]}))
    tried = {(path, query, lines)}
    for variant in ((p, q, h) for p in paths for q in queries for h in hosts):
        if variant not in tried:
            tried.add(variant)
            yield variant


def _header_lines(names: tuple[str, ...], headers: dict[str, str]) -> str:
    lines = []
    for name in names:
        value = headers.get(name)
        if value is None:
            value = headers.get("host", "") if name == ":authority" else ""
        elif " " in value or "\t" in value:
            value = " ".join(value.split())
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def _canonical_query(query: str, presigned: bool) -> str:
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if presigned and name == "X-Amz-Signature":
            continue
        pairs.append((name, value))
    if len(pairs) > 1:
        pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _respelled(query: str) -> str:
    """Every name and value decoded (a plus sign is a space, as for the handlers) and encoded again."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ").encode("latin-1")), safe="-_.~")


def _without(query: str, name: str) -> str:
    return "&".join(pair for pair in query.split("&") if not pair.startswith(f"{name}="))


def quote_path(path: str) -> str:
    """Percent-encode a path that is already encoded, as every service but S3 signs it.

    >>> quote_path("/endpoints/a%3Ab/x~")
    '/endpoints/a%253Ab/x~'
    """
    return path if path == "/" else quote(path.encode("latin-1"), safe="/~")


def normalise_path(path: str) -> str:
    """Without dot segments and doubled slashes.

    >>> normalise_path("/a//./b/../c/")
    '/a/c/'
    """
    if path == "/" or ("//" not in path and "/." not in path):
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    tail = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + tail
