"""Temporary credentials: opaque tokens, kept until a day after they end.

A document has secret, token, created, expires (epoch seconds), transitive (keys of tags that go on to the next role)
and principal, the fields of a Principal. Sessions that ended long ago are swept when new ones are opened.
"""

import dataclasses
import datetime
import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

from lakemill.engines.identity.principal import Principal
from lakemill.engines.identity.store import (
    EXPIRIES,
    SESSIONS,
    Store,
    new_access_key_id,
    new_secret,
)
from lakemill.ports.metadata import Transaction

KEPT_AFTER_S = 24 * 3600
"""A key that comes back within this time is told that its token expired, rather than that nobody knows it."""
SWEEP_MAX = 32
"""Sessions swept per opening at most."""
TOKEN_BYTES = 96


class SessionCredentials(msgspec.Struct, frozen=True):
    """What a client gets."""

    access_key_id: str
    secret: str
    session_token: str
    expires_s: int
    principal: Principal

    @property
    def expires(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.expires_s, datetime.UTC)


class Sessions:
    """Sessions by access key id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, principal: Principal, duration_s: int, transitive: Iterable[str] = ()) -> SessionCredentials:
        """Make temporary credentials for a principal. Durable when it returns."""
        document, credentials = self._new(principal, duration_s, transitive)
        await self._store.write(lambda transaction: self._put(transaction, document))
        return credentials

    def open_blocking(self, principal: Principal, duration_s: int) -> SessionCredentials:
        """The same from a thread that is not the event loop's."""
        document, credentials = self._new(principal, duration_s, ())
        self._store.write_blocking(lambda transaction: self._put(transaction, document))
        return credentials

    def _new(
        self, principal: Principal, duration_s: int, transitive: Iterable[str]
    ) -> tuple[dict[str, Any], SessionCredentials]:
        now = int(self._store.clock.time())
        expires = datetime.datetime.fromtimestamp(now + duration_s, datetime.UTC)
        key_id = new_access_key_id(temporary=True)
        principal = dataclasses.replace(principal, access_key_id=key_id, expires=expires)
        credentials = SessionCredentials(
            key_id, new_secret(), secrets.token_urlsafe(TOKEN_BYTES), now + duration_s, principal
        )
        document = {
            "id": key_id,
            "secret": credentials.secret,
            "token": credentials.session_token,
            "created": now,
            "expires": credentials.expires_s,
            "transitive": list(transitive),
            "principal": dataclasses.asdict(principal) | {"expires": None},
        }
        return document, credentials

    def _put(self, transaction: Transaction, document: dict[str, Any]) -> None:
        transaction.put(SESSIONS, document["id"], document)
        transaction.put(EXPIRIES, f"{document['expires']:012d}/{document['id']}", None)
        horizon = f"{int(self._store.clock.time()) - KEPT_AFTER_S:012d}"
        for key, _ in list(transaction.scan(EXPIRIES, "", horizon, limit=SWEEP_MAX)):
            transaction.delete(EXPIRIES, key)
            transaction.delete(SESSIONS, key.partition("/")[2])

    def find(self, access_key_id: str) -> dict[str, Any] | None:
        """The document, also of a session that is over."""
        return self._store.get(SESSIONS, access_key_id)


def principal_of(document: dict[str, Any]) -> Principal:
    """The caller a session stands for."""
    fields = dict(document["principal"])
    fields["session_policies"] = tuple(fields["session_policies"])
    fields["expires"] = datetime.datetime.fromtimestamp(document["expires"], datetime.UTC)
    return Principal(**fields)
