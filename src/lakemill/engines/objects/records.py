"""The store's nouns: a bucket, an object's version, what users attach to it, an upload, a part."""

import datetime
import json
from typing import Any, TypeVar

import msgspec

from lakemill.engines.objects.rows import NULL_VERSION

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
R = TypeVar("R")


class Checksum(msgspec.Struct, frozen=True, gc=False):
    """A checksum users see. kind FULL_OBJECT: of the bytes; COMPOSITE: of the parts' checksums, value ends in `-N`."""

    algorithm: str
    value: str
    """Base64."""
    kind: str = "FULL_OBJECT"


class Attributes(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """What a writer attaches to an object."""

    content_type: str = DEFAULT_CONTENT_TYPE
    headers: dict[str, str] = {}
    """What else is told with the object (caching, encoding, language ...), under names its service chooses."""
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"
    tags: dict[str, str] = {}


class ObjectRecord(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """One version of an object, or a delete marker."""

    bucket: str = ""
    key: str = ""
    version_id: str = NULL_VERSION
    sequence: int = 0
    """Orders the versions of a key; grows with time."""
    size: int = 0
    etag: str = ""
    """Without quotes."""
    modified_s: int = 0
    """Seconds since 1970, whole: S3 tells no finer time."""
    data: str = ""
    """Name of the bytes; empty for no bytes."""
    attributes: Attributes = msgspec.field(default_factory=Attributes)
    checksum: Checksum | None = None
    part_count: int = 0
    """Parts of a multipart upload, 0 for an object written in one."""
    marker: bool = False

    @property
    def content_type(self) -> str:
        return self.attributes.content_type

    @property
    def last_modified(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.modified_s, datetime.UTC)


class Listed(msgspec.Struct, frozen=True, gc=False):
    """An object as far as those need it who sum millions up."""

    key: str
    size: int
    storage_class: str = "STANDARD"


class BucketRecord(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A bucket and its settings."""

    name: str
    owner: str
    """Account."""
    region: str
    created_s: int
    versioning: str = ""
    """Empty, Enabled or Suspended."""
    tags: dict[str, str] = {}
    policy: str = ""
    """JSON text as it was given."""
    public_access: dict[str, bool] | None = None
    """The four switches of the public access block, or None without one."""
    ownership: str = ""
    cors: list[dict[str, Any]] = []

    @property
    def created(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.created_s, datetime.UTC)

    def policy_document(self) -> dict[str, Any] | None:
        return json.loads(self.policy) if self.policy else None


class PartRecord(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A part, of an upload under way or of a finished object."""

    number: int
    size: int
    etag: str = ""
    modified_s: int = 0
    data: str = ""
    checksums: dict[str, str] = {}
    """Base64 by algorithm."""

    @property
    def last_modified(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.modified_s, datetime.UTC)


class UploadRecord(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A multipart upload under way."""

    bucket: str = ""
    key: str = ""
    upload_id: str
    initiated_s: int
    initiator: str = ""
    attributes: Attributes = msgspec.field(default_factory=Attributes)
    algorithm: str = ""
    """Checksum algorithm asked for; empty if none was."""
    kind: str = "FULL_OBJECT"

    @property
    def initiated(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.initiated_s, datetime.UTC)


class WriteConditions(msgspec.Struct, frozen=True):
    """What must hold of the current version, decided in the transaction that writes."""

    etag: str | None = None
    """If-Match: exactly this one, or `*` for any."""
    absent: bool = False
    """If-None-Match: there is none (a delete marker counts as none)."""


def document(record: Any) -> dict[str, Any]:
    """A record as the metadata store keeps it; bucket and key of an object are in its row."""
    built = msgspec.to_builtins(record)
    if isinstance(record, ObjectRecord | UploadRecord):
        built.pop("bucket", None)
        built.pop("key", None)
    return built


def record_of(kind: type[R], built: dict[str, Any]) -> R:
    return msgspec.convert(built, kind)


def object_of(bucket: str, key: str, built: dict[str, Any]) -> ObjectRecord:
    record = msgspec.convert(built, ObjectRecord)
    record.bucket, record.key = bucket, key
    return record
