"""Records by the block: most are carried from a log to an object without ever being looked at one by one."""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import msgspec

from lakemill.engines.delivery.parts import Listed, Part
from lakemill.engines.delivery.records import Record


class Rows(Sequence[Record]):
    """Records in order, in parts. As a sequence, it makes the records of those parts that have none.

    >>> rows = Rows.of([Record(b"a", 5, 1), Record(b"bc", 4, 2)])
    >>> rows.size, rows.oldest_ms, rows[1].data
    (3, 4, b'bc')
    """

    __slots__ = ("_counts", "parts", "size")

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.parts: list[Part] = []
        self._counts: list[int] = []
        """Records in the parts up to each."""
        self.size = 0
        """Bytes of their data."""
        for part in parts:
            self.append(part)

    @staticmethod
    def of(records: Sequence[Record]) -> "Rows":
        """Records as rows, if they are not already."""
        if isinstance(records, Rows):
            return records
        return Rows([Listed(records)] if records else [])

    def append(self, part: Part) -> None:
        """Add some, at least one."""
        self._counts.append(len(self) + len(part))
        self.parts.append(part)
        self.size += part.size

    def __len__(self) -> int:
        return self._counts[-1] if self._counts else 0

    def __iter__(self) -> Iterator[Record]:
        return itertools.chain.from_iterable(self.parts)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self[place] for place in places]
        part = bisect.bisect_right(self._counts, places)
        return self.parts[part].record(places - (self._counts[part - 1] if part else 0))

    @property
    def first_ms(self) -> int:
        """Arrival of the first."""
        return self.parts[0].first_ms

    @property
    def oldest_ms(self) -> int:
        """Arrival of the oldest."""
        return min([part.oldest_ms for part in self.parts])

    def last(self) -> dict[str, int]:
        """The last sequence of every shard."""
        return {shard: sequence for part in self.parts for shard, sequence in part.last().items()}

    def joined(self) -> bytes:
        """The data of all, one after the other."""
        return b"".join([part.joined()[0] for part in self.parts])


class Batch(msgspec.Struct):
    """Records as a source gave them."""

    records: Rows
    mark: Any
    """Where to go on after them, as a document."""
    last: bool
    """Whether there was nothing more to be had at this moment."""
