import base64
import datetime
import hashlib
import os
import zlib

import pytest

from lakemill.services.base import BodyReader

from .conftest import content

BIG = os.urandom(100_000)
CRC = base64.b64encode(zlib.crc32(b"data").to_bytes(4, "big")).decode()
MD5 = hashlib.md5(b"data").hexdigest()
HOUR = datetime.timedelta(hours=1)


def reader(*pieces, trailers=None):
    async def generate():
        for piece in pieces:
            yield piece

    return BodyReader(generate(), sum(map(len, pieces)), trailers)


async def put(ask, bucket, key="k", body=b"data", **members):
    return await ask("PutObject", Bucket=bucket, Key=key, Body=body, **members)


@pytest.mark.parametrize("body", [b"", b"data", BIG])
async def test_an_object_comes_back_as_it_was_put(ask, bucket, body):
    answer = await put(ask, bucket, body=reader(body[:50], body[50:]))
    assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert answer["ChecksumType"] == "FULL_OBJECT"
    assert "VersionId" not in answer
    found = await ask("GetObject", Bucket=bucket, Key="k")
    assert await content(found) == body
    assert (found["ContentLength"], found["ETag"]) == (len(body), answer["ETag"])
    assert found["ContentType"] == "binary/octet-stream"
    assert "ChecksumCRC64NVME" not in found
    assert "Body" not in await ask("HeadObject", Bucket=bucket, Key="k")


async def test_headers_metadata_class_and_tags_are_kept(ask, bucket):
    await put(
        ask,
        bucket,
        headers=[("expires", "when hell freezes")],
        ContentType="text/csv",
        CacheControl="no-store",
        ContentDisposition="attachment",
        ContentEncoding="gzip,aws-chunked",
        ContentLanguage="de",
        Expires="when hell freezes",
        WebsiteRedirectLocation="/other",
        StorageClass="STANDARD_IA",
        Metadata={"Who": "me", "ort": "Z\u00c3\u00bcrich"},
        Tagging="a=1&b=%20",
    )
    found = await ask("HeadObject", Bucket=bucket, Key="k")
    assert found["ContentType"] == "text/csv"
    assert found["CacheControl"] == "no-store"
    assert found["ContentEncoding"] == "gzip"
    assert found["ContentLanguage"] == "de"
    assert found["WebsiteRedirectLocation"] == "/other"
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["Metadata"] == {"who": "me", "ort": "=?utf-8?q?Z=C3=BCrich?="}
    assert found["TagCount"] == 2
    assert ask.call.headers == {"Expires": "when hell freezes"}
    tags = (await ask("GetObjectTagging", Bucket=bucket, Key="k"))["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": " "}]


async def test_only_aws_chunked_leaves_no_encoding(ask, bucket):
    await put(ask, bucket, ContentEncoding="aws-chunked")
    assert "ContentEncoding" not in await ask("HeadObject", Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Metadata": {"m": "x" * 2048}}, "MetadataTooLarge"),
        ({"StorageClass": "NOPE"}, "InvalidStorageClass"),
        ({"StorageClass": "GLACIER"}, "NotImplemented"),
        ({"StorageClass": "DEEP_ARCHIVE"}, "NotImplemented"),
        ({"Tagging": "a=1&a=2"}, "InvalidArgument"),
        ({"Tagging": "&".join(f"k{i}=" for i in range(11))}, "BadRequest"),
        ({"Tagging": "aws:x=1"}, "InvalidTag"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"ACL": "private"}, "AccessControlListNotSupported"),
        ({"ServerSideEncryption": "AES256"}, "NotImplemented"),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"SSECustomerKey": "k"}, "NotImplemented"),
        ({"ObjectLockMode": "GOVERNANCE"}, "NotImplemented"),
        ({"GrantRead": "id=x"}, "NotImplemented"),
        ({"ContentMD5": "nonsense"}, "InvalidDigest"),
        ({"ContentMD5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumCRC32": "AAAA"}, "InvalidRequest"),
        ({"ChecksumCRC32": CRC, "ChecksumSHA1": "x"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC32"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "SHA1", "ChecksumCRC32": CRC}, "InvalidRequest"),
        ({"WebsiteRedirectLocation": "ftp://x"}, "InvalidRedirectLocation"),
        ({"IfNoneMatch": '"etag"'}, "NotImplemented"),
        ({"Key": "k" * 1025}, "KeyTooLongError"),
        ({"Key": "ä" * 513}, "KeyTooLongError"),
    ],
)
async def test_puts_that_are_refused_store_nothing(ask, bucket, members, code):
    request = {"Bucket": bucket, "Key": "k", "Body": b"data"} | members
    await ask.fails(code, "PutObject", request)
    assert (await ask("ListObjectsV2", Bucket=bucket))["KeyCount"] == 0


async def test_the_bucket_owner_full_control_acl_is_what_we_do_anyway(ask, bucket):
    await put(ask, bucket, ACL="bucket-owner-full-control")
    assert (await ask("GetObjectAcl", Bucket=bucket, Key="k"))["Grants"][0]["Permission"] == "FULL_CONTROL"


