"""CREATE VIEW."""

from lakemill.lakesql import viewing
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused, Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.writing import layout as layouts


def create(query: Query, parsed: Parsed) -> Outcome:
    """CREATE [OR REPLACE] VIEW name AS SELECT ... Raises SqlFailed."""
    database, name = parsed.target[0].lower() or query.statement.database, parsed.target[1].lower()
    there = _kind(query, database, name)
    if there == "table":
        raise SqlFailed("TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{database}.{name}' already exists", 1, 1)
    if there == "view" and "replace" not in parsed.flags:
        raise SqlFailed("VIEW_ALREADY_EXISTS", f"View already exists: '{database}.{name}'", 1, 1)
    query.translate(parsed.tree)
    columns = query.named_columns(parsed.tree)
    layouts.check_names(columns)
    document = viewing.document(name, parsed.body, query.statement.database, columns)
    if there == "view":
        query.lake.update_table(database, document)
    else:
        query.lake.create_table(database, document)
    return Outcome(kind="DDL", substatement="CREATE_VIEW", form="")


def _kind(query: Query, database: str, name: str) -> str:
    try:
        document = query.lake.table(database, name)
    except LakeRefused as refused:
        if refused.code == "EntityNotFoundException":
            return ""
        raise
    return "view" if document.get("TableType") == "VIRTUAL_VIEW" else "table"
