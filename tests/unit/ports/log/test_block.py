import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.ports.log import Entry, Records, block

MARK = b"\xffmarked\xfe"
texts = st.binary(max_size=30)
entries = st.lists(st.builds(Entry, st.just(3), st.integers(0, 1 << 41), texts, texts, st.sampled_from([b"", b"n"])))


def encoded(some, position=7, group=0, after_ms=0):
    return [one.header + one.body for one in block.encode(MARK, 3, position, group, some, after_ms)]


def decoded(data, start=0, records=1 << 30, size=1 << 30, least=1):
    found = Records()
    used = block.decode(data, 0, block.header_at(data, 0), start, records, size, least, found)
    return found, used


def as_entries(records):
    return [Entry(3, record.time_ms, record.key, record.value, record.note) for record in records]


@given(entries.filter(len), st.data())
def test_any_part_of_a_block_is_decoded_as_it_was_encoded(some, data):
    (block_bytes,) = encoded(some)
    header = block.header_at(block_bytes, 0)
    assert block.is_whole(block_bytes, 0, header)
    start = data.draw(st.integers(0, len(some) - 1))
    count = data.draw(st.integers(1, len(some)))
    times = itertools.accumulate((entry.time_ms for entry in some), max)
    expected = [Entry(3, t, e.key, e.value, e.note) for t, e in zip(times, some, strict=True)][start : start + count]
    records, size = decoded(block_bytes, start, count)
    assert as_entries(records) == expected
    assert [record.position for record in records] == list(range(7 + start, 7 + start + len(expected)))
    assert size == sum(len(entry.key) + len(entry.value) for entry in expected)


@given(entries.filter(len), st.data())
def test_a_changed_byte_is_noticed(some, data):
    (block_bytes,) = encoded(some)
    at = data.draw(st.integers(8, len(block_bytes) - 1))
    changed = block_bytes[:at] + bytes([block_bytes[at] ^ (1 << data.draw(st.integers(0, 7)))]) + block_bytes[at + 1 :]
    assert not block.is_whole(changed, 0, block.header_at(changed, 0))


def test_a_block_has_the_documented_bytes():
    some = [Entry(3, 1000, b"k", b"one"), Entry(3, 1002, b"", b"two!", b"n")]
    (data,) = encoded(some, position=9, group=64)
    body = bytes.fromhex(
        "01000000 01000000"  # ends of the keys
        "03000000 07000000"  # ends of the values
        "00000000 01000000"  # ends of the notes
        "e803000000000000 ea03000000000000"  # times
    )
    body += b"k" + b"onetwo!" + b"n"
    numbers = [len(body), 3, 2, 3, 64]
    head = b"".join(number.to_bytes(4, "little") for number in numbers)
    head += (9).to_bytes(8, "little") + (1000).to_bytes(8, "little") + (1002).to_bytes(8, "little")
    assert data[:8] == MARK
    assert data[12:] == head + body


def test_equal_times_and_absent_notes_take_no_room():
    (plain,) = encoded([Entry(3, 5, b"k", b"v"), Entry(3, 5, b"k", b"v")])
    (timed,) = encoded([Entry(3, 5, b"k", b"v"), Entry(3, 6, b"k", b"v")])
    (noted,) = encoded([Entry(3, 5, b"k", b"v"), Entry(3, 5, b"k", b"v", b"12")])
    assert (len(timed) - len(plain), len(noted) - len(plain)) == (16, 10)


def test_a_time_before_the_last_one_becomes_the_last_one():
    (data,) = encoded([Entry(3, 5, b"", b""), Entry(3, 4, b"", b"")], after_ms=9)
    assert [record.time_ms for record in decoded(data)[0]] == [9, 9]


def test_many_records_are_cut_into_blocks_and_so_are_many_bytes():
    small = [Entry(3, 1, b"", b"") for _ in range(2 * block.BLOCK_RECORDS + 1)]
    large = [Entry(3, 1, b"", bytes(size)) for size in (10, block.BLOCK_BYTES, block.BLOCK_BYTES + 1, 20, 30)]
    for some, counts in ((small, [block.BLOCK_RECORDS, block.BLOCK_RECORDS, 1]), (large, [1, 1, 1, 2])):
        blocks = list(block.encode(MARK, 3, 100, 0, some, 0))
        assert [one.records for one in blocks] == counts
        assert [one.position for one in blocks] == [100 + before for before in itertools.accumulate([0, *counts[:-1]])]
        offset = 0
        for one in blocks:
            assert block.header_at(one.header, 0).group == offset
            offset += len(one.header) + len(one.body)
        assert as_entries(r for one in blocks for r in decoded(one.header + one.body)[0]) == some


@pytest.mark.parametrize(("size", "least", "expected"), [(4, 1, 1), (4, 0, 0), (5, 0, 1), (9, 1, 1), (10, 0, 2)])
def test_decoding_stops_at_the_size(size, least, expected):
    (data,) = encoded([Entry(3, 1, b"key", b"va") for _ in range(4)])
    for start in (0, 1):
        records, used = decoded(data, start, size=size, least=least)
        assert (len(records), used) == (expected, 5 * expected)


def test_the_first_record_of_a_time_is_found():
    (data,) = encoded([Entry(3, time_ms, b"k", b"v", b"n") for time_ms in (10, 10, 20, 30)])
    header = block.header_at(data, 0)
    found = {t: block.first_at_or_after(data, 0, header, t) for t in (0, 10, 11, 20, 30)}
    assert found == {0: 7, 10: 7, 11: 9, 20: 9, 30: 10}
