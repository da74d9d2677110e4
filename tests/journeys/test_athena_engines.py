"""Athena's queries by each engine: processes of this machine, a server with Trino's protocol, and Trino itself."""

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid

import pytest
from tests.journeys.athena_queries import AthenaQueries
from tests.journeys.lake import WAIT_S, Lake
from tests.running import Lakemill
from tests.trino_server import TrinoServer

from lakemill.engines.queries import open_cluster
from lakemill.lakesql.interface import Cluster
from lakemill.lakesql.trino.client import Client
from lakemill.mltransforms.lake import RoleLake

VARIABLE = "LAKEMILL_TEST_TRINO"
"""trino://host:port of a coordinator on this machine that takes CREATE CATALOG (catalog.management=dynamic)."""
MANY = "UNNEST(sequence(1, 9999))"
SLOW = f"SELECT count(*) FROM {MANY} AS a (x), {MANY} AS b (y), {MANY} AS c (z) WHERE x * y % 7 = z"


def filled(lakemill, name):
    made = Lake(lakemill, name).make()
    made.csv_table("flights", "carrier string, delay int", "UA,11\nAA,\nUA,-3\n", "DL,7\n")
    return made


class Keys:
    """Clients of a lakemill with its root key, as the catalogs of a cluster would be given one."""

    def __init__(self, lakemill):
        self._lakemill = lakemill

    def create_client(self, service, config):
        return self._lakemill.client(service)


@pytest.fixture(scope="session")
def processes_lake(lakemill):
    return filled(lakemill, "engine_processes")


@pytest.mark.slow
class TestInProcesses(AthenaQueries):
    @pytest.fixture
    def lake(self, processes_lake):
        return processes_lake

    @pytest.fixture
    def slow(self):
        return SLOW


@pytest.fixture(scope="session")
def trino():
    with TrinoServer(None, catalog="lakehouse") as server:
        yield server


@pytest.fixture(scope="session")
def trino_lake(trino, tmp_path_factory):
    folder = tmp_path_factory.mktemp("on-trino")
    with Lakemill(folder / "data", "--queries-url", trino.url) as lakemill:
        trino.lake = RoleLake(folder / "fetched", Keys(lakemill))
        yield filled(lakemill, "engine_trino")


class TestOnTrinosProtocol(AthenaQueries):
    @pytest.fixture
    def lake(self, trino_lake):
        return trino_lake

    @pytest.fixture
    def slow(self):
        return "SELECT 1 AS held"

    @pytest.mark.slow
    def test_a_query_is_asked_for_in_its_callers_name(self, trino, lake):
        id = lake.run("SELECT 1 AS asked")["QueryExecutionId"]
        headers = trino.statements[-1].headers
        assert headers["x-trino-user"] == "arn:aws:iam::000000000000:root"
        assert (headers["x-trino-catalog"], headers["x-trino-schema"]) == ("lakehouse", lake.name)
        assert headers["x-trino-client-info"] == id

    def test_a_query_that_is_cancelled_is_ended_there(self, trino, lake):
        id = lake.start("SELECT 'cancelled' AS held")
        running(trino, "cancelled")
        lake.athena.stop_query_execution(QueryExecutionId=id)
        assert trino.statements[-1].deleted.is_set()

    @pytest.mark.slow
    def test_a_query_that_has_read_too_much_is_ended_there(self, trino, lake):
        limit = {"BytesScannedCutoffPerQuery": 10_000_000}
        name = f"limited-{uuid.uuid4()}"
        configuration = limit | {"ResultConfiguration": {"OutputLocation": lake.results}}
        lake.athena.create_work_group(Name=name, Configuration=configuration)
        status = lake.ended(lake.start("SELECT 'much' AS held", WorkGroup=name), "CANCELLED")["Status"]
        assert status["StateChangeReason"] == "Bytes scanned limit was exceeded"
        assert trino.statements[-1].headers["x-trino-session"] == "query_max_scan_physical_bytes=10000000B"
        assert trino.statements[-1].deleted.is_set()


