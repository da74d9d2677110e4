"""Who may use a catalog: a policy document for each scope, changed only by those who know what it was.

catalog_policies    scope
"""

import base64
import dataclasses
import datetime
import hashlib
from typing import Any

from lakemill.engines.catalog.errors import PolicyChanged, PolicyMissing
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

_POLICIES = "catalog_policies"


@dataclasses.dataclass(frozen=True)
class Policy:
    """A policy's text, and when it was written first and last."""

    text: str
    created: datetime.datetime
    updated: datetime.datetime

    @property
    def digest(self) -> str:
        """What tells texts apart."""
        return base64.b64encode(hashlib.sha256(self.text.encode()).digest()[:16]).decode()


class Policies:
    """The policies of all scopes."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    def find(self, scope: str) -> Policy | None:
        """The policy, or None."""
        return _policy(self._metadata, scope)

    async def put(self, scope: str, text: str, *, expected: str | None = None, present: bool | None = None) -> Policy:
        """Write it. expected: the digest it must have before. present: whether there must be one, or must be none.

        Raises PolicyChanged, PolicyMissing.
        """

        def work(transaction: Transaction) -> Policy:
            before = _checked(transaction, scope, expected)
            if present is not None and (before is not None) is not present:
                raise PolicyMissing if present else PolicyChanged("A policy exists already.")
            now = self._clock.now()
            written = Policy(text, before.created if before else now, now)
            transaction.put(_POLICIES, scope, dataclasses.asdict(written))
            return written

        return await self._metadata.transact(work)

    async def delete(self, scope: str, *, expected: str | None = None) -> None:
        """Raises PolicyChanged, PolicyMissing."""

        def work(transaction: Transaction) -> None:
            if _checked(transaction, scope, expected) is None:
                raise PolicyMissing
            transaction.delete(_POLICIES, scope)

        await self._metadata.transact(work)


def _policy(reader: Any, scope: str) -> Policy | None:
    found = reader.get(_POLICIES, scope)
    return None if found is None else Policy(**found)


def _checked(transaction: Transaction, scope: str, expected: str | None) -> Policy | None:
    found = _policy(transaction, scope)
    if expected is not None and (found is None or found.digest != expected):
        raise PolicyChanged("The policy hash does not match the existing policy.")
    return found
