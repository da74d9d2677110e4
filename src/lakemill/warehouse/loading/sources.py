"""Which objects a COPY reads: those whose keys begin with a prefix, or those of a manifest."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused, Source
from lakemill.warehouse.loading.statement import Copy

ROW_BYTES_MAX = 4 << 20


@dataclasses.dataclass
class Object:
    """An object to be read. path: its bytes, read only."""

    uri: str
    size: int
    path: str = ""


def found(lake: Lake, copy: Copy) -> list[Object]:
    """The objects, local. Raises SqlFailed where there are none, or S3 refuses."""
    objects = _of_manifest(lake, copy) if "MANIFEST" in copy.given else _of_prefix(lake, copy.source)
    try:
        paths = lake.fetch([one.uri for one in objects])
    except LakeRefused as wrong:
        raise refused(wrong, copy.source) from None
    for one, path in zip(objects, paths, strict=True):
        one.path = path
    return objects


def text(lake: Lake, uri: str, what: str) -> str:
    """A small object that a command names. Raises SqlFailed."""
    try:
        with open(lake.fetch([uri])[0], encoding="utf-8-sig") as file:
            return file.read()
    except LakeRefused as wrong:
        if wrong.code in ("NoSuchKey", "NotFound"):
            raise SqlFailed("XX000", f"Problem reading {what} file - S3ServiceException:The specified key does not "
                            f"exist.,Status 404,Error NoSuchKey", detail=detail(uri, 8001)) from None  # fmt: skip
        raise refused(wrong, uri) from None
    except UnicodeDecodeError:
        raise SqlFailed("XX000", f"The {what} file {uri} is not UTF-8") from None


def refused(wrong: LakeRefused, place: str) -> SqlFailed:
    """What Redshift says where S3 refuses."""
    if wrong.code in ("AccessDenied", "AccessDeniedException", "403"):
        return SqlFailed("XX000", "S3ServiceException:Access Denied,Status 403,Error AccessDenied",
                         detail=detail(f"Failed to access {place}: {wrong.message}", 8001))  # fmt: skip
    if wrong.code == "NoSuchBucket":
        said = "The specified bucket does not exist,Status 404,Error NoSuchBucket"
        return SqlFailed("XX000", f"S3ServiceException:{said}", detail=detail(place, 8001))
    return SqlFailed("XX000", f"S3ServiceException:{wrong.message},Error {wrong.code}", detail=detail(place, 8001))


def detail(context: str, code: int) -> str:
    """The lines below an error."""
    return f"error:  S3\n  code:      {code}\n  context:   {context}"


def listed(lake: Lake, prefix: str) -> Iterator[Source]:
    """All objects whose keys begin with a prefix. Raises SqlFailed."""
    try:
        yield from lake.objects(prefix)
    except LakeRefused as wrong:
        raise refused(wrong, prefix) from None


def _of_prefix(lake: Lake, prefix: str) -> list[Object]:
    objects = [Object(one.uri, one.size) for one in listed(lake, prefix) if not one.uri.endswith("/") or one.size]
    if not objects:
        key = prefix.removeprefix("s3://").partition("/")[2]
        raise SqlFailed("XX000", f"The specified S3 prefix '{key}' does not exist", detail=detail(prefix, 8001))
    return objects


def _of_manifest(lake: Lake, copy: Copy) -> list[Object]:
    entries = list(_entries(text(lake, copy.source, "manifest"), copy.source))
    objects = []
    for entry in entries:
        uri = entry["url"]
        there = next(listed(lake, uri), None)  # The object itself comes before those whose names begin like its.
        if there is not None and there.uri == uri:
            _check_length(entry, there, copy)
            objects.append(Object(uri, there.size))
        elif entry.get("mandatory", False):
            raise SqlFailed("XX000", f"Problem reading manifest file - S3ServiceException:The specified key does not "
                            f"exist.,Status 404,Error NoSuchKey: {uri}", detail=detail(uri, 8001))  # fmt: skip
    if not objects:
        raise SqlFailed(
            "XX000", f"None of the files of the manifest {copy.source} exists", detail=detail(copy.source, 8001)
        )
    return objects


def _check_length(entry: dict[str, Any], there: Source, copy: Copy) -> None:
    told = (entry.get("meta") or {}).get("content_length")
    if copy.format not in ("PARQUET", "ORC"):
        return
    if told is None:
        raise SqlFailed("XX000", f"The manifest needs meta.content_length for {copy.format}: {there.uri}")
    if told != there.size:
        raise SqlFailed("XX000", f"The file {there.uri} has {there.size} bytes, but the manifest says {told}")


def _entries(document: str, uri: str) -> Iterator[dict[str, Any]]:
    try:
        entries = json.loads(document)["entries"]
        for entry in entries:
            if not isinstance(entry["url"], str) or not isinstance(entry.get("mandatory", False), bool):
                raise ValueError
            if not entry["url"].startswith("s3://") or not entry["url"].split("/", 3)[3:]:
                raise SqlFailed("XX000", "COPY with MANIFEST parameter requires full path of an S3 object.",
                                detail=detail(entry["url"], 8001))  # fmt: skip
            yield entry
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SqlFailed(
            "XX000", f"Manifest file is not in correct json format: {uri}", detail=detail(uri, 8001)
        ) from None
