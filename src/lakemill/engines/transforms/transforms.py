"""Transforms: made, changed, deleted.

A transform's document, under its id, beside what engines/resources keeps: `title` (its name), `definition` (what it was
given, as the service has it), `labels` and `model` (names of blobs, or None), `label_count`, `version` (how many times
it has learned), `rounds` (how many times it asked), `metrics` (as last measured, or None), `status`: NOT_READY, READY
or DELETING.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.transforms.artifacts import Artifacts
from lakemill.engines.transforms.errors import NameTaken, NotTaught, TooManyTransforms, TransformMissing
from lakemill.ports.blobs import BlobMissing
from lakemill.ports.metadata import Reader, Transaction

KIND = "glue-ml-transform"
TRANSFORMS_MAX = 100
NOT_READY, READY, DELETING = "NOT_READY", "READY", "DELETING"

Document = dict[str, Any]


class Transforms:
    """All transforms of all accounts."""

    def __init__(self, resources: Resources, artifacts: Artifacts) -> None:
        self.resources, self.artifacts = resources, artifacts

    def get(self, scope: str, id: str, reader: Reader | None = None) -> Document:
        """Raises TransformMissing."""
        found = self.resources.find(KIND, scope, id, reader)
        if found is None:
            raise TransformMissing(scope, id)
        return found

    def all(self, scope: str | None = None) -> Iterator[Document]:
        """In no order of time."""
        return self.resources.all(KIND, scope)

    async def create(self, scope: str, title: str, definition: Document, tags: Mapping[str, str]) -> str:
        """Its id. Raises NameTaken, TooManyTransforms, TooManyTags."""
        id = f"tfm-{secrets.token_hex(20)}"
        document = {
            "title": title,
            "definition": definition,
            "labels": None,
            "label_count": 0,
            "model": None,
            "version": 0,
            "rounds": 0,
            "metrics": None,
            "status": NOT_READY,
        }

        def work(transaction: Transaction) -> None:
            others = self._check_title(transaction, scope, title)
            if others >= TRANSFORMS_MAX:
                raise TooManyTransforms(others, TRANSFORMS_MAX)
            self.resources.create_in(transaction, KIND, scope, id, document, tags)

        await self.resources.metadata.transact(work)
        return id

    async def change(self, scope: str, id: str, title: str | None, change: Callable[[Document], Document]) -> None:
        """change: from a definition to another. One by another key has learned nothing yet.

        Raises TransformMissing, NameTaken.
        """

        def alter(document: Document) -> None:
            before, document["definition"] = document["definition"], change(document["definition"])
            document["title"] = title or document["title"]
            if before["key"] != document["definition"]["key"]:
                document |= {"model": None, "metrics": None}
                document["status"] = DELETING if document["status"] == DELETING else NOT_READY

        def work(transaction: Transaction) -> str | None:
            if title is not None:
                self._check_title(transaction, scope, title, id)
            before = self.get(scope, id, transaction)
            after = self.resources.update_in(transaction, KIND, scope, id, alter)
            return before["model"] if after["model"] is None else None

        await asyncio.to_thread(self.artifacts.drop, await self.resources.metadata.transact(work))

    def model(self, scope: str, id: str) -> tuple[Document, bytes]:
        """A transform and what it learned. Raises TransformMissing, NotTaught. Blocks."""
        while True:
            document = self.get(scope, id)
            if document["status"] != READY:
                raise NotTaught
            with contextlib.suppress(BlobMissing):  # It has just learned again.
                return document, self.artifacts.read(document["model"])

    def remove_in(self, transaction: Transaction, scope: str, id: str) -> list[str | None]:
        """Remove a document; names of blobs that are to be dropped then."""
        try:
            document = self.resources.delete_in(transaction, KIND, scope, id)
        except ResourceMissing:
            return []
        return [document["labels"], document["model"]]

    async def recover(self) -> None:
        """Remove files that no transform names."""
        named = {one[part] for one in self.all() for part in ("labels", "model") if one[part]}
        self.artifacts.recover(named)

    def _check_title(self, transaction: Transaction, scope: str, title: str, but: str = "") -> int:
        """How many there are. Raises NameTaken if another one has the name."""
        count = 0
        for one in self.resources.all(KIND, scope, reader=transaction):
            count += 1
            if one["title"] == title and one["name"] != but:
                raise NameTaken(title)
        return count
