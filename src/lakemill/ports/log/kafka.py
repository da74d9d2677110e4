"""The log in a Kafka cluster: a topic for each log, a partition for each shard, position = offset + 1.

Records are written with acks=all by an idempotent producer; key, value and time are Kafka's, the note is a header. One
more topic (`<prefix>.logs`, compacted) holds a JSON document by log: its topic, how many shards, where each begins
after trimming, and its newest time then.

- Topics are made with partitions to spare, so that most logs grow without asking the broker for more.
- Trimmed records are forgotten by the document. DeleteRecords then frees their room; a broker that has no such call
  keeps it.
- position_at asks the broker (ListOffsets by time), looks whether the answer is right, and searches by halves if not.
- Ends of shards are those last seen: one's own writes at once, others' when someone reads at the end or waits.
- Times never fall as far as one lakemill writes a log; several with different clocks can differ by that.
- A time of 0 becomes 1: librdkafka takes 0 for "now".
"""

import asyncio
import contextlib
import errno
import functools
import json
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from lakemill.ports.log.port import Bounds, Entry, Located, LogExists, LogMissing, Records, Stretch, check_name
from lakemill.ports.log.stretches import RECORD_BYTES, stretched

try:
    from confluent_kafka import KafkaError, KafkaException, Message

    from lakemill.ports.log.kafka_cluster import TIMEOUT_S, Cluster
    from lakemill.ports.log.kafka_reading import Readers
    from lakemill.ports.log.kafka_records import Batch, Topic, record_of
except ImportError as error:
    raise ImportError("logs in Kafka need confluent-kafka; run: pip install 'lakemill[kafka]'") from error

PREFIX = "lakemill"
SPARE_PARTITIONS = 16
"""Topics have a multiple of so many partitions."""
LOOK_AGAIN_S = 0.2
"""How often a waiting reader looks whether others have written."""
T = TypeVar("T")


