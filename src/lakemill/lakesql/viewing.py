"""Views as Athena keeps them in the catalog: the text of the query in a JSON document, in Base64, in a comment.

ViewOriginalText   /* Presto View: eyJvcmlnaW5hbFNxbCI6... */
ViewExpandedText   /* Presto View */
Parameters         presto_view=true, comment=Presto View
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any

from lakemill.lakesql.dialects.model import View
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document
from lakemill.lakesql.types import Type

_TEXT = re.compile(r"\s*/\*\s*Presto View:\s*([A-Za-z0-9+/=\s]+?)\s*\*/\s*")


def document(name: str, sql: str, database: str, columns: Sequence[tuple[str, Type]]) -> Document:
    """The document of a view with the columns of its query."""
    inside = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": type.trino()} for column, type in columns],
    }
    text = base64.b64encode(json.dumps(inside, separators=(",", ":")).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Owner": "hadoop",
        "Retention": 0,
        "ViewOriginalText": f"/* Presto View: {text} */",
        "ViewExpandedText": "/* Presto View */",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": _hive(type)} for column, type in columns],
            "Location": "",
            "SerdeInfo": {},
            "NumberOfBuckets": 0,
            "Compressed": False,
            "StoredAsSubDirectories": False,
        },
    }


def decoded(table: Document) -> View:
    """What a view's document says. Raises SqlFailed where it is not one of Athena's."""
    found = _TEXT.fullmatch(table.get("ViewOriginalText") or "")
    try:
        if found is None:
            raise ValueError
        inside: dict[str, Any] = json.loads(base64.b64decode(found[1]))
        return View(inside["originalSql"], inside.get("schema") or "default")
    except (ValueError, KeyError, TypeError, binascii.Error):
        name = f"{table.get('DatabaseName', 'default')}.{table['Name']}"
        raise SqlFailed("INVALID_VIEW", f"View '{name}' is no view of Athena: its text cannot be decoded") from None


def _hive(type: Type) -> str:
    try:
        return type.hive()
    except SqlFailed:  # Views may have types that no table can have.
        return type.trino()
