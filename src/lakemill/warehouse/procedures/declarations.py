"""DECLARE: variables and cursors."""

from collections.abc import Callable

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures.nodes import BoundCursor, Declaration, Query
from lakemill.warehouse.procedures.words import Words

_BEHIND_A_TYPE = ("NOT", "DEFAULT", ":", "=", ";")


def parse(words: Words, expression: Callable[[str], Query], query: Callable[[str], Query]) -> list[Declaration]:
    """What stands between DECLARE and BEGIN. expression, query: how texts of SQL are taken. Raises SqlFailed."""
    found: list[Declaration] = []
    while words.peek() != "BEGIN":
        if words.take("DECLARE"):  # It may be said again.
            continue
        line, name = words.line(), words.name()
        if any(one.name == name for one in found):
            raise SqlFailed("42601", f'duplicate declaration of "{name}"', detail=f"line {line}")
        if words.take("ALIAS"):
            words.expect("FOR")
            alias = words.parameter() if words.kind() == "parameter" else words.name()
            found.append(Declaration(name, "", line, alias=alias))
        elif words.take("CURSOR"):
            found.append(Declaration(name, "refcursor", line, cursor=_cursor(words, query)))
        else:
            found.append(_variable(words, name, line, expression))
        words.expect(";")
    return found


def _cursor(words: Words, query: Callable[[str], Query]) -> BoundCursor:
    arguments = []
    if words.take("("):
        while True:
            arguments.append((words.name(), words.until(",", ")")))
            if not words.take(","):
                break
        words.expect(")")
    if not words.any_of("FOR", "IS"):
        raise words.wrong()
    return BoundCursor(query(words.until(";")), arguments)


def _variable(words: Words, name: str, line: int, expression: Callable[[str], Query]) -> Declaration:
    constant = words.take("CONSTANT")
    found = Declaration(name, words.until(*_BEHIND_A_TYPE).lower(), line, constant)
    if words.take("NOT"):
        words.expect("NULL")
        found.not_null = True
    if words.take("DEFAULT") or words.take(":", "=") or words.take("="):
        found.default = expression(words.until(";"))
    if found.not_null and found.default is None:
        raise SqlFailed("22004", f'variable "{name}" must have a default value, since it\'s declared NOT NULL')
    return found
