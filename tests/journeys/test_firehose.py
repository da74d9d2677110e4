"""Delivery streams through boto3: what is put arrives in S3, whatever happens meanwhile."""

import base64
import datetime
import gzip
import io
import json
import re
import threading
import time
import uuid

import pyarrow.parquet
import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from botocore.exceptions import ClientError
from tests.journeys.firehose_site import Endpoint, Site

from lakemill.gateway.authority import Authority

NAME = r"-(\d+)-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def site(lakemill):
    return Site(lakemill, f"lake-{uuid.uuid4().hex[:8]}")


def test_what_is_put_arrives_zipped_under_a_name_that_tells_when(site):
    stream = site.stream(CompressionFormat="GZIP", Prefix="raw/")
    answer = site.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"one\n"}, {"Data": b"two\n"}])
    assert answer["FailedPutCount"] == 0
    assert len({one["RecordId"] for one in answer["RequestResponses"]}) == 2
    site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"three\n"})
    keys = site.wait("raw/", lambda keys: len(site.read(keys, gzip.decompress).splitlines()) == 3)
    assert site.read(keys, gzip.decompress) == b"one\ntwo\nthree\n"
    assert re.fullmatch(rf"raw/\d{{4}}/\d\d/\d\d/\d\d/{stream}{NAME}\.gz", keys[0])


