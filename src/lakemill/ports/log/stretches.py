"""Records made into stretches, where they do not lie together already."""

import array
import itertools
from collections.abc import Iterator, Sequence

from lakemill.ports.log.port import Record, Stretch

RECORD_BYTES = 12
"""What a record takes in a stretch beside its value: an end and a time."""


def weight(stretch: Stretch) -> int:
    """Bytes of a stretch."""
    return len(stretch.data) + RECORD_BYTES * len(stretch.ends)


def stretched(records: Sequence[Record]) -> Iterator[Stretch]:
    """Stretches of records of one shard, in order: one, unless positions are left out.

    >>> [list(one.ends) for one in stretched([Record(7, 0, b"", b"one", b""), Record(8, 0, b"", b"four", b"")])]
    [[3, 7]]
    """
    if records and records[-1].position - records[0].position == len(records) - 1:
        yield _joined(records)
        return
    start = 0
    for stop in range(1, len(records) + 1):
        if stop == len(records) or records[stop].position != records[stop - 1].position + 1:
            yield _joined(records[start:stop])
            start = stop


def as_records(stretch: Stretch) -> Iterator[Record]:
    """The records of a stretch, without their keys."""
    begin = 0
    notes = stretch.notes or [b""] * len(stretch.ends)
    for position, (time_ms, end, note) in enumerate(
        zip(stretch.times, stretch.ends, notes, strict=True), stretch.position
    ):
        yield Record(position, time_ms, b"", bytes(stretch.data[begin:end]), note)
        begin = end


def _joined(records: Sequence[Record]) -> Stretch:
    values = [record.value for record in records]
    notes = [record.note for record in records]
    return Stretch(
        records[0].position,
        array.array("q", [record.time_ms for record in records]),
        b"".join(values),
        array.array("I", itertools.accumulate(map(len, values))),
        notes if any(notes) else (),
    )
