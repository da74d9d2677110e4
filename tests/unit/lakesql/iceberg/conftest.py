import pytest

from lakemill.lakesql.interface import Failure


@pytest.fixture
def done(carried):
    """Carry out a statement that gives no rows: how many rows it changed."""

    def carry_out(text, **kwargs):
        outcome = carried(text, **kwargs)
        assert not isinstance(outcome, Failure), outcome.message
        return outcome.updated

    return carry_out
