"""Requests that no SDK would send: signed by botocore where they are signed at all, then sent as they are."""

import contextlib
import datetime
import http.client
import json
import re
import socket
from unittest import mock

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

JSON_TARGET = {"sagemaker": "SageMaker", "logs": "Logs_20140328"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


class Answer:
    """Status, headers and body; and the error's code wherever this protocol says it."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def code(self):
        if named := self.headers.get("x-amzn-errortype"):
            return named.split(":")[0]
        if found := re.search(r"<Code>([^<]*)</Code>", self.text):
            return found[1]
        with contextlib.suppress(ValueError, AttributeError):
            named = json.loads(self.body)
            return (named.get("__type") or named.get("Code") or "").rsplit("#", 1)[-1]
        if found := re.search(rb"f__type[\x60-\x78](\w+?Exception)", self.body):  # CBOR: text of up to 24 bytes
            return found[1].decode()
        return ""


class Raw:
    """Asks one lakemill."""

    def __init__(self, lakemill):
        self.lakemill = lakemill
        self.credentials = Credentials(lakemill.access_key_id, lakemill.secret)

    def url(self, target):
        return f"{self.lakemill.endpoint}{target}"

    def headers(self, service, method, target, body=b"", headers=None, *, credentials=None, hours=0, signer=None):
        """Signed headers. hours: how wrong the signer's clock is."""
        request = AWSRequest(method, self.url(target), data=body, headers=headers or {})
        signer = signer or (auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth)
        with wrong_clock(hours):
            signer(credentials or self.credentials, service, "us-east-1").add_auth(request)
        return dict(request.headers.items())

    def presigned(self, target, *, hours=0, expires_s=60):
        """A URL's target as version 4 signs it."""
        request = AWSRequest("GET", self.url(target))
        with wrong_clock(hours):
            auth.S3SigV4QueryAuth(self.credentials, "s3", "us-east-1", expires=expires_s).add_auth(request)
        return request.url.removeprefix(self.lakemill.endpoint)

    def presigned_v2(self, target, *, expires_s):
        """The same by version 2."""
        request = AWSRequest("GET", self.url(target), auth_path=target)
        auth.HmacV1QueryAuth(self.credentials, expires=expires_s).add_auth(request)
        return request.url.removeprefix(self.lakemill.endpoint)

    def send(self, method, target, body=b"", headers=None):
        """As it is given; http.client adds host and content-length where they are missing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.lakemill.port, timeout=60)
        try:
            with contextlib.suppress(BrokenPipeError):  # It has heard enough; its answer waits.
                connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def ask(self, service, method, target, body=b"", headers=None, *, after=None, **how):
        """Signed and sent. after: headers put on after signing."""
        signed = self.headers(service, method, target, body, headers, **how) | (after or {})
        return self.send(method, target, body, signed)

    def json(self, service, operation, body, **how):
        """An operation of a service that speaks AWS JSON 1.1."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{JSON_TARGET[service]}.{operation}"}
        return self.ask(service, "POST", "/", body, headers, **how)

    def query(self, body, **how):
        """An IAM request as a form."""
        return self.ask("iam", "POST", "/", body, FORM, **how)

    def invoke(self, endpoint, body, content_type="text/csv", **how):
        """InvokeEndpoint."""
        return self.ask(
            "sagemaker", "POST", f"/endpoints/{endpoint}/invocations", body, {"Content-Type": content_type}, **how
        )

    def bytes(self, data, *, close=False, timeout_s=20):
        """What a socket gets back for these bytes; close: we say nothing more after them."""
        with socket.create_connection(("127.0.0.1", self.lakemill.port), timeout=timeout_s) as connection:
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(65536):
                    received += piece
                    if b"\r\n\r\n" in received and _complete(received):
                        break
        return received


def _complete(received):
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    return length is not None and len(body) >= int(length[1])


@contextlib.contextmanager
def wrong_clock(hours):
    """botocore's signers see another time."""

    def now(remove_tzinfo=True):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    with mock.patch.object(auth, "get_current_datetime", now):
        yield


def declaring(payload_hash):
    """A signer that says this of the body: a keyword such as UNSIGNED-PAYLOAD, or a hash that may be wrong."""

    class Declaring(auth.S3SigV4Auth):
        def payload(self, request):
            return payload_hash

    return Declaring
