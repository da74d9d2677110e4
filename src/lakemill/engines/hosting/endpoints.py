"""Endpoints: named fleets that take requests, changed without a gap, back after every restart.

An endpoint is a resource of kind `endpoint`. Of its document these members are ours:

    state      creating | serving | updating | failed | deleting
    failure    why the last change failed: {kind, variant, detail} of StartFailed, or None
    id         unique for ever; begins the names of everything the endpoint has on this machine
    log_group  where its processes' lines go
    fleet      what serves: {generation, label, variants: [VariantSpec documents], began}; None before the first start
    pending    what is being brought up: a fleet like that, or {weights, counts} of the present one; else None

`label` is the owner's word for a fleet (the name of its configuration). A change is written down before it is begun and
once more when it has ended, so that after a crash `start` can take up every endpoint where it was.
"""

import asyncio
import contextlib
import dataclasses
import logging
import random
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.engines.hosting.errors import (
    EndpointBusy,
    EndpointMissing,
    HostingError,
    NoTraffic,
    StartFailed,
    VariantMissing,
)
from lakemill.engines.hosting.fleet import Fleet, forget, owners
from lakemill.engines.hosting.routes import Routes
from lakemill.engines.hosting.serving import Authorise, Ground, Launcher, launch
from lakemill.engines.hosting.variant import Home, VariantSpec
from lakemill.engines.loglines import LogLines
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.ports.clock import Clock
from lakemill.ports.compute.port import Compute
from lakemill.ports.metadata import Metadata

log = logging.getLogger(__name__)

ENDPOINT = "endpoint"
Document = dict[str, Any]

CLOSE_S = 8.0
"""How long closing may take: whoever asked the platform to stop will not wait for a long prediction."""
BATCH_OWNER = "batch/"
"""Owners of fleets that belong to batch jobs begin so; their jobs end them."""
INSTANCES_MAX = 20
"""Instances that one endpoint may have: each is a process with the model in memory."""


