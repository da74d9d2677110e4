"""What is added to a connection before translated statements run: the macros of `prelude.sql`, and a function."""

import json
import re
from collections.abc import Set as AbstractSet
from functools import cache
from importlib.resources import files
from typing import Any

_CALL = re.compile(r"\w+(?=\()")


class Macros:
    """The macros of a connection that gets each when a statement first calls it: all together take 50 ms.

    Those that statements of other connections have called are made at once, and what this one calls is put with them.
    """

    def __init__(self, connection: Any, called: set[str]) -> None:
        self._connection, self._called = connection, called
        self._made: set[str] = set()
        self._make(called)

    def make(self, sql: str) -> None:
        """Make those that a statement calls and that the connection lacks, after those that they call themselves."""
        calls = _known().keys() & set(_CALL.findall(sql))
        self._called.update(calls)
        self._make(calls)

    def _make(self, names: AbstractSet[str]) -> None:
        for name in sorted(names - self._made):
            statement = _known()[name]
            if statement is None:
                add_functions(self._connection)
            else:
                self.make(statement.partition("(")[2])
                self._connection.execute(statement)
            self._made.add(name)


@cache
def statements(package: str = "lakemill.lakesql.dialects") -> list[str]:
    """A CREATE MACRO for each of a package's `prelude.sql`."""
    text = files(package).joinpath("prelude.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [f"CREATE OR REPLACE MACRO {macro.strip()}" for macro in "\n".join(lines).split(";\n") if macro.strip()]


@cache
def _known() -> dict[str, str | None]:
    """How each is made, by its name; None for the function."""
    return {_CALL.findall(statement)[0]: statement for statement in statements()} | {"json_sorted": None}


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
