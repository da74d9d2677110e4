"""Hive's DDL on the catalog: `carry_out` reads a statement and does what it says."""

import re
from collections.abc import Callable
from pathlib import Path

from lakemill.lakesql.ddl import altering, databases, describing, partitions, showing, tables
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
    (("ALTER", "DATABASE"), databases.alter),
    (("ALTER", "SCHEMA"), databases.alter),
    (("DROP", "DATABASE"), databases.drop),
    (("DROP", "SCHEMA"), databases.drop),
    (("SHOW", "DATABASES"), databases.show),
    (("SHOW", "SCHEMAS"), databases.show),
    (("CREATE", "EXTERNAL", "TABLE"), tables.create),
    (("CREATE", "TABLE"), tables.managed),
    (("DROP", "TABLE"), tables.drop),
    (("DROP", "VIEW"), tables.drop_view),
    (("ALTER", "TABLE"), altering.alter),
    (("MSCK", "REPAIR", "TABLE"), partitions.repair),
    (("SHOW", "TABLES"), showing.tables),
    (("SHOW", "VIEWS"), showing.views),
    (("SHOW", "COLUMNS"), showing.columns),
    (("SHOW", "PARTITIONS"), partitions.show),
    (("SHOW", "TBLPROPERTIES"), showing.properties),
    (("SHOW", "CREATE", "TABLE"), showing.create_table),
    (("SHOW", "CREATE", "VIEW"), showing.create_view),
    (("DESCRIBE",), describing.describe),
    (("DESC",), describing.describe),
]
"""First words of a statement, and what carries out the rest of it."""
_BEGIN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*", re.S)
_FIRST_WORDS = re.compile(r"(?:[A-Za-z]+\b\s*){1,3}")


def carry_out(statement: Statement, lake: Lake) -> Outcome:
    """Raises DdlFailed, LakeRefused."""
    text = statement.text.strip().removesuffix(";")
    tokens = Tokens(text)
    context = Context(lake, statement.database.lower(), Path(statement.folder))
    for words, handler in STATEMENTS:
        if tokens.take(*words):
            return handler(tokens, context).outcome(statement.folder)
    raise tokens.wrong("CREATE', 'ALTER', 'DROP', 'MSCK', 'SHOW', 'DESCRIBE")


def is_ddl(text: str) -> bool:
    """Whether the first words are those of a statement that is carried out here; CREATE TABLE may be a query's too."""
    begin = _BEGIN.match(text)
    found = _FIRST_WORDS.match(text, begin.end() if begin else 0)
    words = found[0].upper().split() if found else []
    return words[:2] != ["CREATE", "TABLE"] and any(tuple(words[: len(first)]) == first for first, _ in STATEMENTS)
