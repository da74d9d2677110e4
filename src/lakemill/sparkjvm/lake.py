"""Buckets as a tree of files, as Hadoop wants one: `/bucket/folder/file`.

What Spark writes before a job commits, below `_temporary` and `.spark-staging-*`, are files of this machine; renaming
one to its final place stores it as a whole object. So nothing unfinished is ever in a bucket, and a commit copies
nothing there. Folders are what keys imply; one that was made and holds nothing yet is only remembered.
"""

import contextlib
import dataclasses
import itertools
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeGuard

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from lakemill.sparkjvm.errors import Denied, Exists, LakeError, NotEmpty, NotThere

AT_ONCE = 8
BLOCK_BYTES = 1 << 18
DELETE_MAX = 1000
UNCOMMITTED = ("_temporary", ".spark-staging")
_MISSING = ("404", "NoSuchKey", "NoSuchBucket")
_DENIED = ("403", "AccessDenied", "InvalidAccessKeyId", "ExpiredToken", "SignatureDoesNotMatch")


@dataclasses.dataclass(frozen=True)
class Status:
    """What is at a place. name: in its folder; empty for what was asked about. modified: milliseconds since 1970."""

    name: str
    is_folder: bool
    bytes: int = 0
    modified: int = 0


class Lake:
    """s3: a client of boto3, with the role's keys. folder: for what is not committed. Threads may share it.

    Paths are `bucket/key`, without a slash at their ends. Every method raises LakeError.
    """

    def __init__(self, s3: Any, folder: Path) -> None:
        self._s3, self._folder = s3, folder
        self._staged = folder / "staged"
        self._staged.mkdir(parents=True, exist_ok=True)
        self._made: set[str] = set()
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    # Reading

    def status(self, path: str) -> Status:
        """Raises NotThere."""
        if is_uncommitted(path):
            return _of_file(self._staged / path, "", path)
        bucket, key = _place(path)
        if not key:
            with _told(path):
                self._s3.head_bucket(Bucket=bucket)
            return Status("", is_folder=True)
        if (found := self._object(path)) is not None:
            return found
        if self._is_folder(path):
            return Status("", is_folder=True)
        raise NotThere(f"There is no s3://{path}")

    def listed(self, path: str) -> list[Status]:
        """What a folder holds, by name; a file itself. Raises NotThere."""
        if is_uncommitted(path):
            local = self._staged / path
            if not local.is_dir():
                return [_of_file(local, "", path)]
            return [_of_file(one, one.name, path) for one in sorted(local.iterdir())]
        bucket, key = _place(path)
        found = {one.name: one for one in self._children(bucket, f"{key}/" if key else "")}
        for name in self._implied(path):
            found.setdefault(name, Status(name, is_folder=True))
        if found:
            return [found[name] for name in sorted(found)]
        here = self.status(path)
        return [] if here.is_folder else [here]

    def opened(self, path: str, offset: int = 0, length: int | None = None) -> tuple[int, Iterator[bytes]]:
        """(bytes that come, blocks of them). Raises NotThere."""
        if is_uncommitted(path):
            left = max(0, _of_file(self._staged / path, "", path).bytes - offset)
            count = left if length is None else min(left, length)
            return count, _blocks_of(self._staged / path, offset, count)
        if length == 0:
            return 0, iter(())
        bucket, key = _place(path)
        wanted = (
            {"Range": f"bytes={offset}-{'' if length is None else offset + length - 1}"} if offset or length else {}
        )
        with _told(path):
            try:
                found = self._s3.get_object(Bucket=bucket, Key=key, **wanted)
            except self._s3.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "InvalidRange":  # It begins at the end, or after it.
                    raise
                return 0, iter(())
        return found["ContentLength"], found["Body"].iter_chunks(BLOCK_BYTES)

    def everything(self, path: str) -> Iterator[tuple[str, int]]:
        """(path, bytes) of all objects below a folder that S3 holds."""
        bucket, key = _place(path)
        with _told(path):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{key}/" if key else "")
            for page in pages:
                for one in page.get("Contents", []):
                    yield f"{bucket}/{one['Key']}", one["Size"]

    # Writing

    def created(self, path: str, blocks: Iterable[bytes], *, overwrite: bool) -> None:
        """Store a file. It is there, whole, when this returns. Raises Exists."""
        if not overwrite and self.exists(path):
            raise Exists(f"s3://{path} exists")
        incoming = self._folder / f"incoming-{next(self._numbers)}"
        try:
            with open(incoming, "wb") as file:
                for block in blocks:
                    file.write(block)
            if is_uncommitted(path):
                self._stage(incoming, path)
            else:
                self._store(incoming, path)
        finally:
            incoming.unlink(missing_ok=True)

    def make_folder(self, path: str) -> None:
        """Raises Exists where a file is."""
        if is_uncommitted(path):
            with self._lock:
                (self._staged / path).mkdir(parents=True, exist_ok=True)
            return
        _, key = _place(path)
        if key and self._object(path) is not None:
            raise Exists(f"s3://{path} is a file")
        with self._lock:
            self._made.add(path)

    def delete(self, path: str, *, recursive: bool) -> bool:
        """Whether there was something. Raises NotEmpty."""
        try:
            here = self.status(path)
        except NotThere:
            return False
        if here.is_folder and not recursive and self.listed(path):
            raise NotEmpty(f"s3://{path} is not empty")
        if is_uncommitted(path):
            self._discard(path)
            return True
        if here.is_folder:
            self._delete_objects(one for one, _ in self.everything(path))
            self._discard(path)
        else:
            self._delete_objects([path])
        with self._lock:
            self._made = {one for one in self._made if one != path and not one.startswith(f"{path}/")}
        return True

    def rename(self, source: str, target: str) -> bool:
        """Whether it was done: not where there is no source, or a file at the target."""
        try:
            here = self.status(source)
        except NotThere:
            return False
        with contextlib.suppress(NotThere):
            if not self.status(target).is_folder:
                return False
            target = f"{target}/{source.rpartition('/')[2]}"
        if f"{target}/".startswith(f"{source}/"):
            return False
        if is_uncommitted(source):
            self._commit(source, target)
        elif here.is_folder:
            pairs = [(one, target + one[len(source) :]) for one, _ in self.everything(source)]
            self._move(pairs)
            if not pairs:
                self.make_folder(target)
        else:
            self._move([(source, target)])
        with self._lock:
            self._made = {target + one[len(source) :] if _is_within(one, source) else one for one in self._made}
        return True

    def exists(self, path: str) -> bool:
        try:
            self.status(path)
        except NotThere:
            return False
        return True

    # How it is done

    def _object(self, path: str) -> Status | None:
        bucket, key = _place(path)
        try:
            with _told(path):
                found = self._s3.head_object(Bucket=bucket, Key=key)
        except NotThere:
            return None
        return Status("", False, found["ContentLength"], int(found["LastModified"].timestamp() * 1000))

    def _is_folder(self, path: str) -> bool:
        if self._is_made(path) or (self._staged / path).is_dir():
            return True
        bucket, key = _place(path)
        with _told(path):
            return bool(self._s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/", MaxKeys=1)["KeyCount"])

    def _is_made(self, path: str) -> bool:
        with self._lock:
            return any(_is_within(one, path) for one in self._made)

    def _implied(self, path: str) -> set[str]:
        """Names of folders that were made in a folder, and of uncommitted ones."""
        with self._lock:
            names = {one[len(path) + 1 :].partition("/")[0] for one in self._made if one.startswith(f"{path}/")}
        local = self._staged / path
        return names | ({one.name for one in local.iterdir()} if local.is_dir() else set())

    def _children(self, bucket: str, prefix: str) -> Iterator[Status]:
        with _told(f"{bucket}/{prefix}"):
            lister = self._s3.get_paginator("list_objects_v2")
            for page in lister.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
                for one in page.get("CommonPrefixes", []):
                    yield Status(one["Prefix"][len(prefix) :].rstrip("/"), is_folder=True)
                for one in page.get("Contents", []):
                    if name := one["Key"][len(prefix) :]:
                        yield Status(name, False, one["Size"], int(one["LastModified"].timestamp() * 1000))

    def _store(self, file: Path, path: str) -> None:
        bucket, key = _place(path)
        if not key:
            raise LakeError(f"s3://{path} is a bucket")
        with _told(path):
            self._s3.upload_file(str(file), bucket, key)

    def _commit(self, source: str, target: str) -> None:
        """Give uncommitted files their place."""
        local = self._staged / source
        if is_uncommitted(target):
            self._stage(local, target)
            return
        if local.is_dir():
            files = [one for one in sorted(local.rglob("*")) if one.is_file()]
            pairs = [(one, f"{target}/{one.relative_to(local).as_posix()}") for one in files]
        else:
            pairs = [(local, target)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda pair: self._store(*pair), pairs))
        if not pairs:
            self.make_folder(target)
        self._discard(source)

    def _stage(self, local: Path, path: str) -> None:
        """Move a file or a folder to where it is until it is committed."""
        target = self._staged / path
        with self._lock:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(local, target)

    def _discard(self, path: str) -> None:
        """Forget what is not committed, and the folders around it that hold nothing else."""
        local = self._staged / path
        with self._lock:
            _remove(local)
            for folder in local.parents:
                if folder == self._staged or not folder.is_dir() or any(folder.iterdir()):
                    return
                folder.rmdir()

    def _move(self, pairs: list[tuple[str, str]]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda pair: self._copy(*pair), pairs))
        self._delete_objects(source for source, _ in pairs)

    def _copy(self, source: str, target: str) -> None:
        (bucket, key), (to_bucket, to_key) = _place(source), _place(target)
        if is_uncommitted(target):
            incoming = self._folder / f"incoming-{next(self._numbers)}"
            with _told(source):
                self._s3.download_file(bucket, key, str(incoming))
            self._stage(incoming, target)
        else:
            with _told(target):
                self._s3.copy({"Bucket": bucket, "Key": key}, to_bucket, to_key)

    def _delete_objects(self, paths: Iterable[str]) -> None:
        for bucket, those in itertools.groupby(map(_place, paths), lambda place: place[0]):
            keys = [{"Key": key} for _, key in those]
            for at in range(0, len(keys), DELETE_MAX):
                some = {"Objects": keys[at : at + DELETE_MAX], "Quiet": True}
                with _told(bucket):
                    answer = self._s3.delete_objects(Bucket=bucket, Delete=some)
                for error in answer.get("Errors", []):
                    kind = Denied if error["Code"] in _DENIED else LakeError
                    raise kind(f"s3://{bucket}/{error['Key']} cannot be deleted: {error['Message']}")


