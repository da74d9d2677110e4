from pathlib import Path

import pytest

from lakemill.lakesql.interface import Failure, Outcome, Statement
from tests.unit.lakesql.folder_lake import FolderLake
from tests.unit.lakesql.process import Process


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """One for all: what a statement does must not be felt by the next."""
    lake = FolderLake(tmp_path_factory.mktemp("process") / "lake")
    with Process(lake) as process:
        yield process


@pytest.fixture
def lake(process):
    return process.lake


def statement(tmp_path, text, memory_mib=512):
    return Statement(text=text, dialect="athena", folder=str(tmp_path / "s"), memory_mib=memory_mib)


def test_a_process_carries_out_one_statement_after_another(process, lake, tmp_path):
    lake.put("s3://lake/t/1.csv", b"1,x\n2,y\n")
    text = "CREATE EXTERNAL TABLE t (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/t/'"
    assert process.carry_out(statement(tmp_path, text)).kind == "DDL"
    failed = process.carry_out(statement(tmp_path, "SELECT * FROM absent"))
    assert isinstance(failed, Failure) and failed.message.startswith("TABLE_NOT_FOUND:")
    done = process.carry_out(statement(tmp_path, "SELECT count(*) AS n FROM t"))
    assert isinstance(done, Outcome) and Path(done.result).read_text() == '"n"\n"2"\n'
    assert done.scanned_bytes == 8


def test_a_statement_that_needs_too_much_memory_fails_alone(process, tmp_path):
    numbers = "UNNEST(sequence(1, 9000))"
    big = f"SELECT array_agg(a * b) AS l FROM {numbers} AS t (a) CROSS JOIN {numbers} AS u (b)"
    failed = process.carry_out(statement(tmp_path, big, memory_mib=128))
    assert isinstance(failed, Failure) and failed.message.startswith("EXCEEDED_MEMORY_LIMIT"), failed
    assert isinstance(process.carry_out(statement(tmp_path, "SELECT 1 AS one")), Outcome)


def test_a_message_that_is_no_statement_is_a_failure(process):
    process._send({"statement": {"nothing": 1}})
    from lakemill.formats.messages import read_message

    assert "GENERIC_INTERNAL_ERROR" in read_message(process.process.stdout.read)["failed"]["message"]


def test_a_process_that_is_killed_while_it_stores_leaves_no_table(tmp_path):
    with Process(FolderLake(tmp_path / "lake")) as process:
        (tmp_path / "lake" / "lake").mkdir()
        process.killed_at = "store"
        text = "CREATE TABLE w WITH (external_location = 's3://lake/w/') AS SELECT 1 AS a"
        with pytest.raises(AssertionError, match="the process ended"):
            process.carry_out(statement(tmp_path, text))
        assert process.lake.catalog["default"] == {}
