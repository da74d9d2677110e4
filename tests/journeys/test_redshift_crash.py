"""Clusters when lakemill is killed."""

import random
import time

import pytest
from tests.journeys.warehouse import Cluster, role

pytestmark = pytest.mark.slow


def test_what_was_acknowledged_is_there_after_kill_9(fresh):
    running = fresh()
    cluster = Cluster(running, "crashed").make()
    assert cluster.done("CREATE TABLE kept (a int)")["Status"] == "FINISHED"
    assert cluster.done("INSERT INTO kept VALUES (1)")["Status"] == "FINISHED"
    finished = cluster.done("SELECT a FROM kept")["Id"]
    many = "SELECT count(*) FROM " + ", ".join(f"stl_query q{number}" for number in range(40))
    under_way = cluster.start(many, WaitTimeSeconds=None)["Id"]
    cluster.redshift.create_cluster_snapshot(SnapshotIdentifier="crash-early", ClusterIdentifier="crashed")
    port = cluster.about["Endpoint"]["Port"]
    running.kill()
    running.start()
    again = Cluster(running, "crashed").ready()
    assert again.about["Endpoint"]["Port"] == port
    assert again.rows("SELECT a FROM kept") == [(1,)]
    assert again.result(finished) == [(1,)]
    ended = again.data.describe_statement(Id=under_way)
    assert (ended["Status"], "lakemill was restarted" in ended["Error"]) == ("FAILED", True)
    found = again.redshift.describe_cluster_snapshots(SnapshotIdentifier="crash-early")["Snapshots"][0]
    assert found["Status"] in ("available", "failed")


def test_an_ordinary_stop_keeps_everything(fresh):
    running = fresh()
    cluster = Cluster(running, "stopped").make()
    assert cluster.done("CREATE TABLE kept AS SELECT 1 AS a")["Status"] == "FINISHED"
    paused = Cluster(running, "paused").make()
    paused.redshift.pause_cluster(ClusterIdentifier="paused")
    running.stop()
    running.start()
    assert Cluster(running, "stopped").ready().rows("SELECT a FROM kept") == [(1,)]
    again = Cluster(running, "paused")
    again.until(lambda: again.about["ClusterStatus"] == "paused")


ROWS, FILES, KILLS = 50_000, 4, 12


def test_loads_and_unloads_are_whole_or_not_there_after_kill_9(fresh):
    """COPY, INSERT into a table of the lake, and UNLOAD, each cut off at random moments."""
    running, chance = fresh(), random.Random(7)
    s3, glue = running.client("s3"), running.client("glue")
    s3.create_bucket(Bucket="crash")
    for number in range(FILES):
        lines = "".join(f"{number},{row},{row / 7:.4f}\n" for row in range(ROWS // FILES))
        s3.put_object(Bucket="crash", Key=f"in/{number}.csv", Body=lines.encode())
    glue.create_database(DatabaseInput={"Name": "crash"})
    arn = role(running, "crash", "s3:*", "glue:*")
    cluster = Cluster(running, "loads").make(IamRoles=[arn], DefaultIamRoleArn=arn)
    place = "stored as parquet location 's3://crash/lake/'"
    for text in (
        "CREATE TABLE loaded (n int, r int, x float8)",
        "CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'crash' IAM_ROLE default",
        f"CREATE EXTERNAL TABLE lake.t (n int, r int, x float8) {place}",
    ):
        assert cluster.done(text)["Status"] == "FINISHED"
    cluster.done("COPY loaded FROM 's3://crash/in/' IAM_ROLE default CSV")
    loads, inserts = 1, 0
    for kill in range(KILLS):
        out = f"out/{kill}/"
        texts = [
            "COPY loaded FROM 's3://crash/in/' IAM_ROLE default CSV",
            f"INSERT INTO lake.t SELECT * FROM loaded LIMIT {ROWS}",
            f"UNLOAD ('SELECT * FROM loaded') TO 's3://crash/{out}' IAM_ROLE default CSV MANIFEST MAXFILESIZE 5 MB",
        ]
        ids = [cluster.start(text, WaitTimeSeconds=None)["Id"] for text in texts]
        time.sleep(chance.uniform(0, 1.5))
        running.kill()
        running.start()
        cluster = Cluster(running, "loads").ready()
        done = [cluster.data.describe_statement(Id=id)["Status"] == "FINISHED" for id in ids]
        # One that was committed may not have been told to be FINISHED.
        counts = [cluster.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("loaded", "lake.t")]
        assert all(count % ROWS == 0 for count in counts)
        assert loads + done[0] <= counts[0] // ROWS <= loads + 1
        assert inserts + done[1] <= counts[1] // ROWS <= inserts + 1
        loads, inserts = (count // ROWS for count in counts)
        names = [one["Key"] for one in s3.list_objects_v2(Bucket="crash", Prefix=out).get("Contents", [])]
        assert (f"{out}manifest" in names) == bool(names) and done[2] <= bool(names)
