"""JSON records become Parquet and ORC files that others read."""

import datetime
import io
from decimal import Decimal

import duckdb
import pyarrow.orc
import pyarrow.parquet
import pytest

from lakemill.formats import hive, moments
from lakemill.formats.conversion import HiveJson, OpenX, OptionRefused, Orc, Parquet, convert
from lakemill.formats.hive import NamedColumn

COLUMNS = [
    NamedColumn("id", "bigint"),
    NamedColumn("name", "string"),
    NamedColumn("at", "timestamp"),
    NamedColumn("day", "date"),
    NamedColumn("price", "decimal(8,2)"),
    NamedColumn("tags", "array<string>"),
    NamedColumn("sizes", "map<string,int>"),
    NamedColumn("place", "struct<lat:double,lon:double>"),
]
RECORD = (
    b'{"ID":1,"name":"Ann","at":"2024-02-29T12:00:00.123456789Z","day":"2024-02-29","price":12.345,'
    b'"tags":["a",null],"sizes":{"s":1},"place":{"Lat":1.5,"lon":null},"unknown":[1]}'
)
ROW = {
    "id": 1,
    "name": "Ann",
    "day": datetime.date(2024, 2, 29),
    "price": Decimal("12.35"),
    "tags": ["a", None],
    "sizes": [("s", 1)],
    "place": {"lat": 1.5, "lon": None},
}


def parquet(body):
    return pyarrow.parquet.read_table(io.BytesIO(body))


def orc(body):
    return pyarrow.orc.read_table(io.BytesIO(body))


