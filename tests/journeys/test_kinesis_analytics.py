"""SQL applications through the first API: life cycle, versions, inputs and outputs of all kinds, errors."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.journeys import analytics

PASS = """
CREATE OR REPLACE STREAM "DEST" ("ticker" VARCHAR(8), "price" DOUBLE);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "ticker", "price" FROM "SOURCE_SQL_STREAM_001"
WHERE "price" > 10;
"""
QUOTES = analytics.json_schema(ticker="VARCHAR(8)", price="DOUBLE")


@pytest.fixture(scope="module")
def client(lakemill):
    return lakemill.client("kinesisanalytics")


@pytest.fixture(scope="module")
def role(lakemill):
    return analytics.role(lakemill, "analytics")


def source(lakemill, role, name, **more):
    arn = analytics.stream(lakemill, name)
    one = {"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": arn, "RoleARN": role}}
    return one | {"InputSchema": QUOTES} | more


def target(lakemill, role, name, stream="DEST", kind="JSON"):
    arn = analytics.stream(lakemill, name)
    one = {"Name": stream, "KinesisStreamsOutput": {"ResourceARN": arn, "RoleARN": role}}
    return one | {"DestinationSchema": {"RecordFormatType": kind}}


def test_rows_go_from_stream_to_stream_and_on_after_a_stop(lakemill, client, role):
    made = client.create_application(
        ApplicationName="pass",
        ApplicationCode=PASS,
        Inputs=[source(lakemill, role, "pass-in")],
        Outputs=[target(lakemill, role, "pass-out"), target(lakemill, role, "pass-errors", "error_stream")],
    )
    assert made["ApplicationSummary"]["ApplicationStatus"] == "READY"
    analytics.put(lakemill, "pass-in", [{"ticker": "AAA", "price": 5}, {"ticker": "BBB", "price": 50.5}])
    detail = analytics.start(client, "pass")
    assert detail["InputDescriptions"][0]["InputId"] == "1.1"
    assert detail["InputDescriptions"][0]["InAppStreamNames"] == ["SOURCE_SQL_STREAM_001"]
    out = analytics.Reader(lakemill, "pass-out")
    assert out.until(1) == [b'{"ticker":"BBB","price":50.5}']

    lakemill.client("kinesis").put_record(StreamName="pass-in", Data=b"no json", PartitionKey="k")
    error = json.loads(analytics.Reader(lakemill, "pass-errors").until(1)[0])
    assert error["ERROR_NAME"] == "INVALID_RECORD"
    assert bytes.fromhex(error["DATA_ROW"]) == b"no json"

    analytics.stop(client, "pass")
    analytics.put(lakemill, "pass-in", [{"ticker": "CCC", "price": 11}])
    analytics.start(client, "pass", "LAST_STOPPED_POINT")
    assert [json.loads(one)["ticker"] for one in out.until(2)] == ["BBB", "CCC"]
    analytics.stop(client, "pass")
    analytics.start(client, "pass", "NOW")
    analytics.put(lakemill, "pass-in", [{"ticker": "DDD", "price": 12}])
    assert [json.loads(one)["ticker"] for one in out.until(3)] == ["BBB", "CCC", "DDD"]
    analytics.stop(client, "pass")
