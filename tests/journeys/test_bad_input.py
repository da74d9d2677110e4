"""Whatever is sent, the answer is an error in AWS's words; nothing breaks, nothing hangs, no inside is shown."""

import io
import json
import re
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from tests.journeys.bad_requests import REQUESTS
from tests.journeys.raw import Raw
from tests.journeys.workshop import ALGORITHMS, Workshop
from tests.running import Lakemill

import lakemill as package

INSIDE = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|" + re.escape(str(Path(package.__file__).parent)), re.IGNORECASE
)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A lakemill of this file's own: at the end its log must hold no trace."""
    with Lakemill(tmp_path_factory.mktemp("bad-input") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def shop(running):
    """Bad jobs run while the requests below are answered; good models wait for bad requests."""
    return Workshop(running)


@pytest.fixture(scope="module")
def raw(running, shop):
    asking = Raw(running)
    asking.stranger = Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    asking.liar = Credentials(running.access_key_id, "x" * 40)
    running.client("s3").create_bucket(Bucket="bad")
    running.client("s3").put_object(Bucket="bad", Key="k", Body=b"x")
    return asking


@pytest.mark.parametrize(("status", "code", "ask"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_a_bad_request_is_answered_in_aws_words(raw, status, code, ask):
    answer = ask(raw)
    assert (answer.status, answer.code) == (status, code), answer.text[:500]
    assert not INSIDE.search(answer.text), answer.text


@pytest.mark.parametrize(
    "name", ["ab", "UPPER", "a..b", "-abc", "1.2.3.4", "x" * 64, "a_b", "sthree-x", "xn--abc", "a-s3alias", "a%20b"]
)
def test_a_bucket_is_not_called_so(raw, name):
    answer = raw.ask("s3", "PUT", f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


HOST = b"Host: 127.0.0.1\r\n"
GARBAGE = {
    "words": b"GARBAGE\r\n\r\n",
    "all bytes": bytes(range(256)) * 4,
    "no version": b"GET /\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\n\r\n",
    "a line that is no header": b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
    "a length below nothing": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a header of 2 MB": b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 2_000_000 + b"\r\n\r\n",
    "5000 headers": b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"x%d: a\r\n" % n for n in range(5000)) + b"\r\n",
    "a target of 200 kB": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a host that is no text": b"GET /k HTTP/1.1\r\nHost: \xff.s3.localhost\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no slash": b"GET foo HTTP/1.1\r\n" + HOST + b"\r\n",
    "a chunk of no length": b"PUT /bad/k HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100,
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_on_the_wire_is_refused_as_the_senders_fault(raw, data):
    received = raw.bytes(data)
    assert re.match(rb"HTTP/1\.1 4\d\d ", received), received[:200]
    assert not INSIDE.search(received.decode("latin-1"))


@pytest.mark.parametrize("sent", [0, 500, 999])
def test_a_body_cut_short_leaves_nothing(raw, sent):
    """Content-Length promises 1000 bytes."""
    target = f"/bad/cut-{sent}"
    headers = raw.headers("s3", "PUT", target, b"x" * 1000) | {
        "Content-Length": "1000",
        "Host": f"127.0.0.1:{raw.lakemill.port}",
    }
    head = f"PUT {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    received = raw.bytes(head.encode() + b"x" * sent, close=True)
    assert received == b"" or received.startswith(b"HTTP/1.1 400 "), received
    assert raw.ask("s3", "GET", target).code == "NoSuchKey"
    whole = raw.bytes(head.encode() + b"x" * 1000)
    assert whole.startswith(b"HTTP/1.1 200 "), whole


# Jobs


def test_a_job_of_an_unknown_image_is_refused(shop):
    code, message = shop.refused("unknown-image", image="000000000000.dkr.ecr.us-east-1.amazonaws.com/nobody:1")
    assert code == "ValidationException"
    assert "nobody:1" in message


def test_a_job_of_a_role_nobody_made_is_refused(shop):
    code, message = shop.refused("unknown-role", role="arn:aws:iam::000000000000:role/nobody")
    assert code == "ValidationException"
    assert "nobody" in message


@pytest.mark.parametrize("name", Workshop.bad_names())
def test_a_bad_job_fails_with_a_reason(shop, name):
    job = shop.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed"), job
    reason = job["FailureReason"]
    assert reason.startswith("ClientError: "), reason
    assert len(reason) <= 1024
    assert not INSIDE.search(reason), reason
    for word in shop.words(name):
        assert word in reason, reason
    assert "Traceback" not in shop.log(name)


# Inference


def packed(*files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, body in files:
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return made.getvalue()


BAD_ARTIFACTS = {
    "junk": b"this was never packed" * 50,
    "cut": packed(("xgboost-model", b"x" * 100_000))[:-40],
    "outside": packed(("../../outside", b"x")),
    "empty": packed(),
    "no-model": packed(("xgboost-model", b"not a model"), ("model_algo-1", b"not a model")),
}


def test_endpoints_of_bad_artifacts_fail_with_a_reason(shop, running):
    wanted = {}
    for wrong, body in BAD_ARTIFACTS.items():
        shop.s3.put_object(Bucket="workshop", Key=f"artifacts/{wrong}.tar.gz", Body=body)
        for algorithm in ("xgboost", "kmeans") if wrong in ("empty", "no-model") else ("pca",):
            wanted[f"{wrong}-{algorithm}"] = (algorithm, f"s3://workshop/artifacts/{wrong}.tar.gz")
    stranger = shop.ended("good-xgboost")["ModelArtifacts"]["S3ModelArtifacts"]
    wanted["of-another"] = ("linear-learner", stranger)
    for name, (algorithm, artifact) in wanted.items():
        shop.deploy(name, ALGORITHMS[algorithm].image, artifact)
    for name in wanted:
        found = shop.until_deployed(name)
        assert found["EndpointStatus"] == "Failed", name
        assert found["FailureReason"]
        assert not INSIDE.search(found["FailureReason"]), found["FailureReason"]
        shop.sagemaker.delete_endpoint(EndpointName=name)
    assert not list(running.data.rglob("outside"))


BAD_BODIES = {
    "nine features": (b"1,2,3,4,5,6,7,8,9", "text/csv", 400),
    "words": (b"a,b", "text/csv", 415),
    "no text": (b"\xff\xfe\x00", "text/csv", 415),
    "a type nobody knows": (b"1,2", "image/png", 415),
    "no RecordIO": (b"no record", "application/x-recordio-protobuf", 415),
    "half a document": (b'{"instances": [{"fea', "application/json", 415),
}
"""What the model's own process answers: what it cannot read is 415 (as the published XGBoost container does)."""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("body", "content_type", "status"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_request_for_inference_is_a_model_error(shop, raw, algorithm, body, content_type, status):
    answer = raw.invoke(shop.endpoint(algorithm), body, content_type)
    assert (answer.status, answer.code) == (424, "ModelError"), answer.text
    told = json.loads(answer.body)
    assert told["OriginalStatusCode"] == status
    assert told["OriginalMessage"]
    assert not INSIDE.search(answer.text), answer.text


def test_models_answer_well_after_all_this(shop, raw):
    for algorithm in ALGORITHMS:
        answer = raw.invoke(shop.endpoint(algorithm), b"1,2")
        assert answer.status == 200, answer.text


# Afterwards


def test_the_server_is_well_and_has_no_trace_in_its_log(running, shop):
    with urllib.request.urlopen(f"{running.endpoint}/_lakemill/health") as answer:
        assert json.load(answer)["status"] == "ok"
    sagemaker = running.client("sagemaker")
    deadline = time.monotonic() + 60
    while under_way := sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
        assert time.monotonic() < deadline, f"these jobs hang: {under_way}"
        time.sleep(0.2)
    time.sleep(0.2)
    assert [line for line in running.requests if INSIDE.search(line)] == []
    assert [line for line in running.requests if re.search(r" 500 ", line)] == []
    assert running.process.poll() is None
