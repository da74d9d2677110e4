"""Transformation by a Lambda function.

The function gets `{"invocationId", "deliveryStreamArn", "region", "records": [{"recordId", "data", ...}]}` and answers
`{"records": [{"recordId", "result", "data", "metadata"}]}`, every record exactly once.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

import asyncio
import base64
import binascii
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from lakemill.engines.delivery import Failure, Record
from lakemill.engines.delivery.prefixes import FUNCTION
from lakemill.engines.functions import (
    FunctionError,
    FunctionMissing,
    Functions,
    FunctionThrottled,
    FunctionTimeout,
    FunctionUnavailable,
)
from lakemill.services.firehose.processing import Item

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
BAD_RESULT = "The result of a record must be Ok, Dropped or ProcessingFailed"


class Answer(msgspec.Struct):
    """What the function says of one record."""

    recordId: str
    result: str = ""
    data: str | None = None
    metadata: dict[str, Any] | None = None


class Answers(msgspec.Struct):
    records: list[Answer]


class Transformation:
    """A step that asks a function. refusal: why the role may not invoke it, or None."""

    def __init__(
        self,
        functions: Functions,
        scope: str,
        function: str,
        stream_arn: str,
        *,
        source_arn: str | None = None,
        retries: int = 3,
        refusal: Callable[[], str | None] = lambda: None,
        again_s: float = AGAIN_S,
    ) -> None:
        self._functions, self._scope, self._function, self._stream_arn = functions, scope, function, stream_arn
        self._source_arn, self._retries, self._refusal, self._again_s = source_arn, retries, refusal, again_s

    async def __call__(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        made: list[Item] = []
        failures: list[Failure] = []
        for part in _portions(items):
            done, failed = await self._portion(part)
            made += done
            failures += failed
        for failure in failures:
            failure.details = {"lambdaArn": self._function}
        return made, failures

    async def _portion(self, items: list[Item]) -> tuple[list[Item], list[Failure]]:
        named = {f"{item.record.sequence:056d}{index:06d}": item for index, item in enumerate(items)}
        refusal = self._refusal()
        if refusal is not None:
            return [], [item.failure("Lambda.InvokeAccessDenied", refusal) for item in items]
        try:
            payload, attempts = await self._invoke(self._event(named))
        except FunctionError as fault:
            code = CODES.get(type(fault), FUNCTION_ERROR)
            return [], [Failure(item.record, code, str(fault), self._retries + 1) for item in items]
        try:
            answers = msgspec.json.decode(payload, type=Answers).records
        except (msgspec.DecodeError, msgspec.ValidationError) as wrong:
            message = f"The function's answer is not what is asked for: {wrong}"
            return [], [item.failure("Lambda.JsonProcessingException", message) for item in items]
        return _sorted_out(named, answers, attempts)

    async def _invoke(self, event: bytes) -> tuple[bytes, int]:
        """The answer and how many attempts it took. Raises FunctionError."""
        for attempt in range(1, self._retries + 1):
            try:
                return await self._functions.invoke(self._scope, self._function, event, TIMEOUT_S), attempt
            except FunctionError:
                await asyncio.sleep(self._again_s)
        return await self._functions.invoke(self._scope, self._function, event, TIMEOUT_S), self._retries + 1

    def _event(self, named: dict[str, Item]) -> bytes:
        event: dict[str, Any] = {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": self._stream_arn,
            "region": self._stream_arn.split(":")[3],
            "records": [self._described(name, item.record) for name, item in named.items()],
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


def _portions(items: list[Item]) -> Iterator[list[Item]]:
    """As much at a time as a function takes."""
    portion: list[Item] = []
    size = 0
    for item in items:
        more = len(item.record.data) * 4 // 3 + _OVERHEAD_BYTES
        if portion and size + more > PAYLOAD_BYTES_MAX:
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += more
    if portion:
        yield portion


def _sorted_out(named: dict[str, Item], answers: list[Answer], attempts: int) -> tuple[list[Item], list[Failure]]:
    """Every record's outcome, in the order of the records."""
    said: dict[str, list[Answer]] = {}
    for answer in answers:
        said.setdefault(answer.recordId, []).append(answer)
    made: list[Item] = []
    failures: list[Failure] = []
    for name, item in named.items():
        found = said.get(name, [])
        if len(found) != 1:
            code = "Lambda.DuplicatedRecordId" if found else "Lambda.MissingRecordId"
            message = f"The function answered {len(found)} times for the record {name}"
        else:
            code, message = _taken(item, found[0])
        if code:
            failures.append(Failure(item.record, code, message, attempts))
        elif found[0].result == "Ok":
            made.append(item)
    return made, failures


def _taken(item: Item, answer: Answer) -> tuple[str, str]:
    """Put the answer's data and keys into the item; code and message if that fails."""
    if answer.result == "Dropped":
        return "", ""
    if answer.result == "ProcessingFailed":
        return "Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record"
    if answer.result != "Ok":
        return FUNCTION_ERROR, BAD_RESULT
    try:
        data = base64.b64decode(answer.data or "", validate=True)
    except binascii.Error:
        return FUNCTION_ERROR, "The data of a record is not base64"
    if answer.data is None:
        return FUNCTION_ERROR, "A record with the result Ok has no data"
    keys = (answer.metadata or {}).get("partitionKeys") or {}
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        return FUNCTION_ERROR, "metadata.partitionKeys of a record must be an object of texts"
    item.record = msgspec.structs.replace(item.record, data=data)
    item.keys = item.keys | {f"{FUNCTION}:{name}": value for name, value in keys.items()}
    return "", ""
