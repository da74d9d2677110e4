"""Versions and aliases."""

import pytest
from tests.unit.engines.functions.conftest import FIELDS

from lakemill.engines.functions import FunctionConflict, FunctionMissing, StaleRevision, zipped
from lakemill.ports.blobs import BlobMissing

SCOPE = "000000000000/us-east-1"


def answers(value):
    return zipped({"app.py": f"def handler(event, context): return {value!r}".encode()})


@pytest.fixture
async def versions(functions):
    await functions.create(SCOPE, "f", answers("one"), FIELDS)
    return functions.versions


async def test_a_version_keeps_what_the_latest_leaves_behind(functions, versions):
    await versions.publish(SCOPE, "f")
    await functions.update(SCOPE, "f", {}, answers("two"))
    assert await functions.invoke(SCOPE, "f:1", b"{}") == b'"one"'
    assert await functions.invoke(SCOPE, "f", b"{}") == b'"two"'


async def test_publishing_without_a_change_gives_the_version_there_is(functions, versions):
    assert (await versions.publish(SCOPE, "f")).version == "1"
    assert (await versions.publish(SCOPE, "f", description="another")).version == "1"
    await functions.update(SCOPE, "f", {"timeout_s": 9})
    assert (await versions.publish(SCOPE, "f")).version == "2"
    assert [one.timeout_s for one in versions.all(SCOPE, "f")] == [5, 9]


async def test_an_alias_leads_to_its_version(functions, versions):
    await versions.publish(SCOPE, "f")
    await versions.create_alias(SCOPE, "f", "PROD", {"version": "1"})
    assert functions.find(SCOPE, "f", "PROD").version == "1"
    await versions.update_alias(SCOPE, "f", "PROD", {"version": ""}, None)
    assert functions.find(SCOPE, "f:PROD").version == ""


async def test_an_alias_with_weights_spreads(functions, versions):
    await versions.publish(SCOPE, "f")
    await functions.update(SCOPE, "f", {"timeout_s": 9})
    await versions.publish(SCOPE, "f")
    await versions.create_alias(SCOPE, "f", "PROD", {"version": "1", "weights": {"2": 0.5}})
    assert {functions.find(SCOPE, "f", "PROD").version for _ in range(200)} == {"1", "2"}
    assert {functions.find(SCOPE, "f", "PROD", by_chance=False).version for _ in range(50)} == {"1"}


async def test_a_version_that_an_alias_points_to_stays(functions, versions):
    await versions.publish(SCOPE, "f")
    await versions.create_alias(SCOPE, "f", "PROD", {"version": "1"})
    with pytest.raises(FunctionConflict, match="PROD"):
        await functions.delete_version(SCOPE, "f", "1")
    await versions.delete_alias(SCOPE, "f", "PROD")
    await functions.delete_version(SCOPE, "f", "1")
    with pytest.raises(FunctionMissing):
        functions.find(SCOPE, "f", "1")


async def test_an_alias_needs_a_version_that_is_there(versions):
    with pytest.raises(FunctionMissing):
        await versions.create_alias(SCOPE, "f", "PROD", {"version": "7"})


async def test_a_change_by_one_who_looked_too_long_ago_is_refused(functions, versions):
    before = functions.find(SCOPE, "f").revision
    await functions.update(SCOPE, "f", {"timeout_s": 6}, revision=before)
    with pytest.raises(StaleRevision):
        await functions.update(SCOPE, "f", {"timeout_s": 7}, revision=before)
    assert functions.find(SCOPE, "f").timeout_s == 6


async def test_code_goes_when_nobody_refers_to_it(functions, versions):
    code = functions.find(SCOPE, "f").code
    await versions.publish(SCOPE, "f")
    await functions.update(SCOPE, "f", {}, answers("two"))
    assert functions.code.archive(code), "a version has it still"
    await functions.delete(SCOPE, "f")
    with pytest.raises(BlobMissing):
        functions.code.archive(code)
