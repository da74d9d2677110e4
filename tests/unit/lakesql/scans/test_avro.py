import json

import pytest

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import avro


def whole(number):
    """A number as Avro writes it: zigzag, seven bits a byte."""
    number = number << 1 if number >= 0 else -number * 2 - 1
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def text(value):
    return whole(len(value.encode())) + value.encode()


def file(schema, *rows):
    mark = b"0123456789abcdef"
    head = b"Obj\x01" + whole(2) + text("avro.schema") + text(json.dumps(schema)) + text("avro.codec") + text("null")
    body = b"".join(rows)
    return head + whole(0) + mark + whole(len(rows)) + whole(len(body)) + body + mark


SCHEMA = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "Id", "type": "long"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}


@pytest.fixture
def table(lake, rows):
    lake.put("s3://lake/a/1.avro", file(SCHEMA, whole(1) + whole(1) + text("x") + whole(1709208000500)))
    lake.put("s3://lake/a/2.avro", file(SCHEMA, whole(-2) + whole(0) + whole(0)))
    rows(
        "CREATE EXTERNAL TABLE a (id bigint, name string, at timestamp, absent int) STORED AS AVRO LOCATION 's3://lake/a/'"
    )


def test_records_are_rows(table, values):
    found = values('SELECT id, name, CAST(at AS varchar) AS at, absent, "$path" FROM a ORDER BY id')
    assert found == [
        (-2, None, "1970-01-01 00:00:00.000", None, "s3://lake/a/2.avro"),
        (1, "x", "2024-02-29 12:00:00.500", None, "s3://lake/a/1.avro"),
    ]
    assert values("SELECT count(*) AS n FROM a") == [(2,)]


def test_what_is_no_avro_is_bad_data(lake, table, values):
    lake.put("s3://lake/a/3.avro", b"nothing of the kind")
    with pytest.raises(SqlFailed, match=r"HIVE_BAD_DATA: Not valid Avro file: s3://lake/a/3.avro"):
        values("SELECT id FROM a")


def test_without_the_package_it_is_said_what_to_install(table, values, monkeypatch):
    monkeypatch.setattr(avro, "PACKAGE", "duckdb_extension_absent")
    with pytest.raises(SqlFailed, match=r"NOT_SUPPORTED: Avro needs the package .*pip install"):
        values("SELECT id FROM a")