def test_a_description_tells_the_defaults(site):
    stream = site.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60})
    described = site.firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert described["DeliveryStreamStatus"] == "ACTIVE"
    assert described["VersionId"] == "1"
    destination = described["Destinations"][0]
    assert destination["DestinationId"] == "destinationId-000000000001"
    assert destination["ExtendedS3DestinationDescription"]["CompressionFormat"] == "UNCOMPRESSED"
    assert destination["S3DestinationDescription"]["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}
    assert described["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    assert stream in site.firehose.list_delivery_streams(Limit=100)["DeliveryStreamNames"]


def test_streams_are_listed_by_pages(site):
    names = [site.stream(f"paged-{n}-{uuid.uuid4().hex[:6]}") for n in range(3)]
    first = site.firehose.list_delivery_streams(Limit=2, ExclusiveStartDeliveryStreamName="paged-")
    assert first == first | {"DeliveryStreamNames": names[:2], "HasMoreDeliveryStreams": True}
    then = site.firehose.list_delivery_streams(Limit=1, ExclusiveStartDeliveryStreamName=names[1])
    assert then["DeliveryStreamNames"] == names[2:]


def test_a_change_merges_and_raises_the_version(site):
    stream = site.stream(Prefix="before/", CompressionFormat="GZIP")
    site.firehose.update_destination(
        DeliveryStreamName=stream,
        CurrentDeliveryStreamVersionId="1",
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate={"Prefix": "after/"},
    )
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        site.firehose.update_destination(
            DeliveryStreamName=stream,
            CurrentDeliveryStreamVersionId="1",
            DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate={"Prefix": "late/"},
        )
    site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    (key,) = site.wait("after/")
    assert re.search(rf"{stream}-2-.*\.gz", key)


def test_records_of_a_data_stream_are_delivered_from_now_on_and_taken_apart(site):
    kinesis, source = site.running.client("kinesis"), f"clicks-{uuid.uuid4().hex[:6]}"
    kinesis.create_stream(StreamName=source, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=source)
    kinesis.put_record(StreamName=source, PartitionKey="k", Data=b"too early\n")
    arn = kinesis.describe_stream(StreamName=source)["StreamDescription"]["StreamARN"]
    stream = site.stream(
        source={
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {"KinesisStreamARN": arn, "RoleARN": site.role},
        },
        Prefix="stream/",
    )
    kinesis.put_record(StreamName=source, PartitionKey="k", Data=packed(b"a\n", b"b\n"))
    kinesis.put_record(StreamName=source, PartitionKey="other", Data=b"c\n")
    keys = site.wait("stream/", lambda keys: len(site.read(keys).splitlines()) == 3)
    assert sorted(site.read(keys).splitlines()) == [b"a", b"b", b"c"]
    with pytest.raises(ClientError, match=r"InvalidArgumentException.*KinesisStreamAsSource"):
        site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    described = site.firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert described["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"] == arn


def data_stream(site, shards=2):
    """The name of a new data stream, and what says that a delivery stream reads it."""
    kinesis, name = site.running.client("kinesis"), f"clicks-{uuid.uuid4().hex[:6]}"
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    source = {"KinesisStreamARN": arn, "RoleARN": site.role}
    return name, {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}


def packed(*values):
    aggregator = RecordAggregator()
    for data in values:
        aggregator.add_user_record("k", data)
    return aggregator.clear_and_get().get_contents()[2]


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "encrypted"])
def test_documents_of_a_data_stream_become_columns_also_those_that_were_packed(site, sealed):
    kinesis, (name, source) = site.running.client("kinesis"), data_stream(site)
    if sealed:
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    database, folder = f"db{uuid.uuid4().hex[:6]}", f"streamed-{uuid.uuid4().hex[:6]}"
    glue = site.running.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "text", "Type": "string"}]
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "StorageDescriptor": {"Columns": columns}})
    site.stream(
        source=source,
        Prefix=f"{folder}/",
        ErrorOutputPrefix=f"{folder}-bad/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DataFormatConversionConfiguration={
            "Enabled": True,
            "SchemaConfiguration": {"RoleARN": site.role, "DatabaseName": database, "TableName": "t"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    )
    text = "x" * 1000  # So much that blocks of the log are left there for the worker to read.

    def document(number):
        return json.dumps({"id": number, "text": text}).encode()

    values = [document(number) for number in range(100)]
    values[50] = packed(document(1000), b"no json", document(1001))
    entries = [{"Data": data, "PartitionKey": f"key-{number % 7}"} for number, data in enumerate(values)]
    for _ in range(2):  # Once it is known that some are packed, one looks for them first.
        assert kinesis.put_records(StreamName=name, Records=entries)["FailedRecordCount"] == 0
        time.sleep(1.5)

    def ids(keys):
        tables = [pyarrow.parquet.read_table(io.BytesIO(site.read([key]))) for key in keys]
        return sorted(number for table in tables for number in table.column("id").to_pylist())

    expected = sorted(2 * [number for number in [*range(100), 1000, 1001] if number != 50])
    assert ids(site.wait(f"{folder}/", lambda keys: len(ids(keys)) >= len(expected))) == expected
    bad = site.wait(f"{folder}-bad/", lambda keys: len(site.read(keys).splitlines()) >= 2)
    failed = [json.loads(line) for line in site.read(bad).splitlines()]
    assert [base64.b64decode(one["rawData"]) for one in failed] == [b"no json"] * 2
    assert [one["subSequenceNumber"] for one in failed] == [1, 1]


def test_a_query_sorts_the_records_of_several_shards(site):
    kinesis, (name, source) = site.running.client("kinesis"), data_stream(site, shards=3)
    folder = f"shards-{uuid.uuid4().hex[:6]}"
    site.stream(
        source=source,
        Prefix=f"{folder}/who=!{{partitionKeyFromQuery:who}}/",
        ErrorOutputPrefix=f"{folder}-bad/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [
                processor("MetadataExtraction", MetadataExtractionQuery="{who: .who}", JsonParsingEngine="JQ-1.6"),
                processor("AppendDelimiterToRecord", Delimiter="\\n"),
            ],
        },
    )
    values = [json.dumps({"who": f"w{number % 3}", "n": number, "key": number % 10}).encode() for number in range(300)]
    entries = [{"Data": data, "PartitionKey": f"key-{number % 10}"} for number, data in enumerate(values)]
    assert kinesis.put_records(StreamName=name, Records=[*entries, {"Data": b"no json", "PartitionKey": "z"}])
    for who in ("w0", "w1", "w2"):
        prefix = f"{folder}/who={who}/"
        keys = site.wait(prefix, lambda keys: len(site.read(keys).splitlines()) >= 100)
        found = [json.loads(line) for line in site.read(keys).splitlines()]
        assert sorted(one["n"] for one in found) == [n for n in range(300) if f"w{n % 3}" == who]
        for key in range(10):  # One partition key is one shard, and has its order.
            numbers = [one["n"] for one in found if one["key"] == key]
            assert numbers == sorted(numbers)
    (failed,) = map(json.loads, site.read(site.wait(f"{folder}-bad/")).splitlines())
    assert (base64.b64decode(failed["rawData"]), failed["errorCode"]) == (
        b"no json",
        "DynamicPartitioning.MetadataExtractionFailed",
    )