def is_uncommitted(path: str) -> bool:
    """
    >>> is_uncommitted("lake/out/_temporary/0/task_1/part-0.orc"), is_uncommitted("lake/out/part-0.orc")
    (True, False)
    """
    return any(part == UNCOMMITTED[0] or part.startswith(UNCOMMITTED[1]) for part in path.split("/"))


def _place(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _of_file(file: Path, name: str, path: str) -> Status:
    try:
        found = file.stat()
    except OSError:
        raise NotThere(f"There is no s3://{path}") from None
    return Status(name, file.is_dir(), 0 if file.is_dir() else found.st_size, int(found.st_mtime * 1000))


def _blocks_of(file: Path, offset: int, count: int) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        stream.seek(offset)
        while count and (block := stream.read(min(count, BLOCK_BYTES))):
            count -= len(block)
            yield block


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """What S3 refuses, as the errors of this module."""
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        # An upload's error holds what S3 said.
        code = next((one.response["Error"]["Code"] for one in (error, error.__context__) if _is_of_s3(one)), "")
        if code in _MISSING:
            raise NotThere(f"There is no s3://{path}") from error
        raise (Denied if code in _DENIED else LakeError)(f"s3://{path}: {error}") from error


def _is_of_s3(error: BaseException | None) -> TypeGuard[ClientError]:
    return isinstance(error, ClientError)
