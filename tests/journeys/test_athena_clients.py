"""Clients that data people use, unmodified, pointed here by their environment."""

import contextlib
import uuid

import pandas as pd
import pytest

wr = pytest.importorskip("awswrangler")
pytest.importorskip("pyathena")

ROWS = {
    "id": [1, 2, 3],
    "name": ["ann", None, 'b"o,b'],
    "share": [0.5, None, -2.0],
    "day": ["2024-01-01", "2024-01-01", "2024-01-02"],
}
DATABASE, BUCKET = "athena_clients", "athena-clients"
OUT = f"s3://{BUCKET}/out/"


@contextlib.contextmanager
def pointed(lakemill):
    """Clients find lakemill by the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lakemill.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", lakemill.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", lakemill.secret)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(scope="session")
def people(lakemill):
    """A table of the lake."""
    with pointed(lakemill):
        lakemill.client("s3").create_bucket(Bucket=BUCKET)
        wr.catalog.create_database(DATABASE)
        wr.s3.to_parquet(
            pd.DataFrame(ROWS),
            path=f"s3://{BUCKET}/people/",
            dataset=True,
            database=DATABASE,
            table="people",
            partition_cols=["day"],
        )


@pytest.fixture(scope="module", autouse=True)
def lake(lakemill, people):
    with pointed(lakemill):
        yield


def read(text, out=OUT, **how):
    frame = wr.athena.read_sql_query(text, database=DATABASE, s3_output=out, **how)
    return frame.astype(object).where(frame.notna(), None).to_dict("list")


# awswrangler


@pytest.mark.parametrize(
    "how",
    [
        {"ctas_approach": True},
        {"ctas_approach": False},
        {"ctas_approach": False, "unload_approach": True},
    ],
    ids=["ctas", "csv", "unload"],
)
def test_a_query_becomes_a_frame(how):
    """What is unloaded needs a place where there is nothing, and has no types where there are no rows."""
    text = "SELECT id, name, share, day FROM people ORDER BY id"
    assert read(text, out=f"{OUT}{uuid.uuid4()}/", **how) == ROWS
    if "unload_approach" in how:
        with pytest.raises(wr.exceptions.EmptyDataFrame):
            read("SELECT id FROM people WHERE id > 7", out=f"{OUT}{uuid.uuid4()}/", **how)
    else:
        assert read("SELECT id FROM people WHERE id > 7", **how) == {"id": []}


def test_types_survive(lake):
    text = """SELECT CAST(1 AS integer) AS i, 2 AS j, BIGINT '3' AS b, 1.5e0 AS d, REAL '2.5' AS r, true AS t,
        DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03.004' AS at, DECIMAL '1.20' AS money, 'x' AS s"""
    frame = wr.athena.read_sql_query(text, database=DATABASE, s3_output=OUT, ctas_approach=False)
    (row,) = frame.to_dict("records")
    assert (row["i"], row["j"], row["b"], row["d"], row["r"], row["t"], row["s"]) == (1, 2, 3, 1.5, 2.5, True, "x")
    assert str(row["day"]) == "2024-02-29"
    assert row["at"] == pd.Timestamp("2024-02-29 01:02:03.004")
    assert str(row["money"]) == "1.20"


def test_parameters_chunks_and_the_cache():
    how = {"database": DATABASE, "s3_output": OUT, "ctas_approach": False}
    text = "SELECT id FROM people WHERE name = :name"
    assert read(text, params={"name": "ann"}, ctas_approach=False) == {"id": [1]}
    text = "SELECT id FROM people WHERE id = ?"
    assert read(text, params=["2"], paramstyle="qmark", ctas_approach=False) == {"id": [2]}
    chunks = wr.athena.read_sql_query("SELECT id FROM people", chunksize=2, **how)
    assert [len(chunk) for chunk in chunks] == [2, 1]
    first = wr.athena.read_sql_query("SELECT max(id) AS m FROM people", **how)
    cached = wr.athena.read_sql_query(
        "SELECT max(id) AS m FROM people", athena_cache_settings={"max_cache_seconds": 900}, **how
    )
    assert cached.query_metadata["QueryExecutionId"] == first.query_metadata["QueryExecutionId"]


def test_a_whole_table_becomes_a_frame():
    frame = wr.athena.read_sql_table("people", database=DATABASE, s3_output=OUT)
    assert sorted(frame["id"]) == [1, 2, 3]


def test_statements_are_started_and_waited_for():
    id = wr.athena.start_query_execution("SELECT 7 AS seven", database=DATABASE, s3_output=OUT)
    assert wr.athena.wait_query(id)["Status"]["State"] == "SUCCEEDED"
    assert wr.athena.get_query_results(id)["seven"].tolist() == [7]
    assert wr.athena.get_query_columns_types(id) == {"seven": "integer"}
    with pytest.raises(wr.exceptions.QueryFailed, match="TABLE_NOT_FOUND"):
        read("SELECT * FROM nowhere", ctas_approach=False)


def test_tables_are_described_repaired_and_made(lakemill):
    place = {"database": DATABASE, "s3_output": OUT}
    described = wr.athena.describe_table("people", **place)
    assert described["Column Name"].tolist() == ["id", "name", "share", "day"]
    assert described["Partition"].tolist() == [False, False, False, True]
    assert wr.catalog.table(database=DATABASE, table="people").equals(described)
    assert "PARTITIONED BY" in wr.athena.show_create_table("people", **place)
    made = wr.athena.create_ctas_table("SELECT id FROM people", ctas_table="ids", wait=True, **place)
    assert (made["ctas_table"], read("SELECT sum(id) AS n FROM ids", ctas_approach=False)) == ("ids", {"n": [6]})

    s3 = lakemill.client("s3")
    (first,) = s3.list_objects_v2(Bucket=BUCKET, Prefix="people/day=2024-01-02/")["Contents"]
    s3.copy_object(
        Bucket=BUCKET, Key="people/day=2024-01-03/x.parquet", CopySource={"Bucket": BUCKET, "Key": first["Key"]}
    )
    assert wr.athena.repair_table("people", **place) == "SUCCEEDED"
    assert ["2024-01-03"] in wr.catalog.get_partitions(DATABASE, "people").values()
    wr.catalog.delete_partitions("people", DATABASE, [["2024-01-03"]])


def test_what_is_unloaded_can_be_read(lakemill):
    done = wr.athena.unload("SELECT id FROM people", path=f"s3://{BUCKET}/unloaded/", database=DATABASE)
    bucket, _, key = done.manifest_location.removeprefix("s3://").partition("/")
    listed = lakemill.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode().split()
    assert sorted(wr.s3.read_parquet(listed)["id"]) == [1, 2, 3]


def test_prepared_statements_of_awswrangler():
    wr.athena.create_prepared_statement("SELECT id FROM people WHERE id = ?", "by_id")
    wr.athena.create_prepared_statement("SELECT id FROM people WHERE id >= ? ORDER BY 1", "by_id", mode="update")
    how = {"params": ["2"], "paramstyle": "qmark", "ctas_approach": False}
    assert read("EXECUTE by_id", **how) == {"id": [2, 3]}
    wr.athena.delete_prepared_statement("by_id")


# PyAthena


@pytest.fixture
def connect():
    from pyathena import connect

    def connected(**how):
        return connect(s3_staging_dir=OUT, region_name="us-east-1", schema_name=DATABASE, poll_interval=0.02, **how)

    return connected


def test_a_cursor_fetches_rows_of_python(connect):
    cursor = connect().cursor()
    rows = cursor.execute("SELECT id, name, share, true AS t FROM people ORDER BY id").fetchall()
    assert rows == [(1, "ann", 0.5, True), (2, None, None, True), (3, 'b"o,b', -2.0, True)]
    assert [(one[0], one[1]) for one in cursor.description] == [
        ("id", "bigint"),
        ("name", "varchar"),
        ("share", "double"),
        ("t", "boolean"),
    ]
    assert cursor.execute("SELECT id FROM people WHERE name = %(name)s", {"name": "ann"}).fetchone() == (1,)
    assert cursor.execute("SELECT id FROM people WHERE id = ?", ["3"], paramstyle="qmark").fetchall() == [(3,)]
    assert cursor.execute("SHOW PARTITIONS people").fetchall() == [("day=2024-01-01",), ("day=2024-01-02",)]
    lines = cursor.execute("DESCRIBE people").fetchall()
    assert lines[0] == ("id                  \tbigint              \t                    ",)


