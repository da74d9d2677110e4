import itertools

import pytest

from lakemill.ports.log import EmbeddedLog

from .log import LogContract

_NUMBERS = itertools.count()


@pytest.fixture
def name():
    return f"log-{next(_NUMBERS)}"


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def opened(self, tmp_path):
        return [EmbeddedLog(tmp_path)]

    @pytest.fixture
    def log(self, opened):
        yield opened[0]
        opened[-1].close()

    @pytest.fixture
    def reopen(self, opened, tmp_path):
        async def again(log):
            log.close()
            opened.append(EmbeddedLog(tmp_path))
            return opened[-1]

        return again


class TestEmbeddedLogInSmallSegments(TestEmbeddedLog):
    """Each group begins a new segment."""

    @pytest.fixture
    def opened(self, tmp_path):
        return [EmbeddedLog(tmp_path, segment_bytes=1)]
