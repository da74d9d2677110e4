"""SQL applications through the second API: versions, functions before and behind, delivery streams, reference data,
schema discovery, and what is refused."""

import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError
from tests.journeys import analytics

CODE = """
CREATE OR REPLACE STREAM "DEST" ("ticker" VARCHAR(8), "company" VARCHAR(16), "total" DOUBLE);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST"
SELECT STREAM s."ticker", c."company", s."price" * 2 FROM "SOURCE_SQL_STREAM_001" AS s
LEFT JOIN "COMPANIES" AS c ON s."ticker" = c."symbol";
"""
QUOTES = analytics.json_schema(ticker="VARCHAR(8)", price="DOUBLE")
COMPANIES = {
    "RecordFormat": {
        "RecordFormatType": "CSV",
        "MappingParameters": {
            "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","},
        },
    },
    "RecordColumns": [{"Name": "symbol", "SqlType": "VARCHAR(8)"}, {"Name": "company", "SqlType": "VARCHAR(16)"}],
}
BEFORE = """
import base64, json

def handler(event, context):
    made = []
    for record in event["records"]:
        assert record["kinesisStreamRecordMetadata"]["shardId"]
        row = json.loads(base64.b64decode(record["data"]))
        result = {"skip": "Dropped", "fail": "ProcessingFailed"}.get(row["ticker"], "Ok")
        row["price"] += 1
        data = base64.b64encode(json.dumps(row).encode()).decode()
        made.append({"recordId": record["recordId"], "result": result, "data": data})
    return {"records": made}
"""
BEHIND = """
import base64, boto3, json

def handler(event, context):
    s3 = boto3.client("s3")
    for place, record in enumerate(event["records"]):
        s3.put_object(Bucket="analytics-v2", Key=f"rows/{record['recordId']}", Body=base64.b64decode(record["data"]))
    return {"records": [{"recordId": one["recordId"], "result": "Ok"} for one in event["records"]]}
"""


@pytest.fixture(scope="session")
def client(lakemill):
    return lakemill.client("kinesisanalyticsv2")


@pytest.fixture(scope="session")
def role(lakemill):
    lakemill.client("s3").create_bucket(Bucket="analytics-v2")
    lakemill.client("s3").put_object(Bucket="analytics-v2", Key="companies.csv", Body=b"AMZN,Amazon\nX,Ex")
    return analytics.role(lakemill, "analytics-v2")


