"""The 22 queries of TPC-H, asked of Athena, beside DuckDB's own answers."""

import pytest
from tests import tpch
from tests.running import Lakemill

SCALE = 0.01


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tpch")
    connection = tpch.generated(folder, SCALE)
    with Lakemill(folder / "data", "--no-log-requests") as running:
        yield connection, tpch.Athena(running, connection, folder)
    connection.close()


@pytest.mark.long
def test_every_query_gives_the_right_answer(site):
    connection, athena = site
    wrong = []
    for number, text in tpch.queries(connection):
        execution, _ = athena.ask(text)
        if not tpch.same(athena.rows(execution), connection.execute(text).fetchall()):
            wrong.append(number)
    assert wrong == []
