"""HTTP endpoints: what the configuration must say, and the protocol.

Source: https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
"""

import asyncio
import base64
import gzip
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lakemill.engines.delivery import Hints, Load, Outcome, Record
from lakemill.engines.delivery.web import Answer, TooLate, Unreachable, WebClient
from lakemill.services.firehose import s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
FAILED = "http-endpoint-failed"
ALL = "AllData"
RECORDS_MAX = 10_000
TIMEOUT_S = 180.0
ANSWER_BYTES_MAX = 1 << 20
MESSAGE_CHARACTERS_MAX = 8192


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    whole: Config = {
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "RetryOptions": {"DurationInSeconds": 300},
        "S3BackupMode": "FailedDataOnly",
    } | config
    if whole.get("SecretsManagerConfiguration", {}).get("Enabled"):
        raise refused(
            "SecretsManagerConfiguration", "there is no Secrets Manager; give EndpointConfiguration.AccessKey"
        )
    if "Url" not in whole["EndpointConfiguration"]:
        raise invalid("EndpointConfiguration must have Url.")
    names = [one["AttributeName"] for one in whole.get("RequestConfiguration", {}).get("CommonAttributes", [])]
    if len(set(names)) < len(names):
        raise invalid("CommonAttributes must have different names.")
    return whole


def hints(config: Config) -> Hints:
    """When a request is made."""
    plain = s3.hints_of(config)
    return Hints(plain.size, plain.interval_s, RECORDS_MAX)


class HttpEndpoint:
    """The sink. name: the stream's ARN. now_ms: the time."""

    error = FAILED

    def __init__(self, web: WebClient, name: str, config: Config, now_ms: Callable[[], int]) -> None:
        self._web, self._name, self._now_ms = web, name, now_ms
        self._url = config["EndpointConfiguration"]["Url"]
        self._key = config["EndpointConfiguration"].get("AccessKey")
        request = config.get("RequestConfiguration", {})
        self._zips = request.get("ContentEncoding") == "GZIP"
        self._attributes = {one["AttributeName"]: one["AttributeValue"] for one in request.get("CommonAttributes", [])}
        self.retry_s = float(config["RetryOptions"].get("DurationInSeconds", 300))

    async def deliver(self, load: Load) -> Outcome:
        """One request; the same id at every attempt."""
        body = await asyncio.to_thread(_body, load.id, self._now_ms(), load.records, self._zips)
        try:
            answer = await self._web.post(
                self._url, self._headers(load.id), body, timeout_s=TIMEOUT_S, bytes_max=ANSWER_BYTES_MAX
            )
        except TooLate as late:
            return Outcome(remaining=load.records, code="HttpEndpoint.RequestTimeout", message=str(late))
        except Unreachable as gone:
            return Outcome(remaining=load.records, code="HttpEndpoint.DestinationUnreachable", message=str(gone))
        return self._judged(load, answer)

    def _headers(self, request_id: str) -> dict[str, str]:
        headers = {
            "X-Amz-Firehose-Protocol-Version": "1.0",
            "X-Amz-Firehose-Request-Id": request_id,
            "X-Amz-Firehose-Source-Arn": self._name,
            "Content-Type": "application/json",
            "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        }
        if self._key:
            headers["X-Amz-Firehose-Access-Key"] = self._key
        if self._attributes:
            attributes = msgspec.json.encode({"commonAttributes": self._attributes})
            headers["X-Amz-Firehose-Common-Attributes"] = attributes.decode()
        if self._zips:
            headers["Content-Encoding"] = "gzip"
        return headers

    def _judged(self, load: Load, answer: Answer) -> Outcome:
        """What an answer means."""
        if answer.status == 413:
            message = f"The endpoint answered 413: {len(load.records)} records are given up"
            return Outcome(code="HttpEndpoint.RequestEntityTooLarge", message=message, lost=len(load.records))
        said, reason = _said(answer)
        if answer.status != 200:
            message = f"The endpoint answered {answer.status}. {said.get('errorMessage', '')}".strip()
            return Outcome(remaining=load.records, code="HttpEndpoint.DestinationException", message=_short(message))
        if not reason and said.get("requestId") != load.id:
            reason = f"the answer's requestId is {said.get('requestId')!r}, not {load.id!r}"
        if not reason and not isinstance(said.get("timestamp"), int):
            reason = "the answer has no timestamp"
        if reason:
            code = "HttpEndpoint.InvalidResponseFromDestination"
            message = _short(f"The endpoint answered 200, but {reason}.")
            return Outcome(remaining=load.records, code=code, message=message)
        return Outcome()


def _said(answer: Answer) -> tuple[Config, str]:
    """The answer's body, and what is wrong with it."""
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError as wrong:
        return {}, f"the answer is no JSON: {wrong}"
    if not isinstance(said, dict):
        return {}, "the answer is no JSON object"
    if answer.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return said, "the answer's content type is not application/json"
    return said, ""


def _short(text: str) -> str:
    return text[:MESSAGE_CHARACTERS_MAX]


def _body(request_id: str, now_ms: int, records: Sequence[Record], zips: bool) -> bytes:
    parts = [{"data": base64.b64encode(record.data).decode()} for record in records]
    body = msgspec.json.encode({"requestId": request_id, "timestamp": now_ms, "records": parts})
    return gzip.compress(body, 6, mtime=0) if zips else body


def details(record: Record) -> Config:
    """What is written down of a record that failed, beside what all have."""
    return {"subsequenceNumber": record.sub, "dataId": f"{record.sequence}.{record.sub}"}
