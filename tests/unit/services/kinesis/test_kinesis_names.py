"""services/kinesis: names, tokens, filters, errors."""

import datetime

import pytest
from tests.unit.services.kinesis.conftest import ACCOUNT, ARN, call

from lakemill.gateway import errors, models
from lakemill.services.base import ServiceError
from lakemill.services.kinesis import Kinesis, tokens
from lakemill.services.kinesis.naming import named, read_arn

HOUR_S = 3600


def test_every_code_is_one_of_the_model():
    known = errors.kinds(models.service_model("kinesis"))
    assert set(Kinesis.errors.values()) <= set(known)


def test_arns_of_streams_and_consumers_are_read():
    assert read_arn(f"{ARN}clicks", "us-east-1") == (f"{ACCOUNT}/us-east-1", "clicks", "", 0)
    assert read_arn(f"{ARN}clicks/consumer/app:17", "us-east-1") == (f"{ACCOUNT}/us-east-1", "clicks", "app", 17)
    for wrong in (
        f"{ARN}a/b",
        f"{ARN}a/consumer/b",
        "arn:aws:s3:::bucket",
        ARN.replace("us-east-1", "eu-west-1") + "a",
    ):
        with pytest.raises(ServiceError) as caught:
            read_arn(wrong, "us-east-1")
        assert caught.value.code == "ResourceNotFoundException"


async def test_an_arn_of_another_account_leads_there_and_a_name_does_not(streams):
    other = "111111111111/us-east-1"
    await streams.create(other, "theirs")
    arn = "arn:aws:kinesis:us-east-1:111111111111:stream/theirs"
    assert named(call("PutRecord"), {"StreamARN": arn}, streams) == (other, "theirs")
    assert named(call("PutRecord"), {"StreamName": "theirs"}, streams) == (f"{ACCOUNT}/us-east-1", "theirs")
    stream_id = streams.find(other, "theirs").id
    assert named(call("PutRecord"), {"StreamARN": arn, "StreamId": stream_id}, streams) == (other, "theirs")
    with pytest.raises(ServiceError):
        named(call("PutRecord"), {"StreamId": stream_id}, streams)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "kA==", tokens.made("ListStreams", 0, "x")])
def test_tokens_that_are_none_of_ours_are_refused(token):
    with pytest.raises(ServiceError) as caught:
        tokens.read(token, "ListShards", 0)
    assert caught.value.code == "InvalidArgumentException"


def test_tokens_expire_after_300_seconds():
    token = tokens.made("ListShards", 1000, "id", 5)
    assert tokens.read(token, "ListShards", 301_000) == ["id", 5]
    with pytest.raises(ServiceError) as caught:
        tokens.read(token, "ListShards", 301_001)
    assert caught.value.code == "ExpiredNextTokenException"


