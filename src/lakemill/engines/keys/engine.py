"""The engine of keys: made, found, changed, used."""

import asyncio
import dataclasses
import functools
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lakemill.engines.keys import ciphertext as sealed_text
from lakemill.engines.keys.aliases import Aliases
from lakemill.engines.keys.ciphertext import Context, Origin
from lakemill.engines.keys.errors import (
    CiphertextInvalid,
    KeyDisabled,
    KeyMissing,
    KeyStateInvalid,
    KeyUsageInvalid,
    MasterKeyUnfit,
)
from lakemill.engines.keys.grants import Grants
from lakemill.engines.keys.key import DISABLED, ENABLED, PENDING, Key, Version
from lakemill.engines.keys.managed import PREFIX, ManagedKeys
from lakemill.engines.keys.master import MasterKey
from lakemill.engines.keys.specs import SPECS, SYMMETRIC
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

KEYS, MASTER, CHECK = "keys", "key_master", "check"
DAY_S = 86_400
DATA_KEY_BYTES = 32
OPENED_MAX = 4096
"""Versions of material that are held open at most."""

Change = Callable[[Key], Key]


class Keys:
    """All keys. scope is "account/region"; a `reference` is an id, an alias (`alias/orders`), or a longer
    colon-separated name that ends with `key/<id>` or an alias and has region and account before it.

    >>> import tempfile
    >>> from lakemill.ports.clock import SystemClock
    >>> from lakemill.ports.metadata import EmbeddedMetadata
    >>> folder = Path(tempfile.mkdtemp())
    >>> keys = Keys(EmbeddedMetadata(folder / "m.sqlite"), SystemClock(), folder / "master.key")
    >>> here = "000000000000/us-east-1"
    >>> plain, sealed = keys.generate_data_key(here, keys.resolve(here, "alias/aws/s3"), {"object": "a"})
    >>> keys.decrypt(here, sealed, {"object": "a"}) == plain
    True
    """

    def __init__(self, metadata: Metadata, clock: Clock, master_key: Path) -> None:
        """master_key: the file; made if it is not there. Raises MasterKeyUnfit."""
        self._metadata, self._clock = metadata, clock
        self._master = self._checked(master_key)
        self._managed = ManagedKeys(self._master)
        self._opened: dict[tuple[str, int], bytes] = {}
        self._listing: set[asyncio.Task[None]] = set()
        self.aliases = Aliases(metadata, clock)
        self.grants = Grants(metadata, clock)

    def _checked(self, path: Path) -> MasterKey:
        """The master key, known to be the one the keys here are sealed with: a sealed word tells."""
        sealed = self._metadata.get(MASTER, CHECK)
        if sealed is not None and not path.exists():
            raise MasterKeyUnfit(
                f"{path} is missing: the master key that this data folder's keys are sealed with; put it back from a "
                "backup"
            )
        master = MasterKey(path)
        if sealed is None:
            made = master.seal(CHECK.encode(), CHECK.encode())
            self._metadata.transact_blocking(lambda transaction: transaction.put(MASTER, CHECK, made))
        else:
            master.open(sealed, CHECK.encode())
        return master

    # Finding

    def resolve(self, scope: str, reference: str) -> Key:
        """The key of a reference, in whatever state. Raises KeyMissing."""
        place, name = located(scope, reference)
        if not name.startswith("alias/"):
            return self.with_id(place, name)
        alias = self.aliases.find(place, name)
        if alias is not None:
            return self.with_id(place, alias["key"])
        managed = self._managed.named(place, name, self._clock.time())
        if managed is None:
            raise KeyMissing(place, name)
        self._list(managed)
        return managed

    def with_id(self, scope: str, key_id: str) -> Key:
        """Raises KeyMissing."""
        found = self._metadata.get(KEYS, _key(scope, key_id))
        key = Key.of(found) if found is not None else self._managed.with_id(scope, key_id, self._clock.time())
        if key is None or self._gone(key):
            raise KeyMissing(scope, key_id)
        return key

    def all(self, scope: str) -> Iterator[Key]:
        """In the order of their ids."""
        prefix = _key(scope, "")
        keys = (Key.of(one) for _, one in self._metadata.scan(KEYS, prefix, prefix_end(prefix)))
        return (key for key in keys if not self._gone(key))

    def _gone(self, key: Key) -> bool:
        return key.deletion_s is not None and self._clock.time() >= key.deletion_s

    def _list(self, managed: Key) -> None:
        """Write down a managed key, so that it is listed from now on. Nothing depends on when that is done."""

        def work(transaction: Transaction) -> None:
            if transaction.get(KEYS, _key(managed.scope, managed.id)) is None:
                transaction.put(KEYS, _key(managed.scope, managed.id), managed.document())
                self.aliases.put_in(transaction, PREFIX + managed.managed_for, managed)

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._metadata.transact_blocking(work)
            return
        task = loop.create_task(self._metadata.transact(work))
        self._listing.add(task)
        task.add_done_callback(self._listing.discard)

    # Making and changing

    async def create(
        self,
        scope: str,
        *,
        spec: str = SYMMETRIC,
        usage: str = "ENCRYPT_DECRYPT",
        description: str = "",
        policy: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Key:
        """A new key, enabled. Raises KeyUsageInvalid when this spec is not for this usage."""
        if usage not in SPECS[spec].usages:
            raise KeyUsageInvalid(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
        now, key_id = self._clock.time(), str(uuid.uuid4())
        material = await asyncio.to_thread(SPECS[spec].material)
        key = Key(
            scope,
            key_id,
            spec,
            usage,
            description=description,
            created_s=now,
            policy=policy,
            tags=dict(tags or {}),
            rotated_s=now,
            versions=(self._version(scope, key_id, 1, material),),
        )
        await self._metadata.transact(lambda t: t.put(KEYS, _key(scope, key_id), key.document()))
        return key

    async def change(self, key: Key, alter: Change) -> Key:
        """Let `alter` make another of the key as it is now. Raises KeyMissing, and what `alter` raises."""

        def work(transaction: Transaction) -> Key:
            found = transaction.get(KEYS, _key(key.scope, key.id))
            if found is None:
                raise KeyMissing(key.scope, key.id)
            altered = alter(Key.of(found))
            transaction.put(KEYS, _key(key.scope, key.id), altered.document())
            return altered

        return await self._metadata.transact(work)

    async def enable(self, key: Key, *, enabled: bool) -> Key:
        """Switch it on or off. Raises KeyStateInvalid while it waits for its deletion."""

        def alter(now: Key) -> Key:
            _not_pending(now)
            return dataclasses.replace(now, state=ENABLED if enabled else DISABLED)

        return await self.change(key, alter)

    async def schedule_deletion(self, key: Key, days: int) -> Key:
        """It can do nothing from now on and is gone after so many days. Raises KeyStateInvalid."""

        def alter(now: Key) -> Key:
            _not_pending(now)
            deletion_s = self._clock.time() + days * DAY_S
            return dataclasses.replace(now, state=PENDING, deletion_s=deletion_s, window_days=days)

        return await self.change(key, alter)

    async def cancel_deletion(self, key: Key) -> Key:
        """It stays, disabled. Raises KeyStateInvalid when it was not to be deleted."""

        def alter(now: Key) -> Key:
            if now.state != PENDING:
                raise KeyStateInvalid(now.scope, now.id, now.state)
            return dataclasses.replace(now, state=DISABLED, deletion_s=None, window_days=None)

        return await self.change(key, alter)

    # Rotation

    async def rotate(self, key: Key, *, on_demand: bool = True) -> Key:
        """Encrypt with new material from now on; the old opens what it made."""
        material = await asyncio.to_thread(key.spec.material)

        def alter(now: Key) -> Key:
            version = self._version(now.scope, now.id, now.versions[-1].number + 1, material, on_demand=on_demand)
            rotated_s = now.rotated_s if on_demand else self._clock.time()
            return dataclasses.replace(now, versions=(*now.versions, version), rotated_s=rotated_s)

        return await self.change(key, alter)

    async def rotate_every(self, key: Key, days: int | None) -> Key:
        """Rotate by itself every so many days, counted from now; None: no more."""
        now_s = self._clock.time()
        return await self.change(key, lambda now: dataclasses.replace(now, rotation_days=days, rotated_s=now_s))

    async def tend(self) -> None:
        """Delete keys whose time is over, rotate those whose time has come. Call it now and then."""
        now_s = self._clock.time()
        keys = [Key.of(document) for _, document in self._metadata.scan(KEYS)]
        for key in keys:
            if self._gone(key):
                await self._metadata.transact(functools.partial(self._drop, key=key))
            elif key.state == ENABLED and key.next_rotation_s is not None and key.next_rotation_s <= now_s:
                await self.rotate(key, on_demand=False)

    def _drop(self, transaction: Transaction, key: Key) -> None:
        transaction.delete(KEYS, _key(key.scope, key.id))
        self.aliases.drop_in(transaction, key)
        self.grants.drop_in(transaction, key)
        for version in key.versions:
            self._opened.pop((key.id, version.number), None)

    # Using

    def usable(self, key: Key) -> None:
        """Raise KeyDisabled or KeyStateInvalid unless it can be used."""
        _not_pending(key)
        if key.state != ENABLED:
            raise KeyDisabled(key.scope, key.id)

    def material(self, key: Key, version: Version | None = None) -> bytes:
        """Its secret, for the engine's own use. Raises KeyDisabled, KeyStateInvalid, MasterKeyUnfit."""
        self.usable(key)
        version = version or key.versions[-1]
        place = (key.id, version.number)
        opened = self._opened.get(place)
        if opened is None:
            if key.managed_for:
                opened = self._managed.material(key, version)
            else:
                opened = self._master.open(version.sealed, _about(key.scope, key.id, version.number))
            if len(self._opened) >= OPENED_MAX:
                self._opened.clear()
            self._opened[place] = opened
        return opened

    def encrypt(self, scope: str, key: Key | str, plaintext: bytes, context: Context) -> bytes:
        """Bytes that say themselves which key opens them. key: itself, or a reference in the scope.

        Raises KeyMissing, KeyDisabled, KeyStateInvalid, KeyUsageInvalid (not symmetric).
        """
        key = self._symmetric(scope, key)
        version = key.versions[-1]
        origin = Origin(key.scope, key.id, version.number)
        return sealed_text.encrypt(origin, self.material(key), plaintext, context)

    def generate_data_key(
        self, scope: str, key: Key | str, context: Context, size: int = DATA_KEY_BYTES
    ) -> tuple[bytes, bytes]:
        """Random bytes to encrypt with, and the same encrypted, to be kept beside the data. Raises as `encrypt`."""
        plaintext = secrets.token_bytes(size)
        return plaintext, self.encrypt(scope, key, plaintext, context)

    def decrypt(self, scope: str, ciphertext: bytes, context: Context) -> bytes:
        """What was encrypted with a symmetric key under the same context; the ciphertext says by which.

        Raises CiphertextInvalid, KeyMissing, KeyDisabled, KeyStateInvalid.
        """
        key, version = self.opener(ciphertext)
        return sealed_text.decrypt(ciphertext, self.material(key, version), context)

    def opener(self, ciphertext: bytes) -> tuple[Key, Version]:
        """The key, and the version of its material, that a ciphertext says it was made with.

        Raises CiphertextInvalid, KeyMissing.
        """
        origin = sealed_text.origin_of(ciphertext)
        key = self.with_id(origin.scope, origin.key_id)
        version = next((one for one in key.versions if one.number == origin.version), None)
        if version is None:
            raise CiphertextInvalid
        return key, version

    def _symmetric(self, scope: str, key: Key | str) -> Key:
        if isinstance(key, str):
            key = self.resolve(scope, key)
        if key.spec_name != SYMMETRIC:
            raise KeyUsageInvalid(f"a key of spec {key.spec_name} does not encrypt data keys")
        return key

    def _version(self, scope: str, key_id: str, number: int, material: bytes, *, on_demand: bool = False) -> Version:
        sealed = self._master.seal(material, _about(scope, key_id, number))
        return Version(number, secrets.token_hex(32), self._clock.time(), sealed, on_demand)


def located(scope: str, reference: str) -> tuple[str, str]:
    """Scope and bare name of a reference.

    >>> located("1/r", "arn:aws:kms:eu-west-1:000000000000:key/7f")
    ('000000000000/eu-west-1', '7f')
    >>> located("1/r", "alias/a")
    ('1/r', 'alias/a')
    """
    parts = reference.split(":", 5)
    if len(parts) == 6:
        scope, reference = f"{parts[4]}/{parts[3]}", parts[5]
    return scope, reference.removeprefix("key/")


def _not_pending(key: Key) -> None:
    if key.state == PENDING:
        raise KeyStateInvalid(key.scope, key.id, key.state)


def _key(scope: str, key_id: str) -> str:
    return f"{scope}\x01{key_id}"


def _about(scope: str, key_id: str, number: int) -> bytes:
    return f"{scope}/{key_id}/{number}".encode()
