"""Databases, tables and partitions on an embedded store."""

import time

import pytest

from lakemill.engines.catalog import (
    Catalog,
    Column,
    CurrentVersion,
    DatabaseExists,
    DatabaseMissing,
    DefinitionWrong,
    PartitionExists,
    PartitionMissing,
    Partitions,
    Segment,
    TableExists,
    TableMissing,
    VersionMissing,
    VersionStale,
)
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

SCOPE = "123456789012/us-east-1"
KEYS = [{"name": "Day", "type": "string"}, {"name": "n", "type": "int"}]


def definition(name="t", **more):
    columns = [{"name": "Id", "type": "bigint"}, {"name": "v", "type": "string", "comment": "a value"}]
    storage = {
        "columns": columns,
        "location": "s3://b/t/",
        "serde_info": {"serialization_library": "x.Json", "parameters": {"paths": "id"}},
    }
    return {"name": name, "storage_descriptor": storage, "partition_keys": KEYS, "parameters": {"P": "1"}} | more


@pytest.fixture
def metadata(tmp_path):
    store = EmbeddedMetadata(tmp_path / "metadata.sqlite")
    yield store
    store.close()


@pytest.fixture
async def catalog(metadata):
    made = Catalog(metadata, ManualClock())
    await made.create_database(SCOPE, {"name": "Db", "description": "d"}, {"team": "a"})
    await made.create_table(SCOPE, "db", definition(), "ann")
    yield made
    await made.close()


@pytest.fixture
def partitions(catalog):
    return Partitions(catalog)


def part(*values, **more):
    columns = [{"name": "id", "type": "int"}]
    return {"values": list(values), "storage_descriptor": {"columns": columns, "location": "/".join(values)}} | more


def count(metadata, table):
    return sum(1 for _ in metadata.scan(table))


async def test_names_are_in_lower_case_and_found_in_any(catalog):
    await catalog.create_table(SCOPE, "DB", definition("Other"))
    table = catalog.table(SCOPE, "dB", "oTHER")
    assert (table.database, table.name) == ("db", "other")
    assert table.columns == [Column("id", "bigint"), Column("v", "string", "a value")]
    assert [key.name for key in table.partition_keys] == ["day", "n"]
    assert table.parameters == {"P": "1"}
    assert (table.location, table.serde.library, table.serde.parameters) == ("s3://b/t/", "x.Json", {"paths": "id"})


async def test_what_is_there_already_and_what_is_not(catalog):
    with pytest.raises(DatabaseExists):
        await catalog.create_database(SCOPE, {"name": "DB"})
    with pytest.raises(TableExists):
        await catalog.create_table(SCOPE, "db", definition("T"))
    with pytest.raises(DatabaseMissing, match="Database none not found"):
        catalog.table(SCOPE, "none", "t")
    with pytest.raises(TableMissing, match="Table none not found"):
        catalog.table(SCOPE, "db", "none")
    with pytest.raises(DatabaseMissing):
        catalog.table("123456789012/eu-west-1", "db", "t")
    with pytest.raises(DefinitionWrong, match="Duplicate column names: day"):
        await catalog.create_table(SCOPE, "db", definition("u", partition_keys=[KEYS[0], {"name": "DAY"}]))


async def test_lists_go_on_behind_a_name(catalog):
    for name in ("a", "b-2", "b"):
        await catalog.create_database(SCOPE, {"name": name})
        await catalog.create_table(SCOPE, "db", definition(name))
    assert [one.name for one in catalog.databases(SCOPE)] == ["a", "b", "b-2", "db"]
    assert [one.name for one in catalog.databases(SCOPE, "b")] == ["b-2", "db"]
    assert [one.name for one in catalog.tables(SCOPE, "db", "a")] == ["b", "b-2", "t"]


