"""Consumers of Kafka used to read from any offset, as a file is read.

A consumer stays where its last read ended, so whoever reads on gets what was fetched ahead. There are several, so that
some readers can read on side by side; the one unused for longest is sent elsewhere. Offsets here are Kafka's.
"""

import collections
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from lakemill.ports.log.kafka_records import offset_of

READERS_MAX = 8
TIMEOUT_S = 30.0
_AT_A_TIME = 1000
_SLICE_S = 0.05
"""How long a call to the consumer waits for the number of messages it was asked for."""


class _Reader:
    """A consumer and where it is: topic, partition, next offset."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.at: tuple[str, int, int] | None = None
        self.left: collections.deque[Message] = collections.deque()
        """Fetched, but not taken by the last read."""


class Readers:
    """Reads of any topic. Safe across threads. Raises KafkaException; TimeoutError if no answer comes."""

    def __init__(self, new_consumer: Callable[[], Consumer]) -> None:
        self._new_consumer = new_consumer
        self._free: list[_Reader] = []
        """The one used last at the end."""
        self._count = 0
        self._changed = threading.Condition()

    def read(self, topic: str, partition: int, offset: int, stop: int, records: int, size: int) -> list[Message]:
        """Messages from this offset on and before stop, of which it is known that they are there.

        At most `records`, no more than size bytes of keys and values, but at least one.
        """
        found: list[Message] = []
        used = 0
        with self._reader((topic, partition, offset)) as reader:
            if reader.at != (topic, partition, offset):
                reader.left.clear()
                reader.consumer.list_topics(topic, timeout=TIMEOUT_S)  # It would find the leader a second later.
                reader.consumer.assign([TopicPartition(topic, partition, offset)])
            reader.at = None  # Nobody knows, should this fail.
            while offset < stop and len(found) < records:
                if not reader.left:
                    self._fetch(reader, min(records - len(found), stop - offset, _AT_A_TIME))
                message = reader.left[0]
                more = len(message.key() or b"") + len(message.value() or b"")
                if found and used + more > size:
                    break
                found.append(reader.left.popleft())
                used += more
                offset = offset_of(message) + 1
            if offset < stop:
                reader.at = (topic, partition, offset)
            else:
                reader.consumer.unassign()  # Or it would go on asking the broker.
        return found

    def time_of(self, topic: str, partition: int, offset: int) -> int:
        """Time of a message of which it is known that it is there."""
        (message,) = self.read(topic, partition, offset, offset + 1, 1, 0)
        return message.timestamp()[1]

    def to_the_end(self, topic: str, offsets: Mapping[int, int]) -> tuple[list[Message], dict[int, int]]:
        """All messages of partitions from these offsets on, and the offset at which each partition ends now."""
        found: list[Message] = []
        ends: dict[int, int] = {}
        with self._reader(None) as reader:
            reader.left.clear()
            reader.at = None
            reader.consumer.assign([TopicPartition(topic, partition, at) for partition, at in offsets.items()])
            until = time.monotonic() + TIMEOUT_S
            while len(ends) < len(offsets):
                message = reader.consumer.poll(1.0)
                if message is None:
                    if time.monotonic() > until:
                        raise TimeoutError(f"no answer from Kafka for topic {topic}")
                elif error := message.error():
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    ends[message.partition() or 0] = offset_of(message)
                else:
                    found.append(message)
            reader.consumer.unassign()
        return found, ends

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """Offsets of the oldest record, and after the newest."""
        with self._reader(None) as reader:
            low, high = reader.consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        return low, high

    def offset_at(self, topic: str, partition: int, time_ms: int) -> int:
        """What the broker says is the first offset of this time or later; negative if it knows none."""
        with self._reader(None) as reader:
            (answer,) = reader.consumer.offsets_for_times(
                [TopicPartition(topic, partition, time_ms)], timeout=TIMEOUT_S
            )
        if answer.error:
            raise KafkaException(answer.error)
        return answer.offset

    def close(self) -> None:
        for reader in self._free:
            reader.consumer.close()
        self._free.clear()

    def _fetch(self, reader: _Reader, count: int) -> None:
        """At least one message into reader.left."""
        until = time.monotonic() + TIMEOUT_S
        while not reader.left:
            for message in reader.consumer.consume(count, timeout=_SLICE_S):
                error = message.error()
                if error is None:
                    reader.left.append(message)
                elif error.code() != KafkaError._PARTITION_EOF:  # An end that it passed since then.
                    raise KafkaException(error)
            if not reader.left and time.monotonic() > until:
                raise TimeoutError("no answer from Kafka")

    @contextlib.contextmanager
    def _reader(self, at: tuple[str, int, int] | None) -> Iterator[_Reader]:
        """The reader that is there, or another for oneself alone."""
        with self._changed:
            while not self._free and self._count >= READERS_MAX:
                self._changed.wait()
            reader = next((one for one in self._free if at and one.at == at), None)
            if reader is None and self._count < READERS_MAX and (at or not self._free):
                reader = _Reader(self._new_consumer())
                self._count += 1
            else:
                reader = reader or self._free[0]
                self._free.remove(reader)
        try:
            yield reader
        finally:
            with self._changed:
                self._free.append(reader)
                self._changed.notify()
