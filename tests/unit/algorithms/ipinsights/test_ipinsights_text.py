"""Entities and addresses from text."""

import gzip

import msgspec
import numpy as np
import pytest

from lakemill.algorithms.ipinsights import text
from lakemill.algorithms.ipinsights.identity import address, entity_hash, entity_rows, row_of
from lakemill.formats.errors import FormatError

ROWS = 1000
GOOD = [
    (b"user_1,192.168.1.2", b"user_1", 0xC0A80102),
    (b"  user_1 ,\t192.168.1.2 \r", b"user_1", 0xC0A80102),
    (b'"Smith, J.",0.0.0.0', b"Smith, J.", 0),
    (b'"a ""b""" , "255.255.255.255"', b'a "b"', 0xFFFFFFFF),
    ("Zoë Müller,10.0.0.1".encode(), "Zoë Müller".encode(), 0x0A000001),
    (b"a b,10.20.30.40", b"a b", 0x0A141E28),
    (b"17,1.2.3.4", b"17", 0x01020304),
]
BAD = [
    (b"user_1", "line 3 has 1 columns and must have 2"),
    (b"user_1,1.2.3.4,5", "line 3 has 3 columns"),
    (b"user_1,1.2.3.4,", "line 3 has 3 columns"),
    (b"user_1,", "line 3: '' is no IPv4 address in dotted decimal"),
    (b",1.2.3.4", "line 3 has an empty entity"),
    (b'"",1.2.3.4', "line 3 has an empty entity"),
    (b"u,1.2.3", "'1.2.3' is no IPv4 address"),
    (b"u,1.2.3.4.5", "'1.2.3.4.5' is no IPv4 address"),
    (b"u,1.2.3.256", "'1.2.3.256' is no IPv4 address"),
    (b"u,1.2.3.04", "'1.2.3.04' is no IPv4 address"),
    (b"u,1.2.3.1000", "'1.2.3.1000' is no IPv4 address"),
    (b"u,1.2.3.4x", "'1.2.3.4x' is no IPv4 address"),
    (b"u,-1.2.3.4", "'-1.2.3.4' is no IPv4 address"),
    (b"u,2001:db8::1", "'2001:db8::1' is no IPv4 address"),
    (b"u,\xff\xfe", "is no IPv4 address"),
    (b'"u,1.2.3.4', "quoted column that does not end"),
    (b'"u"x,1.2.3.4', "quoted column that does not end"),
    (b'u"x,1.2.3.4', "a quote within a column that is not quoted"),
]  # fmt: skip


def by_kernel(body):
    return text._compiled(np.frombuffer(body, np.uint8), ROWS, 0)[0]


@pytest.mark.parametrize("decode", [lambda body: text.decode_csv(body, ROWS), by_kernel], ids=["plain", "compiled"])
@pytest.mark.parametrize(("line", "entity", "number"), GOOD)
def test_a_line_is_an_entity_and_an_address(decode, line, entity, number):
    found = decode(b"\n" + line + b"\n\n")
    assert found.entities.tolist() == entity_rows([entity], ROWS).tolist()
    assert found.addresses.tolist() == [number]
    assert (found.entities.dtype, found.addresses.dtype) == (np.int32, np.uint32)


@pytest.mark.parametrize("decode", [lambda body: text.decode_csv(body, ROWS), by_kernel], ids=["plain", "compiled"])
@pytest.mark.parametrize(("line", "says"), BAD)
def test_a_line_that_is_none_is_named_with_its_number(decode, line, says):
    with pytest.raises(text.BadRecord) as caught:
        decode(b"u,1.2.3.4\n\n" + line + b"\nu,1.2.3.4\n")
    assert says in str(caught.value) and "line 3" in str(caught.value)
    assert caught.value.line == 3


def test_a_header_is_told_to_be_none():
    with pytest.raises(FormatError, match=r"'ip' is no IPv4 address.*a header is not read"):
        text.decode_csv(b"user,ip\nu,1.2.3.4\n", ROWS)


def test_compiled_and_plain_agree_on_any_line():
    random = np.random.default_rng(0)
    alphabet = np.frombuffer(b'ab ,,"\t.129\r', np.uint8)
    agreed = 0
    for _ in range(3000):
        line = bytes(random.choice(alphabet, random.integers(1, 9))) + b",1.2.3.4" * int(random.integers(0, 2))
        if b"\n" in line:
            continue
        try:
            plain = text.decode_csv(line, ROWS)
        except FormatError:
            plain = None
        try:
            quick = by_kernel(line)
        except FormatError:
            quick = None
        assert (plain is None) == (quick is None), line
        if plain is not None:
            assert (plain.entities.tolist(), plain.addresses.tolist()) == (
                quick.entities.tolist(), quick.addresses.tolist()
            ), line  # fmt: skip
            agreed += len(plain)
    assert agreed > 300


