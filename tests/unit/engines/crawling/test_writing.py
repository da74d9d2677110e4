"""What a crawl writes into the catalog is there as a whole or not at all, wherever it is cut off."""

import pytest

from lakemill.engines.catalog import Catalog, Partitions, take_all_back
from lakemill.engines.crawling import DELETE, CrawlFailed, Plan, Target
from lakemill.engines.crawling import writing as writing_module
from lakemill.engines.crawling.folders import Folder
from lakemill.engines.crawling.grouping import Found, Leaf
from lakemill.engines.crawling.plan import Seen
from lakemill.engines.crawling.writing import Writer
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

SCOPE = "000000000000/us-east-1"
PLAN = Plan("c", SCOPE, "lake", (Target("lake", ""),), lambda *_, **__: None, on_missing=DELETE)
TABLES = (
    *("catalog_tables", "catalog_versions", "catalog_partitions", "catalog_values", "catalog_statistics"),
    *("catalog_garbage", "catalog_undo"),
)


class Killed(BaseException):
    """Nothing after it is carried out."""


class Cut:
    """A store of which the transaction of a number does not come about: with Killed, or as if its disk were full."""

    def __init__(self, store, number, error):
        self._store, self._left, self._error = store, number, error

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def transact(self, work):
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._error is Killed):
            raise self._error
        return await self._store.transact(work)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(writing_module, "BATCH", 3)
    made = EmbeddedMetadata(tmp_path / "m.sqlite")
    yield made
    made.close()


def found(name, columns, days, keys=("day",)):
    """A table with a partition for each day; `days` tells how many bytes each has."""
    seen = Seen(classification="json", columns=tuple((one, "int") for one in columns))
    values = {day: (day,) if len(keys) == 1 else tuple(day.split("/")) for day in days}
    leaves = [Leaf(f"{name}/{day}/", 1, size, seen, values[day]) for day, size in days.items()]
    return Target("lake", ""), Found(Folder(name, f"{name}/"), seen, list(keys), leaves)


FIRST = [
    found("changed", ["a"], {f"{day:02}": 10 for day in range(8)}),
    found("gone", ["a"], {"01": 10}),
    found("regrouped", ["a"], {f"{day:02}": 10 for day in range(5)}),
    found("same", ["a"], {"01": 10}),
]
SECOND = [
    found("changed", ["a", "b"], {f"{day:02}": 20 for day in range(4, 16)}),
    found("fresh", ["a"], {f"{day:02}": 10 for day in range(7)}),
    found("regrouped", ["a"], {f"2024/{day:02}": 10 for day in range(5)}, keys=("year", "day")),
    found("same", ["a"], {"01": 10}),
]


async def write(store, what):
    writer = Writer(PLAN, Catalog(store, ManualClock(1_706_695_200)), lambda line: None, lambda: None)
    await writer.begin()
    await writer.write(what)
    return writer.counts


def rows(store):
    return {table: list(store.scan(table)) for table in TABLES}


def seen(store):
    """What a reader sees of each table: its version, columns, and the values of its partitions."""
    catalog = Catalog(store, ManualClock(0))
    return {
        one.name: (one.version, [column.name for column in one.columns], sum(table == one.id for table in ids(store)))
        for one in catalog.tables(SCOPE, "lake")
    }


def ids(store):
    return [key.split("\x01")[0] for key, _ in store.scan("catalog_partitions")]


async def tidied(store):
    await take_all_back(store)
    await Catalog(store, ManualClock(0)).recover()
    return rows(store)


async def test_the_second_crawl_changes_all_there_is(store):
    await write(store, FIRST)
    assert seen(store) == {
        **{"changed": (0, ["a"], 8), "gone": (0, ["a"], 1), "regrouped": (0, ["a"], 5), "same": (0, ["a"], 1)}
    }
    counts = await write(store, SECOND)
    assert seen(store) == {
        **{"changed": (1, ["a", "b"], 12), "fresh": (0, ["a"], 7), "regrouped": (1, ["a"], 5), "same": (0, ["a"], 1)}
    }
    assert (counts.created, counts.updated, counts.deleted) == (1, 2, 1)
    assert (counts.partitions_created, counts.partitions_updated, counts.partitions_deleted) == (20, 4, 4)
    assert list(store.scan("catalog_undo")) == []


@pytest.mark.parametrize("error", [Killed, OSError])
async def test_wherever_it_is_cut_off_nothing_of_it_stays(store, error):
    await write(store, FIRST)
    before = await tidied(store)
    cut = 0
    while True:
        cut += 1
        try:
            await write(Cut(store, cut, error), SECOND)
        except error:
            assert await tidied(store) == before
            continue
        break
    assert cut > 20
    assert "fresh" in seen(store)


async def test_a_new_table_is_seen_when_its_partitions_are_there(store):
    states = []

    class Watched(Cut):
        async def transact(self, work):
            done = await self._store.transact(work)
            states.append(seen(self._store).get("fresh") if "lake" in databases(self._store) else None)
            return done

    await write(Watched(store, 0, None), SECOND)
    assert {one for one in map(str, states)} == {"None", str((0, ["a"], 7))}


def databases(store):
    return [one.name for one in Catalog(store, ManualClock(0)).databases(SCOPE)]


async def test_what_others_have_changed_meanwhile_is_theirs(store):
    await write(store, FIRST)
    catalog = Catalog(store, ManualClock(0))
    partitions = Partitions(catalog)

    def refuse(action, resource, context=None):
        return "It may not." if action == "glue:DeleteTable" else None

    plan = Plan("c", SCOPE, "lake", (Target("lake", ""),), refuse, on_missing=DELETE)
    writer = Writer(plan, catalog, lambda line: None, lambda: None)
    missing = writer._missing

    async def meddle():
        table = catalog.table(SCOPE, "lake", "fresh")
        await catalog.update_table(SCOPE, "lake", table.definition | {"description": "ours"})
        changed = catalog.table(SCOPE, "lake", "changed")
        await partitions.add(SCOPE, "lake", "changed", [{"values": ["99"], "storage_descriptor": changed.storage}])
        await partitions.remove(SCOPE, "lake", "changed", [["05"]])

    async def last(table):
        await meddle()
        await missing(table)

    writer._missing = last
    with pytest.raises(CrawlFailed, match="It may not"):
        await writer.write(SECOND)
    await catalog.recover()
    assert seen(store) == {
        **{"changed": (0, ["a"], 8), "fresh": (1, ["a"], 7), "gone": (0, ["a"], 1)},
        **{"regrouped": (0, ["a"], 5), "same": (0, ["a"], 1)},
    }
    (added,) = partitions.find(SCOPE, "lake", "changed", [["99"]])
    assert [one.name for one in added.columns] == ["a", "b"]
    await catalog.close()
