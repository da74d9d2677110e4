import datetime
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemill.lakesql.dialects.model import Comparison
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import partitions, projecteddates, projection
from lakemill.lakesql.scans.table import of_document


def file(**columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.fixture
def table(lake, rows):
    """Partitions by year and region, one of them elsewhere."""
    rows(
        "CREATE EXTERNAL TABLE t (a bigint) PARTITIONED BY (year int, region string) STORED AS PARQUET "
        "LOCATION 's3://lake/t/'"
    )
    document = lake.table("default", "t")
    for number, (year, region) in enumerate([("2023", "eu"), ("2024", "eu"), ("2024", "__HIVE_DEFAULT_PARTITION__")]):
        location = f"s3://lake/t/year={year}/region={region}/" if number else "s3://lake/elsewhere"
        lake.put(f"{location.rstrip('/')}/1", file(a=[number]))
        descriptor = {**document["StorageDescriptor"], "Location": location}
        lake.add_partitions("default", "t", [{"Values": [year, region], "StorageDescriptor": descriptor}])
    return of_document("default", document)


def test_partition_keys_are_columns_of_their_type(table, values):
    assert values("SELECT a, year, region FROM t ORDER BY a") == [(0, 2023, "eu"), (1, 2024, "eu"), (2, 2024, None)]
    assert sorted(values("SELECT region, year FROM t"), key=str) == [("eu", 2023), ("eu", 2024), (None, 2024)]


def test_only_partitions_for_which_the_predicates_hold_are_listed(table, lake):
    found = partitions.parts(
        lake, table, [Comparison("year", ">", ["2023"]), Comparison("region", "in", ["eu", "it's"])]
    )
    assert [file.uri for part in found for file in part.files] == ["s3://lake/t/year=2024/region=eu/1"]
    asked = [args for method, args, _ in lake.calls if method == "partitions"]
    assert asked == [("default", "t", "\"year\" > 2023 AND \"region\" IN ('eu', 'it''s')")]
    assert next(args[0] for method, args, _ in lake.calls if method == "objects").endswith("/region=eu/")


def test_partitions_that_differ_in_what_a_crawler_counted_are_read_together(table, lake):
    for number, one in enumerate(lake.partitions("default", "t", None)):
        one["StorageDescriptor"]["Parameters"] = {"recordCount": str(number), "sizeKey": "1"}
    assert [len(part.files) for part in partitions.parts(lake, table)] == [3]


def test_what_the_catalog_cannot_compare_is_not_told_to_it(table):
    tell = [Comparison("year", "=", ["x"]), Comparison("region", "is null", []), Comparison("other", "=", ["1"])]
    assert partitions.expression(table, tell) is None


def test_a_value_that_is_none_of_its_keys_type_is_an_error(table, lake, values):
    lake.add_partitions(
        "default", "t", [{"Values": ["x", "eu"], "StorageDescriptor": {"Location": "s3://lake/elsewhere"}}]
    )
    with pytest.raises(SqlFailed, match=r"HIVE_INVALID_PARTITION_VALUE: .*'x' for integer partition key: year"):
        values("SELECT a, year FROM t")


def test_columns_that_a_partition_declares_otherwise_are_a_mismatch(table, lake, values):
    descriptor = {**lake.table("default", "t")["StorageDescriptor"], "Columns": [{"Name": "a", "Type": "array<int>"}]}
    lake.add_partitions("default", "t", [{"Values": ["2025", "eu"], "StorageDescriptor": descriptor}])
    with pytest.raises(SqlFailed, match=r"HIVE_PARTITION_SCHEMA_MISMATCH: .*'year=2025/region=eu' declared column 'a'"):
        values("SELECT a FROM t")


def test_partitions_of_text_have_the_columns_and_delimiters_that_they_declare(lake, rows, values):
    rows(
        "CREATE EXTERNAL TABLE c (a int, b string) PARTITIONED BY (p string) "
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/c/'"
    )
    document = lake.table("default", "c")["StorageDescriptor"]
    lake.put("s3://lake/c/p=1/x", b"1,x\n")
    lake.put("s3://lake/c/p=2/x", b"y|2\n")
    serde = {**document["SerdeInfo"], "Parameters": {"field.delim": "|"}}
    other = {**document, "Location": "s3://lake/c/p=2/", "SerdeInfo": serde, "Columns": document["Columns"][::-1]}
    definitions = [
        {"Values": ["1"], "StorageDescriptor": {**document, "Location": "s3://lake/c/p=1/"}},
        {"Values": ["2"], "StorageDescriptor": other},
    ]
    lake.add_partitions("default", "c", definitions)
    assert sorted(values("SELECT a, b, p FROM c")) == [(1, "x", "1"), (2, "y", "2")]


def projected(**properties):
    document = {
        "Name": "t",
        "PartitionKeys": [{"Name": "day", "Type": "string"}, {"Name": "n", "Type": "int"}],
        "StorageDescriptor": {"Location": "s3://lake/t", "Columns": []},
        "Parameters": {"projection.enabled": "true", **{name: value for name, value in properties.items()}},
    }
    return of_document("db", document)


DAYS = {
    "projection.day.type": "date",
    "projection.day.range": "2024-02-28,2024-03-01",
    "projection.day.format": "yyyy-MM-dd",
    "projection.n.type": "integer",
    "projection.n.range": "1,9",
    "projection.n.interval": "4",
    "projection.n.digits": "2",
}


def test_projected_partitions_are_where_hive_puts_them():
    found = list(
        projection.places(projected(**DAYS), [Comparison("day", ">", ["2024-02-28"]), Comparison("n", "<", ["6"])])
    )
    assert [location for _, location in found] == [
        "s3://lake/t/day=2024-02-29/n=01/",
        "s3://lake/t/day=2024-02-29/n=05/",
        "s3://lake/t/day=2024-03-01/n=01/",
        "s3://lake/t/day=2024-03-01/n=05/",
    ]
    assert found[0][0] == ("2024-02-29", "01")


def test_a_template_says_where_projected_partitions_are():
    properties = {**DAYS, "storage.location.template": "s3://lake/x/${n}/${day}/"}
    found = list(projection.places(projected(**properties), [Comparison("day", "=", ["2024-02-29"])]))
    assert found[0] == (("2024-02-29", "01"), "s3://lake/x/01/2024-02-29/")


def test_an_injected_key_must_be_fixed():
    table = projected(**{**DAYS, "projection.day.type": "injected"})
    with pytest.raises(SqlFailed, match=r"CONSTRAINT_VIOLATION: For the injected projected partition column day"):
        list(projection.places(table, [Comparison("day", ">", ["a"])]))
    assert len(list(projection.places(table, [Comparison("day", "in", ["a", "b"])]))) == 6


def test_the_values_of_an_enum_keep_their_blanks():
    table = projected(**{**DAYS, "projection.day.type": "enum", "projection.day.values": "a, b"})
    assert {values[0] for values, _ in projection.places(table, [])} == {"a", " b"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"projection.n.type": None}, r"missing projection configuration: \[n\]"),
        ({"projection.n.range": "9,1"}, "Invalid range property for column n: 9,1"),
        ({"projection.n.range": None}, "Missing property projection.n.range"),
        ({"projection.n.type": "float"}, "Invalid type property for projection column n: float"),
        ({"projection.day.format": "yyyy-MM-dd HH"}, "'2024-02-28' in range is not of the form"),
        ({"projection.day.range": "NOW-x,NOW"}, "in range is not of the form"),
        ({"storage.location.template": "s3://lake/${n}/"}, "must have a place for each of day, n"),
        ({"storage.location.template": "s3://lake/${n}/${day}"}, "must end with /"),
    ],
)
def test_wrong_properties_of_projection_are_named(change, message):
    properties = {name: value for name, value in {**DAYS, **change}.items() if value is not None}
    with pytest.raises(SqlFailed, match=f"HIVE_METASTORE_ERROR: .*{message}"):
        list(projection.places(projected(**properties), []))


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"range": "NOW-2DAYS,NOW", "format": "yyyyMMdd"}, ["20240228", "20240229", "20240301"]),
        ({"range": "NOW-1MONTH,NOW", "format": "yyyy/MM"}, ["2024/02", "2024/03"]),
        ({"range": "2024-02-29T22,NOW", "format": "yyyy-MM-dd'T'HH", "interval": "2", "interval.unit": "HOURS"},
         ["2024-02-29T22", "2024-03-01T00", "2024-03-01T02", "2024-03-01T04"]),
        ({"range": "2021,NOW", "format": "yyyy", "interval.unit": "YEARS"}, ["2021", "2022", "2023", "2024"]),
    ],
)  # fmt: skip
def test_dates_are_counted(options, values):
    assert projecteddates.values(options, datetime.datetime(2024, 3, 1, 5, 30)) == values


