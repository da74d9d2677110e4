"""Events that nobody waits for: kept until their function has dealt with them, with retries.

An event is a document in table `function_events` under the time it is due (milliseconds, 15 digits) and its id; whoever
works on it does so after a restart, too, so a function may see an event twice. A failed one is tried again after one
minute, then after two; one for which there is no worker waits, longer each time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from lakemill.engines.functions.errors import FunctionMissing, FunctionThrottled, FunctionUnavailable
from lakemill.engines.functions.function import Outcome
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

EVENTS = "function_events"
RETRIES = 2
RETRY_S = 60.0
AGE_S_MAX = 6 * 3600
THROTTLED_S = (1.0, 300.0)
"""The first wait for a worker, and the longest."""
TOGETHER = 16
POLL_S = 1.0

Document = dict[str, Any]
Work = Callable[[Document], Awaitable[Outcome]]
"""Invokes what an event is for."""
Limits = Callable[[Document], tuple[int, float]]
"""Retries and age in seconds at most of an event."""


class Events:
    """The queue and those who work on it."""

    def __init__(self, metadata: Metadata, clock: Clock, work: Work, limits: Limits, *, retry_s: float = RETRY_S):
        self._metadata, self._clock, self._work, self._limits = metadata, clock, work, limits
        self._retry_s = retry_s
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Go on with what is there."""
        self._task = asyncio.create_task(self._run())

    async def put(self, scope: str, name: str, qualifier: str, payload: bytes, extra: Document, event_id: str) -> None:
        """Accept an event for a function's version or alias ("" for the latest). Durable on return."""
        now = self._clock.time()
        event: Document = {
            "id": event_id,
            "scope": scope,
            "name": name,
            "qualifier": qualifier,
            "payload": payload,
            "extra": extra,
            "accepted_s": now,
            "failures": 0,
            "throttles": 0,
        }
        await self._metadata.transact(lambda transaction: _put(transaction, event, now))
        self._woken.set()

    def waiting(self) -> int:
        """How many are not dealt with yet."""
        return sum(1 for _ in self._metadata.scan(EVENTS))

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            due = f"{int(self._clock.time() * 1000) + 1:015d}"
            for key, event in list(self._metadata.scan(EVENTS, "", due, limit=4 * TOGETHER)):
                if len(self._under_way) >= TOGETHER:
                    break
                if key not in self._under_way:
                    self._under_way[key] = asyncio.create_task(self._deal_with(key, event))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    async def _deal_with(self, key: str, event: Document) -> None:
        try:
            again_s = await self._attempt(event)

            def settle(transaction: Transaction) -> None:
                transaction.delete(EVENTS, key)
                if again_s is not None:
                    _put(transaction, event, self._clock.time() + again_s)

            await self._metadata.transact(settle)
        finally:
            del self._under_way[key]
            self._woken.set()

    async def _attempt(self, event: Document) -> float | None:
        """Seconds until it is to be tried again; None when it is dealt with."""
        retries_max, age_s_max = self._limits(event)
        try:
            outcome = await self._work(event)
        except FunctionMissing:
            return None
        except (FunctionThrottled, FunctionUnavailable):
            event["throttles"] += 1
            again_s = min(THROTTLED_S[0] * 2 ** (event["throttles"] - 1), THROTTLED_S[1])
        else:
            if outcome.kind == "answered":
                return None
            event["failures"] += 1
            if event["failures"] > retries_max:
                return None
            again_s = self._retry_s * event["failures"]
        return again_s if self._clock.time() + again_s - event["accepted_s"] <= age_s_max else None

    async def close(self) -> None:
        """Stop; what was under way is begun again at the next start."""
        tasks = [task for task in (self._task, *self._under_way.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _put(transaction: Transaction, event: Document, due_s: float) -> None:
    transaction.put(EVENTS, f"{int(due_s * 1000):015d}/{event['id']}", event)
