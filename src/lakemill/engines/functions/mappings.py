"""Mappings: a function that is invoked with the records of a stream, shard by shard.

A mapping is a resource of kind `function-mapping` under its id. `positions` in it says how far each shard is dealt
with (or "end"), durably after each batch; so after a crash a function sees a batch again, and misses none. A shard
waits until its parents are at their end, so the records of a key come in order across a resharding. They are positions
in the stream with the id `stream_id`; another one that has its name by now is read from its beginning.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakemill.engines.functions.engine import Functions
from lakemill.engines.functions.errors import FunctionError
from lakemill.engines.functions.function import Outcome
from lakemill.engines.functions.lane import Lane, Rules
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.streams import Shard, Stream, StreamError, StreamRecord, Streams
from lakemill.ports.clock import Clock

KIND = "function-mapping"
END = "end"
POLL_S = 0.25
BATCH_BYTES_MAX = 4 << 20
"""Data of a batch: in base64 with all around it, it stays below what an event may have."""
TROUBLE_S = 5.0
"""The pause when a stream cannot be read."""

Document = dict[str, Any]
Event = Callable[[Document, Sequence[StreamRecord]], bytes]
"""The event that a function gets for some records."""
Objection = Callable[[Document], str | None]
"""Why a mapping may not read its stream, None if it may."""


class Mappings:
    """All of them. A document has stream (scope, name), stream_id, function (scope, name, qualifier), rules, positions,
    enabled, result, and what its owner adds."""

    def __init__(
        self, functions: Functions, streams: Streams, clock: Clock, event: Event, objection: Objection
    ) -> None:
        self._functions, self._streams, self._clock = functions, streams, clock
        self._event, self._objection = event, objection
        self._resources: Resources = functions.resources
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on with all that are enabled."""
        for document in list(self._resources.all(KIND)):
            if document["enabled"]:
                self._run(document)

    async def close(self) -> None:
        """Stop reading; batches under way are begun again at the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def get(self, scope: str, mapping_id: str) -> Document:
        """Raises ResourceMissing."""
        return self._resources.get(KIND, scope, mapping_id)

    def all(self, scope: str) -> list[Document]:
        return list(self._resources.all(KIND, scope))

    async def create(
        self,
        scope: str,
        mapping_id: str,
        stream: Stream,
        kind: str,
        time_ms: int | None,
        fields: Mapping[str, Any],
        tags: Mapping[str, str] | None = None,
    ) -> Document:
        """Where it starts is fixed now. kind: TRIM_HORIZON, LATEST, AT_TIMESTAMP. Raises ChangeRefused."""
        positions: dict[str, int | str] = {}
        kept = stream.open if kind == "LATEST" else stream.kept(int(self._clock.time() * 1000))
        for shard in kept:
            located = await self._streams.reading.locate(stream, shard, kind, time_ms=time_ms)
            positions[str(shard.number)] = located
        document = {
            **fields,
            "stream": [stream.scope, stream.name],
            "stream_id": stream.id,
            "positions": positions,
            "result": "No records processed",
        }
        made = await self._resources.create(KIND, scope, mapping_id, document, tags)
        if made["enabled"]:
            self._run(made)
        return made

    async def update(self, scope: str, mapping_id: str, fields: Mapping[str, Any]) -> Document:
        """Raises ResourceMissing."""
        self.get(scope, mapping_id)
        await self._stop(mapping_id)
        document = await self._resources.update(KIND, scope, mapping_id, lambda one: one.update(fields))
        if document["enabled"]:
            self._run(document)
        return document

    async def delete(self, scope: str, mapping_id: str) -> Document:
        """Its last form. Raises ResourceMissing."""
        document = self.get(scope, mapping_id)
        await self._stop(mapping_id)
        await self._resources.delete(KIND, scope, mapping_id)
        return document

    def _run(self, document: Document) -> None:
        poller = _Poller(self, document)
        self._tasks[document["name"]] = asyncio.create_task(poller.run())

    async def _stop(self, mapping_id: str) -> None:
        task = self._tasks.pop(mapping_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Poller:
    """Reads the stream of one mapping and has a lane for each of its shards."""

    def __init__(self, mappings: Mappings, document: Document) -> None:
        self._all = mappings
        self._document = document
        self._rules = Rules(**document["rules"])
        self._stream_id: str = document["stream_id"]
        self._positions: dict[int, int | str] = {int(number): at for number, at in document["positions"].items()}
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._result: str = document["result"]

    async def run(self) -> None:
        try:
            while True:
                pause_s = POLL_S
                try:
                    await self._look()
                except (StreamError, FunctionError, _NotAllowed) as trouble:
                    await self._tell(f"PROBLEM: {trouble}")
                    pause_s = TROUBLE_S
                await asyncio.sleep(pause_s)
        finally:
            await self._end_lanes()

    async def _end_lanes(self) -> None:
        for lane in self._lanes.values():
            lane.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._lanes.clear()

    async def _look(self) -> None:
        """Begin a lane for each shard that can be read and has none."""
        objection = self._all._objection(self._document)
        if objection is not None:
            raise _NotAllowed(objection)
        stream = self._stream()
        if stream.id != self._stream_id:
            await self._end_lanes()
            self._stream_id, self._positions = stream.id, {}
        for shard in self._active(stream):
            lane = self._lanes.get(shard.number)
            if lane is None or lane.done():
                self._lanes[shard.number] = asyncio.create_task(self._read_on(stream, shard))

    def _stream(self) -> Stream:
        scope, name = self._document["stream"]
        return self._all._streams.registry.usable(scope, name)

    def _active(self, stream: Stream) -> list[Shard]:
        """Shards that are not at their end, and whose parents all are."""
        kept = stream.kept(int(self._all._clock.time() * 1000))
        newest = max(self._positions, default=-1)
        for shard in kept:
            if shard.number > newest:
                self._positions[shard.number] = 0
        return [
            shard
            for shard in kept
            if isinstance(self._positions.get(shard.number, END), int)
            and all(self._positions.get(parent, END) == END for parent in shard.parents)
        ]

    async def _read_on(self, stream: Stream, shard: Shard) -> None:
        """Deal with what the shard has now."""
        try:
            batch, position, ended = await self._gather(stream, shard)
            if batch:
                lane = Lane(self._rules, self._invoke, self._done(shard), self._say, self._all._clock)
                await lane.deal_with(batch)
            if ended:
                await self._note(shard, END)
            elif batch or position != self._positions[shard.number]:
                await self._note(shard, position)
        except asyncio.CancelledError:
            raise
        except Exception as trouble:  # Whatever it is (a key that is disabled, a record that is damaged), it is told.
            await self._tell(f"PROBLEM: {trouble}")
            await asyncio.sleep(TROUBLE_S)

    async def _gather(self, stream: Stream, shard: Shard) -> tuple[list[StreamRecord], int, bool]:
        """A batch, the position after it, and whether the shard ends there."""
        loop = asyncio.get_running_loop()
        until: float | None = None
        found: list[StreamRecord] = []
        size = BATCH_BYTES_MAX
        position = self._positions[shard.number]
        assert isinstance(position, int)
        while True:
            read = self._all._streams.reading.read
            batch = await read(stream, shard, position, records=self._rules.batch - len(found), size=size)
            position = batch.position
            found += batch.stream_records(shard)
            size -= sum(map(len, batch.data))
            full = len(found) >= self._rules.batch or size <= 0
            if full or batch.ended or not found or not self._rules.window_s:
                return found, position, batch.ended
            until = until or loop.time() + self._rules.window_s
            if loop.time() >= until:
                return found, position, False
            await asyncio.sleep(min(POLL_S, until - loop.time()))

    async def _invoke(self, records: Sequence[StreamRecord]) -> Outcome:
        function = self._all._functions.find(*self._document["function"])
        return await self._all._functions.run(function, self._all._event(self._document, records))

    def _done(self, shard: Shard) -> Any:
        async def done(sequence_number: int) -> None:
            await self._note(shard, sequence_number - shard.base)

        return done

    async def _note(self, shard: Shard, position: int | str) -> None:
        """How far a shard is dealt with, durably."""
        self._positions[shard.number] = position
        await self._write()

    def _say(self, result: str) -> None:
        self._result = result

    async def _tell(self, result: str) -> None:
        if result != self._result:
            self._result = result
            await self._write()

    async def _write(self) -> None:
        positions = {str(number): at for number, at in self._positions.items()}
        with contextlib.suppress(ResourceMissing):
            await self._all._resources.update(
                KIND,
                self._document["scope"],
                self._document["name"],
                lambda one: one.update(stream_id=self._stream_id, positions=positions, result=self._result),
            )


class _NotAllowed(Exception):
    """The mapping may not read its stream."""
