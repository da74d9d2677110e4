import threading

import pytest

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.locks import Locks


def never():
    pass


def test_who_waits_goes_on_when_the_holder_ends_and_is_told_that_something_changed():
    locks = Locks()
    since = locks.now()
    assert locks.take(1, [7], since, never)
    told = []
    thread = threading.Thread(target=lambda: told.append(locks.take(2, [7], since, never)))
    thread.start()
    locks.free(1, written=True)
    thread.join(5)
    assert told == [False]
    assert locks.holders() == {7: 2}


def test_a_rollback_changes_nothing_for_who_waited():
    locks = Locks()
    locks.take(1, [7], locks.now(), never)
    locks.free(1, written=False)
    assert locks.take(2, [7], 0, never)


def test_two_who_wait_for_each_other_are_a_deadlock():
    locks = Locks()
    locks.take(1, [7], 0, never)
    locks.take(2, [8], 0, never)
    waiting = threading.Event()
    thread = threading.Thread(target=lambda: locks.take(1, [8], 0, waiting.set))
    thread.start()
    assert waiting.wait(5)
    with pytest.raises(SqlFailed) as failed:
        locks.take(2, [7], 0, never)
    assert failed.value.code == "40P01"
    locks.free(2, written=False)
    thread.join(5)
    assert locks.holders() == {7: 1, 8: 1}


def test_who_waits_can_be_stopped():
    def stopped():
        raise SqlFailed("57014", "cancelled")

    locks = Locks()
    locks.take(1, [7], 0, never)
    with pytest.raises(SqlFailed, match="cancelled"):
        locks.take(2, [7], 0, stopped)
