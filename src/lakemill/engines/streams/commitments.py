"""Throughput commitments: a scope that has one may warm its on-demand streams and register more consumers."""

from typing import Any

from lakemill.engines.streams.errors import ChangeRefused
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

TABLE = "stream_commitments"
LEAST_S = 24 * 3600
"""It cannot be ended before."""


class Commitments:
    """One document per scope."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    def of(self, scope: str) -> dict[str, Any]:
        """{"enabled": bool, "started_s", "ended_s"}; times where there are any."""
        return self._metadata.get(TABLE, scope) or {"enabled": False}

    async def set(self, scope: str, *, enabled: bool) -> dict[str, Any]:
        """Begin or end one; its new state. Raises ChangeRefused before it may end."""
        now_s = self._clock.time()

        def work(transaction: Transaction) -> dict[str, Any]:
            found = transaction.get(TABLE, scope) or {"enabled": False}
            if enabled == found["enabled"]:
                return found
            if enabled:
                found = {"enabled": True, "started_s": now_s}
            elif now_s < found["started_s"] + LEAST_S:
                raise ChangeRefused(
                    "The minimum throughput billing commitment cannot be ended before 24 hours are over."
                )
            else:
                found |= {"enabled": False, "ended_s": now_s}
            transaction.put(TABLE, scope, found)
            return found

        return await self._metadata.transact(work)
