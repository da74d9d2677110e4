"""Who a request says it is from: the claim in its Authorization header, its query, or its form fields.

    read_claim(http: HttpRequest) -> Claim | None
    read_form_claim(fields: Mapping[str, str]) -> Claim | None          # S3 browser forms, lower-case field names

Nothing is verified here; sigv4.py does that.
"""

import calendar
import email.utils
import functools
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from lakemill.gateway.sigfaults import (
    BothMechanisms,
    HeaderMalformed,
    MechanismRefused,
    QueryMalformed,
    TerminatorWrong,
)
from lakemill.services.base import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
PRESIGN_S_MAX = 7 * 24 * 3600

SIGNATURE_CHARACTERS = 64
_UNTIL_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
    r"\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature="
)
_ISO_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


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

    @property
    def listed(self) -> str:
        """The signed headers as the canonical request lists them."""
        return ";".join(self.signed_headers)


def read_claim(http: HttpRequest) -> Claim | None:
    """Who a request says it is from; None when it carries no authentication.

    Raises BothMechanisms, MechanismRefused, HeaderMalformed, QueryMalformed.
    """
    authorization = http.header("authorization")
    query = http.query_string
    if not query:
        return None if authorization is None else _header_claim(http, authorization)
    presigned = b"X-Amz-Algorithm=" in query or b"X-Amz-Signature=" in query
    if not presigned and b"Signature=" in query and b"AWSAccessKeyId=" in query:
        raise MechanismRefused("Signature Version 2 (AWSAccessKeyId, Signature, Expires)", v2=True)
    if authorization is None:
        return _query_claim(query) if presigned else None
    if presigned:
        raise BothMechanisms
    return _header_claim(http, authorization)


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


def _header_claim(http: HttpRequest, authorization: str) -> Claim:
    signature = authorization[-SIGNATURE_CHARACTERS:]
    usual = _until_signature(authorization[:-SIGNATURE_CHARACTERS]) if signature.isalnum() else None
    if usual is None:
        key_id, scope_date, region, service, names, signature = _header_pieces(authorization)
    else:
        key_id, scope_date, region, service, names = usual
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


@functools.lru_cache(maxsize=4096)
def _until_signature(text: str) -> tuple[str, ...] | None:
    """Key, date, region, service and names of an Authorization header up to the signature; None if it is another form.

    All a client's requests of one day begin alike.
    """
    match = _UNTIL_SIGNATURE.fullmatch(text)
    return None if match is None else match.groups()


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


@functools.lru_cache(maxsize=1024)
def seconds(date: str) -> int | None:
    """Epoch seconds of a date in ISO 8601's basic form, None if it is none."""
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
