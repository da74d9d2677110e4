"""What a write or a delete does to the versions of a key. All of it runs inside a transaction.

The current version is in `objects` unless it is a delete marker; everything else is in `object_versions`, newest first.
"""

from typing import Any

import msgspec

from lakemill.engines.objects import rows
from lakemill.engines.objects.errors import BucketMissing, ConditionFailed, MarkerMet, ObjectMissing, VersionMissing
from lakemill.engines.objects.records import (
    BucketRecord,
    ObjectRecord,
    WriteConditions,
    document,
    object_of,
    record_of,
)
from lakemill.engines.objects.references import drop_document
from lakemill.ports.metadata import Reader, Transaction


class Deleted(msgspec.Struct, frozen=True):
    """What a delete did."""

    version_id: str | None
    """Of the version that was removed for good, or of the new delete marker; None on a bucket without versions."""
    marker: bool
    """A delete marker was added, or was what was removed."""
    record: ObjectRecord | None
    """What was removed for good."""
    garbage: list[str]


def bucket_of(reader: Reader, name: str) -> BucketRecord:
    """Raises BucketMissing."""
    built = reader.get(rows.BUCKETS, name)
    if built is None:
        raise BucketMissing(name)
    return record_of(BucketRecord, built)


def find(reader: Reader, bucket: str, key: str, version_id: str | None = None) -> ObjectRecord:
    """One version of an object.

    Raises BucketMissing; ObjectMissing without, VersionMissing and VersionMalformed with a version id; MarkerMet where
    the version id is a delete marker's.
    """
    if version_id is None:
        built = reader.get(rows.OBJECTS, rows.object_row(bucket, key))
        if built is not None:
            return object_of(bucket, key, built)
        newest = _newest(reader, bucket, key) if bucket_of(reader, bucket).versioning else None
        raise ObjectMissing(bucket, key, newest[1].get("version_id", rows.NULL_VERSION) if newest else None)
    record = find_any(reader, bucket, key, version_id)
    if record.marker:
        raise MarkerMet(bucket, key, record.version_id, record.modified_s)
    return record


def find_any(reader: Reader, bucket: str, key: str, version_id: str) -> ObjectRecord:
    """A version or delete marker. Raises BucketMissing, VersionMissing, VersionMalformed."""
    built = _place(reader, bucket, key, version_id)[2]
    if built is None:
        bucket_of(reader, bucket)
        raise VersionMissing(bucket, key, version_id)
    return object_of(bucket, key, built)


def check(reader: Reader, bucket: str, key: str, conditions: WriteConditions | None) -> None:
    """Raises ConditionFailed; ObjectMissing where If-Match meets no object."""
    if conditions is None or not (conditions.absent or conditions.etag):
        return
    current = reader.get(rows.OBJECTS, rows.object_row(bucket, key))
    if conditions.absent and current is not None:
        raise ConditionFailed("If-None-Match")
    if conditions.etag:
        if current is None:
            raise ObjectMissing(bucket, key)
        if conditions.etag not in ("*", current.get("etag")):
            raise ConditionFailed("If-Match")


def place(transaction: Transaction, bucket: BucketRecord, record: ObjectRecord, time_s: float) -> list[str]:
    """Make record the current version, giving it its sequence number and version id; blobs that became garbage."""
    garbage = _step_aside(transaction, bucket, record, time_s)
    transaction.put(rows.OBJECTS, rows.object_row(bucket.name, record.key), document(record))
    return garbage


def delete(transaction: Transaction, bucket: BucketRecord, key: str, time_s: float) -> Deleted:
    """Delete without a version id: remove the object, or put a delete marker on top of its versions."""
    if not bucket.versioning:
        row = rows.object_row(bucket.name, key)
        built = transaction.get(rows.OBJECTS, row)
        if built is None:
            return Deleted(None, False, None, [])
        transaction.delete(rows.OBJECTS, row)
        return Deleted(None, False, object_of(bucket.name, key, built), drop_document(transaction, built))
    marker = ObjectRecord(bucket=bucket.name, key=key, marker=True, modified_s=int(time_s))
    garbage = _step_aside(transaction, bucket, marker, time_s)
    transaction.delete(rows.OBJECTS, rows.object_row(bucket.name, key))
    transaction.put(rows.VERSIONS, rows.version_row(bucket.name, key, marker.sequence), document(marker))
    return Deleted(marker.version_id, True, None, garbage)


