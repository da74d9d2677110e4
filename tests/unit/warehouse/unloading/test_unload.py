import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.unloading import statement
from tests.unit.warehouse.lakework import refused

CASES = yaml.safe_load((Path("tests/cases/warehouse") / "unload.yaml").read_text())
REFUSED = yaml.safe_load((Path("tests/cases/warehouse") / "refused.yaml").read_text())
ROW = """1, 'x,"y"', 1.5, '2020-01-02', '2020-01-02 03:04:05', true, 1.5, JSON_PARSE('{"k":[1]}')"""


@pytest.fixture
def table(site):
    columns = "a integer, b varchar(50), c decimal(5,2), d date, e timestamp, f boolean, g double precision, h super"
    site.make("t", columns)
    site.run(f"INSERT INTO t VALUES ({ROW}), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    return site


def unloaded(site, query, options=""):
    text = query.replace("'", "''")
    return site.run(f"UNLOAD ('{text}') TO 's3://lake/out/x_' IAM_ROLE 'arn:aws:iam::1:role/r' {options}")


def files(site):
    root = site.lake.root / "lake" / "out"
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_files_are_those_of_the_case(table, case):
    unloaded(table, case["query"], case.get("options", ""))
    assert {name: path.read_text() for name, path in files(table).items()} == case["files"]


@pytest.mark.parametrize(
    "case", [one for one in REFUSED if one["statement"].startswith("unload")], ids=lambda one: one["statement"]
)
def test_what_cannot_be_is_refused_by_name(table, case):
    table.lake.put("s3://lake/t/one", b"1|x\n")
    with pytest.raises(SqlFailed) as failed:
        table.run(case["statement"])
    assert (failed.value.code, failed.value.message[: len(case["message"])]) == (case["code"], case["message"])
    assert files(table) == {}


def test_parquet_has_the_types_of_the_columns(table):
    unloaded(table, "select * from t order by a", "format as parquet")
    found = pq.read_table(files(table)["x_0000_part_00.parquet"])
    told = ["int32", "string", "decimal128(5, 2)", "date32[day]", "timestamp[us]", "bool", "double", "string"]
    assert [str(field.type) for field in found.schema] == told
    assert found.column("b").to_pylist() == ['x,"y"', None]
    assert found.column("h").to_pylist() == ['{"k":[1]}', None]


def test_no_rows_of_parquet_are_a_file_with_the_columns(table):
    unloaded(table, "select a from t where a > 5", "parquet")
    assert pq.read_table(files(table)["x_0000_part_00.parquet"]).schema.names == ["a"]


def test_partitions_of_parquet(table):
    unloaded(table, "select a, b, d from t", "parquet partition by (d, a)")
    assert sorted(files(table)) == [
        "x_d=2020-01-02/a=1/0000_part_00.parquet",
        "x_d=__HIVE_DEFAULT_PARTITION__/a=2/0000_part_00.parquet",
    ]


def test_a_query_in_dollar_quotes(table):
    table.run("unload ($$select b from t where b like 'x%'$$) to 's3://lake/out/x_' iam_role default")
    assert files(table)["x_0000_part_00"].read_text() == 'x,"y"\n'


def test_a_file_is_no_larger_than_allowed(site):
    site.make("t", "a varchar(1000)")
    site.run(f"INSERT INTO t VALUES ('{'x' * 900}')")
    for _ in range(13):
        site.run("INSERT INTO t SELECT a FROM t")
    unloaded(site, "select a from t", "maxfilesize 5 mb")
    sizes = [files(site)[f"x_0000_part_0{number}"].stat().st_size for number in range(2)]
    assert sum(sizes) == 8192 * 901
    assert max(sizes) <= 5 << 20


@pytest.mark.parametrize(("option", "end"), [("gzip", ".gz"), ("bzip2", ".bz2"), ("zstd", ".zst")])
def test_packed_files_can_be_loaded_again(table, option, end):
    unloaded(table, "select a, b from t", f"addquotes escape null as '@' {option} manifest")
    assert sorted(files(table)) == [f"x_0000_part_00{end}", "x_manifest"]
    table.make("u", "a integer", "b varchar(50)")
    options = f"removequotes escape null as '@' {option}"
    table.run(f"copy u from 's3://lake/out/x_manifest' iam_role default manifest {options}")
    assert sorted(table.rows("u")) == [(1, 'x,"y"'), (2, None)]


def test_a_verbose_manifest_tells_columns_and_counts(table):
    unloaded(table, "select a, b, c from t", "csv manifest verbose")
    document = json.loads(files(table)["x_manifest"].read_text())
    size = files(table)["x_0000_part_00"].stat().st_size
    assert document["entries"] == [
        {"url": "s3://lake/out/x_0000_part_00", "meta": {"content_length": size, "record_count": 2}}
    ]
    assert document["schema"]["elements"][1:] == [
        {"name": "b", "type": {"base": "character varying", "max_length": 50}},
        {"name": "c", "type": {"base": "numeric", "precision": 5, "scale": 2}},
    ]
    assert document["meta"] == {"content_length": size, "record_count": 2}


def test_files_that_are_there_stay_unless_the_command_says_so(table):
    unloaded(table, "select a from t where a = 1")
    with pytest.raises(SqlFailed, match="is not empty"):
        unloaded(table, "select a from t")
    unloaded(table, "select a from t where a = 2", "allowoverwrite")
    assert files(table)["x_0000_part_00"].read_text() == "2\n"
    table.lake.put("s3://lake/out/x_0000_part_07", b"old")
    unloaded(table, "select a from t where a = 1", "cleanpath")
    assert sorted(files(table)) == ["x_0000_part_00"]


def test_cleanpath_leaves_partitions_that_get_nothing(table):
    unloaded(table, "select a, d from t", "csv partition by (d)")
    table.lake.put("s3://lake/out/x_d=2020-01-02/old", b"old")
    unloaded(table, "select a, d from t where a = 1", "csv partition by (d) cleanpath")
    assert sorted(files(table)) == ["x_d=2020-01-02/0000_part_00", "x_d=__HIVE_DEFAULT_PARTITION__/0000_part_00"]


def test_what_was_stored_is_taken_back_when_it_fails(table):
    store, calls = table.lake.store, []

    def failing(path, uri):
        calls.append(uri)
        if len(calls) == 2:
            raise refused("AccessDenied")
        store(path, uri)

    table.lake.store = failing
    with pytest.raises(SqlFailed, match="S3ServiceException:Access Denied"):
        unloaded(table, "select a, d from t", "csv partition by (d)")
    assert len(calls) == 2
    assert files(table) == {}


def test_a_query_that_fails_stores_nothing(table):
    with pytest.raises(SqlFailed):
        unloaded(table, "select 1 / (a - 1) from t")
    assert files(table) == {}


def test_counts_are_told(table):
    result = unloaded(table, "select a from t")
    assert (result.tag, result.rows) == ("UNLOAD", 2)
    assert result.notices == ["INFO:  UNLOAD completed, 2 record(s) unloaded successfully."]
    assert table.told("stl_unload_log", "path, line_count, transfer_size") == [("s3://lake/out/x_0000_part_00", 2, 4)]


def test_the_newer_system_view_tells_it_too(table):
    unloaded(table, "select a from t")
    found = table.rows("select unloaded_rows, unloaded_files_count from sys_unload_history order by query_id desc")
    assert found[0] == (2, 1)


def test_encryption_without_a_key_is_told_to_be_none(table):
    told = unloaded(table, "select a from t", "parquet encrypted").notices
    assert told[0] == "WARNING:  ENCRYPTED has no effect: objects are not encrypted at rest"


def test_sizes_have_units():
    text = "unload ('select 1') to 's3://b/x' iam_role default parquet maxfilesize as 1.5 gb rowgroupsize 64 mb"
    parsed = statement.parse(text)
    assert (parsed.file_bytes_max, parsed.group_bytes) == (1536 << 20, 64 << 20)


def test_names_whose_case_counts_are_those_of_columns_in_files(site):
    site.run("set enable_case_sensitive_identifier to on")
    try:
        site.run('create table "Goods" ("itemName" varchar(9), "Price" int)')
        site.lake.put("s3://lake/in/1.json", b'{"itemName": "tea", "Price": 2}\n{"itemname": "lost", "Price": 3}\n')
        site.run("copy \"Goods\" from 's3://lake/in/' iam_role default json 'auto'")
        unloaded(site, 'select "Price", "itemName" from "Goods" order by "Price"', "header parallel off")
        (path,) = files(site).values()
        assert path.read_text() == "Price|itemName\n2|tea\n3|\n"
        unloaded(site, 'select "Price", "itemName" from "Goods"', 'parquet partition by ("Price") allowoverwrite')
        assert any("Price=2" in name for name in files(site))
    finally:
        site.run("reset enable_case_sensitive_identifier")
        site.clear()
