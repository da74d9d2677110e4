"""From S3 to a channel: files in a folder by the layout rules of File mode, or the files that fill its FIFOs.

- S3Prefix matches by prefix, not by folder: `s3://b/train` matches `train/a`, `train-01/b` and `train.csv`.
- A file's name is the key without the prefix; a prefix that is a folder loses its separator too; one that is exactly
  one object gives its base name; a prefix that ends within a name keeps what follows its last `/`.
- A ManifestFile is a JSON list: `{"prefix": "s3://b/some/"}`, then what follows the prefix, which is the file's name.
- Empty objects named like a folder (`a/`) are markers and are left out.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects
from lakemill.services.sagemaker.access import ClientFailure, RoleAccess
from lakemill.services.sagemaker.training_request import s3_location


@dataclasses.dataclass(frozen=True)
class Item:
    """An object and the path it gets below the channel's folder."""

    bucket: str
    key: str
    path: str


@dataclasses.dataclass(frozen=True)
class Share:
    """What one host of several gets of a channel: everything, or of a ShardedByS3Key one its share of the keys."""

    rank: int
    hosts: int

    def of(self, source: Mapping[str, Any], items: list[Item]) -> list[Item]:
        sharded = source.get("S3DataDistributionType", "FullyReplicated") == "ShardedByS3Key"
        return items[self.rank :: self.hosts] if sharded else items


ALL = Share(0, 1)


class Channels:
    """Reads channels with a role's rights."""

    def __init__(self, objects: Objects, access: RoleAccess, region: str) -> None:
        self._objects, self._access, self._region = objects, access, region

    def fetch(
        self,
        channel: Mapping[str, Any],
        folder: Path,
        check: Callable[[], None],
        share: Share = ALL,
        *,
        link: bool = False,
    ) -> None:
        """Download a channel's objects; `check` is called between them. link: without moving bytes where possible, for
        files that are only read (FastFile). Raises ClientFailure."""
        folder.mkdir(parents=True, exist_ok=True)
        source = channel["DataSource"]["S3DataSource"]
        if link:
            _refuse_partial_name(source["S3Uri"], self.items(source))
        for item in share.of(source, self.items(source)):
            check()
            target = folder.joinpath(*_safe_parts(item))
            target.parent.mkdir(parents=True, exist_ok=True)
            self._take(item, target, link=link)

    def stock(
        self, channel: Mapping[str, Any], folder: Path, check: Callable[[], None], share: Share = ALL
    ) -> list[Path]:
        """A channel's objects as numbered files in a folder, to be sent through its FIFOs in this order.

        Raises ClientFailure.
        """
        folder.mkdir(parents=True, exist_ok=True)
        source = channel["DataSource"]["S3DataSource"]
        files = []
        for number, item in enumerate(share.of(source, self.items(source))):
            check()
            files.append(folder / f"{number:08d}")
            self._take(item, files[-1], link=True)
        return files

    def items(self, source: Mapping[str, Any]) -> list[Item]:
        """The objects of an S3DataSource, in key order. Raises ClientFailure."""
        bucket, prefix = s3_location(source["S3Uri"], "S3Uri")
        manifest = source["S3DataType"] == "ManifestFile"
        items = self._listed_in(bucket, prefix) if manifest else self._matching(bucket, prefix, source["S3Uri"])
        _refuse_collisions(items)
        return items

    # S3Prefix

    def _matching(self, bucket: str, prefix: str, uri: str) -> list[Item]:
        refusal = self._access.refusal("s3:ListBucket", bucket, context={"s3:prefix": prefix})
        if refusal:
            raise self._nothing(uri, refusal)
        try:
            records = list(self._objects.listing(bucket, prefix))
        except BucketMissing:
            raise self._nothing(uri, "The specified bucket does not exist") from None
        keys = [record.key for record in records if not (record.key.endswith("/") and record.size == 0)]
        if not keys:
            raise self._nothing(uri)
        return [Item(bucket, key, path) for key, path in local_paths(prefix, keys)]

    def _nothing(self, uri: str, reason: str = "") -> ClientFailure:
        return ClientFailure(
            f'Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
            f"that the bucket exists in the selected region ({self._region}), that objects exist under that S3 prefix, "
            f'and that the role "{self._access.role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{s3_location(uri, "S3Uri")[0]}".' + (f" Error message from S3: {reason}" if reason else "")
        )

    # ManifestFile

    def _listed_in(self, bucket: str, key: str) -> list[Item]:
        uri = f"s3://{bucket}/{key}"
        self._may_read(bucket, key)
        try:
            text = self._objects.read(self._objects.head(bucket, key))
        except (BucketMissing, ObjectMissing):
            raise ClientFailure(f"Data download failed: Manifest file {uri} does not exist.") from None
        place, names = _parse_manifest(text, uri)
        where, start = s3_location(place, "prefix of the manifest")
        return [Item(where, start + name, name) for name in names]

    # Both

    def _may_read(self, bucket: str, key: str) -> None:
        if refusal := self._access.refusal("s3:GetObject", bucket, key):
            raise ClientFailure(f"Data download failed: Failed to download s3://{bucket}/{key}: {refusal}")

    def _take(self, item: Item, target: Path, *, link: bool) -> None:
        self._may_read(item.bucket, item.key)
        take = self._objects.link if link else self._objects.download
        try:
            take(item.bucket, item.key, target)
        except (BucketMissing, ObjectMissing):
            raise ClientFailure(
                f"Data download failed: NoSuchKey (404): s3://{item.bucket}/{item.key} does not exist."
            ) from None


