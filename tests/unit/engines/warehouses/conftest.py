import asyncio
import json
import uuid
from pathlib import Path

import pytest

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Refused
from lakemill.engines.queries.joined import Joined
from lakemill.engines.warehouses import Part, Statement, Warehouses, new_warehouse
from lakemill.engines.warehouses.credentials import verifier
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock

SCOPE = "000000000000/us-east-1"
WORKER = str(Path(__file__).parent / "worker.py")
OWNER = "AIDAEXAMPLE"


class Rights:
    """Everything, for whoever shows a role."""

    checked: list[list[str]] = []

    def catalog(self, question, database="", table=""):
        pass

    def object(self, deed, bucket, key):
        if key.startswith("secret"):
            raise Refused("AccessDenied", f"not allowed: {deed} {key}")

    def again(self, action, resource):
        pass


def authorise(warehouse, authorization):
    if authorization is None or authorization["role"] not in warehouse["roles"]:
        raise Refused("AccessDenied", "the role is not attached")
    return Rights(), authorization["role"]


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
async def objects(tmp_path, metadata, clock):
    store = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"), clock)
    await store.buckets.create("lake", "000000000000", "us-east-1")
    yield store
    store.close()


@pytest.fixture
def make(tmp_path, metadata, objects, clock):
    """Engines over the same stores, one after another."""

    def make(command=(WORKER,)):
        catalog = Catalog(metadata, clock)
        joined = Joined(objects, tmp_path / "joined")
        engine = Warehouses(metadata, clock, catalog, objects, joined, tmp_path / "warehouses", command=command)
        engine.use(authorise, lambda document: f"arn:{document['id']}")
        return engine

    return make


@pytest.fixture
async def warehouses(make):
    engine = make()
    await engine.start()
    yield engine
    await engine.close()


def document(**given):
    wanted = {"database": "dev", "master": "awsuser", "verifier": verifier("Secret123", "awsuser")}
    return new_warehouse(**wanted | {"roles": ["arn:role"]} | given)


@pytest.fixture
async def sales(warehouses):
    """A warehouse that runs."""
    await warehouses.create(SCOPE, "cluster/sales", document())
    await until(lambda: state(warehouses) == "available")
    return warehouses.get(SCOPE, "cluster/sales")


def state(engine, name="cluster/sales"):
    found = engine.find(SCOPE, name)
    return found["state"] if found else None


@pytest.fixture
def run(warehouses, sales, clock):
    """Hand orders in and wait for the end; the statement."""

    async def run(*orders, wait=True, token="", session=None, engine=warehouses, **given):
        named = {"warehouse": sales["id"], "session": session.id if session else ""}
        asked = statement(clock.now(), *orders, **named | given)
        done = await engine.statements.submit(asked, token, session)
        if wait:
            await engine.statements.wait(done.id, 20)
        return engine.statements.get(SCOPE, done.id)

    return run


def statement(now, *orders, **given):
    return Statement(
        **{
            "id": str(uuid.uuid4()),
            "scope": SCOPE,
            "owner": OWNER,
            "database": "dev",
            "user": "awsuser",
            "statements": [json.dumps(order) for order in orders],
            "single": len(orders) == 1,
            "created": now,
            "updated": now,
            "parts": [Part(updated=now) for _ in orders],
        }
        | given
    )


def answered(engine, done, number=0):
    """The one value that a statement answered with."""
    pages, _ = engine.statements.pages(done, number, 0)
    return next(iter(pages[0]["Records"][0][0].values()))


async def until(holds, seconds=20):
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)
