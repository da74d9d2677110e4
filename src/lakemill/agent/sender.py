"""Records into a stream or delivery stream: batches within the service's limits, sent again until all are taken."""

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import botocore.exceptions

from lakemill.agent.config import Flow

RECORD_BYTES_MAX = {True: 1 << 20, False: 1_024_000}
"""Of one record, by whether it goes to a stream; a stream's includes the partition key."""
KEY_BYTES = 36


class Refused(Exception):
    """The service will never take this: wrong name, no permission, a malformed request."""


NEVER = (
    *("ResourceNotFoundException", "AccessDeniedException", "AccessDenied", "InvalidArgumentException"),
    *("ValidationException", "UnrecognizedClientException", "InvalidSignatureException", "SerializationException"),
)


class Sender:
    """Sends for one flow. Counts what it did: sent records and bytes, attempts, records refused for a while."""

    def __init__(self, flow: Flow, client: Any, sleep: Callable[[float], object] = time.sleep) -> None:
        self._flow, self._client, self._sleep = flow, client, sleep
        self.sent_records = self.sent_bytes = self.attempts = self.errors = self.service_errors = 0

    @property
    def record_limit(self) -> int:
        """The most bytes a record may have."""
        return RECORD_BYTES_MAX[self._flow.to_stream] - (KEY_BYTES if self._flow.to_stream else 0)

    def send(self, records: Sequence[bytes], stopped: Callable[[], bool]) -> bool:
        """Send until all are taken; False if told to stop before. Raises Refused."""
        left, pause = list(records), self._flow.first_backoff_ms
        while left:
            taken = self._attempt(left)
            left = [record for record, good in zip(left, taken, strict=True) if not good]
            if left:
                if stopped():
                    return False
                self._sleep(pause / 1000)
                pause = min(2 * pause, self._flow.last_backoff_ms)
        return True

    def _attempt(self, records: list[bytes]) -> list[bool]:
        """Which of them were taken."""
        self.attempts += len(records)
        try:
            taken = self._put_records(records) if self._flow.to_stream else self._put_batch(records)
        except botocore.exceptions.ClientError as error:
            self.service_errors += 1
            if error.response["Error"]["Code"] in NEVER:
                raise Refused(str(error)) from None
            taken = [False] * len(records)
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError):
            self.service_errors += 1
            taken = [False] * len(records)
        self.errors += taken.count(False)
        self.sent_records += taken.count(True)
        self.sent_bytes += sum(len(record) for record, good in zip(records, taken, strict=True) if good)
        return taken

    def _put_records(self, records: list[bytes]) -> list[bool]:
        entries = [{"Data": record, "PartitionKey": self._key(record)} for record in records]
        answer = self._client.put_records(StreamName=self._flow.destination, Records=entries)
        return ["ErrorCode" not in one for one in answer["Records"]]

    def _put_batch(self, records: list[bytes]) -> list[bool]:
        entries = [{"Data": record} for record in records]
        answer = self._client.put_record_batch(DeliveryStreamName=self._flow.destination, Records=entries)
        return ["ErrorCode" not in one for one in answer["RequestResponses"]]

    def _key(self, record: bytes) -> str:
        return str(uuid.uuid4()) if self._flow.random_keys else hashlib.md5(record).hexdigest()
