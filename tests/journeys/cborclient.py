"""A client of the kind Java programs have: application/x-amz-cbor-1.1, signed by botocore."""

import http.client
import urllib.parse

import cbor2
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lakemill.gateway.eventstream import Decoder

CONTENT_TYPE = "application/x-amz-cbor-1.1"


class Millis(int):
    """Tag 1 as these clients write it: whole milliseconds since 1970."""


def _encoded(value):
    """Maps and lists of indefinite length, as the SDK writes them."""
    if isinstance(value, Millis):
        return b"\xc1" + cbor2.dumps(int(value))
    if isinstance(value, dict):
        return b"\xbf" + b"".join(cbor2.dumps(name) + _encoded(item) for name, item in value.items()) + b"\xff"
    if isinstance(value, list):
        return b"\x9f" + b"".join(map(_encoded, value)) + b"\xff"
    return cbor2.dumps(value)


def decoded(body):
    def millis(value, immutable=False):
        assert isinstance(value, int), "a timestamp must be a whole number of milliseconds"
        return Millis(value)

    return cbor2.loads(body, semantic_decoders={1: millis})


class Refused(Exception):
    """An answer that is an error. Fields: status, code, body."""

    def __init__(self, status, body, headers):
        super().__init__(body)
        self.status, self.code, self.body, self.headers = status, body["__type"], body, headers


class CborClient:
    """Kinesis of a running lakemill: `client.call("PutRecord", StreamName=...)`."""

    def __init__(self, lakemill):
        self._place = urllib.parse.urlsplit(lakemill.endpoint)
        self._credentials = Credentials(lakemill.access_key_id, lakemill.secret)

    def _signed(self, operation, request):
        body = _encoded(request)
        headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"Kinesis_20131202.{operation}"}
        signed = AWSRequest("POST", self._place.geturl() + "/", data=body, headers=headers)
        SigV4Auth(self._credentials, "kinesis", "us-east-1").add_auth(signed)
        return body, dict(signed.headers.items())

    def _ask(self, operation, request):
        body, headers = self._signed(operation, request)
        connection = http.client.HTTPConnection(self._place.hostname, self._place.port, timeout=30)
        connection.request("POST", "/", body, headers)
        return connection, connection.getresponse()

    def call(self, operation, **request):
        """The answer as plain values; blobs are bytes, timestamps Millis. Raises Refused."""
        connection, answer = self._ask(operation, request)
        body = answer.read()
        connection.close()
        if answer.status != 200:
            assert answer.headers["content-type"] == CONTENT_TYPE
            raise Refused(answer.status, decoded(body), answer.headers)
        assert answer.headers["content-type"] == CONTENT_TYPE
        return decoded(body) if body else None

    def events(self, operation, **request):
        """The events of a stream, each as (headers, payload)."""
        connection, answer = self._ask(operation, request)
        assert answer.status == 200, answer.read()
        frames = Decoder()
        try:
            while piece := answer.read1(65536):
                for frame in frames.feed(piece):
                    yield frame.headers, decoded(frame.payload)
        finally:
            connection.close()

    def events_over_http_2(self, operation, **request):
        """The same over HTTP/2 with prior knowledge, which is what the Kinesis Client Library speaks."""
        body, headers = self._signed(operation, request)
        url, frames = self._place.geturl() + "/", Decoder()
        with (
            httpx.Client(http1=False, http2=True, timeout=30) as client,
            client.stream("POST", url, headers=headers, content=body) as answer,
        ):
            assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
            for piece in answer.iter_bytes():
                for frame in frames.feed(piece):
                    yield frame.headers, decoded(frame.payload)
