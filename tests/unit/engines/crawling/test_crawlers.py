"""Crawlers with a clock that is held: schedules, ends, interruptions, and tables written step by step."""

import asyncio
import json

import pytest

from lakemill.engines.catalog import Catalog, Partitions
from lakemill.engines.crawling import (
    COMPLETED,
    FAILED,
    READY,
    STOPPED,
    CrawlerRunning,
    Crawlers,
    CrawlFailed,
    Plan,
    Target,
)
from lakemill.engines.crawling import sampling as sampling_module
from lakemill.engines.crawling import writing as writing_module
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

SCOPE = "000000000000/us-east-1"
MORNING = 1_706_695_200  # 2024-01-31 10:00 UTC


class Site:
    """Stores and crawlers over one folder; `again` is a platform that was killed and started anew."""

    def __init__(self, folder):
        self.folder, self.clock = folder, ManualClock(MORNING)
        self.again()

    def again(self):
        self.metadata = EmbeddedMetadata(self.folder / "m.sqlite", self.clock)
        self.objects = Objects(self.metadata, EmbeddedBlobs(self.folder / "blobs"), self.clock)
        self.catalog = Catalog(self.metadata, self.clock)
        self.loglines = LogLines(self.metadata, self.clock)
        self.crawlers = Crawlers(self.metadata, self.objects, self.catalog, self.loglines, self.clock)
        self.crawlers.use(self.plan)
        self.refused = set()
        self.options = {}

    def plan(self, document):
        return Plan(
            document["name"],
            SCOPE,
            "lake",
            tuple(Target("lake", prefix) for prefix in document["definition"]["prefixes"]),
            lambda action, resource, context=None: "It may not." if action in self.refused else None,
            **self.options,
        )

    async def fill(self, *keys, **fields):
        if not self.objects.buckets.owned_by("000000000000"):
            await self.objects.buckets.create("lake", "000000000000", "us-east-1")
        for key in keys:
            await self.objects.put("lake", key, json.dumps(fields or {"a": 1}).encode())

    async def crawl(self, name="c"):
        await self.crawlers.start(SCOPE, name)
        await self.crawlers.settle()
        return self.crawlers.get(SCOPE, name)

    async def values(self, table):
        found, _ = await Partitions(self.catalog).search(SCOPE, "lake", table)
        return [one.values[0] for one in found]

    async def close(self):
        await self.crawlers.close()
        await self.catalog.close()
        self.objects.close()
        self.metadata.close()


@pytest.fixture
async def site(tmp_path):
    made = Site(tmp_path)
    await made.fill("t/d=1/x.json", "t/d=2/x.json")
    await made.crawlers.create(SCOPE, "c", {"prefixes": ["t/"]}, "cron(30 * * * ? *)", {})
    yield made
    await made.close()


async def test_a_schedule_is_kept(site):
    await site.crawlers.tick()
    assert site.crawlers.get(SCOPE, "c")["last"] is None
    site.clock.advance(31 * 60)
    await site.crawlers.tick()
    await site.crawlers.settle()
    assert site.crawlers.get(SCOPE, "c")["last"]["state"] == COMPLETED
    await site.crawlers.tick()
    site.clock.advance(20 * 60)
    await site.crawlers.tick()
    assert len(list(site.crawlers.history.newest(SCOPE, "c"))) == 1
    await site.crawlers.stop_schedule(SCOPE, "c")
    site.clock.advance(3600)
    await site.crawlers.tick()
    assert site.crawlers.get(SCOPE, "c")["state"] == READY


