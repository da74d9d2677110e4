"""Encryption of the records that wait in a delivery stream's log: as those of data streams are encrypted."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from lakemill.engines.delivery.sources import Opened
from lakemill.engines.keys import Keys
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.stream import Stream
from lakemill.ports.clock import Clock
from lakemill.ports.log import Records
from lakemill.ports.metadata import Metadata, Transaction

Document = dict[str, Any]


class _Lock(msgspec.Struct):
    """What sealing wants to know of a stream."""

    id: str
    scope: str
    name: str
    key: str | None


def _of(document: Document) -> Stream:
    return cast(Stream, _Lock(document["id"], document["scope"], document["name"], document["key"]))


class Vault:
    """Seals and opens records. keys: the key engine, or None where there is none."""

    def __init__(self, metadata: Metadata, clock: Clock, keys: Keys | None) -> None:
        self._sealing = Sealing(metadata, clock, keys) if keys is not None else None

    def check(self, scope: str, key: str) -> None:
        """Raises what the key engine raises if this key cannot be used now."""
        if self._sealing is None:
            raise RuntimeError("there is no key engine")
        self._sealing.check(scope, key)

    async def seal(self, document: Document, values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """(value, note) of each record, as it goes to the log. Raises what the key engine raises."""
        if document["key"] is None or self._sealing is None:
            return [(value, b"") for value in values]
        seal = await self._sealing.for_writing(_of(document))
        return [seal.close(value, b"") for value in values]

    def opener(self, document: Document) -> Opened:
        """What gives the data of records, sealed or not."""
        about = _of(document)

        def opened(records: Records) -> Sequence[bytes]:
            if self._sealing is None:
                return records.values
            return self._sealing.opened(about, records)

        return opened

    def forget_in(self, transaction: Transaction, name: str) -> None:
        """Remove the data keys of a stream that is deleted."""
        if self._sealing is not None:
            self._sealing.forget_in(transaction, name)
