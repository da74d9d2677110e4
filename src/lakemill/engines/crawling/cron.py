"""AWS's cron expressions: `cron(Minutes Hours Day-of-month Month Day-of-week Year)`, in UTC.

Fields hold `*`, numbers, ranges `1-5`, lists `1,3`, steps `0/15`; months and days of the week also names. Days of the
week count from 1, which is Sunday. One of the two fields of days is `?`. `L` is the month's last day, or with a day of
the week (`6L`) the last of those; `15W` is the weekday nearest to the 15th; `6#3` the third Friday.
"""

import calendar
import datetime
import re
from collections.abc import Callable

from lakemill.engines.crawling.errors import CronInvalid

YEARS = (1970, 2199)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DayTest = Callable[[datetime.date], bool]


class Cron:
    """A parsed expression. Raises CronInvalid.

    >>> Cron("cron(15 12 ? * MON-FRI *)").after(datetime.datetime(2024, 3, 1, 12, 15))
    datetime.datetime(2024, 3, 4, 12, 15)
    """

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"\s*cron\s*\(([^()]*)\)\s*", text)
        fields = match[1].upper().split() if match else []
        if len(fields) != 6:
            raise CronInvalid(f"The schedule {text!r} is not cron(minutes hours day-of-month month day-of-week year)")
        self._text = text
        minutes, hours, day, month, weekday, year = fields
        if (day == "?") is (weekday == "?"):
            raise self._wrong("exactly one of day-of-month and day-of-week must be ?")
        self._minutes = self._numbers(minutes, 0, 59)
        self._hours = self._numbers(hours, 0, 23)
        self._months = self._numbers(month, 1, 12, _MONTHS)
        self._years = self._numbers(year, *YEARS)
        self._day = self._day_of_week(weekday) if day == "?" else self._day_of_month(day)

    def after(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The first time after a moment; None if there is none any more."""
        start = moment.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
        day = start.date()
        while day.year <= YEARS[1]:
            if day.year not in self._years:
                following = [year for year in self._years if year > day.year]
                if not following:
                    return None
                day = datetime.date(min(following), 1, 1)
                continue
            if day.month not in self._months:
                day = (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
                continue
            if self._day(day):
                for hour in sorted(self._hours):
                    for minute in sorted(self._minutes):
                        found = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=moment.tzinfo)
                        if found >= start:
                            return found
            if day.year - start.year > 40:
                return None  # A day that no month has.
            day += datetime.timedelta(days=1)
        return None

    def _wrong(self, what: str) -> CronInvalid:
        return CronInvalid(f"The schedule {self._text!r} cannot be used: {what}")

    def _numbers(self, field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
        found: set[int] = set()
        for part in field.split(","):
            span, slash, step = part.partition("/")
            first, dash, last = span.partition("-")
            if span == "*":
                begin, end = low, high
            else:
                begin = self._number(first, low, high, names)
                end = self._number(last, low, high, names) if dash else (high if slash else begin)
            if slash and (not step.isdecimal() or int(step) < 1):
                raise self._wrong(f"{part} has no step")
            if begin > end:
                raise self._wrong(f"{part} ends before it begins")
            found.update(range(begin, end + 1, int(step) if slash else 1))
        return found

    def _number(self, text: str, low: int, high: int, names: tuple[str, ...]) -> int:
        if text in names:
            return low + names.index(text)
        if not text.isdecimal() or len(text) > 4 or not low <= int(text) <= high:
            raise self._wrong(f"{text or 'nothing'} is not between {low} and {high}")
        return int(text)

    def _day_of_month(self, field: str) -> DayTest:
        if field == "L":
            return lambda day: day.day == _length(day)
        if field == "LW":
            return lambda day: day.day == _nearest_weekday(day, _length(day))
        if field.endswith("W"):
            wanted = self._number(field[:-1], 1, 31, ())
            return lambda day: wanted <= _length(day) and day.day == _nearest_weekday(day, wanted)
        days = self._numbers(field, 1, 31)
        return lambda day: day.day in days

    def _day_of_week(self, field: str) -> DayTest:
        if field == "L":
            return lambda day: _weekday(day) == 7
        if field.endswith("L"):
            wanted = self._number(field[:-1], 1, 7, _DAYS)
            return lambda day: _weekday(day) == wanted and day.day + 7 > _length(day)
        if "#" in field:
            first, _, count = field.partition("#")
            wanted, place = self._number(first, 1, 7, _DAYS), self._number(count, 1, 5, ())
            return lambda day: _weekday(day) == wanted and (day.day + 6) // 7 == place
        days = self._numbers(field, 1, 7, _DAYS)
        return lambda day: _weekday(day) in days


def _length(day: datetime.date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _weekday(day: datetime.date) -> int:
    return day.isoweekday() % 7 + 1


def _nearest_weekday(day: datetime.date, wanted: int) -> int:
    """The day of the month that is a weekday and nearest to the wanted one, within the month."""
    number = day.replace(day=wanted).isoweekday()
    if number == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if number == 7:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted
