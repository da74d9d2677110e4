"""Managed policies: documents of their own, with versions, that many identities share.

A document has id, name, path, description, created, updated, tags, default ("v2"), next (number of the next version)
and versions ("v1" -> {"text", "created"}). Policies of the account `aws` come with lakemill and cannot be changed.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from lakemill.engines.identity.awsmanaged import AWS_POLICIES
from lakemill.engines.identity.errors import (
    EntityExists,
    EntityInUse,
    EntityMissing,
    EntityProtected,
    InputInvalid,
    PolicyNotAttachable,
    QuotaReached,
)
from lakemill.engines.identity.holders import add_tags, drop_tags
from lakemill.engines.identity.people import SERVICE_LINKED_PATH
from lakemill.engines.identity.policy import compile_policy, size
from lakemill.engines.identity.store import GROUPS, POLICIES, ROLES, USERS, Store, entity_key, new_id
from lakemill.ports.metadata import Transaction

VERSIONS_MAX = 5
TEXT_BYTES_MAX = 6144

Document = dict[str, Any]

_ARN = re.compile(r"arn:aws:iam::(aws|\d{12}):policy(/(?:.*/)?)([^/]+)")
_HOLDERS = {"user": USERS, "group": GROUPS, "role": ROLES}


def policy_arn(account: str, document: Document) -> str:
    return f"arn:aws:iam::{account}:policy{document['path']}{document['name']}"


class ManagedPolicies:
    """Managed policies by ARN."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(
        self,
        account: str,
        name: str,
        text: str,
        path: str = "/",
        description: str = "",
        tags: dict[str, str] | None = None,
    ) -> Document:
        """Raises PolicyMalformed, EntityExists, QuotaReached."""
        self._check_text(text)

        def work(transaction: Transaction) -> Document:
            key = entity_key(account, name)
            if transaction.get(POLICIES, key) is not None:
                raise EntityExists(f"A policy called {name} already exists. Duplicate names are not allowed.")
            now = self._store.clock.time()
            document: Document = {
                "id": new_id("ANPA"),
                "name": name,
                "path": path,
                "description": description,
                "created": now,
                "updated": now,
                "default": "v1",
                "next": 2,
                "versions": {"v1": {"text": text, "created": now}},
            }
            add_tags(document, tags or {})
            transaction.put(POLICIES, key, document)
            return document

        return await self._store.write(work)

    @staticmethod
    def _check_text(text: str) -> None:
        compile_policy(text)
        if size(text) > TEXT_BYTES_MAX:
            raise QuotaReached(f"Cannot exceed quota for PolicySize: {TEXT_BYTES_MAX}")

    def find(self, arn: str) -> Document | None:
        return self._find(self._store, arn)

    @staticmethod
    def _find(reader: Any, arn: str) -> Document | None:
        match = _ARN.fullmatch(arn)
        if match is None:
            return None
        account, path, name = match.groups()
        if account == "aws":
            return AWS_POLICIES.get(arn)
        document = reader.get(POLICIES, entity_key(account, name))
        return document if document and document["path"] == path and document["name"] == name else None

    def at(self, arn: str) -> Document:
        """Raises EntityMissing, InputInvalid."""
        return self._required(self._store, arn)

    def _required(self, reader: Any, arn: str) -> Document:
        if not arn.startswith("arn:"):
            raise InputInvalid(f"ARN {arn} is not valid.")
        document = self._find(reader, arn)
        if document is None:
            raise EntityMissing(f"Policy {arn} does not exist or is not attachable.")
        return document

    def attachable(self, arn: str, account: str) -> Document:
        """A policy this account may attach. Raises EntityMissing, PolicyNotAttachable."""
        document = self.at(arn)
        owner = arn.split(":")[4]
        if owner not in ("aws", account):
            raise EntityMissing(f"Policy {arn} does not exist or is not attachable.")
        if document["path"].startswith(SERVICE_LINKED_PATH):
            raise PolicyNotAttachable("Cannot attach a Service Role Policy to a Customer Role.")
        return document

    def default_text(self, arn: str) -> str | None:
        """The text in effect; None when there is no such policy."""
        document = self.find(arn)
        return None if document is None else document["versions"][document["default"]]["text"]

    def listing(self, account: str, path_prefix: str = "/") -> Iterator[Document]:
        """The account's own, in order of their lower-case names."""
        return (one for one in self._store.under(POLICIES, account) if one["path"].startswith(path_prefix))

    def holders(self, account: str, arn: str, *, boundary: bool = False) -> Iterator[tuple[str, Document]]:
        """(`user` | `group` | `role`, document) of all that the policy is attached to, or that it bounds."""
        return self._holders(lambda table: self._store.under(table, account), arn, boundary)

    @staticmethod
    def _holders(
        documents: Callable[[str], Iterator[Document]], arn: str, boundary: bool
    ) -> Iterator[tuple[str, Document]]:
        for word, table in _HOLDERS.items():
            for document in documents(table):
                if (document.get("boundary") == arn) if boundary else (arn in document["attached"]):
                    yield word, document

    async def change(self, arn: str, work: Callable[[Transaction, Document], Any]) -> Any:
        """Let work change the document and give back what it returns. Raises EntityMissing, EntityProtected."""

        def run(transaction: Transaction) -> Any:
            document = self._required(transaction, arn)
            account = arn.split(":")[4]
            if account == "aws":
                raise EntityProtected(f"Policy {arn} is an AWS managed policy and cannot be modified.")
            result = work(transaction, document)
            transaction.put(POLICIES, entity_key(account, document["name"]), document)
            return result

        return await self._store.write(run)

    async def delete(self, arn: str) -> None:
        """Raises EntityMissing, EntityProtected, EntityInUse."""

        def work(transaction: Transaction) -> None:
            document = self._required(transaction, arn)
            account = arn.split(":")[4]
            if account == "aws":
                raise EntityProtected(f"Policy {arn} is an AWS managed policy and cannot be modified.")

            def documents(table: str) -> Iterator[Document]:
                return (one for _, one in transaction.scan(table, f"{account}/", f"{account}0"))

            if any(True for boundary in (False, True) for _ in self._holders(documents, arn, boundary)):
                raise EntityInUse("Cannot delete a policy attached to entities.")
            if len(document["versions"]) > 1:
                raise EntityInUse("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")  # fmt: skip  # noqa: E501
            transaction.delete(POLICIES, entity_key(account, document["name"]))

        await self._store.write(work)

    # Versions

    async def add_version(self, arn: str, text: str, *, default: bool) -> str:
        """The new version's id. Raises PolicyMalformed, EntityMissing, QuotaReached."""
        self._check_text(text)

        def work(_: Transaction, document: Document) -> str:
            if len(document["versions"]) >= VERSIONS_MAX:
                raise QuotaReached(
                    f"A managed policy can have up to {VERSIONS_MAX} versions. "
                    "Before you create a new version, you must delete an existing version."
                )
            version = f"v{document['next']}"
            now = self._store.clock.time()
            document["next"] += 1
            document["versions"][version] = {"text": text, "created": now}
            document["updated"] = now
            if default:
                document["default"] = version
            return version

        return await self.change(arn, work)

    async def delete_version(self, arn: str, version: str) -> None:
        """Raises EntityMissing, EntityInUse."""

        def work(_: Transaction, document: Document) -> None:
            self.version(arn, document, version)
            if document["default"] == version:
                raise EntityInUse("Cannot delete the default version of a policy.")
            del document["versions"][version]

        await self.change(arn, work)

    async def set_default(self, arn: str, version: str) -> None:
        """Raises EntityMissing."""

        def work(_: Transaction, document: Document) -> None:
            self.version(arn, document, version)
            document["default"] = version

        await self.change(arn, work)

    @staticmethod
    def version(arn: str, document: Document, version: str) -> Document:
        """A version's text and time. Raises EntityMissing."""
        if version not in document["versions"]:
            raise EntityMissing(f"Policy {arn} version {version} does not exist or is not attachable.")
        return document["versions"][version]

    async def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Raises EntityMissing, QuotaReached."""
        await self.change(arn, lambda _, document: add_tags(document, tags))

    async def untag(self, arn: str, keys: list[str]) -> None:
        """Raises EntityMissing."""
        await self.change(arn, lambda _, document: drop_tags(document, keys))
