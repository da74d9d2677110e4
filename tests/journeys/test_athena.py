"""Athena through boto3."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from tests.journeys.lake import Lake

NUMBERS = "SELECT * FROM UNNEST(sequence(1, 2500)) AS t (n)"
MANY = "UNNEST(sequence(1, 9999))"
SLOW = f"SELECT count(*) FROM {MANY} AS a (x) CROSS JOIN {MANY} AS b (y) CROSS JOIN {MANY} AS c (z) WHERE x * y % 7 = z"


def refused(code, call, **given):
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


@pytest.fixture(scope="session")
def lake(lakemill):
    made = Lake(lakemill, "athena_journey").make()
    made.csv_table("flights", "carrier string, delay int", "UA,11\nAA,\nUA,-3\n", "DL,7\n")
    return made


@pytest.fixture
def group(lake):
    """A fresh workgroup with a place for results that it enforces."""
    name = f"group-{uuid.uuid4()}"
    configuration = {"ResultConfiguration": {"OutputLocation": f"s3://{lake.bucket}/group"}}
    lake.athena.create_work_group(Name=name, Configuration=configuration, Tags=[{"Key": "team", "Value": "air"}])
    return name


# Executions


def test_a_query_answers_with_a_header_and_nulls(lake):
    done = lake.run("SELECT carrier, delay FROM flights ORDER BY carrier, delay")
    assert lake.rows_of(done) == [["carrier", "delay"], ["AA", None], ["DL", "7"], ["UA", "-3"], ["UA", "11"]]
    assert done["ResultConfiguration"]["OutputLocation"] == f"{lake.results}{done['QueryExecutionId']}.csv"
    assert (done["StatementType"], done["SubstatementType"]) == ("DML", "SELECT")
    assert done["Statistics"]["DataScannedInBytes"] == len("UA,11\nAA,\nUA,-3\nDL,7\n")
    assert lake.text(done["ResultConfiguration"]["OutputLocation"]).startswith('"carrier","delay"\n"AA",\n')
    columns = lake.athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])["ResultSet"]["ResultSetMetadata"]
    assert [(one["Name"], one["Type"]) for one in columns["ColumnInfo"]] == [
        ("carrier", "varchar"),
        ("delay", "integer"),
    ]


@pytest.mark.parametrize("size", [1, 999, 1000])
def test_results_come_in_pages_the_header_on_the_first(lake, size):
    done = lake.run(f"SELECT n FROM ({NUMBERS}) WHERE n <= {3 if size == 1 else 2500} ORDER BY n")
    rows = lake.rows_of(done, size)
    assert rows[0] == ["n"]
    assert [int(row[0]) for row in rows[1:]] == list(range(1, (3 if size == 1 else 2500) + 1))


@pytest.mark.parametrize("token", ["x", "bm9uZQ==", "YSAw"])
def test_a_token_of_another_result_is_none(lake, token):
    id = lake.run("SELECT 1")["QueryExecutionId"]
    with pytest.raises(ClientError, match="NextToken is malformed"):
        lake.athena.get_query_results(QueryExecutionId=id, NextToken=token)


def test_ddl_answers_in_lines_without_a_header(lake):
    done = lake.run("SHOW TABLES")
    assert ["flights"] in lake.rows_of(done)
    assert done["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    assert done["Statistics"]["DataScannedInBytes"] == 0


def test_results_are_there_only_after_success(lake):
    slow = lake.start(SLOW)
    answer = refused("InvalidRequestException", lake.athena.get_query_results, QueryExecutionId=slow)
    assert answer.startswith("Query has not yet finished. Current state: ")
    lake.athena.stop_query_execution(QueryExecutionId=slow)
    done = lake.ended(slow, "CANCELLED")
    assert done["Status"]["StateChangeReason"] == "Query was cancelled by the user"
    answer = refused("InvalidRequestException", lake.athena.get_query_results, QueryExecutionId=slow)
    assert answer == "Query did not finish successfully. Final query state: CANCELLED"


def test_what_does_not_exist_fails_the_statement(lake):
    id = lake.start("SELECT * FROM nowhere")
    status = lake.ended(id, "FAILED")["Status"]
    assert "TABLE_NOT_FOUND" in status["StateChangeReason"]
    assert "athena_journey.nowhere' does not exist" in status["StateChangeReason"]
    assert status["AthenaError"]["ErrorCategory"] == 2
    assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"QueryString": "SELECT 1 FROM"}, "line 1:"),
        ({"ResultConfiguration": {}}, "No output location provided. An output location is required either through"),
        ({"ResultConfiguration": {"OutputLocation": "/tmp"}}, "outputLocation is not a valid S3 path."),
        ({"ResultConfiguration": {"OutputLocation": "s3://none-such/x"}}, "Unable to verify/create output bucket none"),
        ({"WorkGroup": "none"}, "WorkGroup none is not found."),
        ({"QueryExecutionContext": {"Catalog": "other"}}, "DataCatalog other was not found"),
        (
            {"ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}},
            "EncryptionConfiguration is not supported: results are not encrypted at rest.",
        ),
    ],
)
def test_what_cannot_be_started_is_refused(lake, given, message):
    given = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": lake.results}} | given
    assert message in refused("InvalidRequestException", lake.athena.start_query_execution, **given)


def test_one_token_is_one_execution(lake):
    token = uuid.uuid4().hex
    first = lake.start("SELECT 1", ClientRequestToken=token)
    assert lake.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        lake.start("SELECT 2", ClientRequestToken=token)


def test_an_answer_is_given_again_if_asked_for(lake):
    text = f"SELECT count(*) AS n, '{uuid.uuid4()}' AS x FROM flights"
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}}
    first, again, fresh = lake.run(text, **reuse), lake.run(text, **reuse), lake.run(text)
    told = [one["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"] for one in (first, again, fresh)]
    assert told == [False, True, False]
    assert again["ResultConfiguration"] == first["ResultConfiguration"]
    assert (again["Statistics"]["DataScannedInBytes"], lake.rows_of(again)) == (0, lake.rows_of(first))


def test_executions_are_listed_by_workgroup_and_told_in_batches(lake, group):
    done = [lake.run("SELECT 1", WorkGroup=group) for _ in range(3)]
    ids = [one["QueryExecutionId"] for one in done]
    first = lake.athena.list_query_executions(WorkGroup=group, MaxResults=2)
    rest = lake.athena.list_query_executions(WorkGroup=group, NextToken=first["NextToken"])
    assert first["QueryExecutionIds"] + rest["QueryExecutionIds"] == ids[::-1]
    assert "NextToken" not in rest
    answer = lake.athena.batch_get_query_execution(QueryExecutionIds=[*ids, "none"])
    assert answer["QueryExecutions"] == done
    assert [one["QueryExecutionId"] for one in answer["UnprocessedQueryExecutionIds"]] == ["none"]
    message = refused("InvalidRequestException", lake.athena.get_query_execution, QueryExecutionId="none")
    assert message == "QueryExecution none was not found"


def test_runtime_statistics_are_what_was_measured(lake):
    done = lake.run("SELECT * FROM flights")
    told = lake.athena.get_query_runtime_statistics(QueryExecutionId=done["QueryExecutionId"])["QueryRuntimeStatistics"]
    assert told["Rows"]["OutputRows"] == 4
    assert told["Rows"]["InputBytes"] == done["Statistics"]["DataScannedInBytes"]
    assert told["Timeline"]["TotalExecutionTimeInMillis"] == done["Statistics"]["TotalExecutionTimeInMillis"]


# What writes


def test_a_table_made_by_a_query_and_rows_inserted(lake):
    made = lake.run("CREATE TABLE late WITH (format = 'PARQUET') AS SELECT * FROM flights WHERE delay > 0")
    id = made["QueryExecutionId"]
    assert (made["StatementType"], made["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    manifest = made["Statistics"]["DataManifestLocation"]
    assert manifest == f"{lake.results}tables/{id}-manifest.csv"
    assert lake.athena.get_query_results(QueryExecutionId=id)["UpdateCount"] == 2
    location = lake.glue.get_table(DatabaseName=lake.name, Name="late")["Table"]["StorageDescriptor"]["Location"]
    for uri in lake.text(manifest).splitlines():
        assert uri.startswith(location)
        assert lake.s3.head_object(Bucket=lake.bucket, Key=uri.removeprefix(f"s3://{lake.bucket}/"))
    added = lake.run("INSERT INTO late VALUES ('ZZ', 1)")
    assert added["Statistics"]["DataManifestLocation"] == f"{lake.results}{added['QueryExecutionId']}-manifest.csv"
    assert lake.rows("SELECT carrier FROM late ORDER BY 1") == [["carrier"], ["DL"], ["UA"], ["ZZ"]]


def test_what_fails_leaves_no_table_and_no_files(lake):
    assert lake.fails("CREATE TABLE never AS SELECT 1 / (delay - delay) AS x FROM flights")
    message = refused("EntityNotFoundException", lake.glue.get_table, DatabaseName=lake.name, Name="never")
    assert message == "Table never not found."


# Prepared statements and named queries


def test_a_prepared_statement_is_executed_with_parameters(lake, group):
    lake.athena.create_prepared_statement(
        StatementName="late",
        WorkGroup=group,
        QueryStatement="SELECT carrier FROM flights WHERE delay > ? AND carrier <> ?",
    )
    assert lake.rows("EXECUTE late USING 8, 'x, y'", WorkGroup=group) == [["carrier"], ["UA"]]
    assert lake.rows("EXECUTE late", WorkGroup=group, ExecutionParameters=["5", "'UA'"]) == [["carrier"], ["DL"]]
    lake.run("PREPARE early FROM SELECT count(*) AS n FROM flights WHERE delay < ?", WorkGroup=group)
    assert lake.rows("EXECUTE early USING 0", WorkGroup=group) == [["n"], ["1"]]
    names = [
        one["StatementName"] for one in lake.athena.list_prepared_statements(WorkGroup=group)["PreparedStatements"]
    ]
    assert names == ["early", "late"]
    lake.run("DEALLOCATE PREPARE early", WorkGroup=group)
    with pytest.raises(ClientError, match=f"PreparedStatement early was not found in workGroup {group}"):
        lake.start("EXECUTE early USING 0", WorkGroup=group)
    assert "INVALID_PARAMETER_USAGE" in lake.fails("EXECUTE late USING 1", WorkGroup=group)


def test_prepared_statements_are_changed_and_deleted(lake, group):
    place = {"StatementName": "one", "WorkGroup": group}
    lake.athena.create_prepared_statement(**place, QueryStatement="SELECT 1", Description="first")
    message = refused(
        "InvalidRequestException", lake.athena.create_prepared_statement, **place, QueryStatement="SELECT 1"
    )
    assert message == f"PreparedStatement one already exists in workGroup {group}"
    lake.athena.update_prepared_statement(**place, QueryStatement="SELECT 2")
    answer = lake.athena.batch_get_prepared_statement(PreparedStatementNames=["one", "two"], WorkGroup=group)
    (found,) = answer["PreparedStatements"]
    assert (found["QueryStatement"], found["Description"], found["WorkGroupName"]) == ("SELECT 2", "first", group)
    assert [one["StatementName"] for one in answer["UnprocessedPreparedStatementNames"]] == ["two"]
    lake.athena.delete_prepared_statement(**place)
    refused("ResourceNotFoundException", lake.athena.get_prepared_statement, **place)


def test_named_queries_are_kept(lake, group):
    token = uuid.uuid4().hex
    given = {"Name": "all", "Database": "d", "QueryString": "SELECT 1", "WorkGroup": group, "ClientRequestToken": token}
    id = lake.athena.create_named_query(**given)["NamedQueryId"]
    assert lake.athena.create_named_query(**given)["NamedQueryId"] == id
    refused("InvalidRequestException", lake.athena.create_named_query, **given | {"Name": "other"})
    lake.athena.update_named_query(NamedQueryId=id, Name="every", QueryString="SELECT 2", Description="new")
    answer = lake.athena.batch_get_named_query(NamedQueryIds=[id, "none"])
    expected = {"Name": "every", "Database": "d", "QueryString": "SELECT 2", "Description": "new"}
    assert answer["NamedQueries"] == [expected | {"NamedQueryId": id, "WorkGroup": group}]
    assert [one["NamedQueryId"] for one in answer["UnprocessedNamedQueryIds"]] == ["none"]
    assert lake.athena.list_named_queries(WorkGroup=group)["NamedQueryIds"] == [id]
    lake.athena.delete_named_query(NamedQueryId=id)
    message = refused("InvalidRequestException", lake.athena.get_named_query, NamedQueryId=id)
    assert message == f"NamedQuery {id} was not found"


# Workgroups


def test_the_primary_workgroup_is_always_there(lake):
    found = lake.athena.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert found["State"] == "ENABLED"
    assert found["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert found["Configuration"]["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert "primary" in [one["Name"] for one in lake.athena.list_work_groups()["WorkGroups"]]
    refused("InvalidRequestException", lake.athena.delete_work_group, WorkGroup="primary")


def test_a_workgroup_decides_where_results_go(lake, group):
    done = lake.run("SELECT 1", WorkGroup=group)
    place = f"s3://{lake.bucket}/group/{done['QueryExecutionId']}.csv"
    assert done["ResultConfiguration"]["OutputLocation"] == place
    elsewhere = f"CREATE TABLE placed WITH (external_location = 's3://{lake.bucket}/placed/') AS SELECT 1 AS n"
    assert "enforces a centralized output location" in lake.fails(elsewhere, WorkGroup=group)
    lake.athena.update_work_group(WorkGroup=group, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False})
    lake.run(elsewhere, WorkGroup=group)
    done = lake.run("SELECT 1", WorkGroup=group)
    assert done["ResultConfiguration"]["OutputLocation"].startswith(lake.results)


def test_a_disabled_workgroup_starts_nothing(lake, group):
    lake.athena.update_work_group(WorkGroup=group, State="DISABLED")
    with pytest.raises(ClientError, match=f"WorkGroup {group} is disabled"):
        lake.start("SELECT 1", WorkGroup=group)


def test_a_workgroup_limits_what_is_read(lake, group):
    lake.athena.update_work_group(WorkGroup=group, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000})
    lake.csv_table("wide", "x string", *["0123456789abcde\n" * 400_000] * 2)
    status = lake.ended(lake.start("SELECT max(x) FROM wide", WorkGroup=group), "CANCELLED")["Status"]
    assert status["StateChangeReason"] == "Bytes scanned limit was exceeded"


def test_a_workgroup_that_is_used_is_deleted_only_with_what_is_in_it(lake, group):
    done = lake.run("SELECT 1", WorkGroup=group)
    message = refused("InvalidRequestException", lake.athena.delete_work_group, WorkGroup=group)
    assert message == f"WorkGroup {group} is not empty"
    lake.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    refused("InvalidRequestException", lake.athena.get_work_group, WorkGroup=group)
    refused("InvalidRequestException", lake.athena.get_query_execution, QueryExecutionId=done["QueryExecutionId"])


@pytest.mark.parametrize(
    "configuration",
    [
        {"PublishCloudWatchMetricsEnabled": True},
        {"RequesterPaysEnabled": True},
        {"EngineVersion": {"SelectedEngineVersion": "Athena engine version 2"}},
        {"ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}},
        {"ManagedQueryResultsConfiguration": {"Enabled": True, "EncryptionConfiguration": {"KmsKey": "alias/k"}}},
    ],
)
def test_what_a_workgroup_cannot_do_is_refused(lake, configuration):
    message = refused(
        "InvalidRequestException", lake.athena.create_work_group, Name="never", Configuration=configuration
    )
    assert "supported" in message or "must be one of" in message


def test_workgroups_carry_tags(lake, group):
    arn = f"arn:aws:athena:us-east-1:000000000000:workgroup/{group}"
    lake.athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "cost", "Value": "1"}])
    lake.athena.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert lake.athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "cost", "Value": "1"}]
    refused("ResourceNotFoundException", lake.athena.list_tags_for_resource, ResourceARN=f"{arn}x")


# The catalog


def test_the_catalog_is_glues(lake):
    (catalog,) = lake.athena.list_data_catalogs()["DataCatalogsSummary"]
    assert (catalog["CatalogName"], catalog["Type"]) == ("AwsDataCatalog", "GLUE")
    assert lake.athena.get_data_catalog(Name="awsdatacatalog")["DataCatalog"]["Name"] == "AwsDataCatalog"
    names = [one["Name"] for one in lake.athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    assert lake.name in names
    place = {"CatalogName": "AwsDataCatalog", "DatabaseName": lake.name}
    assert lake.athena.get_database(**place)["Database"]["Name"] == lake.name
    table = lake.athena.get_table_metadata(**place, TableName="flights")["TableMetadata"]
    assert [(one["Name"], one["Type"]) for one in table["Columns"]] == [("carrier", "string"), ("delay", "int")]
    assert table["Parameters"]["location"] == f"s3://{lake.bucket}/flights/"
    assert lake.athena.list_table_metadata(**place, Expression="flig.*")["TableMetadataList"] == [table]
    message = refused("MetadataException", lake.athena.get_table_metadata, **place, TableName="none")
    assert message.startswith("Table none not found. (Service: AmazonDataCatalog; Status Code: 400; Error Code: Entity")


# Permissions


@pytest.fixture(scope="session")
def analyst(lake):
    """Athena by a user who may read one table and write results."""
    iam = lake.lakemill.client("iam")
    iam.create_user(UserName="athena-analyst")
    glue = "arn:aws:glue:us-east-1:000000000000:"
    allowed = [
        (["athena:*"], ["arn:aws:athena:us-east-1:000000000000:workgroup/primary"]),
        (
            ["glue:GetTable", "glue:GetPartitions", "glue:GetDatabase"],
            [
                f"{glue}catalog",
                f"{glue}database/{lake.name}",
                f"{glue}table/{lake.name}/flights",
                f"{glue}table/{lake.name}/mine",
            ],
        ),
        (["s3:ListBucket"], [f"arn:aws:s3:::{lake.bucket}"]),
        (["s3:GetObject"], [f"arn:aws:s3:::{lake.bucket}/flights/*", f"arn:aws:s3:::{lake.bucket}/results/*"]),
        (["s3:PutObject"], [f"arn:aws:s3:::{lake.bucket}/results/*"]),
    ]
    statements = [{"Effect": "Allow", "Action": actions, "Resource": where} for actions, where in allowed]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="athena-analyst", PolicyName="read", PolicyDocument=document)
    key = iam.create_access_key(UserName="athena-analyst")["AccessKey"]
    return Lake(lake.lakemill, lake.name, access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def test_a_statement_may_do_what_its_caller_may(lake, analyst):
    assert analyst.rows("SELECT count(*) AS n FROM flights") == [["n"], ["4"]]
    lake.csv_table("secret", "x int", "1\n")
    assert "glue:GetTable" in analyst.fails("SELECT * FROM secret")
    assert "glue:CreateTable" in analyst.fails(
        f"CREATE EXTERNAL TABLE mine (x int) LOCATION 's3://{lake.bucket}/flights/'"
    )
    assert "glue:DeleteTable" in analyst.fails("DROP TABLE flights")
    reason = analyst.fails("SELECT 1", ResultConfiguration={"OutputLocation": f"s3://{lake.bucket}/elsewhere/"})
    assert reason.startswith(f"Access denied when writing output to url: s3://{lake.bucket}/elsewhere/")


def test_an_answer_is_reused_only_by_those_who_could_have_asked(lake, analyst):
    text = "SELECT x, 'reused' AS r FROM secret2"
    lake.csv_table("secret2", "x int", "1\n")
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True}}}
    lake.run(text)
    assert "glue:GetTable" in analyst.fails(text, **reuse)


def test_workgroups_are_what_is_permitted(lake, analyst, group):
    message = refused("AccessDeniedException", analyst.athena.get_work_group, WorkGroup=group)
    assert f"athena:GetWorkGroup on resource: arn:aws:athena:us-east-1:000000000000:workgroup/{group}" in message
    done = lake.run("SELECT 1", WorkGroup=group)
    refused("AccessDeniedException", analyst.athena.get_query_execution, QueryExecutionId=done["QueryExecutionId"])
