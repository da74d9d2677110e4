"""Iceberg tables through Athena, beside other clients of the same tables."""

import concurrent.futures

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pytest
from tests.journeys.lake import Lake
from tests.journeys.test_athena_clients import pointed

wr = pytest.importorskip("awswrangler")
glue = pytest.importorskip("pyiceberg.catalog.glue")
NAME = "iceberg_journey"


@pytest.fixture(scope="session")
def lake(lakemill):
    return Lake(lakemill, NAME).make()


@pytest.fixture(scope="module")
def catalog(lakemill, lake):
    """PyIceberg with the catalog and the objects of lakemill, as one configures it for any endpoint."""
    keys = {"access-key-id": lakemill.access_key_id, "secret-access-key": lakemill.secret, "region": "us-east-1"}
    given = {f"client.{name}": value for name, value in keys.items()}
    return glue.GlueCatalog(
        "lakemill", **{"glue.endpoint": lakemill.endpoint, "s3.endpoint": lakemill.endpoint, **given}
    )


def made(lake, name, columns="id bigint, name string", parts=""):
    lake.run(
        f"CREATE TABLE {name} ({columns}) {parts} LOCATION 's3://{lake.bucket}/{name}/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )


def test_pyiceberg_and_athena_change_the_same_table(lake, catalog):
    made(lake, "shared", parts="PARTITIONED BY (id)")
    lake.run("INSERT INTO shared VALUES (1, 'ann'), (2, 'bo')")
    table = catalog.load_table((NAME, "shared"))
    assert sorted(table.scan().to_arrow()["name"].to_pylist()) == ["ann", "bo"]
    assert table.scan("id = 2").to_arrow().to_pylist() == [{"id": 2, "name": "bo"}]
    with table.update_schema() as update:
        update.rename_column("name", "who")
    table.append(pa.table({"id": pa.array([3], pa.int64()), "who": ["cy"]}))
    execution = lake.run("UPDATE shared SET who = upper(who) WHERE id >= 2")
    assert lake.rows("SELECT id, who FROM shared ORDER BY id")[1:] == [["1", "ann"], ["2", "BO"], ["3", "CY"]]
    assert execution["StatementType"] == "DML"
    answer = lake.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert answer["UpdateCount"] == 2
    assert len(catalog.load_table((NAME, "shared")).scan().to_arrow()) == 3


def test_a_table_of_pyiceberg_is_athenas_too(lake, catalog):
    days = pa.array([19723, 19724], pa.int64())
    moments = pa.compute.multiply(days, 86400000000).cast(pa.timestamp("us", "UTC"))
    rows = pa.table({"a": pa.array([1, 2], pa.int32()), "at": moments})
    table = catalog.create_table((NAME, "theirs"), rows.schema, location=f"s3://{lake.bucket}/theirs")
    table.append(rows)
    table.delete("a = 1")
    assert lake.rows("SELECT * FROM theirs")[1:] == [["2", "2024-01-02 00:00:00.000000 UTC"]]
    lake.run("INSERT INTO theirs VALUES (3, TIMESTAMP '2024-01-03 00:00:00 UTC')")
    assert sorted(catalog.load_table((NAME, "theirs")).scan().to_arrow()["a"].to_pylist()) == [2, 3]
    assert lake.rows('SELECT count(*) FROM "theirs$snapshots"')[1] == ["3"]


@pytest.mark.slow
def test_nobodys_commit_is_lost(lake):
    made(lake, "busy")
    texts = [f"INSERT INTO busy VALUES ({number}, 'x')" for number in range(6)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lake.run, texts))
    assert lake.rows("SELECT count(*), count(DISTINCT id) FROM busy")[1] == ["6", "6"]


@pytest.mark.slow
def test_frames_go_into_tables_by_awswrangler(lake, lakemill):
    how = {"database": NAME, "table": "frames", "s3_output": lake.results, "keep_files": False}
    how |= {"temp_path": f"s3://{lake.bucket}/temp/"}
    with pointed(lakemill):
        frame = pd.DataFrame({"id": [1, 2], "name": ["ann", "bo"]})
        place = f"s3://{lake.bucket}/frames/"
        wr.athena.to_iceberg(frame, table_location=place, partition_cols=["bucket(2, id)"], **how)
        more = pd.DataFrame({"id": [2, 3], "name": ["bob", "cy"], "n": [1.5, None]})
        wr.athena.to_iceberg(more, merge_cols=["id"], schema_evolution=True, **how)
        ids = pd.DataFrame({"id": [1]})
        wr.athena.delete_from_iceberg_table(ids, merge_cols=["id"], **how)
    assert lake.rows("SELECT * FROM frames ORDER BY id")[1:] == [["2", "bob", "1.5"], ["3", "cy", None]]


def test_dropping_a_table_removes_its_objects(lake):
    made(lake, "gone")
    lake.run("INSERT INTO gone VALUES (1, 'x')")
    listed = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="gone/")
    assert listed["KeyCount"] >= 4
    lake.run("DROP TABLE gone")
    assert lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="gone/")["KeyCount"] == 0
    assert "TABLE_NOT_FOUND" in lake.fails("SELECT * FROM gone")
