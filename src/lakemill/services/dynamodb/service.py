"""The service, put together from its parts."""

from typing import Any, ClassVar

from lakemill.engines.resources import TooManyTags
from lakemill.engines.tables import Tables
from lakemill.engines.tables import errors as tables_errors
from lakemill.services.base import Call, Need, Service
from lakemill.services.dynamodb.batches import Batches
from lakemill.services.dynamodb.items import Items
from lakemill.services.dynamodb.names import table_name
from lakemill.services.dynamodb.reads import Reads
from lakemill.services.dynamodb.tables import TableOperations
from lakemill.services.dynamodb.transactions import ACTIONS, Transactions

BATCHED = {"BatchGetItem", "BatchWriteItem"}


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
        """The operation on each table or index it touches; for transactions, what they are made of."""
        if call.operation in BATCHED:
            return [
                Need(f"dynamodb:{call.operation}", call.arn(f"table/{table_name(name)}"))
                for name in request["RequestItems"]
            ]
        if call.operation in ("TransactWriteItems", "TransactGetItems"):
            return [
                Need(f"dynamodb:{ACTIONS[kind]}", call.arn(f"table/{table_name(one['TableName'])}"))
                for item in request["TransactItems"]
                for kind, one in item.items()
            ]
        if "ResourceArn" in request:
            return [Need(f"dynamodb:{call.operation}", request["ResourceArn"])]
        if "TableName" not in request:
            return [Need(f"dynamodb:{call.operation}")]
        resource = f"table/{table_name(request['TableName'])}"
        if "IndexName" in request:
            resource += f"/index/{request['IndexName']}"
        return [Need(f"dynamodb:{call.operation}", call.arn(resource))]
