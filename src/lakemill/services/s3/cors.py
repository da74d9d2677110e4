"""Cross-origin requests: a bucket's rules, preflights, and the headers browsers want to see."""

import re
from typing import Any

from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.base import Call, ServiceError
from lakemill.services.s3.errors import invalid_request

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
RULES_MAX = 100


def check_rules(rules: list[dict[str, Any]]) -> None:
    """Raises what PutBucketCors raises for rules that make no sense."""
    if not rules or len(rules) > RULES_MAX:
        raise ServiceError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
            status=400,
        )
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                raise invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
        for name in ("AllowedOrigins", "AllowedHeaders"):
            for value in rule.get(name, ()):
                if value.count("*") > 1:
                    raise invalid_request(f'{name[:-1]} "{value}" can not have more than one wildcard.')


def matching(
    rules: list[dict[str, Any]], origin: str, method: str, headers: list[str] | None = None
) -> dict[str, Any] | None:
    """The first rule that allows this."""
    for rule in rules:
        if (
            method in rule["AllowedMethods"]
            and any(_fits(pattern, origin) for pattern in rule["AllowedOrigins"])
            and all(
                any(_fits(pattern.lower(), name.lower()) for pattern in rule.get("AllowedHeaders", ()))
                for name in headers or ()
            )
        ):
            return rule
    return None


def allowed(rule: dict[str, Any], origin: str) -> dict[str, str]:
    """The response headers by which a rule lets a browser's script see the answer."""
    anyone = "*" in rule["AllowedOrigins"]
    headers = {
        "access-control-allow-origin": "*" if anyone else origin,
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if not anyone:
        headers["access-control-allow-credentials"] = "true"
    if exposed := rule.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ", ".join(exposed)
    if "MaxAgeSeconds" in rule:
        headers["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return headers


def answer(objects: Objects, call: Call, bucket: str, origin: str) -> None:
    """Put the headers for an actual cross-origin request on its answer, errors included."""
    try:
        rules = objects.buckets.named(bucket).cors
    except BucketMissing:
        return
    if rule := matching(rules, origin, call.http.method):
        call.headers.update(allowed(rule, origin))


def preflight(
    objects: Objects, bucket: str, origin: str | None, method: str | None, headers: str | None
) -> dict[str, str]:
    """The headers that allow a browser's announced request. Raises ServiceError where nothing allows it."""
    if not origin:
        raise ServiceError("BadRequest", "Insufficient information. Origin request header needed.", status=400)
    if not method:
        raise ServiceError("BadRequest", "Invalid Access-Control-Request-Method: null", status=400)
    try:
        rules = objects.buckets.named(bucket).cors
    except BucketMissing:
        rules = []
    if not rules:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method)
    names = [name.strip() for name in (headers or "").split(",") if name.strip()]
    rule = matching(rules, origin, method, names)
    if rule is None:
        raise _forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request "
            "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
            "resource's CORS spec.",
            method,
        )
    found = allowed(rule, origin)
    if names:
        found["access-control-allow-headers"] = ", ".join(name.lower() for name in names)
    return found


def _forbidden(message: str, method: str) -> ServiceError:
    return ServiceError("AccessForbidden", message, status=403, fields={"Method": method, "ResourceType": "BUCKET"})


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
