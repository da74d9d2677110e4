"""A reader of the records of a delivery stream as they come in, in the manner of the streams' reader."""

from typing import Any

from lakemill.engines.delivery.sources import Opened
from lakemill.engines.streams import Start, StreamRecord
from lakemill.ports.log import Log

SHARD = "shardId-000000000000"
STREAM = "stream"
"""Among the positions: the log they are of, which a stream made again under the same name does not share."""


class DeliveryReader:
    """Made by `Delivery.reader`. One caller at a time."""

    def __init__(self, log: Log, name: str, start: Start, opened: Opened) -> None:
        self._log, self._name, self._opened = log, name, opened
        self._since_ms: int | None = start.time_ms if start.kind == "at" else None
        bounds = log.bounds(name, 0)
        self._position = bounds.next if start.kind == "latest" else bounds.first
        told = start.positions or {}
        if start.kind == "after" and told.get(STREAM, name) == name:
            self._position = told.get("0", bounds.first)

    def positions(self) -> dict[str, Any]:
        """Where this reader stands, for `Start.after`."""
        return {STREAM: self._name, "0": self._position}

    async def read(self, limit: int = 1000, size: int = 1 << 20, wait_s: float = 1.0) -> list[StreamRecord]:
        """Up to `limit` records and about `size` bytes; empty when none came in `wait_s` seconds.

        Raises LogMissing when the stream is gone.
        """
        if self._since_ms is not None:
            self._position = await self._log.position_at(self._name, 0, self._since_ms)
            self._since_ms = None
        bounds = self._log.bounds(self._name, 0)
        self._position = max(self._position, bounds.first)
        if bounds.next <= self._position and not await self._log.wait(self._name, {0: self._position}, wait_s):
            return []
        found = await self._log.read(self._name, 0, self._position, records=limit, size=size)
        if not found:
            return []
        self._position = found.positions[-1] + 1
        notes = found.notes or [b""] * len(found)
        return [
            StreamRecord(data, "", position, time_ms, SHARD, encrypted=bool(note))
            for data, position, time_ms, note in zip(
                self._opened(found), found.positions, found.times, notes, strict=True
            )
        ]