def local_paths(prefix: str, keys: list[str]) -> Iterator[tuple[str, str]]:
    """(key, path below the channel's folder) for the keys a prefix matches.

    >>> list(local_paths("p/", ["p/x/y.csv"]))
    [('p/x/y.csv', 'x/y.csv')]
    >>> list(local_paths("data/train", ["data/train/a.csv", "data/train/b/c.csv"]))
    [('data/train/a.csv', 'a.csv'), ('data/train/b/c.csv', 'b/c.csv')]
    >>> list(local_paths("data/train.csv", ["data/train.csv"]))
    [('data/train.csv', 'train.csv')]
    >>> list(local_paths("data/train", ["data/train-01/b", "data/train.csv", "data/train/a"]))
    [('data/train-01/b', 'train-01/b'), ('data/train.csv', 'train.csv'), ('data/train/a', 'train/a')]
    """
    if not prefix or prefix.endswith("/"):
        cut = len(prefix)
    elif all(key.startswith(prefix + "/") for key in keys):
        cut = len(prefix) + 1
    else:
        cut = prefix.rfind("/") + 1
    return ((key, key[cut:]) for key in keys)


def _parse_manifest(text: bytes, uri: str) -> tuple[str, list[str]]:
    """(prefix, names). Raises ClientFailure."""
    try:
        found = json.loads(text)
    except ValueError as wrong:
        raise ClientFailure(f"Data download failed: Manifest file {uri} is not JSON: {wrong}") from None
    parts: list[Any] = found if isinstance(found, list) and found else [None]
    head, names = parts[0], parts[1:]
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not prefix or not isinstance(prefix, str) or not all(isinstance(name, str) for name in names):
        raise ClientFailure(
            f'Data download failed: Manifest file {uri} must be a JSON list of {{"prefix": "s3://..."}} '
            "and then relative names."
        )
    if not names:
        raise ClientFailure(f"Data download failed: Manifest file {uri} names no object.")
    return prefix, names


def _safe_parts(item: Item) -> list[str]:
    """The parts of a path, which must stay below the channel's folder. Raises ClientFailure."""
    parts = [part for part in item.path.split("/") if part]
    if not parts or item.path.endswith("/") or any(part in (".", "..") or "\x00" in part for part in parts):
        raise ClientFailure(
            f"Data download failed: s3://{item.bucket}/{item.key} cannot be a file named {item.path!r}."
        )
    return parts


def _refuse_partial_name(uri: str, items: list[Item]) -> None:
    """FastFile mode mounts a folder, so the prefix is a folder's whole name, or an object's. Raises ClientFailure."""
    prefix = s3_location(uri, "S3Uri")[1].rstrip("/")
    if prefix and not all(item.key == prefix or item.key.startswith(prefix + "/") for item in items):
        raise ClientFailure(
            f"Data download failed: the S3Uri {uri} of a FastFile channel must be the whole name of a folder; it "
            "is only the beginning of some names."
        )


def _refuse_collisions(items: list[Item]) -> None:
    """A file cannot be a folder too (keys `a` and `a/b`). Raises ClientFailure."""
    files = {"/".join(_safe_parts(item)) for item in items}
    for path in files:
        parts = path.split("/")
        for end in range(1, len(parts)):
            if "/".join(parts[:end]) in files:
                raise ClientFailure(
                    f"Data download failed: {'/'.join(parts[:end])!r} would have to be both a file and a folder."
                )
