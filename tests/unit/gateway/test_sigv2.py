"""Presigned URLs of signature version 2, made by botocore's own signer."""

from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lakemill.gateway import sigv2
from lakemill.gateway.sigfaults import PresignExpired, SignatureMismatch
from lakemill.services.base import HttpRequest

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


async def nothing():
    return None


def presigned(method="GET", url="http://localhost:4566/bucket/a%20key", headers=None, token=None, auth_path=None):
    request = AWSRequest(method, url, headers=headers or {}, auth_path=auth_path)
    HmacV1QueryAuth(Credentials("AKIAEXAMPLE", SECRET, token), expires=60).add_auth(request)
    split = urlsplit(request.url)
    sent = [(name.lower(), value) for name, value in (headers or {}).items()]
    return HttpRequest(method, split.path.encode(), split.query.encode(), sent, "http", "127.0.0.1", nothing)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "PUT", "headers": {"Content-Type": "text/plain", "x-amz-meta-a": "1"}},
        {"url": "http://localhost:4566/bucket/key?versionId=abc&response-content-type=text%2Fplain"},
        {"url": "http://localhost:4566/bucket/key?uploads", "method": "POST"},
        {"token": "a/session+token=="},
    ],
)
def test_what_botocore_signs_is_verified(options):
    http = presigned(**options)
    claim = sigv2.read_claim(http)
    assert claim.access_key_id == "AKIAEXAMPLE"
    assert sigv2.verify(http, claim, SECRET, http.raw_path, now=0).payload == "UNSIGNED-PAYLOAD"
    assert claim.session_token == options.get("token")


def test_a_virtual_hosts_bucket_is_part_of_what_is_signed():
    http = presigned(url="http://bucket.localhost:4566/key", auth_path="/bucket/key")
    claim = sigv2.read_claim(http)
    assert sigv2.verify(http, claim, SECRET, b"/bucket/key", now=0)
    with pytest.raises(SignatureMismatch):
        sigv2.verify(http, claim, SECRET, b"/key", now=0)


def test_another_method_key_or_secret_is_refused():
    http = presigned()
    claim = sigv2.read_claim(http)
    with pytest.raises(SignatureMismatch):
        sigv2.verify(http, claim, SECRET + "x", http.raw_path, now=0)
    with pytest.raises(SignatureMismatch):
        sigv2.verify(http, claim, SECRET, b"/bucket/other", now=0)
    http.method = "DELETE"
    with pytest.raises(SignatureMismatch):
        sigv2.verify(http, claim, SECRET, http.raw_path, now=0)


def test_it_expires():
    http = presigned()
    claim = sigv2.read_claim(http)
    with pytest.raises(PresignExpired):
        sigv2.verify(http, claim, SECRET, http.raw_path, now=claim.expires_at + 1)


def test_requests_of_version_4_are_left_alone():
    http = HttpRequest("GET", b"/b/k", b"X-Amz-Signature=1&X-Amz-Algorithm=AWS4-HMAC-SHA256", [], "http", "", nothing)
    assert sigv2.read_claim(http) is None