async def test_a_database_is_updated_and_tagged(catalog):
    await catalog.update_database(SCOPE, "DB", {"name": "db", "description": "new"})
    await catalog.tag_database(SCOPE, "db", lambda tags: tags | {"b": "2"})
    found = catalog.database(SCOPE, "db")
    assert (found.definition["description"], found.tags) == ("new", {"team": "a", "b": "2"})
    with pytest.raises(DefinitionWrong):
        await catalog.update_database(SCOPE, "db", {"name": "else"})


async def test_a_table_keeps_its_versions(catalog):
    for number in range(1, 4):
        await catalog.update_table(SCOPE, "db", definition(parameters={"n": str(number)}), archive=number != 2)
    assert catalog.table(SCOPE, "db", "t").version == 3
    assert [one.version for one in catalog.versions(SCOPE, "db", "t")] == [3, 2, 0]
    assert [one.version for one in catalog.versions(SCOPE, "db", "t", 2)] == [0]
    assert catalog.table(SCOPE, "db", "t", "2").parameters == {"n": "2"}
    assert catalog.table(SCOPE, "db", "t", 3).parameters == {"n": "3"}
    for version in ("1", "9", "x"):
        with pytest.raises(VersionMissing):
            catalog.table(SCOPE, "db", "t", version)
    await catalog.delete_version(SCOPE, "db", "t", "0")
    with pytest.raises(VersionMissing):
        await catalog.delete_version(SCOPE, "db", "t", "0")
    with pytest.raises(CurrentVersion):
        await catalog.delete_version(SCOPE, "db", "t", "3")


async def test_an_update_of_an_old_version_is_refused(catalog):
    await catalog.update_table(SCOPE, "db", definition(), expected="0")
    with pytest.raises(VersionStale):
        await catalog.update_table(SCOPE, "db", definition(parameters={}), expected="0")
    assert catalog.table(SCOPE, "db", "t").parameters == {"P": "1"}


async def test_a_deleted_table_takes_everything_with_it(catalog, partitions, metadata):
    await partitions.add(SCOPE, "db", "t", [part(f"d{n}", str(n)) for n in range(1500)])
    await catalog.update_table(SCOPE, "db", definition())
    await catalog.delete_table(SCOPE, "db", "T")
    await catalog.recover()
    for table in ("tables", "versions", "partitions", "values", "schemas", "garbage"):
        assert count(metadata, f"catalog_{table}") == 0
    await catalog.create_table(SCOPE, "db", definition())
    assert await partitions.search(SCOPE, "db", "t") == ([], "")


async def test_a_deleted_database_takes_its_tables_with_it(catalog, partitions, metadata):
    await partitions.add(SCOPE, "db", "t", [part("a", "1")])
    await catalog.delete_database(SCOPE, "db")
    await catalog.recover()
    for table in ("databases", "tables", "versions", "partitions", "values", "garbage"):
        assert count(metadata, f"catalog_{table}") == 0
    await catalog.create_database(SCOPE, {"name": "db"})
    assert list(catalog.tables(SCOPE, "db")) == []


async def test_what_a_crash_left_is_removed_at_the_next_start(catalog, partitions, metadata):
    await partitions.add(SCOPE, "db", "t", [part("a", "1")])
    await catalog.delete_table(SCOPE, "db", "t")
    await catalog.close()  # Before anything was removed.
    assert count(metadata, "catalog_partitions") == 1
    await Catalog(metadata, ManualClock()).recover()
    assert count(metadata, "catalog_partitions") == 0


async def test_tables_are_deleted_all_or_none(catalog):
    with pytest.raises(TableMissing):
        await catalog.delete_tables(SCOPE, "db", ["t", "none"])
    assert catalog.table(SCOPE, "db", "t")


async def test_partitions_are_added_each_if_it_can_be(catalog, partitions):
    done = await partitions.add(SCOPE, "db", "t", [part("a", "1"), part("a", "1"), part("a"), part("b", "2")])
    assert [type(one) for one in done] == [type(None), PartitionExists, DefinitionWrong, type(None)]
    found = partitions.find(SCOPE, "db", "t", [["a", "1"], ["x", "1"]])
    assert found[0].location == "a/1" and found[1] is None
    done = await partitions.remove(SCOPE, "db", "t", [["a", "1"], ["a", "1"]])
    assert [type(one) for one in done] == [type(None), PartitionMissing]


