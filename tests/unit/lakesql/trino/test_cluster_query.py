"""Statements whose queries a cluster runs, in this process."""

import itertools
from pathlib import Path

import pytest

from lakemill.lakesql import execution
from lakemill.lakesql.interface import Cluster, Failure, LakeRefused, Statement
from tests.trino_server import TrinoServer
from tests.unit.lakesql.folder_lake import FolderLake

CATALOG = "lakehouse"


@pytest.fixture(scope="module")
def trino():
    with TrinoServer(None, CATALOG) as server:
        yield server


@pytest.fixture
def lake(tmp_path, trino):
    lake = trino.lake = FolderLake(tmp_path / "lake")
    trino.statements.clear()
    lake.put("s3://lake/t/1.csv", b"".join(b"%d,%d\n" % (n, n % 7) for n in range(20)))
    storage = {
        "Columns": [{"Name": "n", "Type": "int"}, {"Name": "g", "Type": "int"}],
        "Location": "s3://lake/t/",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ","},
        },
    }
    lake.create_table("default", {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage})
    lake.calls.clear()
    return lake


@pytest.fixture
def carried(lake, trino, tmp_path):
    numbers = itertools.count()

    def carry_out(text, base=trino.base, **given):
        cluster = Cluster(base=base, catalog=CATALOG, user="arn:aws:iam::000000000000:user/ada", id="e1")
        folder = str(tmp_path / f"statement{next(numbers)}")
        return execution.carry_out(
            Statement(text=text, dialect="athena", folder=folder, cluster=cluster, **given), lake
        )

    return carry_out


@pytest.fixture
def fails(carried):
    def message(text, **given):
        outcome = carried(text, **given)
        assert isinstance(outcome, Failure), outcome
        return outcome.message

    return message


def test_a_query_is_checked_planned_and_run(carried, lake, trino):
    outcome = carried("SELECT sum(n) AS s /* all */ FROM AwsDataCatalog.default.t WHERE g = ?", parameters=["3"])
    assert Path(outcome.result).read_text() == '"s"\n"30"\n'
    assert [one.text.split("\n")[0][:8] for one in trino.statements] == ["EXPLAIN ", "SELECT s"]
    assert trino.statements[1].text == 'SELECT sum(n) AS s           FROM "lakehouse".default.t WHERE g = 3'
    assert [one.ended for one in trino.statements] == ["FINISHED", "FINISHED"]
    assert (outcome.scanned_bytes, outcome.queued_ms, outcome.planning_ms) == (90, 7, 13)
    asked = {name: arguments for name, arguments, _ in lake.calls}
    assert asked["check"] == (["s3://lake/t/1.csv"],)
    assert "/v1/statement/executing/" in asked["began_at"][0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * FROM system.runtime.queries", "CATALOG_NOT_FOUND: line 1:15: Catalog 'system' does not exist"),
        ("SELECT * FROM TABLE(other.system.query('SELECT 1'))", "FUNCTION_NOT_FOUND"),
        ("INSERT INTO t SELECT * FROM other.d.t", "CATALOG_NOT_FOUND"),
        ("CREATE VIEW v AS SELECT * FROM other.d.t", "CATALOG_NOT_FOUND"),
        ("EXPLAIN ANALYZE SELECT * FROM other.d.t", "CATALOG_NOT_FOUND"),
        ("CALL system.runtime.kill_query('x')", "NOT_SUPPORTED"),
        ("SET SESSION query_max_run_time = '1h'", "NOT_SUPPORTED"),
        ("USE other.d", "NOT_SUPPORTED"),
        ("GRANT SELECT ON t TO USER x", "NOT_SUPPORTED"),
        ("SELECT 1; SELECT 2", "SYNTAX_ERROR"),
        ("SELECT ?", "INVALID_PARAMETER_USAGE"),
    ],
)
def test_what_must_not_reach_the_cluster_does_not(fails, trino, text, reason):
    parameters = ["(SELECT max(n) FROM t)"] if "?" in text else []
    assert fails(text, parameters=parameters).startswith(reason)
    assert trino.statements == []


def test_a_comment_hides_nothing(carried, fails, trino):
    carried("SELECT 1 AS one -- UNION ALL SELECT n FROM t\n")
    assert all("UNION" not in one.text for one in trino.statements)
    assert fails("SELECT 1 /* /* */ FROM system.runtime.queries -- */ */").startswith("CATALOG_NOT_FOUND")


def test_a_table_that_the_cluster_would_read_unchecked_is_refused(fails, trino):
    trino.hidden_reads.append(("default", "secret"))
    try:
        message = fails("SELECT n FROM t")
    finally:
        trino.hidden_reads.clear()
    assert (
        message
        == "PERMISSION_DENIED: Access Denied: the cluster would read lakehouse.default.secret, which was not checked"
    )
    assert len(trino.statements) == 1


