"""Requests that are wrong, one a line: what is wrong, the status, the code, and how to ask it of a `Raw`."""

import base64
import hashlib
import json

from tests.journeys.raw import declaring
from tests.journeys.workshop import ALGORITHMS

MIB = 1 << 20
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