async def test_a_partition_may_get_other_values(catalog, partitions):
    await partitions.add(SCOPE, "db", "t", [part("a", "1"), part("b", "2")])
    changes = [(["a", "1"], part("c", "3")), (["b", "2"], part("c", "3")), (["x", "1"], part("x", "1"))]
    done = await partitions.update(SCOPE, "db", "t", changes)
    assert [type(one) for one in done] == [type(None), PartitionExists, PartitionMissing]
    found, _ = await partitions.search(SCOPE, "db", "t")
    assert [one.values for one in found] == [("b", "2"), ("c", "3")]


async def test_partitions_keep_their_columns_when_the_tables_change(catalog, partitions, metadata):
    other = part("b", "2", storage_descriptor={"columns": [{"name": "Other", "type": "date"}]})
    await partitions.add(SCOPE, "db", "t", [part("a", "1"), part("a", "2"), other, {"values": ["c", "3"]}])
    await catalog.update_table(SCOPE, "db", definition(storage_descriptor={"columns": []}))
    found, _ = await partitions.search(SCOPE, "db", "t")
    columns = [[column.name for column in one.columns] for one in found]
    assert columns == [["id"], ["id"], ["other"], []]
    assert count(metadata, "catalog_schemas") == 2


async def test_values_may_hold_any_character(catalog, partitions):
    odd = ["a\x01b", "a%", "a%25", "a/b=c", "\x02", "é", "a"]
    await partitions.add(SCOPE, "db", "t", [part(value, "1") for value in odd])
    for value in odd:
        assert partitions.find(SCOPE, "db", "t", [[value, "1"]])[0].values == (value, "1")
    found, _ = await partitions.search(SCOPE, "db", "t", "day = 'a%'")
    assert [one.values[0] for one in found] == ["a%"]
    found, _ = await partitions.search(SCOPE, "db", "t", "day >= 'a%'")
    assert {one.values[0] for one in found} == {value for value in odd if value >= "a%"}


async def test_pages_and_segments_cover_every_partition_once(catalog, partitions):
    await partitions.add(SCOPE, "db", "t", [part(f"d{n:03}", str(n)) for n in range(250)])
    seen = []
    for number in range(3):
        after = ""
        while True:
            found, after = await partitions.search(
                SCOPE, "db", "t", "n < 200", after=after, limit=40, segment=Segment(number, 3)
            )
            seen += [int(one.values[1]) for one in found]
            if not after:
                break
    assert sorted(seen) == list(range(200))


async def test_partition_keys_stay_while_there_are_partitions(catalog, partitions):
    await partitions.add(SCOPE, "db", "t", [part("a", "1")])
    with pytest.raises(DefinitionWrong, match="while the table has partitions"):
        await catalog.update_table(SCOPE, "db", definition(partition_keys=KEYS[:1]))
    await catalog.update_table(SCOPE, "db", definition(partition_keys=[KEYS[0], {"name": "n", "type": "bigint"}]))


async def test_a_condition_on_very_many_partitions_is_quick(catalog, partitions):
    for start in range(0, 10_000, 2000):
        chunk = [part(f"d{n % 100:03}", str(n)) for n in range(start, start + 2000)]
        await partitions.add(SCOPE, "db", "t", chunk)
    began = time.process_time()
    found, after = await partitions.search(SCOPE, "db", "t", "n >= 9000 and day <> 'd000'")
    assert (len(found), after) == (990, "")
    whole = time.process_time() - began
    began = time.process_time()
    found, _ = await partitions.search(SCOPE, "db", "t", "day = 'd007' and n > 100")
    assert len(found) == 99
    assert time.process_time() - began < 2 * whole
