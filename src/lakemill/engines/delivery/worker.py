"""The worker of one delivery stream: reads its source, fills buffers, and sees them delivered."""

import asyncio
import collections
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from lakemill.engines.delivery.buffers import Buffer, Buffers
from lakemill.engines.delivery.packed import unpacked
from lakemill.engines.delivery.plan import (
    BACKUP,
    DESTINATION,
    ERRORS,
    PROCESSING_FAILED,
    Channel,
    Load,
    Outcome,
    Plan,
    Processed,
)
from lakemill.engines.delivery.progress import Progress
from lakemill.engines.delivery.records import Failure
from lakemill.engines.delivery.rows import Batch, Rows
from lakemill.engines.delivery.sources import Source
from lakemill.ports.clock import Clock

RECORD_BYTES = 120
"""What a record takes beside its data."""
HELD_BYTES_MAX = 256 << 20
"""Bytes a worker holds; beyond it, the source waits (its records are safe in their log)."""
QUEUED_MAX = 2
"""While more than so many full buffers of a partition are on their way, or wait for that, no more is read."""
IDLE_S = 5.0
BACKOFF_S, BACKOFF_S_MAX = 1.0, 60.0
STOP_S = 10.0
Keep = Callable[[dict[str, Any]], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The worker is being stopped; what is not delivered yet stays in the source."""


class Worker:
    """Carries out a plan. name: for messages. keep: makes the progress durable. pause: sleeps between attempts."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        source: Source,
        progress: Progress,
        keep: Keep,
        clock: Clock,
        *,
        held_max: int = HELD_BYTES_MAX,
        pause: Pause | None = None,
    ) -> None:
        self.name, self._plan, self._source, self._progress = name, plan, source, progress
        self._keep, self._clock, self._held_max = keep, clock, held_max
        self._pause = pause or self._sleep
        self._channels: dict[str, Channel] = {DESTINATION: plan.destination, ERRORS: plan.errors}
        if plan.backup:
            self._channels[BACKUP] = plan.backup
        self._buffers = {name: Buffers(channel.hints) for name, channel in self._channels.items()}
        self._gathered = Buffers(plan.gather) if plan.gather else None
        self._leaving: dict[tuple[str, str], collections.deque[Buffer]] = {}
        self._queued: collections.Counter[tuple[str, str]] = collections.Counter()
        """Bytes of those."""
        self._senders: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._held = 0
        self._caught_up = True
        """Whether the source had no more when it was read last."""
        self._left = asyncio.Event()
        self._stopping = asyncio.Event()
        self._unprocessed: collections.deque[Buffer] = collections.deque()
        """What is being processed, and what waits for it."""

    async def run(self) -> None:
        """Work until cancelled. An error that ends it loses nothing: stop, and let a new worker go on."""
        while True:
            await self.turn(self._patience_s())

    async def stop(self) -> None:
        """Let attempts under way end. What has not arrived is read again by the next worker."""
        self._stopping.set()
        senders = list(self._senders.values())
        if senders:
            _, late = await asyncio.wait(senders, timeout=STOP_S)
            for one in late:
                one.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def turn(self, wait_s: float) -> None:
        """Read what comes within the time and send off what is due."""
        if await self._room(wait_s):
            await asyncio.sleep(0)  # A source that has records at hand lets nobody else have a turn.
            batch = await self._source.read(wait_s)
            self._caught_up = batch is None or batch.last
            if batch is not None:
                await self._take(batch)
        now_s = self._clock.time()
        if self._gathered:
            self._unprocessed += [buffer for _, buffer in self._gathered.due(now_s, self._caught_up)]
            await self._process_all()
        for channel, buffers in self._buffers.items():
            for partition, buffer in buffers.due(now_s, self._caught_up):
                self._send_off(channel, partition, buffer)

    async def settle(self) -> None:
        """Wait until everything that was sent off has arrived or failed for good."""
        while self._senders:
            await asyncio.gather(*self._senders.values(), return_exceptions=True)

    def _patience_s(self) -> float:
        """How long to wait for records: until the first buffer is due."""
        waiting = [*self._buffers.values(), *([self._gathered] if self._gathered else [])]
        due = [moment for one in waiting if (moment := one.next_due_s(self._caught_up)) is not None]
        return max(0.0, min(IDLE_S, min(due) - self._clock.time())) if due else IDLE_S

    async def _room(self, wait_s: float) -> bool:
        """Whether there is room for more within the time. Full of buffers that wait for more, send the largest off."""
        while (full := self._held > self._held_max) or self._behind():
            if full and not self._senders:
                name = max(self._buffers, key=lambda one: self._buffers[one].size())
                taken = self._buffers[name].largest()
                if taken is None:
                    return True
                self._send_off(name, *taken)
            self._left.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._left.wait()
            except TimeoutError:
                return False
        return True

    def _behind(self) -> bool:
        """Whether a partition has so much to send that more would only lie in memory."""
        return any([size > QUEUED_MAX * self._buffers[place[0]].hints.size for place, size in self._queued.items()])

    # Taking in

    async def _take(self, batch: Batch) -> None:
        number = self._progress.read(batch.mark)
        records = batch.records
        if self._plan.backup:
            self._fill(BACKUP, "", {}, records, (number, number))
        if self._plan.process is None:
            self._fill(DESTINATION, "", {}, records, (number, number))
        else:
            self._held += records.size
            if self._gathered is None:
                whole = Buffer({}, number, self._clock.time())
                whole.records = records
                self._unprocessed.append(whole)
            else:
                self._unprocessed += self._gathered.add("", records, {}, (number, number), self._clock.time())
            await self._process_all()

    async def _process_all(self) -> None:
        """Let what is there be processed, and fill it in where it belongs."""
        assert self._plan.process is not None or not self._unprocessed
        while self._unprocessed:
            buffer = self._unprocessed[0]
            batches = buffer.batch, buffer.last_batch
            processed = await self._plan.process(buffer.records)  # type: ignore[misc]
            failures = processed.failures + self._fill_partitions(processed, batches)
            if failures:
                failures.sort(key=lambda one: (one.record.sequence, one.record.sub))
                await self._say(DESTINATION, failures[0].code, failures[0].message)
                lines = await asyncio.to_thread(self._plan.failed, PROCESSING_FAILED, failures)
                self._fill(ERRORS, PROCESSING_FAILED, {}, Rows.of(lines), batches)
            self._held -= buffer.size
            self._unprocessed.popleft()
            self._mark()

    def _fill_partitions(self, processed: Processed, batches: tuple[int, int]) -> list[Failure]:
        """Fill records in; those for which there would be one partition too many."""
        there = set(self._buffers[DESTINATION].open)
        there |= {partition for channel, partition in self._leaving if channel == DESTINATION}
        failures: list[Failure] = []
        for partition, (keys, records) in processed.partitions.items():
            if partition in there or len(there) < self._plan.partitions_max:
                there.add(partition)
                self._fill(DESTINATION, partition, keys, Rows.of(records), batches)
            else:
                code, message = self._plan.overflow
                failures += [Failure(record, code, message) for record in records]
        return failures

    def _fill(
        self, channel: str, partition: str, keys: dict[str, str], records: Rows, batches: tuple[int, int]
    ) -> None:
        records = self._progress.fresh(f"{channel}/{partition}", records, batches[1])
        self._held += records.size + RECORD_BYTES * len(records)
        for full in self._buffers[channel].add(partition, records, keys, batches, self._clock.time()):
            self._send_off(channel, partition, full)

    # Sending off

    def _send_off(self, channel: str, partition: str, buffer: Buffer) -> None:
        """Buffers of one partition leave one after the other, in order."""
        place = channel, partition
        self._leaving.setdefault(place, collections.deque()).append(buffer)
        self._queued[place] += buffer.size
        if place not in self._senders:
            self._senders[place] = asyncio.create_task(self._send_all(place))

    async def _send_all(self, place: tuple[str, str]) -> None:
        queue = self._leaving[place]
        try:
            while queue:
                try:
                    await self._send_one(place, queue)
                except Stopped:
                    raise
                except Exception:  # A fault of ours. Nothing is noted as delivered that is not.
                    logger.exception("delivery of %s", self.name)
                    await self._pause(BACKOFF_S_MAX)
            del self._leaving[place], self._queued[place]
        except Stopped:
            pass
        finally:
            del self._senders[place]
            self._left.set()

    async def _send_one(self, place: tuple[str, str], queue: collections.deque[Buffer]) -> None:
        """See the first one delivered, and note it."""
        channel, partition = place
        buffer = queue[0]
        await self._send(channel, partition, buffer)
        queue.popleft()
        self._queued[place] -= buffer.size
        self._held -= buffer.size + RECORD_BYTES * len(buffer.records)
        self._left.set()
        self._progress.delivered(f"{channel}/{partition}", buffer.records.last(), buffer.last_batch)
        self._mark()
        await self._keep(self._progress.document())

    async def _send(self, channel: str, partition: str, buffer: Buffer) -> None:
        error = partition if channel == ERRORS else ""
        failures = await self._attempts(channel, buffer.records, buffer.keys, error)
        kind = self._channels[channel].sink.error
        if failures and kind:
            lines = await asyncio.to_thread(self._plan.failed, kind, failures)
            channel, failures = ERRORS, await self._attempts(ERRORS, Rows.of(lines), {}, kind)
        if failures:
            first = failures[0]
            await self._say(channel, first.code, f"{len(failures)} records are given up. {first.message}")
            logger.error("delivery of %s: %d records are given up: %s", self.name, len(failures), first.message)

    async def _attempts(self, channel: str, records: Rows, keys: dict[str, str], error: str) -> list[Failure]:
        """Try until the records are there or the sink's time is over; those that are not."""
        sink = self._channels[channel].sink
        load = Load(records, records.size, records.oldest_ms, str(uuid.uuid4()), keys, error, self._clock.time())
        failures: list[Failure] = []
        pause_s = BACKOFF_S
        while True:
            load.attempts += 1
            outcome = await self._attempt(channel, load)
            failures += outcome.failures
            if outcome.code:
                await self._say(channel, outcome.code, outcome.message)
            elif outcome.failures:
                await self._say(channel, outcome.failures[0].code, outcome.failures[0].message)
            if not outcome.remaining:
                return failures
            if outcome.final or self._clock.time() - load.began_s + pause_s > sink.retry_s:
                given_up = await asyncio.to_thread(unpacked, outcome.remaining)  # They may lie in the log still.
                return failures + [Failure(record, outcome.code, outcome.message, load.attempts) for record in given_up]
            remaining = Rows.of(outcome.remaining)
            load.records, load.size = remaining, remaining.size
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, BACKOFF_S_MAX)

    async def _attempt(self, channel: str, load: Load) -> Outcome:
        if self._stopping.is_set():
            raise Stopped
        try:
            return await self._channels[channel].sink.deliver(load)
        except Exception as fault:
            logger.exception("delivery of %s", self.name)
            return Outcome(remaining=load.records, code="InternalError", message=f"{type(fault).__name__}: {fault}")

    def _mark(self) -> None:
        """Note up to where everything has arrived."""
        held = [buffer.batch for one in self._buffers.values() for buffer in one.open.values()]
        held += [buffer.batch for queue in self._leaving.values() for buffer in queue]
        if self._gathered:
            held += [buffer.batch for buffer in self._gathered.open.values()]
        held += [buffer.batch for buffer in self._unprocessed]
        self._progress.advance(min(held) if held else None)

    async def _say(self, channel: str, code: str, message: str) -> None:
        """Log a fault; that it cannot be logged keeps nobody from anything."""
        try:
            await self._plan.say(channel, code, message)
        except Exception:
            logger.exception("delivery of %s", self.name)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        if self._stopping.is_set():
            raise Stopped
