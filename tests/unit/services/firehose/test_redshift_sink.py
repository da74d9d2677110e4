"""Records on their way to Redshift."""

import json

import pytest

from lakemill.engines.delivery import Load, Outcome, Record
from lakemill.engines.warehouses import NotRunning, SqlFailed
from lakemill.services.base import ServiceError
from lakemill.services.firehose.redshift import Redshift, complete

URL = "jdbc:redshift://sales.redshift.localhost:5439/dev"
PLACE = {"RoleARN": "arn:r", "BucketARN": "arn:aws:s3:::lake", "Prefix": "stage/"}
CONFIG = {
    "RoleARN": "arn:r",
    "ClusterJDBCURL": URL,
    "CopyCommand": {"DataTableName": "t", "DataTableColumns": "a, b", "CopyOptions": "JSON 'auto'"},
    "Username": "hose",
    "Password": "Secret123",
    "S3Configuration": PLACE,
}


class Stage:
    """A bucket that may refuse."""

    def __init__(self):
        self.loads, self.refuses = [], False

    def key(self, load):
        return f"stage/{load.id}"

    async def deliver(self, load):
        if self.refuses:
            return Outcome(remaining=load.records, code="S3.AccessDenied", message="no")
        self.loads.append(load.id)
        return Outcome()


class Objects:
    def __init__(self):
        self.there = {}

    async def put(self, bucket, key, pieces):
        self.there[key] = b"".join([piece async for piece in pieces])


class Warehouses:
    """One cluster that fails as it is told."""

    def __init__(self):
        self.texts, self.fault = [], None

    def at_port(self, port):
        return {"name": "cluster/sales", "scope": "a/r"} if port == 5439 else None

    async def carry_out(self, warehouse, database, user, password, sql):
        assert (database, user, password) == ("dev", "hose", "Secret123")
        self.texts.append(sql)
        if self.fault:
            raise self.fault


class World:
    def __init__(self, **given):
        self.stage, self.objects, self.warehouses, self.now_s = Stage(), Objects(), Warehouses(), 0.0
        keys = ("AKIA", "secret", "token")
        config = complete(CONFIG | {"RetryOptions": {"DurationInSeconds": 60}} | given)
        self.sink = Redshift(self.stage, self.objects, self.warehouses, lambda: keys, config, lambda: self.now_s)
        self.load = Load([Record(b"{}", 0, 1)], 2, 1_700_000_000_000, "load-1")


async def test_records_are_loaded_by_a_manifest_with_the_roles_keys():
    world = World()
    assert await world.sink.deliver(world.load) == Outcome()
    manifest = json.loads(world.objects.there["stage/manifests/load-1.manifest"])
    assert manifest == {"entries": [{"url": "s3://lake/stage/load-1", "mandatory": True}]}
    assert world.warehouses.texts == [
        "COPY t (a, b) FROM 's3://lake/stage/manifests/load-1.manifest' CREDENTIALS "
        "'aws_access_key_id=AKIA;aws_secret_access_key=secret;token=token' MANIFEST JSON 'auto'"
    ]


async def test_copy_is_tried_again_and_the_object_is_put_once():
    world = World()
    world.warehouses.fault = SqlFailed("42P01", 'relation "t" does not exist')
    outcome = await world.sink.deliver(world.load)
    assert (outcome.code, len(outcome.remaining)) == ("Redshift.TableNotFound", 1)
    world.warehouses.fault = None
    assert await world.sink.deliver(world.load) == Outcome()
    assert (world.stage.loads, len(world.warehouses.texts)) == (["load-1"], 2)


async def test_what_cannot_be_loaded_in_time_is_named_below_errors():
    world = World()
    world.warehouses.fault = SqlFailed("XX000", "Load into table 't' failed.")
    world.now_s = 61.0
    outcome = await world.sink.deliver(world.load)
    assert (outcome.code, outcome.lost, outcome.remaining) == ("Redshift.DataLoadFailed", 1, [])
    left = "errors/manifests/2023/11/14/22/load-1.manifest"
    assert f"s3://lake/{left}" in outcome.message
    assert json.loads(world.objects.there[left])["entries"][0]["url"] == "s3://lake/stage/load-1"


async def test_a_bucket_that_refuses_is_tried_again_without_a_copy():
    world = World()
    world.stage.refuses = True
    assert (await world.sink.deliver(world.load)).code == "S3.AccessDenied"
    assert world.warehouses.texts == []


@pytest.mark.parametrize(
    ("url", "fault", "code"),
    [
        (URL.replace("5439", "5440"), None, "Redshift.ConnectionFailed"),
        (URL.replace("sales", "other"), None, "Redshift.ConnectionFailed"),
        (URL, NotRunning("it does not run"), "Redshift.ConnectionFailed"),
        (URL, SqlFailed("28000", "password authentication failed"), "Redshift.AuthenticationFailed"),
        (URL, SqlFailed("42501", "permission denied"), "Redshift.AccessDenied"),
    ],
)
async def test_faults_have_firehoses_names(url, fault, code):
    world = World(ClusterJDBCURL=url)
    world.warehouses.fault = fault
    assert (await world.sink.deliver(world.load)).code == code


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Username": None}, "Username and Password"),
        ({"SecretsManagerConfiguration": {"Enabled": True}}, "Secrets Manager"),
        ({"S3Configuration": PLACE | {"Prefix": "!{timestamp:yyyy}/"}}, "plain Prefix"),
        ({"S3Configuration": PLACE | {"ErrorOutputPrefix": "e/"}}, "no ErrorOutputPrefix"),
        ({"S3Configuration": PLACE | {"CompressionFormat": "Snappy"}}, "cannot be loaded by Redshift"),
        ({"S3BackupMode": "Enabled"}, "S3BackupConfiguration must be given"),
    ],
)
def test_configurations_that_cannot_be(given, message):
    with pytest.raises(ServiceError, match=message):
        complete(CONFIG | given)
