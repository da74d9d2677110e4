"""The 22 queries of TPC-H by Redshift's rules on native tables, beside DuckDB's own answers."""

import pytest

from tests import tpch
from tests.unit.lakesql.redshift_session import Session

SCALE = 0.01


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    own = tpch.generated(tmp_path_factory.mktemp("tpch"), SCALE)
    session = Session(own.cursor())
    for table in tpch.TABLES:
        found = own.execute(f"DESCRIBE {table}").fetchall()
        columns = [[name, kind.lower().replace("varchar", "varchar(256)")] for name, kind, *_ in found]
        session.create(f"{table}_", columns)
        session.connection.execute(f"INSERT INTO {table}_ SELECT * FROM {table}")
        session.relations[table] = session.relations[f"{table}_"]
    yield own, session
    own.close()


@pytest.mark.long
def test_every_query_gives_the_right_answer(site):
    own, session = site
    wrong = []
    for number, text in tpch.queries(own):
        _, rows = session.run(text)
        if not tpch.same(
            [["" if cell is None else session.text(cell) for cell in row] for row in rows], own.execute(text).fetchall()
        ):
            wrong.append(number)
    assert wrong == []
