import pytest

from lakemill.engines.identity.principal import Principal

OTHER = Principal("root", "111111111111", "arn:aws:iam::111111111111:root", "111111111111")


@pytest.mark.parametrize("name", ["abc", "a.b.c", "a-1", "0" * 63, "1.2.3.4.5"])
async def test_allowed_bucket_names(ask, name):
    assert (await ask("CreateBucket", Bucket=name))["Location"] == f"/{name}"


@pytest.mark.parametrize(
    "name", ["ab", "0" * 64, "Abc", "a_b", "-ab", "ab-", "a..b", "a.-b", "1.2.3.4", "xn--a", "a-s3alias", "a b", "ab\n"]
)
async def test_names_that_are_no_bucket_names(ask, name):
    error = await ask.fails("InvalidBucketName", "CreateBucket", Bucket=name)
    assert error.fields == {"BucketName": name}


async def test_creating_a_bucket_again_is_an_error_everywhere_but_in_us_east_1(ask, bucket):
    await ask("CreateBucket", Bucket=bucket)
    configuration = {"LocationConstraint": "eu-west-1"}
    error = await ask.fails(
        "BucketAlreadyOwnedByYou",
        "CreateBucket",
        Bucket=bucket,
        region="eu-west-1",
        CreateBucketConfiguration=configuration,
    )
    assert error.status == 409
    await ask.fails("BucketAlreadyExists", "CreateBucket", Bucket=bucket, principal=OTHER)


@pytest.mark.parametrize(
    ("region", "constraint", "lies"),
    [
        ("us-east-1", None, None),
        ("us-east-1", "eu-west-1", "eu-west-1"),
        ("us-east-1", "EU", "eu-west-1"),
        ("eu-west-1", "eu-west-1", "eu-west-1"),
    ],
)
async def test_where_a_bucket_lies(ask, region, constraint, lies):
    configuration = {"LocationConstraint": constraint} if constraint else {}
    await ask("CreateBucket", Bucket="lake", region=region, CreateBucketConfiguration=configuration)
    assert (await ask("GetBucketLocation", Bucket="lake")).get("LocationConstraint") == lies
    assert (await ask("HeadBucket", Bucket="lake"))["BucketRegion"] == lies or lies is None


@pytest.mark.parametrize("constraint", [None, "us-west-2"])
async def test_a_constraint_must_go_with_its_endpoint(ask, constraint):
    configuration = {"LocationConstraint": constraint} if constraint else {}
    error = await ask.fails(
        "IllegalLocationConstraintException",
        "CreateBucket",
        Bucket="lake",
        region="eu-west-1",
        CreateBucketConfiguration=configuration,
    )
    assert (constraint or "unspecified") in error.message


async def test_an_account_lists_its_own_buckets_in_pages(ask):
    for name in ("b-2", "b-1", "c-1"):
        await ask("CreateBucket", Bucket=name)
    await ask("CreateBucket", Bucket="b-other", principal=OTHER)
    page = await ask("ListBuckets")
    assert [one["Name"] for one in page["Buckets"]] == ["b-1", "b-2", "c-1"]
    assert len(page["Owner"]["ID"]) == 64
    first = await ask("ListBuckets", MaxBuckets=1, Prefix="b-")
    assert [one["Name"] for one in first["Buckets"]] == ["b-1"]
    second = await ask("ListBuckets", MaxBuckets=1, Prefix="b-", ContinuationToken=first["ContinuationToken"])
    assert [one["Name"] for one in second["Buckets"]] == ["b-2"]
    assert "ContinuationToken" not in second
    assert (await ask("ListBuckets", BucketRegion="eu-west-1"))["Buckets"] == []


async def test_only_an_empty_bucket_is_deleted(ask, bucket):
    await ask("PutObject", Bucket=bucket, Key="k")
    assert (await ask.fails("BucketNotEmpty", "DeleteBucket", Bucket=bucket)).status == 409
    await ask("DeleteObject", Bucket=bucket, Key="k")
    await ask("DeleteBucket", Bucket=bucket)
    assert (await ask.fails("NoSuchBucket", "HeadBucket", Bucket=bucket)).status == 404


async def test_the_expected_owner_must_be_the_owner(ask, bucket):
    await ask("HeadBucket", Bucket=bucket, ExpectedBucketOwner="000000000000")
    await ask.fails("AccessDenied", "HeadBucket", Bucket=bucket, ExpectedBucketOwner="111111111111")
    await ask.fails("AccessDenied", "PutObject", Bucket=bucket, Key="k", ExpectedBucketOwner="111111111111")


