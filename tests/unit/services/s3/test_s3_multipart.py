import base64
import hashlib
import os
import zlib

import pytest

from lakemill.engines.objects import checksums

from .conftest import content

FIVE = os.urandom(5 << 20)


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


async def begin(ask, bucket, **members):
    return (await ask("CreateMultipartUpload", Bucket=bucket, Key="k", **members))["UploadId"]


async def test_an_upload_in_parts_from_end_to_end(ask, bucket):
    upload = await begin(ask, bucket, ChecksumAlgorithm="CRC32", ContentType="a/b", Metadata={"m": "1"})
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = []
    for number, data in ((1, FIVE), (2, b"the end")):
        part = await ask("UploadPart", place, PartNumber=number, Body=data, ChecksumCRC32=crc32(data))
        assert part == {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "ChecksumCRC32": crc32(data)}
        parts.append({"PartNumber": number, **part})
    listed = await ask("ListParts", place)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, len(FIVE)), (2, 7)]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("CRC32", "COMPOSITE")
    without = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
    error = await ask.fails("InvalidRequest", "CompleteMultipartUpload", place, MultipartUpload={"Parts": without})
    assert "must include the checksum for each part" in error.message
    answer = await ask("CompleteMultipartUpload", place, MultipartUpload={"Parts": parts})
    assert answer["ETag"].endswith('-2"')
    assert answer["ChecksumCRC32"].endswith("-2")
    whole = await ask("GetObject", Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert await content(whole) == FIVE + b"the end"
    assert (whole["ContentType"], whole["Metadata"], whole["ChecksumType"]) == ("a/b", {"m": "1"}, "COMPOSITE")
    second = await ask("GetObject", Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert ask.call.status == 206
    assert await content(second) == b"the end"
    assert (second["PartsCount"], second["ChecksumCRC32"]) == (2, crc32(b"the end"))
    assert second["ContentRange"] == f"bytes {len(FIVE)}-{len(FIVE) + 6}/{len(FIVE) + 7}"
    await ask.fails("InvalidPartNumber", "GetObject", Bucket=bucket, Key="k", PartNumber=3)
    await ask.fails("InvalidRequest", "GetObject", Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1")
    straddling = await ask("GetObject", Bucket=bucket, Key="k", Range=f"bytes={len(FIVE) - 2}-{len(FIVE) + 1}")
    assert await content(straddling) == FIVE[-2:] + b"th"
    attributes = await ask("GetObjectAttributes", Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert attributes["ObjectParts"]["IsTruncated"] is True
    assert attributes["ObjectParts"]["Parts"] == [{"PartNumber": 1, "Size": len(FIVE), "ChecksumCRC32": crc32(FIVE)}]
    again = await ask("CompleteMultipartUpload", place, MultipartUpload={"Parts": parts})
    assert again["ETag"] == answer["ETag"]


async def test_without_an_algorithm_the_object_gets_crc64nvme_of_the_whole(ask, bucket):
    upload = await begin(ask, bucket)
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    # boto3 sends a CRC32 with every part, whatever the upload was begun with.
    part = await ask("UploadPart", place, PartNumber=1, Body=b"x", ChecksumCRC32=crc32(b"x"), ChecksumAlgorithm="CRC32")
    answer = await ask("CompleteMultipartUpload", place, MultipartUpload={"Parts": [{"PartNumber": 1, **part}]})
    assert answer["ChecksumCRC64NVME"] == checksums.of("CRC64NVME", b"x")
    assert answer["ChecksumType"] == "FULL_OBJECT"


async def test_a_checksum_of_the_whole_is_held_against_it(ask, bucket):
    upload = await begin(ask, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    part = await ask("UploadPart", place, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    await ask.fails("BadDigest", "CompleteMultipartUpload", place, MultipartUpload=parts, ChecksumCRC32=crc32(b"y"))
    await ask.fails("InvalidRequest", "CompleteMultipartUpload", place, MultipartUpload=parts, MpuObjectSize=2)
    await ask("CompleteMultipartUpload", place, MultipartUpload=parts, ChecksumCRC32=crc32(b"x"), MpuObjectSize=1)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"ChecksumType": "COMPOSITE"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"}, "InvalidRequest"),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"StorageClass": "GLACIER"}, "NotImplemented"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
    ],
)
async def test_uploads_that_are_refused_at_once(ask, bucket, members, code):
    await ask.fails(code, "CreateMultipartUpload", members, Bucket=bucket, Key="k")
    assert "Uploads" not in await ask("ListMultipartUploads", Bucket=bucket)


async def test_what_is_wrong_with_parts_is_told(ask, bucket):
    upload = await begin(ask, bucket, ChecksumAlgorithm="SHA1")
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    for number in (0, 10_001):
        await ask.fails("InvalidArgument", "UploadPart", place, PartNumber=number, Body=b"x")
    await ask.fails("InvalidRequest", "UploadPart", place, PartNumber=1, Body=b"x", ChecksumCRC32=crc32(b"x"))
    await ask.fails(
        "BadDigest", "UploadPart", place, PartNumber=1, Body=b"x", ContentMD5=base64.b64encode(bytes(16)).decode()
    )
    await ask.fails("NoSuchUpload", "UploadPart", place, UploadId="none", PartNumber=1, Body=b"x")
    await ask.fails("MalformedXML", "CompleteMultipartUpload", place, MultipartUpload={})
    upload = await begin(ask, bucket)
    place["UploadId"] = upload
    small = [{"PartNumber": n, **await ask("UploadPart", place, PartNumber=n, Body=b"x")} for n in (1, 2)]
    error = await ask.fails("EntityTooSmall", "CompleteMultipartUpload", place, MultipartUpload={"Parts": small})
    assert error.fields["PartNumber"] == "1"
    turned = {"Parts": small[::-1]}
    await ask.fails("InvalidPartOrder", "CompleteMultipartUpload", place, MultipartUpload=turned)
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    await ask.fails("InvalidPart", "CompleteMultipartUpload", place, MultipartUpload=wrong)
    await ask("AbortMultipartUpload", place)
    await ask.fails("NoSuchUpload", "AbortMultipartUpload", place)
    await ask.fails("NoSuchUpload", "ListParts", place)


async def test_a_part_number_of_an_object_put_in_one(ask, bucket):
    await ask("PutObject", Bucket=bucket, Key="k", Body=b"data")
    found = await ask("GetObject", Bucket=bucket, Key="k", PartNumber=1)
    assert (ask.call.status, await content(found)) == (206, b"data")
    assert "PartsCount" not in found
    await ask.fails("InvalidPartNumber", "HeadObject", Bucket=bucket, Key="k", PartNumber=2)


async def test_parts_and_uploads_are_listed_in_pages(ask, bucket):
    upload = await begin(ask, bucket)
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    for number in (5, 1, 9):
        await ask("UploadPart", place, PartNumber=number, Body=b"x")
    first = await ask("ListParts", place, MaxParts=2)
    assert [p["PartNumber"] for p in first["Parts"]] == [1, 5]
    assert first["IsTruncated"] is True
    rest = await ask("ListParts", place, MaxParts=2, PartNumberMarker=first["NextPartNumberMarker"])
    assert [p["PartNumber"] for p in rest["Parts"]] == [9]
    await ask("CreateMultipartUpload", Bucket=bucket, Key="d/x y")
    page = await ask("ListMultipartUploads", Bucket=bucket, MaxUploads=1, EncodingType="url")
    assert [u["Key"] for u in page["Uploads"]] == ["d/x%20y"]
    markers = {"KeyMarker": "d/x y", "UploadIdMarker": page["NextUploadIdMarker"]}
    page = await ask("ListMultipartUploads", markers, Bucket=bucket)
    assert [u["UploadId"] for u in page["Uploads"]] == [upload]
    rolled = await ask("ListMultipartUploads", Bucket=bucket, Delimiter="/")
    assert rolled["CommonPrefixes"] == [{"Prefix": "d/"}]


async def test_conditions_at_completion(ask, bucket):
    await ask("PutObject", Bucket=bucket, Key="k", Body=b"there")
    upload = await begin(ask, bucket)
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    part = await ask("UploadPart", place, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, **part}]}
    await ask.fails("PreconditionFailed", "CompleteMultipartUpload", place, MultipartUpload=parts, IfNoneMatch="*")
    await ask("DeleteObject", Bucket=bucket, Key="k")
    await ask("CompleteMultipartUpload", place, MultipartUpload=parts, IfNoneMatch="*")
