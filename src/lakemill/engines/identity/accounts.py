"""Accounts: an alias, and the root's keys (see keys.py, which shares the document)."""

import re
from typing import Any

from lakemill.engines.identity.errors import EntityExists, EntityMissing, InputInvalid
from lakemill.engines.identity.store import ACCOUNTS, Store
from lakemill.ports.metadata import Transaction

_ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")


class Accounts:
    """Accounts by id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def alias(self, account: str) -> str | None:
        return (self._store.get(ACCOUNTS, account) or {}).get("alias")

    async def set_alias(self, account: str, alias: str) -> None:
        """Replaces the alias the account has. Raises InputInvalid, EntityExists."""
        if not _ALIAS.fullmatch(alias):
            raise InputInvalid(f"The account alias {alias} may hold lower-case letters, digits and single dashes only.")

        def work(transaction: Transaction) -> None:
            for other, document in transaction.scan(ACCOUNTS):
                if document.get("alias") == alias:
                    if other == account:
                        return
                    raise EntityExists(f"The account alias {alias} already exists.")
            self._put(transaction, account, alias)

        await self._store.write(work)

    async def drop_alias(self, account: str, alias: str) -> None:
        """Raises EntityMissing."""

        def work(transaction: Transaction) -> None:
            if (transaction.get(ACCOUNTS, account) or {}).get("alias") != alias:
                raise EntityMissing(f"The account alias {alias} cannot be found.")
            self._put(transaction, account, None)

        await self._store.write(work)

    @staticmethod
    def _put(transaction: Transaction, account: str, alias: str | None) -> None:
        document: dict[str, Any] = transaction.get(ACCOUNTS, account) or {}
        transaction.put(ACCOUNTS, account, document | {"alias": alias})
