"""The processors of a delivery stream, one after the other, as its worker calls them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lakemill.engines.delivery import Failure, Prefix, Processed, Record
from lakemill.engines.delivery.prefixes import FUNCTION, QUERY


class Item(msgspec.Struct):
    """A record on its way through, and the partition keys it has got, by `namespace:name`."""

    record: Record
    keys: dict[str, str]

    def failure(self, code: str, message: str) -> Failure:
        """It goes no further."""
        return Failure(self.record, code, message)


class Step(Protocol):
    """One processor."""

    async def __call__(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        """What comes out, and what has failed."""
        ...


class Processing:
    """A chain of steps. prefix: that of a partitioned destination, whose keys every record must have."""

    def __init__(self, steps: Sequence[Step], prefix: Prefix | None = None) -> None:
        self._steps = steps
        self._names: list[str] | None = None
        if prefix is not None:
            spaces = (QUERY, FUNCTION)
            self._names = list(dict.fromkeys(f"{space}:{name}" for space in spaces for name in prefix.keys(space)))

    async def __call__(self, records: Sequence[Record]) -> Processed:
        """See `engines.delivery.plan.Process`."""
        items, failures = [Item(record, {}) for record in records], list[Failure]()
        for step in self._steps:
            if items:
                items, failed = await step(items)
                failures += failed
        if self._names is None:
            return Processed({"": ({}, [item.record for item in items])}, failures)
        partitions: dict[str, tuple[dict[str, str], list[Record]]] = {}
        places: dict[int, list[Record]] = {}
        """Where records with the same keys go, by the identity of those."""
        for item in items:
            place = places.get(id(item.keys))
            if place is not None:
                place.append(item.record)
                continue
            keys = {name: item.keys.get(name, "") for name in self._names}
            lacking = next((name for name, value in keys.items() if not value), None)
            if lacking is None:
                partition = "\x1f".join(keys.values())
                place = places[id(item.keys)] = partitions.setdefault(partition, (keys, []))[1]
                place.append(item.record)
            else:
                code = "DynamicPartitioning.PartitionKeyMissing"
                failures.append(item.failure(code, f"The record has no value for {lacking}"))
        return Processed(partitions, failures)
