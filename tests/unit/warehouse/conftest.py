"""A warehouse in this process, shared by all tests of a worker; each test has a database of its own."""

import itertools

import pytest

from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.instance import Instance
from lakemill.warehouse.interface import Warehouse
from lakemill.warehouse.platform import Login
from lakemill.warehouse.wire import encoding, replies
from tests.unit.warehouse.lakework import Site

NUMBERS = itertools.count(1)


class NoLake:
    """A platform on which nothing is allowed but the password `Secret1234` of the master."""

    def credentials(self, user, database):
        verifiers = {"awsuser": "f4267b06c6b0494fc5e8e74e9b68722a"}
        return [Login(user, verifiers[user], superuser=True)] if user in verifiers else []

    def begin(self, authorization):
        raise LakeRefused("AccessDenied", "there is no lake")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warehouse")
    options = Warehouse(folder=str(folder / "data"), scratch=str(folder / "scratch"), memory_mib=512, threads=1)
    found = Instance(options, NoLake())
    yield found
    found.close()


class Client:
    """A session that is asked in texts."""

    def __init__(self, warehouse, database, user="awsuser"):
        self.session = warehouse.session(user, database)

    def run(self, sql):
        """Tag and rows as texts, None where there is no result."""
        try:
            result = self.session.execute(sql)
            rows = None if result.columns is None else self._rows(result)
        except BaseException:
            self.session.fail()
            raise
        self.session.sync()
        return result.tag, rows

    def rows(self, sql):
        return self.run(sql)[1]

    def end(self):
        self.session.end()

    def _rows(self, result):
        found, style = [], replies.style_of(self.session)
        for batch in result.rows_left():
            columns = [
                encoding.as_text(batch.column(at), kind, style).to_pylist()
                for at, (_, kind) in enumerate(result.columns)
            ]
            found += [list(row) for row in zip(*columns, strict=True)]
        return found


@pytest.fixture
def database(warehouse):
    """The name of a new database, `db1`, with a user `ann` who may use it."""
    client, name = Client(warehouse, "dev"), f"db{next(NUMBERS)}"
    client.run(f"create database {name}")
    if warehouse.known("user", "ann") is None:
        client.run("create user ann password 'Abcd1234'")
    client.end()
    return name


@pytest.fixture
def client(warehouse, database):
    """A function that begins a session in the test's database: client(), client("ann")."""
    begun = []

    def begin(user="awsuser"):
        begun.append(Client(warehouse, database, user))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


@pytest.fixture(scope="session")
def warehouse_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture
def site(warehouse_site):
    """A warehouse over a lake, as new."""
    warehouse_site.clear()
    return warehouse_site
