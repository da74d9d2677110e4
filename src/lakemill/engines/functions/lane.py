"""One shard of a stream on its way to a function: batch after batch, in order, none passed over unless told to.

A batch that failed is tried again until it succeeds, until its tries are used up, or until its records are too old;
then it is given up, and the shard goes on. With `bisect` a failed batch of several records is halved, which does not
count as a try, so that in the end only what cannot be processed is given up. With `partial` the function may say which
record was the first that failed; those before it are done.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from lakemill.engines.functions.errors import FunctionMissing, FunctionThrottled, FunctionUnavailable
from lakemill.engines.functions.function import Outcome
from lakemill.engines.streams import StreamRecord
from lakemill.ports.clock import Clock

PAUSE_S = (0.5, 60.0)
"""The wait after a first failure, and the longest; it doubles in between."""
FOREVER = -1


@dataclasses.dataclass(frozen=True)
class Rules:
    """How batches are made and retried. retries and age_s: FOREVER for no limit."""

    batch: int = 100
    window_s: float = 0.0
    """How long a batch that is not full waits for more."""
    retries: int = FOREVER
    age_s: int = FOREVER
    bisect: bool = False
    partial: bool = False


Invoke = Callable[[Sequence[StreamRecord]], Awaitable[Outcome]]
Done = Callable[[int], Awaitable[None]]
"""Note durably that the shard is dealt with up to a sequence number, that one included."""
Tell = Callable[[str], None]


class Lane:
    """Deals with batches of one shard."""

    def __init__(self, rules: Rules, invoke: Invoke, done: Done, tell: Tell, clock: Clock) -> None:
        """tell: what came of the last invocation, a sentence."""
        self._rules, self._invoke, self._done, self._tell, self._clock = rules, invoke, done, tell, clock

    async def deal_with(self, batch: Sequence[StreamRecord]) -> None:
        """Returns when all records are processed or given up, and that is noted."""
        waiting = [(list(batch), 0)]
        while waiting:
            records, failures = waiting.pop()
            if self._too_old(records[-1]):
                self._tell("PROBLEM: records were older than they may be, and were passed over")
                await self._done(records[-1].sequence_number)
                continue
            left = await self._attempt(records)
            if not left:
                await self._done(records[-1].sequence_number)
                continue
            if len(left) < len(records):  # Some are done: the others begin anew.
                await self._done(records[-len(left) - 1].sequence_number)
                failures = 0
            if self._rules.bisect and len(left) > 1:
                half = len(left) // 2
                waiting += [(left[half:], failures), (left[:half], failures)]
                continue
            failures += 1
            if self._rules.retries != FOREVER and failures > self._rules.retries:
                await self._done(left[-1].sequence_number)
            else:
                waiting.append((left, failures))
                await asyncio.sleep(min(PAUSE_S[0] * 2 ** min(failures - 1, 10), PAUSE_S[1]))

    def _too_old(self, record: StreamRecord) -> bool:
        age_s = self._clock.time() - record.arrival_ms / 1000
        return self._rules.age_s != FOREVER and age_s > self._rules.age_s

    async def _attempt(self, records: list[StreamRecord]) -> list[StreamRecord]:
        """Those that are not done after an invocation. Waits for a worker as long as it takes."""
        pause_s = PAUSE_S[0]
        while True:
            try:
                outcome = await self._invoke(records)
                break
            except (FunctionThrottled, FunctionUnavailable, FunctionMissing) as error:
                self._tell(f"PROBLEM: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_S[1])
        if outcome.kind != "answered":
            self._tell("PROBLEM: Function call failed")
            return records
        failed = _first_failed(outcome.payload, records) if self._rules.partial else None
        self._tell("OK" if failed is None else "PROBLEM: the function could not process all records")
        return [] if failed is None else records[failed:]


def _first_failed(answer: bytes, records: list[StreamRecord]) -> int | None:
    """Place of the first record that the function says it could not process; None if there is none.

    The answer is {"batchItemFailures": [{"itemIdentifier": sequence number}, ...]}, or as good as empty. One that names
    no record of the batch, or is not of this form, means that all failed.
    """
    try:
        document: Any = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return 0
    named = document.get("batchItemFailures") if isinstance(document, dict) else None
    if document is None or document == {} or named in (None, []):
        return None
    places = {str(record.sequence_number): place for place, record in enumerate(records)}
    try:
        return min(places[one["itemIdentifier"]] for one in named)
    except (KeyError, TypeError):
        return 0
