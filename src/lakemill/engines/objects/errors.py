"""What can be wrong with what was asked of the object store.

ObjectsError
    BucketMissing, BucketExists, BucketNotEmpty
    ObjectMissing, VersionMissing, VersionMalformed, MarkerMet
    UploadMissing, PartMissing, PartsUnordered, PartTooSmall, PartUnchecked, SizeDiffers
    ConditionFailed, DataVanished
    DigestDiffers
"""

from typing import Any


class ObjectsError(Exception):
    """Base of them all; what is known is in attributes of the fields' names."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.fields = fields
        for name, value in fields.items():
            setattr(self, name, value)


class BucketMissing(ObjectsError):
    """No bucket has this name. Fields: bucket."""

    bucket: str

    def __init__(self, bucket: str) -> None:
        super().__init__(f"no bucket is named {bucket!r}", bucket=bucket)


class BucketExists(ObjectsError):
    """The name is taken. Fields: bucket, owner (account)."""

    bucket: str
    owner: str

    def __init__(self, bucket: str, owner: str) -> None:
        super().__init__(f"bucket {bucket!r} exists", bucket=bucket, owner=owner)


class BucketNotEmpty(ObjectsError):
    """Objects, versions or delete markers are left in it. Fields: bucket."""

    bucket: str

    def __init__(self, bucket: str) -> None:
        super().__init__(f"bucket {bucket!r} is not empty", bucket=bucket)


class ObjectMissing(ObjectsError):
    """The key has no current version. Fields: bucket, key, marker (version id of a current delete marker, or None)."""

    bucket: str
    key: str
    marker: str | None

    def __init__(self, bucket: str, key: str, marker: str | None = None) -> None:
        super().__init__(f"no object {key!r} in bucket {bucket!r}", bucket=bucket, key=key, marker=marker)


class VersionMissing(ObjectsError):
    """The key has no such version. Fields: bucket, key, version_id."""

    bucket: str
    key: str
    version_id: str

    def __init__(self, bucket: str, key: str, version_id: str) -> None:
        text = f"object {key!r} in bucket {bucket!r} has no version {version_id!r}"
        super().__init__(text, bucket=bucket, key=key, version_id=version_id)


class VersionMalformed(ObjectsError):
    """Not the form of a version id. Fields: version_id."""

    version_id: str

    def __init__(self, version_id: str) -> None:
        super().__init__(f"{version_id!r} is no version id", version_id=version_id)


class MarkerMet(ObjectsError):
    """The version asked for is a delete marker. Fields: bucket, key, version_id, modified_s."""

    version_id: str
    modified_s: int

    def __init__(self, bucket: str, key: str, version_id: str, modified_s: int) -> None:
        text = f"version {version_id!r} of object {key!r} is a delete marker"
        super().__init__(text, bucket=bucket, key=key, version_id=version_id, modified_s=modified_s)


class UploadMissing(ObjectsError):
    """No such upload is under way. Fields: upload_id."""

    upload_id: str

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"no upload {upload_id!r} is under way", upload_id=upload_id)


class PartMissing(ObjectsError):
    """A part named at completion was not uploaded, or is another one. Fields: number, etag."""

    number: int
    etag: str

    def __init__(self, number: int, etag: str) -> None:
        super().__init__(f"part {number} with ETag {etag!r} was not uploaded", number=number, etag=etag)


class PartsUnordered(ObjectsError):
    """The parts named at completion do not ascend."""

    def __init__(self) -> None:
        super().__init__("the parts are not in ascending order")


class PartTooSmall(ObjectsError):
    """Every part but the last needs PART_BYTES_MIN. Fields: number, etag, size, size_min."""

    number: int
    etag: str
    size: int
    size_min: int

    def __init__(self, number: int, etag: str, size: int, size_min: int) -> None:
        text = f"part {number} has {size} bytes; at least {size_min} are needed"
        super().__init__(text, number=number, etag=etag, size=size, size_min=size_min)


class PartUnchecked(ObjectsError):
    """A composite checksum needs every part's at completion. Fields: number, algorithm."""

    number: int
    algorithm: str

    def __init__(self, number: int, algorithm: str) -> None:
        super().__init__(f"part {number} comes without its {algorithm}", number=number, algorithm=algorithm)


class SizeDiffers(ObjectsError):
    """The size the caller expects is not the sum of the parts. Fields: expected, actual."""

    expected: int
    actual: int

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"the parts have {actual} bytes, not {expected}", expected=expected, actual=actual)


class ConditionFailed(ObjectsError):
    """The object is not as the writer required. Fields: condition (`If-Match`, `If-None-Match`)."""

    condition: str

    def __init__(self, condition: str) -> None:
        super().__init__(f"{condition} does not hold", condition=condition)


class DigestDiffers(ObjectsError):
    """Bytes do not have the digest that was given. Fields: algorithm, expected, actual (base64)."""

    algorithm: str
    expected: str
    actual: str

    def __init__(self, algorithm: str, expected: str, actual: str) -> None:
        text = f"{algorithm} is {actual}, not {expected}"
        super().__init__(text, algorithm=algorithm, expected=expected, actual=actual)


class DataVanished(ObjectsError):
    """The bytes a record refers to were dropped since it was read: look the object up again. Fields: data."""

    data: str

    def __init__(self, data: str) -> None:
        super().__init__(f"{data} is gone", data=data)
