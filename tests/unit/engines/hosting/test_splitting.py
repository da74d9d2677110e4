"""Objects into records into requests."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.engines.hosting.batch.splitting import (
    RECORDIO_MAGIC,
    RecordTooLarge,
    SplitError,
    bodies,
    body,
    masked_crc,
    records,
)


def frame(payload: bytes, flag: int = 0) -> bytes:
    head = struct.pack("<II", RECORDIO_MAGIC, flag << 29 | len(payload))
    return head + payload + b"\0" * (-len(payload) % 4)


def tf_frame(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked_crc(length)) + payload + struct.pack("<I", masked_crc(payload))


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def requests(data: bytes, split: str, several: bool, bytes_max: int | None, piece: int = 7) -> list[bytes]:
    found = records(cut(data, piece), split, bytes_max)
    return [body(group, split, several) for group in bodies(found, split, several, bytes_max)]


def test_lines_are_grouped_up_to_the_limit():
    assert requests(b"aaa\nbbb\nccc\n", "line", True, 7) == [b"aaa\nbbb", b"ccc"]
    assert requests(b"aaa\nbbb\nccc", "line", False, 7) == [b"aaa", b"bbb", b"ccc"]


def test_empty_lines_are_no_records():
    assert requests(b"\n\na\n\nb\n", "line", False, None) == [b"a", b"b"]


def test_a_line_above_the_limit_is_an_error():
    with pytest.raises(RecordTooLarge):
        requests(b"a\n" + b"b" * 20 + b"\nc\n", "line", True, 10)


@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(1, 40))
def test_lines_survive_any_cut_of_the_object(lines, piece):
    lines = [line.replace(b"\n", b"") for line in lines]
    found = records(cut(b"\n".join(lines), piece), "line", None)
    assert [record.payload for record in found] == [line for line in lines if line]


def test_a_whole_object_is_one_request():
    assert requests(b"abc\ndef", "none", True, 7) == [b"abc\ndef"]
    assert requests(b"", "none", True, 7) == [b""]
    with pytest.raises(RecordTooLarge):
        requests(b"abc\ndefg", "none", False, 7)


@pytest.mark.parametrize("piece", [1, 5, 100])
def test_recordio_frames_are_kept_in_groups_and_taken_off_single_records(piece):
    data = frame(b"a") + frame(b"") + frame(b"cdefg")
    assert requests(data, "recordio", False, None, piece) == [b"a", b"", b"cdefg"]
    assert requests(data, "recordio", True, 30, piece) == [frame(b"a") + frame(b""), frame(b"cdefg")]


def test_a_recordio_record_in_parts_gets_its_magic_back():
    data = frame(b"abcd", 1) + frame(b"wxyz", 2) + frame(b"ef", 3)
    magic = struct.pack("<I", RECORDIO_MAGIC)
    assert requests(data, "recordio", False, None) == [b"abcd" + magic + b"wxyz" + magic + b"ef"]


@pytest.mark.parametrize(
    "data", [b"no RecordIO at all", frame(b"abc")[:-1], frame(b"a")[:6], frame(b"x", 3), frame(b"x", 1)]
)
def test_broken_recordio_is_an_error(data):
    with pytest.raises(SplitError):
        requests(data, "recordio", False, None)


def test_tfrecord_frames_are_checked():
    data = tf_frame(b"one") + tf_frame(b"two!")
    assert requests(data, "tfrecord", False, None) == [b"one", b"two!"]
    assert requests(data, "tfrecord", True, None) == [data]
    for place in (0, 8, 12, len(data) - 1):
        broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(SplitError):
            requests(broken, "tfrecord", False, None)


def test_a_tfrecord_as_tensorflow_writes_it():
    # tf.io.TFRecordWriter wrote b"x": length 1, its masked CRC, the byte, its masked CRC.
    data = bytes.fromhex("0100000000000000") + struct.pack("<I", masked_crc(b"\1" + b"\0" * 7)) + b"x"
    data += struct.pack("<I", masked_crc(b"x"))
    assert requests(data, "tfrecord", False, None) == [b"x"]
