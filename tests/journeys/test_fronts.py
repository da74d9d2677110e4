"""Many clients at once: fronts read for the platform, and nobody can tell but by the clock."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from tests.journeys import processes
from tests.journeys.conftest import UNLIMITED
from tests.journeys.raw import Answer, Raw
from tests.running import Lakemill

CROWD = 24
KINESIS = "Kinesis_20131202"
JSON = "application/x-amz-json-1.1"


def fronts(running):
    """Pids of a lakemill's fronts."""
    found = []
    for pid in processes.descendants(running.process.pid):
        with contextlib.suppress(OSError):
            if b"fronts.process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def inodes(pid):
    """The sockets a process holds."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(os.readlink(descriptor))
    return held


class Caller:
    """One connection, kept; calls are signed by botocore and sent as they are."""

    def __init__(self, running, credentials=None):
        self.raw, self.credentials = Raw(running), credentials
        self.connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)

    def kinesis(self, operation, *, change=None, **members):
        """change: what becomes of the body after it was signed."""
        body = json.dumps(members).encode()
        asked = {"Content-Type": JSON, "X-Amz-Target": f"{KINESIS}.{operation}"}
        headers = self.raw.headers("kinesis", "POST", "/", body, asked, credentials=self.credentials)
        return self.send("POST", "/", change(body) if change else body, headers)

    def s3(self, method, target, body=b""):
        headers = self.raw.headers("s3", method, target, body, {}, credentials=self.credentials)
        return self.send(method, target, body, headers)

    def send(self, method, target, body, headers):
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())

    @property
    def pid(self):
        """Which process has the other end, of the platform and its fronts."""
        ours, theirs = (one[1] for one in (self.connection.sock.getsockname(), self.connection.sock.getpeername()))
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, *rest = line.split()
            if (int(local[9:], 16), int(remote[9:], 16)) == (theirs, ours):
                process = self.raw.lakemill.process.pid
                pids = [process, *fronts(self.raw.lakemill)]
                return next(pid for pid in pids if f"socket:[{rest[6]}]" in inodes(pid))
        raise AssertionError("nobody has it")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A lakemill with a front that has been given connections; a stream `many`, and a bucket `many`."""
    with Lakemill(tmp_path_factory.mktemp("crowded"), *UNLIMITED) as running:
        yield furnish(running)


def furnish(running):
    running.client("s3").create_bucket(Bucket="many")
    kinesis = running.client("kinesis")
    kinesis.create_stream(StreamName="many", ShardCount=2)
    running.crowd = gather(running)
    return running


def gather(running):
    """Connections enough for a front; returns when it has some of them."""
    crowd, until = [Caller(running) for _ in range(CROWD)], time.monotonic() + 20
    while time.monotonic() < until:
        answers = [one.kinesis("ListStreams") for one in crowd]
        assert {answer.status for answer in answers} == {200}
        if {one.pid for one in crowd} - {running.process.pid}:
            return crowd
        time.sleep(0.1)
    raise AssertionError("no front was given a connection")


def fronted(running, credentials=None):
    """A caller whose connection a front has."""
    for _ in range(CROWD):
        caller = Caller(running, credentials)
        caller.kinesis("ListStreams")
        if caller.pid in fronts(running):
            return caller
        running.crowd.append(caller)
    raise AssertionError("no connection was given away")


def test_a_few_clients_are_answered_by_the_platform_itself(fresh):
    running = fresh()
    callers = [Caller(running) for _ in range(8)]
    for _ in range(3):
        assert {caller.kinesis("ListStreams").status for caller in callers} == {200}
    assert {caller.pid for caller in callers} == {running.process.pid} and not fronts(running)


def test_many_writers_with_boto3_lose_nothing(crowded):
    crowded.client("kinesis").create_stream(StreamName="writers", ShardCount=2)

    def write(number):
        kinesis = crowded.client("kinesis")
        put = [kinesis.put_record(StreamName="writers", Data=f"{number}-{i}", PartitionKey=str(i)) for i in range(25)]
        return [(f"{number}-{i}", one["ShardId"], int(one["SequenceNumber"])) for i, one in enumerate(put)]

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        put = [one for some in pool.map(write, range(40)) for one in some]
    assert len({(shard, sequence) for _, shard, sequence in put}) == 1000
    read, kinesis = [], crowded.client("kinesis")
    for shard in kinesis.list_shards(StreamName="writers")["Shards"]:
        where = {"StreamName": "writers", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        records = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])["Records"]
        read += [(one["Data"].decode(), shard["ShardId"], int(one["SequenceNumber"])) for one in records]
    assert sorted(read) == sorted(put)


