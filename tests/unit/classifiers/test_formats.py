"""Formats that are no text, files that are packed, and files of which only a part is seen."""

import bz2
import gzip
import io
import json
import random
import struct
import zipfile

import cramjam
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from lakemill.classifiers.chain import classify
from lakemill.classifiers.findings import MoreNeeded
from lakemill.classifiers.samples import Sample
from lakemill.formats.compression import compress

HEAD, TAIL = 256 << 10, 64 << 10
CSV = b"id,name\n" + b"".join(b"%d,name %d\n" % (number, number) for number in range(20_000))
ODD_TYPES = pa.schema(
    [
        ("Id", pa.uint16()),
        ("n8", pa.int8()),
        ("at", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("price", pa.decimal128(10, 2)),
        ("word", pa.dictionary(pa.int32(), pa.string())),
        ("raw", pa.binary()),
        ("s", pa.struct([("A", pa.list_(pa.float32()))])),
        ("m", pa.map_(pa.string(), pa.int64())),
    ]
)
ODD_COLUMNS = [
    *(("id", "int"), ("n8", "tinyint"), ("at", "timestamp"), ("day", "date"), ("price", "decimal(10,2)")),
    *(("word", "string"), ("raw", "binary"), ("s", "struct<a:array<float>>"), ("m", "map<string,bigint>")),
]


def looked_at(data, custom=(), name="lake/file", head=HEAD, tail=TAIL):
    """What is found when parts are handed over as crawlers do it; and how often more had to be seen."""
    for more in range(5):
        last = data[max(head, len(data) - tail) :] if tail else b""
        try:
            return classify(Sample(name, len(data), data[:head], last), custom), more
        except MoreNeeded as needed:
            head, tail = max(head, needed.head), max(tail, needed.tail)
    raise AssertionError("it asks for more and more")


def parquet(table, **options):
    target = io.BytesIO()
    pq.write_table(table, target, **options)
    return target.getvalue()


def test_parquet_has_the_types_of_hive():
    found, _ = looked_at(parquet(ODD_TYPES.empty_table()))
    assert found.columns == ODD_COLUMNS
    assert (found.classification, found.compression) == ("parquet", "none")


def test_of_large_parquet_and_orc_only_the_ends_are_read():
    chance = random.Random(1)
    table = pa.table({"n": list(range(40_000)), "x": [chance.random() for _ in range(40_000)]})
    target = io.BytesIO()
    pyarrow.orc.write_table(table, target)
    for data in (parquet(table, compression="gzip"), target.getvalue()):
        found, more = looked_at(data, head=64)
        assert (found.columns, found.records, more) == ([("n", "bigint"), ("x", "double")], 40_000, 0)


def test_a_long_footer_is_asked_for():
    table = pa.table({f"column_{number}": [1] for number in range(2000)})
    found, more = looked_at(parquet(table), head=16, tail=4096)
    assert (len(found.columns), more) == (2000, 1)


def zigzag(number):
    value, out = (number << 1) ^ (number >> 63), bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def avro_text(text):
    return zigzag(len(text)) + text


def avro(schema, *blocks):
    mark = b"m" * 16
    head = b"Obj\x01" + zigzag(1) + avro_text(b"avro.schema") + avro_text(json.dumps(schema).encode()) + zigzag(0)
    return head + mark + b"".join(zigzag(count) + zigzag(len(data)) + data + mark for count, data in blocks)


def test_avro():
    point = {"type": "record", "name": "p.Point", "fields": [{"name": "X", "type": "double"}]}
    schema = {
        "type": "record",
        "name": "Row",
        "fields": [
            {"name": "Id", "type": "long"},
            {"name": "maybe", "type": ["null", "int"]},
            {"name": "either", "type": ["int", "string"]},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A"]}},
            {"name": "place", "type": point},
            {"name": "places", "type": {"type": "array", "items": "p.Point"}},
            {"name": "tags", "type": {"type": "map", "values": "string"}},
        ],
    }
    found, _ = looked_at(avro(schema, (3, b"x" * 300), (2, b"y" * 200)))
    assert found.columns == [
        *(("id", "bigint"), ("maybe", "int"), ("either", "string"), ("at", "timestamp"), ("price", "decimal(9,2)")),
        *(("kind", "string"), ("place", "struct<x:double>"), ("places", "array<struct<x:double>>")),
        ("tags", "map<string,string>"),
    ]
    assert (found.classification, found.records) == ("avro", 5)
    assert json.loads(found.serde_parameters["avro.schema.literal"]) == schema


def bson(**fields):
    body = b""
    for name, value in fields.items():
        key = name.encode() + b"\x00"
        if isinstance(value, bool):
            body += b"\x08" + key + bytes([value])
        elif isinstance(value, int):
            body += b"\x10" + key + struct.pack("<i", value)
        elif isinstance(value, float):
            body += b"\x01" + key + struct.pack("<d", value)
        elif isinstance(value, str):
            body += b"\x02" + key + struct.pack("<i", len(value) + 1) + value.encode() + b"\x00"
        elif isinstance(value, bytes):
            body += b"\x07" + key + value
        else:
            inner = value if isinstance(value, dict) else {str(place): one for place, one in enumerate(value)}
            body += (b"\x03" if isinstance(value, dict) else b"\x04") + key + bson(**inner)
    return struct.pack("<i", len(body) + 5) + body + b"\x00"


def test_bson():
    data = bson(_id=b"o" * 12, n=1, x=0.5, ok=True, s={"t": "u"}, a=[1, 2]) + bson(_id=b"o" * 12, n=2, late="yes")
    found, _ = looked_at(data)
    assert found.classification == "bson"
    assert found.columns == [
        *(("_id", "string"), ("n", "int"), ("x", "double"), ("ok", "boolean"), ("s", "struct<t:string>")),
        *(("a", "array<int>"), ("late", "string")),
    ]


def zipped(*files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"file-{number}.csv", data)
    return target.getvalue()


PACKED = {
    "gzip": gzip.compress(CSV),
    "bzip2": bz2.compress(CSV),
    "zip": zipped(CSV),
    "snappy": compress(CSV, "Snappy"),
    "zstd": bytes(cramjam.zstd.compress(CSV)),
    "lz4": bytes(cramjam.lz4.compress(CSV)),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("head", [HEAD, 40_000])
def test_packed_files_are_looked_into(name, head):
    found, _ = looked_at(PACKED[name], head=head, tail=0)
    assert (found.classification, found.compression) == ("csv", name)
    assert found.columns == [("id", "bigint"), ("name", "string")]
    assert found.bytes / found.records == pytest.approx(len(PACKED[name]) / 20_000, rel=0.35)


def test_snappy_of_hadoop_is_told_by_its_name():
    found, _ = looked_at(compress(CSV, "HADOOP_SNAPPY"), name="part-0.snappy")
    assert (found.classification, found.compression) == ("csv", "snappy")


def test_an_archive_of_two_files_is_unknown():
    assert looked_at(zipped(CSV, CSV))[0].classification == "UNKNOWN"


def test_a_bomb_does_not_fill_the_memory():
    found, _ = looked_at(gzip.compress(b"1,2\n" * (5 << 20)))
    assert found.classification == "csv"


@pytest.mark.parametrize("size", [3, 1000, 30_001, 65_537])
def test_a_text_cut_off_anywhere_is_what_the_whole_is(size):
    rows = "".join(json.dumps({"n": number, "t": "é" * 50, "f": [0.5, None]}) + "\n" for number in range(2000))
    found, _ = looked_at(rows.encode(), head=size)
    assert found.columns == [("n", "int"), ("t", "string"), ("f", "array<double>")]
    assert looked_at(CSV, head=max(size, 40))[0].columns == [("id", "bigint"), ("name", "string")]


def test_a_document_longer_than_the_sample_is_asked_for():
    document = json.dumps({"rows": [{"n": number} for number in range(50_000)]}).encode()
    found, more = looked_at(document, head=100_000)
    assert (found.columns, more) == ([("rows", "array<struct<n:int>>")], 1)


def test_the_number_of_records_is_estimated_from_what_was_read():
    found, _ = looked_at(CSV, head=50_000)
    assert found.records / found.bytes * len(CSV) == pytest.approx(20_000, rel=0.15)


def test_byte_order_marks_and_other_encodings():
    assert looked_at(b"\xef\xbb\xbfid,n\n1,2\n3,4\n")[0].columns == [("id", "bigint"), ("n", "bigint")]
    assert looked_at("id,Stra\xdfe\n1,K\xf6ln\n2,B\n".encode("latin-1"))[0].classification == "csv"


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_something_or_nothing_but_no_error(seed):
    chance = random.Random(seed)
    target = io.BytesIO()
    pyarrow.orc.write_table(pa.table({"a": [1]}), target)
    files = [*PACKED.values(), target.getvalue(), bson(a=1) * 50, avro({"type": "record", "name": "r", "fields": []})]
    data = bytearray(chance.choice(files)[:5000])
    for _ in range(chance.randint(1, 20)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        looked_at(bytes(data[: chance.randint(1, len(data))]))
    except (pa.ArrowException, OSError):
        assert data.startswith(b"ORC")  # The worker tells it of the file, and goes on.
