"""Passwords for some time, for users of a database.

Only what proves a password is kept: the MD5 of password and user, as PostgreSQL's protocol asks for it.

Table `warehouse_credentials`, with U+0001 between the parts of a key:   id of the warehouse, user, expiry in ms, number
"""

import datetime
import hashlib
import secrets
from typing import Any

import msgspec

from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

TABLE = "warehouse_credentials"
_SEPARATOR = "\x01"
Document = dict[str, Any]


class Credential(msgspec.Struct, kw_only=True):
    """What somebody may connect with. login: the user as the client says it; name: the database's user."""

    login: str
    name: str
    database: str = ""
    """Empty: any."""
    verifier: str
    auto_create: bool = False
    groups: list[str] = []


def verifier(password: str, user: str) -> str:
    """What a password is proved by.

    >>> verifier("secret", "awsuser")
    'a8d97f355811f354945fa58e2ae167d1'
    """
    return hashlib.md5(f"{password}{user}".encode(), usedforsecurity=False).hexdigest()


class Credentials:
    """Of all warehouses."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    async def give(
        self,
        warehouse: str,
        login: str,
        name: str,
        *,
        duration_s: int,
        database: str = "",
        auto_create: bool = False,
        groups: list[str] | None = None,
    ) -> tuple[str, datetime.datetime]:
        """A new password and when it ends; durable on return."""
        password = secrets.token_urlsafe(48)
        ends = self._clock.now() + datetime.timedelta(seconds=duration_s)
        credential = Credential(
            login=login,
            name=name,
            database=database,
            verifier=verifier(password, login),
            auto_create=auto_create,
            groups=groups or [],
        )
        key = _joined(warehouse, login, f"{int(ends.timestamp() * 1000):015d}", secrets.token_hex(4))
        document = msgspec.to_builtins(credential)
        await self._metadata.transact(lambda transaction: transaction.put(TABLE, key, document))
        return password, ends

    def of(self, warehouse: str, login: str, database: str) -> list[Credential]:
        """Those that a user may connect with now."""
        start = _joined(warehouse, login, "")
        now = f"{start}{int(self._clock.time() * 1000):015d}"
        rows = self._metadata.scan(TABLE, now, prefix_end(start))
        found = [msgspec.convert(one, Credential) for _, one in rows]
        return [one for one in found if one.database in ("", database)]

    async def forget(self, warehouse: str) -> None:
        """All of a warehouse that is no more."""
        await self._remove([key for key, _ in self._metadata.scan(TABLE, *_range(warehouse))])

    async def expire(self) -> None:
        """Remove those whose time is over."""
        now = f"{int(self._clock.time() * 1000):015d}"
        await self._remove([key for key, _ in self._metadata.scan(TABLE) if key.split(_SEPARATOR)[2] < now])

    async def _remove(self, keys: list[str]) -> None:
        def work(transaction: Transaction) -> None:
            for key in keys:
                transaction.delete(TABLE, key)

        if keys:
            await self._metadata.transact(work)


def _range(warehouse: str) -> tuple[str, str | None]:
    start = _joined(warehouse, "")
    return start, prefix_end(start)


def _joined(*parts: str) -> str:
    return _SEPARATOR.join(parts)
