"""Where an application's rows go: handed over until they are on disk there."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence

from lakemill.engines.analytics.errors import Unreachable
from lakemill.engines.analytics.plan import Output, Place, Say
from lakemill.engines.delivery import Delivery, DeliveryError
from lakemill.engines.resources import ResourceMissing
from lakemill.engines.streams import Put, RecordTooLarge, Refused, StreamError, Streams

BATCH, BATCH_BYTES = 500, 4 << 20
FUNCTION_BYTES = 3 << 20
"""Of an invocation: base64 and its frame stay below 6 MB."""
DELIVERY_RECORD_BYTES_MAX = 1_024_000
AGAIN_S, AGAIN_S_MAX = 0.2, 5.0


class Sinks:
    def __init__(self, streams: Streams, delivery: Delivery) -> None:
        self._streams, self._delivery = streams, delivery

    async def deliver(self, output: Output, records: Sequence[bytes], say: Say) -> None:
        """Returns when all records are taken; those that can never be are reported. Raises Unreachable."""
        if (reason := output.refusal()) is not None:
            raise Unreachable(f"output {output.stream}: {reason}")
        size = FUNCTION_BYTES if output.send is not None else BATCH_BYTES
        for batch in batches(records, BATCH, size):
            await self._deliver(output, batch, say)

    async def _deliver(self, output: Output, batch: list[bytes], say: Say) -> None:
        pause_s = AGAIN_S
        while batch:
            if output.send is not None:
                batch = await output.send(batch)
            else:
                assert output.place is not None
                batch = await self._put(output.place, batch, say)
            if batch:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_S_MAX)

    async def _put(self, place: Place, batch: list[bytes], say: Say) -> list[bytes]:
        """Those that are to be tried again."""
        limit = DELIVERY_RECORD_BYTES_MAX
        if place.kind == "stream" and (stream := self._streams.find(place.scope, place.name)) is not None:
            limit = stream.record_bytes_max - 36
        small = [record for record in batch if len(record) <= limit]
        if len(small) < len(batch):
            await say(
                "ERROR", f"{len(batch) - len(small)} rows were left out: {place.name} takes {limit} bytes a record"
            )
        try:
            if not small:
                return []
            if place.kind == "delivery":
                await self._delivery.put(place.scope, place.name, small)
                return []
            # A random key spreads rows over the shards, as they have no order among one another anyway.
            puts = [Put(str(uuid.uuid4()), record) for record in small]
            answers = await self._streams.put(place.scope, place.name, puts)
        except (StreamError, DeliveryError, ResourceMissing) as error:
            if isinstance(error, RecordTooLarge):  # The stream was made smaller in between.
                return small
            raise Unreachable(f"{place.name}: {error}") from None
        return [record for record, answer in zip(small, answers, strict=True) if isinstance(answer, Refused)]


def batches(records: Sequence[bytes], count: int, size: int) -> Iterator[list[bytes]]:
    """Records in lists of at most so many, and so many bytes unless one alone has more.

    >>> list(batches([b"ab", b"c", b"d"], 2, 3))
    [[b'ab', b'c'], [b'd']]
    """
    batch: list[bytes] = []
    held = 0
    for record in records:
        if batch and (len(batch) == count or held + len(record) > size):
            yield batch
            batch, held = [], 0
        batch.append(record)
        held += len(record)
    if batch:
        yield batch
