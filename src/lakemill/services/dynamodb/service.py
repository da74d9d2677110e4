"""The service, put together from its parts."""

from typing import Any, ClassVar

from lakemill.engines.resources import TooManyTags
from lakemill.engines.tables import Tables
from lakemill.engines.tables import errors as tables_errors
from lakemill.services.base import Call, Need, Service
from lakemill.services.dynamodb.batches import Batches
from lakemill.services.dynamodb.items import Items
from lakemill.services.dynamodb.permissions import needs
from lakemill.services.dynamodb.reads import Reads
from lakemill.services.dynamodb.tables import TableOperations
from lakemill.services.dynamodb.transactions import Transactions


class DynamoDB(TableOperations, Items, Reads, Batches, Transactions, Service):
    """boto3 client `dynamodb`."""

    name: ClassVar[str] = "dynamodb"
    crc32: ClassVar[bool] = True
    errors: ClassVar = {
        tables_errors.TableExists: "ResourceInUseException",
        tables_errors.TokenMismatch: "IdempotentParameterMismatchException",
        tables_errors.ConditionFailed: "ConditionalCheckFailedException",
        tables_errors.TablesError: "ValidationException",
        TooManyTags: "ValidationException",
    }

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return needs(self._tables, call, request)
