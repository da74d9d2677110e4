"""Which days of a month a cron expression means, by day of month or by day of week."""

import calendar
import datetime
import re
from collections.abc import Callable

from lakemill.engines.schedules.fields import DAYS, WEEKDAY, ScheduleWrong

DaysOf = Callable[[int, int], list[int]]
"""(year, month) -> its days, in order."""


def days_of(days: str, weekdays: str) -> DaysOf:
    """The days two fields mean, one of which is `?`. Raises ScheduleWrong."""
    if (days == "?") == (weekdays == "?"):
        raise ScheduleWrong("one of Day-of-month and Day-of-week must be ?, and the other must not")
    return _by_weekday(weekdays) if days == "?" else _by_day(days)


def _by_day(text: str) -> DaysOf:
    if text == "L":
        return lambda year, month: [_length(year, month)]
    if found := re.fullmatch(r"([0-9]{1,2})W", text):
        wanted = DAYS.number(found[1])
        return lambda year, month: _nearest_workday(year, month, wanted)
    numbers = DAYS.numbers(text)
    return lambda year, month: [day for day in numbers if day <= _length(year, month)]


def _by_weekday(text: str) -> DaysOf:
    if text == "L":  # The week's last day.
        text = "SAT"
    if found := re.fullmatch(r"([1-7]|[A-Z]{3})L", text):
        last = WEEKDAY.number(found[1])
        return lambda year, month: _on(year, month, last)[-1:]
    if found := re.fullmatch(r"([1-7]|[A-Z]{3})#([1-5])", text):
        number, which = WEEKDAY.number(found[1]), int(found[2])
        return lambda year, month: _on(year, month, number)[which - 1 : which]
    numbers = WEEKDAY.numbers(text)
    return lambda year, month: sorted(day for number in numbers for day in _on(year, month, number))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _on(year: int, month: int, weekday: int) -> list[int]:
    """The days of a month that are a weekday, 1 for Sunday."""
    first = datetime.date(year, month, 1).isoweekday() % 7 + 1
    return list(range(1 + (weekday - first) % 7, _length(year, month) + 1, 7))


def _nearest_workday(year: int, month: int, wanted: int) -> list[int]:
    """The day from Monday to Friday closest to a day, in the same month."""
    length = _length(year, month)
    if wanted > length:
        return []
    weekday = datetime.date(year, month, wanted).isoweekday()
    if weekday == 6:
        return [wanted - 1 if wanted > 1 else wanted + 2]
    if weekday == 7:
        return [wanted + 1 if wanted < length else wanted - 2]
    return [wanted]
