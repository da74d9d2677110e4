"""The sink that writes objects."""

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.delivery.plan import Load, Outcome
from lakemill.engines.delivery.prefixes import Prefix, PrefixInvalid
from lakemill.engines.delivery.records import Failure, Record
from lakemill.engines.delivery.rows import Rows
from lakemill.engines.objects import BucketMissing, Objects

DAY_S = 24.0 * 3600


class NotEncodable(Exception):
    """No object can be made of any record now; fields: code, message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


Pieces = Sequence[bytes | memoryview]
Encode = Callable[[Sequence[Record]], Awaitable[tuple[Pieces, list[Failure]]]]
"""Records to the bytes of an object, in pieces, and those that are not in it. May raise NotEncodable."""


def plain(format: Any = None) -> Encode:
    """Records one after the other, compressed or not. format: None or one of `formats.compression`."""

    async def encode(records: Sequence[Record]) -> tuple[Pieces, list[Failure]]:
        pieces = [part.joined()[0] for part in Rows.of(records).parts]
        return pieces if format is None else [await asyncio.to_thread(_compressed, pieces, format)], []

    return encode


def _compressed(pieces: Pieces, format: Any) -> bytes:
    from lakemill.formats.compression import compress

    return compress(b"".join(pieces), format)


async def _each(pieces: Pieces) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece


class BucketSink:
    """Writes each load as an object.

    label: begins the names after the prefix; extension: ends them. zone: of the times in names.
    refusal: why writing a key is not permitted, as (code, message), or None. encode: records to bytes and failures.
    missing: the code for a bucket that is not there. error: see Sink.
    """

    def __init__(
        self,
        objects: Objects,
        bucket: str,
        prefix: Prefix,
        label: str,
        *,
        extension: str = "",
        zone: datetime.tzinfo = datetime.UTC,
        encode: Encode | None = None,
        refusal: Callable[[str, str], tuple[str, str] | None] = lambda bucket, key: None,
        missing: str = "NoSuchBucket",
        error: str = "",
        retry_s: float = DAY_S,
    ) -> None:
        self._objects, self._bucket, self._prefix, self._label = objects, bucket, prefix, label
        self._extension, self._zone, self._refusal, self._missing = extension, zone, refusal, missing
        self._encode = encode or plain()
        self.error, self.retry_s = error, retry_s

    def key(self, load: Load) -> str:
        """The name of a load's object. Raises PrefixInvalid."""
        moment = datetime.datetime.fromtimestamp(load.oldest_ms / 1000, self._zone)
        prefix = self._prefix.evaluate(moment, load.error, load.keys)
        return f"{prefix}{self._label}-{moment:%Y-%m-%d-%H-%M-%S}-{uuid.UUID(load.id)}{self._extension}"

    async def deliver(self, load: Load) -> Outcome:
        try:
            key = self.key(load)
        except PrefixInvalid as long:
            return Outcome(remaining=load.records, code="PrefixTooLong", message=str(long), final=True)
        refused = self._refusal(self._bucket, key)
        if refused:
            return Outcome(remaining=load.records, code=refused[0], message=refused[1])
        try:
            pieces, failures = await self._encode(load.records)
        except NotEncodable as reason:
            return Outcome(remaining=load.records, code=reason.code, message=reason.message)
        if any(pieces):
            try:
                await self._objects.put(self._bucket, key, _each(pieces))
            except BucketMissing:
                message = f"The specified bucket does not exist: {self._bucket}"
                return Outcome(remaining=load.records, code=self._missing, message=message)
        return Outcome(failures)
