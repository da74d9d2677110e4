import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.formats import recordio
from lakemill.formats.errors import FormatError
from tests.unit.formats.conftest import cases

MAGIC = recordio.MAGIC_BYTES
payloads = st.lists(st.lists(st.sampled_from([MAGIC, b"\0", b"ab", b"abcd"])).map(b"".join), max_size=8)


@pytest.mark.parametrize("case", cases("recordio"))
def test_frames_have_the_published_bytes(case):
    wanted = [bytes.fromhex(one) for one in case["payloads"]]
    encode = recordio.encode_split if case.get("split") else recordio.encode
    assert encode(wanted) == bytes.fromhex(case["bytes"])
    assert [bytes(one) for one in recordio.frames(bytes.fromhex(case["bytes"]))] == wanted


@given(payloads, st.sampled_from([recordio.encode, recordio.encode_split]))
def test_what_is_framed_comes_back(wanted, encode):
    data = encode(wanted)
    assert len(data) % 4 == 0
    found = recordio.frames(data)
    assert [bytes(one) for one in found] == wanted
    assert [bytes(found[i]) for i in range(len(found))] == wanted
    assert found.consumed == len(data)


@given(payloads)
def test_a_split_payload_never_shows_the_magic_to_a_scanner(wanted):
    data = recordio.encode_split(wanted)
    places = [at for at in range(0, len(data), 4) if data[at : at + 4] == MAGIC]
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") & 0x1FFFFFFF) + 3 & ~3
    assert places == starts


@given(payloads, st.integers(16, 40))
def test_a_stream_is_read_in_pieces_of_any_size(wanted, piece_bytes):
    data = recordio.encode_split(wanted)
    found = recordio.iter_frames(io.BytesIO(data), piece_bytes)
    assert [bytes(one) for frames in found for one in frames] == wanted


def test_payloads_of_a_file_are_read_one_by_one(tmp_path):
    path = tmp_path / "images.rec"
    with path.open("wb") as stream:
        recordio.write(stream, [b"one", b"second"])
    assert list(recordio.read(path)) == [b"one", b"second"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("0A23D7CE 0100", "record 1 at byte 0 ends early: its header needs 8 bytes and 6 are there"),
        ("0A23D7CE 05000000 61", "record 1 at byte 0 ends early: its payload needs 5 bytes and 1 are there"),
        ("0A23D7CE 00000000 00000000 00000000",
         "record 2 at byte 8 does not start with the magic 0A 23 D7 CE; found 00 00 00 00"),
        ("0A23D7CE 00000000 0A23D7CE 00000060", "record 2 at byte 8 has no first part"),
        ("0A23D7CE 00000020 0A23D7CE 00000000", "record 1 at byte 0 has parts in a wrong order at byte 8"),
        ("0A23D7CE 00000020", "record 1 at byte 0 ends early: its parts, of which the header needs 8 bytes"),
        ("0A23D7CE 00000020 0A23D7CE 04000060 61",
         "record 1 at byte 0 ends early: its parts, of which a payload needs 4 bytes and 1 are there"),
    ],
)  # fmt: skip
def test_damage_is_named_by_record_and_byte(data, message):
    with pytest.raises(FormatError) as caught:
        recordio.frames(bytes.fromhex(data))
    assert str(caught.value).startswith(message)
    assert caught.value.record is not None and caught.value.offset is not None


def test_a_damaged_stream_counts_records_and_bytes_from_its_beginning():
    data = recordio.encode([b"abcd"] * 5) + b"junkjunk"
    with pytest.raises(FormatError, match="record 6 at byte 60 does not start with the magic"):
        list(recordio.iter_frames(io.BytesIO(data), 32))


def test_a_buffer_may_end_inside_a_record_when_that_is_said():
    data = recordio.encode([b"abcd", b"efgh"])
    for cut in range(12, 24):
        found = recordio.frames(data[:cut], partial=True)
        assert len(found) == 1 and found.consumed == 12


def test_the_zeros_behind_the_last_payload_may_be_missing():
    assert bytes(recordio.frames(recordio.encode([b"a"])[:-3])[0]) == b"a"


def test_a_payload_longer_than_a_frame_is_refused(monkeypatch):
    monkeypatch.setattr(recordio, "PAYLOAD_BYTES_MAX", 3)
    with pytest.raises(FormatError, match="at most 3 bytes; got 4"):
        recordio.encode([b"abcd"])


def test_any_buffer_is_read_without_a_copy():
    data = np.frombuffer(recordio.encode([b"abcd"]), np.uint8)
    assert recordio.frames(data).data.base is not None
    assert np.shares_memory(recordio.frames(data).data, data)
