import datetime
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemill.lakesql.errors import SqlFailed


def file(table, **kwargs):
    out = io.BytesIO()
    pq.write_table(table, out, **kwargs)
    return out.getvalue()


@pytest.fixture
def table(lake, rows):
    def create(columns, *files, **kwargs):
        for number, one in enumerate(files):
            lake.put(f"s3://lake/t/{number}", file(one, **kwargs))
        rows(f"CREATE EXTERNAL TABLE t ({columns}) STORED AS PARQUET LOCATION 's3://lake/t/'")

    return create


def test_columns_are_found_by_name_in_any_case_and_missing_ones_are_null(table, values):
    table("a bigint, b string, c int", pa.table({"A": [1]}), pa.table({"b": ["x"], "a": [2]}))
    assert values("SELECT a, b, c FROM t ORDER BY a") == [(1, None, None), (2, "x", None)]


def test_narrower_types_in_files_are_widened(table, values):
    narrow = pa.table({"a": pa.array([1], pa.int32()), "d": pa.array([2.5], pa.float32())})
    table(
        "a bigint, d double, s decimal(10,2)", narrow, pa.table({"a": [5_000_000_000], "s": pa.array([7], pa.int32())})
    )
    assert values("SELECT a, d FROM t ORDER BY a") == [(1, 2.5), (5_000_000_000, None)]


def test_structs_are_read_by_field_and_lists_and_maps_element_by_element(table, values):
    one = pa.table(
        {
            "s": [{"x": 1, "y": "a"}, None],
            "l": [[{"q": 1}], []],
            "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        }
    )
    table("s struct<y:string,z:int,x:bigint>, l array<struct<q:bigint,r:string>>, m map<string,bigint>", one)
    assert values("SELECT s, l, m FROM t") == [
        ({"y": "a", "z": None, "x": 1}, [{"q": 1, "r": None}], [("k", 1)]),
        (None, [], None),
    ]


@pytest.mark.parametrize("kwargs", [{}, {"use_deprecated_int96_timestamps": True}, {"coerce_timestamps": "ms"}])
def test_timestamps_of_every_kind_are_read_in_utc(table, values, kwargs):
    moment = datetime.datetime(2024, 2, 29, 12, 30)
    there = pa.table(
        {"t": pa.array([moment]), "z": pa.array([moment.replace(tzinfo=datetime.UTC)], pa.timestamp("us", "UTC"))}
    )
    table("t timestamp, z timestamp", there, **kwargs)
    assert values("SELECT t, z FROM t") == [(moment, moment)]


def test_a_type_that_does_not_fit_is_bad_data_that_names_the_file(table, values):
    table("a int", pa.table({"a": ["x"]}))
    with pytest.raises(
        SqlFailed, match=r"HIVE_BAD_DATA: Field a's type string in parquet file s3://lake/t/0 is incompatible"
    ):
        values("SELECT a FROM t")


def test_what_is_no_parquet_is_bad_data(lake, table, values):
    table("a int", pa.table({"a": [1]}))
    lake.put("s3://lake/t/x", b"nothing of the kind")
    with pytest.raises(SqlFailed, match=r"HIVE_BAD_DATA: Not valid Parquet file: s3://lake/t/x"):
        values("SELECT a FROM t")


def test_hidden_and_archived_objects_do_not_count_and_folders_are_searched_through(lake, table, values):
    table("a bigint", pa.table({"a": [1]}))
    lake.put("s3://lake/t/deep/er/2", file(pa.table({"a": [2]})))
    for name in ("_SUCCESS", ".x", "_tmp/3", "deep/.y/3"):
        lake.put(f"s3://lake/t/{name}", b"no Parquet")
    lake.put("s3://lake/t/cold", file(pa.table({"a": [9]})))
    lake.archived.add("s3://lake/t/cold")
    lake.put("s3://lake/t2/other", b"no Parquet")
    assert values('SELECT a, "$path" FROM t ORDER BY a') == [(1, "s3://lake/t/0"), (2, "s3://lake/t/deep/er/2")]


def test_only_the_columns_that_are_read_are_counted(lake, table, values):
    table("a bigint, b string", pa.table({"a": range(1000), "b": [str(n) * 50 for n in range(1000)]}))
    values("SELECT a FROM t")
    few = values.bytes
    values("SELECT a, b FROM t")
    assert 0 < few < values.bytes / 2 < lake.path("s3://lake/t/0").stat().st_size
    assert values("SELECT count(*) FROM t") == [(1000,)] and values.bytes == 0


def test_a_location_without_objects_has_no_rows_and_a_bucket_that_is_not_there_is_an_error(table, values, rows):
    table("a bigint")
    assert values("SELECT count(*) FROM t") == [(0,)]
    rows("CREATE EXTERNAL TABLE u (a int) STORED AS PARQUET LOCATION 's3://absent/u/'")
    with pytest.raises(SqlFailed, match=r"HIVE_FILESYSTEM_ERROR: .*The specified bucket does not exist"):
        values("SELECT a FROM u")


def test_columns_may_be_found_by_place(lake, values, rows):
    lake.put("s3://lake/p/1", file(pa.table({"x": [1], "y": ["z"]})))
    rows(
        "CREATE EXTERNAL TABLE p (a bigint, b string) ROW FORMAT SERDE "
        "'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' WITH SERDEPROPERTIES "
        "('parquet.column.index.access' = 'true') STORED AS PARQUET LOCATION 's3://lake/p/'"
    )
    assert values("SELECT a, b FROM p") == [(1, "z")]
