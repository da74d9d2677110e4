"""Crawls that were, of each crawler: the last thousand, or those of a year.

crawls    scope, crawler, id    A crawl: `id`, `state`, `start`, `end`, `error`, `counts`
"""

import uuid
from collections.abc import Iterator
from typing import Any

from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

CRAWLS = "crawls"
KEPT_MAX = 1000
RUNNING, COMPLETED, FAILED, STOPPED = "RUNNING", "COMPLETED", "FAILED", "STOPPED"


class History:
    """The crawls of all crawlers."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    def begin_in(self, transaction: Transaction, scope: str, name: str) -> dict[str, Any]:
        """Note a crawl that begins."""
        now = self._clock.now()
        crawl = {"id": str(uuid.uuid4()), "state": RUNNING, "start": now, "serial": int(now.timestamp() * 1e6)}
        transaction.put(CRAWLS, _key(scope, name, crawl), crawl)
        start = _prefix(scope, name)
        rows = transaction.scan(CRAWLS, start, prefix_end(start), limit=KEPT_MAX + 10)
        keys = [key for key, _ in rows]
        for key in keys[:-KEPT_MAX]:
            transaction.delete(CRAWLS, key)
        return crawl

    def end_in(
        self, transaction: Transaction, scope: str, name: str, crawl: dict[str, Any], state: str, **facts: Any
    ) -> dict[str, Any]:
        """Note its end."""
        ended = crawl | {"state": state, "end": self._clock.now()} | facts
        transaction.put(CRAWLS, _key(scope, name, crawl), ended)
        return ended

    def forget_in(self, transaction: Transaction, scope: str, name: str) -> None:
        """Remove those of a crawler that is deleted."""
        start = _prefix(scope, name)
        for key, _ in list(transaction.scan(CRAWLS, start, prefix_end(start))):
            transaction.delete(CRAWLS, key)

    def newest(self, scope: str, name: str) -> Iterator[dict[str, Any]]:
        """The newest first."""
        start = _prefix(scope, name)
        return (crawl for _, crawl in self._metadata.scan(CRAWLS, start, prefix_end(start), reverse=True))


def _prefix(scope: str, name: str) -> str:
    return f"{scope}\x01{name}\x01"


def _key(scope: str, name: str, crawl: dict[str, Any]) -> str:
    return f"{_prefix(scope, name)}{crawl['serial']:020d}{crawl['id']}"
