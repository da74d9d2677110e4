"""The serving processes of an endpoint (or a batch job): its variants, and the choice among them."""

import asyncio
import bisect
import contextlib
import itertools
import random
import shutil
from collections.abc import Iterable

from lakemill.engines.hosting.errors import VariantMissing
from lakemill.engines.hosting.instance import run_id
from lakemill.engines.hosting.serving import STOP_GRACE_S, Ground
from lakemill.engines.hosting.slot import DRAIN_S, INSTANCES
from lakemill.engines.hosting.together import together
from lakemill.engines.hosting.variant import Home, Variant, VariantSpec
from lakemill.ports.metadata import Metadata, prefix_end


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
            await together(variant.start() for variant in self.variants.values())
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
            variant.weigh(weight)
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
