"""Two producers write while the stream grows from one shard to four; a consumer reads parents before children.

Each user's clicks arrive in the order in which they were made, although the shard they go to changes twice.
"""

import json
import threading
import time

import boto3

STREAM = f"clicks-{int(time.time())}"
USERS, CLICKS = 20, 60

kinesis = boto3.client("kinesis")
kinesis.create_stream(StreamName=STREAM, ShardCount=1)
kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)


def produce(users):
    """A click of every user, again and again."""
    client = boto3.client("kinesis")
    for click in range(CLICKS):
        records = [
            {"Data": json.dumps({"user": user, "click": click}).encode(), "PartitionKey": f"user-{user}"}
            for user in users
        ]
        answer = client.put_records(StreamName=STREAM, Records=records)
        assert answer["FailedRecordCount"] == 0


producers = [threading.Thread(target=produce, args=(range(first, USERS, 2),)) for first in (0, 1)]
for producer in producers:
    producer.start()
for shards in (2, 4):
    kinesis.update_shard_count(StreamName=STREAM, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")
    while kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        time.sleep(1)
for producer in producers:
    producer.join()


def iterator(shard):
    start = {"StreamName": STREAM, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return kinesis.get_shard_iterator(**start)["ShardIterator"]


def read_to_the_end(shard, seen):
    """The clicks of a shard and of its descendants, into `seen`."""
    place = iterator(shard)
    while place is not None:
        answer = kinesis.get_records(ShardIterator=place)
        for record in answer["Records"]:
            click = json.loads(record["Data"])
            seen.setdefault(click["user"], []).append(click["click"])
        place = answer.get("NextShardIterator")
        if not answer["Records"] and answer["MillisBehindLatest"] == 0:
            break
    for child in answer.get("ChildShards", []):
        read_to_the_end(child["ShardId"], seen)


seen: dict[int, list[int]] = {}
first = kinesis.list_shards(StreamName=STREAM)["Shards"][0]["ShardId"]
read_to_the_end(first, seen)
assert seen == {user: list(range(CLICKS)) for user in range(USERS)}
open_shards = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["OpenShardCount"]
print(f"{USERS * CLICKS} clicks of {USERS} users in order, over {open_shards} shards in the end")
kinesis.delete_stream(StreamName=STREAM)
