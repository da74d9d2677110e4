"""The serving processes of an endpoint (or a batch job): variants, each with a number of instances that are kept up.

A slot is a place for an instance. While its fleet runs, a dead instance is replaced, after a pause that grows with
every failure; what is needed to find the instances again is remembered before they start, so that after a crash of the
platform `attach` takes them over and nothing is left behind.
"""

import asyncio
import bisect
import contextlib
import dataclasses
import functools
import itertools
import logging
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lakemill.engines.hosting.client import Address
from lakemill.engines.hosting.errors import ArtifactError, NoInstance, StartFailed, VariantMissing
from lakemill.engines.hosting.instance import Instance, address_of, free_port, new_id, run_id
from lakemill.engines.hosting.logs import LogShipper
from lakemill.engines.hosting.serving import STOP_GRACE_S, Ground, Model, Site, prepare
from lakemill.ports.compute.port import ComputeRefused
from lakemill.ports.metadata import Metadata, prefix_end

log = logging.getLogger(__name__)

INSTANCES = "serving_instances"
"""Table: `<owner>/<variant number>/<slot>` -> Instance.record()."""

STARTS_AT_ONCE_MAX = 4
FIRST_STARTS_MAX = 3
"""A process that ends this often before it was ever healthy will not become so."""
PAUSE_S_MIN, PAUSE_S_MAX = 0.5, 30.0
STEADY_S = 60.0
"""An instance that lived this long starts the count of failures anew."""
COMEBACK_S = 10.0
"""How long a request waits for an instance when all are down."""
DRAIN_S = 60.0
"""How long requests under way are waited for: as long as one may take."""


@dataclasses.dataclass(frozen=True)
class VariantSpec:
    """What a variant is to be. Plain data."""

    name: str
    model: Model
    count: int = 1
    weight: float = 1.0
    start_timeout_s: float = 240.0
    download_timeout_s: float = 3600.0
    routing: str = "least busy"
    """`least busy` or `random`."""

    @classmethod
    def of(cls, document: dict[str, Any]) -> "VariantSpec":
        """From `document()`, after it was stored."""
        return cls(**(document | {"model": Model.of(document["model"])}))

    def document(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self) | {"model": self.model.document()}


@dataclasses.dataclass(frozen=True)
class Home:
    """Whose a fleet is and where its things go."""

    owner: str
    """Unique for ever; begins the keys of its instances' records."""
    folder: Path
    scope: str
    log_group: str
    log_stream: Callable[[str, str], str] = lambda variant, instance: f"{variant}/{instance}"


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
        identifier, folder = new_id(), variant.folder / "runs"
        site = Site(variant.base, await asyncio.to_thread(free_port), folder / identifier / "s")
        launch = variant.ground.launcher(variant.spec.model, site)
        instance = variant.instance(identifier, launch.address)
        await variant.metadata.transact(lambda t: t.put(INSTANCES, self._key, instance.record()))
        site.socket.parent.mkdir(parents=True, exist_ok=True)
        self.instance = instance
        try:
            async with variant.starts:
                await instance.start(launch, site.socket.parent, network=not variant.spec.model.isolated)
                await instance.healthy(variant.spec.start_timeout_s)
        except (StartFailed, ComputeRefused) as failure:
            self.instance = None
            if isinstance(failure, ComputeRefused):
                await instance.leave()
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


class Variant:
    """The instances that serve one model."""

    def __init__(self, ground: Ground, metadata: Metadata, home: Home, number: int, spec: VariantSpec) -> None:
        self.ground = ground
        self.metadata = metadata
        self.home = home
        self.number = number
        self.spec = spec
        self.folder = home.folder / str(number)
        self.base = self.folder / "ml"
        self.starts = asyncio.Semaphore(STARTS_AT_ONCE_MAX)
        self.slots: list[Slot] = []
        self._up: list[Instance] = []
        self._turn = 0
        self._fetching = asyncio.Lock()
        self._someone_up = asyncio.Event()

    @property
    def up(self) -> int:
        """Instances that can take requests."""
        return len(self._up)

    async def start(self) -> None:
        """Fetch the model and fill every slot. Raises StartFailed; `stop` cleans up after it."""
        await self.fetch()
        await self.resize(self.spec.count)

    async def attach(self) -> None:
        """Take over what is alive; start the rest in the background."""
        self.slots = [Slot(self, number) for number in range(self.spec.count)]
        await asyncio.gather(*(slot.attach() for slot in self.slots))

    async def fetch(self) -> None:
        """See that the model's files are on this machine. Raises StartFailed."""
        try:
            async with self._fetching, asyncio.timeout(self.spec.download_timeout_s):
                await prepare(self.ground, self.spec.model, self.base)
        except ArtifactError as error:
            raise StartFailed("unpack" if error.unpacking else "download", self.spec.name, str(error)) from error
        except TimeoutError as error:
            detail = f"the model's files did not come within {self.spec.download_timeout_s:g} s"
            raise StartFailed("download", self.spec.name, detail) from error

    async def resize(self, count: int) -> None:
        """Have this many instances, all healthy on return. Raises StartFailed, with as many as before."""
        added = [Slot(self, number) for number in range(len(self.slots), count)]
        gone, kept = self.slots[count:], self.slots[:count]
        self.slots = kept + added
        try:
            await _all(slot.start() for slot in added)
        except BaseException:
            self.slots = kept + gone
            await asyncio.gather(*(slot.stop(0) for slot in added))
            raise
        self.spec = dataclasses.replace(self.spec, count=count)
        await asyncio.gather(*(slot.stop() for slot in gone))

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        await asyncio.gather(*(slot.stop(drain_s) for slot in self.slots))
        self.slots = []

    def instance(self, identifier: str, address: Address) -> Instance:
        """An instance of this variant; nothing is started."""
        home = self.home
        stream = home.log_stream(self.spec.name, identifier)
        shipper = LogShipper(self.ground.lines, self.ground.clock, home.scope, home.log_group, stream)
        return Instance(self.ground, identifier, address, shipper)

    def join(self, instance: Instance) -> None:
        """It may get requests from now on (or again)."""
        if instance not in self._up:
            self._up.append(instance)
        self._someone_up.set()

    def part(self, instance: Instance) -> None:
        """It gets no new requests."""
        if instance in self._up:
            self._up.remove(instance)
        if not self._up:
            self._someone_up.clear()

    def choose(self, rng: random.Random) -> Instance | None:
        """The instance for the next request; None when all are down."""
        up = self._up
        if len(up) == 1:
            return up[0]
        if not up:
            return None
        if self.spec.routing == "random":
            return rng.choice(up)
        # Fewest requests under way; ties take turns.
        self._turn += 1
        turn = self._turn % len(up)
        return min(up[turn:] + up[:turn], key=lambda one: one.client.in_flight)

    def is_up(self, instance: Instance) -> bool:
        """Whether this one can take requests."""
        return instance in self._up

    def any_up(self) -> Instance | None:
        """The least busy instance."""
        return min(self._up, key=lambda one: one.client.in_flight, default=None)

    async def comeback(self, within_s: float = COMEBACK_S) -> None:
        """Wait until an instance is up. Raises NoInstance."""
        try:
            await asyncio.wait_for(self._someone_up.wait(), within_s)
        except TimeoutError:
            raise NoInstance(self.spec.name) from None


