"""SearchTables: tables of every database, by text and by properties."""

import datetime
import re
from collections.abc import Callable
from typing import Any

from lakemill.engines.catalog import Catalog, Table
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes
from lakemill.services.glue.tables import NO_VIEWS

PAGE_MAX = 1000
_TEXTS: dict[str, Callable[[Table], str]] = {
    "name": lambda table: table.name,
    "databasename": lambda table: table.database,
    "description": lambda table: table.definition.get("description", ""),
    "owner": lambda table: table.definition.get("owner", ""),
    "tabletype": lambda table: table.kind,
    "location": lambda table: table.location,
}
_TIMES: dict[str, Callable[[Table], datetime.datetime | None]] = {
    "createtime": lambda table: table.created,
    "updatetime": lambda table: table.updated,
    "lastaccesstime": lambda table: table.definition.get("last_access_time"),
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQUALS": lambda a, b: a == b,
    "GREATER_THAN": lambda a, b: a > b,
    "LESS_THAN": lambda a, b: a < b,
    "GREATER_THAN_EQUALS": lambda a, b: a >= b,
    "LESS_THAN_EQUALS": lambda a, b: a <= b,
}


class SearchOperations:
    """Mixed into the service."""

    catalog: Catalog

    @operation("SearchTables", refuses={"IncludeStatusDetails": NO_VIEWS})
    def search_tables(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, limit = shapes.scope(call, request), request.get("MaxResults", PAGE_MAX)
        tests = [_filter(one) for one in request.get("Filters", [])]
        if text := request.get("SearchText"):
            tests.append(_containing(text))
        found = [
            table
            for database in self.catalog.databases(scope)
            for table in self.catalog.tables(scope, database.name)
            if all(test(table) for test in tests)
        ]
        if request.get("ResourceShareType", "ALL") != "ALL":
            found = []  # Nobody shares tables with the account.
        for criterion in reversed(request.get("SortCriteria", [])):
            found.sort(key=_sort_key(criterion.get("FieldName", "")), reverse=criterion.get("Sort", "ASC") == "DESC")
        last = shapes.after(request)
        if last and not last.isdecimal():
            raise shapes.invalid("The NextToken is not valid.")
        start = int(last or 0)
        token = {"NextToken": shapes.token_for(str(start + limit))} if len(found) > start + limit else {}
        return {"TableList": [shapes.table(call, table) for table in found[start : start + limit]]} | token


def _filter(predicate: dict[str, Any]) -> Callable[[Table], bool]:
    key, value = predicate.get("Key", ""), predicate.get("Value", "")
    if key.lower() in _TIMES:
        read, compare = _TIMES[key.lower()], _COMPARE[predicate.get("Comparator", "EQUALS")]
        moment = _moment(key, value)
        return lambda table: (found := read(table)) is not None and compare(found, moment)
    if predicate.get("Comparator", "EQUALS") != "EQUALS":
        raise shapes.invalid(f"Comparator {predicate['Comparator']} is for times only; {key} is none.")

    def holds(table: Table) -> bool:
        text = _TEXTS[key.lower()](table) if key.lower() in _TEXTS else table.parameters.get(key, "")
        return value.lower() == text.lower() or value.lower() in _tokens(text)

    return holds


def _tokens(text: str) -> list[str]:
    return re.split(r"[^\w]+", text.lower())


def _containing(text: str) -> Callable[[Table], bool]:
    """Every word in some text of the table; or, in quotes, the whole of one of them."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    words = [text[1:-1].lower()] if quoted else text.lower().split()

    def holds(table: Table) -> bool:
        columns = [column.name for column in (*table.columns, *table.partition_keys)]
        texts = [read(table).lower() for read in _TEXTS.values()]
        texts += [one.lower() for one in (*columns, *table.parameters.values())]
        return all(any(word == one if quoted else word in one for one in texts) for word in words)

    return holds


def _moment(key: str, value: str) -> datetime.datetime:
    try:
        if value.isdecimal():
            return datetime.datetime.fromtimestamp(int(value), datetime.UTC)
        moment = datetime.datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        raise shapes.invalid(f"{key} must be compared with a time; got {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _sort_key(field: str) -> Callable[[Table], Any]:
    name = field.lower()
    if name in _TEXTS:
        return _TEXTS[name]
    if name in _TIMES:
        never = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        return lambda table: _TIMES[name](table) or never
    raise shapes.invalid(f"Tables cannot be sorted by {field!r}.")
