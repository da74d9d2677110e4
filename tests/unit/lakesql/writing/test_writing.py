import datetime
import gzip
from decimal import Decimal

import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused, Outcome

ROWS = """(VALUES
  (1, BIGINT '10', 'a', true, 1.5e0, DECIMAL '1.25', DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00.500'),
  (2, NULL, 'b,"c', false, NULL, DECIMAL '-2.50', NULL, NULL)
) AS t (i, l, s, b, d, m, day, at)"""
NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000)
VALUES = [
    (1, 10, "a", True, 1.5, Decimal("1.25"), datetime.date(2024, 2, 29), NOON),
    (2, None, 'b,"c', False, None, Decimal("-2.50"), None, None),
]  # fmt: skip


@pytest.fixture
def done(carried):
    def run(text, **kwargs):
        outcome = carried(text, output="s3://lake/results/id", **kwargs)
        assert isinstance(outcome, Outcome), outcome.message
        return outcome

    return run


@pytest.mark.parametrize("format", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"])
def test_what_is_written_is_read_again(lake, done, values, format):
    outcome = done(f"CREATE TABLE w WITH (format = '{format}') AS SELECT * FROM {ROWS}")
    assert (outcome.kind, outcome.substatement, outcome.updated) == ("DDL", "CREATE_TABLE_AS_SELECT", 2)
    assert [uri.rsplit("/", 1)[0] for uri in outcome.manifest] == ["s3://lake/results/tables/id"]
    assert sorted(values("SELECT i, l, s, b, d, m, day, at FROM w")) == VALUES
    types = [column["Type"] for column in lake.table("default", "w")["StorageDescriptor"]["Columns"]]
    assert types == ["int", "bigint", "varchar(4)", "boolean", "double", "decimal(3,2)", "date", "timestamp"]


@pytest.mark.parametrize("format", ["PARQUET", "ORC", "JSON", "TEXTFILE"])
def test_nested_values_are_written_in_every_format(done, values, format):
    row = "CAST(ROW(1, 'x') AS ROW(n INTEGER, t VARCHAR)) AS r"
    query = f"SELECT ARRAY[1, NULL] AS a, MAP(ARRAY['k'], ARRAY[2]) AS m, {row}"
    done(f"CREATE TABLE w WITH (format = '{format}') AS {query}")
    assert values("SELECT a, m, r FROM w") == [([1, None], [("k", 2)], {"n": 1, "t": "x"})]


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ("format='PARQUET'", "GZIP"),
        ("format='PARQUET', write_compression='SNAPPY'", "SNAPPY"),
        ("format='PARQUET', parquet_compression='ZSTD'", "ZSTD"),
        ("write_compression='NONE'", "UNCOMPRESSED"),
        ("format='ORC'", "ZLIB"),
        ("format='ORC', write_compression='SNAPPY'", "SNAPPY"),
    ],
)
def test_files_are_packed_as_asked(lake, done, properties, found):
    path = lake.path(done(f"CREATE TABLE w WITH ({properties}) AS SELECT 'x' AS a").manifest[0])
    if "ORC" in properties:
        assert pyarrow.orc.ORCFile(path).compression == found
    else:
        assert pq.read_metadata(path).row_group(0).column(0).compression == found


@pytest.mark.parametrize("name", ["GZIP", "NONE", "ZSTD", "BZIP2", "SNAPPY"])
def test_text_is_packed_as_asked(done, values, name):
    done(f"CREATE TABLE w WITH (format='JSON', write_compression='{name}') AS SELECT 'x' AS a")
    assert values("SELECT a FROM w") == [("x",)]


def test_delimiters_are_as_asked_and_nulls_are_written_as_hive_does(lake, done):
    query = "SELECT 1 AS a, CAST(NULL AS varchar) AS b, 'x' AS c"
    outcome = done(f"UNLOAD ({query}) TO 's3://lake/u/' WITH (format='TEXTFILE', field_delimiter='|')")
    assert (outcome.kind, outcome.substatement) == ("DML", "UNLOAD")
    assert outcome.manifest[0].endswith(".gz")
    assert gzip.decompress(lake.path(outcome.manifest[0]).read_bytes()) == b"1|\\N|x\n"


def test_partitions_are_folders_and_in_the_catalog(lake, done, values):
    text = "SELECT * FROM (VALUES (1, 'a b', 2024), (2, NULL, 2024), (3, 'a b', 2024)) AS t (v, p, y)"
    outcome = done(f"CREATE TABLE w WITH (external_location='s3://lake/w', partitioned_by=ARRAY['p', 'y']) AS {text}")
    assert sorted(uri.rsplit("/", 1)[0] for uri in outcome.manifest) == [
        "s3://lake/w/p=__HIVE_DEFAULT_PARTITION__/y=2024",
        "s3://lake/w/p=a b/y=2024",
    ]
    assert [key["Name"] for key in lake.table("default", "w")["PartitionKeys"]] == ["p", "y"]
    assert sorted(values("SELECT v, p, y FROM w")) == [(1, "a b", 2024), (2, None, 2024), (3, "a b", 2024)]
    assert outcome.updated == 3


