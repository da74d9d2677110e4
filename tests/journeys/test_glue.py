"""Glue's Data Catalog through boto3."""

import datetime
import json
import uuid

import pytest
from botocore.exceptions import ClientError

SERDE = {
    "Name": "json",
    "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
    "Parameters": {"paths": "id,Name", "mapping.ts": "timestamp"},
}
STORAGE = {
    "Columns": [
        {"Name": "Id", "Type": "bigint", "Comment": "the key", "Parameters": {"Pii": "no"}},
        {"Name": "name", "Type": "string"},
    ],
    "Location": "s3://lake/flights/",
    "AdditionalLocations": ["s3://lake/more/"],
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "Compressed": True,
    "NumberOfBuckets": 4,
    "SerdeInfo": SERDE,
    "BucketColumns": ["id"],
    "SortColumns": [{"Column": "id", "SortOrder": 1}],
    "Parameters": {"CrawlerSchemaSerializerVersion": "1.0"},
    "SkewedInfo": {
        "SkewedColumnNames": ["name"],
        "SkewedColumnValues": ["Ann"],
        "SkewedColumnValueLocationMaps": {"Ann": "s3://lake/Ann/"},
    },
    "StoredAsSubDirectories": True,
}
TABLE = {
    "Description": "flights",
    "Owner": "hadoop",
    "LastAccessTime": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    "LastAnalyzedTime": datetime.datetime(2024, 1, 2, 3, 4, 6, tzinfo=datetime.UTC),
    "Retention": 7,
    "StorageDescriptor": STORAGE,
    "PartitionKeys": [{"Name": "day", "Type": "date"}, {"Name": "hour", "Type": "int", "Comment": "UTC"}],
    "ViewOriginalText": "/* Presto View: e30= */",
    "ViewExpandedText": "/* Presto View */",
    "TableType": "EXTERNAL_TABLE",
    "Parameters": {"classification": "json", "EXTERNAL": "TRUE", "has_underscore": "x"},
}


def error_of(caught):
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def glue(lakemill):
    return lakemill.client("glue")


@pytest.fixture
def database(glue):
    name = f"db_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name}, Tags={"team": "lake"})
    return name


@pytest.fixture
def table(glue, database):
    glue.create_table(DatabaseName=database, TableInput={"Name": "Flights"} | TABLE)
    return {"DatabaseName": database, "TableName": "flights"}


def partition(day, hour, **more):
    place = f"s3://lake/flights/day={day}/hour={hour}/"
    return {"Values": [day, str(hour)], "StorageDescriptor": STORAGE | {"Location": place}} | more


def test_a_database_comes_back_as_it_was_given(glue, lakemill, database):
    given = {"Name": database, "Description": "x", "LocationUri": "s3://lake/", "Parameters": {"A_b": "1", "c": ""}}
    glue.update_database(Name=database.upper(), DatabaseInput=given)
    found = glue.get_database(Name=database.upper())["Database"]
    assert {name: found[name] for name in given} == given
    assert found["CatalogId"] == lakemill.client("sts").get_caller_identity()["Account"]
    assert abs(found["CreateTime"] - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=5)


def test_a_table_comes_back_as_it_was_given(glue, table, database):
    found = glue.get_table(DatabaseName=database, Name="FLIGHTS")["Table"]
    expected = json.loads(json.dumps(TABLE, default=str))
    expected["StorageDescriptor"]["Columns"][0]["Name"] = "id"
    assert (
        json.loads(json.dumps({name: found[name] for name in TABLE}, default=str))
        | {name: expected[name] for name in ("LastAccessTime", "LastAnalyzedTime")}
        == expected
    )
    assert found["LastAccessTime"] == TABLE["LastAccessTime"]
    assert (found["Name"], found["DatabaseName"], found["VersionId"]) == ("flights", database, "0")
    assert found["IsRegisteredWithLakeFormation"] is False
    assert found["CreatedBy"].startswith("arn:aws:iam::")