def test_a_query_sorts_records_into_prefixes_and_bad_ones_under_errors(site):
    query = '{who:.customer, year:(.at|strftime("%Y"))}'
    stream = site.stream(
        Prefix="by/who=!{partitionKeyFromQuery:who}/year=!{partitionKeyFromQuery:year}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [
                processor("RecordDeAggregation", SubRecordType="JSON"),
                processor("MetadataExtraction", MetadataExtractionQuery=query, JsonParsingEngine="JQ-1.6"),
                processor("AppendDelimiterToRecord", Delimiter="\\n"),
            ],
        },
    )
    records = [b'{"customer":"ann","at":0}{"customer":"bob","at":1700000000}', b'{"customer":"ann","at":5}', b"no json"]
    site.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])
    ann = site.wait("by/who=ann/year=1970/")
    assert site.read(ann) == b'{"customer":"ann","at":0}\n{"customer":"ann","at":5}\n'
    assert site.read(site.wait("by/who=bob/year=2023/")) == b'{"customer":"bob","at":1700000000}\n'
    failed = json.loads(site.read(site.wait("bad/processing-failed/")))
    assert failed["rawData"] == "bm8ganNvbg=="
    assert failed["errorCode"] == "RecordDeAggregation.Failed"


def test_a_function_changes_drops_and_fails_records(site):
    code = """
import base64
def handler(event, context):
    out = []
    for one in event["records"]:
        data = base64.b64decode(one["data"]).decode()
        result = {"drop": "Dropped", "fail": "ProcessingFailed"}.get(data, "Ok")
        out.append({"recordId": one["recordId"], "result": result,
                    "data": base64.b64encode(data.upper().encode()).decode(),
                    "metadata": {"partitionKeys": {"first": data[:1]}}})
    return {"records": out}
"""
    function = site.function(code)
    stream = site.stream(
        Prefix="changed/!{partitionKeyFromLambda:first}/",
        ErrorOutputPrefix="unchanged/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DynamicPartitioningConfiguration={"Enabled": True},
        S3BackupMode="Enabled",
        S3BackupConfiguration=site.bucket_configuration(Prefix="backup/"),
        ProcessingConfiguration={"Enabled": True, "Processors": [processor("Lambda", LambdaArn=function)]},
    )
    records = [b"good", b"drop", b"fail"]
    site.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])
    assert site.read(site.wait("changed/g/")) == b"GOOD"
    failed = json.loads(site.read(site.wait("unchanged/processing-failed/")))
    assert failed["errorCode"] == "Lambda.ProcessingFailedStatus"
    assert failed["lambdaArn"] == function
    assert site.read(site.wait("backup/")) == b"gooddropfail"


