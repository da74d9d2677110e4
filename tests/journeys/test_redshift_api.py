"""Clusters of Redshift and their Data API through boto3."""

import json
import subprocess
import sys

import boto3
import psycopg
import pytest
import redshift_connector
from botocore.exceptions import ClientError
from tests.journeys.warehouse import PASSWORD, Cluster, allow, role


def refused(code, call, **given):
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


@pytest.fixture(scope="session")
def cluster(lakemill):
    made = Cluster(lakemill, "api-journey").make(Tags=[{"Key": "team", "Value": "air"}])
    assert made.done("CREATE TABLE flights (carrier varchar(10), delay int)")["Status"] == "FINISHED"
    assert made.done("INSERT INTO flights VALUES ('UA', 11), ('DL', NULL), ('UA', -3)")["ResultRows"] == 3
    return made


@pytest.fixture(scope="session")
def analyst(lakemill):
    """Keys of an IAM user, and what lets it do things."""
    iam = lakemill.client("iam")
    iam.create_user(UserName="redshift-analyst")
    key = iam.create_access_key(UserName="redshift-analyst")["AccessKey"]
    keys = {"access_key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    return keys, lambda *allowed: allow(iam.put_user_policy, {"UserName": "redshift-analyst"}, *allowed)


# Clusters


def test_a_cluster_is_told_as_it_was_made(cluster):
    about = cluster.about
    assert (about["NodeType"], about["NumberOfNodes"], about["DBName"]) == ("ra3.xlplus", 1, "dev")
    assert (about["ClusterAvailabilityStatus"], about["Encrypted"]) == ("Available", False)
    assert about["Tags"] == [{"Key": "team", "Value": "air"}]
    found = cluster.redshift.describe_clusters(TagKeys=["team"], TagValues=["air"])["Clusters"]
    assert [one["ClusterIdentifier"] for one in found] == [cluster.name]
    tagged = cluster.redshift.describe_tags(ResourceType="cluster", TagKeys=["team"])["TaggedResources"]
    assert tagged[0]["ResourceName"].endswith(f":cluster:{cluster.name}")


def test_options_of_nodes_are_filtered(cluster):
    describe, filters = cluster.redshift.describe_node_configuration_options, []
    for name, operator, *values in (
        ("NodeType", "in", "ra3.xlplus", "dc2.large"),
        ("NumberOfNodes", "between", "2", "4"),
    ):
        filters.append({"Name": name, "Operator": operator, "Values": values})
    found = describe(ActionType="resize-cluster", ClusterIdentifier=cluster.name, Filters=filters)
    assert [(one["NodeType"], one["NumberOfNodes"]) for one in found["NodeConfigurationOptionList"]] == [
        ("dc2.large", 2),
        ("dc2.large", 4),
        ("ra3.xlplus", 2),
        ("ra3.xlplus", 4),
    ]
    assert 0 < found["NodeConfigurationOptionList"][0]["EstimatedDiskUtilizationPercent"] < 1
    refused("InvalidParameterCombination", describe, ActionType="restore-cluster")
    orderable = cluster.redshift.describe_orderable_cluster_options(NodeType="ra3.4xlarge")["OrderableClusterOptions"]
    assert [one["ClusterType"] for one in orderable] == ["multi-node"]
    family = cluster.redshift.describe_cluster_versions()["ClusterVersions"][0]["ClusterParameterGroupFamily"]
    assert family == "redshift-1.0"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ClusterIdentifier": "api-journey"}, "ClusterAlreadyExists"),
        ({"ClusterIdentifier": "Two--Hyphens"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "short1A"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "nodigitsHere"}, "InvalidParameterValue"),
        ({"MasterUsername": "select"}, "InvalidParameterValue"),
        ({"NodeType": "m5.large"}, "InvalidParameterValue"),
        ({"ClusterType": "multi-node"}, "InvalidParameterCombination"),
        ({"NumberOfNodes": 33}, "InvalidParameterValue"),
        ({"Encrypted": True}, "InvalidParameterValue"),
        ({"ManageMasterPassword": True}, "InvalidParameterValue"),
        ({"VpcSecurityGroupIds": ["sg-1"]}, "ValidationError"),
        ({"ClusterParameterGroupName": "none"}, "ClusterParameterGroupNotFound"),
        ({"ClusterSubnetGroupName": "none"}, "ClusterSubnetGroupNotFoundFault"),
        ({"DefaultIamRoleArn": "arn:aws:iam::000000000000:role/r"}, "InvalidParameterValue"),
        ({"Port": 80}, "InvalidParameterValue"),
    ],
)
def test_clusters_that_cannot_be(cluster, given, code):
    whole = {"ClusterIdentifier": "never", "NodeType": "ra3.xlplus", "MasterUsername": "awsuser"}
    refused(code, cluster.redshift.create_cluster, **whole | {"MasterUserPassword": PASSWORD} | given)
    refused("ClusterNotFound", cluster.redshift.describe_clusters, ClusterIdentifier="never")


