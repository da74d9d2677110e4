"""What the files of a log promise beyond the contract: restarts, damage, room, readers in peace."""

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys

import pytest

from lakemill.ports.log import EmbeddedLog, Entry, LogDamaged, LogMissing
from lakemill.ports.log.disk import RealDisk
from lakemill.ports.log.index import EXTENT_BYTES
from lakemill.ports.log.kernelsyncs import KernelSyncs

from .simulation import AtOnce, SimulatedDisk

ALL = {"records": 1_000_000, "size": 1 << 30}


def made(first, count, *, shard=0, size=10, time_ms=None):
    return [
        Entry(shard, i if time_ms is None else time_ms, b"k%d" % i, b"%d:" % i + bytes(size))
        for i in range(first, first + count)
    ]


async def values(log, shard=0, name="a"):
    return [record.value for record in await log.read(name, shard, 0, **ALL)]


async def filled(folder, appends=10, **options):
    """A log with so many appends of five records, and what is in it; left as a crash leaves it."""
    log = EmbeddedLog(folder, **options)
    await log.create("a", 1)
    entries = []
    for i in range(appends):
        entries += made(5 * i, 5)
        await log.append("a", entries[-5:])
    return log, [entry.value for entry in entries]


def segments(folder, kind="log"):
    return sorted((folder / "a.log").glob(f"0*.{kind}"))


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


async def test_a_torn_end_is_cut_wherever_it_is_torn(tmp_path):
    _, expected = await filled(tmp_path, 3)
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    end = 0
    for size in range(len(whole), 90, -7):
        path.write_bytes(whole[:size])
        for index in segments(tmp_path, "index"):
            index.unlink()
        found = await values(EmbeddedLog(tmp_path))
        assert found == expected[: len(found)] and len(found) in (0, 5, 10, 15)
        end += len(found) == 15
        assert path.stat().st_size <= size
    assert end == 1


async def test_rubbish_after_the_end_is_cut_and_appending_goes_on(tmp_path):
    _, expected = await filled(tmp_path, 3)
    with open(segments(tmp_path)[0], "ab") as file:
        file.write(bytes(5000))
    log = EmbeddedLog(tmp_path)
    assert await values(log) == expected
    positions = await log.append("a", made(15, 2))
    assert positions == [16, 17]
    assert len(await values(log)) == 17
    log.close()


@pytest.mark.parametrize("closed", [True, False])
async def test_damage_before_the_end_is_an_error_that_names_file_and_offset(tmp_path, closed):
    log, _ = await filled(tmp_path, 10)
    (path,) = segments(tmp_path)
    at = path.stat().st_size // 2
    if closed:
        log.close()
    flip(path, at)
    log = EmbeddedLog(tmp_path)
    with pytest.raises(LogDamaged, match=rf"{path}, offset \d+: ") as damaged:
        await values(log)
    offset = int(str(damaged.value).split("offset ")[1].split(":")[0])
    assert at - 300 < offset <= at
    with pytest.raises(LogDamaged):
        await values(log)


async def test_damage_in_the_last_write_is_noticed_after_an_orderly_end(tmp_path):
    log, _ = await filled(tmp_path, 3)
    log.close()
    (path,) = segments(tmp_path)
    flip(path, path.stat().st_size - 1)
    with pytest.raises(LogDamaged, match="offset"):
        await values(EmbeddedLog(tmp_path))


async def test_damage_in_an_older_segment_spoils_only_what_is_there(tmp_path):
    log, expected = await filled(tmp_path, 6, segment_bytes=1)
    log.close()
    flip(segments(tmp_path)[1], 150)
    log = EmbeddedLog(tmp_path)
    assert [r.value for r in await log.read("a", 0, 1, records=5, size=1000)] == expected[:5]
    with pytest.raises(LogDamaged, match="0000000002"):
        await log.read("a", 0, 6, records=5, size=1000)
    assert [r.value for r in await log.read("a", 0, 11, **ALL)] == expected[10:]
    assert await log.append("a", made(100, 1)) == [31]
    log.close()


