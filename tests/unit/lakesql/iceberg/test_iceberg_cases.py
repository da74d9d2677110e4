"""Runs of statements, from tests/cases/iceberg."""

import csv
from pathlib import Path

import pytest

from lakemill.lakesql.interface import Failure

FOLDER = Path(__file__).parent.parent.parent.parent / "cases" / "iceberg"


def blocks(path):
    """Of each statement: its text, and the marks and texts of what it answers."""
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.strip().splitlines() if not line.startswith("-- ")]
        text = "\n".join(line for line in lines if not line.startswith("="))
        yield text, [(line[:2], line[3:]) for line in lines if line.startswith("=")]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_statements_do_what_their_file_says(path, carried):
    for text, answers in blocks(path):
        outcome = carried(text)
        wanted = dict(answers)
        if "=!" in wanted:
            assert isinstance(outcome, Failure), text
            assert outcome.message.startswith(wanted["=!"]), (text, outcome.message)
            continue
        assert not isinstance(outcome, Failure), (text, outcome.message)
        if "=#" in wanted:
            assert outcome.updated == int(wanted["=#"]), text
        rows = [row for mark, row in answers if mark == "=>"]
        if rows:
            with open(outcome.result, newline="") as file:
                assert [",".join(row) for row in list(csv.reader(file))[1:]] == rows, text
