"""The life of endpoints, with real processes."""

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from tests.unit.engines.hosting.conftest import SCOPE, spec

from lakemill.engines.hosting import (
    EndpointBusy,
    EndpointMissing,
    EndpointNotServing,
    NoTraffic,
    ServerGone,
    VariantMissing,
)
from lakemill.engines.hosting.slot import INSTANCES


def instances(bench, name="e"):
    fleet = bench.hosting._fleets[SCOPE, name]
    return [slot.instance for variant in fleet.variants.values() for slot in variant.slots]


def command_pid(bench, instance):
    """The pid of the serving process itself, below its supervisor."""
    supervisor = bench.compute.poll(instance.run_id).pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
    return int(children.split()[0])


def kill_unnoticed(bench, instance):
    """Kill the serving process and hold the event loop until the kernel has closed its sockets."""
    os.kill(command_pid(bench, instance), signal.SIGKILL)
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(instance.address):
                break
    time.sleep(0.05)


async def test_an_endpoint_comes_up_answers_and_goes(bench):
    assert (await bench.create())["state"] == "creating"
    with pytest.raises(EndpointNotServing):
        await bench.ask(b"echo")
    document = await bench.settled()
    assert (document["state"], document["failure"]) == ("serving", None)
    variant, answer = await bench.ask(b"hello")
    assert (variant, answer.status, answer.body) == ("main", 200, b"hello")
    _, files = await bench.ask(b"model")
    assert files.body == b'["model_algo-1"]'
    await bench.hosting.delete(SCOPE, "e")
    for _ in range(200):
        if bench.hosting._resources.find("endpoint", SCOPE, "e") is None:
            break
        await asyncio.sleep(0.02)
    with pytest.raises(EndpointMissing):
        await bench.ask(b"hello")
    assert list(bench.metadata.scan(INSTANCES)) == []
    assert list((bench.folder / "runs").iterdir()) == []
    assert list((bench.folder / "endpoints").iterdir()) == []


async def test_whoever_reads_serving_is_answered_at_once(bench, monkeypatch):
    resources = bench.hosting._resources
    update = resources.update

    async def written_long_before_it_returns(*args):
        document = await update(*args)
        await asyncio.sleep(0.3)
        return document

    monkeypatch.setattr(resources, "update", written_long_before_it_returns)
    await bench.create()
    await bench.settled()
    _, answer = await bench.ask(b"hello")
    assert answer.body == b"hello"


async def test_what_a_process_prints_is_shipped_once(bench):
    await bench.create()
    await bench.settled()
    await bench.ask(b"hello")
    await bench.hosting.delete(SCOPE, "e")
    await asyncio.gather(*bench.hosting._works.values())
    assert bench.messages() == ["serving", "got 5"]


async def test_a_model_that_is_never_healthy_fails_and_leaves_nothing(bench):
    await bench.create("e", spec(BEHAVIOUR="sick", timeout_s=0.5))
    document = await bench.settled()
    assert document["state"] == "failed"
    assert document["failure"]["kind"] == "unhealthy"
    assert document["failure"]["variant"] == "main"
    assert list(bench.metadata.scan(INSTANCES)) == []


async def test_a_process_that_ends_at_once_fails_soon_and_its_log_is_kept(bench):
    await bench.create("e", spec(BEHAVIOUR="exit", timeout_s=60))
    document = await bench.settled()
    assert document["failure"] == {
        "kind": "exited",
        "variant": "main",
        "detail": "the process ended with exit code 3",
    }
    assert bench.messages() == ["no model here"] * 3


async def test_a_missing_archive_fails_the_endpoint(bench):
    await bench.create("e", spec(archive=("models", "none.tar.gz")))
    document = await bench.settled()
    assert (document["state"], document["failure"]["kind"]) == ("failed", "download")
    assert "none.tar.gz" in document["failure"]["detail"]
    with pytest.raises(EndpointBusy):
        await bench.hosting.update(SCOPE, "e", "other", [spec()])


