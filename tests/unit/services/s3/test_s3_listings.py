import pytest


@pytest.fixture
async def filled(ask, bucket):
    for key in ("a", "b/1", "b/2", "c d", "e&f"):
        await ask("PutObject", Bucket=bucket, Key=key, Body=b"x")
    return bucket


async def test_listing_version_2(ask, filled):
    answer = await ask("ListObjectsV2", Bucket=filled)
    assert [one["Key"] for one in answer["Contents"]] == ["a", "b/1", "b/2", "c d", "e&f"]
    assert (answer["KeyCount"], answer["MaxKeys"], answer["IsTruncated"]) == (5, 1000, False)
    assert answer["Contents"][0] | {"LastModified": None} == {
        "Key": "a",
        "LastModified": None,
        "ETag": '"9dd4e461268c8034f5c8564e155c67a6"',
        "Size": 1,
        "StorageClass": "STANDARD",
        "ChecksumAlgorithm": ["CRC64NVME"],
        "ChecksumType": "FULL_OBJECT",
    }
    owned = await ask("ListObjectsV2", Bucket=filled, FetchOwner=True)
    assert len(owned["Contents"][0]["Owner"]["ID"]) == 64


async def test_prefixes_count_as_keys_and_pages_go_on(ask, filled):
    first = await ask("ListObjectsV2", Bucket=filled, Delimiter="/", MaxKeys=2)
    assert [one["Key"] for one in first["Contents"]] == ["a"]
    assert (first["CommonPrefixes"], first["KeyCount"], first["IsTruncated"]) == ([{"Prefix": "b/"}], 2, True)
    token = first["NextContinuationToken"]
    rest = await ask("ListObjectsV2", Bucket=filled, Delimiter="/", ContinuationToken=token, StartAfter="zzz")
    assert [one["Key"] for one in rest["Contents"]] == ["c d", "e&f"]
    assert "CommonPrefixes" not in rest
    assert rest["ContinuationToken"] == token


async def test_limits_of_a_page(ask, filled):
    assert (await ask("ListObjectsV2", Bucket=filled, MaxKeys=5000))["MaxKeys"] == 1000
    none = await ask("ListObjectsV2", Bucket=filled, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
    await ask.fails("InvalidArgument", "ListObjectsV2", Bucket=filled, MaxKeys=-1)
    await ask.fails("InvalidArgument", "ListObjectsV2", Bucket=filled, ContinuationToken="?")
    await ask.fails("InvalidArgument", "ListObjectsV2", Bucket=filled, EncodingType="base64")
    await ask.fails("NoSuchBucket", "ListObjectsV2", Bucket="nowhere")


async def test_keys_are_percent_encoded_when_asked_for(ask, filled):
    answer = await ask("ListObjectsV2", Bucket=filled, EncodingType="url", StartAfter="b/2", Delimiter="&")
    assert [one["Key"] for one in answer["Contents"]] == ["c%20d"]
    assert answer["CommonPrefixes"] == [{"Prefix": "e%26"}]
    assert (answer["StartAfter"], answer["Delimiter"], answer["EncodingType"]) == ("b/2", "%26", "url")


async def test_listing_version_1_names_the_next_marker_only_with_a_delimiter(ask, filled):
    first = await ask("ListObjects", Bucket=filled, MaxKeys=2)
    assert first["IsTruncated"] is True
    assert "NextMarker" not in first
    assert "Owner" in first["Contents"][0]
    rest = await ask("ListObjects", Bucket=filled, Marker=first["Contents"][-1]["Key"])
    assert [one["Key"] for one in rest["Contents"]] == ["b/2", "c d", "e&f"]
    rolled = await ask("ListObjects", Bucket=filled, MaxKeys=2, Delimiter="/")
    assert rolled["NextMarker"] == "b/"
    rest = await ask("ListObjects", Bucket=filled, Marker="b/", Delimiter="/")
    assert [one["Key"] for one in rest["Contents"]] == ["c d", "e&f"]


async def test_versions_and_markers_are_listed_newest_first(ask, bucket):
    await ask("PutObject", Bucket=bucket, Key="k", Body=b"0")
    await ask("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = (await ask("PutObject", Bucket=bucket, Key="k", Body=b"1"))["VersionId"]
    marker = (await ask("DeleteObject", Bucket=bucket, Key="k"))["VersionId"]
    two = (await ask("PutObject", Bucket=bucket, Key="l", Body=b"2"))["VersionId"]
    answer = await ask("ListObjectVersions", Bucket=bucket)
    found = [(v["Key"], v["VersionId"], v["IsLatest"]) for v in answer["Versions"]]
    assert found == [("k", one, False), ("k", "null", False), ("l", two, True)]
    assert [(m["VersionId"], m["IsLatest"]) for m in answer["DeleteMarkers"]] == [(marker, True)]
    seen, markers = [], {}
    while True:
        page = await ask("ListObjectVersions", markers, Bucket=bucket, MaxKeys=1)
        seen += [v["VersionId"] for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert seen == [marker, one, "null", two]
    await ask.fails("InvalidArgument", "ListObjectVersions", Bucket=bucket, VersionIdMarker=one)