def test_what_the_caller_may_not_see_is_not_asked_for(fails, lake, trino):
    lake.refused["check"] = LakeRefused("AccessDenied", "Access Denied")
    assert fails("SELECT n FROM t").startswith(
        "PERMISSION_DENIED: Access Denied (Service: Amazon S3; Status Code: 403)"
    )
    lake.refused = {"table": LakeRefused("AccessDeniedException", "not authorized to perform: glue:GetTable")}
    assert "glue:GetTable" in fails("SELECT n FROM t")
    assert trino.statements == []


def test_all_that_is_below_projected_partitions_is_checked(carried, lake, trino):
    table = lake.table("default", "t")
    storage = table["StorageDescriptor"] | {"Location": "s3://lake/p/"}
    parameters = {
        **{"projection.enabled": "true", "projection.k.type": "injected"},
        "storage.location.template": "s3://lake/p/${k}/",
    }
    keys = [{"Name": "k", "Type": "string"}]
    lake.create_table(
        "default", table | {"Name": "p", "StorageDescriptor": storage, "Parameters": parameters, "PartitionKeys": keys}
    )
    lake.put("s3://lake/p/a/1.csv", b"1,2\n")
    lake.put("s3://lake/p/b/1.csv", b"3,4\n")
    assert Path(carried("SELECT n FROM p WHERE k = 'b'").result).read_text() == '"n"\n"3"\n'
    assert ("check", (["s3://lake/p/a/1.csv", "s3://lake/p/b/1.csv"],), {}) in lake.calls


def test_what_a_view_reads_is_checked_too(carried, fails, lake, trino):
    carried("CREATE VIEW v AS SELECT n AS m FROM t")
    assert trino.statements[-1].text.startswith("SELECT * FROM (\n") and trino.statements[-1].text.endswith("LIMIT 0")
    lake.calls.clear()
    assert Path(carried("SELECT max(m) AS x FROM v").result).read_text() == '"x"\n"19"\n'
    assert ("check", (["s3://lake/t/1.csv"],), {}) in lake.calls


def test_rows_become_tables_and_names_that_nobody_gave_are_none(carried, fails, lake):
    made = "CREATE TABLE {} WITH (external_location = 's3://lake/{}/') AS SELECT {} FROM {}"
    outcome = carried(made.format("x", "x", "n AS _col0, g", "t"))
    assert (outcome.updated, len(outcome.manifest), outcome.scanned_bytes) == (20, 1, 90)
    assert carried(made.format("y", "y", "*", "x")).updated == 20
    columns = lake.catalog["default"]["y"]["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": "_col0", "Type": "int"}, {"Name": "g", "Type": "int"}]
    assert fails(made.format("z", "z", "n + 1", "t")).startswith(
        "MISSING_COLUMN_NAME: line 1:1: Column name not specified"
    )


def test_errors_are_in_the_words_and_places_of_the_statement(carried, fails, lake):
    assert (
        fails("SELECT nope FROM awsdatacatalog.default.t")
        == "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"
    )
    text = "UNLOAD (SELECT n,\n nope FROM t) TO 's3://lake/u/'"
    assert fails(text).startswith("COLUMN_NOT_FOUND: line 2:2: ")
    lake.put("s3://lake/t/2.csv", b"1,0\n")
    failed = carried("SELECT 1 / (n - n) AS x FROM t")
    assert (failed.message[:16], failed.category, failed.type) == ("DIVISION_BY_ZERO", 2, 1006)
    assert not (lake.root / "lake" / "u").exists()


def test_a_cut_off_by_the_cluster_is_one(carried, lake):
    failed = carried("SELECT n FROM t", scan_bytes_max=80)
    assert failed.message == "BYTES_SCANNED_LIMIT: Bytes scanned limit was exceeded"


def test_a_cluster_that_is_busy_is_asked_again(carried, trino):
    trino.busy = 2
    assert carried("SELECT 1 AS one").rows == 1


def test_a_cluster_that_is_not_there_fails_the_statement(carried, trino):
    failed = carried("SELECT 1", base="http://127.0.0.1:1")
    assert failed.message == (
        "GENERIC_INTERNAL_ERROR: Trino at http://127.0.0.1:1 does not answer as it should: "
        "Failed to establish a new connection: [Errno 111] Connection refused"
    )
    assert (failed.category, failed.type, failed.retryable) == (1, 200, True)


def test_a_query_whose_rows_are_not_wanted_any_more_is_ended(fails, lake, trino):
    lake.put("s3://lake/there/1", b"x")
    fails("CREATE TABLE x WITH (external_location = 's3://lake/there/') AS SELECT 1 AS flowing")
    assert trino.statements[-1].deleted.is_set()


def test_hive_ddl_and_the_catalog_stay_here(carried, trino):
    assert carried("SHOW TABLES").kind == "UTILITY"
    outcome = carried("SELECT table_name FROM information_schema.tables")
    assert Path(outcome.result).read_text() == '"table_name"\n"t"\n'
    assert trino.statements == []
