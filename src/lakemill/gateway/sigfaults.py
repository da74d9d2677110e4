"""What can be wrong with a request's authentication, and how each protocol family says so.

SignatureFault
    NotAuthenticated        no signature where one is needed
    BothMechanisms          signed in the header and in the query
    MechanismRefused        SigV2, SigV4A, bearer tokens
    HeaderMalformed         the Authorization header cannot be read (text names the missing piece)
    QueryMalformed          the presigned parameters cannot be read
    ClockSkewed             signed too long ago, or in the future
    ScopeDateMismatch       credential scope and date header name different days
    RegionWrong             scope of another region
    ServiceWrong            scope of another service
    TerminatorWrong         scope does not end in aws4_request
    HeadersUnsigned         headers that must be signed are not
    PayloadHashMissing      an S3 request does not declare its payload's hash
    PayloadHashInvalid      the declared hash is no hash and no known keyword
    PresignExpired          the presigned URL is past its time
    PresignNotYetValid      the presigned URL is of the future
    SignatureMismatch       the signature is not the one we calculate
KeyUnknown, TokenExpired, TokenInvalid come from the identity engine and are answered by the same table.

`answer(fault, family)` gives the ServiceError of a family: `s3`, `json` (also CBOR), `query`, `rest` (REST-JSON).
"""

import datetime
from collections.abc import Callable
from typing import Any, Literal

from lakemill.engines.identity.errors import KeyUnknown, TokenExpired, TokenInvalid
from lakemill.services.base import ServiceError

Family = Literal["s3", "json", "query", "rest"]


class SignatureFault(Exception):
    """Base of all. What differs from fault to fault is a field."""


class NotAuthenticated(SignatureFault):
    """No signature at all."""


class BothMechanisms(SignatureFault):
    """More than one way of authentication at once."""


class MechanismRefused(SignatureFault):
    """mechanism: what was tried, in words; v2: True for AWS's first signature."""

    def __init__(self, mechanism: str, *, v2: bool = False) -> None:
        super().__init__(f"{mechanism} is not supported; sign with AWS4-HMAC-SHA256.")
        self.mechanism, self.v2 = mechanism, v2


class HeaderMalformed(SignatureFault):
    """Text says which piece is missing or wrong."""


class QueryMalformed(SignatureFault):
    """Text says which parameter is missing or wrong."""


class ClockSkewed(SignatureFault):
    """signed_s, server_s: times; skew_s_max: how far apart they may be."""

    def __init__(self, signed_s: float, server_s: float, skew_s_max: int) -> None:
        self.signed_s, self.server_s, self.skew_s_max = signed_s, server_s, skew_s_max
        minutes = skew_s_max // 60
        signed, now = basic(signed_s), basic(server_s)
        if signed_s < server_s:
            edge = basic(server_s - skew_s_max)
            text = f"Signature expired: {signed} is now earlier than {edge} ({now} - {minutes} min.)"
        else:
            edge = basic(server_s + skew_s_max)
            text = f"Signature not yet current: {signed} is still later than {edge} ({now} + {minutes} min.)"
        super().__init__(text)


class ScopeDateMismatch(SignatureFault):
    """scope_date, signed_date: YYYYMMDD."""

    def __init__(self, scope_date: str, signed_date: str) -> None:
        super().__init__(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope_date}' != '{signed_date}', from '{signed_date}'."
        )
        self.scope_date, self.signed_date = scope_date, signed_date


class RegionWrong(SignatureFault):
    """got, expected: region names."""

    def __init__(self, got: str, expected: str) -> None:
        super().__init__(f"Credential should be scoped to a valid region, not '{got}'. ")
        self.got, self.expected = got, expected


class ServiceWrong(SignatureFault):
    """got, expected: signing names."""

    def __init__(self, got: str, expected: str) -> None:
        super().__init__(f"Credential should be scoped to correct service: '{expected}'. ")
        self.got, self.expected = got, expected


class TerminatorWrong(SignatureFault):
    """got: what the scope ends in."""

    def __init__(self, got: str) -> None:
        super().__init__("Credential should be scoped with a valid terminator: 'aws4_request', not '" + got + "'. ")
        self.got = got


class HeadersUnsigned(SignatureFault):
    """names: lower-case names of the headers that had to be signed."""

    def __init__(self, names: list[str]) -> None:
        listed = ", ".join(f"'{name}'" for name in names)
        super().__init__(f"{listed} must be a 'SignedHeader' in the AWS Authorization.")
        self.names = names


