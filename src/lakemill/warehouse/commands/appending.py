"""ALTER TABLE target APPEND FROM source: rows move from one table to another."""

from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import quoted
from lakemill.warehouse import rights
from lakemill.warehouse.commands import removing
from lakemill.warehouse.commands.databases import outside
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.commands.altering import Altered


def append(table: "Altered", tokens: Tokens) -> Result:
    """[IGNOREEXTRA | FILLTARGET]; columns are matched by their names, and of the same type. Raises SqlFailed."""
    session = table.session
    outside(session, "ALTER TABLE APPEND")
    schema, name, source = removing.existing(session, tokens.qualified())
    if source.kind != "table":
        raise SqlFailed("42809", f'"{name}" is not a table')
    fill = ignore = False
    while word := tokens.any_of("IGNOREEXTRA", "FILLTARGET"):
        fill, ignore = fill or word == "FILLTARGET", ignore or word == "IGNOREEXTRA"
    tokens.end()
    rights.require_owner(session, source, name)
    session.lock([source.oid])
    if source.oid == table.relation.oid:
        raise SqlFailed("42601", "source and target of APPEND must be different tables")
    target = {column.name: column for column in table.relation.columns}
    extra = [column.name for column in source.columns if column.name not in target]
    if extra and not ignore:
        raise SqlFailed("42601", f'column "{extra[0]}" of source is not in target', hint="Use IGNOREEXTRA.")
    shared = [column for column in source.columns if column.name in target]
    if len(shared) < len(target) and not fill:
        raise SqlFailed("42601", "target has columns that source has not", hint="Use FILLTARGET.")
    for column in shared:
        if column.type != target[column.name].type:
            raise SqlFailed("42804", f'column "{column.name}" has another type in source')
    for column in target.values():
        if column.not_null and column not in shared and source.column(column.name) is None:
            raise SqlFailed("23502", f'target column "{column.name}" is NOT NULL')
    names = ", ".join(quoted(column.name) for column in shared)
    session.transaction.touched()
    where = f"{place(session.database, schema)}.{quoted(name)}"
    row = session.connection.execute(f"INSERT INTO {table.where} ({names}) SELECT {names} FROM {where}").fetchone()
    session.connection.execute(f"DELETE FROM {where}")
    return Result("ALTER TABLE APPEND", rows=row[0] if row else 0)