def test_a_cursor_of_dicts_and_one_of_frames(connect):
    from pyathena.cursor import DictCursor
    from pyathena.pandas.cursor import PandasCursor

    found = connect(cursor_class=DictCursor).cursor().execute("SELECT id FROM people WHERE id > 2").fetchall()
    assert found == [{"id": 3}]
    for kwargs in ({}, {"unload": True}):
        cursor = connect(cursor_class=PandasCursor, cursor_kwargs=kwargs).cursor()
        frame = cursor.execute("SELECT id, share FROM people ORDER BY id").as_pandas()
        assert frame["id"].tolist() == ROWS["id"]
        assert frame["share"].isna().tolist() == [False, True, False]


def test_a_cursor_of_arrow_reads_results_that_are_managed(lakemill):
    import pyathena
    from pyathena.arrow.cursor import ArrowCursor

    athena = lakemill.client("athena")
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    athena.create_work_group(Name="managed", Configuration=managed)
    try:
        connection = pyathena.connect(
            work_group="managed", region_name="us-east-1", schema_name=DATABASE, poll_interval=0.02
        )
        cursor = connection.cursor(ArrowCursor)
        table = cursor.execute("SELECT id, name, share FROM people ORDER BY id").as_arrow()
        assert table.column("id").to_pylist() == ROWS["id"]
        assert table.column("share").to_pylist() == ROWS["share"]
        assert table.column("name").to_pylist() == [name or "" for name in ROWS["name"]]  # So it takes a null text.
        found = athena.get_query_execution(QueryExecutionId=cursor.query_id)["QueryExecution"]
        assert found["ManagedQueryResultsConfiguration"] == {"Enabled": True} and "ResultConfiguration" not in found
        numbers = cursor.execute("SELECT n FROM UNNEST(sequence(1, 2500)) AS t (n)").as_arrow()
        assert numbers.column("n").to_pylist() == list(range(1, 2501))
    finally:
        athena.delete_work_group(WorkGroup="managed", RecursiveDeleteOption=True)


def test_errors_are_those_of_the_client(connect):
    from pyathena.error import OperationalError

    with pytest.raises(OperationalError, match="COLUMN_NOT_FOUND"):
        connect().cursor().execute("SELECT nothing FROM people")


def test_an_engine_of_sqlalchemy_queries_and_reflects():
    sqlalchemy = pytest.importorskip("sqlalchemy")
    host = "athena.us-east-1.amazonaws.com:443"
    engine = sqlalchemy.create_engine(f"awsathena+rest://:@{host}/{DATABASE}?s3_staging_dir={OUT}&poll_interval=0.02")
    table = sqlalchemy.Table("people", sqlalchemy.MetaData(), autoload_with=engine)
    assert [(one.name, str(one.type)) for one in table.columns][:2] == [("id", "BIGINT"), ("name", "VARCHAR")]
    with engine.connect() as connection:
        wanted = sqlalchemy.select(table.c.id, table.c.name).where(table.c.id > 2)
        assert connection.execute(wanted).fetchall() == [(3, 'b"o,b')]
    inspector = sqlalchemy.inspect(engine)
    assert "people" in inspector.get_table_names()
    assert DATABASE in inspector.get_schema_names()
    assert not inspector.has_table("nowhere")
    assert pd.read_sql_query("SELECT max(id) AS m FROM people", engine)["m"].tolist() == [3]


def test_a_frame_is_written_through_sqlalchemy():
    sqlalchemy = pytest.importorskip("sqlalchemy")
    host = "athena.us-east-1.amazonaws.com:443"
    engine = sqlalchemy.create_engine(
        f"awsathena+rest://:@{host}/{DATABASE}?s3_staging_dir={OUT}&poll_interval=0.02&location=s3://{BUCKET}/written/"
    )
    with engine.connect() as connection:
        frame = pd.DataFrame({"n": [1, 2], "s": ["a", "it's"]})
        frame.to_sql("written", connection, index=False, if_exists="append", method="multi")
        assert pd.read_sql_query("SELECT n, s FROM written ORDER BY n", connection).equals(frame)
