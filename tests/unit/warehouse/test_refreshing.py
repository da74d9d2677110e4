"""AUTO REFRESH of materialized views: what the warehouse does by itself, once it looks."""

import pytest

from lakemill.warehouse.refreshing import Refresher


@pytest.fixture
def refresher(warehouse):
    found = Refresher(warehouse)
    found.turn()
    return found


@pytest.fixture
def owner(client):
    found = client()
    found.run("create table t (id int)")
    found.run("create materialized view m auto refresh yes as select count(*) as n from t")
    return found


def test_a_view_is_refreshed_once_what_it_reads_was_committed(owner, refresher):
    owner.run("begin")
    owner.run("insert into t values (1)")
    assert refresher.turn() == 0
    owner.run("commit")
    assert refresher.turn() == 1
    assert owner.rows("select n from m") == [["1"]]
    assert refresher.turn() == 0
    told = "select refresh_type, status from svl_mv_refresh_status where db_name = current_database()"
    assert owner.rows(told) == [["Auto", "Refresh successfully recomputed MV from scratch"]]


def test_a_view_without_it_is_left_alone(owner, refresher):
    owner.run("alter materialized view m auto refresh no")
    owner.run("insert into t values (1)")
    assert refresher.turn() == 0
    assert owner.rows("select is_stale from svv_mv_info") == [["t"]]


def test_who_reads_meanwhile_goes_on_with_the_rows_of_before(owner, client, refresher):
    reader = client()
    reader.run("begin")
    assert reader.rows("select n from m") == [["0"]]
    owner.run("insert into t values (1)")
    assert refresher.turn() == 1
    assert reader.rows("select n from m") == [["0"]]
    reader.run("commit")
    assert reader.rows("select n from m") == [["1"]]


def test_a_refresh_that_fails_is_told_and_tried_again_after_the_next_change(owner, client, refresher):
    owner.run("create table u (a varchar(5))")
    owner.run("create materialized view numbers auto refresh yes as select a::int as number from u")
    owner.run("insert into u values ('one')")
    assert refresher.turn() == 0
    assert refresher.turn() == 0
    told = "select status from svl_mv_refresh_status where mv_name = 'numbers' and db_name = current_database()"
    assert [row[0][:15] for row in owner.rows(told)] == ["Refresh failed."]
    owner.run("update u set a = '1'")
    assert refresher.turn() == 1
    assert owner.rows("select number from numbers") == [["1"]]


def test_what_was_committed_before_the_first_view_without_a_note_is_not_missed(warehouse, client):
    before = warehouse.locks.watch
    warehouse.locks.watch = type(before)()
    try:
        warehouse.locks.watch.tell(False)
        early, writer = client(), client()
        early.run("create table t (id int)")
        early.run("begin")
        early.run("select * from t")
        writer.run("insert into t values (1)")
        early.run("create materialized view old as select count(*) as n from t")
        early.run("commit")
        assert early.rows("select n, is_stale from old, svv_mv_info") == [["0", "t"]]
        early.run("refresh materialized view old")
        assert early.rows("select n, is_stale from old, svv_mv_info") == [["1", "f"]]
    finally:
        warehouse.locks.watch = before
        before.start()


def test_a_writer_who_has_not_ended_leaves_the_view_stale(owner, client):
    writer = client()
    writer.run("begin")
    writer.run("insert into t values (1)")
    owner.run("create materialized view early as select count(*) as n from t")
    assert owner.rows("select is_stale from svv_mv_info where name = 'early'") == [["f"]]
    writer.run("commit")
    assert owner.rows("select is_stale from svv_mv_info where name = 'early'") == [["t"]]