def test_files_are_read_by_the_piece(tmp_path, monkeypatch):
    body = b"".join(b"user_%d,10.0.%d.%d\n" % (n, n // 250, n % 250) for n in range(5000))
    (tmp_path / "a.csv").write_bytes(body[:-1])
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(body))
    whole = text.decode_csv(body, ROWS)
    monkeypatch.setattr(text.streams.Pieces.__init__, "__defaults__", (1000,))
    found = list(text.iter_csv([tmp_path / "a.csv", tmp_path / "b.csv.gz"], ROWS))
    assert len(found) > 100
    for name in ("entities", "addresses"):
        parts = np.concatenate([getattr(one, name) for one in found])
        np.testing.assert_array_equal(parts, np.tile(getattr(whole, name), 2))


def test_a_bad_line_is_named_with_its_file_and_its_place_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(text.streams.Pieces.__init__, "__defaults__", (1000,))
    (tmp_path / "part-7.csv").write_bytes(b"u,1.2.3.4\n" * 999 + b"u,1.2.3\n")
    with pytest.raises(FormatError, match=r"part-7.csv: line 1000: '1.2.3' is no IPv4 address"):
        list(text.iter_csv([tmp_path / "part-7.csv"], ROWS))


def test_a_file_that_only_begins_as_gzip_is_named(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"u,1.2.3.4\n" * 100)[:-9])
    with pytest.raises(FormatError, match=r"x.gz: does not unpack as gzip"):
        list(text.iter_csv([tmp_path / "x.gz"], ROWS))


def test_json_forms_are_the_pairs_of_csv():
    body = b'{"instances":[{"features":["u"," 1.2.3.4"]},{"data":{"features":{"values":["v","1.2.3.5"]}}},' \
           b'{"features":[17,"1.2.3.6"]}]}'  # fmt: skip
    by_line = b'{"features":["u","1.2.3.4"]}\n\n{"data":{"features":{"values":["v","1.2.3.5"]}}}\n' \
              b'{"features":{"values":[17,"1.2.3.6"]}}\n'  # fmt: skip
    expected = text.decode_csv(b"u,1.2.3.4\nv,1.2.3.5\n17,1.2.3.6\n", ROWS)
    for found in (text.decode_json(body, ROWS), text.decode_jsonlines(by_line, ROWS)):
        np.testing.assert_array_equal(found.entities, expected.entities)
        np.testing.assert_array_equal(found.addresses, expected.addresses)


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (["u"], "record 1 has 1 features and must have 2"),
        (["u", "1.2.3.4", 5], "record 1 has 3 features"),
        (["", "1.2.3.4"], "record 1 has an empty entity"),
        ([None, "1.2.3.4"], "an entity must be text or a whole number; got None"),
        ([True, "1.2.3.4"], "an entity must be text or a whole number; got True"),
        ([1.5, "1.2.3.4"], "an entity must be text or a whole number; got 1.5"),
        (["u", 16909060], "'16909060' is no IPv4 address"),
        (["u", None], "'None' is no IPv4 address"),
    ],
)
def test_json_records_that_are_no_pairs_are_named(features, says):
    with pytest.raises(text.BadRecord, match=says):
        text.decode_json(msgspec.json.encode({"instances": [{"features": features}]}), ROWS)


def test_hashes_spread_evenly_and_addresses_are_strict():
    rows = entity_rows((f"user_{n}".encode() for n in range(20_000)), 40_000)
    assert rows.min() >= 0 and rows.max() < 40_000
    # Of 20,000 even draws from 40,000 rows, 40,000 (1 - exp(-1/2)) = 15,739 are different.
    assert abs(len(np.unique(rows)) - 15_739) < 250
    assert row_of(entity_hash(b"u"), 1) == 0
    for wrong in ("", "1.2.3.4 ", "01.2.3.4", "1.2.3.4\0", "1.2.3.٤"):
        with pytest.raises(ValueError, match="is no IPv4 address"):
            address(wrong)


def test_the_hash_of_an_entity_never_changes():
    # Models on disk depend on it. FNV-1a of no bytes is its start, 0xcbf29ce484222325.
    assert [entity_hash(one) for one in (b"", b"user_1", "Zoë".encode())] == [0xEFD01F60, 2886431002, 1066015623]
