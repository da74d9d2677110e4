import json

import pytest

from lakemill.engines.identity.principal import Principal
from lakemill.services.base import Call
from lakemill.services.s3 import policies

from .conftest import ACCOUNT, NOBODY, ROOT, http_request

OTHER = Principal("root", "111111111111", "arn:aws:iam::111111111111:root", "111111111111")
USER = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN", name="ann")


def statement(**fields):
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"} | fields


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
async def opened(ask, bucket):
    """A bucket that may be made public."""
    await ask("DeletePublicAccessBlock", Bucket=bucket)
    await ask("PutObject", Bucket=bucket, Key="k", Body=b"x", Tagging="open=yes")
    return bucket


def needs(service, operation, principal=ROOT, **request):
    call = Call("s3", operation, "us-east-1", principal.account, principal, "R", http_request())
    return service.needs(call, request)


@pytest.mark.parametrize(
    ("operation", "request_members", "actions"),
    [
        ("ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
        ("ListObjectsV2", {"Bucket": "lake"}, [("s3:ListBucket", "arn:aws:s3:::lake")]),
        ("HeadBucket", {"Bucket": "lake"}, [("s3:ListBucket", "arn:aws:s3:::lake")]),
        ("ListObjectVersions", {"Bucket": "lake"}, [("s3:ListBucketVersions", "arn:aws:s3:::lake")]),
        ("GetBucketEncryption", {"Bucket": "lake"}, [("s3:GetEncryptionConfiguration", "arn:aws:s3:::lake")]),
        ("HeadObject", {"Bucket": "lake", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::lake/k")]),
        (
            "GetObject",
            {"Bucket": "lake", "Key": "k", "VersionId": "v"},
            [("s3:GetObjectVersion", "arn:aws:s3:::lake/k")],
        ),
        (
            "PutObject",
            {"Bucket": "lake", "Key": "k", "Tagging": "a=1"},
            [("s3:PutObject", "arn:aws:s3:::lake/k"), ("s3:PutObjectTagging", "arn:aws:s3:::lake/k")],
        ),
        (
            "CopyObject",
            {"Bucket": "lake", "Key": "k", "CopySource": "other/a%20b"},
            [("s3:PutObject", "arn:aws:s3:::lake/k"), ("s3:GetObject", "arn:aws:s3:::other/a b")],
        ),
        ("UploadPart", {"Bucket": "lake", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::lake/k")]),
        ("ListParts", {"Bucket": "lake", "Key": "k"}, [("s3:ListMultipartUploadParts", "arn:aws:s3:::lake/k")]),
        ("DeleteObjects", {"Bucket": "lake"}, []),
    ],
)
async def test_what_operations_need(service, operation, request_members, actions):
    assert [(need.action, need.resource) for need in needs(service, operation, **request_members)] == actions


async def test_every_operation_has_an_action_that_iam_knows(service):
    """None is called after an operation that IAM names otherwise."""
    for operation in service.operations():
        found = needs(service, operation, Bucket="lake", Key="k", CopySource="a/b")
        for need in found:
            assert "Configurations" not in need.action
            assert need.action not in ("s3:HeadObject", "s3:UploadPart", "s3:GetBucketCors", "s3:ListObjects")


async def test_condition_keys_of_a_request(service, opened):
    (need,) = needs(service, "ListObjectsV2", Bucket=opened, Prefix="a/", Delimiter="/", MaxKeys=5)
    assert need.context == {"s3:prefix": "a/", "s3:delimiter": "/", "s3:max-keys": 5}
    (need,) = needs(service, "GetObject", Bucket=opened, Key="k")
    assert need.context == {"s3:ExistingObjectTag/open": "yes"}
    need = needs(service, "PutObject", Bucket=opened, Key="k", Tagging="a=1", ACL="private")[0]
    assert need.context["s3:RequestObjectTag/a"] == "1"
    assert need.context["s3:RequestObjectTagKeys"] == ["a"]
    assert need.context["s3:x-amz-acl"] == "private"
    assert need.resource_account == ACCOUNT


async def test_a_public_policy_is_refused_while_it_is_blocked(ask, bucket):
    error = await ask.fails("AccessDenied", "PutBucketPolicy", Bucket=bucket, Policy=policy(statement()))
    assert "BlockPublicPolicy" in error.message
    private = policy(statement(Principal={"AWS": "111111111111"}))
    await ask("PutBucketPolicy", Bucket=bucket, Policy=private)
    assert (await ask("GetBucketPolicy", Bucket=bucket))["Policy"] == private
    assert (await ask("GetBucketPolicyStatus", Bucket=bucket))["PolicyStatus"] == {"IsPublic": False}
    await ask("DeleteBucketPolicy", Bucket=bucket)
    await ask.fails("NoSuchBucketPolicy", "GetBucketPolicy", Bucket=bucket)


async def test_anybody_reads_what_a_policy_opens_and_nothing_else(ask, opened):
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="k", principal=NOBODY)
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(statement()))
    assert (await ask("GetObject", Bucket=opened, Key="k", principal=NOBODY))["Body"] == b"x"
    await ask.fails("AccessDenied", "PutObject", Bucket=opened, Key="k", Body=b"", principal=NOBODY)
    await ask.fails("AccessDenied", "ListObjectsV2", Bucket=opened, principal=NOBODY)


async def test_restricting_public_buckets_shuts_others_out_again(ask, opened):
    denial = statement(Effect="Deny", Resource="arn:aws:s3:::lake/secret")
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(statement(), denial))
    block = {"RestrictPublicBuckets": True}
    await ask("PutPublicAccessBlock", Bucket=opened, PublicAccessBlockConfiguration=block)
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="k", principal=NOBODY)
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="k", principal=OTHER)
    await ask("GetObject", Bucket=opened, Key="k", principal=USER)
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="secret", principal=ROOT)