def test_statements_prune_projected_partitions(lake, rows, values):
    for day in ("2024-02-28", "2024-02-29", "2024-03-01"):
        for who in ("x", "y"):
            lake.put(f"s3://lake/e/{day}/{who}/1", f"{day[-2:]}\n".encode())
    rows(
        "CREATE EXTERNAL TABLE e (n int) PARTITIONED BY (day date, who string) LOCATION 's3://lake/e/' TBLPROPERTIES ("
        "'projection.enabled'='true', 'projection.day.type'='date', 'projection.day.range'='2024-02-01,2024-03-31', "
        "'projection.day.format'='yyyy-MM-dd', 'projection.who.type'='injected', "
        "'storage.location.template'='s3://lake/e/${day}/${who}')"
    )
    with pytest.raises(SqlFailed, match="must end with /"):
        values("SELECT n FROM e WHERE who = 'x'")
    rows("ALTER TABLE e SET TBLPROPERTIES ('storage.location.template'='s3://lake/e/${day}/${who}/')")
    lake.calls.clear()
    found = values("SELECT n, day, who FROM e WHERE who = 'x' AND day BETWEEN DATE '2024-02-29' AND DATE '2024-03-15'")
    assert sorted(found) == [(1, datetime.date(2024, 3, 1), "x"), (29, datetime.date(2024, 2, 29), "x")]
    listed = {args[0] for method, args, _ in lake.calls if method == "objects"}
    assert len(listed) == 16 and all(place.endswith("/x/") for place in listed)
    with pytest.raises(SqlFailed, match="CONSTRAINT_VIOLATION"):
        values("SELECT n FROM e WHERE day = DATE '2024-02-29'")


def test_statements_prune_partitions_of_the_catalog(table, lake, values):
    assert values("SELECT a FROM t WHERE year = 2024 AND region IN ('eu', 'us')") == [(1,)]
    assert [args[2] for method, args, _ in lake.calls if method == "partitions"] == [
        "\"year\" = 2024 AND \"region\" IN ('eu', 'us')"
    ]
    assert values("SELECT count(*) AS n FROM t WHERE region IS NULL") == [(1,)]
    assert values("SELECT a FROM t WHERE year = 2024 OR region = 'eu' ORDER BY a") == [(0,), (1,), (2,)]


def test_files_tell_their_size_and_time(table, lake, values):
    size = lake.path("s3://lake/t/year=2024/region=eu/1").stat().st_size
    found = values('SELECT "$file_size", "$file_modified_time" > TIMESTAMP \'2024-01-01 00:00:00\' FROM t WHERE a = 1')
    assert found == [(size, True)]
