"""Records by the block: what they hold, where they are cut, and how another process gets them."""

import array
import random

import pytest

from lakemill.engines.delivery import Hints, Record
from lakemill.engines.delivery.buffers import Buffers
from lakemill.engines.delivery.handing import SharedFile, SharedFiles, arrow, write
from lakemill.engines.delivery.parts import Listed, Logged, Origin
from lakemill.engines.delivery.rows import Rows
from lakemill.ports.log import Records, Stretch


def stretch(position, *values):
    ends = array.array("I", [sum(map(len, values[: n + 1])) for n in range(len(values))])
    return Stretch(position, array.array("q", range(position, position + len(values))), b"".join(values), ends)


def expected(position, *values):
    return [Record(value, position + n, position + n) for n, value in enumerate(values)]


def test_rows_are_the_records_of_their_parts():
    one, two = stretch(5, b"a", b"", b"bcd"), [Record(b"e", 3, 9, "s"), Record(b"f", 4, 9, "s", sub=1)]
    rows = Rows([Logged.of(one), Listed(two)])
    records = [*expected(5, b"a", b"", b"bcd"), *two]
    assert list(rows) == records
    assert [rows[place] for place in range(5)] == records
    assert (rows[-1], rows[1:3], len(rows), rows.size) == (two[1], records[1:3], 5, 6)
    assert (rows.first_ms, rows.oldest_ms, rows.last()) == (5, 3, {"": 7, "s": 9})
    with pytest.raises(IndexError):
        rows[5]


def test_a_part_is_cut_without_its_records():
    whole = Logged.of(stretch(5, b"a", b"", b"bcd", b"ef"))
    cut = whole.cut(1, 4).cut(1, 3)
    assert list(cut) == expected(5, b"a", b"", b"bcd", b"ef")[2:]
    assert (len(cut), cut.size, cut.oldest_ms, cut.record(1).data) == (2, 5, 7, b"ef")
    data, ends, base = cut.joined()
    assert (bytes(data), [end - base for end in ends]) == (b"bcdef", [3, 5])


def of_stream(positions, *values):
    """Records of a data stream, in columns and one by one."""
    found = Records()
    keys = [b"key-%d" % position for position in positions]
    found.add(positions, [position * 10 for position in positions], keys, values)
    base = 1 << 180
    columns = Logged.with_keys(found, [value.upper() for value in values], Origin("shardId-1", base))
    return columns, [
        Record(value.upper(), position * 10, base + position, "shardId-1", f"key-{position}")
        for position, value in zip(positions, values, strict=True)
    ]


@pytest.mark.parametrize("positions", [[5, 6, 7, 8], [5, 7, 8, 11]], ids=["together", "with gaps"])
def test_records_of_a_data_stream_are_told_in_columns(positions):
    columns, records = of_stream(positions, b"a", b"", b"bcd", b"ef")
    assert list(columns) == list(Listed(records)) == records
    assert [columns.record(place) for place in range(4)] == records
    cut = columns.cut(1, 4).cut(1, 3)
    assert (list(cut), cut.first_ms, cut.last()) == (records[2:], positions[2] * 10, Listed(records).last())
    assert list(cut.ended(b"\n")) == list(Listed(records[2:]).ended(b"\n"))
    assert cut.ended(b"\n").last() == cut.last()
    assert (cut.places(), cut.unread()) == (None, None)
    for known in ({}, {"other": 1 << 190}, *({"shardId-1": (1 << 180) + position} for position in range(3, 13))):
        for one, other in ((columns, Listed(records)), (columns.cut(1, 3), Listed(records[1:3]))):
            left, expected_left = one.after(known), other.after(known)
            assert (left and list(left)) == (expected_left and list(expected_left))


@pytest.mark.parametrize("seed", range(20))
def test_buffers_cut_rows_where_they_cut_records(seed):
    draw = random.Random(seed)
    hints = Hints(draw.randrange(1, 60), 60, draw.choice([3, 1 << 62]))
    kinds = {"logged": Buffers(hints), "listed": Buffers(hints)}
    found = {name: [] for name in kinds}
    position = 0
    for batch in range(30):
        values = [bytes(draw.randrange(20)) for _ in range(draw.randrange(1, 9))]
        parts = {"logged": Logged.of(stretch(position, *values)), "listed": Listed(expected(position, *values))}
        for name, buffers in kinds.items():
            found[name] += buffers.add("", Rows([parts[name]]), {}, (batch, batch), 0.0)
        position += len(values)
    one, other = ([(list(b.records), b.size, b.batch, b.last_batch) for b in found[name]] for name in kinds)
    assert one == other
    assert all(size >= hints.size or len(records) == hints.records_max for records, size, _, _ in one)
    assert all(sum(len(r.data) for r in records[:-1]) < hints.size for records, _, _, _ in one)


@pytest.mark.parametrize("kind", ["logged", "listed"])
def test_a_delimiter_follows_the_data_of_each_record(kind):
    one = stretch(5, b"a", b"", b"bcd", b"ef")
    part = (
        (Logged.of(one) if kind == "logged" else Listed(expected(5, b"a", b"", b"bcd", b"ef"))).cut(1, 4).ended(b"--")
    )
    records = [Record(record.data + b"--", record.arrival_ms, record.sequence) for record in Logged.of(one).cut(1, 4)]
    assert (list(part), part.size, part.first_ms, part.last()) == (records, 11, 6, {"": 8})
    assert bytes(part.joined()[0]) == b"--bcd--ef--"


def test_a_buffer_is_never_cut_within_a_source_record():
    buffers = Buffers(Hints(4, 60))
    parts = [Record(b"ab", 0, 1, sub=0), Record(b"cd", 0, 1, sub=1), Record(b"ef", 0, 1, sub=2), Record(b"g", 0, 2)]
    (full,) = buffers.add("", Rows.of(parts), {}, (1, 1), 0.0)
    assert list(full.records) == parts[:3]
    assert list(buffers.open[""].records) == parts[3:]


async def test_records_that_are_handed_over_are_the_same_there():
    rows = Rows([Logged.of(stretch(5, b"aa", b"", b"bcd")).cut(1, 3), Listed([Record(b"xy", 0, 1), Record(b"", 0, 2)])])
    files = SharedFiles()
    for given in (rows, rows[1:3], Rows([Logged.of(stretch(1, b"longer than before" * 9))])):
        with files.borrowed() as file:
            assert arrow(write(given, file)).to_pylist() == [record.data for record in given]
    assert file.file.closed is False


async def test_what_is_handed_over_is_not_taken_from_another_file_that_came_to_its_place():
    one = SharedFile()
    given = write(Rows([Logged.of(stretch(5, b"a"))]), one)
    one.file.close()
    other = SharedFile()
    write(Rows([Logged.of(stretch(5, b"other"))]), other)
    with pytest.raises(FileNotFoundError):
        arrow(given)


async def test_a_file_whose_reader_may_still_read_is_not_used_again():
    files = SharedFiles()
    with pytest.raises(TimeoutError), files.borrowed() as file:
        raise TimeoutError
    with files.borrowed() as other:
        assert other is not file
    inner = file.file
    del file
    assert inner.closed
