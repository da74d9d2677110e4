import itertools
from pathlib import Path

import duckdb
import pytest

from lakemill.lakesql import execution
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.errors import of_duckdb
from lakemill.lakesql.interface import Failure, Statement
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import Meter
from tests.unit.lakesql.folder_lake import FolderLake


@pytest.fixture
def lake(tmp_path):
    lake = FolderLake(tmp_path / "lake")
    (tmp_path / "lake" / "lake").mkdir()
    return lake


@pytest.fixture
def carried(lake, tmp_path):
    """Carry out a statement: its Outcome or Failure."""
    numbers = itertools.count()

    def carry_out(text, **kwargs):
        folder = str(tmp_path / f"statement{next(numbers)}")
        return execution.carry_out(Statement(text=text, dialect="athena", folder=folder, **kwargs), lake)

    return carry_out


@pytest.fixture
def rows(carried):
    """The lines of a result, without its header."""

    def lines(text, **kwargs):
        outcome = carried(text, **kwargs)
        assert not isinstance(outcome, Failure), outcome.message
        with open(outcome.result, newline="") as file:
            found = file.read().split("\n")
        assert found.pop() == ""
        return found[1:] if outcome.form == "csv" else found

    return lines


@pytest.fixture
def failure(carried):
    """The message of a statement that fails."""

    def message(text, **kwargs):
        outcome = carried(text, **kwargs)
        assert isinstance(outcome, Failure), outcome
        return outcome.message

    return message


@pytest.fixture
def values(lake, tmp_path):
    """The rows of a query as tuples of Python's values, and how many bytes were read in `values.bytes`."""
    numbers = itertools.count()

    def run(text, database="default"):
        statement = Statement(text=text, dialect="athena", folder=str(tmp_path / f"query{next(numbers)}"))
        Path(statement.folder).mkdir()
        meter = Meter()
        with Query(statement, lake, meter) as query:
            query.plan(athena.parse(text).tree)
            try:
                with query.watching():
                    found = [tuple(row.values()) for row in query.reader().read_all().to_pylist()]
            except duckdb.Error as wrong:
                raise of_duckdb(wrong) from None
        run.bytes = meter.bytes
        return found

    return run
