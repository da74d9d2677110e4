"""Resources: documents of a kind, named within a scope.

A resource is a dict under (kind, scope, name), where scope is "account/region". Whatever the owner keeps in it, these
members are ours: `name`, `scope`, `created`, `modified` (aware datetimes) and `tags` (a dict). A kind is a table
(`resource_<kind>`, dashes as underscores); its keys are scope, U+0001, name, so one scope is one range.

Every writing method has a form that works inside a transaction (`create_in`), so that a resource and what belongs to it
(its job, say) are written together or not at all.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lakemill.engines.resources.errors import ResourceExists, ResourceMissing, TooManyTags
from lakemill.engines.resources.paging import Page, SortKey, page
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end
from lakemill.ports.metadata.port import Reader

Document = dict[str, Any]
Change = Callable[[Document], None]
TAGS_MAX = 50


def by_name(document: Document) -> tuple[Any, ...]:
    """Sort key: the name."""
    return (document["name"],)


def by_creation(document: Document) -> tuple[Any, ...]:
    """Sort key: the time of creation, then the name."""
    return (document["created"].timestamp(), document["name"])


class Resources:
    """All resources of one store."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self.metadata = metadata
        self.clock = clock

    # Reading

    def find(self, kind: str, scope: str, name: str, reader: Reader | None = None) -> Document | None:
        """The document, or None. reader: the transaction, for those who ask inside one."""
        return (reader or self.metadata).get(_table(kind), _key(scope, name))

    def get(self, kind: str, scope: str, name: str) -> Document:
        """The document. Raises ResourceMissing."""
        return self._present(self.metadata, kind, scope, name)

    def all(
        self, kind: str, scope: str | None = None, prefix: str = "", reader: Reader | None = None
    ) -> Iterator[Document]:
        """Every document of a kind whose name starts with prefix, in name order; scope None means every scope.

        reader: the transaction, for those who ask inside one.
        """
        start, stop = ("", None) if scope is None else (_key(scope, prefix), prefix_end(_key(scope, prefix)))
        return (document for _, document in (reader or self.metadata).scan(_table(kind), start, stop))

    def page(
        self,
        kind: str,
        scope: str,
        *,
        where: Callable[[Document], bool] = lambda document: True,
        sort: SortKey = by_creation,
        descending: bool = False,
        limit: int = 100,
        token: str | None = None,
    ) -> Page:
        """A page of those that satisfy `where`. sort gives unique tuples. Raises TokenMangled."""
        found = (document for document in self.all(kind, scope) if where(document))
        return page(found, sort, descending=descending, limit=limit, token=token)

    # Writing

    async def create(
        self, kind: str, scope: str, name: str, document: Document, tags: Mapping[str, str] | None = None
    ) -> Document:
        """Write a new resource. Raises ResourceExists, TooManyTags."""
        return await self.metadata.transact(lambda t: self.create_in(t, kind, scope, name, document, tags))

    async def update(self, kind: str, scope: str, name: str, change: Change) -> Document:
        """Let `change` alter the document; if it raises, nothing is written. Raises ResourceMissing."""
        return await self.metadata.transact(lambda t: self.update_in(t, kind, scope, name, change))

    def update_blocking(self, kind: str, scope: str, name: str, change: Change) -> Document:
        """`update` from a thread."""
        return self.metadata.transact_blocking(lambda t: self.update_in(t, kind, scope, name, change))

    async def delete(self, kind: str, scope: str, name: str, check: Change | None = None) -> Document:
        """Remove it and give its last form; `check` may raise to prevent it. Raises ResourceMissing."""
        return await self.metadata.transact(lambda t: self.delete_in(t, kind, scope, name, check))

    def find_in(self, transaction: Transaction, kind: str, scope: str, name: str) -> Document | None:
        """`find` inside a transaction."""
        return transaction.get(_table(kind), _key(scope, name))

    def create_in(
        self,
        transaction: Transaction,
        kind: str,
        scope: str,
        name: str,
        document: Document,
        tags: Mapping[str, str] | None = None,
    ) -> Document:
        """`create` inside a transaction."""
        if transaction.get(_table(kind), _key(scope, name)) is not None:
            raise ResourceExists(kind, scope, name)
        if tags and len(tags) > TAGS_MAX:
            raise TooManyTags(kind, scope, name)
        now = self.clock.now()
        ours = {"name": name, "scope": scope, "created": now, "modified": now, "tags": dict(tags or {})}
        whole = document | ours
        transaction.put(_table(kind), _key(scope, name), whole)
        return whole

    def update_in(self, transaction: Transaction, kind: str, scope: str, name: str, change: Change) -> Document:
        """`update` inside a transaction."""
        document = self._present(transaction, kind, scope, name)
        document["modified"] = self.clock.now()
        change(document)
        transaction.put(_table(kind), _key(scope, name), document)
        return document

    def delete_in(
        self, transaction: Transaction, kind: str, scope: str, name: str, check: Change | None = None
    ) -> Document:
        """`delete` inside a transaction."""
        document = self._present(transaction, kind, scope, name)
        if check:
            check(document)
        transaction.delete(_table(kind), _key(scope, name))
        return document

    # Tags

    async def tag(self, kind: str, scope: str, name: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Add or overwrite tags; all tags after that. Raises ResourceMissing, TooManyTags."""

        def add(document: Document) -> None:
            document["tags"] |= tags
            if len(document["tags"]) > TAGS_MAX:
                raise TooManyTags(kind, scope, name)

        return (await self._retag(kind, scope, name, add))["tags"]

    async def untag(self, kind: str, scope: str, name: str, keys: list[str]) -> dict[str, str]:
        """Remove tags, absent ones without complaint; all tags after that. Raises ResourceMissing."""

        def remove(document: Document) -> None:
            document["tags"] = {key: value for key, value in document["tags"].items() if key not in keys}

        return (await self._retag(kind, scope, name, remove))["tags"]

    async def retag(
        self, kind: str, scope: str, name: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> Document:
        """Replace all tags by what `change` makes of them. Raises ResourceMissing."""
        return await self._retag(kind, scope, name, lambda document: document.update(tags=change(document["tags"])))

    async def _retag(self, kind: str, scope: str, name: str, change: Change) -> Document:
        """A change of tags is no modification of the resource."""

        def quietly(transaction: Transaction) -> Document:
            document = self._present(transaction, kind, scope, name)
            change(document)
            transaction.put(_table(kind), _key(scope, name), document)
            return document

        return await self.metadata.transact(quietly)

    @staticmethod
    def _present(reader: Any, kind: str, scope: str, name: str) -> Document:
        document = reader.get(_table(kind), _key(scope, name))
        if document is None:
            raise ResourceMissing(kind, scope, name)
        return document


def _table(kind: str) -> str:
    return "resource_" + kind.replace("-", "_")


def _key(scope: str, name: str) -> str:
    return f"{scope}\x01{name}"
