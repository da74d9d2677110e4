"""What a delivery stream stands on, in memory: a log, a sink that remembers, a clock that is moved by hand."""

import asyncio
import itertools

from lakemill.engines.delivery import Channel, Hints, Outcome, Plan, Record
from lakemill.engines.delivery.progress import Progress
from lakemill.engines.delivery.sources import LogSource
from lakemill.engines.delivery.worker import Worker
from lakemill.ports.clock import ManualClock
from lakemill.ports.log import Bounds, Entry, LogMissing, Records, stretched
from lakemill.ports.log import Record as LogRecord


class MemoryLog:
    """The log port, without a disk."""

    def __init__(self):
        self.logs = {}
        self._grown = asyncio.Event()

    async def create(self, name, shards):
        self.logs[name] = []

    async def delete(self, name):
        self.logs.pop(name, None)

    def exists(self, name):
        return name in self.logs

    async def append(self, name, entries):
        if name not in self.logs:
            raise LogMissing(name)
        first = len(self.logs[name])
        self.logs[name] += [
            LogRecord(first + n, one.time_ms, one.key, one.value, one.note) for n, one in enumerate(entries)
        ]
        self._grown.set()
        return list(range(first, first + len(entries)))

    async def read(self, name, shard, position, *, records, size):
        found, total = [], 0
        for one in itertools.islice(self.logs[name], position, position + records):
            total += len(one.value)
            if found and total > size:
                break
            found.append(one)
        return Records.of(found)

    async def read_stretches(self, name, shard, position, *, size):
        return list(stretched(await self.read(name, shard, position, records=5000, size=size)))

    def bounds(self, name, shard):
        return Bounds(0, len(self.logs[name]), 0)

    async def wait(self, name, positions, timeout_s):
        if len(self.logs[name]) > positions[0]:
            return True
        self._grown.clear()
        try:
            await asyncio.wait_for(self._grown.wait(), timeout_s)
        except TimeoutError:
            return False
        return True


class MemorySink:
    """Remembers what it was given. fails: outcomes of the next attempts, as functions of the load."""

    def __init__(self, error="", retry_s=100.0):
        self.error, self.retry_s = error, retry_s
        self.loads, self.attempts, self.fails = [], 0, []

    async def deliver(self, load):
        self.attempts += 1
        outcome = self.fails.pop(0)(load) if self.fails else Outcome()
        left = [*outcome.remaining, *(one.record for one in outcome.failures)]
        gone = {(record.shard, record.sequence, record.sub) for record in left}
        arrived = [one.data for one in load.records if (one.shard, one.sequence, one.sub) not in gone]
        if arrived:
            self.loads.append((load, arrived))
        return outcome

    @property
    def data(self):
        return [b"".join(arrived) for _, arrived in self.loads]


def lines(kind, failures):
    """Failures written down in a short way."""
    return [
        Record(b"%s:%s " % (one.code.encode(), one.record.data), one.record.arrival_ms, one.record.sequence)
        for one in failures
    ]


class Site:
    """A worker over a log, started again at will. Options are those of Plan."""

    def __init__(self, size=10, interval_s=60, held_max=1 << 20, **plan):
        self.clock = ManualClock(1_000_000.0)
        self.log = MemoryLog()
        self.sink, self.errors, self.said, self.kept = MemorySink("delivery-failed"), MemorySink(), [], None
        self.held_max, self.hints, self.options = held_max, Hints(size, interval_s), plan
        self.worker = None

    async def say(self, channel, code, message):
        self.said.append((channel, code))

    async def keep(self, document):
        self.kept = document

    async def pause(self, seconds):
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def begin(self):
        """A new worker from what was kept, as after a crash."""
        if not self.log.exists("d"):
            await self.log.create("d", 1)
        progress = Progress(self.kept, stable=self.options.get("stable", True))
        plan = Plan(
            destination=Channel(self.hints, self.sink),
            errors=Channel(self.hints, self.errors),
            failed=lines,
            say=self.say,
            **self.options,
        )
        source = LogSource(self.log, "d", progress.mark)
        self.worker = Worker(
            "d", plan, source, progress, self.keep, self.clock, held_max=self.held_max, pause=self.pause
        )

    async def put(self, *values):
        await self.log.append("d", [Entry(0, int(self.clock.time() * 1000), b"", value) for value in values])

    async def turn(self, times=1):
        for _ in range(times):
            await self.worker.turn(0)
            await self.worker.settle()
