"""Records that could not be processed or delivered, as they are written below the error prefix: JSON lines.

Source: https://docs.aws.amazon.com/firehose/latest/dev/retry.html and .../data-transformation.html
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lakemill.engines.delivery import Failure, Record

Details = Callable[[Record], dict[str, Any]]
CONVERSION = "format-conversion-failed"
_encode = msgspec.json.Encoder().encode


class FailureLines:
    """Writes failures down. now_ms: the time. details: further members of a record, by kind of error."""

    def __init__(self, now_ms: Callable[[], int], details: dict[str, Details]) -> None:
        self._now_ms, self._details = now_ms, details

    def __call__(self, kind: str, failures: Sequence[Failure]) -> list[Record]:
        """A line each, in the place of its record."""
        return [self._line(kind, one) for one in failures]

    def _line(self, kind: str, failure: Failure) -> Record:
        record = failure.record
        # Elsewhere there is one error; conversion speaks of the last one.
        code, message = ("lastErrorCode", "lastErrorMessage") if kind == CONVERSION else ("errorCode", "errorMessage")
        line: dict[str, Any] = {
            "attemptsMade": failure.attempts,
            "arrivalTimestamp": record.arrival_ms,
            code: failure.code,
            message: failure.message,
            "attemptEndingTimestamp": self._now_ms(),
            "rawData": base64.b64encode(record.data).decode(),
        }
        if kind == CONVERSION:
            line |= {"sequenceNumber": str(record.sequence), "subSequenceNumber": record.sub or None}
        if kind in self._details:
            line |= self._details[kind](record)
        line |= failure.details
        return Record(_encode(line) + b"\n", record.arrival_ms, record.sequence, record.shard, record.key, record.sub)
