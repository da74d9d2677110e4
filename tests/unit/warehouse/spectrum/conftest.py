import pytest

from tests.unit.warehouse.lakework import Session


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)