def test_records_become_parquet_by_the_schema_of_a_table_and_bad_ones_go_under_errors(site):
    glue, database = site.running.client("glue"), f"db{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": database})
    columns = [
        {"Name": "id", "Type": "int"},
        {"Name": "at", "Type": "timestamp"},
        {"Name": "tags", "Type": "array<string>"},
    ]
    table = {
        "Name": "clicks",
        "StorageDescriptor": {"Columns": columns},
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
    }
    glue.create_table(DatabaseName=database, TableInput=table)
    schema = {"RoleARN": site.role, "DatabaseName": database, "TableName": "clicks", "Region": "us-east-1"}
    stream = site.stream(
        Prefix="columns/",
        ErrorOutputPrefix="wrong/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 1},
        DataFormatConversionConfiguration={
            "Enabled": True,
            "SchemaConfiguration": schema,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "GZIP"}}},
        },
    )
    records = [b'{"id":1,"at":"2026-01-02 03:04:05","tags":["a","b"]}{"ID":2,"other":true}', b'{"id":"three"}', b"[]"]
    site.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in records])
    keys = site.wait("columns/")
    assert keys[0].endswith(".parquet")
    assert pyarrow.parquet.read_table(io.BytesIO(site.read(keys))).to_pylist() == [
        {"id": 1, "at": datetime.datetime(2026, 1, 2, 3, 4, 5), "tags": ["a", "b"]},
        {"id": 2, "at": None, "tags": None},
    ]
    failed = [json.loads(line) for line in site.read(site.wait("wrong/format-conversion-failed/")).splitlines()]
    assert [base64.b64decode(one["rawData"]) for one in failed] == records[1:]
    codes = [one["lastErrorCode"] for one in failed]
    assert codes == ["DataFormatConversion.MalformedData", "DataFormatConversion.ParseError"]
    catalog = {"catalogId": "000000000000", "databaseName": database, "tableName": "clicks", "region": "us-east-1"}
    assert failed[0]["dataCatalogTable"] == catalog | {"versionId": "LATEST"}


def test_records_are_posted_to_an_endpoint_over_tls_and_what_it_refuses_is_kept(site, tmp_path):
    authority = Authority(site.running.data)  # Its certificate is trusted beside those of the system.
    with Endpoint(authority, tmp_path) as endpoint:
        name = f"s{uuid.uuid4().hex[:8]}"
        site.firehose.create_delivery_stream(
            DeliveryStreamName=name,
            HttpEndpointDestinationConfiguration={
                "EndpointConfiguration": {"Url": f"https://127.0.0.1:{endpoint.port}/in", "AccessKey": "k3y"},
                "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
                "RetryOptions": {"DurationInSeconds": 2},
                "RoleARN": site.role,
                "S3Configuration": site.bucket_configuration(Prefix="post/"),
            },
        )
        site.active(name)
        site.firehose.put_record(DeliveryStreamName=name, Record={"Data": b"hello"})
        site.until(lambda: endpoint.records == [b"hello"])
        endpoint.refuses = True
        site.firehose.put_record(DeliveryStreamName=name, Record={"Data": b"again"})
        failed = json.loads(site.read(site.wait("post/http-endpoint-failed/")))
    assert base64.b64decode(failed["rawData"]) == b"again"
    assert (failed["errorCode"], failed["attemptsMade"]) == ("HttpEndpoint.DestinationException", 2)
    described = site.firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    shown = described["Destinations"][0]["HttpEndpointDestinationDescription"]["EndpointConfiguration"]
    assert shown == {"Url": f"https://127.0.0.1:{endpoint.port}/in"}