async def test_versioning_is_unset_until_it_is_set(ask, bucket):
    assert await ask("GetBucketVersioning", Bucket=bucket) == {}
    for status in ("Enabled", "Suspended"):
        await ask("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": status})
        assert await ask("GetBucketVersioning", Bucket=bucket) == {"Status": status}
    wrong = {"VersioningConfiguration": {}}
    await ask.fails("IllegalVersioningConfigurationException", "PutBucketVersioning", wrong, Bucket=bucket)
    wrong = {"VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
    await ask.fails("NotImplemented", "PutBucketVersioning", wrong, Bucket=bucket)


async def test_bucket_tags(ask, bucket):
    await ask.fails("NoSuchTagSet", "GetBucketTagging", Bucket=bucket)
    tags = [{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": ""}]
    await ask("PutBucketTagging", Bucket=bucket, Tagging={"TagSet": tags})
    assert (await ask("GetBucketTagging", Bucket=bucket))["TagSet"] == tags
    twice = {"TagSet": [tags[0], tags[0]]}
    await ask.fails("InvalidTag", "PutBucketTagging", Bucket=bucket, Tagging=twice)
    many = {"TagSet": [{"Key": str(i), "Value": ""} for i in range(51)]}
    await ask.fails("BadRequest", "PutBucketTagging", Bucket=bucket, Tagging=many)
    await ask("DeleteBucketTagging", Bucket=bucket)
    await ask.fails("NoSuchTagSet", "GetBucketTagging", Bucket=bucket)


async def test_without_acls_the_owner_has_full_control(ask, bucket):
    answer = await ask("GetBucketAcl", Bucket=bucket)
    assert [grant["Permission"] for grant in answer["Grants"]] == ["FULL_CONTROL"]
    assert answer["Grants"][0]["Grantee"]["ID"] == answer["Owner"]["ID"]
    error = await ask.fails("AccessControlListNotSupported", "PutBucketAcl", Bucket=bucket, ACL="public-read")
    assert error.message == "The bucket does not allow ACLs"
    code = "InvalidBucketAclWithObjectOwnership"
    await ask.fails(code, "CreateBucket", Bucket="public", ACL="public-read")


async def test_ownership_controls(ask, bucket):
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert await ask("GetBucketOwnershipControls", Bucket=bucket) == {"OwnershipControls": enforced}
    await ask("PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=enforced)
    writer = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    await ask.fails("NotImplemented", "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=writer)


async def test_new_buckets_block_public_access(ask, bucket):
    block = (await ask("GetPublicAccessBlock", Bucket=bucket))["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    await ask("PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    block = (await ask("GetPublicAccessBlock", Bucket=bucket))["PublicAccessBlockConfiguration"]
    assert block == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    await ask("DeletePublicAccessBlock", Bucket=bucket)
    await ask.fails("NoSuchPublicAccessBlockConfiguration", "GetPublicAccessBlock", Bucket=bucket)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        ("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
        ("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
        ("GetBucketPolicy", "NoSuchBucketPolicy"),
        ("GetBucketCors", "NoSuchCORSConfiguration"),
    ],
)
async def test_what_is_not_configured_is_told_as_aws_tells_it(ask, bucket, operation, code):
    assert (await ask.fails(code, operation, Bucket=bucket)).status == 404
    await ask.fails("NoSuchBucket", operation, Bucket="nowhere")


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetBucketLogging", {}),
        ("GetBucketNotificationConfiguration", {}),
        ("GetBucketAccelerateConfiguration", {}),
        ("GetBucketRequestPayment", {"Payer": "BucketOwner"}),
        ("ListBucketMetricsConfigurations", {"IsTruncated": False}),
    ],
)
async def test_settings_at_rest_answer_empty(ask, bucket, operation, answer):
    assert await ask(operation, Bucket=bucket) == answer


@pytest.mark.parametrize(
    ("operation", "request_members"),
    [
        ("PutBucketRequestPayment", {"RequestPaymentConfiguration": {"Payer": "Requester"}}),
        ("PutBucketLogging", {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "b", "TargetPrefix": ""}}}),
        (
            "PutBucketNotificationConfiguration",
            {"NotificationConfiguration": {"QueueConfigurations": [{"QueueArn": "a", "Events": []}]}},
        ),
    ],
)
async def test_what_is_not_provided_is_refused_by_name(ask, bucket, operation, request_members):
    error = await ask.fails("NotImplemented", operation, request_members, Bucket=bucket)
    assert error.status == 501
    assert "lakemill does not provide" in error.message


@pytest.mark.parametrize(
    "operation",
    [
        "PutBucketLifecycleConfiguration",
        "PutBucketEncryption",
        "PutBucketWebsite",
        "PutBucketReplication",
        "PutObjectLockConfiguration",
        "RestoreObject",
        "SelectObjectContent",
    ],
)
def test_later_parts_are_no_operations_yet(ask, operation):
    assert operation not in ask.handlers


async def test_setting_nothing_is_no_lie(ask, bucket):
    await ask("PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration={})
    await ask("PutBucketLogging", Bucket=bucket, BucketLoggingStatus={})
    await ask("PutBucketRequestPayment", Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    for operation in ("DeleteBucketLifecycle", "DeleteBucketEncryption", "DeleteBucketWebsite"):
        await ask(operation, Bucket=bucket)
