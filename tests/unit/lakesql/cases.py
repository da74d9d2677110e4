"""Statements with their answers, as tests/cases/lakesql/README.md describes them."""

from dataclasses import dataclass, field

import pytest


@dataclass
class Case:
    sql: str = ""
    rows: list[str] = field(default_factory=list)
    types: str = ""
    error: str = ""


def read(path):
    """Every case of a file, with the line it begins at."""
    case, began = Case(), 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], start=1):
        if line.startswith("=> "):
            case.rows.append(line[3:])
        elif line.startswith("=! "):
            case.error = line[3:]
        elif line.startswith("=: "):
            case.types = line[3:]
        elif line == "=0" or line.startswith("-- "):
            continue
        elif line:
            began = began or number
            case.sql += line + "\n"
        elif case.sql:
            yield pytest.param(case, id=f"{path.stem}-{began}")
            case, began = Case(), 0
