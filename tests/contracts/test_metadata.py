import subprocess
import sys

import pytest

from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

from .metadata import MetadataContract

CRASHING = """
import asyncio, os, signal, sys
from pathlib import Path
from lakemill.ports.metadata import EmbeddedMetadata

store = EmbeddedMetadata(Path(sys.argv[1]))

async def main():
    async def put(i):
        await store.transact(lambda transaction: transaction.put("things", f"{i:05d}", i))
        print(i, flush=True)
        if i == 300:
            os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.gather(*map(put, range(2000)))

asyncio.run(main())
"""


class TestEmbeddedMetadata(MetadataContract):
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def metadata(self, tmp_path, clock):
        store = EmbeddedMetadata(tmp_path / "metadata.sqlite", clock)
        yield store
        store.close()

    def test_what_was_written_is_there_after_a_restart(self, metadata, tmp_path):
        metadata.transact_blocking(lambda transaction: transaction.put("things", "a", {"b": 1}))
        metadata.close()
        again = EmbeddedMetadata(tmp_path / "metadata.sqlite")
        assert again.get("things", "a") == {"b": 1}
        again.close()

    def test_what_was_acknowledged_survives_kill_9(self, tmp_path):
        outcome = subprocess.run([sys.executable, "-c", CRASHING, str(tmp_path / "m.sqlite")], capture_output=True)
        assert outcome.returncode == -9
        acknowledged = [int(line) for line in outcome.stdout.split()]
        store = EmbeddedMetadata(tmp_path / "m.sqlite")
        kept = {value for _, value in store.scan("things")}
        store.close()
        assert 300 in acknowledged
        assert set(acknowledged) <= kept

    def test_a_full_disk_tells_every_caller_of_the_group(self, metadata):
        def fill(transaction):
            transaction._connection.execute("PRAGMA max_page_count = 1")  # As many pages as there are: none is left.
            transaction.put("things", "big", b"x" * 1_000_000)

        with pytest.raises(Exception, match="full"):
            metadata.transact_blocking(fill)
        assert metadata.get("things", "big") is None
