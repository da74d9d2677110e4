"""The processors of a delivery stream, one after the other, as its worker calls them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lakemill.engines.delivery import Failure, Prefix, Processed, Record
from lakemill.engines.delivery.prefixes import FUNCTION, QUERY
from lakemill.engines.delivery.rows import Rows


class Lot(msgspec.Struct):
    """Records on their way through, at least one, in their order."""

    keys: dict[str, str]
    """The partition keys that all of them have got, by `namespace:name`."""
    records: Rows

    def failures(self, code: str, message: str) -> list[Failure]:
        """They go no further."""
        return [Failure(record, code, message) for record in self.records]


class Step(Protocol):
    """One processor."""

    async def __call__(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        """What comes out, each lot with other keys than the rest, and what has failed."""
        ...


class Processing:
    """A chain of steps. prefix: that of a partitioned destination, whose keys every record must have."""

    def __init__(self, steps: Sequence[Step], prefix: Prefix | None = None) -> None:
        self._steps = steps
        self._names: list[str] = []
        if prefix is not None:
            spaces = (QUERY, FUNCTION)
            self._names = list(dict.fromkeys(f"{space}:{name}" for space in spaces for name in prefix.keys(space)))

    async def __call__(self, records: Sequence[Record]) -> Processed:
        """See `engines.delivery.plan.Process`."""
        lots = [Lot({}, Rows.of(records))] if records else []
        failures: list[Failure] = []
        for step in self._steps:
            if lots:
                lots, failed = await step(lots)
                failures += failed
        partitions: dict[str, tuple[dict[str, str], Rows]] = {}
        for lot in lots:
            keys = {name: lot.keys.get(name, "") for name in self._names}
            lacking = next((name for name, value in keys.items() if not value), None)
            if lacking is None:
                held = partitions.setdefault(_named(keys), (keys, Rows()))[1]
                for part in lot.records.parts:
                    held.append(part)
            else:
                code = "DynamicPartitioning.PartitionKeyMissing"
                failures += lot.failures(code, f"The record has no value for {lacking}")
        return Processed(partitions, failures)


def _named(keys: dict[str, str]) -> str:
    """A name for the partition of these keys, and of no others."""
    return "\x1f".join([value.replace("\x1e", "\x1e\x1e").replace("\x1f", "\x1e\x1f") for value in keys.values()])
