"""Names, scopes and the errors of this service's own."""

from typing import Any

from lakemill.engines.tables import Table, Tables
from lakemill.engines.tables.errors import TableMissing
from lakemill.services.base import Call, ServiceError

Request = dict[str, Any]
Answer = dict[str, Any]


class Part:
    """What every part of the service has."""

    _tables: Tables


def scope_of(call: Call) -> str:
    return f"{call.account}/{call.region}"


def table_name(given: str) -> str:
    """A table is given by its name or its ARN."""
    return given.rpartition(":table/")[2].partition("/")[0] if given.startswith("arn:") else given


def invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def not_found(message: str = "Requested resource not found") -> ServiceError:
    return ServiceError("ResourceNotFoundException", message)


def described_table(tables: Tables, call: Call, given: str) -> Table:
    """The table, for an operation on tables. Raises ServiceError ResourceNotFoundException."""
    try:
        return tables.named(scope_of(call), table_name(given))
    except TableMissing as error:
        raise not_found(f"Requested resource not found: Table: {error.name} not found") from None


def item_table(tables: Tables, call: Call, given: str) -> Table:
    """The table, for an operation on items. Raises ServiceError ResourceNotFoundException."""
    try:
        return tables.named(scope_of(call), table_name(given))
    except TableMissing:
        raise not_found() from None
