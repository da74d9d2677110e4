"""Histories of a log, seeded, on a disk that crashes, fills up and fails."""

import asyncio
import contextlib
import os
import random
from pathlib import Path

import pytest

from lakemill.ports.clock import ManualClock
from lakemill.ports.log import EmbeddedLog, Entry, LogExists, LogMissing

from .simulation import AtOnce, Crash, SimulatedDisk

HISTORIES = int(os.environ.get("LAKEMILL_HISTORIES", "300"))
BATCHES = 6
NAME = "log"
ALL = {"records": 10_000, "size": 1 << 30}


class History:
    """A log, what it was told, and what must therefore be read."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.disk = SimulatedDisk(self.rng)
        self.segment_bytes = self.rng.choice([200, 1000, 5000])
        self.shards = self.rng.randrange(1, 4)
        self.known: list[dict[int, Entry]] = [{} for _ in range(4)]
        """Of each shard: what was acknowledged, or read once, by position."""
        self.maybe: set[bytes] = set()
        """Values that were never acknowledged and may be there."""
        self.never: set[bytes] = set()
        """Values that must not be there: their append failed."""
        self.first = [0] * 4
        """Of each shard: nothing before this position may be read."""
        self.trimmed_ms = 0
        self.number = 0
        self.time_ms = 1000
        self.log = self.open()

    def open(self) -> EmbeddedLog:
        self.disk.has_syncs = self.rng.random() < 0.6
        options = {"disk": self.disk, "flusher": AtOnce(), "segment_bytes": self.segment_bytes, "patience_s": 0}
        return EmbeddedLog(Path("/logs"), ManualClock(), **options)

    def entries(self) -> list[Entry]:
        made = []
        for _ in range(self.rng.choice([1, 1, 2, 10])):
            self.number += 1
            self.time_ms += self.rng.randrange(3)
            value = b"%d/" % self.number + bytes(self.rng.choice([0, 3, 100]))
            note = b"n" if self.rng.random() < 0.2 else b""
            made.append(Entry(self.rng.randrange(self.shards), self.time_ms, b"k%d" % self.number, value, note))
        return made

    async def append(self) -> None:
        entries = self.entries()
        values = {entry.value for entry in entries}
        self.maybe |= values  # Until there is an answer.
        failed_before = self.disk.failed
        try:
            positions = await self.log.append(NAME, entries)
        except OSError:
            # If healing failed too, nobody can say; a lone failure leaves nothing behind.
            failed = self.disk.failed - failed_before
            if failed == 0 or (failed == 1 and not self.disk.full):
                self.maybe -= values
                self.never |= values
            return
        self.maybe -= values
        for position, entry in zip(positions, entries, strict=True):
            assert position not in self.known[entry.shard], "a position was used twice"
            self.known[entry.shard][position] = entry

    async def trim(self) -> None:
        before_ms = self.time_ms - self.rng.choice([0, 1, 5, 20])
        self.trimmed_ms = max(self.trimmed_ms, before_ms)  # An attempt that fails may have been successful.
        try:
            await self.log.trim(NAME, before_ms)
        except OSError:
            return
        for shard in range(self.shards):
            kept = [position for position, entry in self.known[shard].items() if entry.time_ms >= self.trimmed_ms]
            first = self.log.bounds(NAME, shard).first
            assert not kept or first <= min(kept), "what is not old was trimmed"
            self.first[shard] = first

    async def grow(self) -> None:
        with contextlib.suppress(OSError):
            await self.log.grow(NAME, min(4, self.shards + 1))
            self.shards = min(4, self.shards + 1)

    async def restart(self) -> None:
        self.log.close()
        self.log = self.open()
        await self.check()

    async def fault(self) -> None:
        if self.rng.random() < 0.5:
            self.disk.failing = self.rng.choice([1, 1, 1, 4])
        else:
            self.disk.full = not self.disk.full

    async def check(self) -> None:
        """Read everything and hold it against what is known."""
        for shard in range(self.shards):
            try:
                bounds = self.log.bounds(NAME, shard)
            except OSError:  # It could not be opened; it is tried again by the next who wants it.
                return
            assert bounds.first >= self.first[shard], "what was trimmed is back"
            found = await self.log.read(NAME, shard, 0, **ALL)
            positions = [record.position for record in found]
            assert positions == sorted(set(positions))
            assert all(bounds.first <= position < bounds.next for position in positions)
            times = [record.time_ms for record in found]
            assert times == sorted(times)
            known = self.known[shard]
            missing = {position for position in known if position >= bounds.first} - set(positions)
            assert not missing, f"acknowledged and lost: {missing}"
            assert bounds.next > max(known, default=0)
            for record in found:
                assert record.value not in self.never, "an append that failed is read"
                entry = Entry(shard, record.time_ms, record.key, record.value, record.note)
                if record.position in known:
                    assert (entry.key, entry.value, entry.note) == (
                        known[record.position].key,
                        known[record.position].value,
                        known[record.position].note,
                    )
                else:
                    assert record.value in self.maybe, "a record nobody wrote"
                    known[record.position] = entry  # Who has read it will find it again.
            for time_ms in {times[0], times[len(times) // 2], times[-1]} if times else ():
                expected = next(record.position for record in found if record.time_ms >= time_ms)
                assert await self.log.position_at(NAME, shard, time_ms) == expected

    async def create(self) -> None:
        with contextlib.suppress(LogExists):
            await self.log.create(NAME, self.shards)

    async def some(self) -> None:
        """One thing or several at once."""
        what = self.rng.choices(
            [self.append, self.trim, self.grow, self.restart, self.fault, self.check], [12, 1, 1, 1, 2, 1]
        )[0]
        for task in [
            asyncio.ensure_future(what()) for _ in range(self.rng.choice([1, 3]) if what == self.append else 1)
        ]:
            while not task.done() and not self.disk.crashed:
                await asyncio.sleep(0)
            if self.disk.crashed:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Crash):
                    await task
            else:
                task.result()

    async def recover(self) -> None:
        """Start again after the crash; the disk may crash again during that."""
        while self.disk.crashed:
            self.disk = self.disk.after_kill() if self.rng.random() < 0.3 else self.disk.after_crash()
            if self.rng.random() < 0.3:
                self.disk.steps_left = self.rng.randrange(1, 8)
            with contextlib.suppress(Crash):
                self.log = self.open()
                if not self.log.exists(NAME):
                    assert not any(self.known)
                    await self.create()
                await self.check()
                self.disk.steps_left = 1 << 62
        self.shards = max(shard + 1 for shard in range(4) if self.has(shard))
        await self.check()

    def has(self, shard: int) -> bool:
        try:
            self.log.bounds(NAME, shard)
        except LogMissing:
            return False
        return True


async def play(seed: int) -> None:
    asyncio.get_running_loop().set_default_executor(AtOnce())
    history = History(seed)
    await history.create()
    for _ in range(2):
        history.disk.steps_left = history.rng.randrange(1, 80)
        for _ in range(history.rng.randrange(4, 15)):
            with contextlib.suppress(Crash):
                await history.some()
            if history.disk.crashed:
                break
        history.disk.full, history.disk.failing = False, 0
        if not history.disk.crashed:
            history.disk.crashed = True
        await history.recover()
        await history.append()
        await history.check()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_the_disk_does_nothing_acknowledged_is_lost(batch):
    for seed in range(batch, HISTORIES, BATCHES):
        try:
            asyncio.run(play(seed))
        except BaseException as error:
            raise AssertionError(f"history {seed} went wrong") from error
