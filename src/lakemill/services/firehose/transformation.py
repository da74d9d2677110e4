"""Transformation by a Lambda function.

The function gets `{"invocationId", "deliveryStreamArn", "region", "records": [{"recordId", "data", ...}]}` and answers
`{"records": [{"recordId", "result", "data", "metadata"}]}`, every record exactly once.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

import asyncio
import base64
import binascii
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lakemill.engines.delivery import Failure, Record
from lakemill.engines.delivery.prefixes import FUNCTION
from lakemill.engines.delivery.rows import Rows
from lakemill.engines.functions import (
    FunctionError,
    FunctionMissing,
    Functions,
    FunctionThrottled,
    FunctionTimeout,
    FunctionUnavailable,
)
from lakemill.services.firehose.processing import Lot

TIMEOUT_S = 300.0
PAYLOAD_BYTES_MAX = 6_000_000
AGAIN_S = 0.5
_OVERHEAD_BYTES = 400
CODES: dict[type[Exception], str] = {
    FunctionMissing: "Lambda.ResourceNotFound",
    FunctionThrottled: "Lambda.InvokeLimitExceeded",
    FunctionTimeout: "Lambda.FunctionTimedOut",
    FunctionUnavailable: "Lambda.ServiceUnavailable",
}
FUNCTION_ERROR = "Lambda.FunctionError"
Keys = tuple[tuple[str, str], ...]
"""Names and values."""


class Answer(msgspec.Struct):
    """What the function says of one record."""

    recordId: str
    result: str = ""
    data: str | None = None
    metadata: dict[str, Any] | None = None


class Answers(msgspec.Struct):
    records: list[Answer]


class Transformation:
    """A step that asks a function.

    names: the partition keys wanted of it. refusal: why the role may not invoke it, or None.
    """

    def __init__(
        self,
        functions: Functions,
        scope: str,
        function: str,
        stream_arn: str,
        *,
        names: Sequence[str] = (),
        source_arn: str | None = None,
        retries: int = 3,
        refusal: Callable[[], str | None] = lambda: None,
        again_s: float = AGAIN_S,
    ) -> None:
        self._functions, self._scope, self._function, self._stream_arn = functions, scope, function, stream_arn
        self._names = set(names)
        self._source_arn, self._retries, self._refusal, self._again_s = source_arn, retries, refusal, again_s

    async def __call__(self, lots: list[Lot]) -> tuple[list[Lot], list[Failure]]:
        made: list[Lot] = []
        failures: list[Failure] = []
        for lot in lots:
            with_keys: dict[Keys, list[Record]] = {}
            for part in _portions(lot.records):
                done, failed = await self._portion(part)
                for keys, record in done:
                    with_keys.setdefault(tuple(pair for pair in keys if pair[0] in self._names), []).append(record)
                failures += failed
            for keys, records in with_keys.items():
                named = {f"{FUNCTION}:{name}": value for name, value in keys}
                made.append(Lot(lot.keys | named, Rows.of(records)))
        for failure in failures:
            failure.details = {"lambdaArn": self._function}
        return made, failures

    async def _portion(self, records: list[Record]) -> tuple[list[tuple[Keys, Record]], list[Failure]]:
        named = {f"{record.sequence:056d}{index:06d}": record for index, record in enumerate(records)}
        refusal = self._refusal()
        if refusal is not None:
            return [], [Failure(record, "Lambda.InvokeAccessDenied", refusal) for record in records]
        try:
            payload, attempts = await self._invoke(self._event(named))
        except FunctionError as fault:
            code = CODES.get(type(fault), FUNCTION_ERROR)
            return [], [Failure(record, code, str(fault), self._retries + 1) for record in records]
        try:
            answers = msgspec.json.decode(payload, type=Answers).records
        except (msgspec.DecodeError, msgspec.ValidationError) as wrong:
            message = f"The function's answer is not what is asked for: {wrong}"
            return [], [Failure(record, "Lambda.JsonProcessingException", message) for record in records]
        return _sorted_out(named, answers, attempts)

    async def _invoke(self, event: bytes) -> tuple[bytes, int]:
        """The answer and how many attempts it took. Raises FunctionError."""
        for attempt in range(1, self._retries + 1):
            try:
                return await self._functions.invoke(self._scope, self._function, event, TIMEOUT_S), attempt
            except FunctionError:
                await asyncio.sleep(self._again_s)
        return await self._functions.invoke(self._scope, self._function, event, TIMEOUT_S), self._retries + 1

    def _event(self, named: dict[str, Record]) -> bytes:
        event: dict[str, Any] = {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": self._stream_arn,
            "region": self._stream_arn.split(":")[3],
            "records": [self._described(name, record) for name, record in named.items()],
        }
        if self._source_arn:
            event["sourceKinesisStreamArn"] = self._source_arn
        return msgspec.json.encode(event)

    def _described(self, name: str, record: Record) -> dict[str, Any]:
        described: dict[str, Any] = {
            "recordId": name,
            "approximateArrivalTimestamp": record.arrival_ms,
            "data": base64.b64encode(record.data).decode(),
        }
        if self._source_arn:
            described["kinesisRecordMetadata"] = {
                "sequenceNumber": str(record.sequence),
                "subsequenceNumber": record.sub,
                "partitionKey": record.key,
                "shardId": record.shard,
                "approximateArrivalTimestamp": record.arrival_ms,
            }
        return described


def _portions(records: Iterable[Record]) -> Iterator[list[Record]]:
    """As much at a time as a function takes."""
    portion: list[Record] = []
    size = 0
    for record in records:
        more = len(record.data) * 4 // 3 + _OVERHEAD_BYTES
        if portion and size + more > PAYLOAD_BYTES_MAX:
            yield portion
            portion, size = [], 0
        portion.append(record)
        size += more
    if portion:
        yield portion


def _sorted_out(
    named: dict[str, Record], answers: list[Answer], attempts: int
) -> tuple[list[tuple[Keys, Record]], list[Failure]]:
    """Every record's outcome, in the order of the records."""
    said: dict[str, list[Answer]] = {}
    for answer in answers:
        said.setdefault(answer.recordId, []).append(answer)
    made: list[tuple[Keys, Record]] = []
    failures: list[Failure] = []
    for name, record in named.items():
        found = said.get(name, [])
        if len(found) != 1:
            code = "Lambda.DuplicatedRecordId" if found else "Lambda.MissingRecordId"
            message = f"The function answered {len(found)} times for the record {name}"
            failures.append(Failure(record, code, message, attempts))
        elif found[0].result != "Dropped":
            try:
                made.append(_taken(record, found[0]))
            except _Bad as bad:
                failures.append(Failure(record, bad.code, str(bad), attempts))
    return made, failures


class _Bad(Exception):
    """What the function says of a record makes no other of it. Fields: code."""

    def __init__(self, message: str, code: str = FUNCTION_ERROR) -> None:
        super().__init__(message)
        self.code = code


def _taken(record: Record, answer: Answer) -> tuple[Keys, Record]:
    """The record with the answer's data, and its keys. Raises _Bad."""
    if answer.result == "ProcessingFailed":
        raise _Bad("ProcessingFailed status set for record", "Lambda.ProcessingFailedStatus")
    if answer.result != "Ok":
        raise _Bad("The result of a record must be Ok, Dropped or ProcessingFailed")
    try:
        data = base64.b64decode(answer.data or "", validate=True)
    except binascii.Error:
        raise _Bad("The data of a record is not base64") from None
    if answer.data is None:
        raise _Bad("A record with the result Ok has no data")
    keys = (answer.metadata or {}).get("partitionKeys") or {}
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise _Bad("metadata.partitionKeys of a record must be an object of texts")
    return tuple(sorted(keys.items())), msgspec.structs.replace(record, data=data)