class Hosting(Routes):
    """The engine. scope is "account/region"; names are case-sensitive."""

    def __init__(
        self,
        metadata: Metadata,
        compute: Compute,
        objects: Any,
        loglines: LogLines,
        clock: Clock,
        folder: Path,
        *,
        launcher: Launcher = launch,
        authorise: Authorise = lambda model, bucket, key: None,
        rng: random.Random | None = None,
    ) -> None:
        self.ground = Ground(compute, objects, loglines, clock, launcher, authorise)
        self.metadata = metadata
        self.folder = folder
        self._resources = Resources(metadata, clock)
        super().__init__(rng or random.Random())
        self._works: dict[tuple[str, str], asyncio.Task] = {}
        self._endings: set[asyncio.Task] = set()

    # Life of the engine

    def authorise_with(self, authorise: Authorise) -> None:
        """Ask this before a model's files are read; to be called before `start`."""
        self.ground = dataclasses.replace(self.ground, authorise=authorise)

    async def start(self) -> list[str]:
        """Take up every endpoint where the last run left it; a sentence about each."""
        documents = list(self._resources.all(ENDPOINT))
        for document in documents:
            if document["fleet"] is not None and document["state"] in ("serving", "updating"):
                self._fleets[document["scope"], document["name"]] = self._fleet(document, document["fleet"])
        await asyncio.gather(*(fleet.attach() for fleet in self._fleets.values()))
        said = [f"Endpoint {name} is back: {_count(fleet)}." for (_, name), fleet in self._fleets.items()]
        for document in documents:
            key, state = (document["scope"], document["name"]), document["state"]
            if state in ("creating", "updating"):
                self._begin(key, self._change(key))
                said.append(f"Endpoint {document['name']} goes on {state}.")
            elif state == "deleting":
                self._begin(key, self._remove(key))
        await self._sweep()
        return said

    async def _sweep(self) -> None:
        """End processes that belong to no endpoint any more: a crash came between a switch and the end of the old."""
        kept = set()
        for document in self._resources.all(ENDPOINT):
            fleets = [document["fleet"], document["pending"]]
            kept |= {f"{document['id']}/{fleet['generation']}" for fleet in fleets if fleet and "variants" in fleet}
        for owner in owners(self.metadata) - kept:
            if not owner.startswith(BATCH_OWNER):
                self._end_in_background(forget(self.ground, self.metadata, owner))

    async def close(self) -> None:
        """End the processes, which the next start brings back; what was under way is taken up then, too."""
        works = [*self._works.values(), *self._endings]
        for work in works:
            work.cancel()
        endings = [asyncio.create_task(fleet.pause()) for fleet in self._fleets.values()]
        self._fleets.clear()
        if works or endings:
            # Whoever is not done by then is found and ended by the next start.
            _, late = await asyncio.wait([*works, *endings], timeout=CLOSE_S)
            for task in late:
                task.cancel()

    # Changes

    async def create(
        self,
        scope: str,
        name: str,
        label: str,
        variants: Sequence[VariantSpec],
        *,
        log_group: str,
        tags: Mapping[str, str] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Document:
        """Begin an endpoint; it is `creating` until all its instances are healthy, then `serving`, or `failed`.

        attributes: whatever else the owner wants in the document. Raises ResourceExists, TooManyTags.
        """
        identifier = secrets.token_hex(6)
        document = {
            **(attributes or {}),
            "state": "creating",
            "failure": None,
            "id": identifier,
            "log_group": log_group,
            "fleet": None,
            "pending": _fleet_document(label, variants, self.ground.clock),
        }
        written = await self._resources.create(ENDPOINT, scope, name, document, tags)
        self._begin((scope, name), self._change((scope, name)))
        return written

    async def update(self, scope: str, name: str, label: str, variants: Sequence[VariantSpec]) -> Document:
        """Replace the fleet: the new one is up before the old one goes, and a failed one changes nothing.

        Raises EndpointMissing, EndpointBusy.
        """
        pending = _fleet_document(label, variants, self.ground.clock)
        return await self._submit((scope, name), pending)

    async def adjust(
        self, scope: str, name: str, *, weights: Mapping[str, float], counts: Mapping[str, int]
    ) -> Document:
        """Change the traffic shares and numbers of instances of some variants.

        Raises EndpointMissing, EndpointBusy, VariantMissing, NoTraffic.
        """
        pending = {"weights": dict(weights), "counts": dict(counts)}

        def check(document: Document) -> None:
            specs = {spec["name"]: spec for spec in document["fleet"]["variants"]}
            for variant in [*weights, *counts]:
                if variant not in specs:
                    raise VariantMissing(name, variant)
            if not any(weights.get(spec, specs[spec]["weight"]) for spec in specs):
                raise NoTraffic

        return await self._submit((scope, name), pending, check)

    async def delete(self, scope: str, name: str) -> None:
        """Begin to remove it: no new requests, those under way are finished. Raises EndpointMissing, EndpointBusy."""

        def change(document: Document) -> None:
            if document["state"] == "deleting":
                raise EndpointBusy(name, "deleting")
            document["state"] = "deleting"

        key = (scope, name)
        await self._write(key, change)
        if work := self._works.pop(key, None):
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        self._begin(key, self._remove(key))

    async def _submit(self, key: tuple[str, str], pending: Document, check: Any = None) -> Document:
        def change(document: Document) -> None:
            if document["state"] != "serving":
                raise EndpointBusy(key[1], document["state"])
            if check is not None:
                check(document)
            document |= {"state": "updating", "pending": pending, "failure": None}

        document = await self._write(key, change)
        self._begin(key, self._change(key))
        return document

    def document(self, scope: str, name: str) -> Document:
        """Raises EndpointMissing."""
        found = self._resources.find(ENDPOINT, scope, name)
        if found is None:
            raise EndpointMissing(name)
        return found

    def state(self, scope: str, name: str) -> str:
        """Raises EndpointMissing."""
        return self.document(scope, name)["state"]

    # What changes do

    def _begin(self, key: tuple[str, str], work: Any) -> None:
        task = asyncio.create_task(work, name=f"endpoint {key[1]}")
        self._works[key] = task

        def done(ended: asyncio.Task) -> None:
            if self._works.get(key) is ended:
                del self._works[key]
            if not ended.cancelled() and ended.exception() is not None:
                log.error("endpoint %s", key[1], exc_info=ended.exception())

        task.add_done_callback(done)

    async def _change(self, key: tuple[str, str]) -> None:
        """Make what is pending so."""
        document = self.document(*key)
        pending = document["pending"]
        try:
            if "variants" in pending:
                await self._replace(key, document, pending)
            else:
                await self._adjust(key, pending)
        except StartFailed as failure:
            await self._failed(key, failure)
        except HostingError as error:
            await self._failed(key, StartFailed("internal", "", str(error)))
        except Exception as error:
            log.exception("endpoint %s", key[1])
            await self._failed(key, StartFailed("internal", "", f"{type(error).__name__}: {error}"))

    async def _replace(self, key: tuple[str, str], document: Document, pending: Document) -> None:
        fleet = self._fleet(document, pending)
        # After a crash in the middle of this, the half that was started is in nobody's hands: end it.
        await forget(self.ground, self.metadata, fleet.home.owner)
        await fleet.start()
        old = self._fleets.get(key)
        # Before the state is written: whoever reads `serving` may ask at once.
        self._fleets[key] = fleet

        def switched(document: Document) -> None:
            _unless_deleting(document)
            document |= {"state": "serving", "fleet": pending, "pending": None, "failure": None}

        try:
            await self._write(key, switched)
        except BaseException:
            if self._fleets.pop(key, None) is fleet and old is not None:
                self._fleets[key] = old
            await fleet.stop(0)
            raise
        if old is not None:
            self._end(old)

    async def _adjust(self, key: tuple[str, str], pending: Document) -> None:
        fleet = self._fleets[key]
        await asyncio.gather(*(fleet.variants[name].resize(count) for name, count in pending["counts"].items()))
        fleet.weigh(pending["weights"])

        def adjusted(document: Document) -> None:
            _unless_deleting(document)
            for spec in document["fleet"]["variants"]:
                spec["count"] = pending["counts"].get(spec["name"], spec["count"])
                spec["weight"] = pending["weights"].get(spec["name"], spec["weight"])
            document |= {"state": "serving", "pending": None, "failure": None}

        await self._write(key, adjusted)

    async def _failed(self, key: tuple[str, str], failure: StartFailed) -> None:
        log.warning("endpoint %s: %s", key[1], failure)

        def fail(document: Document) -> None:
            _unless_deleting(document)
            state = "failed" if document["fleet"] is None else "serving"
            document |= {"state": state, "failure": failure.document(), "pending": None}

        with contextlib.suppress(EndpointMissing):
            await self._write(key, fail)

    async def _remove(self, key: tuple[str, str]) -> None:
        document = self.document(*key)
        fleet = self._fleets.pop(key, None)
        if fleet is not None:
            await fleet.stop()
        for kept in (document["fleet"], document["pending"]):
            if kept is not None and "variants" in kept:
                await self._fleet(document, kept).stop(0)
        await asyncio.to_thread(shutil.rmtree, self.folder / document["id"], ignore_errors=True)
        await self._resources.delete(ENDPOINT, *key)

    def _end(self, fleet: Fleet) -> None:
        """Drain and stop a fleet that got no new requests any more, in the background."""
        self._end_in_background(fleet.stop())

    def _end_in_background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _write(self, key: tuple[str, str], change: Any) -> Document:
        try:
            return await self._resources.update(ENDPOINT, *key, change)
        except ResourceMissing:
            raise EndpointMissing(key[1]) from None

    def _fleet(self, document: Document, fleet: Document) -> Fleet:
        owner = f"{document['id']}/{fleet['generation']}"
        home = Home(owner, self.folder / owner, document["scope"], document["log_group"])
        specs = [VariantSpec.of(spec) for spec in fleet["variants"]]
        return Fleet(self.ground, self.metadata, home, specs, self._rng)


def _unless_deleting(document: Document) -> None:
    """A change that ends while its endpoint is being deleted must not bring it back to life."""
    if document["state"] == "deleting":
        raise EndpointMissing(document["name"])


def _fleet_document(label: str, variants: Sequence[VariantSpec], clock: Clock) -> Document:
    return {
        "generation": secrets.token_hex(3),
        "label": label,
        "variants": [spec.document() for spec in variants],
        "began": clock.now(),
    }


def _count(fleet: Fleet) -> str:
    up = sum(variant.up for variant in fleet.variants.values())
    wanted = sum(variant.spec.count for variant in fleet.variants.values())
    return (
        f"{up} of {wanted} instances still ran"
        if up
        else f"{wanted} {'instance is' if wanted == 1 else 'instances are'} being started"
    )