async def test_a_missing_segment_a_damaged_header_and_a_damaged_manifest_are_errors(tmp_path):
    log, _ = await filled(tmp_path, 4, segment_bytes=1)
    log.close()
    path, manifest = segments(tmp_path)[1], tmp_path / "a.log" / "log.json"
    kept = path.read_bytes(), manifest.read_bytes()
    for spoil, text in (
        (path.unlink, "0000000002.log, offset 0: the file is missing"),
        (lambda: flip(path, 40), "0000000002.log, offset 0: the header"),
        (lambda: flip(path, 0), "0000000002.log, offset 0: this is not a segment"),
        (lambda: flip(manifest, 12), "log.json, offset 0: "),
        (lambda: os.truncate(path, 150), "0000000002.log, offset"),
    ):
        spoil()
        log = EmbeddedLog(tmp_path)
        with pytest.raises(LogDamaged, match=text):
            await values(log)
        await log.create("other", 1)
        await log.append("other", made(0, 1))
        await log.delete("other")
        log.close()
        path.write_bytes(kept[0])
        manifest.write_bytes(kept[1])


async def test_a_record_that_looks_like_a_block_is_a_record(tmp_path):
    log, _ = await filled(tmp_path, 2)
    (path,) = segments(tmp_path)
    forged = path.read_bytes()[-150:]
    await log.append("a", [Entry(0, 100, b"", forged)])
    os.truncate(path, path.stat().st_size - 5)
    assert len(await values(EmbeddedLog(tmp_path))) == 10


@pytest.mark.parametrize("spoil", ["gone", "damaged", "torn"])
async def test_an_index_is_made_again_when_it_is_needed(tmp_path, spoil):
    log, expected = await filled(tmp_path, 6, segment_bytes=1)
    log.close()
    for path in segments(tmp_path, "index")[:3]:
        if spoil == "gone":
            path.unlink()
        elif spoil == "damaged":
            flip(path, path.stat().st_size - 1)
        else:
            os.truncate(path, 30)
    log = EmbeddedLog(tmp_path)
    assert await values(log) == expected
    assert len(segments(tmp_path, "index")) == 6
    assert await log.position_at("a", 0, 12) == 13
    log.close()


async def test_trimming_frees_whole_segments_and_lasts_over_a_restart(tmp_path):
    log, _ = await filled(tmp_path, 20, segment_bytes=1)
    await log.trim("a", 52)
    assert [int(path.stem) for path in segments(tmp_path)] == list(range(11, 21))
    log.close()
    log = EmbeddedLog(tmp_path, segment_bytes=1)
    assert log.bounds("a", 0).first == 53
    assert (await values(log))[0].startswith(b"52:")
    await log.trim("a", 1000)
    assert len(segments(tmp_path)) == 1
    assert await values(log) == []
    log.close()
    log = EmbeddedLog(tmp_path)
    assert log.bounds("a", 0).next == 101
    assert await log.append("a", made(7, 1)) == [101]
    assert (await log.read("a", 0, 0, **ALL))[0].time_ms == 99
    log.close()


async def test_what_a_crash_left_of_a_trim_a_create_and_a_delete_is_removed(tmp_path):
    log, _ = await filled(tmp_path, 6, segment_bytes=1)
    kept = [(path, path.read_bytes()) for path in segments(tmp_path)[:2]]
    await log.trim("a", 22)
    log.close()
    for path, data in kept:
        path.write_bytes(data)
    (tmp_path / "b.new").mkdir()
    (tmp_path / "0.gone").mkdir()
    (tmp_path / "a.log" / "0000000009.log.new").write_bytes(b"x")
    log = EmbeddedLog(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log"]
    assert [int(path.stem) for path in segments(tmp_path)] == [5, 6]
    assert len(await values(log)) == 8
    log.close()


class Slow(RealDisk):
    """A disk that has nothing in the page cache."""

    def open(self, path):
        file = super().open(path)
        read = file.read

        def slow(offset, size, *, wait=True):
            if not wait:
                raise BlockingIOError
            return read(offset, size)

        file.read = slow
        return file


async def test_who_reads_while_the_log_is_trimmed_or_deleted_is_left_in_peace(tmp_path):
    log, _ = await filled(tmp_path, 40, segment_bytes=1)
    log.close()
    log = EmbeddedLog(tmp_path, disk=Slow())

    async def reader():
        position, found = 1, []
        while more := await log.read("a", 0, position, records=3, size=1000):
            found += [record.position for record in more]
            position = found[-1] + 1
        return found

    reading = [asyncio.create_task(reader()) for _ in range(4)]
    await asyncio.sleep(0.005)
    for before_ms in range(0, 150, 10):
        await log.trim("a", before_ms)
    for found in await asyncio.gather(*reading):
        assert found == sorted(found) and found[-1] == 200
    reading = [asyncio.create_task(reader()) for _ in range(4)]
    await asyncio.sleep(0.002)
    await log.delete("a")
    for outcome in await asyncio.gather(*reading, return_exceptions=True):
        assert isinstance(outcome, LogMissing | list)
    assert not (tmp_path / "a.log").exists()
    await log.create("a", 1)
    assert await values(log) == []
    log.close()


async def test_what_is_appended_while_a_log_is_deleted_is_refused_or_was_written_before(tmp_path):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 1)
    appending = [asyncio.ensure_future(log.append("a", made(i, 1))) for i in range(50)]
    await asyncio.sleep(0)
    await log.delete("a")
    outcomes = await asyncio.gather(*appending, return_exceptions=True)
    assert all(isinstance(outcome, LogMissing | list) for outcome in outcomes)
    log.close()


