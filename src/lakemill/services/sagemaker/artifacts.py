"""Artifacts: a folder becomes a .tar.gz, or a tree of objects, in S3.

The same files give the same bytes: members are sorted and carry no owner and no time.
"""

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.sagemaker.access import ClientFailure, RoleAccess

GZIP_LEVEL = 1
"""Weights hardly get smaller at higher levels, and take several times as long."""


def pack(folders: Sequence[Path], target: Path, extra: tuple[Path, ...] = ()) -> None:
    """Write the tar.gz of what is in folders (members relative to them, no leading `./`), and of extra files.

    Of members of one name in several folders the last one's stays.
    """
    with (
        open(target, "wb") as file,
        gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.GNU_FORMAT, dereference=True) as tar,
    ):
        for path, name in [*_members(folders), *((path, path.name) for path in extra)]:
            tar.add(path, name, recursive=False, filter=_plain)


def _members(folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """(path, name) of folders and files below, sorted by name. Links whose target is gone are left out."""
    found = {}
    for folder in folders:
        for root, below, files in os.walk(folder):
            for name in below + files:
                path = Path(root, name)
                if path.is_file() or path.is_dir():
                    found[str(path.relative_to(folder))] = path
    return ((found[name], name) for name in sorted(found))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what differs from run to run; sockets, pipes and devices are none of an artifact."""
    if not (member.isfile() or member.isdir()):
        return None
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


class Uploads:
    """Writes artifacts with a role's rights."""

    def __init__(self, objects: Objects, access: RoleAccess, bucket: str, prefix: str) -> None:
        self._objects, self._access, self._bucket, self._prefix = objects, access, bucket, prefix

    def uri(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def check(self, name: str) -> None:
        """Whether this could be uploaded. Raises ClientFailure."""
        refusal = self._access.refusal("s3:PutObject", self._bucket, self._prefix + name)
        if refusal is None:
            try:
                self._objects.policy(self._bucket)
            except BucketMissing:
                refusal = f"The specified bucket does not exist: {self._bucket}"
        if refusal:
            raise ClientFailure(f"Artifact upload failed: {refusal}")

    def file(self, path: Path, name: str) -> str:
        """Upload one file; its URI. Raises ClientFailure."""
        self.check(name)
        self._objects.upload(self._bucket, self._prefix + name, path)
        return self.uri(name)

    def bytes(self, data: bytes, name: str) -> str:
        """Upload some bytes; their URI. Raises ClientFailure."""
        self.check(name)
        self._objects.upload_bytes(self._bucket, self._prefix + name, data)
        return self.uri(name)

    def packed(self, folders: Sequence[Path], name: str, scratch: Path, extra: tuple[Path, ...] = ()) -> str:
        """Upload folders as one tar.gz; its URI."""
        self.check(name)
        scratch.mkdir(parents=True, exist_ok=True)
        target = scratch / Path(name).name
        pack(folders, target, extra)
        try:
            return self.file(target, name)
        finally:
            target.unlink()

    def tree(self, folders: Sequence[Path], name: str, check: Callable[[], None] = lambda: None) -> str:
        """Upload every file of folders below `name/`; the URI of that prefix."""
        for path, relative in _members(folders):
            check()
            if path.is_file():
                self.file(path, f"{name}/{relative}")
        return self.uri(name + "/")