async def test_keys_of_1024_bytes_fit(ask, bucket):
    await put(ask, bucket, key="ä" * 512)
    assert (await ask("HeadObject", Bucket=bucket, Key="ä" * 512))["ContentLength"] == 4


async def test_checksums_come_back_when_asked_for_and_never_with_a_range(ask, bucket):
    answer = await put(ask, bucket, ChecksumCRC32=CRC, ChecksumAlgorithm="CRC32")
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (CRC, "FULL_OBJECT")
    found = await ask("GetObject", Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == CRC
    found = await ask("GetObject", Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-1")
    assert "ChecksumCRC32" not in found


async def test_a_checksum_in_the_trailer_is_held_against_the_bytes(ask, bucket):
    headers = [("x-amz-trailer", "x-amz-checksum-crc32")]
    good = reader(b"da", b"ta", trailers={"x-amz-checksum-crc32": CRC})
    assert (await put(ask, bucket, body=good, headers=headers))["ChecksumCRC32"] == CRC
    bad = reader(b"other", trailers={"x-amz-checksum-crc32": CRC})
    members = {"Bucket": bucket, "Key": "bad", "headers": headers}
    error = await ask.fails("BadDigest", "PutObject", Body=bad, **members)
    assert error.message == "The CRC32 you specified did not match the calculated checksum."
    await ask.fails("MalformedTrailerError", "PutObject", Body=reader(b"x"), **members)


@pytest.mark.parametrize(
    ("text", "status", "data", "shown"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-3", None, b"0123456789", None),
        ("bytes=0-1,3-4", None, b"0123456789", None),
        ("lines=1-2", None, b"0123456789", None),
        ("bytes=-", None, b"0123456789", None),
    ],
)
async def test_ranges(ask, bucket, text, status, data, shown):
    for padding in (b"", bytes(50_000)):
        await put(ask, bucket, body=b"0123456789" + padding)
        if padding and (not shown or text.startswith("bytes=-") or text in ("bytes=7-", "bytes=8-100")):
            continue
        found = await ask("GetObject", Bucket=bucket, Key="k", Range=text)
        assert await content(found) == data + (padding if not shown else b"")
        assert (ask.call.status, found["ContentLength"]) == (status, len(data))
        assert found.get("ContentRange") == (shown and shown.replace("/10", f"/{10 + len(padding)}"))


@pytest.mark.parametrize(("text", "body"), [("bytes=10-", b"0123456789"), ("bytes=-0", b"0"), ("bytes=0-", b"")])
async def test_ranges_outside_the_object(ask, bucket, text, body):
    await put(ask, bucket, body=body)
    error = await ask.fails("InvalidRange", "GetObject", Bucket=bucket, Key="k", Range=text)
    assert (error.status, error.fields["ActualObjectSize"]) == (416, str(len(body)))


ETAG, OTHER = f'"{MD5}"', '"0123"'
NOW = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({"IfMatch": ETAG}, 200),
        ({"IfMatch": MD5}, 200),
        ({"IfMatch": f"{OTHER}, {ETAG}"}, 200),
        ({"IfMatch": "*"}, 200),
        ({"IfMatch": OTHER}, 412),
        ({"IfNoneMatch": ETAG}, 304),
        ({"IfNoneMatch": OTHER}, 200),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfModifiedSince": NOW}, 304),
        ({"IfModifiedSince": NOW - HOUR}, 200),
        ({"IfUnmodifiedSince": NOW}, 200),
        ({"IfUnmodifiedSince": NOW - HOUR}, 412),
        ({"IfMatch": ETAG, "IfUnmodifiedSince": NOW - HOUR}, 200),
        ({"IfMatch": OTHER, "IfUnmodifiedSince": NOW}, 412),
        ({"IfNoneMatch": ETAG, "IfModifiedSince": NOW - HOUR}, 304),
        ({"IfNoneMatch": OTHER, "IfModifiedSince": NOW}, 200),
        ({"IfMatch": ETAG, "IfNoneMatch": ETAG}, 304),
    ],
)
@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
async def test_conditional_reads(ask, bucket, operation, conditions, status):
    await put(ask, bucket)
    if status == 412:
        assert (await ask.fails("PreconditionFailed", operation, conditions, Bucket=bucket, Key="k")).status == 412
        return
    answer = await ask(operation, conditions, Bucket=bucket, Key="k")
    assert (ask.call.status or 200) == status
    assert answer["ETag"] == ETAG
    assert ("Body" in answer) == (operation == "GetObject" and status == 200)


