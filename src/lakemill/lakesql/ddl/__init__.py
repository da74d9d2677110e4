"""Hive's DDL on the catalog: `carry_out` reads a statement and does what it says."""

from collections.abc import Callable

from lakemill.lakesql.ddl import databases, tables
from lakemill.lakesql.ddl.context import Context
from lakemill.lakesql.ddl.errors import DdlFailed, ParseFailed
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Lake, Outcome, Statement

__all__ = ["DdlFailed", "ParseFailed", "carry_out", "is_ddl"]

Handler = Callable[[Tokens, Context], Result]
STATEMENTS: list[tuple[tuple[str, ...], Handler]] = [
    (("CREATE", "DATABASE"), databases.create),
    (("CREATE", "SCHEMA"), databases.create),
    (("DROP", "DATABASE"), databases.drop),
    (("DROP", "SCHEMA"), databases.drop),
    (("SHOW", "DATABASES"), databases.show),
    (("SHOW", "SCHEMAS"), databases.show),
    (("CREATE", "EXTERNAL", "TABLE"), tables.create),
    (("DROP", "TABLE"), tables.drop),
]
"""First words of a statement, and what carries out the rest of it."""


def carry_out(statement: Statement, lake: Lake) -> Outcome:
    """Raises DdlFailed, LakeRefused."""
    text = statement.text.strip().removesuffix(";")
    tokens = Tokens(text)
    for words, handler in STATEMENTS:
        if tokens.take(*words):
            return handler(tokens, Context(lake, statement.database.lower())).outcome(statement.folder)
    raise tokens.wrong("CREATE', 'ALTER', 'DROP', 'MSCK', 'SHOW', 'DESCRIBE")


def is_ddl(text: str) -> bool:
    """Whether the first words are those of a statement that is carried out here."""
    try:
        tokens = Tokens(text)
    except ParseFailed:
        return False
    return any(tokens.take(*words) for words, _ in STATEMENTS)