async def test_a_dead_instance_is_replaced_and_requests_wait_for_it(bench):
    await bench.create()
    await bench.settled()
    first = instances(bench)[0]
    kill_unnoticed(bench, first)
    _, answer = await bench.ask(b"still there?")
    assert answer.body == b"still there?"
    assert instances(bench)[0].id != first.id


async def test_a_request_that_kills_its_process_is_not_made_again(bench):
    await bench.create()
    await bench.settled()
    with pytest.raises(ServerGone):
        await bench.ask(b"die now")
    _, answer = await bench.ask(b"alive")
    assert answer.body == b"alive"
    assert bench.messages().count("got 7") <= 1


async def test_after_a_crash_of_the_platform_the_same_process_goes_on(bench):
    await bench.create()
    await bench.settled()
    await bench.ask(b"before")
    before = instances(bench)[0].id
    hosting = await bench.crash()
    assert await hosting.start() == ["Endpoint e is back: 1 of 1 instances still ran."]
    _, answer = await bench.ask(b"after!!")
    assert answer.body == b"after!!"
    assert instances(bench)[0].id == before
    await hosting.delete(SCOPE, "e")
    await asyncio.gather(*hosting._works.values())
    assert bench.messages() == ["serving", "got 6", "got 7"]


async def test_after_a_crash_of_everything_a_new_process_is_started_from_the_files_kept_here(bench):
    await bench.create()
    await bench.settled()
    os.kill(command_pid(bench, instances(bench)[0]), signal.SIGKILL)
    hosting = await bench.crash()
    bench.objects.kept.clear()
    await hosting.start()
    _, answer = await bench.ask(b"again")
    assert answer.body == b"again"


async def test_a_creation_under_way_is_taken_up_after_a_crash(bench):
    await bench.create("e", spec(BEHAVIOUR="late", LATE_S="1.0"))
    await asyncio.sleep(0.3)
    hosting = await bench.crash()
    await hosting.start()
    assert (await bench.settled())["state"] == "serving"
    _, answer = await bench.ask(b"x")
    assert answer.body == b"x"
    assert len(list(bench.metadata.scan(INSTANCES))) == 1


async def test_closing_ends_the_processes_and_starting_brings_them_back(bench):
    await bench.create()
    await bench.settled()
    run = instances(bench)[0].run_id
    await bench.hosting.close()
    assert bench.compute.poll(run).state in ("exited", "unknown")
    bench.metadata.close()
    hosting = bench.open()
    assert await hosting.start() == ["Endpoint e is back: 1 instance is being started."]
    _, answer = await bench.ask(b"x")
    assert answer.body == b"x"


async def test_an_update_switches_without_a_failed_request(bench):
    await bench.create("e", spec(PREFIX="a"))
    await bench.settled()
    seen, going = [], True

    async def keep_asking():
        while going:
            _, answer = await bench.ask(b"x")
            seen.append(answer.body)
            await asyncio.sleep(0)

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    await bench.hosting.update(SCOPE, "e", "config-2", [spec(PREFIX="b")])
    document = await bench.settled()
    await asyncio.sleep(0.1)
    going = False
    await asyncio.gather(*asking)
    assert (document["state"], document["fleet"]["label"], document["failure"]) == ("serving", "config-2", None)
    switch = seen.index(b"bx")
    assert set(seen[:switch]) == {b"ax"}
    assert seen[-1] == b"bx"
    await asyncio.gather(*bench.hosting._endings)
    assert len(list(bench.metadata.scan(INSTANCES))) == 1


async def test_a_request_under_way_is_finished_by_the_old_fleet(bench):
    await bench.create()
    await bench.settled()
    slow = asyncio.create_task(bench.ask(b"slow 1.5"))
    await asyncio.sleep(0.1)
    await bench.hosting.update(SCOPE, "e", "config-2", [spec(PREFIX="b")])
    await bench.settled()
    _, answer = await slow
    assert answer.body == b"at last"