class KafkaLog:
    """Logs in the cluster at this URL: kafka://host:port[,host:port][?prefix=lakemill&replicas=3].

    Raises OSError if no broker answers.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "kafka" or not parts.netloc:
            raise ValueError(f"the URL must be kafka://host:port[,host:port]; got {url}")
        options = dict(urllib.parse.parse_qsl(parts.query))
        prefix = options.pop("prefix", PREFIX)
        replicas = int(options.pop("replicas", 0))
        if options:
            raise ValueError(f"{url}: prefix and replicas may be given; got {', '.join(options)}")
        self._prefix = prefix
        self._pool = ThreadPoolExecutor(8, "log-kafka")
        self._logs: dict[str, Topic] = {}
        self._being_made: set[str] = set()
        with _as_os_error():
            self._cluster = Cluster(parts.netloc, prefix, replicas)
            self._readers = Readers(self._cluster.new_consumer)
            if self._documents_topic not in self._cluster.topics:
                self._cluster.make_topic(self._documents_topic, 1, "compact")
            self._producer = self._cluster.new_producer()
            self._closed = threading.Event()
            self._poller = threading.Thread(target=self._poll, name="log-kafka-poll", daemon=True)
            self._poller.start()
            for name, document in self._read_documents().items():
                self._logs[name] = self._open(name, document)

    async def create(self, name: str, shards: int) -> None:
        check_name(name)
        if name in self._logs or name in self._being_made:
            raise LogExists(f"there is a log {name} already")
        self._being_made.add(name)
        try:
            topic = Topic(name, f"{self._prefix}.{name}.{secrets.token_hex(4)}", _with_spare(shards), [1] * shards)
            await self._in_thread(self._cluster.make_topic, topic.topic, topic.partitions, "delete")
            await self._in_thread(self._write_document, name, topic.document())
            self._logs[name] = topic
        finally:
            self._being_made.discard(name)

    async def grow(self, name: str, shards: int) -> None:
        topic = self._named(name)
        async with topic.changing:
            if shards > topic.partitions:
                partitions = _with_spare(shards)
                await self._in_thread(self._cluster.add_partitions, topic.topic, partitions)
                topic.partitions = partitions
            firsts = [*topic.shards.first, *[1] * (shards - len(topic.shards))]
            await self._in_thread(self._write_document, name, topic.document(firsts))
            topic.shards.grow(shards)

    async def delete(self, name: str) -> None:
        topic = self._logs.pop(name, None)
        if topic is None:
            return
        self._being_made.add(name)
        try:
            topic.shards.give_up(LogMissing(f"there is no log {name}"))
            await self._in_thread(self._write_document, name, None)
            await self._in_thread(self._cluster.delete_topic, topic.topic)
        finally:
            self._being_made.discard(name)

    def exists(self, name: str) -> bool:
        return name in self._logs

    async def append(self, name: str, entries: Sequence[Entry]) -> Sequence[int]:
        topic = self._named(name)
        topic.shards.check({entry.shard for entry in entries})
        if not entries:
            return []
        loop = asyncio.get_running_loop()
        batch = Batch(topic, entries, loop, loop.create_future())
        for index, entry in enumerate(entries):
            time_ms = batch.times[index] = max(1, entry.time_ms, topic.sent_ms.get(entry.shard, 0))
            topic.sent_ms[entry.shard] = time_ms
            while not self._send(topic.topic, entry, time_ms, functools.partial(batch.delivered, index)):
                await asyncio.sleep(0.005)  # As much is under way as the producer takes.
        try:
            return await batch.future
        except OSError:
            self._named(name)  # LogMissing if it was deleted meanwhile.
            raise

    async def read(self, name: str, shard: int, position: int, *, records: int, size: int) -> Records:
        topic = self._named(name, shard)
        position = max(position, topic.shards.first[shard])
        if position >= topic.shards.next[shard]:
            await self._look(topic, [shard])
        if position >= topic.shards.next[shard] or records < 1:
            return Records()
        stop = topic.shards.next[shard] - 1
        found = await self._asked(name, self._readers.read, topic.topic, shard, position - 1, stop, records, size)
        if found:
            topic.shards.last_ms[shard] = max(topic.shards.last_ms[shard], found[-1].timestamp()[1])
        return Records.of(map(record_of, found))

    async def read_stretches(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Stretch]:
        records = max(1, size // RECORD_BYTES)
        return list(stretched(await self.read(name, shard, position, records=records, size=size)))

    async def locate(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Located | Stretch]:
        return await self.read_stretches(name, shard, position, size=size)

    async def position_at(self, name: str, shard: int, time_ms: int) -> int:
        topic = self._named(name, shard)
        await self._look(topic, [shard])
        return await self._asked(name, self._position_at, topic, shard, time_ms)

    def bounds(self, name: str, shard: int) -> Bounds:
        return self._named(name, shard).shards.bounds(shard)

    async def wait(self, name: str, positions: Mapping[int, int], timeout_s: float) -> bool:
        until = time.monotonic() + timeout_s
        while True:
            topic = self._named(name, *positions)
            left_s = until - time.monotonic()
            if await topic.shards.wait(positions, max(0.0, min(left_s, LOOK_AGAIN_S))):
                return True
            await self._look(topic, list(positions))
            if left_s <= LOOK_AGAIN_S:
                return await topic.shards.wait(positions, 0)

    async def trim(self, name: str, before_ms: int) -> None:
        topic = self._named(name)
        async with topic.changing:
            firsts = [await self.position_at(name, shard, before_ms) for shard in range(len(topic.shards))]
            firsts = [max(pair) for pair in zip(firsts, topic.shards.first, strict=True)]
            if firsts == list(topic.shards.first):
                return
            await self._in_thread(self._write_document, name, topic.document(firsts))
            for shard, first in enumerate(firsts):
                topic.shards.first[shard] = first
        await self._in_thread(self._cluster.delete_records, topic.topic, firsts)

    def close(self) -> None:
        self._producer.flush(TIMEOUT_S)
        self._closed.set()
        self._poller.join()
        for topic in self._logs.values():
            topic.shards.give_up(None)
        self._pool.shutdown(wait=True)
        self._readers.close()
        del self._producer, self._cluster  # Their threads end with them.

    def _named(self, name: str, *shards: int) -> "Topic":
        topic = self._logs.get(name)
        if topic is None:
            raise LogMissing(f"there is no log {name}")
        topic.shards.check(shards)
        return topic

    async def _asked(self, name: str, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._in_thread(work, *arguments)
        except OSError:
            self._named(name)  # LogMissing if it was deleted meanwhile.
            raise

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        with _as_os_error():
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    # What follows is done in threads.

    @property
    def _documents_topic(self) -> str:
        return f"{self._prefix}.logs"

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(0.1)

    def _send(self, topic: str, entry: Entry, time_ms: int, delivered: Callable[..., None]) -> bool:
        headers: list[tuple[str, str | bytes | None]] = [("note", entry.note)] if entry.note else []
        try:
            self._producer.produce(
                topic,
                value=entry.value,
                key=entry.key,
                partition=entry.shard,
                timestamp=time_ms,
                headers=headers,
                on_delivery=delivered,
            )
        except BufferError:
            return False
        except KafkaException as error:
            if error.args[0].code() == KafkaError._FATAL:  # It sends nothing any more; the next append has a new one.
                old, self._producer = self._producer, self._cluster.new_producer()
                old.purge()
                old.flush(TIMEOUT_S)
            raise OSError(errno.EIO, error.args[0].str()) from error
        return True

    def _write_document(self, name: str, document: dict[str, Any] | None) -> None:
        done: Future[None] = Future()

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error:
                done.set_exception(KafkaException(error))
            else:
                done.set_result(None)

        value = json.dumps(document).encode() if document else None
        self._producer.produce(self._documents_topic, value, name.encode(), 0, delivered)
        done.result(TIMEOUT_S)

    def _read_documents(self) -> dict[str, dict[str, Any]]:
        messages, _ = self._readers.to_the_end(self._documents_topic, {0: 0})
        latest = {(message.key() or b"").decode(): message.value() for message in messages}
        return {name: json.loads(value) for name, value in latest.items() if value}

    def _open(self, name: str, document: dict[str, Any]) -> "Topic":
        topic = Topic(name, document["topic"], document["partitions"], document["firsts"])
        shards = topic.shards
        lows, highs = {}, {}
        for shard in range(len(shards)):
            lows[shard], highs[shard] = self._readers.watermarks(topic.topic, shard)
            shards.first[shard] = max(shards.first[shard], lows[shard] + 1)
        # The high watermark of some brokers stops short of the end: the last records say where it is.
        starts = {shard: max(lows[shard], high - 1) for shard, high in highs.items()}
        last, ends = self._readers.to_the_end(topic.topic, starts)
        for shard, last_ms in enumerate(document["last_ms"]):
            shards.last_ms[shard] = last_ms
        for message in last:
            shards.last_ms[message.partition() or 0] = message.timestamp()[1]
        for shard, end in ends.items():
            shards.next[shard] = end + 1
        topic.sent_ms = dict(enumerate(shards.last_ms))
        return topic

    async def _look(self, topic: "Topic", shards: list[int]) -> None:
        """Find out what others have written."""
        for shard in shards:
            _, high = await self._asked(topic.name, self._readers.watermarks, topic.topic, shard)
            topic.shards.next[shard] = max(topic.shards.next[shard], high + 1)

    def _position_at(self, topic: "Topic", shard: int, time_ms: int) -> int:
        first, end = topic.shards.first[shard] - 1, topic.shards.next[shard] - 1

        @functools.cache
        def is_late(offset: int) -> bool:
            """Whether the record there is of this time or later."""
            if offset < first or offset >= end:
                return offset >= end
            return self._readers.time_of(topic.topic, shard, offset) >= time_ms

        guess = self._readers.offset_at(topic.topic, shard, time_ms)
        guess = max(first, guess) if guess >= 0 else end
        if is_late(guess) and not is_late(guess - 1):
            return guess + 1
        low, high = first, end
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_late(middle) else (middle + 1, high)
        return low + 1


def _with_spare(shards: int) -> int:
    return max(1, -(-shards // SPARE_PARTITIONS)) * SPARE_PARTITIONS


@contextlib.contextmanager
def _as_os_error() -> Any:
    try:
        yield
    except KafkaException as error:
        raise OSError(errno.EIO, str(error.args[0])) from error