async def test_a_crawl_that_was_cut_off_has_failed_and_left_nothing(site, monkeypatch):
    await site.crawl()
    await site.fill(*(f"t/d={number}/x.json" for number in range(10, 40)))
    monkeypatch.setattr(writing_module, "BATCH", 5)
    reached, add = asyncio.Event(), Partitions.add
    calls = []

    async def slow(self, *given):
        calls.append(given)
        if len(calls) == 3:
            reached.set()
            await asyncio.Event().wait()
        return await add(self, *given)

    monkeypatch.setattr(Partitions, "add", slow)
    await site.crawlers.start(SCOPE, "c")
    await asyncio.wait_for(reached.wait(), 30)
    assert len(await site.values("t")) == 12
    await site.close()
    monkeypatch.setattr(Partitions, "add", add)
    site.again()
    said = await site.crawlers.start_all()
    assert said == ["crawler c was interrupted; it can be started again"]
    document = site.crawlers.get(SCOPE, "c")
    assert (document["state"], document["last"]["state"]) == (READY, FAILED)
    assert "interrupted" in document["last"]["error"]
    assert await site.values("t") == ["1", "2"]
    document = await site.crawl()
    assert document["last"]["state"] == COMPLETED
    assert len(await site.values("t")) == 32


async def test_it_is_stopped_between_two_steps(site, monkeypatch):
    reached, go_on = asyncio.Event(), asyncio.Event()
    look = sampling_module.Sampler.look

    async def waiting(self, *given):
        reached.set()
        await go_on.wait()
        return await look(self, *given)

    monkeypatch.setattr(sampling_module.Sampler, "look", waiting)
    await site.crawlers.start(SCOPE, "c")
    await asyncio.wait_for(reached.wait(), 30)
    with pytest.raises(CrawlerRunning):
        await site.crawlers.start(SCOPE, "c")
    with pytest.raises(CrawlerRunning):
        await site.crawlers.update(SCOPE, "c", lambda definition: definition)
    await site.crawlers.stop(SCOPE, "c")
    go_on.set()
    await site.crawlers.settle()
    assert site.crawlers.get(SCOPE, "c")["last"]["state"] == STOPPED
    assert list(site.catalog.tables(SCOPE, "lake")) == []


@pytest.mark.parametrize(
    "action",
    ["s3:ListBucket", "s3:GetObject", "glue:CreateDatabase", "glue:CreateTable", "glue:BatchCreatePartition"],
)
async def test_what_the_role_may_not_do_fails_the_crawl(site, action):
    site.refused = {action}
    last = (await site.crawl())["last"]
    assert last["state"] == FAILED
    assert last["error"].startswith("Access denied to") and last["error"].endswith("It may not.")


async def test_a_role_that_may_not_log_crawls_without_a_log(site):
    site.refused = {"logs:PutLogEvents"}
    assert (await site.crawl())["last"]["state"] == COMPLETED
    assert list(site.loglines.groups(SCOPE)) == []


async def test_a_plan_that_cannot_be_made_fails_the_crawl(site):
    def refuse(document):
        raise CrawlFailed("Classifier with name x does not exist")

    site.crawlers.use(refuse)
    assert (await site.crawl())["last"]["error"] == "Classifier with name x does not exist"


async def test_a_table_of_that_name_that_is_not_ours_is_left_alone(site):
    await site.catalog.create_database(SCOPE, {"name": "lake"})
    theirs = {"name": "t", "parameters": {"mine": "yes"}, "storage_descriptor": {"location": "s3://lake/t/"}}
    await site.catalog.create_table(SCOPE, "lake", theirs)
    await site.crawl()
    names = [one.name for one in site.catalog.tables(SCOPE, "lake")]
    assert names[0] == "t" and len(names) == 2 and names[1].startswith("t_")
    await site.crawl()
    assert [one.name for one in site.catalog.tables(SCOPE, "lake")] == names
    assert site.catalog.table(SCOPE, "lake", "t").parameters == {"mine": "yes"}


async def test_tables_of_one_name_in_several_places(site):
    await site.fill("u/t/x.json", b=1)
    await site.crawlers.update(SCOPE, "c", lambda definition: {"prefixes": ["t/", "u/"]})
    await site.crawl()
    locations = {one.name: one.location for one in site.catalog.tables(SCOPE, "lake")}
    assert locations["t"] == "s3://lake/t/"
    assert sorted(locations.values()) == ["s3://lake/t/", "s3://lake/u/t/"]


