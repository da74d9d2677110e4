import datetime
import os

import pytest

from .conftest import content

BIG = os.urandom(50_000)


@pytest.fixture
async def source(ask, bucket):
    await ask(
        "PutObject",
        Bucket=bucket,
        Key="a b",
        Body=BIG,
        ContentType="a/b",
        CacheControl="no-store",
        Metadata={"m": "1"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
        WebsiteRedirectLocation="/x",
    )
    return f"{bucket}/a%20b"


async def test_a_copy_takes_everything_but_class_and_redirect(ask, bucket, source):
    answer = await ask("CopyObject", Bucket=bucket, Key="copy", CopySource=source)
    head = await ask("HeadObject", Bucket=bucket, Key="a b")
    assert answer["CopyObjectResult"]["ETag"] == head["ETag"]
    copy = await ask("GetObject", Bucket=bucket, Key="copy")
    assert await content(copy) == BIG
    assert (copy["ContentType"], copy["CacheControl"], copy["Metadata"]) == ("a/b", "no-store", {"m": "1"})
    assert copy["TagCount"] == 1
    assert "StorageClass" not in copy
    assert "WebsiteRedirectLocation" not in copy


async def test_new_metadata_counts_only_with_replace(ask, bucket, source):
    new = {"ContentType": "c/d", "Metadata": {"n": "2"}, "Tagging": "x=y"}
    await ask("CopyObject", new, Bucket=bucket, Key="copy", CopySource=source)
    assert (await ask("HeadObject", Bucket=bucket, Key="copy"))["Metadata"] == {"m": "1"}
    await ask(
        "CopyObject",
        new,
        Bucket=bucket,
        Key="copy",
        CopySource="/" + source,
        MetadataDirective="REPLACE",
        TaggingDirective="REPLACE",
    )
    copy = await ask("HeadObject", Bucket=bucket, Key="copy")
    assert (copy["ContentType"], copy["Metadata"]) == ("c/d", {"n": "2"})
    assert "CacheControl" not in copy
    assert (await ask("GetObjectTagging", Bucket=bucket, Key="copy"))["TagSet"] == [{"Key": "x", "Value": "y"}]


async def test_a_copy_onto_itself_must_change_something(ask, bucket, source):
    place = {"Bucket": bucket, "Key": "a b", "CopySource": source}
    error = await ask.fails("InvalidRequest", "CopyObject", place)
    assert error.message.startswith("This copy request is illegal")
    await ask("CopyObject", place, MetadataDirective="REPLACE", Metadata={"z": "1"})
    await ask("CopyObject", place, StorageClass="STANDARD")
    assert await content(await ask("GetObject", Bucket=bucket, Key="a b")) == BIG


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"CopySource": "lake/never"}, "NoSuchKey"),
        ({"CopySource": "nowhere/k"}, "NoSuchBucket"),
        ({"CopySource": "lake"}, "InvalidArgument"),
        ({"CopySourceIfMatch": '"no"'}, "PreconditionFailed"),
        ({"CopySourceIfNoneMatch": "*"}, "PreconditionFailed"),
        ({"CopySourceIfModifiedSince": datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)}, "PreconditionFailed"),
        ({"CopySourceIfUnmodifiedSince": datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)}, "PreconditionFailed"),
        ({"IfMatch": '"no"'}, "NoSuchKey"),
        ({"MetadataDirective": "MOVE"}, "InvalidArgument"),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"ExpectedSourceBucketOwner": "111111111111"}, "AccessDenied"),
    ],
)
async def test_copies_that_are_refused(ask, bucket, source, members, code):
    await ask.fails(code, "CopyObject", {"Bucket": bucket, "Key": "copy", "CopySource": source} | members)


async def test_a_version_can_be_copied_and_a_marker_cannot(ask, bucket):
    await ask("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = (await ask("PutObject", Bucket=bucket, Key="k", Body=b"old"))["VersionId"]
    await ask("PutObject", Bucket=bucket, Key="k", Body=b"new")
    answer = await ask("CopyObject", Bucket=bucket, Key="k", CopySource=f"lake/k?versionId={old}")
    assert answer["CopySourceVersionId"] == old
    assert answer["VersionId"] != old
    assert await content(await ask("GetObject", Bucket=bucket, Key="k")) == b"old"
    marker = (await ask("DeleteObject", Bucket=bucket, Key="k"))["VersionId"]
    await ask.fails("InvalidRequest", "CopyObject", Bucket=bucket, Key="c", CopySource=f"lake/k?versionId={marker}")


async def test_parts_copied_from_ranges(ask, bucket, source):
    upload = (await ask("CreateMultipartUpload", Bucket=bucket, Key="m"))["UploadId"]
    place = {"Bucket": bucket, "Key": "m", "UploadId": upload, "CopySource": source}
    part = await ask("UploadPartCopy", place, PartNumber=1, CopySourceRange="bytes=10-19")
    listed = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    await ask("CompleteMultipartUpload", Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": listed})
    assert await content(await ask("GetObject", Bucket=bucket, Key="m")) == BIG[10:20]
    for text in ("bytes=5-", "bytes=9-5", "bytes=0-50000"):
        code = "NoSuchUpload"
        await ask.fails(code, "UploadPartCopy", place, PartNumber=2, CopySourceRange=text)
    upload = (await ask("CreateMultipartUpload", Bucket=bucket, Key="m"))["UploadId"]
    for text in ("bytes=5-", "bytes=9-5", "bytes=0-50000"):
        await ask.fails("InvalidArgument", "UploadPartCopy", place, UploadId=upload, PartNumber=2, CopySourceRange=text)
