"""Some records in order: as columns, from a log, or one by one."""

import array
import bisect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from lakemill.engines.delivery.records import Record
from lakemill.ports.log import Located, Records, Stretch, Unread


class Part(Protocol):
    """Some records in order."""

    first_ms: int
    """Arrival of the first."""
    oldest_ms: int
    size: int
    """Bytes of their data."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Record]: ...

    def record(self, index: int) -> Record: ...

    def cut(self, start: int, stop: int) -> "Part":
        """Those from start to stop."""
        ...

    def ended(self, delimiter: bytes) -> "Part":
        """The same with a delimiter after the data of each."""
        ...

    def reaching(self, size: int, records: int) -> int:
        """How many of the first make so many bytes or so many records, and all of the source record that does.

        More than there are if they do not.
        """
        ...

    def joined(self) -> tuple[bytes | memoryview, Sequence[int], int]:
        """The data of all, where that of each ends, and what is to be taken off the ends."""
        ...

    def unread(self) -> tuple[Unread, Sequence[int], int] | None:
        """As joined, if the data lies in the log still: in which values, behind so many bytes of them as are to be
        taken off the ends."""
        ...

    def places(self) -> "Places | None":
        """What is to be told of them beside their data, if that is all."""
        ...

    def last(self) -> dict[str, int]:
        """The last sequence of every shard."""
        ...

    def after(self, known: Mapping[str, int]) -> "Part | None":
        """Those behind these sequences of their shards, if there are any."""
        ...


class Origin(NamedTuple):
    """Whose positions they are: of the stream's own log, or of a data stream's shard."""

    shard: str = ""
    base: int = 0
    """What makes a sequence number of a position."""


class Places(NamedTuple):
    """Where records come from, and the arrival and position of each."""

    origin: Origin
    times: Sequence[int]
    positions: Sequence[int]


class InLog:
    """Data that lies in the log, and is read when somebody looks at it."""

    __slots__ = ("_found", "values")

    def __init__(self, values: Unread) -> None:
        self.values = values
        self._found: memoryview | None = None

    def read(self) -> memoryview:
        """The data. Waits for the disk; raises LogDamaged."""
        if self._found is None:
            self._found = self.values.read()
        return self._found


class Logged:
    """Records of a log: some of a shard that follow one another, or some of one partition.

    data: of all, and more; ends: where in it that of each ends. times, positions: of each; neither ever falls.
    keys: the partition key of each, where that is told.
    """

    __slots__ = (
        "_begin",
        "_data",
        "_ends",
        "_keys",
        "_positions",
        "_start",
        "_stop",
        "_times",
        "first_ms",
        "oldest_ms",
        "origin",
        "size",
    )

    def __init__(
        self,
        data: bytes | memoryview | InLog,
        ends: Sequence[int],
        times: Sequence[int],
        positions: Sequence[int],
        origin: Origin = Origin(),  # noqa: B008 - it never changes.
        keys: Sequence[bytes] | None = None,
    ) -> None:
        self._data, self._ends, self._times, self._positions = data, ends, times, positions
        self.origin, self._keys = origin, keys
        self._bound(0, len(ends))

    def _bound(self, start: int, stop: int) -> None:
        """Be those from start to stop of what is there."""
        self._start, self._stop = start, stop
        self._begin = self._ends[start - 1] if start else 0
        self.first_ms = self.oldest_ms = self._times[start]
        self.size = self._ends[stop - 1] - self._begin

    @staticmethod
    def of(one: Stretch | Located, origin: Origin = Origin()) -> "Logged":  # noqa: B008
        """The records of a stretch, which may lie in the log still."""
        data = one.data if isinstance(one, Stretch) else InLog(one.values)
        return Logged(data, one.ends, one.times, range(one.position, one.position + len(one.ends)), origin)

    @staticmethod
    def with_keys(records: Records, data: Sequence[bytes], origin: Origin) -> "Logged":
        """Records of a data stream. data: of each, opened."""
        times, ends = array.array("q", records.times), array.array("I", itertools.accumulate(map(len, data)))
        return Logged(b"".join(data), ends, times, records.positions, origin, records.keys)

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[Record]:
        cut, (shard, base) = slice(self._start, self._stop), self.origin
        sequences = [base + position for position in self._positions[cut]] if base else self._positions[cut]
        columns = map(bytes, self._values()), self._times[cut], sequences
        if not shard:
            return map(Record, *columns)
        keys = itertools.repeat("") if self._keys is None else map(bytes.decode, self._keys[cut])
        return map(Record, *columns, itertools.repeat(shard), keys)

    def record(self, index: int) -> Record:
        place, (shard, base) = self._start + index, self.origin
        begin = self._ends[place - 1] if place else 0
        data = bytes(self._read()[begin : self._ends[place]])
        key = "" if self._keys is None else self._keys[place].decode()
        return Record(data, self._times[place], base + self._positions[place], shard, key)

    def cut(self, start: int, stop: int) -> "Logged":
        found = Logged(self._data, self._ends, self._times, self._positions, self.origin, self._keys)
        found._bound(self._start + start, self._start + stop)
        return found

    def ended(self, delimiter: bytes) -> "Logged":
        values, cut = self._values(), slice(self._start, self._stop)
        ends = array.array("I", itertools.accumulate([len(value) + len(delimiter) for value in values]))
        keys = None if self._keys is None else self._keys[cut]
        data = delimiter.join([*values, b""])
        return Logged(data, ends, self._times[cut], self._positions[cut], self.origin, keys)

    def reaching(self, size: int, records: int) -> int:
        found = bisect.bisect_left(self._ends, self._begin + size, self._start, self._stop) + 1 - self._start
        return min(found, records)

    def joined(self) -> tuple[bytes | memoryview, Sequence[int], int]:
        data, ends = self._read(), self._ends
        if len(self) < len(ends):
            data = data[self._begin : self._begin + self.size]
            ends = ends[self._start : self._stop]
        return data, ends, self._begin

    def unread(self) -> tuple[Unread, Sequence[int], int] | None:
        if not isinstance(self._data, InLog):
            return None
        return self._data.values, self._ends[self._start : self._stop], self._begin

    def places(self) -> Places | None:
        if self._keys is not None:
            return None
        cut = slice(self._start, self._stop)
        return Places(self.origin, self._times[cut], self._positions[cut])

    def last(self) -> dict[str, int]:
        return {self.origin.shard: self.origin.base + self._positions[self._stop - 1]}

    def after(self, known: Mapping[str, int]) -> "Logged | None":
        shard, base = self.origin
        position = known.get(shard, base - 1) - base
        first = bisect.bisect_right(self._positions, position, self._start, self._stop)
        return self.cut(first - self._start, len(self)) if first < self._stop else None

    def _values(self) -> list[bytes | memoryview]:
        """The data of each."""
        data, ends = self._read(), self._ends[self._start : self._stop]
        return [data[begin:end] for begin, end in itertools.pairwise([self._begin, *ends])]

    def _read(self) -> bytes | memoryview:
        return self._data.read() if isinstance(self._data, InLog) else self._data


class Listed:
    """Records that are there one by one: taken out of one of a data stream, or processed."""

    __slots__ = ("_records", "first_ms", "oldest_ms", "size")

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self.first_ms = records[0].arrival_ms
        self.oldest_ms = min([record.arrival_ms for record in records])
        self.size = sum([len(record.data) for record in records])

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def record(self, index: int) -> Record:
        return self._records[index]

    def cut(self, start: int, stop: int) -> "Listed":
        return Listed(self._records[start:stop])

    def ended(self, delimiter: bytes) -> "Listed":
        return Listed(
            [
                Record(one.data + delimiter, one.arrival_ms, one.sequence, one.shard, one.key, one.sub)
                for one in self._records
            ]
        )

    def reaching(self, size: int, records: int) -> int:
        if self.size < size and len(self._records) < records:
            return len(self._records) + 1
        place = 0
        for place, record in enumerate(self._records, 1):
            size -= len(record.data)
            if size <= 0 or place >= records:
                break
        else:
            place += 1
        while 0 < place < len(self._records) and _together(self._records[place - 1], self._records[place]):
            place += 1
        return place

    def joined(self) -> tuple[bytes | memoryview, Sequence[int], int]:
        values = [record.data for record in self._records]
        return b"".join(values), array.array("I", itertools.accumulate(map(len, values))), 0

    def unread(self) -> None:
        return None

    def places(self) -> None:
        return None

    def last(self) -> dict[str, int]:
        return {record.shard: record.sequence for record in self._records}

    def after(self, known: Mapping[str, int]) -> "Listed | None":
        found = [record for record in self._records if record.sequence > known.get(record.shard, -1)]
        return Listed(found) if found else None


def _together(first: Record, second: Record) -> bool:
    """Whether both come from one source record."""
    return first.sequence == second.sequence and first.shard == second.shard