def test_an_update_makes_a_version_unless_told_not_to(glue, table, database):
    for number, skip in ((1, False), (2, True), (3, False)):
        changed = {"Name": "flights", "Parameters": {"n": str(number)}, "PartitionKeys": TABLE["PartitionKeys"]}
        glue.update_table(DatabaseName=database, TableInput=changed, SkipArchive=skip)
    pages = glue.get_paginator("get_table_versions").paginate(**table, PaginationConfig={"PageSize": 1})
    assert [one["VersionId"] for page in pages for one in page["TableVersions"]] == ["3", "2", "0"]
    old = glue.get_table_version(**table, VersionId="0")["TableVersion"]
    assert old["Table"]["Description"] == "flights"
    with pytest.raises(ClientError) as caught:
        glue.update_table(DatabaseName=database, TableInput=changed, VersionId="1")
    assert error_of(caught) == ("ConcurrentModificationException", "Update table failed due to concurrent updates.")
    glue.delete_table_version(**table, VersionId="0")
    errors = glue.batch_delete_table_version(**table, VersionIds=["2", "0"])["Errors"]
    assert [(one["VersionId"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [("0", "EntityNotFoundException")]


def test_tables_are_listed_by_pages_and_regular_expression(glue, database):
    for name in ("a1", "a2", "b1", "ab"):
        glue.create_table(DatabaseName=database, TableInput={"Name": name, "TableType": "EXTERNAL_TABLE"})
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database, PaginationConfig={"PageSize": 3})
    assert [one["Name"] for page in pages for one in page["TableList"]] == ["a1", "a2", "ab", "b1"]
    found = glue.get_tables(DatabaseName=database, Expression="a[0-9]")["TableList"]
    assert [one["Name"] for one in found] == ["a1", "a2"]
    for expression, names in (("a*", ["a1", "a2", "ab"]), ("*1", ["a1", "b1"]), ("ab|b.*", ["ab", "b1"])):
        found = glue.get_tables(DatabaseName=database, Expression=expression)["TableList"]
        assert [one["Name"] for one in found] == names
    only = glue.get_tables(DatabaseName=database, Expression="b.*", AttributesToGet=["NAME", "TABLE_TYPE"])["TableList"]
    assert "CreateTime" not in only[0] and only[0]["TableType"] == "EXTERNAL_TABLE"
    errors = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["a1", "none"])["Errors"]
    assert [one["TableName"] for one in errors] == ["none"]


def test_tables_are_searched_in_all_databases(glue, database):
    for name, description in (("sales-eu", "Orders of Europe"), ("sales-us", "Orders"), ("salesx", "other")):
        table = {"Name": name, "Description": description, "Parameters": {"classification": "csv", "run": database}}
        glue.create_table(DatabaseName=database, TableInput=table)

    def found(**request):
        here = [{"Key": "DatabaseName", "Value": database}]
        answer = glue.search_tables(Filters=here + request.pop("Filters", []), **request)
        return [one["Name"] for one in answer["TableList"]]

    assert found(Filters=[{"Key": "Name", "Value": "sales"}]) == ["sales-eu", "sales-us"]
    assert found(SearchText="orders europe") == ["sales-eu"]
    assert found(SearchText='"orders"') == ["sales-us"]
    assert found(Filters=[{"Key": "classification", "Value": "csv"}], MaxResults=2) == ["sales-eu", "sales-us"]
    assert found(SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}])[0] == "salesx"
    with pytest.raises(ClientError, match=r"InvalidInputException.*sorted by ''"):
        found(SortCriteria=[{"Sort": "DESC"}])
    assert found(Filters=[{"Key": "CreateTime", "Value": "2000-01-01", "Comparator": "LESS_THAN"}]) == []
    first = glue.search_tables(SearchText=database, MaxResults=2)
    second = glue.search_tables(SearchText=database, MaxResults=2, NextToken=first["NextToken"])
    assert [one["Name"] for one in second["TableList"]] == ["salesx"] and "NextToken" not in second


