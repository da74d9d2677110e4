"""One log: a folder with a manifest, segments, and their indexes."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

from lakemill.ports.clock import Clock
from lakemill.ports.log.appending import Appending
from lakemill.ports.log.disk import Disk, File, Syncs
from lakemill.ports.log.index import Extents, IndexEntry, IndexUnusable, read_table
from lakemill.ports.log.manifest import Manifest, read_manifest, write_manifest
from lakemill.ports.log.port import Entry, LogDamaged, LogMissing
from lakemill.ports.log.reading import Cache, Reading, index_path
from lakemill.ports.log.recovery import contents_of
from lakemill.ports.log.segment import Segment, read_header
from lakemill.ports.log.shards import Shards
from lakemill.ports.log.tail import Tail


class SegmentedLog:
    """A log that was opened. Raises LogDamaged if it cannot be."""

    def __init__(
        self,
        name: str,
        folder: Path,
        clock: Clock,
        cache: Cache,
        flusher: Executor,
        syncs: Syncs | None,
        *,
        segment_bytes: int,
        patience_s: float,
    ) -> None:
        self._name = name
        self._folder = folder
        self._clock = clock
        self._disk: Disk = cache.disk
        self._cache = cache
        self._flusher = flusher
        self._deleted = False
        self._manifest = read_manifest(self._disk, folder)
        self._changing = asyncio.Lock()
        """Held by whoever changes the manifest."""
        self.shards = Shards(name, self._manifest.firsts)
        self._segments = self._find_segments()
        self._tail = self._recover()
        self._reading = Reading(self.shards, self._segments, cache)
        self._appending = Appending(
            self.shards,
            self._tail,
            flusher,
            syncs,
            segment_bytes=segment_bytes,
            patience_s=patience_s,
            plan=self._plan,
            begun=self._begun,
            written=self.shards.wake,
        )
        self.read = self._reading.read
        self.read_stretches = self._reading.read_stretches
        self.locate = self._reading.locate
        self.position_at = self._reading.position_at

    def append(self, entries: Sequence[Entry]) -> "asyncio.Future[Sequence[int]]":
        """Positions, when they are on disk. See the port."""
        self.shards.check({entry.shard for entry in entries})
        return self._appending.append(entries)

    async def grow(self, shards: int) -> None:
        """See the port."""
        async with self._changes():
            more = shards - len(self.shards)
            if more > 0:
                await self._change(self._manifest._replace(firsts=[*self._manifest.firsts, *[1] * more]))
                self.shards.grow(shards)

    async def trim(self, before_ms: int) -> None:
        """See the port."""
        async with self._changes():
            firsts = []
            for shard in range(len(self.shards)):
                firsts.append(max(self.shards.first[shard], await self.position_at(shard, before_ms)))
                if shard % 100 == 99:
                    await asyncio.sleep(0)
            if firsts == list(self.shards.first):
                return
            if self._is_over(firsts, self.shards.next) and self._last_has_records():
                with contextlib.suppress(OSError):  # On a full disk the older ones are freed at least.
                    await self._appending.roll()  # So that the last segment is freed as well.
            kept = 0
            while kept + 1 < len(self._segments) and self._is_over(firsts, self._segments[kept + 1].firsts):
                kept += 1
            number = self._segments[kept].number if self._segments else self._manifest.first_segment
            gone = self._segments[:kept]
            try:
                await self._change(Manifest(number, firsts))
            except OSError:
                # On a full disk their indexes make room for the manifest; should it fail again, they are made again.
                await asyncio.get_running_loop().run_in_executor(None, self._remove_indexes, gone)
                await self._change(Manifest(number, firsts))
            for shard, first in enumerate(firsts):
                self.shards.first[shard] = first
            del self._segments[:kept]
        await asyncio.get_running_loop().run_in_executor(None, self._remove, gone)

    async def stop(self) -> None:
        """The log is being deleted: nothing is written any more."""
        async with self._changes():
            self._deleted = True
            await self._appending.stop(self._missing)
        self.shards.give_up(self._missing())
        for segment in self._segments:
            self._cache.forget(segment)

    def close(self) -> None:
        """Finish what was accepted, and write down where the last segment ends."""
        self._appending.close(lambda: RuntimeError("the log is closed"))
        self.shards.give_up(None)
        if self._segments and (extents := self._segments[-1].extents) is not None:
            self._segments[-1].end = self._tail.end
            self._seal(self._segments[-1], extents)

    def _last_has_records(self) -> bool:
        last = self._segments[-1]
        return any(next_ > last.first(shard) for shard, next_ in enumerate(self.shards.next))

    @contextlib.asynccontextmanager
    async def _changes(self) -> AsyncIterator[None]:
        async with self._changing:
            if self._deleted:
                raise self._missing()
            yield

    @staticmethod
    def _is_over(firsts: Sequence[int], nexts: Sequence[int]) -> bool:
        """Whether nothing is kept of what comes before nexts."""
        return all(first >= next_ for first, next_ in zip(firsts, nexts, strict=False))

    def _missing(self) -> LogMissing:
        return LogMissing(f"there is no log {self._name}")

    async def _change(self, manifest: Manifest) -> None:
        await asyncio.get_running_loop().run_in_executor(None, write_manifest, self._disk, self._folder, manifest)
        self._manifest = manifest

    def _plan(self) -> Segment:
        tail = self._tail
        return Segment(
            self._folder,
            tail.number + 1,
            tail.end,
            int(self._clock.time() * 1000),
            secrets.token_bytes(8),
            self.shards.next,
            self.shards.last_ms,
        )

    def _begun(self, segments: list[Segment]) -> None:
        last = self._segments[-1:]
        self._segments += segments
        for segment, after in itertools.pairwise([*last, *segments]):
            segment.end = after.previous_end
            if segment.extents is not None:
                with contextlib.suppress(RuntimeError):  # While closing: whoever reads it makes the index.
                    self._flusher.submit(self._seal, segment, segment.extents)

    def _seal(self, segment: Segment, extents: dict[int, Extents]) -> None:
        self._cache.save(segment, extents)
        segment.extents = segment.file = None

    def _remove_indexes(self, segments: list[Segment]) -> None:
        for segment in segments:
            with contextlib.suppress(OSError):
                self._disk.remove(index_path(segment))

    def _remove(self, segments: list[Segment]) -> None:
        self._remove_indexes(segments)
        for segment in segments:
            self._cache.forget(segment)
            with contextlib.suppress(OSError):  # The manifest says they are rubbish; the next start removes them.
                self._disk.remove(segment.path)

    def _find_segments(self) -> list[Segment]:
        numbers = []
        for name in self._disk.names(self._folder):
            stem, _, kind = name.partition(".")
            if kind not in ("log", "index", "log.new", "index.new") or not stem.isdigit():
                continue
            if kind.endswith(".new") or int(stem) < self._manifest.first_segment:
                self._disk.remove(self._folder / name)
            elif kind == "log":
                numbers.append(int(stem))
        segments = []
        for number, expected in zip(sorted(numbers), range(self._manifest.first_segment, 1 << 62), strict=False):
            if number != expected:
                raise LogDamaged(f"{self._folder / f'{expected:010d}.log'}, offset 0: the file is missing")
            segments.append(read_header(self._folder, number, self._disk.open(self._folder / f"{number:010d}.log")))
        for segment, after in itertools.pairwise(segments):
            segment.end = after.previous_end
        return segments

    def _recover(self) -> Tail:
        """Find out where the log ends."""
        if not self._segments:
            return Tail(self._disk, self._folder, self._manifest.first_segment - 1, 0)
        last = self._segments[-1]
        for shard in range(len(last.firsts)):
            self.shards.next[shard] = last.first(shard)
            self.shards.last_ms[shard] = last.last_before_ms(shard)
        ends: Mapping[int, IndexEntry | Extents]
        file = self._disk.open(last.path)
        try:
            ends, last.end = read_table(self._disk.open(index_path(last)))
            if file.size() < last.end:
                raise LogDamaged(f"{last.path}, offset {file.size()}: the file must have {last.end} bytes")
        except (FileNotFoundError, IndexUnusable):
            ends = self._recover_segment(last, file)
        for shard, found in ends.items():
            self.shards.next[shard] = found.next
            self.shards.last_ms[shard] = found.last_ms
        return Tail(self._disk, self._folder, last.number, last.end)

    def _recover_segment(self, last: Segment, file: File) -> dict[int, Extents]:
        """Cut the torn end off the segment that was written when the platform died."""
        extents, last_write, last.end = contents_of(file, last, None)
        if file.size() > last.end:
            file.truncate(last.end)
        # The last write may be in the page cache only, even marked as written after a flush that failed. It is to be
        # on disk before anybody reads it.
        file.write(last_write, [file.read(last_write, last.end - last_write)])
        file.sync()
        self._cache.save(last, extents)
        return extents
