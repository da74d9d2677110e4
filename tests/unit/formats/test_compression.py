"""Every compression round, by the block and by the stream, and read by somebody else."""

import datetime
import gzip
import io
import os
import struct
import zipfile

import awscrt.checksums
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.formats import compression
from lakemill.formats.errors import FormatError

FORMATS = ["GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY"]
SAMPLES = [b"", b"x", b"abc" * 100_000, os.urandom(700_001)]


def raw_snappy(packed, size):
    """Google's own library, by way of Arrow."""
    return pa.Codec("snappy").decompress(packed, size).to_pybytes()


def varint(data):
    size = shift = 0
    for byte in data:
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return size
    raise AssertionError


def unframed(data):
    """Snappy's framing format, read by its text."""
    assert data[:10] == b"\xff\x06\x00\x00sNaPpY"
    place, out = 10, []
    while place < len(data):
        kind, length = data[place], int.from_bytes(data[place + 1 : place + 4], "little")
        checksum, body = struct.unpack("<I", data[place + 4 : place + 8])[0], data[place + 8 : place + 4 + length]
        plain = body if kind == 1 else raw_snappy(body, varint(body))
        crc = awscrt.checksums.crc32c(plain)
        assert checksum == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
        assert len(plain) <= 65536
        out.append(plain)
        place += 4 + length
    return b"".join(out)


def unblocked(data):
    """Hadoop's block framing, read by its text."""
    place, out = 0, []
    while place < len(data):
        size, length = struct.unpack(">II", data[place : place + 8])
        assert size <= 256 << 10 and length <= 256 << 10
        out.append(raw_snappy(data[place + 8 : place + 8 + length], size))
        place += 8 + length
    return b"".join(out)


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


OTHERS = {"GZIP": gzip.decompress, "ZIP": unzipped, "Snappy": unframed, "HADOOP_SNAPPY": unblocked}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("data", SAMPLES, ids=len)
def test_what_is_packed_unpacks_here_and_elsewhere(format, data):
    packed = compression.compress(data, format)
    assert compression.decompress(packed, format) == data
    assert OTHERS[format](packed) == data


@pytest.mark.parametrize("format", FORMATS)
@given(pieces=st.lists(st.binary(max_size=300), max_size=5), times=st.integers(1, 2000))
@settings(max_examples=15, deadline=None)
def test_streams_carry_the_same_in_any_pieces(format, pieces, times):
    target = io.BytesIO()
    writing = compression.writer(target, format)
    for piece in pieces:
        writing.write(piece * times)
    writing.close()
    whole = b"".join(piece * times for piece in pieces)
    reading = compression.reader(io.BytesIO(target.getvalue()), format)
    assert reading.read(7) + reading.read() == whole
    assert compression.compress(whole, format) == target.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_that_are_cut_or_foreign_are_said_to_be(format):
    packed = compression.compress(os.urandom(3000), format)
    for wrong in (packed[:-1], packed[:-700], b"quite another thing", b"\xff" * 40):
        with pytest.raises(FormatError, match=format):
            compression.decompress(wrong, format)


@pytest.mark.parametrize("format", ["GZIP", "ZIP", "Snappy"])
def test_a_flipped_bit_is_noticed(format):
    packed = bytearray(compression.compress(os.urandom(3000), format))
    packed[1500] ^= 4
    with pytest.raises(FormatError, match=format):
        compression.decompress(bytes(packed), format)


@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_unpack_or_are_refused(data):
    for format in FORMATS:
        for start in (b"", compression.compress(b"", format), struct.pack(">II", 5, 9)):
            try:
                compression.decompress(start + data, format)
            except FormatError:
                continue


@pytest.mark.parametrize("format", ["GZIP", "Snappy", "HADOOP_SNAPPY"])
def test_files_one_after_the_other_are_one_file(format):
    assert compression.decompress(2 * compression.compress(b"ab", format), format) == b"abab"


def test_a_zip_file_names_what_is_in_it_and_when():
    moment = datetime.datetime(2024, 5, 6, 7, 8, 10, tzinfo=datetime.UTC)
    packed = compression.compress(b"a", "ZIP", name="part-1", moment=moment)
    (entry,) = zipfile.ZipFile(io.BytesIO(packed)).infolist()
    assert (entry.filename, entry.date_time) == ("part-1", (2024, 5, 6, 7, 8, 10))


def test_a_zip_file_of_two_is_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("b", b"2")
    with pytest.raises(FormatError, match="must hold one file; this one holds 2"):
        compression.decompress(target.getvalue(), "ZIP")


def test_chunks_of_snappy_that_may_be_passed_over_are():
    packed = compression.compress(b"abc", "Snappy")
    assert compression.decompress(packed + b"\xfe\x02\x00\x00zz", "Snappy") == b"abc"
    with pytest.raises(FormatError, match="Snappy"):
        compression.decompress(packed + b"\x02\x02\x00\x00zz", "Snappy")


def test_a_block_of_hadoops_may_come_in_parts():
    parts = [bytes(pa.Codec("snappy").compress(part)) for part in (b"abc", b"defg")]
    packed = struct.pack(">I", 7) + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    assert compression.decompress(packed, "HADOOP_SNAPPY") == b"abcdefg"
    with pytest.raises(FormatError, match="4 bytes where 3 are left"):
        compression.decompress(struct.pack(">I", 6) + packed[4:], "HADOOP_SNAPPY")


def test_only_the_four_formats_are_known():
    for work in (compression.compress, compression.decompress):
        with pytest.raises(ValueError, match="got 'LZO'"):
            work(b"", "LZO")
