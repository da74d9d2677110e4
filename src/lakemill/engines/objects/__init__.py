"""The object store: buckets, objects, their versions, uploads in parts.

`store.Objects` is the door; `rows` tells how things lie in the metadata store, `references` who owns which bytes,
`intake` and `data` how bytes come in and go out, `versions` what a write does to what was there.
"""

from lakemill.engines.objects.errors import (
    BucketExists,
    BucketMissing,
    BucketNotEmpty,
    ConditionFailed,
    DataVanished,
    MarkerMet,
    ObjectMissing,
    ObjectsError,
    UploadMissing,
    VersionMalformed,
    VersionMissing,
)
from lakemill.engines.objects.records import Attributes, BucketRecord, Checksum, Listed, ObjectRecord, WriteConditions
from lakemill.engines.objects.recovery import Recovery
from lakemill.engines.objects.store import Objects

__all__ = [
    "Attributes",
    "BucketExists",
    "BucketMissing",
    "BucketNotEmpty",
    "BucketRecord",
    "Checksum",
    "ConditionFailed",
    "DataVanished",
    "Listed",
    "MarkerMet",
    "ObjectMissing",
    "ObjectRecord",
    "Objects",
    "ObjectsError",
    "Recovery",
    "UploadMissing",
    "VersionMalformed",
    "VersionMissing",
    "WriteConditions",
]
