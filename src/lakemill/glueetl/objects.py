"""Objects of S3 as the script's role sees them: list, fetch, put, delete."""

import concurrent.futures
import dataclasses
import datetime
import functools
import itertools
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

AT_ONCE = 8
DELETE_MAX = 1000
_SCHEME = re.compile(r"s3[an]?://")
_HIDDEN = ("_", ".")


@dataclasses.dataclass(frozen=True)
class Stored:
    """An object. modified: when it was written, in milliseconds since 1970."""

    bucket: str
    key: str
    size: int
    modified: int
    etag: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@functools.cache
def client(service: str) -> Any:
    """With the keys and the endpoint of the environment."""
    return boto3.client(service, config=Config(max_pool_connections=2 * AT_ONCE))


def place(uri: str) -> tuple[str, str]:
    """(bucket, key). Raises ValueError.

    >>> place("s3a://lake/a/b.json")
    ('lake', 'a/b.json')
    """
    match = _SCHEME.match(uri)
    bucket, _, key = uri[match.end() :].partition("/") if match else ("", "", "")
    if not bucket:
        raise ValueError(f"A path must begin with s3://bucket; got {uri}.")
    return bucket, key


def listed(uri: str, *, recurse: bool = True, exclusions: Sequence[str] = ()) -> list[Stored]:
    """The object of this name, or those below it, that hold data; by key.

    recurse: also those in folders of the folder. exclusions: globs that leave some out, as crawlers have them.
    """
    bucket, prefix = place(uri)
    if any(sign in prefix for sign in "*?"):
        return _matching(bucket, prefix)
    found = []
    base = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    for one in _below(bucket, prefix):
        inside = one.key[len(base) :] if one.key.startswith(base) else ""
        if one.key != prefix and not inside:
            continue
        parts = (inside or one.key.rpartition("/")[2]).split("/")
        if not one.size or any(part.startswith(_HIDDEN) for part in parts):
            continue
        if not recurse and len([part for part in parts[:-1] if "=" not in part]):
            continue
        if any(pattern.fullmatch(inside) for pattern in map(_glob, exclusions)):
            continue
        found.append(one)
    return found


def fetched(objects: Sequence[Stored], folder: Path) -> list[Path]:
    """Files with what the objects hold; the names keep their endings."""
    folder.mkdir(parents=True, exist_ok=True)
    s3 = client("s3")

    def fetch(numbered: tuple[int, Stored]) -> Path:
        number, one = numbered
        path = folder / f"{number:06d}-{one.key.rpartition('/')[2][-80:]}"
        s3.download_file(one.bucket, one.key, str(path))
        return path

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(fetch, enumerate(objects)))


def put(files: Iterable[tuple[Path, str]]) -> None:
    """Store files under their addresses."""
    s3 = client("s3")

    def store(one: tuple[Path, str]) -> None:
        s3.upload_file(str(one[0]), *place(one[1]))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(store, files))


def delete(objects: Iterable[Stored]) -> int:
    """How many were deleted. Raises RuntimeError for one that cannot be."""
    count = 0
    for bucket, those in itertools.groupby(sorted(objects, key=lambda one: one.bucket), lambda one: one.bucket):
        keys = [{"Key": one.key} for one in those]
        for at in range(0, len(keys), DELETE_MAX):
            some = {"Objects": keys[at : at + DELETE_MAX], "Quiet": True}
            answer = client("s3").delete_objects(Bucket=bucket, Delete=some)
            for error in answer.get("Errors", []):
                raise RuntimeError(f"{error['Key']} cannot be deleted: {error['Message']}")
        count += len(keys)
    return count


def everything(uri: str) -> list[Stored]:
    """All objects below an address, hidden ones and empty ones too."""
    bucket, prefix = place(uri)
    return _below(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/")


def scratch(name: str) -> Path:
    """A new folder of the run; it goes with the run."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


def _below(bucket: str, prefix: str) -> list[Stored]:
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [
        Stored(bucket, one["Key"], one["Size"], _milliseconds(one["LastModified"]), one["ETag"])
        for page in pages
        for one in page.get("Contents", [])
    ]


def _matching(bucket: str, pattern: str) -> list[Stored]:
    """Objects of a path with wildcards, and what is in folders that it names."""
    fixed = re.split(r"[*?]", pattern)[0]
    wanted = re.compile(_regex(pattern.rstrip("/")) + "(/.*)?", re.DOTALL)
    return [
        one
        for one in _below(bucket, fixed)
        if one.size and wanted.fullmatch(one.key) and not one.key.rpartition("/")[2].startswith(_HIDDEN)
    ]


@functools.cache
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(_regex(text), re.DOTALL)


def _regex(text: str) -> str:
    """A glob as a regular expression: `*` in a folder, `**` across, `?`, `[ab]`, `{a,b}`."""
    made, depth, at = "", 0, 0
    while at < len(text):
        sign = text[at]
        if text.startswith("**", at):
            made, at = f"{made}.*", at + 1
        elif sign == "*":
            made += "[^/]*"
        elif sign == "?":
            made += "[^/]"
        elif sign == "[" and "]" in text[at:]:
            end = text.index("]", at)
            made += "[" + text[at + 1 : end].replace("!", "^", 1) + "]"
            at = end
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
            made += "(?:" if sign == "{" else ")"
        elif sign == "," and depth:
            made += "|"
        else:
            made += re.escape(sign)
        at += 1
    return made


def _milliseconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1000)
