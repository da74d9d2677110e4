"""AWS's cron expressions, by a table of cases."""

import datetime
import json
from pathlib import Path

import pytest

from lakemill.engines.schedules import ScheduleWrong, parse

CASES = json.loads((Path(__file__).parents[3] / "cases" / "schedules" / "cron.json").read_text())


def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(("text", "moment", "expected"), CASES["next"])
def test_it_is_due_at_the_next_times(text, moment, expected):
    schedule, moment, found = parse(text), utc(moment), []
    for _ in expected:
        moment = moment and schedule.next_after(moment)
        found.append(moment)
    assert found == [due and utc(due) for due in expected]


@pytest.mark.parametrize(("text", "reason"), CASES["wrong"])
def test_what_cannot_be_read_is_refused_with_the_reason(text, reason):
    with pytest.raises(ScheduleWrong) as caught:
        parse(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("text", "minutes"), CASES["apart"])
def test_it_tells_how_close_its_times_are(text, minutes):
    assert parse(text).minutes_apart_min == minutes


def test_the_zone_of_the_moment_is_heeded():
    moment = datetime.datetime(2026, 1, 1, 13, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert parse("cron(0 12 * * ? *)").next_after(moment) == utc("2026-01-01T12:00")
