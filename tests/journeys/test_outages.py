"""Processes killed, stops and starts, ports and folders taken, a full disk, cut connections."""

import contextlib
import os
import resource
import socket
import struct
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError
from tests.journeys import processes
from tests.journeys.raw import Raw, declaring
from tests.journeys.stored import differences
from tests.journeys.studio import Studio
from tests.journeys.test_training import FOREVER, Lab
from tests.running import Lakemill

MIB = 1 << 20


def patiently(question, timeout_s=20):
    """What question answers, once it does not raise."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return question()
        except (ClientError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def reconnected(lab, running):
    lab.s3, lab.sagemaker, lab.logs = (running.client(name) for name in ("s3", "sagemaker", "logs"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A lakemill nobody kills."""
    with Lakemill(tmp_path_factory.mktemp("calm") / "data") as running:
        yield running


# Processes


@pytest.mark.long
def test_an_endpoint_heals_when_its_process_is_killed(fresh):
    running = fresh()
    studio = Studio(running, "healing")
    studio.model("m")
    studio.deploy("e", "m")
    before = studio.score("e")
    for kind in (processes.commands, processes.supervisors):
        victims = kind(running.data)
        assert victims
        processes.kill(*victims)
        assert patiently(lambda: studio.score("e")) == before
        assert not set(victims) & set(kind(running.data))
    assert studio.sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService"
    assert [line for line in running.requests if "Traceback" in line] == []


@pytest.mark.long
def test_the_whole_tree_is_killed_and_everything_has_an_end(fresh):
    """As a power cut would: the platform, the training and the serving process, all at once."""
    running = fresh()
    studio = Studio(running, "tree")
    studio.model("m")
    studio.deploy("e", "m")
    before = studio.score("e")
    lab = Lab(running, "tree-lab")
    lab.create("lost", HyperParameters=FOREVER)
    lab.create("again", HyperParameters={"num_round": "800"}, RetryStrategy={"MaximumRetryAttempts": 2})
    for name in ("lost", "again"):
        lab.until(name, lambda job: job["SecondaryStatus"] == "Training")
    running.process.kill()
    processes.kill(*processes.supervisors(running.data), *processes.commands(running.data))
    running.process.wait()

    running.start()
    said = "\n".join(running.lines)
    assert "Recovered: training 000000000000/us-east-1/training-job/lost: lost, its process is gone" in said
    assert "Recovered: Endpoint e is back: 1 instance is being started." in said
    reconnected(lab, running)
    job = lab.ended("lost")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError")
    again = lab.ended("again")
    assert again["TrainingJobStatus"] == "Completed", again
    assert "Restarting" in [one["Status"] for one in again["SecondaryStatusTransitions"]]
    studio.runtime = running.client("sagemaker-runtime")
    assert patiently(lambda: studio.score("e")) == before


@pytest.mark.long
def test_a_stop_and_a_start_lose_nothing(fresh):
    running = fresh()
    studio = Studio(running, "stopping")
    studio.model("m")
    studio.deploy("e", "m")
    before = studio.score("e")
    lab = Lab(running, "stopping-lab")
    lab.create("through", HyperParameters={"num_round": "800", "objective": "binary:logistic"})
    lab.until("through", lambda job: job["SecondaryStatus"] == "Training")
    lab.s3.put_object(Bucket=lab.bucket, Key="kept", Body=b"x" * MIB)
    assert running.stop() == 0
    assert running.lines[-1] == "Stopped."
    running.start()
    reconnected(lab, running)
    studio.runtime = running.client("sagemaker-runtime")
    assert patiently(lambda: studio.score("e")) == before
    assert lab.ended("through")["TrainingJobStatus"] == "Completed"
    assert lab.s3.get_object(Bucket=lab.bucket, Key="kept")["Body"].read() == b"x" * MIB
    assert [line for line in running.requests if "Traceback" in line] == []


# Starts that are refused


