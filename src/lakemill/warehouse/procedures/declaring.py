"""The variables of a block, as it begins."""

import re
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import VARCHAR, Type
from lakemill.warehouse.procedures.nodes import Declaration
from lakemill.warehouse.procedures.running import Running
from lakemill.warehouse.procedures.variables import Variable

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def declare(running: Running, declaration: Declaration, scope: dict[str, Variable]) -> None:
    """Have a variable with its first value. Raises SqlFailed."""
    name = declaration.name
    if declaration.alias:
        scope[name] = running.scopes.variable(declaration.alias)
        return
    made = _variable(running, declaration)
    if declaration.default is not None:
        if made.kind is None:
            raise SqlFailed("0A000", f'record "{name}" cannot have a default value')
        made.value = running.evaluator.value(declaration.default, made.kind)[1]
    if declaration.not_null:
        made.not_null = True
        made.set(made.value)
    made.constant = declaration.constant
    scope[name] = made


def _variable(running: Running, declaration: Declaration) -> Variable:
    name, written = declaration.name, re.sub(r"\s*([%.])\s*", r"\1", declaration.kind)
    if written == "record":
        return Variable(name, None)
    if written == "refcursor":
        return Variable(name, VARCHAR, cursor=declaration.cursor)
    if written.endswith("%rowtype"):
        columns = _columns(running.session, written.removesuffix("%rowtype"))
        return Variable(name, None, fields={column: (kind, None) for column, kind in columns}, fixed=True)
    if written.endswith("%type"):
        return Variable(name, _of_another(running, written.removesuffix("%type")))
    kind = redshift.type_of_text(written)
    if kind.name == "varbyte":
        raise SqlFailed("0A000", f'variables of type varbyte are not supported: "{name}"')
    return Variable(name, kind)


def _of_another(running: Running, written: str) -> Type:
    """The type of a variable, or of a column."""
    variable = running.scopes.get(written)
    if variable is not None and variable.kind is not None:
        return variable.kind
    table, _, column = written.rpartition(".")
    found = dict(_columns(running.session, table)) if table else {}
    if column not in found:
        raise SqlFailed("42703", f'"{written}" is neither a variable nor a column')
    return found[column]


def _columns(session: "Session", table: str) -> list[tuple[str, Type]]:
    """Of a table or view."""
    quoted = ".".join(f'"{part}"' for part in table.split("."))
    session.transaction.need()
    return redshift.compile(redshift.parse(f"SELECT * FROM {quoted}"), session.names).columns or []