async def test_changes_are_only_logged_where_that_is_wanted(site):
    await site.crawl()
    site.options = {"on_change": "log", "on_missing": "log"}
    await site.fill("t/d=3/x.json", a=1, b="x")
    await site.objects.delete("lake", "t/d=1/x.json")
    await site.crawl()
    assert [one.name for one in site.catalog.table(SCOPE, "lake", "t").columns] == ["a"]
    assert await site.values("t") == ["1", "2", "3"]


async def test_other_partition_keys_replace_the_partitions(site):
    await site.crawl()
    for number in (1, 2):
        await site.objects.delete("lake", f"t/d={number}/x.json")
    await site.fill("t/y=1/m=1/x.json", "t/y=1/m=2/x.json")
    await site.crawl()
    table = site.catalog.table(SCOPE, "lake", "t")
    assert [one.name for one in table.partition_keys] == ["y", "m"]
    assert await site.values("t") == ["1", "1"]


async def test_where_only_columns_are_added_everything_else_stays(site):
    site.options = {"add_columns_only": True}
    await site.crawl()
    definition = site.catalog.table(SCOPE, "lake", "t").definition
    storage = definition["storage_descriptor"] | {"columns": [{"name": "a", "type": "int", "comment": "why"}]}
    keys = [{"name": "day_number", "type": "int"}]
    await site.catalog.update_table(SCOPE, "lake", definition | {"partition_keys": keys, "storage_descriptor": storage})
    await site.fill("t/d=3/x.json", a=1, b="x", c=2.5)
    await site.crawl()
    table = site.catalog.table(SCOPE, "lake", "t")
    assert [(one.name, one.type) for one in table.partition_keys] == [("day_number", "int")]
    assert [(one.name, one.comment) for one in table.columns] == [("a", "why"), ("b", ""), ("c", "")]
    assert await site.values("t") == ["1", "2", "3"]


async def test_a_target_may_be_a_file(site):
    await site.fill("u/one.json", b=1)
    await site.fill("u/two.json", c=1)
    await site.crawlers.update(SCOPE, "c", lambda definition: {"prefixes": ["u/one.json/"]})
    await site.crawl()
    (table,) = site.catalog.tables(SCOPE, "lake")
    assert (table.name, table.location, table.parameters["objectCount"]) == ("one_json", "s3://lake/u/one.json", "1")
    await site.crawl()
    assert [one.name for one in site.catalog.tables(SCOPE, "lake")] == ["one_json"]


async def test_targets_may_lie_in_each_other(site):
    await site.crawlers.update(SCOPE, "c", lambda definition: {"prefixes": ["t/", ""]})
    await site.crawl()
    assert [one.name for one in site.catalog.tables(SCOPE, "lake")] == ["t"]


async def test_an_update_removes_what_no_crawler_set(site):
    await site.crawl()
    definition = site.catalog.table(SCOPE, "lake", "t").definition
    await site.catalog.update_table(
        SCOPE, "lake", definition | {"description": "mine", "parameters": {"UPDATED_BY_CRAWLER": "c", "mine": "yes"}}
    )
    await site.crawl()
    table = site.catalog.table(SCOPE, "lake", "t")
    assert "mine" not in table.parameters and "description" not in table.definition


async def test_a_table_whose_format_changed_is_deprecated_where_only_columns_are_added(site):
    site.options = {"add_columns_only": True}
    await site.crawl()
    for number in (1, 2):
        await site.objects.put("lake", f"t/d={number}/x.json", b"a,b\n1,2\n3,4\n")
    await site.crawl()
    table = site.catalog.table(SCOPE, "lake", "t")
    assert "DEPRECATED_BY_CRAWLER" in table.parameters
    assert table.parameters["classification"] == "json"