def test_whatever_comes_by_a_connection_of_a_front_is_answered(crowded):
    caller = fronted(crowded)
    large = os.urandom(3 << 20)
    assert caller.s3("PUT", "/many/large", large).status == 200
    assert caller.s3("GET", "/many/large").body == large
    assert caller.s3("HEAD", "/many/large").headers["content-length"] == str(len(large))
    assert caller.s3("GET", "/many/none").code == "NoSuchKey"
    assert caller.kinesis("CreateStream", StreamName="large", ShardCount=2).status == 200
    records = [{"Data": "eHh4eA" * 60_000 + "eHg=", "PartitionKey": str(i)} for i in range(12)]
    answer = caller.kinesis("PutRecords", StreamName="large", Records=records)
    assert answer.status == 200 and json.loads(answer.body)["FailedRecordCount"] == 0
    shards = json.loads(caller.kinesis("ListShards", StreamName="large").body)["Shards"]
    sizes = 0
    for shard in shards:
        where = {"StreamName": "large", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = json.loads(caller.kinesis("GetShardIterator", **where).body)["ShardIterator"]
        answer = caller.kinesis("GetRecords", ShardIterator=iterator)  # Megabytes of it.
        sizes += sum(len(record["Data"]) for record in json.loads(answer.body)["Records"])
    assert sizes == sum(len(record["Data"]) for record in records)
    assert caller.send("GET", "/_lakemill/health", b"", {}).status == 200
    assert caller.pid in fronts(crowded)


def test_a_subscription_of_a_front_goes_on_and_ends_with_its_client(crowded):
    kinesis = crowded.client("kinesis")
    arn = kinesis.describe_stream_summary(StreamName="many")["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    shard = kinesis.list_shards(StreamName="many")["Shards"][0]
    where = {"ConsumerARN": consumer, "ShardId": shard["ShardId"], "StartingPosition": {"Type": "LATEST"}}
    stream = crowded.client("kinesis").subscribe_to_shard(**where)["EventStream"]
    found, events = [], iter(stream)
    for i in range(3):
        key = shard["HashKeyRange"]["StartingHashKey"]
        kinesis.put_record(StreamName="many", Data=str(i), PartitionKey="a", ExplicitHashKey=key)
        while len(found) <= i:
            found += [one["Data"] for one in next(events)["SubscribeToShardEvent"]["Records"]]
    assert found == [b"0", b"1", b"2"]
    stream.close()
    time.sleep(5.2)  # Within five seconds a consumer may not subscribe again.
    crowded.client("kinesis").subscribe_to_shard(**where)["EventStream"].close()


def test_a_front_believes_no_more_than_the_platform(crowded):
    iam = crowded.client("iam")
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonKinesisFullAccess")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    right = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    caller = fronted(crowded, right)
    record = {"StreamName": "many", "Data": "eHh4", "PartitionKey": "a"}
    assert caller.kinesis("PutRecord", **record).status == 200
    altered = caller.kinesis("PutRecord", **record, change=lambda body: body.replace(b"eHh4", b"eXl5"))
    assert (altered.status, altered.code) == (400, "InvalidSignatureException")
    wrong = fronted(crowded, right)
    wrong.credentials = Credentials(key["AccessKeyId"], "x" * 40)
    assert wrong.kinesis("PutRecord", **record).code == "InvalidSignatureException"
    assert fronted(crowded, right).kinesis("CreateStream", StreamName="no spaces").code == "ValidationException"
    iam.detach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonKinesisFullAccess")
    denied = caller.kinesis("PutRecord", **record)
    assert (denied.status, denied.code) == (400, "AccessDeniedException")
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert caller.kinesis("PutRecord", **record).code == "UnrecognizedClientException"
    assert caller.pid in fronts(crowded)


def test_when_a_front_is_killed_another_takes_its_place(fresh):
    crowded = furnish(fresh())
    caller, (pid,) = fronted(crowded), fronts(crowded)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        caller.kinesis("ListStreams")
    kinesis = crowded.client("kinesis", retries={"total_max_attempts": 3})
    kinesis.put_record(StreamName="many", Data=b"after", PartitionKey="a")
    gather(crowded)
    assert fronts(crowded) and fronts(crowded) != [pid]
    assert any(f"front {pid} ended" in line for line in crowded.requests)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_is_there_when_the_platform_ends(fresh, end):
    crowded = furnish(fresh())
    written, stop = [], threading.Event()

    def write(number):
        kinesis = crowded.client("kinesis")
        for i in range(1_000_000):
            if stop.is_set():
                return
            try:
                kinesis.put_record(StreamName="many", Data=f"{number}-{i}", PartitionKey=str(number))
            except (ClientError, BotoCoreError):
                return
            written.append(f"{number}-{i}")

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        for number in range(32):
            pool.submit(write, number)
        while len(written) < 500:
            time.sleep(0.01)
        (front,) = fronts(crowded)
        crowded.process.send_signal(end)
        crowded.process.wait(20)
        until = time.monotonic() + 5
        while Path(f"/proc/{front}").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not Path(f"/proc/{front}").exists()
        stop.set()
    assert crowded.process.returncode == (0 if end == signal.SIGTERM else -signal.SIGKILL)
    crowded.start()
    kinesis, found = crowded.client("kinesis"), set()
    for shard in kinesis.list_shards(StreamName="many")["Shards"]:
        where = {"StreamName": "many", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**where)["ShardIterator"]
        while records := (answer := kinesis.get_records(ShardIterator=iterator))["Records"]:
            found |= {record["Data"].decode() for record in records}
            iterator = answer["NextShardIterator"]
    assert set(written) <= found


def test_none_is_started_where_none_is_wanted(fresh):
    running = fresh("--fronts", "0")
    crowd = [Caller(running) for _ in range(CROWD)]
    for _ in range(3):
        assert {one.kinesis("ListStreams").status for one in crowd} == {200}
    assert not fronts(running)


def test_a_client_that_goes_in_the_middle_harms_nobody(crowded):
    for _ in range(20):
        caller = fronted(crowded)
        body = json.dumps({"StreamName": "many", "Data": "eHh4", "PartitionKey": "a"}).encode()
        asked = {"Content-Type": JSON, "X-Amz-Target": f"{KINESIS}.PutRecord"}
        headers = caller.raw.headers("kinesis", "POST", "/", body, asked)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = (
            f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{crowded.port}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
        )
        caller.connection.sock.sendall(sent + body[: len(body) // 2])
        caller.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        caller.connection.close()
    assert fronted(crowded).kinesis("PutRecord", StreamName="many", Data="eHh4", PartitionKey="a").status == 200
    assert not [line for line in crowded.requests if "Traceback" in line]
