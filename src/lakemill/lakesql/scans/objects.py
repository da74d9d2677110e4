"""Which objects a location holds, and what reading them counts."""

import dataclasses
from collections.abc import Callable

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused, Source

ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_FETCHED_TOGETHER = 256
MIB = 1 << 20


@dataclasses.dataclass
class File:
    """An object that is part of a table. values: of its partition's keys, None for null. path: once it is local."""

    source: Source
    values: tuple[str | None, ...] = ()
    path: str = ""

    @property
    def uri(self) -> str:
        return self.source.uri


class Meter:
    """Counts what a statement reads. told: called with the sum now and then."""

    def __init__(self, bytes_max: int | None = None, told: Callable[[int], None] = lambda count: None) -> None:
        self.bytes, self._bytes_max, self._told, self._said = 0, bytes_max, told, 0

    def begin(self) -> None:
        """Tell that the statement could be read, and begins."""
        self._told(self.bytes)

    def add(self, count: int) -> None:
        """Raises SqlFailed with BYTES_SCANNED_LIMIT."""
        self.bytes += count
        if self._bytes_max is not None and self.bytes > self._bytes_max:
            raise SqlFailed("BYTES_SCANNED_LIMIT", "Bytes scanned limit was exceeded")
        if self.bytes - self._said >= 16 * MIB:
            self._said = self.bytes
            self._told(self.bytes)


def prefix_of(location: str) -> str:
    """The location as a folder. Raises SqlFailed where it is none of S3.

    >>> prefix_of("s3://lake/sales")
    's3://lake/sales/'
    """
    for scheme in ("s3://", "s3a://", "s3n://"):
        if location.startswith(scheme) and location != scheme:
            rest = location.removeprefix(scheme)
            return f"s3://{rest}" if rest.endswith("/") else f"s3://{rest}/"
    raise SqlFailed("HIVE_METASTORE_ERROR", f"Table location {location!r} is not a location in S3")


def listed(lake: Lake, location: str) -> list[Source]:
    """The objects below a location whose rows count: none that is hidden, empty or archived.

    Raises SqlFailed where the bucket is not there or may not be listed.
    """
    prefix = prefix_of(location)
    try:
        return [one for one in lake.objects(prefix) if _counts(one, len(prefix))]
    except LakeRefused as refused:
        raise reading_refused(refused, prefix) from None


def is_empty(lake: Lake, location: str) -> bool:
    """Whether nothing at all is below a location."""
    try:
        return next(iter(lake.objects(prefix_of(location))), None) is None
    except LakeRefused as refused:
        raise reading_refused(refused, location) from None


def fetch(lake: Lake, files: list[File]) -> None:
    """Make the files local."""
    for start in range(0, len(files), _FETCHED_TOGETHER):
        some = files[start : start + _FETCHED_TOGETHER]
        try:
            paths = lake.fetch([file.uri for file in some])
        except LakeRefused as refused:
            raise reading_refused(refused, some[0].uri) from None
        for file, path in zip(some, paths, strict=True):
            file.path = path


def reading_refused(refused: LakeRefused, place: str) -> SqlFailed:
    """What Athena says where S3 refuses."""
    if refused.code in ("AccessDenied", "AccessDeniedException", "403"):
        return SqlFailed("PERMISSION_DENIED", f"Access Denied (Service: Amazon S3; Status Code: 403): {place}")
    if refused.code == "NoSuchBucket":
        text = "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)"
        return SqlFailed("HIVE_FILESYSTEM_ERROR", f"Failed to list directory: {place}. {text}")
    if refused.code in ("NoSuchKey", "NotFound"):
        return SqlFailed(
            "HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {place}: The specified key does not exist"
        )
    return SqlFailed("HIVE_FILESYSTEM_ERROR", f"Failed to read {place}: {refused.code}: {refused.message}")


def _counts(source: Source, start: int) -> bool:
    parts = source.uri[start:].split("/")
    hidden = any(part.startswith(("_", ".")) for part in parts)
    return not hidden and bool(parts[-1]) and source.size > 0 and source.storage_class not in ARCHIVED
