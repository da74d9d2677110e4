"""services/kinesis: what callers must be allowed."""

import json

import pytest
from tests.unit.services.kinesis.conftest import ACCOUNT, ARN, call

from lakemill.engines.streams import IteratorBroken


def needed(kinesis, operation, **request):
    return [(need.action, need.resource) for need in kinesis.needs(call(operation), request)]


@pytest.fixture
async def stream(ask, streams):
    await ask("CreateStream", StreamName="s", ShardCount=1)
    return streams.find(f"{ACCOUNT}/us-east-1", "s")


async def test_actions_on_a_stream_name_its_arn(kinesis, stream):
    assert needed(kinesis, "PutRecord", StreamName="s") == [("kinesis:PutRecord", f"{ARN}s")]
    assert needed(kinesis, "DeleteStream", StreamARN=f"{ARN}gone") == [("kinesis:DeleteStream", f"{ARN}gone")]
    assert needed(kinesis, "ListStreams") == [("kinesis:ListStreams", "*")]


async def test_reading_by_an_iterator_or_a_token_is_about_their_stream(kinesis, ask, stream):
    where = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
    iterator = (await ask("GetShardIterator", **where))["ShardIterator"]
    assert needed(kinesis, "GetRecords", ShardIterator=iterator) == [("kinesis:GetRecords", f"{ARN}s")]
    with pytest.raises(IteratorBroken):
        needed(kinesis, "GetRecords", ShardIterator="made-up")
    await ask("UpdateShardCount", StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    token = (await ask("ListShards", StreamName="s", MaxResults=1))["NextToken"]
    assert needed(kinesis, "ListShards", NextToken=token) == [("kinesis:ListShards", f"{ARN}s")]


async def test_tags_at_creation_need_a_right_of_their_own(kinesis, stream):
    assert needed(kinesis, "CreateStream", StreamName="t", Tags={"a": "b"}) == [
        ("kinesis:CreateStream", f"{ARN}t"),
        ("kinesis:AddTagsToStream", f"{ARN}t"),
    ]


async def test_consumers_have_arns_and_policies_of_their_own(kinesis, ask, stream):
    consumer = (await ask("RegisterStreamConsumer", StreamARN=f"{ARN}s", ConsumerName="app"))["Consumer"]
    arn = consumer["ConsumerARN"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:SubscribeToShard", "Resource": arn}],
    }
    await ask("PutResourcePolicy", ResourceARN=arn, Policy=json.dumps(policy))
    (need,) = kinesis.needs(call("SubscribeToShard"), {"ConsumerARN": arn})
    assert (need.action, need.resource, need.resource_policy) == ("kinesis:SubscribeToShard", arn, policy)
    by_name = {"StreamARN": f"{ARN}s", "ConsumerName": "app"}
    assert needed(kinesis, "DescribeStreamConsumer", **by_name) == [("kinesis:DescribeStreamConsumer", arn)]
    (need,) = kinesis.needs(call("PutRecord"), {"StreamName": "s"})
    assert need.resource_policy is None


async def test_a_stream_of_another_account_is_asked_of_that_account(kinesis, ask, stream):
    (need,) = kinesis.needs(call("PutRecord", account="111111111111"), {"StreamARN": f"{ARN}s"})
    assert need.resource_account == ACCOUNT


async def test_records_under_a_key_need_that_key_too(kinesis, ask, keys, stream):
    await ask("StartStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    _, need = kinesis.needs(call("PutRecord"), {"StreamName": "s"})
    assert need.context["kms:ViaService"] == "kinesis.us-east-1.amazonaws.com"
    assert need.resource_policy["Statement"][0]["Principal"] == {"AWS": "*"}  # Everybody of the account.
    key = await keys.create(f"{ACCOUNT}/us-east-1")
    await ask("StartStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId=key.id)
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key.id}"
    assert needed(kinesis, "PutRecords", StreamName="s")[1:] == [("kms:GenerateDataKey", arn)]
    where = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
    iterator = (await ask("GetShardIterator", **where))["ShardIterator"]
    assert needed(kinesis, "GetRecords", ShardIterator=iterator)[1:] == [("kms:Decrypt", arn)]
    assert len(needed(kinesis, "DescribeStream", StreamName="s")) == 1