async def test_filters_of_shards_look_at_their_lives(ask, clock):
    await ask("CreateStream", StreamName="s", ShardCount=1)
    begun = clock.now()
    clock.advance(HOUR_S)
    await ask("UpdateShardCount", StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    clock.advance(HOUR_S)
    await ask("UpdateShardCount", StreamName="s", TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    clock.advance(HOUR_S)

    async def listed(kind, **more):
        answer = await ask("ListShards", StreamName="s", ShardFilter={"Type": kind, **more})
        return [int(shard["ShardId"][-1]) for shard in answer["Shards"]]

    half = datetime.timedelta(minutes=30)
    assert await listed("AT_LATEST") == [3]
    assert await listed("AT_TRIM_HORIZON") == [0]
    assert await listed("FROM_TRIM_HORIZON") == [0, 1, 2, 3]
    assert await listed("AFTER_SHARD_ID", ShardId="shardId-000000000001") == [2, 3]
    assert await listed("AT_TIMESTAMP", Timestamp=begun + 3 * half) == [1, 2]
    assert await listed("AT_TIMESTAMP", Timestamp=begun - 9 * half) == [0]
    assert await listed("AT_TIMESTAMP", Timestamp=begun + 99 * half) == [3]
    assert await listed("FROM_TIMESTAMP", Timestamp=begun + 3 * half) == [1, 2, 3]
    clock.advance(22.5 * HOUR_S)
    assert await listed("FROM_TRIM_HORIZON") == [1, 2, 3]
    assert await listed("AT_TRIM_HORIZON") == [1, 2]


@pytest.mark.parametrize(
    "given",
    [
        {"Type": "AT_TIMESTAMP"},
        {"Type": "AFTER_SHARD_ID"},
        {"Type": "AT_LATEST", "ShardId": "shardId-000000000000"},
        {"Type": "AFTER_SHARD_ID", "ShardId": "s", "Timestamp": datetime.datetime.now(datetime.UTC)},
    ],
)
async def test_a_filter_takes_what_belongs_to_it_alone(ask, given):
    await ask("CreateStream", StreamName="s", ShardCount=1)
    with pytest.raises(ServiceError) as caught:
        await ask("ListShards", StreamName="s", ShardFilter=given)
    assert caught.value.code == "InvalidArgumentException"
    assert given["Type"] in caught.value.message


async def test_shards_streams_and_consumers_come_by_pages(ask):
    await ask("CreateStream", StreamName="s", ShardCount=5)
    page = await ask("ListShards", StreamName="s", MaxResults=3)
    rest = await ask("ListShards", NextToken=page["NextToken"], StreamARN=f"{ARN}s")
    assert [shard["ShardId"][-1] for shard in page["Shards"] + rest["Shards"]] == list("01234")
    described = (await ask("DescribeStream", StreamName="s", Limit=2))["StreamDescription"]
    assert described["HasMoreShards"] and len(described["Shards"]) == 2
    after = described["Shards"][-1]["ShardId"]
    described = (await ask("DescribeStream", StreamName="s", ExclusiveStartShardId=after))["StreamDescription"]
    assert not described["HasMoreShards"] and len(described["Shards"]) == 3
    for name in "abc":
        await ask("CreateStream", StreamName=name, ShardCount=1)
        await ask("RegisterStreamConsumer", StreamARN=f"{ARN}s", ConsumerName=name)
    page = await ask("ListStreams", Limit=3)
    assert (page["StreamNames"], page["HasMoreStreams"]) == (["a", "b", "c"], True)
    rest = await ask("ListStreams", NextToken=page["NextToken"])
    assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["s"], False)
    assert (await ask("ListStreams", ExclusiveStartStreamName="b"))["StreamNames"] == ["c", "s"]
    page = await ask("ListStreamConsumers", StreamARN=f"{ARN}s", MaxResults=2)
    rest = await ask("ListStreamConsumers", StreamARN=f"{ARN}s", NextToken=page["NextToken"])
    assert [one["ConsumerName"] for one in page["Consumers"] + rest["Consumers"]] == ["a", "b", "c"]


async def test_the_time_of_creation_tells_two_streams_of_a_name_apart(ask, clock):
    await ask("CreateStream", StreamName="s", ShardCount=1)
    assert (await ask("ListShards", StreamName="s", StreamCreationTimestamp=clock.now()))["Shards"]
    with pytest.raises(ServiceError) as caught:
        early = clock.now() - datetime.timedelta(hours=1)
        await ask("ListShards", StreamName="s", StreamCreationTimestamp=early)
    assert caught.value.code == "ResourceNotFoundException"


async def test_tags_of_aws_are_not_set_by_people(ask):
    for operation, more in (("CreateStream", {"ShardCount": 1}), ("AddTagsToStream", {})):
        with pytest.raises(ServiceError) as caught:
            await ask(operation, StreamName="s", Tags={"aws:owner": "me"}, **more)
        assert caught.value.code == "InvalidArgumentException"


async def test_a_commitment_opens_warm_throughput_and_is_described(ask):
    assert await ask("DescribeAccountSettings") == {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
    request = {"StreamName": "s", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "WarmThroughputMiBps": 7}
    with pytest.raises(ServiceError):
        await ask("CreateStream", **request)
    await ask("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    settings = (await ask("DescribeAccountSettings"))["MinimumThroughputBillingCommitment"]
    assert settings["Status"] == "ENABLED" and settings["EarliestAllowedEndAt"] - settings["StartedAt"] == 24 * HOUR_S
    await ask("CreateStream", **request)
    summary = (await ask("DescribeStreamSummary", StreamName="s"))["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 7 and summary["WarmThroughput"] == {"TargetMiBps": 7, "CurrentMiBps": 7}
    await ask("CreateStream", StreamName="p", ShardCount=1)
    mode = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "WarmThroughputMiBps": 5}
    await ask("UpdateStreamMode", StreamARN=f"{ARN}p", **mode)
    assert (await ask("DescribeLimits"))["OpenShardCount"] == 12


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"ShardCount": 1, "WarmThroughputMiBps": 5},
        {"ShardCount": 1, "RecordDistributionStrategy": "AUTO"},
        {"ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
    ],
)
async def test_settings_of_the_other_mode_are_refused(ask, request_):
    with pytest.raises(ServiceError) as caught:
        await ask("CreateStream", StreamName="s", **request_)
    assert caught.value.code in ("InvalidArgumentException", "ValidationException")


async def test_a_dry_run_says_that_it_would_do_and_does_not(ask):
    await ask("CreateStream", StreamName="s", ShardCount=1)
    where = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = (await ask("GetShardIterator", **where))["ShardIterator"]
    for operation, request in (
        ("PutRecord", {"StreamName": "s", "Data": b"", "PartitionKey": "k"}),
        ("PutRecords", {"StreamName": "s", "Records": [{"Data": b"", "PartitionKey": "k"}]}),
        ("GetShardIterator", where),
        ("GetRecords", {"ShardIterator": iterator}),
    ):
        with pytest.raises(ServiceError) as caught:
            await ask(operation, DryRun=True, **request)
        assert caught.value.code == "DryRunOperationException"
    assert len((await ask("GetRecords", ShardIterator=iterator))["Records"]) == 0
