import itertools

import pytest

from lakemill.lakesql import execution
from lakemill.lakesql.interface import Failure, Statement
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
