"""Parts of applications from requests, and what is refused of them."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.kinesisanalytics import arns, parts
from lakemill.services.kinesisanalytics.changes import update_parts

STREAM = {"ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "RoleARN": "arn:aws:iam::1:role/r"}
DELIVERY = {"ResourceARN": "arn:aws:firehose:us-east-1:000000000000:deliverystream/d"}
SCHEMA = {
    "RecordFormat": {"RecordFormatType": "JSON"},
    "RecordColumns": [{"Name": "a", "Mapping": "$.a", "SqlType": "INTEGER"}],
}
MIXED = {"RecordFormatType": "JSON", "MappingParameters": {"CSVMappingParameters": {}}}
INPUT = {"NamePrefix": "S", "KinesisStreamsInput": STREAM, "InputSchema": SCHEMA}


def test_a_schema_and_its_form_go_both_ways():
    mapping = {"CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": ";"}}
    schema = {
        "RecordFormat": {"RecordFormatType": "CSV", "MappingParameters": mapping},
        "RecordEncoding": "UTF-8",
        "RecordColumns": [{"Name": "a", "SqlType": "INTEGER"}],
    }
    assert parts.schema_of(parts.form_of(schema)) == schema


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"KinesisFirehoseInput": DELIVERY}, "Exactly one of KinesisStreamsInput, KinesisFirehoseInput"),
        ({"KinesisStreamsInput": DELIVERY}, "is not the ARN of a Kinesis stream"),
        ({"KinesisStreamsInput": {"ResourceARN": "arn:x"}}, "arn:x is not a valid ARN"),
        ({"InputSchema": SCHEMA | {"RecordColumns": [{"Name": "a", "SqlType": "INTEGER"}]}}, "a must have a Mapping"),
        ({"InputSchema": SCHEMA | {"RecordEncoding": "UTF-16"}}, "RecordEncoding=UTF-16 is refused"),
        (
            {"InputSchema": SCHEMA | {"RecordFormat": MIXED}},
            "CSVMappingParameters cannot be given",
        ),
        ({"InputProcessingConfiguration": {"InputLambdaProcessor": STREAM}}, "is not the ARN of a Lambda function"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(change, message):
    with pytest.raises(ServiceError, match=message) as caught:
        parts.input_of(INPUT | change)
    assert caught.value.code == "InvalidArgumentException"


def test_reference_data_needs_bucket_and_key():
    for source in ({}, {"BucketARN": "arn:aws:s3:::b"}, {"BucketARN": "arn:aws:s3:::b/c", "FileKey": "k"}):
        with pytest.raises(ServiceError):
            parts.reference_of({"TableName": "T", "S3ReferenceDataSource": source, "ReferenceSchema": SCHEMA})


def test_updates_replace_what_they_name():
    document = {"inputs": [parts.input_of(INPUT) | {"id": "1.1"}], "outputs": [], "references": [], "logs": []}
    update = {
        "InputId": "1.1",
        "NamePrefixUpdate": "T",
        "KinesisFirehoseInputUpdate": {"ResourceARNUpdate": DELIVERY["ResourceARN"]},
        "InputParallelismUpdate": {"CountUpdate": 4},
        "InputSchemaUpdate": {"RecordColumnUpdates": [{"Name": "b", "Mapping": "$.b", "SqlType": "DOUBLE"}]},
    }
    update_parts(document, {"InputUpdates": [update]})
    (one,) = document["inputs"]
    assert (one["prefix"], one["count"], one["source"]["kind"]) == ("T", 4, "delivery")
    assert one["source"]["role"] == STREAM["RoleARN"]
    assert [column["Name"] for column in one["schema"]["RecordColumns"]] == ["b"]
    with pytest.raises(ServiceError, match="ResourceARNUpdate must be given"):
        update_parts(document, {"InputUpdates": [{"InputId": "1.1", "KinesisStreamsInputUpdate": {}}]})
    with pytest.raises(ServiceError, match="has no InputProcessingConfiguration"):
        processing = {"InputLambdaProcessorUpdate": {"ResourceARNUpdate": "arn:aws:lambda:r:1:function:f"}}
        update_parts(document, {"InputUpdates": [{"InputId": "1.1", "InputProcessingConfigurationUpdate": processing}]})


def test_roles_are_found_wherever_they_stand():
    request = {"ServiceExecutionRole": "a", "Inputs": [{"KinesisStreamsInput": {"RoleARN": "b"}}],
               "ReferenceDataSource": {"S3ReferenceDataSource": {"ReferenceRoleARN": "c"}},
               "Update": [{"RoleARNUpdate": "d", "ResourceARN": "x"}]}  # fmt: skip
    assert parts.roles_in(request) == {"a", "b", "c", "d"}


def test_log_streams_are_taken_apart():
    arn = "arn:aws:logs:us-east-1:1:log-group:/aws/g:log-stream:s/1"
    assert arns.log_stream(arn) == ("1/us-east-1", "/aws/g", "s/1")
    with pytest.raises(ServiceError):
        arns.log_stream("arn:aws:logs:us-east-1:1:log-group:g:*")
