import doctest

import pytest

from lakemill.lakesql.dialects import athena
from lakemill.lakesql.trino import sending
from lakemill.lakesql.trino.sending import Text


def test_the_examples_hold():
    assert doctest.testmod(sending).failed == 0


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("SELECT 1 -- UNION SELECT 2\n", "SELECT 1"),
        ("SELECT /* a /* b */ 1", "SELECT              1"),
        ("SELECT 1 /*\n\n*/ + 2", "SELECT 1   \n\n   + 2"),
        ("SELECT '--', \"/*\" FROM t", "SELECT '--', \"/*\" FROM t"),
        ("SELECT /*+ broadcast(t) */ 1", "SELECT                     1"),
        ("SELECT U&'\\0041', X'0A', 'it''s'", "SELECT U&'\\0041', X'0A', 'it''s'"),
    ],
)
def test_what_is_between_tokens_is_left_out(given, sent):
    assert str(Text(athena.parse(given).query)) == sent


def test_the_query_of_a_statement_stays_where_it_stands():
    parsed = athena.parse("CREATE TABLE x AS\nSELECT a FROM t")
    sent = Text(parsed.query)
    assert str(sent).split("\n") == [" " * 17, "SELECT a FROM t"]
    assert sent.place(2, 8) == (2, 8)


def test_parameters_stand_for_question_marks_and_move_no_places():
    sent = Text("SELECT a FROM t WHERE b = ? AND c = ?\n AND d", ["'x'", "1 /* one */ + 2"])
    assert str(sent) == "SELECT a FROM t WHERE b = 'x' AND c = (1 + 2)\n AND d"
    assert sent.place(1, 31) == (1, 29)
    assert sent.place(1, 35) == (1, 33)
    assert sent.place(1, 42) == (1, 37)
    assert sent.place(2, 6) == (2, 6)


def test_the_catalog_is_called_what_the_cluster_calls_it():
    text = "SELECT AwsDataCatalog.d.t.a, x.b FROM awsdatacatalog.d.t, hive.d.u AS x, v AS awsdatacatalog"
    named = 'SELECT "lake".d.t.a, x.b FROM "lake".d.t, "lake".d.u AS x, v AS awsdatacatalog'
    sent = Text(text, catalog="lake")
    assert str(sent) == named
    assert sent.place(1, named.index("x.b") + 1) == (1, text.index("x.b") + 1)


def test_only_other_names_of_the_catalog_are_replaced():
    sent = Text("SELECT 1 FROM awsdatacatalog.d.t, hive.d.u", catalog="awsdatacatalog")
    assert str(sent) == 'SELECT 1 FROM awsdatacatalog.d.t, "awsdatacatalog".d.u'