async def test_conditional_writes(ask, bucket):
    await ask.fails("NoSuchKey", "PutObject", Bucket=bucket, Key="k", IfMatch=ETAG)
    await put(ask, bucket, IfNoneMatch="*")
    error = await ask.fails("PreconditionFailed", "PutObject", Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*")
    assert error.fields == {"Condition": "If-None-Match"}
    await ask.fails("PreconditionFailed", "PutObject", Bucket=bucket, Key="k", Body=b"x", IfMatch=OTHER)
    answer = await put(ask, bucket, body=b"x", IfMatch=ETAG)
    await ask.fails("PreconditionFailed", "DeleteObject", Bucket=bucket, Key="k", IfMatch=ETAG)
    await ask("DeleteObject", Bucket=bucket, Key="k", IfMatch=answer["ETag"])
    await ask.fails("NoSuchKey", "DeleteObject", Bucket=bucket, Key="k", IfMatch=ETAG)


async def test_response_headers_can_be_overridden(ask, bucket):
    await put(ask, bucket, ContentType="a/b")
    overrides = {"ResponseContentType": "c/d", "ResponseContentDisposition": "inline", "ResponseExpires": NOW}
    found = await ask("GetObject", overrides, Bucket=bucket, Key="k")
    assert (found["ContentType"], found["ContentDisposition"]) == ("c/d", "inline")
    assert ask.call.headers["Expires"] == "Tue, 14 Nov 2023 22:13:20 GMT"


async def test_deleting_what_is_not_there_is_no_error(ask, bucket):
    assert await ask("DeleteObject", Bucket=bucket, Key="never") == {}
    await ask.fails("NoSuchBucket", "DeleteObject", Bucket="nowhere", Key="k")


async def test_many_are_deleted_at_once(ask, bucket):
    for key in ("a", "b", "c"):
        await put(ask, bucket, key)
    keys = [{"Key": "a"}, {"Key": "never"}, {"Key": "b", "ETag": OTHER}, {"Key": "c", "VersionId": "bad"}]
    answer = await ask("DeleteObjects", Bucket=bucket, Delete={"Objects": keys})
    assert answer["Deleted"] == [{"Key": "a"}, {"Key": "never"}]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [
        ("b", "PreconditionFailed"),
        ("c", "InvalidArgument"),
    ]
    assert await ask("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True}) == {}
    assert [one["Key"] for one in (await ask("ListObjectsV2", Bucket=bucket))["Contents"]] == ["c"]
    await ask.fails("MalformedXML", "DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "k"}] * 1001})


async def test_versions_markers_and_undelete(ask, bucket):
    await put(ask, bucket, body=b"null")
    await ask("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = (await put(ask, bucket, body=b"1"))["VersionId"]
    assert len(first) == 32
    deleted = await ask("DeleteObject", Bucket=bucket, Key="k")
    assert deleted["DeleteMarker"] is True
    error = await ask.fails("NoSuchKey", "GetObject", Bucket=bucket, Key="k")
    assert error.headers["x-amz-delete-marker"] == "true"
    assert error.headers["x-amz-version-id"] == deleted["VersionId"]
    error = await ask.fails("MethodNotAllowed", "GetObject", Bucket=bucket, Key="k", VersionId=deleted["VersionId"])
    assert (error.status, error.headers["x-amz-delete-marker"]) == (405, "true")
    assert await content(await ask("GetObject", Bucket=bucket, Key="k", VersionId=first)) == b"1"
    old = await ask("GetObject", Bucket=bucket, Key="k", VersionId="null")
    assert (await content(old), old["VersionId"]) == (b"null", "null")
    await ask.fails("InvalidArgument", "GetObject", Bucket=bucket, Key="k", VersionId="x")
    missing = deleted["VersionId"][:-4] + "AAAA"
    await ask.fails("NoSuchVersion", "GetObject", Bucket=bucket, Key="k", VersionId=missing)
    await ask.fails("BucketNotEmpty", "DeleteBucket", Bucket=bucket)
    gone = await ask("DeleteObject", Bucket=bucket, Key="k", VersionId=deleted["VersionId"])
    assert gone == {"DeleteMarker": True, "VersionId": deleted["VersionId"]}
    assert await content(await ask("GetObject", Bucket=bucket, Key="k")) == b"1"


async def test_tags_can_be_replaced_and_removed(ask, bucket):
    await put(ask, bucket)
    await ask("PutObjectTagging", Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert (await ask("HeadObject", Bucket=bucket, Key="k"))["TagCount"] == 1
    await ask("DeleteObjectTagging", Bucket=bucket, Key="k")
    assert (await ask("GetObjectTagging", Bucket=bucket, Key="k"))["TagSet"] == []
    await ask.fails("NoSuchKey", "PutObjectTagging", Bucket=bucket, Key="never", Tagging={"TagSet": []})


async def test_attributes_of_a_plain_object(ask, bucket):
    await put(ask, bucket, ChecksumCRC32=CRC)
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    answer = await ask("GetObjectAttributes", Bucket=bucket, Key="k", ObjectAttributes=wanted)
    assert answer["ETag"] == MD5
    assert answer["Checksum"] == {"ChecksumCRC32": CRC, "ChecksumType": "FULL_OBJECT"}
    assert (answer["StorageClass"], answer["ObjectSize"]) == ("STANDARD", 4)
    assert "ObjectParts" not in answer


async def test_locks_are_told_as_on_a_bucket_without(ask, bucket):
    await put(ask, bucket)
    for operation in ("GetObjectRetention", "GetObjectLegalHold"):
        await ask.fails("InvalidRequest", operation, Bucket=bucket, Key="k")
        await ask.fails("NoSuchKey", operation, Bucket=bucket, Key="never")
