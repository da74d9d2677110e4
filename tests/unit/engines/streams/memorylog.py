"""The log port in memory: quick, and without a disk."""

import asyncio
import bisect

from lakemill.ports.log import Bounds, LogExists, LogMissing, Record, Records, stretched


class MemoryLog:
    """Keeps the promises of `ports.log` but for durability."""

    def __init__(self):
        self.logs = {}
        self.grown = asyncio.Event()

    def _shard(self, name, shard):
        try:
            return self.logs[name][shard]
        except (KeyError, IndexError):
            raise LogMissing(name) from None

    async def create(self, name, shards):
        if name in self.logs:
            raise LogExists(name)
        self.logs[name] = [{"records": [], "next": 1, "last_ms": 0} for _ in range(shards)]

    async def grow(self, name, shards):
        if name not in self.logs:
            raise LogMissing(name)
        while len(self.logs[name]) < shards:
            self.logs[name].append({"records": [], "next": 1, "last_ms": 0})

    async def delete(self, name):
        self.logs.pop(name, None)
        self._wake()

    def exists(self, name):
        return name in self.logs

    async def append(self, name, entries):
        await asyncio.sleep(0)
        positions = []
        for entry in entries:
            shard = self._shard(name, entry.shard)
            time_ms = max(entry.time_ms, shard["last_ms"])
            shard["records"].append(Record(shard["next"], time_ms, entry.key, entry.value, entry.note))
            positions.append(shard["next"])
            shard["next"] += 1
            shard["last_ms"] = time_ms
        self._wake()
        return positions

    def _wake(self):
        self.grown.set()
        self.grown = asyncio.Event()

    async def read(self, name, shard, position, *, records, size):
        kept = self._shard(name, shard)["records"]
        found = []
        for record in kept[bisect.bisect_left(kept, position, key=lambda one: one.position) :]:
            size -= len(record.key) + len(record.value)
            if len(found) == records or (found and size < 0):
                break
            found.append(record)
        return Records.of(found)

    async def read_stretches(self, name, shard, position, *, size):
        return list(stretched(await self.read(name, shard, position, records=1 << 30, size=size)))

    locate = read_stretches

    async def position_at(self, name, shard, time_ms):
        held = self._shard(name, shard)
        return next((one.position for one in held["records"] if one.time_ms >= time_ms), held["next"])

    def bounds(self, name, shard):
        held = self._shard(name, shard)
        first = held["records"][0].position if held["records"] else held["next"]
        return Bounds(first, held["next"], held["last_ms"])

    async def wait(self, name, positions, timeout_s):
        until = asyncio.get_running_loop().time() + timeout_s
        while not any(self._shard(name, shard)["next"] > position for shard, position in positions.items()):
            left = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self.grown.wait(), max(0, left))
            except TimeoutError:
                return False
        return True

    async def trim(self, name, before_ms):
        if name not in self.logs:
            raise LogMissing(name)
        for shard in self.logs[name]:
            shard["records"] = [one for one in shard["records"] if one.time_ms >= before_ms]

    def close(self):
        pass
