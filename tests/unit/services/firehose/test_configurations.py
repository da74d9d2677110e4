"""Configurations: defaults, what updates merge, and what is refused."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.firehose.destinations import KINDS, chosen, described, updated

ROLE = "arn:aws:iam::000000000000:role/r"
PLACE = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
HTTP = {"EndpointConfiguration": {"Url": "https://a/", "AccessKey": "secret", "Name": "n"}, "S3Configuration": PLACE}
SPLUNK = {"HECEndpoint": "https://a:8088", "HECEndpointType": "Raw", "HECToken": "t", "S3Configuration": PLACE}
SEARCH = {"RoleARN": ROLE, "ClusterEndpoint": "https://a", "IndexName": "i", "S3Configuration": PLACE}
CONVERSION = {
    "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "d", "TableName": "t"},
    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
}
PARTITIONED = {
    "Prefix": "!{partitionKeyFromQuery:a}/",
    "ErrorOutputPrefix": "!{firehose:error-output-type}/",
    "DynamicPartitioningConfiguration": {"Enabled": True},
}


def processors(*pairs):
    made = [
        {"Type": kind, "Parameters": [{"ParameterName": n, "ParameterValue": v} for n, v in parameters.items()]}
        for kind, parameters in pairs
    ]
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": made}}


QUERY = processors(("MetadataExtraction", {"MetadataExtractionQuery": "{a:.a}", "JsonParsingEngine": "JQ-1.6"}))


def whole(kind, **configuration):
    return {"kind": kind, "config": KINDS[kind].complete(configuration)}


@pytest.mark.parametrize(
    ("kind", "configuration", "size", "interval_s"),
    [
        ("ExtendedS3", PLACE, 5, 300),
        ("ExtendedS3", PLACE | {"DataFormatConversionConfiguration": CONVERSION}, 128, 300),
        ("ExtendedS3", PLACE | PARTITIONED | QUERY, 64, 300),
        ("HttpEndpoint", HTTP, 5, 300),
        ("Splunk", SPLUNK, 5, 60),
        ("OpenSearch", SEARCH, 5, 300),
    ],
)
def test_buffers_have_the_size_that_aws_documents(kind, configuration, size, interval_s):
    hints = whole(kind, **configuration)["config"]["BufferingHints"]
    assert hints == {"SizeInMBs": size, "IntervalInSeconds": interval_s}


@pytest.mark.parametrize(
    ("kind", "configuration", "said"),
    [
        ("ExtendedS3", PLACE | PARTITIONED, "MetadataExtraction"),
        ("ExtendedS3", PLACE | PARTITIONED | QUERY | {"Prefix": "a/"}, "partition keys"),
        ("ExtendedS3", PLACE | QUERY, "DynamicPartitioningConfiguration"),
        ("ExtendedS3", PLACE | processors(("Lambda", {"LambdaArn": "f"})), "LambdaArn"),
        ("ExtendedS3", PLACE | processors(("Lambda", {})), "LambdaArn"),
        ("ExtendedS3", PLACE | processors(("RecordDeAggregation", {"SubRecordType": "XML"})), "SubRecordType"),
        ("ExtendedS3", PLACE | processors(("AppendDelimiterToRecord", {"LambdaArn": "x"})), "LambdaArn"),
        ("ExtendedS3", PLACE | processors(*[("AppendDelimiterToRecord", {})] * 2), "only one"),
        ("ExtendedS3", PLACE | {"DataFormatConversionConfiguration": {"Enabled": True}}, "SchemaConfiguration"),
        (
            "ExtendedS3",
            PLACE | {"DataFormatConversionConfiguration": CONVERSION, "CompressionFormat": "GZIP"},
            "UNCOMPRESSED",
        ),
        ("HttpEndpoint", HTTP | {"SecretsManagerConfiguration": {"Enabled": True}}, "SecretsManagerConfiguration"),
        ("Splunk", SPLUNK | {"HECToken": ""}, "HECToken"),
        ("Splunk", SPLUNK | {"HECEndpoint": "splunk"}, "HECEndpoint"),
        ("OpenSearch", SEARCH | {"DomainARN": "arn:aws:es:us-east-1:000000000000:domain/abc"}, "DomainARN"),
        ("OpenSearch", SEARCH | {"ClusterEndpoint": ""}, "ClusterEndpoint"),
        ("Splunk", SPLUNK | {"CloudWatchLoggingOptions": {"Enabled": True}}, "LogGroupName"),
    ],
)
def test_what_is_wrong_is_named(kind, configuration, said):
    with pytest.raises(ServiceError) as caught:
        whole(kind, **configuration)
    assert caught.value.code == "InvalidArgumentException"
    assert said in caught.value.message


def test_padding_is_refused_by_name():
    padded = CONVERSION | {"OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"MaxPaddingBytes": 9}}}}
    with pytest.raises(ServiceError, match="MaxPaddingBytes"):
        whole("ExtendedS3", **PLACE, DataFormatConversionConfiguration=padded)


def test_an_update_keeps_what_it_does_not_name():
    present = whole("HttpEndpoint", **HTTP, RetryOptions={"DurationInSeconds": 7})
    after = updated(present, "HttpEndpoint", {"S3Update": {"Prefix": "p/"}})["config"]
    assert after["RetryOptions"] == {"DurationInSeconds": 7}
    assert (after["S3Configuration"]["Prefix"], after["S3Configuration"]["BucketARN"]) == ("p/", "arn:aws:s3:::lake")
    assert "Prefix" not in present["config"]["S3Configuration"]


def test_an_update_does_not_switch_off_what_is_for_ever():
    backed = whole("ExtendedS3", **PLACE, S3BackupMode="Enabled", S3BackupConfiguration=PLACE)
    with pytest.raises(ServiceError, match="S3BackupMode"):
        updated(backed, "ExtendedS3", {"S3BackupMode": "Disabled"})
    divided = whole("ExtendedS3", **PLACE, **PARTITIONED, **QUERY)
    with pytest.raises(ServiceError, match="DynamicPartitioning"):
        updated(divided, "ExtendedS3", {"DynamicPartitioningConfiguration": {"Enabled": False}, "Prefix": "a/"})
    with pytest.raises(ServiceError, match="Splunk"):
        updated(backed, "Splunk", {})


def test_there_is_exactly_one_destination():
    for request in ({}, {"S3DestinationConfiguration": PLACE, "ExtendedS3DestinationConfiguration": PLACE}):
        with pytest.raises(ServiceError, match="Exactly one"):
            chosen(request)


def test_an_access_key_is_never_told():
    shown = described(whole("HttpEndpoint", **HTTP))["HttpEndpointDestinationDescription"]
    assert shown["EndpointConfiguration"] == {"Url": "https://a/", "Name": "n"}
    assert shown["S3DestinationDescription"]["BucketARN"] == "arn:aws:s3:::lake"
