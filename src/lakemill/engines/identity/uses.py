"""When keys and roles were last used. Exact in memory, on disk within a minute: it may lag after a crash."""

import asyncio
from typing import Any

from lakemill.engines.identity.principal import Principal
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

USES = "identity_uses"
FLUSH_S = 60
PENDING_MAX = 10_000

Use = dict[str, Any]
"""at (epoch seconds), service (signing name), region."""


class Uses:
    """Last uses by access key id, and by role ARN."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock
        self._pending: dict[str, Use] = {}
        self._flushed_s = clock.time()
        self._flushing: asyncio.Task[None] | None = None

    def note(self, principal: Principal, service: str, region: str) -> None:
        """A request was signed by this principal. Cheap; from the event loop."""
        subject = principal.role_arn or principal.access_key_id
        if subject is None:
            return
        now = self._clock.time()
        if len(self._pending) < PENDING_MAX or subject in self._pending:
            self._pending[subject] = {"at": now, "service": service, "region": region}
        if now - self._flushed_s >= FLUSH_S and (self._flushing is None or self._flushing.done()):
            self._flushed_s = now
            self._flushing = asyncio.get_running_loop().create_task(self.flush())

    def last(self, subject: str) -> Use | None:
        """The last use of an access key id or a role ARN."""
        return self._pending.get(subject) or self._metadata.get(USES, subject)

    async def flush(self) -> None:
        """Write down what was noted."""
        pending, self._pending = self._pending, {}

        def work(transaction: Transaction) -> None:
            for subject, use in pending.items():
                transaction.put(USES, subject, use)

        await self._metadata.transact(work)
