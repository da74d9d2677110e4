"""Statements on Iceberg tables of a lakemill that is killed: all of one, or nothing."""

import time

import pytest
from tests.journeys.lake import Lake

NAME = "iceberg_crash"
MANY = "FROM UNNEST(sequence(1, 400)) AS a (x) CROSS JOIN UNNEST(sequence(1, 500)) AS b (y)"


def keys(lake, prefix):
    pages = lake.s3.get_paginator("list_objects_v2").paginate(Bucket=lake.bucket, Prefix=prefix)
    return {one["Key"] for page in pages for one in page.get("Contents", [])}


def reached(lake, table):
    """The objects that a table needs, and those of its earlier states."""
    metadata = lake.glue.get_table(DatabaseName=NAME, Name=table)["Table"]["Parameters"]["metadata_location"]
    found = lake.rows(f'SELECT file_path FROM "{table}$files"')[1:]
    found += lake.rows(f'SELECT path FROM "{table}$manifests"')[1:]
    found += lake.rows(f'SELECT manifest_list FROM "{table}$snapshots"')[1:]
    return {uri.split("/", 3)[3] for uri in [metadata, *(row[0] for row in found)]}


def waited(lake, id, pause_s):
    """Let a statement begin, and go on for so long."""
    while lake.athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"]["State"] == "QUEUED":
        time.sleep(0.01)
    time.sleep(pause_s)


def killed_in(fresh, lakemill, text, pause_s):
    lake = Lake(lakemill, NAME)
    id = lake.start(text)
    waited(lake, id, pause_s)
    lakemill.kill()
    lakemill = fresh()
    lake = Lake(lakemill, NAME)
    lake.ended(id)
    return lakemill, lake


def table(lake, name):
    lake.run(
        f"CREATE TABLE {name} (x bigint, y bigint) PARTITIONED BY (bucket(8, x)) "
        f"LOCATION 's3://{lake.bucket}/{name}/' TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    lake.run(f"INSERT INTO {name} SELECT x, y {MANY}")


@pytest.mark.slow
def test_an_update_that_is_cut_off_leaves_nothing(fresh):
    lakemill = fresh()
    lake = Lake(lakemill, NAME).make()
    table(lake, "one")
    before = keys(lake, "one/")
    lakemill, lake = killed_in(fresh, lakemill, "UPDATE one SET y = 0", 0.3)
    changed = lake.rows("SELECT count(*), count_if(y = 0) FROM one")[1]
    if changed == ["200000", "0"]:
        assert keys(lake, "one/") == before
    else:
        assert changed == ["200000", "200000"]
    lake.run("INSERT INTO one VALUES (7, 7)")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("pause_s", [0.0, 0.1, 0.2, 0.4, 0.8])
def test_wherever_it_is_killed_a_statement_is_whole_or_was_not(fresh, pause_s):
    lakemill = fresh()
    lake = Lake(lakemill, NAME).make()
    table(lake, "whole")
    for text in ("DELETE FROM whole WHERE y > 250", f"INSERT INTO whole SELECT x, y {MANY}", "UPDATE whole SET y = -y"):
        before, rows = keys(lake, "whole/"), lake.rows("SELECT count(*), sum(y) FROM whole")
        lakemill, lake = killed_in(fresh, lakemill, text, pause_s)
        if lake.rows("SELECT count(*), sum(y) FROM whole") == rows:
            assert keys(lake, "whole/") == before
        assert reached(lake, "whole") <= keys(lake, "whole/")
    lakemill, lake = killed_in(fresh, lakemill, "DROP TABLE whole", pause_s / 10)
    if ["whole"] in lake.rows("SHOW TABLES"):
        assert lake.rows("SELECT count(*) FROM whole")
    else:
        assert keys(lake, "whole/") == set()
    made = f"WITH (table_type='ICEBERG', is_external=false, location='s3://{lake.bucket}/made/') AS SELECT x, y {MANY}"
    lakemill, lake = killed_in(fresh, lakemill, f"CREATE TABLE made {made}", pause_s)
    if ["made"] in lake.rows("SHOW TABLES"):
        assert lake.rows("SELECT count(*) FROM made")[1] == ["200000"]
    else:
        assert keys(lake, "made/") == set()
