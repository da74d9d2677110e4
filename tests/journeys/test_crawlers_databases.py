"""Connections, and crawlers of databases, through boto3."""

import json
import sqlite3
import time

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SHOP = """
CREATE TABLE Orders (id INTEGER PRIMARY KEY, price NUMERIC(10, 2), at TIMESTAMP, ok BOOLEAN, note VARCHAR(20));
CREATE TABLE staff (id INTEGER, name TEXT);
CREATE TABLE tmp_load (line TEXT);
CREATE VIEW cheap AS SELECT id, price FROM Orders WHERE price < 5;
"""


def role(lakemill, name, *actions):
    iam = lakemill.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Path="/service-role/")["Role"]
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName=name, PolicyName="crawl", PolicyDocument=document)
    return arn["Arn"]


def connection(name, url, **properties):
    return {
        "Name": name,
        "ConnectionType": "JDBC",
        "ConnectionProperties": {"JDBC_CONNECTION_URL": url} | properties,
    }


def crawled(glue, name):
    """How a crawl ended."""
    glue.start_crawler(Name=name)
    deadline = time.monotonic() + 60
    while (found := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found["LastCrawl"]


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture(scope="session")
def glue(lakemill):
    role(lakemill, "databases", "glue:*", "logs:*")
    return lakemill.client("glue")


@pytest.fixture
def shop(tmp_path):
    """A database's file."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.executescript(SHOP)
    return path


def test_a_database_is_crawled_and_crawled_again(glue, shop):
    glue.create_connection(ConnectionInput=connection("shop", f"jdbc:sqlite:{shop}"))
    targets = {"JdbcTargets": [{"ConnectionName": "shop", "Path": "shop/%", "Exclusions": ["tmp_*"]}]}
    # A role with a path is found by its name.
    glue.create_crawler(Name="shop", Role="databases", DatabaseName="shopdb", Targets=targets, TablePrefix="src_")
    assert crawled(glue, "shop")["Status"] == "SUCCEEDED"
    found = {one["Name"]: one for one in glue.get_tables(DatabaseName="shopdb")["TableList"]}
    assert set(found) == {"src_shop_orders", "src_shop_staff", "src_shop_cheap"}
    orders = found["src_shop_orders"]
    assert [(one["Name"], one["Type"]) for one in orders["StorageDescriptor"]["Columns"]] == [
        *(("id", "bigint"), ("price", "decimal(10,2)"), ("at", "timestamp"), ("ok", "boolean"), ("note", "string")),
    ]
    assert orders["StorageDescriptor"]["Location"] == "shop.Orders"
    wanted = {"classification": "sqlite", "connectionName": "shop", "typeOfData": "table", "UPDATED_BY_CRAWLER": "shop"}
    assert wanted.items() <= orders["Parameters"].items()
    assert found["src_shop_cheap"]["Parameters"]["typeOfData"] == "view"
    assert glue.get_crawler(Name="shop")["Crawler"]["Targets"]["JdbcTargets"] == targets["JdbcTargets"]

    with sqlite3.connect(shop) as database:
        database.executescript("ALTER TABLE staff ADD COLUMN born DATE; DROP VIEW cheap;")
    assert crawled(glue, "shop")["Status"] == "SUCCEEDED"
    staff = glue.get_table(DatabaseName="shopdb", Name="src_shop_staff")["Table"]
    assert staff["StorageDescriptor"]["Columns"][-1] == {"Name": "born", "Type": "date"}
    cheap = glue.get_table(DatabaseName="shopdb", Name="src_shop_cheap")["Table"]
    assert "DEPRECATED_BY_CRAWLER" in cheap["Parameters"]
    assert glue.get_table_versions(DatabaseName="shopdb", TableName="src_shop_orders")["TableVersions"][0][
        "VersionId"
    ] == orders["VersionId"]  # fmt: skip


def test_a_database_that_cannot_be_read_fails_the_crawl(lakemill, glue, tmp_path):
    arn = role(lakemill, "stranger", "glue:GetDatabase", "glue:CreateDatabase", "glue:GetTable")
    for name, url, path in (
        ("gone", f"jdbc:sqlite:{tmp_path}/gone.db", "gone/%"),
        ("closed", "jdbc:postgresql://127.0.0.1:1/closed", "closed/public/%"),
    ):
        glue.create_connection(ConnectionInput=connection(name, url, USERNAME="u", PASSWORD="p"))
        targets = {"JdbcTargets": [{"ConnectionName": name, "Path": path}]}
        glue.create_crawler(Name=name, Role="databases", DatabaseName=name, Targets=targets)
        last = crawled(glue, name)
        assert (last["Status"], last["ErrorMessage"].split(":")[0]) == ("FAILED", f"Connection {name}")
    glue.update_crawler(Name="gone", Role=arn)
    assert "glue:GetConnection" in crawled(glue, "gone")["ErrorMessage"]
    glue.delete_connection(ConnectionName="closed")
    assert crawled(glue, "closed")["ErrorMessage"] == "Connection with name closed does not exist"


def test_connections_are_kept(lakemill, glue):
    url = "jdbc:postgresql://db.example:5432/lake"
    given = connection("kept", url, USERNAME="u", PASSWORD="secret") | {"MatchCriteria": ["etl"], "Description": "d"}
    glue.create_connection(ConnectionInput=given, Tags={"team": "data"})
    found = glue.get_connection(Name="kept")["Connection"]
    assert given.items() <= found.items() and found["Status"] == "READY"
    hidden = glue.get_connection(Name="kept", HidePassword=True)["Connection"]["ConnectionProperties"]
    assert hidden == {"JDBC_CONNECTION_URL": url, "USERNAME": "u"}
    assert glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:000000000000:connection/kept")["Tags"] == {"team": "data"}
    glue.create_connection(ConnectionInput=connection("other", url))
    some = glue.get_connections(Filter={"ConnectionType": "JDBC", "MatchCriteria": ["etl"]}, HidePassword=True)
    assert [one["Name"] for one in some["ConnectionList"]] == ["kept"]
    assert "PASSWORD" not in some["ConnectionList"][0]["ConnectionProperties"]
    assert refused(glue.create_connection, ConnectionInput=given)[0] == "AlreadyExistsException"
    glue.update_connection(Name="kept", ConnectionInput=connection("kept", url, JDBC_ENFORCE_SSL="true"))
    assert "Description" not in glue.get_connection(Name="kept")["Connection"]
    answer = glue.batch_delete_connection(ConnectionNameList=["kept", "other", "none"])
    assert (answer["Succeeded"], list(answer["Errors"])) == (["kept", "other"], ["none"])
    missing = ("EntityNotFoundException", "Connection kept not found.")
    assert refused(glue.get_connection, Name="kept") == missing
    assert refused(glue.delete_connection, ConnectionName="kept") == missing


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ConnectionType": "KAFKA"}, "ConnectionType KAFKA is not supported: there is JDBC only."),
        ({"ConnectionProperties": {"SECRET_ID": "s"}}, "SECRET_ID is not supported in ConnectionProperties; there are "
         "JDBC_CONNECTION_URL, USERNAME, PASSWORD, JDBC_ENFORCE_SSL."),
        ({"ConnectionProperties": {"USERNAME": "u"}}, "JDBC_CONNECTION_URL must be given, and begin with jdbc:"),
        ({"PhysicalConnectionRequirements": {"SubnetId": "s"}},
         "PhysicalConnectionRequirements is not supported: there are no subnets."),
    ],
)  # fmt: skip
def test_connections_that_cannot_be_honoured_are_refused(glue, given, message):
    whole = connection("wrong", "jdbc:postgresql://db/lake") | given
    assert refused(glue.create_connection, ConnectionInput=whole) == ("InvalidInputException", message)


@pytest.mark.parametrize(
    ("url", "target", "message"),
    [
        ("jdbc:mysql://db/shop", {"Path": "shop/%"},
         "JDBC targets of mysql are not supported: crawlers read postgresql and sqlite."),
        ("jdbc:postgresql://db/shop", {"Path": "other/public/%"},
         "Path 'other/public/%' names the database other; the connection's is shop."),
        ("jdbc:postgresql://db/shop", {"Path": "shop"},
         "Path of a JDBC target must be database/schema/table or database/table; got 'shop'."),
        ("jdbc:postgresql://db/shop", {"Path": "shop/public/%", "EnableAdditionalMetadata": ["COMMENTS"]},
         "EnableAdditionalMetadata is not supported: columns are told with their Hive types only."),
        (None, {"Path": "shop/public/%", "ConnectionName": "nobody"}, "Connection with name nobody does not exist"),
        (None, {"Path": "shop/public/%", "ConnectionName": ""}, "ConnectionName of a JDBC target must be given."),
    ],
)  # fmt: skip
def test_targets_that_cannot_be_honoured_are_refused(glue, url, target, message):
    if url:
        glue.create_connection(ConnectionInput=connection("target", url))
    targets = {"JdbcTargets": [{"ConnectionName": "target"} | target]}
    try:
        assert refused(glue.create_crawler, Name="wrong", Role="databases", DatabaseName="wrong", Targets=targets) == (
            "InvalidInputException",
            message,
        )
    finally:
        glue.batch_delete_connection(ConnectionNameList=["target"])
