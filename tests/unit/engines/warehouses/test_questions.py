"""What a warehouse's process asks the platform."""

import json
from pathlib import Path

import pytest
from tests.unit.engines.warehouses.conftest import SCOPE, answered, document, state, until

ROLE = {"authorization": {"role": "arn:role"}}


@pytest.fixture
def ask(warehouses, run):
    """The answer to a question, or the error's text."""

    async def ask(method, **arguments):
        done = await run({"ask": method, "with": arguments})
        return json.loads(answered(warehouses, done)) if done.state == "FINISHED" else done.error

    return ask


async def test_the_master_user_is_known_by_its_password(warehouses, ask, sales):
    found = await ask("credentials", user="awsuser", database="dev")
    assert [(one["name"], one["verifier"], one["superuser"]) for one in found] == [("awsuser", sales["verifier"], True)]
    assert await ask("credentials", user="other", database="dev") == []


async def test_temporary_passwords_are_known_while_they_last(warehouses, ask, sales, clock):
    give = warehouses.credentials.give
    await give(sales["id"], "IAMA:joe", "joe", duration_s=900, database="dev", auto_create=True, groups=["staff"])
    found = await ask("credentials", user="IAMA:joe", database="dev")
    assert [(one["name"], one["superuser"], one["auto_create"], one["groups"]) for one in found] == [
        ("joe", False, True, ["staff"])
    ]
    assert await ask("credentials", user="IAMA:joe", database="other") == []
    clock.advance(901)
    assert await ask("credentials", user="IAMA:joe", database="dev") == []


async def test_a_changed_password_counts_at_once(warehouses, ask):
    await warehouses.update(SCOPE, "cluster/sales", lambda found: found.update(verifier="new"))
    assert (await ask("credentials", user="awsuser", database="dev"))[0]["verifier"] == "new"


async def test_the_lake_is_open_to_roles_that_are_attached(ask, objects):
    assert await ask("begin", authorization={"role": "arn:other"}) == "ERROR: the role is not attached"
    lake = (await ask("begin", **ROLE))["lake"]
    found = await ask("lake", lake=lake, question="objects", arguments={"location": "s3://lake/"})
    assert found == {"objects": [], "more": False}
    denied = await ask("lake", lake=lake, question="objects", arguments={"location": "s3://lake/secret/"})
    assert denied == "ERROR: not allowed: list secret/"
    await ask("end", lake=lake, keep=True)
    assert "There is no lake" in await ask("lake", lake=lake, question="objects", arguments={"location": "s3://lake/"})


@pytest.mark.parametrize("keep", [True, False])
async def test_what_was_stored_stays_or_is_taken_back(ask, objects, keep):
    await stored(ask, keep)
    assert [one.key for one in objects.listing("lake", "", "", 10)] == (["out/1"] if keep else [])


async def stored(ask, keep=None):
    """Store an object; the lake."""
    begun = await ask("begin", **ROLE)
    path = Path(begun["folder"]) / "1"
    path.write_text("rows")
    where = {"path": str(path), "uri": "s3://lake/out/1"}
    assert await ask("lake", lake=begun["lake"], question="store", arguments=where) is None
    if keep is not None:
        await ask("end", lake=begun["lake"], keep=keep)
    return begun["lake"]


async def test_what_a_process_leaves_is_taken_back_when_it_dies(warehouses, sales, ask, objects, run):
    await stored(ask)
    assert len(list(objects.listing("lake", "", "", 10))) == 1
    await run({"die": 1})
    await until(lambda: warehouses.runs(sales))
    assert list(objects.listing("lake", "", "", 10)) == []


async def test_what_a_crash_leaves_is_taken_back_at_the_next_start(make, warehouses, ask, objects):
    await stored(ask)
    again = make()  # Over the same stores, as after kill -9.
    said = await again.start()
    assert "What 1 statements of warehouses had put into the lake was taken back" in said
    assert list(objects.listing("lake", "", "", 10)) == []
    await again.close()


async def test_one_warehouse_does_not_reach_anothers_lake(warehouses, ask, run):
    lake = (await ask("begin", **ROLE))["lake"]
    await warehouses.create(SCOPE, "cluster/other", document())
    await until(lambda: state(warehouses, "cluster/other") == "available")
    other = warehouses.get(SCOPE, "cluster/other")["id"]
    done = await run({"ask": "end", "with": {"lake": lake, "keep": True}}, warehouse=other)
    assert "There is no lake" in done.error


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [("unknown", {}, "There is no question unknown."), ("end", {"lake": "x"}, "missing a required argument: 'keep'")],
)
async def test_questions_that_are_none_are_refused(ask, method, arguments, message):
    assert message in await ask(method, **arguments)
