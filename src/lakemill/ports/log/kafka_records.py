"""A log's topic, records under way to it, and records that come back."""

import asyncio
import contextlib
import errno
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, Message

from lakemill.ports.log.port import Entry, Record
from lakemill.ports.log.shards import Shards


class Topic:
    """What is known of a log."""

    def __init__(self, name: str, topic: str, partitions: int, firsts: list[int]) -> None:
        self.name = name
        self.topic = topic
        self.partitions = partitions
        self.shards = Shards(name, firsts)
        self.sent_ms: dict[int, int] = {}
        """Of each shard, the time last sent; the next may not be earlier."""
        self.changing = asyncio.Lock()

    def document(self, firsts: list[int] | None = None) -> dict[str, Any]:
        firsts = list(self.shards.first) if firsts is None else firsts
        return {
            "topic": self.topic,
            "partitions": self.partitions,
            "firsts": firsts,
            "last_ms": list(self.shards.last_ms),
        }


class Batch:
    """The records of one append, under way."""

    def __init__(
        self,
        topic: Topic,
        entries: Sequence[Entry],
        loop: asyncio.AbstractEventLoop,
        future: "asyncio.Future[Sequence[int]]",
    ) -> None:
        self._topic = topic
        self._entries = entries
        self._loop = loop
        self.future = future
        self.times = [0] * len(entries)
        self.positions = [0] * len(entries)
        self.error: KafkaError | None = None
        self._left = len(entries)

    def delivered(self, index: int, error: KafkaError | None, message: Message) -> None:
        """Called in the polling thread."""
        if error:
            self.error = error
        else:
            self.positions[index] = offset_of(message) + 1
        self._left -= 1
        if not self._left:
            with contextlib.suppress(RuntimeError):  # A closed loop waits for nothing.
                self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        shards = self._topic.shards
        for entry, position, time_ms in zip(self._entries, self.positions, self.times, strict=True):
            shards.next[entry.shard] = max(shards.next[entry.shard], position + 1)
            if position:
                shards.last_ms[entry.shard] = max(shards.last_ms[entry.shard], time_ms)
        shards.wake({entry.shard for entry in self._entries})
        if not self.future.done():
            if self.error:
                self.future.set_exception(OSError(errno.EIO, self.error.str()))
            else:
                self.future.set_result(self.positions)


def offset_of(message: Message) -> int:
    """Its offset; a message that was delivered or fetched has one."""
    offset = message.offset()
    assert offset is not None
    return offset


def record_of(message: Message) -> Record:
    """What was appended."""
    note = b""
    for name, value in list(message.headers() or ()):
        if name == "note" and isinstance(value, bytes):
            note = value
    return Record(offset_of(message) + 1, message.timestamp()[1], message.key() or b"", message.value() or b"", note)
