"""Where an application's records come from."""

from typing import Any, Protocol

from lakemill.engines.analytics.errors import Unreachable
from lakemill.engines.analytics.plan import Place, Raw
from lakemill.engines.delivery import Delivery
from lakemill.engines.resources import ResourceMissing
from lakemill.engines.streams import Start, StreamError, StreamReader, Streams
from lakemill.formats.kpl import deaggregate
from lakemill.ports.log import Log, LogMissing

RECORDS_MAX = 2000
BYTES_MAX = 2 << 20
"""What is read at a time."""
NOW, OLDEST = "now", "oldest"


class Source(Protocol):
    """Records in order, from where it was made to start."""

    async def read(self, wait_s: float) -> list[Raw]:
        """What there is; nothing if nothing came within the time. Raises Unreachable."""
        ...

    def positions(self) -> Any:
        """Where it stands: a document with which another one can be made."""
        ...


class Sources:
    """Makes sources. log: where delivery streams keep their records."""

    def __init__(self, streams: Streams, delivery: Delivery, log: Log) -> None:
        self._streams, self._delivery, self._log = streams, delivery, log

    def open(self, place: Place, start: str | None, positions: Any = None) -> Source:
        """start: NOW or OLDEST, where there are no positions. Raises Unreachable."""
        if place.kind == "delivery":
            return self._of_delivery(place, start, positions)
        if positions is not None:
            begin = Start.after(positions)
        else:
            begin = Start.horizon() if start == OLDEST else Start.latest()
        try:
            return OfStream(self._streams.reader(place.scope, place.name, begin))
        except StreamError as error:
            raise Unreachable(str(error)) from None

    def _of_delivery(self, place: Place, start: str | None, positions: Any) -> Source:
        try:
            document = self._delivery.get(place.scope, place.name)
            if (source := document["source"]) is not None:
                return self.open(Place("stream", source["scope"], source["name"]), start, positions)
            bounds = self._log.bounds(document["id"], 0)
        except ResourceMissing:
            raise Unreachable(f"there is no delivery stream {place.name}") from None
        except LogMissing:
            raise Unreachable(f"the delivery stream {place.name} is not ready yet") from None
        if positions is None:
            positions = bounds.first if start == OLDEST else bounds.next
        return OfDelivery(self._log, document["id"], positions)


class OfStream:
    """Records of a data stream; those that a producer packed together are taken apart."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def read(self, wait_s: float) -> list[Raw]:
        try:
            found = await self._reader.read(limit=RECORDS_MAX, size=BYTES_MAX, wait_s=wait_s)
        except StreamError as error:
            raise Unreachable(str(error)) from None
        records: list[Raw] = []
        for one in found:
            place = str(one.sequence_number), one.shard_id
            parts = deaggregate(one.data, one.partition_key)
            if parts is None:
                records.append([one.data, one.arrival_ms, one.partition_key, *place])
            else:
                records += [[part.data, one.arrival_ms, part.partition_key, *place] for part in parts]
        return records

    def positions(self) -> Any:
        return self._reader.positions()


class OfDelivery:
    """Records that were put into a delivery stream."""

    def __init__(self, log: Log, name: str, position: int) -> None:
        self._log, self._name, self._position = log, name, position

    async def read(self, wait_s: float) -> list[Raw]:
        try:
            if self._log.bounds(self._name, 0).next <= self._position and not await self._log.wait(
                self._name, {0: self._position}, wait_s
            ):
                return []
            found = await self._log.read(self._name, 0, self._position, records=RECORDS_MAX, size=BYTES_MAX)
        except LogMissing:
            raise Unreachable("the delivery stream is gone") from None
        if found:
            self._position = found[-1].position + 1
        return [[one.value, one.time_ms, "", str(one.position), ""] for one in found]

    def positions(self) -> Any:
        return self._position
