"""Keys over a store of their own and a clock that moves when told to."""

import pytest

from lakemill.engines.keys import Keys
from lakemill.ports.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def keys(metadata, clock, tmp_path):
    return Keys(metadata, clock, tmp_path / "master.key")