@pytest.mark.parametrize(
    ("output", "read"),
    [
        *((Parquet(compression=one), parquet) for one in ("SNAPPY", "GZIP", "UNCOMPRESSED")),
        (Parquet(dictionary=True, writer="V2"), parquet),
        *((Orc(compression=one), orc) for one in ("SNAPPY", "ZLIB", "NONE")),
        (Orc(format_version="V0_11", bloom_columns=["Name"], dictionary_threshold=1.0), orc),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_records_become_a_file_of_every_kind(output, read):
    done = convert([RECORD, b"{}", RECORD * 2], COLUMNS, OpenX(), output)
    table = read(done.body)
    assert (done.rows, done.failures, table.num_rows) == (4, [], 4)
    row = table.to_pylist()[2]
    assert row.pop("at").value == 1709208000123456789
    assert row == ROW
    assert set(table.to_pylist()[1].values()) == {None}


def test_duckdb_reads_the_parquet_file(tmp_path):
    (tmp_path / "a.parquet").write_bytes(convert([RECORD], COLUMNS, OpenX(), Parquet()).body)
    found = duckdb.sql(f"select id, t.at, price, place.lat, sizes['s'] from '{tmp_path}/a.parquet' t").fetchall()
    assert found == [(1, datetime.datetime(2024, 2, 29, 12, 0, 0, 123456), Decimal("12.35"), 1.5, 1)]


def test_parquet_options_reach_the_file():
    columns = [NamedColumn("a", "bigint"), NamedColumn("t", "timestamp"), NamedColumn("b", "tinyint")]
    records = [b'{"a":%d,"t":"2024-01-01 00:00:00","b":1}' % place for place in range(1000)]
    file = pyarrow.parquet.ParquetFile(io.BytesIO(convert(records, columns, OpenX(), Parquet("GZIP")).body))
    chunk = file.metadata.row_group(0).column(0)
    assert chunk.compression == "GZIP"
    assert "RLE_DICTIONARY" not in chunk.encodings
    assert file.schema.column(1).physical_type == "INT96"
    assert str(file.schema.column(2).logical_type) == "Int(bitWidth=8, isSigned=true)"
    with_dictionary = convert(records, columns, OpenX(), Parquet(dictionary=True)).body
    file = pyarrow.parquet.ParquetFile(io.BytesIO(with_dictionary))
    assert "RLE_DICTIONARY" in file.metadata.row_group(0).column(2).encodings


def test_a_block_bounds_the_rows_of_a_group(monkeypatch):
    monkeypatch.setattr(Parquet, "check", lambda self: None)
    records = [b'{"a":1}'] * 1000
    body = convert(records, [NamedColumn("a", "bigint")], OpenX(), Parquet(block_bytes=800)).body
    assert pyarrow.parquet.ParquetFile(io.BytesIO(body)).num_row_groups == 10


def test_records_that_fail_are_named_and_the_others_converted():
    records = [RECORD, b'{"id":"x"}', b"[1]", b'{"id":1}{"id":[]}', b"{", b"\xff{}", b"", b'{"id":2}']
    done = convert(records, COLUMNS, OpenX(), Parquet())
    assert parquet(done.body)["id"].to_pylist() == [1, 2]
    assert [(one.index, one.code, one.message) for one in done.failures] == [
        (1, "MalformedData", 'Data does not match the schema. Column id: "x" is not of type bigint'),
        (2, "ParseError", "Encountered malformed JSON. a record holds JSON objects; found an array"),
        (3, "MalformedData", "Data does not match the schema. Column id: an array is not of type bigint"),
        (4, "ParseError", done.failures[3].message),
        (5, "ParseError", done.failures[4].message),
    ]
    assert "line 1 column 2" in done.failures[3].message


def test_nothing_but_failures_is_no_file():
    done = convert([b"x"], COLUMNS, OpenX(), Orc())
    assert (done.body, done.rows, len(done.failures)) == (b"", 0, 1)


def test_timestamps_far_away_are_read_by_microseconds():
    columns = [NamedColumn("t", "timestamp"), NamedColumn("s", "array<timestamp>")]
    record = b'{"t":"9999-12-31 23:59:59.5","s":["0001-01-01 00:00:00.25"]}'
    for output in (Orc(), Parquet()):
        assert convert([record, b"{}"], columns, OpenX(), output).rows == 2
    found = pyarrow.parquet.read_table(
        io.BytesIO(convert([record], columns, OpenX(), Parquet()).body), coerce_int96_timestamp_unit="us"
    )
    assert found["t"].to_pylist() == [datetime.datetime(9999, 12, 31, 23, 59, 59, 500_000)]


@pytest.mark.parametrize(
    ("serde", "type", "value", "expected"),
    [
        (OpenX(), "int", '"123"', 123),
        (HiveJson(), "int", '"123"', None),
        (HiveJson(), "double", '"1.5"', None),
        (HiveJson(), "int", "123", 123),
        (HiveJson(), "boolean", '"TRUE"', True),
        (OpenX(), "boolean", '"yes"', None),
        (OpenX(), "bigint", '"0x1F"', 31),
        (OpenX(), "int", "5.0", 5),
        (OpenX(), "int", "5.5", None),
        (OpenX(), "int", "2147483648", None),
        (OpenX(), "char(4)", '"ab  "', "ab"),
        (OpenX(), "string", '{"inner":1}', '{"inner":1}'),
        (HiveJson(), "string", '{"inner":1}', None),
        (HiveJson(), "string", "1.50", "1.50"),
        (OpenX(), "string", "true", "true"),
        (OpenX(), "varchar(2)", '"abc"', "ab"),
        (OpenX(), "binary", '"é"', b"\xc3\xa9"),
        (OpenX(), "timestamp", "1518033528", datetime.datetime(2018, 2, 7, 19, 58, 48)),
        (OpenX(), "timestamp", "1518033528123", datetime.datetime(2018, 2, 7, 19, 58, 48, 123000)),
        (OpenX(), "timestamp", "1518033528.5", datetime.datetime(2018, 2, 7, 19, 58, 48, 500000)),
        (HiveJson(), "timestamp", "1518033528", None),
        (HiveJson(), "timestamp", '"2018-02-07T00:00:00Z"', None),
        (HiveJson(["millis"]), "timestamp", "1518033528123", datetime.datetime(2018, 2, 7, 19, 58, 48, 123000)),
        (HiveJson(["dd.MM.yyyy"]), "timestamp", '"07.02.2018"', datetime.datetime(2018, 2, 7)),
        (HiveJson(["dd.MM.yyyy"]), "timestamp", '"2018-02-07 00:00:00"', datetime.datetime(2018, 2, 7)),
    ],
)
def test_the_two_serdes_differ_where_they_should(serde, type, value, expected):
    done = convert([f'{{"c":{value}}}'.encode()], [NamedColumn("c", type)], serde, Parquet())
    if expected is None:
        assert [one.code for one in done.failures] == ["MalformedData"]
    else:
        assert parquet(done.body)["c"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("serde", "record", "expected"),
    [
        (OpenX(), b'{"UserId":1,"a_b":2}', (1, 2)),
        (OpenX(case_insensitive=False), b'{"UserId":1,"userid":3}', (3, None)),
        (OpenX(dots_to_underscores=True), b'{"a.b":4}', (None, 4)),
        (OpenX(keys={"userid": "The Id"}), b'{"the id":5,"userid":6}', (5, None)),
        (OpenX(), b'{"a_b":1,"a_b":2,"A_B":null}', (None, None)),
        (HiveJson(), b'{"USERID":7,"a.b":8}', (7, None)),
    ],
)
def test_keys_find_their_columns(serde, record, expected):
    columns = [NamedColumn("userid", "int"), NamedColumn("a_b", "int")]
    for compiled in (True, False):
        (row,) = parquet(convert([record], columns, serde, Parquet(), compiled=compiled).body).to_pylist()
        assert tuple(row.values()) == expected


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (Parquet(compression="LZO"), "Compression"),
        (Parquet(block_bytes=1), "BlockSizeBytes"),
        (Parquet(page_bytes=1), "PageSizeBytes"),
        (Parquet(writer="V3"), "WriterVersion"),
        (Parquet(padding_bytes_max=8), "MaxPaddingBytes"),
        (Orc(compression="LZ4"), "Compression"),
        (Orc(stripe_bytes=1), "StripeSizeBytes"),
        (Orc(row_index_stride=1), "RowIndexStride"),
        (Orc(padding=True), "EnablePadding"),
        (Orc(format_version="V1"), "FormatVersion"),
        (Orc(bloom_columns=["nobody"]), "BloomFilterColumns"),
        (Orc(dictionary_threshold=2.0), "DictionaryKeyThreshold"),
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused_by_its_name(output, word):
    with pytest.raises(OptionRefused, match=word):
        convert([b"{}"], COLUMNS, OpenX(), output)


def test_a_table_without_columns_takes_no_records():
    with pytest.raises(OptionRefused, match="no place for records"):
        convert([RECORD], [], OpenX(), Parquet())


def test_tables_and_patterns_that_cannot_be_read_are_refused():
    with pytest.raises(hive.TypeUnknown):
        convert([b"{}"], [NamedColumn("a", "uniontype<int>")], OpenX(), Parquet())
    with pytest.raises(moments.PatternRefused):
        convert([b"{}"], [NamedColumn("a", "timestamp")], HiveJson(["w"]), Parquet())
