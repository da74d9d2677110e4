"""Tables and video are written while the platform is killed again and again; nothing acknowledged is lost."""

import random
import time

import botocore.exceptions
import pytest
from tests.journeys import crash
from tests.journeys.video import Producer, recording

KILLS = 3
ACCOUNTS = [f"account-{at}" for at in range(8)]
OWNERS = ["ada", "bob", "eve"]
RECORDING = recording(seconds=2)


class Bank(crash.Writer):
    """Money moves between accounts in transactions; accounts change their owners, who have an index."""

    def connect(self, lakemill):
        self.db = lakemill.client("dynamodb")
        if hasattr(self, "truth"):
            return
        names = ("id", "holder")
        self.db.create_table(
            TableName="bank",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-holder",
                    "KeySchema": [{"AttributeName": "holder", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        self.truth = {account: (100, "ada") for account in ACCOUNTS}
        for account in ACCOUNTS:
            self.db.put_item(
                TableName="bank", Item={"id": {"S": account}, "money": {"N": "100"}, "holder": {"S": "ada"}}
            )

    def step(self):
        new = dict(self.truth)
        if self.draw.random() < 0.5:
            account, holder = self.draw.choice(ACCOUNTS), self.draw.choice(OWNERS)
            new[account] = (new[account][0], holder)
            self.pending = new
            self._update(account, "SET holder = :v", {"S": holder})
        else:
            (one, other), some = self.draw.sample(ACCOUNTS, 2), self.draw.randint(1, 20)
            new[one], new[other] = (new[one][0] - some, new[one][1]), (new[other][0] + some, new[other][1])
            self.pending = new
            changes = [
                self._change(one, "ADD money :v", {"N": str(-some)}),
                self._change(other, "ADD money :v", {"N": str(some)}),
            ]
            self.db.transact_write_items(TransactItems=[{"Update": change} for change in changes])
        self.truth = new

    def _change(self, account, expression, value):
        values = {":v": value}
        where = {"TableName": "bank", "Key": {"id": {"S": account}}}
        return where | {"UpdateExpression": expression, "ExpressionAttributeValues": values}

    def _update(self, account, expression, value):
        self.db.update_item(**self._change(account, expression, value))

    def check(self):
        items = self.db.scan(TableName="bank", ConsistentRead=True)["Items"]
        found = {one["id"]["S"]: (int(one["money"]["N"]), one["holder"]["S"]) for one in items}
        assert found in (self.truth, self.pending)
        assert sum(money for money, _ in found.values()) == 100 * len(ACCOUNTS)
        self.truth, self.pending = found, None
        for holder in OWNERS:
            held = self.db.query(
                TableName="bank",
                IndexName="by-holder",
                KeyConditionExpression="holder = :v",
                ExpressionAttributeValues={":v": {"S": holder}},
            )["Items"]
            assert {one["id"]["S"] for one in held} == {account for account, (_, who) in found.items() if who == holder}


class Camera(crash.Writer):
    """Puts a recording again and again."""

    def connect(self, lakemill):
        self.lakemill = lakemill
        if not hasattr(self, "kept"):
            lakemill.client("kinesisvideo").create_stream(StreamName="camera", DataRetentionInHours=1)
            self.kept = []

    def step(self):
        try:
            producer = Producer(self.lakemill, "camera", start_s=time.time())
            producer.put(RECORDING)
            producer.end()
            for one in producer.answers():
                if one["EventType"] == "PERSISTED":
                    self.kept.append(one["FragmentNumber"])
            producer.close()
        except (OSError, ValueError, IndexError) as error:  # The connection broke.
            raise botocore.exceptions.ConnectionClosedError(endpoint_url="camera") from error

    def check(self):
        archive = self.lakemill.client("kinesis-video-archived-media")
        pages = archive.get_paginator("list_fragments").paginate(StreamName="camera")
        found = [one["FragmentNumber"] for page in pages for one in page["Fragments"]]
        assert set(self.kept) <= set(found)
        assert len(set(self.kept)) == len(self.kept)
        for at in range(0, len(found), 500):
            some = found[at : at + 500]
            data = archive.get_media_for_fragment_list(StreamName="camera", Fragments=some)["Payload"].read()
            assert data.count(bytes.fromhex("1a45dfa3")) == len(some)


@pytest.mark.long
def test_items_and_fragments_survive_every_kill(fresh):
    running, draw = fresh(), random.Random(12)
    bank, camera = Bank(1), Camera(2)
    load = crash.Load(bank, camera)
    load.connect(running)
    for _ in range(KILLS):
        load.go()
        time.sleep(draw.uniform(0.5, 1.5))
        running.kill()
        load.halt()
        running.start()
        load.connect(running)
        load.check()
    assert bank.acknowledged > 10
    assert len(camera.kept) > 4
