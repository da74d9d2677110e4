"""Signature Version 2 in S3's presigned URLs, which boto3 and the AWS CLI still make unless told otherwise.

Only the query form is read (AWSAccessKeyId, Signature, Expires). String to sign, joined by newlines: method,
Content-MD5, Content-Type, Expires, the x-amz- headers sorted, and `/bucket/key` with the sub-resources of the query.

Source: AWS, "Signing and authenticating REST requests (AWS signature version 2)".
"""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from lakemill.gateway.sigfaults import PresignExpired, QueryMalformed, SignatureMismatch
from lakemill.gateway.sigv4 import UNSIGNED, Verified
from lakemill.services.base import HttpRequest

SUBRESOURCES = frozenset(
    {
        *("accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle"),
        *("location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication"),
        *("requestPayment", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId"),
        *("uploads", "versionId", "versioning", "versions", "website"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    }
)


class Claim(msgspec.Struct, frozen=True):
    """What a presigned URL says about its signer."""

    access_key_id: str
    signature: str
    expires_at: int
    """Seconds since 1970."""
    session_token: str | None
    query: dict[str, str]


def read_claim(http: HttpRequest) -> Claim | None:
    """The claim of a presigned URL of this version, None for any other request. Raises QueryMalformed."""
    raw = http.query_string
    if b"AWSAccessKeyId=" not in raw or b"Signature=" not in raw or b"X-Amz-Signature=" in raw:
        return None
    query = dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))
    expires = query.get("Expires", "")
    if not expires.isdigit():
        raise QueryMalformed(
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        )
    return Claim(query["AWSAccessKeyId"], query["Signature"], int(expires), query.get("x-amz-security-token"), query)


def verify(http: HttpRequest, claim: Claim, secret: str, path: bytes, *, now: float) -> Verified:
    """Check a claim. path: `/bucket/key` as sent, also for a virtual host. Raises PresignExpired, SignatureMismatch."""
    if now > claim.expires_at:
        raise PresignExpired(claim.expires_at, 0, now)
    text = string_to_sign(http, claim, path)
    wanted = base64.b64encode(hmac.digest(secret.encode(), text.encode("latin-1", "replace"), hashlib.sha1)).decode()
    if not hmac.compare_digest(wanted.encode(), claim.signature.encode("latin-1", "replace")):
        raise SignatureMismatch(claim.access_key_id, claim.signature, text, "")
    return Verified(UNSIGNED)


def string_to_sign(http: HttpRequest, claim: Claim, path: bytes) -> str:
    """The text the signature is made over."""
    headers = {name: value for name, value in claim.query.items() if name.startswith("x-amz-")}
    for name in ("content-md5", "content-type"):
        headers[name] = http.header(name) or claim.query.get(name, "")
    sent: dict[str, list[str]] = {}
    for name, value in http.headers:
        if name.startswith("x-amz-"):
            sent.setdefault(name, []).append(value.strip())
    headers |= {name: ",".join(values) for name, values in sent.items()}
    lines = [http.method, headers.pop("content-md5"), headers.pop("content-type"), str(claim.expires_at)]
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
    return "\n".join([*lines, path.decode("latin-1") + _subresources(http.query_string.decode("latin-1"))])


def _subresources(query: str) -> str:
    found = []
    for item in query.split("&"):
        name, equals, value = item.partition("=")
        if name in SUBRESOURCES:
            found.append((name, f"{name}={unquote_plus(value)}" if equals else name))
    return "?" + "&".join(text for _, text in sorted(found)) if found else ""
