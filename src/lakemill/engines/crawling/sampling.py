"""Looking at files: their beginnings and ends go to the worker process, which says what they are."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.crawling.folders import FILES_MAX, Folder, Place
from lakemill.engines.crawling.plan import UNKNOWN, Plan, Seen, Target
from lakemill.engines.crawling.process import Lent
from lakemill.engines.crawling.thread import Do
from lakemill.engines.objects import Objects, ObjectsError

HEAD_BYTES, TAIL_BYTES = 256 << 10, 64 << 10
HEAD_BYTES_MAX, TAIL_BYTES_MAX = 8 << 20, 64 << 20
SAMPLES_MAX = 20_000
"""Files a crawl looks at: where there are more folders than that allows, fewer in each, but one at least."""
BATCH_FILES, BATCH_BYTES = 64, 4 << 20
_PARQUET, _ORC = b"PAR1", b"ORC"
Batch = list[tuple[str, Place]]
"""Folders' paths and files."""
T = TypeVar("T")


class Sampler:
    """Reads samples of one crawl's files. What many findings have in common is kept once.

    halted: raises if the crawl is to end. do: does what blocks.
    """

    def __init__(
        self, plan: Plan, objects: Objects, worker: Lent, halted: Callable[[], None], do: Do = asyncio.to_thread
    ) -> None:
        self._plan, self._objects, self._worker, self._halted, self._do = plan, objects, worker, halted, do
        self._known: dict[bytes, Any] = {}
        self.notes: list[str] = []

    async def look(self, target: Target, folders: Sequence[Folder]) -> dict[str, list[tuple[Place, Seen]]]:
        """What was found in the files of each folder, by its path. Raises CrawlFailed."""
        share = target.sample_size or FILES_MAX
        each = max(1, min(share, SAMPLES_MAX // max(1, len(folders))))
        found: dict[str, list[tuple[Place, Seen]]] = {}
        async with contextlib.aclosing(self._read_ahead(target.bucket, _batches(folders, each))) as batches:
            async for batch, heads in batches:
                self._halted()
                seen = await self._ask(target.bucket, heads)
                for (path, place), one in zip(batch, seen, strict=True):
                    if one is not None:
                        found.setdefault(path, []).append((place, one))
        return found

    async def _read_ahead(self, bucket: str, batches: Iterator[Batch]) -> AsyncGenerator[tuple[Batch, list[Any]], None]:
        """Batches with what was read of their files: the next one is read while the one before is looked at."""
        waiting: tuple[Batch, asyncio.Future[list[Any]]] | None = None
        try:
            for batch in batches:
                before = waiting
                waiting = batch, asyncio.ensure_future(self._do(self._read_all, bucket, [place for _, place in batch]))
                if before is not None:
                    yield before[0], await before[1]
            if waiting is not None:
                yield waiting[0], await waiting[1]
        finally:
            if waiting is not None:
                waiting[1].cancel()
                await asyncio.gather(waiting[1], return_exceptions=True)

    def _read_all(self, bucket: str, places: Sequence[Place]) -> list[list[Any] | None]:
        return [self._read(bucket, key, HEAD_BYTES, 0) for key, _ in places]

    def _read(self, bucket: str, key: str, head: int, tail: int) -> list[Any] | None:
        """A sample as the worker takes it; None for an object that is no more. Raises CrawlFailed."""
        refused = self._plan.refusal("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        if refused is not None:
            raise CrawlFailed(f"Access denied to s3://{bucket}/{key}. {refused}")
        try:
            record = self._objects.head(bucket, key)
            first = self._objects.read(record, 0, head)
            if first.startswith((_PARQUET, _ORC)) and len(first) < record.size:
                tail = max(tail, TAIL_BYTES)
                first = first[:16] if first.startswith(_PARQUET) else first  # The end says everything.
            start = max(len(first), record.size - tail)
            last = self._objects.read(record, start, record.size - start) if tail and start < record.size else b""
        except ObjectsError:
            return None
        return [key, record.size, first, last]

    async def _ask(self, bucket: str, samples: Sequence[list[Any] | None]) -> list[Seen | None]:
        present = [one for one in samples if one is not None]
        answers = iter(await self._answers(present))
        return [None if one is None else await self._seen(bucket, one, next(answers)) for one in samples]

    async def _answers(self, samples: Sequence[list[Any]]) -> list[dict[str, Any]]:
        """What the worker says; where files of a batch end it, those are looked at one by one."""
        if not samples:
            return []
        try:
            answer = await self._worker.ask(samples=list(samples), custom=list(self._plan.classifiers))
            found: list[dict[str, Any]] = answer["findings"]
            return found
        except CrawlFailed as failed:
            if len(samples) == 1:
                return [{"error": str(failed)}]
            return [one for sample in samples for one in await self._answers([sample])]

    async def _seen(self, bucket: str, sample: list[Any], answer: dict[str, Any]) -> Seen | None:
        key = sample[0]
        while more := answer.get("more"):
            head, tail = max(len(sample[2]), more["head"]), max(len(sample[3]), more["tail"])
            enough = (head <= len(sample[2]) or len(sample[2]) >= sample[1]) and tail <= len(sample[3])
            if enough or head > HEAD_BYTES_MAX or tail > TAIL_BYTES_MAX:
                answer = {"error": "its beginning is too long to be understood"}
                break
            read = await self._do(self._read, bucket, key, head, tail)
            if read is None:
                return None
            sample = read
            (answer,) = await self._answers([sample])
        if "error" in answer:
            self.notes.append(f"s3://{bucket}/{key} cannot be read: {answer['error']}")
            return Seen(classification=UNKNOWN)
        seen = msgspec.convert(answer, Seen)
        if seen.note:
            self.notes.append(f"s3://{bucket}/{key}: {seen.note}")
        seen.columns = self._shared(seen.columns)
        seen.parameters, seen.serde_parameters = self._shared(seen.parameters), self._shared(seen.serde_parameters)
        return seen

    def _shared(self, value: T) -> T:
        """The first of all equal values."""
        found: T = self._known.setdefault(msgspec.msgpack.encode(value), value)
        return found


def _batches(folders: Sequence[Folder], each: int) -> Iterator[Batch]:
    """Those of all folders, some at a time."""
    batch: Batch = []
    size = 0
    for folder in folders:
        for place in folder.samples(each):
            batch.append((folder.path, place))
            size += min(place[1], HEAD_BYTES)
            if len(batch) == BATCH_FILES or size > BATCH_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch
