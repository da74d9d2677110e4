"""Sessions of Hive's statements and their answers, from tests/cases/lakesql/hive."""

import json

import pytest

from lakemill.lakesql.interface import Failure
from tests.unit.lakesql.test_dialect_cases import FOLDER, read

FILES = json.loads((FOLDER / "hive" / "files.json").read_text())


@pytest.mark.parametrize("path", sorted((FOLDER / "hive").glob("*.sql")), ids=lambda path: path.stem)
def test_session(path, lake, carried):
    for key, text in FILES.items():
        lake.put(f"s3://lake/{key}", text.encode())
    for place in read(path):
        case = place.values[0]
        outcome = carried(case.sql)
        if isinstance(outcome, Failure):
            assert case.fails and outcome.message.startswith(case.error), f"{place.id}: {outcome.message}"
            continue
        assert not case.fails, f"{place.id} did not fail"
        with open(outcome.result) as file:
            lines = [line.rstrip() for line in file.read().splitlines()]
        assert lines[outcome.form == "csv" :] == [row.rstrip() for row in case.rows], place.id
