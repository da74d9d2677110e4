"""What is added to a connection before translated statements run: the macros of `prelude.sql`, and a function."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def statements(package: str = "lakemill.lakesql.dialects") -> list[str]:
    """A CREATE MACRO for each of a package's `prelude.sql`."""
    text = files(package).joinpath("prelude.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [f"CREATE OR REPLACE MACRO {macro.strip()}" for macro in "\n".join(lines).split(";\n") if macro.strip()]


def add_functions(connection: Any) -> None:
    """Functions that cannot be written in SQL. They take and give whole columns."""
    from duckdb.sqltypes import VARCHAR

    connection.create_function("json_sorted", _sorted, [VARCHAR], VARCHAR, type="arrow", side_effects=False)


def _sorted(column: Any) -> Any:
    """JSON texts without blanks, the names in objects in order."""
    import pyarrow

    done = []
    for text in column.to_pylist():
        value = None if text is None else json.loads(text)
        done.append(
            None if text is None else json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        )
    return pyarrow.array(done, pyarrow.string())
