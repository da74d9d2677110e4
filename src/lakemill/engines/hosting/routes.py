"""From a request to the model that answers it: fleets by endpoint, a variant by weight, an instance by load."""

import abc
import random
from collections.abc import Mapping

from lakemill.engines.hosting.client import Answer, StreamedAnswer
from lakemill.engines.hosting.errors import EndpointNotServing, NoInstance, ServerGone, VariantMissing
from lakemill.engines.hosting.fleet import Fleet
from lakemill.engines.hosting.instance import Instance
from lakemill.engines.hosting.variant import Variant

ANSWER_S = 60.0
"""How long a model may take to answer."""
ATTEMPTS_MAX = 4
"""For a request that did not reach the instance it was meant for."""
STREAM_S = 480.0
"""How long a streamed answer may take altogether."""
BODY_BYTES_MAX = 6_291_456


class Routes(abc.ABC):
    """The endpoints that take requests now. scope is "account/region"."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._fleets: dict[tuple[str, str], Fleet] = {}

    @abc.abstractmethod
    def state(self, scope: str, name: str) -> str:
        """Of an endpoint, whether it takes requests or not. Raises EndpointMissing."""

    def up(self, scope: str, name: str) -> dict[str, int]:
        """Instances that can take requests now, by variant."""
        fleet = self._fleets.get((scope, name))
        return {} if fleet is None else {variant.spec.name: variant.up for variant in fleet.variants.values()}

    async def invoke(
        self, scope: str, name: str, headers: Mapping[str, str], body: bytes, *, variant: str | None = None
    ) -> tuple[str, Answer]:
        """One request to a model; the variant that answered, and its answer, whatever its status.

        Raises EndpointMissing, EndpointNotServing, VariantMissing, NoInstance, ServerError.
        """
        chosen = self._choose(scope, name, variant)
        for attempt in range(ATTEMPTS_MAX):
            instance = await self._instance(chosen)
            try:
                client = instance.client
                answer = await client.request(
                    "POST", "/invocations", headers, body, timeout_s=ANSWER_S, bytes_max=BODY_BYTES_MAX
                )
                return chosen.spec.name, answer
            except ServerGone as gone:
                if attempt + 1 == ATTEMPTS_MAX or not await self._repeatable(chosen, instance, gone):
                    raise
        raise AssertionError  # The loop returns or raises.

    async def stream(
        self, scope: str, name: str, headers: Mapping[str, str], body: bytes, *, variant: str | None = None
    ) -> tuple[str, StreamedAnswer]:
        """Like invoke, but the answer's body comes as it is made. The answer must be closed."""
        chosen = self._choose(scope, name, variant)
        for attempt in range(ATTEMPTS_MAX):
            instance = await self._instance(chosen)
            try:
                answer = await instance.client.stream(
                    "POST", "/invocations", headers, body, timeout_s=ANSWER_S, total_s=STREAM_S
                )
                return chosen.spec.name, answer
            except ServerGone as gone:
                if attempt + 1 == ATTEMPTS_MAX or not await self._repeatable(chosen, instance, gone):
                    raise
        raise AssertionError  # The loop returns or raises.

    def _choose(self, scope: str, name: str, variant: str | None) -> Variant:
        fleet = self._fleets.get((scope, name))
        if fleet is None:
            raise EndpointNotServing(name, self.state(scope, name))
        try:
            return fleet.choose(variant)
        except VariantMissing as missing:
            raise VariantMissing(name, missing.variant) from None

    async def _instance(self, variant: Variant) -> Instance:
        found = variant.choose(self._rng)
        if found is None:
            await variant.comeback()
            found = variant.choose(self._rng)
            if found is None:
                raise NoInstance(variant.spec.name)
        return found

    @staticmethod
    async def _repeatable(variant: Variant, instance: Instance, gone: ServerGone) -> bool:
        """Whether the request may be made again: not if it may have reached the process and killed it."""
        instance.suspect()
        if gone.unsent:
            # Out of the rotation until its watcher, which looks at once, has seen it well.
            variant.part(instance)
            return True
        return gone.stale and await instance.ping()
