"""Statements that read tables as views."""

import pytest

from lakemill.glueetl.sqltables import mentioned, replaced

VIEWS = {("db", "c"): "v", ("", "d"): "w"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT * FROM db.c", "SELECT * FROM `v` AS `c`"),
        ("SELECT x.id FROM DB.C AS x", "SELECT x.id FROM `v` AS x"),
        ("SELECT x.id FROM `db`.`c` x, d", "SELECT x.id FROM `v` x, `w` AS `d`"),
        (
            "SELECT 'from db.c' FROM e JOIN db.c ON c.id = e.id",
            "SELECT 'from db.c' FROM e JOIN `v` AS `c` ON c.id = e.id",
        ),
        ("INSERT INTO db.c SELECT * FROM db.x", "INSERT INTO db.c SELECT * FROM db.x"),
        ("SELECT d.c FROM other.d", "SELECT d.c FROM other.d"),
    ],
)
def test_mentions_of_tables_become_those_of_views(text, wanted):
    assert replaced(text, VIEWS) == wanted


def test_tables_are_found_but_those_a_statement_defines():
    assert mentioned("WITH t AS (SELECT * FROM db.c) SELECT * FROM t JOIN E") == {("db", "c"), ("", "e")}
    assert mentioned("SELEC nonsense FROM (") == set()
