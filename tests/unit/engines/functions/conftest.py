"""Functions over a store of their own; those that run use Lambda's runtime, with the root's key."""

import pytest

from lakemill.engines.functions import Functions
from lakemill.engines.identity import Identity
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import SystemClock
from lakemill.services.lambda_ import LambdaRuntime
from lakemill.services.lambda_.runtime import HERE

FIELDS = {"handler": "app.handler", "runtime": HERE, "log_group": "/functions/f", "timeout_s": 5, "role": "none"}


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture
def loglines(metadata, clock):
    return LogLines(metadata, clock)


@pytest.fixture(scope="session")
def code_folder(tmp_path_factory):
    """Where all tests keep their code: making the folders of a store takes its time."""
    return tmp_path_factory.mktemp("functions")


@pytest.fixture
async def functions(metadata, loglines, clock, code_folder, tmp_path):
    identity = Identity(metadata, clock, "000000000000")
    identity.root_key()
    runtime = LambdaRuntime(identity, clock, "http://127.0.0.1:1", tmp_path, enforce=False)
    made = Functions(metadata, loglines, clock, code_folder, runtime, idle_s=0.2, workers_max=12, retry_s=0)
    yield made
    await made.close()
