"""Tables as AWS describes them, and their keys and indexes as requests give them."""

from typing import Any

from lakemill.engines.tables import Attribute, Index, Key, Table, Tables, new_index
from lakemill.services.base import Call
from lakemill.services.dynamodb.legacy import wrong
from lakemill.services.dynamodb.names import Answer, Request, invalid

INDEXES_MAX = {"LocalSecondaryIndexes": 5, "GlobalSecondaryIndexes": 20}


def key_of_schema(schema: list[dict[str, str]], types: dict[str, str]) -> Key:
    """Raises ServiceError."""
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) > 1 and schema[1]["KeyType"] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if len(schema) > 2:
        raise invalid("KeySchema is refused: lakemill's keys have one HASH and at most one RANGE attribute.")
    names = [one["AttributeName"] for one in schema]
    if len(set(names)) < len(names):
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if missing := [name for name in names if name not in types]:
        raise wrong(
            f"Some index key attributes are not defined in AttributeDefinitions. Keys: [{', '.join(missing)}], "
            f"AttributeDefinitions: [{', '.join(types)}]"
        )
    return Key(*(Attribute(name, types[name]) for name in names))


def index_of(given: Request, types: dict[str, str], *, table: Key | None) -> Index:
    """An index as a request gives it; a local one of this table, or a global one (table None)."""
    for member in ("OnDemandThroughput", "WarmThroughput"):
        if member in given:
            raise invalid(f"{member} of index {given['IndexName']} is refused: lakemill has no limits of throughput.")
    key = key_of_schema(given["KeySchema"], types)
    if table is not None and key.hash != table.hash:
        raise wrong(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            if table.range is None
            else "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{given['IndexName']}"
        )
    if table is not None and key.range is None:
        raise wrong(f"Index KeySchema does not have a range key for index: {given['IndexName']}")
    projection = given.get("Projection", {}).get("ProjectionType")
    include = given.get("Projection", {}).get("NonKeyAttributes")
    if projection is None:
        raise wrong("Unknown ProjectionType: null")
    if (projection == "INCLUDE") != (include is not None):
        said = "is not specified" if include is None else "is specified"
        raise wrong(f"ProjectionType is {projection}, but NonKeyAttributes {said}")
    settings = {"ProvisionedThroughput": given["ProvisionedThroughput"]} if "ProvisionedThroughput" in given else {}
    return new_index(given["IndexName"], key, projection, include or [], local=table is not None, settings=settings)


def indexes_of(request: Request, key: Key, types: dict[str, str]) -> list[Index]:
    """All indexes of a new table. Raises ServiceError."""
    found: list[Index] = []
    for member, most in INDEXES_MAX.items():
        given = request.get(member, [])
        if member in request and not given:
            raise wrong(f"List of {member} is empty")
        if len(given) > most:
            raise wrong(f"{member} count exceeds the per-table limit of {most}")
        table = key if member.startswith("Local") else None
        found += [index_of(one, types, table=table) for one in given]
    names = [index.name for index in found]
    if len(set(names)) < len(names):
        raise wrong(f"Duplicate index name: {next(name for name in names if names.count(name) > 1)}")
    return found


def check_definitions(key: Key, indexes: list[Index], types: dict[str, str]) -> None:
    """Every defined attribute is a key. Raises ServiceError."""
    used = {*key.names, *(name for index in indexes for name in index.key.names)}
    if set(types) - used:
        raise wrong(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
            if not indexes
            else f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(types)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )


def described(tables: Tables, call: Call, table: Table, status: str = "") -> Answer:
    """TableDescription."""
    items, size = tables.count(table)
    arn = call.arn(f"table/{table.name}")
    filling = any(index.filling for index in table.indexes.values())
    attributes = {a.name: a.type for key in _keys(table) for a in key.attributes}
    answer: Answer = {
        "TableName": table.name,
        "TableArn": arn,
        "TableId": table.id,
        "TableStatus": status or ("UPDATING" if filling else "ACTIVE"),
        "CreationDateTime": table.created,
        "KeySchema": _schema(table.key),
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in sorted(attributes.items())],
        "ProvisionedThroughput": _throughput(table.settings),
        "ItemCount": items,
        "TableSizeBytes": size,
        "DeletionProtectionEnabled": table.protected,
    }
    if table.settings.get("BillingMode") == "PAY_PER_REQUEST":
        answer["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
    local = [_index(arn, one) for one in table.indexes.values() if one.local]
    global_ = [
        _index(arn, one)
        | {
            "IndexStatus": "CREATING" if one.filling else "ACTIVE",
            "ProvisionedThroughput": _throughput(one.settings),
            **({"Backfilling": True} if one.filling else {}),
        }
        for one in table.indexes.values()
        if not one.local
    ]
    return (
        answer
        | ({"LocalSecondaryIndexes": local} if local else {})
        | ({"GlobalSecondaryIndexes": global_} if global_ else {})
    )


def _keys(table: Table) -> list[Key]:
    return [table.key, *(index.key for index in table.indexes.values())]


def _schema(key: Key) -> list[dict[str, str]]:
    return [{"AttributeName": a.name, "KeyType": k} for a, k in zip(key.attributes, ("HASH", "RANGE"), strict=False)]


def _index(table_arn: str, index: Index) -> Answer:
    projection: Answer = {"ProjectionType": index.projection}
    if index.include:
        projection["NonKeyAttributes"] = index.include
    return {
        "IndexName": index.name,
        "IndexArn": f"{table_arn}/index/{index.name}",
        "KeySchema": _schema(index.key),
        "Projection": projection,
    }


def _throughput(settings: dict[str, Any]) -> Answer:
    given = settings.get("ProvisionedThroughput", {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0})
    return given | {"NumberOfDecreasesToday": 0}