class PayloadHashMissing(SignatureFault):
    """x-amz-content-sha256 is not there."""


class PayloadHashInvalid(SignatureFault):
    """x-amz-content-sha256 is neither a hash nor a keyword."""


class PresignExpired(SignatureFault):
    """expires_s: lifetime asked for; expired_at_s, server_s: times."""

    def __init__(self, signed_s: float, expires_s: int, server_s: float) -> None:
        self.expires_s, self.expired_at_s, self.server_s = expires_s, signed_s + expires_s, server_s
        super().__init__(f"Signature expired: {basic(self.expired_at_s)} is now earlier than {basic(server_s)}")


class PresignNotYetValid(SignatureFault):
    """signed_s, server_s: times."""

    def __init__(self, signed_s: float, server_s: float) -> None:
        self.signed_s, self.server_s = signed_s, server_s
        super().__init__(f"Signature not yet current: {basic(signed_s)} is still later than {basic(server_s)}")


class SignatureMismatch(SignatureFault):
    """access_key_id, signature (as sent), string_to_sign, canonical_request (ours)."""

    def __init__(self, access_key_id: str, signature: str, string_to_sign: str, canonical_request: str) -> None:
        super().__init__(_MISMATCH)
        self.access_key_id, self.signature = access_key_id, signature
        self.string_to_sign, self.canonical_request = string_to_sign, canonical_request


def basic(time_s: float) -> str:
    """A moment in ISO 8601's basic form: `20250131T235959Z`."""
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC).strftime("%Y%m%dT%H%M%SZ")


def extended(time_s: float) -> str:
    """A moment in ISO 8601's extended form: `2025-01-31T23:59:59Z`."""
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_MISMATCH_S3 = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_TOKEN_INVALID = "The security token included in the request is invalid."
_TOKEN_EXPIRED = "The security token included in the request is expired"
_HEADER_S3 = "The authorization header is malformed; "

Row = tuple[str, int, str | Callable[[Any], str], Callable[[Any], dict[str, Any]] | None]


def _said(fault: Exception) -> str:
    return str(fault)


def _mismatch_long(fault: SignatureMismatch) -> str:
    return (
        f"{_MISMATCH}\n\nThe Canonical String for this request should have been\n'{fault.canonical_request}'\n\n"
        f"The String-to-Sign should have been\n'{fault.string_to_sign}'\n"
    )


def _mismatch_fields(fault: SignatureMismatch) -> dict[str, Any]:
    canonical = fault.canonical_request
    return {
        "AWSAccessKeyId": fault.access_key_id,
        "StringToSign": fault.string_to_sign,
        "SignatureProvided": fault.signature,
        "StringToSignBytes": fault.string_to_sign.encode("latin-1", "replace").hex(" "),
        "CanonicalRequest": canonical,
        "CanonicalRequestBytes": canonical.encode("latin-1", "replace").hex(" "),
    }


def _skew_fields(fault: ClockSkewed) -> dict[str, Any]:
    return {
        "RequestTime": basic(fault.signed_s),
        "ServerTime": extended(fault.server_s),
        "MaxAllowedSkewMilliseconds": str(fault.skew_s_max * 1000),
    }


def _expired_fields(fault: PresignExpired) -> dict[str, Any]:
    return {
        "X-Amz-Expires": str(fault.expires_s),
        "Expires": extended(fault.expired_at_s),
        "ServerTime": extended(fault.server_s),
    }


def _rows(s3: Row, name: str, text: str | Callable[[Any], str] = _said) -> dict[str, Row]:
    """A fault's row where the families differ as they usually do: JSON appends Exception to its code."""
    json = f"{name}Exception"
    return {
        "s3": s3,
        "json": (json, 400, text, None),
        "query": (name, 400, text, None),
        "rest": (json, 403, text, None),
    }


def _signature_rows(s3: Row, text: str | Callable[[Any], str] = _said) -> dict[str, Row]:
    """A fault that other services than S3 count as a signature that is not right."""
    json = "InvalidSignatureException"
    return {
        "s3": s3,
        "json": (json, 400, text, None),
        "query": ("SignatureDoesNotMatch", 403, text, None),
        "rest": (json, 403, text, None),
    }


