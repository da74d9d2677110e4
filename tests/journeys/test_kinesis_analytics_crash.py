"""What a SQL application remembers survives its worker and the platform."""

import json
import time

import psutil
import pytest
from tests.journeys import analytics

CODE = """
CREATE OR REPLACE STREAM "DEST" ("i" INTEGER, "seen" BIGINT);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST"
SELECT STREAM "i", COUNT(*) OVER W FROM "SOURCE_SQL_STREAM_001" WINDOW W AS (ROWS 9999 PRECEDING);
"""


@pytest.mark.long
def test_state_is_exact_and_rows_come_at_least_once_after_kill_9(fresh):
    lakemill = fresh()
    role = analytics.role(lakemill, "crash")
    arn, out = analytics.stream(lakemill, "crash-in"), analytics.stream(lakemill, "crash-out")
    schema = analytics.json_schema(i="INTEGER")
    source = {"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": arn, "RoleARN": role}}
    target = {"Name": "DEST", "KinesisStreamsOutput": {"ResourceARN": out, "RoleARN": role}}
    client = lakemill.client("kinesisanalytics")
    client.create_application(
        ApplicationName="crash",
        ApplicationCode=CODE,
        Inputs=[source | {"InputSchema": schema}],
        Outputs=[target | {"DestinationSchema": {"RecordFormatType": "JSON"}}],
    )
    analytics.start(client, "crash")
    analytics.put(lakemill, "crash-in", [{"i": i} for i in range(1000)])
    analytics.Reader(lakemill, "crash-out").until(1000)

    for child in psutil.Process(lakemill.process.pid).children():
        if "lakemill.streamsql.worker" in child.cmdline():
            child.kill()
    analytics.put(lakemill, "crash-in", [{"i": i} for i in range(1000, 2000)])
    rows = rows_until(lakemill, 1999)
    assert all(row["seen"] == row["i"] + 1 for row in rows)
    assert {row["i"] for row in rows} == set(range(2000))

    analytics.put(lakemill, "crash-in", [{"i": i} for i in range(2000, 2500)])
    lakemill.kill()
    lakemill.start()
    assert any("goes on from its last checkpoint" in line for line in lakemill.lines)
    analytics.put(lakemill, "crash-in", [{"i": i} for i in range(2500, 3000)])
    rows = rows_until(lakemill, 2999)
    assert all(row["seen"] == row["i"] + 1 for row in rows)
    assert {row["i"] for row in rows} == set(range(3000))
    assert analytics.status(lakemill.client("kinesisanalytics"), "crash", "RUNNING")


def rows_until(lakemill, last):
    """All rows, once the one of the last record is among them."""
    reader, ends = analytics.Reader(lakemill, "crash-out"), time.monotonic() + analytics.WAIT_S
    while not any(json.loads(one)["i"] == last for one in reader.data[-500:]):
        assert time.monotonic() < ends
        reader.more()
        time.sleep(0.1)
    return [json.loads(one) for one in reader.data]
