"""ALTER TABLE on a table's columns, properties and location."""

from collections.abc import Callable

from lakemill.lakesql.ddl import errors, partitions
from lakemill.lakesql.ddl.context import Context, now, told, without_read_only
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tables import column, column_list, duplicated
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.table import is_iceberg

Change = Callable[[Document], None]


def alter(tokens: Tokens, context: Context) -> Result:
    """After ALTER TABLE."""
    database, name = tokens.qualified(context.database)
    with told():
        found = context.find_table(database, name)
    if found is not None and is_iceberg(found):
        from lakemill.lakesql.iceberg import altering

        return altering.alter(tokens, context, database, found)
    if tokens.peek() == "PARTITION":
        return _partition(tokens, context, database, name)
    if tokens.take("ADD", "COLUMNS"):
        return _changed(context, database, name, _added(_ended_list(tokens)), "ALTER_TABLE_ADD_COLUMNS")
    if tokens.peek() == "ADD":
        return partitions.add(tokens, context, database, name)
    if tokens.peek() == "DROP":
        return partitions.drop(tokens, context, database, name)
    if tokens.take("REPLACE", "COLUMNS"):
        return _changed(context, database, name, _replaced(_ended_list(tokens)), "ALTER_TABLE_REPLACE_COLUMNS")
    if tokens.take("CHANGE"):
        return _changed(context, database, name, _renamed(tokens), "ALTER_TABLE_CHANGE_COLUMN")
    if tokens.take("SET", "LOCATION"):
        location = checked(tokens.string())
        tokens.end()
        return _changed(context, database, name, _moved(location), "ALTER_TABLE_SET_LOCATION")
    if tokens.take("SET", "TBLPROPERTIES"):
        properties = tokens.properties()
        tokens.end()
        change: Change = lambda document: document["Parameters"].update(properties)  # noqa: E731
        return _changed(context, database, name, change, "ALTER_TABLE_SET_TBLPROPERTIES")
    raise tokens.wrong("ADD', 'DROP', 'REPLACE', 'CHANGE', 'SET', 'PARTITION")


def _partition(tokens: Tokens, context: Context, database: str, name: str) -> Result:
    values = partitions.specification(tokens)
    if tokens.take("RENAME", "TO"):
        return partitions.rename(tokens, context, database, name, values)
    tokens.expect("SET", "LOCATION")
    location = checked(tokens.string())
    tokens.end()
    return partitions.move(context, database, name, values, location)


def _changed(context: Context, database: str, name: str, change: Change, substatement: str) -> Result:
    document = without_read_only(context.table(database, name))
    if document.get("TableType") == "VIRTUAL_VIEW":
        raise errors.semantic(f"[Error 10003]: To alter a view you need to use the ALTER VIEW command. {name}")
    document["StorageDescriptor"] = {**document.get("StorageDescriptor", {})}
    document["Parameters"] = {**(document.get("Parameters") or {})}
    change(document)
    columns = document["StorageDescriptor"].get("Columns") or []
    if twice := duplicated([*columns, *(document.get("PartitionKeys") or [])]):
        raise errors.execution(f"Duplicate column name: {twice}", "InvalidOperationException")
    document["Parameters"]["transient_lastDdlTime"] = now()
    with told():
        context.lake.update_table(database, document)
    return Result(substatement)


def _ended_list(tokens: Tokens) -> list[Document]:
    columns = column_list(tokens)
    tokens.end()
    return columns


def _added(columns: list[Document]) -> Change:
    def change(document: Document) -> None:
        there = document["StorageDescriptor"].get("Columns") or []
        document["StorageDescriptor"]["Columns"] = [*there, *columns]

    return change


def _replaced(columns: list[Document]) -> Change:
    def change(document: Document) -> None:
        document["StorageDescriptor"]["Columns"] = columns

    return change


def _renamed(tokens: Tokens) -> Change:
    """After CHANGE: [COLUMN] old new type [COMMENT ''] [FIRST | AFTER other]"""
    tokens.take("COLUMN")
    old, new = tokens.name(), column(tokens)
    first = tokens.take("FIRST")
    after = None if first or not tokens.take("AFTER") else tokens.name()
    tokens.end()

    def change(document: Document) -> None:
        columns = list(document["StorageDescriptor"].get("Columns") or [])
        names = [one["Name"].lower() for one in columns]
        for wanted in filter(None, (old, after)):
            if wanted not in names:
                raise errors.semantic(f"[Error 10002]: Invalid column reference {wanted}")
        place = names.index(old)
        columns[place] = {**({"Comment": columns[place]["Comment"]} if "Comment" in columns[place] else {}), **new}
        if first:
            columns.insert(0, columns.pop(place))
        elif after and after != old:
            moved = columns.pop(place)
            columns.insert([one["Name"].lower() for one in columns].index(after) + 1, moved)
        document["StorageDescriptor"]["Columns"] = columns

    return change


def _moved(location: str) -> Change:
    def change(document: Document) -> None:
        document["StorageDescriptor"]["Location"] = location

    return change
