"""Which service a request is for.

The order, most reliable first: the signing name in the credential scope; X-Amz-Target; the host; else the body's
Action (STS and IAM take unsigned and presigned calls); else S3, whose requests may carry nothing at all.
S3 keys come by path style or virtual host; a virtual host's bucket is put in front of the path for the handler, while
the signature is still verified over the path as sent.
"""

import dataclasses
import functools
import re
from urllib.parse import parse_qs

from lakemill.gateway.sigclaim import SIGNATURE_CHARACTERS
from lakemill.services.base import HttpRequest

_SCOPE = re.compile(r"Credential=[^/,\s]+/\d*/([^/,\s]*)/([^/,\s]*)/aws4_request")
_QUERY_SCOPE = re.compile(r"X-Amz-Credential=[^&]*?(?:/|%2F)\d{8}(?:/|%2F)([^/&%]*)(?:/|%2F)([^/&%]*)(?:/|%2F)", re.I)

# The bucket in front of an S3 host: AWS's own names, LocalStack's, and plain localhost.
_VIRTUAL_HOST = re.compile(
    r"^(?P<bucket>.+?)\.(?:s3(?:[.-](?:dualstack|accelerate|[a-z0-9-]+))*\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)"
    r"|localhost)(?::\d+)?$"
)
_AWS_HOST = re.compile(r"^(?P<labels>[a-z0-9.-]+)\.amazonaws\.com(?:\.cn)?(?::\d+)?$")
_S3_LABEL = re.compile(r"^s3(?:[.-]|$)")

# The first label(s) of AWS's host names that are not the client's name.
HOSTS = {
    "api.sagemaker": "sagemaker",
    "runtime.sagemaker": "sagemaker-runtime",
    "monitoring": "cloudwatch",
    "elasticmapreduce": "emr",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes before its operation is known."""

    signing_name: str
    """As in the credential scope; what the host says when unsigned."""
    region: str
    bucket: str | None = None
    """The bucket of a virtual-host style S3 request."""


def destination(http: HttpRequest, region_default: str) -> Destination:
    """Service and region of a request, from its headers, host and query."""
    if (signed := http.signed) is not None:
        return _place(signed.service, signed.region)
    if (authorization := http.header("authorization")) is not None:
        place = _signed(authorization[:-SIGNATURE_CHARACTERS], region_default)
        if place is not None and place.signing_name != "s3":
            return place
    host = (http.header("host") or "").lower()
    signing_name, region = _scope(http)
    if not signing_name:
        signing_name, region = _unsigned(http, host), ""
    bucket = virtual_bucket(host) if signing_name == "s3" else None
    return Destination(signing_name, region or region_default, bucket)


@functools.lru_cache(maxsize=4096)
def _place(service: str, region: str) -> Destination:
    return Destination(service, region)


@functools.lru_cache(maxsize=4096)
def _signed(authorization: str, region_default: str) -> Destination | None:
    """What an Authorization header says, without its end: all a client's requests of one day begin alike."""
    match = _SCOPE.search(authorization)
    return Destination(match[2], match[1] or region_default) if match and match[2] else None


def virtual_bucket(host: str) -> str | None:
    """The bucket a host name carries.

    >>> virtual_bucket("my.bucket.s3.eu-west-1.amazonaws.com")
    'my.bucket'
    >>> virtual_bucket("s3.amazonaws.com") is None
    True
    """
    match = _VIRTUAL_HOST.match(host)
    return None if match is None or _S3_LABEL.match(host) else match["bucket"]


def _scope(http: HttpRequest) -> tuple[str, str]:
    if (authorization := http.header("authorization")) and (match := _SCOPE.search(authorization)):
        return match[2], match[1]
    if b"X-Amz-Credential" in http.query_string and (match := _QUERY_SCOPE.search(http.query_string.decode("latin-1"))):
        return match[2], match[1]
    return "", ""


def _unsigned(http: HttpRequest, host: str) -> str:
    match = _AWS_HOST.match(host)
    if match:
        labels = match["labels"]
        for label, name in HOSTS.items():
            if labels.startswith(label):
                return name
        if labels != "s3" and not _S3_LABEL.match(labels) and ".s3" not in labels:
            return labels.split(".")[0]
    content_type = http.header("content-type") or ""
    if http.method == "POST" and content_type.startswith("application/x-www-form-urlencoded"):
        return "sts"
    if b"Action=" in http.query_string and parse_qs(http.query_string.decode("latin-1")).get("Version"):
        return "sts"
    return "s3"
