"""Buckets as Hadoop's client sees them: a tree of files, over WebHDFS."""

import http.client
import json
import threading
import uuid
from urllib.parse import quote, urlsplit

import boto3
import pytest

from lakemill.sparkjvm.errors import Denied, Exists, NotEmpty, NotThere
from lakemill.sparkjvm.gateway import Gateway
from lakemill.sparkjvm.lake import Lake

ODD = "k=a b%3Ac%25+ü;=&?#/part-0"
"""Spark escapes some signs of values by itself, so a key may hold a percent sign."""


@pytest.fixture
def bucket(lakemill):
    name = f"tree-{uuid.uuid4().hex[:8]}"
    lakemill.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def keys(lakemill, bucket):
    def keys():
        found = lakemill.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return [one["Key"] for one in found]

    return keys


@pytest.fixture
def lake(lakemill, tmp_path):
    return Lake(lakemill.client("s3"), tmp_path / "lake")


def read(lake, path, *where):
    count, blocks = lake.opened(path, *where)
    body = b"".join(blocks)
    assert len(body) == count
    return body


def write(lake, path, body):
    lake.created(path, [body], overwrite=True)


def test_what_is_not_committed_is_in_no_bucket(lake, bucket, keys):
    attempt, task = (f"{bucket}/out/_temporary/0/{name}" for name in ("_temporary/attempt_1", "task_1"))
    lake.make_folder(f"{bucket}/out/_temporary/0")
    write(lake, f"{attempt}/day=1/part-0", b"one")
    write(lake, f"{attempt}/day=2/part-0", b"two")
    assert lake.rename(attempt, task)
    assert keys() == [] and lake.status(f"{bucket}/out").is_folder
    assert [one.name for one in lake.listed(task)] == ["day=1", "day=2"]
    assert read(lake, f"{task}/day=1/part-0", 1) == b"ne"
    assert lake.rename(f"{task}/day=1", f"{bucket}/out/day=1")
    assert lake.rename(f"{task}/day=2/part-0", f"{bucket}/out/day=2/part-0")
    assert lake.delete(f"{bucket}/out/_temporary", recursive=True)
    assert keys() == ["out/day=1/part-0", "out/day=2/part-0"]
    assert [one.name for one in lake.listed(f"{bucket}/out")] == ["day=1", "day=2"]
    assert read(lake, f"{bucket}/out/day=2/part-0") == b"two"


def test_what_was_not_committed_goes_without_a_trace(lake, bucket, keys):
    write(lake, f"{bucket}/out/_temporary/0/part-0", b"one")
    assert lake.delete(f"{bucket}/out/_temporary", recursive=True)
    assert keys() == []
    with pytest.raises(NotThere):
        lake.status(f"{bucket}/out")


def test_what_another_program_deleted_is_gone(lakemill, lake, bucket):
    write(lake, f"{bucket}/out/_temporary/0/day=1/part-0", b"one")
    assert lake.rename(f"{bucket}/out/_temporary/0/day=1", f"{bucket}/out/day=1")
    lakemill.client("s3").delete_object(Bucket=bucket, Key="out/day=1/part-0")
    assert not lake.exists(f"{bucket}/out")


def test_folders_are_what_keys_imply(lake, bucket):
    write(lake, f"{bucket}/a/b/file", b"12345")
    assert lake.status(f"{bucket}/a").is_folder and lake.status(bucket).is_folder
    assert [(one.name, one.is_folder, one.bytes) for one in lake.listed(f"{bucket}/a/b")] == [("file", False, 5)]
    assert [one.bytes for one in lake.listed(f"{bucket}/a/b/file")] == [5]
    with pytest.raises(NotThere, match="There is no s3://"):
        lake.listed(f"{bucket}/a/c")
    with pytest.raises(NotThere):
        lake.status(f"{bucket}-none/a")
    lake.make_folder(f"{bucket}/new/folder")
    assert lake.listed(f"{bucket}/new/folder") == []
    assert [one.name for one in lake.listed(f"{bucket}/new")] == ["folder"]
    with pytest.raises(Exists):
        lake.make_folder(f"{bucket}/a/b/file")


@pytest.mark.parametrize(
    ("where", "expected"),
    [((), b"12345"), ((2,), b"345"), ((1, 2), b"23"), ((5,), b""), ((9, 3), b""), ((0, 0), b""), ((3, 99), b"45")],
)
def test_a_part_of_a_file_is_read(lake, bucket, where, expected):
    write(lake, f"{bucket}/file", b"12345")
    assert read(lake, f"{bucket}/file", *where) == expected


def test_files_are_renamed_and_deleted(lake, bucket, keys):
    write(lake, f"{bucket}/a/1", b"1")
    write(lake, f"{bucket}/a/b/2", b"2")
    write(lake, f"{bucket}/other", b"3")
    assert not lake.rename(f"{bucket}/none", f"{bucket}/x")
    assert not lake.rename(f"{bucket}/a/1", f"{bucket}/other")
    assert not lake.rename(f"{bucket}/a", f"{bucket}/a/within")
    assert lake.rename(f"{bucket}/a", f"{bucket}/c")
    assert keys() == ["c/1", "c/b/2", "other"]
    with pytest.raises(NotEmpty):
        lake.delete(f"{bucket}/c", recursive=False)
    assert lake.delete(f"{bucket}/c", recursive=True) and not lake.delete(f"{bucket}/c", recursive=True)
    with pytest.raises(Exists):
        lake.created(f"{bucket}/other", [b"4"], overwrite=False)
    assert keys() == ["other"] and read(lake, f"{bucket}/other") == b"3"


