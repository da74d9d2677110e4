"""Requests signed by botocore's own code, as our server would see them."""

import datetime
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lakemill.services.base import HttpRequest

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2025, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)
NOW_S = NOW.timestamp()

SIGNERS = {
    ("s3", False): botocore.auth.S3SigV4Auth,
    ("s3", True): botocore.auth.S3SigV4QueryAuth,
    (None, False): botocore.auth.SigV4Auth,
    (None, True): botocore.auth.SigV4QueryAuth,
}


def at(moment):
    """botocore's clock held still."""
    return mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment.replace(tzinfo=None))


async def no_body():
    return None


def signed(
    url,
    *,
    method="GET",
    service="s3",
    region="us-east-1",
    headers=(),
    data=b"",
    token=None,
    presigned=False,
    expires=None,
    moment=NOW,
    key_id=KEY_ID,
    secret=SECRET,
):
    """An HttpRequest signed by botocore."""
    request = AWSRequest(method=method, url=url, data=data, headers=dict(headers))
    request.context["signing"] = {}
    signer_class = SIGNERS["s3" if service == "s3" else None, presigned]
    options = {"expires": expires} if expires is not None else {}
    with at(moment):
        signer_class(Credentials(key_id, secret, token), service, region, **options).add_auth(request)
    prepared = request.prepare()
    return wire(prepared.method, prepared.url, prepared.headers.items())


def wire(method, url, headers):
    parts = urlsplit(url)
    lines = [(name.lower(), value.decode("latin-1") if isinstance(value, bytes) else value) for name, value in headers]
    if all(name != "host" for name, _ in lines):
        lines.insert(0, ("host", parts.netloc))
    return HttpRequest(
        method, parts.path.encode("ascii"), parts.query.encode("ascii"), lines, parts.scheme, "127.0.0.1", no_body
    )
