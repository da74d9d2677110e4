import itertools
import secrets

import pytest

from lakemill.ports.log import EmbeddedLog, disk
from tests.kafka_broker import kafka_broker

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


class TestEmbeddedLogOfThreads(TestEmbeddedLog):
    """Where the system syncs nothing by itself."""

    @pytest.fixture
    def opened(self, tmp_path, monkeypatch):
        monkeypatch.setattr(disk, "kernel_syncs", lambda: None)
        return [EmbeddedLog(tmp_path)]


@pytest.fixture(scope="module")
def kafka_logs():
    """Logs in a broker, and what opens them again."""
    module = pytest.importorskip("lakemill.ports.log.kafka", exc_type=ImportError)
    with kafka_broker() as broker:
        url = f"kafka://{broker}?prefix=test-{secrets.token_hex(4)}"
        opened = [module.KafkaLog(url)]
        yield opened, lambda: opened.append(module.KafkaLog(url))
        opened[-1].close()


class TestKafkaLog(LogContract):
    @pytest.fixture
    def log(self, kafka_logs):
        return kafka_logs[0][-1]

    @pytest.fixture
    def reopen(self, kafka_logs):
        opened, open_again = kafka_logs

        async def again(log):
            log.close()
            open_again()
            return opened[-1]

        return again