def test_a_file_whose_writer_fails_is_not_there(lake, bucket, keys):
    def blocks():
        yield b"begun"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        lake.created(f"{bucket}/file", blocks(), overwrite=True)
    assert keys() == []


def test_what_a_role_may_not_do_is_denied(lakemill, bucket, lake, tmp_path):
    write(lake, f"{bucket}/file", b"1")
    iam = lakemill.client("iam")
    name = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = boto3.client(
        "s3",
        endpoint_url=lakemill.endpoint,
        region_name="us-east-1",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
    )
    theirs = Lake(s3, tmp_path / "theirs")
    for attempt in (
        lambda: theirs.status(f"{bucket}/file"),
        lambda: theirs.listed(bucket),
        lambda: theirs.opened(f"{bucket}/file"),
        lambda: write(theirs, f"{bucket}/new", b"2"),
    ):
        with pytest.raises(Denied, match=f"s3://{bucket}"):
            attempt()


class Client:
    """As Hadoop's speaks: it follows where it is sent, and sends in chunks."""

    def __init__(self, gateway):
        url = urlsplit(gateway.address)
        self.connection, self.root = http.client.HTTPConnection(url.netloc, timeout=20), url.path

    def ask(self, method, path, query, blocks=None):
        """(status, body)."""
        escaped = quote(path, safe="/=+ü;".encode()).encode().decode("latin-1")
        target = f"/webhdfs/v1{self.root}/{escaped}?{query}"
        self.connection.putrequest(method, target, skip_accept_encoding=True)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 307:
            return answer.status, body
        where = urlsplit(answer.headers["Location"])
        chunks = {"body": iter(blocks), "encode_chunked": True} if blocks is not None else {}
        headers = {"Transfer-Encoding": "chunked"} if blocks is not None else {}
        self.connection.request(method, f"{where.path}?{where.query}", headers=headers, **chunks)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def client(lake):
    gateway = Gateway(lake)
    yield Client(gateway)
    gateway.close()


def test_files_go_over_http_under_any_name(client, bucket, keys):
    path = f"{bucket}/{ODD}"
    status, body = client.ask("PUT", path, "op=CREATE&overwrite=true", [b"ab", b"cde" * 50_000])
    assert (status, body, keys()) == (201, b"", [ODD])
    status, body = client.ask("GET", path, "op=OPEN&offset=1&length=4")
    assert (status, body) == (200, b"bcde")
    status, body = client.ask("GET", path, "op=GETFILESTATUS")
    found = json.loads(body)["FileStatus"]
    assert (found["type"], found["length"]) == ("FILE", 150_002)
    status, body = client.ask("GET", f"{bucket}/{ODD.partition('/')[0]}", "op=LISTSTATUS")
    assert [one["pathSuffix"] for one in json.loads(body)["FileStatuses"]["FileStatus"]] == ["part-0"]
    target = quote(f"{client.root}/{bucket}/moved ü+%3A", safe="")
    assert client.ask("PUT", path, f"op=RENAME&destination={target}") == (200, b'{"boolean": true}')
    assert keys() == ["moved ü+%3A"]
    status, body = client.ask("GET", bucket, "op=GETCONTENTSUMMARY")
    assert json.loads(body)["ContentSummary"]["length"] == 150_002
    assert client.ask("DELETE", bucket + "/moved ü+%3A", "op=DELETE") == (200, b'{"boolean": true}')
    assert keys() == []


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "java"),
    [
        ("GET", "none", "op=GETFILESTATUS", 404, "java.io.FileNotFoundException"),
        ("GET", "none", "op=OPEN", 404, "java.io.FileNotFoundException"),
        ("POST", "none", "op=APPEND", 400, "java.lang.UnsupportedOperationException"),
        ("PUT", "none", "op=SETOWNER&owner=x", 400, "java.lang.UnsupportedOperationException"),
        ("PUT", "none", "op=RENAME&destination=/elsewhere", 400, "java.lang.UnsupportedOperationException"),
    ],
)
def test_a_refusal_is_an_exception_of_java(client, bucket, method, path, query, status, java):
    found, body = client.ask(method, f"{bucket}/{path}", query)
    told = json.loads(body)["RemoteException"]
    assert (found, told["javaClassName"]) == (status, java)
    assert told["exception"] == java.rpartition(".")[2]


def test_who_does_not_know_the_secret_sees_nothing(client, bucket, lake):
    write(lake, f"{bucket}/file", b"1")
    client.root = "/guess"
    status, body = client.ask("GET", f"{bucket}/file", "op=GETFILESTATUS")
    assert status == 404 and bucket.encode() not in body


def test_a_writer_that_breaks_off_stores_nothing(client, bucket, keys):
    status, _ = client.ask("GET", bucket, "op=GETFILESTATUS")
    assert status == 200
    head = f"PUT /webhdfs/v1{client.root}/{bucket}/file?op=CREATE&data=true HTTP/1.1\r\nHost: x\r\n"
    client.connection.sock.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nbeg".encode())
    client.connection.close()
    for thread in [one for one in threading.enumerate() if "process_request_thread" in one.name]:
        thread.join(10)
    assert keys() == []
