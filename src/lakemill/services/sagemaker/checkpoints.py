"""Checkpoints: a folder of each host, kept in step with the job's checkpoint S3Uri while it trains.

At the start, what is below the S3Uri is written to the folder. From then on a file that is new or has changed, and is
as it was a moment ago, is uploaded; one that was uploaded and is gone is deleted there too. All hosts share the prefix.
Files named `.<name>.partial` are not finished and stay where they are.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.sagemaker.access import ClientFailure, RoleAccess
from lakemill.services.sagemaker.opt_ml import OptMl
from lakemill.services.sagemaker.training_request import s3_location

INTERVAL_S = 1.0
DEFAULT_PATH = "/opt/ml/checkpoints"

Stamp = tuple[int, int]
"""Size and time of change of a file."""


def local_path(config: Mapping[str, Any]) -> PurePosixPath:
    """Where the algorithm finds its checkpoints, in the container's world."""
    return PurePosixPath(config.get("LocalPath", DEFAULT_PATH))


class Store:
    """The S3 side, with a role's rights."""

    def __init__(self, objects: Objects, access: RoleAccess, uri: str) -> None:
        self._objects, self._access = objects, access
        self._bucket, prefix = s3_location(uri, "CheckpointConfig.S3Uri")
        self._prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""

    def restore(self, folder: Path, check: Callable[[], None]) -> None:
        """Write what is there into a folder. Raises ClientFailure."""
        folder.mkdir(parents=True, exist_ok=True)
        self._may("s3:ListBucket", None)
        try:
            keys = [record.key for record in self._objects.listing(self._bucket, self._prefix)]
        except BucketMissing:
            raise ClientFailure(f"The bucket {self._bucket} of CheckpointConfig.S3Uri does not exist") from None
        for key in keys:
            check()
            parts = key[len(self._prefix) :].split("/")
            if any(part in ("", ".", "..") for part in parts):
                continue  # A folder's marker, or nothing a file could be named.
            self._may("s3:GetObject", key)
            target = folder.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._objects.download(self._bucket, key, target)

    def put(self, path: Path, name: str) -> None:
        """Raises ClientFailure; OSError when the file is gone meanwhile."""
        self._may("s3:PutObject", self._prefix + name)
        self._objects.upload(self._bucket, self._prefix + name, path)

    def delete(self, name: str) -> None:
        """Raises ClientFailure."""
        self._may("s3:DeleteObject", self._prefix + name)
        self._objects.remove(self._bucket, self._prefix + name)

    def _may(self, action: str, key: str | None) -> None:
        if refusal := self._access.refusal(action, self._bucket, key):
            raise ClientFailure(f"Checkpoints cannot be kept in s3://{self._bucket}/{self._prefix}: {refusal}")


class Sync:
    """Uploads on a thread of its own from `start` to `finish`."""

    def __init__(self, store: Store, folders: Sequence[Path]) -> None:
        self._store = store
        self._folders = [_Folder(folder) for folder in folders]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._error: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Upload the rest. Raises what kept a checkpoint from being uploaded."""
        self._done.set()
        self._thread.join()
        if self._error:
            raise self._error
        for folder in self._folders:
            folder.sync(self._store, settled=False)

    def _run(self) -> None:
        while not self._done.wait(INTERVAL_S):
            try:
                for folder in self._folders:
                    folder.sync(self._store, settled=True)
            except Exception as error:  # The training goes on; its end tells.
                self._error = error
                return


class _Folder:
    """What is known of one host's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, Stamp] = {}
        self._uploaded: dict[str, Stamp] = {}

    def sync(self, store: Store, *, settled: bool) -> None:
        """settled: only files that have not changed since the last look."""
        now = dict(_files(self._folder))
        for name, stamp in now.items():
            if stamp != self._uploaded.get(name) and (not settled or stamp == self._seen.get(name)):
                try:
                    store.put(self._folder / name, name)
                except FileNotFoundError:  # Replaced by a newer one meanwhile.
                    continue
                self._uploaded[name] = stamp
        for name in self._uploaded.keys() - now.keys():
            store.delete(name)
            del self._uploaded[name]
        self._seen = now


def _files(folder: Path) -> Iterator[tuple[str, Stamp]]:
    for path in folder.rglob("*"):
        partial = path.name.startswith(".") and path.name.endswith(".partial")
        try:
            if path.is_file() and not partial:
                state = path.stat()
                yield path.relative_to(folder).as_posix(), (state.st_size, state.st_mtime_ns)
        except FileNotFoundError:
            continue


def folder_of(tree: OptMl, config: Mapping[str, Any]) -> Path:
    """A host's checkpoint folder on this machine."""
    return tree.base / local_path(config).relative_to("/opt/ml")
