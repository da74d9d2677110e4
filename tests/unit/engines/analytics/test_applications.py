"""Applications: versions, states, and work that goes on."""

import os
import signal

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator

from lakemill.engines.analytics import (
    LAST,
    OLDEST,
    ApplicationBusy,
    CodeInvalid,
    PartMissing,
    StaleVersion,
    part_of,
)
from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.engines.streams import Put
from tests.unit.engines.analytics.site import CODE, DOCUMENT, HERE, Site, until


@pytest.fixture
async def site(tmp_path):
    made = Site(tmp_path)
    await made.begin()
    for name in ("in", "out"):
        await made.streams.create(HERE, name)
    yield made
    await made.end()


async def running(site, name="a", document=DOCUMENT):
    made = await site.analytics.create(HERE, name, document, {})
    await site.analytics.start(HERE, name, {made["inputs"][0]["id"]: OLDEST})
    return await site.status(name, "running")


async def test_changes_make_versions_whose_parts_have_ids(site):
    analytics = site.analytics
    await analytics.create(HERE, "a", {"code": "", "inputs": [{"from": "in"}]}, {"t": "1"})
    with pytest.raises(ResourceExists):
        await analytics.create(HERE, "a", {}, {})
    made = await analytics.change(HERE, "a", lambda one: one["outputs"].append({"to": "out", "stream": "D"}), 1)
    assert (made["version"], made["inputs"][0]["id"], made["outputs"][0]["id"]) == (2, "1.1", "2.1")
    with pytest.raises(StaleVersion, match="current version is 2, not 1"):
        await analytics.change(HERE, "a", lambda one: None, 1)
    with pytest.raises(PartMissing):
        await analytics.change(HERE, "a", lambda one: one["outputs"].remove(part_of(one, "outputs", "9.9")))
    with pytest.raises(CodeInvalid):
        await analytics.change(HERE, "a", lambda one: one.update(code="SELECT"))
    assert [one["version"] for one in analytics.versions(HERE, "a")] == [1, 2]
    assert analytics.version(HERE, "a", 1)["outputs"] == []
    with pytest.raises(ResourceMissing):
        analytics.version(HERE, "a", 3)
    with pytest.raises(ApplicationBusy, match="is ready"):
        await analytics.stop(HERE, "a")
    await analytics.delete(HERE, "a")
    await until(lambda: analytics.resources.find("analytics-application", HERE, "a") is None)
    assert list(analytics.resources.all("analytics-version", HERE)) == []


async def test_a_stop_keeps_the_position_and_forgets_the_state(site):
    document = await running(site)
    await site.put("a", "b")
    assert await site.rows(2) == ['{"k":"a","seen":1}', '{"k":"b","seen":2}']
    with pytest.raises(ApplicationBusy):
        await site.analytics.start(HERE, "a", {})
    await site.analytics.stop(HERE, "a")
    await site.status("a", "ready")
    await site.put("c")
    await site.analytics.start(HERE, "a", {document["inputs"][0]["id"]: LAST})
    assert (await site.rows(3))[2:] == ['{"k":"c","seen":1}']


async def test_a_restart_of_the_platform_keeps_the_state_too(site):
    await running(site)
    await site.put("a")
    await site.rows(1)
    await site.end()
    assert await site.begin() == ["Application 000000000000/us-east-1/a: goes on from its last checkpoint."]
    await site.put("b")
    assert await site.rows(2) == ['{"k":"a","seen":1}', '{"k":"b","seen":2}']


async def test_another_output_keeps_the_state_and_other_code_does_not(site):
    await running(site)
    await site.put("a")
    await site.rows(1)
    await site.streams.create(HERE, "more")
    await site.analytics.change(HERE, "a", lambda one: one["outputs"].append({"to": "more", "stream": "D"}))
    await site.status("a", "running")
    await site.put("b")
    assert await site.rows(1, "more") == ['{"k":"b","seen":2}']
    await site.analytics.change(HERE, "a", lambda one: one.update(code=CODE.replace("999", "998")))
    await site.status("a", "running")
    await site.put("c")
    assert (await site.rows(2, "more"))[1:] == ['{"k":"c","seen":1}']


async def test_rows_wait_for_their_destination(site):
    await site.streams.delete(HERE, "out")
    await running(site)
    await site.put("a", "b")
    await until(lambda: site.said)
    assert site.said[0][0] == "ERROR"
    assert "out" in site.analytics.fault(site.analytics.get(HERE, "a"))
    await until(lambda: site.streams.find(HERE, "out") is None)
    await site.streams.create(HERE, "out")
    assert await site.rows(2) == ['{"k":"a","seen":1}', '{"k":"b","seen":2}']


async def test_what_may_not_be_read_is_told_once_and_read_when_it_may_be(site):
    site.refusal = "no policy allows it"
    document = await running(site)
    await until(lambda: site.said)
    assert site.said == [("ERROR", "input S: no policy allows it")]
    await site.put("a")
    site.refusal = None
    assert await site.rows(1) == ['{"k":"a","seen":1}']
    await until(lambda: site.said[1:] == [("INFO", "The application works again.")])
    assert site.analytics.fault(document) is None


async def test_a_worker_that_is_killed_is_told_and_followed_by_another(site):
    document = await running(site)
    await site.put("a")
    await site.rows(1)
    os.kill(site.analytics._runners[document["id"]].worker.pid, signal.SIGKILL)
    await until(lambda: site.said)
    assert site.said == [("ERROR", "the worker process ended with signal SIGKILL")]
    await site.put("b")
    rows: list[str] = []
    while '{"k":"b","seen":2}' not in rows:  # The first may come twice.
        rows = await site.rows(len(rows) + 1)
    assert set(rows) == {'{"k":"a","seen":1}', '{"k":"b","seen":2}'}


async def test_records_that_a_producer_packed_together_are_taken_apart(site):
    await running(site)
    packer = RecordAggregator()
    for key in "abc":
        packer.add_user_record(key, b'{"k": "%s"}' % key.encode())
    key, _, data = packer.clear_and_get().get_contents()
    await site.streams.put(HERE, "in", [Put(key, data)])
    assert await site.rows(3) == ['{"k":"a","seen":1}', '{"k":"b","seen":2}', '{"k":"c","seen":3}']


async def test_an_output_of_no_stream_is_told(site):
    await running(site, document=DOCUMENT | {"outputs": [{"to": "out", "stream": "NOPE"}]})
    assert site.said == [("ERROR", "The code has no stream NOPE for the output of this name.")]


async def test_an_application_that_cannot_begin_can_be_stopped(site):
    document = DOCUMENT | {"references": [{"table": "T"}]}
    made = await site.analytics.create(HERE, "a", document, {})
    await site.analytics.start(HERE, "a", {made["inputs"][0]["id"]: OLDEST})
    await until(lambda: site.said)
    assert site.said == [("ERROR", "the object does not exist")]
    assert site.analytics.get(HERE, "a")["status"] == "starting"
    await site.analytics.stop(HERE, "a")
    await site.status("a", "ready")
