"""Clusters when lakemill is killed."""

import pytest
from tests.journeys.warehouse import Cluster

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
