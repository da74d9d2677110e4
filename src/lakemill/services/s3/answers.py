"""From records to members of responses."""

from typing import Any

from lakemill.engines.identity.principals import canonical_id
from lakemill.engines.objects import ObjectRecord
from lakemill.engines.objects.records import Checksum


def owner_of(account: str) -> dict[str, str]:
    """An account as owners are shown: by its canonical user id."""
    return {"ID": canonical_id(account)}


CHECKSUMS = {
    "CRC32": "ChecksumCRC32",
    "CRC32C": "ChecksumCRC32C",
    "CRC64NVME": "ChecksumCRC64NVME",
    "SHA1": "ChecksumSHA1",
    "SHA256": "ChecksumSHA256",
    "SHA512": "ChecksumSHA512",
    "MD5": "ChecksumMD5",
    "XXHASH64": "ChecksumXXHASH64",
    "XXHASH3": "ChecksumXXHASH3",
    "XXHASH128": "ChecksumXXHASH128",
}
"""The member that carries each algorithm's value."""


def given_checksums(members: dict[str, Any]) -> dict[str, str]:
    """The checksums in a request, or in a part of it, by algorithm."""
    return {name: members[member] for name, member in CHECKSUMS.items() if members.get(member)}


def checksum_members(checksum: Checksum | None, *, kind: bool = True) -> dict[str, str]:
    """`{"ChecksumCRC32": ..., "ChecksumType": ...}`."""
    if checksum is None:
        return {}
    members = {CHECKSUMS[checksum.algorithm]: checksum.value}
    if kind:
        members["ChecksumType"] = checksum.kind
    return members


def listed(record: ObjectRecord) -> dict[str, Any]:
    """An object in a listing."""
    checksum = record.checksum
    entry: dict[str, Any] = {
        "Key": record.key,
        "LastModified": record.last_modified,
        "ETag": f'"{record.etag}"',
        "Size": record.size,
        "StorageClass": record.attributes.storage_class,
    }
    if checksum is not None:
        entry["ChecksumAlgorithm"] = [checksum.algorithm]
        entry["ChecksumType"] = checksum.kind
    return entry