def test_partitions_are_pruned_by_an_expression(glue, table):
    given = [partition(f"2024-01-{day:02}", hour) for day in range(1, 5) for hour in range(24)]
    assert glue.batch_create_partition(**table, PartitionInputList=given)["Errors"] == []
    pages = glue.get_paginator("get_partitions").paginate(
        **table, Expression="day BETWEEN '2024-01-02' AND '2024-01-03' AND hour >= 22", PaginationConfig={"PageSize": 3}
    )
    found = [one for page in pages for one in page["Partitions"]]
    assert [one["Values"] for one in found] == [
        ["2024-01-02", "22"], ["2024-01-02", "23"], ["2024-01-03", "22"], ["2024-01-03", "23"]
    ]  # fmt: skip
    assert found[0]["StorageDescriptor"]["SerdeInfo"] == SERDE
    lean = glue.get_partitions(**table, Expression="hour = 7", ExcludeColumnSchema=True)["Partitions"]
    assert len(lean) == 4 and all("Columns" not in one["StorageDescriptor"] for one in lean)
    shares = [
        len(glue.get_partitions(**table, Segment={"SegmentNumber": n, "TotalSegments": 3})["Partitions"])
        for n in range(3)
    ]
    assert sum(shares) == 96 and all(shares)
    with pytest.raises(ClientError) as caught:
        glue.get_partitions(**table, Expression="month = 1")
    assert error_of(caught) == (
        "InvalidInputException",
        "Unsupported expression 'month = 1': 'month' is no partition key",
    )


