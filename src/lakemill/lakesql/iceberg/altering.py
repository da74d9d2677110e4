"""ALTER TABLE on an Iceberg table."""

import itertools
from collections.abc import Callable
from typing import Any

from pyiceberg.exceptions import ValidationError
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.table.update.schema import UpdateSchema

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, told, without_read_only
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tables import column, column_list, duplicated
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.iceberg import committing, properties, schemas
from lakemill.lakesql.iceberg.catalog import Tables
from lakemill.lakesql.interface import Document

Change = Callable[[Transaction], None]


def alter(tokens: Tokens, context: Context, database: str, document: Document) -> Result:
    """After ALTER TABLE name. Raises DdlFailed, SqlFailed."""
    if tokens.take("RENAME", "TO"):
        return _rename(tokens, context, database, document)
    table = Tables(context.lake, context.folder).loaded(document, database)
    for words, (substatement, clause) in _CLAUSES.items():
        if tokens.take(*words):
            change = clause(tokens, table)
            tokens.end()
            with told():
                _commit(table, change)
            return Result(substatement)
    raise tokens.wrong("ADD COLUMNS', 'REPLACE COLUMNS', 'DROP COLUMN', 'CHANGE COLUMN', 'RENAME', 'SET', 'UNSET")


def _commit(table: Table, change: Change) -> None:
    try:
        with committing.transaction(table, "ALTER TABLE") as changes:
            change(changes)
    except (ValueError, ValidationError) as wrong:
        raise errors.execution(str(wrong).splitlines()[0], "InvalidOperationException") from None


def _rename(tokens: Tokens, context: Context, database: str, document: Document) -> Result:
    there, name = tokens.qualified(database)
    tokens.end()
    context.require_database(there)
    with told():
        if context.find_table(there, name) is not None:
            raise errors.execution(f"Table {there}.{name} already exists", "AlreadyExistsException")
        definition = {**without_read_only(document), "Name": name}
        context.lake.rename_table(database, document["Name"], there, definition)
    return Result("ALTER_TABLE_RENAME")


def _columns(change: Callable[[UpdateSchema, Schema], None]) -> Change:
    def changed(changes: Transaction) -> None:
        with changes.update_schema(case_sensitive=False) as update:
            change(update, changes.table_metadata.schema())

    return changed


def _added(tokens: Tokens, table: Table) -> Change:
    columns = column_list(tokens)

    def change(update: UpdateSchema, schema: Schema) -> None:
        for one in columns:
            _add(update, schema, one)

    return _columns(change)


def _add(update: UpdateSchema, schema: Schema, one: Document) -> None:
    if _find(schema, one["Name"]) is not None:
        raise errors.execution(f"Duplicate column name: {one['Name']}", "InvalidOperationException")
    update.add_column(one["Name"], _type(one), one.get("Comment"))


def _replaced(tokens: Tokens, table: Table) -> Change:
    columns = column_list(tokens)
    if twice := duplicated(columns):
        raise errors.execution(f"Duplicate column name: {twice}", "InvalidOperationException")
    names = [one["Name"] for one in columns]

    def change(update: UpdateSchema, schema: Schema) -> None:
        for field in schema.fields:
            if field.name.lower() not in names:
                _check_unused(table, field.field_id, field.name)
                update.delete_column(field.name)
        for one in columns:
            field = _find(schema, one["Name"])
            if field is None:
                update.add_column(one["Name"], _type(one), one.get("Comment"))
            else:
                _retype(update, field, one)

    return _columns(change)


def _dropped(tokens: Tokens, table: Table) -> Change:
    name = tokens.name()

    def change(update: UpdateSchema, schema: Schema) -> None:
        field = _known(schema, name)
        _check_unused(table, field.field_id, name)
        update.delete_column(field.name)

    return _columns(change)


def _changed(tokens: Tokens, table: Table) -> Change:
    """[COLUMN] old new type [COMMENT ''] [FIRST | AFTER other]"""
    tokens.take("COLUMN")
    old, new = tokens.name(), column(tokens)
    first = tokens.take("FIRST")
    after = None if first or not tokens.take("AFTER") else tokens.name()

    def change(update: UpdateSchema, schema: Schema) -> None:
        field = _known(schema, old)
        _retype(update, field, new)
        if new["Name"] != field.name.lower():
            _rename_column(update, schema, field, new["Name"])
        if first:
            update.move_first(field.name)
        elif after is not None:
            update.move_after(field.name, _known(schema, after).name)

    return _columns(change)


def _renamed(tokens: Tokens, table: Table) -> Change:
    old = tokens.name()
    tokens.expect("TO")
    new = tokens.name()
    return _columns(lambda update, schema: _rename_column(update, schema, _known(schema, old), new))


def _rename_column(update: UpdateSchema, schema: Schema, field: Any, new: str) -> None:
    if _find(schema, new) is not None:
        raise errors.execution(f"Duplicate column name: {new}", "InvalidOperationException")
    update.rename_column(field.name, new)


def _retype(update: UpdateSchema, field: Any, new: Document) -> None:
    kind = _type(new)
    if schemas.hive(kind) != schemas.hive(field.field_type):
        if not field.field_type.is_primitive or not kind.is_primitive:
            message = f"Cannot change the type of column {field.name}: {field.field_type} -> {kind}"
            raise errors.execution(message, "InvalidOperationException")
        update.update_column(field.name, field_type=kind)  # type: ignore[arg-type]
    if "Comment" in new:
        update.update_column(field.name, doc=new["Comment"])


def _set(tokens: Tokens, table: Table) -> Change:
    given = properties.of_statement(tokens.properties())
    return lambda changes: _discard(changes.set_properties(given))


def _unset(tokens: Tokens, table: Table) -> Change:
    tokens.expect("(")
    names = [tokens.string()]
    while tokens.take(","):
        names.append(tokens.string())
    tokens.expect(")")
    wanted = [name for name in properties.names_of(names) if name in table.properties]
    return lambda changes: _discard(changes.remove_properties(*wanted))


def _discard(_: object) -> None:
    return None


def _type(one: Document) -> Any:
    return schemas.of_hive(one["Type"], itertools.count(1))  # The numbers are given by PyIceberg.


def _find(schema: Schema, name: str) -> Any:
    return next((field for field in schema.fields if field.name.lower() == name.lower()), None)


def _known(schema: Schema, name: str) -> Any:
    found = _find(schema, name)
    if found is None:
        raise errors.semantic(f"[Error 10002]: Invalid column reference {name}")
    return found


def _check_unused(table: Table, number: int, name: str) -> None:
    if any(part.source_id == number for part in table.spec().fields):
        raise errors.execution(f"Cannot drop partition field: {name}", "InvalidOperationException")


_CLAUSES: dict[tuple[str, ...], tuple[str, Callable[[Tokens, Table], Change]]] = {
    ("ADD", "COLUMNS"): ("ALTER_TABLE_ADD_COLUMNS", _added),
    ("REPLACE", "COLUMNS"): ("ALTER_TABLE_REPLACE_COLUMNS", _replaced),
    ("DROP", "COLUMN"): ("ALTER_TABLE_DROP_COLUMN", _dropped),
    ("CHANGE",): ("ALTER_TABLE_CHANGE_COLUMN", _changed),
    ("RENAME", "COLUMN"): ("ALTER_TABLE_RENAME_COLUMN", _renamed),
    ("SET", "TBLPROPERTIES"): ("ALTER_TABLE_SET_TBLPROPERTIES", _set),
    ("UNSET", "TBLPROPERTIES"): ("ALTER_TABLE_UNSET_TBLPROPERTIES", _unset),
}
