"""Where the code of a Flink application comes from: an archive in the request, or an object that the role may read."""

import asyncio
import hashlib
from typing import Any

from lakemill.engines.flink import Store
from lakemill.engines.objects import BucketMissing, ObjectMissing
from lakemill.services.base import ServiceError
from lakemill.services.kinesisanalytics import arns
from lakemill.services.kinesisanalytics.errors import invalid, refused
from lakemill.services.kinesisanalytics.flink import check_archive
from lakemill.services.kinesisanalytics.planning import Planning

Document = dict[str, Any]
CODE_BYTES_MAX = 512 << 20
PLACE = ("BucketARN", "FileKey", "ObjectVersion")


async def taken(
    planning: Planning,
    store: Store,
    region: str,
    role: str,
    configuration: Document,
    groups: list[Document],
    suffix: str = "",
    before: Document | None = None,
) -> tuple[str, Document]:
    """What an ApplicationCodeConfiguration(Update) names, kept: the archive's name and its description.

    before: the description so far, whose parts an update may leave out. Raises a ServiceError.
    """
    kind = configuration.get(f"CodeContentType{suffix}", "ZIPFILE")
    if kind != "ZIPFILE":
        raise refused(f"CodeContentType{suffix}={kind}", "the code of Flink applications is a zip file")
    content = configuration.get(f"CodeContent{suffix}", {})
    if f"TextContent{suffix}" in content:
        raise refused(f"CodeContent{suffix}.TextContent{suffix}", "it is for SQL applications")
    place = content.get(f"S3ContentLocation{suffix}")
    inline = content.get(f"ZipFileContent{suffix}")
    if (place is None) == (inline is None):
        raise invalid(
            f"Exactly one of S3ContentLocation{suffix} and ZipFileContent{suffix} must be given in CodeContent{suffix}."
        )
    if place is not None:
        named = {name: place[f"{name}{suffix}"] for name in PLACE if f"{name}{suffix}" in place}
        place = {**((before or {}).get("place") or {}), **named}
        archive = await asyncio.to_thread(_object, planning, region, role, place)
    else:
        archive = inline
    check_archive(archive, groups)
    digest = await asyncio.to_thread(store.keep, archive)
    return digest, {"md5": hashlib.md5(archive).hexdigest(), "size": len(archive), "place": place}


def _object(planning: Planning, region: str, role: str, place: Document) -> bytes:
    if "BucketARN" not in place or "FileKey" not in place:
        raise invalid("S3ContentLocationUpdate must name BucketARNUpdate and FileKeyUpdate.")
    bucket, key, version = arns.bucket(place["BucketARN"]), place["FileKey"], place.get("ObjectVersion")
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    reason = planning.access.refusal(role, region, action, f"{place['BucketARN']}/{key}")
    try:
        if reason is None:
            record = planning.objects.head(bucket, key, version)
            if record.size > CODE_BYTES_MAX:
                raise invalid(f"The application code may have at most {CODE_BYTES_MAX} bytes.")
            return planning.objects.read(record)
    except (BucketMissing, ObjectMissing):
        reason = "it does not exist"
    raise _unreadable(bucket, key, reason)


def _unreadable(bucket: str, key: str, reason: str) -> ServiceError:
    return invalid(
        "Please check the role provided or validity of S3 location you provided. We are unable to get the specified "
        f"fileKey: {key} in the specified bucket: {bucket} ({reason})"
    )
