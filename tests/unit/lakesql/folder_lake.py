"""A Lake over a folder of this machine and dicts, for tests."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lakemill.lakesql.interface import Document, LakeRefused, Source
from lakemill.lakesql.scans.table import is_iceberg


class FolderLake:
    """Buckets are folders below `root`. calls: what was asked, (method, arguments)."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = Path(root), []
        self.root.mkdir(exist_ok=True)
        self.catalog: dict[str, dict[str, Document]] = {"default": {}}
        self.database_documents: dict[str, Document] = {"default": {"Name": "default"}}
        self.partition_documents: dict[tuple[str, str], list[Document]] = {}
        self.archived: set[str] = set()
        self.refused: dict[str, LakeRefused] = {}
        """What to refuse, by the method's name."""

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_") or not callable(found) or name in ("put", "path", "answered"):
            return found

        def called(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            if name in self.refused:
                raise self.refused[name]
            return found(*args, **kwargs)

        return called

    def put(self, uri: str, data: bytes) -> None:
        path = self.path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def path(self, uri: str) -> Path:
        return self.root / uri.removeprefix("s3://")

    def answered(self, question: str, arguments: dict[str, Any]) -> Any:
        """What the platform answers; of objects three at a time."""
        if question != "objects":
            return msgspec.to_builtins(getattr(self, question)(**arguments))
        found = [one for one in self.objects(location=arguments["location"]) if one.uri > arguments.get("after", "")]
        return {"objects": msgspec.to_builtins(found[:3]), "more": len(found) > 3}

    # The catalog

    def databases(self) -> list[Document]:
        return list(self.database_documents.values())

    def database(self, name: str) -> Document:
        if name not in self.database_documents:
            raise LakeRefused("EntityNotFoundException", f"Database {name} not found.")
        return self.database_documents[name]

    def create_database(self, definition: Document) -> None:
        self.database_documents[definition["Name"]] = definition
        self.catalog[definition["Name"]] = {}

    def update_database(self, definition: Document) -> None:
        self.database_documents[definition["Name"]] = definition

    def drop_database(self, name: str, cascade: bool) -> None:
        del self.database_documents[name], self.catalog[name]

    def tables(self, database: str) -> list[Document]:
        self._known(database)
        return list(self.catalog[database].values())

    def table(self, database: str, name: str) -> Document:
        self._known(database)
        if name not in self.catalog[database]:
            raise LakeRefused("EntityNotFoundException", f"Table {name} not found.")
        return self.catalog[database][name]

    def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        self._known(database)
        if definition["Name"] in self.catalog[database]:
            raise LakeRefused("AlreadyExistsException", "Table already exists.")
        ours = {"DatabaseName": database} | ({"VersionId": "0"} if is_iceberg(definition) else {})
        self.catalog[database][definition["Name"]] = {**definition, **ours}
        self.partition_documents[database, definition["Name"]] = list(partitions)

    def update_table(self, database: str, definition: Document, expected: str | None = None) -> None:
        version = self.table(database, definition["Name"]).get("VersionId", "0")
        if expected not in (None, version):
            raise LakeRefused("ConcurrentModificationException", "Update table failed due to concurrent modifications.")
        ours = {"DatabaseName": database} | ({"VersionId": str(int(version) + 1)} if is_iceberg(definition) else {})
        self.catalog[database][definition["Name"]] = {**definition, **ours}

    def rename_table(self, database: str, name: str, to_database: str, definition: Document) -> None:
        found = self.table(database, name)
        self.catalog[to_database][definition["Name"]] = {**found, **definition, "DatabaseName": to_database}
        del self.catalog[database][name]

    def drop_table(self, database: str, name: str, location: str | None = None) -> None:
        self.table(database, name)
        if location is not None:
            shutil.rmtree(self.path(location), ignore_errors=True)
        del self.catalog[database][name]
        self.partition_documents.pop((database, name), None)

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        keys = [key["Name"] for key in self.table(database, table)["PartitionKeys"]]
        found = self.partition_documents.get((database, table), [])
        return [one for one in found if _holds(expression, dict(zip(keys, one["Values"], strict=True)))]

    def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        self.table(database, table)
        there = self.partition_documents.setdefault((database, table), [])
        codes: list[str | None] = []
        for one in definitions:
            known = any(other["Values"] == one["Values"] for other in there)
            codes.append("AlreadyExistsException" if known else None)
            if not known:
                there.append(one)
        return codes

    def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None:
        there = self.partition_documents[database, table]
        there[[one["Values"] for one in there].index(values)] = definition

    def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        there = self.partition_documents[database, table]
        there[:] = [one for one in there if one["Values"] not in values]

    # Objects

    def objects(self, location: str) -> Iterator[Source]:
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        folder = self.root / bucket
        if not folder.is_dir():
            raise LakeRefused("NoSuchBucket", "The specified bucket does not exist")
        found = []
        for path in folder.rglob("*"):
            key = str(path.relative_to(folder))
            uri = f"s3://{bucket}/{key}"
            if path.is_file() and key.startswith(prefix):
                status = path.stat()
                kind = "GLACIER" if uri in self.archived else "STANDARD"
                found.append(Source(uri, status.st_size, int(status.st_mtime), f"{status.st_mtime_ns}", kind))
        return iter(sorted(found, key=lambda one: one.uri))

    def fetch(self, uris: list[str]) -> list[str]:
        for uri in uris:
            if not self.path(uri).is_file():
                raise LakeRefused("NoSuchKey", uri)
        return [str(self.path(uri)) for uri in uris]

    def check(self, uris: list[str]) -> None:
        pass

    def began_at(self, uri: str) -> None:
        pass

    def store(self, path: str, uri: str) -> None:
        target = self.path(uri)
        if not (self.root / uri.removeprefix("s3://").split("/")[0]).is_dir():
            raise LakeRefused("NoSuchBucket", "The specified bucket does not exist")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def remove(self, uris: list[str]) -> None:
        for uri in uris:
            os.unlink(self.path(uri))

    def _known(self, database: str) -> None:
        if database not in self.catalog:
            raise LakeRefused("EntityNotFoundException", f"Database {database} not found.")


def _holds(expression: str | None, values: dict[str, str]) -> bool:
    """Terms joined with AND, as scans write them."""
    for term in (expression or "").split(" AND "):
        match = re.fullmatch(r'"(\w+)" (\S+) (.+)', term)
        if not match:
            continue
        name, operator, text = match.groups()
        value: Any = values[name]
        if operator.lower() == "in":
            if value not in [one.strip("' ") for one in text.strip("()").split(",")]:
                return False
            continue
        other: Any = text.strip("'")
        if not text.startswith("'"):
            value, other = float(value), float(other)
        if not {"=": value == other, "<>": value != other, "<": value < other, "<=": value <= other,
                ">": value > other, ">=": value >= other}[operator]:  # fmt: skip
            return False
    return True