def function(lakemill, name, code):
    """A Lambda function; its ARN."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("main.py", code)
    iam = lakemill.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=f"{name}-role", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    client = lakemill.client("lambda")
    made = client.create_function(
        FunctionName=name, Runtime="python3.11", Role=arn, Handler="main.handler", Code={"ZipFile": body.getvalue()}
    )
    return made["FunctionArn"]


def configuration(arn, code=CODE, **more):
    sql = {
        "Inputs": [
            {"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": arn}, "InputSchema": QUOTES}
        ],
        "ReferenceDataSources": [
            {
                "TableName": "COMPANIES",
                "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::analytics-v2", "FileKey": "companies.csv"},
                "ReferenceSchema": COMPANIES,
            }
        ],
    }
    content = {"CodeContent": {"TextContent": code}, "CodeContentType": "PLAINTEXT"}
    return {"SqlApplicationConfiguration": sql | more, "ApplicationCodeConfiguration": content}


def create(client, role, name, **more):
    request = {"ApplicationName": name, "RuntimeEnvironment": "SQL-1_0", "ServiceExecutionRole": role}
    return client.create_application(**request | more)["ApplicationDetail"]


def test_functions_before_and_behind_and_reference_data(lakemill, client, role):
    arn = analytics.stream(lakemill, "v2-in")
    behind = {
        "Name": "DEST",
        "LambdaOutput": {"ResourceARN": function(lakemill, "behind", BEHIND)},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    errors = {
        "Name": "error_stream",
        "KinesisStreamsOutput": {"ResourceARN": analytics.stream(lakemill, "v2-errors")},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    detail = create(client, role, "v2", ApplicationConfiguration=configuration(arn, Outputs=[behind, errors]))
    assert detail["ApplicationVersionId"] == 1
    before = {"InputLambdaProcessor": {"ResourceARN": function(lakemill, "before", BEFORE)}}
    added = client.add_application_input_processing_configuration(
        ApplicationName="v2", CurrentApplicationVersionId=1, InputId="1.1", InputProcessingConfiguration=before
    )
    assert added["ApplicationVersionId"] == 2
    start = [{"InputId": "1.1", "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"}}]
    rows = [{"ticker": ticker, "price": 1} for ticker in ("AMZN", "skip", "fail", "NONE")]
    analytics.put(lakemill, "v2-in", rows)
    client.start_application(ApplicationName="v2", RunConfiguration={"SqlRunConfigurations": start})
    analytics.status(client, "v2", "RUNNING")
    s3 = lakemill.client("s3")
    ends = time.monotonic() + 60
    while len(found := s3.list_objects_v2(Bucket="analytics-v2", Prefix="rows/").get("Contents", [])) < 2:
        assert time.monotonic() < ends
        time.sleep(0.1)
    told = [json.loads(s3.get_object(Bucket="analytics-v2", Key=one["Key"])["Body"].read()) for one in found]
    assert sorted(told, key=lambda row: row["ticker"]) == [
        {"ticker": "AMZN", "company": "Amazon", "total": 4.0},
        {"ticker": "NONE", "company": None, "total": 4.0},
    ]
    error = json.loads(analytics.Reader(lakemill, "v2-errors").until(1)[0])
    assert error["ERROR_NAME"] == "PROCESSING_FAILED"
    client.stop_application(ApplicationName="v2")
    analytics.status(client, "v2", "READY")


def test_records_of_a_delivery_stream_come_in_and_rows_go_out_to_one(lakemill, client, role):
    firehose, s3 = lakemill.client("firehose"), lakemill.client("s3")
    allow = analytics.role(lakemill, "v2-firehose")
    iam = lakemill.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName="v2-firehose", PolicyDocument=document)
    arns = {}
    for name in ("v2-delivery-in", "v2-delivery-out"):
        destination = {"RoleARN": allow, "BucketARN": "arn:aws:s3:::analytics-v2", "Prefix": f"{name}/"}
        destination["BufferingHints"] = {"IntervalInSeconds": 1 if name.endswith("out") else 900, "SizeInMBs": 128}
        made = firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination)
        arns[name] = made["DeliveryStreamARN"]
    schema = QUOTES
    one = {"NamePrefix": "S", "KinesisFirehoseInput": {"ResourceARN": arns["v2-delivery-in"]}, "InputSchema": schema}
    out = {
        "Name": "D",
        "KinesisFirehoseOutput": {"ResourceARN": arns["v2-delivery-out"]},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    code = 'CREATE STREAM "D" ("t" VARCHAR(8)); CREATE PUMP "P" AS INSERT INTO "D" SELECT STREAM "ticker" FROM "S_001";'
    told = configuration("arn:aws:kinesis:us-east-1:000000000000:stream/x", code, Inputs=[one], Outputs=[out])
    create(client, role, "v2-delivery", ApplicationConfiguration=told)
    client.start_application(ApplicationName="v2-delivery")
    analytics.status(client, "v2-delivery", "RUNNING")
    ends = time.monotonic() + 60
    while (
        firehose.describe_delivery_stream(DeliveryStreamName="v2-delivery-in")["DeliveryStreamDescription"][
            "DeliveryStreamStatus"
        ]
        != "ACTIVE"
    ):
        assert time.monotonic() < ends
    time.sleep(1)  # Begins with what comes from now on.
    records = [{"Data": json.dumps({"ticker": name, "price": 1}).encode()} for name in ("A", "B")]
    firehose.put_record_batch(DeliveryStreamName="v2-delivery-in", Records=records)
    while not (found := s3.list_objects_v2(Bucket="analytics-v2", Prefix="v2-delivery-out/").get("Contents")):
        assert time.monotonic() < ends
        time.sleep(0.1)
    body = s3.get_object(Bucket="analytics-v2", Key=found[0]["Key"])["Body"].read()
    assert body == b'{"t":"A"}\n{"t":"B"}\n'
    client.stop_application(ApplicationName="v2-delivery")
    analytics.status(client, "v2-delivery", "READY")


def test_versions_are_kept_and_changes_are_for_one_of_them(lakemill, client, role):
    detail = create(client, role, "v2-versions", ApplicationDescription="first")
    token = detail["ConditionalToken"]
    content = {"CodeContentUpdate": {"TextContentUpdate": CODE}}
    update = {"ApplicationCodeConfigurationUpdate": content}
    changed = client.update_application(
        ApplicationName="v2-versions", ConditionalToken=token, ApplicationConfigurationUpdate=update
    )["ApplicationDetail"]
    assert changed["ApplicationVersionId"] == 2
    for version in ({"ConditionalToken": token}, {"CurrentApplicationVersionId": 1}):
        with pytest.raises(ClientError) as caught:
            client.update_application(ApplicationName="v2-versions", ApplicationConfigurationUpdate=update, **version)
        assert caught.value.response["Error"]["Code"] == "ConcurrentModificationException"
    listed = client.list_application_versions(ApplicationName="v2-versions", Limit=1)
    assert [one["ApplicationVersionId"] for one in listed["ApplicationVersionSummaries"]] == [2]
    rest = client.list_application_versions(ApplicationName="v2-versions", NextToken=listed["NextToken"])
    assert [one["ApplicationVersionId"] for one in rest["ApplicationVersionSummaries"]] == [1]
    first = client.describe_application_version(ApplicationName="v2-versions", ApplicationVersionId=1)
    configured = first["ApplicationVersionDetail"]["ApplicationConfigurationDescription"]
    assert configured["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]["TextContent"] == ""
    with pytest.raises(ClientError, match="no version 9"):
        client.describe_application_version(ApplicationName="v2-versions", ApplicationVersionId=9)
    names = [one["ApplicationName"] for one in client.list_applications()["ApplicationSummaries"]]
    assert "v2-versions" in names
    older = lakemill.client("kinesisanalytics").describe_application(ApplicationName="v2-versions")
    assert older["ApplicationDetail"]["ApplicationCode"] == CODE


def test_a_schema_is_found_in_streams_and_objects(lakemill, client, role):
    arn = analytics.stream(lakemill, "v2-discover")
    now = {"InputStartingPosition": "TRIM_HORIZON"}
    rows = [{"ticker": "AMZN", "price": 1.5, "n": 3, "when": "2026-01-31 10:00:00", "more": {"x": None}}] * 3
    analytics.put(lakemill, "v2-discover", rows)
    found = client.discover_input_schema(
        ResourceARN=arn, ServiceExecutionRole=role, InputStartingPositionConfiguration=now
    )
    columns = [(one["Name"], one["Mapping"], one["SqlType"]) for one in found["InputSchema"]["RecordColumns"]]
    assert columns == [
        ("ticker", "$.ticker", "VARCHAR(4)"),
        ("price", "$.price", "DOUBLE"),
        ("n", "$.n", "INTEGER"),
        ("when", "$.when", "TIMESTAMP"),
        ("x", "$.more.x", "VARCHAR(4)"),
    ]
    assert found["ParsedInputRecords"][0] == ["AMZN", "1.5", "3", "2026-01-31 10:00:00.000", ""]
    assert json.loads(found["RawInputRecords"][0]) == rows[0]
    place = {"BucketARN": "arn:aws:s3:::analytics-v2", "FileKey": "companies.csv"}
    found = client.discover_input_schema(ServiceExecutionRole=role, S3Configuration=place)
    assert found["InputSchema"]["RecordFormat"]["RecordFormatType"] == "CSV"
    assert found["ParsedInputRecords"] == [["AMZN", "Amazon"], ["X", "Ex"]]
    lakemill.client("s3").put_object(Bucket="analytics-v2", Key="noise", Body=b"\xff\xfe")
    with pytest.raises(client.exceptions.UnableToDetectSchemaException) as caught:
        client.discover_input_schema(ServiceExecutionRole=role, S3Configuration=place | {"FileKey": "noise"})
    assert caught.value.response["RawInputRecords"] == ["\ufffd\ufffd"]


def test_what_is_not_provided_is_refused_by_name(client, role):
    def message(operation, **request):
        with pytest.raises(ClientError) as caught:
            operation(**request)
        return caught.value.response["Error"]["Message"]

    base = {"ApplicationName": "v2-refused", "ServiceExecutionRole": role}
    flink = message(client.create_application, RuntimeEnvironment="FLINK-1_6", **base)
    assert "RuntimeEnvironment=FLINK-1_6 is refused: lakemill runs FLINK-" in flink
    assert "Zeppelin" in message(client.create_application, RuntimeEnvironment="ZEPPELIN-FLINK-3_0", **base)
    vpc = {"VpcConfigurations": [{"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}]}
    told = message(client.create_application, RuntimeEnvironment="SQL-1_0", ApplicationConfiguration=vpc, **base)
    assert "ApplicationConfiguration.VpcConfigurations is refused" in told
    create(client, role, "v2-refused")
    assert "Force is refused" in message(client.stop_application, ApplicationName="v2-refused", Force=True)
    assert "is a SQL application, which has no snapshots" in message(
        client.create_application_snapshot, ApplicationName="v2-refused", SnapshotName="s"
    )
    assert "UrlType is refused" in message(
        client.create_application_presigned_url, ApplicationName="v2-refused", UrlType="FLINK_DASHBOARD_URL"
    )
    assert "not supported for SQL" in message(
        client.rollback_application, ApplicationName="v2-refused", CurrentApplicationVersionId=1
    )
