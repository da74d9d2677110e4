"""DECLARE: variables and cursors."""

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures.expressions import expression, query
from lakemill.warehouse.procedures.nodes import BoundCursor, Declaration
from lakemill.warehouse.tokens import Tokens

_BEHIND_A_TYPE = ("NOT", "DEFAULT", ":", "=", ";")


def parse(tokens: Tokens) -> list[Declaration]:
    """What stands between DECLARE and BEGIN. Raises SqlFailed."""
    found: list[Declaration] = []
    while tokens.peek() != "BEGIN":
        if tokens.take("DECLARE"):  # It may be said again.
            continue
        line, name = tokens.line(), tokens.name()
        if any(one.name == name for one in found):
            raise SqlFailed("42601", f'duplicate declaration of "{name}"', detail=f"line {line}")
        if tokens.take("ALIAS"):
            tokens.expect("FOR")
            alias = tokens.parameter() if tokens.kind() == "parameter" else tokens.name()
            found.append(Declaration(name, "", line, alias=alias))
        elif tokens.take("CURSOR"):
            found.append(Declaration(name, "refcursor", line, cursor=_cursor(tokens)))
        else:
            found.append(_variable(tokens, name, line))
        tokens.expect(";")
    return found


def _cursor(tokens: Tokens) -> BoundCursor:
    arguments = []
    if tokens.take("("):
        while True:
            arguments.append((tokens.name(), tokens.until(",", ")")))
            if not tokens.take(","):
                break
        tokens.expect(")")
    if not tokens.any_of("FOR", "IS"):
        raise tokens.wrong()
    return BoundCursor(query(tokens.until(";")), arguments)


def _variable(tokens: Tokens, name: str, line: int) -> Declaration:
    constant = tokens.take("CONSTANT")
    found = Declaration(name, tokens.until(*_BEHIND_A_TYPE).lower(), line, constant)
    if tokens.take("NOT"):
        tokens.expect("NULL")
        found.not_null = True
    if tokens.take("DEFAULT") or tokens.take(":", "=") or tokens.take("="):
        found.default = expression(tokens.until(";"))
    if found.not_null and found.default is None:
        raise SqlFailed("22004", f'variable "{name}" must have a default value, since it\'s declared NOT NULL')
    return found
