"""DELETE, UPDATE, MERGE, OPTIMIZE and VACUUM: for Iceberg tables only."""

from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, Outcome
from lakemill.lakesql.query import Query, table_document
from lakemill.lakesql.scans.table import is_iceberg


def change(query: Query, parsed: Parsed) -> Outcome:
    """DELETE, UPDATE and MERGE. Raises SqlFailed."""
    _document(query, parsed, "Modifying table rows")
    from lakemill.lakesql.iceberg import changing

    return changing.carry_out(query, parsed)


def optimize(query: Query, parsed: Parsed) -> Outcome:
    """OPTIMIZE. Raises SqlFailed."""
    _document(query, parsed, "OPTIMIZE")
    from lakemill.lakesql.iceberg import optimizing

    return optimizing.carry_out(query, parsed)


def vacuum(query: Query, parsed: Parsed) -> Outcome:
    """VACUUM. Raises SqlFailed."""
    document = _document(query, parsed, "VACUUM")
    from lakemill.lakesql.iceberg import vacuuming

    return vacuuming.carry_out(query, parsed, document)


def _document(query: Query, parsed: Parsed, what: str) -> Document:
    database, name = parsed.target[0] or query.statement.database.lower(), parsed.target[1]
    document = table_document(query.lake, database, name)
    if not is_iceberg(document):
        message = f"{what} is only supported for Iceberg tables: {database}.{name} is none"
        raise SqlFailed("NOT_SUPPORTED", message, 1, 1)
    return document
