"""DynamoDB through boto3."""

import json
import zlib
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

HASH = [{"AttributeName": "id", "KeyType": "HASH"}]
RANGE = [*HASH, {"AttributeName": "n", "KeyType": "RANGE"}]


@pytest.fixture(scope="module")
def db(lakemill):
    return lakemill.client("dynamodb")


@pytest.fixture(scope="module")
def resource(lakemill):
    return boto3.resource(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=lakemill.endpoint,
        aws_access_key_id=lakemill.access_key_id,
        aws_secret_access_key=lakemill.secret,
    )


def types(**kinds):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()]


def make(db, name, **more):
    wish = {"KeySchema": HASH, "AttributeDefinitions": types(id="S"), "BillingMode": "PAY_PER_REQUEST"} | more
    return db.create_table(TableName=name, **wish)["TableDescription"]


@pytest.fixture
def table(db, request):
    name = request.node.name.split("[")[0][:200]
    if name not in db.list_tables()["TableNames"]:
        make(db, name, KeySchema=RANGE, AttributeDefinitions=types(id="S", n="N"))
    return name


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def row(n, **rest):
    return {"id": {"S": "a"}, "n": {"N": str(n)}, **rest}


# Tables


def test_a_table_is_made_described_listed_and_deleted(db):
    made = make(
        db,
        "life",
        KeySchema=RANGE,
        AttributeDefinitions=types(id="S", n="N", owner="S"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["colour"]},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [HASH[0], {"AttributeName": "owner", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        Tags=[{"Key": "team", "Value": "a"}],
    )
    db.get_waiter("table_exists").wait(TableName="life")
    found = db.describe_table(TableName=made["TableArn"])["Table"]
    assert found["TableStatus"] == "ACTIVE"
    assert found["KeySchema"] == RANGE
    assert found["AttributeDefinitions"] == types(id="S", n="N", owner="S")
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (index,) = found["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["Projection"]["NonKeyAttributes"]) == ("ACTIVE", ["colour"])
    assert [one["IndexName"] for one in found["LocalSecondaryIndexes"]] == ["local"]
    assert "life" in db.list_tables()["TableNames"]
    assert db.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    db.tag_resource(ResourceArn=made["TableArn"], Tags=[{"Key": "team", "Value": "b"}])
    db.untag_resource(ResourceArn=made["TableArn"], TagKeys=["gone"])
    assert db.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == [{"Key": "team", "Value": "b"}]
    assert refused(make, db=db, name="life") == ("ResourceInUseException", "Table already exists: life")
    db.update_table(TableName="life", DeletionProtectionEnabled=True)
    code, text = refused(db.delete_table, TableName="life")
    assert code == "ValidationException"
    assert "protected against deletion" in text
    db.update_table(TableName="life", DeletionProtectionEnabled=False)
    assert db.delete_table(TableName="life")["TableDescription"]["TableStatus"] == "DELETING"
    db.get_waiter("table_not_exists").wait(TableName="life")
    assert refused(db.describe_table, TableName="life") == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: life not found",
    )
    assert refused(db.get_item, TableName="life", Key={"id": {"S": "a"}})[1] == "Requested resource not found"


def test_tables_are_listed_by_the_page(db):
    for name in ("page-1", "page-2", "page-3"):
        make(db, name)
    first = db.list_tables(Limit=1, ExclusiveStartTableName="page-")
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (["page-1"], "page-1")
    names = [
        n
        for page in db.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
        for n in page["TableNames"]
    ]
    assert {"page-1", "page-2", "page-3"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"AttributeDefinitions": types(other="S")}, "Some index key attributes are not defined"),
        ({"AttributeDefinitions": types(id="S", spare="S")}, "does not exactly match number of attributes"),
        ({"BillingMode": "PROVISIONED"}, "ReadCapacityUnits and WriteCapacityUnits must both be specified"),
        ({"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]}, "first KeySchemaElement is not a HASH"),
        (
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
            "StreamSpecification is refused",
        ),
        ({"SSESpecification": {"Enabled": True}}, "SSESpecification is refused"),
        ({"TableClass": "STANDARD_INFREQUENT_ACCESS"}, "TableClass is refused"),
        ({"OnDemandThroughput": {"MaxReadRequestUnits": 1}}, "OnDemandThroughput is refused"),
    ],
)
def test_tables_that_cannot_be_are_refused(db, more, said):
    code, text = refused(make, db=db, name="never", **more)
    assert code == "ValidationException"
    assert said in text


def test_an_index_is_added_and_removed(db, resource):
    make(db, "indexed")
    items = resource.Table("indexed")
    with items.batch_writer() as batch:
        for at in range(60):
            batch.put_item(Item={"id": str(at), "owner": f"w{at % 3}", "rank": at})
    items.put_item(Item={"id": "nobody's"})
    new = {
        "IndexName": "by-owner",
        "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    asked = {"TableName": "indexed", "AttributeDefinitions": types(owner="S", rank="N")}
    made = db.update_table(GlobalSecondaryIndexUpdates=[{"Create": new}], **asked)["TableDescription"]
    assert made["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    db.get_waiter("table_exists").wait(TableName="indexed")
    while db.describe_table(TableName="indexed")["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] != "ACTIVE":
        pass
    found = items.query(
        IndexName="by-owner",
        KeyConditionExpression=Key("owner").eq("w1") & Key("rank").gt(40),
        ScanIndexForward=False,
        Limit=4,
    )
    assert [int(one["rank"]) for one in found["Items"]] == [58, 55, 52, 49]
    assert set(found["LastEvaluatedKey"]) == {"id", "owner", "rank"}
    rest = items.query(
        IndexName="by-owner",
        KeyConditionExpression=Key("owner").eq("w1") & Key("rank").gt(40),
        ScanIndexForward=False,
        ExclusiveStartKey=found["LastEvaluatedKey"],
    )
    assert [int(one["rank"]) for one in rest["Items"]] == [46, 43]
    assert items.scan(IndexName="by-owner", Select="COUNT")["Count"] == 60
    asked = {"TableName": "indexed", "IndexName": "by-owner", "KeyConditionExpression": "#o = :o"}
    asked |= {"ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": "w1"}}}
    assert "Consistent reads" in refused(db.query, ConsistentRead=True, **asked)[1]
    assert "does not project [colour]" in refused(db.query, ProjectionExpression="colour", **asked)[1]
    db.update_table(TableName="indexed", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}])
    assert "does not have the specified index: by-owner" in refused(db.query, **asked)[1]