def delete_version(transaction: Transaction, bucket: BucketRecord, key: str, version_id: str) -> Deleted:
    """Remove one version for good; the next newest becomes current. A missing one is no error."""
    table, row, built = _place(transaction, bucket.name, key, version_id)
    if built is None:
        return Deleted(version_id, False, None, [])
    transaction.delete(table, row)
    garbage = drop_document(transaction, built)
    if transaction.get(rows.OBJECTS, rows.object_row(bucket.name, key)) is None:
        newest = _newest(transaction, bucket.name, key)
        if newest is not None and not newest[1].get("marker"):
            transaction.delete(rows.VERSIONS, newest[0])
            transaction.put(rows.OBJECTS, rows.object_row(bucket.name, key), newest[1])
    record = object_of(bucket.name, key, built)
    return Deleted(version_id, record.marker, record, garbage)


def rewrite(transaction: Transaction, record: ObjectRecord) -> None:
    """Write changed attributes of a version back to where it is. Raises VersionMissing."""
    table, row, built = _place(transaction, record.bucket, record.key, record.version_id)
    if built is None:
        raise VersionMissing(record.bucket, record.key, record.version_id)
    transaction.put(table, row, document(record))


def _step_aside(transaction: Transaction, bucket: BucketRecord, record: ObjectRecord, time_s: float) -> list[str]:
    """Number the newcomer and make way for it: what was current becomes noncurrent, or garbage."""
    name, key = bucket.name, record.key
    row = rows.object_row(name, key)
    current = transaction.get(rows.OBJECTS, row)
    newest = current["sequence"] if current else 0
    if current is None and bucket.versioning and (top := _newest(transaction, name, key)):
        newest = top[1]["sequence"]
    record.sequence = max(int(time_s * 1e6), newest + 1)
    record.version_id = rows.version_id(record.sequence) if bucket.versioning == "Enabled" else rows.NULL_VERSION
    garbage: list[str] = []
    if record.version_id == rows.NULL_VERSION and bucket.versioning:
        garbage += _drop_null(transaction, name, key)
    if current is not None:
        if record.version_id == rows.NULL_VERSION and "version_id" not in current:
            garbage += drop_document(transaction, current)
        else:
            transaction.put(rows.VERSIONS, rows.version_row(name, key, current["sequence"]), current)
    return garbage


def _drop_null(transaction: Transaction, bucket: str, key: str) -> list[str]:
    row, built = _null(transaction, bucket, key)
    if built is None:
        return []
    transaction.delete(rows.VERSIONS, row)
    return drop_document(transaction, built)


def _newest(reader: Reader, bucket: str, key: str) -> tuple[str, dict[str, Any]] | None:
    """The first row of `object_versions` of a key."""
    row = rows.object_row(bucket, key)
    return next(iter(list(reader.scan(rows.VERSIONS, row + rows.END, row + rows.AFTER, limit=1))), None)


def _null(reader: Reader, bucket: str, key: str) -> tuple[str, dict[str, Any] | None]:
    row = rows.object_row(bucket, key)
    for found, built in list(reader.scan(rows.VERSIONS, row + rows.END, row + rows.AFTER)):
        if "version_id" not in built:  # The default is left out of documents.
            return found, built
    return "", None


def _place(reader: Reader, bucket: str, key: str, version_id: str) -> tuple[str, str, dict[str, Any] | None]:
    """Table, row and document of a version."""
    row = rows.object_row(bucket, key)
    current = reader.get(rows.OBJECTS, row)
    if current is not None and current.get("version_id", rows.NULL_VERSION) == version_id:
        return rows.OBJECTS, row, current
    if version_id == rows.NULL_VERSION:
        return (rows.VERSIONS, *_null(reader, bucket, key))
    row = rows.version_row(bucket, key, rows.sequence_of(version_id))
    built = reader.get(rows.VERSIONS, row)
    if built is not None and built.get("version_id") != version_id:
        built = None
    return rows.VERSIONS, row, built