def test_partitions_are_changed_one_by_one_and_in_batches(glue, table):
    glue.create_partition(**table, PartitionInput=partition("2024-01-01", 1, Parameters={"Rows": "5"}))
    errors = glue.batch_create_partition(
        **table, PartitionInputList=[partition("2024-01-01", n) for n in (1, 2)] + [{"Values": ["2024-01-01"]}]
    )["Errors"]
    assert [(one["PartitionValues"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        (["2024-01-01", "1"], "AlreadyExistsException"),
        (["2024-01-01"], "InvalidInputException"),
    ]
    found = glue.get_partition(**table, PartitionValues=["2024-01-01", "1"])["Partition"]
    assert found["Parameters"] == {"Rows": "5"} and found["TableName"] == "flights"
    glue.update_partition(**table, PartitionValueList=["2024-01-01", "1"], PartitionInput=partition("2024-01-01", 9))
    entries = [
        {"PartitionValueList": ["2024-01-01", n], "PartitionInput": partition("2024-01-01", n, Parameters={"n": n})}
        for n in ("2", "7")
    ]
    errors = glue.batch_update_partition(**table, Entries=entries)["Errors"]
    assert [one["PartitionValueList"] for one in errors] == [["2024-01-01", "7"]]
    wanted = [{"Values": ["2024-01-01", str(n)]} for n in (1, 2, 9)]
    got = glue.batch_get_partition(**table, PartitionsToGet=wanted)["Partitions"]
    assert [one["Values"][1] for one in got] == ["2", "9"] and got[0]["Parameters"] == {"n": "2"}
    glue.delete_partition(**table, PartitionValues=["2024-01-01", "9"])
    errors = glue.batch_delete_partition(**table, PartitionsToDelete=wanted)["Errors"]
    assert [one["PartitionValues"][1] for one in errors] == ["1", "9"]


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "message"),
    [
        ("get_database", {"Name": "none"}, "EntityNotFoundException", "Database none not found."),
        ("get_table", {"Name": "none"}, "EntityNotFoundException", "Table none not found."),
        ("get_tables", {"DatabaseName": "none"}, "EntityNotFoundException", "Database none not found."),
        ("create_table", {"TableInput": {"Name": "FLIGHTS"}}, "AlreadyExistsException", "Table already exists."),
        ("create_database", {"DatabaseInput": {"Name": None}}, "AlreadyExistsException", "Database already exists."),
        ("update_table", {"TableInput": {"Name": "none"}}, "EntityNotFoundException", "Table none not found."),
        ("get_partition", {"PartitionValues": ["a", "1"]}, "EntityNotFoundException", "Cannot find partition."),
        ("delete_partition", {"PartitionValues": ["a", "1"]}, "EntityNotFoundException", "Cannot find partition."),
        (
            "get_partition",
            {"PartitionValues": ["a"]},
            "InvalidInputException",
            "The number of partition keys do not match the number of partition values",
        ),
        ("get_table_version", {"VersionId": "9"}, "EntityNotFoundException", "Version not found."),
        ("get_tables", {"Expression": "("}, "InvalidInputException", "The expression '(' is not a regular expression."),
        ("get_tables", {"NextToken": "?"}, "InvalidInputException", "The NextToken is not valid."),
        ("get_databases", {"CatalogId": "999999999999"}, "EntityNotFoundException", "Catalog 999999999999 not found."),
        (
            "create_table",
            {"TableInput": {"Name": "x", "TargetTable": {"Name": "y"}}},
            "InvalidInputException",
            "TargetTable is not supported: resource links are not provided.",
        ),
        (
            "create_table",
            {"TableInput": {"Name": "x", "PartitionKeys": [{"Name": "a"}, {"Name": "A"}]}},
            "InvalidInputException",
            "Duplicate column names: a.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_awss_words(glue, table, operation, arguments, code, message):
    members = glue.meta.service_model.operation_model(glue.meta.method_to_api_mapping[operation]).input_shape.members
    request = {name: value for name, value in table.items() if name in members} | arguments
    if request.get("DatabaseInput"):
        request["DatabaseInput"] = {"Name": table["DatabaseName"]}
    with pytest.raises(ClientError) as caught:
        getattr(glue, operation)(**request)
    assert error_of(caught) == (code, message)


def test_a_deleted_database_leaves_nothing(glue, table, database):
    glue.create_partition(**table, PartitionInput=partition("2024-01-01", 1))
    glue.delete_database(Name=database)
    glue.create_database(DatabaseInput={"Name": database})
    assert glue.get_tables(DatabaseName=database)["TableList"] == []
    names = [one["Name"] for page in glue.get_paginator("get_databases").paginate() for one in page["DatabaseList"]]
    assert database in names


def test_databases_have_tags(glue, lakemill, database):
    account = lakemill.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:glue:{glue.meta.region_name}:{account}:database/{database}"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"stage": "test"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["team"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"stage": "test"}
    with pytest.raises(ClientError) as caught:
        glue.get_tags(ResourceArn=arn + "x")
    assert error_of(caught)[0] == "EntityNotFoundException"


def test_statistics_of_columns_are_kept(glue, table):
    glue.create_partition(**table, PartitionInput=partition("2024-01-01", 1))
    data = {"MinimumValue": 1, "MaximumValue": 9, "NumberOfNulls": 0, "NumberOfDistinctValues": 5}
    one = {
        "ColumnName": "id",
        "ColumnType": "bigint",
        "AnalyzedTime": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": data},
    }
    wrong = one | {"ColumnName": "nobody"}
    for kind, more in (("table", {}), ("partition", {"PartitionValues": ["2024-01-01", "1"]})):
        update = getattr(glue, f"update_column_statistics_for_{kind}")
        errors = update(**table, **more, ColumnStatisticsList=[one, wrong])["Errors"]
        assert [error["ColumnStatistics"]["ColumnName"] for error in errors] == ["nobody"]
        get = getattr(glue, f"get_column_statistics_for_{kind}")
        found = get(**table, **more, ColumnNames=["id", "name"])
        assert found["ColumnStatisticsList"] == [one]
        assert [error["ColumnName"] for error in found["Errors"]] == ["name"]
        getattr(glue, f"delete_column_statistics_for_{kind}")(**table, **more, ColumnName="id")
        assert get(**table, **more, ColumnNames=["id"])["ColumnStatisticsList"] == []


def test_functions_are_kept(glue, database):
    given = {
        "FunctionName": "Shorten",
        "ClassName": "com.example.Shorten",
        "OwnerName": "ann",
        "OwnerType": "USER",
        "ResourceUris": [{"ResourceType": "JAR", "Uri": "s3://lake/udf.jar"}],
    }
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=given)
    found = glue.get_user_defined_function(DatabaseName=database, FunctionName="SHORTEN")["UserDefinedFunction"]
    assert {name: found[name] for name in given} == given | {"FunctionName": "shorten"}
    with pytest.raises(ClientError) as caught:
        glue.create_user_defined_function(DatabaseName=database, FunctionInput=given)
    assert error_of(caught) == ("AlreadyExistsException", "Function already exists.")
    changed = given | {"ClassName": "com.example.Other"}
    glue.update_user_defined_function(DatabaseName=database, FunctionName="shorten", FunctionInput=changed)
    listed = glue.get_user_defined_functions(DatabaseName=database, Pattern="short.*")["UserDefinedFunctions"]
    assert [one["ClassName"] for one in listed] == ["com.example.Other"]
    glue.delete_user_defined_function(DatabaseName=database, FunctionName="shorten")
    assert glue.get_user_defined_functions(Pattern=".*")["UserDefinedFunctions"] == []


def test_the_policy_is_written_by_those_who_know_it(fresh):
    running = fresh()
    glue = running.client("glue")
    account = running.client("sts").get_caller_identity()["Account"]
    user = running.client("iam").create_user(UserName="ann")["User"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": user["Arn"]},
        "Action": "glue:GetDatabase",
        "Resource": f"arn:aws:glue:{glue.meta.region_name}:{account}:*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError) as caught:
        glue.put_resource_policy(PolicyInJson=text, PolicyExistsCondition="MUST_EXIST")
    assert error_of(caught) == ("EntityNotFoundException", "Policy not found.")
    digest = glue.put_resource_policy(PolicyInJson=text, PolicyExistsCondition="NOT_EXIST")["PolicyHash"]
    assert glue.get_resource_policy()["PolicyInJson"] == text
    with pytest.raises(ClientError) as caught:
        glue.put_resource_policy(PolicyInJson=text, PolicyHashCondition="x")
    assert error_of(caught)[0] == "ConditionCheckFailureException"
    with pytest.raises(ClientError) as caught:
        glue.put_resource_policy(PolicyInJson="{}")
    assert error_of(caught)[0] == "InvalidInputException"
    # It counts: the user may read a database, and nothing else.
    glue.create_database(DatabaseInput={"Name": "db"})
    key = running.client("iam").create_access_key(UserName="ann")["AccessKey"]
    hers = running.client("glue", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert hers.get_database(Name="db")["Database"]["Name"] == "db"
    with pytest.raises(ClientError) as caught:
        hers.get_tables(DatabaseName="db")
    assert error_of(caught)[0] == "AccessDeniedException"
    assert len(glue.get_resource_policies()["GetResourcePoliciesResponseList"]) == 1
    glue.delete_resource_policy(PolicyHashCondition=digest)
    with pytest.raises(ClientError):
        hers.get_database(Name="db")


def test_the_catalog_survives_a_kill(fresh):
    running = fresh()
    glue = running.client("glue")
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput={"Name": "flights"} | TABLE)
    glue.create_partition(DatabaseName="kept", TableName="flights", PartitionInput=partition("2024-01-01", 1))
    running.kill()
    running.start()
    glue = running.client("glue")
    assert glue.get_table(DatabaseName="kept", Name="flights")["Table"]["Retention"] == 7
    assert len(glue.get_partitions(DatabaseName="kept", TableName="flights")["Partitions"]) == 1
