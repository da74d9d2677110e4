"""SHOW TABLES, VIEWS, COLUMNS, TBLPROPERTIES, CREATE TABLE and CREATE VIEW."""

from lakemill.lakesql import viewing
from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, told
from lakemill.lakesql.ddl.patterns import matching
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.table import is_iceberg

_DELIMITERS = {
    "field.delim": "FIELDS TERMINATED BY",
    "escape.delim": "ESCAPED BY",
    "collection.delim": "COLLECTION ITEMS TERMINATED BY",
    "colelction.delim": "COLLECTION ITEMS TERMINATED BY",
    "mapkey.delim": "MAP KEYS TERMINATED BY",
    "line.delim": "LINES TERMINATED BY",
    "serialization.null.format": "NULL DEFINED AS",
}


def tables(tokens: Tokens, context: Context) -> Result:
    """After SHOW TABLES: [IN database] ['pattern']; views are among them."""
    names, pattern = _names(tokens, context, views_only=False)
    return Result("SHOW_TABLES", ["tab_name"], matching(names, pattern), "UTILITY")


def views(tokens: Tokens, context: Context) -> Result:
    """After SHOW VIEWS: [IN database] [LIKE 'pattern']"""
    names, pattern = _names(tokens, context, views_only=True)
    return Result("SHOW_VIEWS", ["views"], matching(names, pattern), "UTILITY")


def columns(tokens: Tokens, context: Context) -> Result:
    """After SHOW COLUMNS: IN table [IN database]"""
    database, table = _table(tokens, context)
    if is_iceberg(table):
        from lakemill.lakesql.iceberg import showing

        found = showing.columns(context, database, table)
    else:
        found = [*_columns(table), *(table.get("PartitionKeys") or [])]
    return Result("SHOW_COLUMNS", ["field"], [f"{column['Name']:<20}" for column in found], "UTILITY")


def properties(tokens: Tokens, context: Context) -> Result:
    """After SHOW TBLPROPERTIES: table [('name')]"""
    database, name = tokens.qualified(context.database)
    wanted = None
    if tokens.take("("):
        wanted = tokens.string()
        tokens.expect(")")
    tokens.end()
    table = context.table(database, name)
    found = table.get("Parameters") or {}
    if is_iceberg(table):
        from lakemill.lakesql.iceberg import showing

        found = showing.told(context, database, table)
    if wanted is None:
        lines = [f"{key}\t{value}" for key, value in sorted(found.items())]
    elif wanted in found:
        lines = [found[wanted]]
    else:
        lines = [f"Table {database}.{name} does not have property: {wanted}"]
    return Result("SHOW_TBLPROPERTIES", ["prpt_name", "prpt_value"], lines, "UTILITY")


def create_table(tokens: Tokens, context: Context) -> Result:
    """After SHOW CREATE TABLE"""
    database, name = tokens.qualified(context.database)
    tokens.end()
    table = context.table(database, name)
    if table.get("TableType") == "VIRTUAL_VIEW":
        raise errors.semantic(f"{database}.{name} is a view: SHOW CREATE VIEW tells its statement")
    if is_iceberg(table):
        from lakemill.lakesql.iceberg import showing

        lines = showing.statement(context, database, table, _quoted)
    else:
        lines = _statement(database, table)
    return Result("SHOW_CREATE_TABLE", ["createtab_stmt"], lines, "UTILITY")


def create_view(tokens: Tokens, context: Context) -> Result:
    """After SHOW CREATE VIEW"""
    database, name = tokens.qualified(context.database)
    tokens.end()
    table = context.table(database, name)
    if table.get("TableType") != "VIRTUAL_VIEW":
        raise errors.semantic(f"{database}.{name} is not a view")
    text = f"CREATE VIEW {database}.{name} AS\n{viewing.decoded(table).sql}"
    return Result("SHOW_CREATE_VIEW", ["Create View"], text.split("\n"), "UTILITY")