def up(*options):
    command = [sys.executable, "-m", "lakemill", "up", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def refused(done, *words):
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    for word in words:
        assert word in done.stderr


def test_a_second_lakemill_on_the_same_folder_is_refused(calm):
    done = up("--port", 0, "--data", calm.data)
    refused(done, "another lakemill", f"process {calm.process.pid}", str(calm.data), "--data")
    assert calm.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_port_that_is_taken_is_refused(calm, tmp_path):
    refused(up("--port", calm.port, "--data", tmp_path / "other"), f"127.0.0.1:{calm.port} is in use", "--port")


def test_an_address_that_is_not_of_this_machine_is_refused(tmp_path):
    refused(up("--host", "192.0.2.1", "--port", 0, "--data", tmp_path), "192.0.2.1:0 cannot be listened on", "--host")


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused(up("--port", 0, "--data", tmp_path / "file"), str(tmp_path / "file"))


def test_a_damaged_store_is_refused(tmp_path):
    (tmp_path / "metadata.sqlite").write_bytes(b"this is no database" * 1000)
    refused(up("--port", 0, "--data", tmp_path), "metadata.sqlite")


# A full disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 96 MiB: (its folder, how to make it larger)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder, lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.long
def test_a_full_disk_is_told_and_loses_nothing(small_disk):
    folder, resize = small_disk
    with Lakemill(folder / "data") as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket="full")
        kept = _fill(s3, MIB) | _fill(s3, 10_000)
        for key, size in kept.items():
            assert s3.get_object(Bucket="full", Key=key)["Body"].read() == _body(key, size)
        running.client("iam").create_user(UserName="still-possible")

        for gone in [key for key, size in kept.items() if size == MIB][:2]:  # What makes room must work.
            s3.delete_object(Bucket="full", Key=gone)
            del kept[gone]
        running.kill()
        running.start()
        s3 = running.client("s3")
        assert _listed(s3) == kept
        s3.put_object(Bucket="full", Key="again", Body=_body("again", MIB // 2))
        kept["again"] = MIB // 2

        (folder / "ballast").write_bytes(b"x" * (31 * MIB))  # Others fill it to the brim.
        with contextlib.suppress(ClientError):
            for number in range(2000):
                running.client("iam").create_user(UserName=f"user-{number}", Path=f"/{'x' * 500}/")
        running.kill()
        (folder / "ballast").unlink()
        resize("200m")
        running.start()
        s3 = running.client("s3")
        assert _listed(s3) == kept
        for key, size in kept.items():
            assert s3.get_object(Bucket="full", Key=key)["Body"].read() == _body(key, size)
        s3.put_object(Bucket="full", Key="room", Body=b"x" * MIB)
        assert [line for line in running.requests if "Traceback" in line] == []
        assert running.stop() == 0
        running.start()
        assert running.stop() == 0
        assert differences(running.data) == []


def test_a_job_that_finds_no_room_fails_with_that_reason(small_disk):
    folder, _ = small_disk
    with Lakemill(folder / "data") as running:
        lab = Lab(running, "crowded")
        running.client("s3").create_bucket(Bucket="full")
        _fill(running.client("s3"), MIB)
        _fill(running.client("s3"), 10_000)
        lab.create("crowded")
        job = lab.ended("crowded")
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("CapacityError: The disk that holds the data is full.")
        assert [line for line in running.requests if "Traceback" in line] == []


def _body(key, size):
    return (key.encode() + b".") * (size // (len(key) + 1)) + b"x" * (size % (len(key) + 1))


def _fill(s3, size):
    kept = {}
    with pytest.raises(ClientError, match="disk that holds the data is full") as caught:
        for number in range(10_000):
            key = f"{size}-{number}"
            s3.put_object(Bucket="full", Key=key, Body=_body(key, size))
            kept[key] = size
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    return kept


def _listed(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="full")
    return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", [])}


def test_a_start_on_a_full_disk_is_refused_or_works(small_disk):
    folder, _ = small_disk
    with contextlib.suppress(OSError):
        (folder / "ballast").write_bytes(b"x" * (96 * MIB))
    refused(up("--port", 0, "--data", folder / "data"), str(folder / "data"), "No space left on device")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits the files of a running process")
@pytest.mark.long
def test_writes_that_the_disk_refuses_lose_nothing(fresh):
    """No file may grow above 1 MiB for a while: the log of the metadata fails in the middle of commits."""
    running = fresh()
    s3, kept, refused_count = running.client("s3"), {}, 0
    s3.create_bucket(Bucket="full")
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (MIB, resource.RLIM_INFINITY))
    for number in range(300):
        size = (2000, 40_000, 2 * MIB)[number % 3]
        try:
            s3.put_object(Bucket="full", Key=f"{number}", Body=_body(f"{number}", size))
            kept[f"{number}"] = size
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503)
            refused_count += 1
    assert len(kept) > 20
    assert refused_count > 100
    assert _listed(s3) == kept
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    s3.put_object(Bucket="full", Key="after", Body=_body("after", MIB))
    kept["after"] = MIB
    running.kill()
    running.start()
    s3 = running.client("s3")
    assert _listed(s3) == kept
    for key, size in kept.items():
        assert s3.get_object(Bucket="full", Key=key)["Body"].read() == _body(key, size)
    assert running.stop() == 0
    running.start()
    assert running.stop() == 0
    assert differences(running.data) == []


# Cut connections


def _cut(running, head, body, *, reset):
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.05)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_cut_uploads_leave_nothing(calm, reset):
    s3, raw, before = calm.client("s3"), Raw(calm), set((calm.data / "blobs").rglob("*"))
    bucket = f"cut-{str(reset).lower()}"
    s3.create_bucket(Bucket=bucket)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    size, host = 8 * MIB, f"127.0.0.1:{calm.port}"
    chunked = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(size)}
    plain = declaring("UNSIGNED-PAYLOAD")
    ways = [
        (f"/{bucket}/whole", {}, plain, b""),
        (f"/{bucket}/chunks", chunked, declaring("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), b"800000\r\n"),
        (f"/{bucket}/parts?partNumber=1&uploadId={upload}", {}, plain, b""),
    ]
    for target, extra, signer, begin in ways:
        signed = raw.headers("s3", "PUT", target, b"", extra, signer=signer)
        signed |= {"Host": host, "Content-Length": str(size + (100 if begin else 0))}
        head = f"PUT {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in signed.items()) + "\r\n"
        for sent in (0, 1000, 3 * MIB, size - 1):
            _cut(calm, head, begin + b"x" * sent, reset=reset)

    def nothing_is_left():
        assert list((calm.data / "blobs" / "incoming").iterdir()) == []

    patiently(nothing_is_left)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)
    assert set((calm.data / "blobs").rglob("*")) <= before
    assert [line for line in calm.requests if "Traceback" in line or " 500 " in line] == []
    s3.put_object(Bucket=bucket, Key="whole", Body=b"x" * size)
    assert s3.head_object(Bucket=bucket, Key="whole")["ContentLength"] == size
    s3.delete_object(Bucket=bucket, Key="whole")


def test_a_cut_download_hurts_nobody(calm):
    s3, raw = calm.client("s3"), Raw(calm)
    s3.create_bucket(Bucket="downloads")
    s3.put_object(Bucket="downloads", Key="large", Body=b"x" * (30 * MIB))
    headers = raw.headers("s3", "GET", "/downloads/large") | {"Host": f"127.0.0.1:{calm.port}"}
    head = "GET /downloads/large HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
    for reset in (False, True) * 3:
        _cut(calm, head, b"", reset=reset)
    assert len(s3.get_object(Bucket="downloads", Key="large")["Body"].read()) == 30 * MIB
    s3.delete_object(Bucket="downloads", Key="large")
    assert [line for line in calm.requests if "Traceback" in line or " 500 " in line] == []
