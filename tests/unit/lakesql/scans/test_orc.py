import io

import pyarrow as pa
import pyarrow.orc
import pytest

from lakemill.lakesql.errors import SqlFailed


@pytest.fixture
def table(lake, rows):
    def create(columns, one, options="", **kwargs):
        out = io.BytesIO()
        pyarrow.orc.write_table(one, out, **kwargs)
        lake.put("s3://lake/o/1", out.getvalue())
        serde = f"ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.orc.OrcSerde' {options}"
        rows(f"CREATE EXTERNAL TABLE o ({columns}) {serde} STORED AS ORC LOCATION 's3://lake/o/'")

    return create


def test_columns_are_found_by_place(table, values):
    table("a bigint, b string, c int", pa.table({"_col0": pa.array([1, 2], pa.int32()), "_col1": ["x", None]}))
    assert values("SELECT a, b, c FROM o ORDER BY a") == [(1, "x", None), (2, None, None)]
    assert values("SELECT count(*) FROM o") == [(2,)]


def test_columns_may_be_found_by_name(table, values):
    table(
        "b string, a bigint",
        pa.table({"A": [1], "B": ["x"]}),
        "WITH SERDEPROPERTIES ('orc.column.index.access'='false')",
    )
    assert values("SELECT a, b FROM o") == [(1, "x")]


@pytest.mark.parametrize("kind", ["uncompressed", "zlib", "snappy", "zstd"])
def test_only_the_columns_that_are_read_are_counted(lake, table, values, kind):
    rows = {"a": range(5000), "s": [{"x": n * 7919 % 1000, "y": str(n * 31)} for n in range(5000)]}
    table("a bigint, s struct<x:bigint,y:string>", pa.table(rows), compression=kind)
    assert values("SELECT sum(a) FROM o") == [(sum(range(5000)),)]
    few = values.bytes
    values("SELECT s FROM o")
    size = lake.path("s3://lake/o/1").stat().st_size
    assert 0 < few < values.bytes and few + values.bytes < size < few + values.bytes + 3000


def test_what_is_no_orc_is_bad_data(lake, table, values):
    table("a bigint", pa.table({"a": [1]}))
    lake.put("s3://lake/o/2", b"ORCx")
    with pytest.raises(SqlFailed, match=r"HIVE_BAD_DATA: Malformed ORC file.*s3://lake/o/2"):
        values("SELECT a FROM o")
