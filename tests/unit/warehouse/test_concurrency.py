"""Sessions side by side: who writes to a table, waits for who wrote to it before."""

import threading

import pytest

from lakemill.lakesql.errors import SqlFailed


class Started:
    """A statement in a thread."""

    def __init__(self, client, *statements):
        self.outcome, self.client = [], client
        self.thread = threading.Thread(target=self._run, args=(statements,))
        self.thread.start()

    def _run(self, statements):
        for sql in statements:
            try:
                self.outcome.append(self.client.run(sql))
            except SqlFailed as failed:
                self.outcome.append(failed.code)

    def waits(self):
        """Wait until it waits for a lock."""
        locks = self.client.session.warehouse.locks
        for _ in range(1000):
            if self.client.session.pid in locks._wants:
                return
            self.thread.join(0.01)
        raise AssertionError("it does not wait")

    def end(self):
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.outcome


@pytest.fixture
def pair(client):
    first, second = client(), client()
    first.run("create table t (a int, b int)")
    first.run("insert into t values (1, 0)")
    return first, second


def test_updates_of_the_same_rows_follow_each_other(pair):
    first, second = pair
    first.run("begin")
    first.run("update t set b = b + 1")
    waiting = Started(second, "update t set b = b + 1")
    waiting.waits()
    first.run("commit")
    assert waiting.end() == [("UPDATE 1", None)]
    assert first.rows("select b from t") == [["2"]]


def test_a_transaction_that_has_read_cannot_change_what_others_have_changed_since(pair):
    first, second = pair
    second.run("begin")
    assert second.rows("select b from t") == [["0"]]
    first.run("update t set b = 1")
    with pytest.raises(SqlFailed, match="1023") as failed:
        second.run("update t set b = 2")
    assert failed.value.code == "40001"
    second.run("rollback")
    assert first.rows("select b from t") == [["1"]]


def test_lock_makes_others_wait_before_they_look(pair):
    first, second = pair
    first.run("begin")
    first.run("lock t")
    second.run("begin")
    waiting = Started(second, "lock t", "delete from t where a = 1", "insert into t values (1, 2)", "commit")
    waiting.waits()
    first.run("delete from t where a = 1")
    first.run("insert into t values (1, 1)")
    first.run("commit")
    assert [tag for tag, _ in waiting.end()] == ["LOCK TABLE", "DELETE 1", "INSERT 0 1", "COMMIT"]
    assert first.rows("select a, b from t") == [["1", "2"]]


def test_many_who_insert_and_update_lose_nothing(client):
    clients = [client() for _ in range(6)]
    clients[0].run("create table t (a int)")
    clients[0].run("create table total (n int)")
    clients[0].run("insert into total values (0)")
    steps = ["insert into t values (1)", "update total set n = n + 1"] * 5
    for started in [Started(one, *steps) for one in clients]:
        assert all(isinstance(outcome, tuple) for outcome in started.end())
    assert clients[0].rows("select (select count(*) from t), n from total") == [["30", "30"]]


def test_a_table_that_is_altered_meanwhile_is_seen_as_it_is_then(pair):
    first, second = pair
    first.run("begin")
    first.run("alter table t add column c int default 9")
    waiting = Started(second, "insert into t (a) values (2)")
    waiting.waits()
    first.run("commit")
    assert waiting.end() == [("INSERT 0 1", None)]
    assert first.rows("select a, c from t order by a") == [["1", "9"], ["2", "9"]]


def test_readers_do_not_wait(pair):
    first, second = pair
    first.run("begin")
    first.run("update t set b = 7")
    assert second.rows("select b from t") == [["0"]]
    first.run("rollback")


def test_a_statement_stops_when_it_is_cancelled(pair):
    first, second = pair
    first.run("insert into t select a.a, b.b from t a, t b")
    first.run("begin")
    first.run("lock t")
    waiting = Started(second, "update t set b = 3")
    waiting.waits()
    assert second.session.cancel()
    assert waiting.end() == ["57014"]
    first.run("commit")


def test_statement_timeout_stops_a_query(client):
    one = client()
    one.run("create table n (a int)")
    one.run("insert into n values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
    one.run("set statement_timeout to 100")
    crossed = ", ".join(f"n n{number}" for number in range(12))
    with pytest.raises(SqlFailed, match="statement timeout") as failed:
        one.run(f"select sum(n0.a * n1.a + n11.a) from {crossed}")
    assert failed.value.code == "57014"
    one.run("set statement_timeout to 0")
    assert one.rows("select count(*) from n") == [["10"]]


def test_a_rollback_of_objects_is_seen_by_nobody(pair):
    first, second = pair
    first.run("begin")
    first.run("create table gone (a int)")
    first.run("grant select on t to public")
    assert first.rows("select count(*) from gone") == [["0"]]
    with pytest.raises(SqlFailed, match='relation "gone" does not exist'):
        second.run("select * from gone")
    first.run("rollback")
    with pytest.raises(SqlFailed, match='relation "gone" does not exist'):
        first.run("select * from gone")
    assert second.rows("select count(*) from svv_relation_privileges where relation_name = 't'") == [["0"]]