async def test_callers_at_the_same_time_share_a_flush(tmp_path, monkeypatch):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 4)
    await log.append("a", made(0, 1))
    flushes, thread, kernel = [], os.fdatasync, KernelSyncs.begin
    monkeypatch.setattr(os, "fdatasync", lambda *given: flushes.append(thread(*given)))
    monkeypatch.setattr(KernelSyncs, "begin", lambda *given: flushes.append(kernel(*given)))
    await asyncio.gather(*(log.append("a", made(i, 1, shard=i % 4)) for i in range(200)))
    assert len(flushes) == 1
    log.close()


async def test_closing_finishes_what_was_accepted(tmp_path):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 1)
    appending = [asyncio.ensure_future(log.append("a", made(i, 1))) for i in range(20)]
    await asyncio.sleep(0)
    log.close()
    assert sorted(p for (p,) in await asyncio.gather(*appending)) == list(range(1, 21))
    with pytest.raises(RuntimeError, match="closed"):
        await log.append("a", made(0, 1))
    assert len(await values(EmbeddedLog(tmp_path))) == 20


async def test_memory_stays_small_with_many_small_appends(tmp_path):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 2)
    for i in range(60):
        await asyncio.gather(*(log.append("a", made(i, 1, shard=j % 2, size=1000)) for j in range(20)))
    segment = log._logs["a"]._segments[-1]
    size = segments(tmp_path)[0].stat().st_size
    assert all(len(extents.offsets) <= size // EXTENT_BYTES + 1 for extents in segment.extents.values())
    assert len(await values(log, 0)) == 600
    log.close()


async def test_a_sealed_segment_keeps_no_index_in_memory(tmp_path):
    log, expected = await filled(tmp_path, 30, segment_bytes=1)
    for _ in range(100):
        if all(segment.extents is None for segment in log._logs["a"]._segments[:-1]):
            break
        await asyncio.sleep(0.01)
    assert [segment.extents is None for segment in log._logs["a"]._segments] == [True] * 29 + [False]
    assert await values(log) == expected
    log.close()


async def test_a_full_disk_leaves_nothing_of_the_append_and_is_forgotten_when_there_is_room(tmp_path):
    asyncio.get_running_loop().set_default_executor(AtOnce())
    disk = SimulatedDisk(random.Random(1))
    log = EmbeddedLog(tmp_path, disk=disk, flusher=AtOnce())
    await log.create("a", 1)
    await log.append("a", made(0, 3))
    disk.full = True
    outcomes = await asyncio.gather(*(log.append("a", made(10 + i, 1)) for i in range(3)), return_exceptions=True)
    assert [outcome.errno for outcome in outcomes] == [errno.ENOSPC] * 3
    assert len(await values(log)) == 3
    disk.full = False
    assert await log.append("a", made(20, 1)) == [4]
    again = EmbeddedLog(tmp_path, disk=disk.after_crash(), flusher=AtOnce())
    assert [value[:2] for value in await values(again)] == [b"0:", b"1:", b"2:", b"20"]


async def test_after_a_failed_flush_the_log_goes_on_in_a_new_segment(tmp_path):
    asyncio.get_running_loop().set_default_executor(AtOnce())
    disk = SimulatedDisk(random.Random(1))
    log = EmbeddedLog(tmp_path, disk=disk, flusher=AtOnce())
    await log.create("a", 1)
    await log.append("a", made(0, 3))
    disk.failing = 1
    with pytest.raises(OSError, match="Input/output"):
        await log.append("a", made(10, 1))
    assert await log.append("a", made(20, 1)) == [4]
    assert [value[:2] for value in await values(log)] == [b"0:", b"1:", b"2:", b"20"]
    assert sum(name.endswith(".log") for name in disk.names(tmp_path / "a.log")) == 2
    again = EmbeddedLog(tmp_path, disk=disk.after_crash(), flusher=AtOnce())
    assert [value[:2] for value in await values(again)] == [b"0:", b"1:", b"2:", b"20"]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from lakemill.ports.log import EmbeddedLog, Entry

async def main():
    log = EmbeddedLog(Path(sys.argv[1]), segment_bytes=4000)
    await log.create("a", 3)
    async def put(i):
        (position,) = await log.append("a", [Entry(i % 3, 1, b"", b"%d" % i)])
        print(i, position, flush=True)
        if i == 700:
            os.kill(os.getpid(), signal.SIGKILL)
    for start in range(0, 2000, 50):
        await asyncio.gather(*map(put, range(start, start + 50)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(tmp_path):
    outcome = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True)
    assert outcome.returncode == -signal.SIGKILL
    acknowledged = dict(map(int, line.split()) for line in outcome.stdout.splitlines())
    assert 700 in acknowledged
    log = EmbeddedLog(tmp_path)
    for shard in range(3):
        found = {int(record.value): record.position for record in await log.read("a", shard, 0, **ALL)}
        expected = {i: position for i, position in acknowledged.items() if i % 3 == shard}
        assert expected.items() <= found.items()
    log.close()


async def test_entries_that_are_none_trouble_nobody_else(tmp_path):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 1)
    wrong = [Entry(0, 1, "text", b""), Entry(0, 1.5, b"", b""), Entry(0, 1, b"", None)]
    appends = [[*made(0, 2)], *([entry] for entry in wrong), [*made(2, 2)]]

    async def appended(entries):
        return await log.append("a", entries)

    first, *errors, last = await asyncio.gather(*map(appended, appends), return_exceptions=True)
    assert (first, last) == ([1, 2], [3, 4])
    assert all(isinstance(error, Exception) for error in errors)
    assert len(await values(log)) == 4
    log.close()


def test_a_log_outlives_an_event_loop_that_ends_in_the_middle_of_an_append(tmp_path):
    log = EmbeddedLog(tmp_path)

    async def leave_at_once():
        await log.create("a", 1)
        appending = asyncio.ensure_future(log.append("a", made(0, 1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        appending.cancel()

    asyncio.run(leave_at_once())

    async def go_on():
        await log.append("a", made(1, 1))
        return await values(log)

    assert asyncio.run(asyncio.wait_for(go_on(), 10))[-1].startswith(b"1:")
    log.close()


async def test_a_full_disk_can_be_freed_by_trimming(tmp_path):
    asyncio.get_running_loop().set_default_executor(AtOnce())
    disk = SimulatedDisk(random.Random(1))
    log, _ = await filled(tmp_path, 10, segment_bytes=1, disk=disk, flusher=AtOnce())
    create, indexes = disk.create, len([name for name in disk.names(tmp_path / "a.log") if name.endswith(".index")])

    def no_room(path):
        left = len([name for name in disk.names(path.parent) if name.endswith(".index")])
        if path.name.endswith(".log.new") or (path.name == "log.json.new" and left == indexes):
            raise OSError(errno.ENOSPC, "No space left on device")
        return create(path)

    disk.create = no_room
    await log.trim("a", 1000)
    assert await values(log) == []
    assert sum(name.endswith(".log") for name in disk.names(tmp_path / "a.log")) == 1