def test_time_to_live_is_described_and_backups_are_not_claimed(db, table):
    assert db.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    wish = {"Enabled": True, "AttributeName": "until"}
    assert db.update_time_to_live(TableName=table, TimeToLiveSpecification=wish)["TimeToLiveSpecification"] == wish
    assert db.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "until",
    }
    found = db.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    code, text = refused(
        db.update_continuous_backups,
        TableName=table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    assert code == "ContinuousBackupsUnavailableException"
    assert "PointInTimeRecoveryEnabled" in text


# Items


def test_an_item_of_every_type_comes_back_as_it_was(resource, db, table):
    item = {
        "id": "a",
        "n": Decimal("-12.50"),
        "text": "héé\U0001f600",
        "binary": b"\x00\xff",
        "yes": True,
        "nothing": None,
        "list": [1, "two", [b"3"]],
        "map": {"deep": {"er": Decimal("1E-130")}},
        "strings": {"b", "a"},
        "numbers": {1, Decimal("2.5")},
        "binaries": {b"x", b"y"},
        "empty": "",
    }
    resource.Table(table).put_item(Item=item)
    found = resource.Table(table).get_item(Key={"id": "a", "n": Decimal("-12.5")}, ConsistentRead=True)["Item"]
    assert found == item
    assert db.get_item(
        TableName=table,
        Key=row("-12.5"),
        ProjectionExpression="#m.deep, #l[1]",
        ExpressionAttributeNames={"#m": "map", "#l": "list"},
    )["Item"] == {
        "map": {"M": {"deep": {"M": {"er": {"N": "0." + "0" * 129 + "1"}}}}},
        "list": {"L": [{"S": "two"}]},
    }
    assert "Item" not in db.get_item(TableName=table, Key=row(0))
    assert set(db.get_item(TableName=table, Key=row("-12.5"), AttributesToGet=["yes", "gone"])["Item"]) == {"yes"}


def test_answers_carry_the_checksum_that_sdks_look_at(lakemill, db, table):
    raw = []
    db.meta.events.register("response-received.dynamodb.GetItem", lambda response_dict, **_: raw.append(response_dict))
    db.put_item(TableName=table, Item=row(1))
    db.get_item(TableName=table, Key=row(1))
    (answer,) = raw
    assert int(answer["headers"]["x-amz-crc32"]) == zlib.crc32(answer["body"])


def test_a_condition_that_fails_changes_nothing_and_can_show_the_item(db, table):
    db.put_item(TableName=table, Item=row(1, a={"S": "old"}))
    asked = {"TableName": table, "Item": row(1), "ConditionExpression": "attribute_not_exists(id)"}
    with pytest.raises(db.exceptions.ConditionalCheckFailedException) as caught:
        db.put_item(ReturnValuesOnConditionCheckFailure="ALL_OLD", **asked)
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert caught.value.response["Item"] == row(1, a={"S": "old"})
    with pytest.raises(db.exceptions.ConditionalCheckFailedException) as caught:
        db.put_item(**asked)
    assert "Item" not in caught.value.response
    with pytest.raises(db.exceptions.ConditionalCheckFailedException):
        db.delete_item(TableName=table, Key=row(1), Expected={"a": {"Value": {"S": "new"}}})
    assert db.get_item(TableName=table, Key=row(1))["Item"] == row(1, a={"S": "old"})


@pytest.mark.parametrize(
    ("wish", "returned"),
    [
        ("NONE", None),
        ("ALL_OLD", row(1, a={"N": "1"}, m={"M": {"x": {"S": "u"}, "y": {"S": "v"}}})),
        ("ALL_NEW", row(1, a={"N": "2"}, m={"M": {"x": {"S": "new"}, "y": {"S": "v"}}}, b={"S": "new"})),
        ("UPDATED_OLD", {"a": {"N": "1"}, "m": {"M": {"x": {"S": "u"}}}}),
        ("UPDATED_NEW", {"a": {"N": "2"}, "m": {"M": {"x": {"S": "new"}}}, "b": {"S": "new"}}),
    ],
)
def test_an_update_returns_what_was_wished_for(db, table, wish, returned):
    db.put_item(TableName=table, Item=row(1, a={"N": "1"}, m={"M": {"x": {"S": "u"}, "y": {"S": "v"}}}))
    answer = db.update_item(
        TableName=table,
        Key=row(1),
        UpdateExpression="SET m.x = :new, b = :new ADD a :one",
        ExpressionAttributeValues={":new": {"S": "new"}, ":one": {"N": "1"}},
        ReturnValues=wish,
    )
    assert answer.get("Attributes") == returned


def test_attribute_updates_of_old_are_made(db, table):
    db.put_item(TableName=table, Item=row(1, a={"N": "1"}, s={"SS": ["x", "y"]}, gone={"S": "z"}))
    answer = db.update_item(
        TableName=table,
        Key=row(1),
        AttributeUpdates={
            "a": {"Value": {"N": "4"}, "Action": "ADD"},
            "s": {"Value": {"SS": ["x"]}, "Action": "DELETE"},
            "gone": {"Action": "DELETE"},
            "new": {"Value": {"S": "put"}},
        },
        Expected={"a": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "2"}]}, "q": {"Exists": False}},
        ConditionalOperator="AND",
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == row(1, a={"N": "5"}, s={"SS": ["y"]}, new={"S": "put"})


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [
        ("EQ", [{"N": "5"}], True),
        ("NE", [{"N": "5"}], False),
        ("LE", [{"N": "5"}], True),
        ("LT", [{"N": "5"}], False),
        ("GE", [{"N": "6"}], False),
        ("GT", [{"N": "4"}], True),
        ("NOT_NULL", [], True),
        ("NULL", [], False),
        ("BETWEEN", [{"N": "1"}, {"N": "5"}], True),
        ("IN", [{"N": "1"}, {"N": "5"}], True),
    ],
)
def test_operators_of_old_compare(db, table, operator, values, holds):
    db.put_item(TableName=table, Item=row(1, a={"N": "5"}))
    expected = {"a": {"ComparisonOperator": operator, "AttributeValueList": values}}
    filter_ = {"a": {"ComparisonOperator": operator, "AttributeValueList": values}}
    assert db.scan(TableName=table, ScanFilter=filter_)["Count"] == int(holds)
    if holds:
        db.put_item(TableName=table, Item=row(1, a={"N": "5"}), Expected=expected)
    else:
        code, _ = refused(db.put_item, TableName=table, Item=row(1), Expected=expected)
        assert code == "ConditionalCheckFailedException"