def test_records_go_to_splunk_and_opensearch_and_all_of_them_to_a_backup(site, tmp_path):
    with Endpoint(Authority(site.running.data), tmp_path) as endpoint:
        url, hints = f"https://127.0.0.1:{endpoint.port}", {"SizeInMBs": 1, "IntervalInSeconds": 1}
        name = f"s{uuid.uuid4().hex[:8]}"
        site.firehose.create_delivery_stream(
            DeliveryStreamName=f"{name}-splunk",
            SplunkDestinationConfiguration={
                "HECEndpoint": url,
                "HECEndpointType": "Raw",
                "HECToken": "t0ken",
                "BufferingHints": hints,
                "S3BackupMode": "AllEvents",
                "S3Configuration": site.bucket_configuration(Prefix="events/"),
            },
        )
        site.firehose.create_delivery_stream(
            DeliveryStreamName=f"{name}-search",
            AmazonopensearchserviceDestinationConfiguration={
                "RoleARN": site.role,
                "ClusterEndpoint": url,
                "IndexName": "clicks",
                "IndexRotationPeriod": "NoRotation",
                "BufferingHints": hints,
                "S3Configuration": site.bucket_configuration(Prefix="documents/"),
            },
        )
        for kind in ("splunk", "search"):
            site.active(f"{name}-{kind}")
            records = [{"Data": b'{"a":1}\n'}, {"Data": b'{"bad":1}\n'}]
            site.firehose.put_record_batch(DeliveryStreamName=f"{name}-{kind}", Records=records)
        assert site.read(site.wait("events/")) == b'{"a":1}\n{"bad":1}\n'
        failed = json.loads(site.read(site.wait("documents/AmazonOpenSearchService_failed/")))
        site.until(lambda: len(endpoint.bodies) == 3)
    assert endpoint.bodies["/services/collector/raw"] == b'{"a":1}\n{"bad":1}\n'
    assert endpoint.bodies["/_bulk"].splitlines()[1] == b'{"a":1}'
    assert (failed["errorCode"], failed["esIndexName"]) == ("400", "clicks")
    assert base64.b64decode(failed["rawData"]) == b'{"bad":1}\n'


def test_a_role_without_permission_keeps_records_waiting_and_says_so(site):
    role = site.new_role([{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}])
    group = f"/aws/kinesisfirehose/{uuid.uuid4().hex[:8]}"
    logging = {"Enabled": True, "LogGroupName": group, "LogStreamName": "DestinationDelivery"}
    stream = site.stream(RoleARN=role, Prefix="denied/", CloudWatchLoggingOptions=logging)
    site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"patience"})
    logs = site.running.client("logs")

    def written():
        try:
            return logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    event = json.loads(site.until(written)[0]["message"])
    assert event["errorCode"] == "S3.AccessDenied"
    assert event["deliveryStreamVersionId"] == 1
    assert site.keys("denied/") == []
    site.allow(role, "s3:PutObject")
    assert site.read(site.wait("denied/")) == b"patience"


def test_waiting_records_are_encrypted_with_the_key_of_a_customer(site):
    kms = site.running.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    stream = site.stream(Prefix="secret/", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 2})
    site.firehose.start_delivery_stream_encryption(
        DeliveryStreamName=stream,
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key},
    )
    described = site.firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert described["DeliveryStreamEncryptionConfiguration"]["Status"] == "ENABLED"
    text = b"nobody reads this on the disk"
    assert site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": text})["Encrypted"] is True
    files = [path for path in (site.running.data / "log").rglob("*.log") if path.is_file()]
    assert files
    assert not any(text in path.read_bytes() for path in files)
    assert site.read(site.wait("secret/")) == text
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="InvalidKMSResourceException"):
        site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": text})
    site.firehose.stop_delivery_stream_encryption(DeliveryStreamName=stream)
    assert site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})["Encrypted"] is False


def test_a_stream_that_is_deleted_is_gone(site):
    stream = site.stream()
    site.firehose.delete_delivery_stream(DeliveryStreamName=stream, AllowForceDelete=True)

    def gone():
        try:
            site.firehose.describe_delivery_stream(DeliveryStreamName=stream)
        except ClientError as error:
            return error.response["Error"]
        return None

    error = site.until(gone)
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"] == f"Firehose {stream} under account 000000000000 not found."


