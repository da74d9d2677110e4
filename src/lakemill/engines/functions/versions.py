"""Versions, which never change, and aliases, which point to them."""

import random
import uuid
from collections.abc import Mapping
from typing import Any

from lakemill.engines.functions.errors import FunctionConflict, FunctionExists, FunctionMissing
from lakemill.engines.functions.function import Function
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.ports.metadata import Transaction
from lakemill.ports.metadata.port import Reader

FUNCTION, VERSION, ALIAS = "function", "function-version", "function-alias"
"""Kinds of resources. A version or alias is named `function:qualifier`."""

Document = dict[str, Any]

_OF_THE_LATEST = {"last", "revision", "version", "policies", "retries", "workers_max", "description", "transitions"}
_OF_EVERY_RESOURCE = {"name", "scope", "created", "modified", "tags"}


class StaleRevision(FunctionConflict):
    """It was changed since the caller looked."""


class CodeDiffers(FunctionConflict):
    """The code is not the one the caller means."""


class Versions:
    """Of all functions."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def publish(
        self,
        scope: str,
        name: str,
        *,
        description: str | None = None,
        code: str | None = None,
        revision: str | None = None,
    ) -> Function:
        """Make the latest a version with the next number; if nothing changed since the last one, give that.

        code, revision: only if the latest has these. Raises FunctionMissing, StaleRevision, CodeDiffers.
        """

        def work(transaction: Transaction) -> Function:
            latest = self._present(transaction, scope, name)
            check_revision(latest, revision)
            if code is not None and code != latest["code"]:
                raise CodeDiffers("the code differs")
            number = latest["last"]
            if number:
                before = self._resources.find(VERSION, scope, f"{name}:{number}", transaction)
                if before is not None and _essence(before) == _essence(latest):
                    return Function.of(before, name=name)
            fields = {key: value for key, value in latest.items() if key not in _OF_EVERY_RESOURCE | {"last"}}
            fields |= {"version": str(number + 1), "revision": str(uuid.uuid4())}
            fields |= {"description": latest["description"] if description is None else description}
            for extra in ("policies", "retries", "workers_max"):
                fields.pop(extra, None)
            document = self._resources.create_in(transaction, VERSION, scope, f"{name}:{number + 1}", fields)
            self._resources.update_in(transaction, FUNCTION, scope, name, lambda one: one.update(last=number + 1))
            return Function.of(document, name=name)

        return await self._resources.metadata.transact(work)

    def all(self, scope: str, name: str) -> list[Function]:
        """In the order of their numbers."""
        found = [Function.of(one, name=name) for one in self._below(VERSION, scope, name)]
        return sorted(found, key=lambda one: int(one.version))

    def number(self, scope: str, name: str, version: str) -> Function:
        """Raises FunctionMissing."""
        found = self._resources.find(VERSION, scope, f"{name}:{version}")
        if found is None:
            raise FunctionMissing(name, version)
        return Function.of(found, name=name)

    async def delete(self, scope: str, name: str, version: str) -> str:
        """Its code's hash. Raises FunctionMissing, FunctionConflict while an alias points to it."""

        def work(transaction: Transaction) -> str:
            aliases = self._below(ALIAS, scope, name, transaction)
            pointing = [one["alias"] for one in aliases if version in _targets(one)]
            if pointing:
                raise FunctionConflict(f"version {version} is what the aliases {', '.join(pointing)} point to")
            code: str = self._resources.delete_in(transaction, VERSION, scope, f"{name}:{version}")["code"]
            return code

        try:
            return await self._resources.metadata.transact(work)
        except ResourceMissing:
            raise FunctionMissing(name, version) from None

    # Aliases

    def alias(self, scope: str, name: str, alias: str) -> Document:
        """With `alias`, `version` (a number, or "" for the latest), `weights` (share of other versions),
        `description`, `revision`. Raises FunctionMissing."""
        found = self._resources.find(ALIAS, scope, f"{name}:{alias}")
        if found is None:
            raise FunctionMissing(name, alias)
        return found

    def aliases(self, scope: str, name: str) -> list[Document]:
        """In name order."""
        return self._below(ALIAS, scope, name)

    async def create_alias(self, scope: str, name: str, alias: str, fields: Mapping[str, Any]) -> Document:
        """Raises FunctionMissing (also for a version it is to point to), FunctionExists."""

        def work(transaction: Transaction) -> Document:
            self._present(transaction, scope, name)
            document = {"description": "", "weights": {}, **fields, "alias": alias, "revision": str(uuid.uuid4())}
            self._check_targets(transaction, scope, name, document)
            return self._resources.create_in(transaction, ALIAS, scope, f"{name}:{alias}", document)

        try:
            return await self._resources.metadata.transact(work)
        except ResourceExists:
            raise FunctionExists(f"{name}:{alias}") from None

    async def update_alias(
        self, scope: str, name: str, alias: str, fields: Mapping[str, Any], revision: str | None
    ) -> Document:
        """Raises FunctionMissing, StaleRevision."""

        def work(transaction: Transaction) -> Document:
            def change(document: Document) -> None:
                check_revision(document, revision)
                document |= {**fields, "revision": str(uuid.uuid4())}
                self._check_targets(transaction, scope, name, document)

            return self._resources.update_in(transaction, ALIAS, scope, f"{name}:{alias}", change)

        try:
            return await self._resources.metadata.transact(work)
        except ResourceMissing:
            raise FunctionMissing(name, alias) from None

    async def delete_alias(self, scope: str, name: str, alias: str) -> None:
        """A missing one is no error."""
        try:
            await self._resources.delete(ALIAS, scope, f"{name}:{alias}")
        except ResourceMissing:
            return

    def chosen(self, alias: Document) -> str:
        """The version that the next invocation of an alias is for, by its weights."""
        draw = random.random()
        for version, weight in alias["weights"].items():
            if draw < weight:
                return str(version)
            draw -= weight
        return str(alias["version"])

    def _check_targets(self, transaction: Transaction, scope: str, name: str, alias: Document) -> None:
        for version in _targets(alias) - {""}:
            if self._resources.find(VERSION, scope, f"{name}:{version}", transaction) is None:
                raise FunctionMissing(name, version)

    def _below(self, kind: str, scope: str, name: str, reader: Reader | None = None) -> list[Document]:
        return list(self._resources.all(kind, scope, f"{name}:", reader))

    def _present(self, reader: Reader, scope: str, name: str) -> Document:
        found = self._resources.find(FUNCTION, scope, name, reader)
        if found is None:
            raise FunctionMissing(name)
        return found


def _targets(alias: Document) -> set[str]:
    return {alias["version"], *alias["weights"]}


def _essence(document: Document) -> Document:
    """What makes two versions differ."""
    return {key: value for key, value in document.items() if key not in _OF_THE_LATEST | _OF_EVERY_RESOURCE}


def check_revision(document: Document, revision: str | None) -> None:
    """Raise StaleRevision unless the document still is of this revision."""
    if revision is not None and document["revision"] != revision:
        raise StaleRevision("it was changed meanwhile")
