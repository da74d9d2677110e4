"""What Lambda functions are asked and answer: before an input, and as an output.

https://docs.aws.amazon.com/kinesisanalytics/latest/dev/lambda-preprocessing-data-model.html
https://docs.aws.amazon.com/kinesisanalytics/latest/dev/how-it-works-output-lambda.html
"""

import asyncio
import base64
import json
import uuid
from typing import Any

from lakemill.engines.analytics import Raw, Unreachable, batches
from lakemill.engines.functions import Functions
from lakemill.engines.functions.errors import FunctionError
from lakemill.services.kinesisanalytics import arns

BATCH_BYTES, BATCH_RECORDS = 3 << 20, 10_000
ATTEMPTS, PAUSE_S = 3, 0.5


class Invoker:
    """Invokes one function for one application."""

    def __init__(self, functions: Functions, arn: str, refusal: Any) -> None:
        self._functions, self._arn, self._refusal = functions, arn, refusal
        self._scope = arns.function(arn).scope

    async def ask(self, event: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The answer's records by their ids. Raises Unreachable after three attempts."""
        if (reason := self._refusal()) is not None:
            raise Unreachable(f"{self._arn}: {reason}")
        payload = json.dumps(event).encode()
        for attempt in range(ATTEMPTS):
            try:
                answer = json.loads(await self._functions.invoke(self._scope, self._arn, payload))
                return {one["recordId"]: one for one in answer["records"]}
            except (FunctionError, ValueError, KeyError, TypeError) as error:
                fault = error if isinstance(error, FunctionError) else f"its answer has not the right form: {error!r}"
                if attempt + 1 == ATTEMPTS:
                    raise Unreachable(f"{self._arn}: {fault}") from None
            await asyncio.sleep(PAUSE_S * 2**attempt)
        raise AssertionError("unreachable")


class Preprocessor:
    """Records through a function before they are read."""

    def __init__(self, invoker: Invoker, application: str, stream: str, kind: str) -> None:
        self._invoker, self._application, self._stream, self._keyed = invoker, application, stream, kind == "stream"

    async def __call__(self, records: list[Raw]) -> list[Raw]:
        """What came out: Dropped are left out, ProcessingFailed go on as faults. Raises Unreachable."""
        done: list[Raw] = []
        waiting = list(records)
        for batch in batches([record[0] for record in records], BATCH_RECORDS, BATCH_BYTES):
            part, waiting = waiting[: len(batch)], waiting[len(batch) :]
            done += await self._batch(part)
        return done

    async def _batch(self, records: list[Raw]) -> list[Raw]:
        ids = [str(uuid.uuid4()) for _ in records]
        answers = await self._invoker.ask(
            {
                "invocationId": str(uuid.uuid4()),
                "applicationArn": self._application,
                "streamArn": self._stream,
                "records": [self._record(id, record) for id, record in zip(ids, records, strict=True)],
            }
        )
        done = []
        for id, record in zip(ids, records, strict=True):
            answer = answers.get(id, {})
            result = answer.get("result")
            if result == "Ok":
                try:
                    done.append([base64.b64decode(answer.get("data") or "", validate=True), *record[1:]])
                    continue
                except ValueError:
                    result = "its data is not base64"
            if result != "Dropped":
                done.append([*record, f"The function's answer for the record was: {result}"])
        return done

    def _record(self, id: str, record: Raw) -> dict[str, Any]:
        data, arrival_ms, key, sequence, shard = record
        told = {"recordId": id, "data": base64.b64encode(data).decode()}
        if not self._keyed:
            return told | {"kinesisFirehoseRecordMetadata": {"approximateArrivalTimestamp": arrival_ms}}
        about = {
            "sequenceNumber": sequence,
            "partitionKey": key,
            "shardId": shard,
            "approximateArrivalTimestamp": arrival_ms,
        }
        return told | {"kinesisStreamRecordMetadata": about}


class FunctionOutput:
    """Rows to a function."""

    def __init__(self, invoker: Invoker, application: str) -> None:
        self._invoker, self._application = invoker, application
        self._hint = 0

    async def __call__(self, records: list[bytes]) -> list[bytes]:
        """Those that it could not deliver, to be sent again. Raises Unreachable."""
        ids = [str(uuid.uuid4()) for _ in records]
        answers = await self._invoker.ask(
            {
                "invocationId": str(uuid.uuid4()),
                "applicationArn": self._application,
                "records": [
                    {
                        "recordId": id,
                        "lambdaDeliveryRecordMetadata": {"retryHint": self._hint},
                        "data": base64.b64encode(record).decode(),
                    }
                    for id, record in zip(ids, records, strict=True)
                ],
            }
        )
        again = [record for id, record in zip(ids, records, strict=True) if answers.get(id, {}).get("result") != "Ok"]
        self._hint = self._hint + 1 if again else 0
        return again
