"""Functions: code people bring, run in warm processes."""

import asyncio
import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.functions.code import CodeStore, check
from lakemill.engines.functions.errors import (
    FunctionConflict,
    FunctionExists,
    FunctionFailed,
    FunctionMissing,
    FunctionTimeout,
)
from lakemill.engines.functions.events import AGE_S_MAX, RETRIES, RETRY_S, Events
from lakemill.engines.functions.function import Function, Outcome, Runtime
from lakemill.engines.functions.pool import Pool
from lakemill.engines.functions.shipping import Shipping
from lakemill.engines.functions.versions import ALIAS, FUNCTION, VERSION, Versions, check_revision
from lakemill.engines.loglines import LogLines
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

LATEST_NAME = "$LATEST"
"""What the latest is called where a number would stand."""
UNRESERVED_MIN = 10
"""Workers that are left for functions that have none of their own."""

Document = dict[str, Any]


class Functions:
    """The engine. scope is "account/region".

    folder: where code is kept and unpacked. idle_s: how long a worker waits for more to do. workers_max: how many may
    work at once.
    """

    def __init__(
        self,
        metadata: Metadata,
        loglines: LogLines,
        clock: Clock,
        folder: Path,
        runtime: Runtime,
        *,
        idle_s: float = 300.0,
        workers_max: int = 64,
        retry_s: float = RETRY_S,
    ) -> None:
        self.resources = Resources(metadata, clock)
        self.versions = Versions(self.resources)
        self.code = CodeStore(folder)
        self.workers_max = workers_max
        self._metadata, self._clock, self._runtime = metadata, clock, runtime
        self._shipping = Shipping(metadata, loglines, clock)
        self._pool = Pool(runtime, self.code, self._shipping, clock, idle_s=idle_s, workers_max=workers_max)
        self.events = Events(metadata, clock, self._on_event, self._limits, retry_s=retry_s)
        self._code_lock = asyncio.Lock()
        """Held while archives are stored and dropped, so that none is dropped that is being referred to."""

    async def start(self) -> None:
        """Go on with events that wait."""
        used = {one["code"] for kind in (FUNCTION, VERSION) for one in self.resources.all(kind)}
        await asyncio.to_thread(self.code.sweep, used)
        self._pool.reserved = self._reserved()
        self.events.start()

    async def close(self) -> None:
        """End the workers and write their last lines."""
        await self.events.close()
        await self._pool.close()
        await self._shipping.close()

    # Looking up

    def find(self, scope: str, name: str, qualifier: str | None = None, *, by_chance: bool = True) -> Function:
        """A function by its name, `name:qualifier`, or a longer colon-separated name with `function:` in it (account
        and region before that count). qualifier: a version or alias; None, "" or "$LATEST" for the latest. An alias
        that spreads its invocations over two versions gives one of them by chance, or else its main one.

        Raises FunctionMissing.
        """
        scope, name, written = split(scope, name)
        qualifier = qualifier or written
        found = self.resources.find(FUNCTION, scope, name)
        if found is None:
            raise FunctionMissing(name, qualifier)
        if qualifier and qualifier != LATEST_NAME and not qualifier.isdigit():
            alias = self.versions.alias(scope, name, qualifier)
            qualifier = self.versions.chosen(alias) if by_chance else alias["version"]
        if not qualifier or qualifier == LATEST_NAME:
            return Function.of(found)
        return self.versions.number(scope, name, qualifier)

    def document(self, scope: str, name: str) -> Document:
        """What is kept of a function. Raises FunctionMissing."""
        found = self.resources.find(FUNCTION, scope, name)
        if found is None:
            raise FunctionMissing(name)
        return found

    def all(self, scope: str) -> list[Function]:
        """The latest of each, in name order."""
        return [Function.of(one) for one in self.resources.all(FUNCTION, scope)]

    def policy(self, scope: str, name: str, qualifier: str | None = None) -> Document | None:
        """The policy of a function, or of one of its versions or aliases. Raises FunctionMissing."""
        policy: Document | None = self.document(scope, name).get("policies", {}).get(qualifier or "")
        return policy

    # Changing

    async def create(
        self, scope: str, name: str, archive: bytes, fields: Mapping[str, Any], tags: Mapping[str, str] | None = None
    ) -> Function:
        """A new function. fields: those of Function that a creator gives. Raises FunctionExists, CodeInvalid."""
        async with self._code_lock:
            digest = await asyncio.to_thread(self.code.keep, archive)
            document = {**fields, "code": digest, "code_bytes": len(archive), "revision": str(uuid.uuid4())}
            document |= {"last": 0, "description": document.get("description", "")}
            try:
                return Function.of(await self.resources.create(FUNCTION, scope, name, document, tags))
            except ResourceExists:
                await self._forget_unused(digest)
                raise FunctionExists(name) from None

    async def update(
        self,
        scope: str,
        name: str,
        fields: Mapping[str, Any],
        archive: bytes | None = None,
        *,
        revision: str | None = None,
    ) -> Function:
        """Change fields, and the code if an archive is given. revision: only if it still is this one.

        Raises FunctionMissing, StaleRevision, CodeInvalid.
        """
        before = self.document(scope, name)
        async with self._code_lock:
            changes = dict(fields)
            if archive is not None:
                changes |= {"code": await asyncio.to_thread(self.code.keep, archive), "code_bytes": len(archive)}

            def alter(document: Document) -> None:
                document |= changes

            try:
                document = await self.change(scope, name, alter, revision=revision)
            finally:
                for digest in {before["code"], changes.get("code", before["code"])}:
                    await self._forget_unused(digest)
        await self._pool.retire(scope, name)
        return Function.of(document)

    async def tried(self, scope: str, name: str, archive: bytes) -> Function:
        """What `update` with this archive would give. Raises FunctionMissing, CodeInvalid."""
        await asyncio.to_thread(check, archive)
        digest = hashlib.sha256(archive).hexdigest()
        return dataclasses.replace(self.find(scope, name), code=digest, code_bytes=len(archive))

    async def reserve(self, scope: str, name: str, workers: int | None) -> None:
        """Keep so many workers for a function, and let it have no more; None gives them back.

        Raises FunctionMissing; FunctionConflict where too few would be left for all others.
        """

        def alter(document: Document) -> None:
            others = sum(self._reserved().values()) - (document.get("workers_max") or 0)
            if workers is not None and self.workers_max - others - workers < UNRESERVED_MIN:
                raise FunctionConflict(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
                )
            document["workers_max"] = workers

        await self.change(scope, name, alter)
        self._pool.reserved = self._reserved()

    def reserved_workers(self) -> int:
        """How many workers are kept for functions of their own."""
        return sum(self._reserved().values())

    def _reserved(self) -> dict[tuple[str, str], int]:
        found = self.resources.all(FUNCTION)
        return {(one["scope"], one["name"]): one["workers_max"] for one in found if one.get("workers_max") is not None}

    async def delete(self, scope: str, name: str) -> None:
        """With its versions and aliases. Raises FunctionMissing."""

        def drop(transaction: Transaction) -> set[str]:
            codes = {self.resources.delete_in(transaction, FUNCTION, scope, name)["code"]}
            for kind in (VERSION, ALIAS):
                for one in list(self.resources.all(kind, scope, f"{name}:", transaction)):
                    codes.add(self.resources.delete_in(transaction, kind, scope, one["name"]).get("code", ""))
            return codes - {""}

        async with self._code_lock:
            try:
                codes = await self._metadata.transact(drop)
            except ResourceMissing:
                raise FunctionMissing(name) from None
            for digest in codes:
                await self._forget_unused(digest)
        self._pool.reserved = self._reserved()
        await self._pool.retire(scope, name)

    async def change(
        self, scope: str, name: str, alter: Callable[[Document], None], *, revision: str | None = None
    ) -> Document:
        """Let `alter` change what is kept of a function; it is of a new revision then. Raises FunctionMissing,
        StaleRevision."""

        def work(document: Document) -> None:
            check_revision(document, revision)
            alter(document)
            document["revision"] = str(uuid.uuid4())

        try:
            return await self.resources.update(FUNCTION, scope, name, work)
        except ResourceMissing:
            raise FunctionMissing(name) from None

    async def delete_version(self, scope: str, name: str, version: str) -> None:
        """Raises FunctionMissing, FunctionConflict while an alias points to it."""
        async with self._code_lock:
            await self._forget_unused(await self.versions.delete(scope, name, version))
        await self._pool.retire(scope, name)

    async def _forget_unused(self, digest: str) -> None:
        used = (one["code"] for kind in (FUNCTION, VERSION) for one in self.resources.all(kind))
        if digest not in used:
            await asyncio.to_thread(self.code.forget, digest)

    # Invoking

    async def invoke(self, scope: str, name: str, payload: bytes, timeout_s: float | None = None) -> bytes:
        """The function's answer to an event, both JSON. name: as of `find`.

        Raises FunctionMissing, FunctionUnavailable, FunctionThrottled, FunctionTimeout, FunctionFailed.
        """
        function = self.find(scope, name)
        outcome = await self.run(function, payload, timeout_s=timeout_s)
        if outcome.kind == "answered":
            return outcome.payload
        if outcome.kind == "timeout":
            raise FunctionTimeout(function.name, timeout_s or function.timeout_s)
        raise FunctionFailed(outcome.error_type, outcome.message, outcome.payload)

    async def _on_event(self, event: Document) -> Outcome:
        function = self.find(event["scope"], event["name"], event["qualifier"])
        return await self.run(function, event["payload"], request_id=event["id"], extra=event["extra"])

    def _limits(self, event: Document) -> tuple[int, float]:
        """Retries and age of events of a function, as its owner wishes for the qualifier."""
        found = self.resources.find(FUNCTION, event["scope"], event["name"]) or {}
        wish = found.get("retries", {}).get(event["qualifier"], {})
        return wish.get("retries", RETRIES), wish.get("age_s", AGE_S_MAX)

    async def run(
        self,
        function: Function,
        payload: bytes,
        *,
        timeout_s: float | None = None,
        request_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Invoke and tell all about it. extra: further facts for the runtime.

        Raises FunctionUnavailable, FunctionThrottled.
        """
        request_id = request_id or str(uuid.uuid4())
        self._pool.enter(function)
        try:
            worker, wrong = await self._pool.worker(function)
            init_ms = worker.age_ms if worker.uses == 0 else None
            worker.uses += 1
            lines = self._pool.listen(worker)
            for line in self._runtime.opening(function, request_id):
                worker.sink(line)
            if wrong is None:
                seconds = min(timeout_s or function.timeout_s, function.timeout_s)
                deadline_ms = int((self._clock.time() + seconds) * 1000)
                header = self._runtime.request(function, request_id, deadline_ms, extra or {})
                try:
                    outcome = await worker.invoke(header, payload, seconds)
                except BaseException:
                    await asyncio.shield(worker.kill())
                    raise
            else:
                outcome = wrong
            outcome.request_id, outcome.init_ms, outcome.log = request_id, init_ms, lines
            if outcome.kind in ("timeout", "exited", "memory"):
                outcome.payload = self._runtime.answer(function, outcome)
            for line in self._runtime.closing(function, outcome):
                worker.sink(line)
            if worker.alive and wrong is None:
                self._pool.give_back(worker)
            return outcome
        finally:
            self._pool.leave(function)


def split(scope: str, name: str) -> tuple[str, str, str | None]:
    """Scope, bare name and qualifier of a function's name in any of its forms.

    >>> split("1/r", "arn:aws:lambda:eu-west-1:000000000000:function:f:7")
    ('000000000000/eu-west-1', 'f', '7')
    >>> split("1/r", "f:PROD")
    ('1/r', 'f', 'PROD')
    """
    parts = name.split(":")
    if "function" in parts[:-1]:
        place = parts.index("function")
        before, parts = parts[:place], parts[place + 1 :]
        if len(before) >= 2:
            scope = f"{before[-1]}/{before[-2]}"
        elif before:
            scope = f"{before[-1]}/{scope.partition('/')[2]}"
    return scope, parts[0], parts[1] if len(parts) > 1 else None
