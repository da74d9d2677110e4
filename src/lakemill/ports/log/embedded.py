"""The log on one machine: each log a folder, all its shards in the same segment files, one flush for all.

    folder/<name>.log/log.json            how many shards, and where each begins now (see `manifest`)
    folder/<name>.log/0000000001.log      a segment (see `segment` and `block`)
    folder/<name>.log/0000000001.index    where in it the blocks of each shard are (see `index`)

docs/reference/log-format.md has the bytes. A log belongs to one process, and to one event loop at a time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from lakemill.ports.clock import Clock, SystemClock
from lakemill.ports.log.disk import Disk, RealDisk
from lakemill.ports.log.manifest import Manifest, write_manifest
from lakemill.ports.log.port import (
    Bounds,
    Entry,
    Located,
    LogDamaged,
    LogExists,
    LogMissing,
    Records,
    Stretch,
    check_name,
)
from lakemill.ports.log.reading import Cache
from lakemill.ports.log.segment import FIRST_POSITION
from lakemill.ports.log.segmented import SegmentedLog

SEGMENT_BYTES = 128 << 20
"""A segment that has reached this is written no more."""
PATIENCE_S = 0.001
"""How long a group is not taken while callers come. Two flushes take longer than the wait for one."""
FLUSHES_MAX = 16
"""Logs that threads flush at the same time at most."""


class EmbeddedLog:
    """Logs in files of a folder of one's own.

    >>> import tempfile
    >>> async def example():
    ...     log = EmbeddedLog(Path(tempfile.mkdtemp()))
    ...     await log.create("clicks", shards=2)
    ...     await log.append("clicks", [Entry(0, 1_000, b"ann", b"one"), Entry(0, 1_001, b"bob", b"two")])
    ...     found = await log.read("clicks", 0, 0, records=10, size=1000)
    ...     log.close()
    ...     return found.values
    >>> asyncio.run(example())
    [b'one', b'two']
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        *,
        disk: Disk | None = None,
        flusher: Executor | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self._disk = disk or RealDisk()
        self._segment_bytes = segment_bytes
        self._patience_s = patience_s
        self._cache = Cache(self._disk)
        self._flusher = flusher or ThreadPoolExecutor(FLUSHES_MAX, "log-flush")
        self._syncs = self._disk.syncs()
        self._logs: dict[str, SegmentedLog | LogDamaged | OSError] = {}
        self._being_made: set[str] = set()
        self._rubbish = 0
        self._disk.make_folder(folder)
        for entry in self._disk.names(folder):
            name, _, kind = entry.rpartition(".")
            if kind == "log":
                self._open(name)
            elif kind in ("new", "gone"):
                self._disk.remove_folder(folder / entry)

    async def create(self, name: str, shards: int) -> None:
        check_name(name)
        if name in self._logs or name in self._being_made:
            raise LogExists(f"there is a log {name} already")
        self._being_made.add(name)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._create, name, shards)
            self._open(name)
        finally:
            self._being_made.discard(name)

    async def grow(self, name: str, shards: int) -> None:
        await self._named(name).grow(shards)

    async def delete(self, name: str) -> None:
        log = self._logs.pop(name, None)
        if log is None:
            return
        self._being_made.add(name)
        try:
            if isinstance(log, SegmentedLog):
                await log.stop()
            gone = self._place(f"{self._rubbish}.gone")
            self._rubbish += 1
            await asyncio.get_running_loop().run_in_executor(None, self._delete, name, gone)
        except OSError:
            self._open(name)  # It is still there.
            raise
        finally:
            self._being_made.discard(name)

    def exists(self, name: str) -> bool:
        return name in self._logs

    def append(self, name: str, entries: Sequence[Entry]) -> Awaitable[Sequence[int]]:
        log = self._named(name)
        if entries:
            return log.append(entries)
        nothing: asyncio.Future[Sequence[int]] = asyncio.get_running_loop().create_future()
        nothing.set_result([])
        return nothing

    async def read(self, name: str, shard: int, position: int, *, records: int, size: int) -> Records:
        log = self._named(name, shard)
        try:
            return await log.read(shard, position, records, size)
        except LogDamaged:
            self._named(name)  # LogMissing if it was deleted meanwhile.
            raise

    async def read_stretches(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Stretch]:
        log = self._named(name, shard)
        try:
            return await log.read_stretches(shard, position, size)
        except LogDamaged:
            self._named(name)
            raise

    async def locate(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Located | Stretch]:
        log = self._named(name, shard)
        try:
            return await log.locate(shard, position, size)
        except LogDamaged:
            self._named(name)
            raise

    async def position_at(self, name: str, shard: int, time_ms: int) -> int:
        log = self._named(name, shard)
        try:
            return await log.position_at(shard, time_ms)
        except LogDamaged:
            self._named(name)
            raise

    def bounds(self, name: str, shard: int) -> Bounds:
        return self._named(name, shard).shards.bounds(shard)

    async def wait(self, name: str, positions: Mapping[int, int], timeout_s: float) -> bool:
        return await self._named(name, *positions).shards.wait(positions, timeout_s)

    async def trim(self, name: str, before_ms: int) -> None:
        await self._named(name).trim(before_ms)

    def close(self) -> None:
        for log in self._logs.values():
            if isinstance(log, SegmentedLog):
                log.close()
        self._flusher.shutdown(wait=True)
        if self._syncs:
            self._syncs.close()
        self._cache.clear()

    def _named(self, name: str, *shards: int) -> SegmentedLog:
        log = self._logs.get(name)
        if log is None:
            raise LogMissing(f"there is no log {name}")
        if isinstance(log, OSError):
            log = self._open(name)
        if not isinstance(log, SegmentedLog):
            raise log.with_traceback(None)
        if shards:
            log.shards.check(shards)
        return log

    def _open(self, name: str) -> SegmentedLog | LogDamaged | OSError:
        """A damaged log stops nobody but those who want it. After an OSError, whoever wants it tries again."""
        log: SegmentedLog | LogDamaged | OSError
        try:
            log = SegmentedLog(
                name,
                self._place(f"{name}.log"),
                self._clock,
                self._cache,
                self._flusher,
                self._syncs,
                segment_bytes=self._segment_bytes,
                patience_s=self._patience_s,
            )
        except (LogDamaged, OSError) as error:
            log = error
        self._logs[name] = log
        return log

    def _place(self, name: str) -> Path:
        return self._folder / name

    def _create(self, name: str, shards: int) -> None:
        temporary = self._place(f"{name}.new")
        self._disk.make_folder(temporary)
        write_manifest(self._disk, temporary, Manifest(1, [FIRST_POSITION] * shards))
        self._move(temporary, self._place(f"{name}.log"))

    def _delete(self, name: str, gone: Path) -> None:
        self._move(self._place(f"{name}.log"), gone)
        with contextlib.suppress(OSError):  # The next start removes what is left.
            self._disk.remove_folder(gone)

    def _move(self, old: Path, new: Path) -> None:
        self._disk.rename(old, new)
        try:
            self._disk.sync_folder(self._folder)
        except OSError:
            self._disk.rename(new, old)
            raise
