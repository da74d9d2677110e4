"""The service over streams in memory, called without a server."""

import pytest
from tests.unit.engines.streams.memorylog import MemoryLog

from lakemill.engines.identity.principal import Principal
from lakemill.engines.keys import Keys
from lakemill.engines.streams import Streams
from lakemill.ports.clock import ManualClock
from lakemill.services.base import Call, HttpRequest
from lakemill.services.kinesis import Kinesis

ACCOUNT = "000000000000"
ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/"


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000)


@pytest.fixture
def keys(metadata, clock, tmp_path):
    return Keys(metadata, clock, tmp_path / "master.key")


@pytest.fixture
async def streams(metadata, clock, keys):
    return Streams(metadata, MemoryLog(), clock, keys)


@pytest.fixture
async def kinesis(streams):
    return Kinesis(streams)


def call(operation, account=ACCOUNT):
    """A call of a user."""
    http = HttpRequest("POST", b"/", b"", [], "http", "127.0.0.1", None)
    principal = Principal("user", account, f"arn:aws:iam::{account}:user/u", "AIDA", name="u")
    return Call("kinesis", operation, "us-east-1", account, principal, "id", http)


@pytest.fixture
def ask(kinesis):
    """`await ask("PutRecord", StreamName=...)`."""
    operations = kinesis.operations()

    async def asked(operation, **request):
        answer = operations[operation](call(operation), request)
        return await answer if hasattr(answer, "__await__") else answer

    return asked
