import inspect

import pytest

from lakemill.engines.identity import Identity
from lakemill.engines.identity.principal import Principal, anonymous
from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock
from lakemill.services.base import Call, HttpRequest, ServiceError
from lakemill.services.s3 import S3

ACCOUNT = "000000000000"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
NOBODY = anonymous(ACCOUNT)


def http_request(method="GET", path=b"/", headers=(), pieces=()):
    left = list(pieces)

    async def receive():
        return left.pop(0) if left else None

    return HttpRequest(method, path, b"", list(headers), "http", "127.0.0.1", receive)


class Asking:
    """Asks the service as the gateway does, without a network: refused members, permissions, handler."""

    def __init__(self, service):
        self.service = service
        self.handlers = service.operations()
        self.call = None

    async def __call__(self, operation, request=None, *, headers=(), principal=ROOT, region="us-east-1", **members):
        request = dict(request or {}) | members
        handler = self.handlers[operation]
        for member in handler.refuses.keys() & request.keys():
            raise ServiceError("NotImplemented", f"{member} is refused", status=501)
        http = http_request(headers=headers)
        self.call = Call("s3", operation, region, principal.account, principal, "R1", http)
        for need in self.service.needs(self.call, request):
            if (reason := self.service.allows(self.call, need)) is not None:
                raise ServiceError("AccessDenied", reason, status=403)
        answer = handler(self.call, request)
        return await answer if inspect.isawaitable(answer) else answer

    async def fails(self, code, operation, *arguments, **members):
        """The error it is answered with, which must have this code."""
        with pytest.raises(ServiceError) as caught:
            await self(operation, *arguments, **members)
        assert caught.value.code == code, caught.value.message
        return caught.value


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def identity(metadata, clock):
    return Identity(metadata, clock, ACCOUNT)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    """One store for all tests: no name comes twice, and making its folders takes longer than most tests."""
    return EmbeddedBlobs(tmp_path_factory.mktemp("s3") / "blobs")


@pytest.fixture
def objects(blobs, metadata, clock):
    made = Objects(metadata, blobs, clock)
    yield made
    made.close()


@pytest.fixture
def service(objects, identity, clock):
    return S3(objects, identity, clock, account=ACCOUNT)


@pytest.fixture
def ask(service):
    return Asking(service)


@pytest.fixture
async def bucket(ask):
    await ask("CreateBucket", Bucket="lake")
    return "lake"


async def content(answer):
    """The bytes of a GetObject's Body."""
    body = answer["Body"]
    if isinstance(body, bytes):
        return body
    if hasattr(body, "path"):
        data = body.path.read_bytes()
        assert body.whole == (body.offset == 0 and body.length == len(data))
        return data[body.offset : body.offset + body.length]
    return b"".join([piece async for piece in body])
