"""S3 from the outside: plain boto3 (and a browser's form) against a running lakemill."""

import concurrent.futures
import hashlib
import io
import json
import os
import urllib.error
import urllib.request
import uuid

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(lakemill):
    return lakemill.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"journey-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def fails(code, status, function, **members):
    with pytest.raises(ClientError) as caught:
        function(**members)
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return answer


def fetch(url, method="GET", data=None, headers=None):
    """(status, headers, body) without any SDK."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.mark.parametrize("size", [0, 5, 16_384, 16_385, 3 * MIB])
def test_put_get_head_delete(s3, bucket, size):
    data = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="a/ü b+c", Body=data, ContentType="a/b", Metadata={"who": "me"})
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert put["ChecksumCRC32"]
    got = s3.get_object(Bucket=bucket, Key="a/ü b+c")
    assert got["Body"].read() == data
    assert (got["ContentLength"], got["ContentType"], got["Metadata"]) == (size, "a/b", {"who": "me"})
    head = s3.head_object(Bucket=bucket, Key="a/ü b+c")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])
    s3.delete_object(Bucket=bucket, Key="a/ü b+c")
    fails("404", 404, s3.head_object, Bucket=bucket, Key="a/ü b+c")
    fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="a/ü b+c")


@pytest.mark.parametrize(
    "key", ["a//b", "/a", "a/../b", "./a", "a?b#c", "a%2Fb", "ü/日本", "a b", "a+b", "a&b=c", "😀"]
)
def test_keys_of_all_kinds(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_large_files_go_up_and_down_in_parts(s3, bucket):
    data = os.urandom(20 * MIB + 123)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=config)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ETag"].endswith('-3"')
    target = io.BytesIO()
    s3.download_fileobj(bucket, "big", target, Config=config)
    assert target.getvalue() == data
    middle = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={8 * MIB - 10}-{8 * MIB + 9}")
    assert middle["Body"].read() == data[8 * MIB - 10 : 8 * MIB + 10]
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == data
    part = s3.get_object(Bucket=bucket, Key="big", PartNumber=3)
    assert (part["PartsCount"], part["Body"].read()) == (3, data[16 * MIB :])
    told = s3.get_object_attributes(Bucket=bucket, Key="big", ObjectAttributes=["ObjectParts", "ETag"])
    assert told["ObjectParts"]["TotalPartsCount"] == 3


def test_listing_is_paged_and_rolled_up(s3, bucket):
    keys = [f"year={year}/month={month}/part {n}.csv" for year in (2023, 2024) for month in (1, 2) for n in range(6)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7}))
    assert [len(page["Contents"]) for page in pages] == [7, 7, 7, 3]
    assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(keys)
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in rolled["CommonPrefixes"]] == ["year=2023/", "year=2024/"]
    old = list(s3.get_paginator("list_objects").paginate(Bucket=bucket, Prefix="year=2023/", MaxKeys=5))
    assert sum(len(page["Contents"]) for page in old) == 12
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(deleted["Deleted"]) == 24
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_conditions_are_decided_at_once(s3, bucket):
    def create(n):
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=str(n), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "won"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(16)))
    assert sorted(outcomes) == ["PreconditionFailed"] * 15 + ["won"]
    etag = s3.head_object(Bucket=bucket, Key="lock")["ETag"]
    fails("304", 304, s3.get_object, Bucket=bucket, Key="lock", IfNoneMatch=etag)
    fails("PreconditionFailed", 412, s3.get_object, Bucket=bucket, Key="lock", IfMatch='"x"')
    fails("412", 412, s3.head_object, Bucket=bucket, Key="lock", IfMatch='"x"')
    fails("InvalidRange", 416, s3.get_object, Bucket=bucket, Key="lock", Range="bytes=100-")


@pytest.mark.parametrize("size", [10_000, 300_000])
def test_readers_never_see_a_mixture_of_two_writes(s3, bucket, size):
    s3.put_object(Bucket=bucket, Key="k", Body=b"a" * size)

    def write(n):
        s3.put_object(Bucket=bucket, Key="k", Body=bytes([97 + n % 26]) * size)
        return True

    def read(n):
        got = s3.get_object(Bucket=bucket, Key="k")
        data = got["Body"].read()
        return len(data) == size and len(set(data)) == 1 and got["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        work = [pool.submit(write if n % 3 == 0 else read, n) for n in range(90)]
        assert all(one.result() for one in work)


def test_versions_can_be_brought_back(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    answer = fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=one)["Body"].read() == b"1"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["IsLatest"] for v in listed["Versions"]] == [False, False]
    assert listed["DeleteMarkers"][0]["IsLatest"] is True
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_of_every_kind(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"data" * 9000, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"data" * 9000
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    wrong = {f"Checksum{algorithm}": put[f"Checksum{algorithm}"]}
    fails("BadDigest", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"other", **wrong)


def test_settings_of_a_bucket(s3, bucket):
    tags = [{"Key": "team", "Value": "lake"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    fails("NoSuchLifecycleConfiguration", 404, s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    members = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": [rule]}}
    fails("NotImplemented", 501, s3.put_bucket_lifecycle_configuration, **members)
    fails("NotImplemented", 501, s3.put_object, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_tags_of_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=2")
    assert len(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]) == 2
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    assert s3.head_object(Bucket=bucket, Key="k")["TagCount"] == 1


def test_presigned_urls_work_without_an_sdk(lakemill, bucket):
    s3 = lakemill.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b/ü"}, ExpiresIn=60)
    assert fetch(url, "PUT", b"presigned")[0] == 200
    url = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "a b/ü", "ResponseContentType": "text/x"}, ExpiresIn=60
    )
    status, headers, body = fetch(url)
    assert (status, headers["Content-Type"], body) == (200, "text/x", b"presigned")
    assert fetch(url + "x")[0] == 403


def test_a_browsers_form_uploads(s3, bucket):
    post = s3.generate_presigned_post(
        bucket,
        "up/${filename}",
        Fields={"success_action_status": "201", "Content-Type": "image/png"},
        Conditions=[
            {"success_action_status": "201"},
            ["starts-with", "$Content-Type", "image/"],
            ["content-length-range", 1, 1000],
        ],
    )
    status, _, body = fetch(post["url"], "POST", *form(post["fields"], b"pixels"))
    assert status == 201, body
    got = s3.get_object(Bucket=bucket, Key="up/a.png")
    assert (got["Body"].read(), got["ContentType"]) == (b"pixels", "image/png")
    status, _, body = fetch(post["url"], "POST", *form(post["fields"], bytes(1001)))
    assert status == 400
    assert b"EntityTooLarge" in body
    status, _, body = fetch(post["url"], "POST", *form(post["fields"] | {"key": "elsewhere"}, b"x"))
    assert status == 403
    assert b"Policy Condition failed" in body


def form(fields, file):
    """Body and headers of a form."""
    parts = [f'--xyz\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + file + b"\r\n--xyz--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=xyz"}


def test_policies_and_cross_origin_rules_open_a_bucket_to_browsers(s3, bucket, lakemill):
    s3.put_object(Bucket=bucket, Key="k", Body=b"public")
    url = f"{lakemill.endpoint}/{bucket}/k"
    assert fetch(url)[0] == 403
    rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    fails("AccessDenied", 403, s3.put_bucket_policy, Bucket=bucket, Policy=text)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert fetch(url)[2] == b"public"
    assert fetch(url + "-never")[0] == 403
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors)
    origin = {"Origin": "https://example.com"}
    assert fetch(url, headers=origin)[1]["Access-Control-Allow-Origin"] == "https://example.com"
    status, headers, _ = fetch(url, "OPTIONS", headers=origin | {"Access-Control-Request-Method": "GET"})
    assert (status, headers["Access-Control-Allow-Methods"]) == (200, "GET")
    assert fetch(url, "OPTIONS", headers=origin | {"Access-Control-Request-Method": "PUT"})[0] == 403


def test_what_was_acknowledged_survives_kill_9(fresh):
    running = fresh()
    s3 = running.client("s3")
    s3.create_bucket(Bucket="kept")
    small, large = os.urandom(1000), os.urandom(2 * MIB)
    s3.put_object(Bucket="kept", Key="small", Body=small)
    s3.put_object(Bucket="kept", Key="large", Body=large)
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    place = {"Bucket": "kept", "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**place, PartNumber=1, Body=large)
    running.kill()
    running.start()
    s3 = running.client("s3")
    assert s3.get_object(Bucket="kept", Key="small")["Body"].read() == small
    assert s3.get_object(Bucket="kept", Key="large")["Body"].read() == large
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**place, MultipartUpload=parts)
    assert s3.get_object(Bucket="kept", Key="parts")["Body"].read() == large


def test_a_checksum_of_the_xml_of_a_batch_delete_must_be_right(lakemill):
    s3 = lakemill.client("s3")
    bucket = f"xml-checksum-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")

    def spoil(request, **_):
        del request.headers["x-amz-checksum-crc32"]  # Setting it would only add a second value.
        request.headers["x-amz-checksum-crc32"] = "AAAAAA=="

    s3.meta.events.register("before-sign.s3.DeleteObjects", spoil)
    with pytest.raises(ClientError) as caught:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert caught.value.response["Error"]["Code"] == "BadDigest"
    s3.meta.events.unregister("before-sign.s3.DeleteObjects", spoil)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
