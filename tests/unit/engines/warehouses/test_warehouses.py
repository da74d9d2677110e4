"""Processes of warehouses: begun, ended, begun again, taken up after a crash."""

import json
import os
import signal
import socket

import pytest
from tests.unit.engines.warehouses.conftest import SCOPE, answered, document, state, until

from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.engines.warehouses import NotRunning, StateWrong


async def test_a_warehouse_is_available_once_its_process_listens(warehouses, sales, run):
    assert warehouses.runs(sales)
    with socket.create_connection(("127.0.0.1", sales["listening"])):
        pass
    opened = json.loads(answered(warehouses, await run({"open": True})))
    assert (opened["database"], opened["master"], opened["port"]) == ("dev", "awsuser", 0)
    assert opened["namespace"] == f"arn:{sales['id']}"


async def test_the_asked_port_is_taken_if_it_is_free_and_another_one_if_not(warehouses):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("one", "two"):
        await warehouses.create(SCOPE, f"cluster/{name}", document(port=port))
        await until(lambda name=name: state(warehouses, f"cluster/{name}") == "available")
    assert warehouses.get(SCOPE, "cluster/one")["listening"] == port
    assert warehouses.get(SCOPE, "cluster/two")["listening"] != port
    assert warehouses.at_port(port)["name"] == "cluster/one"


async def test_a_process_that_dies_is_started_again_where_it_was(warehouses, sales, caplog):
    process = await warehouses.process(sales["id"])
    os.kill(process.pid, signal.SIGKILL)
    await process.ended.wait()
    assert not warehouses.runs(sales)
    await until(lambda: warehouses.runs(sales))
    again = warehouses.get(SCOPE, "cluster/sales")
    assert (again["listening"], again["state"]) == (sales["listening"], "available")
    assert "its process ended with signal SIGKILL; it is started again" in caplog.text


async def test_what_does_not_start_says_why(make, tmp_path):
    (tmp_path / "broken.py").write_text("raise SystemExit('no room')")
    engine = make([str(tmp_path / "broken.py")])
    await engine.start()
    made = await engine.create(SCOPE, "cluster/sales", document())
    with pytest.raises(NotRunning, match="no room"):
        await engine.process(made["id"])
    assert "no room" in engine.trouble(made)
    await engine.close()


async def test_data_outlive_a_pause(warehouses, sales, run):
    await run({"add": "kept"})
    paused = await warehouses.pause(SCOPE, "cluster/sales")
    assert paused["state"] == "pausing"
    with pytest.raises(StateWrong):
        await warehouses.pause(SCOPE, "cluster/sales")
    await until(lambda: state(warehouses) == "paused")
    assert not warehouses.runs(sales)
    await warehouses.resume(SCOPE, "cluster/sales")
    await until(lambda: state(warehouses) == "available")
    assert answered(warehouses, await run({"read": True})) == "kept"


async def test_a_restart_brings_other_parameters(warehouses, sales, run):
    def change(found):
        found["parameters"] = {"search_path": "other"}

    assert (await warehouses.enter(SCOPE, "cluster/sales", "rebooting", change))["state"] == "rebooting"
    await until(lambda: state(warehouses) == "available")
    assert json.loads(answered(warehouses, await run({"open": True})))["parameters"] == {"search_path": "other"}
    await warehouses.configure(SCOPE, "cluster/sales", {"search_path": "third"})
    assert json.loads(answered(warehouses, await run({"open": True})))["parameters"] == {"search_path": "third"}


async def test_a_warehouse_that_is_renamed_keeps_all_but_its_name(warehouses, sales, run):
    await run({"add": "kept"})
    renamed = await warehouses.rename(SCOPE, "cluster/sales", "cluster/shop")
    assert (renamed["name"], renamed["id"], renamed["created"]) == ("cluster/shop", sales["id"], sales["created"])
    assert warehouses.find(SCOPE, "cluster/sales") is None
    assert answered(warehouses, await run({"read": True})) == "kept"
    await warehouses.create(SCOPE, "cluster/sales", document(wanted=False))
    with pytest.raises(ResourceExists):
        await warehouses.rename(SCOPE, "cluster/sales", "cluster/shop")


async def test_deleting_leaves_nothing(warehouses, sales, tmp_path):
    await warehouses.credentials.give(sales["id"], "IAM:joe", "joe", duration_s=900)
    assert (await warehouses.delete(SCOPE, "cluster/sales"))["state"] == "deleting"
    await until(lambda: state(warehouses) is None)
    assert not (tmp_path / "warehouses" / sales["id"]).exists()
    assert warehouses.credentials.of(sales["id"], "IAM:joe", "dev") == []
    with pytest.raises(ResourceMissing):
        await warehouses.delete(SCOPE, "cluster/sales")


async def test_what_nobody_owns_is_removed_at_the_start(make, warehouses, sales, run, tmp_path):
    done = await run({"rows": [[1]]})
    await warehouses.close()
    folder = tmp_path / "warehouses"
    for name in ("nobodys", "results/nobodys"):
        (folder / name).mkdir()
    again = make()
    await again.start()
    assert {path.name for path in folder.glob("*/")} == {sales["id"], "results"}
    assert {path.name for path in (folder / "results").iterdir()} == {done.id}
    await again.close()


async def test_after_an_ordinary_end_all_is_there_again(make, warehouses, sales, run):
    await run({"add": "kept"})
    await warehouses.close()
    again = make()
    await again.start()
    await until(lambda: again.runs(sales))
    done = await run({"read": True}, engine=again)
    assert answered(again, done) == "kept"
    assert again.get(SCOPE, "cluster/sales")["listening"] == sales["listening"]
    await again.close()


async def test_what_was_begun_before_a_crash_is_gone_on_with(make, metadata, warehouses, sales):
    await warehouses.create(SCOPE, "cluster/other", document(wanted=False))
    await warehouses.close()
    final = {"name": "cluster/last", "details": {}, "tags": {}}
    for name, change in (
        ("cluster/sales", {"state": "pausing", "wanted": False}),
        ("cluster/other", {"state": "deleting", "final": final}),
    ):
        await warehouses.resources.update("warehouse", SCOPE, name, lambda one, change=change: one.update(change))
    again = make()
    await again.start()
    await until(lambda: state(again) == "paused" and state(again, "cluster/other") is None)
    assert again.snapshots.usable(SCOPE, "cluster/last")["warehouse"] == "cluster/other"
    await again.close()
