"""The policy document of a browser form: what its signer lets the browser send."""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
from typing import Any, NamedTuple

from lakemill.services.base import ServiceError
from lakemill.services.s3 import errors

UNCOVERED = ("policy", "signature", "x-amz-signature", "awsaccesskeyid", "file")
"""Fields no condition need speak of; nor of those that begin with x-ignore-."""


class SizeRange(NamedTuple):
    """content-length-range, both ends included."""

    least: int = 0
    most: int = 5 << 30


def signature_v4(secret: str, scope: list[str], policy: str) -> str:
    """scope: [date, region, service, "aws4_request"] of the credential field; policy: its Base64 text."""
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()


def signature_v2(secret: str, policy: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()).decode()


def check(text: str, bucket: str, fields: dict[str, str], now: datetime.datetime) -> SizeRange:
    """Hold the fields against the policy (Base64 text); the size the file may have. Raises ServiceError."""
    document = _document(text)
    if now >= _expiration(document):
        raise errors.access_denied("Invalid according to Policy: Policy expired.")
    values = {**fields, "bucket": bucket}
    covered, size = set(), SizeRange()
    for condition in document["conditions"]:
        kind, name, value = _condition(condition)
        if kind == "content-length-range":
            size = SizeRange(int(name), int(value))
            continue
        covered.add(name)
        actual = values.get(name, "")
        fits = (
            actual == value
            if kind == "eq"
            else all(one.startswith(value) for one in (actual.split(",") if name == "content-type" else [actual]))
        )
        if not fits:
            shown = json.dumps([kind, f"${name}", value])
            raise errors.access_denied(f"Invalid according to Policy: Policy Condition failed: {shown}")
    extra = sorted(
        name for name in fields if name not in covered and name not in UNCOVERED and not name.startswith("x-ignore-")
    )
    if extra:
        raise errors.access_denied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")
    return size


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise _invalid("Invalid Policy: Invalid JSON.") from None
    if not isinstance(document, dict) or "expiration" not in document:
        raise _invalid("Invalid Policy: Policy missing expiration.")
    if not isinstance(document.get("conditions"), list):
        raise _invalid("Invalid Policy: Policy missing conditions.")
    return document


def _expiration(document: dict[str, Any]) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(str(document["expiration"]))
    except ValueError:
        raise _invalid(f"Invalid Policy: Invalid 'expiration' value: '{document['expiration']}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _condition(condition: Any) -> tuple[str, str, str]:
    """(kind, field name or least size, value or most)."""
    if isinstance(condition, dict) and len(condition) == 1:
        name, value = next(iter(condition.items()))
        return "eq", str(name).lower(), str(value)
    if isinstance(condition, list) and len(condition) == 3:
        kind, name, value = str(condition[0]).lower(), str(condition[1]), str(condition[2])
        if kind == "content-length-range" and name.isdigit() and value.isdigit():
            return kind, name, value
        if kind in ("eq", "starts-with") and name.startswith("$"):
            return kind, name[1:].lower(), value
    raise _invalid(f"Invalid Policy: Invalid Simple-Condition: {json.dumps(condition)}")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidPolicyDocument", message, status=400)
