"""What a statement may ask of catalog and lake."""

import json

import pytest
from tests.unit.engines.queries.conftest import SCOPE, Rights

from lakemill.engines.objects import ObjectMissing

DATABASE = {"ask": "create_database", "with": {"definition": {"Name": "d"}}}
COLUMNS = [{"Name": "a", "Type": "int"}]
TABLE = {"Name": "t", "StorageDescriptor": {"Columns": COLUMNS, "SerdeInfo": {"Parameters": {"field.Delim": ","}}},
         "PartitionKeys": [{"Name": "k", "Type": "string"}]}  # fmt: skip
PARTITION = {"Values": ["x"], "StorageDescriptor": {"Location": "s3://lake/t/k=x/", "Columns": COLUMNS}}
END = {"outcome": {"result": "answers"}}
PLACE = {"database": "d", "table": "t"}


def ask(question, **arguments):
    return {"ask": question, "with": arguments}


@pytest.fixture
def answers(run, objects):
    """The answers to questions, as the process got them."""

    async def answers(*steps, rights=None):
        done = await run(*steps, END, rights=rights)
        assert done.state == "SUCCEEDED", done.reason
        said = json.loads(objects.read(objects.head("lake", done.location.removeprefix("s3://lake/"))))
        return [one.get("answer") if "answer" in one else one["refused"] for one in said]

    return answers


async def test_the_catalog_is_told_in_the_spelling_of_its_api(answers):
    *_, table, databases, tables = await answers(
        DATABASE,
        ask("create_table", database="d", definition=TABLE),
        ask("table", database="d", name="T"),
        ask("databases"),
        ask("tables", database="d"),
    )
    assert table["StorageDescriptor"] == TABLE["StorageDescriptor"]
    assert table["CreatedBy"].endswith(":root")
    assert [one["Name"] for one in databases] == ["d"]
    assert tables == [table]


async def test_partitions_are_added_changed_found_and_dropped(answers):
    said = await answers(
        DATABASE,
        ask("create_table", database="d", definition=TABLE),
        ask("add_partitions", **PLACE, definitions=[PARTITION, PARTITION, {"Values": ["y"]}]),
        ask("partitions", **PLACE, expression="k = 'x'"),
        ask("update_partition", **PLACE, values=["y"], definition={"Values": ["y"], "Parameters": {"n": "1"}}),
        ask("drop_partitions", **PLACE, values=[["x"]]),
        ask("partitions", **PLACE, expression=None),
        ask("drop_partitions", **PLACE, values=[["x"]]),
    )
    assert said[2] == [None, "AlreadyExistsException", None]
    assert said[3][0]["StorageDescriptor"]["Location"] == "s3://lake/t/k=x/"
    assert [(one["Values"], one["Parameters"]) for one in said[6]] == [(["y"], {"n": "1"})]
    assert said[7] == {"code": "EntityNotFoundException", "message": "Cannot find partition."}


async def test_a_table_is_made_with_its_first_partitions_or_not_at_all(answers, catalog):
    create = ask("create_table", database="d", definition=TABLE, partitions=[PARTITION, PARTITION])
    *_, refused = await answers(DATABASE, create)
    assert refused["code"] == "AlreadyExistsException"
    assert list(catalog.tables(SCOPE, "d")) == []
    create["with"]["partitions"] = [PARTITION, {"Values": ["y"]}]
    _, found = await answers(create, ask("partitions", **PLACE, expression=None))
    assert [one["Values"] for one in found] == [["x"], ["y"]]


@pytest.mark.parametrize(
    ("question", "refused"),
    [
        (ask("table", database="d", name="t"), ("EntityNotFoundException", "Database d not found.")),
        (ask("objects", location="s3://none/"), ("NoSuchBucket", "The specified bucket does not exist")),
        (ask("objects", location="hdfs://x"), ("InvalidInputException", "hdfs://x is no location of the form s3://")),
        (ask("fetch", uris=["s3://lake/none"]), ("NoSuchKey", "The specified key does not exist: s3://lake/none")),
        (ask("store", path="/etc/passwd", uri="s3://lake/x"), ("InvalidInputException", "/etc/passwd is no file of")),
        (ask("store", path="../x", uri="s3://lake/x"), ("InvalidInputException", "../x is no file of")),
        (ask("elope"), ("InvalidInputException", "There is no question elope.")),
        (ask("table", name="t"), ("InvalidInputException", "table: missing a required argument: 'database'")),
    ],
)
async def test_what_cannot_be_answered_is_refused(answers, question, refused):
    (said,) = await answers(question)
    assert said["code"] == refused[0]
    assert said["message"].startswith(refused[1])


async def test_a_database_that_is_not_empty_is_dropped_with_its_tables_only_if_told_so(answers, catalog):
    create = ask("create_table", database="d", definition=TABLE)
    *_, refused = await answers(DATABASE, create, ask("drop_database", name="d", cascade=False))
    assert refused["message"] == "Database d is not empty. One or more tables exist."
    assert await answers(ask("drop_database", name="d", cascade=True)) == [None]
    assert list(catalog.databases(SCOPE)) == []


