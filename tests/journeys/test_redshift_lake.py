"""COPY, UNLOAD and external schemas of a cluster, through its driver."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector
from tests.journeys.warehouse import Cluster, role

BUCKET = "warehouse-lake"


@pytest.fixture(scope="session")
def place(lakemill):
    """A cluster with a role that may use a bucket and the catalog, and one that may not."""
    s3 = lakemill.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    allowed = role(lakemill, "warehouse-lake", "s3:*", "glue:*")
    other = role(lakemill, "warehouse-nothing", "s3:ListAllMyBuckets")
    cluster = Cluster(lakemill, "lake-journey").make(IamRoles=[allowed, other], DefaultIamRoleArn=allowed)
    return cluster, s3, allowed, other


@pytest.fixture
def run(place):
    """Carry out a statement; its rows, or how many there were."""
    with place[0].connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def carry_out(text):
            cursor.execute(text)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount

        yield carry_out


def put(s3, key, data):
    s3.put_object(Bucket=BUCKET, Key=key, Body=data)


def test_rows_are_loaded_and_unloaded(place, run, tmp_path):
    _, s3, allowed, _ = place
    run("create table loaded (id integer, item varchar(10), price decimal(6,2), day date)")
    put(s3, "in/1.csv", b"id,item,price,day\n1,pen,2.509,2020-01-01\n2,,,2020-01-02\n")
    put(s3, "in/2.csv", b"id,item,price,day\n3,ink,7,2020-01-02\n")
    run(f"copy loaded from 's3://{BUCKET}/in/' iam_role '{allowed}' csv ignoreheader 1")
    assert run("select pg_last_copy_count()") == [(3,)]
    run(f"unload ('select * from loaded') to 's3://{BUCKET}/out/' iam_role default parquet partition by (day) manifest")
    names = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]]
    parts = [f"out/day=2020-01-0{day}/0000_part_00.parquet" for day in (1, 2)]
    assert sorted(names) == [*parts, "out/manifest"]
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key="out/manifest")["Body"].read())
    assert [entry["url"] for entry in manifest["entries"]] == [f"s3://{BUCKET}/{part}" for part in parts]
    s3.download_file(BUCKET, parts[0], str(tmp_path / "part"))
    assert [str(value) for value in pq.read_table(tmp_path / "part").to_pylist()[0].values()] == ["1", "pen", "2.50"]


def test_a_wrong_row_is_told_and_loads_nothing(place, run):
    _, s3, allowed, _ = place
    run("create table wrong (id integer)")
    put(s3, "wrong/1", b"1\n2\nthree\n")
    with pytest.raises(redshift_connector.ProgrammingError, match="Load into table 'wrong' failed"):
        run(f"copy wrong from 's3://{BUCKET}/wrong/' iam_role '{allowed}'")
    assert run("select count(*) from wrong") == [(0,)]
    told = run("select trim(filename), line_number, trim(colname), err_code, trim(err_reason) from stl_load_errors")
    reason = "Invalid digit, Value 't', Pos 0, Type: Integer"
    assert told == [(f"s3://{BUCKET}/wrong/1", 3, "id", 1207, reason)]


def test_what_the_role_may_not_do_is_refused(place, run):
    _, s3, _, other = place
    run("create table denied (id integer)")
    put(s3, "denied/1", b"1\n")
    with pytest.raises(redshift_connector.ProgrammingError, match="S3ServiceException:Access Denied"):
        run(f"copy denied from 's3://{BUCKET}/denied/' iam_role '{other}'")
    with pytest.raises(redshift_connector.ProgrammingError, match="S3ServiceException:Access Denied"):
        run(f"unload ('select 1 as one') to 's3://{BUCKET}/denied/out' iam_role '{other}'")
    with pytest.raises(redshift_connector.ProgrammingError):
        run(f"copy denied from 's3://{BUCKET}/denied/' iam_role 'arn:aws:iam::000000000000:role/unknown'")


def test_tables_of_the_catalog_are_read_and_written(place, run, tmp_path):
    cluster, s3, allowed, _ = place
    glue = cluster.lakemill.client("glue")
    glue.create_database(DatabaseInput={"Name": "warehouse_lake"})
    run(f"create external schema spectrum from data catalog database 'warehouse_lake' iam_role '{allowed}'")
    run(
        "create external table spectrum.delays (id integer, minutes integer) partitioned by (day date) "
        f"stored as parquet location 's3://{BUCKET}/delays/'"
    )
    pq.write_table(pa.table({"id": pa.array([1], pa.int32()), "minutes": pa.array([11], pa.int32())}), tmp_path / "one")
    s3.upload_file(str(tmp_path / "one"), BUCKET, "delays/day=2020-01-01/one")
    location = f"s3://{BUCKET}/delays/day=2020-01-01/"
    run(f"alter table spectrum.delays add if not exists partition (day='2020-01-01') location '{location}'")
    run("create table carriers (id integer, name varchar(10))")
    run("insert into carriers values (1, 'UA'), (2, 'DL')")
    run("insert into spectrum.delays select id, 5, date '2020-01-02' from carriers where id = 2")
    found = run("select c.name, d.minutes, d.day from carriers c join spectrum.delays d using (id) order by 1 desc")
    assert [(name, minutes, str(day)) for name, minutes, day in found] == [
        ("UA", 11, "2020-01-01"), ("DL", 5, "2020-01-02")
    ]  # fmt: skip
    partitions = glue.get_partitions(DatabaseName="warehouse_lake", TableName="delays")["Partitions"]
    assert sorted(one["Values"] for one in partitions) == [["2020-01-01"], ["2020-01-02"]]
    made = f"stored as textfile location 's3://{BUCKET}/copied/' as select id, minutes from spectrum.delays"
    run(f"create external table spectrum.copied {made}")
    assert glue.get_table(DatabaseName="warehouse_lake", Name="copied")["Table"]["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "int"}, {"Name": "minutes", "Type": "int"}
    ]  # fmt: skip
    assert run("select sum(minutes) from spectrum.copied") == [(16,)]
    run("drop table spectrum.copied")
    assert [one["Name"] for one in glue.get_tables(DatabaseName="warehouse_lake")["TableList"]] == ["delays"]


def test_awswrangler_loads_and_unloads_frames(place):
    wr = pytest.importorskip("awswrangler")
    cluster, _, allowed, _ = place
    lakemill = cluster.lakemill
    frame = pd.DataFrame({"id": [1, 2], "name": ["ann", None], "share": [0.5, -2.0]})
    with pytest.MonkeyPatch.context() as patch, cluster.connect() as connection:
        patch.setenv("AWS_ENDPOINT_URL", lakemill.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", lakemill.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", lakemill.secret)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        where = {"con": connection, "table": "frames", "schema": "public", "iam_role": allowed, "primary_keys": ["id"]}
        wr.redshift.copy(frame, f"s3://{BUCKET}/frames/", mode="overwrite", **where)
        frame["share"] = [0.25, 4.0]
        wr.redshift.copy(frame, f"s3://{BUCKET}/more/", mode="upsert", **where)
        query = "SELECT * FROM public.frames WHERE name = 'ann'"
        read = wr.redshift.unload(query, f"s3://{BUCKET}/unloaded/", connection, iam_role=allowed)
    assert read.to_dict("list") == {"id": [1], "name": ["ann"], "share": [0.25]}
