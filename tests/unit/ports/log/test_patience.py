"""How long a group is waited for, by a clock that is moved by hand."""

import pytest

from lakemill.ports.log import patience
from lakemill.ports.log.patience import Patience


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now_s = 100.0

        def __call__(self):
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(patience, "perf_counter", clock)
    return clock


def test_one_who_comes_alone_is_waited_for_a_single_look(clock):
    one = Patience(0.001)
    one.begin()
    assert [one.expects_more(1), one.expects_more(1)] == [True, False]


def test_while_callers_come_more_are_expected_but_not_for_ever(clock):
    one = Patience(0.001)
    one.begin()
    assert [one.expects_more(waiting) for waiting in (1, 2, 5, 5)] == [True, True, True, False]
    clock.now_s += 0.001
    assert not one.expects_more(6)


def test_as_many_as_there_were_are_waited_for(clock):
    one = Patience(0.001)
    one.answered(8, took_s=0.0001)
    one.begin()
    assert [one.expects_more(7), one.expects_more(7)] == [True, True]
    clock.now_s += 0.001
    assert not one.expects_more(7)


@pytest.mark.parametrize(("took_s", "waited_s"), [(0.0001, 0.001), (0.006, 0.003), (5.0, 0.01)])
def test_they_are_waited_for_half_of_what_the_last_group_took_within_bounds(clock, took_s, waited_s):
    one = Patience(0.001)
    one.answered(8, took_s)
    one.begin()
    one.expects_more(1)
    clock.now_s += 0.99 * waited_s
    assert one.expects_more(1)
    clock.now_s += 0.02 * waited_s
    assert not one.expects_more(1)