def test_tags_are_kept(site):
    stream = site.stream()
    site.firehose.tag_delivery_stream(DeliveryStreamName=stream, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a"}])
    site.firehose.untag_delivery_stream(DeliveryStreamName=stream, TagKeys=["b"])
    listed = site.firehose.list_tags_for_delivery_stream(DeliveryStreamName=stream)
    assert (listed["Tags"], listed["HasMoreTags"]) == ([{"Key": "a", "Value": ""}], False)


def test_what_is_too_much_is_refused_whole(site):
    stream = site.stream(Prefix="much/")
    with pytest.raises(ClientError, match="4 MB"):
        site.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"x" * 1_000_000}] * 5)
    with pytest.raises(ClientError):
        site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x" * 1_024_001})
    site.firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x" * 1_024_000})
    assert len(site.read(site.wait("much/"))) == 1_024_000


def processor(kind, **parameters):
    return {
        "Type": kind,
        "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()],
    }


BAD = {
    "expressions without a place for errors": ({"Prefix": "a/!{timestamp:yyyy}/"}, "ErrorOutputPrefix cannot be null"),
    "no kind of error": ({"ErrorOutputPrefix": "e/!{timestamp:yyyy}/"}, "error-output-type"),
    "a pattern that is none": (
        {"Prefix": "!{timestamp:JJ}/", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        "letter",
    ),
    "no pattern": (
        {"Prefix": "!{timestamp:}/", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        "!{timestamp:}",
    ),
    "an expression that is none": (
        {"Prefix": "!{moon:phase}/", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        "moon",
    ),
    "half a hint": ({"BufferingHints": {"SizeInMBs": 5}}, "both"),
    "no time zone": ({"CustomTimeZone": "Mars/Olympus"}, "no time zone"),
    "keys that nobody makes": (
        {"Prefix": "!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "!{firehose:error-output-type}/"},
        "DynamicPartitioningConfiguration",
    ),
    "a backup without a place": ({"S3BackupMode": "Enabled"}, "S3BackupConfiguration"),
    "a role that is not there": ({"RoleARN": "arn:aws:iam::000000000000:role/nobody"}, "unable to assume role"),
    "encryption of objects": (
        {
            "EncryptionConfiguration": {
                "KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:000000000000:key/1"}
            }
        },
        "KMSEncryptionConfig",
    ),
}


@pytest.mark.parametrize(("configuration", "said"), BAD.values(), ids=BAD)
def test_a_configuration_that_is_wrong_is_refused_with_a_reason(site, configuration, said):
    with pytest.raises(ClientError) as caught:
        site.create(f"wrong-{uuid.uuid4().hex[:8]}", **configuration)
    assert caught.value.response["Error"]["Code"] == "InvalidArgumentException"
    assert said in caught.value.response["Error"]["Message"]


@pytest.mark.long
def test_nothing_is_lost_and_every_object_is_whole_when_the_platform_is_killed_under_load(fresh):
    running = fresh()
    site = Site(running, "lake")
    stream = site.stream(CompressionFormat="GZIP", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1})
    acknowledged, stop = set(), threading.Event()

    def write(writer):
        count = 0
        while not stop.is_set():
            numbers = [f"{writer}-{count + n}" for n in range(50)]
            count += 50
            records = [{"Data": f"{number} {'x' * 1500}\n".encode()} for number in numbers]
            try:
                client = running.client("firehose", connect_timeout=2, read_timeout=5)
                client.put_record_batch(DeliveryStreamName=stream, Records=records)
            except Exception:
                time.sleep(0.1)
            else:
                acknowledged.update(numbers)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    for writer in writers:
        writer.start()
    for _ in range(2):
        time.sleep(1.5)
        running.kill()
        running.start()
    time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join()
    site = Site(running, "lake")

    def arrived():
        text = site.read(site.keys(""), gzip.decompress)
        found = {line.split(b" ")[0].decode() for line in text.splitlines()}
        return found if acknowledged <= found else None

    assert acknowledged
    assert site.until(arrived, seconds=30)
