"""Records encrypted under a key: AES-256-GCM with data keys that the key engine wraps.

The note beside a sealed record, 17 bytes:

    1 (one byte: the form) | number of the stream's data key (4, big-endian) | nonce (12)

The partition key is authenticated with the data but not hidden. A wrapped data key is a document under (stream,
number); it is bound to the stream by the encryption context. Data keys are made anew each time the platform starts and
every hour of writing. The key engine is asked at every call, so that a key that is disabled stops writers and readers
at once.
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakemill.engines.keys import Key, Keys
from lakemill.engines.streams.errors import SealBroken
from lakemill.engines.streams.stream import Stream
from lakemill.ports.clock import Clock
from lakemill.ports.log import Records
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

TABLE = "stream_data_keys"
FORM = b"\x01"
NONCE_BYTES = 12
DATA_KEY_S_MAX = 3600


class Seal:
    """A data key in use."""

    def __init__(self, number: int, plaintext: bytes, wrapped: bytes, key: str, made_s: float) -> None:
        self.number = number
        self.wrapped = wrapped
        self.key = key
        self.made_s = made_s
        self._cipher = AESGCM(plaintext)
        self._head = FORM + number.to_bytes(4, "big")

    def close(self, data: bytes, partition_key: bytes) -> tuple[bytes, bytes]:
        """Ciphertext and note of a record."""
        nonce = os.urandom(NONCE_BYTES)
        return self._cipher.encrypt(nonce, data, partition_key), self._head + nonce

    def open(self, value: bytes, note: bytes, partition_key: bytes, position: int) -> bytes:
        """The data of the record at this position. Raises SealBroken."""
        try:
            return self._cipher.decrypt(note[5:], value, partition_key)
        except InvalidTag:
            raise SealBroken(f"record {position} was altered") from None


class Sealing:
    """The data keys of all streams."""

    def __init__(self, metadata: Metadata, clock: Clock, keys: Keys) -> None:
        self._metadata = metadata
        self._clock = clock
        self._keys = keys
        self._writing: dict[str, Seal] = {}
        self._known: dict[tuple[str, int], Seal] = {}

    def check(self, scope: str, key: str) -> None:
        """Raises what the key engine raises if data keys cannot be made with this key now."""
        self._keys.generate_data_key(scope, key, {})

    def key_of(self, stream: Stream) -> Key:
        """The key a stream is encrypted under, in whatever state. Raises KeyMissing."""
        assert stream.key is not None
        return self._keys.resolve(stream.scope, stream.key)

    async def for_writing(self, stream: Stream) -> Seal:
        """The seal of records written now. Raises what the key engine raises."""
        assert stream.key is not None
        seal = self._writing.get(stream.id)
        if seal is not None and seal.key == stream.key and self._clock.time() - seal.made_s < DATA_KEY_S_MAX:
            self._keys.decrypt(stream.scope, seal.wrapped, _context(stream))
            return seal
        plaintext, wrapped = self._keys.generate_data_key(stream.scope, stream.key, _context(stream))

        def work(transaction: Transaction) -> int:
            last = next(transaction.scan(TABLE, *_range(stream.id), limit=1, reverse=True), None)
            number = int(last[0].rpartition("/")[2]) + 1 if last else 0
            transaction.put(TABLE, f"{stream.id}/{number:010d}", {"wrapped": wrapped})
            return number

        number = await self._metadata.transact(work)
        seal = Seal(number, plaintext, wrapped, stream.key, self._clock.time())
        self._writing[stream.id] = self._known[stream.id, number] = seal
        return seal

    def opened(self, stream: Stream, records: Records) -> Sequence[bytes]:
        """The data of records, sealed or not. Raises SealBroken and what the key engine raises."""
        if not records.notes:
            return records.values
        seals: dict[bytes, Seal] = {}
        out = []
        columns = zip(records.values, records.notes, records.keys, records.positions, strict=True)
        for value, note, partition_key, position in columns:
            if not note:
                out.append(value)
                continue
            head = note[:5]
            if head not in seals:
                seals[head] = self._of(stream, int.from_bytes(head[1:], "big"))
            out.append(seals[head].open(value, note, partition_key, position))
        return out

    def _of(self, stream: Stream, number: int) -> Seal:
        document = self._metadata.get(TABLE, f"{stream.id}/{number:010d}")
        if document is None:
            raise SealBroken(f"stream {stream.name} has no data key {number}")
        # Asked even when it is known: the key may have been disabled since.
        plaintext = self._keys.decrypt(stream.scope, document["wrapped"], _context(stream))
        seal = self._known.get((stream.id, number))
        if seal is None:
            seal = Seal(number, plaintext, document["wrapped"], "", self._clock.time())
            self._known[stream.id, number] = seal
        return seal

    def forget_in(self, transaction: Transaction, stream_id: str) -> None:
        """Remove the data keys of a stream that is deleted."""
        for key, _ in list(transaction.scan(TABLE, *_range(stream_id))):
            transaction.delete(TABLE, key)

    def forget(self, stream_id: str) -> None:
        self._writing.pop(stream_id, None)
        self._known = {key: seal for key, seal in self._known.items() if key[0] != stream_id}


def _range(stream_id: str) -> tuple[str, str | None]:
    return f"{stream_id}/", prefix_end(f"{stream_id}/")


def _context(stream: Stream) -> dict[str, str]:
    return {"stream": stream.id}
