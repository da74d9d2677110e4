import base64
import hashlib
import json
import os

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.s3 import S3, postpolicy

from .conftest import content, http_request

FILE = os.urandom(120_000) + b"\r\n--almost\r\n" + os.urandom(100)
BOUNDARY = "b0und4ry"


@pytest.fixture
async def key(identity, metadata):
    import asyncio

    return await asyncio.to_thread(identity.root_key)


def signed(key, conditions, fields, expiration="2033-01-01T00:00:00Z"):
    """The fields of a form as a signer hands them out."""
    scope = ["20231114", "us-east-1", "s3", "aws4_request"]
    made = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "/".join([key.access_key_id, *scope]),
        "x-amz-date": "20231114T221320Z",
    }
    document = {"expiration": expiration, "conditions": [*conditions, *({name: made[name]} for name in made)]}
    policy = base64.b64encode(json.dumps(document).encode()).decode()
    signature = postpolicy.signature_v4(key.secret, scope, policy)
    return fields | made | {"policy": policy, "x-amz-signature": signature}


def form(fields, file=FILE, filename="photo.png", piece=7_001):
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + file
    body += (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="submit"\r\n\r\nGo\r\n--{BOUNDARY}--\r\n'.encode()
    )
    headers = [("content-type", f"multipart/form-data; boundary={BOUNDARY}"), ("host", "localhost:4566")]
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
    return http_request("POST", b"/lake", headers, pieces)


async def post(service, fields, **options):
    status, headers, body = await service.outside_the_model(form(fields, **options), b"/lake", "R")
    return status, dict(headers), body


ANY_KEY = [{"bucket": "lake"}, ["starts-with", "$key", "up/"]]


@pytest.mark.parametrize("piece", [1, 1000, 7_001, 1 << 20])
async def test_a_form_stores_its_file(ask, service, bucket, key, piece):
    file = FILE[-3_000:] if piece == 1 else FILE
    conditions = [*ANY_KEY, {"content-type": "image/png"}, ["starts-with", "$x-amz-meta-who", ""]]
    fields = signed(key, conditions, {"key": "up/${filename}", "content-type": "image/png", "x-amz-meta-who": "me"})
    status, headers, body = await post(service, fields, file=file, piece=piece)
    assert (status, body) == (204, b"")
    assert headers["location"] == "http://localhost:4566/lake/up/photo.png"
    assert headers["etag"] == f'"{hashlib.md5(file).hexdigest()}"'
    found = await ask("GetObject", Bucket=bucket, Key="up/photo.png")
    assert await content(found) == file
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {"who": "me"})


async def test_success_is_answered_as_the_form_asks(service, bucket, key):
    conditions = [*ANY_KEY, {"success_action_status": "201"}]
    status, _, body = await post(service, signed(key, conditions, {"key": "up/a&b", "success_action_status": "201"}))
    assert status == 201
    assert b"<Bucket>lake</Bucket><Key>up/a&amp;b</Key><ETag>" in body
    conditions = [*ANY_KEY, ["starts-with", "$success_action_redirect", "https://example.com/"]]
    fields = signed(key, conditions, {"key": "up/k", "success_action_redirect": "https://example.com/done"})
    status, headers, _ = await post(service, fields)
    assert status == 303
    assert headers["location"].startswith("https://example.com/done?bucket=lake&key=up%2Fk&etag=%22")


@pytest.mark.parametrize(
    ("conditions", "fields", "code", "message"),
    [
        ([{"bucket": "other"}, ["eq", "$key", "up/k"]], {}, "AccessDenied", "Policy Condition failed"),
        ([{"bucket": "lake"}, ["eq", "$key", "x"]], {}, "AccessDenied", '["eq", "$key", "x"]'),
        ([{"bucket": "lake"}, ["starts-with", "$key", "x/"]], {}, "AccessDenied", "starts-with"),
        (ANY_KEY, {"x-amz-meta-more": "1"}, "AccessDenied", "Extra input fields: x-amz-meta-more"),
        ([*ANY_KEY, ["content-length-range", 0, 1000]], {}, "EntityTooLarge", ""),
        ([*ANY_KEY, ["content-length-range", 10**6, 10**7]], {}, "EntityTooSmall", ""),
        ([*ANY_KEY, ["between", 1, 2]], {}, "InvalidPolicyDocument", "Simple-Condition"),
        ([*ANY_KEY, {"x-amz-server-side-encryption": "aws:kms"}], {"x-amz-server-side-encryption": "aws:kms"},
         "NotImplemented", "x-amz-server-side-encryption"),
    ],
)  # fmt: skip
async def test_what_the_signer_did_not_allow_is_refused(ask, service, bucket, key, conditions, fields, code, message):
    with pytest.raises(ServiceError) as caught:
        await post(service, signed(key, conditions, {"key": "up/k"} | fields))
    assert caught.value.code == code
    assert message in caught.value.message
    assert (await ask("ListObjectsV2", Bucket=bucket))["KeyCount"] == 0


