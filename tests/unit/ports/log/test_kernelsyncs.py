"""ports/log: syncs that the system carries out by itself."""

import asyncio
import errno
import os
import time

import pytest

from lakemill.ports.log import EmbeddedLog, Entry, kernelsyncs
from lakemill.ports.log.disk import RealDisk
from lakemill.ports.log.kernelsyncs import KernelSyncs, kernel_syncs

pytestmark = pytest.mark.skipif(kernel_syncs() is None, reason="the system has none")
ALL = {"records": 100, "size": 1 << 20}


@pytest.fixture
def syncs():
    made = KernelSyncs()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path):
    descriptor = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.write(descriptor, b"x" * 1000)
    yield descriptor
    os.close(descriptor)


def begun(syncs, file):
    """What ends when the sync does, with its error."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    syncs.begin(file, loop, over.set_result)
    return over


async def test_the_loop_is_told_of_each(syncs, file):
    assert await asyncio.wait_for(asyncio.gather(*(begun(syncs, file) for _ in range(20))), 10) == [None] * 20


async def test_one_waits_for_all_without_a_loop(syncs, file):
    over = [begun(syncs, file) for _ in range(3)]
    syncs.finish()
    assert [one.result() for one in over] == [None] * 3


async def test_what_the_disk_says_is_an_error_with_its_number(syncs, file, monkeypatch):
    class Broken:
        def submit(self, operation):
            self.operation = operation

        def __getattr__(self, name):
            return getattr(real, name)

    class Operation:
        @classmethod
        def fdsync(cls, fileno):
            return cls()

        def set_callback(self, ended):
            self.ended = ended

    real, syncs._context = syncs._context, Broken()
    monkeypatch.setattr(kernelsyncs.linux_aio, "Operation", Operation)
    over = begun(syncs, file)
    syncs._context.operation.ended((1 << 64) - errno.EIO)
    assert (over.result().errno, over.result().strerror) == (errno.EIO, os.strerror(errno.EIO))
    syncs._context = real


async def test_what_cannot_be_begun_is_an_error_and_not_waited_for(syncs):
    read, write = os.pipe()
    with pytest.raises(OSError):
        syncs.begin(read, asyncio.get_running_loop(), print)
    os.close(read)
    os.close(write)
    syncs.finish()


def test_another_loop_ends_what_one_that_closed_has_begun(syncs, file):
    ended = []

    async def first():
        syncs.begin(file, asyncio.get_running_loop(), ended.append)

    async def second():
        syncs.move(asyncio.get_running_loop())
        while not ended:
            await asyncio.sleep(0.001)

    asyncio.run(first())
    asyncio.run(asyncio.wait_for(second(), 10))
    assert ended == [None]


def test_a_log_goes_on_in_another_loop_with_an_append_under_way(tmp_path):
    log = EmbeddedLog(tmp_path)

    async def first():
        await log.create("a", 1)
        await log.append("a", [Entry(0, 1, b"k", b"one")])
        log.append("a", [Entry(0, 2, b"k", b"two")])
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def second():
        await log.append("a", [Entry(0, 3, b"k", b"three")])
        return [record.value for record in await log.read("a", 0, 0, **ALL)]

    asyncio.run(first())
    assert asyncio.run(asyncio.wait_for(second(), 10)) == [b"one", b"two", b"three"]
    log.close()


async def test_no_room_for_another_is_the_work_of_a_thread(tmp_path, monkeypatch):
    def full(self, *given):
        raise OSError(errno.EAGAIN, "no room")

    log = EmbeddedLog(tmp_path)
    await log.create("a", 1)
    await log.append("a", [Entry(0, 1, b"k", b"one")])
    monkeypatch.setattr(KernelSyncs, "begin", full)
    assert await log.append("a", [Entry(0, 2, b"k", b"two")]) == [2]
    log.close()


class FailsLate(RealDisk):
    """Syncs end when somebody waits for them, with an error; a new segment takes its time."""

    def __init__(self):
        self.begun = []

    def syncs(self):
        return self

    def begin(self, fileno, loop, done):
        self.begun.append(done)

    def finish(self):
        while self.begun:
            self.begun.pop()(OSError(errno.EIO, "Input/output error"))

    def close(self):
        pass

    def create(self, path):
        time.sleep(0.1)
        return super().create(path)


async def test_who_closes_with_a_sync_that_fails_under_way_acknowledges_nothing_of_it(tmp_path):
    disk = FailsLate()
    log = EmbeddedLog(tmp_path, disk=disk)
    await log.create("a", 1)
    await log.append("a", [Entry(0, 1, b"k", b"one")])
    late = log.append("a", [Entry(0, 2, b"k", b"two")])
    while not disk.begun:
        await asyncio.sleep(0)
    log.close()
    with pytest.raises(OSError, match="Input/output"):
        await late
    again = EmbeddedLog(tmp_path)
    assert [record.value for record in await again.read("a", 0, 0, **ALL)] == [b"one"]
    again.close()


def test_nothing_of_the_kind_is_none(monkeypatch):
    monkeypatch.setattr(kernelsyncs, "linux_aio", None)
    assert kernel_syncs() is None
