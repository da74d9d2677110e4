"""Whatever is sent, the answer is an error in AWS's words; nothing breaks, nothing hangs, no inside is shown."""

import base64
import hashlib
import io
import json
import re
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from tests.journeys.raw import Raw, declaring
from tests.journeys.workshop import ALGORITHMS, Workshop
from tests.running import Lakemill

import lakemill as package

INSIDE = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|" + re.escape(str(Path(package.__file__).parent)), re.IGNORECASE
)
MIB = 1 << 20


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


# Requests: what is wrong with it, the status, the code, and how to ask.

LIST_USERS = "Action=ListUsers&Version=2010-05-08"
SIMULATE = "Action=SimulateCustomPolicy&Version=2010-05-08&"
BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><Delete><Object><Key>&a9;</Key></Object></Delete>"
)
FILE_ENTITY = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>'
OLD_CBOR = {"Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
NEW_CBOR = {"Content-Type": "application/cbor", "Accept": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
LOG_GROUPS = "/service/Logs_20140328/operation/DescribeLogGroups"
NO_HASH = {"x-amz-date": "20260101T000000Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}


def models(raw, body="{}", **how):
    return raw.json("sagemaker", "ListModels", body, **how)


def put(raw, body=b"x", headers=None, **how):
    return raw.ask("s3", "PUT", "/bad/new", body, headers, **how)


def delete(raw, body):
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    return raw.ask("s3", "POST", "/bad?delete", body, {"Content-MD5": digest})


def pieces(raw, body, size, signed=False, **headers):
    """An aws-chunked upload."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if signed else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    said = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(size)} | named
    return put(raw, body, said, signer=declaring(kind))


def small_part(raw):
    s3 = raw.lakemill.client("s3")
    place = {"Bucket": "bad", "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(**place)["UploadId"]
    etags = [s3.upload_part(**place, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)]
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in enumerate(etags, 1))
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    answer = raw.ask("s3", "POST", f"/bad/parts?uploadId={place['UploadId']}", body)
    s3.abort_multipart_upload(**place)
    return answer


def model_without_role(raw, **further):
    body = {
        "ModelName": "m",
        "ExecutionRoleArn": "arn:aws:iam::000000000000:role/nobody-at-all",
        "PrimaryContainer": {"Image": ALGORITHMS["kmeans"].image},
    }
    return raw.json("sagemaker", "CreateModel", json.dumps(body | further))


def model_in_a_vpc(raw):
    answer = model_without_role(raw, VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]})
    assert "VpcConfig is refused" in answer.text
    return answer


def notebook(raw):
    body = {"NotebookInstanceName": "n", "InstanceType": "ml.t2.medium", "RoleArn": "arn:aws:iam::000000000000:role/r"}
    return raw.json("sagemaker", "CreateNotebookInstance", json.dumps(body))


REQUESTS = [
    # Who asks
    ("s3, unknown key", 403, "InvalidAccessKeyId", lambda r: put(r, credentials=r.stranger)),
    ("json, unknown key", 400, "UnrecognizedClientException", lambda r: models(r, credentials=r.stranger)),
    ("query, unknown key", 403, "InvalidClientTokenId", lambda r: r.query(LIST_USERS, credentials=r.stranger)),
    ("rest, unknown key", 403, "UnrecognizedClientException", lambda r: r.invoke("e", b"1", credentials=r.stranger)),
    ("s3, wrong secret", 403, "SignatureDoesNotMatch", lambda r: put(r, credentials=r.liar)),
    ("json, wrong secret", 400, "InvalidSignatureException", lambda r: models(r, credentials=r.liar)),
    ("query, wrong secret", 403, "SignatureDoesNotMatch", lambda r: r.query(LIST_USERS, credentials=r.liar)),
    ("rest, wrong secret", 403, "InvalidSignatureException", lambda r: r.invoke("e", b"1", credentials=r.liar)),
    ("s3, slow clock", 403, "RequestTimeTooSkewed", lambda r: put(r, hours=-1)),
    ("s3, fast clock", 403, "RequestTimeTooSkewed", lambda r: put(r, hours=1)),
    ("json, slow clock", 400, "InvalidSignatureException", lambda r: models(r, hours=-1)),
    ("query, fast clock", 403, "SignatureDoesNotMatch", lambda r: r.query(LIST_USERS, hours=1)),
    ("expired URL of version 4", 403, "AccessDenied", lambda r: r.send("GET", r.presigned("/bad/k", hours=-1))),
    ("expired URL of version 2", 403, "AccessDenied", lambda r: r.send("GET", r.presigned_v2("/bad/k", expires_s=-9))),
    (
        "URL for longer than a week",
        400,
        "AuthorizationQueryParametersError",
        lambda r: r.send("GET", r.presigned("/bad/k", expires_s=8 * 86400)),
    ),
    ("s3, not signed", 403, "AccessDenied", lambda r: r.send("GET", "/bad/k")),
    (
        "json, not signed",
        400,
        "MissingAuthenticationTokenException",
        lambda r: r.send("POST", "/", "{}", {"X-Amz-Target": "SageMaker.ListModels"}),
    ),
    (
        "no known signature",
        400,
        "InvalidRequest",
        lambda r: r.send("GET", "/bad/k", headers=NO_HASH | {"Authorization": "nonsense"}),
    ),
    (
        "half a signature",
        400,
        "AuthorizationHeaderMalformed",
        lambda r: r.send("GET", "/bad/k", headers=NO_HASH | {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}),
    ),
    # JSON
    ("json, cut", 400, "SerializationException", lambda r: models(r, '{"MaxResu')),
    ("json, a list", 400, "SerializationException", lambda r: models(r, "[1, 2]")),
    ("json, another encoding", 400, "SerializationException", lambda r: models(r, b"\xff\xfe{}")),
    ("json, deep lists", 400, "SerializationException", lambda r: models(r, "[" * 100_000)),
    ("json, deep objects", 400, "SerializationException", lambda r: models(r, '{"a":' * 50_000 + "1" + "}" * 50_000)),
    ("json, not a number", 400, "SerializationException", lambda r: models(r, '{"MaxResults": NaN}')),
    ("json, a long number", 400, "SerializationException", lambda r: models(r, f'{{"MaxResults": {"9" * 5000}}}')),
    ("json, text for a number", 400, "SerializationException", lambda r: models(r, '{"MaxResults": "five"}')),
    ("json, out of range", 400, "ValidationException", lambda r: models(r, '{"MaxResults": 1000}')),
    ("json, too large", 413, "RequestEntityTooLarge", lambda r: models(r, b'{"a":"' + b"x" * (17 * MIB) + b'"}')),
    ("unknown operation", 400, "UnknownOperationException", lambda r: r.json("sagemaker", "MakeCoffee", "{}")),
    ("operation not provided", 501, "NotImplementedException", notebook),
    ("member of a model that is refused", 400, "ValidationException", model_in_a_vpc),
    ("missing role", 400, "ValidationException", model_without_role),
    # Forms and CBOR
    ("query, no action", 400, "MissingAction", lambda r: r.query("Version=2010-05-08")),
    ("query, unknown action", 400, "InvalidAction", lambda r: r.query("Action=Brew&Version=2010-05-08")),
    ("query, unknown version", 400, "InvalidAction", lambda r: r.query("Action=ListUsers&Version=1999-01-01")),
    ("query, not UTF-8", 400, "MalformedInput", lambda r: r.query(LIST_USERS + "&PathPrefix=%ff")),
    ("query, list of names", 400, "MalformedInput", lambda r: r.query(SIMULATE + "ActionNames.member.x=a")),
    ("query, huge index", 400, "ValidationError", lambda r: r.query(SIMULATE + "ActionNames.member.99999999999=a")),
    (
        "query, deep",
        400,
        "MalformedInput",
        lambda r: r.query("Action=CreateUser&Version=2010-05-08&UserName" + ".a" * 30_000 + "=b"),
    ),
    ("old cbor, cut", 400, "SerializationException", lambda r: r.ask("logs", "POST", "/", b"\xbf\x61", OLD_CBOR)),
    ("old cbor, deep", 400, "SerializationException", lambda r: r.ask("logs", "POST", "/", b"\x81" * 99_999, OLD_CBOR)),
    (
        "old cbor, huge list",
        400,
        "SerializationException",
        lambda r: r.ask("logs", "POST", "/", b"\x9b\x7f" + b"\xff" * 7, OLD_CBOR),
    ),
    (
        "new cbor, cut",
        400,
        "SerializationException",
        lambda r: r.ask("logs", "POST", LOG_GROUPS, b"\xbf\x61", NEW_CBOR),
    ),
    # XML
    ("entity bomb", 400, "MalformedXML", lambda r: delete(r, BILLION)),
    ("entity of a file", 400, "MalformedXML", lambda r: delete(r, FILE_ENTITY)),
    ("xml, cut", 400, "MalformedXML", lambda r: delete(r, b"<Delete><Obj")),
    ("xml, none", 400, "MissingRequestBodyError", lambda r: delete(r, b"")),
    ("xml, deep", 400, "MalformedXML", lambda r: delete(r, b"<a>" * 100_000)),
    (
        "xml, other encoding",
        400,
        "MalformedXML",
        lambda r: delete(r, b'<?xml version="1.0" encoding="klingon"?><Delete/>'),
    ),
    (
        "1001 keys to delete",
        400,
        "MalformedXML",
        lambda r: delete(r, b"<Delete>" + b"<Object><Key>a</Key></Object>" * 1001 + b"</Delete>"),
    ),
    ("xml, wrong root", 400, "MalformedXML", lambda r: r.ask("s3", "PUT", "/bad?versioning", b"<Delete/>")),
    ("xml, too large", 413, "EntityTooLarge", lambda r: r.ask("s3", "PUT", "/bad?policy", b"x" * (17 * MIB))),
    ("policy that is no JSON", 400, "MalformedPolicy", lambda r: r.ask("s3", "PUT", "/bad?policy", b'{"a"')),
    # Objects
    ("missing bucket", 404, "NoSuchBucket", lambda r: r.ask("s3", "GET", "/nobody-made-it/k")),
    ("missing key", 404, "NoSuchKey", lambda r: r.ask("s3", "GET", "/bad/none")),
    ("unknown method", 405, "MethodNotAllowed", lambda r: r.ask("s3", "BREW", "/bad/k")),
    ("key of 1025 bytes", 400, "KeyTooLongError", lambda r: r.ask("s3", "PUT", "/bad/" + "k" * 1025, b"x")),
    ("key that is not UTF-8", 400, "InvalidURI", lambda r: r.ask("s3", "PUT", "/bad/%ff%fe", b"x")),
    ("wrong MD5", 400, "BadDigest", lambda r: put(r, headers={"Content-MD5": "QVKQdpWPBp9RU2nkjvu0zw=="})),
    ("no MD5", 400, "InvalidDigest", lambda r: put(r, headers={"Content-MD5": "nope"})),
    ("wrong CRC32", 400, "BadDigest", lambda r: put(r, headers={"x-amz-checksum-crc32": "AAAAAA=="})),
    ("no CRC32", 400, "InvalidRequest", lambda r: put(r, headers={"x-amz-checksum-crc32": "AA"})),
    ("wrong SHA-256", 400, "XAmzContentSHA256Mismatch", lambda r: put(r, signer=declaring("0" * 64))),
    ("no SHA-256", 400, "InvalidArgument", lambda r: put(r, signer=declaring("zz"))),
    (
        "range behind the end",
        416,
        "InvalidRange",
        lambda r: r.ask("s3", "GET", "/bad/k", headers={"Range": "bytes=9-"}),
    ),
    ("max-keys in words", 400, "InvalidArgument", lambda r: r.ask("s3", "GET", "/bad?list-type=2&max-keys=many")),
    ("no version", 400, "InvalidArgument", lambda r: r.ask("s3", "GET", "/bad/k?versionId=junk")),
    ("part 0", 400, "InvalidArgument", lambda r: r.ask("s3", "PUT", "/bad/k?partNumber=0&uploadId=x", b"x")),
    ("missing upload", 404, "NoSuchUpload", lambda r: r.ask("s3", "PUT", "/bad/k?partNumber=1&uploadId=x", b"x")),
    ("part too small", 400, "EntityTooSmall", small_part),
    ("no source of a copy", 400, "InvalidArgument", lambda r: put(r, b"", {"x-amz-copy-source": "nonsense"})),
    ("no storage class", 400, "InvalidStorageClass", lambda r: put(r, headers={"x-amz-storage-class": "SHOE_BOX"})),
    ("too much metadata", 400, "MetadataTooLarge", lambda r: put(r, headers={"x-amz-meta-a": "a" * 3000})),
    (
        "member that is refused",
        501,
        "NotImplemented",
        lambda r: put(r, headers={"x-amz-object-lock-mode": "GOVERNANCE"}),
    ),
    # aws-chunked
    ("cut chunk", 400, "IncompleteBody", lambda r: pieces(r, b"5\r\nhel", 5)),
    ("no last chunk", 400, "IncompleteBody", lambda r: pieces(r, b"5\r\nhello\r\n", 5)),
    ("chunk of no length", 400, "InvalidRequest", lambda r: pieces(r, b"zz\r\nhello", 5)),
    ("chunk below nothing", 400, "InvalidRequest", lambda r: pieces(r, b"-5\r\nhello\r\n0\r\n\r\n", 5)),
    ("chunk without end", 400, "InvalidRequest", lambda r: pieces(r, b"5" * 100_000, 5)),
    ("less than declared", 400, "IncompleteBody", lambda r: pieces(r, b"5\r\nhello\r\n0\r\n\r\n", 9)),
    (
        "chunks not signed so",
        403,
        "SignatureDoesNotMatch",
        lambda r: pieces(
            r, b"1;chunk-signature=%s\r\nx\r\n0;chunk-signature=%s\r\n\r\n" % (b"0" * 64, b"0" * 64), 1, True
        ),
    ),
    (
        "wrong trailer",
        400,
        "BadDigest",
        lambda r: pieces(
            r, b"1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 1, x_amz_trailer="x-amz-checksum-crc32"
        ),
    ),
    (
        "missing trailer",
        400,
        "MalformedTrailerError",
        lambda r: pieces(r, b"1\r\nx\r\n0\r\n\r\n", 1, x_amz_trailer="x-amz-checksum-crc32"),
    ),
    # Inference
    ("missing endpoint", 400, "ValidationError", lambda r: r.invoke("none", b"1")),
    ("too much to infer", 413, "413", lambda r: r.invoke("none", b"1" * 6_291_457)),
]


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
    assert sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"] == []
    time.sleep(0.2)
    assert [line for line in running.requests if INSIDE.search(line)] == []
    assert [line for line in running.requests if re.search(r" 500 ", line)] == []
    assert running.process.poll() is None
