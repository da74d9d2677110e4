"""Requests signed by botocore's own code, as our server would see them."""

import contextlib
import datetime
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import botocore.crt.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lakemill.services.base import HttpRequest

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2025, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)
NOW_S = NOW.timestamp()

# (library, service, presigned) -> signer. boto3 signs with the CRT library where that is installed.
SIGNERS = {
    ("botocore", "s3", False): botocore.auth.S3SigV4Auth,
    ("botocore", "s3", True): botocore.auth.S3SigV4QueryAuth,
    ("botocore", None, False): botocore.auth.SigV4Auth,
    ("botocore", None, True): botocore.auth.SigV4QueryAuth,
    ("crt", "s3", False): botocore.crt.auth.CrtS3SigV4Auth,
    ("crt", "s3", True): botocore.crt.auth.CrtS3SigV4QueryAuth,
    ("crt", None, False): botocore.crt.auth.CrtSigV4Auth,
    ("crt", None, True): botocore.crt.auth.CrtSigV4QueryAuth,
}


@contextlib.contextmanager
def at(moment):
    """botocore's clock held still."""

    def now(remove_tzinfo=True):
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    with (
        mock.patch.object(botocore.auth, "get_current_datetime", now),
        mock.patch.object(botocore.crt.auth, "get_current_datetime", now),
    ):
        yield


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
    library="botocore",
):
    """An HttpRequest signed by botocore."""
    request = AWSRequest(method=method, url=url, data=data, headers=dict(headers))
    request.context["signing"] = {}
    signer_class = SIGNERS[library, "s3" if service == "s3" else None, presigned]
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