ONE = {":one": {"N": "1"}}


@pytest.mark.parametrize(
    ("operation", "arguments", "said"),
    [
        (
            "put_item",
            {"Item": {"id": {"S": "a"}}},
            "One or more parameter values were invalid: Missing the key n in the item",
        ),
        (
            "put_item",
            {"Item": {"id": {"S": "a"}, "n": {"S": "1"}}},
            "One or more parameter values were invalid: Type mismatch for key n expected: N actual: S",
        ),
        ("put_item", {"Item": row(1, big={"B": b"x" * 409_600})}, "Item size has exceeded the maximum allowed size"),
        ("put_item", {"Item": row("1e200")}, "Number overflow."),
        ("put_item", {"Item": row(1, s={"SS": []})}, "An string set  may not be empty"),
        ("put_item", {"Item": {"id": {"S": ""}, "n": {"N": "1"}}}, "cannot contain an empty string value. Key: id"),
        ("put_item", {"Item": row(1), "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
        ("put_item", {"Item": row(1), "ReturnItemCollectionMetrics": "SIZE"}, "ReturnItemCollectionMetrics"),
        ("get_item", {"Key": {"id": {"S": "a"}}}, "The provided key element does not match the schema"),
        (
            "get_item",
            {"Key": row(1), "ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            "put_item",
            {
                "Item": row(1),
                "ConditionExpression": "a = :one",
                "ExpressionAttributeValues": {**ONE, ":two": {"N": "2"}},
            },
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:two}",
        ),
        (
            "put_item",
            {"Item": row(1), "ConditionExpression": "a = :gone"},
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :gone",
        ),
        (
            "put_item",
            {
                "Item": row(1),
                "ConditionExpression": "a = :one",
                "Expected": {"a": {"Exists": False}},
                "ExpressionAttributeValues": ONE,
            },
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            "put_item",
            {"Item": row(1), "Expected": {"a": {"Exists": True}}},
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (
            "update_item",
            {"Key": row(1), "UpdateExpression": "SET n = :one", "ExpressionAttributeValues": ONE},
            "One or more parameter values were invalid: Cannot update attribute n. This attribute is part of the key",
        ),
        (
            "update_item",
            {"Key": row(1), "UpdateExpression": "SET a = b + :one", "ExpressionAttributeValues": ONE},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "update_item",
            {"Key": row(1), "UpdateExpression": "SET status = :one", "ExpressionAttributeValues": ONE},
            "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            "query",
            {"KeyConditionExpression": "n = :one", "ExpressionAttributeValues": ONE},
            "Query condition missed key schema element: id",
        ),
        (
            "query",
            {"KeyConditionExpression": "id = :one", "ExpressionAttributeValues": ONE},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "query",
            {
                "KeyConditionExpression": "id = :a",
                "FilterExpression": "n > :one",
                "ExpressionAttributeValues": {**ONE, ":a": {"S": "a"}},
            },
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: n",
        ),
        ("query", {}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
        ("scan", {"Segment": 4, "TotalSegments": 4}, "Segment: 4 is not less than TotalSegments: 4"),
        ("scan", {"IndexName": "gone"}, "The table does not have the specified index: gone"),
        ("scan", {"ExclusiveStartKey": {"id": {"S": "a"}}}, "The provided starting key is invalid"),
    ],
)
def test_wrong_requests_are_refused_in_awss_words(db, table, operation, arguments, said):
    code, text = refused(getattr(db, operation), TableName=table, **arguments)
    assert code == "ValidationException"
    assert said in text


# Finding items


def test_query_pages_filters_and_counts(resource, table):
    items = resource.Table(table)
    with items.batch_writer() as batch:
        for n in range(40):
            batch.put_item(Item={"id": "a" if n % 4 else "b", "n": n, "even": n % 2 == 0})
    asked = {"KeyConditionExpression": Key("id").eq("a") & Key("n").gte(10), "FilterExpression": Attr("even").eq(True)}
    seen, scanned, start = [], 0, {}
    while True:
        page = items.query(Limit=7, **asked, **start)
        seen += [int(one["n"]) for one in page["Items"]]
        scanned += page["ScannedCount"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    wanted = [n for n in range(10, 40) if n % 4]
    assert scanned == len(wanted)
    assert seen == [n for n in wanted if n % 2 == 0]
    assert items.query(Select="COUNT", **asked)["Count"] == len(seen)
    older = items.query(
        KeyConditions={
            "id": {"AttributeValueList": ["b"], "ComparisonOperator": "EQ"},
            "n": {"AttributeValueList": [8], "ComparisonOperator": "LT"},
        },
        QueryFilter={"even": {"AttributeValueList": [True], "ComparisonOperator": "EQ"}},
    )
    assert [int(one["n"]) for one in older["Items"]] == [0, 4]


def test_segments_of_a_scan_are_the_table(db, resource, table):
    with resource.Table(table).batch_writer() as batch:
        for n in range(200):
            batch.put_item(Item={"id": f"i{n}", "n": n})
    seen = []
    for segment in range(4):
        pages = db.get_paginator("scan").paginate(
            TableName=table, Segment=segment, TotalSegments=4, ConsistentRead=True, PaginationConfig={"PageSize": 17}
        )
        part = [one["id"]["S"] for page in pages for one in page["Items"]]
        assert part
        seen += part
    assert sorted(seen) == sorted(f"i{n}" for n in range(200))


# Several items


def test_batches_write_and_get(db, table):
    other = f"{table}-2"
    make(db, other)
    writes = [{"PutRequest": {"Item": row(n)}} for n in range(20)]
    answer = db.batch_write_item(
        RequestItems={table: writes, other: [{"PutRequest": {"Item": {"id": {"S": "z"}}}}]},
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["UnprocessedItems"] == {}
    assert {one["TableName"]: one["CapacityUnits"] for one in answer["ConsumedCapacity"]} == {table: 20.0, other: 1.0}
    db.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": row(3)}}]})
    got = db.batch_get_item(
        RequestItems={
            table: {"Keys": [row(2), row(3), row(4)], "ProjectionExpression": "n", "ConsistentRead": True},
            other: {"Keys": [{"id": {"S": "z"}}]},
        }
    )
    assert got["Responses"] == {table: [{"n": {"N": "2"}}, {"n": {"N": "4"}}], other: [{"id": {"S": "z"}}]}
    assert got["UnprocessedKeys"] == {}
    twice = {table: [{"PutRequest": {"Item": row(1)}}, {"DeleteRequest": {"Key": row(1)}}]}
    assert "contains duplicates" in refused(db.batch_write_item, RequestItems=twice)[1]
    many = {table: {"Keys": [row(n) for n in range(60)]}, other: {"Keys": [{"id": {"S": str(n)}} for n in range(41)]}}
    assert "Too many items requested" in refused(db.batch_get_item, RequestItems=many)[1]


def test_a_transaction_is_whole_or_not_at_all(db, table):
    db.put_item(TableName=table, Item=row(1, a={"N": "1"}))
    items = [
        {"Put": {"TableName": table, "Item": row(2)}},
        {
            "Update": {
                "TableName": table,
                "Key": row(1),
                "UpdateExpression": "ADD a :one",
                "ConditionExpression": "a = :two",
                "ExpressionAttributeValues": {**ONE, ":two": {"N": "2"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        {"ConditionCheck": {"TableName": table, "Key": row(9), "ConditionExpression": "attribute_not_exists(id)"}},
    ]
    with pytest.raises(db.exceptions.TransactionCanceledException) as caught:
        db.transact_write_items(TransactItems=items)
    answer = caught.value.response
    assert answer["Error"]["Message"].endswith("specific reasons [None, ConditionalCheckFailed, None]")
    assert answer["CancellationReasons"][1] == {
        "Code": "ConditionalCheckFailed",
        "Message": "The conditional request failed",
        "Item": row(1, a={"N": "1"}),
    }
    items[1]["Update"]["ExpressionAttributeValues"][":two"] = {"N": "1"}
    db.transact_write_items(TransactItems=items, ClientRequestToken="once")
    db.transact_write_items(TransactItems=items, ClientRequestToken="once")
    with pytest.raises(db.exceptions.IdempotentParameterMismatchException):
        db.transact_write_items(TransactItems=items[:1], ClientRequestToken="once")
    got = db.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": row(n), "ProjectionExpression": "n, a"}} for n in (1, 2, 3)]
    )
    assert got["Responses"] == [{"Item": {"n": {"N": "1"}, "a": {"N": "2"}}}, {"Item": {"n": {"N": "2"}}}, {}]
    double = [{"Delete": {"TableName": table, "Key": row(1)}}, {"Put": {"TableName": table, "Item": row(1)}}]
    assert "multiple operations on one item" in refused(db.transact_write_items, TransactItems=double)[1]


def test_what_was_acknowledged_is_there_after_a_crash(fresh):
    first = fresh()
    db = first.client("dynamodb")
    make(db, "kept")
    for n in range(10):
        db.put_item(TableName="kept", Item={"id": {"S": str(n)}})
    first.kill()
    again = fresh().client("dynamodb")
    assert again.scan(TableName="kept")["Count"] == again.describe_table(TableName="kept")["Table"]["ItemCount"] == 10


def test_policies_decide_on_tables(lakemill, db, table):
    iam = lakemill.client("iam")
    iam.create_user(UserName="reader")
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "%s"}]}'
    )
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy % arn)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = lakemill.client("dynamodb", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    gets = [{"Get": {"TableName": table, "Key": row(1)}}]
    assert reader.transact_get_items(TransactItems=gets)["Responses"] == [{}]
    puts = [{"Put": {"TableName": table, "Item": row(1)}}]
    code, text = refused(reader.transact_write_items, TransactItems=puts)
    assert code == "AccessDeniedException"
    assert "dynamodb:PutItem" in text


@pytest.mark.parametrize(
    ("operation", "own", "others"),
    [
        ("get_item", {"Key": row(1)}, {"Key": {"id": {"S": "b"}, "n": {"N": "1"}}}),
        ("put_item", {"Item": row(1)}, {"Item": {"id": {"S": "b"}, "n": {"N": "1"}}}),
        (
            "query",
            {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "a"}}},
            {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "b"}}},
        ),
    ],
)
def test_a_policy_can_give_everyone_their_own_items(lakemill, db, table, operation, own, others):
    iam = lakemill.client("iam")
    name = f"owner-{operation}"
    iam.create_user(UserName=name)
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    owner = lakemill.client("dynamodb", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    getattr(owner, operation)(TableName=table, **own)
    assert refused(getattr(owner, operation), TableName=table, **others)[0] == "AccessDeniedException"