async def test_forms_expire_and_cannot_be_forged(service, bucket, key):
    old = signed(key, ANY_KEY, {"key": "up/k"}, expiration="2020-01-01T00:00:00.000Z")
    with pytest.raises(ServiceError, match="Policy expired"):
        await post(service, old)
    forged = signed(key, ANY_KEY, {"key": "up/k"})
    forged["x-amz-signature"] = "0" * 64
    with pytest.raises(ServiceError) as caught:
        await post(service, forged)
    assert caught.value.code == "SignatureDoesNotMatch"
    unknown = signed(key, ANY_KEY, {"key": "up/k"})
    unknown["x-amz-credential"] = unknown["x-amz-credential"].replace(key.access_key_id, "AKIAUNKNOWNUNKNOWN00")
    with pytest.raises(ServiceError) as caught:
        await post(service, unknown)
    assert caught.value.code == "InvalidAccessKeyId"


async def test_an_unsigned_form_needs_a_public_bucket(ask, service, bucket):
    with pytest.raises(ServiceError) as caught:
        await post(service, {"key": "up/k"})
    assert caught.value.code == "AccessDenied"
    await ask("DeletePublicAccessBlock", Bucket=bucket)
    rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::lake/up/*"}
    await ask("PutBucketPolicy", Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]}))
    assert (await post(service, {"key": "up/k"}))[0] == 204


async def test_without_authentication_signatures_are_not_looked_at_but_policies_are(
    objects, identity, clock, bucket, key
):
    service = S3(objects, identity, clock, auth="off", account="000000000000")
    fields = signed(key, ANY_KEY, {"key": "up/k"}) | {"x-amz-signature": "0" * 64}
    fields["x-amz-credential"] = fields["x-amz-credential"].replace(key.access_key_id, "test")
    with pytest.raises(ServiceError, match="Policy Condition failed"):
        await post(service, fields)
    fields = signed(key, ANY_KEY, {"key": "up/k"}) | {"x-amz-signature": "0" * 64}
    assert (await post(service, fields))[0] == 204
    assert (await post(service, {"key": "up/k"}))[0] == 204


async def test_signature_version_2_is_understood(service, bucket, key):
    document = {"expiration": "2033-01-01T00:00:00Z", "conditions": ANY_KEY}
    policy = base64.b64encode(json.dumps(document).encode()).decode()
    fields = {"key": "up/k", "AWSAccessKeyId": key.access_key_id, "policy": policy}
    assert (await post(service, fields | {"signature": postpolicy.signature_v2(key.secret, policy)}))[0] == 204


async def test_bodies_that_are_no_forms(service, bucket):
    headers = [("content-type", "multipart/form-data; boundary=x")]
    for body, code in (
        (b"nothing", "MalformedPOSTRequest"),
        (b"--x--\r\n", "InvalidArgument"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"v" * 50_000, "MaxPostPreDataLengthExceeded"),
    ):
        with pytest.raises(ServiceError) as caught:
            await service.outside_the_model(http_request("POST", b"/lake", headers, [body]), b"/lake", "R")
        assert caught.value.code == code


async def test_other_requests_are_left_to_the_model(service, bucket):
    for method, path, headers in (
        ("GET", b"/lake", []),
        ("POST", b"/lake/key", [("content-type", "multipart/form-data; boundary=x")]),
        ("POST", b"/lake", [("content-type", "application/xml")]),
    ):
        assert await service.outside_the_model(http_request(method, path, headers), path, "R") is None
