"""SQL applications through the first API: life cycle, versions, inputs and outputs of all kinds, errors."""

import contextlib
import json
import time

import pytest
from botocore.exceptions import ClientError
from tests.journeys import analytics

PASS = """
CREATE OR REPLACE STREAM "DEST" ("ticker" VARCHAR(8), "price" DOUBLE);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "ticker", "price" FROM "SOURCE_SQL_STREAM_001"
WHERE "price" > 10;
"""
QUOTES = analytics.json_schema(ticker="VARCHAR(8)", price="DOUBLE")


@pytest.fixture(scope="session")
def client(lakemill):
    return lakemill.client("kinesisanalytics")


@pytest.fixture(scope="session")
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


def test_code_that_does_not_compile_is_refused_with_its_place(lakemill, client, role):
    one = source(lakemill, role, "invalid-in")
    code = PASS.replace('SELECT STREAM "ticker"', 'SELECT STREAM "nope"')
    with pytest.raises(ClientError, match=r"line 3, column \d+: .*nope") as caught:
        client.create_application(ApplicationName="invalid", ApplicationCode=code, Inputs=[one])
    assert caught.value.response["Error"]["Code"] == "CodeValidationException"
    with pytest.raises(client.exceptions.CodeValidationException, match="line 1, column 8"):
        client.create_application(ApplicationName="invalid", ApplicationCode="CREATE STREEM")
    client.create_application(ApplicationName="invalid", ApplicationCode=code)  # Columns are not known yet.
    with pytest.raises(ClientError) as caught:
        client.add_application_input(ApplicationName="invalid", CurrentApplicationVersionId=1, Input=one)
    assert caught.value.response["Error"]["Code"] == "CodeValidationException"
    assert client.describe_application(ApplicationName="invalid")["ApplicationDetail"]["ApplicationVersionId"] == 1
    wrong = one | {"InputSchema": analytics.json_schema(ticker="VARCHAR(8)", price="MONEY")}
    with pytest.raises(ClientError, match="MONEY"):
        client.create_application(ApplicationName="invalid-2", ApplicationCode=PASS, Inputs=[wrong])


def test_a_running_application_goes_on_with_its_next_version(lakemill, client, role):
    client.create_application(
        ApplicationName="grow",
        ApplicationCode=PASS,
        Inputs=[source(lakemill, role, "grow-in")],
        Outputs=[target(lakemill, role, "grow-out")],
    )
    analytics.start(client, "grow")
    csv = target(lakemill, role, "grow-csv", kind="CSV")
    client.add_application_output(ApplicationName="grow", CurrentApplicationVersionId=1, Output=csv)
    detail = analytics.status(client, "grow", "RUNNING")
    assert detail["ApplicationVersionId"] == 2
    assert [one["OutputId"] for one in detail["OutputDescriptions"]] == ["1.1", "2.1"]
    analytics.put(lakemill, "grow-in", [{"ticker": "A", "price": 20}])
    assert analytics.Reader(lakemill, "grow-csv").until(1) == [b"A,20.0\n"]
    with pytest.raises(ClientError) as caught:
        client.delete_application_output(ApplicationName="grow", CurrentApplicationVersionId=1, OutputId="1.1")
    assert caught.value.response["Error"]["Code"] == "ConcurrentModificationException"
    update = {"ApplicationCodeUpdate": PASS.replace("> 10", "> 30"), "OutputUpdates": [
        {"OutputId": "2.1", "DestinationSchemaUpdate": {"RecordFormatType": "JSON"}}]}  # fmt: skip
    client.update_application(ApplicationName="grow", CurrentApplicationVersionId=2, ApplicationUpdate=update)
    analytics.status(client, "grow", "RUNNING")
    analytics.put(lakemill, "grow-in", [{"ticker": "B", "price": 20}, {"ticker": "C", "price": 40}])
    found = analytics.Reader(lakemill, "grow-csv").until(2)
    assert found[1] == b'{"ticker":"C","price":40.0}'
    client.delete_application_output(ApplicationName="grow", CurrentApplicationVersionId=3, OutputId="1.1")
    detail = analytics.status(client, "grow", "RUNNING")
    assert [one["OutputId"] for one in detail["OutputDescriptions"]] == ["2.1"]
    with pytest.raises(ClientError) as caught:
        client.delete_application_output(ApplicationName="grow", CurrentApplicationVersionId=4, OutputId="1.1")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    analytics.stop(client, "grow")