def test_more_than_a_hundred_partitions_are_refused_and_leave_nothing(lake, failure):
    values = ", ".join(f"({n})" for n in range(101))
    text = f"CREATE TABLE w WITH (partitioned_by=ARRAY['p']) AS SELECT 1 AS a, p FROM (VALUES {values}) AS t (p)"
    assert failure(text, output="s3://lake/r/id") == (
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
    )
    assert not lake.catalog["default"] and not list(lake.path("s3://lake/").rglob("*"))


def test_rows_go_into_the_buckets_that_hive_puts_them_in(lake, done, values):
    text = "SELECT * FROM (VALUES ('a', BIGINT '5000000000'), ('\u00e9', 7), ('hello', -1)) AS t (s, n)"
    outcome = done(f"CREATE TABLE w WITH (bucketed_by=ARRAY['s', 'n'], bucket_count=16) AS {text}")

    def hive(text, number):
        of_text = 0
        for byte in text.encode():
            of_text = (of_text * 31 + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
        number &= (1 << 64) - 1
        return (((of_text * 31 + ((number ^ (number >> 32)) & 0xFFFFFFFF)) & 0xFFFFFFFF) & 0x7FFFFFFF) % 16

    there = {row[0]: int(row[1].split("_bucket-")[1]) for row in values('SELECT s, "$path" FROM w')}
    assert there == {"a": hive("a", 5000000000), "é": hive("é", 7), "hello": hive("hello", -1)}
    assert lake.table("default", "w")["StorageDescriptor"]["NumberOfBuckets"] == 16 and len(outcome.manifest) <= 3


def test_a_table_without_data_has_columns_only(lake, done):
    outcome = done("CREATE TABLE w AS SELECT 1 AS a WITH NO DATA")
    assert outcome.manifest == [] and outcome.updated == 0 and "w" in lake.catalog["default"]


def test_no_rows_make_a_table_without_objects(done, values):
    assert done("CREATE TABLE w AS SELECT 1 AS a WHERE false").manifest == []
    assert values("SELECT a FROM w") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE TABLE absent.w AS SELECT 1 AS a", "SCHEMA_NOT_FOUND: line 1:1: Schema 'absent' does not exist"),
        ("CREATE TABLE w AS SELECT 1 AS a, 2 AS A",
         "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a' specified more than once"),
        ("CREATE TABLE w AS SELECT 1", "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 1"),
        ("CREATE TABLE w AS SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position 1"),
        ("CREATE TABLE w WITH (colour='red') AS SELECT 1 AS a",
         "INVALID_TABLE_PROPERTY: Catalog 'awsdatacatalog' table property 'colour' does not exist"),
        ("CREATE TABLE w WITH (partitioned_by=ARRAY['a']) AS SELECT 1 AS a, 2 AS b",
         "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same order as "
         "the table properties: [a]"),
        ("CREATE TABLE w WITH (table_type='ICEBERG') AS SELECT 1 AS a",
         "INVALID_TABLE_PROPERTY: is_external must be false for a table of table_type ICEBERG"),
        ("CREATE TABLE w WITH (format='AVRO') AS SELECT MAP(ARRAY['k'], ARRAY[1]) AS a",
         "NOT_SUPPORTED: AVRO cannot be written with a column of type map(varchar(1), integer)"),
        ("CREATE TABLE w WITH (format='AVRO', write_compression='SNAPPY') AS SELECT 1 AS a",
         "INVALID_TABLE_PROPERTY: Compression SNAPPY is not supported for AVRO; it may be one of NONE"),
        ("UNLOAD (SELECT 1 AS a) TO 's3://lake/full/' WITH (format='JSON')",
         "HIVE_PATH_ALREADY_EXISTS: Target directory for unload already exists: s3://lake/full/"),
        ("CREATE TABLE w WITH (external_location='s3://absent/x/') AS SELECT 1 AS a",
         "HIVE_FILESYSTEM_ERROR: Failed to list directory: s3://absent/x/. The specified bucket does not exist "
         "(Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(lake, failure, text, message):
    lake.put("s3://lake/full/1", b"x")
    assert failure(text, output="s3://lake/r/id") == message
    assert "w" not in lake.catalog["default"]


def test_an_existing_table_is_left_alone(done, failure, values):
    done("CREATE TABLE w WITH (external_location='s3://lake/w/') AS SELECT 1 AS a")
    text = "CREATE TABLE {} w AS SELECT 2 AS a"
    assert failure(text.format("")) == "TABLE_ALREADY_EXISTS: line 1:1: Table 'awsdatacatalog.default.w' already exists"
    assert done(text.format("IF NOT EXISTS")).updated == 0
    assert values("SELECT a FROM w") == [(1,)]


def test_small_numbers_are_whole_numbers_of_avro(done, values):
    done("CREATE TABLE w WITH (format='AVRO') AS SELECT TINYINT '1' AS a, ARRAY[SMALLINT '2'] AS b")
    assert values("SELECT a, b FROM w") == [(1, [2])]


@pytest.mark.parametrize("method", ["create_table", "store"])
def test_what_was_stored_is_removed_when_the_rest_fails(lake, failure, method):
    lake.refused[method] = LakeRefused("AccessDeniedException", "not authorized")
    assert failure("CREATE TABLE w AS SELECT 1 AS a", output="s3://lake/r/id").startswith("PERMISSION_DENIED")
    assert not [path for path in lake.path("s3://lake/").rglob("*") if path.is_file()]
    assert not lake.catalog["default"]


def test_rows_are_inserted_in_the_tables_form(lake, rows, done, values):
    rows(
        "CREATE EXTERNAL TABLE t (a int, b string, c double) ROW FORMAT DELIMITED FIELDS TERMINATED BY ';' LOCATION 's3://lake/t/'"
    )
    outcome = done("INSERT INTO t (b, a) VALUES ('x', 1), (NULL, 2)")
    assert (outcome.kind, outcome.substatement, outcome.updated) == ("DML", "INSERT", 2)
    done("INSERT INTO t SELECT a + 10, b, 0.5 FROM t")
    assert sorted(values("SELECT a, b, c FROM t")) == [(1, "x", None), (2, None, None), (11, "x", 0.5), (12, None, 0.5)]


def test_inserting_adds_the_partitions_that_are_new(lake, rows, done, values):
    rows("CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p date) STORED AS PARQUET LOCATION 's3://lake/t/'")
    rows("ALTER TABLE t ADD PARTITION (p='2024-01-01') LOCATION 's3://lake/first/'")
    outcome = done("INSERT INTO t VALUES (1, DATE '2024-01-01'), (2, DATE '2024-01-02')")
    assert sorted(uri.rsplit("/", 1)[0] for uri in outcome.manifest) == ["s3://lake/first", "s3://lake/t/p=2024-01-02"]
    assert sorted(values("SELECT a, p FROM t")) == [(1, datetime.date(2024, 1, 1)), (2, datetime.date(2024, 1, 2))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("INSERT INTO t VALUES (1)",
         "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer, varchar], "
         "Query: [integer]"),
        ("INSERT INTO t VALUES ('x', 'y')",
         "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer, varchar], "
         "Query: [varchar(1), varchar(1)]"),
        ("INSERT INTO t (a, z) VALUES (1, 2)",
         "COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target table: z"),
        ("INSERT INTO absent VALUES (1)", "TABLE_NOT_FOUND: Table 'awsdatacatalog.default.absent' does not exist"),
    ],
)  # fmt: skip
def test_what_cannot_be_inserted_is_said(rows, failure, text, message):
    rows("CREATE EXTERNAL TABLE t (a int, b string) STORED AS PARQUET LOCATION 's3://lake/t/'")
    assert failure(text) == message


def test_views_are_made_read_replaced_and_dropped(lake, rows, done, values, failure):
    lake.put("s3://lake/t/1", b"1,x\n2,y\n")
    rows(
        "CREATE EXTERNAL TABLE t (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/t/'"
    )
    outcome = done("CREATE VIEW v AS SELECT a * 2 AS twice, b FROM t WHERE a > 1")
    assert (outcome.kind, outcome.substatement) == ("DDL", "CREATE_VIEW")
    document = lake.table("default", "v")
    assert document["TableType"] == "VIRTUAL_VIEW" and document["ViewExpandedText"] == "/* Presto View */"
    assert document["StorageDescriptor"]["Columns"] == [
        {"Name": "twice", "Type": "int"},
        {"Name": "b", "Type": "string"},
    ]
    assert values("SELECT w.twice, w.b FROM v AS w") == [(4, "y")]
    assert "already exists" in failure("CREATE VIEW v AS SELECT 1 AS a")
    done("CREATE OR REPLACE VIEW v AS SELECT count(*) AS n FROM t")
    assert values("SELECT n FROM default.v") == [(2,)]
    assert rows("SHOW CREATE VIEW v")[1] == "SELECT count(*) AS n FROM t"
    rows("DROP VIEW v")
    assert "View not found default.v" in failure("DROP VIEW v")


def test_a_view_whose_text_is_none_is_an_error(lake, values):
    lake.create_table("default", {"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "SELECT 1"})
    with pytest.raises(SqlFailed, match="INVALID_VIEW"):
        values("SELECT a FROM v")
