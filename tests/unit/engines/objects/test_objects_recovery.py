import asyncio
import subprocess
import sys

from lakemill.engines.objects import Objects, rows
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.metadata import EmbeddedMetadata

BIG = bytes(200_000)


def orphan(blobs, clock):
    name = rows.data_name(rows.BLOB_DATA, clock.time())
    writing = blobs.create(name)
    writing.write(BIG)
    writing.commit()
    return name


async def test_recovery_removes_what_a_crash_left_and_keeps_the_rest(objects, bucket, blobs, clock):
    await objects.put(bucket, "kept", BIG)
    await objects.put(bucket, "dropped", BIG)
    await objects.delete(bucket, "dropped")
    orphan(blobs, clock)
    half = blobs.create("half")
    half.write(b"x")
    other = blobs.create("of-another-engine")
    other.commit()
    report = objects.recover_blocking()
    assert (report.unfinished, report.unreferenced, report.garbage) == (1, 1, 1)
    assert set(blobs.names()) == {objects.head(bucket, "kept").data, "of-another-engine"}
    assert objects.read(objects.head(bucket, "kept")) == BIG
    again = objects.recover_blocking()
    assert (again.unfinished, again.unreferenced, again.garbage) == (0, 0, 0)
    assert await objects.recover() == []
    orphan(blobs, clock)
    assert await objects.recover() == [
        "Object store: removed 0 unfinished, 1 unreferenced blobs and 0 dropped pieces of data."
    ]


async def test_recovery_looks_up_only_blobs_made_since_the_last_one(
    objects, bucket, blobs, clock, metadata, monkeypatch
):
    for i in range(5):
        await objects.put(bucket, f"old-{i}", BIG)
    clock.advance(10)
    objects.recover_blocking()
    clock.advance(10)
    name = orphan(blobs, clock)
    looked_up = []
    get = metadata.get
    monkeypatch.setattr(metadata, "get", lambda table, key: looked_up.append(key) or get(table, key))
    assert objects.recover_blocking().unreferenced == 1
    assert [key for key in looked_up if key.startswith(rows.BLOB_DATA)] == [name]


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    script = """
import asyncio, os, signal, sys
from pathlib import Path
from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.metadata import EmbeddedMetadata
root = Path(sys.argv[1])
objects = Objects(EmbeddedMetadata(root / "m.sqlite"), EmbeddedBlobs(root / "blobs"))
async def main():
    await objects.buckets.create("lake", "0", "us-east-1")
    async def put(i):
        await objects.put("lake", f"k{i}", bytes([i % 256]) * (100 if i % 2 else 50_000))
        print(i, flush=True)
        if i == 40:
            os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.gather(*map(put, range(200)))
asyncio.run(main())
"""
    outcome = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert outcome.returncode == -9
    acknowledged = [int(line) for line in outcome.stdout.split()]
    assert 40 in acknowledged
    metadata = EmbeddedMetadata(tmp_path / "m.sqlite")
    blobs = EmbeddedBlobs(tmp_path / "blobs")
    objects = Objects(metadata, blobs)
    objects.recover_blocking()
    for i in acknowledged:
        assert objects.read(objects.head("lake", f"k{i}")) == bytes([i % 256]) * (100 if i % 2 else 50_000)
    references = {record.data for record in objects.listing("lake") if record.data.startswith(rows.BLOB_DATA)}
    assert set(blobs.names()) == references
    asyncio.run(objects.delete("lake", "k40"))
    objects.close()
    metadata.close()