def test_a_new_password_counts_at_once(cluster):
    cluster.redshift.modify_cluster(ClusterIdentifier=cluster.name, MasterUserPassword="Another123")
    with pytest.raises(redshift_connector.InterfaceError):
        cluster.connect()
    cluster.connect(password="Another123").close()
    cluster.redshift.modify_cluster(ClusterIdentifier=cluster.name, MasterUserPassword=PASSWORD)
    cluster.connect().close()


def test_connections_are_encrypted_under_lakemills_own_authority(lakemill, cluster):
    place = cluster.about["Endpoint"]
    trusted = {"sslmode": "verify-full", "sslrootcert": str(lakemill.data / "ca.pem")}
    with psycopg.connect(
        host=place["Address"], port=place["Port"], dbname="dev", user="awsuser", password=PASSWORD, **trusted
    ) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_parameters_reach_sessions_after_a_reboot(cluster):
    redshift, group = cluster.redshift, "api-journey"
    redshift.create_cluster_parameter_group(
        ParameterGroupName=group, ParameterGroupFamily="redshift-1.0", Description="of a journey"
    )
    wrong = [{"ParameterName": "wlm_json_configuration", "ParameterValue": "[]"}]
    modify = redshift.modify_cluster_parameter_group
    refused("InvalidParameterValue", modify, ParameterGroupName=group, Parameters=wrong)
    wanted = {"enable_case_sensitive_identifier": "true", "query_group": "reports"}
    modify(ParameterGroupName=group, Parameters=[{"ParameterName": n, "ParameterValue": v} for n, v in wanted.items()])
    shown = redshift.describe_cluster_parameters(ParameterGroupName=group, Source="user")["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in shown} == wanted
    redshift.modify_cluster(ClusterIdentifier=cluster.name, ClusterParameterGroupName=group)
    assert cluster.about["ClusterParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    redshift.reboot_cluster(ClusterIdentifier=cluster.name)
    cluster.ready()
    assert cluster.about["ClusterParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert cluster.rows("SHOW query_group") == [("reports",)]
    assert cluster.rows("SHOW enable_case_sensitive_identifier") == [("on",)]
    refused("InvalidClusterParameterGroupState", redshift.delete_cluster_parameter_group, ParameterGroupName=group)


@pytest.mark.slow
def test_data_outlive_a_pause(cluster):
    redshift = cluster.redshift
    port = cluster.about["Endpoint"]["Port"]
    redshift.pause_cluster(ClusterIdentifier=cluster.name)
    cluster.until(lambda: cluster.about["ClusterStatus"] == "paused")
    with pytest.raises(ClientError, match="its status is paused"):
        cluster.start("SELECT 1")
    redshift.resume_cluster(ClusterIdentifier=cluster.name)
    cluster.ready()
    assert cluster.about["Endpoint"]["Port"] == port
    assert cluster.rows("SELECT count(*) FROM flights") == [(3,)]


@pytest.mark.slow
def test_a_snapshot_becomes_another_cluster(lakemill, cluster):
    redshift = cluster.redshift
    redshift.create_cluster_snapshot(SnapshotIdentifier="api-monday", ClusterIdentifier=cluster.name)
    describe = redshift.describe_cluster_snapshots
    cluster.until(lambda: describe(SnapshotIdentifier="api-monday")["Snapshots"][0]["Status"] == "available")
    redshift.restore_from_cluster_snapshot(
        ClusterIdentifier="api-copy", SnapshotIdentifier="api-monday", NodeType="ra3.4xlarge", NumberOfNodes=2
    )
    copy = Cluster(lakemill, "api-copy").ready()
    assert (copy.about["NumberOfNodes"], copy.about["RestoreStatus"]["Status"]) == (2, "completed")
    assert copy.about["Tags"] == [{"Key": "team", "Value": "air"}]  # Of the cluster, by way of the snapshot.
    assert copy.rows("SELECT carrier, delay FROM flights ORDER BY 1, 2") == [("DL", None), ("UA", -3), ("UA", 11)]
    refused("InvalidParameterCombination", redshift.delete_cluster, ClusterIdentifier="api-copy")
    redshift.delete_cluster(ClusterIdentifier="api-copy", FinalClusterSnapshotIdentifier="api-last")
    redshift.get_waiter("cluster_deleted").wait(
        ClusterIdentifier="api-copy", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    last = describe(ClusterIdentifier="api-copy")["Snapshots"][0]
    assert (last["SnapshotIdentifier"], last["Status"], last["NumberOfNodes"]) == ("api-last", "available", 2)
    assert last["TotalBackupSizeInMegaBytes"] > 0
    redshift.delete_cluster_snapshot(SnapshotIdentifier="api-last")
    refused("ClusterSnapshotNotFound", describe, SnapshotIdentifier="api-last")


# Who connects


def test_temporary_passwords_let_clients_in(cluster):
    given = cluster.redshift.get_cluster_credentials(
        ClusterIdentifier=cluster.name, DbUser="joe", DbName="dev", AutoCreate=True
    )
    assert given["DbUser"] == "IAMA:joe"
    with cluster.connect(given["DbUser"], given["DbPassword"]) as connection:
        assert connection.cursor().execute("SELECT current_user").fetchall() == (["joe"],)
    with pytest.raises(redshift_connector.InterfaceError):
        cluster.connect(given["DbUser"], given["DbPassword"][:-1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Of the driver's, about its own TLS.
def test_the_driver_fetches_its_password_itself(lakemill, cluster, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(lakemill.data / "ca.pem"))
    with redshift_connector.connect(
        iam=True,
        cluster_identifier=cluster.name,
        db_user="ann",
        auto_create=True,
        database="dev",
        endpoint_url=lakemill.endpoint,
        region="us-east-1",
        access_key_id=lakemill.access_key_id,
        secret_access_key=lakemill.secret,
    ) as connection:
        assert connection.cursor().execute("SELECT current_user").fetchall() == (["ann"],)


@pytest.mark.slow
def test_awswrangler_reads_through_the_data_api(lakemill, cluster, monkeypatch):
    wr = pytest.importorskip("awswrangler")
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakemill.endpoint)
    session = boto3.Session(lakemill.access_key_id, lakemill.secret, region_name="us-east-1")
    found = wr.data_api.redshift.read_sql_query(
        "SELECT carrier, delay FROM flights ORDER BY delay",
        wr.data_api.redshift.connect(cluster.name, "dev", db_user="awsuser", boto3_session=session),
    )
    assert found["carrier"].tolist() == ["UA", "UA", "DL"]
    assert found["delay"].tolist()[:2] == [-3, 11]


def test_a_user_of_iam_needs_a_permission_for_each_user_of_the_database(lakemill, cluster, analyst):
    keys, let = analyst
    redshift = lakemill.client("redshift", **keys)
    asked = {"ClusterIdentifier": cluster.name, "DbUser": "awsuser", "DbName": "dev"}
    denied = refused("AccessDenied", redshift.get_cluster_credentials, **asked)
    assert f":dbuser:{cluster.name}/awsuser" in denied
    start = "arn:aws:redshift:*:*:"
    let(
        ("redshift:GetClusterCredentials", f"{start}dbuser:{cluster.name}/joe"),
        ("redshift:GetClusterCredentials", f"{start}dbname:{cluster.name}/dev"),
    )
    refused("AccessDenied", redshift.get_cluster_credentials, **asked)
    assert redshift.get_cluster_credentials(**asked | {"DbUser": "joe"})["DbUser"] == "IAM:joe"
    refused("AccessDenied", redshift.get_cluster_credentials, **asked | {"DbUser": "joe", "AutoCreate": True})


def test_statements_belong_to_who_handed_them_in(lakemill, cluster, analyst):
    keys, let = analyst
    let(("redshift-data:*", "*"), ("redshift:GetClusterCredentialsWithIAM", "*"))
    theirs, ours = Cluster(lakemill, cluster.name, **keys), cluster.start("SELECT 1")["Id"]
    found = theirs.done("SELECT current_user", DbUser=None)
    assert (found["DbUser"], theirs.result(found["Id"])) == (
        "IAM:redshift-analyst",
        [("IAM:redshift-analyst",)],
    )
    refused("ResourceNotFoundException", theirs.data.describe_statement, Id=ours)
    refused("ResourceNotFoundException", cluster.data.get_statement_result, Id=found["Id"])
    assert [one["Id"] for one in theirs.data.list_statements()["Statements"]] == [found["Id"]]
    with pytest.raises(ClientError, match="not authorized to perform: redshift:GetClusterCredentials"):
        theirs.start("SELECT 1")


# Statements


def test_a_query_answers_with_types_and_nulls(cluster):
    found = cluster.done("SELECT carrier, delay, delay / 2.0 AS half FROM flights ORDER BY delay")
    assert (found["ResultRows"], found["HasResultSet"], found["QueryString"][:6]) == (3, True, "SELECT")
    result = cluster.data.get_statement_result(Id=found["Id"])
    assert [(one["name"], one["typeName"]) for one in result["ColumnMetadata"]] == [
        ("carrier", "varchar"),
        ("delay", "int4"),
        ("half", "numeric"),
    ]
    assert [row[1] for row in result["Records"]] == [{"longValue": -3}, {"longValue": 11}, {"isNull": True}]
    assert "stringValue" in result["Records"][0][2]


def test_parameters_are_values_and_nothing_else(cluster):
    given = [{"name": "who", "value": "UA' OR '1'='1"}]
    assert cluster.rows("SELECT * FROM flights WHERE carrier = :who", Parameters=given) == []
    given = [{"name": "least", "value": "0"}]
    assert cluster.rows("SELECT delay FROM flights WHERE delay > :least", Parameters=given) == [(11,)]
    unused = [{"name": "other", "value": "0"}]
    refused("ValidationException", cluster.data.execute_statement, ClusterIdentifier=cluster.name, Database="dev",
            Sql="SELECT 1", Parameters=unused)  # fmt: skip


def test_a_batch_is_one_transaction_and_tells_of_each_statement(cluster):
    bad = cluster.done("CREATE TABLE gone (a int)", "SELECT 1/0", "SELECT 2")
    assert (bad["Status"], [one["Status"] for one in bad["SubStatements"]]) == (
        "FAILED",
        ["FINISHED", "FAILED", "ABORTED"],
    )
    assert "ivision by zero" in bad["Error"]
    assert cluster.done("SELECT * FROM gone")["Error"] == 'ERROR: relation "gone" does not exist'
    good = cluster.done("SELECT 1", "SELECT 2")
    assert cluster.result(good["SubStatements"][1]["Id"]) == [(2,)]
    refused("ValidationException", cluster.data.get_statement_result, Id=good["Id"])


def test_large_results_come_in_pages(cluster):
    found = cluster.done("SELECT a.delay FROM flights a, flights b, flights c, flights d, flights e, flights f, "
                         "flights g, flights h")  # fmt: skip
    first = cluster.data.get_statement_result(Id=found["Id"])
    assert (first["TotalNumRows"], "NextToken" in first) == (3**8, True)
    assert len(cluster.result(found["Id"])) == 3**8
    text = cluster.done("SELECT carrier, delay FROM flights ORDER BY 1, 2", ResultFormat="CSV")
    told = cluster.data.get_statement_result_v2(Id=text["Id"])
    assert told["Records"] == [{"CSVRecords": "DL,\r\nUA,-3\r\nUA,11\r\n"}]


def test_a_session_keeps_its_temporary_tables(cluster):
    begun = cluster.start("CREATE TEMP TABLE mine (a int)", SessionKeepAliveSeconds=60)
    kept = {"SessionId": begun["SessionId"]}
    assert cluster.done("INSERT INTO mine VALUES (7)", **kept)["Status"] == "FINISHED"
    assert cluster.rows("SELECT a FROM mine", **kept) == [(7,)]
    assert [one["Status"] for one in cluster.data.list_sessions(**kept)["Sessions"]] == ["AVAILABLE"]
    refused("ValidationException", cluster.data.execute_statement, Sql="SELECT 1", Database="dev", **kept)
    assert cluster.done("SELECT a FROM mine")["Status"] == "FAILED"


def test_a_statement_is_cancelled(cluster):
    many = "SELECT count(*) FROM " + ", ".join(f"flights f{number}" for number in range(24))
    started = cluster.start(many, WaitTimeSeconds=None)
    cluster.until(lambda: cluster.data.describe_statement(Id=started["Id"])["Status"] == "STARTED")
    refused("ResourceNotFoundException", cluster.data.get_statement_result, Id=started["Id"])
    assert cluster.data.cancel_statement(Id=started["Id"])["Status"]
    assert cluster.data.describe_statement(Id=started["Id"])["Status"] == "ABORTED"
    refused("ValidationException", cluster.data.cancel_statement, Id=started["Id"])


def test_what_is_there_can_be_listed(cluster):
    where = {"ClusterIdentifier": cluster.name, "Database": "dev", "DbUser": "awsuser"}
    assert "dev" in cluster.data.list_databases(**where)["Databases"]
    assert cluster.data.list_schemas(**where, SchemaPattern="pub%")["Schemas"] == ["public"]
    found = cluster.data.list_tables(**where, SchemaPattern="public", TablePattern="fl%")["Tables"]
    assert found == [{"name": "flights", "schema": "public", "type": "TABLE"}]
    assert "flights" in {one["tableName"] for one in cluster.data.describe_table(**where)["ColumnList"]}
    columns = cluster.data.describe_table(**where, Schema="public", Table="flights")["ColumnList"]
    assert [(one["name"], one["typeName"], one["length"]) for one in columns] == [
        ("carrier", "varchar", 10),
        ("delay", "int4", 0),
    ]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ClusterIdentifier": "none"}, "ValidationException"),
        ({"WorkgroupName": "both"}, "ValidationException"),
        ({"Database": None}, "ValidationException"),
        ({"WithEvent": True}, "ValidationException"),
        ({"SecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}, "ValidationException"),
        ({"Sql": "SELECT '" + "x" * 102400 + "'"}, "ValidationException"),
        ({"SessionId": "00000000-0000-0000-0000-000000000000", "ClusterIdentifier": None, "Database": None,
          "DbUser": None}, "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_statements_that_cannot_be(cluster, given, code):
    whole = {"ClusterIdentifier": cluster.name, "Database": "dev", "DbUser": "awsuser", "Sql": "SELECT 1"} | given
    asked = {name: value for name, value in whole.items() if value is not None}
    refused(code, cluster.data.execute_statement, **asked)


@pytest.mark.slow
def test_the_command_shows_what_a_cluster_answers(lakemill, cluster):
    def command(*arguments):
        whole = [sys.executable, "-m", "lakemill", "sql", "--data", str(lakemill.data), "--port", str(lakemill.port)]
        return subprocess.run([*whole, *arguments], capture_output=True, text=True, timeout=60, check=False)

    query = "SELECT carrier, delay FROM flights ORDER BY 1, 2"
    done = command("--cluster", cluster.name, "--output", "json", query)
    assert json.loads(done.stdout)[:2] == [{"carrier": "DL", "delay": None}, {"carrier": "UA", "delay": -3}]
    assert done.stderr.startswith("3 rows in")
    failed = command("--cluster", cluster.name, "SELECT * FROM nope")
    assert (failed.returncode, 'relation "nope" does not exist' in failed.stderr) == (1, True)


# The lake


def test_a_role_loads_only_what_it_is_attached_for_and_may_read(lakemill, cluster):
    s3 = lakemill.client("s3")
    s3.create_bucket(Bucket="redshift-api")
    s3.put_object(Bucket="redshift-api", Key="in/1.csv", Body=b"AA,5\nB6,6\n")
    arn = role(lakemill, "redshift-loads", "s3:GetObject", "s3:ListBucket")
    copy = "COPY flights FROM 's3://redshift-api/in/' IAM_ROLE '{}' CSV"
    assert "not attached" in cluster.done(copy.format(arn))["Error"]
    attach = cluster.redshift.modify_cluster_iam_roles
    attach(ClusterIdentifier=cluster.name, AddIamRoles=[arn], DefaultIamRoleArn=arn)
    assert cluster.about["DefaultIamRoleArn"] == arn
    counted = "SELECT count(*) FROM flights WHERE carrier IN ('AA', 'B6')"
    assert cluster.done("BEGIN", "COPY flights FROM 's3://redshift-api/in/' IAM_ROLE default CSV",
                        "ROLLBACK")["Status"] in ("FINISHED", "FAILED")  # fmt: skip
    assert cluster.rows(counted) == [(0,)]
    done = cluster.done("COPY flights FROM 's3://redshift-api/in/' IAM_ROLE default CSV")
    assert done["Status"] == "FINISHED", done["Error"]
    assert cluster.rows(counted) == [(2,)]
    lakemill.client("iam").delete_role_policy(RoleName="redshift-loads", PolicyName="own")
    assert cluster.done(copy.format(arn))["Status"] == "FAILED"
    assert cluster.done("DELETE FROM flights WHERE carrier IN ('AA', 'B6')")["ResultRows"] == 2


def test_firehose_loads_what_is_put_into_it(lakemill, cluster):
    s3, firehose = lakemill.client("s3"), lakemill.client("firehose")
    s3.create_bucket(Bucket="redshift-hose")
    arn = role(lakemill, "redshift-hose", "s3:*", service="firehose.amazonaws.com")
    assert cluster.done("CREATE TABLE landed (n int)", "CREATE USER hose PASSWORD 'Secret123'",
                        "GRANT ALL ON landed TO hose")["Status"] == "FINISHED"  # fmt: skip
    place = cluster.about["Endpoint"]
    hints = {"SizeInMBs": 1, "IntervalInSeconds": 0}
    config = {
        "RoleARN": arn,
        "ClusterJDBCURL": f"jdbc:redshift://{cluster.name}.redshift.localhost:{place['Port']}/dev",
        "CopyCommand": {"DataTableName": "landed", "DataTableColumns": "n", "CopyOptions": "JSON 'auto'"},
        "Username": "hose",
        "Password": "Secret123",
        "RetryOptions": {"DurationInSeconds": 0},
        "S3Configuration": {
            "RoleARN": arn,
            "BucketARN": "arn:aws:s3:::redshift-hose",
            "Prefix": "stage/",
            "BufferingHints": hints,
        },
    }
    for name, change in (("good", {}), ("bad", {"Password": "Wrong1234"})):
        firehose.create_delivery_stream(
            DeliveryStreamName=f"redshift-{name}", RedshiftDestinationConfiguration=config | change
        )
        cluster.until(
            lambda name=name: (
                firehose.describe_delivery_stream(DeliveryStreamName=f"redshift-{name}")["DeliveryStreamDescription"][
                    "DeliveryStreamStatus"
                ]
                == "ACTIVE"
            )
        )
    found = firehose.describe_delivery_stream(DeliveryStreamName="redshift-good")["DeliveryStreamDescription"]
    described = found["Destinations"][0]["RedshiftDestinationDescription"]
    assert "Password" not in described
    assert described["S3DestinationDescription"]["Prefix"] == "stage/"
    records = [{"Data": json.dumps({"n": number}).encode() + b"\n"} for number in range(3)]
    firehose.put_record_batch(DeliveryStreamName="redshift-good", Records=records)
    cluster.until(lambda: cluster.rows("SELECT n FROM landed ORDER BY n") == [(0,), (1,), (2,)])
    firehose.put_record_batch(DeliveryStreamName="redshift-bad", Records=records)
    listed = lambda: s3.list_objects_v2(Bucket="redshift-hose", Prefix="errors/manifests/").get("Contents", [])  # noqa: E731
    cluster.until(listed)
    left = json.loads(s3.get_object(Bucket="redshift-hose", Key=listed()[0]["Key"])["Body"].read())
    assert left["entries"][0]["url"].startswith("s3://redshift-hose/stage/")
    assert cluster.rows("SELECT count(*) FROM landed") == [(3,)]