async def test_objects_are_listed_a_page_at_a_time_and_linked(answers, objects, monkeypatch):
    monkeypatch.setattr("lakemill.engines.queries.objectside.PAGE", 2)
    for number in range(3):
        objects.upload_bytes("lake", f"t/{number}.csv", b"x" * 20_000)
    first, second, third, paths = await answers(
        ask("objects", location="s3://lake/t/"),
        ask("objects", location="s3://lake/t/", after="s3://lake/t/1.csv"),
        ask("objects", location="s3://lake/t/", after="s3://lake/t/2.csv"),
        ask("fetch", uris=["s3://lake/t/2.csv", "s3://lake/t/0.csv", "s3://lake/t/2.csv"]),
    )
    listed = [[one["uri"].rpartition("/")[2] for one in page["objects"]] for page in (first, second, third)]
    assert listed == [["0.csv", "1.csv"], ["2.csv"], []]
    assert [page["more"] for page in (first, second, third)] == [True, False, False]
    assert first["objects"][0]["size"] == 20_000
    assert [path.rpartition("-")[2] for path in paths] == ["2.csv", "0.csv", "2.csv"]
    assert paths[0] == paths[2]


@pytest.mark.parametrize(
    ("deed", "question"),
    [
        ("table", ask("table", database="d", name="t")),
        ("drop_table", ask("drop_table", database="d", name="t")),
        ("list", ask("objects", location="s3://lake/")),
        ("read", ask("fetch", uris=["s3://lake/there"])),
        ("remove", ask("remove", uris=["s3://lake/there"])),
    ],
)
async def test_what_the_caller_may_not_is_refused(answers, objects, deed, question):
    objects.upload_bytes("lake", "there", b"x")
    (said,) = await answers(question, rights=Rights(deed))
    assert said["code"] == "AccessDenied"
    assert objects.head("lake", "there").size == 1


async def test_what_a_failed_statement_wrote_is_taken_back_and_nothing_else(run, objects, catalog):
    await catalog.create_database(SCOPE, {"name": "d"})
    await catalog.create_table(SCOPE, "d", {"name": "old"})
    objects.upload_bytes("lake", "t/old", b"before")
    done = await run(
        {"file": "part", "content": "x"},
        ask("store", path="part", uri="s3://lake/t/new"),
        ask("store", path="part", uri="s3://lake/t/old"),
        ask("create_table", database="d", definition={"Name": "old"}),
        ask("create_table", database="d", definition={"Name": "new"}),
        {"failed": {"message": "no"}},
    )
    assert done.state == "FAILED"
    assert [one.name for one in catalog.tables(SCOPE, "d")] == ["old"]
    assert objects.head("lake", "t/old").size == 1
    with pytest.raises(ObjectMissing):
        objects.head("lake", "t/new")


async def test_a_statement_leaves_no_files(run, tmp_path):
    await run({"file": "r", "content": "x"}, {"failed": {"message": "no"}})
    assert list((tmp_path / "queries").iterdir()) == []


FAILS = {"failed": {"message": "it fails", "category": 2}}
STORED = ({"file": "x", "content": "1"}, ask("store", path="x", uri="s3://lake/t/x"))


def is_there(objects, key):
    try:
        objects.head("lake", key)
    except ObjectMissing:
        return False
    return True


async def test_what_a_conditional_change_has_taken_over_stays(answers, run, catalog, objects):
    await answers(DATABASE, ask("create_table", database="d", definition=TABLE))
    moved = TABLE | {"Parameters": {"metadata_location": "s3://lake/t/x"}}
    change = ask("update_table", database="d", definition=moved, expected="0")
    done = await run(*STORED, change, FAILS)
    assert done.state == "FAILED" and is_there(objects, "t/x")
    assert catalog.table(SCOPE, "d", "t").definition["parameters"] == {"metadata_location": "s3://lake/t/x"}
    assert [one.version for one in catalog.versions(SCOPE, "d", "t")] == [1]

    *_, refused = await answers(ask("update_table", database="d", definition=TABLE, expected="0"))
    assert refused["code"] == "ConcurrentModificationException"
    later = {"file": "y", "content": "2"}
    await run(later, ask("store", path="y", uri="s3://lake/t/y"), change, FAILS)
    assert is_there(objects, "t/x") and not is_there(objects, "t/y")


async def test_a_table_goes_with_what_is_below_its_location(answers, objects, catalog):
    await answers(DATABASE, ask("create_table", database="d", definition=TABLE), *STORED)
    drop = ask("drop_table", database="d", name="t", location="s3://lake/t/")
    (refused,) = await answers(drop, rights=Rights("remove"))
    assert refused["code"] == "AccessDenied" and is_there(objects, "t/x")
    (refused,) = await answers(drop | {"with": drop["with"] | {"location": "s3://lake/"}})
    assert refused["code"] == "InvalidInputException"
    await answers(drop)
    assert not is_there(objects, "t/x") and list(catalog.tables(SCOPE, "d")) == []


async def test_what_a_dropped_table_left_is_removed_by_whoever_ends_the_statement(answers, run, objects, catalog):
    await answers(DATABASE, ask("create_table", database="d", definition=TABLE), *STORED)
    drop = ask("drop_table", database="d", name="t", location="s3://lake/t/")
    await run(drop, *STORED, FAILS)
    assert not is_there(objects, "t/x")


async def test_a_table_gets_another_name_at_once(answers, catalog):
    await answers(DATABASE, ask("create_table", database="d", definition=TABLE, partitions=[PARTITION]))
    rename = ask("rename_table", database="d", name="t", to_database="d", definition=TABLE | {"Name": "other"})
    assert await answers(rename) == [None]
    _, found = await answers(rename, ask("partitions", database="d", table="other", expression=None))
    assert [one["Values"] for one in found] == [["x"]]
    assert [one.name for one in catalog.tables(SCOPE, "d")] == ["other"]


async def test_objects_are_checked_for_whoever_reads_them_in_the_callers_name(answers):
    asked = ask("check", uris=["s3://lake/a", "s3://lake/b"])
    assert await answers(asked) == [None]
    (refused,) = await answers(asked, rights=Rights("read"))
    assert refused == {"code": "AccessDenied", "message": "not allowed: read lake/a"}