def running(trino, text):
    """Wait until the cluster has begun with a statement."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = [one for one in trino.statements if text in one.text and one.runs.is_set()]
        if found:
            return found[-1]
        time.sleep(0.02)
    raise AssertionError(f"{text} does not run")


@pytest.mark.slow
def test_a_query_is_ended_by_the_lakemill_after_one_that_was_killed(tmp_path):
    with TrinoServer(None) as trino, Lakemill(tmp_path / "data", "--queries-url", trino.url) as lakemill:
        trino.lake = RoleLake(tmp_path / "fetched", Keys(lakemill))
        lake = Lake(lakemill, "engine_killed").make()
        id = lake.start("SELECT 1 AS held")
        posted = running(trino, "held")
        lakemill.kill()
        assert not posted.deleted.is_set()
        lakemill.start()
        assert posted.deleted.is_set()
        lake = Lake(lakemill, "engine_killed")
        assert "restarted" in lake.ended(id, "FAILED")["Status"]["StateChangeReason"]


@pytest.fixture(scope="session")
def real_lake(tmp_path_factory):
    if not (url := os.environ.get(VARIABLE)):
        pytest.skip(f"{VARIABLE} names no coordinator of Trino")
    name = f"lakemill_{uuid.uuid4().hex[:8]}"
    options = ("--queries-url", f"{url.rstrip('/')}/{name}?iceberg={name}_iceberg")
    with Lakemill(tmp_path_factory.mktemp("on-real-trino"), *options) as lakemill:
        made = open_cluster(options[1])
        client = Client(Cluster(base=made.base, catalog="system", user="lakemill"), "runtime")
        for catalog, connector in ((f"{name}_iceberg", "iceberg"), (name, "hive")):
            properties = catalog_properties(lakemill, connector, f"{name}_iceberg", version_of(made.base))
            shown = ", ".join(f"\"{key}\" = '{value}'" for key, value in properties.items())
            done(client, f"CREATE CATALOG {catalog} USING {connector} WITH ({shown})")
        yield filled(lakemill, "engine_real")
        for catalog in (name, f"{name}_iceberg"):
            done(client, f"DROP CATALOG {catalog}")


def version_of(base):
    with urllib.request.urlopen(f"{base}/v1/info", timeout=10) as answer:
        return int(json.load(answer)["nodeVersion"]["version"].split("-")[0])


def catalog_properties(lakemill, connector, iceberg, version):
    """As docs/services/athena.md tells an operator."""
    properties = {
        "hive.metastore.glue.endpoint-url": lakemill.endpoint,
        "hive.metastore.glue.region": "us-east-1",
        "hive.metastore.glue.aws-access-key": lakemill.access_key_id,
        "hive.metastore.glue.aws-secret-key": lakemill.secret,
        "fs.s3.enabled" if version >= 481 else "fs.native-s3.enabled": "true",
        "s3.endpoint": lakemill.endpoint,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": lakemill.access_key_id,
        "s3.aws-secret-key": lakemill.secret,
    }
    if connector == "iceberg":
        return {"iceberg.catalog.type": "glue"} | properties
    return {"hive.metastore": "glue", "hive.iceberg-catalog-name": iceberg} | properties


def done(client, text):
    for page in client.pages(text):
        assert page.error is None, page.error


class TestOnTrino(AthenaQueries):
    @pytest.fixture
    def lake(self, real_lake):
        return real_lake

    @pytest.fixture
    def slow(self):
        return SLOW


def test_a_url_that_cannot_be_used_is_refused_at_the_start(tmp_path):
    options = ("--port", "0", "--data", str(tmp_path), "--queries-url", "presto://head")
    command = [sys.executable, "-m", "lakemill", "up", *options]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 1
    assert "must be empty or trino://" in outcome.stderr and "Traceback" not in outcome.stderr