async def test_a_failed_update_keeps_the_old_fleet(bench):
    await bench.create()
    await bench.settled()
    await bench.hosting.update(SCOPE, "e", "config-2", [spec("worse", BEHAVIOUR="sick", timeout_s=0.4)])
    with pytest.raises(EndpointBusy):
        await bench.hosting.update(SCOPE, "e", "config-3", [spec()])
    document = await bench.settled()
    assert (document["state"], document["fleet"]["label"]) == ("serving", "config")
    assert document["failure"]["variant"] == "worse"
    _, answer = await bench.ask(b"x")
    assert answer.body == b"x"
    assert len(list(bench.metadata.scan(INSTANCES))) == 1


async def test_processes_of_a_fleet_replaced_before_a_crash_are_swept(bench):
    await bench.create()
    await bench.settled()
    old = instances(bench)[0].run_id
    fleet = bench.hosting._fleets[SCOPE, "e"]
    bench.hosting._end = lambda old: None  # The crash comes between the switch and the end of the old fleet.
    await bench.hosting.update(SCOPE, "e", "config-2", [spec()])
    await bench.settled()
    assert fleet.home.owner in {key.rsplit("/", 2)[0] for key, _ in bench.metadata.scan(INSTANCES)}
    hosting = await bench.crash()
    await hosting.start()
    await asyncio.gather(*hosting._endings)
    assert bench.compute.poll(old).state == "unknown"
    assert len(list(bench.metadata.scan(INSTANCES))) == 1


async def test_weights_share_the_traffic_and_a_target_overrides_them(bench):
    await bench.create("e", spec("a", weight=3.0), spec("b", weight=1.0), spec("none", weight=0.0))
    await bench.settled()
    seen = [(await bench.ask(b"x"))[0] for _ in range(400)]
    assert 260 <= seen.count("a") <= 340
    assert seen.count("a") + seen.count("b") == 400
    assert (await bench.ask(b"x", variant="none"))[0] == "none"
    with pytest.raises(VariantMissing):
        await bench.ask(b"x", variant="other")


async def test_counts_and_weights_are_adjusted_in_place(bench):
    await bench.create("e", spec("a"), spec("b"))
    await bench.settled()
    await bench.hosting.adjust(SCOPE, "e", weights={"a": 0.0}, counts={"b": 2})
    document = await bench.settled()
    assert [(one["count"], one["weight"]) for one in document["fleet"]["variants"]] == [(1, 0.0), (2, 1.0)]
    assert bench.hosting.up(SCOPE, "e") == {"a": 1, "b": 2}
    assert {(await bench.ask(b"x"))[0] for _ in range(30)} == {"b"}
    await bench.hosting.adjust(SCOPE, "e", weights={}, counts={"b": 1})
    await bench.settled()
    assert bench.hosting.up(SCOPE, "e") == {"a": 1, "b": 1}
    with pytest.raises(NoTraffic):
        await bench.hosting.adjust(SCOPE, "e", weights={"b": 0.0}, counts={})


async def test_requests_go_to_the_least_busy_instance(bench):
    await bench.create("e", spec(count=2))
    await bench.settled()
    slow = [asyncio.create_task(bench.ask(b"slow 0.5")) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert [one.client.in_flight for one in instances(bench)] == [1, 1]
    await asyncio.gather(*slow)


async def test_a_streamed_answer_comes_in_pieces(bench):
    await bench.create()
    await bench.settled()
    _, answer = await bench.hosting.stream(SCOPE, "e", {}, b"chunks ")
    pieces = [piece async for piece in answer]
    answer.close()
    assert pieces == [b"part-0", b"part-1", b"part-2"]


async def test_a_stream_that_breaks_off_says_so(bench):
    await bench.create()
    await bench.settled()
    _, answer = await bench.hosting.stream(SCOPE, "e", {}, b"chunks broken")
    with pytest.raises(ServerGone):
        [piece async for piece in answer]
    answer.close()


async def test_deleting_an_endpoint_that_is_being_created_ends_its_processes(bench):
    await bench.create("e", spec(BEHAVIOUR="sick", timeout_s=60))
    await asyncio.sleep(0.4)
    await bench.hosting.delete(SCOPE, "e")
    await asyncio.gather(*bench.hosting._works.values())
    assert list(bench.metadata.scan(INSTANCES)) == []
    assert bench.hosting._resources.find("endpoint", SCOPE, "e") is None
