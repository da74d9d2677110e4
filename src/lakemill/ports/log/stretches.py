"""Records made into stretches, where they do not lie together already."""

import array
import itertools
from collections.abc import Iterator

from lakemill.ports.log.port import Located, Records, Stretch

RECORD_BYTES = 12
"""What a record takes in a stretch beside its value: an end and a time."""


def weight(stretch: Stretch | Located) -> int:
    """Bytes of a stretch, read or not."""
    return stretch.ends[-1] + RECORD_BYTES * len(stretch.ends)


def stretched(records: Records) -> Iterator[Stretch]:
    """Stretches of records of one shard, in order: one, unless positions are left out.

    >>> [list(one.ends) for one in stretched(as_records(Stretch(7, [0, 0], b"onefour", [3, 7])))]
    [[3, 7]]
    """
    positions = records.positions
    if positions and positions[-1] - positions[0] == len(positions) - 1:
        yield _joined(records)
        return
    start = 0
    for stop in range(1, len(positions) + 1):
        if stop == len(positions) or positions[stop] != positions[stop - 1] + 1:
            yield _joined(records[start:stop])
            start = stop


def as_records(stretch: Stretch) -> Records:
    """The records of a stretch, without their keys."""
    count = len(stretch.ends)
    values = [bytes(stretch.data[begin:end]) for begin, end in itertools.pairwise((0, *stretch.ends))]
    found = Records()
    found.add(range(stretch.position, stretch.position + count), stretch.times, [b""] * count, values, stretch.notes)
    return found


def _joined(records: Records) -> Stretch:
    return Stretch(
        records.positions[0],
        array.array("q", records.times),
        b"".join(records.values),
        array.array("I", itertools.accumulate(map(len, records.values))),
        records.notes,
    )
