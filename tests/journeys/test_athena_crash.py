"""Statements of a lakemill that is killed."""

import time

import pytest
from botocore.exceptions import ClientError
from tests.journeys.lake import Lake
from tests.journeys.processes import descendants
from tests.journeys.test_athena import SLOW


def gone(pid):
    """Whether a process has ended within some seconds."""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def workers(lakemill):
    found = []
    for pid in descendants(lakemill.process.pid):
        with open(f"/proc/{pid}/cmdline") as file:
            if "lakesql.worker" in file.read():
                found.append(pid)
    return found


def running(lake, id):
    """Wait until a statement runs."""
    for _ in range(500):
        if lake.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] == "RUNNING":
            return
        time.sleep(0.02)
    raise AssertionError(f"{id} does not run")


def test_after_kill_9_nothing_runs_on_and_everything_is_told(fresh):
    lakemill = fresh()
    lake = Lake(lakemill, "athena_crash").make()
    done = lake.run("SELECT 7 AS seven")
    slow = lake.start(SLOW)
    running(lake, slow)
    found = workers(lakemill)
    assert found
    lakemill.kill()
    assert all(gone(pid) for pid in found)

    lakemill = fresh()
    lake = Lake(lakemill, "athena_crash")
    assert "Recovered: 1 SQL statements that were under way have failed" in lakemill.lines
    status = lake.ended(slow, "FAILED")["Status"]
    assert "lakemill was restarted while the statement was under way" in status["StateChangeReason"]
    assert status["AthenaError"]["Retryable"] is True
    assert lake.rows_of(lake.ended(done["QueryExecutionId"], "SUCCEEDED")) == [["seven"], ["7"]]
    assert not any((lakemill.data / "queries").iterdir())


@pytest.mark.slow
def test_a_table_is_made_whole_or_not_at_all_wherever_it_is_killed(fresh):
    lakemill = fresh()
    lake = Lake(lakemill, "athena_whole").make()
    source = "FROM UNNEST(sequence(1, 600)) AS a (x) CROSS JOIN UNNEST(sequence(1, 500)) AS b (y)"
    lake.run("SELECT 1")
    for number, pause_s in enumerate((0.0, 0.05, 0.1, 0.2, 0.4, 0.8)):
        id = lake.start(
            f"CREATE TABLE made{number} WITH (partitioned_by = ARRAY['k']) AS "
            "SELECT x * y AS n, CAST(x % 20 AS varchar) AS k " + source
        )
        time.sleep(pause_s)
        lakemill.kill()
        lakemill = fresh()
        lake = Lake(lakemill, "athena_whole")
        state = lake.ended(id)["Status"]["State"]
        prefix = f"results/tables/{id}/"
        if state == "SUCCEEDED":
            assert lake.rows(f"SELECT count(*) AS n FROM made{number}") == [["n"], ["300000"]]
        else:
            assert lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=prefix)["KeyCount"] == 0
            with pytest.raises(ClientError, match="not found"):
                lake.glue.get_table(DatabaseName=lake.name, Name=f"made{number}")