def _token_rows(s3: Row, json: str, query: str, text: str) -> dict[str, Row]:
    """A fault of the key or its token."""
    return {
        "s3": s3,
        "json": (json, 400, text, None),
        "query": (query, 403, text, None),
        "rest": (json, 403, text, None),
    }


_BOTH_S3 = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
    "or the Authorization header should be specified"
)
_REFUSED_S3 = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_PAYLOAD_S3 = (
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."
)
_MALFORMED_S3 = "AuthorizationHeaderMalformed"

# One row per fault, one column per family: the code, the status, the text, further fields.
TABLE: dict[type[Exception], dict[str, Row]] = {
    NotAuthenticated: _token_rows(
        ("AccessDenied", 403, "Access Denied", None),
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
    ),
    BothMechanisms: _rows(
        ("InvalidArgument", 400, _BOTH_S3, None), "IncompleteSignature", "Only one auth mechanism allowed."
    ),
    MechanismRefused: _rows(
        ("InvalidRequest", 400, lambda fault: _REFUSED_S3 if fault.v2 else str(fault), None), "IncompleteSignature"
    ),
    HeaderMalformed: _rows((_MALFORMED_S3, 400, lambda fault: f"{_HEADER_S3}{fault}", None), "IncompleteSignature"),
    QueryMalformed: _rows(("AuthorizationQueryParametersError", 400, _said, None), "IncompleteSignature"),
    ClockSkewed: _signature_rows(
        (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
            _skew_fields,
        )
    ),
    ScopeDateMismatch: _signature_rows(
        (
            _MALFORMED_S3,
            400,
            lambda fault: (
                f'{_HEADER_S3}Invalid credential date "{fault.scope_date}". '
                f'This date is not the same as X-Amz-Date: "{fault.signed_date}".'
            ),
            None,
        )
    ),
    RegionWrong: _signature_rows(
        (
            _MALFORMED_S3,
            400,
            lambda fault: f"{_HEADER_S3}the region '{fault.got}' is wrong; expecting '{fault.expected}'",
            lambda fault: {"Region": fault.expected},
        )
    ),
    ServiceWrong: _signature_rows(
        (
            _MALFORMED_S3,
            400,
            lambda fault: f'{_HEADER_S3}incorrect service "{fault.got}". This endpoint belongs to "{fault.expected}".',
            None,
        )
    ),
    TerminatorWrong: _signature_rows(
        (
            _MALFORMED_S3,
            400,
            lambda fault: f'{_HEADER_S3}incorrect terminal "{fault.got}". This endpoint uses "aws4_request".',
            None,
        )
    ),
    HeadersUnsigned: _signature_rows(
        (
            "AccessDenied",
            403,
            "There were headers present in the request which were not signed",
            lambda fault: {"HeadersNotSigned": ", ".join(fault.names)},
        )
    ),
    PayloadHashMissing: {
        "s3": ("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256", None)
    },
    PayloadHashInvalid: {
        "s3": (
            "InvalidArgument",
            400,
            _PAYLOAD_S3,
            lambda fault: {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": str(fault)},
        )
    },
    PresignExpired: _signature_rows(("AccessDenied", 403, "Request has expired", _expired_fields)),
    PresignNotYetValid: _signature_rows(("AccessDenied", 403, "Request is not valid yet", None)),
    SignatureMismatch: _signature_rows(("SignatureDoesNotMatch", 403, _MISMATCH_S3, _mismatch_fields), _mismatch_long),
    KeyUnknown: _token_rows(
        (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
            lambda fault: {"AWSAccessKeyId": fault.access_key_id},
        ),
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        _TOKEN_INVALID,
    ),
    TokenExpired: _token_rows(
        ("ExpiredToken", 400, "The provided token has expired.", None),
        "ExpiredTokenException",
        "ExpiredToken",
        _TOKEN_EXPIRED,
    ),
    TokenInvalid: _token_rows(
        ("InvalidToken", 400, "The provided token is malformed or otherwise invalid.", None),
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        _TOKEN_INVALID,
    ),
}


def answer(fault: Exception, family: Family) -> ServiceError:
    """What a client of this protocol family gets to read."""
    columns = TABLE[type(fault)]
    code, status, text, fields = columns.get(family) or columns["s3"]
    message = text if isinstance(text, str) else text(fault)
    return ServiceError(code, message, status=status, fields=fields(fault) if fields else None)
