"""Writers of records, for the journeys through crashes: into a stream that is split meanwhile, and a delivery stream.

Every record is a line `writer number padding`, and numbers of a writer rise. What was acknowledged must be read, once,
in order, under rising sequence numbers; what was not may be there or not. Reading goes on where it ended the last
time, so many kills stay cheap.
"""

import gzip
import itertools
import time

from tests.journeys.crash import Writer


class Records(Writer):
    """PutRecord and PutRecords into one shard's key, and the reader that follows it through splits."""

    stream, name = "crash", "w0"

    def connect(self, lakemill):
        self.kinesis = lakemill.client("kinesis")
        if not hasattr(self, "truth"):
            self.truth, self.number = {}, 0
            """Number -> sequence number, of what was acknowledged."""
            self.found, self.after = [], {}
            """(number, sequence number) as read; the last sequence number by shard."""

    def step(self):
        self.number += 1
        if self.draw.random() < 0.5:
            self.pending = [self.number]
            answer = self.kinesis.put_record(
                StreamName=self.stream, Data=self.line(self.number), PartitionKey=self.name
            )
            self.truth[self.number] = int(answer["SequenceNumber"])
            return
        numbers = list(range(self.number, self.number + self.draw.choice([2, 10, 200])))
        self.number = numbers[-1]
        self.pending = numbers
        records = [{"Data": self.line(number), "PartitionKey": self.name} for number in numbers]
        answers = self.kinesis.put_records(StreamName=self.stream, Records=records)["Records"]
        self.truth |= {n: int(one["SequenceNumber"]) for n, one in zip(numbers, answers, strict=True)}

    def line(self, number):
        return f"{self.name} {number} {'x' * self.draw.choice([1, 10, 5000])}\n".encode()

    def check(self):
        for shard in self.kinesis.list_shards(StreamName=self.stream)["Shards"]:  # Parents come before their children.
            self._read(shard["ShardId"])
        numbers = [number for number, _ in self.found]
        assert numbers == sorted(set(numbers)), f"{self.name} is out of order, or twice"
        sequence_numbers = [sequence for _, sequence in self.found]
        assert sequence_numbers == sorted(set(sequence_numbers)), f"{self.name}'s sequence numbers do not rise"
        found = dict(self.found)
        lost = {n for n, sequence in self.truth.items() if found.get(n) != sequence}
        assert not lost, f"{self.name} lost {sorted(lost)[:5]}, {len(lost)} in all"
        self.truth |= found  # What was not acknowledged and is there stays there.

    def _read(self, shard):
        start = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self.after:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.after[shard]}
        iterator = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=shard, **start)["ShardIterator"]
        while iterator:
            answer = self.kinesis.get_records(ShardIterator=iterator)
            for record in answer["Records"]:
                self.after[shard] = record["SequenceNumber"]
                name, number, _ = record["Data"].split()
                if name.decode() == self.name:
                    self.found.append((int(number), int(record["SequenceNumber"])))
            iterator = answer.get("NextShardIterator") if answer["MillisBehindLatest"] or answer["Records"] else None


class Reshaper(Writer):
    """Splits and merges the stream's shards, as long as it is not too many."""

    stream, rest_s = "crash", 0.3

    def connect(self, lakemill):
        self.kinesis = lakemill.client("kinesis")

    def step(self):
        shards = self.kinesis.list_shards(StreamName=self.stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        shards.sort(key=lambda one: int(one["HashKeyRange"]["StartingHashKey"]))
        try:
            if len(shards) < 4:
                shard = self.draw.choice(shards)
                low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
                self.kinesis.split_shard(
                    StreamName=self.stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2)
                )
            else:
                left = self.draw.randrange(len(shards) - 1)
                self.kinesis.merge_shards(
                    StreamName=self.stream,
                    ShardToMerge=shards[left]["ShardId"],
                    AdjacentShardToMerge=shards[left + 1]["ShardId"],
                )
        except self.kinesis.exceptions.ResourceInUseException:
            pass  # The last change is still under way.

    def check(self):
        shards = self.kinesis.list_shards(StreamName=self.stream)["Shards"]
        held = [one["HashKeyRange"] for one in shards if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
        ranges = sorted((int(one["StartingHashKey"]), int(one["EndingHashKey"])) for one in held)
        assert ranges[0][0] == 0 and ranges[-1][1] == 2**128 - 1
        assert all(left[1] + 1 == right[0] for left, right in itertools.pairwise(ranges))


class Deliveries(Writer):
    """PutRecordBatch into a delivery stream; what it delivered is looked at when all is over."""

    delivery, bucket, name = "crash", "crash-delivered", "d0"

    def connect(self, lakemill):
        self.firehose, self.s3 = lakemill.client("firehose"), lakemill.client("s3")
        if not hasattr(self, "truth"):
            self.truth, self.number = set(), 0

    def step(self):
        numbers = list(range(self.number + 1, self.number + 1 + self.draw.choice([1, 20, 300])))
        self.number = numbers[-1]
        self.pending = numbers
        records = [{"Data": f"{self.name} {number} x\n".encode()} for number in numbers]
        answer = self.firehose.put_record_batch(DeliveryStreamName=self.delivery, Records=records)
        assert answer["FailedPutCount"] == 0
        self.truth.update(numbers)

    def check(self):
        """Nothing yet: delivery goes on in its own time. See `missing`."""

    def missing(self):
        """Numbers that were acknowledged and are in no object yet; every object must be whole."""
        return self.truth - {n for name, n in delivered(self.s3, self.bucket) if name == self.name}


_read: dict[tuple[str, str], list[tuple[str, int]]] = {}
"""What an object holds; objects do not change."""


def delivered(s3, bucket):
    """(writer, number) of every line of every object; each must unpack and end with a whole line."""
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", []):
            place = (one["ETag"], one["Key"])
            if place not in _read:
                body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
                text = (gzip.decompress(body) if one["Key"].endswith(".gz") else body).decode()
                assert text.endswith("\n"), f"{one['Key']} is cut off"
                _read[place] = [(name, int(number)) for name, number, _ in (line.split() for line in text.splitlines())]
            found += _read[place]
    return found


def until(question, seconds=120):
    """Wait until it comes true."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.2)
