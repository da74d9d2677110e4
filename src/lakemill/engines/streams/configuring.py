"""Changing how a stream keeps, seals and places records."""

from collections.abc import Sequence
from typing import Any

from lakemill.engines.streams import quotas
from lakemill.engines.streams.errors import ChangeRefused
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.stream import BY_KEY, EVENLY, ON_DEMAND, PROVISIONED, Stream
from lakemill.engines.streams.writing import Writing
from lakemill.ports.log import Log


class Configuring:
    """scope is "account/region"."""

    def __init__(self, registry: Registry, log: Log, writing: Writing, sealing: Sealing | None) -> None:
        self._registry = registry
        self._log = log
        self._writing = writing
        self._sealing = sealing

    async def retain(self, scope: str, name: str, hours: int, *, longer: bool) -> Stream:
        """Keep records for so many hours. longer: the caller means an increase. Raises ChangeRefused, StreamBusy."""
        async with self._registry.held(scope, name) as stream:
            quotas.check_retention(stream, hours, longer=longer)
            horizon_ms = stream.horizon_ms(self._registry.now_ms())

            def change(document: dict[str, Any]) -> None:
                document["floor_ms"] = horizon_ms  # What had expired stays so.
                document["retention_h"] = hours
                self._registry.settle(document)

            changed = await self._registry.change(stream, change)
        await self._log.trim(changed.id, changed.horizon_ms(self._registry.now_ms()))
        return changed

    async def encrypt(self, scope: str, name: str, key: str | None) -> Stream:
        """Seal what is written from now on under a key, or (None) no more. Raises ChangeRefused, StreamBusy.

        Also raises what the key engine raises about the key.
        """
        async with self._registry.held(scope, name) as stream:
            now_ms = self._registry.now_ms()
            if key is not None:
                if self._sealing is None:
                    raise ChangeRefused("There is no key store, so records cannot be encrypted.")
                self._sealing.check(scope, key)
            quotas.check_daily(stream, "keys", now_ms)

            def change(document: dict[str, Any]) -> None:
                document["key"] = key
                quotas.note(document, "keys", now_ms)
                self._registry.settle(document)

            async with self._writing.gate(stream).closed():
                return await self._registry.change(stream, change)

    async def switch_mode(self, scope: str, name: str, mode: str) -> Stream:
        """Provisioned or on demand. Shards stay as they are. Raises ChangeRefused, TooMany, StreamBusy."""
        async with self._registry.held(scope, name) as stream:
            now_ms = self._registry.now_ms()
            if mode == stream.mode:
                raise ChangeRefused(f"Stream {name} under account {stream.account} is in mode {mode} already.")
            if mode == PROVISIONED and stream.evenly:
                raise ChangeRefused(
                    "A provisioned stream places records by partition key; set USER_PARTITION_KEY first."
                )
            if mode == ON_DEMAND:
                quotas.check_room(self._registry.of(scope), scope, 0, ON_DEMAND)
            quotas.check_daily(stream, "modes", now_ms)

            def change(document: dict[str, Any]) -> None:
                document["mode"] = mode
                document["warm"] = None
                quotas.note(document, "modes", now_ms)
                self._registry.settle(document)

            return await self._registry.change(stream, change)

    async def place_evenly(self, scope: str, name: str, evenly: bool) -> Stream:
        """Spread records over the shards whatever their keys, or place by key. Raises ChangeRefused, StreamBusy."""
        async with self._registry.held(scope, name) as stream:
            if evenly and stream.mode != ON_DEMAND:
                raise ChangeRefused("The record distribution strategy AUTO is for on-demand streams.")
            distribution = EVENLY if evenly else BY_KEY
            return await self._registry.change(stream, lambda document: document.update(distribution=distribution))

    async def allow_size(self, scope: str, name: str, kib: int) -> Stream:
        """Take records of up to so many KiB, data and partition key. Raises StreamBusy."""

        def change(document: dict[str, Any]) -> None:
            document["record_kib_max"] = kib
            self._registry.settle(document)

        async with self._registry.held(scope, name) as stream:
            return await self._registry.change(stream, change)

    async def set_policy(self, scope: str, name: str, policy: dict[str, Any] | None) -> Stream:
        """Keep a policy document with the stream, or remove it."""
        stream = self._registry.get(scope, name)
        return await self._registry.change(stream, lambda document: document.update(policy=policy))

    async def retag(self, scope: str, name: str, add: dict[str, str], remove: Sequence[str]) -> Stream:
        """Add and remove tags. Raises TooMany."""
        stream = self._registry.get(scope, name)

        def change(document: dict[str, Any]) -> None:
            tags = {key: value for key, value in (document["tags"] | add).items() if key not in remove}
            quotas.check_tags(stream, tags)
            document["tags"] = tags

        return await self._registry.change(stream, change)