def _names(tokens: Tokens, context: Context, views_only: bool) -> tuple[list[str], str | None]:
    database = tokens.name() if tokens.take("IN") or tokens.take("FROM") else context.database
    pattern = tokens.string() if tokens.take("LIKE") or not tokens.ended() else None
    tokens.end()
    context.require_database(database)
    with told():
        found = context.lake.tables(database)
    return sorted(one["Name"] for one in found if not views_only or one.get("TableType") == "VIRTUAL_VIEW"), pattern


def _table(tokens: Tokens, context: Context) -> tuple[str, Document]:
    if not tokens.take("IN"):
        tokens.expect("FROM")
    database, name = tokens.qualified(context.database)
    if tokens.take("IN") or tokens.take("FROM"):
        database = tokens.name()
    tokens.end()
    return database, context.table(database, name)


def _columns(table: Document) -> list[Document]:
    return (table.get("StorageDescriptor") or {}).get("Columns") or []


def _statement(database: str, table: Document) -> list[str]:
    descriptor = table.get("StorageDescriptor") or {}
    lines = [f"CREATE EXTERNAL TABLE `{database}.{table['Name']}`(", *_column_lines(_columns(table))]
    if table.get("Description"):
        lines.append(f"COMMENT {_quoted(table['Description'])}")
    if table.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *_column_lines(table["PartitionKeys"])]
    if descriptor.get("BucketColumns"):
        lines += ["CLUSTERED BY ( ", *(f"  {name}" for name in descriptor["BucketColumns"]), ")"]
        lines += ["INTO " + str(descriptor["NumberOfBuckets"]) + " BUCKETS"]
    lines += _row_format(descriptor.get("SerdeInfo") or {})
    lines += ["STORED AS INPUTFORMAT ", f"  {_quoted(descriptor.get('InputFormat') or '')} ", "OUTPUTFORMAT "]
    lines += [f"  {_quoted(descriptor.get('OutputFormat') or '')}", "LOCATION"]
    lines += [f"  {_quoted(descriptor.get('Location') or '')}"]
    hidden = ("EXTERNAL", "comment")
    shown = sorted((key, value) for key, value in (table.get("Parameters") or {}).items() if key not in hidden)
    return lines + _properties("TBLPROPERTIES (", shown)


def _column_lines(columns: list[Document]) -> list[str]:
    lines = []
    for place, column in enumerate(columns, 1):
        comment = f" COMMENT {_quoted(column['Comment'])}" if column.get("Comment") else ""
        end = ")" if place == len(columns) else ", "
        lines.append(f"  `{column['Name']}` {column.get('Type') or 'string'}{comment}{end}")
    return lines


def _row_format(serde: Document) -> list[str]:
    options = dict(serde.get("Parameters") or {})
    library = serde.get("SerializationLibrary") or ""
    if library.endswith(".LazySimpleSerDe") and any(key in options for key in _DELIMITERS):
        options.pop("serialization.format", None)
        known = [f"  {words} {_quoted(options.pop(key))} " for key, words in _DELIMITERS.items() if key in options]
        if not options:
            return ["ROW FORMAT DELIMITED ", *known]
    options = dict(serde.get("Parameters") or {})
    shown = sorted((key, value) for key, value in options.items() if (key, value) != ("serialization.format", "1"))
    return ["ROW FORMAT SERDE ", f"  {_quoted(library)} ", *(_properties("WITH SERDEPROPERTIES (", shown))]


def _properties(head: str, shown: list[tuple[str, str]]) -> list[str]:
    if not shown:
        return []
    pairs = [f"  {_quoted(key)}={_quoted(value)}" for key, value in shown]
    return [f"{head} ", *(f"{pair}, " for pair in pairs[:-1]), f"{pairs[-1]})"]


def _quoted(text: str) -> str:
    signs = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    shown = "".join(signs.get(sign) or (f"\\u{ord(sign):04x}" if ord(sign) < 32 else sign) for sign in text)
    return f"'{shown}'"
