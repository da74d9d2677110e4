"""Snapshots and what is made of them."""

import datetime

import pytest
from tests.unit.engines.warehouses.conftest import SCOPE, answered, document, state, until

from lakemill.engines.resources import ResourceExists
from lakemill.engines.warehouses import SnapshotMissing, SnapshotUnusable


@pytest.fixture
async def snapshot(warehouses, sales, run):
    await run({"add": "then"})
    made = await warehouses.snapshot(SCOPE, "cluster/sales", "cluster/monday", {"until": None}, {"a": "b"})
    assert made["state"] == "creating"
    await until(lambda: warehouses.snapshots.get(SCOPE, "cluster/monday")["state"] == "available")
    return warehouses.snapshots.get(SCOPE, "cluster/monday")


async def test_a_snapshot_holds_what_was_there_then(warehouses, snapshot, run):
    await run({"add": " and now"})
    assert (snapshot["bytes"], snapshot["tags"], snapshot["master"]) == (4, {"a": "b"}, "awsuser")
    await warehouses.create(SCOPE, "cluster/copy", document(restore="cluster/monday"))
    await until(lambda: state(warehouses, "cluster/copy") == "available")
    copy = warehouses.get(SCOPE, "cluster/copy")
    assert copy["restore"] == ""
    assert answered(warehouses, await run({"read": True}, warehouse=copy["id"])) == "then"
    assert answered(warehouses, await run({"read": True})) == "then and now"


async def test_a_warehouse_goes_back_to_a_snapshot(warehouses, snapshot, run):
    await run({"add": " and now"})
    await warehouses.restore(SCOPE, "cluster/sales", "cluster/monday")
    await until(lambda: state(warehouses) == "available")
    assert answered(warehouses, await run({"read": True})) == "then"


async def test_the_last_snapshot_outlives_its_warehouse(warehouses, sales, run):
    await run({"add": "all of it"})
    final = {"name": "cluster/last", "details": {}, "tags": {}}
    await warehouses.delete(SCOPE, "cluster/sales", final)
    await until(lambda: state(warehouses) is None)
    await warehouses.create(SCOPE, "cluster/copy", document(restore="cluster/last"))
    await until(lambda: state(warehouses, "cluster/copy") == "available")
    copy = warehouses.get(SCOPE, "cluster/copy")
    assert answered(warehouses, await run({"read": True}, warehouse=copy["id"])) == "all of it"


async def test_a_copy_is_a_snapshot_of_its_own(warehouses, snapshot):
    ends = warehouses.clock.now() + datetime.timedelta(days=1)
    await warehouses.snapshots.copy(SCOPE, "cluster/monday", "cluster/again", ends)
    await warehouses.snapshots.delete(SCOPE, "cluster/monday")
    with pytest.raises(SnapshotMissing):
        warehouses.snapshots.get(SCOPE, "cluster/monday")
    assert warehouses.snapshots.usable(SCOPE, "cluster/again")["bytes"] == 4
    warehouses.clock.advance(86400)
    await warehouses.snapshots.expire()
    with pytest.raises(SnapshotMissing):
        warehouses.snapshots.get(SCOPE, "cluster/again")


async def test_a_snapshot_of_what_does_not_run_fails(make, tmp_path):
    (tmp_path / "broken.py").write_text("raise SystemExit('no room')")
    engine = make([str(tmp_path / "broken.py")])
    await engine.create(SCOPE, "cluster/sales", document())
    await engine.update(SCOPE, "cluster/sales", lambda one: one.update(state="available"))
    await engine.snapshot(SCOPE, "cluster/sales", "cluster/never", {}, {})
    await until(lambda: engine.snapshots.get(SCOPE, "cluster/never")["state"] == "failed")
    assert "no room" in engine.snapshots.get(SCOPE, "cluster/never")["reason"]
    await engine.close()


async def test_names_are_taken_once(warehouses, snapshot):
    with pytest.raises(ResourceExists):
        await warehouses.snapshot(SCOPE, "cluster/sales", "cluster/monday", {}, {})
    with pytest.raises(ResourceExists):
        await warehouses.delete(SCOPE, "cluster/sales", {"name": "cluster/monday", "details": {}, "tags": {}})


async def test_a_snapshot_that_was_cut_off_has_failed_and_left_no_files(make, warehouses, snapshot, tmp_path):
    cut = await warehouses.snapshots.create(warehouses.get(SCOPE, "cluster/sales"), "cluster/cut", {}, {})
    (tmp_path / "warehouses" / "snapshots" / "nobodys").mkdir()
    await warehouses.close()
    again = make()
    await again.start()
    with pytest.raises(SnapshotUnusable):
        again.snapshots.usable(SCOPE, "cluster/cut")
    assert again.snapshots.get(SCOPE, "cluster/cut")["id"] == cut["id"]
    assert not (tmp_path / "warehouses" / "snapshots" / "nobodys").exists()
    await again.close()
