"""A variant: the instances that serve one model, as many as wanted."""

import asyncio
import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakemill.engines.hosting.client import Address
from lakemill.engines.hosting.errors import ArtifactError, NoInstance, StartFailed
from lakemill.engines.hosting.instance import Instance
from lakemill.engines.hosting.logs import LogShipper
from lakemill.engines.hosting.serving import Ground, Model, prepare
from lakemill.engines.hosting.slot import DRAIN_S, Slot
from lakemill.engines.hosting.together import together
from lakemill.ports.metadata import Metadata

STARTS_AT_ONCE_MAX = 4
COMEBACK_S = 10.0
"""How long a request waits for an instance when all are down."""


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
            await together(slot.start() for slot in added)
        except BaseException:
            self.slots = kept + gone
            await asyncio.gather(*(slot.stop(0) for slot in added))
            raise
        self.spec = dataclasses.replace(self.spec, count=count)
        await asyncio.gather(*(slot.stop() for slot in gone))

    def weigh(self, weight: float) -> None:
        """Set its share of the traffic; the fleet has to be told."""
        self.spec = dataclasses.replace(self.spec, weight=weight)

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
