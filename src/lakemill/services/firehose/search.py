"""OpenSearch and Elasticsearch: what the configuration must say, and `_bulk` requests.

Source: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

import asyncio
import base64
import datetime
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from lakemill.engines.delivery import Failure, Hints, Load, Outcome, Record
from lakemill.engines.delivery.web import Answer, TooLate, Unreachable, WebClient
from lakemill.services.firehose import s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
FAILED, FAILED_PLAIN = "AmazonOpenSearchService-failed", "AmazonOpenSearchService_failed"
"""The kind of error, where a prefix asks for it and where it is a folder of its own accord."""
ALL = "AllDocuments"
TIMEOUT_S = 180.0
ANSWER_BYTES_MAX = 64 << 20
AGAIN = {429, 500, 502, 503, 504}
"""Statuses of a document that may be taken later."""


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    whole: Config = {
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "RetryOptions": {"DurationInSeconds": 300},
        "IndexRotationPeriod": "OneDay",
        "S3BackupMode": "FailedDocumentsOnly",
        "DocumentIdOptions": {"DefaultDocumentIdFormat": "FIREHOSE_DEFAULT"},
    } | config
    if "DomainARN" in whole:
        raise refused("DomainARN", "there are no domains here; give ClusterEndpoint")
    if "VpcConfiguration" in whole:
        raise refused("VpcConfiguration", "there are no virtual networks")
    if not whole.get("ClusterEndpoint"):
        raise invalid("ClusterEndpoint must be given.")
    return whole


def hints(config: Config) -> Hints:
    """When a bulk request is made."""
    return s3.hints_of(config)


class Search:
    """The sink. number: tells the documents of one delivery stream from those of others."""

    def __init__(self, web: WebClient, number: int, config: Config) -> None:
        self._web, self._number = web, number
        parts = urlsplit(config["ClusterEndpoint"])
        self._url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/_bulk"
        self._headers = {"Content-Type": "application/x-ndjson"}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._index, self._type = config["IndexName"], config.get("TypeName")
        self._rotation = config["IndexRotationPeriod"]
        self.error = FAILED if "!{" in config["S3Configuration"].get("ErrorOutputPrefix", "") else FAILED_PLAIN
        self._ids = config["DocumentIdOptions"]["DefaultDocumentIdFormat"] == "FIREHOSE_DEFAULT"
        self.retry_s = float(config["RetryOptions"].get("DurationInSeconds", 300))

    async def deliver(self, load: Load) -> Outcome:
        """One bulk request."""
        fit, failures = await asyncio.to_thread(self._sorted_out, load.records)
        if not fit:
            return Outcome(failures)
        body = await asyncio.to_thread(self._body, fit)
        try:
            answer = await self._web.post(
                self._url, self._headers, body, timeout_s=TIMEOUT_S, bytes_max=ANSWER_BYTES_MAX
            )
        except TooLate as late:
            return Outcome(failures, fit, "OS.RequestTimeout", str(late))
        except Unreachable as gone:
            return Outcome(failures, fit, "OS.ServiceUnreachable", str(gone))
        return self._judged(fit, failures, answer)

    def _judged(self, records: list[Record], failures: list[Failure], answer: Answer) -> Outcome:
        """What became of each document."""
        try:
            items = msgspec.json.decode(answer.body)["items"] if answer.status == 200 else None
            results = items and [next(iter(item.values())) for item in items]
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError, StopIteration):
            results = None
        if results is None or len(results) != len(records):
            text = answer.body[:500].decode("utf-8", "replace")
            return Outcome(failures, records, f"OS.Status{answer.status}", f"The cluster answered: {text}")
        remaining: list[Record] = []
        said = "", ""
        for record, result in zip(records, results, strict=True):
            status = result.get("status", 0)
            if 200 <= status < 300:
                continue
            error = result.get("error") or {}
            message = f"{error.get('type', '')}: {error.get('reason', '')}" if isinstance(error, dict) else str(error)
            if status in AGAIN:
                remaining.append(record)
                said = str(status), message
            else:
                failures.append(Failure(record, str(status), message))
        return Outcome(failures, remaining, *said)

    def index(self, record: Record) -> str:
        """The index a record goes to."""
        arrived = datetime.datetime.fromtimestamp(record.arrival_ms / 1000, datetime.UTC)
        return self._index + _rotated(self._rotation, arrived)

    def document_id(self, record: Record) -> str:
        """The same at every attempt, so that a document that was taken already is replaced by itself."""
        return f"{self._number}{record.sequence:020d}.{record.sub}"

    def details(self, record: Record) -> Config:
        """What is written down of a record that failed, beside what all have."""
        return {
            "subsequenceNumber": record.sub,
            "esDocumentId": self.document_id(record) if self._ids else None,
            "esIndexName": self.index(record),
            "esTypeName": self._type or "",
        }

    def _sorted_out(self, records: Sequence[Record]) -> tuple[list[Record], list[Failure]]:
        """Documents must be JSON objects in one line."""
        fit: list[Record] = []
        failures: list[Failure] = []
        for record in records:
            text = record.data.strip()
            if text.startswith(b"{") and text.endswith(b"}") and b"\n" not in text:
                fit.append(record)
            else:
                failures.append(Failure(record, "OS.InvalidRecord", "The record is no JSON object in one line"))
        return fit, failures

    def _body(self, records: list[Record]) -> bytes:
        lines: list[bytes] = []
        for record in records:
            action: Config = {"_index": self.index(record)}
            if self._type:
                action["_type"] = self._type
            if self._ids:
                action["_id"] = self.document_id(record)
            lines += [msgspec.json.encode({"index": action}), record.data.strip()]
        return b"\n".join([*lines, b""])


def _rotated(period: str, moment: datetime.datetime) -> str:
    """What an index is named with, beside its name."""
    if period == "OneWeek":
        year, week, _ = moment.isocalendar()
        return f"-{year}-w{week:02d}"
    form = {"NoRotation": "", "OneHour": "-%Y-%m-%d-%H", "OneDay": "-%Y-%m-%d", "OneMonth": "-%Y-%m"}[period]
    return moment.strftime(form)
