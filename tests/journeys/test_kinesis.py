"""Kinesis Data Streams through boto3, and through the older CBOR that Java programs speak."""

import datetime
import hashlib
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from tests.journeys.cborclient import CborClient, Millis, Refused

NAMES = itertools.count()


@pytest.fixture
def kinesis(lakemill):
    return lakemill.client("kinesis")


@pytest.fixture
def stream(kinesis):
    """The name of a stream of two shards."""
    name = f"journey-{next(NAMES)}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    return name


def refused(code, call, **request):
    """The message of a call that must be refused with this code."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def read_shard(kinesis, name, shard, kind="TRIM_HORIZON", limit=100):
    """All records of a shard until its tip or end, and the last answer."""
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind)["ShardIterator"]
    found = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=limit)
        found += answer["Records"]
        iterator = answer.get("NextShardIterator")
        if iterator is None or (not answer["Records"] and answer["MillisBehindLatest"] == 0):
            return found, answer


def shards_of(kinesis, name, **given):
    return [shard["ShardId"] for shard in kinesis.list_shards(StreamName=name, **given)["Shards"]]


def test_a_stream_lives_from_creation_to_deletion(kinesis):
    kinesis.create_stream(StreamName="life", ShardCount=2, Tags={"team": "blue"})
    described = kinesis.describe_stream(StreamName="life")["StreamDescription"]
    assert described["StreamARN"] == "arn:aws:kinesis:us-east-1:000000000000:stream/life"
    assert described["StreamStatus"] == "ACTIVE" and len(described["Shards"]) == 2
    assert described["Shards"][1]["HashKeyRange"] == {
        "StartingHashKey": str(1 << 127),
        "EndingHashKey": "340282366920938463463374607431768211455",
    }
    summary = kinesis.describe_stream_summary(StreamName="life")["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["ConsumerCount"]) == (2, 0)
    assert summary["RetentionPeriodHours"] == 24 and summary["EncryptionType"] == "NONE"
    assert "life" in kinesis.list_streams()["StreamNames"]
    assert kinesis.list_tags_for_stream(StreamName="life")["Tags"] == [{"Key": "team", "Value": "blue"}]
    message = refused("ResourceInUseException", kinesis.create_stream, StreamName="life", ShardCount=1)
    assert message == "Stream life under account 000000000000 already exists."
    kinesis.delete_stream(StreamARN=described["StreamARN"])
    message = refused("ResourceNotFoundException", kinesis.describe_stream, StreamName="life")
    assert message == "Stream life under account 000000000000 not found."


def test_records_are_placed_by_their_keys_and_read_as_they_were_put(kinesis, stream):
    one = kinesis.put_record(StreamName=stream, Data=b"\x00\xffbinary", PartitionKey="schlüssel")
    upper = int(hashlib.md5("schlüssel".encode()).hexdigest(), 16) >> 127
    assert one["ShardId"] == f"shardId-00000000000{upper}" and one["EncryptionType"] == "NONE"
    many = kinesis.put_records(
        StreamName=stream, Records=[{"Data": b"%d" % i, "PartitionKey": str(i)} for i in range(100)]
    )
    assert many["FailedRecordCount"] == 0
    found = {}
    for shard in shards_of(kinesis, stream):
        records, answer = read_shard(kinesis, stream, shard, limit=7)
        assert answer["MillisBehindLatest"] == 0 and "ChildShards" not in answer
        numbers = [int(record["SequenceNumber"]) for record in records]
        assert numbers == sorted(set(numbers))
        found |= {record["SequenceNumber"]: record for record in records}
    assert found[one["SequenceNumber"]]["Data"] == b"\x00\xffbinary"
    assert found[one["SequenceNumber"]]["PartitionKey"] == "schlüssel"
    for i, result in enumerate(many["Records"]):
        assert found[result["SequenceNumber"]]["Data"] == b"%d" % i
    arrived = found[one["SequenceNumber"]]["ApproximateArrivalTimestamp"]
    assert abs(datetime.datetime.now(datetime.UTC) - arrived) < datetime.timedelta(minutes=1)


def test_a_stream_goes_by_name_arn_and_id(lakemill, kinesis, stream):
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    # boto3 makes a host name of an id, so this asks itself.
    client = CborClient(lakemill)
    for way in ({"StreamARN": summary["StreamARN"]}, {"StreamId": summary["StreamId"]}):
        client.call("PutRecord", **way, Data=b"x", PartitionKey="k")
        assert client.call("DescribeStream", **way)["StreamDescription"]["StreamName"] == stream
    refused("InvalidArgumentException", kinesis.describe_stream, StreamName="other", StreamARN=summary["StreamARN"])
    refused("InvalidArgumentException", kinesis.describe_stream)
    elsewhere = summary["StreamARN"].replace("us-east-1", "eu-west-1")
    refused("ResourceNotFoundException", kinesis.describe_stream, StreamARN=elsewhere)


def test_a_split_is_read_in_order_parent_before_children(kinesis, stream):
    def put(values):
        for value in values:
            kinesis.put_record(StreamName=stream, Data=b"%d" % value, PartitionKey="k", ExplicitHashKey="5")

    put(range(5))
    kinesis.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 126))
    put(range(5, 10))
    shards = {shard["ShardId"]: shard for shard in kinesis.list_shards(StreamName=stream)["Shards"]}
    assert "EndingSequenceNumber" in shards["shardId-000000000000"]["SequenceNumberRange"]
    assert shards["shardId-000000000002"]["ParentShardId"] == "shardId-000000000000"
    before, end = read_shard(kinesis, stream, "shardId-000000000000")
    assert [record["Data"] for record in before] == [b"%d" % i for i in range(5)]
    assert [(child["ShardId"], child["ParentShards"]) for child in end["ChildShards"]] == [
        ("shardId-000000000002", ["shardId-000000000000"]),
        ("shardId-000000000003", ["shardId-000000000000"]),
    ]
    after, _ = read_shard(kinesis, stream, end["ChildShards"][0]["ShardId"])
    assert [record["Data"] for record in after] == [b"%d" % i for i in range(5, 10)]
    assert int(after[0]["SequenceNumber"]) > int(before[-1]["SequenceNumber"])
    kinesis.merge_shards(
        StreamName=stream, ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000003"
    )
    assert shards_of(kinesis, stream, ShardFilter={"Type": "AT_LATEST"}) == [
        "shardId-000000000001",
        "shardId-000000000004",
    ]
    merged = kinesis.list_shards(StreamName=stream)["Shards"][-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (
        "shardId-000000000002",
        "shardId-000000000003",
    )


def test_shards_are_counted_up_and_down_and_listed_by_pages_and_filters(kinesis, stream):
    answer = kinesis.update_shard_count(StreamName=stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (2, 4)
    assert shards_of(kinesis, stream, ShardFilter={"Type": "AT_LATEST"}) == [f"shardId-{i:012d}" for i in range(2, 6)]
    assert shards_of(kinesis, stream, ShardFilter={"Type": "AT_TRIM_HORIZON"}) == [f"shardId-{i:012d}" for i in (0, 1)]
    after = {"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000003"}
    assert shards_of(kinesis, stream, ShardFilter=after) == ["shardId-000000000004", "shardId-000000000005"]
    now = {"Type": "FROM_TIMESTAMP", "Timestamp": datetime.datetime.now(datetime.UTC)}
    assert len(shards_of(kinesis, stream, ShardFilter=now)) == 4
    page = kinesis.list_shards(StreamName=stream, MaxResults=4)
    token = page["NextToken"]
    rest = kinesis.list_shards(NextToken=token)
    assert [shard["ShardId"][-1] for shard in page["Shards"] + rest["Shards"]] == list("012345")
    assert "NextToken" not in rest
    refused("InvalidArgumentException", kinesis.list_shards, StreamName=stream, NextToken=token)
    message = refused(
        "InvalidArgumentException",
        kinesis.update_shard_count,
        StreamName=stream,
        TargetShardCount=9,
        ScalingType="UNIFORM_SCALING",
    )
    assert message.startswith("UpdateShardCount cannot scale up over double")


def test_shards_change_while_several_write_and_nothing_is_lost(kinesis):
    kinesis.create_stream(StreamName="busy", ShardCount=2)
    done = threading.Event()

    def write(writer):
        written = []
        while not done.is_set():
            written.append(b"%d-%d" % (writer, len(written)))
            kinesis.put_record(StreamName="busy", Data=written[-1], PartitionKey=str(len(written)))
        return written

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write, writer) for writer in range(6)]
        try:
            for count in (4, 3, 5):
                kinesis.update_shard_count(StreamName="busy", TargetShardCount=count, ScalingType="UNIFORM_SCALING")
        finally:
            done.set()
        written = [data for one in writers for data in one.result()]
    found = [one["Data"] for shard in shards_of(kinesis, "busy") for one in read_shard(kinesis, "busy", shard)[0]]
    assert sorted(found) == sorted(written)
    kinesis.delete_stream(StreamName="busy")


def test_an_iterator_is_good_in_its_region_only(lakemill, kinesis, stream):
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"] == []
    elsewhere = lakemill.client("kinesis", region="eu-west-1")
    refused("InvalidArgumentException", elsewhere.get_records, ShardIterator=iterator)


def test_iterators_begin_where_they_say(kinesis, stream):
    put = [
        kinesis.put_record(StreamName=stream, Data=b"%d" % i, PartitionKey="k", ExplicitHashKey="0") for i in range(3)
    ]
    where = {"StreamName": stream, "ShardId": "shardId-000000000000"}

    def data(**start):
        iterator = kinesis.get_shard_iterator(**where, **start)["ShardIterator"]
        return [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]]

    second = put[1]["SequenceNumber"]
    assert data(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=second) == [b"1", b"2"]
    assert data(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second) == [b"2"]
    assert data(ShardIteratorType="AT_TIMESTAMP", Timestamp=1_000_000_000) == [b"0", b"1", b"2"]
    assert data(ShardIteratorType="LATEST") == []
    for wrong in (
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
        {"ShardIteratorType": "LATEST", "StartingSequenceNumber": second},
        {"ShardIteratorType": "AT_TIMESTAMP"},
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "7"},
        {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 4_000_000_000},
    ):
        refused("InvalidArgumentException", kinesis.get_shard_iterator, **where, **wrong)
    refused("InvalidArgumentException", kinesis.get_records, ShardIterator="made-up")
    refused("ValidationException", kinesis.get_records, ShardIterator="x", Limit=10_001)
    refused(
        "ResourceNotFoundException",
        kinesis.get_shard_iterator,
        StreamName=stream,
        ShardId="shardId-000000000077",
        ShardIteratorType="LATEST",
    )


def test_what_cannot_be_put_is_refused_whole(kinesis, stream):
    too_long = b"x" * (1024 * 1024)
    message = refused("ValidationException", kinesis.put_record, StreamName=stream, Data=too_long, PartitionKey="k")
    assert message.endswith("Member must have length less than or equal to 1048576")
    records = [{"Data": b"fits", "PartitionKey": "k"}, {"Data": too_long, "PartitionKey": "k"}]
    refused("ValidationException", kinesis.put_records, StreamName=stream, Records=records)
    message = refused(
        "InvalidArgumentException",
        kinesis.put_record,
        StreamName=stream,
        Data=b"",
        PartitionKey="k",
        ExplicitHashKey="9" * 39,
    )
    assert message.startswith("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1].")
    refused("ValidationException", kinesis.put_record, StreamName=stream, Data=b"no key")
    refused(
        "InvalidArgumentException",
        kinesis.put_record,
        StreamName=stream,
        Data=b"",
        PartitionKey="k",
        SequenceNumberForOrdering="5",
    )
    refused("DryRunOperationException", kinesis.put_record, StreamName=stream, Data=b"", PartitionKey="k", DryRun=True)
    assert all(read_shard(kinesis, stream, shard)[0] == [] for shard in shards_of(kinesis, stream))
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    kinesis.put_record(StreamName=stream, Data=too_long, PartitionKey="k")


def test_retention_is_prolonged_and_shortened(kinesis, stream):
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=8760)
    message = refused(
        "InvalidArgumentException",
        kinesis.increase_stream_retention_period,
        StreamName=stream,
        RetentionPeriodHours=48,
    )
    assert message.endswith("Use DecreaseRetentionPeriod API.")
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
    assert kinesis.describe_stream(StreamName=stream)["StreamDescription"]["RetentionPeriodHours"] == 48


def test_a_stream_on_demand_has_four_shards_and_no_reshard_by_hand(kinesis):
    kinesis.create_stream(StreamName="on-demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = kinesis.describe_stream_summary(StreamName="on-demand")["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 4 and summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    arn = summary["StreamARN"]
    refused(
        "InvalidArgumentException",
        kinesis.update_shard_count,
        StreamName="on-demand",
        TargetShardCount=8,
        ScalingType="UNIFORM_SCALING",
    )
    refused("InvalidArgumentException", kinesis.update_stream_warm_throughput, StreamARN=arn, WarmThroughputMiBps=6)
    kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    warm = kinesis.update_stream_warm_throughput(StreamARN=arn, WarmThroughputMiBps=6)["WarmThroughput"]
    assert warm == {"TargetMiBps": 6, "CurrentMiBps": 6}
    kinesis.update_stream_record_distribution_strategy(StreamARN=arn, RecordDistributionStrategy="AUTO")
    put = kinesis.put_records(StreamName="on-demand", Records=[{"Data": b"x"}] * 12)
    assert len({record["ShardId"] for record in put["Records"]}) == 6
    records, _ = read_shard(kinesis, "on-demand", put["Records"][0]["ShardId"])
    assert "PartitionKey" not in records[0]
    limits = kinesis.describe_limits()
    assert limits["OnDemandStreamCount"] >= 1 and limits["OpenShardCount"] >= 6


def test_tags_go_both_ways(kinesis, stream):
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"a": "1", "b": "2"})
    kinesis.tag_resource(ResourceARN=arn, Tags={"c": "3"})
    kinesis.remove_tags_from_stream(StreamName=stream, TagKeys=["a"])
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["b"])
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "3"}]
    refused("LimitExceededException", kinesis.tag_resource, ResourceARN=arn, Tags={str(i): "" for i in range(51)})


def test_records_are_sent_to_a_registered_consumer(kinesis, stream):
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app", Tags={"a": "b"})["Consumer"]
    assert (
        kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]["StreamARN"] == arn
    )
    assert [one["ConsumerName"] for one in kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["app"]
    refused("ResourceInUseException", kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="app")
    refused("ResourceInUseException", kinesis.delete_stream, StreamName=stream)
    where = {"ConsumerARN": consumer["ConsumerARN"], "ShardId": "shardId-000000000000"}
    start = {"StartingPosition": {"Type": "TRIM_HORIZON"}}
    events = iter(kinesis.subscribe_to_shard(**where, **start)["EventStream"])
    refused("ResourceInUseException", kinesis.subscribe_to_shard, **where, **start)
    kinesis.put_record(StreamName=stream, Data=b"pushed", PartitionKey="k", ExplicitHashKey="0")
    event = next(events)["SubscribeToShardEvent"]
    assert [record["Data"] for record in event["Records"]] == [b"pushed"]
    assert event["ContinuationSequenceNumber"] == event["Records"][-1]["SequenceNumber"]
    kinesis.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 126))
    event = next(events)["SubscribeToShardEvent"]
    assert len(event["ChildShards"]) == 2 and "ContinuationSequenceNumber" not in event
    assert list(events) == []
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="app")
    kinesis.delete_stream(StreamName=stream)


@pytest.mark.slow
def test_a_subscription_says_when_it_is_quiet_and_is_taken_over(kinesis, stream):
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
    request = {
        "ConsumerARN": consumer,
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "LATEST"},
    }
    first = iter(kinesis.subscribe_to_shard(**request)["EventStream"])
    quiet = next(first)["SubscribeToShardEvent"]
    assert quiet["Records"] == [] and quiet["MillisBehindLatest"] == 0
    kinesis.subscribe_to_shard(**request)
    with pytest.raises(ClientError) as caught:
        list(first)
    assert caught.value.response["Error"]["Code"] == "ResourceInUseException"


def test_records_are_encrypted_under_a_key_and_stop_with_it(lakemill, kinesis, stream):
    kms = lakemill.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    refused(
        "KMSNotFoundException",
        kinesis.start_stream_encryption,
        StreamName=stream,
        EncryptionType="KMS",
        KeyId="alias/none",
    )
    kinesis.start_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId=key)
    described = kinesis.describe_stream(StreamName=stream)["StreamDescription"]
    assert (described["EncryptionType"], described["KeyId"]) == ("KMS", key)
    put = kinesis.put_record(StreamName=stream, Data=b"a secret that is nowhere on the disk", PartitionKey="k")
    assert put["EncryptionType"] == "KMS"
    files = [path for path in (lakemill.data / "log").rglob("*") if path.is_file()]
    assert not any(b"a secret that is nowhere on the disk" in path.read_bytes() for path in files)
    records, _ = read_shard(kinesis, stream, put["ShardId"])
    assert (records[0]["Data"], records[0]["EncryptionType"]) == (b"a secret that is nowhere on the disk", "KMS")
    kms.disable_key(KeyId=key)
    refused("KMSDisabledException", kinesis.put_record, StreamName=stream, Data=b"", PartitionKey="k")
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    refused("KMSDisabledException", kinesis.get_records, ShardIterator=iterator)
    kms.enable_key(KeyId=key)
    kinesis.stop_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId=key)
    assert kinesis.put_record(StreamName=stream, Data=b"", PartitionKey="k")["EncryptionType"] == "NONE"


def test_a_user_may_what_identity_and_resource_policies_allow(lakemill, kinesis, stream):
    iam = lakemill.client("iam")
    iam.create_user(UserName="producer")
    key = iam.create_access_key(UserName="producer")["AccessKey"]
    producer = lakemill.client("kinesis", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"
    message = refused("AccessDeniedException", producer.put_record, StreamName=stream, Data=b"", PartitionKey="k")
    assert f"is not authorized to perform: kinesis:PutRecord on resource: {arn}" in message
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/producer"},
        "Action": ["kinesis:PutRecord"],
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    assert json.loads(kinesis.get_resource_policy(ResourceARN=arn)["Policy"])["Statement"] == [statement]
    producer.put_record(StreamName=stream, Data=b"allowed", PartitionKey="k")
    refused("AccessDeniedException", producer.delete_stream, StreamName=stream)
    kinesis.delete_resource_policy(ResourceARN=arn)
    refused("AccessDeniedException", producer.put_record, StreamName=stream, Data=b"", PartitionKey="k")
    refused("ResourceNotFoundException", kinesis.get_resource_policy, ResourceARN=arn)
    refused("ValidationException", kinesis.put_resource_policy, ResourceARN=arn, Policy="{}")


def test_what_lakemill_does_not_provide_is_said(kinesis, stream):
    with pytest.raises(ClientError) as caught:
        kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_program_that_speaks_cbor_is_answered_in_cbor(lakemill, kinesis, stream):
    client = CborClient(lakemill)
    put = client.call(
        "PutRecords", StreamName=stream, Records=[{"Data": b"\x00%d" % i, "PartitionKey": str(i)} for i in range(20)]
    )
    assert put["FailedRecordCount"] == 0 and len(put["Records"]) == 20
    shards = client.call("ListShards", StreamName=stream)["Shards"]
    found = []
    for shard in shards:
        iterator = client.call(
            "GetShardIterator",
            StreamName=stream,
            ShardId=shard["ShardId"],
            ShardIteratorType="AT_TIMESTAMP",
            Timestamp=Millis((time.time() - 600) * 1000),
        )["ShardIterator"]
        found += client.call("GetRecords", ShardIterator=iterator)["Records"]
    assert sorted(record["Data"] for record in found) == sorted(b"\x00%d" % i for i in range(20))
    assert all(isinstance(record["ApproximateArrivalTimestamp"], Millis) for record in found)
    assert abs(found[0]["ApproximateArrivalTimestamp"] / 1000 - time.time()) < 60
    created = client.call("DescribeStreamSummary", StreamName=stream)["StreamDescriptionSummary"]
    assert abs(created["StreamCreationTimestamp"] / 1000 - time.time()) < 600
    with pytest.raises(Refused) as caught:
        client.call("DescribeStream", StreamName="none")
    assert caught.value.status == 400 and caught.value.code == "ResourceNotFoundException"
    assert caught.value.body["message"] == "Stream none under account 000000000000 not found."
    assert caught.value.headers["x-amzn-errortype"] == "ResourceNotFoundException"


@pytest.mark.parametrize("way", ["events", "events_over_http_2"])
def test_a_subscription_in_cbor_sends_cbor_events(lakemill, kinesis, stream, way):
    client = CborClient(lakemill)
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = client.call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="java")["Consumer"]
    assert consumer["ConsumerStatus"] == "ACTIVE"
    kinesis.put_record(StreamName=stream, Data=b"one", PartitionKey="k", ExplicitHashKey="0")
    events = getattr(client, way)(
        "SubscribeToShard",
        ConsumerARN=consumer["ConsumerARN"],
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "AT_TIMESTAMP", "Timestamp": Millis((time.time() - 600) * 1000)},
    )
    headers, payload = next(events)
    assert headers[":event-type"] == "initial-response" and payload == {}
    headers, payload = next(events)
    assert headers[":content-type"] == "application/x-amz-cbor-1.1"
    assert [record["Data"] for record in payload["Records"]] == [b"one"]
    assert isinstance(payload["Records"][0]["ApproximateArrivalTimestamp"], Millis)
    events.close()


def test_everything_is_there_after_a_restart_and_a_subscription_does_not_hold_it_up(fresh):
    first = fresh()
    kinesis = first.client("kinesis")
    kinesis.create_stream(StreamName="kept", ShardCount=2, Tags={"a": "b"})
    kinesis.put_records(StreamName="kept", Records=[{"Data": b"%d" % i, "PartitionKey": str(i)} for i in range(50)])
    kinesis.split_shard(StreamName="kept", ShardToSplit="shardId-000000000001", NewStartingHashKey=str(3 << 126))
    arn = kinesis.describe_stream_summary(StreamName="kept")["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]
    before = kinesis.list_shards(StreamName="kept")["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName="kept", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    events = kinesis.subscribe_to_shard(
        ConsumerARN=consumer["ConsumerARN"],
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "LATEST"},
    )["EventStream"]
    threading.Thread(target=lambda: [None for _ in events], daemon=True).start()
    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < 8
    kinesis = fresh().client("kinesis")
    assert kinesis.list_shards(StreamName="kept")["Shards"] == before
    assert kinesis.get_records(ShardIterator=iterator)["Records"] == records
    assert kinesis.list_stream_consumers(StreamARN=arn)["Consumers"] == [consumer]
    assert kinesis.list_tags_for_stream(StreamName="kept")["Tags"] == [{"Key": "a", "Value": "b"}]
    again = kinesis.put_record(StreamName="kept", Data=b"", PartitionKey="k", ExplicitHashKey="0")
    assert int(again["SequenceNumber"]) > int(records[-1]["SequenceNumber"])


def test_with_limits_on_shards_throttle_as_on_aws(fresh):
    kinesis = fresh("--stream-limits", "on").client("kinesis")
    kinesis.create_stream(StreamName="slow", ShardCount=1)
    records = [{"Data": b"x" * 10_000, "PartitionKey": "k"}] * 200
    answer = kinesis.put_records(StreamName="slow", Records=records)
    failed = [record for record in answer["Records"] if "ErrorCode" in record]
    assert answer["FailedRecordCount"] == len(failed) == 200 - 104
    assert failed[0]["ErrorCode"] == "ProvisionedThroughputExceededException"
    assert failed[0]["ErrorMessage"] == (
        "Rate exceeded for shard shardId-000000000000 in stream slow under account 000000000000."
    )
    throttled(kinesis.put_record, StreamName="slow", Data=b"x" * 1_000_000, PartitionKey="k")
    iterator = kinesis.get_shard_iterator(
        StreamName="slow", ShardId="shardId-000000000000", ShardIteratorType="LATEST"
    )["ShardIterator"]
    throttled(kinesis.get_records, ShardIterator=iterator)


def throttled(call, **request):
    """Call until it is refused for its rate: the rule by the second has tests with a clock of their own."""
    with ThreadPoolExecutor(8) as callers:
        answers = [callers.submit(call, **request) for _ in range(40)]
    faults = [answer.exception() for answer in answers if answer.exception() is not None]
    assert faults
    assert {fault.response["Error"]["Code"] for fault in faults} == {"ProvisionedThroughputExceededException"}


def test_changes_look_unfinished_for_as_long_as_is_set(fresh):
    kinesis = fresh("--stream-settle-ms", "4000").client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    assert kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamStatus"] == "CREATING"
    refused("ResourceNotFoundException", kinesis.put_record, StreamName="s", Data=b"", PartitionKey="k")
    kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
    kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    assert kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamStatus"] == "UPDATING"
    kinesis.put_record(StreamName="s", Data=b"", PartitionKey="k")
    message = refused(
        "ResourceInUseException",
        kinesis.split_shard,
        StreamName="s",
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(1 << 127),
    )
    assert message == "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING"