class Fleet:
    """All variants."""

    def __init__(
        self,
        ground: Ground,
        metadata: Metadata,
        home: Home,
        specs: Iterable[VariantSpec],
        rng: random.Random | None = None,
    ) -> None:
        self.home = home
        self._metadata = metadata
        self._ground = ground
        self._rng = rng or random.Random()
        self.variants = {spec.name: Variant(ground, metadata, home, number, spec) for number, spec in enumerate(specs)}
        self._reweigh()

    async def start(self) -> None:
        """Bring everything up. Raises StartFailed; then everything that came up is down again."""
        try:
            await _all(variant.start() for variant in self.variants.values())
        except BaseException:
            await self.stop(0)
            raise

    async def attach(self) -> None:
        """Take over the instances of an earlier life; missing ones are started in the background."""
        await asyncio.gather(*(variant.attach() for variant in self.variants.values()))

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """End all instances, with time for the requests under way, and remove their files."""
        await asyncio.gather(*(variant.stop(drain_s) for variant in self.variants.values()))
        await forget(self._ground, self._metadata, self.home.owner)
        await asyncio.to_thread(shutil.rmtree, self.home.folder, ignore_errors=True)

    async def pause(self) -> None:
        """End all instances now, but keep their files: the platform goes down and will be back."""
        await asyncio.gather(*(variant.stop(0) for variant in self.variants.values()))

    def weigh(self, weights: dict[str, float]) -> None:
        """Set the share of the traffic of some variants."""
        for name, weight in weights.items():
            variant = self.variants[name]
            variant.spec = dataclasses.replace(variant.spec, weight=weight)
        self._reweigh()

    def _reweigh(self) -> None:
        self._names = list(self.variants)
        self._shares = list(itertools.accumulate(variant.spec.weight for variant in self.variants.values()))

    def choose(self, name: str | None = None) -> Variant:
        """The named variant, or one by weight. Raises VariantMissing (endpoint left empty)."""
        if name is not None:
            found = self.variants.get(name)
            if found is None:
                raise VariantMissing("", name)
            return found
        if len(self._names) == 1:
            return self.variants[self._names[0]]
        # A share of 0 is never hit: bisect_right steps over variants that add nothing.
        place = bisect.bisect_right(self._shares, self._rng.random() * self._shares[-1])
        return self.variants[self._names[min(place, len(self._names) - 1)]]

    def instance(self, variant: Variant) -> Instance | None:
        return variant.choose(self._rng)


def owners(metadata: Metadata) -> set[str]:
    """Of all recorded instances, whether their owner still exists or not."""
    return {key.rsplit("/", 2)[0] for key, _ in metadata.scan(INSTANCES)}


async def forget(ground: Ground, metadata: Metadata, owner: str) -> None:
    """End and forget every instance recorded for an owner, whoever started it."""
    start = f"{owner}/"
    found = list(metadata.scan(INSTANCES, start, prefix_end(start)))
    for _, record in found:
        with contextlib.suppress(Exception):  # It may never have been started.
            await asyncio.to_thread(ground.compute.stop, run_id(record["id"]), STOP_GRACE_S)
            await asyncio.to_thread(ground.compute.wait, run_id(record["id"]), STOP_GRACE_S + 10)
            await asyncio.to_thread(ground.compute.forget, run_id(record["id"]))
    if found:
        await metadata.transact(lambda t: [t.delete(INSTANCES, key) for key, _ in found])


async def _all(works: Iterable[Any]) -> None:
    """Run all; when one fails, cancel the others, wait for them, and raise its error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        for task in asyncio.as_completed(tasks):
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