async def test_a_missing_key_is_only_told_to_those_who_may_list(ask, opened):
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(statement()))
    await ask.fails("NoSuchKey", "GetObject", Bucket=opened, Key="never")
    assert (await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="never", principal=NOBODY)).status == 403
    listing = statement(Action="s3:ListBucket", Resource="arn:aws:s3:::lake")
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(statement(), listing))
    await ask.fails("NoSuchKey", "GetObject", Bucket=opened, Key="never", principal=NOBODY)


async def test_tags_of_the_object_open_and_close_it(ask, opened):
    condition = {"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(statement(Condition=condition)))
    await ask("GetObject", Bucket=opened, Key="k", principal=NOBODY)
    await ask("DeleteObjectTagging", Bucket=opened, Key="k")
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="k", principal=NOBODY)


async def test_deletes_of_many_are_decided_one_by_one(ask, opened):
    await ask("PutObject", Bucket=opened, Key="mine/1", Body=b"x")
    allowed = statement(Action="s3:DeleteObject", Resource="arn:aws:s3:::lake/mine/*")
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(allowed))
    keys = {"Objects": [{"Key": "mine/1"}, {"Key": "k"}]}
    answer = await ask("DeleteObjects", Bucket=opened, Delete=keys, principal=NOBODY)
    assert answer["Deleted"] == [{"Key": "mine/1"}]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("k", "AccessDenied")]


async def test_the_owners_root_mends_a_policy_that_locks_everybody_out(ask, opened):
    lock = statement(Effect="Deny", Action="s3:*", Resource=["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"])
    await ask("PutBucketPolicy", Bucket=opened, Policy=policy(lock))
    await ask.fails("AccessDenied", "GetObject", Bucket=opened, Key="k")
    await ask("DeleteBucketPolicy", Bucket=opened)
    await ask("GetObject", Bucket=opened, Key="k")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "invalid Json"),
        (policy(statement(Resource="arn:aws:s3:::other/*")), "Policy has invalid resource"),
        (policy(statement(Action="sqs:SendMessage")), "Policy has invalid action"),
        (policy({k: v for k, v in statement().items() if k != "Principal"}), "Principal"),
        (policy(statement(Effect="Maybe")), ""),
    ],
)
async def test_malformed_policies(ask, opened, text, message):
    error = await ask.fails("MalformedPolicy", "PutBucketPolicy", Bucket=opened, Policy=text)
    assert message in error.message


async def test_a_policy_has_at_most_20_kilobytes(ask, opened):
    text = policy(*[statement(Sid=f"s{i}", Resource=f"arn:aws:s3:::lake/{'x' * 900}/{i}/*") for i in range(21)])
    await ask.fails("PolicyTooLarge", "PutBucketPolicy", Bucket=opened, Policy=text)


@pytest.mark.parametrize(
    ("fields", "public"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["111111111111"]}}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
        ({"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
    ],
)
def test_which_policies_are_public(fields, public):
    assert policies.is_public({"Statement": [statement(**fields)]}) is public


RULE = {
    "AllowedMethods": ["GET", "PUT"],
    "AllowedOrigins": ["https://*.example.com"],
    "AllowedHeaders": ["x-amz-*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 60,
}


async def preflight(service, **headers):
    http = http_request("OPTIONS", headers=[(name.replace("_", "-"), value) for name, value in headers.items()])
    return await service.outside_the_model(http, b"/lake/k", "R")


async def test_preflights_follow_the_buckets_rules(ask, service, bucket):
    asked = {"origin": "https://a.example.com", "access_control_request_method": "PUT"}
    with pytest.raises(Exception, match="CORS is not enabled"):
        await preflight(service, **asked)
    await ask("PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    assert (await ask("GetBucketCors", Bucket=bucket))["CORSRules"] == [RULE]
    status, headers, body = await preflight(service, **asked, access_control_request_headers="X-Amz-Date")
    headers = dict(headers)
    assert (status, body) == (200, b"")
    assert headers["access-control-allow-origin"] == "https://a.example.com"
    assert headers["access-control-allow-headers"] == "x-amz-date"
    assert headers["access-control-max-age"] == "60"
    for wrong in (
        {"origin": "https://example.org"},
        {"access_control_request_method": "DELETE"},
        {"access_control_request_headers": "authorization"},
    ):
        with pytest.raises(Exception, match="not allowed"):
            await preflight(service, **(asked | wrong))
    with pytest.raises(Exception, match="Origin request header needed"):
        await preflight(service, access_control_request_method="PUT")


async def test_answers_to_other_origins_carry_the_headers_errors_too(ask, bucket):
    await ask("PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    origin = [("origin", "https://a.example.com")]
    await ask.fails("NoSuchKey", "GetObject", Bucket=bucket, Key="never", headers=origin)
    assert ask.call.headers["access-control-allow-origin"] == "https://a.example.com"
    assert ask.call.headers["access-control-expose-headers"] == "ETag"
    await ask("ListObjectsV2", Bucket=bucket, headers=[("origin", "https://example.org")])
    assert ask.call.headers == {}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*.*"]}, "InvalidRequest"),
    ],
)
async def test_cors_rules_that_make_no_sense(ask, bucket, rule, code):
    await ask.fails(code, "PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    await ask.fails("MalformedXML", "PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": []})