def test_states_and_names_are_guarded_as_on_aws(lakemill, client, role):
    def code(operation, **request):
        with pytest.raises(ClientError) as caught:
            operation(**request)
        return caught.value.response["Error"]["Code"]

    client.create_application(ApplicationName="guard", Tags=[{"Key": "team", "Value": "a"}])
    assert code(client.create_application, ApplicationName="guard") == "ResourceInUseException"
    assert code(client.stop_application, ApplicationName="guard") == "ResourceInUseException"
    assert code(client.describe_application, ApplicationName="none") == "ResourceNotFoundException"
    assert code(client.start_application, ApplicationName="guard", InputConfigurations=[]) == (
        "InvalidApplicationConfigurationException"
    )
    arn = client.describe_application(ApplicationName="guard")["ApplicationDetail"]["ApplicationARN"]
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "stage", "Value": "test"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    created = client.describe_application(ApplicationName="guard")["ApplicationDetail"]["CreateTimestamp"]
    old = created.replace(year=2001)
    assert code(client.delete_application, ApplicationName="guard", CreateTimestamp=old) == "InvalidArgumentException"
    client.delete_application(ApplicationName="guard", CreateTimestamp=created)
    for _ in range(100):
        if all(one["ApplicationName"] != "guard" for one in client.list_applications()["ApplicationSummaries"]):
            break
    assert code(client.describe_application, ApplicationName="guard") == "ResourceNotFoundException"


def test_a_role_that_may_not_read_is_told_in_the_log(lakemill, client, role):
    weak = analytics.role(lakemill, "analytics-weak", ["logs:*", "kinesis:PutRecords"])
    logs = lakemill.client("logs")
    logs.create_log_group(logGroupName="watched")
    logs.create_log_stream(logGroupName="watched", logStreamName="app")
    log = {"LogStreamARN": f"arn:aws:logs:us-east-1:{analytics.ACCOUNT}:log-group:watched:log-stream:app"}
    client.create_application(
        ApplicationName="weak",
        ApplicationCode=PASS,
        Inputs=[source(lakemill, weak, "weak-in")],
        CloudWatchLoggingOptions=[log | {"RoleARN": weak}],
    )
    analytics.start(client, "weak")
    for _ in range(200):
        events = logs.get_log_events(logGroupName="watched", logStreamName="app")["events"]
        if events:
            break
    line = json.loads(events[0]["message"])
    assert line["messageType"] == "ERROR"
    assert "kinesis:GetShardIterator" in line["message"]
    analytics.stop(client, "weak")
    with pytest.raises(ClientError, match="role"):
        client.create_application(ApplicationName="norole", Inputs=[source(lakemill, role + "-none", "norole-in")])


def test_a_role_must_be_allowed_to_open_what_a_stream_seals(lakemill, client):
    weak = analytics.role(lakemill, "analytics-no-key", ["logs:*", "kinesis:*"])
    read = source(lakemill, weak, "sealed-in")
    kinesis, logs = lakemill.client("kinesis"), lakemill.client("logs")
    key = lakemill.client("kms").create_key()["KeyMetadata"]["Arn"]
    kinesis.start_stream_encryption(StreamName="sealed-in", EncryptionType="KMS", KeyId=key)
    client.create_application(ApplicationName="sealed", ApplicationCode=PASS, Inputs=[read])
    analytics.start(client, "sealed")
    found, ends = "", time.monotonic() + 20
    while "kms:Decrypt" not in found and time.monotonic() < ends:
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # Until the first line is written.
            events = logs.filter_log_events(logGroupName="/aws/kinesis-analytics/sealed")["events"]
            found = " ".join(event["message"] for event in events)
        time.sleep(0.1)
    assert f"kms:Decrypt on resource: {key}" in found
    analytics.stop(client, "sealed")


def test_the_clock_closes_windows_when_no_more_rows_come(lakemill, client, role):
    code = """
    CREATE STREAM "DEST" ("ticker" VARCHAR(8), "n" BIGINT, "mean" DOUBLE);
    CREATE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "ticker", COUNT(*), AVG("price") FROM "SOURCE_SQL_STREAM_001"
    GROUP BY "ticker", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND);
    """
    client.create_application(
        ApplicationName="clock",
        ApplicationCode=code,
        Inputs=[source(lakemill, role, "clock-in", InputParallelism={"Count": 1})],
        Outputs=[target(lakemill, role, "clock-out")],
    )
    analytics.put(lakemill, "clock-in", [{"ticker": name, "price": i} for i in range(10) for name in ("A", "B")])
    analytics.start(client, "clock")
    found = [json.loads(one) for one in analytics.Reader(lakemill, "clock-out").until(2)]
    assert sorted(found, key=lambda row: row["ticker"]) == [
        {"ticker": "A", "n": 10, "mean": 4.5},
        {"ticker": "B", "n": 10, "mean": 4.5},
    ]
    analytics.stop(client, "clock")
