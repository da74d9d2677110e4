"""Where an application's records come from."""

from typing import Any

from lakemill.engines.analytics.errors import Unreachable
from lakemill.engines.analytics.plan import Place, Raw
from lakemill.engines.delivery import Delivery
from lakemill.engines.keys import KeysError
from lakemill.engines.resources import ResourceMissing
from lakemill.engines.streams import Start, StreamError, Streams
from lakemill.formats.kpl import deaggregate
from lakemill.ports.log import LogMissing

RECORDS_MAX = 2000
BYTES_MAX = 2 << 20
"""What is read at a time."""
NOW, OLDEST = "now", "oldest"
GONE = (StreamError, KeysError, ResourceMissing, LogMissing)


class Sources:
    """Makes sources."""

    def __init__(self, streams: Streams, delivery: Delivery) -> None:
        self._streams, self._delivery = streams, delivery

    def open(self, place: Place, start: str | None, positions: Any = None) -> "Source":
        """start: NOW or OLDEST, where there are no positions. Raises Unreachable."""
        if positions is not None:
            begin = Start.after(positions)
        else:
            begin = Start.horizon() if start == OLDEST else Start.latest()
        readers: Any = self._streams if place.kind == "stream" else self._delivery
        try:
            return Source(readers.reader(place.scope, place.name, begin), place)
        except GONE as error:
            raise Unreachable(f"{place.name}: {error}") from None


class Source:
    """Records in order, from where it was made to start; those that a producer packed together are taken apart."""

    def __init__(self, reader: Any, place: Place) -> None:
        self._reader, self._place = reader, place

    async def read(self, wait_s: float) -> list[Raw]:
        """What there is; nothing if nothing came within the time. Raises Unreachable."""
        try:
            found = await self._reader.read(limit=RECORDS_MAX, size=BYTES_MAX, wait_s=wait_s)
        except GONE as error:
            raise Unreachable(f"{self._place.name}: {error}") from None
        if self._place.kind == "delivery":
            return [[one.data, one.arrival_ms, "", str(one.sequence_number), ""] for one in found]
        records: list[Raw] = []
        for one in found:
            place = str(one.sequence_number), one.shard_id
            parts = deaggregate(one.data, one.partition_key)
            if parts is None:
                records.append([one.data, one.arrival_ms, one.partition_key, *place])
            else:
                records += [[part.data, one.arrival_ms, part.partition_key, *place] for part in parts]
        return records

    def positions(self) -> dict[str, Any]:
        """Where it stands: a document with which another one can be made."""
        return dict(self._reader.positions())
