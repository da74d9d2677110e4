import pytest

from tests.unit.warehouse.lakework import Site


@pytest.fixture(scope="session")
def warehouse_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("warehouse"))
    yield site
    site.close()


@pytest.fixture
def site(warehouse_site):
    """A warehouse over a lake, as new."""
    warehouse_site.clear()
    return warehouse_site
