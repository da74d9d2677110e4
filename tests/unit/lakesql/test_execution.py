from pathlib import Path

import pytest

from lakemill.lakesql import execution
from lakemill.lakesql.interface import Failure, LakeRefused, Outcome, Statement


@pytest.fixture
def table(lake, rows):
    lake.put("s3://lake/t/1.csv", b"".join(b"%d,%d\n" % (n, n % 7) for n in range(20_000)))
    rows("CREATE EXTERNAL TABLE t (n int, g int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/t/'")


def test_rows_come_in_the_order_that_is_asked_for(table, rows):
    assert rows("SELECT n FROM t ORDER BY n DESC") == [f'"{n}"' for n in range(19_999, -1, -1)]
    assert rows("SELECT g, count(*) AS c FROM t GROUP BY g HAVING g > 4 ORDER BY g") == ['"5","2857"', '"6","2857"']


def test_a_table_may_be_read_in_several_places(table, rows):
    text = "WITH s AS (SELECT n FROM t WHERE g = 1) SELECT count(*) AS c FROM s AS a JOIN s AS b ON a.n = b.n "
    text += "JOIN t ON t.n = a.n"
    assert rows(text) == ['"2857"']


def test_outcomes_tell_what_was_read_and_how_long_it_took(table, carried, lake):
    outcome = carried("SELECT count(*) AS c FROM t")
    assert isinstance(outcome, Outcome)
    assert outcome.scanned_bytes == lake.path("s3://lake/t/1.csv").stat().st_size
    assert (outcome.kind, outcome.substatement, outcome.form, outcome.rows) == ("DML", "SELECT", "csv", 1)
    assert [(column.name, column.type) for column in outcome.columns] == [("c", "bigint")]
    assert 0 <= outcome.planning_ms < 60_000 and 0 <= outcome.execution_ms < 60_000
    assert not Path(outcome.result).parent.joinpath("spill").exists()


def test_more_bytes_than_allowed_end_a_statement(table, carried):
    failed = carried("SELECT n FROM t", scan_bytes_max=1000)
    assert isinstance(failed, Failure) and failed.message == "BYTES_SCANNED_LIMIT: Bytes scanned limit was exceeded"
    assert failed.scanned_bytes > 1000


def test_what_the_catalog_refuses_is_a_failure(lake, table, failure):
    lake.refused["table"] = LakeRefused("AccessDeniedException", "not authorized to perform: glue:GetTable")
    assert "not authorized to perform: glue:GetTable" in failure("SELECT n FROM t")


def test_what_s3_refuses_is_a_failure(lake, table, failure):
    lake.refused["fetch"] = LakeRefused("AccessDenied", "Access Denied")
    assert failure("SELECT n FROM t").startswith("PERMISSION_DENIED: Access Denied (Service: Amazon S3")
    lake.refused["objects"] = LakeRefused("AccessDenied", "Access Denied")
    assert failure("SELECT n FROM t").startswith("PERMISSION_DENIED: Access Denied (Service: Amazon S3")


def test_a_table_of_an_unknown_serde_is_refused_by_its_name(lake, failure):
    descriptor = {
        "Columns": [{"Name": "a", "Type": "int"}],
        "Location": "s3://lake/x/",
        "SerdeInfo": {"SerializationLibrary": "x.Y"},
    }
    lake.put("s3://lake/x/1", b"x")
    lake.create_table("default", {"Name": "x", "StorageDescriptor": descriptor})
    assert "'x.Y'" in failure("SELECT a FROM x")


def test_explain_tells_the_plan_and_analyze_runs_it(table, rows, carried):
    assert carried("EXPLAIN SELECT count(*) AS n FROM t").kind == "UTILITY"
    assert any("STREAM" in line or "ARROW_SCAN" in line for line in rows("EXPLAIN SELECT sum(n) AS n FROM t"))
    assert any("Total Time" in line for line in rows("EXPLAIN ANALYZE SELECT count(*) AS n FROM t"))


def test_products_of_decimals_that_need_more_than_64_bits(table, rows):
    factor = "CAST(n + 99999999999980000 AS decimal(18,0))"
    assert rows(f"SELECT max({factor} * {factor}), sum({factor} * 2) AS s FROM t WHERE n = 19999") == [
        f'"{99999999999999999**2}","{2 * 99999999999999999}"'
    ]


def test_parameters_stand_for_question_marks(table, rows, failure):
    assert rows("SELECT n FROM t WHERE n = ? OR n = ? ORDER BY n", parameters=["7", "9"]) == ['"7"', '"9"']
    assert "expected 1 but found 2" in failure("SELECT n FROM t WHERE n = ?", parameters=["7", "9"])


def test_failures_tell_their_kind_and_whether_they_could_be_parsed(table, carried):
    failed = carried("SELECT n FROM t GROUP BY g")
    assert (failed.kind, failed.substatement, failed.at_start) == ("DML", "SELECT", False)
    assert carried("SELEC n FROM t").at_start and carried("SELECT n FROM").at_start
    assert carried("CREATE TABLE w AS SELECT x FROM t").substatement == "CREATE_TABLE_AS_SELECT"


def test_other_dialects_are_refused_by_name(lake, tmp_path):
    statement = Statement(text="SELECT 1", dialect="redshift", folder=str(tmp_path / "s"))
    assert execution.carry_out(statement, lake).message == "NOT_SUPPORTED: The dialect 'redshift' is not supported"


def test_information_schema_tells_what_the_catalog_holds(table, carried, rows):
    carried("CREATE VIEW v AS SELECT n FROM t")
    assert rows("SELECT schema_name FROM information_schema.schemata") == ['"default"']
    listed = rows("SELECT table_name, table_type FROM information_schema.tables ORDER BY 1")
    assert listed == ['"t","BASE TABLE"', '"v","VIEW"']
    told = rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 't' ORDER BY 1")
    assert told == ['"g","integer"', '"n","integer"']
    assert rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'nope'") == []
