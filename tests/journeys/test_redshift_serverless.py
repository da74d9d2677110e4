"""Namespaces and workgroups of Redshift Serverless through boto3."""

import pytest
from botocore.exceptions import ClientError
from tests.journeys.warehouse import ENDED, PASSWORD, Cluster, plain

NAMESPACE, WORKGROUP = "serverless-journey", "serverless-group"


def refused(code, call, **given):
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


class Workgroup:
    """Its clients."""

    def __init__(self, lakemill):
        self.serverless, self.data = lakemill.client("redshift-serverless"), lakemill.client("redshift-data")

    @property
    def about(self):
        return self.serverless.get_workgroup(workgroupName=WORKGROUP)["workgroup"]

    def ready(self):
        Cluster.until(lambda: self.about["status"] == "AVAILABLE")
        return self

    def rows(self, text):
        asked = {"WorkgroupName": WORKGROUP, "Database": "dev", "Sql": text, "WaitTimeSeconds": 30}
        found = self.data.execute_statement(**asked)
        assert found["Status"] in ENDED
        assert found["Status"] == "FINISHED", self.data.describe_statement(Id=found["Id"])["Error"]
        if not found["HasResultSet"]:
            return None
        records = self.data.get_statement_result(Id=found["Id"])["Records"]
        return [tuple(plain(field) for field in row) for row in records]


@pytest.fixture(scope="session")
def workgroup(lakemill):
    made = Workgroup(lakemill)
    made.serverless.create_namespace(
        namespaceName=NAMESPACE, adminUsername="admin", adminUserPassword=PASSWORD, tags=[{"key": "team", "value": "a"}]
    )
    made.serverless.create_workgroup(
        workgroupName=WORKGROUP,
        namespaceName=NAMESPACE,
        configParameters=[{"parameterKey": "query_group", "parameterValue": "serverless"}],
    )
    return made.ready()


def test_a_workgroup_opens_its_namespace(workgroup):
    assert workgroup.rows("SELECT current_user") == [("IAM:root",)]
    assert workgroup.rows("SHOW query_group") == [("serverless",)]
    found = workgroup.serverless.get_namespace(namespaceName=NAMESPACE)["namespace"]
    assert (found["adminUsername"], found["dbName"], found["status"]) == ("admin", "dev", "AVAILABLE")
    tags = workgroup.serverless.list_tags_for_resource(resourceArn=found["namespaceArn"])["tags"]
    assert tags == [{"key": "team", "value": "a"}]
    refused("ConflictException", workgroup.serverless.delete_namespace, namespaceName=NAMESPACE)


def test_parameters_change_for_sessions_that_come(workgroup):
    wanted = {"enable_case_sensitive_identifier": "true", "query_group": "other"}
    change = [{"parameterKey": name, "parameterValue": value} for name, value in wanted.items()]
    workgroup.serverless.update_workgroup(workgroupName=WORKGROUP, configParameters=change)
    assert workgroup.rows("SHOW query_group") == [("other",)]
    assert workgroup.rows("SHOW enable_case_sensitive_identifier") == [("on",)]
    wrong = [{"parameterKey": "max_query_cpu_time", "parameterValue": "1"}]
    update = workgroup.serverless.update_workgroup
    refused("ValidationException", update, workgroupName=WORKGROUP, configParameters=wrong)


@pytest.mark.slow
def test_a_namespace_goes_back_to_a_snapshot(workgroup):
    serverless = workgroup.serverless
    workgroup.rows("CREATE TABLE kept (a int)")
    workgroup.rows("INSERT INTO kept VALUES (1)")
    serverless.create_snapshot(namespaceName=NAMESPACE, snapshotName="serverless-monday")
    told = lambda: serverless.get_snapshot(snapshotName="serverless-monday")["snapshot"]  # noqa: E731
    Cluster.until(lambda: told()["status"] == "AVAILABLE")
    workgroup.rows("INSERT INTO kept VALUES (2)")
    serverless.restore_from_snapshot(namespaceName=NAMESPACE, workgroupName=WORKGROUP, snapshotName="serverless-monday")
    workgroup.ready()
    assert workgroup.rows("SELECT a FROM kept") == [(1,)]


@pytest.mark.slow
def test_a_workgroup_that_is_gone_leaves_the_data(workgroup):
    serverless = workgroup.serverless
    serverless.delete_workgroup(workgroupName=WORKGROUP)
    refused("ResourceNotFoundException", serverless.get_workgroup, workgroupName=WORKGROUP)
    refused(
        "ResourceNotFoundException",
        workgroup.data.execute_statement,
        WorkgroupName=WORKGROUP,
        Database="dev",
        Sql="SELECT 1",
    )
    serverless.create_workgroup(workgroupName=WORKGROUP, namespaceName=NAMESPACE)
    workgroup.ready()
    assert workgroup.rows("SHOW query_group") == [("default",)]
    given = serverless.get_credentials(workgroupName=WORKGROUP, dbName="dev")
    assert (given["dbUser"], len(given["dbPassword"]) > 30) == ("IAM:root", True)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"namespaceName": "nowhere"}, "ResourceNotFoundException"),
        ({"namespaceName": NAMESPACE}, "ConflictException"),
        ({"port": 80}, "ValidationException"),
        ({"securityGroupIds": ["sg-1"]}, "ValidationException"),
        ({"baseCapacity": 1}, "ValidationException"),
    ],
)
def test_workgroups_that_cannot_be(workgroup, given, code):
    whole = {"workgroupName": "serverless-never", "namespaceName": NAMESPACE} | given
    refused(code, workgroup.serverless.create_workgroup, **whole)
