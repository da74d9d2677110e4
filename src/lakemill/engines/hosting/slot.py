"""A place for an instance, kept filled.

While its fleet runs, a dead instance is replaced, after a pause that grows with every failure; what is needed to find
an instance again is remembered before it starts, so that after a crash of the platform `attach` takes it over and
nothing is left behind.
"""

import asyncio
import functools
import itertools
import logging
import shutil
from typing import TYPE_CHECKING

from lakemill.engines.hosting.errors import StartFailed
from lakemill.engines.hosting.instance import Instance, address_of, free_port, new_id
from lakemill.engines.hosting.serving import Site, forget_socket, prepare_socket, socket_place
from lakemill.ports.compute.port import ComputeRefused

if TYPE_CHECKING:
    from lakemill.engines.hosting.variant import Variant

log = logging.getLogger(__name__)

INSTANCES = "serving_instances"
"""Table: `<owner>/<variant number>/<slot>` -> Instance.record()."""

FIRST_STARTS_MAX = 3
"""A process that ends this often before it was ever healthy will not become so."""
PAUSE_S_MIN, PAUSE_S_MAX = 0.5, 30.0
STEADY_S = 60.0
"""An instance that lived this long starts the count of failures anew."""
DRAIN_S = 60.0
"""How long requests under way are waited for: as long as one may take."""


class Slot:
    """A place for an instance, kept filled."""

    def __init__(self, variant: "Variant", number: int) -> None:
        self._variant = variant
        self._key = f"{variant.home.owner}/{variant.number}/{number}"
        self.instance: Instance | None = None
        self._leftover: Instance | None = None
        self._keeping: asyncio.Task | None = None

    async def start(self) -> None:
        """Fill it for the first time. Raises StartFailed."""
        for attempt in itertools.count(1):
            try:
                await self._fill()
                break
            except StartFailed as failure:
                if failure.kind != "exited" or attempt == FIRST_STARTS_MAX:
                    raise
            await asyncio.sleep(PAUSE_S_MIN * attempt)
        self.keep()

    async def attach(self) -> None:
        """Take over the remembered instance if it is alive and well; else another takes its place in the background."""
        record = self._variant.metadata.get(INSTANCES, self._key)
        if record is not None:
            instance = self._variant.instance(record["id"], address_of(record))
            if await instance.attach():
                self.instance = instance
                self._variant.join(instance)
            else:
                self._leftover = instance
        self.keep()

    def keep(self) -> None:
        """Replace the instance whenever it dies, until `stop`."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keeping {self._key}")

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Let requests under way finish, end the instance, forget it."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._leftover is not None:
            await self._leftover.stop()
            self._leftover = None
        if self.instance is not None:
            self._variant.part(self.instance)
            await self._drained(self.instance, drain_s)
            await self.instance.stop()
            self.instance = None
        await self._variant.metadata.transact(lambda t: t.delete(INSTANCES, self._key))

    @staticmethod
    async def _drained(instance: Instance, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while instance.client.in_flight and loop.time() < deadline:
            await asyncio.sleep(0.02)

    async def _fill(self) -> None:
        variant = self._variant
        await variant.fetch()
        identifier = new_id()
        folder = variant.folder / "runs" / identifier
        site = Site(variant.base, await asyncio.to_thread(free_port), socket_place(folder))
        launch = variant.ground.launcher(variant.spec.model, site)
        instance = variant.instance(identifier, launch.address)
        await variant.metadata.transact(lambda t: t.put(INSTANCES, self._key, instance.record()))
        folder.mkdir(parents=True, exist_ok=True)
        prepare_socket(launch.address)
        self.instance = instance
        try:
            async with variant.starts:
                await instance.start(launch, folder, network=not variant.spec.model.isolated)
                await instance.healthy(variant.spec.start_timeout_s)
        except (StartFailed, ComputeRefused) as failure:
            self.instance = None
            if isinstance(failure, ComputeRefused):
                await instance.leave()
                forget_socket(instance.address)
                raise StartFailed("refused", variant.spec.name, str(failure)) from failure
            await self._discard(instance)
            raise StartFailed(failure.kind, variant.spec.name, failure.detail) from failure
        variant.join(instance)

    async def _discard(self, instance: Instance) -> None:
        """End an instance that is of no more use, and remove its folder (its log is shipped by then)."""
        await instance.stop()
        folder = self._variant.folder / "runs" / instance.id
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        if self._leftover is not None:
            await self._discard(self._leftover)
            self._leftover = None
        while True:
            if self.instance is not None:
                began = loop.time()
                reason = await self.instance.watch(functools.partial(self._variant.join, self.instance))
                failures = 0 if loop.time() - began >= STEADY_S else failures + 1
                log.warning("instance %s of %s: %s; starting another", self.instance.id, self._key, reason)
                dead, self.instance = self.instance, None
                self._variant.part(dead)
                await self._discard(dead)
            # The first replacement comes at once: most deaths are accidents.
            if failures > 1:
                await asyncio.sleep(min(PAUSE_S_MIN * 2 ** (failures - 2), PAUSE_S_MAX))
            try:
                await self._fill()
            except StartFailed as failure:
                failures = max(failures, 1) + 1
                log.warning("%s", failure)
            except Exception:  # A full disk, say. The slot must not stay empty for ever because of it.
                failures = max(failures, 1) + 1
                log.exception("no instance for %s", self._key)
